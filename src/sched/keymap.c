#include "sched/keymap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/err.h"

#define FIRST_SIZE 64

__extension__ typedef unsigned __int128 wide;

/* wyhash's multiply-and-fold: a run id is short, and the seed keeps callers from aiming. */
static uint64_t mix(uint64_t a, uint64_t b)
{
    wide product = (wide)a * b;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t hash_text(uint64_t h, const char *s)
{
    size_t len = strlen(s), n = len;
    for (uint64_t word; n >= 8; n -= 8, s += 8) {
        memcpy(&word, s, 8);
        h = mix(h ^ word, UINT64_C(0x9e3779b97f4a7c15));
    }
    uint64_t rest = 0;
    memcpy(&rest, s, n);
    return mix(h ^ rest, UINT64_C(0xe7037ed1a0b428db) ^ len);
}

static uint64_t hash_key(const struct keymap *map, struct run_key key)
{
    return hash_text(hash_text(map->seed, key.tenant), key.run_id);
}

bool run_key_equal(struct run_key a, struct run_key b)
{
    return strcmp(a.run_id, b.run_id) == 0 && strcmp(a.tenant, b.tenant) == 0;
}

static void put(struct keymap *map, struct keynode *node)
{
    struct keynode **at = &map->buckets[node->hash & (map->size - 1)];
    node->next = *at;
    *at = node;
}

static void grow(struct keymap *map)
{
    struct keynode **old = map->buckets;
    size_t old_size = map->size;
    if (!old_size && getrandom(&map->seed, sizeof(map->seed), 0) != (ssize_t)sizeof(map->seed))
        BUG("no random numbers");
    map->size = old_size ? 2 * old_size : FIRST_SIZE;
    map->buckets = calloc(map->size, sizeof(struct keynode *));
    if (!map->buckets)
        BUG("out of memory");
    for (size_t i = 0; i < old_size; i++) {
        for (struct keynode *node = old[i], *next; node; node = next) {
            next = node->next;
            put(map, node);
        }
    }
    free(old);
}

void keymap_add(struct keymap *map, struct keynode *node, struct run_key key)
{
    if (map->n >= map->size)
        grow(map);
    node->key = key;
    node->hash = hash_key(map, key);
    put(map, node);
    map->n++;
}

void keymap_remove(struct keymap *map, struct keynode *node)
{
    struct keynode **at = &map->buckets[node->hash & (map->size - 1)];
    while (*at != node)
        at = &(*at)->next;
    *at = node->next;
    map->n--;
}

static struct keynode *first_of(struct keynode *node, uint64_t hash, struct run_key key)
{
    while (node && (node->hash != hash || !run_key_equal(node->key, key)))
        node = node->next;
    return node;
}

struct keynode *keymap_find(const struct keymap *map, struct run_key key)
{
    if (!map->n)
        return NULL;
    uint64_t hash = hash_key(map, key);
    return first_of(map->buckets[hash & (map->size - 1)], hash, key);
}

struct keynode *keymap_again(const struct keynode *node)
{
    return first_of(node->next, node->hash, node->key);
}

void keymap_release(struct keymap *map, void (*end)(struct keynode *node))
{
    for (size_t i = 0; i < map->size; i++) {
        for (struct keynode *node = map->buckets[i], *next; node; node = next) {
            next = node->next;
            end(node);
        }
    }
    free(map->buckets);
    *map = (struct keymap){0};
}

void keynode_free(struct keynode *node)
{
    free(node);
}

void *keynode_create(size_t size, struct run_key key, struct run_key *ret_copy)
{
    size_t tenant = strlen(key.tenant) + 1, run = strlen(key.run_id) + 1;
    char *node = calloc(1, size + tenant + run);
    if (!node)
        BUG("out of memory");
    *ret_copy = RUN_KEY(memcpy(node + size, key.tenant, tenant),
                        memcpy(node + size + tenant, key.run_id, run));
    return node;
}
