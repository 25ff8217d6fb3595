/*
 * What changes a customer: the scripts of the pages post here and get JSON. Nothing here guards
 * against the same thing asked twice, as most real sites do not: the change log then has two
 * entries.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "site/crm.h"

#define SAVE_DELAY_MS 200
#define NOTE_MAX      1000

/* --- what a field may hold: a complaint, or NULL ------------------------------------------------
 */

static const char *check_line(const char *s)
{
    return strlen(s) > 80 ? "Use at most 80 characters." : NULL;
}

static const char *check_email(const char *s)
{
    const char *at = strchr(s, '@'), *dot = at ? strchr(at, '.') : NULL;
    bool good = at && at > s && dot && dot > at + 1 && dot[1] && !strpbrk(s, " \t\r\n,;<>");
    return good ? check_line(s) : "Enter an email address like name@company.com.";
}

static const char *check_phone(const char *s)
{
    int digits = 0;
    for (const char *p = s; *p; p++)
        digits += *p >= '0' && *p <= '9';
    bool good = digits >= 7 && digits <= 15 && strspn(s, "0123456789+-(). ") == strlen(s);
    return good ? NULL : "Enter a phone number with 7 to 15 digits.";
}

static const char *check_listed(const char *s, const char *const *list)
{
    for (; *list; list++)
        if (strcmp(*list, s) == 0)
            return NULL;
    return "Choose one of the list.";
}

static const char *check_status(const char *s)
{
    return check_listed(s, crm_statuses);
}

static const char *check_owner(const char *s)
{
    return check_listed(s, crm_owners);
}

static const char *check_date(const char *s)
{
    static const int days[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int y, m, d;
    char more;
    bool good = sscanf(s, "%4d-%2d-%2d%c", &y, &m, &d, &more) == 3 && y >= 2000 && y <= 2035 &&
                m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] && (m != 2 || d < 29 || y % 4 == 0);
    return good ? NULL : "Enter a date between 2000 and 2035.";
}

static const char *check_about(const char *s)
{
    return strlen(s) > 500 ? "Use at most 500 characters." : NULL;
}

static const struct field {
    const char *name;
    const char *missing; /* what to say when it is empty; NULL: may be empty */
    const char *(*check)(const char *value);
} fields[] = {
    {"name", "Enter a name.", check_line},
    {"company", "Enter a company.", check_line},
    {"email", "Enter an email address.", check_email},
    {"phone", "Enter a phone number.", check_phone},
    {"status", "Choose a status.", check_status},
    {"owner", "Choose an owner.", check_owner},
    {"since", "Enter a date.", check_date},
    {"about", NULL, check_about},
};

/* The form's value as it is kept: squashed, and 03/31/2024 as 2024-03-31. */
static const char *value_of(struct site_request *req, const struct field *f)
{
    int m, d, y;
    char more;
    const char *s = req_arg(req, f->name, "");
    if (f->check == check_about)
        return s;
    s = str_squash(req_pool(req), s);
    if (f->check == check_date && sscanf(s, "%2d/%2d/%4d%c", &m, &d, &y, &more) == 3)
        return pool_printf(req_pool(req), "%04d-%02d-%02d", y, m, d);
    return s;
}

/* {field: complaint}, empty when all is well. */
static json_t *complaints(struct site_request *req)
{
    json_t *list = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *value = value_of(req, &fields[i]),
                   *bad = *value ? fields[i].check(value) : fields[i].missing;
        if (bad)
            json_put_str(list, fields[i].name, bad);
    }
    return list;
}

/* --- answers ------------------------------------------------------------------------------- */

static void reply_done(struct site_request *req, const char *toast, json_t *more)
{
    json_t *answer = more ? more : json_object();
    json_put_bool(answer, "ok", true);
    json_put_str(answer, "toast", toast);
    req_reply_json(req, 200, answer);
    req_delay(req, SAVE_DELAY_MS);
}

static void reply_bad(struct site_request *req, json_t *errors)
{
    req_reply_json(req, 422, json_pack("{s:b,s:o}", "ok", 0, "errors", errors));
    req_delay(req, SAVE_DELAY_MS);
}

static void reply_problem(struct site_request *req, int status, const char *detail)
{
    req_reply_json(req, status, json_pack("{s:b,s:s}", "ok", 0, "detail", detail));
}

/* --- one customer -------------------------------------------------------------------------- */

/* Set what the form says; {field: {from, to}} of what is different now. */
static json_t *take_fields(struct site_request *req, json_t *c)
{
    json_t *changed = json_object();
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        const char *name = fields[i].name, *to = value_of(req, &fields[i]),
                   *from = json_str(c, name, "");
        if (strcmp(from, to) == 0)
            continue;
        json_put(changed, name, json_pack("{s:s,s:o}", "from", from, "to", json_string_safe(to)));
        json_put(c, name, json_string_safe(to));
    }
    bool was = json_flag(c, "newsletter", false), is = *req_arg(req, "newsletter", "");
    if (was != is)
        json_put(changed, "newsletter", json_pack("{s:b,s:b}", "from", was, "to", is));
    json_put_bool(c, "newsletter", is);
    return changed;
}

static void save(struct site_request *req, json_t *c)
{
    json_t *bad = complaints(req);
    if (json_object_size(bad)) {
        reply_bad(req, bad);
        return;
    }
    json_decref(bad);
    json_t *changed = take_fields(req, c);
    site_log(req_site(req), "save", req_path(req),
             json_pack("{s:I,s:o}", "id", (json_int_t)json_int(c, "id", 0), "changed", changed));
    reply_done(req, "Changes saved", NULL);
}

static json_t *id_of(const json_t *c)
{
    return json_pack("{s:I}", "id", (json_int_t)json_int(c, "id", 0));
}

static void add_note(struct site_request *req, json_t *c)
{
    char today[CLOCK_ISO_BYTES];
    json_t *notes = json_object_get(c, "notes"), *detail = id_of(c);
    const char *text = str_squash(req_pool(req), req_arg(req, "text", ""));
    if (!*text || strlen(text) > NOTE_MAX || json_array_size(notes) >= CAP_SITE_RECORDS) {
        json_decref(detail);
        reply_bad(req, json_pack("{s:s}", "text",
                                 *text ? "This note does not fit." : "Write a note first."));
        return;
    }
    clock_iso(clock_wall_us(), today);
    today[10] = 0;
    json_t *note = json_pack("{s:o,s:s,s:s}", "text", json_string_safe(text), "by", crm_owners[0],
                             "on", today);
    json_push(notes, note);
    json_put_str(detail, "text", json_str(note, "text", ""));
    site_log(req_site(req), "note", req_path(req), detail);
    reply_done(req, "Note added", json_pack("{s:O}", "note", note));
}

static void archive(struct site_request *req, json_t *c)
{
    json_put_bool(c, "archived", true);
    site_log(req_site(req), "archive", req_path(req), id_of(c));
    reply_done(req, "Customer archived", NULL);
}

static void restore(struct site_request *req, json_t *c)
{
    json_put_bool(c, "archived", false);
    site_log(req_site(req), "restore", req_path(req), id_of(c));
    reply_done(req, "Customer restored", NULL);
}

static void delete (struct site_request *req, json_t *c)
{
    json_put_bool(c, "deleted", true);
    site_log(req_site(req), "delete", req_path(req), id_of(c));
    reply_done(req, "Customer deleted", json_pack("{s:s}", "go", "/customers/?done=deleted"));
}

/* /api/customers/<id>/<verb> */
void crm_change(struct site_request *req)
{
    static const struct {
        const char *verb;
        void (*fn)(struct site_request *, json_t *);
    } verbs[] = {{"/save", save},
                 {"/notes", add_note},
                 {"/archive", archive},
                 {"/restore", restore},
                 {"/delete", delete}};
    const char *rest;
    json_t *c = crm_find(crm_of(req), req_rest(req), &rest);
    if (!crm_let_in_script(req))
        return;
    for (size_t i = 0; c && i < ARRAY_SIZE(verbs); i++) {
        if (strcmp(verbs[i].verb, rest) == 0) {
            verbs[i].fn(req, c);
            return;
        }
    }
    reply_problem(req, 404, "There is no such customer.");
}

void crm_create_one(struct site_request *req)
{
    struct crm *crm = crm_of(req);
    if (!crm_let_in_script(req))
        return;
    if (json_array_size(crm->customers) >= CAP_SITE_RECORDS) {
        reply_problem(req, 409, "There is no room for more customers.");
        return;
    }
    json_t *bad = complaints(req);
    if (json_object_size(bad)) {
        reply_bad(req, bad);
        return;
    }
    json_decref(bad);
    json_t *c = crm_add(crm, json_pack("{s:b,s:b,s:b,s:i,s:[]}", "newsletter", 0, "archived", 0,
                                       "deleted", 0, "revenue", 0, "notes"));
    json_decref(take_fields(req, c));
    site_log(req_site(req), "create", req_path(req), json_deep_copy(c));
    reply_done(req, "Customer created",
               json_pack("{s:s}", "go",
                         pool_printf(req_pool(req), "/customers/%lld/?done=created",
                                     (long long)json_int(c, "id", 0))));
}

/* --- several at once ----------------------------------------------------------------------- */

static int bulk_one(struct site_request *req, json_t *c, const char *action, const char *status)
{
    if (strcmp(action, "delete") == 0)
        json_put_bool(c, "deleted", true);
    else if (strcmp(json_str(c, "status", ""), status) == 0)
        return 0;
    else
        json_put_str(c, "status", status);
    return 1;
}

/* ids=4,8,15 and action=delete, or action=status with status=. */
void crm_bulk(struct site_request *req)
{
    const char *action = req_arg(req, "action", ""), *status = req_arg(req, "status", ""), *rest;
    bool deletes = strcmp(action, "delete") == 0;
    int n = 0;
    if (!crm_let_in_script(req))
        return;
    if (!deletes && (strcmp(action, "status") != 0 || check_status(status))) {
        reply_problem(req, 422, "Choose a status first.");
        return;
    }
    const char *at = req_arg(req, "ids", "");
    while (*at) {
        json_t *c = crm_find(crm_of(req), at, &rest);
        n += c ? bulk_one(req, c, action, status) : 0;
        at += strcspn(at, ",");
        at += *at == ',';
    }
    site_log(req_site(req), deletes ? "bulk_delete" : "bulk_status", req_path(req),
             json_pack("{s:s,s:s,s:i}", "ids", req_arg(req, "ids", ""), "status", status, "n", n));
    reply_done(req,
               pool_printf(req_pool(req), "%d %s %s", n, n == 1 ? "customer" : "customers",
                           deletes ? "deleted" : "updated"),
               NULL);
}
