/*
 * picture.h - the picture port of struct model_link (ask.h), made here: a frame resized and encoded.
 *
 *     link.picture = model_picture;
 *     link.picture_arg = memo;
 *
 * A library of its own (model_picture_dep): it links the codecs.
 */
#ifndef MANTIS_BRAIN_MODEL_PICTURE_H
#define MANTIS_BRAIN_MODEL_PICTURE_H

#include "brain/model/ask.h"

/*
 * arg: the pictures that were made before (struct picture_memo, core/picture.h), or NULL. width x height: what request_image_size() says, or any other; the frame is resized
 * to it whatever its shape. Format and quality are the profile's.
 * Blocks: 3 ms for 1280x720 as it is, 18 ms resized to 1428x896, 0.3 ms when it was the last that was made.
 * Owns:   *out is in pool; on error it is untouched.
 * Errors: E_INVALID (sides, a frame without pixels), E_NOMEM.
 */
int model_picture(void *arg, struct pool *pool, const struct profile *profile, const struct frame *frame, int width,
                  int height, struct model_frame *out, struct err *err) MUST_CHECK;

#endif
