#include "core/plan.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

static json_t *object_copy(const json_t *value)
{
    json_t *copy = json_is_object(value) ? json_deep_copy(value) : json_object();
    if (!copy)
        BUG("cannot copy a JSON object");
    return copy;
}

json_t *step_to_json(const struct step *step)
{
    json_t *o = json_object();
    json_put_str(o, "type", step->type);
    json_put_str(o, "intent", step->intent);
    json_put_str(o, "verify", step->verify);
    json_put_int(o, "budget", step->budget);
    json_put_str(o, "reverse", step->reverse);
    json_put_bool(o, "grounding", step->grounding);
    json_put_bool(o, "claude_only", step->claude_only);
    json_put_str(o, "section", step->section);
    json_put_bool(o, "required", step->required);
    json_put_bool(o, "gate", step->gate);
    json_put_int(o, "loop_target", step->loop_target);
    json_put_int(o, "loop_count", step->loop_count);
    json_put_str(o, "stop_var", step->stop_var);
    if (*step->condition_var)
        json_put_str(o, "condition_var", step->condition_var);
    if (step->then_target != -1)
        json_put_int(o, "then_target", step->then_target);
    if (step->else_target != -1)
        json_put_int(o, "else_target", step->else_target);
    json_put_str(o, "guard", step->guard);
    json_put_str(o, "out_var", step->out_var);
    json_put(o, "params", object_copy(step->params));
    json_put(o, "hints", object_copy(step->hints));
    json_put(o, "extract", object_copy(step->extract));
    return o;
}

int step_loop_limit(const struct step *loop)
{
    if (loop->loop_count > 0)
        return loop->loop_count;
    if (strcmp(loop->section, "extraction") == 0)
        return 30;
    return strcmp(loop->section, "pagination") == 0 ? 10 : 50;
}

json_t *plan_steps_to_json(const struct plan *plan)
{
    json_t *steps = json_array();
    for (int i = 0; i < plan->n_steps; i++)
        json_push(steps, step_to_json(&plan->steps[i]));
    return steps;
}

/* Only what was given, so that the block reads like the one an author writes. */
static json_t *runtime_to_json(const struct plan_runtime *rt)
{
    json_t *o = json_object();
    if (rt->max_cost > 0)
        json_put_num(o, "max_cost", rt->max_cost);
    if (rt->max_time_minutes > 0)
        json_put_int(o, "max_time_minutes", rt->max_time_minutes);
    if (*rt->compute_backend)
        json_put_str(o, "compute_backend", rt->compute_backend);
    if (rt->settle_ceiling_s > 0)
        json_put_num(o, "settle_ceiling_seconds", rt->settle_ceiling_s);
    if (rt->max_recoveries_per_run > 0)
        json_put_int(o, "max_recoveries_per_run", rt->max_recoveries_per_run);
    if (rt->max_recoveries_per_step > 0)
        json_put_int(o, "max_recoveries_per_step", rt->max_recoveries_per_step);
    if (rt->state_repeat_threshold > 0)
        json_put_int(o, "state_repeat_threshold", rt->state_repeat_threshold);
    if (*rt->pinned_source_url_pattern)
        json_put_str(o, "pinned_source_url_pattern", rt->pinned_source_url_pattern);
    if (rt->off_source_step_budget > 0)
        json_put_int(o, "off_source_step_budget", rt->off_source_step_budget);
    if (rt->extractor_model && *rt->extractor_model)
        json_put_str(o, "extractor_model", rt->extractor_model);
    if (rt->brain_budgets)
        json_put(o, "brain_budgets", object_copy(rt->brain_budgets));
    if (rt->has_pause_on_captcha)
        json_put_bool(o, "pause_on_captcha", rt->pause_on_captcha);
    if (rt->proxy_disabled)
        json_put_bool(o, "proxy_disabled", true);
    return o;
}

json_t *plan_to_json(const struct plan *plan)
{
    json_t *o = json_object();
    json_put(o, "steps", plan_steps_to_json(plan));
    json_put(o, "runtime", runtime_to_json(&plan->runtime));
    json_put_str(o, "session_name", plan->session_name);
    json_put_str(o, "domain", plan->domain);
    json_put_str(o, "name", plan->name);
    json_put_str(o, "signature", plan->signature);
    if (*plan->page_url_template)
        json_put_str(o, "pagination_url_template", plan->page_url_template);
    if (plan->site_config)
        json_put(o, "site_config", object_copy(plan->site_config));
    if (plan->objective)
        json_put(o, "objective", json_deep_copy(plan->objective));
    if (plan->loop_groups)
        json_put(o, "loop_groups", json_deep_copy(plan->loop_groups));
    if (json_array_size(plan->warnings))
        json_put(o, "warnings", json_deep_copy(plan->warnings));
    return o;
}

/* A string of our own document, copied; "" when missing. */
static const char *take_str(struct pool *pool, const json_t *obj, const char *key)
{
    const char *s = json_str(obj, key, "");
    return *s ? pool_strdup(pool, s) : "";
}

static const json_t *take_object(struct pool *pool, const json_t *obj, const char *key)
{
    return json_keep(pool, object_copy(json_object_get(obj, key)));
}

int step_from_json(struct pool *pool, const json_t *o, int index, struct step *out, struct err *err)
{
    *out = (struct step){
        .type = take_str(pool, o, "type"),
        .intent = take_str(pool, o, "intent"),
        .verify = take_str(pool, o, "verify"),
        .reverse = take_str(pool, o, "reverse"),
        .section = take_str(pool, o, "section"),
        .budget = (int)json_int(o, "budget", 5),
        .grounding = json_flag(o, "grounding", false),
        .claude_only = json_flag(o, "claude_only", false),
        .required = json_flag(o, "required", false),
        .gate = json_flag(o, "gate", false),
        .loop_target = (int)json_int(o, "loop_target", -1),
        .loop_count = (int)json_int(o, "loop_count", 0),
        .stop_var = take_str(pool, o, "stop_var"),
        .condition_var = take_str(pool, o, "condition_var"),
        .guard = take_str(pool, o, "guard"),
        .out_var = take_str(pool, o, "out_var"),
        .then_target = (int)json_int(o, "then_target", -1),
        .else_target = (int)json_int(o, "else_target", -1),
        .params = take_object(pool, o, "params"),
        .hints = take_object(pool, o, "hints"),
        .extract = take_object(pool, o, "extract"),
    };
    if (!*out->type || !*out->intent)
        return err_set(err, E_INVALID, "stored plan: step %d has no type or no intent", index);
    return 0;
}

static void runtime_from_json(struct pool *pool, const json_t *o, struct plan_runtime *out)
{
    *out = (struct plan_runtime){
        .max_cost = json_num(o, "max_cost", 0),
        .max_time_minutes = (int)json_int(o, "max_time_minutes", 0),
        .compute_backend = take_str(pool, o, "compute_backend"),
        .settle_ceiling_s = json_num(o, "settle_ceiling_seconds", 0),
        .max_recoveries_per_run = (int)json_int(o, "max_recoveries_per_run", 0),
        .max_recoveries_per_step = (int)json_int(o, "max_recoveries_per_step", 0),
        .state_repeat_threshold = (int)json_int(o, "state_repeat_threshold", 0),
        .pinned_source_url_pattern = take_str(pool, o, "pinned_source_url_pattern"),
        .off_source_step_budget = (int)json_int(o, "off_source_step_budget", 0),
        .extractor_model = take_str(pool, o, "extractor_model"),
        .pause_on_captcha = json_flag(o, "pause_on_captcha", false),
        .has_pause_on_captcha = json_object_get(o, "pause_on_captcha") != NULL,
        .proxy_disabled = json_flag(o, "proxy_disabled", false),
    };
    if (json_is_object(json_object_get(o, "brain_budgets")))
        out->brain_budgets = take_object(pool, o, "brain_budgets");
}

int plan_from_json(struct pool *pool, const json_t *json, struct plan **out, struct err *err)
{
    const json_t *steps = json_object_get(json, "steps");
    if (!json_is_array(steps))
        return err_set(err, E_INVALID, "stored plan: 'steps' is not an array");
    struct plan *plan = pool_alloc(pool, sizeof(*plan));
    plan->n_steps = (int)json_array_size(steps);
    plan->steps = pool_alloc(pool, sizeof(*plan->steps) * (size_t)(plan->n_steps + 1));
    for (int i = 0; i < plan->n_steps; i++) {
        int r = step_from_json(pool, json_array_get(steps, (size_t)i), i, &plan->steps[i], err);
        if (r)
            return r;
    }
    runtime_from_json(pool, json_object_get(json, "runtime"), &plan->runtime);
    plan->session_name = take_str(pool, json, "session_name");
    plan->domain = take_str(pool, json, "domain");
    plan->name = take_str(pool, json, "name");
    plan->page_url_template = take_str(pool, json, "pagination_url_template");
    const char *signature = json_str(json, "signature", "");
    if (strlen(signature) >= sizeof(plan->signature))
        return err_set(err, E_INVALID, "stored plan: 'signature' is too long");
    memcpy(plan->signature, signature, strlen(signature) + 1);
    if (json_is_object(json_object_get(json, "site_config")))
        plan->site_config = take_object(pool, json, "site_config");
    const json_t *warnings = json_object_get(json, "warnings");
    plan->warnings =
        json_keep(pool, json_is_array(warnings) ? json_deep_copy(warnings) : json_array());
    *out = plan;
    return 0;
}

/* Punctuation that ends a sentence rather than an address: "Open https://a.test/, then". */
static size_t without_punctuation(const char *url, size_t len)
{
    while (len > 0) {
        char last = url[len - 1];
        bool bracket = last == ')' && !memchr(url, '(', len);
        if (!strchr(".,;!", last) && !bracket)
            break;
        len--;
    }
    return len;
}

char *plan_first_url(struct pool *pool, const char *text)
{
    for (const char *p = text; *p; p++) {
        size_t scheme = strncasecmp(p, "https://", 8) == 0  ? 8
                        : strncasecmp(p, "http://", 7) == 0 ? 7
                                                            : 0;
        if (!scheme)
            continue;
        size_t len = without_punctuation(p, strcspn(p, " \t\r\n\f\v\"'<>"));
        if (len > scheme)
            return pool_strndup(pool, p, len);
    }
    return NULL;
}

const char *step_drag_label(struct pool *pool, const struct step *step, int n)
{
    static const char *const keys[2][4] = {{"start_label", "from_label", "from", "label"},
                                           {"end_label", "to_label", "to", "target_label"}};
    for (size_t k = 0; k < ARRAY_SIZE(keys[n]); k++)
        if (*json_str(step->params, keys[n][k], ""))
            return json_str(step->params, keys[n][k], "");
    const char *p = step->intent, *quoted = NULL;
    for (int i = 0; i <= n; i++)
        quoted = str_quoted(pool, &p, SIZE_MAX);
    return quoted ? quoted : "";
}

char *step_url(struct pool *pool, const struct step *step)
{
    char *url = plan_first_url(pool, step->intent);
    return url ? url : plan_first_url(pool, json_str(step->params, "url", ""));
}
