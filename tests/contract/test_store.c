/*
 * test_store.c - the contract of store.h over every kind of store.
 */
#include "store_rig.h"

#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

static void a_run_is_stored_with_its_first_event(void **state)
{
    int64_t before = clock_wall_us();
    create("acme", "r1");
    struct run_record r = get("r1", RUN_PART_PLAN | RUN_PART_CHECKPOINT | RUN_PART_RESULT);
    assert_string_equal(r.tenant_id, "acme");
    assert_string_equal(r.profile_id, "r1");
    assert_string_equal(r.workflow_id, "w");
    assert_null(r.state_key);
    assert_int_equal(r.state, RUN_QUEUED);
    assert_true(r.created_us >= before && r.updated_us == r.created_us);
    assert_int_equal(r.started_us, 0);
    assert_int_equal(r.finished_us, 0);
    assert_string_equal(json_str(r.doc, "model", ""), "page");
    assert_true(json_num(r.settings, "max_cost", 0) == 2.0);
    assert_true(json_is_array(json_object_get(r.plan, "steps")));
    assert_null(r.checkpoint);
    assert_null(r.result);
    json_t *events = stored_events("r1");
    assert_int_equal(json_array_size(events), 1);
    assert_string_equal(json_str(json_array_get(events, 0), "summary", ""), "queued");
    assert_null(get("r1", 0).plan);
}

static void an_id_is_taken_once_and_must_be_clean(void **state)
{
    struct err err = {0};
    create("acme", "r1");
    assert_int_equal(create_on("acme", "r1", "r1", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "r1"));
    assert_int_equal(create_on("acme", "../r2", "p", "w", NULL), E_INVALID);
    assert_int_equal(create_on("acme", "", "p", "w", NULL), E_INVALID);
}

static void another_tenants_run_is_not_found(void **state)
{
    struct run_record rec;
    struct err err = {0};
    json_t *events;
    create("acme", "r1");
    assert_int_equal(store_run_get(store, pool, RUN_KEY("other", "r1"), 0, &rec, &err),
                     E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "r1"));
    assert_int_equal(store_events_get(store, pool, RUN_KEY("other", "r1"), 0, 9, &events, NULL),
                     E_NOT_FOUND);
    struct run_record *runs;
    int n;
    assert_int_equal(store_run_list(store, pool, "other", ~0u, &runs, &n, NULL), 0);
    assert_int_equal(n, 0);
    json_t *checkpoint;
    assert_int_equal(store_run_checkpoint(store, K("r1"), keep(json_object()), NULL, NULL), 0);
    assert_int_equal(store_workflow_checkpoint(store, pool, "other", "w", "sig", &checkpoint, NULL),
                     0);
    assert_null(checkpoint);
}

static void create_at(const char *tenant, const char *id, int64_t created_us)
{
    json_t *plan = keep(json_object());
    struct run_record run = {.run_id = id,
                             .tenant_id = tenant,
                             .profile_id = id,
                             .workflow_id = "w",
                             .created_us = created_us,
                             .plan = plan};
    struct store_creation c = {.run = &run};
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    assert_int_equal(c.result, 0);
}

static const char *sought = ""; /* by page() */

/* The ids of one page, with a blank behind each. */
static const char *page(unsigned mask, int64_t behind_us, const char *behind_id, int limit)
{
    struct run_record *runs;
    int n;
    const char *ids = "";
    struct store_place behind = {behind_us, behind_id};
    assert_int_equal(store_run_page(store, pool, "acme", mask, sought, behind, limit, &runs, &n, NULL), 0);
    for (int i = 0; i < n; i++)
        ids = pool_printf(pool, "%s%s ", ids, runs[i].run_id);
    return ids;
}

static void a_tenants_runs_come_page_by_page_newest_first(void **state)
{
    unsigned all = (1u << RUN_N_STATES) - 1;
    create_at("acme", "r1", 1000);
    create_at("acme", "r3", 2000);
    create_at("acme", "r2", 2000);
    create_at("other", "r9", 2500);
    create_at("acme", "r4", 3000);
    assert_int_equal(set("r3", RUN_CANCELLED), 0);
    assert_string_equal(page(all, INT64_MAX, "", 10), "r4 r3 r2 r1 ");
    assert_string_equal(page(all, INT64_MAX, "", 2), "r4 r3 ");
    assert_string_equal(page(all, 2000, "r3", 2), "r2 r1 ");
    assert_string_equal(page(all, 2000, "", 10), "r1 ");
    assert_string_equal(page(all, 1000, "r1", 10), "");
    assert_string_equal(page(1u << RUN_CANCELLED, INT64_MAX, "", 10), "r3 ");
    assert_string_equal(page(1u << RUN_QUEUED, INT64_MAX, "", 2), "r4 r2 ");
    assert_string_equal(page(0, INT64_MAX, "", 10), "");
}

static void a_page_holds_the_runs_that_a_text_is_found_in(void **state)
{
    unsigned all = (1u << RUN_N_STATES) - 1;
    create_at("acme", "Boats_1", 1000);
    create_at("acme", "cars_2", 2000);
    create_at("other", "boats_3", 3000);
    json_t *doc = keep(json_pack("{s:{s:s}}", "payload", "plan_name", "Weekly \"BOATS\" 100%"));
    assert_int_equal(store_run_patch(store, K("cars_2"), doc, NULL), 0);
    const struct {
        const char *text, *found;
    } cases[] = {{"boats", "cars_2 Boats_1 "}, {"CARS", "cars_2 "}, {"weekly", "cars_2 "},
                 {"100%", "cars_2 "},          {"%", "cars_2 "},    {"_1", "Boats_1 "},
                 {"plan_name", ""},            {"", "cars_2 Boats_1 "}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        sought = cases[i].text;
        assert_string_equal(page(all, INT64_MAX, "", 10), cases[i].found);
    }
    sought = "boats";
    assert_string_equal(page(all, INT64_MAX, "", 1), "cars_2 ");
    assert_string_equal(page(all, 2000, "cars_2", 1), "Boats_1 ");
    sought = "";
}

static void days_count_a_tenants_runs_and_what_they_cost(void **state)
{
    const int64_t day = DAY_US;
    struct store_day days[3];
    int n = -1;
    create_at("acme", "r1", 10 * day - 1);
    create_at("acme", "r2", 10 * day);
    create_at("acme", "r3", 11 * day - 1);
    create_at("acme", "r4", 12 * day);
    create_at("other", "r9", 12 * day);
    assert_int_equal(set("r2", RUN_CANCELLED), 0);
    assert_int_equal(set("r3", RUN_RUNNING), 0);
    json_t *costs = keep(json_pack("{s:{s:f}}", "costs", "total", 0.5));
    assert_int_equal(store_run_checkpoint(store, K("r3"), costs, NULL, NULL), 0);
    assert_int_equal(set("r3", RUN_HALTED), 0);
    assert_int_equal(set("r4", RUN_RUNNING), 0);
    assert_int_equal(set("r4", RUN_SUCCEEDED), 0);
    assert_int_equal(store_cost_add(store, "acme", 12 * day + 7, 0.25, NULL), 0);
    assert_int_equal(store_days(store, "acme", 10 * day + 5, days, 3, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(days[0].day_us, 10 * day);
    assert_int_equal(days[0].runs, 2);
    assert_int_equal(days[0].succeeded, 0);
    assert_int_equal(days[0].ended_badly, 1);
    assert_true(days[0].cost_usd == 0.5);
    assert_int_equal(days[1].day_us, 12 * day);
    assert_int_equal(days[1].succeeded, 1);
    assert_true(days[1].cost_usd == 0.25); /* for no run */
    assert_int_equal(store_days(store, "acme", 0, days, 2, &n, NULL), 0);
    assert_int_equal(n, 2);
    assert_int_equal(days[0].day_us, 9 * day);
    assert_int_equal(store_days(store, "nobody", 0, days, 3, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void changes_follow_the_state_table(void **state)
{
    for (int from = 0; from < RUN_N_STATES; from++) {
        for (int to = 0; to < RUN_N_STATES; to++) {
            char id[32];
            snprintf(id, sizeof(id), "r_%d_%d", from, to);
            create("acme", id);
            bring_to(id, (enum run_state)from);
            bool allowed = run_state_may_become((enum run_state)from, (enum run_state)to);
            assert_int_equal(set(id, (enum run_state)to), allowed ? 0 : E_CONFLICT);
            assert_int_equal(get(id, 0).state, allowed ? to : from);
        }
    }
}

static void a_refused_change_changes_nothing(void **state)
{
    struct err err = {0};
    create("acme", "r1");
    bring_to("r1", RUN_CANCELLED);
    json_t *patch = keep(json_pack("{s:s}", "error", "late")), *result = keep(json_object()),
           *events;
    assert_int_equal(
        store_run_set_state(store, K("r1"), RUN_SUCCEEDED, patch, result, events_of("late"), &err),
        E_CONFLICT);
    assert_non_null(strstr(err.msg, "cancelled"));
    struct run_record r = get("r1", RUN_PART_RESULT);
    assert_null(json_object_get(r.doc, "error"));
    assert_null(r.result);
    assert_int_equal(store_events_get(store, pool, K("r1"), 0, 10, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 1);
    assert_int_equal(store_run_set_state(store, K("nobody"), RUN_RUNNING, NULL, NULL, NULL, NULL),
                     E_NOT_FOUND);
}

static void an_end_stores_everything_in_one_change(void **state)
{
    create("acme", "r1");
    assert_int_equal(set("r1", RUN_RUNNING), 0);
    int64_t started = get("r1", 0).started_us;
    assert_true(started > 0);
    json_t *patch = keep(json_pack("{s:s,s:n}", "halt_reason", "budget_cap", "mode"));
    json_t *result = keep(json_pack("{s:i}", "viable", 3));
    json_t *checkpoint = keep(json_pack("{s:i}", "step_index", 9));
    assert_int_equal(store_run_end(store, K("r1"), RUN_HALTED, patch, checkpoint, result,
                                   events_of("end"), NULL, NULL),
                     0);
    struct run_record r = get("r1", RUN_PART_RESULT | RUN_PART_CHECKPOINT);
    assert_int_equal(r.state, RUN_HALTED);
    assert_int_equal(r.started_us, started);
    assert_true(r.finished_us >= started);
    assert_string_equal(json_str(r.doc, "halt_reason", ""), "budget_cap");
    assert_null(json_object_get(r.doc, "mode"));
    assert_string_equal(json_str(r.doc, "model", ""), "page");
    assert_int_equal(json_int(r.result, "viable", 0), 3);
    assert_int_equal(json_int(r.checkpoint, "step_index", 0), 9);
}

static void a_result_follows_a_cancel_once(void **state)
{
    struct run_record *runs;
    int n;
    json_t *one = keep(json_pack("{s:i}", "n", 1)), *two = keep(json_pack("{s:i}", "n", 2));
    create("acme", "r1");
    create("acme", "live");
    assert_int_equal(store_run_result(store, K("r1"), NULL, NULL, one, NULL, NULL, NULL),
                     E_CONFLICT);
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_int_equal(store_run_unsettled(store, pool, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(runs[0].run_id, "r1");
    assert_false(get("r1", 0).has_result);
    assert_int_equal(
        store_run_result(store, K("r1"), NULL, one, one, events_of("rows"), NULL, NULL), 0);
    assert_true(get("r1", 0).has_result);
    assert_int_equal(store_run_result(store, K("r1"), NULL, two, two, NULL, NULL, NULL),
                     E_CONFLICT);
    struct run_record r = get("r1", RUN_PART_RESULT | RUN_PART_CHECKPOINT);
    assert_int_equal(json_int(r.result, "n", 0), 1);
    assert_int_equal(json_int(r.checkpoint, "n", 0), 1);
    assert_int_equal(r.state, RUN_CANCELLED);
    assert_int_equal(store_run_unsettled(store, pool, &runs, &n, NULL), 0);
    assert_int_equal(n, 0);
}

static void attempts_count_until_a_checkpoint(void **state)
{
    create("acme", "r1");
    assert_int_equal(store_run_start(store, K("r1"), NULL, NULL), 0);
    assert_int_equal(get("r1", 0).state, RUN_RUNNING);
    assert_int_equal(store_run_start(store, K("r1"), NULL, NULL), 0); /* its end was never stored */
    assert_int_equal(get("r1", 0).attempts, 2);
    assert_int_equal(get("r1", 0).attempts_no_progress, 2);
    json_t *checkpoint = keep(json_pack("{s:i}", "step_index", 4));
    assert_int_equal(store_run_checkpoint(store, K("r1"), checkpoint, events_of("step 4"), NULL),
                     0);
    struct run_record r = get("r1", RUN_PART_CHECKPOINT);
    assert_int_equal(r.attempts, 2);
    assert_int_equal(r.attempts_no_progress, 0);
    assert_int_equal(json_int(r.checkpoint, "step_index", 0), 4);
    assert_int_equal(set("r1", RUN_FAILED), 0);
    assert_int_equal(store_run_checkpoint(store, K("r1"), checkpoint, NULL, NULL), E_CONFLICT);
    assert_int_equal(store_run_start(store, K("r1"), NULL, NULL), E_CONFLICT);
}

/* What step_results of r1's checkpoint say. */
static void assert_results(const char *expected)
{
    json_t *read = json_object_get(get("r1", RUN_PART_CHECKPOINT).checkpoint, "step_results");
    assert_string_equal(read ? json_text(pool, read) : "none", expected);
}

/* At the newest result; results are told behind the first from ones. */
static int add_results(int from, const char *results)
{
    json_t *list = json_loads(results, 0, NULL), *part = json_pack("{s:o}", "step_results", list);
    if (from)
        json_put_int(part, "step_results_from", from);
    json_put_int(part, "step_index", from + (int)json_array_size(list));
    return store_run_checkpoint(store, K("r1"), keep(part), NULL, NULL);
}

static void a_part_of_a_checkpoint_follows_on_what_is_kept(void **state)
{
    static const struct {
        int from;
        const char *given, *kept;
    } steps[] = {
        {0, "[]", "[]"},
        {0, "[{\"i\":0}]", "[{\"i\":0}]"},
        {1, "[{\"i\":1},{\"i\":2}]", "[{\"i\":0},{\"i\":1},{\"i\":2}]"},
        {3, "[]", "[{\"i\":0},{\"i\":1},{\"i\":2}]"}, /* told again */
        {1, "[{\"i\":1},{\"i\":2}]", "[{\"i\":0},{\"i\":1},{\"i\":2}]"},
        {1, "[{\"i\":8}]", "[{\"i\":0},{\"i\":8}]"}, /* later ones go */
        {2, "[{\"i\":9}]", "[{\"i\":0},{\"i\":8},{\"i\":9}]"},
        {1, "[]", "[{\"i\":0}]"},
        {0, "[{\"i\":5},[],7,\"x\",null]", "[{\"i\":5},[],7,\"x\",null]"}, /* a whole one */
    };
    create("acme", "r1");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        assert_int_equal(add_results(steps[i].from, steps[i].given), 0);
        assert_results(steps[i].kept);
        struct run_record r = get("r1", RUN_PART_CHECKPOINT);
        assert_null(json_object_get(r.checkpoint, "step_results_from"));
        assert_int_equal(json_int(r.checkpoint, "step_index", -1),
                         steps[i].from +
                             (int)json_array_size(keep(json_loads(steps[i].given, 0, NULL))));
    }
    assert_int_equal(store_run_checkpoint(store, K("r1"), keep(json_object()), NULL, NULL), 0);
    assert_results("none");
}

static void a_part_that_follows_on_nothing_is_refused(void **state)
{
    struct err err = {0};
    create("acme", "r1");
    assert_int_equal(add_results(1, "[{}]"), E_INVALID);
    assert_int_equal(add_results(0, "[{\"i\":0}]"), 0);
    assert_int_equal(add_results(-1, "[{}]"), E_INVALID);
    json_t *gap = keep(json_pack("{s:i,s:[{}]}", "step_results_from", 2, "step_results"));
    assert_int_equal(store_run_checkpoint(store, K("r1"), gap, events_of("gap"), &err), E_INVALID);
    assert_non_null(strstr(err.msg, "has 1 step results"));
    assert_results("[{\"i\":0}]");
    assert_int_equal(get("r1", 0).last_seq, 1); /* nor are its events kept */
}

/* Whatever brings a checkpoint and whatever reads one. */
static void every_checkpoint_has_its_results(void **state)
{
    json_t *whole =
               keep(json_pack("{s:[{s:i},{s:i}],s:i}", "step_results", "i", 0, "i", 1, "z", 7)),
           *part =
               keep(json_pack("{s:i,s:[{s:i}]}", "step_results_from", 2, "step_results", "i", 2)),
           *of_workflow;
    struct run_record rec = record_of("acme", "r1", "p", "w");
    rec.checkpoint = whole;
    assert_int_equal(create_run(&rec, NULL), 0);
    assert_true(json_equal(get("r1", RUN_PART_CHECKPOINT).checkpoint, whole));
    assert_int_equal(set("r1", RUN_RUNNING), 0); /* a change without a checkpoint leaves it */
    assert_results("[{\"i\":0},{\"i\":1}]");
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "sig", &of_workflow, NULL),
                     0);
    assert_true(json_equal(of_workflow, whole));
    assert_int_equal(
        store_run_end(store, K("r1"), RUN_CANCELLED, NULL, part, NULL, NULL, NULL, NULL), 0);
    assert_results("[{\"i\":0},{\"i\":1},{\"i\":2}]");
    assert_int_equal(store_run_result(store, K("r1"), NULL, whole, whole, NULL, NULL, NULL), 0);
    assert_results("[{\"i\":0},{\"i\":1}]");
    assert_int_equal(store_run_delete(store, K("r1"), NULL), 0);
    create("acme", "r1"); /* none of an earlier run of that name */
    assert_null(get("r1", RUN_PART_CHECKPOINT).checkpoint);
    assert_int_equal(add_results(0, "[{}]"), 0);
    assert_results("[{}]");
}

static void events_are_numbered_and_their_times_rise(void **state)
{
    json_t *all, *some, *last, *e;
    size_t i;
    const char *before = "";
    clock_fake(0, INT64_C(1772600000000000)); /* the clock stands still; times must not */
    create("acme", "r1");
    for (int k = 0; k < 5; k++)
        assert_int_equal(store_events_add(store, K("r1"), events_of("again"), NULL), 0);
    assert_int_equal(store_events_get(store, pool, K("r1"), 0, 100, &all, NULL), 0);
    assert_int_equal(json_array_size(all), 6);
    json_array_foreach (all, i, e) {
        assert_int_equal(json_int(e, "seq", 0), i + 1);
        assert_true(strcmp(json_str(e, "ts", ""), before) > 0);
        before = json_str(e, "ts", "");
        assert_true(json_is_object(json_object_get(e, "detail")));
        assert_string_equal(json_str(e, "category", ""), "reasoning");
    }
    assert_int_equal(json_int(json_array_get(all, 5), "step_index", 0), 3);
    assert_int_equal(store_events_get(store, pool, K("r1"), 2, 3, &some, NULL), 0);
    assert_int_equal(json_array_size(some), 3);
    assert_int_equal(json_int(json_array_get(some, 0), "seq", 0), 3);
    assert_int_equal(store_events_get(store, pool, K("r1"), -1, 2, &last, NULL), 0);
    assert_int_equal(json_array_size(last), 2);
    assert_int_equal(json_int(json_array_get(last, 0), "seq", 0), 5);
    assert_int_equal(store_events_get(store, pool, K("r1"), 6, 3, &some, NULL), 0);
    assert_int_equal(json_array_size(some), 0);
}

static void events_keep_their_own_time_but_never_go_back(void **state)
{
    static const struct {
        int64_t at_s;
        const char *ts;
    } rows[] = {{5, "05.000000"}, {3, "05.000001"}, {99, "10.000000"}};
    clock_fake(0, INT64_C(1772600400000000));
    create("acme", "r1");
    clock_fake(0, INT64_C(1772600410000000));
    json_t *batch = keep(json_array()), *all;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        json_push(batch,
                  json_pack("{s:s,s:I}", "summary", "x", "at_us",
                            (json_int_t)(INT64_C(1772600400000000) + rows[i].at_s * 1000000)));
    assert_int_equal(store_events_add(store, K("r1"), batch, NULL), 0);
    assert_int_equal(store_events_get(store, pool, K("r1"), 1, 9, &all, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        assert_non_null(strstr(json_str(json_array_get(all, i), "ts", ""), rows[i].ts));
}

static void every_event_moves_updated(void **state)
{
    clock_fake(0, INT64_C(1772600000000000));
    create("acme", "r1");
    clock_fake(0, INT64_C(1772600005000000));
    assert_int_equal(store_events_add(store, K("r1"), events_of("x"), NULL), 0);
    assert_true(get("r1", 0).updated_us == INT64_C(1772600005000000));
    assert_string_equal(json_str(get("r1", 0).doc, "model", ""), "page"); /* and nothing else */
}

static void lists_are_oldest_first_and_by_state(void **state)
{
    const char *ids[] = {"c", "a", "b"};
    struct run_record *runs;
    int n;
    for (int i = 0; i < 3; i++) {
        clock_fake(0, INT64_C(1772600000000000) + i);
        create(i == 1 ? "other" : "acme", ids[i]);
    }
    assert_int_equal(set("b", RUN_RUNNING), 0);
    assert_int_equal(store_run_list(store, pool, NULL, ~0u, &runs, &n, NULL), 0);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++)
        assert_string_equal(runs[i].run_id, ids[i]);
    assert_int_equal(store_run_list(store, pool, "acme", 1u << RUN_QUEUED, &runs, &n, NULL), 0);
    assert_int_equal(n, 1);
    assert_string_equal(runs[0].run_id, "c");
}

static void a_profile_has_one_live_run(void **state)
{
    struct err err = {0};
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), 0);
    assert_int_equal(create_on("acme", "r2", "p", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "'p'"));
    assert_non_null(strstr(err.msg, "'r1'"));
    assert_int_equal(store_run_get(store, pool, K("r2"), 0, &(struct run_record){0}, NULL),
                     E_NOT_FOUND);
    assert_int_equal(create_on("acme", "r3", "q", "w", NULL), 0);
    assert_int_equal(create_on("other", "r4", "p", "w", NULL), 0);
    for (int to = RUN_RUNNING; to <= RUN_PAUSED; to++) {
        assert_int_equal(set("r1", (enum run_state)(to == RUN_PAUSED ? RUN_RUNNING : to)), 0);
        if (to == RUN_PAUSED)
            assert_int_equal(set("r1", RUN_PAUSED), 0);
        assert_int_equal(create_on("acme", "r2", "p", "w", NULL), E_CONFLICT);
    }
    assert_int_equal(set("r1", RUN_CANCELLED), 0);
    assert_int_equal(create_on("acme", "r2", "p", "w", NULL), 0);
}

static void a_refused_run_takes_no_profile(void **state)
{
    struct err err = {0};
    assert_int_equal(create_on("acme", "r1", "p", "w", NULL), 0);
    assert_int_equal(create_on("acme", "r1", "q", "w", &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "exists"));
    assert_int_equal(create_on("acme", "r2", "q", "w", NULL), 0);
}

static void the_journal_keeps_the_last_state_of_each_key(void **state)
{
    json_t *journal, *detail = keep(json_pack("{s:s}", "url", "https://a.test/"));
    create("acme", "r1");
    create("acme", "r2");
    assert_int_equal(store_journal_put(store, K("r1"), "7#1", "intended", detail, NULL), 0);
    assert_int_equal(store_journal_put(store, K("r1"), "7#1", "sent", NULL, NULL), 0);
    assert_int_equal(store_journal_put(store, K("r1"), "7#2", "intended", detail, NULL), 0);
    assert_int_equal(store_journal_put(store, K("nobody"), "1#1", "sent", NULL, NULL), E_NOT_FOUND);
    assert_int_equal(store_journal_get(store, pool, K("r1"), &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 2);
    assert_string_equal(json_str(json_object_get(journal, "7#1"), "state", ""), "sent");
    assert_string_equal(json_str(json_object_get(journal, "7#2"), "state", ""), "intended");
    assert_int_equal(store_journal_get(store, pool, K("r2"), &journal, NULL), 0);
    assert_int_equal(json_object_size(journal), 0);
}

static void the_newest_checkpoint_of_a_workflow_is_found(void **state)
{
    json_t *out;
    const char *ids[] = {"old", "new", "bare"};
    for (int i = 0; i < 3; i++) {
        clock_fake(0, INT64_C(1772600000000000) + i);
        create("acme", ids[i]);
        if (i < 2)
            assert_int_equal(store_run_checkpoint(store, K(ids[i]),
                                                  keep(json_pack("{s:s}", "of", ids[i])), NULL,
                                                  NULL),
                             0);
    }
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "sig", &out, NULL), 0);
    assert_string_equal(json_str(out, "of", ""), "new");
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "w", "other", &out, NULL), 0);
    assert_null(out);
    assert_int_equal(store_workflow_checkpoint(store, pool, "acme", "v", "sig", &out, NULL), 0);
    assert_null(out);
}

static void fields_are_patched_and_deleted(void **state)
{
    create("acme", "r1");
    json_t *patch = keep(json_pack("{s:s,s:n}", "viewer_url", "/v", "mode"));
    assert_int_equal(store_run_patch(store, K("r1"), patch, NULL), 0);
    struct run_record r = get("r1", 0);
    assert_string_equal(json_str(r.doc, "viewer_url", ""), "/v");
    assert_null(json_object_get(r.doc, "mode"));
    assert_int_equal(r.state, RUN_QUEUED);
}

static void what_was_read_stays_as_it_was(void **state)
{
    create("acme", "r1");
    struct run_record before = get("r1", 0);
    json_t *patch = keep(json_pack("{s:s}", "model", "changed"));
    assert_int_equal(store_run_patch(store, K("r1"), patch, NULL), 0);
    assert_int_equal(set("r1", RUN_RUNNING), 0);
    assert_string_equal(json_str(before.doc, "model", ""), "page");
    assert_int_equal(before.state, RUN_QUEUED);
    json_put_str(patch, "model", "the caller's own"); /* nor does what was given */
    assert_string_equal(json_str(get("r1", 0).doc, "model", ""), "changed");
}

static void deep_documents_come_back(void **state)
{
    json_t *deep = json_string("x");
    for (int i = 0; i < 200; i++)
        deep = json_pack("[o]", deep);
    json_t *patch = keep(json_pack("{s:o}", "payload", deep));
    create("acme", "r1");
    assert_int_equal(store_run_patch(store, K("r1"), patch, NULL), 0);
    assert_true(json_is_array(json_object_get(get("r1", 0).doc, "payload")));
}

static const struct CMUnitTest every_kind[] = {
    T(a_run_is_stored_with_its_first_event),
    T(an_id_is_taken_once_and_must_be_clean),
    T(another_tenants_run_is_not_found),
    T(changes_follow_the_state_table),
    T(a_refused_change_changes_nothing),
    T(an_end_stores_everything_in_one_change),
    T(a_result_follows_a_cancel_once),
    T(attempts_count_until_a_checkpoint),
    T(a_part_of_a_checkpoint_follows_on_what_is_kept),
    T(a_part_that_follows_on_nothing_is_refused),
    T(every_checkpoint_has_its_results),
    T(events_are_numbered_and_their_times_rise),
    T(events_keep_their_own_time_but_never_go_back),
    T(every_event_moves_updated),
    T(lists_are_oldest_first_and_by_state),
    T(a_profile_has_one_live_run),
    T(a_refused_run_takes_no_profile),
    T(the_journal_keeps_the_last_state_of_each_key),
    T(a_tenants_runs_come_page_by_page_newest_first),
    T(a_page_holds_the_runs_that_a_text_is_found_in),
    T(days_count_a_tenants_runs_and_what_they_cost),
    T(the_newest_checkpoint_of_a_workflow_is_found),
    T(fields_are_patched_and_deleted),
    T(what_was_read_stays_as_it_was),
    T(deep_documents_come_back),
};

int main(void)
{
    return rig_run(every_kind, ARRAY_SIZE(every_kind), false);
}
