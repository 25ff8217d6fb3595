#include "brain/model/picture.h"

int model_picture(void *arg, struct pool *pool, const struct profile *profile,
                  const struct frame *frame, int width, int height, struct model_frame *out,
                  struct err *err)
{
    const struct picture_kind kind = {width, height, profile->format, profile->quality};
    struct model_frame made = {.width = width, .height = height};
    int r = picture_memo_get(arg, pool, frame, &kind, &made.data, &made.len, err);
    if (!r)
        *out = made;
    return r;
}
