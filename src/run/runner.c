#include "run/run.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "run/allow.h"
#include "run/demote.h"
#include "run/look.h"
#include "run/record.h"
#include "run/resume.h"
#include "run/rules.h"
#include "run/steps/steps.h"
#include "run/url.h"

#define FIRST_WHEEL_PX 100 /* a guess; measured with the first scroll */
#define SUMMARY_BYTES  300

/* --- life ------------------------------------------------------------------------------------ */

static char *empty_text(void)
{
    char *s = strdup("");
    if (!s)
        BUG("out of memory");
    return s;
}

void run_init(struct run *run, const struct run_config *config, struct loop *loop,
              struct plane *plane, struct reader *reader, struct brain *brain,
              const struct run_host *host)
{
    *run = (struct run){.config = config,
                        .plan = config->plan,
                        .loop = loop,
                        .plane = plane,
                        .reader = reader,
                        .brain = brain,
                        .host = host,
                        .wheel_px = FIRST_WHEEL_PX,
                        .index = -1};
    run->pool = pool_create(NULL);
    run->step_pool = pool_create(run->pool);
    progress_init(&run->progress);
    coverage_init(&run->coverage, NULL);
    run->run_time = json_object();
    run->pending_events = json_array();
    run->live_url = empty_text();
    run->url_before = empty_text();
    run->dialog_page = empty_text();
    run->start_us = clock_mono_us();
    meter_start(&run->step_meter);
}

void run_release(struct run *run)
{
    loop_timer_clear(&run->time_cap);
    progress_release(&run->progress);
    coverage_release(&run->coverage);
    json_decref(run->run_time);
    json_decref(run->pending_events);
    json_decref(run->saved);
    free(run->live_url);
    free(run->url_before);
    free(run->dialog_page);
    pool_destroy(run->pool);
}

double run_elapsed_s(const struct run *run)
{
    return run->elapsed_before + (double)(clock_mono_us() - run->start_us) / 1e6;
}

void run_stop(struct run *run, enum run_stop why)
{
    if (run->stop == RUN_STOP_NONE)
        run->stop = why;
    loop_interrupt(run->loop);
}

void run_pause(struct run *run, bool on)
{
    run->pausing = on;
}

/* --- telling the host ------------------------------------------------------------------------ */

void run_event(struct run *run, const char *layer, const char *kind, json_t *detail,
               const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text =
        str_cut(run->step_pool, pool_vprintf(run->step_pool, fmt, ap), SUMMARY_BYTES);
    va_end(ap);
    json_t *e = json_pack("{s:s,s:s,s:o,s:i,s:o}", "layer", layer, "kind", kind, "summary",
                          json_string_safe(text), "step_index", run->index, "detail",
                          detail ? detail : json_object());
    run->host->event(run->host->arg, e);
    json_decref(e);
}

void run_warn(struct run *run, const char *kind, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    const char *text = pool_vprintf(run->step_pool, fmt, ap);
    va_end(ap);
    if (!progress_has(run->progress.warnings, text))
        json_push(run->progress.warnings, json_string_safe(text));
    run_event(run, "runner", kind, json_pack("{s:b}", "warning", 1), "%s", text);
}

void run_heal(struct run *run, const char *kind, const char *source, json_t *detail)
{
    char at[CLOCK_ISO_BYTES];
    json_t *e = json_pack("{s:s,s:i,s:s,s:s}", "kind", kind, "step_index", run->index, "source",
                          source, "at", clock_iso(clock_wall_us(), at));
    if (detail)
        json_object_update(e, detail);
    json_decref(detail);
    json_push(run->progress.healing, e);
}

static bool is_listings_plan(const struct plan *plan)
{
    bool listing = false, loop = false;
    for (int i = 0; i < plan->n_steps; i++) {
        listing = listing || step_is_listing(&plan->steps[i]);
        loop = loop || !strcmp(plan->steps[i].type, "loop");
    }
    return listing && loop;
}

static void refresh(struct run *run)
{
    struct progress *p = &run->progress;
    char at[CLOCK_ISO_BYTES];
    p->elapsed_s = run_elapsed_s(run);
    progress_set(&p->timestamp, clock_iso(clock_wall_us(), at));
    progress_set(&p->current_url, run->live_url);
    progress_set(&p->reentry_url, resume_url(run));
    json_decref(p->time_buckets);
    p->time_buckets = json_deep_copy(run->run_time);
    json_decref(p->coverage);
    p->coverage = coverage_report(&run->coverage, p->status, run->plan->name, p->filter_tokens,
                                  is_listings_plan(run->plan));
}

json_t *run_checkpoint(struct run *run)
{
    refresh(run);
    return progress_to_json(&run->progress);
}

/* A copy: the lists of the document are the ones that the next step adds to. */
static void keep_checkpoint(struct run *run)
{
    json_t *doc = run_checkpoint(run);
    json_decref(run->saved);
    run->saved = json_deep_copy(doc);
    json_decref(doc);
}

static int send_checkpoint(struct run *run, struct err *err)
{
    keep_checkpoint(run);
    int r = run->host->checkpoint(run->host->arg, run->saved, run->pending_events);
    json_array_clear(run->pending_events);
    return r ? err_set(err, r, "the checkpoint could not be sent (%s)", err_name(r)) : 0;
}

/* --- one step -------------------------------------------------------------------------------- */

/* An error that is no answer. Its class is found out from what the callee says; what could not be
 * found is a miss whatever it says. */
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
    step_fail(run, out, r == E_NOT_FOUND ? "selector_miss" : "", "%s_error: %s", run->step->type,
              what);
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
    r = step_dispatch(run, out, &why);
    if (!r)
        r = demote_check(run, out, &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        failed_by_error(run, out, r, &why);
    return 0;
}

static int observed(struct run *run, const struct step_result *result, struct err *err)
{
    if (!result->effect_key)
        return 0;
    run->progress.effects++;
    if (!result->sent)
        return 0;
    json_t *detail =
        json_pack("{s:b,s:b,s:s,s:o,s:o}", "success", result->success, "unconfirmed",
                  result->outcome == OUTCOME_UNCONFIRMED, "class", result->failure_class, "data",
                  json_string_safe(result->data), "final_url", json_string_safe(run->live_url));
    int r = run->host->journal(run->host->arg, result->effect_key, "observed", detail);
    json_decref(detail);
    return r ? err_set(err, r, "the effect journal could not be written (%s)", err_name(r)) : 0;
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
        p->retries++;
        return;
    }
    p->retries = 0;
    p->blocked_reloads = 0;
    if (next->kind == NEXT_ADVANCE)
        p->step_index = run->index + 1;
    else if (next->kind == NEXT_JUMP)
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

static int after_attempt(struct run *run, struct step_result *result, bool outside,
                         struct next *next, struct err *err)
{
    struct err why = {0};
    int r = observed(run, result, err);
    if (!r)
        r = record_look(run, result, err);
    if (r)
        return r;
    record_effects(run, result);
    *next = (struct next){.kind = NEXT_ADVANCE};
    if (outside) {
        *next = (struct next){.kind = NEXT_HALT, .reason = "off_allowlist"};
        return 0;
    }
    if (result->success && !strcmp(run->step->type, "paginate"))
        flow_after_paginate(run, run->index, true);
    if (!result->success) {
        r = rules_after_failure(run, result, next, &why);
        if (r == E_GONE || r == E_CANCELLED)
            return err_set(err, r, "%s", why.msg);
        if (r)
            run_warn(run, "recovery_failed", "%s", why.msg);
    }
    follow_setup(run, result);
    note_scroll(run);
    return 0;
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
        r = send_checkpoint(run, err);
    }
    json_decref(result.fields);
    json_decref(result.new_rows);
    return r;
}

/* --- changes of direction --------------------------------------------------------------------- */

static bool is_flow(const struct step *s)
{
    return !strcmp(s->type, "loop") || !strcmp(s->type, "if_else");
}

static int run_flow(struct run *run, struct err *err)
{
    struct progress *p = &run->progress;
    const char *data = NULL;
    int to = !strcmp(run->step->type, "loop") ? flow_loop(run, run->index)
                                              : flow_if_else(run, run->index, &data);
    if (data) {
        struct step_result result = step_result_empty();
        result.success = true;
        result.data = data;
        record_end(run, &result, &(struct next){.kind = NEXT_JUMP, .target = to});
    }
    run_event(run, "runner", run->step->type,
              json_pack("{s:i,s:i,s:i}", "step_index", run->index, "target", to, "count",
                        progress_counter(p->loop_counters, run->index)),
              "%s at step %d goes to step %d", run->step->type, run->index + 1, to + 1);
    p->step_index = to;
    p->retries = 0;
    return send_checkpoint(run, err);
}

/* --- the run --------------------------------------------------------------------------------- */

static int end_as(struct run_end *out, const char *status, const char *halt_reason,
                  const char *halt_class)
{
    out->status = status;
    out->halt_reason = halt_reason;
    out->halt_class = halt_class;
    return 1;
}

/* plans.md 9.4: before each step. 1: the run ends. */
static int caps_reached(struct run *run, struct run_end *out)
{
    const struct run_config *c = run->config;
    if (run->stop != RUN_STOP_NONE)
        return 1;
    if (c->max_cost > 0 && json_num(run->progress.costs, "total", 0) >= c->max_cost)
        return end_as(out, "halted", "budget_cap", "budget_cap");
    if (c->max_time_minutes > 0 && run_elapsed_s(run) >= c->max_time_minutes * 60.0) {
        run->stop = RUN_STOP_TIME;
        return 1;
    }
    if (json_array_size(run->progress.step_results) >= CAP_STEP_RESULTS)
        return end_as(out, "halted", "loop_stuck", "loop_stuck");
    return 0;
}

static int one_turn(struct run *run, struct run_end *out, struct err *err)
{
    struct next next = {.kind = NEXT_ADVANCE};
    pool_destroy(run->step_pool);
    run->step_pool = pool_create(run->pool);
    run->index = run->progress.step_index;
    run->step = &run->plan->steps[run->index];
    meter_start(&run->step_meter);
    if (is_flow(run->step))
        return run_flow(run, err);
    int r = run_step(run, &next, err);
    if (!r && next.kind == NEXT_HALT)
        return end_as(out, "halted", next.reason, next.reason);
    return r;
}

static void time_is_up(void *arg)
{
    run_stop(arg, RUN_STOP_TIME);
}

static void arm_time_cap(struct run *run)
{
    if (run->config->max_time_minutes <= 0)
        return;
    double left = run->config->max_time_minutes * 60.0 - run_elapsed_s(run);
    loop_timer_set(run->loop, &run->time_cap, left > 0 ? (int64_t)(left * 1000) : 0, time_is_up,
                   run);
}

static bool goes_on(void *arg)
{
    const struct run *run = arg;
    return !run->pausing || run->stop != RUN_STOP_NONE;
}

/* There is no deadline here: a pause ends by a word from outside, and any ending is such a word. */
static int pause_if_asked(struct run *run)
{
    int64_t since = clock_mono_us();
    if (goes_on(run))
        return 0;
    loop_timer_clear(&run->time_cap);
    if (run->host->paused)
        run->host->paused(run->host->arg, run->progress.step_index);
    int r = loop_wait(run->loop, goes_on, run, INT64_MAX);
    run->start_us += clock_mono_us() - since;
    arm_time_cap(run);
    return run->stop != RUN_STOP_NONE ? 0 : r; /* caps_reached() looks at stop */
}

static void begin_fresh(struct run *run)
{
    struct progress *p = &run->progress;
    static const char *const costs[] = {"gpu_steps",
                                        "gpu_seconds",
                                        "claude_extract",
                                        "claude_grounding",
                                        "claude_input_tokens",
                                        "claude_output_tokens",
                                        "claude_cached_input_tokens",
                                        "proxy_mb",
                                        "gpu",
                                        "claude",
                                        "proxy",
                                        "total"};
    progress_set(&p->plan_signature, run->plan->signature);
    progress_set(&p->session_name, run->plan->session_name);
    progress_set(&p->run_key, run->config->run_id);
    for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
        if (!json_object_get(p->costs, costs[i]))
            json_put_num(p->costs, costs[i], 0);
    const char *url = run->plan->n_steps ? step_url(run->step_pool, &run->plan->steps[0]) : NULL;
    if (url && !*p->results_base_url && strcmp(run->plan->steps[0].type, "navigate"))
        results_set_base(run, url);
}

/* What a step had half done is not progress: fall back to the last checkpoint. */
static void drop_half_step(struct run *run)
{
    progress_release(&run->progress);
    progress_init(&run->progress);
    if (progress_from_json(&run->progress, run->saved, NULL))
        BUG("our own checkpoint cannot be read");
    coverage_release(&run->coverage);
    coverage_init(&run->coverage, run->progress.coverage);
    json_decref(run->run_time);
    run->run_time = json_deep_copy(run->progress.time_buckets);
    progress_set(&run->live_url, run->progress.current_url);
}

static const struct {
    enum run_stop stop;
    const char *status, *halt_reason, *halt_class;
} stops[] = {
    {RUN_STOP_CANCEL, "cancelled", "cancel_event", "cancelled"},
    {RUN_STOP_DRAIN, "lost", "drain", "drain"},
    {RUN_STOP_TIME, "halted", "time_cap", "time_cap"},
    {RUN_STOP_PARENT, "lost", "parent_gone", "parent_gone"},
    {RUN_STOP_PLANE, "lost", "the display or the browser died", "plane_gone"},
};

static void end_by_code(struct run *run, int r, const struct err *err, struct run_end *out)
{
    out->error = pool_strdup(run->pool, err->msg);
    if (r == E_GONE && run->stop == RUN_STOP_NONE) {
        end_as(out, "lost", "", "plane_gone");
        return;
    }
    if (r == E_CANCELLED && run->stop == RUN_STOP_NONE)
        run->stop = RUN_STOP_CANCEL;
    if (run->stop == RUN_STOP_NONE)
        end_as(out, "failed", "", "");
}

static void finish(struct run *run, int r, const struct err *err, struct run_end *out)
{
    loop_timer_clear(&run->time_cap);
    run->index = -1;
    if (r < 0)
        end_by_code(run, r, err, out);
    for (size_t i = 0; i < ARRAY_SIZE(stops); i++)
        if (run->stop == stops[i].stop)
            end_as(out, stops[i].status, stops[i].halt_reason, stops[i].halt_class);
    if (r < 0 && run->saved)
        drop_half_step(run);
    out->stop = run->stop;
    if (!strcmp(out->status, "lost"))
        return;
    loop_interrupt_clear(run->loop);
    record_final(run);
    progress_set(&run->progress.status, out->status);
    progress_set(&run->progress.halt_reason, out->halt_reason);
}

void run_execute(struct run *run, struct run_end *out)
{
    struct err err = {0};
    *out =
        (struct run_end){.status = "completed", .halt_reason = "", .halt_class = "", .error = ""};
    int r = resume_restore(run, &err);
    bool restored = !r && *run->progress.plan_signature;
    begin_fresh(run);
    progress_set(&run->progress.status, "running");
    progress_set(&run->progress.halt_reason, "");
    arm_time_cap(run);
    keep_checkpoint(run);
    if (!r && restored)
        r = resume_reenter(run, &err);
    while (!r && run->progress.step_index < run->plan->n_steps) {
        r = pause_if_asked(run);
        if (r || caps_reached(run, out))
            break;
        r = one_turn(run, out, &err);
    }
    finish(run, r, &err, out);
}
