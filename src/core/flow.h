/*
 * flow.h - where control goes in a plan, as far as the plan alone says it (plans.md section 9).
 */
#ifndef MANTIS_CORE_FLOW_H
#define MANTIS_CORE_FLOW_H

#include "core/plan.h"

/* First step of the body of the loop at i; i itself when there is nothing to repeat. */
int flow_loop_start(const struct plan *plan, int i);

/* Arrive at the loop at i: where to go on. counter: bodies done so far; 0 again when the loop is left. */
int flow_loop_next(const struct plan *plan, int i, bool stop, int *counter);

/* Target of the if_else at i; -1: it has none and falls through. */
int flow_branch(const struct plan *plan, int i, bool yes);

/* The if_else at i goes to target. counter: how often in a row it led back; 0 again when it leads on. true: it
 * did so CAP_BRANCHES_BACK times and must not once more; then the counter starts anew. */
bool flow_branch_stuck(int i, int target, int *counter);

int flow_loop_around(const struct plan *plan, int i); /* innermost loop whose body holds i, -1 none */
int flow_next(const struct plan *plan, int from, const char *type); /* first of that type after from, -1 */
int flow_section_end(const struct plan *plan, int i); /* first step after i's section */

#endif
