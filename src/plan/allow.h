/*
 * allow.h - may this tenant's plan name these hosts (http-api.md section 15)?
 *
 * A look at what was sent, before anything runs; the runner checks the real address again at every
 * step. Whatever a run could open is looked at: addresses and the text around them, in every shape of
 * plan. An address that cannot be read surely is refused. Without allowed_domains nothing is looked at.
 */
#ifndef MANTIS_PLAN_ALLOW_H
#define MANTIS_PLAN_ALLOW_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

struct allow;

/* domains: NULL-terminated, borrowed; NULL or empty: any host. Lives in pool. */
struct allow *allow_begin(struct pool *pool, const char *const *domains);

void allow_see_text(struct allow *allow, const char *text);       /* addresses inside prose */
void allow_see_address(struct allow *allow, const char *address); /* a value that is one; "" none */
void allow_see_document(struct allow *allow, const json_t *plan); /* any accepted shape, or steps */

/* 0, or E_FORBIDDEN listing the hosts. */
int allow_end(const struct allow *allow, struct err *err) MUST_CHECK;

#endif
