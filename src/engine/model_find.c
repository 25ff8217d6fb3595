#include "engine/model_find.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/str.h"
#include "engine/model_check.h"
#include "sys/input.h"

/* What is looked through, and the best file so far. */
struct search {
    struct pool *pool;
    const char *dir;
    const char *weights, *projector; /* names in dir; NULL none */
    const char *later_part;          /* a part of a split file that is not the first */
};

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* The better quantisation has the lower rank. */
static int rank(const char *name)
{
    return str_contains_fold(name, "q8_0") ? 0 : str_contains_fold(name, "q4_k_m") ? 1 : 2;
}

static bool better_weights(struct pool *pool, const char *a, const char *b)
{
    if (rank(a) != rank(b))
        return rank(a) < rank(b);
    int order = strcmp(str_lower(pool, a), str_lower(pool, b));
    return order < 0 || (order == 0 && strcmp(a, b) < 0);
}

static void consider(struct search *s, const char *name)
{
    int no, count;
    if (!str_ends(name, ".gguf") || !is_file(pool_printf(s->pool, "%s/%s", s->dir, name)))
        return;
    bool later = gguf_part_name(name, &no, &count) && no > 1;
    const char *kept = pool_strdup(s->pool, name);
    if (str_contains_fold(name, "mmproj")) {
        if (!later && (!s->projector || strcmp(name, s->projector) < 0))
            s->projector = kept;
    } else if (later) {
        s->later_part = kept;
    } else if (!s->weights || better_weights(s->pool, name, s->weights)) {
        s->weights = kept;
    }
}

static int look_through(struct search *s, const char *variable, struct err *err)
{
    DIR *dir = opendir(s->dir);
    if (!dir)
        return errno == ENOENT
                   ? err_set(err, E_NOT_FOUND,
                             "%s: there is no directory '%.200s': mount the model there, or say "
                             "where it is",
                             variable, s->dir)
                   : err_sys(err, E_IO, "%s: '%.200s' cannot be looked through", variable, s->dir);
    for (struct dirent *entry; (entry = readdir(dir));)
        consider(s, entry->d_name);
    closedir(dir);
    return 0;
}

/* The path as it stands, else in dir. */
static int find_named(struct pool *pool, const char *variable, const char *dir, const char *value,
                      struct model_file *out, struct err *err)
{
    const char *inside = pool_printf(pool, "%s/%s", dir, value);
    const char *found = is_file(value) ? value : is_file(inside) ? inside : NULL;
    if (!found)
        return err_set(err, E_NOT_FOUND, "%s: there is no file '%.150s', nor '%.200s'", variable,
                       value, inside);
    *out = (struct model_file){.path = input_absolute(pool, found), .variable = variable};
    return 0;
}

static int no_weights(const struct search *s, const char *base, struct err *err)
{
    if (s->later_part)
        return err_set(err, E_NOT_FOUND,
                       "MANTIS_%s_MODEL_DIR: '%.200s' has '%.100s', but not the first part of that "
                       "model: fetch all parts",
                       base, s->dir, s->later_part);
    return err_set(err, E_NOT_FOUND,
                   "MANTIS_%s_MODEL_DIR: there is no model in '%.200s': it needs a .gguf file that "
                   "is no mmproj, or MANTIS_%s_GGUF",
                   base, s->dir, base);
}

static int no_projector(const struct search *s, const char *base, struct err *err)
{
    return err_set(err, E_NOT_FOUND,
                   "MANTIS_%s_MMPROJ: there is no *mmproj*.gguf in '%.200s': without its projector "
                   "the model sees no screen; put it there, or say where it is",
                   base, s->dir);
}

static struct model_file file_in(struct search *s, const char *name, const char *variable)
{
    const char *path = pool_printf(s->pool, "%s/%s", s->dir, name);
    return (struct model_file){.path = input_absolute(s->pool, path), .variable = variable};
}

int model_files_find(struct pool *pool, const char *base, const struct settings_weights *where,
               struct model_files *out, struct err *err)
{
    struct search s = {.pool = pool, .dir = where->dir};
    struct model_files found = {0};
    const char *dir_variable = pool_printf(pool, "MANTIS_%s_MODEL_DIR", base);
    int r = 0;
    if (!*where->gguf || !*where->mmproj)
        r = look_through(&s, dir_variable, err);
    if (!r && *where->gguf)
        r = find_named(pool, pool_printf(pool, "MANTIS_%s_GGUF", base), s.dir, where->gguf,
                       &found.weights, err);
    else if (!r && s.weights)
        found.weights = file_in(&s, s.weights, dir_variable);
    else if (!r)
        r = no_weights(&s, base, err);
    if (!r && *where->mmproj)
        r = find_named(pool, pool_printf(pool, "MANTIS_%s_MMPROJ", base), s.dir, where->mmproj,
                       &found.projector, err);
    else if (!r && s.projector)
        found.projector = file_in(&s, s.projector, dir_variable);
    else if (!r)
        r = no_projector(&s, base, err);
    if (!r)
        *out = found;
    return r;
}
