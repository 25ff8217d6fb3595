/*
 * sqlite_runs.c - rows of runs and their parts in the embedded store.
 */
#include "store/sqlite.h"

#include <string.h>

#include "base/clock.h"

/* --- reading -----------------------------------------------------------------------------------
 */

/* In the order of RUN_COLUMNS. */
static int row_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s, struct store_row *out,
                  struct err *err)
{
    json_t *doc, *settings;
    int r = sql_json_at(q, pool, s, 14, &doc, err);
    if (!r)
        r = sql_json_at(q, pool, s, 15, &settings, err);
    if (r)
        return r;
    *out = (struct store_row){
        .rec = {.run_id = sql_text_at(pool, s, 0),
                .tenant_id = sql_text_at(pool, s, 1),
                .profile_id = sql_text_at(pool, s, 2),
                .workflow_id = sql_text_at(pool, s, 3),
                .state_key = sql_text_at(pool, s, 4),
                .plan_signature = sql_text_at(pool, s, 5),
                .state = (enum run_state)sqlite3_column_int(s, 6),
                .created_us = sqlite3_column_int64(s, 7),
                .updated_us = sqlite3_column_int64(s, 8),
                .started_us = sqlite3_column_int64(s, 9),
                .finished_us = sqlite3_column_int64(s, 10),
                .last_seq = sqlite3_column_int64(s, 11),
                .attempts = sqlite3_column_int(s, 12),
                .attempts_no_progress = sqlite3_column_int(s, 13),
                .has_result = sqlite3_column_int(s, 18),
                .cost_usd = sqlite3_column_double(s, 20),
                .doc = doc,
                .settings = settings},
        .id = sqlite3_column_int64(s, 16),
        .last_ts_us = sqlite3_column_int64(s, 17),
        .logged = sqlite3_column_int(s, 19),
        .n_results = sqlite3_column_int64(s, 21),
    };
    return 0;
}

int sqlite_load(struct store *store, struct pool *pool, struct run_key key, struct store_row *out,
                struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_RUN_GET, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, key.tenant);
    sql_put_text(s, 2, key.run_id);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    r = r ? row_at(q, pool, s, out, err) : store_no_run(key.run_id, err);
    sql_done(s);
    return r;
}

int sqlite_part(struct store *store, struct pool *pool, int64_t id, enum run_parts part,
                const json_t **out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    json_t *v = NULL;
    sqlite3_stmt *s = sql_get(q, SQL_PART_GET, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int(s, 2, (int)part);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    r = r ? sql_json_at(q, pool, s, 0, &v, err) : 0;
    sql_done(s);
    *out = v;
    return r;
}

int sqlite_results(struct store *store, struct pool *pool, int64_t id, json_t **ret_array,
                   struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_RESULTS_GET, err);
    json_t *array = json_keep(pool, json_array()), *result;
    int r;
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    while ((r = sql_next(q, s, err)) == 1) {
        r = sql_json_at(q, pool, s, 0, &result, err);
        if (r) {
            sql_done(s);
            return r;
        }
        json_array_append(array, result);
    }
    if (!r)
        *ret_array = array;
    return r;
}

static sqlite3_stmt *list_statement(struct sqlite *q, const struct store_query *query,
                                    struct err *err)
{
    static const enum sql which[] = {[STORE_IN_STATES] = SQL_RUNS_IN_STATES,
                                     [STORE_UNSETTLED] = SQL_RUNS_UNSETTLED,
                                     [STORE_UNLOGGED] = SQL_RUNS_UNLOGGED,
                                     [STORE_EXPIRED] = SQL_RUNS_EXPIRED,
                                     [STORE_PAGE] = SQL_RUNS_PAGE};
    sqlite3_stmt *s = sql_get(q, which[query->which], err);
    if (!s || query->which == STORE_UNSETTLED)
        return s;
    if (query->which == STORE_UNLOGGED || query->which == STORE_EXPIRED) {
        sqlite3_bind_int(s, 1, query->limit);
        if (query->which == STORE_EXPIRED)
            sqlite3_bind_int64(s, 2, query->before_us);
        return s;
    }
    sql_put_text(s, 1, query->tenant);
    for (int state = 0, at = SQL_FIRST_STATE_PARAM; state < RUN_N_STATES; state++)
        if (query->state_mask & (1u << state))
            sqlite3_bind_int(s, at++, state);
    if (query->which == STORE_PAGE) {
        sqlite3_bind_int64(s, SQL_FIRST_STATE_PARAM + RUN_N_STATES, query->behind.created_us);
        sql_put_text(s, SQL_FIRST_STATE_PARAM + RUN_N_STATES + 1, query->behind.run_id);
        sqlite3_bind_int(s, SQL_FIRST_STATE_PARAM + RUN_N_STATES + 2, query->limit);
        sql_put_text(s, SQL_FIRST_STATE_PARAM + RUN_N_STATES + 3, query->text);
    }
    return s;
}

int sqlite_list(struct store *store, struct pool *pool, const struct store_query *query,
                struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = list_statement(q, query, err);
    struct run_record *runs = NULL;
    struct store_row row;
    int n = 0, size = 0, r;
    if (!s)
        return E_IO;
    while ((r = sql_next(q, s, err)) == 1) {
        if (n == size) {
            struct run_record *more =
                pool_alloc(pool, sizeof(*more) * (size_t)(size = size ? 2 * size : 16));
            if (n)
                memcpy(more, runs, sizeof(*more) * (size_t)n);
            runs = more;
        }
        r = row_at(q, pool, s, &row, err);
        if (r) {
            sql_done(s);
            break;
        }
        runs[n++] = row.rec;
    }
    if (r < 0)
        return r;
    *ret_runs = runs;
    *ret_n = n;
    return 0;
}

int sqlite_cost_since(struct store *store, const char *tenant, int64_t since_us, double *ret_usd,
                      struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_COST_SINCE, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, tenant);
    sqlite3_bind_int64(s, 2, since_us);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    *ret_usd = sqlite3_column_double(s, 0);
    sql_done(s);
    return 0;
}

int sqlite_cost_add(struct store *store, const char *tenant, int64_t day_us, double usd,
                    struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_COST_ADD, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, tenant);
    sqlite3_bind_int64(s, 2, day_us);
    sqlite3_bind_double(s, 3, usd);
    return sql_run(q, s, err);
}

int sqlite_days(struct store *store, const char *tenant, int64_t since_us, struct store_day *days,
                int max, int *ret_n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_DAYS, err);
    int r;
    if (!s)
        return E_IO;
    sql_put_text(s, 1, tenant);
    sqlite3_bind_int64(s, 2, since_us);
    sqlite3_bind_int(s, 3, max);
    while ((r = sql_next(q, s, err)) == 1)
        days[(*ret_n)++] = (struct store_day){.day_us = sqlite3_column_int64(s, 0) * DAY_US,
                                              .runs = sqlite3_column_int64(s, 1),
                                              .succeeded = sqlite3_column_int64(s, 2),
                                              .ended_badly = sqlite3_column_int64(s, 3),
                                              .cost_usd = sqlite3_column_double(s, 4)};
    return r;
}

int sqlite_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                               const char *workflow, const char *signature, int64_t *ret_id,
                               json_t **out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_WORKFLOW, err);
    if (!s)
        return E_IO;
    sql_put_text(s, 1, tenant);
    sql_put_text(s, 2, workflow);
    sql_put_text(s, 3, signature);
    int r = sql_next(q, s, err);
    if (r < 0)
        return r;
    *out = NULL;
    *ret_id = r ? sqlite3_column_int64(s, 1) : 0;
    r = r ? sql_json_at(q, pool, s, 0, out, err) : 0;
    sql_done(s);
    return r;
}

/* --- writing -----------------------------------------------------------------------------------
 */

static int put_part(struct sqlite *q, int64_t id, enum run_parts part, const json_t *body,
                    struct err *err)
{
    if (!body)
        return 0;
    sqlite3_stmt *s = sql_get(q, SQL_PART_PUT, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int(s, 2, (int)part);
    sql_put_json(s, 3, body);
    return sql_run(q, s, err);
}

static int cut_results(struct sqlite *q, int64_t id, int64_t from, struct err *err)
{
    sqlite3_stmt *s = sql_get(q, SQL_RESULTS_CUT, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, from);
    return sql_run(q, s, err);
}

static int add_results(struct sqlite *q, int64_t id, int64_t at, const json_t *results,
                       struct err *err)
{
    size_t i;
    json_t *result;
    json_array_foreach ((json_t *)results, i, result) {
        sqlite3_stmt *s = sql_get(q, SQL_RESULT_ADD, err);
        if (!s)
            return E_IO;
        sqlite3_bind_int64(s, 1, id);
        sqlite3_bind_int64(s, 2, at + (int64_t)i);
        sql_put_json(s, 3, result);
        int r = sql_run(q, s, err);
        if (r)
            return r;
    }
    return 0;
}

static int add_event(struct sqlite *q, int64_t id, const json_t *event, struct err *err)
{
    sqlite3_stmt *s = sql_get(q, SQL_EVENT_ADD, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    sqlite3_bind_int64(s, 2, json_int(event, "seq", 0));
    sql_put_json(s, 3, event);
    return sql_run(q, s, err);
}

/* Why the row of a new run was refused: its id, or its profile, is taken. */
static int refused(struct sqlite *q, const struct run_record *rec, struct err *err)
{
    struct store_row taken;
    if (sqlite3_extended_errcode(q->db) != SQLITE_CONSTRAINT_UNIQUE)
        return sql_fail(q, err);
    struct pool *pool = pool_create(NULL);
    int r = sqlite_load(&q->base, pool, RUN_KEY_OF(rec), &taken, NULL);
    pool_destroy(pool);
    if (!r)
        return store_run_exists(rec->run_id, err);
    sqlite3_stmt *s = r == E_NOT_FOUND ? sql_get(q, SQL_PROFILE_HOLDER, err) : NULL;
    if (!s)
        return E_IO;
    sql_put_text(s, 1, rec->tenant_id);
    sql_put_text(s, 2, rec->profile_id);
    r = sql_next(q, s, err);
    if (r < 0)
        return r;
    r = store_profile_busy(rec->profile_id, r ? (const char *)sqlite3_column_text(s, 0) : "", err);
    sql_done(s);
    return r;
}

static int insert_row(struct sqlite *q, struct store_row *row, struct err *err)
{
    const struct run_record *rec = &row->rec;
    sqlite3_stmt *s = sql_get(q, SQL_RUN_INSERT, err);
    if (!s)
        return E_IO;
    const char *texts[] = {rec->run_id,      rec->tenant_id, rec->profile_id,
                           rec->workflow_id, rec->state_key, rec->plan_signature};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        sql_put_text(s, (int)i + 1, texts[i]);
    sqlite3_bind_int(s, 7, (int)rec->state);
    sqlite3_bind_int64(s, 8, rec->created_us);
    sqlite3_bind_int64(s, 9, rec->updated_us);
    sqlite3_bind_int64(s, 10, rec->last_seq);
    sqlite3_bind_int64(s, 11, row->last_ts_us);
    sql_put_json(s, 12, rec->doc);
    sql_put_json(s, 13, rec->settings);
    sqlite3_bind_int64(s, 14, row->n_results);
    sqlite3_bind_double(s, 15, rec->cost_usd);
    int r = sqlite3_step(s) == SQLITE_DONE ? 0 : refused(q, rec, err);
    if (!r)
        row->id = sqlite3_last_insert_rowid(q->db);
    sql_done(s);
    return r;
}

static int insert(struct sqlite *q, struct store_new *fresh, struct err *err)
{
    const struct run_record *given = fresh->creation->run;
    int r = insert_row(q, &fresh->row, err);
    int64_t id = fresh->row.id;
    const json_t *event;
    size_t i;
    if (!r)
        r = put_part(q, id, RUN_PART_PLAN, given->plan, err);
    if (!r)
        r = put_part(q, id, RUN_PART_CHECKPOINT, fresh->checkpoint, err);
    if (!r)
        r = add_results(q, id, 0, fresh->results, err);
    json_array_foreach (fresh->events, i, event)
        if (!r)
            r = add_event(q, id, event, err);
    if (!r && fresh->creation->key_hash)
        r = sqlite_key_put(q, fresh, err);
    return r;
}

/* A refused one is undone alone; 0 then too. */
static int insert_one(struct sqlite *q, struct store_new *fresh, struct err *err)
{
    struct store_creation *c = fresh->creation;
    int r = sql_do(q, SQL_SAVE, err);
    if (r)
        return r;
    c->result = insert(q, fresh, &c->err);
    if (c->result == E_CONFLICT)
        r = sql_do(q, SQL_UNDO, err);
    else if (c->result) {
        if (err)
            *err = c->err;
        return c->result;
    }
    return r ? r : sql_do(q, SQL_RELEASE, err);
}

int sqlite_create(struct store *store, struct store_new *list, size_t n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int r = sql_begin(q, err);
    if (r)
        return r;
    for (size_t i = 0; !r && i < n; i++)
        r = insert_one(q, &list[i], err);
    return sql_finish(q, r, err);
}

static int write_row(struct sqlite *q, const struct store_row *row, bool with_doc, struct err *err)
{
    const struct run_record *rec = &row->rec;
    sqlite3_stmt *s = sql_get(q, SQL_RUN_WRITE, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, row->id);
    sqlite3_bind_int(s, 2, (int)rec->state);
    sqlite3_bind_int64(s, 3, rec->updated_us);
    sqlite3_bind_int64(s, 4, rec->started_us);
    sqlite3_bind_int64(s, 5, rec->finished_us);
    sqlite3_bind_int64(s, 6, rec->last_seq);
    sqlite3_bind_int64(s, 7, row->last_ts_us);
    sqlite3_bind_int(s, 8, rec->attempts);
    sqlite3_bind_int(s, 9, rec->attempts_no_progress);
    sqlite3_bind_int(s, 10, rec->has_result);
    sqlite3_bind_int(s, 11, row->logged);
    if (with_doc)
        sql_put_json(s, 12, rec->doc);
    sqlite3_bind_double(s, 13, rec->cost_usd);
    sqlite3_bind_int64(s, 14, row->n_results);
    return sql_run(q, s, err);
}

/* Its rest is written over, its results are added to. */
static int put_checkpoint(struct sqlite *q, int64_t id, const struct store_change *c,
                          struct err *err)
{
    if (!c->checkpoint)
        return 0;
    int r = put_part(q, id, RUN_PART_CHECKPOINT, c->checkpoint, err);
    r = r ? r : cut_results(q, id, c->results_from, err);
    return r ? r : add_results(q, id, c->results_from, c->results, err);
}

static int write_all(struct sqlite *q, const struct store_row *after, const struct store_change *c,
                     const json_t *events, struct err *err)
{
    size_t i;
    json_t *event;
    int r = write_row(q, after, c->doc_patch != NULL, err);
    json_array_foreach ((json_t *)events, i, event) {
        if (r)
            return r;
        r = add_event(q, after->id, event, err);
    }
    if (!r)
        r = put_checkpoint(q, after->id, c, err);
    if (!r)
        r = put_part(q, after->id, RUN_PART_RESULT, c->result, err);
    if (!r && c->webhook)
        r = sqlite_delivery_add(q, after, c->webhook, err);
    return r;
}

int sqlite_write(struct store *store, const struct store_row *after,
                 const struct store_change *change, const json_t *events, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int r = sql_begin(q, err);
    return r ? r : sql_finish(q, write_all(q, after, change, events, err), err);
}

int sqlite_forget(struct store *store, int64_t id, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = sql_get(q, SQL_DELIVERY_PENDING, err);
    if (!s)
        return E_IO;
    sqlite3_bind_int64(s, 1, id);
    int r = sql_next(q, s, err);
    if (r == 1) {
        sql_done(s);
        return E_CONFLICT;
    }
    s = r ? NULL : sql_get(q, SQL_RUN_DELETE, err);
    if (!s)
        return r ? r : E_IO;
    sqlite3_bind_int64(s, 1, id);
    return sql_run(q, s, err);
}
