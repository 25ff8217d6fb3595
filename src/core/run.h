/*
 * run.h - the states of a run, the words for how it ended, and the class of a failure.
 */
#ifndef MANTIS_CORE_RUN_H
#define MANTIS_CORE_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/json.h"

enum run_state {
    RUN_QUEUED,
    RUN_RUNNING,
    RUN_RECOVERING, /* its worker or `serve` died; it goes on from its last checkpoint */
    RUN_PAUSED,
    RUN_SUCCEEDED,
    RUN_COMPLETED_WITH_FAILURES,
    RUN_HALTED,
    RUN_FAILED,
    RUN_CANCELLED,
    RUN_TIMEOUT,
    RUN_N_STATES,
};

/* A run's whole name: an id is the caller's choice and unique within its tenant only. */
struct run_key {
    const char *tenant, *run_id;
};
#define RUN_KEY(tenant_, run_id_) ((struct run_key){.tenant = (tenant_), .run_id = (run_id_)})

const char *run_state_name(enum run_state state); /* "queued": the status word on the wire */
bool run_state_parse(const char *name, enum run_state *out);
bool run_state_terminal(enum run_state state);
const char *run_state_phase(enum run_state state); /* http-api.md section 9 */

/* The only table of allowed changes. A terminal state never changes: the first one wins. */
bool run_state_may_become(enum run_state from, enum run_state to);

/*
 * How the runner ended, and what that makes of the run (agent-loop.md section 11).
 * terminal_status: completed, completed_with_failures, halted, budget_exceeded, time_exceeded,
 * cancelled, paused, failed.
 */
enum run_state run_state_of(const char *terminal_status);
const char *run_terminal_status(const char *runner_status, const char *halt_reason, bool any_step_failed);

/* failure_class of a failed step from its data text and page title (agent-loop.md section 10);
 * for handlers that stamped none. Static string, "unknown" at worst. */
const char *failure_classify(const char *data, const char *page_title);

/* {"verdict": ok, recoverable or non_recoverable, "confidence", "reason"} of a step. New reference. */
json_t *failure_verdict(bool success, const char *failure_class);

/* What that advises after so many attempts: advance, retry or terminate. */
const char *failure_decision(const json_t *verdict, int attempts, bool required);

/* A class as a brain is told it: "ran out of moves" (brains.md section 1). */
const char *failure_outcome(struct pool *pool, const char *failure_class);

const char *step_reversibility(const char *type); /* read_only, reversible or irreversible */

/* What in a title, or in all that a page says, asks for proof of a human (plans.md 8.1); NULL none. */
const char *failure_wall_mark(const char *text);

/* The class that explains the run: cause beats symptom. classes: array of strings. Static or borrowed. */
const char *failure_of_run(const json_t *classes);

/* failure_help object for a halt class ("required_failed:submit" is looked up without its suffix, or
 * by the failure_class of the step when that has words of its own); run_id fills the debug_surfaces
 * links. Both classes may be NULL. New reference. Own wording. */
json_t *failure_help(const char *halt_class, const char *failure_class, const char *run_id);

/* Its summary, likely_causes and next_steps for a step that failed so. New reference; NULL: the class has no words
 * of its own. */
json_t *failure_step_help(const char *failure_class);

#endif
