#include "api/dry_run.h"

#include <math.h>

#include "plan/suite.h"

#define OTHER_USD     0.02  /* start, traffic and storage of any run */
#define DECOMPOSE_USD 0.015 /* a model that makes steps of words (http-api.md section 4.6) */

static double usd(double amount)
{
    return round(amount * 1e6) / 1e6;
}

static json_t *suite(const struct dry_run *d)
{
    json_t *o = plan_suite_json(d->plan);
    json_put_num(o, "_max_cost", d->max_cost);
    json_put_int(o, "_max_time_minutes", d->max_time_minutes);
    json_put_bool(o, "_resume_state", d->resume_state);
    json_put_str(o, "_profile_id", d->identity->profile_id);
    json_put_str(o, "_workflow_id", d->identity->workflow_id);
    json_put_str(o, "_state_key", d->identity->state_key);
    json_put(o, "_checkpoint_path",
             json_sprintf("%s/tenants/%s/checkpoints/%s.json", d->data_dir, d->tenant_id,
                          d->identity->workflow_id));
    return o;
}

/* A run that is likely to end before it is through should not be started in good faith. */
static json_t *warnings(const struct dry_run *d, double estimated)
{
    json_t *all = d->plan->warnings ? json_deep_copy(d->plan->warnings) : json_array();
    if (d->warnings)
        json_array_extend(all, (json_t *)d->warnings);
    if (estimated > d->max_cost)
        json_push(all,
                  json_sprintf("the estimate of %g USD is above the max_cost in force, %g USD: "
                               "the run would stop at it",
                               estimated, d->max_cost));
    return all;
}

static json_t *estimate(const struct dry_run *d)
{
    const struct model_rates *rates = model_rates(d->model);
    struct pool *pool = pool_create(NULL);
    int steps, reads;
    plan_count_work(pool, d->plan, &steps, &reads);
    pool_destroy(pool);
    double gpu = usd(rates->step * steps), claude = usd(rates->extract * (reads > 1 ? reads : 1) +
                                                        (d->by_model ? DECOMPOSE_USD : 0));
    json_t *o = json_object();
    json_put_str(o, "cua_model", d->model);
    json_put_num(o, "gpu_usd", gpu);
    json_put_num(o, "claude_usd", claude);
    json_put_num(o, "other_usd", OTHER_USD);
    json_put_num(o, "estimated_total_usd", usd(gpu + claude + OTHER_USD));
    json_put_str(
        o, "note",
        "Loop bodies are counted as often as they run at most; extraction, gates, presses and "
        "form steps ask a reader. The run stops at max_cost.");
    return o;
}

json_t *dry_run_json(const struct dry_run *d)
{
    json_t *o = json_object();
    json_put_bool(o, "dry_run", true);
    json_put_str(o, "tenant_id", d->tenant_id);
    json_put_str(o, "profile_id", d->identity->profile_id);
    json_put_str(o, "workflow_id", d->identity->workflow_id);
    json_put_str(o, "cua_model", d->model);
    json_put_str(o, "compute_backend", d->plane);
    json_put(o, "task_suite", suite(d));
    json_put(o, "plan_summary", plan_summary_json(d->plan));
    json_t *cost = estimate(d);
    json_put(o, "cost_estimate", cost);
    json_put(o, "warnings", warnings(d, json_num(cost, "estimated_total_usd", 0)));
    json_put_str(o, "next_step", "Send the same request without dry_run to start the run.");
    return o;
}
