/*
 * report.h - what an evaluation found: one outcome per task, judged by the task's criteria.
 * Source: promotion.md sections 6.1 (criteria) and 6.3 (shape). Texts are never NULL, and what is read
 * lives in the pool given.
 */
#ifndef MANTIS_GATE_REPORT_H
#define MANTIS_GATE_REPORT_H

#include "gate/task_file.h"

/* How one run of a task ended. */
struct outcome {
    const char *task_id;
    bool success;
    const char *status;      /* of the run, "succeeded"; "" when there was none */
    const char *run_id;      /* "" none */
    const char *url, *output; /* where it ended; what it brought, as text */
    double cost;             /* USD */
    double duration_s;
    const char *error; /* why there is no outcome to judge; "" when there is */
    const json_t *raw; /* object: whatever else the runner kept; NULL: {} */
};

struct criterion_result {
    struct criterion criterion;
    bool passed;
};

struct task_result {
    const char *task_id;
    int repeat; /* 0 for the first run of a task */
    bool passed;
    const struct criterion_result *criteria;
    size_t n_criteria;
    struct outcome outcome;
    const json_t *metadata; /* of the task (its category is in it); NULL: {} */
};

struct report {
    const char *name;
    double started_at, ended_at; /* epoch seconds */
    const struct task_result *results; /* in the order of the tasks */
    size_t n;
    const json_t *about; /* object: what else is said of the run (holdout, model); NULL: {} */
};

/* The counts of 6.3. Failed ones include those with an error. pass_rate has 4 decimals; 0 for no results. */
struct report_counts {
    int tasks, passed, failed, errors;
    double pass_rate;
};
struct report_counts report_count(const struct report *report);

/* All criteria must hold, each with its own answer; an error and a type that is not known never pass. */
struct task_result report_judge(struct pool *pool, const struct gate_task *task, int repeat,
                                const struct outcome *outcome);

/* The document of 6.3, new reference. `repeat`, `run_id`, `metadata` and `about` are there when they say something. */
json_t *report_json(const struct report *report);

/* Counts are made from the results, whatever the document says. Repeated (task_id, repeat), and a field of
 * the wrong kind, are E_INVALID. */
int report_parse(struct pool *pool, json_t *doc, const char *what, struct report *out, struct err *err) MUST_CHECK;
int report_read(struct pool *pool, const char *path, struct report *out, struct err *err) MUST_CHECK;

/* Atomically; E_IO. */
int report_write(struct pool *pool, const char *path, const struct report *report, struct err *err) MUST_CHECK;

/* A rate as documents show it: 4 decimals. */
double rate4(double rate);

#endif
