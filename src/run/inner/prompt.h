/*
 * prompt.h - the texts a brain is given: the sub-goal of a plan's step (agent-loop.md 1.5) and the
 * turn's prompt (1.3). Pure: facts in, text out.
 */
#ifndef MANTIS_RUN_INNER_PROMPT_H
#define MANTIS_RUN_INNER_PROMPT_H

#include "core/action.h"
#include "core/plan.h"

/* failures: the step's history of wrong attempts ({x, y, label, kind, reason}), may be NULL.
 * recovery_hints: one line each, NULL-terminated, may be NULL. */
const char *prompt_sub_goal(struct pool *pool, const struct step *step, const char *intent,
                            const json_t *failures, const char *const *recovery_hints);

struct prompt_facts {
    const char *task;
    const char *plan;             /* numbered list of the brain or of the caller, "" none yet */
    bool plan_given;              /* the caller's, to be carried out from its first item */
    const struct action *history; /* oldest first */
    const char *const *feedback;
    int n;                     /* actions done */
    bool told_elsewhere;       /* who is asked is told of them anyway: they are only counted here */
    const char *last_thinking; /* "" none */
    const char *loop;          /* signal of the soft window, NULL none */
    bool field_focused, field_has_value;
    const char *news; /* what a person did to the page meanwhile, NULL nothing */
};

/* The text of the next turn. */
const char *prompt_turn(struct pool *pool, const struct prompt_facts *facts);

/* The numbered list at the start of a first reply, at most 10 lines; "" when there is none. */
const char *prompt_plan_in(struct pool *pool, const char *reply);

/* One action as a prompt shows it: click(x=1, y=2) # why. Typed text is given in full: not for
 * logs. */
const char *prompt_action(struct pool *pool, const struct action *action);

#endif
