/*
 * Putting values into fields and answering what is asked: what needs no browser. The kinds of fields
 * themselves are tried in tests/e2e/widgets.test.mjs.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/asks.h"
#include "run/steps/date.h"
#include "run/steps/steps.h"
#include "run/url.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

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

/* --- fill_field ------------------------------------------------------------------------------- */

#define SITE "http://form.test"
#define OPEN "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "/'}}"
#define FILL(params) "[" OPEN ",{'type':'fill_field','intent':'x','params':{" params "}}]"

static void form_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Form";
    fake_add(out, "input", "input", "E-mail address", "");
    fake_add(out, "input", "div", "Message", "");
    fake_add(out, "", "span", "Banner", "");
    fake_add(out, "input", "input", "The telephone number under which we can reach you", "");
    for (int i = 0; i < 40; i++)
        fake_add(out, "", "p", "Text", "");
    fake_add(out, "input", "textarea", "Remarks", "");
}

static const struct {
    const char *row, *steps, *data, *class, *typed;
    bool lost; /* keys go nowhere */
    int times; /* something was typed */
} fills[] = {
    {"plans 8.4 fill_field types the value and says so by its label",
     FILL("'label':'E-mail address','value':'a@b.test'"), "fill:E-mail address", "", "a@b.test", false, 1},
    {"plans 8.4 a label of several words matches a part of the name",
     FILL("'label':'e-mail','value':'a@b.test'"), "fill:e-mail", "", "a@b.test", false, 1},
    {"plans 8.4 a field below the fold is scrolled to",
     FILL("'label':'Remarks','value':'none'"), "fill:Remarks", "", "none", false, 1},
    {"plans 8.4 a field that is nowhere is form_target_not_found",
     FILL("'label':'Fax','value':'1'"), "form_target_not_found", "selector_miss", "", false, 0},
    {"plans 8.4 what takes no text is form_target_not_input with its tag",
     FILL("'label':'Banner','value':'1'"), "form_target_not_input:SPAN", "selector_miss", "", false, 0},
    {"plans 8.4 text that does not land is typed once more, then it is type_not_landed",
     FILL("'label':'E-mail address','value':'a'"), "type_not_landed:E-mail address", "type_not_landed", "", true, 2},
    {"plans 8.4 rich text is told as contenteditable",
     FILL("'label':'Message','value':'Hello'"), "fill:Message:contenteditable", "", "Hello", false, 1},
    {"plans 8.4 a label is cut at 40 bytes in the result",
     FILL("'label':'The telephone number under which we can reach you','value':'1'"),
     "fill:The telephone number under which we can ", "", "1", false, 1},
    {"plans 8.4 an empty value empties the field",
     "[" OPEN ",{'type':'fill_field','intent':'x','params':{'label':'E-mail address','value':'a'}},"
     "{'type':'fill_field','intent':'x','params':{'label':'E-mail address','value':''}}]",
     "fill:E-mail address", "", "", false, 1},
    {"plans 8.4 skip_if_field_has_value keeps what is there",
     "[" OPEN ",{'type':'fill_field','intent':'x','params':{'label':'E-mail address','value':'a'}},"
     "{'type':'fill_field','intent':'x','params':{'label':'E-mail address','value':'b','skip_if_field_has_value':true}}]",
     "fill:E-mail address:skipped_existing_value", "", "a", false, 1},
};

static void one_fill(void **state)
{
    size_t i = (size_t)*state;
    struct rig rig;
    rig_init(&rig, form_page, fills[i].steps);
    rig.web.no_typing = fills[i].lost;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, -1), fills[i].data);
    assert_string_equal(json_str(rig_result(&rig, -1), "failure_class", ""), fills[i].class);
    assert_string_equal(rig.web.typed, fills[i].typed);
    assert_in_range(rig.web.typed_times, fills[i].times, fills[i].lost ? 6 : fills[i].times);
    rig_release(&rig);
}

/* --- fields that looking does not find -------------------------------------------------------- */

/* Something that is called "Fax", and a field that says so in another way. */
static void fax_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    static const struct attr says[] = {{"placeholder", "Fax number"}, {"aria-label", "Fax number"}, {"name", "fax_number"}};
    out->title = "Form";
    if (!strstr(url, "/nowhere"))
        fake_add(out, "", "span", "Fax", "");
    fake_add(out, "", "p", "Call us", "");
    fake_add(out, "input", "input", "Name", "");
    if (strstr(url, "/before"))
        fake_add(out, "", "p", "Fax number", "");
    fake_add(out, "input", "input", "Other", "");
    for (size_t i = 0; i < ARRAY_SIZE(says); i++)
        if (strstr(url, says[i].name))
            out->elements[out->n - 1].attr = says[i];
    fake_add(out, "button", "button", strstr(url, "/twice") ? "Go" : "Send", "");
    if (strstr(url, "/twice"))
        fake_add(out, "input", "input", "Fax line", "");
}

#define FAX(path, params)                                                                          \
    "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE path "'}},"        \
    "{'type':'fill_field','intent':'x','params':{'value':'1'," params "}}]"

static const struct fax {
    const char *row, *steps, *data, *into;
    bool tabs;
    int presses, attempts;
} faxes[] = {
    {"plans 8.4 Tab finds the field by the words in front of it", FAX("/before", "'label':'Fax'"), "fill:Fax", "Other", true, 2, 1},
    {"plans 8.4 Tab finds the field by its placeholder", FAX("/placeholder", "'label':'Fax'"), "fill:Fax", "Other", true, 2, 1},
    {"plans 8.4 Tab finds the field by its aria-label", FAX("/aria-label", "'label':'Fax'"), "fill:Fax", "Other", true, 2, 1},
    {"plans 8.4 Tab finds the field by its name", FAX("/name", "'label':'Fax','aliases':['fax number']"), "fill:Fax", "Other", true, 2, 1},
    {"plans 8.4 a label fits when all its words are there", FAX("/aria-label/nowhere", "'label':'number fax'"), "fill:number fax", "Other", true, 2, 1},
    {"plans 8.4 a field that is not found is looked for with Tab, too", FAX("/placeholder/nowhere", "'label':'Fax'"), "fill:Fax", "Other", true, 2, 1},
    {"plans 8.4 aliases fit as the label does", FAX("/placeholder/nowhere", "'label':'Telefax','aliases':['Fax']"), "fill:Telefax", "Other", true, 2, 1},
    {"plans 8.4 Tab goes once around", FAX("/nothing/nowhere", "'label':'Fax'"), "form_target_not_found", NULL, true, 4, 1},
    {"plans 8.4 what takes no text is left out by the next attempt", FAX("/twice", "'label':'Fax'},'required':true,'hints':{"), "fill:Fax", "Fax line", false, 0, 2},
};

static void one_fax(void **state)
{
    const struct fax *f = &faxes[(size_t)*state];
    struct rig rig;
    rig_init(&rig, fax_page, f->steps);
    rig.web.tab_order = f->tabs;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), f->data);
    if (f->into)
        assert_string_equal(rig.web.typed_into, f->into);
    else
        assert_int_equal(rig.web.typed_times, 0);
    assert_int_equal(rig.web.tab_presses, f->presses);
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), f->attempts);
    rig_release(&rig);
}

/* Pixels show only what is in view: they are gone through from the top down. */
static void pixels_are_gone_through_from_the_top(void **state)
{
    static const struct {
        const char *label, *into;
    } cases[] = {{"E-mail address", "E-mail address"}, {"Remarks", "Remarks"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[500];
        snprintf(steps, sizeof(steps),
                 "[" OPEN ",{'type':'scroll','intent':'s','params':{'count':3}},"
                 "{'type':'fill_field','intent':'x','params':{'label':'%s','value':'a'}}]", cases[i].label);
        rig_init(&rig, form_page, steps);
        fake_web_hide_dom(&rig.web);
        rig_run(&rig, NULL);
        assert_string_equal(rig_data(&rig, 2), pool_printf(rig.pool, "fill:%s", cases[i].label));
        assert_string_equal(rig.web.typed_into, cases[i].into);
        rig_release(&rig);
    }
}

/* A screen of nothing but pixels: a field at the left, and a page whose selection shows a look late. */
static struct {
    struct plane_driver plane;
    struct reader_driver reader;
    bool focused, selected, typed, shown;
    int lost; /* texts that no field took */
} screen;

static void paint(uint8_t *px, struct rect at)
{
    for (int y = at.y; y < at.y + at.h; y++)
        memset(px + ((size_t)y * 1280 + (size_t)at.x) * 4, 40, (size_t)at.w * 4);
}

static int screen_observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                          struct observation *out, struct err *err)
{
    uint8_t *px = pool_alloc(pool, 1280 * 720 * 4);
    memset(px, 200, 1280 * 720 * 4);
    if (screen.typed)
        paint(px, (struct rect){120, 110, 60, 20});
    if (screen.focused)
        paint(px, (struct rect){100, 100, 600, 2});
    if (screen.shown)
        for (int y = 20; y < 700; y += 30)
            paint(px, (struct rect){100, y, 600, 20});
    screen.shown = screen.selected;
    *out = (struct observation){.url = SITE "/form", .title = "", .frame = {1280, 720, 1280 * 4, 0, px}};
    return 0;
}

static int screen_act(struct plane *plane, struct pool *pool, const struct action *a, int cap_ms,
                      struct settled *out, struct err *err)
{
    *out = (struct settled){0};
    if (a->type == ACTION_CLICK) {
        screen.focused = a->x < 700 && a->y >= 100 && a->y < 140;
        screen.selected = screen.shown = false;
    } else if (a->type == ACTION_KEY_PRESS) {
        screen.selected = !screen.focused;
    } else if (a->type == ACTION_TYPE_TEXT) {
        screen.typed = screen.typed || screen.focused;
        screen.lost += !screen.focused;
    }
    return 0;
}

/* Beside the field, until a step tried that. */
static int screen_find(struct reader *r, struct pool *pool, const struct observation *obs,
                       const struct target_query *q, struct target *out, struct err *err)
{
    *out = (struct target){.at = {screen.lost > 1 ? 400 : 800, 120}, .node = -1, .label = "Email"};
    return 0;
}

static void what_lands_nowhere_is_not_taken_for_typing(void **state)
{
    struct rig rig;
    struct reader reader = *fake_reader();
    rig_init(&rig, form_page,
             "[" OPEN ",{'type':'fill_field','intent':'x','required':true,'params':{'label':'Email','value':'a'}}]");
    fake_web_hide_dom(&rig.web);
    memset(&screen, 0, sizeof(screen));
    screen.plane = *rig.web.plane.driver;
    screen.plane.observe = screen_observe;
    screen.plane.act = screen_act;
    screen.reader = *reader.driver;
    screen.reader.find = screen_find;
    rig.web.plane.driver = &screen.plane;
    reader.driver = &screen.reader;
    rig.reader = &reader;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "fill:Email");
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), 2);
    assert_true(screen.typed);
    const json_t *heal = json_array_get(json_object_get(rig.final, "healing_events"), 0);
    assert_string_equal(json_str(heal, "kind", ""), "step_retry");
    assert_string_equal(json_str(heal, "failure_class", ""), "type_not_landed");
    assert_string_equal(json_str(heal, "reason", ""), "type_not_landed:Email at (800,120); done at (400,120)");
    rig_release(&rig);
}

/* Nothing is there at the first look after the settle, and the frame is white. */
static void slow_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (!web->settles)
        web->late_after = web->looks + 1;
    if (web->looks > web->late_after)
        fake_add(out, "input", "input", "Fax", "");
}

static void a_blank_frame_is_waited_for(void **state)
{
    struct rig rig;
    rig_init(&rig, slow_page, FILL("'label':'Fax','value':'1'"));
    rig.web.white = true;
    int64_t start = clock_mono_ms();
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "fill:Fax");
    assert_true(clock_mono_ms() - start >= 2000);
    rig_release(&rig);
}

static void what_goes_wrong_is_a_fill_error(void **state)
{
    int seen = 0;
    for (int at = 1; at < 30; at++) {
        struct rig rig;
        rig_init(&rig, form_page, FILL("'label':'E-mail address','value':'a'"));
        rig.web.fail_at_call = at;
        rig.web.fail_code = E_UPSTREAM;
        rig_run(&rig, NULL);
        seen += !strcmp(rig_data(&rig, -1), "fill_error:the browser did not answer");
        rig_release(&rig);
    }
    assert_true(seen > 0);
}

/* --- reading back ----------------------------------------------------------------------------- */

static const struct {
    const char *row, *node, *value;
    bool holds;
} backs[] = {
    {"agent-loop 2.1 equal text has landed", "'tag':'input','value':'a b'", "a b", true},
    {"agent-loop 2.1 white space is collapsed", "'tag':'textarea','value':'a  b'", "a b ", true},
    {"agent-loop 2.1 a field that shows more than was typed contains it", "'tag':'input','value':'+1 a b'", "a b", true},
    {"agent-loop 2.1 other text has not landed", "'tag':'input','value':'a'", "a b", false},
    {"agent-loop 2.1 an empty field has not taken a text", "'tag':'input','value':''", "a", false},
    {"agent-loop 2.1 a password shows nothing and is taken to have landed",
     "'tag':'input','attrs':{'type':'password'}", "a", true},
    {"agent-loop 2.1 nothing focused means that nothing landed", NULL, "a", false},
};

static void one_back(void **state)
{
    size_t i = (size_t)*state;
    struct run run = {.step_pool = pool_create(NULL)};
    struct page *page;
    struct err err = {0};
    const char *node = pool_printf(
        run.step_pool, ",{'parent':0,%s,'flags':'visible in_view editable%s','box':[0,0,90,20]}",
        backs[i].node ? backs[i].node : "'tag':'input','value':'a'",
        backs[i].node ? " focused" : "");
    json_t *json = json_of(run.step_pool,
                           pool_printf(run.step_pool,
                                       "{'url':'http://a.test/','title':'A','nodes':[{'parent':-1,'tag':'html',"
                                       "'flags':'visible in_view','box':[0,0,90,90]}%s]}",
                                       node));
    if (page_from_json(run.step_pool, json, &page, &err))
        fail_msg("%s", err.msg);
    struct observation obs = {.url = "", .title = "", .page = page};
    assert_int_equal(field_holds(&run, &obs, backs[i].value), backs[i].holds);
    pool_destroy(run.step_pool);
}

/* --- what is asked ---------------------------------------------------------------------------- */

static void a_confirm_box_is_accepted_when_the_step_means_it(void **state)
{
    static const struct {
        const char *params, *intent, *type;
        bool accepted; /* of "Give up locker 4?" */
    } cases[] = {
        {"'label':'Give up'", "x", "click", true},
        {"'label':'Save'", "x", "click", false},
        {"'label':'Save','dialog':'accept'", "x", "click", true},
        {"'label':'Give up','dialog':'dismiss'", "x", "click", false},
        {"'label':'Save'", "Save and confirm it", "click", true},
        {"'label':'Give up'", "x", "fill_field", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[400];
        snprintf(steps, sizeof(steps), "[{'type':'%s','intent':'%s','section':'setup','params':{%s}}]",
                 cases[i].type, cases[i].intent, cases[i].params);
        rig_init(&rig, form_page, steps);
        rig.run.step = &rig.plan->steps[0];
        if (asks_confirm(&rig.run, "Give up locker 4?") != cases[i].accepted)
            fail_msg("%s: %s", cases[i].params, cases[i].intent);
        rig_release(&rig);
    }
}

/* cmocka takes a name and a pointer per test: each row of a table is one. */
#define MAX_TESTS 64
static struct CMUnitTest all[MAX_TESTS];
static size_t n_all;

static void add(const char *name, CMUnitTestFunction fn, size_t row)
{
    assert_true(n_all < MAX_TESTS);
    all[n_all++] = (struct CMUnitTest){name, fn, NULL, NULL, (void *)row};
}

int main(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(fills); i++)
        add(fills[i].row, one_fill, i);
    for (size_t i = 0; i < ARRAY_SIZE(backs); i++)
        add(backs[i].row, one_back, i);
    for (size_t i = 0; i < ARRAY_SIZE(faxes); i++)
        add(faxes[i].row, one_fax, i);
    const struct CMUnitTest tests[] = {
        row_test("plans 8.4 pixels are gone through from the top down", pixels_are_gone_through_from_the_top),
        row_test("plans 8.4 on pixels what lands nowhere is type_not_landed, and told as healed",
                 what_lands_nowhere_is_not_taken_for_typing),
        row_test("plans 8.4 a blank frame is waited for, 2 s a look", a_blank_frame_is_waited_for),
        row_test("plans 8.4 fill_error:<e> when the browser fails", what_goes_wrong_is_a_fill_error),
        cmocka_unit_test(days_are_read_as_people_write_them),
        cmocka_unit_test(months_stand_above_calendars),
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(a_confirm_box_about_the_very_thing_is_told_from_others),
        cmocka_unit_test(a_name_and_password_in_a_url_are_taken_out_of_it),
        cmocka_unit_test(a_confirm_box_is_accepted_when_the_step_means_it),
    };
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
        add(tests[i].name, tests[i].test_func, 0);
    return _cmocka_run_group_tests("fill", all, n_all, NULL, NULL);
}
