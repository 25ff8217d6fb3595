#include "run/turn.h"

#include <string.h>

#include "base/str.h"
#include "core/run.h"
#include "run/allow.h"
#include "run/critic.h"
#include "run/demote.h"
#include "run/edits.h"
#include "run/guards.h"
#include "run/journal.h"
#include "run/late.h"
#include "run/look.h"
#include "run/pause.h"
#include "run/record.h"
#include "run/steps/steps.h"
#include "run/telling.h"
#include "run/url.h"

/* By the code, whatever the words say; "": the words decide. */
static const char *class_of(int error)
{
    static const struct {
        int error;
        const char *class;
    } classes[] = {
        {E_NOT_FOUND, "selector_miss"}, {E_TIMEOUT, "nav_timeout"}, {E_BUDGET, "budget_cap"},
        {E_UNAVAILABLE, FAILURE_UNHEARD}};
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
        if (classes[i].error == error)
            return classes[i].class;
    return "";
}

/* An error that is no answer. */
static void failed_by_error(struct run *run, struct step_result *out, int r, const struct err *err)
{
    const char *what = *err->msg ? err->msg : err_name(r);
    if (out->sent) {
        step_unconfirmed(run, out, what);
        return;
    }
    if (str_starts(err->msg, "page_blocked")) {
        step_fail(run, out, "page_blocked", "%s", err->msg);
        out->outcome = OUTCOME_BLOCKED;
        return;
    }
    step_fail(run, out, class_of(r), "%s_error: %s", run->step->type, what);
    if (r == E_UNAVAILABLE)
        out->outcome = OUTCOME_UNHEARD;
}

/* The step after a navigate must find itself where that went (plans.md 8.1). */
static int drifted(struct run *run, bool *ret_drifted, struct step_result *out, struct err *err)
{
    const char *url, *hint = pool_strdup(run->step_pool, run->progress.drift_hint);
    *ret_drifted = false;
    if (!*hint)
        return 0;
    progress_set(&run->progress.drift_hint, "");
    if (!strcmp(run->step->type, "navigate"))
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || !*url || url_meets_hint(url, hint))
        return r;
    *ret_drifted = true;
    *out = step_result_empty();
    return step_fail(run, out, "navigation_drift", "NAV_DRIFT|expected=%s|got=%s", hint, url);
}

static int attempt(struct run *run, struct step_result *out, struct err *err)
{
    bool drift;
    struct err why = {0};
    int r = drifted(run, &drift, out, err);
    if (r || drift)
        return r;
    bool late;
    r = late_effect(run, &late, out, &why);
    if (!r && !late)
        r = step_dispatch(run, out, &why);
    if (!r)
        r = demote_check(run, out, &why);
    if (r == E_GONE || r == E_CANCELLED || r == E_INTERNAL)
        return err_set(err, r, "%s", why.msg);
    if (r)
        failed_by_error(run, out, r, &why);
    return 0;
}

/* Setup steps that lead to another page of the site choose the results (filters in a form). */
static void follow_setup(struct run *run, const struct step_result *result)
{
    const char *url = run->live_url, *type = run->step->type;
    if (!result->success || strcmp(run->step->section, "setup") || !url_is_web(url) ||
        url_same_page(url, run->url_before) || (strcmp(type, "submit") && strcmp(type, "click")))
        return;
    results_set_base(run, url);
    results_reset(run);
}

static void note_scroll(struct run *run)
{
    int y;
    if (plane_scroll_y(run->plane, &y, NULL) == 0)
        run->progress.scroll_y = y;
}

static void apply_next(struct run *run, const struct next *next)
{
    struct progress *p = &run->progress;
    if (next->kind == NEXT_RETRY) {
        p->retries = next->anew ? 0 : p->retries + 1;
        return;
    }
    p->retries = 0;
    p->blocked_reloads = 0;
    if (next->kind == NEXT_ADVANCE)
        p->step_index = run->index + 1;
    else if (next->kind == NEXT_JUMP || next->kind == NEXT_REWIND)
        p->step_index = next->target;
}

/* Outside the allowlist nothing is done and nothing is tried again. */
static int attempt_where_allowed(struct run *run, struct step_result *out, bool *ret_outside,
                                 struct err *err)
{
    int r = allow_check(run, out, ret_outside, err);
    if (!r && !*ret_outside)
        r = attempt(run, out, err);
    return r || *ret_outside ? r : allow_check(run, out, ret_outside, err);
}

/* Rules first, then whether the plan should be put otherwise. */
static int after_failure(struct run *run, struct step_result *result, struct next *next,
                         struct err *err)
{
    struct err why = {0};
    reader_forget(run->reader); /* else the next try would be the same click */
    int r = rules_after_failure(run, result, next, &why);
    if (!r)
        r = critic_look(run, result, next, &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        run_warn(run, "recovery_failed", "%s", why.msg);
    return 0;
}

/* The step is over: does the run still get anywhere? */
static int guard(struct run *run, struct next *next, struct err *err)
{
    const char *reason = NULL;
    if (next_is_retry(next) || next->kind == NEXT_HALT)
        return 0;
    int r = guards_check(run, &reason, err);
    if (!r && reason)
        *next = (struct next){.kind = NEXT_HALT, .reason = reason};
    return r;
}

/* It stopped at a challenge that is solved now: once more, and not counted as a try. */
static int met_challenge(struct run *run, const struct step_result *result, bool *ret_again,
                         struct err *err)
{
    bool wall = failure_wall_mark(result->page_title) != NULL;
    *ret_again = false;
    if (result->success || result->skip || (!wall && strcmp(result->failure_class, "cf_challenge")))
        return 0;
    int r = pause_for_human(run, err);
    *ret_again = r == 1;
    return r < 0 ? r : 0;
}

static int after_attempt(struct run *run, struct step_result *result, bool outside,
                         struct next *next, struct err *err)
{
    int r = journal_close(run, result, err);
    if (!r)
        r = record_look(run, result, err);
    run->telling.over = true;
    bool again = false;
    if (!r && !outside)
        r = met_challenge(run, result, &again, err);
    if (r)
        return r;
    if (again) {
        run->progress.retries--;
        *next = (struct next){.kind = NEXT_RETRY, .reason = "challenge_solved"};
        return 0;
    }
    record_effects(run, result);
    *next = (struct next){.kind = NEXT_ADVANCE};
    if (outside) {
        *next = (struct next){.kind = NEXT_HALT, .reason = "off_allowlist"};
        return 0;
    }
    if (result->success && result->prompt)
        pause_ask(run, result->prompt, result->pause_reason);
    if (result->success && result->outcome == OUTCOME_DONE)
        *next = (struct next){.kind = NEXT_JUMP, .target = run->plan->n_steps};
    if (result->success && !strcmp(run->step->type, "paginate"))
        flow_after_paginate(run, run->index, true);
    r = result->success ? 0 : after_failure(run, result, next, err);
    if (r)
        return r;
    follow_setup(run, result);
    note_scroll(run);
    return guard(run, next, err);
}

static int run_step(struct run *run, struct next *next, struct err *err)
{
    struct step_result result = step_result_empty();
    progress_set(&run->url_before, run->live_url);
    record_start(run);
    run->progress.steps_executed++;
    bool outside = false;
    int r = attempt_where_allowed(run, &result, &outside, err);
    if (!r)
        r = after_attempt(run, &result, outside, next, err);
    if (!r) {
        record_end(run, &result, next);
        if (next->kind == NEXT_HALT)
            next->reason = pool_strdup(run->pool, next->reason);
        apply_next(run, next);
        plane_keep_login(run->plane);
        r = run_send_checkpoint(run, err);
    }
    json_decref(result.fields);
    json_decref(result.new_rows);
    json_decref(result.task);
    return r;
}

/* --- changes of direction --------------------------------------------------------------------- */

static bool is_flow(const struct step *s)
{
    return !strcmp(s->type, "loop") || !strcmp(s->type, "if_else");
}

static int run_flow(struct run *run, struct next *next, struct err *err)
{
    struct progress *p = &run->progress;
    const char *data = NULL;
    int to = !strcmp(run->step->type, "loop") ? flow_loop(run, run->index)
                                              : flow_if_else(run, run->index, &data);
    bool stuck = to < 0;
    if (stuck)
        *next = (struct next){.kind = NEXT_HALT, .reason = "loop_stuck"};
    if (data) {
        struct step_result result = step_result_empty();
        result.success = !stuck;
        result.failure_class = stuck ? "loop_stuck" : "";
        result.data = data;
        record_end(run, &result,
                   stuck ? next : &(struct next){.kind = NEXT_JUMP, .target = to});
    }
    if (stuck)
        return run_send_checkpoint(run, err);
    run_event(run, "runner", run->step->type,
              json_pack("{s:i,s:i,s:i}", "step_index", run->index, "target", to, "count",
                        progress_counter(p->loop_counters, run->index)),
              "%s at step %d goes to step %d", run->step->type, run->index + 1, to + 1);
    p->step_index = to;
    p->retries = 0;
    return run_send_checkpoint(run, err);
}

int turn_take(struct run *run, struct next *next, struct err *err)
{
    *next = (struct next){.kind = NEXT_ADVANCE};
    pool_destroy(run->step_pool);
    run->step_pool = pool_create(run->pool);
    run->silent = NULL;
    telling_reset(run);
    run->index = run->progress.step_index;
    run->asked_step = edits_step(run, run->index);
    run->step = answer_fill(run->step_pool, run->asked_step, pause_answer(run));
    meter_start(&run->step_meter);
    /* One whose guard is false is a step that is skipped, like any other. */
    return is_flow(run->step) && step_guard_holds(run) ? run_flow(run, next, err) : run_step(run, next, err);
}
