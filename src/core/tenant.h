/*
 * tenant.h - who may call, and what they may do (tenancy.md sections 2, 3, 7). Plain data and the
 * reading of the keys document; files and reloading are sched/tenants.h.
 */
#ifndef MANTIS_CORE_TENANT_H
#define MANTIS_CORE_TENANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

enum scope { /* bits; http-api.md section 2 */
    SCOPE_RUN = 1 << 0, /* includes all others */
    SCOPE_STATUS = 1 << 1,
    SCOPE_RESULT = 1 << 2,
    SCOPE_LOGS = 1 << 3,
};
#define SCOPE_ANY (SCOPE_RUN | SCOPE_STATUS | SCOPE_RESULT | SCOPE_LOGS)

/* One token's worth: two tokens of a tenant may differ in scopes and caps. Strings are never NULL. */
struct tenant {
    const char *id;    /* clean (base/id.h): directories are named after it */
    const char *label; /* for people */
    unsigned scopes;
    int max_concurrent_runs;
    double max_cost_per_run; /* USD */
    double max_cost_per_day; /* USD; 0 none */
    int max_time_minutes_per_run;
    int rate_limit_per_minute; /* 0 or less: unlimited */
    const char *anthropic_secret_name;
    bool anthropic_required; /* never fall back to the shared key */
    const char *const *allowed_domains; /* NULL-terminated; empty: any host */
    const char *webhook_url, *webhook_secret_name;
    const char *const *webhook_events; /* status words; empty: every terminal one */
};

/* True when one of scopes is granted; SCOPE_RUN grants all. */
bool tenant_may(const struct tenant *tenant, unsigned scopes);
const char *scope_name(enum scope scope); /* "run" */
bool scope_parse(const char *name, enum scope *out);

/* The tenant of single-token mode: "default" with the defaults of section 3. */
const struct tenant *tenant_single(void);

/* Every token of one document. Immutable once made; lives in the pool it was made in. */
struct tenant_set;

/* {"schema_version"?, "defaults"?, "tenant_keys":{"<token>" | "sha256:<hex>": {...}}}. A bad entry is
 * left out and named (by tenant or number, never by token) in *ret_warnings (NULL-terminated).
 * E_INVALID: not such a document. */
int tenant_set_parse(struct pool *pool, const json_t *document, struct tenant_set **out,
                     const char *const **ret_warnings, struct err *err) MUST_CHECK;
/* One token for tenant_single(). */
struct tenant_set *tenant_set_single(struct pool *pool, const char *token);
size_t tenant_set_size(const struct tenant_set *set); /* tokens */

/* Constant time over every entry. NULL: unknown, disabled, expired or not valid yet (now_us). */
const struct tenant *tenant_set_find(const struct tenant_set *set, const char *token, int64_t now_us);

/* Is fn true for one of the tenant's tokens that are in force, by their SHA-256? */
bool tenant_set_any(const struct tenant_set *set, const char *tenant_id, int64_t now_us,
                    bool (*fn)(void *arg, const unsigned char *sha256), void *arg);

/* The same by the token's SHA-256, for who kept that of a token found before. */
const struct tenant *tenant_set_find_hash(const struct tenant_set *set, const unsigned char *sha256,
                                          int64_t now_us);

/* When the next token begins or ends by its own dates; INT64_MAX never. */
int64_t tenant_set_next_change(const struct tenant_set *set, int64_t now_us);

/* Entries as for `mantis tenant list`, in the document's order: [{"tenant_id","label","scopes",...,
 * "sha256":"<hex>","state":"active|disabled|expired|not_yet","expires_at":time|null}]. In pool. */
json_t *tenant_set_list(struct pool *pool, const struct tenant_set *set, int64_t now_us);

/* The first entry of a tenant, for what is read per use (webhook secret, allowed domains); NULL none. */
const struct tenant *tenant_set_by_id(const struct tenant_set *set, const char *tenant_id);

/* Does a lower-case host match "*.x.com" (not the apex) or "x.com"? */
bool tenant_host_matches(const char *pattern, const char *host);
bool tenant_allows_host(const char *const *allowed_domains, const char *host);

#endif
