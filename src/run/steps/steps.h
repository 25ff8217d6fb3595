/*
 * steps.h - one step_fn per step type; the table is ../steps.c.
 */
#ifndef MANTIS_RUN_STEPS_STEPS_H
#define MANTIS_RUN_STEPS_STEPS_H

#include "run/step.h"

/* What a step acts on, and the look that shows it. */
struct aim {
    struct observation obs;
    struct target target;
};

/* Find the step's labelled target, after a settle of at most settle_ms (0: none); fills result's point
 * and label. A miss makes the step fail: *ret_found says. */
int step_aim(struct run *run, enum target_kind kind, int settle_ms, struct aim *out, bool *ret_found,
             struct step_result *result, struct err *err) MUST_CHECK;

/* The same for steps that may name the place: params.x and y, or params.offset from what the label names. */
bool step_names_place(const struct step *step);
int step_point(struct run *run, struct aim *out, bool *ret_found, struct step_result *result,
               struct err *err) MUST_CHECK;

/* Do one input; before is the look that it was decided on. out->verified_change: the page shows it, a
 * moved focus included. */
int step_act(struct run *run, const struct observation *before, const struct action *action,
             struct step_result *out, struct err *err) MUST_CHECK;

/* Click what was aimed at, and again when it cannot have been hit; result's point says where, and
 * verified_change whether anything came of it. */
struct effect;
int step_press(struct run *run, enum target_kind kind, const struct aim *aim,
               const struct effect *effect, struct step_result *result, struct err *err) MUST_CHECK;
step_fn step_task; /* ../suite/task.c */

step_fn step_navigate, step_navigate_back, step_click, step_submit, step_fill_field, step_filter,
    step_scroll, step_wait, step_request_user_input, step_paginate, step_extract_url, step_extract_data, step_extract_rows, step_gate,
    step_learn, step_right_click, step_double_click, step_drag, step_key_press, step_type_text, step_detect_visible,
    step_done, step_holo3, step_claude, step_tool_call,
    step_select_option, step_collect_urls, step_capture_link;

/* click, layout listings */
step_fn step_click_listing;

/* Make sure that the results are shown with the filters of the plan: by the address, else by what the site's
 * gate_verify_prompt asks about, else by opening them again. */
int results_ensure_filters(struct run *run, bool *ret_ok, struct err *err) MUST_CHECK;
int results_reopen(struct run *run, struct err *err) MUST_CHECK; /* nothing to open: nothing is done */

/* What the target is on the page; NULL without a DOM. */
const struct node *field_node(const struct observation *obs, const struct target *t);

bool field_is_rich(const struct node *n); /* edited as a document, not as a form control */

/* The focused field shows the value: squashed equality or containment (agent-loop.md 2.1). True when
 * there is nothing to read back; a password shows no value, there the focus must do. */
bool field_holds(struct run *run, const struct observation *obs, const char *value);

/* Case-folded equality or containment either way; empty never (plans.md 8.6). */
bool field_same_choice(struct pool *pool, const char *shown, const char *wanted);

/* Leave the open detail page: close its tab, go back, or open the results again. *ret_how is "cdp",
 * "tab" or "results"; "" when none of it led to the results (out says why). */
int results_return(struct run *run, const char **ret_how, struct step_result *out, struct err *err);

/* What a fresh page of results starts with: nothing tried yet. */
void results_reset(struct run *run);

/* url becomes the base of the results: its path segments must stay in the URL (plans.md 8.1). */
void results_set_base(struct run *run, const char *url);

#endif
