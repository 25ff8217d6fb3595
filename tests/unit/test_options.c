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

/* What came of it would be taken for the challenger's. */
static void a_challenger_asked_for_beside_words_is_refused(void **state)
{
    static const char *const asked[] = {"lora_adapter", "challenger_model", "_lora_adapter"};
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        const json_t *body = parse(pool_printf(pool, "{\"instruction\":\"Go\",\"%s\":\"/x.gguf\"}", asked[i]));
        assert_int_equal(run_options_read(body, &run, &err), E_INVALID);
        assert_non_null(strstr(err.msg, pool_printf(pool, "'%s' asks for another model", asked[i])));
        err_clear(&err);
        assert_int_equal(cua_options_read(body, 100, &cua, &err), E_INVALID);
        err_clear(&err);
    }
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
        {"{\"video_cuts\":\"none\"}", "'video_cuts'"},
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
    assert_true(cua.settle_s == 0); /* the loop's own */
    assert_int_equal(cua.frames, 1);
    assert_int_equal(
        cua_options_read(parse("{" DO ",\"settle_time\":4.5,\"frames_per_inference\":3,"
                               "\"ground_clicks\":true,\"run_id\":\"r\",\"state_key\":\"s\","
                               "\"max_cost\":0.5,\"max_time_minutes\":7}"),
                         200, &cua, &err),
        0);
    assert_true(cua.settle_s == 4.5 && cua.max_cost == 0.5 && cua.ground_clicks);
    assert_int_equal(cua.frames, 3);
    assert_int_equal(cua.max_time_minutes, 7);
    assert_string_equal(cua.run_id, "r");
    assert_string_equal(cua.state_key, "s");
}

/* Each is a field that takes null; settling, sessions and thinking ahead are no switches of the
 * loop. */
static void switches_of_the_loop_are_fields_of_an_instruction(void **state)
{
    int n = 0;
    for (const char *const *name = cua_switches; *name; name++, n++) {
        struct option_field f;
        bool found = false;
        for (size_t i = 0; !found && cua_options_field(i, &f); i++)
            found = !strcmp(f.name, *name) && f.nullable && !strcmp(f.type, "boolean");
        assert_true(found);
    }
    assert_int_equal(n, 7);
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

static json_t *dry_of(const char *document, const char *model, double max_cost)
{
    static const struct intake_config config = {
        .repo_root = "", .env_url = "", .default_micro = ""};
    static const struct identity identity = {"acme__default", "acme__wf", "acme__wf"};
    struct plan *plan;
    assert_int_equal(intake_document(pool, &config, parse(document), "", &plan, &err), 0);
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

static json_t *dry_capped(const char *model, double max_cost)
{
    return dry_of("{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open https://a.test\"},"
                  "{\"type\":\"extract_data\",\"intent\":\"Read\"},"
                  "{\"type\":\"extract_data\",\"intent\":\"Read more\"}]}",
                  model, max_cost);
}

static json_t *dry(const char *model)
{
    return dry_capped(model, 2.5);
}

static const struct estimate_case {
    const char *row, *model;
    double gpu, claude; /* of three steps, two of them extracting */
} estimate_cases[] = {
    {"plans 14 estimate for holo3", "holo3", .012, .04},
    {"plans 14 estimate for fara", "fara", .018, .04},
    {"plans 14 estimate for gemma4-cua", "gemma4-cua", .009, .04},
    {"plans 14 estimate for evocua-8b", "evocua-8b", .012, .04},
    {"plans 14 estimate for evocua-32b", "evocua-32b", .024, .04},
    {"plans 14 estimate for opencua-32b", "opencua-32b", .024, .04},
    {"plans 14 estimate for opencua-72b", "opencua-72b", .045, .04},
    {"plans 14 estimate for claude", "claude", 0, .06},
    {"plans 14 the page brain costs no model", "page", 0, 0},
    {"plans 14 an unknown model is estimated as holo3", "else", .012, .04},
};

static void a_dry_run_estimates_the_price(void **state)
{
    const struct estimate_case *c = *state;
    json_t *cost = json_object_get(dry(c->model), "cost_estimate");
    assert_string_equal(json_str(cost, "cua_model", ""), c->model);
    assert_true(json_num(cost, "gpu_usd", -1) == c->gpu);
    assert_true(json_num(cost, "claude_usd", -1) == c->claude);
    assert_true(json_num(cost, "other_usd", -1) == 0.02);
    double rest = c->gpu + c->claude + 0.02 - json_num(cost, "estimated_total_usd", -1);
    assert_true(rest < 1e-9 && rest > -1e-9);
    assert_true(*json_str(cost, "note", ""));
}

static void an_estimate_above_the_cap_is_said(void **state)
{
    assert_int_equal(json_array_size(json_object_get(dry("opencua-72b"), "warnings")), 0);
    json_t *dear = json_object_get(dry_capped("opencua-72b", 0.1), "warnings");
    assert_int_equal(json_array_size(dear), 1);
    assert_string_equal(
        json_string_value(json_array_get(dear, 0)),
        "the estimate of 0.105 USD is above the max_cost in force, 0.1 USD: the run "
        "would stop at it");
}

/* Of a navigate and two extractions. */
static const struct dry_case {
    const char *row, *object, *key, *want; /* as JSON; NULL: not there */
} dry_cases[] = {
    {"plans 14 dry_run says so", "", "dry_run", "true"},
    {"plans 14 dry_run: tenant_id", "", "tenant_id", "\"acme\""},
    {"plans 14 dry_run: profile_id", "", "profile_id", "\"acme__default\""},
    {"plans 14 dry_run: workflow_id", "", "workflow_id", "\"acme__wf\""},
    {"plans 14 dry_run: cua_model", "", "cua_model", "\"page\""},
    {"plans 14 dry_run: compute_backend", "", "compute_backend", "\"browser_use_plane\""},
    {"plans 14 dry_run mints no run id", "", "run_id", NULL},
    {"plans 14 dry_run: the suite has the profile", "task_suite", "_profile_id",
     "\"acme__default\""},
    {"plans 14 dry_run: the suite has the cap in force", "task_suite", "_max_cost", "2.5"},
    {"plans 14 dry_run: the suite has the time in force", "task_suite", "_max_time_minutes", "7"},
    {"plans 14 plan_summary: step_count", "plan_summary", "step_count", "4"},
    {"plans 14 plan_summary: by_type", "plan_summary", "by_type",
     "{\"extract_data\":2,\"navigate\":1,\"submit\":1}"},
    {"plans 14 plan_summary: with_inline_extract_schema", "plan_summary",
     "with_inline_extract_schema", "1"},
    {"plans 14 plan_summary: gate_steps", "plan_summary", "gate_steps", "1"},
    {"plans 14 plan_summary: required_steps", "plan_summary", "required_steps", "1"},
};

static void a_dry_run_tells_the_plan(void **state)
{
    const struct dry_case *c = *state;
    json_t *doc = dry_of("{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open https://a.test\"},"
                         "{\"type\":\"extract_data\",\"intent\":\"Read\",\"extract\":{\"fields\":[{"
                         "\"name\":\"a\"}]}},{\"type\":\"extract_data\",\"intent\":\"Is it "
                         "there?\",\"gate\":true},{\"type\":\"submit\",\"intent\":\"s\"}]}",
                         "page", 2.5);
    const json_t *object = *c->object ? json_object_get(doc, c->object) : doc;
    const json_t *got = json_object_get(object, c->key);
    if (!c->want)
        assert_null(got);
    else
        assert_string_equal(got ? json_canonical(pool, got) : "nothing", c->want);
    assert_true(*json_str(doc, "next_step", ""));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    static const struct CMUnitTest plain[] = {
        CASE(a_run_takes_what_it_is_told),
        CASE(a_challenger_asked_for_beside_words_is_refused),
        CASE(a_schema_takes_as_much_as_a_recipe),
        CASE(a_run_option_that_is_wrong_is_named),
        CASE(an_instruction_is_taken_at_the_ends_of_every_range),
        CASE(switches_of_the_loop_are_fields_of_an_instruction),
        CASE(an_instruction_that_is_wrong_is_refused_by_name),
        CASE(another_model_than_the_servers_is_refused),
        {"plans 14 Better: an estimate above max_cost is said", an_estimate_above_the_cap_is_said,
         setup, teardown, NULL},
    };
    struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(estimate_cases) + ARRAY_SIZE(dry_cases)];
    struct CMUnitTest *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        *next++ = plain[i];
    for (size_t i = 0; i < ARRAY_SIZE(estimate_cases); i++)
        *next++ = (struct CMUnitTest){estimate_cases[i].row, a_dry_run_estimates_the_price, setup,
                                      teardown, (void *)&estimate_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(dry_cases); i++)
        *next++ = (struct CMUnitTest){dry_cases[i].row, a_dry_run_tells_the_plan, setup, teardown,
                                      (void *)&dry_cases[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
