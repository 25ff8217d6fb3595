/*
 * cache.h - rows of runs that were touched lately, so that polling does not touch the disk. Private
 * to src/store.
 *
 * An entry never changes: a change of its run makes a new one, and whoever still reads the old one
 * holds a reference. The oldest ones go when there are more than CAP_STORE_CACHE_RUNS of them or
 * when they weigh more than CAP_STORE_CACHE_BYTES.
 */
#ifndef MANTIS_STORE_CACHE_H
#define MANTIS_STORE_CACHE_H

#include "store/row.h"

struct store_entry {
    struct store_row row; /* strings behind the struct; doc and settings are references */
    int refs;
    size_t weight;                   /* bytes, roughly */
    uint64_t hash;
    struct store_entry *same_slot;   /* next in its slot of the table */
    struct store_entry *newer, *older;
    char text[];
};

struct store_cache {
    struct store_entry **slots; /* NULL before the first */
    struct store_entry *newest, *oldest;
    size_t n, weight;
};

/* Borrowed until the next change of the cache; NULL when it is not there. */
struct store_entry *store_cache_get(struct store_cache *cache, struct run_key key);

/* Put a copy of row in, in place of an older one of its run. Borrowed likewise. */
struct store_entry *store_cache_put(struct store_cache *cache, const struct store_row *row);

void store_cache_drop(struct store_cache *cache, struct run_key key);
void store_cache_clear(struct store_cache *cache);

/* Keep an entry for as long as pool lives. */
void store_entry_keep(struct pool *pool, struct store_entry *entry);

struct store_entry *store_entry_ref(struct store_entry *entry);
void store_entry_unref(struct store_entry *entry);

#endif
