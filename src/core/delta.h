/*
 * delta.h - checkpoints without the step results that were told before.
 *
 * A checkpoint holds every step result of the run: told whole, each step costs more than the one before.
 * So it travels from a worker to `serve`, and goes into the store, as a part: its `step_results` are the
 * new ones, and `step_results_from` says behind how many of the old ones they stand. One that does not say
 * is whole. Results once made are not changed (who must change one puts another in its place), so those
 * that both sides have are known by their identity in the worker, and by their number on the way.
 */
#ifndef MANTIS_CORE_DELTA_H
#define MANTIS_CORE_DELTA_H

#include "base/json.h"

/* What the other side has. Zeroed: nothing. */
struct delta {
    json_t *sent; /* array of the results themselves */
};

/* The checkpoint as a part. New reference; the other side is taken to have it all. */
json_t *delta_make(struct delta *d, const json_t *checkpoint);
void delta_release(struct delta *d);

/* *whole, a whole checkpoint or NULL for none, becomes the one that received, a part, makes of it; its list
 * of results goes on in the new one. false: it does not follow on *whole, or is no checkpoint; *whole is as
 * it was. */
bool delta_apply(json_t **whole, const json_t *received);

/* The array kept becomes the array results, the same elements in it; only what differs is touched. How many
 * it had in common. */
size_t delta_follow(json_t *kept, const json_t *results);

/* Only the first n stay, of fewer all. */
void delta_cut(json_t *results, size_t n);

/* For who keeps results one by one: the rest of a part, in which an empty list marks their place. New
 * reference, NULL for NULL. *ret_results is borrowed, NULL when it has none. */
json_t *delta_split(const json_t *part, const json_t **ret_results, int64_t *ret_from);

/* Such a rest with all its results is a whole checkpoint; takes results over. */
void delta_join(json_t *rest, json_t *results);

#endif
