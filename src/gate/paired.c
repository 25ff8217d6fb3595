#include "gate/paired.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#define BISECTIONS 100 /* halvings: more than a double can tell apart */

struct paired_counts paired_count(const double *deltas, size_t n)
{
    struct paired_counts c = {.n = (int)n, .pass_fail = true};
    for (size_t i = 0; i < n; i++) {
        double size = fabs(deltas[i]);
        c.wins += deltas[i] > PAIRED_TIE;
        c.losses += deltas[i] < -PAIRED_TIE;
        c.pass_fail = c.pass_fail && (size <= PAIRED_TIE || fabs(size - 1) <= PAIRED_TIE);
    }
    return c;
}

/* --- binomial sums ------------------------------------------------------------------------------ */

static double log_factorial(int n)
{
    int sign; /* lgamma() would write to a global */
    return lgamma_r(n + 1.0, &sign);
}

/* k log p, where nothing of an impossible kind is certain. */
static double log_power(double p, int k)
{
    return k ? k * log(p) : 0;
}

static double binomial(int k, int n, double p)
{
    return exp(log_factorial(n) - log_factorial(k) - log_factorial(n - k) + log_power(p, k) + log_power(1 - p, n - k));
}

/* P(low <= X <= high), smallest terms first is not needed: all are positive. */
static double binomial_sum(int low, int high, int n, double p)
{
    double sum = 0;
    for (int k = low; k <= high; k++)
        sum += binomial(k, n, p);
    return fmin(sum, 1);
}

struct paired_test paired_exact_test(int wins, int losses)
{
    int n = wins + losses;
    double more = wins ? binomial_sum(wins, n, n, 0.5) : 1, fewer = losses ? binomial_sum(0, wins, n, 0.5) : 1;
    return (struct paired_test){
        .one_sided = more,
        .two_sided = fmin(1, 2 * fmin(more, fewer)),
        .mid_p = more - binomial(wins, n, 0.5) / 2,
    };
}

/* --- intervals ---------------------------------------------------------------------------------- */

/* Where a rising function of x passes 0 between low and high. */
struct rising {
    double (*f)(const struct rising *r, double x);
    int wins, n;
    double difference, goal;
};

static double root(const struct rising *r, double low, double high)
{
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (r->f(r, middle) < 0)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

static double wins_or_more(const struct rising *r, double p)
{
    return binomial_sum(r->wins, r->n, r->n, p) - r->goal;
}

static double wins_or_fewer(const struct rising *r, double p)
{
    return r->goal - binomial_sum(0, r->wins, r->n, p);
}

struct interval paired_win_share(int wins, int losses, double confidence)
{
    int n = wins + losses;
    struct rising lower = {.f = wins_or_more, .wins = wins, .n = n, .goal = (1 - confidence) / 2};
    struct rising upper = {.f = wins_or_fewer, .wins = wins, .n = n, .goal = (1 - confidence) / 2};
    return (struct interval){wins ? root(&lower, 0, 1) : 0, losses ? root(&upper, 0, 1) : 1};
}

static double normal_inside(const struct rising *r, double z)
{
    return erf(z / sqrt(2)) - r->goal;
}

/* The statistic of Tango (1998), falling in delta; turned round so that it rises. q21 is the likeliest
 * share of losses when the difference is delta. */
static double minus_score(const struct rising *r, double delta)
{
    double losses = r->wins - r->difference, n = r->n;
    double a = 2 * n, b = -r->wins - losses + (2 * n - r->difference) * delta, c = -losses * delta * (1 - delta);
    double q21 = (sqrt(fmax(b * b - 4 * a * c, 0)) - b) / (2 * a);
    double variance = n * (2 * q21 + delta * (1 - delta)), distance = n * delta - r->difference;
    if (distance == 0)
        return 0 - r->goal;
    return distance / sqrt(fmax(variance, 1e-300)) - r->goal;
}

struct interval paired_difference(const struct paired_counts *c, double confidence)
{
    struct rising normal = {.f = normal_inside, .goal = confidence};
    double z = root(&normal, 0, 40), seen = (double)(c->wins - c->losses) / c->n;
    struct rising score = {.f = minus_score, .wins = c->wins, .n = c->n, .difference = c->wins - c->losses};
    struct rising low = score, high = score;
    low.goal = -z;
    high.goal = z;
    return (struct interval){c->losses == c->n ? -1 : root(&low, -1, seen), c->wins == c->n ? 1 : root(&high, seen, 1)};
}

/* --- resampling --------------------------------------------------------------------------------- */

/* splitmix64: all that is asked of it is to be the same every time. */
static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double resampled_sum(const double *deltas, size_t n, uint64_t *state)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += deltas[next_random(state) % n];
    return sum;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double paired_median(double *values, size_t n)
{
    if (n)
        qsort(values, n, sizeof(*values), by_value);
    return n ? (values[(n - 1) / 2] + values[n / 2]) / 2 : 0;
}

struct interval paired_bootstrap_interval(const double *deltas, size_t n, double confidence)
{
    double means[PAIRED_RESAMPLES], outside = (1 - confidence) / 2;
    uint64_t state = 0;
    for (int i = 0; i < PAIRED_RESAMPLES; i++)
        means[i] = resampled_sum(deltas, n, &state) / (double)n;
    qsort(means, PAIRED_RESAMPLES, sizeof(*means), by_value);
    int low = (int)floor(outside * PAIRED_RESAMPLES);
    return (struct interval){means[low], means[PAIRED_RESAMPLES - 1 - low]};
}

static double sampled_improvement(const double *deltas, size_t n)
{
    uint64_t state = 0;
    int better = 0;
    for (int i = 0; i < PAIRED_RESAMPLES; i++)
        better += resampled_sum(deltas, n, &state) > PAIRED_TIE;
    return (double)better / PAIRED_RESAMPLES;
}

/* P(more wins than losses) when n are drawn: the sum over all (wins i, losses j < i) of the trinomial. */
static double exact_improvement(const struct paired_counts *c)
{
    double log_fact[PAIRED_EXACT_MAX + 1], sum = 0;
    double win = (double)c->wins / c->n, loss = (double)c->losses / c->n, tie = 1 - win - loss;
    int ties = c->n - c->wins - c->losses;
    for (int i = 0; i <= c->n; i++)
        log_fact[i] = log_factorial(i);
    for (int i = 1; i <= c->n && c->wins; i++)
        for (int j = 0; j < i && i + j <= c->n && (j == 0 || c->losses); j++) {
            int rest = c->n - i - j;
            if (rest && !ties)
                continue;
            sum += exp(log_fact[c->n] - log_fact[i] - log_fact[j] - log_fact[rest] + log_power(win, i) +
                       log_power(loss, j) + log_power(tie, rest));
        }
    return fmin(sum, 1);
}

static bool all_equal(const double *deltas, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (fabs(deltas[i] - deltas[0]) > PAIRED_TIE)
            return false;
    return true;
}

double paired_prob_improvement(const double *deltas, size_t n)
{
    if (n == 0)
        return 0;
    if (all_equal(deltas, n))
        return deltas[0] > PAIRED_TIE ? 1 : 0;
    struct paired_counts c = paired_count(deltas, n);
    return c.pass_fail && n <= PAIRED_EXACT_MAX ? exact_improvement(&c) : sampled_improvement(deltas, n);
}
