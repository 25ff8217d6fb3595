/*
 * What json_scan() takes for JSON, against jansson, and where it finds a field.
 */
#include "unit/test.h"

#include <string.h>

#include "base/caps.h"
#include "base/json.h"
#include "base/json_scan.h"

/* clang-format off */
static const char *const texts[] = {
    "", " ", "null", " true\n", "false", "tru", "nulls", "0", "-0", "01", "-", "+1", ".5", "1.", "1.5", "1e", "1e5", "1E+5", "1e-", "1e-07",
    "\"\"", "\"a", "a", "'a'", "\"\\n\\u00e9\\/\\\"\"", "\"\\x\"", "\"\\u00g0\"", "\"\\u00\"", "\"\\", "\"a\nb\"", "\"\x1f\"", "\"\x7f\"", "\"é\"",
    "[]", "[ ]", "[1]", "[1,]", "[,1]", "[1 2]", "[1,2", "[", "]", "[1]]", "[[],[[]],{}]", "[1]x", "[1] [2]",
    "{}", "{ }", "{\"a\":1}", "{\"a\" : 1 , \"b\":[ ]}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}", "{\"a\":1 \"b\":2}", "{\"a\":{\"a\":{}}}",
    "{\"a\":1", "{\"a\":[}", "{\"a\":\"}", "\xef\xbb\xbf{}", "/**/{}", "[1e5,-1.25E-3,0.0,\"\\ud83d\\ude00\"]",
};
/* clang-format on */

static void it_takes_what_jansson_takes(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct err err = {0};
        json_t *doc = json_loads(texts[i], JSON_DECODE_ANY, NULL);
        int r = json_scan(texts[i], strlen(texts[i]), "text", NULL, &err);
        if (r != (doc ? 0 : E_INVALID))
            fail_msg("%s: %d, %s", texts[i], r, err.msg);
        assert_true(!r || strstr(err.msg, "text is not valid JSON: byte "));
        json_decref(doc);
    }
}

/* Passed on as they are: whoever reads them may think otherwise than jansson. */
static void numbers_of_any_size_and_half_characters_pass(void **state)
{
    static const char *const passed[] = {"1e400",       "18446744073709551616", "\"\\ud800\"",
                                         "\"\\u0000\"", "{\"a\":1,\"a\":2}",    "\"\xff\""};
    for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
        assert_int_equal(json_scan(passed[i], strlen(passed[i]), "text", NULL, NULL), 0);
}

static void only_so_deep(void **state)
{
    char text[2 * CAP_JSON_DEPTH + 4];
    struct err err = {0};
    for (int depth = CAP_JSON_DEPTH; depth <= CAP_JSON_DEPTH + 1; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        assert_int_equal(json_scan(text, 2 * (size_t)depth, "text", NULL, &err),
                         depth > CAP_JSON_DEPTH ? E_INVALID : 0);
    }
    assert_string_equal(err.msg, "text: JSON is nested deeper than 64 levels");
}

static void bytes_behind_the_length_are_not_looked_at(void **state)
{
    assert_int_equal(json_scan("12", 1, "text", NULL, NULL), 0);
    assert_int_equal(json_scan("[1]", 2, "text", NULL, NULL), E_INVALID);
    assert_int_equal(json_scan("\"\\u00e9\"", 5, "text", NULL, NULL), E_INVALID);
    assert_int_equal(json_scan("true", 3, "text", NULL, NULL), E_INVALID);
    assert_int_equal(json_scan("1\0", 2, "text", NULL, NULL), E_INVALID);
}

static const struct {
    const char *text, *value;
    int times;
} fields[] = {
    {"{\"model\":\"a\"}", "\"a\"", 1},
    {" { \"x\" : [ 1 ] , \"model\" : { \"y\" : 1 } } ", "{ \"y\" : 1 }", 1},
    {"{\"model\":12 }", "12", 1},
    {"{\"model\":[ ] ,\"a\":1}", "[ ]", 1},
    {"{\"mo\\u0064el\":\"a\"}", "\"a\"", 1},
    {"{\"model\":1,\"\\u006dodel\":2}", "2", 2},
    {"{\"models\":1,\"mode\":2,\"Model\":3,\"\":4,\"model\\u0000\":5}", "", 0},
    {"{\"a\":{\"model\":1},\"b\":[{\"model\":2}],\"c\":\"\\\"model\\\":3\"}", "", 0},
    {"[{\"model\":1}]", "", 0},
    {"\"model\"", "", 0},
};

static void a_field_of_the_top_is_found(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        struct json_field f = {.name = "model", .times = 9};
        const char *text = fields[i].text;
        assert_int_equal(json_scan(text, strlen(text), "text", &f, NULL), 0);
        if (f.times != fields[i].times || f.len != strlen(fields[i].value) ||
            memcmp(text + f.at, fields[i].value, f.len) != 0)
            fail_msg("%s: %d times, %.*s", text, f.times, (int)f.len, text + f.at);
    }
}

static void a_string_is_what_it_reads(void **state)
{
    assert_true(json_scan_reads("\"holo3\"", 7, "holo3"));
    assert_true(json_scan_reads("\"h\\u006flo3\"", 12, "holo3"));
    assert_true(json_scan_reads("\"a\\\"b\"", 6, "a\"b"));
    assert_false(json_scan_reads("\"holo3 \"", 8, "holo3"));
    assert_false(json_scan_reads("1holo31", 7, "holo3"));
    assert_false(json_scan_reads("\"\\ud800\"", 8, ""));
    assert_false(json_scan_reads("", 0, ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_takes_what_jansson_takes),
        cmocka_unit_test(numbers_of_any_size_and_half_characters_pass),
        cmocka_unit_test(only_so_deep),
        cmocka_unit_test(bytes_behind_the_length_are_not_looked_at),
        cmocka_unit_test(a_field_of_the_top_is_found),
        cmocka_unit_test(a_string_is_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
