/*
 * task_file.h - the tasks an evaluation runs, read from JSON, and what a task asks of its outcome.
 * Source: promotion.md section 6.1. Everything read lives in the pool given.
 */
#ifndef MANTIS_GATE_TASK_FILE_H
#define MANTIS_GATE_TASK_FILE_H

#include "base/json.h"

struct criterion {
    const char *type, *value; /* never NULL; a value that is no string is compact JSON */
};

/* Is this a type that can pass? Others never do. (With the tests themselves in report.c.) */
bool criterion_known(const char *type);

struct gate_task {
    const char *id;                     /* never empty, unique in its file */
    const char *text, *plan_text, *url; /* "" none */
    const json_t *micro_plan;           /* array of steps; empty: none */
    const struct criterion *criteria;   /* at least one: task_success when the file names none */
    size_t n_criteria;
    double max_cost;        /* USD, > 0 */
    int max_steps;          /* > 0 */
    const json_t *metadata; /* object */
};

struct task_file {
    const struct gate_task *tasks;
    size_t n;
    const char *const *warnings; /* NULL-terminated: criteria that never pass, by task */
};

/* An array of tasks, or an object with `tasks`. what names the source in messages. No task at all, an
 * empty or repeated id, and a field of the wrong kind are E_INVALID; the message names the field. */
int task_file_parse(struct pool *pool, json_t *doc, const char *what, struct task_file *out,
                    struct err *err) MUST_CHECK;

/* The same from a file of at most CAP_GATE_FILE_BYTES. E_NOT_FOUND, E_TOOBIG, E_INVALID, E_IO. */
int task_file_read(struct pool *pool, const char *path, struct task_file *out, struct err *err) MUST_CHECK;

/* Any JSON file of this room: value kept by pool. */
int gate_json_read(struct pool *pool, const char *path, json_t **out, struct err *err) MUST_CHECK;

#endif
