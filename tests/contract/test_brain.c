/*
 * What brain.h promises of every kind.
 */
#include "unit/test.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "brain/brain.h"

static struct pool *pool;
static struct reader *reader;
static char script[64];

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
    return reader_create("page", &reader, &err);
}

static int end(void **state)
{
    reader_destroy(reader);
    pool_destroy(pool);
    return unlink(script);
}

static const char *spec_of(const char *kind)
{
    return strcmp(kind, "script") == 0 ? pool_printf(pool, "script:%s", script) : kind;
}

static int think(struct brain *brain, struct brain_reply *reply, struct err *err)
{
    static const struct observation blind = {.url = "", .title = ""};
    struct brain_turn turn = {.task = "Sub-goal: Click 'Search'", .obs = &blind, .steps_left = 5};
    return brain_think(brain, pool, &turn, reply, err);
}

static void every_kind_is_known_and_named(void **state)
{
    for (const char *const *k = brain_kinds(); *k; k++) {
        struct brain *brain;
        struct err err = {0};
        assert_true(brain_known(*k) && brain_known(spec_of(*k)));
        assert_int_equal(brain_create(spec_of(*k), reader, &brain, &err), 0);
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
        assert_int_equal(brain_create(spec_of(*k), reader, &brain, &err), 0);
        int r = think(brain, &reply, &err);
        if (r) {
            assert_int_equal(r, E_UNAVAILABLE);
            assert_true(*err.msg);
        } else {
            assert_non_null(reply.thinking);
            assert_int_equal(reply.input_tokens + reply.output_tokens, 0);
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

static void unknown_and_incomplete_specs_are_refused(void **state)
{
    struct brain *brain = NULL;
    struct err err = {0};
    assert_int_equal(brain_create("holo9", reader, &brain, &err), E_UNSUPPORTED);
    assert_non_null(strstr(err.msg, "page, script:<file>, mock and none"));
    assert_int_equal(brain_create("page", NULL, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("mock:x", reader, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("script:", reader, &brain, &err), E_INVALID);
    assert_int_equal(brain_create("script:/nonexistent", reader, &brain, &err), E_NOT_FOUND);
    assert_null(brain);
}

static void mock_is_done_and_none_refuses(void **state)
{
    struct brain *mock, *none;
    struct brain_reply reply;
    struct err err = {0};
    assert_int_equal(brain_create("mock", NULL, &mock, &err), 0);
    assert_int_equal(brain_create("none", NULL, &none, &err), 0);
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
    assert_int_equal(brain_create(spec_of("script"), NULL, &brain, &err), 0);
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
        T(unknown_and_incomplete_specs_are_refused),
        {"brains 7 mock is done with everything, none refuses", mock_is_done_and_none_refuses, begin, end, NULL},
        T(script_replays_in_order_and_is_strict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
