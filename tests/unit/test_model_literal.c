/*
 * Values and calls as models write them.
 */
#include "unit/test.h"

#include <string.h>

#include "brain/model/literal.h"

static struct pool *pool;

/* clang-format off */
static const struct {
    const char *text, *want; /* as JSON; NULL: none */
    const char *rest;
} values[] = {
    {"{\"a\": [1, 2.5, true, null]} x", "{\"a\":[1,2.5,true,null]}", " x"},
    {"{'a': True, 'b': None, 'c': False}", "{\"a\":true,\"b\":null,\"c\":false}", ""},
    {"{a: 1, b = 'x',}", "{\"a\":1,\"b\":\"x\"}", ""},
    {"(1, 2)", "[1,2]", ""},
    {"'it\\'s'", "\"it's\"", ""},
    {"'it's here'", "\"it's here\"", ""},
    {"\"say \"hi\" now\"", "\"say \\\"hi\\\" now\"", ""},
    {"'''two\nlines'''", "\"two\\nlines\"", ""},
    {"r'x'", "\"x\"", ""},
    {"'\\x41\\u00e9\\ud83d\\ude00\\q'", "\"Aé😀\\\\q\"", ""},
    {"'\\ud83d'", "\"\"", ""},
    {"-12", "-12", ""},
    {"1e3", "1000.0", ""},
    {"644px", "\"644px\"", ""},
    {"some words, then", "\"some words\"", ", then"},
    {"nan", "\"nan\"", ""},
    {"{'a': }", NULL, ""},
    {"[1, 2", NULL, ""},
    {"'open", NULL, ""},
    {"{{}}", NULL, ""},
    {"", NULL, ""},
    {"[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]", NULL, ""},
};

static const struct {
    const char *text, *prefix, *name, *positional, *named; /* name NULL: no call */
} calls[] = {
    {"so click(1, 2) then", "", "click", "[1,2]", "{}"},
    {"pyautogui.click(x=1, y=2)", "pyautogui", "click", "[]", "{\"x\":1,\"y\":2}"},
    {"f({\"a\": 1})", "", "f", "[]", "{\"a\":1}"},
    {"f({'a': 1}, 2)", "", "f", "[{\"a\":1},2]", "{}"},
    {"f('a (b)', c='d)')", "", "f", "[\"a (b)\"]", "{\"c\":\"d)\"}"},
    {"f(https://a.test/x)", "", "f", "[\"https://a.test/x\"]", "{}"},
    {"broken(1, then whole(2)", "", "broken", "[1,\"then whole(2\"]", "{}"},
    {"broken('x then whole(2)", "", "whole", "[2]", "{}"},
    {"f()", "", "f", "[]", "{}"},
    {"f(,)", NULL, NULL, NULL, NULL},
    {"no call here", NULL, NULL, NULL, NULL},
    {"12(3)", NULL, NULL, NULL, NULL},
};

static const struct {
    const char *text, *want;
    bool arrays;
} documents[] = {
    {"Sure:\n```json\n{\"steps\": [1]}\n```\nbye", "{\"steps\":[1]}", false},
    {"a } { not this { \"a\": \"}{\" } end", "{\"a\":\"}{\"}", false},
    {"[1] and {\"a\":1}", "[1]", true},
    {"[1] and {\"a\":1}", "{\"a\":1}", false},
    {"{'a': 'b'}", "{\"a\":\"b\"}", false},
    {"{\"outer\": {\"a\": 1}", "{\"a\":1}", false},
    {"none", NULL, true},
};
/* clang-format on */

static void same(const json_t *got, const char *want, const char *text)
{
    const char *have = got ? json_text(pool, got) : "nothing";
    if (strcmp(have, want ? want : "nothing"))
        fail_msg("'%s' is %s, not %s", text, have, want ? want : "nothing");
}

static void values_are_read(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        json_t *v = NULL;
        const char *end = literal_value(pool, values[i].text, &v);
        same(end ? v : NULL, values[i].want, values[i].text);
        if (end)
            assert_string_equal(end, values[i].rest);
    }
}

static void calls_are_read(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        struct call c;
        bool found = literal_call(pool, calls[i].text, calls[i].text, &c);
        if (found != (calls[i].name != NULL))
            fail_msg("'%s': %s", calls[i].text, found ? c.name : "no call");
        if (!found)
            continue;
        assert_string_equal(c.name, calls[i].name);
        assert_string_equal(c.prefix, calls[i].prefix);
        same(c.positional, calls[i].positional, calls[i].text);
        same(c.named, calls[i].named, calls[i].text);
    }
}

static void documents_are_found(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(documents); i++) {
        const char *p = documents[i].text;
        same(literal_find(pool, &p, documents[i].arrays), documents[i].want, documents[i].text);
    }
}

/* A reply that is nothing but beginnings ends after a bounded number of them. */
static void hostile_texts_end_soon(void **state)
{
    static const char *const bits[] = {"{", "[", "a(", "'", "{'a':", "a({\"x\":["};
    for (size_t i = 0; i < ARRAY_SIZE(bits); i++) {
        size_t len = strlen(bits[i]), n = (64 << 10) / len;
        char *text = pool_alloc(pool, n * len + 1);
        for (size_t k = 0; k < n; k++)
            memcpy(text + k * len, bits[i], len);
        struct call c;
        const char *p = text;
        assert_false(literal_call(pool, text, text, &c));
        assert_null(literal_find(pool, &p, true));
    }
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_read),
        row_test("brains 2 a real argument parser", calls_are_read),
        row_test("brains 10 a balanced scan that knows strings", documents_are_found),
        row_test("brains 13 a reply of prose and a fenced object", documents_are_found),
        cmocka_unit_test(hostile_texts_end_soon),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
