/*
 * run_options.h - the options of run mode (http-api.md section 4.3), read and checked.
 */
#ifndef MANTIS_API_RUN_OPTIONS_H
#define MANTIS_API_RUN_OPTIONS_H

#include <stdbool.h>

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/pool.h"

/* Strings are "" and JSON NULL when not given; all borrowed from the request. */
struct run_options {
    bool detached, resume_state;
    const char *profile_id, *workflow_id, *state_key, *run_id, *compute_backend;
    double max_cost;          /* USD; 0 = not given */
    int64_t max_time_minutes; /* 0 = not given */
    double settle_ceiling_s;  /* 0 = not given */
    bool pause_on_captcha;
    bool has_pause_on_captcha;
    const json_t *extraction_schema;
};

/* E_INVALID names the field. What this version does not build is refused when it is asked for. */
int run_options_read(const json_t *body, struct run_options *out, struct err *err) MUST_CHECK;

/* Who the run is: http-api.md section 13. Strings live in pool. */
struct identity {
    const char *profile_id, *workflow_id, *state_key;
};

/* signature: of the plan; names the workflow when the caller does not. E_INVALID: an id is too long. */
int identity_resolve(struct pool *pool, const char *tenant, const struct run_options *options,
                     const char *signature, struct identity *out, struct err *err) MUST_CHECK;

#endif
