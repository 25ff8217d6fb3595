#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "plan/intake.h"
#include "plan/validate.h"
#include "plan/walk.h"

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
#define DETECT(var)      STEP("detect_visible", ",\"out_var\":\"" var "\"")
#define BRANCH(yes, no)                                                                            \
    STEP("if_else", ",\"condition_var\":\"v\",\"then_target\":" yes ",\"else_target\":" no)

/* A plan and all its findings: "E code@step" joined by blanks. */
struct row {
    const char *row, *steps, *codes;
};
#define LOOP(section, target, count)                                                               \
    STEP("loop", ",\"section\":\"" section "\",\"loop_target\":" target ",\"loop_count\":" count)

/* clang-format off */
static const struct row rows[] = {
    {"plans 13 empty_plan: no steps, and nothing else is looked at", "", "E empty_plan@-1"},
    {"plans 13 a clean plan has no findings", NAV, ""},
    {"plans 13 missing_navigate: no navigate, and the first intent has no address", STEP("wait", ""), "E missing_navigate@-1"},
    {"plans 13 missing_navigate is not said when the first intent has an address", "{\"type\":\"wait\",\"intent\":\"look at https://a.test/\"}", ""},
    {"plans 13 no_gate_after_filters: a filter and no gate", NAV "," STEP("filter", ""), "E no_gate_after_filters@1"},
    {"plans 13 no_gate_after_filters: a required setup step and no gate", NAV "," STEP("submit", ""), "E no_gate_after_filters@1"},
    {"plans 13 no_gate_after_filters is not said for what is not required", NAV "," STEP("submit", ",\"required\":false"), ""},
    {"plans 13 no_gate_after_filters is not said when there is a gate anywhere", NAV "," STEP("filter", "") "," STEP("wait", ",\"gate\":true"), ""},
    {"plans 13 no_gate_after_filters names the last such step", NAV "," STEP("filter", "") "," STEP("submit", ""), "E no_gate_after_filters@2"},
    {"plans 13 no_navigate_back_in_loop: an extraction loop clicks and never goes back", NAV "," STEP("click", "") "," LOOP("extraction", "1", "3"), "E no_navigate_back_in_loop@2 W no_pagination@2"},
    {"plans 13 no_navigate_back_in_loop and no_pagination are not said of a whole listing", NAV "," STEP("click", "") "," STEP("navigate_back", "") "," LOOP("extraction", "1", "3") "," STEP("paginate", "") "," LOOP("pagination", "1", "2"), ""},
    {"plans 13 loop_target_out_of_range: the target is no step", NAV "," STEP("loop", ",\"loop_target\":2,\"loop_count\":1"), "E loop_target_out_of_range@1"},
    {"plans 13 loop_target_forward: the target is the loop or behind it", NAV "," STEP("loop", ",\"loop_target\":1,\"loop_count\":1") "," STEP("wait", ""), "E loop_target_forward@1"},
    {"plans 13 loop_count_zero: a target and no count", NAV "," STEP("loop", ",\"loop_target\":0"), "W loop_count_zero@1"},
    {"plans 13 loop_target_unset: no target", NAV "," STEP("loop", ",\"loop_count\":2"), "W loop_target_unset@1"},
    {"plans 13 extract_not_claude_only: extract_data that goes to the brain", NAV "," STEP("extract_data", ",\"claude_only\":false"), "W extract_not_claude_only@1"},
    {"plans 13 extract_not_claude_only: extract_url that goes to the brain", NAV "," STEP("extract_url", ",\"claude_only\":false"), "W extract_not_claude_only@1"},
    {"plans 13 no_pagination: an extraction loop and no paginate", NAV "," EXTRACT "," LOOP("extraction", "1", "2"), "W no_pagination@2"},
    {"plans 13 paginate_without_loop: paginate and no loop over pages", NAV "," STEP("paginate", ""), "W paginate_without_loop@1"},
    {"plans 13 setup_after_extraction: a setup step behind an extraction step", EXTRACT "," NAV, "W setup_after_extraction@1"},
    {"plans 13 unknown_step_type: a type that is none", NAV "," STEP("dance", ""), "W unknown_step_type@1"},
    {"plans 13 if_else_target_out_of_range: a branch leads out of the plan", NAV "," STEP("if_else", ",\"then_target\":1,\"else_target\":2"), "E if_else_target_out_of_range@1"},
    {"plans 13 if_else_never_changes: it leads back and nothing in between asks the page again", NAV "," DETECT("v") "," STEP("wait", "") "," BRANCH("4", "2") "," STEP("wait", ""), "W if_else_never_changes@3"},
    {"plans 13 if_else_never_changes: it leads to itself", NAV "," DETECT("v") "," BRANCH("2", "3") "," STEP("wait", ""), "W if_else_never_changes@2"},
    {"plans 13 if_else_never_changes is not said of a poll", NAV "," STEP("wait", "") "," DETECT("v") "," BRANCH("4", "1") "," STEP("wait", ""), ""},
    {"plans 13 if_else_never_changes is not said when the run may leave by another way", NAV "," DETECT("v") "," DETECT("w") "," STEP("if_else", ",\"condition_var\":\"w\",\"then_target\":5") "," BRANCH("5", "3") "," STEP("wait", ""), ""},
    {"plans 13 if_else_never_changes is not said of one that leads on", NAV "," DETECT("v") "," BRANCH("3", "-1") "," STEP("wait", ""), ""},
    {"plans 13 undefined_state_var: a guard that nothing sets", NAV "," STEP("wait", ",\"guard\":\"banner\""), "W undefined_state_var@1"},
    {"plans 13 undefined_state_var: a stop_var that nothing sets", NAV "," STEP("loop", ",\"loop_target\":0,\"loop_count\":2,\"stop_var\":\"v\""), "W undefined_state_var@1"},
    {"plans 13 undefined_state_var: a condition_var that nothing sets", NAV "," STEP("if_else", ",\"condition_var\":\"v\""), "W undefined_state_var@1"},
    {"plans 13 undefined_state_var is not said of what detect_visible sets", NAV "," STEP("detect_visible", ",\"out_var\":\"banner\"") "," STEP("wait", ",\"guard\":\"banner\""), ""},
    {"plans 13 fill_without_value: nothing to type", NAV "," STEP("fill_field", ",\"required\":false"), "W fill_without_value@1"},
    {"plans 13 fill_without_value is not said of an empty text", NAV "," STEP("fill_field", ",\"required\":false,\"params\":{\"value\":\"\"}"), ""},
    {"plans 13 navigate_without_url: no address", NAV "," STEP("navigate", ""), "W navigate_without_url@1"},
    {"plans 13 detect_without_out_var: nobody takes the answer", NAV "," STEP("detect_visible", ""), "W detect_without_out_var@1"},
    {"plans 13 unknown_tool: a tool that is none", NAV "," STEP("tool_call", ",\"name\":\"fly\""), "W unknown_tool@1"},
    {"plans 13 link_without_target: nothing says which link", NAV "," STEP("capture_link_in_new_tab", ""), "W link_without_target@1"},
    {"plans 13 unknown_placeholder: nothing replaces it", NAV "," STEP("type_text", ",\"params\":{\"text\":\"{{typo}}\"}"), "W unknown_placeholder@1"},
    {"plans 13 unknown_placeholder is not said of a gate's, which types nothing", NAV "," STEP("wait", ",\"gate\":true,\"params\":{\"text\":\"{{typo}}\"}"), ""},
    {"plans 13 user_input_without_request: nobody is asked", NAV "," STEP("wait", ",\"hints\":{\"a\":[\"{{user_input}}\"]}"), "W user_input_without_request@1"},
    {"plans 13 user_input_without_request is not said when somebody is", NAV "," STEP("request_user_input", ",\"required\":false") "," STEP("wait", ",\"verify\":\"{{user_input}}\""), ""},
};
static const struct row objectives[] = {
    {"plans 13 no_filter_steps: an objective with filters that no step and no address shows", "\"objective\":{\"filters\":[\"private\"]}", "W no_filter_steps@-1"},
    {"plans 13 no_filter_steps is not said when the address shows one", "\"objective\":{\"filters\":[{\"name\":\"host\",\"value\":\"A.test\"}]}", ""},
    {"plans 13 no_filter_steps is not said without an objective", "\"description\":\"private\"", ""},
};
/* What --fix does: the findings that are left, and how many things were done. */
static const struct row mended[] = {
    {"plans 13 fix missing_navigate: a navigate to https://www.<domain>/ is put in front", "{\"domain\":\"a.test\",\"steps\":[" STEP("wait", "") "]}", "1: "},
    {"plans 13 fix missing_navigate: the objective's start_url comes first", "{\"objective\":{\"start_url\":\"https://b.test/\"},\"steps\":[" STEP("wait", "") "]}", "1: "},
    {"plans 13 fix missing_navigate does nothing when nobody knows where", "[" STEP("wait", "") "]", "0: missing_navigate@-1"},
    {"plans 13 fix no_gate_after_filters: a gate behind the last such step, targets move along", "[" NAV "," STEP("filter", "") "," EXTRACT "," LOOP("extraction", "2", "2") "]", "1: no_pagination@4"},
    {"plans 13 fix loop_target_forward: the first extraction click within 3", "[" NAV "," STEP("click", "") "," STEP("navigate_back", "") "," LOOP("extraction", "3", "2") "]", "1: no_pagination@3"},
    {"plans 13 fix loop_target_forward leaves what is farther off", "[" NAV "," STEP("wait", "") "," LOOP("x", "2", "2") "]", "0: loop_target_forward@2"},
    {"plans 13 fix extract_not_claude_only: the reader answers, budget 0", "[" NAV "," STEP("extract_data", ",\"claude_only\":false") "]", "1: "},
};
/* clang-format on */

static const char *codes_of(bool severities)
{
    int n;
    const char *got = "";
    const struct finding *f = plan_validate(pool, plan, &n);
    for (int k = 0; k < n; k++)
        got = pool_printf(pool, "%s%s%s%s@%d", got, k ? " " : "",
                          !severities                       ? ""
                          : f[k].severity == SEVERITY_ERROR ? "E "
                                                            : "W ",
                          f[k].code, f[k].step_index);
    return got;
}

static void finds(void **state)
{
    const struct row *row = *state;
    take(pool_printf(pool, "[%s]", row->steps));
    assert_string_equal(codes_of(true), row->codes);
}

static void finds_for_an_objective(void **state)
{
    const struct row *row = *state;
    take(pool_printf(pool, "{\"steps\":[" NAV "],%s}", row->steps));
    assert_string_equal(codes_of(true), row->codes);
}

static void mends(void **state)
{
    const struct row *row = *state;
    const char *const *done;
    int n = 0;
    take(row->steps);
    plan_fix(pool, plan, &done);
    while (done[n])
        n++;
    assert_string_equal(pool_printf(pool, "%d: %s", n, codes_of(false)), row->codes);
}

static void a_fix_moves_the_targets_with_the_steps(void **state)
{
    const char *const *done;
    take("[" STEP("filter", ",\"params\":{\"label\":\"Red\"}") "," EXTRACT "," LOOP(
        "extraction", "1", "2") ",{\"type\":\"if_else\",\"intent\":\"x\",\"condition_var\":\"v\","
                                "\"then_target\":0,\"else_target\":2}]");
    plan->domain = "a.test";
    plan_fix(pool, plan, &done);
    assert_int_equal(plan->n_steps, 6);
    assert_string_equal(json_str(plan->steps[0].params, "url", ""), "https://www.a.test/");
    assert_true(plan->steps[2].gate);
    assert_string_equal(plan->steps[2].verify, "the filter \"Red\" is applied");
    assert_int_equal(plan->steps[4].loop_target, 3);
    assert_int_equal(plan->steps[5].then_target, 1);
    assert_int_equal(plan->steps[5].else_target, 4);
}

static void a_walk_follows_loops_guards_and_branches(void **state)
{
    static const struct {
        const char *steps, *vars, *order;
    } cases[] = {
        {STEP("wait", "") "," LOOP("x", "0", "3"), "{}", "0 1 0 1 0 1"},
        {STEP("wait", "") "," LOOP("x", "0", "2") "," LOOP("y", "0", "2"), "{}",
         "0 1 0 1 2 0 1 0 1 2"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," STEP("wait", ",\"guard\":\"v\""), "{}",
         "0 (1)"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," STEP("wait", ",\"guard\":\"v\""),
         "{\"v\":true}", "0 1"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," STEP(
             "if_else", ",\"condition_var\":\"v\",\"then_target\":3") "," STEP("wait",
                                                                               "") "," STEP("wait",
                                                                                            ""),
         "{\"v\":true}", "0 1 3"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," STEP(
             "if_else", ",\"condition_var\":\"v\",\"then_target\":3") "," STEP("wait",
                                                                               "") "," STEP("wait",
                                                                                            ""),
         "{}", "0 1 2 3"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," LOOP("x", "0", "9"), "{\"v\":false}",
         "0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1"},
        {STEP("detect_visible", ",\"out_var\":\"v\"") "," STEP(
             "loop", ",\"loop_target\":0,\"loop_count\":9,\"stop_var\":\"v\""),
         "{\"v\":true}", "0 1"},
        {STEP("done", "") "," STEP("wait", ""), "{}", "0"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct walk walk;
        const char *order = "";
        take(pool_printf(pool, "[%s]", cases[i].steps));
        plan_walk(pool, plan, json_keep(pool, json_loads(cases[i].vars, 0, NULL)), &walk);
        for (int k = 0; k < walk.n_visits; k++)
            order = pool_printf(pool, walk.visits[k].skipped ? "%s%s(%d)" : "%s%s%d", order,
                                k ? " " : "", walk.visits[k].step);
        assert_string_equal(order, cases[i].order);
    }
}

static void a_walk_that_turns_for_ever_ends_when_all_is_as_before(void **state)
{
    static const struct {
        const char *steps;
        int visits;
        const char *says;
    } cases[] = {
        {STEP("wait", "") "," STEP("if_else", ",\"condition_var\":\"v\",\"else_target\":0"), 4, "step[1]"},
        {STEP("if_else", ",\"condition_var\":\"v\",\"else_target\":0"), 2, "step[0]"},
        {DETECT("v") "," BRANCH("2", "0") "," STEP("wait", ""), 4, "step[1]"},
        /* the first round writes the variable, the second is like it, the third is seen through */
        {BRANCH("3", "1") "," DETECT("v") "," BRANCH("3", "0") "," STEP("wait", ""), 6, "step[2]"},
        /* an inner loop counts, and is as before when it is left */
        {STEP("wait", "") "," LOOP("x", "0", "3") "," BRANCH("3", "0") "," STEP("wait", ""), 14, "step[2]"},
        /* two branches take turns */
        {STEP("wait", "") "," BRANCH("2", "3") "," STEP("wait", "") "," BRANCH("5", "0") "," STEP("wait", "") "," STEP("wait", ""), 6, "step[3]"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct walk walk;
        take(pool_printf(pool, "[%s]", cases[i].steps));
        plan_walk(pool, plan, NULL, &walk);
        assert_string_equal(walk.status, "halted");
        assert_string_equal(walk.reason, "loop_stuck");
        assert_int_equal(walk.n_visits, cases[i].visits);
        assert_true(str_starts(walk.message, cases[i].says));
        assert_non_null(strstr(plan_walk_text(pool, "p.json", plan, &walk), walk.message));
        json_t *doc = json_keep(pool, plan_walk_json("p.json", plan, &walk));
        assert_string_equal(json_str(doc, "message", ""), walk.message);
    }
}

static void a_walk_that_is_too_long_is_cut(void **state)
{
    struct walk walk;
    take("[" STEP("wait", "") "," LOOP("x", "0", "50") "," LOOP("x", "0", "50") "," LOOP("x", "0", "50") "]");
    plan_walk(pool, plan, NULL, &walk);
    assert_string_equal(walk.reason, "loop_stuck");
    assert_int_equal(walk.n_visits, CAP_STEP_RESULTS);
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

#define T(row, name)                                                                               \
    {                                                                                              \
        row, name, setup, teardown, NULL                                                           \
    }
static const struct CMUnitTest fixed[] = {
    T("plans 13 a fix moves the targets with the steps", a_fix_moves_the_targets_with_the_steps),
    T("plans 13 findings are printed as text and as JSON",
      findings_are_printed_as_the_contract_says),
    T("plans 14 a dry run shows steps, flags, sections and loops",
      a_dry_run_shows_steps_flags_and_loops),
    T("plans 14 a walk follows loops, guards and branches without a browser",
      a_walk_follows_loops_guards_and_branches),
    T("plans 14 a walk ends where a branch leads back for ever, and says so",
      a_walk_that_turns_for_ever_ends_when_all_is_as_before),
    T("plans 14 a walk is no longer than a run may be", a_walk_that_is_too_long_is_cut),
};

static size_t add(struct CMUnitTest *tests, size_t at, const struct row *list, size_t n,
                  CMUnitTestFunction fn)
{
    for (size_t i = 0; i < n; i++)
        tests[at + i] = (struct CMUnitTest){list[i].row, fn, setup, teardown, (void *)&list[i]};
    return at + n;
}

int main(void)
{
    struct CMUnitTest
        tests[ARRAY_SIZE(rows) + ARRAY_SIZE(objectives) + ARRAY_SIZE(mended) + ARRAY_SIZE(fixed)];
    size_t n = add(tests, 0, rows, ARRAY_SIZE(rows), finds);
    n = add(tests, n, objectives, ARRAY_SIZE(objectives), finds_for_an_objective);
    n = add(tests, n, mended, ARRAY_SIZE(mended), mends);
    memcpy(tests + n, fixed, sizeof(fixed));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
