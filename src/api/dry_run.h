/*
 * dry_run.h - what a run would be, without making one (http-api.md section 4.6).
 */
#ifndef MANTIS_API_DRY_RUN_H
#define MANTIS_API_DRY_RUN_H

#include "api/run_options.h"
#include "core/plan.h"

struct dry_run {
    const char *tenant_id, *model, *plane;
    const char *data_dir;
    const struct plan *plan;
    const struct identity *identity;
    const json_t *warnings; /* beside the plan's; NULL none */
    double max_cost;
    int max_time_minutes;
    bool by_model; /* made steps of words */
    bool resume_state;
};

json_t *dry_run_json(const struct dry_run *d); /* New reference. */

#endif
