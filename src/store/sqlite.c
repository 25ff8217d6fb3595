/*
 * sqlite.c - the embedded store: one file, WAL, synchronous=FULL.
 *
 * What returned 0 is on disk. locking_mode=EXCLUSIVE: the store belongs to one `serve`, a second
 * one on the same data directory is told so, and no shared-memory file is mapped, so a full disk is
 * an error code and never a SIGBUS. Large documents (plan, checkpoint, result) have their own
 * table: updating a run's row must not rewrite them. Source: sqlite.org/pragma.html,
 * sqlite.org/wal.html, sqlite.org/rescode.html.
 */
#include "store/sqlite.h"

#include <stdlib.h>
#include <string.h>

#include "store/sqlite_schema.h"

struct sqlite *sqlite_of(struct store *store)
{
    if (store->driver != &store_sqlite)
        BUG("not an sqlite store");
    return (struct sqlite *)store;
}

int sql_fail(struct sqlite *q, struct err *err)
{
    return sqlite_fail(q->db, q->path, err);
}

/* --- statements --------------------------------------------------------------------------------
 */

sqlite3_stmt *sql_get(struct sqlite *q, enum sql which, struct err *err)
{
    sqlite3_stmt **s = &q->cache[which];
    if (!*s && sqlite3_prepare_v3(q->db, sqlite_sql[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL))
        sql_fail(q, err);
    return *s;
}

void sql_put_text(sqlite3_stmt *s, int at, const char *text)
{
    if (text)
        sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* As text that lives until the statement is reset. */
void sql_put_json(sqlite3_stmt *s, int at, const json_t *value)
{
    if (value)
        sqlite3_bind_text(s, at, json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), -1, free);
}

void sql_done(sqlite3_stmt *s)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

int sql_run(struct sqlite *q, sqlite3_stmt *s, struct err *err)
{
    int rc = sqlite3_step(s);
    int r = rc == SQLITE_DONE ? 0 : sql_fail(q, err);
    sql_done(s);
    return r;
}

int sql_do(struct sqlite *q, enum sql which, struct err *err)
{
    sqlite3_stmt *s = sql_get(q, which, err);
    return s ? sql_run(q, s, err) : E_IO;
}

int sql_next(struct sqlite *q, sqlite3_stmt *s, struct err *err)
{
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return 1;
    int r = rc == SQLITE_DONE ? 0 : sql_fail(q, err);
    sql_done(s);
    return r;
}

int sql_begin(struct sqlite *q, struct err *err)
{
    if (!sqlite3_get_autocommit(q->db)) /* a rollback failed before */
        sql_do(q, SQL_ROLLBACK, NULL);
    return sql_do(q, SQL_BEGIN, err);
}

/* A full disk may have rolled back already. */
int sql_finish(struct sqlite *q, int r, struct err *err)
{
    if (!r)
        r = sql_do(q, SQL_COMMIT, err);
    if (r && !sqlite3_get_autocommit(q->db))
        sql_do(q, SQL_ROLLBACK, NULL);
    return r;
}

const char *sql_text_at(struct pool *pool, sqlite3_stmt *s, int at)
{
    const unsigned char *t = sqlite3_column_text(s, at);
    return t ? pool_strdup(pool, (const char *)t) : NULL;
}

/* Our own documents: no depth cap, since they wrap what a caller sent up to the cap. */
int sql_json_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s, int at, json_t **out,
                struct err *err)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    *out = NULL;
    if (!text)
        return 0;
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!v)
        return err_set(err, E_IO, "'%s' holds a broken document", q->path);
    *out = json_keep(pool, v);
    return 0;
}

/* --- open --------------------------------------------------------------------------------------
 */

static void sqlite_close(struct store *store)
{
    struct sqlite *q = sqlite_of(store);
    for (int i = 0; i < N_SQL; i++)
        sqlite3_finalize(q->cache[i]);
    sqlite3_close(q->db);
    free(q->path);
    free(q);
}

static int sqlite_open(const char *path, struct store **out, struct err *err)
{
    struct sqlite *q = calloc(1, sizeof(*q));
    if (!q || !(q->path = strdup(path)))
        BUG("out of memory");
    q->base.driver = &store_sqlite;
    int r = sqlite_schema_open(path, &q->db, err);
    if (r)
        sqlite_close(&q->base);
    else
        *out = &q->base;
    return r;
}

const struct store_driver store_sqlite = {
    .kind = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .create = sqlite_create,
    .load = sqlite_load,
    .part = sqlite_part,
    .results = sqlite_results,
    .list = sqlite_list,
    .write = sqlite_write,
    .forget = sqlite_forget,
    .cost_since = sqlite_cost_since,
    .cost_add = sqlite_cost_add,
    .days = sqlite_days,
    .workflow_checkpoint = sqlite_workflow_checkpoint,
    .events_get = sqlite_events_get,
    .journal_put = sqlite_journal_put,
    .journal_get = sqlite_journal_get,
    .key_get = sqlite_key_get,
    .keys_sweep = sqlite_keys_sweep,
    .recipe_put = sqlite_recipe_put,
    .recipe_get = sqlite_recipe_get,
    .recipe_list = sqlite_recipe_list,
    .recipe_delete = sqlite_recipe_delete,
    .outbox_list = sqlite_outbox_list,
    .outbox_attempt = sqlite_outbox_attempt,
    .outbox_replay = sqlite_outbox_replay,
    .outbox_log = sqlite_outbox_log,
    .outbox_pending = sqlite_outbox_pending,
    .backup = sqlite_backup,
};
