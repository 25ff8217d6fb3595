#include "sched/private.h"

#include <string.h>

#include "core/cost.h"

json_t *account_rates(const struct settings *set)
{
    struct pool *pool = pool_create(NULL);
    const json_t *prices;
    json_t *r = json_object();
    json_put_num(r, "gpu_hourly_usd", set->cost_gpu_hourly_usd);
    json_put_num(r, "gpu_seconds_per_step", set->cost_gpu_seconds_per_step);
    json_put_num(r, "claude_call_usd", set->cost_claude_call_usd);
    json_put_num(r, "claude_input_per_mtok", set->cost_claude_input_per_mtok);
    json_put_num(r, "claude_output_per_mtok", set->cost_claude_output_per_mtok);
    json_put_num(r, "claude_cached_input_per_mtok", set->cost_claude_cached_input_per_mtok);
    json_put_num(r, "proxy_per_gb_usd", set->cost_proxy_per_gb_usd);
    if (!cost_prices_parse(pool, set->model_prices, &prices, NULL) &&
        prices) /* serve looked at it */
        json_put(r, "models", json_incref((json_t *)prices));
    pool_destroy(pool);
    return r;
}

/* The run of a checkpoint that has its own costs: one that was taken over from an earlier run has none. */
static bool is_own(const struct run_record *rec, const json_t *checkpoint)
{
    return strcmp(json_str(checkpoint, "run_key", ""), rec->run_id) == 0;
}

json_t *account_with_costs(struct sched *s, const struct run_record *rec, const json_t *checkpoint)
{
    const json_t *spent = json_object_get(json_object_get(rec->settings, "options"), "spent");
    if (!spent || is_own(rec, checkpoint))
        return json_incref((json_t *)checkpoint);
    struct cost_rates rates;
    json_t *set = account_rates(s->settings), *costs = json_object(), *by_path = json_object();
    json_t *out = checkpoint ? json_copy((json_t *)checkpoint) : json_object();
    cost_rates_read(set, &rates);
    cost_add_rows(costs, by_path, spent);
    cost_update(costs, by_path, &rates);
    json_put(out, "costs", costs);
    json_put(out, "claude_cost_by_path", by_path);
    json_decref(set);
    return out;
}
