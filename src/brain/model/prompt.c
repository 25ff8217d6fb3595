/*
 * prompt.c - the texts of prompts/: an operator's own file stands before ours, one by one.
 */
#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "brain/model/profile.h"
#include "sys/file.h"

/* Parts that several prompts share: __NAME__ and the file that it is. */
static const struct {
    const char *placeholder, *file;
} parts[] = {{"DUTIES", "duties"}};

static int read_text(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                     const char **out, struct err *err)
{
    const char *own =
        str_empty(dirs->prompts) ? NULL : pool_printf(pool, "%s/%s.txt", dirs->prompts, name);
    const char *ours = pool_printf(pool, "%s/prompts/%s.txt", dirs->share ? dirs->share : "", name);
    char *text;
    size_t len;
    struct err why = {0};
    int r = own ? file_read(pool, own, CAP_PROMPT_BYTES, &text, &len, &why) : E_NOT_FOUND;
    if (r == E_NOT_FOUND)
        r = file_read(pool, ours, CAP_PROMPT_BYTES, &text, &len, &why);
    if (r) /* who asks has looked for something else, and must not take this for its answer */
        return err_set(err, r == E_NOT_FOUND ? E_INTERNAL : r, "prompt '%.60s': %s", name, why.msg);
    if (!str_is_utf8(text, len))
        return err_set(err, E_INVALID, "prompt '%.60s' is not UTF-8 text", name);
    *out = text;
    return 0;
}

/* The placeholder at p, "__NAME__"; its length with the underscores, 0 when there is none. */
static size_t placeholder_at(const char *p)
{
    size_t len = 2;
    if (p[0] != '_' || p[1] != '_' || !isupper((unsigned char)p[2]))
        return 0;
    while (isupper((unsigned char)p[len]) || isdigit((unsigned char)p[len]) ||
           (p[len] == '_' && p[len + 1] != '_'))
        len++;
    return p[len] == '_' && p[len + 1] == '_' ? len + 2 : 0;
}

typedef const char *value_fn(void *arg, const char *name); /* NULL: nothing stands for it */

/* Replace what value knows; *ret_left is the first placeholder it did not, NULL none. */
static const char *replace(struct pool *pool, const char *text, value_fn *value, void *arg,
                           const char **ret_left)
{
    struct buf b;
    buf_init(&b, 4 * CAP_PROMPT_BYTES);
    *ret_left = NULL;
    for (const char *p = text; *p;) {
        size_t len = placeholder_at(p);
        const char *name = len ? pool_strndup(pool, p + 2, len - 4) : NULL;
        const char *with = name ? value(arg, name) : NULL;
        if (name && !with && !*ret_left)
            *ret_left = name;
        if (with)
            buf_adds(&b, with);
        else
            buf_add(&b, p, len ? len : 1);
        p += len ? len : 1;
    }
    const char *out = pool_strndup(pool, b.data, b.len);
    buf_release(&b);
    return out;
}

struct part_reader {
    struct pool *pool;
    const struct profile_dirs *dirs;
    struct err *err;
    int result;
};

static const char *part_value(void *arg, const char *name)
{
    struct part_reader *reader = arg;
    const char *text = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        if (!strcmp(name, parts[i].placeholder) && !reader->result)
            reader->result =
                read_text(reader->pool, reader->dirs, parts[i].file, &text, reader->err);
    return text;
}

int prompt_load(struct pool *pool, const struct profile_dirs *dirs, const char *name,
                struct prompt *out, struct err *err)
{
    struct part_reader reader = {pool, dirs, err, 0};
    struct prompt p = {.name = pool_strdup(pool, name)};
    const char *text, *left;
    if (!id_is_file_name(name))
        return err_set(err, E_INVALID, "'%.60s' is no name of a prompt", name);
    int r = read_text(pool, dirs, name, &text, err);
    if (r)
        return r;
    p.text = replace(pool, text, part_value, &reader, &left);
    if (reader.result)
        return reader.result;
    id_sha1_hex(p.text, strlen(p.text), p.version, sizeof(p.version));
    *out = p;
    return 0;
}

struct values {
    const struct prompt_value *list;
    int n;
};

static const char *listed_value(void *arg, const char *name)
{
    const struct values *values = arg;
    for (int i = 0; i < values->n; i++)
        if (!strcmp(name, values->list[i].name))
            return values->list[i].value;
    return NULL;
}

int prompt_fill(struct pool *pool, const struct prompt *prompt, const struct prompt_value *values,
                int n, const char **out, struct err *err)
{
    struct values list = {values, n};
    const char *left, *text = replace(pool, prompt->text, listed_value, &list, &left);
    if (left)
        return err_set(err, E_INVALID, "prompt '%.60s': nothing stands for __%.60s__", prompt->name,
                       left);
    *out = text;
    return 0;
}
