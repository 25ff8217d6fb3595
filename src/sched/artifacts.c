/*
 * artifacts.c - the files of a run that callers fetch, and the screenshot among them.
 */
#include "sched/private.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "sys/file.h"

#define FILE_MODE 0600

/* --- the last screenshot -----------------------------------------------------------------------
 */

/* Every step of the way is opened without following links: the worker owns these directories. */
static int open_below_work(struct sched *s, struct pool *pool, struct run_key key, const char *name)
{
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int work = open(dirs_work(s, pool, key), flags);
    if (work < 0)
        return -1;
    int fd = openat(work, name, flags);
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

bool artifacts_read_png(struct sched *s, struct pool *pool, struct run_key key, const char *name,
                        char **ret_data, size_t *ret_len)
{
    int dir = id_is_file_name(name) ? open_below_work(s, pool, key, "screenshots") : -1;
    bool found = dir >= 0 && read_png(pool, dir, name, ret_data, ret_len);
    if (dir >= 0)
        close(dir);
    return found;
}

bool artifacts_final_png(struct sched *s, struct run_key key, const json_t *checkpoint)
{
    struct pool *pool = pool_create(NULL);
    char *data, *path = pool_printf(pool, "%s/final.png", dirs_run(s, pool, key));
    size_t len;
    bool found = false;
    int dir = open_below_work(s, pool, key, "screenshots");
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
    {"claude_cost_by_path.json", "application/json", true},
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

int artifacts_open_workers(struct sched *s, struct pool *pool, struct run_key key,
                           const char *dir_name, const char *file, int64_t most_bytes)
{
    struct stat st;
    int dir = id_is_file_name(file) ? open_below_work(s, pool, key, dir_name) : -1, fd = -1;
    if (dir >= 0)
        fd = openat(dir, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 &&
        (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_nlink != 1 || st.st_size > most_bytes)) {
        close(fd);
        fd = -1;
    }
    if (dir >= 0)
        close(dir);
    return fd;
}

int sched_screenshot(struct sched *s, struct pool *pool, struct run_key key, const char *name,
                     int *ret_fd, struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    if (store_run_get(s->store, pool, key, 0, &rec, &cause))
        return sched_run_error(&cause, err);
    *ret_fd = -1;
    if (str_ends(name, ".png"))
        *ret_fd = artifacts_open_workers(s, pool, key, "screenshots", name, CAP_DOWNLOAD_BYTES);
    if (*ret_fd < 0)
        return err_set(err, E_NOT_FOUND,
                       "run '%s' has no screenshot '%.80s', or not any more: screenshots are kept "
                       "for MANTIS_ARTIFACT_TTL_DAYS",
                       key.run_id, name);
    return 0;
}

static int open_own(struct sched *s, struct pool *pool, struct run_key key, const json_t *result,
                    const char *name)
{
    char *path = pool_printf(pool, "%s/%s", dirs_run(s, pool, key), name);
    if (files_missing(path) && can_be_rebuilt(result, name))
        files_write_all(s, key);
    return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

int sched_artifact(struct sched *s, struct pool *pool, struct run_key key, const char *name,
                   int *ret_fd, const char **ret_mime, struct err *err)
{
    struct run_record rec;
    struct err cause = {0};
    int r = store_run_get(s->store, pool, key, RUN_PART_RESULT, &rec, &cause);
    if (r)
        return sched_run_error(&cause, err);
    const char *mime = id_is_clean(name) ? mime_of(pool, rec.result, name) : NULL;
    const json_t *a = listed(rec.result, name);
    if (!mime)
        return err_set(err, E_NOT_FOUND, "run '%s' has no artifact '%.80s'", key.run_id, name);
    const char *source = json_str(a, "source", "");
    bool workers = strcmp(source, "download") == 0 || strcmp(source, "picture") == 0;
    if (!workers)
        *ret_fd = open_own(s, pool, key, rec.result, name);
    else if (strcmp(source, "download") == 0)
        *ret_fd = artifacts_open_workers(s, pool, key, "downloads", json_str(a, "file_name", ""),
                                         CAP_DOWNLOAD_BYTES);
    else
        *ret_fd = artifacts_open_workers(s, pool, key, "screenshots", name, CAP_DOWNLOAD_BYTES);
    if (*ret_fd < 0)
        return err_set(err, E_NOT_FOUND, "run '%s' has no artifact '%.80s'%s", key.run_id, name,
                       workers ? " any more: files of a run are kept for "
                                 "MANTIS_ARTIFACT_TTL_DAYS"
                               : "");
    *ret_mime = mime;
    return 0;
}
