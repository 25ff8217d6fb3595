/*
 * space.h - the coordinates a model speaks in, and how they become screen pixels (brains.md section 12,
 * agent-loop.md section 3).
 *
 * Three sizes: the screen that is acted on, the image that shows it (mostly the same size), and the
 * space the model points in. Source of the resizing rule: brains.md section 12 (factor 28 patches).
 */
#ifndef MANTIS_BRAIN_MODEL_SPACE_H
#define MANTIS_BRAIN_MODEL_SPACE_H

#include "base/err.h"
#include "core/page.h"

enum space_kind {
    SPACE_SCREEN,    /* pixels of the image */
    SPACE_RESIZED,   /* pixels of the image after the model's own resizing */
    SPACE_UNIT,      /* 0..1 */
    SPACE_PER_MILLE, /* 0..1000 */
    SPACE_FIXED,     /* pixels of one size, whatever the screen's */
};

struct space {
    enum space_kind kind;
    int factor;                    /* resized: sides are multiples of it */
    double min_pixels, max_pixels; /* resized: of the whole image */
    int width, height;             /* fixed */
};

struct space_view {
    int screen_w, screen_h; /* px */
    int image_w, image_h;   /* px; 0: the screen's */
};

/* "screen" (also "pixels"), "resized", "unit", "per_mille", "fixed:WxH"; other fields are left. E_INVALID. */
int space_parse(const char *text, struct space *out, struct err *err) MUST_CHECK;

/* What the model points in, for an image of w x h: 1x1 for unit, 1000x1000 for per mille. */
void space_size(const struct space *space, int w, int h, int *ret_w, int *ret_h);

/* A point of the model on the screen, clamped. fraction: both are shares of the screen, whatever the
 * space (brains.md section 2: written with a decimal point and in 0..1). */
struct point space_to_screen(const struct space *space, const struct space_view *view, double x, double y,
                             bool fraction);

/* The other way, for telling a model what it did: within one unit of what it said. */
void space_from_screen(const struct space *space, const struct space_view *view, struct point at, double *ret_x,
                       double *ret_y);

#endif
