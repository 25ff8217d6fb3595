/*
 * What sentences become. A plan is told as a line: type(what counts) | ...; "?v" in front of a step
 * that hangs on the variable v, "!" behind one that is required.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "plan/decompose.h"
#include "plan/intake.h"
#include "plan/normalise.h"

static struct pool *pool;
static struct err err;

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

static const char *fields_line(const json_t *extract)
{
    const char *out = "";
    size_t i;
    json_t *f;
    json_array_foreach (json_object_get(extract, "fields"), i, f) {
        const char *type = json_str(f, "type", "str");
        out = pool_printf(pool, "%s%s%s%s%s%s", out, *out ? " " : "", json_str(f, "name", "?"),
                          strcmp(type, "str") ? ":" : "", strcmp(type, "str") ? type : "",
                          json_flag(f, "required", true) ? "" : "?");
    }
    if (json_object_get(extract, "max_items"))
        out = pool_printf(pool, "%s max %d", out, (int)json_int(extract, "max_items", 0));
    return out;
}

/* Params that tell a step, joined; an address, a label, a value. */
static const char *params_line(const json_t *params)
{
    static const char *const keys[] = {
        "url",       "label", "dropdown_label", "start_label", "kind",  "value",   "option_label",
        "end_label", "keys",  "text",           "direction",   "count", "seconds", "prompt"};
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *v = json_object_get(params, keys[i]);
        if (v)
            out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", json_as_text(pool, v));
    }
    return out;
}

static const char *step_line(const json_t *s)
{
    const char *type = json_str(s, "type", "?"), *guard = json_str(s, "guard", "");
    const char *what = params_line(json_object_get(s, "params"));
    const json_t *extract = json_object_get(s, "extract");
    if (json_flag(s, "gate", false)) {
        assert_true(json_flag(s, "required", false)); /* nothing behind it runs, whatever its section */
        type = "gate";
        what = json_str(s, "verify", "");
    } else if (extract)
        what = fields_line(extract);
    else if (strcmp(type, "loop") == 0)
        what = pool_printf(pool, "%d x%d", (int)json_int(s, "loop_target", -1),
                           (int)json_int(s, "loop_count", 0));
    else if (strcmp(type, "detect_visible") == 0)
        what = pool_printf(pool, "%s: %s", json_str(s, "out_var", "?"), json_str(s, "intent", "?"));
    else if (!*what)
        what = json_str(json_object_get(s, "hints"), "layout", "");
    return pool_printf(pool, "%s%s%s%s%s%s%s", *guard ? "?" : "", guard, *guard ? " " : "", type,
                       *what ? "(" : "", what, *what ? ")" : "");
}

static const char *plan_line(const json_t *document)
{
    const char *out = "";
    size_t i;
    json_t *s;
    json_array_foreach (json_object_get(document, "steps"), i, s)
        out = pool_printf(pool, "%s%s%s", out, *out ? " | " : "", step_line(s));
    return out;
}

/* clang-format off */
static const struct {
    const char *text, *plan;
} understood[] = {
    {"Go to https://shop.test/.",
     "navigate(https://shop.test/)"},
    {"Open example.com and search for laptops.",
     "navigate(https://example.com) | fill_field(Search, laptops) | key_press(Return)"},
    {"Please visit the website at https://a.test/path?x=1, then click on the \"Sign in\" button.",
     "navigate(https://a.test/path?x=1) | submit(Sign in, button)"},
    {"Navigate to https://a.test/login and log in as dana@a.test with password harbor-42.",
     "navigate(https://a.test/login) | fill_field(Email, dana@a.test) | fill_field(Password, harbor-42) | submit(Sign in)"},
    {"Log in with username admin and password s3cret!, then open the \"Settings\" tab.",
     "fill_field(Username, admin) | fill_field(Password, s3cret!) | submit(Sign in) | click(Settings, tab)"},
    {"Type \"Ada Lovelace\" into the Name field and press Enter.",
     "fill_field(Name, Ada Lovelace) | key_press(Return)"},
    {"Enter 42 in the quantity box.",
     "fill_field(quantity, 42)"},
    {"Fill in the Email field with ada@x.test.",
     "fill_field(Email, ada@x.test)"},
    {"Fill \"Subject\" with \"Hello, and welcome. See you\" and press Send.",
     "fill_field(Subject, Hello, and welcome. See you) | submit(Send)"},
    {"Choose \"Express\" in the Shipping dropdown.",
     "select_option(Shipping, Express)"},
    {"Select Germany from the Country list, then click Continue.",
     "select_option(Country, Germany) | click(Continue)"},
    {"Open the first 5 results and extract title, price and phone.",
     "click(listings) | extract_data(title price:float phone) | navigate_back | loop(0 x5)"},
    {"Open each listing and note the year, make, model and price, then go back. Go to the next page.",
     "click(listings) | extract_data(year:int make model price:float) | navigate_back | loop(0 x30) | paginate | loop(0 x10)"},
    {"For each of the first 3 products, open it and read the name and price.",
     "click(listings) | extract_data(name price:float) | navigate_back | loop(0 x3)"},
    {"Extract the title and price of all products on the page.",
     "extract_rows(title price:float max 100)"},
    {"Collect name, price (number) and rating if shown from the first 20 results.",
     "extract_rows(name price:float rating? max 20)"},
    {"Extract title, price and year from each boat and continue for up to 3 pages.",
     "extract_rows(title price:float year:int max 100) | paginate | loop(0 x3)"},
    {"Ask the user for the 6-digit code. Type the code into the Code field and click Verify.",
     "request_user_input(Please enter the 6-digit code) | fill_field(Code, {{user_input}}) | click(Verify)"},
    {"Ask me for the one-time code, enter it in \"One-time code\" and press the Verify button.",
     "request_user_input(Please enter the one-time code) | fill_field(One-time code, {{user_input}}) | submit(Verify, button)"},
    {"Verify that the heading \"Welcome\" is shown.",
     "gate(the heading \"Welcome\" is shown)"},
    {"Check that you are logged in and that the cart holds 2 items.",
     "gate(you are logged in and that the cart holds 2 items)"},
    {"Make sure that the page shows \"Order placed\".",
     "gate(the page shows \"Order placed\")"},
    {"Accept the cookie banner.",
     "detect_visible(banner: A cookie or consent banner is shown) | ?banner submit(Accept)"},
    {"If a cookie banner appears, accept it.",
     "detect_visible(shown: Cookie banner is shown) | ?shown submit(Accept)"},
    {"Dismiss the newsletter popup if it appears.",
     "detect_visible(banner: A cookie or consent banner is shown) | ?banner submit(Reject)"},
    {"Scroll down 3 times, wait 2 seconds and go back.",
     "scroll(down, 3) | wait(2) | navigate_back"},
    {"Scroll to the bottom of the page.",
     "scroll(down, 50)"},
    {"Filter by \"Private seller\".",
     "filter(Private seller)"},
    {"Filter the results by Brand: Acme.",
     "filter(Brand, Acme)"},
    {"Go to the next page.",
     "paginate"},
    {"1. Go to https://a.test\n2. Search for \"oak table\"\n3. Open the first result\n4. Extract title, price and description",
     "navigate(https://a.test) | fill_field(Search, oak table) | key_press(Return) | click(listings) | extract_data(title price:float description)"},
    {"- open https://a.test/list\n- for each result:\n  - open it\n  - extract name and phone number\n  - go back\n- go to the next page",
     "navigate(https://a.test/list) | click(listings) | extract_data(name phone_number) | navigate_back | loop(1 x30) | paginate | loop(1 x10)"},
    {"Go to https://a.test/boats and do not click anything. Just read the title and price of each boat.",
     "navigate(https://a.test/boats) | extract_rows(title price:float max 100)"},
    {"Search https://a.test for \"red shoes\".",
     "navigate(https://a.test) | fill_field(Search, red shoes) | key_press(Return)"},
    {"Search for \"red shoes\" on a.test",
     "navigate(https://a.test) | fill_field(Search, red shoes) | key_press(Return)"},
    {"Use the search box to search for kettles.",
     "fill_field(Search, kettles) | key_press(Return)"},
    {"Add it to the cart and click Checkout.",
     "submit(Add to cart) | submit(Checkout)"},
    {"Tick the \"I agree\" checkbox.",
     "click(I agree)"},
    {"Check the \"Gift wrap\" box",
     "click(Gift wrap)"},
    {"Right-click \"Report.pdf\" and choose \"Rename\".",
     "right_click(Report.pdf) | click(Rename)"},
    {"Double-click the Budget cell.",
     "double_click(Budget cell)"},
    {"Drag \"Task A\" to \"Done\".",
     "drag(Task A, Done)"},
    {"Press Ctrl+A and press Delete.",
     "key_press(ctrl+a) | key_press(Delete)"},
    {"Press Tab 3 times.",
     "key_press(Tab) | key_press(Tab) | key_press(Tab)"},
    {"If \"Out of stock\" is shown, click \"Notify me\".",
     "detect_visible(shown: \"Out of stock\" is shown) | ?shown click(Notify me)"},
    {"Open the first result, extract the title and price, go back and repeat for the first 4 results.",
     "click(listings) | extract_data(title price:float) | navigate_back | loop(0 x4)"},
    {"Extract the page URL.",
     "extract_url"},
    {"Read the phone number of the seller.",
     "extract_data(seller_phone_number)"},
    {"Wait for 2 minutes.",
     "wait(120)"},
    {"Return to the results list",
     "navigate_back"},
    {"First, open https://a.test/. Next, click the Pricing link. Finally, extract the plan name and price of each plan.",
     "navigate(https://a.test/) | click(Pricing, nav_link) | extract_rows(plan_name price:float max 100)"},
    {"Click Dr. Jones. Extract the price and rating. Then stop.",
     "click(Dr. Jones) | extract_data(price:float rating)"},
    {"Go to https://a.test/v1.2/x?q=3.5 and wait 3 seconds.",
     "navigate(https://a.test/v1.2/x?q=3.5) | wait(3)"},
    {"Start by opening https://a.test/, then searching for \"dogs\".",
     "navigate(https://a.test/) | fill_field(Search, dogs) | key_press(Return)"},
    {"I want you to go to https://a.test/ and extract all products with their name and price.",
     "navigate(https://a.test/) | extract_rows(name price:float max 100)"},
    {"Sort by \"Price: low to high\".",
     "select_option(Sort, Price: low to high)"},
    {"Download the \"Annual report\".",
     "click(Annual report)"},
    {"Clear the Search field and type \"cats\" into it.",
     "fill_field(Search, ) | fill_field(Search, cats)"},
    {"Submit the form.",
     "submit(Submit)"},
    {"On the results page, open the first 2 boats and extract make and model.",
     "click(listings) | extract_data(make model) | navigate_back | loop(0 x2)"},
    {"Open the browser and go to https://a.test",
     "navigate(https://a.test)"},
    {"Extract the following fields: name, email address, phone (optional).",
     "extract_data(name email_address phone?)"},
    {"Go to the Cart page and verify that \"Total\" is shown.",
     "click(Cart) | gate(\"Total\" is shown)"},
    {"Log in as \"dana\" with password \"x y z\" and then go to https://a.test/customers/9/",
     "fill_field(Username, dana) | fill_field(Password, x y z) | submit(Sign in) | navigate(https://a.test/customers/9/)"},
    {"Open https://a.test/; click \"Notes\"; type \"Called back, wants the spring catalog.\" into \"Add a note\"; press \"Add note\".",
     "navigate(https://a.test/) | click(Notes) | fill_field(Add a note, Called back, wants the spring catalog.) | submit(Add note)"},
    {"Open https://a.test. Do not click anything. Click \"Buy\".",
     "navigate(https://a.test) | submit(Buy)"},
    {"Open https://a.test/. Wait until \"Ready\" is shown, then click \"Start\". Verify that the status is \"Running\".",
     "navigate(https://a.test/) | gate(\"Ready\" is shown) | click(Start) | gate(the status is \"Running\")"},
    {"Go to https://jobs.test/search?q=rust\nOpen the first 10 jobs\nCollect title, company, location and salary if available\nRepeat for up to 2 pages",
     "navigate(https://jobs.test/search?q=rust) | click(listings) | extract_data(title company location salary?) | navigate_back | loop(1 x10) | paginate | loop(1 x2)"},
    {"Visit shop.test, find \"oak chair\" using the search bar, and list the first 10 products with their name, price and rating.",
     "navigate(https://shop.test) | fill_field(Search, oak chair) | key_press(Return) | extract_rows(name price:float rating max 10)"},
    {"Please log into the CRM as dana@tallowmere.example with the password \"harbor-lantern-42\". Ask the user for the code and enter the code into \"Verification code\". Press Verify. Verify that \"Customers\" is shown.",
     "fill_field(Email, dana@tallowmere.example) | fill_field(Password, harbor-lantern-42) | submit(Sign in) | request_user_input(Please enter the code) | fill_field(Verification code, {{user_input}}) | submit(Verify) | gate(\"Customers\" is shown)"},
    {"Open https://news.test/, scroll down twice and extract the headline and author of every article.",
     "navigate(https://news.test/) | scroll(down, 2) | extract_rows(headline author max 100)"},
    {"Set the Brand filter to Acme and apply the \"In stock\" filter.",
     "filter(Brand, Acme) | filter(In stock)"},
    {"Uncheck \"Subscribe\".",
     "click(Subscribe)"},
    {"Go to https://a.test. Type \"2024-05-01\" into the \"Start date\" field. Select \"Two nights\" from \"Length of stay\". Click the Book now button. Make sure \"Confirmed\" is shown.",
     "navigate(https://a.test) | fill_field(Start date, 2024-05-01) | select_option(Length of stay, Two nights) | submit(Book now, button) | gate(\"Confirmed\" is shown)"},
    {"Go to https://example.com (the demo site) and extract the title.",
     "navigate(https://example.com) | extract_data(title)"},
    {"go to https://x.test then click on Contact us then type \"Hi\" in Message then press Send",
     "navigate(https://x.test) | click(Contact us) | fill_field(Message, Hi) | submit(Send)"},
    {"For all listings, extract the address of the page and the price.",
     "extract_rows(url price:float max 100)"},
    {"Extract title and price of each result. Go to the next page. Extract title and price of each result.",
     "extract_rows(title price:float max 100) | paginate | extract_rows(title price:float max 100)"},
    {"Open the first result. Verify that the price is less than 50. Add this item to the basket.",
     "click(listings) | gate(the price is less than 50) | submit(Add to cart)"},
    {"Click \"Log out\" if it is shown.",
     "detect_visible(shown: \"Log out\" is shown) | ?shown click(Log out)"},
    {"Read the order number, then go to https://a.test/orders.",
     "extract_data(order_number) | navigate(https://a.test/orders)"},
    {"Open the Orders page, click the first row.",
     "click(Orders) | click(listings)"},
    {"Search for \"lamp\". Open the first 2 lamps, click \"Show phone\", read the phone.",
     "fill_field(Search, lamp) | key_press(Return) | click(listings) | click(Show phone) | extract_data(phone) | navigate_back | loop(2 x2)"},
    {"Reject all cookies.",
     "detect_visible(banner: A cookie or consent banner is shown) | ?banner submit(Reject)"},
    {"Go to www.shop.test/deals.html and get the name, price and discount (optional) of the first 5 deals.",
     "navigate(https://www.shop.test/deals.html) | extract_rows(name price:float discount? max 5)"},
};

/* The clause that is named, and a word of what helps. */
static const struct {
    const char *text, *clause, *help;
} unknown[] = {
    {"Find the cheapest flight to Oslo.", "\"Find the cheapest flight to Oslo\"", "search for"},
    {"Go to https://a.test and frobnicate the widget, then click Save.", "\"frobnicate the widget\"", "type X into Y"},
    {"Search for salt and pepper.", "\"pepper\"", "search for X"},
    {"Click the best result.", "\"Click the best result\"", "not judged"},
    {"Open the second result.", "\"Open the second result\"", "quote its name"},
    {"Set Status to Active.", "\"Set Status to Active\"", "choose V in L"},
    {"Take a screenshot of the page.", "\"Take a screenshot of the page\"", "leave it out"},
    {"Extract everything from the page.", "\"Extract everything from the page\"", "name the fields"},
    {"Log in to the site.", "\"Log in to the site\"", "with password"},
    {"Do whatever is needed to buy a kettle.", "\"Do whatever is needed to buy a kettle\"", "a clause can say"},
    {"Go to the homepage.", "\"Go to the homepage\"", "whole address"},
    {"Open the shop.", "\"Open the shop\"", "quote the name"},
    {"Choose the cheapest option in \"Plan\".", "\"Choose the cheapest option in \"Plan\"\"", "not judged"},
    {"email the report to bob", "\"email the report to bob\"", "a clause can say"},
    {"Sort by price.", "\"Sort by price\"", "Sort by"},
    {"Click it.", "\"Click it\"", "quote a name"},
    {"Type hello and press Enter.", "\"Type hello\"", "quote the words"},
    {"Click \"Next\", e.g. at the bottom.", "\"e.g. at the bottom\"", "a clause can say"},
    {"Type hello world.", "\"Type hello world\"", "quote the words"},
    {"Type \"x\" into it.", "\"Type \"x\" into it\"", "which field"},
    {"Go to https://a.test/list and for each result, email the owner.", "\"email the owner\"", "a clause can say"},
    {"Repeat this for 3 pages.", "\"Repeat this for 3 pages\"", "nothing to repeat"},
    {"Repeat this for the first 3 results.", "\"Repeat this for the first 3 results\"", "nothing to repeat"},
    {"For each result, click \"Next\".", "\"click \"Next\"\"", "open it"},
    {"For each result.", "\"For each result\"", "nothing to do"},
    {"Stop. Click \"Buy\".", "\"Stop\"", "comes after it"},
    {"Do not open sponsored results.", "\"Do not open sponsored results\"", "a clause can say"},
    {"hover over the menu", "\"hover over the menu\"", "a clause can say"},
    {"Dr. Smith's page is at https://a.test/dr. Open https://a.test/dr.", "\"Dr. Smith's page is at https://a.test/dr\"", "a clause can say"},
    {"1. Open https://a.test/\n2. juggle\n3. Click \"A\"", "\"juggle\"", "a clause can say"},
};
/* clang-format on */

static void sentences_become_steps(void **state)
{
    int bad = 0;
    for (size_t i = 0; i < ARRAY_SIZE(understood); i++) {
        json_t *document;
        err_clear(&err);
        const char *got = plan_decompose(pool, "rules", understood[i].text, &document, &err)
                              ? err.msg
                              : plan_line(document);
        if (strcmp(got, understood[i].plan) != 0) {
            fprintf(stderr, "TEXT %s\nGOT  %s\nWANT %s\n", understood[i].text, got,
                    understood[i].plan);
            bad++;
        }
    }
    assert_int_equal(bad, 0);
}

static void a_clause_that_is_not_understood_is_named(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
        json_t *document;
        err_clear(&err);
        if (plan_decompose(pool, "rules", unknown[i].text, &document, &err) != E_INVALID ||
            !strstr(err.msg, unknown[i].clause) || !strstr(err.msg, unknown[i].help))
            fail_msg("%s gave '%s'", unknown[i].text, err.msg);
    }
}

static void texts_and_kinds_that_cannot_be_are_refused(void **state)
{
    json_t *document;
    assert_int_equal(plan_decompose(pool, "rules", " \n ", &document, &err), E_INVALID);
    assert_int_equal(plan_decompose(pool, "tarot", "Go to https://a.test", &document, &err),
                     E_NOT_FOUND);
    char *lots = pool_alloc(pool, 70000);
    memset(lots, 'x', 69999);
    assert_int_equal(plan_decompose(pool, "rules", lots, &document, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "at most 65536"));
    assert_int_equal(plan_decompose(pool, "rules", "Open the browser.", &document, &err),
                     E_INVALID);
    assert_non_null(strstr(err.msg, "asks for nothing"));
}

/* What is typed is nobody's business: it stands in params.value alone. */
static void what_is_typed_stands_in_no_intent(void **state)
{
    json_t *document, *step;
    size_t i;
    assert_int_equal(
        plan_decompose(pool, "rules",
                       "Log in as ada with password \"pw-4711\". Type \"pw-4711\" into Pin. Type "
                       "\"pw-4711\".",
                       &document, &err),
        0);
    json_array_foreach (json_object_get(document, "steps"), i, step)
        assert_null(strstr(json_str(step, "intent", ""), "4711"));
    assert_int_equal(i, 5);
}

static void a_long_text_ends_quickly(void **state)
{
    char *text = pool_alloc(pool, 65001);
    json_t *document;
    for (int i = 0; i < 65000; i += 5)
        memcpy(text + i, "and a", 5);
    assert_int_equal(plan_decompose(pool, "rules", text, &document, &err), E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        {"plans 11 controlled English becomes steps, clause by clause", sentences_become_steps,
         setup, teardown, NULL},
        {"plans 11 a clause that is not understood is named, never guessed",
         a_clause_that_is_not_understood_is_named, setup, teardown, NULL},
        cmocka_unit_test_setup_teardown(texts_and_kinds_that_cannot_be_are_refused, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(what_is_typed_stands_in_no_intent, setup, teardown),
        cmocka_unit_test_setup_teardown(a_long_text_ends_quickly, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
