/*
 * shadow_stats.h - what the two sides of shadowed traffic did, counted over labelled traces.
 * Source: promotion.md section 11.
 */
#ifndef MANTIS_GATE_SHADOW_STATS_H
#define MANTIS_GATE_SHADOW_STATS_H

#include "base/json.h"
#include "gate/shadow.h"

#define SHADOW_UNASSIGNED "__unassigned__" /* traces without a variant */

struct shadow_counts {
    const char *variant;
    int64_t runs, steps, failures, escalations;
};

#define SHADOW_VARIANTS_MAX 64
struct shadow_stats {
    struct shadow_counts variants[SHADOW_VARIANTS_MAX]; /* in order met */
    int n;
};

/* One labelled trace more; variant names live in pool. E_TOOBIG: there are more than SHADOW_VARIANTS_MAX. */
int shadow_stats_add(struct pool *pool, struct shadow_stats *stats, const json_t *labelled, struct err *err) MUST_CHECK;

/* NULL: no trace of it. */
const struct shadow_counts *shadow_stats_of(const struct shadow_stats *stats, const char *variant);

double shadow_rate(int64_t part, int64_t steps); /* 0 for no steps */

/* Candidate's minus baseline's share of escalated steps; both must be there. */
double shadow_escalation_delta(const struct shadow_stats *stats);

json_t *shadow_stats_json(const struct shadow_stats *stats); /* new reference */

#endif
