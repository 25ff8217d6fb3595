/* The halt table (plans.md 9.4) and what its rules do. */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/rules.h"
#include "run/step.h"
#include "run/undo.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://desk.test"

/* --- which rule ------------------------------------------------------------------------------ */

enum { REQ = 1, GATE = 2, SKIP = 4 };

static const struct rule_case {
    const char *row, *type;
    int flags;
    enum outcome outcome;
    const char *class, *data;
    int retries;
    const char *rule;
} rule_cases[] = {
    /* clang-format off */
    {"plans 9.4 skip results always advance", "click", SKIP, OUTCOME_NORMAL, "", "guard:x=False:skipped", 0, "skip"},
    {"plans 9.4 skip results advance also when required", "submit", SKIP | REQ, OUTCOME_NORMAL, "", "guard:x=False:skipped", 0, "skip"},
    {"plans 9.4 what an interrupted attempt sent is not sent again", "submit", REQ, OUTCOME_UNCONFIRMED, "no_state_change", "", 0, "submit_unconfirmed"},
    {"plans 9.4 what an interrupted attempt sent is left behind when not required", "submit", 0, OUTCOME_UNCONFIRMED, "no_state_change", "", 0, "submit_unconfirmed"},
    {"plans 9.4 a refused submit goes to recovery without a blind retry", "submit", REQ, OUTCOME_REFUSED, "no_state_change", "", 0, "recovery"},
    {"plans 9.4 a submit of unknown outcome goes to recovery without a blind retry", "submit", REQ, OUTCOME_UNMET, "wrong_target", "", 0, "recovery"},
    {"plans 9.4 a schema that wants a halt gets it", "extract_data", REQ, OUTCOME_REJECTED, "extractor_error", "", 0, "extract_data_failed"},
    {"plans 9.4 a duplicate goes on with the loop", "extract_url", REQ, OUTCOME_DUPLICATE, "duplicate", "", 0, "duplicate"},
    {"plans 9.4 a required scroll that used its budget up is retried first", "scroll", REQ, OUTCOME_BUDGET, "brain_loop_exhausted", "", 0, "required_retry"},
    {"plans 9.4 a required scroll at its second attempt falls back to our own scroll", "scroll", REQ, OUTCOME_BUDGET, "brain_loop_exhausted", "", 1, "scroll_cdp_fallback"},
    {"plans 9.4 required: first retry", "submit", REQ, OUTCOME_NORMAL, "selector_miss", "", 0, "required_retry"},
    {"plans 9.4 required: second retry", "submit", REQ, OUTCOME_NORMAL, "selector_miss", "", 1, "required_retry"},
    {"plans 9.4 required: then agentic recovery", "submit", REQ, OUTCOME_NORMAL, "selector_miss", "", 2, "recovery"},
    {"plans 9.4 a required navigate recovers, too", "navigate", REQ, OUTCOME_NORMAL, "bad_url", "", 2, "recovery"},
    {"agent-loop 9.5 budget_exceeded halts", "extract_data", 0, OUTCOME_NORMAL, "budget_exceeded", "max_cost", 0, "budget_exceeded"},
    {"agent-loop 9.5 budget_exceeded halts a required step at once", "submit", REQ, OUTCOME_NORMAL, "budget_exceeded", "max_cost", 0, "budget_exceeded"},
    {"plans 9.4 a gate in trouble is tried once more", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:Cloudflare", 0, "gate_retry"},
    {"plans 9.4 trouble: blocked", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:you are Blocked", 0, "gate_retry"},
    {"plans 9.4 trouble: security", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:security check", 0, "gate_retry"},
    {"plans 9.4 trouble: something went wrong", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:Something went wrong", 0, "gate_retry"},
    {"plans 9.4 trouble: request fail", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:the request failed", 0, "gate_retry"},
    {"plans 9.4 a gate is tried once more only once", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:Cloudflare", 1, "gate_failed"},
    {"plans 9.4 Better: a failed gate is gate_failed", "extract_data", GATE, OUTCOME_NORMAL, "unknown", "gate:FAIL:no", 0, "gate_failed"},
    {"agent-loop 9.5 a navigate that meets a 5xx or 429 is tried again", "navigate", 0, OUTCOME_BUSY, "http_5xx", "", 0, "busy_retry"},
    {"agent-loop 9.5 a navigate that meets a 5xx is tried again three times", "navigate", 0, OUTCOME_BUSY, "http_5xx", "", 3, "navigate_failed"},
    {"plans 9.4 navigate halts", "navigate", 0, OUTCOME_NORMAL, "bad_url", "", 0, "navigate_failed"},
    {"plans 9.4 click: page_exhausted", "click", 0, OUTCOME_EXHAUSTED, "page_exhausted", "", 0, "page_exhausted"},
    {"plans 9.4 click: login_redirect", "click", 0, OUTCOME_LOGIN, "wrong_target", "", 0, "login_redirect"},
    {"plans 9.4 click: newtab_blank", "click", 0, OUTCOME_BLANK_TAB, "no_state_change", "", 0, "newtab_blank"},
    {"plans 9.4 click: scan_error is retried", "click", 0, OUTCOME_SCAN_ERROR, "extractor_error", "scan_error", 1, "scan_error_retry"},
    {"plans 9.4 click: a reader that is not heard is asked again", "click", 0, OUTCOME_UNHEARD, "extractor_error", "scan_error:429", 1, "scan_error_retry"},
    {"plans 9.4 click: answers of a reader that cannot be used halt then", "click", 0, OUTCOME_UNHEARD, "extractor_error", "scan_error:no list", 2, "page_blocked"},
    {"agent-loop 11 anthropic_unreachable: a reader that is not heard halts then", "click", 0, OUTCOME_UNHEARD, "anthropic_unreachable", "scan_error:429", 2, "anthropic_unreachable"},
    {"agent-loop 11 anthropic_unreachable: any step is tried again", "fill_field", REQ, OUTCOME_UNHEARD, "anthropic_unreachable", "fill_field_error: answered 503", 1, "unheard_retry"},
    {"agent-loop 11 anthropic_unreachable: no recovery is asked of who is not heard", "fill_field", REQ, OUTCOME_UNHEARD, "anthropic_unreachable", "fill_field_error: answered 503", 2, "anthropic_unreachable"},
    {"agent-loop 11 anthropic_unreachable: where the step may fail, too", "submit", 0, OUTCOME_UNHEARD, "anthropic_unreachable", "", 2, "anthropic_unreachable"},
    {"plans 9.4 click: scan_error halts then", "click", 0, OUTCOME_SCAN_ERROR, "extractor_error", "scan_error", 2, "page_blocked"},
    {"plans 9.4 click: page_blocked is retried", "click", 0, OUTCOME_BLOCKED, "page_blocked", "page_blocked", 0, "page_blocked_retry"},
    {"plans 9.4 click: page_blocked is reloaded then", "click", 0, OUTCOME_BLOCKED, "page_blocked", "page_blocked", 2, "page_blocked_reload"},
    {"plans 9.4 click: other", "click", 0, OUTCOME_NORMAL, "no_state_change", "", 0, "click_failed"},
    {"plans 9.4 filter", "filter", 0, OUTCOME_NORMAL, "selector_miss", "", 0, "filter_failed"},
    {"plans 9.4 scroll: brain_loop_exhausted is retried", "scroll", 0, OUTCOME_BUDGET, "brain_loop_exhausted", "", 0, "scroll_retry"},
    {"plans 9.4 scroll: then we scroll, three cycles at most", "scroll", 0, OUTCOME_BUDGET, "brain_loop_exhausted", "", 1, "scroll_no_movement_advance"},
    {"plans 9.4 Better: scroll_no_delta has a bound", "scroll", 0, OUTCOME_NORMAL, "scroll_no_movement", "", 2, "scroll_no_delta"},
    {"plans 9.4 Better: scroll_no_delta ends at its bound", "scroll", 0, OUTCOME_NORMAL, "scroll_no_movement", "", 3, "scroll_no_done"},
    {"plans 9.4 scroll: else by whether the view moved", "scroll", 0, OUTCOME_NORMAL, "unknown", "", 0, "scroll_no_done"},
    {"plans 9.4 navigate_back", "navigate_back", 0, OUTCOME_NORMAL, "cdp_back_no_change", "", 0, "navigate_back_recovered"},
    {"plans 9.4 paginate", "paginate", 0, OUTCOME_NORMAL, "selector_miss", "", 0, "paginate_exhausted"},
    {"plans 9.4 extract_url", "extract_url", 0, OUTCOME_NORMAL, "wrong_target", "", 0, "extract_url_failed"},
    {"plans 9.4 extract_data", "extract_data", 0, OUTCOME_NORMAL, "extractor_error", "", 0, "extract_data_failed"},
    {"plans 9.4 extract_rows like the other extractions", "extract_rows", 0, OUTCOME_NORMAL, "extractor_error", "", 0, "extract_rows_failed"},
    {"plans 9.4 any other: undo and advance", "submit", 0, OUTCOME_NORMAL, "selector_miss", "", 0, "failed"},
    {"agent-loop 9.5 no_state_change: a required submit is retried first", "submit", REQ, OUTCOME_NORMAL, "no_state_change", "", 0, "required_retry"},
    {"agent-loop 9.5 no_state_change: a required submit recovers then", "submit", REQ, OUTCOME_NORMAL, "no_state_change", "", 2, "recovery"},
    {"agent-loop 9.5 wrong_target: a required click is retried first", "click", REQ, OUTCOME_NORMAL, "wrong_target", "", 0, "required_retry"},
    {"agent-loop 9.5 wrong_target: a required click recovers then", "click", REQ, OUTCOME_NORMAL, "wrong_target", "", 2, "recovery"},
    {"agent-loop 9.5 brain_loop_exhausted: a required click is retried first", "click", REQ, OUTCOME_NORMAL, "brain_loop_exhausted", "", 0, "required_retry"},
    {"agent-loop 9.5 brain_loop_exhausted: a required click recovers then", "click", REQ, OUTCOME_NORMAL, "brain_loop_exhausted", "", 2, "recovery"},
    {"agent-loop 9.5 bad_url: a required navigate is retried first", "navigate", REQ, OUTCOME_NORMAL, "bad_url", "", 0, "required_retry"},
    {"agent-loop 9.5 bad_url: a required navigate recovers then", "navigate", REQ, OUTCOME_NORMAL, "bad_url", "", 2, "recovery"},
    {"agent-loop 9.5 navigation_drift: a required click is retried first", "click", REQ, OUTCOME_NORMAL, "navigation_drift", "", 0, "required_retry"},
    {"agent-loop 9.5 navigation_drift: a required click recovers then", "click", REQ, OUTCOME_NORMAL, "navigation_drift", "", 2, "recovery"},
    {"agent-loop 9.5 cf_challenge: a required click is retried first", "click", REQ, OUTCOME_NORMAL, "cf_challenge", "", 0, "required_retry"},
    {"agent-loop 9.5 cf_challenge: a required click recovers then", "click", REQ, OUTCOME_NORMAL, "cf_challenge", "", 2, "recovery"},
    {"agent-loop 9.5 selector_miss: a required fill_field is retried first", "fill_field", REQ, OUTCOME_NORMAL, "selector_miss", "", 0, "required_retry"},
    {"agent-loop 9.5 selector_miss: a required fill_field recovers then", "fill_field", REQ, OUTCOME_NORMAL, "selector_miss", "", 2, "recovery"},
    {"agent-loop 9.5 type_not_landed: a required fill_field is retried first", "fill_field", REQ, OUTCOME_NORMAL, "type_not_landed", "", 0, "required_retry"},
    {"agent-loop 9.5 type_not_landed: a required fill_field recovers then", "fill_field", REQ, OUTCOME_NORMAL, "type_not_landed", "", 2, "recovery"},
    {"agent-loop 9.5 extractor_error: a required extract_data is retried first", "extract_data", REQ, OUTCOME_NORMAL, "extractor_error", "", 0, "required_retry"},
    {"agent-loop 9.5 extractor_error: a required extract_data recovers then", "extract_data", REQ, OUTCOME_NORMAL, "extractor_error", "", 2, "recovery"},
    {"agent-loop 9.5 nav_timeout: a required navigate is retried first", "navigate", REQ, OUTCOME_NORMAL, "nav_timeout", "", 0, "required_retry"},
    {"agent-loop 9.5 nav_timeout: a required navigate recovers then", "navigate", REQ, OUTCOME_NORMAL, "nav_timeout", "", 2, "recovery"},
    {"agent-loop 9.5 http_4xx: a required submit is retried first", "submit", REQ, OUTCOME_NORMAL, "http_4xx", "", 0, "required_retry"},
    {"agent-loop 9.5 http_4xx: a required submit recovers then", "submit", REQ, OUTCOME_NORMAL, "http_4xx", "", 2, "recovery"},
    {"agent-loop 9.5 http_5xx: a required submit is retried first", "submit", REQ, OUTCOME_NORMAL, "http_5xx", "", 0, "required_retry"},
    {"agent-loop 9.5 http_5xx: a required submit recovers then", "submit", REQ, OUTCOME_NORMAL, "http_5xx", "", 2, "recovery"},
    {"agent-loop 9.5 selector_miss: a fill_field that is not required is undone and left", "fill_field", 0, OUTCOME_NORMAL, "selector_miss", "", 0, "failed"},
    {"agent-loop 9.5 type_not_landed: a fill_field that is not required is undone and left", "fill_field", 0, OUTCOME_NORMAL, "type_not_landed", "", 0, "failed"},
    {"agent-loop 9.5 wrong_target: a submit that is not required is undone and left", "submit", 0, OUTCOME_NORMAL, "wrong_target", "", 0, "failed"},
    {"agent-loop 9.5 no_state_change: a submit that is not required is undone and left", "submit", 0, OUTCOME_NORMAL, "no_state_change", "", 0, "failed"},
    {"agent-loop 9.5 bad_url: a navigate that is not required is navigate_failed", "navigate", 0, OUTCOME_NORMAL, "bad_url", "", 0, "navigate_failed"},
    {"agent-loop 9.5 nav_timeout: a extract_data that is not required is extract_data_failed", "extract_data", 0, OUTCOME_NORMAL, "nav_timeout", "", 0, "extract_data_failed"},
    {"agent-loop 9.5 extractor_error: a extract_rows that is not required is extract_rows_failed", "extract_rows", 0, OUTCOME_NORMAL, "extractor_error", "", 0, "extract_rows_failed"},
    {"agent-loop 9.5 http_4xx: a extract_url that is not required is extract_url_failed", "extract_url", 0, OUTCOME_NORMAL, "http_4xx", "", 0, "extract_url_failed"},
    {"agent-loop 9.5 http_5xx: a submit that is not required is undone and left", "submit", 0, OUTCOME_NORMAL, "http_5xx", "", 0, "failed"},
    {"agent-loop 9.5 brain_loop_exhausted: a navigate_back that is not required is navigate_back_recovered", "navigate_back", 0, OUTCOME_NORMAL, "brain_loop_exhausted", "", 0, "navigate_back_recovered"},
    {"agent-loop 9.5 navigation_drift: a click that is not required is click_failed", "click", 0, OUTCOME_NORMAL, "navigation_drift", "", 0, "click_failed"},
    {"plans 9.4 any other: also types that nobody knows", "dance", 0, OUTCOME_NORMAL, "unknown", "", 0, "failed"},
    /* clang-format on */
};

static void a_failure_meets_its_rule(void **state)
{
    const struct rule_case *c = *state;
    struct run run = {.progress = {.retries = c->retries}};
    struct step step = {
        .type = c->type, .required = c->flags & REQ, .gate = (c->flags & GATE) != 0};
    struct step_result result = {.data = c->data,
                                 .failure_class = c->class,
                                 .skip = (c->flags & SKIP) != 0,
                                 .outcome = c->outcome};
    run.step = &step;
    assert_string_equal(rules_match(&run, &result), c->rule);
}

/* --- what they do ---------------------------------------------------------------------------- */

/* The server is busy for the first web->late_after loads. */
static void busy_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Desk";
    out->status = web->loads <= web->late_after ? 503 : 200;
    fake_add(out, "", "p", "Text", "");
}

static void a_busy_server_is_given_time(void **state)
{
    static const struct {
        int busy;
        const char *status, *halt;
    } cases[] = {{1, "completed", ""}, {9, "halted", "navigate_failed"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        rig_init(&rig, busy_page,
                 "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/a'}}]");
        rig.web.late_after = cases[i].busy;
        int64_t start = clock_mono_ms();
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, cases[i].status);
        assert_string_equal(rig.end.halt_reason, cases[i].halt);
        assert_true(clock_mono_ms() - start >= (i ? 7000 : 1000));
        assert_int_equal(rig_n_events(&rig, "retry"), i ? 3 : 1);
        assert_string_equal(json_str(rig_result(&rig, 0), "failure_class", ""),
                            i ? "http_5xx" : "");
        rig_release(&rig);
    }
}

static void stop_it(void *arg)
{
    run_stop(arg, RUN_STOP_CANCEL);
}

static void the_time_that_a_server_is_given_ends_at_a_cancel(void **state)
{
    struct rig rig;
    struct loop_timer timer = {0};
    rig_init(&rig, busy_page, "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/a'}}]");
    rig.web.late_after = 9;
    loop_timer_set(rig.loop, &timer, 300, stop_it, &rig.run);
    int64_t start = clock_mono_ms();
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "cancelled");
    assert_true(clock_mono_ms() - start < 1000);
    loop_timer_clear(&timer);
    rig_release(&rig);
}

/* web->late_after: the status of every page; web->flag: there is a form on it. */
static void status_page(struct fake_web *web, struct pool *pool, const char *url,
                        struct fake_page *out)
{
    out->title = "Desk";
    out->status = web->late_after;
    if (web->flag)
        fake_add(out, "input", "input", "Name", "");
    fake_add(out, "", "p", "Text", "");
}

static void a_page_is_judged_by_its_real_status(void **state)
{
    static const struct {
        int status;
        bool form;
        const char *class, *data;
        int retries;
    } cases[] = {
        {200, false, "", "navigate:" SITE "/a", 0},
        {404, false, "bad_url", "bad_url:not_found", 0},
        {410, false, "bad_url", "bad_url:not_found", 0},
        {401, false, "http_4xx", "http_4xx: the server answered 401", 0},
        {403, false, "http_4xx", "http_4xx: the server answered 403", 0},
        {401, true, "", "navigate:" SITE "/a", 0}, /* a sign-in that says what it is */
        {0, false, "", "navigate:" SITE "/a", 0},  /* the plane does not know */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        rig_init(&rig, status_page,
                 "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/a'}}]");
        rig.web.late_after = cases[i].status;
        rig.web.flag = cases[i].form;
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 0), cases[i].data);
        assert_string_equal(json_str(rig_result(&rig, 0), "failure_class", ""), cases[i].class);
        assert_int_equal(rig_n_events(&rig, "retry"), cases[i].retries);
        rig_release(&rig);
    }
}

static void every_step_type_has_its_way_back(void **state)
{
    static const struct {
        const char *type, *reverse, *key; /* NULL: none */
    } cases[] = {
        {"click", "", "Escape"},
        {"submit", "", "Escape"},
        {"scroll", "", "Home"},
        {"filter", "", NULL},
        {"fill_field", "", NULL},
        {"fill_field", "Press ESCAPE twice", "Escape"},
        {"click", "go back with Alt+Left", "alt+Left"},
        {"click", "close the tab", "Escape"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = {.type = cases[i].type, .reverse = cases[i].reverse};
        const char *key = undo_key(&step);
        assert_string_equal(key ? key : "(none)", cases[i].key ? cases[i].key : "(none)");
    }
}

static const json_t *last_event(const struct rig *rig, const char *kind)
{
    for (size_t i = json_array_size(rig->events); i > 0; i--)
        if (!strcmp(json_str(json_array_get(rig->events, i - 1), "kind", ""), kind))
            return json_array_get(rig->events, i - 1);
    fail_msg("no event '%s'", kind);
    return NULL;
}

#define GATE_PLAN(hints)                                                                           \
    "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "/a'}},"           \
    "{'type':'extract_data','gate':true,'intent':'Is \\'Text\\' "                                  \
    "shown?','section':'extraction','hints':{" hints "}},"                                         \
    "{'type':'wait','intent':'w','section':'extraction','params':{'seconds':0}},"                  \
    "{'type':'wait','intent':'w','section':'after','params':{'seconds':0}}]"

static void a_gate_tells_its_answer_and_shows_that_it_failed(void **state)
{
    static const struct {
        const char *plan, *data;
        bool pass;
    } cases[] = {
        {GATE_PLAN("'expect_url_contains':'/a'"), "gate:PASS:url_shortcircuit:/a", true},
        {GATE_PLAN("'expect_url_contains':['desk','/a']"), "gate:PASS:url_shortcircuit:desk,/a",
         true},
        {GATE_PLAN("'expect_url_excludes':'/a'"), "gate:FAIL:the URL contains '/a'", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        rig_init(&rig, status_page, cases[i].plan);
        rig.web.late_after = 200;
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 1), cases[i].data);
        const json_t *detail = json_object_get(last_event(&rig, "gate"), "detail");
        assert_int_equal(json_flag(detail, "pass", !cases[i].pass), cases[i].pass);
        assert_int_equal(rig_n_results(&rig), cases[i].pass ? 4 : 3);
        assert_string_equal(json_str(rig_result(&rig, 1), "failure_subclass", ""),
                            cases[i].pass ? "" : "gate_failed");
        assert_int_equal(rig_n_events(&rig, "gate_failed"), !cases[i].pass);
        rig_release(&rig);
    }
}

static void a_result_carries_its_verdict(void **state)
{
    struct rig rig;
    rig_init(&rig, status_page, "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/a'}}]");
    rig.web.late_after = 403;
    rig_run(&rig, NULL);
    const json_t *r = rig_result(&rig, 0);
    assert_string_equal(json_str(json_object_get(r, "verdict"), "verdict", ""), "non_recoverable");
    assert_string_equal(json_str(r, "recovery_decision", ""), "terminate");
    assert_string_equal(json_str(r, "reversibility", ""), "reversible");
    rig_release(&rig);
}

#define N_RULES ARRAY_SIZE(rule_cases)

int main(void)
{
    static const struct CMUnitTest single[] = {
        row_test(
            "agent-loop 10 a 5xx page is no content: the navigate is tried again, later each time",
            a_busy_server_is_given_time),
        row_test("plans 9.4 Better: what a retry waits for ends at a cancel",
                 the_time_that_a_server_is_given_ends_at_a_cancel),
        row_test("agent-loop 10 Better: the real HTTP status of a page that was opened",
                 a_page_is_judged_by_its_real_status),
        row_test("plans 9.4 undo per type, and by the words escape and alt+left of reverse",
                 every_step_type_has_its_way_back),
        row_test("plans 9.3 a gate tells its answer; failed, it is visible as gate_failed",
                 a_gate_tells_its_answer_and_shows_that_it_failed),
        row_test("agent-loop 10 a step's result carries verdict, decision and reversibility",
                 a_result_carries_its_verdict),
    };
    struct CMUnitTest tests[N_RULES + ARRAY_SIZE(single)];
    for (size_t i = 0; i < N_RULES; i++)
        tests[i] = (struct CMUnitTest){rule_cases[i].row, a_failure_meets_its_rule, NULL, NULL,
                                       (void *)&rule_cases[i]};
    memcpy(tests + N_RULES, single, sizeof(single));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
