/*
 * Recipes: which names and schemas are taken, that every shipped one is sound, and that a tenant's
 * own stands in front of it.
 */
#include "unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/recipes.h"
#include "base/caps.h"
#include "base/str.h"
#include "store/recipes.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct err err;
static struct settings settings;
static struct api api;
static const json_t *answered;

int respond_json(struct request *req, int status, const json_t *doc)
{
    assert_int_equal(status, 200);
    answered = doc;
    return 0;
}

static int setup(void **state)
{
    pool = pool_create(NULL);
    err_clear(&err);
    settings = (struct settings){.share_dir = getenv("MANTIS_SOURCE_ROOT")};
    api = (struct api){.settings = &settings};
    assert_non_null(settings.share_dir);
    assert_int_equal(store_open("memory", "", &api.store, &err), 0);
    return 0;
}

static int teardown(void **state)
{
    store_close(api.store);
    pool_destroy(pool);
    return 0;
}

static json_t *parse(const char *text)
{
    return json_as_is(pool, text);
}

static void a_name_is_one_to_64_plain_characters(void **state)
{
    static const char *const good[] = {
        "a", "shop_tiles", "Shop-2", "_x",
        "0123456789012345678901234567890123456789012345678901234567890123"};
    static const char *const bad[] = {
        "",         "-x",   "a b",
        "a.b",      "../a", "a/b",
        "\xc3\xa9", "a\n",  "01234567890123456789012345678901234567890123456789012345678901234"};
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(recipe_check_name(good[i], &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (recipe_check_name(bad[i], &err) != E_INVALID)
            fail_msg("'%s' was taken", bad[i]);
}

#define NAME "\"fields\":[{\"name\":\"title\"}]"

static void a_schema_is_refused_with_the_field_that_is_wrong(void **state)
{
    static const struct {
        const char *schema, *named;
    } bad[] = {
        {"[]", "'schema' must be an object"},
        {"{}", "schema.fields"},
        {"{\"fields\":[]}", "schema.fields"},
        {"{\"fields\":{}}", "schema.fields"},
        {"{\"fields\":[{}]}", "fields[0].name"},
        {"{\"fields\":[{\"name\":\"a\"},{\"name\":\"  \"}]}", "fields[1].name"},
        {"{\"fields\":[{\"name\":7}]}", "fields[0].name"},
        {"{\"fields\":[3]}", "fields[0]"},
        {"{\"fields\":[\" \"]}", "fields[0].name"},
        {"{\"fields\":[\"title\",{\"name\":\"Title\"}]}", "'schema.fields[1]'"},
        {"{\"fields\":[{\"name\":\"a\",\"type\":\"date\"}]}", "type 'date'"},
        {"{\"fields\":[{\"name\":\"a\",\"required\":\"maybe\"}]}", "required"},
        {"{" NAME ",\"required_fields\":[\"price\"]}", "required_fields[0]"},
        {"{" NAME ",\"tile_required_fields\":\"title\"}", "tile_required_fields"},
        {"{" NAME ",\"tile_carry_fields\":[\"title\",3]}", "tile_carry_fields[1]"},
        {"{" NAME ",\"spam_indicators\":[1]}", "spam_indicators[0]"},
        {"{" NAME ",\"forbidden_controls\":{}}", "forbidden_controls"},
        {"{" NAME ",\"rejection_intents\":[]}", "rejection_intents"},
        {"{" NAME ",\"rejection_intents\":{\"dealer\":\"sell\"}}", "dealer"},
        {"{" NAME ",\"rejection_intents\":{\"other\":1}}", "rejection_intents.other"},
        {"{" NAME ",\"max_items\":-1}", "max_items"},
        {"{" NAME ",\"max_items\":\"many\"}", "max_items"},
        {"{" NAME ",\"entity_name\":[]}", "entity_name"},
        {"{" NAME ",\"schema_name\":{}}", "schema_name"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (recipe_check_schema(parse(bad[i].schema), &err) != E_INVALID)
            fail_msg("taken: %s", bad[i].schema);
        if (!strstr(err.msg, bad[i].named))
            fail_msg("%s: '%s' does not name %s", bad[i].schema, err.msg, bad[i].named);
    }
    assert_int_equal(recipe_check_schema(NULL, &err), E_INVALID);
    assert_int_equal(
        recipe_check_schema(parse("{" NAME ",\"max_items\":\"20\",\"later\":1}"), &err), 0);
}

static void fields_that_are_names_alone_are_kept_as_objects(void **state)
{
    struct request req = {
        .api = &api,
        .pool = pool,
        .tenant_id = "acme",
        .json = parse("{\"name\":\"tiles\",\"schema\":{\"fields\":[\"title\",{\"name\":\"price\","
                      "\"type\":\"float\"}],\"required_fields\":[\"price\"]}}")};
    json_t *schema;
    assert_int_equal(recipes_post(&req, &err), 0);
    assert_int_equal(recipe_find(&api, pool, "acme", "tiles", &schema, &err), 0);
    assert_string_equal(json_text(pool, json_object_get(schema, "fields")),
                        "[{\"name\":\"title\"},{\"name\":\"price\",\"type\":\"float\"}]");
    assert_string_equal(json_text(pool, json_object_get(answered, "schema")),
                        json_text(pool, schema));
    req.json = parse("{\"schema\":{\"fields\":[\"title\"]}}");
    assert_int_equal(recipes_post(&req, &err), E_INVALID);
    assert_string_equal(err.msg, "'name' is missing");
}

static void the_promised_recipes_ship_and_are_sound(void **state)
{
    static const char *const names[] = {
        "docs_lookup",         "form_submit",    "job_listings", "marketplace_listings",
        "marketplace_planner", "search_results", "staff_crm"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        json_t *schema;
        if (recipe_find(&api, pool, "acme", names[i], &schema, &err) ||
            recipe_check_schema(schema, &err))
            fail_msg("%s: %s", names[i], err.msg);
        assert_string_equal(json_str(schema, "schema_name", ""), names[i]);
    }
    DIR *dir = opendir(pool_printf(pool, "%s/recipes", settings.share_dir));
    size_t n = 0;
    for (struct dirent *e; (e = readdir(dir));)
        n += str_ends(e->d_name, ".json");
    closedir(dir);
    assert_int_equal(n, ARRAY_SIZE(names));
}

static void a_tenants_own_recipe_stands_in_front_of_the_shipped_one(void **state)
{
    json_t *mine = parse("{" NAME ",\"entity_name\":\"mine\"}"), *found;
    assert_int_equal(store_recipe_put(api.store, "acme", "staff_crm", mine, &err), 0);
    assert_int_equal(recipe_find(&api, pool, "acme", "staff_crm", &found, &err), 0);
    assert_string_equal(json_str(found, "entity_name", ""), "mine");
    assert_int_equal(recipe_find(&api, pool, "other", "staff_crm", &found, &err), 0);
    assert_string_equal(json_str(found, "entity_name", ""), "contact");
}

static void a_name_cannot_leave_the_recipe_folder(void **state)
{
    json_t *found;
    assert_int_equal(recipe_find(&api, pool, "acme", "../plans/x", &found, &err), E_INVALID);
    assert_int_equal(recipe_find(&api, pool, "acme", "nothing", &found, &err), E_NOT_FOUND);
    assert_null(strstr(err.msg, settings.share_dir));
}

/* What a call of acme, or of another tenant, gets; the answer is in `answered`. */
static int call(route_fn *handle, const char *tenant, const char *name, const char *body)
{
    struct request req = {.api = &api, .pool = pool, .tenant_id = tenant, .params = {name}};
    req.json = body ? parse(body) : NULL;
    answered = NULL;
    err_clear(&err);
    return handle(&req, &err);
}

static const char *answer(void)
{
    return json_canonical(pool, answered);
}

static void a_recipe_is_written_read_listed_and_deleted(void **state)
{
    const char *b = "{\"name\":\"b\",\"schema\":{" NAME "}}",
               *a = "{\"name\":\"a\",\"schema\":{" NAME ",\"max_items\":2}}";
    assert_int_equal(call(recipes_post, "acme", NULL, b), 0);
    assert_string_equal(answer(), "{\"name\":\"b\",\"schema\":{" NAME "}}");
    assert_int_equal(call(recipes_post, "acme", NULL, a), 0);
    assert_int_equal(call(recipes_get, "acme", NULL, NULL), 0);
    assert_string_equal(json_canonical(pool, json_object_get(answered, "recipes")),
                        "[{\"name\":\"a\"},{\"name\":\"b\"}]");
    assert_int_equal(json_array_size(json_object_get(answered, "shipped")), 7);
    assert_int_equal(call(recipe_get, "acme", "a", NULL), 0);
    assert_int_equal(json_int(json_object_get(answered, "schema"), "max_items", 0), 2);
    assert_int_equal(call(recipe_delete, "acme", "a", NULL), 0);
    assert_string_equal(answer(), "{\"deleted\":true,\"name\":\"a\"}");
    assert_int_equal(call(recipe_delete, "acme", "a", NULL), 0);
    assert_string_equal(answer(), "{\"deleted\":false,\"name\":\"a\"}");
    assert_int_equal(call(recipe_get, "acme", "a", NULL), E_NOT_FOUND);
}

static void another_tenant_sees_none_of_it(void **state)
{
    const char *mine = "{\"name\":\"mine\",\"schema\":{" NAME "}}";
    assert_int_equal(call(recipes_post, "acme", NULL, mine), 0);
    assert_int_equal(call(recipe_get, "other", "mine", NULL), E_NOT_FOUND);
    assert_int_equal(call(recipes_get, "other", NULL, NULL), 0);
    assert_int_equal(json_array_size(json_object_get(answered, "recipes")), 0);
    assert_int_equal(call(recipe_delete, "other", "mine", NULL), 0);
    assert_string_equal(answer(), "{\"deleted\":false,\"name\":\"mine\"}");
    assert_int_equal(call(recipe_get, "acme", "mine", NULL), 0);
}

static void a_shipped_recipe_cannot_be_deleted(void **state)
{
    assert_int_equal(call(recipe_delete, "acme", "staff_crm", NULL), 0);
    assert_string_equal(answer(), "{\"deleted\":false,\"name\":\"staff_crm\"}");
    assert_int_equal(call(recipe_get, "acme", "staff_crm", NULL), 0);
}

static void a_bad_request_is_refused_before_anything_is_stored(void **state)
{
    assert_int_equal(call(recipes_post, "acme", NULL, "{\"schema\":{" NAME "}}"), E_INVALID);
    assert_int_equal(call(recipes_post, "acme", NULL, "{\"name\":7,\"schema\":{" NAME "}}"),
                     E_INVALID);
    assert_int_equal(call(recipes_post, "acme", NULL, "{\"name\":\"a\"}"), E_INVALID);
    assert_int_equal(call(recipe_get, "acme", "a.b", NULL), E_INVALID);
    assert_int_equal(call(recipe_delete, "acme", "-a", NULL), E_INVALID);
    char *big = pool_alloc(pool, CAP_RECIPE_BYTES + 1);
    memset(big, 'x', CAP_RECIPE_BYTES);
    const char *body =
        pool_printf(pool, "{\"name\":\"a\",\"schema\":{" NAME ",\"schema_name\":\"%s\"}}", big);
    assert_int_equal(call(recipes_post, "acme", NULL, body), E_TOOBIG);
    assert_int_equal(call(recipes_get, "acme", NULL, NULL), 0);
    assert_int_equal(json_array_size(json_object_get(answered, "recipes")), 0);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_name_is_one_to_64_plain_characters),
        CASE(a_schema_is_refused_with_the_field_that_is_wrong),
        CASE(fields_that_are_names_alone_are_kept_as_objects),
        CASE(the_promised_recipes_ship_and_are_sound),
        CASE(a_tenants_own_recipe_stands_in_front_of_the_shipped_one),
        CASE(a_name_cannot_leave_the_recipe_folder),
        CASE(a_recipe_is_written_read_listed_and_deleted),
        CASE(another_tenant_sees_none_of_it),
        CASE(a_shipped_recipe_cannot_be_deleted),
        CASE(a_bad_request_is_refused_before_anything_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
