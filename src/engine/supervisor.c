#include "engine/supervisor.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* An action does what an event asks for in a state, and says which state comes of it. */
typedef enum supervisor_state act_fn(struct supervisor *s);

static void on_tick(void *arg)
{
    supervisor_event(arg, SUPERVISOR_TICK, NULL);
}

static void on_deadline(void *arg)
{
    supervisor_event(arg, SUPERVISOR_LATE, NULL);
}

static void tick_in(struct supervisor *s, int64_t ms)
{
    loop_timer_set(s->loop, &s->tick, ms, on_tick, s);
}

static void rest(struct supervisor *s)
{
    loop_timer_clear(&s->tick);
    loop_timer_clear(&s->deadline);
    s->ops->hush(s->arg);
}

/* --- failures ----------------------------------------------------------------------------------- */

static void note_failure(struct supervisor *s, int64_t now)
{
    s->failures++;
    s->in_a_row++;
    if (s->n_failed == SUPERVISOR_FAILURES)
        memmove(s->failed_at_mono_ms, s->failed_at_mono_ms + 1,
                (size_t)--s->n_failed * sizeof(*s->failed_at_mono_ms));
    s->failed_at_mono_ms[s->n_failed++] = now;
}

static bool too_many(const struct supervisor *s, int64_t now)
{
    return s->n_failed == SUPERVISOR_FAILURES && now - s->failed_at_mono_ms[0] <= SUPERVISOR_WINDOW_MS;
}

static int64_t back_off_ms(int failures)
{
    int64_t ms = 1000;
    while (--failures > 0 && ms < SUPERVISOR_BACK_OFF_MS)
        ms *= 2;
    return ms < SUPERVISOR_BACK_OFF_MS ? ms : SUPERVISOR_BACK_OFF_MS;
}

static enum supervisor_state fail(struct supervisor *s)
{
    int64_t now = clock_mono_ms();
    rest(s);
    note_failure(s, now);
    if (!s->was_ready || too_many(s, now))
        return SUPERVISOR_GIVEN_UP;
    tick_in(s, back_off_ms(s->in_a_row));
    return SUPERVISOR_BACKING_OFF;
}

/* --- actions ------------------------------------------------------------------------------------ */

static enum supervisor_state ask_health(struct supervisor *s)
{
    s->ops->ask(s->arg, SUPERVISOR_ASK_HEALTH);
    return s->state;
}

static enum supervisor_state await(struct supervisor *s)
{
    loop_timer_set(s->loop, &s->deadline, s->start_timeout_ms, on_deadline, s);
    s->ops->ask(s->arg, SUPERVISOR_ASK_HEALTH);
    return SUPERVISOR_STARTING;
}

static enum supervisor_state begin(struct supervisor *s)
{
    struct err err = {0};
    s->condemned = false;
    if (s->ops->launch && s->ops->launch(s->arg, &err)) {
        snprintf(s->why, sizeof(s->why), "%s", err.msg);
        return fail(s);
    }
    return await(s);
}

static enum supervisor_state ask_soon(struct supervisor *s)
{
    tick_in(s, SUPERVISOR_ASK_MS);
    return s->state;
}

static enum supervisor_state ask_token(struct supervisor *s)
{
    s->ops->ask(s->arg, SUPERVISOR_ASK_TOKEN);
    return SUPERVISOR_PROBING;
}

/* It was healthy a moment ago: perhaps it is loading still, or calls it by another name. */
static enum supervisor_state doubt(struct supervisor *s)
{
    tick_in(s, SUPERVISOR_LOOK_MS);
    return SUPERVISOR_STARTING;
}

static enum supervisor_state arrive(struct supervisor *s)
{
    loop_timer_clear(&s->deadline);
    s->was_ready = true;
    s->strikes = 0;
    s->why[0] = '\0';
    tick_in(s, SUPERVISOR_LOOK_MS);
    return SUPERVISOR_READY;
}

/* A start took as long as it took: a test has a clock of its own. */
static enum supervisor_state test(struct supervisor *s)
{
    if (!s->ops->test || s->was_ready)
        return arrive(s);
    loop_timer_clear(&s->deadline);
    s->ops->test(s->arg);
    return SUPERVISOR_TESTING;
}

static enum supervisor_state refuse(struct supervisor *s)
{
    rest(s);
    if (!s->ops->launch)
        return SUPERVISOR_GIVEN_UP;
    s->condemned = true;
    s->ops->signal(s->arg, SIGKILL);
    return s->state;
}

static enum supervisor_state calm(struct supervisor *s)
{
    s->strikes = 0;
    s->why[0] = '\0';
    tick_in(s, SUPERVISOR_LOOK_MS);
    return SUPERVISOR_READY;
}

/* One unanswered question may be a busy server; a process that ended is told by EXITED. */
static enum supervisor_state strike(struct supervisor *s)
{
    if (++s->strikes >= SUPERVISOR_STRIKES)
        return await(s);
    tick_in(s, SUPERVISOR_LOOK_MS);
    return SUPERVISOR_READY;
}

/* What is ours is ended, and its end is the failure; another's is waited for on. */
static enum supervisor_state late(struct supervisor *s)
{
    snprintf(s->why, sizeof(s->why), "it was not ready within %lld s (MANTIS_MODEL_START_TIMEOUT_S)",
             (long long)s->start_timeout_ms / 1000);
    if (s->ops->launch) {
        rest(s);
        s->condemned = true;
        s->ops->signal(s->arg, SIGKILL);
    }
    return s->state;
}

static enum supervisor_state finish(struct supervisor *s)
{
    rest(s);
    return SUPERVISOR_STOPPED;
}

static enum supervisor_state end(struct supervisor *s)
{
    rest(s);
    if (!s->ops->launch)
        return SUPERVISOR_STOPPED;
    s->condemned = true;
    s->ops->signal(s->arg, SIGTERM);
    tick_in(s, SUPERVISOR_GRACE_MS);
    return SUPERVISOR_DRAINING;
}

static enum supervisor_state end_hard(struct supervisor *s)
{
    s->ops->signal(s->arg, SIGKILL);
    return SUPERVISOR_DRAINING;
}

/* --- the table ---------------------------------------------------------------------------------- */

/* clang-format off */
static act_fn *const actions[SUPERVISOR_N_STATES][SUPERVISOR_N_EVENTS] = {
    /* what is not here is of no consequence in that state */
    [SUPERVISOR_STOPPED] = {[SUPERVISOR_START] = begin},
    [SUPERVISOR_STARTING] = {
        [SUPERVISOR_TICK] = ask_health, [SUPERVISOR_HEALTHY] = ask_token, [SUPERVISOR_UNHEALTHY] = ask_soon,
        [SUPERVISOR_EXITED] = fail, [SUPERVISOR_LATE] = late, [SUPERVISOR_STOP] = end,
    },
    [SUPERVISOR_PROBING] = {
        [SUPERVISOR_TOKEN] = test, [SUPERVISOR_NO_TOKEN] = doubt,
        [SUPERVISOR_EXITED] = fail, [SUPERVISOR_LATE] = late, [SUPERVISOR_STOP] = end,
    },
    [SUPERVISOR_TESTING] = {
        [SUPERVISOR_PASSED] = arrive, [SUPERVISOR_REFUSED] = refuse,
        [SUPERVISOR_EXITED] = fail, [SUPERVISOR_STOP] = end,
    },
    [SUPERVISOR_READY] = {
        [SUPERVISOR_TICK] = ask_health, [SUPERVISOR_HEALTHY] = calm, [SUPERVISOR_UNHEALTHY] = strike,
        [SUPERVISOR_EXITED] = fail, [SUPERVISOR_STOP] = end,
    },
    [SUPERVISOR_BACKING_OFF] = {[SUPERVISOR_TICK] = begin, [SUPERVISOR_STOP] = finish},
    [SUPERVISOR_GIVEN_UP] = {[SUPERVISOR_STOP] = finish},
    [SUPERVISOR_DRAINING] = {[SUPERVISOR_TICK] = end_hard, [SUPERVISOR_EXITED] = finish},
};

static const char *const names[] = {
    [SUPERVISOR_STOPPED] = "stopped", [SUPERVISOR_STARTING] = "starting", [SUPERVISOR_PROBING] = "probing",
    [SUPERVISOR_TESTING] = "testing",
    [SUPERVISOR_READY] = "ready", [SUPERVISOR_BACKING_OFF] = "backing_off",
    [SUPERVISOR_GIVEN_UP] = "given_up", [SUPERVISOR_DRAINING] = "draining",
};
/* clang-format on */

/* What is ended by us had its reason before: it was late, or refused. */
static void keep_why(struct supervisor *s, enum supervisor_event event, const char *why)
{
    bool no_news = event == SUPERVISOR_EXITED && s->condemned;
    if (why && !no_news)
        snprintf(s->why, sizeof(s->why), "%s", why);
}

static bool long_ready(const struct supervisor *s)
{
    return s->state == SUPERVISOR_READY && clock_mono_ms() - s->since_mono_ms >= SUPERVISOR_WINDOW_MS;
}

void supervisor_event(struct supervisor *s, enum supervisor_event event, const char *why)
{
    act_fn *act = actions[s->state][event];
    if (!act)
        return;
    keep_why(s, event, why);
    if (long_ready(s))
        s->in_a_row = 0;
    enum supervisor_state next = act(s);
    if (next == s->state)
        return;
    s->state = next;
    s->since_mono_ms = clock_mono_ms();
    if (s->ops->changed)
        s->ops->changed(s->arg);
}

void supervisor_init(struct supervisor *s, struct loop *loop, const struct supervisor_ops *ops, void *arg,
                     int64_t start_timeout_ms)
{
    *s = (struct supervisor){.loop = loop,
                             .ops = ops,
                             .arg = arg,
                             .start_timeout_ms = start_timeout_ms,
                             .since_mono_ms = clock_mono_ms()};
}

void supervisor_release(struct supervisor *s)
{
    loop_timer_clear(&s->tick);
    loop_timer_clear(&s->deadline);
}

int64_t supervisor_pause_ms(const struct supervisor *s)
{
    int64_t left = s->tick.loop ? s->tick.at_mono_ms - clock_mono_ms() : 0;
    return s->state == SUPERVISOR_BACKING_OFF && left > 0 ? left : 0;
}

const char *supervisor_state_name(enum supervisor_state state)
{
    return names[state];
}
