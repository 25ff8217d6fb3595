#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/err.h"
#include "base/metric.h"

static const double bounds[] = {.05, 1, 2.5};
static const struct metric_spec calls = {
    .name = "calls_total", .help = "Calls.", .type = METRIC_COUNTER, .labels = {"who", "how"}};
static const struct metric_spec level = {
    .name = "level", .help = "A \\ and a\nline break.", .type = METRIC_GAUGE};
static const struct metric_spec took = {.name = "took_seconds",
                                        .help = "Time taken.",
                                        .type = METRIC_HISTOGRAM,
                                        .labels = {"who"},
                                        .buckets = bounds,
                                        .n_buckets = ARRAY_SIZE(bounds)};

struct bench {
    struct metrics *metrics;
    struct metric *calls, *level, *took;
    struct buf out;
};

static int setup(void **state)
{
    static struct bench b;
    b.metrics = metrics_create();
    b.took = metric_make(b.metrics, &took);
    b.calls = metric_make(b.metrics, &calls);
    b.level = metric_make(b.metrics, &level);
    buf_init(&b.out, 4u << 20);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    metrics_destroy(b->metrics);
    buf_release(&b->out);
    return 0;
}

static const char *printed(struct bench *b)
{
    buf_clear(&b->out);
    metrics_print(b->metrics, &b->out);
    assert_false(b->out.failed);
    return b->out.data;
}

static void has(const char *text, const char *piece)
{
    if (!strstr(text, piece))
        fail_msg("no '%s' in:\n%s", piece, text);
}

static void families_without_series_print_help_and_type_in_order_of_name(void **state)
{
    assert_string_equal(printed(*state), "# HELP calls_total Calls.\n# TYPE calls_total counter\n"
                                         "# HELP level A \\\\ and a\\nline break.\n# TYPE level "
                                         "gauge\n"
                                         "# HELP took_seconds Time taken.\n# TYPE took_seconds "
                                         "histogram\n");
}

static void series_are_told_apart_by_all_labels_and_sorted(void **state)
{
    struct bench *b = *state;
    metric_add(b->calls, 2, "b", "ok", NULL);
    metric_add(b->calls, 1, "a", "ok", NULL);
    metric_add(b->calls, 1, "a", "no", NULL);
    metric_add(b->calls, 3, "b", "ok", NULL);
    metric_add(b->calls, 1, "", "ab", NULL);
    metric_add(b->calls, 1, "a", "b", NULL);
    has(printed(b), "calls_total{who=\"\",how=\"ab\"} 1\n"
                    "calls_total{who=\"a\",how=\"b\"} 1\n"
                    "calls_total{who=\"a\",how=\"no\"} 1\n"
                    "calls_total{who=\"a\",how=\"ok\"} 1\n"
                    "calls_total{who=\"b\",how=\"ok\"} 5\n");
}

static void label_values_are_escaped_and_made_utf8(void **state)
{
    struct bench *b = *state;
    metric_add(b->calls, 1, "q\"b\\s\nn", "bad\xff", NULL);
    has(printed(b), "calls_total{who=\"q\\\"b\\\\s\\nn\",how=\"bad\xef\xbf\xbd\"} 1\n");
}

static void a_long_label_value_is_cut(void **state)
{
    struct bench *b = *state;
    char value[4 * CAP_METRIC_LABEL_BYTES];
    memset(value, 'x', sizeof(value) - 1);
    value[sizeof(value) - 1] = '\0';
    metric_add(b->calls, 1, value, "", NULL);
    value[CAP_METRIC_LABEL_BYTES] = '\0';
    metric_add(b->calls, 1, value, "", NULL);
    has(printed(b), "x\",how=\"\"} 2\n");
}

static void numbers_are_whole_without_exponent_and_read_back_exactly(void **state)
{
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0, "level 0\n"},
        {-0.0, "level 0\n"},
        {1, "level 1\n"},
        {-3, "level -3\n"},
        {1700000000, "level 1700000000\n"},
        {9007199254740991.0, "level 9007199254740991\n"},
        {1e21, "level 1e+21\n"},
        {0.1, "level 0.1\n"},
        {1.0 / 3, "level 0.3333333333333333\n"},
        {0.1 + 0.2, "level 0.30000000000000004\n"},
        {INFINITY, "level +Inf\n"},
        {-INFINITY, "level -Inf\n"},
        {NAN, "level NaN\n"},
    };
    struct bench *b = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        metric_set(b->level, cases[i].value, NULL);
        has(printed(b), cases[i].text);
    }
}

static void buckets_are_cumulative_and_hold_their_bound(void **state)
{
    struct bench *b = *state;
    const double values[] = {.05, .06, 1, 2.5, 99};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++)
        metric_observe(b->took, values[i], "a", NULL);
    metric_observe(b->took, NAN, "a", NULL);
    has(printed(b), "took_seconds_bucket{who=\"a\",le=\"0.05\"} 1\n"
                    "took_seconds_bucket{who=\"a\",le=\"1\"} 3\n"
                    "took_seconds_bucket{who=\"a\",le=\"2.5\"} 4\n"
                    "took_seconds_bucket{who=\"a\",le=\"+Inf\"} 5\n"
                    "took_seconds_sum{who=\"a\"} 102.61\n"
                    "took_seconds_count{who=\"a\"} 5\n");
}

static void a_counter_never_falls(void **state)
{
    struct bench *b = *state;
    metric_add(b->calls, 2, "a", "ok", NULL);
    metric_add(b->calls, -1, "a", "ok", NULL);
    metric_add(b->calls, NAN, "a", "ok", NULL);
    has(printed(b), "calls_total{who=\"a\",how=\"ok\"} 2\n");
}

static void a_mirror_is_added_up_anew_and_keeps_its_series(void **state)
{
    struct bench *b = *state;
    metric_add(b->calls, 4, "a", "ok", NULL);
    metric_add(b->calls, 4, "b", "ok", NULL);
    metric_zero(b->calls);
    metric_add(b->calls, 1, "b", "ok", NULL);
    has(printed(b), "calls_total{who=\"a\",how=\"ok\"} 0\n"
                    "calls_total{who=\"b\",how=\"ok\"} 1\n");
}

static void a_full_family_counts_the_rest_as_other(void **state)
{
    struct bench *b = *state;
    char who[16];
    for (int i = 0; i < CAP_METRIC_SERIES + 50; i++) {
        snprintf(who, sizeof(who), "t%d", i);
        metric_add(b->calls, 1, who, "ok", NULL);
    }
    metric_add(b->calls, 1, "t0", "ok", NULL);
    const char *text = printed(b);
    has(text, "calls_total{who=\"t0\",how=\"ok\"} 2\n");
    has(text, "calls_total{who=\"other\",how=\"other\"} 50\n");
    assert_null(strstr(text, "who=\"t2000\""));
}

static void no_metric_is_fine(void **state)
{
    metric_add(NULL, 1, NULL);
    metric_set(NULL, 1, NULL);
    metric_observe(NULL, 1, NULL);
    metric_zero(NULL);
    metrics_destroy(NULL);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(families_without_series_print_help_and_type_in_order_of_name),
        CASE(series_are_told_apart_by_all_labels_and_sorted),
        CASE(label_values_are_escaped_and_made_utf8),
        CASE(a_long_label_value_is_cut),
        CASE(numbers_are_whole_without_exponent_and_read_back_exactly),
        CASE(buckets_are_cumulative_and_hold_their_bound),
        CASE(a_counter_never_falls),
        CASE(a_mirror_is_added_up_anew_and_keeps_its_series),
        CASE(a_full_family_counts_the_rest_as_other),
        CASE(no_metric_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
