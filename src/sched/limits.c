/*
 * limits.c - one bucket per tenant, found by hash, in order of last use.
 *
 * A bucket holds grains: a call costs GRAINS of them and one drops in every microsecond for each
 * call per minute that is allowed, so all of it is whole numbers and nothing drifts. An empty
 * bucket is full after a minute whatever its size; one not used for an hour can therefore be
 * forgotten.
 */
#include "sched/limits.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

#define GRAINS    60000000LL /* of one call: microseconds of a minute */
#define FULL_US   60000000LL /* after which every bucket is full */
#define FORGET_US 3600000000LL
#define HEADS     1024

struct bucket {
    struct bucket *next_hash;
    struct bucket *older, *newer; /* by last use */
    int64_t grains, at_us;        /* how many there were, when */
    int per_minute;
    char tenant[];
};

struct limits {
    struct bucket *heads[HEADS];
    struct bucket *oldest, *newest;
    int n;
};

struct limits *limits_create(void)
{
    struct limits *limits = calloc(1, sizeof(*limits));
    if (!limits)
        BUG("out of memory");
    return limits;
}

static struct bucket **slot_of(struct limits *limits, const char *tenant)
{
    uint64_t hash = str_hash(STR_HASH_START, tenant, strlen(tenant));
    struct bucket **at = &limits->heads[hash % HEADS];
    while (*at && strcmp((*at)->tenant, tenant) != 0)
        at = &(*at)->next_hash;
    return at;
}

static void unlink_use(struct limits *limits, struct bucket *b)
{
    *(b->older ? &b->older->newer : &limits->oldest) = b->newer;
    *(b->newer ? &b->newer->older : &limits->newest) = b->older;
    b->older = b->newer = NULL;
}

static void link_newest(struct limits *limits, struct bucket *b)
{
    b->older = limits->newest;
    *(b->older ? &b->older->newer : &limits->oldest) = b;
    limits->newest = b;
}

static void forget(struct limits *limits, struct bucket *b)
{
    struct bucket **at = slot_of(limits, b->tenant);
    *at = b->next_hash;
    unlink_use(limits, b);
    limits->n--;
    free(b);
}

void limits_destroy(struct limits *limits)
{
    while (limits && limits->oldest)
        forget(limits, limits->oldest);
    free(limits);
}

/* Over the cap the one that was used longest ago goes: of all it is nearest to being full. */
static void make_room(struct limits *limits, int64_t now_us)
{
    while (limits->oldest &&
           (now_us - limits->oldest->at_us >= FORGET_US || limits->n >= CAP_RATE_BUCKETS))
        forget(limits, limits->oldest);
}

static struct bucket *bucket_of(struct limits *limits, const char *tenant, int per_minute,
                                int64_t now_us)
{
    struct bucket *b = *slot_of(limits, tenant);
    if (b) {
        unlink_use(limits, b);
        link_newest(limits, b);
        return b;
    }
    make_room(limits, now_us);
    size_t len = strlen(tenant);
    b = calloc(1, sizeof(*b) + len + 1);
    if (!b)
        BUG("out of memory");
    memcpy(b->tenant, tenant, len);
    b->per_minute = per_minute;
    b->grains = per_minute * GRAINS;
    b->at_us = now_us;
    *slot_of(limits, tenant) = b;
    link_newest(limits, b);
    limits->n++;
    return b;
}

/* What dropped in at the old rate, then the new size: a bucket keeps its fill (tenancy.md section
 * 4). */
static void refill(struct bucket *b, int per_minute, int64_t now_us)
{
    int64_t passed_us = now_us - b->at_us;
    if (passed_us > FULL_US)
        passed_us = FULL_US;
    if (passed_us > 0)
        b->grains += passed_us * b->per_minute;
    if (b->grains > b->per_minute * GRAINS)
        b->grains = b->per_minute * GRAINS;
    if (b->grains > per_minute * GRAINS)
        b->grains = per_minute * GRAINS;
    b->per_minute = per_minute;
    b->at_us = now_us;
}

static void describe(const struct bucket *b, struct rate_state *out)
{
    int64_t missing = b->per_minute * GRAINS - b->grains;
    int64_t full_us = clock_wall_us() + (missing + b->per_minute - 1) / b->per_minute;
    int64_t wait_us = (GRAINS - b->grains + b->per_minute - 1) / b->per_minute;
    out->limit = b->per_minute;
    out->remaining = (int)(b->grains / GRAINS);
    out->reset_unix_s = (full_us + 999999) / 1000000;
    out->retry_after_s = (int)(wait_us / 1000000) + 1; /* http-api.md section 12 */
}

bool limits_take(struct limits *limits, const char *tenant, int per_minute, struct rate_state *out)
{
    *out = (struct rate_state){0};
    if (per_minute <= 0)
        return true;
    int64_t now_us = clock_mono_us();
    struct bucket *b = bucket_of(limits, tenant, per_minute, now_us);
    refill(b, per_minute, now_us);
    bool taken = b->grains >= GRAINS;
    if (taken)
        b->grains -= GRAINS;
    describe(b, out);
    if (taken)
        out->retry_after_s = 0;
    return taken;
}
