/*
 * settle.c - how a run ends.
 *
 * The first terminal state wins, and it is in the store before any file is written. A run that was
 * cancelled is terminal at once, while its worker still has up to two seconds: its rows follow by
 * store_run_result(), which takes a result only once.
 */
#include "sched/private.h"

#include <stdarg.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "core/failed_step.h"
#include "core/result.h"

#define DELIVERY_ID_BYTES 16 /* random */

json_t *settle_event(const char *kind, const char *fmt, ...)
{
    struct pool *pool = pool_create(NULL);
    va_list ap;
    va_start(ap, fmt);
    json_t *event = json_object();
    json_put_str(event, "layer", "run");
    json_put_str(event, "kind", kind);
    json_put(event, "summary", json_string_safe(pool_vprintf(pool, fmt, ap)));
    json_put_int(event, "step_index", -1);
    va_end(ap);
    pool_destroy(pool);
    return event;
}

/* What one ending is made from; lives for one call of settle_run(). */
struct settling {
    struct sched *s;
    struct pool *pool;
    struct ending end;
    struct run_record rec;
    const json_t *checkpoint;
    const char *terminal_status, *failure_class;
    json_t *failed_step; /* NULL none, or of no interest */
    enum run_state state;
    int64_t at_us; /* now */
};

static const char *text(const char *s)
{
    return s ? s : "";
}

static double total_time(const struct settling *t)
{
    int64_t from = t->rec.started_us ? t->rec.started_us : clock_wall_us();
    double wall_s = (double)(clock_wall_us() - from) / 1e6;
    /* with several attempts the wall clock holds the time in which nothing ran */
    if (t->rec.attempts > 1)
        return json_num(t->checkpoint, "elapsed_s", wall_s);
    return wall_s > 0 ? wall_s : 0;
}

static json_t *make_envelope(const struct settling *t)
{
    const struct run_record *rec = &t->rec;
    const char *run_dir = dirs_run(t->s, t->pool, RUN_KEY_OF(rec));
    const char *result = pool_printf(t->pool, "%s/result.json", run_dir);
    const char *csv = pool_printf(t->pool, "%s/leads.csv", run_dir);
    struct result_context ctx = {
        .run_id = rec->run_id,
        .model = json_str(rec->doc, "model", ""),
        .model_tag = json_str(rec->doc, "model_tag", ""),
        .provider = "mantis",
        .session_name = json_str(rec->settings, "session_name", ""),
        .profile_id = text(rec->profile_id),
        .workflow_id = text(rec->workflow_id),
        .state_key = text(rec->state_key),
        .plan_signature = text(rec->plan_signature),
        .checkpoint_path = dirs_checkpoint(t->s, t->pool, rec->tenant_id, text(rec->workflow_id)),
        .terminal_status = t->terminal_status,
        .halt_reason = text(t->end.halt_reason),
        .total_time_s = total_time(t),
        .resume_state = json_flag(rec->settings, "resume_state", false),
        .cua = json_object_get(json_object_get(rec->settings, "options"), "cua"),
    };
    json_t *env = result_envelope(&ctx, t->checkpoint);
    video_put(t->s, t->pool, RUN_KEY_OF(rec), json_object_get(rec->settings, "options"), t->checkpoint, env);
    json_put_str(env, "result_path", result);
    json_put_str(env, "csv_path", csv);
    json_put_str(env, "detached_result_path", result);
    json_put_str(env, "detached_csv_path", csv);
    if (*t->failure_class)
        json_put_str(env, "failure_class", t->failure_class);
    if (*text(t->end.error))
        json_put(env, "error", json_string_safe(t->end.error));
    if (artifacts_final_png(t->s, RUN_KEY_OF(rec), t->checkpoint)) {
        const char *url = pool_printf(t->pool, "/v1/runs/%s/artifacts/final.png", rec->run_id);
        json_push(json_object_get(env, "artifacts"),
                  json_pack("{s:s,s:s,s:s,s:i,s:s}", "name", "final.png", "kind", "file",
                            "mime_type", "image/png", "row_count", 0, "download_url", url));
    }
    return env;
}

static void patch_text(json_t *patch, const char *key, const char *value)
{
    json_put(patch, key, *text(value) ? json_string_safe(value) : json_null());
}

static json_t *make_patch(const struct settling *t, const json_t *envelope)
{
    json_t *patch = t->end.fields ? json_copy((json_t *)t->end.fields) : json_object();
    patch_text(patch, "terminal_status", t->terminal_status);
    patch_text(patch, "halt_reason", t->end.halt_reason);
    patch_text(patch, "halt_class", t->end.halt_class);
    patch_text(patch, "error", t->end.error);
    patch_text(patch, "failure_class", t->failure_class);
    if (t->failed_step)
        json_put(patch, "failed_step", json_incref(t->failed_step));
    json_put(patch, "summary", result_summary(envelope));
    return patch;
}

static json_t *make_events(const struct settling *t, const json_t *envelope)
{
    json_t *events = t->end.events ? json_copy((json_t *)t->end.events) : json_array();
    const char *why = *text(t->end.error) ? t->end.error : text(t->end.halt_reason);
    json_t *last = settle_event("result", "%s%s%s: %d leads, %d steps", run_state_name(t->state),
                                *why ? ", " : "", why, (int)json_int(envelope, "viable", 0),
                                (int)json_int(envelope, "steps_executed", 0));
    json_t *detail = json_object();
    patch_text(detail, "terminal_status", t->terminal_status);
    patch_text(detail, "failure_class", t->failure_class);
    json_put(last, "detail", detail);
    json_put_int(last, "at_us", t->at_us);
    json_push(events, last);
    return events;
}

/* Exactly one per run: the commit that brings its result brings this too. False: nobody asked. */
static bool make_webhook(const struct settling *t, const json_t *patch, struct store_delivery *out)
{
    const struct run_record *rec = &t->rec;
    const json_t *hook = json_object_get(rec->settings, "webhook");
    const json_t *wanted = json_object_get(hook, "events");
    const char *url = json_str(hook, "url", "");
    const char *status = run_state_name(run_state_terminal(rec->state) ? rec->state : t->state);
    if (!*url || (json_array_size(wanted) && !json_holds(wanted, status)))
        return false;
    char *id = pool_alloc(t->pool, 2 * DELIVERY_ID_BYTES + 1);
    id_random_hex(DELIVERY_ID_BYTES, id);
    json_t *payload = json_keep(t->pool, json_object());
    json_put_str(payload, "run_id", rec->run_id);
    json_put_str(payload, "tenant_id", rec->tenant_id);
    json_put_str(payload, "status", status);
    json_object_set(payload, "summary", json_object_get(patch, "summary"));
    json_object_set(payload, "traceparent", json_object_get(hook, "traceparent"));
    *out = (struct store_delivery){.id = id,
                                   .tenant_id = rec->tenant_id,
                                   .run_id = rec->run_id,
                                   .event = status,
                                   .url = url,
                                   .secret_name = json_str(hook, "secret_name", ""),
                                   .payload = payload,
                                   .state = DELIVERY_PENDING,
                                   .created_us = t->at_us,
                                   .next_us = t->at_us,
                                   .last_error = ""};
    return true;
}

static int commit(const struct settling *t, struct err *err)
{
    json_t *envelope = make_envelope(t), *patch = make_patch(t, envelope);
    json_t *events = make_events(t, envelope);
    struct run_key key = RUN_KEY_OF(&t->rec);
    const json_t *checkpoint = t->end.checkpoint;
    struct store *store = t->s->store;
    struct store_delivery hook;
    const struct store_delivery *tell = make_webhook(t, patch, &hook) ? &hook : NULL;
    int r =
        run_state_terminal(t->rec.state)
            ? store_run_result(store, key, patch, checkpoint, envelope, events, tell, err)
            : store_run_end(store, key, t->state, patch, checkpoint, envelope, events, tell, err);
    json_decref(envelope);
    json_decref(patch);
    json_decref(events);
    return r;
}

/* A run that was ended before (cancelled) keeps that word, whatever its worker says afterwards. */
static void decide(struct settling *t)
{
    struct ending *end = &t->end;
    if (t->rec.state == RUN_CANCELLED) {
        t->terminal_status = "cancelled";
        end->halt_reason = "cancel_event";
        end->halt_class = "cancelled";
        end->error = NULL;
    } else if (end->terminal_status)
        t->terminal_status = end->terminal_status;
    else
        t->terminal_status = run_terminal_status(end->runner_status, end->halt_reason,
                                                 result_any_step_failed(t->checkpoint));
    t->state = run_state_of(t->terminal_status);
    if (!run_state_terminal(t->state)) { /* a worker's word for an end that is none */
        t->terminal_status = "failed";
        t->state = RUN_FAILED;
    }
    json_t *classes = result_failure_classes(t->checkpoint);
    t->failure_class = pool_strdup(t->pool, *text(end->failure_class) ? end->failure_class
                                                                      : failure_of_run(classes));
    json_decref(classes);
    if (t->state == RUN_SUCCEEDED || t->state == RUN_CANCELLED)
        t->failure_class = "";
}

/* A halt by a page that did not open says which and why; the other reasons speak for themselves. */
static void explain(struct settling *t)
{
    const char *reason = text(t->end.halt_reason);
    bool by_step = strcmp(reason, "navigate_failed") == 0 || str_starts(reason, "required_failed");
    if (t->state != RUN_HALTED && t->state != RUN_FAILED)
        return;
    t->failed_step = failed_step(t->checkpoint);
    if (t->failed_step)
        json_keep(t->pool, t->failed_step);
    if (by_step && !*text(t->end.error))
        t->end.error = failed_navigation(t->pool, t->checkpoint);
}

int settle_run(struct sched *s, const struct ending *end, struct err *err)
{
    struct settling t = {.s = s, .end = *end, .pool = pool_create(NULL), .at_us = clock_wall_us()};
    int r = store_run_get(s->store, t.pool, end->key, RUN_PART_CHECKPOINT, &t.rec, err);
    if (!r) {
        t.checkpoint = end->checkpoint ? end->checkpoint : t.rec.checkpoint;
        decide(&t);
        explain(&t);
        r = commit(&t, err);
    }
    if (!r) {
        struct log_ctx ctx = {.tenant_id = t.rec.tenant_id, .run_id = t.rec.run_id};
        log_info(LOGGER, &ctx, "run ended: %s", run_state_name(t.state));
        if (t.rec.attempts) /* without the time it was paused */
            queue_learn(s, (int64_t)(1000 * json_num(t.checkpoint, "elapsed_s", total_time(&t))));
        files_write_all(s, end->key);
        cache_write(s, t.pool, t.rec.tenant_id, json_object_get(t.rec.settings, "cache"),
                    t.checkpoint);
        watch_run_over(s, end->key);
    }
    pool_destroy(t.pool);
    return r == E_CONFLICT || r == E_NOT_FOUND ? 0 : r;
}

static int give_up(struct sched *s, const struct run_record *rec, const char *reason,
                   const char *failure_class, const json_t *events, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const char *class = *text(failure_class) ? failure_class : "worker_lost";
    struct ending end = {
        .key = RUN_KEY_OF(rec),
        .terminal_status = "failed",
        .halt_reason = class,
        .halt_class = class,
        .failure_class = class,
        .error = pool_printf(pool, "%d attempts in a row got no further; the last one: %s",
                             rec->attempts_no_progress, reason),
        .events = events,
    };
    int r = settle_run(s, &end, err);
    pool_destroy(pool);
    return r;
}

/* A paused run stays paused, now without a worker. */
static int set_lost(struct sched *s, const struct run_record *rec, const char *reason,
                    const char *failure_class, const json_t *more, struct err *err)
{
    enum run_state to = rec->state == RUN_PAUSED ? RUN_PAUSED : RUN_RECOVERING;
    json_t *events = more ? json_copy((json_t *)more) : json_array();
    json_t *event = settle_event("result", "attempt %d was lost: %s", rec->attempts, reason);
    if (*text(failure_class))
        json_put(event, "detail", json_pack("{s:s}", "failure_class", failure_class));
    json_push(events, event);
    int r = rec->state == to
                ? store_events_add(s->store, RUN_KEY_OF(rec), events, err)
                : store_run_set_state(s->store, RUN_KEY_OF(rec), to, NULL, NULL, events, err);
    json_decref(events);
    if (!r)
        files_status_soon(s, RUN_KEY_OF(rec));
    return r;
}

int settle_lost(struct sched *s, struct run_key key, const char *reason, const char *failure_class,
                const json_t *events, bool *ret_again, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, err);
    *ret_again = false;
    if (!r && run_state_terminal(rec.state)) {
        struct ending end = {.key = key, .terminal_status = "failed", .events = events};
        r = settle_run(s, &end, err);
    } else if (!r && rec.attempts_no_progress >= CAP_ATTEMPTS_NO_PROGRESS && !s->draining &&
               rec.state != RUN_PAUSED) {
        r = give_up(s, &rec, reason, failure_class, events, err);
    } else if (!r) {
        struct log_ctx ctx = {.tenant_id = rec.tenant_id, .run_id = rec.run_id};
        log_warning(LOGGER, &ctx, "attempt %d was lost: %s", rec.attempts, reason);
        r = set_lost(s, &rec, reason, failure_class, events, err);
        *ret_again = r == 0 && rec.state != RUN_PAUSED;
    }
    pool_destroy(pool);
    return r == E_CONFLICT || r == E_NOT_FOUND ? 0 : r;
}
