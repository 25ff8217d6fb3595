/*
 * rules.h - what happens after a step, as data: the halt table of plans.md 9.4 and the loop rules of
 * plans.md 9.1. The runner asks where to go on; nothing else decides that.
 */
#ifndef MANTIS_RUN_RULES_H
#define MANTIS_RUN_RULES_H

#include "core/flow.h"
#include "run/step.h"

enum next_kind {
    NEXT_ADVANCE, /* the following step */
    NEXT_JUMP,    /* to target */
    NEXT_RETRY,   /* the same step again */
    NEXT_REWIND,  /* a retry that starts at target, before the step: its form has to be filled in anew */
    NEXT_HALT,
};

struct next {
    enum next_kind kind;
    int target;
    bool anew;          /* a retry whose retries count from the beginning */
    const char *reason; /* "required_retry:submit:1", "click_failed", ... or the halt reason */
};

/* The step is not over: what it gave so far is no result. */
bool next_is_retry(const struct next *next);

/* Decide after a failed step; may act (go back, press Escape, scroll). E_GONE, E_CANCELLED. */
int rules_after_failure(struct run *run, struct step_result *result, struct next *out,
                        struct err *err) MUST_CHECK;

/* Name of the first rule that fits, without acting: for tests. */
const char *rules_match(const struct run *run, const struct step_result *result);

/* Arrive at loop step i: count and say where to go on. */
int flow_loop(struct run *run, int i);

/* Arrive at if_else step i: where to go on, -1 when it led back too often (loop_stuck). *ret_data is its record,
 * NULL when it only falls through. */
int flow_if_else(struct run *run, int i, const char **ret_data);

/* paginate went on: loops inside the one around it start anew; it failed: all are used up. */
void flow_after_paginate(struct run *run, int i, bool success);

#endif
