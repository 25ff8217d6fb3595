/*
 * keymap.h - things found by the name of a run: a hash table of nodes that live in their owners.
 *
 * A key's strings belong to the node's owner and outlive its place in the table. One key may be
 * there several times. Callers choose run ids, so the hash has a random seed. Threads: one.
 */
#ifndef MANTIS_SCHED_KEYMAP_H
#define MANTIS_SCHED_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/run.h"

/* First member of what is kept. */
struct keynode {
    struct keynode *next;
    uint64_t hash;
    struct run_key key;
};

struct keymap { /* zeroed is empty */
    struct keynode **buckets;
    size_t size, n; /* size: a power of two, 0 before the first node */
    uint64_t seed;
};

void keymap_add(struct keymap *map, struct keynode *node, struct run_key key);
void keymap_remove(struct keymap *map, struct keynode *node);
struct keynode *keymap_find(const struct keymap *map, struct run_key key);  /* NULL: none */
struct keynode *keymap_again(const struct keynode *node);                   /* the next of its key */
void keymap_release(struct keymap *map, void (*end)(struct keynode *node)); /* end() frees the node */

bool run_key_equal(struct run_key a, struct run_key b);

/* A zeroed node of this size with copies of the key's strings behind it: one free(). */
void *keynode_create(size_t size, struct run_key key, struct run_key *ret_copy);
void keynode_free(struct keynode *node);

#endif
