/*
 * edits.h - changes that recovery makes to the plan of a run, in place (agent-loop.md 9.3, 9.4).
 *
 * The plan that was asked for stays as it is, and so does its signature; run->plan is a copy once something
 * was changed. Each change is a line of progress.edits, {"op": "insert", "at", "steps"} or {"op": "change",
 * "at", "change"}, so a worker that goes on from a checkpoint makes the same plan of them. Steps behind
 * an inserted one move: loop_target, then_target, else_target and all that progress keeps by index move too.
 */
#ifndef MANTIS_RUN_EDITS_H
#define MANTIS_RUN_EDITS_H

#include "run/run.h"

/* steps: array of objects as step_to_json() gives; what is left out has the defaults of an inserted step
 * (budget 3, not required, section "recovery"). Before step at; at == n_steps: at the end. E_INVALID. */
int edits_insert(struct run *run, int at, const json_t *steps, const char *reason, struct err *err) MUST_CHECK;

/* Keys of change replace those of step at; of "params" and "hints" only those keys that are named, null
 * takes one away. Budget, required, section and gate stay unless named. E_INVALID. */
int edits_change(struct run *run, int at, const json_t *change, const char *reason, struct err *err) MUST_CHECK;

/* After the progress of a checkpoint was taken over: its plan. E_INVALID. */
int edits_replay(struct run *run, struct err *err) MUST_CHECK;

/* Step i as it is to be tried now: with the intent that a rewrite gave it, if there is one. Lives in the
 * run's or the step's pool. */
const struct step *edits_step(struct run *run, int i);

#endif
