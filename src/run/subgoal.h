/*
 * subgoal.h - a step of a plan given to the brain: the inner loop (inner/inner.h) with the step's
 * text, budget and results.
 */
#ifndef MANTIS_RUN_SUBGOAL_H
#define MANTIS_RUN_SUBGOAL_H

#include "run/step.h"

/* What runtime.brain_budgets, or else the contract's caps, leave of a budget. */
int subgoal_budget(const struct run *run, int budget);

/* budget: most brain calls. Fills *out like a step function. */
int subgoal_run(struct run *run, const char *intent, int budget, struct step_result *out,
                struct err *err) MUST_CHECK;

#endif
