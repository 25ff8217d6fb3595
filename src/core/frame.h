/*
 * frame.h - the pixels of one screenshot and the questions asked of pixels alone.
 */
#ifndef MANTIS_CORE_FRAME_H
#define MANTIS_CORE_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "core/page.h"

/* A part that shows a secret, and whether a person would see that something stands there. */
struct frame_mask {
    struct rect at;
    bool filled;
};

/* height rows of stride bytes, BGRX 8-bit, top row first; stride >= 4 * width. */
struct frame {
    int width, height, stride;
    int64_t taken_us; /* clock_mono_us() at capture */
    const uint8_t *pixels; /* owned by whoever made it; pool or mapping */
    /* What shows a secret: it is seen here, and painted over wherever the pixels go (picture.h). In pixels of
     * the frame that this one was cut from at x, y. */
    const struct frame_mask *masks;
    int n_masks, x, y;
};

/* Levels of the greys that masks are painted in. */
#define FRAME_MASK_LEVEL 0xd8
#define FRAME_MASK_DOT   0x30

/* Paint a frame's masks over pixels of its shape; they may be its own. One that is filled gets dots, as
 * browsers show a password: whoever looks, a model too, sees that something stands there, and not how much. */
void frame_paint_masks(const struct frame *frame, uint8_t *pixels);

/* The part of it in area, which is cut to what is inside; borrows the pixels. False: there is nothing. */
bool frame_crop(const struct frame *frame, struct rect *area, struct frame *out);

#define FRAME_HASH_BYTES 18 /* 17 hex digits and NUL */

/* 64-bit difference hash of agent-loop.md section 5: grey, 9x8, bit set when pixel > right
 * neighbour, 16 hex digits and one more for min(mean/16, 15). area NULL: the whole frame. */
void frame_hash(const struct frame *frame, const struct rect *area, char out[FRAME_HASH_BYTES]);

/* At least 99 % of the pixels of a 64x64 grey copy are >= 250 (plans.md 8.4). */
bool frame_is_blank(const struct frame *frame);

/* Share (0..1) of 64x64 grey pixels that differ by more than 8 levels (agent-loop.md section 4).
 * 1 when the sizes differ. */
double frame_difference(const struct frame *a, const struct frame *b);
/* The same of the part of both that is in area; NULL: all. */
double frame_difference_in(const struct frame *a, const struct frame *b, const struct rect *area);

#endif
