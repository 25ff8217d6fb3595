#include "gate/tree.h"

#include <errno.h>
#include <fts.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/caps.h"
#include "base/str.h"
#include "sys/file.h"

/* --- listing ----------------------------------------------------------------------------------- */

static int by_name(const FTSENT **a, const FTSENT **b)
{
    return strcmp((*a)->fts_name, (*b)->fts_name);
}

/* What the walk found; grows by doubling, the old lists stay in the pool. */
struct found {
    struct pool *pool;
    const char **files;
    int n, size;
};

static void add(struct found *f, const char *file)
{
    if (f->n == f->size) {
        const char **old = f->files;
        f->size = f->size ? 2 * f->size : 64;
        f->files = pool_alloc(f->pool, (size_t)f->size * sizeof(*f->files));
        if (f->n)
            memcpy(f->files, old, (size_t)f->n * sizeof(*f->files));
    }
    f->files[f->n++] = pool_strdup(f->pool, file);
}

static void walk(FTS *fts, size_t root_len, struct found *f)
{
    for (FTSENT *e; (e = fts_read(fts));) {
        bool hidden = e->fts_level > 0 && e->fts_name[0] == '.';
        if (hidden && e->fts_info == FTS_D)
            fts_set(fts, e, FTS_SKIP);
        if (e->fts_info == FTS_F && !hidden && str_ends(e->fts_name, ".json"))
            add(f, e->fts_path + root_len + strspn(e->fts_path + root_len, "/"));
    }
}

static int list_dir(struct pool *pool, const char *path, struct tree *out, struct err *err)
{
    char *roots[] = {pool_strdup(pool, path), NULL};
    struct found f = {.pool = pool};
    FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
    if (!fts)
        return err_sys(err, E_IO, "cannot read directory '%s'", path);
    walk(fts, strlen(path), &f);
    fts_close(fts);
    out->files = f.files;
    out->n = f.n;
    return 0;
}

int tree_list(struct pool *pool, const char *path, struct tree *out, struct err *err)
{
    struct stat st;
    *out = (struct tree){.root = path};
    if (stat(path, &st))
        return err_set(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot read '%s': %s", path,
                       strerror(errno));
    out->is_dir = S_ISDIR(st.st_mode);
    if (out->is_dir)
        return list_dir(pool, path, out, err);
    const char **one = pool_alloc(pool, sizeof(*one));
    *one = basename(pool_strdup(pool, path));
    out->files = one;
    out->n = 1;
    return 0;
}

const char *tree_path(struct pool *pool, const struct tree *tree, int i)
{
    return tree->is_dir ? pool_printf(pool, "%s/%s", tree->root, tree->files[i]) : tree->root;
}

/* --- files ------------------------------------------------------------------------------------- */

int tree_read(const char *path, json_t **out, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    char *data;
    size_t len;
    int r = file_read(pool, path, CAP_TRACE_FILE_BYTES, &data, &len, err);
    if (!r)
        r = json_parse(data, len, path, out, err);
    pool_destroy(pool);
    return r;
}

/* The part of it that exists, without links, and the rest as it is. */
static const char *real(struct pool *pool, const char *path)
{
    char buf[PATH_MAX];
    if (realpath(path, buf))
        return pool_strdup(pool, buf);
    const char *parent = dirname(pool_strdup(pool, path));
    const char *name = basename(pool_strdup(pool, path));
    if (!strcmp(parent, path))
        return path;
    return pool_printf(pool, "%s/%s", real(pool, parent), name);
}

bool tree_holds(struct pool *pool, const char *dir, const char *path)
{
    const char *above = real(pool, dir), *below = real(pool, path);
    size_t n = strlen(above);
    return !strncmp(above, below, n) && (!below[n] || below[n] == '/' || !strcmp(above, "/"));
}

bool tree_is_below(const char *path)
{
    for (const char *p = path; *p; p += *p == '/') {
        size_t n = strcspn(p, "/");
        if (n == 0 || (n == 2 && !strncmp(p, "..", 2)))
            return false;
        p += n;
    }
    return *path != 0;
}
