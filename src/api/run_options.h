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
    bool row_images;             /* a picture of every row */
    bool live_viewer;            /* the status says where to watch it */
    bool cache_read, cache_write; /* agent-loop.md 14.6 */
    int64_t cache_ttl_s;         /* 0: never stale */
    const char *cache_key;
    const json_t *user_input; /* NULL none */
    const json_t *extraction_schema;
    bool dry_run;
    const char *cua_model, *callback_url;
    const json_t *callback_events; /* array of final status words; NULL not given */
};

/* E_INVALID names the field. What this version does not build is refused when it is asked for. */
int run_options_read(const json_t *body, struct run_options *out, struct err *err) MUST_CHECK;

/* What of either kind of request, once it was read, is to be recorded: {"format","fps","cuts"}; NULL: nothing.
 * New reference. */
json_t *video_wanted(const json_t *body);

/* ---- /v1/cua (section 6) ---- */

/* What a request for an instruction asks; "" and 0 as above. */
struct cua_options {
    bool detached;
    const char *instruction, *start_url;
    const char *goals; /* that a model made of the instruction; NULL none. Not read */
    int64_t max_steps; /* at most max_steps_cap */
    int64_t frames;    /* screenshots a turn is shown */
    double settle_s;   /* cap behind an action; 0: the loop's own */
    bool ground_clicks;
    bool live_viewer;
    const char *profile_id, *workflow_id, *state_key, *run_id, *cua_model, *callback_url;
    double max_cost;
    int64_t max_time_minutes;
};

/* Switches of the inner loop that a request may set over the server's, NULL-terminated: its fields are
 * booleans or null. */
extern const char *const cua_switches[];

int cua_options_read(const json_t *body, int max_steps_cap, struct cua_options *out,
                     struct err *err) MUST_CHECK;

/* ---- what both check ---- */

/* E_INVALID unless it is "", the name of the model here, or (any) a known one, which another server may run. */
int model_check(const char *asked, const char *model, bool any, struct err *err) MUST_CHECK;

/* Estimated USD per step and per extract (section 4.6). What is not in the list costs as holo3. */
struct model_rates {
    const char *name;
    double step, extract;
};
const struct model_rates *model_rates(const char *name);

/* ---- what they read, field by field ---- */

/* One field, as JSON Schema says it: the API's description is held against it. */
struct option_field {
    const char *name;
    const char *type; /* "boolean", "integer", "number", "string", "object"; "" anything */
    bool nullable;
    double min, max; /* min == max: any */
    bool above_0;
};

/* The i-th of run_options_read() and cua_options_read(); false behind the last. pause_on_captcha and
 * callback_events are read beside the table. */
bool run_options_field(size_t i, struct option_field *out);
bool cua_options_field(size_t i, struct option_field *out);

/* ---- identity.c ---- */

/* Who the run is: http-api.md section 13. Strings live in pool. */
struct identity {
    const char *profile_id, *workflow_id, *state_key;
};

/* signature: of the plan; names the workflow when the caller does not. E_INVALID: an id is too long. */
int identity_resolve(struct pool *pool, const char *tenant, const struct run_options *options,
                     const char *signature, struct identity *out, struct err *err) MUST_CHECK;

/* A line into warnings for each given name that is kept as another one. */
void identity_warn(struct pool *pool, const struct run_options *options, const struct identity *identity,
                   json_t *warnings);

#endif
