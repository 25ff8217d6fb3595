#include "brain/model/grounding.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/id.h"
#include "base/str.h"

#define AROUND_PX    80
#define SURE_PX      500.0
#define CONFIDENT    0.95
#define DOUBTFUL     0.3
#define KEY_BYTES    96
#define WORDS_DIGITS 12

/* --- rules ----------------------------------------------------------------------------------- */

bool grounding_skipped(const char *reasoning)
{
    static const char *const words[] = {"close",      "escape",         "back", "dismiss",
                                        "x button",   "gallery",        "exit", "force-submit",
                                        "force-fill", "claude-director"};
    for (size_t i = 0; reasoning && i < ARRAY_SIZE(words); i++)
        if (str_has_words_fold(reasoning, words[i]))
            return true;
    return false;
}

static double distance(struct point a, struct point b)
{
    return hypot(a.x - b.x, a.y - b.y);
}

double grounding_confidence(struct point from, struct point to)
{
    return fmax(DOUBTFUL, fmin(CONFIDENT, 1 - distance(from, to) / SURE_PX));
}

bool grounding_taken(const char *kind, struct point from, struct point to, double confidence)
{
    static const struct {
        const char *kind;
        double above, within_px;
    } rules[] = {{"listing", 0.5, 200}, {"filter", 0.5, 150}, {"paginate", 0.5, 150}};
    for (size_t i = 0; i < ARRAY_SIZE(rules); i++)
        if (!strcmp(kind, rules[i].kind))
            return confidence > rules[i].above && distance(from, to) < rules[i].within_px;
    return confidence > DOUBTFUL;
}

/* --- cache ----------------------------------------------------------------------------------- */

struct entry {
    char key[KEY_BYTES]; /* "" free */
    int dx, dy;
    double confidence;
    int64_t made_ms;
    uint64_t used; /* the cache's count of uses then */
};

struct grounding_cache {
    struct entry entries[GROUNDING_ENTRIES];
    uint64_t uses;
    struct entry *last; /* that was had or put; NULL none */
    struct grounding_counts counts;
};

struct grounding_cache *grounding_cache_create(void)
{
    struct grounding_cache *cache = calloc(1, sizeof(*cache));
    if (!cache)
        BUG("out of memory");
    return cache;
}

void grounding_cache_destroy(struct grounding_cache *cache)
{
    free(cache);
}

static struct rect around(const struct frame *frame, struct point at)
{
    int left = at.x > AROUND_PX ? at.x - AROUND_PX : 0,
        top = at.y > AROUND_PX ? at.y - AROUND_PX : 0;
    int right = at.x + AROUND_PX < frame->width ? at.x + AROUND_PX : frame->width;
    int bottom = at.y + AROUND_PX < frame->height ? at.y + AROUND_PX : frame->height;
    return (struct rect){left, top, right - left, bottom - top};
}

const char *grounding_key(struct pool *pool, const struct frame *frame, struct point at,
                          const char *description, const char *model)
{
    char hash[FRAME_HASH_BYTES], words[WORDS_DIGITS + 1], name[WORDS_DIGITS + 1];
    const struct rect area = around(frame, at);
    frame_hash(frame, &area, hash);
    id_sha1_hex(description, strlen(description), words, sizeof(words));
    id_sha1_hex(model, strlen(model), name, sizeof(name));
    return pool_printf(pool, "%s:%s:%dx%d:%s", hash, words, frame->width, frame->height, name);
}

static struct entry *find(struct grounding_cache *cache, const char *key)
{
    for (int i = 0; i < GROUNDING_ENTRIES; i++)
        if (!strcmp(cache->entries[i].key, key))
            return &cache->entries[i];
    return NULL;
}

static void drop(struct grounding_cache *cache, struct entry *e)
{
    e->key[0] = '\0';
    cache->counts.size--;
    cache->last = cache->last == e ? NULL : cache->last;
}

void grounding_cache_forget(struct grounding_cache *cache)
{
    if (cache && cache->last)
        drop(cache, cache->last);
}

bool grounding_cache_get(struct grounding_cache *cache, const char *key, int64_t now_ms,
                         struct point from, struct point *to, double *confidence)
{
    struct entry *e = find(cache, key);
    if (e && now_ms - e->made_ms >= GROUNDING_TTL_MS) {
        drop(cache, e);
        cache->counts.expirations++;
        e = NULL;
    }
    if (!e) {
        cache->counts.misses++;
        return false;
    }
    cache->counts.hits++;
    cache->last = e;
    e->used = ++cache->uses;
    *to = (struct point){from.x + e->dx, from.y + e->dy};
    *confidence = e->confidence;
    return true;
}

static struct entry *make_room(struct grounding_cache *cache)
{
    struct entry *oldest = &cache->entries[0];
    for (int i = 0; i < GROUNDING_ENTRIES; i++) {
        struct entry *e = &cache->entries[i];
        if (!*e->key)
            return e;
        if (e->used < oldest->used)
            oldest = e;
    }
    drop(cache, oldest);
    cache->counts.evictions++;
    return oldest;
}

void grounding_cache_put(struct grounding_cache *cache, const char *key, int64_t now_ms,
                         struct point from, struct point to, double confidence)
{
    if (confidence < DOUBTFUL || !*key || strlen(key) >= KEY_BYTES)
        return;
    struct entry *e = find(cache, key);
    if (!e) {
        e = make_room(cache);
        cache->counts.size++;
    }
    snprintf(e->key, sizeof(e->key), "%s", key);
    cache->last = e;
    e->dx = to.x - from.x;
    e->dy = to.y - from.y;
    e->confidence = confidence;
    e->made_ms = now_ms;
    e->used = ++cache->uses;
}

struct grounding_counts grounding_cache_counts(const struct grounding_cache *cache)
{
    return cache->counts;
}
