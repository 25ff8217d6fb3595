/*
 * keep.c - answers as files, <dir>/decomposed_<hash>.json. They hold what the text says, passwords
 * included, so nobody else may read them; there are at most CAP_PLAN_CACHE_FILES in one directory.
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "author/question.h"
#include "base/caps.h"
#include "base/log.h"
#include "base/str.h"
#include "sys/file.h"

#define LOGGER "mantis.author"
#define PREFIX "decomposed_"
#define SUFFIX ".json"

static char *path_of(struct pool *pool, const char *dir, const char *hash)
{
    return pool_printf(pool, "%s/" PREFIX "%s" SUFFIX, dir, hash);
}

int keep_read(struct pool *pool, const char *dir, const char *hash, json_t **out, struct err *err)
{
    const char *path = path_of(pool, dir, hash);
    char *text;
    size_t len;
    struct err why = {0};
    json_t *document = NULL;
    int r = file_read(pool, path, CAP_PLAN_ANSWER_BYTES, &text, &len, &why);
    if (!r)
        r = json_parse(text, len, path, &document, &why);
    if (r && r != E_NOT_FOUND)
        log_warning(LOGGER, NULL, "a kept plan is asked for again: %s", why.msg);
    if (r)
        return err_set(err, E_NOT_FOUND, "no plan is kept for this text");
    *out = json_keep(pool, document);
    return 0;
}

struct oldest {
    int n;
    int64_t at_ns;
    char name[NAME_MAX + 1];
};

static void look_at(int dir_fd, const char *name, struct oldest *o)
{
    struct stat st;
    if (!str_starts(name, PREFIX) || !str_ends(name, SUFFIX) ||
        fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW))
        return;
    int64_t at_ns = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
    if (!o->n++ || at_ns < o->at_ns) {
        o->at_ns = at_ns;
        snprintf(o->name, sizeof(o->name), "%s", name);
    }
}

/* One comes, so one goes. */
static void make_room(const char *dir)
{
    struct oldest oldest = {0};
    DIR *d = opendir(dir);
    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));)
        look_at(dirfd(d), e->d_name, &oldest);
    if (oldest.n >= CAP_PLAN_CACHE_FILES && unlinkat(dirfd(d), oldest.name, 0))
        log_warning(LOGGER, NULL, "cannot remove the oldest of %d kept plans in '%s'", oldest.n,
                    dir);
    closedir(d);
}

void keep_write(const char *dir, const char *hash, const json_t *document)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    const char *text = json_text(pool, document);
    int r = file_mkdirs(dir, 0700, &err);
    if (!r) {
        make_room(dir);
        r = file_write_soon(path_of(pool, dir, hash), text, strlen(text), 0600, &err);
    }
    if (r)
        log_warning(LOGGER, NULL, "a plan is not kept: %s", err.msg);
    pool_destroy(pool);
}
