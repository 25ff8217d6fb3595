/*
 * submit.c - new runs. Those of one turn of the loop are stored in one commit; their callers are
 * answered after it.
 */
#include "sched/private.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"

struct sched_submit {
    struct sched_submit *next;
    struct sched *sched;
    struct pool *pool; /* holds this struct too */
    struct run_record rec;
    struct line_up *tenant;
    const char *key_hash, *body_hash, *reply;
    const json_t *events;     /* NULL none */
    const json_t *user_input; /* NULL none */
    int refused;              /* before it was stored; else 0 */
    struct err err;
    sched_submit_fn *fn; /* NULL: nobody waits */
    void *arg;
};

static void flush(void *arg);

/* --- what is stored ----------------------------------------------------------------------------
 */

static const json_t *resume_checkpoint(struct sched *s, struct pool *pool,
                                       const struct submission *sub)
{
    json_t *found = NULL;
    struct err err = {0};
    if (!sub->resume_state)
        return NULL;
    if (store_workflow_checkpoint(s->store, pool, sub->key.tenant, sub->workflow_id,
                                  sub->plan->signature, &found, &err))
        log_warning(LOGGER, NULL, "cannot look for an earlier checkpoint: %s", err.msg);
    if (found) { /* the new run has its own caps, and a day counts what was paid once */
        json_put_num(found, "elapsed_s", 0);
        json_object_del(found, "costs");
        json_object_del(found, "claude_cost_by_path");
    }
    return found;
}

static json_t *status_fields(struct pool *pool, const struct submission *sub)
{
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "mode", sub->mode ? sub->mode : "detached");
    json_put_str(doc, "model",
                 sub->model ? sub->model
                            : pool_strndup(pool, sub->brain, strcspn(sub->brain, ":")));
    if (sub->model_tag && *sub->model_tag)
        json_put_str(doc, "model_tag", sub->model_tag);
    if (sub->variant && *sub->variant)
        json_put_str(doc, "variant", sub->variant);
    json_put(doc, "payload", sub->payload ? json_incref((json_t *)sub->payload) : json_object());
    json_put_int(doc, "max_steps", json_int(sub->payload, "max_steps", 30));
    if (sub->live_viewer)
        json_put_bool(doc, "live_viewer", true);
    return doc;
}

static json_t *string_list(const char *const *list)
{
    json_t *array = json_array();
    for (; list && *list; list++)
        json_push(array, json_string_safe(*list));
    return array;
}

static json_t *webhook_settings(const struct submission *sub)
{
    json_t *hook = json_object();
    json_put_str(hook, "url", sub->webhook_url);
    json_put_str(hook, "secret_name", sub->webhook_secret_name ? sub->webhook_secret_name : "");
    json_put(hook, "events", string_list(sub->webhook_events));
    if (sub->traceparent)
        json_put_str(hook, "traceparent", sub->traceparent);
    return hook;
}

static json_t *worker_settings(struct pool *pool, const struct submission *sub)
{
    json_t *set = json_keep(pool, json_object());
    json_t *options = sub->options ? json_copy((json_t *)sub->options) : json_object();
    json_put(options, "allowed_domains", string_list(sub->allowed_domains));
    json_put_num(set, "max_cost", sub->max_cost);
    json_put_int(set, "max_time_minutes", sub->max_time_minutes);
    if (sub->max_cost_per_day > 0)
        json_put_num(set, "max_cost_per_day", sub->max_cost_per_day);
    if (sub->anthropic_secret_name && *sub->anthropic_secret_name)
        json_put_str(set, "anthropic_secret_name", sub->anthropic_secret_name);
    if (sub->anthropic_required)
        json_put_bool(set, "anthropic_required", true);
    json_put_str(set, "plane", sub->plane);
    json_put_str(set, "brain", sub->brain);
    json_put_bool(set, "resume_state", sub->resume_state);
    json_put_str(set, "session_name", sub->plan->session_name);
    json_put(set, "options", options);
    if (sub->cache)
        json_put(set, "cache", json_deep_copy(sub->cache));
    if (sub->webhook_url && *sub->webhook_url)
        json_put(set, "webhook", webhook_settings(sub));
    return set;
}

const char *sched_no_checkpoint(struct pool *pool, const char *workflow_id)
{
    return pool_printf(pool,
                       "'resume_state': workflow '%s' has no checkpoint of this plan; the run "
                       "begins at its first step",
                       workflow_id);
}

/* What will not be as the caller may think, though the run is taken. */
static json_t *all_warnings(struct pool *pool, const struct submission *sub, bool found_checkpoint)
{
    json_t *all = json_keep(pool, json_array());
    if (sub->plan->warnings)
        json_array_extend(all, (json_t *)sub->plan->warnings);
    if (sub->warnings)
        json_array_extend(all, (json_t *)sub->warnings);
    if (sub->resume_state && !found_checkpoint)
        json_push(all, json_string(sched_no_checkpoint(pool, sub->workflow_id)));
    return all;
}

static void put_warnings(struct sched_submit *one, const json_t *warnings, json_t *handle)
{
    size_t n = json_array_size(warnings);
    if (!n)
        return;
    const char *first = json_string_value(json_array_get(warnings, 0));
    json_t *event = n == 1 ? settle_event("warning", "%s", first)
                           : settle_event("warning", "%s (and %zu more)", first, n - 1);
    json_t *detail = json_object();
    json_put(detail, "warnings", json_incref((json_t *)warnings));
    json_put(event, "detail", detail);
    json_t *events = json_keep(one->pool, json_array());
    json_push(events, event);
    one->events = events;
    json_put(handle, "warnings", json_incref((json_t *)warnings));
}

static const char *keep(struct pool *pool, const char *text)
{
    return text ? pool_strdup(pool, text) : NULL;
}

static void take_in(struct sched_submit *one, const struct submission *sub)
{
    struct sched *s = one->sched;
    struct pool *pool = one->pool;
    one->key_hash = keep(pool, sub->key_hash);
    one->body_hash = keep(pool, sub->body_hash);
    one->rec = (struct run_record){
        .run_id = pool_strdup(pool, sub->key.run_id),
        .tenant_id = pool_strdup(pool, sub->key.tenant),
        .profile_id = keep(pool, sub->profile_id),
        .workflow_id = keep(pool, sub->workflow_id),
        .state_key = keep(pool, sub->state_key),
        .plan_signature = keep(pool, sub->plan->signature),
        .state = RUN_QUEUED,
        .created_us = clock_wall_us(),
        .doc = status_fields(pool, sub),
        .settings = worker_settings(pool, sub),
        .plan = json_keep(pool, plan_to_json(sub->plan)),
        .checkpoint = resume_checkpoint(s, pool, sub),
        .cost_usd = cost_of_rows(json_object_get(sub->options, "spent")),
    };
    one->rec.updated_us = one->rec.created_us;
    if (sub->user_input)
        one->user_input = json_keep(pool, json_deep_copy(sub->user_input));
    json_t *handle = docs_handle(s, pool, &one->rec);
    put_warnings(one, all_warnings(pool, sub, one->rec.checkpoint != NULL), handle);
    if (!sub->mode || strcmp(sub->mode, "sync") != 0)
        one->reply = json_text(pool, handle);
}

/* --- coming and being answered -----------------------------------------------------------------
 */

static bool twin_is_coming(const struct sched *s, const struct submission *sub)
{
    for (const struct sched_submit *o = s->submits; sub->key_hash && o; o = o->next)
        if (o->key_hash && !o->refused && strcmp(o->key_hash, sub->key_hash) == 0 &&
            strcmp(o->rec.tenant_id, sub->key.tenant) == 0)
            return true;
    return false;
}

static int check_cap(const struct sched *s, const struct submission *sub, struct err *err)
{
    int live = sched_live_runs(s, sub->key.tenant);
    if (live < sub->max_concurrent_runs)
        return 0;
    if (twin_is_coming(s, sub)) /* which is no run of its own */
        return err_set(err, E_CONFLICT, "the idempotency key was taken a moment ago");
    return err_set(err, E_RATE_LIMITED,
                   "tenant '%s' has %d live runs, max_concurrent_runs allows %d; wait for one to "
                   "end or cancel one",
                   sub->key.tenant, live, sub->max_concurrent_runs);
}

struct sched_submit *sched_submit(struct sched *s, const struct submission *sub,
                                  sched_submit_fn *fn, void *arg)
{
    struct pool *pool = pool_create(NULL);
    struct sched_submit *one = pool_alloc(pool, sizeof(*one));
    *one = (struct sched_submit){.sched = s, .pool = pool, .fn = fn, .arg = arg};
    one->refused = profiles_check(s, sub->key.tenant, sub->profile_id, &one->err);
    if (!one->refused)
        one->refused = check_cap(s, sub, &one->err);
    if (!one->refused) {
        take_in(one, sub);
        one->tenant = queue_tenant(s, sub->key.tenant);
        one->tenant->coming++;
    }
    *s->submits_end = one;
    s->submits_end = &one->next;
    if (!s->submit_timer.loop)
        loop_timer_set(s->loop, &s->submit_timer, 0, flush, s);
    return one;
}

void sched_submit_forget(struct sched_submit *submit)
{
    if (submit)
        submit->fn = NULL;
}

static void answer(struct sched_submit *one, int result, const struct err *err)
{
    struct sched *s = one->sched;
    s->answering = one;
    if (one->fn)
        one->fn(one->arg, result, err);
    s->answering = NULL;
    pool_destroy(one->pool);
}

int sched_handle(struct sched *s, struct pool *pool, struct run_key key, const char **ret_text,
                 struct err *err)
{
    const struct sched_submit *one = s->answering;
    struct err cause = {0};
    struct run_record rec;
    if (one && one->reply && run_key_equal(RUN_KEY_OF(&one->rec), key)) {
        *ret_text = pool_strdup(pool, one->reply);
        return 0;
    }
    if (store_run_get(s->store, pool, key, 0, &rec, &cause))
        return sched_run_error(&cause, err);
    *ret_text = json_text(pool, docs_handle(s, pool, &rec));
    return 0;
}

/* --- one commit --------------------------------------------------------------------------------
 */

struct batch {
    struct pool *pool;
    struct sched_submit *list;
    struct store_creation *creations; /* of those that were not refused */
    size_t n;
};

static void accepted(struct sched_submit *one)
{
    struct sched *s = one->sched;
    files_status_soon(s, RUN_KEY_OF(&one->rec));
    if (one->user_input) /* of the next question that is asked */
        answers_keep(s, RUN_KEY_OF(&one->rec),
                     1 + (int)json_int(one->rec.checkpoint, "user_inputs", 0), one->user_input);
    queue_add(s, RUN_KEY_OF(&one->rec), one->rec.profile_id, false);
}

/* The first of those that came; the rest has its own turn. */
static void take_batch(struct sched *s, struct batch *b)
{
    struct sched_submit **at = &s->submits;
    size_t count = 0;
    for (const struct sched_submit *one = s->submits; one; one = one->next)
        count += !one->refused;
    if (count > CAP_SUBMITS_PER_COMMIT)
        count = CAP_SUBMITS_PER_COMMIT;
    b->creations = pool_alloc(b->pool, (count + 1) * sizeof(*b->creations));
    b->list = s->submits;
    for (; *at && (b->n < count || (*at)->refused); at = &(*at)->next)
        if (!(*at)->refused)
            b->creations[b->n++] = (struct store_creation){.run = &(*at)->rec,
                                                           .key_hash = (*at)->key_hash,
                                                           .body_hash = (*at)->body_hash,
                                                           .events = (*at)->events,
                                                           .reply = (*at)->reply};
    s->submits = *at;
    *at = NULL;
    if (!s->submits)
        s->submits_end = &s->submits;
    else
        loop_timer_set(s->loop, &s->submit_timer, 0, flush, s);
}

/* All of them are known to the queue before the first caller hears: he may submit or cancel. */
static void take_results(struct batch *b, int all, const struct err *cause)
{
    size_t i = 0;
    for (struct sched_submit *one = b->list; one; one = one->next) {
        if (one->refused)
            continue;
        const struct store_creation *c = &b->creations[i++];
        int r = all ? all : c->result;
        one->tenant->coming--;
        if (r == E_CONFLICT || r == E_INVALID)
            one->refused = err_set(&one->err, r, "%s", all ? cause->msg : c->err.msg);
        else if (r)
            one->refused = sched_store_error(all ? cause : &c->err, &one->err);
        else
            accepted(one);
    }
}

static void flush(void *arg)
{
    struct sched *s = arg;
    struct batch b = {.pool = pool_create(NULL)};
    struct err cause = {0};
    take_batch(s, &b);
    take_results(&b, b.n ? store_run_create(s->store, b.creations, b.n, &cause) : 0, &cause);
    pool_destroy(b.pool);
    while (b.list) {
        struct sched_submit *one = b.list;
        b.list = one->next;
        answer(one, one->refused, one->refused ? &one->err : NULL);
    }
}

void submit_release(struct sched *s)
{
    loop_timer_clear(&s->submit_timer);
    while (s->submits) {
        struct sched_submit *one = s->submits;
        s->submits = one->next;
        pool_destroy(one->pool);
    }
}
