/*
 * model_fit.c - does an answer fit what was asked for? Models write 640 as "640" and false as "no":
 * what is meant is taken, what is missing or something else is said.
 */
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/reading.h"
#include "reader/model_reader.h"

typedef int fit_fn(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                   json_t **out, struct err *err);

static fit_fn fit;

static int wrong(struct err *err, const char *at, const char *what)
{
    return err_set(err, E_INVALID, "%.80s must be %.200s", at, what);
}

/* --- one value ------------------------------------------------------------------------------- */

static bool in_enum(const json_t *choices, const char *said, json_t **out)
{
    size_t i;
    json_t *v;
    json_array_foreach ((json_t *)choices, i, v)
        if (str_eq_fold(json_string_value(v), said)) {
            *out = json_incref(v);
            return true;
        }
    return false;
}

/* A whole number without ".0", a truth as a word. */
static const char *scalar_text(struct pool *pool, const json_t *v)
{
    double n = json_number_value(v);
    if (json_is_boolean(v))
        return json_is_true(v) ? "true" : "false";
    if (json_is_real(v) && n == trunc(n) && fabs(n) < 1e15)
        return pool_printf(pool, "%.0f", n);
    return argument_text(pool, v);
}

static int fit_string(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                      json_t **out, struct err *err)
{
    const json_t *choices = json_object_get(schema, "enum");
    const char *text = scalar_text(pool, value);
    if (!text)
        return wrong(err, at, "a text");
    if (!choices)
        *out = json_string_safe(text);
    else if (!in_enum(choices, str_squash(pool, text), out))
        return wrong(err, at,
                     pool_printf(pool, "one of %.160s", json_text(pool, (json_t *)choices)));
    return 0;
}

static int fit_number(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                      json_t **out, struct err *err)
{
    double n;
    bool decimal;
    if (!argument_number(value, &n, &decimal))
        return wrong(err, at, "a number");
    *out = decimal || fabs(n) > INT_MAX ? json_real(n) : json_integer((json_int_t)n);
    return 0;
}

static int fit_boolean(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                       json_t **out, struct err *err)
{
    bool known, truth = argument_truth(value, &known);
    if (!known)
        return wrong(err, at, "true or false");
    *out = json_boolean(truth);
    return 0;
}

/* --- values in values ------------------------------------------------------------------------ */

static int fit_array(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                     json_t **out, struct err *err)
{
    const json_t *items = json_object_get(schema, "items");
    size_t max = (size_t)json_int(schema, "maxItems", INT_MAX), i;
    json_t *one, *fitted, *list = json_array();
    if (!json_is_array(value)) {
        json_decref(list);
        return wrong(err, at, "a list");
    }
    json_array_foreach ((json_t *)value, i, one) {
        if (i >= max)
            break;
        int r = fit(pool, items, one, pool_printf(pool, "%s[%zu]", at, i), &fitted, err);
        if (r) {
            json_decref(list);
            return r;
        }
        json_push(list, fitted);
    }
    *out = list;
    return 0;
}

static bool is_required(const json_t *schema, const char *name)
{
    return json_holds(json_object_get(schema, "required"), name);
}

static int fit_property(struct pool *pool, const json_t *schema, const char *name,
                        const json_t *kind, const json_t *value, json_t *to, struct err *err)
{
    const json_t *v = json_object_get(value, name);
    json_t *fitted;
    if (v && !json_is_null(v)) {
        int r = fit(pool, kind, v, pool_printf(pool, "'%s'", name), &fitted, err);
        if (r && is_required(schema, name))
            return r;
        if (!r)
            json_put(to, name, fitted);
        return 0;
    }
    return is_required(schema, name) ? err_set(err, E_INVALID, "'%.80s' is missing", name) : 0;
}

/* What is not required and does not fit is left out. */
static int fit_object(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
                      json_t **out, struct err *err)
{
    const char *name;
    json_t *kind, *object = json_object();
    int r = json_is_object(value) ? 0 : wrong(err, at, "an object");
    json_object_foreach (json_object_get(schema, "properties"), name, kind)
        r = r ? r : fit_property(pool, schema, name, kind, value, object, err);
    if (r)
        json_decref(object);
    else
        *out = object;
    return r;
}

static const struct {
    const char *type;
    fit_fn *fit;
} types[] = {{"object", fit_object},  {"array", fit_array},   {"string", fit_string},
             {"integer", fit_number}, {"number", fit_number}, {"boolean", fit_boolean}};

static int fit(struct pool *pool, const json_t *schema, const json_t *value, const char *at,
               json_t **out, struct err *err)
{
    const char *type = json_str(schema, "type", "string");
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (!strcmp(types[i].type, type))
            return types[i].fit(pool, schema, value, at, out, err);
    return err_set(err, E_INVALID, "%.80s: no type '%.40s' is known", at, type);
}

int model_fit(struct pool *pool, const json_t *schema, const json_t *value, json_t **out,
              struct err *err)
{
    json_t *fitted;
    int r = fit(pool, schema, value, "the answer", &fitted, err);
    if (!r)
        *out = json_keep(pool, fitted);
    return r;
}
