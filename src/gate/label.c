#include "gate/label.h"

#include <string.h>

#include "base/str.h"
#include "core/trace.h"

/* --- the ladder -------------------------------------------------------------------------------- */

static bool is_escalation(const json_t *step)
{
    static const char *const marks[] = {"cloudflare", "page_blocked",   "rejected_incomplete",
                                        "antibot",    "page_exhausted", "scan_error"};
    for (size_t i = 0; i < ARRAY_SIZE(marks); i++)
        if (str_contains_fold(json_str(step, "data", ""), marks[i]))
            return true;
    return false;
}

static bool has_failed(const json_t *step)
{
    return !json_flag(step, "success", false);
}

static bool passed_gate(const json_t *step)
{
    return str_starts(json_str(step, "data", ""), "gate:PASS");
}

static bool has_delta(const json_t *step)
{
    return *json_str(step, "observed_outcome", "") != 0;
}

static bool always(const json_t *step)
{
    return true;
}

static const struct rung {
    bool (*holds)(const json_t *step);
    struct label is;
} ladder[] = {
    {is_escalation, {LABEL_NEGATIVE, "escalation"}},
    {has_failed, {LABEL_NEGATIVE, "failed_step"}},
    {passed_gate, {LABEL_POSITIVE, "gate_verify_pass"}},
    {has_delta, {LABEL_POSITIVE, "success_with_observed_delta"}},
    {always, {LABEL_NEUTRAL, "success_no_delta"}},
};

struct label label_step(const json_t *step)
{
    const struct rung *r = ladder;
    while (!r->holds(step))
        r++;
    return r->is;
}

/* --- traces ------------------------------------------------------------------------------------ */

static json_t *copied(const json_t *from, const char *key, json_t *otherwise)
{
    json_t *value = json_object_get(from, key);
    bool there = value && !json_is_null(value);
    if (there)
        json_decref(otherwise);
    return there ? json_incref(value) : otherwise;
}

static json_t *labelled_step(const json_t *step, size_t i, json_t *summary)
{
    static const char *const texts[] = {"intent", "type"},
                            *const outcomes[] = {"predicted_outcome", "observed_outcome"};
    const struct label label = label_step(step);
    json_t *o = json_object();
    json_put(o, "step_index", copied(step, "step_index", json_integer((json_int_t)i)));
    if (json_object_get(step, "plan_step"))
        json_put(o, "plan_step", copied(step, "plan_step", json_null()));
    for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
        json_put(o, texts[k], copied(step, texts[k], json_string("")));
    json_put_bool(o, "success", json_flag(step, "success", false));
    json_put(o, "data", copied(step, "data", json_string("")));
    json_put(o, "last_action", copied(step, "last_action", json_null()));
    for (size_t k = 0; k < ARRAY_SIZE(outcomes); k++)
        json_put(o, outcomes[k], copied(step, outcomes[k], json_string("")));
    json_put_str(o, "label", label.label);
    json_put_str(o, "label_reason", label.reason);
    json_put_int(summary, label.label, json_int(summary, label.label, 0) + 1);
    return o;
}

static int check_version(const json_t *trace, struct err *err)
{
    const json_t *version = json_object_get(trace, "schema_version");
    if (json_object_get(trace, "label_summary"))
        return err_set(err, E_INVALID, "it is labelled already");
    int64_t n = version ? json_integer_value(version) : 1;
    if (!json_is_object(trace) || !json_is_array(json_object_get(trace, "steps")))
        return err_set(err, E_INVALID, "it is no trace: 'steps' is no list");
    if (n < 1 || n > TRACE_SCHEMA_VERSION)
        return err_set(err, E_INVALID, "'schema_version' %lld is not known; 1 to %d are",
                       (long long)n, TRACE_SCHEMA_VERSION);
    return 0;
}

/* What is no step, or does not say how it went, would be labelled a failure and taught as one. */
static int check_steps(const json_t *trace, struct err *err)
{
    const json_t *step;
    size_t i;
    json_array_foreach (json_object_get(trace, "steps"), i, step) {
        const json_t *success = json_object_get(step, "success");
        if (!json_is_object(step) || (success && !json_is_boolean(success)))
            return err_set(err, E_INVALID,
                           "it is no trace: steps[%zu] must be an object whose 'success' is true or false", i);
    }
    return 0;
}

int label_trace(const json_t *trace, const char *source_path, json_t **out, struct err *err)
{
    int r = check_version(trace, err);
    r = r ? r : check_steps(trace, err);
    if (r)
        return r;
    json_t *o = json_object(), *steps = json_array(), *step;
    json_t *summary = json_pack("{s:i,s:i,s:i}", LABEL_POSITIVE, 0, LABEL_NEGATIVE, 0,
                                LABEL_NEUTRAL, 0);
    size_t i;
    json_array_foreach (json_object_get(trace, "steps"), i, step)
        json_push(steps, labelled_step(step, i, summary));
    static const char *const texts[] = {"run_id", "tenant_id", "status", "variant",
                                        "plan_signature"};
    json_put(o, "schema_version", copied(trace, "schema_version", json_integer(1)));
    for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
        json_put(o, texts[k], copied(trace, texts[k], json_string("")));
    json_put(o, "costs", copied(trace, "costs", json_object()));
    json_put(o, "source_path", json_string_safe(source_path));
    json_put(o, "label_summary", summary);
    json_put(o, "steps", steps);
    *out = o;
    return 0;
}

int label_check(const json_t *labelled, struct err *err)
{
    const json_t *steps = json_object_get(labelled, "steps"), *step;
    size_t i;
    if (!json_is_array(steps))
        return err_set(err, E_INVALID, "it is no labelled trace: 'steps' is no list");
    json_array_foreach ((json_t *)steps, i, step)
        if (!*json_str(step, "label", ""))
            return err_set(err, E_INVALID,
                           "it is no labelled trace: step %zu has no 'label'; run `mantis trace "
                           "label` on it first",
                           i);
    return 0;
}

struct label_counts label_counts_of(const json_t *labelled)
{
    const json_t *s = json_object_get(labelled, "label_summary");
    return (struct label_counts){json_int(s, LABEL_POSITIVE, 0), json_int(s, LABEL_NEGATIVE, 0),
                                 json_int(s, LABEL_NEUTRAL, 0)};
}
