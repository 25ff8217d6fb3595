/*
 * journal.h - what cannot be taken back is done once (plans.md 8.5): "intended" is written when the target is
 * known, "sent" before the input leaves, "observed" by the runner once the outcome is known; each is on disk
 * before the run goes on. A worker that finds its step "sent" but not "observed" does not send again: it
 * looks whether it can see that it worked, by something that did not hold before. What a brain presses in
 * the course of a step is one entry of that step: the first of it that cannot be taken back.
 */
#ifndef MANTIS_RUN_JOURNAL_H
#define MANTIS_RUN_JOURNAL_H

#include "run/step.h"

/* Is the step journalled? Submits, double clicks and drags; Return and Enter; clicks on what is called
 * "Delete", "Pay", "Send" and the like. What else commits (a list that sends its form) says so itself. */
bool journal_wanted(const struct step *step);

/* A button whose label says by itself that it commits something ("Delete", "Send"; English). */
bool journal_commits(const struct step *s);

/* Is an action of a brain? By the words of its reasoning; a Return also by those of the whole task. */
bool journal_action_wanted(const struct action *action, const char *task);

/* Names this attempt of the step under way: "7#2". */
const char *journal_key(struct run *run);

/* What an earlier attempt of the step sent, as the journal has it, also noted in out; NULL nothing. */
const json_t *journal_earlier(struct run *run, struct step_result *out);

/* Before a step is carried out: *ret_over, an earlier attempt sent it, and out is what came of that. */
int journal_look_back(struct run *run, struct step_result *out, bool *ret_over, struct err *err) MUST_CHECK;

/* Before the input of a step leaves that is journalled; obs is the look it was decided on. */
int journal_announce(struct run *run, const struct observation *obs, struct step_result *out,
                     struct err *err) MUST_CHECK;
int journal_send(struct run *run, const struct observation *obs, struct step_result *out,
                 struct err *err) MUST_CHECK; /* also when the step is not */

/* Before the input of a brain's action leaves. */
int journal_send_action(struct run *run, const struct action *action, const struct observation *obs,
                        struct step_result *out, struct err *err) MUST_CHECK;

/* "observed": how it went is known. The next thing that is sent gets an entry of its own. */
int journal_close(struct run *run, struct step_result *out, struct err *err) MUST_CHECK;

#endif
