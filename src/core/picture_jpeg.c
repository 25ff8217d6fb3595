#include <turbojpeg.h>

#include "core/picture_priv.h"

int picture_jpeg(struct pool *pool, const struct frame *frame, int quality,
                 const uint8_t **ret_data, size_t *ret_len, struct err *err)
{
    tjhandle jpeg = tjInitCompress();
    unsigned char *data = NULL;
    unsigned long len = 0;
    int r;
    if (!jpeg)
        return err_set(err, E_NOMEM, "no memory for a JPEG");
    if (tjCompress2(jpeg, frame->pixels, frame->width, frame->stride, frame->height, TJPF_BGRX,
                    &data, &len, TJSAMP_420, quality, 0))
        r = err_set(err, E_INTERNAL, "cannot encode a JPEG: %.100s", tjGetErrorStr2(jpeg));
    else
        r = picture_keep(pool, data, len, ret_data, ret_len, err);
    tjFree(data);
    tjDestroy(jpeg);
    return r;
}
