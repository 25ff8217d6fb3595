/*
 * What was done to the mail, as a list of sentences. A task passes when that list is exactly the
 * one it wants: whatever else was changed, sent, or sent twice, makes it fail.
 */
#include <string.h>

#include "base/id.h"
#include "base/str.h"
#include "site/inbox.h"
#include "site/kind.h"

/* clang-format off */
static const struct inbox_task {
    const char *id;
    const char *wants[3];
    const char *opened, *fetched; /* subject of a thread that must have been opened, whose file fetched */
    bool undone;                  /* something was sent and taken back; what became of the draft is free */
} tasks[] = {
    {"send_new", {"sent to nora@whitfield.example: Berth 14 | Can we take berth 14 from Saturday?"}, NULL, NULL, 0},
    {"send_two", {"sent to nora@whitfield.example,tom@adeyemi.example: Regatta dinner | Seven at the boathouse."}, NULL, NULL, 0},
    {"reply", {"sent to rowan@gale-rigging.example: Re: Quote for the mast | The quote is fine, please go ahead. | reply"}, NULL, NULL, 0},
    {"attach", {"sent to petra@lindqvist.example: Minutes | Here are the minutes. | minutes.txt"}, NULL, NULL, 0},
    {"undo_send", {NULL}, NULL, NULL, 1},
    {"save_draft", {"draft to : Winter storage | Ask about prices first."}, NULL, NULL, 0},
    {"label", {"labels of Invoice 2207: Bills"}, NULL, NULL, 0},
    {"delete", {"trash: Your spring newsletter"}, NULL, NULL, 0},
    {"restore", {"inbox: Key for the boathouse"}, NULL, NULL, 0},
    {"archive", {"archive: Lost dog near the pier"}, NULL, NULL, 0},
    {"star_old", {"starred: Old mooring papers"}, NULL, NULL, 0},
    {"mark_unread", {"unread: Quote for the mast"}, NULL, NULL, 0},
    {"search_open", {NULL}, "Anchor chain, galvanised", NULL, 0},
    {"download", {NULL}, NULL, "Minutes of the harbor meeting", 0},
};
/* clang-format on */

static void say(json_t *list, struct pool *pool, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(json_t *list, struct pool *pool, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    json_push(list, json_string_safe(pool_vprintf(pool, fmt, ap)));
    va_end(ap);
}

static const char *label_names(struct pool *pool, unsigned labels)
{
    const char *names = "";
    for (int i = 0; inbox_labels[i]; i++)
        if (labels & 1u << i)
            names = pool_printf(pool, "%s%s%s", names, *names ? "," : "", inbox_labels[i]);
    return names;
}

static void tell_thread(struct pool *pool, json_t *list, const struct inbox_thread *t)
{
    if (t->folder != t->first_folder)
        say(list, pool, "%s: %s", inbox_folder_names[t->folder], t->subject);
    if (t->labels != t->first_labels)
        say(list, pool, "labels of %s: %s", t->subject, label_names(pool, t->labels));
    if (t->star)
        say(list, pool, "starred: %s", t->subject);
    if (t->marked_unread)
        say(list, pool, "unread: %s", t->subject);
}

/* Files are named when they are the minutes, else shown by their hash. */
static const char *file_names(struct pool *pool, const struct inbox_letter *l)
{
    char minutes[ID_SHA256_HEX_BYTES];
    const char *names = "";
    json_t *file;
    size_t i;
    id_sha256_hex(inbox_minutes, strlen(inbox_minutes), minutes);
    json_array_foreach (l->files, i, file) {
        const char *hash = json_str(file, "sha256", "");
        names =
            pool_printf(pool, "%s | %s", names, strcmp(hash, minutes) == 0 ? "minutes.txt" : hash);
    }
    return names;
}

static void tell_letter(struct pool *pool, json_t *list, const struct inbox_letter *l)
{
    bool empty = !*l->body && !json_array_size(l->files) && (l->reply_to || !*l->subject);
    if (l->state == LETTER_DISCARDED || (l->state == LETTER_DRAFT && empty))
        return;
    say(list, pool, "%s to %s: %s | %s%s%s", l->state == LETTER_SENT ? "sent" : "draft", l->to,
        str_squash(pool, l->subject), str_squash(pool, l->body), l->reply_to ? " | reply" : "",
        file_names(pool, l));
}

static bool wants(const struct inbox_task *task, const char *change)
{
    for (size_t i = 0; i < ARRAY_SIZE(task->wants) && task->wants[i]; i++)
        if (strcmp(task->wants[i], change) == 0)
            return true;
    return task->undone && str_starts(change, "draft ");
}

static int count(const json_t *list, const char *text)
{
    int n = 0;
    size_t i;
    json_t *item;
    json_array_foreach ((json_t *)list, i, item)
        n += strcmp(json_string_value(item), text) == 0;
    return n;
}

static void compare(struct pool *pool, const struct inbox_task *task, const json_t *changes,
                    json_t *reasons)
{
    size_t i;
    json_t *item;
    for (i = 0; i < ARRAY_SIZE(task->wants) && task->wants[i]; i++) {
        int n = count(changes, task->wants[i]);
        if (n != 1)
            say(reasons, pool, n ? "%d times: %s" : "missing (%d): %s", n, task->wants[i]);
    }
    json_array_foreach ((json_t *)changes, i, item)
        if (!wants(task, json_string_value(item)))
            say(reasons, pool, "not asked for: %s", json_string_value(item));
}

static const struct inbox_thread *by_subject(const struct inbox *box, const char *subject)
{
    for (int i = 0; i < INBOX_THREADS; i++)
        if (strcmp(box->threads[i].subject, subject) == 0)
            return &box->threads[i];
    return NULL;
}

static void check_visits(struct pool *pool, const struct inbox *box, const struct inbox_task *task,
                         json_t *reasons)
{
    bool undone = false;
    if (task->opened && !by_subject(box, task->opened)->opened)
        say(reasons, pool, "never opened: %s", task->opened);
    if (task->fetched && !by_subject(box, task->fetched)->fetched)
        say(reasons, pool, "attachment never fetched: %s", task->fetched);
    for (int i = 0; i < box->n_letters; i++)
        undone |= box->letters[i]->undone;
    if (task->undone && !undone)
        say(reasons, pool, "nothing was sent and taken back");
}

bool inbox_grade(struct site *site, const char *task_id, json_t *reasons, json_t *diff)
{
    const struct inbox *box = site_state(site);
    const struct inbox_task *task = tasks;
    struct pool *pool = pool_create(NULL);
    json_t *changes = json_array();
    while (strcmp(task->id, task_id) != 0)
        task++;
    for (int i = 0; i < INBOX_THREADS; i++)
        tell_thread(pool, changes, &box->threads[i]);
    for (int i = 0; i < box->n_letters; i++)
        tell_letter(pool, changes, box->letters[i]);
    compare(pool, task, changes, reasons);
    check_visits(pool, box, task, reasons);
    json_put(diff, "changes", changes);
    pool_destroy(pool);
    return json_array_size(reasons) == 0;
}
