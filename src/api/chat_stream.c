/*
 * chat_stream.c - the model server's event stream, to the caller as it comes and as it is.
 *
 * What came and was not taken yet is held. Once that is CAP_CHAT_STREAM_BYTES nothing more is taken
 * from the model server until the caller took it all, so a slow caller slows the model down and
 * fills nothing; one that does not take it in time is cut, because a slot of the model server waits with it:
 * soon when other tenants wait for that slot. A stream whose model server breaks off, falls silent or takes too long ends
 * without the end that HTTP has for it: a client must not take a part for the whole.
 */
#include "api/chat.h"

#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "base/clock.h"

#define EVENT_STREAM "text/event-stream"

bool chat_is_stream(int status, const char *type)
{
    return status == MHD_HTTP_OK && strncasecmp(type, EVENT_STREAM, strlen(EVENT_STREAM)) == 0;
}

/* The peer sees the end of the connection, and the daemon that nothing can be sent. Told of an
 * error by pull() instead, its epoll mode forgets the connection until older ones are gone. */
static void cut(struct chat *c)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(c->req->connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct log_ctx ctx = request_log_ctx(c->req, NULL);
    if (c->cut)
        return;
    c->cut = true;
    chat_count(c, "upstream_error");
    log_msg(c->result == E_GONE ? LOG_DEBUG : LOG_WARNING, "mantis.server", &ctx,
            "chat stream cut after %zu bytes: %s", c->passed, c->err.msg);
    shutdown(info->connect_fd, SHUT_RDWR);
}

/* --- time ------------------------------------------------------------------------------------ */

static void too_quiet(void *arg)
{
    struct chat *c = arg;
    struct err err = {0};
    err_set(&err, E_TIMEOUT, "the model server sent nothing for %g s",
            c->req->api->chat_ms / 1000.0);
    chat_break_off(c, &err);
}

static void listen_again(struct chat *c)
{
    if (!c->over)
        loop_timer_set(c->req->api->loop, &c->quiet, c->req->api->chat_ms, too_quiet, c);
}

/* The slot that the caller keeps is somebody's. */
static void look_at_reader(void *arg)
{
    struct chat *c = arg;
    const struct api *api = c->req->api;
    bool crowded = c->ticket && gateway_crowded(c->ticket);
    int most_ms = crowded ? api->chat_crowded_ms : api->chat_unread_ms;
    struct err err = {0};
    if (clock_mono_ms() - c->paused_mono_ms < most_ms) {
        loop_timer_set(api->loop, &c->quiet, api->chat_crowded_ms, look_at_reader, c);
        return;
    }
    err_set(&err, E_TIMEOUT, "the caller did not read for %g s%s", most_ms / 1000.0,
            crowded ? ", and calls of other tenants wait for its slot" : "");
    chat_count_status(c, c->status); /* the model server did nothing wrong */
    chat_break_off(c, &err);
    cut(c);
}

static void wait_for_reader(struct chat *c)
{
    c->paused_mono_ms = clock_mono_ms();
    loop_timer_set(c->req->api->loop, &c->quiet, c->req->api->chat_crowded_ms, look_at_reader, c);
}

static bool is_revoked(struct chat *c)
{
    uint64_t generation = tenants_generation(c->req->api->tenants);
    bool same = generation == c->tokens_seen;
    c->tokens_seen = generation;
    return !same && !request_may_go_on(c->req, c->token_sha256);
}

static void look(void *arg);

static void look_later(struct chat *c)
{
    const struct api *api = c->req->api;
    int64_t left = c->until_mono_ms - clock_mono_ms();
    loop_timer_set(api->loop, &c->look, left < api->token_ms ? left : api->token_ms, look, c);
}

/* Is it open for too long, or its token in force no more? Also when all of it is there and a caller
 * takes it byte by byte. */
static void look(void *arg)
{
    struct chat *c = arg;
    struct err err = {0};
    if (clock_mono_ms() >= c->until_mono_ms && c->short_time)
        chat_no_money(&err);
    else if (clock_mono_ms() >= c->until_mono_ms)
        err_set(&err, E_TIMEOUT, "it was open for %g s", c->req->api->chat_stream_ms / 1000.0);
    else if (is_revoked(c))
        err_set(&err, E_FORBIDDEN, "the token is in force no more");
    if (!err.code) {
        look_later(c);
        return;
    }
    if (err.code != E_TIMEOUT) /* the model server did nothing wrong */
        chat_count_status(c, c->status);
    chat_break_off(c, &err);
    cut(c);
}

/* --- bytes ----------------------------------------------------------------------------------- */

void chat_stream_grew(struct chat *c)
{
    bool before = c->paused;
    c->paused = c->in.len >= CAP_CHAT_STREAM_BYTES;
    if (c->paused)
        httpc_pause(c->exchange, true);
    if (!c->paused)
        listen_again(c);
    else if (!before)
        wait_for_reader(c);
    httpd_wake(&c->hold);
}

/* May fill it again at once. */
static void empty(struct chat *c)
{
    buf_clear(&c->in);
    c->taken = 0;
    if (!c->paused || !c->exchange)
        return;
    c->paused = false;
    listen_again(c);
    httpc_pause(c->exchange, false);
}

static size_t take(struct chat *c, char *out, size_t max)
{
    size_t left = c->in.len - c->taken, n = left < max ? left : max;
    if (n)
        memcpy(out, c->in.data + c->taken, n);
    c->taken += n;
    c->passed += n;
    if (c->taken == c->in.len)
        empty(c);
    return n;
}

static ssize_t pull(void *arg, uint64_t pos, char *out, size_t max)
{
    struct chat *c = arg;
    size_t n = c->cut ? 0 : take(c, out, max);
    if (n)
        return (ssize_t)n;
    if (c->over) {
        if (c->result)
            cut(c);
        return MHD_CONTENT_READER_END_OF_STREAM;
    }
    httpd_hold(&c->hold);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------ */

/* One that only sends no more gets no whole stream either, so it is not told that this is one. */
static void on_hangup(void *arg)
{
    struct chat *c = arg;
    struct err err = {0};
    if (c->over && !c->result) /* what is left of it may still be read */
        return;
    chat_count_status(c, c->status);
    err_set(&err, E_GONE, "the caller left");
    chat_break_off(c, &err);
    cut(c);
}

int chat_stream_open(struct chat *c)
{
    struct api *api = c->req->api;
    c->next = api->chats;
    c->link = &api->chats;
    if (c->next)
        c->next->link = &c->next;
    api->chats = c;
    int ms = c->ticket ? gateway_prolong(c->ticket, api->chat_stream_ms) : api->chat_stream_ms;
    c->short_time = ms < api->chat_stream_ms;
    c->until_mono_ms = clock_mono_ms() + ms;
    c->tokens_seen = tenants_generation(api->tenants);
    request_token_sha256(c->req, c->token_sha256);
    look_later(c);
    if (!c->paused)
        listen_again(c);
    httpd_watch(&api->httpd, c->req->connection, &c->hold, on_hangup, c);
    return respond_stream(c->req, c->type, pull, c);
}

void chat_stream_over(struct chat *c)
{
    if (!c->result)
        chat_count_status(c, c->status);
    httpd_wake(&c->hold);
}

void chat_stream_close(struct chat *c)
{
    loop_timer_clear(&c->quiet);
    loop_timer_clear(&c->look);
    httpd_release(&c->hold);
    if (!c->link)
        return;
    *c->link = c->next;
    if (c->next)
        c->next->link = c->link;
    c->link = NULL;
}

void chats_end(struct api *api)
{
    struct err err = {0};
    err_set(&err, E_UNAVAILABLE, "the server stops");
    for (struct chat *c = api->chats; c; c = c->next) {
        chat_break_off(c, &err);
        cut(c);
        httpd_release(&c->hold);
    }
}
