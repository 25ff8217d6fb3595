/*
 * replay.h - the Idempotency-Key header: one run per key, whoever asks how often (http-api.md section 15).
 *
 * What is stored with a run is store/keys.h; here are the look-up, and the calls that came while the
 * run of their key was on its way to the disk: they wait for it instead of making a second one.
 */
#ifndef MANTIS_API_REPLAY_H
#define MANTIS_API_REPLAY_H

#include "api/request.h"
#include "base/id.h"
#include "store/keys.h"

/* A call's key. In the call's pool. */
struct replay_key {
    struct request *req;
    char hash[ID_SHA256_HEX_BYTES]; /* of the header, trimmed */
    char body[ID_SHA256_HEX_BYTES]; /* of the body as canonical JSON */
    bool flying;                    /* this call stores the run */
    struct replay_key *waiters;     /* of a flying one */
    struct replay_key *next, **prev; /* among the flying ones, or the waiters of one */
};

/* *out is NULL when the call has no key. E_INVALID: one that is too long. */
int replay_key_read(struct request *req, struct replay_key **out, struct err *err) MUST_CHECK;

/* The run of this key. E_NOT_FOUND: none yet; E_UNPROCESSABLE: it was used with another body. */
int replay_find(const struct replay_key *key, struct store_key *out, struct err *err) MUST_CHECK;

/* Is a twin on its way? *ret_joined: the call is suspended and goes on with then() when the twin is
 * stored or refused. E_UNPROCESSABLE as above. */
int replay_join(struct replay_key *key, route_fn *then, bool *ret_joined, struct err *err) MUST_CHECK;

/* Between these a twin waits. Ending one that never began is fine. */
void replay_begin(struct replay_key *key);
void replay_end(struct replay_key *key);

#endif
