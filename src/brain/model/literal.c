#include "brain/model/literal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"

#define DEPTH_MAX 16

struct lit {
    struct pool *pool;
    const char *p;
    int depth;
    bool bare; /* the value just read was a word without quotes */
};

static void skip_space(struct lit *l)
{
    while (isspace((unsigned char)*l->p))
        l->p++;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* --- strings --------------------------------------------------------------------------------- */

static void add_code_point(struct buf *b, unsigned cp)
{
    if (cp == 0 || (cp >= 0xd800 && cp < 0xe000) || cp > 0x10ffff)
        return;
    if (cp < 0x80) {
        buf_addc(b, (char)cp);
        return;
    }
    if (cp < 0x800) {
        buf_addc(b, (char)(0xc0 | cp >> 6));
    } else {
        if (cp < 0x10000) {
            buf_addc(b, (char)(0xe0 | cp >> 12));
        } else {
            buf_addc(b, (char)(0xf0 | cp >> 18));
            buf_addc(b, (char)(0x80 | (cp >> 12 & 0x3f)));
        }
        buf_addc(b, (char)(0x80 | (cp >> 6 & 0x3f)));
    }
    buf_addc(b, (char)(0x80 | (cp & 0x3f)));
}

/* n hex digits at p; -1 when they are not there. */
static int hex(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (!isxdigit((unsigned char)p[i]))
            return -1;
        int c = tolower((unsigned char)p[i]);
        v = v * 16 + (isdigit(c) ? c - '0' : c - 'a' + 10);
    }
    return v;
}

static void read_unicode(struct lit *l, struct buf *b, int digits)
{
    int cp = hex(l->p + 1, digits);
    if (cp < 0) {
        buf_addc(b, '\\');
        return;
    }
    l->p += 1 + digits;
    int low =
        cp >= 0xd800 && cp < 0xdc00 && l->p[0] == '\\' && l->p[1] == 'u' ? hex(l->p + 2, 4) : -1;
    if (low >= 0xdc00 && low < 0xe000) {
        cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
        l->p += 6;
    }
    add_code_point(b, (unsigned)cp);
}

/* Behind a backslash. */
static void read_escape(struct lit *l, struct buf *b)
{
    static const char from[] = "ntrbf\\'\"/", to[] = "\n\t\r\b\f\\'\"/";
    const char *at = *l->p ? strchr(from, *l->p) : NULL;
    if (*l->p == 'u' || *l->p == 'x') {
        read_unicode(l, b, *l->p == 'u' ? 4 : 2);
    } else if (at) {
        buf_addc(b, to[at - from]);
        l->p++;
    } else {
        buf_addc(b, '\\');
    }
}

/* A string can end before what can follow a value. */
static bool can_end(const char *p)
{
    while (isspace((unsigned char)*p))
        p++;
    return !*p || strchr(",)]}:=", *p);
}

static json_t *read_string(struct lit *l)
{
    char quote = *l->p;
    bool triple = l->p[1] == quote && l->p[2] == quote;
    int width = triple ? 3 : 1;
    struct buf b;
    json_t *out = NULL;
    buf_init(&b, CAP_MODEL_TEXT_BYTES);
    for (l->p += width; *l->p;) {
        bool closes = triple ? !strncmp(l->p, (char[]){quote, quote, quote, 0}, 3)
                             : *l->p == quote && can_end(l->p + 1);
        if (closes) {
            l->p += width;
            out = json_keep(l->pool, json_string_safe(b.data));
            break;
        }
        if (*l->p == '\\') {
            l->p++;
            read_escape(l, &b);
        } else {
            buf_addc(&b, *l->p++);
        }
    }
    buf_release(&b);
    return out;
}

/* --- words and numbers ----------------------------------------------------------------------- */

static json_t *number_of(const char *word)
{
    char *end;
    if (!*word || strspn(word, "+-.0123456789eE") != strlen(word))
        return NULL;
    if (strspn(word, "+-0123456789") == strlen(word)) {
        long long v = strtoll(word, &end, 10);
        return *end || end == word ? NULL : json_integer(v);
    }
    double v = strtod(word, &end);
    return *end || end == word || !isfinite(v) ? NULL : json_real(v);
}

static json_t *word_value(struct lit *l, const char *word)
{
    l->bare = false;
    if (str_eq_fold(word, "true") || str_eq_fold(word, "false"))
        return json_boolean(str_eq_fold(word, "true"));
    if (str_eq_fold(word, "none") || str_eq_fold(word, "null"))
        return json_null();
    json_t *number = number_of(word);
    l->bare = !number;
    return number ? number : json_string_safe(word);
}

/* A word without quotes, up to what ends a value, or with key what ends a key. */
static const char *read_word(struct lit *l, bool key)
{
    size_t len = strcspn(l->p, key ? ",)]}\n:= \t" : ",)]}\n"), end = len;
    const char *begin = l->p;
    while (end && isspace((unsigned char)begin[end - 1]))
        end--;
    l->p += len;
    return end ? pool_strndup(l->pool, begin, end) : NULL;
}

/* --- values ---------------------------------------------------------------------------------- */

static json_t *read_value(struct lit *l);

/* Behind a member: true when another may follow. */
static bool read_comma(struct lit *l)
{
    skip_space(l);
    if (*l->p != ',')
        return false;
    l->p++;
    return true;
}

static json_t *read_list(struct lit *l, char close)
{
    json_t *list = json_keep(l->pool, json_array());
    for (l->p++;;) {
        skip_space(l);
        if (*l->p == close)
            break;
        json_t *v = read_value(l);
        if (!v)
            return NULL;
        json_push(list, json_incref(v));
        if (!read_comma(l))
            break;
    }
    skip_space(l);
    if (*l->p != close)
        return NULL;
    l->p++;
    return list;
}

static const char *read_key(struct lit *l)
{
    json_t *quoted = *l->p == '"' || *l->p == '\'' ? read_string(l) : NULL;
    const char *key = quoted ? json_string_value(quoted) : read_word(l, true);
    skip_space(l);
    if (!key || (*l->p != ':' && *l->p != '='))
        return NULL;
    l->p++;
    return key;
}

static json_t *read_dict(struct lit *l)
{
    json_t *dict = json_keep(l->pool, json_object());
    for (l->p++;;) {
        skip_space(l);
        if (*l->p == '}')
            break;
        const char *key = read_key(l);
        json_t *v = key ? read_value(l) : NULL;
        if (!v)
            return NULL;
        json_put(dict, key, json_incref(v));
        if (!read_comma(l))
            break;
    }
    skip_space(l);
    if (*l->p != '}')
        return NULL;
    l->p++;
    return dict;
}

static json_t *read_value(struct lit *l)
{
    json_t *out;
    skip_space(l);
    l->bare = false;
    if (l->depth >= DEPTH_MAX)
        return NULL;
    if (*l->p && strchr("rubRUB", *l->p) && (l->p[1] == '"' || l->p[1] == '\''))
        l->p++;
    l->depth++;
    if (*l->p == '"' || *l->p == '\'') {
        out = read_string(l);
    } else if (*l->p == '{') {
        out = read_dict(l);
    } else if (*l->p == '[' || *l->p == '(') {
        out = read_list(l, *l->p == '[' ? ']' : ')');
    } else {
        const char *word = read_word(l, false);
        out = word ? json_keep(l->pool, word_value(l, word)) : NULL;
    }
    l->depth--;
    return out;
}

const char *literal_value(struct pool *pool, const char *p, json_t **out)
{
    struct lit l = {.pool = pool, .p = p};
    json_t *v = read_value(&l);
    if (!v)
        return NULL;
    *out = v;
    return l.p;
}

/* --- calls ----------------------------------------------------------------------------------- */

/* "name=" or "name:" at p: its length, what follows in *after; 0 when p begins a value. */
static size_t name_of_argument(const char *p, const char **after)
{
    size_t len = 0;
    while (is_word(p[len]))
        len++;
    const char *q = p + len + strspn(p + len, " \t");
    if (!len || isdigit((unsigned char)*p) || (*q != '=' && *q != ':') || q[1] == '=' ||
        q[1] == '/')
        return 0;
    *after = q + 1;
    return len;
}

static bool read_argument(struct lit *l, json_t *positional, json_t *named, bool *bare)
{
    const char *after;
    size_t len = name_of_argument(l->p, &after);
    const char *name = len ? pool_strndup(l->pool, l->p, len) : NULL;
    if (name)
        l->p = after;
    json_t *v = read_value(l);
    if (!v)
        return false;
    if (name) {
        json_put(named, name, json_incref(v));
    } else {
        json_push(positional, json_incref(v));
        *bare |= l->bare;
    }
    return true;
}

/* Behind the "(": up to and with the ")". */
static bool read_arguments(struct lit *l, struct call *out)
{
    json_t *positional = json_keep(l->pool, json_array()),
           *named = json_keep(l->pool, json_object());
    for (;;) {
        skip_space(l);
        if (*l->p == ')')
            break;
        if (!read_argument(l, positional, named, &out->bare))
            return false;
        if (!read_comma(l))
            break;
    }
    skip_space(l);
    if (*l->p != ')')
        return false;
    const json_t *first = json_array_get(positional, 0);
    if (json_array_size(positional) == 1 && json_is_object(first)) {
        json_object_update(named, (json_t *)first);
        json_array_clear(positional);
    }
    out->positional = positional;
    out->named = named;
    out->end = l->p + 1;
    return true;
}

static void read_prefix(struct pool *pool, const char *text, struct call *c)
{
    const char *dot = c->begin;
    c->prefix = "";
    if (dot == text || dot[-1] != '.')
        return;
    const char *p = dot - 1;
    while (p > text && is_word(p[-1]))
        p--;
    c->prefix = pool_strndup(pool, p, (size_t)(dot - 1 - p));
    c->begin = p;
}

bool literal_call(struct pool *pool, const char *text, const char *p, struct call *out)
{
    for (int tries = 0; *p && tries < LITERAL_TRIES;) {
        if (!is_word(*p) || isdigit((unsigned char)*p) || (p > text && is_word(p[-1]))) {
            p++;
            continue;
        }
        size_t len = 0;
        while (is_word(p[len]))
            len++;
        struct lit l = {.pool = pool, .p = p + len + 1};
        struct call c = {.begin = p};
        if (p[len] == '(' && read_arguments(&l, &c)) {
            c.name = pool_strndup(pool, p, len);
            read_prefix(pool, text, &c);
            *out = c;
            return true;
        }
        tries += p[len] == '(';
        p += len;
    }
    return false;
}

/* --- documents ------------------------------------------------------------------------------- */

static json_t *strict(struct pool *pool, const char *p, const char **end)
{
    json_error_t e;
    json_t *v = json_loads(p, JSON_DISABLE_EOF_CHECK, &e);
    if (!v)
        return NULL;
    *end = p + e.position;
    return json_keep(pool, v);
}

const json_t *literal_find(struct pool *pool, const char **p, bool arrays)
{
    const char *at = *p;
    for (int tries = 0; tries < LITERAL_TRIES; tries++) {
        const char *end;
        at += strcspn(at, arrays ? "{[" : "{");
        if (!*at)
            return NULL;
        json_t *v = strict(pool, at, &end);
        if (!v && !(end = literal_value(pool, at, &v)))
            v = NULL;
        if (v) {
            *p = end;
            return v;
        }
        at++;
    }
    return NULL;
}
