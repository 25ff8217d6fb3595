/*
 * allow.h - does the browser stand where the tenant may be? (http-api.md section 15)
 *
 * What a plan names was checked before the run was accepted. A redirect, a link or a form can still
 * lead elsewhere, so the live URL is looked at before and after each step. It is seen only once the page
 * is there: keeping the request itself back is the business of the network below.
 */
#ifndef MANTIS_RUN_ALLOW_H
#define MANTIS_RUN_ALLOW_H

#include "run/step.h"

/* True when the page at url may be worked on. The browser's own pages (about:, chrome-error:) may; an
 * address of another kind than http(s) may not, once there is a list. allowed: host patterns,
 * NULL-terminated, NULL or empty: any. */
bool allow_url(const char *const *allowed, const char *url);

/* Ask the live URL. When it is outside the list *out becomes a failure of class off_allowlist, whatever
 * it was, and *ret_outside true. */
int allow_check(struct run *run, struct step_result *out, bool *ret_outside, struct err *err) MUST_CHECK;

#endif
