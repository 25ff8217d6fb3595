#include "store/cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

#define SLOTS      4096 /* of the table; a power of two */
#define JSON_BYTES 48   /* what jansson takes for a value beside its text, roughly */

static uint64_t hash_key(struct run_key key) /* "ab","c" is not "a","bc" */
{
    uint64_t h = str_hash(STR_HASH_START, key.tenant, strlen(key.tenant) + 1);
    return str_hash(h, key.run_id, strlen(key.run_id));
}

static size_t weight_of(const json_t *v)
{
    size_t n = JSON_BYTES, i;
    const char *key;
    json_t *item;
    if (json_is_string(v))
        return n + json_string_length(v);
    json_array_foreach ((json_t *)v, i, item)
        n += sizeof(item) + weight_of(item);
    json_object_foreach ((json_t *)v, key, item)
        n += JSON_BYTES + strlen(key) + weight_of(item);
    return n;
}

/* Copy *field to *at and let it point there. */
static void move_in(const char **field, char **at)
{
    if (!*field)
        return;
    size_t len = strlen(*field) + 1;
    memcpy(*at, *field, len);
    *field = *at;
    *at += len;
}

static struct store_entry *make(const struct store_row *row)
{
    const struct run_record *r = &row->rec;
    const char *const texts[] = {r->run_id,      r->tenant_id, r->profile_id,
                                 r->workflow_id, r->state_key, r->plan_signature};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        len += texts[i] ? strlen(texts[i]) + 1 : 0;
    struct store_entry *e = malloc(sizeof(*e) + len);
    if (!e)
        BUG("out of memory");
    *e = (struct store_entry){.row = *row, .refs = 1};
    const char **const fields[] = {&e->row.rec.run_id,     &e->row.rec.tenant_id,
                                   &e->row.rec.profile_id, &e->row.rec.workflow_id,
                                   &e->row.rec.state_key,  &e->row.rec.plan_signature};
    char *at = e->text;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        move_in(fields[i], &at);
    e->row.rec.plan = e->row.rec.checkpoint = e->row.rec.result = NULL;
    json_incref((json_t *)r->doc);
    json_incref((json_t *)r->settings);
    e->weight = sizeof(*e) + len + weight_of(r->doc) + weight_of(r->settings);
    e->hash = hash_key(RUN_KEY_OF(r));
    return e;
}

struct store_entry *store_entry_ref(struct store_entry *entry)
{
    entry->refs++;
    return entry;
}

void store_entry_unref(struct store_entry *entry)
{
    if (--entry->refs)
        return;
    json_decref((json_t *)entry->row.rec.doc);
    json_decref((json_t *)entry->row.rec.settings);
    free(entry);
}

static void unref(void *arg)
{
    store_entry_unref(arg);
}

void store_entry_keep(struct pool *pool, struct store_entry *entry)
{
    pool_defer(pool, unref, store_entry_ref(entry));
}

/* The link that points to the entry of key, or to where it would be. */
static struct store_entry **find(struct store_cache *cache, struct run_key key, uint64_t hash)
{
    struct store_entry **at = &cache->slots[hash % SLOTS];
    for (; *at; at = &(*at)->same_slot) {
        const struct run_record *r = &(*at)->row.rec;
        if ((*at)->hash == hash && strcmp(r->run_id, key.run_id) == 0 &&
            strcmp(r->tenant_id, key.tenant) == 0)
            break;
    }
    return at;
}

static void link_newest(struct store_cache *cache, struct store_entry *e)
{
    e->newer = NULL;
    e->older = cache->newest;
    if (e->older)
        e->older->newer = e;
    else
        cache->oldest = e;
    cache->newest = e;
}

static void unlink_age(struct store_cache *cache, struct store_entry *e)
{
    *(e->newer ? &e->newer->older : &cache->newest) = e->older;
    *(e->older ? &e->older->newer : &cache->oldest) = e->newer;
}

struct store_entry *store_cache_get(struct store_cache *cache, struct run_key key)
{
    struct store_entry *e = cache->slots ? *find(cache, key, hash_key(key)) : NULL;
    if (e && e != cache->newest) {
        unlink_age(cache, e);
        link_newest(cache, e);
    }
    return e;
}

static void take_out(struct store_cache *cache, struct store_entry **at)
{
    struct store_entry *e = *at;
    *at = e->same_slot;
    unlink_age(cache, e);
    cache->n--;
    cache->weight -= e->weight;
    store_entry_unref(e);
}

void store_cache_drop(struct store_cache *cache, struct run_key key)
{
    struct store_entry **at = cache->slots ? find(cache, key, hash_key(key)) : NULL;
    if (at && *at)
        take_out(cache, at);
}

struct store_entry *store_cache_put(struct store_cache *cache, const struct store_row *row)
{
    struct store_entry *e = make(row);
    if (!cache->slots)
        cache->slots = calloc(SLOTS, sizeof(struct store_entry *));
    if (!cache->slots)
        BUG("out of memory");
    store_cache_drop(cache, RUN_KEY_OF(&e->row.rec));
    struct store_entry **slot = &cache->slots[e->hash % SLOTS];
    e->same_slot = *slot;
    *slot = e;
    link_newest(cache, e);
    cache->n++;
    cache->weight += e->weight;
    while (cache->oldest != e &&
           (cache->n > CAP_STORE_CACHE_RUNS || cache->weight > CAP_STORE_CACHE_BYTES))
        store_cache_drop(cache, RUN_KEY_OF(&cache->oldest->row.rec));
    return e;
}

void store_cache_clear(struct store_cache *cache)
{
    while (cache->oldest)
        store_cache_drop(cache, RUN_KEY_OF(&cache->oldest->row.rec));
    free(cache->slots);
    *cache = (struct store_cache){0};
}
