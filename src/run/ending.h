/*
 * ending.h - how a run ends: caps, stops from outside, errors (agent-loop.md section 11).
 */
#ifndef MANTIS_RUN_ENDING_H
#define MANTIS_RUN_ENDING_H

#include "run/run.h"

/* Fill *out; returns 1. The texts must outlive the run. */
int ending_as(struct run_end *out, const char *status, const char *halt_reason, const char *halt_class);

/* plans.md 9.4: before each step. 1: the run ends. */
int ending_caps(struct run *run, struct run_end *out);

/* r < 0: what went wrong; r > 0: *out says already how it ends; 0: the plan is done. */
void ending_finish(struct run *run, int r, const struct err *err, struct run_end *out);

#endif
