/*
 * Putting values into fields and answering what is asked: the parts that need no page.
 */
#include "unit/test.h"

#include <string.h>

#include "base/str.h"
#include "run/asks.h"
#include "run/steps/date.h"
#include "run/url.h"

static const struct {
    const char *text;
    int year, month, day; /* 0: no day */
} days[] = {
    {"2026-09-18", 2026, 9, 18},
    {"18 September 2026", 2026, 9, 18},
    {"18 Sep 2026", 2026, 9, 18},
    {"Sept 18, 2026", 2026, 9, 18},
    {"September 18th, 2026", 2026, 9, 18},
    {"the 18th", 0, 0, 0},
    {"18th of September 2026", 2026, 9, 18},
    {"2026 Sep 18", 2026, 9, 18},
    {"18.09.2026", 2026, 9, 18},
    {"09/18/2026", 2026, 9, 18},
    {"18/09/2026", 2026, 9, 18},
    {"03/04/2026", 2026, 3, 4},
    {"2026-13-01", 0, 0, 0},
    {"September 2026", 0, 0, 0},
    {"Iris Holm", 0, 0, 0},
    {"(207) 555-0142", 0, 0, 0},
    {"", 0, 0, 0},
};

static void days_are_read_as_people_write_them(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
        struct day d = {0};
        bool is = day_parse(days[i].text, &d);
        if (is != (days[i].year > 0) || d.year != days[i].year || d.month != days[i].month ||
            d.day != days[i].day)
            fail_msg("'%s' is %d-%d-%d", days[i].text, d.year, d.month, d.day);
    }
}

static void months_stand_above_calendars(void **state)
{
    struct day d;
    assert_true(month_parse("September 2026", &d));
    assert_true(d.year == 2026 && d.month == 9 && d.day == 0);
    assert_true(month_parse("\u2039 Sep 2026 \u203a", &d));
    assert_false(month_parse("18 September 2026", &d));
    assert_false(month_parse("2026", &d));
}

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int hour, minute; /* -1: no time */
    } cases[] = {{"14:30", 14, 30}, {"2:30 pm", 14, 30}, {"12:05 AM", 0, 5},
                 {"25:00", -1, -1}, {"noon", -1, -1},    {"13:00 pm", -1, -1}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int hour = -1, minute = -1;
        time_parse(cases[i].text, &hour, &minute);
        if (hour != cases[i].hour || minute != cases[i].minute)
            fail_msg("'%s' is %d:%d", cases[i].text, hour, minute);
    }
}

static void a_confirm_box_about_the_very_thing_is_told_from_others(void **state)
{
    static const struct {
        const char *does, *message;
        bool about;
    } cases[] = {
        {"Give up", "Give up locker B-17? This cannot be undone.", true},
        {"Delete", "Are you sure you want to delete Tom Adeyemi?", true},
        {"Delete", "Are you sure?", true},
        {"Delete", "Do you really want to continue?", true},
        {"Remove from cart", "Remove this item?", true},
        {"Deleting", "Delete it?", true},
        {"Save", "Discard all changes?", false},
        {"Archive", "You have unsaved changes. Leave the page?", false},
        {"Next page", "Subscribe to our newsletter?", false},
        {"", "Are you sure?", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (asks_about(cases[i].does, cases[i].message) != cases[i].about)
            fail_msg("'%s' and '%s'", cases[i].does, cases[i].message);
}

static void a_name_and_password_in_a_url_are_taken_out_of_it(void **state)
{
    static const struct {
        const char *url, *info, *without, *origin;
    } cases[] = {
        {"https://ann:s%40fe@shop.test:443/a?b=c@d", "ann:s%40fe", "https://shop.test:443/a?b=c@d",
         "https://shop.test"},
        {"http://ann@Shop.test:8080", "ann", "http://Shop.test:8080", "http://shop.test:8080"},
        {"http://a:b@c@shop.test/", "a:b@c", "http://shop.test/", "http://shop.test"},
        {"http://shop.test/a@b", NULL, "http://shop.test/a@b", "http://shop.test"},
        {"nothing", NULL, "nothing", ""},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *info = url_user_info(pool, cases[i].url);
        assert_int_equal(info != NULL, cases[i].info != NULL);
        if (info)
            assert_string_equal(info, cases[i].info);
        assert_string_equal(url_without_user(pool, cases[i].url), cases[i].without);
        assert_string_equal(url_origin(pool, cases[i].url), cases[i].origin);
    }
    assert_string_equal(url_unescape(pool, "s%40fe%2"), "s@fe%2");
    pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_are_read_as_people_write_them),
        cmocka_unit_test(months_stand_above_calendars),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(a_confirm_box_about_the_very_thing_is_told_from_others),
        cmocka_unit_test(a_name_and_password_in_a_url_are_taken_out_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
