/*
 * tell.c - what a run tells its host: events, warnings, healing events, checkpoints.
 */
#include "run/run.h"

#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/delta.h"
#include "run/resume.h"
#include "run/step.h"

#define SUMMARY_BYTES 300

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
    json_t *hidden = answer_hide(&run->answers, e);
    run->host->event(run->host->arg, hidden);
    json_decref(hidden);
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

void run_count_call(struct run *run, const char *source, const char *model,
                    const struct token_use *use)
{
    struct progress *p = &run->progress;
    cost_count_call(p->costs, p->cost_by_path, &run->config->rates, source, model, use);
    cost_update(p->costs, p->cost_by_path, &run->config->rates);
}

void run_count_gpu(struct run *run, double seconds, int steps)
{
    struct progress *p = &run->progress;
    json_put_num(p->costs, "gpu_seconds", json_num(p->costs, "gpu_seconds", 0) + seconds);
    json_put_num(p->costs, "gpu_steps", json_num(p->costs, "gpu_steps", 0) + steps);
    cost_update(p->costs, p->cost_by_path, &run->config->rates);
}

/* A server of ours is paid by the time it works. */
void run_count_use(struct run *run, const struct reader_use *use)
{
    json_t *costs = run->progress.costs;
    if (!use->model) {
        run_count_gpu(run, use->seconds, 0);
        return;
    }
    json_put_num(costs, use->counter, json_num(costs, use->counter, 0) + 1);
    run_count_call(run, use->source, use->model, &use->tokens);
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
    cost_update(p->costs, p->cost_by_path, &run->config->rates);
    progress_set(&p->timestamp, clock_iso(clock_wall_us(), at));
    progress_set(&p->current_url, run->live_url);
    progress_set(&p->reentry_url, resume_url(run));
    json_decref(p->time_buckets);
    p->time_buckets = json_deep_copy(run->run_time);
    json_decref(p->coverage);
    p->coverage = coverage_report(&run->coverage, p->status, run->plan->name, p->filter_tokens,
                                  is_listings_plan(run->plan));
}

/* Without the step results, which do not change any more and become many: whoever needs them adds
 * those that are new to what it has. */
static json_t *rest_of_checkpoint(struct run *run)
{
    refresh(run);
    json_t *doc = progress_to_json(&run->progress), *hidden;
    delta_join(doc, json_array());
    hidden = answer_hide(&run->answers, doc);
    json_decref(doc);
    return hidden;
}

static const json_t *told_results(struct run *run)
{
    return answer_hide_list(&run->answers, run->progress.step_results);
}

json_t *run_checkpoint(struct run *run)
{
    json_t *doc = rest_of_checkpoint(run);
    delta_join(doc, json_incref((json_t *)told_results(run)));
    return doc;
}

/* A copy: the lists of the document are the ones that the next step adds to. */
void run_keep_checkpoint(struct run *run)
{
    json_t *rest = rest_of_checkpoint(run);
    json_decref(run->saved);
    run->saved = json_deep_copy(rest);
    delta_follow(run->saved_results, told_results(run));
    delta_join(run->saved, json_incref(run->saved_results));
    json_decref(rest);
}

int run_send_checkpoint(struct run *run, struct err *err)
{
    run_keep_checkpoint(run);
    json_t *events = answer_hide(&run->answers, run->pending_events);
    int r = run->host->checkpoint(run->host->arg, run->saved, events);
    json_decref(events);
    json_array_clear(run->pending_events);
    return r ? err_set(err, r, "the checkpoint could not be sent (%s)", err_name(r)) : 0;
}

int run_journal(struct run *run, const char *key, const char *state, const json_t *detail)
{
    json_t *hidden = detail ? answer_hide(&run->answers, detail) : NULL;
    int r = run->host->journal(run->host->arg, key, state, hidden);
    json_decref(hidden);
    return r;
}
