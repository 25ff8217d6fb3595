/*
 * driver.h - what one kind of video file is: names and options of libav, and how pictures are turned into its
 * pixels. encoder.c does the rest.
 */
#ifndef MANTIS_RECORD_DRIVER_H
#define MANTIS_RECORD_DRIVER_H

#include <libavformat/avformat.h>
#include <libavutil/dict.h>
#include <libavutil/frame.h>

#include "record/encoder.h"

struct encoder_driver {
    const char *format;
    unsigned caps; /* enum encoder_caps */
    const char *codec, *muxer;
    enum AVPixelFormat pixels;
    int even;                        /* sides are multiples of this */
    const char *codec_options;       /* "key=value:key=value" */
    const char *writing, *keeping;   /* options of the muxer: while it runs; for the file that is kept */
    /* BGRX into the frame; NULL: libswscale does it. */
    void (*convert)(const struct frame *from, AVFrame *to);
    const char *unpack; /* libav's filter from packets of a file to what the codec gives; NULL: they are the same */
    /* Bytes at the start of a file's first packet that are wanted once only, however many writers go on with it;
     * NULL: none. */
    size_t (*head)(const uint8_t *data, size_t len);
};

extern const struct encoder_driver encoder_mp4, encoder_webm, encoder_gif;

/* err_set() with libav's words for its code. */
int av_failed(struct err *err, int code, const char *what, const char *path) MUST_CHECK;

/* For encoder.c and keep.c. NULL: unknown. */
const struct encoder_driver *encoder_find(const char *format);

/* A file to be read, its video the first stream: also one whose writer was killed. E_IO. */
int video_open(const char *path, AVFormatContext **out, struct err *err) MUST_CHECK;

#endif
