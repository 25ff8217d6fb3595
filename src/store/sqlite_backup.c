/*
 * sqlite_backup.c - a copy of the embedded store while it is used, by SQLite's online backup: what
 * the same connection writes meanwhile goes into the copy too (sqlite.org/backup.html).
 *
 * The copy is written beside its place under another name and moved there when it is on disk.
 */
#include "store/sqlite_backup.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/id.h"

#define PAGES_A_STEP 64 /* 256 KB: about a ms of the loop */

struct copy {
    struct store_backup base;
    struct pool *pool;
    sqlite3_backup *job;
    sqlite3 *to_db;
    const char *to, *beside; /* beside: NULL when there is no such file any more */
    int fd;                  /* of beside; closed after to_db, whose locks would go with it */
};

static int fail(struct copy *c, struct err *err)
{
    return sqlite_fail(c->to_db, c->to, err);
}

/* Exclusive and 0600 from its first moment. */
static int make_beside(struct copy *c, struct err *err)
{
    char tail[17];
    id_random_hex(8, tail);
    const char *name = pool_printf(c->pool, "%s.%s.part", c->to, tail);
    c->fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (c->fd < 0)
        return err_sys(err, E_IO, "cannot make '%s'", name);
    c->beside = name;
    return 0;
}

/* No journal: a half copy is thrown away. It is brought to disk once, at the end. */
static int open_beside(struct copy *c, sqlite3 *from, struct err *err)
{
    int r = make_beside(c, err);
    if (r)
        return r;
    if (sqlite3_open_v2(c->beside, &c->to_db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) ||
        sqlite3_exec(c->to_db, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;", NULL, NULL,
                     NULL))
        return fail(c, err);
    c->job = sqlite3_backup_init(c->to_db, "main", from, "main");
    return c->job ? 0 : fail(c, err);
}

static int sync_dir(struct copy *c, struct err *err)
{
    const char *dir = dirname(pool_strdup(c->pool, c->to));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) ? err_sys(err, E_IO, "cannot bring '%s' to disk", dir) : 0;
    if (fd >= 0)
        close(fd);
    return r;
}

static int publish(struct copy *c, struct err *err)
{
    sqlite3_backup_finish(c->job);
    c->job = NULL;
    sqlite3_close(c->to_db);
    c->to_db = NULL;
    if (fsync(c->fd))
        return err_sys(err, E_IO, "cannot bring '%s' to disk", c->beside);
    if (renameat2(AT_FDCWD, c->beside, AT_FDCWD, c->to, RENAME_NOREPLACE)) {
        if (errno == EEXIST)
            return sqlite_backup_exists(c->to, err);
        return err_sys(err, E_IO, "cannot make '%s'", c->to);
    }
    c->beside = NULL;
    return sync_dir(c, err);
}

static int step(struct store_backup *base, int *ret_percent, struct err *err)
{
    struct copy *c = (struct copy *)base;
    int rc = sqlite3_backup_step(c->job, PAGES_A_STEP);
    int all = sqlite3_backup_pagecount(c->job), left = sqlite3_backup_remaining(c->job);
    *ret_percent = all > 0 ? (int)((int64_t)(all - left) * 100 / all) : 0;
    if (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED) {
        /* on its way to the disk already, so that the sync at the end does not hold the loop up */
        sync_file_range(c->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
        return 0;
    }
    if (rc != SQLITE_DONE) { /* the handle has no message of it */
        if (rc == SQLITE_FULL) {
            err_set(err, E_IO, "the disk is full: cannot write '%s'", c->to);
            if (err)
                err->sys_errno = ENOSPC;
            return E_IO;
        }
        return err_set(err, E_IO, "'%s': %s", c->to, sqlite3_errstr(rc));
    }
    int r = publish(c, err);
    return r ? r : 1;
}

static void end(struct store_backup *base)
{
    struct copy *c = (struct copy *)base;
    sqlite3_backup_finish(c->job);
    sqlite3_close(c->to_db);
    if (c->fd >= 0)
        close(c->fd);
    if (c->beside)
        unlink(c->beside);
    pool_destroy(c->pool);
    free(c);
}

int sqlite_backup_exists(const char *to, struct err *err)
{
    return err_set(err, E_CONFLICT, "'%s' exists: a backup does not write over a file", to);
}

int sqlite_backup_of(sqlite3 *from, const char *to, struct store_backup **out, struct err *err)
{
    if (access(to, F_OK) == 0)
        return sqlite_backup_exists(to, err);
    struct copy *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    c->base = (struct store_backup){.step = step, .end = end};
    c->fd = -1;
    c->pool = pool_create(NULL);
    c->to = pool_strdup(c->pool, to);
    int r = open_beside(c, from, err);
    if (r)
        end(&c->base);
    else
        *out = &c->base;
    return r;
}

int sqlite_backup(struct store *store, const char *to, struct store_backup **out, struct err *err)
{
    return sqlite_backup_of(sqlite_of(store)->db, to, out, err);
}
