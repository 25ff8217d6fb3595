#include "brain/model/ask.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "brain/model/retry.h"

#define LOOK_MS      30000 /* at /models */
#define DETAIL_BYTES 120

/* --- one call -------------------------------------------------------------------------------- */

const char *model_error_words(struct pool *pool, const char *answer, size_t len)
{
    json_t *body = NULL;
    const char *text = answer;
    if (!json_parse(answer, len, "answer", &body, NULL)) {
        const json_t *error = json_object_get(body, "error");
        const char *inner =
            json_is_string(error) ? json_string_value(error) : json_str(error, "message", NULL);
        text = inner ? inner : json_str(body, "message", text);
    }
    const char *out = str_cut(pool, str_squash(pool, text), DETAIL_BYTES);
    json_decref(body);
    return out;
}

static int read_answer(struct pool *pool, const struct profile *profile,
                       const struct transport_answer *answer, struct said *out, struct err *err)
{
    json_t *body;
    int r = json_parse(answer->body, answer->len, "its answer", &body, err);
    if (r)
        return r;
    return said_read(pool, profile->api, json_keep(pool, body), out, err);
}

/* The gateway's refusal, not some server's 402. */
static bool over_budget(struct pool *pool, const struct transport_answer *answer)
{
    json_t *body = NULL;
    if (answer->status != 402 || json_parse(answer->body, answer->len, "answer", &body, NULL))
        return false;
    json_keep(pool, body);
    return !strcmp(json_str(json_object_get(body, "error"), "type", ""), err_name(E_BUDGET));
}

/* 0, E_CANCELLED, E_BUDGET, or any other code with *failure. */
static int ask_once(struct pool *pool, const struct model_link *link, const struct profile *profile,
                    const struct transport_call *call, struct said *out,
                    struct model_failure *failure, double *server_s)
{
    struct err err = {0};
    struct transport_answer answer = {0};
    *failure = (struct model_failure){.retry_after_s = -1, .detail = ""};
    int r = link->transport->call(link->transport, pool, call, &answer, &err);
    if (r == E_TOOBIG)
        failure->status = 200;
    if (!r) {
        failure->status = answer.status;
        failure->retry_after_s = answer.retry_after_s;
        r = over_budget(pool, &answer) ? E_BUDGET
            : answer.status != 200     ? E_UPSTREAM
            : out                      ? read_answer(pool, profile, &answer, out, &err)
                                       : 0;
        *server_s += answer.server_s;
    }
    if (r)
        failure->detail = *err.msg ? pool_strdup(pool, err.msg)
                                   : model_error_words(pool, answer.body, answer.len);
    return r;
}

/* --- until it is answered -------------------------------------------------------------------- */

static int cancelled(const struct model_link *link, struct err *err)
{
    return err_set(err, E_CANCELLED, "the call to %s was interrupted", link->transport->where);
}

static const char *address_of(struct pool *pool, const struct model_link *link, const char *path)
{
    return pool_printf(pool, "%s%s", link->transport->where, path);
}

/* Anything between 0 and 1 that differs from caller to caller. */
static double jitter(void)
{
    return (double)(clock_mono_us() % 1000) / 1000;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What went wrong so far, and this. */
static const char *and_this(struct pool *pool, const char *so_far, const struct model_failure *failure)
{
    const char *what = failure->status ? pool_printf(pool, "%d", failure->status) : "no answer";
    return pool_printf(pool, "%s%s%s%s%s", so_far, *so_far ? "; " : "", what,
                       *failure->detail ? " " : "", failure->detail);
}

static void tell_trouble(const struct model_link *link, const char *why, int calls, bool answered)
{
    if (*why && link->trouble)
        link->trouble(link->trouble_arg, why, calls, answered);
}

/* *failure: of the last call; status 0 when there was none, or none that failed. */
static int ask_until(struct pool *pool, const struct model_link *link,
                     const struct profile *profile, const json_t *body, int64_t deadline_mono_ms,
                     struct said *out, struct model_failure *failure, struct err *err)
{
    const char *text = json_text(pool, body);
    struct transport_call call = {.path = request_path(profile->api),
                                  .headers = profile->headers,
                                  .body = text,
                                  .len = strlen(text)};
    const char *why = "";
    double server_s = 0;
    for (int attempt = 0;; attempt++) {
        call.deadline_mono_ms =
            earlier(deadline_mono_ms, clock_mono_ms() + 1000 * (int64_t)profile->timeout_s);
        int r = ask_once(pool, link, profile, &call, out, failure, &server_s);
        if (!r) {
            out->server_s = server_s;
            tell_trouble(link, why, attempt + 1, true);
            return 0;
        }
        if (r == E_BUDGET)
            return err_set(err, r, "%s", failure->detail);
        why = and_this(pool, why, failure);
        struct retry next = retry_next(profile, failure, attempt, jitter());
        int64_t then = clock_mono_ms() + (int64_t)(next.wait_s * 1000);
        if (r != E_CANCELLED && (!next.again || then >= deadline_mono_ms)) {
            tell_trouble(link, why, attempt + 1, false);
            return retry_explain(profile, address_of(pool, link, call.path), failure, attempt + 1,
                                 err);
        }
        if (r == E_CANCELLED || link->transport->rest(link->transport, then))
            return cancelled(link, err);
    }
}

int model_ask(struct pool *pool, const struct model_link *link, const struct profile *profile,
              const json_t *body, int64_t deadline_mono_ms, struct said *out, struct err *err)
{
    struct model_failure failure;
    return ask_until(pool, link, profile, body, deadline_mono_ms, out, &failure, err);
}

int model_ask_twice(struct pool *pool, const struct model_link *link, const struct profile *profile,
                    const json_t *body, int64_t deadline_mono_ms, struct said *out, struct err *err)
{
    struct profile twice = *profile;
    if (twice.attempts > 2)
        twice.attempts = 2;
    return model_ask(pool, link, &twice, body, deadline_mono_ms, out, err);
}

/* Looks at /models as often as the profile says, until the server answers. */
static int load(struct pool *pool, const struct model_link *link, const struct profile *profile,
                int64_t deadline_mono_ms, struct err *err)
{
    struct transport_call call = {.path = "/models", .headers = profile->headers};
    double server_s = 0;
    for (int look = 1;; look++) {
        struct model_failure failure;
        call.deadline_mono_ms = earlier(deadline_mono_ms, clock_mono_ms() + LOOK_MS);
        int r = ask_once(pool, link, profile, &call, NULL, &failure, &server_s);
        if (!r)
            return 0;
        int64_t then = clock_mono_ms() + 1000 * (int64_t)profile->load_gap_s;
        bool last = look >= profile->load_tries || then >= deadline_mono_ms ||
                    failure.status == 401 || failure.status == 403;
        if (r != E_CANCELLED && last)
            return retry_explain(profile, address_of(pool, link, call.path), &failure, look, err);
        if (r == E_CANCELLED || link->transport->rest(link->transport, then))
            return cancelled(link, err);
    }
}

/* Nobody listens, or what stands before the server says so. */
static bool nobody_there(const struct model_failure *failure)
{
    return failure->status == 0 || (failure->status >= 502 && failure->status <= 504);
}

int model_ask_first(struct pool *pool, const struct model_link *link, const struct profile *profile,
                    const json_t *body, int64_t deadline_mono_ms, struct said *out, struct err *err)
{
    struct model_failure failure;
    int r = ask_until(pool, link, profile, body, deadline_mono_ms, out, &failure, err);
    if (!r || r == E_CANCELLED || r == E_BUDGET || !nobody_there(&failure))
        return r;
    r = load(pool, link, profile, deadline_mono_ms, err);
    return r ? r : model_ask(pool, link, profile, body, deadline_mono_ms, out, err);
}
