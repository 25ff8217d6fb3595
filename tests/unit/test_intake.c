#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/task.h"
#include "plan/intake.h"
#include "plan/suite.h"
#include "sys/file.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct err err;
static struct plan *plan;
static char root[64];
static struct intake_config config;

static int setup(void **state)
{
    pool = pool_create(NULL);
    err_clear(&err);
    plan = NULL;
    strcpy(root, "/tmp/mantis-intake-XXXXXX");
    assert_non_null(mkdtemp(root));
    config = (struct intake_config){.repo_root = root,
                                    .env_url = "http://127.0.0.1:4711/",
                                    .default_micro = "",
                                    .max_steps = 200,
                                    .max_loop_iterations = 50,
                                    .max_time_minutes = 60,
                                    .max_cost = 25};
    return 0;
}

static int teardown(void **state)
{
    struct err e = {0};
    assert_int_equal(file_remove_tree(root, &e), 0);
    pool_destroy(pool);
    return 0;
}

static json_t *parse(const char *text)
{
    return json_as_is(pool, text);
}

static int take(const char *document)
{
    err_clear(&err);
    return intake_document(pool, &config, parse(document), "doc", &plan, &err);
}

static int request(const char *body)
{
    err_clear(&err);
    return intake_request(pool, &config, parse(body), &plan, &err);
}

static void put_file(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", root, name);
    char *slash = strrchr(path, '/');
    *slash = 0;
    assert_int_equal(file_mkdirs(path, 0755, &err), 0);
    *slash = '/';
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0644, &err), 0);
}

#define NAV "{\"type\":\"navigate\",\"intent\":\"Open https://Shop.A.test:8080/x\"}"

static void every_shape_becomes_the_same_plan(void **state)
{
    static const char *const shapes[] = {
        "[" NAV "]",
        "{\"steps\":[" NAV "]}",
        "{\"_micro_plan\":[" NAV "],\"tasks\":[],\"base_url\":\"\"}",
        "{\"steps\":[" NAV "],\"runtime\":{}}",
    };
    char first[ID_SHA256_HEX_BYTES];
    for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
        assert_int_equal(take(shapes[i]), 0);
        assert_int_equal(plan->n_steps, 1);
        assert_string_equal(plan->steps[0].section, "setup");
        assert_string_equal(plan->domain, "shop.a.test");
        assert_string_equal(plan->session_name, "micro_shop_a_test");
        assert_string_equal(plan->name, "doc");
        assert_int_equal(json_array_size(plan->warnings), 0);
        if (i == 0)
            strcpy(first, plan->signature);
        assert_string_equal(plan->signature, first);
    }
}

static void the_first_plan_field_that_is_not_empty_wins(void **state)
{
    put_file("a.json", "[{\"type\":\"wait\",\"intent\":\"a\"}]");
    put_file("sub/b.json",
             "{\"steps\":[{\"type\":\"wait\",\"intent\":\"b\"}],\"runtime\":{\"max_cost\":3}}");
    assert_int_equal(request("{\"task_suite\":[" NAV "],\"micro\":\"a.json\"}"), 0);
    assert_string_equal(plan->steps[0].type, "navigate");
    assert_int_equal(
        request("{\"task_suite\":null,\"task_file_contents\":\"\",\"task_file\":\"a.json\"}"), 0);
    assert_string_equal(plan->steps[0].intent, "a");
    assert_string_equal(plan->name, "a");
    assert_int_equal(request("{\"task_suite\":\"\",\"micro\":\"a.json\"}"), 0);
    assert_string_equal(plan->steps[0].intent, "a");
    /* a model's name does not decide which shape it takes */
    assert_int_equal(
        request("{\"cua_model\":\"claude\",\"task_suite\":{\"_micro_plan\":[" NAV "]}}"), 0);
    assert_int_equal(request("{\"task_file_contents\":\"["
                             "{\\\"type\\\":\\\"wait\\\",\\\"intent\\\":\\\"c\\\"}"
                             "]\"}"),
                     0);
    assert_string_equal(plan->steps[0].intent, "c");
    assert_int_equal(request("{\"micro\":\"\",\"micro_path\":\"plans/sub/b.json\"}"), 0);
    assert_string_equal(plan->steps[0].intent, "b");
    assert_true(plan->runtime.max_cost == 3);
    config.default_micro = "a.json";
    assert_int_equal(request("{}"), 0);
    assert_string_equal(plan->steps[0].intent, "a");
}

static void a_request_that_cannot_be_planned_says_why(void **state)
{
    static const struct {
        const char *body;
        int code;
        const char *words;
    } cases[] = {
        {"{}", E_INVALID, "must provide one of task_suite"},
        {"{\"task_suite\":{}}", E_INVALID, "none of 'steps'"},
        {"{\"task_suite\":[]}", E_INVALID, "no steps"},
        {"{\"task_suite\":\"\"}", E_INVALID, "must provide one of task_suite"},
        {"{\"cua_model\":\"holo3\",\"task_suite\":{\"session_name\":\"x\"}}", E_INVALID,
         "none of 'steps'"},
        {"{\"cua_model\":\"claude\",\"task_suite\":{\"_micro_plan\":[],\"tasks\":[]}}", E_INVALID,
         "no steps"},
        {"{\"task_suite\":3}", E_INVALID, "'task_suite' must be"},
        {"{\"micro\":7}", E_INVALID, "'micro' must be a string"},
        {"{\"task_suite\":{\"steps\":{}}}", E_INVALID, "'steps' must be an array"},
        {"{\"task_suite\":{\"tasks\":[{\"intent\":\"x\"}]}}", E_INVALID, "task 0: 'task_id'"},
        {"{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\"}]}}", E_INVALID, "task 0: 'intent'"},
        {"{\"task_suite\":{\"tasks\":{\"a\":1}}}", E_INVALID, "'tasks' must be an array"},
        {"{\"task_suite\":{\"tasks\":[5]}}", E_INVALID, "task 0: it is not an object"},
        {"{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\",\"intent\":\"x\"},{\"task_id\":\"a\","
         "\"intent\":\"x\"}]}}",
         E_INVALID, "the same task_id"},
        {"{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\",\"intent\":\"x\",\"verify\":{\"type\":"
         "\"looks_good\",\"value\":\"x\"}}]}}",
         E_INVALID, "not 'looks_good'"},
        {"{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\",\"intent\":\"x\",\"start_url\":\"/"
         "login\"}]}}",
         E_INVALID, "base_url"},
        {"{\"task_suite\":[{\"type\":\"task\",\"intent\":\"x\"}]}", E_INVALID, "no step of a plan"},
        {"{\"plan_text\":\"go to the shop\"}", E_INVALID,
         "'plan_text': \"go to the shop\" is not understood"},
        {"{\"micro\":\"p.txt\"}", E_INVALID, "'micro': \"go to the shop\" is not understood"},
        {"{\"micro\":\"secret\"}", E_INVALID, "'micro': the file is no prose"},
        {"{\"micro\":\"none.txt\"}", E_NOT_FOUND, "no plan file 'none.txt'"},
        {"{\"micro\":\"../../etc/passwd\"}", E_INVALID, "stay inside the plan folder"},
        {"{\"micro\":\"/etc/passwd\"}", E_INVALID, "stay inside the plan folder"},
        {"{\"micro\":\"nope.json\"}", E_NOT_FOUND, "'nope.json'"},
        {"{\"micro\":\"bad.json\"}", E_INVALID, "plan file 'bad.json' is not valid JSON"},
        {"{\"task_file\":\"secret\"}", E_INVALID, "plan file 'secret' is not valid JSON"},
        {"{\"task_file_contents\":\"[\"}", E_INVALID, "'task_file_contents' is not valid JSON"},
        {"{\"task_suite\":[3]}", E_INVALID, "step 0 is not an object"},
        {"{\"task_suite\":[" NAV ",{\"type\":\"click\"}]}", E_INVALID,
         "step 1: 'intent' is missing"},
        {"{\"task_suite\":[{\"intent\":\"x\"}]}", E_INVALID, "step 0: 'type' is missing"},
        {"{\"task_suite\":[{\"intent\":\"x\",\"type\":5}]}", E_INVALID,
         "step 0: 'type' must be a string"},
        {"{\"task_suite\":[{\"intent\":\"x\",\"type\":\"wait\",\"budget\":\"much\"}]}", E_INVALID,
         "step 0: 'budget'"},
        {"{\"task_suite\":[{\"intent\":\"x\",\"type\":\"wait\",\"steps\":[" NAV "]}]}", E_INVALID,
         "only a loop"},
        {"{\"task_suite\":[" NAV "],\"max_cost\":0}", E_INVALID, "'max_cost' must be more than 0"},
        {"{\"task_suite\":[" NAV "],\"max_time_minutes\":-1}", E_INVALID, "'max_time_minutes'"},
        {"{\"task_suite\":[" NAV "],\"max_time_minutes\":1.5}", E_INVALID, "'max_time_minutes'"},
        {"{\"task_suite\":[" NAV "],\"compute_backend\":\"moon\"}", E_INVALID, "'moon'"},
        {"{\"task_suite\":{\"steps\":[" NAV "],\"runtime\":[]}}", E_INVALID, "'runtime' must be"},
        {"{\"task_suite\":{\"steps\":[" NAV "],\"runtime\":{\"max_cost\":-2}}}", E_INVALID,
         "'max_cost'"},
    };
    put_file("bad.json", "[1,");
    put_file("secret", "password");
    put_file("p.txt", "go to the shop");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(request(cases[i].body), cases[i].code);
        if (!strstr(err.msg, cases[i].words))
            fail_msg("%s gave '%s'", cases[i].body, err.msg);
    }
    assert_null(strstr(err.msg, "password"));
}

static void a_step_no_run_could_carry_out_is_refused(void **state)
{
    static const struct {
        const char *step, *words;
    } cases[] = {
        {"\"type\":\"loop\",\"loop_target\":2", "loop_target 2 is outside the plan's 2 steps"},
        {"\"type\":\"loop\",\"loop_target\":99", "loop_target 99 is outside the plan's 2 steps"},
        {"\"type\":\"loop\",\"params\":{\"loop_target\":-2}", "'loop_target' must be -1.."},
        {"\"type\":\"click\",\"budget\":-4", "'budget' must be 0..1000000, not -4"},
        {"\"type\":\"click\",\"guard\":true", "'guard' must be a string"},
        {"\"type\":\"click\",\"params\":{\"guard\":[]}", "'guard' must be a string"},
        {"\"type\":\"detect_visible\",\"hints\":{\"out_var\":1}", "'out_var' must be a string"},
        {"\"type\":\"click\",\"gate\":\"maybe\"", "'gate' must be true or false"},
        {"\"type\":\"wait\",\"seconds\":-5", "'seconds' must be a number, 0..600"},
        {"\"type\":\"wait\",\"seconds\":1e12", "'seconds' must be a number, 0..600"},
        {"\"type\":\"wait\",\"params\":{\"seconds\":\"long\"}", "'seconds' must be a number"},
        {"\"type\":\"extract_data\",\"extract\":\"phone\"", "'extract' must be an object"},
        {"\"type\":\"extract_data\",\"extract\":{\"fields\":\"phone\"}", "fields must be a list"},
        {"\"type\":\"extract_data\",\"extract\":{\"fields\":[5]}", "fields[0]: must be an object"},
        {"\"type\":\"extract_data\",\"extract\":{\"fields\":[{\"type\":\"str\"}]}",
         "'extract': fields[0] has no name"},
        {"\"type\":\"extract_rows\",\"extract\":{\"fields\":[\"a\"],\"max_items\":-3}",
         "max_items must be"},
        {"\"type\":\"extract_rows\",\"extract\":{\"fields\":[\"a\"],\"max_items\":1e12}",
         "max_items must be"},
        {"\"type\":\"navigate\",\"url\":\"file:///etc/passwd\"", "'file:' cannot be opened"},
        {"\"type\":\"navigate\",\"url\":\"javascript:alert(1)\"", "'javascript:' cannot be"},
        {"\"type\":\"navigate\",\"url\":\"chrome://version\"", "'chrome:' cannot be opened"},
        {"\"type\":\"navigate\",\"url\":\"{{OTHER}}/x\"", "'{{OTHER}}', which nothing"},
        {"\"type\":\"navigate\",\"url\":\"http://{{OTHER}}/x\"", "'{{OTHER}}', which nothing"},
        {"\"type\":\"navigate\",\"url\":7", "params.url as a string"},
        {"\"type\":\"navigate\",\"url\":\"shop\"", "'shop' is not an http or https address"},
        {"\"type\":\"fill_field\"", "fill_field needs params.value as text"},
        {"\"type\":\"fill_field\",\"params\":{\"value\":null}", "params.value as text"},
        {"\"type\":\"fill_field\",\"params\":{\"value\":{}}", "params.value as text"},
        {"\"type\":\"key_press\"", "key_press needs 'keys'"},
        {"\"type\":\"key_press\",\"params\":{\"keys\":\"hyper+q\"}", "unknown key 'hyper'"},
        {"\"type\":\"type_text\"", "type_text needs 'text'"},
        {"\"type\":\"tool_call\",\"args\":{}", "tool_call needs 'name'"},
        {"\"type\":\"drag\"", "drag needs params.start_label and params.end_label"},
        {"\"type\":\"drag\",\"params\":{\"start_label\":\"a\"}", "drag needs params.start_label"},
        {"\"type\":\"drag\",\"params\":{\"start_x\":1,\"start_y\":2}", "drag needs params.start_label"},
        {"\"type\":\"select_option\",\"params\":{\"label\":\"Year\"}",
         "select_option needs params.option_label"},
        {"\"type\":\"select_option\",\"params\":{\"option_label\":[]}",
         "select_option needs params.option_label"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *body =
            pool_printf(pool, "{\"task_suite\":[" NAV ",{\"intent\":\"x\",%s}]}", cases[i].step);
        if (request(body) != E_INVALID || !str_starts(err.msg, "step 1: ") ||
            !strstr(err.msg, cases[i].words))
            fail_msg("%s gave '%s'", body, err.msg);
    }
    const char *ways[] = {"file:///etc/passwd", "{{OTHER}}", "chrome://version"};
    for (size_t i = 0; i < ARRAY_SIZE(ways); i++)
        assert_int_equal(request(pool_printf(pool,
                                             "{\"task_suite\":[{\"type\":\"navigate\","
                                             "\"intent\":\"Open %s\"}]}",
                                             ways[i])),
                         E_INVALID);
    char *words = pool_alloc(pool, CAP_INTENT_BYTES + 2);
    memset(words, 'x', CAP_INTENT_BYTES + 1);
    const char *form = "{\"task_suite\":[{\"type\":\"wait\",\"intent\":\"%s\"}]}";
    assert_int_equal(request(pool_printf(pool, form, words)), E_INVALID);
    assert_non_null(strstr(err.msg, "step 0: 'intent' must be at most 4096 bytes"));
    words[CAP_INTENT_BYTES] = 0;
    assert_int_equal(request(pool_printf(pool, form, words)), 0);
}

static void a_number_to_be_typed_becomes_text_and_lenient_words_pass(void **state)
{
    static const char *const values[][2] = {{"5", "5"}, {"19.99", "19.99"}, {"\"\"", ""}};
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        assert_int_equal(request(pool_printf(pool,
                                             "{\"task_suite\":[{\"type\":\"fill_field\","
                                             "\"intent\":\"x\",\"params\":{\"value\":%s}}]}",
                                             values[i][0])),
                         0);
        assert_string_equal(json_str(plan->steps[0].params, "value", "?"), values[i][1]);
    }
    assert_int_equal(request("{\"task_suite\":[{\"type\":\"click\",\"intent\":\"x\","
                             "\"gate\":\"yes\",\"params\":[],\"hints\":\"x\"},"
                             "{\"type\":\"loop\",\"intent\":\"again\",\"loop_target\":-1},"
                             "{\"type\":\"navigate\",\"intent\":\"Open https://a.test/\","
                             "\"url\":\"/relative\"},"
                             "{\"type\":\"wait\",\"intent\":\"x\",\"seconds\":900}]}"),
                     0);
    assert_true(plan->steps[0].gate);
    const char *lines = json_text(pool, plan->warnings);
    assert_non_null(strstr(lines, "step 0: 'params' is not an object and is ignored"));
    assert_non_null(strstr(lines, "step 0: 'hints' is not an object and is ignored"));
    assert_non_null(strstr(lines, "step 3: a wait of 900 seconds is cut to 600"));
}

static void a_word_that_means_nothing_there_is_warned_about(void **state)
{
    static const struct {
        const char *step, *words; /* NULL: no warning */
    } cases[] = {
        {"'type':'click','params':{'kind':'lever'}",
         "params.kind 'lever' is not one of button, nav_link, tab, menu_item, row_link, cell_link"},
        {"'type':'submit','params':{'kind':'lever'}", "params.kind 'lever'"},
        {"'type':'click','hints':{'layout':'list'}", "'list' is not one of listings, single"},
        {"'type':'click','hints':{'region':'nowhere'}", "hints.region 'nowhere'"},
        {"'type':'scroll','params':{'direction':'sideways'}", "'sideways' is not one of up, down"},
        {"'type':'drag','params':{'start_label':'a','end_label':'b','end_position':'left'}", "'left' is not one of above, below"},
        {"'type':'capture_link_in_new_tab','emit':'all'", "params.emit 'all'"},
        {"'type':'capture_link_in_new_tab','on_no_navigation':'cry'", "params.on_no_navigation 'cry'"},
        {"'type':'click','params':{'kind':'tab'},'hints':{'region':'form-footer','layout':'single'}",
         NULL},
        {"'type':'click','hints':{'region':{'x':1,'y':1,'w':9,'h':9}}", NULL},
        {"'type':'wait','params':{'kind':'lever','direction':'sideways'}", NULL},
        {"'type':'detect_visible'", "step 0: detect_without_out_var: "},
        {"'type':'detect_visible','out_var':'v'", NULL},
        {"'type':'tool_call','name':'fly'", "step 0: unknown_tool: there is no tool 'fly'"},
        {"'type':'tool_call','name':'request_user_input'", NULL},
        {"'type':'capture_link_in_new_tab'", "step 0: link_without_target: "},
        {"'type':'capture_link_in_new_tab','source_selector':'a'", NULL},
        {"'type':'capture_link_in_new_tab','params':{'label':'About'}", NULL},
        {"'type':'type_text','params':{'text':'{{usr_input}}'}", "unknown_placeholder: nothing replaces '{{usr_input}}'"},
        {"'type':'fill_field','params':{'label':'L','value':'a {{typo}} b'}", "replaces '{{typo}}'"},
        {"'type':'click','params':{'label':'L','aliases':['x','{{deep}}']}", "replaces '{{deep}}'"},
        {"'type':'fill_field','params':{'label':'L','value':'{{user_input}} {x}'}", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *body = pool_printf(pool, "{'task_suite':[{'intent':'x',%s}]}", cases[i].step);
        for (char *p = body; (p = strchr(p, '\'')); p++)
            *p = '"';
        if (request(body))
            fail_msg("%s: %s", body, err.msg);
        const char *told = json_text(pool, plan->warnings);
        if (cases[i].words ? !strstr(told, cases[i].words) : json_array_size(plan->warnings) != 0)
            fail_msg("%s gave %s", body, told);
    }
}

static void a_plan_path_stays_inside_its_root(void **state)
{
    char *out, link[128];
    put_file("in/x.json", "[]");
    snprintf(link, sizeof(link), "%s/out.json", root);
    assert_int_equal(symlink("/etc/passwd", link), 0);
    snprintf(link, sizeof(link), "%s/same.json", root);
    assert_int_equal(symlink("in/x.json", link), 0);
    assert_int_equal(intake_resolve_path(pool, root, "in/x.json", &out, &err), 0);
    assert_int_equal(intake_resolve_path(pool, root, "plans/in/x.json", &out, &err), 0);
    assert_int_equal(intake_resolve_path(pool, root, "same.json", &out, &err), 0);
    assert_int_equal(intake_resolve_path(pool, root, "out.json", &out, &err), E_INVALID);
    assert_int_equal(intake_resolve_path(pool, root, "/etc/passwd", &out, &err), E_INVALID);
    assert_int_equal(intake_resolve_path(pool, root, "in/../in/x.json", &out, &err), E_INVALID);
    assert_int_equal(intake_resolve_path(pool, root, "..", &out, &err), E_INVALID);
    assert_int_equal(intake_resolve_path(pool, "", "in/x.json", &out, &err), E_INVALID);
    assert_int_equal(intake_resolve_path(pool, root, "in", &out, &err), E_NOT_FOUND);
    assert_int_equal(intake_resolve_path(pool, root, "plans/none.json", &out, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "'plans/none.json'"));
    assert_null(strstr(err.msg, root));
}

static void the_cap_on_steps_is_named(void **state)
{
    json_t *steps = json_array();
    for (int i = 0; i < 201; i++)
        json_push(steps,
                  json_pack("{s:s,s:s}", "type", "wait", "intent", pool_printf(pool, "%d", i)));
    assert_int_equal(intake_document(pool, &config, json_keep(pool, steps), "", &plan, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "MANTIS_MAX_STEPS_PER_PLAN"));
    assert_non_null(strstr(err.msg, "200"));
    json_array_remove(steps, 0);
    assert_int_equal(intake_document(pool, &config, steps, "", &plan, &err), 0);
    assert_int_equal(plan->n_steps, 200);
    for (int i = 0; i < 200; i++)
        assert_string_equal(plan->steps[i].intent, pool_printf(pool, "%d", i + 1));
    config.max_steps = 3;
    assert_int_equal(
        take("[{\"type\":\"loop\",\"intent\":\"x\",\"steps\":[" NAV "," NAV "," NAV "]}]"),
        E_INVALID);
}

static void types_bring_their_defaults(void **state)
{
    static const struct {
        const char *type, *section;
        bool grounding, claude_only, required;
    } cases[] = {
        {"navigate", "setup", false, false, false},
        {"click", "extraction", true, false, false},
        {"submit", "setup", true, false, true},
        {"fill_field", "setup", true, false, true},
        {"filter", "setup", true, false, true},
        {"paginate", "pagination", true, false, false},
        {"extract_url", "extraction", false, true, false},
        {"extract_data", "extraction", false, true, false},
        {"extract_rows", "", false, false, false},
        {"loop", "", false, false, false},
        {"detect_visible", "", false, true, false},
        {"select_option", "setup", true, false, true},
        {"request_user_input", "setup", false, false, true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[128];
        snprintf(text, sizeof(text), "[{\"type\":\"%s\",\"intent\":\"x\"}]", cases[i].type);
        assert_int_equal(take(text), 0);
        const struct step *s = &plan->steps[0];
        assert_string_equal(s->section, cases[i].section);
        assert_int_equal(s->grounding, cases[i].grounding);
        assert_int_equal(s->claude_only, cases[i].claude_only);
        assert_int_equal(s->required, cases[i].required);
        assert_int_equal(s->budget, 5);
        assert_int_equal(s->loop_target, -1);
        assert_false(s->gate);
    }
}

static void aliases_and_authoring_keys_reach_their_place(void **state)
{
    assert_int_equal(
        take("[{\"step_type\":\"wait\",\"intent\":\"x\",\"expected_outcome\":\"v\",\"reverse_"
             "action\":\"escape\","
             "\"seconds\":2,\"max_steps\":9,\"hint\":\"the blue one\",\"params\":{\"guard\":\"g\"},"
             "\"hints\":{\"out_var\":\"o\"}},"
             "{\"action\":\"navigate\",\"intent\":\"Open\",\"url\":\"https://a.test/"
             "\",\"wait_for_load\":true},"
             "{\"type\":\"loop\",\"intent\":\"x\",\"params\":{\"loop_target\":1,\"loop_count\":"
             "\"3\"},\"hints\":7}]"),
        0);
    const struct step *s = plan->steps;
    assert_string_equal(s[0].verify, "v");
    assert_string_equal(s[0].reverse, "escape");
    assert_string_equal(s[0].intent, "x (the blue one)");
    assert_string_equal(s[0].guard, "g");
    assert_string_equal(s[0].out_var, "o");
    assert_int_equal(s[0].budget, 9);
    assert_int_equal(json_int(s[0].params, "seconds", 0), 2);
    assert_string_equal(json_str(s[1].params, "url", ""), "https://a.test/");
    assert_true(json_flag(s[1].params, "wait_for_load", false));
    assert_int_equal(s[2].loop_target, 1);
    assert_int_equal(s[2].loop_count, 3);
    assert_int_equal(json_object_size(s[2].hints), 0);
    assert_int_equal(json_array_size(plan->warnings), 1);
}

static void an_extracting_step_that_checks_is_a_gate_unless_it_says_no(void **state)
{
    assert_int_equal(take("[{\"type\":\"extract_data\",\"intent\":\"VERIFY that results show\"},"
                          "{\"type\":\"extract_data\",\"intent\":\"verify\",\"gate\":false},"
                          "{\"type\":\"click\",\"intent\":\"verify\"}]"),
                     0);
    assert_true(plan->steps[0].gate);
    assert_false(plan->steps[1].gate);
    assert_false(plan->steps[2].gate);
}

static void nested_loops_become_flat_steps_with_true_targets(void **state)
{
    /* authored 0 navigate, 1 loop{a, loop{b}, c}, 2 loop back to 1, 3 if_else to the end and to 2
     */
    assert_int_equal(
        take("[" NAV ",{\"type\":\"loop\",\"intent\":\"outer\",\"loop_count\":2,\"steps\":["
             "{\"type\":\"wait\",\"intent\":\"a\"},"
             "{\"type\":\"loop\",\"intent\":\"inner\",\"steps\":[{\"type\":\"wait\",\"intent\":"
             "\"b\"}]},"
             "{\"type\":\"loop\",\"intent\":\"c\",\"loop_target\":1}]},"
             "{\"type\":\"loop\",\"intent\":\"again\",\"loop_target\":1},"
             "{\"type\":\"if_else\",\"intent\":\"?\",\"then_target\":4,\"else_target\":2}]"),
        0);
    static const char *const intents[] = {"a", "b", "inner", "c", "outer", "again", "?"};
    static const int targets[] = {-1, -1, 2, 2, 1, 1, -1};
    assert_int_equal(plan->n_steps, 8);
    for (size_t i = 0; i < ARRAY_SIZE(intents); i++) {
        assert_string_equal(plan->steps[i + 1].intent, intents[i]);
        assert_int_equal(plan->steps[i + 1].loop_target, targets[i]);
    }
    assert_int_equal(plan->steps[7].then_target, 8);
    assert_int_equal(plan->steps[7].else_target, 6);
}

static void a_budget_below_zero_is_refused(void **state)
{
    assert_int_equal(request("{\"brain_budgets\":{\"click\":-1},\"task_suite\":[" NAV "]}"),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "'brain_budgets.click'"));
}

static void caller_beats_plan_and_caps_beat_both(void **state)
{
    const char *suite =
        "{\"task_suite\":{\"steps\":[" NAV "],\"runtime\":{\"max_cost\":4,\"max_time_minutes\":90,"
        "\"compute_backend\":\"computer_plane\",\"pause_on_captcha\":\"no\",\"brain_budgets\":{"
        "\"click\":3,"
        "\"scroll\":0}}}%s}";
    char text[1024];
    snprintf(text, sizeof(text), suite, "");
    assert_int_equal(request(text), 0);
    assert_true(plan->runtime.max_cost == 4);
    assert_int_equal(plan->runtime.max_time_minutes, 60);
    assert_string_equal(plan->runtime.compute_backend, "computer_plane");
    assert_true(plan->runtime.has_pause_on_captcha && !plan->runtime.pause_on_captcha);
    assert_string_equal(json_text(pool, plan->runtime.brain_budgets), "{\"click\":3}");
    snprintf(text, sizeof(text), suite,
             ",\"max_cost\":\"2.5\",\"max_time_minutes\":20.0,\"compute_backend\":\"browser_use_"
             "plane\",\"plan_name\":\"p\"");
    assert_int_equal(request(text), 0);
    assert_true(plan->runtime.max_cost == 2.5);
    assert_int_equal(plan->runtime.max_time_minutes, 20);
    assert_string_equal(plan->runtime.compute_backend, "browser_use_plane");
    assert_string_equal(plan->name, "p");
    snprintf(text, sizeof(text), suite, ",\"max_cost\":null,\"max_time_minutes\":99");
    assert_int_equal(request(text), 0);
    assert_true(plan->runtime.max_cost == 4);
    assert_int_equal(plan->runtime.max_time_minutes, 60);
}

static void suite_keys_apply_and_identities_in_them_are_ignored(void **state)
{
    assert_int_equal(
        take("{\"_micro_plan\":[{\"type\":\"extract_data\",\"intent\":\"read\"}],\"_max_cost\":99,"
             "\"_settle_ceiling_seconds\":3,\"_profile_id\":\"other__x\",\"_resume_state\":true,"
             "\"_checkpoint_path\":\"/etc/x\",\"_site_config\":{\"detail_page_pattern\":\"/b/\"},"
             "\"_extraction_schema\":{\"fields\":[{\"name\":\"t\"}]},\"_plan_name\":\"q\",\"zzz\":"
             "1}"),
        0);
    assert_true(plan->runtime.max_cost == 25);
    assert_true(plan->runtime.settle_ceiling_s == 3);
    assert_string_equal(json_str(plan->site_config, "detail_page_pattern", ""), "/b/");
    assert_int_equal(json_object_size(plan->steps[0].extract), 1);
    assert_string_equal(plan->name, "q");
    const char *lines = json_text(pool, plan->warnings);
    assert_non_null(strstr(lines, "'_profile_id' is ignored"));
    assert_non_null(strstr(lines, "'_resume_state' is ignored"));
    assert_non_null(strstr(lines, "'_checkpoint_path' is ignored"));
    assert_non_null(strstr(lines, "unknown key 'zzz'"));
    assert_non_null(strstr(lines, "max_cost 99"));
    assert_null(strstr(lines, "_plan_name"));
}

static void a_challenger_of_one_run_is_refused(void **state)
{
    static const char *const asked[] = {"\"_challenger_model\":\"m:/merged.gguf\"", "\"_lora_adapter\":\"/x.gguf\"",
                                        "\"_lora_name\":\"challenger\"", "\"_lora_scale\":0.5", "\"_lora_max_rank\":64",
                                        "\"_lora_adapter\":\"\""};
    for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
        const char *text = pool_printf(pool, "{\"_micro_plan\":[{\"type\":\"extract_data\",\"intent\":\"read\"}],%s}", asked[i]);
        assert_int_equal(take(text), E_INVALID);
        assert_non_null(strstr(err.msg, pool_strndup(pool, asked[i] + 1, strcspn(asked[i] + 1, "\""))));
        assert_non_null(strstr(err.msg, "asks for another model in this run"));
    }
    assert_int_equal(take("{\"_micro_plan\":[{\"type\":\"extract_data\",\"intent\":\"read\"}],\"_lora_adapter\":null}"), 0);
}

static void unknown_things_are_warned_about_and_counts_are_clamped(void **state)
{
    assert_int_equal(
        take("[{\"type\":\"dance\",\"intent\":\"x\",\"colour\":1},"
             "{\"type\":\"loop\",\"intent\":\"y\",\"loop_target\":0,\"loop_count\":51}]"),
        0);
    assert_int_equal(plan->steps[1].loop_count, 50);
    const char *lines = json_text(pool, plan->warnings);
    assert_non_null(strstr(lines, "step 0: unknown_step_type 'dance'"));
    assert_non_null(strstr(lines, "step 0: unknown key 'colour'"));
    assert_non_null(strstr(lines, "step 1: loop_count 51"));

    json_t *step = json_pack("{s:s,s:s}", "type", "wait", "intent", "x"), *list = json_array();
    for (int i = 0; i < 500; i++)
        json_put_int(step, pool_printf(pool, "k%d", i), 1);
    json_push(list, step);
    assert_int_equal(intake_document(pool, &config, json_keep(pool, list), "", &plan, &err), 0);
    assert_int_equal(json_array_size(plan->warnings), CAP_PLAN_WARNINGS + 1);
}

static void a_loop_without_a_count_is_held_to_the_cap_too(void **state)
{
    config.max_loop_iterations = 12;
    assert_int_equal(
        take("[" NAV
             ",{\"type\":\"loop\",\"intent\":\"y\",\"section\":\"extraction\",\"loop_target\":0},"
             "{\"type\":\"loop\",\"intent\":\"y\",\"section\":\"pagination\",\"loop_target\":0},"
             "{\"type\":\"loop\",\"intent\":\"y\",\"section\":\"other\",\"loop_target\":0}]"),
        0);
    assert_int_equal(plan->steps[1].loop_count, 12); /* instead of 30 */
    assert_int_equal(plan->steps[2].loop_count, 0);  /* 10 is less */
    assert_int_equal(plan->steps[3].loop_count, 12); /* instead of 50 */
    assert_int_equal(json_array_size(plan->warnings), 2);
    assert_non_null(strstr(json_text(pool, plan->warnings), "step 1: loop_count 30 by default"));
}

static void the_practice_site_address_is_filled_in_everywhere(void **state)
{
    const char *text =
        "{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open {{ENV_URL}}/a and {{ENV_URL}}/b\","
        "\"hints\":{\"expect_url_contains\":[\"{{ENV_URL}}/a\"]}}]}";
    assert_int_equal(take(text), 0);
    assert_string_equal(plan->steps[0].intent,
                        "Open http://127.0.0.1:4711/a and http://127.0.0.1:4711/b");
    assert_string_equal(json_text(pool, plan->steps[0].hints),
                        "{\"expect_url_contains\":[\"http://127.0.0.1:4711/a\"]}");
    config.env_url = "";
    assert_int_equal(take(text), E_INVALID);
    assert_non_null(strstr(err.msg, "MANTIS_ENV_URL"));
}

static void signatures_match_the_published_vectors(void **state)
{
    char hex[ID_SHA256_HEX_BYTES];
    intake_signature(parse("[{\"a\":1.5,\"intent\":\"Zo\\u00eb \\ud83d\\ude00\"}]"), hex);
    assert_string_equal(hex, "d4f6ad614d4f82cfaede7f043975ff5894267260b41514dd42e45a621a28de9c");
    intake_signature(
        parse(
            "[{\"budget\":5,\"claude_only\":false,\"extract\":{},\"gate\":false,\"grounding\":"
            "false,"
            "\"guard\":\"\",\"hints\":{},\"intent\":\"Open https://a.test/\",\"loop_count\":0,"
            "\"loop_target\":-1,\"out_var\":\"\",\"params\":{},\"required\":false,\"reverse\":\"\","
            "\"section\":\"setup\",\"stop_var\":\"\",\"type\":\"navigate\",\"verify\":\"\"}]"),
        hex);
    assert_string_equal(hex, "5e631e25bc9decc477edfc4c50009c41ce0cf469f588a876d0e1bc4671ba92a7");
}

static void a_signature_covers_every_field_that_changes_what_happens(void **state)
{
    static const char *const extra[] = {
        "\"extract\":{\"fields\":[{\"name\":\"t\"}]}",
        "\"guard\":\"g\"",
        "\"out_var\":\"o\"",
        "\"stop_var\":\"s\"",
        "\"condition_var\":\"c\"",
        "\"then_target\":0",
        "\"else_target\":0",
        "\"params\":{\"a\":1}",
        "\"hints\":{\"a\":1}",
        "\"verify\":\"v\"",
        "\"budget\":6",
        "\"required\":true",
    };
    assert_int_equal(take("[{\"type\":\"wait\",\"intent\":\"x\"}]"), 0);
    char plain[ID_SHA256_HEX_BYTES];
    strcpy(plain, plan->signature);
    assert_int_equal(take("[{\"intent\":\"x\",\"type\":\"wait\",\"budget\":5,\"notes\":\"n\"}]"),
                     0);
    assert_string_equal(plan->signature, plain);
    for (size_t i = 0; i < ARRAY_SIZE(extra); i++) {
        assert_int_equal(
            take(pool_printf(pool, "[{\"type\":\"wait\",\"intent\":\"x\",%s}]", extra[i])), 0);
        assert_string_not_equal(plan->signature, plain);
    }
}

static void no_spelling_hides_the_host_of_an_address(void **state)
{
    static const char *const cases[][2] = {
        {"https://A.test./x", "a.test"},
        {"HTTP://b.test:81\\\\p", "b.test"},
        {"https://good.test@evil.test:443/", "evil.test"},
        {"https:///slashes.test/", "slashes.test"},
        {"http://[2001:db8::1]:8080/", "[2001:db8::1]"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(take(pool_printf(pool,
                                          "[{\"type\":\"navigate\",\"intent\":\"Open\","
                                          "\"params\":{\"url\":\"%s\"}}]",
                                          cases[i][0])),
                         0);
        assert_string_equal(plan->domain, cases[i][1]);
    }
}

/* A caller with a list of hosts is told of a wrong one before he is told what is not understood. */
static void the_source_is_there_even_when_no_plan_comes_of_it(void **state)
{
    struct intake_source source;
    json_t *body = parse("{\"plan_text\":\"Juggle https://a.test\"}");
    assert_int_equal(intake_read(pool, &config, body, &source, &err), E_INVALID);
    assert_null(source.document);
    assert_string_equal(source.prose, "Juggle https://a.test");
    err_clear(&err);
    body = parse("{\"plan_text\":\"Open a.test\"}");
    assert_int_equal(intake_read(pool, &config, body, &source, &err), 0);
    assert_non_null(strstr(json_text(pool, source.document), "https://a.test"));

    body = parse("{\"task_suite\":{\"tasks\":[{\"start_url\":\"{{ENV_URL}}/x\"}]}}");
    assert_int_equal(intake_read(pool, &config, body, &source, &err), 0);
    assert_string_equal(json_text(pool, source.document),
                        "{\"tasks\":[{\"start_url\":\"http://127.0.0.1:4711/x\"}]}");
    assert_int_equal(intake_build(pool, &config, body, &source, &plan, &err), E_INVALID);

    put_file("plans/a.json", "[" NAV "]");
    body = parse("{\"micro\":\"plans/a.json\"}");
    assert_int_equal(intake_read(pool, &config, body, &source, &err), 0);
    assert_string_equal(source.name, "a");
    assert_int_equal(json_array_size(source.document), 1);
}

static void raw_prose_is_held_to_its_words(void **state)
{
    char text[800] = "";
    for (int i = 0; i < CAP_RAW_PROSE_WORDS; i++)
        strcat(text, "word ");
    assert_int_equal(request(pool_printf(pool, "{\"plan_text\":\"%s\",\"decompose\":false}", text)),
                     0);
    assert_int_equal(
        request(pool_printf(pool, "{\"plan_text\":\"%sone\",\"decompose\":false}", text)),
        E_INVALID);
    assert_non_null(strstr(err.msg, "80 words"));
    assert_int_equal(request(pool_printf(pool,
                                         "{\"plan_text\":\"%sone\",\"decompose\":false,"
                                         "\"allow_raw_long_plan\":true}",
                                         text)),
                     0);
    assert_int_equal(plan->n_steps, 1);
    assert_string_equal(plan->session_name, "plan_text_raw");
}

static const char suite_body[] =
    "{\"max_steps\":9,\"task_suite\":{\"base_url\":\"http://shop.test/start\",\"tasks\":["
    "{\"task_id\":\"login\",\"intent\":\"Log "
    "in\",\"save_session\":true,\"verify\":{\"type\":\"url_contains\","
    "\"value\":\"/home\"}},"
    "{\"task_id\":\"buy\",\"intent\":\"Buy "
    "it\",\"start_url\":\"/cart?x=1\",\"max_steps\":4,\"colour\":1}],"
    "\"auth\":{\"user\":\"x\"}}}";

static void a_suite_of_tasks_becomes_steps(void **state)
{
    assert_int_equal(request(suite_body), 0);
    assert_true(plan_is_suite(plan));
    assert_int_equal(plan->n_steps, 2);
    assert_string_equal(plan->session_name, "suite_shop_test");
    assert_string_equal(plan->steps[0].intent, "Log in");
    assert_int_equal(plan->steps[0].budget, 9); /* the request's max_steps, at most 15 */
    assert_int_equal(plan->steps[1].budget, 4);
    assert_string_equal(json_str(plan->steps[0].params, "start_url", ""), "http://shop.test/start");
    assert_string_equal(json_str(plan->steps[1].params, "start_url", ""),
                        "http://shop.test/cart?x=1");
    const char *warnings = json_text(pool, plan->warnings);
    assert_non_null(strstr(warnings, "task 1: unknown key 'colour'"));
    assert_non_null(strstr(warnings, "'auth' is ignored"));
}

static void a_suite_with_steps_runs_its_steps(void **state)
{
    assert_int_equal(request("{\"task_suite\":{\"_micro_plan\":[" NAV "],\"tasks\":[{\"task_id\":"
                             "\"a\",\"intent\":\"x\"}]}}"),
                     0);
    assert_false(plan_is_suite(plan));
    assert_non_null(strstr(json_text(pool, plan->warnings), "'tasks' is ignored"));
}

/* What is asked of a task is part of what it is: the proof too. */
static void a_suite_signature_covers_the_tasks(void **state)
{
    char first[ID_SHA256_HEX_BYTES];
    static const char *const bodies[] = {
        "{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\",\"intent\":\"x\"}]}}",
        "{\"task_suite\":{\"tasks\":[{\"task_id\":\"b\",\"intent\":\"x\"}]}}",
        "{\"task_suite\":{\"tasks\":[{\"task_id\":\"a\",\"intent\":\"x\",\"verify\":{\"type\":"
        "\"url_exact\","
        "\"value\":\"y\"}}]}}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        assert_int_equal(request(bodies[i]), 0);
        if (i)
            assert_string_not_equal(plan->signature, first);
        else
            memcpy(first, plan->signature, sizeof(first));
    }
}

static void a_shared_schema_goes_to_steps_without_one(void **state)
{
    char before[ID_SHA256_HEX_BYTES];
    assert_int_equal(take("[" NAV ",{\"type\":\"extract_data\",\"intent\":\"Read\"},"
                          "{\"type\":\"extract_data\",\"intent\":\"Read\",\"extract\":"
                          "{\"fields\":[{\"name\":\"own\"}]}}]"),
                     0);
    memcpy(before, plan->signature, sizeof(before));
    intake_share_schema(pool, plan, parse("{\"fields\":[{\"name\":\"title\"}]}"));
    assert_int_equal(json_object_size(plan->steps[0].extract), 0);
    assert_string_equal(json_text(pool, plan->steps[1].extract),
                        "{\"fields\":[{\"name\":\"title\"}]}");
    assert_string_equal(json_text(pool, plan->steps[2].extract),
                        "{\"fields\":[{\"name\":\"own\"}]}");
    assert_string_not_equal(before, plan->signature);
}

static void a_plan_is_shown_as_the_suite_it_stands_for(void **state)
{
    assert_int_equal(take("{\"steps\":[" NAV ",{\"type\":\"extract_data\",\"intent\":\"Read\","
                          "\"extract\":{\"fields\":[{\"name\":\"t\"}]}},"
                          "{\"type\":\"extract_data\",\"intent\":\"Verify it\"},"
                          "{\"type\":\"submit\",\"intent\":\"Send\"}],"
                          "\"runtime\":{\"pause_on_captcha\":false}}"),
                     0);
    json_t *suite = json_keep(pool, plan_suite_json(plan)),
           *summary = json_keep(pool, plan_summary_json(plan));
    assert_string_equal(json_str(suite, "session_name", ""), "micro_shop_a_test");
    assert_string_equal(json_str(suite, "_plan_signature", ""), plan->signature);
    assert_int_equal(json_array_size(json_object_get(suite, "_micro_plan")), 4);
    assert_false(json_flag(suite, "_pause_on_captcha", true));
    assert_string_equal(json_canonical(pool, summary),
                        "{\"by_type\":{\"extract_data\":2,\"navigate\":1,\"submit\":1},"
                        "\"gate_steps\":1,\"required_steps\":1,\"step_count\":4,"
                        "\"with_inline_extract_schema\":1}");
    int steps, reads;
    plan_count_work(pool, plan, &steps, &reads);
    assert_int_equal(steps, 4);
    assert_int_equal(reads, 3);
    assert_int_equal(
        take("[" NAV
             ",{\"type\":\"click\",\"intent\":\"x\"},{\"type\":\"extract_data\",\"intent\":\"r\"},"
             "{\"type\":\"loop\",\"intent\":\"l\",\"loop_target\":1,\"loop_count\":3}]"),
        0);
    plan_count_work(pool, plan, &steps, &reads);
    assert_int_equal(steps, 7);
    assert_int_equal(reads, 6);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_shape_becomes_the_same_plan),
        T(the_first_plan_field_that_is_not_empty_wins),
        T(a_request_that_cannot_be_planned_says_why),
        T(a_step_no_run_could_carry_out_is_refused),
        T(a_word_that_means_nothing_there_is_warned_about),
        T(a_number_to_be_typed_becomes_text_and_lenient_words_pass),
        {"plans 1 a plan path stays inside the repository root", a_plan_path_stays_inside_its_root,
         setup, teardown, NULL},
        {"plans 6 200 steps are taken, 201 refused with the cap named", the_cap_on_steps_is_named,
         setup, teardown, NULL},
        T(types_bring_their_defaults),
        T(aliases_and_authoring_keys_reach_their_place),
        T(an_extracting_step_that_checks_is_a_gate_unless_it_says_no),
        {"plans 3 nested loops become flat steps with true targets",
         nested_loops_become_flat_steps_with_true_targets, setup, teardown, NULL},
        T(a_budget_below_zero_is_refused),
        T(caller_beats_plan_and_caps_beat_both),
        T(suite_keys_apply_and_identities_in_them_are_ignored),
        T(a_challenger_of_one_run_is_refused),
        T(unknown_things_are_warned_about_and_counts_are_clamped),
        {"plans 6 a loop without a count is held to the cap too",
         a_loop_without_a_count_is_held_to_the_cap_too, setup, teardown, NULL},
        T(the_practice_site_address_is_filled_in_everywhere),
        {"plans 7 signatures match the published vectors", signatures_match_the_published_vectors,
         setup, teardown, NULL},
        {"plans 7 a signature covers every field that changes what happens, and no note",
         a_signature_covers_every_field_that_changes_what_happens, setup, teardown, NULL},
        T(no_spelling_hides_the_host_of_an_address),
        T(the_source_is_there_even_when_no_plan_comes_of_it),
        {"plans 1 decompose:false takes 80 words, more with allow_raw_long_plan",
         raw_prose_is_held_to_its_words, setup, teardown, NULL},
        {"plans 12 a suite of tasks is run by any brain: each task is a step",
         a_suite_of_tasks_becomes_steps, setup, teardown, NULL},
        {"plans 1 a suite with steps and tasks runs its steps", a_suite_with_steps_runs_its_steps,
         setup, teardown, NULL},
        {"plans 12 the signature covers a task's proof", a_suite_signature_covers_the_tasks, setup,
         teardown, NULL},
        T(a_shared_schema_goes_to_steps_without_one),
        {"plans 14 a dry run counts loop bodies as often as they run, and what asks a reader",
         a_plan_is_shown_as_the_suite_it_stands_for, setup, teardown, NULL},
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
