/*
 * gateway_call.c - one call as HTTP: who asks, its body, its answer.
 */
#include "sched/gateway_private.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"
#include "base/str.h"
#include "brain/model/transport.h"

#define BEARER "Bearer "

static const struct gateway_route routes[] = {
    {"POST", "/chat/completions", API_OPENAI_CHAT, false, false},
    {"POST", "/messages", API_ANTHROPIC_MESSAGES, false, false},
    {"GET", "/models", 0, true, true},
};

/* --- its answer ------------------------------------------------------------------------------ */

/* Nothing counts it any more. */
static void leave(struct call *c)
{
    turn_leave_line(&c->turn);
    if (c->run) {
        c->run->calls--;
        c->run->bytes -= c->bytes;
        c->run = NULL;
    }
    buf_release(&c->body);
}

void call_answer(struct call *c, int status, const char *type, const char *body, size_t len)
{
    c->status = status;
    c->type = type;
    c->reply = body;
    c->reply_len = len;
    c->stage = CALL_OVER;
    leave(c);
    httpd_release(&c->hold);
}

void call_fail(struct call *c, const struct err *err)
{
    json_t *body =
        json_keep(c->pool, json_pack("{s:{s:s,s:o}}", "error", "type", err_name(err->code),
                                     "message", json_string_safe(err->msg)));
    const char *text = json_text(c->pool, body);
    call_answer(c, err_http_status(err->code), "application/json", text, strlen(text));
}

static void add_headers(struct call *c, struct MHD_Response *response)
{
    char number[32];
    if (c->type)
        MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, c->type);
    if (c->retry_after_s > 0) {
        snprintf(number, sizeof(number), "%d", c->retry_after_s);
        MHD_add_response_header(response, MHD_HTTP_HEADER_RETRY_AFTER, number);
    }
    if (c->seconds > 0) {
        snprintf(number, sizeof(number), "%.3f", c->seconds);
        MHD_add_response_header(response, TRANSPORT_SECONDS_HEADER, number);
    }
}

static enum MHD_Result send_answer(struct call *c)
{
    if (!c->status)
        return MHD_NO;
    struct MHD_Response *response =
        MHD_create_response_from_buffer(c->reply_len, (void *)c->reply, MHD_RESPMEM_PERSISTENT);
    if (!response)
        return MHD_NO;
    add_headers(c, response);
    enum MHD_Result queued = MHD_queue_response(c->connection, (unsigned)c->status, response);
    MHD_destroy_response(response);
    return queued;
}

/* --- who asks -------------------------------------------------------------------------------- */

bool gateway_peer(struct MHD_Connection *connection, struct ucred *out)
{
    socklen_t len = sizeof(*out);
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, out, &len) == 0;
}

static int know_run(struct call *c, struct err *err)
{
    const char *given =
        MHD_lookup_connection_value(c->connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    struct ucred who;
    c->run = given && str_starts(given, BEARER) && gateway_peer(c->connection, &who)
                 ? gateway_find(c->gateway, given + strlen(BEARER), who.uid)
                 : NULL;
    return c->run ? 0 : err_set(err, E_UNAUTHORIZED, "no attempt of a run has this credential");
}

/* "/holo3/chat/completions": profile and what is asked. */
static int find_route(struct call *c, const char *method, const char *url, struct err *err)
{
    const char *path = *url == '/' ? strchr(url + 1, '/') : NULL;
    for (size_t i = 0; path && i < ARRAY_SIZE(routes); i++)
        if (!strcmp(routes[i].path, path) && !strcmp(routes[i].method, method)) {
            c->route = &routes[i];
            c->up.name = pool_strndup(c->pool, url + 1, (size_t)(path - url - 1));
            return 0;
        }
    return err_set(err, E_NOT_FOUND,
                   "the gateway takes POST /<profile>/chat/completions and /messages, and GET "
                   "/<profile>/models");
}

static int find_room(struct call *c, struct err *err)
{
    if (c->run->calls <= CAP_GATEWAY_RUN_CALLS && c->run->bytes < CAP_GATEWAY_RUN_BYTES)
        return 0;
    c->retry_after_s = 1;
    return err_set(err, E_RATE_LIMITED, "the run has too many calls under way");
}

static int admit(struct call *c, const char *method, const char *url, struct err *err)
{
    int r = know_run(c, err);
    if (r)
        return r;
    c->run->calls++;
    r = find_route(c, method, url, err);
    r = r ? r : find_room(c, err);
    r = r ? r : upstream_find(c->gateway, c->pool, c->run, c->up.name, &c->up, err);
    if (!r && !c->route->any_api && c->route->api != c->up.profile->api)
        r = err_set(err, E_INVALID, "the model '%s' is asked otherwise: see api in its profile",
                    c->up.name);
    return r;
}

/* --- its life -------------------------------------------------------------------------------- */

/* The answer is kept until the body is out of the way. */
static void refuse(struct call *c, const struct err *err)
{
    call_fail(c, err);
    c->stage = CALL_REFUSED;
}

static enum MHD_Result create(struct gateway *g, struct MHD_Connection *connection,
                              const char *method, const char *url, void **con_cls)
{
    struct pool *pool = pool_create(NULL);
    struct call *c = pool_alloc(pool, sizeof(*c));
    struct err err = {0};
    *c = (struct call){.gateway = g,
                       .pool = pool,
                       .connection = connection,
                       .cost = {.model = ""},
                       .next = g->calls,
                       .link = &g->calls};
    if (c->next)
        c->next->link = &c->next;
    g->calls = c;
    buf_init(&c->body, CAP_GATEWAY_BODY_BYTES);
    *con_cls = c;
    if (admit(c, method, url, &err))
        refuse(c, &err);
    return MHD_YES;
}

static enum MHD_Result take_body(struct call *c, const char *data, size_t len)
{
    struct err err = {0};
    if (c->stage == CALL_BODY && c->run->bytes + len > CAP_GATEWAY_RUN_BYTES) {
        c->retry_after_s = 1;
        err_set(&err, E_RATE_LIMITED, "the calls of the run that wait hold too much");
        refuse(c, &err);
    } else if (c->stage == CALL_BODY && buf_add(&c->body, data, len)) {
        err_set(&err, E_TOOBIG, "the call is larger than %u bytes: fewer or smaller frames",
                CAP_GATEWAY_BODY_BYTES);
        refuse(c, &err);
    }
    if (c->stage == CALL_BODY) {
        c->bytes += len;
        c->run->bytes += len;
    } else {
        c->discarded += len;
    }
    return c->discarded > CAP_GATEWAY_BODY_BYTES ? MHD_NO : MHD_YES;
}

static void on_hangup(void *arg)
{
    struct call *c = arg;
    call_stop(c);
    call_answer(c, 0, NULL, NULL, 0);
}

static enum MHD_Result go_on(struct call *c)
{
    if (c->stage == CALL_BODY) {
        httpd_watch(&c->gateway->httpd, c->connection, &c->hold, on_hangup, c);
        httpd_hold_after(&c->hold);
        call_begin(c);
    }
    return c->hold.httpd ? MHD_YES : send_answer(c);
}

enum MHD_Result gateway_turn(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **con_cls)
{
    struct call *c = *con_cls;
    if (!c)
        return create(cls, connection, method, url, con_cls);
    if (*size) {
        size_t len = *size;
        *size = 0;
        return take_body(c, data, len);
    }
    return go_on(c);
}

void gateway_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode why)
{
    struct call *c = *con_cls;
    if (!c)
        return;
    call_stop(c);
    leave(c);
    httpd_release(&c->hold);
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    pool_destroy(c->pool);
}
