/*
 * picture_png.c - what a screen shows, as a PNG. Most of it stands there already: a row is as the
 * one above, a pixel as the one beside it, a letter as the same letter before. That is looked for
 * pixel by pixel, and rows are not filtered: three times as fast as zlib's quickest search, which
 * goes byte by byte (measured: 1.7 ms and 5.4), in as many bytes.
 */
#include "core/picture_priv.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/caps.h"
#include "core/deflate.h"

#define ADLER_MODULUS 65521
#define COLOURS       0xffffffu /* of a pixel: its fourth byte is nobody's */

enum {
    ROW_TYPE_BYTES = 1, /* before each row: how it was filtered */
    SEEN_BITS = 12,     /* of the table of places */
    FAR_RUN = 2,        /* px: a copy from elsewhere is worth that */
    SURE_RUN = 8,       /* px beside or above: no better place is looked for */
    CHUNKS_BYTES = 128, /* of the file besides the stream; less */
};

_Static_assert(3 * CAP_SCREEN_SIDE_PX + ROW_TYPE_BYTES <= DEFLATE_DISTANCE,
               "the row above must be in reach");

struct png {
    const struct frame *frame;
    size_t row_bytes; /* in the file */
    struct buf out;
    struct deflate deflate;
    uint32_t adler_a, adler_b;
    uint64_t sum,
        weighed; /* the last row's bytes, and each times how many bytes the row has from it on */
    int seen[1 << SEEN_BITS]; /* 1 + where two pixels stood last, by what they are; 0: nowhere */
};

static const uint32_t *row_of(const struct png *p, int y)
{
    return (const void *)(p->frame->pixels + (size_t)y * (size_t)p->frame->stride);
}

/* --- the check sum ------------------------------------------------------------------------------
 */

static void weigh_row(struct png *p, const uint32_t *row)
{
    uint64_t sum = 0, weighed = 0, weight = p->row_bytes - ROW_TYPE_BYTES;
    for (int x = 0; x < p->frame->width; x++, weight -= 3) {
        uint32_t blue = row[x] & 0xff, green = row[x] >> 8 & 0xff, red = row[x] >> 16 & 0xff;
        uint32_t all = red + green + blue;
        sum += all;
        weighed += weight * all - green - 2 * blue;
    }
    p->sum = sum;
    p->weighed = weighed;
}

/* Adler-32 over a row that was weighed. */
static void check_row(struct png *p)
{
    uint64_t b = p->adler_b + (uint64_t)p->adler_a * p->row_bytes + p->weighed;
    p->adler_b = (uint32_t)(b % ADLER_MODULUS);
    p->adler_a = (uint32_t)((p->adler_a + p->sum) % ADLER_MODULUS);
}

/* --- rows ------------------------------------------------------------------------------------- */

/* How many pixels are the same. */
static int run(const uint32_t *a, const uint32_t *b, int most)
{
    int n = 0;
    while (n < most && !((a[n] ^ b[n]) & COLOURS))
        n++;
    return n;
}

struct match {
    int run; /* px */
    unsigned distance;
};

/* Where these two pixels stood last, if it is not too far back. */
static struct match seen_before(struct png *p, const uint32_t *row, int x, int y)
{
    int w = p->frame->width;
    if (x + FAR_RUN > w)
        return (struct match){0};
    uint32_t hash = (row[x] & COLOURS) * 0x9e3779b1u ^ (row[x + 1] & COLOURS) * 0x85ebca77u;
    int *seen = &p->seen[hash >> (32 - SEEN_BITS)], place = *seen - 1;
    *seen = y * w + x + 1;
    if (place < 0)
        return (struct match){0};
    int was_x = place % w, was_y = place / w;
    size_t distance = (size_t)(y - was_y) * p->row_bytes + 3 * (size_t)x - 3 * (size_t)was_x;
    int most = w - (x > was_x ? x : was_x);
    if (distance > DEFLATE_DISTANCE)
        return (struct match){0};
    struct match m = {run(row + x, row_of(p, was_y) + was_x, most), (unsigned)distance};
    return m.run >= FAR_RUN ? m : (struct match){0};
}

static struct match best_match(struct png *p, const uint32_t *row, int x, int y)
{
    int most = p->frame->width - x;
    struct match m = {0};
    if (y)
        m = (struct match){run(row + x, row_of(p, y - 1) + x, most), (unsigned)p->row_bytes};
    if (x && m.run < SURE_RUN) {
        int beside = run(row + x, row + x - 1, most);
        if (beside > m.run)
            m = (struct match){beside, 3};
    }
    if (m.run < SURE_RUN) {
        struct match far = seen_before(p, row, x, y);
        if (far.run > m.run)
            m = far;
    }
    return m;
}

static void put_pixel(struct png *p, uint32_t pixel)
{
    deflate_byte(&p->deflate, pixel >> 16 & 0xff);
    deflate_byte(&p->deflate, pixel >> 8 & 0xff);
    deflate_byte(&p->deflate, pixel & 0xff);
}

static void put_row(struct png *p, const uint32_t *row, int y)
{
    deflate_byte(&p->deflate, 0);
    for (int x = 0; x < p->frame->width;) {
        struct match m = best_match(p, row, x, y);
        if (m.run)
            deflate_copy(&p->deflate, 3 * (size_t)m.run, m.distance);
        else
            put_pixel(p, row[x]);
        x += m.run ? m.run : 1;
    }
}

/* Rows that are as the one above are one long copy. */
static void put_rows(struct png *p)
{
    size_t same = 0, bytes = 4 * (size_t)p->frame->width;
    for (int y = 0; y < p->frame->height; y++) {
        const uint32_t *row = row_of(p, y);
        if (y && !memcmp(row, row_of(p, y - 1), bytes)) {
            same++;
        } else {
            deflate_copy(&p->deflate, same * p->row_bytes, (unsigned)p->row_bytes);
            same = 0;
            weigh_row(p, row);
            put_row(p, row, y);
        }
        check_row(p);
    }
    deflate_copy(&p->deflate, same * p->row_bytes, (unsigned)p->row_bytes);
}

/* --- the file --------------------------------------------------------------------------------- */

static void write_be32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (24 - 8 * i));
}

static void put_be32(struct png *p, uint32_t v)
{
    uint8_t bytes[4];
    write_be32(bytes, v);
    buf_add(&p->out, bytes, sizeof(bytes));
}

/* Returns where it began, for end_chunk(). */
static size_t begin_chunk(struct png *p, const char *type)
{
    size_t at = p->out.len;
    put_be32(p, 0);
    buf_adds(&p->out, type);
    return at;
}

static void end_chunk(struct png *p, size_t at)
{
    if (p->out.failed)
        return;
    uint8_t *chunk = (uint8_t *)p->out.data + at;
    uint32_t type_and_data = (uint32_t)(p->out.len - at - 4);
    write_be32(chunk, type_and_data - 4);
    put_be32(p, (uint32_t)crc32(0, chunk + 4, type_and_data));
}

static void put_file(struct png *p)
{
    static const uint8_t kind[] = {8, 2, 0, 0, 0}; /* 8 bits, RGB, the usual rest */
    buf_adds(&p->out, "\x89PNG\r\n\x1a\n");
    size_t at = begin_chunk(p, "IHDR");
    put_be32(p, (uint32_t)p->frame->width);
    put_be32(p, (uint32_t)p->frame->height);
    buf_add(&p->out, kind, sizeof(kind));
    end_chunk(p, at);
    at = begin_chunk(p, "IDAT");
    buf_adds(&p->out, "\x78\x01"); /* deflate, 32 KB back, in haste */
    deflate_begin(&p->deflate, &p->out);
    put_rows(p);
    deflate_end(&p->deflate);
    put_be32(p, p->adler_b << 16 | p->adler_a);
    end_chunk(p, at);
    end_chunk(p, begin_chunk(p, "IEND"));
}

int picture_png(struct pool *pool, const struct frame *frame, int quality, const uint8_t **ret_data,
                size_t *ret_len, struct err *err)
{
    struct png *p = calloc(1, sizeof(*p));
    if (!p)
        return err_set(err, E_NOMEM, "no memory for a PNG");
    p->frame = frame;
    p->row_bytes = ROW_TYPE_BYTES + 3 * (size_t)frame->width;
    p->adler_a = 1;
    buf_init(&p->out, deflate_most(p->row_bytes * (size_t)frame->height) + CHUNKS_BYTES);
    put_file(p);
    int r = p->out.failed
                ? err_set(err, E_NOMEM, "no memory for a PNG of %dx%d", frame->width, frame->height)
                : picture_keep(pool, p->out.data, p->out.len, ret_data, ret_len, err);
    buf_release(&p->out);
    free(p);
    return r;
}
