#include "gate/scorecard.h"

#include <math.h>
#include <string.h>

#include "gate/paired.h"

/* --- the rules ---------------------------------------------------------------------------------- */

static int read_tiers(const json_t *tiers, json_t *known, struct err *err)
{
    const char *tier;
    json_t *threshold;
    if (json_object_size(tiers) == 0)
        return err_set(err, E_INVALID, "'tiers' must be an object of numbers");
    json_object_foreach ((json_t *)tiers, tier, threshold) {
        if (!json_is_number(threshold))
            return err_set(err, E_INVALID, "tiers.%.60s: must be a number", tier);
        json_put(known, tier, json_true());
    }
    return 0;
}

static int read_gate(const json_t *obj, json_t *seen, json_t *tiers, struct scorecard_gate *out, struct err *err)
{
    const char *direction = json_str(obj, "direction", "");
    *out = (struct scorecard_gate){.name = json_str(obj, "name", ""), .at_least = strcmp(direction, "min") == 0,
                                   .tiers = json_object_get(obj, "tiers")};
    if (!*out->name || json_object_get(seen, out->name))
        return err_set(err, E_INVALID, "'name' must be a text that no other gate has");
    if (!out->at_least && strcmp(direction, "max") != 0)
        return err_set(err, E_INVALID, "'direction' must be min or max");
    json_put(seen, out->name, json_true());
    return read_tiers(out->tiers, tiers, err);
}

static const char *const *keys_of(struct pool *pool, json_t *object)
{
    const char **list = pool_alloc(pool, (json_object_size(object) + 1) * sizeof(*list)), *key;
    size_t n = 0;
    json_t *value;
    json_object_foreach (object, key, value)
        list[n++] = key;
    return list;
}

int scorecard_rules_parse(struct pool *pool, json_t *doc, const char *what, struct scorecard_rules *out,
                          struct err *err)
{
    json_t *list = json_object_get(doc, "gates"), *seen = json_keep(pool, json_object());
    json_t *tiers = json_keep(pool, json_object());
    size_t n = json_array_size(list);
    if (n == 0)
        return err_set(err, E_INVALID, "%s: 'gates' must be a list of gates", what);
    struct scorecard_gate *gates = pool_alloc(pool, n * sizeof(*gates));
    for (size_t i = 0; i < n; i++)
        if (read_gate(json_array_get(list, i), seen, tiers, &gates[i], err))
            return err_prefix(err, "%s: gates[%zu]", what, i);
    *out = (struct scorecard_rules){.gates = gates, .n = n, .tiers = keys_of(pool, tiers)};
    return 0;
}

bool scorecard_has_gate(const struct scorecard_rules *rules, const char *name)
{
    for (size_t i = 0; i < rules->n; i++)
        if (strcmp(rules->gates[i].name, name) == 0)
            return true;
    return false;
}

/* --- where values come from --------------------------------------------------------------------- */

/* What is known of one gate. Without a value it is skipped, or failed when it can be said to be bad. */
struct measured {
    bool known, hopeless;
    double value;
    const char *note;
};

static struct measured nothing(const char *note)
{
    return (struct measured){.note = note};
}

static struct measured value(double v, const char *note)
{
    return (struct measured){.known = true, .value = v, .note = note};
}

static struct measured pass_rate(const struct scorecard_inputs *in)
{
    return in->report ? value(report_count(in->report).pass_rate, "eval report") : nothing("no --eval-report");
}

static struct measured cost_per_success(const struct scorecard_inputs *in)
{
    double cost = 0;
    if (!in->report)
        return nothing("no --eval-report");
    for (size_t i = 0; i < in->report->n; i++)
        cost += in->report->results[i].outcome.cost;
    int passed = report_count(in->report).passed;
    if (passed == 0)
        return (struct measured){.hopeless = true, .note = "no task passed"};
    return value(cost / passed, "eval report");
}

static int64_t steps_of(const json_t *counts)
{
    const char *reason;
    json_t *n;
    int64_t sum = 0;
    json_object_foreach ((json_t *)counts, reason, n)
        sum += json_integer_value(n);
    return sum;
}

static struct measured escalated_share(const struct scorecard_inputs *in)
{
    int64_t steps = steps_of(in->label_reason_counts);
    if (!in->label_reason_counts)
        return nothing("no --labelled-traces");
    if (steps == 0)
        return nothing("there is no step in the labelled traces");
    return value((double)json_int(in->label_reason_counts, "escalation", 0) / (double)steps, "labelled traces");
}

static struct measured avoidance(const struct scorecard_inputs *in)
{
    struct measured m = escalated_share(in);
    m.value = 1 - m.value;
    return m;
}

static struct measured shadow_escalation(const struct scorecard_inputs *in)
{
    const json_t *side = json_object_get(json_object_get(in->shadow_summary, "variants"), "candidate");
    const json_t *rate = json_object_get(side, "escalation_rate");
    if (!in->shadow_summary)
        return nothing("no --shadow-summary");
    return json_is_number(rate) ? value(json_number_value(rate), "shadow summary")
                                : nothing("the shadow summary has no variant 'candidate'");
}

static const struct {
    const char *gate;
    struct measured (*measure)(const struct scorecard_inputs *in);
} sources[] = {
    {"task_pass_rate", pass_rate},
    {"forbidden_region_avoidance", avoidance},
    {"loop_rate_max", escalated_share},
    {"escalation_rate_max", shadow_escalation},
    {"cost_per_success_usd_max", cost_per_success},
};

static struct measured measure(const char *gate, const struct scorecard_inputs *in)
{
    const json_t *given = json_object_get(in->metrics, gate);
    if (given)
        return value(json_number_value(given), "--metric");
    for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
        if (strcmp(sources[i].gate, gate) == 0)
            return sources[i].measure(in);
    return nothing("no --metric");
}

/* --- the card ----------------------------------------------------------------------------------- */

static struct scorecard_line judge(struct pool *pool, const struct scorecard_gate *gate, const char *tier,
                                   const struct scorecard_inputs *in)
{
    const json_t *threshold = json_object_get(gate->tiers, tier);
    struct measured m = measure(gate->name, in);
    struct scorecard_line line = {.gate = gate, .value = m.known ? m.value : 0, .note = m.note,
                                  .threshold = json_number_value(threshold)};
    if (!threshold) {
        line.note = pool_printf(pool, "there is no threshold for the tier '%s'", tier);
        return line;
    }
    line.skipped = !m.known && !m.hopeless;
    line.passed = m.known && (gate->at_least ? m.value >= line.threshold - PAIRED_TIE
                                             : m.value <= line.threshold + PAIRED_TIE);
    return line;
}

static bool is_required(const char *gate, const char *const *required, int n)
{
    for (int i = 0; i < n; i++)
        if (strcmp(required[i], gate) == 0)
            return true;
    return false;
}

struct scorecard scorecard_judge(struct pool *pool, const struct scorecard_rules *rules, const char *tier,
                                 const struct scorecard_inputs *inputs, const char *const *required, int n_required,
                                 bool strict)
{
    struct scorecard_line *lines = pool_alloc(pool, rules->n * sizeof(*lines));
    struct scorecard card = {.tier = tier, .passed = true, .lines = lines, .n = rules->n,
                             .label_steps = steps_of(inputs->label_reason_counts),
                             .label_reason_counts = inputs->label_reason_counts};
    for (size_t i = 0; i < rules->n; i++) {
        lines[i] = judge(pool, &rules->gates[i], tier, inputs);
        card.n_skipped += lines[i].skipped;
        bool may_skip = !strict && !is_required(rules->gates[i].name, required, n_required);
        if (lines[i].skipped ? !may_skip : !lines[i].passed)
            card.passed = false;
    }
    return card;
}

json_t *scorecard_json(const struct scorecard *card)
{
    json_t *gates = json_array();
    for (size_t i = 0; i < card->n; i++) {
        const struct scorecard_line *l = &card->lines[i];
        json_push(gates, json_pack("{s:s,s:f,s:f,s:s,s:b,s:b,s:o}", "name", l->gate->name, "value", rate4(l->value),
                                   "threshold", l->threshold, "direction", l->gate->at_least ? "min" : "max", "passed",
                                   l->passed, "skipped", l->skipped, "note", json_string_safe(l->note)));
    }
    return json_pack("{s:o,s:b,s:i,s:o,s:{s:I,s:o}}", "tier", json_string_safe(card->tier), "overall_passed", card->passed, "skipped",
                     card->n_skipped, "gates", gates, "metadata", "label_step_count", (json_int_t)card->label_steps,
                     "label_reason_counts",
                     card->label_reason_counts ? json_incref((json_t *)card->label_reason_counts) : json_object());
}
