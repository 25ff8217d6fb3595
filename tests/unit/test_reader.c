/*
 * Pages captured from Chromium (tests/golden/pages) and what the page reader makes of them. A row
 * is a page, a question and its answer; a new kind of page is a new file and some rows.
 */
#include "unit/test.h"

#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reader/fields.h"
#include "reader/patterns.h"
#include "reader/reader.h"
#include "reader/words.h"
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

/* --- words and shapes ------------------------------------------------------------------------ */

static void words_are_compared_plain(void **state)
{
    assert_string_equal(words_plain(pool, "  First\xC2\xA0Name *: "), "first name");
    assert_string_equal(words_plain(pool, "\xC3\x89tat :"), "\xC3\xA9tat");
    assert_string_equal(words_split(pool, "vehicleModelDate"), "vehicle model date");
    assert_string_equal(words_split(pool, "seller_phone-no"), "seller phone no");
    assert_non_null(words_is(WORDS_NEXT, "N\xC3\xA4"
                                         "chste"));
    assert_non_null(words_is(WORDS_NEXT, "\xE2\x80\xBA"));
    assert_null(words_is(WORDS_NEXT, "next steps"));
    assert_non_null(words_is(WORDS_SPONSORED, "Ad"));
    assert_null(words_is(WORDS_SPONSORED, "Adelaide"));
    assert_true(words_is_picture("\u2709") && words_is_picture("\U0001F5D1\uFE0F"));
    assert_false(words_is_picture("") || words_is_picture("x") || words_is_picture("\u2709 2") ||
                 words_is_picture("\u00e9") || words_is_picture("-") || words_is_picture("\u4e0b"));
    assert_non_null(words_in(WORDS_BLOCKED, "Access denied!"));
    assert_false(words_has("address", "ad"));
    assert_true(words_has("an ad here", "ad"));
}

static void shapes_are_found_and_told_apart(void **state)
{
    static const struct {
        enum pattern pattern;
        const char *text, *want;
    } cases[] = {
        {PATTERN_PHONE, "Call (512) 555-0147 today", "(512) 555-0147"},
        {PATTERN_PHONE, "+49 221 5550123", "+49 221 5550123"},
        {PATTERN_PHONE, "0221 / 555 01 23", "0221 / 555 01 23"},
        {PATTERN_PHONE, "512.555.0147", "512.555.0147"},
        {PATTERN_PHONE, "5125550147", "5125550147"},
        {PATTERN_PHONE, "Posted 2024-05-01", NULL},
        {PATTERN_PHONE, "$1,234,567", NULL},
        {PATTERN_PHONE, "(512) 555-****", NULL},
        {PATTERN_PHONE, "1999-2004", NULL},
        {PATTERN_PHONE, "1234567.89", NULL},
        {PATTERN_PHONE, "42,100 mi", NULL},
        {PATTERN_PRICE, "Now $12,500!", "$12,500"},
        {PATTERN_PRICE, "US$7,600.00", "US$7,600.00"},
        {PATTERN_PRICE, "12.490 \xE2\x82\xAC", "12.490 \xE2\x82\xAC"},
        {PATTERN_PRICE, "149,00 EUR", "149,00 EUR"},
        {PATTERN_PRICE, "1 234,50 kr", "1 234,50 kr"},
        {PATTERN_PRICE, "$11.5k", "$11.5k"},
        {PATTERN_PRICE, "CHF 5'400.-", "CHF 5'400.-"},
        {PATTERN_PRICE, "24 ft", NULL},
        {PATTERN_PRICE, "12,500", NULL},
        {PATTERN_YEAR, "A 2013 boat", "2013"},
        {PATTERN_YEAR, "03/2016", "2016"},
        {PATTERN_YEAR, "$2013", NULL},
        {PATTERN_YEAR, "12013", NULL},
        {PATTERN_YEAR, "1899", NULL},
        {PATTERN_EMAIL, "write to ann.lee@example.test.", "ann.lee@example.test"},
        {PATTERN_DATE, "on May 3, 2024", "May 3, 2024"},
        {PATTERN_DATE, "3.5.2024", "3.5.2024"},
        {PATTERN_DISTANCE, "98.200 km", "98.200 km"},
        {PATTERN_RATING, "4.5 out of 5 stars", "4.5 out of 5"},
        {PATTERN_PLACE, "Round Rock, TX 78664", "Round Rock, TX 78664"},
        {PATTERN_PLACE, "see you in Round Rock, TX", NULL},
        {PATTERN_COUNT, "About 1,230,000 results", "1,230,000 results"},
        {PATTERN_COUNT, "Showing 8 of 243 used cars", "243 used cars"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *got = pattern_first(pool, cases[i].pattern, cases[i].text);
        if ((got != NULL) != (cases[i].want != NULL) || (got && strcmp(got, cases[i].want) != 0))
            fail_msg("pattern %d in '%s': '%s'", (int)cases[i].pattern, cases[i].text,
                     got ? got : "(none)");
    }
}

static void numbers_are_read_in_every_notation(void **state)
{
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"$12,500", 12500},
        {"12.490 \xE2\x82\xAC", 12490},
        {"12.500,00", 12500},
        {"1,234.56", 1234.56},
        {"4,6", 4.6},
        {"0.125", 0.125},
        {"1\xC2\xA0"
         "234 km",
         1234},
        {"12'500", 12500},
        {"11.5k", 11500},
        {"1,234,567", 1234567},
        {"3.4 million", 3.4e6},
        {"-5", -5},
        {"USD 33,600", 33600},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        double v = NAN;
        if (!pattern_number(cases[i].text, &v) || fabs(v - cases[i].want) > 1e-6)
            fail_msg("'%s' reads as %g", cases[i].text, v);
    }
    double v;
    assert_false(pattern_number("call for price", &v));
}

/* A match that goes wrong stops at its limit: this ends at once or never. */
static void hostile_text_does_not_slow_a_pattern(void **state)
{
    char *text = pool_alloc(pool, 100001);
    for (int i = 0; i < 100000; i++)
        text[i] = "1 .,"[i % 4];
    for (int p = PATTERN_NONE + 1; p < PATTERN_N; p++)
        for (int again = 0; again < 20; again++)
            pattern_first(pool, (enum pattern)p, text);
    assert_null(pattern_first(pool, PATTERN_EMAIL, text));
}

static void fields_are_known_by_their_names(void **state)
{
    static const struct {
        const char *name;
        enum meaning want;
    } cases[] = {
        {"phone", MEANS_PHONE},        {"seller_phone", MEANS_PHONE}, {"asking_price", MEANS_PRICE},
        {"price_usd", MEANS_PRICE},    {"model_year", MEANS_YEAR},    {"brand", MEANS_MAKE},
        {"model", MEANS_MODEL},        {"listing_url", MEANS_URL},    {"companyName", MEANS_SELLER},
        {"company_size", MEANS_OTHER}, {"engine_hours", MEANS_OTHER}, {"year_round", MEANS_OTHER},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct field f = {.name = cases[i].name, .label = cases[i].name, .example = ""};
        if (field_meaning(pool, &f) != cases[i].want)
            fail_msg("'%s' means %d", cases[i].name, (int)field_meaning(pool, &f));
    }
}

/* --- find ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *page;
    const char *kind;
    const char *label, *intent;
    const char *want_label, *want_tag; /* NULL: E_NOT_FOUND */
} find_cases[] = {
    {"renewals", "field", "Phone", "", "Phone", "input"}, /* not the search box that finds by phone */
    {"renewals", "field", "Number", "", NULL, NULL},      /* nor for another part of its hint */
    {"renewals", "field", "Message body", "", "message body", "div"}, /* the editor without a name */
    {"renewals", "field", "Subject", "", "Subject", "input"},
    {"icons", "button", "Archive", "", "\U0001F5C3", "button"}, /* not the folder of that name */
    {"icons", "button", "Mark as unread", "", "\u2709", "button"},
    {"icons", "field", "Quantity", "", "quantity", "input"},
    {"icons", "button", "Search", "", "search", "div"}, /* a picture in the search form */
    {"icons", "any", "Attach files", "", "\U0001F4CE", "label"},
    {"icons", "any", "Terms", "", "Terms", "input"}, /* not its label */
    {"icons", "nav_link", "Archive", "", "Archive", "a"},
    {"form", "field", "First name", "", "First name *", "input"},
    {"form", "field", "Last name", "", "Last name", "input"},
    {"form", "field", "Street and number", "", "Street and number", "input"}, /* label by its place, left */
    {"form", "field", "Postal code", "", "Postal code", "input"},             /* above */
    {"form", "field", "E-mail", "", "E-mail address", "input"},               /* placeholder */
    {"form", "field", "Password", "", "Password", "input"},
    {"form", "field", "About you", "", "About you", "div"},
    {"form", "field", "", "Type \"Ann\" into the first name field", "First name *", "input"},
    {"form", "field", "Phone number", "", NULL, NULL},
    {"form", "button", "Create account", "", "Create account", "input"},
    {"form", "button", "", "Click the 'Create account' button", "Create account", "input"},
    {"form", "button", "Submit", "", "Create account", "input"}, /* by its type */
    {"form", "button", "Reset form", "", "Reset form", "div"},   /* only a script makes it one */
    {"form", "button", "Search", "", "Search", "button"},
    {"form", "select", "Country", "", "Country", "select"},
    {"form", "select", "Preferred language", "", "Preferred language", "button"},
    {"form", "option", "Spain", "", "Spain", "select"},
    {"form", "any", "I agree to the terms", "", "I agree to the terms", "input"},
    {"form", "any", "Teleport", "", NULL, NULL},
    {"cars_list", "nav_link", "Trucks", "", "Trucks", "a"},
    {"cars_list", "any", "", "Tick \"Private seller\" in the filters on the left", "Private seller (5)", "input"},
    {"cars_list", "any", "", "Press the Search button at the top", "Search", "button"},
    {"cars_list", "field", "Max price", "", "Max price", "input"},
    {"cars_list", "any", "2018 Mazda CX-5", "", "2018 Mazda CX-5 Touring", "a"},
    {"crm_table", "row_link", "Alan Turing", "", "Alan Turing", "a"},
    {"crm_table", "row_link", "Bletchley", "", "Alan Turing", "a"}, /* by the rest of its row */
    {"crm_table", "tab", "My contacts", "", "My contacts", "button"},
    {"crm_table", "cell_link", "Ken Thompson", "", "Ken Thompson", "a"},
    {"boat_dl", "button", "Email seller", "", "Email seller", "button"},
    {"market_results", "nav_link", "Sell", "", "Sell", "a"},
    {"widgets_toggles", "any", "Guest wifi", "", "Guest wifi", "div"}, /* a switch of boxes, by its row */
    {"widgets_toggles", "any", "Alerts by text message", "", "Alerts by text message", "label"},
    {"widgets_toggles", "any", "I have read the terms and keep to them", "", "I have read the terms and keep to them", "label"},
    {"widgets_slider", "field", "Height of the desk", "", "Height of the desk", "div"},
    {"widgets_menu", "any", "Paper", "", "Paper", "span"}, /* nothing but words */
    {"widgets_menu", "button", "Paper", "", NULL, NULL},
};
/* clang-format on */

static void targets_are_found_by_what_people_call_them(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(find_cases); i++) {
        struct observation obs = golden_look(pool, find_cases[i].page);
        struct target_query q = {.label = find_cases[i].label, .intent = find_cases[i].intent};
        struct target t;
        struct err err = {0};
        assert_true(target_kind_parse(find_cases[i].kind, &q.kind));
        int r = reader_find(reader, pool, &obs, &q, &t, &err);
        const char *what = pool_printf(pool, "%s: %s '%s%s'", find_cases[i].page,
                                       find_cases[i].kind, q.label, q.intent);
        if (!find_cases[i].want_label) {
            assert_int_equal(r, E_NOT_FOUND);
            assert_non_null(strstr(err.msg, "nearest"));
            continue;
        }
        if (r)
            fail_msg("%s: %s", what, err.msg);
        if (strcmp(t.label, find_cases[i].want_label) != 0 ||
            strcmp(t.tag, find_cases[i].want_tag) != 0)
            fail_msg("%s: got <%s> '%s'", what, t.tag, t.label);
        if (t.in_view && !(t.at.x >= t.box.x && t.at.x <= t.box.x + t.box.w && t.at.y >= t.box.y &&
                           t.at.y <= t.box.y + t.box.h))
            fail_msg("%s: the point is outside the box", what);
    }
}

/* clang-format off */
static const struct {
    const char *page, *label, *intent, *near;
    const char *below; /* the row that is meant: its text; NULL: E_NOT_FOUND */
} near_cases[] = {
    {"renewals", "Edit", "", "Karl Berg", "Karl Berg"},
    {"renewals", "Edit", "Press \"Edit\" in the row of Lena Voss", NULL, "Lena Voss"},
    {"renewals", "", "Press \"Delete\" in the row of \"Anna Berg\"", NULL, "Anna Berg"},
    {"renewals", "Delete", "", "Lena Voss", NULL},          /* her row has none, others do */
    {"renewals", "Edit", "", "Otto Berg", NULL},            /* nobody of that name */
    {"renewals", "Renew", "", "Permit 7319", "Permit 7319"}, /* boxes that no role makes rows */
    {"renewals", "Renew", "Renew the permit in the row of the permit 7321", NULL, "Permit 7321"},
    {"renewals", "Renew", "", "Permit 7320", NULL},
    {"renewals", "Renew", "", "Permit 7399", NULL},
    {"renewals", "Book", "", "Large boat", "Large boat"}, /* terms and links in one flat list */
    {"renewals", "Book", "Click \"Book\" next to \"Small boat\"", NULL, "Small boat"},
    {"crm_table", "checkbox", "", "Alan Turing", "Alan Turing"}, /* whatever it is called */
    {"crm_table", "", "Tick the checkbox in the row of Ken Thompson", NULL, "Ken Thompson"},
    {"renewals", "checkbox", "", "Karl Berg", NULL}, /* there is none */
    {"crm_table", "", "Click \"More actions\" next to Barbara Liskov", NULL, "Barbara Liskov"},
};
/* clang-format on */

/* In one line with the text. */
static bool stands_beside(const struct observation *obs, const struct target *t, const char *text)
{
    for (int i = 0; i < obs->page->n_nodes; i++) {
        const struct node *n = &obs->page->nodes[i];
        if (strcmp(n->text, text) == 0 && t->at.y >= n->box.y - 12 &&
            t->at.y <= n->box.y + n->box.h + 12)
            return true;
    }
    return false;
}

static void a_row_that_is_named_decides_between_equal_names(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(near_cases); i++) {
        struct observation obs = golden_look(pool, near_cases[i].page);
        struct target_query q = {.label = near_cases[i].label,
                                 .intent = near_cases[i].intent,
                                 .near = near_cases[i].near};
        struct target t;
        struct err err = {0};
        int r = reader_find(reader, pool, &obs, &q, &t, &err);
        const char *what =
            pool_printf(pool, "'%s%s' near '%s'", q.label, q.intent, q.near ? q.near : "");
        if (near_cases[i].below ? r != 0 : r != E_NOT_FOUND)
            fail_msg("%s: %d %s", what, r, r ? err.msg : t.label);
        if (!r && !stands_beside(&obs, &t, near_cases[i].below))
            fail_msg("%s: found '%s' at %d,%d", what, t.label, t.at.x, t.at.y);
    }
}

static void region_and_avoided_points_are_honoured(void **state)
{
    struct observation obs = golden_look(pool, "form");
    struct target_query q = {.label = "Search", .intent = "", .kind = TARGET_BUTTON};
    struct target first, second;
    struct err err = {0};
    assert_int_equal(reader_find(reader, pool, &obs, &q, &first, &err), 0);
    q.avoid = &first.at;
    q.n_avoid = 1;
    assert_int_equal(reader_find(reader, pool, &obs, &q, &second, &err), E_NOT_FOUND);
    struct rect lower = {0, 400, 1280, 320};
    q = (struct target_query){
        .label = "Search", .intent = "", .kind = TARGET_BUTTON, .region = &lower};
    err_clear(&err);
    assert_int_equal(reader_find(reader, pool, &obs, &q, &second, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "in that region"));
}

static void equal_names_lower_the_confidence(void **state)
{
    struct observation list = golden_look(pool, "shop_grid"), form = golden_look(pool, "form");
    struct target_query q = {.label = "Add to cart", .intent = "", .kind = TARGET_BUTTON};
    struct target many, one;
    struct err err = {0};
    assert_int_equal(reader_find(reader, pool, &list, &q, &many, &err), 0);
    q.label = "Create account";
    assert_int_equal(reader_find(reader, pool, &form, &q, &one, &err), 0);
    assert_true(many.confidence < 0.8 && one.confidence > 0.9);
}

static void covered_targets_say_so(void **state)
{
    struct observation obs = golden_look(pool, "cookie_overlay");
    struct target_query q = {.label = "2019 Honda Civic EX", .intent = "", .kind = TARGET_ANY};
    struct target t;
    struct err err = {0};
    assert_int_equal(reader_find(reader, pool, &obs, &q, &t, &err), 0);
    assert_true(t.covered);
}

/* --- controls that pages have in common ------------------------------------------------------ */

typedef int ask_fn(const struct observation *obs, const char *detail, struct target *t,
                   struct err *err);

static int ask_next(const struct observation *obs, const char *detail, struct target *t,
                    struct err *err)
{
    return reader_find_next_page(reader, pool, obs, atoi(detail), t, err);
}

static int ask_more(const struct observation *obs, const char *detail, struct target *t,
                    struct err *err)
{
    return reader_find_more(reader, pool, obs, t, err);
}

static int ask_dismiss(const struct observation *obs, const char *detail, struct target *t,
                       struct err *err)
{
    return reader_find_dismiss(reader, pool, obs, t, err);
}

static int ask_reveal(const struct observation *obs, const char *detail, struct target *t,
                      struct err *err)
{
    return reader_find_reveal(reader, pool, obs, schema_of(pool, detail), NULL, 0, t, err);
}

/* clang-format off */
static const struct {
    ask_fn *ask;
    const char *page, *detail, *want; /* NULL: E_NOT_FOUND */
} control_cases[] = {
    {ask_next, "cars_list", "1", "Next page"},
    {ask_next, "crm_table", "1", "Next"},
    {ask_next, "serp", "1", "Next"},
    {ask_next, "jobs_links", "1", "2"},
    {ask_next, "jobs_links", "2", "3"},
    {ask_next, "jobs_links", "3", NULL},
    {ask_next, "shop_grid", "1", "Load more"},
    {ask_next, "rtl_list", "1", "\xD7\x94\xD7\x91\xD7\x90"},
    {ask_next, "market_results", "1", "Next \xE2\x80\xBA"},
    {ask_next, "boat_dl", "1", NULL},
    {ask_next, "no_results", "1", NULL},
    {ask_more, "shop_grid", "", "Load more"},
    {ask_more, "cars_list", "", NULL},
    {ask_more, "endless", "", "Try again"},
    {ask_more, "lab_infinite", "", NULL},
    {ask_dismiss, "cookie_overlay", "", "Only necessary cookies"},
    {ask_dismiss, "cookie_bar", "", "Got it"},
    {ask_dismiss, "newsletter_modal", "", "Close"},
    {ask_dismiss, "market_results", "", "Reject all"},
    {ask_dismiss, "cars_list", "", NULL},
    {ask_dismiss, "form", "", NULL},
    {ask_reveal, "boat_dl", "phone,price", "Show phone number"},
    {ask_reveal, "boat_dl", "price", NULL},
    {ask_reveal, "boat_dl", "{'fields':['phone'],'allowed_controls':['show phone']}", "Show phone number"},
    {ask_reveal, "boat_dl", "{'fields':['phone'],'allowed_controls':['seller']}", NULL}, /* e-mailing is no reveal */
    {ask_reveal, "boat_dl", "{'fields':['phone'],'forbidden_controls':['PHONE']}", NULL},
    {ask_reveal, "market_boat", "phone", "Show phone"},
    {ask_reveal, "car_spans", "phone", NULL},
};
/* clang-format on */

static void common_controls_are_found_or_not(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(control_cases); i++) {
        struct observation obs = golden_look(pool, control_cases[i].page);
        struct target t = {0};
        struct err err = {0};
        int r = control_cases[i].ask(&obs, control_cases[i].detail, &t, &err);
        if (control_cases[i].want ? r != 0 || strcmp(t.label, control_cases[i].want) != 0
                                  : r != E_NOT_FOUND)
            fail_msg("%s %s: '%s' %s", control_cases[i].page, control_cases[i].detail,
                     t.label ? t.label : "", err.msg);
    }
}

static void a_used_reveal_control_is_not_offered_again(void **state)
{
    struct observation obs = golden_look(pool, "boat_dl");
    const char *done[] = {"show phone number"};
    struct target t;
    struct err err = {0};
    assert_int_equal(
        reader_find_reveal(reader, pool, &obs, schema_of(pool, "phone"), done, 1, &t, &err),
        E_NOT_FOUND);
}

/* --- list ------------------------------------------------------------------------------------ */

/* clang-format off */
static const struct {
    const char *page;
    enum list_status status;
    int n, n_sponsored;
    const char *first, *last, *first_href;
} list_cases[] = {
    {"cars_list", LIST_OK, 9, 1, "2019 Honda Civic EX", "2017 BMW 330i", "http://site.test/listing/4400-2019-honda-civic-ex"},
    {"cookie_overlay", LIST_OK, 9, 1, "2019 Honda Civic EX", "2017 BMW 330i", NULL},
    {"shop_grid", LIST_OK, 6, 1, "Aurora LED Desk Lamp", "Fern Plant Stand", "http://site.test/p/aurora-led-desk-lamp"},
    {"crm_table", LIST_OK, 5, 0, "Grace Hopper", "Ken Thompson", "http://site.test/contacts/11"},
    {"jobs_links", LIST_OK, 5, 0, "Harbour Pilot", "Crane Operator", "http://site.test/job/900?from=serp"},
    {"serp", LIST_OK, 4, 0, "Tide tables for beginners", "Why is the sea salty?", "https://tides.test/guide/beginners"},
    {"rtl_list", LIST_OK, 4, 1, NULL, NULL, "http://site.test/car/1"},
    {"script_cards", LIST_OK, 3, 0, "12 Elm Street", "77 Cedar Court", ""},
    {"market_results", LIST_OK, 12, 0, "2008 Ostermoor Compass 28", "2009 Tarn & Vale Skerry 25", NULL},
    {"one_row", LIST_OK, 1, 0, "Quentin Aldous", "Quentin Aldous", "http://site.test/customers/17/"},
    {"one_card", LIST_OK, 1, 0, "Enamel Mug", "Enamel Mug", "http://site.test/p/enamel-mug/"},
    {"script_rows", LIST_OK, 1, 0, "Quentin Aldous", "Quentin Aldous", ""},
    {"renewals", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"boat_dl", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"auto_de", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"product_micro", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"article", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"form", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"no_results", LIST_EMPTY, 0, 0, NULL, NULL, NULL},
    {"blocked", LIST_BLOCKED, 0, 0, NULL, NULL, NULL},
};
/* clang-format on */

static void result_cards_are_listed_in_reading_order(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(list_cases); i++) {
        struct observation obs = golden_look(pool, list_cases[i].page);
        struct card *cards;
        enum list_status status;
        struct err err = {0};
        int n, sponsored = 0;
        assert_int_equal(reader_list(reader, pool, &obs, NULL, 100, &cards, &n, &status, &err), 0);
        for (int k = 0; k < n; k++)
            sponsored += cards[k].sponsored;
        if (status != list_cases[i].status || n != list_cases[i].n ||
            sponsored != list_cases[i].n_sponsored)
            fail_msg("%s: status %d, %d cards, %d sponsored", list_cases[i].page, (int)status, n,
                     sponsored);
        if (list_cases[i].first) {
            assert_string_equal(cards[0].title, list_cases[i].first);
            assert_string_equal(cards[n - 1].title, list_cases[i].last);
        }
        if (list_cases[i].first_href)
            assert_string_equal(cards[0].href, list_cases[i].first_href);
    }
}

static void exclusions_and_the_cap_shorten_a_list(void **state)
{
    struct observation obs = golden_look(pool, "cars_list");
    struct schema *s = schema_of(
        pool, "{'fields':['year'],'listing_card_exclusions':['sponsored','Lone Star Autos']}");
    struct card *cards;
    enum list_status status;
    struct err err = {0};
    int n;
    assert_int_equal(reader_list(reader, pool, &obs, s, 100, &cards, &n, &status, &err), 0);
    assert_int_equal(n, 7);
    assert_int_equal(reader_list(reader, pool, &obs, s, 3, &cards, &n, &status, &err), 0);
    assert_int_equal(n, 3);
}

/* --- values ---------------------------------------------------------------------------------- */

static const struct {
    const char *page, *fields, *want; /* the whole answer: what is not there must be left out */
} extract_cases[] = {
    {"boat_dl", "year:int,make,model,price,phone,seller,location,title,engine_hours:int",
     "{'year':2013,'make':'Sea Ray','model':'240 Sundeck','price':'$29,500','seller':'Marcus Webb',"
     "'location':'Lake Travis, TX','title':'2013 Sea Ray 240 Sundeck','engine_hours':412}"},
    {"boat_dl_revealed", "phone,price:int", "{'phone':'(512) 555-0147','price':29500}"},
    {"auto_de", "year,make,model,price:int,mileage:int,phone,seller,location",
     "{'year':'2016','make':'Volkswagen','model':'Golf','price':12490,'mileage':98200,'phone':'"
     "0221 555 01 23',"
     "'seller':'Autohaus Rheinblick GmbH','location':'50667 K\xC3\xB6ln'}"},
    {"car_spans",
     "year:int,make,model,price:int,phone,email,mileage,doors:int,seller,location,date_posted,"
     "sunroof:bool,certified:bool,"
     "exterior_color,vin,trim",
     "{'year':2019,'make':'Honda','model':'Civic EX','price':18450,'phone':'(512) "
     "555-0168','email':'dana@example.test',"
     "'mileage':'42,100 miles','doors':4,'seller':'Dana Whitfield','location':'Austin, "
     "TX','date_posted':'May 3, 2024',"
     "'sunroof':true,'certified':false,'exterior_color':'Cosmic Blue','vin':'2HGFC2F59KH500000'}"},
    {"job_jsonld", "title,company,location,salary:int,date_posted,phone",
     "{'title':'Senior Tide Analyst','company':'Oceanworks','location':'Portland, "
     "ME','salary':98000,'date_posted':'2024-03-11'}"},
    {"product_micro", "name,brand,price:int,material,weight,waterproof:bool,sku",
     "{'name':'Fjord Rain Jacket','brand':'Nordlys','price':149,'material':'recycled "
     "nylon','weight':'410 g','waterproof':true,"
     "'sku':'NL-2231-B'}"},
    {"rtl_detail", "year,price,phone",
     "{'year':'2018','price':'45,000 AED','phone':'+971 50 555 0123'}"},
    {"article", "title,date,price,phone,year",
     "{'title':'Bridge reopens after repairs','date':'2 February 2024'}"},
    {"market_boat", "year,make,model,price,phone,url",
     "{'year':'2008','make':'Ostermoor','model':'Compass 28','price':'USD 32,200',"
     "'url':'http://harborlist.test/boats/1012-2008-ostermoor-compass-28/'}"},
    {"blocked", "year,make,price,phone", "{}"},
};

static void values_are_read_from_every_kind_of_page(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(extract_cases); i++) {
        struct observation obs = golden_look(pool, extract_cases[i].page);
        struct extraction x;
        struct err err = {0};
        if (reader_extract(reader, pool, &obs, 1, schema_of(pool, extract_cases[i].fields), &x,
                           &err))
            fail_msg("%s: %s", extract_cases[i].page, err.msg);
        if (!json_equal(x.values, json_of(pool, extract_cases[i].want)))
            fail_msg("%s: %s", extract_cases[i].page, json_text(pool, x.values));
        assert_int_equal(json_object_size(x.values), json_object_size(x.evidence));
    }
}

static void every_value_can_say_where_it_was_seen(void **state)
{
    struct observation obs = golden_look(pool, "boat_dl");
    struct extraction x;
    struct err err = {0};
    assert_int_equal(
        reader_extract(reader, pool, &obs, 1, schema_of(pool, "price,make,url"), &x, &err), 0);
    const json_t *price = json_object_get(x.evidence, "price");
    assert_string_equal(json_str(price, "text", ""), "$29,500");
    assert_string_equal(json_str(price, "url", ""), "http://site.test/boat_dl.html");
    assert_int_equal(json_array_size(json_object_get(price, "box")), 4);
    /* What the page shows wins over what it tells machines, and says that they differ. */
    assert_string_equal(json_str(json_object_get(price, "differs"), "text", ""), "31900");
    assert_string_equal(json_str(json_object_get(price, "differs"), "method", ""), "json_ld");
    assert_string_equal(json_str(json_object_get(x.evidence, "make"), "method", ""),
                        "definition_list");
}

static void the_newest_of_several_looks_completes_the_first(void **state)
{
    struct observation obs[] = {golden_look(pool, "boat_dl"),
                                golden_look(pool, "boat_dl_revealed")};
    struct extraction x;
    struct err err = {0};
    assert_int_equal(reader_extract(reader, pool, obs, 2, schema_of(pool, "year,phone"), &x, &err),
                     0);
    assert_string_equal(json_str(x.values, "phone", ""), "(512) 555-0147");
    assert_string_equal(json_str(x.values, "year", ""), "2013");
}

static void spam_indicators_are_the_schemas_only(void **state)
{
    struct observation obs = golden_look(pool, "auto_de");
    struct extraction x;
    struct err err = {0};
    struct schema *s = schema_of(
        pool,
        "{'fields':['seller','make'],'spam_seller_indicators':['autohaus'],'spam_label':'dealer'}");
    assert_int_equal(reader_extract(reader, pool, &obs, 1, s, &x, &err), 0);
    assert_true(x.spam);
    assert_non_null(strstr(x.spam_reason, "dealer: seller contains 'autohaus'"));
    assert_int_equal(
        reader_extract(reader, pool, &obs, 1, schema_of(pool, "seller,make"), &x, &err), 0);
    assert_false(x.spam);
}

static const struct {
    const char *page, *fields;
    int n;
    const char *first;
} rows_cases[] = {
    {"cars_list", "title,price,mileage,location,url", 9,
     "{'title':'2019 Honda Civic EX','price':'$18,450','mileage':'42,100 mi','location':'Austin, "
     "TX',"
     "'url':'http://site.test/listing/4400-2019-honda-civic-ex'}"},
    {"cars_list", "year:int,make,seller", 8,
     "{'year':2019,'seller':'Private seller'}"}, /* a heading does not say where the make ends */
    {"shop_grid", "name,price", 6, "{'name':'Aurora LED Desk Lamp','price':'$39.99'}"},
    {"crm_table", "name,company,email,phone,status", 5,
     "{'name':'Grace Hopper','company':'Compiler Ltd','email':'grace@compiler.test','phone':'+1 "
     "202 555 0143','status':'Customer'}"},
    {"jobs_links", "title,company,salary", 5,
     "{'title':'Harbour Pilot','company':'Port of Lisle','salary':'$41 an hour'}"},
    {"serp", "title,url", 5,
     "{'title':'Buy tide tables today','url':'https://clicks.test/aclk?x=1'}"},
    {"split_prices", "name,price", 3, "{'name':'Storage Jar','price':'$12.95'}"},
    {"auto_de", "title,price", 0, NULL},
    {"no_results", "title,price", 0, NULL},
};

static void a_row_that_is_an_advertisement_says_so(void **state)
{
    struct observation obs = golden_look(pool, "serp");
    struct extraction *rows;
    struct err err = {0};
    int n, ads = 0;
    assert_int_equal(
        reader_rows(reader, pool, &obs, schema_of(pool, "title,url"), 10, &rows, &n, &err), 0);
    for (int i = 0; i < n; i++)
        ads += rows[i].sponsored;
    assert_true(rows[0].sponsored && ads == 1);
}

/* Cents are set higher than the price; powers and notes are no cents. */
static void split_prices_are_put_together(void **state)
{
    static const char *const want[] = {"$12.95", "$1,150.00", "$24.50"};
    struct observation obs = golden_look(pool, "split_prices");
    struct extraction *rows;
    struct err err = {0};
    int n;
    assert_int_equal(
        reader_rows(reader, pool, &obs, schema_of(pool, "name,price"), 10, &rows, &n, &err), 0);
    assert_int_equal(n, (int)ARRAY_SIZE(want));
    for (int i = 0; i < n; i++)
        assert_string_equal(json_str(rows[i].values, "price", ""), want[i]);
    const char *text = page_text(pool, obs.page, 0, 4000);
    assert_non_null(strstr(text, "About 1022 stars. See note 1234."));
}

static void rows_are_read_from_cards_and_tables(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows_cases); i++) {
        struct observation obs = golden_look(pool, rows_cases[i].page);
        struct extraction *rows;
        struct err err = {0};
        int n;
        assert_int_equal(reader_rows(reader, pool, &obs, schema_of(pool, rows_cases[i].fields), 100,
                                     &rows, &n, &err),
                         0);
        if (n != rows_cases[i].n ||
            (n && !json_equal(rows[0].values, json_of(pool, rows_cases[i].first))))
            fail_msg("%s %s: %d rows, first %s", rows_cases[i].page, rows_cases[i].fields, n,
                     n ? json_text(pool, rows[0].values) : "");
    }
}

/* --- yes or no ------------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *page, *question;
    enum answer want;
} visible_cases[] = {
    {"shop_gone", "Is the Walnut Bread Board sold out?", ANSWER_YES},
    {"shop_gone", "Is it sold out or out of stock?", ANSWER_YES},
    {"shop_gone", "The product is in stock", ANSWER_NO},
    {"shop_gone", "Is the Copper Kettle sold out?", ANSWER_UNKNOWN}, /* another thing */
    {"shop_there", "Is the Copper Kettle sold out?", ANSWER_NO},    /* one size of it is, and another thing */
    {"shop_there", "Is this item in stock?", ANSWER_YES},
    {"article", "Is it sold out?", ANSWER_UNKNOWN},
    {"cars_list", "The heading \"Used cars near Austin, TX\" is shown", ANSWER_YES},
    {"cars_list", "The heading \"Boats near Austin, TX\" is shown", ANSWER_NO},
    {"cars_list", "The page shows \"Honda Civic\"", ANSWER_YES},
    {"cars_list", "The page shows \"Zeppelin\"", ANSWER_NO},
    {"cars_list", "The page does not show \"Zeppelin\"", ANSWER_YES},
    {"cars_list", "at least 5 results are listed", ANSWER_YES},
    {"cars_list", "at least 500 results are listed", ANSWER_NO},
    {"cars_list", "exactly 243 results", ANSWER_YES},
    {"cars_list", "no more than 20 results are listed", ANSWER_NO},
    {"cars_list", "The page shows listings", ANSWER_YES},
    {"cars_list", "Car listings are shown", ANSWER_YES},
    {"cars_list", "The page shows boat listings", ANSWER_UNKNOWN},
    {"cars_list", "Only red cars are listed", ANSWER_UNKNOWN},
    {"cars_list", "the URL contains \"cars_list\"", ANSWER_YES},
    {"cars_list", "the URL contains /boats/", ANSWER_NO},
    {"cars_list", "the filter \"Private seller\" is applied", ANSWER_NO},
    {"cars_list", "the filter \"Dealer\" is applied", ANSWER_YES},
    {"cars_list", "the filter \"Convertible\" is applied", ANSWER_UNKNOWN},
    {"cars_list", "You are logged in", ANSWER_NO},
    {"shop_grid", "You are signed in", ANSWER_YES},
    {"article", "You are signed in", ANSWER_UNKNOWN},
    {"cars_list", "An error is shown", ANSWER_NO},
    {"form", "An error message is shown", ANSWER_YES},
    {"form", "No error is shown", ANSWER_NO},
    {"cars_list", "There is a button \"Search\"", ANSWER_YES},
    {"cars_list", "There is a button \"Teleport\"", ANSWER_NO},
    {"form", "\"I agree to the terms\" is checked", ANSWER_YES},
    {"form", "\"Send me the newsletter\" is checked", ANSWER_NO},
    {"form", "The page shows \"ann@example.test\"", ANSWER_YES}, /* a field's value */
    {"form", "The page shows \"secret\"", ANSWER_NO},            /* a password's is not */
    {"cookie_overlay", "A cookie banner covers the page", ANSWER_YES},
    {"cookie_overlay", "the cookie banner is gone", ANSWER_NO},
    {"cars_list", "no cookie banner is shown", ANSWER_YES},
    {"blocked", "the page is blocked", ANSWER_YES},
    {"blocked", "listings are shown", ANSWER_NO},
    {"no_results", "No results are shown", ANSWER_YES},
    {"no_results", "The search results are listed", ANSWER_NO},
    {"cars_list", "The page has loaded", ANSWER_YES},
    {"cars_list", "Used cars near Austin", ANSWER_YES},
    {"cars_list", "Austin", ANSWER_UNKNOWN}, /* one word among others decides nothing */
    {"cars_list", "The moon is made of cheese", ANSWER_UNKNOWN},
    {"cars_list", "The heading \"Used cars near Austin, TX\" is shown and at least 5 results are listed", ANSWER_YES},
    {"cars_list", "The heading \"Used cars near Austin, TX\" is shown and the page shows \"Zeppelin\"", ANSWER_NO},
    {"market_results", "The heading \"Boats from private sellers\" is shown", ANSWER_YES},
    {"market_results", "Boats from private sellers are listed", ANSWER_YES},
};
/* clang-format on */

static void questions_are_answered_by_what_is_shown(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(visible_cases); i++) {
        struct observation obs = golden_look(pool, visible_cases[i].page);
        struct verdict v;
        struct err err = {0};
        assert_int_equal(reader_visible(reader, pool, &obs, visible_cases[i].question, &v, &err),
                         0);
        if (v.answer != visible_cases[i].want || !*v.reason)
            fail_msg("%s: %s -> %d (%s)", visible_cases[i].page, visible_cases[i].question,
                     (int)v.answer, v.reason);
    }
}

/* The largest page a site can make us hold: a quadratic question would not end within the timeout.
 */
static void largest_pages_are_answered(void **state)
{
    json_t *page_json = json_object(), *nodes = json_array();
    for (int i = 0; i < 60000; i++) {
        json_t *n = json_object();
        int depth = i % 60;
        json_put_int(n, "parent",
                     i == 0                 ? -1
                     : depth == 1 || i < 60 ? (depth == 1 ? 0 : i - 1)
                     : depth == 0           ? 0
                                            : i - 1);
        json_put_str(n, "tag", i % 5 == 4 ? "a" : "div");
        json_put_str(n, "flags", "visible in_view");
        json_t *box = json_array();
        for (int k = 0; k < 4; k++)
            json_push(box, json_integer(100 + i % 7));
        json_put(n, "box", box);
        if (i % 5 == 4) {
            json_t *attrs = json_object();
            json_put_str(attrs, "href", pool_printf(pool, "/item/%d", i));
            json_put(n, "attrs", attrs);
        }
        if (depth == 59) {
            json_put_str(n, "tag", "#text");
            json_put_str(n, "text", "Price: $12,500 for a 2013 boat");
        }
        json_push(nodes, n);
    }
    json_put(page_json, "nodes", nodes);
    json_put_str(page_json, "url", "http://big.test/");
    struct page *page;
    struct err err = {0};
    if (page_from_json(pool, page_json, &page, &err))
        fail_msg("%s", err.msg);
    json_decref(page_json);
    struct observation obs = {.url = page->url, .title = "", .page = page};
    struct card *cards;
    enum list_status status;
    struct extraction x, *rows;
    struct verdict v;
    struct target t;
    struct target_query q = {.label = "Nothing", .intent = "", .kind = TARGET_ANY};
    int n;
    assert_int_equal(reader_list(reader, pool, &obs, NULL, 100, &cards, &n, &status, &err), 0);
    assert_int_equal(
        reader_extract(reader, pool, &obs, 1, schema_of(pool, "year,price,phone,seller"), &x, &err),
        0);
    assert_int_equal(
        reader_rows(reader, pool, &obs, schema_of(pool, "year,price"), 50, &rows, &n, &err), 0);
    assert_int_equal(reader_visible(reader, pool, &obs, "at least 10 results are shown", &v, &err),
                     0);
    assert_int_equal(reader_find(reader, pool, &obs, &q, &t, &err), E_NOT_FOUND);
    assert_int_equal(reader_find_dismiss(reader, pool, &obs, &t, &err), E_NOT_FOUND);
}

/* --- pages made to hold the reader ----------------------------------------------------------- */

struct hostile {
    struct page page;
    struct attr *attrs;
};

/* n nodes, each of them a visible <div> of the whole screen with one attribute, below
 * the first. */
static struct hostile *hostile_page(int n, const char *attr, const char *value)
{
    struct hostile *h = pool_alloc(pool, sizeof(*h));
    struct node *nodes = pool_alloc(pool, sizeof(*nodes) * (size_t)n);
    h->attrs = pool_alloc(pool, sizeof(*h->attrs));
    *h->attrs = (struct attr){attr, value};
    h->page = (struct page){.url = "http://hostile.test/",
                            .title = "",
                            .nodes = nodes,
                            .n_nodes = n,
                            .viewport = {0, 0, 1280, 720}};
    for (int i = 0; i < n; i++)
        nodes[i] = (struct node){.parent = i ? 0 : -1,
                                 .tag = "div",
                                 .text = "",
                                 .role = "",
                                 .name = "",
                                 .value = "",
                                 .href = "",
                                 .attrs = h->attrs,
                                 .n_attrs = 1,
                                 .flags = NODE_VISIBLE | NODE_IN_VIEW,
                                 .box = {0, 0, 1280, 720}};
    return h;
}

static void set_text(struct node *n, const char *text)
{
    n->tag = "#text";
    n->text = text;
    n->n_attrs = 0;
}

/* Once the nodes have their parents. */
static struct observation look_at(struct hostile *h)
{
    struct node *nodes = h->page.nodes;
    for (int i = h->page.n_nodes - 1; i >= 0; i--) {
        if (nodes[i].end < i + 1)
            nodes[i].end = i + 1;
        if (nodes[i].parent >= 0 && nodes[nodes[i].parent].end < nodes[i].end)
            nodes[nodes[i].parent].end = nodes[i].end;
    }
    page_finish(pool, &h->page);
    return (struct observation){.url = h->page.url, .title = "", .page = &h->page};
}

/* Chains of dialogs, 200 deep, over as many covered nodes: looked at within the test's time. */
static void overlays_in_overlays_are_looked_at_in_time(void **state)
{
    enum { HALF = 30000 };
    for (int covered = 0; covered <= 1; covered++) {
        struct hostile *h = hostile_page(2 * HALF, "class", "modal");
        for (int i = 1; i < HALF; i++)
            h->page.nodes[i].parent = i % 200 == 1 ? 0 : i - 1;
        for (int i = HALF; i < 2 * HALF; i++) {
            h->page.nodes[i].box = (struct rect){5000, 5000, 10, 10};
            h->page.nodes[i].flags |= covered ? NODE_COVERED : 0;
        }
        struct observation obs = look_at(h);
        struct target t;
        struct err err = {0};
        assert_int_equal(reader_find_dismiss(reader, pool, &obs, &t, &err), E_NOT_FOUND);
    }
}

/* A boat's name may end in a number and its price begin with the currency. */
static void a_price_is_not_put_together_from_two_blocks(void **state)
{
    static const char *const tags[] = {"article", "a", "h3", "#text", "p", "#text"};
    static const int parents[] = {0, 0, 1, 2, 0, 4};
    enum { CARDS = 4, NODES = ARRAY_SIZE(tags) };
    struct hostile *h = hostile_page(1 + CARDS * NODES, "href", "/boat");
    for (int i = 0; i < CARDS; i++) {
        struct node *card = &h->page.nodes[1 + i * NODES];
        for (int k = 0; k < NODES; k++) {
            card[k].tag = tags[k];
            card[k].parent = k ? 1 + i * NODES + parents[k] : 0;
            card[k].box = (struct rect){0, 100 * i + (k < 4 ? 0 : 50), 400, k < 4 ? 45 : 16};
        }
        set_text(&card[3], pool_printf(pool, "199%d Brindlewick Lantern 30", i));
        set_text(&card[5], pool_printf(pool, "USD 14,50%d firm", i));
    }
    struct observation obs = look_at(h);
    struct extraction *rows;
    struct err err = {0};
    int n;
    assert_int_equal(
        reader_rows(reader, pool, &obs, schema_of(pool, "title,price"), 9, &rows, &n, &err), 0);
    assert_int_equal(n, CARDS);
    for (int i = 0; i < n; i++)
        assert_string_equal(json_str(rows[i].values, "price", ""),
                            pool_printf(pool, "USD 14,50%d", i));
}

static size_t heap_bytes(void)
{
    return mallinfo2().uordblks + mallinfo2().hblkhd;
}

/* 4,000 boxes whose classes are hundreds of words each. */
static void a_page_of_class_words_is_read_in_bounds(void **state)
{
    enum { BOXES = 4000, CLASS_BYTES = 510 };
    struct hostile *h = hostile_page(2 * BOXES + 1, "id", "x");
    struct extraction x;
    struct err err = {0};
    for (int i = 0; i < BOXES; i++) {
        struct attr *class = pool_alloc(pool, sizeof(*class));
        char *words = pool_alloc(pool, CLASS_BYTES + 8);
        for (int at = 0; at < CLASS_BYTES; at += 6)
            snprintf(words + at, 8, "p%04x ", (i * 85 + at / 6) & 0xffff);
        *class = (struct attr){"class", words};
        h->page.nodes[1 + 2 * i].attrs = class;
        h->page.nodes[2 + 2 * i].parent = 1 + 2 * i;
        set_text(&h->page.nodes[2 + 2 * i], i ? "words" : "Price: $12,500");
    }
    struct observation obs = look_at(h);
    struct schema *s =
        schema_of(pool, "year,make,model,price,phone,seller,location,doors,color,trim,vin");
    size_t before = heap_bytes();
    assert_int_equal(reader_extract(reader, pool, &obs, 1, s, &x, &err), 0);
    assert_string_equal(json_str(x.values, "price", ""), "$12,500");
    assert_true(heap_bytes() - before < 16u << 20);
}

/* 500 rows, each of which might be any of 5,000 objects that machines are told about. */
static void rows_beside_a_mass_of_linked_data_are_read_in_bounds(void **state)
{
    enum { ROWS = 500, OBJECTS = 5000, SIZE = 1 << 20 };
    struct hostile *h = hostile_page(3 + 5 * ROWS, "class", "row");
    struct attr script = {"type", "application/ld+json"};
    char *ld = pool_alloc(pool, SIZE);
    size_t at = (size_t)snprintf(ld, SIZE, "[");
    for (int i = 0; i < OBJECTS; i++)
        at += (size_t)snprintf(
            ld + at, SIZE - at,
            "%s{\"@type\":\"Product\",\"name\":\"Lamp %d\",\"url\":\"/item/%d\",\"color\":"
            "\"blue %d\"}",
            i ? "," : "", i, i, i);
    snprintf(ld + at, SIZE - at, "]");
    struct node *nodes = h->page.nodes;
    nodes[1].tag = "script";
    nodes[1].flags = 0;
    nodes[1].attrs = &script;
    nodes[2].parent = 1;
    set_text(&nodes[2], ld);
    nodes[2].flags = 0;
    for (int i = 0; i < ROWS; i++) {
        struct node *n = &nodes[3 + 5 * i];
        struct attr *href = pool_alloc(pool, sizeof(*href));
        *href = (struct attr){"href", pool_printf(pool, "/item/%d", i)};
        n[1].tag = "a";
        n[1].attrs = href;
        n[1].parent = n[3].parent = 3 + 5 * i;
        n[2].parent = 4 + 5 * i;
        n[4].parent = 6 + 5 * i;
        set_text(&n[2], pool_printf(pool, "Lamp %d", i));
        set_text(&n[4], "$12,500");
        for (int k = 0; k < 5; k++)
            n[k].box = (struct rect){0, 40 * i, 600, 30};
    }
    struct observation obs = look_at(h);
    struct extraction *rows;
    struct err err = {0};
    int n;
    size_t before = heap_bytes();
    assert_int_equal(
        reader_rows(reader, pool, &obs, schema_of(pool, "name,price,color"), ROWS, &rows, &n, &err),
        0);
    assert_int_equal(n, ROWS);
    assert_string_equal(json_str(rows[ROWS - 1].values, "color", ""), "blue 499");
    assert_true(heap_bytes() - before < 32u << 20);
}

/* What took all the work that one question may take is given, and says so. */
static void a_page_that_takes_too_much_work_gives_what_was_found(void **state)
{
    enum { BOXES = 9000 };
    struct hostile *h = hostile_page(2 * BOXES + 1, "class", NULL);
    struct extraction x;
    struct err err = {0};
    char *words = pool_alloc(pool, 512);
    for (int at = 0; at < 508; at += 4)
        memcpy(words + at, "abc ", 4);
    h->attrs->value = words;
    for (int i = 0; i < BOXES; i++) {
        h->page.nodes[2 + 2 * i].parent = 1 + 2 * i;
        set_text(&h->page.nodes[2 + 2 * i], i ? "words" : "Price: $12,500");
    }
    struct observation obs = look_at(h);
    assert_int_equal(
        reader_extract(reader, pool, &obs, 1, schema_of(pool, "price,trim,vin,color"), &x, &err),
        0);
    assert_string_equal(json_str(x.values, "price", ""), "$12,500");
    assert_non_null(json_object_get(json_object_get(x.evidence, "price"), "incomplete"));
    set_text(&h->page.nodes[2], "words");
    assert_int_equal(
        reader_extract(reader, pool, &obs, 1, schema_of(pool, "price,trim,vin,color"), &x, &err),
        E_TOOBIG);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(words_are_compared_plain),
        T(shapes_are_found_and_told_apart),
        T(numbers_are_read_in_every_notation),
        T(hostile_text_does_not_slow_a_pattern),
        T(fields_are_known_by_their_names),
        T(targets_are_found_by_what_people_call_them),
        T(region_and_avoided_points_are_honoured),
        T(a_row_that_is_named_decides_between_equal_names),
        T(equal_names_lower_the_confidence),
        T(covered_targets_say_so),
        T(common_controls_are_found_or_not),
        T(a_used_reveal_control_is_not_offered_again),
        T(result_cards_are_listed_in_reading_order),
        T(exclusions_and_the_cap_shorten_a_list),
        T(values_are_read_from_every_kind_of_page),
        T(every_value_can_say_where_it_was_seen),
        T(the_newest_of_several_looks_completes_the_first),
        T(spam_indicators_are_the_schemas_only),
        T(a_row_that_is_an_advertisement_says_so),
        T(split_prices_are_put_together),
        T(rows_are_read_from_cards_and_tables),
        T(a_price_is_not_put_together_from_two_blocks),
        T(questions_are_answered_by_what_is_shown),
        T(largest_pages_are_answered),
        T(overlays_in_overlays_are_looked_at_in_time),
        T(a_page_of_class_words_is_read_in_bounds),
        T(rows_beside_a_mass_of_linked_data_are_read_in_bounds),
        T(a_page_that_takes_too_much_work_gives_what_was_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
