/*
 * The inner loop with brains that are models, over a web in memory and servers that are lists:
 * which calls are made, in which order, what they say, and what was done and healed (agent-loop.md
 * 1, 6, 7 and 15, brains.md 7 and 8).
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/ask.h"
#include "run/inner/inner.h"
#include "run/tools.h"
#include "tools/fake_transport.h"
#include "unit/model_rig.h"
#include "unit/run_rig.h"

#define SITE "http://form.test"
#define OPEN "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/form'}}"

#define SAY(words)                                                                                 \
    {                                                                                              \
        .status = 200, .body = "{\"choices\":[{\"message\":{\"content\":\"" words "\"}}]}"         \
    }
#define CLAUDE_SAYS(content)                                                                       \
    {                                                                                              \
        .status = 200, .body = "{\"model\":\"claude-x\",\"content\":[" content                     \
                               "],\"usage\":{\"input_tokens\":1000,\"output_tokens\":20}}"         \
    }
#define DEAD_CLICK SAY("click(x=600, y=60)")

struct bench {
    struct rig rig;
    struct fake_transport server, second;
    struct model_link to_server, to_second;
    struct brain *brain;
    struct reader *reader; /* of a page brain */
};

/* Two rows of words, two fields, and a button that leads to web->leads_to: their middles are at y =
 * 100, 140 and 180. */
static void login_page(struct fake_web *web, struct pool *pool, const char *url,
                       struct fake_page *out)
{
    out->title = "Sign in";
    fake_add(out, "", "h1", "Welcome", "");
    fake_add(out, "", "div", "Banner", "");
    fake_add(out, "input", "input", "Email", "");
    fake_add(out, "input", "input", "Password", "");
    fake_add(out, "button", "button", "Log in", web->leads_to ? web->leads_to : "");
}

static int take(void *arg, struct pool *pool, const struct profile *profile,
                const struct frame *frame, int width, int height, struct model_frame *out,
                struct err *err)
{
    *out = (struct model_frame){(const uint8_t *)"png", 3, width, height};
    return 0;
}

static struct model_link link_to(struct fake_transport *t)
{
    return (struct model_link){.transport = &t->base, .dirs = rig_dirs(), .picture = take};
}

/* The second server is the ladder's, the director's and the grounder's. */
static void set_up(struct bench *b, const char *spec, const char *step,
                   const struct fake_answer *answers, int n, const struct fake_answer *others,
                   int n_others)
{
    static char steps[800];
    struct err err = {0};
    if (reader_create("page", NULL, &b->reader, &err))
        fail_msg("%s", err.msg);
    const struct brain_needs needs = {
        .reader = b->reader, .model = &b->to_server, .fallback = &b->to_second};
    snprintf(steps, sizeof(steps), "[" OPEN ",%s]", step);
    rig_init(&b->rig, login_page, steps);
    b->rig.web.full_frames = true;
    fake_transport_init(&b->server, b->rig.pool, answers, n);
    fake_transport_init(&b->second, b->rig.pool, others, n_others);
    b->to_server = link_to(&b->server);
    b->to_second = link_to(&b->second);
    if (brain_create(spec, &needs, &b->brain, &err))
        fail_msg("%s", err.msg);
    b->rig.brain = b->brain;
}

static void tear_down(struct bench *b)
{
    rig_release(&b->rig);
    brain_destroy(b->brain);
    reader_destroy(b->reader);
}

/* Another brain at the second server. */
static struct brain *helper(struct bench *b, const char *spec)
{
    const struct brain_needs needs = {.model = &b->to_second};
    struct brain *brain;
    struct err err = {0};
    if (brain_create(spec, &needs, &brain, &err))
        fail_msg("%s", err.msg);
    return brain;
}

static const char *sent(struct bench *b, int n)
{
    assert_true(n < b->server.calls);
    return json_text(b->rig.pool, b->server.bodies[n]);
}

static const char *sent_second(struct bench *b, int n)
{
    assert_true(n < b->second.calls);
    return json_text(b->rig.pool, b->second.bodies[n]);
}

static const json_t *event_of(struct bench *b, const char *kind, int nth)
{
    size_t i;
    json_t *e;
    json_array_foreach (b->rig.events, i, e)
        if (!strcmp(json_str(e, "kind", ""), kind) && nth-- == 0)
            return json_object_get(e, "detail");
    fail_msg("no event '%s'", kind);
    return NULL;
}

/* "substitution/force-fill substitution/director": what was healed, in order. */
static const char *healed(struct bench *b)
{
    const char *out = "";
    size_t i;
    json_t *e;
    json_array_foreach (json_object_get(b->rig.final, "healing_events"), i, e)
        out = pool_printf(b->rig.pool, "%s%s%s/%s", out, *out ? " " : "", json_str(e, "kind", ""),
                          json_str(e, "by", ""));
    return out;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("'%s' is not in %s", part, text);
}

static void has_not(const char *text, const char *part)
{
    if (strstr(text, part))
        fail_msg("'%s' is in %s", part, text);
}

/* How long a question may take, as its server was given it. */
static void lasts(int64_t left_ms, int seconds)
{
    assert_true(left_ms > 1000 * (seconds - 1) && left_ms <= 1000 * seconds);
}

/* --- 7.1, 7.2: the form controller ----------------------------------------------------------- */

#define LOGIN "{'type':'holo3','intent':'Log in as ann@x.test with password s3cret-9','budget':9}"
#define MUST_LOGIN "{'type':'holo3','intent':'Log in as ann@x.test with password s3cret-9','budget':9,'required':true}"
#define VALUES                                                                                     \
    SAY("[{\\\"label\\\":\\\"email\\\",\\\"value\\\":\\\"ann@x.test\\\"},"                         \
        "{\\\"label\\\":\\\"password\\\",\\\"value\\\":\\\"s3cret-9\\\"},"                         \
        "{\\\"label\\\":\\\"company\\\",\\\"value\\\":\\\"made up\\\"}]")
#define SUBMIT_AT_180                                                                              \
    SAY("{\\\"found\\\":true,\\\"x\\\":600,\\\"y\\\":180,\\\"label\\\":\\\"Log in\\\"}")
#define VALID SAY("{\\\"valid\\\":true,\\\"reason\\\":\\\"a greeting\\\"}")

static void logged_in(struct bench *b)
{
    b->rig.web.leads_to = SITE "/home";
    rig_run(&b->rig, NULL);
    assert_true(json_flag(rig_result(&b->rig, 1), "success", false));
    assert_string_equal(rig_data(&b->rig, 1), "logged in");
    assert_string_equal(b->rig.run.live_url, SITE "/home");
    assert_int_equal(b->rig.web.typed_times, 2);
    assert_string_equal(b->rig.web.typed_into, "Password");
    assert_string_equal(healed(b), "substitution/force-fill substitution/force-fill "
                                   "substitution/force-submit");
    assert_string_equal(json_str(event_of(b, "turn", 0), "substituted_by", ""), "force-fill");
    has(json_text(b->rig.pool, event_of(b, "turn", 0)), "<10 chars>");
    has(json_text(b->rig.pool, event_of(b, "turn", 1)), "<8 chars>");
    for (int i = 0; i < rig_n_events(&b->rig, "turn"); i++)
        has_not(json_text(b->rig.pool, event_of(b, "turn", i)), "s3cret-9");
    has_not(json_text(b->rig.pool, json_object_get(b->rig.final, "healing_events")), "s3cret-9");
}

static void a_login_form_is_filled_from_pixels(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=600, y=100)"),
        SAY("{\\\"focused\\\":true,\\\"label\\\":\\\"e-mail or "
            "email\\\",\\\"type\\\":\\\"email\\\"}"),
        SAY("click(x=600, y=140)"),
        SAY("{\\\"focused\\\":true,\\\"label\\\":\\\"secret "
            "word\\\",\\\"type\\\":\\\"password\\\"}"),
        SAY("click(x=40, y=600)"),
        SUBMIT_AT_180,
        SAY("done(success=True, summary='logged in')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    fake_web_hide_dom(&b.rig.web);
    logged_in(&b);
    assert_int_equal(b.server.calls, 9);
    has(sent(&b, 0), "password s3cret-9");
    has_not(sent(&b, 0), "image_url");
    has(sent(&b, 2), "(600,100)");
    has(sent(&b, 2), "image_url");
    has(sent(&b, 3), "force-fill was done instead of what you said");
    has(sent(&b, 6), "Where is the button");
    has(sent(&b, 8), "logged in");
    lasts(b.server.left_ms[0], 60);
    lasts(b.server.left_ms[2], 30);
    lasts(b.server.left_ms[6], 30);
    lasts(b.server.left_ms[8], 30);
    assert_int_equal(rig_n_events(&b.rig, "question"), 5);
    tear_down(&b);
}

/* On pixels nobody can tell whether an earlier attempt at the step typed the values: the screen decides. In the
 * first one nobody did. */
static void a_done_that_is_shown_needs_no_typing(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("done(success=True, summary='logged in')"),
        SAY("done(success=False, summary='stuck')"),
        VALUES,
        SAY("done(success=True, summary='logged in')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", MUST_LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    fake_web_hide_dom(&b.rig.web);
    rig_run(&b.rig, NULL);
    assert_true(json_flag(rig_result(&b.rig, 1), "success", false));
    has(sent(&b, 2), "pending_form_values");
    assert_int_equal(b.rig.web.typed_times, 0);
    tear_down(&b);
}

/* Clicking on and on where a value was typed does not put the next one, a password, on top of it.
 */
static void a_filled_field_is_not_given_the_next_value(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=600, y=100)"),
        SAY("{\\\"focused\\\":true,\\\"label\\\":\\\"email\\\",\\\"type\\\":\\\"email\\\"}"),
        SAY("click(x=600, y=100)"),
        SAY("click(x=601, y=100)"),
        SAY("click(x=600, y=101)"),
        SAY("done(success=False, summary='stuck')"),
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    fake_web_hide_dom(&b.rig.web);
    rig_run(&b.rig, NULL);
    assert_int_equal(b.rig.web.typed_times, 1);
    assert_string_equal(b.rig.web.typed_into, "Email");
    tear_down(&b);
}

#define UNFOCUSED SAY("{\\\"focused\\\":false,\\\"label\\\":\\\"\\\",\\\"type\\\":\\\"\\\"}")

/* Where the model sees no focus there is no field, however often it is clicked. */
static void nothing_is_typed_where_no_field_is(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,    SAY("click(x=900, y=500)"), UNFOCUSED, SAY("click(x=900, y=500)"),
        UNFOCUSED, SAY("click(x=900, y=500)"), UNFOCUSED, SAY("done(success=False, summary='stuck')"),
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    fake_web_hide_dom(&b.rig.web);
    rig_run(&b.rig, NULL);
    assert_int_equal(b.rig.web.typed_times, 0);
    assert_int_equal(b.rig.web.clicks, 3);
    assert_string_equal(healed(&b), "");
    tear_down(&b);
}

/* The screen shows nothing of a click, the next one elsewhere does it: who missed, and what was done then. */
static void a_click_that_missed_is_told_once_it_is_put_right(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=900, y=500)"),
        UNFOCUSED,
        SAY("click(x=600, y=180)"),
        UNFOCUSED,
        SAY("done(success=True, summary='logged in')"),
        VALID,
        SAY("done(success=True, summary='logged in')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    fake_web_hide_dom(&b.rig.web);
    b.rig.web.leads_to = SITE "/home";
    rig_run(&b.rig, NULL);
    has(healed(&b), "missed_click/brain");
    has(json_text(b.rig.pool, json_object_get(b.rig.final, "healing_events")),
        "nothing of the click at (900,500) by brain; (600,180) was clicked then");
    tear_down(&b);
}

/* A page that can be read says itself what has the focus. */
static void a_readable_page_is_asked_before_the_model(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=600, y=100)"),
        SAY("click(x=600, y=140)"),
        SAY("click(x=40, y=600)"),
        SUBMIT_AT_180,
        SAY("done(success=True, summary='logged in')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    logged_in(&b);
    assert_int_equal(b.server.calls, 7);
    tear_down(&b);
}

/* The button's point is the model's own: resized for this one. */
static void a_button_is_found_in_the_models_coordinates(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=604, y=101)"),
        SAY("click(x=604, y=142)"),
        SAY("click(x=40, y=600)"),
        SAY("{\\\"found\\\":true,\\\"x\\\":604,\\\"y\\\":182,\\\"label\\\":\\\"Log in\\\"}"),
        SAY("done(success=True, summary='logged in')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:holo3", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    logged_in(&b);
    const json_t *click =
        json_object_get(json_object_get(event_of(&b, "turn", 2), "action"), "params");
    assert_int_equal(json_int(click, "x", 0), 600);
    assert_int_equal(json_int(click, "y", 0), 180);
    tear_down(&b);
}

static void the_button_that_nobody_finds_is_a_return(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=600, y=100)"),
        SAY("click(x=600, y=140)"),
        SAY("click(x=40, y=600)"),
        SAY("{\\\"found\\\":false}"),
        SAY("done(success=True, summary='sent')"),
        VALID,
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    rig_run(&b.rig, NULL);
    const json_t *action = json_object_get(event_of(&b, "turn", 2), "action");
    assert_string_equal(json_str(action, "action_type", ""), "key_press");
    assert_string_equal(json_str(json_object_get(action, "params"), "keys", ""), "Return");
    tear_down(&b);
}

static void a_click_elsewhere_or_on_what_deletes_is_left_alone(void **state)
{
    static const struct fake_answer answers[] = {
        VALUES,
        SAY("click(x=600, y=180)"),                         /* the button: nothing to type */
        SAY("I remove the address.\\nclick(x=600, y=100)"), /* speaks of removing */
        SAY("done(success=False, summary='no')"),
    };
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls, 4);
    assert_int_equal(b.rig.web.clicks, 2);
    assert_int_equal(b.rig.web.typed_times, 0);
    assert_string_equal(healed(&b), "missed_click/brain"); /* the button did nothing */
    assert_string_equal(json_str(event_of(&b, "turn", 0), "substituted_by", "x"), "");
    tear_down(&b);
}

static void the_form_controller_can_be_switched_off(void **state)
{
    static const struct fake_answer answers[] = {SAY("click(x=600, y=100)"),
                                                 SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "chat:llamacpp", LOGIN, answers, ARRAY_SIZE(answers), answers, 0);
    b.rig.config.inner_off = INNER_NO_FORM_CONTROLLER;
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls, 2);
    assert_int_equal(b.rig.web.typed_times, 0);
    tear_down(&b);
}

static void one_value_and_nothing_else_is_all(void **state)
{
    static const struct fake_answer answers[] = {
        SAY("[{\\\"label\\\":\\\"email\\\",\\\"value\\\":\\\"ann@x.test\\\"}]"),
        SAY("click(x=600, y=100)"), SAY("click(x=1, y=600)")};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Fill ann@x.test into Email, then you are done','budget':9}",
           answers, ARRAY_SIZE(answers), answers, 0);
    rig_run(&b.rig, NULL);
    assert_true(json_flag(rig_result(&b.rig, 1), "success", false));
    assert_int_equal(b.server.calls, 2);
    assert_string_equal(b.rig.web.typed, "ann@x.test");
    tear_down(&b);
}

#define VALUE(label) "[{\\\"label\\\":\\\"" label "\\\",\\\"value\\\":\\\"ann@x.test\\\"}]"
#define FOCUS(label, type) "{\\\"focused\\\":true,\\\"label\\\":\\\"" label "\\\",\\\"type\\\":\\\"" type "\\\"}"

/* clang-format off */
/* On pixels: where the one value of the task is typed, and what is pressed behind it. */
static const struct fill_edge {
    const char *row, *values, *click, *focus;
    bool fills;
} fill_edges[] = {
    {"agent-loop 7.1 a click at x 10 and y 80 may be one into a field", VALUE("email"), "click(x=10, y=80)", FOCUS("email", "email"), true},
    {"agent-loop 7.1 one left of x 10 is none", VALUE("email"), "click(x=9, y=300)", FOCUS("email", "email"), false},
    {"agent-loop 7.1 one above y 80 is none", VALUE("email"), "click(x=600, y=79)", FOCUS("email", "email"), false},
    {"agent-loop 7.1 the field's label holds that of the value", VALUE("mail"), "click(x=600, y=300)", FOCUS("your e-mail", "text"), true},
    {"agent-loop 7.1 the value's label holds that of the field", VALUE("your e-mail"), "click(x=600, y=300)", FOCUS("mail", "text"), true},
    {"agent-loop 7.1 both labels have a word of three letters", VALUE("zip code"), "click(x=600, y=300)", FOCUS("area zip", "text"), true},
    {"agent-loop 7.1 a word of two letters is too short", VALUE("my id"), "click(x=600, y=300)", FOCUS("id of you", "text"), false},
    {"agent-loop 7.1 a password field takes the password, whatever it is called", VALUE("password"), "click(x=600, y=300)", FOCUS("secret", "password"), true},
    {"agent-loop 7.1 a password field takes nothing else", VALUE("email"), "click(x=600, y=300)", FOCUS("secret", "password"), false},
    {"agent-loop 7.1 a field of another label is left alone", VALUE("email"), "click(x=600, y=300)", FOCUS("phone", "text"), false},
    {"agent-loop 7.1 without the focus nothing is typed", VALUE("email"), "click(x=600, y=300)", "{\\\"focused\\\":false}", false},
};
/* clang-format on */

static struct fake_answer say(struct pool *pool, const char *words)
{
    return (struct fake_answer){
        .status = 200,
        .body = pool_printf(pool, "{\"choices\":[{\"message\":{\"content\":\"%s\"}}]}", words)};
}

#define GIVE_UP "done(success=False, summary='no')"

/* Substitutions of a run on pixels whose model says these, one after the other, and then gives up. */
static const char *substituted(struct bench *b, const char *step, const char *const *words, int n)
{
    static struct fake_answer answers[8];
    struct pool *pool = pool_create(NULL);
    for (int i = 0; i < n; i++)
        answers[i] = say(pool, words[i]);
    answers[n] = say(pool, GIVE_UP);
    set_up(b, "chat:llamacpp", step, answers, n + 1, answers, 0);
    fake_web_hide_dom(&b->rig.web);
    rig_run(&b->rig, NULL);
    pool_destroy(pool);
    return healed(b);
}

#define FILL "{'type':'holo3','intent':'Fill in ann@x.test','budget':6}"

static void a_field_is_filled_or_not(void **state)
{
    const struct fill_edge *e = *state;
    const char *const words[] = {e->values, e->click, e->focus};
    struct bench b;
    assert_string_equal(substituted(&b, FILL, words, 3),
                        e->fills ? "substitution/force-fill" : "");
    tear_down(&b);
}

static const struct used_edge {
    const char *row, *second;
    bool fills;
} used_edges[] = {
    {"agent-loop 7.1 within 20 px of a filled field nothing is typed", "click(x=620, y=280)", false},
    {"agent-loop 7.1 farther than 20 px across is another field", "click(x=621, y=300)", true},
    {"agent-loop 7.1 farther than 20 px down is another field", "click(x=600, y=321)", true},
};

static void a_filled_field_is_known_by_its_place(void **state)
{
    const struct used_edge *e = *state;
    const char *const words[] = {"[{\\\"label\\\":\\\"email\\\",\\\"value\\\":\\\"ann\\\"},"
                                 "{\\\"label\\\":\\\"phone\\\",\\\"value\\\":\\\"555\\\"}]",
                                 "click(x=600, y=300)", FOCUS("email", "text"), e->second, FOCUS("phone", "text")};
    struct bench b;
    const char *done = substituted(&b, "{'type':'holo3','intent':'Fill in ann and 555','budget':6}", words, 5);
    assert_string_equal(done, e->fills ? "substitution/force-fill substitution/force-fill"
                                       : "substitution/force-fill");
    tear_down(&b);
}

static const struct behind_case {
    const char *row, *intent, *hand;
} behind_cases[] = {
    {"agent-loop 7.1 a Tab behind it where the task speaks of a field", "Fill ann@x.test into the field", "key ctrl+a;key Tab"},
    {"agent-loop 7.1 a Tab behind it where the task speaks of Tab", "Fill in ann@x.test, then Tab", "key ctrl+a;key Tab"},
    {"agent-loop 7.1 a Tab behind it where the task speaks of committing", "Fill in ann@x.test and commit it", "key ctrl+a;key Tab"},
    {"agent-loop 7.1 Return and Tab behind a radius", "Fill in the radius ann@x.test", "key ctrl+a;key Return;key Tab"},
    {"agent-loop 7.1 nothing behind it otherwise", "Fill in ann@x.test", "key ctrl+a"},
};

static void keys_make_the_field_take_it(void **state)
{
    const struct behind_case *c = *state;
    const char *const words[] = {VALUE("email"), "click(x=600, y=300)", FOCUS("email", "email")};
    struct bench b;
    char step[120];
    snprintf(step, sizeof(step), "{'type':'holo3','intent':'%s','budget':6}", c->intent);
    assert_string_equal(substituted(&b, step, words, 3), "substitution/force-fill");
    assert_string_equal(b.rig.web.hand, c->hand);
    tear_down(&b);
}

/* --- 6: the done gate ------------------------------------------------------------------------ */

#define PRESS     "{'type':'holo3','intent':'Press the banner','budget':9}"
#define DONE_SAID SAY("done(success=True, summary='order 7 is placed')")
#define INVALID   SAY("{\\\"valid\\\":false,\\\"reason\\\":\\\"no order number\\\"}")

static void a_false_done_is_refused(void **state)
{
    static const struct fake_answer answers[] = {DONE_SAID, INVALID,   DONE_SAID,
                                                 INVALID,   DONE_SAID, INVALID};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, ARRAY_SIZE(answers), answers, 0);
    rig_run(&b.rig, NULL);
    has(rig_data(&b.rig, 1), "done_unverified:not_shown_on_screen: no order number");
    assert_int_equal(b.server.calls, 6);
    has(sent(&b, 1), "order 7 is placed");
    has(sent(&b, 1), "Press the banner");
    has(sent(&b, 2), "not accepted");
    has(sent(&b, 2), "no order number");
    const json_t *end = event_of(&b, "subgoal", 0);
    assert_int_equal(
        json_int(json_object_get(end, "done_rejections_by_reason"), "not_shown_on_screen", 0), 2);
    assert_string_equal(healed(&b),
                        "done_rejected/not_shown_on_screen done_rejected/not_shown_on_screen");
    tear_down(&b);
}

/* What the step's own schema requires is asked for, and a done without it is refused. */
static void a_done_must_name_what_the_step_requires(void **state)
{
    static const struct fake_answer answers[] = {
        SAY("done(success=True, summary='Year: 1999')"),
        SAY("done(success=True, summary='Year: 1999 | Price: 5')"), VALID};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Read the boat','budget':9,'extract':{'fields':["
           "{'name':'year','required':true},{'name':'price','required':true},{'name':'note','"
           "required':false}]}}",
           answers, ARRAY_SIZE(answers), answers, 0);
    rig_run(&b.rig, NULL);
    has(rig_data(&b.rig, 1), "Price: 5");
    has(sent(&b, 0), "Say in the summary, as key: value: year, price");
    assert_string_equal(healed(&b), "done_rejected/summary_missing_required_fields");
    tear_down(&b);
}

static void no_answer_about_a_done_accepts_it(void **state)
{
    static const struct fake_answer silent[] = {DONE_SAID, {.status = 500, .body = "{}"}},
                                    vague[] = {DONE_SAID, SAY("hard to say")};
    const struct fake_answer *const lists[] = {silent, vague};
    for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
        struct bench b;
        set_up(&b, "chat:llamacpp", PRESS, lists[i], 2, lists[i], 0);
        rig_run(&b.rig, NULL);
        assert_true(json_flag(rig_result(&b.rig, 1), "success", false));
        assert_int_equal(b.server.calls, 2);
        assert_false(json_flag(event_of(&b, "question", 0), "answered", true));
        tear_down(&b);
    }
}

static void the_gate_that_is_off_asks_nothing(void **state)
{
    static const struct fake_answer answers[] = {DONE_SAID};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, 1, answers, 0);
    b.rig.config.inner_off = INNER_NO_DONE_GATE;
    rig_run(&b.rig, NULL);
    assert_true(json_flag(rig_result(&b.rig, 1), "success", false));
    assert_int_equal(b.server.calls, 1);
    tear_down(&b);
}

/* --- 7.4: the director ----------------------------------------------------------------------- */

#define DIRECT(action)                                                                             \
    CLAUDE_SAYS("{\"type\":\"text\",\"text\":\"{\\\"action_type\\\":" action                       \
                ",\\\"rationale\\\":\\\"the banner is no button\\\"}\"}")

static void a_click_loop_is_broken_by_the_director(void **state)
{
    static const struct fake_answer answers[] = {DEAD_CLICK,
                                                 SAY("type_text(text='abc')"),
                                                 DEAD_CLICK,
                                                 DEAD_CLICK,
                                                 DEAD_CLICK,
                                                 DEAD_CLICK,
                                                 SAY("done(success=False, summary='stuck')")};
    static const struct fake_answer director[] = {
        DIRECT("\\\"scroll\\\",\\\"direction\\\":\\\"down\\\"")};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, ARRAY_SIZE(answers), director, 1);
    struct brain *claude = helper(&b, "claude");
    b.rig.config.director = claude;
    b.rig.config.inner_off = INNER_NO_LOOP_RECOVERY;
    rig_run(&b.rig, NULL);
    assert_true(b.second.calls >= 1);
    assert_int_equal(json_int(b.second.bodies[0], "max_tokens", 0), 400);
    lasts(b.second.left_ms[0], 20);
    has(sent_second(&b, 0), "<3 chars>");
    has_not(sent_second(&b, 0), "abc");
    has(sent_second(&b, 0), "\"type\":\"image\"");
    has(healed(&b), "substitution/director");
    has(json_text(b.rig.pool, b.rig.events), "claude-director: the banner is no button");
    assert_true(json_num(json_object_get(b.rig.final, "costs"), "claude", 0) > 0);
    tear_down(&b);
    brain_destroy(claude);
}

/* The brain is told that it goes in circles, and leaves them by itself: its click is not taken from it. */
static void a_brain_that_leaves_a_loop_is_let(void **state)
{
    static const struct fake_answer answers[] = {
        SAY("[]"),
        DEAD_CLICK,
        DEAD_CLICK,
        DEAD_CLICK,
        SAY("I log in.\\nclick(x=600, y=180)"),
        SAY("done(success=False, summary='that was it')")};
    struct bench b;
    set_up(&b, "chat:llamacpp", "{'type':'holo3','intent':'Press the button to log in','budget':9}", answers,
           ARRAY_SIZE(answers), answers, 0);
    b.rig.web.leads_to = SITE "/home";
    rig_run(&b.rig, NULL);
    assert_string_equal(b.rig.run.live_url, SITE "/home");
    assert_string_equal(healed(&b), "missed_click/brain loop_left/brain");
    tear_down(&b);
}

/* The director misses as the brain did: both are told. */
static void advice_that_misses_is_told_with_who_gave_it(void **state)
{
    static const struct fake_answer answers[] = {
        DEAD_CLICK, DEAD_CLICK, DEAD_CLICK, DEAD_CLICK, SAY("click(x=600, y=180)"),
        SAY("done(success=False, summary='that was it')")};
    static const struct fake_answer director[] = {
        DIRECT("\\\"click\\\",\\\"x\\\":600,\\\"y\\\":60")};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, ARRAY_SIZE(answers), director, 1);
    struct brain *claude = helper(&b, "claude");
    b.rig.config.director = claude;
    b.rig.web.leads_to = SITE "/home";
    rig_run(&b.rig, NULL);
    assert_string_equal(b.rig.run.live_url, SITE "/home");
    has(json_text(b.rig.pool, json_object_get(b.rig.final, "healing_events")), "(600,60) by brain,director; (600,180)");
    tear_down(&b);
    brain_destroy(claude);
}

/* A value is asked for, and then an action. */
static void a_server_of_ours_is_paid_by_the_second_for_questions_too(void **state)
{
    static const struct fake_answer answers[] = {
        SAY("[{\\\"label\\\":\\\"email\\\",\\\"value\\\":\\\"ann@x.test\\\"}]"),
        SAY("click(x=600, y=100)")};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Fill ann@x.test into Email, then you are done','budget':9}",
           answers, ARRAY_SIZE(answers), answers, 0);
    b.server.server_s = 2;
    b.to_server.server.ours = true;
    rig_run(&b.rig, NULL);
    const json_t *costs = json_object_get(b.rig.final, "costs");
    assert_int_equal(b.server.calls, 2);
    assert_true(json_num(costs, "gpu_seconds", 0) == 4);
    assert_true(json_num(costs, "gpu_steps", 0) == 1);
    tear_down(&b);
}

static void the_director_rests_three_steps_and_can_be_switched_off(void **state)
{
    static const struct fake_answer answers[] = {DEAD_CLICK}, director[] = {DIRECT("\\\"wait\\\"")},
                                    types[] = {DIRECT("\\\"type_text\\\",\\\"text\\\":\\\"x\\\"")};
    for (int off = 0; off < 2; off++) {
        struct bench b;
        set_up(&b, "chat:llamacpp", "{'type':'holo3','intent':'Press the banner','budget':7}",
               answers, 1, director, 1);
        struct brain *claude = helper(&b, "claude");
        b.rig.config.director = claude;
        b.rig.config.inner_off = INNER_NO_LOOP_RECOVERY | (off ? INNER_NO_DIRECTOR : 0);
        rig_run(&b.rig, NULL);
        assert_int_equal(b.server.calls, 7);
        assert_int_equal(b.second.calls, off ? 0 : 2);
        tear_down(&b);
        brain_destroy(claude);
    }
    struct bench b;
    set_up(&b, "chat:llamacpp", "{'type':'holo3','intent':'Press the banner','budget':5}", answers,
           1, types, 1);
    struct brain *claude = helper(&b, "claude");
    b.rig.config.director = claude;
    b.rig.config.inner_off = INNER_NO_LOOP_RECOVERY;
    rig_run(&b.rig, NULL);
    assert_true(b.second.calls > 0);
    assert_int_equal(b.rig.web.typed_times, 0);
    assert_string_equal(healed(&b), "");
    tear_down(&b);
    brain_destroy(claude);
}

/* --- 15: grounding --------------------------------------------------------------------------- */

static void a_click_is_looked_at_again_where_it_is_wanted(void **state)
{
    static const struct fake_answer answers[] = {
        SAY("I open the banner.\\nclick(x=600, y=60)"), SAY("I close it.\\nclick(x=600, y=20)"),
        SAY("I open the banner.\\nclick(x=600, y=60)"), SAY("done(success=False, summary='no')")};
    static const struct fake_answer better[] = {
        CLAUDE_SAYS("{\"type\":\"text\",\"text\":\"{\\\"x\\\":612,\\\"y\\\":63}\"}")};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Press the banner','budget':9,'grounding':true}", answers,
           ARRAY_SIZE(answers), better, 1);
    struct brain *claude = helper(&b, "claude");
    b.rig.config.grounder = claude;
    rig_run(&b.rig, NULL);
    assert_int_equal(b.second.calls, 1); /* closing needs none, and the third is remembered */
    has(sent_second(&b, 0), "(600,60)");
    has(sent_second(&b, 0), "I open the banner.");
    for (int turn = 0; turn <= 2; turn += 2) {
        const json_t *t = event_of(&b, "turn", turn), *g = json_object_get(t, "grounding");
        const json_t *params = json_object_get(json_object_get(t, "action"), "params");
        assert_int_equal(json_int(params, "x", 0), 612);
        assert_int_equal(json_int(params, "y", 0), 63);
        assert_int_equal(json_flag(g, "cached", false), turn == 2);
    }
    assert_true(json_is_null(json_object_get(event_of(&b, "turn", 1), "grounding")));
    tear_down(&b);
    brain_destroy(claude);
}

/* Where the step or its site wants each point looked up for itself, nothing is remembered. */
static void an_independent_grounding_is_never_remembered(void **state)
{
    static const struct fake_answer answers[] = {SAY("I open the banner.\\nclick(x=600, y=60)"),
                                                 SAY("I open the banner.\\nclick(x=600, y=60)"),
                                                 SAY("done(success=False, summary='no')")};
    static const struct fake_answer none[] = {
        CLAUDE_SAYS("{\"type\":\"text\",\"text\":\"{\\\"none\\\":true}\"}")};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Press the "
           "banner','budget':9,'hints':{'independent_grounding':true}}",
           answers, ARRAY_SIZE(answers), none, 1);
    struct brain *claude = helper(&b, "claude");
    b.rig.config.grounder = claude;
    b.rig.config.ground_clicks = true;
    rig_run(&b.rig, NULL);
    assert_int_equal(b.second.calls, 2);
    const json_t *g = event_of(&b, "grounding", 1);
    assert_true(json_flag(g, "independent", false) && !json_flag(g, "accepted", true));
    assert_true(json_is_null(json_object_get(event_of(&b, "turn", 0), "grounding")));
    tear_down(&b);
    brain_destroy(claude);
}

static void advice_that_recovery_left_is_told(void **state)
{
    static const struct fake_answer answers[] = {SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "chat:llamacpp",
           "{'type':'holo3','intent':'Press the banner','hints':{'recovery_hints':['Close the box "
           "first']}}",
           answers, 1, answers, 0);
    rig_run(&b.rig, NULL);
    has(sent(&b, 0), "Hint: Close the box first");
    tear_down(&b);
}

/* --- brains 7: the ladder -------------------------------------------------------------------- */

#define CLAUDE_DONE                                                                                \
    CLAUDE_SAYS("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"done\",\"input\":"                 \
                "{\"success\":false,\"summary\":\"no\"}}")
#define CLAUDE_WAITS                                                                               \
    CLAUDE_SAYS("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"wait\",\"input\":{\"seconds\":0}"  \
                "}")

/* clang-format off */
static const struct ladder_case {
    const char *row, *spec;
    struct fake_answer primary;
    const char *trigger;
    int primary_calls, fallback_calls; /* within six turns */
} ladder_cases[] = {
    {"brains 7 two replies that nobody can read escalate", "ladder:chat:llamacpp,claude", SAY("hm"), "unparsed", 2, 4},
    {"brains 7 a server that does not answer twice escalates", "ladder:chat:llamacpp,claude", {.status = 401, .body = "{}"}, "unparsed", 2, 6},
    {"brains 7 a soft loop escalates", "ladder:chat:llamacpp,claude", DEAD_CLICK, "soft_loop", 3, 3},
    {"brains 7 a ladder that is not sticky goes back after one turn", "ladder:chat:llamacpp,claude,once", SAY("hm"), "unparsed", 4, 2},
};
/* clang-format on */

static void a_ladder_escalates(void **state)
{
    const struct ladder_case *c = *state;
    static const struct fake_answer fallback[] = {CLAUDE_WAITS};
    struct bench b;
    set_up(&b, c->spec, "{'type':'holo3','intent':'Press the banner','budget':6}", &c->primary, 1,
           fallback, 1);
    b.rig.config.inner_off = INNER_NO_LOOP_RECOVERY;
    if (strcmp(c->trigger, "soft_loop")) { /* every look shows something new */
        b.rig.web.full_frames = false;
        b.rig.web.clock = true;
        b.rig.web.ticks_every = 1;
    }
    rig_run(&b.rig, NULL);
    has(healed(&b), "brain_escalation/ladder");
    assert_string_equal(json_str(event_of(&b, "brain_escalation", 0), "trigger", ""), c->trigger);
    assert_int_equal(b.server.calls, c->primary_calls);
    assert_int_equal(b.second.calls, c->fallback_calls);
    tear_down(&b);
}

static void the_trajectory_says_who_was_asked(void **state)
{
    static const struct fake_answer answers[] = {SAY("hm"), SAY("well")};
    static const struct fake_answer fallback[] = {CLAUDE_WAITS, CLAUDE_DONE};
    struct bench b;
    set_up(&b, "ladder:chat:llamacpp,claude", PRESS, answers, 2, fallback, 2);
    rig_run(&b.rig, NULL);
    assert_string_equal(json_str(event_of(&b, "turn", 0), "brain_used", ""), "primary");
    assert_string_equal(json_str(event_of(&b, "turn", 2), "brain_used", ""), "fallback");
    assert_int_equal(json_int(event_of(&b, "subgoal", 0), "brain_escalations", 0), 1);
    assert_int_equal(json_int(event_of(&b, "subgoal", 0), "unparsed", 0), 2);
    has(sent_second(&b, 0), "Press the banner");
    tear_down(&b);
}

static void a_fallback_that_cannot_be_made_is_a_warning(void **state)
{
    static const struct fake_answer answers[] = {SAY("hm"), SAY("hm"), SAY("hm"),
                                                 SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "ladder:chat:llamacpp,chat:nobody", PRESS, answers, 4, answers, 0);
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls, 4);
    has(json_text(b.rig.pool, json_object_get(b.rig.final, "warnings")), "chat:nobody");
    assert_string_equal(healed(&b), "");
    tear_down(&b);
}

/* The page is read for nothing: a model is asked for what cannot be found that way, and for no
 * more. */
static void a_free_primary_is_asked_first_in_every_sub_goal(void **state)
{
    static const struct fake_answer fallback[] = {
        SAY("click(x=600, y=60)"), SAY("done(success=True, summary='pressed')"), VALID};
    struct bench b;
    set_up(&b, "ladder:page,chat:llamacpp",
           "{'type':'holo3','intent':'Click \\'The golden key\\'','budget':6,'required':false},"
           "{'type':'holo3','intent':'Click \\'Log in\\'','budget':6}",
           fallback, 0, fallback, 3);
    b.rig.web.leads_to = SITE "/home";
    rig_run(&b.rig, NULL);
    assert_string_equal(json_str(event_of(&b, "brain_escalation", 0), "trigger", ""), "gave_up");
    assert_string_equal(json_str(event_of(&b, "turn", 0), "brain_used", ""), "fallback");
    assert_string_equal(json_str(event_of(&b, "turn", 1), "brain_used", ""), "primary");
    assert_int_equal(b.second.calls, 3);
    assert_string_equal(b.rig.run.live_url, SITE "/home");
    assert_int_equal(rig_n_events(&b.rig, "brain_escalation"), 1);
    tear_down(&b);
}

static void a_ladder_is_taken_apart(void **state)
{
    struct pool *pool = pool_create(NULL);
    const char *parts[2];
    assert_int_equal(brain_parts(pool, "chat:holo3", parts), 1);
    assert_string_equal(parts[0], "chat:holo3");
    assert_int_equal(brain_parts(pool, "ladder:chat:holo3,claude,once", parts), 2);
    assert_string_equal(parts[0], "chat:holo3");
    assert_string_equal(parts[1], "claude");
    assert_int_equal(brain_parts(pool, "ladder:page", parts), 0);
    pool_destroy(pool);
}

static void a_ladder_is_named_in_full(void **state)
{
    static const char *const wrong[] = {"ladder",
                                        "ladder:page",
                                        "ladder:page,",
                                        "ladder:,page",
                                        "ladder:page,page,twice",
                                        "ladder:page,ladder:page,page"};
    const struct brain_needs needs = {0};
    struct brain *brain;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct err err = {0};
        assert_int_equal(brain_create(wrong[i], &needs, &brain, &err), E_INVALID);
        has(err.msg, "ladder");
    }
}

/* --- what is told once ----------------------------------------------------------------------- */

static int count_of(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

static void what_was_done_is_told_once_with_what_came_of_it(void **state)
{
    static const struct fake_answer answers[] = {SAY("click(x=644, y=60)"),
                                                 SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "chat:holo3", PRESS, answers, 2, answers, 0);
    rig_run(&b.rig, NULL);
    has(sent(&b, 1), "Recent actions:\\n  1. click({\\\"x\\\":644,\\\"y\\\":60");
    has(sent(&b, 1), " -> clicked (no visible change)");
    has(sent(&b, 1), "Done so far: 1 actions");
    has_not(sent(&b, 1), "Step 1:");
    assert_int_equal(count_of(sent(&b, 1), "click({"), 1);
    tear_down(&b);
}

static void what_failed_before_is_told_once(void **state)
{
    static const struct fake_answer answers[] = {SAY("done(success=False, summary='no')")};
    static const char *const specs[] = {"chat:holo3", "chat:llamacpp"};
    for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
        struct bench b;
        set_up(&b, specs[i],
               "{'type':'holo3','intent':'Press the banner','budget':2,'required':true}", answers,
               1, answers, 0);
        rig_run(&b.rig, NULL);
        const char *again = sent(&b, b.server.calls - 1);
        assert_true(b.server.calls > 1);
        has(again, i == 0 ? "Earlier attempts at this failed" : "Previous attempts");
        has_not(again, i == 0 ? "Previous attempts" : "Earlier attempts at this failed");
        tear_down(&b);
    }
}

/* --- 1.2: host tools ------------------------------------------------------------------------- */

#define CALLS_TOOL                                                                                 \
    {                                                                                              \
        .status = 200,                                                                             \
        .body = "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"function\":{"     \
                "\"name\":\"request_user_input\",\"arguments\":"                                   \
                "\"{\\\"prompt\\\":\\\"Which code?\\\"}\"}}]}}]}"                                  \
    }

static void answer_the_question(struct rig *rig, const json_t *pause)
{
    json_t *given = json_pack("{s:s}", "1", "4711-88");
    assert_string_equal(json_str(pause, "prompt", ""), "Which code?");
    run_answer(&rig->run, given);
    json_decref(given);
}

static void a_person_is_asked_in_the_middle_and_the_loop_goes_on(void **state)
{
    static const struct fake_answer answers[] = {CALLS_TOOL,
                                                 SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, 2, answers, 0);
    b.rig.config.tools = host_tools;
    b.rig.on_paused = answer_the_question;
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls, 2);
    assert_int_equal(json_array_size(b.rig.pauses), 1);
    has(sent(&b, 0), "\"name\":\"request_user_input\"");
    has(sent(&b, 1), "tool:request_user_input:ok:4711-88");
    const json_t *turn = event_of(&b, "turn", 0);
    assert_string_equal(json_str(json_object_get(turn, "action"), "action_type", ""), "tool_call");
    has_not(json_text(b.rig.pool, b.rig.events), "4711-88");
    assert_int_equal(b.rig.web.clicks, 0);
    tear_down(&b);
}

static void a_tool_that_cannot_ask_says_so(void **state)
{
    static const struct fake_answer answers[] = {CALLS_TOOL,
                                                 SAY("done(success=False, summary='no')")};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, 2, answers, 0);
    b.rig.config.tools = host_tools;
    rig_run(&b.rig, NULL);
    has(sent(&b, 1), "tool:request_user_input:error:");
    tear_down(&b);
}

/* --- frames, money --------------------------------------------------------------------------- */

static void a_request_says_how_many_frames_are_shown(void **state)
{
    static const struct fake_answer answers[] = {DEAD_CLICK, SAY("click(x=1, y=300)"),
                                                 SAY("click(x=300, y=500)"),
                                                 SAY("done(success=False, summary='no')")};
    for (int frames = 0; frames <= 3; frames += 3) {
        struct bench b;
        set_up(&b, "chat:llamacpp", PRESS, answers, ARRAY_SIZE(answers), answers, 0);
        b.rig.config.frames = frames;
        rig_run(&b.rig, NULL);
        assert_int_equal(count_of(sent(&b, 3), "image_url\":{"), frames ? frames : 2);
        tear_down(&b);
    }
}

static void questions_are_paid_and_end_with_the_money(void **state)
{
    static const struct fake_answer answers[] = {
        CLAUDE_SAYS("{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"done\",\"input\":"
                    "{\"success\":true,\"summary\":\"it is there\"}}")};
    struct bench b;
    set_up(&b, "claude", PRESS, answers, 1, answers, 0);
    b.rig.config.max_cost = 0.001;
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls,
                     1); /* the turn took it all: nothing is left for the question */
    tear_down(&b);
    set_up(&b, "claude", PRESS, answers, 1, answers, 0);
    rig_run(&b.rig, NULL);
    assert_int_equal(b.server.calls, 2);
    const json_t *paths =
        json_object_get(json_object_get(b.rig.final, "claude_cost_by_path"), "by_path");
    assert_non_null(json_object_get(paths, "verify_done::claude-x"));
    tear_down(&b);
}

static void a_server_that_is_gone_ends_the_sub_goal(void **state)
{
    static const struct fake_answer answers[] = {{.status = 401, .body = "{}"}};
    struct bench b;
    set_up(&b, "chat:llamacpp", PRESS, answers, 1, answers, 0);
    rig_run(&b.rig, NULL);
    has(rig_data(&b.rig, 1), "brain_unreachable:");
    has(rig_data(&b.rig, 1), "401");
    tear_down(&b);
}

/* clang-format off */
static const struct CMUnitTest others[] = {
    row_test("agent-loop 7.1 a login form is filled and sent from pixels alone", a_login_form_is_filled_from_pixels),
    row_test("agent-loop 7.1 a field that has its value is not given the next one", a_filled_field_is_not_given_the_next_value),
    row_test("agent-loop 6 on pixels a done that is shown needs no typing", a_done_that_is_shown_needs_no_typing),
    row_test("agent-loop 7.1 a page that can be read is asked before the model", a_readable_page_is_asked_before_the_model),
    row_test("brains 8 the submit button is told in the model's own coordinates", a_button_is_found_in_the_models_coordinates),
    row_test("agent-loop 7.2 a button that nobody finds is a Return", the_button_that_nobody_finds_is_a_return),
    row_test("agent-loop 7.1 a click on no field, or that speaks of removing, is left alone", a_click_elsewhere_or_on_what_deletes_is_left_alone),
    row_test("agent-loop 7 the form controller can be switched off", the_form_controller_can_be_switched_off),
    row_test("agent-loop 7.1 one value that was all there is to do ends the loop as a success", one_value_and_nothing_else_is_all),
    row_test("agent-loop 6 a done that the screen does not show is refused twice, then unverified", a_false_done_is_refused),
    row_test("agent-loop 6 a done must name what the step's schema requires", a_done_must_name_what_the_step_requires),
    row_test("agent-loop 6 no answer about a done accepts it", no_answer_about_a_done_accepts_it),
    row_test("agent-loop 6 a gate that is off asks nothing", the_gate_that_is_off_asks_nothing),
    row_test("agent-loop 5.3 Better: a brain that leaves a loop by itself is let, and it is told as healed",
             a_brain_that_leaves_a_loop_is_let),
    row_test("agent-loop 9.6 advice that misses is told, with who gave it", advice_that_misses_is_told_with_who_gave_it),
    row_test("agent-loop 7.1 Better: nothing is typed where no field is", nothing_is_typed_where_no_field_is),
    row_test("agent-loop 9.6 a click that missed is told once it is put right",
             a_click_that_missed_is_told_once_it_is_put_right),
    row_test("agent-loop 7.4 a click loop is broken by the director, who sees no typed text", a_click_loop_is_broken_by_the_director),
    row_test("agent-loop 7.4 the director rests three steps, never types, can be switched off", the_director_rests_three_steps_and_can_be_switched_off),
    row_test("agent-loop 15 a click is looked at again where it is wanted, once for one place", a_click_is_looked_at_again_where_it_is_wanted),
    row_test("agent-loop 15 an independent grounding is neither looked up nor remembered, no answer keeps the point", an_independent_grounding_is_never_remembered),
    row_test("agent-loop 1.5 advice that recovery left on the step is told", advice_that_recovery_left_is_told),
    row_test("brains 7 the trajectory says which brain was asked", the_trajectory_says_who_was_asked),
    row_test("brains 7 a fallback that cannot be made is a warning", a_fallback_that_cannot_be_made_is_a_warning),
    row_test("brains 7 a primary that reads the page is asked first in every sub-goal and escalates when it gives up", a_free_primary_is_asked_first_in_every_sub_goal),
    row_test("brains 7 a ladder is taken apart for whoever links it", a_ladder_is_taken_apart),
    row_test("brains 7 a ladder is named in full", a_ladder_is_named_in_full),
    row_test("agent-loop 1.3 what was done is told once, with what came of it", what_was_done_is_told_once_with_what_came_of_it),
    row_test("brains 1 earlier attempts are told once", what_failed_before_is_told_once),
    row_test("agent-loop 1.2 a tool that asks a person: the run stands still, the loop goes on", a_person_is_asked_in_the_middle_and_the_loop_goes_on),
    row_test("agent-loop 19 a tool that cannot ask anybody says so", a_tool_that_cannot_ask_says_so),
    row_test("agent-loop 1.1 frames_per_inference is the request's", a_request_says_how_many_frames_are_shown),
    row_test("agent-loop 17 questions to a server of ours are paid by the second", a_server_of_ours_is_paid_by_the_second_for_questions_too),
    row_test("agent-loop 17 questions are paid by name and end with the money", questions_are_paid_and_end_with_the_money),
    row_test("agent-loop 1.2 a server that is gone is brain_unreachable", a_server_that_is_gone_ends_the_sub_goal),
};
/* clang-format on */

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(ladder_cases) + ARRAY_SIZE(fill_edges) +
                            ARRAY_SIZE(used_edges) + ARRAY_SIZE(behind_cases) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(fill_edges); i++)
        tests[n++] = (struct CMUnitTest){fill_edges[i].row, a_field_is_filled_or_not, NULL, NULL,
                                         (void *)&fill_edges[i]};
    for (size_t i = 0; i < ARRAY_SIZE(used_edges); i++)
        tests[n++] = (struct CMUnitTest){used_edges[i].row, a_filled_field_is_known_by_its_place,
                                         NULL, NULL, (void *)&used_edges[i]};
    for (size_t i = 0; i < ARRAY_SIZE(behind_cases); i++)
        tests[n++] = (struct CMUnitTest){behind_cases[i].row, keys_make_the_field_take_it, NULL,
                                         NULL, (void *)&behind_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(ladder_cases); i++)
        tests[n++] = (struct CMUnitTest){ladder_cases[i].row, a_ladder_escalates, NULL, NULL,
                                         (void *)&ladder_cases[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
