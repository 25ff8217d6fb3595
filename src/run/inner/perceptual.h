/*
 * perceptual.h - did a weighty action show on the screen? (agent-loop.md 8.2)
 *
 * Pixels only, so it works on every plane; it observes and never decides by itself.
 */
#ifndef MANTIS_RUN_INNER_PERCEPTUAL_H
#define MANTIS_RUN_INNER_PERCEPTUAL_H

#include "core/action.h"
#include "core/frame.h"

#define PERCEPTUAL_CROP_PX 200 /* side of the square around a click */

struct perceptual {
    bool global_changed, region_changed;
    const char
        *reason; /* global_changed, region_changed, global_and_region_changed or _stable; static */
};

/* Return (or a chord that ends in it), or a click whose reasoning, thinking or task speaks of
 * committing something. Texts may be NULL. */
bool perceptual_risky(const struct action *action, const char *thinking, const char *task);

/* Compare two screens; at NULL or outside: the whole only. False when one of them has no pixels. */
bool perceptual_compare(const struct frame *before, const struct frame *after,
                        const struct point *at, struct perceptual *out);

/* True when text speaks of committing something: submit, buy, delete, sign in ... as whole words.
 */
bool perceptual_commits(const char *text);

#endif
