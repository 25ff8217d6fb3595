/*
 * scorecard.h - does a model reach the thresholds of its tier? Gates and thresholds are a file
 * (gate/scorecard.json); what is known of a gate's value is read from reports or given.
 * Source: promotion.md section 9. Everything lives in the pool given.
 */
#ifndef MANTIS_GATE_SCORECARD_H
#define MANTIS_GATE_SCORECARD_H

#include "gate/report.h"

#define SCORECARD_FILE "gate/scorecard.json" /* below the share directory */

struct scorecard_gate {
    const char *name;
    bool at_least; /* direction "min"; else "max" */
    const json_t *tiers; /* {"base": 0.4, ...} */
};

struct scorecard_rules {
    const struct scorecard_gate *gates; /* in the order of the file */
    size_t n;
    const char *const *tiers; /* NULL-terminated, of all gates */
};

/* {"gates": [{"name", "direction": "min"|"max", "tiers": {NAME: number}}]}. E_INVALID names the field. */
int scorecard_rules_parse(struct pool *pool, json_t *doc, const char *what, struct scorecard_rules *out,
                          struct err *err) MUST_CHECK;

/* What is measured, by gate. NULL parts are not there. */
struct scorecard_inputs {
    const struct report *report;
    const json_t *shadow_summary;      /* of `shadow analyze` */
    const json_t *label_reason_counts; /* object: label reason -> steps */
    const json_t *metrics;             /* object: gate -> number; beats the others */
};

struct scorecard_line {
    const struct scorecard_gate *gate;
    double value, threshold;
    bool skipped; /* nothing is known of it: neither passed nor failed */
    bool passed;
    const char *note;
};

struct scorecard {
    const char *tier;
    bool passed; /* no gate failed, and none that must be there was skipped */
    const struct scorecard_line *lines; /* as rules->gates */
    size_t n;
    int n_skipped;
    int64_t label_steps;
    const json_t *label_reason_counts;
};

/* required: gates that must not be skipped, n of them; strict: none may. A tier without a threshold for a
 * gate fails it. */
struct scorecard scorecard_judge(struct pool *pool, const struct scorecard_rules *rules, const char *tier,
                                 const struct scorecard_inputs *inputs, const char *const *required, int n_required,
                                 bool strict);

bool scorecard_has_gate(const struct scorecard_rules *rules, const char *name);

json_t *scorecard_json(const struct scorecard *card); /* new reference */

#endif
