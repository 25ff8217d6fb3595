/*
 * telling.h - what a step says of itself for its trace (core/trace.h): the action that counts, what was expected of it
 * and why it was chosen. It stands in the step's result under "trace".
 *
 * Typed text is not in it: "" where the trace may take it from the plan, PASSWORD_MARK on a page that shows a secret (as
 * in film.h). Passwords of the plan that stand in its words are masked when the trace is made, answers of {{user_input}}
 * when the result leaves the worker.
 */
#ifndef MANTIS_RUN_TELLING_H
#define MANTIS_RUN_TELLING_H

#include "run/step.h"

/* text without answers of people and passwords of the plan. In pool. */
const char *telling_words(const struct run *run, struct pool *pool, const char *text);

/* It is about to be done. Of our own hands typing counts, not the click around it, and keys only where the step is about
 * them; of a brain the last. */
void telling_action(struct run *run, const struct action *action, bool secret);

/* A brain's turn: what it thought, and what it said would be true afterwards (text or tokens, NULL nothing). */
void telling_brain(struct run *run, const char *thinking, const json_t *expected);

/* {"action", "expected", "reasoning", "url_before", "aimed_at", "changed", "undone"}; new reference. */
json_t *telling_json(struct run *run, const struct step_result *result);

/* Nothing was told yet. */
void telling_reset(struct run *run);

#endif
