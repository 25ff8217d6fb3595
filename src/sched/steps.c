/*
 * steps.c - what a run did so far, step after step, from its last checkpoint: for people who look.
 */
#include "sched/private.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define INTENT_BYTES 200 /* of a step to come; those that were done say all of it */

static json_t *plan_of(struct pool *pool, const json_t *plan)
{
    json_t *list = json_array(), *step;
    size_t i;
    json_array_foreach (json_object_get(plan, "steps"), i, step) {
        json_t *o = json_object();
        json_put_str(o, "type", json_str(step, "type", ""));
        json_put(o, "intent",
                 json_string_safe(str_cut(pool, json_str(step, "intent", ""), INTENT_BYTES)));
        json_put_str(o, "section", json_str(step, "section", ""));
        json_push(list, o);
    }
    return list;
}

static json_t *address_of(struct pool *pool, struct run_key key, const char *screenshot)
{
    return *screenshot ? json_string(pool_printf(pool, "/v1/runs/%s/screenshots/%s", key.run_id,
                                                 screenshot))
                       : json_null();
}

/* before: the screen as the step before left it. */
static json_t *step_of(struct pool *pool, struct run_key key, const json_t *result,
                       const json_t *before)
{
    static const char *const told[] = {"step_index",
                                       "type",
                                       "section",
                                       "intent",
                                       "success",
                                       "skip",
                                       "skip_reason",
                                       "data",
                                       "rows",
                                       "attempts",
                                       "steps_used",
                                       "duration",
                                       "cost_usd",
                                       "final_url",
                                       "page_title",
                                       "last_action",
                                       "executor_backend",
                                       "time_breakdown"};
    json_t *o = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        json_t *value = json_object_get(result, told[i]);
        json_put(o, told[i], value ? json_incref(value) : json_null());
    }
    const char *class = json_str(result, "failure_class", "");
    bool failed = !json_flag(result, "success", false) && !json_flag(result, "skip", false);
    json_put_str(o, "failure_class", *class ? class : NULL);
    json_t *help = failed ? failure_step_help(class) : NULL;
    json_put(o, "help", help ? help : json_null());
    json_put(o, "before_url", address_of(pool, key, json_str(before, "screenshot", "")));
    json_put(o, "after_url", address_of(pool, key, json_str(result, "screenshot", "")));
    return o;
}

int sched_steps(struct sched *s, struct pool *pool, struct run_key key, int64_t after, json_t **out,
                struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    if (store_run_get(s->store, pool, key, RUN_PART_PLAN | RUN_PART_CHECKPOINT, &rec, &cause))
        return sched_run_error(&cause, err);
    const json_t *results = json_object_get(rec.checkpoint, "step_results");
    json_t *doc = json_keep(pool, json_object()), *steps = json_array();
    int64_t n = (int64_t)json_array_size(results), i = after;
    for (; i < n && i < after + CAP_STEPS_LISTED; i++)
        json_push(steps, step_of(pool, key, json_array_get(results, (size_t)i),
                                 i ? json_array_get(results, (size_t)i - 1) : NULL));
    json_put_str(doc, "run_id", key.run_id);
    json_put_str(doc, "status", run_state_name(rec.state));
    json_put_bool(doc, "terminal", run_state_terminal(rec.state));
    json_put_int(doc, "n_steps", n);
    json_put_int(doc, "rows", (int64_t)json_array_size(json_object_get(rec.checkpoint, "rows")));
    json_put_num(doc, "cost_usd", rec.cost_usd);
    json_put(doc, "plan", plan_of(pool, rec.plan));
    json_put(doc, "steps", steps);
    json_put(doc, "next_after", i < n ? json_integer(i) : json_null());
    *out = doc;
    return 0;
}
