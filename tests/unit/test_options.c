/*
 * The options of a run and of an instruction, the names of models, and what a dry run says.
 */
#include "unit/test.h"

#include <string.h>

#include "api/dry_run.h"
#include "api/run_options.h"
#include "base/caps.h"
#include "base/json.h"
#include "plan/intake.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct err err;
static struct run_options run;
static struct cua_options cua;

static int setup(void **state)
{
    pool = pool_create(NULL);
    err_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    pool_destroy(pool);
    return 0;
}

static json_t *parse(const char *text)
{
    return json_as_is(pool, text);
}

static void a_run_takes_what_it_is_told(void **state)
{
    assert_int_equal(
        run_options_read(parse("{\"dry_run\":\"yes\",\"callback_url\":\"https://h.test/x\","
                               "\"callback_events\":[\"failed\",\"timeout\"],"
                               "\"cua_model\":\"page\",\"detached\":0}"),
                         &run, &err),
        0);
    assert_true(run.dry_run);
    assert_false(run.detached);
    assert_string_equal(run.callback_url, "https://h.test/x");
    assert_string_equal(run.cua_model, "page");
    assert_int_equal(json_array_size(run.callback_events), 2);
    assert_int_equal(run_options_read(parse("{}"), &run, &err), 0);
    assert_true(run.detached);
    assert_null(run.callback_events);
    assert_string_equal(run.callback_url, "");
}

/* It is in the run's row, which is kept in memory. */
static void a_schema_takes_as_much_as_a_recipe(void **state)
{
    char *label = pool_alloc(pool, CAP_RECIPE_BYTES + 1);
    memset(label, 'x', CAP_RECIPE_BYTES);
    const char *text = pool_printf(
        pool, "{\"extraction_schema\":{\"spam_label\":\"%s\",\"fields\":[{\"name\":\"title\"}]}}",
        label);
    assert_int_equal(run_options_read(parse(text), &run, &err), E_TOOBIG);
    assert_non_null(strstr(err.msg, "'extraction_schema'"));
}

static void a_run_option_that_is_wrong_is_named(void **state)
{
    static const char *const bad[][2] = {
        {"{\"dry_run\":null}", "'dry_run'"},
        {"{\"callback_url\":7}", "callback_url"},
        {"{\"callback_events\":\"failed\"}", "'callback_events'"},
        {"{\"callback_events\":[\"failed\",\"running\"]}", "'callback_events[1]'"},
        {"{\"callback_events\":[3]}", "'callback_events[0]'"},
        {"{\"callback_events\":[\"failed\",\"failed\",\"failed\",\"failed\",\"failed\",\"failed\","
         "\"failed\",\"failed\",\"failed\",\"failed\",\"failed\"]}",
         "'callback_events'"},
        {"{\"max_cost\":0}", "'max_cost'"},
        {"{\"max_cost\":\"0x10\"}", "'max_cost'"},
        {"{\"max_cost\":\"inf\"}", "'max_cost'"},
        {"{\"max_time_minutes\":1e300}", "'max_time_minutes' is too large"},
        {"{\"max_time_minutes\":\"1e300\"}", "'max_time_minutes' is too large"},
        {"{\"extraction_schema\":{\"fields\":[\"a\",{\"name\":\"a\"}]}}",
         "extraction_schema.fields[1]"},
        {"{\"extraction_schema\":{\"fields\":[\"a\"],\"required_fields\":[\"b\"]}}",
         "extraction_schema.required_fields[0]"},
        {"{\"max_time_minutes\":-1}", "'max_time_minutes'"},
        {"{\"video_fps\":31}", "'video_fps'"},
        {"{\"video_format\":\"avi\"}", "'video_format'"},
        {"{\"record_video\":true}", "'record_video'"},
        {"{\"live_viewer\":true}", "'live_viewer'"},
        {"{\"proxy_city\":\"Tampa\"}", "'proxy_city'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (run_options_read(parse(bad[i][0]), &run, &err) != E_INVALID)
            fail_msg("taken: %s", bad[i][0]);
        if (!strstr(err.msg, bad[i][1]))
            fail_msg("%s: '%s' does not name %s", bad[i][0], err.msg, bad[i][1]);
    }
}

#define DO "\"instruction\":\"Find the price\""

static void an_instruction_is_taken_at_the_ends_of_every_range(void **state)
{
    static const char *const good[] = {
        "{" DO "}",
        "{" DO ",\"settle_time\":0,\"max_steps\":1,\"frames_per_inference\":1}",
        "{" DO ",\"settle_time\":30,\"max_steps\":200,\"frames_per_inference\":8}",
        "{" DO ",\"settle_time\":\"2.5\",\"max_steps\":20.0,\"ground_clicks\":\"on\","
        "\"speculation\":null}",
        "{" DO ",\"detached\":true,\"max_cost\":0.01,\"max_time_minutes\":1,\"unknown\":[]}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        if (cua_options_read(parse(good[i]), 200, &cua, &err))
            fail_msg("%s: %s", good[i], err.msg);
    assert_true(cua.detached);
    assert_int_equal(cua_options_read(parse("{" DO "}"), 200, &cua, &err), 0);
    assert_false(cua.detached);
    assert_int_equal(cua.max_steps, 30);
    assert_int_equal(cua_options_read(parse("{" DO "}"), 10, &cua, &err), 0);
    assert_int_equal(cua.max_steps, 10);
}

static void an_instruction_that_is_wrong_is_refused_by_name(void **state)
{
    static const char *const bad[][2] = {
        {"{}", "'instruction'"},
        {"{\"instruction\":\"\"}", "'instruction'"},
        {"{\"instruction\":\" \\n\"}", "'instruction'"},
        {"{\"instruction\":null}", "'instruction'"},
        {"{\"instruction\":{}}", "instruction"},
        {"{" DO ",\"settle_time\":-0.1}", "'settle_time'"},
        {"{" DO ",\"settle_time\":30.1}", "'settle_time'"},
        {"{" DO ",\"max_steps\":0}", "'max_steps'"},
        {"{" DO ",\"max_steps\":201}", "'max_steps'"},
        {"{" DO ",\"max_steps\":20.5}", "max_steps"},
        {"{" DO ",\"frames_per_inference\":0}", "'frames_per_inference'"},
        {"{" DO ",\"frames_per_inference\":9}", "'frames_per_inference'"},
        {"{" DO ",\"detached\":null}", "'detached'"},
        {"{" DO ",\"ground_clicks\":\"maybe\"}", "ground_clicks"},
        {"{" DO ",\"max_cost\":0}", "'max_cost'"},
        {"{" DO ",\"video_fps\":0}", "'video_fps'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        if (cua_options_read(parse(bad[i][0]), 200, &cua, &err) != E_INVALID)
            fail_msg("taken: %s", bad[i][0]);
        if (!strstr(err.msg, bad[i][1]))
            fail_msg("%s: '%s' does not name %s", bad[i][0], err.msg, bad[i][1]);
    }
}

static void another_model_than_the_servers_is_refused(void **state)
{
    assert_int_equal(model_check("", "page", false, &err), 0);
    assert_int_equal(model_check("page", "page", false, &err), 0);
    assert_int_equal(model_check("holo3", "page", false, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "'holo3'"));
    assert_non_null(strstr(err.msg, "'page'"));
    assert_int_equal(model_check("holo3", "page", true, &err), 0);
    assert_int_equal(model_check("no-such", "page", true, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "'no-such'"));
}

static json_t *dry_capped(const char *model, double max_cost)
{
    static const struct intake_config config = {
        .repo_root = "", .env_url = "", .default_micro = ""};
    static const struct identity identity = {"acme__default", "acme__wf", "acme__wf"};
    struct plan *plan;
    json_t *steps = parse("{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open https://a.test\"},"
                          "{\"type\":\"extract_data\",\"intent\":\"Read\"},"
                          "{\"type\":\"extract_data\",\"intent\":\"Read more\"}]}");
    assert_int_equal(intake_document(pool, &config, steps, "", &plan, &err), 0);
    struct dry_run d = {.tenant_id = "acme",
                        .model = model,
                        .plane = "browser_use_plane",
                        .data_dir = "/data",
                        .plan = plan,
                        .identity = &identity,
                        .max_cost = max_cost,
                        .max_time_minutes = 7};
    return json_keep(pool, dry_run_json(&d));
}

static json_t *dry(const char *model)
{
    return dry_capped(model, 2.5);
}

static void a_dry_run_shows_the_plan_and_its_price(void **state)
{
    static const struct {
        const char *model;
        double gpu, claude;
    } cases[] = {{"holo3", .012, .04},       {"fara", .018, .04},       {"gemma4-cua", .009, .04},
                 {"evocua-8b", .012, .04},   {"evocua-32b", .024, .04}, {"opencua-32b", .024, .04},
                 {"opencua-72b", .045, .04}, {"claude", 0, .06},        {"page", 0, 0},
                 {"else", .012, .04}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *cost = json_object_get(dry(cases[i].model), "cost_estimate");
        assert_string_equal(json_str(cost, "cua_model", ""), cases[i].model);
        assert_true(json_num(cost, "gpu_usd", -1) == cases[i].gpu);
        assert_true(json_num(cost, "claude_usd", -1) == cases[i].claude);
        assert_true(json_num(cost, "other_usd", -1) == 0.02);
        double sum =
            cases[i].gpu + cases[i].claude + 0.02 - json_num(cost, "estimated_total_usd", -1);
        assert_true(sum < 1e-9 && sum > -1e-9);
    }
    assert_int_equal(json_array_size(json_object_get(dry("opencua-72b"), "warnings")), 0);
    json_t *dear = json_object_get(dry_capped("opencua-72b", 0.1), "warnings");
    assert_int_equal(json_array_size(dear), 1);
    assert_string_equal(
        json_string_value(json_array_get(dear, 0)),
        "the estimate of 0.105 USD is above the max_cost in force, 0.1 USD: the run "
        "would stop at it");
    json_t *doc = dry("page"), *suite = json_object_get(doc, "task_suite");
    assert_true(json_flag(doc, "dry_run", false));
    assert_string_equal(json_str(doc, "compute_backend", ""), "browser_use_plane");
    assert_string_equal(json_str(suite, "_profile_id", ""), "acme__default");
    assert_true(json_num(suite, "_max_cost", 0) == 2.5);
    assert_int_equal(json_int(suite, "_max_time_minutes", 0), 7);
    assert_int_equal(json_int(json_object_get(doc, "plan_summary"), "step_count", 0), 3);
    assert_null(json_object_get(doc, "run_id"));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_run_takes_what_it_is_told),
        CASE(a_schema_takes_as_much_as_a_recipe),
        CASE(a_run_option_that_is_wrong_is_named),
        CASE(an_instruction_is_taken_at_the_ends_of_every_range),
        CASE(an_instruction_that_is_wrong_is_refused_by_name),
        CASE(another_model_than_the_servers_is_refused),
        CASE(a_dry_run_shows_the_plan_and_its_price),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
