#include "sys/loop.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define EVENTS_PER_TURN 64

struct loop_fd {
    struct loop *loop;
    int fd;
    uint32_t events;
    loop_fd_fn *fn; /* NULL once removed */
    void *arg;
    struct loop_fd *next_dead;
};

struct loop {
    int epfd, sigfd;
    struct loop_fd *sig_watch;
    loop_signal_fn *sig_fn;
    void *sig_arg;
    struct loop_timer *
        *timers; /* binary heap: none fires before its parent, which is at (i - 1) / 2 */
    size_t n_timers, timers_size;
    uint64_t timer_serial, turns;
    loop_turn_fn *after_turn;
    void *after_turn_arg;
    struct loop_fd *dead; /* removed watches, freed after the turn: epoll may still name them */
    bool stopped, interrupted, turning, skips_waits;
};

int loop_create(struct loop **out, struct err *err)
{
    struct loop *loop = calloc(1, sizeof(*loop));
    if (!loop)
        BUG("out of memory");
    loop->sigfd = -1;
    loop->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epfd < 0) {
        int r = err_sys(err, E_IO, "cannot create the event loop");
        loop_destroy(loop);
        return r;
    }
    *out = loop;
    return 0;
}

static void free_dead(struct loop *loop)
{
    while (loop->dead) {
        struct loop_fd *w = loop->dead;
        loop->dead = w->next_dead;
        free(w);
    }
}

void loop_destroy(struct loop *loop)
{
    if (!loop)
        return;
    loop_fd_remove(loop->sig_watch);
    while (loop->n_timers)
        loop_timer_clear(loop->timers[0]);
    free(loop->timers);
    free_dead(loop);
    if (loop->sigfd >= 0)
        close(loop->sigfd);
    if (loop->epfd >= 0)
        close(loop->epfd);
    free(loop);
}

int loop_fd_add(struct loop *loop, int fd, uint32_t events, loop_fd_fn *fn, void *arg,
                struct loop_fd **out, struct err *err)
{
    struct loop_fd *w = calloc(1, sizeof(*w));
    if (!w)
        BUG("out of memory");
    *w = (struct loop_fd){.loop = loop, .fd = fd, .events = events, .fn = fn, .arg = arg};
    struct epoll_event ev = {.events = events, .data.ptr = w};
    if (epoll_ctl(loop->epfd, EPOLL_CTL_ADD, fd, &ev)) {
        free(w);
        return err_sys(err, E_IO, "cannot watch descriptor %d", fd);
    }
    *out = w;
    return 0;
}

void loop_fd_events(struct loop_fd *watch, uint32_t events)
{
    if (watch->events == events)
        return;
    watch->events = events;
    struct epoll_event ev = {.events = events, .data.ptr = watch};
    if (epoll_ctl(watch->loop->epfd, EPOLL_CTL_MOD, watch->fd, &ev))
        BUG("epoll lost descriptor %d", watch->fd);
}

void loop_fd_remove(struct loop_fd *watch)
{
    if (!watch || !watch->fn)
        return;
    epoll_ctl(watch->loop->epfd, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->fn = NULL;
    watch->next_dead = watch->loop->dead;
    watch->loop->dead = watch;
}

static bool fires_before(const struct loop_timer *a, const struct loop_timer *b)
{
    return a->at_mono_ms < b->at_mono_ms ||
           (a->at_mono_ms == b->at_mono_ms && a->serial < b->serial);
}

static void put_at(struct loop *loop, size_t place, struct loop_timer *timer)
{
    loop->timers[place] = timer;
    timer->place = place;
}

static void move_up(struct loop *loop, size_t place, struct loop_timer *timer)
{
    while (place && fires_before(timer, loop->timers[(place - 1) / 2])) {
        put_at(loop, place, loop->timers[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put_at(loop, place, timer);
}

static void move_down(struct loop *loop, size_t place, struct loop_timer *timer)
{
    for (;;) {
        size_t child = 2 * place + 1;
        if (child + 1 < loop->n_timers &&
            fires_before(loop->timers[child + 1], loop->timers[child]))
            child++;
        if (child >= loop->n_timers || !fires_before(loop->timers[child], timer))
            break;
        put_at(loop, place, loop->timers[child]);
        place = child;
    }
    put_at(loop, place, timer);
}

static void grow_timers(struct loop *loop)
{
    loop->timers_size = loop->timers_size ? 2 * loop->timers_size : 64;
    loop->timers = realloc(loop->timers, loop->timers_size * sizeof(struct loop_timer *));
    if (!loop->timers)
        BUG("out of memory");
}

void loop_timer_clear(struct loop_timer *timer)
{
    struct loop *loop = timer->loop;
    if (!loop)
        return;
    timer->loop = NULL;
    struct loop_timer *last = loop->timers[--loop->n_timers];
    if (last == timer)
        return;
    if (fires_before(last, timer))
        move_up(loop, timer->place, last);
    else
        move_down(loop, timer->place, last);
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, int64_t delay_ms,
                    loop_timer_fn *fn, void *arg)
{
    loop_timer_clear(timer);
    *timer = (struct loop_timer){.loop = loop,
                                 .at_mono_ms = clock_mono_ms() + delay_ms,
                                 .serial = loop->timer_serial++,
                                 .fn = fn,
                                 .arg = arg};
    if (loop->n_timers == loop->timers_size)
        grow_timers(loop);
    move_up(loop, loop->n_timers++, timer);
}

static void read_signals(void *arg, uint32_t events)
{
    struct loop *loop = arg;
    struct signalfd_siginfo si;
    while (read(loop->sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
        loop->sig_fn(loop->sig_arg, (int)si.ssi_signo);
}

int loop_signals(struct loop *loop, const sigset_t *set, loop_signal_fn *fn, void *arg,
                 struct err *err)
{
    if (loop->sigfd >= 0)
        BUG("loop_signals called twice");
    sigprocmask(SIG_BLOCK, set, NULL);
    loop->sig_fn = fn;
    loop->sig_arg = arg;
    loop->sigfd = signalfd(-1, set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (loop->sigfd < 0)
        return err_sys(err, E_IO, "cannot receive signals");
    return loop_fd_add(loop, loop->sigfd, EPOLLIN, read_signals, loop, &loop->sig_watch, err);
}

static void fire_timers(struct loop *loop)
{
    int64_t now = clock_mono_ms();
    while (loop->n_timers && loop->timers[0]->at_mono_ms <= now) {
        struct loop_timer *t = loop->timers[0];
        loop_timer_clear(t);
        t->fn(t->arg);
    }
}

static int turn_timeout_ms(const struct loop *loop, int64_t deadline_mono_ms)
{
    int64_t until = deadline_mono_ms;
    if (loop->n_timers && loop->timers[0]->at_mono_ms < until)
        until = loop->timers[0]->at_mono_ms;
    int64_t left = until - clock_mono_ms();
    return left <= 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static int turn(struct loop *loop, int64_t deadline_mono_ms)
{
    struct epoll_event events[EVENTS_PER_TURN];
    if (loop->turning)
        BUG("the loop was turned from one of its own callbacks");
    int timeout_ms = turn_timeout_ms(loop, deadline_mono_ms);
    if (loop->skips_waits) {
        clock_skip_ms(timeout_ms);
        timeout_ms = 0;
    }
    int n = epoll_wait(loop->epfd, events, EVENTS_PER_TURN, timeout_ms);
    if (n < 0 && errno != EINTR)
        return E_IO;
    loop->turning = true;
    loop->turns++;
    for (int i = 0; i < n; i++) {
        struct loop_fd *w = events[i].data.ptr;
        if (w->fn)
            w->fn(w->arg, events[i].events);
    }
    fire_timers(loop);
    if (loop->after_turn)
        loop->after_turn(loop->after_turn_arg);
    loop->turning = false;
    free_dead(loop);
    return 0;
}

void loop_after_turn(struct loop *loop, loop_turn_fn *fn, void *arg)
{
    loop->after_turn = fn;
    loop->after_turn_arg = arg;
}

uint64_t loop_turns(const struct loop *loop)
{
    return loop->turns;
}

int loop_run(struct loop *loop, struct err *err)
{
    loop->stopped = false;
    while (!loop->stopped)
        if (turn(loop, INT64_MAX))
            return err_sys(err, E_IO, "the event loop failed");
    return 0;
}

void loop_stop(struct loop *loop)
{
    loop->stopped = true;
}

int loop_wait(struct loop *loop, loop_cond_fn *cond, void *arg, int64_t deadline_mono_ms)
{
    for (;;) {
        if (loop->interrupted)
            return E_CANCELLED;
        if (cond && cond(arg))
            return 0;
        if (clock_mono_ms() >= deadline_mono_ms)
            return cond ? E_TIMEOUT : 0;
        if (turn(loop, deadline_mono_ms))
            BUG("epoll_wait failed: %d", errno);
    }
}

void loop_skip_waits(struct loop *loop)
{
    loop->skips_waits = true;
}

void loop_interrupt(struct loop *loop)
{
    loop->interrupted = true;
}

void loop_interrupt_clear(struct loop *loop)
{
    loop->interrupted = false;
}
