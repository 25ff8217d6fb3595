/*
 * gateway_tenant.c - what a tenant pays beside its runs: calls of its own to the pod's model, which
 * whoever asks for their turn carries out, and plans that no run came of. It is held against what
 * the tenant may spend a day, and written to the store a few seconds later.
 */
#include "sched/gateway_private.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define LEDGER_MS 5000 /* until it is stored: one commit for many calls */

struct gateway_ticket {
    struct gateway_turn turn; /* first: go() and refuse() find the ticket by it */
    struct gateway_order order;
};

/* --- the ledger ------------------------------------------------------------------------------ */

static struct gateway_run *account_of(struct gateway *g, const char *tenant)
{
    struct run_key key = RUN_KEY(tenant, "");
    struct gateway_run *r = gateway_run_of(g, key);
    if (!r)
        r = gateway_run_create(g, key);
    r->of_tenant = true;
    return r;
}

static void write_now(void *arg)
{
    ledger_write(arg);
}

static void write_soon(struct gateway *g)
{
    if (g->config.store && !g->ledger.loop)
        loop_timer_set(g->config.loop, &g->ledger, LEDGER_MS, write_now, g);
}

void ledger_write(struct gateway *g)
{
    for (struct gateway_run *r = g->runs; r && g->config.store; r = r->next) {
        struct err err = {0};
        const struct log_ctx ctx = {.tenant_id = r->key.tenant};
        if (!r->of_tenant || r->purse.spent <= r->told)
            continue;
        if (!store_cost_add(g->config.store, r->key.tenant, clock_wall_us(),
                            r->purse.spent - r->told, &err)) {
            r->told = r->purse.spent;
            continue;
        }
        log_warning(GATEWAY_LOGGER, &ctx, "what the tenant paid is not stored yet: %s", err.msg);
        write_soon(g);
    }
}

void gateway_charge(struct gateway *g, const char *tenant, double usd)
{
    account_of(g, tenant)->purse.spent += usd;
    write_soon(g);
}

json_t *gateway_take(struct gateway *g, struct run_key key)
{
    struct gateway_run *r = gateway_run_of(g, key);
    if (!r)
        return NULL;
    gateway_close(r);
    json_t *paid = json_incref(r->paid);
    gateway_forget(g, key);
    return paid;
}

/* --- turns ----------------------------------------------------------------------------------- */

static void on_go(struct gateway_turn *turn)
{
    struct gateway_ticket *t = (struct gateway_ticket *)turn;
    t->order.go(t->order.arg, turn->timeout_ms);
}

static void on_refuse(struct gateway_turn *turn, const struct err *err)
{
    struct gateway_ticket *t = (struct gateway_ticket *)turn;
    t->order.refuse(t->order.arg, err);
}

/* No longer than max_cost lasts. */
static int most_ms(const struct gateway *g, const struct gateway_order *o, int ms)
{
    double usd = gateway_second_usd(g) * ms / 1000;
    return o->max_cost > 0 && usd > o->max_cost ? (int)(ms * o->max_cost / usd) : ms;
}

static bool keeps_prompts(struct gateway *g)
{
    struct gateway_pod pod;
    struct pool *pool = pool_create(NULL);
    bool keeps = upstream_pod(g, pool, &pod) && pod.keeps_prompts;
    pool_destroy(pool);
    return keeps;
}

struct gateway_ticket *gateway_wait(struct gateway *g, const struct gateway_order *order)
{
    struct gateway_ticket *t = calloc(1, sizeof(*t));
    if (!t)
        BUG("out of memory");
    t->order = *order;
    t->turn = (struct gateway_turn){.gateway = g,
                                    .run = account_of(g, order->tenant),
                                    .go = on_go,
                                    .refuse = on_refuse,
                                    .timed = true,
                                    .pod = true,
                                    .keeps_prompts = keeps_prompts(g),
                                    .timeout_ms = most_ms(g, order, order->timeout_ms),
                                    .slot = -1};
    turn_price_time(&t->turn);
    t->turn.run->day_cap = order->day_cap;
    turn_wait(&t->turn);
    return t;
}

int gateway_prolong(struct gateway_ticket *t, int ms)
{
    struct gateway_turn *turn = &t->turn;
    double rate = gateway_second_usd(turn->gateway), so_far_ms = turn_seconds(turn) * 1000;
    if (rate <= 0)
        return ms;
    int all_ms = most_ms(turn->gateway, &t->order, (int)so_far_ms + ms);
    double more = fmin(rate * all_ms / 1000 - turn->held, turn_room(turn));
    if (more > 0) {
        purse_hold(&turn->run->purse, more);
        turn->held += more;
    }
    double left_ms = turn->held / rate * 1000 - so_far_ms;
    return left_ms < ms ? (int)left_ms : ms;
}

bool gateway_crowded(const struct gateway_ticket *t)
{
    return turn_crowds(&t->turn);
}

void gateway_leave(struct gateway_ticket *t)
{
    if (!t)
        return;
    struct gateway_turn *turn = &t->turn;
    turn_leave_line(turn);
    if (turn->running)
        turn_over(turn, turn_seconds(turn) * gateway_second_usd(turn->gateway));
    write_soon(turn->gateway);
    free(t);
}
