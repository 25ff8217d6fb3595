/*
 * done_gate.h - may the brain be believed when it says that it is done? (agent-loop.md section 6)
 *
 * One table of predicates; the first that fails is the reason. Only a done that claims success is
 * asked about, and at most DONE_MAX_REJECTIONS times: then it ends as done_unverified.
 */
#ifndef MANTIS_RUN_INNER_DONE_GATE_H
#define MANTIS_RUN_INNER_DONE_GATE_H

#include "run/inner/detect.h"

#define DONE_MAX_REJECTIONS 2
#define DONE_NOT_SHOWN                                                                             \
    "not_shown_on_screen" /* the brain itself, asked about the screenshot, says so */

struct done_facts {
    const char *summary;
    int plan_steps_left; /* of a predefined plan, after the current one */
    int pending_values;  /* form values nobody typed yet: of this step only */
    const char *const
        *required_fields;              /* names the summary must hold, NULL-terminated; NULL none */
    const struct loop_sample *samples; /* carried-out actions with what followed, oldest first */
    int n_samples;
    bool verification_only; /* it was to look, not to change: standing still is right */
};

/* "empty_summary", ... ; NULL: accepted. */
const char *done_rejected(const struct done_facts *facts);

/* Does the sentence ask to look and nothing else? */
bool done_verification_only(const char *sentence);

#endif
