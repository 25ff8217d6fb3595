/*
 * gif.c - 256 colours, the same for all pictures: 6x6x6 of all channels and 40 greys, since pages
 * are mostly grey. Without dithering letters stay crisp, and what did not change costs nothing.
 */
#include <string.h>

#include "record/driver.h"

enum {
    STEPS = 6,
    CUBE = STEPS * STEPS * STEPS,
    GREYS = 256 - CUBE,
    LEVELS = 256,
    GREY_SPREAD = 10
};

static void fill_palette(AVFrame *to)
{
    uint32_t *palette = (uint32_t *)(void *)to->data[1];
    for (unsigned i = 0; i < CUBE; i++)
        palette[i] = 0xff000000u | (i / 36 * 51) << 16 | (i / 6 % 6 * 51) << 8 | i % 6 * 51;
    for (unsigned i = 0; i < GREYS; i++)
        palette[CUBE + i] = 0xff000000u | i * 255 / (GREYS - 1) * 0x010101u;
}

static unsigned step_of(unsigned level)
{
    return (level + 25) / 51;
}

static uint8_t nearest(const uint8_t *bgrx)
{
    unsigned b = bgrx[0], g = bgrx[1], r = bgrx[2];
    unsigned low = b < g ? b : g, high = b < g ? g : b;
    low = r < low ? r : low;
    high = r > high ? r : high;
    if (high - low <= GREY_SPREAD)
        return (uint8_t)(CUBE + (g * (GREYS - 1) + 127) / (LEVELS - 1));
    return (uint8_t)(step_of(r) * 36 + step_of(g) * 6 + step_of(b));
}

static void convert(const struct frame *from, AVFrame *to)
{
    fill_palette(to);
    for (int y = 0; y < to->height; y++) {
        const uint8_t *in = from->pixels + (size_t)y * (size_t)from->stride;
        uint8_t *out = to->data[0] + (size_t)y * (size_t)to->linesize[0];
        for (int x = 0; x < to->width; x++)
            out[x] = nearest(in + 4 * x);
    }
}

/* Signature, screen descriptor and global palette (GIF89a 17 to 19), which the demuxer leaves in
 * front. */
static size_t head(const uint8_t *data, size_t len)
{
    enum { SCREEN = 13, FLAGS = 10, HAS_PALETTE = 0x80, PALETTE_BITS = 7 };
    if (len < SCREEN || memcmp(data, "GIF8", 4))
        return 0;
    size_t n =
        SCREEN + (data[FLAGS] & HAS_PALETTE ? (size_t)3 << ((data[FLAGS] & PALETTE_BITS) + 1) : 0);
    return n < len ? n : 0;
}

const struct encoder_driver encoder_gif = {
    .format = "gif",
    .codec = "gif",
    .muxer = "gif",
    .pixels = AV_PIX_FMT_PAL8,
    .even = 1,
    .codec_options = "",
    .writing = "loop=0",
    .keeping = "loop=0",
    .convert = convert,
    .head = head,
};
