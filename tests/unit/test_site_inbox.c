/*
 * The site "inbox": its lists, letters that are sent once, and what its oracle says.
 */
#include <string.h>

#include "site/inbox.h"
#include "unit/site_visit.h"

#define MULTIPART "Content-Type: multipart/form-data; boundary=edge\r\n"

static bool passed(struct visit *v, const char *task)
{
    return json_flag(admin(v, pool_printf(v->pool, "/__env__/oracle?task_id=%s", task)), "passed",
                     false);
}

static void says(struct visit *v, const char *task, const char *what)
{
    json_t *a = admin(v, pool_printf(v->pool, "/__env__/oracle?task_id=%s", task));
    assert_false(json_flag(a, "passed", true));
    if (!strstr(json_text(v->pool, a), what))
        fail_msg("%s: '%s' is not in %s", task, what, json_text(v->pool, a));
}

static json_t *ask_json(struct visit *v, const char *method, const char *path, const char *body,
                        int status)
{
    const char *text;
    json_t *json;
    assert_int_equal(fetch(v, method, path, FORM, body, &text), status);
    text = strstr(text, "\r\n\r\n") + 4;
    assert_int_equal(json_parse(text, strlen(text), "answer", &json, NULL), 0);
    return json_keep(v->pool, json);
}

static json_t *post(struct visit *v, const char *path, const char *body)
{
    return ask_json(v, "POST", path, body, 200);
}

/* The number of the thread with that subject. */
static int find(struct visit *v, const char *folder, const char *subject, int *ret_place)
{
    for (int from = 0; from < INBOX_THREADS; from += 25) {
        json_t *a = ask_json(
            v, "GET", pool_printf(v->pool, "/api/list?folder=%s&from=%d", folder, from), "", 200);
        json_t *row;
        size_t i;
        json_array_foreach (json_object_get(a, "rows"), i, row) {
            if (strcmp(json_str(row, "subject", ""), subject) != 0)
                continue;
            if (ret_place)
                *ret_place = from + (int)i;
            return (int)json_int(row, "id", 0);
        }
        if (!json_flag(a, "more", false))
            break;
    }
    fail_msg("no thread '%s' in %s", subject, folder);
    return 0;
}

static void act(struct visit *v, int id, const char *verb, const char *arg)
{
    post(v, pool_printf(v->pool, "/api/threads/%d/%s", id, verb),
         pool_printf(v->pool, "arg=%s", arg));
}

static int write_letter(struct visit *v, const char *start)
{
    return (int)json_int(post(v, "/api/letters", start), "id", 0);
}

static json_t *letter(struct visit *v, int id, const char *verb, const char *fields, int status)
{
    return ask_json(v, "POST", pool_printf(v->pool, "/api/letters/%d%s", id, verb), fields, status);
}

#define BERTH                                                                                      \
    "to=nora%40whitfield.example&subject=Berth+14&body=Can+we+take+berth+14%0Afrom+Saturday%3F"

static void a_letter_is_sent_once(void **state)
{
    struct visit v;
    assert_int_equal(open_visit(&v, "inbox", 42, NULL), 0);
    says(&v, "send_new", "missing");
    int id = write_letter(&v, "");
    letter(&v, id, "/send", "to=&subject=x", 422);
    letter(&v, id, "/send", "to=nora%40whitfield.example%2Cnobody", 422);
    says(&v, "send_new", "missing");
    letter(&v, id, "/send", BERTH, 200);
    letter(&v, id, "/send", BERTH, 409);
    letter(&v, id, "", "body=other", 409);
    assert_true(passed(&v, "send_new"));
    assert_false(passed(&v, "reply"));
    letter(&v, write_letter(&v, ""), "/send", BERTH, 200);
    says(&v, "send_new", "2 times");
    close_visit(&v);
}

static void undo_makes_a_draft_again(void **state)
{
    struct visit v;
    assert_int_equal(open_visit(&v, "inbox", 42, NULL), 0);
    int id = write_letter(&v, "");
    letter(&v, id, "/undo", "", 409);
    letter(&v, id, "/send", BERTH, 200);
    says(&v, "undo_send", "not asked for: sent to nora");
    letter(&v, id, "/undo", "", 200);
    assert_true(passed(&v, "undo_send"));
    letter(&v, id, "/discard", "", 200);
    assert_true(passed(&v, "undo_send"));
    letter(&v, id, "/send", BERTH, 409);
    close_visit(&v);
}

static void replies_know_their_thread(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "inbox", 42, NULL), 0);
    int thread = find(&v, "inbox", "Quote for the mast", NULL);
    json_t *l = post(&v, "/api/letters", pool_printf(v.pool, "reply_to=%d", thread));
    assert_string_equal(json_str(l, "to", ""), "rowan@gale-rigging.example");
    assert_string_equal(json_str(l, "subject", ""), "Re: Quote for the mast");
    letter(&v, (int)json_int(l, "id", 0), "/send", "body=The+quote+is+fine,+please+go+ahead.", 200);
    assert_true(passed(&v, "reply"));
    get(&v, pool_printf(v.pool, "/mail/t/%d", thread), &text);
    assert_non_null(strstr(text, "please go ahead"));
    close_visit(&v);
}

static void attachments_count_by_their_content(void **state)
{
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "inbox", 42, NULL), 0);
    int thread = find(&v, "inbox", "Minutes of the harbor meeting", NULL);
    says(&v, "download", "never fetched");
    get(&v, pool_printf(v.pool, "/mail/files/%d/minutes.txt", thread), &text);
    assert_non_null(strstr(text, inbox_minutes));
    assert_true(passed(&v, "download"));
    assert_int_equal(get(&v, pool_printf(v.pool, "/mail/files/%d/minutes.txt", thread - 1), &text),
                     404);
    for (int right = 0; right < 2; right++) {
        int id = write_letter(&v, "");
        const char *body = pool_printf(v.pool,
                                       "--edge\r\nContent-Disposition: form-data; name=\"file\"; "
                                       "filename=\"minutes.txt\"\r\n\r\n%s\r\n--edge--\r\n",
                                       right ? inbox_minutes : "other");
        fetch(&v, "POST", pool_printf(v.pool, "/api/letters/%d/files", id), MULTIPART, body, &text);
        assert_non_null(strstr(text, "\"sha256\""));
        letter(&v, id, "/send",
               "to=petra%40lindqvist.example&subject=Minutes&body=Here+are+the+minutes.", 200);
        assert_int_equal(passed(&v, "attach"), right);
        fetch(&v, "POST", "/__env__/reset", ADMIN, "", &text);
    }
    close_visit(&v);
}

static void threads_are_moved_marked_and_labelled(void **state)
{
    static const struct {
        const char *task, *folder, *subject, *verb, *arg;
    } cases[] = {{"delete", "inbox", "Your spring newsletter", "move", "trash"},
                 {"restore", "trash", "Key for the boathouse", "move", "inbox"},
                 {"archive", "inbox", "Lost dog near the pier", "move", "archive"},
                 {"star_old", "inbox", "Old mooring papers", "star", "on"},
                 {"mark_unread", "inbox", "Quote for the mast", "unread", ""},
                 {"label", "inbox", "Invoice 2207", "label", "Bills"}};
    struct visit v;
    const char *text;
    assert_int_equal(open_visit(&v, "inbox", 7, NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fetch(&v, "POST", "/__env__/reset", ADMIN, "", &text);
        says(&v, cases[i].task, "missing");
        act(&v, find(&v, cases[i].folder, cases[i].subject, NULL), cases[i].verb, cases[i].arg);
        assert_true(passed(&v, cases[i].task));
        act(&v, find(&v, "inbox", "Anchor chain, galvanised", NULL), "star", "on");
        says(&v, cases[i].task, "not asked for: starred: Anchor chain");
    }
    close_visit(&v);
}

static void lists_come_by_parts_and_search_finds(void **state)
{
    struct visit v;
    const char *text;
    for (int64_t seed = 0; seed < 8; seed++) {
        int place, first;
        assert_int_equal(open_visit(&v, "inbox", seed, NULL), 0);
        find(&v, "inbox", "Old mooring papers", &place);
        find(&v, "inbox", "Quote for the mast", &first);
        assert_true(place > 50 && first < 25);
        json_t *found = ask_json(&v, "GET", "/api/list?folder=inbox&q=anchor+CHAIN", "", 200);
        json_t *rows = json_object_get(found, "rows");
        assert_int_equal(json_array_size(rows), 1);
        assert_false(passed(&v, "search_open"));
        int id = (int)json_int(json_array_get(rows, 0), "id", 0);
        assert_int_equal(get(&v, pool_printf(v.pool, "/mail/t/%d", id), &text), 200);
        assert_null(strstr(text, "template:"));
        assert_true(passed(&v, "search_open"));
        close_visit(&v);
    }
}

static void a_draft_stays_when_its_window_is_closed(void **state)
{
    struct visit v;
    assert_int_equal(open_visit(&v, "inbox", 7, NULL), 0);
    int id = write_letter(&v, "");
    says(&v, "save_draft", "missing");
    letter(&v, id, "", "subject=Winter+storage&body=Ask+about+prices+first.", 200);
    assert_true(passed(&v, "save_draft"));
    assert_int_equal(json_array_size(json_object_get(
                         ask_json(&v, "GET", "/api/list?folder=drafts", "", 200), "rows")),
                     1);
    says(&v, "send_new", "not asked for: draft");
    letter(&v, id, "/discard", "", 200);
    says(&v, "save_draft", "missing");
    close_visit(&v);
}

static void every_page_answers(void **state)
{
    static const char *const paths[] = {
        "/mail/inbox",      "/mail/sent",         "/mail/drafts",      "/mail/starred",
        "/mail/trash",      "/mail/archive",      "/mail/label/Bills", "/mail/inbox?q=%3Cscript%3E",
        "/static/mail.css", "/static/compose.js", "/static/list.js",   "/static/thread.js"};
    struct visit v;
    const char *text;
    for (int64_t seed = 1; seed < 3; seed++) {
        assert_int_equal(open_visit(&v, "inbox", seed, NULL), 0);
        for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
            assert_int_equal(get(&v, paths[i], &text), 200);
            assert_null(strstr(text, "template:"));
            assert_null(strstr(text, "\"<script>"));
        }
        assert_int_equal(get(&v, "/mail/nothing", &text), 404);
        assert_int_equal(get(&v, "/mail/t/1", &text), 404);
        ask_json(&v, "GET", "/api/letters/7", "", 404);
        ask_json(&v, "POST", "/api/threads/4100/nothing", "", 404);
        close_visit(&v);
    }
}

static void the_same_seed_gives_the_same_mail(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct inbox *a = inbox_create(pool, 42), *b = inbox_create(pool, 42),
                 *c = inbox_create(pool, 43);
    int same = 0;
    for (int i = 0; i < INBOX_THREADS; i++) {
        assert_string_equal(a->threads[i].subject, b->threads[i].subject);
        assert_int_equal(a->threads[i].at, b->threads[i].at);
        same += strcmp(a->threads[i].subject, c->threads[i].subject) == 0;
    }
    assert_true(same < INBOX_THREADS / 4);
    pool_destroy(pool);
}

static void letters_have_a_cap(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct inbox *box = inbox_create(pool, 1);
    for (int i = 0; i < CAP_SITE_RECORDS; i++)
        assert_non_null(inbox_write(box, 0));
    assert_null(inbox_write(box, 0));
    assert_null(inbox_letter(box, 0));
    assert_null(inbox_letter(box, CAP_SITE_RECORDS + 1));
    pool_destroy(pool);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_sent_once),
        cmocka_unit_test(undo_makes_a_draft_again),
        cmocka_unit_test(replies_know_their_thread),
        cmocka_unit_test(attachments_count_by_their_content),
        cmocka_unit_test(threads_are_moved_marked_and_labelled),
        cmocka_unit_test(lists_come_by_parts_and_search_finds),
        cmocka_unit_test(a_draft_stays_when_its_window_is_closed),
        cmocka_unit_test(every_page_answers),
        cmocka_unit_test(the_same_seed_gives_the_same_mail),
        cmocka_unit_test(letters_have_a_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
