/*
 * turn.h - one turn of a run: the step at progress.step_index is carried out, judged, recorded and
 * answered, and a checkpoint says how far the run has come; or a loop or if_else says where to go on.
 */
#ifndef MANTIS_RUN_TURN_H
#define MANTIS_RUN_TURN_H

#include "run/rules.h"

/* next->kind NEXT_HALT: the run ends, for next->reason, which lives in the run's pool. E_GONE,
 * E_CANCELLED and what a host cannot take end the attempt. */
int turn_take(struct run *run, struct next *next, struct err *err) MUST_CHECK;

#endif
