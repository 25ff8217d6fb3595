/*
 * demote.h - success that the page does not bear out becomes failure (plans.md section 10).
 */
#ifndef MANTIS_RUN_DEMOTE_H
#define MANTIS_RUN_DEMOTE_H

#include "run/step.h"

int demote_check(struct run *run, struct step_result *result, struct err *err) MUST_CHECK;

#endif
