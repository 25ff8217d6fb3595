/*
 * gallery.h - has a click opened a photo viewer, which swallows the clicks that follow? A score
 * from words and darkness (agent-loop.md 7.5).
 */
#ifndef MANTIS_RUN_INNER_GALLERY_H
#define MANTIS_RUN_INNER_GALLERY_H

#include "core/frame.h"

#define GALLERY_IS_TRAP 0.65

/* What the score is made of: shares of pixels of a 160x90 grey copy. */
struct gallery_look {
    double dark;            /* below 55 */
    double border_dark;     /* of the outer tenth: below 65 */
    double centre_contrast; /* (brightest tenth - darkest tenth) / 255 of the middle half */
    double bright;          /* of the middle half: above 90 */
};

bool gallery_words(const char *text); /* "3 of 17", "photo gallery", "lightbox", "close ×" */
struct gallery_look gallery_look_at(const struct frame *frame);
double gallery_score(bool words, const struct gallery_look *look);

/* All of it; text may be NULL. 0 without pixels and words. */
double gallery_trap(const char *text, const struct frame *frame);

#endif
