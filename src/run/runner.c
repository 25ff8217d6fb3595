#include "run/run.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/grounding.h"
#include "core/passwords.h"
#include "core/task.h"
#include "run/asks.h"
#include "run/ending.h"
#include "run/models.h"
#include "run/page_state.h"
#include "run/pause.h"
#include "run/resume.h"
#include "run/steps/steps.h"
#include "run/telling.h"
#include "run/turn.h"

#define FIRST_WHEEL_PX 100 /* a guess; measured with the first scroll */

static char *empty_text(void)
{
    char *s = strdup("");
    if (!s)
        BUG("out of memory");
    return s;
}

/* That a model was asked again is healing, whoever asked. That it did not answer may be, once the step is done. */
static void model_trouble(void *arg, const char *profile, const char *why, int calls, bool answered)
{
    struct run *run = arg;
    json_t *o = json_object();
    json_put_str(o, "by", answered ? "retry" : "runner");
    json_put_str(o, "model", profile);
    json_put_int(o, "calls", calls);
    json_put(o, "reason", json_string_safe(str_cut(run->step_pool, why, HEAL_BYTES)));
    run_event(run, "runner", answered ? "model_retry" : "model_silent", json_incref(o),
              "'%s' %s (%d calls): %s", profile, answered ? "answered after all" : "did not answer",
              calls, why);
    if (answered)
        run_heal(run, "model_retry", "runner", o);
    else
        run->silent = json_keep(run->step_pool, o);
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
    run->saved_results = json_array();
    run->live_url = empty_text();
    run->url_before = empty_text();
    run->dialog_page = empty_text();
    run->start_us = clock_mono_us();
    answers_take(&run->answers, config->user_input);
    json_t *passwords = passwords_of(config->plan);
    answers_take(&run->passwords, passwords);
    run->passwords.mark = PASSWORD_MARK;
    json_decref(passwords);
    mask_init(&run->mask, &run->answers, &run->passwords, plane && plane_caps(plane) & PLANE_HAS_DOM);
    meter_start(&run->step_meter);
    if (config->models)
        models_listen(config->models, model_trouble, run);
}

void run_release(struct run *run)
{
    loop_timer_clear(&run->time_cap);
    grounding_cache_destroy(run->grounding);
    progress_release(&run->progress);
    coverage_release(&run->coverage);
    json_decref(run->run_time);
    json_decref(run->pending_events);
    json_decref(run->saved);
    json_decref(run->saved_results);
    telling_reset(run);
    answers_release(&run->answers);
    answers_release(&run->passwords);
    person_release(&run->person);
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
    run->challenged = run->challenged && on;
}

void run_answer(struct run *run, const json_t *given)
{
    answers_take(&run->answers, given);
}

static void time_is_up(void *arg)
{
    run_stop(arg, RUN_STOP_TIME);
}

void run_arm_time_cap(struct run *run)
{
    if (run->config->max_time_minutes <= 0)
        return;
    double left = run->config->max_time_minutes * 60.0 - run_elapsed_s(run);
    loop_timer_set(run->loop, &run->time_cap, left > 0 ? (int64_t)(left * 1000) : 0, time_is_up,
                   run);
}

/* What was paid for the plan is the run's; a later attempt has it in its checkpoint. */
static void count_spent(struct run *run)
{
    struct progress *p = &run->progress;
    cost_add_rows(p->costs, p->cost_by_path, run->config->spent);
    cost_update(p->costs, p->cost_by_path, &run->config->rates);
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
    if (strcmp(p->run_key, run->config->run_id) != 0)
        count_spent(run);
    progress_set(&p->plan_signature, run->plan->signature);
    progress_set(&p->session_name, run->plan->session_name);
    progress_set(&p->run_key, run->config->run_id);
    p->n_tasks = plan_is_suite(run->plan) ? run->plan->n_steps : 0;
    for (size_t i = 0; i < ARRAY_SIZE(costs); i++)
        if (!json_object_get(p->costs, costs[i]))
            json_put_num(p->costs, costs[i], 0);
    run->told_cost = json_num(p->costs, "total", 0);
    const char *url = run->plan->n_steps ? step_url(run->step_pool, &run->plan->steps[0]) : NULL;
    if (url && !*p->results_base_url && strcmp(run->plan->steps[0].type, "navigate"))
        results_set_base(run, url);
}

static int one_turn(struct run *run, struct run_end *out, struct err *err)
{
    struct next next;
    int r = turn_take(run, &next, err);
    if (!r && next.kind == NEXT_HALT)
        return ending_as(out, "halted", next.reason, next.reason);
    return r;
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
    run_arm_time_cap(run);
    run_keep_checkpoint(run);
    run->blank = true;
    if (!r)
        r = pause_point(run, &err);
    if (!r && restored && run->stop == RUN_STOP_NONE)
        r = resume_reenter(run, &err);
    run->blank = false;
    while (!r) {
        r = pause_point(run, &err);
        if (r || run->progress.step_index >= run->plan->n_steps || ending_caps(run, out))
            break;
        r = page_state_due(run, &err);
        if (!r)
            r = one_turn(run, out, &err);
    }
    if (!r && run->stop == RUN_STOP_NONE)
        asks_end(run);
    ending_finish(run, r, &err, out);
}
