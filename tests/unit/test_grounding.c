/*
 * What the page reader must not say: each row is a page and something that is near at hand and not
 * so. Beside it what is so, for a reader that answers nothing would pass the rest.
 */
#include "unit/test.h"

#include <string.h>

#include "reader/reader.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct reader *reader;

static int begin(void **state)
{
    struct err err = {0};
    pool = pool_create(NULL);
    return reader_create("page", NULL, &reader, &err);
}

static int end(void **state)
{
    reader_destroy(reader);
    pool_destroy(pool);
    return 0;
}

/* --- claims ---------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *page, *question;
    enum answer want;
} claims[] = {
    /* a control is there, but what is said of it is not so */
    {"lab_form", "The \"Full name\" field contains \"Bo\"", ANSWER_NO},
    {"lab_form", "The \"Full name\" field is empty", ANSWER_YES},
    {"lab_form", "The \"Full name\" field is not empty", ANSWER_NO},
    {"form", "The field \"E-mail\" contains \"ann@example.test\"", ANSWER_YES},
    {"form", "The field \"E-mail\" is empty", ANSWER_NO},
    {"form", "The \"Password\" field contains \"x\"", ANSWER_UNKNOWN},
    {"lab_form", "The \"Send request\" button is disabled", ANSWER_NO},
    {"lab_form", "The \"Send request\" button is greyed out", ANSWER_NO},
    {"lab_form", "The \"Send request\" button is enabled", ANSWER_YES},
    {"lab_form", "The \"Send request\" button is not disabled", ANSWER_YES},
    {"lab_form", "The \"Teleport\" button is not disabled", ANSWER_UNKNOWN},
    {"lab_form", "The \"Kind of boat\" dropdown shows \"Motor boat\"", ANSWER_NO},
    {"lab_form", "The \"Kind of boat\" dropdown shows \"Please choose\"", ANSWER_YES},
    {"lab_form", "The \"Kind of boat\" dropdown has the option \"Motor boat\"", ANSWER_YES},
    {"lab_form", "The \"Kind of boat\" dropdown has the option \"Canoe\"", ANSWER_NO},
    {"lab_form", "\"Motor boat\" is selected in the \"Kind of boat\" dropdown", ANSWER_NO},
    {"lab_form", "The \"Send request\" button says \"Sending\"", ANSWER_NO},
    {"lab_form", "The button \"Send request\" is shown", ANSWER_YES},
    {"lab_form", "The \"Shore power\" checkbox is checked", ANSWER_NO},
    {"lab_form", "The \"Shore power\" checkbox is unchecked", ANSWER_YES},
    {"market_results", "The \"Sell\" link is highlighted", ANSWER_UNKNOWN},
    {"market_results", "The \"Sell\" link is shown", ANSWER_YES},
    {"market_results", "There is a link \"Sell my car\"", ANSWER_NO},
    /* quoted pieces are words, numbers and neighbours */
    {"lab_table", "The page shows \"ide tab\"", ANSWER_NO},
    {"lab_table", "The page shows \"Tide table\"", ANSWER_YES},
    {"lab_table", "The page shows \"4:12\"", ANSWER_NO},
    {"market_results", "The page shows \"$1\"", ANSWER_NO},
    {"lab_table", "The table shows \"Alder Quay\" with \"31\" berths free", ANSWER_NO},
    {"lab_table", "The table shows \"Alder Quay\" with \"12\" berths free", ANSWER_YES},
    {"lab_table", "The table shows \"Alder Quay\" with \"1\" berths free", ANSWER_NO},
    {"lab_table", "The row of \"Dunmore Slip\" has \"31\"", ANSWER_YES},
    {"market_boat", "The heading is \"Similar boats\"", ANSWER_NO},
    {"market_boat", "The heading \"Similar boats\" is shown", ANSWER_YES},
    {"market_boat", "The heading is \"2008 Ostermoor Compass 28\"", ANSWER_YES},
    {"market_boat", "The price of \"2008 Ostermoor Compass 28\" is \"$1\"", ANSWER_NO},
    {"market_boat", "The price of \"2008 Ostermoor Compass 28\" is \"USD 32,200\"", ANSWER_YES},
    {"market_boat", "The price is \"USD 32,200\"", ANSWER_YES},
    {"market_results", "The price of \"2008 Ostermoor Compass 28\" is \"USD 32,200\"", ANSWER_YES},
    {"market_results", "The page shows \"2008 Ostermoor Compass 28\"", ANSWER_YES},
};
/* clang-format on */

static void a_claim_is_true_in_all_its_parts_or_not_at_all(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++) {
        struct observation obs = golden_look(pool, claims[i].page);
        struct verdict v;
        struct err err = {0};
        assert_int_equal(reader_visible(reader, pool, &obs, claims[i].question, &v, &err), 0);
        if (v.answer == claims[i].want)
            continue;
        print_error("%s: %s -> %d (%s)\n", claims[i].page, claims[i].question, (int)v.answer,
                    v.reason);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* --- targets --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *page, *kind, *label;
    const char *want; /* NULL: E_NOT_FOUND */
    const char *says; /* in the message */
} targets[] = {
    {"market_results", "any", "Sell my car", NULL, "nearest"},
    {"market_results", "any", "Browse history", NULL, "nearest"},
    {"market_results", "any", "the Sell link", "Sell", NULL},
    {"market_results", "button", "Search button", "Search", NULL},
    {"market_results", "field", "Search boats", "Search boats", NULL}, /* its label is out of sight */
    {"lab_form", "field", "Address", NULL, "nearest"},
    {"lab_form", "field", "E-mail", "E-mail address", NULL},
    {"lab_form", "field", "Name", NULL, "'Full name' and 'Boat name'"},
    {"lab_form", "field", "Full name", "Full name", NULL},
    {"lab_form", "field", "Boat name", "Boat name", NULL},
    {"lab_form", "field", "Berth number", "Berth number", NULL},
    {"lab_form", "field", "Arrival date", "Arrival date", NULL},
};
/* clang-format on */

static void a_part_of_a_name_is_not_the_name(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(targets); i++) {
        struct observation obs = golden_look(pool, targets[i].page);
        struct target_query q = {.label = targets[i].label, .intent = ""};
        struct target t = {.label = ""};
        struct err err = {0};
        assert_true(target_kind_parse(targets[i].kind, &q.kind));
        int r = reader_find(reader, pool, &obs, &q, &t, &err);
        bool ok = targets[i].want ? r == 0 && strcmp(t.label, targets[i].want) == 0
                                  : r == E_NOT_FOUND && strstr(err.msg, targets[i].says);
        if (!ok)
            print_error("%s '%s': %d '%s' %s\n", targets[i].page, targets[i].label, r, t.label,
                        err.msg);
        wrong += !ok;
    }
    assert_int_equal(wrong, 0);
}

/* --- cards that the intent leaves ------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *page, *intent;
    int n;
    const char *not_shown; /* in no card that is left */
} left[] = {
    {"market_all", "Open the next boat in the list", 12, NULL},
    {"market_all", "Open the next boat in the list; skip advertisements and dealers", 7, "\nDealer\n"},
    {"market_all", "Open the next boat from a private seller", 7, "\nDealer\n"},
    {"market_all", "Open the next boat without private sellers", 5, "\nPrivate seller\n"},
    {"market_all", "Open the next boat from the list", 12, NULL},
    {"market_results", "Open the next boat in the list; skip advertisements and dealers", 12, NULL},
    {"market_results", "Open a boat from a yard in the north", 12, NULL},
};
/* clang-format on */

static void cards_that_the_intent_leaves_out_are_dropped(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(left); i++) {
        struct observation obs = golden_look(pool, left[i].page);
        struct card *cards;
        enum list_status status;
        struct err err = {0};
        int n, bad = 0;
        assert_int_equal(reader_list(reader, pool, &obs, NULL, 100, &cards, &n, &status, &err), 0);
        n = reader_wanted_cards(pool, left[i].intent, cards, n);
        for (int k = 0; k < n && left[i].not_shown; k++)
            bad += strstr(pool_printf(pool, "\n%s\n", cards[k].text), left[i].not_shown) != NULL;
        if (n == left[i].n && !bad)
            continue;
        print_error("%s %s: %d cards, %d wrong\n", left[i].page, left[i].intent, n, bad);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

/* --- values ---------------------------------------------------------------------------------- */

static const struct {
    const char *page, *schema, *want;
} values[] = {
    {"lab_form_done", "{'fields':['full_name','berth']}", "{'full_name':'Bo','berth':'7'}"},
    {"lab_form_done", "{'fields':['title']}", "{'title':'Request received'}"},
    {"lab_form_done", "{'fields':['boat_name']}", "{}"},
    {"market_boat", "{'entity_name':'boat','fields':['boat_name']}",
     "{'boat_name':'2008 Ostermoor Compass 28'}"},
    {"market_boat", "{'fields':['date']}", "{}"},
    {"market_boat", "{'fields':['old price']}", "{}"},
    {"market_boat", "{'fields':['city']}", "{'city':'Alder Quay'}"},
};

static void a_value_is_what_the_field_asks_for_or_left_out(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        struct observation obs = golden_look(pool, values[i].page);
        struct extraction x;
        struct err err = {0};
        assert_int_equal(
            reader_extract(reader, pool, &obs, 1, schema_of(pool, values[i].schema), &x, &err), 0);
        if (json_equal(x.values, json_of(pool, values[i].want)))
            continue;
        print_error("%s %s: %s\n", values[i].page, values[i].schema, json_text(pool, x.values));
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

static const struct {
    const char *page, *schema;
    int n, at;
    const char *want; /* row `at` */
} rows[] = {
    {"market_results", "{'fields':['title','seller']}", 12, 0,
     "{'title':'2008 Ostermoor Compass 28'}"},
    {"market_results", "{'fields':['year','make','model']}", 12, 0, "{'year':'2008'}"},
    {"market_results", "{'fields':['title','price',{'name':'old price','required':false}]}", 12, 5,
     "{'title':'1994 Brindlewick Lantern 30','price':'USD 29,200','old price':'$30,700'}"},
    {"lab_infinite", "{'fields':['title']}", 20, 0, "{'title':'Entry number 1'}"},
    {"lab_index", "{'fields':['title','url']}", 22, 0,
     "{'title':'/lab/click','url':'http://lab.test/lab/click'}"},
    {"lab_table", "{'fields':['Harbour','Berths free']}", 5, 3,
     "{'Harbour':'Dunmore Slip','Berths free':'31'}"},
};

static void a_row_holds_what_its_card_shows(void **state)
{
    int wrong = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct observation obs = golden_look(pool, rows[i].page);
        struct extraction *got;
        struct err err = {0};
        int n;
        assert_int_equal(
            reader_rows(reader, pool, &obs, schema_of(pool, rows[i].schema), 100, &got, &n, &err),
            0);
        if (n == rows[i].n && json_equal(got[rows[i].at].values, json_of(pool, rows[i].want)))
            continue;
        print_error("%s %s: %d rows, %s\n", rows[i].page, rows[i].schema, n,
                    n > rows[i].at ? json_text(pool, got[rows[i].at].values) : "");
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_claim_is_true_in_all_its_parts_or_not_at_all),
        T(a_part_of_a_name_is_not_the_name),
        T(cards_that_the_intent_leaves_out_are_dropped),
        T(a_value_is_what_the_field_asks_for_or_left_out),
        T(a_row_holds_what_its_card_shows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
