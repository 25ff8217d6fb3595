/*
 * Which page is open, and what it is: the rows of plans.md 8.1 to 8.3, 8.9 and 8.10 that one page does not
 * show.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/step.h"
#include "run/url.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://page.test"
#define OPEN(path, more) "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE path "'" more "}}"
#define CARD             "{'type':'click','intent':'Open it','section':'extraction','hints':{'layout':'listings'}}"
#define LINK(label)      "{'type':'click','intent':'x','hints':{'layout':'single'},'params':{'label':'" label "'}}"
#define BACK             "{'type':'navigate_back','intent':'b'}"
#define NEXT             "{'type':'paginate','intent':'n'}"
#define WAIT             "{'type':'wait','intent':'w','params':{'seconds':0}}"

static const char *title, *body; /* of every page, when set */

/* Boats, each with a page that leads to further ones below it. */
static void site_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    out->title = title ? title : "Boats";
    if (body)
        fake_add(out, "", "p", body, "");
    if (strstr(url, "/filtered") || strstr(url, "/private"))
        fake_add(out, "", "p", "Private sellers only", "");
    if (strstr(url, "/boats/1"))
        fake_add(out, "", "a", "Deeper", pool_printf(pool, "%s/1", url));
    else if (!strstr(url, "/login"))
        fake_add(out, "card", "a", strstr(url, "page-") || strstr(url, "p=") ? url : "Alder", SITE "/boats/1");
    if (strstr(url, "/lost"))
        fake_add(out, "", "a", "Elsewhere", SITE "/elsewhere");
    for (int i = 0; i < 30; i++)
        fake_add(out, "", "p", url, "");
}

static void begin(struct rig *rig, const char *steps)
{
    rig_init(rig, site_page, steps);
    title = body = NULL;
}

static void set_site(struct rig *rig, const char *config)
{
    rig->plan->site_config = json_of(rig->pool, config);
}

static const char *text_of(const struct rig *rig, int i, const char *key)
{
    return json_str(rig_result(rig, i), key, "");
}

/* --- 8.1: how long ---------------------------------------------------------------------------- */

static const struct wait_row {
    const char *row, *step;
    double server_s, ceiling_s;
    int cap_ms;
} waits[] = {
    {"plans 8.1 a load gets 18 s", OPEN("/a", ""), 0, 0, 18000},
    {"plans 8.1 MANTIS_NAV_WAIT_SECONDS is the server's", OPEN("/a", ""), 7, 0, 7000},
    {"plans 4 params.wait_after_load_seconds beats the server's", OPEN("/a", ",'wait_after_load_seconds':30"), 7, 0, 30000},
    {"plans 4 Better: the hint wait_after_load_seconds is honoured on navigate",
     "{'type':'navigate','intent':'x','params':{'url':'" SITE "/a'},'hints':{'wait_after_load_seconds':30}}", 7, 0, 30000},
    {"plans 8.1 the wait is 120 s at most", OPEN("/a", ",'wait_after_load_seconds':500"), 0, 0, 120000},
    {"plans 8.1 a wait below 0 is the shortest", OPEN("/a", ",'wait_after_load_seconds':-5"), 0, 0, 3000},
    {"plans 5 settle_ceiling_seconds bounds every settle", OPEN("/a", ",'wait_after_load_seconds':30"), 0, 2, 2000},
};

static void one_wait(void **state)
{
    const struct wait_row *w = *state;
    struct rig rig;
    char steps[400];
    snprintf(steps, sizeof(steps), "[%s]", w->step);
    begin(&rig, steps);
    rig.config.nav_wait_s = w->server_s;
    rig.web.plane.settle_ceiling_s = w->ceiling_s;
    rig_run(&rig, NULL);
    assert_int_equal(rig.web.load_cap_ms, w->cap_ms);
    rig_release(&rig);
}

/* --- 8.1: what the page is -------------------------------------------------------------------- */

/* The page with this title or text, opened; how the navigate ended. */
static void check_class(const char *the_title, const char *the_body, const char *want)
{
    struct rig rig;
    begin(&rig, "[" OPEN("/a", "") "]");
    rig.config.pause_on_captcha = false;
    title = the_title;
    body = the_body;
    rig_run(&rig, NULL);
    const char *subclass = text_of(&rig, 0, "failure_subclass");
    const char *data = *want ? pool_printf(rig.pool, "bad_url:%s", want) : "navigate:" SITE "/a";
    if (strcmp(subclass, want) || strcmp(rig_data(&rig, 0), data) ||
        strcmp(text_of(&rig, 0, "failure_class"), *want ? "bad_url" : ""))
        fail_msg("'%s', '%s': %s, %s", the_title ? the_title : "", the_body ? the_body : "", rig_data(&rig, 0), subclass);
    rig_release(&rig);
}

static void walls_are_blocked(void **state)
{
    static const char *const titles[] = {"Just a moment...", "Performing security verification", "Checking your browser",
                                         "Verifying you are human", "Verify you are human", "Attention Required! | X"};
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++) {
        struct observation obs = {.url = SITE "/", .title = titles[i]};
        assert_string_equal(page_class(pool, &obs, SITE "/", false), "blocked");
        check_class(titles[i], NULL, ""); /* which is no bad_url: others deal with walls */
    }
    pool_destroy(pool);
}

static void missing_pages_have_titles(void **state)
{
    static const char *const titles[] = {"404", "Not found", "This page doesn't exist", "The page does not exist",
                                         "That page no longer exists", "Sorry, this page isn't available",
                                         "This page isn't here", "This page isn\u2019t here"};
    for (size_t i = 0; i < ARRAY_SIZE(titles); i++)
        check_class(titles[i], NULL, "not_found");
}

static void soft_missing_pages_have_words(void **state)
{
    static const char *const bodies[] = {
        "Sorry, we couldn't find it", "We could not find it", "We cannot find it", "Cannot find the page",
        "The page you requested is old", "This page may have moved", "The page is no longer available",
        "This listing is no longer available", "This item is no longer available", "No results found", "Nothing matches"};
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++)
        check_class(NULL, bodies[i], "soft_404");
}

static void only_the_beginning_of_the_text_counts(void **state)
{
    char text[2200];
    memset(text, 'x', sizeof(text));
    snprintf(text + 2100, 90, " we could not find it");
    check_class(NULL, text, "");
    text[100] = 0;
    strcat(text, " we could not find it");
    check_class(NULL, text, "soft_404");
}

static void a_search_without_results_is_no_broken_page(void **state)
{
    struct rig rig;
    begin(&rig, "[{'type':'navigate','intent':'x','params':{'url':'" SITE "/search?q=zz'}}]");
    body = "No results found";
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 0), "navigate:" SITE "/search?q=zz");
    rig_release(&rig);
}

static void hosts_have_twins(void **state)
{
    static const struct {
        const char *asked, *got, *class;
    } cases[] = {
        {"http://a.test/", "http://www.a.test/", "ok"},       {"http://www.a.test/", "http://a.test/", "ok"},
        {"http://a.test/", "http://m.a.test/", "ok"},         {"http://a.test:81/", "http://a.test/", "ok"},
        {"https://lu.ma/x", "https://luma.com/x", "ok"},      {"https://luma.com/x", "https://lu.ma/x", "ok"},
        {"http://a.test/", "http://b.a.test/", "wrong_domain"}, {"http://a.test/", "http://b.test/", "wrong_domain"},
        {"http://a.test/", "", "ok"}, /* an address that cannot be read */
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct observation obs = {.url = cases[i].got, .title = "Home"};
        if (strcmp(page_class(pool, &obs, cases[i].asked, false), cases[i].class))
            fail_msg("%s for %s", cases[i].got, cases[i].asked);
    }
    pool_destroy(pool);
}

/* --- 8.1: what a success sets ----------------------------------------------------------------- */

static void a_navigate_sets_the_results(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN("/boats", "") "," CARD "," OPEN("/Boats/private/page-3/", "") "]");
    rig.web.lands_at = 300;
    rig_run(&rig, NULL);
    const json_t *tokens = json_object_get(rig.final, "required_filter_tokens");
    assert_string_equal(json_str(rig.final, "results_base_url", ""), SITE "/Boats/private/page-3/");
    assert_string_equal(json_text(rig.pool, tokens), "[\"boats\",\"private\"]");
    assert_int_equal(json_int(rig.final, "current_page", 0), 1);
    assert_int_equal(json_array_size(rig.run.progress.titles), 0); /* Alder was clicked before */
    assert_int_equal(rig.web.scroll, 0);                           /* Home */
    rig_release(&rig);
}

static const struct drift_row {
    const char *row, *params;
    bool gate_off, drifts;
    const char *hint;
} drifts[] = {
    {"plans 8.1 the drift hint is the host and the first part of the path", "", false, true, "page.test/boats"},
    {"plans 8.1 MANTIS_AUTO_URL_GATE switches the drift hint off", "", true, false, ""},
    {"plans 4 expect_url_contains false disables the drift hint", ",'expect_url_contains':false", false, false, ""},
    {"plans 8.1 params.expect_url_contains is the drift hint", ",'expect_url_contains':'/elsewhere'", false, false, ""},
    {"plans 8.1 params.expect_url_contains counts with the gate off too", ",'expect_url_contains':'/nowhere'", true, true, "/nowhere"},
};

/* The site leads on to another of its pages. */
static void one_drift(void **state)
{
    const struct drift_row *d = *state;
    struct rig rig;
    char steps[500];
    snprintf(steps, sizeof(steps), "[" OPEN("/boats/x", "%s") "," WAIT "," WAIT "]", d->params);
    begin(&rig, steps);
    rig.config.auto_url_gate = !d->gate_off;
    rig.web.lands_on = SITE "/elsewhere";
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), d->drifts ? pool_printf(rig.pool, "NAV_DRIFT|expected=%s|got=" SITE "/elsewhere", d->hint) : "wait:0");
    assert_string_equal(text_of(&rig, 1, "failure_class"), d->drifts ? "navigation_drift" : "");
    assert_string_equal(rig_data(&rig, 2), "wait:0"); /* it goes on as after any failure */
    rig_release(&rig);
}

/* --- 8.2 -------------------------------------------------------------------------------------- */

static const char *heal_reason(const struct rig *rig)
{
    const json_t *healing = json_object_get(rig->final, "healing_events");
    return json_str(json_array_get(healing, 0), "reason", "");
}

static void a_browser_that_stays_is_no_url_change(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN("/boats", "") "," CARD "," BACK "]");
    rig.web.no_back = true;
    rig_run(&rig, NULL);
    assert_string_equal(heal_reason(&rig), "cdp_back_no_url_change");
    assert_string_equal(rig_data(&rig, 2), "back_via_cdp:" SITE "/boats");
    rig_release(&rig);
}

static void back_on_a_detail_page_is_not_back(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN("/boats", "") "," CARD "," LINK("Deeper") "," LINK("Deeper") "," LINK("Deeper") "," BACK "]");
    rig_run(&rig, NULL);
    assert_string_equal(heal_reason(&rig), "back_to_detail_page:" SITE "/boats/1");
    assert_string_equal(rig_data(&rig, 5), "back_via_cdp:" SITE "/boats");
    rig_release(&rig);
}

static void without_any_way_back_the_brain_gets_eight_actions(void **state)
{
    static struct action actions[20];
    struct rig rig;
    struct rig_brain brain;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        actions[i] = (struct action){.type = ACTION_SCROLL, .x = 640, .y = 300, .dy = i % 2 ? -1 : 1};
    rig_brain_init(&brain, actions, ARRAY_SIZE(actions));
    begin(&rig, "[{'type':'navigate_back','intent':'b','budget':20}]");
    rig.web.clock = true;
    rig.brain = &brain.base;
    rig_run(&rig, NULL);
    assert_int_equal(brain.asked, 8);
    assert_string_equal(text_of(&rig, 0, "executor_backend"), "vision");
    rig_release(&rig);
}

/* --- 8.3 -------------------------------------------------------------------------------------- */

static const struct filter_row {
    const char *row, *site, *data;
} filter_rows[] = {
    {"plans 8.3 without the filters, and no way to them: filters_not_applied", "{}", "filters_not_applied"},
    {"plans 8.9 gate_verify_prompt: filters that do not stand in the address are looked for on the page",
     "{'gate_verify_prompt':'\\\"Elsewhere\\\" is shown for:'}", "click:Alder@(640,20)"},
    {"plans 8.9 gate_verify_prompt: a page that does not show them has lost them",
     "{'gate_verify_prompt':'\\\"Never\\\" is shown for:'}", "filters_not_applied"},
    {"plans 8.9 filtered_results_url is opened when the filters are gone",
     "{'filtered_results_url':'" SITE "/private/filtered'}", "click:Alder@(640,60)"},
    {"plans 8.9 results_page_pattern: another page is no results page",
     "{'results_page_pattern':'/results/','filtered_results_url':'" SITE "/private'}", "filters_not_applied"},
    {"plans 8.9 an empty results_page_pattern lets any page pass", "{'results_page_pattern':'','filtered_results_url':'" SITE "/private'}",
     "click:Alder@(640,60)"},
};

/* The site has lost the filter "private" and has no page of it under the old address. */
static void one_filter(void **state)
{
    const struct filter_row *f = *state;
    struct rig rig;
    begin(&rig, "[" OPEN("/private", "") "," WAIT "," CARD "]");
    set_site(&rig, f->site);
    rig_run(&rig, NULL);
    json_t *half = json_deep_copy(rig.checkpoints[1]);
    json_put_str(half, "listing_url", SITE "/lost");
    rig_run(&rig, half);
    assert_string_equal(rig_data(&rig, 2), f->data);
    json_decref(half);
    rig_release(&rig);
}

static void login_pages_are_known_by_their_address(void **state)
{
    static const char *const urls[] = {"http://a.test/login",       "http://a.test/signin?next=x",
                                       "http://a.test/sign-in",     "http://a.test/x/sign_in",
                                       "http://a.test/auth/login",  "http://a.test/oauth/authorize?a=b",
                                       "http://a.test/users/sign_in", "http://a.test/account/login"};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        assert_true(url_is_login(urls[i]));
    assert_false(url_is_login("http://a.test/signature"));
    assert_false(url_is_login("http://a.test/boats/7"));
}

static void details_are_told_by_pattern_or_path(void **state)
{
    static const struct {
        const char *url, *pattern, *base;
        bool yes;
    } cases[] = {
        {"http://a.test/BOAT/7", "/boat/\\d+", "", true}, /* in any case */
        {"http://a.test/boats/7", "/boat/\\d+", "http://a.test/boats", false},
        {"http://a.test/boats/7", "", "http://a.test/boats?x=1", true},
        {"http://a.test/boats", "", "http://a.test/boats", false},
        {"http://a.test/boats/", "", "http://a.test/boats", false},
        {"http://a.test/boatshow/7", "", "http://a.test/boats", false},
        {"http://b.test/boats/7", "", "http://a.test/boats", false},
        {"http://a.test/boats/7", "", "", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *site = json_pack("{s:s}", "detail_page_pattern", cases[i].pattern);
        if (url_is_detail(cases[i].url, site, cases[i].base) != cases[i].yes)
            fail_msg("%s, %s, %s", cases[i].url, cases[i].pattern, cases[i].base);
        json_decref(site);
    }
}

/* --- 8.9 -------------------------------------------------------------------------------------- */

static const struct page_row {
    const char *row, *site, *steps, *data, *url;
} page_rows[] = {
    {"plans 8.9 pagination_format is put behind the path", "{'pagination_format':'/page-{n}/'}", "[" OPEN("/boats/", "") "," NEXT "]",
     "url_paginate_page2", SITE "/boats/page-2/"},
    {"plans 8.9 pagination_type query_param puts it into the query", "{'pagination_format':'p={n}','pagination_type':'query_param'}",
     "[" OPEN("/boats", "") "," NEXT "]", "url_paginate_page2", SITE "/boats?p=2"},
    {"plans 8.9 an address that has a query gets it behind an &", "{'pagination_format':'p={n}','pagination_type':'query_param'}",
     "[" OPEN("/boats?x=1", "") "," NEXT "]", "url_paginate_page2", SITE "/boats?x=1&p=2"},
    {"plans 8.9 pagination_strip_pattern takes the old page away", "{'pagination_format':'/page-{n}/','pagination_strip_pattern':'/page-\\\\d+/?'}",
     "[" OPEN("/boats/page-7/", "") "," NEXT "]", "url_paginate_page2", SITE "/boats/page-2/"},
    {"plans 8.9 the page after the second is the third", "{'pagination_format':'/page-{n}/','pagination_strip_pattern':'/page-\\\\d+/?'}",
     "[" OPEN("/boats/", "") "," NEXT "," NEXT "]", "url_paginate_page3", SITE "/boats/page-3/"},
    {"plans 8.9 without a navigate the URL of step 0 is the base", "{'pagination_format':'/page-{n}/'}",
     "[{'type':'wait','intent':'Wait for " SITE "/boats','params':{'seconds':0}}," NEXT "]", "url_paginate_page2", SITE "/boats/page-2/"},
    {"plans 8.9 without format and control there is no next page", "{}", "[" OPEN("/boats/", "") "," NEXT "]",
     "paginate_no_next_page: no next here", SITE "/boats/"},
};

static void one_page(void **state)
{
    const struct page_row *p = *state;
    struct rig rig;
    begin(&rig, p->steps);
    set_site(&rig, p->site);
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, -1), p->data);
    assert_string_equal(fake_web_url(&rig.web), p->url);
    rig_release(&rig);
}

static void the_next_page_starts_the_list_anew(void **state)
{
    struct rig rig;
    begin(&rig, "[" OPEN("/boats", "") "," CARD "," BACK ",{'type':'scroll','intent':'s','params':{'count':1}}," NEXT "]");
    set_site(&rig, "{'pagination_format':'?p={n}'}");
    rig.web.lands_at = 200;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 4), "url_paginate_page2");
    assert_int_equal(json_array_size(rig.run.progress.titles), 0);
    assert_int_equal(json_int(rig.final, "current_page", 0), 2);
    assert_int_equal(rig.web.scroll, 0); /* Home */
    rig_release(&rig);
}

static void pixels_without_a_control_go_to_the_brain(void **state)
{
    static struct action actions[20];
    struct rig rig;
    struct rig_brain brain;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        actions[i] = (struct action){.type = ACTION_SCROLL, .x = 640, .y = 300, .dy = i % 2 ? -1 : 1};
    rig_brain_init(&brain, actions, ARRAY_SIZE(actions));
    begin(&rig, "[" OPEN("/boats", "") ",{'type':'paginate','intent':'n','budget':20}]");
    fake_web_hide_dom(&rig.web);
    rig.web.clock = true;
    rig.brain = &brain.base;
    rig_run(&rig, NULL);
    assert_int_equal(brain.asked, 8);
    assert_int_equal(rig.web.pngs, 0); /* who sends a picture makes it, once */
    assert_string_equal(text_of(&rig, 1, "executor_backend"), "vision");
    rig_release(&rig);
}

/* --- 8.10 ------------------------------------------------------------------------------------- */

static void pages_of_a_list_are_known_by_their_address(void **state)
{
    static const char *const urls[] = {"?p=2", "?page=2", "?pg=2", "?start=2", "?offset=2", "?skip=2", "?next=2", "?after=2",
                                       "?before=2", "?since=2", "?x=1&PAGE=2", "/page/2", "/page/2/", "/p/2"};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        struct rig rig;
        char steps[300];
        snprintf(steps, sizeof(steps), "[" OPEN("/boats%s", "") ",{'type':'extract_url','intent':'u'}]", urls[i]);
        begin(&rig, steps);
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 1), pool_printf(rig.pool, "PAGINATION_URL|" SITE "/boats%s", urls[i]));
        assert_string_equal(text_of(&rig, 1, "failure_class"), "wrong_target");
        rig_release(&rig);
    }
    assert_false(url_is_pagination("http://a.test/list?pages=3&q=page"));
    assert_false(url_is_pagination("http://a.test/page/two"));
}

static void an_address_of_another_kind_is_the_wrong_page(void **state)
{
    static const struct {
        const char *section, *data;
    } cases[] = {
        {"extraction", "WRONG_PAGE|" SITE "/boats|expected=/boat/\\d+"},
        {"setup", "URL:" SITE "/boats"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[300];
        snprintf(steps, sizeof(steps), "[" OPEN("/boats", "") ",{'type':'extract_url','intent':'u','section':'%s'}]", cases[i].section);
        begin(&rig, steps);
        set_site(&rig, "{'detail_page_pattern':'/boat/\\\\d+'}");
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 1), cases[i].data);
        rig_release(&rig);
    }
}

#define NODE(parent, tag, attrs) "{'parent':" #parent ",'tag':'" tag "','attrs':{" attrs "},'flags':'visible in_view','box':[0,0,90,20]}"
#define CARD_NODE(parent)        NODE(parent, "div", "'data-kind':'card'")

static const struct link_row {
    const char *row, *nodes; /* below the document */
} links[] = {
    {"plans 8.10 collect_urls takes the link around a card", NODE(0, "a", "'href':'/item/1'") "," NODE(1, "p", "") "," CARD_NODE(2)},
    {"plans 8.10 collect_urls takes the link in a card", CARD_NODE(0) "," NODE(1, "p", "") "," NODE(2, "a", "'href':'/item/1'")},
    {"plans 8.10 collect_urls takes data-href", NODE(0, "li", "'data-href':'/item/1'") "," CARD_NODE(1)},
    {"plans 8.10 collect_urls takes data-url", CARD_NODE(0) "," NODE(1, "p", "'data-url':'/item/1'")},
    {"plans 8.10 collect_urls takes what is nearest around the card",
     NODE(0, "a", "'href':'/item/2'") "," NODE(1, "li", "'data-url':'/item/1'") "," CARD_NODE(2)},
};

static void one_link(void **state)
{
    const struct link_row *l = *state;
    struct rig rig;
    struct page *page;
    struct err err = {0};
    begin(&rig, "[" OPEN("/boats", "") ",{'type':'collect_urls','intent':'x'}]");
    const char *text = pool_printf(rig.pool, "{'url':'" SITE "/boats','nodes':[" NODE(-1, "html", "") ",%s]}", l->nodes);
    if (page_from_json(rig.pool, json_of(rig.pool, text), &page, &err))
        fail_msg("%s", err.msg);
    rig.web.fixed = page;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "urls:1/1");
    assert_string_equal(json_text(rig.pool, json_object_get(rig.final, "collected_urls")), "[\"" SITE "/item/1\"]");
    rig_release(&rig);
}

static void positions_name_no_row(void **state)
{
    static const char *const names[] = {"rank", "index", "position", "pos", "row", "rownum", "row_num", "number",
                                        "num", "no", "order", "ordinal", "seq", "sequence", "#"};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        assert_true(schema_is_positional(names[i]));
    assert_false(schema_is_positional("title"));
    assert_false(schema_is_positional("phone_number"));
}

/* --- all -------------------------------------------------------------------------------------- */

#define MAX_TESTS 64
static struct CMUnitTest all[MAX_TESTS];
static size_t n_all;

static void add(const char *row, CMUnitTestFunction fn, const void *arg)
{
    assert_true(n_all < MAX_TESTS);
    all[n_all++] = (struct CMUnitTest){row, fn, NULL, NULL, (void *)arg};
}

int main(void)
{
    static const struct CMUnitTest single[] = {
        row_test("plans 8.1 blocked by its title, each of them", walls_are_blocked),
        row_test("plans 8.1 not_found by its title, each of them", missing_pages_have_titles),
        row_test("plans 8.1 soft_404 by its text, each of them", soft_missing_pages_have_words),
        row_test("plans 8.1 the first 2048 characters of the text are read", only_the_beginning_of_the_text_counts),
        row_test("plans 8.1 Better: no results found is no broken page of a search", a_search_without_results_is_no_broken_page),
        row_test("plans 8.1 wrong_domain: www, m and known twins are the same host, an unread URL is ok", hosts_have_twins),
        row_test("plans 8.1 success sets base URL, filter tokens, page 1, and the scan state anew, at the top", a_navigate_sets_the_results),
        row_test("plans 8.2 a browser that stays is cdp_back_no_url_change, and the results are opened", a_browser_that_stays_is_no_url_change),
        row_test("plans 8.2 a way back that ends on a detail page is back_to_detail_page:<url>", back_on_a_detail_page_is_not_back),
        row_test("plans 8.2 without any way back the brain gets 8 actions", without_any_way_back_the_brain_gets_eight_actions),
        row_test("plans 8.3 login_redirect by the address, each of them", login_pages_are_known_by_their_address),
        row_test("plans 8.3 a detail page is told by detail_page_pattern, else by a longer path of the host", details_are_told_by_pattern_or_path),
        row_test("plans 8.9 success starts the list anew, at the top", the_next_page_starts_the_list_anew),
        row_test("plans 8.9 on pixels without a control the brain gets 8 actions", pixels_without_a_control_go_to_the_brain),
        row_test("plans 8.10 PAGINATION_URL by query key or path, each of them", pages_of_a_list_are_known_by_their_address),
        row_test("plans 8.10 WRONG_PAGE in the section extraction only", an_address_of_another_kind_is_the_wrong_page),
        row_test("plans 8.10 positional names never name a row", positions_name_no_row),
    };
    for (size_t i = 0; i < ARRAY_SIZE(waits); i++)
        add(waits[i].row, one_wait, &waits[i]);
    for (size_t i = 0; i < ARRAY_SIZE(drifts); i++)
        add(drifts[i].row, one_drift, &drifts[i]);
    for (size_t i = 0; i < ARRAY_SIZE(filter_rows); i++)
        add(filter_rows[i].row, one_filter, &filter_rows[i]);
    for (size_t i = 0; i < ARRAY_SIZE(page_rows); i++)
        add(page_rows[i].row, one_page, &page_rows[i]);
    for (size_t i = 0; i < ARRAY_SIZE(links); i++)
        add(links[i].row, one_link, &links[i]);
    for (size_t i = 0; i < ARRAY_SIZE(single); i++)
        add(single[i].name, single[i].test_func, NULL);
    return _cmocka_run_group_tests("pages", all, n_all, NULL, NULL);
}
