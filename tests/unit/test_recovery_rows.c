/*
 * The rows of agent-loop.md 9.3 and 9.4 that no model is needed for: what the critic edits, what a
 * decision does to the plan, and which addresses are proposed.
 */
#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/critic.h"
#include "run/edits.h"
#include "run/look.h"
#include "run/recovery.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE "http://door.test"

/* --- 9.3: the critic ------------------------------------------------------------------------- */

/* A table row, a link beside the table, and a row that leads where it should. */
static void rows_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Rows";
    fake_add(out, "", "a", "Invoices", SITE "/invoice/help");
    fake_add(out, "", "tr", "Other", SITE "/other/1");
    fake_add(out, "", "tr", "Invoice", SITE "/invoice/7");
    fake_add(out, "", "tr", "Invoice", SITE "/invoice/8");
}

#define PRESS(type, more) "{'type':'" type "','intent':'x'" more "}"
#define FALLBACK          ",'hints':{'fallback_url':'/else'}"
#define ROW_LINK          ",'params':{'kind':'row_link'},'hints':{'expect_url_contains':['/invoice/']}"
#define BACK              PRESS("navigate_back", "")

/* clang-format off */
static const struct critic_row {
    const char *row, *step, *class;
    int failures; /* recorded so far */
    const char *base; /* results base URL */
    const char *url;  /* of the navigate that came of it; "" the plan stays */
    enum outcome outcome;
    enum next_kind next;
} critic_rows[] = {
    {"agent-loop 9.3 fallback_url: no_state_change", PRESS("click", FALLBACK), "no_state_change", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: wrong_target", PRESS("click", FALLBACK), "wrong_target", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: brain_loop_exhausted", PRESS("click", FALLBACK), "brain_loop_exhausted", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: selector_miss", PRESS("click", FALLBACK), "selector_miss", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: unknown", PRESS("click", FALLBACK), "unknown", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: not for another class", PRESS("click", FALLBACK), "http_5xx", 2, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: not after one failure", PRESS("click", FALLBACK), "wrong_target", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: of a submit", PRESS("submit", FALLBACK), "wrong_target", 2, "", SITE "/else", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: not of a field", PRESS("fill_field", FALLBACK), "wrong_target", 2, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: not without the hint", PRESS("click", ""), "wrong_target", 2, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: a whole address is opened as it is", PRESS("click", ",'hints':{'fallback_url':'https://b.test/x?y=1'}"), "wrong_target", 2, "", "https://b.test/x?y=1", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: a relative one belongs to the open page's origin", PRESS("click", ",'hints':{'fallback_url':'else?a=b'}"), "wrong_target", 2, "", SITE "/else?a=b", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 fallback_url: not for what may have been taken", PRESS("submit", FALLBACK), "wrong_target", 2, "", "", OUTCOME_UNMET, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: selector_miss", PRESS("click", ROW_LINK), "selector_miss", 1, "", SITE "/invoice/7", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: unknown", PRESS("click", ROW_LINK), "unknown", 1, "", SITE "/invoice/7", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: wrong_target", PRESS("click", ROW_LINK), "wrong_target", 1, "", SITE "/invoice/7", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: no_state_change", PRESS("submit", ROW_LINK), "no_state_change", 1, "", SITE "/invoice/7", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: not brain_loop_exhausted", PRESS("click", ROW_LINK), "brain_loop_exhausted", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: not of another kind", PRESS("click", ",'params':{'kind':'button'},'hints':{'expect_url_contains':['/invoice/']}"), "selector_miss", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: not without patterns", PRESS("click", ",'params':{'kind':'row_link'}"), "selector_miss", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 row link: not when no row's address fits", PRESS("click", ",'params':{'kind':'row_link'},'hints':{'expect_url_contains':['/help']}"), "selector_miss", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 back fallback: a navigate to the results comes next", BACK, "brain_loop_exhausted", 1, SITE "/list/", SITE "/list/", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 back fallback: not for another class", BACK, "wrong_target", 1, SITE "/list/", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 back fallback: not when no results are known", BACK, "brain_loop_exhausted", 1, "", "", OUTCOME_NORMAL, NEXT_ADVANCE},
    {"agent-loop 9.3 the critic looks at what goes on only", PRESS("click", FALLBACK), "wrong_target", 2, "", "", OUTCOME_NORMAL, NEXT_HALT},
};
/* clang-format on */

static void bench(struct rig *rig, fake_page_fn *page, const char *step)
{
    struct err err = {0};
    struct settled s;
    struct observation obs;
    static char steps[400];
    snprintf(steps, sizeof(steps), "[%s,{'type':'wait','intent':'w'}]", step);
    rig_init(rig, page, steps);
    run_init(&rig->run, &rig->config, rig->loop, &rig->web.plane, fake_reader(), NULL, &rig->host);
    rig->run.step = &rig->run.plan->steps[0];
    rig->run.index = 0;
    assert_int_equal(run_open(&rig->run, SITE "/list?page=2", 1000, &s, &err), 0);
    assert_int_equal(run_look(&rig->run, &obs, &err), 0);
}

static void the_critic_edits_the_plan(void **state)
{
    const struct critic_row *row = *state;
    struct rig rig;
    struct err err = {0};
    struct step_result result = step_result_empty();
    struct next next = {.kind = row->next};
    const char *url = "";
    bench(&rig, rows_page, row->step);
    json_t *failures = json_array();
    for (int i = 0; i < row->failures; i++)
        json_push(failures, json_object());
    json_put(rig.run.progress.failures, "0", failures);
    progress_set(&rig.run.progress.results_base_url, row->base);
    result.failure_class = row->class;
    result.outcome = row->outcome;
    if (critic_look(&rig.run, &result, &next, &err))
        fail_msg("%s", err.msg);
    const struct plan *plan = rig.run.plan;
    for (int i = 0; i < plan->n_steps; i++)
        if (!strcmp(plan->steps[i].type, "navigate"))
            url = json_str(plan->steps[i].params, "url", "");
    assert_string_equal(url, row->url);
    rig_release(&rig);
}

/* --- 9.4: what a decision does --------------------------------------------------------------- */

/* Its "Enter" is there once "Unlock" was pressed (web->flag). */
static void door_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Door";
    fake_add(out, "button", "button", "Unlock", "");
    fake_add(out, "button", "button", "Dead", "");
    out->elements[1].dead = true;
    fake_add(out, "button", "button", "Banner", SITE "/other");
    fake_add(out, "button", "button", "Banner below", SITE "/other"); /* the first is not pressed again */
    if (web->flag)
        fake_add(out, "button", "button", "Enter", SITE "/in");
}

static void unlock(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->flag = true;
}

/* What the next decision is to be, and how often one was asked for. */
static struct {
    struct recovery_decision decision;
    bool unlocks;
    int asked, error; /* error: what the decision ends with, 0: it is made */
    char class[40];
} planned;

static int decide(struct run *run, const struct recovery_ask *ask, struct recovery_decision *out,
                  struct err *err)
{
    planned.asked++;
    snprintf(planned.class, sizeof(planned.class), "%s", ask->result->failure_class);
    *out = planned.decision;
    out->change = planned.decision.change ? json_deep_copy(planned.decision.change) : NULL;
    out->steps = planned.decision.steps ? json_deep_copy(planned.decision.steps) : NULL;
    ((struct fake_web *)run->plane)->flag = planned.unlocks;
    return planned.error ? err_set(err, planned.error, "nobody can look") : 0;
}

static const struct recovery_driver scripted = {"scripted", decide};

#define UNLOCK "{'type':'submit','intent':'Unlock it','required':true,'params':{'label':'Unlock'}}"
#define OPEN_  "{'type':'navigate','intent':'x','params':{'url':'" SITE "/'}}"
#define ENTER                                                                                      \
    "{'type':'submit','intent':'Enter it','section':'setup','required':true,"                      \
    "'params':{'label':'Enter'},'hints':{'region':'full'}}"
#define UNLOCK_INSTEAD "{'params':{'label':'Enter'}}"
#define AGAIN "{'type':'loop','intent':'l','loop_target':1,'loop_count':1}"

static void door(struct rig *rig, enum recovery_mode mode, const char *change, const char *steps)
{
    rig_init(rig, door_page, "[" OPEN_ "," ENTER "," AGAIN "]");
    planned.decision = (struct recovery_decision){
        .mode = mode,
        .name = "scripted",
        .reasoning = "because",
        .change = change ? json_of(rig->pool, change) : NULL,
        .steps = steps ? json_of(rig->pool, steps) : NULL,
    };
    planned.asked = 0;
    rig->web.click = unlock;
    rig->config.recovery = &scripted;
    rig_run(rig, NULL);
}

static void a_recovery_that_cannot_look_ends_the_step(void **state)
{
    struct rig rig;
    planned.error = E_UNSUPPORTED;
    door(&rig, RECOVERY_HINT, NULL, NULL);
    planned.error = 0;
    assert_int_equal(planned.asked, 1);
    assert_string_equal(json_str(rig.final, "halt_reason", ""), "required_failed:submit");
    assert_int_equal(rig_n_events(&rig, "recovery_failed"), 1);
    rig_release(&rig);
}

/* Reasons of the attempts that were made again, in order, in one line. */
static const char *retries(const struct rig *rig)
{
    const char *out = "";
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), "retry"))
            out = pool_printf(rig->pool, "%s%s%s", out, *out ? " " : "",
                              json_str(json_object_get(e, "detail"), "reason", ""));
    return out;
}

#define TWICE "required_retry:submit:1 required_retry:submit:2"

static void a_hint_is_added_and_the_step_tried_again(void **state)
{
    struct rig rig;
    planned.unlocks = true;
    door(&rig, RECOVERY_HINT, "{'hints':{'near':'the lock'}}", NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(retries(&rig), TWICE " recovery_hint:scripted");
    assert_string_equal(json_str(rig.run.plan->steps[1].hints, "near", ""), "the lock");
    assert_string_equal(json_str(rig.run.plan->steps[1].hints, "region", ""), "full");
    assert_string_equal(planned.class, "selector_miss");
    rig_release(&rig);
}

static void an_edit_replaces_type_and_intent_and_merges_params(void **state)
{
    struct rig rig;
    planned.unlocks = false;
    door(&rig, RECOVERY_EDIT,
         "{'type':'click','intent':'Press Unlock','params':{'label':'Unlock','kind':'button'},"
         "'hints':{'layout':'single'}}",
         NULL);
    const struct step *s = &rig.run.plan->steps[1];
    assert_string_equal(s->type, "click");
    assert_string_equal(s->intent, "Press Unlock");
    assert_string_equal(json_str(s->params, "label", ""), "Unlock");
    assert_string_equal(json_str(s->hints, "region", ""), "full");
    assert_true(s->required);
    assert_string_equal(retries(&rig), TWICE " recovery_edit:click");
    rig_release(&rig);
}

static void inserted_steps_come_first_and_belong_to_the_step(void **state)
{
    struct rig rig;
    planned.unlocks = false;
    door(&rig, RECOVERY_INSERT, NULL, "[" UNLOCK "]");
    const struct plan *plan = rig.run.plan;
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(fake_web_url(&rig.web), SITE "/in");
    assert_string_equal(retries(&rig), TWICE " recovery_insert:1_steps");
    assert_int_equal(plan->n_steps, 4);
    assert_string_equal(plan->steps[1].intent, "Unlock it");
    assert_string_equal(plan->steps[1].section, "setup");
    assert_false(plan->steps[1].required);
    assert_string_equal(json_str(plan->steps[1].hints, "region", ""), "full");
    assert_string_equal(plan->steps[2].intent, "Enter it");
    assert_int_equal(plan->steps[3].loop_target, 2); /* at the place or behind it */
    assert_string_equal(json_str(rig_result(&rig, 1), "intent", ""), "Unlock it");
    rig_release(&rig);
}

static void a_region_of_its_own_is_kept(void **state)
{
    struct rig rig;
    planned.unlocks = false;
    door(&rig, RECOVERY_INSERT, NULL,
         "[{'type':'submit','intent':'u','params':{'label':'Unlock'},'hints':{'region':'top'}}]");
    assert_string_equal(json_str(rig.run.plan->steps[1].hints, "region", ""), "top");
    rig_release(&rig);
}

static void insertions_that_do_not_help_end_with_the_steps_budget(void **state)
{
    struct rig rig;
    planned.unlocks = false;
    door(&rig, RECOVERY_INSERT, NULL, "[{'type':'wait','intent':'w','params':{'seconds':0}}]");
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(planned.asked, 2);
    assert_int_equal(rig.run.plan->n_steps, 5);
    rig_release(&rig);
}

static void a_decision_resets_the_retries(void **state)
{
    struct rig rig;
    planned.unlocks = false;
    door(&rig, RECOVERY_HINT, "{'hints':{'near':'x'}}", NULL);
    assert_string_equal(retries(&rig), TWICE " recovery_hint:scripted " TWICE
                                             " recovery_hint:scripted " TWICE);
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    rig_release(&rig);
}

static void a_halt_tries_nothing_more_and_says_why(void **state)
{
    struct rig rig;
    planned.unlocks = true;
    door(&rig, RECOVERY_HALT, NULL, NULL);
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    assert_string_equal(retries(&rig), TWICE);
    assert_non_null(strstr(rig_data(&rig, -1), "; because"));
    assert_int_equal(json_int(rig.final, "recoveries", -1), 0); /* a halt costs no budget */
    rig_release(&rig);
}

/* --- 9.3: the frontier ----------------------------------------------------------------------- */

/* A step that is not required leads to the wrong page in each round of a loop. */
static void rounds(struct rig *rig, bool frontier, int n)
{
    static char steps[600];
    snprintf(steps, sizeof(steps),
             "[" OPEN_ ",{'type':'click','intent':'Enter it','section':'setup','hints':{'layout':"
             "'single','expect_url_contains':['/in']},'params':{'label':'Banner'}},{'type':'loop','intent':'l','loop_target':1,"
             "'loop_count':%d}]",
             n);
    rig_init(rig, door_page, steps);
    planned.decision = (struct recovery_decision){.mode = RECOVERY_EDIT,
                                                  .name = "scripted",
                                                  .reasoning = "because",
                                                  .change = json_of(rig->pool, UNLOCK_INSTEAD)};
    planned.asked = 0;
    planned.unlocks = true;
    rig->web.click = unlock;
    rig->config.recovery = &scripted;
    rig->config.critic_frontier = frontier;
    rig_run(rig, NULL);
}

static bool told(const struct rig *rig, const char *kind)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "layer", ""), "critic-frontier") &&
            !strcmp(json_str(e, "kind", ""), kind))
            return true;
    return false;
}

static void after_two_failures_the_frontier_asks(void **state)
{
    struct rig rig;
    rounds(&rig, true, 2);
    assert_int_equal(planned.asked, 1);
    assert_string_equal(fake_web_url(&rig.web), SITE "/in");
    assert_true(told(&rig, "fire") && told(&rig, "result"));
    assert_int_equal(json_int(rig.final, "recoveries", 0), 1); /* of the same budget */
    rig_release(&rig);
}

static void after_one_failure_the_frontier_is_silent(void **state)
{
    struct rig rig;
    rounds(&rig, true, 1);
    assert_int_equal(planned.asked, 0);
    rig_release(&rig);
}

static void switched_off_the_frontier_is_silent(void **state)
{
    struct rig rig;
    rounds(&rig, false, 2);
    assert_int_equal(planned.asked, 0);
    assert_false(told(&rig, "fire"));
    rig_release(&rig);
}

/* --- 9.4: Tab after a submit without effect -------------------------------------------------- */

static int tabs_pressed(int given)
{
    struct rig rig;
    int n = 0;
    rig_init(&rig, door_page,
             "[" OPEN_ ",{'type':'submit','intent':'x','required':true,'params':{'label':'Dead'}}]");
    rig.config.blur_tabs = given;
    rig_run(&rig, NULL);
    for (const char *at = rig.web.hand; (at = strstr(at, "key Tab")); at++)
        n++;
    assert_string_equal(rig.end.halt_reason, "required_failed:submit");
    rig_release(&rig);
    return n;
}

static void a_submit_without_effect_is_followed_by_tabs(void **state)
{
    int none = tabs_pressed(-1); /* a submit of its own may press some */
    assert_int_equal(tabs_pressed(0), none + 12);
    assert_int_equal(tabs_pressed(3), none + 3);
}

/* --- 9.6: healing events --------------------------------------------------------------------- */

/* A click on what does nothing, twice: demoted, said otherwise, handed to the brain. */
static void dead_end(struct rig *rig)
{
    static const struct action done = {.type = ACTION_DONE, .success = true, .summary = "seen"};
    static struct rig_brain brain;
    rig_brain_init(&brain, &done, 1);
    rig_init(rig, door_page,
             "[" OPEN_ ",{'type':'click','intent':'Click the big Dead button','required':true,"
             "'section':'setup','params':{'label':'Dead'},'hints':{'layout':'single'}}]");
    rig->brain = &brain.base;
    rig_run(rig, NULL);
}

static void insertion(struct rig *rig)
{
    planned.unlocks = false;
    door(rig, RECOVERY_INSERT, NULL, "[" UNLOCK "]");
}

static void edition(struct rig *rig)
{
    planned.unlocks = true;
    door(rig, RECOVERY_EDIT, "{'type':'click','hints':{'layout':'single'}}", NULL);
}

static const struct heal_case {
    const char *row, *kind;
    void (*happens)(struct rig *rig);
    const char *keys[4]; /* beside kind, step_index, source and at */
} heal_cases[] = {
    {"agent-loop 9.6 rewrite: from_intent, to_intent, failure_class", "rewrite", dead_end,
     {"from_intent", "to_intent", "failure_class"}},
    {"agent-loop 9.6 demotion: step_type, reason", "demotion", dead_end, {"step_type", "reason"}},
    {"agent-loop 9.6 handler_escalation: from_handler, to_handler, trigger", "handler_escalation",
     dead_end, {"from_handler", "to_handler", "trigger"}},
    {"agent-loop 9.6 insert_step: inserted_intent, inserted_type, reason", "insert_step", insertion,
     {"inserted_intent", "inserted_type", "reason"}},
    {"agent-loop 9.6 replace_step: original_type, new_intent, new_type, reason", "replace_step",
     edition, {"original_type", "new_intent", "new_type", "reason"}},
};

static void what_heals_is_told(void **state)
{
    const struct heal_case *c = *state;
    struct rig rig;
    const json_t *event = NULL;
    size_t i;
    json_t *h;
    c->happens(&rig);
    json_array_foreach (json_object_get(rig.final, "healing_events"), i, h)
        if (!strcmp(json_str(h, "kind", ""), c->kind))
            event = h;
    assert_non_null(event);
    assert_true(json_int(event, "step_index", -1) >= 1);
    assert_true(*json_str(event, "source", "") && strchr(json_str(event, "at", ""), 'T'));
    for (int k = 0; k < 4 && c->keys[k]; k++)
        if (!*json_str(event, c->keys[k], ""))
            fail_msg("no %s in %s", c->keys[k], json_text(rig.pool, event));
    rig_release(&rig);
}

/* --- 9.4: other addresses -------------------------------------------------------------------- */

#define LINK(href, words)                                                                          \
    "{'parent':0,'tag':'a','name':'" words "','href':'" href "','attrs':{'href':'" href            \
    "'},'flags':'visible'},"

/* clang-format off */
static const struct url_row {
    const char *row, *url, *links, *want; /* links: of the page; NULL: no page */
    double confidence; /* 0: want is not proposed */
} url_rows[] = {
    {"agent-loop 9.4 bad_url: a trailing slash is put on", "http://a.test/b", NULL, "http://a.test/b/", .6},
    {"agent-loop 9.4 bad_url: a trailing slash is taken off", "http://a.test/b/", NULL, "http://a.test/b", .6},
    {"agent-loop 9.4 bad_url: /word-xx becomes /word/xx", "http://a.test/shop-de", NULL, "http://a.test/shop/de", .6},
    {"agent-loop 9.4 bad_url: /word/xx becomes /word-xx", "http://a.test/shop/de", NULL, "http://a.test/shop-de", .6},
    {"agent-loop 9.4 bad_url: www. is put on", "http://a.test/b", NULL, "http://www.a.test/b", .55},
    {"agent-loop 9.4 bad_url: www. is taken off", "http://www.a.test/b", NULL, "http://a.test/b", .55},
    {"agent-loop 9.4 bad_url: the query in lower case", "http://a.test/b?Q=Ab", NULL, "http://a.test/b?q=ab", .5},
    {"agent-loop 9.4 bad_url: a link with all words counts .75", "http://a.test/red-boats", LINK("http://a.test/x/red-boats", "red boats"), "http://a.test/x/red-boats", .75},
    {"agent-loop 9.4 bad_url: a link with half of the words counts .625", "http://a.test/red-boats-old-cheap", LINK("http://a.test/z/red-boats", ""), "http://a.test/z/red-boats", .625},
    {"agent-loop 9.4 bad_url: a link with fewer than a quarter of the words is none", "http://a.test/red-boats-old-cheap-small", LINK("http://a.test/z/red", ""), "http://a.test/z/red", 0},
    {"agent-loop 9.4 bad_url: a link to another site is none", "http://a.test/red-boats", LINK("http://b.test/red-boats", "red boats"), "http://b.test/red-boats", 0},
    {"agent-loop 9.4 bad_url: three links at most", "http://a.test/red", LINK("http://a.test/1/red", "") LINK("http://a.test/2/red", "") LINK("http://a.test/3/red", "") LINK("http://a.test/4/red", ""), "http://a.test/4/red", 0},
};
/* clang-format on */

static void addresses_are_proposed(void **state)
{
    const struct url_row *row = *state;
    struct pool *pool = pool_create(NULL);
    struct page *page = NULL;
    struct err err = {0};
    struct url_proposal list[URL_PROPOSALS];
    double confidence = 0;
    const char *text = pool_printf(
        pool, "{'url':'http://a.test/','title':'','nodes':[{'parent':-1,'tag':'body','flags':"
              "'visible'},%s{'parent':0,'tag':'p','flags':'visible'}]}",
        row->links ? row->links : "");
    if (row->links && page_from_json(pool, json_of(pool, text), &page, &err))
        fail_msg("%s", err.msg);
    int n = recovery_urls(pool, row->url, "", page, list);
    for (int i = 0; i < n; i++)
        if (!strcmp(list[i].url, row->want))
            confidence = list[i].confidence;
    if (fabs(confidence - row->confidence) > 1e-9)
        fail_msg("%s: %g, not %g", row->want, confidence, row->confidence);
    pool_destroy(pool);
}

/* --- all of them ----------------------------------------------------------------------------- */

static const struct CMUnitTest plain_tests[] = {
    row_test("agent-loop 9.4 add_hint: added to the step's, and tried again",
             a_hint_is_added_and_the_step_tried_again),
    row_test("agent-loop 9.4 a recovery that cannot look: the step has failed, nothing is tried without end",
             a_recovery_that_cannot_look_ends_the_step),
    row_test("agent-loop 9.4 edit_step: type and intent replaced, params merged",
             an_edit_replaces_type_and_intent_and_merges_params),
    row_test("agent-loop 9.4 insert_steps: first, same section, not required, hints region",
             inserted_steps_come_first_and_belong_to_the_step),
    row_test("agent-loop 9.4 insert_steps: a region of its own is kept",
             a_region_of_its_own_is_kept),
    row_test("agent-loop 9.4 insert_steps: twice for a step, then halt",
             insertions_that_do_not_help_end_with_the_steps_budget),
    row_test("agent-loop 9.4 a decision resets the retries", a_decision_resets_the_retries),
    row_test("agent-loop 9.3 frontier: after two failures of the rewrite classes a decision is asked",
             after_two_failures_the_frontier_asks),
    row_test("agent-loop 9.3 frontier: not after one", after_one_failure_the_frontier_is_silent),
    row_test("agent-loop 9.3 frontier: off unless MANTIS_CRITIC_FRONTIER is enabled",
             switched_off_the_frontier_is_silent),
    row_test("agent-loop 9.4 submit and no_state_change: Tab 12 times, or as set, or never",
             a_submit_without_effect_is_followed_by_tabs),
    row_test("agent-loop 9.4 halt: nothing more is tried, and the reason is told",
             a_halt_tries_nothing_more_and_says_why),
};

#define ROWS ARRAY_SIZE(critic_rows) + ARRAY_SIZE(url_rows) + ARRAY_SIZE(heal_cases)

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(plain_tests) + ROWS], *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(plain_tests); i++)
        *next++ = plain_tests[i];
    for (size_t i = 0; i < ARRAY_SIZE(critic_rows); i++)
        *next++ = (struct CMUnitTest){critic_rows[i].row, the_critic_edits_the_plan, NULL, NULL,
                                      (void *)&critic_rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(heal_cases); i++)
        *next++ = (struct CMUnitTest){heal_cases[i].row, what_heals_is_told, NULL, NULL,
                                      (void *)&heal_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(url_rows); i++)
        *next++ = (struct CMUnitTest){url_rows[i].row, addresses_are_proposed, NULL, NULL,
                                      (void *)&url_rows[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
