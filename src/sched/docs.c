/*
 * docs.c - what a caller is told about a run: status, phase, result, logs (http-api.md 9 and 10).
 */
#include "sched/live.h"
#include "sched/private.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "sched/payload.h"

#define OLD_DEPLOY_DAYS 30

static void put_time(json_t *doc, const char *key, int64_t wall_us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(doc, key, wall_us ? clock_iso(wall_us, iso) : NULL);
}

static void put_path(const struct sched *s, struct pool *pool, const struct run_record *rec,
                     json_t *doc, const char *key, const char *file)
{
    json_put_str(doc, key, pool_printf(pool, "%s/%s", dirs_run(s, pool, RUN_KEY_OF(rec)), file));
}

const char *docs_halt_class(const struct run_record *rec)
{
    if (rec->state == RUN_CANCELLED)
        return "cancelled";
    if (rec->state == RUN_TIMEOUT)
        return "halt_timeout";
    const char *class = json_str(rec->doc, "halt_class", NULL);
    return class ? class : json_str(rec->doc, "halt_reason", NULL);
}

static bool wants_help(const struct run_record *rec)
{
    const char *phase = run_state_phase(rec->state);
    if (strcmp(phase, "halted") == 0 || strcmp(phase, "cancelled") == 0)
        return true;
    return strcmp(phase, "complete") == 0 && json_str(rec->doc, "error", NULL);
}

static void put_deploy_age(const struct settings *settings, json_t *help)
{
    const char *note = settings->deploy_age_warn, *built = settings->build_time;
    bool wanted = note && *note && str_switch(note) != 0;
    int days = wanted && built ? clock_days_since(built) : 0;
    char text[256];
    if (days <= OLD_DEPLOY_DAYS)
        return;
    if (str_switch(note) > 0)
        note = "models and sites may have changed since; compare with the last release";
    snprintf(text, sizeof(text), "this deployment was built %d days ago: %.200s", days, note);
    json_put(help, "deploy_age_warning", json_string_safe(text));
}

static json_t *help_of(const struct sched *s, const struct run_record *rec)
{
    const char *class = docs_halt_class(rec);
    json_t *help = failure_help(class ? class : run_state_name(rec->state),
                                json_str(rec->doc, "failure_class", NULL), rec->run_id);
    json_t *context = json_object();
    const char *keys[] = {"failure_class", "error", "halt_reason"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (json_object_get(rec->doc, keys[i]))
            json_object_set(context, keys[i], json_object_get(rec->doc, keys[i]));
    json_object_update(context, json_object_get(rec->doc, "failed_step"));
    json_put(help, "context", context);
    put_deploy_age(s->settings, help);
    json_put_int(help, "retries_spent", rec->attempts > 1 ? rec->attempts - 1 : 0);
    return help;
}

static void put_names(const struct sched *s, struct pool *pool, const struct run_record *rec,
                      json_t *doc)
{
    put_path(s, pool, rec, doc, "status_path", "status.json");
    put_path(s, pool, rec, doc, "result_path", "result.json");
    put_path(s, pool, rec, doc, "csv_path", "leads.csv");
    put_path(s, pool, rec, doc, "events_path", "events.log");
    json_put_str(doc, "profile_id", rec->profile_id);
    json_put_str(doc, "workflow_id", rec->workflow_id);
    json_put_str(doc, "state_key", rec->state_key);
    json_put_str(doc, "tenant_id", rec->tenant_id);
}

static void put_place(struct sched *s, struct pool *pool, const struct run_record *rec, json_t *doc)
{
    struct waiting *w = queue_find(s, RUN_KEY_OF(rec));
    int64_t place = w ? queue_place(s, w) : -1, eta = w ? queue_eta_ms(s, place) : -1;
    json_put(doc, "queue_position", place > 0 ? json_integer(place) : json_null());
    json_put_str(doc, "queue_reason", w ? queue_reason(s, pool, w) : NULL);
    json_put(doc, "eta_ms", eta >= 0 ? json_integer(eta) : json_null());
}

/* What the run has so far, and the page it stands on: read only while somebody may want to look. */
static void put_pause_state(struct sched *s, struct pool *pool, const struct run_record *rec,
                            json_t *doc)
{
    static const char *const kept[] = {"step_results", "loop_counters", "listings_on_page",
                                       "session_name"};
    struct run_record full;
    json_t *state = json_object_get(rec->doc, "pause_state");
    if (rec->state != RUN_PAUSED ||
        store_run_get(s->store, pool, RUN_KEY_OF(rec), RUN_PART_CHECKPOINT | RUN_PART_PLAN, &full, NULL))
        return;
    state = state ? json_copy(state) : json_pack("{s:i,s:O?}", "version", 1, "pending_reason",
                                                 json_object_get(rec->doc, "pause_reason"));
    json_put_str(state, "run_key", rec->run_id);
    json_put_str(state, "plan_signature", rec->plan_signature);
    json_put_str(state, "checkpoint_path",
                 dirs_checkpoint(s, pool, rec->tenant_id, rec->workflow_id ? rec->workflow_id : ""));
    if (!json_object_get(state, "step_index"))
        json_put_int(state, "step_index", json_int(full.checkpoint, "step_index", 0));
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (json_object_get(full.checkpoint, kept[i]))
            json_object_set(state, kept[i], json_object_get(full.checkpoint, kept[i]));
    if (json_object_get(full.checkpoint, "browser_state"))
        json_put(state, "browser_state",
                 json_incref(payload_masked_form(
                     pool, json_object_get(full.checkpoint, "browser_state"))));
    json_put(state, "resolved_task_suite",
             json_pack("{s:O?}", "_micro_plan",
                       payload_masked(pool, json_object_get(full.plan, "steps"))));
    json_put(doc, "pause_state", state);
}

/* Where to watch it, and, while it waits for somebody, where to take its controls (docs/live.md). Whoever may
 * read the status may watch. */
static void put_viewer(struct sched *s, struct pool *pool, const struct run_record *rec, json_t *doc)
{
    bool paused = rec->state == RUN_PAUSED && sched_slot_of(s, RUN_KEY_OF(rec));
    int64_t expires_us;
    if (run_state_terminal(rec->state) || (!paused && !json_flag(rec->doc, "live_viewer", false)))
        return;
    json_put_str(doc, "viewer_url",
                 pool_printf(pool, "/v1/runs/%s/view.mjpeg?token=%s", rec->run_id,
                             sched_view_token(s, pool, RUN_KEY_OF(rec), VIEW_WATCH, VIEW_ANYBODY, &expires_us)));
    if (paused)
        json_put_str(doc, "takeover_url", pool_printf(pool, "/v1/runs/%s/takeover", rec->run_id));
}

json_t *docs_status(struct sched *s, struct pool *pool, const struct run_record *rec)
{
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "run_id", rec->run_id);
    json_put_str(doc, "status", run_state_name(rec->state));
    json_put_bool(doc, "terminal", run_state_terminal(rec->state));
    put_time(doc, "created_at", rec->created_us);
    put_time(doc, "started_at", rec->started_us);
    put_time(doc, "updated_at", rec->updated_us);
    put_time(doc, "finished_at", rec->finished_us);
    json_object_update(doc, (json_t *)rec->doc); /* mode, model, payload, summary, error ... */
    put_names(s, pool, rec, doc);
    json_put_str(doc, "halt_class", run_state_terminal(rec->state) ? docs_halt_class(rec) : NULL);
    json_put_int(doc, "attempts", rec->attempts);
    json_put_bool(doc, "in_memory_thread_alive", sched_slot_of(s, RUN_KEY_OF(rec)) != NULL);
    if (rec->state == RUN_QUEUED)
        put_place(s, pool, rec, doc);
    put_pause_state(s, pool, rec, doc);
    put_viewer(s, pool, rec, doc);
    if (wants_help(rec))
        json_put(doc, "failure_help", help_of(s, rec));
    return doc;
}

json_t *docs_handle(struct sched *s, struct pool *pool, const struct run_record *rec)
{
    static const char *const told[] = {"mode", "model", "payload", "max_steps"};
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "status", run_state_name(RUN_QUEUED));
    json_put_bool(doc, "terminal", false);
    json_put_str(doc, "run_id", rec->run_id);
    put_time(doc, "created_at", rec->created_us);
    put_time(doc, "updated_at", rec->created_us);
    for (size_t i = 0; i < ARRAY_SIZE(told); i++)
        json_put(doc, told[i], json_incref(json_object_get(rec->doc, told[i])));
    put_names(s, pool, rec, doc);
    return doc;
}

/* The record of a caller's run; errors are ready to be told. */
static int get(struct sched *s, struct pool *pool, struct run_key key, unsigned parts,
               struct run_record *rec, struct err *err)
{
    struct err cause = {0};
    int r = store_run_get(s->store, pool, key, parts, rec, &cause);
    return r ? sched_run_error(&cause, err) : 0;
}

int sched_status(struct sched *s, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err)
{
    struct run_record rec;
    int r = get(s, pool, key, 0, &rec, err);
    if (!r)
        *out = docs_status(s, pool, &rec);
    return r;
}

int sched_result(struct sched *s, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err)
{
    struct run_record rec;
    int r = get(s, pool, key, RUN_PART_RESULT, &rec, err);
    if (r)
        return r;
    *out = docs_status(s, pool, &rec);
    json_put(*out, "result", rec.result ? json_incref((json_t *)rec.result) : json_null());
    json_put_bool(*out, "result_ready", rec.result != NULL);
    return 0;
}

static json_t *unix_s(int64_t wall_us)
{
    return wall_us ? json_real((double)wall_us / 1e6) : json_null();
}

json_t *docs_phase(struct sched *s, struct pool *pool, const struct run_record *rec)
{
    bool terminal = run_state_terminal(rec->state);
    int64_t finished = rec->finished_us ? rec->finished_us : rec->updated_us;
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "run_id", rec->run_id);
    json_put_str(doc, "phase", run_state_phase(rec->state));
    json_put_bool(doc, "terminal", terminal);
    json_put(doc, "last_event_at", unix_s(rec->updated_us));
    json_put(doc, "started_at", unix_s(rec->started_us ? rec->started_us : rec->created_us));
    json_put(doc, "finished_at", terminal ? unix_s(finished) : json_null());
    json_put_str(doc, "halt_class", terminal ? docs_halt_class(rec) : NULL);
    if (rec->state == RUN_PAUSED) { /* its phase is "running": who polls would wait for ever */
        json_put_str(doc, "status", run_state_name(rec->state));
        json_put(doc, "prompt", json_incref(json_object_get(rec->doc, "prompt")));
    }
    if (wants_help(rec))
        json_put(doc, "failure_help", help_of(s, rec));
    return doc;
}

json_t *docs_log_line(const json_t *event)
{
    static const char *const copied[] = {"ts", "kind", "step_index", "detail"};
    json_t *line = json_object();
    json_put_str(line, "message", json_str(event, "summary", ""));
    for (size_t i = 0; i < ARRAY_SIZE(copied); i++)
        json_put(line, copied[i], json_incref(json_object_get(event, copied[i])));
    return line;
}

int sched_logs(struct sched *s, struct pool *pool, struct run_key key, int tail, json_t **out,
               struct err *err)
{
    struct err cause = {0};
    json_t *events, *e;
    size_t i;
    int limit = tail < 1 ? 1 : tail > CAP_LOG_TAIL ? CAP_LOG_TAIL : tail;
    int r = store_events_get(s->store, pool, key, -1, limit, &events, &cause);
    if (r)
        return sched_run_error(&cause, err);
    json_t *lines = json_array();
    json_array_foreach (events, i, e) {
        json_t *line = docs_log_line(e);
        json_push(lines, json_string(json_text(pool, line)));
        json_decref(line);
    }
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "run_id", key.run_id);
    json_put(doc, "events", lines);
    *out = doc;
    return 0;
}
