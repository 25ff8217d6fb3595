/*
 * late.h - a step that was judged to have changed nothing, and did after all: a busy browser goes where it was sent
 * later than anybody looked. It is looked for before the step is tried again, on a page that has its target no more.
 */
#ifndef MANTIS_RUN_LATE_H
#define MANTIS_RUN_LATE_H

#include "run/step.h"

/* *ret_late: the page of the last attempt is another by now, and *out is its success; what the hints expect is
 * checked as of any. */
int late_effect(struct run *run, bool *ret_late, struct step_result *out, struct err *err) MUST_CHECK;

#endif
