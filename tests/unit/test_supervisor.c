/* When a model server is started, believed, given time and given up, in a world without one: its
 * answers are a script, and the clock jumps to what is due next. */
#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engine/supervisor.h"

#define START_MS 360000

/* --- a world --------------------------------------------------------------------------------------- */

static struct loop *loop;
static struct supervisor s;
static struct buf done; /* what was asked of the world: "launch health token TERM KILL hush" */
static bool launch_fails;

/* How the next starts go: one letter each, the last one for all that follow. 'u' up: healthy and with
 * a token; 'l' loading for ever; 'd' dies at once; 'c' is ready for a minute and dies then. */
static const char *fates;
static struct loop_timer answer, death;
static enum supervisor_event next_answer;
static int launches;
static int64_t launched_at[16];

static char fate(void)
{
    int last = (int)strlen(fates) - 1, at = launches - 1;
    return fates[at < last ? at : last];
}

static void on_answer(void *arg)
{
    supervisor_event(&s, next_answer, next_answer == SUPERVISOR_UNHEALTHY ? "it is loading" : NULL);
}

static void on_death(void *arg)
{
    loop_timer_clear(&answer);
    supervisor_event(&s, SUPERVISOR_EXITED, "it exited with status 1");
}

static int launch(void *arg, struct err *err)
{
    buf_adds(&done, "launch ");
    if (launch_fails)
        return err_set(err, E_NOT_FOUND, "there is no program 'x'");
    if (!fates)
        return 0;
    if (launches < (int)ARRAY_SIZE(launched_at))
        launched_at[launches] = clock_mono_ms();
    launches++;
    if (fate() == 'd' || fate() == 'c')
        loop_timer_set(loop, &death, fate() == 'd' ? 100 : 60000, on_death, NULL);
    return 0;
}

static void send_signal(void *arg, int signo)
{
    buf_adds(&done, signo == SIGTERM ? "TERM " : "KILL ");
    if (fates && signo == SIGKILL)
        loop_timer_set(loop, &death, 10, on_death, NULL);
}

static void ask(void *arg, enum supervisor_question question)
{
    bool health = question == SUPERVISOR_ASK_HEALTH;
    buf_adds(&done, health ? "health " : "token ");
    if (!fates)
        return;
    bool well = fate() == 'u' || fate() == 'c';
    next_answer = !well ? SUPERVISOR_UNHEALTHY : health ? SUPERVISOR_HEALTHY : SUPERVISOR_TOKEN;
    loop_timer_set(loop, &answer, 5, on_answer, NULL);
}

static void hush(void *arg)
{
    buf_adds(&done, "hush ");
    loop_timer_clear(&answer);
}

/* verdict: what a test comes to, after a minute and a half. */
static struct loop_timer test_end;
static enum supervisor_event verdict;

static void on_test_end(void *arg)
{
    supervisor_event(&s, verdict, verdict == SUPERVISOR_REFUSED ? "it points elsewhere" : NULL);
}

static void test_it(void *arg)
{
    buf_adds(&done, "test ");
    loop_timer_set(loop, &test_end, 90000, on_test_end, NULL);
}

static void hush_test(void *arg)
{
    hush(arg);
    loop_timer_clear(&test_end);
}

static const struct supervisor_ops ours = {launch, send_signal, ask, NULL, hush, NULL};
static const struct supervisor_ops theirs = {NULL, NULL, ask, NULL, hush, NULL};
static const struct supervisor_ops ours_tested = {launch, send_signal, ask, test_it, hush_test, NULL};
static const struct supervisor_ops theirs_tested = {NULL, NULL, ask, test_it, hush_test, NULL};

static int set_up(void **state)
{
    loop = NULL;
    assert_int_equal(loop_create(&loop, NULL), 0);
    loop_skip_waits(loop);
    buf_init(&done, 1 << 20);
    launch_fails = false;
    fates = NULL;
    launches = 0;
    supervisor_init(&s, loop, &ours, NULL, START_MS);
    return 0;
}

static int tear_down(void **state)
{
    supervisor_release(&s);
    loop_timer_clear(&answer);
    loop_timer_clear(&death);
    loop_timer_clear(&test_end);
    loop_destroy(loop);
    buf_release(&done);
    clock_fake_off();
    return 0;
}

/* --- every cell of the table ----------------------------------------------------------------------- */

enum { STOPPED, STARTING, PROBING, TESTING, READY, BACKING, GIVEN_UP, DRAINING };

struct cell {
    int from;
    enum supervisor_event event;
    int to;
    const char *does;
};

/* Those that are missing here change nothing and do nothing. */
static const struct cell cells[] = {
    {STOPPED, SUPERVISOR_START, STARTING, "launch health "},
    {STARTING, SUPERVISOR_TICK, STARTING, "health "},
    {STARTING, SUPERVISOR_HEALTHY, PROBING, "token "},
    {STARTING, SUPERVISOR_UNHEALTHY, STARTING, ""},
    {STARTING, SUPERVISOR_EXITED, BACKING, "hush "},
    {STARTING, SUPERVISOR_LATE, STARTING, "hush KILL "},
    {STARTING, SUPERVISOR_STOP, DRAINING, "hush TERM "},
    {PROBING, SUPERVISOR_TOKEN, READY, ""},
    {PROBING, SUPERVISOR_NO_TOKEN, STARTING, ""},
    {PROBING, SUPERVISOR_EXITED, BACKING, "hush "},
    {PROBING, SUPERVISOR_LATE, PROBING, "hush KILL "},
    {PROBING, SUPERVISOR_STOP, DRAINING, "hush TERM "},
    {TESTING, SUPERVISOR_PASSED, READY, ""},
    {TESTING, SUPERVISOR_REFUSED, TESTING, "hush KILL "},
    {TESTING, SUPERVISOR_EXITED, BACKING, "hush "},
    {TESTING, SUPERVISOR_STOP, DRAINING, "hush TERM "},
    {READY, SUPERVISOR_TICK, READY, "health "},
    {READY, SUPERVISOR_HEALTHY, READY, ""},
    {READY, SUPERVISOR_UNHEALTHY, READY, ""},
    {READY, SUPERVISOR_EXITED, BACKING, "hush "},
    {READY, SUPERVISOR_STOP, DRAINING, "hush TERM "},
    {BACKING, SUPERVISOR_TICK, STARTING, "launch health "},
    {BACKING, SUPERVISOR_STOP, STOPPED, "hush "},
    {GIVEN_UP, SUPERVISOR_STOP, STOPPED, "hush "},
    {DRAINING, SUPERVISOR_TICK, DRAINING, "KILL "},
    {DRAINING, SUPERVISOR_EXITED, STOPPED, "hush "},
};

/* Of a server that is not ours, instead of those above: it is never signalled. */
static const struct cell their_cells[] = {
    {STOPPED, SUPERVISOR_START, STARTING, "health "},
    {STARTING, SUPERVISOR_LATE, STARTING, ""},
    {PROBING, SUPERVISOR_LATE, PROBING, ""},
    {STARTING, SUPERVISOR_STOP, STOPPED, "hush "},
    {PROBING, SUPERVISOR_STOP, STOPPED, "hush "},
    {TESTING, SUPERVISOR_REFUSED, GIVEN_UP, "hush "},
    {TESTING, SUPERVISOR_STOP, STOPPED, "hush "},
    {READY, SUPERVISOR_STOP, STOPPED, "hush "},
};

static const struct cell *find_in(const struct cell *rows, size_t n, int from, int event)
{
    for (size_t i = 0; i < n; i++)
        if (rows[i].from == from && (int)rows[i].event == event)
            return &rows[i];
    return NULL;
}

static const struct cell *find_cell(int from, int event, bool not_ours)
{
    const struct cell *c = not_ours ? find_in(their_cells, ARRAY_SIZE(their_cells), from, event) : NULL;
    return c ? c : find_in(cells, ARRAY_SIZE(cells), from, event);
}

static void check_cell(int from, int event, bool not_ours)
{
    const struct cell *c = find_cell(from, event, not_ours);
    supervisor_init(&s, loop, not_ours ? &theirs : &ours, NULL, START_MS);
    s.state = (enum supervisor_state)from;
    s.was_ready = true;
    buf_clear(&done);
    supervisor_event(&s, (enum supervisor_event)event, NULL);
    if ((int)s.state != (c ? c->to : from) || strcmp(done.data ? done.data : "", c ? c->does : "") != 0)
        fail_msg("%s, event %d, %s: became %s and did '%s'", supervisor_state_name((enum supervisor_state)from), event,
                 not_ours ? "theirs" : "ours", supervisor_state_name(s.state), done.data);
    supervisor_release(&s);
}

static void every_state_answers_every_event(void **state)
{
    for (int from = 0; from < SUPERVISOR_N_STATES; from++)
        for (int event = 0; event < SUPERVISOR_N_EVENTS; event++)
            check_cell(from, event, false);
}

/* Without what only a process of ours does: it is launched, it exits, it drains. */
static void a_server_that_is_not_ours_gets_no_signal(void **state)
{
    for (int from = STOPPED; from <= READY; from++)
        for (int event = 0; event < SUPERVISOR_N_EVENTS; event++)
            if (event != SUPERVISOR_EXITED)
                check_cell(from, event, true);
}

/* --- whole lives ----------------------------------------------------------------------------------- */

static bool is_state(void *arg)
{
    return s.state == *(enum supervisor_state *)arg;
}

static void await_state(enum supervisor_state wanted, int64_t within_ms)
{
    if (loop_wait(loop, is_state, &wanted, clock_mono_ms() + within_ms))
        fail_msg("%s, not %s: %s", supervisor_state_name(s.state), supervisor_state_name(wanted), s.why);
}

static void ready_comes_after_health_and_a_token(void **state)
{
    fates = "u";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    assert_string_equal(done.data, "launch health token ");
    assert_string_equal(s.why, "");
    assert_true(s.was_ready);
}

static void tested_once_before_it_is_ready(void **state)
{
    supervisor_release(&s);
    supervisor_init(&s, loop, &ours_tested, NULL, 10000); /* the test takes longer than a start may */
    fates = "u";
    verdict = SUPERVISOR_PASSED;
    int64_t begun = clock_mono_ms();
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_TESTING, 1000);
    assert_false(s.was_ready);
    await_state(SUPERVISOR_READY, 91000);
    assert_true(clock_mono_ms() - begun >= 90000);
    assert_string_equal(done.data, "launch health token test ");
    supervisor_event(&s, SUPERVISOR_EXITED, "it died");
    await_state(SUPERVISOR_READY, 5000); /* not again: it is the same model */
}

static void one_that_is_refused_is_killed_and_given_up(void **state)
{
    supervisor_release(&s);
    supervisor_init(&s, loop, &ours_tested, NULL, START_MS);
    fates = "u";
    verdict = SUPERVISOR_REFUSED;
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, 92000);
    assert_string_equal(s.why, "it points elsewhere");
    assert_non_null(strstr(done.data, "test hush KILL "));
    assert_int_equal(launches, 1);
}

static void one_of_others_that_is_refused_is_given_up_without_a_signal(void **state)
{
    supervisor_release(&s);
    supervisor_init(&s, loop, &theirs_tested, NULL, START_MS);
    fates = "u";
    launches = 1;
    verdict = SUPERVISOR_REFUSED;
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, 92000);
    assert_string_equal(s.why, "it points elsewhere");
    assert_null(strstr(done.data, "KILL"));
}

static void a_death_while_it_is_tested_says_how(void **state)
{
    supervisor_release(&s);
    supervisor_init(&s, loop, &ours_tested, NULL, START_MS);
    fates = "c"; /* dies after a minute, before the test ends */
    verdict = SUPERVISOR_PASSED;
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, 70000);
    assert_string_equal(s.why, "it exited with status 1");
    assert_null(test_end.loop);
}

static void a_server_that_is_late_is_killed_and_given_up(void **state)
{
    fates = "l";
    int64_t begun = clock_mono_ms();
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, START_MS + 1000);
    assert_in_range(clock_mono_ms() - begun, START_MS, START_MS + 200);
    assert_non_null(strstr(done.data, "KILL"));
    assert_string_equal(s.why, "it was not ready within 360 s (MANTIS_MODEL_START_TIMEOUT_S)");
    assert_int_equal(launches, 1);
}

static void a_death_before_it_was_ready_is_final(void **state)
{
    fates = "d";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, 1000);
    assert_int_equal(launches, 1);
    assert_string_equal(s.why, "it exited with status 1");
}

static void a_program_that_is_not_there_is_final(void **state)
{
    launch_fails = true;
    supervisor_event(&s, SUPERVISOR_START, NULL);
    assert_int_equal(s.state, SUPERVISOR_GIVEN_UP);
    assert_string_equal(s.why, "there is no program 'x'");
}

static void a_crash_later_starts_it_again(void **state)
{
    fates = "cu";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    await_state(SUPERVISOR_BACKING_OFF, 61000);
    assert_in_range(supervisor_pause_ms(&s), 900, 1000);
    assert_string_equal(s.why, "it exited with status 1");
    await_state(SUPERVISOR_READY, 2000);
    assert_int_equal(launches, 2);
    assert_int_equal(supervisor_pause_ms(&s), 0);
}

static void five_failures_in_ten_minutes_are_the_end(void **state)
{
    fates = "cd";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_GIVEN_UP, 200000);
    assert_int_equal(launches, 5);
    for (int i = 1; i < 5; i++) { /* 1, 2, 4, 8 s after each end */
        int64_t lived = i == 1 ? 60000 : 100, pause = 1000 << (i - 1);
        assert_in_range(launched_at[i] - launched_at[i - 1], lived + pause, lived + pause + 50);
    }
}

/* Each start takes six minutes to fail: never five in ten minutes. */
static void slow_failures_are_tried_on_with_longer_pauses(void **state)
{
    fates = "cl";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    while (launches < 12) {
        await_state(SUPERVISOR_BACKING_OFF, START_MS + 61000);
        assert_in_range(supervisor_pause_ms(&s), 0, SUPERVISOR_BACK_OFF_MS);
        await_state(SUPERVISOR_STARTING, SUPERVISOR_BACK_OFF_MS + 10);
    }
    int64_t last = launched_at[11] - launched_at[10];
    assert_in_range(last, START_MS + SUPERVISOR_BACK_OFF_MS, START_MS + SUPERVISOR_BACK_OFF_MS + 100);
}

static void ten_ready_minutes_make_the_next_pause_short_again(void **state)
{
    fates = "u";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    for (int i = 0; i < 3; i++) {
        supervisor_event(&s, SUPERVISOR_EXITED, "it died");
        await_state(SUPERVISOR_READY, 10000);
    }
    assert_int_equal(s.in_a_row, 3);
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + SUPERVISOR_WINDOW_MS + 1), 0);
    supervisor_event(&s, SUPERVISOR_EXITED, "it died");
    assert_in_range(supervisor_pause_ms(&s), 900, 1000);
}

static void two_unanswered_questions_end_being_ready(void **state)
{
    fates = "u";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    fates = "l";
    int64_t begun = clock_mono_ms();
    await_state(SUPERVISOR_STARTING, 5000); /* serving.md section 5: within 5 s */
    assert_true(clock_mono_ms() - begun >= SUPERVISOR_LOOK_MS);
    assert_string_equal(s.why, "it is loading");
    fates = "u";
    await_state(SUPERVISOR_READY, 1000);
    assert_int_equal(launches, 1);
}

static void one_unanswered_question_does_not(void **state)
{
    fates = "u";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    for (int i = 0; i < 5; i++) {
        supervisor_event(&s, SUPERVISOR_UNHEALTHY, "no answer");
        assert_int_equal(s.state, SUPERVISOR_READY);
        supervisor_event(&s, SUPERVISOR_HEALTHY, NULL);
        assert_string_equal(s.why, "");
    }
}

static void another_s_server_is_waited_for_without_end(void **state)
{
    fates = "l";
    supervisor_init(&s, loop, &theirs, NULL, START_MS);
    launches = 1;
    supervisor_event(&s, SUPERVISOR_START, NULL);
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 3 * START_MS), 0);
    assert_int_equal(s.state, SUPERVISOR_STARTING);
    fates = "u";
    await_state(SUPERVISOR_READY, 1000);
}

static void a_deaf_server_is_killed_after_its_grace(void **state)
{
    fates = "u";
    supervisor_event(&s, SUPERVISOR_START, NULL);
    await_state(SUPERVISOR_READY, 1000);
    int64_t begun = clock_mono_ms();
    supervisor_event(&s, SUPERVISOR_STOP, NULL);
    assert_int_equal(s.state, SUPERVISOR_DRAINING);
    await_state(SUPERVISOR_STOPPED, SUPERVISOR_GRACE_MS + 100);
    assert_true(clock_mono_ms() - begun >= SUPERVISOR_GRACE_MS);
    assert_non_null(strstr(done.data, "TERM KILL"));
}

/* --- all ------------------------------------------------------------------------------------------- */

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_state_answers_every_event),
        TEST(a_server_that_is_not_ours_gets_no_signal),
        TEST(ready_comes_after_health_and_a_token),
        TEST(tested_once_before_it_is_ready),
        TEST(one_that_is_refused_is_killed_and_given_up),
        TEST(one_of_others_that_is_refused_is_given_up_without_a_signal),
        TEST(a_death_while_it_is_tested_says_how),
        TEST(a_server_that_is_late_is_killed_and_given_up),
        TEST(a_death_before_it_was_ready_is_final),
        TEST(a_program_that_is_not_there_is_final),
        TEST(a_crash_later_starts_it_again),
        TEST(five_failures_in_ten_minutes_are_the_end),
        TEST(slow_failures_are_tried_on_with_longer_pauses),
        TEST(ten_ready_minutes_make_the_next_pause_short_again),
        TEST(two_unanswered_questions_end_being_ready),
        TEST(one_unanswered_question_does_not),
        TEST(another_s_server_is_waited_for_without_end),
        TEST(a_deaf_server_is_killed_after_its_grace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
