/*
 * author.c - the calls under way. A job is one text of one tenant; its waiters are who wants the
 * plan. It tries, rests and tries again as the profile says, and ends with its answer, its deadline
 * or its last waiter.
 */
#include "author/author.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "author/question.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "brain/model/ask.h"
#include "brain/model/retry.h"
#include "core/purse.h"
#include "plan/decompose.h"
#include "sys/httpc.h"

#define CUT_OFF "max_tokens" /* stop_reason of an answer that was not finished */

struct author_wait {
    struct job *job;
    struct author_wait *next;
    author_done_fn *fn;
    void *arg;
};

struct job {
    struct author *author;
    struct job *next;
    struct pool *pool;
    struct author_order order; /* in pool */
    struct question question;
    const char *url; /* of the model's server, for messages */
    const char *to, *body, *const *headers;
    struct httpc_exchange *exchange; /* NULL: it rests */
    struct loop_timer rest;
    int calls; /* made so far */
    struct purse purse; /* without a gateway: what they cost and hold */
    int64_t deadline_mono_ms;
    struct author_wait *waits;
    bool over; /* its waiters are being told: nobody joins, nobody ends it */
};

struct author {
    struct loop *loop;
    struct httpc *httpc;
    struct author_config config;
    struct job *jobs;
    int n_jobs;
    bool draining;
};

int author_create(struct loop *loop, const struct author_config *config, struct author **out,
                  struct err *err)
{
    struct author *a = calloc(1, sizeof(*a));
    if (!a)
        BUG("out of memory");
    a->loop = loop;
    a->config = *config;
    if (!a->config.deadline_ms)
        a->config.deadline_ms = CAP_PLAN_CALL_MS;
    int r = httpc_create(loop, &a->httpc, err);
    if (r) {
        free(a);
        return r;
    }
    *out = a;
    return 0;
}

static void end_job(struct job *j);

void author_destroy(struct author *a)
{
    if (!a)
        return;
    while (a->jobs)
        end_job(a->jobs);
    httpc_destroy(a->httpc);
    free(a);
}

int author_hash(struct author *a, struct pool *pool, const char *text, const char **out,
                struct err *err)
{
    struct question q;
    int r = author_question(pool, &a->config, text, &q, err);
    if (!r)
        *out = pool_strdup(pool, q.hash);
    return r;
}

int author_find(struct author *a, struct pool *pool, const struct author_order *o, json_t **out,
                struct err *err)
{
    struct question q;
    struct err why = {0};
    int r = author_question(pool, &a->config, o->text, &q, err);
    if (r)
        return r;
    if (!o->dir)
        return err_set(err, E_NOT_FOUND, "plans are not kept");
    r = keep_read(pool, o->dir, q.hash, out, err);
    if (!r && author_check(o->intake, o->text, *out, &why))
        return err_set(err, E_NOT_FOUND, "the plan that is kept is none any more: %s", why.msg);
    return r;
}

/* --- the end of a job ------------------------------------------------------------------------ */

static void end_job(struct job *j)
{
    struct job **at = &j->author->jobs;
    while (*at != j)
        at = &(*at)->next;
    *at = j->next;
    j->author->n_jobs--;
    loop_timer_clear(&j->rest);
    if (j->exchange)
        httpc_cancel(j->exchange);
    while (j->waits) {
        struct author_wait *w = j->waits;
        j->waits = w->next;
        free(w);
    }
    pool_destroy(j->pool);
}

/* The first who waits pays for the call. */
static void tell(struct job *j, int result, const struct author_answer *answer,
                 const struct err *err)
{
    struct author_answer told = answer ? *answer : (struct author_answer){.model = ""};
    j->over = true;
    while (j->waits) {
        struct author_wait *w = j->waits;
        j->waits = w->next;
        w->fn(w->arg, result, &told, err);
        free(w);
        told.model = "";
        told.use = (struct token_use){0};
        told.broken_usd = 0;
    }
    end_job(j);
}

static void fail(struct job *j, const struct author_answer *paid, const struct err *err)
{
    const struct author_answer broken = {.model = "", .broken_usd = j->purse.spent};
    tell(j, err->code, paid ? paid : &broken, err);
}

/* --- an answer ------------------------------------------------------------------------------- */

/* Earlier than it was asked for: where there was no money for more. */
static int was_cut(const struct job *j, const struct said *said, struct err *err)
{
    int all = j->question.profile->max_tokens;
    if (j->order.max_cost > 0 && said->output_tokens < all)
        return err_set(err, E_BUDGET,
                       "the model's plan was cut off after %d tokens, which max_cost pays for: raise it, or split "
                       "the text",
                       (int)said->output_tokens);
    return err_set(err, E_UPSTREAM, "the model's plan was cut off after %d tokens: split the text", all);
}

/* The whole answer is there: is it a plan? */
static int read_plan(struct job *j, const struct said *said, json_t **out, struct err *err)
{
    struct err why = {0};
    if (!strcmp(said->finish, CUT_OFF))
        return was_cut(j, said, err);
    int r = plan_decompose_answer(j->pool, said->text, out, err);
    if (!r)
        json_put_str(*out, "plan_hash", j->question.hash);
    if (r || !author_check(j->order.intake, j->order.text, *out, &why))
        return r;
    bool read_only = plan_text_is_read_only(j->order.text);
    return err_set(err, read_only ? E_INVALID : E_UPSTREAM, "the model's plan is refused: %s",
                   why.msg);
}

static void take(struct job *j, const struct said *said)
{
    struct err err = {0};
    json_t *document = NULL;
    struct author_answer answer = {.model = *said->model ? said->model : j->question.profile->model,
                                   .use = said_use(said),
                                   .broken_usd = j->purse.spent};
    if (read_plan(j, said, &document, &err)) {
        fail(j, &answer, &err);
        return;
    }
    if (j->order.dir)
        keep_write(j->order.dir, j->question.hash, document);
    answer.document = document;
    tell(j, 0, &answer, NULL);
}

/* --- a failure ------------------------------------------------------------------------------- */

/* What passes by itself is told as such. */
static int code_of(int status)
{
    bool passes = !status || status == 429 || status == 503 || status == 529;
    return passes ? E_UNAVAILABLE : E_UPSTREAM;
}

static void try_once(struct job *j);

static void on_rested(void *arg)
{
    try_once(arg);
}

static void try_again(struct job *j, const struct model_failure *failure)
{
    struct err err = {0};
    double jitter = (double)(clock_mono_us() % 1000) / 1000;
    struct retry next = retry_next(j->question.profile, failure, j->calls - 1, jitter);
    int64_t wait_ms = (int64_t)(next.wait_s * 1000);
    if (next.again && clock_mono_ms() + wait_ms < j->deadline_mono_ms) {
        loop_timer_set(j->author->loop, &j->rest, wait_ms, on_rested, j);
        return;
    }
    retry_explain(j->question.profile, j->url, failure, j->calls, &err);
    err.code = code_of(failure->status);
    if (failure->status == err_http_status(E_BUDGET))
        err_set(&err, E_BUDGET, "no plan is made of the words: %s", failure->detail);
    fail(j, NULL, &err);
}

/* --- a call ---------------------------------------------------------------------------------- */

static int read_body(struct job *j, const struct httpc_answer *a, struct said *out, struct err *err)
{
    json_t *body;
    int r = json_parse(a->body, a->len, "its answer", &body, err);
    return r ? r : said_read(j->pool, j->question.profile->api, json_keep(j->pool, body), out, err);
}

static void ask_for(struct job *j, int tokens)
{
    const struct profile *profile = j->question.profile;
    const struct model_server server = {.model = profile->model};
    j->body = json_text(j->pool, request_question(j->pool, profile, &server, j->question.text, NULL, tokens));
}

/* Without a gateway each try is held against the cap at its worst case: with an answer as long as there is money for. */
static int hold(struct job *j, struct err *err)
{
    struct worst worst;
    if (j->order.socket || !j->order.rates)
        return 0;
    ask_for(j, j->question.profile->max_tokens);
    int r = worst_cost(j->pool, j->body, strlen(j->body), j->order.rates, &worst, err);
    if (r)
        return r;
    double least = worst_cut(&worst, j->question.profile->least_percent);
    double usd = fmin(worst.usd, fmax(least, purse_room(&j->purse)));
    if (purse_ask(&j->purse, usd) != PURSE_YES)
        return err_set(err, E_BUDGET,
                       "no plan is made of the words: the call may cost %.4f USD; of %.2f USD %.4f are spent",
                       worst.usd, j->purse.cap, j->purse.spent);
    if (usd < worst.usd)
        ask_for(j, (int)worst_tokens(&worst, usd));
    purse_hold(&j->purse, usd);
    return 0;
}

/* An answer's cost is told with it; what broke off, or cannot be read, counts as it may have cost. */
static void settle(struct job *j, bool answered, int result, const struct httpc_answer *a)
{
    bool free = answered || result == E_UNAVAILABLE || (!result && a->status != 200);
    purse_settle(&j->purse, j->purse.held, free ? 0 : j->purse.held);
}

/* 0: a gateway says in its own words that there was no answer. */
static int status_of(struct job *j, const struct httpc_answer *a)
{
    json_t *body;
    if (!j->order.socket || json_parse(a->body, a->len, "its answer", &body, NULL))
        return a->status;
    const char *type = json_str(json_object_get(json_keep(j->pool, body), "error"), "type", "");
    bool none = !strcmp(type, err_name(E_UPSTREAM)) || !strcmp(type, err_name(E_TIMEOUT));
    return none ? 0 : a->status;
}

static void on_answer(void *arg, int result, const struct httpc_answer *a, const struct err *err)
{
    struct job *j = arg;
    struct said said;
    struct err why = {0};
    struct model_failure failure = {.retry_after_s = -1, .detail = ""};
    j->exchange = NULL;
    bool answered = !result && a->status == 200 && !read_body(j, a, &said, &why);
    settle(j, answered, result, a);
    if (answered) {
        take(j, &said);
        return;
    }
    if (result)
        failure.detail = err->msg;
    else
        failure = (struct model_failure){
            .status = status_of(j, a),
            .retry_after_s = a->retry_after_s > 0 ? a->retry_after_s : -1,
            .detail = *why.msg ? why.msg : model_error_words(j->pool, a->body, a->len)};
    if (result == E_TOOBIG)
        failure.status = 200;
    try_again(j, &failure);
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void try_once(struct job *j)
{
    struct err err = {0};
    int64_t left = j->deadline_mono_ms - clock_mono_ms();
    if (hold(j, &err)) {
        fail(j, NULL, &err);
        return;
    }
    const struct httpc_request request = {
        .method = "POST",
        .url = j->to,
        .socket = j->order.socket,
        .headers = j->headers,
        .body = j->body,
        .body_len = strlen(j->body),
        .timeout_ms = (int)earlier(left, 1000 * (int64_t)j->question.profile->timeout_s),
        .max_answer_bytes = CAP_PLAN_ANSWER_BYTES};
    j->calls++;
    if (httpc_start(j->author->httpc, &request, on_answer, j, &j->exchange, &err))
        fail(j, NULL, &err);
}

static void on_first(void *arg)
{
    try_once(arg);
}

/* --- a job ----------------------------------------------------------------------------------- */

/* The strings are the job's own from here on; key and credential are in its headers, wiped with it. */
static void own_order(struct job *j, const struct author_order *o)
{
    j->order = *o;
    j->order.text = pool_strdup(j->pool, o->text);
    j->order.tenant = pool_strdup(j->pool, o->tenant);
    j->order.dir = o->dir ? pool_strdup(j->pool, o->dir) : NULL;
    struct intake_config *intake = pool_alloc(j->pool, sizeof(*intake));
    *intake = *o->intake;
    j->order.intake = intake;
    j->order.socket = o->socket ? pool_strdup(j->pool, o->socket) : NULL;
    j->order.key = j->order.credential = NULL;
    j->purse.cap = o->max_cost;
}

static void prepare(struct job *j, const struct author_order *o)
{
    const struct profile *profile = j->question.profile;
    const char *path = request_path(profile->api);
    j->url = pool_printf(j->pool, "%s%s", profile->base_url, path);
    j->to = o->socket ? pool_printf(j->pool, "http://gateway/%s%s", profile->name, path) : j->url;
    j->headers = o->socket ? request_bearer(j->pool, o->credential)
                           : request_headers(j->pool, profile, o->key);
    ask_for(j, profile->max_tokens);
    j->deadline_mono_ms = clock_mono_ms() + j->author->config.deadline_ms;
}

static int start_job(struct author *a, const struct author_order *o, struct pool *pool,
                     const struct question *q, struct job **out, struct err *err)
{
    struct httpc_url url;
    if (a->n_jobs >= CAP_PLAN_CALLS)
        return err_set(err, E_RATE_LIMITED,
                       "%d texts are being made into plans; try again in a moment", a->n_jobs);
    int r = httpc_url_parse(pool, q->profile->base_url, &url, err);
    if (r)
        return r;
    struct job *j = pool_alloc(pool, sizeof(*j));
    *j = (struct job){.author = a, .pool = pool, .question = *q};
    own_order(j, o);
    prepare(j, o);
    j->next = a->jobs;
    a->jobs = j;
    a->n_jobs++;
    loop_timer_set(a->loop, &j->rest, 0, on_first, j);
    *out = j;
    return 0;
}

static struct job *find_job(struct author *a, const struct author_order *o, const char *hash)
{
    struct job *j = a->jobs;
    while (j && (j->over || strcmp(j->question.hash, hash) || strcmp(j->order.tenant, o->tenant)))
        j = j->next;
    return j;
}

/* Behind those who came before. */
static struct author_wait *join(struct job *j, author_done_fn *fn, void *arg)
{
    struct author_wait *w = calloc(1, sizeof(*w)), **at = &j->waits;
    if (!w)
        BUG("out of memory");
    *w = (struct author_wait){.job = j, .fn = fn, .arg = arg};
    while (*at)
        at = &(*at)->next;
    *at = w;
    return w;
}

int author_ask(struct author *a, const struct author_order *o, author_done_fn *fn, void *arg,
               struct author_wait **out, struct err *err)
{
    struct question q;
    if (a->draining)
        return err_set(err, E_UNAVAILABLE, "the server is stopping and makes no plans");
    struct pool *pool = pool_create(NULL);
    int r = author_question(pool, &a->config, o->text, &q, err);
    struct job *j = r ? NULL : find_job(a, o, q.hash);
    bool joined = j != NULL;
    if (!r && !joined)
        r = start_job(a, o, pool, &q, &j, err);
    if (r || joined)
        pool_destroy(pool);
    if (!r)
        *out = join(j, fn, arg);
    return r;
}

bool author_leave(struct author_wait *w)
{
    struct job *j = w->job;
    struct author_wait **at = &j->waits;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free(w);
    bool last = !j->waits && !j->over;
    if (last)
        end_job(j);
    return last;
}

void author_drain(struct author *a)
{
    struct err err = {0};
    err_set(&err, E_UNAVAILABLE, "the server is stopping: ask again when it is back");
    a->draining = true;
    while (a->jobs)
        tell(a->jobs, err.code, NULL, &err);
}
