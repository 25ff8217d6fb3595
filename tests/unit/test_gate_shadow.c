#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "gate/shadow_stats.h"
#include "unit/fixtures.h"

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

/* --- analytics ---------------------------------------------------------------------------------- */

/* A letter a step: E escalated, F failed, + and . did not; e is an escalation that is not negative. */
static void add(struct pool *pool, struct shadow_stats *stats, const char *variant, const char *steps)
{
    json_t *list = json_array(), *trace;
    struct err err = {0};
    for (; *steps; steps++)
        json_push(list, json_pack("{s:s,s:s}", "label",
                                  *steps == 'E' || *steps == 'F' ? "negative" : *steps == '+' ? "positive" : "neutral",
                                  "label_reason", *steps == 'E' || *steps == 'e' ? "escalation" : "failed_step"));
    trace = json_keep(pool, json_pack("{s:s,s:o}", "run_id", "r", "steps", list));
    if (variant)
        json_put_str(trace, "variant", variant);
    assert_int_equal(shadow_stats_add(pool, stats, trace, &err), 0);
}

static void sides_are_counted(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct shadow_stats stats = {0};
    add(pool, &stats, "baseline", "EF++++");
    add(pool, &stats, "baseline", "");
    add(pool, &stats, "candidate", "E..e++++++");
    add(pool, &stats, "", "F");
    add(pool, &stats, NULL, "+");
    assert_string_equal(json_text(pool, json_keep(pool, shadow_stats_json(&stats))),
        "{\"variants\":{\"baseline\":{\"variant\":\"baseline\",\"run_count\":2,\"step_count\":6,\"failure_count\":2,"
        "\"escalation_count\":1,\"escalation_rate\":0.1667,\"failure_rate\":0.3333},"
        "\"candidate\":{\"variant\":\"candidate\",\"run_count\":1,\"step_count\":10,\"failure_count\":1,"
        "\"escalation_count\":1,\"escalation_rate\":0.1,\"failure_rate\":0.1},"
        "\"__unassigned__\":{\"variant\":\"__unassigned__\",\"run_count\":2,\"step_count\":2,\"failure_count\":1,"
        "\"escalation_count\":0,\"escalation_rate\":0.0,\"failure_rate\":0.5}},"
        "\"comparison\":{\"escalation_rate_delta\":-0.0667,\"failure_rate_delta\":-0.2333,\"baseline_runs\":2,"
        "\"candidate_runs\":1,\"candidate_escalation_rate_lower\":true}}");
    pool_destroy(pool);
}

static void equal_rates_count_as_lower_and_one_side_alone_is_compared_with_nothing(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct shadow_stats stats = {0};
    add(pool, &stats, "candidate", "E+");
    json_t *doc = json_keep(pool, shadow_stats_json(&stats));
    assert_int_equal(json_object_size(json_object_get(doc, "comparison")), 0);
    assert_null(shadow_stats_of(&stats, SHADOW_BASELINE));
    add(pool, &stats, "baseline", "+E+E");
    doc = json_keep(pool, shadow_stats_json(&stats));
    assert_true(json_flag(json_object_get(doc, "comparison"), "candidate_escalation_rate_lower", false));
    assert_float_equal(shadow_escalation_delta(&stats), 0, 0);
    pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 10 bucket vectors", buckets_are_those_of_the_contract),
        row_test("promotion 10 empty key, pct <= 0, pct >= 100", the_ends_need_no_bucket),
        row_test("promotion 10 raising pct only moves keys to the candidate",
                 raising_the_share_only_moves_keys_to_the_candidate),
        row_test("promotion 11 per variant", sides_are_counted),
        row_test("promotion 11 comparison", equal_rates_count_as_lower_and_one_side_alone_is_compared_with_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
