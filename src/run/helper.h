/*
 * helper.h - questions that the runner itself asks Claude: what to do about a step that failed, how to say
 * an intent better (brains.md section 10). run_config.helper is the link; without one nothing is asked.
 */
#ifndef MANTIS_RUN_HELPER_H
#define MANTIS_RUN_HELPER_H

#include "brain/model/ask.h"
#include "run/run.h"

#define HELPER_PROFILE "claude" /* profiles/claude.json: how its server is reached */

struct helper_call {
    const char *source; /* in the run's costs: "recovery" */
    const char *model;
    const char *prompt; /* prompts/<prompt>.txt */
    const struct prompt_value *values; /* for what it leaves open */
    int n_values;
    const json_t *tool; /* {name, description, parameters}, which must be called; NULL: answered in words */
    int max_tokens, timeout_s, tries;
};

/*
 * A screenshot of now goes with it, where one can be had. What it cost is counted. Lives in the step's pool.
 * E_UNSUPPORTED: there is no link. E_CANCELLED, E_GONE. Any other code: there is no answer, and an event says why.
 */
int helper_ask(struct run *run, const struct helper_call *call, struct said *out, struct err *err) MUST_CHECK;

/* The arguments that the tool was called with; NULL: it was not. */
const json_t *helper_answer(const struct said *said, const json_t *tool);

#endif
