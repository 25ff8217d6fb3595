/*
 * undo.h - leave the page as a failed step found it, before the next one (plans.md 9.4).
 */
#ifndef MANTIS_RUN_UNDO_H
#define MANTIS_RUN_UNDO_H

#include "run/step.h"

/* A changed address is gone back from; a focus is given up; otherwise the step's `reverse` says how, when it
 * speaks of escape or alt+left, else its type does. What was extracted stays. E_GONE, E_CANCELLED. */
int undo_step(struct run *run, const struct step_result *result, struct err *err) MUST_CHECK;

/* The key that undoes a step which changed the page and not its address; NULL none. */
const char *undo_key(const struct step *step);

#endif
