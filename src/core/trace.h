/*
 * trace.h - a finished run as training data: schema version 3 of promotion.md section 2.1.
 *
 * It is made of the run's last checkpoint, as its result is, so that there is one history. What the worker adds for it
 * stands in each step result under "trace" (run/telling.h). Beyond the contract a step has `plan_step`, its index in the
 * plan: `step_index` counts results, so that the passes of a loop do not take each other's pictures; and `skip`.
 *
 * Passwords of the plan (core/passwords.h) are replaced wherever they stand in the steps, and so are values of fields
 * whose name speaks of one; answers of {{user_input}} never came here. Pure.
 */
#ifndef MANTIS_CORE_TRACE_H
#define MANTIS_CORE_TRACE_H

#include "base/json.h"
#include "core/plan.h"

#define TRACE_SCHEMA_VERSION 3
#define TRACE_SHARED         "__shared__" /* directory of runs without a tenant */

/* Borrowed; strings are "" for none. */
struct trace_context {
    const char *run_id, *tenant_id, *session_name, *plan_signature, *variant, *status;
    int64_t started_us, ended_us; /* wall clock */
    double total_time_s;
    const struct plan *plan; /* whose passwords are masked; NULL: it cannot be read */
    bool pictures;           /* screenshots will lie beside it */
};

/* checkpoint may be NULL: nothing was done. New reference. */
json_t *trace_make(const struct trace_context *ctx, const json_t *checkpoint);

/* Where a step's picture lies, from the tenant's directory on: "<run_id>_screens/0003.png". In pool. */
const char *trace_picture(struct pool *pool, const char *run_id, int64_t step_index);

#endif
