/*
 * sqlite_schema.c - the file of the embedded store: made, opened, brought to the newest schema.
 */
#include "store/sqlite_schema.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/pool.h"
#include "core/run.h"
#include "sys/file.h"

#define BUSY_MS 400 /* a serve that was just killed may still hold the lock for a moment */

/* Version n of the schema is reached by running rows 0..n-1. Never change a row. */
static const char *const migrations[] = {
    "CREATE TABLE runs ("
    " run_id TEXT PRIMARY KEY, tenant_id TEXT NOT NULL, profile_id TEXT, workflow_id TEXT,"
    " state_key TEXT, plan_signature TEXT, state INTEGER NOT NULL, created_us INTEGER NOT NULL,"
    " updated_us INTEGER NOT NULL, started_us INTEGER NOT NULL DEFAULT 0,"
    " finished_us INTEGER NOT NULL DEFAULT 0, attempts INTEGER NOT NULL DEFAULT 0,"
    " attempts_no_progress INTEGER NOT NULL DEFAULT 0, last_seq INTEGER NOT NULL DEFAULT 0,"
    " last_ts_us INTEGER NOT NULL DEFAULT 0, has_result INTEGER NOT NULL DEFAULT 0,"
    " doc TEXT NOT NULL, settings TEXT);"
    "CREATE INDEX runs_unsettled ON runs (state) WHERE has_result = 0;"
    "CREATE INDEX runs_by_state ON runs (state, created_us);"
    "CREATE INDEX runs_by_tenant ON runs (tenant_id, state);"
    "CREATE INDEX runs_by_workflow ON runs (tenant_id, workflow_id, created_us);"
    "CREATE TABLE run_parts ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, part INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run_id, part));"
    "CREATE TABLE events ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run_id, seq)) WITHOUT ROWID;"
    "CREATE TABLE journal ("
    " run_id TEXT NOT NULL REFERENCES runs (run_id) ON DELETE CASCADE, key TEXT NOT NULL,"
    " state TEXT NOT NULL, detail TEXT, PRIMARY KEY (run_id, key)) WITHOUT ROWID;"
    "CREATE TABLE profile_locks ("
    " tenant_id TEXT NOT NULL, profile_id TEXT NOT NULL, run_id TEXT NOT NULL,"
    " locked_us INTEGER NOT NULL, PRIMARY KEY (tenant_id, profile_id)) WITHOUT ROWID;",
    /* One live run per profile. The states' numbers: core/run.h, asserted below. */
    "DROP TABLE profile_locks;"
    "CREATE UNIQUE INDEX runs_live_profile ON runs (tenant_id, profile_id) WHERE state < 4;",
    /* A run is named by tenant and id: everything of it hangs on a number of its own. Keys,
       webhooks and recipes come in. Children go before their parent, whose end would empty them. */
    "ALTER TABLE runs RENAME TO old_runs;"
    "ALTER TABLE run_parts RENAME TO old_parts;"
    "ALTER TABLE events RENAME TO old_events;"
    "ALTER TABLE journal RENAME TO old_journal;"
    "CREATE TABLE runs ("
    " id INTEGER PRIMARY KEY, tenant_id TEXT NOT NULL, run_id TEXT NOT NULL, profile_id TEXT,"
    " workflow_id TEXT, state_key TEXT, plan_signature TEXT, state INTEGER NOT NULL,"
    " created_us INTEGER NOT NULL, updated_us INTEGER NOT NULL,"
    " started_us INTEGER NOT NULL DEFAULT 0, finished_us INTEGER NOT NULL DEFAULT 0,"
    " attempts INTEGER NOT NULL DEFAULT 0, attempts_no_progress INTEGER NOT NULL DEFAULT 0,"
    " last_seq INTEGER NOT NULL DEFAULT 0, last_ts_us INTEGER NOT NULL DEFAULT 0,"
    " has_result INTEGER NOT NULL DEFAULT 0, logged INTEGER NOT NULL DEFAULT 0,"
    " doc TEXT NOT NULL, settings TEXT, UNIQUE (tenant_id, run_id));"
    "INSERT INTO runs (tenant_id, run_id, profile_id, workflow_id, state_key, plan_signature,"
    " state, created_us, updated_us, started_us, finished_us, attempts, attempts_no_progress,"
    " last_seq, last_ts_us, has_result, doc, settings)"
    " SELECT tenant_id, run_id, profile_id, workflow_id, state_key, plan_signature, state,"
    " created_us, updated_us, started_us, finished_us, attempts, attempts_no_progress, last_seq,"
    " last_ts_us, has_result, doc, settings FROM old_runs ORDER BY created_us, rowid;"
    "CREATE TABLE run_parts ("
    " run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, part INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run, part));"
    "INSERT INTO run_parts SELECT r.id, p.part, p.body FROM old_parts p JOIN runs r USING (run_id);"
    "CREATE TABLE events ("
    " run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, seq INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID;"
    "INSERT INTO events SELECT r.id, e.seq, e.body FROM old_events e JOIN runs r USING (run_id);"
    "CREATE TABLE journal ("
    " run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, entry TEXT NOT NULL,"
    " state TEXT NOT NULL, detail TEXT, PRIMARY KEY (run, entry)) WITHOUT ROWID;"
    "INSERT INTO journal SELECT r.id, j.key, j.state, j.detail FROM old_journal j"
    " JOIN runs r USING (run_id);"
    "DROP TABLE old_parts; DROP TABLE old_events; DROP TABLE old_journal; DROP TABLE old_runs;"
    "CREATE INDEX runs_by_state ON runs (state, created_us);"
    "CREATE INDEX runs_by_tenant ON runs (tenant_id, state);"
    "CREATE INDEX runs_by_workflow ON runs (tenant_id, workflow_id, created_us);"
    "CREATE INDEX runs_by_age ON runs (updated_us) WHERE state >= 3;"
    "CREATE INDEX runs_unsettled ON runs (created_us) WHERE state >= 4 AND has_result = 0;"
    "CREATE INDEX runs_unlogged ON runs (finished_us)"
    " WHERE state >= 4 AND has_result = 1 AND logged = 0;"
    "CREATE UNIQUE INDEX runs_live_profile ON runs (tenant_id, profile_id) WHERE state < 4;"
    "CREATE TABLE keys ("
    " tenant_id TEXT NOT NULL, key_hash TEXT NOT NULL,"
    " run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, body_hash TEXT NOT NULL,"
    " reply TEXT, stored_us INTEGER NOT NULL, PRIMARY KEY (tenant_id, key_hash)) WITHOUT ROWID;"
    "CREATE INDEX keys_by_age ON keys (stored_us);"
    "CREATE INDEX keys_by_run ON keys (run);"
    "CREATE TABLE deliveries ("
    " n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, tenant_id TEXT NOT NULL,"
    " run INTEGER NOT NULL UNIQUE REFERENCES runs (id) ON DELETE CASCADE, event TEXT NOT NULL,"
    " url TEXT NOT NULL, secret_name TEXT NOT NULL, payload TEXT NOT NULL,"
    " state INTEGER NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, created_us INTEGER NOT NULL,"
    " next_us INTEGER NOT NULL, last_status INTEGER NOT NULL DEFAULT 0,"
    " last_error TEXT NOT NULL DEFAULT '');"
    "CREATE INDEX deliveries_by_tenant ON deliveries (tenant_id, n);"
    "CREATE INDEX deliveries_by_state ON deliveries (state, tenant_id, next_us);"
    "CREATE TABLE delivery_attempts ("
    " delivery INTEGER NOT NULL REFERENCES deliveries (n) ON DELETE CASCADE, n INTEGER NOT NULL,"
    " at_us INTEGER NOT NULL, status INTEGER NOT NULL, duration_ms INTEGER NOT NULL,"
    " error TEXT NOT NULL, PRIMARY KEY (delivery, n)) WITHOUT ROWID;"
    "CREATE TABLE recipes ("
    " tenant_id TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,"
    " PRIMARY KEY (tenant_id, name)) WITHOUT ROWID;",
    /* A tenant's runs page by page. */
    "CREATE INDEX IF NOT EXISTS runs_by_created ON runs (tenant_id, created_us, run_id, state);",
    /* What a tenant's runs of a day cost; those that cost nothing are not in the index. */
    "ALTER TABLE runs ADD COLUMN cost_usd REAL NOT NULL DEFAULT 0;"
    "CREATE INDEX runs_by_cost ON runs (tenant_id, created_us, cost_usd) WHERE cost_usd > 0;",
    /* Step results leave their checkpoint, where an empty list is left, and are added one by one.
     */
    "ALTER TABLE runs ADD COLUMN n_results INTEGER NOT NULL DEFAULT 0;"
    "CREATE TABLE step_results ("
    " run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE, n INTEGER NOT NULL,"
    " body TEXT NOT NULL, PRIMARY KEY (run, n)) WITHOUT ROWID;"
    "CREATE TEMP TABLE with_list AS SELECT run FROM run_parts WHERE part = 2 AND"
    " CASE WHEN json_valid(body) THEN json_type(body, '$.step_results') END = 'array';"
    "INSERT INTO step_results SELECT p.run, e.key, CASE e.type WHEN 'object' THEN e.value"
    " WHEN 'array' THEN e.value WHEN 'true' THEN 'true' WHEN 'false' THEN 'false'"
    " ELSE json_quote(e.value) END FROM run_parts p, json_each(p.body, '$.step_results') e"
    " WHERE p.part = 2 AND p.run IN (SELECT run FROM with_list);"
    "UPDATE run_parts SET body = json_set(body, '$.step_results', json('[]'))"
    " WHERE part = 2 AND run IN (SELECT run FROM with_list);"
    "UPDATE runs SET n_results = (SELECT count(*) FROM step_results s WHERE s.run = runs.id)"
    " WHERE id IN (SELECT run FROM with_list);"
    "DROP TABLE with_list;",
    /* What a tenant paid on a day for no run: calls of its own to the model, plans that no run came of. */
    "CREATE TABLE paid (tenant_id TEXT NOT NULL, day_us INTEGER NOT NULL, usd REAL NOT NULL,"
    " PRIMARY KEY (tenant_id, day_us)) WITHOUT ROWID;",
};
static_assert(RUN_PAUSED == 3 && RUN_SUCCEEDED == 4, "live states come before 4");

static bool is_full(sqlite3 *db, int rc)
{
    int e = sqlite3_system_errno(db);
    return (rc & 0xff) == SQLITE_FULL ||
           ((rc & 0xff) == SQLITE_IOERR && (e == ENOSPC || e == EDQUOT || e == EFBIG));
}

int sqlite_fail(sqlite3 *db, const char *path, struct err *err)
{
    int rc = sqlite3_extended_errcode(db);
    if (is_full(db, rc)) {
        err_set(err, E_IO, "the disk is full: cannot write '%s'", path);
        if (err)
            err->sys_errno = ENOSPC;
        return E_IO;
    }
    if ((rc & 0xff) == SQLITE_BUSY)
        return err_set(err, E_CONFLICT, "'%s' is open in another process", path);
    return err_set(err, E_IO, "'%s': %s", path, sqlite3_errmsg(db));
}

static int exec(sqlite3 *db, const char *path, const char *sql, struct err *err)
{
    return sqlite3_exec(db, sql, NULL, NULL, NULL) ? sqlite_fail(db, path, err) : 0;
}

static int get_version(sqlite3 *db, const char *path, int *out, struct err *err)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &s, NULL))
        return sqlite_fail(db, path, err);
    int r = sqlite3_step(s) == SQLITE_ROW ? 0 : sqlite_fail(db, path, err);
    if (!r)
        *out = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    return r;
}

int sqlite_schema_newest(void)
{
    return (int)ARRAY_SIZE(migrations);
}

int sqlite_schema_migrate(sqlite3 *db, const char *path, int to, struct err *err)
{
    int version = 0;
    int r = get_version(db, path, &version, err);
    if (!r && version > to)
        return err_set(err, E_IO, "'%s' has schema version %d; this program knows %d", path,
                       version, to);
    for (; !r && version < to; version++) {
        char bump[64];
        snprintf(bump, sizeof(bump), "PRAGMA user_version = %d; COMMIT", version + 1);
        r = exec(db, path, "BEGIN IMMEDIATE", err);
        if (!r)
            r = exec(db, path, migrations[version], err);
        if (!r)
            r = exec(db, path, bump, err);
    }
    return r;
}

/* Made here, because SQLite would let the umask decide who may read it. The WAL file follows. */
static int make_file(const char *path, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    char *dir = pool_strdup(pool, path), *slash = strrchr(dir, '/');
    int r = 0;
    if (slash && slash > dir) {
        *slash = 0;
        r = file_mkdirs(dir, 0711, err);
    }
    pool_destroy(pool);
    if (r)
        return r;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_sys(err, E_IO, "cannot open '%s'", path);
    close(fd);
    return 0;
}

int sqlite_schema_open(const char *path, sqlite3 **out, struct err *err)
{
    sqlite3 *db = NULL;
    int r = make_file(path, err);
    if (r)
        return r;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL))
        r = sqlite_fail(db, path, err);
    sqlite3_busy_timeout(db, BUSY_MS);
    if (!r)
        r = exec(db, path,
                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                 "PRAGMA synchronous = FULL; PRAGMA cache_size = -1024; PRAGMA foreign_keys = OFF;",
                 err);
    if (!r)
        r = sqlite_schema_migrate(db, path, sqlite_schema_newest(), err);
    if (!r)
        r = exec(db, path, "PRAGMA foreign_keys = ON", err);
    if (r)
        sqlite3_close(db);
    else
        *out = db;
    return r;
}
