/*
 * meters_runs.c - what happens to runs, as figures. The store's notes are the only source: states
 * while a run lives, its step events as they come, and its record once it has ended or paused.
 */
#include "sched/meters_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define LOGGER           "mantis.sched"
#define STORIES_PER_TURN 16

static char *must_dup(const char *s)
{
    char *copy = strdup(s);
    if (!copy)
        BUG("out of memory");
    return copy;
}

/* --- how many are live ----------------------------------------------------------------------- */

static bool is_live(enum run_state state)
{
    return state < RUN_N_STATES && !run_state_terminal(state);
}

/* before: RUN_N_STATES for a run that was not counted yet. */
static void count_state(struct meters *m, const char *tenant, enum run_state before,
                        enum run_state state)
{
    int live = (int)is_live(state) - (int)is_live(before);
    int queued = (int)(state == RUN_QUEUED) - (int)(before == RUN_QUEUED);
    if (live)
        metric_add(m->of[METER_CONCURRENT_RUNS], live, tenant, NULL);
    if (queued)
        metric_add(m->of[METER_QUEUE_DEPTH], queued, tenant, NULL);
}

static int count_live(struct meters *m, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct run_record *runs;
    unsigned live = 0;
    int n = 0;
    for (int s = 0; s < RUN_N_STATES; s++)
        live |= is_live((enum run_state)s) ? 1u << s : 0;
    int r = store_run_list(m->store, pool, NULL, live, &runs, &n, err);
    for (int i = 0; !r && i < n; i++)
        count_state(m, runs[i].tenant_id, RUN_N_STATES, runs[i].state);
    pool_destroy(pool);
    return r;
}

/* --- what steps did -------------------------------------------------------------------------- */

static const char *action_outcome(const json_t *detail)
{
    const char *class = json_str(detail, "failure_class", "");
    if (json_flag(detail, "success", false))
        return "success";
    if (strcmp(class, "duplicate") == 0)
        return "duplicate";
    if (str_starts(json_str(detail, "data", ""), "filters_not_applied"))
        return "filters_not_applied";
    return "failed";
}

/* Which of the contract's branches a step is, NULL none. */
static const char *branch_of(const json_t *detail)
{
    const char *type = json_str(detail, "type", "");
    if (str_starts(json_str(detail, "data", ""), "gate:"))
        return "gate_verify";
    if (strcmp(type, "navigate_back") == 0)
        return "navigate_back_close_tab";
    if (strcmp(type, "click") == 0)
        return json_flag(detail, "listing", false) ? "click_listings" : "click_single_element";
    return str_starts(type, "extract_") ? "claude_only" : NULL;
}

static const char *branch_outcome(const json_t *detail)
{
    if (json_flag(detail, "skip", false) ||
        strcmp(json_str(detail, "failure_class", ""), "page_exhausted") == 0)
        return "skipped";
    return json_flag(detail, "success", false) ? "taken" : "aborted";
}

static void count_step(struct meters *m, const char *tenant, const char *kind, const json_t *detail)
{
    const char *type = json_str(detail, "type", "");
    const char *branch = branch_of(detail);
    if (!json_flag(detail, "skip", false))
        metric_add(m->of[METER_ACTIONS], 1, tenant, type, action_outcome(detail), NULL);
    if (branch && strcmp(kind, "step_end") == 0)
        metric_add(m->of[METER_PLAN_BRANCHES], 1, tenant, branch, branch_outcome(detail), NULL);
}

/* --- what brains asked ----------------------------------------------------------------------- */

static void count_escalation(struct meters *m, const char *tenant, const json_t *detail)
{
    metric_add(m->of[METER_BRAIN_ESCALATIONS], 1, tenant, "primary", "fallback", NULL);
}

/* One point of a click that was looked up (run/inner/question.c). What the cache had is no call. */
static void count_grounding(struct meters *m, const char *tenant, const json_t *detail)
{
    bool cached = json_flag(detail, "cached", false);
    const char *forced = json_flag(detail, "independent", false) ? "true" : "false";
    const char *outcome = json_flag(detail, "accepted", false) ? "accepted" : "rejected";
    if (!strcmp(forced, "false"))
        metric_add(m->of[cached ? METER_GROUNDING_HITS : METER_GROUNDING_MISSES], 1, tenant, NULL);
    if (cached)
        return;
    metric_add(m->of[METER_GROUNDING_EVICTIONS], json_num(detail, "evictions", 0), tenant, NULL);
    metric_set(m->of[METER_GROUNDING_SIZE], json_num(detail, "entries", 0), tenant, NULL);
    metric_add(m->of[METER_GROUNDING_CALLS], 1, tenant, outcome, forced, NULL);
    if (json_flag(detail, "answered", false))
        metric_observe(m->of[METER_GROUNDING_DISTANCE], json_num(detail, "distance_px", 0), tenant,
                       forced, NULL);
}

static const struct {
    const char *kind;
    void (*count)(struct meters *m, const char *tenant, const json_t *detail);
} brain_events[] = {{"brain_escalation", count_escalation}, {"grounding", count_grounding}};

static void count_brain(struct meters *m, const char *tenant, const char *kind,
                        const json_t *detail)
{
    for (size_t i = 0; i < ARRAY_SIZE(brain_events); i++)
        if (!strcmp(kind, brain_events[i].kind))
            brain_events[i].count(m, tenant, detail);
}

/* --- what live runs cost --------------------------------------------------------------------- */

static struct meters_bill **find_bill(struct meters *m, struct run_key key)
{
    struct meters_bill **b = &m->bills;
    while (*b && (strcmp((*b)->run_id, key.run_id) || strcmp((*b)->tenant, key.tenant)))
        b = &(*b)->next;
    return b;
}

static void drop_bill(struct meters_bill **at)
{
    struct meters_bill *b = *at;
    if (!b)
        return;
    *at = b->next;
    free(b->tenant);
    free(b->run_id);
    free(b);
}

static void note_costs(struct meters *m, struct run_key key, const json_t *costs)
{
    struct meters_bill **at = find_bill(m, key), *b = *at;
    if (!b) {
        b = *at = calloc(1, sizeof(*b));
        if (!b)
            BUG("out of memory");
        b->tenant = must_dup(key.tenant);
        b->run_id = must_dup(key.run_id);
    }
    b->gpu = json_num(costs, "gpu", 0);
    b->claude = json_num(costs, "claude", 0);
    b->proxy = json_num(costs, "proxy", 0);
    b->total = json_num(costs, "total", b->gpu + b->claude + b->proxy);
}

void meters_sum_bills(struct meters *m)
{
    struct metric *gauge = m->of[METER_RUN_COST_INFLIGHT];
    metric_zero(gauge);
    for (const struct meters_bill *b = m->bills; b; b = b->next) {
        metric_add(gauge, b->gpu, b->tenant, "gpu", NULL);
        metric_add(gauge, b->claude, b->tenant, "claude", NULL);
        metric_add(gauge, b->proxy, b->tenant, "proxy", NULL);
        metric_add(gauge, b->total, b->tenant, "total", NULL);
    }
}

/* --- how runs ended -------------------------------------------------------------------------- */

static const char *status_word(enum run_state state)
{
    static const char *const words[RUN_N_STATES] = {
        [RUN_SUCCEEDED] = "completed", [RUN_COMPLETED_WITH_FAILURES] = "completed",
        [RUN_HALTED] = "halted",       [RUN_FAILED] = "halted",
        [RUN_TIMEOUT] = "halted",      [RUN_CANCELLED] = "cancelled",
        [RUN_PAUSED] = "paused"};
    return words[state];
}

static const char *variant_of(const struct run_record *rec)
{
    return json_str(rec->doc, "variant", "");
}

static void observe_run(struct meters *m, const struct run_record *rec, const char *status,
                        double seconds, double usd)
{
    const char *tenant = rec->tenant_id, *model = json_str(rec->doc, "model", "");
    const char *reason = json_str(rec->doc, "halt_reason", "");
    bool cap = strcmp(reason, "budget_cap") == 0 || strcmp(reason, "time_cap") == 0;
    metric_observe(m->of[METER_RUN_DURATION], seconds, tenant, model, status, NULL);
    metric_observe(m->of[METER_RUN_COST], usd, tenant, model, status, NULL);
    if (*variant_of(rec))
        metric_add(m->of[METER_SHADOW_RUNS], 1, tenant, variant_of(rec), status, NULL);
    metric_add(m->of[METER_LOOP_TERMINATIONS], 1, tenant,
               cap && strcmp(status, "halted") == 0 ? reason : status, NULL);
}

static void observe_steps(struct meters *m, const struct run_record *rec)
{
    const json_t *step, *seconds;
    const char *bucket;
    size_t i;
    json_array_foreach (json_object_get(rec->result, "step_details"), i, step)
        json_object_foreach (json_object_get(step, "time_breakdown"), bucket, seconds)
            if (json_number_value(seconds) > 0)
                metric_observe(m->of[METER_STEP_LATENCY], json_number_value(seconds),
                               rec->tenant_id, bucket, NULL);
}

/* What a split is compared by: analysed in full from traces (docs/promotion.md). */
static void observe_variant(struct meters *m, const struct run_record *rec)
{
    const char *variant = variant_of(rec);
    const json_t *step;
    size_t i;
    json_array_foreach (json_object_get(rec->result, "step_details"), i, step)
        if (*variant && !json_flag(step, "skip", false))
            metric_add(m->of[METER_SHADOW_STEPS], 1, rec->tenant_id, variant,
                       json_flag(step, "success", false) ? "success" : "failed", NULL);
}

static void tell_paused(struct meters *m, const struct run_record *rec)
{
    double seconds = json_num(rec->checkpoint, "elapsed_s", 0);
    double usd = json_num(json_object_get(rec->checkpoint, "costs"), "total", 0);
    observe_run(m, rec, "paused", seconds, usd);
}

static void tell_ended(struct meters *m, const struct run_record *rec)
{
    const json_t *costs = json_object_get(rec->result, "costs");
    observe_run(m, rec, status_word(rec->state), json_num(rec->result, "total_time_s", 0),
                json_num(costs, "total", 0));
    observe_steps(m, rec);
    observe_variant(m, rec);
}

static void tell(struct meters *m, const struct meters_story *story)
{
    struct pool *pool = pool_create(NULL);
    struct run_key key = RUN_KEY(story->tenant, story->run_id);
    struct run_record rec;
    struct err err = {0};
    unsigned parts = story->paused ? RUN_PART_CHECKPOINT : RUN_PART_RESULT;
    int r = store_run_get(m->store, pool, key, parts, &rec, &err);
    if (r) {
        struct log_ctx ctx = {.tenant_id = key.tenant, .run_id = key.run_id};
        log_warning(LOGGER, &ctx, "the run is missing in /metrics: %s", err.msg);
    } else if (story->paused) {
        tell_paused(m, &rec);
    } else {
        tell_ended(m, &rec);
    }
    pool_destroy(pool);
}

static void drop_story(struct meters *m)
{
    struct meters_story *s = m->stories;
    m->stories = s->next;
    if (!m->stories)
        m->last_story = &m->stories;
    free(s->tenant);
    free(s->run_id);
    free(s);
}

static void tell_some(void *arg)
{
    struct meters *m = arg;
    for (int i = 0; i < STORIES_PER_TURN && m->stories; i++) {
        tell(m, m->stories);
        drop_story(m);
    }
    if (m->stories)
        loop_timer_set(m->loop, &m->tell_timer, 0, tell_some, m);
}

static void add_story(struct meters *m, struct run_key key, bool paused)
{
    struct meters_story *s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    *s = (struct meters_story){
        .tenant = must_dup(key.tenant), .run_id = must_dup(key.run_id), .paused = paused};
    *m->last_story = s;
    m->last_story = &s->next;
    loop_timer_set(m->loop, &m->tell_timer, 0, tell_some, m);
}

/* --- notes ----------------------------------------------------------------------------------- */

static void on_note(void *arg, const struct store_note *note)
{
    struct meters *m = arg;
    const json_t *event;
    size_t i;
    count_state(m, note->key.tenant, note->before, note->state);
    json_array_foreach (note->events, i, event) {
        const char *kind = json_str(event, "kind", "");
        const json_t *detail = json_object_get(event, "detail");
        if (strcmp(kind, "step_end") == 0 || strcmp(kind, "retry") == 0)
            count_step(m, note->key.tenant, kind, detail);
        count_brain(m, note->key.tenant, kind, detail);
        if (json_object_get(detail, "costs"))
            note_costs(m, note->key, json_object_get(detail, "costs"));
    }
    if (!is_live(note->state))
        drop_bill(find_bill(m, note->key));
    if (note->result)
        add_story(m, note->key, false);
    else if (note->state == RUN_PAUSED && note->before != RUN_PAUSED)
        add_story(m, note->key, true);
}

int meters_watch_runs(struct meters *m, struct err *err)
{
    m->last_story = &m->stories;
    int r = count_live(m, err);
    if (!r)
        store_listen(m->store, on_note, m);
    return r;
}

void meters_forget_runs(struct meters *m)
{
    while (m->stories)
        drop_story(m);
    while (m->bills)
        drop_bill(&m->bills);
    loop_timer_clear(&m->tell_timer);
}
