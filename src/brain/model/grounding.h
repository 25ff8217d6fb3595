/*
 * grounding.h - when a click's point is looked at again, how much the better point is believed, and
 * what is remembered of it (agent-loop.md section 15).
 *
 * Remembered is the way from the first point to the better one, not the place: the same button stands
 * elsewhere on the next page. Pure but for the cache's own state; the caller gives the time.
 * Threads: a cache belongs to one thread.
 */
#ifndef MANTIS_BRAIN_MODEL_GROUNDING_H
#define MANTIS_BRAIN_MODEL_GROUNDING_H

#include "base/pool.h"
#include "core/frame.h"

#define GROUNDING_ENTRIES 1024
#define GROUNDING_TTL_MS  3600000
#define GROUNDING_FAILED  0.2 /* confidence of no answer */
#define GROUNDING_NO_KEY  0.3 /* and of nobody to ask, or nothing to ask for */

/* A click whose reason is this needs no second look: closing, going back, what we chose ourselves. */
bool grounding_skipped(const char *reasoning);

/* 1 - distance / 500, within 0.3 and 0.95. */
double grounding_confidence(struct point from, struct point to);

/* Is the better point taken? kind: "inner", "listing", "filter" or "paginate". */
bool grounding_taken(const char *kind, struct point from, struct point to, double confidence);

struct grounding_cache;

struct grounding_counts {
    int64_t hits, misses, evictions, expirations;
    int size;
};

struct grounding_cache *grounding_cache_create(void);
void grounding_cache_destroy(struct grounding_cache *cache); /* NULL is fine */

/* What the frame shows around the point, what is wanted of it, the image's size and the model. */
const char *grounding_key(struct pool *pool, const struct frame *frame, struct point at,
                          const char *description, const char *model);

/* True: *to and *confidence are what was found then, from this point. */
bool grounding_cache_get(struct grounding_cache *cache, const char *key, int64_t now_ms, struct point from,
                         struct point *to, double *confidence);

/* A confidence below 0.3 is a failure and is not kept. The entry not used for longest makes room. */
void grounding_cache_put(struct grounding_cache *cache, const char *key, int64_t now_ms, struct point from,
                         struct point to, double confidence);

/* A click on the point that it had or was given last led to nothing: looked up anew next time. NULL is fine. */
void grounding_cache_forget(struct grounding_cache *cache);

struct grounding_counts grounding_cache_counts(const struct grounding_cache *cache);

#endif
