/*
 * One run on its way, from the reset of its site to the word of the oracle: a stage after the
 * other, each one exchange.
 */
#include "cmd/batch_work.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "cmd/cmd.h"
#include "gate/grade.h"

#define SITE_MS         30000 /* of a call to a practice site */
#define CALL_MS         60000
#define AWAY_MS         60000  /* a deployment that does not answer is waited for */
#define REFUSED_MS      900000 /* and one that takes no run */
#define RETRY_MS        1000
#define RESULT_TRIES    20
#define HINT_DEFAULT_MS 1500
#define HINT_MIN_MS     20
#define HINT_MAX_MS     10000
#define QUIET_HINT_MS   5000 /* with such a hint nothing happened for a while: is it paused? */
#define GROW_AFTER      8    /* runs that ended well since the limit was lowered */
#define KEY_BYTES       16

enum stage { RESET, BEFORE, SUBMIT, POLL, STATUS, RESULT, ORACLE, N_STAGES };

struct batch_work {
    struct batch *batch;
    struct batch_run *run;
    struct pool *pool; /* of the run; died with it */
    enum stage stage;
    struct practice_site *site; /* NULL: its task needs none */
    struct httpc_exchange *exchange;
    struct loop_timer timer;
    size_t before; /* control calls made */
    char key[2 * KEY_BYTES + 1];
    int64_t began_ms, submitted_ms, answered_ms;
    int tries, hint_ms;
    json_t *result; /* reply of action=result */
    struct outcome outcome;
};

struct reply {
    json_t *body;        /* of a 2xx; NULL with a problem; neither outlives take() */
    const char *problem; /* "" none */
    int status;          /* 0: no answer */
    int retry_after_s;
};

static void go(struct batch_work *w, enum stage stage);

/* --- the end of a run ------------------------------------------------------------------------- */

/* What a deployment taught about its limit is tried again once it has worked for a while. */
static void arm_freed(struct batch *b, struct batch_arm *arm)
{
    arm->running--;
    if (++arm->ended >= GROW_AFTER && arm->limit < b->max_parallel) {
        arm->limit++;
        arm->ended = 0;
    }
}

static const char *keep(struct pool *pool, const char *text)
{
    return pool_strdup(pool, text ? text : "");
}

/* The outcome moves from the run's pool to the batch's. */
static void judge(struct batch_work *w)
{
    struct batch *b = w->batch;
    struct batch_run *run = w->run;
    const struct outcome *o = &w->outcome;
    json_t *raw = json_keep(b->pool, o->raw ? json_deep_copy(o->raw) : json_object());
    json_put_int(raw, "seed", run->seed);
    const struct outcome kept = {.task_id = run->task->id,
                                 .success = o->success,
                                 .status = keep(b->pool, o->status),
                                 .run_id = run->run_id,
                                 .url = keep(b->pool, o->url),
                                 .output = keep(b->pool, o->output),
                                 .cost = o->cost,
                                 .duration_s = (double)(clock_mono_ms() - w->began_ms) / 1000,
                                 .error = keep(b->pool, o->error),
                                 .raw = raw};
    run->result = report_judge(b->pool, run->task, run->repeat, &kept);
    run->done = true;
}

static void drop(struct batch_work *w)
{
    if (w->exchange)
        httpc_cancel(w->exchange);
    loop_timer_clear(&w->timer);
    practice_give(w->site);
    w->run->work = NULL;
    w->batch->running--;
    arm_freed(w->batch, w->run->arm);
    pool_destroy(w->pool);
}

static void finish(struct batch_work *w)
{
    struct batch *b = w->batch;
    struct batch_run *run = w->run;
    judge(w);
    drop(w);
    b->n_done++;
    if (b->on_done)
        b->on_done(b->arg, run);
}

static void fail(struct batch_work *w, const char *what, const char *why)
{
    w->outcome.success = false;
    w->outcome.error = pool_printf(w->pool, "%s: %s", what, why);
    finish(w);
}

/* --- exchanges -------------------------------------------------------------------------------- */

struct stage_kind {
    const char *what; /* of a message */
    void (*ask)(struct batch_work *w);
    void (*take)(struct batch_work *w, const struct reply *reply);
};
static const struct stage_kind stages[N_STAGES];

static void read_answer(struct pool *pool, const struct httpc_answer *answer, struct reply *reply)
{
    struct err err = {0};
    reply->status = answer->status;
    reply->retry_after_s = answer->retry_after_s;
    if (answer->status < 200 || answer->status > 299)
        client_refusal(pool, answer, &err);
    else if (json_parse(answer->body, answer->len, "the answer", &reply->body, &err) == 0)
        json_keep(pool, reply->body);
    reply->problem = pool_strdup(pool, err.msg);
}

/* A run is looked at often: an answer goes when it has been taken. */
static void on_answer(void *arg, int result, const struct httpc_answer *answer,
                      const struct err *err)
{
    struct batch_work *w = arg;
    struct batch *b = w->batch;
    struct pool *pool = pool_create(NULL);
    struct reply reply = {.problem = result ? err->msg : ""};
    w->exchange = NULL;
    if (!result)
        read_answer(pool, answer, &reply);
    stages[w->stage].take(w, &reply);
    pool_destroy(pool);
    batch_pump(b);
}

static void send(struct batch_work *w, const char *method, const char *url, const char *body,
                 const char *const *headers, int timeout_ms)
{
    struct err err = {0};
    struct httpc_request req = {.method = method,
                                .url = url,
                                .headers = headers,
                                .body = body,
                                .body_len = body ? strlen(body) : 0,
                                .timeout_ms = timeout_ms,
                                .max_answer_bytes = CAP_CLIENT_ANSWER_BYTES};
    if (httpc_start(w->run->arm->client.httpc, &req, on_answer, w, &w->exchange, &err))
        fail(w, stages[w->stage].what, err.msg);
}

static void on_timer(void *arg)
{
    struct batch_work *w = arg;
    struct batch *b = w->batch;
    stages[w->stage].ask(w);
    batch_pump(b);
}

/* The same stage once more, or another one, in a while. */
static void later(struct batch_work *w, enum stage stage, int64_t ms)
{
    w->stage = stage;
    loop_timer_set(w->batch->loop, &w->timer, ms, on_timer, w);
}

static void go(struct batch_work *w, enum stage stage)
{
    w->stage = stage;
    w->tries = 0;
    stages[stage].ask(w);
}

/* --- the practice site ------------------------------------------------------------------------ */

static void ask_site(struct batch_work *w, const char *method, const char *path, const char *body)
{
    const char *const headers[] = {w->site->admin_header, "Content-Type: application/json", NULL};
    send(w, method, pool_printf(w->pool, "%s%s", w->site->url, path), body, headers, SITE_MS);
}

static void ask_reset(struct batch_work *w)
{
    ask_site(w, "POST", "/__env__/reset",
             pool_printf(w->pool, "{\"seed\":%lld}", (long long)w->run->seed));
}

/* metadata.before: "METHOD /__env__/..." lines. */
static void ask_before(struct batch_work *w)
{
    const json_t *calls = json_object_get(w->run->task->metadata, "before");
    const char *call = json_string_value(json_array_get(calls, w->before));
    if (!call) {
        go(w, SUBMIT);
        return;
    }
    const char *path = strchr(call, ' ');
    w->before++;
    ask_site(w, path ? pool_strndup(w->pool, call, (size_t)(path - call)) : "GET",
             path ? path + 1 : call, NULL);
}

static void take_control(struct batch_work *w, const struct reply *reply)
{
    if (*reply->problem)
        fail(w, "the practice site", reply->problem);
    else
        go(w, BEFORE);
}

static void ask_oracle(struct batch_work *w)
{
    const char *id = json_str(w->run->task->metadata, "oracle_task_id", "");
    ask_site(w, "GET",
             pool_printf(w->pool, "/__env__/oracle?task_id=%s", client_escape(w->pool, id)), NULL);
}

static void take_oracle(struct batch_work *w, const struct reply *reply)
{
    if (*reply->problem) {
        fail(w, "the site's oracle", reply->problem);
        return;
    }
    grade_oracle(w->pool, w->run->task->metadata, reply->body, w->result, &w->outcome);
    finish(w);
}

/* --- submitting ------------------------------------------------------------------------------- */

static void ask_submit(struct batch_work *w)
{
    struct client *c = &w->run->arm->client;
    const char *route = batch_route(w->run->task);
    const json_t *body = batch_body(w->pool, w->batch, w->run, w->site ? w->site->url : "");
    send(w, "POST", route ? pool_printf(w->pool, "%s%s", c->base, route) : c->predict_url,
         json_text(w->pool, body),
         client_headers_and(w->pool, c, pool_printf(w->pool, "Idempotency-Key: %s", w->key)),
         CALL_MS);
}

/* The deployment is full. The run goes back to those that wait, and no more of them than run now
 * are tried. */
static void put_back(struct batch_work *w, const struct reply *reply)
{
    struct batch_arm *arm = w->run->arm;
    int64_t now = clock_mono_ms(), until = now + (int64_t)reply->retry_after_s * 1000;
    if (arm->running > 1)
        arm->refused_ms = 0; /* it may be full of ours: what runs will end */
    else if (!arm->refused_ms)
        arm->refused_ms = now;
    if (arm->refused_ms && now - arm->refused_ms > REFUSED_MS) {
        fail(w, "submitting", reply->problem);
        return;
    }
    drop(w);
    arm->limit = arm->running < 1 ? 1 : arm->running;
    arm->ended = 0;
    arm->not_before_ms = until > arm->not_before_ms ? until : arm->not_before_ms;
}

static bool is_full(const struct reply *reply)
{
    return (reply->status == 429 || reply->status == 503) && reply->retry_after_s > 0 &&
           reply->retry_after_s <= REFUSED_MS / 1000;
}

static void take_submit(struct batch_work *w, const struct reply *reply)
{
    if (is_full(reply)) {
        put_back(w, reply);
    } else if (*reply->problem && reply->status == 0 && ++w->tries < CLIENT_RETRIES) {
        later(w, SUBMIT, RETRY_MS * w->tries); /* the key makes one run of both */
    } else if (*reply->problem) {
        fail(w, "submitting", reply->problem);
    } else if (!*json_str(reply->body, "run_id", "")) {
        fail(w, "submitting", "the answer names no run");
    } else {
        w->run->run_id = pool_strdup(w->batch->pool, json_str(reply->body, "run_id", ""));
        w->run->arm->refused_ms = 0;
        w->submitted_ms = w->answered_ms = clock_mono_ms();
        if (w->batch->on_submitted)
            w->batch->on_submitted(w->batch->arg, w->run);
        go(w, POLL);
    }
}

/* --- following -------------------------------------------------------------------------------- */

static const char *action_text(struct batch_work *w, const char *action)
{
    return json_text(w->pool, json_keep(w->pool, json_pack("{s:s,s:s}", "action", action, "run_id",
                                                           w->run->run_id)));
}

static void ask_action(struct batch_work *w, const char *action)
{
    struct client *c = &w->run->arm->client;
    send(w, "POST", c->predict_url, action_text(w, action), c->headers, CALL_MS);
}

static void ask_poll(struct batch_work *w)
{
    struct client *c = &w->run->arm->client;
    send(w, "GET",
         pool_printf(w->pool, "%s/v1/runs/%s", c->base, client_escape(w->pool, w->run->run_id)),
         NULL, c->headers, CALL_MS);
}

static void ask_status(struct batch_work *w)
{
    ask_action(w, "status");
}

static void ask_result(struct batch_work *w)
{
    ask_action(w, "result");
}

/* True: the deployment did not answer, which is waited for or ends the run. */
static bool no_answer(struct batch_work *w, const struct reply *reply)
{
    int64_t now = clock_mono_ms();
    if (!*reply->problem) {
        w->answered_ms = now;
        return false;
    }
    if ((reply->status && reply->status < 500 && reply->status != 429) ||
        now - w->answered_ms > AWAY_MS)
        fail(w, stages[w->stage].what, reply->problem);
    else
        later(w, w->stage, reply->retry_after_s > 0 ? reply->retry_after_s * 1000 : RETRY_MS);
    return true;
}

static void on_cancelled(void *arg, int result, const struct httpc_answer *answer,
                         const struct err *err)
{
    ((struct batch *)arg)->cancels--;
}

/* A run that is given up must not go on spending. The batch waits a little for the answer before it
 * ends. */
static void tell_cancel(struct batch_work *w)
{
    struct client *c = &w->run->arm->client;
    const char *text = action_text(w, "cancel");
    struct httpc_request req = {.method = "POST",
                                .url = c->predict_url,
                                .headers = c->headers,
                                .body = text,
                                .body_len = strlen(text),
                                .timeout_ms = CALL_MS,
                                .max_answer_bytes = CAP_CLIENT_ANSWER_BYTES};
    struct httpc_exchange *exchange;
    struct err err = {0};
    if (httpc_start(c->httpc, &req, on_cancelled, w->batch, &exchange, &err))
        cmd_warning("run %s goes on: %s", w->run->run_id, err.msg);
    else
        w->batch->cancels++;
}

static void give_up(struct batch_work *w)
{
    tell_cancel(w);
    w->outcome.status = "timeout";
    fail(w, "following",
         pool_printf(w->pool, "the run was not over after %d s", w->batch->caps.poll_s));
}

static void poll_again(struct batch_work *w)
{
    int64_t left = w->submitted_ms + (int64_t)w->batch->caps.poll_s * 1000 - clock_mono_ms();
    if (left <= 0)
        give_up(w);
    else
        later(w, POLL, w->hint_ms < left ? w->hint_ms : left);
}

static bool is_over(const char *phase)
{
    return strcmp(phase, "complete") == 0 || strcmp(phase, "halted") == 0 ||
           strcmp(phase, "cancelled") == 0;
}

static void take_poll(struct batch_work *w, const struct reply *reply)
{
    if (no_answer(w, reply))
        return;
    int64_t hint = json_int(reply->body, "polling_backoff_ms_hint", HINT_DEFAULT_MS);
    w->hint_ms = (int)(hint < HINT_MIN_MS ? HINT_MIN_MS : hint > HINT_MAX_MS ? HINT_MAX_MS : hint);
    if (is_over(json_str(reply->body, "phase", "")))
        go(w, RESULT);
    else if (w->hint_ms >= QUIET_HINT_MS)
        go(w, STATUS);
    else
        poll_again(w);
}

/* A run that asks a person is over here, since nobody will answer: as far as it went, it is graded.
 */
static void take_status(struct batch_work *w, const struct reply *reply)
{
    if (no_answer(w, reply))
        return;
    if (strcmp(json_str(reply->body, "status", ""), "paused") != 0) {
        poll_again(w);
        return;
    }
    tell_cancel(w);
    w->outcome.status = "paused";
    go(w, RESULT);
}

static void take_result(struct batch_work *w, const struct reply *reply)
{
    bool paused = strcmp(w->outcome.status, "paused") == 0;
    if (no_answer(w, reply))
        return;
    if (!json_is_object(json_object_get(reply->body, "result")) && ++w->tries < RESULT_TRIES &&
        !paused) {
        later(w, RESULT, w->hint_ms < RETRY_MS ? w->hint_ms : RETRY_MS);
        return;
    }
    w->result = json_keep(w->pool, json_incref(reply->body));
    grade_result(w->pool, w->result, &w->outcome);
    if (paused) {
        w->outcome.status = "paused";
        w->outcome.success = false;
        w->outcome.error = "";
    }
    if (!*w->outcome.error && w->site && *json_str(w->run->task->metadata, "oracle_task_id", ""))
        go(w, ORACLE);
    else
        finish(w);
}

static const struct stage_kind stages[N_STAGES] = {
    [RESET] = {"the practice site", ask_reset, take_control},
    [BEFORE] = {"the practice site", ask_before, take_control},
    [SUBMIT] = {"submitting", ask_submit, take_submit},
    [POLL] = {"following", ask_poll, take_poll},
    [STATUS] = {"following", ask_status, take_status},
    [RESULT] = {"its result", ask_result, take_result},
    [ORACLE] = {"the site's oracle", ask_oracle, take_oracle},
};

/* --- from outside ----------------------------------------------------------------------------- */

void batch_work_begin(struct batch *b, struct batch_run *run, struct practice_site *site,
                      const char *problem)
{
    struct pool *pool = pool_create(NULL);
    struct batch_work *w = pool_alloc(pool, sizeof(*w));
    int64_t now = clock_mono_ms();
    *w = (struct batch_work){.batch = b,
                             .run = run,
                             .pool = pool,
                             .site = site,
                             .began_ms = now,
                             .submitted_ms = now,
                             .answered_ms = now,
                             .hint_ms = HINT_DEFAULT_MS,
                             .outcome = {.status = "", .url = "", .output = "", .error = ""}};
    id_random_hex(KEY_BYTES, w->key);
    run->work = w;
    run->arm->running++;
    b->running++;
    if (problem)
        fail(w, "the practice site", problem);
    else
        go(w, *run->run_id ? POLL : site ? RESET : SUBMIT);
}

void batch_work_cancel(struct batch_work *w)
{
    if (*w->run->run_id)
        tell_cancel(w);
    drop(w);
}
