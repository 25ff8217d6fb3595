/*
 * inner.h - the inner loop: the brain looks, says one action, the plane does it, until the brain is
 * done, its budget is used up or it goes in circles (agent-loop.md section 1).
 *
 * One file per mechanism, each pure and tested by a table: prompt.c (1.3, 1.5), feedback.c
 * (1.4, 2.1), detect.c (5.1, 5.2), recover.c (5.3, 7.1, 7.3), gallery.c (7.5), done_gate.c (6),
 * predicates.c (8.1), perceptual.c (8.2), trajectory.c (8.3). inner.c is the order of a turn (1.2),
 * choose.c what is done instead of what the brain said, form.c the form controller (7.1, 7.2),
 * question.c what brains are asked besides their next action (grounding included, 15), tool.c host
 * tools, carry.c the doing and what is seen of it.
 *
 * Input is always X input, so there is no semantic click (2.2). A tool that asks a person does not
 * end the loop: it stands still where it is and goes on with the answer.
 */
#ifndef MANTIS_RUN_INNER_INNER_H
#define MANTIS_RUN_INNER_INNER_H

#include "run/inner/recover.h"
#include "run/run.h"

#define INNER_MAX_TURNS   200
#define INNER_MAX_PENDING 8

enum inner_off { /* what the operator switched off (run_config.inner_off) */
                 INNER_NO_DONE_GATE = 1 << 0,
                 INNER_NO_LOOP_RECOVERY = 1 << 1,
                 INNER_PLAIN_LOOP = 1 << 2,
                 INNER_PLAIN_TOLERANCE = 1 << 3,
                 INNER_NO_PREDICATES = 1 << 4,
                 INNER_NO_PERCEPTUAL = 1 << 5,
                 INNER_NO_FORM_CONTROLLER = 1 << 6,
                 INNER_NO_READ_BACK = 1 << 7,
                 INNER_NO_DIRECTOR = 1 << 8,
};

struct inner_goal {
    const char *task;     /* what the brain is told: prompt_sub_goal(), or a task's intent */
    const char *sentence; /* the intent alone: decides by its words */
    int max_steps;        /* brain calls; clamped to 1..INNER_MAX_TURNS */
    struct pending_value pending[INNER_MAX_PENDING]; /* what this step has to type */
    int n_pending;
    bool whole;  /* a task of its own, not a step of a plan */
    bool ground; /* clicks are looked at again before they are made */
    const json_t *attempts;     /* of this step that failed: [{x, y, label, kind, reason}], NULL none */
    const char *const *required_fields; /* that a done must name, NULL-terminated; NULL none */
    struct step_result *effect; /* the step that what cannot be taken back is journalled for; NULL none */
};

struct inner_result {
    /* done, done_failed, done_unverified, max_steps, loop, chrome_vendor_trap, off_allowlist,
     * budget_cap, brain_unreachable. A cancel or the time cap ends the step itself. Static. */
    const char *termination;
    bool success;
    const char
        *summary; /* of the brain's done, or what kept it from one; "" none. In the step's pool */
    int steps;    /* brain calls that were answered */
    int actions;  /* carried out */
    int unparsed;            /* replies that named no action */
    int galleries;           /* photo viewers that were left */
    struct point last_click; /* -1,-1 none */
    json_t *detail;          /* counts of agent-loop.md 8.3's run result, in the step's pool */
};

/* 0: *out says how it went. E_GONE, E_CANCELLED and what a look can fail with. run->brain is set.
 */
int inner_run(struct run *run, struct inner_goal *goal, struct inner_result *out,
              struct err *err) MUST_CHECK;

/* From ["done_gate", ...]: enum inner_off. Other names are passed over; NULL: nothing is off. */
unsigned inner_off_read(const json_t *names);

/* counts[reason] += 1 */
void inner_count(json_t *counts, const char *reason);

/* google.com/chrome... and chrome.google.com: the browser's own advertising. */
bool inner_vendor_page(const char *url);

#endif
