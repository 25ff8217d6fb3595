/*
 * intake.h - every accepted shape of a plan becomes one struct plan here (plans.md sections 1-7).
 * No network; reads only plan files below the repo root.
 */
#ifndef MANTIS_PLAN_INTAKE_H
#define MANTIS_PLAN_INTAKE_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"

struct decomposer; /* plan/decompose.h */

struct intake_config {
    const char *repo_root;     /* "" : no path may be used (the CLI opens files itself) */
    const char *env_url;       /* replaces {{ENV_URL}}; "" unset */
    const char *default_micro; /* "" none */
    const char *share_dir;     /* profiles/sites.json says what is known of sites; NULL or "": nothing */
    struct decomposer *decomposer; /* makes steps of words; NULL: the rules */
    int max_steps, max_loop_iterations, max_time_minutes;
    double max_cost;
};

/*
 * From a request object: the first non-empty of task_suite, task_file_contents, task_file, plan_text,
 * micro, micro_path (plans.md section 1). Prose is decomposed (decompose.h), or with decompose:false a
 * suite of one task. Also applies the request's own runtime fields (max_cost, max_time_minutes,
 * compute_backend, brain_budgets ...) over the plan's.
 * E_INVALID (400), E_NOT_FOUND (404: no such plan file), E_UNSUPPORTED for what a later part builds.
 */
int intake_request(struct pool *pool, const struct intake_config *config, const json_t *request,
                   struct plan **out, struct err *err) MUST_CHECK;

/* The plan as it was sent, before anything is made of it. */
struct intake_source {
    const json_t *document; /* any accepted shape, {{ENV_URL}} replaced; what prose became */
    const char *prose;      /* the words that became the document; NULL: it came as one */
    const char *field;      /* of the request */
    const char *name;       /* label, "" none */
    const char *path;       /* of a prose file, NULL otherwise */
};

/* intake_request() in two halves, for who must look at the source even when no plan comes of it: *out is
 * set as far as it was read, words that were not understood included. */
int intake_read(struct pool *pool, const struct intake_config *config, const json_t *request,
                struct intake_source *out, struct err *err) MUST_CHECK;
int intake_build(struct pool *pool, const struct intake_config *config, const json_t *request,
                 const struct intake_source *source, struct plan **out, struct err *err) MUST_CHECK;

/* schema becomes the extract block of extracting steps that bring none; the signature is made anew. */
void intake_share_schema(struct pool *pool, struct plan *plan, const json_t *schema);

/* From prose. name labels it. E_INVALID: what of it is not understood, or a read-only text that asks for
 * more. */
int intake_prose(struct pool *pool, const struct intake_config *config, const char *prose, const char *name,
                 struct plan **out, struct err *err) MUST_CHECK;

/* From a plan document in any accepted shape (array, {"steps"}, suite). name labels it. */
int intake_document(struct pool *pool, const struct intake_config *config, const json_t *document,
                    const char *name, struct plan **out, struct err *err) MUST_CHECK;

/* E_INVALID: a suite, or a request of words, asks for a challenger of its own ("_lora_adapter" or "lora_adapter", and the
 * like). This host has the model that it was started with: what came of the run would be taken for the challenger's and
 * be the base's (serving.md section 2.3). */
int intake_refuse_challenger(const json_t *asked, struct err *err) MUST_CHECK;

/*
 * A plan path inside root: relative only, no "..", no link that leads out; a leading "plans/" is also
 * tried without it. Absolute path in pool. E_INVALID, E_NOT_FOUND.
 */
int intake_resolve_path(struct pool *pool, const char *root, const char *path, char **out,
                        struct err *err) MUST_CHECK;

/* What a plan file is called: its name without directory and suffix. */
const char *intake_label(struct pool *pool, const char *path);

/* Hex SHA-256 of the canonical JSON of an array of step objects (plans.md section 7). */
void intake_signature(const json_t *steps, char out[ID_SHA256_HEX_BYTES]);

#endif
