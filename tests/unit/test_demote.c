/* Success that the page does not bear out (plans.md section 10). */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/page.h"
#include "run/complaint.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://desk.test"
#define OPEN "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "/form'}}"

/* What pressing "Send" leads to, by web->leads_to: a word on the same page, or another page. */
static void desk_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    bool pressed = web->counter > 0;
    out->title = "Desk";
    if (!strcmp(url, SITE "/form")) {
        fake_add(out, "input", "input", "Email", "");
        fake_add(out, "button", "button", "Send",
                 web->leads_to && str_starts(web->leads_to, SITE) ? web->leads_to : "");
        out->elements[1].dead = web->flag;
        if (pressed && web->leads_to)
            fake_add(out, str_starts(web->leads_to, "!") ? "alert" : "", "p", web->leads_to, "");
    } else if (!strcmp(url, SITE "/done")) {
        fake_add(out, "", "h1", "Thank you", "");
    } else if (!strcmp(url, SITE "/502")) {
        out->status = 502;
        fake_add(out, "", "p", "Bad gateway. Nothing was saved.", "");
    } else if (!strcmp(url, SITE "/503")) {
        out->status = 503;
        fake_add(out, "", "p", "Busy", "");
    } else if (!strcmp(url, SITE "/422")) {
        out->status = 422;
        fake_add(out, "", "p", "Wrong", "");
    } else if (!strcmp(url, SITE "/wall")) {
        out->status = 403;
        out->title = "Just a moment...";
    } else {
        fake_add(out, "", "p", "Elsewhere", "");
    }
}

static void count_click(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

struct demotion {
    const char *row, *type, *hints, *leads_to; /* leads_to: see desk_page() */
    bool dead;                                 /* the button does nothing */
    const char *class, *data;                  /* "" : it stays a success */
    int presses;                               /* of a required step, all attempts */
};

#define ANY  "'layout':'single'"
#define TEXT "'layout':'single','expect_text_present':"

/* clang-format off */
static const struct demotion cases[] = {
    {"plans 10.1 a click without any change is no_state_change", "click", ANY, NULL, true,
     "no_state_change", "submit:Send@(640,60):no_state_change", 0},
    {"plans 10.1 a submit without any change is no_state_change and is tried again", "submit", ANY, NULL, true,
     "no_state_change", "submit:Send@(640,60):no_state_change", 3},
    {"plans 10.1 a change of the page keeps a submit", "submit", ANY, "Saved", false, "", "submit:Send@(640,60)", 1},
    {"plans 10.1 a changed URL keeps a submit", "submit", ANY, SITE "/done", false, "", "submit:Send@(640,60)", 1},
    {"plans 10.1 a phrase that is shown keeps a submit that changed nothing", "submit", TEXT "'Send'", NULL, true,
     "", "submit:Send@(640,60)", 1},
    {"plans 10.1 one of several phrases is enough", "submit", TEXT "['Nope','thank you']", SITE "/done", false,
     "", "submit:Send@(640,60)", 1},
    {"plans 10.1 a phrase keeps a click, too", "click", TEXT "['Email']", NULL, true, "", "submit:Send@(640,60)", 1},
    {"plans 10.1 Better: a phrase that never comes fails a submit whose page changed, and it is not sent again",
     "submit", TEXT "'Thank you'", SITE "/other", false,
     "no_state_change", "submit:Send@(640,60):no_state_change", 1},
    {"plans 10.1 Better: a phrase that never comes fails a click", "click", TEXT "'Thank you'", "Saved", false,
     "no_state_change", "submit:Send@(640,60):no_state_change", 0},
    {"plans 10.1 Better: what the page complains of becomes the reason", "submit", TEXT "'Thank you'",
     "!Email is required", false, "no_state_change", "submit:Send@(640,60):no_state_change:!Email is required", 0},
    {"plans 10.1 Better: good news in an alert is no refusal, and nothing is sent twice", "submit", TEXT "'Thank you'",
     "!Message on its way", false, "no_state_change", "submit:Send@(640,60):no_state_change", 1},
    {"plans 10.2 an expected part of the URL that is missing is wrong_target", "click",
     ANY ",'expect_url_contains':'/done'", SITE "/other", false, "wrong_target", "submit:Send@(640,60):wrong_target", 0},
    {"plans 10.2 an excluded part of the URL is wrong_target", "click",
     ANY ",'expect_url_excludes':['/oth']", SITE "/other", false, "wrong_target", "submit:Send@(640,60):wrong_target", 0},
    {"plans 10.2 all expected parts must be there", "click", ANY ",'expect_url_contains':['/done','x=1']",
     SITE "/done", false, "wrong_target", "submit:Send@(640,60):wrong_target", 0},
    {"plans 10.2 a submit that led elsewhere is not sent again", "submit", ANY ",'expect_url_contains':'/done'",
     SITE "/other", false, "wrong_target", "submit:Send@(640,60):wrong_target", 1},
    {"plans 10.2 a URL as expected keeps the click", "click", ANY ",'expect_url_contains':'/done','expect_url_excludes':'/login'",
     SITE "/done", false, "", "submit:Send@(640,60)", 1},
    {"agent-loop 10 the real status of the answer to a submit counts: 502", "submit", ANY, SITE "/502", false,
     "http_5xx", "submit:Send@(640,60):http_5xx", 0},
    {"agent-loop 10 the real status of the answer to a submit counts: 503 says not whether it was taken", "submit", ANY,
     SITE "/503", false, "http_5xx", "submit:Send@(640,60):http_5xx", 1},
    {"agent-loop 10 the real status of the answer to a submit counts: 422", "submit", ANY, SITE "/422", false,
     "http_4xx", "submit:Send@(640,60):http_4xx", 0},
    {"agent-loop 10 a wall is left to those who deal with walls", "click", ANY, SITE "/wall", false,
     "", "submit:Send@(640,60)", 1},
};
/* clang-format on */

static void begin(struct rig *rig, const struct demotion *c, bool required, const char *label)
{
    char steps[700];
    snprintf(steps, sizeof(steps),
             "[" OPEN
             ",{'type':'%s','intent':'x','required':%s,'params':{'label':'%s'},'hints':{%s}}]",
             c->type, required ? "true" : "false", label, c->hints);
    rig_init(rig, desk_page, steps);
    rig->web.click = count_click;
    rig->web.leads_to = c->leads_to;
    rig->web.flag = c->dead;
}

static void a_success_is_held_against_the_page(void **state)
{
    const struct demotion *c = *state;
    struct rig rig;
    begin(&rig, c, false, "Send");
    rig_run(&rig, NULL);
    const json_t *result = rig_result(&rig, 1);
    assert_string_equal(rig_data(&rig, 1), c->data);
    assert_string_equal(json_str(result, "failure_class", ""), c->class);
    assert_int_equal(json_flag(result, "success", false), !*c->class);
    assert_int_equal(rig_n_events(&rig, "demotion"), *c->class ? 1 : 0);
    rig_release(&rig);
    if (!c->presses)
        return;
    begin(&rig, c, true, "Send");
    rig_run(&rig, NULL);
    assert_int_equal(rig.web.clicks, c->presses);
    rig_release(&rig);
}

static const json_t *failures_of(const struct rig *rig)
{
    return json_object_get(json_object_get(rig->final, "step_failures"), "1");
}

static void a_demotion_is_told_and_remembered(void **state)
{
    static const struct demotion c = {NULL, "submit", ANY, NULL, true, "", "", 0};
    struct rig rig;
    begin(&rig, &c, false, "Send");
    rig_run(&rig, NULL);
    const json_t *heal = json_array_get(json_object_get(rig.final, "healing_events"), 0);
    assert_string_equal(json_str(heal, "kind", ""), "demotion");
    assert_string_equal(json_str(heal, "step_type", ""), "submit");
    assert_int_equal(json_int(heal, "step_index", -1), 1);
    assert_true(*json_str(heal, "at", "") && *json_str(heal, "reason", ""));
    const json_t *f = json_array_get(failures_of(&rig), 0);
    assert_int_equal(json_int(f, "x", 0), 640);
    assert_int_equal(json_int(f, "y", 0), 60);
    assert_string_equal(json_str(f, "label", ""), "Send");
    assert_string_equal(json_str(f, "kind", ""), "no_state_change");
    assert_true(*json_str(f, "reason", ""));
    rig_release(&rig);
}

static void works_the_second_time(struct fake_web *web, struct pool *pool, const char *url,
                                  struct fake_page *out)
{
    desk_page(web, pool, url, out);
    if (out->n > 1)
        out->elements[1].dead = web->clicks < 1;
}

static void success_clears_the_history(void **state)
{
    static const struct demotion c = {NULL, "submit", ANY, "Saved", false, "", "", 0};
    struct rig rig;
    begin(&rig, &c, true, "Send");
    rig.web.page = works_the_second_time;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.clicks, 2);
    assert_null(failures_of(&rig));
    rig_release(&rig);
}

/* A busy browser: it goes where the press sent it once that was judged to have done nothing. */
static struct {
    struct rig *rig;
    void (*event)(void *arg, const json_t *event);
    const char *url;
} late;

static void go_when_judged(void *arg, const json_t *event)
{
    struct fake_web *web = &late.rig->web;
    if (!strcmp(json_str(event, "kind", ""), "demotion"))
        web->history[web->at] = pool_strdup(web->pool, late.url);
    late.event(arg, event);
}

static void run_late(struct rig *rig, const char *hints, const char *url)
{
    const struct demotion c = {NULL, "submit", hints, NULL, true, "", "", 0};
    begin(rig, &c, true, "Send");
    late.rig = rig;
    late.event = rig->host.event;
    late.url = url;
    rig->host.event = go_when_judged;
    rig_run(rig, NULL);
}

static void an_effect_that_comes_late_counts(void **state)
{
    struct rig rig;
    run_late(&rig, ANY ",'expect_url_contains':'/done'", SITE "/done");
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(rig_data(&rig, 1), "submit:Send@(640,60):late");
    assert_int_equal(rig.web.clicks, 1);
    const json_t *heal = json_array_get(json_object_get(rig.final, "healing_events"), 1);
    assert_string_equal(json_str(heal, "kind", ""), "late_effect");
    assert_string_equal(json_str(heal, "failure_class", ""), "no_state_change");
    assert_int_equal(json_int(heal, "attempts", 0), 2);
    rig_release(&rig);
}

static void a_late_effect_is_held_against_the_hints_and_not_sent_again(void **state)
{
    struct rig rig;
    run_late(&rig, ANY ",'expect_url_contains':'/done'", SITE "/other");
    assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), "wrong_target");
    assert_int_equal(rig.web.clicks, 1);
    rig_release(&rig);
}

/* A screen of nothing but pixels, whose pictures come late: the reader points beside the button first. */
static struct {
    struct plane_driver plane;
    struct reader_driver reader;
    int clicks;
    bool beside; /* and it says so when it is asked again */
    bool done;
} screen;

static int screen_observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                          struct observation *out, struct err *err)
{
    uint8_t *px = pool_alloc(pool, 1280 * 720 * 4);
    memset(px, 200, 1280 * 720 * 4);
    if (screen.clicks)
        for (int x = 0; x + 120 <= 1280; x += 2 * 120) /* all that the first click left to be painted */
            for (int y = 500; y < 720; y++)
                memset(px + ((size_t)y * 1280 + (size_t)x) * 4, 40, (size_t)120 * 4);
    *out = (struct observation){.url = screen.done ? SITE "/done" : SITE "/form", .title = "", .frame = {1280, 720, 1280 * 4, 0, px}};
    return 0;
}

static int screen_act(struct plane *plane, struct pool *pool, const struct action *a, int cap_ms,
                      struct settled *out, struct err *err)
{
    *out = (struct settled){0};
    if (a->type != ACTION_CLICK)
        return 0;
    screen.clicks++;
    screen.done = screen.done || a->x < 600;
    out->url_changed = out->navigated = screen.done;
    return 0;
}

static int screen_find(struct reader *r, struct pool *pool, const struct observation *obs,
                       const struct target_query *q, struct target *out, struct err *err)
{
    *out = (struct target){.at = {screen.clicks && screen.beside ? 400 : 800, 120}, .node = -1, .label = "Send"};
    return 0;
}

static void run_screen(struct rig *rig, struct reader *reader, bool beside, const char *label)
{
    const struct demotion c = {NULL, "submit", ANY ",'expect_url_contains':'/done'", NULL, true, "", "", 0};
    begin(rig, &c, true, label);
    fake_web_hide_dom(&rig->web);
    memset(&screen, 0, sizeof(screen));
    screen.beside = beside;
    screen.plane = *rig->web.plane.driver;
    screen.plane.observe = screen_observe;
    screen.plane.act = screen_act;
    *reader = *fake_reader();
    screen.reader = *reader->driver;
    screen.reader.find = screen_find;
    rig->web.plane.driver = &screen.plane;
    reader->driver = &screen.reader;
    rig->reader = reader;
    rig_run(rig, NULL);
}

/* The page painted something meanwhile, but not where the click was; and the button stands elsewhere. */
static void a_submit_that_was_missed_on_pixels_is_pressed_again(void **state)
{
    struct rig rig;
    struct reader reader;
    run_screen(&rig, &reader, true, "Next");
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(screen.clicks, 2);
    rig_release(&rig);
}

static void a_submit_that_may_have_been_hit_is_not(void **state)
{
    struct rig rig;
    struct reader reader;
    run_screen(&rig, &reader, false, "Next");
    assert_string_equal(rig.end.status, "halted");
    assert_int_equal(screen.clicks, 1);
    rig_release(&rig);
    run_screen(&rig, &reader, true, "Place order"); /* what commits is not risked on a look */
    assert_string_equal(rig.end.status, "halted");
    assert_int_equal(screen.clicks, 1);
    rig_release(&rig);
}

/* --- complaints ------------------------------------------------------------------------------ */

/* %v stands for being visible. */
static const char *whole_page(struct pool *pool, const char *nodes)
{
    static const char visible[] = "'flags':'visible in_view','box':[0,0,300,20]";
    const char *out = "{'url':'http://a.test/','title':'','nodes':[{'parent':-1,'tag':'body',";
    out = pool_printf(pool, "%s%s},", out, visible);
    for (const char *at; (at = strstr(nodes, "%v")); nodes = at + 2)
        out = pool_printf(pool, "%s%.*s%s", out, (int)(at - nodes), nodes, visible);
    return pool_printf(pool, "%s%s]}", out, nodes);
}

static void complaints_are_found_where_pages_put_them(void **state)
{
    static const struct {
        const char *nodes, *complaint;
    } pages[] = {
        {"{'parent':0,'tag':'p','attrs':{'role':'alert'},%v},{'parent':1,'text':'No stock'}", ""},
        {"{'parent':0,'tag':'p','attrs':{'role':'alert'},%v},{'parent':1,'text':'Out of stock: not "
         "possible'}",
         "Out of stock: not possible"},
        {"{'parent':0,'tag':'div','attrs':{'class':'form-error "
         "big'},%v},{'parent':1,'text':'Long'}",
         "Long"},
        {"{'parent':0,'tag':'div','attrs':{'class':'terrors'},%v},{'parent':1,'text':'A film'}",
         ""},
        {"{'parent':0,'tag':'button','attrs':{'class':'btn-danger'},%v},{'parent':1,'text':'Delete'"
         "}",
         ""},
        {"{'parent':0,'tag':'input','attrs':{'aria-invalid':'true','aria-describedby':'h'},%v},"
         "{'parent':0,'tag':'p','attrs':{'id':'h'},%v},{'parent':2,'text':'Use digits'}",
         "Use digits"},
        {"{'parent':0,'tag':'p','attrs':{'class':'error'},%v},{'parent':1,'text':'Look again'},"
         "{'parent':0,'tag':'div',%v},"
         "{'parent':3,'tag':'input','attrs':{'aria-invalid':'true','aria-label':'Since'},%v},"
         "{'parent':3,'tag':'p','attrs':{'class':'error'},%v},{'parent':5,'text':'Enter a date.'}",
         "Since: Enter a date."},
        {"{'parent':0,'tag':'input','attrs':{'aria-invalid':'false','aria-describedby':'h'},%v},"
         "{'parent':0,'tag':'p','attrs':{'id':'h'},%v},{'parent':2,'text':'Use digits'}",
         ""},
        {"{'parent':0,'tag':'input','attrs':{'required':'','aria-label':'City'},"
         "'flags':'visible in_view focused'}",
         "'City' must be filled in"},
        {"{'parent':0,'tag':'input','attrs':{'required':'','aria-label':'City'},%v}", ""},
        {"{'parent':0,'tag':'p','attrs':{'role':'alert'}},{'parent':1,'text':'Hidden'}", ""},
        {"{'parent':0,'tag':'p',%v},{'parent':1,'text':'All is well'}", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        struct pool *pool = pool_create(NULL);
        struct page *page;
        struct err err = {0};
        if (page_from_json(pool, json_of(pool, whole_page(pool, pages[i].nodes)), &page, &err))
            fail_msg("%s", err.msg);
        assert_string_equal(complaint_find(pool, page), pages[i].complaint);
        pool_destroy(pool);
    }
}

static void a_page_says_that_nothing_was_done(void **state)
{
    assert_true(complaint_says_undone("Bad gateway. NOTHING WAS SAVED."));
    assert_true(complaint_says_undone("Please send the form again."));
    assert_false(complaint_says_undone("Your order was saved."));
}

#define N_CASES ARRAY_SIZE(cases)

int main(void)
{
    static const struct CMUnitTest single[] = {
        row_test("plans 10.2 a demotion writes a healing event and the failure history",
                 a_demotion_is_told_and_remembered),
        row_test("plans 10.2 success clears the failure history", success_clears_the_history),
        row_test("plans 10.1 Better: an effect that comes late counts, and is told as healed",
                 an_effect_that_comes_late_counts),
        row_test("plans 10.1 Better: a late effect is held against the hints and not sent again",
                 a_late_effect_is_held_against_the_hints_and_not_sent_again),
        row_test("plans 8.5 Better: a submit that was missed on pixels is pressed again",
                 a_submit_that_was_missed_on_pixels_is_pressed_again),
        row_test("plans 8.5 Better: a submit that may have been hit on pixels is not pressed again",
                 a_submit_that_may_have_been_hit_is_not),
        cmocka_unit_test(complaints_are_found_where_pages_put_them),
        cmocka_unit_test(a_page_says_that_nothing_was_done),
    };
    struct CMUnitTest tests[N_CASES + ARRAY_SIZE(single)];
    for (size_t i = 0; i < N_CASES; i++)
        tests[i] = (struct CMUnitTest){cases[i].row, a_success_is_held_against_the_page, NULL, NULL,
                                       (void *)&cases[i]};
    memcpy(tests + N_CASES, single, sizeof(single));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
