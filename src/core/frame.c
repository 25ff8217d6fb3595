#include "core/frame.h"

#include <stdio.h>
#include <string.h>

#define HASH_W        9
#define HASH_H        8
#define SMALL         64  /* side of the copy that blankness and difference are asked of */
#define WHITE         250 /* grey levels */
#define SAME_LEVELS   8   /* differences up to this do not count */
#define BLANK_PERCENT 99

static int grey(const uint8_t *bgrx)
{
    return (299 * bgrx[2] + 587 * bgrx[1] + 114 * bgrx[0]) / 1000; /* ITU-R BT.601 */
}

/* Mean grey of the block [x0,x1) x [y0,y1), which is never empty. */
static uint8_t block_mean(const struct frame *f, int x0, int y0, int x1, int y1)
{
    uint64_t sum = 0;
    for (int y = y0; y < y1; y++) {
        const uint8_t *p = f->pixels + (size_t)y * (size_t)f->stride + (size_t)x0 * 4;
        for (int x = x0; x < x1; x++, p += 4)
            sum += (uint64_t)grey(p);
    }
    return (uint8_t)(sum / ((uint64_t)(x1 - x0) * (uint64_t)(y1 - y0)));
}

/* Grey copy of area, w x h, by averaging. */
static void shrink(const struct frame *f, const struct rect *area, int w, int h, uint8_t *out)
{
    for (int row = 0; row < h; row++) {
        int y0 = area->y + row * area->h / h, y1 = area->y + (row + 1) * area->h / h;
        for (int col = 0; col < w; col++) {
            int x0 = area->x + col * area->w / w, x1 = area->x + (col + 1) * area->w / w;
            *out++ = block_mean(f, x0, y0, x1 > x0 ? x1 : x0 + 1, y1 > y0 ? y1 : y0 + 1);
        }
    }
}

static int clamp(int64_t v, int low, int high)
{
    return v < low ? low : v > high ? high : (int)v;
}

/* The part of area that is inside the frame, at least one pixel. */
static struct rect inside(const struct frame *f, const struct rect *area)
{
    if (!area)
        return (struct rect){0, 0, f->width, f->height};
    int x = clamp(area->x, 0, f->width - 1), y = clamp(area->y, 0, f->height - 1);
    int right = clamp(area->x + (int64_t)area->w, x + 1, f->width);
    int bottom = clamp(area->y + (int64_t)area->h, y + 1, f->height);
    return (struct rect){x, y, right - x, bottom - y};
}

bool frame_crop(const struct frame *f, struct rect *area, struct frame *out)
{
    if (!f->pixels || area->w < 1 || area->h < 1 || area->x >= f->width || area->y >= f->height ||
        area->x + (int64_t)area->w <= 0 || area->y + (int64_t)area->h <= 0)
        return false;
    *area = inside(f, area);
    *out = *f;
    out->width = area->w;
    out->height = area->h;
    out->pixels += (size_t)area->y * (size_t)f->stride + 4 * (size_t)area->x;
    out->x += area->x;
    out->y += area->y;
    return true;
}

static void fill(const struct frame *f, uint8_t *pixels, struct rect r, int level)
{
    struct frame part;
    if (!frame_crop(f, &r, &part))
        return;
    for (int y = r.y; y < r.y + r.h; y++)
        memset(pixels + (size_t)y * (size_t)f->stride + 4 * (size_t)r.x, level, 4 * (size_t)r.w);
}

/* Round ones, as far as there is room. */
static void dot_row(const struct frame *f, uint8_t *pixels, struct rect m)
{
    enum { DOTS = 6, SIZE = 7, STEP = 11, LEFT = 10 };
    static const int inset[SIZE] = {2, 1, 0, 0, 0, 1, 2};
    for (int i = 0; i < DOTS && m.h > SIZE && LEFT + i * STEP + SIZE < m.w; i++)
        for (int y = 0; y < SIZE; y++) {
            struct rect line = {m.x + LEFT + i * STEP + inset[y], m.y + (m.h - SIZE) / 2 + y,
                                SIZE - 2 * inset[y], 1};
            fill(f, pixels, line, FRAME_MASK_DOT);
        }
}

void frame_paint_masks(const struct frame *f, uint8_t *pixels)
{
    for (int i = 0; i < f->n_masks; i++) {
        struct rect m = f->masks[i].at;
        m.x -= f->x;
        m.y -= f->y;
        fill(f, pixels, m, FRAME_MASK_LEVEL);
        if (f->masks[i].filled)
            dot_row(f, pixels, m);
    }
}

void frame_hash(const struct frame *frame, const struct rect *area, char out[FRAME_HASH_BYTES])
{
    uint8_t small[HASH_W * HASH_H];
    struct rect where = inside(frame, area);
    uint64_t bits = 0;
    unsigned sum = 0;
    shrink(frame, &where, HASH_W, HASH_H, small);
    for (int row = 0; row < HASH_H; row++)
        for (int col = 0; col < HASH_W - 1; col++)
            if (small[row * HASH_W + col] > small[row * HASH_W + col + 1])
                bits |= (uint64_t)1 << (row * 8 + col);
    for (int i = 0; i < HASH_W * HASH_H; i++)
        sum += small[i];
    unsigned level = sum / (HASH_W * HASH_H) / 16;
    snprintf(out, FRAME_HASH_BYTES, "%016llx%x", (unsigned long long)bits, level > 15 ? 15 : level);
}

bool frame_is_blank(const struct frame *frame)
{
    uint8_t small[SMALL * SMALL];
    struct rect all = inside(frame, NULL);
    int white = 0;
    shrink(frame, &all, SMALL, SMALL, small);
    for (int i = 0; i < SMALL * SMALL; i++)
        white += small[i] >= WHITE;
    return white * 100 >= SMALL * SMALL * BLANK_PERCENT;
}

double frame_difference(const struct frame *a, const struct frame *b)
{
    return frame_difference_in(a, b, NULL);
}

double frame_difference_in(const struct frame *a, const struct frame *b, const struct rect *area)
{
    uint8_t small_a[SMALL * SMALL], small_b[SMALL * SMALL];
    int differ = 0;
    if (a->width != b->width || a->height != b->height)
        return 1;
    struct rect where = inside(a, area);
    shrink(a, &where, SMALL, SMALL, small_a);
    shrink(b, &where, SMALL, SMALL, small_b);
    for (int i = 0; i < SMALL * SMALL; i++) {
        int d = small_a[i] - small_b[i];
        differ += d > SAME_LEVELS || d < -SAME_LEVELS;
    }
    return (double)differ / (SMALL * SMALL);
}
