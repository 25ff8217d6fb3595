#include "brain/model/http_transport.h"

#include <stdlib.h>

#include "base/caps.h"
#include "base/clock.h"
#include "sys/httpc.h"

struct http_transport {
    struct transport base;
    struct pool *pool;
    struct loop *loop;
    struct httpc *httpc;
    const char *base_url, *socket;
    const char *const *headers;
    int n_headers;
};

static const char *const *header_lines(const struct http_transport *t, struct pool *pool,
                                       const struct transport_call *call)
{
    size_t n = json_object_size(call->headers) + (size_t)t->n_headers + 2, i = 0;
    const char **lines = pool_alloc(pool, n * sizeof(*lines)), *name;
    json_t *value;
    if (call->body)
        lines[i++] = "Content-Type: application/json";
    for (int k = 0; k < t->n_headers; k++)
        lines[i++] = t->headers[k];
    json_object_foreach ((json_t *)call->headers, name, value)
        lines[i++] = pool_printf(pool, "%s: %s", name, json_string_value(value));
    return lines;
}

static int http_call(struct transport *base, struct pool *pool, const struct transport_call *call,
                     struct transport_answer *out, struct err *err)
{
    struct http_transport *t = (struct http_transport *)base;
    int64_t left = call->deadline_mono_ms - clock_mono_ms();
    if (left <= 0)
        return err_set(err, E_TIMEOUT, "no time is left");
    const struct httpc_request request = {.method = call->body ? "POST" : "GET",
                                          .url = pool_printf(pool, "%s%s", t->base_url, call->path),
                                          .headers = header_lines(t, pool, call),
                                          .body = call->body,
                                          .body_len = call->len,
                                          .timeout_ms = left > CAP_MODEL_CALL_MS ? CAP_MODEL_CALL_MS
                                                                                 : (int)left,
                                          .max_answer_bytes = CAP_MODEL_ANSWER_BYTES,
                                          .want_header = TRANSPORT_SECONDS_HEADER,
                                          .socket = t->socket};
    struct httpc_answer answer;
    int r = httpc_call(t->httpc, pool, &request, &answer, err);
    if (!r)
        *out = (struct transport_answer){.status = answer.status,
                                         .retry_after_s =
                                             answer.retry_after_s > 0 ? answer.retry_after_s : -1,
                                         .server_s = strtod(answer.header, NULL),
                                         .body = answer.body,
                                         .len = answer.len};
    return r;
}

static int http_rest(struct transport *base, int64_t until_mono_ms)
{
    return loop_wait(((struct http_transport *)base)->loop, NULL, NULL, until_mono_ms);
}

static void keep_headers(struct http_transport *t, const char *const *lines)
{
    while (lines && lines[t->n_headers])
        t->n_headers++;
    const char **own = pool_alloc(t->pool, (size_t)(t->n_headers + 1) * sizeof(*own));
    for (int i = 0; i < t->n_headers; i++)
        own[i] = pool_strdup(t->pool, lines[i]);
    t->headers = own;
}

int http_transport_create(struct loop *loop, const struct http_transport_config *c,
                          struct transport **out, struct err *err)
{
    struct httpc_url url;
    struct pool *pool = pool_create(NULL);
    struct http_transport *t = pool_alloc(pool, sizeof(*t));
    *t = (struct http_transport){.base = {.call = http_call, .rest = http_rest},
                                 .pool = pool,
                                 .loop = loop,
                                 .base_url = pool_strdup(pool, c->base_url),
                                 .socket = c->socket ? pool_strdup(pool, c->socket) : NULL};
    keep_headers(t, c->headers);
    int r = httpc_url_parse(pool, c->base_url, &url, err);
    if (!r)
        r = httpc_create(loop, &t->httpc, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    t->base.where = c->where    ? pool_strdup(pool, c->where)
                    : c->socket ? pool_printf(pool, "unix:%s", c->socket)
                                : pool_printf(pool, "%s%s", url.origin, url.path);
    *out = &t->base;
    return 0;
}

void http_transport_destroy(struct transport *base)
{
    struct http_transport *t = (struct http_transport *)base;
    if (!t)
        return;
    httpc_destroy(t->httpc);
    pool_destroy(t->pool);
}
