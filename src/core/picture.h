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

#endif
