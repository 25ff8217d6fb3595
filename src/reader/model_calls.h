/*
 * model_calls.h - the questions that a model is asked about the screen, as one table: in which words,
 * which tool answers, which model of the maker's, how long an answer may be and how long it may take
 * (brains.md section 10).
 *
 * In the worst case a call takes tries * timeout_s, and the waits between its tries CALL_WAITS_MS.
 */
#ifndef MANTIS_READER_MODEL_CALLS_H
#define MANTIS_READER_MODEL_CALLS_H

#include <stddef.h>

#define CALL_WAITS_MS 60000
#define CALL_IMAGES   12 /* screenshots of one call; of more the newest */

enum call_id {
    CALL_EXTRACT,
    CALL_EXTRACT_SCROLLED,
    CALL_EXTRACT_MULTI,
    CALL_ROWS,
    CALL_LISTINGS,
    CALL_PAGINATE,
    CALL_FILTER,
    CALL_CONTROL,
    CALL_NAVIGATED,
    CALL_GATE,       /* the first model */
    CALL_GATE_AGAIN, /* the one that decides */
    CALL_TARGET,
    CALL_AFFORDANCE,
    CALL_CLICK, /* the target, of a model that answers with an action */
    CALL_DROPDOWN,
    CALL_DESCRIPTION,
    CALL_PHONE,
    CALL_REGARD,
    CALL_N
};

/* Which of a maker's models; each has a name that may be set (struct reader_needs). A server of ours has
 * one model for all. */
enum call_role { ROLE_EXTRACT, ROLE_FORM, ROLE_VERIFY, ROLE_ESCALATION, ROLE_PHONE, ROLE_REGARD, ROLE_N };

struct look_call {
    const char *name;   /* in counts */
    const char *prompt; /* prompts/<prompt>.txt */
    const char *tool;   /* of profiles/tools/reader.json; NULL: answered in words */
    enum call_role role;
    int max_tokens, timeout_s, tries;
    const char *counter; /* of core/cost.h */
};

const struct look_call *call_of(enum call_id id);
const char *call_usual_model(enum call_role role);

#endif
