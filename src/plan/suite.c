/*
 * suite.c - a plan as the canonical micro suite of plans.md section 2, and what a dry run counts.
 */
#include "plan/suite.h"

#include <string.h>

#include "base/err.h"
#include "core/task.h"
#include "plan/walk.h"

/* As they are written in a suite, with the defaults that hold. */
static json_t *tasks_json(const struct plan *plan)
{
    json_t *tasks = json_array();
    for (int i = 0; i < plan->n_steps; i++) {
        json_t *task = json_deep_copy(plan->steps[i].params);
        json_put_str(task, "intent", plan->steps[i].intent);
        if (json_object_size(plan->steps[i].extract))
            json_put(task, "extract", json_deep_copy(plan->steps[i].extract));
        json_push(tasks, task);
    }
    return tasks;
}

json_t *plan_suite_json(const struct plan *plan)
{
    json_t *o = json_object();
    bool suite = plan_is_suite(plan);
    json_put_str(o, "session_name", plan->session_name);
    json_put_str(o, "base_url", "");
    json_put(o, "tasks", suite ? tasks_json(plan) : json_array());
    json_put(o, "_micro_plan", suite ? json_array() : plan_steps_to_json(plan));
    json_put_str(o, "_plan_signature", plan->signature);
    json_put_bool(o, "_proxy_disabled", plan->runtime.proxy_disabled);
    if (*plan->name)
        json_put_str(o, "_plan_name", plan->name);
    if (*plan->page_url_template)
        json_put_str(o, "_pagination_url_template", plan->page_url_template);
    if (plan->hash && *plan->hash)
        json_put_str(o, "_plan_hash", plan->hash);
    if (plan->objective)
        json_put(o, "_objective", json_deep_copy(plan->objective));
    if (plan->loop_groups)
        json_put(o, "_loop_groups", json_deep_copy(plan->loop_groups));
    if (plan->site_config)
        json_put(o, "_site_config", json_deep_copy(plan->site_config));
    if (plan->runtime.extractor_model && *plan->runtime.extractor_model)
        json_put_str(o, "_extractor_model", plan->runtime.extractor_model);
    if (plan->runtime.brain_budgets)
        json_put(o, "_brain_budgets", json_deep_copy(plan->runtime.brain_budgets));
    if (plan->runtime.has_pause_on_captcha)
        json_put_bool(o, "_pause_on_captcha", plan->runtime.pause_on_captcha);
    if (plan->runtime.settle_ceiling_s > 0)
        json_put_num(o, "_settle_ceiling_seconds", plan->runtime.settle_ceiling_s);
    if (plan->runtime.max_recoveries_per_run > 0)
        json_put_int(o, "_max_recoveries_per_run", plan->runtime.max_recoveries_per_run);
    if (plan->runtime.max_recoveries_per_step > 0)
        json_put_int(o, "_max_recoveries_per_step", plan->runtime.max_recoveries_per_step);
    return o;
}

json_t *plan_summary_json(const struct plan *plan)
{
    json_t *o = json_object(), *by_type = json_object();
    int gates = 0, required = 0, inline_schemas = 0;
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        json_put_int(by_type, s->type, json_int(by_type, s->type, 0) + 1);
        gates += s->gate;
        required += s->required;
        inline_schemas += json_object_size(s->extract) > 0;
    }
    json_put_int(o, "step_count", plan->n_steps);
    json_put(o, "by_type", by_type);
    json_put_int(o, "with_inline_extract_schema", inline_schemas);
    json_put_int(o, "gate_steps", gates);
    json_put_int(o, "required_steps", required);
    return o;
}

/* Does the step ask a reader: read data, check, find what to press or fill in? */
static bool asks_reader(const struct step *s)
{
    static const char *const types[] = {"extract_url", "extract_data", "extract_rows", "click",
                                        "fill_field",  "submit",       "select_option"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (strcmp(s->type, types[i]) == 0)
            return true;
    return s->gate;
}

static bool is_flow(const struct step *s)
{
    return strcmp(s->type, "loop") == 0 || strcmp(s->type, "if_else") == 0;
}

void plan_count_work(struct pool *pool, const struct plan *plan, int *ret_steps, int *ret_reads)
{
    struct walk walk;
    plan_walk(pool, plan, NULL, &walk);
    *ret_steps = *ret_reads = 0;
    for (int i = 0; i < walk.n_visits; i++) {
        const struct step *s = &plan->steps[walk.visits[i].step];
        *ret_steps += !is_flow(s);
        *ret_reads += asks_reader(s);
    }
}
