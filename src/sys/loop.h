/*
 * loop.h - one epoll loop per process: file descriptors, timers, signals, and waits that end.
 *
 * Two ways to use it. `serve` calls loop_run() and lives in callbacks. The worker is written top to
 * bottom and calls loop_wait(), which turns the same loop until a condition holds, a deadline
 * passes, or loop_interrupt() was called (a cancel arrived): this is how every wait of a run has a
 * deadline and ends at once on cancel. Callbacks must not call loop_wait() or loop_run().
 * Threads: the thread that created it.
 */
#ifndef MANTIS_SYS_LOOP_H
#define MANTIS_SYS_LOOP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "base/err.h"

struct loop;
struct loop_fd; /* one watched descriptor */

typedef void loop_fd_fn(void *arg, uint32_t events); /* events: EPOLLIN | EPOLLOUT | ... */
typedef void loop_timer_fn(void *arg);
typedef void loop_signal_fn(void *arg, int signo);
typedef bool loop_cond_fn(void *arg);

int loop_create(struct loop **out, struct err *err) MUST_CHECK;
void loop_destroy(struct loop *loop); /* NULL is fine; watched descriptors stay open */

/* Watch fd; the caller keeps owning it and must call loop_fd_remove() before closing it.
 * Removal is safe from any callback: a removed watch is never called again. */
int loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg,
                struct loop_fd **out, struct err *err) MUST_CHECK;
void loop_fd_events(struct loop_fd *watch, uint32_t events); /* change what is waited for */
void loop_fd_remove(struct loop_fd *watch);                  /* NULL is fine */

/* A timer lives in its owner's struct, which must not move while it is set; zeroed means not set. Firing
 * clears it; it may set itself again. Setting and clearing cost the logarithm of how many are set. Timers
 * of one moment fire in the order in which they were set. */
struct loop_timer {
    struct loop *loop;  /* set while armed */
    int64_t at_mono_ms; /* when it fires */
    uint64_t serial;    /* breaks ties */
    size_t place;       /* in the loop's heap */
    loop_timer_fn *fn;
    void *arg;
};
void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms, loop_timer_fn *fn,
                    void *arg);
void loop_timer_clear(struct loop_timer *timer);

/* Block these signals in the process and deliver them here. Call once. */
int loop_signals(struct loop *loop, const sigset_t *set, loop_signal_fn *fn, void *arg,
                 struct err *err) MUST_CHECK;

/* Call fn(arg) at the end of every turn, before the loop waits again: for what is gathered during one and
 * written once. One per loop; NULL takes it away. */
typedef void loop_turn_fn(void *arg);
void loop_after_turn(struct loop *loop, loop_turn_fn *fn, void *arg);

/* How many turns there were: what is borrowed "until the next turn" is good while this stays the same. */
uint64_t loop_turns(const struct loop *loop);

int loop_run(struct loop *loop, struct err *err) MUST_CHECK; /* until loop_stop() */
void loop_stop(struct loop *loop);

/*
 * Turn the loop until cond(arg) is true. cond is asked before the first turn and after each.
 * deadline_mono_ms is absolute, of clock_mono_ms(); cond NULL waits for the deadline itself.
 * Returns 0 when cond holds (or the deadline passed with cond NULL), E_TIMEOUT, E_CANCELLED.
 */
int loop_wait(struct loop *loop, loop_cond_fn *cond, void *arg, int64_t deadline_mono_ms) MUST_CHECK;

/* Tests only: the clocks jump to the next timer or deadline instead of waiting for it. For a loop on which
 * nothing comes from outside: everything that happens is a timer. */
void loop_skip_waits(struct loop *loop);

/* Every loop_wait() in progress and to come returns E_CANCELLED, until cleared. */
void loop_interrupt(struct loop *loop);
void loop_interrupt_clear(struct loop *loop);

#endif
