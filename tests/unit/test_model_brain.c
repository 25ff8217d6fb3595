/*
 * The brains that are models, turn after turn, over a transport that is a list: what they are sent,
 * what becomes of what they say, what is kept between turns and when it is forgotten.
 */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "brain/brain.h"
#include "brain/model/ask.h"
#include "tools/fake_transport.h"
#include "unit/model_rig.h"

static struct pool *pool;
static struct fake_transport server;
static struct model_link to_server;
static int pictures; /* made by take() */

/* --- turns ----------------------------------------------------------------------------------- */

/* A picture of its own of every size. */
static int take(void *arg, struct pool *p, const struct profile *profile, const struct frame *frame,
                int width, int height, struct model_frame *out, struct err *err)
{
    const char *text = pool_printf(p, "%s %dx%d of %dx%d", (const char *)arg, width, height,
                                   frame->width, frame->height);
    pictures++;
    *out = (struct model_frame){(const uint8_t *)text, strlen(text), width, height};
    return 0;
}

static struct brain *brain_of(const char *spec)
{
    const struct brain_needs needs = {.model = &to_server};
    struct brain *brain;
    struct err err = {0};
    if (brain_create(spec, &needs, &brain, &err))
        fail_msg("%s", err.msg);
    return brain;
}

static void answers(const struct fake_answer *list, int n)
{
    fake_transport_init(&server, pool, list, n);
    to_server = (struct model_link){.transport = &server.base, .dirs = rig_dirs()};
}

static const struct action done_so_far[] = {
    {.type = ACTION_CLICK, .x = 10, .y = 20, .button = BUTTON_LEFT},
    {.type = ACTION_TYPE_TEXT, .text = "abc"},
    {.type = ACTION_WAIT, .seconds = 1},
};
static const char *const came_of_it[] = {"input field focused, type now", "typed text verified",
                                         "no visible change"};

struct step {
    const char *task, *png; /* png NULL: none was taken */
    int n_history;
};

static int think(struct brain *brain, const struct step *s, struct brain_reply *out,
                 struct err *err)
{
    const struct observation obs = {.url = "",
                                    .title = "",
                                    .frame = {.width = 1280, .height = 720},
                                    .png = (const uint8_t *)s->png,
                                    .png_len = s->png ? strlen(s->png) : 0};
    const struct brain_turn turn = {.task = s->task,
                                    .obs = &obs,
                                    .history = done_so_far,
                                    .feedback = came_of_it,
                                    .n_history = s->n_history,
                                    .in_plan = true,
                                    .steps_left = 5,
                                    .deadline_mono_ms = clock_mono_ms() + 600000};
    struct pool *own = pool_create(NULL); /* dies with its turn, as the loop's does */
    int r = brain_think(brain, own, &turn, out, err);
    if (!r) {
        out->action.text = out->action.text ? pool_strdup(pool, out->action.text) : NULL;
        out->action.summary = out->action.summary ? pool_strdup(pool, out->action.summary) : NULL;
        out->action.reasoning = NULL;
        out->thinking = pool_strdup(pool, out->thinking);
        out->model = out->model ? pool_strdup(pool, out->model) : NULL;
        out->predicted = out->predicted ? json_keep(pool, json_deep_copy(out->predicted)) : NULL;
    }
    pool_destroy(own);
    return r;
}

/* Text of what was sent with the n-th call. */
static const char *sent(int n)
{
    return json_text(pool, server.bodies[n]);
}

/* --- one turn -------------------------------------------------------------------------------- */

#define CHAT(message) "{\"model\":\"m\",\"choices\":[{\"message\":" message "}]}"
#define CLAUDE(content)                                                                            \
    "{\"model\":\"claude-x\",\"content\":[" content                                                \
    "],\"usage\":{\"input_tokens\":100,\"output_tokens\":20,"                                      \
    "\"cache_read_input_tokens\":40,\"cache_creation_input_tokens\":5}}"
#define TOOL(id, input)                                                                            \
    "{\"type\":\"tool_use\",\"id\":\"" id "\",\"name\":\"computer\",\"input\":" input "}"

/* clang-format off */
static const struct row {
    const char *row, *spec, *answer, *does, *thinks;
} rows[] = {
    {"brains 2 a native call, with its thinking and prediction", "chat:holo3",
     CHAT("{\"content\":\"<think>go</think>scroll(direction=\\\"up\\\", amount=3)\\nPredicted: frame_changed\"}"), "scroll up 3", "go"},
    {"brains 12 a point of the resized image is one of the screen", "chat:holo3", CHAT("{\"content\":\"click(x=644, y=364)\"}"), "click 640,360", ""},
    {"brains 2 a tool call", "chat:holo3",
     CHAT("{\"content\":null,\"tool_calls\":[{\"function\":{\"name\":\"done\",\"arguments\":\"{\\\"success\\\":false,\\\"summary\\\":\\\"no rows\\\"}\"}}]}"),
     "done false: no rows", ""},
    {"brains 2 what nobody can read is a wait", "chat:holo3", CHAT("{\"content\":\"hm\"}"), "wait 1 unread", "hm"},
    {"brains 3 fara points in a picture of its own size", "chat:fara",
     CHAT("{\"content\":\"computer_use({\\\"action\\\":\\\"left_click\\\",\\\"coordinate\\\":[714,448]})\"}"), "click 640,360", ""},
    {"brains 4 the computer tool", "claude", CLAUDE("{\"type\":\"thinking\",\"thinking\":\"The field is empty\"}," TOOL("t1", "{\"action\":\"type\",\"text\":\"lisbon\"}")),
     "type lisbon", "The field is empty"},
    {"brains 5 one line of pyautogui", "chat:opencua", CHAT("{\"content\":\"pyautogui.typewrite('a (b)')\"}"), "type a (b)", ""},
    {"brains 6 screen pixels", "chat:llamacpp", CHAT("{\"content\":\"{\\\"action\\\":\\\"left_click\\\",\\\"parameters\\\":{\\\"x\\\":10,\\\"y\\\":20}}\"}"), "click 10,20", ""},
};
/* clang-format on */

static void one_row(void **state)
{
    const struct row *row = *state;
    const struct fake_answer answer = {.status = 200, .body = row->answer};
    const struct step step = {"Open it", "png", 0};
    struct brain_reply reply;
    struct err err = {0};
    answers(&answer, 1);
    to_server.picture = take;
    to_server.picture_arg = (void *)(uintptr_t) "now";
    struct brain *brain = brain_of(row->spec);
    if (think(brain, &step, &reply, &err))
        fail_msg("%s", err.msg);
    assert_string_equal(rig_words(pool, &reply.action), row->does);
    assert_string_equal(reply.thinking, row->thinks);
    assert_int_equal(reply.predicted != NULL, strstr(row->answer, "Predicted") != NULL);
    assert_non_null(strstr(sent(0), "Task: Open it"));
    brain_destroy(brain);
}

/* --- pictures -------------------------------------------------------------------------------- */

static void a_picture_is_made_only_where_it_must_be(void **state)
{
    const struct fake_answer answer = {.status = 200, .body = CHAT("{\"content\":\"DONE\"}")};
    const struct step with = {"Open it", "png", 0}, without = {"Open it", NULL, 0};
    struct brain_reply reply;
    struct err err = {0};
    answers(&answer, 1);
    struct brain *holo3 = brain_of("chat:holo3"), *fara = brain_of("chat:fara");
    assert_int_equal(think(holo3, &with, &reply, &err), 0);
    assert_non_null(strstr(sent(0), "data:image/png;base64,cG5n\""));
    assert_int_equal(think(holo3, &without, &reply, &err), E_UNSUPPORTED);
    assert_int_equal(think(fara, &with, &reply, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "image/png of 1428x896"));
    assert_int_equal(server.calls, 1);

    to_server.picture = take;
    to_server.picture_arg = (void *)(uintptr_t) "now";
    pictures = 0;
    assert_int_equal(think(holo3, &with, &reply, &err), 0);
    assert_int_equal(pictures, 0);
    assert_int_equal(think(fara, &with, &reply, &err), 0);
    assert_int_equal(pictures, 1);
    /* "now 1428x896 of 1280x720" */
    assert_non_null(strstr(sent(2), "base64,bm93IDE0Mjh4ODk2IG9mIDEyODB4NzIw\""));
    brain_destroy(holo3);
    brain_destroy(fara);
}

/* --- turn after turn ------------------------------------------------------------------------- */

static void think_all(struct brain *brain, const struct step *steps, int n)
{
    struct brain_reply reply;
    struct err err = {0};
    for (int i = 0; i < n; i++)
        if (think(brain, &steps[i], &reply, &err))
            fail_msg("turn %d: %s", i + 1, err.msg);
}

/* base64 of "one", "two", "abc" */
static void earlier_frames_are_shown_and_forgotten(void **state)
{
    const struct fake_answer answer = {.status = 200,
                                       .body = CHAT("{\"content\":\"pyautogui.click(1, 2)\"}")};
    const struct step steps[] = {{"Open it", "one", 0},
                                 {"Open it", "two", 1},
                                 {"Open it", "abc", 2},
                                 {"Close it", "one", 0},
                                 {"Close it", "two", 0}};
    answers(&answer, 1);
    struct brain *brain = brain_of("chat:opencua");
    const int frames = rig_profile(pool, "opencua")->plan_frames;
    think_all(brain, steps, 5);
    assert_int_equal(frames, 2);
    assert_null(strstr(sent(0), "t-1"));
    assert_non_null(strstr(sent(1), "[Frame t-1]"));
    assert_non_null(strstr(sent(1), "base64,b25l"));
    assert_non_null(strstr(sent(2), "base64,dHdv"));
    assert_null(strstr(sent(2), "base64,b25l"));
    assert_null(strstr(sent(3), "t-1")); /* another sub-goal */
    assert_null(strstr(sent(4), "t-1")); /* the same once more: nothing was done in it yet */
    brain_destroy(brain);
}

static void claude_has_a_conversation(void **state)
{
    const struct fake_answer list[] = {
        {.status = 200,
         .body = CLAUDE(TOOL("t1", "{\"action\":\"left_click\",\"coordinate\":[1,2]}"))},
        {.status = 200, .body = CLAUDE(TOOL("t2", "{\"action\":\"type\",\"text\":\"abc\"}"))},
        {.status = 200, .body = CLAUDE(TOOL("t3", "{\"action\":\"wait\"}"))}};
    const struct step steps[] = {{"Open it", "one", 0},
                                 {"Open it", "two", 1},
                                 {"Open it", "abc", 2},
                                 {"Close it", "one", 0}};
    answers(list, 3);
    struct brain *brain = brain_of("claude");
    think_all(brain, steps, 4);
    assert_int_equal(json_array_size(json_object_get(server.bodies[0], "messages")), 1);
    const json_t *messages = json_object_get(server.bodies[2], "messages");
    assert_int_equal(json_array_size(messages), 5);
    const char *second = json_text(pool, json_array_get(messages, 2)),
               *last = json_text(pool, json_array_get(messages, 4));
    assert_non_null(strstr(json_text(pool, json_array_get(messages, 1)), "\"id\":\"t1\""));
    assert_non_null(strstr(second, "\"tool_use_id\":\"t1\""));
    assert_non_null(strstr(second, came_of_it[0]));
    assert_non_null(strstr(second, "dHdv"));
    assert_non_null(strstr(last, "\"tool_use_id\":\"t2\""));
    assert_non_null(strstr(last, came_of_it[1]));
    assert_non_null(strstr(last, "YWJj"));
    assert_non_null(strstr(last, "Recent actions:\\n  as above")); /* not told a second time */
    assert_int_equal(json_array_size(json_object_get(server.bodies[3], "messages")), 1);
    brain_destroy(brain);
}

static void a_conversation_is_as_long_as_its_profile_says(void **state)
{
    const struct fake_answer answer = {.status = 200,
                                       .body = CLAUDE(TOOL("t", "{\"action\":\"wait\"}"))};
    const struct step steps[] = {
        {"Open it", "one", 0}, {"Open it", "one", 1}, {"Open it", "one", 2}, {"Open it", "one", 3}};
    answers(&answer, 1);
    struct brain *brain = brain_of("claude");
    think_all(brain, steps, 4);
    assert_int_equal(rig_profile(pool, "claude")->exchanges, 3);
    assert_int_equal(json_array_size(json_object_get(server.bodies[3], "messages")), 1 + 2 * 3);
    brain_destroy(brain);
}

static void a_turn_that_failed_is_not_remembered(void **state)
{
    const struct fake_answer list[] = {
        {.status = 401, .body = "{}"},
        {.status = E_CANCELLED, .body = "stop"},
        {.status = 200, .body = CLAUDE(TOOL("t", "{\"action\":\"wait\"}"))}};
    const struct step step = {"Open it", "one", 0};
    struct brain_reply reply;
    struct err err = {0};
    answers(list, 3);
    struct brain *brain = brain_of("claude");
    assert_int_equal(think(brain, &step, &reply, &err), E_UPSTREAM);
    assert_non_null(strstr(err.msg, "ANTHROPIC_API_KEY"));
    assert_int_equal(think(brain, &step, &reply, &err), E_CANCELLED);
    assert_int_equal(think(brain, &step, &reply, &err), 0);
    assert_true(json_equal((json_t *)server.bodies[0], (json_t *)server.bodies[2]));
    brain_destroy(brain);
}

/* A part of the screen that it asks for is in the next request, larger, and only there. */
static void what_it_wants_to_see_larger_is_shown_once(void **state)
{
    static uint8_t pixels[1280 * 720 * 4];
    const struct fake_answer list[] = {
        {.status = 200,
         .body = CLAUDE(TOOL("t1", "{\"action\":\"zoom\",\"region\":[100,50,300,150]}"))},
        {.status = 200, .body = CLAUDE(TOOL("t2", "{\"action\":\"wait\"}"))}};
    const struct observation obs = {.url = "",
                                    .title = "",
                                    .frame = {1280, 720, 1280 * 4, 0, pixels},
                                    .png = (const uint8_t *)"one",
                                    .png_len = 3};
    struct brain_turn turn = {.task = "Read it",
                              .obs = &obs,
                              .history = done_so_far,
                              .feedback = came_of_it,
                              .deadline_mono_ms = clock_mono_ms() + 600000};
    struct brain_reply reply;
    struct err err = {0};
    answers(list, 2);
    to_server.picture = take;
    to_server.picture_arg = (void *)(uintptr_t) "part";
    struct brain *brain = brain_of("claude");
    for (turn.n_history = 0; turn.n_history < 3; turn.n_history++)
        assert_int_equal(brain_think(brain, pool, &turn, &reply, &err), 0);
    assert_null(strstr(sent(0), "[Zoom"));
    assert_non_null(strstr(sent(1), "[Zoom of (100,50) to (300,150)]"));
    /* "part 1280x640 of 200x100" */
    assert_non_null(strstr(sent(1), "cGFydCAxMjgweDY0MCBvZiAyMDB4MTAw"));
    assert_null(strstr(sent(2), "[Zoom"));
    brain_destroy(brain);
}

/* --- tokens ---------------------------------------------------------------------------------- */

static void tokens_are_told_by_kind(void **state)
{
    const struct fake_answer hosted = {.status = 200,
                                       .body = CLAUDE(TOOL("t", "{\"action\":\"wait\"}"))};
    const struct fake_answer pod = {
        .status = 200,
        .body =
            "{\"choices\":[{\"message\":{\"content\":\"DONE\"}}],\"usage\":{\"prompt_tokens\":100,"
            "\"completion_tokens\":7,\"prompt_tokens_details\":{\"cached_tokens\":60}}}"};
    const struct step step = {"Open it", "one", 0};
    struct brain_reply reply;
    struct err err = {0};
    answers(&hosted, 1);
    struct brain *brain = brain_of("claude");
    assert_int_equal(think(brain, &step, &reply, &err), 0);
    assert_string_equal(reply.model, "claude-x");
    assert_int_equal(reply.input_tokens, 100);
    assert_int_equal(reply.cache_read_tokens, 40);
    assert_int_equal(reply.cache_write_tokens, 5);
    assert_int_equal(reply.output_tokens, 20);
    brain_destroy(brain);

    answers(&pod, 1);
    brain = brain_of("chat:holo3");
    assert_int_equal(think(brain, &step, &reply, &err), 0);
    assert_string_equal(reply.model, "holo3-35b-a3b");
    assert_int_equal(reply.input_tokens, 40);
    assert_int_equal(reply.cache_read_tokens, 60);
    to_server.server.ours = true; /* its seconds are paid, not its tokens */
    assert_int_equal(think(brain, &step, &reply, &err), 0);
    assert_null(reply.model);
    assert_int_equal(reply.output_tokens, 7);
    assert_string_equal(json_str(server.bodies[1], "model", ""), "holo3");
    assert_non_null(json_object_get(server.bodies[1], "tools"));
    brain_destroy(brain);
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
    row_test("brains 3 a picture of another size is made, and only then",
             a_picture_is_made_only_where_it_must_be),
    row_test("brains 1 earlier frames are shown, oldest first, and forgotten with the sub-goal",
             earlier_frames_are_shown_and_forgotten),
    row_test("brains 4 the last steps are a conversation with tool results",
             claude_has_a_conversation),
    row_test("brains 4 a conversation is as long as its profile says",
             a_conversation_is_as_long_as_its_profile_says),
    row_test("brains 1 a transport failure is a typed error and leaves no trace",
             a_turn_that_failed_is_not_remembered),
    row_test("brains 4 zoom: the part that was asked for is shown larger, once",
             what_it_wants_to_see_larger_is_shown_once),
    row_test("brains 1 tokens: input, output and cached apart", tokens_are_told_by_kind),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
