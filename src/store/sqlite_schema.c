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

/* A connection that fails here is closed, which rolls back. */
static int migrate(sqlite3 *db, const char *path, struct err *err)
{
    int version = 0, newest = (int)ARRAY_SIZE(migrations);
    int r = get_version(db, path, &version, err);
    if (!r && version > newest)
        return err_set(err, E_IO, "'%s' has schema version %d; this program knows %d", path,
                       version, newest);
    for (; !r && version < newest; version++) {
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
                 "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA cache_size = -1024;",
                 err);
    if (!r)
        r = migrate(db, path, err);
    if (r)
        sqlite3_close(db);
    else
        *out = db;
    return r;
}
