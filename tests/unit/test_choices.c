/*
 * What a select_option step wants and what a drop-down offers (plans.md 8.6): pure, on pages made
 * here.
 */
#include "unit/test.h"

#include <string.h>

#include "run/steps/choices.h"
#include "run/steps/steps.h"
#include "unit/fixtures.h"

static struct pool *pool;

static int begin(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int end(void **state)
{
    pool_destroy(pool);
    return 0;
}

/* A select of these options; '!' in front: disabled, '*': chosen. */
static struct native native_of(const char *const *names, int n)
{
    struct page *page = pool_alloc(pool, sizeof(*page));
    page->nodes = pool_alloc(pool, sizeof(struct node) * (size_t)(n + 1));
    page->n_nodes = n + 1;
    page->nodes[0] = (struct node){
        .parent = -1, .end = n + 1, .tag = "select", .name = "", .box = {0, 100, 100, 40}};
    for (int i = 0; i < n; i++) {
        const char *name = names[i];
        unsigned flags = *name == '!' ? NODE_DISABLED : *name == '*' ? NODE_SELECTED : 0;
        page->nodes[i + 1] = (struct node){.parent = 0,
                                           .end = i + 2,
                                           .tag = "option",
                                           .name = flags ? name + 1 : name,
                                           .flags = flags,
                                           .box = {0, 80 + 20 * i, 100, 20}};
    }
    return native_read(pool, page, 0);
}

static void options_are_found(void **state)
{
    static const char *const names[] = {"*- choose -", "Maine coast", "Maine", "!New York", "York"};
    static const struct {
        const char *want;
        int at;
    } cases[] = {
        {"Maine", 2},   {"maine", 2}, {"coast", 1},    {"MAINE C", 1},
        {"  York ", 4}, {"new", 3},   {"Vermont", -1}, {"", -1},
    };
    struct native n = native_of(names, 5);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(native_find(pool, &n, cases[i].want), cases[i].at);
    assert_int_equal(native_selected(&n), 0);
    assert_true(native_disabled(&n, 3));
}

static void keys_pass_over_disabled_options(void **state)
{
    static const char *const names[] = {"a", "!b", "c", "d", "!e", "f"};
    static const int cases[][3] = {{0, 2, 1}, {0, 5, 3},  {5, 0, -3},
                                   {3, 3, 0}, {-1, 0, 1}, {-1, 2, 2}};
    struct native n = native_of(names, 6);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(native_steps(&n, cases[i][0], cases[i][1]), cases[i][2]);
}

static void several_choices_must_be_all(void **state)
{
    static const char *const names[] = {"a", "*b", "c", "*d"};
    static const int both[] = {3, 1}, one[] = {1}, more[] = {1, 2, 3};
    struct native n = native_of(names, 4);
    assert_true(native_is_set(&n, both, 2));
    assert_false(native_is_set(&n, one, 1));
    assert_false(native_is_set(&n, more, 3));
    assert_string_equal(native_shown(pool, &n), "b, d");
    assert_int_equal(native_hidden(&n, 0), -1);
    assert_int_equal(native_hidden(&n, 1), 0);
    assert_int_equal(native_hidden(&n, 3), 1);
}

static void choices_are_the_same_by_containment_either_way(void **state)
{
    static const struct {
        const char *shown, *wanted;
        bool same;
    } cases[] = {
        {"Maine", "maine", true}, {"Maine (ME)", "Maine", true}, {"Maine", "Maine, USA", true},
        {"", "Maine", false},     {"Maine", "", false},          {"Vermont", "Maine", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(field_same_choice(pool, cases[i].shown, cases[i].wanted), cases[i].same);
}

static void steps_say_what_they_want(void **state)
{
    static const struct {
        const char *params, *intent, *dropdown, *text;
        int n;
    } cases[] = {
        {"{'dropdown_label':'Year','option_label':'2020'}", "x", "Year", "2020", 1},
        {"{'label':'Year','value':'2020'}", "x", "Year", "2020", 1},
        {"{'label':'a','dropdown_label':'Year','value':'b','option_label':'2020'}", "x", "Year",
         "2020", 1},
        {"{'label':'Year','value':['2020',' 2021 ']}", "x", "Year", "2020, 2021", 2},
        {"{}", "Choose \"2020\" in \"Year\"", "Year", "2020", 1},
        {"{'label':'Year'}", "Choose the year", "Year", "", 0},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = {.params = json_of(pool, cases[i].params), .intent = cases[i].intent};
        struct choices c;
        choices_read(pool, &step, &c);
        assert_string_equal(c.dropdown, cases[i].dropdown);
        assert_string_equal(c.text, cases[i].text);
        assert_int_equal(c.n, cases[i].n);
    }
    struct choices c = {.dropdown = "d", .names = {"a, b ,c"}, .n = 1, .text = "a, b ,c"};
    choices_split(pool, &c);
    assert_int_equal(c.n, 3);
    assert_string_equal(c.text, "a, b, c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("plans 8.6 native select picks the first option that is equal, else that contains "
                 "the text",
                 options_are_found),
        row_test("plans 8.6 keys pass over disabled options", keys_pass_over_disabled_options),
        row_test("plans 8.6 a list of several choices shows exactly those",
                 several_choices_must_be_all),
        row_test("plans 8.6 choices match by equality or containment either way, empty never",
                 choices_are_the_same_by_containment_either_way),
        row_test("plans 4 select_option takes dropdown_label or label, option_label or value",
                 steps_say_what_they_want),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
