/*
 * journal.h - what cannot be taken back is done once (plans.md 8.5): "intended" is written when the target is
 * known, "sent" before the input leaves, "observed" by the runner once the outcome is known; each is on disk
 * before the run goes on. A worker that finds its step "sent" but not "observed" does not send again: it
 * looks whether it can see that it worked, by something that did not hold before.
 */
#ifndef MANTIS_RUN_JOURNAL_H
#define MANTIS_RUN_JOURNAL_H

#include "run/step.h"

/* Is the step journalled? Submits, double clicks and drags; Return and Enter; clicks on what is called
 * "Delete", "Pay", "Send" and the like. What else commits (a list that sends its form) says so itself. */
bool journal_wanted(const struct step *step);

/* Names this attempt of the step under way: "7#2". */
const char *journal_key(struct run *run);

/* Before a step is carried out: *ret_over, an earlier attempt sent it, and out is what came of that. */
int journal_look_back(struct run *run, struct step_result *out, bool *ret_over, struct err *err) MUST_CHECK;

/* Before the input of a step leaves that is journalled; obs is the look it was decided on. */
int journal_announce(struct run *run, const struct observation *obs, struct step_result *out,
                     struct err *err) MUST_CHECK;
int journal_send(struct run *run, const struct observation *obs, struct step_result *out,
                 struct err *err) MUST_CHECK; /* also when the step is not */

#endif
