/*
 * httpd.h - libmicrohttpd on our loop.
 *
 * A daemon started with MHD_USE_EPOLL and without a thread: its epoll descriptor is one of the
 * loop's, and the time it wants its next turn is one of the loop's timers. libmicrohttpd does not
 * look at a suspended connection, so the socket of one that is held is watched here for the
 * caller's hang-up; TCP keep-alive finds callers that vanished without a word.
 * Threads: the loop's.
 */
#ifndef MANTIS_SYS_HTTPD_H
#define MANTIS_SYS_HTTPD_H

#include <microhttpd.h>

#include "base/err.h"
#include "sys/loop.h"

struct httpd {
    struct MHD_Daemon *daemon; /* NULL: none */
    struct loop *loop;
    struct loop_fd *watch;
    struct loop_timer timer;
    bool due; /* the timer is set for this turn of the loop */
    struct httpd_hold *held_next; /* what httpd_hold_after() put there */
};

/* Let loop turn the daemon; takes it over, on error too. Zeroed before. */
int httpd_start(struct httpd *httpd, struct loop *loop, struct MHD_Daemon *daemon,
                struct err *err) MUST_CHECK;

/* No connection may be held any more. What was never started is fine. */
void httpd_stop(struct httpd *httpd);

/* A connection that is suspended now and then. It must stay where it is until released; zeroed means
 * released. */
typedef void httpd_hangup_fn(void *arg);
struct httpd_hold {
    struct httpd *httpd; /* NULL: released */
    struct MHD_Connection *connection;
    struct loop_fd *hangup;
    bool held; /* suspended just now */
    struct httpd_hold *next, **link; /* httpd->held_next; link NULL: not there */
    httpd_hangup_fn *fn;
    void *arg;
};

/* Call fn(arg), once, when the caller hangs up, held or not; that wakes and releases nothing by itself. */
void httpd_watch(struct httpd *httpd, struct MHD_Connection *connection, struct httpd_hold *hold,
                 httpd_hangup_fn *fn, void *arg);

/* The same, but a caller that only says that it will send no more is still there for its answer. One
 * that closed looks like that until the first byte or keep-alive probe is refused: two minutes at most. */
void httpd_watch_receiver(struct httpd *httpd, struct MHD_Connection *connection,
                          struct httpd_hold *hold, httpd_hangup_fn *fn, void *arg);

/* Suspend, and let the daemon serve it again in the loop's next turn. Waking what is not held is fine. */
void httpd_hold(struct httpd_hold *hold);
void httpd_wake(struct httpd_hold *hold);

/* Suspend once the daemon's turn is over, for a call that is not answered yet: libmicrohttpd then knows
 * that it has the whole of it. One that it suspends inside the handler it reads from before it asks the
 * handler again, and when that reads the end of what the caller sends it hangs up without an answer. */
void httpd_hold_after(struct httpd_hold *hold);

/* Wake it and watch it no more. Released is fine. */
void httpd_release(struct httpd_hold *hold);

/* A connection that speaks another protocol now is over: its socket, which is on no loop any more, is closed and
 * its call completed, in the loop's next turn. */
void httpd_end_upgrade(struct httpd *httpd, struct MHD_UpgradeResponseHandle *urh);

#endif
