/*
 * guards.h - runs that go in circles or astray (plans.md section 5): runtime.state_repeat_threshold,
 * pinned_source_url_pattern and off_source_step_budget, looked at after every step.
 */
#ifndef MANTIS_RUN_GUARDS_H
#define MANTIS_RUN_GUARDS_H

#include "core/observation.h"
#include "run/run.h"

#define GUARDS_PRINT_BYTES 33

/* "https://a.test/x/" followed by "*": everything that starts with what precedes the slash and star;
 * otherwise the pattern itself, or what goes on with '/', '?' or '#'. */
bool guards_on_source(const char *url, const char *pattern);

/* First 32 hex of SHA-256(url, 0, frame hash, 0, visible text). */
void guards_fingerprint(struct pool *pool, const struct observation *obs, char out[GUARDS_PRINT_BYTES]);

/* After a step. *ret_reason: "off_source_drift" or "loop_stuck", NULL when the run may go on. An
 * address that cannot be read counts for nothing. E_GONE, E_CANCELLED. */
int guards_check(struct run *run, const char **ret_reason, struct err *err) MUST_CHECK;

#endif
