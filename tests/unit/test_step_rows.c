/*
 * The rows of plans.md section 8 that one step alone shows, section by section: the page it stands on,
 * the step, and what its record says. Rows that take more stand behind the table.
 */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "run/inner/prompt.h"
#include "run/step.h"
#include "run/subgoal.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://row.test"

/* --- the site --------------------------------------------------------------------------------- */

static void text_lines(struct fake_page *out, int n)
{
    for (int i = 0; i < n; i++)
        fake_add(out, "", "p", "Text", "");
}

static void filters_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    fake_add(out, "select", "select", "Year", "");
    fake_add(out, "input", "input", "City", "");
    fake_add(out, "button", "button", "Private", "");
    fake_add(out, "button", "button", "Nothing", "");
    out->elements[3].dead = true;
    fake_add(out, "button", "a", "Sailing boats", SITE "/filters/sailing/");
    fake_add(out, "", "div", "Make", "");
    out->elements[5].attr = (struct attr){"role", "combobox"};
    if (web->counter)
        fake_add(out, "", "p", pool_printf(pool, "Private only %d", web->counter), "");
    if (web->counter) /* the list of makes is open */
        fake_add(out, "", "div", "Hallberg", "");
}

/* More cards of one fate than one step tries. */
static void cards_of(struct fake_page *out, struct pool *pool, const char *title, const char *href)
{
    for (int i = 0; i < 9; i++)
        fake_add(out, "card", "a", pool_printf(pool, "%s %d", title, i), *href ? pool_printf(pool, "%s%d", href, i) : "");
}

static void cards_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (strstr(url, "/plain"))
        fake_add(out, "card", "a", "Plain", SITE "/cards/one");
    else if (strstr(url, "/stuck"))
        cards_of(out, pool, "Stuck", "");
    else if (strstr(url, "/gone"))
        cards_of(out, pool, "Gone", SITE "/missing");
    else if (strstr(url, "/away"))
        cards_of(out, pool, "Away", "http://other.test/x");
    else if (strstr(url, "/tab")) {
        bool blank = strstr(url, "/blank") != NULL;
        fake_add(out, "card", "a", "Tab", blank ? "about:blank" : SITE "/cards/two");
        out->elements[0].in_tab = true;
    } else if (strstr(url, "/order")) {
        fake_add(out, "card", "a", "unknown", SITE "/cards/nameless");
        fake_add(out, "ad", "a", "Advert", SITE "/cards/advert");
        fake_add(out, "card", "a", "Second", SITE "/cards/second");
        fake_add(out, "card", "a", "Third", SITE "/cards/third");
    } else if (!strstr(url, "/none"))
        fake_add(out, "", "p", "A boat", "");
    text_lines(out, 30);
}

static void form_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    fake_add(out, "input", strstr(url, "/area") ? "textarea" : "input", "Search", "");
    fake_add(out, "button", strstr(url, "/link") ? "a" : "button", "Go", strstr(url, "/link") ? SITE "/short" : "");
    out->elements[1].dead = strstr(url, "/dead") != NULL;
    if (web->counter)
        fake_add(out, "", "p", pool_printf(pool, "Done %d", web->counter), "");
}

/* A list of the page's own: it opens at the first click and takes the second. */
static void choice_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    fake_add(out, "button", "button", web->counter < 2 ? "Desk" : "Desk: Window", "");
    if (web->counter == 1)
        fake_add(out, "", "div", "Window", "");
}

static void list_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    bool second = strstr(url, "page-2") || strstr(url, "p=2");
    for (int i = 0; i < 3; i++)
        fake_add(out, "card", "a", pool_printf(pool, "Boat %d", i + (second && !strstr(url, "/same") ? 3 : 0)),
                 pool_printf(pool, SITE "/list/boat-%d", i + (second && !strstr(url, "/same") ? 3 : 0)));
    if (strstr(url, "/next"))
        fake_add(out, "next", "a", "Next", SITE "/next/page-2");
    text_lines(out, 30);
}

static void data_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (strstr(url, "/rows"))
        for (int i = 0; i < 4; i++)
            fake_add(out, "row", "tr", pool_printf(pool, "Row %d", i), "");
    if (strstr(url, "/boat"))
        fake_add(out, "field:name", "h1", "Alder", "");
    if (strstr(url, "/dealer"))
        fake_add(out, "field:is_dealer", "p", "yes", "");
    fake_add(out, "", "p", "Text", "");
}

static void plain_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (strstr(url, "/missing"))
        out->title = "Page not found";
    text_lines(out, strstr(url, "/long") ? 50 : 2);
}

static void row_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    static const struct {
        const char *path;
        fake_page_fn *page;
    } pages[] = {{"/filters", filters_page}, {"/cards", cards_page}, {"/form", form_page},     {"/choice", choice_page},
                 {"/list", list_page},       {"/next", list_page},   {"/same", list_page},
                 {"/data", data_page},       {"", plain_page}};
    size_t i = 0;
    out->title = "Rows";
    while (!str_starts(url, "http://other.test") && *pages[i].path && !str_starts(url, pool_printf(pool, SITE "%s", pages[i].path)))
        i++;
    pages[str_starts(url, "http://other.test") ? ARRAY_SIZE(pages) - 1 : i].page(web, pool, url, out);
}

static void count_click(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

/* --- one step, one row ------------------------------------------------------------------------ */

#define STEP(type, more)   "{'type':'" type "','intent':'x'" more "}"
#define CARD               "{'type':'click','intent':'Open it','section':'extraction','hints':{'layout':'listings'}}"
#define FILTER(label, v)   STEP("filter", ",'params':{'label':'" label "','value':'" v "'}")
#define PRESS(label, more) STEP("submit", ",'params':{'label':'" label "'" more "}")
#define SCROLL(params)     STEP("scroll", ",'params':{" params "}")
#define WORDS(fields)      ",'extract':{'fields':[" fields "]"
#define SEARCH             "{'type':'fill_field','intent':'x','params':{'label':'Search','value':'a'}},"

#define ANYWHERE NULL, -1, NULL /* no choice in a list, the page may stand as it likes */

enum with {
    BRAIN = 1,        /* there is a brain that says that it is done */
    NO_TYPING = 2,    /* keys are lost */
    FOCUS_STAYS = 4,
    TABS = 8,
    PANE = 16,
};

static const struct row {
    const char *row, *path, *steps; /* behind a navigate to the path */
    const char *data, *class;       /* of the last record */
    const char *hand;               /* what was done beside clicks, wheel and text; NULL: no matter */
    unsigned with;
    const char *choice; /* typing over a list chooses this */
    int y;              /* how far down the page stands then; -1 no matter */
    const char *at;     /* where it stands; NULL no matter */
} rows[] = {
    /* clang-format off */
    /* 8: dispatch */
    {"plans 8 claude_only of a type without a handler fails", "/short", STEP("dance", ",'claude_only':true"),
     "extract_error: no handler for 'dance'", "extractor_error", "", BRAIN, ANYWHERE},
    {"plans 8 gate:true goes before the type's own handler", "/short",
     "{'type':'extract_url','intent':'\\'Text\\' is shown','gate':true}", "gate:PASS:'Text' is there", "", "", 0, ANYWHERE},

    /* 8.2 */
    {"plans 8.2 success is back_via_cdp:<url>", "/cards/plain", CARD "," STEP("navigate_back", ""),
     "back_via_cdp:" SITE "/cards/plain", "", "", 0, ANYWHERE},
    {"plans 8.2 a detail page in a new tab is closed", "/cards/tab", CARD "," STEP("navigate_back", ""),
     "back_via_tab:" SITE "/cards/tab", "", "", 0, ANYWHERE},
    {"plans 8.2 brain_required leaves it to the brain", "/cards/plain",
     CARD "," STEP("navigate_back", ",'params':{'brain_required':true}"), "it is so", "", "", BRAIN, ANYWHERE},

    /* 8.3 */
    {"plans 8.3 a card that opens is click:<title>", "/cards/plain", CARD, "click:Plain@(640,20)", "", NULL, 0, ANYWHERE},
    {"plans 8.3 a card that does not react is click_no_nav:no_state_change", "/cards/stuck", CARD,
     "click_no_nav:no_state_change:Stuck 7", "no_state_change", NULL, 0, ANYWHERE},
    {"plans 8.3 a card to a page that is gone is click_no_nav:wrong_target", "/cards/gone", CARD,
     "click_no_nav:wrong_target:Gone 7 leads to a page that is gone", "wrong_target", NULL, 0, ANYWHERE},
    {"plans 8.3 a card to another site is click_no_nav:wrong_target", "/cards/away", CARD,
     "click_no_nav:wrong_target:Away 7 leads to another site", "wrong_target", NULL, 0, ANYWHERE},
    {"plans 8.3 a blank new tab is closed: newtab_blank", "/cards/tab/blank", CARD,
     "newtab_blank:Tab", "no_state_change", NULL, 0, ANYWHERE},
    {"plans 8.3 a wall instead of results is page_blocked", "/cards/blocked", CARD, "page_blocked", "page_blocked", NULL, 0, ANYWHERE},
    {"plans 8.3 results that cannot be read are scan_error", "/cards/error", CARD, "scan_error", "extractor_error", NULL, 0, ANYWHERE},
    {"plans 8.3 results that a model was not asked about are scan_error", "/cards/unheard", CARD, "scan_error:the model answered 429", "extractor_error", NULL, 0, ANYWHERE},
    {"plans 8.3 no card left is page_exhausted", "/cards/none", CARD, "page_exhausted", "page_exhausted", NULL, 0, ANYWHERE},
    {"plans 8.3 cards come in reading order, adverts left out", "/cards/order", CARD, "click:Second@(640,100)", "", NULL, 0, ANYWHERE},
    {"plans 8.3 a card that was clicked is not taken again", "/cards/order",
     CARD "," STEP("navigate_back", "") "," CARD, "click:Third@(640,140)", "", NULL, 0, ANYWHERE},
    {"plans 8.3 cards without a title go last", "/cards/order",
     CARD "," STEP("navigate_back", "") "," CARD "," STEP("navigate_back", "") "," CARD, "click:unknown@(640,20)", "", NULL, 0, ANYWHERE},

    /* 8.5 */
    {"plans 8.5 success is submit:<label>@(x,y)", "/form", PRESS("Go", ""), "submit:Go@(640,60)", "", "", 0, ANYWHERE},
    {"plans 8.5 an alias finds what the label does not", "/form", PRESS("Start", ",'aliases':['Begin','Go']"),
     "submit:Start@(640,60)", "", "", 0, ANYWHERE},
    {"plans 8.5 one alias may be a string", "/form", PRESS("Start", ",'aliases':'Go'"), "submit:Start@(640,60)", "", "", 0, ANYWHERE},
    {"plans 8.5 what is nowhere is form_target_not_found", "/form", PRESS("Stop", ",'kind':'row_link'"),
     "form_target_not_found", "selector_miss", NULL, 0, ANYWHERE},
    {"plans 8.5 Better: Return is pressed while the focus is in a one-line field", "/form/dead", SEARCH PRESS("Go", ""),
     "submit:Go@(640,60):no_state_change", "no_state_change", "key Return;key Escape", FOCUS_STAYS, ANYWHERE},
    {"plans 8.5 Better: Return is not pressed in a text area", "/form/area/dead", SEARCH PRESS("Go", ""),
     "submit:Go@(640,60):no_state_change", "no_state_change", "key Escape", FOCUS_STAYS, ANYWHERE},
    {"plans 8.5 Better: Return is not pressed when no field has the focus", "/form/dead", SEARCH PRESS("Go", ""),
     "submit:Go@(640,60):no_state_change", "no_state_change", "", 0, ANYWHERE},
    {"plans 8.5 a nav_link without effect is walked to with Tab and opened with Return", "/form/link/dead",
     PRESS("Go", ",'kind':'nav_link'"), "submit:Go@(640,60)", "", "", TABS, ANYWHERE},
    {"plans 8.5 a row_link without effect is walked to with Tab and opened with Return", "/form/link/dead",
     PRESS("Go", ",'kind':'row_link'"), "submit:Go@(640,60)", "", "", TABS, ANYWHERE},
    {"plans 8.5 a cell_link without effect is walked to with Tab and opened with Return", "/form/link/dead",
     PRESS("Go", ",'kind':'cell_link'"), "submit:Go@(640,60)", "", "", TABS, ANYWHERE},
    {"plans 8.5 Better: a button without effect is not walked to, as it might be sent twice", "/form/link/dead",
     PRESS("Go", ",'kind':'button'"), "submit:Go@(640,60):no_state_change", "no_state_change", "", TABS, ANYWHERE},

    /* 8.7 */
    {"plans 8.7 count passes of three notches each", "/long", SCROLL("'count':2"), "scroll:downx2", "", "", 0, NULL, 600, NULL},
    {"plans 8.7 notches_per_count notches each", "/long", SCROLL("'count':1,'notches_per_count':5"), "scroll:downx1", "", "", 0, NULL, 500, NULL},
    {"plans 8.7 backend cdp scrolls by the height of the view", "/long", SCROLL("'backend':'cdp'"), "scroll:downx1", "", "", 0, NULL, 700, NULL},
    {"plans 8.7 prefer_cdp_scroll does, too", "/long", STEP("scroll", ",'hints':{'prefer_cdp_scroll':true}"), "scroll:downx1", "", "", 0, NULL, 700, NULL},
    {"plans 8.7 fraction takes that share of the view", "/long", SCROLL("'backend':'cdp','fraction':0.5"), "scroll:downx1", "", "", 0, NULL, 400, NULL},
    {"plans 8.7 a fraction outside of 0..1 is the whole view", "/long", SCROLL("'backend':'cdp','fraction':3"), "scroll:downx1", "", "", 0, NULL, 700, NULL},
    {"plans 8.7 up goes up", "/long", SCROLL("'count':4") "," SCROLL("'count':2,'direction':'up'"), "scroll:upx2", "", "", 0, NULL, 600, NULL},
    {"plans 8.7 Better: the end of the page is success at once", "/long", SCROLL("'count':3,'direction':'up'"), "scroll:upx3", "", "", 0, NULL, 0, NULL},
    {"plans 8.7 a pass that reaches the end is success", "/long", SCROLL("'backend':'cdp','count':9"), "scroll:downx9", "", "", 0, NULL, 1280, NULL},
    {"plans 8.7 Better: an inner pane is scrolled where the page itself stands still", "/long", SCROLL("'count':2"), "scroll:downx2", "", "", PANE, NULL, 600, NULL},
    {"plans 8.7 without count and backend the brain scrolls", "/long", STEP("scroll", ""), "it is so", "", "", BRAIN, NULL, 0, NULL},

    /* 8.8 */
    {"plans 8.8 a field is typed into and Return pressed", "/filters", FILTER("City", "Oslo"), "filter:City", "", "key ctrl+a;key Return", 0, ANYWHERE},
    {"plans 8.8 a field that does not hold the value fails before Return", "/filters", FILTER("City", "Oslo"),
     "type_not_landed:City", "type_not_landed", "key ctrl+a;key Escape", NO_TYPING, ANYWHERE},
    {"plans 8.8 a native list is opened and the option chosen", "/filters", FILTER("Year", "2020"), "filter:Year", "", "key Return", 0, "2020", -1, NULL},
    {"plans 8.8 an option that contains the value will do", "/filters", FILTER("Year", "2020"), "filter:Year", "", "key Return", 0, "2020 or later", -1, NULL},
    {"plans 8.8 a list that took another option fails", "/filters", FILTER("Year", "2020"), "option_not_found", "selector_miss", NULL, 0, "2021", -1, NULL},
    {"plans 8.8 a list of the page's own is opened and the option clicked", "/filters", FILTER("Make", "Hallberg"), "filter:Make", "", "", 0, ANYWHERE},
    {"plans 8.8 an option that is missing closes the list with Escape and fails", "/filters", FILTER("Make", "Bavaria"),
     "option_not_found", "selector_miss", "key Escape", 0, ANYWHERE},
    {"plans 8.8 a control without a value is clicked", "/filters", FILTER("Private", ""), "filter:Private", "", "", 0, ANYWHERE},
    {"plans 8.8 a click that filters nothing is no_state_change", "/filters", FILTER("Nothing", ""),
     "filter:Nothing:no_state_change", "no_state_change", NULL, 0, ANYWHERE},
    {"plans 8.8 a control that is nowhere is form_target_not_found", "/filters", FILTER("Colour", "red"),
     "form_target_not_found", "selector_miss", NULL, 0, ANYWHERE},
    {"plans 8.8 the results are those of the filter from then on", "/filters", FILTER("Sailing boats", "") "," STEP("paginate", ",'params':{'url_template':'{base}/page-{n}/'}"),
     "url_paginate_page2", "", "", 0, NULL, -1, SITE "/filters/sailing/page-2/"},

    /* 8.9 */
    {"plans 8.9 url_template of the step says where the next page is", "/list/", STEP("paginate", ",'params':{'url_template':'{base}/page-{n}/'}"),
     "url_paginate_page2", "", "", 0, NULL, -1, SITE "/list/page-2/"},
    {"plans 8.9 the next control is clicked: paginate:<label>:page<n>", "/next", STEP("paginate", ""), "paginate:Next:page2", "", "", 0, ANYWHERE},
    {"plans 8.9 a page that lists the same is no next page", "/same/", STEP("paginate", ",'params':{'url_template':'{base}/page-{n}/'}"),
     "paginate_no_next_page:no_state_change", "no_state_change", "", 0, ANYWHERE},

    /* 8.10 */
    {"plans 8.10 extract_url succeeds as URL:<url>", "/data", STEP("extract_url", ""), "URL:" SITE "/data", "", "", 0, ANYWHERE},
    {"plans 8.10 an address that was read before is DUPLICATE", "/data", STEP("extract_url", "") "," STEP("extract_url", ""),
     "DUPLICATE|" SITE "/data", "duplicate", "", 0, ANYWHERE},
    {"plans 8.10 extract_rows says how many of how many", "/data/rows", STEP("extract_rows", WORDS("{'name':'title'}") ",'max_items':3}"),
     "extract_rows:3/3", "", "", 0, ANYWHERE},
    {"plans 8.10 extract_data with max_items above 1 reads rows", "/data/rows", STEP("extract_data", WORDS("{'name':'title'}") ",'max_items':9}"),
     "extract_rows:4/9", "", "", 0, ANYWHERE},
    {"plans 8.10 extract_data with max_items 1 reads one thing", "/data/boat", STEP("extract_data", WORDS("{'name':'name'}") ",'max_items':1}"),
     "VIABLE | Name: Alder", "", "", 0, ANYWHERE},
    {"plans 8.10 no rows is extract_rows:0/<max>:no_visible_rows", "/data", STEP("extract_rows", WORDS("{'name':'title'}") ",'max_items':3}"),
     "extract_rows:0/3:no_visible_rows", "extractor_error", "", 0, ANYWHERE},
    {"plans 8.10 a thing without a required field is REJECTED_INCOMPLETE", "/data/boat", STEP("extract_data", WORDS("{'name':'phone'}") "}"),
     "~REJECTED_INCOMPLETE|missing=phone", "extractor_error", "", 0, ANYWHERE},
    {"plans 8.10 a dealer's is REJECTED_DEALER", "/data/boat/dealer", STEP("extract_data", WORDS("{'name':'name'},{'name':'is_dealer'}") "}"),
     "~REJECTED_DEALER|", "extractor_error", "", 0, ANYWHERE},

    /* 8.11 */
    {"plans 8.11 wait sleeps params.seconds: wait:<n>", "/short", STEP("wait", ",'params':{'seconds':0.02}"), "wait:0.02", "", "", 0, ANYWHERE},
    {"plans 8.11 wait without seconds waits one", "/short", STEP("wait", ""), "wait:1", "", "", 0, ANYWHERE},
    {"plans 8.11 claude with an extract block reads as extract_data", "/data/boat", STEP("claude", WORDS("{'name':'name'}") "}"),
     "VIABLE | Name: Alder", "", "", 0, ANYWHERE},
    {"plans 8.11 holo3 succeeds with what the brain says when it is done", "/short", STEP("holo3", ""), "it is so", "", "", BRAIN, ANYWHERE},
    {"plans 8 an unknown type is a sub-goal of the brain", "/short", STEP("dance", ""), "it is so", "", "", BRAIN, ANYWHERE},

    /* 10 */
    {"plans 10.1 a skip is never demoted", "/form/dead", STEP("click", ",'guard':'v','params':{'label':'Go'}"), "guard:v=False:skipped", "", "", 0, ANYWHERE},
    {"plans 10.2 a navigate is held against expect_url_excludes", "/short",
     "{'type':'navigate','intent':'x','params':{'url':'" SITE "/long','expect_url_contains':false},'hints':{'expect_url_excludes':'/long'}}",
     "navigate:" SITE "/long:wrong_target", "wrong_target", "", 0, ANYWHERE},
    {"plans 10.2 a navigate_back is held against expect_url_contains", "/cards/plain",
     CARD "," STEP("navigate_back", ",'hints':{'expect_url_contains':'/elsewhere'}"), "back_via_cdp:" SITE "/cards/plain:wrong_target", "wrong_target", NULL, 0, ANYWHERE},
    /* clang-format on */
};

static void one_row(void **state)
{
    static const struct action done[] = {{.type = ACTION_DONE, .success = true, .summary = "it is so"}};
    const struct row *row = *state;
    struct rig rig;
    struct rig_brain brain;
    char steps[1500];
    snprintf(steps, sizeof(steps),
             "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "%s'}},%s]", row->path, row->steps);
    rig_init(&rig, row_page, steps);
    rig_brain_init(&brain, done, 1);
    rig.brain = row->with & BRAIN ? &brain.base : NULL;
    rig.web.no_typing = row->with & NO_TYPING;
    rig.web.focus_stays = row->with & FOCUS_STAYS;
    rig.web.tab_order = row->with & TABS;
    rig.web.in_pane = row->with & PANE;
    rig.web.type_ahead = row->choice;
    rig.web.click = count_click;
    if (strstr(row->path, "/blocked") || strstr(row->path, "/error"))
        fake_list_status = strstr(row->path, "/blocked") ? LIST_BLOCKED : LIST_ERROR;
    rig_run(&rig, NULL);
    const json_t *r = rig_result(&rig, -1);
    const char *data = json_str(r, "data", "");
    if (*row->data == '~' ? !str_starts(data, row->data + 1) : strcmp(data, row->data) != 0)
        fail_msg("'%s', not '%s'", data, row->data);
    assert_string_equal(json_str(r, "failure_class", ""), row->class);
    if (row->hand)
        assert_string_equal(rig.web.hand, row->hand);
    if (row->y >= 0)
        assert_int_equal(rig.web.scroll, row->y);
    if (row->at)
        assert_string_equal(fake_web_url(&rig.web), row->at);
    rig_release(&rig);
}

/* --- rows that take more ---------------------------------------------------------------------- */

static void open_page(struct rig *rig, const char *path, const char *steps)
{
    char all[1500];
    snprintf(all, sizeof(all), "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "%s'}},%s]", path, steps);
    rig_init(rig, row_page, all);
    rig->web.click = count_click;
}

/* The browser fails at each of its calls in turn: is there one after which the record says so? */
static bool says_at_some_call(const char *path, const char *steps, const char *data)
{
    bool said = false;
    for (int at = 1; at < 40 && !said; at++) {
        struct rig rig;
        open_page(&rig, path, steps);
        rig.web.fail_at_call = at;
        rig.web.fail_code = E_UPSTREAM;
        rig_run(&rig, NULL);
        said = !strcmp(rig_data(&rig, -1), data);
        rig_release(&rig);
    }
    return said;
}

#define BROKEN "the browser did not answer"

static void a_submit_that_did_not_leave_is_an_error(void **state)
{
    assert_true(says_at_some_call("/form", PRESS("Go", ""), "submit_error: " BROKEN));
}

static void a_list_that_does_not_open_is_an_error(void **state)
{
    assert_true(says_at_some_call("/choice", STEP("select_option", ",'params':{'dropdown_label':'Desk','option_label':'Window'}"),
                                  "select_open_error:" BROKEN));
}

static void an_option_that_is_not_clicked_is_an_error(void **state)
{
    assert_true(says_at_some_call("/choice", STEP("select_option", ",'params':{'dropdown_label':'Desk','option_label':'Window'}"),
                                  "select_pick_error:" BROKEN));
}

static void layouts_are_read(void **state)
{
    static const struct {
        const char *step;
        bool listing;
    } cases[] = {
        {"{'type':'click','intent':'x','section':'setup','hints':{'layout':'listings'}}", true},
        {"{'type':'click','intent':'x','section':'extraction','hints':{'layout':'single'}}", false},
        {"{'type':'click','intent':'x','section':'extraction'}", true},
        {"{'type':'click','intent':'x','section':'setup'}", false},
        {"{'type':'click','intent':'x'}", false},
        {"{'type':'submit','intent':'x','section':'extraction','hints':{'layout':'listings'}}", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        open_page(&rig, "/short", cases[i].step);
        assert_int_equal(step_is_listing(&rig.plan->steps[1]), cases[i].listing);
        rig_release(&rig);
    }
}

static const struct budget_row {
    const char *row, *type, *caps; /* caps NULL: the plan says nothing */
    int budget, want;
} budgets[] = {
    {"plans 5 brain_budgets: a scroll gets 12 actions at most", "scroll", NULL, 20, 12},
    {"plans 5 brain_budgets: a click gets 4 actions at most", "click", NULL, 20, 4},
    {"plans 5 brain_budgets: other types get the step's budget", "holo3", NULL, 20, 20},
    {"plans 5 brain_budgets: a smaller budget of the step stays", "scroll", NULL, 3, 3},
    {"plans 5 brain_budgets: the plan's caps replace the usual ones", "holo3", "{'holo3':7}", 20, 7},
    {"plans 5 brain_budgets: a plan's caps have no others beside them", "scroll", "{'holo3':7}", 20, 20},
    {"plans 5 brain_budgets: {} disables the caps", "click", "{}", 20, 20},
    {"plans 5 brain_budgets: values below 1 are ignored", "click", "{'click':0}", 20, 20},
};

static void one_budget(void **state)
{
    const struct budget_row *b = *state;
    struct rig rig;
    char step[200];
    snprintf(step, sizeof(step), "{'type':'%s','intent':'x'}", b->type);
    open_page(&rig, "/short", step);
    rig.plan->runtime.brain_budgets = b->caps ? json_of(rig.pool, b->caps) : NULL;
    rig.run.plan = rig.plan;
    rig.run.step = &rig.plan->steps[1];
    assert_int_equal(subgoal_budget(&rig.run, b->budget), b->want);
    rig_release(&rig);
}

static void a_record_has_its_keys(void **state)
{
    static const char *const keys[] = {"step_index", "intent", "success", "data", "steps_used", "duration", "skip", "skip_reason",
                                       "failure_class", "failure_subclass", "final_url", "page_title", "executor_backend",
                                       "extracted_fields", "screenshot"};
    struct rig rig;
    open_page(&rig, "/data/boat", STEP("extract_data", WORDS("{'name':'name'}") "}") "," STEP("wait", ",'guard':'v'"));
    rig_run(&rig, NULL);
    for (int s = 0; s < 3; s++)
        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            if (!json_object_get(rig_result(&rig, s), keys[i]))
                fail_msg("step %d has no '%s'", s, keys[i]);
    const json_t *r = rig_result(&rig, 1);
    assert_string_equal(json_str(json_object_get(r, "extracted_fields"), "name", ""), "Alder");
    assert_string_equal(json_str(r, "final_url", ""), SITE "/data/boat");
    assert_string_equal(json_str(r, "page_title", ""), "Rows");
    assert_string_equal(json_str(r, "executor_backend", ""), "plan");
    assert_int_equal(json_int(r, "step_index", 0), 1);
    rig_release(&rig);
}

static void a_click_without_an_address_is_judged_by_the_page(void **state)
{
    static const bool dead[] = {false, true};
    for (size_t i = 0; i < ARRAY_SIZE(dead); i++) {
        struct rig rig;
        open_page(&rig, dead[i] ? "/form/dead" : "/form", STEP("click", ",'hints':{'layout':'single'},'params':{'label':'Go'}"));
        rig.web.no_url = true;
        rig_run(&rig, NULL);
        assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), dead[i] ? "no_state_change" : "");
        rig_release(&rig);
    }
}

/* Two of a name; the first leads nowhere that was expected. */
static void twins_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    out->title = "Twins";
    fake_add(out, "button", "button", "Next item", "");
    if (web->counter)
        fake_add(out, "", "p", pool_printf(pool, "Pressed %d", web->counter), "");
    fake_add(out, "button", "a", "Next item, please", SITE "/done");
}

static void what_was_wrong_is_not_pressed_again(void **state)
{
    struct rig rig;
    rig_init(&rig, twins_page,
             "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/twins'}},{'type':'click','intent':'x','required':true,"
             "'hints':{'layout':'single','expect_url_contains':'/done'},'params':{'label':'Next item'}}]");
    rig.web.click = count_click;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(fake_web_url(&rig.web), SITE "/done");
    assert_int_equal(rig.web.counter, 1);
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), 2);
    rig_release(&rig);
}

static void kinds_have_names(void **state)
{
    static const struct {
        const char *kind;
        enum target_kind want;
    } cases[] = {{"button", TARGET_BUTTON},       {"nav_link", TARGET_NAV_LINK}, {"tab", TARGET_TAB},
                 {"menu_item", TARGET_MENU_ITEM}, {"row_link", TARGET_ROW_LINK}, {"cell_link", TARGET_CELL_LINK},
                 {"", TARGET_BUTTON},             {"sofa", TARGET_BUTTON}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char step[200];
        snprintf(step, sizeof(step), "{'type':'submit','intent':'x','params':{'kind':'%s'}}", cases[i].kind);
        open_page(&rig, "/short", step);
        run_init(&rig.run, &rig.config, rig.loop, &rig.web.plane, fake_reader(), NULL, &rig.host);
        rig.run.index = 1;
        rig.run.step = &rig.plan->steps[1];
        assert_int_equal(step_query(&rig.run, TARGET_BUTTON).kind, cases[i].want);
        rig_release(&rig);
    }
}

static void hints_are_lines_of_the_sub_goal(void **state)
{
    struct rig rig;
    open_page(&rig, "/short", STEP("holo3", ",'hints':{'near':'the lamp','preferred_target_viewport_stage':2,'preferred_target_description':'the red one',"
                                            "'exemplar_replay':'click(640,20)','exemplar_source_run':'20260304_050607_9af31c2e'}"));
    assert_string_equal(prompt_sub_goal(rig.pool, &rig.plan->steps[1], "Press it", NULL, NULL),
                        "Sub-goal: Press it\nTarget:\n- near: the lamp\n- preferred_target_description: the red one\n"
                        "- preferred_target_viewport_stage: 2\n"
                        "An earlier run 20260304_050607_9af31c2e did: click(640,20)\n");
    rig_release(&rig);
}

static void every_step_leaves_a_picture(void **state)
{
    char dir[] = "/tmp/mantis-test-rows-XXXXXX", command[64];
    struct rig rig;
    assert_non_null(mkdtemp(dir));
    open_page(&rig, "/short", STEP("extract_url", "") "," STEP("right_click", ",'params':{'label':'nothing'}"));
    rig.config.screenshot_dir = dir;
    rig.web.full_frames = true;
    rig_run(&rig, NULL);
    for (int i = 0; i < 3; i++) {
        const char *name = json_str(rig_result(&rig, i), "screenshot", "");
        assert_true(*name);
        assert_int_equal(access(pool_printf(rig.pool, "%s/%s", dir, strrchr(name, '/') ? strrchr(name, '/') + 1 : name), R_OK), 0);
    }
    rig_release(&rig);
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    assert_int_equal(system(command), 0);
}

static void failures_are_remembered(void **state)
{
    struct rig rig;
    open_page(&rig, "/form/dead", STEP("click", ",'hints':{'layout':'single'},'params':{'label':'Go'}"));
    rig_run(&rig, NULL);
    const json_t *f = json_array_get(json_object_get(json_object_get(rig.final, "step_failures"), "1"), 0);
    assert_int_equal(json_int(f, "x", 0), 640);
    assert_int_equal(json_int(f, "y", 0), 60);
    assert_string_equal(json_str(f, "label", ""), "Go");
    assert_string_equal(json_str(f, "kind", ""), "no_state_change");
    assert_string_equal(json_str(f, "reason", ""), "submit:Go@(640,60):no_state_change");
    rig_release(&rig);
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        row_test("plans 8.5 submit_error:<e> when the browser fails before the press", a_submit_that_did_not_leave_is_an_error),
        row_test("plans 8.6 select_open_error when the list cannot be clicked", a_list_that_does_not_open_is_an_error),
        row_test("plans 8.6 select_pick_error when the option cannot be clicked", an_option_that_is_not_clicked_is_an_error),
        row_test("plans 4 layout is listings or single, else by the section", layouts_are_read),
        row_test("plans 8.5 what was the wrong target is not pressed again", what_was_wrong_is_not_pressed_again),
        row_test("plans 4 kind is one of six, button unless it says so", kinds_have_names),
        row_test("plans 4 near, preferred_target_* and exemplar_* are lines of the sub-goal text", hints_are_lines_of_the_sub_goal),
        row_test("plans 8 every step leaves a picture, failed or not", every_step_leaves_a_picture),
        row_test("plans 8 a record has every key, skipped or not", a_record_has_its_keys),
        row_test("plans 10.1 where no URL can be read the page decides", a_click_without_an_address_is_judged_by_the_page),
        row_test("plans 10.2 a demotion adds x, y, label, kind and reason to the failure history", failures_are_remembered),
    };
    static struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(budgets) + ARRAY_SIZE(single)];
    struct CMUnitTest *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        *next++ = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(budgets); i++)
        *next++ = (struct CMUnitTest){budgets[i].row, one_budget, NULL, NULL, (void *)&budgets[i]};
    memcpy(next, single, sizeof(single));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
