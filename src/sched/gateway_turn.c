/*
 * gateway_turn.c - whose turn is next: the calls of workers, and those of tenants themselves.
 *
 * Calls wait in one line. A round goes through it: a call that is paid by the token is made when
 * its run's purse, and its tenant's of the day, hold its worst case; if only calls under way keep
 * it from that, it waits, and so do the later calls of its run. The pod's model server takes as
 * many calls as it has slots, in turn from each tenant that waits, and is paid by the second. A
 * call gets no more time, and no longer an answer, than there is money for. A round follows every arrival and every end.
 */
#include "sched/gateway_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define STORE_MS    1000 /* until the store is asked again */
#define MIN_TIME_MS 1000 /* a call of the pod's model is not begun for less */

/* --- money ----------------------------------------------------------------------------------- */

double gateway_second_usd(const struct gateway *g)
{
    return g->rates.gpu_hourly_usd / 3600;
}

/* What the tenant's runs of today have cost and hold: what is stored, and what is not stored yet.
 */
static int day_purse(struct gateway *g, const struct gateway_run *run, struct purse *out)
{
    int64_t now_us = clock_wall_us();
    *out = (struct purse){.cap = run->day_cap};
    if (run->day_cap <= 0)
        return 0;
    if (g->config.store && store_cost_since(g->config.store, run->key.tenant,
                                            now_us - now_us % DAY_US, &out->spent, NULL))
        return E_UNAVAILABLE;
    for (const struct gateway_run *r = g->runs; r; r = r->next)
        if (r->tenant == run->tenant) {
            out->spent += r->purse.spent - r->told;
            out->held += r->purse.held;
        }
    return 0;
}

static void round_now(void *arg);

static void round_later(struct gateway *g)
{
    if (!g->round.loop)
        loop_timer_set(g->config.loop, &g->round, STORE_MS, round_now, g);
}

static enum purse_answer ask_purses(struct gateway *g, const struct gateway_run *run, double usd)
{
    struct purse day;
    enum purse_answer own = purse_ask(&run->purse, usd), tenant = PURSE_LATER;
    if (own == PURSE_NO)
        return own;
    if (day_purse(g, run,
                  &day)) /* the store cannot say: nothing ends that would make another round */
        round_later(g);
    else
        tenant = purse_ask(&day, usd);
    return tenant == PURSE_NO || own == PURSE_YES ? tenant : own;
}

static double room(struct gateway *g, const struct gateway_run *run)
{
    struct purse day;
    return day_purse(g, run, &day) ? 0 : fmin(purse_room(&run->purse), purse_room(&day));
}

void turn_price_time(struct gateway_turn *t)
{
    double rate = gateway_second_usd(t->gateway);
    t->worst = rate * t->timeout_ms / 1000;
    t->least = fmin(t->worst, rate * MIN_TIME_MS / 1000);
}

/* All that it may come to, or what there is money for, if nothing of it is held by other calls. */
static enum purse_answer ask_money(struct gateway_turn *t)
{
    struct gateway *g = t->gateway;
    if (t->costs_nothing)
        return PURSE_YES;
    enum purse_answer all = ask_purses(g, t->run, t->worst);
    if (all != PURSE_NO || t->least >= t->worst)
        return all;
    all = ask_purses(g, t->run, t->least);
    if (all != PURSE_YES || t->run->purse.held > 0)
        return all == PURSE_NO ? all : PURSE_LATER;
    t->worst = fmin(t->worst, room(g, t->run));
    t->short_money = true;
    if (t->timed)
        t->timeout_ms = (int)(t->worst / gateway_second_usd(g) * 1000);
    return PURSE_YES;
}

static void no_money(struct gateway_turn *t)
{
    struct err err;
    err_set(&err, E_BUDGET,
            "the call may cost %.4f USD; of the run's %.2f USD %.4f are spent and %.4f held",
            t->worst, t->run->purse.cap, t->run->purse.spent, t->run->purse.held);
    if (purse_ask(&t->run->purse, t->worst) == PURSE_YES)
        err_set(&err, E_BUDGET, "the call may cost %.4f USD; max_cost_per_day allows %.2f",
                t->worst, t->run->day_cap);
    t->refuse(t, &err);
}

/* --- its end --------------------------------------------------------------------------------- */

static void free_slot(struct gateway_turn *t)
{
    if (t->slot >= 0)
        t->gateway->slots[t->slot].busy = false;
    t->slot = -1;
}

double turn_room(const struct gateway_turn *t)
{
    return room(t->gateway, t->run);
}

double turn_seconds(const struct gateway_turn *t)
{
    return (double)(clock_mono_us() - t->begun_us) / 1e6;
}

void turn_over(struct gateway_turn *t, double usd)
{
    purse_settle(&t->run->purse, t->held, usd);
    t->run->models += usd;
    t->held = 0;
    t->running = false;
    t->run->running--;
    if (t->pod)
        t->run->tenant->running--;
    free_slot(t);
    gateway_round_soon(t->gateway);
}

/* --- its begin ------------------------------------------------------------------------------- */

void turn_leave_line(struct gateway_turn *t)
{
    if (!t->wait_link)
        return;
    *t->wait_link = t->later;
    if (t->later)
        t->later->wait_link = t->wait_link;
    else
        t->gateway->waiting_end = t->wait_link;
    t->wait_link = NULL;
    loop_timer_clear(&t->overdue);
}

static void run_now(struct gateway_turn *t)
{
    turn_leave_line(t);
    t->running = true;
    t->begun_us = clock_mono_us();
    t->held = t->worst;
    purse_hold(&t->run->purse, t->held);
    t->run->running++;
    if (t->pod) {
        t->run->tenant->running++;
        t->run->tenant->served = ++t->gateway->turns;
    }
    t->go(t);
}

/* --- the pod's slots ------------------------------------------------------------------------- */

/* The one that has the run's prompt, else one that nobody's prompt is in, else the one unused
 * longest. */
static int choose_slot(struct gateway *g, struct gateway_run *run, int n)
{
    int best = -1;
    if (run->slot >= 0 && run->slot < n && !g->slots[run->slot].busy &&
        g->slots[run->slot].owner == run)
        return run->slot;
    for (int i = 0; i < n; i++) {
        const struct gateway_slot *s = &g->slots[i];
        if (!s->busy && (best < 0 || s->served < g->slots[best].served))
            best = i;
    }
    return best;
}

static void take_slot(struct gateway_turn *t, int n)
{
    struct gateway *g = t->gateway;
    t->slot = t->keeps_prompts ? choose_slot(g, t->run, n) : -1;
    if (t->slot < 0)
        return;
    t->run->slot = t->slot;
    g->slots[t->slot] = (struct gateway_slot){t->run, true, ++g->turns};
}

static bool goes_before(const struct gateway_turn *a, const struct gateway_turn *b)
{
    const struct gateway_tenant *x = a->run->tenant, *y = b->run->tenant;
    return x->running != y->running ? x->running < y->running : x->served < y->served;
}

static int pod_running(const struct gateway *g)
{
    int n = 0;
    for (const struct gateway_tenant *t = g->tenants; t; t = t->next)
        n += t->running;
    return n;
}

/* --- a round --------------------------------------------------------------------------------- */

static bool may_go(const struct gateway_turn *t)
{
    bool room = t->run->of_tenant || t->run->running < CAP_GATEWAY_RUN_RUNNING;
    return room && !t->run->stuck;
}

/* True: it went, one way or the other. */
static bool try_to_go(struct gateway_turn *t, int slots)
{
    enum purse_answer money = ask_money(t);
    if (money == PURSE_LATER) {
        t->run->stuck = true;
        return false;
    }
    if (money == PURSE_NO) {
        turn_leave_line(t);
        no_money(t);
        return true;
    }
    if (t->pod)
        take_slot(t, slots);
    run_now(t);
    return true;
}

/* The first of the tenant whose turn it is. */
static struct gateway_turn *next_of_pod(struct gateway *g)
{
    struct gateway_turn *best = NULL;
    for (struct gateway_turn *t = g->waiting; t; t = t->later)
        if (t->pod && may_go(t) && (!best || goes_before(t, best)))
            best = t;
    return best;
}

static int slots_of_pod(struct gateway *g)
{
    struct gateway_pod pod;
    struct pool *pool = pool_create(NULL);
    int n = upstream_pod(g, pool, &pod) ? pod.slots : 0;
    pool_destroy(pool);
    return n > CAP_GATEWAY_SLOTS ? CAP_GATEWAY_SLOTS : n;
}

static bool waits_for_pod(const struct gateway *g, const struct gateway_tenant *tenant)
{
    for (const struct gateway_turn *t = g->waiting; t; t = t->later)
        if (t->pod && t->run->tenant == tenant && may_go(t))
            return true;
    return false;
}

bool turn_crowds(const struct gateway_turn *turn)
{
    struct gateway *g = turn->gateway;
    const struct gateway_tenant *own = turn->run->tenant;
    int tenants = 0, slots = slots_of_pod(g);
    bool others_wait = false;
    for (const struct gateway_tenant *t = g->tenants; t; t = t->next) {
        bool waits = waits_for_pod(g, t);
        tenants += waits || t->running;
        others_wait |= waits && t != own;
    }
    return slots && others_wait && own->running * tenants > slots;
}

static void round_of_pod(struct gateway *g)
{
    struct gateway_turn *t;
    int slots = slots_of_pod(g);
    while ((!slots || pod_running(g) < slots) && (t = next_of_pod(g)))
        try_to_go(t, slots);
}

static void round_now(void *arg)
{
    struct gateway *g = arg;
    for (struct gateway_run *r = g->runs; r; r = r->next)
        r->stuck = false;
    for (struct gateway_turn *t = g->waiting, *later; t; t = later) {
        later = t->later;
        if (!t->pod && may_go(t))
            try_to_go(t, 0);
    }
    round_of_pod(g);
}

void gateway_round_soon(struct gateway *g)
{
    loop_timer_set(g->config.loop, &g->round, 0, round_now, g);
}

/* --- into the line --------------------------------------------------------------------------- */

static void too_late(void *arg)
{
    struct gateway_turn *t = arg;
    struct err err;
    turn_leave_line(t);
    err_set(&err, E_TIMEOUT, "the call waited %d s for other calls of its run or of other runs",
            CAP_GATEWAY_WAIT_MS / 1000);
    t->refuse(t, &err);
}

void turn_wait(struct gateway_turn *t)
{
    struct gateway *g = t->gateway;
    t->later = NULL;
    t->wait_link = g->waiting_end;
    *g->waiting_end = t;
    g->waiting_end = &t->later;
    loop_timer_set(g->config.loop, &t->overdue, CAP_GATEWAY_WAIT_MS, too_late, t);
    gateway_round_soon(g);
}
