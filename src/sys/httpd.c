#include "sys/httpd.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

static void unlink_hold(struct httpd_hold *hold)
{
    *hold->link = hold->next;
    if (hold->next)
        hold->next->link = hold->link;
    hold->link = NULL;
}

static void turn(void *arg)
{
    struct httpd *h = arg;
    struct httpd_hold *hold;
    MHD_UNSIGNED_LONG_LONG ms;
    loop_timer_clear(&h->timer);
    h->due = false;
    MHD_run(h->daemon);
    while ((hold = h->held_next)) {
        unlink_hold(hold);
        httpd_hold(hold);
    }
    if (!h->due && MHD_get_timeout(h->daemon, &ms) == MHD_YES)
        loop_timer_set(h->loop, &h->timer, (int64_t)ms, turn, h);
}

/* Nobody tells the daemon of a connection that is resumed. One turn serves all that are. */
static void turn_soon(struct httpd *h)
{
    if (!h->due)
        loop_timer_set(h->loop, &h->timer, 0, turn, h);
    h->due = true;
}

static void on_ready(void *arg, uint32_t events)
{
    turn(arg);
}

int httpd_start(struct httpd *h, struct loop *loop, struct MHD_Daemon *daemon, struct err *err)
{
    h->daemon = daemon;
    h->loop = loop;
    const union MHD_DaemonInfo *info = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD);
    int r = info ? loop_fd_add(loop, info->epoll_fd, EPOLLIN, on_ready, h, &h->watch, err)
                 : err_set(err, E_IO, "this libmicrohttpd was built without epoll");
    if (r)
        httpd_stop(h);
    return r;
}

void httpd_stop(struct httpd *h)
{
    if (!h->daemon)
        return;
    loop_fd_remove(h->watch);
    MHD_stop_daemon(h->daemon);
    loop_timer_clear(&h->timer);
    *h = (struct httpd){0};
}

/* The descriptor would say so in every turn. */
static void on_hangup(void *arg, uint32_t events)
{
    struct httpd_hold *hold = arg;
    loop_fd_remove(hold->hangup);
    hold->hangup = NULL;
    hold->fn(hold->arg);
}

static void find_silent_peer(int fd)
{
    int on = 1, idle_s = 60, every_s = 15, probes = 4;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

static void watch(struct httpd *h, struct MHD_Connection *connection, struct httpd_hold *hold,
                  uint32_t events, httpd_hangup_fn *fn, void *arg)
{
    int fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    *hold = (struct httpd_hold){.httpd = h, .connection = connection, .fn = fn, .arg = arg};
    find_silent_peer(fd);
    if (loop_fd_add(h->loop, fd, events, on_hangup, hold, &hold->hangup, NULL))
        hold->hangup = NULL; /* then nobody says that the caller is gone */
}

void httpd_watch(struct httpd *h, struct MHD_Connection *connection, struct httpd_hold *hold,
                 httpd_hangup_fn *fn, void *arg)
{
    watch(h, connection, hold, EPOLLRDHUP, fn, arg);
}

void httpd_watch_receiver(struct httpd *h, struct MHD_Connection *connection,
                          struct httpd_hold *hold, httpd_hangup_fn *fn, void *arg)
{
    watch(h, connection, hold, 0, fn, arg); /* epoll reports the end of both directions unasked */
}

void httpd_hold(struct httpd_hold *hold)
{
    hold->held = true;
    MHD_suspend_connection(hold->connection);
}

void httpd_hold_after(struct httpd_hold *hold)
{
    hold->next = hold->httpd->held_next;
    hold->link = &hold->httpd->held_next;
    if (hold->next)
        hold->next->link = &hold->next;
    hold->httpd->held_next = hold;
}

void httpd_wake(struct httpd_hold *hold)
{
    if (hold->link)
        unlink_hold(hold);
    if (!hold->held)
        return;
    hold->held = false;
    MHD_resume_connection(hold->connection);
    turn_soon(hold->httpd);
}

void httpd_release(struct httpd_hold *hold)
{
    if (!hold->httpd)
        return;
    loop_fd_remove(hold->hangup);
    hold->hangup = NULL;
    httpd_wake(hold);
    hold->httpd = NULL;
}

void httpd_end_upgrade(struct httpd *h, struct MHD_UpgradeResponseHandle *urh)
{
    MHD_upgrade_action(urh, MHD_UPGRADE_ACTION_CLOSE);
    turn_soon(h);
}
