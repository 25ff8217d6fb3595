/*
 * memory.h - the store of tests between its files. Private to src/store.
 */
#ifndef MANTIS_STORE_MEMORY_H
#define MANTIS_STORE_MEMORY_H

#include "store/driver.h"

struct memory_key {
    const char *hash, *body_hash, *reply;
    int64_t stored_us;
};

struct memory_delivery { /* strings of the run's pool */
    struct store_delivery d;
    json_t *log; /* array; NULL: no delivery */
    int64_t n;   /* of all deliveries, in the order they came */
    int logged;  /* attempts ever */
    int turn;    /* while due ones are sorted */
};

struct memory_run {
    struct memory_run *next;
    struct pool *pool;    /* strings */
    struct store_row row; /* doc and settings are references */
    json_t *parts[RUN_PART_RESULT + 1];
    json_t *results; /* array */
    json_t *events;  /* array */
    json_t *journal; /* object */
    struct memory_key key; /* hash NULL: none */
    struct memory_delivery delivery;
};

struct memory {
    struct store base;
    struct memory_run *runs; /* in created order */
    int64_t last_id, last_delivery;
    json_t *recipes; /* {tenant: {name: schema}} */
    json_t *paid;    /* {tenant: {day_us: USD}} */
};

struct memory *memory_of(struct store *store);
struct memory_run *memory_by_id(struct memory *m, int64_t id);

/* A copy in pool, as it would be from a disk; NULL stays NULL. */
json_t *memory_hand_out(struct pool *pool, const json_t *v);
const char *memory_dup(struct pool *pool, const char *s);

/* Our own documents never run out of memory quietly. */
void *memory_must(void *p);

/* memory_beside.c */
void memory_delivery_add(struct memory *m, struct memory_run *run, const struct store_delivery *d);
/* Who holds the key of a new run; NULL: it is free. */
struct memory_run *memory_key_holder(struct memory *m, const char *tenant, const char *hash,
                                     int64_t after_us);
int memory_key_get(struct store *store, struct pool *pool, const char *tenant,
                   const char *key_hash, int64_t after_us, struct store_key *out, struct err *err);
int memory_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n,
                      struct err *err);
int memory_recipe_put(struct store *store, const char *tenant, const char *name,
                      const json_t *schema, struct err *err);
int memory_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                      json_t **out, struct err *err);
int memory_recipe_list(struct store *store, struct pool *pool, const char *tenant, json_t **out,
                       struct err *err);
int memory_recipe_delete(struct store *store, const char *tenant, const char *name,
                         bool *ret_deleted, struct err *err);
int memory_outbox_list(struct store *store, struct pool *pool,
                       const struct store_outbox_query *query, struct store_delivery **ret,
                       int *ret_n, struct err *err);
int memory_outbox_attempt(struct store *store, const char *delivery_id,
                          const struct store_attempt *attempt, enum delivery_state to,
                          int64_t next_us, struct err *err);
int memory_outbox_replay(struct store *store, const char *tenant, const char *delivery_id,
                         int64_t now_us, struct err *err);
int memory_outbox_log(struct store *store, struct pool *pool, const char *tenant,
                      const char *delivery_id, json_t **ret_array, struct err *err);
int memory_outbox_pending(struct store *store, int *ret_n, struct err *err);

#endif
