/*
 * test_sched_traces.c - every ending of a run leaves a trace (promotion.md section 2).
 */
#include "unit/sched_rig.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static char traces[128];

static int begin(void **state)
{
    int r = setup(state);
    snprintf(traces, sizeof(traces), "%s/traces", dir);
    settings.trace_export_dir = traces;
    return r;
}

static const char *trace_file(const char *name)
{
    return pool_printf(pool, "%s/acme/%s", traces, name);
}

struct wanted {
    const char *file, *status;
};

static const json_t *read_trace(const char *file)
{
    char *text;
    size_t len;
    json_t *doc;
    if (file_read(pool, trace_file(file), 1 << 20, &text, &len, NULL))
        return NULL;
    assert_int_equal(json_parse(text, len, file, &doc, NULL), 0); /* never half a file */
    return json_keep(pool, doc);
}

static bool is_written(void *arg)
{
    const struct wanted *w = arg;
    return strcmp(json_str(read_trace(w->file), "status", ""), w->status) == 0;
}

static const json_t *wait_trace(const char *id, const char *status)
{
    struct wanted w = {pool_printf(pool, "%s.json", id), status};
    wait_until(is_written, &w);
    return read_trace(w.file);
}

/* --- endings ----------------------------------------------------------------------------------- */

static const struct {
    const char *id, *script, *status;
    int steps;
} endings[] = {
    {"done", "[[" STEP(1, ONE_ROW) "," END("completed", "", 1, ONE_ROW) "]]", "completed", 1},
    {"halt", "[[" STEP(1, ONE_ROW) "," END("halted", "page_blocked", 1, ONE_ROW) "]]", "halted", 1},
    {"fail", "[[" END("failed", "broke", 1, "") "]]", "failed", 1},
};

static void every_ending_leaves_a_trace(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++) {
        submit(endings[i].id, endings[i].script);
        const json_t *trace = wait_trace(endings[i].id, endings[i].status);
        assert_int_equal(json_int(trace, "schema_version", 0), 3);
        assert_int_equal(json_int(trace, "step_count", -1), endings[i].steps);
        assert_string_equal(json_str(trace, "run_id", ""), endings[i].id);
        assert_string_equal(json_str(trace, "tenant_id", ""), "acme");
        assert_string_equal(json_str(trace, "session_name", ""), "micro_a_test");
        assert_string_equal(json_str(trace, "plan_signature", ""), "sig");
        assert_true(json_num(trace, "ended_at", 0) >= json_num(trace, "started_at", 1e18));
    }
    assert_false(exists(trace_file("done.json.tmp")));
}

static void a_cancelled_run_keeps_what_it_did(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "enough", NULL), 0);
    assert_int_equal(json_int(wait_trace("r1", "cancelled"), "step_count", -1), 1);
}

static void a_run_cancelled_in_the_line_has_one_too(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    submit("r2", QUICK);
    assert_int_equal(sched_cancel(sched, ACME("r2"), "enough", NULL), 0);
    assert_int_equal(json_int(wait_trace("r2", "cancelled"), "step_count", -1), 0);
}

static void a_paused_run_is_written_as_it_stands_and_again_at_its_end(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("pause") "," EXPECT("resume") "," END("completed", "", 2, TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_pause(sched, ACME("r1"), "look", NULL), 0);
    assert_int_equal(json_int(wait_trace("r1", "paused"), "step_count", -1), 1);
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    wait_trace("r1", "completed");
}

static void the_step_under_way_at_a_pause_is_in_it(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("pause") ","
                 "{\"do\":\"send\",\"message\":{\"type\":\"checkpoint\",\"checkpoint\":{\"step_index\":2,"
                 "\"step_results\":[{\"success\":true},{\"success\":true}]},"
                 "\"events\":[{\"kind\":\"step_end\",\"summary\":\"step 2\"}]}}," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_pause(sched, ACME("r1"), "look", NULL), 0);
    wait_event("r1", "step 2");
    while (json_int(wait_trace("r1", "paused"), "step_count", -1) != 2)
        turn_once();
    assert_int_equal(sched_cancel(sched, ACME("r1"), "enough", NULL), 0);
    wait_trace("r1", "cancelled");
}

static void what_waits_is_written_when_the_server_stops(void **state)
{
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    tear_down();
    set_up(1);
    assert_true(exists(trace_file("r1.json")));
}

static void a_run_never_fails_because_of_it(void **state)
{
    assert_int_equal(file_write_soon(traces, "in the way", 10, 0600, NULL), 0);
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    submit("r2", QUICK);
    wait_state("r2", RUN_SUCCEEDED);
    unlink(traces);
}

/* --- pictures ---------------------------------------------------------------------------------- */

#define SHOT(name) "{\"step_index\":0,\"success\":true,\"screenshot\":\"" name "\"}"
#define SHOTS                                                                                                     \
    "{\"do\":\"send\",\"message\":{\"type\":\"end\",\"status\":\"completed\",\"checkpoint\":{\"step_index\":3,"   \
    "\"step_results\":[" SHOT("one.png") "," SHOT("") "," SHOT("none.png") "," SHOT("../one.png") "]}}}"

static void pictures_are_copied_where_there_are_any(void **state)
{
    settings.trace_screenshots = true;
    submit("r1", "[[" READY "," EXPECT("pause") "," EXPECT("resume") "," SHOTS "]]");
    wait_state("r1", RUN_RUNNING);
    const char *work = pool_printf(pool, "%s/screenshots/one.png", dirs_work(sched, pool, ACME("r1")));
    assert_int_equal(file_write_soon(work, "\x89PNG\r\n\x1a\nand more", 16, 0600, NULL), 0);
    assert_int_equal(sched_pause(sched, ACME("r1"), "look", NULL), 0);
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), 0);
    const json_t *trace = wait_trace("r1", "completed");
    assert_int_equal(json_int(trace, "step_count", -1), 4);
    assert_true(exists(trace_file("r1_screens/0000.png")));
    for (int i = 1; i < 4; i++)
        assert_false(exists(trace_file(pool_printf(pool, "r1_screens/%04d.png", i))));
}

/* --- what is old ------------------------------------------------------------------------------- */

static void reap(int days_later)
{
    sched->traces.next_walk_us = 0;
    while (traces_reap(sched, clock_wall_us() + days_later * DAY_US))
        continue;
}

static void old_traces_go_and_nothing_else(void **state)
{
    settings.run_ttl_days = 7;
    submit("r1", QUICK);
    wait_trace("r1", "completed");
    assert_int_equal(file_mkdirs(trace_file("r1_screens"), 0700, NULL), 0);
    assert_int_equal(file_write_soon(trace_file("r1_screens/0000.png"), "x", 1, 0600, NULL), 0);
    assert_int_equal(file_write_soon(trace_file("notes.txt"), "x", 1, 0600, NULL), 0);
    assert_int_equal(file_write_soon(pool_printf(pool, "%s/top.json", traces), "x", 1, 0600, NULL), 0);
    reap(6);
    assert_true(exists(trace_file("r1.json")));
    settings.run_ttl_days = 0;
    reap(8);
    assert_true(exists(trace_file("r1.json")));
    settings.run_ttl_days = 7;
    reap(8);
    assert_false(exists(trace_file("r1.json")));
    assert_false(exists(trace_file("r1_screens")));
    assert_true(exists(trace_file("notes.txt")));
    assert_true(exists(pool_printf(pool, "%s/top.json", traces)));
}

#define ROW_TEST(row, f) {row, f, begin, teardown, NULL}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW_TEST("promotion 2 every ending leaves a trace, named by its run and tenant", every_ending_leaves_a_trace),
        ROW_TEST("promotion 2 a cancelled run's trace has what it did", a_cancelled_run_keeps_what_it_did),
        ROW_TEST("promotion 2 so has one that never started", a_run_cancelled_in_the_line_has_one_too),
        ROW_TEST("promotion 2 a paused run has a trace, and another at its end", a_paused_run_is_written_as_it_stands_and_again_at_its_end),
        ROW_TEST("promotion 2 the step under way at a pause is in it", the_step_under_way_at_a_pause_is_in_it),
        ROW_TEST("promotion 2 a trace that waits is written when the server stops", what_waits_is_written_when_the_server_stops),
        ROW_TEST("promotion 2 an export that fails never fails a run", a_run_never_fails_because_of_it),
        ROW_TEST("promotion 2 screenshots are written when they are wanted, missing ones skipped", pictures_are_copied_where_there_are_any),
        ROW_TEST("promotion 2 the retention sweep covers traces", old_traces_go_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
