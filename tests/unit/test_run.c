#include "unit/test.h"

#include <string.h>

#include "base/pool.h"
#include "core/run.h"

static void state_names_are_read_back(void **state)
{
    enum run_state s;
    for (int i = 0; i < RUN_N_STATES; i++) {
        assert_true(run_state_parse(run_state_name((enum run_state)i), &s));
        assert_int_equal(s, i);
    }
    assert_false(run_state_parse("done", &s));
}

static void phases_and_terminal_states_are_the_contracts(void **state)
{
    static const struct {
        enum run_state state;
        const char *phase;
        bool terminal;
    } rows[] = {
        {RUN_QUEUED, "queued", false},     {RUN_RUNNING, "running", false},
        {RUN_PAUSED, "running", false},    {RUN_RECOVERING, "recovering", false},
        {RUN_SUCCEEDED, "complete", true}, {RUN_COMPLETED_WITH_FAILURES, "complete", true},
        {RUN_FAILED, "halted", true},      {RUN_HALTED, "halted", true},
        {RUN_TIMEOUT, "halted", true},     {RUN_CANCELLED, "cancelled", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_string_equal(run_state_phase(rows[i].state), rows[i].phase);
        assert_int_equal(run_state_terminal(rows[i].state), rows[i].terminal);
    }
}

static void a_terminal_state_never_changes_and_a_live_one_can_be_cancelled(void **state)
{
    for (int from = 0; from < RUN_N_STATES; from++) {
        bool terminal = run_state_terminal((enum run_state)from);
        assert_int_equal(run_state_may_become((enum run_state)from, RUN_CANCELLED), !terminal);
        for (int to = 0; to < RUN_N_STATES && terminal; to++)
            assert_false(run_state_may_become((enum run_state)from, (enum run_state)to));
    }
    assert_false(run_state_may_become(RUN_QUEUED, RUN_SUCCEEDED));
    assert_false(run_state_may_become(RUN_RUNNING, RUN_QUEUED));
    assert_true(run_state_may_become(RUN_RECOVERING, RUN_RUNNING));
}

static void runner_outcomes_become_wire_words(void **state)
{
    static const struct {
        const char *status, *halt_reason;
        bool failed;
        const char *terminal_status;
        enum run_state state;
    } rows[] = {
        {"completed", "", false, "completed", RUN_SUCCEEDED},
        {"completed", "", true, "completed_with_failures", RUN_COMPLETED_WITH_FAILURES},
        {"halted", "budget_cap", true, "budget_exceeded", RUN_HALTED},
        {"halted", "time_cap", false, "time_exceeded", RUN_HALTED},
        {"halted", "required_failed:submit", true, "halted", RUN_HALTED},
        {"halted", NULL, true, "halted", RUN_HALTED},
        {"halted", "navigate_failed", true, "halted", RUN_HALTED},
        {"halted", "page_blocked", true, "halted", RUN_HALTED},
        {"halted", "stopped", true, "halted", RUN_HALTED},
        {"halted", "loop_stuck", true, "halted", RUN_HALTED},
        {"halted", "off_source_drift", true, "halted", RUN_HALTED},
        {"cancelled", "cancel_event", false, "cancelled", RUN_CANCELLED},
        {"paused", "user_input", false, "paused", RUN_PAUSED},
        {"timeout", "", false, "timeout", RUN_TIMEOUT},
        {"failed", "", false, "failed", RUN_FAILED},
        {"gibberish", "", false, "failed", RUN_FAILED},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *t = run_terminal_status(rows[i].status, rows[i].halt_reason, rows[i].failed);
        assert_string_equal(t, rows[i].terminal_status);
        assert_int_equal(run_state_of(t), rows[i].state);
    }
    assert_int_equal(run_state_of("gibberish"), RUN_FAILED);
}

static void failures_are_classed_by_the_first_rule(void **state)
{
    static const struct {
        const char *data, *title, *class;
    } rows[] = {
        {"", "", "unknown"},
        {NULL, NULL, "unknown"},
        {"something odd", "", "unknown"},
        {"click_no_nav:no_state_change:x", "", "no_state_change"},
        {"", "Just a moment...", "cf_challenge"},
        {"Error 404", "Attention Required! | Shop", "cf_challenge"},
        {"loop_terminated after 5", "", "brain_loop_exhausted"},
        {"click_no_nav:wrong_target:x", "", "wrong_target"},
        {"bad_url:dns", "", "bad_url"},
        {"bad_url=soft_404", "", "bad_url"},
        {"page_blocked", "", "page_blocked"},
        {"Error 403", "", "cf_challenge"},
        {"got 403 Forbidden", "", "cf_challenge"},
        {"error 404", "", "http_4xx"},
        {"the server said 404.", "", "http_4xx"},
        {"error 410 gone", "", "http_4xx"},
        {"error 500", "", "http_5xx"},
        {"status=503", "", "http_5xx"},
        {"Internal Server Error", "", "http_5xx"},
        {"connection timed out", "", "nav_timeout"},
        {"form_target_not_found", "", "selector_miss"},
        {"form_target_not_input:DIV", "", "selector_miss"},
        {"option_not_found", "", "selector_miss"},
        {"fill_error:x", "", "selector_miss"},
        {"filters_not_applied", "", "selector_miss"},
        {"scan_error", "", "extractor_error"},
        {"max_cost reached", "", "budget_exceeded"},
        {"max_time passed", "", "budget_exceeded"},
        {"max_steps used", "", "brain_loop_exhausted"},
        {"brain_loop_exhausted:loop", "", "brain_loop_exhausted"},
        {"cloudflare ray", "", "cf_challenge"},
        {"please verify you are human", "", "cf_challenge"},
        {"error 401", "", "http_4xx"},
        {"got 502", "", "http_5xx"},
        {"got 504", "", "http_5xx"},
        {"operation timeout", "", "nav_timeout"},
        {"select_error", "", "selector_miss"},
        {"submit_error", "", "selector_miss"},
        {"click_error", "", "selector_miss"},
        {"element not visible", "", "selector_miss"},
        {"no element there", "", "selector_miss"},
        {"ok=false", "", "selector_miss"},
        {"grounding=no", "", "selector_miss"},
        {"extract_error", "", "extractor_error"},
        {"the scrape ended", "", "extractor_error"},
        {"listing_budget_exceeded:bound=per_url:url=https://a.test/404:count=3", "",
         "budget_exceeded"},
        /* numbers that are no status */
        {"price $502", "", "unknown"},
        {"price 1,502", "", "unknown"},
        {"price 502.50", "", "unknown"},
        {"price 502,000", "", "unknown"},
        {"https://a.test/item/404", "", "unknown"},
        {"article 15034", "", "unknown"},
        {"error 4", "", "unknown"},
        {"error 40312", "", "unknown"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(failure_classify(rows[i].data, rows[i].title), rows[i].class);
}

static void a_cause_explains_a_run_better_than_a_symptom(void **state)
{
    static const struct {
        const char *classes, *of_run;
    } rows[] = {
        {"[]", ""},
        {"[\"selector_miss\",\"no_state_change\"]", "selector_miss"},
        {"[\"selector_miss\",\"http_5xx\",\"http_4xx\"]", "http_4xx"},
        {"[\"no_state_change\",\"cf_challenge\"]", "cf_challenge"},
        {"[\"\",3,\"unknown\"]", "unknown"},
        {"[\"selector_miss\",\"wrong_target\",\"budget_exceeded\"]", "budget_exceeded"},
        {"[\"nav_timeout\",\"proxy_failed\"]", "proxy_failed"},
        {"[\"wrong_target\",\"extractor_error\"]", "extractor_error"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *classes = json_loads(rows[i].classes, 0, NULL);
        assert_string_equal(failure_of_run(classes), rows[i].of_run);
        json_decref(classes);
    }
    assert_string_equal(failure_of_run(NULL), "");
}

static void every_halt_class_has_its_own_help(void **state)
{
    static const char *const classes[] = {"anthropic_unreachable",
                                          "cf_challenge",
                                          "page_blocked",
                                          "navigation_drift",
                                          "navigate_failed",
                                          "bad_url",
                                          "extract_data_failed",
                                          "no_schema_configured",
                                          "budget_cap",
                                          "time_cap",
                                          "halt_timeout",
                                          "cancelled",
                                          "required_failed:submit",
                                          "loop_stuck",
                                          "off_source_drift",
                                          "task_failed",
                                          "worker_lost",
                                          "plane_gone",
                                          "disk_full",
                                          "off_allowlist"};
    json_t *generic = failure_help("never heard of", NULL, "r1");
    for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
        json_t *help = failure_help(classes[i], NULL, "r1");
        const json_t *links = json_object_get(help, "debug_surfaces");
        assert_string_equal(json_str(help, "halt_class", ""), classes[i]);
        assert_string_not_equal(json_str(help, "summary", ""), json_str(generic, "summary", ""));
        assert_true(json_array_size(json_object_get(help, "likely_causes")) > 0);
        assert_true(json_array_size(json_object_get(help, "next_steps")) > 0);
        assert_string_equal(json_str(links, "result", ""), "/v1/runs/r1/result");
        assert_int_equal(json_object_size(links), 6);
        assert_true(json_is_null(json_object_get(links, "augur")));
        assert_string_equal(json_str(links, "events", ""), "/v1/runs/r1/events");
        assert_string_equal(json_str(links, "logs", ""),
                            "/v1/predict {\"action\":\"logs\",\"run_id\":\"r1\"}");
        json_decref(help);
    }
    json_t *none = failure_help(NULL, NULL, "r1");
    assert_string_equal(json_str(none, "summary", ""), json_str(generic, "summary", ""));
    json_decref(none);
    json_decref(generic);
}

static void a_required_step_is_explained_by_why_it_failed(void **state)
{
    json_t *plain = failure_help("required_failed:click", NULL, "r1");
    json_t *why = failure_help("required_failed:click", "selector_miss", "r1");
    json_t *odd = failure_help("required_failed:click", "never heard of", "r1");
    json_t *other = failure_help("time_cap", "selector_miss", "r1");
    assert_string_equal(json_str(why, "halt_class", ""), "required_failed:click");
    assert_string_not_equal(json_str(why, "summary", ""), json_str(plain, "summary", ""));
    assert_string_equal(json_str(odd, "summary", ""), json_str(plain, "summary", ""));
    assert_non_null(strstr(json_str(other, "summary", ""), "time limit"));
    json_decref(plain);
    json_decref(why);
    json_decref(odd);
    json_decref(other);
}

static void a_verdict_advises(void **state)
{
    static const struct {
        bool success;
        const char *class, *verdict;
        double confidence;
        int attempts;
        bool required;
        const char *decision;
    } rows[] = {
        {true, "", "ok", 1, 1, true, "advance"},
        {false, "cf_challenge", "non_recoverable", .9, 1, false, "terminate"},
        {false, "http_4xx", "non_recoverable", .9, 1, false, "terminate"},
        {false, "extractor_error", "non_recoverable", .9, 1, false, "terminate"},
        {false, "budget_exceeded", "non_recoverable", .9, 1, false, "terminate"},
        {false, "selector_miss", "recoverable", .5, 1, true, "retry"},
        {false, "selector_miss", "recoverable", .5, 2, false, "retry"},
        {false, "selector_miss", "recoverable", .5, 3, true, "terminate"},
        {false, "selector_miss", "recoverable", .5, 3, false, "advance"},
        {false, "", "recoverable", .5, 3, false, "advance"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        json_t *v = failure_verdict(rows[i].success, rows[i].class);
        const char *reason = rows[i].success ? "" : *rows[i].class ? rows[i].class : "unknown";
        assert_string_equal(json_str(v, "verdict", ""), rows[i].verdict);
        assert_true(json_num(v, "confidence", 0) == rows[i].confidence);
        assert_string_equal(json_str(v, "reason", "?"), reason);
        assert_string_equal(failure_decision(v, rows[i].attempts, rows[i].required),
                            rows[i].decision);
        json_decref(v);
    }
}

static void steps_are_reversible_or_not(void **state)
{
    static const char *const rows[][2] = {
        {"scroll", "read_only"},        {"wait", "read_only"},         {"loop", "read_only"},
        {"extract_url", "read_only"},   {"extract_rows", "read_only"}, {"submit", "irreversible"},
        {"launch_app", "irreversible"}, {"click", "reversible"},       {"fill_field", "reversible"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_string_equal(step_reversibility(rows[i][0]), rows[i][1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(state_names_are_read_back),
        cmocka_unit_test(phases_and_terminal_states_are_the_contracts),
        cmocka_unit_test(a_terminal_state_never_changes_and_a_live_one_can_be_cancelled),
        row_test("agent-loop 11 terminal status and wire status of every ending",
                 runner_outcomes_become_wire_words),
        row_test("agent-loop 10 the classification table, whole tokens",
                 failures_are_classed_by_the_first_rule),
        row_test("agent-loop 10 run-level class: cause beats symptom",
                 a_cause_explains_a_run_better_than_a_symptom),
        row_test("agent-loop 11 failure_help of every halt class, Better ones and :<type> suffix "
                 "included",
                 every_halt_class_has_its_own_help),
        row_test("agent-loop 11 Better: required_failed is explained by the failure class",
                 a_required_step_is_explained_by_why_it_failed),
        row_test("agent-loop 10 verdict and advisory decision per step", a_verdict_advises),
        row_test("agent-loop 10 reversibility per step type", steps_are_reversible_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
