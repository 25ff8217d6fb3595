#include "brain/model/picture.h"

int model_picture(void *arg, struct pool *pool, const struct profile *profile,
                  const struct frame *frame, int width, int height, struct model_frame *out,
                  struct err *err)
{
    struct pool *scratch =
        pool_create(NULL); /* the resized pixels are needed no longer than here */
    struct model_frame made = {.width = width, .height = height};
    struct frame sized;
    int r = picture_resize(scratch, frame, width, height, &sized, err);
    if (!r)
        r = picture_encode(pool, &sized, profile->format, profile->quality, &made.data, &made.len,
                           err);
    if (!r)
        *out = made;
    pool_destroy(scratch);
    return r;
}
