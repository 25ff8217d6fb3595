/*
 * rules.c - the halt table of plans.md 9.4. Rules are tried in order; the first that fits and does
 * not decline decides. Pauses of the contract (3, 4, 12, 15 s) are caps of a settle here.
 */
#include "run/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/pause.h"
#include "run/recovery.h"
#include "run/rewrite.h"
#include "run/steps/steps.h"
#include "run/undo.h"
#include "run/url.h"

enum when {
    REQUIRED = 1 << 0,
    GATE = 1 << 1,
    SKIPPED = 1 << 2,
    TROUBLE = 1 << 3, /* the data speaks of a wall or a failed request */
};

#define ANY_OUTCOME      (-1)
#define NO_LIMIT         1000000
#define REQUIRED_RETRIES 2
#define BLOCKED_RETRIES  2
#define BUSY_RETRIES     3 /* of a server that answers 5xx or 429: after 1, 2 and 4 s */
#define SCROLL_RETRIES   3
#define NEAR_END_PX      96
#define MIN_MOVED_PX     50
#define BACK_TRIES       3

enum {
    SETTLE_RETRY_MS = 3000,
    SETTLE_SCAN_MS = 4000,
    SETTLE_BLOCKED_MS = 12000,
    SETTLE_GATE_MS = 15000,
};

/* Returns 0 with *out filled, or DECLINED to let the next rule decide. */
#define DECLINED 1
typedef int rule_fn(struct run *run, struct step_result *result, struct next *out, struct err *err);

struct rule {
    const char *name;
    unsigned when;       /* all of these must hold */
    const char *type;    /* step type; NULL: any */
    int outcome;         /* enum outcome or ANY_OUTCOME */
    const char *class;   /* failure class; NULL: any */
    int from, below;     /* retries so far: from <= n < below */
    enum next_kind kind; /* where to go on, unless act says otherwise */
    rule_fn *act;        /* NULL: nothing is to be done */
};

static rule_fn unreachable, task_failed, duplicate, scroll_fallback, busy_retry, recover, required_retry, halt_required,
    gate_retry, gate_failed, exhausted, login, next_loop, scan_retry, unheard_retry, blocked_reload,
    click_failed, undo_advance, retry_plain, scroll_cycle, scroll_other, back_recover, paginate_failed;

/*
 * Where this differs from plans.md 9.4: a navigate that failed is not undone, as the run halts and
 * takes its browser with it; extract_rows advances like the other extractions, since reading leaves
 * nothing to undo; a model that does not answer, after all that its profile tries, ends the run (the next step
 * that needs it would wait as long for nothing), a reader's one after two more tries, and so does a call that there is
 * no money for.
 */

/* clang-format off */
static const struct rule rules[] = {
    {"skip",                SKIPPED,        NULL,            ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, NULL},
    {"done_failed",         0,              NULL,            OUTCOME_DONE,        NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"budget_cap",          0,              NULL,            ANY_OUTCOME, "budget_cap", 0, NO_LIMIT, NEXT_HALT, NULL},
    {"brain_unreachable",   0,              NULL,            ANY_OUTCOME, "brain_unreachable", 0, NO_LIMIT, NEXT_HALT, unreachable},
    {"scan_error_retry",    0,              "click",         OUTCOME_UNHEARD,     NULL, 0, BLOCKED_RETRIES, NEXT_RETRY, unheard_retry},
    {"unheard_retry",       0,              NULL,            OUTCOME_UNHEARD,     NULL, 0, BLOCKED_RETRIES, NEXT_RETRY, unheard_retry},
    {FAILURE_UNHEARD,       0,              NULL,            OUTCOME_UNHEARD, FAILURE_UNHEARD, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"submit_unconfirmed",  REQUIRED,       NULL,            OUTCOME_UNCONFIRMED, NULL, 0, NO_LIMIT, NEXT_HALT, halt_required},
    {"submit_unconfirmed",  0,              NULL,            OUTCOME_UNCONFIRMED, NULL, 0, NO_LIMIT, NEXT_ADVANCE, NULL},
    {"recovery",            REQUIRED,       NULL,            OUTCOME_REFUSED,     NULL, 0, NO_LIMIT, NEXT_RETRY, recover},
    {"required_failed",     REQUIRED,       NULL,            OUTCOME_REFUSED,     NULL, 0, NO_LIMIT, NEXT_HALT, halt_required},
    {"recovery",            REQUIRED,       NULL,            OUTCOME_UNMET,       NULL, 0, NO_LIMIT, NEXT_RETRY, recover},
    {"required_failed",     REQUIRED,       NULL,            OUTCOME_UNMET,       NULL, 0, NO_LIMIT, NEXT_HALT, halt_required},
    {"budget_exceeded",     0,              NULL,            ANY_OUTCOME, "budget_exceeded", 0, NO_LIMIT, NEXT_HALT, NULL},
    {"busy_retry",          0,              "navigate",      OUTCOME_BUSY,        NULL, 0, BUSY_RETRIES, NEXT_RETRY, busy_retry},
    {"capture_link_failed", 0,              "capture_link_in_new_tab", OUTCOME_REJECTED, NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"capture_link_retry",  0,              "capture_link_in_new_tab", OUTCOME_AGAIN,    NULL, 0, 2,  NEXT_RETRY, retry_plain},
    {"extract_data_failed", 0,              NULL,            OUTCOME_REJECTED,    NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"duplicate",           0,              NULL,            OUTCOME_DUPLICATE,   NULL, 0, NO_LIMIT, NEXT_ADVANCE, duplicate},
    {"scroll_cdp_fallback", REQUIRED,       "scroll",        OUTCOME_BUDGET,      NULL, 1, NO_LIMIT, NEXT_ADVANCE, scroll_fallback},
    {"required_retry",      REQUIRED,       NULL,            ANY_OUTCOME,         NULL, 0, REQUIRED_RETRIES, NEXT_RETRY, required_retry},
    {"recovery",            REQUIRED,       NULL,            ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_RETRY, recover},
    {"required_failed",     REQUIRED,       NULL,            ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_HALT, halt_required},
    {"gate_retry",          GATE | TROUBLE, NULL,            ANY_OUTCOME,         NULL, 0, 1,        NEXT_RETRY, gate_retry},
    {"gate_failed",         GATE,           NULL,            ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, gate_failed},
    {"navigate_failed",     0,              "navigate",      ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"page_exhausted",      0,              "click",         OUTCOME_EXHAUSTED,   NULL, 0, NO_LIMIT, NEXT_ADVANCE, exhausted},
    {"login_redirect",      0,              "click",         OUTCOME_LOGIN,       NULL, 0, NO_LIMIT, NEXT_ADVANCE, login},
    {"newtab_blank",        0,              "click",         OUTCOME_BLANK_TAB,   NULL, 0, NO_LIMIT, NEXT_ADVANCE, next_loop},
    {"scan_error_retry",    0,              "click",         OUTCOME_SCAN_ERROR,  NULL, 0, BLOCKED_RETRIES, NEXT_RETRY, scan_retry},
    {"page_blocked_retry",  0,              "click",         OUTCOME_BLOCKED,     NULL, 0, BLOCKED_RETRIES, NEXT_RETRY, scan_retry},
    {"page_blocked_reload", 0,              "click",         OUTCOME_BLOCKED,     NULL, 0, NO_LIMIT, NEXT_ADVANCE, blocked_reload},
    {"page_blocked",        0,              "click",         OUTCOME_BLOCKED,     NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"page_blocked",        0,              "click",         OUTCOME_SCAN_ERROR,  NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"page_blocked",        0,              "click",         OUTCOME_UNHEARD,     NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"click_failed",        0,              "click",         ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, click_failed},
    {"filter_failed",       0,              "filter",        ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, undo_advance},
    {"scroll_retry",        0,              "scroll",        OUTCOME_BUDGET,      NULL, 0, 1,        NEXT_RETRY, retry_plain},
    {"scroll_no_movement_advance", 0,       "scroll",        OUTCOME_BUDGET,      NULL, 0, NO_LIMIT, NEXT_ADVANCE, scroll_cycle},
    {"scroll_no_delta",     0,              "scroll",        ANY_OUTCOME, "scroll_no_movement", 0, SCROLL_RETRIES, NEXT_RETRY, retry_plain},
    {"scroll_no_done",      0,              "scroll",        ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, scroll_other},
    {"navigate_back_recovered", 0,          "navigate_back", ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, back_recover},
    {"paginate_exhausted",  0,              "paginate",      ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, paginate_failed},
    {"extract_url_failed",  0,              "extract_url",   ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, NULL},
    {"extract_data_failed", 0,              "extract_data",  ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, NULL},
    {"extract_rows_failed", 0,              "extract_rows",  ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, NULL},
    {"graph_learn_failed",  0,              "graph_learn",       ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_HALT, NULL},
    {"task_failed",         0,              "task",          ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_HALT, task_failed},
    {"failed",              0,              NULL,            ANY_OUTCOME,         NULL, 0, NO_LIMIT, NEXT_ADVANCE, undo_advance},
};
/* clang-format on */

static bool speaks_of_trouble(const char *data)
{
    static const char *const words[] = {"cloudflare", "blocked", "security", "something went wrong",
                                        "request fail"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (str_contains_fold(data, words[i]))
            return true;
    return false;
}

static unsigned situation(const struct run *run, const struct step_result *result)
{
    unsigned now = 0;
    if (run->step->required)
        now |= REQUIRED;
    if (run->step->gate)
        now |= GATE;
    if (result->skip)
        now |= SKIPPED;
    if (speaks_of_trouble(result->data))
        now |= TROUBLE;
    return now;
}

static bool fits(const struct rule *rule, const struct run *run, const struct step_result *result)
{
    int retries = run->progress.retries;
    return (rule->when & situation(run, result)) == rule->when &&
           (!rule->type || !strcmp(rule->type, run->step->type)) &&
           (rule->outcome == ANY_OUTCOME || rule->outcome == (int)result->outcome) &&
           (!rule->class || !strcmp(rule->class, result->failure_class)) && retries >= rule->from &&
           retries < rule->below;
}

bool next_is_retry(const struct next *next)
{
    return next->kind == NEXT_RETRY || next->kind == NEXT_REWIND;
}

const char *rules_match(const struct run *run, const struct step_result *result)
{
    size_t i = 0;
    while (!fits(&rules[i], run, result)) /* the last rule fits everything */
        i++;
    return rules[i].name;
}

int rules_after_failure(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
        if (!fits(&rules[i], run, result))
            continue;
        *out = (struct next){.kind = rules[i].kind, .reason = rules[i].name};
        int r = rules[i].act ? rules[i].act(run, result, out, err) : 0;
        if (r != DECLINED)
            return r;
    }
    return 0;
}

/* --- what rules do --------------------------------------------------------------------------- */

static void jump(struct next *out, int target)
{
    out->kind = NEXT_JUMP;
    out->target = target;
}

/* The loop around the step goes on with its next round; outside of a loop the plan does. */
static int next_loop(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    int loop = flow_loop_around(run->plan, run->index);
    if (loop >= 0)
        jump(out, loop);
    return 0;
}

static int retry(struct run *run, struct next *out, int settle_ms, struct err *err)
{
    out->kind = NEXT_RETRY;
    int r = run_settle(run, settle_ms, err);
    return r == E_TIMEOUT ? 0 : r;
}

/* A server that is busy is asked again, later each time. */
static int busy_retry(struct run *run, struct step_result *result, struct next *out,
                      struct err *err)
{
    int wait_ms = 1000 << run->progress.retries;
    out->reason = pool_printf(run->step_pool, "busy_retry:%d", run->progress.retries + 1);
    return pause_wait(run, wait_ms, err);
}

/* A recovery that cannot even look (a plane whose page nobody here can read) is none: the step has
 * failed. Otherwise it would be tried again without end. */
static int recover(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    struct err why = {0};
    int r = recovery_try(run, result, out, &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r < 0)
        run_warn(run, "recovery_failed", "%s", why.msg);
    return r ? DECLINED : 0;
}

static int halt_required(struct run *run, struct step_result *result, struct next *out,
                         struct err *err)
{
    out->reason = pool_printf(run->pool, "required_failed:%s", run->step->type);
    return 0;
}

static int duplicate(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    const char *how;
    struct step_result ignored = {.data = ""};
    int r = 0;
    if (run->progress.detail_open)
        r = results_return(run, &how, &ignored, err);
    run->progress.detail_open = false;
    int loop = next_loop(run, result, out, err); /* on it goes, also from a page it is stuck on */
    return r ? r : loop;
}

static int near_end(struct run *run, bool *ret_yes, struct err *err)
{
    struct observation obs;
    int r = run_look(run, &obs, err);
    *ret_yes = !r && obs.page &&
               obs.page->scroll_y + obs.page->viewport.h >= obs.page->content_h - NEAR_END_PX;
    return r;
}

static int scroll_viewport(struct run *run, int *ret_moved, struct err *err)
{
    int w, h;
    bool up = str_eq_fold(json_str(run->step->params, "direction", "down"), "up");
    plane_size(run->plane, &w, &h);
    return run_scroll_px(run, up ? -h : h, ret_moved, err);
}

static int scroll_fallback(struct run *run, struct step_result *result, struct next *out,
                           struct err *err)
{
    int moved;
    bool end = false;
    int r = scroll_viewport(run, &moved, err);
    if (r || abs(moved) >= MIN_MOVED_PX)
        return r;
    r = near_end(run, &end, err);
    out->reason = "scroll_reached_bottom";
    return r || end ? r : DECLINED;
}

static int required_retry(struct run *run, struct step_result *result, struct next *out,
                          struct err *err)
{
    out->reason = pool_printf(run->step_pool, "required_retry:%s:%d", run->step->type,
                              run->progress.retries + 1);
    rewrite_for_retry(run, result);
    return retry(run, out, SETTLE_RETRY_MS, err);
}

static int gate_retry(struct run *run, struct step_result *result, struct next *out,
                      struct err *err)
{
    const struct step *first = &run->plan->steps[0];
    const char *url = strcmp(first->type, "navigate") ? NULL : step_url(run->step_pool, first);
    struct settled s;
    int r = retry(run, out, SETTLE_GATE_MS, err);
    return r || !url ? r : run_open(run, url, CAP_LOAD_MS, &s, err);
}

/* Authors read gate:true as "must pass": what it stands in front of is left out. */
static int gate_failed(struct run *run, struct step_result *result, struct next *out,
                       struct err *err)
{
    int to = flow_section_end(run->plan, run->index);
    result->failure_subclass = "gate_failed";
    run_warn(run, "gate_failed", "the gate at step %d failed: what follows in its section is left "
             "out, %d steps", run->index + 1, to - run->index - 1);
    jump(out, to);
    return 0;
}

/* No card is left: the next page, or the end of the loop when there is no paging. */
static int exhausted(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    int page = flow_next(run->plan, run->index, "paginate"),
        loop = flow_loop_around(run->plan, run->index);
    if (page >= 0)
        jump(out, page);
    else if (loop >= 0) {
        progress_set_counter(run->progress.loop_counters, loop, 0);
        jump(out, loop + 1);
    }
    return 0;
}

static int open_results(struct run *run, struct err *err)
{
    struct settled s;
    const char *url =
        *run->progress.listing_url ? run->progress.listing_url : run->progress.results_base_url;
    run->progress.detail_open = false;
    return *url ? run_open(run, url, CAP_LOAD_MS, &s, err) : 0;
}

static int login(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    int r = next_loop(run, result, out, err);
    return r ? r : open_results(run, err);
}

static int scan_retry(struct run *run, struct step_result *result, struct next *out,
                      struct err *err)
{
    return retry(run, out, result->outcome == OUTCOME_BLOCKED ? SETTLE_BLOCKED_MS : SETTLE_SCAN_MS,
                 err);
}

/* Nothing on the screen tells when a server is back: it is given the time that a wall gets (4 s,
 * then 12 s). */
static int unheard_retry(struct run *run, struct step_result *result, struct next *out,
                         struct err *err)
{
    return pause_wait(run, run->progress.retries ? SETTLE_BLOCKED_MS : SETTLE_SCAN_MS, err);
}

static int blocked_reload(struct run *run, struct step_result *result, struct next *out,
                          struct err *err)
{
    if (run->progress.blocked_reloads > 0)
        return DECLINED;
    run->progress.blocked_reloads++;
    out->kind = NEXT_RETRY;
    return open_results(run, err);
}

static int click_failed(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    int r = next_loop(run, result, out, err);
    return r ? r : run_key(run, "Escape", CAP_SCROLL_MS, err);
}

static int undo_advance(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    out->reason = pool_printf(run->step_pool, "%s_failed", run->step->type);
    return undo_step(run, result, err);
}

/* A suite's task has its own rule; a run without a brain goes on with what needs none. */
static int unreachable(struct run *run, struct step_result *result, struct next *out, struct err *err)
{
    return run->brain && !result->task ? 0 : DECLINED;
}

/* plans.md section 12: the first failure ends a suite, unless the task may fail. */
static int task_failed(struct run *run, struct step_result *result, struct next *out,
                       struct err *err)
{
    if (!strcmp(result->failure_class, "budget_cap"))
        out->reason = "budget_cap";
    else if (json_flag(result->task, "continue_on_failure", false))
        out->kind = NEXT_ADVANCE;
    return 0;
}

static int retry_plain(struct run *run, struct step_result *result, struct next *out,
                       struct err *err)
{
    return retry(run, out, SETTLE_RETRY_MS, err);
}

static int scroll_cycle(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    int moved;
    int r = scroll_viewport(run, &moved, err);
    if (r)
        return r;
    if (abs(moved) >= MIN_MOVED_PX) {
        out->reason = "scroll_no_done";
        return 0;
    }
    if (run->progress.retries < SCROLL_RETRIES)
        return retry(run, out, SETTLE_RETRY_MS, err);
    return run_key(run, "Home", CAP_SCROLL_MS, err);
}

static int scroll_other(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    int y = 0;
    int r = plane_scroll_y(run->plane, &y, err);
    bool moved = r == 0 && abs(y - run->progress.scroll_y) >= MIN_MOVED_PX;
    if (r && r != E_UNSUPPORTED)
        return r;
    if (moved)
        return 0;
    if (run->progress.retries < SCROLL_RETRIES) {
        out->reason = "scroll_no_delta";
        return retry(run, out, SETTLE_RETRY_MS, err);
    }
    out->reason = "scroll_no_movement_advance";
    return run_key(run, "Home", CAP_SCROLL_MS, err);
}

static int back_recover(struct run *run, struct step_result *result, struct next *out,
                        struct err *err)
{
    const char *how = "";
    struct step_result ignored = {.data = ""};
    int r = 0;
    for (int i = 0; !r && !*how && i < BACK_TRIES; i++)
        r = results_return(run, &how, &ignored, err);
    run->progress.detail_open = false;
    return r;
}

static int paginate_failed(struct run *run, struct step_result *result, struct next *out,
                           struct err *err)
{
    coverage_exhausted(&run->coverage, run->progress.current_page);
    flow_after_paginate(run, run->index, false);
    return 0;
}
