/*
 * payload.h - what a run's status shows of the request that started it (http-api.md section 4.5).
 *
 * Whoever may read a run's status need not know what its author put into forms: callers with the scope
 * status see that a field was filled, and not with what.
 */
#ifndef MANTIS_API_PAYLOAD_H
#define MANTIS_API_PAYLOAD_H

#include "base/json.h"
#include "base/pool.h"

/* A copy in pool without secrets and long values: what steps type is "***", addresses that are called back
 * stand without userinfo, query and fragment. */
json_t *payload_of(struct pool *pool, const json_t *request);

#endif
