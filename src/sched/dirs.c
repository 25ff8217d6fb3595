/*
 * dirs.c - the directories of http-api.md section 13, who owns them and who may pass through.
 *
 * Started as root, a worker runs under its slot's uid. It has to pass through everything above its
 * two own directories, and may list none of them: 0711. Those two, work/ and the leased profile,
 * are 0700 and belong to that uid; they were written by an earlier worker, so nothing in them is
 * trusted: links are not followed. Between attempts they are root's, because the next run of that
 * slot, under the same uid, may be another tenant's.
 */
#include "sched/private.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/id.h"
#include "base/log.h"
#include "sys/file.h"

static char *tenant_dir(const struct sched *s, struct pool *pool, const char *tenant)
{
    return pool_printf(pool, "%s/tenants/%s", s->settings->data_dir, tenant);
}

char *dirs_run(const struct sched *s, struct pool *pool, struct run_key key)
{
    return pool_printf(pool, "%s/runs/%s", tenant_dir(s, pool, key.tenant), key.run_id);
}

char *dirs_work(const struct sched *s, struct pool *pool, struct run_key key)
{
    return pool_printf(pool, "%s/work", dirs_run(s, pool, key));
}

char *dirs_checkpoint(const struct sched *s, struct pool *pool, const char *tenant,
                      const char *workflow)
{
    return pool_printf(pool, "%s/checkpoints/%s.json", tenant_dir(s, pool, tenant), workflow);
}

char *dirs_profile(const struct sched *s, struct pool *pool, const char *tenant,
                   const char *profile)
{
    return pool_printf(pool, "%s/chrome-profile/%s", tenant_dir(s, pool, tenant), profile);
}

/* One directory whose parent exists; an existing one gets the mode too, a link is refused. */
static int make_dir(const char *path, mode_t mode, struct err *err)
{
    if (mkdir(path, mode) && errno != EEXIST)
        return err_sys(err, E_IO, "cannot make directory '%s'", path);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return err_sys(err, E_IO, "cannot use directory '%s'", path);
    int r = fchmod(fd, mode) ? err_sys(err, E_IO, "cannot set the mode of '%s'", path) : 0;
    close(fd);
    return r;
}

static mode_t passage(const struct sched *s)
{
    return s->as_root ? 0711 : 0700;
}

/* The data directory itself may be one the operator made: it is only opened for passing through. */
static int let_through(const struct sched *s, const char *path, struct err *err)
{
    struct stat st;
    if (!s->as_root || (stat(path, &st) == 0 && (st.st_mode & 0111) == 0111))
        return 0;
    if (chmod(path, (st.st_mode & 07777) | 0111))
        return err_sys(err, E_IO, "cannot set the mode of '%s'", path);
    return 0;
}

int dirs_create_base(struct sched *s, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    int r = file_mkdirs(s->settings->data_dir, passage(s), err);
    if (!r)
        r = let_through(s, s->settings->data_dir, err);
    if (!r)
        r = make_dir(pool_printf(pool, "%s/tenants", s->settings->data_dir), passage(s), err);
    if (!r)
        r = make_dir(pool_printf(pool, "%s/slots", s->settings->data_dir), 0700, err);
    pool_destroy(pool);
    return r;
}

static int make_tenant(struct sched *s, struct pool *pool, const char *tenant, struct err *err)
{
    static const char *const below[] = {"runs", "chrome-profile", "checkpoints"};
    const char *base = tenant_dir(s, pool, tenant);
    int r = make_dir(base, passage(s), err);
    for (size_t i = 0; !r && i < ARRAY_SIZE(below); i++)
        r = make_dir(pool_printf(pool, "%s/%s", base, below[i]), passage(s), err);
    if (!r)
        queue_tenant(s, tenant)->dirs_made = true;
    return r;
}

/* The tenant's are looked at once, and again when they are gone. */
int dirs_make_run(struct sched *s, struct run_key key, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const char *run = dirs_run(s, pool, key);
    bool known = queue_tenant(s, key.tenant)->dirs_made;
    if (known && make_dir(run, passage(s), NULL) == 0) {
        pool_destroy(pool);
        return 0;
    }
    int r = make_tenant(s, pool, key.tenant, err);
    if (!r)
        r = make_dir(run, passage(s), err);
    pool_destroy(pool);
    return r;
}

/* Chromium's own lock names a pid of a namespace that is gone; the lease is what counts. */
static void drop_browser_locks(struct pool *pool, const char *profile)
{
    static const char *const names[] = {"SingletonLock", "SingletonSocket", "SingletonCookie"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        unlink(pool_printf(pool, "%s/%s", profile, names[i]));
}

static int make_tmp(struct pool *pool, const char *work, struct err *err)
{
    char *tmp = pool_printf(pool, "%s/tmp", work);
    int r = file_remove_tree(tmp, err);
    return r ? r : make_dir(tmp, 0700, err);
}

int dirs_make_work(struct sched *s, struct run_key key, const char *profile, uid_t uid,
                   struct err *err)
{
    static const char *const below[] = {"screenshots", "downloads", "video"};
    struct pool *pool = pool_create(NULL);
    char *work = dirs_work(s, pool, key);
    char *profile_dir = dirs_profile(s, pool, key.tenant, profile);
    int r = dirs_make_run(s, key, err);
    if (!r)
        r = make_dir(work, 0700, err);
    if (!r)
        r = make_tmp(pool, work, err);
    for (size_t i = 0; !r && i < ARRAY_SIZE(below); i++)
        r = make_dir(pool_printf(pool, "%s/%s", work, below[i]), 0700, err);
    if (!r)
        r = make_dir(profile_dir, 0700, err);
    if (!r)
        drop_browser_locks(pool, profile_dir);
    if (!r && uid)
        r = file_chown_tree(work, uid, err);
    if (!r && uid)
        r = file_chown_tree(profile_dir, uid, err);
    pool_destroy(pool);
    return r;
}

void dirs_clean_work(struct sched *s, struct run_key key)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    if (file_remove_tree(pool_printf(pool, "%s/tmp", dirs_work(s, pool, key)), &err))
        log_warning(LOGGER, NULL, "%s", err.msg);
    pool_destroy(pool);
}

/* The top is enough: nobody passes through a 0700 directory of root. Its mode was the worker's to
 * change. */
static void give_to_root(const struct sched *s, const char *path)
{
    if (!s->as_root)
        return;
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return;
    if (fd < 0 || fchown(fd, 0, 0) || fchmod(fd, 0700))
        log_warning(LOGGER, NULL, "cannot take back '%s': %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
}

void dirs_take_back(struct sched *s, struct run_key key, const char *profile)
{
    struct pool *pool = pool_create(NULL);
    give_to_root(s, dirs_work(s, pool, key));
    give_to_root(s, dirs_profile(s, pool, key.tenant, profile));
    pool_destroy(pool);
}

static char *log_path(struct sched *s, struct pool *pool, struct run_key key)
{
    return pool_printf(pool, "%s/worker.log", dirs_work(s, pool, key));
}

/* A new file for every attempt: what an earlier worker left under that name may be a link. */
int dirs_open_log(struct sched *s, struct run_key key)
{
    struct pool *pool = pool_create(NULL);
    char *path = log_path(s, pool, key);
    unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0600);
    pool_destroy(pool);
    return fd;
}

size_t dirs_log_tail(struct sched *s, struct run_key key, char *out, size_t size)
{
    struct pool *pool = pool_create(NULL);
    struct stat st;
    ssize_t n = -1;
    int fd = open(log_path(s, pool, key), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1) {
        off_t most = (off_t)size - 1;
        n = pread(fd, out, size - 1, st.st_size > most ? st.st_size - most : 0);
    }
    if (fd >= 0)
        close(fd);
    pool_destroy(pool);
    out[n > 0 ? n : 0] = 0;
    return n > 0 ? (size_t)n : 0;
}

/* --- what a killed server left -----------------------------------------------------------------
 *
 * While a slot is in use, <data>/slots/<index> is a link that names its run, so that the next start
 * knows which directories still belong to a slot's user without looking at every run there was.
 */

static char *mark_path(const struct sched *s, struct pool *pool, int index)
{
    return pool_printf(pool, "%s/slots/%d", s->settings->data_dir, index);
}

int dirs_mark_slot(const struct slot *slot, struct err *err)
{
    char *path = mark_path(slot->sched, slot->pool, slot->index);
    unlink(path);
    if (symlink(
            pool_printf(slot->pool, "%s/%s/%s", slot->key.tenant, slot->key.run_id, slot->profile),
            path))
        return err_sys(err, E_IO, "cannot write '%s'", path);
    return 0;
}

void dirs_unmark_slot(const struct slot *slot)
{
    unlink(mark_path(slot->sched, slot->pool, slot->index));
}

static void sweep_marked(struct sched *s, int dir_fd, const char *name)
{
    char target[1024];
    char *save = NULL;
    ssize_t n = readlinkat(dir_fd, name, target, sizeof(target) - 1);
    if (n <= 0)
        return;
    target[n] = 0;
    const char *tenant = strtok_r(target, "/", &save), *run_id = strtok_r(NULL, "/", &save);
    const char *profile = strtok_r(NULL, "/", &save);
    if (tenant && id_is_clean(tenant) && run_id && id_is_clean(run_id) && profile &&
        id_is_clean(profile)) {
        struct run_key key = RUN_KEY(tenant, run_id);
        dirs_take_back(s, key, profile);
        dirs_clean_work(s, key);
        files_rebuild(s, key);
    }
    unlinkat(dir_fd, name, 0);
}

void dirs_sweep(struct sched *s)
{
    struct pool *pool = pool_create(NULL);
    DIR *dir = opendir(pool_printf(pool, "%s/slots", s->settings->data_dir));
    if (dir) {
        for (struct dirent *e; (e = readdir(dir));)
            if (e->d_name[0] != '.')
                sweep_marked(s, dirfd(dir), e->d_name);
        closedir(dir);
    }
    pool_destroy(pool);
}
