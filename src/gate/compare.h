/*
 * compare.h - two eval reports task by task. Source: promotion.md section 6.4.
 */
#ifndef MANTIS_GATE_COMPARE_H
#define MANTIS_GATE_COMPARE_H

#include "gate/report.h"

struct comparison {
    double baseline_rate, candidate_rate;               /* of the whole reports, 4 decimals */
    double baseline_common_rate, candidate_common_rate; /* of what both ran */
    int common, wins, losses;
    const char *const *improvements; /* task ids, sorted, NULL-terminated; a repeat is "id#2" */
    const char *const *regressions;
};

/* Paired by task id and repeat. */
struct comparison compare_reports(struct pool *pool, const struct report *baseline, const struct report *candidate);

/* wins / (wins + losses), 0.5 when they never disagree: disagreement_win_rate in what people read. */
double compare_win_rate(const struct comparison *c);

json_t *compare_json(const struct comparison *c); /* new reference */

#endif
