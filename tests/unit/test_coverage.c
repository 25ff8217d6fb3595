/* Did the run go through every listing it saw, and what did it cost? (agent-loop.md 16 and 17) */
#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "core/cost.h"
#include "run/coverage.h"
#include "unit/fixtures.h"

/* What happened to the page: f found, a attempted, o opened, c completed, x failed, each of card 1
 * or 2; E exhausted, P paginated, T filters there, N filters missing. */
static const struct {
    const char *row, *story, *status;
    bool listings;
    const char *verdict, *failing; /* a check of page 1; "" none */
} cases[] = {
    {"agent-loop 16 a plan without listings is not_applicable", "", "completed", false,
     "not_applicable", ""},
    {"agent-loop 16 no page fails pages_discovered", "", "completed", true, "fail",
     "pages_discovered"},
    {"agent-loop 16 all cards gone through and the page exhausted is a pass", "T f1 a1 o1 c1 E",
     "completed", true, "pass", ""},
    {"agent-loop 16 filters that are missing fail required_filters_present", "N f1 a1 o1 c1 E",
     "completed", true, "fail", "required_filters_present"},
    {"agent-loop 16 a card that was not tried fails found_items_attempted", "f1 f2 a1 o1 c1 E",
     "completed", true, "fail", "found_items_attempted"},
    {"agent-loop 16 a card that did not open fails attempted_items_opened", "f1 a1 c1 E",
     "completed", true, "fail", "attempted_items_opened"},
    {"agent-loop 16 a card that was not read fails attempted_items_completed", "f1 a1 o1 E",
     "completed", true, "fail", "attempted_items_completed"},
    {"agent-loop 16 a card that failed fails completed_without_item_failures", "f1 a1 o1 c1 x1 E",
     "completed", true, "fail", "completed_without_item_failures"},
    {"agent-loop 16 going on before the page is exhausted fails", "f1 f2 a1 o1 c1 P", "completed",
     true, "fail", "page_exhausted_before_pagination"},
    {"agent-loop 16 a page that just stops fails has_terminal_state", "f1 f2 a1 o1 c1", "completed",
     true, "fail", "has_terminal_state"},
    {"agent-loop 16 a running run echoes its state", "f1", "running", true, "running", ""},
};

static void tell(struct coverage *c, const char *story)
{
    static const char letters[] = "faocx";
    coverage_page(c, 1, "http://a.test/");
    for (const char *p = story; *p; p++) {
        const char *at = strchr(letters, *p), title[] = {'C', p[1], 0};
        if (at && *p == 'f')
            coverage_found(c, 1, title);
        else if (at)
            coverage_item(c, 1, title, (enum coverage_state)(at - letters));
        if (*p == 'E')
            coverage_exhausted(c, 1);
        if (*p == 'P')
            coverage_paginated(c, 1, 2);
        if (*p == 'T' || *p == 'N')
            coverage_filters(c, 1, *p == 'T');
    }
}

static void one_case(void **state)
{
    size_t k = (size_t)(uintptr_t)*state, i;
    struct coverage c;
    json_t *none = json_array(), *check;
    bool found = !*cases[k].failing;
    coverage_init(&c, NULL);
    if (*cases[k].story)
        tell(&c, cases[k].story);
    json_t *report = coverage_report(&c, cases[k].status, "plan", none, cases[k].listings);
    assert_string_equal(json_str(report, "verdict", ""), cases[k].verdict);
    json_array_foreach (json_object_get(report, "checks"), i, check) {
        bool bad = !strcmp(json_str(check, "status", ""), "fail");
        found = found || (bad && strstr(json_str(check, "name", ""), cases[k].failing));
        if (bad && !strcmp(cases[k].verdict, "pass"))
            fail_msg("%s", json_str(check, "name", ""));
        if (!strcmp(cases[k].verdict, "running"))
            assert_string_not_equal(json_str(check, "status", ""), "fail");
    }
    assert_true(found);
    json_decref(report);
    json_decref(none);
    coverage_release(&c);
}

static void totals_and_the_last_events_are_kept(void **state)
{
    struct coverage c, again;
    json_t *none = json_array();
    coverage_init(&c, NULL);
    tell(&c, "f1 f2 a1 o1 c1 x1 a2 E");
    for (int i = 0; i < 600; i++)
        coverage_item(&c, 1, "C1", ITEM_ATTEMPTED);
    json_t *report = coverage_report(&c, "completed", "plan", none, true);
    const json_t *totals = json_object_get(report, "totals");
    static const struct {
        const char *key;
        int want;
    } want[] = {{"pages_seen", 1},       {"found_items", 2},      {"attempted_items", 2},
                {"opened_items", 1},     {"completed_items", 1},  {"successful_items", 0},
                {"failed_items", 1},     {"missing_attempts", 0}, {"incomplete_attempts", 1},
                {"unopened_attempts", 1}};
    for (size_t i = 0; i < ARRAY_SIZE(want); i++)
        assert_int_equal(json_int(totals, want[i].key, -1), want[i].want);
    assert_int_equal(json_array_size(json_object_get(report, "events")), 500);
    assert_true(json_int(report, "events_dropped", 0) > 0);
    assert_string_equal(json_str(report, "plan_name", ""), "plan");
    coverage_init(&again, report); /* a resumed run goes on from it */
    json_t *twice = coverage_report(&again, "completed", "plan", none, true);
    assert_true(json_equal(json_object_get(twice, "totals"), totals));
    json_decref(twice);
    json_decref(report);
    json_decref(none);
    coverage_release(&c);
    coverage_release(&again);
}

/* --- costs ----------------------------------------------------------------------------------- */

static const struct {
    const char *row, *counters, *rates, *key;
    double usd;
} prices[] = {
    {"agent-loop 17 gpu is measured seconds by the hour", "{'gpu_seconds':7200,'gpu_steps':9}",
     "{}", "gpu", 6.5},
    {"agent-loop 17 gpu steps count 3 seconds only without a clock", "{'gpu_steps':1200}", "{}",
     "gpu", 3.25},
    {"agent-loop 17 tokens cost what their kind costs",
     "{'claude_input_tokens':1000000,'claude_output_tokens':100000,'claude_cached_input_tokens':"
     "1000000,'claude_extract':99}",
     "{}", "claude", 4.8},
    {"agent-loop 17 calls cost by number when no tokens were said",
     "{'claude_extract':3,'claude_grounding':2}", "{}", "claude", 0.015},
    {"agent-loop 17 the proxy costs by the gigabyte", "{'proxy_mb':2048}", "{}", "proxy", 10},
    {"agent-loop 17 rates come from the configuration", "{'proxy_mb':1024}",
     "{'proxy_per_gb_usd':7}", "proxy", 7},
    {"agent-loop 17 the total is the sum", "{'proxy_mb':1024,'gpu_seconds':3600}", "{}", "total",
     8.25},
    {"agent-loop 17 nothing used costs nothing", "{}", "{}", "total", 0},
};

static void one_price(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct pool *pool = pool_create(NULL);
    struct cost_rates rates;
    json_t *costs = json_keep(pool, json_deep_copy(json_of(pool, prices[i].counters)));
    cost_rates_read(json_of(pool, prices[i].rates), &rates);
    cost_update(costs, NULL, &rates);
    assert_true(fabs(json_num(costs, prices[i].key, -1) - prices[i].usd) < 1e-9);
    pool_destroy(pool);
}

/* A million tokens of one kind. */
#define MTOK 1000000

/* clang-format off */
static const struct {
    const char *row, *model;
    struct token_use use;
    double usd;
} calls[] = {
    {"agent-loop 17 opus-4-7: input 15", "claude-opus-4-7", {MTOK, 0, 0, 0}, 15},
    {"agent-loop 17 opus-4-7: output 75", "claude-opus-4-7", {0, MTOK, 0, 0}, 75},
    {"agent-loop 17 opus-4-7: cache read 1.5", "claude-opus-4-7", {0, 0, MTOK, 0}, 1.5},
    {"agent-loop 17 opus-4-7: cache write 18.75", "claude-opus-4-7", {0, 0, 0, MTOK}, 18.75},
    {"agent-loop 17 sonnet-4-6: input 3", "claude-sonnet-4-6", {MTOK, 0, 0, 0}, 3},
    {"agent-loop 17 sonnet-4-6: output 15", "claude-sonnet-4-6", {0, MTOK, 0, 0}, 15},
    {"agent-loop 17 sonnet-4-6: cache read .3", "claude-sonnet-4-6", {0, 0, MTOK, 0}, .3},
    {"agent-loop 17 sonnet-4-6: cache write 3.75", "claude-sonnet-4-6", {0, 0, 0, MTOK}, 3.75},
    {"agent-loop 17 haiku-4-5: input .8", "claude-haiku-4-5", {MTOK, 0, 0, 0}, .8},
    {"agent-loop 17 haiku-4-5: output 4", "claude-haiku-4-5", {0, MTOK, 0, 0}, 4},
    {"agent-loop 17 haiku-4-5: cache read .08", "claude-haiku-4-5", {0, 0, MTOK, 0}, .08},
    {"agent-loop 17 haiku-4-5: cache write 1", "claude-haiku-4-5", {0, 0, 0, MTOK}, 1},
    {"agent-loop 17 a model is known by its prefix", "claude-haiku-4-5-20251001", {MTOK, 0, 0, 0}, .8},
    {"agent-loop 17 a model is known without the family's name too", "sonnet-4-6", {MTOK, 0, 0, 0}, 3},
    {"agent-loop 17 an unknown model costs what opus does", "someone-else", {MTOK, 0, 0, 0}, 15},
    {"agent-loop 17 the kinds of tokens add up", "claude-haiku-4-5", {MTOK, MTOK, MTOK, MTOK}, 5.88},
};
/* clang-format on */

static void one_call(void **state)
{
    size_t i = (size_t)(uintptr_t)*state;
    struct cost_rates rates;
    cost_rates_read(NULL, &rates);
    assert_true(fabs(cost_of_tokens(&rates, calls[i].model, &calls[i].use) - calls[i].usd) < 1e-9);
}

/* Two callers and two models; every call is in the totals and under its own path. */
static void calls_are_counted_by_source_and_model(void **state)
{
    static const struct token_use small = {100, 10, 1, 2}, large = {MTOK, 0, 0, 0};
    struct pool *pool = pool_create(NULL);
    struct cost_rates rates;
    json_t *costs = json_keep(pool, json_object()), *all = json_keep(pool, json_object());
    cost_rates_read(NULL, &rates);
    cost_count_call(costs, all, &rates, "brain", "claude-haiku-4-5", &small);
    cost_count_call(costs, all, &rates, "brain", "claude-haiku-4-5", &small);
    cost_count_call(costs, all, &rates, "extract", "claude-sonnet-4-6", &large);
    const json_t *paths = json_object_get(all, "by_path"), *totals = json_object_get(all, "totals");
    const json_t *brain = json_object_get(paths, "brain::claude-haiku-4-5");
    const json_t *extract = json_object_get(paths, "extract::claude-sonnet-4-6");
    assert_int_equal(json_object_size(paths), 2);
    assert_int_equal(json_int(brain, "calls", 0), 2);
    assert_int_equal(json_int(brain, "input_tokens", 0), 200);
    assert_int_equal(json_int(brain, "output_tokens", 0), 20);
    assert_int_equal(json_int(brain, "cache_read_tokens", 0), 2);
    assert_int_equal(json_int(brain, "cache_creation_tokens", 0), 4);
    assert_true(fabs(json_num(extract, "cost_usd", 0) - 3) < 1e-9);
    assert_int_equal(json_int(totals, "calls", 0), 3);
    assert_int_equal(json_int(totals, "input_tokens", 0), 200 + MTOK);
    double usd = json_num(brain, "cost_usd", 0) + 3;
    assert_true(fabs(json_num(totals, "cost_usd", 0) - usd) < 1e-9);
    cost_update(costs, all, &rates); /* the model's prices, not the flat ones */
    assert_true(fabs(json_num(costs, "claude", 0) - usd) < 1e-9);
    assert_int_equal((int)json_num(costs, "claude_output_tokens", 0), 20);
    pool_destroy(pool);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(cases) + ARRAY_SIZE(prices) + ARRAY_SIZE(calls) + 2];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        tests[n++] = (struct CMUnitTest){cases[i].row, one_case, NULL, NULL, (void *)(uintptr_t)i};
    for (size_t i = 0; i < ARRAY_SIZE(prices); i++)
        tests[n++] =
            (struct CMUnitTest){prices[i].row, one_price, NULL, NULL, (void *)(uintptr_t)i};
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        tests[n++] = (struct CMUnitTest){calls[i].row, one_call, NULL, NULL, (void *)(uintptr_t)i};
    tests[n++] = (struct CMUnitTest)row_test(
        "agent-loop 17 claude_cost_by_path: totals, and calls by source and model",
        calls_are_counted_by_source_and_model);
    tests[n++] = (struct CMUnitTest)row_test(
        "agent-loop 16 totals and the last 500 events are kept, also over a resume",
        totals_and_the_last_events_are_kept);
    return _cmocka_run_group_tests("coverage", tests, n, NULL, NULL);
}
