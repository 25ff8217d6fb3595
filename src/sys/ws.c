#include "sys/ws.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <wslay/wslay.h>

#include "base/caps.h"

#define GUID           "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 section 1.3 */
#define WS_QUEUE_BYTES (64u << 10)
#define UNSENT_BYTES   (128 << 10) /* in the kernel: what a slow viewer is behind by */
#define PING_MS        20000
#define SILENT_PINGS   3 /* unanswered in a row: nobody is there */
#define TURN_BYTES     (64 * 1024) /* read in one turn of the loop: others wait for theirs */
#define QUEUE_MESSAGES 256 /* not sent yet, empty ones too: no more is read from who does not read */

struct ws {
    struct loop *loop;
    struct loop_fd *watch;
    int fd;
    wslay_event_context_ptr wslay;
    struct ws_events events;
    void *arg;
    const uint8_t *early; /* copied; read before the socket */
    uint8_t *early_owned;
    size_t early_len;
    bool blocked;   /* the socket took less than it was given */
    bool closing;   /* a goodbye follows what is queued, or was said */
    int code;       /* of a goodbye that is to follow; 0 none */
    char reason[64];
    bool lost;      /* the socket failed, or its peer went */
    bool broken;    /* no more is read or written */
    bool told;      /* closed() was called */
    bool was_busy;  /* something was queued since idle() was called last */
    bool calling;   /* inside a callback */
    bool destroyed; /* within one */
    size_t budget;  /* bytes that this turn may still read */
    int silent;     /* pings since the last sign of life */
    struct loop_timer ping, end;
};

int ws_accept(const char *key, char out[WS_ACCEPT_BYTES])
{
    unsigned char raw[24], md[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    char text[24 + sizeof(GUID)];
    if (!key || strlen(key) != 24 || EVP_DecodeBlock(raw, (const unsigned char *)key, 24) != 18 ||
        strcmp(key + 22, "=="))
        return E_INVALID;
    memcpy(text, key, 24);
    memcpy(text + 24, GUID, sizeof(GUID));
    if (!EVP_Digest(text, strlen(text), md, &len, EVP_sha1(), NULL))
        BUG("SHA-1 failed");
    EVP_EncodeBlock((unsigned char *)out, md, (int)len);
    return 0;
}

/* --- wslay's side ------------------------------------------------------------------------------ */

static ssize_t take_early(struct ws *ws, uint8_t *buf, size_t len)
{
    size_t n = ws->early_len < len ? ws->early_len : len;
    memcpy(buf, ws->early, n);
    ws->early += n;
    ws->early_len -= n;
    return (ssize_t)n;
}

static ssize_t on_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags, void *arg)
{
    struct ws *ws = arg;
    ssize_t n;
    if (ws->early_len)
        return take_early(ws, buf, len);
    len = len < ws->budget ? len : ws->budget;
    do
        n = len ? recv(ws->fd, buf, len, MSG_DONTWAIT) : -1;
    while (len && n < 0 && errno == EINTR);
    if (n > 0) {
        ws->silent = 0;
        ws->budget -= (size_t)n;
        return n;
    }
    ws->lost = len && !(n < 0 && errno == EAGAIN);
    wslay_event_set_error(ctx, ws->lost ? WSLAY_ERR_CALLBACK_FAILURE : WSLAY_ERR_WOULDBLOCK);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr ctx, const uint8_t *data, size_t len, int flags, void *arg)
{
    struct ws *ws = arg;
    ssize_t n;
    do
        n = send(ws->fd, data, len,
                 MSG_NOSIGNAL | MSG_DONTWAIT | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    if (n >= 0) {
        ws->blocked = (size_t)n < len;
        return n;
    }
    ws->blocked = errno == EAGAIN;
    wslay_event_set_error(ctx, ws->blocked ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static void on_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *msg,
                       void *arg)
{
    struct ws *ws = arg;
    if (msg->opcode == WSLAY_TEXT_FRAME && !ws->closing && !ws->destroyed)
        ws->events.text(ws->arg, (const char *)msg->msg, msg->msg_length);
}

/* What wslay lets pass: a binary message, at its first part already, and half a close code. */
static void on_frame(wslay_event_context_ptr ctx, const struct wslay_event_on_frame_recv_start_arg *frame, void *arg)
{
    struct ws *ws = arg;
    bool binary = frame->opcode == WSLAY_BINARY_FRAME;
    bool half = frame->opcode == WSLAY_CONNECTION_CLOSE && frame->payload_length == 1;
    const char *reason = binary ? "binary messages are not understood" : "half a close code";
    uint16_t code = binary ? WSLAY_CODE_UNSUPPORTED_DATA : WSLAY_CODE_PROTOCOL_ERROR;
    if ((!binary && !half) || wslay_event_queue_close(ctx, code, (const uint8_t *)reason, strlen(reason)))
        return;
    ws->closing = true;
    wslay_event_shutdown_read(ctx);
}

/* --- turning ----------------------------------------------------------------------------------- */

static void release(struct ws *ws)
{
    loop_fd_remove(ws->watch);
    loop_timer_clear(&ws->ping);
    loop_timer_clear(&ws->end);
    wslay_event_context_free(ws->wslay);
    free(ws->early_owned);
    free(ws);
}

static void break_off(struct ws *ws)
{
    ws->broken = true;
    loop_fd_remove(ws->watch);
    ws->watch = NULL;
    loop_timer_clear(&ws->ping);
    loop_timer_clear(&ws->end);
}

static bool is_over(const struct ws *ws)
{
    return wslay_event_get_close_sent(ws->wslay) && wslay_event_get_close_received(ws->wslay);
}

static void on_end(void *arg);

/* What is no frame at all is an error of wslay's, which has nothing to tell the peer. Nothing may be half sent. */
static void say_protocol_error(struct ws *ws)
{
    static const uint8_t close_1002[] = {0x88, 2, WSLAY_CODE_PROTOCOL_ERROR >> 8, WSLAY_CODE_PROTOCOL_ERROR & 0xff};
    if (!ws->lost && !ws->blocked && !wslay_event_get_close_sent(ws->wslay))
        send(ws->fd, close_1002, sizeof(close_1002), MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* wslay sends a close before what was queued earlier, and nothing after it. */
static int send_all(struct ws *ws)
{
    int r = wslay_event_send(ws->wslay);
    if (r || !ws->code || ws->blocked || wslay_event_want_write(ws->wslay))
        return r;
    wslay_event_queue_close(ws->wslay, (uint16_t)ws->code, (const uint8_t *)ws->reason, strlen(ws->reason));
    ws->code = 0;
    return wslay_event_send(ws->wslay);
}

/* A peer that broke the protocol was told so; what else it sends is not looked at, and would keep the
 * descriptor readable. */
static void wait_for_end(struct ws *ws)
{
    if (!wslay_event_get_close_sent(ws->wslay))
        return;
    if (!ws->end.loop)
        loop_timer_set(ws->loop, &ws->end, WS_CLOSE_MS, on_end, ws);
    if (wslay_event_want_read(ws->wslay))
        return;
    loop_fd_remove(ws->watch);
    ws->watch = NULL;
}

static void watch_for(struct ws *ws)
{
    bool full = ws->blocked && (wslay_event_get_queued_msg_length(ws->wslay) > WS_QUEUE_BYTES ||
                                wslay_event_get_queued_msg_count(ws->wslay) > QUEUE_MESSAGES);
    bool writes = wslay_event_want_write(ws->wslay) || ws->blocked || ws->code;
    if (ws->watch)
        loop_fd_events(ws->watch, (full ? 0 : EPOLLIN) | (writes ? EPOLLOUT : 0));
}

bool ws_is_idle(const struct ws *ws)
{
    return !ws->broken && !ws->closing && !ws->blocked && !wslay_event_want_write(ws->wslay);
}

/* Callbacks are called with `calling` set, so that one that destroys us leaves us standing. */
static void turn(struct ws *ws, uint32_t events)
{
    ws->calling = true;
    ws->budget = TURN_BYTES;
    if (events & EPOLLOUT)
        ws->blocked = false;
    if (!ws->broken && (events & ~(uint32_t)EPOLLOUT) && wslay_event_recv(ws->wslay)) {
        say_protocol_error(ws);
        break_off(ws);
    }
    if (!ws->broken && !ws->destroyed && send_all(ws))
        break_off(ws);
    if (!ws->broken && !ws->destroyed && is_over(ws))
        break_off(ws);
    if (!ws->destroyed && ws->was_busy && ws_is_idle(ws)) {
        ws->was_busy = false;
        ws->events.idle(ws->arg);
    }
    if (!ws->destroyed && ws->broken && !ws->told) {
        ws->told = true;
        ws->events.closed(ws->arg);
    }
    ws->calling = false;
    if (ws->destroyed) {
        release(ws);
        return;
    }
    if (!ws->broken)
        wait_for_end(ws);
    watch_for(ws);
}

static void on_ready(void *arg, uint32_t events)
{
    turn(arg, events);
}

static void on_end(void *arg)
{
    struct ws *ws = arg;
    break_off(ws);
    turn(ws, 0);
}

static void on_ping(void *arg)
{
    struct ws *ws = arg;
    static const struct wslay_event_msg ping = {.opcode = WSLAY_PING};
    if (ws->silent++ >= SILENT_PINGS) {
        on_end(ws);
        return;
    }
    loop_timer_set(ws->loop, &ws->ping, PING_MS, on_ping, ws);
    if (!wslay_event_queue_msg(ws->wslay, &ping))
        turn(ws, 0);
}

/* Bytes that came with the handshake, and what was queued before the first turn. */
static void first_turn(void *arg)
{
    struct ws *ws = arg;
    loop_timer_set(ws->loop, &ws->ping, PING_MS, on_ping, ws);
    turn(ws, EPOLLIN);
}

/* --- calls ------------------------------------------------------------------------------------- */

void ws_keep_little_unsent(int fd)
{
    int unsent = UNSENT_BYTES;
    setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent, sizeof(unsent));
}

static void set_up_socket(int fd)
{
    int on = 1, flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ws_keep_little_unsent(fd);
}

int ws_create(struct loop *loop, int fd, const void *early, size_t early_len,
              const struct ws_events *events, void *arg, struct ws **out, struct err *err)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv,
        .send_callback = on_send,
        .on_frame_recv_start_callback = on_frame,
        .on_msg_recv_callback = on_message};
    struct ws *ws = calloc(1, sizeof(*ws));
    if (!ws)
        BUG("out of memory");
    *ws = (struct ws){.loop = loop, .fd = fd, .events = *events, .arg = arg, .early_len = early_len};
    ws->early_owned = malloc(early_len + 1);
    if (!ws->early_owned || wslay_event_context_server_init(&ws->wslay, &callbacks, ws))
        BUG("out of memory");
    if (early_len)
        memcpy(ws->early_owned, early, early_len);
    ws->early = ws->early_owned;
    wslay_event_config_set_max_recv_msg_length(ws->wslay, CAP_WS_MESSAGE_BYTES);
    set_up_socket(fd);
    int r = loop_fd_add(loop, fd, EPOLLIN, on_ready, ws, &ws->watch, err);
    if (r) {
        release(ws);
        return r;
    }
    loop_timer_set(loop, &ws->ping, 0, first_turn, ws);
    *out = ws;
    return 0;
}

void ws_destroy(struct ws *ws)
{
    if (!ws)
        return;
    if (ws->calling)
        ws->destroyed = true;
    else
        release(ws);
}

static void queue(struct ws *ws, uint8_t opcode, const void *data, size_t len)
{
    struct wslay_event_msg msg = {.opcode = opcode, .msg = data, .msg_length = len};
    if (ws->broken || ws->closing || wslay_event_queue_msg(ws->wslay, &msg))
        return;
    ws->was_busy = true;
    watch_for(ws);
}

void ws_text(struct ws *ws, const char *text, size_t len)
{
    queue(ws, WSLAY_TEXT_FRAME, text, len);
}

void ws_binary(struct ws *ws, const void *data, size_t len)
{
    queue(ws, WSLAY_BINARY_FRAME, data, len);
}

void ws_close(struct ws *ws, int code, const char *reason)
{
    if (ws->broken || ws->closing)
        return;
    ws->closing = true;
    ws->code = code;
    snprintf(ws->reason, sizeof(ws->reason), "%s", reason);
    loop_timer_set(ws->loop, &ws->end, WS_CLOSE_MS, on_end, ws);
    watch_for(ws);
}
