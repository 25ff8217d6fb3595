/*
 * screenshots.h - the screenshot benchmark: does an action land where it may, and not where it must not?
 * Cases and predictions are JSON lines. Source: promotion.md section 9. Everything lives in the pool given.
 */
#ifndef MANTIS_GATE_SCREENSHOTS_H
#define MANTIS_GATE_SCREENSHOTS_H

#include "base/json.h"

struct region {
    const char *label;
    double x1, y1, x2, y2; /* corners in any order; the border belongs to it */
};

struct screenshot_case {
    const char *id, *image, *task;
    const char *action_type; /* expected; "" any */
    const char *regex;       /* the text must have it somewhere, in any case, over lines; "" none */
    const struct region *allowed, *forbidden;
    size_t n_allowed, n_forbidden;
    const json_t *tags; /* array of strings */
    int width, height;  /* px of the screen */
};

struct screenshot_cases {
    const struct screenshot_case *cases;
    size_t n;
};

struct prediction {
    const char *action_type, *text; /* "" none */
    bool has_point;
    double x, y;
};

/* The size that a PNG file says it has, from its first bytes. False: it is no PNG, or has no side from 1 to
 * CAP_SCREEN_SIDE_PX. */
#define SCREENSHOT_HEAD_BYTES 24
bool screenshot_size(const void *data, size_t len, int *ret_width, int *ret_height);

/* A file of JSON lines as an array; empty lines are left out. E_INVALID names the line. */
int screenshot_lines_read(struct pool *pool, const char *path, json_t **out, struct err *err) MUST_CHECK;

/* Ids must be there and unique; a regular expression that does not compile is E_INVALID. */
int screenshot_cases_parse(struct pool *pool, const json_t *lines, const char *what, struct screenshot_cases *out,
                           struct err *err) MUST_CHECK;

/* {id, action_type|type, params|action_params, text|raw_output}. */
struct prediction screenshot_prediction(const json_t *line);

enum screenshot_check { CHECK_PREDICTION, CHECK_TYPE, CHECK_ALLOWED, CHECK_FORBIDDEN, CHECK_TEXT, SCREENSHOT_CHECKS };
struct screenshot_result {
    const struct screenshot_case *of;
    bool passed;
    bool asked[SCREENSHOT_CHECKS], held[SCREENSHOT_CHECKS];
    const char *error; /* why there is no prediction; "" */
};

/* prediction NULL: there is none, and everything fails. */
struct screenshot_result screenshot_judge(const struct screenshot_case *c, const struct prediction *prediction);

json_t *screenshot_result_json(const struct screenshot_result *result); /* new reference */

/* {total, passed, failed, pass_rate, by_tag}; new reference. */
json_t *screenshot_summary_json(const struct screenshot_result *results, size_t n);

#endif
