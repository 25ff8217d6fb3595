#include "run/suite/suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"

#define MOST_FILES 10000 /* looked at: the directory is the site's to fill */

/* What a browser calls a file that is still being written. */
static bool is_partial(const char *name)
{
    return str_ends(name, ".crdownload") || str_ends(name, ".part") || str_ends(name, ".tmp");
}

typedef bool file_fn(void *arg, const char *name, int64_t changed_ns);

/* Until fn says that it is enough. */
static void each_file(struct run *run, file_fn *fn, void *arg)
{
    const char *path = run->config->download_dir;
    DIR *dir = path ? opendir(path) : NULL;
    struct dirent *e;
    struct stat st;
    for (int n = 0; dir && n < MOST_FILES && (e = readdir(dir)); n++) {
        if (*e->d_name == '.' || fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) ||
            !S_ISREG(st.st_mode))
            continue;
        if (fn(arg, e->d_name, (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec))
            break;
    }
    if (dir)
        closedir(dir);
}

static bool note(void *arg, const char *name, int64_t changed_ns)
{
    if (str_is_utf8(name, strlen(name)))
        json_put_int(arg, name, changed_ns);
    return false;
}

struct downloads downloads_now(struct run *run)
{
    struct downloads d = {json_keep(run->step_pool, json_object())};
    each_file(run, note, d.seen);
    return d;
}

struct wanted {
    struct pool *pool;
    const json_t *before;
    const char *glob, *found;
};

static bool is_wanted(void *arg, const char *name, int64_t changed_ns)
{
    struct wanted *w = arg;
    if (is_partial(name) || fnmatch(w->glob, name, 0) ||
        json_integer_value(json_object_get(w->before, name)) == changed_ns)
        return false;
    w->found = pool_strdup(w->pool, name);
    return true;
}

const char *downloads_since(struct run *run, const struct downloads *before, const char *glob)
{
    struct wanted w = {run->step_pool, before->seen, glob, NULL};
    each_file(run, is_wanted, &w);
    return w.found;
}
