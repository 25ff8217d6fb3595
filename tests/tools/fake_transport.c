#include "tools/fake_transport.h"

#include <string.h>

#include "base/clock.h"

static void keep(struct fake_transport *t, const struct transport_call *call)
{
    json_t *body = NULL;
    if (t->calls == FAKE_CALLS)
        BUG("more than %d calls", FAKE_CALLS);
    if (call->body && json_parse(call->body, call->len, "body", &body, NULL))
        BUG("what was sent is no JSON: %s", call->body);
    t->paths[t->calls] = pool_strdup(t->pool, call->path);
    t->bodies[t->calls] = body ? json_keep(t->pool, body) : NULL;
    t->headers[t->calls] =
        call->headers ? json_keep(t->pool, json_copy((json_t *)call->headers)) : NULL;
    t->left_ms[t->calls++] = call->deadline_mono_ms - clock_mono_ms();
}

static int fake_call(struct transport *base, struct pool *pool, const struct transport_call *call,
                     struct transport_answer *out, struct err *err)
{
    struct fake_transport *t = (struct fake_transport *)base;
    const struct fake_answer *a =
        &t->answers[t->calls < t->n_answers ? t->calls : t->n_answers - 1];
    const char *body = a->body ? a->body : "";
    keep(t, call);
    clock_skip_ms(a->takes_ms);
    if (a->status < 0)
        return err_set(err, a->status, "%s", body);
    *out = (struct transport_answer){.status = a->status,
                                     .retry_after_s = a->retry_after_s > 0 ? a->retry_after_s : -1,
                                     .server_s = t->server_s,
                                     .body = pool_strdup(pool, body),
                                     .len = strlen(body)};
    return 0;
}

static int fake_rest(struct transport *base, int64_t until_mono_ms)
{
    struct fake_transport *t = (struct fake_transport *)base;
    int64_t ms = until_mono_ms - clock_mono_ms();
    if (t->interrupted)
        return E_CANCELLED;
    if (t->rests == FAKE_CALLS)
        BUG("more than %d waits", FAKE_CALLS);
    t->rested_ms[t->rests++] = ms;
    clock_skip_ms(ms);
    return 0;
}

void fake_transport_init(struct fake_transport *t, struct pool *pool,
                         const struct fake_answer *answers, int n)
{
    *t = (struct fake_transport){
        .base = {.where = "http://m.test/v1", .call = fake_call, .rest = fake_rest},
        .answers = answers,
        .n_answers = n,
        .pool = pool};
}
