#include "brain/model/space.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"

int space_parse(const char *text, struct space *out, struct err *err)
{
    static const struct {
        const char *name;
        enum space_kind kind;
    } kinds[] = {{"screen", SPACE_SCREEN},
                 {"pixels", SPACE_SCREEN},
                 {"resized", SPACE_RESIZED},
                 {"unit", SPACE_UNIT},
                 {"per_mille", SPACE_PER_MILLE}};
    int w, h, end = 0;
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!strcmp(text, kinds[i].name)) {
            out->kind = kinds[i].kind;
            return 0;
        }
    if (sscanf(text, "fixed:%5dx%5d%n", &w, &h, &end) == 2 && !text[end] && w > 0 && h > 0 &&
        w <= CAP_SCREEN_SIDE_PX && h <= CAP_SCREEN_SIDE_PX) {
        out->kind = SPACE_FIXED;
        out->width = w;
        out->height = h;
        return 0;
    }
    return err_set(
        err, E_INVALID,
        "must be screen, resized, unit, per_mille or fixed:WxH (sides up to %d), not '%.60s'",
        CAP_SCREEN_SIDE_PX, text);
}

/* --- sizes ----------------------------------------------------------------------------------- */

/* Nearest multiple of factor, ties to even, at least one. */
static double snap(double side, double factor)
{
    return fmax(factor, factor * rint(side / factor));
}

static void resize(const struct space *s, int w, int h, int *ret_w, int *ret_h)
{
    double factor = s->factor, rw = snap(w, factor), rh = snap(h, factor), limit = 0;
    *ret_w = w;
    *ret_h = h;
    if (w < factor || h < factor) /* smaller than one patch: taken as it is */
        return;
    if (rw * rh > s->max_pixels)
        limit = s->max_pixels;
    else if (rw * rh < s->min_pixels)
        limit = s->min_pixels;
    if (limit > 0) {
        double scale = sqrt(limit / ((double)h * w));
        rw = snap(w * scale, factor);
        rh = snap(h * scale, factor);
    }
    *ret_w = (int)rw;
    *ret_h = (int)rh;
}

void space_size(const struct space *s, int w, int h, int *ret_w, int *ret_h)
{
    const struct {
        int w, h;
    } sizes[] = {[SPACE_SCREEN] = {w, h},
                 [SPACE_RESIZED] = {w, h},
                 [SPACE_UNIT] = {1, 1},
                 [SPACE_PER_MILLE] = {1000, 1000},
                 [SPACE_FIXED] = {s->width, s->height}};
    *ret_w = sizes[s->kind].w;
    *ret_h = sizes[s->kind].h;
    if (s->kind == SPACE_RESIZED)
        resize(s, w, h, ret_w, ret_h);
}

/* --- points ---------------------------------------------------------------------------------- */

static int clamp(double v, int side)
{
    if (!(v > 0))
        return 0;
    return v < side ? (int)v : side - 1;
}

static struct space_view whole(const struct space_view *view)
{
    struct space_view v = *view;
    if (!v.image_w || !v.image_h) {
        v.image_w = v.screen_w;
        v.image_h = v.screen_h;
    }
    return v;
}

/* The model's own resizing cuts off, every other scaling rounds: that is how they were trained. */
static double scaled(const struct space *s, double v, int from, int to)
{
    double out = v / from * to;
    if (s->kind == SPACE_RESIZED)
        return trunc(out);
    return s->kind == SPACE_SCREEN ? v : rint(v * to / from);
}

struct point space_to_screen(const struct space *space, const struct space_view *view, double x,
                             double y, bool fraction)
{
    static const struct space unit = {.kind = SPACE_UNIT};
    const struct space *s = fraction ? &unit : space;
    struct space_view v = whole(view);
    int w, h;
    space_size(s, v.image_w, v.image_h, &w, &h);
    x = scaled(s, x, w, v.image_w);
    y = scaled(s, y, h, v.image_h);
    if (v.image_w != v.screen_w || v.image_h != v.screen_h) {
        x = rint(x * v.screen_w / v.image_w);
        y = rint(y * v.screen_h / v.image_h);
    }
    return (struct point){clamp(x, v.screen_w), clamp(y, v.screen_h)};
}

static double told(const struct space *s, int at, int screen, int side)
{
    double v = (double)at * side / screen;
    return s->kind == SPACE_UNIT      ? rint(v * 1000) / 1000
           : s->kind == SPACE_RESIZED ? ceil(v)
                                      : rint(v);
}

void space_from_screen(const struct space *s, const struct space_view *view, struct point at,
                       double *ret_x, double *ret_y)
{
    struct space_view v = whole(view);
    int w, h;
    space_size(s, v.image_w, v.image_h, &w, &h);
    *ret_x = told(s, at.x, v.screen_w, w);
    *ret_y = told(s, at.y, v.screen_h, h);
}
