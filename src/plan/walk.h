/*
 * walk.h - the control flow of a plan without a browser: every step is answered "done, it worked" at once
 * (plans.md section 14). What the page would decide is decided by the caller: variables of detect_visible.
 */
#ifndef MANTIS_PLAN_WALK_H
#define MANTIS_PLAN_WALK_H

#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"

struct visit {
    int step;
    const char *data; /* as a run would note it: "loop:to=2", "guard:banner=False:skipped", "done" */
    bool skipped;
};

struct walk {
    struct visit *visits; /* at most CAP_STEP_RESULTS */
    int n_visits;
    int *times;           /* per step: how often it was reached */
    int never;            /* steps that were not reached */
    const char *status;   /* completed, halted */
    const char *reason;   /* "", done_failed, loop_stuck: a branch leads back for ever, or the cap */
    const char *message;  /* more about it; "" nothing */
};

/* vars: {name: bool}; a detect_visible step with such an out_var sees that, else no. May be NULL. In pool. */
void plan_walk(struct pool *pool, const struct plan *plan, const json_t *vars, struct walk *out);

json_t *plan_walk_json(const char *label, const struct plan *plan, const struct walk *walk);
char *plan_walk_text(struct pool *pool, const char *label, const struct plan *plan, const struct walk *walk);

#endif
