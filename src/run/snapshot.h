/*
 * snapshot.h - what a page was like at one moment, small enough to keep: did an action change it?
 */
#ifndef MANTIS_RUN_SNAPSHOT_H
#define MANTIS_RUN_SNAPSHOT_H

#include <stdbool.h>

#include "core/observation.h"

struct snapshot {
    char url[65], title[65]; /* SHA-256 */
    char frame[FRAME_HASH_BYTES];
    char page[65]; /* texts, values and states of all visible nodes; "" without a DOM */
    char focus[65]; /* the focused editable control; "" none */
    int scroll_x, scroll_y;
};

void snapshot_take(const struct observation *obs, struct snapshot *out);
bool snapshot_same(const struct snapshot *a, const struct snapshot *b);
bool snapshot_same_url(const struct snapshot *a, const struct snapshot *b);

#endif
