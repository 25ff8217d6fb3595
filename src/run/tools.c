#include "run/tools.h"

#include <string.h>

#include "base/str.h"
#include "run/run.h"

#define VALUE_BYTES 200 /* of an answer, in the line that callers read */

const struct tool *const host_tools[] = {&tool_request_user_input, NULL};

static const struct tool *find(const struct run *run, const char *name)
{
    for (const struct tool *const *t = run->config->tools; t && *t; t++)
        if (!strcmp((*t)->name, name))
            return *t;
    return NULL;
}

static const char *names(struct run *run)
{
    const char *out = "";
    for (const struct tool *const *t = run->config->tools; t && *t; t++)
        out = pool_printf(run->step_pool, "%s%s%s", out, *out ? ", " : "", (*t)->name);
    return *out ? out : "none";
}

static bool is_of_type(const json_t *v, const char *type)
{
    static const struct {
        const char *name;
        json_type types[2];
    } known[] = {
        {"string", {JSON_STRING, JSON_STRING}},    {"number", {JSON_REAL, JSON_INTEGER}},
        {"integer", {JSON_INTEGER, JSON_INTEGER}}, {"boolean", {JSON_TRUE, JSON_FALSE}},
        {"object", {JSON_OBJECT, JSON_OBJECT}},    {"array", {JSON_ARRAY, JSON_ARRAY}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (!strcmp(known[i].name, type))
            return json_typeof(v) == known[i].types[0] || json_typeof(v) == known[i].types[1];
    return true;
}

/* What is wrong with the arguments, NULL when nothing is. */
static const char *wrong(struct run *run, const json_t *schema, const json_t *args)
{
    const char *key;
    size_t i;
    json_t *v;
    json_array_foreach (json_object_get(schema, "required"), i, v)
        if (!json_object_get(args, json_string_value(v)))
            return pool_printf(run->step_pool, "'%s' is missing", json_string_value(v));
    json_object_foreach (json_object_get(schema, "properties"), key, v) {
        const json_t *given = json_object_get(args, key);
        const char *type = json_str(v, "type", "");
        if (given && !is_of_type(given, type))
            return pool_printf(run->step_pool, "'%s' must be of type %s", key, type);
    }
    return NULL;
}

static const char *wrong_arguments(struct run *run, const struct tool *t, const json_t *args)
{
    json_t *schema = json_keep(run->step_pool, json_loads(t->schema, 0, NULL));
    if (!schema)
        BUG("the schema of a tool is no JSON");
    if (!json_is_object(args))
        return "the arguments must be an object";
    return wrong(run, schema, args);
}

static int ask(struct run *run, const struct tool *t, const json_t *args, struct tool_reply *out,
               struct err *err)
{
    struct err why = {0};
    const char *bad = wrong_arguments(run, t, args);
    if (bad) {
        *out = (struct tool_reply){.error = "bad_arguments", .value = bad};
        return 0;
    }
    int r = t->call(run, args, out, &why);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", why.msg);
    if (r)
        *out = (struct tool_reply){.error = err_name(r),
                                   .value = pool_strdup(run->step_pool, why.msg)};
    return 0;
}

int tool_call(struct run *run, const char *name, const json_t *args, struct tool_reply *out,
              const char **ret_text, bool *ret_ok, struct err *err)
{
    struct pool *pool = run->step_pool;
    const struct tool *t = find(run, name);
    *out = (struct tool_reply){0};
    *ret_ok = false;
    if (!t) {
        *ret_text =
            pool_printf(pool, "tool:%s:not_registered:registered tools: %s", name, names(run));
        return 0;
    }
    int r = ask(run, t, args ? args : json_keep(pool, json_object()), out, err);
    if (r)
        return r;
    const char *value = out->value ? out->value : "";
    *ret_ok = !out->error;
    if (out->error)
        *ret_text = pool_printf(pool, "tool:%s:error:%s:%s", name, out->error, value);
    else if (out->prompt)
        *ret_text = pool_printf(pool, "tool:%s:pause", name);
    else
        *ret_text = pool_printf(pool, "tool:%s:ok:%s", name, str_cut(pool, value, VALUE_BYTES));
    return 0;
}
