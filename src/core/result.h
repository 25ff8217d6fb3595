/*
 * result.h - the checkpoint document of a run and the result envelope made from it.
 *
 * A checkpoint is everything a new worker needs to go on, and everything the result needs: JSON
 * version 2 of agent-loop.md section 13. The worker writes it (src/run), the store keeps it, and
 * `serve` makes the result from the last one, so a run that was killed still has its rows.
 * Keys beyond the contract that are read here: "rows" (array of {values, evidence, image, step_index}),
 * "accounts" (core/completeness.h), "downloads" ({name, file_name, mime_type, bytes, sha256 ...}),
 * "schema_fields", "time_buckets", "shared_seen_hits", "learned" and "warnings". All keys:
 * src/run/progress.c. A step result's "trace" is for core/trace.h alone.
 */
#ifndef MANTIS_CORE_RESULT_H
#define MANTIS_CORE_RESULT_H

#include "base/json.h"

/* What `serve` knows about a run beside its checkpoint. Borrowed strings, "" when none. */
struct result_context {
    const char *run_id, *model, *model_tag, *provider, *session_name;
    const char *profile_id, *workflow_id, *state_key, *plan_signature, *checkpoint_path;
    const char *terminal_status, *halt_reason;
    double total_time_s;
    bool resume_state;
    const json_t *cua; /* {"instruction","start_url"} of a run of /v1/cua; NULL: another one */
};

/* The micro result envelope of agent-loop.md section 18. checkpoint may be NULL: nothing was done
 * yet. New reference. */
json_t *result_envelope(const struct result_context *ctx, const json_t *checkpoint);

/* The compact summary of http-api.md section 10 with its Better additions. New reference. */
json_t *result_summary(const json_t *envelope);

/* True when a step of the checkpoint failed; a step skipped by its guard did not, and of attempts only
 * the last one is a result. */
bool result_any_step_failed(const json_t *checkpoint);

/* failure_class of every failed step, in order, for failure_of_run(). New reference. */
json_t *result_failure_classes(const json_t *checkpoint);

/* CSV and JSON artifacts as text in pool (agent-loop.md 14.5); NULL when there is nothing to say. */
char *result_leads_csv(struct pool *pool, const json_t *envelope);
char *result_rows_csv(struct pool *pool, const json_t *envelope);
char *result_rows_json(struct pool *pool, const json_t *envelope);
char *result_cost_by_path(struct pool *pool, const json_t *envelope); /* agent-loop.md 17 */

#endif
