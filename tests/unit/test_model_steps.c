/*
 * What steps ask of a reader that is a model, and what they make of its answers. The reader here
 * sees a page as pixels: what it finds is a point, and everything that only a model can tell it
 * says as a test wants it.
 */
#include "unit/test.h"

#include <string.h>

#include "base/str.h"
#include "unit/run_rig.h"

#define SHOP "http://shop.test"

static struct seer {
    struct reader base;
    bool finds_by_purpose;                 /* the field whose label nobody knows */
    enum answer navigated;                 /* what it says of every click */
    double sure;                           /* of a better point, 7 px right of every one */
    const char *shown;                     /* by every list; NULL: it cannot be read */
    int beside_px;                         /* how far above a card it points */
    int error;                             /* of any call, 0 none: E_BUDGET, E_UNAVAILABLE, ... */
    int heard_again;                       /* after so many such calls; 0: never */
    int forgot, asked, by_purpose, filters, judged, read; /* how often it was asked */
} seer;

/* --- the reader ------------------------------------------------------------------------------ */

static int find(struct reader *r, struct pool *pool, const struct observation *obs,
                const struct target_query *q, struct target *out, struct err *err)
{
    struct target_query known = *q;
    seer.asked++;
    if (seer.error && (!seer.heard_again || seer.asked <= seer.heard_again))
        return err_set(err, seer.error, "the model answered 503");
    seer.by_purpose += q->by_purpose;
    seer.filters += q->filter;
    if (q->by_purpose && seer.finds_by_purpose)
        known.label = "Nom";
    int found = reader_find(fake_reader(), pool, obs, &known, out, err);
    if (!found)
        out->node = -1;
    return found;
}

static int list(struct reader *r, struct pool *pool, const struct observation *obs,
                const struct schema *s, int max, struct card **ret, int *ret_n,
                enum list_status *status, struct err *err)
{
    int listed = reader_list(fake_reader(), pool, obs, s, max, ret, ret_n, status, err);
    for (int i = 0; !listed && i < *ret_n; i++) {
        struct target *t = &(*ret)[i].target;
        t->node = -1;
        t->at.y -= seer.beside_px;
        if (seer.beside_px)
            t->box = (struct rect){t->at.x - 5, t->at.y - 5, 10, 10};
    }
    return listed;
}

static int regard(struct reader *r, struct pool *pool, const struct observation *obs,
                  struct point at, const char *wanted, bool fresh, struct regard *out,
                  struct err *err)
{
    *out = (struct regard){{at.x + 7, at.y}, seer.sure};
    return 0;
}

static int find_more(struct reader *r, struct pool *pool, const struct observation *obs,
                     struct target *out, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "nothing loads more");
}

static int find_dismiss(struct reader *r, struct pool *pool, const struct observation *obs,
                        struct target *out, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "nothing covers the page");
}

static int navigated(struct reader *r, struct pool *pool, const struct observation *before,
                     const struct observation *after, const char *wanted, struct passage *out,
                     struct err *err)
{
    seer.judged++;
    *out = (struct passage){seer.navigated, "", "as the test says"};
    return 0;
}

static int shown_value(struct reader *r, struct pool *pool, const struct observation *obs,
                       const char *dropdown, const char **out, struct err *err)
{
    seer.read++;
    if (!seer.shown)
        return err_set(err, E_NOT_FOUND, "it cannot be read");
    *out = seer.shown;
    return 0;
}

static void forget(struct reader *r)
{
    seer.forgot++;
}

static struct reader *new_seer(void)
{
    static const struct reader_driver driver = {.kind = "seer",
                                                .is_model = true,
                                                .find = find,
                                                .list = list,
                                                .find_more = find_more,
                                                .find_dismiss = find_dismiss,
                                                .navigated = navigated,
                                                .shown_value = shown_value,
                                                .regard = regard,
                                                .forget = forget};
    seer = (struct seer){.base = {.driver = &driver, .first = fake_reader()}};
    return &seer.base;
}

/* --- pages ----------------------------------------------------------------------------------- */

/* A field in another language; a list of the page's own, opened by a click and closed by the next;
 * a card that leads on unless it is dead. */
static void shop_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Shop";
    fake_add(out, "", "h1", strstr(url, "/boat") ? "Blue boat" : "Boats", "");
    if (strstr(url, "/form"))
        fake_add(out, "input", "input", "Nom", "");
    if (strstr(url, "/menu")) {
        fake_add(out, "button", "button", "Desk", "");
        if (web->counter == 1)
            fake_add(out, "", "div", "Window", "");
    }
    if (strstr(url, "/list"))
        fake_add(out, "card", "a", "Blue boat", SHOP "/boat");
}

static void next_state(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

static void run_step(struct rig *rig, const char *page, const char *step, bool no_url)
{
    char steps[600];
    snprintf(steps, sizeof(steps),
             "[{'type':'navigate','intent':'Open it','params':{'url':'" SHOP "%s'}},%s]", page,
             step);
    rig_init(rig, shop_page, steps);
    rig->web.click = next_state;
    rig->web.no_url = no_url;
    rig->reader = &seer.base;
    rig_run(rig, NULL);
}

static const json_t *carry_out(struct rig *rig, const char *page, const char *step, bool no_url)
{
    run_step(rig, page, step, no_url);
    return rig_result(rig, 1);
}

/* --- rows ------------------------------------------------------------------------------------ */

#define FILL                                                                                       \
    "{'type':'fill_field','intent':'Enter the name','params':{'label':'Name','value':'Ann'}}"
#define FILTER "{'type':'filter','intent':'Only boats','params':{'label':'Boats'}}"
#define SELECT                                                                                     \
    "{'type':'select_option','intent':'Choose','params':{'dropdown_label':'Desk','option_label':"  \
    "'Window'}}"
#define CARD "{'type':'click','intent':'Open the next boat','hints':{'layout':'listings'}}"

/* clang-format off */
static const struct row {
    const char *row, *page, *step;
    bool finds_by_purpose, no_url;
    enum answer navigated;
    const char *shown;
    bool success;
    const char *data; /* begins so */
    int by_purpose, filters, judged, read; /* 1: at least once */
} rows[] = {
    {"plans 8.4 a field whose label is not found is looked for by its purpose", "/form", FILL, true, false, ANSWER_UNKNOWN, NULL, true, "fill:Name", 1, 0, 0, 0},
    {"plans 8.4 nothing serves the purpose", "/form", FILL, false, false, ANSWER_UNKNOWN, NULL, false, "form_target_not_found", 1, 0, 0, 0},
    {"plans 8.8 a filter is said to be one", "/list", FILTER, false, false, ANSWER_UNKNOWN, NULL, false, "", 0, 1, 0, 0},
    {"plans 8.6 what a list took is read back", "/menu", SELECT, false, false, ANSWER_UNKNOWN, "Window", true, "select:Desk=Window", 0, 0, 0, 1},
    {"plans 8.6 another value than the wanted one", "/menu", SELECT, false, false, ANSWER_UNKNOWN, "Door", false, "select_mismatch:got=Door_wanted=Window", 0, 0, 0, 1},
    {"plans 8.6 a value that cannot be read is accepted", "/menu", SELECT, false, false, ANSWER_UNKNOWN, NULL, true, "select:Desk=Window", 0, 0, 0, 1},
    {"plans 8.3 a card is open when the looks say so", "/list", CARD, false, true, ANSWER_YES, NULL, true, "click:Blue boat", 0, 0, 1, 0},
    {"plans 8.3 a card is open when nobody says otherwise", "/list", CARD, false, true, ANSWER_UNKNOWN, NULL, true, "click:Blue boat", 0, 0, 1, 0},
    {"plans 8.3 a picture that merely changed is no card that opened", "/list", CARD, false, true, ANSWER_NO, NULL, false, "page_exhausted", 0, 0, 1, 0},
    {"plans 8.3 where the address is known nobody is asked", "/list", CARD, false, false, ANSWER_NO, NULL, true, "click:Blue boat", 0, 0, 0, 0},
};
/* clang-format on */

static void one_row(void **state)
{
    const struct row *row = *state;
    struct rig rig;
    new_seer();
    seer.finds_by_purpose = row->finds_by_purpose;
    seer.navigated = row->navigated;
    seer.shown = row->shown;
    const json_t *result = carry_out(&rig, row->page, row->step, row->no_url);
    if (json_flag(result, "success", false) != row->success ||
        !str_starts(json_str(result, "data", ""), row->data))
        fail_msg("%s", json_text(rig.pool, result));
    assert_int_equal(seer.by_purpose > 0, row->by_purpose);
    assert_int_equal(seer.filters > 0, row->filters);
    assert_int_equal(seer.judged > 0, row->judged);
    assert_int_equal(seer.read > 0, row->read);
    rig_release(&rig);
}

/* --- points that are looked at again --------------------------------------------------------- */

static const char *clicked_at(double sure)
{
    struct rig rig;
    new_seer();
    seer.sure = sure;
    const json_t *result = carry_out(&rig, "/list", CARD, false);
    static char data[100];
    snprintf(data, sizeof(data), "%s", json_str(result, "data", ""));
    rig_release(&rig);
    return data;
}

static void a_better_point_is_clicked_when_it_is_believed(void **state)
{
    char as_it_was[100];
    snprintf(as_it_was, sizeof(as_it_was), "%s", clicked_at(0.5));
    assert_string_equal(as_it_was, "click:Blue boat@(640,60)");
    assert_string_equal(clicked_at(0.51), "click:Blue boat@(647,60)");
}

/* --- points that are wrong ------------------------------------------------------------------- */

static void a_card_is_found_beside_the_point(void **state)
{
    struct rig rig;
    new_seer();
    seer.beside_px = 28;
    rig_init(&rig, shop_page,
             "[{'type':'navigate','intent':'Open it','params':{'url':'" SHOP "/list'}}," CARD "]");
    rig.reader = &seer.base;
    fake_web_hide_dom(&rig.web);
    rig_run(&rig, NULL);
    const json_t *healed = json_array_get(json_object_get(rig.final, "healing_events"), 0);
    assert_string_equal(rig.run.live_url, SHOP "/boat");
    assert_string_equal(json_str(healed, "kind", ""), "click_probe");
    assert_int_equal(json_int(healed, "dy", 0), 28);
    rig_release(&rig);
}

/* --- no money left, no answer ---------------------------------------------------------------- */

static void fill_with_errors(struct rig *rig, int error, int heard_again)
{
    new_seer();
    seer.error = error;
    seer.heard_again = heard_again;
    seer.finds_by_purpose = true;
    run_step(rig, "/form", FILL, false);
}

static void a_call_that_there_is_no_money_for_ends_the_run(void **state)
{
    struct rig rig;
    fill_with_errors(&rig, E_BUDGET, 0);
    assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), "budget_cap");
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "budget_cap");
    rig_release(&rig);
}

/* The 503 is the model's, not the site's. */
static void a_reader_that_is_silent_ends_the_run_after_two_more_tries(void **state)
{
    struct rig rig;
    fill_with_errors(&rig, E_UNAVAILABLE, 0);
    assert_string_equal(json_str(rig_result(&rig, 1), "failure_class", ""), "anthropic_unreachable");
    assert_int_equal(seer.asked, 3);
    assert_string_equal(rig.end.status, "halted");
    assert_string_equal(rig.end.halt_reason, "anthropic_unreachable");
    assert_string_equal(rig.end.halt_class, "anthropic_unreachable");
    rig_release(&rig);
}

static void a_reader_that_is_heard_again_goes_on(void **state)
{
    struct rig rig;
    fill_with_errors(&rig, E_UNAVAILABLE, 2);
    assert_true(seer.asked > 2);
    assert_int_equal(seer.forgot, 2); /* the third try went well */
    assert_string_equal(json_str(rig_result(&rig, 1), "data", ""), "fill:Name");
    assert_string_equal(rig.end.status, "completed");
    rig_release(&rig);
}

static void a_broken_installation_fails_the_run(void **state)
{
    struct rig rig;
    fill_with_errors(&rig, E_INTERNAL, 0);
    assert_int_equal(seer.asked, 1);
    assert_string_equal(rig.end.status, "failed");
    assert_string_equal(rig.end.error, "the model answered 503");
    rig_release(&rig);
}

/* --- what is counted ------------------------------------------------------------------------- */

static void calls_of_a_reader_cost(void **state)
{
    const struct reader_use paid = {.source = "gate",
                                    .counter = "claude_extract",
                                    .model = "claude-sonnet-4-6",
                                    .tokens = {.input = 1000000, .output = 100000}};
    const struct reader_use ours = {
        .source = "target", .counter = "claude_grounding", .seconds = 3600};
    struct rig rig;
    new_seer();
    rig_init(&rig, shop_page,
             "[{'type':'navigate','intent':'Open it','params':{'url':'" SHOP "/list'}}]");
    rig.config.rates = (struct cost_rates){.gpu_hourly_usd = 3.25};
    rig.reader = &seer.base;
    rig_run(&rig, NULL);
    run_count_use(&rig.run, &paid);
    run_count_use(&rig.run, &ours);
    const json_t *costs = rig.run.progress.costs;
    const json_t *by_path = json_object_get(rig.run.progress.cost_by_path, "by_path");
    assert_true(json_num(costs, "claude", 0) > 4.49 && json_num(costs, "claude", 0) < 4.51);
    assert_true(json_num(costs, "gpu", 0) > 3.24 && json_num(costs, "gpu", 0) < 3.26);
    assert_true(json_num(costs, "claude_extract", 0) == 1);
    assert_true(json_num(costs, "claude_grounding", 0) == 0);
    assert_int_equal(json_int(json_object_get(by_path, "gate::claude-sonnet-4-6"), "calls", 0), 1);
    rig_release(&rig);
}

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + 7];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    tests[n++] =
        (struct CMUnitTest)row_test("agent-loop 15 a card's better point is clicked above .5",
                                    a_better_point_is_clicked_when_it_is_believed);
    tests[n++] =
        (struct CMUnitTest)row_test("plans 8.3 a card is looked for around the point of a model",
                                    a_card_is_found_beside_the_point);
    tests[n++] =
        (struct CMUnitTest)row_test("agent-loop 17 a reader's call that there is no money for",
                                    a_call_that_there_is_no_money_for_ends_the_run);
    tests[n++] =
        (struct CMUnitTest)row_test("agent-loop 11 anthropic_unreachable: a reader that is silent",
                                    a_reader_that_is_silent_ends_the_run_after_two_more_tries);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_reader_that_is_heard_again_goes_on);
    tests[n++] = (struct CMUnitTest)cmocka_unit_test(a_broken_installation_fails_the_run);
    tests[n++] = (struct CMUnitTest)row_test("agent-loop 17 calls of a reader cost what they cost",
                                             calls_of_a_reader_cost);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
