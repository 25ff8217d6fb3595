/*
 * trial.h - the self-test of a model server before it is ready: `mantis selftest`, a process of its own, so
 * that `serve` waits for nothing and an operator can do the same by hand.
 * Threads: the loop's.
 */
#ifndef MANTIS_ENGINE_TRIAL_H
#define MANTIS_ENGINE_TRIAL_H

#include "base/json.h"
#include "engine/engine.h"

struct trial_result {
    bool ok;
    const char *verdict, *words, *advice; /* brain/model/selftest.h; "unasked" when it could not be had */
    double median_px, max_px;             /* < 0: there were no clicks */
    int hits, asked;
};

/* Called once, from the loop; result is good until it returns. */
typedef void trial_done_fn(void *arg, const struct trial_result *result);

struct trial;

/* url: where the server is now. An answer comes in any case, at the latest some seconds after
 * settings.selftest_timeout_s. */
void trial_start(struct loop *loop, const struct engine_target *target, const char *url, trial_done_fn *fn,
                 void *arg, struct trial **out);

/* No answer any more: it is told to end. */
void trial_cancel(struct trial *trial);

/* Waits for its end, at most 2 s, when it has not ended yet. NULL is fine. */
void trial_destroy(struct trial *trial);

#endif
