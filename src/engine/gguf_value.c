/*
 * gguf_value.c - bytes in order, and the values made of them.
 */
#include <endian.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "engine/gguf_reader.h"

#define SHORT_STRING_BYTES 1024
#define ITEM_BYTES         64  /* of an item of an array as JSON, its text not counted */
#define ARRAY_BYTES        512 /* and of an array in an array */

int gguf_complain(struct gguf_reader *r, int code, const char *fmt, ...)
{
    char text[ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (!r->part)
        return err_set(r->err, code, "'%.200s': %s", r->path, text);
    if (!r->of)
        return err_set(r->err, code, "'%.200s': %s %s", r->path, r->part, text);
    return err_set(r->err, code, "'%.200s': %s %llu of %llu%s%.64s%s %s", r->path, r->part,
                   (unsigned long long)r->index + 1, (unsigned long long)r->of,
                   r->name ? " ('" : "", r->name ? r->name : "", r->name ? "')" : "", text);
}

static int cut_short(struct gguf_reader *r)
{
    return gguf_complain(r, E_INVALID,
                         "is not whole: the file ends at byte %llu. It was cut short: fetch it again",
                         (unsigned long long)r->size);
}

static int next_piece(struct gguf_reader *r)
{
    ssize_t n = pread(r->fd, r->piece, sizeof(r->piece), (off_t)r->at);
    if (n < 0)
        return err_sys(r->err, E_IO, "'%.200s' cannot be read", r->path);
    if (n == 0)
        return cut_short(r);
    r->piece_at = r->at;
    r->piece_len = (size_t)n;
    return 0;
}

int gguf_take(struct gguf_reader *r, void *out, size_t len)
{
    if (len > r->size - r->at)
        return cut_short(r);
    for (size_t done = 0; done < len;) {
        if (r->at < r->piece_at || r->at >= r->piece_at + r->piece_len) {
            int code = next_piece(r);
            if (code)
                return code;
        }
        size_t from = (size_t)(r->at - r->piece_at), n = r->piece_len - from;
        n = n < len - done ? n : len - done;
        memcpy((char *)out + done, r->piece + from, n);
        done += n;
        r->at += n;
    }
    return 0;
}

int gguf_skip(struct gguf_reader *r, uint64_t len)
{
    if (len > r->size - r->at)
        return cut_short(r);
    r->at += len;
    return 0;
}

int gguf_take_u32(struct gguf_reader *r, uint32_t *out)
{
    int code = gguf_take(r, out, sizeof(*out));
    *out = le32toh(*out);
    return code;
}

int gguf_take_u64(struct gguf_reader *r, uint64_t *out)
{
    int code = gguf_take(r, out, sizeof(*out));
    *out = le64toh(*out);
    return code;
}

int gguf_take_name(struct gguf_reader *r, size_t cap, const char *what, const char **out)
{
    uint64_t len = 0;
    int code = gguf_take_u64(r, &len);
    if (code)
        return code;
    if (len == 0)
        return gguf_complain(r, E_INVALID, "has no %s", what);
    if (len > cap)
        return gguf_complain(r, E_TOOBIG, "has a %s of %llu bytes; at most %zu are read", what,
                             (unsigned long long)len, cap);
    char *text = pool_alloc(r->pool, (size_t)len + 1);
    code = gguf_take(r, text, (size_t)len);
    if (!code && strlen(text) != len)
        code = gguf_complain(r, E_INVALID, "has a zero byte in its %s", what);
    *out = text;
    return code;
}

/* Is there room for len bytes of values more? */
static bool may_keep(struct gguf_reader *r, uint64_t len)
{
    if (r->keep == GGUF_KEEP_NONE || (r->keep == GGUF_KEEP_SHORT && len > SHORT_STRING_BYTES) ||
        len > CAP_GGUF_KEPT_BYTES - r->kept)
        return false;
    r->kept += len;
    return true;
}

static json_t *text_value(const char *text, size_t len)
{
    json_t *value = json_stringn(text, len);
    return value ? value : json_string_safe(text);
}

/* *out is NULL when it was not kept. */
static int take_string(struct gguf_reader *r, json_t **out, uint64_t *ret_len)
{
    int code = gguf_take_u64(r, ret_len);
    uint64_t len = *ret_len;
    *out = NULL;
    if (code)
        return code;
    if (len > CAP_GGUF_STRING_BYTES)
        return gguf_complain(r, E_TOOBIG, "holds a string of %llu bytes; at most %u are read",
                             (unsigned long long)len, CAP_GGUF_STRING_BYTES);
    if (len > r->size - r->at)
        return cut_short(r);
    if (!may_keep(r, len))
        return gguf_skip(r, len);
    struct pool *scratch = pool_create(NULL);
    char *text = pool_alloc(scratch, (size_t)len + 1);
    code = gguf_take(r, text, (size_t)len);
    if (!code)
        *out = text_value(text, (size_t)len);
    pool_destroy(scratch);
    return code;
}

/* JSON has no word for these three. */
static json_t *real_value(double d)
{
    if (isfinite(d))
        return json_real(d);
    return json_string(isnan(d) ? "NaN" : d > 0 ? "Infinity" : "-Infinity");
}

/* Nor a whole number above 2^63: it is written as text. */
static json_t *unsigned_value(uint64_t u)
{
    char digits[24];
    if (u <= INT64_MAX)
        return json_integer((json_int_t)u);
    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)u);
    return json_string(digits);
}

static json_t *float_value(uint32_t bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return real_value((double)f);
}

static json_t *double_value(uint64_t bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return real_value(d);
}

/* bits: the value's bytes, the first one lowest. */
static json_t *number_value(enum gguf_value_type type, uint64_t bits)
{
    switch (type) {
    case GGUF_INT8:
        return json_integer((int8_t)bits);
    case GGUF_INT16:
        return json_integer((int16_t)bits);
    case GGUF_INT32:
        return json_integer((int32_t)bits);
    case GGUF_INT64:
        return json_integer((json_int_t)bits);
    case GGUF_FLOAT32:
        return float_value((uint32_t)bits);
    case GGUF_FLOAT64:
        return double_value(bits);
    case GGUF_BOOL:
        return json_boolean(bits);
    default:
        return unsigned_value(bits);
    }
}

static int take_number(struct gguf_reader *r, enum gguf_value_type type, json_t **out)
{
    uint64_t bits = 0;
    int code = gguf_take(r, &bits, gguf_value_type_bytes(type));
    *out = NULL;
    if (code)
        return code;
    bits = le64toh(bits);
    if (type == GGUF_BOOL && bits > 1)
        return gguf_complain(r, E_INVALID, "holds %u where only 0 and 1 are allowed",
                             (unsigned)bits);
    *out = number_value(type, bits);
    return 0;
}

static int take_type(struct gguf_reader *r, enum gguf_value_type *out)
{
    uint32_t id = 0;
    int code = gguf_take_u32(r, &id);
    if (!code && id >= GGUF_VALUE_TYPES)
        code = gguf_complain(r, E_INVALID, "is of type %u, which this format does not have", id);
    *out = (enum gguf_value_type)id;
    return code;
}

static int take_array(struct gguf_reader *r, int depth, json_t *described);

/* One element of an array; *out is NULL when it was not kept. */
static int take_element(struct gguf_reader *r, enum gguf_value_type type, int depth, json_t **out)
{
    uint64_t len;
    if (type == GGUF_STRING)
        return take_string(r, out, &len);
    if (type != GGUF_ARRAY)
        return take_number(r, type, out);
    *out = r->keep == GGUF_KEEP_WHOLE ? json_object() : NULL;
    int code = take_array(r, depth + 1, *out);
    if (code) {
        json_decref(*out);
        *out = NULL;
    }
    return code;
}

static int take_elements(struct gguf_reader *r, enum gguf_value_type type, uint64_t count,
                         int depth, json_t *items)
{
    int code = 0;
    for (uint64_t i = 0; !code && i < count; i++) {
        json_t *item = NULL;
        code = take_element(r, type, depth, &item);
        if (items && item)
            json_push(items, item);
        else
            json_decref(item);
    }
    return code;
}

/* Numbers of a fixed size need not be looked at to be passed over. */
static int pass_elements(struct gguf_reader *r, enum gguf_value_type type, uint64_t count, int depth)
{
    unsigned each = gguf_value_type_bytes(type);
    if (each && type != GGUF_BOOL)
        return gguf_skip(r, count * each);
    enum gguf_keep keep = r->keep;
    r->keep = GGUF_KEEP_NONE;
    int code = take_elements(r, type, count, depth, NULL);
    r->keep = keep;
    return code;
}

static void describe(json_t *described, enum gguf_value_type type, uint64_t count)
{
    if (!described)
        return;
    json_put_str(described, "type", "array");
    json_put_str(described, "of", gguf_value_type_name(type));
    json_put_int(described, "count", (int64_t)count);
}

/* What an array is and, when it is kept, its "value" go into described; NULL: it is only passed over. */
static int take_array(struct gguf_reader *r, int depth, json_t *described)
{
    enum gguf_value_type type;
    uint64_t count = 0;
    int code = take_type(r, &type);
    code = code ? code : gguf_take_u64(r, &count);
    if (code)
        return code;
    if (depth > CAP_GGUF_ARRAY_DEPTH)
        return gguf_complain(r, E_TOOBIG, "holds arrays in each other, more than %d deep",
                             CAP_GGUF_ARRAY_DEPTH);
    if (count > CAP_GGUF_ARRAY_ITEMS)
        return gguf_complain(r, E_TOOBIG, "holds an array of %llu items; at most %u are read",
                             (unsigned long long)count, CAP_GGUF_ARRAY_ITEMS);
    describe(described, type, count);
    unsigned each = type == GGUF_ARRAY ? ARRAY_BYTES : ITEM_BYTES;
    if (r->keep != GGUF_KEEP_WHOLE || !may_keep(r, count * each))
        return pass_elements(r, type, count, depth);
    json_t *items = json_array();
    code = take_elements(r, type, count, depth, items);
    if (!code && json_array_size(items) == count)
        json_put(described, "value", items);
    else
        json_decref(items);
    return code;
}

int gguf_take_value(struct gguf_reader *r, json_t **out)
{
    enum gguf_value_type type;
    json_t *value = NULL, *described = json_object();
    uint64_t len = 0;
    int code = take_type(r, &type);
    if (!code && type == GGUF_ARRAY) {
        code = take_array(r, 1, described);
    } else if (!code) {
        json_put_str(described, "type", gguf_value_type_name(type));
        code = type == GGUF_STRING ? take_string(r, &value, &len) : take_number(r, type, &value);
        if (type == GGUF_STRING)
            json_put_int(described, "bytes", (int64_t)len);
        if (value)
            json_put(described, "value", value);
    }
    if (code)
        json_decref(described);
    else
        *out = described;
    return code;
}
