#include "plan/document.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "plan/intake.h"
#include "sys/file.h"

#define ENV_URL "{{ENV_URL}}"

int document_parse(struct pool *pool, const char *text, const char *what, const json_t **out,
                   struct err *err)
{
    json_t *value;
    int r = json_parse_named(text, strlen(text), what, &value, err);
    if (!r)
        *out = json_keep(pool, value);
    return r;
}

/* True when path stays in root by its words alone; links are looked at later. */
static bool stays_inside(const char *path)
{
    if (*path == '/')
        return false;
    for (const char *p = path; *p;) {
        size_t len = strcspn(p, "/");
        if (len == 2 && strncmp(p, "..", 2) == 0)
            return false;
        p += len + strspn(p + len, "/");
    }
    return true;
}

/* 0, E_NOT_FOUND, or E_INVALID for a link that leads out. */
static int resolve_below(struct pool *pool, const char *real_root, const char *path, char **out)
{
    struct stat st;
    char *real = realpath(pool_printf(pool, "%s/%s", real_root, path), NULL);
    if (!real)
        return E_NOT_FOUND;
    char *found = pool_strdup(pool, real);
    free(real);
    size_t len = strlen(real_root);
    while (len > 1 && real_root[len - 1] == '/')
        len--;
    bool inside = strncmp(found, real_root, len) == 0 && (found[len] == '/' || len == 1);
    if (!inside)
        return E_INVALID;
    if (stat(found, &st) || !S_ISREG(st.st_mode))
        return E_NOT_FOUND;
    *out = found;
    return 0;
}

int intake_resolve_path(struct pool *pool, const char *root, const char *path, char **out,
                        struct err *err)
{
    if (!root || !*root)
        return err_set(err, E_INVALID,
                       "plan paths cannot be used here; send the plan itself ('%.200s')", path);
    if (!stays_inside(path))
        return err_set(err, E_INVALID,
                       "plan path '%.200s' must be relative and stay inside the plan folder", path);
    char *real_root = realpath(root, NULL);
    if (!real_root)
        return err_set(err, E_NOT_FOUND,
                       "there is no plan file '%.200s': this server has no plan folder", path);
    int r = resolve_below(pool, real_root, path, out);
    if (r == E_NOT_FOUND && str_starts(path, "plans/"))
        r = resolve_below(pool, real_root, path + strlen("plans/"), out);
    free(real_root);
    if (r == E_INVALID)
        return err_set(err, r, "plan path '%.200s' leads out of the plan folder", path);
    if (r)
        return err_set(err, r, "there is no plan file '%.200s'", path);
    return 0;
}

const char *intake_label(struct pool *pool, const char *path)
{
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path,
               *dot = strrchr(base, '.');
    return pool_strndup(pool, base, dot && dot > base ? (size_t)(dot - base) : strlen(base));
}

static int read_file(struct pool *pool, const char *root, const char *path, char **out,
                     size_t *ret_len, struct err *err)
{
    char *real;
    struct err why = {0};
    int r = intake_resolve_path(pool, root, path, &real, err);
    if (r)
        return r;
    r = file_read(pool, real, CAP_PLAN_FILE_BYTES, out, ret_len, &why);
    if (r)
        return err_set(err, r, "plan file '%.200s' cannot be read: %s", path,
                       r == E_TOOBIG ? "it is too large" : err_name(r));
    return 0;
}

int document_load_prose(struct pool *pool, const char *root, const char *path, const char **out,
                        const char **ret_name, struct err *err)
{
    char *text = NULL;
    size_t len = 0;
    int r = read_file(pool, root, path, &text, &len, err);
    if (r)
        return r;
    if (!str_is_utf8(text, len))
        return err_set(err, E_INVALID, "plan file '%.200s' is not text", path);
    *out = text;
    *ret_name = intake_label(pool, path);
    return 0;
}

int document_load(struct pool *pool, const char *root, const char *path, const json_t **out,
                  const char **ret_name, struct err *err)
{
    char *text;
    size_t len;
    json_t *value;
    int r = read_file(pool, root, path, &text, &len, err);
    if (r)
        return r;
    const char *what = pool_printf(pool, "plan file '%.200s'", path);
    r = json_parse(text, len, what, &value, err);
    /* The parser quotes what it stumbles over; only a plan's own text may be quoted to a caller. */
    if (r && !str_ends(path, ".json"))
        return err_set(err, r, "%s is not valid JSON", what);
    if (r)
        return r;
    *out = json_keep(pool, value);
    *ret_name = intake_label(pool, path);
    return 0;
}

static json_t *replace_in_text(const char *text, const char *url)
{
    struct buf b;
    buf_init(&b, SIZE_MAX / 4);
    for (const char *at; (at = strstr(text, ENV_URL)); text = at + strlen(ENV_URL)) {
        buf_add(&b, text, (size_t)(at - text));
        buf_adds(&b, url);
    }
    buf_adds(&b, text);
    json_t *value = json_string_safe(b.data);
    buf_release(&b);
    return value;
}

/* New reference. *used is set where the placeholder stands. */
static json_t *replaced(const json_t *value, const char *url, bool *used)
{
    size_t i;
    const char *key;
    json_t *child, *copy;
    if (json_is_string(value) && strstr(json_string_value(value), ENV_URL)) {
        *used = true;
        return replace_in_text(json_string_value(value), url);
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach ((json_t *)value, i, child)
            json_push(copy, replaced(child, url, used));
        return copy;
    }
    if (json_is_object(value)) {
        copy = json_object();
        json_object_foreach ((json_t *)value, key, child)
            json_put(copy, key, replaced(child, url, used));
        return copy;
    }
    return json_incref((json_t *)value);
}

int document_with_env(struct pool *pool, const json_t *source, const char *env_url, json_t **out,
                      struct err *err)
{
    bool used = false;
    size_t len = env_url ? strlen(env_url) : 0;
    while (len && env_url[len - 1] == '/')
        len--;
    *out =
        json_keep(pool, replaced(source, pool_strndup(pool, env_url ? env_url : "", len), &used));
    if (used && !len)
        return err_set(err, E_INVALID, "the plan uses {{ENV_URL}}, but MANTIS_ENV_URL is not set");
    return 0;
}
