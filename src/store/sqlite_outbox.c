/*
 * sqlite_outbox.c - webhook deliveries and the log of their attempts in the embedded store.
 */
#include "store/sqlite.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

int sqlite_delivery_add(struct sqlite *q, const struct store_row *row,
                        const struct store_delivery *d, struct err *err)
{
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERY_ADD, err);
    if (!s)
        return E_IO;
    int64_t created = d->created_us ? d->created_us : clock_wall_us();
    sql_put_text(s, 1, d->id);
    sql_put_text(s, 2, row->rec.tenant_id);
    sqlite3_bind_int64(s, 3, row->id);
    sql_put_text(s, 4, d->event);
    sql_put_text(s, 5, d->url);
    sql_put_text(s, 6, d->secret_name ? d->secret_name : "");
    sql_put_json(s, 7, d->payload);
    sqlite3_bind_int64(s, 8, created);
    sqlite3_bind_int64(s, 9, d->next_us ? d->next_us : created);
    return sql_run(q, s, err);
}

/* In the order of DELIVERY_COLUMNS. */
static int delivery_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s,
                       struct store_delivery *out, struct err *err)
{
    json_t *payload;
    int r = sql_json_at(q, pool, s, 6, &payload, err);
    *out = (struct store_delivery){
        .id = sql_text_at(pool, s, 0),
        .tenant_id = sql_text_at(pool, s, 1),
        .run_id = sql_text_at(pool, s, 2),
        .event = sql_text_at(pool, s, 3),
        .url = sql_text_at(pool, s, 4),
        .secret_name = sql_text_at(pool, s, 5),
        .payload = payload,
        .state = (enum delivery_state)sqlite3_column_int(s, 7),
        .attempts = sqlite3_column_int(s, 8),
        .created_us = sqlite3_column_int64(s, 9),
        .next_us = sqlite3_column_int64(s, 10),
        .last_status = sqlite3_column_int(s, 11),
        .last_error = sql_text_at(pool, s, 12),
    };
    return r;
}

int sqlite_outbox_list(struct store *store, struct pool *pool,
                       const struct store_outbox_query *query, struct store_delivery **ret,
                       int *ret_n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    enum sql which = !query->tenant  ? SQL_DELIVERIES_DUE
                     : query->run_id ? SQL_DELIVERIES_OF_RUN
                                     : SQL_DELIVERIES;
    sqlite3_stmt *s = sql_get(q, which, err);
    int n = 0, size = 0, r;
    struct store_delivery *list = NULL;
    if (!s)
        return E_IO;
    sqlite3_bind_int(s, 1, query->limit);
    if (!query->tenant) {
        sqlite3_bind_int64(s, 2, query->now_us);
    } else {
        sql_put_text(s, 2, query->tenant);
        sqlite3_bind_int64(s, 3, query->state_mask);
        if (query->run_id)
            sql_put_text(s, 4, query->run_id);
    }
    while ((r = sql_next(q, s, err)) == 1) {
        if (n == size) {
            struct store_delivery *more =
                pool_alloc(pool, sizeof(*more) * (size_t)(size = size ? 2 * size : 8));
            if (n)
                memcpy(more, list, sizeof(*more) * (size_t)n);
            list = more;
        }
        if ((r = delivery_at(q, pool, s, &list[n], err))) {
            sql_done(s);
            break;
        }
        n++;
    }
    if (r < 0)
        return r;
    *ret = list;
    *ret_n = n;
    return 0;
}

/* The delivery's row number; tenant NULL: of any tenant. */
static int find(struct sqlite *q, const char *tenant, const char *delivery_id, int64_t *out,
                struct err *err)
{
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERY_FIND, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, delivery_id);
    sql_put_text(s, 2, tenant);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    if (!r)
        return store_no_delivery(delivery_id, err);
    *out = sqlite3_column_int64(s, 0);
    sql_done(s);
    return 0;
}

static int log_attempt(struct sqlite *q, int64_t n, const struct store_attempt *a, struct err *err)
{
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERY_LOG_ADD, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, n);
    sqlite3_bind_int64(s, 2, a->at_us);
    sqlite3_bind_int(s, 3, a->status);
    sqlite3_bind_int(s, 4, a->duration_ms);
    sql_put_text(s, 5, a->error ? a->error : "");
    int r = sql_run(q, s, err);
    s = r ? NULL : sql_get(q, SQL_DELIVERY_LOG_TRIM, err);
    if (!s)
        return r ? r : E_IO;
    sqlite3_bind_int64(s, 1, n);
    sqlite3_bind_int(s, 2, CAP_DELIVERY_LOG);
    return sql_run(q, s, err);
}

static int attempt_made(struct sqlite *q, const char *delivery_id, const struct store_attempt *a,
                        enum delivery_state to, int64_t next_us, struct err *err)
{
    int64_t n;
    int r = find(q, NULL, delivery_id, &n, err);
    sqlite3_stmt *s = r ? NULL : sql_get(q, SQL_DELIVERY_ATTEMPT, err);
    if (!s)
        return r ? r : E_IO;
    sql_put_text(s, 1, delivery_id);
    sqlite3_bind_int(s, 2, (int)to);
    sqlite3_bind_int64(s, 3, to == DELIVERY_PENDING ? next_us : 0);
    sqlite3_bind_int(s, 4, a->status);
    sql_put_text(s, 5, a->error ? a->error : "");
    sqlite3_bind_int64(s, 6, a->due_us);
    r = sql_run(q, s, err);
    return r ? r : log_attempt(q, n, a, err);
}

int sqlite_outbox_attempt(struct store *store, const char *delivery_id,
                          const struct store_attempt *attempt, enum delivery_state to,
                          int64_t next_us, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int r = sql_begin(q, err);
    return r ? r : sql_finish(q, attempt_made(q, delivery_id, attempt, to, next_us, err), err);
}

int sqlite_outbox_replay(struct store *store, const char *tenant, const char *delivery_id,
                         int64_t now_us, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERY_REPLAY, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, delivery_id);
    sql_put_text(s, 2, tenant);
    sqlite3_bind_int64(s, 3, now_us);
    int r = sql_run(q, s, err);
    return r || sqlite3_changes(q->db) ? r : store_no_delivery(delivery_id, err);
}

int sqlite_outbox_log(struct store *store, struct pool *pool, const char *tenant,
                      const char *delivery_id, json_t **ret_array, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int64_t n;
    int r = find(q, tenant, delivery_id, &n, err);
    sqlite3_stmt *s = r ? NULL : sql_get(q, SQL_DELIVERY_LOG, err);
    if (!s)
        return r ? r : E_IO;
    json_t *array = json_keep(pool, json_array());
    sqlite3_bind_int64(s, 1, n);
    while ((r = sql_next(q, s, err)) == 1) {
        char at[CLOCK_ISO_BYTES];
        json_t *line = json_object();
        json_push(array, line);
        json_put_int(line, "n", sqlite3_column_int64(s, 0));
        json_put_str(line, "at", clock_iso(sqlite3_column_int64(s, 1), at));
        json_put_int(line, "status", sqlite3_column_int(s, 2));
        json_put_int(line, "duration_ms", sqlite3_column_int(s, 3));
        json_put_str(line, "error", (const char *)sqlite3_column_text(s, 4));
    }
    if (!r)
        *ret_array = array;
    return r;
}

int sqlite_outbox_pending(struct store *store, int *ret_n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERIES_PENDING, err);
    int r = s ? sql_next(q, s, err) : E_IO;
    if (r < 0)
        return r;
    *ret_n = sqlite3_column_int(s, 0);
    sql_done(s);
    return 0;
}
