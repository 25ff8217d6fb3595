/*
 * What the rules of the halt table do (plans.md 9.4): where the run goes on, why, and what was done
 * to the page for it. Which rule a failure meets is in test_rules.c.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "unit/run_rig.h"

#define SITE "http://acts.test"

static void acts_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Acts";
    if (strstr(url, "/list/") && strlen(url) == strlen(SITE "/list/")) {
        fake_add(out, "card", "a", "Members", SITE "/login?next=x");
        fake_add(out, "card", "a", "Blank", "about:blank");
        out->elements[1].in_tab = true;
        fake_add(out, "card", "a", "Plain", SITE "/list/plain");
    } else if (strstr(url, "/form")) {
        fake_add(out, "input", "input", "Search", "");
        fake_add(out, "button", "button", "Go", SITE "/other");
    } else {
        for (int i = 0; i < (strstr(url, "/long") ? 50 : 2); i++)
            fake_add(out, "", "p", "Text", "");
    }
}

#define STEP(type, more) "{'type':'" type "','intent':'x','section':'extraction'" more "}"
#define WAIT             STEP("wait", ",'params':{'seconds':0}")
#define LOOP(count)                                                                                \
    "{'type':'loop','intent':'l','section':'extraction','loop_target':1,'loop_count':" count "}"
#define CARD STEP("click", ",'hints':{'layout':'listings'}")
#define PRESS(label, more)                                                                         \
    STEP("click", ",'params':{'label':'" label "'},'hints':{'layout':'single'" more "}")
#define TO_END STEP("scroll", ",'params':{'backend':'cdp','count':9}")

enum with { BRAIN = 1, NO_WHEEL = 2, NO_TYPING = 4, NO_BACK = 8, DOWN = 16 };

static const struct row {
    const char *row, *path, *steps; /* behind a navigate to the path */
    unsigned with;
    const char *order;  /* data of the records behind the navigate, as far as ":" or "@" */
    const char *reason; /* of the last step that had one to go on elsewhere */
    const char *status; /* and its halt reason, if any */
    const char *url;    /* where the page stands; NULL no matter */
    const char *hand;   /* what was done beside left clicks, wheel and text; NULL no matter */
    int loads, y;       /* -1 no matter */
} rows[] = {
    /* clang-format off */
    {"plans 9.4 login_redirect opens the results again and goes on with the loop", "/list/", CARD "," STEP("extract_url", "") "," LOOP("1"), 0,
     "login_redirect", "login_redirect", "completed", SITE "/list/", NULL, 2, -1},
    {"plans 9.4 newtab_blank goes on with the loop", "/list/", CARD "," STEP("extract_url", "") "," LOOP("3"), 0,
     "login_redirect newtab_blank click URL", "newtab_blank", "completed", SITE "/list/plain", NULL, 2, -1},
    {"plans 9.4 another failed click presses Escape and goes on with the loop", "/form", PRESS("Nothing", "") "," WAIT "," LOOP("2"), 0,
     "form_target_not_found form_target_not_found", "click_failed", "completed", NULL, "key Escape;key Escape", 1, -1},
    {"plans 9.4 a failed click outside of a loop goes on with the plan", "/form", PRESS("Nothing", "") "," WAIT, 0,
     "form_target_not_found wait", "click_failed", "completed", NULL, "key Escape", 1, -1},
    {"plans 9.4 a required step is tried again twice and halts as required_failed:<type>", "/form", STEP("right_click", ",'required':true,'params':{'label':'Nothing'}"), 0,
     "form_target_not_found", "required_failed:right_click", "required_failed:right_click", NULL, NULL, -1, -1},
    {"plans 9.4 a gate in trouble opens step 0 again before it is asked once more", "/form", STEP("extract_data", ",'gate':true,'verify':'\\'blocked\\' is shown'"), 0,
     "gate", "gate_failed", "completed", NULL, NULL, 2, -1},
    {"plans 9.4 a gate without trouble is not asked again", "/form", STEP("extract_data", ",'gate':true,'verify':'\\'Nothing\\' is shown'"), 0,
     "gate", "gate_failed", "completed", NULL, NULL, 1, -1},
    {"plans 9.4 filter advances as filter_failed", "/form", STEP("filter", ",'params':{'label':'Nothing','value':'1'}") "," WAIT, 0,
     "form_target_not_found wait", "filter_failed", "completed", NULL, "", 1, -1},
    {"plans 9.4 undo: what the step focused is left with Escape", "/form", STEP("filter", ",'params':{'label':'Search','value':'1'}") "," WAIT, NO_TYPING,
     "type_not_landed wait", "filter_failed", "completed", SITE "/form", "key ctrl+a;key Escape", 1, -1},
    {"plans 9.4 undo: a page that the step led to is left again", "/form",
     STEP("submit", ",'params':{'label':'Go'},'hints':{'expect_url_contains':'/done'}") "," WAIT, 0,
     "submit wait", "submit_failed", "completed", SITE "/form", "", 1, -1},
    {"plans 9.4 undo: nothing is done where nothing changed", "/form", STEP("right_click", ",'params':{'label':'Nothing'}") "," WAIT, 0,
     "form_target_not_found wait", "right_click_failed", "completed", SITE "/form", "", 1, -1},
    {"plans 9.4 a required scroll whose brain gets nowhere is scrolled by us: scroll_cdp_fallback", "/long", STEP("scroll", ",'required':true"), BRAIN,
     "brain_loop_exhausted", "scroll_cdp_fallback", "completed", NULL, NULL, 1, 700},
    {"plans 9.4 a required scroll at the end of the page: scroll_reached_bottom", "/long", TO_END "," STEP("scroll", ",'required':true"), BRAIN | DOWN,
     "scroll brain_loop_exhausted", "scroll_reached_bottom", "completed", NULL, NULL, 1, 1280},
    {"plans 9.4 a scroll whose brain gets nowhere is scrolled by us: scroll_no_done", "/long", STEP("scroll", ""), BRAIN,
     "brain_loop_exhausted", "scroll_no_done", "completed", NULL, NULL, 1, 700},
    {"plans 9.4 a scroll that never moves goes to the top and on: scroll_no_movement_advance", "/long", STEP("scroll", "") "," WAIT, BRAIN | NO_WHEEL,
     "brain_loop_exhausted wait", "scroll_no_movement_advance", "completed", NULL, "", 1, 0},
    {"plans 9.4 a navigate_back that fails advances as navigate_back_recovered", "/form", STEP("navigate_back", ",'params':{'brain_required':true}") "," WAIT, NO_BACK,
     "brain_unreachable wait", "navigate_back_recovered", "completed", SITE "/form", "", 2, -1},
    {"plans 9.4 paginate advances as paginate_exhausted", "/form", STEP("paginate", "") "," WAIT, 0,
     "paginate_no_next_page wait", "paginate_exhausted", "completed", SITE "/form", "", 1, -1},
    {"plans 9.4 extract_url advances as extract_url_failed", "/form?page=2", STEP("extract_url", "") "," WAIT, 0,
     "PAGINATION_URL|http wait", "extract_url_failed", "completed", NULL, "", 1, -1},
    {"plans 9.4 extract_data advances as extract_data_failed", "/form", STEP("extract_data", ",'extract':{'fields':[{'name':'a'}]}") "," WAIT, 0,
     "REJECTED_INCOMPLETE|missing=a|VIABLE wait", "extract_data_failed", "completed", NULL, NULL, 1, -1},
    {"plans 9.4 any other type advances as <type>_failed", "/form", STEP("dance", "") "," WAIT, 0,
     "brain_unreachable wait", "dance_failed", "completed", NULL, "", 1, -1},
    {"plans 9.4 a navigate that fails ends the run as navigate_failed", "/form", "{'type':'navigate','intent':'x'}," WAIT, 0,
     "bad_url", "navigate_failed", "navigate_failed", NULL, "", 1, -1},
    /* clang-format on */
};

static const char *order_of(struct rig *rig)
{
    const char *out = "";
    for (int i = 1; i < rig_n_results(rig); i++) {
        const char *data = rig_data(rig, i);
        out = pool_printf(rig->pool, "%s%s%.*s", out, *out ? " " : "", (int)strcspn(data, ":@"),
                          data);
    }
    return out;
}

static const char *reason_of(const struct rig *rig)
{
    const char *reason = "";
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), "step_end") &&
            *json_str(json_object_get(e, "detail"), "reason", ""))
            reason = json_str(json_object_get(e, "detail"), "reason", "");
    return reason;
}

static void one_row(void **state)
{
    static struct action up_and_down[200];
    const struct row *row = *state;
    struct rig rig;
    struct rig_brain brain;
    char steps[1200];
    for (size_t i = 0; i < ARRAY_SIZE(up_and_down); i++)
        up_and_down[i] = (struct action){
            .type = ACTION_SCROLL, .x = 640, .y = 300, .dy = i % 2 && !(row->with & DOWN) ? -1 : 1};
    snprintf(steps, sizeof(steps),
             "[{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE
             "%s'}},%s]",
             row->path, row->steps);
    rig_init(&rig, acts_page, steps);
    rig_brain_init(&brain, up_and_down, ARRAY_SIZE(up_and_down));
    rig.brain = row->with & BRAIN ? &brain.base : NULL;
    rig.web.no_wheel = row->with & NO_WHEEL;
    rig.web.no_typing = row->with & NO_TYPING;
    rig.web.no_back = row->with & NO_BACK;
    rig_run(&rig, NULL);
    assert_string_equal(*rig.end.halt_reason ? rig.end.halt_reason : rig.end.status, row->status);
    assert_string_equal(order_of(&rig), row->order);
    assert_string_equal(reason_of(&rig), row->reason);
    if (row->url)
        assert_string_equal(fake_web_url(&rig.web), row->url);
    if (row->hand)
        assert_string_equal(rig.web.hand, row->hand);
    if (row->loads >= 0)
        assert_int_equal(rig.web.loads, row->loads);
    if (row->y >= 0)
        assert_int_equal(rig.web.scroll, row->y);
    rig_release(&rig);
}

int main(void)
{
    static struct CMUnitTest tests[ARRAY_SIZE(rows)];
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[i] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
