#include "core/trace.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "core/answer.h"
#include "core/passwords.h"

#define SAMPLE_ROWS 3

/* What one trace is made of. */
struct tracing {
    const struct trace_context *ctx;
    struct pool *pool;
    const json_t *checkpoint;
    struct answers passwords; /* of the plan */
    size_t rows; /* that steps so far have emitted */
};

const char *trace_picture(struct pool *pool, const char *run_id, int64_t step_index)
{
    return pool_printf(pool, "%s_screens/%04lld.png", run_id, (long long)step_index);
}

static void copy_of(json_t *out, const char *key, const json_t *from, json_t *otherwise)
{
    json_t *value = json_object_get(from, key);
    bool there = value && !json_is_null(value);
    json_put(out, key, there ? json_incref(value) : json_incref(otherwise));
    json_decref(otherwise);
}

static double four_decimals(double usd)
{
    return round(usd * 1e4) / 1e4;
}

static json_t *costs_of(const json_t *checkpoint)
{
    static const char *const parts[] = {"gpu", "claude", "proxy", "total"};
    const json_t *costs = json_object_get(checkpoint, "costs");
    json_t *out = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        json_put_num(out, parts[i], four_decimals(json_num(costs, parts[i], 0)));
    return out;
}

/* --- what was expected, and what came --------------------------------------------------------- */

/* Of a step that neither its plan nor a model says it of. */
static const char *usual_outcome(const char *type)
{
    static const struct {
        const char *type, *outcome;
    } usual[] = {
        {"navigate", "The page at the address opens."},
        {"navigate_back", "The page before this one opens."},
        {"paginate", "The next page of results opens."},
        {"click", "The page answers the click."},
        {"submit", "The form is taken and the page goes on."},
        {"fill_field", "The field shows the value."},
        {"type_text", "The field shows the text."},
        {"select_option", "The option is chosen."},
        {"filter", "The results follow the filter."},
        {"scroll", "Another part of the page comes into view."},
        {"extract_data", "The values are read from the page."},
        {"extract_rows", "The rows are read from the page."},
        {"extract_url", "The address is read."},
    };
    for (size_t i = 0; i < ARRAY_SIZE(usual); i++)
        if (!strcmp(usual[i].type, type))
            return usual[i].outcome;
    return "";
}

static const char *predicted(const json_t *result)
{
    const char *said = json_str(json_object_get(result, "trace"), "expected", "");
    return *said ? said : usual_outcome(json_str(result, "type", ""));
}

static const char *url_before(const json_t *result, const json_t *before)
{
    const char *told = json_str(json_object_get(result, "trace"), "url_before", "");
    return *told ? told : json_str(before, "final_url", "");
}

/* "" nothing. before: the result before this one, NULL none. */
static const char *observed(struct pool *pool, const json_t *result, const json_t *before)
{
    const char *url = json_str(result, "final_url", ""), *title = json_str(result, "page_title", "");
    bool other_url = *url && strcmp(url, url_before(result, before));
    bool other_title = *title && strcmp(title, json_str(before, "page_title", ""));
    int rows = (int)json_int(result, "rows", 0);
    const char *parts[] = {
        other_url ? "url changed" : "", other_title ? "title changed" : "",
        rows ? pool_printf(pool, "%d row%s emitted", rows, rows == 1 ? "" : "s") : ""};
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (*parts[i])
            out = pool_printf(pool, "%s%s%s", out, *out ? "; " : "", parts[i]);
    bool moved = json_flag(json_object_get(result, "trace"), "changed", false);
    return *out ? out : moved ? "page changed" : "";
}

/* --- the envelope ------------------------------------------------------------------------------ */

/* The last that healed a step, of one kind; NULL none. */
static const json_t *healed(const struct tracing *t, const json_t *result, const char *kind)
{
    const json_t *all = json_object_get(t->checkpoint, "healing_events"), *found = NULL, *e;
    size_t i;
    json_array_foreach ((json_t *)all, i, e)
        if (!strcmp(json_str(e, "kind", ""), kind) &&
            json_int(e, "step_index", -1) == json_int(result, "step_index", -2))
            found = e;
    return found;
}

/* As JSON, where a password with a quote in it would not be found any more. */
static const char *verdict_text(const struct tracing *t, const json_t *verdict)
{
    if (!verdict)
        return "";
    json_t *hidden = answer_hide(&t->passwords, verdict);
    const char *text = json_text(t->pool, hidden);
    json_decref(hidden);
    return text;
}

static json_t *verifier_of(const struct tracing *t, const json_t *result)
{
    bool success = json_flag(result, "success", false), skip = json_flag(result, "skip", false);
    const char *status = skip                            ? "skipped"
                         : success                       ? "pass"
                         : healed(t, result, "demotion") ? "demoted"
                                                         : "fail";
    const char *reason = skip      ? json_str(result, "skip_reason", "")
                         : success ? ""
                                   : json_str(result, "failure_class", "");
    return json_pack("{s:s,s:o,s:o}", "status", status, "reason", json_string_safe(reason),
                     "raw_verifier_output",
                     json_string_safe(verdict_text(t, json_object_get(result, "verdict"))));
}

/* Without those that are passwords by their name. */
static json_t *values_of(const json_t *row)
{
    json_t *values = json_copy(json_object_get(row, "values")), *v;
    const char *key;
    json_object_foreach (values, key, v)
        if (password_in_words(key) && !json_is_null(v))
            json_put_str(values, key, PASSWORD_MARK);
    return values ? values : json_object();
}

static json_t *sample_of(struct tracing *t, const json_t *result)
{
    const json_t *rows = json_object_get(t->checkpoint, "rows");
    size_t n = (size_t)json_int(result, "rows", 0), from = t->rows;
    json_t *sample = json_array();
    for (size_t i = 0; i < n && i < SAMPLE_ROWS && from + i < json_array_size(rows); i++)
        json_push(sample, values_of(json_array_get(rows, from + i)));
    t->rows += n;
    return sample;
}

static void put_picture(const struct tracing *t, json_t *envelope, const char *key,
                        const json_t *result, int64_t step_index)
{
    bool there = t->ctx->pictures && *json_str(result, "screenshot", "");
    json_put_str(envelope, key, there ? trace_picture(t->pool, t->ctx->run_id, step_index) : "");
}

static json_t *coordinates_of(const json_t *params)
{
    const json_t *x = json_object_get(params, "x"), *y = json_object_get(params, "y");
    return json_is_number(x) && json_is_number(y) ? json_pack("[O,O]", x, y) : json_null();
}

static const char *retry_reason(const struct tracing *t, const json_t *result)
{
    const json_t *told = healed(t, result, "step_retry");
    if (json_int(result, "attempts", 1) < 2)
        return "";
    return told ? json_str(told, "reason", "") : json_str(result, "failure_class", "");
}

static json_t *envelope_of(struct tracing *t, const json_t *result, const json_t *before,
                           const json_t *action, int64_t i)
{
    const json_t *params = json_object_get(action, "params");
    int64_t attempts = json_int(result, "attempts", 1);
    json_t *e = json_object();
    json_put(e, "url_before", json_string_safe(url_before(result, before)));
    json_put(e, "url_after", json_string_safe(json_str(result, "final_url", "")));
    put_picture(t, e, "screenshot_pre_path", before, i - 1);
    put_picture(t, e, "screenshot_post_path", result, i);
    json_put(e, "grounding",
             json_pack("{s:o,s:n,s:n}", "description",
                       json_string_safe(
                           json_str(json_object_get(result, "trace"), "aimed_at", "")),
                       "bbox", "confidence"));
    json_put(e, "dispatch",
             json_pack("{s:o,s:[],s:o,s:o}", "kind",
                       json_string_safe(json_str(result, "executor_backend", "")), "argv", "params",
                       params ? json_incref((json_t *)params) : json_object(), "coordinates",
                       coordinates_of(params)));
    json_put(e, "verifier", verifier_of(t, result));
    json_put_int(e, "retry_count", attempts > 1 ? attempts - 1 : 0);
    json_put(e, "retry_reason", json_string_safe(retry_reason(t, result)));
    json_put_int(e, "emitted_count", json_int(result, "rows", 0));
    json_put(e, "emitted_sample", sample_of(t, result));
    return e;
}

/* --- steps ------------------------------------------------------------------------------------- */

/* The step of the plan that this is the result of; NULL: it was put otherwise meanwhile. */
static const struct step *planned(const struct tracing *t, const json_t *result)
{
    const struct plan *plan = t->ctx->plan;
    int64_t i = json_int(result, "step_index", -1);
    const struct step *s = plan && i >= 0 && i < plan->n_steps ? &plan->steps[i] : NULL;
    bool same = s && !strcmp(s->type, json_str(result, "type", "")) &&
                str_starts(s->intent, json_str(result, "intent", ""));
    return same ? s : NULL;
}

/* Typed text is in no record of a run: what a step was to write stands in the plan. */
static void put_typed(const struct tracing *t, const json_t *result, json_t *params)
{
    static const char *const keys[] = {"text", "value"};
    const struct step *step = planned(t, result);
    for (size_t i = 0; step && i < ARRAY_SIZE(keys); i++)
        if (!*json_str(params, "text", "-"))
            json_put(params, "text",
                     json_string_safe(json_as_text(t->pool, json_object_get(step->params, keys[i]))));
}

/* {action_type, params}; NULL nothing was done with a hand. */
static json_t *action_of(const struct tracing *t, const json_t *result)
{
    const json_t *told = json_object_get(json_object_get(result, "trace"), "action");
    const json_t *click = json_object_get(result, "last_action");
    const json_t *params = json_object_get(json_is_object(told) ? told : click, "params");
    const char *type = json_str(told, "action_type", json_str(click, "type", ""));
    if (!*type)
        return NULL;
    json_t *own = params ? json_deep_copy(params) : json_object();
    put_typed(t, result, own);
    return json_pack("{s:s,s:o}", "action_type", type, "params", own);
}

/* A step that was not to be done did not fail. */
static void put_outcome(json_t *o, const json_t *result)
{
    bool skip = json_flag(result, "skip", false);
    json_put_bool(o, "success", json_flag(result, "success", false) || skip);
    copy_of(o, "data", result, json_string(""));
    if (skip)
        json_put_bool(o, "skip", true);
}

static json_t *step_of(struct tracing *t, const json_t *result, const json_t *before, int64_t i)
{
    const json_t *told = json_object_get(result, "trace");
    json_t *o = json_object(), *action = action_of(t, result);
    json_put_int(o, "step_index", i);
    json_put_int(o, "plan_step", json_int(result, "step_index", i));
    copy_of(o, "intent", result, json_string(""));
    copy_of(o, "type", result, json_string(""));
    put_outcome(o, result);
    copy_of(o, "steps_used", result, json_integer(0));
    copy_of(o, "duration", result, json_integer(0));
    json_put_bool(o, "reversed", json_flag(told, "undone", false));
    json_put(o, "last_action", action ? action : json_null());
    json_put(o, "predicted_outcome", json_string_safe(predicted(result)));
    json_put(o, "observed_outcome", json_string_safe(observed(t->pool, result, before)));
    copy_of(o, "reasoning", told, json_string(""));
    json_put(o, "envelope", envelope_of(t, result, before, action, i));
    return o;
}

/* --- the whole --------------------------------------------------------------------------------- */

static json_t *steps_of(struct tracing *t)
{
    const json_t *results = json_object_get(t->checkpoint, "step_results");
    json_t *steps = json_array();
    for (size_t i = 0; i < json_array_size(results); i++)
        json_push(steps, step_of(t, json_array_get(results, i),
                                 i ? json_array_get(results, i - 1) : NULL, (int64_t)i));
    json_t *hidden = answer_hide(&t->passwords, steps);
    json_decref(steps);
    return hidden;
}

static double seconds(int64_t wall_us)
{
    return round((double)wall_us / 1e3) / 1e3;
}

json_t *trace_make(const struct trace_context *ctx, const json_t *checkpoint)
{
    struct tracing t = {.ctx = ctx,
                        .pool = pool_create(NULL),
                        .checkpoint = checkpoint,
                        .passwords = {.mark = PASSWORD_MARK}};
    answers_take(&t.passwords, json_keep(t.pool, passwords_of(ctx->plan)));
    json_t *o = json_object(), *steps = steps_of(&t);
    json_put_int(o, "schema_version", TRACE_SCHEMA_VERSION);
    json_put_str(o, "run_id", ctx->run_id);
    json_put_str(o, "tenant_id", ctx->tenant_id);
    json_put(o, "session_name", json_string_safe(ctx->session_name));
    json_put_str(o, "plan_signature", ctx->plan_signature);
    json_put_str(o, "variant", ctx->variant);
    json_put_str(o, "status", ctx->status);
    json_put_num(o, "started_at", seconds(ctx->started_us));
    json_put_num(o, "ended_at", seconds(ctx->ended_us));
    json_put_num(o, "total_time_s", round(ctx->total_time_s * 1e3) / 1e3);
    json_put(o, "costs", costs_of(checkpoint));
    json_put_int(o, "step_count", (int64_t)json_array_size(steps));
    json_put(o, "steps", steps);
    answers_release(&t.passwords);
    pool_destroy(t.pool);
    return o;
}
