/*
 * sqlite.c - the embedded store: one file, WAL, synchronous=FULL.
 *
 * What returned 0 is on disk. locking_mode=EXCLUSIVE: the store belongs to one `serve`, a second
 * one on the same data directory is told so, and no shared-memory file is mapped, so a full disk is
 * an error code and never a SIGBUS. Large documents (plan, checkpoint, result) have their own
 * table: updating a run's row must not rewrite them. Source: sqlite.org/pragma.html,
 * sqlite.org/wal.html, sqlite.org/rescode.html.
 */
#include "store/driver.h"

#include <assert.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "store/sqlite_schema.h"

#define RUN_COLUMNS                                                                                \
    "run_id, tenant_id, profile_id, workflow_id, state_key, plan_signature, state, created_us,"    \
    " updated_us, started_us, finished_us, attempts, attempts_no_progress, doc, settings"

/* One parameter per state, from FIRST_STATE_PARAM on; unused ones stay NULL. Uses the indexes,
 * which a bit mask would not. */
#define IN_STATES         "state IN (?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
#define FIRST_STATE_PARAM 2
static_assert(RUN_N_STATES == 10, "IN_STATES has one parameter per state");

/* SQL_WORKFLOW names this part by number. */
static_assert(RUN_PART_CHECKPOINT == 2, "stored part numbers never change");

enum sql {
    SQL_BEGIN,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_RUN_INSERT,
    SQL_RUN_GET,
    SQL_RUN_LIST,
    SQL_RUN_LIST_UNSETTLED,
    SQL_RUN_BEFORE,
    SQL_RUN_AFTER,
    SQL_PART_PUT,
    SQL_PART_GET,
    SQL_WORKFLOW,
    SQL_EVENT_ADD,
    SQL_EVENTS_AFTER,
    SQL_EVENTS_LAST,
    SQL_JOURNAL_PUT,
    SQL_JOURNAL_GET,
    SQL_PROFILE_HOLDER,
    SQL_COUNTS,
    N_SQL
};

static const char *const statements[N_SQL] = {
    [SQL_BEGIN] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_RUN_INSERT] =
        "INSERT INTO runs (run_id, tenant_id, profile_id, workflow_id, state_key, plan_signature,"
        " state, created_us, updated_us, last_seq, last_ts_us, doc, settings)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, 1, ?8, ?9, ?10)",
    [SQL_RUN_GET] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE run_id = ?1 AND (?2 IS NULL OR tenant_id = ?2)",
    [SQL_RUN_LIST] = "SELECT " RUN_COLUMNS " FROM runs WHERE " IN_STATES
                     " AND (?1 IS NULL OR tenant_id = ?1) ORDER BY created_us, rowid",
    [SQL_RUN_LIST_UNSETTLED] =
        "SELECT " RUN_COLUMNS " FROM runs WHERE has_result = 0 AND " IN_STATES
        " AND (?1 IS NULL OR tenant_id = ?1) ORDER BY created_us, rowid",
    [SQL_RUN_BEFORE] = "SELECT state, last_seq, last_ts_us, doc, has_result FROM runs"
                       " WHERE run_id = ?1",
    [SQL_RUN_AFTER] =
        "UPDATE runs SET state = ?2, updated_us = max(updated_us, ?3), last_seq = ?4,"
        " last_ts_us = ?5, doc = coalesce(?6, doc), has_result = max(has_result, ?11),"
        " started_us = CASE WHEN ?7 AND started_us = 0 THEN ?3 ELSE started_us END,"
        " finished_us = CASE WHEN ?8 AND finished_us = 0 THEN ?3 ELSE finished_us END,"
        " attempts = attempts + ?9,"
        " attempts_no_progress = CASE WHEN ?10 THEN 0 ELSE attempts_no_progress + ?9 END"
        " WHERE run_id = ?1",
    [SQL_PART_PUT] = "INSERT INTO run_parts (run_id, part, body) VALUES (?1, ?2, ?3)"
                     " ON CONFLICT (run_id, part) DO UPDATE SET body = excluded.body",
    [SQL_PART_GET] = "SELECT body FROM run_parts WHERE run_id = ?1 AND part = ?2",
    [SQL_WORKFLOW] =
        "SELECT p.body FROM runs r JOIN run_parts p ON p.run_id = r.run_id AND p.part = 2"
        " WHERE r.tenant_id = ?1 AND r.workflow_id = ?2 AND r.plan_signature = ?3"
        " ORDER BY r.created_us DESC, r.rowid DESC LIMIT 1",
    [SQL_EVENT_ADD] = "INSERT INTO events (run_id, seq, body) VALUES (?1, ?2, ?3)",
    [SQL_EVENTS_AFTER] =
        "SELECT body FROM events WHERE run_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
    [SQL_EVENTS_LAST] = "SELECT body FROM (SELECT body, seq FROM events WHERE run_id = ?1 AND"
                        " seq > ?2 ORDER BY seq DESC LIMIT ?3) ORDER BY seq",
    [SQL_JOURNAL_PUT] =
        "INSERT INTO journal (run_id, key, state, detail) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (run_id, key) DO UPDATE SET state = excluded.state, detail = excluded.detail",
    [SQL_JOURNAL_GET] = "SELECT key, state, detail FROM journal WHERE run_id = ?1",
    [SQL_PROFILE_HOLDER] =
        "SELECT run_id FROM runs WHERE tenant_id = ?1 AND profile_id = ?2 AND state < 4",
    [SQL_COUNTS] = "SELECT state, count(*) FROM runs WHERE tenant_id = ?1 GROUP BY state",
};

struct sqlite {
    struct store base;
    sqlite3 *db;
    char *path;
    sqlite3_stmt *cache[N_SQL];
};

static struct sqlite *sqlite_of(struct store *store)
{
    if (store->driver != &store_sqlite)
        BUG("not an sqlite store");
    return (struct sqlite *)store;
}

static int fail(struct sqlite *q, struct err *err)
{
    return sqlite_fail(q->db, q->path, err);
}

/* The cached statement, ready to be bound; NULL (and err set) when it cannot be prepared. */
static sqlite3_stmt *statement(struct sqlite *q, enum sql which, struct err *err)
{
    sqlite3_stmt **s = &q->cache[which];
    if (!*s && sqlite3_prepare_v3(q->db, statements[which], -1, SQLITE_PREPARE_PERSISTENT, s, NULL))
        fail(q, err);
    return *s;
}

static void put_text(sqlite3_stmt *s, int at, const char *text)
{
    if (text)
        sqlite3_bind_text(s, at, text, -1, SQLITE_STATIC);
}

/* JSON as text that lives until the statement is reset. */
static void put_json(sqlite3_stmt *s, int at, const json_t *value)
{
    if (value)
        sqlite3_bind_text(s, at, json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY), -1, free);
}

static void done(sqlite3_stmt *s)
{
    sqlite3_reset(s);
    sqlite3_clear_bindings(s);
}

/* Run a statement that gives no rows. */
static int run(struct sqlite *q, sqlite3_stmt *s, struct err *err)
{
    int rc = sqlite3_step(s);
    int r = rc == SQLITE_DONE ? 0 : fail(q, err);
    done(s);
    return r;
}

/* Next row: 1, 0 at the end, E_*. The caller calls done() unless it was an error. */
static int next(struct sqlite *q, sqlite3_stmt *s, struct err *err)
{
    int rc = sqlite3_step(s);
    if (rc == SQLITE_ROW)
        return 1;
    int r = rc == SQLITE_DONE ? 0 : fail(q, err);
    if (r)
        done(s);
    return r;
}

static int simple(struct sqlite *q, enum sql which, struct err *err)
{
    sqlite3_stmt *s = statement(q, which, err);
    return s ? run(q, s, err) : E_IO;
}

static int begin(struct sqlite *q, struct err *err)
{
    if (!sqlite3_get_autocommit(q->db)) /* a rollback failed before */
        simple(q, SQL_ROLLBACK, NULL);
    return simple(q, SQL_BEGIN, err);
}

/* Commit when r is 0; otherwise, and when the commit fails, nothing happened. A full disk may have
 * rolled back already. */
static int finish(struct sqlite *q, int r, struct err *err)
{
    if (!r)
        r = simple(q, SQL_COMMIT, err);
    if (r && !sqlite3_get_autocommit(q->db))
        simple(q, SQL_ROLLBACK, NULL);
    return r;
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

/* --- reading -----------------------------------------------------------------------------------
 */

static const char *text_at(struct pool *pool, sqlite3_stmt *s, int at)
{
    const unsigned char *t = sqlite3_column_text(s, at);
    return t ? pool_strdup(pool, (const char *)t) : NULL;
}

/* Our own documents: no depth cap, since they wrap what a caller sent up to the cap. */
static int json_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s, int at, json_t **out,
                   struct err *err)
{
    const char *text = (const char *)sqlite3_column_text(s, at);
    if (!text)
        return 0;
    json_t *v = json_loads(text, JSON_DECODE_ANY, NULL);
    if (!v)
        return err_set(err, E_IO, "'%s' holds a broken document", q->path);
    *out = json_keep(pool, v);
    return 0;
}

static int record_at(struct sqlite *q, struct pool *pool, sqlite3_stmt *s, struct run_record *out,
                     struct err *err)
{
    json_t *doc = NULL, *settings = NULL;
    int r = json_at(q, pool, s, 13, &doc, err);
    if (!r)
        r = json_at(q, pool, s, 14, &settings, err);
    if (r)
        return r;
    *out = (struct run_record){
        .run_id = text_at(pool, s, 0),
        .tenant_id = text_at(pool, s, 1),
        .profile_id = text_at(pool, s, 2),
        .workflow_id = text_at(pool, s, 3),
        .state_key = text_at(pool, s, 4),
        .plan_signature = text_at(pool, s, 5),
        .state = (enum run_state)sqlite3_column_int(s, 6),
        .created_us = sqlite3_column_int64(s, 7),
        .updated_us = sqlite3_column_int64(s, 8),
        .started_us = sqlite3_column_int64(s, 9),
        .finished_us = sqlite3_column_int64(s, 10),
        .attempts = sqlite3_column_int(s, 11),
        .attempts_no_progress = sqlite3_column_int(s, 12),
        .doc = doc,
        .settings = settings,
    };
    return 0;
}

static int get_part(struct sqlite *q, struct pool *pool, const char *run_id, int part,
                    const json_t **out, struct err *err)
{
    json_t *v = NULL;
    sqlite3_stmt *s = statement(q, SQL_PART_GET, err);
    if (!s)
        return E_IO;
    put_text(s, 1, run_id);
    sqlite3_bind_int(s, 2, part);
    int r = next(q, s, err);
    if (r < 0)
        return r;
    r = r ? json_at(q, pool, s, 0, &v, err) : 0;
    done(s);
    *out = v;
    return r;
}

static int sqlite_get(struct store *store, struct pool *pool, const char *tenant,
                      const char *run_id, unsigned parts, struct run_record *out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    struct run_record rec;
    sqlite3_stmt *s = statement(q, SQL_RUN_GET, err);
    if (!s)
        return E_IO;
    put_text(s, 1, run_id);
    put_text(s, 2, tenant);
    int r = next(q, s, err);
    if (r < 0)
        return r;
    r = r ? record_at(q, pool, s, &rec, err) : store_no_run(run_id, err);
    done(s);
    if (!r && (parts & RUN_PART_PLAN))
        r = get_part(q, pool, run_id, RUN_PART_PLAN, &rec.plan, err);
    if (!r && (parts & RUN_PART_CHECKPOINT))
        r = get_part(q, pool, run_id, RUN_PART_CHECKPOINT, &rec.checkpoint, err);
    if (!r && (parts & RUN_PART_RESULT))
        r = get_part(q, pool, run_id, RUN_PART_RESULT, &rec.result, err);
    if (!r)
        *out = rec;
    return r;
}

static int sqlite_list(struct store *store, struct pool *pool, const char *tenant,
                       unsigned state_mask, bool unsettled, struct run_record **ret_runs,
                       int *ret_n, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = statement(q, unsettled ? SQL_RUN_LIST_UNSETTLED : SQL_RUN_LIST, err);
    struct run_record *runs = NULL;
    int n = 0, size = 0, r;
    if (!s)
        return E_IO;
    put_text(s, 1, tenant);
    for (int state = 0, at = FIRST_STATE_PARAM; state < RUN_N_STATES; state++)
        if (state_mask & (1u << state))
            sqlite3_bind_int(s, at++, state);
    while ((r = next(q, s, err)) == 1) {
        if (n == size) {
            struct run_record *more =
                pool_alloc(pool, sizeof(*more) * (size_t)(size = size ? 2 * size : 16));
            if (n)
                memcpy(more, runs, sizeof(*more) * (size_t)n);
            runs = more;
        }
        r = record_at(q, pool, s, &runs[n], err);
        if (r)
            break;
        n++;
    }
    if (r < 0) {
        done(s);
        return r;
    }
    done(s);
    *ret_runs = runs;
    *ret_n = n;
    return 0;
}

static int sqlite_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                                      const char *workflow, const char *signature, json_t **out,
                                      struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = statement(q, SQL_WORKFLOW, err);
    if (!s)
        return E_IO;
    put_text(s, 1, tenant);
    put_text(s, 2, workflow);
    put_text(s, 3, signature);
    int r = next(q, s, err);
    if (r < 0)
        return r;
    *out = NULL;
    r = r ? json_at(q, pool, s, 0, out, err) : 0;
    done(s);
    return r;
}

/* --- changing ----------------------------------------------------------------------------------
 */

static int put_part(struct sqlite *q, const char *run_id, int part, const json_t *body,
                    struct err *err)
{
    if (!body)
        return 0;
    sqlite3_stmt *s = statement(q, SQL_PART_PUT, err);
    if (!s)
        return E_IO;
    put_text(s, 1, run_id);
    sqlite3_bind_int(s, 2, part);
    put_json(s, 3, body);
    return run(q, s, err);
}

static int add_event(struct sqlite *q, const char *run_id, const json_t *event, int64_t seq,
                     int64_t ts_us, struct err *err)
{
    sqlite3_stmt *s = statement(q, SQL_EVENT_ADD, err);
    if (!s)
        return E_IO;
    json_t *full = store_event(event, seq, ts_us);
    put_text(s, 1, run_id);
    sqlite3_bind_int64(s, 2, seq);
    put_json(s, 3, full);
    json_decref(full);
    return run(q, s, err);
}

/* Why the row of a new run was refused: its id, or its profile, is taken. */
static int refused(struct sqlite *q, const struct run_record *run_, struct err *err)
{
    int rc = sqlite3_extended_errcode(q->db);
    if (rc == SQLITE_CONSTRAINT_PRIMARYKEY)
        return store_run_exists(run_->run_id, err);
    if (rc != SQLITE_CONSTRAINT_UNIQUE)
        return fail(q, err);
    sqlite3_stmt *s = statement(q, SQL_PROFILE_HOLDER, err);
    if (!s)
        return E_IO;
    put_text(s, 1, run_->tenant_id);
    put_text(s, 2, run_->profile_id);
    int r = next(q, s, err);
    if (r < 0)
        return r;
    r = store_profile_busy(run_->profile_id, r ? (const char *)sqlite3_column_text(s, 0) : "", err);
    done(s);
    return r;
}

static int insert_run(struct sqlite *q, const struct run_record *run_, const json_t *event,
                      struct err *err)
{
    int64_t now = run_->created_us ? run_->created_us : clock_wall_us();
    json_t *empty = json_object();
    sqlite3_stmt *s = statement(q, SQL_RUN_INSERT, err);
    int r = s ? 0 : E_IO;
    if (!r) {
        const char *texts[] = {run_->run_id,      run_->tenant_id, run_->profile_id,
                               run_->workflow_id, run_->state_key, run_->plan_signature};
        for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
            put_text(s, (int)i + 1, texts[i]);
        sqlite3_bind_int(s, 7, RUN_QUEUED);
        sqlite3_bind_int64(s, 8, now);
        put_json(s, 9, run_->doc ? run_->doc : empty);
        put_json(s, 10, run_->settings);
        if (sqlite3_step(s) != SQLITE_DONE)
            r = refused(q, run_, err);
        done(s);
    }
    json_decref(empty);
    if (!r)
        r = put_part(q, run_->run_id, RUN_PART_PLAN, run_->plan, err);
    if (!r)
        r = put_part(q, run_->run_id, RUN_PART_CHECKPOINT, run_->checkpoint, err);
    return r ? r : add_event(q, run_->run_id, event, 1, now, err);
}

static int sqlite_create(struct store *store, const struct run_record *run_, const json_t *event,
                         struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    int r = begin(q, err);
    return r ? r : finish(q, insert_run(q, run_, event, err), err);
}

/* What update() has to know of a run, and what becomes of it. */
struct before {
    enum run_state state;
    int64_t seq, ts_us;
    json_t *doc; /* only when it will be patched */
    bool has_result;
};

static int read_before(struct sqlite *q, struct pool *pool, const char *run_id, bool with_doc,
                       struct before *b, struct err *err)
{
    sqlite3_stmt *s = statement(q, SQL_RUN_BEFORE, err);
    if (!s)
        return E_IO;
    put_text(s, 1, run_id);
    int r = next(q, s, err);
    if (r < 0)
        return r;
    if (!r) {
        done(s);
        return store_no_run(run_id, err);
    }
    b->state = (enum run_state)sqlite3_column_int(s, 0);
    b->seq = sqlite3_column_int64(s, 1);
    b->ts_us = sqlite3_column_int64(s, 2);
    b->has_result = sqlite3_column_int(s, 4);
    r = with_doc ? json_at(q, pool, s, 3, &b->doc, err) : 0;
    done(s);
    return r;
}

static int write_after(struct sqlite *q, const char *run_id, const struct store_change *c,
                       const struct before *b, int64_t now, struct err *err)
{
    sqlite3_stmt *s = statement(q, SQL_RUN_AFTER, err);
    if (!s)
        return E_IO;
    enum run_state to = c->set_state ? c->to : b->state;
    put_text(s, 1, run_id);
    sqlite3_bind_int(s, 2, (int)to);
    sqlite3_bind_int64(s, 3, now);
    sqlite3_bind_int64(s, 4, b->seq);
    sqlite3_bind_int64(s, 5, b->ts_us);
    put_json(s, 6, b->doc);
    sqlite3_bind_int(s, 7, to == RUN_RUNNING);
    sqlite3_bind_int(s, 8, run_state_terminal(to));
    sqlite3_bind_int(s, 9, c->new_attempt);
    sqlite3_bind_int(s, 10, c->progress);
    sqlite3_bind_int(s, 11, c->result != NULL);
    return run(q, s, err);
}

static int apply(struct sqlite *q, struct pool *pool, const char *run_id,
                 const struct store_change *c, struct err *err)
{
    struct before b = {0};
    int64_t now = clock_wall_us();
    size_t i;
    json_t *event;
    int r = read_before(q, pool, run_id, c->doc_patch != NULL, &b, err);
    if (!r)
        r = store_check_change(c, b.state, b.has_result, run_id, err);
    if (r)
        return r;
    if (c->doc_patch)
        store_patch_doc(b.doc, c->doc_patch);
    json_array_foreach ((json_t *)c->events, i, event) {
        b.ts_us = store_event_us(event, now, b.ts_us);
        r = add_event(q, run_id, event, ++b.seq, b.ts_us, err);
        if (r)
            return r;
    }
    r = put_part(q, run_id, RUN_PART_CHECKPOINT, c->checkpoint, err);
    if (!r)
        r = put_part(q, run_id, RUN_PART_RESULT, c->result, err);
    if (!r)
        r = write_after(q, run_id, c, &b, now, err);
    return r;
}

static int sqlite_update(struct store *store, const char *run_id, const struct store_change *change,
                         struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    struct pool *pool = pool_create(NULL);
    int r = begin(q, err);
    if (!r)
        r = finish(q, apply(q, pool, run_id, change, err), err);
    pool_destroy(pool);
    return r;
}

/* --- events and journal -------------------------------------------------------------------------
 */

static int sqlite_events_get(struct store *store, struct pool *pool, const char *tenant,
                             const char *run_id, int64_t after, int limit, json_t **ret_array,
                             struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    struct run_record rec;
    int r = sqlite_get(store, pool, tenant, run_id, 0, &rec, err);
    sqlite3_stmt *s = r ? NULL : statement(q, after < 0 ? SQL_EVENTS_LAST : SQL_EVENTS_AFTER, err);
    if (!s)
        return r ? r : E_IO;
    json_t *array = json_keep(pool, json_array());
    put_text(s, 1, run_id);
    sqlite3_bind_int64(s, 2, after);
    sqlite3_bind_int(s, 3, limit);
    while ((r = next(q, s, err)) == 1) {
        json_t *event = NULL;
        if ((r = json_at(q, pool, s, 0, &event, err)))
            break;
        json_array_append(array, event);
    }
    done(s);
    if (r < 0)
        return r;
    *ret_array = array;
    return 0;
}

static int sqlite_journal_put(struct store *store, const char *run_id, const char *key,
                              const char *state, const json_t *detail, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    struct pool *pool = pool_create(NULL);
    struct before b;
    int r = read_before(q, pool, run_id, false, &b, err);
    sqlite3_stmt *s = r ? NULL : statement(q, SQL_JOURNAL_PUT, err);
    if (s) {
        put_text(s, 1, run_id);
        put_text(s, 2, key);
        put_text(s, 3, state);
        put_json(s, 4, detail);
        r = run(q, s, err);
    } else if (!r) {
        r = E_IO;
    }
    pool_destroy(pool);
    return r;
}

static int sqlite_journal_get(struct store *store, struct pool *pool, const char *run_id,
                              json_t **out, struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = statement(q, SQL_JOURNAL_GET, err);
    int r;
    if (!s)
        return E_IO;
    json_t *all = json_keep(pool, json_object());
    put_text(s, 1, run_id);
    while ((r = next(q, s, err)) == 1) {
        json_t *entry = json_object(), *detail = NULL;
        json_put(all, (const char *)sqlite3_column_text(s, 0), entry);
        json_put_str(entry, "state", (const char *)sqlite3_column_text(s, 1));
        if ((r = json_at(q, pool, s, 2, &detail, err)))
            break;
        json_put(entry, "detail", detail ? json_incref(detail) : json_null());
    }
    done(s);
    if (r < 0)
        return r;
    *out = all;
    return 0;
}

static int sqlite_counts(struct store *store, const char *tenant, int counts[RUN_N_STATES],
                         struct err *err)
{
    struct sqlite *q = sqlite_of(store);
    sqlite3_stmt *s = statement(q, SQL_COUNTS, err);
    int r;
    if (!s)
        return E_IO;
    memset(counts, 0, sizeof(int) * RUN_N_STATES);
    put_text(s, 1, tenant);
    while ((r = next(q, s, err)) == 1) {
        int state = sqlite3_column_int(s, 0);
        if (state >= 0 && state < RUN_N_STATES)
            counts[state] = sqlite3_column_int(s, 1);
    }
    if (!r)
        done(s);
    return r;
}

const struct store_driver store_sqlite = {
    .kind = "sqlite",
    .open = sqlite_open,
    .close = sqlite_close,
    .create = sqlite_create,
    .get = sqlite_get,
    .list = sqlite_list,
    .update = sqlite_update,
    .workflow_checkpoint = sqlite_workflow_checkpoint,
    .journal_put = sqlite_journal_put,
    .journal_get = sqlite_journal_get,
    .events_get = sqlite_events_get,
    .counts = sqlite_counts,
};
