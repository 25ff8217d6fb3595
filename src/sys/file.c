#include "sys/file.h"
#include "base/buf.h"
#include "base/id.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
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

int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode, struct err *err)
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
    if (write_all(fd, data, len) || fchmod(fd, mode) || fsync(fd))
        r = err_sys(err, E_IO, "cannot write '%s'", path);
    if (close(fd) && !r)
        r = err_sys(err, E_IO, "cannot write '%s'", path);
    if (!r && rename(tmp, path))
        r = err_sys(err, E_IO, "cannot replace '%s'", path);
    if (r)
        unlink(tmp);
    else
        sync_dir_of(pool, path);
out:
    pool_destroy(pool);
    return r;
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

int file_read(struct pool *pool, const char *path, size_t cap_bytes, char **ret_data, size_t *ret_len,
              struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return err_sys(err, errno == ENOENT || errno == ENOTDIR ? E_NOT_FOUND : E_IO, "cannot open '%s'", path);
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

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    return remove(path);
}

int file_remove_tree(const char *path, struct err *err)
{
    if (nftw(path, remove_one, 32, FTW_DEPTH | FTW_PHYS) && errno != ENOENT)
        return err_sys(err, E_IO, "cannot remove '%s'", path);
    return 0;
}

static _Thread_local uid_t chown_uid; /* nftw has no argument for its callback */

static int chown_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    if (st->st_uid == chown_uid && st->st_gid == chown_uid)
        return 0;
    return lchown(path, chown_uid, chown_uid);
}

int file_chown_tree(const char *path, uid_t uid, struct err *err)
{
    chown_uid = uid;
    if (nftw(path, chown_one, 32, FTW_PHYS))
        return err_sys(err, E_IO, "cannot give '%s' to uid %u", path, (unsigned)uid);
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
