/*
 * keys.h - idempotency keys: which run a caller's key stands for (http-api.md section 15).
 * A key is taken by store_run_create() in the commit that makes its run.
 */
#ifndef MANTIS_STORE_KEYS_H
#define MANTIS_STORE_KEYS_H

#include "store/store.h"

/* A key older than this is free again (http-api.md section 15), swept or not. */
#define STORE_KEY_TTL_S 86400

struct store_key {
    const char *run_id, *body_hash;
    const char *reply; /* JSON text; NULL: the run's result is the answer */
    int64_t stored_us;
};

/* E_NOT_FOUND: not taken, or older than after_us. Strings in pool. */
int store_key_get(struct store *store, struct pool *pool, const char *tenant, const char *key_hash,
                  int64_t after_us, struct store_key *out, struct err *err) MUST_CHECK;

/* Forget keys stored before this; at most limit in one commit. *ret_n: how many. */
int store_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n, struct err *err) MUST_CHECK;

#endif
