/*
 * find.h - the ways in which step_find() searches, one after the other (plans.md 8.4, 8.5: misses).
 * All return E_NOT_FOUND when theirs leads to nothing.
 */
#ifndef MANTIS_RUN_STEPS_FIND_H
#define MANTIS_RUN_STEPS_FIND_H

#include "run/steps/steps.h"

/* Where the page stands now; err stays as it is on E_NOT_FOUND. */
int find_here(struct run *run, const struct target_query *query, struct observation *obs,
              struct target *out, struct err *err) MUST_CHECK;

/* Panes that scroll by themselves, in view, the largest first. */
int find_in_panes(struct run *run, const struct target_query *query, struct observation *obs,
                  struct target *out, struct err *err) MUST_CHECK;

/* Controls without a name that only say what they are when the pointer rests on them. */
int find_by_hover(struct run *run, const struct target_query *query, struct observation *obs,
                  struct target *out, struct err *err) MUST_CHECK;

#endif
