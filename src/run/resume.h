/*
 * resume.h - a new worker takes a run up: its browser is empty, its progress is not.
 */
#ifndef MANTIS_RUN_RESUME_H
#define MANTIS_RUN_RESUME_H

#include "run/run.h"

/* Restore progress from the checkpoint, if there is one for this plan. */
int resume_restore(struct run *run, struct err *err) MUST_CHECK;

/* Open again what the next step needs to see. E_GONE, E_CANCELLED; a page that does not load is left
 * to the step to judge. */
int resume_reenter(struct run *run, struct err *err) MUST_CHECK;

/* Where a run that dies now would go on (the checkpoint's reentry_url). In the step pool. */
const char *resume_url(struct run *run);

#endif
