/*
 * Signing in takes a password and then a code that "came by telephone": no page shows it, only the
 * control call /__env__/code does, as the person at the telephone would. A code serves once and has
 * three tries; sessions end when /__env__/expire says so.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"
#include "site/crm.h"

#define COOKIE     "tallowmere_session"
#define CODE_TRIES 3
#define HOME       "/customers/"

static json_t *session_of(const struct site_request *req)
{
    const char *token = req_cookie(req, COOKIE);
    return token ? json_object_get(crm_of(req)->sessions, token) : NULL;
}

static bool is_in(const struct site_request *req)
{
    return json_flag(session_of(req), "in", false);
}

const char *crm_let_in(struct site_request *req)
{
    if (is_in(req))
        return CRM_USER;
    const char *ended = req_cookie(req, COOKIE) && !session_of(req) ? "1" : "";
    const char *const args[][2] = {{"next", req_path(req)}, {"ended", ended}};
    req_redirect(req, site_link(req_pool(req), "/login", args, ARRAY_SIZE(args)));
    return NULL;
}

bool crm_let_in_script(struct site_request *req)
{
    if (is_in(req))
        return true;
    req_reply_json(req, 401, json_pack("{s:s}", "detail", "Your session has ended."));
    return false;
}

/* --- the password -------------------------------------------------------------------------- */

/* Where to go afterwards: a path of this site and nothing else. */
static const char *next_of(struct site_request *req)
{
    const char *next = req_arg(req, "next", HOME);
    return next[0] == '/' && next[1] != '/' && !strpbrk(next, "\\\r\n") ? next : HOME;
}

static void reply_login(struct site_request *req, const char *problem)
{
    json_t *view = json_keep(req_pool(req), json_object());
    json_put_bool(view, "soup", crm_of(req)->soup);
    json_put_str(view, "next", next_of(req));
    json_put_str(view, "user", req_arg(req, "user", ""));
    json_put_str(view, "problem", problem);
    json_put_bool(view, "ended", *req_arg(req, "ended", ""));
    req_reply_page(req, 200, "login", view);
}

void crm_show_login(struct site_request *req)
{
    if (is_in(req))
        req_redirect(req, HOME);
    else
        reply_login(req, "");
}

static void give_code(json_t *session)
{
    char hex[9], code[8];
    id_random_hex(4, hex);
    snprintf(code, sizeof(code), "%06lu", strtoul(hex, NULL, 16) % 1000000);
    json_put_str(session, "code", code);
    json_put_int(session, "tries", CODE_TRIES);
}

static void enter(struct site_request *req, json_t *session)
{
    json_put_str(session, "code", "");
    json_put_bool(session, "in", true);
    crm_of(req)->sign_ins++;
    site_log(req_site(req), "sign_in", req_path(req), json_pack("{s:s}", "user", CRM_USER));
    req_redirect(req, json_str(session, "next", HOME));
}

/* The oldest session goes when there are too many: a site that runs for weeks stays small. */
static json_t *session_create(struct crm *crm, const char *next, char token[33])
{
    if (json_object_size(crm->sessions) >= CAP_SITE_SESSIONS)
        json_object_del(crm->sessions, json_object_iter_key(json_object_iter(crm->sessions)));
    id_random_hex(16, token);
    json_put(crm->sessions, token, json_pack("{s:b,s:s}", "in", 0, "next", next));
    return json_object_get(crm->sessions, token);
}

void crm_take_login(struct site_request *req)
{
    char token[33];
    const char *user = req_arg(req, "user", ""), *password = req_arg(req, "password", "");
    if (!str_eq_fold(user, CRM_USER) || strcmp(password, CRM_PASSWORD) != 0) {
        site_log(req_site(req), "password_wrong", req_path(req), json_pack("{s:s}", "user", user));
        reply_login(req, *user && *password ? "The email or the password is incorrect."
                                            : "Enter your email and your password.");
        return;
    }
    json_t *session = session_create(crm_of(req), next_of(req), token);
    site_log(req_site(req), "password_right", req_path(req), NULL);
    if (crm_of(req)->trusting) {
        enter(req, session);
    } else {
        give_code(session);
        req_redirect(req, "/login/code");
    }
    req_add_header(req, "Set-Cookie",
                   pool_printf(req_pool(req), COOKIE "=%s; Path=/; HttpOnly; SameSite=Lax", token));
}

/* --- the code ------------------------------------------------------------------------------ */

static void reply_code(struct site_request *req, const char *problem, bool resent)
{
    json_t *view = json_keep(req_pool(req), json_object()), *boxes = json_array();
    for (int i = 1; i <= 6; i++)
        json_push(boxes, json_integer(i));
    json_put(view, "boxes", boxes);
    json_put_bool(view, "soup", crm_of(req)->soup);
    json_put_str(view, "problem", problem);
    json_put_bool(view, "resent", resent);
    req_reply_page(req, 200, "code", view);
}

/* True while a code is awaited; else the answer says where to go. */
static bool awaits_code(struct site_request *req)
{
    json_t *session = session_of(req);
    if (session && *json_str(session, "code", ""))
        return true;
    req_redirect(req, json_flag(session, "in", false) ? HOME : "/login");
    return false;
}

void crm_show_code(struct site_request *req)
{
    if (awaits_code(req))
        reply_code(req, "", false);
}

void crm_resend(struct site_request *req)
{
    if (!awaits_code(req))
        return;
    give_code(session_of(req));
    site_log(req_site(req), "code_sent_again", req_path(req), NULL);
    reply_code(req, "", true);
}

/* The six boxes of a page of an odd seed come as six values, joined by commas. */
static const char *code_given(struct site_request *req)
{
    char *code = pool_strdup(req_pool(req), req_arg(req, "code", "")), *to = code;
    for (const char *p = code; *p; p++)
        if (!strchr(", -", *p))
            *to++ = *p;
    *to = 0;
    return code;
}

static void refuse_code(struct site_request *req, json_t *session)
{
    int64_t tries = json_int(session, "tries", 0) - 1;
    site_log(req_site(req), "code_wrong", req_path(req), NULL);
    json_put_int(session, "tries", tries);
    if (tries > 0) {
        reply_code(req, "That code is not right. Check it and try again.", false);
        return;
    }
    json_object_del(crm_of(req)->sessions, req_cookie(req, COOKIE));
    reply_login(req, "Too many wrong codes. Sign in again to get a new one.");
}

void crm_take_code(struct site_request *req)
{
    if (!awaits_code(req))
        return;
    json_t *session = session_of(req);
    if (strcmp(code_given(req), json_str(session, "code", "")) != 0) {
        refuse_code(req, session);
        return;
    }
    enter(req, session);
}

void crm_sign_out(struct site_request *req)
{
    if (session_of(req)) {
        json_object_del(crm_of(req)->sessions, req_cookie(req, COOKIE));
        site_log(req_site(req), "sign_out", req_path(req), NULL);
    }
    req_redirect(req, "/login");
    req_add_header(req, "Set-Cookie", COOKIE "=; Path=/; Max-Age=0");
}

/* --- control calls ------------------------------------------------------------------------- */

static void tell_code(struct site_request *req)
{
    const char *code = "", *token;
    json_t *session;
    json_object_foreach (crm_of(req)->sessions, token, session)
        if (*json_str(session, "code", ""))
            code = json_str(session, "code", "");
    if (*code)
        req_reply_json(req, 200, json_pack("{s:s,s:s}", "user", CRM_USER, "code", code));
    else
        req_reply_json(req, 404, json_pack("{s:s}", "detail", "nobody is waiting for a code"));
}

static void tell_login(struct site_request *req)
{
    req_reply_json(req, 200, json_pack("{s:s,s:s}", "user", CRM_USER, "password", CRM_PASSWORD));
}

static void trust(struct site_request *req)
{
    crm_of(req)->trusting = true;
    req_reply_json(req, 200, json_pack("{s:b}", "ok", 1));
}

static void expire(struct site_request *req)
{
    json_int_t n = (json_int_t)json_object_size(crm_of(req)->sessions);
    json_object_clear(crm_of(req)->sessions);
    site_log(req_site(req), "sessions_ended", req_path(req), NULL);
    req_reply_json(req, 200, json_pack("{s:I}", "ended", n));
}

const struct site_route crm_controls[] = {
    {SITE_GET, "/__env__/login", tell_login},
    {SITE_GET, "/__env__/code", tell_code},
    {SITE_POST, "/__env__/trust", trust},
    {SITE_POST, "/__env__/expire", expire},
    {0, NULL, NULL},
};
