#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "gate/shadow.h"

static void buckets_are_those_of_the_contract(void **state)
{
    static const struct {
        const char *salt, *key;
        double bucket;
    } cases[] = {
        {"", "acme", 66.93},
        {"roll-a", "acme", 21.61},
        {"", "tenant-7", 96.18},
        {"roll-a", "tenant-7", 82.42},
        {"", "20260304_050607_9af31c2e", 64.23},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        double bucket = shadow_bucket(cases[i].salt, cases[i].key);
        assert_float_equal(bucket, cases[i].bucket, 1e-9);
        /* Below the percentage, not at it. */
        assert_string_equal(shadow_variant(cases[i].bucket, cases[i].salt, cases[i].key), "baseline");
        assert_string_equal(shadow_variant(cases[i].bucket + 0.01, cases[i].salt, cases[i].key), "candidate");
    }
}

static void the_ends_need_no_bucket(void **state)
{
    static const struct {
        double pct;
        const char *key, *variant;
    } cases[] = {
        {0, "acme", "baseline"},    {-5, "acme", "baseline"},     {100, "acme", "candidate"},
        {250, "acme", "candidate"}, {100, "", "baseline"},        {50, "", "baseline"},
        {NAN, "acme", "baseline"},  {INFINITY, "acme", "candidate"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(shadow_variant(cases[i].pct, "", cases[i].key), cases[i].variant);
}

static void raising_the_share_only_moves_keys_to_the_candidate(void **state)
{
    int at_30 = 0;
    for (int i = 0; i < 2000; i++) {
        char key[32];
        bool was = false;
        snprintf(key, sizeof(key), "tenant-%d", i);
        for (int pct = 0; pct <= 100; pct += 5) {
            bool is = strcmp(shadow_variant(pct, "s", key), SHADOW_CANDIDATE) == 0;
            assert_true(is || !was);
            was = is;
            at_30 += is && pct == 30;
        }
    }
    /* 600 expected; four standard deviations are 82. */
    assert_in_range(at_30, 518, 682);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 10 bucket vectors", buckets_are_those_of_the_contract),
        row_test("promotion 10 empty key, pct <= 0, pct >= 100", the_ends_need_no_bucket),
        row_test("promotion 10 raising pct only moves keys to the candidate",
                 raising_the_share_only_moves_keys_to_the_candidate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
