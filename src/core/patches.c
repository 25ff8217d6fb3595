#include "core/patches.h"

#include <string.h>

#include "base/caps.h"

/* --- little-endian numbers --------------------------------------------------------------------- */

static void put(unsigned char *at, int bytes, uint64_t value)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t get(const unsigned char *at, int bytes)
{
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)at[i] << (8 * i);
    return value;
}

/* --- the grid ---------------------------------------------------------------------------------- */

int patch_columns(int width)
{
    return (width + PATCH_W - 1) / PATCH_W;
}

int patch_rows(int height)
{
    return (height + PATCH_H - 1) / PATCH_H;
}

struct rect patch_rect(int width, int height, int cell)
{
    int x = cell % patch_columns(width) * PATCH_W, y = cell / patch_columns(width) * PATCH_H;
    return (struct rect){x, y, width - x < PATCH_W ? width - x : PATCH_W,
                         height - y < PATCH_H ? height - y : PATCH_H};
}

/* --- making ------------------------------------------------------------------------------------ */

void patches_begin(struct buf *out, const struct patches *head)
{
    unsigned char h[PATCHES_HEAD_BYTES] = {(unsigned char)head->kind, (unsigned char)head->flags};
    put(h + 4, 2, (uint64_t)head->width);
    put(h + 6, 2, (uint64_t)head->height);
    put(h + 8, 8, (uint64_t)head->taken_us);
    buf_add(out, h, sizeof(h));
}

void patches_add(struct buf *out, const struct rect *r, const void *jpeg, size_t len)
{
    unsigned char h[PATCH_HEAD_BYTES];
    put(h, 2, (uint64_t)r->x);
    put(h + 2, 2, (uint64_t)r->y);
    put(h + 4, 2, (uint64_t)r->w);
    put(h + 6, 2, (uint64_t)r->h);
    put(h + 8, 4, len);
    buf_add(out, h, sizeof(h));
    buf_add(out, jpeg, len);
}

void patches_end(struct buf *out, int n)
{
    if (out->len >= PATCHES_HEAD_BYTES)
        put((unsigned char *)out->data + 2, 2, (uint64_t)n);
}

/* --- reading ----------------------------------------------------------------------------------- */

static bool is_side(int px)
{
    return px > 0 && px <= CAP_SCREEN_SIDE_PX;
}

int patches_read(const void *data, size_t len, struct patches *out, struct err *err)
{
    const unsigned char *b = data;
    if (len < PATCHES_HEAD_BYTES)
        return err_set(err, E_PROTOCOL, "a picture message of %zu bytes", len);
    struct patches p = {.kind = b[0],
                        .flags = b[1],
                        .n = (int)get(b + 2, 2),
                        .width = (int)get(b + 4, 2),
                        .height = (int)get(b + 6, 2),
                        .taken_us = (int64_t)get(b + 8, 8),
                        .at = b + PATCHES_HEAD_BYTES,
                        .end = b + len};
    if ((p.kind != PATCHES_REGIONS && p.kind != PATCHES_FRAME) || !is_side(p.width) || !is_side(p.height))
        return err_set(err, E_PROTOCOL, "a picture message of an unknown kind or size");
    if (p.kind == PATCHES_FRAME && p.n != 1)
        return err_set(err, E_PROTOCOL, "a frame in %d pieces", p.n);
    *out = p;
    return 0;
}

static bool is_cell(const struct patches *p, const struct rect *r)
{
    if (r->x % PATCH_W || r->y % PATCH_H || r->x >= p->width || r->y >= p->height)
        return false;
    struct rect own = patch_rect(p->width, p->height, r->y / PATCH_H * patch_columns(p->width) + r->x / PATCH_W);
    return r->w == own.w && r->h == own.h;
}

static bool is_screen(const struct patches *p, const struct rect *r)
{
    return !r->x && !r->y && r->w == p->width && r->h == p->height;
}

int patches_next(struct patches *p, struct patch *out, struct err *err)
{
    if (!p->n)
        return p->at == p->end ? 0 : err_set(err, E_PROTOCOL, "bytes behind the last region");
    size_t left = (size_t)(p->end - p->at);
    if (left < PATCH_HEAD_BYTES)
        return err_set(err, E_PROTOCOL, "a region is missing");
    struct patch one = {.rect = {(int)get(p->at, 2), (int)get(p->at + 2, 2), (int)get(p->at + 4, 2),
                                 (int)get(p->at + 6, 2)},
                        .data = p->at + PATCH_HEAD_BYTES,
                        .len = (size_t)get(p->at + 8, 4)};
    bool fits = p->kind == PATCHES_FRAME ? is_screen(p, &one.rect) : is_cell(p, &one.rect);
    if (!fits || one.len > left - PATCH_HEAD_BYTES)
        return err_set(err, E_PROTOCOL, "a region that is none of the screen's, or is cut off");
    if (one.len < 4 || memcmp(one.data, "\xff\xd8\xff", 3))
        return err_set(err, E_PROTOCOL, "a region that is no JPEG");
    p->n--;
    p->at = one.data + one.len;
    *out = one;
    return 1;
}
