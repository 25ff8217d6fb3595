/*
 * lease.h - who has the controls of one run: one person at a time, for as long as there are signs of life.
 *
 * Pure: the caller says what time it is and whether the holder's socket is open. A lease is known by a secret
 * of its own, so that a person who was cut off comes back to it; a person is known by `who` (core/view_token.h).
 */
#ifndef MANTIS_CORE_LEASE_H
#define MANTIS_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define LEASE_TOKEN_BYTES 33 /* 32 hex digits and NUL */
#define LEASE_WHO_BYTES   17 /* 16 hex digits and NUL */

struct lease { /* zeroed: free */
    char token[LEASE_TOKEN_BYTES], who[LEASE_WHO_BYTES];
    int64_t until_ms; /* of a monotonic clock */
    int ttl_ms;
    bool attached; /* the holder's socket is open */
};

bool lease_is_held(const struct lease *l, int64_t now_ms);

/*
 * Take it. token: of a lease that is held, to go on with it ("" or NULL: none); from the same person also
 * without, when nobody is attached or `take` says so: that makes a new token, and the old one is void.
 * Errors: E_CONFLICT, with who has it for how long; *l is untouched.
 */
int lease_take(struct lease *l, const char *token, const char *who, bool take, int ttl_ms, int64_t now_ms,
               struct err *err) MUST_CHECK;

/* Is it this one, and still held? */
bool lease_is(const struct lease *l, const char *token, int64_t now_ms);

void lease_renew(struct lease *l, int64_t now_ms); /* of a held one */
void lease_end(struct lease *l);

#endif
