/*
 * How the page brain understands sub-goals, and what it does with them on captured pages. A scene
 * is a row of looks; after each action the next look is shown.
 */
#include "unit/test.h"

#include <string.h>

#include "brain/brain.h"
#include "brain/clauses.h"
#include "brain/subgoal.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct reader *reader;
static struct brain *brain;

static int begin(void **state)
{
    struct err err = {0};
    pool = pool_create(NULL);
    int r = reader_create("page", NULL, &reader, &err);
    return r ? r : brain_create("page", &(struct brain_needs){.reader = reader}, &brain, &err);
}

static int end(void **state)
{
    brain_destroy(brain);
    reader_destroy(reader);
    pool_destroy(pool);
    return 0;
}

/* --- understanding --------------------------------------------------------------------------- */

/* clang-format off */
static const struct {
    const char *task;
    enum verb verb;
    const char *label, *value, *keys, *criterion;
} parse_cases[] = {
    {"Sub-goal: Click the 'Search' button\nIt is reached when: results are listed\n", VERB_CLICK, "", "", "", "results are listed"},
    {"Sub-goal: Press Enter", VERB_KEY, "", "", "Return", ""},
    {"Sub-goal: Press the Escape key", VERB_KEY, "", "", "Escape", ""},
    {"Sub-goal: Press ctrl+a", VERB_KEY, "", "", "ctrl+a", ""},
    {"Sub-goal: Press Enter competition", VERB_CLICK, "", "", "", ""},
    {"Sub-goal: Press the Home tab", VERB_CLICK, "", "", "", ""},
    {"Sub-goal: Type \"Ann\" into \"First name\"", VERB_TYPE, "First name", "Ann", "", ""},
    {"Sub-goal: Fill \"First name\" with \"Ann\"", VERB_TYPE, "First name", "Ann", "", ""},
    {"Sub-goal: Enter 'x' in the code field", VERB_TYPE, "the code field", "x", "", ""},
    {"Sub-goal: Search for sailboats", VERB_TYPE, "search", "sailboats", "", ""},
    {"Sub-goal: Select \"Spain\" from \"Country\"", VERB_SELECT, "Country", "Spain", "", ""},
    {"Sub-goal: Choose 'Blue'", VERB_CLICK, "Blue", "Blue", "", ""},
    {"Sub-goal: Scroll down until \"Similar boats\" is shown", VERB_SCROLL, "", "", "", "\"Similar boats\" is shown"},
    {"Sub-goal: Go back to the list", VERB_BACK, "", "", "", ""},
    {"Sub-goal: Wait 3 seconds", VERB_WAIT, "", "", "", ""},
    {"Sub-goal: Close the cookie banner", VERB_DISMISS, "", "", "", ""},
    {"Sub-goal: Accept cookies", VERB_DISMISS, "", "", "", ""},
    {"Sub-goal: Hover over \"Menu\"", VERB_HOVER, "", "", "", ""},
    {"Sub-goal: Write it\nTarget:\n- label: E-mail\n- value: a@b.test\n", VERB_TYPE, "E-mail", "a@b.test", "", ""},
    {"open the first result", VERB_ITEM, "", "", "", ""},
};
/* clang-format on */

static void sub_goals_are_understood(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(parse_cases); i++) {
        struct subgoal g;
        subgoal_parse(pool, parse_cases[i].task, &g);
        if (g.verb != parse_cases[i].verb || strcmp(g.label, parse_cases[i].label) != 0 ||
            strcmp(g.value, parse_cases[i].value) != 0 ||
            strcmp(g.keys, parse_cases[i].keys) != 0 ||
            strcmp(g.criterion, parse_cases[i].criterion) != 0)
            fail_msg("%s: verb %d label '%s' value '%s' keys '%s' criterion '%s'",
                     parse_cases[i].task, (int)g.verb, g.label, g.value, g.keys, g.criterion);
    }
}

static void hints_and_previous_attempts_are_read(void **state)
{
    struct subgoal g;
    subgoal_parse(
        pool,
        "Sub-goal: Click it\nTarget:\n- kind: nav_link\n- aliases: [\"Sign in\",\"Log in\"]\n"
        "Previous attempts:\n- (10,20) 'Search': no_state_change; do not repeat\n- (-1,-1) '': "
        "lost\n",
        &g);
    assert_int_equal(g.kind, TARGET_NAV_LINK);
    assert_string_equal(g.aliases[1], "Log in");
    assert_null(g.aliases[2]);
    assert_int_equal(g.n_avoid, 1);
    assert_int_equal(g.avoid[0].y, 20);
    subgoal_parse(pool, "Sub-goal: Scroll up twice", &g);
    assert_int_equal(g.direction, -1);
    assert_int_equal(g.times, 2);
    subgoal_parse(pool, "", &g);
    assert_string_equal(g.sentence, "");
}

/* clang-format off */
static const struct {
    const char *sentence, *clauses; /* joined by " | " */
} split_cases[] = {
    {"Click 'Save'", "Click 'Save'"},
    {"Search for 'kettle', open the first result and add it to the cart", "Search for 'kettle' | open the first result | add it to the cart"},
    {"Click Save and close", "Click Save and close"},
    {"Click 'Save and close the window'", "Click 'Save and close the window'"},
    {"Click 'Save' and then close the dialog", "Click 'Save' | close the dialog"},
    {"1. Open the cart\n2. Click 'Checkout'", "Open the cart | Click 'Checkout'"},
    {"- Open the cart\n- Click 'Checkout'", "Open the cart | Click 'Checkout'"},
    {"Search for salt and pepper", "Search for salt and pepper"},
    {"Go to the next page, then wait", "Go to the next page | wait"},
    {"Open the St. Ives page. Click 'Map'.", "Open the St. Ives page | Click 'Map'."},
    {"First open 'Orders'. Next, click 'New'; finally press Enter", "open 'Orders' | click 'New' | press Enter"},
    {"Log in as 'ann' with password 's3 cret' and open 'Orders'", "Type the user name | Type the password | Click the sign in button | open 'Orders'"},
    {"Sign in with username ann and password secret.", "Type the user name | Type the password | Click the sign in button"},
    {"Log in", "Log in"},
    {"", ""},
};
/* clang-format on */

static void instructions_are_taken_apart(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(split_cases); i++) {
        struct clause c[CLAUSES_MAX];
        const char *got = "";
        int n = clauses_split(pool, split_cases[i].sentence, c);
        for (int k = 0; k < n; k++)
            got = pool_printf(pool, "%s%s%s", got, *got ? " | " : "", c[k].sentence);
        if (strcmp(got, split_cases[i].clauses))
            fail_msg("%s: %s", split_cases[i].sentence, got);
    }
    struct clause c[CLAUSES_MAX];
    assert_int_equal(clauses_split(pool, "Log in as 'ann' with password 's3 cret'", c), 3);
    assert_non_null(strstr(c[0].hints, "- value: ann\n"));
    assert_non_null(strstr(c[1].hints, "- value: s3 cret\n"));
    char long_text[4096] = "";
    for (int i = 0; i < 100; i++)
        strcat(long_text, "Click 'x'. ");
    assert_true(clauses_split(pool, long_text, c) <= CLAUSES_MAX);
}

static void ordinals_addresses_and_boxes_are_understood(void **state)
{
    static const struct {
        const char *task;
        enum verb verb;
        int ordinal;
        const char *label, *value;
    } cases[] = {
        {"open the first result", VERB_ITEM, 1, "", ""},
        {"Open the 12th listing", VERB_ITEM, 12, "", ""},
        {"Open the 3rd listing on page 2", VERB_ITEM, 3, "", ""},
        {"click the last item", VERB_ITEM, -1, "", ""},
        {"open the first 'Edit'", VERB_CLICK, 0, "", ""},
        {"Open https://a.test/x?y=1.", VERB_ADDRESS, 0, "", "https://a.test/x?y=1"},
        {"Go to the next page of results", VERB_NEXT_PAGE, 0, "", ""},
        {"Verify that \"Thank you\" is shown", VERB_LOOK, 0, "", ""},
        {"check that the cart is empty", VERB_LOOK, 0, "", ""},
        {"Check the 'Newsletter' box", VERB_TICK, 0, "Newsletter", ""},
        {"Untick 'Newsletter'", VERB_TICK, 0, "Newsletter", ""},
        {"Set 'Country' to 'Spain'", VERB_TYPE, 0, "Country", "Spain"},
        {"Set the quantity to 3", VERB_TYPE, 0, "the quantity", "3"},
        {"Add 'Copper kettle' to the cart", VERB_CLICK, 0, "Add to cart", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct subgoal g;
        subgoal_parse(pool, cases[i].task, &g);
        if (g.verb != cases[i].verb || (g.verb == VERB_ITEM && g.ordinal != cases[i].ordinal) ||
            strcmp(g.label, cases[i].label) || (*cases[i].value && strcmp(g.value, cases[i].value)))
            fail_msg("%s: verb %d ordinal %d label '%s' value '%s'", cases[i].task, (int)g.verb,
                     g.ordinal, g.label, g.value);
    }
}

/* --- acting ---------------------------------------------------------------------------------- */

#define MAX_TURNS 30

struct play {
    struct action history[MAX_TURNS];
    const char *feedback[MAX_TURNS];
    int n;
};

/* One turn on this look; feedback is what the action will be told to have done. */
static struct action turn(struct play *p, const char *task, const struct observation *obs,
                          const char *feedback)
{
    struct brain_turn t = {.task = task,
                           .obs = obs,
                           .history = p->history,
                           .feedback = p->feedback,
                           .n_history = p->n,
                           .steps_left = 30};
    struct brain_reply reply;
    struct err err = {0};
    if (brain_think(brain, pool, &t, &reply, &err))
        fail_msg("%s", err.msg);
    if (reply.action.type != ACTION_DONE && p->n < MAX_TURNS) {
        p->history[p->n] = reply.action;
        p->feedback[p->n++] = feedback;
    }
    return reply.action;
}

static void clicks_once_and_is_done_when_the_page_changed(void **state)
{
    struct observation before = golden_look(pool, "cars_list"),
                       after = golden_look(pool, "crm_table");
    struct play p = {.n = 0};
    struct action a =
        turn(&p, "Sub-goal: Open 'Trucks'", &before, "page navigated to http://site.test/trucks");
    assert_int_equal(a.type, ACTION_CLICK);
    assert_int_equal(a.x, 168);
    a = turn(&p, "Sub-goal: Open 'Trucks'", &after, "");
    assert_int_equal(a.type, ACTION_DONE);
    assert_true(a.success);
    assert_non_null(strstr(a.summary, "clicked 'Trucks'"));
}

static void a_click_without_effect_is_no_success(void **state)
{
    struct observation obs = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    turn(&p, "Sub-goal: Open 'Trucks'", &obs, "clicked (no visible change)");
    struct action a = turn(&p, "Sub-goal: Open 'Trucks'", &obs, "");
    assert_int_equal(a.type, ACTION_DONE);
    assert_false(a.success);
}

static void what_is_not_there_is_said_not_guessed(void **state)
{
    struct observation obs = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Click 'Teleport'", &obs, "");
    assert_int_equal(a.type, ACTION_DONE);
    assert_false(a.success);
    assert_non_null(strstr(a.summary, "'teleport'"));
}

static void a_criterion_decides(void **state)
{
    const char *task =
        "Sub-goal: Open 'Contacts'\nIt is reached when: The heading \"Contacts\" is shown\n";
    struct observation contacts = golden_look(pool, "crm_table"),
                       cars = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a = turn(&p, task, &contacts, "");
    assert_true(a.type == ACTION_DONE && a.success); /* already so */
    const char *other =
        "Sub-goal: Open 'Trucks'\nIt is reached when: The heading \"Contacts\" is shown\n";
    p = (struct play){.n = 0};
    turn(&p, other, &cars, "page navigated to somewhere else");
    assert_int_equal(turn(&p, other, &cars, "no visible change").type, ACTION_WAIT);
    assert_int_equal(turn(&p, other, &cars, "no visible change").type, ACTION_WAIT);
    a = turn(&p, other, &cars, "");
    assert_true(a.type == ACTION_DONE && !a.success);
    assert_non_null(strstr(a.summary, "'Contacts' is not shown"));
}

static void an_overlay_is_closed_before_the_target_is_clicked(void **state)
{
    struct observation covered = golden_look(pool, "cookie_overlay"),
                       clear = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Open '2019 Honda Civic EX'", &covered, "done");
    assert_int_equal(a.type, ACTION_CLICK);
    assert_int_equal(a.x, 638); /* Only necessary cookies */
    a = turn(&p, "Sub-goal: Open '2019 Honda Civic EX'", &clear,
             "page navigated to http://site.test/listing/4400");
    assert_int_equal(a.type, ACTION_CLICK);
    assert_true(a.y > 250 && a.y < 330);
    assert_true(turn(&p, "Sub-goal: Open '2019 Honda Civic EX'", &clear, "").success);
}

static void a_target_out_of_view_is_scrolled_to_first(void **state)
{
    struct observation top = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Open '2017 BMW 330i'", &top, "done");
    assert_int_equal(a.type, ACTION_SCROLL);
    assert_true(a.dy > 3);
    /* A page that does not scroll ends the attempt instead of going on for ever. */
    p.feedback[0] = "no visible change";
    a = turn(&p, "Sub-goal: Open '2017 BMW 330i'", &top, "");
    assert_true(a.type == ACTION_DONE && !a.success);
    assert_non_null(strstr(a.summary, "cannot be scrolled into view"));
}

static void typing_clicks_the_field_and_then_types(void **state)
{
    struct observation obs = golden_look(pool, "form");
    struct play p = {.n = 0};
    const char *task = "Sub-goal: Type \"Ann\" into \"First name\"";
    assert_int_equal(turn(&p, task, &obs, "input field focused, it is empty").type, ACTION_CLICK);
    struct action a = turn(&p, task, &obs, "done");
    assert_int_equal(a.type, ACTION_TYPE_TEXT);
    assert_string_equal(a.text, "Ann");
    assert_true(a.clear_first && !a.press_enter);
    assert_true(turn(&p, task, &obs, "").success);
    p = (struct play){.n = 0};
    assert_false(turn(&p, "Sub-goal: Type something into the field", &obs, "").success);
}

static void choosing_opens_the_list_and_names_the_option(void **state)
{
    struct observation obs = golden_look(pool, "form");
    struct play p = {.n = 0};
    const char *task = "Sub-goal: Select \"Spain\" from \"Country\"";
    assert_int_equal(turn(&p, task, &obs, "done").type, ACTION_CLICK);
    struct action a = turn(&p, task, &obs, "done");
    assert_int_equal(a.type, ACTION_TYPE_TEXT);
    assert_string_equal(a.text, "Spain");
    assert_true(a.press_enter);
}

static void scrolling_goes_on_to_the_end(void **state)
{
    struct observation obs = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Scroll to the bottom", &obs, "done");
    assert_int_equal(a.type, ACTION_SCROLL);
    assert_true(a.dy > 0);
    struct page end_of_page = *obs.page;
    end_of_page.scroll_y = end_of_page.content_h - end_of_page.viewport.h;
    obs.page = &end_of_page;
    a = turn(&p, "Sub-goal: Scroll to the bottom", &obs, "");
    assert_true(a.type == ACTION_DONE && a.success);
}

static void nothing_to_dismiss_is_fine(void **state)
{
    struct observation clear = golden_look(pool, "cars_list"),
                       covered = golden_look(pool, "newsletter_modal");
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Close the newsletter popup", &clear, "");
    assert_true(a.type == ACTION_DONE && a.success);
    assert_int_equal(turn(&p, "Sub-goal: Close the newsletter popup", &covered, "done").type,
                     ACTION_CLICK);
}

static void without_a_page_it_says_so(void **state)
{
    struct observation blind = {.url = "", .title = ""};
    struct play p = {.n = 0};
    struct action a = turn(&p, "Sub-goal: Click 'Search'", &blind, "");
    assert_true(a.type == ACTION_DONE && !a.success);
    assert_non_null(strstr(a.summary, "only pixels"));
}

static void an_instruction_is_carried_out_part_by_part(void **state)
{
    struct observation list = golden_look(pool, "cars_list"), form = golden_look(pool, "form");
    const char *task = "Task: Open the 2nd listing, type \"Ann\" into \"First name\" and click "
                       "'Nowhere to be found'\n";
    struct play p = {.n = 0};
    struct action a = turn(&p, task, &list, "page navigated to http://site.test/listing/4401");
    assert_int_equal(a.type, ACTION_CLICK);
    a = turn(&p, task, &form,
             "input field focused, type now"); /* the first part showed: on to the second */
    assert_int_equal(a.type, ACTION_CLICK);
    a = turn(&p, task, &form, "done");
    assert_string_equal(a.text, "Ann");
    a = turn(&p, task, &form, "");
    assert_true(a.type == ACTION_DONE && !a.success);
    assert_non_null(strstr(a.summary, "part 3 of 3, \"click 'Nowhere to be found'\": "));
}

static void an_ordinal_beyond_the_list_says_that_there_is_no_more(void **state)
{
    struct observation list = golden_look(pool, "cars_list");
    struct play p = {.n = 0};
    struct action a =
        turn(&p, "Task: Open the 99th listing\nItem: the 99th on page 1\n", &list, "");
    assert_true(a.type == ACTION_DONE && !a.success);
    assert_non_null(strstr(a.summary, "no more items: the page lists"));
    p.n = 0;
    a = turn(&p, "Task: Open https://a.test/x", &list, "page navigated to https://a.test/x");
    assert_string_equal(a.text, "https://a.test/x");
    assert_true(turn(&p, "Task: Open https://a.test/x", &list, "").success);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(sub_goals_are_understood),
        T(hints_and_previous_attempts_are_read),
        T(clicks_once_and_is_done_when_the_page_changed),
        T(a_click_without_effect_is_no_success),
        T(what_is_not_there_is_said_not_guessed),
        T(a_criterion_decides),
        T(an_overlay_is_closed_before_the_target_is_clicked),
        T(a_target_out_of_view_is_scrolled_to_first),
        T(typing_clicks_the_field_and_then_types),
        T(choosing_opens_the_list_and_names_the_option),
        T(scrolling_goes_on_to_the_end),
        T(nothing_to_dismiss_is_fine),
        T(without_a_page_it_says_so),
        T(instructions_are_taken_apart),
        T(ordinals_addresses_and_boxes_are_understood),
        T(an_instruction_is_carried_out_part_by_part),
        T(an_ordinal_beyond_the_list_says_that_there_is_no_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
