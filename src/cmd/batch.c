#include "cmd/batch.h"

#include "base/clock.h"
#include "cmd/batch_work.h"
#include "cmd/cmd.h"

#define TURN_MS   60000 /* of the loop; every exchange and every run has a limit of its own */
#define CANCEL_MS 2000

static bool has_room(const struct batch *b, const struct batch_run *run, int64_t now)
{
    const struct batch_arm *arm = run->arm;
    return b->running < b->max_parallel && arm->running < arm->limit && now >= arm->not_before_ms;
}

/* A run whose site somebody else has is left for later. */
static void start(struct batch *b, struct batch_run *run)
{
    struct err err = {0};
    struct practice_site *site = NULL;
    const char *name = batch_site_name(run->task);
    int r = *name ? practice_take(b->practice, name, &site, &err) : 0;
    if (!r && *name && !site)
        return;
    batch_work_begin(b, run, site, r ? err.msg : NULL);
}

static void on_room(void *arg)
{
    batch_pump(arg);
}

/* Wake up when the first deployment takes runs again. */
static void wait_for_room(struct batch *b, int64_t now)
{
    int64_t at = 0;
    for (size_t i = 0; i < b->n; i++) {
        int64_t t = b->runs[i].done || b->runs[i].work ? 0 : b->runs[i].arm->not_before_ms;
        if (t > now && (!at || t < at))
            at = t;
    }
    if (at)
        loop_timer_set(b->loop, &b->timer, at - now, on_room, b);
}

void batch_pump(struct batch *b)
{
    int64_t now = clock_mono_ms();
    loop_timer_clear(&b->timer);
    for (size_t i = 0; i < b->n && b->running < b->max_parallel; i++)
        if (!b->runs[i].done && !b->runs[i].work && has_room(b, &b->runs[i], now))
            start(b, &b->runs[i]);
    wait_for_room(b, now);
}

static bool all_done(void *arg)
{
    const struct batch *b = arg;
    return b->n_done == b->n;
}

static bool all_cancelled(void *arg)
{
    return ((const struct batch *)arg)->cancels == 0;
}

static void await_cancels(struct batch *b)
{
    if (loop_wait(b->loop, all_cancelled, b, clock_mono_ms() + CANCEL_MS))
        cmd_warning("%d runs may go on: the deployment did not answer when they were cancelled",
                    b->cancels);
}

static void end_all(struct batch *b)
{
    loop_timer_clear(&b->timer);
    loop_interrupt_clear(b->loop);
    for (size_t i = 0; i < b->n; i++)
        if (b->runs[i].work)
            batch_work_cancel(b->runs[i].work);
}

int batch_carry_out(struct batch *b, struct err *err)
{
    int r;
    b->n_done = 0;
    for (size_t i = 0; i < b->n; i++) {
        b->runs[i].arm->limit = b->max_parallel;
        b->n_done += b->runs[i].done;
    }
    batch_pump(b);
    do
        r = loop_wait(b->loop, all_done, b, clock_mono_ms() + TURN_MS);
    while (r == E_TIMEOUT);
    if (r)
        end_all(b);
    await_cancels(b);
    return r ? err_set(err, E_CANCELLED, "interrupted") : 0;
}
