/*
 * gateway_exchange.c - the call to the model server, and what it came to.
 */
#include "sched/gateway_private.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_scan.h"
#include "base/log.h"
#include "base/str.h"
#include "brain/model/reply.h"

/* --- what it came to ------------------------------------------------------------------------- */

/* What an answer says it took: *ret_model is who answered. False: it does not say. */
static bool told_use(struct pool *pool, enum profile_api api, const char *model_asked,
                     const char *answer, size_t len, const char **ret_model,
                     struct token_use *ret_use)
{
    json_t *body;
    struct said said = {0};
    if (json_parse(answer, len, "answer", &body, NULL) ||
        !said_tokens(api, json_keep(pool, body), &said))
        return false;
    *ret_use = said_use(&said);
    *ret_model = json_str(body, "model", model_asked);
    if (!**ret_model)
        *ret_model = model_asked;
    return true;
}

/* By the token: the price of what the answer tells; a call whose end is not known counts as what it
 * may have cost, one that never began or that the server refused as nothing. */
static double pay_tokens(struct call *c, int result, const struct httpc_answer *answer)
{
    const char *model = c->cost.model;
    struct token_use use;
    if (result == E_UNAVAILABLE || !*c->cost.model || (answer && answer->status != 200))
        return 0;
    bool told = answer && told_use(c->pool, c->up.profile->api, c->cost.model, answer->body, answer->len,
                                   &model, &use);
    double usd = told ? cost_of_tokens(&c->gateway->rates, model, &use) : c->turn.held;
    cost_pay(c->run->paid, model, told ? &use : NULL, usd);
    return usd;
}

/* What becomes of what was held. */
static double pay(struct call *c, int result, const struct httpc_answer *answer)
{
    double usd = c->up.pod ? c->seconds * gateway_second_usd(c->gateway) : pay_tokens(c, result, answer);
    if (c->up.pod)
        c->run->gpu_seconds += c->seconds;
    return usd;
}

static void tell(const struct call *c, int result, const struct httpc_answer *answer, double usd)
{
    const struct log_ctx ctx = {.tenant_id = c->run->key.tenant, .run_id = c->run->key.run_id};
    log_debug(GATEWAY_LOGGER, &ctx, "profile=%s%s outcome=%s status=%d seconds=%.3f usd=%.6f",
              c->up.name, c->route->path, err_name(result), answer ? answer->status : 0, c->seconds,
              usd);
    if (!c->up.pod && usd > c->turn.held)
        log_warning(GATEWAY_LOGGER, &ctx,
                    "a call of '%s' cost %.4f USD, more than the %.4f that were held", c->up.name,
                    usd, c->turn.held);
}

static void settle(struct call *c, int result, const struct httpc_answer *answer)
{
    c->seconds = turn_seconds(&c->turn);
    double usd = pay(c, result, answer);
    tell(c, result, answer, usd);
    c->exchange = NULL;
    turn_over(&c->turn, usd);
}

/* --- its end --------------------------------------------------------------------------------- */

/* The server's own words: which address, and what was wrong. */
static void fail_upstream(struct call *c, int result, const struct err *why)
{
    struct err err;
    int code = result == E_TIMEOUT ? E_TIMEOUT : E_UPSTREAM;
    err_set(&err, code, "%s", why->msg);
    if (result == E_TIMEOUT && c->turn.short_money && c->up.pod) /* one that is paid by the token has all its time */
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
    return buf_addf(&c->body, ",\"id_slot\":%d,\"cache_prompt\":true}", c->turn.slot)
               ? err_set(err, E_TOOBIG, "the call is larger than %u bytes", CAP_GATEWAY_BODY_BYTES)
               : 0;
}

/* The answer is as long as there is money for. */
static int cut_answer(struct call *c, struct err *err)
{
    struct json_field limit = {.name = "max_tokens"};
    long long tokens = worst_tokens(&c->cost, c->turn.held);
    const struct log_ctx ctx = {.tenant_id = c->run->key.tenant, .run_id = c->run->key.run_id};
    int r = json_scan(c->body.data, c->body.len, "the call's body", &limit, err);
    if (!r && limit.times != 1)
        r = err_set(err, E_INVALID, "the call's body must say 'max_tokens' once");
    if (!r && buf_splice(&c->body, limit.at, limit.len, pool_printf(c->pool, "%lld", tokens)))
        r = err_set(err, E_TOOBIG, "the call is larger than %u bytes", CAP_GATEWAY_BODY_BYTES);
    if (!r)
        log_info(GATEWAY_LOGGER, &ctx,
                 "a call of '%s' may answer in %lld tokens instead of %lld: there is no money for more",
                 c->up.name, tokens, (long long)c->cost.max_tokens);
    return r;
}

static int start(struct call *c, struct err *err)
{
    struct gateway *g = c->gateway;
    bool get = c->route->get;
    int r = g->httpc ? 0 : httpc_create(g->config.loop, &g->httpc, err);
    if (!r && c->turn.slot >= 0 && !get)
        r = add_slot(c, err);
    if (!r && c->turn.short_money && !c->up.pod)
        r = cut_answer(c, err);
    if (r)
        return r;
    const struct httpc_request request = {
        .method = c->route->method,
        .url = pool_printf(c->pool, "%s%s", c->up.base_url, c->route->path),
        .headers = c->up.headers,
        .body = get ? NULL : c->body.data,
        .body_len = c->body.len,
        .timeout_ms = c->turn.timeout_ms,
        .max_answer_bytes = CAP_MODEL_ANSWER_BYTES,
    };
    return httpc_start(g->httpc, &request, on_done, c, &c->exchange, err);
}

static void go(struct gateway_turn *turn)
{
    struct call *c = (struct call *)turn;
    struct err err = {0};
    c->stage = CALL_RUNNING;
    int r = start(c, &err);
    buf_release(&c->body);
    if (!r)
        return;
    settle(c, E_UNAVAILABLE, NULL);
    err.code = r;
    call_fail(c, &err);
}

static void refuse(struct gateway_turn *turn, const struct err *err)
{
    call_fail((struct call *)turn, err);
}

/* A call that is paid by the token is read: by which model, how much. */
static int weigh(struct call *c, struct err *err)
{
    c->turn.timeout_ms = c->up.profile->timeout_s * 1000;
    if (c->up.pod)
        turn_price_time(&c->turn);
    if (c->up.pod || c->route->get)
        return 0;
    int r = worst_cost(c->pool, c->body.data, c->body.len, &c->gateway->rates, &c->cost, err);
    c->turn.worst = c->cost.usd;
    c->turn.least = worst_cut(&c->cost, c->up.profile->least_percent);
    return r;
}

void call_begin(struct call *c)
{
    struct err err = {0};
    c->turn = (struct gateway_turn){.gateway = c->gateway,
                                    .run = c->run,
                                    .go = go,
                                    .refuse = refuse,
                                    .timed = c->up.pod,
                                    .pod = c->up.pod && !c->up.elsewhere,
                                    .keeps_prompts = c->up.keeps_prompts,
                                    .costs_nothing = c->route->get && !c->up.pod,
                                    .slot = -1};
    if (!c->body.len && !c->route->get)
        err_set(&err, E_INVALID, "the call has no body");
    else
        weigh(c, &err);
    if (err.code) {
        call_fail(c, &err);
        return;
    }
    c->stage = CALL_WAITING;
    turn_wait(&c->turn);
}
