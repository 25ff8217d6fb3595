/*
 * One pass over the text, with the sections that are open held by the C stack: render() prints up
 * to the end tag of its own section, or only walks there when it is told to be silent.
 */
#include "site/template.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define NAME_MAX_BYTES 64

struct scope {
    const json_t *value;
    const struct scope *outer;
};

struct render {
    template_load_fn *load;
    void *load_arg;
    struct buf *out;
    struct err *err;
    int depth;
};

struct tag {
    char sigil; /* '#', '^', '/', '>', '!', '{' or 0 */
    char name[NAME_MAX_BYTES];
    const char *begin, *end; /* of the whole tag, braces included */
};

static int bad_tag(struct render *r, const char *at, const char *what)
{
    return err_set(r->err, E_INVALID, "template: %s at '%.40s'", what, at);
}

static int read_tag(struct render *r, const char *begin, struct tag *tag)
{
    const char *p = begin + 2;
    tag->begin = begin;
    tag->sigil = 0;
    if (*p && strchr("#^/>!{", *p))
        tag->sigil = *p++;
    const char *close = strstr(p, tag->sigil == '{' ? "}}}" : "}}");
    if (!close)
        return bad_tag(r, begin, "a tag that does not end");
    tag->end = close + (tag->sigil == '{' ? 3 : 2);
    tag->name[0] = 0;
    if (tag->sigil == '!')
        return 0;
    while (p < close && isspace((unsigned char)*p))
        p++;
    while (close > p && isspace((unsigned char)close[-1]))
        close--;
    if (close == p || close - p >= NAME_MAX_BYTES)
        return bad_tag(r, begin, "a tag without a usable name");
    snprintf(tag->name, sizeof(tag->name), "%.*s", (int)(close - p), p);
    return 0;
}

/* The value of "a.b": a from the innermost scope that has it, b inside it. */
static const json_t *lookup(const struct scope *scope, const char *name)
{
    if (strcmp(name, ".") == 0)
        return scope->value;
    char part[NAME_MAX_BYTES];
    size_t len = strcspn(name, ".");
    snprintf(part, sizeof(part), "%.*s", (int)len, name);
    const json_t *v = NULL;
    for (; scope && !v; scope = scope->outer)
        v = json_object_get(scope->value, part);
    while (v && name[len] == '.') {
        name += len + 1;
        len = strcspn(name, ".");
        snprintf(part, sizeof(part), "%.*s", (int)len, name);
        v = json_object_get(v, part);
    }
    return v;
}

static int print_value(struct render *r, const json_t *v, bool escape)
{
    char number[32];
    const char *s = number;
    if (json_is_string(v))
        s = json_string_value(v);
    else if (json_is_integer(v))
        snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
    else if (json_is_real(v))
        snprintf(number, sizeof(number), "%g", json_real_value(v));
    else
        return 0;
    return escape ? buf_add_html(r->out, s) : buf_adds(r->out, s);
}

static int render(struct render *r, const char **text, const struct scope *scope,
                  const char *section, bool silent);

/* {{#name}} or {{^name}}: *text is behind the tag, and behind the end tag afterwards. */
static int render_section(struct render *r, const char **text, const struct scope *scope,
                          const struct tag *tag, bool silent)
{
    const json_t *v = silent ? NULL : lookup(scope, tag->name);
    bool is_true = json_truthy(v), inverted = tag->sigil == '^';
    if (silent || is_true == inverted)
        return render(r, text, scope, tag->name, true);
    if (inverted || !json_is_array(v)) {
        struct scope inner = {.value = v, .outer = scope};
        return render(r, text, inverted ? scope : &inner, tag->name, false);
    }
    const char *begin = *text;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)v, i, item) {
        struct scope inner = {.value = item, .outer = scope};
        *text = begin;
        int e = render(r, text, &inner, tag->name, false);
        if (e)
            return e;
    }
    return 0;
}

static int render_partial(struct render *r, const struct scope *scope, const char *name)
{
    const char *text = r->load ? r->load(r->load_arg, name) : NULL;
    if (!text)
        return err_set(r->err, E_NOT_FOUND, "template: there is no template '%s'", name);
    return render(r, &text, scope, NULL, false);
}

static int render_tag(struct render *r, const char **text, const struct scope *scope,
                      const struct tag *tag, bool silent)
{
    if (tag->sigil == '#' || tag->sigil == '^')
        return render_section(r, text, scope, tag, silent);
    if (silent || tag->sigil == '!')
        return 0;
    if (tag->sigil == '>')
        return render_partial(r, scope, tag->name);
    return print_value(r, lookup(scope, tag->name), tag->sigil != '{');
}

static int render_inside(struct render *r, const char **text, const struct scope *scope,
                         const char *section, bool silent)
{
    for (;;) {
        const char *open = strstr(*text, "{{");
        if (!silent)
            buf_add(r->out, *text, open ? (size_t)(open - *text) : strlen(*text));
        if (r->out->failed)
            return err_set(r->err, E_TOOBIG, "template: the page is larger than %zu bytes",
                           r->out->cap);
        if (!open)
            return section ? bad_tag(r, section, "a section that does not end") : 0;
        struct tag tag;
        int e = read_tag(r, open, &tag);
        if (e)
            return e;
        *text = tag.end;
        if (tag.sigil == '/') {
            if (section && strcmp(section, tag.name) == 0)
                return 0;
            return bad_tag(r, open, "an end tag of another section");
        }
        e = render_tag(r, text, scope, &tag, silent);
        if (e)
            return e;
    }
}

static int render(struct render *r, const char **text, const struct scope *scope,
                  const char *section, bool silent)
{
    if (r->depth == TEMPLATE_DEPTH)
        return err_set(r->err, E_INVALID, "template: nested more than %d deep", TEMPLATE_DEPTH);
    r->depth++;
    int e = render_inside(r, text, scope, section, silent);
    r->depth--;
    return e;
}

int template_render(const char *text, const json_t *view, template_load_fn *load, void *load_arg,
                    struct buf *out, struct err *err)
{
    struct render r = {.load = load, .load_arg = load_arg, .out = out, .err = err};
    struct scope scope = {.value = view};
    return render(&r, &text, &scope, NULL, false);
}
