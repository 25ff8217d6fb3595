/*
 * label.h - was a step of a run good or bad? The ladder of promotion.md section 3.
 *
 * Traces of schema versions 1 to 3 are read; what a version does not have counts as empty. Pure.
 */
#ifndef MANTIS_GATE_LABEL_H
#define MANTIS_GATE_LABEL_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

#define LABEL_POSITIVE "positive"
#define LABEL_NEGATIVE "negative"
#define LABEL_NEUTRAL  "neutral"

struct label {
    const char *label, *reason; /* static */
};

/* The first rung that holds. */
struct label label_step(const json_t *step);

/* The labelled trace; source_path is written into it. New reference. E_INVALID: it is no trace, or of a version that is
 * not known. */
int label_trace(const json_t *trace, const char *source_path, json_t **out, struct err *err) MUST_CHECK;

/* Is it a labelled trace? E_INVALID says what is missing. */
int label_check(const json_t *labelled, struct err *err) MUST_CHECK;

/* label_summary, as numbers. */
struct label_counts {
    int64_t positive, negative, neutral;
};
struct label_counts label_counts_of(const json_t *labelled);

#endif
