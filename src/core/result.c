/*
 * result.c - what a caller gets in the end, made from the last checkpoint alone.
 *
 * The checkpoint is read leniently: every key may be missing, because it is whatever the worker had
 * got to when it ended. The envelope always has all its keys (agent-loop.md section 18), so a
 * client never has to ask which kind of ending it looks at.
 */
#include "core/result.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/completeness.h"
#include "core/lead.h"
#include "core/result_cua.h"
#include "core/result_priv.h"
#include "core/result_suite.h"
#include "core/run.h"
#include "core/schema.h"

#define INTENT_CHARS 120
#define DATA_CHARS   300

static const char *const buckets[] = {
    "perceive",
    "think",
    "act",
    "settle",
    "claude_ground",
    "claude_extract",
    "claude_verify",
    "claude_verify_haiku",
    "claude_verify_opus_escalation",
    "load",
};

#define get json_object_get

/* A copy of the array under key, or an empty one. New reference. */
static json_t *copy_array(const json_t *obj, const char *key)
{
    json_t *v = get(obj, key);
    return json_is_array(v) ? json_deep_copy(v) : json_array();
}

static double round_to(double value, double steps)
{
    return round(value * steps) / steps;
}

static json_t *time_breakdown(const json_t *given, double total_s)
{
    json_t *out = json_object();
    double sum = 0;
    for (size_t i = 0; i < ARRAY_SIZE(buckets); i++) {
        double s = json_num(given, buckets[i], 0);
        sum += s;
        json_put_num(out, buckets[i], round_to(s, 1000));
    }
    json_put_num(out, "overhead", round_to(fmax(0, total_s - sum), 1000));
    return out;
}

/* --- leads ----------------------------------------------------------------------------------- */

static bool has_phone(struct pool *pool, const char *lead)
{
    json_t *row = lead_to_json(pool, lead);
    const char *phone = json_str(row, "phone", "");
    int digits = 0;
    for (const char *p = phone; *p; p++)
        digits += isdigit((unsigned char)*p) != 0;
    bool has = digits >= 10 && !schema_is_placeholder(phone);
    json_decref(row);
    return has;
}

/* The runner notes a lead for every row; a checkpoint without leads still has its rows. Each lead
 * once, by its key (14.4). */
static json_t *all_leads(struct pool *pool, const json_t *checkpoint)
{
    json_t *leads = copy_array(checkpoint, "extracted_leads"), *out = json_array(), *v;
    json_t *keys = json_object();
    size_t i;
    if (!json_array_size(leads))
        json_array_foreach (get(checkpoint, "rows"), i, v)
            if (result_row_values(v))
                json_push(leads, json_string_safe(lead_from_values(pool, result_row_values(v))));
    json_array_foreach (leads, i, v) {
        const char *key = json_is_string(v) ? lead_dedup_key(pool, json_string_value(v)) : NULL;
        if (key && json_object_get(keys, key))
            continue;
        if (key)
            json_put_bool(keys, key, true);
        json_array_append(out, v);
    }
    json_decref(leads);
    json_decref(keys);
    return out;
}

/* --- steps ----------------------------------------------------------------------------------- */

static json_t *cut_string(struct pool *pool, const json_t *obj, const char *key, size_t max)
{
    return json_string_safe(str_cut(pool, json_str(obj, key, ""), max));
}

static json_t *step_detail(struct pool *pool, const json_t *r, size_t position)
{
    static const char *const extra[] = {
        "failure_class", "failure_subclass", "final_url", "page_title",        "skip_reason",
        "last_action",   "screenshot",       "verdict",   "recovery_decision", "reversibility"};
    json_t *d = json_object();
    bool success = json_flag(r, "success", false);
    double duration = json_num(r, "duration", 0);
    json_put_int(d, "step", json_int(r, "step_index", (int64_t)position));
    json_put(d, "intent", cut_string(pool, r, "intent", INTENT_CHARS));
    json_put_bool(d, "success", success);
    json_put_int(d, "steps", json_int(r, "steps_used", 0));
    json_put(d, "data", cut_string(pool, r, "data", DATA_CHARS));
    json_put_str(d, "executor_backend", json_str(r, "executor_backend", ""));
    json_put(d, "time_breakdown", time_breakdown(get(r, "time_breakdown"), duration));
    json_put_num(d, "duration", round_to(duration, 1000));
    if (json_flag(r, "skip", false))
        json_put_bool(d, "skip", true);
    for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
        json_t *v = get(r, extra[i]);
        if (json_truthy(v))
            json_object_set(d, extra[i], v);
    }
    if (!success && !get(d, "failure_class") && !json_flag(r, "skip", false))
        json_put_str(d, "failure_class",
                     failure_classify(json_str(r, "data", ""), json_str(r, "page_title", "")));
    return d;
}

static void put_steps(struct pool *pool, json_t *env, const json_t *checkpoint)
{
    json_t *details = json_array(), *counts = json_object(), *r;
    size_t i;
    json_array_foreach (get(checkpoint, "step_results"), i, r) {
        const char *backend = json_str(r, "executor_backend", "");
        json_push(details, step_detail(pool, r, i));
        if (*backend)
            json_put_int(counts, backend, json_int(counts, backend, 0) + 1);
    }
    json_put_int(env, "steps_executed", (json_int_t)json_array_size(details));
    json_put(env, "executor_backend_counts", counts);
    json_put(env, "step_details", details);
}

bool result_any_step_failed(const json_t *checkpoint)
{
    size_t i;
    json_t *r;
    json_array_foreach (get(checkpoint, "step_results"), i, r)
        if (!json_flag(r, "success", false) &&
            !str_starts(json_str(r, "skip_reason", ""), "guard_"))
            return true;
    return false;
}

json_t *result_failure_classes(const json_t *checkpoint)
{
    json_t *classes = json_array(), *r;
    size_t i;
    json_array_foreach (get(checkpoint, "step_results"), i, r) {
        if (json_flag(r, "success", false) || json_flag(r, "skip", false))
            continue;
        const char *class = json_str(r, "failure_class", "");
        json_push(classes, json_string(*class ? class
                                              : failure_classify(json_str(r, "data", ""),
                                                                 json_str(r, "page_title", ""))));
    }
    return classes;
}

/* --- the whole ------------------------------------------------------------------------------- */

static void put_costs(json_t *env, const struct result_context *ctx, const json_t *given,
                      int64_t leads, int64_t with_phone)
{
    double gpu = json_num(given, "gpu", 0), claude = json_num(given, "claude", 0);
    double proxy = json_num(given, "proxy", 0);
    double total = json_num(given, "total", gpu + claude + proxy);
    json_t *c = json_object();
    json_put_num(c, "total", total);
    json_put_num(c, "gpu", gpu);
    json_put_num(c, "claude", claude);
    json_put_num(c, "proxy", proxy);
    json_put_int(c, "leads", leads);
    json_put_int(c, "leads_with_phone", with_phone);
    json_put_num(c, "per_lead", total / (double)(leads > 0 ? leads : 1));
    json_put_num(c, "per_phone_lead", total / (double)(with_phone > 0 ? with_phone : 1));
    json_put_str(c, "status", ctx->terminal_status);
    json_put_str(c, "checkpoint_path", ctx->checkpoint_path);
    json_put(env, "costs", c);
}

static void put_verification(json_t *env, const json_t *coverage)
{
    static const char *const keys[] = {"status", "verdict", "totals", "checks"};
    json_t *full, *summary = json_object();
    if (json_is_string(get(coverage, "verdict")))
        full = json_deep_copy(coverage);
    else
        full =
            json_pack("{s:s,s:s,s:{s:i,s:i,s:i,s:i,s:i,s:i,s:i},s:[],s:[]}", "status",
                      "not_applicable", "verdict", "not_applicable", "totals", "pages_seen", 0,
                      "found_items", 0, "attempted_items", 0, "opened_items", 0, "completed_items",
                      0, "successful_items", 0, "failed_items", 0, "checks", "pages");
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (get(full, keys[i]))
            json_object_set(summary, keys[i], get(full, keys[i]));
    json_put(env, "dynamic_verification", full);
    json_put(env, "dynamic_verification_summary", summary);
}

static void put_context(json_t *env, const struct result_context *ctx)
{
    json_put_str(env, "run_id", ctx->run_id);
    json_put_str(env, "provider", ctx->provider);
    json_put_str(env, "session_name", ctx->session_name);
    json_put_str(env, "model", ctx->model);
    if (ctx->model_tag && *ctx->model_tag)
        json_put_str(env, "model_tag", ctx->model_tag);
    json_put_str(env, "mode", "micro_intent");
    json_put_str(env, "terminal_status", ctx->terminal_status);
    json_put_str(env, "halt_reason", ctx->halt_reason);
    json_put_num(env, "total_time_s", round_to(ctx->total_time_s, 1000));
    json_put_str(env, "state_key", ctx->state_key);
    json_put_str(env, "profile_id", ctx->profile_id);
    json_put_str(env, "workflow_id", ctx->workflow_id);
    json_put_str(env, "checkpoint_path", ctx->checkpoint_path);
    json_put_str(env, "plan_signature", ctx->plan_signature);
    json_put_bool(env, "resume_state", ctx->resume_state);
}

static void put_leads(struct pool *pool, json_t *env, const struct result_context *ctx,
                      const json_t *checkpoint)
{
    json_t *leads = all_leads(pool, checkpoint), *v;
    int64_t with_phone = 0, unknown = 0;
    size_t i;
    json_array_foreach (leads, i, v)
        with_phone += json_is_string(v) && has_phone(pool, json_string_value(v));
    json_array_foreach (get(checkpoint, "rows"), i, v)
        unknown += result_row_values(v) && result_only_placeholders(pool, result_row_values(v));
    int64_t n = (int64_t)json_array_size(leads);
    json_put_int(env, "viable", n);
    json_put_int(env, "leads_with_phone", with_phone);
    json_put_int(env, "unknown_placeholder_row_count", unknown);
    put_costs(env, ctx, get(checkpoint, "costs"), n, with_phone);
    if (json_object_size(get(checkpoint, "claude_cost_by_path")))
        json_object_set(env, "claude_cost_by_path", get(checkpoint, "claude_cost_by_path"));
    json_put(env, "artifacts", result_artifacts(pool, ctx->run_id, checkpoint, leads));
    json_put(env, "leads", leads);
}

json_t *result_envelope(const struct result_context *ctx, const json_t *checkpoint)
{
    struct pool *pool = pool_create(NULL);
    json_t *env = json_object();
    put_context(env, ctx);
    json_put(env, "wall_time_breakdown",
             time_breakdown(get(checkpoint, "time_buckets"), ctx->total_time_s));
    put_leads(pool, env, ctx, checkpoint);
    json_put(env, "healing_events", copy_array(checkpoint, "healing_events"));
    put_verification(env, get(checkpoint, "dynamic_coverage"));
    json_put(env, "completeness", completeness_report(get(checkpoint, "accounts")));
    json_put(env, "collected_urls", copy_array(checkpoint, "collected_urls"));
    json_put_int(env, "shared_seen_hits", json_int(checkpoint, "shared_seen_hits", 0));
    put_steps(pool, env, checkpoint);
    json_put_str(env, "final_url", json_str(checkpoint, "current_url", ""));
    if (json_truthy(get(checkpoint, "learned"))) /* of graph_learn */
        json_object_set(env, "learned", get(checkpoint, "learned"));
    json_put(env, "warnings", copy_array(checkpoint, "warnings"));
    result_put_suite(env, checkpoint);
    if (ctx->cua)
        result_put_cua(env, ctx, checkpoint);
    pool_destroy(pool);
    return env;
}

json_t *result_summary(const json_t *env)
{
    static const char *const keys[] = {"run_id",
                                       "provider",
                                       "session_name",
                                       "model",
                                       "model_tag",
                                       "mode",
                                       "total_time_s",
                                       "steps_executed",
                                       "viable",
                                       "leads_with_phone",
                                       "passed",
                                       "total",
                                       "score",
                                       "result_path",
                                       "csv_path",
                                       "detached_result_path",
                                       "detached_csv_path",
                                       "dynamic_verification_summary",
                                       "terminal_status",
                                       "halt_reason",
                                       "wall_time_breakdown",
                                       "video",
                                       "final_url"};
    const json_t *costs = get(env, "costs");
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (get(env, keys[i]))
            json_object_set(out, keys[i], get(env, keys[i]));
    json_put_num(out, "cost_total", json_num(costs, "total", 0));
    json_put(out, "cost_breakdown",
             json_pack("{s:f,s:f,s:f}", "gpu", json_num(costs, "gpu", 0), "claude",
                       json_num(costs, "claude", 0), "proxy", json_num(costs, "proxy", 0)));
    return out;
}
