#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/result.h"
#include "run/step.h"
#include "run/url.h"
#include "run/toggle.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://shop.test"

/* A site of single pages, each for one behaviour. */
static void shop_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    const char *path = str_starts(url, SITE) ? url + strlen(SITE) : "";
    out->title = path;
    if (!strcmp(path, "/form")) {
        fake_add(out, "input", "input", "Email", "");
        fake_add(out, "", "div", "Banner", "");
        fake_add(out, "button", "button", "Send", web->leads_to ? web->leads_to : "");
        out->elements[2].dead = web->flag;
        if (web->counter)
            fake_add(out, "", "p", pool_printf(pool, "Thank you %d", web->counter), "");
    } else if (!strcmp(path, "/consent")) {
        fake_add(out, "input", "input", "Email", "");
        fake_add(out, "agree", "input", "I agree", "");
        fake_add(out, "field:state", "p", web->ticked ? "agreed" : "not agreed", "");
        fake_add(out, "button", "button", "Send", "");
        if (web->counter)
            fake_add(out, "", "p", "Thank you", "");
    } else if (!strcmp(path, "/counter")) {
        fake_add(out, "button", "button", "Add", "");
        fake_add(out, "", "p", pool_printf(pool, "In the cart: %d", web->counter), "");
    } else if (!strcmp(path, "/endless/")) { /* "More" shows other cards at the same address */
        for (int i = 0; i < 3; i++)
            fake_add(out, "card", "a", pool_printf(pool, "Card %d", web->counter * 3 + i),
                     pool_printf(pool, SITE "/endless/%d", web->counter * 3 + i));
        fake_add(out, "next", "button", "More", "");
        out->elements[3].dead = web->flag;
    } else if (!strcmp(path, "/gone-cards/")) {
        for (int i = 0; i < 8; i++)
            fake_add(out, "card", "a", pool_printf(pool, "Card %d", i),
                     pool_printf(pool, "http://other.test/%d", i));
    } else if (str_starts(path,
                          "/jumpy")) { /* it jumps aside twice before it lets itself be clicked */
        const char *tag = strstr(path, "-") ? "div" : "button";
        int jumps = web->clicks < 2 ? web->clicks : 2;
        for (int i = 0; i < 6; i++)
            if (i == 2 + jumps)
                fake_add(out, "button", tag, "Send", "");
            else
                fake_add(out, "", "p", "A line", "");
        out->elements[2 + jumps].dead = jumps < 2;
        if (web->counter)
            fake_add(out, "", "p", "Thank you", "");
    } else if (!strcmp(path, "/growing/")) { /* three cards more for each press */
        for (int i = 0; i < 3 * (web->counter + 1) && i < 12; i++)
            fake_add(out, "card", "a", pool_printf(pool, "Card %d", i),
                     pool_printf(pool, SITE "/growing/%d", i));
        if (web->counter < 3)
            fake_add(out, "more", "button", "Load more", "");
    } else if (!strcmp(path, "/late")) {
        if (web->looks > web->late_after)
            fake_add(out, "field:phone", "p", "0134", "");
    } else if (str_starts(path, "/entity/")) {
        bool first = !strcmp(path, "/entity/1");
        fake_add(out, "field:name", "h1", first ? "Alder" : "Birch", "");
        if (first)
            fake_add(out, "reveal", "a", "Show number", SITE "/entity/2");
        fake_add(out, "reveal", "button", "Show phone", "");
        if (web->phone_shown || !first)
            fake_add(out, "field:phone", "p", first ? "0134" : "9999", "");
    } else if (!strcmp(path, "/filters")) {
        fake_add(out, "select", "select", "Year", "");
        fake_add(out, "input", "input", "City", "");
        fake_add(out, "button", "button", "Private", "");
        if (web->counter)
            fake_add(out, "", "p", "Private only", "");
    } else if (!strcmp(path, "/deep")) {
        for (int i = 0; i < 17; i++)
            fake_add(out, "", "p", "Text", "");
        fake_add(out, "", "button", "Delete all", "");
        for (int i = 0; i < 9; i++)
            fake_add(out, "", "p", "Text", "");
        fake_add(out, "button", "button", "Send", "");
    } else if (!strcmp(path, "/list/")) {
        fake_add(out, "card", "a", "Tab", SITE "/list/tab");
        out->elements[0].in_tab = true;
        fake_add(out, "card", "a", "Blank", "about:blank");
        out->elements[1].in_tab = true;
        fake_add(out, "card", "a", "Away", "http://other.test/list/x");
        fake_add(out, "card", "a", "Members", SITE "/login?next=x");
        fake_add(out, "card", "a", "Plain", SITE "/list/plain");
    } else if (!strcmp(path, "/covered/")) {
        if (!web->overlay_closed)
            fake_add(out, "overlay", "button", "Reject all", "");
        fake_add(out, "card", "a", "One", SITE "/covered/one");
        out->elements[out->n - 1].covered = out->elements[out->n - 1].dead = !web->overlay_closed;
    } else if (!strcmp(path, "/wrapped/")) {
        fake_add(out, "card", "a", "Long title", SITE "/wrapped/one");
        fake_add(out, "", "a", "Long link", SITE "/wrapped/two");
        out->elements[0].wrapped = out->elements[1].wrapped = true;
    } else if (str_starts(path, "/rows")) {
        for (int i = 0; i < 40; i++)
            fake_add(out, "row", "tr", pool_printf(pool, "Row %d", i % 30), "");
    } else if (!strcmp(path, "/short")) {
        fake_add(out, "", "p", "Short", "");
    } else if (!strcmp(path, "/gone")) {
        out->title = "Page not found";
    } else if (!strcmp(path, "/soft")) {
        fake_add(out, "", "p", "Sorry, we couldn\u2019t find that page", "");
    } else if (!strcmp(path, "/broken")) {
        out->status = 503;
    } else if (str_starts(url, SITE)) {
        for (int i = 0; i < 50; i++)
            fake_add(out, "", "p", "Text", "");
    }
}

static void count_click(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

#define OPEN(path) "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" path "'}}"

static void begin(struct rig *rig, const char *steps)
{
    rig_init(rig, shop_page, steps);
    rig->web.click = count_click;
}

static void shop(struct rig *rig, const char *steps)
{
    begin(rig, steps);
    rig_run(rig, NULL);
}

static const char *class_of(const struct rig *rig, int i)
{
    return json_str(rig_result(rig, i), "failure_class", "");
}

/* --- navigate -------------------------------------------------------------------------------- */

static void navigate_says_what_is_wrong_with_a_page(void **state)
{
    static const struct {
        const char *url, *data, *class;
    } cases[] = {
        {"http://unreachable.test/", "bad_url:dns", "bad_url"},
        {SITE "/gone", "bad_url:not_found", "bad_url"},
        {SITE "/soft", "bad_url:soft_404", "bad_url"},
        {SITE "/broken", "http_5xx: the server answered 503", "http_5xx"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[256];
        snprintf(steps, sizeof(steps), "[{'type':'navigate','intent':'x','params':{'url':'%s'}}]",
                 cases[i].url);
        shop(&rig, steps);
        assert_string_equal(rig.end.halt_reason, "navigate_failed");
        assert_string_equal(rig_data(&rig, 0), cases[i].data);
        assert_string_equal(class_of(&rig, 0), cases[i].class);
        rig_release(&rig);
    }
}

/* The URL of the intent goes before that of params; without either the step fails. */
static void navigate_takes_its_url_from_the_intent_first(void **state)
{
    static const struct {
        const char *step, *data;
    } cases[] = {
        {"'intent':'Open " SITE "/short','params':{'url':'" SITE "/long'}",
         "navigate:" SITE "/short"},
        {"'intent':'Open it','params':{'url':'" SITE "/long'}", "navigate:" SITE "/long"},
        {"'intent':'Open it'", "bad_url:no URL in intent or params.url"},
        {"'intent':'Open it','params':{'url':'ftp://x.test/'}",
         "bad_url:no URL in intent or params.url"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[400];
        snprintf(steps, sizeof(steps), "[{'type':'navigate',%s}]", cases[i].step);
        shop(&rig, steps);
        assert_string_equal(rig_data(&rig, 0), cases[i].data);
        rig_release(&rig);
    }
}

static void navigate_fails_when_nothing_was_shown_in_time(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN("http://empty.test/") "]");
    rig.web.loads_never_end = true;
    rig_run(&rig, NULL);
    assert_string_equal(class_of(&rig, 0), "nav_timeout");
    assert_int_equal(rig_n_events(&rig, "load_capped"), 1);
    rig_release(&rig);
}

static void navigate_goes_on_with_a_page_that_never_finishes(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN(SITE "/long") "]");
    rig.web.loads_never_end = true;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(json_array_size(json_object_get(rig.final, "warnings")), 1);
    rig_release(&rig);
}

static void the_step_after_a_navigate_notices_drift(void **state)
{
    struct rig rig;
    shop(&rig, "[{'type':'navigate','intent':'x','params':{'url':'" SITE
               "/long','expect_url_contains':'/search'}},"
               "{'type':'wait','intent':'w','params':{'seconds':0}},"
               "{'type':'wait','intent':'w','params':{'seconds':0}}]");
    assert_string_equal(rig_data(&rig, 1), "NAV_DRIFT|expected=/search|got=" SITE "/long");
    assert_string_equal(class_of(&rig, 1), "navigation_drift");
    assert_string_equal(rig_data(&rig, 2), "wait:0");
    rig_release(&rig);
}

#define CARD "{'type':'click','intent':'open','section':'extraction','hints':{'layout':'listings'}}"

/* --- click and submit ------------------------------------------------------------------------ */

static void a_click_that_changes_nothing_is_demoted(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN(SITE "/form") ",{'type':'click','intent':'x','hints':{'layout':'single'},'"
                                       "params':{'label':'Send'}}]");
    rig.web.flag = true;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,100):no_state_change");
    assert_string_equal(class_of(&rig, 1), "no_state_change");
    const json_t *healing = json_object_get(rig.final, "healing_events");
    assert_string_equal(json_str(json_array_get(healing, 0), "kind", ""), "demotion");
    assert_string_equal(json_str(json_array_get(healing, 0), "step_type", ""), "click");
    rig_release(&rig);
}

/* A clock ticks at every look, at every third, and a field loses the focus to the click. */
static void what_a_page_does_by_itself_is_no_effect_of_a_click(void **state)
{
    static const char *const types[] = {"click", "submit"};
    for (size_t t = 0; t < ARRAY_SIZE(types); t++)
        for (int every = 0; every <= 3; every++) {
            struct rig rig;
            char steps[600];
            snprintf(steps, sizeof(steps),
                     "[" OPEN(SITE "/form") ",{'type':'fill_field','intent':'x',"
                                            "'params':{'label':'Email','value':'a'}},"
                                            "{'type':'%s','intent':'x','hints':{'layout':'single'},"
                                            "'params':{'label':'Send'}}]",
                     types[t]);
            begin(&rig, steps);
            rig.web.flag = true;
            rig.web.clock = every > 0;
            rig.web.ticks_every = every > 0 ? every : 1;
            rig_run(&rig, NULL);
            assert_string_equal(rig_data(&rig, 2), "submit:Send@(640,100):no_state_change");
            rig_release(&rig);
        }
}

static void an_effect_counts_on_a_page_that_also_has_a_clock(void **state)
{
    static const char *const pages[][2] = {{"/form", "Send"}, {"/counter", "Add"}};
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++)
        for (int every = 1; every <= 3; every += 2) {
            struct rig rig;
            char steps[400];
            snprintf(steps, sizeof(steps),
                     "[" OPEN(SITE "%s") ",{'type':'submit','intent':'x','params':{'label':'%s'}}]",
                     pages[i][0], pages[i][1]);
            begin(&rig, steps);
            rig.web.clock = true;
            rig.web.ticks_every = every;
            rig_run(&rig, NULL);
            assert_true(json_flag(rig_result(&rig, 1), "success", false));
            assert_int_equal(rig.web.counter, 1);
            rig_release(&rig);
        }
}

static void text_that_is_expected_and_there_keeps_a_click(void **state)
{
    struct rig rig;
    begin(&rig,
          "[" OPEN(SITE "/form") ",{'type':'click','intent':'x','hints':{'layout':'single',"
                                 "'expect_text_present':['banner']},'params':{'label':'Send'}}]");
    rig.web.flag = true;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,100)");
    rig_release(&rig);
}

static void a_button_that_jumps_aside_is_pressed_where_it_is_now(void **state)
{
    static const struct {
        const char *path, *data;
        int pressed, clicks;
    } cases[] = {
        {"/jumpy", "submit:Send@(640,180)", 1, 3},
        /* nothing tells whether the click reached it */
        {"/jumpy-div", "submit:Send@(640,100):no_state_change", 0, 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[400];
        snprintf(steps, sizeof(steps),
                 "[" OPEN(SITE "%s") ",{'type':'submit','intent':'x','required':false,'params':{'"
                                     "label':'Send'}}]",
                 cases[i].path);
        begin(&rig, steps);
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 1), cases[i].data);
        assert_int_equal(rig.web.counter, cases[i].pressed);
        assert_int_equal(rig.web.clicks, cases[i].clicks);
        assert_int_equal(rig_n_events(&rig, "target_moved"), cases[i].clicks - 1);
        rig_release(&rig);
    }
}

/* Attributes tell a switch from a hover, the picture from bookkeeping that nobody sees. */
static void a_star_that_turns_yellow_is_a_change(void **state)
{
    static const char *const pages[] = {
        "{'url':'u','nodes':[{'tag':'p'},{'tag':'a','attrs':{'class':'star'}},{'text':'*'}]}",
        "{'url':'u','nodes':[{'tag':'p'},{'tag':'a','attrs':{'class':'star on'}},{'text':'*'}]}",
        "{'url':'u','nodes':[{'tag':'p'},{'tag':'a','attrs':{'class':'star','aria-pressed':'true'}}"
        ",{"
        "'text':'*'}]}",
        "{'url':'u','nodes':[{'tag':'p'},{'tag':'b'},{'tag':'a','attrs':{'class':'star on'}}]}",
    };
    static const bool differ[] = {false, true, true, false};
    struct pool *pool = pool_create(NULL);
    struct page *first, *page;
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        assert_int_equal(page_from_json(pool, json_of(pool, pages[i]), &page, NULL), 0);
        if (i == 0)
            first = page;
        assert_int_equal(toggle_attrs_differ(first, page, 1), differ[i]);
        assert_false(toggle_attrs_differ(first, page, -1));
    }
    uint8_t dark[40 * 40 * 4] = {0}, lit[40 * 40 * 4] = {0};
    for (int y = 10; y < 20; y++)
        memset(lit + (y * 40 + 10) * 4, 200, 10 * 4);
    struct frame a = {.width = 40, .height = 40, .stride = 160, .pixels = dark}, b = a;
    b.pixels = lit;
    assert_true(toggle_looks_differ(&a, &b, (struct rect){8, 8, 14, 14}));
    assert_false(toggle_looks_differ(&a, &b, (struct rect){22, 22, 14, 14}));
    pool_destroy(pool);
}

static void a_list_that_loads_more_is_gone_through(void **state)
{
    static const char label[] = "[" OPEN(
        SITE "/growing/") ",{'type':'click','intent':'x','section':'setup','hints':{'layout'"
                          ":'single'},'params':{'label':'Card 8'}}]";
    static const char cards[] =
        "[" OPEN(SITE "/growing/") "," CARD ",{'type':'navigate_back','intent':'b','section':"
                                   "'extraction'},{'type':'loop','intent':'l','section':"
                                   "'extraction','loop_target':1,'loop_count':40}]";
    struct rig rig;
    begin(&rig, label);
    rig_run(&rig, NULL);
    assert_string_equal(fake_web_url(&rig.web), SITE "/growing/8");
    rig_release(&rig);
    begin(&rig, cards);
    rig_run(&rig, NULL);
    int opened = 0;
    for (int i = 0; i < rig_n_results(&rig); i++)
        opened += str_starts(rig_data(&rig, i), "click:Card");
    assert_int_equal(opened, 12);
    assert_string_equal(rig_data(&rig, -1), "page_exhausted");
    rig_release(&rig);
}

static void a_submit_that_shows_an_effect_counts_and_is_journalled(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(
             SITE
             "/form") ",{'type':'submit','intent':'x','required':true,'params':{'label':'Send'}}]");
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,100)");
    assert_int_equal(rig.web.counter, 1);
    assert_int_equal(rig.n_journal, 3);
    assert_string_equal(json_str(json_object_get(rig.journal, "1#1"), "state", ""), "observed");
    rig_release(&rig);
}

static void a_target_that_never_comes_into_view_is_not_clicked(void **state)
{
    static const bool stuck[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(stuck); i++) {
        struct rig rig;
        begin(&rig,
              "[" OPEN(SITE "/deep") ",{'type':'submit','intent':'x','params':{'label':'Send'}}]");
        rig.web.no_wheel = stuck[i];
        rig_run(&rig, NULL);
        assert_int_equal(rig.web.clicks, stuck[i] ? 0 : 1);
        if (stuck[i])
            assert_string_equal(rig_data(&rig, 1), "form_target_not_found");
        rig_release(&rig);
    }
}

static void a_wrong_target_is_demoted(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/form") ",{'type':'submit','intent':'x','params':{'label':'Send'},"
                                      "'hints':{'expect_url_contains':'/done'}},"
                                      "{'type':'submit','intent':'x','params':{'label':'Send'},'"
                                      "hints':{'expect_url_excludes':['/form']}}]");
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,100):wrong_target");
    assert_string_equal(class_of(&rig, 1), "wrong_target");
    assert_string_equal(class_of(&rig, 2), "wrong_target");
    rig_release(&rig);
}

static const char submit_plan[] = "[" OPEN(
    SITE "/form") ",{'type':'submit','intent':'x','required':true,'params':{'label':'Send'},"
                  "'hints':{'expect_text_present':['Thank you']}}]";

/* The worker dies when the entry was written: before the click (2nd) or after it (3rd). */
static void a_submit_that_was_sent_is_never_sent_again(void **state)
{
    static const struct {
        int lost_after, clicks;
        const char *state, *status, *data;
    } cases[] = {
        {1, 1, "observed", "completed", "submit:Send@(640,100)"},
        {2, 0, "sent", "halted", NULL},
        {3, 1, "observed", "completed", "submit:Send@(640,100)"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        begin(&rig, submit_plan);
        rig.journal_lost_after = cases[i].lost_after;
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, "lost");
        rig.journal_lost_after = 0;
        json_t *last = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
        rig_run(&rig, last);
        assert_int_equal(rig.web.counter, cases[i].clicks);
        assert_string_equal(rig.end.status, cases[i].status);
        if (cases[i].data)
            assert_string_equal(rig_data(&rig, 1), cases[i].data);
        else
            assert_true(str_starts(rig_data(&rig, 1), "submit_unconfirmed:Send"));
        json_decref(last);
        rig_release(&rig);
    }
}

/* Killed between "observed" and the checkpoint: the form's page is not where it is judged or gone
 * on. */
static void an_observed_submit_is_taken_as_it_was_and_gone_on_from_there(void **state)
{
    struct rig rig;
    begin(
        &rig,
        "[" OPEN(SITE "/form") ",{'type':'submit','intent':'x','required':true,'params':{'label':'"
                               "Send'},'hints':{'expect_url_contains':'/done'}},"
                               "{'type':'extract_url','intent':'u'}]");
    rig.web.leads_to = SITE "/done";
    rig.journal_lost_after = 3;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "lost");
    json_t *last = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
    rig.journal_lost_after = 0;
    int clicks = rig.web.clicks;
    rig_run(&rig, last);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.clicks, clicks);
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,100)");
    assert_string_equal(rig_data(&rig, 2), "URL:" SITE "/done");
    json_decref(last);
    rig_release(&rig);
}

/* "Sent" and proven by the page's words: that its address is not the expected one says nothing. */
static void a_submit_proven_by_text_is_not_demoted_for_the_url(void **state)
{
    struct rig rig;
    begin(
        &rig,
        "[" OPEN(SITE "/form") ",{'type':'submit','intent':'x','required':true,'params':{'label':'"
                               "Send'},'hints':{'expect_text_present':['Thank you'],"
                               "'expect_url_contains':'/done'}}]");
    rig.journal_lost_after = 2;
    rig_run(&rig, NULL);
    json_t *last = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
    rig.journal_lost_after = 0;
    rig.web.counter = 1;
    rig_run(&rig, last);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.counter, 1);
    json_decref(last);
    rig_release(&rig);
}

/* Words, address and outcome that were there before the submit say nothing about it. */
static void what_held_before_a_submit_does_not_prove_it(void **state)
{
    static const char *const proofs[] = {
        "'hints':{'expect_text_present':['Banner']}",
        "'hints':{'expect_text_present':'banner'}",
        "'hints':{'expect_url_contains':'/form'}",
        "'hints':{'expect_url_contains':['shop','/form']}",
        "'verify':'The page shows \\'Banner\\''",
    };
    for (size_t i = 0; i < ARRAY_SIZE(proofs); i++) {
        struct rig rig;
        char steps[600];
        snprintf(steps, sizeof(steps),
                 "[" OPEN(SITE "/form") ",{'type':'submit','intent':'x','required':true,"
                                        "'params':{'label':'Send'},%s}]",
                 proofs[i]);
        begin(&rig, steps);
        rig.journal_lost_after = 2;
        rig_run(&rig, NULL);
        json_t *last = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
        rig.journal_lost_after = 0;
        rig_run(&rig, last);
        assert_string_equal(rig.end.halt_reason, "required_failed:submit");
        assert_true(str_starts(rig_data(&rig, 1), "submit_unconfirmed:Send"));
        assert_int_equal(rig.web.counter, 0);
        json_decref(last);
        rig_release(&rig);
    }
}

/* Whatever goes wrong after the click left, at whichever call: no second click, not even on resume.
 */
static void a_submit_is_never_pressed_again_after_an_error(void **state)
{
    static const int codes[] = {E_TIMEOUT, E_UPSTREAM, E_PROTOCOL};
    int unconfirmed = 0;
    for (size_t c = 0; c < ARRAY_SIZE(codes); c++)
        for (int at = 1; at < 30; at++) {
            struct rig rig;
            begin(&rig, submit_plan);
            rig.web.fail_at_call = at;
            rig.web.fail_code = codes[c];
            rig_run(&rig, NULL);
            assert_in_range(rig.web.counter, 0, 1);
            if (str_starts(rig_data(&rig, -1), "submit_unconfirmed:Send")) {
                unconfirmed++;
                assert_string_equal(rig.end.halt_reason, "required_failed:submit");
                json_t *before = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 2]);
                int clicks = rig.web.counter;
                rig_run(&rig, before); /* the last checkpoint never arrived */
                assert_int_equal(rig.web.counter, clicks);
                assert_true(str_starts(rig_data(&rig, -1), "submit_unconfirmed:Send"));
                assert_string_equal(rig.end.halt_reason, "required_failed:submit");
                json_decref(before);
            }
            rig_release(&rig);
        }
    assert_true(unconfirmed >= (int)ARRAY_SIZE(codes));
}

static void a_sent_submit_counts_when_the_page_proves_it(void **state)
{
    struct rig rig;
    begin(&rig, submit_plan);
    rig.journal_lost_after = 2;
    rig_run(&rig, NULL);
    json_t *last = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
    rig.journal_lost_after = 0;
    rig.web.counter = 1; /* it did arrive */
    rig_run(&rig, last);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.counter, 1);
    json_decref(last);
    rig_release(&rig);
}

/* 'Sen' finds the button and is no word of what commits: such a click is journalled and never
 * repeated. */
static void dialogs_without_end_make_a_page_blocked(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN(SITE "/form") ",{'type':'click','intent':'x','hints':{'layout':'single'},'"
                                       "params':{'label':'Sen'}}]");
    rig.web.dialogs_per_click = 50;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.halt_reason, "page_blocked");
    assert_string_equal(class_of(&rig, 1), "page_blocked");
    assert_true(str_contains_fold(rig_data(&rig, 1), "dialogs"));
    rig_release(&rig);
}

/* --- listings -------------------------------------------------------------------------------- */

static void cards_open_in_tabs_and_bad_ones_are_told_apart(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(SITE
                  "/list/") "," CARD
                            ",{'type':'navigate_back','intent':'b','section':'extraction'}," CARD
                            "," CARD "," CARD "]");
    assert_true(str_starts(rig_data(&rig, 1), "click:Tab@"));
    assert_string_equal(rig_data(&rig, 2), "back_via_tab:" SITE "/list/");
    assert_string_equal(rig_data(&rig, 3), "newtab_blank:Blank");
    assert_string_equal(rig_data(&rig, 4), "login_redirect:Members"); /* after "Away" was left */
    assert_true(str_starts(rig_data(&rig, 5), "click:Plain@"));
    assert_int_equal(rig_n_events(&rig, "card_skipped"), 3);
    rig_release(&rig);
}

static void an_overlay_on_the_card_is_dismissed_once(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/covered/") "," CARD "]");
    assert_true(str_starts(rig_data(&rig, 1), "click:One@"));
    assert_int_equal(rig_n_events(&rig, "overlay_dismissed"), 1);
    assert_int_equal(rig.web.clicks, 2);
    rig_release(&rig);
}

static void a_link_that_wraps_is_clicked_on_its_first_line(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/wrapped/") "," CARD ",{'type':'navigate_back','intent':'b'},"
                                          "{'type':'click','intent':'x','hints':{'layout':'single'}"
                                          ",'params':{'label':'Long link'}}]");
    assert_string_equal(rig_data(&rig, 1), "click:Long title@(10,10)");
    assert_string_equal(rig_data(&rig, 3), "submit:Long link@(10,50)");
    assert_int_equal(rig.web.clicks, 4);
    rig_release(&rig);
}

static void a_listing_click_without_its_filters_opens_the_results_again(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(SITE "/list/") ",{'type':'wait','intent':'w','params':{'seconds':0}}," CARD "]");
    json_t *checkpoint = json_deep_copy(rig.checkpoints[1]);
    json_put_str(checkpoint, "listing_url", SITE "/other/");
    rig_run(&rig, checkpoint); /* stands on /other/, which has no "list" in its path */
    assert_string_equal(rig_data(&rig, 2), "filters_not_applied");
    assert_string_equal(class_of(&rig, 2), "selector_miss");
    json_decref(checkpoint);
    rig_release(&rig);
}

/* --- back ------------------------------------------------------------------------------------ */

/* Whatever goes wrong on the way back, the results are opened in the end. */
static void back_that_breaks_opens_the_results(void **state)
{
    int exceptions = 0;
    for (int at = 1; at < 60; at++) {
        struct rig rig;
        begin(&rig, "[" OPEN(SITE "/list/") "," CARD "," CARD "," CARD "," CARD
                                            ",{'type':'navigate_back','intent':'b'}]");
        rig.web.fail_at_call = at;
        rig.web.fail_code = E_IO;
        rig_run(&rig, NULL);
        size_t i;
        json_t *h;
        json_array_foreach (json_object_get(rig.final, "healing_events"), i, h)
            if (str_starts(json_str(h, "reason", ""), "cdp_back_exception:")) {
                exceptions++;
                assert_string_equal(rig_data(&rig, -1), "back_via_cdp:" SITE "/list/");
            }
        rig_release(&rig);
    }
    assert_true(exceptions > 0);
}

/* A name in quotes or the hint decides; without either, reading order does. */
static void the_card_that_is_named_comes_first(void **state)
{
    static const struct {
        const char *step, *opened;
    } cases[] = {
        {"'intent':'Open the next one'", "click:Card 0@"},
        {"'intent':'Open \\\"card 2\\\"'", "click:Card 2@"},
        {"'intent':'Open \\\"another\\\"'", "form_target_not_found:no result is called 'another'"},
        {"'intent':'Open one, but skip \\\"another\\\"'", "click:Card 0@"},
        {"'intent':'Open it'", "click:Card 1@"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[600];
        snprintf(
            steps, sizeof(steps),
            "[" OPEN(SITE "/growing/") ",{'type':'click',%s,'section':'extraction','hints':{"
                                       "'layout':'listings','preferred_target_description':'%s'}}]",
            cases[i].step, i == 4 ? "the first card, Card 1" : "");
        shop(&rig, steps);
        assert_true(str_starts(rig_data(&rig, 1), cases[i].opened));
        rig_release(&rig);
    }
}

static void back_without_history_opens_the_results(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(SITE "/list/") "," CARD ",{'type':'wait','intent':'w','params':{'seconds':0}},"
                                 "{'type':'navigate_back','intent':'b'}]");
    json_t *checkpoint = json_deep_copy(rig.checkpoints[2]);
    fake_web_release(&rig.web);
    fake_web_init(&rig.web, rig.loop, shop_page);
    rig_run(&rig, checkpoint);
    assert_string_equal(rig_data(&rig, 3), "back_via_cdp:" SITE "/list/");
    assert_string_equal(fake_web_url(&rig.web), SITE "/list/");
    json_decref(checkpoint);
    rig_release(&rig);
}

static void hide_url(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->no_url = true;
}

/* Without an address another page than before must be seen; a browser that stays is not back. */
static void back_without_an_address_is_told_by_the_page(void **state)
{
    static const bool stays[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(stays); i++) {
        struct rig rig;
        begin(&rig, "[" OPEN(SITE "/short") "," OPEN(
                        SITE "/form") ",{'type':'click','intent':'x','hints':{'layout':'single'},"
                                      "'params':{'label':'Send'}},"
                                      "{'type':'navigate_back','intent':'b'}]");
        rig.web.click = hide_url;
        rig.web.no_back = stays[i];
        rig_run(&rig, NULL);
        assert_int_equal(json_flag(rig_result(&rig, 3), "success", true), !stays[i]);
        rig_release(&rig);
    }
}

/* --- scroll ---------------------------------------------------------------------------------- */

static void a_scroll_that_moves_nothing_goes_on_at_the_third_attempt(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/short") ",{'type':'scroll','intent':'s','params':{'count':1}}]");
    assert_string_equal(rig_data(&rig, 1), "scroll_no_movement_skipped:pre=0_post=0");
    assert_int_equal(rig_n_events(&rig, "retry"), 2);
    rig_release(&rig);
}

/* A picture of the screen has megabytes; a step may look a hundred times. */
static void looks_do_not_pile_up_within_a_step(void **state)
{
    static const struct {
        const char *url, *step;
        int most;
    } cases[] = {
        {SITE "/long", "{'type':'scroll','intent':'s','params':{'count':30,'notches_per_count':1}}",
         6},
        {SITE "/gone-cards/", CARD, 8},
        {SITE "/rows",
         "{'type':'extract_rows','intent':'x','extract':{'fields':[{'name':'title'}],"
         "'max_items':50}}",
         4},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[600];
        snprintf(steps, sizeof(steps),
                 "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'%s'}},%s]",
                 cases[i].url, cases[i].step);
        shop(&rig, steps);
        assert_true(rig.web.looks > 3 * cases[i].most);
        assert_in_range(rig.web.most_frames, 1, cases[i].most);
        rig_release(&rig);
    }
}

/* --- forms ----------------------------------------------------------------------------------- */

static void a_field_is_filled_and_its_value_told_to_nobody(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/form") ",{'type':'fill_field','intent':'x','params':{'label':'Email'"
                                      ",'value':'s3cret@x.test'}}]");
    assert_string_equal(rig_data(&rig, 1), "fill:Email");
    assert_string_equal(rig.web.typed, "s3cret@x.test");
    assert_null(strstr(json_text(rig.pool, rig.final), "s3cret"));
    assert_null(strstr(json_text(rig.pool, rig.events), "s3cret"));
    rig_release(&rig);
}

static void typing_that_does_not_land_is_tried_twice(void **state)
{
    struct rig rig;
    begin(
        &rig,
        "[" OPEN(
            SITE
            "/form") ",{'type':'fill_field','intent':'x','params':{'label':'Email','value':'a'}}]");
    rig.web.no_typing = true;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "type_not_landed:Email");
    assert_string_equal(class_of(&rig, 1), "type_not_landed");
    assert_int_equal(rig.web.typed_times, 2);
    rig_release(&rig);
}

static void fields_that_cannot_be_filled_say_why(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(
             SITE
             "/form") ",{'type':'fill_field','intent':'x','params':{'label':'Phone','value':'a'}},"
                      "{'type':'fill_field','intent':'x','params':{'label':'Banner','value':'a'}},"
                      "{'type':'fill_field','intent':'x','params':{'label':'Email','value':'a'}},"
                      "{'type':'fill_field','intent':'x','params':{'label':'Email','value':'b','"
                      "skip_if_field_has_value':true}}]");
    assert_string_equal(rig_data(&rig, 1), "form_target_not_found");
    assert_string_equal(rig_data(&rig, 2), "form_target_not_input:DIV");
    assert_string_equal(rig_data(&rig, 3), "fill:Email");
    assert_string_equal(rig_data(&rig, 4), "fill:Email:skipped_existing_value");
    assert_string_equal(rig.web.typed, "a");
    rig_release(&rig);
}

static void fields_are_filled_again_after_a_resume(void **state)
{
    struct rig rig;
    static const char plan[] = "[" OPEN(
        SITE "/form") ",{'type':'fill_field','intent':'x','params':{'label':'Email','value':'a'}},"
                      "{'type':'submit','intent':'x','params':{'label':'Send'}}]";
    shop(&rig, plan);
    json_t *checkpoint = json_deep_copy(rig.checkpoints[1]);
    json_object_clear(rig.journal);
    fake_web_release(&rig.web);
    fake_web_init(&rig.web, rig.loop, shop_page);
    rig.web.click = count_click;
    rig_run(&rig, checkpoint);
    assert_string_equal(rig.web.typed, "a");
    assert_int_equal(rig.web.counter, 1);
    assert_int_equal(rig_n_results(&rig), 3);
    json_decref(checkpoint);
    rig_release(&rig);
}

static void send_form(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter += !strcmp(web->typed, "a") && web->ticked ? 1 : 100;
}

/* Killed at any point before the submit: everything that was done to the page is done again, once.
 */
static void a_form_is_never_sent_half_after_a_resume(void **state)
{
    static const char plan[] = "[" OPEN(
        SITE
        "/consent") ",{'type':'fill_field','intent':'x','params':{'label':'Email','value':'a'}},"
                    "{'type':'wait','intent':'w','params':{'seconds':0}},"
                    "{'type':'click','intent':'x','hints':{'layout':'single'},"
                    "'params':{'label':'I agree'}},"
                    "{'type':'extract_url','intent':'u'},"
                    "{'type':'extract_data','intent':'d','extract':{'fields':[{'name':'state'}]}},"
                    "{'type':'submit','intent':'x','required':true,'params':{'label':'Send'}}]";
    struct rig first;
    begin(&first, plan);
    first.web.click = send_form;
    rig_run(&first, NULL);
    assert_int_equal(first.web.counter, 1);
    for (int i = 0; i < 6; i++) {
        struct rig rig;
        begin(&rig, plan);
        rig.web.click = send_form;
        rig_run(&rig, first.checkpoints[i]);
        assert_string_equal(rig.end.status, "completed");
        assert_int_equal(rig.web.counter, 1);
        assert_int_equal(rig_n_results(&rig), rig_n_results(&first));
        assert_int_equal(json_array_size(rig_rows(&rig)), 1);
        assert_int_equal(json_array_size(json_object_get(rig.final, "extracted_leads")), 1);
        assert_false(result_any_step_failed(rig.final));
        assert_true(json_equal(json_object_get(rig.final, "executor_backend_counts"),
                               json_object_get(first.final, "executor_backend_counts")));
        rig_release(&rig);
    }
    rig_release(&first);
}

static void what_failed_before_a_resume_and_went_well_after_it_did_not_fail(void **state)
{
    static const char plan[] = "[" OPEN(
        SITE
        "/consent") ",{'type':'fill_field','intent':'x','params':{'label':'Email','value':'a'}},"
                    "{'type':'wait','intent':'w','params':{'seconds':0}}]";
    struct rig first, rig;
    begin(&first, plan);
    first.web.no_typing = true;
    rig_run(&first, NULL);
    assert_string_equal(rig_data(&first, 1), "type_not_landed:Email");
    assert_true(result_any_step_failed(first.final));
    begin(&rig, plan);
    rig_run(&rig, first.checkpoints[1]);
    assert_string_equal(rig_data(&rig, 1), "fill:Email");
    assert_false(result_any_step_failed(rig.final));
    rig_release(&rig);
    rig_release(&first);
}

/* --- paginate -------------------------------------------------------------------------------- */

static void pages_are_opened_by_url_where_a_template_says_how(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/long") ",{'type':'paginate','intent':'n','params':{'url_template':'{"
                                      "base}/page-{n}/'}}]");
    assert_string_equal(rig_data(&rig, 1), "url_paginate_page2");
    assert_string_equal(fake_web_url(&rig.web), SITE "/long/page-2/");
    assert_int_equal(json_int(rig.final, "current_page", 0), 2);
    rig_release(&rig);
}

static void a_next_control_is_judged_by_what_is_listed(void **state)
{
    static const bool dead[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
        struct rig rig;
        begin(&rig, "[" OPEN(SITE "/endless/") ",{'type':'paginate','intent':'n'}]");
        rig.web.flag = dead[i];
        rig.web.clock = true;
        rig_run(&rig, NULL);
        assert_int_equal(json_int(rig.final, "current_page", 0), dead[i] ? 1 : 2);
        assert_string_equal(rig_data(&rig, 1),
                            dead[i] ? "paginate:More:no_state_change" : "paginate:More:page2");
        rig_release(&rig);
    }
}

static void the_last_page_uses_up_the_loops(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(
             SITE
             "/long") ",{'type':'wait','intent':'w','section':'extraction','params':{'seconds':0}},"
                      "{'type':'paginate','intent':'n','section':'pagination'},"
                      "{'type':'loop','intent':'l','section':'pagination','loop_target':1,'loop_"
                      "count':9}]");
    assert_int_equal(rig_n_results(&rig), 3);
    assert_true(str_starts(rig_data(&rig, 2), "paginate_no_next_page"));
    rig_release(&rig);
}

/* --- extraction ------------------------------------------------------------------------------ */

static void extraction_without_a_schema_says_so(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/long") ",{'type':'extract_data','intent':'x'}]");
    assert_string_equal(rig_data(&rig, 1), "REJECTED_INCOMPLETE|no_schema_configured");
    assert_int_equal(json_array_size(json_object_get(rig.final, "warnings")), 1);
    rig_release(&rig);
}

static void an_incomplete_entity_is_rejected_or_skipped_as_wished(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(SITE "/long") ",{'type':'extract_data','intent':'x','extract':{'fields':[{'name':"
                                "'phone'}]}},"
                                "{'type':'extract_data','intent':'x','extract':{'fields':[{'name':'"
                                "phone'}],'rejection_intents':{'incomplete_required':'skip'}}}]");
    assert_true(str_starts(rig_data(&rig, 1), "REJECTED_INCOMPLETE|missing=phone"));
    assert_string_equal(class_of(&rig, 1), "extractor_error");
    assert_true(json_flag(rig_result(&rig, 2), "skip", false));
    assert_int_equal(json_array_size(rig_rows(&rig)), 0);
    rig_release(&rig);
}

static void a_reveal_that_leads_away_brings_no_other_entity_in(void **state)
{
    static const bool no_back[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(no_back); i++) {
        struct rig rig;
        begin(&rig, "[" OPEN(SITE "/entity/1") ",{'type':'extract_data','intent':'x','extract':{"
                                               "'fields':[{'name':'name'},{'name':'phone',"
                                               "'required':false}]}}]");
        rig.web.no_back = no_back[i];
        rig_run(&rig, NULL);
        const json_t *values = json_object_get(json_array_get(rig_rows(&rig), 0), "values");
        assert_string_equal(json_str(values, "name", ""), "Alder");
        assert_string_equal(json_str(values, "phone", "none"), no_back[i] ? "none" : "0134");
        assert_string_equal(fake_web_url(&rig.web), SITE "/entity/1");
        assert_int_equal(rig_n_events(&rig, "reveal_left_page"), 1);
        rig_release(&rig);
    }
}

static void rows_are_read_over_several_screens_without_doubles(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/rows") ",{'type':'extract_rows','intent':'x','extract':{'fields':[{'"
                                      "name':'title'}],'max_items':50}},"
                                      "{'type':'extract_rows','intent':'x','extract':{'fields':[{'"
                                      "name':'title'}],'max_items':50}}]");
    assert_string_equal(rig_data(&rig, 1), "extract_rows:30/50");
    assert_string_equal(rig_data(&rig, 2), "extract_rows:0/50:no_visible_rows");
    assert_int_equal(json_array_size(rig_rows(&rig)), 30);
    assert_int_equal(json_array_size(json_object_get(rig.final, "extracted_leads")), 30);
    assert_string_equal(
        json_string_value(json_array_get(json_object_get(rig.final, "extracted_leads"), 29)),
        "VIABLE | Title: Row 29");
    rig_release(&rig);
}

#define WANTS(intent)                                                                              \
    "'extract':{'fields':[{'name':'phone'}],'rejection_intents':{'incomplete_required':'" intent   \
    "'}}"

static void a_rejection_leads_to_what_the_schema_wishes(void **state)
{
    struct rig rig;
    int looks = 0;
    shop(&rig, "[" OPEN(SITE "/long") ",{'type':'extract_data','intent':'x'," WANTS(
                   "halt") "},"
                           "{'type':'extract_url','intent':'u'}]");
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "extract_data_failed");
    assert_int_equal(rig_n_results(&rig), 2);
    rig_release(&rig);
    static const char *const plans[] = {
        "[" OPEN(SITE "/late") ",{'type':'extract_data','intent':'x'," WANTS("skip") "}]",
        "[" OPEN(SITE "/late") ",{'type':'extract_data','intent':'x'," WANTS("extract_more") "}]"};
    for (int i = 0; i < 2; i++) { /* it loads right after the first reading */
        begin(&rig, plans[i]);
        rig.web.late_after = i == 0 ? 1000 : looks - 1;
        rig_run(&rig, NULL);
        assert_int_equal(json_flag(rig_result(&rig, 1), "skip", false), i == 0);
        looks = rig.web.looks;
        if (i == 0)
            rig_release(&rig);
    }
    assert_true(str_starts(rig_data(&rig, 1), "VIABLE | Phone: 0134"));
    rig_release(&rig);
}

/* The request's schema counts where the step has none. */
static void the_request_s_schema_brings_its_wishes(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN(SITE "/long") ",{'type':'extract_data','intent':'x'}]");
    rig.config.extraction_schema =
        json_keep(rig.pool, json_pack("{s:[{s:s}],s:{s:s}}", "fields", "name", "phone",
                                      "rejection_intents", "incomplete_required", "skip"));
    rig_run(&rig, NULL);
    assert_string_equal(json_str(rig_result(&rig, 1), "skip_reason", ""),
                        "rejected_incomplete_required");
    rig_release(&rig);
}

/* In the lower half of the view the price is not there yet. */
static void a_row_that_is_incomplete_at_first_sight_is_taken_later(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/rows") ",{'type':'extract_rows','intent':'x','extract':{'fields':[{'"
                                      "name':'title'},{'name':'price'}],'max_items':50}}]");
    assert_string_equal(rig_data(&rig, 1), "extract_rows:24/50");
    const json_t *warnings = json_object_get(rig.final, "warnings");
    assert_int_equal(json_array_size(warnings), 1); /* six never come into the upper half */
    assert_string_equal(json_string_value(json_array_get(warnings, 0)),
                        "step 1: 6 rows without a required field were dropped; not found: 'price'");
    rig_release(&rig);
}

/* --- gates ----------------------------------------------------------------------------------- */

#define GATE(hints, verify)                                                                        \
    "{'type':'extract_data','gate':true,'intent':'x','verify':'" verify "','hints':{" hints "}}"

static void gates_read_the_url_first(void **state)
{
    struct rig rig;
    shop(&rig,
         "[" OPEN(SITE "/form") "," GATE("'expect_url_contains':['/form','shop']", "") "," GATE(
             "'expect_url_contains':'shop'", "") "," GATE("'expect_url_contains':'/none'",
                                                          "\\'Send\\'") "]");
    assert_string_equal(rig_data(&rig, 1), "gate:PASS:url_shortcircuit:/form,shop");
    assert_string_equal(rig_data(&rig, 2), "gate:PASS:url_shortcircuit:shop");
    assert_string_equal(rig_data(&rig, 3), "gate:PASS:'Send' is there");
    rig_release(&rig);
}

static void a_gate_fails_on_an_excluded_url_whatever_is_shown(void **state)
{
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/form") "," GATE("'expect_url_excludes':'/form'", "\\'Send\\'") "]");
    assert_string_equal(rig_data(&rig, 1), "gate:FAIL:the URL contains '/form'");
    rig_release(&rig);
}

/* --- the brain ------------------------------------------------------------------------------- */

static void with_brain(struct rig *rig, struct rig_brain *brain, const char *steps)
{
    begin(rig, steps);
    rig->brain = &brain->base;
    rig_run(rig, NULL);
}

#define ACTION_DONE_WELL                                                                           \
    {                                                                                              \
        .type = ACTION_DONE, .success = true, .summary = "it is so"                                \
    }

static void an_unknown_step_goes_to_the_brain(void **state)
{
    static const struct action actions[] = {
        {.type = ACTION_CLICK, .x = 640, .y = 100, .button = BUTTON_LEFT}, ACTION_DONE_WELL};
    struct rig rig;
    struct rig_brain brain;
    rig_brain_init(&brain, actions, ARRAY_SIZE(actions));
    with_brain(
        &rig, &brain,
        "[" OPEN(
            SITE
            "/form") ",{'type':'dance','intent':'Press the button','verify':'it moved','budget':5,"
                     "'hints':{'near':'the banner'}}]");
    assert_string_equal(rig_data(&rig, 1), "it is so");
    assert_string_equal(json_str(rig_result(&rig, 1), "executor_backend", ""), "brain_fallback");
    assert_int_equal(json_int(rig_result(&rig, 1), "steps_used", 0), 2);
    assert_int_equal(rig.web.counter, 1);
    assert_string_equal(
        brain.task,
        "Sub-goal: Press the button\nIt is reached when: it moved\nTarget:\n- near: the banner\n");
    rig_release(&rig);
}

static void a_brain_that_gets_nowhere_is_stopped(void **state)
{
    static const struct action same[] = {
        {.type = ACTION_CLICK, .x = 1, .y = 600, .button = BUTTON_LEFT}};
    static const struct action refusal[] = {
        {.type = ACTION_DONE, .success = false, .summary = "looked for 'x'"}};
    static const struct {
        const struct action *actions;
        int silent;
        const char *data, *class;
        int asked;
    } cases[] = {
        {same, 0, "brain_loop_exhausted:loop", "brain_loop_exhausted", 8},
        {refusal, 0, "done_failed:looked for 'x'", "unknown", 1},
        {refusal, 9, "brain_unreachable:the model did not answer", "brain_unreachable", 0},
        {refusal, 2, "done_failed:looked for 'x'", "unknown", 1},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        struct rig_brain brain;
        rig_brain_init(&brain, cases[i].actions, 1);
        brain.silent = cases[i].silent;
        with_brain(&rig, &brain,
                   "[" OPEN(SITE "/form") ",{'type':'dance','intent':'x','budget':50}]");
        assert_string_equal(rig_data(&rig, 1), cases[i].data);
        assert_string_equal(class_of(&rig, 1), cases[i].class);
        assert_int_equal(brain.asked, cases[i].asked);
        rig_release(&rig);
    }
}

/* Only the brain's silence is called that; and a page that cannot be looked at ends the sub-goal.
 */
static void an_error_is_classed_by_what_went_wrong(void **state)
{
    static const struct action actions[] = {ACTION_DONE_WELL};
    static const struct {
        const char *step;
        int code;
        const char *class;
    } cases[] = {
        {"{'type':'extract_url','intent':'u'}", E_UPSTREAM, "unknown"},
        {"{'type':'extract_url','intent':'u'}", E_TIMEOUT, "nav_timeout"},
        {"{'type':'dance','intent':'u'}", E_UPSTREAM, "unknown"},
        {"{'type':'dance','intent':'u'}", E_TIMEOUT, "nav_timeout"},
    };
    struct rig rig;
    shop(&rig, "[" OPEN(SITE "/form") "]");
    int calls = rig.web.calls;
    rig_release(&rig);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char steps[300];
        struct rig_brain brain;
        rig_brain_init(&brain, actions, 1);
        snprintf(steps, sizeof(steps), "[" OPEN(SITE "/form") ",%s]", cases[i].step);
        begin(&rig, steps);
        rig.brain = &brain.base;
        rig.web.fail_at_call = calls + 2; /* the first of the second step, after its drift check */
        rig.web.fail_code = cases[i].code;
        rig_run(&rig, NULL);
        assert_false(json_flag(rig_result(&rig, 1), "success", true));
        assert_string_equal(class_of(&rig, 1), cases[i].class);
        assert_int_equal(brain.asked, 0);
        rig_release(&rig);
    }
}

static void a_budget_is_kept(void **state)
{
    static const struct action scroll[] = {{.type = ACTION_SCROLL, .x = 640, .y = 300, .dy = 1}};
    struct rig rig;
    struct rig_brain brain;
    rig_brain_init(&brain, scroll, 1);
    with_brain(&rig, &brain,
               "[" OPEN(SITE "/long") ",{'type':'scroll','intent':'Scroll','budget':3}]");
    assert_int_equal(brain.asked, 3 + 3); /* and once again: scroll_retry */
    assert_string_equal(rig_data(&rig, 1), "brain_loop_exhausted:max_steps");
    rig_release(&rig);
}

static void two_clicks_without_effect_hand_the_step_to_the_brain(void **state)
{
    static const struct action actions[] = {ACTION_DONE_WELL};
    struct rig rig;
    struct rig_brain brain;
    rig_brain_init(&brain, actions, 1);
    begin(&rig, "[" OPEN(SITE "/form") ",{'type':'click','intent':'x','required':true,'hints':{'"
                                       "layout':'single'},'params':{'label':'Sen'}}]");
    rig.web.flag = true;
    rig.brain = &brain.base;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(rig_data(&rig, 1), "it is so");
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), 3);
    assert_non_null(strstr(
        brain.task, "- (640,100) 'Sen': registered but the page did not react; do not repeat"));
    rig_release(&rig);
}

/* max(budget, 25): brain_budgets cap what a plan gives, not what is given instead of our own hands.
 */
static void a_step_handed_over_to_the_brain_gets_its_full_budget(void **state)
{
    static const struct action scroll[] = {{.type = ACTION_SCROLL, .x = 640, .y = 300, .dy = 1},
                                           {.type = ACTION_SCROLL, .x = 640, .y = 300, .dy = -1}};
    static struct action actions[40];
    struct rig rig;
    struct rig_brain brain;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        actions[i] = scroll[i % 2];
    rig_brain_init(&brain, actions, ARRAY_SIZE(actions));
    begin(&rig, "[" OPEN(SITE "/form") ",{'type':'click','intent':'x','required':true,'hints':{'"
                                       "layout':'single'},'params':{'label':'Sen'}}]");
    rig.web.flag = true;
    rig.web.clock = true;
    rig.brain = &brain.base;
    rig_run(&rig, NULL);
    assert_int_equal(brain.asked, 25);
    rig_release(&rig);
}

static void a_brain_that_speaks_of_a_detail_page_must_stand_on_one(void **state)
{
    static const struct action stay[] = {ACTION_DONE_WELL};
    static const struct action open[] = {
        {.type = ACTION_CLICK, .x = 640, .y = 180, .button = BUTTON_LEFT}, ACTION_DONE_WELL};
    static const struct {
        const struct action *actions;
        int n;
        const char *verify, *class;
    } cases[] = {
        {stay, 1, "The detail page of a boat is open", "wrong_target"},
        {stay, 1, "The list is open", ""},
        {open, 2, "The detail page of a boat is open", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        struct rig_brain brain;
        char steps[400];
        rig_brain_init(&brain, cases[i].actions, cases[i].n);
        snprintf(steps, sizeof(steps),
                 "[" OPEN(SITE "/list/") ",{'type':'dance','intent':'x','verify':'%s'}]",
                 cases[i].verify);
        with_brain(&rig, &brain, steps);
        assert_string_equal(class_of(&rig, 1), cases[i].class);
        rig_release(&rig);
    }
}

/* --- tables and URLs -------------------------------------------------------------------------- */

/* Two cards of one boat. */
static void twins_page(struct fake_web *web, struct pool *pool, const char *url,
                       struct fake_page *out)
{
    if (strcmp(url, "http://boats.test/boats/")) {
        boats_page(web, pool, url, out);
        return;
    }
    out->title = "Boats";
    fake_add(out, "card", "a", "Alder", "http://boats.test/boats/Alder");
    fake_add(out, "card", "a", "Alder again", ""); /* a script opens it */
}

static void opens_alder(struct fake_web *web, const char *url, const struct fake_element *e)
{
    if (!strcmp(e->kind, "card"))
        web->history[++web->at] = pool_strdup(web->pool, "http://boats.test/boats/Alder");
}

static void a_duplicate_goes_on_with_the_loop_even_when_the_way_back_fails(void **state)
{
    static const char plan[] =
        "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'http://"
        "boats.test/boats/'}},"
        "{'type':'click','intent':'Open','section':'extraction','hints':{'layout':'listings'}},"
        "{'type':'extract_url','intent':'u','section':'extraction'},"
        "{'type':'wait','intent':'work','section':'extraction','params':{'seconds':0}},"
        "{'type':'navigate_back','intent':'b','section':'extraction'},"
        "{'type':'loop','intent':'l','section':'extraction','loop_target':1,'loop_count':2}]";
    int failed = 0;
    for (int at = 1; at < 80; at++) {
        struct rig rig;
        rig_init(&rig, twins_page, plan);
        rig.web.click = opens_alder;
        rig.web.fail_at_call = at;
        rig.web.fail_code = E_IO;
        rig_run(&rig, NULL);
        for (int i = 0; i < rig_n_results(&rig); i++)
            if (str_starts(rig_data(&rig, i), "DUPLICATE|")) {
                assert_int_equal(i + 1, rig_n_results(&rig));
                failed += rig_n_events(&rig, "recovery_failed");
            }
        rig_release(&rig);
    }
    assert_true(failed > 0);
}

/* A checkpoint holds the record of every step: what took no time is not in it. */
static void a_record_names_only_what_took_time(void **state)
{
    struct rig rig;
    const char *bucket;
    json_t *seconds;
    rig_init(&rig, boats_page, boats_plan);
    rig.web.look_us = 5000;
    rig_run(&rig, NULL);
    const json_t *times = json_object_get(rig_result(&rig, 0), "time_breakdown");
    assert_true(json_num(times, "perceive", 0) >= 0.005);
    json_object_foreach ((json_t *)times, bucket, seconds)
        assert_true(json_number_value(seconds) > 0);
    assert_null(json_object_get(times, "think"));
    assert_true(json_num(json_object_get(rig.final, "time_buckets"), "perceive", 0) >= 0.010);
    rig_release(&rig);
}

static void step_types_have_a_name_a_handler_and_a_label_once(void **state)
{
    const struct step_type *t, *u;
    for (size_t i = 0; (t = step_type_at(i)); i++) {
        assert_non_null(t->run);
        assert_true(*t->name && *t->overlay);
        for (size_t j = 0; j < i && (u = step_type_at(j)); j++)
            assert_string_not_equal(t->name, u->name);
    }
}

static void urls_are_taken_apart(void **state)
{
    struct pool *pool = pool_create(NULL);
    assert_string_equal(url_host(pool, "http://u:p@A.test:81/x?y"), "a.test:81");
    assert_string_equal(url_site(pool, "https://www.A.test:81/x"), "a.test");
    assert_string_equal(url_path(pool, "https://a.test?x=/y"), "/");
    assert_string_equal(url_drift_hint(pool, "https://www.a.test/boats/x?y"), "a.test/boats");
    assert_true(url_same_page("http://a.test/x/", "http://a.test/x#top"));
    assert_false(url_same_page("http://a.test/x", "http://a.test/x?b=1"));
    assert_false(url_same_page("", ""));
    assert_true(url_same_site("https://lu.ma/a", "https://www.luma.com/b"));
    assert_true(url_meets_hint("https://luma.com/a/b", "lu.ma/a"));
    assert_true(url_is_pagination("http://a.test/list?x=1&pg=3"));
    assert_true(url_is_pagination("http://a.test/list/page/3/"));
    assert_false(url_is_pagination("http://a.test/list?pages=3"));
    assert_true(url_is_detail("http://a.test/boats/7", NULL, "http://a.test/boats/?x=1"));
    assert_false(url_is_detail("http://a.test/boatshow/7", NULL, "http://a.test/boats"));
    assert_false(
        url_matches("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab", "(a+)+$")); /* ends, too */
    assert_false(url_matches("x", "(broken"));
    pool_destroy(pool);
}

static void pages_have_urls(void **state)
{
    struct pool *pool = pool_create(NULL);
    json_t *suffix = json_pack("{s:s,s:s}", "pagination_format", "/page-{n}/",
                               "pagination_strip_pattern", "/page-\\d+/?");
    json_t *query =
        json_pack("{s:s,s:s}", "pagination_format", "p={n}", "pagination_type", "query_param");
    assert_string_equal(url_of_page(pool, "http://a.test/b/page-2/", "", suffix, 3),
                        "http://a.test/b/page-3/");
    assert_string_equal(url_of_page(pool, "http://a.test/b?x=1", "", query, 3),
                        "http://a.test/b?x=1&p=3");
    assert_string_equal(url_of_page(pool, "http://a.test/b/", "{base}/page-{n}/", NULL, 2),
                        "http://a.test/b/page-2/");
    assert_null(url_of_page(pool, "http://a.test/b", "{base}/next", NULL, 2));
    json_decref(suffix);
    json_decref(query);
    pool_destroy(pool);
}

static void pages_are_classified(void **state)
{
    static const struct {
        const char *title, *url;
        int status;
        const char *class;
    } cases[] = {
        {"Just a moment...", "http://a.test/", 503, "blocked"},
        {"Home", "http://b.test/", 200, "wrong_domain"},
        {"Home", "http://www.a.test/", 200, "ok"},
        {"404", "http://a.test/", 200, "not_found"},
        {"Error 404: oops", "http://a.test/", 200, "not_found"},
        {"Peugeot 404 for sale", "http://a.test/", 200, "ok"},
        {"This page isn\u2019t available", "http://a.test/", 200, "not_found"},
        {"Home", "http://a.test/", 410, "not_found"},
        {"Home", "http://a.test/", 500, "http_5xx"},
        {"Home", "", 200, "ok"},
        {"Home", "chrome-error://chromewebdata/", 0, "dns"},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct page page = {
            .url = cases[i].url, .title = cases[i].title, .http_status = cases[i].status};
        struct observation obs = {.url = cases[i].url, .title = cases[i].title, .page = &page};
        assert_string_equal(page_class(pool, &obs, "http://a.test/", false), cases[i].class);
    }
    pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("plans 8.1 a page that is not what was asked for fails with bad_url and its class",
                 navigate_says_what_is_wrong_with_a_page),
        row_test("plans 8.1 the URL is that of the intent, else params.url, else it fails",
                 navigate_takes_its_url_from_the_intent_first),
        row_test("plans 8.1 a load that shows nothing within the cap fails",
                 navigate_fails_when_nothing_was_shown_in_time),
        row_test("plans 8.1 a page that never finishes loading is gone on with",
                 navigate_goes_on_with_a_page_that_never_finishes),
        row_test("plans 8.1 the step after a navigate compares the live URL with the drift hint",
                 the_step_after_a_navigate_notices_drift),
        row_test("plans 10.1 a click that changes nothing is no_state_change",
                 a_click_that_changes_nothing_is_demoted),
        row_test("plans 10.1 what a page does by itself is no effect of a click",
                 what_a_page_does_by_itself_is_no_effect_of_a_click),
        cmocka_unit_test(an_effect_counts_on_a_page_that_also_has_a_clock),
        row_test("plans 10.1 expect_text_present keeps a click whose text is there",
                 text_that_is_expected_and_there_keeps_a_click),
        row_test("plans 8.5 a button that jumps aside is pressed where it is now, once",
                 a_button_that_jumps_aside_is_pressed_where_it_is_now),
        row_test("plans 10.1 a star that turns yellow is a change, and a hover is none",
                 a_star_that_turns_yellow_is_a_change),
        row_test(
            "plans 8.3 a list that loads more at its end is gone through before page_exhausted",
            a_list_that_loads_more_is_gone_through),
        row_test("plans 8.5 a submit is journalled and its data names label and point",
                 a_submit_that_shows_an_effect_counts_and_is_journalled),
        row_test("plans 8.5 a target that never comes into view is not clicked",
                 a_target_that_never_comes_into_view_is_not_clicked),
        row_test("plans 10.2 expect_url_contains and expect_url_excludes demote to wrong_target",
                 a_wrong_target_is_demoted),
        cmocka_unit_test(a_submit_that_was_sent_is_never_sent_again),
        cmocka_unit_test(an_observed_submit_is_taken_as_it_was_and_gone_on_from_there),
        cmocka_unit_test(a_submit_proven_by_text_is_not_demoted_for_the_url),
        cmocka_unit_test(what_held_before_a_submit_does_not_prove_it),
        cmocka_unit_test(a_submit_is_never_pressed_again_after_an_error),
        cmocka_unit_test(a_sent_submit_counts_when_the_page_proves_it),
        cmocka_unit_test(dialogs_without_end_make_a_page_blocked),
        row_test("plans 8.3 cards in new tabs, gone, off the site and behind a login",
                 cards_open_in_tabs_and_bad_ones_are_told_apart),
        row_test("plans 8.3 what lies on a card is closed before the click",
                 an_overlay_on_the_card_is_dismissed_once),
        row_test("plans 8.3 a card whose middle does not lead on is clicked at its first line",
                 a_link_that_wraps_is_clicked_on_its_first_line),
        row_test("plans 8.3 filters that are gone open the results again, else filters_not_applied",
                 a_listing_click_without_its_filters_opens_the_results_again),
        row_test("plans 8.2 cdp_back_exception:* falls through to the results",
                 back_that_breaks_opens_the_results),
        row_test("plans 8.3 the preferred card comes first: equal, contained, or alike by more "
                 "than half",
                 the_card_that_is_named_comes_first),
        row_test("plans 8.2 without a way back the results are opened again",
                 back_without_history_opens_the_results),
        row_test("plans 8.2 where no URL can be read the page itself tells that it went back",
                 back_without_an_address_is_told_by_the_page),
        row_test("plans 8.7 scroll_no_movement twice, then scroll_no_movement_skipped",
                 a_scroll_that_moves_nothing_goes_on_at_the_third_attempt),
        cmocka_unit_test(looks_do_not_pile_up_within_a_step),
        row_test("plans 8.4 the value of a field is told to nobody",
                 a_field_is_filled_and_its_value_told_to_nobody),
        cmocka_unit_test(typing_that_does_not_land_is_tried_twice),
        cmocka_unit_test(fields_that_cannot_be_filled_say_why),
        cmocka_unit_test(fields_are_filled_again_after_a_resume),
        cmocka_unit_test(what_failed_before_a_resume_and_went_well_after_it_did_not_fail),
        cmocka_unit_test(a_form_is_never_sent_half_after_a_resume),
        row_test("plans 8.9 url_paginate_page<n> where a template or format says how",
                 pages_are_opened_by_url_where_a_template_says_how),
        row_test("plans 8.9 the next control counts when other items are listed",
                 a_next_control_is_judged_by_what_is_listed),
        row_test("plans 8.9 a failed paginate uses up the loops", the_last_page_uses_up_the_loops),
        row_test("plans 8.10 without any schema: REJECTED_INCOMPLETE|no_schema_configured",
                 extraction_without_a_schema_says_so),
        row_test("agent-loop 14.1 without a schema: no_schema_configured, with a warning",
                 extraction_without_a_schema_says_so),
        row_test("agent-loop 14.3 a missing required field rejects, intent skip makes it a skip",
                 an_incomplete_entity_is_rejected_or_skipped_as_wished),
        row_test("agent-loop 14.2 a reveal that leads away is not read",
                 a_reveal_that_leads_away_brings_no_other_entity_in),
        row_test("plans 8.10 rows are read over several screens, each once",
                 rows_are_read_over_several_screens_without_doubles),
        row_test("agent-loop 14.1 rejection_intents skip, halt and extract_more are carried out",
                 a_rejection_leads_to_what_the_schema_wishes),
        cmocka_unit_test(the_request_s_schema_brings_its_wishes),
        row_test("agent-loop 14.3 Better: rows without a required field are dropped and counted",
                 a_row_that_is_incomplete_at_first_sight_is_taken_later),
        row_test("plans 9.3 a gate reads the URL first", gates_read_the_url_first),
        row_test("plans 9.3 an excluded URL fails a gate whatever is shown",
                 a_gate_fails_on_an_excluded_url_whatever_is_shown),
        row_test(
            "plans 1 an unknown type runs as a brain sub-goal, executor_backend brain_fallback",
            an_unknown_step_goes_to_the_brain),
        row_test(
            "agent-loop 1.5 a brain that gets nowhere is brain_loop_exhausted, a refusal is not",
            a_brain_that_gets_nowhere_is_stopped),
        cmocka_unit_test(an_error_is_classed_by_what_went_wrong),
        row_test("plans 3 budget is the most that a brain may do", a_budget_is_kept),
        row_test("plans 10.2 two no_state_change records hand the next attempt to the brain",
                 two_clicks_without_effect_hand_the_step_to_the_brain),
        row_test("plans 8 a step that is handed to the brain gets at least 25 actions",
                 a_step_handed_over_to_the_brain_gets_its_full_budget),
        row_test("agent-loop 9.2 a step that is handed over has 25 actions at least",
                 a_step_handed_over_to_the_brain_gets_its_full_budget),
        row_test("agent-loop 1.5 a brain that says it reached a detail page must stand on one",
                 a_brain_that_speaks_of_a_detail_page_must_stand_on_one),
        cmocka_unit_test(a_duplicate_goes_on_with_the_loop_even_when_the_way_back_fails),
        cmocka_unit_test(a_record_names_only_what_took_time),
        cmocka_unit_test(step_types_have_a_name_a_handler_and_a_label_once),
        cmocka_unit_test(urls_are_taken_apart),
        row_test("plans 8.9 the URL of page n by format, template and strip pattern",
                 pages_have_urls),
        row_test("plans 8.1 the classes of a page, in their order", pages_are_classified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
