/*
 * test_sched_pause.c - pause and resume in every state a run can be in.
 */
#include "unit/sched_rig.h"

#include <ftw.h>
#include <limits.h>
#include <string.h>

#include "base/caps.h"

#define PAUSED "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"step_index\":1}}"
#define STANDS STEP(1, ONE_ROW) "," EXPECT("pause") "," PAUSED

static void pause_run(const char *id, const char *reason)
{
    struct err err = {0};
    if (sched_pause(sched, ACME(id), reason, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
}

static int resume_run(const char *id)
{
    int64_t at = 0;
    int r = sched_resume(sched, ACME(id), NULL, &at, NULL);
    if (!r)
        assert_true(at > 0);
    return r;
}

static void start_and_pause(const char *id, const char *then)
{
    submit(id, pool_printf(pool, "[[" STANDS ",%s", then));
    wait_event(id, "step 1");
    pause_run(id, "lunch");
    wait_event(id, "stopped before step 2");
}

static void a_running_run_stands_still_and_goes_on_when_told(void **state)
{
    start_and_pause(
        "r1", EXPECT("resume") "," STEP(2, TWO_ROWS) "," END("completed", "", 3, TWO_ROWS) "]]");
    json_t *doc = status_of("r1");
    assert_string_equal(json_str(doc, "status", ""), "paused");
    assert_string_equal(json_str(doc, "pause_reason", ""), "lunch");
    assert_int_equal(strlen(json_str(doc, "paused_at", "")), 32);
    assert_false(json_flag(doc, "terminal", true));
    assert_true(json_flag(doc, "in_memory_thread_alive", false));
    assert_int_equal(resume_run("r1"), 0);
    assert_int_equal(record("r1", 0).state, RUN_RUNNING);
    doc = status_of("r1");
    assert_null(json_object_get(doc, "pause_reason"));
    assert_int_equal(strlen(json_str(doc, "resumed_at", "")), 32);
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).attempts, 1);
    assert_int_equal(rows_of("r1"), 2);
}

static void a_long_reason_is_cut(void **state)
{
    json_t *events, *event;
    size_t i;
    char *reason = pool_alloc(pool, 100001);
    memset(reason, 'x', 100000);
    submit("r0", "[[" STEP(1, "") "," EXPECT("cancel") "]]");
    submit("r1", QUICK);
    pause_run("r1", reason);
    assert_int_equal(strlen(json_str(status_of("r1"), "pause_reason", "")), CAP_REASON_BYTES);
    assert_int_equal(sched_cancel(sched, ACME("r1"), reason, NULL), 0);
    assert_int_equal(strlen(json_str(status_of("r1"), "cancel_reason", "")), CAP_REASON_BYTES);
    assert_int_equal(store_events_get(store, pool, ACME("r1"), 0, 9, &events, NULL), 0);
    json_array_foreach (events, i, event)
        assert_true(strlen(json_str(event, "summary", "")) <= 300); /* http-api.md section 11 */
}

static void a_queued_run_waits_outside_the_queue(void **state)
{
    submit("r0", "[[" STEP(1, "") "," EXPECT("cancel") "]]");
    wait_event("r0", "step 1");
    submit("r1", QUICK);
    submit("r2", QUICK);
    pause_run("r1", "");
    assert_string_equal(json_str(status_of("r1"), "pause_reason", ""), "external");
    assert_int_equal(json_int(status_text_of(ACME("r2")), "queue_position", 0), 1);
    assert_int_equal(sched_cancel(sched, ACME("r0"), "", NULL), 0);
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    assert_int_equal(record("r1", 0).attempts, 0);
    assert_int_equal(resume_run("r1"), 0);
    wait_state("r1", RUN_SUCCEEDED);
}

static void a_recovering_run_can_be_paused(void **state)
{
    submit("r1", "[[" STEP(4, ONE_ROW) "," DO("hang") "],[" DO("report") "," END("completed", "", 5,
                                                                                 TWO_ROWS) "]]");
    wait_event("r1", "step 4");
    restart_all(1);
    assert_int_equal(record("r1", 0).state, RUN_RECOVERING);
    pause_run("r1", "");
    submit("r2", QUICK);
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    assert_int_equal(resume_run("r1"), 0);
    assert_int_equal(record("r1", 0).state, RUN_QUEUED);
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=4"));
}

static void what_cannot_be_paused_or_resumed_is_said(void **state)
{
    struct err err = {0};
    submit("r1", "[[" STEP(1, "") "," EXPECT("cancel") "," END("cancelled", "", 1, "") "]]");
    wait_event("r1", "step 1");
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, &err), E_INVALID);
    assert_string_equal(err.msg, "run 'r1' is running, not paused");
    pause_run("r1", "");
    assert_int_equal(sched_pause(sched, ACME("r1"), "", &err), E_INVALID);
    assert_non_null(strstr(err.msg, "is paused"));
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(sched_pause(sched, ACME("r1"), "", NULL), E_INVALID);
    assert_int_equal(resume_run("r1"), E_INVALID);
    assert_int_equal(sched_pause(sched, ACME("nobody"), "", NULL), E_NOT_FOUND);
    assert_int_equal(resume_run("nobody"), E_NOT_FOUND);
}

static void a_paused_run_is_cancelled_like_any_other(void **state)
{
    start_and_pause("r1", EXPECT("cancel") "," END("cancelled", "", 2, TWO_ROWS) "]]");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 2);
    /* also one without a worker, at once */
    submit("r2", "[[" STEP(1, ONE_ROW) "," DO("hang") "]]");
    wait_event("r2", "step 1");
    pause_run("r2", "");
    restart_all(1);
    assert_int_equal(sched_cancel(sched, ACME("r2"), "", NULL), 0);
    assert_int_equal(rows_of("r2"), 1);
    assert_int_equal(record("r2", 0).state, RUN_CANCELLED);
}

static void a_paused_worker_deaf_to_cancel_is_killed(void **state)
{
    start_and_pause("r1", DO("hang") "]]");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_int_equal(rows_of("r1"), 1);
}

static bool slot_is_free(void *arg)
{
    return !sched_slot_of(sched, ACME(arg));
}

static void a_worker_that_dies_while_paused_leaves_the_run_paused(void **state)
{
    char id[] = "r1";
    start_and_pause(id, DO("die") "],[" DO("report") "," END("completed", "", 3, TWO_ROWS) "]]");
    wait_until(slot_is_free, id);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    assert_true(has_event(id, "was lost", NULL));
    assert_false(json_flag(status_text_of(ACME(id)), "in_memory_thread_alive", true));
    submit("r2", QUICK); /* it has no slot any more */
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    assert_int_equal(submit_as("acme", "r3", id, QUICK, NULL), E_CONFLICT); /* but its profile */
    assert_int_equal(resume_run(id), 0);
    wait_state(id, RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event(id, "attempt=2"), "step=1"));
}

static void a_pause_that_is_never_answered_is_a_pause(void **state)
{
    char id[] = "r1";
    submit(id, "[[" STEP(1, ONE_ROW) "," EXPECT("pause") "," DO("die") "],[" END("completed", "", 2,
                                                                                 ONE_ROW) "]]");
    wait_event(id, "step 1");
    pause_run(id, "");
    wait_until(slot_is_free, id);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    assert_int_equal(resume_run(id), 0);
    wait_state(id, RUN_SUCCEEDED);
}

static void a_restart_leaves_a_paused_run_paused(void **state)
{
    start_and_pause("r1", DO("hang") "],[" DO("report") "," END("completed", "", 3, TWO_ROWS) "]]");
    restart_all(1);
    submit("r2", QUICK);
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    assert_int_equal(sched_live_runs(sched, "acme"), 1);
    assert_int_equal(resume_run("r1"), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event("r1", "attempt=2"), "step=1"));
}

static void count(void *arg)
{
    ++*(int *)arg;
}

static bool counted(void *arg)
{
    return *(int *)arg > 0;
}

static void a_drain_ends_a_paused_worker_and_not_the_pause(void **state)
{
    int drained = 0;
    start_and_pause("r1", EXPECT("drain") "," LOST("drain", "drain") "],[" END("completed", "", 3,
                                                                               TWO_ROWS) "]]");
    sched_drain(sched, count, &drained);
    wait_until(counted, &drained);
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    restart_all(1);
    assert_int_equal(resume_run("r1"), 0);
    wait_state("r1", RUN_SUCCEEDED);
}

static void a_pause_during_the_last_step_does_not_keep_a_run_from_ending(void **state)
{
    submit("r1",
           "[[" STEP(1, ONE_ROW) "," EXPECT("pause") "," END("completed", "", 2, TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    pause_run("r1", "");
    wait_state("r1", RUN_SUCCEEDED);
    assert_int_equal(rows_of("r1"), 2);
}

static void a_resume_that_crosses_the_answer_leaves_nothing_behind(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("resume") "," PAUSED "," STEP(2, ONE_ROW) "," END(
                     "completed", "", 2, TWO_ROWS) "]]");
    wait_event("r1", "step 1");
    pause_run("r1", "");
    assert_int_equal(resume_run("r1"), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_false(has_event("r1", "stopped before", NULL));
}

static bool said_lost(void *arg)
{
    struct slot *slot = sched_slot_of(sched, ACME(arg));
    return !slot || slot->lost_reason;
}

static void a_resume_while_the_worker_is_ending_is_a_conflict(void **state)
{
    char id[] = "r1";
    struct err err = {0};
    start_and_pause(id, LOST("Chromium died", "plane_gone") "," DO("hang") "],[" END(
                            "completed", "", 2, ONE_ROW) "]]");
    wait_until(said_lost, id);
    assert_non_null(sched_slot_of(sched, ACME(id)));
    assert_int_equal(sched_resume(sched, ACME(id), NULL, NULL, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "still ending"));
    slot_kill(sched_slot_of(sched, ACME(id)));
    wait_until(slot_is_free, id);
    assert_int_equal(resume_run(id), 0);
    wait_state(id, RUN_SUCCEEDED);
}

static void time_does_not_run_while_paused(void **state)
{
    const int64_t long_us = (60 + CAP_RUN_KILL_AFTER_S) * INT64_C(1000000);
    settings.pause_hold_s = INT_MAX;
    start_and_pause("r1", EXPECT("resume") "," STEP(2, ONE_ROW) "," DO("hang") "]]");
    int64_t mono = clock_mono_us();
    clock_fake(mono + 10 * long_us, clock_wall_us());
    turn_once();
    clock_fake(mono + 20 * long_us, clock_wall_us());
    turn_once();
    assert_int_equal(record("r1", 0).state, RUN_PAUSED);
    assert_false(sched_slot_of(sched, ACME("r1"))->over_time);
    assert_int_equal(resume_run("r1"), 0);
    clock_fake_off(); /* backwards, which only tests do */
    wait_event("r1", "step 2");
    int64_t left = sched_slot_of(sched, ACME("r1"))->cap_timer.at_mono_ms - clock_mono_ms();
    assert_true(left > 20 * (long_us / 1000)); /* counted from the resume */
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
}

static void a_paused_worker_is_held_for_a_while(void **state)
{
    char id[] = "r1";
    settings.pause_hold_s = 1;
    start_and_pause(id, EXPECT("drain") "," STEP(2, TWO_ROWS) "," LOST("drain", "drain") "],[" DO(
                              "report") "," END("completed", "", 3, TWO_ROWS) "]]");
    assert_non_null(sched_slot_of(sched, ACME(id)));
    wait_until(slot_is_free, id); /* though nobody waits for it */
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    submit("r2", QUICK);
    wait_state("r2", RUN_SUCCEEDED);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    assert_int_equal(resume_run(id), 0);
    wait_state(id, RUN_SUCCEEDED);
    assert_non_null(strstr(wait_event(id, "attempt=2"), "step=2"));
}

/* --- a run that asks --------------------------------------------------------------------------- */

#define SECRET "8163597"
#define ASKS(n)                                                                                    \
    "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"kind\":\"user_input\",\"step_index\":1,"  \
    "\"reason\":\"otp\",\"prompt\":\"The code from the mail?\",\"pending_tool\":"                  \
    "\"request_user_input\",\"pending_arguments\":{\"prompt\":\"The code from the mail?\"},"       \
    "\"input\":" #n "}}"
#define CHALLENGE                                                                                  \
    "{\"do\":\"send\",\"message\":{\"type\":\"paused\",\"kind\":\"captcha\",\"step_index\":1,"     \
    "\"reason\":\"cf_challenge_human_takeover\"}}"
#define DONE STEP(2, ONE_ROW) "," END("completed", "", 3, ONE_ROW)

static void answer(const char *id)
{
    struct err err = {0};
    json_t *value = json_string(SECRET);
    if (sched_resume(sched, ACME(id), value, NULL, &err))
        fail_msg("%s", err.msg);
    json_decref(value);
}

static void empty_answers_are_refused(const char *id)
{
    static const char *const empty[] = {"\"\"", "\"  \"", "{}", "[]"};
    for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
        struct err err = {0};
        json_t *value = json_keep(pool, json_loads(empty[i], JSON_DECODE_ANY, NULL));
        assert_int_equal(sched_resume(sched, ACME(id), value, NULL, &err), E_INVALID);
        assert_non_null(strstr(err.msg, "user_input is empty"));
        assert_int_equal(record(id, 0).state, RUN_PAUSED);
    }
}

static void zero_and_false_are_answers(void **state)
{
    static const char *const given[] = {"0", "false", "{\"code\":1}"};
    for (size_t i = 0; i < ARRAY_SIZE(given); i++) {
        struct err err = {0};
        const char *id = pool_printf(pool, "r%zu", i);
        submit(id, "[[" STEP(1, ONE_ROW) "," ASKS(1) "," EXPECT("resume") "," DONE "]]");
        wait_state(id, RUN_PAUSED);
        json_t *value = json_keep(pool, json_loads(given[i], JSON_DECODE_ANY, NULL));
        if (sched_resume(sched, ACME(id), value, NULL, &err))
            fail_msg("%s: %s", given[i], err.msg);
        wait_state(id, RUN_SUCCEEDED);
    }
}

static bool file_holds(const char *path, const char *text)
{
    char *data;
    size_t len;
    if (file_read(pool, path, 64 << 20, &data, &len, NULL))
        return false;
    return memmem(data, len, text, strlen(text)) != NULL;
}

static int seen_files, holding;

static int look_into(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    seen_files += kind == FTW_F;
    holding += kind == FTW_F && file_holds(path, SECRET);
    return 0;
}

static void secret_is_in_no_file(void)
{
    seen_files = holding = 0;
    assert_int_equal(nftw(dir, look_into, 16, FTW_PHYS), 0);
    assert_true(seen_files > 3);
    assert_int_equal(holding, 0);
}

#define STANDS_ON_A_FORM                                                                           \
    "{\"do\":\"send\",\"message\":{\"type\":\"checkpoint\",\"events\":[],\"checkpoint\":{"               \
    "\"step_index\":1,\"elapsed_s\":1,\"rows\":[],\"step_results\":[],\"browser_state\":{\"url\":"       \
    "\"http://a.test/\",\"form_state\":{"                                                          \
    "\"#name\":{\"kind\":\"text\",\"value\":\"harbor-42\",\"masked\":false},"                       \
    "\"#note\":{\"kind\":\"text\",\"value\":\"\",\"masked\":false},"                                \
    "\"#ok\":{\"kind\":\"checkbox\",\"value\":\"true\",\"masked\":false}}}}}}"

/* Whoever may read a status need not know what the plan types: the request's echo hides it, too. */
static void the_state_of_a_pause_hides_what_the_plan_types(void **state)
{
    struct step step;
    struct err err = {0};
    json_t *object = json_keep(pool, json_pack("{s:s,s:s,s:{s:s,s:s}}", "type", "fill_field", "intent",
                                               "Type", "params", "label", "Password", "value", "harbor-42"));
    assert_int_equal(step_from_json(pool, object, 0, &step, &err), 0);
    struct wish wish = {.step = &step};
    submit_with("r1", "[[" STANDS_ON_A_FORM "," ASKS(1) "," EXPECT("resume") "," DONE "]]", &wish,
                NULL);
    wait_state("r1", RUN_PAUSED);
    json_t *pause = json_object_get(status_of("r1"), "pause_state");
    const char *text = json_text(pool, pause);
    json_t *form = json_object_get(json_object_get(pause, "browser_state"), "form_state");
    assert_string_equal(json_text(pool, form),
                        "{\"#name\":{\"kind\":\"text\",\"value\":\"***\",\"masked\":false},"
                        "\"#note\":{\"kind\":\"text\",\"value\":\"\",\"masked\":false},"
                        "\"#ok\":{\"kind\":\"checkbox\",\"value\":\"true\",\"masked\":false}}");
    assert_non_null(strstr(text, "\"label\":\"Password\",\"value\":\"***\""));
    assert_null(strstr(text, "harbor-42"));
    answer("r1");
    wait_state("r1", RUN_SUCCEEDED);
}

static void a_question_is_shown_and_wants_an_answer(void **state)
{
    struct err err = {0};
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS(1) "," EXPECT("resume") "," DO("answers") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    json_t *doc = status_of("r1"), *pause = json_object_get(doc, "pause_state");
    assert_string_equal(json_str(doc, "prompt", ""), "The code from the mail?");
    assert_string_equal(json_str(doc, "reason", ""), "otp");
    json_t *phase = phase_text_of(ACME("r1"));
    assert_string_equal(json_str(phase, "phase", ""), "running");
    assert_string_equal(json_str(phase, "status", ""), "paused");
    assert_string_equal(json_str(phase, "prompt", ""), "The code from the mail?");
    assert_int_equal(strlen(json_str(doc, "paused_at", "")), 32);
    assert_int_equal(json_int(pause, "version", 0), 1);
    assert_string_equal(json_str(pause, "run_key", ""), "r1");
    assert_string_equal(json_str(pause, "pending_tool", ""), "request_user_input");
    assert_string_equal(json_str(pause, "pending_reason", ""), "otp");
    assert_string_equal(json_str(pause, "prompt", ""), "The code from the mail?");
    assert_int_equal(json_int(pause, "step_index", -1), 1);
    assert_int_equal(json_array_size(json_object_get(pause, "step_results")), 1);
    assert_non_null(json_object_get(pause, "plan_signature"));
    assert_non_null(json_object_get(json_object_get(pause, "resolved_task_suite"), "_micro_plan"));
    wait_event("r1", "paused: otp: The code from the mail?");
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "user_input"));
    empty_answers_are_refused("r1");
    answer("r1");
    doc = status_of("r1");
    assert_null(json_object_get(doc, "prompt"));
    assert_null(json_object_get(doc, "pause_state"));
    assert_null(json_object_get(phase_text_of(ACME("r1")), "status"));
    wait_state("r1", RUN_SUCCEEDED);
    assert_string_equal(wait_event("r1", "answers"), "answers 1=7");
    assert_int_equal(record("r1", 0).attempts, 1);
    secret_is_in_no_file();
}

static const char *waits_for(const char *tenant, const char *id)
{
    return json_str(status_text_of(RUN_KEY(tenant, id)), "queue_reason", "");
}

static void a_waiting_run_says_what_it_waits_for(void **state)
{
    struct err err = {0};
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS(1) "," EXPECT("resume") "," STEP(2, ONE_ROW) "," EXPECT(
                     "cancel") "]]");
    submit("r2", QUICK);
    assert_int_equal(submit_as("other", "r3", "p", QUICK, &err), 0);
    wait_state("r1", RUN_PAUSED);
    assert_string_equal(waits_for("acme", "r2"), "run 'r1' is paused and keeps its slot: resume or cancel it");
    assert_string_equal(waits_for("other", "r3"), "every slot is taken"); /* whose, is not theirs to know */
    answer("r1");
    wait_event("r1", "step 2");
    assert_string_equal(waits_for("acme", "r2"), "every slot is taken");
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r2", RUN_SUCCEEDED);
    assert_null(json_object_get(status_text_of(ACME("r2")), "queue_reason"));
}

/* Nobody holds the worker any more: the next one is given it. */
static void an_answer_waits_for_the_next_worker(void **state)
{
    char id[] = "r1";
    submit(id, "[[" STEP(1, ONE_ROW) "," ASKS(2) "," DO("die") "],[" DO("answers") "," DO("die") "],[" DO(
                   "answers") "," DONE "]]");
    wait_state(id, RUN_PAUSED);
    wait_until(slot_is_free, id);
    assert_int_equal(record(id, 0).state, RUN_PAUSED);
    answer(id);
    wait_state(id, RUN_SUCCEEDED);
    assert_string_equal(wait_event(id, "answers"), "answers 2=7");
    assert_int_equal(record(id, 0).attempts, 3);
    secret_is_in_no_file();
    assert_null(answers_of(sched, ACME(id))); /* not longer than the run */
}

static void a_question_outlives_the_server_and_an_answer_does_not(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS(1) "," DO("hang") "],[" DO("answers") "," ASKS(
                     1) "," EXPECT("resume") "," DO("answers") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    restart_all(1);
    assert_string_equal(json_str(status_of("r1"), "prompt", ""), "The code from the mail?");
    answer("r1");
    restart_all(1); /* before any worker had it */
    wait_event("r1", "answers");
    wait_state("r1", RUN_PAUSED); /* and it asks again */
    assert_string_equal(json_str(status_of("r1"), "prompt", ""), "The code from the mail?");
    answer("r1");
    wait_state("r1", RUN_SUCCEEDED);
    assert_string_equal(wait_event("r1", "answers 1"), "answers 1=7");
    secret_is_in_no_file();
}

static void an_answer_comes_with_the_request(void **state)
{
    struct wish wish = {.user_input = SECRET};
    assert_int_equal(submit_with("r1", "[[" DO("answers") "," DONE "]]", &wish, NULL), 0);
    wait_state("r1", RUN_SUCCEEDED);
    assert_string_equal(wait_event("r1", "answers"), "answers 1=7");
    secret_is_in_no_file();
}

static void a_question_to_a_run_that_a_caller_paused(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," EXPECT("pause") "," ASKS(1) "," EXPECT("resume") "," DO(
                     "answers") "," DONE "]]");
    wait_event("r1", "step 1");
    pause_run("r1", "lunch");
    wait_event("r1", "The code from the mail?");
    assert_int_equal(sched_resume(sched, ACME("r1"), NULL, NULL, NULL), E_INVALID);
    answer("r1");
    wait_state("r1", RUN_SUCCEEDED);
    assert_string_equal(wait_event("r1", "answers"), "answers 1=7");
}

static void a_question_is_cancelled_within_two_seconds(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," ASKS(1) "," DO("hang") "]]");
    wait_state("r1", RUN_PAUSED);
    int64_t began = clock_mono_ms();
    assert_int_equal(sched_cancel(sched, ACME("r1"), "", NULL), 0);
    wait_state("r1", RUN_CANCELLED);
    assert_true(clock_mono_ms() - began < 3000);
    assert_int_equal(rows_of("r1"), 1);
}

static void a_challenge_is_a_pause_without_a_question(void **state)
{
    submit("r1", "[[" STEP(1, ONE_ROW) "," CHALLENGE "," EXPECT("resume") "," DONE "]]");
    wait_state("r1", RUN_PAUSED);
    assert_string_equal(json_str(status_of("r1"), "pause_reason", ""), "cf_challenge_human_takeover");
    assert_int_equal(resume_run("r1"), 0);
    wait_state("r1", RUN_SUCCEEDED);
}

static void a_challenge_that_nobody_solves_ends_its_pause(void **state)
{
    settings.pause_hold_s = 0; /* does not end it: the human needs the browser */
    submit("r1", "[[" STEP(1, ONE_ROW) "," CHALLENGE ",{\"do\":\"send\",\"message\":{\"type\":"
                 "\"unpaused\"}}," DONE "]]");
    wait_state("r1", RUN_SUCCEEDED);
    wait_event("r1", "nobody came");
    assert_int_equal(record("r1", 0).attempts, 1);
}

#define SHOWS(row, fn) {row, fn, setup, teardown, NULL}
#define T(fn)        cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_running_run_stands_still_and_goes_on_when_told),
        T(a_long_reason_is_cut),
        T(a_queued_run_waits_outside_the_queue),
        T(a_recovering_run_can_be_paused),
        T(what_cannot_be_paused_or_resumed_is_said),
        T(a_paused_run_is_cancelled_like_any_other),
        T(a_paused_worker_deaf_to_cancel_is_killed),
        T(a_worker_that_dies_while_paused_leaves_the_run_paused),
        T(a_pause_that_is_never_answered_is_a_pause),
        T(a_restart_leaves_a_paused_run_paused),
        T(a_drain_ends_a_paused_worker_and_not_the_pause),
        T(a_pause_during_the_last_step_does_not_keep_a_run_from_ending),
        T(a_resume_that_crosses_the_answer_leaves_nothing_behind),
        T(a_resume_while_the_worker_is_ending_is_a_conflict),
        T(time_does_not_run_while_paused),
        SHOWS("agent-loop 13 a paused browser is held for MANTIS_PAUSE_HOLD_SECONDS",
            a_paused_worker_is_held_for_a_while),
        SHOWS("plans 9.5 a question is in status and events and wants an answer",
            a_question_is_shown_and_wants_an_answer),
        SHOWS("agent-loop 12 a run that waits behind a paused one says so, to its own tenant",
              a_waiting_run_says_what_it_waits_for),
        SHOWS("plans 9.5 an answer may be 0 or false", zero_and_false_are_answers),
        SHOWS("plans 9.5 the state of a pause hides what the plan types",
            the_state_of_a_pause_hides_what_the_plan_types),
        SHOWS("plans 9.5 an answer waits in memory for the next worker", an_answer_waits_for_the_next_worker),
        SHOWS("plans 9.5 a question outlives the server, an answer does not",
            a_question_outlives_the_server_and_an_answer_does_not),
        SHOWS("plans 9.5 an answer may come with the request", an_answer_comes_with_the_request),
        SHOWS("agent-loop 12 a run that a caller paused may ask, too", a_question_to_a_run_that_a_caller_paused),
        SHOWS("agent-loop 12 a run that asks is cancelled within 2 s", a_question_is_cancelled_within_two_seconds),
        SHOWS("agent-loop 12 a challenge pauses and needs no user_input", a_challenge_is_a_pause_without_a_question),
        SHOWS("agent-loop 12 a challenge that nobody solves ends its pause",
            a_challenge_that_nobody_solves_ends_its_pause),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
