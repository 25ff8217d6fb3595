/*
 * tenants.h - the tokens in force: single token, or the keys file, read again when it changes.
 *
 * A change counts within 5 s (tenancy.md section 4). A new file that cannot be used, or a file that is
 * gone, leaves the last good set in force for TENANTS_GRACE_MS, is said in the log and counted in
 * mantis_tenant_keys_load_errors_total; after that, and at start, it means no tenants: every call
 * is 401 until there is a good file. Threads: loop thread.
 */
#ifndef MANTIS_SCHED_TENANTS_H
#define MANTIS_SCHED_TENANTS_H

#include "base/err.h"
#include "core/tenant.h"
#include "sys/loop.h"
#include "sys/settings.h"

#define TENANTS_LOOK_MS  1000          /* how often the file is looked at while calls come */
#define TENANTS_GRACE_MS (10 * 60000)

struct tenants;

/* Borrows loop and settings. Never fails on a bad keys file. A keys document of the environment is
 * written below the data directory, which must be there: E_IO. */
int tenants_create(struct loop *loop, const struct settings *settings, struct tenants **out,
                   struct err *err) MUST_CHECK;
void tenants_destroy(struct tenants *tenants); /* NULL is fine */

/* E_UNAVAILABLE: no auth is configured; E_UNAUTHORIZED: missing, or matches no tenant (other words).
 * *out stays valid until the loop's next turn; what must live longer is copied. */
int tenants_check(struct tenants *tenants, const char *presented, const struct tenant **out,
                  struct err *err) MUST_CHECK;

/* Another number whenever a token may be in force no more, or again: the file was read anew, a date was
 * reached. For who keeps callers: ask now and then, and look them up again when it changed. */
uint64_t tenants_generation(struct tenants *tenants);

/* The tenant of a token that was good before, by the token's SHA-256; NULL: it is in force no more. */
const struct tenant *tenants_recheck(struct tenants *tenants, const unsigned char *sha256);

/* Is fn true for one of the tenant's tokens that are in force, by their SHA-256? */
bool tenants_any(struct tenants *tenants, const char *tenant_id,
                 bool (*fn)(void *arg, const unsigned char *sha256), void *arg);

/* By id, as the file says now; NULL when it names the tenant no more. Valid as above. */
const struct tenant *tenants_by_id(struct tenants *tenants, const char *tenant_id);

/* A secret of the secrets directory; "" none. In pool. */
const char *tenants_secret(const struct tenants *tenants, struct pool *pool, const char *name);

/* The keys file or document of these settings as it is now, for `serve --check`. Warnings as of
 * tenant_set_parse(). E_NOT_FOUND, E_TOOBIG, E_IO; E_INVALID with line and column. */
int tenants_try(struct pool *pool, const struct settings *settings, struct tenant_set **out,
                const char *const **ret_warnings, struct err *err) MUST_CHECK;

int64_t tenants_load_errors(const struct tenants *tenants);

#endif
