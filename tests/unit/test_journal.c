/*
 * test_journal.c - what cannot be taken back is written down before it is done, and done once.
 */
#include "unit/test.h"

#include <string.h>

#include "base/str.h"
#include "run/journal.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://list.test"

static int done; /* times the site was told to */

static void list_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    out->title = "List";
    fake_add(out, "", "h1", done ? "It is gone" : "Things", "");
    fake_add(out, "button", "button", "Delete it", "");
    fake_add(out, "input", "input", "Name", "");
    fake_add(out, "button", "button", "Details", "");
}

static void on_click(struct fake_web *web, const char *url, const struct fake_element *e)
{
    done += !strcmp(e->text, "Delete it");
}

#define OPEN "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/'}}"
#define SEEN ",'hints':{'layout':'single','expect_text_present':'It is gone'}"

/* --- which ------------------------------------------------------------------------------------- */

static void it_is_known_what_commits(void **state)
{
    static const struct {
        const char *step;
        bool want;
    } rows[] = {
        {"{'type':'submit','intent':'x'}", true},
        {"{'type':'double_click','intent':'x'}", true},
        {"{'type':'drag','intent':'x'}", true},
        {"{'type':'key_press','intent':'x','params':{'keys':'Return'}}", true},
        {"{'type':'key_press','intent':'x','params':{'keys':'ctrl+Enter'}}", true},
        {"{'type':'key_press','intent':'x','params':{'keys':'Page_Down'}}", false},
        {"{'type':'click','intent':'x','params':{'label':'Delete'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Remove from cart'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Buy now'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Pay 12.00'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Send'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Confirm order'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Place order'}}", true},
        {"{'type':'click','intent':'x','params':{'label':'Archive'}}", true},
        {"{'type':'click','intent':'Press \\'Save\\''}", true},
        {"{'type':'click','intent':'x','params':{'label':'Orders'}}", false},
        {"{'type':'click','intent':'x','params':{'label':'Sender'}}", false},
        {"{'type':'click','intent':'x','params':{'label':'Details'}}", false},
        {"{'type':'click','intent':'Delete','section':'extraction'}", false}, /* a card of a list */
        {"{'type':'fill_field','intent':'x','params':{'label':'Delete'}}", false},
        {"{'type':'wait','intent':'send'}", false},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct plan *plan;
        json_t *doc = json_keep(pool, json_pack("{s:[O]}", "steps", json_of(pool, rows[i].step)));
        assert_int_equal(plan_from_json(pool, doc, &plan, NULL), 0);
        if (journal_wanted(&plan->steps[0]) != rows[i].want)
            fail_msg("%s", rows[i].step);
    }
    pool_destroy(pool);
}

static void it_is_known_what_a_brain_commits(void **state)
{
    static const struct {
        struct action action;
        const char *task;
        bool want;
    } rows[] = {
        {{.type = ACTION_CLICK, .reasoning = "clicked 'Place order'"}, "", true},
        {{.type = ACTION_CLICK, .reasoning = "clicked 'Add to cart'"}, "", true},
        {{.type = ACTION_DOUBLE_CLICK, .reasoning = "delete the row"}, "", true},
        {{.type = ACTION_CLICK, .reasoning = "clicked 'Sign in'"}, "Buy it", false},
        {{.type = ACTION_CLICK, .reasoning = "opened 'Savers'"}, "", false},
        {{.type = ACTION_CLICK}, "Buy it", false},
        {{.type = ACTION_KEY_PRESS, .keys = "Return"}, "Search for tea", false},
        {{.type = ACTION_KEY_PRESS, .keys = "Return"}, "Send the message", true},
        {{.type = ACTION_KEY_PRESS, .keys = "ctrl+Enter", .reasoning = "send it"}, "", true},
        {{.type = ACTION_KEY_PRESS, .keys = "Tab"}, "Send the message", false},
        {{.type = ACTION_TYPE_TEXT, .text = "x", .reasoning = "send"}, "Send", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        if (journal_action_wanted(&rows[i].action, rows[i].task) != rows[i].want)
            fail_msg("row %zu", i);
}

/* --- once -------------------------------------------------------------------------------------- */

#define TASK(more) "{'type':'task','intent':'Delete','params':{'task_id':'a','start_url':'" SITE "/'" more "}}"
#define PROOF ",'verify':{'type':'page_contains_text','value':'It is gone'}"

static const struct action brain_does[] = {
    {.type = ACTION_CLICK, .x = 600, .y = 60, .button = BUTTON_LEFT, .reasoning = "clicked 'Delete it'"},
    {.type = ACTION_CLICK, .x = 600, .y = 140, .button = BUTTON_LEFT, .reasoning = "clicked 'Details'"},
    {.type = ACTION_DONE, .success = true, .summary = "it is deleted"},
    {.type = ACTION_CLICK, .x = 600, .y = 60, .button = BUTTON_LEFT, .reasoning = "clicked 'Delete it'"},
    {.type = ACTION_DONE, .success = true, .summary = "it is deleted"},
};

static const struct {
    const char *step; /* it does it */
    bool seen;        /* and the page can tell */
} doers[] = {
    {"{'type':'holo3','intent':'Delete it'" SEEN "}", true},
    {"{'type':'holo3','intent':'Delete it'}", false},
    {"{'type':'claude','intent':'Delete it'" SEEN "}", true},
    {"{'type':'no_such_type','intent':'Delete it'" SEEN "}", true},
    {TASK(PROOF), true},
    {TASK(""), false},
    {TASK(",'loop':{'max_iterations':2}"), false}, /* twice, each once */
    {"{'type':'click','intent':'Press','params':{'label':'Delete it'}" SEEN "}", true},
    {"{'type':'click','intent':'Press','params':{'label':'Delete it'},'hints':{'layout':'single'}}", false},
    {"{'type':'double_click','intent':'Press','params':{'label':'Delete it'}" SEEN "}", true},
    {"{'type':'submit','intent':'Press','params':{'label':'Delete it'}" SEEN "}", true},
};

static void doing(struct rig *rig, struct rig_brain *brain, size_t i)
{
    struct pool *pool = pool_create(NULL);
    rig_init(rig, list_page, pool_printf(pool, "[" OPEN ",%s]", doers[i].step));
    rig->web.click = on_click;
    rig_brain_init(brain, brain_does, ARRAY_SIZE(brain_does));
    rig->brain = &brain->base;
    pool_destroy(pool);
}

/* It dies at every call of its life; what comes after takes it up. */
static void a_death_at_any_moment_does_it_at_most_once(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(doers); i++) {
        struct rig rig;
        struct rig_brain brain;
        done = 0;
        doing(&rig, &brain, i);
        rig_run(&rig, NULL);
        int calls = rig.web.calls, usual = done;
        rig_release(&rig);
        assert_true(calls > 5);
        bool many = strstr(doers[i].step, "'loop'") != NULL;
        assert_true(usual == 1 + many || strstr(doers[i].step, "'double_click'"));
        for (int at = 1; at <= calls; at++) {
            done = 0;
            doing(&rig, &brain, i);
            rig.web.die_at_call = at;
            rig_run(&rig, NULL);
            json_t *left = rig.n_checkpoints ? json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]) : NULL;
            bool lost = !strcmp(rig.end.status, "lost");
            rig.web.die_at_call = 0;
            int before = done;
            brain.asked = 0;
            if (lost)
                rig_run(&rig, left);
            json_decref(left);
            if (done > usual || (lost && before && !many && done != before))
                fail_msg("step %zu, call %d: done %d times, not %d", i, at, done, usual);
            const char *data = rig_n_results(&rig) > 1 ? rig_data(&rig, 1) : "";
            if (lost && done && doers[i].seen && strstr(data, "submit_unconfirmed"))
                fail_msg("step %zu, call %d: %s", i, at, data);
            if (usual && !done && !strstr(data, "submit_unconfirmed")) /* a success that was none */
                fail_msg("step %zu, call %d of %d: %s", i, at, calls, data);
            rig_release(&rig);
        }
    }
}

/* An entry is written, and its worker dies before it hears of it: at "sent" nothing has left yet. */
static void a_death_at_any_entry_does_it_at_most_once(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(doers); i++) {
        struct rig rig;
        struct rig_brain brain;
        done = 0;
        doing(&rig, &brain, i);
        rig_run(&rig, NULL);
        int entries = rig.n_journal, usual = done;
        rig_release(&rig);
        assert_true(entries >= 3); /* intended, sent, observed */
        for (int n = 1; n <= entries; n++) {
            done = 0;
            doing(&rig, &brain, i);
            rig.journal_lost_after = n;
            rig_run(&rig, NULL);
            assert_string_equal(rig.end.status, "lost");
            if (n <= 2 && done)
                fail_msg("step %zu: it left before it was written down", i);
            json_t *left = json_deep_copy(rig.checkpoints[rig.n_checkpoints - 1]);
            rig.journal_lost_after = 0;
            brain.asked = 0;
            rig_run(&rig, left);
            json_decref(left);
            if (done > usual)
                fail_msg("step %zu, entry %d: done %d times, not %d", i, n, done, usual);
            rig_release(&rig);
        }
    }
}

static void what_commits_nothing_is_in_no_journal(void **state)
{
    struct rig rig;
    rig_init(&rig, list_page,
             "[" OPEN ",{'type':'click','intent':'x','hints':{'layout':'single'},'params':{'label':'Details'}}]");
    rig_run(&rig, NULL);
    assert_int_equal(rig.n_journal, 0);
    rig_release(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("plans 8.5 what commits something is journalled", it_is_known_what_commits),
        row_test("plans 8.5 what a brain commits is journalled", it_is_known_what_a_brain_commits),
        row_test("plans 8.5 a death at any moment does it at most once", a_death_at_any_moment_does_it_at_most_once),
        row_test("plans 8.5 a death at any entry does it at most once", a_death_at_any_entry_does_it_at_most_once),
        row_test("plans 8.5 what commits nothing is in no journal", what_commits_nothing_is_in_no_journal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
