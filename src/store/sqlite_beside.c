/*
 * sqlite_beside.c - events, journal, idempotency keys and recipes in the embedded store.
 */
#include "store/sqlite.h"

#include "base/caps.h"
#include "base/clock.h"

int sqlite_events_get(struct store *store, struct pool *pool, int64_t id, int64_t after, int limit,
                      json_t **ret_array, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_EVENTS_GET, err);
    int r;
    if (!s)
        return E_IO;
    json_t *array = json_keep(pool, json_array());
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, after);
    sqlite3_bind_int(s, 3, limit);
    while ((r = sql_next(q, s, err)) == 1) {
        json_t *event;
        if ((r = sql_json_at(q, pool, s, 0, &event, err))) {
            sql_done(s);
            break;
        }
        json_array_append(array, event);
    }
    if (!r)
        *ret_array = array;
    return r;
}

int sqlite_journal_put(struct store *store, int64_t id, const char *entry, const char *state,
                       const json_t *detail, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_JOURNAL_PUT, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    sql_put_text(s, 2, entry);
    sql_put_text(s, 3, state);
    sql_put_json(s, 4, detail);
    return sql_run(q, s, err);
}

int sqlite_journal_get(struct store *store, struct pool *pool, int64_t id, json_t **out,
                       struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_JOURNAL_GET, err);
    int r;
    if (!s)
        return E_IO;
    json_t *all = json_keep(pool, json_object());
    sqlite3_bind_int64(s, 1, id);
    while ((r = sql_next(q, s, err)) == 1) {
        json_t *entry = json_object(), *detail;
        json_put(all, (const char *)sqlite3_column_text(s, 0), entry);
        json_put_str(entry, "state", (const char *)sqlite3_column_text(s, 1));
        if ((r = sql_json_at(q, pool, s, 2, &detail, err))) {
            sql_done(s);
            break;
        }
        json_put(entry, "detail", detail ? json_incref(detail) : json_null());
    }
    if (!r)
        *out = all;
    return r;
}

/* --- keys --------------------------------------------------------------------------------------
 */

int sqlite_key_put(struct sqlite *q, const struct store_new *fresh, struct err *err)
{
    const struct store_creation *c = fresh->creation;
    int64_t now = clock_wall_us(), free_us = now - INT64_C(1000000) * STORE_KEY_TTL_S;
    sqlite3_stmt *s = sql_get(q, SQL_KEY_PUT, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, fresh->row.rec.tenant_id);
    sql_put_text(s, 2, c->key_hash);
    sqlite3_bind_int64(s, 3, fresh->row.id);
    sql_put_text(s, 4, c->body_hash ? c->body_hash : "");
    sql_put_text(s, 5, c->reply);
    sqlite3_bind_int64(s, 6, now);
    sqlite3_bind_int64(s, 7, free_us);
    int r = sql_run(q, s, err);
    if (r || sqlite3_changes(q->db))
        return r;
    struct store_key taken;
    struct pool *pool = pool_create(NULL);
    r = sqlite_key_get(&q->base, pool, fresh->row.rec.tenant_id, c->key_hash, 0, &taken, err);
    r = r ? r : store_key_taken(taken.run_id, err);
    pool_destroy(pool);
    return r;
}

int sqlite_key_get(struct store *store, struct pool *pool, const char *tenant, const char *key_hash,
                   int64_t after_us, struct store_key *out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_KEY_GET, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, tenant);
    sql_put_text(s, 2, key_hash);
    sqlite3_bind_int64(s, 3, after_us);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    if (!r)
        return err_set(err, E_NOT_FOUND, "the idempotency key is not in use");
    *out = (struct store_key){.run_id = sql_text_at(pool, s, 0),
                              .body_hash = sql_text_at(pool, s, 1),
                              .reply = sql_text_at(pool, s, 2),
                              .stored_us = sqlite3_column_int64(s, 3)};
    sql_done(s);
    return 0;
}

int sqlite_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n,
                      struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_KEYS_SWEEP, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, before_us);
    sqlite3_bind_int(s, 2, limit);
    int r = sql_run(q, s, err);
    if (!r)
        *ret_n = sqlite3_changes(q->db);
    return r;
}

/* --- recipes -----------------------------------------------------------------------------------
 */

static sqlite3_stmt *recipe(struct sqlite *q, enum sql which, const char *tenant, const char *name,
                            struct err *err)
{
    sqlite3_stmt *s = sql_get(q, which, err);
    if (!s)
        return NULL;
    sql_put_text(s, 1, tenant);
    sql_put_text(s, 2, name);
    return s;
}

static int others(struct sqlite *q, const char *tenant, const char *name, struct err *err)
{
    sqlite3_stmt *s = recipe(q, SQL_RECIPE_COUNT, tenant, name, err);
    int r = s ? sql_next(q, s, err) : E_IO;
    if (r < 0)
        return r;
    r = sqlite3_column_int(s, 0);
    sql_done(s);
    return r;
}

int sqlite_recipe_put(struct store *store, const char *tenant, const char *name,
                      const json_t *schema, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int n = others(q, tenant, name, err);
    if (n < 0)
        return n;
    if (n >= CAP_RECIPES)
        return store_recipes_full(err);
    sqlite3_stmt *s = recipe(q, SQL_RECIPE_PUT, tenant, name, err);
    if (!s)
        return E_IO;
    sql_put_json(s, 3, schema);
    return sql_run(q, s, err);
}

int sqlite_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                      json_t **out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = recipe(q, SQL_RECIPE_GET, tenant, name, err);
    int r = s ? sql_next(q, s, err) : E_IO;
    if (r < 0)
        return r;
    if (!r)
        return store_no_recipe(name, err);
    r = sql_json_at(q, pool, s, 0, out, err);
    sql_done(s);
    return r;
}

int sqlite_recipe_list(struct store *store, struct pool *pool, const char *tenant, json_t **out,
                       struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_RECIPE_LIST, err);
    int r;
    if (!s)
        return E_IO;
    json_t *names = json_keep(pool, json_array());
    sql_put_text(s, 1, tenant);
    while ((r = sql_next(q, s, err)) == 1)
        json_push(names, json_string((const char *)sqlite3_column_text(s, 0)));
    if (!r)
        *out = names;
    return r;
}

int sqlite_recipe_delete(struct store *store, const char *tenant, const char *name,
                         bool *ret_deleted, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = recipe(q, SQL_RECIPE_DELETE, tenant, name, err);
    int r = s ? sql_run(q, s, err) : E_IO;
    if (!r)
        *ret_deleted = sqlite3_changes(q->db) > 0;
    return r;
}
