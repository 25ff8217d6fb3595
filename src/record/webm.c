/* webm.c - VP9. Source of the quality: http-api.md section 17. */
#include "record/driver.h"

const struct encoder_driver encoder_webm = {
    .format = "webm",
    .caps = ENCODER_HAS_CHAPTERS,
    .codec = "libvpx-vp9",
    .muxer = "webm",
    .pixels = AV_PIX_FMT_YUV420P,
    .even = 2,
    .codec_options =
        "deadline=realtime:cpu-used=8:row-mt=1:crf=32:b=0:lag-in-frames=0:tune-content=screen",
    .writing = "cluster_time_limit=1000",
    .keeping = "cues_to_front=1",
};
