/*
 * bench.h - what `mantis bench` asks of a model.
 */
#ifndef MANTIS_CMD_BENCH_H
#define MANTIS_CMD_BENCH_H

#include "gate/screenshots.h"

struct bench_model {
    const char *profile;            /* of profiles/: "holo3" */
    const char *base_url, *model;   /* NULL: the profile's */
    const char *key;                /* NULL: from the environment, as the profile says */
};

/*
 * One question per case, in order: the screenshot (PNG, below dir when its path is relative) and the task, as a run
 * would ask. *out: array of {id, action_type, params, text, thinking}, in pool; a case without an answer has
 * {id, error} instead.
 * Blocks: up to the profile's time limit for each case; progress is shown on stderr.
 * Errors: E_NOT_FOUND, E_INVALID: the profile or the address. What goes wrong with a case is in its line.
 */
int bench_predict(struct pool *pool, const struct bench_model *model, const struct screenshot_cases *cases,
                  const char *dir, json_t **out, struct err *err) MUST_CHECK;

#endif
