/*
 * delta.h - checkpoints between a worker and `serve` without the step results that were sent before.
 *
 * A checkpoint holds every step result of the run: sent whole, each step costs more than the one before.
 * Results once made are not changed (who must change one puts another in its place), so those that both
 * sides have are known by their identity in the worker, and by their number on the way.
 */
#ifndef MANTIS_CORE_DELTA_H
#define MANTIS_CORE_DELTA_H

#include "base/json.h"

/* What the other side has. Zeroed: nothing. */
struct delta {
    json_t *sent; /* array of the results themselves */
};

/* The checkpoint with its new step results alone, and how many stand before them. New reference; the other
 * side is taken to have it all. */
json_t *delta_make(struct delta *d, const json_t *checkpoint);
void delta_release(struct delta *d);

/* The whole again. before: the last one that was made whole, NULL none. New reference; NULL: it does not
 * follow on before, or is no checkpoint. */
json_t *delta_apply(const json_t *before, const json_t *received);

#endif
