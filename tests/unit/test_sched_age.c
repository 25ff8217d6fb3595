/*
 * test_sched_age.c - what becomes of runs that are over: their line in the log, their webhook,
 * their end.
 */
#include "unit/sched_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/keys.h"
#include "store/upkeep.h"


static void later(int days)
{
    clock_fake(clock_mono_us(), clock_wall_us() + days * DAY_US);
}

/* --- the log of runs ---------------------------------------------------------------------------
 */

static const char *log_path(void)
{
    char iso[CLOCK_ISO_BYTES];
    return pool_printf(pool, "%s/runs_log/%.7s.jsonl", dir, clock_iso(clock_wall_us(), iso));
}

static char *log_text(void)
{
    char *text = NULL;
    size_t len;
    if (file_read(pool, log_path(), 1 << 20, &text, &len, NULL))
        return pool_strdup(pool, "");
    return text;
}

static int log_lines(void)
{
    int n = 0;
    for (const char *p = log_text(); *p; p++)
        n += *p == '\n';
    return n;
}

static bool all_logged(void *arg)
{
    struct run_record *runs;
    int n;
    assert_int_equal(store_runs_unlogged(store, pool, 1, &runs, &n, NULL), 0);
    return n == 0;
}

static void every_run_that_is_over_has_one_line(void **state)
{
    json_t *row;
    submit("r1", "[[" STEP(1, ONE_ROW) "," END("completed", "", 2, TWO_ROWS) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    submit("r2", "[[" STEP(1, ONE_ROW) "," EXPECT("pause") "," DO("hang") "]]");
    wait_event("r2", "step 1");
    assert_int_equal(sched_pause(sched, ACME("r2"), "", NULL), 0); /* which is not over */
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 1);
    assert_int_equal(json_parse(log_text(), strlen(log_text()) - 1, "row", &row, NULL), 0);
    static const char *const keys[] = {
        "schema_version", "run_id", "tenant_id", "profile_id",          "workflow_id",
        "plan_signature", "model",  "status",    "created_at",          "finished_at",
        "total_time_s",   "viable", "error",     "wall_time_breakdown", "cost_breakdown",
        "steps_executed"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!json_object_get(row, keys[i]))
            fail_msg("no %s", keys[i]);
    assert_string_equal(json_str(row, "status", ""), "succeeded");
    assert_int_equal(json_int(row, "viable", 0), 2);
    assert_int_equal(json_int(row, "schema_version", 0), 1);
    json_decref(row);
    assert_int_equal(sched_cancel(sched, ACME("r2"), "", NULL), 0);
    wait_state("r2", RUN_CANCELLED);
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 2);
}

static void append_text(const char *text)
{
    int fd = open(log_path(), O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void never(void *arg)
{
    fail();
}

/* A line whose run the store does not know as logged: the server died between the two. */
static void a_line_is_not_written_twice_after_a_crash(void **state)
{
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    struct want over = {.run_id = "r2", .state = RUN_SUCCEEDED};
    submit("r2", QUICK);
    loop_timer_set(loop, &sched->runs_log.timer, 1000000, never, NULL); /* it does not come to it */
    wait_until(in_state, &over);
    assert_int_equal(log_lines(), 1);
    append_text("{\"run_id\":\"r2\",\"tenant_id\":\"acme\"}\n");
    restart_all(1);
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 2);
    submit("r3", QUICK);
    wait_state("r3", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 3);
}

/* An older run was not settled when the server died, and comes first after that. */
static void a_line_is_not_written_twice_when_others_come_before_it(void **state)
{
    for (int i = 1; i <= 3; i++) {
        const char *id = pool_printf(pool, "r%d", i);
        struct want over = {.run_id = id, .state = RUN_SUCCEEDED};
        submit(id, QUICK);
        loop_timer_set(loop, &sched->runs_log.timer, 1000000, never, NULL);
        wait_until(in_state, &over);
    }
    assert_int_equal(file_mkdirs(pool_printf(pool, "%s/runs_log", dir), 0700, NULL), 0);
    assert_int_equal(file_write_atomic(log_path(), "", 0, 0600, NULL), 0);
    append_text("{\"run_id\":\"r2\",\"tenant_id\":\"acme\"}\n");
    append_text("{\"run_id\":\"r3\",\"tenant_id\":\"acme\"}\n");
    restart_all(1);
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 3);
}

static void half_a_line_is_cut_off(void **state)
{
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    append_text("{\"run_id\":\"half");
    restart_all(1);
    submit("r2", QUICK);
    wait_state("r2", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    assert_int_equal(log_lines(), 2);
    assert_null(strstr(log_text(), "half"));
}

/* --- webhooks ----------------------------------------------------------------------------------
 */

static int deliveries_of(const char *id, struct store_delivery **ret)
{
    int n;
    assert_int_equal(store_outbox_list(store, pool, "acme", id, 7, 10, ret, &n, NULL), 0);
    return n;
}

static void a_webhook_goes_out_with_the_result_and_once(void **state)
{
    static const char *const only_failed[] = {"failed", NULL};
    struct wish hook = {.webhook_url = "https://hooks.test/m"};
    struct wish picky = {.webhook_url = "https://hooks.test/m", .webhook_events = only_failed};
    struct store_delivery *list;
    assert_int_equal(submit_with("r1",
                                 "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 2,
                                                                               TWO_ROWS) "]]",
                                 &hook, NULL),
                     0);
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(deliveries_of("r1", &list), 0); /* its rows are to come */
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(deliveries_of("r1", &list), 1);
    const json_t *body = list[0].payload;
    assert_string_equal(list[0].url, "https://hooks.test/m");
    assert_string_equal(list[0].event, "cancelled");
    assert_int_equal(list[0].state, DELIVERY_PENDING);
    assert_string_equal(json_str(body, "run_id", ""), "r1");
    assert_string_equal(json_str(body, "tenant_id", ""), "acme");
    assert_string_equal(json_str(body, "status", ""), "cancelled");
    assert_int_equal(json_int(json_object_get(body, "summary"), "viable", 0), 2);
    int64_t seq;
    assert_int_equal(
        sched_cursor_parse(sched, ACME("r1"), json_str(body, "cursor", ""), &seq, NULL), 0);
    assert_int_equal(seq, record("r1", 0).last_seq);
    assert_int_equal(submit_with("r2", QUICK, &picky, NULL), 0);
    submit("r3", QUICK);
    wait_state("r3", RUN_SUCCEEDED);
    assert_int_equal(deliveries_of("r2", &list), 0);
    assert_int_equal(deliveries_of("r3", &list), 0);
    assert_int_equal(submit_with("r4", "[[" END("failed", "x", 1, "") "]]", &picky, NULL), 0);
    wait_state("r4", RUN_FAILED);
    assert_int_equal(deliveries_of("r4", &list), 1);
}

static void a_run_that_was_cut_off_before_its_result_gets_its_webhook_later(void **state)
{
    struct wish hook = {.webhook_url = "https://hooks.test/m"};
    struct store_delivery *list;
    assert_int_equal(submit_with("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]", &hook, NULL), 0);
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    restart_all(1);
    assert_int_equal(deliveries_of("r1", &list), 1);
    assert_string_equal(list[0].event, "cancelled");
}

static void the_allowlist_reaches_the_worker_and_no_caller_can_change_it(void **state)
{
    static const char *const hosts[] = {"*.shop.example", "crm.example.net", NULL};
    struct wish wish = {.allowed_domains = hosts};
    assert_int_equal(submit_with("r1", QUICK, &wish, NULL), 0);
    const json_t *options = json_object_get(record("r1", 0).settings, "options");
    json_t *list = json_object_get(options, "allowed_domains");
    assert_int_equal(json_array_size(list), 2);
    assert_true(json_holds(list, "crm.example.net"));
}

/* --- age ---------------------------------------------------------------------------------------
 */

static void reap(void)
{
    for (int i = 0; i < 50; i++)
        reaper_round(sched);
}

static void old_runs_go_with_their_directories_and_nothing_else(void **state)
{
    const char *text;
    size_t len;
    settings.run_ttl_days = 7;
    submit("r1", "[[" STEP(1, ONE_ROW) "," END("completed", "", 2, TWO_ROWS) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    later(6);
    reap();
    assert_int_equal(sched_status_text(sched, ACME("r1"), &text, &len, NULL), 0);
    submit("r2", "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 1, "") "]]");
    later(2);
    reap();
    assert_int_equal(sched_status_text(sched, ACME("r1"), &text, &len, NULL), E_NOT_FOUND);
    assert_false(exists(run_file("r1", "")));
    assert_true(exists(dirs_profile(sched, pool, "acme", "r1")));
    assert_true(exists(dirs_checkpoint(sched, pool, "acme", "acme__w")));
    assert_int_equal(log_lines(), 0); /* of this month; the other file is not touched */
    assert_int_equal(record("r2", 0).attempts, 1);
    assert_true(exists(run_file("r2", "")));
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static bool has_counted(void *arg)
{
    return *(int *)arg > 0;
}

static void who_follows_a_run_that_goes_is_told_and_finds_nothing(void **state)
{
    struct sched_peek peek;
    struct sched_event events[4];
    int told = 0, n;
    settings.run_ttl_days = 7;
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    wait_until(all_logged, NULL);
    struct sched_follow *follow = sched_follow(sched, ACME("r1"), count, &told);
    assert_non_null(follow);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), 0);
    later(8);
    reap();
    wait_until(has_counted, &told);
    assert_int_equal(sched_peek(sched, ACME("r1"), &peek, NULL), E_NOT_FOUND);
    assert_int_equal(sched_events_after(sched, ACME("r1"), 0, events, 4, &n, NULL), E_NOT_FOUND);
    assert_null(sched_follow(sched, ACME("r1"), count, &told));
    sched_unfollow(follow);
}

static void a_large_directory_goes_in_pieces(void **state)
{
    settings.run_ttl_days = 7;
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    for (int i = 0; i < 250; i++)
        assert_int_equal(file_write_soon(run_file("r1", pool_printf(pool, "work/downloads/%d", i)),
                                         "x", 1, 0600, NULL),
                         0);
    later(8);
    reaper_round(sched);
    assert_int_equal(record("r1", 0).state, RUN_SUCCEEDED); /* its rows go last */
    assert_true(exists(run_file("r1", "")));
    reap();
    assert_false(exists(run_file("r1", "")));
}

static bool is_over(void *arg)
{
    return run_state_terminal(record(arg, 0).state);
}

/* Their workers have said `end` and are still there. */
static void runs_that_cannot_go_yet_do_not_hold_up_the_others(void **state)
{
    const char *text;
    size_t len;
    restart_all(6);
    settings.run_ttl_days = 7;
    for (int i = 0; i < 5; i++)
        submit(pool_printf(pool, "r%d", i), "[[" END("completed", "", 1, "") "," DO("hang") "]]");
    for (int i = 0; i < 5; i++)
        wait_until(is_over, pool_printf(pool, "r%d", i));
    submit("r5", QUICK);
    wait_state("r5", RUN_SUCCEEDED);
    later(8);
    reap(); /* without a turn of the loop */
    assert_int_equal(sched_status_text(sched, ACME("r5"), &text, &len, NULL), E_NOT_FOUND);
    assert_int_equal(record("r0", 0).state, RUN_SUCCEEDED);
}

static void without_an_age_nothing_goes(void **state)
{
    submit("r1", QUICK);
    wait_state("r1", RUN_SUCCEEDED);
    later(4000);
    reap();
    assert_true(exists(run_file("r1", "work/screenshots")));
    assert_int_equal(record("r1", 0).state, RUN_SUCCEEDED);
}

static void screenshots_and_downloads_go_before_their_run(void **state)
{
    settings.artifact_ttl_days = 3;
    submit("r1", "[[{\"do\":\"png\",\"name\":\"1.png\"}," END("completed", "", 2, TWO_ROWS) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    later(2);
    reap();
    assert_true(exists(run_file("r1", "work/screenshots/1.png")));
    submit("r2", "[[{\"do\":\"png\",\"name\":\"1.png\"}," STEP(1, "") "," DO("hang") "]]");
    wait_event("r2", "step 1");
    later(2);
    reap();
    assert_false(exists(run_file("r1", "work/screenshots")));
    assert_false(exists(run_file("r1", "work/downloads")));
    assert_true(exists(run_file("r1", "result.json")));
    assert_true(exists(run_file("r1", "final.png")));
    assert_true(exists(run_file("r2", "work/screenshots/1.png"))); /* it goes on */
}

static void a_run_paused_for_too_long_is_cancelled(void **state)
{
    settings.run_ttl_days = 7;
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_pause(sched, ACME("r1"), "", NULL), 0);
    restart_all(1);
    settings.run_ttl_days = 7;
    later(8);
    reap();
    assert_int_equal(record("r1", 0).state, RUN_CANCELLED);
    assert_non_null(strstr(json_str(status_of("r1"), "cancel_reason", ""), "paused for too long"));
    assert_int_equal(rows_of("r1"), 1);
}

static void idempotency_keys_are_forgotten_after_a_day(void **state)
{
    struct wish keyed = {.key_hash = "aa"};
    struct store_key key;
    assert_int_equal(submit_with("r1", QUICK, &keyed, NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
    reap();
    assert_int_equal(store_key_get(store, pool, "acme", "aa", 0, &key, NULL), 0);
    later(2);
    reap();
    assert_int_equal(store_key_get(store, pool, "acme", "aa", 0, &key, NULL), E_NOT_FOUND);
}

static void an_old_deployment_is_named_in_the_help(void **state)
{
    settings.deploy_age_warn = "1";
    settings.build_time = "2026-01-01T00:00:00Z";
    clock_fake(clock_mono_us(), INT64_C(1769000000) * 1000000); /* 2026-01-21 */
    submit("r1", "[[" END("failed", "x", 1, "") "]]");
    wait_state("r1", RUN_FAILED);
    assert_null(
        json_object_get(json_object_get(status_of("r1"), "failure_help"), "deploy_age_warning"));
    later(20);
    const json_t *help = json_object_get(status_of("r1"), "failure_help");
    assert_non_null(strstr(json_str(help, "deploy_age_warning", ""), "40 days ago"));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_run_that_is_over_has_one_line),
        T(a_line_is_not_written_twice_after_a_crash),
        T(a_line_is_not_written_twice_when_others_come_before_it),
        T(half_a_line_is_cut_off),
        T(a_webhook_goes_out_with_the_result_and_once),
        T(a_run_that_was_cut_off_before_its_result_gets_its_webhook_later),
        T(the_allowlist_reaches_the_worker_and_no_caller_can_change_it),
        T(old_runs_go_with_their_directories_and_nothing_else),
        T(who_follows_a_run_that_goes_is_told_and_finds_nothing),
        T(a_large_directory_goes_in_pieces),
        T(runs_that_cannot_go_yet_do_not_hold_up_the_others),
        T(without_an_age_nothing_goes),
        T(screenshots_and_downloads_go_before_their_run),
        T(a_run_paused_for_too_long_is_cancelled),
        T(idempotency_keys_are_forgotten_after_a_day),
        T(an_old_deployment_is_named_in_the_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
