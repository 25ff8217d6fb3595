#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "gate/paired.h"

#define N_MAX 400

static size_t fill(double *deltas, int wins, int losses, int ties)
{
    size_t n = 0;
    for (int i = 0; i < wins; i++)
        deltas[n++] = 1;
    for (int i = 0; i < losses; i++)
        deltas[n++] = -1;
    for (int i = 0; i < ties; i++)
        deltas[n++] = 0;
    return n;
}

/* --- against R ---------------------------------------------------------------------------------- */

enum { WINS, LOSSES, TIES, ONE_SIDED, TWO_SIDED, MID_P, SHARE_LOW, SHARE_HIGH, DIFF_LOW, DIFF_HIGH, IMPROVEMENT, COLUMNS };

/* R's exact sums agree to rounding; its intervals come from searches of its own. */
static const double tolerance[COLUMNS] = {
    [ONE_SIDED] = 1e-9, [TWO_SIDED] = 1e-9, [MID_P] = 1e-9,     [SHARE_LOW] = 1e-9,
    [SHARE_HIGH] = 1e-9, [DIFF_LOW] = 1e-6, [DIFF_HIGH] = 1e-6, [IMPROVEMENT] = 1e-9,
};

static void compare_row(const double *row)
{
    double deltas[N_MAX];
    struct paired_counts c = paired_count(deltas, fill(deltas, (int)row[WINS], (int)row[LOSSES], (int)row[TIES]));
    struct paired_test test = paired_exact_test(c.wins, c.losses);
    struct interval share = paired_win_share(c.wins, c.losses, 0.95), difference = paired_difference(&c, 0.95);
    const double ours[COLUMNS] = {
        row[WINS],   row[LOSSES], row[TIES],      test.one_sided,  test.two_sided, test.mid_p,
        share.low,   share.high,  difference.low, difference.high, paired_prob_improvement(deltas, (size_t)c.n),
    };
    assert_true(c.pass_fail);
    assert_int_equal(c.wins, (int)row[WINS]);
    assert_int_equal(c.losses, (int)row[LOSSES]);
    for (int i = ONE_SIDED; i < COLUMNS; i++)
        if (fabs(ours[i] - row[i]) > tolerance[i])
            fail_msg("%g wins, %g losses, %g ties: column %d is %.10g, R says %.10g", row[WINS], row[LOSSES], row[TIES], i,
                     ours[i], row[i]);
}

static int compare_table(FILE *table)
{
    char line[512];
    int rows = 0;
    assert_non_null(fgets(line, sizeof(line), table)); /* the header */
    for (; fgets(line, sizeof(line), table); rows++) {
        double row[COLUMNS];
        char *at = line;
        for (int i = 0; i < COLUMNS; i++, at += *at == ',')
            row[i] = strtod(at, &at);
        assert_int_equal(*at, '\n');
        compare_row(row);
    }
    return rows;
}

static void two_hundred_random_inputs_agree_with_what_r_said(void **state)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/tests/golden/gate/paired.csv", getenv("MANTIS_SOURCE_ROOT"));
    FILE *table = fopen(path, "r");
    assert_non_null(table);
    assert_int_equal(compare_table(table), 200);
    fclose(table);
}

static void two_hundred_random_inputs_agree_with_r_here(void **state)
{
    char command[512];
    if (system("command -v Rscript >/dev/null") != 0) {
        print_message("SKIPPED: there is no Rscript here (Debian: r-base-core)\n");
        skip();
    }
    snprintf(command, sizeof(command), "Rscript --vanilla '%s/tests/tools/gate_paired.R'", getenv("MANTIS_SOURCE_ROOT"));
    FILE *table = popen(command, "r");
    assert_non_null(table);
    assert_int_equal(compare_table(table), 200);
    assert_int_equal(pclose(table), 0);
}

/* --- by hand ------------------------------------------------------------------------------------ */

static void the_exact_test_is_the_binomial_sum(void **state)
{
    static const struct {
        int wins, losses;
        double one, two, mid;
    } cases[] = {
        {0, 0, 1, 1, 0.5},
        {5, 0, 1 / 32.0, 1 / 16.0, 1 / 64.0},
        {0, 5, 1, 1 / 16.0, 63 / 64.0},
        {8, 2, 56 / 1024.0, 112 / 1024.0, 33.5 / 1024.0}, /* 45 + 10 + 1 */
        {3, 3, 42 / 64.0, 1, 32 / 64.0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct paired_test t = paired_exact_test(cases[i].wins, cases[i].losses);
        assert_float_equal(t.one_sided, cases[i].one, 1e-12);
        assert_float_equal(t.two_sided, cases[i].two, 1e-12);
        assert_float_equal(t.mid_p, cases[i].mid, 1e-12);
    }
    assert_true(paired_exact_test(3000, 2000).one_sided < 1e-40);
}

static void k_wins_and_no_loss_have_the_closed_form(void **state)
{
    double deltas[N_MAX];
    for (int n = 1; n <= 200; n += n < 20 ? 1 : 17)
        for (int k = 0; k <= n; k++) {
            fill(deltas, k, 0, n - k);
            double closed = 1 - pow(1 - (double)k / n, n);
            assert_float_equal(paired_prob_improvement(deltas, (size_t)n), closed, 1e-9);
        }
}

static void how_many_wins_reach_95_percent(void **state)
{
    double deltas[N_MAX];
    for (int n = 2; n <= 300; n++)
        for (int k = 1; k <= 3 && k <= n; k++) {
            fill(deltas, k, 0, n - k);
            bool reaches = paired_prob_improvement(deltas, (size_t)n) >= 0.95;
            assert_int_equal(reaches, k == 3 || (k == 2 && n <= 3));
        }
}

static void equal_differences_are_certain(void **state)
{
    static const double up[] = {0.3, 0.3, 0.3}, down[] = {-0.3, -0.3}, none[] = {0, 0, 0, 0};
    assert_float_equal(paired_prob_improvement(up, 3), 1, 0);
    assert_float_equal(paired_prob_improvement(down, 2), 0, 0);
    assert_float_equal(paired_prob_improvement(none, 4), 0, 0);
}

/* Half wins and half losses, halved: the same signs of sums, once summed and once sampled. */
static void sampling_comes_near_the_sum_and_is_the_same_every_time(void **state)
{
    double whole[N_MAX], halves[N_MAX];
    static const int cases[][3] = {{5, 2, 13}, {12, 9, 20}, {3, 0, 17}, {2, 6, 10}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        size_t n = fill(whole, cases[i][0], cases[i][1], cases[i][2]);
        for (size_t k = 0; k < n; k++)
            halves[k] = whole[k] / 2;
        double sampled = paired_prob_improvement(halves, n);
        assert_false(paired_count(halves, n).pass_fail);
        assert_float_equal(sampled, paired_prob_improvement(whole, n), 0.03);
        assert_float_equal(sampled, paired_prob_improvement(halves, n), 0);
    }
}

/* --- the intervals hold what they promise ------------------------------------------------------- */

static double trinomial(int n, int wins, int losses, double p, double q)
{
    double ways = lgamma(n + 1.0) - lgamma(wins + 1.0) - lgamma(losses + 1.0) - lgamma(n - wins - losses + 1.0);
    return exp(ways) * pow(p, wins) * pow(q, losses) * pow(1 - p - q, n - wins - losses);
}

#define N 30
static void the_difference_is_inside_its_interval_95_percent_of_the_time(void **state)
{
    static struct interval of[N + 1][N + 1];
    double sum = 0, worst = 1;
    int cells = 0;
    for (int w = 0; w <= N; w++)
        for (int l = 0; w + l <= N; l++)
            of[w][l] = paired_difference(&(struct paired_counts){.n = N, .wins = w, .losses = l}, 0.95);
    for (double p = 0.05; p < 0.6; p += 0.05)
        for (double q = 0.05; q < 0.4; q += 0.05, cells++) {
            double inside = 0;
            for (int w = 0; w <= N; w++)
                for (int l = 0; w + l <= N; l++)
                    if (of[w][l].low <= p - q && p - q <= of[w][l].high)
                        inside += trinomial(N, w, l, p, q);
            sum += inside;
            worst = fmin(worst, inside);
        }
    print_message("Tango, %d pairs: coverage %.4f on average, %.4f at worst\n", N, sum / cells, worst);
    assert_in_range((int)(1000 * sum / cells), 945, 965);
    assert_true(worst > 0.93);
}

static void intervals_end_where_they_must(void **state)
{
    struct interval all = paired_difference(&(struct paired_counts){.n = 10, .wins = 10}, 0.95);
    struct interval none = paired_difference(&(struct paired_counts){.n = 10}, 0.95);
    struct interval lost = paired_difference(&(struct paired_counts){.n = 10, .losses = 10}, 0.95);
    assert_float_equal(all.high, 1, 0);
    assert_float_equal(lost.low, -1, 0);
    assert_float_equal(all.low, -lost.high, 1e-9);
    assert_float_equal(none.low, -none.high, 1e-9);
    assert_true(none.high > 0.2 && none.high < 0.35);
    assert_float_equal(paired_win_share(0, 0, 0.95).low, 0, 0);
    assert_float_equal(paired_win_share(0, 0, 0.95).high, 1, 0);
}

static void the_bootstrap_interval_is_near_the_normal_one(void **state)
{
    double deltas[100];
    for (int i = 0; i < 100; i++)
        deltas[i] = (i % 5) / 4.0 - 0.4; /* mean 0.1, variance 0.125 */
    struct interval i = paired_bootstrap_interval(deltas, 100, 0.95);
    assert_float_equal(i.low, 0.1 - 1.96 * sqrt(0.125 / 100), 0.01);
    assert_float_equal(i.high, 0.1 + 1.96 * sqrt(0.125 / 100), 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_hundred_random_inputs_agree_with_what_r_said),
        cmocka_unit_test(two_hundred_random_inputs_agree_with_r_here),
        cmocka_unit_test(the_exact_test_is_the_binomial_sum),
        row_test("promotion 13 k of n closed form", k_wins_and_no_loss_have_the_closed_form),
        row_test("promotion 7 one win never, two up to three tasks, three always reach 0.95", how_many_wins_reach_95_percent),
        row_test("promotion 8.2 all deltas equal: 1 if positive, else 0", equal_differences_are_certain),
        row_test("promotion 8.2 the bootstrap is seeded with 0", sampling_comes_near_the_sum_and_is_the_same_every_time),
        cmocka_unit_test(the_difference_is_inside_its_interval_95_percent_of_the_time),
        cmocka_unit_test(intervals_end_where_they_must),
        cmocka_unit_test(the_bootstrap_interval_is_near_the_normal_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
