/*
 * The site "widgets": its pages, what it makes of requests, and what its oracle says of them.
 */
#include <string.h>

#include "site/kind.h"
#include "site/widgets.h"
#include "unit/site_visit.h"

static json_t *verdict(struct visit *v, const char *id)
{
    return admin(v, pool_printf(v->pool, "/__env__/oracle?task_id=%s", id));
}

static bool passed(struct visit *v, const char *id)
{
    return json_flag(verdict(v, id), "passed", false);
}

static void says(struct visit *v, const char *id, const char *what)
{
    const char *text = json_text(v->pool, verdict(v, id));
    assert_false(passed(v, id));
    assert_non_null(strstr(text, what));
}

/* The fields that pass, or with a wrong last one, as a multipart form. */
static const char *request_body(struct visit *v, const struct widget *w, bool right)
{
    char *body = pool_strdup(v->pool, "");
    for (int i = 0; i < WIDGET_MAX_WANTS && w->wants[i].name; i++)
        body = pool_printf(
            v->pool, "%s--edge\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s%s\r\n",
            body, w->wants[i].name, w->wants[i].value, right ? "" : "!");
    if (w->file)
        body = pool_printf(v->pool,
                           "%s--edge\r\nContent-Disposition: form-data; name=\"report\"; "
                           "filename=\"round.csv\"\r\nContent-Type: text/csv\r\n\r\n%s\r\n",
                           body, right ? widget_inspection_form : "room\r\n");
    return pool_printf(v->pool, "%s--edge--\r\n", body);
}

#define MULTIPART "Content-Type: multipart/form-data; boundary=edge\r\n"
#define KEY       "Authorization: Basic YXJjaGl2ZTpsYW50ZXJuLTQy\r\n"

static void send_request(struct visit *v, const struct widget *w, bool right)
{
    const char *text, *path = pool_printf(v->pool, "/w/%s", w->id);
    assert_int_equal(fetch(v, "POST", path, MULTIPART KEY, request_body(v, w, right), &text), 303);
    assert_non_null(strstr(text, pool_printf(v->pool, "Location: /w/%s/done", w->id)));
    assert_int_equal(fetch(v, "GET", pool_printf(v->pool, "%s/done", path), KEY, "", &text), 200);
    assert_non_null(strstr(text, "has reached us"));
}

static void reset_to(struct visit *v, int64_t seed)
{
    const char *text, *body = pool_printf(v->pool, "{\"seed\":%lld}", (long long)seed);
    assert_int_equal(fetch(v, "POST", "/__env__/reset", ADMIN, body, &text), 200);
}

static void every_page_answers_and_posts_to_itself(void **state)
{
    struct visit v;
    const char *text, *index;
    for (int64_t seed = 1; seed < 3; seed++) {
        assert_int_equal(open_visit(&v, "widgets", seed, NULL), 0);
        assert_int_equal(get(&v, "/", &index), 200);
        for (int i = 0; i < n_widgets; i++) {
            const struct widget *w = &widgets[i];
            const char *path = pool_printf(v.pool, "/w/%s", w->id);
            assert_non_null(strstr(index, pool_printf(v.pool, "href=\"%s\"", path)));
            assert_int_equal(fetch(&v, "GET", path, KEY, "", &text), 200);
            assert_null(strstr(text, "template:"));
            assert_non_null(strstr(text, w->title));
            for (const char *part = w->parts; part && part[1]; part = strchr(part + 1, ' ')) {
                const char *name = pool_strndup(v.pool, part + 1, strcspn(part + 1, " "));
                assert_int_equal(get(&v, pool_printf(v.pool, "%s/%s", path, name), &text), 200);
                assert_null(strstr(text, "template:"));
            }
        }
        assert_int_equal(get(&v, "/w/nothing", &text), 404);
        assert_int_equal(get(&v, "/w/editor/inner", &text), 404);
        assert_int_equal(get(&v, "/w/edi", &text), 404);
        close_visit(&v);
    }
}

static void every_script_and_style_is_there(void **state)
{
    struct visit v;
    const char *text, *file;
    assert_int_equal(open_visit(&v, "widgets", 1, NULL), 0);
    for (int i = 0; i < n_widgets; i++) {
        fetch(&v, "GET", pool_printf(v.pool, "/w/%s", widgets[i].id), KEY, "", &text);
        for (const char *p = text; (p = strstr(p, "\"/static/")); p++)
            assert_int_equal(get(&v, pool_strndup(v.pool, p + 1, strcspn(p + 1, "\"")), &file),
                             200);
    }
    close_visit(&v);
}

static void the_right_request_passes_once_and_only_its_own_task(void **state)
{
    struct visit v;
    assert_int_equal(open_visit(&v, "widgets", 5, NULL), 0);
    for (int i = 0; i < n_widgets; i++) {
        const struct widget *w = &widgets[i];
        if (w->fetched)
            continue;
        says(&v, w->id, "no request was sent");
        send_request(&v, w, true);
        if (!passed(&v, w->id))
            fail_msg("%s: %s", w->id, json_text(v.pool, verdict(&v, w->id)));
        if (i + 1 < n_widgets)
            assert_false(passed(&v, widgets[i + 1].id));
        send_request(&v, w, true);
        says(&v, w->id, "sent 2 times");
    }
    close_visit(&v);
}

static void a_wrong_value_is_named(void **state)
{
    struct visit v;
    assert_int_equal(open_visit(&v, "widgets", 5, NULL), 0);
    for (int i = 0; i < n_widgets; i++) {
        if (widgets[i].fetched)
            continue;
        send_request(&v, &widgets[i], false);
        says(&v, widgets[i].id, "wanted");
    }
    const char *text;
    reset_to(&v, 5);
    assert_int_equal(fetch(&v, "POST", "/w/editor", FORM, "message=", &text), 303);
    says(&v, "editor", "message is ''");
    reset_to(&v, 5);
    assert_int_equal(fetch(&v, "POST", "/w/editor", FORM,
                           "message=+Please%20move%C2%A0the+desk%0D%0A+to+room+4.&html=%3Cb%3E",
                           &text),
                     303);
    assert_true(passed(&v, "editor"));
    assert_int_equal(get(&v, "/w/editor/done", &text), 200);
    assert_non_null(strstr(text, "&lt;b&gt;"));
    close_visit(&v);
}

static void files_pass_when_they_were_fetched(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "widgets", 5, NULL), 0);
    says(&v, "download", "never fetched");
    assert_int_equal(get(&v, "/w/files/inspection-form.csv", &text), 200);
    assert_non_null(strstr(text, "attachment; filename=\"inspection-form.csv\""));
    assert_non_null(strstr(text, widget_inspection_form));
    assert_true(passed(&v, "download") && !passed(&v, "download_blob"));
    assert_int_equal(get(&v, "/w/api/attendance", &text), 200);
    assert_true(passed(&v, "download_blob"));
    assert_int_equal(json_int(admin(&v, "/__env__/mutations?since=0"), "last", 0), 2);
    close_visit(&v);
}

static void the_archive_room_wants_its_password(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "widgets", 5, NULL), 0);
    assert_int_equal(get(&v, "/w/basic_auth", &text), 401);
    assert_non_null(strstr(text, "WWW-Authenticate: Basic realm=\"Archive room\""));
    assert_int_equal(fetch(&v, "POST", "/w/basic_auth", FORM, "box=1998-03", &text), 401);
    assert_false(passed(&v, "basic_auth"));
    close_visit(&v);
}

static void the_same_seed_gives_the_same_pages(void **state)
{
    struct visit v;
    const char *first, *again, *other;
    int differ = 0;
    assert_int_equal(open_visit(&v, "widgets", 8, NULL), 0);
    for (int i = 0; i < n_widgets; i++) {
        const char *path = pool_printf(v.pool, "/w/%s", widgets[i].id);
        reset_to(&v, 8);
        fetch(&v, "GET", path, KEY, "", &first);
        reset_to(&v, 9);
        fetch(&v, "GET", path, KEY, "", &other);
        reset_to(&v, 8);
        fetch(&v, "GET", path, KEY, "", &again);
        assert_string_equal(strstr(first, "\r\n\r\n"), strstr(again, "\r\n\r\n"));
        differ += strcmp(strstr(first, "\r\n\r\n"), strstr(other, "\r\n\r\n")) != 0;
    }
    assert_int_equal(differ, n_widgets);
    close_visit(&v);
}

static const char *place_of(const char *page, const char *value)
{
    char quoted[64];
    snprintf(quoted, sizeof(quoted), "data-v=\"%s\"", value);
    const char *at = strstr(page, quoted);
    assert_non_null(at);
    return at;
}

static void no_seed_starts_with_the_work_done(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "widgets", 0, NULL), 0);
    for (int64_t seed = 0; seed < 60; seed++) {
        reset_to(&v, seed);
        get(&v, "/w/drag_list", &text);
        const char *a = place_of(text, "Welcome"), *b = place_of(text, "Budget"),
                   *c = place_of(text, "Hiring"), *d = place_of(text, "Any other business");
        assert_false(a < b && b < c && c < d);
        get(&v, "/w/slider_div", &text);
        assert_null(strstr(text, "value=\"104\""));
    }
    close_visit(&v);
}

static void the_wanted_parcel_is_far_down(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "widgets", 3, NULL), 0);
    int found = -1, from = 0;
    for (; from < 400; from += 20) {
        get(&v, pool_printf(v.pool, "/w/api/parcels?from=%d", from), &text);
        if (strstr(text, "\r\n\r\n[]"))
            break;
        if (strstr(text, "60487"))
            found = from;
    }
    assert_true(found >= 60 && found <= 110);
    assert_int_equal(from, 160);
    get(&v, "/w/api/cities?q=port+al", &text);
    assert_true(strstr(text, "Port Aldous") && strstr(text, "\"Port Alder\""));
    get(&v, "/w/api/cities", &text);
    assert_non_null(strstr(text, "\r\n\r\n[]"));
    close_visit(&v);
}

static void every_widget_is_a_task_and_back(void **state)
{
    int n = 0;
    for (const struct site_task *t = site_widgets.tasks; t->id; t++, n++)
        assert_non_null(widget_find(t->id, (int)strlen(t->id)));
    assert_int_equal(n, n_widgets);
}

static void long_values_are_cut(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "widgets", 3, NULL), 0);
    char *body = pool_alloc(v.pool, 20001);
    memset(body, 'a', 20000);
    memcpy(body, "message=", 8);
    assert_int_equal(fetch(&v, "POST", "/w/editor", FORM, body, &text), 303);
    const json_t *fields =
        json_object_get(json_object_get(verdict(&v, "editor"), "diff"), "fields");
    assert_int_equal(strlen(json_str(fields, "message", "")), 4096);
    close_visit(&v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_answers_and_posts_to_itself),
        cmocka_unit_test(every_script_and_style_is_there),
        cmocka_unit_test(the_right_request_passes_once_and_only_its_own_task),
        cmocka_unit_test(a_wrong_value_is_named),
        cmocka_unit_test(files_pass_when_they_were_fetched),
        cmocka_unit_test(the_archive_room_wants_its_password),
        cmocka_unit_test(the_same_seed_gives_the_same_pages),
        cmocka_unit_test(no_seed_starts_with_the_work_done),
        cmocka_unit_test(the_wanted_parcel_is_far_down),
        cmocka_unit_test(every_widget_is_a_task_and_back),
        cmocka_unit_test(long_values_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
