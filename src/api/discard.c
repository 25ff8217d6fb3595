/*
 * discard.c - hang up so that the peer sees the answer.
 *
 * A call that is refused at its headers (413, 401, ...) may still be sending its body. Closing the
 * socket with unread bytes makes the kernel answer with a reset, and many clients then report a
 * broken connection instead of the answer. So a copy of the descriptor stays behind: its sending
 * side is shut, and what comes in is read and dropped until the peer closes, up to a few caps.
 */
#include "api/request.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"

struct discard {
    struct discard *next, **prev;
    struct api *api;
    int fd;
    size_t left_bytes;
    struct loop_fd *watch;
    struct loop_timer timer;
};

static void end(void *arg)
{
    struct discard *d = arg;
    *d->prev = d->next;
    if (d->next)
        d->next->prev = d->prev;
    d->api->n_discards--;
    loop_timer_clear(&d->timer);
    loop_fd_remove(d->watch);
    close(d->fd);
    free(d);
}

static void drop(void *arg, uint32_t events)
{
    struct discard *d = arg;
    char waste[65536];
    ssize_t n = recv(d->fd, waste, sizeof(waste), MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0 || (size_t)n >= d->left_bytes)
        end(d);
    else
        d->left_bytes -= (size_t)n;
}

void discard_start(struct api *api, int fd)
{
    if (api->n_discards >= CAP_HTTP_DISCARDERS)
        return;
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    struct discard *d = calloc(1, sizeof(*d));
    if (!d)
        BUG("out of memory");
    *d = (struct discard){.api = api, .fd = copy, .left_bytes = CAP_HTTP_DISCARD_BYTES};
    if (copy < 0 || loop_fd_add(api->loop, copy, EPOLLIN | EPOLLRDHUP, drop, d, &d->watch, NULL)) {
        if (copy >= 0)
            close(copy);
        free(d);
        return;
    }
    shutdown(copy, SHUT_WR);
    d->next = api->discards;
    d->prev = &api->discards;
    if (d->next)
        d->next->prev = &d->next;
    api->discards = d;
    api->n_discards++;
    loop_timer_set(api->loop, &d->timer, CAP_HTTP_DISCARD_S * 1000, end, d);
}

void discard_end_all(struct api *api)
{
    while (api->discards)
        end(api->discards);
}
