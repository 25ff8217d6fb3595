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

static const struct ending_case {
    const char *row, *status, *halt_reason;
    bool failed;
    const char *terminal_status;
    enum run_state state;
} ending_cases[] = {
    {"agent-loop 11 completed, all steps well is completed", "completed", "", false, "completed",
     RUN_SUCCEEDED},
    {"agent-loop 11 completed, a step failed is completed_with_failures", "completed", "", true,
     "completed_with_failures", RUN_COMPLETED_WITH_FAILURES},
    {"agent-loop 11 halted by budget_cap is budget_exceeded", "halted", "budget_cap", true,
     "budget_exceeded", RUN_HALTED},
    {"agent-loop 11 halted by time_cap is time_exceeded", "halted", "time_cap", false,
     "time_exceeded", RUN_HALTED},
    {"agent-loop 11 halted by required_failed:submit is halted", "halted", "required_failed:submit",
     true, "halted", RUN_HALTED},
    {"agent-loop 11 halted without a reason is halted", "halted", NULL, true, "halted", RUN_HALTED},
    {"agent-loop 11 halted by navigate_failed is halted", "halted", "navigate_failed", true,
     "halted", RUN_HALTED},
    {"agent-loop 11 halted by page_blocked is halted", "halted", "page_blocked", true, "halted",
     RUN_HALTED},
    {"agent-loop 11 halted by stopped is halted", "halted", "stopped", true, "halted", RUN_HALTED},
    {"agent-loop 11 halted by loop_stuck is halted", "halted", "loop_stuck", true, "halted",
     RUN_HALTED},
    {"agent-loop 11 halted by off_source_drift is halted", "halted", "off_source_drift", true,
     "halted", RUN_HALTED},
    {"agent-loop 11 cancelled by cancel_event is cancelled", "cancelled", "cancel_event", false,
     "cancelled", RUN_CANCELLED},
    {"agent-loop 11 paused by user_input is paused", "paused", "user_input", false, "paused",
     RUN_PAUSED},
    {"agent-loop 11 timeout is timeout", "timeout", "", false, "timeout", RUN_TIMEOUT},
    {"agent-loop 11 failed is failed", "failed", "", false, "failed", RUN_FAILED},
    {"agent-loop 11 gibberish is failed", "gibberish", "", false, "failed", RUN_FAILED},
};

static void runner_outcomes_become_wire_words(void **state)
{
    const struct ending_case *c = *state;
    const char *t = run_terminal_status(c->status, c->halt_reason, c->failed);
    assert_string_equal(t, c->terminal_status);
    assert_int_equal(run_state_of(t), c->state);
}

static void no_known_word_is_a_failure(void **state)
{
    assert_int_equal(run_state_of("gibberish"), RUN_FAILED);
}

/* clang-format off */
static const struct class_case {
    const char *row, *data, *title, *class;
} class_cases[] = {
    {"agent-loop 10 empty text is unknown", "", "", "unknown"},
    {"agent-loop 10 no text at all is unknown", NULL, NULL, "unknown"},
    {"agent-loop 10 something odd is unknown", "something odd", "", "unknown"},
    {"agent-loop 10 click_no_nav:no_state_change:x is no_state_change", "click_no_nav:no_state_change:x", "", "no_state_change"},
    {"agent-loop 10 the title Just a moment... is cf_challenge", "", "Just a moment...", "cf_challenge"},
    {"agent-loop 10 the title Attention Required! | Shop is cf_challenge, whatever the text says", "Error 404", "Attention Required! | Shop", "cf_challenge"},
    {"agent-loop 10 loop_terminated after 5 is brain_loop_exhausted", "loop_terminated after 5", "", "brain_loop_exhausted"},
    {"agent-loop 10 click_no_nav:wrong_target:x is wrong_target", "click_no_nav:wrong_target:x", "", "wrong_target"},
    {"agent-loop 10 bad_url:dns is bad_url", "bad_url:dns", "", "bad_url"},
    {"agent-loop 10 bad_url=soft_404 is bad_url", "bad_url=soft_404", "", "bad_url"},
    {"agent-loop 10 page_blocked is page_blocked", "page_blocked", "", "page_blocked"},
    {"agent-loop 10 Error 403 is cf_challenge", "Error 403", "", "cf_challenge"},
    {"agent-loop 10 got 403 Forbidden is cf_challenge", "got 403 Forbidden", "", "cf_challenge"},
    {"agent-loop 10 error 404 is http_4xx", "error 404", "", "http_4xx"},
    {"agent-loop 10 the server said 404. is http_4xx", "the server said 404.", "", "http_4xx"},
    {"agent-loop 10 error 410 gone is http_4xx", "error 410 gone", "", "http_4xx"},
    {"agent-loop 10 error 500 is http_5xx", "error 500", "", "http_5xx"},
    {"agent-loop 10 status=503 is http_5xx", "status=503", "", "http_5xx"},
    {"agent-loop 10 Internal Server Error is http_5xx", "Internal Server Error", "", "http_5xx"},
    {"agent-loop 10 connection timed out is nav_timeout", "connection timed out", "", "nav_timeout"},
    {"agent-loop 10 form_target_not_found is selector_miss", "form_target_not_found", "", "selector_miss"},
    {"agent-loop 10 form_target_not_input:DIV is selector_miss", "form_target_not_input:DIV", "", "selector_miss"},
    {"agent-loop 10 option_not_found is selector_miss", "option_not_found", "", "selector_miss"},
    {"agent-loop 10 fill_error:x is selector_miss", "fill_error:x", "", "selector_miss"},
    {"agent-loop 10 filters_not_applied is selector_miss", "filters_not_applied", "", "selector_miss"},
    {"agent-loop 10 scan_error is extractor_error", "scan_error", "", "extractor_error"},
    {"agent-loop 10 max_cost reached is budget_exceeded", "max_cost reached", "", "budget_exceeded"},
    {"agent-loop 10 max_time passed is budget_exceeded", "max_time passed", "", "budget_exceeded"},
    {"agent-loop 10 max_steps used is brain_loop_exhausted", "max_steps used", "", "brain_loop_exhausted"},
    {"agent-loop 10 brain_loop_exhausted:loop is brain_loop_exhausted", "brain_loop_exhausted:loop", "", "brain_loop_exhausted"},
    {"agent-loop 10 cloudflare ray is cf_challenge", "cloudflare ray", "", "cf_challenge"},
    {"agent-loop 10 please verify you are human is cf_challenge", "please verify you are human", "", "cf_challenge"},
    {"agent-loop 10 error 401 is http_4xx", "error 401", "", "http_4xx"},
    {"agent-loop 10 got 502 is http_5xx", "got 502", "", "http_5xx"},
    {"agent-loop 10 got 504 is http_5xx", "got 504", "", "http_5xx"},
    {"agent-loop 10 operation timeout is nav_timeout", "operation timeout", "", "nav_timeout"},
    {"agent-loop 10 select_error is selector_miss", "select_error", "", "selector_miss"},
    {"agent-loop 10 submit_error is selector_miss", "submit_error", "", "selector_miss"},
    {"agent-loop 10 click_error is selector_miss", "click_error", "", "selector_miss"},
    {"agent-loop 10 element not visible is selector_miss", "element not visible", "", "selector_miss"},
    {"agent-loop 10 no element there is selector_miss", "no element there", "", "selector_miss"},
    {"agent-loop 10 ok=false is selector_miss", "ok=false", "", "selector_miss"},
    {"agent-loop 10 grounding=no is selector_miss", "grounding=no", "", "selector_miss"},
    {"agent-loop 10 extract_error is extractor_error", "extract_error", "", "extractor_error"},
    {"agent-loop 10 the scrape ended is extractor_error", "the scrape ended", "", "extractor_error"},
    {"agent-loop 10 listing_budget_exceeded:bound=per_url:url=https://a.test/404:count=3 is budget_exceeded", "listing_budget_exceeded:bound=per_url:url=https://a.test/404:count=3", "", "budget_exceeded"},
    {"agent-loop 10 price $502 is unknown", "price $502", "", "unknown"},
    {"agent-loop 10 price 1,502 is unknown", "price 1,502", "", "unknown"},
    {"agent-loop 10 price 502.50 is unknown", "price 502.50", "", "unknown"},
    {"agent-loop 10 price 502,000 is unknown", "price 502,000", "", "unknown"},
    {"agent-loop 10 https://a.test/item/404 is unknown", "https://a.test/item/404", "", "unknown"},
    {"agent-loop 10 article 15034 is unknown", "article 15034", "", "unknown"},
    {"agent-loop 10 error 4 is unknown", "error 4", "", "unknown"},
    {"agent-loop 10 error 40312 is unknown", "error 40312", "", "unknown"},
};
/* clang-format on */

static void failures_are_classed_by_the_first_rule(void **state)
{
    const struct class_case *c = *state;
    assert_string_equal(failure_classify(c->data, c->title), c->class);
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

static const struct help_case {
    const char *row, *class;
} help_cases[] = {
    {"agent-loop 11 failure_help of anthropic_unreachable", "anthropic_unreachable"},
    {"agent-loop 11 failure_help of cf_challenge", "cf_challenge"},
    {"agent-loop 11 failure_help of page_blocked", "page_blocked"},
    {"agent-loop 11 failure_help of navigation_drift", "navigation_drift"},
    {"agent-loop 11 failure_help of navigate_failed", "navigate_failed"},
    {"agent-loop 11 failure_help of bad_url", "bad_url"},
    {"agent-loop 11 failure_help of extract_data_failed", "extract_data_failed"},
    {"agent-loop 11 failure_help of no_schema_configured", "no_schema_configured"},
    {"agent-loop 11 failure_help of budget_cap", "budget_cap"},
    {"agent-loop 11 failure_help of time_cap", "time_cap"},
    {"agent-loop 11 failure_help of halt_timeout", "halt_timeout"},
    {"agent-loop 11 failure_help of cancelled", "cancelled"},
    {"agent-loop 11 failure_help of required_failed:submit", "required_failed:submit"},
    {"agent-loop 11 failure_help of loop_stuck", "loop_stuck"},
    {"agent-loop 11 failure_help of off_source_drift", "off_source_drift"},
    {"agent-loop 11 failure_help of task_failed", "task_failed"},
    {"agent-loop 11 failure_help of worker_lost", "worker_lost"},
    {"agent-loop 11 failure_help of plane_gone", "plane_gone"},
    {"agent-loop 11 failure_help of disk_full", "disk_full"},
    {"agent-loop 11 failure_help of off_allowlist", "off_allowlist"},
};

static void every_halt_class_has_its_own_help(void **state)
{
    const struct help_case *c = *state;
    json_t *generic = failure_help("never heard of", NULL, "r1");
    json_t *help = failure_help(c->class, NULL, "r1");
    const json_t *links = json_object_get(help, "debug_surfaces");
    assert_string_equal(json_str(help, "halt_class", ""), c->class);
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
    json_decref(generic);
}

static void an_unknown_class_has_generic_help_with_the_same_surfaces(void **state)
{
    json_t *odd = failure_help("never heard of", NULL, "r1"),
           *none = failure_help(NULL, NULL, "r1");
    assert_int_equal(json_object_size(json_object_get(odd, "debug_surfaces")), 6);
    assert_string_equal(json_str(none, "summary", ""), json_str(odd, "summary", ""));
    json_decref(none);
    json_decref(odd);
}

static void a_steps_class_has_words_or_none(void **state)
{
    json_t *help = failure_step_help("selector_miss");
    assert_string_equal(json_str(help, "summary", ""),
                        "What a step should act on was not found on the page.");
    assert_true(json_array_size(json_object_get(help, "next_steps")) > 0);
    json_decref(help);
    assert_null(failure_step_help("unknown"));
    assert_null(failure_step_help(""));
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

/* clang-format off */
static const struct verdict_case {
    const char *row;
    bool success;
    const char *class, *verdict;
    double confidence;
    int attempts;
    bool required;
    const char *decision;
} verdict_cases[] = {
    {"agent-loop 10 verdict: success is ok, attempt 1 of a required step: advance", true, "", "ok", 1, 1, true, "advance"},
    {"agent-loop 10 verdict: cf_challenge is non_recoverable, attempt 1 of an optional step: terminate", false, "cf_challenge", "non_recoverable", .9, 1, false, "terminate"},
    {"agent-loop 10 verdict: http_4xx is non_recoverable, attempt 1 of an optional step: terminate", false, "http_4xx", "non_recoverable", .9, 1, false, "terminate"},
    {"agent-loop 10 verdict: extractor_error is non_recoverable, attempt 1 of an optional step: terminate", false, "extractor_error", "non_recoverable", .9, 1, false, "terminate"},
    {"agent-loop 10 verdict: budget_exceeded is non_recoverable, attempt 1 of an optional step: terminate", false, "budget_exceeded", "non_recoverable", .9, 1, false, "terminate"},
    {"agent-loop 10 verdict: selector_miss is recoverable, attempt 1 of a required step: retry", false, "selector_miss", "recoverable", .5, 1, true, "retry"},
    {"agent-loop 10 verdict: selector_miss is recoverable, attempt 2 of an optional step: retry", false, "selector_miss", "recoverable", .5, 2, false, "retry"},
    {"agent-loop 10 verdict: selector_miss is recoverable, attempt 3 of a required step: terminate", false, "selector_miss", "recoverable", .5, 3, true, "terminate"},
    {"agent-loop 10 verdict: selector_miss is recoverable, attempt 3 of an optional step: advance", false, "selector_miss", "recoverable", .5, 3, false, "advance"},
    {"agent-loop 10 verdict: a failure without a class is recoverable, attempt 3 of an optional step: advance", false, "", "recoverable", .5, 3, false, "advance"},
};
/* clang-format on */

static void a_verdict_advises(void **state)
{
    const struct verdict_case *c = *state;
    json_t *v = failure_verdict(c->success, c->class);
    const char *reason = c->success ? "" : *c->class ? c->class : "unknown";
    assert_string_equal(json_str(v, "verdict", ""), c->verdict);
    assert_true(json_num(v, "confidence", 0) == c->confidence);
    assert_string_equal(json_str(v, "reason", "?"), reason);
    assert_string_equal(failure_decision(v, c->attempts, c->required), c->decision);
    json_decref(v);
}

static const struct kind_case {
    const char *row, *type, *kind;
} kind_cases[] = {
    {"agent-loop 10 reversibility: scroll is read_only", "scroll", "read_only"},
    {"agent-loop 10 reversibility: wait is read_only", "wait", "read_only"},
    {"agent-loop 10 reversibility: loop is read_only", "loop", "read_only"},
    {"agent-loop 10 reversibility: extract_url is read_only", "extract_url", "read_only"},
    {"agent-loop 10 reversibility: extract_rows is read_only", "extract_rows", "read_only"},
    {"agent-loop 10 reversibility: submit is irreversible", "submit", "irreversible"},
    {"agent-loop 10 reversibility: launch_app is irreversible", "launch_app", "irreversible"},
    {"agent-loop 10 reversibility: click is reversible", "click", "reversible"},
    {"agent-loop 10 reversibility: fill_field is reversible", "fill_field", "reversible"},
};

static void steps_are_reversible_or_not(void **state)
{
    const struct kind_case *c = *state;
    assert_string_equal(step_reversibility(c->type), c->kind);
}

static const struct CMUnitTest plain_tests[] = {
    cmocka_unit_test(state_names_are_read_back),
    cmocka_unit_test(phases_and_terminal_states_are_the_contracts),
    cmocka_unit_test(a_terminal_state_never_changes_and_a_live_one_can_be_cancelled),
    row_test("agent-loop 11 a word that is none is failed", no_known_word_is_a_failure),
    row_test("agent-loop 10 run-level class: cause beats symptom",
             a_cause_explains_a_run_better_than_a_symptom),
    row_test("agent-loop 11 failure_help of an unknown class",
             an_unknown_class_has_generic_help_with_the_same_surfaces),
    row_test("agent-loop 11 Better: required_failed is explained by the failure class",
             a_required_step_is_explained_by_why_it_failed),
    cmocka_unit_test(a_steps_class_has_words_or_none),
};

static int add_rows(struct CMUnitTest *out, int n, const void *cases, size_t size, size_t count,
                    CMUnitTestFunction fn)
{
    for (size_t i = 0; i < count; i++) {
        const char *one = (const char *)cases + i * size;
        out[n++] = (struct CMUnitTest){*(const char *const *)one, fn, NULL, NULL, (void *)one};
    }
    return n;
}

#define ADD(cases, fn) n = add_rows(tests, n, cases, sizeof(cases[0]), ARRAY_SIZE(cases), fn)

int main(void)
{
    static struct CMUnitTest tests[160];
    int n = ARRAY_SIZE(plain_tests);
    memcpy(tests, plain_tests, sizeof(plain_tests));
    ADD(ending_cases, runner_outcomes_become_wire_words);
    ADD(class_cases, failures_are_classed_by_the_first_rule);
    ADD(help_cases, every_halt_class_has_its_own_help);
    ADD(verdict_cases, a_verdict_advises);
    ADD(kind_cases, steps_are_reversible_or_not);
    assert_true((size_t)n <= ARRAY_SIZE(tests));
    return _cmocka_run_group_tests("run", tests, (size_t)n, NULL, NULL);
}
