/*
 * Which host an address names, as a browser reads it, and whether a plan may name it. The rows are
 * what somebody would write who wants to get past a list of allowed hosts.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/str.h"
#include "plan/allow.h"
#include "plan/hosts.h"
#include "unit/fixtures.h"

static struct pool *pool;
static struct err err;

static int setup(void **state)
{
    pool = pool_create(NULL);
    err_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    pool_destroy(pool);
    return 0;
}

/* ---- hosts ---- */

#define LONG_LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" /* 64 */

static const struct {
    const char *url;
    enum host_reading reading;
    const char *host;
} hosts[] = {
    {"https://shop.example/x", HOST_SURE, "shop.example"},
    {"HTTPS://Shop.Example", HOST_SURE, "shop.example"},
    {"http://shop.example:8080/x", HOST_SURE, "shop.example"},
    {"http://shop.example:", HOST_SURE, "shop.example"},
    {"http://shop.example.", HOST_SURE, "shop.example"},
    {"http://shop.example./x", HOST_SURE, "shop.example"},
    {"http://user:pw@shop.example/", HOST_SURE, "shop.example"},
    {"http://shop.example@evil.test/", HOST_SURE, "evil.test"},
    {"http://shop.example:80@evil.test/", HOST_SURE, "evil.test"},
    {"http://a@b@evil.test/", HOST_SURE, "evil.test"},
    {"http://evil.test#@shop.example/", HOST_SURE, "evil.test"},
    {"http://evil.test?@shop.example/", HOST_SURE, "evil.test"},
    {"http://evil.test/@shop.example/", HOST_SURE, "evil.test"},
    {"http://evil.test\\@shop.example/", HOST_SURE, "evil.test"},
    {"http:\\\\evil.test/", HOST_SURE, "evil.test"},
    {"http:/evil.test/", HOST_SURE, "evil.test"},
    {"http:evil.test/", HOST_SURE, "evil.test"},
    {"http:////evil.test/", HOST_SURE, "evil.test"},
    {"https:/\\evil.test", HOST_SURE, "evil.test"},
    {"http://xn--bcher-kva.example/", HOST_SURE, "xn--bcher-kva.example"},
    {"http://under_score.example/", HOST_SURE, "under_score.example"},
    {"http://localhost:4711/", HOST_SURE, "localhost"},
    {"http://127.0.0.1:8000/x", HOST_SURE, "127.0.0.1"},
    {"http://127.0.0.1./x", HOST_SURE, "127.0.0.1"},
    {"http://[::1]:80/", HOST_SURE, "[::1]"},
    {"http://[0:0:0:0:0:0:0:1]/", HOST_SURE, "[::1]"},
    {"http://[2001:DB8::A]/", HOST_SURE, "[2001:db8::a]"},

    {"http://b\xc3\xbc"
     "cher.example/",
     HOST_UNSURE, NULL},
    {"http://\xef\xbd\x85vil.test/", HOST_UNSURE, NULL}, /* full-width e */
    {"http://shop.example\xe3\x80\x82"
     "evil.test/",
     HOST_UNSURE, NULL},                                           /* ideographic full stop */
    {"http://shop.example\xc2\xad.evil.test/", HOST_UNSURE, NULL}, /* soft hyphen */
    {"http://shop.example%2eevil.test/", HOST_UNSURE, NULL},
    {"http://shop%2eexample/", HOST_UNSURE, NULL},
    {"http://%65vil.test/", HOST_UNSURE, NULL},
    {"http://shop.example%00.evil.test/", HOST_UNSURE, NULL},
    {"http://shop.example:80:90/", HOST_UNSURE, NULL},
    {"http://shop.example:http/", HOST_UNSURE, NULL},
    {"http://shop.example).evil.test/", HOST_UNSURE, NULL},
    {"http://shop.example`.evil.test/", HOST_UNSURE, NULL},
    {"http://shop.example,evil.test/", HOST_UNSURE, NULL},
    {"http://shop.example;.evil.test/", HOST_UNSURE, NULL},
    {"http://shop.example\x01.evil.test/", HOST_UNSURE, NULL},
    {"http://shop..example/", HOST_UNSURE, NULL},
    {"http://.shop.example/", HOST_UNSURE, NULL},
    {"http://shop.example../", HOST_UNSURE, NULL},
    {"http://*.shop.example/", HOST_UNSURE, NULL},
    {"http://{{user_input}}/", HOST_UNSURE, NULL},
    {"http://" LONG_LABEL ".example/", HOST_UNSURE, NULL},
    {"http://2130706433/", HOST_UNSURE, NULL},
    {"http://0x7f000001/", HOST_UNSURE, NULL},
    {"http://0x/", HOST_UNSURE, NULL},
    {"http://127.1/", HOST_UNSURE, NULL},
    {"http://0177.0.0.1/", HOST_UNSURE, NULL},
    {"http://127.0.0.0x1/", HOST_UNSURE, NULL},
    {"http://127.0.0.1.2/", HOST_UNSURE, NULL},
    {"http://256.0.0.1/", HOST_UNSURE, NULL},
    {"http://shop.example.1/", HOST_UNSURE, NULL},
    {"http://[::ffff:127.0.0.1]/", HOST_UNSURE, NULL},
    {"http://[::1%25eth0]/", HOST_UNSURE, NULL},
    {"http://[::1/", HOST_UNSURE, NULL},
    {"http://[::1]evil.test/", HOST_UNSURE, NULL},
    {"http://[v1.x]/", HOST_UNSURE, NULL},
    {"http://shop.example]/", HOST_UNSURE, NULL},

    {"", HOST_NONE, NULL},
    {"http:", HOST_NONE, NULL},
    {"http://", HOST_NONE, NULL},
    {"https:///", HOST_NONE, NULL},
    {"ftp://shop.example/", HOST_NONE, NULL},
    {"shop.example", HOST_NONE, NULL},
};

static void a_host_is_read_as_a_browser_reads_it_or_not_at_all(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
        char *host = NULL;
        enum host_reading reading = plan_host_read(pool, hosts[i].url, PLAN_ADDRESS_ENDS, &host);
        if (reading != hosts[i].reading)
            fail_msg("'%s' was read as %d, not %d", hosts[i].url, reading, hosts[i].reading);
        if (hosts[i].host)
            assert_string_equal(host, hosts[i].host);
    }
}

/* ---- plans ---- */

static const char *const domains[] = {"shop.example", "*.crm.example", "127.0.0.1", NULL};

static int see(const char *json)
{
    struct allow *allow = allow_begin(pool, domains);
    allow_see_document(allow, json_as_is(pool, json));
    err_clear(&err);
    return allow_end(allow, &err);
}

#define STEP(...) "[{\"type\":\"navigate\"," __VA_ARGS__ "}]"

static void a_plan_within_the_list_passes(void **state)
{
    static const char *const plans[] = {
        "[]",
        "{}",
        STEP("\"intent\":\"Open https://shop.example/a\""),
        STEP("\"intent\":\"Open https://SHOP.example:8443/a?x=1#y, then wait\""),
        STEP("\"intent\":\"See (https://shop.example) and `https://a.crm.example`.\""),
        STEP("\"intent\":\"Open [the shop](https://shop.example)\""),
        STEP("\"intent\":\"Open\",\"params\":{\"url\":\"http://127.0.0.1:4711/x\"}"),
        STEP("\"intent\":\"Open\",\"params\":{\"url\":\"https://shop.example/go?to=https://x.test/"
             "\"}"),
        STEP("\"intent\":\"Back\",\"hints\":{\"fallback_url\":\"/list?page=2\"}"),
        STEP("\"intent\":\"Type\",\"params\":{\"value\":\"https://me.test\",\"label\":\"Web "
             "site\"}"),
        STEP("\"intent\":\"Read\",\"extract\":{\"fields\":[{\"name\":\"u\",\"example\":\"https://"
             "x.test\"}]}"),
        STEP("\"intent\":\"The http: scheme and https://\""),
        "{\"base_url\":\"\",\"tasks\":[{\"start_url\":\"about:blank\",\"intent\":\"look\"}]}",
        "{\"tasks\":[{\"start_url\":\"shop.example/x\",\"intent\":\"look\"}]}",
        "{\"steps\":[],\"pagination_url_template\":\"{base}?page={n}\"}",
        "{\"steps\":[],\"pagination_url_template\":\"https://shop.example/p/{n}\"}",
        ("{\"steps\":[],\"_site_config\":{\"pagination_format\":\"/page-{n}.html\","
         "\"detail_page_pattern\":\"https?://x\\\\.test/\"}}"),
        "{\"steps\":[],\"$schema\":\"https://json.test/plan\",\"notes\":\"see https://x.test\"}",
    };
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++)
        if (see(plans[i]))
            fail_msg("%s: %s", plans[i], err.msg);
}

static void a_plan_with_another_host_is_refused_wherever_it_stands(void **state)
{
    static const struct {
        const char *plan, *named;
    } plans[] = {
        {STEP("\"intent\":\"Open https://evil.test/a\""), "'evil.test'"},
        {STEP("\"intent\":\"Open https://shop.example/ or https://evil.test/a\""), "'evil.test'"},
        {STEP("\"intent\":\"Open https://shop.example/go?to=https://evil.test/\""), "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"url\":\"https://evil.test/\""), "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"HTTP:\\\\\\\\evil.test\"}"),
         "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"//evil.test/x\"}"), "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"/\\\\evil.test/x\"}"), "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"evil.test\"}"), "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"view-source:https://evil.test\"}"),
         "'evil.test'"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"javascript:location='//evil.test'\"}"),
         "javascript:"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"https://shop.example\\t.evil.test\"}"),
         "line end or tab"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"ht\\ntps://evil.test\"}"),
         "line end or tab"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"http://evil.test @shop.example\"}"),
         "not surely"},
        {STEP("\"intent\":\"Open\",\"params\":{\"url\":\"{{user_input}}\"}"), "{{user_input}}"},
        {STEP("\"intent\":\"Open https://shop.example%2eevil.test\""), "%2eevil.test"},
        {STEP("\"intent\":\"Open https://shop.example).evil.test/\""), "not surely"},
        {STEP("\"intent\":\"Open https://crm.example/\""), "'crm.example'"},
        {STEP("\"intent\":\"Open https://xcrm.example/\""), "'xcrm.example'"},
        {STEP("\"intent\":\"Open https://shop.example.evil.test/\""), "'shop.example.evil.test'"},
        {STEP("\"intent\":\"Open https://www.shop.example/\""), "'www.shop.example'"},
        {STEP("\"intent\":\"Open http://2130706433/\""), "2130706433"},
        {STEP("\"intent\":\"Go\",\"verify\":\"it shows https://evil.test/\""), "'evil.test'"},
        {STEP("\"intent\":\"Go\",\"hints\":{\"fallback_url\":\"https://evil.test/\"}"),
         "'evil.test'"},
        {STEP("\"intent\":\"Go\",\"hint\":\"or https://evil.test/\""), "'evil.test'"},
        {STEP("\"intent\":\"Go\",\"hints\":{\"near\":[\"https://evil.test/\"]}"), "'evil.test'"},
        {STEP("\"intent\":\"Go\",\"steps\":[{\"type\":\"wait\",\"intent\":\"https://evil.test\"}]"),
         "'evil.test'"},
        {STEP("\"intent\":\"Next\",\"params\":{\"url_template\":\"https://evil.test/{n}\"}"),
         "'evil.test'"},
        {"{\"_micro_plan\":" STEP("\"intent\":\"Open https://evil.test\"") "}", "'evil.test'"},
        {"{\"steps\":[],\"pagination_url_template\":\"{base}.evil.test/{n}\"}", ".evil.test"},
        {"{\"steps\":[],\"pagination_url_template\":\"{base}@evil.test/{n}\"}", "@evil.test"},
        {"{\"steps\":[],\"pagination_url_template\":\"https://{base}/{n}\"}", "{base}"},
        {"{\"steps\":[],\"_site_config\":{\"pagination_format\":\".evil.test/{n}\"}}",
         ".evil.test"},
        {"{\"base_url\":\"https://evil.test\",\"tasks\":[]}", "'evil.test'"},
        {"{\"tasks\":[{\"start_url\":\"https://evil.test\"}]}", "'evil.test'"},
        {"{\"tasks\":[{\"intent\":\"go to https://evil.test\"}]}", "'evil.test'"},
        {"{\"runtime\":{\"pinned_source_url\":\"https://evil.test/*\"},\"steps\":[]}",
         "'evil.test'"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(plans); i++) {
        if (see(plans[i].plan) != E_FORBIDDEN)
            fail_msg("passed: %s", plans[i].plan);
        if (!strstr(err.msg, plans[i].named))
            fail_msg("%s: '%s' does not name %s", plans[i].plan, err.msg, plans[i].named);
    }
}

static void every_host_is_listed_once_and_many_are_counted(void **state)
{
    struct allow *allow = allow_begin(pool, domains);
    allow_see_text(allow, "https://a.test https://b.test https://a.test");
    assert_int_equal(allow_end(allow, &err), E_FORBIDDEN);
    assert_string_equal(err.msg, "this tenant may not go to 'a.test', 'b.test': not in its "
                                 "allowed_domains");
    for (int i = 0; i < 40; i++)
        allow_see_address(allow, pool_printf(pool, "https://host-%d.test", i));
    assert_int_equal(allow_end(allow, &err), E_FORBIDDEN);
    assert_non_null(strstr(err.msg, " and 34 more"));
}

static void long_hosts_do_not_push_the_words_out_of_the_message(void **state)
{
    struct allow *allow = allow_begin(pool, domains);
    for (int i = 0; i < 20; i++)
        allow_see_text(allow, pool_printf(pool, "https://%060d.%060d.%060d.test/%%", i, i, i));
    assert_int_equal(allow_end(allow, &err), E_FORBIDDEN);
    assert_true(str_ends(err.msg, "not in its allowed_domains"));
}

static void without_a_list_any_host_passes(void **state)
{
    static const char *const none[] = {NULL};
    struct allow *allow = allow_begin(pool, none);
    allow_see_text(allow, "https://evil.test");
    allow_see_address(allow, "http://2130706433/");
    assert_int_equal(allow_end(allow, &err), 0);
    assert_int_equal(allow_end(allow_begin(pool, NULL), &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_host_is_read_as_a_browser_reads_it_or_not_at_all, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_plan_within_the_list_passes, setup, teardown),
        {"plans 6 another host is refused wherever it stands",
         a_plan_with_another_host_is_refused_wherever_it_stands, setup, teardown, NULL},
        {"plans 6 the refusal lists the hosts, each once",
         every_host_is_listed_once_and_many_are_counted, setup, teardown, NULL},
        cmocka_unit_test_setup_teardown(long_hosts_do_not_push_the_words_out_of_the_message, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(without_a_list_any_host_passes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
