/*
 * ws.h - the server's end of one WebSocket on our loop (RFC 6455; frames by libwslay).
 *
 * The HTTP side answers the handshake and hands over the socket, which stays its own: ws_destroy() closes
 * nothing. What a peer can make us hold: one message of CAP_WS_MESSAGE_BYTES, and answers to its pings up
 * to WS_QUEUE_BYTES; then it is read no further until it has taken them.
 * Threads: the loop's. Blocks: never.
 */
#ifndef MANTIS_SYS_WS_H
#define MANTIS_SYS_WS_H

#include <stdbool.h>

#include "base/err.h"
#include "sys/loop.h"

struct ws;

/* All from the loop, never from within a call. Each may call ws_destroy(). */
struct ws_events {
    void (*text)(void *arg, const char *text, size_t len); /* not NUL-terminated, valid UTF-8 */
    void (*idle)(void *arg);   /* all that was queued has left, and the socket takes more */
    void (*closed)(void *arg); /* by whatever cause, once; nothing else comes */
};

enum ws_close {
    WS_NORMAL = 1000,
    WS_GOING_AWAY = 1001,
    WS_POLICY = 1008,
    WS_TOKEN_EXPIRED = 4001, /* 4000 and above are ours: docs/live.md */
};

#define WS_ACCEPT_BYTES 29 /* base64 of a SHA-1, and NUL */

/* Sec-WebSocket-Accept for a client's Sec-WebSocket-Key. E_INVALID: not 16 bytes in base64. */
int ws_accept(const char *key, char out[WS_ACCEPT_BYTES]) MUST_CHECK;

/* early: bytes that came behind the handshake. fd is switched to non-blocking. */
int ws_create(struct loop *loop, int fd, const void *early, size_t early_len, const struct ws_events *events,
              void *arg, struct ws **out, struct err *err) MUST_CHECK;
void ws_destroy(struct ws *ws); /* NULL is fine */

/* Queue one message. After a close, or when the peer is gone, it is dropped. */
void ws_text(struct ws *ws, const char *text, size_t len);
void ws_binary(struct ws *ws, const void *data, size_t len);

/* Nothing is queued and the socket takes more: a message sent now is not an old one when it arrives. */
bool ws_is_idle(const struct ws *ws);

/* Say goodbye, behind what is queued; closed() follows when the peer has answered, at the latest after WS_CLOSE_MS. */
#define WS_CLOSE_MS 1500
void ws_close(struct ws *ws, int code, const char *reason);

/* Of any socket that pictures are sent to: above some of them it does not count as writable, so that what is not sent
 * yet can still be replaced by what is newer. */
void ws_keep_little_unsent(int fd);

#endif
