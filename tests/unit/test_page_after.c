/*
 * What a page says of an act: where a click led, and what a drop-down shows.
 */
#include "unit/test.h"

#include <string.h>

#include "reader/reader.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct reader *reader;

/* A fixture as it would stand at another address. */
static struct observation look_at(const char *name, const char *url)
{
    struct observation obs = golden_look(pool, name);
    struct page *page = pool_alloc(pool, sizeof(*page));
    *page = *obs.page;
    page->url = url;
    obs.page = page;
    return obs;
}

/* clang-format off */
static const struct landing {
    const char *row, *page, *url; /* after a click on "form" at http://a.test/1 */
    enum answer navigated;
    const char *kind;
} landings[] = {
    {"plans 8.3 another address is another page", "form", "http://a.test/2", ANSWER_YES, "url_change"},
    {"plans 8.3 another query is another page", "form", "http://a.test/1?p=2", ANSWER_YES, "url_change"},
    {"plans 8.3 another place of the page is the same page", "form", "http://a.test/1#more", ANSWER_UNKNOWN, ""},
    {"plans 8.3 the same page decides nothing", "form", "http://a.test/1", ANSWER_UNKNOWN, ""},
    {"plans 8.3 a dialog that was not there", "cookie_overlay", "http://a.test/1", ANSWER_YES, "modal"},
};
/* clang-format on */

static void a_landing(void **state)
{
    const struct landing *l = *state;
    const struct observation before = look_at("form", "http://a.test/1"),
                             after = look_at(l->page, l->url);
    struct passage p;
    assert_int_equal(reader_navigated(reader, pool, &before, &after, "it", &p, NULL), 0);
    assert_int_equal(p.navigated, l->navigated);
    assert_string_equal(p.kind, l->kind);
    assert_true(*p.reason);
}

static void a_list_says_what_is_chosen(void **state)
{
    const struct observation obs = golden_look(pool, "form");
    const char *value;
    struct err err = {0};
    assert_int_equal(reader_shown_value(reader, pool, &obs, "Country", &value, &err), 0);
    assert_string_equal(value, "France");
    assert_int_equal(reader_shown_value(reader, pool, &obs, "Zodiac sign", &value, &err),
                     E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "zodiac"));
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    return reader_create("page", NULL, &reader, NULL);
}

static int end(void **state)
{
    reader_destroy(reader);
    pool_destroy(pool);
    return 0;
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(landings) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(landings); i++)
        tests[n++] =
            (struct CMUnitTest){landings[i].row, a_landing, NULL, NULL, (void *)&landings[i]};
    tests[n++] = (struct CMUnitTest)row_test("plans 8.6 a list says what is chosen",
                                             a_list_says_what_is_chosen);
    return cmocka_run_group_tests(tests, begin, end);
}
