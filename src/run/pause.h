/*
 * pause.h - a run stands still with its browser as it is, until told to go on (agent-loop.md 12, 13).
 *
 * It does so before a step, and in the middle of one that has parts or waits: because a caller wants it
 * (run_pause()), because a step asked a person something, or because a site wants to see a human. While it
 * stands there its time does not run. A worker that dies meanwhile leaves the page behind in the
 * checkpoint (page_state.h).
 */
#ifndef MANTIS_RUN_PAUSE_H
#define MANTIS_RUN_PAUSE_H

#include "run/run.h"

/* Between two steps: stand still if there is a reason to. 0, also when the run is to end (run->stop);
 * E_CANCELLED, E_GONE, and what a host cannot take. */
int pause_point(struct run *run, struct err *err) MUST_CHECK;

/* The same within a step; what it has half done is in no checkpoint. */
int pause_here(struct run *run, struct err *err) MUST_CHECK;

/* Between two parts of a step (turns of a brain, items of a list): the same. *ret_stood, which may be NULL: it
 * stood, so the page may be another one. E_CANCELLED also when the run is to end. */
int pause_between(struct run *run, bool *ret_stood, struct err *err) MUST_CHECK;

/* Let so much of the run's own time pass. E_CANCELLED, E_GONE. */
int pause_wait(struct run *run, int64_t ms, struct err *err) MUST_CHECK;

/* Is there one, for pause_point() to find before the next step? For waits that end early then. */
bool pause_wanted(void *run);

/* Can a person be asked: does somebody hear it? */
bool pause_can_ask(const struct run *run);

/* The step under way asks a person. True: the answer is known already, and is the one that
 * pause_answer() gives from now on. False: say so in the step's result (prompt, pause_reason). */
bool pause_known(struct run *run, const char *prompt, const char *reason);

/* A step ended with a question: the run stands still behind it. */
void pause_ask(struct run *run, const char *prompt, const char *reason);

/* The text that takes the place of {{user_input}} in steps now; NULL none. */
const char *pause_answer(const struct run *run);

/* The step under way met a challenge: a human may solve it. 1: it was, or is said to be, and the step is to
 * be done again; 0: nobody came, or nobody is to be asked. */
int pause_for_human(struct run *run, struct err *err) MUST_CHECK;

#endif
