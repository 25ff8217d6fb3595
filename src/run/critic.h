/*
 * critic.h - a failed step that will go on may be put otherwise in the plan itself (agent-loop.md 9.3).
 */
#ifndef MANTIS_RUN_CRITIC_H
#define MANTIS_RUN_CRITIC_H

#include "run/rules.h"

/* After the rules said where to go on (no halt): edits the plan and changes *next when one of its rules fits.
 * E_GONE, E_CANCELLED. */
int critic_look(struct run *run, const struct step_result *result, struct next *next, struct err *err) MUST_CHECK;

#endif
