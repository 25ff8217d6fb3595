/*
 * The inner loop at work, row by row (agent-loop.md 1.1 to 1.5, 7.5 and 17): what a brain says, and
 * what becomes of it. Its parts have their own tables in test_inner.c.
 */
#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "run/inner/gallery.h"
#include "run/inner/inner.h"
#include "run/telling.h"
#include "unit/run_rig.h"

#define SITE "http://form.test"
#define OPEN "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/form'}}"
#define WAIT "{'type':'wait','intent':'w','params':{'seconds':0}}"

#define CLICK(at_x, at_y)                                                                          \
    {                                                                                              \
        .type = ACTION_CLICK, .x = (at_x), .y = (at_y), .button = BUTTON_LEFT                      \
    }
#define DONE(well, words)                                                                          \
    {                                                                                              \
        .type = ACTION_DONE, .success = (well), .summary = (words)                                 \
    }

/* "Banner" leads nowhere, "Send" to web->leads_to. */
static void form_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = "Form";
    fake_add(out, "input", "input", "Email", "");
    fake_add(out, "", "div", "Banner", "");
    fake_add(out, "button", "button", "Send", web->leads_to ? web->leads_to : "");
}

static const struct action well[] = {DONE(true, "it is there")};
static const struct action badly[] = {DONE(false, "looked for it")};
static const struct action click_done[] = {CLICK(600, 60), DONE(true, "it is there")};
static const struct action dead_click[] = {CLICK(600, 60)};
static const struct action send[] = {CLICK(600, 100), DONE(true, "it is there")};

/* clang-format off */
static const struct loop_case {
    const char *row;
    const struct action *actions;
    int n, max_steps;
    int silent;           /* questions that are not answered first */
    const char *leads_to; /* by "Send" */
    const char *termination;
    bool success;
    int asked;
} loop_cases[] = {
    {"agent-loop 1.1 max_steps counts the done as well", click_done, 2, 2, 0, "", "done", true, 2},
    {"agent-loop 1.1 a done that comes too late is not heard", click_done, 2, 1, 0, "", "max_steps", false, 1},
    {"agent-loop 1.1 max_steps is at least one", well, 1, 0, 0, "", "done", true, 1},
    {"agent-loop 1.1 the hard window stops after 8 of the same", dead_click, 1, 30, 0, "", "loop", false, 8},
    {"agent-loop 1.2 a budget that is used up is max_steps, a failure", dead_click, 1, 3, 0, "", "max_steps", false, 3},
    {"agent-loop 1.2 an accepted done is a success", well, 1, 5, 0, "", "done", true, 1},
    {"agent-loop 1.2 a done without success is done_failed, a failure", badly, 1, 5, 0, "", "done_failed", false, 1},
    {"agent-loop 1.2 three silences in a row are brain_unreachable", well, 1, 5, 3, "", "brain_unreachable", false, 0},
    {"agent-loop 1.2 two silences are made up for, and cost no step", well, 1, 1, 2, "", "done", true, 1},
    {"agent-loop 1.2 a click onto the vendor's page is a trap, a failure", send, 2, 5, 0, "https://chrome.google.com/x", "chrome_vendor_trap", false, 1},
    {"agent-loop 1.2 a click onto another page is none", send, 2, 5, 0, "https://google.com/maps", "done", true, 2},
};
/* clang-format on */

static void bench(struct rig *rig, struct rig_brain *brain, const struct action *actions, int n)
{
    rig_brain_init(brain, actions, n);
    rig_init(rig, form_page, "[" OPEN "," WAIT "]");
    rig->brain = &brain->base;
    rig_run(rig, NULL);
}

static bool tells_retry(const struct rig *rig)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->run.progress.healing, i, e)
        if (!strcmp(json_str(e, "kind", ""), "model_retry"))
            return true;
    return false;
}

static void a_loop_ends(void **state)
{
    const struct loop_case *c = *state;
    struct inner_goal goal = {.task = "x", .sentence = "x", .max_steps = c->max_steps};
    struct inner_result out;
    struct rig rig;
    struct rig_brain brain;
    struct err err = {0};
    bench(&rig, &brain, c->actions, c->n);
    brain.silent = c->silent;
    rig.web.leads_to = c->leads_to;
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_string_equal(out.termination, c->termination);
    assert_int_equal(out.success, c->success);
    assert_int_equal(brain.asked, c->asked);
    assert_int_equal(tells_retry(&rig), c->silent && c->asked);
    rig_release(&rig);
}

static void the_first_list_is_told_as_the_plan(void **state)
{
    static const char *const thoughts[] = {"1. Press Banner\n2. Say so\nI begin.", NULL};
    struct inner_goal goal = {.task = "Do it", .sentence = "Do it", .max_steps = 5};
    struct inner_result out;
    struct rig rig;
    struct rig_brain brain;
    struct err err = {0};
    bench(&rig, &brain, click_done, 2);
    brain.thoughts = thoughts;
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_non_null(strstr(brain.prompt, "Task: Do it\n"));
    assert_non_null(strstr(brain.prompt, "Your plan:\n1. Press Banner\n2. Say so\n"));
    assert_non_null(strstr(brain.prompt, "clicked (no visible change)")); /* the feedback, 1.4 */
    rig_release(&rig);
}

/* What is told of a thought is cut; the other half of a password would stand there. */
static void a_password_is_hidden_before_its_thought_is_cut(void **state)
{
    char thought[600];
    struct rig rig;
    struct rig_brain brain;
    json_t *passwords = json_pack("{s:s}", "1", "harbor-lantern-42");
    bench(&rig, &brain, click_done, 2);
    answers_take(&rig.run.passwords, passwords);
    memset(thought, 'x', 490);
    strcpy(thought + 490, "harbor-lantern-42");
    telling_brain(&rig.run, thought, NULL);
    assert_null(strstr(json_string_value(rig.run.telling.thinking), "harbor"));
    telling_reset(&rig.run);
    json_decref(passwords);
    rig_release(&rig);
}

/* 100,000 tokens of opus are 1.50 USD. */
static void tokens_count_and_the_cap_binds_in_between(void **state)
{
    static struct action clicks[9];
    struct inner_goal goal = {.task = "x", .sentence = "x", .max_steps = 9};
    struct inner_result out;
    struct rig rig;
    struct rig_brain brain;
    struct err err = {0};
    for (int i = 0; i < 9; i++)
        clicks[i] = (struct action)CLICK(100 * i, 60 * i);
    bench(&rig, &brain, clicks, 9);
    rig.config.max_cost = 2;
    brain.model = "claude-opus-4-7";
    brain.input_tokens = 100000;
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_string_equal(out.termination, "budget_cap");
    assert_int_equal(brain.asked, 2);
    json_t *doc = run_checkpoint(&rig.run);
    const json_t *paths = json_object_get(json_object_get(doc, "claude_cost_by_path"), "by_path");
    const json_t *path = json_object_get(paths, "brain::claude-opus-4-7");
    assert_int_equal(json_int(path, "calls", 0), 2);
    assert_int_equal(json_int(path, "input_tokens", 0), 200000);
    assert_true(fabs(json_num(json_object_get(doc, "costs"), "total", 0) - 3) < 1e-9);
    json_decref(doc);
    rig_release(&rig);
}

static void a_brain_that_names_no_price_costs_nothing(void **state)
{
    struct inner_goal goal = {.task = "x", .sentence = "x", .max_steps = 9};
    struct inner_result out;
    struct rig rig;
    struct rig_brain brain;
    struct err err = {0};
    bench(&rig, &brain, click_done, 2);
    brain.input_tokens = 100000;
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    json_t *doc = run_checkpoint(&rig.run);
    assert_int_equal(json_object_size(json_object_get(doc, "claude_cost_by_path")), 0);
    assert_true(json_num(json_object_get(doc, "costs"), "total", -1) == 0);
    json_decref(doc);
    rig_release(&rig);
}

/* --- what the operator switched off ---------------------------------------------------------- */

/* clang-format off */
static const struct off_case {
    const char *row, *name;
    unsigned bit;
} off_cases[] = {
    {"agent-loop 6 MANTIS_DONE_GATE reaches the loop", "done_gate", INNER_NO_DONE_GATE},
    {"agent-loop 5.3 MANTIS_LOOP_RECOVERY reaches the loop", "loop_recovery", INNER_NO_LOOP_RECOVERY},
    {"agent-loop 5.2 MANTIS_LOOP_ADAPTIVE reaches the loop", "loop_adaptive", INNER_PLAIN_LOOP},
    {"agent-loop 5.1 MANTIS_ADAPTIVE_CLICK_TOL reaches the loop", "adaptive_click_tol", INNER_PLAIN_TOLERANCE},
    {"agent-loop 8.1 MANTIS_PREDICATE_VERIFY reaches the loop", "predicate_verify", INNER_NO_PREDICATES},
    {"agent-loop 8.2 MANTIS_PERCEPTUAL_VERIFY reaches the loop", "perceptual_verify", INNER_NO_PERCEPTUAL},
    {"agent-loop 7 MANTIS_FORM_CONTROLLER reaches the loop", "form_controller", INNER_NO_FORM_CONTROLLER},
    {"agent-loop 2.1 MANTIS_VERIFY_TYPE reaches the loop", "verify_type", INNER_NO_READ_BACK},
    {"agent-loop 7.4 MANTIS_CUA_DIRECTOR reaches the loop", "cua_director", INNER_NO_DIRECTOR},
};
/* clang-format on */

static void a_switch_is_one_bit(void **state)
{
    const struct off_case *c = *state;
    json_t *names = json_pack("[s,s]", "moon", c->name);
    assert_int_equal(inner_off_read(names), c->bit);
    json_decref(names);
    assert_int_equal(inner_off_read(NULL), 0);
}

static const json_t *turn(const struct rig *rig, int nth)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), "turn") && nth-- == 0)
            return json_object_get(e, "detail");
    fail_msg("no such turn");
    return NULL;
}

/* One brain for all: it clicks into the field twice and presses Send, with a prediction of none. */
static void run_with(struct rig *rig, unsigned off, struct inner_result *out)
{
    static const struct action actions[] = {CLICK(600, 20), CLICK(600, 20), CLICK(600, 100),
                                            DONE(true, "it is sent")};
    static struct rig_brain brain;
    static const char *const thoughts[] = {"I look\nPredicted: url_changed", "again", "submit", NULL};
    struct inner_goal goal = {.task = "Fill in Email",
                              .sentence = "Fill in Email",
                              .max_steps = 9,
                              .pending = {{"Email", "a@b.test", false}},
                              .n_pending = 1};
    struct err err = {0};
    bench(rig, &brain, actions, 4);
    brain.thoughts = thoughts;
    rig->config.inner_off = off;
    assert_int_equal(inner_run(&rig->run, &goal, out, &err), 0);
}

static void without_the_form_controller_a_click_stays_a_click(void **state)
{
    struct rig rig;
    struct inner_result out;
    run_with(&rig, 0, &out);
    assert_string_equal(json_str(turn(&rig, 1), "substituted_by", ""), "force-fill");
    rig_release(&rig);
    run_with(&rig, INNER_NO_FORM_CONTROLLER | INNER_NO_DONE_GATE, &out);
    assert_string_equal(json_str(turn(&rig, 1), "substituted_by", ""), "");
    rig_release(&rig);
}

static void without_read_back_nothing_is_said_of_it(void **state)
{
    struct rig rig;
    struct inner_result out;
    run_with(&rig, 0, &out);
    const json_t *seen = json_object_get(turn(&rig, 1), "observed_state");
    assert_true(json_is_object(json_object_get(seen, "type_verified")));
    rig_release(&rig);
    run_with(&rig, INNER_NO_READ_BACK, &out);
    seen = json_object_get(turn(&rig, 1), "observed_state");
    assert_true(json_is_null(json_object_get(seen, "type_verified")));
    rig_release(&rig);
}

static void without_predicates_nothing_is_evaluated(void **state)
{
    struct rig rig;
    struct inner_result out;
    run_with(&rig, 0, &out);
    const json_t *result =
        json_array_get(json_object_get(turn(&rig, 0), "predicate_results"), 0);
    assert_string_equal(json_str(result, "predicate", ""), "url_changed");
    assert_true(json_is_false(json_object_get(result, "result")));
    assert_true(json_num(json_object_get(turn(&rig, 0), "reward_components"), "world_model_error",
                         0) == -.05);
    rig_release(&rig);
    run_with(&rig, INNER_NO_PREDICATES, &out);
    assert_int_equal(json_array_size(json_object_get(turn(&rig, 0), "predicate_results")), 0);
    assert_int_equal(json_object_size(json_object_get(turn(&rig, 0), "reward_components")), 0);
    rig_release(&rig);
}

/* --- 7.5 ------------------------------------------------------------------------------------- */

/* clang-format off */
static const struct look_case {
    const char *row;
    bool words;
    struct gallery_look look;
    double score;
} look_cases[] = {
    {"agent-loop 7.5 words count .7", true, {0, 0, 0, 0}, .7},
    {"agent-loop 7.5 a dark share of .45 counts .25", false, {.45, 0, 0, 0}, .25},
    {"agent-loop 7.5 a dark share below .45 counts nothing", false, {.449, 0, 0, 0}, 0},
    {"agent-loop 7.5 a dark border of .65 counts .2", false, {0, .65, 0, 0}, .2},
    {"agent-loop 7.5 a dark border below .65 counts nothing", false, {0, .649, 0, 0}, 0},
    {"agent-loop 7.5 contrast .18 with bright .12 in the centre counts .25", false, {0, 0, .18, .12}, .25},
    {"agent-loop 7.5 contrast without bright counts nothing", false, {0, 0, .9, .119}, 0},
    {"agent-loop 7.5 bright without contrast counts nothing", false, {0, 0, .179, .9}, 0},
    {"agent-loop 7.5 a uniformly dark screen loses .2", false, {.96, 0, 0, .029}, .05},
    {"agent-loop 7.5 a dark screen with something bright loses nothing", false, {.96, 0, 0, .03}, .25},
    {"agent-loop 7.5 a picture on the dark is a trap without words", false, {.5, .7, .2, .2}, .7},
};

static const struct words_case {
    const char *row, *text;
    bool viewer;
} words_cases[] = {
    {"agent-loop 7.5 words: N of M", "Photo 3 of 17", true},
    {"agent-loop 7.5 words: photo gallery", "Photo Gallery", true},
    {"agent-loop 7.5 words: image viewer", "an image viewer", true},
    {"agent-loop 7.5 words: image gallery", "Image gallery", true},
    {"agent-loop 7.5 words: photo viewer", "the photo viewer", true},
    {"agent-loop 7.5 words: lightbox", "LIGHTBOX", true},
    {"agent-loop 7.5 words: close \xc3\x97", "Close \xc3\x97", true},
    {"agent-loop 7.5 words: of without numbers is none", "one of many", false},
};
/* clang-format on */

static void looks_are_scored(void **state)
{
    const struct look_case *c = *state;
    assert_true(fabs(gallery_score(c->words, &c->look) - c->score) < 1e-9);
}

static void viewers_are_named(void **state)
{
    const struct words_case *c = *state;
    assert_int_equal(gallery_words(c->text), c->viewer);
}

/* --- all of them ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct CMUnitTest plain_tests[] = {
    row_test("agent-loop 1.3 the numbered list of the first reply is told as your plan", the_first_list_is_told_as_the_plan),
    cmocka_unit_test(a_password_is_hidden_before_its_thought_is_cut),
    row_test("agent-loop 17 Better: a brain's tokens count, and the cap binds between its turns", tokens_count_and_the_cap_binds_in_between),
    row_test("agent-loop 17 a brain that is not paid by the token costs nothing", a_brain_that_names_no_price_costs_nothing),
    row_test("agent-loop 7 switched off, a repeated click stays a click", without_the_form_controller_a_click_stays_a_click),
    row_test("agent-loop 2.1 switched off, nothing is read back", without_read_back_nothing_is_said_of_it),
    row_test("agent-loop 8.1 world_model_error counts in the reward, unless switched off", without_predicates_nothing_is_evaluated),
};
/* clang-format on */

static int add_rows(struct CMUnitTest *out, int n, const void *cases, size_t size, size_t count,
                    CMUnitTestFunction fn)
{
    for (size_t i = 0; i < count; i++) {
        const char *one = (const char *)cases + i * size;
        out[n++] = (struct CMUnitTest){*(const char *const *)one, fn, NULL, NULL, (void *)one};
    }
    return n;
}

int main(void)
{
    static struct CMUnitTest tests[64];
    int n = ARRAY_SIZE(plain_tests);
    memcpy(tests, plain_tests, sizeof(plain_tests));
    n = add_rows(tests, n, loop_cases, sizeof(loop_cases[0]), ARRAY_SIZE(loop_cases), a_loop_ends);
    n = add_rows(tests, n, off_cases, sizeof(off_cases[0]), ARRAY_SIZE(off_cases),
                 a_switch_is_one_bit);
    n = add_rows(tests, n, look_cases, sizeof(look_cases[0]), ARRAY_SIZE(look_cases),
                 looks_are_scored);
    n = add_rows(tests, n, words_cases, sizeof(words_cases[0]), ARRAY_SIZE(words_cases),
                 viewers_are_named);
    assert_true((size_t)n <= ARRAY_SIZE(tests));
    return _cmocka_run_group_tests("inner_loop", tests, (size_t)n, NULL, NULL);
}
