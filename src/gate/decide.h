/*
 * decide.h - may the challenger replace the champion? A pure function of what two arms did.
 *
 * The checks are promotion.md's section 8.2 and one more, p_value: the exact paired test must reach alpha.
 * Equal arms win each disagreement with probability 1/2 whatever the tasks are, so they are promoted with a
 * probability of at most alpha, for any number of tasks and whatever the other checks are set to. The
 * contract's own checks do not promise that: three wins in three tasks pass them all, which equal arms do
 * once in eight (docs/promotion.md).
 * Threads: any; blocks: never; errors: none, bad arms are a verdict. Everything made lives in the pool.
 */
#ifndef MANTIS_GATE_DECIDE_H
#define MANTIS_GATE_DECIDE_H

#include "gate/paired.h"
#include "gate/report.h"

/* One run of one task. Several of one task are its repeats: their mean is compared. */
struct arm_result {
    const char *task_id;
    const char *category; /* "" none */
    double score;         /* 0 to 1 */
    bool infra_failed;    /* it did not run: nothing is known of the model */
    double cost, duration_s; /* USD, seconds */
};

struct arm {
    const char *model;   /* tag of what was served, adapter included; "" unknown */
    const char *holdout; /* name and digest of the tasks; "" none */
    const struct arm_result *results;
    size_t n;
};

struct gate_rule {
    double min_mean_delta;
    double min_prob_improvement;
    double min_win_rate;
    double regression_delta; /* a task whose difference is below this is a regression */
    int max_regressions;
    double max_cost_ratio; /* challenger's by champion's; not asked when the champion cost nothing */
    double alpha;          /* highest p of the exact one-sided test: the stated error rate. 1: not asked */
    double confidence;     /* of the intervals */
    int max_infra_failures; /* of both arms together */
    int min_pairs;          /* fewer are inconclusive, whatever they say */
    bool sanity;            /* the champion against itself: one model tag is fine, and nothing is promoted */
};
extern const struct gate_rule gate_rule_default;

enum gate_outcome { GATE_PROMOTE = 0, GATE_HOLD = 1, GATE_INCONCLUSIVE = 3 }; /* the exit codes */

struct gate_check {
    const char *name;
    double value, threshold;
    bool at_least; /* value must be >= threshold, else <= */
    bool asked;    /* the cost of nothing cannot be compared */
    bool passed;
};
#define GATE_CHECKS 6

struct gate_category {
    const char *name;
    int n, wins, losses, regressions; /* tasks */
    double champion_rate, challenger_rate; /* mean scores */
};

struct gate_totals {
    double cost, duration_s; /* of the compared tasks, all repeats */
    double once;             /* what these tasks cost on average, each carried out once */
    double rate;             /* mean score of the compared tasks */
    double median_s;         /* of one task */
    int infra_failed;
};

struct gate_verdict {
    enum gate_outcome outcome;
    const char *reason; /* "reject: mean_delta 0.010 < 0.02" */
    const struct gate_rule *rule;
    size_t n_compared;
    const char *const *task_ids; /* compared, sorted; deltas goes with it */
    const double *deltas;
    struct paired_counts counts;
    double mean_delta, win_rate, prob_improvement; /* win_rate: share of tasks that are no loss */
    struct paired_test test;
    struct interval difference, win_share;
    const char *difference_method, *win_share_method;
    const char *const *regressions; /* task ids, sorted, NULL-terminated */
    int n_regressions;
    const char *const *infra_failed; /* "challenger forms.t1", NULL-terminated */
    const struct gate_category *categories; /* sorted by name */
    size_t n_categories;
    struct gate_totals champion, challenger;
    struct gate_check checks[GATE_CHECKS];
    const char *const *warnings; /* NULL-terminated */
};

/*
 * Tasks of both arms are paired by id. A champion that did not run leaves its task out: the challenger wins
 * nothing by it. A challenger that did not run has score 0. With more of either than max_infra_failures
 * the verdict is inconclusive anyway, and so it is when both arms name one model, when they name different
 * holdouts, and when all checks hold except that so few pairs could never reach alpha.
 */
struct gate_verdict gate_decide(struct pool *pool, const struct gate_rule *rule, const struct arm *champion,
                                const struct arm *challenger);

/* An eval report as an arm: passed is 1, an error did not run, about.model and about.holdout
 * ({name, digest} or text) say what it is of, metadata.type is the category. */
struct arm gate_arm_of_report(struct pool *pool, const struct report *report);

/* The `verdict` object of promotion.md section 8.2 and what is known beyond it. New reference. */
json_t *gate_verdict_json(const struct gate_verdict *verdict);

/* "PROMOTE", "HOLD" or "INCONCLUSIVE". */
const char *gate_outcome_word(enum gate_outcome outcome);

/* For people: the checks, the statistics, regressions, categories; the last line is "PROMOTE — reason",
 * "HOLD — reason" or "INCONCLUSIVE — reason". */
char *gate_verdict_text(struct pool *pool, const struct gate_verdict *verdict);

#endif
