/*
 * The self-test of a model server as a process: however it behaves, ending it takes 2 s at most. This
 * program plays it: a trial starts the program that it is part of.
 */
#include "unit/test.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "engine/base.h"
#include "engine/trial.h"

#define DEAF "MANTIS_TEST_DEAF" /* a directory that goes when the player is deaf */

static int play_deaf(void)
{
    signal(SIGTERM, SIG_IGN);
    rmdir(getenv(DEAF));
    alarm(60);
    pause();
    return 0;
}

static void on_tested(void *arg, const struct trial_result *result)
{
    fail_msg("a trial that was cancelled answered: %s", result->words);
}

static struct loop_timer look;

static bool is_deaf(void *arg)
{
    return access(arg, F_OK) != 0;
}

static void look_again(void *arg)
{
    loop_timer_set(arg, &look, 5, look_again, arg);
}

static void ending_one_that_is_deaf_takes_two_seconds(void **state)
{
    struct settings settings = {
        .secrets_dir = "", .repo_root = "", .browser = "", .model_key_secret = "", .selftest_timeout_s = 60};
    const struct engine_target target = {
        .settings = &settings, .base = engine_base_find("holo3"), .request_model = "m"};
    struct loop *loop;
    struct trial *trial;
    char dir[] = "/tmp/trial.XXXXXX";
    assert_non_null(mkdtemp(dir));
    setenv(DEAF, dir, 1);
    assert_int_equal(loop_create(&loop, NULL), 0);
    trial_start(loop, &target, "http://127.0.0.1:1", on_tested, NULL, &trial);
    look_again(loop);
    assert_int_equal(loop_wait(loop, is_deaf, dir, clock_mono_ms() + 30000), 0);
    loop_timer_clear(&look);
    int64_t begun = clock_mono_ms();
    trial_cancel(trial);
    trial_destroy(trial);
    int64_t took = clock_mono_ms() - begun;
    if (took > 2500) /* 2 s, and what a busy machine adds */
        fail_msg("it took %d ms", (int)took);
    loop_destroy(loop);
}

static const struct CMUnitTest tests[] = {
    row_test("design 5.6 ending a self-test takes 2 s, whatever it does", ending_one_that_is_deaf_takes_two_seconds),
};

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "selftest") == 0)
        return play_deaf();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
