/*
 * payload.h - what a run's status shows of the request that started it (http-api.md section 4.5).
 *
 * Whoever may read a run's status need not know what its author put into forms: callers with the scope
 * status see that a field was filled, and not with what.
 */
#ifndef MANTIS_SCHED_PAYLOAD_H
#define MANTIS_SCHED_PAYLOAD_H

#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"

/* A copy in pool without secrets and long values: what steps type is "***", addresses that are called back
 * stand without userinfo, query and fragment. */
json_t *payload_of(struct pool *pool, const json_t *request);

/* "***" for what the plan's steps type, where the prose that it was made of (plan_text) says it. */
void payload_mask_prose(struct pool *pool, json_t *payload, const struct plan *plan);

/* The same without leaving out what is long: a plan's steps, as the state of a paused run shows them. */
json_t *payload_masked(struct pool *pool, const json_t *value);

/* A copy in pool of the page a paused run stands on (run/page_state.h): "***" for what stands in its form. */
json_t *payload_masked_form(struct pool *pool, const json_t *browser_state);

#endif
