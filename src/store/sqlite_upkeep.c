/*
 * sqlite_upkeep.c - the file of the embedded store looked after while no `serve` has it: copied,
 * checked, made smaller.
 */
#include "store/sqlite_backup.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"

/* Schema versions in which everything of a run names its number, and step results are rows. */
#define FIRST_WITH_IDS  3
#define FIRST_WITH_ROWS 6

/* --- opening -----------------------------------------------------------------------------------
 */

static int first_int(sqlite3 *db, const char *sql, int64_t *out)
{
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL))
        return E_IO;
    int r = sqlite3_step(s) == SQLITE_ROW ? 0 : E_IO;
    *out = r ? 0 : sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return r;
}

/* Alone in the file, as `serve` would be; the schema stays as it is. */
static int open_alone(const char *path, sqlite3 **out, struct err *err)
{
    struct stat st;
    sqlite3 *db = NULL;
    if (stat(path, &st))
        return err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "no store at '%s'", path);
    int r = 0;
    if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
        sqlite3_exec(db,
                     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA foreign_keys = OFF;"
                     "BEGIN IMMEDIATE; ROLLBACK;",
                     NULL, NULL, NULL))
        r = sqlite_fail(db, path, err);
    if (r)
        sqlite3_close(db);
    else
        *out = db;
    return r;
}

/* --- copy --------------------------------------------------------------------------------------
 */

int store_backup(const char *path, const char *to, store_progress_fn *progress, void *arg,
                 struct err *err)
{
    sqlite3 *db;
    struct store_backup *job = NULL;
    int percent = 0;
    int r = open_alone(path, &db, err);
    if (r)
        return r;
    r = sqlite_backup_of(db, to, &job, err);
    while (!r) {
        r = store_backup_step(job, &percent, err);
        if (r >= 0 && progress && !progress(arg, percent) && r == 0)
            r = err_set(err, E_CANCELLED, "the backup was given up");
    }
    store_backup_end(job);
    sqlite3_close(db);
    return r < 0 ? r : 0;
}

/* --- check -------------------------------------------------------------------------------------
 */

struct findings {
    struct pool *pool;
    const char *lines[CAP_STORE_FINDINGS + 1];
    size_t n;
};

static void add(struct findings *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct findings *f, const char *fmt, ...)
{
    va_list ap;
    if (f->n == CAP_STORE_FINDINGS)
        return;
    va_start(ap, fmt);
    f->lines[f->n++] = pool_vprintf(f->pool, fmt, ap);
    va_end(ap);
}

/* What each row of a query says, in its words; "ok" says nothing. */
static void add_rows(struct findings *f, sqlite3 *db, const char *what, const char *sql)
{
    sqlite3_stmt *s;
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    while (!rc && (rc = sqlite3_step(s)) == SQLITE_ROW && f->n < CAP_STORE_FINDINGS) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (!text || strcmp(text, "ok") != 0)
            add(f, "%s: %s", what, text ? text : "?");
        rc = 0;
    }
    if (rc && rc != SQLITE_DONE && rc != SQLITE_ROW)
        add(f, "%s: %s", what, sqlite3_errmsg(db));
    sqlite3_finalize(s);
}

/* What one database's table or index is made of and the other's is not. */
static void compare(struct findings *f, sqlite3 *of, sqlite3 *with, const char *missing,
                    const char *differs)
{
    sqlite3_stmt *all = NULL, *one = NULL;
    sqlite3_prepare_v2(of, "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL", -1, &all,
                       NULL);
    sqlite3_prepare_v2(with, "SELECT sql FROM sqlite_schema WHERE name = ?1", -1, &one, NULL);
    while (all && one && sqlite3_step(all) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(all, 0);
        const char *sql = (const char *)sqlite3_column_text(all, 1);
        sqlite3_bind_text(one, 1, name, -1, SQLITE_STATIC);
        if (sqlite3_step(one) != SQLITE_ROW)
            add(f, "schema: '%s' %s", name, missing);
        else if (differs && strcmp((const char *)sqlite3_column_text(one, 0), sql) != 0)
            add(f, "schema: '%s' %s", name, differs);
        sqlite3_reset(one);
    }
    sqlite3_finalize(all);
    sqlite3_finalize(one);
}

/* Every table and index is as a new file of the same version has it. */
static void check_schema(struct findings *f, sqlite3 *db, int version)
{
    sqlite3 *fresh = NULL;
    if (sqlite3_open(":memory:", &fresh) ||
        sqlite_schema_migrate(fresh, ":memory:", version, NULL)) {
        add(f, "schema: no memory to compare it with");
    } else {
        compare(f, fresh, db, "is missing", "is not as this program made it");
        compare(f, db, fresh, "does not belong there", NULL);
    }
    sqlite3_close(fresh);
}

static void check_tables(struct findings *f, sqlite3 *db, int64_t version)
{
    static const struct {
        int since;
        const char *what, *sql;
    } rows[] = {
        {FIRST_WITH_IDS, "reference",
         "SELECT \"table\" || ' row ' || coalesce(rowid, '?') || ' names no row of '"
         " || parent FROM pragma_foreign_key_check"},
        {FIRST_WITH_IDS, "events",
         "SELECT 'run ' || tenant_id || '/' || run_id || ' has ' || count(e.seq)"
         " || ' of ' || last_seq FROM runs LEFT JOIN events e ON e.run = id GROUP BY id"
         " HAVING count(e.seq) != last_seq OR max(e.seq) IS NOT last_seq"},
        {FIRST_WITH_ROWS, "step results",
         "SELECT 'run ' || tenant_id || '/' || run_id || ' has ' || count(s.n) || ' of ' ||"
         " n_results FROM runs LEFT JOIN step_results s ON s.run = id GROUP BY id"
         " HAVING count(s.n) != n_results OR coalesce(max(s.n) + 1, 0) != n_results"},
        {FIRST_WITH_IDS, "result",
         "SELECT 'run ' || tenant_id || '/' || run_id || ' is marked wrongly' FROM runs"
         " WHERE has_result !="
         " EXISTS (SELECT 1 FROM run_parts p WHERE p.run = id AND p.part = 4)"},
        {FIRST_WITH_IDS, "document",
         "SELECT 'run ' || tenant_id || '/' || run_id || ' is not JSON' FROM runs"
         " WHERE NOT json_valid(doc) OR NOT coalesce(json_valid(settings), 1)"},
        {FIRST_WITH_IDS, "document",
         "SELECT 'part ' || part || ' of run ' || tenant_id || '/' || run_id"
         " || ' is not JSON' FROM run_parts JOIN runs ON id = run"
         " WHERE NOT json_valid(body)"},
        {FIRST_WITH_ROWS, "document",
         "SELECT 'step result ' || n || ' of run ' || tenant_id || '/' || run_id"
         " || ' is not JSON' FROM step_results JOIN runs ON id = run WHERE NOT json_valid(body)"},
        {FIRST_WITH_IDS, "document",
         "SELECT 'event ' || seq || ' of run ' || tenant_id || '/' || run_id"
         " || ' is not JSON' FROM events JOIN runs ON id = run"
         " WHERE NOT json_valid(body)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (version >= rows[i].since)
            add_rows(f, db, rows[i].what, rows[i].sql);
}
static_assert(RUN_PART_RESULT == 4, "part of the row \"result\"");

int store_check(struct pool *pool, const char *path, const char *const **ret_findings,
                struct err *err)
{
    sqlite3 *db;
    int64_t version = 0;
    int r = open_alone(path, &db, err);
    if (r)
        return r;
    struct findings *f = pool_alloc(pool, sizeof(*f));
    f->pool = pool;
    add_rows(f, db, "integrity", "PRAGMA integrity_check(100)");
    first_int(db, "PRAGMA user_version", &version);
    if (version < 1 || version > sqlite_schema_newest())
        add(f, "schema: version %d is not known to this program, which makes %d", (int)version,
            sqlite_schema_newest());
    else
        check_schema(f, db, (int)version);
    if (version <= sqlite_schema_newest())
        check_tables(f, db, version);
    sqlite3_close(db);
    *ret_findings = f->lines;
    return 0;
}

/* --- vacuum ------------------------------------------------------------------------------------
 */

static int64_t size_of(const char *path)
{
    struct stat st;
    return stat(path, &st) ? 0 : (int64_t)st.st_size;
}

int store_vacuum(const char *path, int64_t *ret_before, int64_t *ret_after, struct err *err)
{
    sqlite3 *db;
    int r = open_alone(path, &db, err);
    if (r)
        return r;
    int64_t before = size_of(path);
    if (sqlite3_exec(db,
                     "PRAGMA wal_checkpoint(TRUNCATE); VACUUM; PRAGMA wal_checkpoint(TRUNCATE);",
                     NULL, NULL, NULL))
        r = sqlite_fail(db, path, err);
    sqlite3_close(db);
    if (r)
        return r;
    *ret_before = before;
    *ret_after = size_of(path);
    return 0;
}
