#include "unit/site_visit.h"

#include <stdlib.h>
#include <string.h>

#include "site/crm.h"

static const char *cookie_of(struct visit *v, const char *answer)
{
    const char *at = strstr(answer, "Set-Cookie: ");
    assert_non_null(at);
    at += strlen("Set-Cookie: ");
    return pool_printf(v->pool, "Cookie: %.*s\r\n", (int)strcspn(at, ";"), at);
}

static int post(struct visit *v, const char *path, const char *cookie, const char *body,
                const char **ret_text)
{
    return fetch(v, "POST", path, pool_printf(v->pool, "%s%s", FORM, cookie), body, ret_text);
}

/* The cookie of a visitor whose password was right. */
static const char *give_password(struct visit *v)
{
    const char *text;
    assert_int_equal(post(v, "/login", "", "user=" CRM_USER "&password=" CRM_PASSWORD, &text), 303);
    assert_non_null(strstr(text, "Location: /login/code"));
    return cookie_of(v, text);
}

static const char *sign_in(struct visit *v)
{
    const char *cookie = give_password(v), *text;
    const char *code = json_str(admin(v, "/__env__/code"), "code", "");
    assert_int_equal(post(v, "/login/code", cookie, pool_printf(v->pool, "code=%s", code), &text),
                     303);
    assert_non_null(strstr(text, "Location: /customers/"));
    return cookie;
}

static json_t *task(struct visit *v, const char *id)
{
    return admin(v, pool_printf(v->pool, "/__env__/oracle?task_id=%s", id));
}

static bool passes(struct visit *v, const char *id)
{
    return json_flag(task(v, id), "passed", false);
}

static json_t *customer(struct visit *v, int id)
{
    return json_array_get(json_object_get(admin(v, "/__env__/rows"), "rows"), (size_t)id - 1);
}

/* The edit form as a browser sends it, with one field another. */
static const char *form_of(struct visit *v, const json_t *c, const char *field, const char *value)
{
    static const char *const names[] = {"name",   "company", "email", "phone",
                                        "status", "owner",   "since", "about"};
    const char *form = "";
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *value_now = json_str(c, names[i], "");
        const char *const arg[][2] = {{names[i], strcmp(names[i], field) ? value_now : value}};
        form =
            pool_printf(v->pool, "%s&%s", form, site_link(v->pool, "", arg, 1) + (*arg[0][1] != 0));
    }
    return json_flag(c, "newsletter", false) ? pool_printf(v->pool, "%s&newsletter=yes", form)
                                             : form;
}

static void same_seed_gives_the_same_customers(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct crm *a = crm_create(pool, 42), *b = crm_create(pool, 42), *c = crm_create(pool, 44);
    assert_true(json_equal(a->customers, b->customers));
    assert_false(json_equal(a->customers, c->customers));
    pool_destroy(pool);
}

static void every_seed_has_the_customers_that_tasks_speak_of(void **state)
{
    for (int64_t seed = -3; seed < 60; seed++) {
        struct pool *pool = pool_create(NULL);
        struct crm *crm = crm_create(pool, seed);
        json_t *names = json_keep(pool, json_object()), *c;
        size_t i;
        json_array_foreach (crm->customers, i, c) {
            json_put_bool(names, json_str(c, "name", ""), true);
            assert_string_not_equal(json_str(c, "phone", ""), "(207) 555-0188");
            assert_non_null(strstr(json_str(c, "phone", ""), "555"));
        }
        assert_int_equal(json_object_size(names), CRM_CUSTOMERS);
        json_t *held = json_keep(pool, crm_select(crm, &(struct crm_query){"", "On hold", "", ""})),
               *active =
                   json_keep(pool, crm_select(crm, &(struct crm_query){"", "Active", "", ""}));
        assert_true(json_array_size(held) > 0 && json_array_size(held) <= CRM_PAGE);
        assert_true(json_array_size(active) > 2 * CRM_PAGE);
        pool_destroy(pool);
    }
}

static void nothing_is_shown_before_signing_in(void **state)
{
    static const char *const pages[] = {"/customers/", "/customers/17/", "/customers/17/edit",
                                        "/customers/new", "/customers/export.csv"};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(pages); i++) {
        assert_int_equal(get(&v, pages[i], &text), 303);
        assert_non_null(strstr(text, "Location: /login?next=%2Fcustomers%2F"));
    }
    assert_int_equal(post(&v, "/api/customers/17/delete", "", "", &text), 401);
    assert_int_equal(post(&v, "/api/customers/bulk", "", "ids=1&action=delete", &text), 401);
    assert_int_equal(post(&v, "/api/customers", "", "", &text), 401);
    assert_int_equal(json_array_size(json_object_get(admin(&v, "/__env__/mutations"), "mutations")),
                     0);
    const char *waiting = give_password(&v); /* the password alone is not enough */
    assert_int_equal(fetch(&v, "GET", "/customers/", waiting, "", &text), 303);
    assert_int_equal(post(&v, "/api/customers/17/delete", waiting, "", &text), 401);
    assert_false(json_flag(customer(&v, 17), "deleted", true));
    close_visit(&v);
}

static void a_wrong_password_says_so_and_goes_nowhere(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    assert_int_equal(post(&v, "/login", "", "user=" CRM_USER "&password=guess", &text), 200);
    assert_non_null(strstr(text, "The email or the password is incorrect."));
    assert_null(strstr(text, "Set-Cookie"));
    assert_null(strstr(text, "guess"));
    assert_int_equal(fetch(&v, "GET", "/__env__/code", ADMIN, "", &text), 404);
    json_t *log = json_object_get(admin(&v, "/__env__/mutations"), "mutations");
    assert_string_equal(json_str(json_array_get(log, 0), "kind", ""), "password_wrong");
    assert_null(strstr(json_text(v.pool, log), "guess"));
    close_visit(&v);
}

static void a_code_serves_once_and_has_three_tries(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    assert_int_equal(fetch(&v, "GET", "/__env__/code", "", "", &text), 401);
    const char *cookie = give_password(&v);
    const char *code = json_str(admin(&v, "/__env__/code"), "code", "");
    assert_int_equal(strlen(code), 6);
    assert_int_equal(fetch(&v, "GET", "/login/code", cookie, "", &text), 200);
    assert_null(strstr(text, code));
    for (int i = 0; i < 2; i++) {
        assert_int_equal(post(&v, "/login/code", cookie, "code=x", &text), 200);
        assert_non_null(strstr(text, "That code is not right."));
    }
    assert_int_equal(post(&v, "/login/code", cookie, "code=x", &text), 200);
    assert_non_null(strstr(text, "Too many wrong codes."));
    assert_int_equal(post(&v, "/login/code", cookie, pool_printf(v.pool, "code=%s", code), &text),
                     303);
    assert_non_null(strstr(text, "Location: /login\r\n"));

    assert_false(passes(&v, "sign_in"));
    sign_in(&v);
    assert_true(passes(&v, "sign_in"));
    assert_int_equal(fetch(&v, "GET", "/__env__/code", ADMIN, "", &text), 404);
    close_visit(&v);
}

static void a_trusting_site_asks_for_no_code_until_it_is_reset(void **state)
{
    static const char login[] = "user=" CRM_USER "&password=" CRM_PASSWORD;
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    assert_int_equal(fetch(&v, "POST", "/__env__/trust", ADMIN, "", &text), 200);
    assert_int_equal(post(&v, "/login", "", login, &text), 303);
    assert_non_null(strstr(text, "Location: /customers/\r\n"));
    assert_int_equal(fetch(&v, "GET", "/customers/", cookie_of(&v, text), "", &text), 200);
    assert_true(passes(&v, "sign_in"));
    assert_int_equal(fetch(&v, "POST", "/__env__/reset", ADMIN, "", &text), 200);
    assert_int_equal(post(&v, "/login", "", login, &text), 303);
    assert_non_null(strstr(text, "Location: /login/code\r\n"));
    close_visit(&v);
}

static void six_boxes_make_one_code_and_next_is_followed(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 43, NULL), 0);
    assert_int_equal(post(&v, "/login", "",
                          "next=%2Fcustomers%2F17%2F&user=" CRM_USER "&password=" CRM_PASSWORD,
                          &text),
                     303);
    const char *cookie = cookie_of(&v, text), *c = json_str(admin(&v, "/__env__/code"), "code", "");
    assert_int_equal(fetch(&v, "GET", "/login/code", cookie, "", &text), 200);
    assert_non_null(strstr(text, "aria-label=\"Digit 6\""));
    assert_int_equal(post(&v, "/login/code", cookie,
                          pool_printf(v.pool, "code=%c&code=%c&code=%c&code=%c&code=%c&code=%c",
                                      c[0], c[1], c[2], c[3], c[4], c[5]),
                          &text),
                     303);
    assert_non_null(strstr(text, "Location: /customers/17/\r\n"));
    assert_int_equal(post(&v, "/login", "",
                          "next=%2F%2Felsewhere&user=" CRM_USER "&password=" CRM_PASSWORD, &text),
                     303);
    cookie = cookie_of(&v, text);
    c = json_str(admin(&v, "/__env__/code"), "code", "");
    assert_int_equal(post(&v, "/login/code", cookie, pool_printf(v.pool, "code=%s", c), &text),
                     303);
    assert_non_null(strstr(text, "Location: /customers/\r\n"));
    close_visit(&v);
}

static void sessions_end_when_the_control_call_says_so(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_int_equal(fetch(&v, "GET", "/customers/17/", cookie, "", &text), 200);
    assert_int_equal(fetch(&v, "POST", "/__env__/expire", "", "", &text), 401);
    assert_int_equal(fetch(&v, "POST", "/__env__/expire", ADMIN, "", &text), 200);
    assert_int_equal(fetch(&v, "GET", "/customers/17/", cookie, "", &text), 303);
    assert_non_null(strstr(text, "&ended=1"));
    assert_int_equal(get(&v, "/login?ended=1", &text), 200);
    assert_non_null(strstr(text, "Your session has ended."));
    assert_int_equal(post(&v, "/api/customers/17/notes", cookie, "text=x", &text), 401);
    cookie = sign_in(&v);
    assert_int_equal(post(&v, "/logout", cookie, "", &text), 303);
    assert_int_equal(fetch(&v, "GET", "/customers/", cookie, "", &text), 303);
    close_visit(&v);
}

static void every_page_is_whole_and_the_same_for_the_same_seed(void **state)
{
    static const char *const pages[] = {"/customers/",    "/customers/?q=nobodyhere",
                                        "/customers/17/", "/customers/17/edit",
                                        "/customers/new", "/customers/?status=Archived"};
    const char *text[2], *missing;
    for (int64_t seed = 42; seed < 44; seed++) {
        struct visit v[2];
        const char *cookies[2];
        for (int i = 0; i < 2; i++) {
            assert_int_equal(open_visit(&v[i], "crm", seed, NULL), 0);
            cookies[i] = sign_in(&v[i]);
        }
        for (size_t p = 0; p < ARRAY_SIZE(pages); p++) {
            for (int i = 0; i < 2; i++) {
                assert_int_equal(fetch(&v[i], "GET", pages[p], cookies[i], "", &text[i]), 200);
                text[i] = strstr(text[i], "<!doctype");
            }
            assert_string_equal(text[0], text[1]);
            assert_non_null(strstr(text[0], "</html>"));
        }
        assert_int_equal(fetch(&v[0], "GET", "/customers/99/", cookies[0], "", &missing), 404);
        assert_int_equal(fetch(&v[0], "GET", "/customers/17/x", cookies[0], "", &missing), 404);
        close_visit(&v[0]);
        close_visit(&v[1]);
    }
}

static void the_table_searches_filters_sorts_and_pages(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_int_equal(fetch(&v, "GET", "/customers/?q=C-0017", cookie, "", &text), 200);
    assert_non_null(strstr(text, "1–1 of 1<"));
    assert_non_null(strstr(text, json_str(customer(&v, 17), "email", "?")));
    assert_int_equal(
        fetch(&v, "GET", "/customers/?status=Active&sort=-number&page=3", cookie, "", &text), 200);
    assert_non_null(strstr(text, "25–30 of 30<"));
    assert_non_null(strstr(
        text, "aria-sort=\"descending\"><a href=\"/customers/?status=Active&amp;sort=number\""));
    assert_null(strstr(text, "rel=\"next\""));
    assert_non_null(strstr(text, "rel=\"prev\""));

    struct pool *pool = pool_create(NULL);
    struct crm *crm = crm_create(pool, 42);
    json_t *list = json_keep(pool, crm_select(crm, &(struct crm_query){"", "", "", "company"})), *c;
    const char *last = "";
    size_t i;
    json_array_foreach (list, i, c) {
        assert_true(strcasecmp(last, json_str(c, "company", "")) <= 0);
        last = json_str(c, "company", "");
    }
    pool_destroy(pool);
    close_visit(&v);
}

static void saving_one_field_changes_that_and_nothing_else(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_false(passes(&v, "edit_phone"));
    const char *form = form_of(&v, customer(&v, 17), "phone", "(207) 555-0188");
    assert_int_equal(post(&v, "/api/customers/17/save", cookie, form, &text), 200);
    assert_non_null(strstr(text, "Changes saved"));
    assert_true(passes(&v, "edit_phone"));
    json_t *changes = json_object_get(json_object_get(task(&v, "edit_phone"), "diff"), "changes");
    assert_int_equal(json_array_size(changes), 1);

    form = form_of(&v, customer(&v, 18), "company", "Something Else");
    assert_int_equal(post(&v, "/api/customers/18/save", cookie, form, &text), 200);
    json_t *answer = task(&v, "edit_phone");
    assert_false(json_flag(answer, "passed", true));
    assert_non_null(strstr(json_text(v.pool, answer), "this was not asked for"));
    close_visit(&v);
}

static void bad_values_are_refused_by_field(void **state)
{
    static const struct {
        const char *field, *value, *says;
    } cases[] = {{"name", "", "Enter a name."},
                 {"email", "nobody", "Enter an email address like"},
                 {"phone", "12", "7 to 15 digits"},
                 {"phone", "call me maybe", "7 to 15 digits"},
                 {"status", "Unheard of", "Choose one of the list."},
                 {"owner", "", "Choose an owner."},
                 {"since", "2023-02-29", "between 2000 and 2035"},
                 {"since", "yesterday", "between 2000 and 2035"}};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const char *form = form_of(&v, customer(&v, 17), cases[i].field, cases[i].value);
        assert_int_equal(post(&v, "/api/customers/17/save", cookie, form, &text), 422);
        assert_non_null(strstr(text, cases[i].field));
        assert_non_null(strstr(text, cases[i].says));
    }
    assert_true(passes(&v, "sign_in")); /* which allows no change */
    const char *form = form_of(&v, customer(&v, 17), "since", "05/14/2024");
    assert_int_equal(post(&v, "/api/customers/17/save", cookie, form, &text), 200);
    assert_string_equal(json_str(customer(&v, 17), "since", ""), "2024-05-14");
    close_visit(&v);
}

static void a_note_sent_twice_is_two_notes_and_fails_its_task(void **state)
{
    static const char note[] = "text=Called+back%2C+wants+the+spring+catalog.";
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_int_equal(post(&v, "/api/customers/9/notes", cookie, "text=++", &text), 422);
    assert_int_equal(post(&v, "/api/customers/9/notes", cookie, note, &text), 200);
    assert_true(passes(&v, "add_note"));
    assert_int_equal(post(&v, "/api/customers/9/notes", cookie, note, &text), 200);
    json_t *answer = task(&v, "add_note");
    assert_false(json_flag(answer, "passed", true));
    assert_non_null(strstr(json_text(v.pool, answer), "done more than once"));
    close_visit(&v);
}

static void deleting_archiving_and_bulk_changes_are_told_apart(void **state)
{
    static const struct {
        const char *task, *path, *body;
    } cases[] = {
        {"delete", "/api/customers/12/delete", ""},
        {"archive", "/api/customers/31/archive", ""},
        {"bulk_status", "/api/customers/bulk", "ids=4,7,13&action=status&status=Closed"},
        {"create", "/api/customers",
         "name=Ottoline+Marsh&company=Marsh+Lanterns&email=ottoline@marshlanterns.example"
         "&phone=(207)+555-0190&status=Lead&owner=Priya+Nair&since=2024-05-14&about="},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct visit v;
        const char *text;
        assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
        const char *cookie = sign_in(&v);
        assert_false(passes(&v, cases[i].task));
        assert_int_equal(post(&v, cases[i].path, cookie, cases[i].body, &text), 200);
        for (size_t k = 0; k < ARRAY_SIZE(cases); k++)
            assert_int_equal(passes(&v, cases[k].task), k == i);
        close_visit(&v);
    }
}

static void what_is_deleted_is_gone_and_bad_bulk_calls_change_nothing(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_int_equal(
        post(&v, "/api/customers/bulk", cookie, "ids=1,2&action=status&status=Nope", &text), 422);
    assert_int_equal(post(&v, "/api/customers/bulk", cookie, "ids=1,2&action=burn", &text), 422);
    assert_int_equal(post(&v, "/api/customers/bulk", cookie, "ids=,x,999&action=delete", &text),
                     200);
    assert_true(passes(&v, "sign_in"));
    assert_int_equal(post(&v, "/api/customers/bulk", cookie, "ids=1,2&action=delete", &text), 200);
    assert_non_null(strstr(text, "2 customers deleted"));
    assert_int_equal(fetch(&v, "GET", "/customers/1/", cookie, "", &text), 404);
    assert_int_equal(post(&v, "/api/customers/1/notes", cookie, "text=x", &text), 404);
    assert_int_equal(post(&v, "/api/customers/3/burn", cookie, "", &text), 404);
    close_visit(&v);
}

static void the_export_holds_what_the_filter_says(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "crm", 42, NULL), 0);
    const char *cookie = sign_in(&v);
    assert_false(passes(&v, "export_active"));
    assert_int_equal(fetch(&v, "GET", "/customers/export.csv?status=Active", cookie, "", &text),
                     200);
    assert_non_null(strstr(text, "attachment; filename=\"customers.csv\""));
    int lines = 0;
    for (const char *p = strstr(text, "number,name"); (p = strstr(p, "\r\n")); p += 2)
        lines++;
    assert_int_equal(lines, 31);
    assert_true(passes(&v, "export_active"));
    assert_int_equal(json_array_size(json_object_get(task(&v, "export_active"), "rows")), 30);

    assert_false(passes(&v, "list_on_hold"));
    assert_int_equal(fetch(&v, "GET", "/customers/?status=On+hold", cookie, "", &text), 200);
    json_t *answer = task(&v, "list_on_hold"), *row;
    assert_true(json_flag(answer, "passed", false));
    size_t i;
    json_array_foreach (json_object_get(answer, "rows"), i, row)
        assert_non_null(strstr(text, json_str(row, "email", "?")));
    close_visit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_gives_the_same_customers),
        cmocka_unit_test(every_seed_has_the_customers_that_tasks_speak_of),
        cmocka_unit_test(nothing_is_shown_before_signing_in),
        cmocka_unit_test(a_wrong_password_says_so_and_goes_nowhere),
        cmocka_unit_test(a_code_serves_once_and_has_three_tries),
        cmocka_unit_test(a_trusting_site_asks_for_no_code_until_it_is_reset),
        cmocka_unit_test(six_boxes_make_one_code_and_next_is_followed),
        cmocka_unit_test(sessions_end_when_the_control_call_says_so),
        cmocka_unit_test(every_page_is_whole_and_the_same_for_the_same_seed),
        cmocka_unit_test(the_table_searches_filters_sorts_and_pages),
        cmocka_unit_test(saving_one_field_changes_that_and_nothing_else),
        cmocka_unit_test(bad_values_are_refused_by_field),
        cmocka_unit_test(a_note_sent_twice_is_two_notes_and_fails_its_task),
        cmocka_unit_test(deleting_archiving_and_bulk_changes_are_told_apart),
        cmocka_unit_test(what_is_deleted_is_gone_and_bad_bulk_calls_change_nothing),
        cmocka_unit_test(the_export_holds_what_the_filter_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
