/*
 * The site "flaky": every road leads to one accepted form, and trouble is the same for the same
 * seed.
 */
#include <string.h>

#include "unit/site_visit.h"

#define GOOD "applicant=Iris+Holm&street=14+Quay+Lane"

static const char *const all[] = {
    "errors",        "slow",        "challenge",  "challenge_click", "session",      "layout",
    "consent",       "endless",     "moving",     "double_submit",   "interstitial", "redirects",
    "redirect_loop", "lost_values", "stale_form", "hanging"};

static bool passed(struct visit *v, const char *task)
{
    return json_flag(admin(v, pool_printf(v->pool, "/__env__/oracle?task_id=%s", task)), "passed",
                     false);
}

static int post(struct visit *v, const char *path, const char *body, const char **ret_text)
{
    return fetch(v, "POST", path, FORM, body, ret_text);
}

static void reset_to(struct visit *v, int64_t seed)
{
    const char *text;
    assert_int_equal(fetch(v, "POST", "/__env__/reset", ADMIN,
                           pool_printf(v->pool, "{\"seed\":%lld}", (long long)seed), &text),
                     200);
}

static void one_accepted_form_passes_and_a_second_does_not(void **state)
{
    static const char *const plain[] = {"layout",    "consent",       "moving",  "interstitial",
                                        "redirects", "redirect_loop", "hanging", "stale_form"};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "flaky", 42, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        const char *path = pool_printf(v.pool, "/f/%s", plain[i]);
        assert_false(passed(&v, plain[i]));
        const char *fields = strcmp(plain[i], "stale_form") ? GOOD : GOOD "&token=t2";
        assert_int_equal(post(&v, path, fields, &text), 303);
        assert_true(passed(&v, plain[i]));
        assert_int_equal(post(&v, path, fields, &text), 303);
        assert_false(passed(&v, plain[i]));
    }
    reset_to(&v, 42);
    post(&v, "/f/layout", "applicant=Iris&street=14+Quay+Lane", &text);
    assert_false(passed(&v, "layout"));
    close_visit(&v);
}

static void refused_forms_are_not_accepted(void **state)
{
    static const char *const roads[] = {"errors", "lost_values"};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "flaky", 1, NULL), 0);
    for (int64_t seed = 1; seed < 12; seed++) {
        reset_to(&v, seed);
        for (size_t i = 0; i < ARRAY_SIZE(roads); i++) {
            const char *path = pool_printf(v.pool, "/f/%s", roads[i]);
            int tries = 1;
            while (post(&v, path, GOOD, &text) != 303) {
                assert_false(passed(&v, roads[i]));
                assert_null(strstr(text, "Quay Lane"));
                tries++;
            }
            assert_true(tries == 2 || tries == 3);
            assert_true(passed(&v, roads[i]));
        }
        int gets = 1;
        while (get(&v, "/f/errors", &text) != 200)
            gets++;
        assert_true(gets == 2 || gets == 3);
    }
    assert_int_equal(post(&v, "/f/stale_form", GOOD "&token=t1", &text), 403);
    assert_false(passed(&v, "stale_form"));
    close_visit(&v);
}

static const char *cookie_of(struct visit *v, const char *text)
{
    const char *at = strstr(text, "Set-Cookie: ");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    return pool_printf(v->pool, "Cookie: %.*s\r\n", (int)strcspn(at, ";\r"), at);
}

static void the_session_ends_once_with_a_form_on_the_way(void **state)
{
    struct visit v;
    const char *text, *cookie;
    int ended_at[3] = {0};
    assert_int_equal(open_visit(&v, "flaky", 1, NULL), 0);
    for (int64_t seed = 0; seed < 8; seed++) {
        int ends = 0;
        reset_to(&v, seed);
        assert_int_equal(post(&v, "/f/session/login", "user=iris&password=no", &text), 303);
        assert_null(strstr(text, "Set-Cookie"));
        for (int step = 0; step < 2; ends += step < 2) {
            post(&v, "/f/session/login", "user=iris&password=quay-lane-14", &text);
            cookie = pool_printf(v.pool, FORM "%s", cookie_of(&v, text));
            fetch(&v, "GET", "/f/session", cookie, "", &text);
            assert_non_null(strstr(text, "Signed in"));
            step = fetch(&v, "POST", "/f/session", cookie, "applicant=Iris+Holm", &text) == 200;
            if (step) {
                fetch(&v, "POST", "/f/session/address", cookie, GOOD, &text);
                step += strstr(text, "/f/session/done") != NULL;
            }
            ended_at[step]++;
            if (step == 2)
                break;
            fetch(&v, "GET", "/f/session", cookie, "", &text);
            assert_non_null(strstr(text, "session has ended"));
        }
        assert_int_equal(ends, 1);
        assert_true(passed(&v, "session"));
    }
    assert_true(ended_at[0] && ended_at[1]); /* on either page */
    assert_int_equal(ended_at[2], 8);
    close_visit(&v);
}

static void a_checked_browser_is_let_in(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "flaky", 6, NULL), 0);
    for (int i = 0; i < 2; i++) {
        const char *path = i ? "/f/challenge_click" : "/f/challenge";
        assert_int_equal(get(&v, path, &text), 403);
        assert_non_null(strstr(text, "<title>Just a moment..."));
        assert_int_equal(strstr(text, "id=\"person\"") != NULL, i);
        const char *at = strstr(text, "clearance=");
        const char *cookie = pool_printf(v.pool, "Cookie: %.*s\r\n", (int)strcspn(at, ";"), at);
        assert_int_equal(fetch(&v, "GET", path, cookie, "", &text), 200);
        assert_non_null(strstr(text, "Send application"));
        assert_int_equal(fetch(&v, "GET", path, "Cookie: clearance=x\r\n", "", &text), 403);
    }
    close_visit(&v);
}

static void redirects_end_or_go_round(void **state)
{
    struct visit v;
    const char *text, *path = "/f/redirects";
    int hops = 0;
    assert_int_equal(open_visit(&v, "flaky", 6, NULL), 0);
    while (get(&v, path, &text) == 303) {
        const char *at = strstr(text, "Location: ") + strlen("Location: ");
        path = pool_strndup(v.pool, at, strcspn(at, "\r"));
        hops++;
    }
    assert_true(hops >= 3 && hops <= 6);
    assert_int_equal(get(&v, "/f/redirect_loop", &text), 303);
    assert_non_null(strstr(text, "Location: /f/redirect_loop/start\r\n"));
    assert_int_equal(get(&v, "/f/redirect_loop/start", &text), 303);
    assert_non_null(strstr(text, "Location: /f/redirect_loop\r\n"));
    assert_int_equal(fetch(&v, "GET", "/f/redirect_loop", "Cookie: language=en\r\n", "", &text),
                     200);
    close_visit(&v);
}

static void the_list_fails_now_and_then(void **state)
{
    struct visit v;
    const char *text;
    for (int64_t seed = 1; seed < 6; seed++) {
        int failed = 0, from = 0, found = -1;
        assert_int_equal(open_visit(&v, "flaky", seed, NULL), 0);
        while (from < 90) {
            const char *path = pool_printf(v.pool, "/f/api/permits?from=%d", from);
            if (get(&v, path, &text) != 200) {
                failed++;
                continue;
            }
            if (strstr(text, "7319"))
                found = from;
            from += 15;
        }
        assert_true(failed >= 6 && found >= 45 && found < 75);
        assert_int_equal(post(&v, "/f/endless", "permit=7319", &text), 303);
        assert_true(passed(&v, "endless"));
        close_visit(&v);
    }
}

static void every_page_answers_and_is_the_same_again(void **state)
{
    struct visit v;
    const char *first, *again;
    assert_int_equal(open_visit(&v, "flaky", 8, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
        const char *path = pool_printf(v.pool, "/f/%s", all[i]);
        if (strcmp(all[i], "slow") == 0)
            continue;
        reset_to(&v, 8);
        get(&v, path, &first);
        assert_null(strstr(first, "template:"));
        reset_to(&v, 8);
        get(&v, path, &again);
        assert_string_equal(strstr(first, "\r\n\r\n"), strstr(again, "\r\n\r\n"));
        assert_false(passed(&v, all[i]));
    }
    get(&v, "/f/layout", &first);
    get(&v, "/f/layout", &again);
    assert_string_not_equal(strstr(first, "\r\n\r\n"), strstr(again, "\r\n\r\n"));
    static const char *const others[] = {"/", "/f/languages", "/f/layout/done", "/static/town.css",
                                         "/static/endless.js"};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        assert_int_equal(get(&v, others[i], &first), 200);
        assert_null(strstr(first, "template:"));
    }
    assert_int_equal(get(&v, "/f/nothing", &first), 404);
    close_visit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_accepted_form_passes_and_a_second_does_not),
        cmocka_unit_test(refused_forms_are_not_accepted),
        cmocka_unit_test(the_session_ends_once_with_a_form_on_the_way),
        cmocka_unit_test(a_checked_browser_is_let_in),
        cmocka_unit_test(redirects_end_or_go_round),
        cmocka_unit_test(the_list_fails_now_and_then),
        cmocka_unit_test(every_page_answers_and_is_the_same_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
