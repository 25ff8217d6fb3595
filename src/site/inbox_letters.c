/*
 * The window for writing: drafts that save themselves, files, send and undo. A letter is sent once:
 * sending it again is refused, and undo makes a draft of it while there is time.
 */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "site/inbox.h"
#include "site/kind.h"

static struct inbox *inbox(const struct site_request *req)
{
    return site_state(req_site(req));
}

static void refuse(struct site_request *req, int status, const char *detail)
{
    req_reply_json(req, status, json_pack("{s:s}", "detail", detail));
}

static void reply_letter(struct site_request *req, const struct inbox_letter *l)
{
    req_reply_json(req, 200,
                   json_pack("{s:i,s:i,s:s,s:s,s:s,s:O}", "id", l->id, "reply_to", l->reply_to,
                             "to", l->to, "subject", l->subject, "body", l->body, "files",
                             l->files));
}

void inbox_new_letter(struct site_request *req)
{
    int reply_to = (int)req_arg_int(req, "reply_to", 0, 100000, 0);
    struct inbox_thread *t = inbox_thread(inbox(req), reply_to);
    struct inbox_letter *l = inbox_write(inbox(req), t ? reply_to : 0);
    if (!l) {
        refuse(req, 507, "there are too many drafts");
        return;
    }
    if (t) {
        l->to = t->from->address;
        l->subject = pool_printf(inbox(req)->pool, "Re: %s", t->subject);
    }
    reply_letter(req, l);
}

static void take_fields(struct site_request *req, struct inbox_letter *l)
{
    struct {
        const char *name, **field;
    } fields[] = {{"to", &l->to}, {"subject", &l->subject}, {"body", &l->body}};
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        inbox_set(inbox(req), fields[i].field,
                  str_cut(req_pool(req), req_arg(req, fields[i].name, *fields[i].field),
                          CAP_SITE_FIELD_BYTES));
}

static void save_letter(struct site_request *req, struct inbox_letter *l)
{
    if (l->state != LETTER_DRAFT) {
        refuse(req, 409, "this message is no draft any more");
        return;
    }
    take_fields(req, l);
    reply_letter(req, l);
}

static void attach(struct site_request *req, struct inbox_letter *l)
{
    char hash[ID_SHA256_HEX_BYTES];
    if (l->state != LETTER_DRAFT || inbox(req)->n_files >= CAP_SITE_RECORDS) {
        refuse(req, 409, "nothing can be attached to this message");
        return;
    }
    for (const struct site_file *f = req_files(req); f; f = f->next) {
        json_t *file = json_object();
        id_sha256_hex(f->data, f->len, hash);
        json_put(file, "name", json_string_safe(f->name));
        json_put_int(file, "size", (int64_t)f->len);
        json_put_str(file, "sha256", hash);
        site_log(req_site(req), "attach", req_path(req), json_copy(file));
        json_push(l->files, file);
        inbox(req)->n_files++;
    }
    reply_letter(req, l);
}

static void detach(struct site_request *req, struct inbox_letter *l)
{
    json_array_remove(l->files, (size_t)req_arg_int(req, "n", 0, 1000, 1000));
    reply_letter(req, l);
}

static bool is_address(const char *s)
{
    const char *at = strchr(s, '@');
    return at && at > s && strchr(at, '.') && !strpbrk(s, " <>\t");
}

static const char *wrong_address(struct pool *pool, const char *to)
{
    char *save = NULL, *list = pool_strdup(pool, to);
    for (char *a = strtok_r(list, ",", &save); a; a = strtok_r(NULL, ",", &save))
        if (!is_address(a))
            return a;
    return NULL;
}

static void send_letter(struct site_request *req, struct inbox_letter *l)
{
    if (l->state == LETTER_DRAFT)
        take_fields(req, l);
    const char *wrong = wrong_address(req_pool(req), l->to);
    if (l->state != LETTER_DRAFT) {
        refuse(req, 409, "this message was sent already");
    } else if (!*l->to) {
        refuse(req, 422, "Please add a recipient.");
    } else if (wrong) {
        refuse(req, 422, pool_printf(req_pool(req), "\"%s\" is not an address.", wrong));
    } else {
        l->state = LETTER_SENT;
        l->sent_ms = clock_mono_ms();
        site_log(req_site(req), "send", req_path(req),
                 json_pack("{s:i,s:s,s:s}", "id", l->id, "to", l->to, "subject", l->subject));
        req_reply_json(req, 200, json_pack("{s:i,s:i}", "id", l->id, "undo_ms", INBOX_UNDO_MS));
    }
}

static void undo_letter(struct site_request *req, struct inbox_letter *l)
{
    if (l->state != LETTER_SENT || clock_mono_ms() - l->sent_ms > INBOX_UNDO_MS) {
        refuse(req, 409, "it is too late to undo");
        return;
    }
    l->state = LETTER_DRAFT;
    l->undone = true;
    site_log(req_site(req), "undo", req_path(req), json_pack("{s:i}", "id", l->id));
    reply_letter(req, l);
}

static void discard(struct site_request *req, struct inbox_letter *l)
{
    if (l->state == LETTER_DRAFT) {
        l->state = LETTER_DISCARDED;
        site_log(req_site(req), "discard", req_path(req), json_pack("{s:i}", "id", l->id));
    }
    req_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}

void inbox_letter_call(struct site_request *req)
{
    static const struct {
        const char *verb;
        void (*fn)(struct site_request *req, struct inbox_letter *l);
    } calls[] = {{"", save_letter},      {"/files", attach},     {"/detach", detach},
                 {"/send", send_letter}, {"/undo", undo_letter}, {"/discard", discard}};
    char *end;
    struct inbox_letter *l = inbox_letter(inbox(req), (int)strtol(req_rest(req), &end, 10));
    for (size_t i = 0; i < ARRAY_SIZE(calls) && l; i++) {
        if (strcmp(calls[i].verb, end) != 0)
            continue;
        if (req_is_post(req))
            calls[i].fn(req, l);
        else
            reply_letter(req, l);
        return;
    }
    refuse(req, 404, "there is no such message");
}
