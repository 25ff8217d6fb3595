/*
 * The API's description against the code it describes: routes, request fields, references.
 */
#include "unit/test.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#include "api/openapi.h"
#include "api/request.h"
#include "api/run_options.h"
#include "api/web.h"
#include "base/pool.h"
#include "base/str.h"

static struct pool *pool;
static json_t *doc;

static int make_document(void **state)
{
    pool = pool_create(NULL);
    doc = openapi_document("1.2.3");
    return 0;
}

static int drop_document(void **state)
{
    json_decref(doc);
    pool_destroy(pool);
    return 0;
}

static const json_t *schema(const char *name)
{
    const json_t *schemas = json_object_get(json_object_get(doc, "components"), "schemas");
    const json_t *found = json_object_get(schemas, name);
    if (!found)
        fail_msg("there is no schema '%s'", name);
    return found;
}

static const json_t *operation_of(const struct route *route)
{
    const char *method = str_lower(pool, route->method);
    return json_object_get(json_object_get(json_object_get(doc, "paths"), route->pattern), method);
}

/* What "#/components/schemas/Step" points to; NULL nowhere. */
static const json_t *resolve(const char *ref)
{
    const json_t *at = str_starts(ref, "#/") ? doc : NULL;
    char *rest = pool_strdup(pool, ref + 1), *key, *save = NULL;
    for (key = strtok_r(rest, "/", &save); key && at; key = strtok_r(NULL, "/", &save))
        at = json_object_get(at, key);
    return at;
}

/* Calls fn with every object of the document. */
static void walk(const json_t *value, void (*fn)(const json_t *object))
{
    const char *key;
    json_t *child;
    size_t i;
    if (json_is_object(value)) {
        fn(value);
        json_object_foreach ((json_t *)value, key, child)
            walk(child, fn);
    }
    json_array_foreach ((json_t *)value, i, child)
        walk(child, fn);
}

static void every_route_is_described_and_nothing_else(void **state)
{
    const char *path, *method;
    json_t *item, *op;
    size_t described = 0;
    for (size_t i = 0; i < routes_n; i++) {
        const json_t *found = operation_of(&routes[i]);
        if (!found)
            fail_msg("%s %s is not described", routes[i].method, routes[i].pattern);
        assert_string_equal(json_str(found, "operationId", ""), routes[i].operation);
        assert_true(json_str(found, "summary", "")[0] != 0);
        assert_true(json_object_size(json_object_get(found, "responses")) > 0);
    }
    json_object_foreach (json_object_get(doc, "paths"), path, item)
        json_object_foreach (item, method, op)
            described++;
    assert_int_equal(described, routes_n);
}

static void every_word_in_operations_json_is_used(void **state)
{
    const struct web_file *file = web_find("operations.json");
    struct err err;
    json_t *operations, *words;
    const char *id;
    assert_int_equal(json_parse(file->data, file->len, file->name, &operations, &err), 0);
    json_object_foreach (operations, id, words) {
        size_t uses = 0;
        for (size_t i = 0; i < routes_n; i++)
            uses += strcmp(routes[i].operation, id) == 0;
        if (uses != 1)
            fail_msg("operation '%s' is in %zu rows of the route table", id, uses);
    }
    json_decref(operations);
}

static void title_and_version_are_the_servers(void **state)
{
    const json_t *info = json_object_get(doc, "info");
    assert_string_equal(json_str(doc, "openapi", ""), "3.1.0");
    assert_string_equal(json_str(info, "title", ""), "Mantis CUA");
    assert_string_equal(json_str(info, "version", ""), "1.2.3");
}

static void one_ref(const json_t *object)
{
    const char *ref = json_string_value(json_object_get(object, "$ref"));
    if (ref && !resolve(ref))
        fail_msg("'%s' leads nowhere", ref);
}

static void every_reference_leads_somewhere(void **state)
{
    walk(doc, one_ref);
}

static void one_required_list(const json_t *object)
{
    size_t i;
    json_t *name;
    const json_t *properties = json_object_get(object, "properties");
    json_array_foreach (json_object_get(object, "required"), i, name)
        if (properties && !json_object_get(properties, json_string_value(name)))
            fail_msg("'%s' is required but not described", json_string_value(name));
}

static void what_is_required_is_described(void **state)
{
    walk(doc, one_required_list);
}

static bool has_path_parameter(const json_t *op, const char *name)
{
    size_t i;
    json_t *p;
    json_array_foreach (json_object_get(op, "parameters"), i, p) {
        const char *ref = json_str(p, "$ref", NULL);
        const json_t *parameter = ref ? resolve(ref) : p;
        if (strcmp(json_str(parameter, "in", ""), "path") == 0 &&
            strcmp(json_str(parameter, "name", ""), name) == 0)
            return true;
    }
    return false;
}

static void braces_of_a_path_are_its_path_parameters(void **state)
{
    for (size_t i = 0; i < routes_n; i++) {
        const char *at = routes[i].pattern;
        while ((at = strchr(at, '{'))) {
            const char *name = pool_strndup(pool, at + 1, strcspn(at + 1, "}"));
            if (!has_path_parameter(operation_of(&routes[i]), name))
                fail_msg("%s: '%s' is not described", routes[i].pattern, name);
            at++;
        }
    }
}

static void who_may_call_is_what_the_table_says(void **state)
{
    for (size_t i = 0; i < routes_n; i++) {
        const json_t *op = operation_of(&routes[i]);
        const json_t *scopes = json_object_get(op, "x-mantis-scopes");
        const json_t *replies = json_object_get(op, "responses");
        bool open = (routes[i].flags & ROUTE_OPEN) != 0;
        assert_int_equal(json_array_size(json_object_get(op, "security")), open ? 0 : 1);
        assert_int_equal(json_array_size(scopes) > 0, !open);
        assert_int_equal(open || json_object_get(replies, "401"), true);
        for (unsigned bit = SCOPE_RUN; bit <= SCOPE_LOGS; bit <<= 1)
            assert_int_equal(json_holds(scopes, scope_name((enum scope)bit)),
                             !open && ((routes[i].scopes | SCOPE_RUN) & bit) != 0);
        assert_int_equal(json_object_get(op, "requestBody") != NULL,
                         routes[i].body_cap > 0 && strstr(routes[i].operation, "eplay") == NULL);
    }
}

/* ---- request fields ---- */

static bool says_null(const json_t *property)
{
    size_t i;
    json_t *option;
    if (json_holds(json_object_get(property, "type"), "null"))
        return true;
    json_array_foreach (json_object_get(property, "anyOf"), i, option)
        if (strcmp(json_str(option, "type", ""), "null") == 0)
            return true;
    return false;
}

static bool says_type(const json_t *property, const char *type)
{
    size_t i;
    json_t *option;
    const json_t *said = json_object_get(property, "type");
    if (json_holds(said, type) || strcmp(json_str(property, "type", ""), type) == 0)
        return true;
    json_array_foreach (json_object_get(property, "anyOf"), i, option)
        if (json_object_get(option, "$ref") &&
            says_type(resolve(json_str(option, "$ref", "")), type))
            return true;
    return false;
}

static void hold_range(const json_t *property, const struct option_field *f)
{
    if (f->min != f->max) {
        assert_true(json_num(property, "minimum", NAN) == f->min);
        assert_true(json_num(property, "maximum", NAN) == f->max);
    }
    if (f->above_0)
        assert_true(json_num(property, "exclusiveMinimum", NAN) == 0);
}

static void hold_field(const json_t *properties, const struct option_field *f)
{
    const json_t *property = json_object_get(properties, f->name);
    if (!property)
        fail_msg("'%s' is read but not described", f->name);
    if (*f->type && !says_type(property, f->type))
        fail_msg("'%s' is read as %s and described otherwise", f->name, f->type);
    if (*f->type && says_null(property) != f->nullable)
        fail_msg("'%s' %s be null", f->name, f->nullable ? "may" : "must not");
    hold_range(property, f);
}

/* Every row in the schema, and every property of the schema among the rows or beside them. */
static void hold_table(const char *name, bool (*row)(size_t i, struct option_field *out),
                       const char *const *beside)
{
    const json_t *properties = json_object_get(schema(name), "properties");
    json_t *property, *known = json_keep(pool, json_array());
    struct option_field f;
    const char *key;
    for (size_t i = 0; row(i, &f); i++) {
        hold_field(properties, &f);
        json_push(known, json_string(f.name));
    }
    for (size_t i = 0; beside[i]; i++) {
        assert_non_null(json_object_get(properties, beside[i]));
        json_push(known, json_string(beside[i]));
    }
    json_object_foreach ((json_t *)properties, key, property)
        if (!json_holds(known, key))
            fail_msg("%s: '%s' is described but read by nobody", name, key);
}

static void run_fields_are_those_that_are_read(void **state)
{
    static const char *const beside[] = {"pause_on_captcha", "callback_events", NULL};
    hold_table("RunOptions", run_options_field, beside);
}

static void cua_fields_are_those_that_are_read(void **state)
{
    static const char *const beside[] = {NULL};
    hold_table("CuaRequest", cua_options_field, beside);
}

static void states_and_phases_are_those_of_a_run(void **state)
{
    const json_t *words = json_object_get(schema("Status"), "enum");
    const json_t *phases = json_object_get(schema("Phase"), "enum");
    assert_int_equal(json_array_size(words), RUN_N_STATES);
    for (int i = 0; i < RUN_N_STATES; i++) {
        assert_true(json_holds(words, run_state_name((enum run_state)i)));
        assert_true(json_holds(phases, run_state_phase((enum run_state)i)));
    }
}

/* ---- embedded files ---- */

static void files_are_found_by_name_with_a_tag(void **state)
{
    static const char *const names[] = {"plain.html", "redoc.html",   "swagger.html",
                                        "style.css",  "reference.js", "document.json"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct web_file *file = web_find(names[i]);
        assert_non_null(file);
        assert_true(file->len > 0 && file->data[file->len] == 0);
        assert_int_equal(strlen(file->etag), 18);
    }
    assert_null(web_find("../routes.c"));
    assert_null(web_find(""));
}

static void pages_load_nothing_from_elsewhere(void **state)
{
    for (size_t i = 0; i < web_files_n; i++)
        if (str_starts(web_files[i].mime, "text/html")) {
            assert_null(strstr(web_files[i].data, "http"));
            assert_null(strstr(web_files[i].data, "{{"));
            assert_non_null(strstr(web_files[i].data, ".js?v="));
        }
}

#define ON_DOCUMENT(test) cmocka_unit_test_setup_teardown(test, make_document, drop_document)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_DOCUMENT(every_route_is_described_and_nothing_else),
        ON_DOCUMENT(every_word_in_operations_json_is_used),
        ON_DOCUMENT(title_and_version_are_the_servers),
        ON_DOCUMENT(every_reference_leads_somewhere),
        ON_DOCUMENT(what_is_required_is_described),
        ON_DOCUMENT(braces_of_a_path_are_its_path_parameters),
        ON_DOCUMENT(who_may_call_is_what_the_table_says),
        ON_DOCUMENT(run_fields_are_those_that_are_read),
        ON_DOCUMENT(cua_fields_are_those_that_are_read),
        ON_DOCUMENT(states_and_phases_are_those_of_a_run),
        ON_DOCUMENT(files_are_found_by_name_with_a_tag),
        ON_DOCUMENT(pages_load_nothing_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
