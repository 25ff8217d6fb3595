/*
 * Bytes that come where a WebSocket was opened: half of them with the handshake, half behind it. Whatever they are, the
 * end is noticed, once, and what arrives as a message is no larger than it may be.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "sys/ws.h"

#define SEND_BYTES (90u << 10) /* what a socket takes at once */
#define WAIT_MS    5000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int closed;

static void on_text(void *arg, const char *text, size_t len)
{
    unsigned sum = 0;
    for (size_t i = 0; i < len; i++)
        sum += (unsigned char)text[i];
    if (len > CAP_WS_MESSAGE_BYTES)
        BUG("a message of %zu bytes, sum %u", len, sum);
}

static void on_idle(void *arg)
{
}

static void on_closed(void *arg)
{
    closed++;
}

static bool is_closed(void *arg)
{
    return closed > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct ws_events events = {on_text, on_idle, on_closed};
    struct loop *loop;
    struct ws *ws;
    int pair[2];
    size_t half = size / 2;
    closed = 0;
    if (size > SEND_BYTES)
        return 0;
    if (loop_create(&loop, NULL) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) ||
        ws_create(loop, pair[0], data, half, &events, NULL, &ws, NULL))
        BUG("no socket");
    bool sent = size == half || send(pair[1], data + half, size - half, MSG_NOSIGNAL) == (ssize_t)(size - half);
    shutdown(pair[1], SHUT_RDWR);
    if (loop_wait(loop, is_closed, NULL, clock_mono_ms() + WAIT_MS) && sent)
        BUG("the end of the stream was not noticed");
    ws_destroy(ws);
    loop_destroy(loop);
    close(pair[0]);
    close(pair[1]);
    if (closed > 1)
        BUG("closed twice");
    return 0;
}
