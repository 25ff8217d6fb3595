/*
 * gateway_turn.c - whose call is next, and what becomes of it.
 *
 * Calls wait in one line. A round goes through it: a call that is paid by the token is made when
 * its run's purse, and its tenant's of the day, hold its worst case; if only calls under way keep
 * it from that, it waits, and so do the later calls of its run. The pod's model server takes as
 * many calls as it has slots, in turn from each tenant that waits, and is paid by the second: a
 * call gets no more time than there is money for. A round follows every arrival and every end.
 */
#include "sched/gateway_private.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"

#define DAY_US      (INT64_C(24) * 3600 * 1000000)
#define STORE_MS    1000 /* until the store is asked again */
#define MIN_TIME_MS 1000 /* a call of the pod's model is not begun for less */

/* --- money ----------------------------------------------------------------------------------- */

static double second_usd(const struct gateway *g)
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

/* Of the pod's model: the time that there is money for, if nothing of it is held by other calls. */
static enum purse_answer ask_for_time(struct call *c)
{
    struct gateway *g = c->gateway;
    double rate = second_usd(g), least = rate * MIN_TIME_MS / 1000;
    enum purse_answer all = ask_purses(g, c->run, c->worst);
    if (all != PURSE_NO || rate <= 0)
        return all;
    all = ask_purses(g, c->run, least);
    if (all != PURSE_YES || c->run->purse.held > 0)
        return all == PURSE_NO ? all : PURSE_LATER;
    c->worst = fmin(c->worst, room(g, c->run));
    c->timeout_ms = (int)(c->worst / rate * 1000);
    c->short_time = true;
    return PURSE_YES;
}

static enum purse_answer ask_money(struct call *c)
{
    if (c->route->get && !c->up.pod)
        return PURSE_YES;
    return c->up.pod ? ask_for_time(c) : ask_purses(c->gateway, c->run, c->worst);
}

static void no_money(struct call *c)
{
    struct err err;
    err_set(&err, E_BUDGET,
            "the call may cost %.4f USD; of the run's %.2f USD %.4f are spent and %.4f held",
            c->worst, c->run->purse.cap, c->run->purse.spent, c->run->purse.held);
    if (purse_ask(&c->run->purse, c->worst) == PURSE_YES)
        err_set(&err, E_BUDGET, "the call may cost %.4f USD; max_cost_per_day allows %.2f",
                c->worst, c->run->day_cap);
    call_fail(c, &err);
}

/* --- its end --------------------------------------------------------------------------------- */

/* By the token: the price of what the answer tells; a call whose end is not known counts as what it
 * may have cost, one that never began or that the server refused as nothing. */
static double pay_tokens(struct call *c, int result, const struct httpc_answer *answer)
{
    const char *model = c->model;
    struct token_use use;
    if (result == E_UNAVAILABLE || !*c->model || (answer && answer->status != 200))
        return 0;
    bool told = answer && told_use(c->pool, c->up.profile->api, c->model, answer->body, answer->len,
                                   &model, &use);
    double usd = told ? cost_of_tokens(&c->gateway->rates, model, &use) : c->held;
    cost_pay(c->run->paid, model, told ? &use : NULL, usd);
    return usd;
}

/* What becomes of what was held. */
static double pay(struct call *c, int result, const struct httpc_answer *answer)
{
    double usd = c->up.pod ? c->seconds * second_usd(c->gateway) : pay_tokens(c, result, answer);
    if (c->up.pod)
        c->run->gpu_seconds += c->seconds;
    c->run->models += usd;
    return usd;
}

static void free_slot(struct call *c)
{
    if (c->slot >= 0)
        c->gateway->slots[c->slot].busy = false;
    c->slot = -1;
}

static void tell(const struct call *c, int result, const struct httpc_answer *answer, double usd)
{
    const struct log_ctx ctx = {.tenant_id = c->run->key.tenant, .run_id = c->run->key.run_id};
    log_debug(GATEWAY_LOGGER, &ctx, "profile=%s%s outcome=%s status=%d seconds=%.3f usd=%.6f",
              c->up.name, c->route->path, err_name(result), answer ? answer->status : 0, c->seconds,
              usd);
    if (!c->up.pod && usd > c->held)
        log_warning(GATEWAY_LOGGER, &ctx,
                    "a call of '%s' cost %.4f USD, more than the %.4f that were held", c->up.name,
                    usd, c->held);
}

static void settle(struct call *c, int result, const struct httpc_answer *answer)
{
    c->seconds = (double)(clock_mono_us() - c->begun_us) / 1e6;
    double usd = pay(c, result, answer);
    tell(c, result, answer, usd);
    purse_settle(&c->run->purse, c->held, usd);
    c->held = 0;
    c->run->running--;
    if (c->up.pod)
        c->run->tenant->running--;
    free_slot(c);
    c->exchange = NULL;
    gateway_round_soon(c->gateway);
}

/* The server's own words: which address, and what was wrong. */
static void fail_upstream(struct call *c, int result, const struct err *why)
{
    struct err err;
    int code = result == E_TIMEOUT ? E_TIMEOUT : E_UPSTREAM;
    err_set(&err, code, "%s", why->msg);
    if (result == E_TIMEOUT && c->short_time)
        err_set(&err, E_BUDGET, "the model took longer than the run's money lasts");
    call_fail(c, &err);
}

static void on_done(void *arg, int result, const struct httpc_answer *answer, const struct err *err)
{
    struct call *c = arg;
    settle(c, result, answer);
    if (result) {
        fail_upstream(c, result, err);
        return;
    }
    char *body = pool_alloc(c->pool, answer->len + 1);
    memcpy(body, answer->body, answer->len);
    str_mask(body, answer->len, c->up.key); /* a server that repeats what it was sent */
    c->retry_after_s = answer->retry_after_s;
    call_answer(c, answer->status, pool_strdup(c->pool, answer->content_type), body, answer->len);
}

void call_stop(struct call *c)
{
    if (!c->exchange)
        return;
    httpc_cancel(c->exchange);
    settle(c, E_CANCELLED, NULL);
}

/* --- its begin ------------------------------------------------------------------------------- */

/* Before the body's last brace: all of it need not be read for that, and what stands last counts
 * where a key stands twice. */
static int add_slot(struct call *c, struct err *err)
{
    size_t end = c->body.len;
    while (end && strchr(" \t\r\n", c->body.data[end - 1]))
        end--;
    if (end < 3 || c->body.data[0] != '{' || c->body.data[end - 1] != '}')
        return err_set(err, E_INVALID, "the call's body must be a JSON object");
    c->body.len = end - 1;
    return buf_addf(&c->body, ",\"id_slot\":%d,\"cache_prompt\":true}", c->slot)
               ? err_set(err, E_TOOBIG, "the call is larger than %u bytes", CAP_GATEWAY_BODY_BYTES)
               : 0;
}

static int start(struct call *c, struct err *err)
{
    struct gateway *g = c->gateway;
    bool get = c->route->get;
    int r = g->httpc ? 0 : httpc_create(g->config.loop, &g->httpc, err);
    if (!r && c->slot >= 0 && !get)
        r = add_slot(c, err);
    if (r)
        return r;
    const struct httpc_request request = {
        .method = c->route->method,
        .url = pool_printf(c->pool, "%s%s", c->up.base_url, c->route->path),
        .headers = c->up.headers,
        .body = get ? NULL : c->body.data,
        .body_len = c->body.len,
        .timeout_ms = c->timeout_ms,
        .max_answer_bytes = CAP_MODEL_ANSWER_BYTES,
    };
    return httpc_start(g->httpc, &request, on_done, c, &c->exchange, err);
}

void call_leave_line(struct call *c)
{
    if (!c->wait_link)
        return;
    *c->wait_link = c->later;
    if (c->later)
        c->later->wait_link = c->wait_link;
    else
        c->gateway->waiting_end = c->wait_link;
    c->wait_link = NULL;
    loop_timer_clear(&c->overdue);
}

static void run_now(struct call *c)
{
    struct err err = {0};
    call_leave_line(c);
    c->stage = CALL_RUNNING;
    c->begun_us = clock_mono_us();
    c->held = c->worst;
    purse_hold(&c->run->purse, c->held);
    c->run->running++;
    if (c->up.pod) {
        c->run->tenant->running++;
        c->run->tenant->served = ++c->gateway->turns;
    }
    int r = start(c, &err);
    buf_release(&c->body);
    if (!r)
        return;
    settle(c, E_UNAVAILABLE, NULL);
    err.code = r;
    call_fail(c, &err);
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

static void take_slot(struct call *c, int n)
{
    struct gateway *g = c->gateway;
    c->slot = c->up.keeps_prompts ? choose_slot(g, c->run, n) : -1;
    if (c->slot < 0)
        return;
    c->run->slot = c->slot;
    g->slots[c->slot] = (struct gateway_slot){c->run, true, ++g->turns};
}

static bool goes_before(const struct call *a, const struct call *b)
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

static bool may_go(const struct call *c)
{
    return !c->run->stuck && c->run->running < CAP_GATEWAY_RUN_RUNNING;
}

/* True: it went, one way or the other. */
static bool try_to_go(struct call *c, int slots)
{
    enum purse_answer money = ask_money(c);
    if (money == PURSE_LATER) {
        c->run->stuck = true;
        return false;
    }
    if (money == PURSE_NO) {
        no_money(c);
        return true;
    }
    if (c->up.pod)
        take_slot(c, slots);
    run_now(c);
    return true;
}

/* The first of the tenant whose turn it is. */
static struct call *next_of_pod(struct gateway *g)
{
    struct call *best = NULL;
    for (struct call *c = g->waiting; c; c = c->later)
        if (c->up.pod && may_go(c) && (!best || goes_before(c, best)))
            best = c;
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

static void round_of_pod(struct gateway *g)
{
    struct call *c;
    int slots = slots_of_pod(g);
    while ((!slots || pod_running(g) < slots) && (c = next_of_pod(g)))
        try_to_go(c, slots);
}

static void round_now(void *arg)
{
    struct gateway *g = arg;
    for (struct gateway_run *r = g->runs; r; r = r->next)
        r->stuck = false;
    for (struct call *c = g->waiting, *later; c; c = later) {
        later = c->later;
        if (!c->up.pod && may_go(c))
            try_to_go(c, 0);
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
    struct call *c = arg;
    struct err err;
    err_set(&err, E_TIMEOUT, "the call waited %d s for other calls of its run or of other runs",
            CAP_GATEWAY_WAIT_MS / 1000);
    call_fail(c, &err);
}

/* A call that is paid by the token is read: by which model, how much. */
static int weigh(struct call *c, struct err *err)
{
    c->timeout_ms = c->up.profile->timeout_s * 1000;
    if (c->up.pod) {
        c->worst = second_usd(c->gateway) * c->up.profile->timeout_s;
        return 0;
    }
    if (c->route->get)
        return 0;
    return worst_cost(c->pool, c->body.data, c->body.len, &c->gateway->rates, &c->model, &c->worst,
                      err);
}

void call_begin(struct call *c)
{
    struct gateway *g = c->gateway;
    struct err err = {0};
    if (!c->body.len && !c->route->get)
        err_set(&err, E_INVALID, "the call has no body");
    else
        weigh(c, &err);
    if (err.code) {
        call_fail(c, &err);
        return;
    }
    c->stage = CALL_WAITING;
    c->later = NULL;
    c->wait_link = g->waiting_end;
    *g->waiting_end = c;
    g->waiting_end = &c->later;
    loop_timer_set(g->config.loop, &c->overdue, CAP_GATEWAY_WAIT_MS, too_late, c);
    gateway_round_soon(g);
}
