/*
 * driver.h - what one kind of video file is: names and options of libav, and how pictures are turned into its
 * pixels. encoder.c does the rest.
 */
#ifndef MANTIS_RECORD_DRIVER_H
#define MANTIS_RECORD_DRIVER_H

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
    /* Bytes at the start of a file's first packet that are wanted once only, however many files are joined; NULL:
     * none. */
    size_t (*head)(const uint8_t *data, size_t len);
};

extern const struct encoder_driver encoder_mp4, encoder_webm, encoder_gif;

/* err_set() with libav's words for its code. */
int av_failed(struct err *err, int code, const char *what, const char *path) MUST_CHECK;

/* For encoder.c and join.c. NULL: unknown. */
const struct encoder_driver *encoder_find(const char *format);

#endif
