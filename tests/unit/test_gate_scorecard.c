#include "unit/test.h"

#include <string.h>

#include "gate/scorecard.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct scorecard_rules rules;

static int make_pool(void **state)
{
    struct err err = {0};
    json_t *doc;
    pool = pool_create(NULL);
    if (gate_json_read(pool, source_path(pool, SCORECARD_FILE), &doc, &err) ||
        scorecard_rules_parse(pool, doc, SCORECARD_FILE, &rules, &err))
        fail_msg("%s", err.msg);
    return 0;
}

static int drop_pool(void **state)
{
    pool_destroy(pool);
    return 0;
}

static const struct scorecard_line *line_of(const struct scorecard *card, const char *gate)
{
    for (size_t i = 0; i < card->n; i++)
        if (strcmp(card->lines[i].gate->name, gate) == 0)
            return &card->lines[i];
    fail_msg("there is no gate '%s'", gate);
    return NULL;
}

static struct scorecard judge(const char *tier, const struct scorecard_inputs *inputs)
{
    return scorecard_judge(pool, &rules, tier, inputs, NULL, 0, false);
}

/* The table of the contract, once more: the file is data that anyone may edit. */
static const struct {
    const char *gate;
    bool at_least;
    double base, first_sft, future;
} table[] = {
    {"task_pass_rate", true, 0.40, 0.55, 0.75},
    {"parser_validity", true, 0.95, 0.98, 0.99},
    {"grounding_accuracy", true, 0.55, 0.70, 0.85},
    {"forbidden_region_avoidance", true, 0.90, 0.95, 0.98},
    {"loop_rate_max", false, 0.10, 0.05, 0.02},
    {"gallery_recovery_rate", true, 0.70, 0.85, 0.95},
    {"escalation_rate_max", false, 0.10, 0.05, 0.02},
    {"done_completeness", true, 0.70, 0.85, 0.95},
    {"cost_per_success_usd_max", false, 0.50, 0.30, 0.15},
};

static void a_gate_passes_at_its_threshold_and_fails_beyond(void **state)
{
    static const char *const tiers[] = {"base", "first_sft", "future"};
    assert_int_equal(rules.n, ARRAY_SIZE(table));
    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        for (size_t t = 0; t < ARRAY_SIZE(tiers); t++) {
            double threshold = t == 0 ? table[i].base : t == 1 ? table[i].first_sft : table[i].future;
            double beyond = threshold + (table[i].at_least ? -0.0001 : 0.0001);
            json_t *metrics = json_keep(pool, json_pack("{s:f}", table[i].gate, threshold));
            const struct scorecard_inputs in = {.metrics = metrics};
            struct scorecard card = judge(tiers[t], &in);
            assert_string_equal(rules.gates[i].name, table[i].gate);
            assert_true(line_of(&card, table[i].gate)->passed);
            assert_true(card.passed);
            json_put_num(metrics, table[i].gate, beyond);
            card = judge(tiers[t], &in);
            assert_false(line_of(&card, table[i].gate)->passed);
            assert_false(card.passed);
        }
}

static struct report *report_of(const char *results)
{
    struct report *r = pool_alloc(pool, sizeof(*r));
    struct err err = {0};
    if (report_parse(pool, json_of(pool, pool_printf(pool, "{'results':[%s]}", results)), "r", r, &err))
        fail_msg("%s", err.msg);
    return r;
}

#define PASSED(id, cost) "{'task_id':'" id "','passed':true,'outcome':{'cost':" cost "}}"
#define FAILED(id, cost) "{'task_id':'" id "','passed':false,'outcome':{'cost':" cost "}}"

static void values_come_from_where_the_contract_says(void **state)
{
    const struct scorecard_inputs in = {
        .report = report_of(PASSED("a", "0.2") "," PASSED("b", "0.3") "," FAILED("c", "0.4")),
        .shadow_summary = json_of(pool, "{'variants':{'baseline':{'escalation_rate':0.5},'candidate':{'escalation_rate':0.04}}}"),
        .label_reason_counts = json_of(pool, "{'escalation':3,'failed_step':7,'success_no_delta':90}"),
    };
    struct scorecard card = judge("first_sft", &in);
    static const struct {
        const char *gate;
        double value;
        bool passed, skipped;
    } cases[] = {
        {"task_pass_rate", 0.6667, true, false},
        {"cost_per_success_usd_max", 0.45, false, false},
        {"forbidden_region_avoidance", 0.97, true, false},
        {"loop_rate_max", 0.03, true, false},
        {"escalation_rate_max", 0.04, true, false},
        {"parser_validity", 0, false, true},
        {"grounding_accuracy", 0, false, true},
        {"gallery_recovery_rate", 0, false, true},
        {"done_completeness", 0, false, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct scorecard_line *l = line_of(&card, cases[i].gate);
        assert_float_equal(l->value, cases[i].value, 1e-4);
        assert_int_equal(l->passed, cases[i].passed);
        assert_int_equal(l->skipped, cases[i].skipped);
    }
    assert_int_equal(card.n_skipped, 4);
    assert_int_equal(card.label_steps, 100);
}

static void a_metric_given_beats_the_file(void **state)
{
    const struct scorecard_inputs in = {
        .report = report_of(PASSED("a", "9")),
        .metrics = json_of(pool, "{'cost_per_success_usd_max':0.1,'task_pass_rate':0.1}"),
    };
    struct scorecard card = judge("base", &in);
    assert_float_equal(line_of(&card, "cost_per_success_usd_max")->value, 0.1, 0);
    assert_float_equal(line_of(&card, "task_pass_rate")->value, 0.1, 0);
}

static void zero_passes_fail_the_cost(void **state)
{
    const struct scorecard_inputs in = {.report = report_of(FAILED("a", "0"))};
    struct scorecard card = judge("base", &in);
    const struct scorecard_line *cost = line_of(&card, "cost_per_success_usd_max");
    assert_false(cost->passed);
    assert_false(cost->skipped);
    assert_string_equal(cost->note, "no task passed");
}

static void what_is_missing_is_skipped_and_seen(void **state)
{
    static const char *const parser[] = {"parser_validity"}, *const rate[] = {"task_pass_rate"};
    const struct scorecard_inputs none = {0}, some = {.report = report_of(PASSED("a", "0.1"))};
    struct scorecard card = judge("base", &none);
    assert_true(card.passed);
    assert_int_equal(card.n_skipped, 9);
    assert_false(card.lines[0].passed);
    assert_true(card.lines[0].skipped);
    assert_true(judge("base", &some).passed);
    assert_false(scorecard_judge(pool, &rules, "base", &some, NULL, 0, true).passed);
    assert_false(scorecard_judge(pool, &rules, "base", &some, parser, 1, false).passed);
    assert_true(scorecard_judge(pool, &rules, "base", &some, rate, 1, false).passed);
}

static void inputs_without_content_are_skipped(void **state)
{
    const struct scorecard_inputs in = {
        .shadow_summary = json_of(pool, "{'variants':{'baseline':{'escalation_rate':0}}}"),
        .label_reason_counts = json_of(pool, "{}"),
    };
    struct scorecard card = judge("base", &in);
    assert_true(line_of(&card, "escalation_rate_max")->skipped);
    assert_true(line_of(&card, "loop_rate_max")->skipped);
    assert_true(line_of(&card, "forbidden_region_avoidance")->skipped);
}

static void a_tier_without_thresholds_fails(void **state)
{
    const struct scorecard_inputs in = {.report = report_of(PASSED("a", "0.1"))};
    struct scorecard card = judge("second_sft", &in);
    assert_false(card.passed);
    assert_false(card.lines[0].skipped);
    assert_string_equal(card.lines[0].note, "there is no threshold for the tier 'second_sft'");
}

static void the_document_has_the_contracts_shape(void **state)
{
    const struct scorecard_inputs in = {.label_reason_counts = json_of(pool, "{'escalation':1}")};
    struct scorecard card = judge("first_sft", &in);
    json_t *doc = json_keep(pool, scorecard_json(&card)), *gate = json_array_get(json_object_get(doc, "gates"), 4);
    json_t *meta = json_object_get(doc, "metadata");
    assert_string_equal(json_str(doc, "tier", ""), "first_sft");
    assert_false(json_flag(doc, "overall_passed", true));
    assert_string_equal(json_str(gate, "name", ""), "loop_rate_max");
    assert_string_equal(json_str(gate, "direction", ""), "max");
    assert_float_equal(json_num(gate, "value", 0), 1, 0);
    assert_float_equal(json_num(gate, "threshold", 0), 0.05, 0);
    assert_false(json_flag(gate, "skipped", true));
    assert_int_equal(json_int(meta, "label_step_count", 0), 1);
    assert_int_equal(json_int(json_object_get(meta, "label_reason_counts"), "escalation", 0), 1);
}

static void wrong_rules_are_refused(void **state)
{
    static const struct {
        const char *doc, *says;
    } cases[] = {
        {"{}", "'gates' must be a list"},
        {"{'gates':[{'direction':'min','tiers':{'base':1}}]}", "gates[0]: 'name'"},
        {"{'gates':[{'name':'a','direction':'up','tiers':{'base':1}}]}", "'direction' must be min or max"},
        {"{'gates':[{'name':'a','direction':'max'}]}", "'tiers' must be"},
        {"{'gates':[{'name':'a','direction':'max','tiers':{'base':'x'}}]}", "tiers.base: must be a number"},
        {"{'gates':[{'name':'a','direction':'max','tiers':{'b':1}},{'name':'a','direction':'max','tiers':{'b':1}}]}",
         "gates[1]: 'name'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct scorecard_rules r;
        struct err err = {0};
        if (scorecard_rules_parse(pool, json_of(pool, cases[i].doc), "s", &r, &err) != E_INVALID ||
            !strstr(err.msg, cases[i].says))
            fail_msg("%s: said '%s', not '%s'", cases[i].doc, err.msg, cases[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 9 thresholds and directions of three tiers", a_gate_passes_at_its_threshold_and_fails_beyond),
        row_test("promotion 9 sources", values_come_from_where_the_contract_says),
        row_test("promotion 9 a metric given by flag beats the file", a_metric_given_beats_the_file),
        row_test("promotion 9 zero passes fail the cost gate", zero_passes_fail_the_cost),
        row_test("promotion 9 skipped, --strict, --require", what_is_missing_is_skipped_and_seen),
        cmocka_unit_test(inputs_without_content_are_skipped),
        row_test("promotion 9 no threshold for the tier fails", a_tier_without_thresholds_fails),
        row_test("promotion 9 output", the_document_has_the_contracts_shape),
        cmocka_unit_test(wrong_rules_are_refused),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
