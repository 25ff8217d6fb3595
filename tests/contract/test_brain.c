/*
 * What brain.h promises of every kind.
 */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "brain/brain.h"
#include "brain/model/ask.h"
#include "tools/fake_transport.h"

static struct pool *pool;
static struct reader *reader;
static struct fake_transport server;
static struct model_link to_server;
static struct brain_needs all;
static const struct brain_needs nothing;
static char script[64];

/* A model's answer in the forms of both kinds of server. */
static const struct fake_answer answer = {
    .status = 200,
    .body = "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"click(x=64, y=21)\"}}],"
            "\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"computer\",\"input\":"
            "{\"action\":\"left_click\",\"coordinate\":[64,21]}}],"
            "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2,\"input_tokens\":9,\"output_tokens\":2}}"};

static const char script_text[] =
    "{\"actions\":[{\"action_type\":\"click\",\"params\":{\"x\":64,\"y\":21},\"reasoning\":\"the "
    "button\"},"
    "{\"action_type\":\"done\",\"params\":{\"success\":true,\"summary\":\"ok\"}}]}";

static int begin(void **state)
{
    struct err err = {0};
    pool = pool_create(NULL);
    strcpy(script, "/tmp/brain-script.XXXXXX");
    int fd = mkstemp(script);
    if (fd < 0 || write(fd, script_text, strlen(script_text)) != (ssize_t)strlen(script_text) ||
        close(fd))
        return -1;
    fake_transport_init(&server, pool, &answer, 1);
    to_server = (struct model_link){.transport = &server.base, .dirs.share = getenv("MANTIS_SOURCE_ROOT")};
    int r = reader_create("page", NULL, &reader, &err);
    all = (struct brain_needs){.reader = reader, .model = &to_server};
    return r;
}

static int end(void **state)
{
    reader_destroy(reader);
    pool_destroy(pool);
    return unlink(script);
}

static const char *spec_of(const char *kind)
{
    if (!strcmp(kind, "script"))
        return pool_printf(pool, "script:%s", script);
    if (!strcmp(kind, "ladder"))
        return "ladder:chat:holo3,claude";
    return strcmp(kind, "chat") ? kind : "chat:holo3";
}

static int think(struct brain *brain, struct brain_reply *reply, struct err *err)
{
    static const struct observation picture = {.url = "",
                                               .title = "",
                                               .frame = {.width = 1280, .height = 720},
                                               .png = (const uint8_t *)"png",
                                               .png_len = 3};
    struct brain_turn turn = {.task = "Sub-goal: Click 'Search'",
                              .obs = &picture,
                              .steps_left = 5,
                              .deadline_mono_ms = clock_mono_ms() + 60000};
    return brain_think(brain, pool, &turn, reply, err);
}

static void every_kind_is_known_and_named(void **state)
{
    for (const char *const *k = brain_kinds(); *k; k++) {
        struct brain *brain;
        struct err err = {0};
        assert_true(brain_known(*k) && brain_known(spec_of(*k)));
        assert_int_equal(brain_create(spec_of(*k), &all, &brain, &err), 0);
        assert_string_equal(brain_name(brain), *k);
        brain_destroy(brain);
    }
    brain_destroy(NULL);
}

static void every_reply_is_an_action_or_a_reason(void **state)
{
    for (const char *const *k = brain_kinds(); *k; k++) {
        struct brain *brain;
        struct brain_reply reply;
        struct err err = {0};
        assert_int_equal(brain_create(spec_of(*k), &all, &brain, &err), 0);
        int r = think(brain, &reply, &err);
        if (r) {
            assert_int_equal(r, E_UNAVAILABLE);
            assert_true(*err.msg);
        } else {
            assert_non_null(reply.thinking);
            assert_int_equal(reply.input_tokens + reply.output_tokens, reply.model ? 11 : 0);
            assert_true(reply.action.type != ACTION_DONE || reply.action.summary);
        }
        brain_destroy(brain);
    }
}

static void abilities_are_data(void **state)
{
    assert_true(brain_caps_of("page") & BRAIN_NEEDS_DOM);
    assert_false(brain_caps_of("script:x") & BRAIN_NEEDS_DOM);
    assert_true(brain_caps_of("script:x") & BRAIN_CAN_PLAN);
    assert_int_equal(brain_caps_of("holo9"), 0);
    assert_false(brain_known("holo9"));
    assert_false(brain_known("pag"));
}

/* A model's click is where the model said, in its own coordinates; its kind is paid by the token. */
static void models_ask_their_server(void **state)
{
    static const struct {
        const char *spec, *path;
        int x, y;
    } rows[] = {{"chat:holo3", "/chat/completions", 63, 20}, {"claude", "/messages", 64, 21}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct brain *brain;
        struct brain_reply reply;
        struct err err = {0};
        assert_int_equal(brain_create(rows[i].spec, &all, &brain, &err), 0);
        assert_int_equal(think(brain, &reply, &err), 0);
        assert_string_equal(server.paths[server.calls - 1], rows[i].path);
        assert_int_equal(reply.action.type, ACTION_CLICK);
        assert_true(reply.action.x == rows[i].x && reply.action.y == rows[i].y);
        assert_string_equal(reply.model, "m");
        brain_destroy(brain);
    }
}

static void unknown_and_incomplete_specs_are_refused(void **state)
{
    struct brain *brain = NULL;
    struct err err = {0};
    assert_int_equal(brain_create("holo9", &all, &brain, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "page, script:<file>, mock, none, chat:<profile>, claude and ladder:"));
    assert_int_equal(brain_create("page", &nothing, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("claude", &nothing, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("chat:holo3", &nothing, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("chat:", &all, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("chat:claude", &all, &brain, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "claude.json"));
    assert_int_equal(brain_create("claude:holo3", &all, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("chat:holo9", &all, &brain, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "holo3"));
    assert_int_equal(brain_create("mock:x", &all, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("script:", &all, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("script:/nonexistent", &all, &brain, &err), E_NOT_FOUND);
    assert_null(brain);
}

static void mock_is_done_and_none_refuses(void **state)
{
    struct brain *mock, *none;
    struct brain_reply reply;
    struct err err = {0};
    assert_int_equal(brain_create("mock", &nothing, &mock, &err), 0);
    assert_int_equal(brain_create("none", &nothing, &none, &err), 0);
    assert_int_equal(think(mock, &reply, &err), 0);
    assert_true(reply.action.type == ACTION_DONE && reply.action.success);
    assert_string_equal(reply.action.summary, "mock");
    assert_int_equal(think(none, &reply, &err), E_UNAVAILABLE);
    brain_destroy(mock);
    brain_destroy(none);
}

static void script_replays_in_order_and_is_strict(void **state)
{
    struct brain *brain;
    struct brain_reply reply;
    struct err err = {0};
    assert_int_equal(brain_create(spec_of("script"), &nothing, &brain, &err), 0);
    assert_int_equal(think(brain, &reply, &err), 0);
    assert_true(reply.action.type == ACTION_CLICK && reply.action.x == 64 && reply.action.y == 21);
    assert_string_equal(reply.thinking, "the button");
    assert_int_equal(think(brain, &reply, &err), 0);
    assert_true(reply.action.type == ACTION_DONE && reply.action.success);
    assert_int_equal(think(brain, &reply, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "2 actions"));
    brain_destroy(brain);
}

#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(every_kind_is_known_and_named),
        T(every_reply_is_an_action_or_a_reason),
        T(abilities_are_data),
        {"brains 1 a model brain asks its server and says one action", models_ask_their_server, begin, end, NULL},
        T(unknown_and_incomplete_specs_are_refused),
        {"brains 7 mock is done with everything, none refuses", mock_is_done_and_none_refuses, begin, end, NULL},
        T(script_replays_in_order_and_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
