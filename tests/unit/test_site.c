#include "unit/site_visit.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "site/marketplace.h"
#include "site/template.h"

/* --- templates ----------------------------------------------------------------------------- */

static const char *load_part(void *arg, const char *name)
{
    if (strcmp(name, "part") == 0)
        return "<{{x}}>";
    return strcmp(name, "endless") == 0 ? "{{>endless}}" : NULL;
}

static int fill(const char *text, const char *json, size_t cap, char *out, size_t size,
                struct err *err)
{
    struct buf b;
    json_t *view = json_loads(json, 0, NULL);
    assert_non_null(view);
    buf_init(&b, cap);
    int r = template_render(text, view, load_part, NULL, &b, err);
    snprintf(out, size, "%s", b.data);
    buf_release(&b);
    json_decref(view);
    return r;
}

static void templates_fill_their_holes(void **state)
{
    static const struct {
        const char *text, *view, *want;
    } cases[] = {
        {"plain", "{}", "plain"},
        {"{{x}} {{{x}}}", "{\"x\":\"<a href='b'>&\\\"\"}",
         "&lt;a href=&#39;b&#39;&gt;&amp;&quot; <a href='b'>&\""},
        {"{{ n }}|{{f}}|{{none}}|{{t}}", "{\"n\":7,\"f\":1.5,\"t\":true}", "7|1.5||"},
        {"{{#l}}[{{.}}]{{/l}}", "{\"l\":[1,2,\"c\"]}", "[1][2][c]"},
        {"{{#l}}{{a}}{{b}}{{/l}}", "{\"b\":\"!\",\"l\":[{\"a\":1},{\"a\":2,\"b\":\"?\"}]}", "1!2?"},
        {"{{#o}}{{x}}{{/o}}{{x}}", "{\"o\":{\"x\":\"in\"},\"x\":\"out\"}", "inout"},
        {"{{a.b.c}}{{a.z}}", "{\"a\":{\"b\":{\"c\":\"deep\"}},\"z\":\"outer\"}", "deep"},
        {"{{^e}}none{{/e}}{{#e}}some{{/e}}", "{\"e\":[]}", "none"},
        {"{{^e}}none{{/e}}{{#e}}some{{/e}}", "{\"e\":\"y\"}", "some"},
        {"{{#no}}{{#l}}{{x}}{{/l}}{{>part}}{{/no}}.", "{\"l\":[1]}", "."},
        {"{{#l}}{{#m}}{{x}}{{/m}},{{/l}}", "{\"l\":[{\"m\":[{\"x\":1},{\"x\":2}]},{\"m\":[]}]}",
         "12,,"},
        {"a{{! not this }}b{{>part}}", "{\"x\":\"&\"}", "ab<&amp;>"},
        {"{{#x}}{{x}}{{/x}}", "{\"x\":\"s\"}", "s"},
        {"a { b } }} c", "{}", "a { b } }} c"},
    };
    char out[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        assert_int_equal(fill(cases[i].text, cases[i].view, 1000, out, sizeof(out), &err), 0);
        assert_string_equal(out, cases[i].want);
    }
}

static void broken_templates_say_what_is_wrong(void **state)
{
    static const struct {
        const char *text;
        int code;
        const char *says;
    } cases[] = {
        {"{{x", E_INVALID, "does not end"},
        {"{{{x}}", E_INVALID, "does not end"},
        {"{{}}", E_INVALID, "name"},
        {"{{#l}}a", E_INVALID, "section that does not end"},
        {"{{#l}}{{/m}}", E_INVALID, "another section"},
        {"{{/l}}", E_INVALID, "another section"},
        {"{{>nothing}}", E_NOT_FOUND, "'nothing'"},
        {"{{>endless}}", E_INVALID, "deep"},
        {"{{#l}}0123456789{{/l}}", E_TOOBIG, "larger"},
    };
    char out[256];
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        int r = fill(cases[i].text, "{\"l\":[1,2,3,4,5,6,7,8,9,10]}", 64, out, sizeof(out), &err);
        assert_int_equal(r, cases[i].code);
        assert_non_null(strstr(err.msg, cases[i].says));
    }
}

/* --- the boats ----------------------------------------------------------------------------- */

static void same_seed_gives_the_same_boats(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct market *a = market_create(pool, 42), *b = market_create(pool, 42),
                  *c = market_create(pool, 44);
    int same = 0;
    for (int i = 0; i < MARKET_BOATS; i++) {
        assert_string_equal(a->boats[i].path, b->boats[i].path);
        assert_string_equal(a->boats[i].price, b->boats[i].price);
        same += strcmp(a->boats[i].title, c->boats[i].title) == 0;
    }
    assert_true(same < MARKET_BOATS / 4);
    /* pinned: results recorded with this seed stay true on other machines and in later versions */
    assert_string_equal(a->boats[0].title, "2017 Ostermoor Tern 26");
    pool_destroy(pool);
}

/* What plans and graders count on, whatever the seed. */
static void every_seed_keeps_its_promises(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct boat *list[MARKET_BOATS];
    const struct market_query private = {"", "private", "", "", ""},
                              sail = {"Sailboats", "private", "", "", ""};
    for (int64_t seed = -3; seed < 150; seed++) {
        struct market *m = market_create(pool, seed);
        int n = market_select(m, &private, list), gone = 0, silent = 0, tabs = 0;
        assert_int_equal(n, 60);
        for (int i = 0; i < n; i++) {
            gone += list[i]->gone;
            tabs += list[i]->new_tab;
            silent += !list[i]->phone;
        }
        assert_true(gone == 1 && silent == 1 && tabs == 1);
        for (int i = 0; i < MARKET_LEADS; i++)
            assert_true(!list[i]->gone && !list[i]->new_tab && !list[i]->dropped && list[i]->phone);
        assert_string_not_equal(list[0]->price + strspn(list[0]->price, "0123456789"),
                                list[1]->price + strspn(list[1]->price, "0123456789"));
        assert_true(market_select(m, &sail, list) > 2 * MARKET_PAGE);
        for (int i = 0; i < MARKET_BOATS; i++) {
            const struct boat *b = &m->boats[i];
            assert_true(!b->phone || (strstr(b->phone, "555") && strstr(b->tel, "55501")));
            assert_ptr_equal(market_find(m, b->id), b);
            assert_true(b->price_usd >= 900 && b->price_usd < 100000);
        }
    }
    pool_destroy(pool);
}

static void filters_and_sorting_do_what_they_say(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct boat *list[MARKET_BOATS];
    struct market *m = market_create(pool, 7);
    struct market_query q = {"", "dealer", "10000-25000", "", "price"};
    int n = market_select(m, &q, list);
    assert_true(n > 1);
    for (int i = 0; i < n; i++) {
        assert_true(list[i]->dealer && list[i]->price_usd >= 10000 && list[i]->price_usd < 25000);
        assert_true(i == 0 || list[i - 1]->price_usd <= list[i]->price_usd);
    }
    q = (struct market_query){"tarn vale", "", "", "me", "year_down"};
    n = market_select(m, &q, list);
    for (int i = 0; i < n; i++)
        assert_true(strcmp(list[i]->make, "Tarn & Vale") == 0 &&
                    strcmp(list[i]->state_code, "ME") == 0);
    q = (struct market_query){"nosuchboat", "", "", "", ""};
    assert_int_equal(market_select(m, &q, list), 0);
    q = (struct market_query){"", "private,dealer", "rubbish", "", "rubbish"};
    assert_int_equal(market_select(m, &q, list), MARKET_BOATS);
    pool_destroy(pool);
}

/* --- the server ---------------------------------------------------------------------------- */

static void control_calls_need_the_token(void **state)
{
    static const struct {
        const char *method, *path;
    } calls[] = {{"POST", "/__env__/reset"},
                 {"POST", "/__env__/seed"},
                 {"GET", "/__env__/oracle?task_id=form"},
                 {"GET", "/__env__/mutations"},
                 {"GET", "/__env__/rows"},
                 {"GET", "/__env__/other"}};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    assert_int_equal(get(&v, "/__env__/health", &text), 200);
    for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
        assert_int_equal(fetch(&v, calls[i].method, calls[i].path, "", "", &text), 401);
        assert_int_equal(
            fetch(&v, calls[i].method, calls[i].path, "X-Env-Admin: wrong\r\n", "", &text), 401);
        assert_null(strstr(text, TOKEN));
    }
    assert_int_equal(fetch(&v, "GET", "/__env__/other", ADMIN, "", &text), 404);
    assert_int_equal(fetch(&v, "GET", "/__env__/oracle?task_id=nope", ADMIN, "", &text), 404);
    assert_non_null(strstr(text, "click_fetch"));
    close_visit(&v);
}

static void reset_takes_a_seed_and_forgets_what_happened(void **state)
{
    struct visit v;
    const char *text, *form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    assert_int_equal(
        fetch(&v, "POST", "/lab/form", form, "full_name=Ann+O%27Hara&power=yes&power=no", &text),
        200);
    assert_non_null(strstr(text, "Ann O&#39;Hara"));
    assert_non_null(strstr(text, "yes,no"));
    assert_true(json_flag(admin(&v, "/__env__/oracle?task_id=form"), "passed", false));
    assert_int_equal(json_int(admin(&v, "/__env__/mutations?since=0"), "last", 0), 1);
    assert_int_equal(
        json_array_size(json_object_get(admin(&v, "/__env__/mutations?since=1"), "mutations")), 0);
    assert_int_equal(fetch(&v, "POST", "/__env__/reset", ADMIN, "{\"seed\":9}", &text), 200);
    assert_non_null(strstr(text, "\"seed\":9"));
    assert_false(json_flag(admin(&v, "/__env__/oracle?task_id=form"), "passed", true));
    static const char *const bad[] = {"{", "[]", "{\"seed\":\"x\"}", "{\"seed\":1.5}"};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(fetch(&v, "POST", "/__env__/reset", ADMIN, bad[i], &text), 400);
    assert_int_equal(json_int(admin(&v, "/__env__/health"), "seed", 0), 9);
    close_visit(&v);
}

static void files_outside_static_are_not_served(void **state)
{
    static const char *const paths[] = {"/static/../templates/head.html",
                                        "/static/%2e%2e/templates/head.html",
                                        "/static//etc/passwd.css",
                                        "/static/.css",
                                        "/static/nothing.css",
                                        "/static/",
                                        "/static/site"};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "marketplace", 1, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        assert_int_equal(get(&v, paths[i], &text), 404);
    assert_int_equal(get(&v, "/static/site.css", &text), 200);
    assert_non_null(strstr(text, "Content-Type: text/css"));
    close_visit(&v);
}

static void bad_requests_get_a_clear_answer(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "marketplace", 1, NULL), 0);
    char *big = pool_alloc(v.pool, 100001);
    memset(big, 'a', 100000);
    assert_int_equal(fetch(&v, "POST", "/newsletter/", "", big, &text), 413);
    assert_int_equal(fetch(&v, "PUT", "/boats/", "", "", &text), 405);
    assert_int_equal(get(&v, "/boats/99-nothing/", &text), 404);
    assert_non_null(strstr(text, "<title>Page not found"));
    assert_int_equal(fetch(&v, "POST", "/newsletter/",
                           "Content-Type: application/x-www-form-urlencoded\r\n", "email=%3Cb%3E",
                           &text),
                     422);
    assert_non_null(strstr(text, "&lt;b&gt;"));
    assert_int_equal(
        get(&v, "/boats/?page=999999999999&price=%00&seller=%3Cscript%3E&q=%22%3E%3Cscript%3E",
            &text),
        200);
    assert_null(strstr(text, "\"><script>"));
    close_visit(&v);
}

static void leads_count_when_opened_and_phones_shown(void **state)
{
    const char *task = "/__env__/oracle?task_id=extract_listings", *text;
    for (int64_t seed = 42; seed < 44; seed++) {
        struct visit v;
        assert_int_equal(open_visit(&v, "marketplace", seed, NULL), 0);
        json_t *row, *rows = json_object_get(admin(&v, task), "rows");
        size_t i;
        assert_int_equal(json_array_size(rows), MARKET_LEADS);
        assert_int_equal(get(&v, "/boats/?seller=private", &text), 200);
        const char *last = text;
        json_array_foreach (rows, i, row) {
            const char *path = json_str(row, "url", "") + strlen(site_url(v.site));
            last = strstr(last, path); /* cards stand in this order */
            assert_non_null(last);
            assert_false(json_flag(admin(&v, task), "passed", true));
            assert_int_equal(get(&v, path, &text), 200);
            assert_null(strstr(text, json_str(row, "phone", "")));
            assert_non_null(strstr(text, json_str(row, "price", "")));
            const char *phone =
                pool_printf(v.pool, "/api/boats/%d/phone", atoi(path + strlen("/boats/")));
            assert_non_null(strstr(text, phone));
            assert_int_equal(fetch(&v, "POST", phone, "", "", &text), 200);
            assert_non_null(strstr(text, json_str(row, "phone", "")));
        }
        assert_true(json_flag(admin(&v, task), "passed", false));
        assert_int_equal(json_array_size(json_object_get(admin(&v, "/__env__/rows"), "rows")),
                         MARKET_BOATS - 1);
        close_visit(&v);
    }
}

static void two_pages_of_a_search_pass_its_task(void **state)
{
    const char *task = "/__env__/oracle?task_id=search_and_filter", *text;
    struct visit v;
    assert_int_equal(open_visit(&v, "marketplace", 3, NULL), 0);
    assert_int_equal(get(&v, "/boats/?q=sailboat&seller=private", &text), 200);
    assert_non_null(
        strstr(text, "rel=\"next\" href=\"/boats/?q=sailboat&amp;seller=private&amp;page=2\""));
    assert_false(json_flag(admin(&v, task), "passed", true));
    assert_int_equal(get(&v, "/boats/?q=sailboat&seller=private&page=2", &text), 200);
    json_t *answer = admin(&v, task);
    assert_true(json_flag(answer, "passed", false));
    assert_int_equal(json_array_size(json_object_get(answer, "rows")), 2 * MARKET_PAGE);
    assert_int_equal(get(&v, "/boats/?q=sailboat&seller=private&page=3", &text), 200);
    assert_null(strstr(text, "rel=\"next\""));
    close_visit(&v);
}

static void late_answers_hold_nobody_else_up(void **state)
{
    struct visit v;
    struct answer late;
    const char *text;
    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    int64_t start = clock_mono_ms();
    ask(&v, &late, "GET", "/lab/answer?ms=120", "", "");
    assert_int_equal(get(&v, "/lab/", &text), 200);
    assert_false(late.ended);
    assert_int_equal(loop_wait(v.loop, answer_ended, &late, clock_mono_ms() + 10000), 0);
    assert_true(clock_mono_ms() - start >= 120);
    assert_non_null(strstr(late.text.data, "DONE"));
    end_answer(&late);
    close_visit(&v);
}

static bool answer_began(void *arg)
{
    return strstr(((struct answer *)arg)->text.data, "never comes") != NULL;
}

static void stopping_a_site_ends_answers_that_never_come(void **state)
{
    struct visit v;
    struct answer never, hang, late;
    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    ask(&v, &never, "GET", "/lab/never", "", "");
    ask(&v, &late, "GET", "/lab/slow?ms=60000", "", "");
    ask(&v, &hang, "GET", "/lab/hang", "", "");
    assert_int_equal(loop_wait(v.loop, answer_began, &hang, clock_mono_ms() + 10000), 0);
    assert_false(hang.ended || never.ended || late.ended);
    site_destroy(v.site);
    v.site = NULL;
    assert_int_equal(loop_wait(v.loop, answer_ended, &hang, clock_mono_ms() + 10000), 0);
    assert_int_equal(loop_wait(v.loop, answer_ended, &never, clock_mono_ms() + 10000), 0);
    assert_int_equal(loop_wait(v.loop, answer_ended, &late, clock_mono_ms() + 10000), 0);
    assert_int_equal(never.text.len, 0);
    end_answer(&never);
    end_answer(&hang);
    end_answer(&late);
    close_visit(&v);
}

static void every_page_of_the_lab_answers(void **state)
{
    struct visit v;
    const char *text, *page;
    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    assert_int_equal(get(&v, "/lab/", &text), 200);
    int n = 0;
    for (const char *p = text; (p = strstr(p, "<a href=\"")); n++) {
        p += strlen("<a href=\"");
        char *path = pool_strndup(v.pool, p, strcspn(p, "\""));
        if (strcmp(path, "/lab/never") == 0 || strcmp(path, "/lab/hang") == 0)
            continue;
        int want = strcmp(path, "/lab/status/404") == 0 ? 404
                   : strcmp(path, "/lab/drift") == 0    ? 303
                                                        : 200;
        if (strchr(path, '?'))
            *strchr(path, '?') = 0;
        if (strcmp(path, "/lab/slow") == 0)
            path = pool_printf(v.pool, "%s?ms=1", path);
        assert_int_equal(get(&v, path, &page), want);
        assert_null(strstr(page, "template:"));
    }
    assert_true(n >= 20);
    close_visit(&v);
}

static void sites_that_cannot_start_say_why(void **state)
{
    struct visit v;
    struct err err = {0};
    assert_int_equal(open_visit(&v, "nowhere", 1, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "marketplace, lab"));
    close_visit(&v);

    assert_int_equal(open_visit(&v, "lab", 1, NULL), 0);
    struct site *second = NULL;
    struct site_spec spec = {.name = "lab",
                             .dir = site_dir(v.pool, "lab"),
                             .admin_token = TOKEN,
                             .port = port_of(v.site)};
    assert_int_equal(site_create(v.loop, &spec, &second, &err), E_IO);
    assert_non_null(strstr(err.msg, "cannot listen"));
    spec.port = 0;
    spec.host = "localhost";
    assert_int_equal(site_create(v.loop, &spec, &second, &err), E_INVALID);
    spec.host = NULL;
    spec.admin_token = "";
    assert_int_equal(site_create(v.loop, &spec, &second, &err), E_INVALID);
    spec.admin_token = TOKEN;
    spec.dir = "/nonexistent";
    assert_int_equal(site_create(v.loop, &spec, &second, &err), E_NOT_FOUND);
    assert_null(second);
    close_visit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(templates_fill_their_holes),
        cmocka_unit_test(broken_templates_say_what_is_wrong),
        cmocka_unit_test(same_seed_gives_the_same_boats),
        cmocka_unit_test(every_seed_keeps_its_promises),
        cmocka_unit_test(filters_and_sorting_do_what_they_say),
        cmocka_unit_test(control_calls_need_the_token),
        cmocka_unit_test(reset_takes_a_seed_and_forgets_what_happened),
        cmocka_unit_test(files_outside_static_are_not_served),
        cmocka_unit_test(bad_requests_get_a_clear_answer),
        cmocka_unit_test(leads_count_when_opened_and_phones_shown),
        cmocka_unit_test(two_pages_of_a_search_pass_its_task),
        cmocka_unit_test(late_answers_hold_nobody_else_up),
        cmocka_unit_test(stopping_a_site_ends_answers_that_never_come),
        cmocka_unit_test(every_page_of_the_lab_answers),
        cmocka_unit_test(sites_that_cannot_start_say_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
