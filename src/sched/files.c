/*
 * files.c - the files of http-api.md section 13, written from the store after each commit.
 *
 * A file that cannot be written is logged and nothing else: the store is the truth, and the file is
 * written again when it is asked for. So only result.json is waited for until the disk has it; a
 * power cut may leave the others empty, and an empty one counts as missing.
 */
#include "sched/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "core/result.h"
#include "sys/file.h"

#define FILE_MODE 0600

/* A run's files, while they are being written. */
struct bundle {
    struct sched *s;
    struct pool *pool;
    struct run_record rec;
    char *dir;
    int failures;
};

typedef int write_fn(const char *path, const void *data, size_t len, mode_t mode, struct err *err);

static void write_path(struct bundle *b, write_fn *fn, const char *path, const char *text)
{
    struct err err = {0};
    struct log_ctx ctx = {.tenant_id = b->rec.tenant_id, .run_id = b->rec.run_id};
    if (text && fn(path, text, strlen(text), FILE_MODE, &err) && b->failures++ == 0)
        log_warning(LOGGER, &ctx, "a file of the run is missing until it is asked for: %s",
                    err.msg);
}

static void write_file(struct bundle *b, const char *name, const char *text)
{
    write_path(b, file_write_soon, pool_printf(b->pool, "%s/%s", b->dir, name), text);
}

static int open_bundle(struct bundle *b, struct sched *s, const char *tenant, const char *run_id,
                       unsigned parts)
{
    struct err err = {0};
    *b = (struct bundle){.s = s, .pool = pool_create(NULL)};
    int r = store_run_get(s->store, b->pool, tenant, run_id, parts, &b->rec, &err);
    if (!r)
        r = dirs_make_run(s, b->rec.tenant_id, run_id, &err);
    if (r) {
        log_warning(LOGGER, NULL, "cannot write the files of run %s: %s", run_id, err.msg);
        pool_destroy(b->pool);
        return r;
    }
    b->dir = dirs_run(s, b->pool, b->rec.tenant_id, run_id);
    return 0;
}

static void write_status(struct bundle *b)
{
    json_t *doc = docs_status(b->s, b->pool, &b->rec);
    write_file(b, "status.json", json_pretty(b->pool, doc));
}

void files_write_status(struct sched *s, const char *run_id)
{
    struct bundle b;
    if (open_bundle(&b, s, NULL, run_id, 0))
        return;
    write_status(&b);
    pool_destroy(b.pool);
}

static void add_line(struct buf *out, struct pool *pool, const json_t *value)
{
    buf_adds(out, json_text(pool, value));
    buf_addc(out, '\n');
}

static void write_events(struct bundle *b)
{
    json_t *events, *e;
    size_t i;
    struct buf log, trace;
    if (store_events_get(b->s->store, b->pool, b->rec.tenant_id, b->rec.run_id, -1, CAP_LOG_TAIL,
                         &events, NULL))
        return;
    buf_init(&log, CAP_IPC_MESSAGE_BYTES);
    buf_init(&trace, CAP_IPC_MESSAGE_BYTES);
    json_array_foreach (events, i, e) {
        json_t *line = docs_log_line(e);
        add_line(&log, b->pool, line);
        add_line(&trace, b->pool, e);
        json_decref(line);
    }
    write_file(b, "events.log", log.data);
    write_file(b, "reasoning.jsonl", trace.data);
    buf_release(&log);
    buf_release(&trace);
}

static void write_result(struct bundle *b)
{
    if (!b->rec.result)
        return;
    write_file(b, "leads.csv", result_leads_csv(b->pool, b->rec.result));
    write_file(b, "extracted_rows.csv", result_rows_csv(b->pool, b->rec.result));
    write_file(b, "extracted_rows.json", result_rows_json(b->pool, b->rec.result));
    write_path(b, file_write_atomic, pool_printf(b->pool, "%s/result.json", b->dir),
               json_pretty(b->pool, b->rec.result));
}

void files_write_all(struct sched *s, const char *run_id)
{
    struct bundle b;
    if (open_bundle(&b, s, NULL, run_id, RUN_PART_CHECKPOINT | RUN_PART_RESULT))
        return;
    json_t *payload = json_object_get(b.rec.doc, "payload");
    write_status(&b);
    write_events(&b);
    if (payload)
        write_file(&b, "payload.json", json_pretty(b.pool, payload));
    if (b.rec.checkpoint && b.rec.workflow_id)
        write_path(&b, file_write_soon,
                   dirs_checkpoint(s, b.pool, b.rec.tenant_id, b.rec.workflow_id),
                   json_text(b.pool, b.rec.checkpoint));
    write_result(&b); /* result.json last: where it is, the others are */
    pool_destroy(b.pool);
}

void files_rebuild(struct sched *s, const char *tenant, const char *run_id)
{
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    char *result = pool_printf(pool, "%s/result.json", dirs_run(s, pool, tenant, run_id));
    if (access(result, F_OK) && !store_run_get(s->store, pool, tenant, run_id, 0, &rec, NULL) &&
        run_state_terminal(rec.state))
        files_write_all(s, run_id);
    pool_destroy(pool);
}

/* --- the last screenshot -----------------------------------------------------------------------
 */

/* Every step of the way is opened without following links: the worker owns these directories. */
static int open_screenshots(struct sched *s, struct pool *pool, const char *tenant,
                            const char *run_id)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int work = open(dirs_work(s, pool, tenant, run_id), flags);
    if (work < 0)
        return -1;
    int fd = openat(work, "screenshots", flags);
    close(work);
    return fd;
}

static const char *newest_png(struct pool *pool, int dir_fd)
{
    const char *newest = NULL;
    struct timespec at = {0};
    struct stat st;
    DIR *dir = fdopendir(dup(dir_fd));
    if (!dir)
        return NULL;
    for (struct dirent *e; (e = readdir(dir));) {
        if (!str_ends(e->d_name, ".png") || fstatat(dir_fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            continue;
        bool later = st.st_mtim.tv_sec > at.tv_sec ||
                     (st.st_mtim.tv_sec == at.tv_sec && st.st_mtim.tv_nsec > at.tv_nsec);
        if (!newest || later) {
            newest = pool_strdup(pool, e->d_name);
            at = st.st_mtim;
        }
    }
    closedir(dir);
    return newest;
}

static const char *last_listed(struct pool *pool, const json_t *checkpoint)
{
    const json_t *steps = json_object_get(checkpoint, "step_results");
    for (size_t i = json_array_size(steps); i > 0; i--) {
        const char *name = json_str(json_array_get(steps, i - 1), "screenshot", "");
        const char *slash = strrchr(name, '/');
        if (*name)
            return pool_strdup(pool, slash ? slash + 1 : name);
    }
    return NULL;
}

static bool read_png(struct pool *pool, int dir_fd, const char *name, char **data, size_t *len)
{
    struct stat st;
    bool ok = false;
    int fd = openat(dir_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return false;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 8 &&
        st.st_size <= (off_t)CAP_SCREENSHOT_BYTES && (*data = pool_try(pool, (size_t)st.st_size))) {
        *len = 0;
        for (ssize_t n; *len < (size_t)st.st_size; *len += (size_t)n)
            if ((n = read(fd, *data + *len, (size_t)st.st_size - *len)) <= 0)
                break;
        ok = *len > 8 && memcmp(*data, "\x89PNG\r\n\x1a\n", 8) == 0;
    }
    close(fd);
    return ok;
}

bool files_final_png(struct sched *s, const char *tenant, const char *run_id,
                     const json_t *checkpoint)
{
    struct pool *pool = pool_create(NULL);
    char *data, *path = pool_printf(pool, "%s/final.png", dirs_run(s, pool, tenant, run_id));
    size_t len;
    bool found = false;
    int dir = open_screenshots(s, pool, tenant, run_id);
    if (dir >= 0) {
        const char *listed = last_listed(pool, checkpoint), *newest = newest_png(pool, dir);
        /* the runner's last look, else the last step's, else whatever is there */
        found = read_png(pool, dir, "final.png", &data, &len) ||
                (listed && read_png(pool, dir, listed, &data, &len)) ||
                (newest && read_png(pool, dir, newest, &data, &len));
        close(dir);
    }
    if (found && file_write_atomic(path, data, len, FILE_MODE, NULL))
        found = false;
    pool_destroy(pool);
    return found;
}

/* --- artifacts ---------------------------------------------------------------------------------
 */

/* clang-format off */
static const struct {
    const char *name, *mime;
    bool projected; /* files_write_all() makes it */
} always[] = {
    {"leads.csv", "text/csv", true},
    {"extracted_rows.csv", "text/csv", true},
    {"extracted_rows.json", "application/json", true},
    {"result.json", "application/json", true},
    {"final.png", "image/png", false},
};
/* clang-format on */

static const json_t *listed(const json_t *result, const char *name)
{
    size_t i;
    json_t *a;
    json_array_foreach (json_object_get(result, "artifacts"), i, a)
        if (strcmp(json_str(a, "kind", ""), "file") == 0 &&
            strcmp(json_str(a, "name", ""), name) == 0)
            return a;
    return NULL;
}

static const char *mime_of(struct pool *pool, const json_t *result, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        if (strcmp(always[i].name, name) == 0)
            return always[i].mime;
    const json_t *a = listed(result, name);
    return a ? pool_strdup(pool, json_str(a, "mime_type", "application/octet-stream")) : NULL;
}

/* Would writing the run's files again bring this one back? */
static bool can_be_rebuilt(const json_t *result, const char *name)
{
    if (strcmp(name, "result.json") == 0)
        return result != NULL;
    for (size_t i = 0; i < ARRAY_SIZE(always); i++)
        if (always[i].projected && strcmp(always[i].name, name) == 0)
            return listed(result, name) != NULL;
    return false;
}

static bool is_missing(const char *path)
{
    struct stat st;
    return stat(path, &st) || st.st_size == 0;
}

int sched_artifact(struct sched *s, struct pool *pool, const char *tenant, const char *run_id,
                   const char *name, char **ret_path, const char **ret_mime, struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    int r = store_run_get(s->store, pool, tenant, run_id, RUN_PART_RESULT, &rec, &cause);
    if (r)
        return r == E_NOT_FOUND ? err_set(err, r, "%s", cause.msg) : sched_store_error(&cause, err);
    const char *mime = id_is_clean(name) ? mime_of(pool, rec.result, name) : NULL;
    if (!mime)
        return err_set(err, E_NOT_FOUND, "run '%s' has no artifact of that name", run_id);
    char *path = pool_printf(pool, "%s/%s", dirs_run(s, pool, tenant, run_id), name);
    if (is_missing(path) && can_be_rebuilt(rec.result, name))
        files_write_all(s, run_id);
    if (access(path, R_OK))
        return err_set(err, E_NOT_FOUND, "run '%s' has no artifact '%s'", run_id, name);
    *ret_path = path;
    *ret_mime = mime;
    return 0;
}
