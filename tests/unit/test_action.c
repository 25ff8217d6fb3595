#include "unit/test.h"

#include <string.h>

#include "core/action.h"

static int parse(struct pool *pool, const char *name, const char *args, struct action *out,
                 struct err *err)
{
    json_t *json = json_loads(args, JSON_DECODE_ANY, NULL);
    assert_non_null(json);
    int r = action_parse(pool, name, json, out, err);
    json_decref(json);
    return r;
}

/* clang-format off */
static const struct good_case {
    const char *row, *name, *args, *expect; /* as action_to_json prints it, keys sorted */
} good[] = {
    {"agent-loop 2 click", "click", "{\"x\":10,\"y\":20}", "{\"action_type\":\"click\",\"params\":{\"button\":\"left\",\"x\":10,\"y\":20}}"},
    {"agent-loop 2 coordinate and button", "click", "{\"coordinate\":[10,20],\"button\":\"right\"}", "{\"action_type\":\"click\",\"params\":{\"button\":\"right\",\"x\":10,\"y\":20}}"},
    {"agent-loop 2 point of strings: their leading integers", "left_click", "{\"point\":[\"10\",\"20px\"]}", "{\"action_type\":\"click\",\"params\":{\"button\":\"left\",\"x\":10,\"y\":20}}"},
    {"agent-loop 2 right_click, and fractions are rounded", "right_click", "{\"coordinates\":[1.6,2.4]}", "{\"action_type\":\"click\",\"params\":{\"button\":\"right\",\"x\":2,\"y\":2}}"},
    {"agent-loop 2 middle_click", "middle_click", "{\"position\":[1,2]}", "{\"action_type\":\"click\",\"params\":{\"button\":\"middle\",\"x\":1,\"y\":2}}"},
    {"agent-loop 2 names in any case, reasoning kept", "CLICK", "{\"x\":1,\"y\":2,\"reasoning\":\"why\"}", "{\"action_type\":\"click\",\"params\":{\"button\":\"left\",\"x\":1,\"y\":2},\"reasoning\":\"why\"}"},
    {"agent-loop 2 double_click", "double_click", "{\"x\":1,\"y\":2}", "{\"action_type\":\"double_click\",\"params\":{\"x\":1,\"y\":2}}"},
    {"agent-loop 2 type with content", "type", "{\"content\":\"hi\"}", "{\"action_type\":\"type_text\",\"params\":{\"text\":\"hi\"}}"},
    {"agent-loop 2 write, press_enter as text", "write", "{\"text\":\"hi\",\"press_enter\":\"true\"}", "{\"action_type\":\"type_text\",\"params\":{\"press_enter\":true,\"text\":\"hi\"}}"},
    {"agent-loop 2 typewrite, clear_first", "typewrite", "{\"text\":\"hi\",\"clear_first\":true}", "{\"action_type\":\"type_text\",\"params\":{\"clear_first\":true,\"text\":\"hi\"}}"},
    {"agent-loop 2 enter_text, the text false is false", "enter_text", "{\"text\":\"hi\",\"clear_first\":\"false\"}", "{\"action_type\":\"type_text\",\"params\":{\"text\":\"hi\"}}"},
    {"agent-loop 2 navigate is text of the URL", "navigate", "{\"url\":\"https://a.test/\"}", "{\"action_type\":\"type_text\",\"params\":{\"text\":\"https://a.test/\"}}"},
    {"agent-loop 2 goto is text of the URL", "goto", "{\"url\":\"http://a.test/\"}", "{\"action_type\":\"type_text\",\"params\":{\"text\":\"http://a.test/\"}}"},
    {"agent-loop 2 key", "key", "{\"key\":\"Enter\"}", "{\"action_type\":\"key_press\",\"params\":{\"keys\":\"Enter\"}}"},
    {"agent-loop 2 press with an array of keys", "press", "{\"keys\":[\"ctrl\",\"a\"]}", "{\"action_type\":\"key_press\",\"params\":{\"keys\":\"ctrl+a\"}}"},
    {"agent-loop 2 hotkey", "hotkey", "{\"hotkey\":\"ctrl+c\"}", "{\"action_type\":\"key_press\",\"params\":{\"keys\":\"ctrl+c\"}}"},
    {"agent-loop 2 scroll defaults: down 3", "scroll", "{}", "{\"action_type\":\"scroll\",\"params\":{\"amount\":3,\"direction\":\"down\"}}"},
    {"agent-loop 2 scroll left is clamped to 40", "scroll", "{\"direction\":\"left\",\"amount\":99,\"x\":5,\"y\":6}", "{\"action_type\":\"scroll\",\"params\":{\"amount\":40,\"direction\":\"left\",\"x\":5,\"y\":6}}"},
    {"agent-loop 2 scroll is clamped to 0", "scroll", "{\"direction\":\"up\",\"amount\":-2}", "{\"action_type\":\"scroll\",\"params\":{\"amount\":0,\"direction\":\"down\"}}"},
    {"agent-loop 2 scroll by dx and dy", "scroll", "{\"dx\":2,\"dy\":-3}", "{\"action_type\":\"scroll\",\"params\":{\"dx\":2,\"dy\":-3}}"},
    {"agent-loop 2 drag", "drag", "{\"start_x\":1,\"start_y\":2,\"end_x\":3,\"end_y\":4}", "{\"action_type\":\"drag\",\"params\":{\"end_x\":3,\"end_y\":4,\"start_x\":1,\"start_y\":2}}"},
    {"agent-loop 2 drag by coordinate pairs", "drag", "{\"start_coordinate\":[1,2],\"end_coordinate\":[3,4]}", "{\"action_type\":\"drag\",\"params\":{\"end_x\":3,\"end_y\":4,\"start_x\":1,\"start_y\":2}}"},
    {"agent-loop 2 hover is move", "hover", "{\"x\":1,\"y\":2}", "{\"action_type\":\"move\",\"params\":{\"x\":1,\"y\":2}}"},
    {"agent-loop 2 wait defaults to 1 s", "wait", "{}", "{\"action_type\":\"wait\",\"params\":{\"seconds\":1.0}}"},
    {"agent-loop 2 wait is capped at 10 s", "wait", "{\"seconds\":600}", "{\"action_type\":\"wait\",\"params\":{\"seconds\":10.0}}"},
    {"agent-loop 2 wait takes text", "wait", "{\"seconds\":\"0.5\"}", "{\"action_type\":\"wait\",\"params\":{\"seconds\":0.5}}"},
    {"agent-loop 2 done", "done", "{\"success\":true,\"summary\":\"ok\"}", "{\"action_type\":\"done\",\"params\":{\"success\":true,\"summary\":\"ok\"}}"},
    {"agent-loop 2 done without success is one", "done", "{}", "{\"action_type\":\"done\",\"params\":{\"success\":true,\"summary\":\"\"}}"},
    {"agent-loop 2 terminate reads status", "terminate", "{\"status\":\"success\"}", "{\"action_type\":\"done\",\"params\":{\"success\":true,\"summary\":\"\"}}"},
    {"agent-loop 2 finish reads a status that is none", "finish", "{\"status\":\"failure\"}", "{\"action_type\":\"done\",\"params\":{\"success\":false,\"summary\":\"\"}}"},
    {"agent-loop 2 complete reads the text false", "complete", "{\"success\":\"false\"}", "{\"action_type\":\"done\",\"params\":{\"success\":false,\"summary\":\"\"}}"},
    {"agent-loop 2 triple_click", "triple_click", "{\"x\":1,\"y\":2}", "{\"action_type\":\"click\",\"params\":{\"button\":\"left\",\"clicks\":3,\"x\":1,\"y\":2}}"},
    {"agent-loop 2 click three times", "click", "{\"x\":1,\"y\":2,\"clicks\":3}", "{\"action_type\":\"click\",\"params\":{\"button\":\"left\",\"clicks\":3,\"x\":1,\"y\":2}}"},
    {"agent-loop 2 wait keeps a fact", "wait", "{\"memorize_fact\":\"12 rows\"}", "{\"action_type\":\"wait\",\"params\":{\"memorize_fact\":\"12 rows\",\"seconds\":1.0}}"},
};

static const struct bad_case {
    const char *row, *name, *args, *names_it; /* the message must hold this */
} bad[] = {
    {"agent-loop 2 Better: a click without coordinates is refused", "click", "{}", "'x' and 'y'"},
    {"agent-loop 2 a click with half a place is refused", "click", "{\"x\":1}", "numbers"},
    {"agent-loop 2 Better: words are no coordinates", "click", "{\"x\":\"left\",\"y\":2}", "numbers"},
    {"agent-loop 2 a pair of one is refused", "click", "{\"coordinate\":[1]}", "numbers"},
    {"agent-loop 2 an unknown button is refused", "click", "{\"x\":1,\"y\":2,\"button\":\"fourth\"}", "fourth"},
    {"agent-loop 2 a list is no place", "click", "[1,2]", "'x' and 'y'"},
    {"agent-loop 2 null is no place", "click", "null", "'x' and 'y'"},
    {"agent-loop 2 type_text needs text", "type_text", "{}", "'text'"},
    {"agent-loop 2 text is a string", "type_text", "{\"text\":5}", "'text'"},
    {"agent-loop 2 navigate opens web addresses only", "navigate", "{\"url\":\"javascript:alert(1)\"}", "'url'"},
    {"agent-loop 2 key_press needs keys", "key_press", "{}", "'keys'"},
    {"agent-loop 2 Better: an unknown key is refused by its name", "key_press", "{\"keys\":\"ctrl+frobnicate\"}", "frobnicate"},
    {"agent-loop 2 an unknown direction is refused", "scroll", "{\"direction\":\"sideways\"}", "sideways"},
    {"agent-loop 2 an amount is a number", "scroll", "{\"amount\":\"much\"}", "amount"},
    {"agent-loop 2 a drag needs both ends", "drag", "{\"start_x\":1,\"start_y\":2}", "end_x"},
    {"agent-loop 2 seconds are a number", "wait", "{\"seconds\":\"long\"}", "seconds"},
};

static const struct {
    const char *keys, *expect; /* blank-separated */
} chords[] = {
    {"Enter", "Return"}, {"return", "Return"}, {"ESC", "Escape"}, {"del", "Delete"},
    {"backspace", "BackSpace"}, {"PageDown", "Page_Down"}, {"Page_Up", "Page_Up"}, {"f11", "F11"},
    {"space", "space"}, {" ", "space"}, {"a", "a"}, {"A", "A"}, {"5", "5"}, {".", "U002E"}, {"é", "U00E9"},
    {"ctrl+a", "Control_L a"}, {"Ctrl + A", "Control_L a"}, {"ctrl+shift+Tab", "Control_L Shift_L Tab"},
    {"cmd+c", "Control_L c"}, {"command+meta+c", "Control_L c"}, {"alt+left", "Alt_L Left"},
    {"ctrl++", "Control_L U002B"}, {"+", "U002B"}, {"shift+a", "Shift_L a"}, {"ctrl+-", "Control_L U002D"},
};
/* clang-format on */

static void every_alias_becomes_its_action(void **state)
{
    const struct good_case *c = *state;
    struct pool *pool = pool_create(NULL);
    struct action a;
    struct err err = {0};
    assert_int_equal(parse(pool, c->name, c->args, &a, &err), 0);
    json_t *json = action_to_json(&a);
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS);
    assert_string_equal(text, c->expect);
    free(text);
    json_decref(json);
    pool_destroy(pool);
}

static void what_is_printed_is_read_back(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct pool *pool = pool_create(NULL);
        struct action a, b;
        assert_int_equal(parse(pool, good[i].name, good[i].args, &a, NULL), 0);
        json_t *first = action_to_json(&a);
        const char *type = json_string_value(json_object_get(first, "action_type"));
        assert_int_equal(action_parse(pool, type, json_object_get(first, "params"), &b, NULL), 0);
        b.reasoning = a.reasoning;
        json_t *second = action_to_json(&b);
        assert_true(json_equal(first, second));
        json_decref(first);
        json_decref(second);
        pool_destroy(pool);
    }
}

static void a_wrong_argument_is_named(void **state)
{
    const struct bad_case *c = *state;
    struct pool *pool = pool_create(NULL);
    struct action a;
    struct err err = {0};
    assert_int_equal(parse(pool, c->name, c->args, &a, &err), E_INVALID);
    assert_non_null(strstr(err.msg, c->names_it));
    pool_destroy(pool);
}

static void an_unknown_action_waits_a_second_and_says_so(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct action a;
    assert_int_equal(parse(pool, "levitate", "{}", &a, NULL), 0);
    assert_int_equal(a.type, ACTION_WAIT);
    assert_true(a.seconds == 1);
    assert_non_null(strstr(a.reasoning, "levitate"));
    pool_destroy(pool);
}

static void keys_become_keysym_names(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(chords); i++) {
        struct pool *pool = pool_create(NULL);
        const char *names[8];
        char joined[100] = "";
        int n;
        assert_int_equal(action_keys(pool, chords[i].keys, names, 8, &n, NULL), 0);
        for (int k = 0; k < n; k++) {
            strcat(joined, k ? " " : "");
            strcat(joined, names[k]);
        }
        assert_string_equal(joined, chords[i].expect);
        pool_destroy(pool);
    }
}

static void bad_keys_are_refused(void **state)
{
    static const char *const keys[] = {"", "   ", "ctrl+hyper", "capslock", "a+b+c", "ab"};
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *names[2];
        int n;
        assert_int_equal(action_keys(pool, keys[i], names, 2, &n, NULL), E_INVALID);
    }
    pool_destroy(pool);
}

int main(void)
{
    static const struct CMUnitTest plain[] = {
        row_test("agent-loop 2 what is printed is read back", what_is_printed_is_read_back),
        row_test("agent-loop 2 an unknown action waits a second and says so",
                 an_unknown_action_waits_a_second_and_says_so),
        row_test("agent-loop 2 key names of any case become keysyms", keys_become_keysym_names),
        row_test("agent-loop 2 unknown keys are refused with feedback", bad_keys_are_refused),
    };
    struct CMUnitTest tests[ARRAY_SIZE(plain) + ARRAY_SIZE(good) + ARRAY_SIZE(bad)], *next = tests;
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
        *next++ = plain[i];
    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        *next++ = (struct CMUnitTest){good[i].row, every_alias_becomes_its_action, NULL, NULL,
                                      (void *)&good[i]};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        *next++ =
            (struct CMUnitTest){bad[i].row, a_wrong_argument_is_named, NULL, NULL, (void *)&bad[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
