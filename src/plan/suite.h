/*
 * suite.h - what a dry run tells about a plan (http-api.md section 4.6, plans.md section 2).
 */
#ifndef MANTIS_PLAN_SUITE_H
#define MANTIS_PLAN_SUITE_H

#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"

/* The canonical micro suite without what the server decides (caps, identity). New reference. */
json_t *plan_suite_json(const struct plan *plan);

/* {"step_count","by_type","with_inline_extract_schema","gate_steps","required_steps"}. New reference. */
json_t *plan_summary_json(const struct plan *plan);

/* Steps that are carried out when every one works, loop bodies as often as they run, and those of them that
 * ask a reader: extraction, gates, presses and form steps (plans.md section 14). */
void plan_count_work(struct pool *pool, const struct plan *plan, int *ret_steps, int *ret_reads);

#endif
