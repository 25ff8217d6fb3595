/*
 * chat.c - POST /v1/chat/completions: the model server of this host behind a tenant's token, byte
 * for byte (http-api.md section 7).
 *
 * A call that was checked and charged waits for its turn among the calls of all (sched/gateway.h), is
 * sent on, and stays suspended until the model server's headers are there. An event stream then goes to the caller as it comes. Any other answer is collected, and
 * passed on as it is when it is JSON. A caller that leaves ends the call to the model server at
 * once.
 */
#include "api/chat.h"

#include <stdlib.h>
#include <string.h>

#include "api/start.h"
#include "base/caps.h"
#include "base/str.h"

#define LOGGER        "mantis.server"
#define MESSAGE_BYTES 1000 /* of an answer that is no JSON (http-api.md section 7) */

/* --- how it ended ---------------------------------------------------------------------------- */

void chat_count(struct chat *c, const char *outcome)
{
    if (!c->counted)
        meters_chat(c->req->api->meters, c->req->tenant_id, outcome);
    c->counted = true;
}

void chat_count_status(struct chat *c, int status)
{
    static const char *const outcomes[] = {"status_1xx", "ok", "status_3xx", "status_4xx",
                                           "status_5xx"};
    int hundreds = status / 100;
    chat_count(c, hundreds >= 1 && hundreds <= 5 ? outcomes[hundreds - 1] : "upstream_error");
}

static void go_on(struct chat *c)
{
    if (!c->resumed)
        request_resume(c->req);
    else
        chat_stream_over(c);
    c->resumed = true;
}

/* The model server is free for another call. */
static void let_go(struct chat *c)
{
    if (c->exchange)
        httpc_cancel(c->exchange);
    c->exchange = NULL;
    gateway_leave(c->ticket);
    c->ticket = NULL;
    loop_timer_clear(&c->quiet);
}

static void end(struct chat *c, int result, const struct err *err)
{
    let_go(c);
    c->over = true;
    c->result = result;
    if (result)
        c->err = *err;
    go_on(c);
}

void chat_break_off(struct chat *c, const struct err *err)
{
    end(c, err->code, err);
}

/* With the request, whatever ended it. Who left before there was an answer has no status. */
static void chat_close(void *arg)
{
    struct chat *c = arg;
    let_go(c);
    chat_stream_close(c);
    chat_count_status(c, c->status ? c->status : MHD_HTTP_BAD_REQUEST);
    buf_release(&c->in);
}

static void abandon(struct request *req)
{
    let_go(req->state);
}

/* --- the answer ------------------------------------------------------------------------------ */

static const char *words_of(const struct chat *c)
{
    struct pool *pool = c->req->pool;
    if (!c->in.len)
        return pool_printf(pool, "the model server answered %d without a body", c->status);
    size_t len = c->in.len < 4 * MESSAGE_BYTES ? c->in.len : 4 * MESSAGE_BYTES;
    json_t *safe = json_keep(pool, json_string_safe(pool_strndup(pool, c->in.data, len)));
    return str_cut(pool, json_string_value(safe), MESSAGE_BYTES);
}

static int answer_words(struct chat *c)
{
    int status = c->status >= MHD_HTTP_BAD_REQUEST ? c->status : MHD_HTTP_BAD_GATEWAY;
    struct log_ctx ctx = request_log_ctx(c->req, NULL);
    log_msg(LOG_INFO, LOGGER, &ctx, "the model server answered %d with %zu bytes that are no JSON",
            c->status, c->in.len);
    if (status == c->status)
        chat_count_status(c, status);
    chat_count(c, "upstream_error");
    json_t *doc =
        json_pack("{s:{s:s,s:s}}", "error", "message", words_of(c), "type", "upstream_error");
    return respond_json(c->req, status, json_keep(c->req->pool, doc));
}

static int answer(struct request *req, struct err *err)
{
    struct chat *c = req->state;
    if (c->streams)
        return chat_stream_open(c);
    if (c->result) {
        chat_count(c, "upstream_error");
        *err = c->err;
        return c->result;
    }
    str_mask(c->in.data, c->in.len, c->key); /* a server that repeats what it was sent */
    if (json_scan(c->in.data, c->in.len, "", NULL, NULL))
        return answer_words(c);
    chat_count_status(c, c->status);
    return respond_kept(req, c->status, strcasestr(c->type, "json") ? c->type : "application/json",
                        c->in.data, c->in.len);
}

/* --- the exchange ---------------------------------------------------------------------------- */

static void on_head(void *arg, const struct httpc_answer *head)
{
    struct chat *c = arg;
    c->status = head->status;
    c->type = pool_strdup(c->req->pool, head->content_type);
    c->req->retry_after_s = head->retry_after_s;
    c->streams = chat_is_stream(c->status, c->type);
    if (httpc_body_sent(c->exchange)) /* a stream may live long */
        buf_release(&c->req->body);
    if (!c->streams)
        return;
    httpc_unlimit(c->exchange);
    go_on(c);
}

static void too_large(void *arg)
{
    struct err err = {0};
    err_set(&err, E_UPSTREAM, "the model server's answer is larger than %u bytes",
            CAP_CHAT_ANSWER_BYTES);
    chat_break_off(arg, &err);
}

/* An exchange cannot be ended from inside. */
static void on_body(void *arg, const char *data, size_t len)
{
    struct chat *c = arg;
    if (buf_add(&c->in, data, len)) {
        httpc_pause(c->exchange, true);
        loop_timer_set(c->req->api->loop, &c->quiet, 0, too_large, c);
    } else if (c->streams) {
        chat_stream_grew(c);
    }
}

int chat_no_money(struct err *err)
{
    return err_set(err, E_BUDGET,
                   "the model took longer than there is money for: see max_cost_per_day and "
                   "max_cost_per_run of the tenant");
}

/* Not the model server's fault. */
static int refuse(struct chat *c, int code)
{
    chat_count_status(c, err_http_status(code));
    return code;
}

/* Whatever it is that is wrong there, the caller's call was right. */
static void on_done(void *arg, int result, const struct httpc_answer *answer, const struct err *err)
{
    struct chat *c = arg;
    struct err own = {0};
    c->exchange = NULL;
    if (result == E_TIMEOUT && c->short_time)
        result = refuse(c, chat_no_money(&own));
    else if (result)
        result = err_set(&own, result == E_TIMEOUT ? E_TIMEOUT : E_UPSTREAM, "the model server: %s",
                         err->msg);
    end(c, result, &own);
}

static int send_on(struct chat *c, int timeout_ms, struct err *err)
{
    struct request *req = c->req;
    struct engine *engine = req->api->engine;
    c->key = engine_key(engine, req->pool);
    struct httpc_request q = {
        .method = "POST",
        .url = pool_printf(req->pool, "%s/v1/chat/completions", engine_url(engine)),
        .headers = chat_headers(req, c->key),
        .body = req->body.data,
        .body_len = req->body.len,
        .timeout_ms = timeout_ms,
        .max_answer_bytes = CAP_CHAT_ANSWER_BYTES,
        .flags = HTTPC_BODY_STAYS,
        .on_head = on_head,
        .on_body = on_body,
        .body_arg = c,
    };
    return httpc_start(req->api->httpc, &q, on_done, c, &c->exchange, err);
}

/* --- its turn -------------------------------------------------------------------------------- */

static void on_turn(void *arg, int timeout_ms)
{
    struct chat *c = arg;
    struct err err = {0};
    c->short_time = timeout_ms < c->req->api->chat_ms;
    if (!send_on(c, timeout_ms, &err))
        return;
    chat_count(c, "upstream_error");
    end(c, err.code, &err);
}

static void on_refused(void *arg, const struct err *err)
{
    struct chat *c = arg;
    end(c, refuse(c, err->code), err);
}

static void wait_for_turn(struct chat *c)
{
    const struct request *req = c->req;
    const struct api *api = req->api;
    double own = req->tenant->max_cost_per_run, all = api->settings->max_cost_usd;
    const struct gateway_order order = {.tenant = req->tenant_id,
                                        .day_cap = req->tenant->max_cost_per_day,
                                        .max_cost = own < all ? own : all,
                                        .timeout_ms = api->chat_ms,
                                        .go = on_turn,
                                        .refuse = on_refused,
                                        .arg = c};
    c->ticket = gateway_wait(api->gateway, &order);
}

/* --- the call -------------------------------------------------------------------------------- */

/* What is no JSON is refused in the words of all routes. */
static int refuse_body(struct request *req, const struct err *own, struct err *err)
{
    int r = request_read_json(req, err);
    if (!r)
        *err = *own;
    return r ? r : own->code;
}

static int read_body(struct request *req, struct err *err)
{
    const struct api *api = req->api;
    const char *named = api->engine ? engine_target(api->engine)->request_model : "";
    const char *served = *named ? named : api->model;
    struct json_field model = {.name = "model"};
    struct err own = {0};
    if (json_scan(req->body.data, req->body.len, "request body", &model, &own))
        return refuse_body(req, &own, err);
    return chat_map_model(&req->body, &model, api->model, served, err);
}

/* May the call go to the model server now? */
static int admit(struct request *req, struct err *err)
{
    struct api *api = req->api;
    const char *why;
    if (api->draining)
        return err_set(err, E_UNAVAILABLE, "the server is stopping and takes no new calls");
    if (!api->engine)
        return err_set(err, E_UNAVAILABLE,
                       "this server has no model server of its own for the brain '%s': name one that "
                       "runs in MANTIS_MODEL_URL",
                       api->model);
    if (!engine_ready(api->engine, &why))
        return err_set(err, E_UNAVAILABLE, "%.400s", why);
    return 0;
}

static void audit(const struct request *req, size_t bytes)
{
    struct engine *engine = req->api->engine;
    audit_line(req, NULL, "v1/chat/completions tenant=%s upstream=%s%s bytes=%zu", req->tenant_id,
               engine ? engine_url(engine) : "-", engine ? "/v1/chat/completions" : "", bytes);
}

static int begin(struct chat *c, struct err *err)
{
    int r = admit(c->req, err);
    if (r) {
        chat_count(c, c->req->api->draining ? "status_5xx" : "upstream_error");
        return r;
    }
    wait_for_turn(c);
    request_suspend_strictly(c->req, answer, abandon);
    return 0;
}

int chat_post(struct request *req, struct err *err)
{
    size_t bytes = req->body.len;
    int r = read_body(req, err);
    r = r ? r : start_take_token(req, req->tenant, err);
    if (r) {
        meters_chat(req->api->meters, req->tenant_id, "status_4xx");
        return r;
    }
    audit(req, bytes);
    struct chat *c = pool_alloc(req->pool, sizeof(*c));
    *c = (struct chat){.req = req, .key = "", .type = ""};
    buf_init(&c->in, CAP_CHAT_ANSWER_BYTES);
    pool_defer(req->pool, chat_close, c);
    req->state = c;
    return begin(c, err);
}
