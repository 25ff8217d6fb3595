#include "sys/ipc.h"
#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_BYTES 4
#define OUTBOX_BYTES (4u * CAP_IPC_MESSAGE_BYTES)
#define READ_BYTES 65536

struct ipc {
    struct loop *loop;
    struct loop_fd *watch;
    int fd;
    struct buf in, out;
    ipc_message_fn *on_message;
    ipc_close_fn *on_close;
    void *arg;
    bool broken;    /* on_close was called */
    bool busy;      /* inside a handler */
    bool destroyed; /* ipc_destroy() was called inside a handler */
};

static void really_free(struct ipc *ipc)
{
    buf_release(&ipc->in);
    buf_release(&ipc->out);
    free(ipc);
}

static void break_off(struct ipc *ipc, int code)
{
    if (ipc->broken)
        return;
    ipc->broken = true;
    loop_fd_remove(ipc->watch);
    ipc->watch = NULL;
    ipc->on_close(ipc->arg, code);
}

static void flush_some(struct ipc *ipc)
{
    while (ipc->out.len) {
        ssize_t n = send(ipc->fd, ipc->out.data, ipc->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            buf_consume(&ipc->out, (size_t)n);
        else if (n < 0 && errno == EINTR)
            continue;
        else if (n < 0 && errno == EAGAIN)
            break;
        else {
            buf_clear(&ipc->out); /* the reader will notice the end of the stream and say so */
            return;
        }
    }
    if (ipc->watch)
        loop_fd_events(ipc->watch, ipc->out.len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

static int deliver(struct ipc *ipc, const char *text, size_t len)
{
    /* jansson's own depth limit: a plan at the caller's limit sits some levels deeper in here. */
    json_t *message = json_loadb(text, len, 0, NULL);
    if (!message)
        return E_PROTOCOL;
    const char *type = json_str(message, "type", NULL);
    if (type)
        ipc->on_message(ipc->arg, type, message);
    json_decref(message);
    return type ? 0 : E_PROTOCOL;
}

static int deliver_all(struct ipc *ipc)
{
    size_t at = 0;
    int r = 0;
    while (!r && !ipc->destroyed && ipc->in.len - at >= HEADER_BYTES) {
        const unsigned char *h = (const unsigned char *)ipc->in.data + at;
        size_t len = h[0] | h[1] << 8 | h[2] << 16 | (size_t)h[3] << 24;
        if (len > CAP_IPC_MESSAGE_BYTES)
            r = E_PROTOCOL;
        else if (ipc->in.len - at - HEADER_BYTES < len)
            break;
        else {
            r = deliver(ipc, ipc->in.data + at + HEADER_BYTES, len);
            at += HEADER_BYTES + len;
        }
    }
    if (!r)
        buf_consume(&ipc->in, at);
    return r;
}

static void read_some(struct ipc *ipc)
{
    if (buf_reserve(&ipc->in, READ_BYTES)) {
        break_off(ipc, E_PROTOCOL);
        return;
    }
    ssize_t n = recv(ipc->fd, ipc->in.data + ipc->in.len, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        break_off(ipc, n == 0 || errno == ECONNRESET ? E_GONE : E_IO);
        return;
    }
    buf_grew(&ipc->in, (size_t)n);
    int r = deliver_all(ipc);
    if (r && !ipc->destroyed)
        break_off(ipc, r);
}

static void on_ready(void *arg, uint32_t events)
{
    struct ipc *ipc = arg;
    ipc->busy = true;
    if (events & EPOLLOUT)
        flush_some(ipc);
    if (events & ~(uint32_t)EPOLLOUT)
        read_some(ipc);
    ipc->busy = false;
    if (ipc->destroyed)
        really_free(ipc);
}

int ipc_create(struct loop *loop, int fd, ipc_message_fn *on_message, ipc_close_fn *on_close, void *arg,
               struct ipc **out, struct err *err)
{
    struct ipc *ipc = calloc(1, sizeof(*ipc));
    if (!ipc)
        BUG("out of memory");
    *ipc = (struct ipc){.loop = loop, .fd = fd, .on_message = on_message, .on_close = on_close, .arg = arg};
    buf_init(&ipc->in, CAP_IPC_MESSAGE_BYTES + HEADER_BYTES + READ_BYTES);
    buf_init(&ipc->out, OUTBOX_BYTES);
    int r = loop_fd_add(loop, fd, EPOLLIN, on_ready, ipc, &ipc->watch, err);
    if (r) {
        really_free(ipc);
        return r;
    }
    *out = ipc;
    return 0;
}

void ipc_destroy(struct ipc *ipc)
{
    if (!ipc || ipc->destroyed)
        return;
    ipc->broken = true;
    loop_fd_remove(ipc->watch);
    ipc->watch = NULL;
    close(ipc->fd);
    ipc->destroyed = true;
    if (!ipc->busy)
        really_free(ipc);
}

int ipc_send(struct ipc *ipc, const json_t *message)
{
    if (ipc->broken)
        return E_GONE;
    struct pool *tmp = pool_create(NULL);
    const char *text = json_text(tmp, message);
    size_t len = strlen(text);
    unsigned char h[HEADER_BYTES] = {len & 0xff, len >> 8 & 0xff, len >> 16 & 0xff, len >> 24 & 0xff};
    int r = 0;
    if (len > CAP_IPC_MESSAGE_BYTES || buf_reserve(&ipc->out, len + HEADER_BYTES))
        r = E_TOOBIG;
    else if ((r = buf_add(&ipc->out, h, HEADER_BYTES)) == 0)
        r = buf_add(&ipc->out, text, len);
    pool_destroy(tmp);
    flush_some(ipc);
    return r;
}

size_t ipc_unsent(const struct ipc *ipc)
{
    return ipc->out.len;
}

static bool flushed(void *arg)
{
    struct ipc *ipc = arg;
    return ipc->broken || ipc->out.len == 0;
}

int ipc_flush(struct ipc *ipc, int timeout_ms)
{
    int r = loop_wait(ipc->loop, flushed, ipc, clock_mono_ms() + timeout_ms);
    return !r && ipc->broken ? E_GONE : r;
}
