/*
 * rewind.h - how far a plan must go back to fill in a form anew: one that came back empty, has expired, or
 * whose session has ended.
 */
#ifndef MANTIS_RUN_REWIND_H
#define MANTIS_RUN_REWIND_H

#include "run/run.h"

/* The step to go on with so that step index can be tried again; -1 when going back would do something twice
 * that commits, or leads nowhere. obs: the page now. sure: what was sent is known not to have been taken;
 * otherwise only a sign-in form that the page shows is a reason. */
int rewind_target(struct run *run, int index, const struct observation *obs, bool sure);

/* May this step be done a second time? Forms are filled in, pages opened, sign-ins and "Next" pressed. */
bool rewind_may_repeat(const struct step *step);

#endif
