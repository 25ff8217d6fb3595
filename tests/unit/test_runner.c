#include "unit/test.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/result.h"
#include "run/allow.h"
#include "run/models.h"
#include "run/rules.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

static const char *value(const struct rig *rig, size_t row, const char *key)
{
    return json_str(json_object_get(json_array_get(rig_rows(rig), row), "values"), key, "");
}

static void three_boats(const struct rig *rig)
{
    static const char *const names[] = {"Alder", "Birch", "Cedar"};
    assert_string_equal(rig->end.status, "completed");
    assert_int_equal(json_array_size(rig_rows(rig)), 3);
    assert_int_equal(json_array_size(json_object_get(rig->final, "extracted_leads")), 3);
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(value(rig, i, "make"), names[i]);
        assert_string_equal(value(rig, i, "year"), "2014");
        assert_string_equal(value(rig, i, "phone"), "(207) 555-0134");
        assert_true(str_ends(value(rig, i, "url"), names[i]));
    }
    assert_false(result_any_step_failed(rig->final));
}

static void the_example_plan_gives_three_rows(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig_run(&rig, NULL);
    three_boats(&rig);
    assert_string_equal(rig_data(&rig, 1), "gate:PASS:'Boats for sale' is there");
    assert_string_equal(rig_data(&rig, 3), "URL:http://boats.test/boats/Alder");
    assert_string_equal(rig_data(&rig, 4), "VIABLE | Year: 2014 | Make: Alder | Phone: (207) "
                                           "555-0134 | Url: http://boats.test/boats/Alder");
    assert_string_equal(rig_data(&rig, 5), "back_via_cdp:http://boats.test/boats/");
    assert_int_equal(rig_n_results(&rig), 2 + 3 * 4);
    assert_int_equal(rig_n_events(&rig, "step_start"), rig_n_events(&rig, "step_end"));
    assert_int_equal(rig.n_checkpoints, 2 + 3 * 5);
    assert_int_equal(json_int(rig.final, "step_index", 0), rig.plan->n_steps);
    rig_release(&rig);
}

static void a_run_resumed_at_any_checkpoint_gives_the_same_rows_once(void **state)
{
    struct rig first;
    rig_init(&first, boats_page, boats_plan);
    rig_run(&first, NULL);
    for (int i = 0; i < first.n_checkpoints; i++) {
        struct rig rig;
        rig_init(&rig, boats_page, boats_plan);
        rig_run(&rig, first.checkpoints[i]);
        three_boats(&rig);
        assert_int_equal(rig_n_results(&rig), rig_n_results(&first));
        rig_release(&rig);
    }
    rig_release(&first);
}

static void a_plane_that_dies_at_any_call_costs_an_attempt_and_no_row(void **state)
{
    struct rig rig;
    int total;
    rig_init(&rig, boats_page, boats_plan);
    rig_run(&rig, NULL);
    total = rig.web.calls;
    rig_release(&rig);
    assert_true(total > 30);
    for (int at = 1; at <= total; at++) {
        rig_init(&rig, boats_page, boats_plan);
        rig.web.die_at_call = at;
        rig_run(&rig, NULL);
        if (strcmp(rig.end.status, "completed")) { /* else it died when all was done */
            assert_string_equal(rig.end.status, "lost");
            assert_string_equal(rig.end.halt_class, "plane_gone");
        }
        json_t *last =
            rig.n_checkpoints ? json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]) : NULL;
        fake_web_release(&rig.web);
        fake_web_init(&rig.web, rig.loop, boats_page);
        rig_run(&rig, last);
        three_boats(&rig);
        json_decref(last);
        rig_release(&rig);
    }
}

static void cancel_now(void *arg)
{
    run_stop(&((struct rig *)arg)->run, RUN_STOP_CANCEL);
}

static void a_cancel_at_any_call_ends_the_run_with_what_it_has(void **state)
{
    struct rig rig;
    for (int at = 1; at <= 60; at++) {
        rig_init(&rig, boats_page, boats_plan);
        rig.web.stop_at_call = at;
        rig.web.on_stop = cancel_now;
        rig.web.on_stop_arg = &rig;
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, "cancelled");
        assert_string_equal(json_str(rig.final, "status", ""), "cancelled");
        /* whole steps only */
        const json_t *results = json_object_get(rig.final, "step_results");
        const json_t *saved =
            rig.n_checkpoints
                ? json_object_get(rig.checkpoints[rig.n_checkpoints - 1], "step_results")
                : NULL;
        assert_int_equal(json_array_size(results), json_array_size(saved));
        rig_release(&rig);
    }
}

struct later {
    struct loop_timer timer;
    struct rig *rig;
    enum run_stop why;
};

static void stop_later(void *arg)
{
    struct later *l = arg;
    run_stop(&l->rig->run, l->why);
}

static void a_cancel_ends_a_wait_at_once(void **state)
{
    struct rig rig;
    struct later later = {.rig = &rig, .why = RUN_STOP_CANCEL};
    rig_init(&rig, boats_page, "[{'type':'wait','intent':'Wait','params':{'seconds':500}}]");
    loop_timer_set(rig.loop, &later.timer, 20, stop_later, &later);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "cancelled");
    assert_string_equal(rig.end.halt_reason, "cancel_event");
    assert_int_equal(rig_n_results(&rig), 0);
    rig_release(&rig);
}

static void a_drained_run_is_lost_without_its_half_step(void **state)
{
    struct rig rig;
    struct later later = {.rig = &rig, .why = RUN_STOP_DRAIN};
    rig_init(&rig, boats_page,
             "[{'type':'navigate','intent':'x','params':{'url':'http://boats.test/boats/'}},"
             "{'type':'wait','intent':'Wait','params':{'seconds':500}}]");
    loop_timer_set(rig.loop, &later.timer, 20, stop_later, &later);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "lost");
    assert_string_equal(rig.end.halt_reason, "drain");
    assert_int_equal(rig.n_checkpoints, 1);
    assert_int_equal(json_int(rig.final, "step_index", -1), 1);
    rig_release(&rig);
}

static void the_time_cap_counts_over_attempts_and_keeps_rows(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig_run(&rig, NULL);
    json_t *middle = json_deep_copy(rig.checkpoints[8]);
    json_put_num(middle, "elapsed_s", 601);
    rig_run(&rig, middle);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "time_cap");
    assert_int_equal(json_array_size(rig_rows(&rig)), 1);
    assert_true(json_num(rig.final, "elapsed_s", 0) >= 601);
    json_decref(middle);
    rig_release(&rig);
}

static void the_time_cap_ends_a_step_that_is_under_way(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'wait','intent':'a','params':{'seconds':0}},"
             "{'type':'wait','intent':'b','params':{'seconds':500}}]");
    rig_run(&rig,
            NULL == rig.final
                ? json_keep(rig.pool, json_pack("{s:i,s:s,s:i,s:f}", "version", 2, "plan_signature",
                                                "sig", "step_index", 1, "elapsed_s", 599.98))
                : NULL);
    assert_string_equal(rig.end.halt_reason, "time_cap");
    assert_int_equal(rig_n_results(&rig), 0);
    rig_release(&rig);
}

static void the_cost_cap_ends_the_run(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, "[{'type':'wait','intent':'a','params':{'seconds':0}}]");
    rig.config.max_cost = 2;
    rig_run(&rig, json_keep(rig.pool, json_pack("{s:i,s:s,s:{s:f}}", "version", 2, "plan_signature",
                                                "sig", "costs", "total", 2.5)));
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "budget_cap");
    rig_release(&rig);
}

static void a_checkpoint_of_another_plan_starts_fresh(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig_run(&rig, json_keep(rig.pool, json_pack("{s:i,s:s,s:i}", "version", 2, "plan_signature",
                                                "other", "step_index", 6)));
    three_boats(&rig);
    assert_int_equal(json_array_size(json_object_get(rig.final, "warnings")), 1);
    rig_release(&rig);
}

/* --- loops ----------------------------------------------------------------------------------- */

static void loops_nest_and_start_anew(void **state)
{
    struct rig rig;
    rig_init(
        &rig, boats_page,
        "[{'type':'wait','intent':'a','section':'extraction','params':{'seconds':0}},"
        "{'type':'loop','intent':'inner','section':'extraction','loop_target':0,'loop_count':3},"
        "{'type':'wait','intent':'b','section':'pagination','params':{'seconds':0}},"
        "{'type':'loop','intent':'outer','section':'pagination','loop_target':0,'loop_count':2}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig_n_results(&rig), 2 * (3 + 1));
    rig_release(&rig);
}

static void a_loop_without_target_repeats_its_section(void **state)
{
    struct rig rig;
    rig_init(
        &rig, boats_page,
        "[{'type':'wait','intent':'a','section':'setup','params':{'seconds':0}},"
        "{'type':'wait','intent':'b','section':'extraction','params':{'seconds':0}},"
        "{'type':'loop','intent':'c','section':'extraction','loop_target':-1,'loop_count':4}]");
    rig_run(&rig, NULL);
    assert_int_equal(rig_n_results(&rig), 1 + 4);
    rig_release(&rig);
}

static void a_loop_stops_on_its_variable(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'wait','intent':'b','section':'extraction','params':{'seconds':0}},"
             "{'type':'loop','intent':'c','section':'extraction','loop_target':0,'loop_count':4,'"
             "stop_var':'enough'}]");
    rig_run(&rig,
            json_keep(rig.pool, json_pack("{s:i,s:s,s:i,s:{s:b}}", "version", 2, "plan_signature",
                                          "sig", "step_index", 0, "state_vars", "enough", 1)));
    assert_int_equal(rig_n_results(&rig), 1);
    rig_release(&rig);
}

static const char paging_plan[] =
    "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://boats.test/boats/"
    "'}},"
    "{'type':'click','intent':'Open','section':'extraction','hints':{'layout':'listings'}},"
    "{'type':'extract_url','intent':'url','section':'extraction'},"
    "{'type':'navigate_back','intent':'back','section':'extraction'},"
    "{'type':'loop','intent':'again','section':'extraction','loop_target':1,'loop_count':30},"
    "{'type':'paginate','intent':'Next page','section':'pagination'},"
    "{'type':'loop','intent':'pages','section':'pagination','loop_target':1,'loop_count':5}]";

static void paging_goes_through_all_pages_and_skips_ads_and_dead_cards(void **state)
{
    static const char *const names[] = {"Alder", "Birch", "Cedar", "Dogwood",
                                        "Elm",   "Fir",   "Hazel"};
    struct rig rig;
    rig_init(&rig, boats_page, paging_plan);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    const json_t *seen = json_object_get(rig.final, "seen_urls");
    assert_int_equal(json_array_size(seen), 7);
    for (size_t i = 0; i < 7; i++)
        assert_true(str_ends(json_string_value(json_array_get(seen, i)), names[i]));
    assert_int_equal(rig_n_events(&rig, "card_skipped"), 1);
    const json_t *report = json_object_get(rig.final, "dynamic_coverage");
    assert_int_equal(json_int(json_object_get(report, "totals"), "pages_seen", 0), 2);
    assert_int_equal(json_int(json_object_get(report, "totals"), "found_items", 0), 8);
    assert_int_equal(json_int(json_object_get(report, "totals"), "failed_items", 0), 1);
    rig_release(&rig);
}

static void paging_resumes_at_every_checkpoint(void **state)
{
    struct rig first;
    rig_init(&first, boats_page, paging_plan);
    rig_run(&first, NULL);
    for (int i = 0; i < first.n_checkpoints; i++) {
        struct rig rig;
        rig_init(&rig, boats_page, paging_plan);
        rig_run(&rig, first.checkpoints[i]);
        assert_true(json_equal(json_object_get(first.final, "seen_urls"),
                               json_object_get(rig.final, "seen_urls")));
        rig_release(&rig);
    }
    rig_release(&first);
}

static void an_exhausted_page_without_paging_leaves_the_loop(void **state)
{
    struct rig rig;
    rig_init(
        &rig, boats_page,
        "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://boats.test/"
        "boats/'}},"
        "{'type':'click','intent':'Open','section':'extraction','hints':{'layout':'listings'}},"
        "{'type':'navigate_back','intent':'back','section':'extraction'},"
        "{'type':'loop','intent':'again','section':'extraction','loop_target':1,'loop_count':30},"
        "{'type':'wait','intent':'after','params':{'seconds':0}}]");
    rig_run(&rig, NULL);
    assert_int_equal(rig_n_results(&rig), 1 + 4 * 2 + 1 + 1);
    assert_string_equal(rig_data(&rig, -2), "page_exhausted");
    assert_string_equal(rig_data(&rig, -1), "wait:0");
    rig_release(&rig);
}

/* --- the halt table -------------------------------------------------------------------------- */

static void a_required_step_is_tried_three_times_and_halts_the_run(void **state)
{
    struct rig rig;
    rig_init(
        &rig, boats_page,
        "[{'type':'navigate','intent':'x','params':{'url':'http://boats.test/boats/'}},"
        "{'type':'submit','intent':'Send','required':true,'params':{'label':'No such button'}},"
        "{'type':'wait','intent':'never','params':{'seconds':0}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(rig_n_events(&rig, "retry"), 2 + 1 + 2); /* 1: the page was loaded again */
    assert_int_equal(rig_n_results(&rig), 2);
    assert_string_equal(rig_data(&rig, 1), "form_target_not_found");
    assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), "selector_miss");
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), 3);
    rig_release(&rig);
}

static void a_failed_gate_leaves_out_the_rest_of_its_section(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://"
             "boats.test/boats/'}},"
             "{'type':'extract_data','gate':true,'intent':'c','verify':'\\'Cars\\' is "
             "shown','section':'extraction'},"
             "{'type':'wait','intent':'a','section':'extraction','params':{'seconds':0}},"
             "{'type':'loop','intent':'l','section':'extraction','loop_target':2,'loop_count':9},"
             "{'type':'wait','intent':'b','section':'end','params':{'seconds':1e-9}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_true(result_any_step_failed(rig.final));
    assert_int_equal(rig_n_results(&rig), 3);
    assert_string_equal(rig_data(&rig, 1), "gate:FAIL:'Cars' is not there");
    assert_string_equal(rig_data(&rig, 2), "wait:1e-09");
    rig_release(&rig);
}

static void a_required_gate_that_fails_halts_the_run(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'navigate','intent':'x','params':{'url':'http://boats.test/boats/'}},"
             "{'type':'extract_data','gate':true,'required':true,'intent':'c','verify':'\\'Cars\\' "
             "is shown'}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.halt_reason, "required_failed:extract_data");
    rig_release(&rig);
}

static void a_guarded_step_is_skipped_and_is_no_failure(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'wait','intent':'x','guard':'banner','params':{'seconds':500}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(rig_data(&rig, 0), "guard:banner=False:skipped");
    assert_string_equal(json_str(rig_result(&rig, 0), "skip_reason", ""), "guard_banner_false");
    assert_false(result_any_step_failed(rig.final));
    rig_release(&rig);
}

static void a_guard_holds_for_loops_and_branches_too(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'wait','intent':'one','params':{'seconds':0}},"
             "{'type':'loop','intent':'x','loop_target':0,'loop_count':5,'guard':'v'},"
             "{'type':'if_else','intent':'x','condition_var':'v','then_target':0,'else_target':0,'guard':'v'},"
             "{'type':'wait','intent':'two','params':{'seconds':0}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig_n_results(&rig), 4);
    assert_string_equal(rig_data(&rig, 1), "guard:v=False:skipped");
    assert_string_equal(rig_data(&rig, 2), "guard:v=False:skipped");
    assert_false(result_any_step_failed(rig.final));
    rig_release(&rig);
}

static void if_else_jumps_by_its_variable(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'if_else','intent':'x','condition_var':'v','then_target':2,'else_target':3},"
             "{'type':'wait','intent':'one','params':{'seconds':500}},"
             "{'type':'wait','intent':'two','params':{'seconds':500}},"
             "{'type':'wait','intent':'three','params':{'seconds':0}}]");
    rig_run(&rig, NULL);
    assert_int_equal(rig_n_results(&rig), 2);
    assert_string_equal(rig_data(&rig, 0), "if_else:v=False:branch=else:target=3");
    rig_release(&rig);
}

static void a_blocked_list_is_retried_reloaded_once_and_halts(void **state)
{
    struct rig rig;
    rig_init(
        &rig, boats_page,
        "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://boats.test/"
        "boats/'}},"
        "{'type':'click','intent':'Open','section':'extraction','hints':{'layout':'listings'}}]");
    fake_list_status = LIST_BLOCKED;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.halt_reason, "page_blocked");
    assert_int_equal(rig_n_events(&rig, "retry"), 3);
    assert_int_equal(rig.web.loads, 2);
    rig_release(&rig);
}

static void a_duplicate_goes_back_and_on_with_the_loop(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page,
             "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://"
             "boats.test/boats/'}},"
             "{'type':'click','intent':'Open','section':'extraction','hints':{'layout':'single'},'"
             "params':{'label':'Alder'}},"
             "{'type':'extract_url','intent':'u','section':'extraction'},"
             "{'type':'wait','intent':'work','section':'extraction','params':{'seconds':0}},"
             "{'type':'navigate_back','intent':'b','section':'extraction'},"
             "{'type':'loop','intent':'l','section':'extraction','loop_target':1,'loop_count':2}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(rig_data(&rig, -1), "DUPLICATE|http://boats.test/boats/Alder");
    assert_int_equal(rig_n_results(&rig), 1 + 4 + 2);
    rig_release(&rig);
}

static void a_plan_without_steps_is_complete(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, "[]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    rig_release(&rig);
}

static void screenshots_that_cannot_be_kept_do_not_end_the_run(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig.config.screenshot_dir = "/dev/null/nowhere";
    rig_run(&rig, NULL);
    three_boats(&rig);
    assert_int_equal(rig_n_events(&rig, "screenshot_failed"), 1);
    rig_release(&rig);
}

static const char *const boats_only[] = {"boats.test", "*.boats.test", NULL};
static const char *const elsewhere[] = {"other.test", NULL};

static void only_web_addresses_of_listed_hosts_and_the_browsers_own_pages_are_allowed(void **state)
{
    static const struct {
        const char *url;
        bool ok;
    } cases[] = {
        {"", true},
        {"about:blank", true},
        {"chrome-error://chromewebdata/", true},
        {"http://boats.test/x", true},
        {"https://boats.test:8443/x?u=http://other.test/", true},
        {"http://a.boats.test./", true},
        {"http://me:secret@boats.test/", true},
        {"http://boats.test@other.test/", false},
        {"http://other.test/boats.test/", false},
        {"http://other.test#@boats.test/", false},
        {"http://notboats.test/", false},
        {"file:///etc/passwd", false},
        {"data:text/html,boats.test", false},
        {"ftp://boats.test/", false},
        {"chrome://settings/", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (allow_url(boats_only, cases[i].url) != cases[i].ok)
            fail_msg("'%s' should%s be allowed", cases[i].url, cases[i].ok ? "" : " not");
    assert_true(allow_url(NULL, "file:///etc/passwd"));
}

static void a_run_inside_its_allowlist_is_not_disturbed(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig.config.allowed_domains = boats_only;
    rig_run(&rig, NULL);
    three_boats(&rig);
    rig_release(&rig);
}

static void a_run_that_leaves_its_allowlist_stops_there(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    rig.config.allowed_domains = elsewhere;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "off_allowlist");
    assert_string_equal(rig.end.halt_class, "off_allowlist");
    assert_int_equal(rig_n_results(&rig), 1);
    assert_non_null(strstr(rig_data(&rig, 0), "boats.test"));
    assert_string_equal(json_str(rig_result(&rig, 0), "failure_class", ""), "off_allowlist");
    rig_release(&rig);
}

static void a_run_resumed_outside_its_allowlist_does_no_step(void **state)
{
    struct rig first, rig;
    rig_init(&first, boats_page, boats_plan);
    rig_run(&first, NULL);
    rig_init(&rig, boats_page, boats_plan);
    rig.config.allowed_domains = elsewhere;
    rig_run(&rig, first.checkpoints[2]);
    assert_string_equal(rig.end.halt_reason, "off_allowlist");
    assert_int_equal(json_array_size(rig_rows(&rig)), 0);
    rig_release(&rig);
    rig_release(&first);
}

static void what_was_paid_for_the_plan_counts_once(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, "[{'type':'wait','intent':'w','params':{'seconds':0}}]");
    rig.config.spent = json_of(rig.pool, "{'decompose::claude-opus-4-7':{'calls':1,'input_tokens':1000,"
                                         "'output_tokens':200,'cost_usd':0.03}}");
    rig_run(&rig, NULL);
    const double paid = (1000 * 15 + 200 * 75) / 1e6;
    assert_float_equal(json_num(json_object_get(rig.final, "costs"), "claude", 0), paid, 1e-9);
    json_t *early = json_deep_copy(rig.checkpoints[0]);
    rig_run(&rig, early); /* a later attempt of the same run */
    assert_float_equal(json_num(json_object_get(rig.final, "costs"), "claude", 0), paid, 1e-9);
    json_put_str(early, "run_key", "r0"); /* of another run: resume_state */
    rig_run(&rig, early);
    assert_float_equal(json_num(json_object_get(rig.final, "costs"), "claude", 0), 2 * paid, 1e-9);
    json_decref(early);
    rig_release(&rig);
}

static struct {
    struct rig *rig;
    int times;
    void (*event)(void *arg, const json_t *event);
} missed;

/* In the first step a question is not answered. */
static void miss_an_answer(void *arg, const json_t *event)
{
    const struct model_link *link;
    struct rig *r = missed.rig;
    struct err err = {0};
    if (!strcmp(json_str(event, "kind", ""), "step_start") && !missed.times++ &&
        !models_link(r->config.models, "holo3", &link, &err))
        link->trouble(link->trouble_arg, "no answer", 1, false);
    missed.event(arg, event);
}

/* Told once the step is done without it, and of that step only. */
static void a_step_that_is_done_without_an_answer_is_healing(void **state)
{
    struct rig rig;
    rig_init(&rig, boats_page, boats_plan);
    json_t *message = json_keep(rig.pool, json_pack("{s:s}", "socket", "/nowhere"));
    rig.config.models = models_open(rig.pool, rig.loop, message);
    missed.rig = &rig;
    missed.times = 0;
    missed.event = rig.host.event;
    rig.host.event = miss_an_answer;
    rig_run(&rig, NULL);
    const json_t *healing = json_object_get(rig.final, "healing_events");
    assert_int_equal(json_array_size(healing), 1);
    assert_string_equal(json_str(json_array_get(healing, 0), "kind", ""), "did_without");
    assert_int_equal(json_int(json_array_get(healing, 0), "step_index", -1), 0);
    rig_release(&rig);
}

static void a_model_that_answered_after_all_is_healing(void **state)
{
    struct rig rig;
    struct err err = {0};
    const struct model_link *link;
    rig_init(&rig, boats_page, boats_plan);
    json_t *message = json_keep(rig.pool, json_pack("{s:s}", "socket", "/nowhere"));
    rig.config.models = models_open(rig.pool, rig.loop, message);
    run_init(&rig.run, &rig.config, rig.loop, &rig.web.plane, fake_reader(), NULL, &rig.host);
    assert_int_equal(models_link(rig.config.models, "holo3", &link, &err), 0);
    link->trouble(link->trouble_arg, "429 too many; no answer", 3, true);
    const json_t *heal = json_array_get(rig.run.progress.healing, 0);
    assert_string_equal(json_str(heal, "kind", ""), "model_retry");
    assert_string_equal(json_str(heal, "model", ""), "holo3");
    assert_string_equal(json_str(heal, "reason", ""), "429 too many; no answer");
    assert_int_equal(json_int(heal, "calls", 0), 3);
    assert_int_equal(rig_n_events(&rig, "model_retry"), 1);
    assert_null(rig.run.silent);
    link->trouble(link->trouble_arg, "502", 1, false);
    assert_int_equal(json_array_size(rig.run.progress.healing), 1);
    assert_int_equal(rig_n_events(&rig, "model_silent"), 1);
    assert_string_equal(json_str(rig.run.silent, "reason", ""), "502");
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_web_addresses_of_listed_hosts_and_the_browsers_own_pages_are_allowed),
        cmocka_unit_test(a_run_inside_its_allowlist_is_not_disturbed),
        row_test("plans 6 Better: the live URL is held against the allowlist at every step",
                 a_run_that_leaves_its_allowlist_stops_there),
        cmocka_unit_test(a_run_resumed_outside_its_allowlist_does_no_step),
        cmocka_unit_test(the_example_plan_gives_three_rows),
        row_test("agent-loop 13 a run resumed at any checkpoint gives the same rows once",
                 a_run_resumed_at_any_checkpoint_gives_the_same_rows_once),
        cmocka_unit_test(a_plane_that_dies_at_any_call_costs_an_attempt_and_no_row),
        row_test("plans 9.4 a cancel ends the run as cancelled, with what it has",
                 a_cancel_at_any_call_ends_the_run_with_what_it_has),
        row_test("agent-loop 12 a cancel at any call ends the run with what it has",
                 a_cancel_at_any_call_ends_the_run_with_what_it_has),
        row_test("plans 8.11 wait ends at once at a cancel", a_cancel_ends_a_wait_at_once),
        row_test("agent-loop 12 Better: a cancel ends a wait at once",
                 a_cancel_ends_a_wait_at_once),
        cmocka_unit_test(a_drained_run_is_lost_without_its_half_step),
        row_test("plans 9.4 elapsed at max_time ends the run as time_cap, over all attempts",
                 the_time_cap_counts_over_attempts_and_keeps_rows),
        row_test("plans 9.4 Better: the time cap ends a step that is under way",
                 the_time_cap_ends_a_step_that_is_under_way),
        row_test("plans 9.4 cost at max_cost ends the run as budget_cap",
                 the_cost_cap_ends_the_run),
        row_test("agent-loop 13 a checkpoint of another signature: start fresh, with a warning",
                 a_checkpoint_of_another_plan_starts_fresh),
        cmocka_unit_test(loops_nest_and_start_anew),
        cmocka_unit_test(a_loop_without_target_repeats_its_section),
        cmocka_unit_test(a_loop_stops_on_its_variable),
        row_test("plans 9.4 page_exhausted goes to the next paginate step",
                 paging_goes_through_all_pages_and_skips_ads_and_dead_cards),
        cmocka_unit_test(paging_resumes_at_every_checkpoint),
        row_test("plans 9.4 page_exhausted without a paginate step leaves the loop",
                 an_exhausted_page_without_paging_leaves_the_loop),
        cmocka_unit_test(a_required_step_is_tried_three_times_and_halts_the_run),
        cmocka_unit_test(a_failed_gate_leaves_out_the_rest_of_its_section),
        row_test("plans 9.4 a required gate that fails halts the run",
                 a_required_gate_that_fails_halts_the_run),
        cmocka_unit_test(a_guarded_step_is_skipped_and_is_no_failure),
        cmocka_unit_test(a_guard_holds_for_loops_and_branches_too),
        cmocka_unit_test(if_else_jumps_by_its_variable),
        row_test("plans 9.4 page_blocked is tried twice more, reloaded once, and halts",
                 a_blocked_list_is_retried_reloaded_once_and_halts),
        row_test("plans 9.1 a duplicate returns to the results and goes on with the loop",
                 a_duplicate_goes_back_and_on_with_the_loop),
        cmocka_unit_test(a_plan_without_steps_is_complete),
        cmocka_unit_test(screenshots_that_cannot_be_kept_do_not_end_the_run),
        row_test("agent-loop 17 what was paid for the plan is the run's, once",
                 what_was_paid_for_the_plan_counts_once),
        row_test("agent-loop 9.6 a model that answered after all is healing, and an event",
                 a_model_that_answered_after_all_is_healing),
        row_test("agent-loop 9.6 a step that is done without an answer is healing",
                 a_step_that_is_done_without_an_answer_is_healing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
