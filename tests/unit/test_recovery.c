/* What is tried once retries are used up: agent-loop.md section 9, and the guards of plans.md
 * section 5. */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/critic.h"
#include "run/edits.h"
#include "run/guards.h"
#include "run/recovery.h"
#include "run/rewind.h"
#include "run/rewrite.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://desk.test"

static const json_t *healing(const struct rig *rig, const char *kind)
{
    size_t i;
    json_t *h;
    json_array_foreach (json_object_get(rig->final, "healing_events"), i, h)
        if (!strcmp(json_str(h, "kind", ""), kind))
            return h;
    return NULL;
}

static const json_t *event(const struct rig *rig, const char *layer, const char *kind)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), kind) && !strcmp(json_str(e, "layer", ""), layer))
            return e;
    return NULL;
}

/* --- plan edits ------------------------------------------------------------------------------ */

#define FIVE                                                                                       \
    "[{'type':'wait','intent':'a','params':{'seconds':0}},{'type':'wait','intent':'b','params':{"  \
    "'seconds':0}},"                                                                               \
    "{'type':'if_else','intent':'c','condition_var':'x','then_target':1,'else_target':4},"         \
    "{'type':'loop','intent':'d','loop_target':1,'loop_count':2},{'type':'wait','intent':'e',"     \
    "'params':{'seconds':0}}]"

static void edits_begin(struct rig *rig, const char *steps)
{
    static fake_page_fn *const none = boats_page;
    rig_init(rig, none, steps);
    run_init(&rig->run, &rig->config, rig->loop, &rig->web.plane, fake_reader(), NULL, &rig->host);
}

static void inserted_steps_move_all_that_points_behind_them(void **state)
{
    struct rig rig;
    struct err err = {0};
    edits_begin(&rig, FIVE);
    struct progress *p = &rig.run.progress;
    progress_set_counter(p->loop_counters, 3, 7);
    json_push(p->step_results, json_pack("{s:i}", "step_index", 0));
    json_push(p->step_results, json_pack("{s:i}", "step_index", 1));
    json_t *steps =
        json_of(rig.pool, "[{'type':'key_press','intent':'Escape'},{'type':'wait','intent':'w'}]");
    assert_int_equal(edits_insert(&rig.run, 1, steps, "why", &err), 0);
    const struct plan *plan = rig.run.plan;
    assert_int_equal(plan->n_steps, 7);
    assert_string_equal(plan->steps[0].intent, "a");
    assert_string_equal(plan->steps[1].type, "key_press");
    assert_string_equal(plan->steps[3].intent, "b");
    assert_int_equal(plan->steps[1].budget, 3);
    assert_false(plan->steps[1].required);
    assert_string_equal(plan->steps[1].section, "recovery");
    assert_int_equal(plan->steps[4].then_target, 3);
    assert_int_equal(plan->steps[4].else_target, 6);
    assert_int_equal(plan->steps[5].loop_target, 3);
    assert_int_equal(progress_counter(p->loop_counters, 5), 7);
    assert_int_equal(json_int(json_array_get(p->step_results, 0), "step_index", -1), 0);
    assert_int_equal(json_int(json_array_get(p->step_results, 1), "step_index", -1), 3);
    assert_int_equal(rig.plan->n_steps, 5); /* the plan that was asked for */
    assert_string_equal(plan->signature, rig.plan->signature);
    rig_release(&rig);
}

static void a_changed_step_keeps_what_is_not_named(void **state)
{
    struct rig rig;
    struct err err = {0};
    edits_begin(&rig,
                "[{'type':'click','intent':'Open','budget':9,'required':true,'section':'setup',"
                "'params':{'label':'A','kind':'tab'},'hints':{'fallback_url':'/x'}}]");
    json_t *change =
        json_of(rig.pool, "{'type':'navigate','intent':'Go','params':{'url':'http://a.test/'},"
                          "'hints':{'fallback_url':null}}");
    assert_int_equal(edits_change(&rig.run, 0, change, "why", &err), 0);
    const struct step *s = &rig.run.plan->steps[0];
    assert_string_equal(s->type, "navigate");
    assert_int_equal(s->budget, 9);
    assert_true(s->required);
    assert_string_equal(s->section, "setup");
    assert_string_equal(json_str(s->params, "label", ""), "A");
    assert_string_equal(json_str(s->params, "url", ""), "http://a.test/");
    assert_null(json_object_get(s->hints, "fallback_url"));
    json_t *h = json_array_get(rig.run.progress.healing, 0);
    assert_string_equal(json_str(h, "kind", ""), "replace_step");
    assert_string_equal(json_str(h, "original_type", ""), "click");
    assert_string_equal(json_str(h, "new_type", ""), "navigate");
    assert_string_equal(json_str(h, "new_intent", ""), "Go");
    assert_int_not_equal(edits_change(&rig.run, 4, change, "why", &err), 0);
    rig_release(&rig);
}

static void a_resumed_worker_makes_the_same_plan_of_its_edits(void **state)
{
    struct rig rig, other;
    struct err err = {0};
    edits_begin(&rig, FIVE);
    edits_begin(&other, FIVE);
    assert_int_equal(
        edits_insert(&rig.run, 1, json_of(rig.pool, "[{'type':'wait','intent':'w'}]"), "why", &err),
        0);
    assert_int_equal(edits_change(&rig.run, 2, json_of(rig.pool, "{'intent':'B'}"), "why", &err),
                     0);
    json_t *doc = run_checkpoint(&rig.run);
    assert_int_equal(progress_from_json(&other.run.progress, doc, &err), 0);
    assert_int_equal(edits_replay(&other.run, &err), 0);
    json_t *one = plan_steps_to_json(rig.run.plan), *two = plan_steps_to_json(other.run.plan);
    assert_true(json_equal(one, two));
    assert_string_equal(json_str(json_array_get(one, 2), "intent", ""), "B");
    json_decref(one);
    json_decref(two);
    json_decref(doc);
    rig_release(&rig);
    rig_release(&other);
}

/* --- rewrites -------------------------------------------------------------------------------- */

static void an_intent_is_said_more_mechanically(void **state)
{
    static const struct {
        const char *intent, *said; /* NULL: keep it */
    } cases[] = {
        {"Click the big blue Sign up button at the top", "Click Sign up"},
        {"Press the \"Save changes\" button in the footer", "Press \"Save changes\""},
        {"Open the invoices link next to the logo", "Open invoices"},
        {"Write \"a\" into \"Email\", then press \"Sign in\"", NULL},
        {"Click Save", NULL},
        {"Click", NULL},
        {"Click the button", NULL},
        {"", NULL},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *said = rewrite_intent(pool, cases[i].intent);
        if (cases[i].said)
            assert_string_equal(said ? said : "(kept)", cases[i].said);
        else
            assert_null(said);
    }
    pool_destroy(pool);
}

static void a_rewrite_is_the_same_order_or_none(void **state)
{
    static const struct {
        const char *proposed;
        bool good;
    } cases[] = {
        {"Click \"Save\"", true},
        {"click save now", true},
        {"Open the menu", false},
        {"Click, but first scroll down", false},
        {"Click it; before clicking, wait", false},
        {"Dismiss the modal", false},
        {"", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(rewrite_acceptable("Click the Save button", cases[i].proposed),
                         cases[i].good);
}

static void some_failures_are_answered_by_a_rewrite(void **state)
{
    assert_true(rewrite_helps("brain_loop_exhausted"));
    assert_true(rewrite_helps("wrong_target"));
    assert_true(rewrite_helps("no_state_change"));
    assert_false(rewrite_helps("selector_miss"));
    assert_false(rewrite_helps(""));
}

/* --- addresses ------------------------------------------------------------------------------- */

static struct page *links_page(struct pool *pool)
{
    struct page *page;
    struct err err = {0};
    const char *text = "{'url':'http://shop.test/"
                       "','title':'','nodes':[{'parent':-1,'tag':'body','flags':'visible'},"
                       "{'parent':0,'tag':'a','attrs':{'href':'/"
                       "red-shoes'},'flags':'visible'},{'parent':1,'text':'Red shoes'},"
                       "{'parent':0,'tag':'a','attrs':{'href':'/"
                       "blue-hats'},'flags':'visible'},{'parent':3,'text':'Blue hats'},"
                       "{'parent':0,'tag':'a','attrs':{'href':'http://other.test/"
                       "red-shoes'},'flags':'visible'},{'parent':5,'text':'Red shoes'}]}";
    if (page_from_json(pool, json_of(pool, text), &page, &err))
        fail_msg("%s", err.msg);
    return page;
}

static void other_addresses_are_proposed_best_first(void **state)
{
    static const struct {
        const char *url, *wanted[4];
        bool links;
    } cases[] = {
        {"http://shop.test/jobs-de",
         {"http://shop.test/jobs-de/", "http://shop.test/jobs/de", "http://www.shop.test/jobs-de"},
         false},
        {"http://shop.test/jobs/de",
         {"http://shop.test/jobs-de", "http://shop.test/jobs/de/", "http://www.shop.test/jobs/de"},
         false},
        {"http://www.shop.test/a/", {"http://www.shop.test/a", "http://shop.test/a/"}, false},
        {"http://shop.test/a?Q=Ab",
         {"http://shop.test/a/?Q=Ab", "http://www.shop.test/a?Q=Ab", "http://shop.test/a?q=ab"},
         false},
        {"http://shop.test/red-shoe",
         {"http://shop.test/red-shoes", "http://shop.test/red-shoe/"},
         true},
        {"http://127.0.0.1:80/a", {"http://127.0.0.1:80/a/"}, false},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct url_proposal list[URL_PROPOSALS];
        int n = recovery_urls(pool, cases[i].url, "Open the red shoes",
                              cases[i].links ? links_page(pool) : NULL, list);
        for (int w = 0; w < 4 && cases[i].wanted[w]; w++) {
            bool there = false;
            for (int j = 0; j < n; j++)
                there = there || !strcmp(list[j].url, cases[i].wanted[w]);
            if (!there)
                fail_msg("%s is not proposed for %s", cases[i].wanted[w], cases[i].url);
        }
        if (cases[i].links) {
            assert_string_equal(list[0].url, "http://shop.test/red-shoes");
            assert_string_equal(list[0].source, "page_link");
        }
        for (int j = 0; j < n; j++) {
            assert_true(j == 0 || list[j - 1].confidence >= list[j].confidence);
            assert_true(list[j].confidence >= .5 && list[j].confidence <= .75);
            assert_null(strstr(list[j].url, "other.test"));
        }
    }
    pool_destroy(pool);
}

static void labels_are_compared_by_their_letters(void **state)
{
    struct pool *pool = pool_create(NULL);
    assert_true(recovery_likeness(pool, "Send application", "Send the application") > .8);
    assert_true(recovery_likeness(pool, "Save", "Save") == 1);
    assert_true(recovery_likeness(pool, "E-mail", "Email") == 1);
    assert_true(recovery_likeness(pool, "Phone", "Search") < .3);
    assert_true(recovery_likeness(pool, "", "a") == 0);
    assert_true(recovery_commits_more("Delete draft", "Edit draft"));
    assert_false(recovery_commits_more("Delete all drafts", "Delete drafts"));
    assert_false(recovery_commits_more("Show more", "Show mores"));
    pool_destroy(pool);
}

/* --- what may be done twice ------------------------------------------------------------------ */

static void only_what_does_not_commit_is_done_again(void **state)
{
    static const struct {
        const char *step;
        bool again;
    } cases[] = {
        {"[{'type':'fill_field','intent':'x','params':{'label':'A'}}]", true},
        {"[{'type':'navigate','intent':'x'}]", true},
        {"[{'type':'submit','intent':'x','params':{'label':'Sign in'}}]", true},
        {"[{'type':'submit','intent':'x','params':{'label':'Continue'}}]", true},
        {"[{'type':'submit','intent':'x','params':{'label':'Place order'}}]", false},
        {"[{'type':'submit','intent':'Continue','params':{'label':'Send'}}]", false},
        {"[{'type':'click','intent':'x','params':{'label':'Add to cart'}}]", false},
        {"[{'type':'key_press','intent':'x','params':{'keys':'Tab'}}]", true},
        {"[{'type':'key_press','intent':'x','params':{'keys':'Return'}}]", false},
        {"[{'type':'loop','intent':'x'}]", false},
        {"[{'type':'holo3','intent':'x'}]", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        rig_init(&rig, boats_page, cases[i].step);
        assert_int_equal(rewind_may_repeat(&rig.plan->steps[0]), cases[i].again);
        rig_release(&rig);
    }
}

/* --- a desk with troubles -------------------------------------------------------------------- */

/* web->counter: how often "Send" was pressed; web->leads_to: which trouble there is. */
static bool trouble(const struct fake_web *web, const char *name)
{
    return web->leads_to && !strcmp(web->leads_to, name);
}

static void form(struct fake_web *web, struct fake_page *out)
{
    fake_add(out, "input", "input", "Name", "");
    fake_add(out, "button", "button", "Send", "");
    out->elements[1].dead = trouble(web, "dead");
    fake_add(out, "button", "button", "Details", "");
    out->elements[out->n - 1].dead = true;
}

static void desk_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Desk";
    if ((trouble(web, "gone") && !strcmp(url, SITE "/form")) || trouble(web, "all gone")) {
        out->status = 404;
        out->title = "Page not found";
    } else if (web->counter == 0 && web->leads_to && str_starts(web->leads_to, "renamed")) {
        fake_add(out, "", "button", trouble(web, "renamed") ? "Save the draft" : "Delete draft",
                 "");
    } else if (trouble(web, "refused") && web->counter == 1 && web->flag) {
        out->status = 422;
        fake_add(out, "alert", "p", "This cannot be", "");
        form(web, out);
    } else if (web->counter > 0 && !trouble(web, "dead")) {
        fake_add(out, "", "p", trouble(web, "unmet") ? "Hm" : "Thank you", "");
    } else {
        form(web, out);
    }
}

/* A refusal lasts until the form is filled in again. */
static void press(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
    web->flag = web->counter == 1;
}

#define WAIT  "{'type':'wait','intent':'w','params':{'seconds':0}}"
#define OPEN_ "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "/form'}}"
#define FILL                                                                                       \
    "{'type':'fill_field','intent':'x','required':true,'params':{'label':'Name','value':'a'}}"
#define SEND_ "{'type':'submit','intent':'x','required':true,'params':{'label':'Send'}"

static void desk(struct rig *rig, const char *steps, const char *what)
{
    rig_init(rig, desk_page, steps);
    rig->web.click = press;
    rig->web.leads_to = what;
    rig_run(rig, NULL);
}

static void a_refused_form_is_filled_in_and_sent_again(void **state)
{
    struct rig rig;
    desk(&rig, "[" OPEN_ "," FILL "," SEND_ ",'hints':{'expect_text_present':'Thank you'}}]",
         "refused");
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.counter, 2);
    assert_int_equal(rig.web.typed_times, 2);
    const json_t *d = json_object_get(event(&rig, "recovery", "decision"), "detail");
    assert_string_equal(json_str(d, "mode", ""), "rewind");
    assert_string_equal(json_str(d, "failure_class", ""), "no_state_change");
    assert_int_equal(json_int(healing(&rig, "rewind"), "to_step", -1), 1);
    assert_int_equal(json_int(rig.final, "recoveries", 0), 1);
    assert_int_equal(rig_n_results(&rig),
                     4); /* the field twice; the submit's first attempt is no result */
    rig_release(&rig);
}

/* Two pages at one address; web->counter: how many were sent. */
static void wizard_page(struct fake_web *web, struct pool *pool, const char *url,
                        struct fake_page *out)
{
    static const char *const fields[] = {"Name", "Street"}, *const buttons[] = {"Continue", "Send"};
    out->title = "Wizard";
    if (web->counter > 1) {
        fake_add(out, "", "p", "Thank you", "");
        return;
    }
    fake_add(out, "input", "input", fields[web->counter], "");
    fake_add(out, "button", "button", buttons[web->counter], "");
}

static void a_form_that_begins_anew_after_an_interruption_is_filled_in_again(void **state)
{
    static const char *const steps =
        "[" OPEN_ "," FILL
        ",{'type':'submit','intent':'x','required':true,'params':{'label':'Continue'}}"
        ",{'type':'fill_field','intent':'x','required':true,'params':{'label':'Street','value':'b'}},"
        SEND_ ",'hints':{'expect_text_present':'Thank you'}}]";
    struct rig first;
    rig_init(&first, wizard_page, steps);
    first.web.click = press;
    rig_run(&first, NULL);
    assert_string_equal(first.end.status, "completed");
    assert_int_equal(first.web.counter, 2);
    for (int n = 2; n < 4; n++) { /* the first page was sent; the second one was filled in */
        struct rig rig;
        rig_init(&rig, wizard_page, steps);
        rig.web.click = press;
        rig_run(&rig, first.checkpoints[n]);
        assert_string_equal(rig.end.status, "completed");
        assert_int_equal(rig.web.counter, 2);
        assert_int_equal(json_int(healing(&rig, "rewind"), "to_step", -1), 1);
        rig_release(&rig);
    }
    rig_release(&first);
}

static void what_may_have_been_taken_is_not_sent_again(void **state)
{
    struct rig rig;
    desk(&rig, "[" OPEN_ "," FILL "," SEND_ ",'hints':{'expect_text_present':'Thank you'}}]",
         "unmet");
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(rig.web.counter, 1);
    assert_non_null(strstr(rig_data(&rig, -1), "it is not sent again"));
    rig_release(&rig);
}

static void a_dead_submit_is_read_for_a_complaint_and_halts(void **state)
{
    struct rig rig;
    desk(&rig, "[" OPEN_ "," FILL "," SEND_ "}]", "dead");
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(rig.web.clicks, 3 + 1); /* and one for the field */
    assert_string_equal(json_str(rig_result(&rig, -1), "failure_class", ""), "no_state_change");
    rig_release(&rig);
}

static void the_nearest_label_is_taken_when_it_commits_nothing_more(void **state)
{
    static const struct {
        const char *label, *trouble, *status;
    } cases[] = {{"Save draft", "renamed", "completed"}, {"Delet draft", "renamed away", "halted"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        char steps[400];
        snprintf(steps, sizeof(steps),
                 "[" OPEN_ "," WAIT
                 ",{'type':'submit','intent':'x','required':true,'params':{'label':'%s'}}]",
                 cases[i].label);
        desk(&rig, steps, cases[i].trouble);
        assert_string_equal(rig.end.status, cases[i].status);
        assert_int_equal(rig.web.counter, i == 0);
        rig_release(&rig);
    }
}

static void an_address_that_is_gone_is_tried_otherwise(void **state)
{
    struct rig rig;
    desk(&rig, "[{'type':'navigate','intent':'Open " SITE "/form','required':true}]", "gone");
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(fake_web_url(&rig.web), SITE "/form/");
    assert_string_equal(json_str(healing(&rig, "replace_step"), "new_intent", ""),
                        "Open " SITE "/form/");
    const json_t *edit = json_array_get(json_object_get(rig.final, "plan_edits"), 0);
    assert_string_equal(json_str(edit, "op", ""), "change");
    rig_release(&rig);
}

static void recoveries_have_budgets(void **state)
{
    static const int of_run[] = {0, 1}; /* 0: the default; then 2 for the step bind */
    for (size_t i = 0; i < ARRAY_SIZE(of_run); i++) {
        struct rig rig;
        rig_init(&rig, desk_page,
                 "[{'type':'navigate','intent':'Open " SITE "/form','required':true}]");
        rig.plan->runtime.max_recoveries_per_run = of_run[i];
        rig.web.leads_to = "all gone";
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.halt_reason, "required_failed:navigate");
        assert_int_equal(json_int(rig.final, "recoveries", 0), i == 0 ? 2 : 1);
        assert_int_equal(rig_n_events(&rig, "spent"), 1);
        assert_int_equal(rig_n_events(&rig, "retry"), i == 0 ? 8 : 5);
        rig_release(&rig);
    }
}

/* --- the critic ------------------------------------------------------------------------------ */

static void a_step_that_misses_twice_becomes_its_fallback_url(void **state)
{
    struct rig rig;
    desk(&rig,
         "[" OPEN_ ",{'type':'click','intent':'x','required':true,'section':'setup','params':{'"
         "label':'No such'},"
         "'hints':{'layout':'single','fallback_url':'/else'}}]",
         "");
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(fake_web_url(&rig.web), SITE "/else");
    const json_t *h = healing(&rig, "replace_step");
    assert_string_equal(json_str(h, "original_type", ""), "click");
    assert_string_equal(json_str(h, "new_type", ""), "navigate");
    assert_non_null(event(&rig, "critic-fallback-url", "fire"));
    rig_release(&rig);
}

static void rows_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Rows";
    fake_add(out, "", "tr", "Other", SITE "/other/1");
    fake_add(out, "", "tr", "Invoice", SITE "/invoice/7");
}

static void a_row_that_cannot_be_pressed_is_opened_by_its_address(void **state)
{
    struct rig rig;
    rig_init(
        &rig, rows_page,
        "[" OPEN_ ",{'type':'click','intent':'x','required':true,'section':'setup','params':{'"
        "label':'No such',"
        "'kind':'row_link'},'hints':{'layout':'single','expect_url_contains':['/invoice/']}}]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(fake_web_url(&rig.web), SITE "/invoice/7");
    assert_non_null(event(&rig, "critic-row-link-dom-href", "fire"));
    rig_release(&rig);
}

static void going_back_in_vain_opens_the_results_once(void **state)
{
    struct rig rig;
    struct err err = {0};
    struct next next = {.kind = NEXT_ADVANCE};
    struct step_result result = step_result_empty();
    edits_begin(&rig, "[{'type':'navigate_back','intent':'b'},{'type':'wait','intent':'w'}]");
    rig.run.index = 0;
    rig.run.step = &rig.run.plan->steps[0];
    progress_set(&rig.run.progress.results_base_url, SITE "/list/");
    result.failure_class = "brain_loop_exhausted";
    for (int i = 0; i < 2; i++)
        assert_int_equal(critic_look(&rig.run, &result, &next, &err), 0);
    assert_int_equal(rig.run.plan->n_steps, 3);
    assert_string_equal(rig.run.plan->steps[1].type, "navigate");
    assert_string_equal(json_str(rig.run.plan->steps[1].params, "url", ""), SITE "/list/");
    assert_string_equal(json_str(json_array_get(rig.run.progress.healing, 0), "kind", ""),
                        "insert_step");
    rig_release(&rig);
}

static void two_presses_without_effect_hand_a_click_to_the_brain(void **state)
{
    static const struct action done = {.type = ACTION_DONE, .success = true, .summary = "seen"};
    struct rig_brain brain;
    struct rig rig;
    rig_brain_init(&brain, &done, 1);
    rig_init(&rig, desk_page,
             "[" OPEN_ ",{'type':'click','intent':'Click the big Details "
                       "button','required':true,'section':'setup',"
             "'params':{'label':'Details'},'hints':{'layout':'single'}}]");
    rig.brain = &brain.base;
    rig.web.leads_to = "dead";
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(rig.web.clicks, 2);
    const json_t *h = healing(&rig, "handler_escalation");
    assert_string_equal(json_str(h, "from_handler", ""), "click");
    assert_string_equal(json_str(h, "trigger", ""), "no_state_change");
    h = healing(&rig, "rewrite");
    assert_string_equal(json_str(h, "to_intent", ""), "Click Details");
    assert_string_equal(json_str(h, "failure_class", ""), "no_state_change");
    assert_int_equal(json_object_size(json_object_get(rig.final, "intent_overrides")), 0);
    rig_release(&rig);
}

/* --- guards ---------------------------------------------------------------------------------- */

static void a_pattern_says_what_the_source_is(void **state)
{
    static const struct {
        const char *url, *pattern;
        bool on;
    } cases[] = {
        {"http://a.test/boats/7", "http://a.test/boats/*", true},
        {"http://a.test/boats", "http://a.test/boats/*", true},
        {"http://a.test/boatsman", "http://a.test/boats/*",
         true}, /* what precedes the slash and star */
        {"http://a.test/boat", "http://a.test/boats/*", false},
        {"http://a.test/boats", "http://a.test/boats", true},
        {"http://a.test/boats/7", "http://a.test/boats", true},
        {"http://a.test/boats?x=1", "http://a.test/boats", true},
        {"http://a.test/boats#top", "http://a.test/boats", true},
        {"http://a.test/boatsman", "http://a.test/boats", false},
        {"http://b.test/boats", "http://a.test/boats", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(guards_on_source(cases[i].url, cases[i].pattern), cases[i].on);
}

static void a_fingerprint_is_of_address_picture_and_text(void **state)
{
    struct pool *pool = pool_create(NULL);
    char a[GUARDS_PRINT_BYTES], b[GUARDS_PRINT_BYTES];
    struct observation obs = {.url = "http://a.test/", .title = ""};
    guards_fingerprint(pool, &obs, a);
    guards_fingerprint(pool, &obs, b);
    assert_string_equal(a, b);
    assert_int_equal(strlen(a), 32);
    obs.url = "http://a.test/2";
    guards_fingerprint(pool, &obs, b);
    assert_string_not_equal(a, b);
    pool_destroy(pool);
}

static void a_run_that_stands_still_or_goes_astray_is_stopped(void **state)
{
    static const struct {
        int repeats, off_budget;
        const char *pattern, *halt;
        int results;
    } cases[] = {
        {3, 0, "", "loop_stuck", 3},
        {0, 2, "http://else.test/*", "off_source_drift", 2},
        {2, 2, "http://else.test/*", "off_source_drift", 2}, /* astray is asked first */
        {0, 2, "http://desk.test/*", "", 5},
        {0, 0, "http://else.test/*", "", 5},
        {0, 0, "", "", 5},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rig rig;
        rig_init(&rig, desk_page, "[" OPEN_ "," WAIT "," WAIT "," WAIT "," WAIT "]");
        rig.plan->runtime.state_repeat_threshold = cases[i].repeats;
        rig.plan->runtime.off_source_step_budget = cases[i].off_budget;
        rig.plan->runtime.pinned_source_url_pattern = cases[i].pattern;
        rig_run(&rig, NULL);
        assert_string_equal(rig.end.halt_reason, cases[i].halt);
        assert_string_equal(rig.end.status, *cases[i].halt ? "halted" : "completed");
        assert_int_equal(rig_n_results(&rig), cases[i].results);
        rig_release(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        row_test("plans 9.2 Better: inserted recovery steps shift loop_target, then_target and "
                 "else_target",
                 inserted_steps_move_all_that_points_behind_them),
        row_test("agent-loop 9.3 a replacement keeps budget, required, section and gate",
                 a_changed_step_keeps_what_is_not_named),
        row_test("agent-loop 13 Better: plan edits are persisted and replayed",
                 a_resumed_worker_makes_the_same_plan_of_its_edits),
        row_test("agent-loop 9.1 layer 2: an intent is rewritten more mechanically, or kept",
                 an_intent_is_said_more_mechanically),
        row_test("agent-loop 9.1 layer 2: another verb or a pre-step is discarded",
                 a_rewrite_is_the_same_order_or_none),
        row_test("agent-loop 9.1 layer 2: the classes of the rewrite set",
                 some_failures_are_answered_by_a_rewrite),
        row_test("agent-loop 9.4 URL rewrite proposals sorted by confidence",
                 other_addresses_are_proposed_best_first),
        row_test("agent-loop 9.4 the nearest label never commits more than the one asked for",
                 labels_are_compared_by_their_letters),
        row_test("agent-loop 9.4 going back never does twice what commits",
                 only_what_does_not_commit_is_done_again),
        row_test("agent-loop 9.4 a refused form is filled in and sent again",
                 a_refused_form_is_filled_in_and_sent_again),
        row_test("agent-loop 13 a form that begins anew after an interruption is filled in again",
                 a_form_that_begins_anew_after_an_interruption_is_filled_in_again),
        row_test("agent-loop 9.4 what may have been taken is not sent again",
                 what_may_have_been_taken_is_not_sent_again),
        row_test("agent-loop 9.4 submit and no_state_change: Tab, read, halt",
                 a_dead_submit_is_read_for_a_complaint_and_halts),
        row_test("agent-loop 9.4 the nearest label is taken",
                 the_nearest_label_is_taken_when_it_commits_nothing_more),
        row_test("agent-loop 9.4 bad_url: the first proposal that opens is taken",
                 an_address_that_is_gone_is_tried_otherwise),
        row_test("agent-loop 9.4 budgets per run and per step", recoveries_have_budgets),
        row_test("agent-loop 9.3 fallback_url after two failures of any class",
                 a_step_that_misses_twice_becomes_its_fallback_url),
        row_test("agent-loop 9.3 row link by its address",
                 a_row_that_cannot_be_pressed_is_opened_by_its_address),
        row_test("agent-loop 9.3 back fallback opens the results",
                 going_back_in_vain_opens_the_results_once),
        row_test("agent-loop 9.2 two no_state_change: the brain takes over, with the intent "
                 "rewritten once",
                 two_presses_without_effect_hand_a_click_to_the_brain),
        row_test("plans 5 pinned_source_url_pattern: prefix rules",
                 a_pattern_says_what_the_source_is),
        row_test("plans 5 state fingerprint: 32 hex of URL, 64-bit hash and text",
                 a_fingerprint_is_of_address_picture_and_text),
        row_test("plans 5 state_repeat_threshold and off_source_step_budget, off-source first",
                 a_run_that_stands_still_or_goes_astray_is_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
