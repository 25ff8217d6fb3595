#include "unit/test.h"

#include <stdio.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/err.h"
#include "sched/limits.h"

#define SECOND INT64_C(1000000)
#define WALL   (INT64_C(1772600000) * SECOND)

static struct limits *limits;
static int64_t mono, wall;
static struct rate_state rate;

static void at(int64_t mono_us, int64_t wall_us)
{
    mono = mono_us;
    wall = wall_us;
    clock_fake(mono, wall);
}

static void pass(int64_t us)
{
    at(mono + us, wall + us);
}

static int set_up(void **state)
{
    at(1000 * SECOND, WALL);
    limits = limits_create();
    return 0;
}

static int tear_down(void **state)
{
    limits_destroy(limits);
    clock_fake_off();
    return 0;
}

static void a_bucket_starts_full_and_says_what_is_left(void **state)
{
    for (int i = 30; i > 0; i--) {
        assert_true(limits_take(limits, "acme", 30, &rate));
        assert_int_equal(rate.limit, 30);
        assert_int_equal(rate.remaining, i - 1);
        assert_int_equal(rate.retry_after_s, 0);
        assert_int_equal(rate.reset_unix_s, WALL / SECOND + (30 - i + 1) * 2);
    }
    assert_false(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.limit, 30);
    assert_int_equal(rate.remaining, 0);
    assert_int_equal(rate.retry_after_s, 3); /* floor(2) + 1 */
    assert_int_equal(rate.reset_unix_s, WALL / SECOND + 60);
}

static void one_call_comes_back_every_share_of_a_minute(void **state)
{
    while (limits_take(limits, "acme", 30, &rate))
        ;
    pass(2 * SECOND - 1);
    assert_false(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.retry_after_s, 1); /* at least 0.1 s is waited for */
    pass(1);
    assert_true(limits_take(limits, "acme", 30, &rate));
    assert_false(limits_take(limits, "acme", 30, &rate));
    pass(60 * SECOND);
    assert_true(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.remaining, 29);
}

/* 7 does not divide a minute: after any number of odd steps nothing was lost or won. */
static void nothing_drifts(void **state)
{
    int taken = 0;
    while (limits_take(limits, "acme", 7, &rate))
        ;
    for (int i = 0; i < 60000; i++) {
        pass(10007);
        taken += limits_take(limits, "acme", 7, &rate);
    }
    assert_int_equal(taken, (int)(60000 * INT64_C(10007) * 7 / (60 * SECOND)));
}

static void tenants_do_not_share_a_bucket(void **state)
{
    while (limits_take(limits, "acme", 3, &rate))
        ;
    assert_true(limits_take(limits, "other", 3, &rate));
    assert_int_equal(rate.remaining, 2);
}

static void no_limit_means_no_headers(void **state)
{
    for (int i = 0; i < 1000; i++)
        assert_true(limits_take(limits, "acme", i % 2 ? 0 : -5, &rate));
    assert_int_equal(rate.limit, 0);
    assert_int_equal(rate.remaining, 0);
}

static void a_new_size_keeps_the_fill(void **state)
{
    for (int i = 0; i < 10; i++)
        assert_true(limits_take(limits, "acme", 30, &rate)); /* 20 left */
    assert_true(limits_take(limits, "acme", 100, &rate));
    assert_int_equal(rate.limit, 100);
    assert_int_equal(rate.remaining, 19);
    assert_true(limits_take(limits, "acme", 5, &rate)); /* more than fits is gone */
    assert_int_equal(rate.remaining, 4);
    pass(60 * SECOND);
    assert_true(limits_take(limits, "acme", 100, &rate)); /* it filled at the old rate */
    assert_int_equal(rate.remaining, 4);
}

static void a_jump_of_the_wall_clock_neither_fills_nor_empties(void **state)
{
    while (limits_take(limits, "acme", 30, &rate))
        ;
    at(mono, WALL + 86400 * SECOND);
    assert_false(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.reset_unix_s, WALL / SECOND + 86400 + 60);
    at(mono, WALL - 86400 * SECOND);
    assert_false(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.retry_after_s, 3);
    at(mono + 2 * SECOND, WALL - 86400 * SECOND);
    assert_true(limits_take(limits, "acme", 30, &rate));
}

static void a_monotonic_clock_that_stands_still_or_leaps_is_survived(void **state)
{
    while (limits_take(limits, "acme", 30, &rate))
        ;
    at(mono - 500 * SECOND, wall);
    assert_false(limits_take(limits, "acme", 30, &rate));
    at(mono + INT64_C(1) * 1000000 * 86400 * 36500, wall);
    assert_true(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.remaining, 29);
}

static void the_largest_limit_does_not_overflow(void **state)
{
    assert_true(limits_take(limits, "acme", 1000000, &rate));
    assert_int_equal(rate.remaining, 999999);
    pass(1);
    assert_true(limits_take(limits, "acme", 1000000, &rate));
    assert_int_equal(rate.retry_after_s, 0);
}

static void ten_times_the_cap_of_tenants_costs_bounded_memory(void **state)
{
    char name[32];
    assert_true(limits_take(limits, "kept", 2, &rate));
    assert_true(limits_take(limits, "kept", 2, &rate));
    for (int i = 0; i < 10 * CAP_RATE_BUCKETS; i++) {
        snprintf(name, sizeof(name), "tenant-%d", i);
        assert_true(limits_take(limits, name, 2, &rate));
        if (i % 1000 == 0) /* one that is in use is never the oldest */
            assert_false(limits_take(limits, "kept", 2, &rate));
    }
    assert_int_equal(rate.remaining, 1);
}

static void a_bucket_nobody_used_for_an_hour_comes_back_full(void **state)
{
    while (limits_take(limits, "acme", 30, &rate))
        ;
    pass(3600 * SECOND);
    assert_true(limits_take(limits, "other", 30, &rate)); /* acme's is forgotten here */
    assert_true(limits_take(limits, "acme", 30, &rate));
    assert_int_equal(rate.remaining, 29);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bucket_starts_full_and_says_what_is_left),
        TEST(one_call_comes_back_every_share_of_a_minute),
        TEST(nothing_drifts),
        TEST(tenants_do_not_share_a_bucket),
        TEST(no_limit_means_no_headers),
        TEST(a_new_size_keeps_the_fill),
        TEST(a_jump_of_the_wall_clock_neither_fills_nor_empties),
        TEST(a_monotonic_clock_that_stands_still_or_leaps_is_survived),
        TEST(the_largest_limit_does_not_overflow),
        TEST(ten_times_the_cap_of_tenants_costs_bounded_memory),
        TEST(a_bucket_nobody_used_for_an_hour_comes_back_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
