#include "unit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "gate/screenshots.h"
#include "unit/fixtures.h"

static struct pool *pool;

static int make_pool(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int drop_pool(void **state)
{
    pool_destroy(pool);
    return 0;
}

static struct screenshot_case case_of(const char *fields)
{
    struct screenshot_cases cases;
    struct err err = {0};
    const char *doc = pool_printf(pool, "[{'id':'c1','image':'a.png','task':'x'%s%s}]", *fields ? "," : "", fields);
    if (screenshot_cases_parse(pool, json_of(pool, doc), "c", &cases, &err))
        fail_msg("%s", err.msg);
    return cases.cases[0];
}

#define BOX "'allowed_regions':[{'label':'b','x1':100,'y1':60,'x2':10,'y2':20},{'x1':500,'y1':500,'x2':510,'y2':510}]"
#define NOT "'forbidden_regions':[{'label':'ads','x1':0,'y1':0,'x2':30,'y2':30}]"

static void a_prediction_is_judged_by_every_check_it_is_asked(void **state)
{
    static const struct {
        const char *expected, *prediction; /* "" none */
        bool passed;
    } cases[] = {
        {"", "{}", true},
        {"", "", false},
        {"'expected_action_type':'click'", "{'action_type':'click'}", true},
        {"'expected_action_type':'click'", "{'type':'click'}", true},
        {"'expected_action_type':'click'", "{'type':'scroll'}", false},
        {BOX, "{'params':{'x':50,'y':40}}", true},
        {BOX, "{'action_params':{'x':505,'y':505}}", true},
        {BOX, "{'params':{'x':10,'y':20}}", true},     /* the border belongs to it, */
        {BOX, "{'params':{'x':100,'y':60}}", true},    /* on every side */
        {BOX, "{'params':{'x':100.5,'y':60}}", false},
        {BOX, "{'params':{'x':9,'y':40}}", false},
        {BOX, "{'params':{'text':'a'}}", false},       /* no point */
        {NOT, "{'params':{'x':31,'y':31}}", true},
        {NOT, "{'params':{'x':30,'y':30}}", false},
        {NOT, "{}", true},                             /* no point */
        {BOX "," NOT, "{'params':{'x':20,'y':25}}", false},
        {"'expected_text_regex':'open.*door'", "{'text':'OPEN\\nthe Door'}", true},
        {"'expected_text_regex':'open.*door'", "{'raw_output':'open door'}", true},
        {"'expected_text_regex':'^open$'", "{'text':'opened'}", false},
        {"'expected_text_regex':'open'", "{}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct screenshot_case c = case_of(cases[i].expected);
        struct prediction p = {0};
        if (*cases[i].prediction)
            p = screenshot_prediction(json_of(pool, cases[i].prediction));
        if (screenshot_judge(&c, *cases[i].prediction ? &p : NULL).passed != cases[i].passed)
            fail_msg("%s against %s", cases[i].prediction, cases[i].expected);
    }
}

static void the_screen_is_1280_by_720_unless_said(void **state)
{
    struct screenshot_case c = case_of(""), d = case_of("'screen_size':[800,600]");
    assert_int_equal(c.width, 1280);
    assert_int_equal(c.height, 720);
    assert_int_equal(d.width, 800);
    assert_int_equal(d.height, 600);
}

static void wrong_cases_are_named(void **state)
{
    static const struct {
        const char *doc, *says;
    } cases[] = {
        {"[]", "there is no case"},
        {"[{'image':'a'}]", "case 1: 'id'"},
        {"[{'id':'a'},{'id':'a'}]", "case 2: 'id' must be there and unique"},
        {"[{'id':'a','allowed_regions':[{'x1':1,'y1':2,'x2':3}]}]", "allowed_regions[0]: 'y2' must be a number"},
        {"[{'id':'a','expected_text_regex':'(a'}]", "'expected_text_regex': missing closing parenthesis"},
        {"[{'id':'a','screen_size':[1280]}]", "'screen_size' must be"},
        {"[{'id':'a','screen_size':[1280,0]}]", "'screen_size' must be"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct screenshot_cases c;
        struct err err = {0};
        if (screenshot_cases_parse(pool, json_of(pool, cases[i].doc), "c", &c, &err) != E_INVALID ||
            !strstr(err.msg, cases[i].says))
            fail_msg("%s: said '%s', not '%s'", cases[i].doc, err.msg, cases[i].says);
    }
}

static void the_summary_counts_by_tag(void **state)
{
    struct screenshot_case cases[] = {case_of("'tags':['login','hard']"), case_of("'tags':['login']"), case_of("")};
    struct prediction p = {.action_type = "click", .text = ""};
    struct screenshot_result results[3];
    for (int i = 0; i < 3; i++)
        results[i] = screenshot_judge(&cases[i], i == 1 ? NULL : &p);
    json_t *doc = json_keep(pool, screenshot_summary_json(results, 3)), *tags = json_object_get(doc, "by_tag");
    assert_string_equal(json_text(pool, doc),
                        "{\"total\":3,\"passed\":2,\"failed\":1,\"pass_rate\":0.6667,\"by_tag\":{"
                        "\"login\":{\"total\":2,\"passed\":1,\"pass_rate\":0.5},"
                        "\"hard\":{\"total\":1,\"passed\":1,\"pass_rate\":1.0},"
                        "\"untagged\":{\"total\":1,\"passed\":1,\"pass_rate\":1.0}}}");
    assert_int_equal(json_object_size(tags), 3);
    doc = json_keep(pool, screenshot_result_json(&results[1]));
    assert_false(json_flag(json_object_get(doc, "checks"), "prediction_present", true));
}

static void broken_lines_are_named(void **state)
{
    char path[] = "/tmp/gate_lines_XXXXXX";
    struct err err = {0};
    json_t *lines;
    FILE *f = fdopen(mkstemp(path), "w");
    assert_non_null(f);
    fputs("{\"id\":\"a\"}\n\n{\"id\":\n", f);
    fclose(f);
    int r = screenshot_lines_read(pool, path, &lines, &err);
    unlink(path);
    assert_int_equal(r, E_INVALID);
    assert_non_null(strstr(err.msg, "line 3"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("promotion 9 checks of the screenshot benchmark", a_prediction_is_judged_by_every_check_it_is_asked),
        cmocka_unit_test(the_screen_is_1280_by_720_unless_said),
        cmocka_unit_test(wrong_cases_are_named),
        row_test("promotion 9 summary by tag, no tag is untagged", the_summary_counts_by_tag),
        cmocka_unit_test(broken_lines_are_named),
    };
    return cmocka_run_group_tests(tests, make_pool, drop_pool);
}
