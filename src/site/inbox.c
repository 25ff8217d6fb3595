/*
 * inbox - "Tidemail", a mail client: folders, labels, search, threads, and windows for writing.
 *
 * The list comes by parts, 25 threads at a time, as one scrolls. Odd seeds have rows that are no
 * links and a bar of icons without text. Letters are in inbox_letters.c, what a task wants in
 * inbox_oracle.c.
 */
#include "site/inbox.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "site/kind.h"

#define PART 25

static void *create(struct pool *pool, int64_t seed)
{
    return inbox_create(pool, seed);
}

static struct inbox *inbox(const struct site_request *req)
{
    return site_state(req_site(req));
}

/* --- views ---------------------------------------------------------------------------------- */

static int unread_in(const struct inbox *box)
{
    int n = 0;
    for (int i = 0; i < INBOX_THREADS; i++)
        n += box->threads[i].folder == INBOX_IN && box->threads[i].unread;
    return n;
}

static json_t *label_list(unsigned set)
{
    json_t *list = json_array();
    for (int i = 0; inbox_labels[i]; i++)
        json_push(list,
                  json_pack("{s:s,s:b}", "label", inbox_labels[i], "set", (set >> i & 1) != 0));
    return list;
}

static json_t *base_view(struct site_request *req, const char *title)
{
    static const char *const folders[][2] = {{"inbox", "Inbox"},     {"starred", "Starred"},
                                             {"sent", "Sent"},       {"drafts", "Drafts"},
                                             {"archive", "Archive"}, {"trash", "Trash"}};
    json_t *view = json_keep(req_pool(req), json_object()), *list = json_array();
    json_put_str(view, "title", title);
    json_put_bool(view, "soup", inbox(req)->soup);
    json_put_str(view, "q", "");
    json_put_str(view, "here", title);
    for (size_t i = 0; i < ARRAY_SIZE(folders); i++)
        json_push(list, json_pack("{s:s,s:s,s:b,s:i}", "path", folders[i][0], "folder",
                                  folders[i][1], "current", strcmp(folders[i][1], title) == 0,
                                  "unread", i == 0 ? unread_in(inbox(req)) : 0));
    json_put(view, "folders", list);
    json_put(view, "labels", label_list(0));
    return view;
}

static void missing(struct site_request *req)
{
    req_reply_page(req, 404, "missing", base_view(req, "Page not found"));
}

static const char *date_text(struct pool *pool, time_t at)
{
    char text[32];
    struct tm tm;
    gmtime_r(&at, &tm);
    strftime(text, sizeof(text), tm.tm_mon == 8 && tm.tm_mday == 14 ? "%H:%M" : "%b %d", &tm);
    return pool_strdup(pool, text);
}

/* --- lists ---------------------------------------------------------------------------------- */

static bool thread_has(const struct inbox_thread *t, const char *q)
{
    bool found = str_contains_fold(t->subject, q) || str_contains_fold(t->from->name, q);
    for (int i = 0; i < t->n_bodies && !found; i++)
        found = str_contains_fold(t->bodies[i], q);
    return found;
}

/* A label's list and a search are over everything but the trash. */
static bool belongs(const struct inbox_thread *t, const char *folder, const char *label,
                    const char *q)
{
    if (*q)
        return t->folder != INBOX_TRASH && thread_has(t, q);
    for (int i = 0; inbox_labels[i] && *label; i++)
        if (strcmp(inbox_labels[i], label) == 0)
            return t->folder != INBOX_TRASH && (t->labels >> i & 1);
    if (strcmp(folder, "starred") == 0)
        return t->star && t->folder != INBOX_TRASH;
    return !*label && strcmp(folder, inbox_folder_names[t->folder]) == 0;
}

static json_t *thread_row(struct pool *pool, const struct inbox_thread *t)
{
    json_t *labels = json_array();
    for (int i = 0; inbox_labels[i]; i++)
        if (t->labels >> i & 1)
            json_push(labels, json_string(inbox_labels[i]));
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:b,s:b,s:b,s:i,s:o}", "id", t->id, "from",
                     t->from->name, "subject", t->subject, "snippet", t->bodies[t->n_bodies - 1],
                     "date", date_text(pool, t->at), "unread", t->unread, "star", t->star, "file",
                     t->attachment, "count", t->n_bodies, "labels", labels);
}

static json_t *letter_row(const struct inbox_letter *l)
{
    return json_pack("{s:i,s:s,s:s,s:s,s:s,s:b,s:b,s:i,s:[]}", "letter", l->id, "from",
                     *l->to ? l->to : "(nobody yet)", "subject",
                     *l->subject ? l->subject : "(no subject)", "snippet", l->body, "date", "now",
                     "draft", l->state == LETTER_DRAFT, "file", json_array_size(l->files) > 0,
                     "count", 1, "labels");
}

static void add_letters(const struct inbox *box, enum letter_state state, json_t *rows)
{
    for (int i = box->n_letters - 1; i >= 0; i--)
        if (box->letters[i]->state == state)
            json_push(rows, letter_row(box->letters[i]));
}

static void list_rows(struct site_request *req)
{
    struct inbox *box = inbox(req);
    const char *folder = req_arg(req, "folder", "inbox"), *q = req_arg(req, "q", "");
    int64_t from = req_arg_int(req, "from", 0, INBOX_THREADS, 0), n = 0;
    json_t *rows = json_array();
    bool written = strcmp(folder, "sent") == 0 || strcmp(folder, "drafts") == 0;
    if (written && from == 0)
        add_letters(box, *folder == 's' ? LETTER_SENT : LETTER_DRAFT, rows);
    for (int i = 0; i < INBOX_THREADS && !written; i++)
        if (belongs(&box->threads[i], folder, req_arg(req, "label", ""), q) && n++ >= from &&
            n <= from + PART)
            json_push(rows, thread_row(req_pool(req), &box->threads[i]));
    req_reply_json(req, 200, json_pack("{s:o,s:b}", "rows", rows, "more", n > from + PART));
    req_delay(req, 120);
}

static void show_list(struct site_request *req)
{
    const char *rest = req_rest(req), *label = str_starts(rest, "label/") ? rest + 6 : "";
    const char *title = *label ? label : NULL, *q = req_arg(req, "q", "");
    json_t *view = base_view(req, ""), *f;
    size_t i;
    json_array_foreach (json_object_get(view, "folders"), i, f)
        if (strcmp(json_str(f, "path", ""), rest) == 0)
            title = json_str(f, "folder", "");
    if (!title) {
        missing(req);
        return;
    }
    view = base_view(req, title);
    json_put_str(view, "folder", *label ? "" : rest);
    json_put_str(view, "label", label);
    json_put_str(view, "q", q);
    if (*q)
        json_put_str(view, "here", pool_printf(req_pool(req), "Results for \"%s\"", q));
    req_reply_page(req, 200, "list", view);
}

/* --- one thread ----------------------------------------------------------------------------- */

static json_t *mails(struct site_request *req, const struct inbox_thread *t)
{
    struct inbox *box = inbox(req);
    json_t *list = json_array();
    for (int i = 0; i < t->n_bodies; i++) {
        bool mine = t->n_bodies == INBOX_MAILS && i == 1;
        json_push(list,
                  json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "from", mine ? "Iris Holm" : t->from->name,
                            "address", mine ? "iris@tidemail.example" : t->from->address, "date",
                            date_text(req_pool(req), t->at - (t->n_bodies - 1 - i) * 90000), "body",
                            t->bodies[i], "folded", i < t->n_bodies - 1, "file",
                            t->attachment && i == t->n_bodies - 1));
    }
    for (int i = 0; i < box->n_letters; i++)
        if (box->letters[i]->reply_to == t->id && box->letters[i]->state == LETTER_SENT)
            json_push(list, json_pack("{s:s,s:s,s:s,s:s,s:b,s:b}", "from", "Iris Holm", "address",
                                      "iris@tidemail.example", "date", "now", "body",
                                      box->letters[i]->body, "folded", 0, "file", 0));
    return list;
}

static struct inbox_thread *asked_thread(struct site_request *req, const char **ret_rest)
{
    char *end;
    struct inbox_thread *t = inbox_thread(inbox(req), (int)strtol(req_rest(req), &end, 10));
    *ret_rest = end;
    return t;
}

static void show_thread(struct site_request *req)
{
    const char *rest;
    struct inbox_thread *t = asked_thread(req, &rest);
    if (!t || *rest) {
        missing(req);
        return;
    }
    t->unread = t->marked_unread = false;
    t->opened = true;
    site_log(req_site(req), "open", req_path(req), NULL);
    json_t *view = base_view(req, t->subject);
    json_put_int(view, "id", t->id);
    json_put_bool(view, "in_trash", t->folder == INBOX_TRASH);
    json_put_bool(view, "in_inbox", t->folder == INBOX_IN);
    json_put_bool(view, "star", t->star);
    json_put(view, "labels_here", label_list(t->labels));
    json_put(view, "mails", mails(req, t));
    req_reply_page(req, 200, "thread", view);
}

static void move_thread(struct inbox_thread *t, const char *arg)
{
    for (int i = 0; i < INBOX_FOLDERS; i++)
        if (strcmp(inbox_folder_names[i], arg) == 0)
            t->folder = (enum inbox_folder)i;
}

static void star_thread(struct inbox_thread *t, const char *arg)
{
    t->star = strcmp(arg, "on") == 0;
}

static void unread_thread(struct inbox_thread *t, const char *arg)
{
    t->unread = t->marked_unread = true;
}

static void label_thread(struct inbox_thread *t, const char *arg)
{
    for (int i = 0; inbox_labels[i]; i++)
        if (strcmp(inbox_labels[i], arg) == 0)
            t->labels ^= 1u << i;
}

/* POST /api/threads/<id>/<verb> with arg= */
static void change_thread(struct site_request *req)
{
    static const struct {
        const char *verb;
        void (*fn)(struct inbox_thread *t, const char *arg);
    } verbs[] = {{"/move", move_thread},
                 {"/star", star_thread},
                 {"/unread", unread_thread},
                 {"/label", label_thread}};
    const char *rest, *arg = req_arg(req, "arg", "");
    struct inbox_thread *t = asked_thread(req, &rest);
    for (size_t i = 0; i < ARRAY_SIZE(verbs) && t; i++) {
        if (strcmp(verbs[i].verb, rest) != 0)
            continue;
        verbs[i].fn(t, arg);
        site_log(req_site(req), rest + 1, req_path(req), json_pack("{s:s}", "arg", arg));
        req_reply_json(req, 200, thread_row(req_pool(req), t));
        return;
    }
    req_reply_json(req, 404, json_pack("{s:s}", "detail", "there is no such message"));
}

/* --- files, contacts ------------------------------------------------------------------------- */

static void give_file(struct site_request *req)
{
    const char *rest;
    struct inbox_thread *t = asked_thread(req, &rest);
    if (!t || !t->attachment || strcmp(rest, "/minutes.txt") != 0) {
        missing(req);
        return;
    }
    t->fetched = true;
    site_log(req_site(req), "file", req_path(req), NULL);
    req_reply(req, 200, "text/plain; charset=utf-8", inbox_minutes, strlen(inbox_minutes));
    req_add_header(req, "Content-Disposition", "attachment; filename=\"minutes.txt\"");
}

static void suggest(struct site_request *req)
{
    const char *q = req_arg(req, "q", "");
    json_t *list = json_array();
    for (int i = 0; i < n_inbox_contacts && *q; i++)
        if (str_contains_fold(inbox_contacts[i].name, q) ||
            str_contains_fold(inbox_contacts[i].address, q))
            json_push(list, json_pack("{s:s,s:s}", "name", inbox_contacts[i].name, "address",
                                      inbox_contacts[i].address));
    req_reply_json(req, 200, list);
    req_delay(req, 150);
}

static void go_to_inbox(struct site_request *req)
{
    req_redirect(req, "/mail/inbox");
}

/* clang-format off */
static const struct site_task tasks[] = {
    {"send_new", NULL, NULL}, {"send_two", NULL, NULL}, {"reply", NULL, NULL}, {"attach", NULL, NULL},
    {"undo_send", NULL, NULL}, {"save_draft", NULL, NULL}, {"label", NULL, NULL}, {"delete", NULL, NULL},
    {"restore", NULL, NULL}, {"archive", NULL, NULL}, {"star_old", NULL, NULL}, {"mark_unread", NULL, NULL},
    {"search_open", NULL, NULL}, {"download", NULL, NULL}, {NULL, NULL, NULL},
};
/* clang-format on */

static const struct site_route routes[] = {
    {SITE_GET, "/", go_to_inbox},
    {SITE_GET, "/mail/t/*", show_thread},
    {SITE_GET, "/mail/files/*", give_file},
    {SITE_GET, "/mail/*", show_list},
    {SITE_GET, "/api/list", list_rows},
    {SITE_GET, "/api/contacts", suggest},
    {SITE_POST, "/api/threads/*", change_thread},
    {SITE_POST, "/api/letters", inbox_new_letter},
    {SITE_GET | SITE_POST, "/api/letters/*", inbox_letter_call},
    {0, NULL, NULL},
};

const struct site_kind site_inbox = {
    .name = "inbox",
    .about = "a mail client: threads, labels, search, writing with files and undo",
    .routes = routes,
    .tasks = tasks,
    .create = create,
    .missing = missing,
    .grade = inbox_grade,
};
