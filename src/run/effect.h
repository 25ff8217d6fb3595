/*
 * effect.h - did an input do something, or did the page only move by itself? The page is looked at
 * twice before the input; where only figures changed, as in a clock or countdown, it is watched for a
 * moment whether they change again.
 */
#ifndef MANTIS_RUN_EFFECT_H
#define MANTIS_RUN_EFFECT_H

#include "run/run.h"
#include "run/snapshot.h"

struct effect {
    struct snapshot first, before;
};

/* Look once more right before the input; first is the look that found its target. */
int effect_begin(struct run *run, const struct observation *first, struct effect *out,
                 struct err *err) MUST_CHECK;

/* Is the page of after, looked at when it had settled, another one than before? */
int effect_seen(struct run *run, const struct effect *effect, const struct observation *after,
                bool *ret_changed, struct err *err) MUST_CHECK;

#endif
