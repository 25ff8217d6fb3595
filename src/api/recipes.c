#include "api/recipes.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/schema.h"
#include "store/recipes.h"

#define NAME_MAX_CHARS 64
#define NAME_CHARS     "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"

int recipe_check_name(const char *name, struct err *err)
{
    size_t len = strlen(name);
    if (len && len <= NAME_MAX_CHARS && *name != '-' && strspn(name, NAME_CHARS) == len)
        return 0;
    return err_set(err, E_INVALID,
                   "'name' must be 1 to %d letters, digits, '_' or '-', not starting with '-'; it "
                   "is '%.80s'",
                   NAME_MAX_CHARS, name);
}

/* ---- the schema ---- */

static int check_fields(const json_t *schema, struct err *err)
{
    const json_t *fields = json_object_get(schema, "fields"), *field;
    size_t i;
    if (!json_is_array(fields) || !json_array_size(fields))
        return err_set(err, E_INVALID, "'schema.fields' must be a list of at least one field");
    json_array_foreach ((json_t *)fields, i, field) {
        if (!json_is_object(field) && !json_is_string(field))
            return err_set(err, E_INVALID,
                           "'schema.fields[%zu]' must be a name or an object with a 'name'", i);
        if (str_empty(json_is_string(field) ? json_string_value(field)
                                            : json_str(field, "name", "")))
            return err_set(err, E_INVALID, "'schema.fields[%zu].name' is missing or empty", i);
    }
    return 0;
}

static int check_intents(const json_t *schema, struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach (json_object_get(schema, "rejection_intents"), key, value)
        if (!json_is_string(value))
            return err_set(err, E_INVALID, "'schema.rejection_intents.%.60s' must be a string",
                           key);
    return 0;
}

int recipe_check_schema(const json_t *json, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct schema *schema = NULL;
    const char *name = "";
    int r = json_is_object(json) ? 0 : err_set(err, E_INVALID, "'schema' must be an object");
    r = r ? r : check_fields(json, err);
    if (!r && (r = schema_parse(pool, json, &schema, err)))
        err_prefix(err, "'schema'");
    if (!r && !schema)
        r = err_set(err, E_INVALID, "'schema.fields' has no field that can be used");
    r = r ? r : schema_check_names(json, "schema.", err);
    r = r ? r : check_intents(json, err);
    r = r ? r : json_read_string(json, "schema_name", &name, err);
    pool_destroy(pool);
    return r;
}

/* ---- shipped ones: files that come with the server ---- */

static char *shipped_dir(const struct api *api, struct pool *pool)
{
    return pool_printf(pool, "%s/recipes", api->settings->share_dir);
}

/* A broken file of the installation is not a caller's mistake, and not an absent recipe either. */
static int shipped_get(struct api *api, struct pool *pool, const char *name, json_t **out,
                       struct err *err)
{
    struct err why = {0};
    json_t *schema;
    const char *path = pool_printf(pool, "%s/%s.json", shipped_dir(api, pool), name);
    int r = json_parse_file(path, &schema, &why);
    if (r == E_NOT_FOUND)
        return err_set(err, r, "there is no recipe '%s'", name);
    if (r)
        return err_set(err, E_INTERNAL, "shipped recipe '%s': %s", name, why.msg);
    *out = json_keep(pool, schema);
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Sorted names, as [{"name"}]. */
static json_t *shipped_list(struct api *api, struct pool *pool)
{
    json_t *list = json_keep(pool, json_array());
    const char *names[CAP_RECIPES];
    size_t n = 0;
    struct dirent *e;
    DIR *dir = opendir(shipped_dir(api, pool));
    while (dir && n < ARRAY_SIZE(names) && (e = readdir(dir))) {
        size_t len = strlen(e->d_name);
        if (len <= 5 || !str_ends(e->d_name, ".json"))
            continue;
        const char *name = pool_strndup(pool, e->d_name, len - 5);
        if (recipe_check_name(name, NULL) == 0)
            names[n++] = name;
    }
    if (dir)
        closedir(dir);
    qsort(names, n, sizeof(*names), by_name);
    for (size_t i = 0; i < n; i++)
        json_push(list, json_pack("{s:s}", "name", names[i]));
    return list;
}

int recipe_find(struct api *api, struct pool *pool, const char *tenant, const char *name,
                json_t **ret_schema, struct err *err)
{
    struct err why = {0};
    int r = recipe_check_name(name, err);
    if (r)
        return r;
    r = store_recipe_get(api->store, pool, tenant, name, ret_schema, &why);
    if (r == E_NOT_FOUND)
        return shipped_get(api, pool, name, ret_schema, err);
    if (r)
        *err = why;
    return r;
}

/* ---- routes ---- */

static int respond_recipe(struct request *req, const char *name, const json_t *schema)
{
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "name", name);
    json_put(doc, "schema", json_incref((json_t *)schema));
    return respond_json(req, 200, doc);
}

/* A field that is a name alone is kept as an object, so that what is read has one form. */
static json_t *with_field_objects(struct pool *pool, const json_t *schema)
{
    json_t *copy = json_keep(pool, json_copy((json_t *)schema)), *list = json_array(), *field;
    size_t i;
    json_array_foreach (json_object_get(schema, "fields"), i, field)
        json_push(list,
                  json_is_string(field) ? json_pack("{s:O}", "name", field) : json_incref(field));
    json_put(copy, "fields", list);
    return copy;
}

int recipes_post(struct request *req, struct err *err)
{
    const char *name = NULL;
    const json_t *schema = json_object_get(req->json, "schema");
    int r = json_read_string(req->json, "name", &name, err);
    if (!r && !name)
        r = err_set(err, E_INVALID, "'name' is missing");
    r = r ? r : recipe_check_name(name, err);
    r = r ? r : recipe_check_schema(schema, err);
    if (r)
        return r;
    schema = with_field_objects(req->pool, schema);
    size_t size = json_dumpb(schema, NULL, 0, JSON_COMPACT);
    if (size > CAP_RECIPE_BYTES)
        return err_set(err, E_TOOBIG, "'schema' has %zu bytes; at most %d", size, CAP_RECIPE_BYTES);
    r = store_recipe_put(req->api->store, req->tenant_id, name, schema, err);
    return r ? r : respond_recipe(req, name, schema);
}

int recipes_get(struct request *req, struct err *err)
{
    json_t *names, *name, *doc = json_keep(req->pool, json_object()), *list = json_array();
    size_t i;
    json_put(doc, "recipes", list);
    int r = store_recipe_list(req->api->store, req->pool, req->tenant_id, &names, err);
    if (r)
        return r;
    json_array_foreach (names, i, name)
        json_push(list, json_pack("{s:O}", "name", name));
    json_put(doc, "shipped", json_incref(shipped_list(req->api, req->pool)));
    return respond_json(req, 200, doc);
}

int recipe_get(struct request *req, struct err *err)
{
    json_t *schema;
    int r = recipe_find(req->api, req->pool, req->tenant_id, req->params[0], &schema, err);
    return r ? r : respond_recipe(req, req->params[0], schema);
}

int recipe_delete(struct request *req, struct err *err)
{
    bool deleted = false;
    const char *name = req->params[0];
    int r = recipe_check_name(name, err);
    r = r ? r : store_recipe_delete(req->api->store, req->tenant_id, name, &deleted, err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "name", name);
    json_put_bool(doc, "deleted", deleted);
    return respond_json(req, 200, doc);
}
