/*
 * conn.c - deadlines of a connection that bytes trickling in do not move.
 *
 * libmicrohttpd's own timeout starts anew with every byte, so a peer that sends one header byte now
 * and then would hold its slot for ever. Each wait for the peer has one allowance, counted from its
 * start; when it is over the socket is shut down, which the daemon sees as the peer's end.
 *
 * Nor does it notice a peer's end that came in one piece with its last request: that is looked for
 * a moment after the answer.
 */
#include "api/request.h"

#include <stdlib.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "base/clock.h"

static const int allowance_s[CONN_N_WAITS] = {
    [CONN_FIRST_HEADERS] = CAP_HTTP_HEADER_S,
    [CONN_ANSWERED] = 1,
    [CONN_NEXT_HEADERS] = CAP_HTTP_IDLE_S,
    [CONN_BODY] = CAP_HTTP_BODY_S,
};

static void unlink_conn(struct conn *c)
{
    struct conn_list *list = c->list;
    if (!list)
        return;
    *(c->prev ? &c->prev->next : &list->first) = c->next;
    *(c->next ? &c->next->prev : &list->last) = c->prev;
    c->prev = c->next = NULL;
    c->list = NULL;
}

static void link_last(struct conn_list *list, struct conn *c)
{
    c->list = list;
    c->prev = list->last;
    *(list->last ? &list->last->next : &list->first) = c;
    list->last = c;
}

static void arm(struct api *api);
static void expect(struct api *api, struct conn *c, enum conn_wait wait);

static bool peer_sends_no_more(const struct conn *c)
{
    char byte;
    return recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

static void cut_overdue(void *arg)
{
    struct api *api = arg;
    int64_t now = clock_mono_ms();
    for (int i = 0; i < CONN_N_WAITS; i++) {
        struct conn *c;
        while ((c = api->waits[i].first) && c->deadline_mono_ms <= now) {
            unlink_conn(c);
            if (i == CONN_ANSWERED && !peer_sends_no_more(c))
                expect(api, c, CONN_NEXT_HEADERS);
            else
                shutdown(c->fd, SHUT_RDWR);
        }
    }
    arm(api);
}

/* Once a second while anybody is waited for: the allowances are tens of seconds. */
static void arm(struct api *api)
{
    for (int i = 0; i < CONN_N_WAITS; i++)
        if (api->waits[i].first && !api->waits_timer.loop)
            loop_timer_set(api->loop, &api->waits_timer, 1000, cut_overdue, api);
}

static void expect(struct api *api, struct conn *c, enum conn_wait wait)
{
    unlink_conn(c);
    if (wait >= CONN_N_WAITS)
        return;
    c->deadline_mono_ms = clock_mono_ms() + 1000 * (int64_t)allowance_s[wait];
    link_last(&api->waits[wait], c);
    arm(api);
}

void conn_expect(struct api *api, struct MHD_Connection *connection, enum conn_wait wait)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    if (info && info->socket_context)
        expect(api, info->socket_context, wait);
}

void conn_notify(void *cls, struct MHD_Connection *connection, void **socket_context,
                 enum MHD_ConnectionNotificationCode code)
{
    struct api *api = cls;
    struct conn *c = *socket_context;
    if (code == MHD_CONNECTION_NOTIFY_CLOSED) {
        if (c)
            unlink_conn(c);
        free(c);
        *socket_context = NULL;
        return;
    }
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    c = calloc(1, sizeof(*c));
    if (!c || !info)
        BUG("a new connection has no descriptor or there is no memory");
    c->fd = info->connect_fd;
    *socket_context = c;
    expect(api, c, CONN_FIRST_HEADERS);
}
