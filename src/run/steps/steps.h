/*
 * steps.h - one step_fn per step type; the table is ../steps.c.
 */
#ifndef MANTIS_RUN_STEPS_STEPS_H
#define MANTIS_RUN_STEPS_STEPS_H

#include "run/step.h"

step_fn step_navigate, step_navigate_back, step_click, step_submit, step_fill_field, step_filter,
    step_scroll, step_wait, step_paginate, step_extract_url, step_extract_data, step_extract_rows, step_gate;

/* click, layout listings */
step_fn step_click_listing;

/* Leave the open detail page: close its tab, go back, or open the results again. *ret_how is "cdp",
 * "tab" or "results"; "" when none of it led to the results (out says why). */
int results_return(struct run *run, const char **ret_how, struct step_result *out, struct err *err);

/* What a fresh page of results starts with: nothing tried yet. */
void results_reset(struct run *run);

/* url becomes the base of the results: its path segments must stay in the URL (plans.md 8.1). */
void results_set_base(struct run *run, const char *url);

#endif
