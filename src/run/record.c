#include "run/record.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/run.h"
#include "run/account.h"
#include "run/film.h"
#include "run/look.h"
#include "run/telling.h"
#include "run/url.h"

#define INTENT_BYTES     500
#define DATA_BYTES       4000
#define EVENT_DATA_BYTES 300
#define URL_BYTES        500
#define FINAL_LOOK_MS    1000

void record_start(struct run *run)
{
    const struct step_type *type = step_type_find(run->step->type);
    run_event(run, "runner", "step_start",
              json_pack("{s:i,s:i,s:s,s:s,s:o}", "step_index", run->index, "n_steps",
                        run->plan->n_steps, "type", run->step->type, "label",
                        type ? type->overlay : run->step->type, "intent",
                        json_string_safe(str_cut(run->step_pool, run->step->intent, 200))),
              "step %d of %d: %s", run->index + 1, run->plan->n_steps, run->step->type);
    film_step(run->film, run);
}

/* --- pictures -------------------------------------------------------------------------------- */

static int write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

/* A picture need not survive a power cut, so nothing is synced; a half one is never seen. */
int record_picture(struct run *run, const char *name, const uint8_t *png, size_t len)
{
    const char *path = pool_printf(run->step_pool, "%s/%s", run->config->screenshot_dir, name);
    const char *part =
        pool_printf(run->step_pool, "%s/.%s.part", run->config->screenshot_dir, name);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
    int bad = fd < 0 || write_all(fd, png, len);
    if (fd >= 0)
        bad = close(fd) || bad;
    if (!bad)
        bad = rename(part, path);
    if (bad && !run->warned_disk) {
        run->warned_disk = true;
        run_warn(run, "screenshot_failed", "screenshots cannot be kept: %s", strerror(errno));
    }
    if (bad)
        unlink(part);
    return bad ? E_IO : 0;
}

int record_look(struct run *run, struct step_result *result, struct err *err)
{
    struct observation obs;
    bool keep = run->config->screenshot_dir != NULL;
    int r = run_observe(run, keep ? OBSERVE_PNG : 0, &obs, err);
    if (r)
        return r == E_GONE ? r : 0;
    result->final_url = obs.url;
    result->page_title = obs.title;
    if (!keep || !obs.png)
        return 0;
    const char *name =
        pool_printf(run->step_pool, "step_%d_%d.png", run->progress.steps_executed, run->index);
    if (!record_picture(run, name, obs.png, obs.png_len))
        result->screenshot = name;
    return 0;
}

void record_final(struct run *run)
{
    struct observation obs;
    struct err err = {0};
    if (!run->config->screenshot_dir)
        return;
    if (!run_last_look(run, FINAL_LOOK_MS, &obs, &err) && obs.png &&
        record_picture(run, "final.png", obs.png, obs.png_len))
        return; /* it was told */
}

/* --- effects --------------------------------------------------------------------------------- */

static void remember_fields(struct run *run)
{
    struct schema *schema;
    if (step_schema(run, &schema, NULL) || !schema)
        return;
    for (int i = 0; i < schema->n_fields; i++)
        progress_add(run->progress.schema_fields, schema->fields[i].name);
}

void record_rows(struct run *run, struct step_result *result)
{
    struct progress *p = &run->progress;
    size_t i;
    json_t *row;
    if (!result->new_rows)
        return;
    remember_fields(run);
    result->rows = 0;
    json_array_foreach (result->new_rows, i, row) {
        if (json_array_size(p->rows) >= CAP_ROWS) {
            run_warn(run, "rows_capped", "more than %d rows: the rest is not kept", CAP_ROWS);
            break;
        }
        const json_t *lead = json_object_get(row, "lead");
        json_push(p->leads, lead ? json_copy((json_t *)lead) : json_string_safe(result->data));
        json_object_del(row, "lead");
        json_push(p->rows, json_incref(row));
        film_row(run->film, (int)json_array_size(p->rows), row);
        result->rows++;
    }
    if (result->fields) {
        json_decref(p->last_extracted);
        p->last_extracted = json_deep_copy(result->fields);
    }
}

static void note_failure(struct run *run, const struct step_result *result)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    json_t *history = json_object_get(run->progress.failures, key);
    if (!history) {
        history = json_array();
        json_put(run->progress.failures, key, history);
    }
    json_push(history,
              json_pack("{s:i,s:i,s:o,s:s,s:s,s:s,s:o}", "x", result->at.x, "y", result->at.y,
                        "label", json_string_safe(result->label), "kind", result->failure_class,
                        "subkind", result->failure_subclass, "url", run->url_before, "reason",
                        json_string_safe(str_cut(run->step_pool, result->data, 200))));
    while (json_array_size(history) > 8)
        json_array_remove(history, 0);
}

static const char *place(struct pool *pool, int x, int y)
{
    return x < 0 ? "" : pool_printf(pool, " at (%d,%d)", x, y);
}

/* It failed, was tried again, and is done: what was wrong, and where it was done then. */
static void tell_retried(struct run *run, const struct step_result *result, const json_t *failures)
{
    const json_t *last = json_array_get(failures, json_array_size(failures) - 1);
    struct pool *pool = run->step_pool;
    const char *reason =
        pool_printf(pool, "%s%s; done%s", json_str(last, "reason", ""),
                    place(pool, (int)json_int(last, "x", -1), (int)json_int(last, "y", -1)),
                    place(pool, result->at.x, result->at.y));
    if (!last || !run->progress.retries)
        return;
    run_heal(run, result->late ? "late_effect" : "step_retry", "runner",
             json_pack("{s:s,s:s,s:s,s:i,s:o}", "by", "retry", "step_type", run->step->type,
                       "failure_class", json_str(last, "kind", ""), "attempts",
                       run->progress.retries + 1, "reason",
                       json_string_safe(str_cut(pool, reason, HEAL_BYTES))));
}

void record_effects(struct run *run, struct step_result *result)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    if (!result->success && !result->skip && !*result->failure_class)
        result->failure_class = failure_classify(result->data, result->page_title);
    if (result->success && run->silent)
        run_heal(run, "did_without", "runner", json_incref(run->silent));
    if (result->success) {
        tell_retried(run, result, json_object_get(run->progress.failures, key));
        json_object_del(run->progress.failures, key);
        json_object_del(run->progress.overrides, key);
        json_object_del(run->progress.step_recoveries, key);
        record_rows(run, result);
    } else if (!result->skip) {
        note_failure(run, result);
    }
    account_detail(run, result);
}

/* --- records --------------------------------------------------------------------------------- */

static json_t *last_action(const struct run *run, const struct step_result *result)
{
    if (result->at.x < 0)
        return NULL;
    return json_pack("{s:s,s:{s:i,s:i},s:o}", "type", "click", "params", "x", result->at.x, "y",
                     result->at.y, "reasoning", json_string_safe(result->label));
}

static const char *asked_url(struct run *run)
{
    const char *url = step_url(run->step_pool, run->step);
    return url ? str_cut(run->step_pool, url_without_user(run->step_pool, url), URL_BYTES) : "";
}

static void put_verdict(json_t *o, const struct run *run, const struct step_result *r)
{
    json_t *verdict = failure_verdict(r->success || r->skip, r->failure_class);
    json_put_str(o, "recovery_decision",
                 failure_decision(verdict, run->progress.retries + 1, run->step->required));
    json_put(o, "verdict", verdict);
    json_put_str(o, "reversibility", step_reversibility(run->step->type));
}

/* What was spent since the step result before this one: with that of attempts that were tried
 * again. */
static double take_cost(struct run *run)
{
    double total = json_num(run->progress.costs, "total", 0), spent = total - run->told_cost;
    run->told_cost = total;
    return spent > 0 ? spent : 0;
}

static json_t *result_record(struct run *run, const struct step_result *r, double duration,
                             json_t *times)
{
    struct pool *pool = run->step_pool;
    json_t *o = json_object(), *action = last_action(run, r);
    json_put_int(o, "step_index", run->index);
    json_put_str(o, "type", run->step->type);
    json_put_str(o, "section", run->step->section);
    json_put(o, "intent", json_string_safe(str_cut(pool, run->step->intent, INTENT_BYTES)));
    json_put_bool(o, "success", r->success);
    json_put(o, "data", json_string_safe(str_cut(pool, r->data, DATA_BYTES)));
    json_put_int(o, "steps_used", r->steps_used);
    json_put_int(o, "rows", r->success ? r->rows : 0);
    json_put_num(o, "duration", duration);
    json_put_num(o, "cost_usd", take_cost(run));
    json_put_bool(o, "skip", r->skip);
    json_put_str(o, "skip_reason", r->skip_reason);
    json_put_str(o, "failure_class", r->success ? "" : r->failure_class);
    json_put_str(o, "failure_subclass", r->failure_subclass);
    json_put(o, "final_url", json_string_safe(r->final_url));
    if (strcmp(run->step->type, "navigate") == 0)
        json_put(o, "asked_url", json_string_safe(asked_url(run)));
    json_put(o, "page_title", json_string_safe(str_cut(pool, r->page_title, 300)));
    json_put_str(o, "executor_backend", r->backend);
    put_verdict(o, run, r);
    json_put_int(o, "attempts", run->progress.retries + 1);
    json_put_str(o, "screenshot", r->screenshot);
    json_put(o, "extracted_fields", r->fields ? json_incref(r->fields) : json_object());
    json_put(o, "time_breakdown", json_incref(times));
    if (r->task)
        json_put(o, "task", json_incref(r->task));
    if (action)
        json_put(o, "last_action", action);
    json_put(o, "trace", telling_json(run, r));
    return o;
}

static void queue_end_event(struct run *run, const struct step_result *r, const struct next *next,
                            double duration)
{
    static const char *const kinds[] = {"advance", "jump", "retry", "rewind", "halt"};
    json_t *d = json_object();
    json_put_int(d, "step_index", run->index);
    json_put_int(d, "n_steps", run->plan->n_steps);
    json_put_str(d, "type", run->step->type);
    json_put(d, "intent", json_string_safe(str_cut(run->step_pool, run->step->intent, 200)));
    json_put_bool(d, "success", r->success);
    json_put(d, "data", json_string_safe(str_cut(run->step_pool, r->data, EVENT_DATA_BYTES)));
    json_put_num(d, "duration", duration);
    json_put_str(d, "failure_class", r->success ? "" : r->failure_class);
    json_put_int(d, "rows", r->rows);
    json_put_int(d, "total_rows", (int64_t)json_array_size(run->progress.rows));
    json_put_bool(d, "skip", r->skip);
    json_put(d, "url", json_string_safe(r->final_url));
    json_put_bool(d, "listing", step_is_listing(run->step));
    if (json_num(run->progress.costs, "total", 0) > 0)
        json_put(d, "costs", json_copy(run->progress.costs));
    json_put_str(d, "next", kinds[next->kind]);
    json_put_str(d, "reason", next->reason ? next->reason : "");
    const char *kind = next_is_retry(next) ? "retry" : "step_end";
    json_t *e = json_pack("{s:s,s:s,s:i,s:o}", "layer", "runner", "kind", kind, "step_index",
                          run->index, "detail", d);
    const char *text = pool_printf(run->step_pool, "step %d of %d: %s %s: %s", run->index + 1,
                                   run->plan->n_steps, run->step->type,
                                   r->success ? "done"
                                   : r->skip  ? "skipped"
                                              : "failed",
                                   r->data);
    json_put(e, "summary", json_string_safe(str_cut(run->step_pool, text, 300)));
    json_push(run->pending_events, e);
}

/* A failed attempt that is tried again is told as an event only; the last attempt is the result. */
void record_end(struct run *run, const struct step_result *result, const struct next *next)
{
    struct progress *p = &run->progress;
    json_t *times = meter_to_json(&run->step_meter);
    double duration = round(meter_elapsed_s(&run->step_meter) * 1000) / 1000;
    meter_sum(run->run_time, times);
    queue_end_event(run, result, next, duration);
    film_step_end(run->film, run, result);
    if (!next_is_retry(next)) {
        json_push(p->step_results, result_record(run, result, duration, times));
        json_put_int(p->backends, result->backend, json_int(p->backends, result->backend, 0) + 1);
    }
    json_decref(times);
}
