/*
 * picture_priv.h - one encoder per format. Each gets a frame that was checked and returns the file in
 * pool; one line in picture.c's table.
 */
#ifndef MANTIS_CORE_PICTURE_PRIV_H
#define MANTIS_CORE_PICTURE_PRIV_H

#include "core/picture.h"

typedef int picture_encode_fn(struct pool *pool, const struct frame *frame, int quality, const uint8_t **ret_data,
                              size_t *ret_len, struct err *err);

picture_encode_fn picture_png, picture_jpeg, picture_webp;

/* A library's buffer copied into pool; the buffer stays the caller's to free. E_NOMEM. */
int picture_keep(struct pool *pool, const void *data, size_t len, const uint8_t **ret_data, size_t *ret_len,
                 struct err *err) MUST_CHECK;

/* E_INVALID for what is no frame. */
int picture_check(const struct frame *frame, struct err *err) MUST_CHECK;

/* The frame as it may leave: its pixels, or a copy of them in scratch with the masks painted. E_NOMEM. */
int picture_masked(struct pool *scratch, const struct frame *frame, struct frame *out, struct err *err) MUST_CHECK;

#endif
