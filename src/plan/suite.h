/*
 * suite.h - what a dry run tells about a plan (http-api.md section 4.6, plans.md section 2).
 */
#ifndef MANTIS_PLAN_SUITE_H
#define MANTIS_PLAN_SUITE_H

#include "base/json.h"
#include "core/plan.h"

/* The canonical micro suite without what the server decides (caps, identity). New reference. */
json_t *plan_suite_json(const struct plan *plan);

/* {"step_count","by_type","with_inline_extract_schema","gate_steps","required_steps"}. New reference. */
json_t *plan_summary_json(const struct plan *plan);

int plan_extract_steps(const struct plan *plan); /* steps that read data off a page */

#endif
