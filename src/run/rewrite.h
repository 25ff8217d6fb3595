/*
 * rewrite.h - say the same more mechanically: the intent of a step that missed (agent-loop.md 9.1, layer 2).
 */
#ifndef MANTIS_RUN_REWRITE_H
#define MANTIS_RUN_REWRITE_H

#include <stdbool.h>

#include "base/pool.h"
#include "run/step.h"

/* A failure of this class is answered by a rewrite. */
bool rewrite_helps(const char *failure_class);

/* The verb and what is named, without how it looks and where it stands: "Click the big blue Sign up button at the
 * top" becomes "Click Sign up". NULL: keep it. In pool. */
const char *rewrite_intent(struct pool *pool, const char *intent);

/* Is that the same order, put otherwise? Not when another verb leads it, nor when it is something to be done
 * first ("first scroll ...", "before clicking ...", "dismiss the modal"). */
bool rewrite_acceptable(const char *intent, const char *proposed);

/* Before the next attempt of a step: once, until it succeeds. By the rules above; where they have nothing to
 * say and run_config.helper is there, Claude is asked for a better sentence or KEEP. */
void rewrite_for_retry(struct run *run, const struct step_result *result);

#endif
