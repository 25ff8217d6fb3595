/*
 * Step types that plans.md 8 names beside navigating, clicking and extracting. One row per rule:
 * what the plan says, what the record says, what the hand did.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/step.h"
#include "run/tools.h"
#include "run/url.h"
#include "unit/run_rig.h"

#define DESK "http://desk.test"

/* Things to point at, a field, and how often the page took notice of an input. /dead never does. */
static void desk_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Desk";
    fake_add(out, "", "div", "minutes.txt", "");
    fake_add(out, "", "div", "2333", "");
    fake_add(out, "input", "input", "Note", "");
    fake_add(out, "", "div", "Plants", "");
    fake_add(out, "", "div", "Finished", "");
    if (web->counter && !strstr(url, "/dead"))
        fake_add(out, "", "p", pool_printf(pool, "Noticed %d", web->counter), "");
    if (strstr(url, "/long")) {
        for (int i = 0; i < 40; i++)
            fake_add(out, "", "p", "Text", "");
        fake_add(out, "", "div", "Far away", "");
    }
}

/* A drop-down of the page's own: closed, open, and showing what was chosen in it. */
static void menu_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    const char *shown = web->counter < 2           ? "Choose a desk"
                        : strstr(url, "/stubborn") ? "Desk: Door desk"
                                                   : "Desk: Window desk";
    out->title = "Menu";
    fake_add(out, "", "h1", "Booking", "");
    fake_add(out, "button", "button", shown, "");
    if (web->counter == 1) {
        fake_add(out, "", "div", "Door desk", "");
        fake_add(out, "", "div", "Window desk", "");
    }
}

/* Cards, some without a link; more than one screen of them at /list/long. */
static void list_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    int n = strstr(url, "/long") ? 60 : strstr(url, "/none") ? 0 : 4;
    out->title = "List";
    for (int i = 0; i < n; i++)
        fake_add(out, i == 2 ? "ad" : "card", "a", pool_printf(pool, "Card %d", i),
                 i == 1 || strstr(url, "/dead") ? "" : pool_printf(pool, DESK "/item/%d", i));
    fake_add(out, "", "a", "About us", DESK "/about");
    fake_add(out, "", "button", "Nothing", "");
}

static void any_page(struct fake_web *web, struct pool *pool, const char *url,
                     struct fake_page *out)
{
    fake_page_fn *page = strstr(url, "/menu")   ? menu_page
                         : strstr(url, "/list") ? list_page
                                                : desk_page;
    page(web, pool, url, out);
}

static void notice(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

static int lookup(struct run *run, const json_t *args, struct tool_reply *out, struct err *err)
{
    const char *id = json_str(args, "id", "");
    if (!strcmp(id, "broken"))
        return err_set(err, E_UPSTREAM, "the list is down");
    if (!strcmp(id, "ask"))
        *out = (struct tool_reply){.prompt = "Which Ann?"};
    else
        out->value = pool_printf(run->step_pool, "Ann %s", id);
    return 0;
}

static const struct tool lookup_tool = {"lookup", "Finds a customer.",
                                        "{\"type\":\"object\",\"properties\":{\"id\":{\"type\":"
                                        "\"string\"},\"max\":{\"type\":\"integer\"}},"
                                        "\"required\":[\"id\"]}",
                                        lookup};
static const struct tool *const tools[] = {&lookup_tool, NULL};

#define OPEN      "{'type':'navigate','intent':'x','params':{'url':'" DESK "/'}},"
#define OPEN_DEAD "{'type':'navigate','intent':'x','params':{'url':'" DESK "/dead'}},"
#define OPEN_LONG "{'type':'navigate','intent':'x','params':{'url':'" DESK "/long'}},"
#define OPEN_MENU "{'type':'navigate','intent':'x','params':{'url':'" DESK "/menu'}},"
#define OPEN_LIST(path)                                                                            \
    "{'type':'navigate','intent':'x','params':{'url':'" DESK "/list/" path "'}},"
#define CHOOSE(what)                                                                               \
    "{'type':'select_option','intent':'x','params':{'dropdown_label':'Desk','option_label':'" what \
    "'}}"
#define FOCUS "{'type':'fill_field','intent':'x','params':{'label':'Note','value':'a'}},"

static const struct row {
    const char *row;
    const char *steps;       /* behind the navigate */
    const char *data;        /* of the last record */
    const char *class;       /* of a failure; NULL: it succeeded */
    const char *skip_reason; /* of a skip, else NULL */
    const char *hand;        /* what was done beside left clicks, wheel and text */
} rows[] = {
    {"plans 8.6 right_click presses the right button on its target",
     OPEN "{'type':'right_click','intent':'x','params':{'label':'minutes.txt'}}",
     "right_click:minutes.txt@(640,20)", NULL, NULL, "click 640,20 0,0"},
    {"plans 8.6 right_click finds its target by an alias",
     OPEN "{'type':'right_click','intent':'x','params':{'label':'nothing','aliases':'minutes'}}",
     "right_click:nothing@(640,20)", NULL, NULL, "click 640,20 0,0"},
    {"plans 8.6 right_click without a target fails as selector_miss",
     OPEN "{'type':'right_click','intent':'x','params':{'label':'nothing'}}",
     "form_target_not_found", "selector_miss", NULL, ""},
    {"plans 8.6 right_click counts on a page that shows nothing new",
     OPEN_DEAD "{'type':'right_click','intent':'x','params':{'label':'minutes.txt'}}",
     "right_click:minutes.txt@(640,20)", NULL, NULL, "click 640,20 0,0"},
    {"plans 8.6 select_option opens a list of the page's own and clicks the option",
     OPEN_MENU CHOOSE("Window desk"), "select:Desk=Window desk", NULL, NULL, ""},
    {"plans 8.6 select_option takes label and value",
     OPEN_MENU "{'type':'select_option','intent':'x','params':{'label':'Desk','value':'window'}}",
     "select:Desk=window", NULL, NULL, ""},
    {"plans 8.6 select_option takes the quoted pieces of the intent",
     OPEN_MENU "{'type':'select_option','intent':'Choose \\\"Window desk\\\" in \\\"Desk\\\"'}",
     "select:Desk=Window desk", NULL, NULL, ""},
    {"plans 8.6 select_option without a target fails", OPEN CHOOSE("Window desk"),
     "form_target_not_found", "selector_miss", NULL, ""},
    {"plans 8.6 an option that is not there closes the list and fails", OPEN_MENU CHOOSE("Roof"),
     "option_not_found", "selector_miss", NULL, "key Escape"},
    {"plans 8.6 a choice that did not stick is a mismatch",
     "{'type':'navigate','intent':'x','params':{'url':'" DESK
     "/menu/stubborn'}}," CHOOSE("Window desk"),
     "select_mismatch:got=Desk: Door desk_wanted=Window desk", "selector_miss", NULL, ""},
    {"plans 8.10 collect_urls counts the cards whose target is known",
     OPEN_LIST("") "{'type':'collect_urls','intent':'x'}", "urls:2/3", NULL, NULL, ""},
    {"plans 8.10 collect_urls goes through four stages of a long list",
     OPEN_LIST("long") "{'type':'collect_urls','intent':'x'}", "urls:58/59", NULL, NULL, ""},
    {"plans 8.10 collect_urls on a blocked list is a skip",
     OPEN_LIST("blocked") "{'type':'collect_urls','intent':'x'}", "collect_urls_signal_blocked", "",
     "collect_urls_signal_blocked", ""},
    {"plans 8.10 collect_urls on a list that cannot be read is a skip",
     OPEN_LIST("error") "{'type':'collect_urls','intent':'x'}", "collect_urls_signal_error", "",
     "collect_urls_signal_error", ""},
    {"plans 8.10 collect_urls without cards is a skip",
     OPEN_LIST("none") "{'type':'collect_urls','intent':'x'}", "collect_urls_signal_empty", "",
     "collect_urls_signal_empty", ""},
    {"plans 8.10 collect_urls where no card leads anywhere is a skip",
     OPEN_LIST("dead") "{'type':'collect_urls','intent':'x'}", "collect_urls_all_unresolved", "",
     "collect_urls_all_unresolved", ""},
    {"plans 8.11 capture_link_in_new_tab notes where a link leads and comes back",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x','params':{'label':'About us'}}",
     "capture_link:" DESK "/about", NULL, NULL, ""},
    {"plans 8.11 capture_link_in_new_tab notes the title on request",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x','params':{'label':'About us',"
                   "'emit':'current_url_title'}}",
     "capture_link:" DESK "/about|Desk", NULL, NULL, ""},
    {"plans 8.11 capture_link_in_new_tab takes a selector",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x',"
                   "'params':{'source_selector':'a[data-kind=card]'}}",
     "capture_link:" DESK "/item/0", NULL, NULL, ""},
    {"plans 8.11 a selector that fits nothing is a miss",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x',"
                   "'params':{'source_selector':'.title > a'}}",
     "form_target_not_found:nothing visible fits '.title > a'", "selector_miss", NULL, ""},
    {"plans 8.11 on_no_navigation skip",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x','params':{'label':'Nothing',"
                   "'on_no_navigation':'skip'}}",
     "capture_link:no_navigation", "", "no_navigation", ""},
    {"plans 8.11 a link that opens no tab is a failure",
     OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x','params':{'label':'Nothing'}}",
     "capture_link:no_navigation", "no_state_change", NULL, ""},
    {"plans 8.11 double_click takes coordinates",
     OPEN "{'type':'double_click','intent':'the cell','params':{'x':30,'y':50}}",
     "double_click:the cell@(30,50)", NULL, NULL, "double_click 30,50 0,0"},
    {"plans 8.11 double_click finds its target by label",
     OPEN "{'type':'double_click','intent':'x','params':{'label':'2333'}}",
     "double_click:2333@(640,60)", NULL, NULL, "double_click 640,60 0,0"},
    {"plans 8.11 double_click without effect is demoted as a click is",
     OPEN_DEAD "{'type':'double_click','intent':'x','params':{'label':'2333'}}",
     "double_click:2333@(640,60):no_state_change", "no_state_change", NULL,
     "double_click 640,60 0,0"},
    {"plans 10.2 double_click on the wrong page is demoted",
     OPEN "{'type':'double_click','intent':'x','params':{'label':'2333'},"
          "'hints':{'expect_url_contains':'/edit'}}",
     "double_click:2333@(640,60):wrong_target", "wrong_target", NULL, "double_click 640,60 0,0"},
    {"plans 8.11 drag takes coordinates",
     OPEN "{'type':'drag','intent':'x','params':{'start_x':1,'start_y':2,'end_x':30,'end_y':40}}",
     "drag:(1,2)->(30,40)", NULL, NULL, "drag 1,2 30,40"},
    {"plans 8.11 drag takes two labels",
     OPEN "{'type':'drag','intent':'x','params':{'start_label':'Plants','end_label':'Finished'}}",
     "drag:Plants->Finished@(640,140)->(640,180)", NULL, NULL, "drag 640,140 640,180"},
    {"plans 8.11 drag lets go behind the other thing on request, and counts only once it stands there",
     OPEN "{'type':'drag','intent':'x','params':{'start_label':'Plants','end_label':'Finished',"
          "'end_position':'below'}}",
     "drag:Plants->Finished:not_in_place", "no_state_change", NULL,
     "drag 640,140 640,191;drag 640,140 640,191;drag 640,140 640,191"},
    {"plans 8.11 drag of what stands there already changes nothing and counts",
     OPEN "{'type':'drag','intent':'x','params':{'start_label':'Plants','end_label':'Finished',"
          "'end_position':'above'}}",
     "drag:Plants->Finished:already_in_place", NULL, NULL, ""},
    {"plans 8.11 drag takes the two quoted names of the intent",
     OPEN "{'type':'drag','intent':'Drag \\\"Plants\\\" onto \\\"Finished\\\"'}",
     "drag:Plants->Finished@(640,140)->(640,180)", NULL, NULL, "drag 640,140 640,180"},
    {"plans 8.11 drag between ends that do not fit on the screen fails",
     OPEN_LONG
     "{'type':'drag','intent':'x','params':{'start_label':'Plants','end_label':'Far away'}}",
     "form_target_not_found:'Plants' and 'Far away' do not fit on the screen together",
     "selector_miss", NULL, ""},
    {"plans 8.11 drag without effect is demoted",
     OPEN_DEAD
     "{'type':'drag','intent':'x','params':{'start_label':'Plants','end_label':'Finished'}}",
     "drag:Plants->Finished@(640,140)->(640,180):no_state_change", "no_state_change", NULL,
     "drag 640,140 640,180"},
    {"plans 8.11 key_press presses one chord",
     OPEN "{'type':'key_press','intent':'x','params':{'keys':'ctrl+shift+s'}}",
     "key_press:ctrl+shift+s", NULL, NULL, "key ctrl+shift+s"},
    {"plans 8.11 key_press takes a list of keys",
     OPEN "{'type':'key_press','intent':'x','params':{'keys':['ctrl','Return']}}",
     "key_press:ctrl+Return", NULL, NULL, "key ctrl+Return"},
    {"plans 8.11 key_press with an unknown key presses nothing",
     OPEN "{'type':'key_press','intent':'x','params':{'keys':'hyper+q'}}",
     "key_press_error: unknown key 'hyper': use one character or enter, tab, escape, backspace, "
     "delete, "
     "space, up, down, left, right, home, end, pageup, pagedown, f1-f12, with ctrl+, shift+ or "
     "alt+ in "
     "front",
     "unknown", NULL, ""},
    {"plans 8.11 type_text types into the focused control",
     OPEN FOCUS "{'type':'type_text','intent':'x','params':{'text':'Wörter'}}",
     "type_text:<6 chars>", NULL, NULL, ""},
    {"plans 8.11 type_text without a focused control types nothing",
     OPEN "{'type':'type_text','intent':'x','params':{'text':'n'}}",
     "type_not_landed:no field has the focus", "type_not_landed", NULL, ""},
    {"plans 8.11 type_text presses Return once the text is there",
     OPEN FOCUS "{'type':'type_text','intent':'x','params':{'text':'b','press_enter':true}}",
     "type_text:<1 chars>", NULL, NULL, "key Return"},
    {"plans 8.11 detect_visible binds True",
     OPEN "{'type':'detect_visible','intent':'Is \\\"Plants\\\" shown?','out_var':'v'}",
     "detect_visible:v=True", NULL, NULL, ""},
    {"plans 8.11 detect_visible succeeds when the answer is no",
     OPEN "{'type':'detect_visible','intent':'Is \\\"Trains\\\" shown?','out_var':'v'}",
     "detect_visible:v=False", NULL, NULL, ""},
    {"plans 8.11 detect_visible fails when nothing decides the question",
     OPEN "{'type':'detect_visible','intent':'Is it nice?','out_var':'v'}",
     "detect_visible:v=False:not decided: no quoted text to look for", "extractor_error", NULL, ""},
    {"plans 8.11 detect_visible without out_var is skipped",
     OPEN "{'type':'detect_visible','intent':'Is \\\"Plants\\\" shown?'}",
     "detect_visible_no_out_var", "", "detect_visible_no_out_var", ""},
    {"plans 8.11 tool_call gives the tool's answer",
     OPEN "{'type':'tool_call','intent':'x','params':{'name':'lookup','args':{'id':'7'}}}",
     "tool:lookup:ok:Ann 7", NULL, NULL, ""},
    {"agent-loop 19 a tool's error is told with its kind",
     OPEN "{'type':'tool_call','intent':'x','params':{'name':'lookup','args':{'id':'broken'}}}",
     "tool:lookup:error:upstream:the list is down", "tool_failed", NULL, ""},
    {"agent-loop 19 arguments are held against the tool's schema",
     OPEN "{'type':'tool_call','intent':'x','params':{'name':'lookup','args':{'max':'7'}}}",
     "tool:lookup:error:bad_arguments:'id' is missing", "tool_failed", NULL, ""},
    {"agent-loop 19 an argument of another type is refused",
     OPEN
     "{'type':'tool_call','intent':'x','params':{'name':'lookup','args':{'id':'1','max':'7'}}}",
     "tool:lookup:error:bad_arguments:'max' must be of type integer", "tool_failed", NULL, ""},
    {"agent-loop 19 a tool that is not there is named with those that are",
     OPEN "{'type':'tool_call','intent':'x','params':{'name':'mail'}}",
     "tool:mail:not_registered:registered tools: lookup", "tool_failed", NULL, ""},
    {"agent-loop 19 a tool may ask for a pause",
     OPEN "{'type':'tool_call','intent':'x','params':{'name':'lookup','args':{'id':'ask'}}}",
     "tool:lookup:pause", NULL, NULL, ""},
    {"plans 8.11 claude answers a question about the screen",
     OPEN "{'type':'claude','intent':'Does it say \\\"Plants\\\"?'}", "yes: 'Plants' is there",
     NULL, NULL, ""},
    {"plans 8.11 claude without a schema is a sub-goal of the brain",
     OPEN "{'type':'claude','intent':'Water the plants'}",
     "brain_unreachable:this run has no brain", "brain_unreachable", NULL, ""},
    {"plans 8.11 holo3 is a sub-goal of the brain", OPEN "{'type':'holo3','intent':'Water them'}",
     "brain_unreachable:this run has no brain", "brain_unreachable", NULL, ""},
    {"plans 8 a click is clicked also when it says that it is a gate",
     OPEN "{'type':'click','intent':'x','gate':true,'params':{'label':'nothing'}}",
     "form_target_not_found", "selector_miss", NULL, ""},
    {"plans 8 a guard that is false skips the step before anything is looked at",
     OPEN "{'type':'drag','intent':'x','guard':'v','params':{'start_label':'a','end_label':'b'}}",
     "guard:v=False:skipped", "", "guard_v_false", ""},
};

static void one_row(void **state)
{
    const struct row *row = *state;
    struct rig rig;
    char steps[1024];
    snprintf(steps, sizeof(steps), "[%s]", row->steps);
    rig_init(&rig, any_page, steps);
    rig.config.tools = tools;
    rig.web.click = notice;
    if (strstr(steps, "/list/blocked") || strstr(steps, "/list/error"))
        fake_list_status = strstr(steps, "/list/blocked") ? LIST_BLOCKED : LIST_ERROR;
    rig_run(&rig, NULL);
    const json_t *r = rig_result(&rig, -1);
    assert_string_equal(json_str(r, "data", ""), row->data);
    assert_int_equal(json_flag(r, "success", false), row->class == NULL);
    assert_string_equal(json_str(r, "failure_class", ""), row->class ? row->class : "");
    assert_string_equal(json_str(r, "skip_reason", ""), row->skip_reason ? row->skip_reason : "");
    assert_string_equal(rig.web.hand, row->hand);
    rig_release(&rig);
}

/* --- done ------------------------------------------------------------------------------------- */

static void check_done(const char *params, const char *verify, const char *status,
                       const char *halt_reason, const char *data)
{
    struct rig rig;
    char steps[512];
    snprintf(steps, sizeof(steps),
             "[" OPEN "{'type':'done','intent':'All is well','verify':'%s','required':true,"
             "'params':%s},{'type':'wait','intent':'x','params':{'seconds':0}}]",
             verify, params);
    rig_init(&rig, desk_page, steps);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, status);
    assert_string_equal(rig.end.halt_reason, halt_reason);
    assert_int_equal(rig_n_results(&rig), 2);
    assert_string_equal(rig_data(&rig, 1), data);
    rig_release(&rig);
}

static void done_ends_the_run_well(void **state)
{
    check_done("{'summary':'Two were sent'}", "", "completed", "", "done:Two were sent");
    check_done("{}", "", "completed", "", "done:All is well");
}

static void done_says_that_it_failed(void **state)
{
    check_done("{'success':false}", "", "halted", "done_failed", "done_failed:All is well");
    check_done("{'success':'false'}", "", "halted", "done_failed", "done_failed:All is well");
}

static void done_is_held_against_the_page(void **state)
{
    check_done("{}", "\\\"Plants\\\" is shown", "completed", "", "done:All is well");
    check_done("{}", "\\\"Trains\\\" is shown", "halted", "done_failed",
               "done_failed:All is well: 'Trains' is not there");
}

/* --- links ------------------------------------------------------------------------------------ */

static void collected_urls_are_kept_once(void **state)
{
    struct rig rig;
    rig_init(&rig, any_page,
             "[" OPEN_LIST(
                 "") "{'type':'collect_urls','intent':'x'},{'type':'collect_urls','intent':'x'}]");
    rig_run(&rig, NULL);
    const json_t *urls = json_object_get(rig.final, "collected_urls");
    assert_int_equal(json_array_size(urls), 2);
    assert_string_equal(json_string_value(json_array_get(urls, 0)), DESK "/item/0");
    rig_release(&rig);
}

static void stages_are_as_many_as_the_hint_says(void **state)
{
    struct rig rig;
    rig_init(&rig, any_page,
             "[" OPEN_LIST(
                 "long") "{'type':'collect_urls','intent':'x','hints':{'max_viewport_stages':1}}]");
    rig_run(&rig, NULL);
    assert_int_equal(rig.web.scroll, 0);
    rig_release(&rig);
}

static void on_no_navigation_retries_or_halts(void **state)
{
    static const struct {
        const char *what, *status, *halt;
        int retries;
    } cases[] = {{"retry", "completed", "", 2}, {"halt", "halted", "capture_link_failed", 0}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[400];
        snprintf(steps, sizeof(steps),
                 "[" OPEN_LIST("") "{'type':'capture_link_in_new_tab','intent':'x','params':"
                                   "{'label':'Nothing','on_no_navigation':'%s'}}]",
                 cases[i].what);
        rig_init(&rig, any_page, steps);
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.status, cases[i].status);
        assert_string_equal(rig.end.halt_reason, cases[i].halt);
        assert_int_equal(rig_n_events(&rig, "retry"), cases[i].retries);
        rig_release(&rig);
    }
}

static void links_are_joined(void **state)
{
    static const char *const cases[][3] = {
        {"http://a.test/b/c?d#e", "http://x.test/y", "http://x.test/y"},
        {"http://a.test/b/c?d#e", "/y", "http://a.test/y"},
        {"http://a.test/b/c?d#e", "y", "http://a.test/b/y"},
        {"http://a.test/b/c?d#e", "?y", "http://a.test/b/c?y"},
        {"https://a.test", "y", "https://a.test/y"},
        {"https://a.test/b", "//x.test/y", "https://x.test/y"},
        {"http://a.test/b", "#y", ""},
        {"http://a.test/b", "javascript:y()", ""},
        {"http://a.test/b", "", ""},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(url_join(pool, cases[i][0], cases[i][1]), cases[i][2]);
    pool_destroy(pool);
}

/* --- hints ------------------------------------------------------------------------------------ */

#define FORM         "{'type':'fill_field','intent':'x','params':{'label':'Note','value':'a'}},"
#define OTHER        "{'type':'wait','intent':'x','params':{'seconds':0}},"
#define SUBMIT(more) "{'type':'submit','intent':'x','params':{'label':'Send'" more "}}"

/* What the reader is asked for step i of a plan that is not run. */
static struct target_query query_of(struct rig *rig, const char *steps, int i)
{
    rig_init(rig, desk_page, steps);
    run_init(&rig->run, &rig->config, rig->loop, &rig->web.plane, fake_reader(), NULL, &rig->host);
    rig->run.index = i;
    rig->run.step = &rig->plan->steps[i];
    return step_query(&rig->run, TARGET_BUTTON);
}

static void regions_have_names_or_sizes(void **state)
{
    static const struct {
        const char *region;
        struct rect rect; /* w = 0: anywhere */
    } cases[] = {
        {"'full'", {0, 0, 1280, 720}},
        {"'top'", {0, 0, 1280, 240}},
        {"'top-third'", {0, 0, 1280, 240}},
        {"'bottom'", {0, 480, 1280, 240}},
        {"'top-half'", {0, 0, 1280, 360}},
        {"'bottom-half'", {0, 360, 1280, 360}},
        {"'sidebar-list-top'", {0, 108, 179, 180}},
        {"'sidebar-list-bottom'", {0, 396, 179, 180}},
        {"'bottom-third'", {0, 480, 1280, 240}},
        {"'left'", {0, 0, 427, 720}},
        {"'right'", {853, 0, 427, 720}},
        {"'center'", {320, 180, 640, 360}},
        {"'form-footer'", {0, 432, 1280, 288}},
        {"'form-header'", {0, 0, 1280, 180}},
        {"'sidebar-list-mid'", {0, 252, 179, 180}},
        {"'nowhere'", {0, 0, 0, 0}},
        {"{'x':1,'y':2,'w':30,'h':40}", {1, 2, 30, 40}},
        {"{'x':1,'y':2,'w':0,'h':40}", {0, 0, 0, 0}},
        {"7", {0, 0, 0, 0}},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[256];
        snprintf(steps, sizeof(steps), "[{'type':'click','intent':'x','hints':{'region':%s}}]",
                 cases[i].region);
        struct target_query q = query_of(&rig, steps, 0);
        struct rect want = cases[i].rect;
        assert_int_equal(q.region != NULL, want.w > 0);
        if (q.region)
            assert_memory_equal(q.region, &want, sizeof(want));
        rig_release(&rig);
    }
}

static void a_form_is_sent_from_its_foot(void **state)
{
    static const struct {
        const char *steps;
        int at;
        bool prefers;
    } cases[] = {
        {"[" FORM SUBMIT("") "]", 1, true},
        {"[" FORM OTHER OTHER OTHER SUBMIT("") "]", 4, true},
        {"[" FORM OTHER OTHER OTHER OTHER SUBMIT("") "]", 5, false},
        {"[" FORM SUBMIT(",'kind':'tab'") "]", 1, false},
        {"[" OTHER SUBMIT("") "]", 1, false},
        {"[" FORM "{'type':'click','intent':'x','params':{'label':'Send'}}]", 1, false},
        {"[" FORM "{'type':'submit','intent':'x','hints':{'region':'top'}}]", 1, false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        struct target_query q = query_of(&rig, cases[i].steps, cases[i].at);
        assert_int_equal(q.prefer != NULL, cases[i].prefers);
        if (q.prefer)
            assert_int_equal(q.prefer->y, 432);
        rig_release(&rig);
    }
}

static void words_about_the_target_reach_the_reader(void **state)
{
    struct rig rig;
    struct target_query q =
        query_of(&rig,
                 "[{'type':'click','intent':'Open it','params':{'label':'Open','aliases':"
                 "['Show','View'],'kind':'row_link'},'hints':{'near':'Anna Berg',"
                 "'preferred_target_description':'the newest'}}]",
                 0);
    assert_string_equal(q.label, "Open");
    assert_string_equal(q.aliases[1], "View");
    assert_null(q.aliases[2]);
    assert_int_equal(q.kind, TARGET_ROW_LINK);
    assert_string_equal(q.near, "Anna Berg");
    assert_string_equal(q.intent, "Open it (the newest)");
    rig_release(&rig);
}

/* The page settles once more, as long as the hint allows. */
static void any_step_may_rest(void **state)
{
    int calls[2];
    for (int i = 0; i < 2; i++) {
        struct rig rig;
        rig_init(&rig, desk_page,
                 i ? "[" OPEN "{'type':'key_press','intent':'x','params':{'keys':'a'},"
                     "'hints':{'wait_after_load_seconds':2}}]"
                   : "[" OPEN "{'type':'key_press','intent':'x','params':{'keys':'a'}}]");
        rig_run(&rig, NULL);
        calls[i] = rig.web.settles;
        rig_release(&rig);
    }
    assert_int_equal(calls[1], calls[0] + 1);
}

/* --- text ------------------------------------------------------------------------------------- */

static void typed_text_stands_in_no_record(void **state)
{
    struct rig rig;
    rig_init(&rig, desk_page,
             "[" OPEN FOCUS "{'type':'type_text','intent':'x','params':{'text':'hush-hush'}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.web.typed, "hush-hush");
    for (int i = 0; i < rig.n_checkpoints; i++)
        assert_null(strstr(json_text(rig.pool, rig.checkpoints[i]), "hush-hush"));
    assert_null(strstr(json_text(rig.pool, rig.events), "hush-hush"));
    rig_release(&rig);
}

static void typing_that_does_not_land_is_tried_twice(void **state)
{
    struct rig rig;
    rig_init(&rig, desk_page,
             "[" OPEN "{'type':'click','intent':'x','params':{'label':'Note'}},"
             "{'type':'type_text','intent':'x','params':{'text':'b'}}]");
    rig.web.no_typing = true;
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 2), "type_not_landed:the focused field");
    assert_int_equal(rig.web.typed_times, 2);
    rig_release(&rig);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        row_test("plans 4 region is a name or a rectangle, anything else is everywhere",
                 regions_have_names_or_sizes),
        row_test("plans 4 a submit within four steps of a fill_field prefers form-footer",
                 a_form_is_sent_from_its_foot),
        row_test(
            "plans 4 label, aliases, kind, near and preferred_target_description reach the reader",
            words_about_the_target_reach_the_reader),
        row_test("plans 4 wait_after_load_seconds is an extra settle on any step",
                 any_step_may_rest),
        row_test("plans 8.10 collected addresses are kept once, in order",
                 collected_urls_are_kept_once),
        row_test("plans 4 max_viewport_stages says how many stages are looked at",
                 stages_are_as_many_as_the_hint_says),
        row_test("plans 8.11 on_no_navigation retry and halt", on_no_navigation_retries_or_halts),
        row_test("plans 8.10 links of a card are resolved against the page", links_are_joined),
        row_test("plans 8.11 done ends the run as completed, steps behind it are not run",
                 done_ends_the_run_well),
        row_test("plans 8.11 done with success false halts as done_failed",
                 done_says_that_it_failed),
        row_test("plans 8.11 done with a criterion that does not hold has failed",
                 done_is_held_against_the_page),
        row_test("plans 8.11 type_text tells its text to nobody", typed_text_stands_in_no_record),
        row_test("plans 8.11 type_text is read back and tried twice",
                 typing_that_does_not_land_is_tried_twice),
    };
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    memcpy(tests + ARRAY_SIZE(rows), others, sizeof(others));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
