#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "plan/intake.h"
#include "plan/validate.h"

static struct pool *pool;
static struct plan *plan;
static const struct report_style plain;

static int setup(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int teardown(void **state)
{
    pool_destroy(pool);
    return 0;
}

static void take(const char *text)
{
    struct err err = {0};
    struct intake_config config = {.repo_root = "", .env_url = ""};
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    assert_non_null(v);
    if (intake_document(pool, &config, json_keep(pool, v), "", &plan, &err))
        fail_msg("%s: %s", text, err.msg);
}

#define NAV              "{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\"}"
#define STEP(type, more) "{\"type\":\"" type "\",\"intent\":\"x\"" more "}"
#define EXTRACT          STEP("extract_rows", ",\"section\":\"extraction\"")

static void each_rule_finds_its_plan_and_nothing_else(void **state)
{
    static const struct {
        const char *steps, *codes; /* "E code@step" joined by blanks */
    } cases[] = {
        {"", "E empty_plan@-1"},
        {NAV, ""},
        {STEP("wait", ""), "E missing_navigate@-1"},
        {"{\"type\":\"wait\",\"intent\":\"look at https://a.test/\"}", ""},
        {NAV "," STEP("filter", ""), "E no_gate_after_filters@1"},
        {NAV "," STEP("submit", ""), "E no_gate_after_filters@1"},
        {NAV "," STEP("submit", ",\"required\":false"), ""},
        {NAV "," STEP("filter", "") "," STEP("wait", ",\"gate\":true"), ""},
        {NAV "," STEP("click", "") "," STEP("navigate_back", "") "," STEP(
             "loop", ",\"section\":\"extraction\",\"loop_target\":1,\"loop_"
                     "count\":3") "," STEP("paginate", "") "," STEP("loop", ",\"section\":"
                                                                            "\"pagination\","
                                                                            "\"loop_target\":1,"
                                                                            "\"loop_count\":2"),
         ""},
        {NAV "," STEP("click", "") "," STEP(
             "loop", ",\"section\":\"extraction\",\"loop_target\":1,\"loop_count\":3"),
         "E no_navigate_back_in_loop@2 W no_pagination@2"},
        {NAV "," STEP("loop", ",\"loop_target\":2,\"loop_count\":1"),
         "E loop_target_out_of_range@1"},
        {NAV "," STEP("loop", ",\"loop_target\":1,\"loop_count\":1"), "E loop_target_forward@1"},
        {NAV "," STEP("loop", ",\"loop_target\":0"), "W loop_count_zero@1"},
        {NAV "," STEP("loop", ",\"loop_count\":2"), "W loop_target_unset@1"},
        {NAV "," STEP("extract_data", ",\"claude_only\":false"), "W extract_not_claude_only@1"},
        {NAV "," EXTRACT
             "," STEP("loop", ",\"section\":\"extraction\",\"loop_target\":1,\"loop_count\":2"),
         "W no_pagination@2"},
        {NAV "," STEP("paginate", ""), "W paginate_without_loop@1"},
        {EXTRACT "," NAV, "W setup_after_extraction@1"},
        {NAV "," STEP("dance", ""), "W unknown_step_type@1"},
        {NAV "," STEP("if_else", ",\"then_target\":1,\"else_target\":2"),
         "E if_else_target_out_of_range@1"},
        {NAV "," STEP("wait", ",\"guard\":\"banner\""), "W undefined_state_var@1"},
        {NAV "," STEP("detect_visible",
                      ",\"out_var\":\"banner\"") "," STEP("wait", ",\"guard\":\"banner\""),
         ""},
        {NAV "," STEP("fill_field", ",\"required\":false"), "W fill_without_value@1"},
        {NAV "," STEP("fill_field", ",\"required\":false,\"params\":{\"value\":\"\"}"), ""},
        {NAV "," STEP("navigate", ""), "W navigate_without_url@1"},
        {NAV "," STEP("wait", ",\"hints\":{\"a\":[\"{{user_input}}\"]}"),
         "W user_input_without_request@1"},
        {NAV "," STEP("request_user_input",
                      ",\"required\":false") "," STEP("wait", ",\"verify\":\"{{user_input}}\""),
         ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int n;
        const char *got = "";
        take(pool_printf(pool, "[%s]", cases[i].steps));
        struct finding *f = plan_validate(pool, plan, &n);
        for (int k = 0; k < n; k++)
            got = pool_printf(pool, "%s%s%s %s@%d", got, k ? " " : "",
                              f[k].severity == SEVERITY_ERROR ? "E" : "W", f[k].code,
                              f[k].step_index);
        if (strcmp(got, cases[i].codes) != 0)
            fail_msg("case %zu: %s\n  gave '%s'\n  not  '%s'", i, cases[i].steps, got,
                     cases[i].codes);
    }
}

static void findings_are_printed_as_the_contract_says(void **state)
{
    int n;
    take("[" STEP("wait", ",\"section\":\"extraction\"") "," STEP("extract_data",
                                                                  ",\"claude_only\":false") "]");
    struct finding *f = plan_validate(pool, plan, &n);
    assert_string_equal(plan_findings_text(pool, "p.json", plan, f, n, &plain),
                        "p.json: 2 steps\n"
                        "ERROR   plan     missing_navigate: no navigate step, and the first intent "
                        "holds no http(s) address\n"
                        "    auto-fix: insert a navigate step to the start URL\n"
                        "WARNING step[1]  extract_not_claude_only: extract_data has claude_only "
                        "false and would go to the brain\n"
                        "    auto-fix: set claude_only to true and budget to 0\n"
                        "result: 1 error(s), 1 warning(s)\n");
    json_t *json = json_keep(pool, plan_findings_json("p.json", plan, f, n));
    assert_string_equal(json_text(pool, json_object_get(json, "errors")),
                        "[{\"severity\":\"error\",\"code\":\"missing_navigate\",\"message\":\"no "
                        "navigate step, and the "
                        "first intent holds no http(s) "
                        "address\",\"step_index\":-1,\"auto_fix\":\"insert a navigate "
                        "step to the start URL\"}]");
    assert_int_equal(json_array_size(json_object_get(json, "warnings")), 1);
    assert_int_equal(json_int(json, "step_count", 0), 2);
    assert_string_equal(json_str(json, "path", ""), "p.json");
    take("[" NAV "]");
    assert_string_equal(plan_findings_text(pool, "<stdin>", plan, NULL, 0, &plain),
                        "<stdin>: 1 steps\n\u2713 no issues\n");
}

static void a_dry_run_shows_steps_flags_and_loops(void **state)
{
    take("[" NAV "," STEP(
        "submit",
        ",\"gate\":true") ",{\"type\":\"extract_data\",\"intent\":\"Lies b\\u00e4r\\n"
                          "123456789012345678901234567890123456789012345678901234567890\"}"
                          "," STEP("loop", ",\"loop_target\":1,\"loop_count\":4") "," STEP(
                              "loop",
                              ",\"section\":\"extraction\"") "," STEP("loop",
                                                                      ",\"loop_target\":9,"
                                                                      "\"loop_count\":1") "]");
    assert_string_equal(
        plan_dry_run_text(pool, "p.json", plan, &plain),
        "p.json: 6 steps \u2014 a.test\n"
        "sections: setup=2, extraction=2, \u2014=2\n"
        "idx  type               flags          section     intent / target\n"
        "[00] navigate           \u2014              setup       \"Open https://a.test/\"\n"
        "[01] submit             !req gate      setup       \"x\"\n"
        "[02] extract_data       cl             extraction  \"Lies b\u00e4r "
        "123456789012345678901234567890123456789012345678901\"\n"
        "[03] loop               \u2014              \u2014           \u2192 step [01] (count=4)\n"
        "[04] loop               \u2014              extraction  \u2192 step [?] (count=30)\n"
        "[05] loop               \u2014              \u2014           \u2192 step [09] (count=1)\n"
        "WARNING step[5] loop_target=9 is out of range: the plan has 6 steps\n");
    json_t *json = json_keep(pool, plan_dry_run_json("p.json", plan));
    assert_string_equal(json_text(pool, json_object_get(json, "sections")),
                        "{\"setup\":2,\"extraction\":2,\"\":2}");
    json_t *step = json_array_get(json_object_get(json, "steps"), 3);
    assert_string_equal(json_text(pool, step),
                        "{\"index\":3,\"type\":\"loop\",\"intent\":\"x\",\"section\":\"\","
                        "\"required\":false,\"gate\":false,"
                        "\"claude_only\":false,\"loop_target\":1,\"loop_count\":4,\"verify\":\"\","
                        "\"params\":{},\"hints\":{}}");
    take("[]");
    assert_string_equal(plan_dry_run_text(pool, "-", plan, &plain),
                        "-: 0 steps\nsections: \u2014\nidx  type               "
                        "flags          section     intent / target\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(each_rule_finds_its_plan_and_nothing_else, setup, teardown),
        cmocka_unit_test_setup_teardown(findings_are_printed_as_the_contract_says, setup, teardown),
        cmocka_unit_test_setup_teardown(a_dry_run_shows_steps_flags_and_loops, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
