#include "unit/test.h"

#include <string.h>

#include "gate/compare.h"
#include "unit/fixtures.h"

static struct pool *pool;

static int make_pool(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int drop_pool(void **state)
{
    pool_destroy(pool);
    return 0;
}

/* "a+ b- c#1+": task, repeat, passed. */
static struct report report_of(const char *text)
{
    char *rest = pool_strdup(pool, text), *word;
    struct task_result *results = pool_alloc(pool, 32 * sizeof(*results));
    struct report r = {.name = "", .results = results};
    while ((word = strsep(&rest, " "))) {
        size_t len = strlen(word);
        if (len == 0)
            continue;
        char *hash = strchr(word, '#');
        results[r.n] = (struct task_result){.task_id = word, .passed = word[len - 1] == '+', .outcome.error = "",
                                            .repeat = hash ? hash[1] - '0' : 0};
        *(hash ? hash : word + len - 1) = '\0';
        r.n++;
    }
    return r;
}

static const char *joined(const char *const *list)
{
    const char *text = "";
    for (; *list; list++)
        text = pool_printf(pool, "%s%s%s", text, *text ? " " : "", *list);
    return text;
}

static void a_comparison_is_what_the_rows_say(void **state)
{
    static const struct {
        const char *baseline, *candidate;
        int common, wins, losses;
        double win_rate, delta;
        const char *improvements, *regressions;
    } cases[] = {
        {"a+ b-", "a+ b-", 2, 0, 0, 0.5, 0, "", ""},
        {"a- b-", "b+ a+", 2, 2, 0, 1, 1, "a b", ""},
        {"a+ b- c- d+", "a- b+ c+ d+", 4, 2, 1, 0.6667, 0.25, "b c", "a"},
        {"z+ a+ m-", "m- z- a-", 3, 0, 2, 0, -0.6667, "", "a z"},
        {"a+ b-", "c+ d+", 0, 0, 0, 0.5, 0.5, "", ""},
        {"a+ b-", "b+", 1, 1, 0, 1, 0.5, "b", ""},       /* rates are of whole sets */
        {"a- a#1+", "a+ a#1-", 2, 1, 1, 0.5, 0, "a", "a#1"}, /* repeats pair with their like */
        {"", "", 0, 0, 0, 0.5, 0, "", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct report a = report_of(cases[i].baseline), b = report_of(cases[i].candidate);
        struct comparison c = compare_reports(pool, &a, &b);
        json_t *doc = json_keep(pool, compare_json(&c));
        assert_int_equal(c.common, cases[i].common);
        assert_int_equal(c.wins, cases[i].wins);
        assert_int_equal(c.losses, cases[i].losses);
        assert_float_equal(json_num(doc, "win_rate", -1), cases[i].win_rate, 1e-12);
        assert_float_equal(json_num(doc, "delta", -1), cases[i].delta, 1e-12);
        assert_string_equal(joined(c.improvements), cases[i].improvements);
        assert_string_equal(joined(c.regressions), cases[i].regressions);
    }
}

static void rates_of_what_both_ran_are_beside_those_of_the_reports(void **state)
{
    struct report a = report_of("a+ b- x- y- z-"), b = report_of("a+ b+ w-");
    struct comparison c = compare_reports(pool, &a, &b);
    json_t *doc = json_keep(pool, compare_json(&c)), *common = json_object_get(doc, "common");
    assert_float_equal(json_num(doc, "baseline_pass_rate", -1), 0.2, 1e-12);
    assert_float_equal(json_num(doc, "candidate_pass_rate", -1), 0.6667, 1e-12);
    assert_float_equal(json_num(doc, "delta", -1), 0.4667, 1e-12);
    assert_float_equal(json_num(common, "baseline_pass_rate", -1), 0.5, 1e-12);
    assert_float_equal(json_num(common, "candidate_pass_rate", -1), 1, 1e-12);
    assert_float_equal(json_num(common, "delta", -1), 0.5, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 6.4 wins, losses, win_rate, delta", a_comparison_is_what_the_rows_say),
        row_test("promotion 6.4 rates over the common set", rates_of_what_both_ran_are_beside_those_of_the_reports),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
