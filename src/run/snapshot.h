/*
 * snapshot.h - what a page was like at one moment, small enough to keep: did an action change it?
 *
 * Pages move by themselves (clocks, carousels, adverts). What differs between two looks before the
 * action proves nothing afterwards, nor does anything below it. Pixels count only on planes that
 * show nothing else: an animation would make any dead button look alive.
 */
#ifndef MANTIS_RUN_SNAPSHOT_H
#define MANTIS_RUN_SNAPSHOT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/observation.h"

/* One visible node. place: where in the tree it stands; state: what it says and is set to; letters:
 * the same without figures and marks, 0 for all but texts. */
struct snapshot_node {
    uint64_t place, parent, state, letters;
};

struct snapshot {
    char url[65], title[65]; /* SHA-256 */
    char frame[FRAME_HASH_BYTES]; /* "" with a DOM */
    char page[65]; /* of all nodes; "" without a DOM */
    char focus[65]; /* the focused editable control; "" none */
    int scroll_x, scroll_y;
    const struct snapshot_node *nodes; /* by place; in the pool */
    int n_nodes;
};

void snapshot_take(struct pool *pool, const struct observation *obs, struct snapshot *out);
bool snapshot_same_url(const struct snapshot *a, const struct snapshot *b);

/* Address, title or a part of the page that was the same in first and before is different now. */
bool snapshot_changed(const struct snapshot *first, const struct snapshot *before,
                      const struct snapshot *now);

/* ... and all that changed is figures and marks within texts, as in a clock: *ret_n places, in pool.
 * NULL when more than that changed. */
uint64_t *snapshot_figures_changed(struct pool *pool, const struct snapshot *first,
                                   const struct snapshot *before, const struct snapshot *now,
                                   int *ret_n);

/* The node at that place is another or gone. */
bool snapshot_differs_at(const struct snapshot *a, const struct snapshot *b, uint64_t place);

/* An editable control got the focus, or the page scrolled. Losing the focus is no effect: a click on
 * nothing does that. */
bool snapshot_moved(const struct snapshot *before, const struct snapshot *now);

#endif
