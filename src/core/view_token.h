/*
 * view_token.h - a right to watch one run, or to act in it, that stands in an address.
 *
 * "<rights>.<expires>.<who>.<mac>.<tenant>": expires in seconds of Unix time; mac the HMAC-SHA256 of all else and
 * the run's id.
 * Nothing in it is secret but the mac. Pure.
 */
#ifndef MANTIS_CORE_VIEW_TOKEN_H
#define MANTIS_CORE_VIEW_TOKEN_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "core/lease.h"

enum view_rights {
    VIEW_WATCH = 1 << 0,
    VIEW_CONTROL = 1 << 1, /* with VIEW_WATCH */
};

#define VIEW_ANYBODY "0000000000000000" /* who: whoever may read the run's status */

struct view_token {
    unsigned rights;
    int64_t expires_s;
    const char *tenant;
    char who[LEASE_WHO_BYTES]; /* tells persons of one tenant apart, by the API token they came with */
};

const char *view_rights_name(unsigned rights); /* "view", "control" */

/* In pool. */
const char *view_token_make(struct pool *pool, const char *key, const struct view_token *token,
                            const char *run_id);

/* E_UNAUTHORIZED: not made with this key, for another run, or expired at now_s. Strings live in pool. */
int view_token_read(struct pool *pool, const char *key, const char *text, const char *run_id, int64_t now_s,
                    struct view_token *out, struct err *err) MUST_CHECK;

#endif
