/*
 * recover.h - the action that is forced on a brain which goes in circles over a form, and the
 * guards that stand before its clicks (agent-loop.md 5.3, 7). Pure: facts in, action out.
 *
 * They are for brains that aim by pixels. One that aims by the page itself (BRAIN_AIMS_BY_PAGE)
 * knows what it clicks and is not second-guessed.
 */
#ifndef MANTIS_RUN_INNER_RECOVER_H
#define MANTIS_RUN_INNER_RECOVER_H

#include "core/action.h"
#include "core/page.h"

struct pending_value { /* what a form still wants to be told */
    const char *label, *value;
    bool used;
};

struct loop_facts {
    bool field_focused;
    bool same_frames;                    /* the last three pictures agree */
    const char *reasoning, *task;        /* "" none */
    const struct pending_value *pending; /* the first unused one, NULL none */
};

/* The reason ("type_pending_value", "press_return_for_submit", "tab_to_next_field") with *out set,
 * or NULL: let the click happen. */
const char *recover_from_loop(const struct action *action, const struct loop_facts *facts,
                              struct action *out);

bool recover_submit_shaped(const char *text); /* speaks of sending a form */
bool recover_form_like(const char *task);     /* speaks of filling something in */

/* A second click within 8 px of the one before, while a form value is pending: type it (7.1). */
bool guard_repeated_click(const struct action *action, const struct action *previous,
                          const char *task, const struct pending_value *pending,
                          struct action *out);

/* A task that moves forward and a click at the top, near the previous one there: scroll on (7.3).
 * previous_top is the last click above 100 px, x < 0 for none. */
bool guard_top_click(const struct action *action, const struct point *previous_top,
                     const char *task, struct action *out);

#endif
