/*
 * paired.h - what n paired differences say: the exact test, intervals, and the contract's bootstrap.
 *
 * A pair is one task carried out by both arms; its difference is challenger minus champion. For pass and
 * fail it is 1 (a win), -1 (a loss) or 0. Nothing here samples when the answer can be summed exactly.
 * Source: promotion.md sections 7 and 8.2; McNemar's exact test is the binomial test of the disagreements;
 * Clopper and Pearson, Biometrika 26 (1934); Tango, Statistics in Medicine 17 (1998) 891-908.
 */
#ifndef MANTIS_GATE_PAIRED_H
#define MANTIS_GATE_PAIRED_H

#include <stdbool.h>
#include <stddef.h>

/* Differences nearer to 0 than this are ties: means of repeats are no exact binary fractions. */
#define PAIRED_TIE 1e-9

struct paired_counts {
    int n, wins, losses; /* the rest are ties */
    bool pass_fail;      /* every difference is -1, 0 or 1 */
};
struct paired_counts paired_count(const double *deltas, size_t n);

/* How likely so many wins among the disagreements are when either arm wins each with probability 1/2, as
 * equal arms do whatever the tasks are. No disagreement: 1. */
struct paired_test {
    double one_sided; /* P(wins or more): evidence that the challenger is better */
    double two_sided; /* twice the smaller tail, at most 1 */
    double mid_p;     /* one-sided, the observed number counted half: less cautious, not used to decide */
};
struct paired_test paired_exact_test(int wins, int losses);

struct interval {
    double low, high;
};

/* Clopper-Pearson: the challenger's share of the disagreements; 0 to 1 when there is none. */
struct interval paired_win_share(int wins, int losses, double confidence);

/* Tango's score interval of the difference of two paired pass rates. n > 0. */
struct interval paired_difference(const struct paired_counts *c, double confidence);

/* Percentile bootstrap of the mean difference, for scores that are no pass and fail. n > 0. */
struct interval paired_bootstrap_interval(const double *deltas, size_t n, double confidence);

/*
 * The contract's prob_improvement: the share of resamples (n of n, with replacement) whose sum is > 0; all
 * equal: 1 if positive, else 0. Exact for pass and fail up to PAIRED_EXACT_MAX pairs, else of
 * PAIRED_RESAMPLES resamples, seeded with 0.
 */
#define PAIRED_RESAMPLES 2000
#define PAIRED_EXACT_MAX 2000
double paired_prob_improvement(const double *deltas, size_t n);

/* Of any values, which it sorts; 0 of none. */
double paired_median(double *values, size_t n);

#endif
