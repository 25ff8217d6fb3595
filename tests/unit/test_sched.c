/*
 * test_sched.c - the life of runs with a scripted worker (tests/tools/fake_worker.c) and a real
 * store.
 */
#include "unit/sched_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/id.h"
#include "store/keys.h"
#include "sys/file.h"

/* --- tests -------------------------------------------------------------------------------------
 */

static void a_run_goes_from_queued_to_succeeded_with_its_files(void **state)
{
    static const char *const files[] = {"status.json",         "result.json",  "events.log",
                                        "reasoning.jsonl",     "leads.csv",    "extracted_rows.csv",
                                        "extracted_rows.json", "payload.json", "final.png"};
    submit("r1", "[[" READY "," STEP(1, ONE_ROW) ",{\"do\":\"png\",\"name\":\"0001.png\"}," END(
                     "completed", "", 2, TWO_ROWS) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(rows_of("r1"), 2);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (!exists(run_file("r1", files[i])))
            fail_msg("no %s", files[i]);
    assert_true(exists(dirs_checkpoint(sched, pool, "acme", "acme__w")));
    assert_false(exists(run_file("r1", "work/tmp")));
    json_t *doc = status_of("r1");
    assert_true(json_flag(doc, "terminal", false));
    assert_string_equal(json_str(doc, "terminal_status", ""), "completed");
    assert_string_equal(json_str(doc, "model", ""), "page");
    assert_int_equal(json_int(json_object_get(doc, "summary"), "viable", 0), 2);
    assert_int_equal(strlen(json_str(doc, "finished_at", "")), 32);
    assert_null(json_object_get(doc, "failure_help"));
    json_t *phase = phase_text_of(ACME("r1"));
    assert_string_equal(json_str(phase, "phase", ""), "complete");
    assert_int_equal(json_int(phase, "polling_backoff_ms_hint", 0), 30000);
    assert_true(json_num(phase, "finished_at", 0) >= json_num(phase, "started_at", 0));
}

/* Can it be opened? */
static int fetch(const char *id, const char *name, const char **ret_mime)
{
    int fd = -1, r = sched_artifact(sched, pool, ACME(id), name, &fd, ret_mime, NULL);
    if (fd >= 0)
        close(fd);
    return r;
}

static void artifacts_are_found_by_listed_names_only(void **state)
{
    const char *mime;
    submit("r1", "[[" STEP(1, ONE_ROW) "," END("completed", "", 2, ONE_ROW) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    const char *path = run_file("r1", "leads.csv");
    assert_int_equal(fetch("r1", "leads.csv", &mime), 0);
    assert_string_equal(mime, "text/csv");
    assert_true(exists(path));
    /* a projection that is gone is made again from the store */
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fetch("r1", "leads.csv", &mime), 0);
    assert_true(exists(path));
    /* also one that a power cut left empty; but not for every name there could be */
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(unlink(run_file("r1", "status.json")), 0);
    assert_int_equal(fetch("r1", "final.png", &mime), E_NOT_FOUND);
    assert_false(exists(run_file("r1", "status.json")));
    assert_int_equal(fetch("r1", "leads.csv", &mime), 0);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0);
    static const char *const bad[] = {"final.png", "status.json", "../status.json", "work", ""};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(fetch("r1", bad[i], &mime), E_NOT_FOUND);
}

static void what_a_worker_left_is_given_out_and_no_link(void **state)
{
    static const struct {
        const char *name, *path, *mime;
    } cases[] = {{"row_0001.png", "work/screenshots/row_0001.png", "image/png"},
                 {"a_b.pdf", "work/downloads/a b.pdf", "application/pdf"}};
    const char *mime;
    submit("r1", "[[{\"do\":\"png\",\"name\":\"row_0001.png\"}," END(
                     "completed", "", 2,
                     "{\"values\":{\"t\":\"A\"},\"image\":{\"name\":\"row_0001.png\"}}],"
                     "\"downloads\":[{\"name\":\"a_b.pdf\",\"file_name\":\"a b.pdf\",\"mime_type\":"
                     "\"application/pdf\"}") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(file_write_soon(run_file("r1", cases[1].path), "x", 1, 0600, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *path = run_file("r1", cases[i].path), *other = run_file("r1", "elsewhere");
        assert_int_equal(fetch("r1", cases[i].name, &mime), 0);
        assert_string_equal(mime, cases[i].mime);
        assert_int_equal(rename(path, other), 0);
        assert_int_equal(fetch("r1", cases[i].name, &mime), E_NOT_FOUND);
        assert_int_equal(symlink(other, path), 0);
        assert_int_equal(fetch("r1", cases[i].name, &mime), E_NOT_FOUND);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(link(other, path), 0);
        assert_int_equal(fetch("r1", cases[i].name, &mime), E_NOT_FOUND);
        assert_int_equal(unlink(other), 0);
        assert_int_equal(fetch("r1", cases[i].name, &mime), 0);
    }
}

static void another_tenant_sees_nothing(void **state)
{
    json_t *doc;
    int fd;
    const char *mime;
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("cancel") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_status(sched, pool, RUN_KEY("other", "r1"), &doc, NULL), E_NOT_FOUND);
    const char *text;
    size_t len;
    assert_int_equal(sched_status_text(sched, RUN_KEY("other", "r1"), &text, &len, NULL),
                     E_NOT_FOUND);
    assert_int_equal(sched_phase_text(sched, RUN_KEY("other", "r1"), &text, &len, NULL),
                     E_NOT_FOUND);
    assert_null(sched_follow(sched, RUN_KEY("other", "r1"), NULL, NULL));
    assert_int_equal(sched_pause(sched, RUN_KEY("other", "r1"), "", NULL), E_NOT_FOUND);
    assert_int_equal(sched_resume(sched, RUN_KEY("other", "r1"), NULL, NULL, NULL), E_NOT_FOUND);
    assert_int_equal(sched_result(sched, pool, RUN_KEY("other", "r1"), &doc, NULL), E_NOT_FOUND);
    assert_int_equal(sched_logs(sched, pool, RUN_KEY("other", "r1"), 5, &doc, NULL), E_NOT_FOUND);
    assert_int_equal(sched_cancel(sched, RUN_KEY("other", "r1"), "", NULL), E_NOT_FOUND);
    assert_int_equal(
        sched_artifact(sched, pool, RUN_KEY("other", "r1"), "leads.csv", &fd, &mime, NULL),
        E_NOT_FOUND);
    assert_null(sched_watch(sched, RUN_KEY("other", "r1"), NULL, NULL));
    assert_int_equal(record("r1", 0).state, RUN_RUNNING);
}

static void logs_are_message_and_time(void **state)
{
    json_t *doc, *line;
    submit("r1", "[[" STEP(1, "") "," END("completed", "", 2, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(sched_logs(sched, pool, ACME("r1"), 2, &doc, NULL), 0);
    json_t *events = json_object_get(doc, "events");
    assert_int_equal(json_array_size(events), 2);
    line = json_loads(json_string_value(json_array_get(events, 0)), 0, NULL);
    assert_string_equal(json_str(line, "message", ""), "step 1");
    assert_int_equal(strlen(json_str(line, "ts", "")), 32);
    json_decref(line);
}

static void a_dead_worker_is_followed_by_one_that_goes_on(void **state)
{
    submit("r1", "[[" READY "," STEP(3, ONE_ROW) "," DO(
                     "die") "],"
                            "[" DO("report") "," END("completed", "", 5, TWO_ROWS) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=3"));
    assert_non_null(strstr(wait_event("r1", "was lost"), "killed by signal 4"));
    assert_int_equal(rows_of("r1"), 2);
    assert_int_equal(record("r1", 0).attempts, 2);
}

static void a_worker_that_exits_without_an_end_is_lost(void **state)
{
    submit("r1", "[[{\"do\":\"exit\",\"code\":3}],[" END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "was lost"), "exited with status 3"));
}

static void three_attempts_without_progress_end_the_run_with_its_rows(void **state)
{
    submit("r1",
           "[[" STEP(1, ONE_ROW) "," DO("die") "],[" LOST("Chromium died", "plane_gone") "]]");
    wait_state("r1", RUN_FAILED);
    json_t *doc = status_of("r1");
    assert_int_equal(record("r1", 0).attempts, 4);
    assert_string_equal(json_str(doc, "failure_class", ""), "plane_gone");
    assert_string_equal(json_str(doc, "halt_class", ""), "plane_gone");
    assert_non_null(strstr(json_str(doc, "error", ""), "Chromium died"));
    assert_non_null(json_object_get(doc, "failure_help"));
    assert_int_equal(rows_of("r1"), 1);
    submit("r2", "[[" DO("die") "]]");
    wait_state("r2", RUN_FAILED);
    assert_string_equal(json_str(status_of("r2"), "halt_class", ""), "worker_lost");
    assert_int_equal(rows_of("r2"), 0);
}

static void rubbish_from_a_worker_costs_it_its_life(void **state)
{
    submit("r1", "[[" DO("garbage") "],[{\"do\":\"send\",\"message\":{\"type\":\"died\"}}," DO(
                     "hang") "],"
                             "[" END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).attempts, 3);
    assert_true(has_event("r1", "broke the protocol", NULL));
}

static void endings_get_their_words(void **state)
{
    static const struct {
        const char *status, *reason;
        enum run_state state;
        const char *terminal_status;
    } rows[] = {
        {"halted", "budget_cap", RUN_HALTED, "budget_exceeded"},
        {"halted", "required_failed:submit", RUN_HALTED, "halted"},
        {"failed", "exception", RUN_FAILED, "failed"},
        {"paused", "user_input", RUN_FAILED, "failed"}, /* which is no end */
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        const char *id = pool_printf(pool, "r%zu", i);
        submit(id,
               pool_printf(
                   pool,
                   "[[{\"do\":\"send\",\"message\":{\"type\":\"end\",\"status\":\"%s\","
                   "\"halt_reason\":\"%s\",\"checkpoint\":{\"step_results\":[{\"success\":false,"
                   "\"data\":\"form_target_not_found\"}]}}}]]",
                   rows[i].status, rows[i].reason));
        wait_state(id, rows[i].state);
        json_t *doc = status_of(id);
        assert_string_equal(json_str(doc, "terminal_status", ""), rows[i].terminal_status);
        assert_string_equal(json_str(doc, "halt_class", ""), rows[i].reason);
        assert_string_equal(json_str(doc, "failure_class", ""), "selector_miss");
        assert_non_null(json_object_get(doc, "failure_help"));
    }
}

static void a_page_that_did_not_open_says_which_and_why(void **state)
{
    submit("r1",
           "[[{\"do\":\"send\",\"message\":{\"type\":\"end\",\"status\":\"halted\","
           "\"halt_reason\":\"navigate_failed\",\"checkpoint\":{\"step_results\":[{\"success\":"
           "false,\"step_index\":0,\"type\":\"navigate\",\"asked_url\":\"http://x.invalid/\","
           "\"data\":\"bad_url:dns ERR_NAME_NOT_RESOLVED\"}]}}}]]");
    wait_state("r1", RUN_HALTED);
    static const char sentence[] =
        "step 1 (navigate) could not open http://x.invalid/: its name cannot be resolved";
    json_t *doc = status_of("r1"), *help = json_object_get(doc, "failure_help"),
           *context = json_object_get(help, "context");
    assert_string_equal(json_str(doc, "error", ""), sentence);
    assert_string_equal(json_str(result_of("r1"), "error", ""), sentence);
    assert_int_equal(json_int(context, "step_index", -1), 0);
    assert_string_equal(json_str(context, "step_type", ""), "navigate");
    assert_string_equal(json_str(context, "url", ""), "http://x.invalid/");
    assert_string_equal(json_str(context, "data", ""), "bad_url:dns ERR_NAME_NOT_RESOLVED");
    assert_null(strstr(json_text(pool, help), "proxy"));
}

static void a_failed_step_makes_completed_with_failures(void **state)
{
    submit("r1", "[[{\"do\":\"send\",\"message\":{\"type\":\"end\",\"status\":\"completed\","
                 "\"checkpoint\":{\"step_results\":[{\"success\":false,\"data\":\"x\"}]}}}]]");
    wait_state("r1", RUN_COMPLETED_WITH_FAILURES);
}

static void a_queued_run_is_cancelled_at_once(void **state)
{
    submit("r1", "[[" DO("hang") "]]");
    submit("r2", "[[" DO("hang") "]]");
    assert_int_equal(sched_cancel(sched, ACME("r2"), "changed my mind", NULL), 0);
    json_t *doc = status_of("r2");
    assert_string_equal(json_str(doc, "status", ""), "cancelled");
    assert_string_equal(json_str(doc, "cancel_reason", ""), "changed my mind");
    assert_string_equal(json_str(doc, "halt_class", ""), "cancelled");
    assert_non_null(json_object_get(doc, "cancelled_at"));
    assert_int_equal(rows_of("r2"), 0);
    /* and stays as it is */
    assert_int_equal(sched_cancel(sched, ACME("r2"), "again", NULL), 0);
    assert_string_equal(json_str(status_of("r2"), "cancel_reason", ""), "changed my mind");
    assert_null(json_object_get(json_object_get(status_of("r2"), "summary"), "nothing"));
    assert_int_equal(record("r2", 0).attempts, 0);
}

static void what_a_plan_cost_is_in_the_run_that_never_began(void **state)
{
    const struct wish wish = {
        .spent = "{\"decompose::claude-opus-4-7\":{\"calls\":1,\"output_tokens\":200,\"cost_usd\":0.25}}"};
    struct err err = {0};
    double usd = 0;
    submit("r1", "[[" DO("hang") "]]");
    assert_int_equal(submit_with("r2", "[[" DO("hang") "]]", &wish, &err), 0);
    assert_int_equal(store_cost_since(store, "acme", 0, &usd, NULL), 0);
    assert_true(usd == .25); /* while it waits */
    assert_int_equal(sched_cancel(sched, ACME("r2"), "", NULL), 0);
    const json_t *result = record("r2", RUN_PART_RESULT).result;
    assert_true(json_num(json_object_get(result, "costs"), "total", 0) == .25);
    assert_non_null(json_object_get(result, "claude_cost_by_path"));
    assert_int_equal(store_cost_since(store, "acme", 0, &usd, NULL), 0);
    assert_true(usd == .25);
}

/* With the rows in a second one, a disk that fills up between them leaves a run without a result.
 */
static void a_queued_run_is_cancelled_in_one_commit(void **state)
{
    json_t *events;
    submit("r0", "[[" EXPECT("cancel") "]]");
    submit("r1", "[[]]");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "no", NULL), 0);
    assert_int_equal(store_events_get(store, pool, ACME("r1"), 0, 9, &events, NULL), 0);
    assert_int_equal(json_array_size(events), 3); /* queued, cancelled on request, its end */
    int us[2]; /* events of one commit follow each other by the least there is */
    for (size_t i = 0; i < 2; i++)
        us[i] = atoi(json_str(json_array_get(events, i + 1), "ts", "") +
                     strlen("2026-01-01T00:00:00."));
    assert_int_equal((us[1] - us[0] + 1000000) % 1000000, 1);
    assert_int_equal(sched->waiting.n, 0);
    assert_int_equal(rows_of("r1"), 0);
    json_t *doc = status_of("r1");
    assert_string_equal(json_str(doc, "cancel_reason", ""), "no");
    assert_string_equal(json_str(doc, "terminal_status", ""), "cancelled");
}

static void a_running_run_is_cancelled_at_once_and_its_rows_follow(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("cancel") "," END("cancelled", "cancel_event", 2,
                                                                    TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_string_equal(json_str(status_of("r1"), "status", ""), "cancelled");
    json_t *early;
    assert_int_equal(sched_result(sched, pool, ACME("r1"), &early, NULL), 0);
    assert_false(json_flag(early, "result_ready", true));
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 2);
    assert_string_equal(json_str(result_of("r1"), "terminal_status", ""), "cancelled");
}

static void an_end_that_crosses_a_cancel_does_not_undo_it(void **state)
{
    submit("r1",
           "[[" STEP(1, ONE_ROW) "," EXPECT("cancel") "," END("completed", "", 2, TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 2);
    assert_string_equal(json_str(status_of("r1"), "terminal_status", ""), "cancelled");
    assert_string_equal(json_str(status_of("r1"), "halt_reason", ""), "cancel_event");
}

static void a_worker_deaf_to_cancel_is_killed(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 1);
}

static bool is_mending(void *arg)
{
    const struct slot *slot = sched_slot_of(sched, ACME("r1"));
    return slot && slot->mending;
}

/* Its 10 s are no more than what a cancel leaves of them. */
static void a_cancel_does_not_wait_for_a_recording_to_be_mended(void **state)
{
    const struct wish wish = {.records = true};
    assert_int_equal(submit_with("r1", "[[" STEP(1, ONE_ROW) "," DO("die") "]]", &wish, NULL), 0);
    wait_until(is_mending, NULL);
    const struct slot *slot = sched_slot_of(sched, ACME("r1"));
    int64_t by = slot->kill_timer.at_mono_ms;
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_true(slot->kill_timer.at_mono_ms <= clock_mono_ms() + 2000 && slot->kill_timer.at_mono_ms < by);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 1);
}

static void a_run_past_its_time_is_killed_and_says_timeout(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    clock_fake(clock_mono_us() + (60 + CAP_RUN_KILL_AFTER_S) * INT64_C(1000000), clock_wall_us());
    wait_state("r1", RUN_TIMEOUT);
    assert_string_equal(json_str(status_of("r1"), "halt_class", ""), "halt_timeout");
    assert_int_equal(rows_of("r1"), 1);
}

static void a_busy_profile_is_refused_and_free_after_the_end(void **state)
{
    struct err err = {0};
    static const char hang[] =
        "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 1, "") "]]";
    assert_int_equal(submit_as("acme", "r1", "p", hang, NULL), 0);
    assert_int_equal(submit_as("acme", "r2", "p", hang, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "r1"));
    assert_int_equal(submit_as("other", "r3", "p", hang, NULL), 0);
    assert_int_equal(submit_as("acme", "r1", "q", hang, &err), E_CONFLICT);
    assert_int_equal(submit_as("acme", "r5", "q", hang, NULL), 0); /* which took no profile */
    assert_int_equal(sched_cancel(sched, ACME("r5"), "", NULL), 0);
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    assert_int_equal(submit_as("acme", "r4", "p", "[[" END("completed", "", 1, "") "]]", NULL), 0);
    assert_int_equal(sched_cancel(sched, RUN_KEY("other", "r3"), "", NULL), 0);
    wait_state("r4", RUN_SUCCEEDED);
}

static void a_profile_is_not_leased_while_its_last_worker_lives(void **state)
{
    restart_all(2);
    assert_int_equal(submit_as("acme", "r1", "p", "[[" STEP(1, "") "," DO("hang") "]]", NULL), 0);
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0); /* 2 s to live */
    assert_int_equal(submit_as("acme", "r2", "p", "[[" STEP(1, "") "," DO("hang") "]]", NULL), 0);
    struct want w = {.run_id = "r2", .event = "step 1"};
    while (!event_seen(&w)) {
        struct slot *one = sched_slot_of(sched, ACME("r1")),
                    *two = sched_slot_of(sched, ACME("r2"));
        assert_false(one && two);
        assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0);
    }
}

static void tenants_take_turns(void **state)
{
    static const char quick[] = "[[" END("completed", "", 1, "") "]]";
    submit("a0", "[[" EXPECT("cancel") "]]");
    wait_event("a0", "attempt 1");
    assert_int_equal(submit_as("acme", "a1", "a1", quick, NULL), 0);
    assert_int_equal(submit_as("acme", "a2", "a2", quick, NULL), 0);
    assert_int_equal(submit_as("acme", "a3", "a3", quick, NULL), 0);
    assert_int_equal(submit_as("bolt", "b1", "b1", quick, NULL), 0);
    assert_int_equal(submit_as("bolt", "b2", "b2", quick, NULL), 0);
    assert_int_equal(sched_cancel(sched, ACME("a0"), "", NULL), 0);
    const struct run_key order[] = {RUN_KEY("bolt", "b1"), ACME("a1"), RUN_KEY("bolt", "b2"),
                                    ACME("a2"), ACME("a3")};
    wait_state("a3", RUN_SUCCEEDED);
    for (size_t i = 0; i + 1 < ARRAY_SIZE(order); i++)
        assert_true(record_of(order[i], 0).started_us < record_of(order[i + 1], 0).started_us);
}

static void journal_entries_are_on_disk_before_they_are_acked(void **state)
{
    submit(
        "r1",
        "[[{\"do\":\"send\",\"message\":{\"type\":\"journal\",\"key\":\"1#1\",\"state\":\"sent\","
        "\"detail\":{\"what\":\"pay\"}}}," EXPECT("ack") "," DO(
            "die") "],"
                   "[" DO("report") "," END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "journal=sent"));
}

static void a_restart_takes_up_what_was_queued_and_under_way(void **state)
{
    submit("r1", "[[" STEP(4, ONE_ROW) "," DO("hang") "],"
                                                      "[" DO("report") "," END("completed", "", 6,
                                                                               TWO_ROWS) "]]");
    submit("r2", "[[" END("completed", "", 1, "") "]]");
    wait_event("r1", "step 4");
    restart_all(1);
    assert_int_equal(record("r1", 0).state, RUN_RECOVERING);
    assert_int_equal(record("r2", 0).state, RUN_QUEUED);
    assert_int_equal(submit_as("acme", "r3", "r1", "[[]]", NULL), E_CONFLICT); /* lock kept */
    wait_state("r2", RUN_SUCCEEDED);
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=4"));
    assert_int_equal(rows_of("r1"), 2);
    assert_true(record("r1", 0).started_us < record("r2", 0).started_us);
}

static void a_restart_stores_the_rows_of_a_cancelled_run(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    restart_all(1);
    assert_int_equal(record("r1", 0).state, RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 1);
    assert_true(exists(run_file("r1", "leads.csv")));
}

static bool has_ended(void *arg)
{
    return run_state_terminal(record(arg, 0).state);
}

/* Killed between a run's end and its worker's. */
static void a_restart_sweeps_what_its_slots_left(void **state)
{
    char id[] = "r2";
    submit("r1", "[[" END("completed", "", 1, ONE_ROW) "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(file_mkdirs(run_file("r1", "work/tmp"), 0700, NULL), 0);
    submit("r2", "[[" DO("open_up") "," END("completed", "", 1, ONE_ROW) "," DO("hang") "]]");
    assert_int_equal(loop_wait(loop, has_ended, id, clock_mono_ms() + DEADLINE_MS), 0);
    assert_true(exists(run_file("r2", "work/tmp")));
    assert_int_equal(unlink(run_file("r2", "result.json")), 0);
    assert_int_equal(unlink(run_file("r2", "leads.csv")), 0);
    restart_all(1);
    assert_false(exists(run_file("r2", "work/tmp")));
    assert_true(exists(run_file("r2", "result.json")));
    assert_true(exists(run_file("r2", "leads.csv")));
    assert_true(exists(run_file("r1", "work/tmp"))); /* a start does not walk all runs there were */
    assert_int_equal(rmdir(pool_printf(pool, "%s/slots", dir)), 0);
    if (geteuid() != 0)
        return;
    const char *taken[] = {run_file("r2", "work"), dirs_profile(sched, pool, "acme", "r2")};
    for (size_t i = 0; i < ARRAY_SIZE(taken); i++) {
        struct stat st;
        assert_int_equal(stat(taken[i], &st), 0);
        assert_int_equal(st.st_uid, 0);
        assert_int_equal(st.st_mode & 0777, 0700);
    }
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static bool counted(void *arg)
{
    return *(int *)arg > 0;
}

static void a_drain_leaves_runs_to_the_next_start(void **state)
{
    int drained = 0;
    submit("r1", "[[" STEP(2, ONE_ROW) "," EXPECT("drain") "," LOST(
                     "drain", "") "],"
                                  "[" DO("report") "," END("completed", "", 6, TWO_ROWS) "]]");
    submit("r2", "[[" END("completed", "", 1, "") "]]");
    wait_event("r1", "step 2");
    sched_drain(sched, count, &drained);
    assert_int_equal(drained, 0);
    assert_int_equal(loop_wait(loop, counted, &drained, clock_mono_ms() + DEADLINE_MS), 0);
    assert_int_equal(record("r1", 0).state, RUN_RECOVERING);
    assert_int_equal(record("r2", 0).state, RUN_QUEUED);
    restart_all(1);
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=2"));
    assert_int_equal(drained, 1);
}

static void a_drain_kills_the_deaf_at_its_deadline(void **state)
{
    int drained = 0;
    submit("r1", "[[" STEP(2, ONE_ROW) "," DO("hang") "]]");
    wait_event("r1", "step 2");
    sched_drain(sched, count, &drained);
    clock_fake(clock_mono_us() + 11 * INT64_C(1000000), clock_wall_us());
    assert_int_equal(loop_wait(loop, counted, &drained, clock_mono_ms() + DEADLINE_MS), 0);
    clock_fake_off();
    restart_all(1);
    assert_int_equal(record("r1", 0).state, RUN_RECOVERING);
}

static void a_watch_fires_once_when_the_result_is_there(void **state)
{
    int early = 0, late = 0, never = 0;
    submit("r1", "[[" END("completed", "", 1, "") "]]");
    struct sched_watch *a = sched_watch(sched, ACME("r1"), count, &early);
    struct sched_watch *b = sched_watch(sched, ACME("r1"), count, &never);
    sched_unwatch(b);
    assert_int_equal(loop_wait(loop, counted, &early, clock_mono_ms() + DEADLINE_MS), 0);
    assert_int_equal(rows_of("r1"), 0);
    struct sched_watch *c = sched_watch(sched, ACME("r1"), count, &late);
    assert_int_equal(late, 0);
    assert_int_equal(loop_wait(loop, counted, &late, clock_mono_ms() + DEADLINE_MS), 0);
    assert_int_equal(early, 1);
    assert_int_equal(never, 0);
    assert_null(sched_watch(sched, ACME("nobody"), count, &never));
    sched_unwatch(a);
    sched_unwatch(c);
    sched_unwatch(NULL);
}

/* Profiles name them, and it is the worker that reads profiles. */
/* Each by its name, the request before the server; every other one stays as it was. */
static void a_switch_of_the_request_reaches_the_worker(void **state)
{
    static const struct {
        const char *name;
        size_t setting;
    } switches[] = {{"done_gate", offsetof(struct settings, done_gate)},
                    {"loop_recovery", offsetof(struct settings, loop_recovery)},
                    {"loop_adaptive", offsetof(struct settings, loop_adaptive)},
                    {"adaptive_click_tol", offsetof(struct settings, adaptive_click_tol)},
                    {"predicate_verify", offsetof(struct settings, predicate_verify)},
                    {"perceptual_verify", offsetof(struct settings, perceptual_verify)},
                    {"form_controller", offsetof(struct settings, form_controller)}};
    for (size_t i = 0; i < ARRAY_SIZE(switches); i++) {
        const char *name = switches[i].name;
        bool *set = (bool *)((char *)&settings + switches[i].setting);
        for (int n = 0; n < 4; n++) { /* server off or on, request against it or silent */
            bool on = n & 1, asked = n & 2, was = *set;
            const char *id = pool_printf(pool, "r%zu-%d", i, n);
            const struct wish wish = {
                .inner = asked ? pool_printf(pool, "{\"%s\":%s}", name, on ? "false" : "true") : NULL};
            *set = on;
            assert_int_equal(
                submit_with(id, "[[" DO("switches") "," END("completed", "", 1, "") "]]", &wish, NULL), 0);
            const char *off = wait_event(id, "off:");
            assert_int_equal(strstr(off, name) != NULL, asked ? on : !on);
            wait_state(id, RUN_SUCCEEDED);
            *set = was;
        }
    }
}

static void a_worker_gets_the_variables_of_pictures_and_no_others(void **state)
{
    setenv("MANTIS_FARA_INPUT_WH", "1024x640", 1);
    setenv("MANTIS_CLAUDE_IMAGE_FORMAT", "webp", 1);
    setenv("MANTIS_CLAUDE_IMAGE_QUALITY", "60", 1);
    setenv("MANTIS_IMAGE_SECRET", "no", 1);
    submit("r1", "[[" DO("variables") "," END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    const char *said = wait_event("r1", "variables");
    assert_non_null(strstr(said, " MANTIS_FARA_INPUT_WH=1024x640"));
    assert_non_null(strstr(said, " MANTIS_CLAUDE_IMAGE_FORMAT=webp"));
    assert_non_null(strstr(said, " MANTIS_CLAUDE_IMAGE_QUALITY=60"));
    assert_null(strstr(said, "SECRET"));
    unsetenv("MANTIS_FARA_INPUT_WH");
    unsetenv("MANTIS_CLAUDE_IMAGE_FORMAT");
    unsetenv("MANTIS_CLAUDE_IMAGE_QUALITY");
    unsetenv("MANTIS_IMAGE_SECRET");
}

static void a_worker_gets_its_own_user_directories_and_tmp(void **state)
{
    submit("r1", "[[" DO("report") "," END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    const char *said = wait_event("r1", "attempt=1");
    assert_non_null(strstr(said, "work=1 profile=1"));
    assert_non_null(strstr(said, "home=1"));
    assert_non_null(strstr(said, "browser="));
    assert_null(strstr(said, "evil"));
    if (geteuid() != 0) {
        print_message("SKIPPED: user and namespaces need root\n");
        return;
    }
    assert_non_null(strstr(said, "uid=460000"));
    assert_non_null(strstr(said, "parent=0")); /* it may pass through, not look around */
    assert_non_null(strstr(said, "own_tmp=1"));
    struct stat st;
    assert_int_equal(stat(run_file("r1", ""), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0711);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(stat(run_file("r1", "work"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(st.st_uid, 0); /* taken back: the slot's next run may be another tenant's */
    assert_int_equal(stat(dirs_profile(sched, pool, "acme", "r1"), &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(stat(run_file("r1", "status.json"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
}

static void a_worker_cannot_leave_its_directories_open(void **state)
{
    struct stat st;
    submit("r1", "[[" DO("open_up") "," END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    if (geteuid() != 0)
        skip();
    assert_int_equal(stat(run_file("r1", "work"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
    assert_int_equal(stat(dirs_profile(sched, pool, "acme", "r1"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0700);
}

static void the_last_words_of_a_long_log_are_found(void **state)
{
    char tail[64];
    submit("r1", "[[" DO("shout") "," END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(dirs_log_tail(sched, ACME("r1"), tail, sizeof(tail)), sizeof(tail) - 1);
    assert_true(str_ends(tail, "xxthat was it"));
    assert_int_equal(dirs_log_tail(sched, ACME("nobody"), tail, sizeof(tail)), 0);
}

static void a_worker_log_is_never_somebody_elses_file(void **state)
{
    char tail[64], *data;
    size_t len;
    char *secret = pool_printf(pool, "%s/secret", dir);
    char *log = pool_strdup(pool, run_file("r1", "work/worker.log"));
    assert_int_equal(file_write_atomic(secret, "secret", 6, 0600, NULL), 0);
    assert_int_equal(file_mkdirs(run_file("r1", "work"), 0700, NULL), 0);
    for (int hard = 0; hard < 2; hard++) {
        assert_int_equal(hard ? link(secret, log) : symlink(secret, log), 0);
        assert_int_equal(dirs_log_tail(sched, ACME("r1"), tail, sizeof(tail)), 0);
        int fd = dirs_open_log(sched, ACME("r1"));
        assert_int_equal(write(fd, "x", 1), 1);
        close(fd);
        assert_int_equal(dirs_log_tail(sched, ACME("r1"), tail, sizeof(tail)), 1);
        assert_int_equal(file_read(pool, secret, 64, &data, &len, NULL), 0);
        assert_string_equal(data, "secret");
        assert_int_equal(unlink(log), 0);
    }
}

#define BIG_EVENT(c)                                                                               \
    "{\"do\":\"send\",\"message\":{\"type\":\"event\",\"event\":{\"summary\":\"" c "\"}}}"

/* The server comes to reading only when the worker is dead, and stalls for longer than a dead one's
 * socket may stay open. */
static bool stalls_at_exit(void *arg)
{
    struct slot *slot = sched_slot_of(sched, ACME("r1"));
    if (slot && slot->proc.pidfd >= 0 && !*(bool *)arg) {
        struct pollfd ended = {.fd = slot->proc.pidfd, .events = POLLIN};
        assert_true(poll(&ended, 1, 100) >= 0);
    }
    if (slot && slot->exited && !*(bool *)arg) {
        *(bool *)arg = true;
        clock_fake(clock_mono_us() + 5 * INT64_C(1000000), clock_wall_us());
    }
    return record("r1", 0).state == RUN_SUCCEEDED && !slot;
}

static void what_a_dead_worker_said_is_read_to_the_end(void **state)
{
    bool stalled = false;
    char *filler = pool_alloc(pool, 60001);
    memset(filler, 'f', 60000);
    filler[60000] = 0;
    char *big = pool_printf(pool, BIG_EVENT("%s"), filler);
    submit("r1", pool_printf(pool,
                             "[[%s,%s,%s," STEP(5, TWO_ROWS) ",{\"do\":\"exit\",\"code\":3}],"
                                                             "[" DO("report") "," END(
                                                                 "completed", "", 6, TWO_ROWS) "]]",
                             big, big, big));
    int r = loop_wait(loop, stalls_at_exit, &stalled, clock_mono_ms() + DEADLINE_MS);
    clock_fake_off();
    assert_int_equal(r, 0);
    assert_true(stalled);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=5"));
}

static bool lock_is_free(void *arg)
{
    struct flock lock = {.l_type = F_WRLCK};
    int fd = open(arg, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool free_now = fcntl(fd, F_OFD_SETLK, &lock) == 0;
    close(fd);
    return free_now;
}

static void nothing_below_a_worker_outlives_it(void **state)
{
    submit("r1",
           "[[" DO("orphan") "," STEP(1, "") "," DO("die") "],[" END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_SUCCEEDED);
    char *path = pool_strdup(pool, run_file("r1", "work/orphan.lock"));
    assert_int_equal(loop_wait(loop, lock_is_free, path, clock_mono_ms() + DEADLINE_MS), 0);
}

/* What a machine without namespaces does, forced by calling the sweep on such an orphan. */
static void the_sweep_finds_an_orphan_by_its_home(void **state)
{
    int p[2];
    char byte;
    char *home = pool_printf(pool, "HOME=%s/tenants/acme/chrome-profile/p", dir);
    assert_int_equal(pipe2(p, O_CLOEXEC), 0);
    const char *argv[] = {"sleep", "60", NULL}, *env[] = {"PATH=/usr/bin:/bin", home, NULL};
    struct proc_fd fds[] = {{.from = p[1], .to = 1}};
    struct proc proc;
    struct proc_spec spec = {.argv = argv, .env = env, .fds = fds, .n_fds = 1};
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    close(p[1]);
    assert_int_equal(sweep_processes(pool_printf(pool, "%s/tenants/bolt", dir)), 0);
    assert_int_equal(sweep_processes(pool_printf(pool, "%s/tenants", dir)), 1);
    assert_int_equal(read(p[0], &byte, 1), 0);
    close(p[0]);
    proc_end(&proc, 0);
}

/* As on a machine without namespaces. */
static bool drop_sys_admin(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct caps[2];
    if (syscall(SYS_capget, &head, caps))
        return false;
    caps[0].effective &= ~(1u << CAP_SYS_ADMIN);
    caps[0].permitted &= ~(1u << CAP_SYS_ADMIN);
    caps[0].inheritable &= ~(1u << CAP_SYS_ADMIN);
    return syscall(SYS_capset, &head, caps) == 0;
}

static void with_a_bare_orphan(void)
{
    set_up(1);
    submit("r1",
           "[[{\"do\":\"orphan\",\"bare\":true}," STEP(1, "") "," END("completed", "", 1, "") "]]");
    wait_event("r1", "step 1");
    assert_false(sched_slot_of(sched, ACME("r1"))->isolated);
    wait_state("r1", RUN_SUCCEEDED);
    char *path = pool_strdup(pool, run_file("r1", "work/orphan.lock"));
    assert_int_equal(loop_wait(loop, lock_is_free, path, clock_mono_ms() + DEADLINE_MS), 0);
    tear_down();
}

static int in_a_child(void (*test)(void), bool (*prepare)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failed assert ends the child here */
        if (!prepare())
            _exit(77);
        test();
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void an_orphan_without_any_trace_is_found_by_its_user(void **state)
{
    tear_down();
    int r = geteuid() ? 77 : in_a_child(with_a_bare_orphan, drop_sys_admin);
    set_up(1);
    if (r == 77) {
        print_message("SKIPPED: another user needs root\n");
        skip();
    }
    assert_int_equal(r, 0);
}

/* Servers on one machine share the range of users. */
static void another_servers_worker_is_left_alone(void **state)
{
    if (geteuid() != 0)
        skip();
    const char *argv[] = {"sleep", "60", NULL}, *env[] = {"PATH=/usr/bin:/bin", NULL};
    struct proc proc;
    struct proc_spec spec = {.argv = argv, .env = env, .uid = 460000};
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    pid_t other = fork();
    if (other == 0) {
        sweep_user(460000);
        _exit(0);
    }
    assert_int_equal(waitpid(other, NULL, 0), other);
    assert_true(proc_alive(&proc));
    sweep_user(460001);
    assert_true(proc_alive(&proc));
    sweep_user(460000);
    struct pollfd ended = {.fd = proc.pidfd, .events = POLLIN};
    assert_int_equal(poll(&ended, 1, DEADLINE_MS), 1);
    proc_end(&proc, 0);
}

/* A lock names its server by pid; the number is one no display of this machine has. */
static bool x_lock_survives(pid_t server)
{
    char path[64], text[16];
    snprintf(path, sizeof(path), "/tmp/.X%d-lock", 100000 + (int)getpid());
    snprintf(text, sizeof(text), "%10d\n", (int)server);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0444, NULL), 0);
    sweep_x_locks(geteuid() + 1);
    assert_true(exists(path));
    sweep_x_locks(geteuid());
    bool there = exists(path);
    unlink(path);
    return there;
}

static void x_locks_of_dead_servers_are_swept(void **state)
{
    pid_t dead = fork();
    if (dead == 0)
        _exit(0);
    assert_int_equal(waitpid(dead, NULL, 0), dead);
    assert_true(x_lock_survives(getpid()));
    assert_false(x_lock_survives(dead));
}

static void a_screenshot_is_never_read_through_a_link(void **state)
{
    char *elsewhere = pool_printf(pool, "%s/elsewhere", dir),
         *png = pool_printf(pool, "%s/1.png", elsewhere);
    assert_int_equal(mkdir(elsewhere, 0777), 0);
    assert_int_equal(file_write_atomic(png, "\x89PNG\r\n\x1a\nsecret", 14, 0600, NULL), 0);
    submit("r1", pool_printf(pool,
                             "[[{\"do\":\"link_screenshots\",\"to\":\"%s\"}," END("completed", "",
                                                                                  1, "") "]]",
                             elsewhere));
    wait_state("r1", RUN_SUCCEEDED);
    assert_false(exists(run_file("r1", "final.png")));
    assert_int_equal(json_array_size(json_object_get(result_of("r1"), "artifacts")), 0);
}

static void a_missing_worker_program_is_said(void **state)
{
    const char *reason;
    tear_down();
    worker = "/nonexistent/mantis-worker";
    set_up(1);
    worker = NULL;
    assert_false(sched_ready(sched, &reason));
    assert_non_null(strstr(reason, "mantis-worker"));
    submit("r1", "[[]]");
    wait_state("r1", RUN_FAILED);
    assert_non_null(strstr(json_str(status_of("r1"), "error", ""), "cannot start"));
}

/* One run's directory must not be able to stop the others. */
static void a_run_whose_directories_cannot_be_made_fails_alone(void **state)
{
    char *work = pool_strdup(pool, run_file("r1", "work"));
    assert_int_equal(file_mkdirs(run_file("r1", ""), 0711, NULL), 0);
    assert_int_equal(file_write_atomic(work, "x", 1, 0600, NULL), 0);
    submit("r1", "[[]]");
    submit("r2", "[[" END("completed", "", 1, "") "]]");
    wait_state("r1", RUN_FAILED);
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).attempts, CAP_ATTEMPTS_NO_PROGRESS);
    assert_non_null(strstr(json_str(status_of("r1"), "error", ""), "cannot use directory"));
}

static bool on_hold(void *arg)
{
    return sched->hold != NULL;
}

static void a_machine_without_descriptors_costs_no_attempt(void **state)
{
    struct rlimit before, none;
    struct wish plain = {0};
    struct err answer;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    submit_soon("r1", "[[" END("completed", "", 1, "") "]]", &plain, &answer);
    none = before;
    none.rlim_cur = 3;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int r = loop_wait(loop, on_hold, NULL, clock_mono_ms() + DEADLINE_MS);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(r, 0);
    assert_non_null(strstr(sched->hold, "open files"));
    assert_int_equal(record("r1", 0).attempts, 0);
    sched_dispatch_soon(sched, 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).attempts, 1);
}

static void a_missing_browser_is_said(void **state)
{
    const char *reason;
    settings.browser = "/nonexistent/browser";
    if (access("/usr/bin/Xvfb", X_OK)) {
        print_message("SKIPPED: there is no Xvfb here\n");
        skip();
    }
    assert_false(sched_ready(sched, &reason));
    assert_non_null(strstr(reason, "MANTIS_BROWSER"));
}

static void warnings_stand_in_the_handle_and_in_one_event(void **state)
{
    struct wish wish = {.resume_state = true, .key_hash = "k"};
    const char *said = "workflow 'acme__w' has no checkpoint of this plan";
    json_t *events;
    assert_int_equal(submit_with("r1", QUICK, &wish, NULL), 0);
    assert_true(has_event("r1", said, NULL));
    submit("r2", QUICK);
    assert_int_equal(store_events_get(store, pool, ACME("r1"), 0, 10, &events, NULL), 0);
    const json_t *second = json_array_get(events, 1);
    assert_string_equal(json_str(second, "kind", ""), "warning");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(second, "detail"), "warnings")), 1);
    assert_int_equal(store_events_get(store, pool, ACME("r2"), 0, 10, &events, NULL), 0);
    assert_string_not_equal(json_str(json_array_get(events, 1), "kind", ""), "warning");
    struct store_key key;
    assert_int_equal(store_key_get(store, pool, "acme", "k", 0, &key, NULL), 0);
    assert_non_null(strstr(key.reply, "\"warnings\":[\"'resume_state'"));
}

#define PAID ONE_ROW "],\"costs\":{\"gpu\":3,\"total\":3},\"collected_urls\":["

static void resume_state_starts_from_the_workflows_checkpoint(void **state)
{
    submit("r1", "[[" STEP(7, PAID) "," END("halted", "budget_cap", 7, PAID) "]]");
    wait_state("r1", RUN_HALTED);
    assert_true(record("r1", 0).cost_usd == 3);
    struct wish wish = {.resume_state = true};
    assert_int_equal(submit_with("r2", "[[" DO("report") "," END("completed", "", 9, TWO_ROWS) "]]",
                                 &wish, NULL),
                     0);
    wait_state("r2", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r2", "attempt=1"), "step=7"));
    assert_non_null(strstr(wait_event("r2", "attempt=1"), "cost=0 ")); /* the other run's */
    assert_true(json_flag(result_of("r2"), "resume_state", false));
}

/* --- a full disk -------------------------------------------------------------------------------
 */

static void fill_disk(void)
{
    char *path = pool_printf(pool, "%s/filler", dir), block[4096];
    memset(block, 'f', sizeof(block));
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof(block)) > 0) {
    }
    close(fd);
}

static bool held_back(void *arg)
{
    struct slot *slot = sched_slot_of(sched, ACME("r1"));
    return slot && slot->exited && json_array_size(slot->backlog) > 0;
}

/* Runs in a child with its own mounts. The worker goes on only when told so by a cancel or its end.
 */
static void on_a_small_disk(void)
{
    struct err err = {0};
    set_up(1);
    submit("r1", "[[" STEP(1, ONE_ROW) ",{\"do\":\"wait_file\",\"name\":\"go\"}," STEP(
                     2, TWO_ROWS) "," DO("hang") "],[" DO("report") "," END("completed", "", 9,
                                                                            TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    const char *go = run_file("r1", "work/downloads/go");
    assert_int_equal(file_write_atomic(go, "", 0, 0644, NULL), 0);
    fill_disk();
    /* a checkpoint that cannot be stored ends the attempt after a few tries, and is kept */
    assert_int_equal(loop_wait(loop, held_back, NULL, clock_mono_ms() + DEADLINE_MS), 0);
    assert_int_equal(submit_as("acme", "r2", "r2", "[[]]", &err), E_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "disk is full"));
    assert_null(strstr(err.msg, dir));
    assert_string_equal(json_str(status_of("r1"), "status", ""), "running");
    assert_int_equal(unlink(pool_printf(pool, "%s/filler", dir)), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=2"));
    assert_int_equal(rows_of("r1"), 2);
    assert_int_equal(submit_as("acme", "r2", "r2", "[[" END("completed", "", 1, "") "]]", NULL), 0);
    wait_state("r2", RUN_SUCCEEDED);
    tear_down();
}

/* Seconds go by in milliseconds. */
static void hurry_until(loop_cond_fn *cond, void *arg, bool full)
{
    for (int turn = 0; turn < 3000 && !cond(arg); turn++) {
        if (full)
            fill_disk();
        clock_fake(clock_mono_us() + 100000, clock_wall_us() + 100000);
        turn_once();
    }
    assert_true(cond(arg));
}

static bool slot_is_free(void *arg)
{
    return !sched_slot_of(sched, ACME(arg));
}

/* Not even the reserve helps: the slot is given up, and its run goes on when there is room. */
static void on_a_disk_that_stays_full(void)
{
    char id[] = "r1";
    struct want over = {.run_id = id, .state = RUN_SUCCEEDED};
    set_up(1);
    assert_null(reserve_hold(sched, pool));
    submit("r1", "[[" STEP(1, ONE_ROW) ",{\"do\":\"wait_file\",\"name\":\"go\"}," STEP(
                     2, TWO_ROWS) "," DO("hang") "],[" DO("report") "," END("completed", "", 9,
                                                                            TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    assert_int_equal(file_write_atomic(run_file("r1", "work/downloads/go"), "", 0, 0644, NULL), 0);
    fill_disk();
    hurry_until(slot_is_free, id, true);
    assert_false(sched->reserved);
    assert_int_equal(record("r1", 0).state, RUN_RUNNING);
    assert_int_equal(unlink(pool_printf(pool, "%s/filler", dir)), 0);
    hurry_until(in_state, &over, false);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=1"));
    assert_int_equal(rows_of("r1"), 2);
    tear_down();
}

/* What piled up meanwhile must not use up the space kept for the end. */
static void on_a_disk_that_fills_up(void)
{
    char id[] = "r1";
    struct want over = {.run_id = id, .state = RUN_FAILED};
    set_up(1);
    assert_null(reserve_hold(sched, pool));
    submit("r1", "[[" STEP(1, ONE_ROW) ",{\"do\":\"wait_file\",\"name\":\"go\"},{\"do\":"
                                       "\"checkpoints\",\"checkpoint\":" CHECKPOINT(
                                           2, TWO_ROWS) "}," DO("hang") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(file_write_atomic(run_file("r1", "work/downloads/go"), "", 0, 0644, NULL), 0);
    fill_disk();
    hurry_until(in_state, &over, false);
    assert_string_equal(json_str(status_of("r1"), "halt_class", ""), "disk_full");
    assert_int_equal(rows_of("r1"), 2);
    tear_down();
}

static bool mount_small_disk(void)
{
    return !unshare(CLONE_NEWNS) && !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
           !mount("tmpfs", dir, "tmpfs", 0, "size=1m,mode=711");
}

static void with_a_small_disk(void (*test)(void))
{
    tear_down();
    int r = in_a_child(test, mount_small_disk);
    set_up(1);
    if (r == 77) {
        print_message("SKIPPED: mounting a small disk needs root\n");
        skip();
    }
    assert_int_equal(r, 0);
}

static void a_full_disk_loses_nothing(void **state)
{
    with_a_small_disk(on_a_small_disk);
}

static void a_disk_that_stays_full_does_not_keep_a_slot(void **state)
{
    with_a_small_disk(on_a_disk_that_stays_full);
}

static void a_run_on_a_full_disk_ends_on_the_space_kept_for_that(void **state)
{
    with_a_small_disk(on_a_disk_that_fills_up);
}

static void only_a_full_disk_is_called_full(void **state)
{
    assert_int_equal(mkdir(pool_printf(pool, "%s/reserve", dir), 0700), 0);
    const char *reason = reserve_hold(sched, pool);
    assert_non_null(reason);
    assert_null(strstr(reason, "full"));
    assert_non_null(strstr(reason, "Is a directory"));
    assert_null(strstr(reason, dir));
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_run_goes_from_queued_to_succeeded_with_its_files),
        T(artifacts_are_found_by_listed_names_only),
        T(what_a_worker_left_is_given_out_and_no_link),
        T(another_tenant_sees_nothing),
        T(logs_are_message_and_time),
        T(a_dead_worker_is_followed_by_one_that_goes_on),
        T(a_worker_that_exits_without_an_end_is_lost),
        T(three_attempts_without_progress_end_the_run_with_its_rows),
        T(rubbish_from_a_worker_costs_it_its_life),
        T(endings_get_their_words),
        T(a_page_that_did_not_open_says_which_and_why),
        T(a_failed_step_makes_completed_with_failures),
        T(a_queued_run_is_cancelled_at_once),
        T(what_a_plan_cost_is_in_the_run_that_never_began),
        T(a_queued_run_is_cancelled_in_one_commit),
        T(a_running_run_is_cancelled_at_once_and_its_rows_follow),
        T(an_end_that_crosses_a_cancel_does_not_undo_it),
        T(a_worker_deaf_to_cancel_is_killed),
        T(a_cancel_does_not_wait_for_a_recording_to_be_mended),
        T(a_run_past_its_time_is_killed_and_says_timeout),
        T(a_busy_profile_is_refused_and_free_after_the_end),
        T(a_profile_is_not_leased_while_its_last_worker_lives),
        T(tenants_take_turns),
        T(journal_entries_are_on_disk_before_they_are_acked),
        T(a_restart_takes_up_what_was_queued_and_under_way),
        T(a_restart_stores_the_rows_of_a_cancelled_run),
        T(a_restart_sweeps_what_its_slots_left),
        T(a_drain_leaves_runs_to_the_next_start),
        T(a_drain_kills_the_deaf_at_its_deadline),
        T(a_watch_fires_once_when_the_result_is_there),
        T(a_switch_of_the_request_reaches_the_worker),
        T(a_worker_gets_the_variables_of_pictures_and_no_others),
        T(a_worker_gets_its_own_user_directories_and_tmp),
        T(a_worker_cannot_leave_its_directories_open),
        T(the_last_words_of_a_long_log_are_found),
        T(a_worker_log_is_never_somebody_elses_file),
        T(what_a_dead_worker_said_is_read_to_the_end),
        T(nothing_below_a_worker_outlives_it),
        T(an_orphan_without_any_trace_is_found_by_its_user),
        T(another_servers_worker_is_left_alone),
        T(the_sweep_finds_an_orphan_by_its_home),
        T(x_locks_of_dead_servers_are_swept),
        T(a_screenshot_is_never_read_through_a_link),
        T(a_missing_worker_program_is_said),
        T(a_run_whose_directories_cannot_be_made_fails_alone),
        T(a_machine_without_descriptors_costs_no_attempt),
        T(a_missing_browser_is_said),
        T(warnings_stand_in_the_handle_and_in_one_event),
        T(resume_state_starts_from_the_workflows_checkpoint),
        T(a_full_disk_loses_nothing),
        T(a_disk_that_stays_full_does_not_keep_a_slot),
        T(a_run_on_a_full_disk_ends_on_the_space_kept_for_that),
        T(only_a_full_disk_is_called_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
