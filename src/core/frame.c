#include "core/frame.h"

#include <stdio.h>
#include <string.h>

#define HASH_W        9
#define HASH_H        8
#define SMALL         FRAME_SMALL
#define WHITE         250 /* grey levels */
#define SAME_LEVELS   8   /* differences up to this do not count */
#define BLANK_PERCENT 99
#define FLAT_PERCENT  95
#define MOVES_W       5 /* of the small copy: what may move without being another picture */
#define MOVES_H       9

/* Four pixels at a time; blue and red side by side in one word, which holds 257 pixels. */
typedef uint32_t four __attribute__((vector_size(16)));

struct sums {
    four blue_red, green;
    int n; /* words since the last spill */
    uint64_t b, g, r;
};

static void spill(struct sums *s)
{
    for (int i = 0; i < 4; i++) {
        s->b += s->blue_red[i] & 0xffff;
        s->r += s->blue_red[i] >> 16;
        s->g += s->green[i];
    }
    s->blue_red = s->green = (four){0};
    s->n = 0;
}

static void add_four(struct sums *s, four px)
{
    enum { AT_ONCE = 256 };
    s->blue_red += px & 0xff00ff;
    s->green += (px >> 8) & 0xff;
    if (++s->n == AT_ONCE)
        spill(s);
}

static void add_row(struct sums *s, const uint32_t *row, int n)
{
    int x = 0;
    for (; x + 4 <= n; x += 4) {
        four px;
        memcpy(&px, row + x, sizeof(px));
        add_four(s, px);
    }
    for (; x < n; x++)
        add_four(s, (four){row[x]});
}

/* Mean grey (ITU-R BT.601) of the block [x0,x1) x [y0,y1), which is never empty. The colours are
 * summed and weighed once. */
static uint8_t block_mean(const struct frame *f, int x0, int y0, int x1, int y1)
{
    struct sums s = {0};
    for (int y = y0; y < y1; y++)
        add_row(&s, (const void *)(f->pixels + (size_t)y * (size_t)f->stride + (size_t)x0 * 4),
                x1 - x0);
    spill(&s);
    uint64_t n = (uint64_t)(x1 - x0) * (uint64_t)(y1 - y0);
    return (uint8_t)((299 * s.r + 587 * s.g + 114 * s.b) / (1000 * n));
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

void frame_small(const struct frame *frame, uint8_t out[SMALL * SMALL])
{
    struct rect all = inside(frame, NULL);
    shrink(frame, &all, SMALL, SMALL, out);
}

bool frame_is_blank(const struct frame *frame)
{
    uint8_t small[SMALL * SMALL];
    int white = 0;
    frame_small(frame, small);
    for (int i = 0; i < SMALL * SMALL; i++)
        white += small[i] >= WHITE;
    return white * 100 >= SMALL * SMALL * BLANK_PERCENT;
}

static bool same_grey(int a, int b)
{
    return a - b <= SAME_LEVELS && b - a <= SAME_LEVELS;
}

bool frame_small_is_flat(const uint8_t small[SMALL * SMALL])
{
    int count[256] = {0}, commonest = 0, near = 0;
    for (int i = 0; i < SMALL * SMALL; i++)
        count[small[i]]++;
    for (int level = 1; level < 256; level++)
        if (count[level] > count[commonest])
            commonest = level;
    for (int level = 0; level < 256; level++)
        near += same_grey(level, commonest) ? count[level] : 0;
    return near * 100 >= SMALL * SMALL * FLAT_PERCENT;
}

bool frame_small_differ(const uint8_t a[SMALL * SMALL], const uint8_t b[SMALL * SMALL])
{
    int left = SMALL, right = -1, top = SMALL, bottom = -1;
    for (int i = 0; i < SMALL * SMALL; i++) {
        int x = i % SMALL, y = i / SMALL;
        if (same_grey(a[i], b[i]))
            continue;
        left = x < left ? x : left;
        right = x > right ? x : right;
        top = y < top ? y : top;
        bottom = y;
    }
    return right - left >= MOVES_W || bottom - top >= MOVES_H;
}

double frame_difference(const struct frame *a, const struct frame *b)
{
    return frame_difference_in(a, b, NULL);
}

static bool same_pixels(const struct frame *a, const struct frame *b, const struct rect *area)
{
    size_t left = (size_t)area->x * 4, len = (size_t)area->w * 4;
    for (size_t y = (size_t)area->y; y < (size_t)(area->y + area->h); y++)
        if (memcmp(a->pixels + y * (size_t)a->stride + left,
                   b->pixels + y * (size_t)b->stride + left, len))
            return false;
    return true;
}

/* Of one row of the small copies. Most rows of two looks at a page are the same to the pixel. */
static int row_difference(const struct frame *a, const struct frame *b, const struct rect *band)
{
    uint8_t small_a[SMALL], small_b[SMALL];
    int differ = 0;
    if (same_pixels(a, b, band))
        return 0;
    shrink(a, band, SMALL, 1, small_a);
    shrink(b, band, SMALL, 1, small_b);
    for (int i = 0; i < SMALL; i++)
        differ += !same_grey(small_a[i], small_b[i]);
    return differ;
}

double frame_difference_in(const struct frame *a, const struct frame *b, const struct rect *area)
{
    int differ = 0;
    if (a->width != b->width || a->height != b->height)
        return 1;
    struct rect where = inside(a, area);
    for (int row = 0; row < SMALL; row++) {
        int y0 = row * where.h / SMALL, y1 = (row + 1) * where.h / SMALL;
        struct rect band = {where.x, where.y + y0, where.w, y1 > y0 ? y1 - y0 : 1};
        differ += row_difference(a, b, &band);
    }
    return (double)differ / (SMALL * SMALL);
}
