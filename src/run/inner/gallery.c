#include "run/inner/gallery.h"

#include <ctype.h>
#include <string.h>

#include "base/str.h"

#define W           160
#define H           90
#define DARK        55
#define BORDER_DARK 65
#define BRIGHT      90
#define LEVELS      256

/* "N of M": how many a viewer says it has. */
static bool says_n_of_m(const char *s)
{
    for (const char *p = s; (p = strstr(p, " of ")); p += 4) {
        const char *after = p + 4;
        if (p > s && isdigit((unsigned char)p[-1]) && isdigit((unsigned char)*after))
            return true;
    }
    return false;
}

bool gallery_words(const char *text)
{
    static const char *const phrases[] = {"photo gallery", "image gallery", "photo viewer",
                                          "image viewer", "lightbox"};
    if (!text)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(phrases); i++)
        if (str_contains_fold(text, phrases[i]))
            return true;
    return str_contains_fold(text, "close \xc3\x97") || says_n_of_m(text);
}

/* Nearest sample: a share of pixels needs no averaging. */
static int grey_at(const struct frame *f, int col, int row)
{
    int x = col * f->width / W, y = row * f->height / H;
    const uint8_t *p = f->pixels + (size_t)y * (size_t)f->stride + (size_t)x * 4;
    return (299 * p[2] + 587 * p[1] + 114 * p[0]) / 1000;
}

static bool at_border(int col, int row)
{
    return col < W / 10 || col >= W - W / 10 || row < H / 10 || row >= H - H / 10;
}

static bool in_centre(int col, int row)
{
    return col >= W / 4 && col < W - W / 4 && row >= H / 4 && row < H - H / 4;
}

/* Level below which share of the n counted pixels lie. */
static int level_of(const int *counts, int n, double share)
{
    int sum = 0, level = 0;
    while (level < LEVELS - 1 && (sum += counts[level]) < share * n)
        level++;
    return level;
}

struct gallery_look gallery_look_at(const struct frame *f)
{
    int dark = 0, border = 0, border_dark = 0, centre = 0, bright = 0, counts[LEVELS] = {0};
    for (int row = 0; row < H; row++)
        for (int col = 0; col < W; col++) {
            int g = grey_at(f, col, row);
            dark += g < DARK;
            border += at_border(col, row);
            border_dark += at_border(col, row) && g < BORDER_DARK;
            if (in_centre(col, row)) {
                centre++;
                bright += g > BRIGHT;
                counts[g]++;
            }
        }
    return (struct gallery_look){
        .dark = (double)dark / (W * H),
        .border_dark = (double)border_dark / border,
        .bright = (double)bright / centre,
        .centre_contrast = (level_of(counts, centre, 0.9) - level_of(counts, centre, 0.1)) / 255.0};
}

double gallery_score(bool words, const struct gallery_look *l)
{
    double score = words ? 0.7 : 0;
    if (l->dark >= 0.45)
        score += 0.25;
    if (l->border_dark >= 0.65)
        score += 0.2;
    if (l->centre_contrast >= 0.18 && l->bright >= 0.12)
        score += 0.25;
    if (l->dark > 0.95 && l->bright < 0.03)
        score -= 0.2;
    return score;
}

double gallery_trap(const char *text, const struct frame *frame)
{
    struct gallery_look look = {0};
    if (frame->pixels)
        look = gallery_look_at(frame);
    return gallery_score(gallery_words(text), &look);
}
