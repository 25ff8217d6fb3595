#include "core/result_cua.h"

#include <string.h>

#include "base/str.h"

/* What the worker wrote down of the one task, NULL none. */
static const json_t *task_of(const json_t *checkpoint)
{
    const json_t *results = json_object_get(checkpoint, "step_results");
    const json_t *last = json_array_get(results, json_array_size(results) - 1);
    return json_array_size(results) ? json_object_get(last, "task") : NULL;
}

static void copy_object(json_t *env, const json_t *from, const char *key)
{
    json_t *v = json_object_get(from, key);
    json_put(env, key, json_is_object(v) ? json_deep_copy(v) : json_object());
}

/* Predicates are counted even when there were none. */
static void put_predicates(json_t *env, const json_t *loop)
{
    const json_t *given = json_object_get(loop, "predicate_summary");
    json_put(env, "predicate_summary",
             given ? json_deep_copy(given)
                   : json_pack("{s:i,s:i,s:i,s:f}", "total", 0, "evaluated", 0, "correct", 0,
                               "accuracy", 0.0));
}

/* Nothing is thought ahead in this version, and no browser outlives its run. */
static void put_not_used(json_t *env)
{
    json_put_bool(env, "reused_session", false);
    json_put(env, "speculation_summary",
             json_pack("{s:i,s:i,s:i,s:f,s:b}", "hits", 0, "misses", 0, "synchronous_starts", 0,
                       "hit_rate", 0.0, "enabled", 0));
}

static const char *how_it_ended(const struct result_context *ctx, const json_t *task)
{
    const char *told = json_str(task, "termination_reason", "");
    bool stopped = !strcmp(ctx->terminal_status, "cancelled");
    return stopped                        ? "cancelled"
           : *told                        ? told
           : !str_empty(ctx->halt_reason) ? ctx->halt_reason
                                          : ctx->terminal_status;
}

void result_put_cua(json_t *env, const struct result_context *ctx, const json_t *checkpoint)
{
    const json_t *task = task_of(checkpoint), *loop = json_object_get(task, "loop");
    int64_t actions = json_int(loop, "actions", 0);
    json_put_str(env, "mode", "pure_cua");
    json_put(env, "instruction", json_string_safe(json_str(ctx->cua, "instruction", "")));
    json_put(env, "start_url", json_string_safe(json_str(ctx->cua, "start_url", "")));
    json_put_bool(env, "success", json_flag(task, "success", false));
    json_put_str(env, "termination_reason", how_it_ended(ctx, task));
    json_put(env, "summary", json_string_safe(json_str(task, "summary", "")));
    json_put_int(env, "steps", json_int(task, "steps", 0));
    json_put_int(env, "duration_s", (int64_t)(ctx->total_time_s + .5));
    json_put_num(env, "elapsed_seconds", ctx->total_time_s);
    json_put_num(env, "total_reward", json_num(loop, "total_reward", 0));
    json_put_int(env, "trajectory_len", actions);
    put_predicates(env, loop);
    put_not_used(env);
    copy_object(env, loop, "perceptual_summary");
    copy_object(env, loop, "loop_recoveries_by_reason");
    copy_object(env, loop, "done_rejections_by_reason");
    copy_object(env, loop, "executor_backend_counts");
}
