/*
 * png.h - a frame as PNG: level 1, no row filter (libspng; 4-5 ms for 1280x720).
 */
#ifndef MANTIS_PLANE_PNG_H
#define MANTIS_PLANE_PNG_H

#include "base/err.h"
#include "core/frame.h"

/* RGB 8-bit PNG in pool. */
int png_encode(struct pool *pool, const struct frame *frame, const uint8_t **ret_data, size_t *ret_len,
               struct err *err) MUST_CHECK;

#endif
