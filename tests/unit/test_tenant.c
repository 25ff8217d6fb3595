#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "core/tenant.h"

#define TOKEN_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define TOKEN_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define TOKEN_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define OTHER   "\"" TOKEN_B "\":{\"tenant_id\":\"other\"}"

static struct pool *pool;
static struct tenant_set *set;
static const char *const *warnings;
static struct err err;

static int set_up(void **state)
{
    pool = pool_create(NULL);
    set = NULL;
    warnings = NULL;
    err_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return 0;
}

static int parse(const char *text)
{
    json_t *document;
    assert_int_equal(json_parse(text, strlen(text), "keys", &document, &err), 0);
    int r = tenant_set_parse(pool, document, &set, &warnings, &err);
    json_decref(document); /* the set stands on its own */
    return r;
}

/* One entry for TOKEN_A made of fields, and tenant 'other' with TOKEN_B. */
static const struct tenant *parse_entry(const char *fields)
{
    char *text = pool_printf(pool, "{\"tenant_keys\":{\"" TOKEN_A "\":{%s}," OTHER "}}", fields);
    assert_int_equal(parse(text), 0);
    return tenant_set_find(set, TOKEN_A, 0);
}

static void an_entry_with_nothing_but_an_id_gets_the_defaults(void **state)
{
    const struct tenant *t = parse_entry("\"tenant_id\":\"acme\"");
    assert_non_null(t);
    assert_null(warnings[0]);
    assert_string_equal(t->id, "acme");
    assert_int_equal(t->scopes, SCOPE_ANY);
    assert_int_equal(t->max_concurrent_runs, 5);
    assert_true(t->max_cost_per_run == 25.0);
    assert_true(t->max_cost_per_day == 0);
    assert_int_equal(t->max_time_minutes_per_run, 60);
    assert_int_equal(t->rate_limit_per_minute, 30);
    assert_string_equal(t->anthropic_secret_name, "anthropic_api_key");
    assert_false(t->anthropic_required);
    assert_null(t->allowed_domains[0]);
    assert_string_equal(t->webhook_url, "");
    assert_string_equal(t->webhook_secret_name, "");
    assert_null(t->webhook_events[0]);
    assert_string_equal(t->label, "");
}

static void every_field_is_read(void **state)
{
    const struct tenant *t = parse_entry(
        "\"tenant_id\":\"acme\",\"label\":\"laptop\",\"scopes\":[\"status\",\"logs\"],"
        "\"max_concurrent_runs\":3,\"max_cost_per_run\":4.5,\"max_cost_per_day\":90,"
        "\"max_time_minutes_per_run\":25.0,\"rate_limit_per_minute\":-1,"
        "\"anthropic_secret_name\":\"anthropic_api_key_acme\",\"anthropic_required\":true,"
        "\"allowed_domains\":[\"*.Shop.example\",\"crm.example.net.\"],"
        "\"webhook_url\":\"https://hooks.example.net/m\",\"webhook_secret_name\":\"webhook_acme\","
        "\"webhook_events\":[\"failed\",\"halted\"],\"disabled\":false");
    assert_non_null(t);
    assert_null(warnings[0]);
    assert_string_equal(t->label, "laptop");
    assert_int_equal(t->scopes, SCOPE_STATUS | SCOPE_LOGS);
    assert_int_equal(t->max_concurrent_runs, 3);
    assert_true(t->max_cost_per_run == 4.5);
    assert_true(t->max_cost_per_day == 90);
    assert_int_equal(t->max_time_minutes_per_run, 25);
    assert_int_equal(t->rate_limit_per_minute, -1);
    assert_string_equal(t->anthropic_secret_name, "anthropic_api_key_acme");
    assert_true(t->anthropic_required);
    assert_string_equal(t->allowed_domains[0], "*.shop.example");
    assert_string_equal(t->allowed_domains[1], "crm.example.net");
    assert_null(t->allowed_domains[2]);
    assert_string_equal(t->webhook_url, "https://hooks.example.net/m");
    assert_string_equal(t->webhook_secret_name, "webhook_acme");
    assert_string_equal(t->webhook_events[1], "halted");
}

static void scopes_are_what_the_list_says_and_nothing_more(void **state)
{
    static const struct {
        const char *json;
        unsigned scopes;
        const char *warning;
    } cases[] = {
        {"[]", 0, NULL},
        {"null", 0, NULL},
        {"[\"run\"]", SCOPE_RUN, NULL},
        {"[\"result\",\"result\"]", SCOPE_RESULT, NULL},
        {"[\"status\",\"admin\"]", SCOPE_STATUS, "admin"},
        {"[\"Run\"]", 0, "Run"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct tenant *t =
            parse_entry(pool_printf(pool, "\"tenant_id\":\"acme\",\"scopes\":%s", cases[i].json));
        assert_non_null(t);
        assert_int_equal(t->scopes, cases[i].scopes);
        if (cases[i].warning)
            assert_non_null(strstr(warnings[0], cases[i].warning));
        else
            assert_null(warnings[0]);
    }
}

static void run_includes_every_scope_and_none_includes_run(void **state)
{
    struct tenant t = {.scopes = SCOPE_RUN};
    assert_true(tenant_may(&t, SCOPE_RUN));
    assert_true(tenant_may(&t, SCOPE_LOGS));
    t.scopes = SCOPE_STATUS;
    assert_true(tenant_may(&t, SCOPE_STATUS | SCOPE_LOGS));
    assert_true(tenant_may(&t, SCOPE_ANY));
    assert_false(tenant_may(&t, SCOPE_RUN));
    assert_false(tenant_may(&t, SCOPE_RESULT | SCOPE_LOGS));
    t.scopes = 0;
    assert_false(tenant_may(&t, SCOPE_ANY));
}

static void a_mistake_disables_its_entry_only_and_is_named(void **state)
{
    static const struct {
        const char *field, *named;
    } cases[] = {
        {"\"scopes\":\"run\"", "scopes"},
        {"\"scopes\":[\"run\",7]", "scopes"},
        {"\"scopes\":{}", "scopes"},
        {"\"max_concurrent_runs\":\"3\"", "max_concurrent_runs"},
        {"\"max_concurrent_runs\":true", "max_concurrent_runs"},
        {"\"max_concurrent_runs\":1.5", "max_concurrent_runs"},
        {"\"max_concurrent_runs\":0", "max_concurrent_runs"},
        {"\"max_concurrent_runs\":1e300", "max_concurrent_runs"},
        {"\"max_cost_per_run\":[]", "max_cost_per_run"},
        {"\"max_cost_per_run\":0", "max_cost_per_run"},
        {"\"max_cost_per_run\":-1", "max_cost_per_run"},
        {"\"max_cost_per_day\":-1", "max_cost_per_day"},
        {"\"max_time_minutes_per_run\":{}", "max_time_minutes_per_run"},
        {"\"rate_limit_per_minute\":\"fast\"", "rate_limit_per_minute"},
        {"\"anthropic_secret_name\":\"../../etc/passwd\"", "anthropic_secret_name"},
        {"\"anthropic_secret_name\":\".hidden\"", "anthropic_secret_name"},
        {"\"anthropic_secret_name\":5", "anthropic_secret_name"},
        {"\"anthropic_required\":\"yes\"", "anthropic_required"},
        {"\"webhook_secret_name\":\"a/b\"", "webhook_secret_name"},
        {"\"webhook_secret_name\":\"a\\nb\"", "webhook_secret_name"},
        {"\"webhook_url\":[\"https://x\"]", "webhook_url"},
        {"\"webhook_events\":[\"done\"]", "webhook_events"},
        {"\"allowed_domains\":\"x.com\"", "allowed_domains"},
        {"\"allowed_domains\":[null]", "allowed_domains"},
        {"\"disabled\":0", "disabled"},
        {"\"expires_at\":\"tomorrow\"", "expires_at"},
        {"\"expires_at\":\"2026-02-31\"", "expires_at"},
        {"\"expires_at\":true", "expires_at"},
        {"\"not_before\":\"2026-01-01T00:00:00+99:00\"", "not_before"},
        {"\"not_before\":-5", "not_before"},
        {"\"label\":{}", "label"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char *fields = pool_printf(pool, "\"tenant_id\":\"acme\",%s", cases[i].field);
        if (parse_entry(fields))
            fail_msg("%s was accepted", cases[i].field);
        assert_non_null(tenant_set_find(set, TOKEN_B, 0));
        assert_non_null(strstr(warnings[0], "acme"));
        assert_non_null(strstr(warnings[0], cases[i].named));
        assert_null(strstr(warnings[0], "aaaa"));
        assert_null(warnings[1]);
    }
}

static void entries_without_a_usable_id_are_skipped(void **state)
{
    static const char *const cases[] = {
        "",
        "\"tenant_id\":null",
        "\"tenant_id\":\"\"",
        "\"tenant_id\":7",
        "\"tenant_id\":\"../..\"",
        "\"tenant_id\":\"\xE6\x97\xA5\xE6\x9C\xAC\"",
        "\"tenant_id\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (parse_entry(cases[i]))
            fail_msg("{%s} was accepted", cases[i]);
        assert_non_null(warnings[0]);
        assert_non_null(tenant_set_find(set, TOKEN_B, 0));
    }
    assert_int_equal(
        parse("{\"tenant_keys\":{\"" TOKEN_A "\":[],\"" TOKEN_C "\":\"x\"," OTHER "}}"), 0);
    assert_int_equal(tenant_set_size(set), 1);
    assert_non_null(strstr(warnings[0], "entry 1"));
    assert_non_null(strstr(warnings[1], "entry 2"));
}

static void null_means_the_default_and_for_lists_nothing(void **state)
{
    const struct tenant *t =
        parse_entry("\"tenant_id\":\"acme\",\"max_concurrent_runs\":null,\"label\":null,"
                    "\"allowed_domains\":null,\"webhook_events\":null,\"expires_at\":null");
    assert_non_null(t);
    assert_null(warnings[0]);
    assert_int_equal(t->max_concurrent_runs, 5);
    assert_null(t->allowed_domains[0]);
    assert_null(t->webhook_events[0]);
}

static void two_ids_of_one_directory_are_one_too_many(void **state)
{
    assert_int_equal(parse("{\"tenant_keys\":{\"" TOKEN_A "\":{\"tenant_id\":\"ops board\"},"
                           "\"" TOKEN_B "\":{\"tenant_id\":\"ops_board\"},"
                           "\"" TOKEN_C "\":{\"tenant_id\":\"ops board\"}}}"),
                     0);
    const struct tenant *first = tenant_set_find(set, TOKEN_A, 0);
    assert_string_equal(first->id, "ops_board"); /* fit to name a directory */
    assert_null(tenant_set_find(set, TOKEN_B, 0));
    assert_non_null(tenant_set_find(set, TOKEN_C, 0)); /* a second token of the first tenant */
    bool named = false;
    for (const char *const *w = warnings; *w; w++)
        named = named || (strstr(*w, "entry 2") && strstr(*w, "'ops board'"));
    assert_true(named);
}

static void defaults_of_the_document_hold_for_all(void **state)
{
    assert_int_equal(
        parse(
            "{\"schema_version\":1,\"defaults\":{\"rate_limit_per_minute\":7,\"scopes\":[\"logs\"],"
            "\"allowed_domains\":[\"x.com\"],\"expires_at\":\"2030-01-01\"},\"tenant_keys\":{"
            "\"" TOKEN_A
            "\":{\"tenant_id\":\"acme\",\"rate_limit_per_minute\":9,\"allowed_domains\":[]}," OTHER
            "}}"),
        0);
    const struct tenant *a = tenant_set_find(set, TOKEN_A, 0),
                        *b = tenant_set_find(set, TOKEN_B, 0);
    assert_int_equal(a->rate_limit_per_minute, 9);
    assert_int_equal(b->rate_limit_per_minute, 7);
    assert_int_equal(a->scopes, SCOPE_LOGS);
    assert_null(a->allowed_domains[0]);
    assert_string_equal(b->allowed_domains[0], "x.com");
    assert_null(tenant_set_find(set, TOKEN_B, INT64_C(1893456000) * 1000000));
}

static void a_document_of_another_shape_is_refused_whole(void **state)
{
    static const char *const cases[] = {
        "{}",
        "[]",
        "7",
        "{\"tenant_keys\":[]}",
        "{\"tenant_keys\":null}",
        "{\"tenant_keys\":{},\"defaults\":[]}",
        "{\"tenant_keys\":{},\"defaults\":{\"rate_limit_per_minute\":\"x\"}}",
        "{\"tenant_keys\":{},\"schema_version\":2}",
        "{\"tenant_keys\":{},\"schema_version\":\"1\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        err_clear(&err);
        if (parse(cases[i]) != E_INVALID)
            fail_msg("%s was accepted", cases[i]);
        assert_int_not_equal(err.msg[0], 0);
    }
    assert_int_equal(parse("{\"tenant_keys\":{}}"), 0); /* nobody: a revocation of all */
    assert_int_equal(tenant_set_size(set), 0);
    assert_null(tenant_set_find(set, TOKEN_A, 0));
}

static void a_hash_stands_for_its_token_and_is_none_itself(void **state)
{
    char hex[ID_SHA256_HEX_BYTES];
    id_sha256_hex(TOKEN_A, strlen(TOKEN_A), hex);
    for (char *p = hex; *p; p += 2)
        *p = *p >= 'a' ? (char)(*p - 32) : *p; /* either case */
    char *key = pool_printf(pool, "sha256:%s", hex);
    assert_int_equal(
        parse(pool_printf(pool, "{\"tenant_keys\":{\"%s\":{\"tenant_id\":\"acme\"}}}", key)), 0);
    assert_non_null(tenant_set_find(set, TOKEN_A, 0));
    assert_null(tenant_set_find(set, key, 0));
    assert_null(tenant_set_find(set, hex, 0));
    assert_null(warnings[0]);
}

static void keys_that_no_header_can_carry_are_left_out(void **state)
{
    char *longest = pool_alloc(pool, CAP_TOKEN_BYTES + 2);
    memset(longest, 'k', CAP_TOKEN_BYTES + 1);
    const char *const cases[] = {"",
                                 " padded-token-of-length ",
                                 "t\xC3\xB6ken-t\xC3\xB6ken-token",
                                 "sha256:12",
                                 "sha256:",
                                 longest};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(
            parse(pool_printf(pool, "{\"tenant_keys\":{\"%s\":{\"tenant_id\":\"acme\"}," OTHER "}}",
                              cases[i])),
            0);
        assert_int_equal(tenant_set_size(set), 1);
        assert_non_null(strstr(warnings[0], "acme"));
    }
    assert_null(tenant_set_find(set, longest, 0));
}

static void a_short_token_works_and_is_warned_of(void **state)
{
    assert_int_equal(parse("{\"tenant_keys\":{\"hunter2\":{\"tenant_id\":\"acme\"}}}"), 0);
    assert_non_null(tenant_set_find(set, "hunter2", 0));
    assert_non_null(strstr(warnings[0], "acme"));
    assert_null(strstr(warnings[0], "hunter2"));
}

static void a_token_counts_once_whatever_form_it_has(void **state)
{
    char hex[ID_SHA256_HEX_BYTES];
    id_sha256_hex(TOKEN_A, strlen(TOKEN_A), hex);
    assert_int_equal(
        parse(pool_printf(pool,
                          "{\"tenant_keys\":{\"" TOKEN_A "\":{\"tenant_id\":\"first\"},"
                          "\"sha256:%s\":{\"tenant_id\":\"second\"}}}",
                          hex)),
        0);
    assert_string_equal(tenant_set_find(set, TOKEN_A, 0)->id, "first");
    assert_non_null(strstr(warnings[0], "second"));
    assert_non_null(strstr(warnings[0], "twice"));
}

static void only_the_whole_token_is_known(void **state)
{
    static const char *const cases[] = {
        "",          "a",
        TOKEN_A "a", "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        TOKEN_C,
    };
    assert_non_null(parse_entry("\"tenant_id\":\"acme\""));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_null(tenant_set_find(set, cases[i], 0));
    assert_string_equal(tenant_set_find(set, TOKEN_B, 0)->id, "other");
}

static void times_bound_a_token(void **state)
{
    static const struct {
        const char *json;
        int64_t at_s;
    } times[] = {
        {"\"2026-03-04T05:06:07Z\"", 1772600767},
        {"\"2026-03-04T05:06:07\"", 1772600767},
        {"\"2026-03-04 05:06:07.000+00:00\"", 1772600767},
        {"\"2026-03-04T07:06:07+02:00\"", 1772600767},
        {"\"2026-03-03T21:36:07-07:30\"", 1772600767},
        {"\"2026-03-04T05:06Z\"", 1772600760},
        {"\"2026-03-04\"", 1772582400},
        {"1772600767", 1772600767},
    };
    for (size_t i = 0; i < ARRAY_SIZE(times); i++) {
        int64_t at_us = times[i].at_s * 1000000;
        parse_entry(pool_printf(pool, "\"tenant_id\":\"acme\",\"expires_at\":%s", times[i].json));
        assert_non_null(tenant_set_find(set, TOKEN_A, at_us - 1));
        assert_null(tenant_set_find(set, TOKEN_A, at_us));
        parse_entry(pool_printf(pool, "\"tenant_id\":\"acme\",\"not_before\":%s", times[i].json));
        assert_null(tenant_set_find(set, TOKEN_A, at_us - 1));
        assert_non_null(tenant_set_find(set, TOKEN_A, at_us));
    }
    assert_null(parse_entry("\"tenant_id\":\"acme\",\"disabled\":true"));
}

static void a_list_shows_everything_but_tokens(void **state)
{
    parse_entry("\"tenant_id\":\"acme\",\"label\":\"ci\",\"disabled\":true,\"scopes\":[\"logs\"]");
    json_t *list = tenant_set_list(pool, set, 0);
    assert_int_equal(json_array_size(list), 2);
    const json_t *row = json_array_get(list, 0);
    char hex[ID_SHA256_HEX_BYTES];
    id_sha256_hex(TOKEN_A, strlen(TOKEN_A), hex);
    assert_string_equal(json_str(row, "tenant_id", ""), "acme");
    assert_string_equal(json_str(row, "label", ""), "ci");
    assert_string_equal(json_str(row, "state", ""), "disabled");
    assert_string_equal(json_str(row, "sha256", ""), hex);
    assert_string_equal(json_text(pool, json_object_get(row, "scopes")), "[\"logs\"]");
    assert_string_equal(json_str(json_array_get(list, 1), "state", ""), "active");
    assert_null(strstr(json_text(pool, list), "aaaa"));
}

static void a_tenant_is_found_by_its_id_too(void **state)
{
    assert_int_equal(parse("{\"tenant_keys\":{\"" TOKEN_A
                           "\":{\"tenant_id\":\"acme\",\"disabled\":true,\"label\":\"old\"},"
                           "\"" TOKEN_C "\":{\"tenant_id\":\"acme\",\"label\":\"new\"}," OTHER
                           "}}"),
                     0);
    assert_string_equal(tenant_set_by_id(set, "acme")->label, "new");
    assert_string_equal(tenant_set_by_id(set, "other")->id, "other");
    assert_null(tenant_set_by_id(set, "acm"));
}

static void single_token_mode_is_tenant_default(void **state)
{
    set = tenant_set_single(pool, "s3cret");
    const struct tenant *t = tenant_set_find(set, "s3cret", clock_wall_us());
    assert_non_null(t);
    assert_string_equal(t->id, "default");
    assert_int_equal(t->scopes, SCOPE_ANY);
    assert_int_equal(t->rate_limit_per_minute, 30);
    assert_null(tenant_set_find(set, "s3cre", 0));
    assert_null(tenant_set_find(set, "", 0));
}

static void too_many_or_too_long_is_refused_or_left_out(void **state)
{
    json_t *doc = json_object(), *keys = json_object(), *entry = json_object();
    json_put_str(entry, "tenant_id", "acme");
    for (int i = 0; i <= CAP_TENANT_KEYS; i++) {
        char token[32];
        snprintf(token, sizeof(token), "token-number-%012d", i);
        json_object_set(keys, token, entry);
    }
    json_put(doc, "tenant_keys", keys);
    assert_int_equal(tenant_set_parse(pool, doc, &set, &warnings, &err), E_INVALID);
    json_object_del(keys, "token-number-000000000000");
    assert_int_equal(tenant_set_parse(pool, doc, &set, &warnings, &err), 0);
    assert_int_equal(tenant_set_size(set), CAP_TENANT_KEYS);
    assert_non_null(tenant_set_find(set, "token-number-000000020000", 0));
    json_decref(entry);
    json_decref(doc);

    char *text = pool_alloc(pool, CAP_TENANT_TEXT_BYTES + 2);
    memset(text, 'x', CAP_TENANT_TEXT_BYTES + 1);
    assert_null(parse_entry(pool_printf(pool, "\"tenant_id\":\"acme\",\"label\":\"%s\"", text)));
    assert_null(parse_entry(
        pool_printf(pool, "\"tenant_id\":\"acme\",\"allowed_domains\":[\"%s\"]", text)));
}

static void unknown_fields_are_taken_with_a_warning(void **state)
{
    static const struct {
        const char *field, *named;
    } cases[] = {
        {"\"scope\":[\"status\"]", "'scope'"},
        {"\"maxcost\":1", "'maxcost'"},
        {"\"Disabled\":true", "'Disabled'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_non_null(
            parse_entry(pool_printf(pool, "\"tenant_id\":\"acme\",%s", cases[i].field)));
        assert_non_null(strstr(warnings[0], "tenant 'acme'"));
        assert_non_null(strstr(warnings[0], cases[i].named));
        assert_null(warnings[1]);
    }
    assert_non_null(parse_entry("\"tenant_id\":\"acme\",\"_comment\":\"of ours\""));
    assert_null(warnings[0]);
    assert_int_equal(parse("{\"defaults\":{\"rate\":5},\"default\":{},\"tenant_keys\":{}}"), 0);
    assert_non_null(strstr(warnings[0], "'rate'"));
    assert_non_null(strstr(warnings[0], "defaults"));
    assert_non_null(strstr(warnings[1], "'default'"));
    assert_null(warnings[2]);
}

static void warnings_are_counted_out(void **state)
{
    json_t *doc = json_object(), *keys = json_object();
    for (int i = 0; i < CAP_TENANT_WARNINGS + 50; i++) {
        char token[32];
        snprintf(token, sizeof(token), "token-number-%012d", i);
        json_put_int(keys, token, i);
    }
    json_put(doc, "tenant_keys", keys);
    assert_int_equal(tenant_set_parse(pool, doc, &set, &warnings, &err), 0);
    size_t n = 0;
    while (warnings[n])
        n++;
    assert_int_equal(n, CAP_TENANT_WARNINGS + 1);
    assert_non_null(strstr(warnings[n - 1], "further"));
    json_decref(doc);
}

static void hosts_match_exactly_or_below_a_star(void **state)
{
    static const struct {
        const char *pattern, *host;
        bool matches;
    } cases[] = {
        {"x.com", "x.com", true},
        {"x.com", "www.x.com", false},
        {"*.x.com", "www.x.com", true},
        {"*.x.com", "a.b.x.com", true},
        {"*.x.com", "x.com", false},
        {"*.x.com", "evilx.com", false},
        {"*.x.com", ".x.com", false},
        {"*.", "x.", false},
        {"*", "x.com", false},
        {"", "", false},
        {"x.com", "x.com.evil.net", false},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (tenant_host_matches(cases[i].pattern, cases[i].host) != cases[i].matches)
            fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].host);
    static const char *const list[] = {"a.com", "*.b.com", NULL}, *const none[] = {NULL};
    assert_true(tenant_allows_host(none, "anything"));
    assert_true(tenant_allows_host(list, "x.b.com"));
    assert_false(tenant_allows_host(list, "b.com"));
}

static void a_pattern_that_is_no_host_closes_and_does_not_open(void **state)
{
    const struct tenant *t =
        parse_entry("\"tenant_id\":\"acme\",\"allowed_domains\":[\"https://x.com/\"]");
    assert_non_null(t);
    assert_non_null(strstr(warnings[0], "https://x.com/"));
    assert_false(tenant_allows_host(t->allowed_domains, "x.com"));
    assert_false(tenant_allows_host(t->allowed_domains, "y.com"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_entry_with_nothing_but_an_id_gets_the_defaults),
        TEST(every_field_is_read),
        TEST(scopes_are_what_the_list_says_and_nothing_more),
        TEST(run_includes_every_scope_and_none_includes_run),
        TEST(a_mistake_disables_its_entry_only_and_is_named),
        TEST(entries_without_a_usable_id_are_skipped),
        TEST(null_means_the_default_and_for_lists_nothing),
        TEST(two_ids_of_one_directory_are_one_too_many),
        TEST(defaults_of_the_document_hold_for_all),
        TEST(a_document_of_another_shape_is_refused_whole),
        TEST(a_hash_stands_for_its_token_and_is_none_itself),
        TEST(keys_that_no_header_can_carry_are_left_out),
        TEST(a_short_token_works_and_is_warned_of),
        TEST(a_token_counts_once_whatever_form_it_has),
        TEST(only_the_whole_token_is_known),
        TEST(times_bound_a_token),
        TEST(a_list_shows_everything_but_tokens),
        TEST(a_tenant_is_found_by_its_id_too),
        TEST(single_token_mode_is_tenant_default),
        TEST(too_many_or_too_long_is_refused_or_left_out),
        TEST(unknown_fields_are_taken_with_a_warning),
        TEST(warnings_are_counted_out),
        TEST(hosts_match_exactly_or_below_a_star),
        TEST(a_pattern_that_is_no_host_closes_and_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
