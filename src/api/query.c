/*
 * query.c - values of the query string, and the answer to one that cannot be read (http-api.md
 * section 1: 422, `detail` is an array).
 */
#include "api/request.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define INPUT_BYTES 200 /* of a bad value that is shown again */

const char *query_get(const struct request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection, MHD_GET_ARGUMENT_KIND, name);
}

int value_refuse(struct request *req, const char *where, const char *name, const char *type,
                 const char *input, struct err *err, const char *fmt, ...)
{
    char text[ERR_MSG_MAX];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    req->bad_value = (struct bad_value){
        .where = where,
        .name = name,
        .type = type,
        .input = pool_printf(req->pool, "%.*s", INPUT_BYTES, input),
    };
    return err_set(err, E_UNPROCESSABLE, "%s", text);
}

/* The rules of json.h, so that a value means the same wherever it stands. */
static const json_t *as_object(struct request *req, const char *name, const char *text)
{
    json_t *object = json_keep(req->pool, json_object());
    json_put(object, name, json_string_safe(text));
    return object;
}

int query_bool(struct request *req, const char *name, bool *out, struct err *err)
{
    const char *text = query_get(req, name);
    if (!text || json_read_bool(as_object(req, name, text), name, out, NULL) == 0)
        return 0;
    return value_refuse(req, "query", name, "bool_parsing", text, err,
                        "'%s' takes true or false, not '%.80s'", name, text);
}

int query_int(struct request *req, const char *name, int64_t min, int64_t max, int64_t *out,
              struct err *err)
{
    const char *text = query_get(req, name);
    int64_t value = 0;
    if (!text)
        return 0;
    if (json_read_int(as_object(req, name, text), name, &value, NULL))
        return value_refuse(req, "query", name, "int_parsing", text, err,
                            "'%s' takes a whole number, not '%.80s'", name, text);
    if (value < min || value > max)
        return value_refuse(req, "query", name,
                            value < min ? "greater_than_equal" : "less_than_equal", text, err,
                            "'%s' must be from %" PRId64 " to %" PRId64, name, min, max);
    *out = value;
    return 0;
}
