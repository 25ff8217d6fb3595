#include "sys/tar.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/pool.h"
#include "base/str.h"

#define BLOCK      512
#define PATH_BYTES 4096
#define PAX_BYTES  (PATH_BYTES + 64)

/* POSIX ustar, one block. */
struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct header) == BLOCK, "a ustar header is one block");

static unsigned sum_of(const struct header *h)
{
    const unsigned char *p = (const unsigned char *)h;
    unsigned sum = 0;
    for (size_t i = 0; i < BLOCK; i++)
        sum += i >= offsetof(struct header, sum) && i < offsetof(struct header, type) ? ' ' : p[i];
    return sum;
}

/* --- packing --------------------------------------------------------------------------------- */

struct packer {
    gzFile out;
    const char *file;
    int64_t bytes;
    struct err *err;
};

static int put(struct packer *p, const void *data, size_t len)
{
    if (len && gzwrite(p->out, data, (unsigned)len) != (int)len)
        return err_sys(p->err, E_IO, "cannot write '%s'", p->file);
    return 0;
}

static int put_padding(struct packer *p, int64_t size)
{
    static const char zeros[BLOCK];
    return put(p, zeros, (size_t)((BLOCK - size % BLOCK) % BLOCK));
}

/* All of the field but its last byte; what does not fit becomes the most that does. */
static void octal(char *out, size_t size, int64_t value)
{
    uint64_t v = value > 0 ? (uint64_t)value : 0;
    for (size_t i = size - 1; i-- > 0; v >>= 3)
        out[i] = (char)('0' + (v & 7));
    if (v)
        memset(out, '7', size - 1);
}

static int put_header(struct packer *p, const char *name, char type, int64_t size, int64_t mtime)
{
    struct header h = {.type = type, .magic = "ustar", .version = {'0', '0'}};
    memcpy(h.name, name, strnlen(name, sizeof(h.name)));
    octal(h.mode, sizeof(h.mode), type == '5' ? 0700 : 0600);
    octal(h.uid, sizeof(h.uid), 0);
    octal(h.gid, sizeof(h.gid), 0);
    octal(h.size, sizeof(h.size), size);
    octal(h.mtime, sizeof(h.mtime), mtime);
    octal(h.sum, 7, sum_of(&h));
    h.sum[7] = ' ';
    return put(p, &h, sizeof(h));
}

/* A record "<length of all of it> path=<name>\n": names of any length. */
static int put_long_name(struct packer *p, const char *name)
{
    char record[PAX_BYTES];
    size_t body = strlen(" path=\n") + strlen(name), len = body + 2;
    for (int i = 0; i < 3; i++)
        len = body + (size_t)snprintf(NULL, 0, "%zu", len);
    snprintf(record, sizeof(record), "%zu path=%s\n", len, name);
    int r = put_header(p, "pax", 'x', (int64_t)len, 0);
    r = r ? r : put(p, record, len);
    return r ? r : put_padding(p, (int64_t)len);
}

/* As long as its header says, whatever happens to the file meanwhile. */
static int put_content(struct packer *p, int fd, int64_t size)
{
    char chunk[16384];
    for (int64_t left = size; left > 0;) {
        size_t want = left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk);
        ssize_t n = read(fd, chunk, want);
        if (n <= 0) {
            memset(chunk, 0, want);
            n = (ssize_t)want;
        }
        int r = put(p, chunk, (size_t)n);
        if (r)
            return r;
        left -= n;
    }
    return put_padding(p, size);
}

static int put_file(struct packer *p, const char *path, const char *name)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0 || fstat(fd, &st))
        r = err_sys(p->err, E_IO, "cannot read '%s'", path);
    else if (S_ISREG(st.st_mode)) {
        r = strlen(name) > sizeof(((struct header *)0)->name) ? put_long_name(p, name) : 0;
        r = r ? r : put_header(p, name, '0', st.st_size, st.st_mtime);
        r = r ? r : put_content(p, fd, st.st_size);
        p->bytes += st.st_size;
    }
    if (fd >= 0)
        close(fd);
    return r;
}

static int put_tree(struct packer *p, const char *dir)
{
    static const char end[2 * BLOCK];
    char *paths[] = {(char *)dir, NULL};
    size_t skip = strlen(dir) + 1;
    int r = 0;
    FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    if (!tree)
        return err_sys(p->err, E_IO, "cannot read '%s'", dir);
    for (FTSENT *e; !r && (e = fts_read(tree));)
        if (e->fts_info == FTS_F && strlen(e->fts_path) - skip < PATH_BYTES)
            r = put_file(p, e->fts_path, e->fts_path + skip);
        else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR || e->fts_info == FTS_NS)
            r = err_set(p->err, E_IO, "cannot read '%s': %s", e->fts_path, strerror(e->fts_errno));
    fts_close(tree);
    return r ? r : put(p, end, sizeof(end));
}

int tar_pack(const char *dir, const char *file, int64_t *ret_bytes, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    const char *part = pool_printf(pool, "%s.part", file);
    int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    struct packer p = {.file = file, .err = err};
    int r = fd < 0 || !(p.out = gzdopen(fd, "wb6")) ? err_sys(err, E_IO, "cannot write '%s'", part) : 0;
    if (!r)
        r = put_tree(&p, dir);
    if (p.out && gzclose(p.out) != Z_OK && !r)
        r = err_sys(err, E_IO, "cannot write '%s'", part);
    if (!r && rename(part, file))
        r = err_sys(err, E_IO, "cannot write '%s'", file);
    if (r && fd >= 0)
        unlink(part);
    *ret_bytes = p.bytes;
    pool_destroy(pool);
    return r;
}

/* --- unpacking ------------------------------------------------------------------------------- */

struct unpacker {
    gzFile in;
    const char *file;
    struct pool *pool;
    int dir_fd;
    int64_t bytes, max_bytes;
    int files, max_files;
    const char *name; /* for the next entry, from a record before it; NULL none */
    struct err *err;
};

static int broken(struct unpacker *u, const char *what)
{
    return err_set(u->err, E_INVALID, "'%s' is no archive of a profile: %s", u->file, what);
}

static int get(struct unpacker *u, void *data, size_t len)
{
    return gzread(u->in, data, (unsigned)len) == (int)len ? 0 : broken(u, "it ends too early");
}

/* Octal digits; -1: it is none. */
static int64_t number(const char *text, size_t len)
{
    int64_t n = 0;
    size_t i = 0;
    while (i < len && text[i] == ' ')
        i++;
    for (; i < len && text[i] >= '0' && text[i] <= '7'; i++)
        n = n * 8 + (text[i] - '0');
    return i == len || text[i] == 0 || text[i] == ' ' ? n : -1;
}

static const char *name_of(struct unpacker *u, const struct header *h)
{
    if (u->name)
        return u->name;
    const char *name = pool_strndup(u->pool, h->name, strnlen(h->name, sizeof(h->name)));
    if (!h->prefix[0] || memcmp(h->magic, "ustar", 5) != 0)
        return name;
    return pool_printf(u->pool, "%.*s/%s", (int)sizeof(h->prefix), h->prefix, name);
}

/* Stays below the directory it is unpacked into. */
static bool is_safe(const char *name)
{
    if (!*name || *name == '/' || strlen(name) >= PATH_BYTES)
        return false;
    for (const char *p = name; *p; p++)
        if ((unsigned char)*p < 0x20 || *p == 0x7f)
            return false;
    for (const char *p = name; *p; p += *p == '/') {
        size_t len = strcspn(p, "/");
        if ((len == 2 && p[0] == '.' && p[1] == '.') || (!len && p[1]))
            return false;
        p += len;
    }
    return true;
}

/* The directory that name stands in, made where it is missing; no link is followed. fd or -1. */
static int parent_of(struct unpacker *u, const char *name, const char **ret_leaf)
{
    int fd = dup(u->dir_fd);
    for (const char *slash; fd >= 0 && (slash = strchr(name, '/')); name = slash + 1) {
        const char *part = pool_strndup(u->pool, name, (size_t)(slash - name));
        if (!*part || !strcmp(part, "."))
            continue;
        if (mkdirat(fd, part, 0700) && errno != EEXIST)
            break;
        int next = openat(fd, part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    *ret_leaf = name;
    return fd;
}

static int skip_padding(struct unpacker *u, int64_t size)
{
    char pad[BLOCK];
    return get(u, pad, (size_t)((BLOCK - size % BLOCK) % BLOCK));
}

static int copy_out(struct unpacker *u, int fd, int64_t size, const char *name)
{
    char chunk[16384];
    for (int64_t left = size; left > 0;) {
        size_t n = left < (int64_t)sizeof(chunk) ? (size_t)left : sizeof(chunk);
        int r = get(u, chunk, n);
        if (r)
            return r;
        if (write(fd, chunk, n) != (ssize_t)n)
            return err_sys(u->err, E_IO, "cannot write '%s'", name);
        left -= (int64_t)n;
    }
    return skip_padding(u, size);
}

static int make_file(struct unpacker *u, const char *name, int64_t size)
{
    const char *leaf;
    int dir = parent_of(u, name, &leaf);
    int fd = dir < 0 ? -1
                     : openat(dir, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    int r = fd < 0 ? errno == EEXIST ? broken(u, "it holds a file twice")
                                     : err_sys(u->err, E_IO, "cannot write '%s'", name)
                   : copy_out(u, fd, size, name);
    if (fd >= 0)
        close(fd);
    if (dir >= 0)
        close(dir);
    return r;
}

/* 'L': the name; 'x': records, of which path counts. */
static int read_name(struct unpacker *u, char type, int64_t size)
{
    char text[PAX_BYTES];
    if (size >= (int64_t)sizeof(text))
        return broken(u, "a name in it is too long");
    int r = get(u, text, (size_t)size);
    r = r ? r : skip_padding(u, size);
    text[size] = 0;
    const char *path = type == 'L' ? text : strstr(text, " path=");
    if (r || !path)
        return r;
    path += type == 'L' ? 0 : strlen(" path=");
    u->name = pool_strndup(u->pool, path, strcspn(path, "\n"));
    return 0;
}

static int take_entry(struct unpacker *u, const struct header *h)
{
    int64_t size = number(h->size, sizeof(h->size));
    if (size < 0 || number(h->sum, sizeof(h->sum)) != (int64_t)sum_of(h))
        return broken(u, "it is damaged");
    if (h->type == 'L' || h->type == 'x')
        return read_name(u, h->type, size);
    const char *name = name_of(u, h), *leaf;
    u->name = NULL;
    if (!is_safe(name))
        return err_set(u->err, E_INVALID, "'%s' names a place outside of the profile: '%.200s'",
                       u->file, name);
    if (h->type == '5') {
        int fd = parent_of(u, pool_printf(u->pool, "%s/", name), &leaf);
        if (fd < 0)
            return err_sys(u->err, E_IO, "cannot make '%s'", name);
        close(fd);
        return 0;
    }
    if (h->type != '0' && h->type != 0)
        return err_set(u->err, E_INVALID, "'%s' holds something that is no plain file: '%.200s'",
                       u->file, name);
    u->bytes += size;
    if (u->bytes > u->max_bytes || ++u->files > u->max_files)
        return err_set(u->err, E_TOOBIG, "'%s' holds more than %lld MB or %d files", u->file,
                       (long long)(u->max_bytes >> 20), u->max_files);
    return make_file(u, name, size);
}

static int unpack_all(struct unpacker *u)
{
    static const struct header none;
    struct header h;
    int n, r = 0;
    struct pool *pool = u->pool;
    while (!r && (n = gzread(u->in, &h, sizeof(h))) == (int)sizeof(h) && memcmp(&h, &none, sizeof(h)))
        r = take_entry(u, &h);
    u->pool = pool;
    if (!r && n != (int)sizeof(h))
        r = broken(u, u->files || n ? "it ends too early" : "it is empty");
    return r;
}

int tar_unpack(const char *file, const char *dir, int64_t max_bytes, int max_files, int64_t *ret_bytes,
               struct err *err)
{
    struct unpacker u = {.file = file,
                         .pool = pool_create(NULL),
                         .max_bytes = max_bytes,
                         .max_files = max_files,
                         .err = err};
    int r = 0;
    u.dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (u.dir_fd < 0)
        r = err_sys(err, E_IO, "cannot use '%s'", dir);
    else if (!(u.in = gzopen(file, "rb")))
        r = err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot read '%s'", file);
    if (!r)
        r = unpack_all(&u);
    if (u.in)
        gzclose(u.in);
    if (u.dir_fd >= 0)
        close(u.dir_fd);
    *ret_bytes = u.bytes;
    pool_destroy(u.pool);
    return r;
}
