/*
 * limits.h - the token bucket of each tenant (http-api.md section 12). Monotonic clock, so a jump of
 * the wall clock neither fills nor empties one. Buckets start full; a full one nobody used for an
 * hour is forgotten. Threads: loop thread.
 */
#ifndef MANTIS_SCHED_LIMITS_H
#define MANTIS_SCHED_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

struct limits;

struct limits *limits_create(void);
void limits_destroy(struct limits *limits);

/* What the X-RateLimit-* headers say. limit 0: unlimited, no headers. */
struct rate_state {
    int limit, remaining;
    int64_t reset_unix_s; /* when it is full again */
    int retry_after_s;    /* of a refusal */
};

/* Take one token; per_minute as configured now. False: the bucket is empty. */
bool limits_take(struct limits *limits, const char *tenant, int per_minute, struct rate_state *out);

#endif
