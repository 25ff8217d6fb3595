/*
 * beside.c - what is kept beside the runs: keys.h, recipes.h, outbox.h, and copies of the whole.
 */
#include "store/driver.h"

#include "base/clock.h"

int store_key_get(struct store *store, struct pool *pool, const char *tenant, const char *key_hash,
                  int64_t after_us, struct store_key *out, struct err *err)
{
    return store->driver->key_get(store, pool, tenant, key_hash, after_us, out, err);
}

int store_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n, struct err *err)
{
    return store->driver->keys_sweep(store, before_us, limit, ret_n, err);
}

int store_recipe_put(struct store *store, const char *tenant, const char *name,
                     const json_t *schema, struct err *err)
{
    return store->driver->recipe_put(store, tenant, name, schema, err);
}

int store_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                     json_t **ret_schema, struct err *err)
{
    return store->driver->recipe_get(store, pool, tenant, name, ret_schema, err);
}

int store_recipe_list(struct store *store, struct pool *pool, const char *tenant,
                      json_t **ret_names, struct err *err)
{
    return store->driver->recipe_list(store, pool, tenant, ret_names, err);
}

int store_recipe_delete(struct store *store, const char *tenant, const char *name,
                        bool *ret_deleted, struct err *err)
{
    return store->driver->recipe_delete(store, tenant, name, ret_deleted, err);
}

int store_outbox_due(struct store *store, struct pool *pool, int64_t now_us, int limit,
                     struct store_delivery **ret, int *ret_n, int64_t *ret_next_us, struct err *err)
{
    struct store_outbox_query q = {
        .state_mask = 1u << DELIVERY_PENDING, .now_us = now_us, .limit = limit + 1};
    int n = 0, got = 0;
    int r = store->driver->outbox_list(store, pool, &q, ret, &got, err);
    if (r)
        return r;
    while (n < got && n < limit && (*ret)[n].next_us <= now_us)
        n++;
    *ret_n = n;
    *ret_next_us = n < got && (*ret)[n].next_us > now_us ? (*ret)[n].next_us : 0;
    return 0;
}

int store_outbox_attempt(struct store *store, const char *delivery_id,
                         const struct store_attempt *attempt, enum delivery_state to,
                         int64_t next_us, struct err *err)
{
    return store->driver->outbox_attempt(store, delivery_id, attempt, to, next_us, err);
}

int store_outbox_replay(struct store *store, const char *tenant, const char *delivery_id,
                        struct err *err)
{
    return store->driver->outbox_replay(store, tenant, delivery_id, clock_wall_us(), err);
}

int store_outbox_list(struct store *store, struct pool *pool, const char *tenant,
                      const char *run_id, unsigned state_mask, int limit,
                      struct store_delivery **ret, int *ret_n, struct err *err)
{
    struct store_outbox_query q = {
        .tenant = tenant, .run_id = run_id, .state_mask = state_mask, .limit = limit};
    return store->driver->outbox_list(store, pool, &q, ret, ret_n, err);
}

int store_outbox_log(struct store *store, struct pool *pool, const char *tenant,
                     const char *delivery_id, json_t **ret_array, struct err *err)
{
    return store->driver->outbox_log(store, pool, tenant, delivery_id, ret_array, err);
}

int store_outbox_pending(struct store *store, int *ret_n, struct err *err)
{
    return store->driver->outbox_pending(store, ret_n, err);
}

int store_backup_begin(struct store *store, const char *to, struct store_backup **out,
                       struct err *err)
{
    if (!store->driver->backup)
        return err_set(err, E_UNSUPPORTED, "a store of kind '%s' has nothing to copy",
                       store->driver->kind);
    return store->driver->backup(store, to, out, err);
}

int store_backup_step(struct store_backup *backup, int *ret_percent, struct err *err)
{
    return backup->step(backup, ret_percent, err);
}

void store_backup_end(struct store_backup *backup)
{
    if (backup)
        backup->end(backup);
}
