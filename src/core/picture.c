#include <libswscale/swscale.h>
#include <string.h>

#include "base/caps.h"
#include "core/picture_priv.h"

#define ALIGN_BYTES 64 /* of a row that swscale works on: its widest registers */

static picture_encode_fn *const encoders[PICTURE_FORMATS] = {
    [PICTURE_PNG] = picture_png,
    [PICTURE_JPEG] = picture_jpeg,
    [PICTURE_WEBP] = picture_webp,
};

static int check_size(int width, int height, struct err *err)
{
    if (width >= 1 && height >= 1 && width <= CAP_SCREEN_SIDE_PX && height <= CAP_SCREEN_SIDE_PX)
        return 0;
    return err_set(err, E_INVALID, "a picture of %dx%d pixels: both sides must be from 1 to %d",
                   width, height, CAP_SCREEN_SIDE_PX);
}

static int check(const struct frame *frame, struct err *err)
{
    if (!frame->pixels)
        return err_set(err, E_INVALID, "a picture of a frame without pixels");
    int r = check_size(frame->width, frame->height, err);
    if (!r && frame->stride / 4 < frame->width)
        r = err_set(err, E_INVALID, "a picture of %d pixels a row, in rows of %d bytes",
                    frame->width, frame->stride);
    return r;
}

/* The frame as it may leave: its pixels, or a copy of them in scratch with the masks painted. */
static int masked(struct pool *scratch, const struct frame *frame, struct frame *out,
                  struct err *err)
{
    *out = *frame;
    if (!frame->n_masks)
        return 0;
    size_t len = (size_t)frame->stride * (size_t)(frame->height - 1) + 4 * (size_t)frame->width;
    uint8_t *pixels = pool_try_raw(scratch, len);
    if (!pixels)
        return err_set(err, E_NOMEM, "no memory for a picture of %zu bytes", len);
    memcpy(pixels, frame->pixels, len);
    frame_paint_masks(frame, pixels);
    out->pixels = pixels;
    out->n_masks = 0;
    return 0;
}

/* --- files ----------------------------------------------------------------------------------- */

int picture_keep(struct pool *pool, const void *data, size_t len, const uint8_t **ret_data,
                 size_t *ret_len, struct err *err)
{
    uint8_t *copy = pool_try_raw(pool, len);
    if (!copy)
        return err_set(err, E_NOMEM, "no memory for a picture of %zu bytes", len);
    memcpy(copy, data, len);
    *ret_data = copy;
    *ret_len = len;
    return 0;
}

int picture_encode(struct pool *pool, const struct frame *frame, enum picture_format format,
                   int quality, const uint8_t **ret_data, size_t *ret_len, struct err *err)
{
    int r = check(frame, err);
    if (!r && format != PICTURE_PNG && (quality < 1 || quality > 100))
        r = err_set(err, E_INVALID, "a picture's quality must be from 1 to 100, not %d", quality);
    struct pool *scratch = pool_create(NULL);
    struct frame safe;
    if (!r)
        r = masked(scratch, frame, &safe, err);
    if (!r)
        r = encoders[format](pool, &safe, quality, ret_data, ret_len, err);
    pool_destroy(scratch);
    return r;
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* Blue, green and red apart, as swscale scales three planes of bytes: five times as fast as it
 * scales BGRX, which it turns into another colour space and back (measured: 4 ms and 18 ms to
 * 1428x896), and with colours as they were. It reads and writes in blocks, behind the last pixel
 * too: rows are aligned and have room. */
struct planes {
    int width, height, stride;
    uint8_t *of[3];
};

static int planes_make(struct pool *pool, int width, int height, struct planes *out)
{
    int stride = (width + ALIGN_BYTES - 1) / ALIGN_BYTES * ALIGN_BYTES;
    size_t bytes = (size_t)stride * (size_t)height;
    uint8_t *raw = pool_try_raw(pool, 3 * bytes + 2 * ALIGN_BYTES);
    if (!raw)
        return E_NOMEM;
    raw += (ALIGN_BYTES - (uintptr_t)raw % ALIGN_BYTES) % ALIGN_BYTES;
    *out = (struct planes){width, height, stride, {raw, raw + bytes, raw + 2 * bytes}};
    return 0;
}

static void split(const struct frame *frame, const struct planes *out)
{
    for (int y = 0; y < frame->height; y++) {
        const uint8_t *px = frame->pixels + (size_t)y * (size_t)frame->stride;
        size_t row = (size_t)y * (size_t)out->stride;
        uint8_t *b = out->of[0] + row, *g = out->of[1] + row, *r = out->of[2] + row;
        for (int x = 0; x < frame->width; x++) {
            b[x] = px[4 * x];
            g[x] = px[4 * x + 1];
            r[x] = px[4 * x + 2];
        }
    }
}

static void join(const struct planes *planes, uint8_t *px)
{
    for (int y = 0; y < planes->height; y++, px += 4 * (size_t)planes->width) {
        size_t row = (size_t)y * (size_t)planes->stride;
        const uint8_t *b = planes->of[0] + row, *g = planes->of[1] + row, *r = planes->of[2] + row;
        for (int x = 0; x < planes->width; x++) {
            px[4 * x] = b[x];
            px[4 * x + 1] = g[x];
            px[4 * x + 2] = r[x];
        }
    }
}

/* YUV444P is what swscale calls three planes of one size; that ours are other colours is nothing to
 * it. */
static int scale(const struct planes *from, const struct planes *to)
{
    struct SwsContext *sws =
        sws_getContext(from->width, from->height, AV_PIX_FMT_YUV444P, to->width, to->height,
                       AV_PIX_FMT_YUV444P, SWS_LANCZOS | SWS_ACCURATE_RND, NULL, NULL, NULL);
    const int from_strides[3] = {from->stride, from->stride, from->stride};
    const int to_strides[3] = {to->stride, to->stride, to->stride};
    int rows = sws ? sws_scale(sws, (const uint8_t *const *)from->of, from_strides, 0, from->height,
                               to->of, to_strides)
                   : 0;
    sws_freeContext(sws);
    return rows == to->height ? 0 : E_INTERNAL;
}

static int resize(struct pool *scratch, const struct frame *frame, const struct frame *to,
                  uint8_t *pixels)
{
    struct planes before, after;
    struct frame safe;
    int r = pixels ? planes_make(scratch, frame->width, frame->height, &before) : E_NOMEM;
    if (!r)
        r = planes_make(scratch, to->width, to->height, &after);
    if (!r)
        r = masked(scratch, frame, &safe, NULL);
    if (r)
        return r;
    split(&safe, &before);
    r = scale(&before, &after);
    if (!r)
        join(&after, pixels);
    return r;
}

int picture_resize(struct pool *pool, const struct frame *frame, int width, int height,
                   struct frame *out, struct err *err)
{
    int r = check(frame, err);
    if (!r)
        r = check_size(width, height, err);
    if (r)
        return r;
    if (width == frame->width && height == frame->height) {
        *out = *frame;
        return 0;
    }
    struct frame sized = {
        .width = width, .height = height, .stride = 4 * width, .taken_us = frame->taken_us};
    uint8_t *pixels = pool_try(pool, (size_t)sized.stride * (size_t)height);
    struct pool *scratch = pool_create(NULL);
    r = resize(scratch, frame, &sized, pixels);
    pool_destroy(scratch);
    if (r)
        return err_set(err, r, "cannot resize a picture from %dx%d to %dx%d: %s", frame->width,
                       frame->height, width, height, err_name(r));
    sized.pixels = pixels;
    *out = sized;
    return 0;
}
