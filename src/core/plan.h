/*
 * plan.h - the normal form of a plan: what every accepted shape becomes (plans.md sections 1-5).
 */
#ifndef MANTIS_CORE_PLAN_H
#define MANTIS_CORE_PLAN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/pool.h"

/* One step after normalising: defaults and inferences applied. Strings are never NULL. */
struct step {
    const char *type;
    const char *intent;
    const char *verify;
    const char *reverse;
    const char *section; /* "setup", "extraction", "pagination", "recovery", other, or "" */
    int budget;          /* brain actions */
    bool grounding, claude_only, required, gate;
    int loop_target; /* index, -1 none */
    int loop_count;  /* 0 = section default */
    const char *stop_var, *condition_var, *guard, *out_var;
    int then_target, else_target;
    const json_t *params, *hints, *extract; /* objects, never NULL; live in the plan's pool */
};

/* What the runtime block may set; has_* says whether the plan or caller gave it. */
struct plan_runtime {
    double max_cost;      /* USD; 0 = not given */
    int max_time_minutes; /* 0 = not given */
    const char *compute_backend; /* "", "computer_plane" or "browser_use_plane" */
    double settle_ceiling_s;     /* 0 = none */
    int max_recoveries_per_run, max_recoveries_per_step; /* 0 = default */
    int state_repeat_threshold;  /* 0 = off */
    const char *pinned_source_url_pattern; /* "" = none */
    int off_source_step_budget;
    const json_t *brain_budgets; /* object or NULL */
    const char *extractor_model; /* of a reader that is Claude; "" or NULL the usual */
    bool pause_on_captcha, has_pause_on_captcha;
    bool proxy_disabled;
};

struct plan {
    struct step *steps;
    int n_steps;
    const char *session_name; /* micro_<domain> unless given */
    const char *domain;       /* host of the first navigate URL, or "" */
    const char *name;         /* label: file stem, or "" */
    const char *page_url_template; /* pagination_url_template or "" */
    const char *hash; /* plan_hash: of the words that a model made it of; "" or NULL none. Not kept with the run */
    char signature[ID_SHA256_HEX_BYTES];
    struct plan_runtime runtime;
    const json_t *site_config; /* object or NULL (plans.md 8.9) */
    const json_t *objective;   /* object: what its author wants (start_url, filters ...), or NULL */
    const json_t *loop_groups; /* array of {loop_step_idx, body_range, shape} (plans.md 11), or NULL */
    const json_t *warnings;    /* array of strings: unknown keys and types, clamps; never NULL */
};

/* One step as the object of plans.md section 7: its 18 keys, and those of a branch where they are set.
 * New reference. */
json_t *step_to_json(const struct step *step);

/* Reads exactly that back into *out, in pool; index is for the message only. E_INVALID. */
int step_from_json(struct pool *pool, const json_t *o, int index, struct step *out, struct err *err) MUST_CHECK;

/* How often the body of a loop runs at most: loop_count, else its section's default (plans.md 9.1). */
int step_loop_limit(const struct step *loop);

/* Array of step_to_json(). New reference. */
json_t *plan_steps_to_json(const struct plan *plan);

/*
 * The whole plan as one object, for the store and for the worker: {"steps","session_name","domain",
 * "name","signature","runtime",...}. plan_from_json() reads exactly that back; it does not
 * normalise (src/plan does). E_INVALID.
 */
json_t *plan_to_json(const struct plan *plan);
int plan_from_json(struct pool *pool, const json_t *json, struct plan **out, struct err *err) MUST_CHECK;

/* First http(s) URL in text, in pool; NULL when there is none. Ends before white space, quotes,
 * '<' and '>'. */
char *plan_first_url(struct pool *pool, const char *text);

/* What a drag step takes hold of (n 0) and where it lets go (1): a label in its params, else the n-th quoted
 * piece of its intent; "" when nothing says so. */
const char *step_drag_label(struct pool *pool, const struct step *step, int n);

/* URL a navigate step opens: from the intent, else params.url; NULL when it has none. */
char *step_url(struct pool *pool, const struct step *step);

#endif
