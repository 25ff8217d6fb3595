#include "sys/file.h"
#include "base/buf.h"
#include "base/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int write_all(int fd, const char *data, size_t len)
{
    while (len) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static void sync_dir_of(struct pool *pool, const char *path)
{
    char *dir = pool_strdup(pool, path);
    char *slash = strrchr(dir, '/');
    if (slash)
        *(slash == dir ? slash + 1 : slash) = 0;
    int fd = open(slash ? dir : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static int write_file(const char *path, const void *data, size_t len, mode_t mode, bool durable,
                      struct err *err)
{
    struct pool *pool = pool_create(NULL);
    char suffix[17];
    id_random_hex(8, suffix);
    char *tmp = pool_printf(pool, "%s.%s.tmp", path, suffix);
    int r = 0;
    int fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
    if (fd < 0) {
        r = err_sys(err, E_IO, "cannot write '%s'", path);
        goto out;
    }
    if (write_all(fd, data, len) || fchmod(fd, mode) || (durable && fsync(fd)))
        r = err_sys(err, E_IO, "cannot write '%s'", path);
    if (close(fd) && !r)
        r = err_sys(err, E_IO, "cannot write '%s'", path);
    if (!r && rename(tmp, path))
        r = err_sys(err, E_IO, "cannot replace '%s'", path);
    if (r)
        unlink(tmp);
    else if (durable)
        sync_dir_of(pool, path);
out:
    pool_destroy(pool);
    return r;
}

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return write_file(path, data, len, mode, true, err);
}

int file_write_soon(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
{
    return write_file(path, data, len, mode, false, err);
}

static void free_hook(void *p)
{
    free(p);
}

static int read_fd(struct pool *pool, int fd, const char *path, size_t cap, char **ret_data,
                   size_t *ret_len, struct err *err)
{
    struct stat st;
    if (fstat(fd, &st))
        return err_sys(err, E_IO, "cannot read '%s'", path);
    if (!S_ISREG(st.st_mode))
        return err_set(err, E_IO, "'%s' is not a regular file", path);
    if ((size_t)st.st_size > cap)
        return err_set(err, E_TOOBIG, "'%s' is larger than %zu bytes", path, cap);
    size_t size = (size_t)st.st_size, len = 0;
    char *data = malloc(size + 1);
    if (!data)
        return err_set(err, E_NOMEM, "no memory for '%s'", path);
    pool_defer(pool, free_hook, data);
    while (len < size) {
        ssize_t n = read(fd, data + len, size - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_sys(err, E_IO, "cannot read '%s'", path);
        if (n == 0)
            break;
        len += (size_t)n;
    }
    data[len] = 0;
    *ret_data = data;
    *ret_len = len;
    return 0;
}

int file_read(struct pool *pool, const char *path, size_t cap_bytes, char **ret_data,
              size_t *ret_len, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP)
        return err_set(err, E_IO, "'%s' is a symbolic link, which is not followed: name the file itself", path);
    if (fd < 0)
        return err_sys(err, errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO,
                       "cannot open '%s'", path);
    int r = read_fd(pool, fd, path, cap_bytes, ret_data, ret_len, err);
    close(fd);
    return r;
}

static int make_one(const char *path, mode_t mode)
{
    if (mkdir(path, mode) == 0)
        return chmod(path, mode);
    struct stat st;
    if (errno == EEXIST && stat(path, &st) == 0 && S_ISDIR(st.st_mode))
        return 0;
    return -1;
}

int file_mkdirs(const char *path, mode_t mode, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    char *p = pool_strdup(pool, path);
    int r = 0;
    for (char *slash = strchr(p + 1, '/'); slash && !r; slash = strchr(slash + 1, '/')) {
        *slash = 0;
        r = make_one(p, mode);
        *slash = '/';
    }
    if (!r)
        r = make_one(p, mode);
    if (r)
        r = err_sys(err, E_IO, "cannot make directory '%s'", path);
    pool_destroy(pool);
    return r;
}

/* --- trees -------------------------------------------------------------------------------------
 *
 * Walked by descriptor, one directory open at a time, so neither PATH_MAX nor the number of
 * descriptors bounds the depth a stranger may have made. The way back up is "..", checked against
 * what was left on the way down.
 */

struct level { /* a directory on the way down from the top */
    dev_t dev;
    ino_t ino;
    long at; /* where to go on reading it */
};

struct walk {
    DIR *dir; /* the one being read */
    struct level *up;
    size_t depth, size;
    size_t left; /* entries that may still be removed */
};

static int walk_into(struct walk *w, int fd)
{
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (!dir) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        errno = saved;
        return -1;
    }
    if (w->dir)
        closedir(w->dir);
    w->dir = dir;
    return 0;
}

static int walk_down(struct walk *w, const char *name)
{
    struct stat st;
    if (fstat(dirfd(w->dir), &st))
        return -1;
    if (w->depth == w->size) {
        size_t size = w->size ? 2 * w->size : 32;
        struct level *more = realloc(w->up, size * sizeof(*more));
        if (!more)
            return -1;
        w->up = more;
        w->size = size;
    }
    w->up[w->depth] = (struct level){st.st_dev, st.st_ino, telldir(w->dir)};
    int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    if (walk_into(w, openat(dirfd(w->dir), name, flags)))
        return -1;
    w->depth++;
    return 0;
}

static int walk_up(struct walk *w)
{
    struct stat st;
    const struct level *up = &w->up[w->depth - 1];
    if (walk_into(w, openat(dirfd(w->dir), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ||
        fstat(dirfd(w->dir), &st))
        return -1;
    if (st.st_dev != up->dev || st.st_ino != up->ino) {
        errno = EXDEV; /* somebody moved it while we were below */
        return -1;
    }
    w->depth--;
    return 0;
}

static void walk_end(struct walk *w)
{
    int saved = errno;
    if (w->dir)
        closedir(w->dir);
    free(w->up);
    errno = saved;
}

/* The next entry that is not "." or ".."; NULL with errno 0 at the end. */
static struct dirent *walk_next(struct walk *w)
{
    struct dirent *e;
    do {
        errno = 0;
        e = readdir(w->dir);
    } while (e && (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0));
    return e;
}

enum { PASS_SPENT = 2 };

/* Remove what can be removed of the directory being read, in one pass. 1: went down into one that
 * is not empty; 0: at the end; PASS_SPENT; -1. */
static int remove_pass(struct walk *w)
{
    struct dirent *e;
    int removed = 0;
    while ((e = walk_next(w))) {
        if (!w->left)
            return PASS_SPENT;
        if (unlinkat(dirfd(w->dir), e->d_name, 0) == 0 ||
            (errno == EISDIR && unlinkat(dirfd(w->dir), e->d_name, AT_REMOVEDIR) == 0)) {
            removed++;
            w->left--;
            continue;
        }
        if (errno != ENOTEMPTY && errno != EEXIST)
            return -1;
        return walk_down(w, e->d_name) ? -1 : 1;
    }
    if (errno)
        return -1;
    if (!removed && w->depth) {
        errno = ENOTEMPTY; /* it was not empty, and yet there is nothing in it */
        return -1;
    }
    return 0;
}

/* After coming up again the parent is read from its start: the emptied child goes like a file. */
static int empty_tree(struct walk *w)
{
    for (;;) {
        int r = remove_pass(w);
        if (r < 0 || r == PASS_SPENT)
            return r;
        if (r)
            continue;
        if (!w->depth)
            return 0;
        if (walk_up(w))
            return -1;
    }
}

int file_remove_some(const char *path, size_t max, bool *ret_done, struct err *err)
{
    struct walk w = {.left = max};
    *ret_done = true;
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    int r = walk_into(&w, open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!r)
        r = empty_tree(&w);
    walk_end(&w);
    *ret_done = r != PASS_SPENT;
    if (*ret_done && (r || rmdir(path)))
        return err_sys(err, E_IO, "cannot remove '%s'", path);
    return 0;
}

int file_remove_tree(const char *path, struct err *err)
{
    bool done;
    return file_remove_some(path, SIZE_MAX, &done, err);
}

/* A file with a second name may be anybody's, put here by a hard link: it is left alone. */
static bool to_be_given(const struct stat *st, uid_t uid)
{
    if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
        return false;
    return st->st_uid != uid || st->st_gid != uid;
}

static int chown_below(struct walk *w, uid_t uid)
{
    for (;;) {
        struct stat st;
        struct dirent *e = walk_next(w);
        if (!e && errno)
            return -1;
        if (!e) {
            if (!w->depth)
                return 0;
            if (walk_up(w))
                return -1;
            seekdir(w->dir, w->up[w->depth].at); /* on Linux a position outlives its stream */
            continue;
        }
        if (fstatat(dirfd(w->dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW))
            return -1;
        if (to_be_given(&st, uid) &&
            fchownat(dirfd(w->dir), e->d_name, uid, uid, AT_SYMLINK_NOFOLLOW))
            return -1;
        if (S_ISDIR(st.st_mode) && walk_down(w, e->d_name))
            return -1;
    }
}

/* The top comes last: until then its new owner cannot get in and change what is being given. */
int file_chown_tree(const char *path, uid_t uid, struct err *err)
{
    struct walk w = {0};
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int top = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 3);
    int r = walk_into(&w, fd);
    if (!r)
        r = top < 0 ? -1 : chown_below(&w, uid);
    walk_end(&w);
    if (!r)
        r = fchown(top, uid, uid);
    if (r)
        r = err_sys(err, E_IO, "cannot give '%s' to uid %u", path, (unsigned)uid);
    if (top >= 0)
        close(top);
    return r;
}

int file_tree_bytes(const char *path, int64_t *ret_bytes, struct err *err)
{
    char *paths[] = {(char *)path, NULL};
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    *ret_bytes = 0;
    if (!tree)
        return err_sys(err, E_IO, "cannot read '%s'", path);
    for (FTSENT *e; (e = fts_read(tree));)
        if (e->fts_info == FTS_F)
            *ret_bytes += (int64_t)e->fts_statp->st_size;
    fts_close(tree);
    return 0;
}

char *file_program_dir(struct pool *pool)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    if (n <= 0)
        return pool_strdup(pool, ".");
    path[n] = 0;
    char *slash = strrchr(path, '/');
    return pool_strndup(pool, path, slash && slash > path ? (size_t)(slash - path) : 1);
}
