/* mp4.c - H.264 in fragments. Source of the quality: http-api.md section 17. */
#include "record/driver.h"

const struct encoder_driver encoder_mp4 = {
    .format = "mp4",
    .caps = ENCODER_HAS_CHAPTERS,
    .codec = "libx264",
    .muxer = "mp4",
    .pixels = AV_PIX_FMT_YUV420P,
    .even = 2,
    /* zerolatency: what went in comes out, so that a killed file ends where the run was */
    .codec_options = "preset=ultrafast:tune=zerolatency:crf=28",
    .writing = "movflags=empty_moov+default_base_moof:frag_duration=500000",
    .keeping = "movflags=faststart",
    .unpack = "h264_mp4toannexb", /* lengths become start codes */
};
