/*
 * picture.h - a frame as a file: PNG, JPEG or WebP; cut out and resized.
 *
 * Pure, and a library of its own (picture_dep): who only handles frames links no codec. The masks of a frame
 * are painted: no picture shows what they cover.
 * Blocks: 1280x720 takes 2-4 ms as PNG (12 when all of it is a photo), 2 as JPEG, 10 to be resized (docs/brains.md has the figures).
 */
#ifndef MANTIS_CORE_PICTURE_H
#define MANTIS_CORE_PICTURE_H

#include "base/err.h"
#include "core/frame.h"

enum picture_format { PICTURE_PNG, PICTURE_JPEG, PICTURE_WEBP, PICTURE_FORMATS };

/*
 * quality: 1 to 100 of JPEG and WebP, ignored for PNG.
 * Shape:  RGB 8-bit; the file lives in pool.
 * Errors: E_INVALID for a frame without pixels or of sides over CAP_SCREEN_SIDE_PX; E_NOMEM.
 */
int picture_encode(struct pool *pool, const struct frame *frame, enum picture_format format, int quality,
                   const uint8_t **ret_data, size_t *ret_len, struct err *err) MUST_CHECK;

/* The frame in another size (Lanczos), its pixels in pool; the same frame when it has that size already.
 * Errors: as above, for either size. */
int picture_resize(struct pool *pool, const struct frame *frame, int width, int height, struct frame *out,
                   struct err *err) MUST_CHECK;

/* A file as it is wanted: in these sides, whatever the frame's are. quality: as above. */
struct picture_kind {
    int width, height;
    enum picture_format format;
    int quality;
};

/* The last file that was made: who wants the same of the same pixels gets it, and nothing is made anew. So it is with
 * what a model is sent, what it is asked beside, and the screenshot of the step. */
struct picture_memo;
struct picture_memo *picture_memo_create(void);
void picture_memo_destroy(struct picture_memo *memo);   /* NULL is fine */
int picture_memo_made(const struct picture_memo *memo); /* how many files were */

/* Resized and encoded, unless memo has it; to know that takes 0.3 ms. memo NULL: always. */
int picture_memo_get(struct picture_memo *memo, struct pool *pool, const struct frame *frame,
                 const struct picture_kind *kind, const uint8_t **ret_data, size_t *ret_len,
                 struct err *err) MUST_CHECK;

#endif
