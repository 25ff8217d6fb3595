#include "base/json.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_NAMED 60     /* bytes of a field's name in a message */
#define MAX_WHOLE 9.0e15 /* doubles tell whole numbers apart up to 2^53 */

/* jansson's own ceiling is 2048 levels at compile time; ours is lower, so count before parsing. */
static bool too_deep(const char *text, size_t len)
{
    int depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > CAP_JSON_DEPTH)
                return true;
        } else if (c == ']' || c == '}') {
            depth--;
        }
    }
    return false;
}

/* jansson's own text quotes what stands near the fault, which may be a password. */
static const char *reason_of(const json_error_t *je)
{
    switch (json_error_code(je)) {
    case json_error_duplicate_key:
        return ": a key stands twice in one object";
    case json_error_premature_end_of_input:
        return ": it ends too early";
    case json_error_end_of_input_expected:
        return ": something stands after its end";
    case json_error_invalid_utf8:
        return ": that is not UTF-8";
    case json_error_null_character:
        return ": a NUL character stands in a string";
    case json_error_numeric_overflow:
        return ": that number is too large";
    default:
        return "";
    }
}

struct span {
    const char *at;
    size_t len;
};

/* The end of the string that begins at text[i]. */
static size_t string_end(const char *text, size_t len, size_t i)
{
    for (i++; i < len && text[i] != '"'; i++)
        i += text[i] == '\\';
    return i;
}

static bool is_key(const char *text, size_t len, size_t end)
{
    size_t i = end + 1;
    while (i < len && strchr(" \t\r\n", text[i]))
        i++;
    return i < len && text[i] == ':';
}

/* The key whose value stands before `end`, in text that was read up to there. Empty: none. */
static struct span key_before(const char *text, size_t len, size_t end)
{
    struct span keys[CAP_JSON_DEPTH + 2] = {{0}}, none = {0};
    int depth = 0;
    for (size_t i = 0; i < len && i < end; i++) {
        size_t start = i;
        if (text[i] == '"') {
            i = string_end(text, len, i);
            if (is_key(text, len, i))
                keys[depth] = (struct span){text + start + 1, i - start - 1};
        } else if (text[i] == '{' || text[i] == '[') {
            keys[++depth] = none;
        } else if ((text[i] == '}' || text[i] == ']') && depth) {
            depth--;
        }
    }
    while (depth && !keys[depth].len)
        depth--;
    return keys[depth];
}

static int refuse(const char *text, size_t len, const char *what, bool named,
                  const json_error_t *je, struct err *err)
{
    struct span key = {0};
    if (named && json_error_code(je) == json_error_numeric_overflow)
        key = key_before(text, len, (size_t)je->position);
    if (key.len)
        return err_set(err, E_INVALID, "%s: '%.*s' is too large", what,
                       key.len < MAX_NAMED ? (int)key.len : MAX_NAMED, key.at);
    return err_set(err, E_INVALID, "%s is not valid JSON: line %d column %d%s", what, je->line,
                   je->column, reason_of(je));
}

static int parse(const char *text, size_t len, const char *what, bool named, json_t **out,
                 struct err *err)
{
    if (too_deep(text, len))
        return err_set(err, E_INVALID, "%s: JSON is nested deeper than %d levels", what,
                       CAP_JSON_DEPTH);
    json_error_t je;
    json_t *value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &je);
    if (!value)
        return refuse(text, len, what, named, &je, err);
    *out = value;
    return 0;
}

int json_parse(const char *text, size_t len, const char *what, json_t **out, struct err *err)
{
    return parse(text, len, what, false, out, err);
}

int json_parse_named(const char *text, size_t len, const char *what, json_t **out, struct err *err)
{
    return parse(text, len, what, true, out, err);
}

int json_parse_file(const char *path, json_t **out, struct err *err)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO, "cannot open '%s'", path);
    struct buf b;
    buf_init(&b, CAP_PLAN_FILE_BYTES);
    char chunk[16384];
    size_t n;
    int r = 0;
    while (!r && (n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        r = buf_add(&b, chunk, n);
    if (r)
        r = err_set(err, r, "'%s' is larger than %u bytes", path, CAP_PLAN_FILE_BYTES);
    else if (ferror(f))
        r = err_sys(err, E_IO, "cannot read '%s'", path);
    else
        r = json_parse(b.data, b.len, path, out, err);
    fclose(f);
    buf_release(&b);
    return r;
}

static void free_text(void *p)
{
    free(p);
}

static char *dump(struct pool *pool, const json_t *value, size_t flags)
{
    char *text = json_dumps(value, flags | JSON_ENCODE_ANY);
    if (!text)
        BUG("cannot print JSON");
    pool_defer(pool, free_text, text);
    return text;
}

char *json_text(struct pool *pool, const json_t *value)
{
    return dump(pool, value, JSON_FOR_CALLERS);
}

const char *json_as_text(struct pool *pool, const json_t *value)
{
    if (json_is_string(value))
        return json_string_value(value);
    return !value || json_is_null(value) ? "" : json_text(pool, value);
}

bool json_holds(const json_t *array, const char *text)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)array, i, v)
        if (json_is_string(v) && strcmp(json_string_value(v), text) == 0)
            return true;
    return false;
}

char *json_pretty(struct pool *pool, const json_t *value)
{
    return pool_printf(pool, "%s\n", dump(pool, value, JSON_INDENT(2) | JSON_REAL_DIGITS));
}

/* jansson prints upper-case \uXXXX and leaves DEL alone; the canonical form wants lower case and
 * DEL escaped. Inside its ASCII output a backslash always starts an escape, so one pass is enough.
 */
char *json_canonical(struct pool *pool, const json_t *value)
{
    const char *in = dump(pool, value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENSURE_ASCII);
    char *out = pool_alloc(pool, strlen(in) * 6 + 1);
    char *p = out;
    while (*in) {
        if (*in == 0x7f) {
            memcpy(p, "\\u007f", 6);
            p += 6;
            in++;
        } else if (in[0] == '\\' && in[1] == 'u') {
            *p++ = *in++;
            *p++ = *in++;
            for (int i = 0; i < 4 && *in; i++, in++)
                *p++ = (char)(*in >= 'A' && *in <= 'F' ? *in + 32 : *in);
        } else if (in[0] == '\\' && in[1]) {
            *p++ = *in++;
            *p++ = *in++;
        } else {
            *p++ = *in++;
        }
    }
    *p = 0;
    return out;
}

static void decref_hook(void *p)
{
    json_decref(p);
}

json_t *json_keep(struct pool *pool, json_t *value)
{
    pool_defer(pool, decref_hook, value);
    return value;
}

static json_t *present(const json_t *obj, const char *key)
{
    json_t *v = json_object_get(obj, key);
    return json_is_null(v) ? NULL : v;
}

int json_read_bool(const json_t *obj, const char *key, bool *out, struct err *err)
{
    json_t *v = present(obj, key);
    if (!v)
        return 0;
    if (json_is_boolean(v)) {
        *out = json_is_true(v);
        return 0;
    }
    if (json_is_number(v) && (json_number_value(v) == 0 || json_number_value(v) == 1)) {
        *out = json_number_value(v) == 1;
        return 0;
    }
    int word = json_is_string(v) ? str_switch(json_string_value(v)) : -1;
    if (word < 0)
        return err_set(err, E_INVALID, "'%s' must be true or false", key);
    *out = word == 1;
    return 0;
}

int json_read_number(const json_t *obj, const char *key, double *out, struct err *err)
{
    json_t *v = present(obj, key);
    if (!v)
        return 0;
    if (json_is_number(v)) {
        *out = json_number_value(v);
        return 0;
    }
    if (json_is_string(v) && !str_empty(json_string_value(v))) {
        const char *text = json_string_value(v);
        char *end;
        double d = strtod(text, &end);
        if (!text[strspn(text, "0123456789+-.eE \t\r\n")] && str_empty(end) && isfinite(d)) {
            *out = d;
            return 0;
        }
    }
    return err_set(err, E_INVALID, "'%s' must be a number", key);
}

int json_read_int(const json_t *obj, const char *key, int64_t *out, struct err *err)
{
    double d = 0;
    json_t *v = present(obj, key);
    if (!v)
        return 0;
    if (json_is_integer(v)) {
        *out = json_integer_value(v);
        return 0;
    }
    int r = json_read_number(obj, key, &d, err);
    if (!r && fabs(d) > MAX_WHOLE)
        return err_set(err, E_INVALID, "'%s' is too large", key);
    if (r || d != floor(d))
        return err_set(err, E_INVALID, "'%s' must be a whole number", key);
    *out = (int64_t)d;
    return 0;
}

int json_read_string(const json_t *obj, const char *key, const char **out, struct err *err)
{
    json_t *v = present(obj, key);
    if (!v)
        return 0;
    if (!json_is_string(v))
        return err_set(err, E_INVALID, "'%s' must be a string", key);
    *out = json_string_value(v);
    return 0;
}

const char *json_str(const json_t *obj, const char *key, const char *def)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s ? s : def;
}

int64_t json_int(const json_t *obj, const char *key, int64_t def)
{
    json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? (int64_t)json_number_value(v) : def;
}

double json_num(const json_t *obj, const char *key, double def)
{
    json_t *v = json_object_get(obj, key);
    return json_is_number(v) ? json_number_value(v) : def;
}

bool json_flag(const json_t *obj, const char *key, bool def)
{
    json_t *v = json_object_get(obj, key);
    return json_is_boolean(v) ? json_is_true(v) : def;
}

bool json_truthy(const json_t *value)
{
    if (json_is_number(value))
        return json_number_value(value) != 0;
    if (json_is_string(value))
        return json_string_length(value) > 0;
    if (json_is_array(value))
        return json_array_size(value) > 0;
    if (json_is_object(value))
        return json_object_size(value) > 0;
    return json_is_true(value);
}

void json_put(json_t *obj, const char *key, json_t *value)
{
    if (json_object_set_new(obj, key, value ? value : json_null()))
        BUG("cannot set JSON key '%s'", key);
}

void json_put_str(json_t *obj, const char *key, const char *value)
{
    json_put(obj, key, value ? json_string_safe(value) : json_null());
}

void json_put_int(json_t *obj, const char *key, int64_t value)
{
    json_put(obj, key, json_integer(value));
}

void json_put_num(json_t *obj, const char *key, double value)
{
    json_put(obj, key, isfinite(value) ? json_real(value) : json_null());
}

void json_put_bool(json_t *obj, const char *key, bool value)
{
    json_put(obj, key, json_boolean(value));
}

void json_push(json_t *array, json_t *value)
{
    if (json_array_append_new(array, value))
        BUG("cannot append to a JSON array");
}

json_t *json_string_safe(const char *s)
{
    json_t *v = json_string(s);
    if (v)
        return v;
    struct buf b;
    buf_init(&b, SIZE_MAX / 4);
    for (const char *p = s; *p;) {
        size_t len = 1;
        while (len < 4 && p[len] && ((unsigned char)p[len] & 0xC0) == 0x80)
            len++;
        if (str_is_utf8(p, len)) {
            buf_add(&b, p, len);
            p += len;
        } else {
            buf_adds(&b, "\xEF\xBF\xBD");
            p++;
        }
    }
    v = json_string(b.data);
    buf_release(&b);
    if (!v)
        BUG("cannot make a JSON string");
    return v;
}

json_t *json_texts(const char *const *list)
{
    json_t *out = json_array();
    for (; *list; list++)
        json_push(out, json_string_safe(*list));
    return out;
}
