/*
 * pool.h - memory named by lifetime: process, run, step, request.
 *
 * Everything of variable size that a function returns lives in a pool that the caller named, and
 * dies with it; there is no free per piece. Small allocations of our own abort on exhaustion;
 * sizes that a tenant, page or model chose go through pool_try().
 * Threads: a pool belongs to one thread.
 */
#ifndef MANTIS_BASE_POOL_H
#define MANTIS_BASE_POOL_H

#include <stdarg.h>
#include <stddef.h>

struct pool;

/* A child pool is destroyed with its parent; parent may be NULL. Aborts when out of memory. */
struct pool *pool_create(struct pool *parent);

/* Run the hooks in reverse order, free children, then everything. NULL is fine. */
void pool_destroy(struct pool *pool);

/* Zeroed memory aligned for any type. */
void *pool_alloc(struct pool *pool, size_t size);

/* The same for a size a stranger chose: NULL when there is no memory. */
void *pool_try(struct pool *pool, size_t size);
void *pool_try_raw(struct pool *pool, size_t size); /* not zeroed: for pictures, written over at once */

char *pool_strdup(struct pool *pool, const char *s);
char *pool_strndup(struct pool *pool, const char *s, size_t len);
char *pool_printf(struct pool *pool, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *pool_vprintf(struct pool *pool, const char *fmt, va_list ap);

/* Call fn(arg) when the pool dies: for handles that must outlive the function that made them. */
typedef void pool_hook_fn(void *arg);
void pool_defer(struct pool *pool, pool_hook_fn *fn, void *arg);

#endif
