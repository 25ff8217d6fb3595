/*
 * tasks.h - private to src/plan: the tasks of a suite as the steps of a plan (plans.md section 12).
 */
#ifndef MANTIS_PLAN_TASKS_H
#define MANTIS_PLAN_TASKS_H

#include "plan/normalise.h"

#define TASKS_MAX_STEPS                                                                            \
    15 /* of a task that says nothing, and no more than the request's max_steps */

/* True when the document has tasks and no steps to carry out instead. */
bool tasks_are_meant(const json_t *document);

/* Fill n->steps. request_max_steps: the caller's max_steps, 0 not given. E_INVALID names the task.
 */
int tasks_to_steps(struct normaliser *n, const json_t *document, int request_max_steps,
                   struct err *err) MUST_CHECK;

#endif
