#include "sys/blobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caps.h"

#define HEAD_BYTES 4
#define READ_BYTES (256u << 10)

/* --- reading ----------------------------------------------------------------------------------- */

struct blobs_reader {
    struct loop_fd *watch;
    int fd;
    struct buf in;
    blobs_fn *on_blob;
    blobs_end_fn *on_end;
    void *arg;
    bool busy, destroyed;
};

static void reader_free(struct blobs_reader *r)
{
    loop_fd_remove(r->watch);
    close(r->fd);
    buf_release(&r->in);
    free(r);
}

static void reader_end(struct blobs_reader *r, int code)
{
    loop_fd_remove(r->watch);
    r->watch = NULL;
    r->on_end(r->arg, code);
}

static int deliver_all(struct blobs_reader *r)
{
    size_t at = 0;
    int code = 0;
    while (!code && !r->destroyed && r->in.len - at >= HEAD_BYTES) {
        const unsigned char *h = (const unsigned char *)r->in.data + at;
        size_t len = h[0] | h[1] << 8 | h[2] << 16 | (size_t)h[3] << 24;
        if (len > CAP_PICTURE_MESSAGE_BYTES)
            code = E_PROTOCOL;
        else if (r->in.len - at - HEAD_BYTES < len)
            break;
        else
            r->on_blob(r->arg, h + HEAD_BYTES, len);
        at += HEAD_BYTES + len;
    }
    if (!code)
        buf_consume(&r->in, at);
    if (!r->in.len)
        buf_release(&r->in); /* idle views cost no memory */
    return code;
}

static int read_some(struct blobs_reader *r)
{
    if (buf_reserve(&r->in, READ_BYTES))
        return E_PROTOCOL;
    ssize_t n = recv(r->fd, r->in.data + r->in.len, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (n <= 0)
        return E_GONE;
    buf_grew(&r->in, (size_t)n);
    return deliver_all(r);
}

static void on_readable(void *arg, uint32_t events)
{
    struct blobs_reader *r = arg;
    r->busy = true;
    int code = read_some(r);
    if (code && !r->destroyed)
        reader_end(r, code);
    r->busy = false;
    if (r->destroyed)
        reader_free(r);
}

int blobs_reader_create(struct loop *loop, int fd, blobs_fn *on_blob, blobs_end_fn *on_end, void *arg,
                        struct blobs_reader **out, struct err *err)
{
    struct blobs_reader *r = calloc(1, sizeof(*r));
    if (!r)
        BUG("out of memory");
    *r = (struct blobs_reader){.fd = fd, .on_blob = on_blob, .on_end = on_end, .arg = arg};
    buf_init(&r->in, CAP_PICTURE_MESSAGE_BYTES + HEAD_BYTES + READ_BYTES);
    int code = loop_fd_add(loop, fd, EPOLLIN, on_readable, r, &r->watch, err);
    if (code) {
        free(r);
        return code;
    }
    *out = r;
    return 0;
}

void blobs_reader_destroy(struct blobs_reader *r)
{
    if (!r)
        return;
    if (r->busy)
        r->destroyed = true;
    else
        reader_free(r);
}

/* --- writing ----------------------------------------------------------------------------------- */

struct blobs_writer {
    struct loop_fd *watch;
    int fd;
    struct buf out;
    bool waits; /* until the socket is writable */
    bool gone;
};

static void flush_some(struct blobs_writer *w)
{
    while (w->out.len && !w->gone) {
        ssize_t n = send(w->fd, w->out.data, w->out.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n > 0)
            buf_consume(&w->out, (size_t)n);
        else if (n < 0 && errno == EAGAIN)
            return;
        else if (n >= 0 || errno != EINTR)
            w->gone = true;
    }
}

/* A Unix socket is writable while a quarter of its buffer is taken at most (unix(7), unix_writable()). */
static void on_writable(void *arg, uint32_t events)
{
    struct blobs_writer *w = arg;
    if (events & (EPOLLERR | EPOLLHUP))
        w->gone = true;
    flush_some(w);
    if (w->out.len && !w->gone)
        return;
    loop_fd_events(w->watch, 0);
    if (w->gone) {
        loop_fd_remove(w->watch);
        w->watch = NULL;
        return;
    }
    w->waits = false;
}

int blobs_writer_create(struct loop *loop, int fd, struct blobs_writer **out, struct err *err)
{
    struct blobs_writer *w = calloc(1, sizeof(*w));
    if (!w)
        BUG("out of memory");
    *w = (struct blobs_writer){.fd = fd};
    buf_init(&w->out, CAP_PICTURE_MESSAGE_BYTES + 2 * HEAD_BYTES);
    int code = loop_fd_add(loop, fd, 0, on_writable, w, &w->watch, err);
    if (code) {
        free(w);
        return code;
    }
    *out = w;
    return 0;
}

void blobs_writer_destroy(struct blobs_writer *w)
{
    if (!w)
        return;
    loop_fd_remove(w->watch);
    close(w->fd);
    buf_release(&w->out);
    free(w);
}

bool blobs_has_room(const struct blobs_writer *w)
{
    return !w->waits && !w->gone;
}

int blobs_write(struct blobs_writer *w, const void *data, size_t len)
{
    unsigned char h[HEAD_BYTES] = {(unsigned char)len, (unsigned char)(len >> 8),
                                   (unsigned char)(len >> 16), (unsigned char)(len >> 24)};
    if (w->gone)
        return E_GONE;
    if (len > CAP_PICTURE_MESSAGE_BYTES || w->out.len + sizeof(h) + len > w->out.cap)
        return E_TOOBIG;
    if (buf_add(&w->out, h, sizeof(h)) || buf_add(&w->out, data, len))
        BUG("out of memory");
    w->waits = true;
    flush_some(w);
    loop_fd_events(w->watch, EPOLLOUT);
    return w->gone ? E_GONE : 0;
}
