#include "base/pool.h"
#include "base/err.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BYTES                                                                                \
    2048 /* comes with the pool: most pools need no more, and one allocation makes them */
#define CHUNK_BYTES 8192 /* usual further chunk; larger requests get a chunk of their own */

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) unsigned char data[];
};

struct hook {
    struct hook *next;
    pool_hook_fn *fn;
    void *arg;
};

struct pool {
    struct chunk *chunks; /* newest first */
    struct hook *hooks;   /* newest first; the nodes live in the chunks */
    struct pool *parent, *children, *prev, *next;
};

/* A pool and its first chunk are one allocation. */
struct pool_and_chunk {
    alignas(max_align_t) struct pool pool;
    alignas(max_align_t) unsigned char chunk[sizeof(struct chunk) + FIRST_BYTES];
};

static struct chunk *first_chunk(struct pool *pool)
{
    return (struct chunk *)(void *)((struct pool_and_chunk *)pool)->chunk;
}

struct pool *pool_create(struct pool *parent)
{
    struct pool *pool = malloc(sizeof(struct pool_and_chunk));
    if (!pool)
        BUG("out of memory");
    *pool = (struct pool){.chunks = first_chunk(pool)};
    pool->chunks->next = NULL;
    pool->chunks->used = 0;
    pool->chunks->size = FIRST_BYTES;
    if (parent) {
        pool->parent = parent;
        pool->next = parent->children;
        if (pool->next)
            pool->next->prev = pool;
        parent->children = pool;
    }
    return pool;
}

static void unlink_from_parent(struct pool *pool)
{
    if (!pool->parent)
        return;
    if (pool->prev)
        pool->prev->next = pool->next;
    else
        pool->parent->children = pool->next;
    if (pool->next)
        pool->next->prev = pool->prev;
}

void pool_destroy(struct pool *pool)
{
    if (!pool)
        return;
    while (pool->children)
        pool_destroy(pool->children);
    for (struct hook *h = pool->hooks; h; h = h->next)
        h->fn(h->arg);
    unlink_from_parent(pool);
    for (struct chunk *c = pool->chunks, *next; c != first_chunk(pool); c = next) {
        next = c->next;
        free(c);
    }
    free(pool);
}

static struct chunk *add_chunk(struct pool *pool, size_t size)
{
    size_t data = size > CHUNK_BYTES ? size : CHUNK_BYTES;
    if (data > SIZE_MAX - sizeof(struct chunk))
        return NULL;
    struct chunk *c = malloc(sizeof(*c) + data);
    if (!c)
        return NULL;
    c->used = 0;
    c->size = data;
    c->next = pool->chunks;
    pool->chunks = c;
    return c;
}

void *pool_try_raw(struct pool *pool, size_t size)
{
    size_t align = alignof(max_align_t);
    if (size > SIZE_MAX - align)
        return NULL;
    size_t need = (size + align - 1) / align * align;
    struct chunk *c = pool->chunks;
    if (c->size - c->used < need)
        c = add_chunk(pool, need);
    if (!c)
        return NULL;
    void *p = c->data + c->used;
    c->used += need;
    return p;
}

void *pool_try(struct pool *pool, size_t size)
{
    void *p = pool_try_raw(pool, size);
    if (p)
        memset(p, 0, size);
    return p;
}

void *pool_alloc(struct pool *pool, size_t size)
{
    void *p = pool_try(pool, size);
    if (!p)
        BUG("out of memory: %zu bytes", size);
    return p;
}

char *pool_strndup(struct pool *pool, const char *s, size_t len)
{
    char *p = pool_alloc(pool, len + 1);
    memcpy(p, s, len);
    return p;
}

char *pool_strdup(struct pool *pool, const char *s)
{
    return pool_strndup(pool, s, strlen(s));
}

char *pool_vprintf(struct pool *pool, const char *fmt, va_list ap)
{
    va_list again;
    va_copy(again, ap);
    int len = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (len < 0)
        BUG("bad format '%s'", fmt);
    char *p = pool_alloc(pool, (size_t)len + 1);
    vsnprintf(p, (size_t)len + 1, fmt, ap);
    return p;
}

char *pool_printf(struct pool *pool, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    char *p = pool_vprintf(pool, fmt, ap);
    va_end(ap);
    return p;
}

void pool_defer(struct pool *pool, pool_hook_fn *fn, void *arg)
{
    struct hook *h = pool_alloc(pool, sizeof(*h));
    *h = (struct hook){.next = pool->hooks, .fn = fn, .arg = arg};
    pool->hooks = h;
}
