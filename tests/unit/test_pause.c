/*
 * test_pause.c - a run that asks a person, stands still and goes on; and that what it was told is nowhere.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/answer.h"
#include "run/pause.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define SITE   "http://login.test"
#define SECRET "739164"

static char typed[64]; /* into the field, as last seen */

static void login_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    if (*web->typed)
        snprintf(typed, sizeof(typed), "%s", web->typed);
    out->title = web->flag ? "Just a moment..." : "Sign in";
    fake_add(out, "", "h1", web->flag ? "Checking your browser" : "Welcome", "");
    fake_add(out, "input", "input", "Code", "");
    fake_add(out, "button", "a", "Verify", SITE "/in");
    fake_add(out, "button", "a", "Echo", pool_printf(pool, SITE "/in?code=%s", web->typed));
}

#define OPEN      "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/code'}}"
#define ASK       "{'type':'request_user_input','intent':'Ask','params':{'prompt':'Which code?'}}"
#define FILL(v)   "{'type':'fill_field','intent':'Type it','params':{'label':'Code','value':'" v "'}}"
#define PRESS(l)  "{'type':'click','intent':'Press','hints':{'layout':'single'},'params':{'label':'" l "'}}"
#define WAIT(s)   "{'type':'wait','intent':'wait','params':{'seconds':" #s "}}"
#define SIGN_IN   "[" OPEN "," ASK "," FILL("{{user_input}}") "," PRESS("Verify") "]"

/* --- what is heard ---------------------------------------------------------------------------- */

static const char *const *next_answers; /* one per pause; NULL: nobody answers any more */

static void give(struct rig *rig, int n, const char *text)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", n);
    json_t *given = json_pack("{s:s}", key, text);
    run_answer(&rig->run, given);
    run_pause(&rig->run, false);
    json_decref(given);
}

static void answer_it(struct rig *rig, const json_t *pause)
{
    if (*next_answers)
        give(rig, (int)json_int(pause, "input", 0), *next_answers++);
    else
        run_stop(&rig->run, RUN_STOP_CANCEL);
}

static void begin(struct rig *rig, const char *steps, const char *const *answers)
{
    rig_init(rig, login_page, steps);
    rig->on_paused = answer_it;
    next_answers = answers;
    *typed = 0;
}

static const json_t *heard(const struct rig *rig, size_t i)
{
    const json_t *p = json_array_get(rig->pauses, i);
    assert_non_null(p);
    return p;
}

/* In anything that left the run. */
static bool told(const struct rig *rig, const char *text)
{
    bool found = strstr(json_text(rig->pool, rig->events), text) ||
                 strstr(json_text(rig->pool, rig->journal), text) ||
                 strstr(json_text(rig->pool, rig->pauses), text) ||
                 strstr(json_text(rig->pool, rig->final), text) ||
                 strstr(rig->end.error, text) || strstr(rig->end.halt_reason, text);
    for (int i = 0; i < rig->n_checkpoints; i++)
        found = found || strstr(json_text(rig->pool, rig->checkpoints[i]), text);
    return found;
}

/* --- asking ----------------------------------------------------------------------------------- */

static void a_request_pauses_and_the_answer_is_typed(void **state)
{
    struct rig rig;
    const char *const answers[] = {SECRET, NULL};
    begin(&rig, SIGN_IN, answers);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(typed, SECRET);
    assert_string_equal(rig_data(&rig, 1), "request_user_input:paused");
    assert_int_equal(json_array_size(rig.pauses), 1);
    assert_string_equal(json_str(heard(&rig, 0), "kind", ""), "user_input");
    assert_string_equal(json_str(heard(&rig, 0), "prompt", ""), "Which code?");
    assert_string_equal(json_str(heard(&rig, 0), "reason", ""), "user_input");
    assert_string_equal(json_str(heard(&rig, 0), "pending_tool", ""), "request_user_input");
    assert_int_equal(json_int(heard(&rig, 0), "step_index", -1), 2);
    rig_release(&rig);
}

static void the_step_names_its_reason(void **state)
{
    struct rig rig;
    const char *const answers[] = {NULL};
    begin(&rig, "[{'type':'request_user_input','intent':'Ask for it','params':{'reason':'otp'}}]", answers);
    rig_run(&rig, NULL);
    assert_string_equal(json_str(heard(&rig, 0), "reason", ""), "otp");
    assert_string_equal(json_str(heard(&rig, 0), "prompt", ""), "Ask for it");
    assert_string_equal(rig.end.status, "cancelled");
    rig_release(&rig);
}

static void each_request_has_its_own_answer(void **state)
{
    struct rig rig;
    const char *const answers[] = {"first-code", "second-code", NULL};
    begin(&rig, "[" OPEN "," ASK "," FILL("{{user_input}}") "," ASK "," FILL("<{{user_input}}>") "]",
          answers);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(json_array_size(rig.pauses), 2);
    assert_int_equal(json_int(heard(&rig, 1), "input", 0), 2);
    assert_string_equal(typed, "<second-code>");
    assert_false(told(&rig, "first-code"));
    assert_false(told(&rig, "second-code"));
    rig_release(&rig);
}

static void an_answer_given_beforehand_is_the_first(void **state)
{
    struct rig rig;
    const char *const answers[] = {"later", NULL};
    begin(&rig, "[" OPEN "," ASK "," FILL("{{user_input}}") "," ASK "," FILL("{{user_input}}") "]", answers);
    rig.config.user_input = json_keep(rig.pool, json_pack("{s:s}", "1", SECRET));
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "request_user_input:answered");
    assert_string_equal(rig_data(&rig, 3), "request_user_input:paused");
    assert_int_equal(json_array_size(rig.pauses), 1);
    assert_string_equal(typed, "later");
    rig_release(&rig);
}

static void without_a_host_it_is_skipped(void **state)
{
    struct rig rig;
    rig_init(&rig, login_page, "[" OPEN "," ASK "]");
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "completed");
    assert_string_equal(json_str(rig_result(&rig, 1), "skip_reason", ""), "request_user_input_no_host_tool");
    rig_release(&rig);
}

static void the_last_step_may_ask(void **state)
{
    struct rig rig;
    const char *const answers[] = {"yes", NULL};
    begin(&rig, "[" OPEN "," ASK "]", answers);
    rig_run(&rig, NULL);
    assert_int_equal(json_array_size(rig.pauses), 1);
    assert_string_equal(rig.end.status, "completed");
    rig_release(&rig);
}

/* --- nowhere ---------------------------------------------------------------------------------- */

static void the_answer_is_in_nothing_that_is_told(void **state)
{
    struct rig rig;
    static const char *const plans[] = {
        SIGN_IN,
        "[" OPEN "," ASK "," FILL("{{user_input}}") "," PRESS("Echo") "," WAIT(0) "]", /* in the address */
        "[" OPEN "," ASK "," PRESS("no {{user_input}}") "]",                          /* in a failure */
        "[" OPEN "," ASK ",{'type':'submit','intent':'Send {{user_input}}','required':false,'params':{'label':"
        "'Verify','aliases':['{{user_input}}']},'hints':{'expect_text_present':['{{user_input}}']}}]",
        "[" OPEN "," ASK ",{'type':'extract_data','gate':true,'intent':'x','verify':'The text "
        "\\'{{user_input}}\\' is shown'}]",
        "[" ASK ",{'type':'navigate','intent':'Open','params':{'url':'" SITE "/{{user_input}}'}}," WAIT(0) "]",
    };
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        const char *const answers[] = {SECRET, NULL};
        begin(&rig, plans[i], answers);
        rig_run(&rig, NULL);
        assert_int_equal(json_array_size(rig.pauses), 1);
        assert_false(told(&rig, SECRET));
        assert_true(told(&rig, "{{user_input}}") || i == 0 || i == 3);
        rig_release(&rig);
    }
}

static void an_address_with_the_answer_is_opened_again(void **state)
{
    struct rig first, again;
    const char *const answers[] = {SECRET, NULL};
    begin(&first, "[" OPEN "," ASK "," FILL("{{user_input}}") "," PRESS("Echo") "," WAIT(0) "," WAIT(0) "]",
          answers);
    rig_run(&first, NULL);
    const json_t *checkpoint = first.checkpoints[first.n_checkpoints - 2];
    assert_string_equal(json_str(checkpoint, "reentry_url", ""), SITE "/in?code={{user_input}}");
    rig_init(&again, login_page, "[" OPEN "," ASK "," FILL("{{user_input}}") "," PRESS("Echo") "," WAIT(
                                     0) "," WAIT(0) "]");
    again.config.user_input = json_keep(again.pool, json_pack("{s:s}", "1", SECRET));
    rig_run(&again, checkpoint);
    assert_string_equal(again.end.status, "completed");
    assert_string_equal(fake_web_url(&again.web), SITE "/in?code=" SECRET);
    assert_false(told(&again, SECRET));
    rig_release(&first);
    rig_release(&again);
}

/* --- a death in between ----------------------------------------------------------------------- */

/* Whatever checkpoint is left: with the answer it goes on, without it asks again, and never types the
 * placeholder. */
static void a_lost_answer_is_asked_for_again(void **state)
{
    struct rig first;
    const char *const answers[] = {SECRET, NULL};
    begin(&first, SIGN_IN, answers);
    rig_run(&first, NULL);
    assert_true(first.n_checkpoints >= 4);
    for (int i = 0; i < first.n_checkpoints; i++) {
        struct rig rig;
        const char *const other[] = {"another", NULL};
        begin(&rig, SIGN_IN, other);
        rig_run(&rig, first.checkpoints[i]);
        assert_string_equal(rig.end.status, "completed");
        assert_int_equal(json_array_size(rig.pauses), i < first.n_checkpoints - 1);
        assert_true(i == first.n_checkpoints - 1 || !strcmp(typed, "another"));
        rig_release(&rig);
        begin(&rig, SIGN_IN, other);
        rig.config.user_input = json_keep(rig.pool, json_pack("{s:s}", "1", SECRET));
        rig_run(&rig, first.checkpoints[i]);
        assert_string_equal(rig.end.status, "completed");
        assert_int_equal(json_array_size(rig.pauses), 0);
        rig_release(&rig);
    }
    rig_release(&first);
}

static void an_unanswered_question_is_asked_again(void **state)
{
    struct rig first, again;
    const char *const none[] = {NULL};
    begin(&first, "[" OPEN "," ASK "," WAIT(0) "]", none);
    rig_run(&first, NULL);
    assert_string_equal(first.end.status, "cancelled");
    const json_t *checkpoint = first.checkpoints[first.n_checkpoints - 1];
    assert_true(json_flag(checkpoint, "user_input_asked", false));
    begin(&again, "[" OPEN "," ASK "," WAIT(0) "]", none);
    rig_run(&again, checkpoint);
    assert_int_equal(json_array_size(again.pauses), 1);
    assert_string_equal(json_str(heard(&again, 0), "prompt", ""), "Which code?");
    assert_string_equal(again.end.status, "cancelled");
    rig_release(&first);
    rig_release(&again);
}

/* --- the text --------------------------------------------------------------------------------- */

static void it_is_put_everywhere(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct {
        const char *step, *want;
    } rows[] = {
        {"{'intent':'Type {{user_input}} now'}", "Type 42 now"},
        {"{'verify':'{{user_input}}{{user_input}}'}", "\"4242\""},
        {"{'params':{'value':'{{user_input}}'}}", "{\"value\":\"42\"}"},
        {"{'params':{'a':{'b':['x','<{{user_input}}>']}}}", "{\"a\":{\"b\":[\"x\",\"<42>\"]}}"},
        {"{'hints':{'expect_text_present':['{{user_input}}']}}", "{\"expect_text_present\":[\"42\"]}"},
        {"{'extract':{'fields':[{'name':'a','example':'{{user_input}}'}]}}", "\"example\":\"42\""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct plan *plan;
        json_t *step = json_of(pool, rows[i].step);
        json_put_str(step, "type", "wait");
        if (!json_object_get(step, "intent"))
            json_put_str(step, "intent", "x");
        json_t *doc = json_keep(pool, json_pack("{s:[O]}", "steps", step));
        assert_int_equal(plan_from_json(pool, doc, &plan, NULL), 0);
        const struct step *filled = answer_fill(pool, &plan->steps[0], "42");
        assert_true(answer_in_step(&plan->steps[0]));
        assert_false(answer_in_step(filled));
        assert_non_null(strstr(json_text(pool, json_keep(pool, step_to_json(filled))), rows[i].want));
    }
    pool_destroy(pool);
}

static void it_is_hidden_wherever_it_stands(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct {
        const char *answer, *text, *want;
    } rows[] = {
        {"739164", "code 739164.", "code {{user_input}}."},
        {"739164", "x739164y739164", "x{{user_input}}y{{user_input}}"},
        {"a b&c", "q=a%20b%26c", "q={{user_input}}"},
        {"yes", "said yes, yesterday", "said {{user_input}}, yesterday"}, /* a short one alone */
        {"7", "page 17 of 7", "page 17 of {{user_input}}"},
        {"", "nothing", "nothing"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answers a = {0};
        json_t *given = json_pack("{s:s}", "1", rows[i].answer);
        answers_take(&a, given);
        assert_string_equal(answer_hide_text(&a, pool, rows[i].text), rows[i].want);
        json_decref(given);
        answers_release(&a);
    }
    pool_destroy(pool);
}

static void what_was_hidden_once_is_not_hidden_again(void **state)
{
    struct answers a = {0};
    json_t *first = json_pack("{s:s}", "1", "739164"), *second = json_pack("{s:s}", "2", "a@b.test"),
           *list = json_pack("[{s:s},{s:s}]", "data", "typed 739164", "data", "as a@b.test");
    assert_ptr_equal(answer_hide_list(&a, list), list); /* nothing to hide */
    answers_take(&a, first);
    const json_t *hidden = answer_hide_list(&a, list), *one = json_array_get(hidden, 0);
    assert_string_equal(json_str(one, "data", ""), "typed {{user_input}}");
    assert_string_equal(json_str(json_array_get(list, 0), "data", ""), "typed 739164");
    json_push(list, json_pack("{s:s}", "data", "sent 739164"));
    hidden = answer_hide_list(&a, list);
    assert_ptr_equal(json_array_get(hidden, 0), one);
    assert_string_equal(json_str(json_array_get(hidden, 2), "data", ""), "sent {{user_input}}");
    json_array_set_new(list, 1, json_pack("{s:s}", "data", "another 739164")); /* it and what follows */
    json_array_remove(list, 2);
    hidden = answer_hide_list(&a, list);
    assert_ptr_equal(json_array_get(hidden, 0), one);
    assert_string_equal(json_str(json_array_get(hidden, 1), "data", ""), "another {{user_input}}");
    assert_int_equal(json_array_size(hidden), 2);
    json_array_set_new(list, 1, json_pack("{s:s}", "data", "as a@b.test"));
    answers_take(&a, second);
    hidden = answer_hide_list(&a, list);
    assert_string_equal(json_str(json_array_get(hidden, 0), "data", ""), "typed {{user_input}}");
    assert_string_equal(json_str(json_array_get(hidden, 1), "data", ""), "as {{user_input:2}}");
    json_decref(list);
    json_decref(first);
    json_decref(second);
    answers_release(&a);
}

static void what_was_extracted_stays(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct answers a = {0};
    json_t *given = json_keep(pool, json_pack("{s:s}", "1", "Prague"));
    json_t *doc = json_of(pool, "{'rows':[{'values':{'city':'Prague'},'evidence':{'city':{'url':'?q=Prague'}}}],"
                                "'extracted_leads':['VIABLE | City: Prague'],'warnings':['Prague']}");
    answers_take(&a, given);
    const char *text = json_text(pool, json_keep(pool, answer_hide(&a, doc)));
    assert_non_null(strstr(text, "{\"city\":\"Prague\"}"));
    assert_non_null(strstr(text, "City: Prague"));
    assert_non_null(strstr(text, "?q={{user_input}}"));
    assert_non_null(strstr(text, "\"warnings\":[\"{{user_input}}\"]"));
    answers_release(&a);
    pool_destroy(pool);
}

static void an_answer_need_not_be_text(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct answers a = {0};
    answers_take(&a, json_of(pool, "{'1':4711,'2':['a',1],'3':null,'4':true}"));
    assert_string_equal(answers_get(&a, 1), "4711");
    assert_string_equal(answers_get(&a, 2), "[\"a\",1]");
    assert_null(answers_get(&a, 3));
    assert_string_equal(answers_get(&a, 4), "true");
    assert_null(answers_get(&a, 5));
    answers_release(&a);
    pool_destroy(pool);
}

/* --- standing still --------------------------------------------------------------------------- */

static struct loop_timer timer;
static struct pool *texts; /* of a test */

static void pause_now(void *arg)
{
    run_pause(&((struct rig *)arg)->run, true);
}

static void go_on_later(void *arg)
{
    run_pause(&((struct rig *)arg)->run, false);
}

static void resume_soon(struct rig *rig, const json_t *pause)
{
    loop_timer_set(rig->loop, &timer, 300, go_on_later, rig);
}

static void a_wait_stands_still_in_its_middle(void **state)
{
    struct rig rig;
    rig_init(&rig, login_page, "[" OPEN "," WAIT(1) "]");
    rig.on_paused = resume_soon;
    loop_timer_set(rig.loop, &timer, 200, pause_now, &rig);
    int64_t began = clock_mono_ms();
    rig_run(&rig, NULL);
    int64_t took = clock_mono_ms() - began;
    assert_string_equal(rig.end.status, "completed");
    assert_int_equal(json_array_size(rig.pauses), 1);
    assert_string_equal(json_str(heard(&rig, 0), "kind", ""), "external");
    assert_int_equal(json_int(heard(&rig, 0), "step_index", -1), 1);
    assert_true(took >= 1250);
    /* and that time is not the run's */
    assert_true(json_num(rig.final, "elapsed_s", 99) < (double)took / 1000 - 0.2);
    assert_true(json_num(rig_result(&rig, 1), "duration", 99) < (double)took / 1000 - 0.2);
    rig_release(&rig);
}

static void a_cancel_ends_a_pause_in_a_wait(void **state)
{
    struct rig rig;
    const char *const none[] = {NULL};
    begin(&rig, "[" OPEN "," WAIT(600) "]", none);
    loop_timer_set(rig.loop, &timer, 100, pause_now, &rig);
    int64_t began = clock_mono_ms();
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "cancelled");
    assert_true(clock_mono_ms() - began < 2000);
    rig_release(&rig);
}

/* Paused at each of its calls, a step of several parts stands still between two of them and ends as it does
 * without; a cancel that comes while it stands there ends it at once. */
static void list_page(struct fake_web *web, struct pool *pool, const char *url, struct fake_page *out)
{
    for (int i = 0; i < 60; i++)
        fake_add(out, "row", "tr", pool_printf(pool, "Row %d", i), SITE "/row");
}

static const struct action turns[] = {{.type = ACTION_WAIT, .seconds = 0},
                                      {.type = ACTION_KEY_PRESS, .keys = "Tab"},
                                      {.type = ACTION_KEY_PRESS, .keys = "End"},
                                      {.type = ACTION_DONE, .success = true, .summary = "Tab and End are pressed"}};

static const struct parts {
    const char *row, *step;
    fake_page_fn *page;
} parts[] = {
    {"agent-loop 12 a pause is honoured between two turns of a brain",
     "{'type':'holo3','intent':'Press the keys','budget':9}", login_page},
    {"agent-loop 12 a pause is honoured between two screens of rows",
     "{'type':'extract_rows','intent':'x','extract':{'fields':['title'],'max_items':60}}", list_page},
    {"agent-loop 12 a pause is honoured between two screens of links",
     "{'type':'collect_urls','intent':'x','params':{'max_viewport_stages':4}}", list_page},
};

static int stood_at; /* calls of the plane so far; -1: it did not stand still */

static void stood(struct rig *rig, const json_t *pause)
{
    stood_at = rig->web.calls;
    loop_timer_set(rig->loop, &timer, 30, go_on_later, rig);
}

static void stood_and_cancelled(struct rig *rig, const json_t *pause)
{
    stood_at = rig->web.calls;
    run_stop(&rig->run, RUN_STOP_CANCEL);
}

/* pause_at 0: never. Calls of the whole run. */
static int in_parts(struct rig *rig, struct rig_brain *brain, const struct parts *p, int pause_at,
                    void (*then)(struct rig *rig, const json_t *pause))
{
    rig_brain_init(brain, turns, ARRAY_SIZE(turns));
    rig_init(rig, p->page, pool_printf(texts, "[" OPEN ",%s," WAIT(0) "]", p->step));
    rig->brain = &brain->base;
    rig->on_paused = then;
    rig->web.stop_at_call = pause_at;
    rig->web.on_stop = pause_now;
    rig->web.on_stop_arg = rig;
    stood_at = -1;
    rig_run(rig, NULL);
    return rig->web.calls;
}

static void a_step_of_parts_stands_still_between_them(void **state)
{
    const struct parts *p = *state;
    struct rig rig;
    struct rig_brain brain;
    texts = pool_create(NULL);
    int calls = in_parts(&rig, &brain, p, 0, stood), within = 0;
    assert_string_equal(rig.end.status, "completed");
    const char *plain = pool_strdup(texts, rig_data(&rig, 1));
    rig_release(&rig);
    for (int at = 1; at <= calls; at++) {
        int64_t began = clock_mono_ms();
        in_parts(&rig, &brain, p, at, stood);
        int64_t took = clock_mono_ms() - began;
        assert_string_equal(rig.end.status, "completed");
        assert_string_equal(rig_data(&rig, 1), plain);
        assert_int_equal(json_array_size(rig.pauses), stood_at >= 0);
        if (stood_at >= 0 && json_int(heard(&rig, 0), "step_index", -1) == 1 && at > 3) {
            within++;
            assert_true(json_num(rig.final, "elapsed_s", 99) * 1000 < (double)took - 25);
        }
        rig_release(&rig);
        in_parts(&rig, &brain, p, at, stood_and_cancelled);
        assert_string_equal(rig.end.status, stood_at >= 0 ? "cancelled" : "completed");
        rig_release(&rig);
    }
    assert_true(within >= 2);
    pool_destroy(texts);
}

/* --- the page that is left behind ------------------------------------------------------------- */

#define FORM "[" OPEN "," FILL("by the plan") "," ASK "," PRESS("Verify") "," WAIT(0) "]"

/* Somebody types into the page while the run waits; then its hold is over. */
static void typed_by_hand(struct rig *rig, const json_t *pause)
{
    rig->web.typed = pool_strdup(rig->pool, "by hand");
    rig->run.stop = RUN_STOP_DRAIN;
}

static const json_t *state_of(const json_t *checkpoint)
{
    return json_object_get(checkpoint, "browser_state");
}

static void a_released_run_leaves_its_page_behind(void **state)
{
    struct rig rig;
    rig_init(&rig, login_page, FORM);
    rig.on_paused = typed_by_hand;
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "lost");
    const json_t *s = state_of(rig.checkpoints[rig.n_checkpoints - 1]);
    assert_string_equal(json_str(s, "url", ""), SITE "/code");
    assert_int_equal(json_int(s, "step_index", 0), 3);
    assert_int_equal(json_int(s, "viewport_w", 0), 1280);
    assert_int_equal(strlen(json_str(s, "captured_at", "")), 32);
    json_t *field = json_object_get(json_object_get(s, "form_state"), "[data-kind=\"input\"]");
    assert_string_equal(json_str(field, "kind", ""), "text");
    assert_string_equal(json_str(field, "value", ""), "by hand");
    assert_false(json_flag(field, "masked", true));
    rig_release(&rig);
}

static void a_page_left_behind_is_brought_back(void **state)
{
    struct rig first, again;
    rig_init(&first, login_page, FORM);
    first.on_paused = typed_by_hand;
    rig_run(&first, NULL);
    const char *const none[] = {NULL};
    begin(&again, FORM, none);
    again.config.user_input = json_keep(again.pool, json_pack("{s:s}", "1", SECRET));
    rig_run(&again, first.checkpoints[first.n_checkpoints - 1]);
    assert_string_equal(again.end.status, "completed");
    assert_string_equal(typed, "by hand"); /* the last that was typed before it was sent */
    assert_int_equal(rig_n_events(&again, "page_restored"), 1);
    assert_int_equal(again.web.loads, 1); /* opened once */
    assert_int_equal(json_object_size(state_of(again.final)), 0);
    rig_release(&first);
    rig_release(&again);
}

static void what_a_person_answered_is_not_in_the_page_left_behind(void **state)
{
    struct rig rig;
    const char *const answers[] = {SECRET, NULL};
    begin(&rig, "[" OPEN "," ASK "," FILL("{{user_input}}") "," ASK "," WAIT(0) "]", answers);
    rig_run(&rig, NULL);
    assert_string_equal(rig.end.status, "cancelled");
    const json_t *s = state_of(rig.checkpoints[rig.n_checkpoints - 1]);
    json_t *field = json_object_get(json_object_get(s, "form_state"), "[data-kind=\"input\"]");
    assert_true(json_flag(field, "masked", false));
    assert_null(json_object_get(field, "value"));
    assert_false(told(&rig, SECRET));
    rig_release(&rig);
}

/* --- challenges ------------------------------------------------------------------------------- */

static void human_solves(struct rig *rig, const json_t *pause)
{
    rig->web.flag = false;
    run_pause(&rig->run, false);
}

static void nobody_hears(struct rig *rig, const json_t *pause)
{
}

static void challenged(struct rig *rig, void (*then)(struct rig *rig, const json_t *pause), bool wanted)
{
    rig_init(rig, login_page, "[" OPEN ",{'type':'click','intent':'Press','required':true,'hints':{'layout':"
                              "'single'},'params':{'label':'Nothing like it'}}]");
    rig->on_paused = then;
    rig->config.pause_on_captcha = wanted;
    rig->config.challenge_wait_ms = 20;
    rig->web.flag = true;
}

static void a_challenge_waits_for_a_human(void **state)
{
    struct rig rig;
    challenged(&rig, human_solves, true);
    rig_run(&rig, NULL);
    assert_int_equal(json_array_size(rig.pauses), 1);
    assert_string_equal(json_str(heard(&rig, 0), "kind", ""), "captcha");
    assert_string_equal(json_str(heard(&rig, 0), "reason", ""), "cf_challenge_human_takeover");
    assert_int_equal(rig.n_unpaused, 0);
    assert_int_equal(json_int(rig_result(&rig, 1), "attempts", 0), 3); /* the one before is not counted */
    rig_release(&rig);
}

static void nobody_comes_to_a_challenge(void **state)
{
    struct rig rig;
    challenged(&rig, nobody_hears, true);
    rig.config.human_wait_ms = 50;
    rig_run(&rig, NULL);
    assert_true(rig.n_unpaused >= 1);
    assert_int_equal(json_array_size(rig.pauses), rig.n_unpaused);
    assert_string_equal(rig.end.halt_reason, "required_failed:click");
    rig_release(&rig);
}

static void no_human_is_asked_where_that_is_off(void **state)
{
    struct rig rig;
    challenged(&rig, human_solves, false);
    rig_run(&rig, NULL);
    assert_int_equal(json_array_size(rig.pauses), 0);
    assert_string_equal(rig.end.halt_reason, "required_failed:click");
    rig_release(&rig);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        row_test("plans 9.5 a request pauses and its answer goes into the next step",
                 a_request_pauses_and_the_answer_is_typed),
        row_test("plans 9.5 prompt and reason are the step's", the_step_names_its_reason),
        row_test("plans 9.5 each request consumes its own answer", each_request_has_its_own_answer),
        row_test("plans 9.5 an answer sent beforehand satisfies the first request",
                 an_answer_given_beforehand_is_the_first),
        row_test("plans 9.5 without a pause tool the step is skipped", without_a_host_it_is_skipped),
        row_test("plans 9.5 the last step may ask", the_last_step_may_ask),
        row_test("plans 9.5 the answer is in no event, checkpoint, journal or error",
                 the_answer_is_in_nothing_that_is_told),
        row_test("plans 9.5 an address that holds the answer is opened again with it",
                 an_address_with_the_answer_is_opened_again),
        row_test("plans 9.5 an answer that was lost is asked for again", a_lost_answer_is_asked_for_again),
        row_test("plans 9.5 a question that was not answered is asked again", an_unanswered_question_is_asked_again),
        row_test("plans 9.5 the answer is put into intent, verify, params, hints and extract",
                 it_is_put_everywhere),
        row_test("plans 9.5 the answer is hidden, encoded or not", it_is_hidden_wherever_it_stands),
        row_test("plans 9.5 a result is hidden once", what_was_hidden_once_is_not_hidden_again),
        row_test("plans 9.5 what a page says is extracted as it is", what_was_extracted_stays),
        row_test("plans 9.5 an answer may be any JSON", an_answer_need_not_be_text),
        row_test("agent-loop 12 a pause stands still in the middle of a wait", a_wait_stands_still_in_its_middle),
        row_test("agent-loop 12 a cancel ends a pause in a wait", a_cancel_ends_a_pause_in_a_wait),
        row_test("agent-loop 13 a released run leaves address, scroll and form behind",
                 a_released_run_leaves_its_page_behind),
        row_test("agent-loop 13 a page that was left behind is brought back once",
                 a_page_left_behind_is_brought_back),
        row_test("agent-loop 13 an answer is not in the form state",
                 what_a_person_answered_is_not_in_the_page_left_behind),
        row_test("agent-loop 12 a challenge waits for a human", a_challenge_waits_for_a_human),
        row_test("agent-loop 12 nobody comes to a challenge for 1800 s", nobody_comes_to_a_challenge),
        row_test("agent-loop 12 no human is asked where pause_on_captcha is off",
                 no_human_is_asked_where_that_is_off),
    };
    struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(parts)];
    memcpy(tests, plain, sizeof(plain));
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
        tests[ARRAY_SIZE(plain) + i] =
            (struct CMUnitTest){parts[i].row, a_step_of_parts_stands_still_between_them, NULL, NULL,
                                (void *)&parts[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
