#include "unit/test.h"

#include <string.h>

#include "core/selector.h"
#include "core/task.h"
#include "unit/fixtures.h"

/* A small page; nodes are named by their id. */
static const char page_json[] =
    "{'url':'http://a.test/','nodes':["
    "{'tag':'html'},"
    "{'tag':'body','parent':0,'attrs':{'id':'body','lang':'en-GB'}},"
    "{'tag':'ul','parent':1,'attrs':{'id':'list','class':'cards wide'}},"
    "{'tag':'li','parent':2,'attrs':{'id':'one','class':'card'}},"
    "{'tag':'a','parent':3,'attrs':{'id':'link','href':'/boats/one?x=1','data-kind':'Boat'}},"
    "{'tag':'li','parent':2,'attrs':{'id':'two','class':'card sold'}},"
    "{'tag':'li','parent':2,'attrs':{'id':'three','class':'card'}},"
    "{'tag':'form','parent':1,'attrs':{'id':'form'}},"
    "{'tag':'input','parent':7,'attrs':{'id':'name','name':'q[1]'}},"
    "{'tag':'input','parent':7,'attrs':{'id':'box','type':'checkbox'},'flags':'checked'},"
    "{'tag':'button','parent':7,'attrs':{'id':'go','disabled':''}}"
    "]}";

static const struct page *page_of(struct pool *pool)
{
    struct page *page;
    struct err err = {0};
    if (page_from_json(pool, json_of(pool, page_json), &page, &err))
        fail_msg("%s", err.msg);
    return page;
}

static const struct {
    const char *selector, *ids; /* of what it chooses, in document order */
} matches[] = {
    {"li", "one two three"},
    {"LI", "one two three"},
    {"#two", "two"},
    {".card", "one two three"},
    {".card.sold", "two"},
    {"li.sold", "two"},
    {"ul > li", "one two three"},
    {"body > li", ""},
    {"body li a", "link"},
    {"#one + li", "two"},
    {"#one ~ li", "two three"},
    {"#two ~ li", "three"},
    {"li:first-child", "one"},
    {"li:last-child", "three"},
    {"li:nth-child(2)", "two"},
    {"li:not(.sold)", "one three"},
    {"[href]", "link"},
    {"a[href^='/boats']", "link"},
    {"a[href$=\"x=1\"]", "link"},
    {"a[href*=one]", "link"},
    {"a[data-kind=boat]", ""},
    {"a[data-kind=boat i]", "link"},
    {"[class~=sold]", "two"},
    {"[lang|=en]", "body"},
    {"[lang|=e]", ""},
    {"input[name='q[1]']", "name"},
    {"input:checked", "box"},
    {"button:disabled", "go"},
    {"input:enabled", "name box"},
    {"#go, #name", "name go"},
    {"form *", "name box go"},
    {"#form>input", "name box"},
    {"#a\\.b", ""},
};

static void selectors_choose(void **state)
{
    struct pool *pool = pool_create(NULL);
    const struct page *page = page_of(pool);
    for (size_t i = 0; i < ARRAY_SIZE(matches); i++) {
        const struct selector *s;
        struct err err = {0};
        const char *got = "";
        if (selector_parse(pool, matches[i].selector, &s, &err))
            fail_msg("%s: %s", matches[i].selector, err.msg);
        for (int n = -1; (n = selector_next(s, page, n + 1)) >= 0;)
            got =
                pool_printf(pool, "%s%s%s", got, *got ? " " : "", node_attr(&page->nodes[n], "id"));
        if (strcmp(got, matches[i].ids))
            fail_msg("%s: '%s'", matches[i].selector, got);
    }
    pool_destroy(pool);
}

static void what_is_not_known_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "li >",
                                      "> li",
                                      "li:hover",
                                      "li::before",
                                      "a[href",
                                      "a[=x]",
                                      "li,",
                                      "li:not(:not(a))",
                                      "li:nth-child(odd)",
                                      "#",
                                      ".",
                                      "a[b='c]",
                                      "div{}",
                                      "a b c d e f g h i j k l m n o p q r",
                                      "a/b",
                                      "li..a"};
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        const struct selector *s;
        struct err err = {0};
        if (!selector_parse(pool, bad[i], &s, &err))
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(err.msg, "selector"));
    }
    pool_destroy(pool);
}

/* --- tasks ----------------------------------------------------------------------------------- */

static const struct {
    const char *params, *names_it; /* NULL: it is taken */
} tasks[] = {
    {"{'task_id':'a'}", NULL},
    {"{}", "'task_id'"},
    {"{'task_id':''}", "'task_id'"},
    {"{'task_id':'a','start_url':'shop.test'}", "'start_url'"},
    {"{'task_id':'a','start_url':'/login'}", "base_url"},
    {"{'task_id':'a','max_steps':0}", "'max_steps'"},
    {"{'task_id':'a','max_steps':101}", "'max_steps'"},
    {"{'task_id':'a','save_session':'maybe'}", "save_session"},
    {"{'task_id':'a','verify':{}}", NULL},
    {"{'task_id':'a','verify':'x'}", "'verify'"},
    {"{'task_id':'a','verify':{'type':'url_matches','value':'x'}}", "url_matches"},
    {"{'task_id':'a','verify':{'value':'x'}}", "'verify.type'"},
    {"{'task_id':'a','verify':{'type':'url_contains'}}", "'verify.value'"},
    {"{'task_id':'a','verify':{'type':'element_exists'}}", "'verify.selector'"},
    {"{'task_id':'a','verify':{'type':'element_exists','value':'#x'}}", NULL},
    {"{'task_id':'a','verify':{'type':'element_exists','selector':'li:hover'}}", "hover"},
    {"{'task_id':'a','verify':{'type':'element_text','selector':'#x'}}", "'verify.value'"},
    {"{'task_id':'a','verify':{'type':'element_text','selector':'#x','value':'y'}}", NULL},
    {"{'task_id':'a','loop':[]}", "'loop'"},
    {"{'task_id':'a','loop':{'max_pages':0}}", "'max_pages'"},
    {"{'task_id':'a','loop':{}}", NULL},
};

static void tasks_are_read_strictly(void **state)
{
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
        struct step step = {.intent = "Do it", .params = json_of(pool, tasks[i].params)};
        struct task t;
        struct err err = {0};
        int r = task_parse(pool, &step, &t, &err);
        if ((r != 0) != (tasks[i].names_it != NULL))
            fail_msg("%s: %s", tasks[i].params, err.msg);
        if (r && !strstr(err.msg, tasks[i].names_it))
            fail_msg("%s: %s", tasks[i].params, err.msg);
    }
    pool_destroy(pool);
}

static void a_task_that_says_little_has_its_defaults(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct step step = {.intent = "Do it",
                        .params = json_of(pool, "{'task_id':'a','max_steps':9,'loop':{}}")};
    struct task t;
    struct err err = {0};
    assert_int_equal(task_parse(pool, &step, &t, &err), 0);
    assert_int_equal(t.resume_max_steps, 9);
    assert_int_equal(t.fallback_max_steps, 6);
    assert_int_equal(t.fallback_micro_retries, 2);
    assert_false(t.continue_on_failure);
    assert_true(t.has_loop);
    assert_int_equal(t.loop.max_iterations, 50);
    assert_int_equal(t.loop.max_pages, 10);
    assert_int_equal(t.loop.max_steps_per_iteration, 9);
    assert_int_equal(t.loop.max_retries_per_iteration, 2);
    assert_int_equal(t.loop.max_steps_pagination, 20);
    for (int v = VERIFY_URL_CONTAINS; v <= VERIFY_DOWNLOAD_EXISTS; v++)
        assert_true(*verify_type_name((enum verify_type)v));
    pool_destroy(pool);
}

int main(void)
{
    static const struct CMUnitTest tests_[] = {
        row_test("plans 12 a verify selector chooses elements of the page", selectors_choose),
        row_test("plans 12 a selector that is not known is refused by name",
                 what_is_not_known_is_refused),
        row_test("plans 12 a task is read strictly, an unknown verify type is refused",
                 tasks_are_read_strictly),
        row_test("plans 12 a task that says little has its defaults",
                 a_task_that_says_little_has_its_defaults),
    };
    return cmocka_run_group_tests(tests_, NULL, NULL);
}
