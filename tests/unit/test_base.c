#include "unit/test.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/str.h"

static void buf_refuses_what_passes_its_cap(void **state)
{
    struct buf b;
    buf_init(&b, 8);
    assert_int_equal(buf_adds(&b, "12345678"), 0);
    assert_int_equal(buf_addc(&b, '9'), E_TOOBIG);
    assert_string_equal(b.data, "12345678");
    assert_true(b.failed);
    buf_clear(&b);
    assert_int_equal(buf_addf(&b, "%d-%s", 42, "x"), 0);
    buf_consume(&b, 3);
    assert_string_equal(b.data, "x");
    buf_release(&b);
}

static void text_in_a_page_is_never_markup(void **state)
{
    struct buf b;
    buf_init(&b, 64);
    assert_int_equal(buf_add_html(&b, "<a b=\"c\">&'\xc3\xa9"), 0);
    assert_string_equal(b.data, "&lt;a b=&quot;c&quot;&gt;&amp;&#39;\xc3\xa9");
    assert_int_equal(buf_add_html(&b, "<<<<<<<<<<<<<<<<"), E_TOOBIG);
    buf_release(&b);
}

static void count_up(void *arg)
{
    ++*(int *)arg;
}

static void pool_runs_hooks_of_children_and_itself(void **state)
{
    int calls = 0;
    struct pool *p = pool_create(NULL);
    struct pool *child = pool_create(p);
    pool_defer(child, count_up, &calls);
    pool_defer(p, count_up, &calls);
    memset(pool_alloc(p, 100000), 1, 100000);
    assert_string_equal(pool_printf(child, "%s/%d", "a", 7), "a/7");
    pool_destroy(p);
    assert_int_equal(calls, 2);
}

static void err_messages_keep_code_and_prefix(void **state)
{
    struct err err = {0};
    assert_int_equal(err_set(&err, E_NOT_FOUND, "no run '%s'", "x"), E_NOT_FOUND);
    assert_int_equal(err_prefix(&err, "status"), E_NOT_FOUND);
    assert_string_equal(err.msg, "status: no run 'x'");
    assert_int_equal(err_http_status(E_NOT_FOUND), 404);
    assert_int_equal(err_http_status(-999), 500);
    assert_string_equal(err_name(E_CANCELLED), "cancelled");
}

static void clock_prints_iso_and_can_be_faked(void **state)
{
    char iso[CLOCK_ISO_BYTES];
    assert_string_equal(clock_iso(1772600707123456, iso), "2026-03-04T05:05:07.123456+00:00");
    clock_fake(5000, 1000000);
    assert_int_equal(clock_mono_ms(), 5);
    clock_fake_off();
}

static void ids_are_sanitised_as_the_contract_says(void **state)
{
    static const char *const cases[][2] = {
        {"a:b", "a_b"},      {"__x..", "x"},       {"", "micro_state"},   {"///", "micro_state"},
        {"a b\tc", "a_b_c"}, {"ok-1.2", "ok-1.2"}, {"..", "micro_state"},
    };
    char out[64];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        id_sanitise(cases[i][0], out, sizeof(out));
        assert_string_equal(out, cases[i][1]);
    }
    assert_false(id_is_clean("../x"));
    assert_true(id_is_clean("20260304_050607_9af31c2e"));
    assert_true(id_secret_equal("abc", "abc"));
    assert_false(id_secret_equal("abc", "abcd"));
}

static void a_run_id_is_a_time_and_a_number(void **state)
{
    char run[ID_RUN_BYTES], other[ID_RUN_BYTES], stamp[20];
    time_t before = time(NULL), after = before + 2;
    id_run(run);
    id_run(other);
    bool timely = false;
    for (time_t t = before; t <= after; t++) {
        strftime(stamp, sizeof(stamp), "%Y%m%d_%H%M%S_", gmtime(&t));
        timely = timely || str_starts(run, stamp);
    }
    assert_true(timely);
    assert_int_equal(strlen(run), 24);
    assert_int_equal(strspn(run + 16, "0123456789abcdef"), 8);
    assert_string_not_equal(run + 16, other + 16);
}

static void canonical_json_gives_the_contract_signature(void **state)
{
    /* plans.md section 7, first vector */
    struct pool *p = pool_create(NULL);
    json_t *v = NULL;
    const char *text = "[{\"a\":1.5,\"intent\":\"Zo\\u00eb \\ud83d\\ude00\"}]";
    assert_int_equal(json_parse(text, strlen(text), "test", &v, NULL), 0);
    json_keep(p, v);
    char *canonical = json_canonical(p, v), hex[ID_SHA256_HEX_BYTES];
    id_sha256_hex(canonical, strlen(canonical), hex);
    assert_string_equal(hex, "d4f6ad614d4f82cfaede7f043975ff5894267260b41514dd42e45a621a28de9c");
    static const char *const cases[][2] = {
        {"{\"b\": 1, \"a\": [true, false, null]}", "{\"a\":[true,false,null],\"b\":1}"},
        {"[\"\\n\\r\\t\\b\\f\\\"\\\\/\"]", "[\"\\n\\r\\t\\b\\f\\\"\\\\/\"]"},
        {"[\"a\x7f\xe2\x82\xac\\u0001\"]", "[\"a\\u007f\\u20ac\\u0001\"]"},
        {"[3, -7, 2.50]", "[3,-7,2.5]"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(json_parse(cases[i][0], strlen(cases[i][0]), "test", &v, NULL), 0);
        assert_string_equal(json_canonical(p, json_keep(p, v)), cases[i][1]);
    }
    pool_destroy(p);
}

static void a_number_that_is_too_large_is_said_with_its_field(void **state)
{
    static const char *const cases[][2] = {
        {"{\"max_time_minutes\":99999999999999999999}", "'max_time_minutes' is too large"},
        {"{\"a\":{\"b\":1},\"c\" : [ {\"d\":2}, -1e999 ]}", "'c' is too large"},
        {"{\"a\":{\"q\\\"}]\":[1,2]},\"n\":1e999}", "'n' is too large"},
        {"[1e999]", "column"},
    };
    struct err err;
    json_t *json;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *text = cases[i][0];
        err_clear(&err);
        assert_int_equal(json_parse_named(text, strlen(text), "body", &json, &err), E_INVALID);
        if (!strstr(err.msg, cases[i][1]))
            fail_msg("%s: %s", text, err.msg);
        err_clear(&err);
        assert_int_equal(json_parse(text, strlen(text), "body", &json, &err), E_INVALID);
        assert_null(strstr(err.msg, "minutes")); /* a key may be a token */
    }
}

static void a_time_is_read_as_it_is_written(void **state)
{
    static const struct {
        const char *text;
        int64_t us; /* -1: none */
    } cases[] = {
        {"1970-01-01T00:00:01.500000+00:00", 1500000},
        {"1970-01-01T00:00:01.5Z", 1500000},
        {"1970-01-01 00:01", 60000000},
        {"1970-01-02", 86400000000},
        {"1970-01-01T02:00:00+02:00", 0},
        {"2026-02-31T00:00:00Z", -1},
        {"tomorrow", -1},
        {"", -1},
        {"1970-01-01T00:00:01x", -1},
    };
    char iso[CLOCK_ISO_BYTES];
    int64_t now_us = clock_wall_us(), us;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        us = -1;
        if (clock_parse_iso(cases[i].text, &us) != (cases[i].us >= 0) || us != cases[i].us)
            fail_msg("%s: %lld", cases[i].text, (long long)us);
    }
    assert_true(clock_parse_iso(clock_iso(now_us, iso), &us));
    assert_true(us == now_us);
}

static void deep_json_is_refused(void **state)
{
    char deep[20001];
    struct err err = {0};
    json_t *v = NULL;
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    assert_int_equal(json_parse(deep, 20000, "request body", &v, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "deeper"));
    assert_int_equal(json_parse("[\"[[[\\\"[[\"]", 11, "x", &v, &err), 0);
    json_decref(v);
}

static void lenient_fields_read_as_the_contract_says(void **state)
{
    json_t *o = json_pack("{s:s,s:s,s:f,s:n,s:f,s:s}", "n", "12", "b", "Yes", "f", 20.0, "z", "h",
                          20.5, "bad", "maybe");
    int64_t i = -1;
    bool b = false;
    struct err err = {0};
    assert_int_equal(json_read_int(o, "n", &i, &err), 0);
    assert_int_equal(i, 12);
    assert_int_equal(json_read_int(o, "f", &i, &err), 0);
    assert_int_equal(i, 20);
    assert_int_equal(json_read_int(o, "z", &i, &err), 0);
    assert_int_equal(i, 20);
    assert_int_equal(json_read_int(o, "h", &i, &err), E_INVALID);
    assert_int_equal(json_read_bool(o, "b", &b, &err), 0);
    assert_true(b);
    assert_int_equal(json_read_bool(o, "bad", &b, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "'bad'"));
    json_decref(o);
}

static void quoted_pieces_are_found_and_apostrophes_are_not(void **state)
{
    static const struct {
        const char *text, *first, *second;
    } cases[] = {
        {"type \"Ann Lee\" into 'Name'", "Ann Lee", "Name"},
        {"the seller's 'Boat's End' page", "Boat's End", NULL},
        {"\xE2\x80\x9Eja\xE2\x80\x9C und \xC2\xABoui\xC2\xBB", "ja", "oui"},
        {"open `x` and \"\"", "x", NULL},
        {"never \"closed", NULL, NULL},
        {"\"far too long to be a name\"", NULL, NULL},
    };
    struct pool *p = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *at = cases[i].text, *want[] = {cases[i].first, cases[i].second};
        for (size_t k = 0; k < ARRAY_SIZE(want); k++) {
            const char *got = str_quoted(p, &at, 12);
            if (!got != !want[k] || (got && strcmp(got, want[k]) != 0))
                fail_msg("%s: '%s'", cases[i].text, got ? got : "nothing");
        }
    }
    pool_destroy(p);
}

static void strings_fold_and_squash(void **state)
{
    struct pool *p = pool_create(NULL);
    assert_true(str_contains_fold("Show PHONE number", "phone"));
    assert_true(str_eq_fold("Z\xc3\x9crich", "z\xc3\xbcrich"));
    assert_true(str_has_words_fold("Sign in to your account", "your sign"));
    assert_false(str_has_words_fold("Signing", "sign"));
    assert_string_equal(str_squash(p, "  a \n\xc2\xa0 b  "), "a b");
    assert_string_equal(str_cut(p, "a\xc3\xbc", 2), "a");
    assert_true(str_hash(STR_HASH_START, "foobar", 6) == UINT64_C(0x85944171f73967e8));
    assert_true(str_hash(str_hash(STR_HASH_START, "foo", 3), "bar", 3) ==
                UINT64_C(0x85944171f73967e8));
    assert_false(str_is_utf8("\xff", 1));
    assert_true(str_is_utf8("\xf0\x9f\x98\x80", 4));
    json_t *s = json_keep(p, json_string_safe("a\xff"
                                              "b"));
    assert_string_equal(json_string_value(s), "a\xef\xbf\xbd"
                                              "b");
    pool_destroy(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_refuses_what_passes_its_cap),
        cmocka_unit_test(text_in_a_page_is_never_markup),
        cmocka_unit_test(pool_runs_hooks_of_children_and_itself),
        cmocka_unit_test(err_messages_keep_code_and_prefix),
        cmocka_unit_test(clock_prints_iso_and_can_be_faked),
        row_test("plans 7 a run id is YYYYMMDD_HHMMSS_<8 hex>, in UTC", a_run_id_is_a_time_and_a_number),
        row_test("plans 2 ids are sanitised, an empty one is micro_state",
                 ids_are_sanitised_as_the_contract_says),
        row_test("plans 7 canonical JSON: sorted keys, no spaces, short and lower-case escapes, DEL too",
                 canonical_json_gives_the_contract_signature),
        cmocka_unit_test(a_number_that_is_too_large_is_said_with_its_field),
        cmocka_unit_test(a_time_is_read_as_it_is_written),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(lenient_fields_read_as_the_contract_says),
        cmocka_unit_test(quoted_pieces_are_found_and_apostrophes_are_not),
        cmocka_unit_test(strings_fold_and_squash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
