/*
 * feedback.h - what a brain is told that its action did (agent-loop.md 1.4, 2.1). Pure.
 */
#ifndef MANTIS_RUN_INNER_FEEDBACK_H
#define MANTIS_RUN_INNER_FEEDBACK_H

#include "core/action.h"
#include "core/observation.h"
#include "run/inner/perceptual.h"

struct read_back {       /* of typed text */
    bool success, known; /* !known: a password, or a screen that cannot be read */
    const char *expected, *actual;
    const char *reason; /* "" when it landed */
};

struct action_outcome {
    const struct action *action;
    const struct observation *before, *after;
    const char *error;               /* it was not carried out; NULL: it was */
    const struct node *focused;      /* editable element with the focus afterwards, NULL none */
    bool focus_gained;               /* and it had not before */
    const struct read_back *typed;   /* of type_text, else NULL */
    const struct perceptual *effect; /* of a weighty action, else NULL */
    bool new_tab;
    const char *warning; /* "" none; said last */
    int same;            /* do the screens look the same: 1, -1; 0 when nobody has compared them yet */
};

/* Parts joined by "; "; never empty. In pool. */
const char *feedback_line(struct pool *pool, struct action_outcome *o);

/* It was carried out, and the screen shows nothing of it: a click that missed. */
bool feedback_nothing_came(struct action_outcome *o);

/* Did the text land in the element that has the focus, which shows this now? White space collapsed;
 * equal or contained. focused NULL: nothing has it. */
struct read_back feedback_read_back(struct pool *pool, const char *text, const struct node *focused,
                                    const char *shown, bool page_readable);

/* {focused_via_click, tag, type, name, placeholder, id, value, empty}: new reference, NULL without.
 */
json_t *feedback_focused_input(const struct node *focused);

#endif
