/* What a model is asked once the rules know nothing, and what of its answers is done:
 * agent-loop.md 9.1 and 9.4, brains.md 10. */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/ask.h"
#include "run/recovery.h"
#include "tools/fake_transport.h"
#include "unit/fixtures.h"
#include "unit/model_rig.h"
#include "unit/run_rig.h"

#define SITE "http://desk.test"

static struct pool *pool;

/* --- a desk, and who helps ------------------------------------------------------------------- */

static void desk_page(struct fake_web *web, struct pool *p, const char *url, struct fake_page *out)
{
    out->title = "Desk";
    if (web->leads_to && !strcmp(web->leads_to, "gone")) {
        out->status = 404;
        out->title = "Page not found";
        return;
    }
    if (web->counter > 0) {
        fake_add(out, "", "p", "Done", "");
        return;
    }
    fake_add(out, "input", "input", "Name", "");
    fake_add(out, "button", "button", "Send", "");
    fake_add(out, "button", "button", "Details", "");
    out->elements[1].dead = out->elements[2].dead = web->leads_to && !strcmp(web->leads_to, "dead");
}

static void press(struct fake_web *web, const char *url, const struct fake_element *e)
{
    web->counter++;
}

/* A picture of three bytes, whatever the screen shows. */
static int picture(void *arg, struct pool *p, const struct profile *profile,
                   const struct frame *frame, int w, int h, struct model_frame *out,
                   struct err *err)
{
    *out = (struct model_frame){(const uint8_t *)"abc", 3, w, h};
    return 0;
}

struct help {
    struct rig rig;
    struct fake_transport fake;
    struct model_link link;
    struct fake_answer answers[4];
};

/* In single quotes; NULL: words instead of the tool. */
static const char *decision(const char *args)
{
    const struct profile *claude = rig_profile(pool, "claude");
    const char *text = args ? json_text(pool, json_of(pool, args)) : NULL;
    json_t *body = json_deep_copy(rig_answer(pool, claude, args ? "" : "I do not know", "",
                                             args ? "record_recovery" : NULL, text));
    json_put_str(body, "model", "claude-haiku-4-5-20251001");
    json_put(body, "usage", json_pack("{s:i,s:i}", "input_tokens", 1000, "output_tokens", 100));
    return json_text(pool, json_keep(pool, body));
}

static const char *words(const char *text)
{
    return json_text(pool, rig_answer(pool, rig_profile(pool, "claude"), text, "", NULL, NULL));
}

static void begin_help(struct help *h, const char *steps, const char *const *answers, int n)
{
    rig_init(&h->rig, desk_page, steps);
    h->rig.web.click = press;
    for (int i = 0; i < n; i++)
        h->answers[i] = (struct fake_answer){.status = 200, .body = answers[i]};
    fake_transport_init(&h->fake, pool, h->answers, n);
    h->link =
        (struct model_link){.transport = &h->fake.base, .dirs = rig_dirs(), .picture = picture};
    h->rig.config.helper = &h->link;
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

static const json_t *healing(const struct rig *rig, const char *kind)
{
    size_t i;
    json_t *h;
    json_array_foreach (json_object_get(rig->final, "healing_events"), i, h)
        if (!strcmp(json_str(h, "kind", ""), kind))
            return h;
    return NULL;
}

#define WAIT  "{'type':'wait','intent':'w','params':{'seconds':0}}"
#define OPEN_ "{'type':'navigate','intent':'x','section':'setup','params':{'url':'" SITE "/form'}}"
#define STEP(type, intent, params)                                                                 \
    "[" OPEN_ "," WAIT ",{'type':'" type "','intent':'" intent                                     \
    "','required':true,'section':'setup','params':{" params "},'hints':{'layout':'single'}}]"
#define GO_ON STEP("submit", "Go on", "'label':'Proceed'")
#define SEND  STEP("submit", "Send the message", "'label':'Proceed'")

/* clang-format off */
static const struct row {
    const char *row, *steps, *answer;
    const char *status;
    int pressed;       /* something on the page was */
    const char *mode;  /* of the decision event */
    const char *refused; /* words of the event that says why it is not done; NULL: it is */
} rows[] = {
    {"agent-loop 9.4 edit_step: given params are merged and the step is tried again", SEND,
     "{'mode':'edit_step','reasoning':'the button is called Send','edited_step':{'params':{'label':'Send'}}}", "completed", 1, "edit_step", NULL},
    {"agent-loop 9.4 edit_step: another type", GO_ON,
     "{'mode':'edit_step','reasoning':'r','edited_step':{'type':'click','intent':'Click Details','params':{'label':'Details'}}}", "completed", 1, "edit_step", NULL},
    {"agent-loop 9.4 a label that commits more is not taken", GO_ON,
     "{'mode':'edit_step','reasoning':'r','edited_step':{'params':{'label':'Send'}}}", "halted", 0, "halt", "would commit"},
    {"agent-loop 9.4 an intent that commits more is not taken", GO_ON,
     "{'mode':'edit_step','reasoning':'r','edited_step':{'intent':'Press Pay now','params':{'label':'Details'}}}", "halted", 0, "halt", "would commit"},
    {"agent-loop 9.4 an alias that commits more is not taken", GO_ON,
     "{'mode':'edit_step','reasoning':'r','edited_step':{'params':{'aliases':['Details','Delete']}}}", "halted", 0, "halt", "would commit"},
    {"brains 10 an edit of nothing is a halt", GO_ON, "{'mode':'edit_step','reasoning':'r'}", "halted", 0, "halt", "changes nothing"},
    {"brains 10 an unknown mode is a halt", GO_ON, "{'mode':'start_over','reasoning':'r'}", "halted", 0, "halt", "no way 'start_over'"},
    {"brains 10 no mode is a halt", GO_ON, "{}", "halted", 0, "halt", "no way ''"},
    {"agent-loop 9.4 halt: its reasoning is what the caller sees", GO_ON, "{'mode':'halt','reasoning':'the site is closed'}", "halted", 0, "halt", NULL},
    {"brains 10 words instead of the tool are no answer", GO_ON, NULL, "halted", 0, "halt", NULL},
    {"brains 10 inserted steps without intent or type are dropped; none is left: halt", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'intent':'a','params':{}},{'type':'wait','params':{}}]}", "halted", 0, "halt", "names no step"},
    {"agent-loop 9.4 Return may send a form: not inserted", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'key_press','intent':'Press Return','params':{'keys':'Return'}}]}", "halted", 0, "halt", "may send something"},
    {"agent-loop 9.4 a loop is not recovery's to insert", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'loop','intent':'x','params':{}}]}", "halted", 0, "halt", "type 'loop'"},
    {"agent-loop 9.4 another site is not opened", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'navigate','intent':'Open it','params':{'url':'http://evil.test/'}}]}", "halted", 0, "halt", "may not open"},
    {"agent-loop 9.4 nor by an intent that names it", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'navigate','intent':'Open http://evil.test/','params':{'url':'" SITE "/'}}]}", "halted", 0, "halt", "may not open"},
    {"agent-loop 9.4 nor by one that spells it otherwise", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'navigate','intent':'Open HTTP://evil.test/ or " SITE "/','params':{}}]}", "halted", 0, "halt", "may not open"},
    {"agent-loop 9.4 a press that pays is not inserted", GO_ON,
     "{'mode':'insert_steps','reasoning':'r','inserted_steps':[{'type':'submit','intent':'Press it','params':{'label':'Pay now'}}]}", "halted", 0, "halt", "would commit"},
    {"brains 10 a hint that speaks of paying is not given", GO_ON,
     "{'mode':'add_hint','reasoning':'r','hint':'Press Pay now instead'}", "halted", 0, "halt", "the hint speaks"},
};
/* clang-format on */

static void one_row(void **state)
{
    const struct row *row = *state;
    struct help h;
    const char *const answers[] = {decision(row->answer)};
    begin_help(&h, row->steps, answers, 1);
    rig_run(&h.rig, NULL);
    assert_string_equal(h.rig.end.status, row->status);
    assert_int_equal(h.rig.web.counter, row->pressed);
    assert_int_equal(h.fake.calls, 1);
    const json_t *d = event(&h.rig, "recovery", "decision");
    assert_string_equal(json_str(json_object_get(d, "detail"), "mode", ""), row->mode);
    const json_t *refused = event(&h.rig, "recovery", "refused");
    if (row->refused) {
        assert_non_null(refused);
        assert_non_null(strstr(json_str(refused, "summary", ""), row->refused));
    } else {
        assert_null(refused);
    }
    rig_release(&h.rig);
}

static void the_reason_of_a_halt_is_shown(void **state)
{
    struct help h;
    const char *const answers[] = {decision("{'mode':'halt','reasoning':'the site is closed'}")};
    begin_help(&h, GO_ON, answers, 1);
    rig_run(&h.rig, NULL);
    assert_non_null(strstr(rig_data(&h.rig, -1), "the site is closed"));
    assert_string_equal(h.rig.end.halt_reason, "required_failed:submit");
    rig_release(&h.rig);
}

static void a_hint_joins_what_the_author_said(void **state)
{
    struct help h;
    const char *const answers[] = {
        decision("{'mode':'add_hint','reasoning':'r','hint':'  It is below\\n the form '}")};
    begin_help(&h,
               "[" OPEN_ "," WAIT
               ",{'type':'submit','intent':'Go on','required':true,'params':{'label':'Proceed'},"
               "'hints':{'preferred_target_description':'the green one'}}]",
               answers, 1);
    rig_run(&h.rig, NULL);
    assert_string_equal(
        json_str(h.rig.run.plan->steps[2].hints, "preferred_target_description", ""),
        "the green one; It is below the form; It is below the form");
    assert_int_equal(h.fake.calls, 2); /* budget of the step */
    assert_int_equal(json_int(h.rig.final, "recoveries", 0), 2);
    assert_string_equal(h.rig.end.status, "halted");
    rig_release(&h.rig);
}

static void steps_are_inserted_before_the_failed_one(void **state)
{
    struct help h;
    const char *const answers[] = {
        decision("{'mode':'insert_steps','reasoning':'the name is missing','inserted_steps':["
                 "{'type':'fill_field','intent':'Type the "
                 "name','params':{'label':'Name','value':'Ada'}},"
                 "{'type':'wait','params':{}},"
                 "{'type':'navigate','intent':'Open the form','params':{'url':'" SITE
                 "/other'}}]}"),
        decision("{'mode':'halt','reasoning':'r'}")};
    begin_help(&h, GO_ON, answers, 2);
    rig_run(&h.rig, NULL);
    const struct plan *plan = h.rig.run.plan;
    assert_int_equal(plan->n_steps, 5);
    assert_string_equal(plan->steps[2].type, "fill_field");
    assert_string_equal(plan->steps[2].section, "setup");
    assert_false(plan->steps[2].required);
    assert_string_equal(plan->steps[3].type, "navigate");
    assert_string_equal(plan->steps[4].intent, "Go on");
    assert_int_equal(h.rig.web.typed_times, 1);
    const json_t *healed = healing(&h.rig, "insert_step");
    assert_string_equal(json_str(healed, "inserted_type", ""), "fill_field");
    assert_string_equal(json_str(healed, "reason", ""), "the name is missing");
    assert_string_equal(h.rig.end.status, "halted");
    rig_release(&h.rig);
}

static void the_allowlist_binds_what_is_opened(void **state)
{
    static const char *const only[] = {"else.test", NULL};
    struct help h;
    json_t *step =
        json_of(pool, "{'type':'navigate','intent':'Open it','params':{'url':'" SITE "/other'}}");
    begin_help(&h, GO_ON, (const char *const[]){decision(NULL)}, 1);
    rig_run(&h.rig, NULL);
    const struct step *failed = &h.rig.plan->steps[2];
    assert_null(recovery_refuses(&h.rig.run, failed, step));
    h.rig.config.allowed_domains = only;
    assert_non_null(recovery_refuses(&h.rig.run, failed, step));
    rig_release(&h.rig);
}

/* clang-format off */
static const struct {
    const char *step;
    bool refused;
} overlays[] = {
    {"{'type':'submit','intent':'Reject the consent dialog','params':{'label':'Reject all','kind':'button'}}", false},
    {"{'type':'click','intent':'Close the newsletter popup','params':{'label':'Close'}}", false},
    {"{'type':'click','intent':'Dismiss the notice','params':{'label':'No thanks'}}", false},
    {"{'type':'click','intent':'Close the notice that covers the page','params':{'label':'X'}}", false},
    {"{'type':'key_press','intent':'Close the menu','params':{'keys':'Escape'}}", false},
    {"{'type':'click','intent':'Close the dialog','params':{'label':'Close account'}}", true},
    {"{'type':'click','intent':'Cancel the subscription','params':{'label':'Cancel'}}", true},
    {"{'type':'click','intent':'Close the dialog and delete the draft','params':{'label':'Close'}}", true},
    {"{'type':'click','intent':'x','params':'Close'}", true},
};
/* clang-format on */

static void what_lies_over_a_page_may_be_closed(void **state)
{
    struct help h;
    begin_help(&h, GO_ON, (const char *const[]){decision(NULL)}, 1);
    rig_run(&h.rig, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(overlays); i++) {
        const char *why = recovery_refuses(&h.rig.run, &h.rig.plan->steps[2],
                                           json_of(h.rig.pool, overlays[i].step));
        if ((why != NULL) != overlays[i].refused)
            fail_msg("%s: %s", overlays[i].step, why ? why : "not refused");
    }
    rig_release(&h.rig);
}

static void what_takes_no_text_keeps_its_type(void **state)
{
    struct help h;
    struct recovery_decision d = {0};
    struct step_result result = step_result_empty();
    struct err err = {0};
    const char *const answers[] = {
        decision("{'mode':'edit_step','reasoning':'r','edited_step':{'type':'click'}}")};
    begin_help(&h, STEP("fill_field", "Type it", "'label':'Name','value':'a'"), answers, 1);
    run_init(&h.rig.run, &h.rig.config, h.rig.loop, &h.rig.web.plane, fake_reader(), NULL,
             &h.rig.host);
    h.rig.run.index = 2;
    h.rig.run.step = &h.rig.plan->steps[2];
    result.data = "form_target_not_input:DIV";
    result.failure_class = "unknown";
    result.failure_subclass = FAILURE_NOT_INPUT;
    const struct page page = {.url = SITE "/form", .title = ""};
    const struct observation obs = {.url = SITE "/form", .title = "", .page = &page};
    const struct recovery_ask ask = {
        .step = &h.rig.plan->steps[2], .index = 2, .result = &result, .obs = &obs};
    assert_int_equal(recovery_model.decide(&h.rig.run, &ask, &d, &err), 0);
    assert_int_equal(d.mode, RECOVERY_HALT);
    assert_null(d.change);
    assert_int_equal(h.fake.calls, 1);
    rig_release(&h.rig);
}

/* --- when it is asked ------------------------------------------------------------------------ */

static void what_is_decided_already_is_not_asked(void **state)
{
    static const struct {
        const char *steps, *leads_to;
    } cases[] = {
        {"[{'type':'navigate','intent':'Open " SITE "/form','required':true}]",
         "gone"}, /* bad_url */
        {"[" OPEN_ ",{'type':'fill_field','intent':'x','required':true,'params':{'label':'Name','"
         "value':'a'}},"
         "{'type':'submit','intent':'Send it','required':true,'params':{'label':'Send'},"
         "'hints':{'expect_text_present':'Thank you'}}]",
         ""}, /* sent, and perhaps taken */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct help h;
        begin_help(&h, cases[i].steps, (const char *const[]){words("KEEP")}, 1);
        h.rig.web.leads_to = cases[i].leads_to;
        rig_run(&h.rig, NULL);
        assert_string_equal(h.rig.end.status, "halted");
        assert_null(event(&h.rig, "recovery", "unanswered"));
        for (int k = 0; k < h.fake.calls; k++)
            assert_null(json_object_get(h.fake.bodies[k], "tools"));
        rig_release(&h.rig);
    }
}

static void a_remedy_that_needs_no_model_comes_first(void **state)
{
    struct help h;
    begin_help(&h, STEP("submit", "Show it", "'label':'Detail'"),
               (const char *const[]){decision("{'mode':'halt','reasoning':'r'}")}, 1);
    rig_run(&h.rig, NULL);
    assert_string_equal(h.rig.end.status, "completed");
    assert_int_equal(h.fake.calls, 0);
    rig_release(&h.rig);
}

static void no_answer_is_what_the_rules_said(void **state)
{
    struct help h;
    begin_help(&h, GO_ON, (const char *const[]){""}, 1);
    h.answers[0].status = 529;
    rig_run(&h.rig, NULL);
    assert_string_equal(h.rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(h.fake.calls, 2); /* two tries */
    assert_non_null(event(&h.rig, "recovery", "unanswered"));
    rig_release(&h.rig);
}

static void without_a_link_nothing_changes(void **state)
{
    struct help h;
    begin_help(&h, GO_ON, (const char *const[]){""}, 1);
    h.rig.config.helper = NULL;
    rig_run(&h.rig, NULL);
    assert_string_equal(h.rig.end.halt_reason, "required_failed:submit");
    assert_int_equal(h.fake.calls, 0);
    assert_null(event(&h.rig, "recovery", "unanswered"));
    rig_release(&h.rig);
}

/* --- what it is told ------------------------------------------------------------------------- */

static const json_t *content_of(const json_t *body)
{
    return json_object_get(json_array_get(json_object_get(body, "messages"), 0), "content");
}

static void the_call_is_what_the_contract_says(void **state)
{
    struct help h;
    begin_help(&h, STEP("fill_field", "Type the pass", "'label':'Nowhere','value':'hunter2'"),
               (const char *const[]){decision("{'mode':'halt','reasoning':'r'}")}, 1);
    rig_run(&h.rig, NULL);
    assert_int_equal(h.fake.calls, 1);
    const json_t *body = h.fake.bodies[0],
                 *tool = json_array_get(json_object_get(body, "tools"), 0);
    assert_string_equal(h.fake.paths[0], "/messages");
    assert_string_equal(json_str(body, "model", ""), "claude-haiku-4-5-20251001");
    assert_int_equal(json_int(body, "max_tokens", 0), 1500);
    assert_string_equal(json_str(tool, "name", ""), "record_recovery");
    assert_string_equal(json_str(json_object_get(body, "tool_choice"), "name", ""),
                        "record_recovery");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(tool, "input_schema"), "required")), 2);
    assert_true(h.fake.left_ms[0] > 29000 && h.fake.left_ms[0] <= 30000);
    const json_t *content = content_of(body);
    assert_string_equal(json_str(json_array_get(content, 0), "type", ""), "image");
    assert_string_equal(
        json_str(json_object_get(json_array_get(content, 0), "source"), "media_type", ""),
        "image/jpeg");
    const char *text = json_str(json_array_get(content, 1), "text", "");
    assert_non_null(strstr(text, "Type the pass"));
    assert_non_null(strstr(text, "<7 characters>"));
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "form_target_not_found"));
    assert_non_null(strstr(text, "Anchor: " SITE "/form"));
    const json_t *spent =
        json_object_get(json_object_get(h.rig.final, "claude_cost_by_path"), "by_path");
    assert_int_equal(
        json_int(json_object_get(spent, "recovery::claude-haiku-4-5-20251001"), "calls", 0), 1);
    assert_true(json_num(json_object_get(h.rig.final, "costs"), "claude", 0) > 0);
    rig_release(&h.rig);
}

static void a_dead_submit_gets_the_stronger_model_after_tab(void **state)
{
    struct help h;
    const char *const answers[] = {words("KEEP"), decision("{'mode':'halt','reasoning':'r'}")};
    begin_help(&h, STEP("submit", "Send it", "'label':'Send'"), answers, 2);
    h.rig.web.leads_to = "dead";
    rig_run(&h.rig, NULL);
    assert_int_equal(h.fake.calls, 2);
    assert_string_equal(json_str(h.fake.bodies[1], "model", ""), "claude-opus-4-7");
    rig_release(&h.rig);
}

/* --- intents --------------------------------------------------------------------------------- */

/* clang-format off */
static const struct rewrite_row {
    const char *row, *answer, *to; /* NULL: kept */
} rewrites[] = {
    {"brains 10 rewrite: a sentence with the same verb", "Click \\\"Details\\\" below the form", "Click \"Details\" below the form"},
    {"brains 10 rewrite: surrounding quotes are stripped", "\\\"Click Details below the form\\\"", "Click Details below the form"},
    {"brains 10 rewrite: KEEP", "KEEP", NULL},
    {"brains 10 rewrite: another verb is discarded", "Press Details", NULL},
    {"agent-loop 9.1 a rewrite that is a pre-step is discarded", "Click Details after you first scroll down", NULL},
    {"agent-loop 9.1 a rewrite that commits more is discarded", "Click Delete beside Details", NULL},
};
/* clang-format on */

static void one_rewrite(void **state)
{
    const struct rewrite_row *row = *state;
    struct help h;
    const char *said = json_string_value(json_keep(
        pool, json_loads(pool_printf(pool, "\"%s\"", row->answer), JSON_DECODE_ANY, NULL)));
    const char *const answers[] = {words(said), decision("{'mode':'halt','reasoning':'r'}")};
    begin_help(&h, STEP("click", "Click Details", "'label':'Details'"), answers, 2);
    h.rig.web.leads_to = "dead";
    rig_run(&h.rig, NULL);
    const json_t *healed = healing(&h.rig, "rewrite");
    assert_string_equal(json_str(healed, "to_intent", ""), row->to ? row->to : "");
    if (row->to)
        assert_string_equal(json_str(healed, "source", ""), "model");
    int asked = 0;
    for (int i = 0; i < h.fake.calls; i++)
        asked += !json_object_get(h.fake.bodies[i], "tools");
    assert_int_equal(asked, 1); /* once per step, whatever it said */
    assert_string_equal(json_str(h.fake.bodies[0], "model", ""), "claude-opus-4-7");
    assert_int_equal(json_int(h.fake.bodies[0], "max_tokens", 0), 200);
    assert_true(h.fake.left_ms[0] > 19000 && h.fake.left_ms[0] <= 20000);
    rig_release(&h.rig);
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int end(void **state)
{
    pool_destroy(pool);
    return 0;
}

static const struct CMUnitTest others[] = {
    row_test("agent-loop 9.4 the reason of a halt is in the step's data",
             the_reason_of_a_halt_is_shown),
    row_test("agent-loop 9.4 add_hint: appended to the step's hints, within the step's budget",
             a_hint_joins_what_the_author_said),
    row_test("agent-loop 9.4 insert_steps: before, same section, not required",
             steps_are_inserted_before_the_failed_one),
    row_test("agent-loop 9.4 the allowlist binds what recovery opens",
             the_allowlist_binds_what_is_opened),
    row_test("brains 10 recovery: what lies over a page may be closed",
             what_lies_over_a_page_may_be_closed),
    row_test("brains 10 recovery: form_target_not_input never changes the type",
             what_takes_no_text_keeps_its_type),
    row_test("agent-loop 9.4 bad_url and what may have been taken never ask Claude",
             what_is_decided_already_is_not_asked),
    row_test("agent-loop 9.4 a remedy that needs no model comes first",
             a_remedy_that_needs_no_model_comes_first),
    row_test("brains 10 recovery: two tries, then what the rules said",
             no_answer_is_what_the_rules_said),
    row_test("brains 10 no key: null, no request", without_a_link_nothing_changes),
    row_test("brains 10 record_recovery: model, tool, tokens, timeout, picture; no typed value",
             the_call_is_what_the_contract_says),
    row_test("agent-loop 9.4 submit and no_state_change: Tab, then the stronger model",
             a_dead_submit_gets_the_stronger_model_after_tab),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(rewrites) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(rewrites); i++)
        tests[n++] =
            (struct CMUnitTest){rewrites[i].row, one_rewrite, NULL, NULL, (void *)&rewrites[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
