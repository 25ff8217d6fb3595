#include "engine/engine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "base/str.h"
#include "engine/child.h"
#include "engine/supervisor.h"
#include "engine/trial.h"
#include "sys/httpc.h"
#include "sys/secrets.h"

#define LOGGER           "mantis.engine"
#define HEALTH_MS        5000
#define TOKEN_MS         120000 /* the first one waits for kernels to be compiled */
#define THEIR_TIMEOUT_S  360    /* of a server that is not ours: from then on it is called late */
#define STATUS_LOG_BYTES 4000

struct engine {
    struct loop *loop;
    const struct engine_target *target;
    engine_end_fn *on_end;
    engine_stopped_fn *on_stopped;
    void *end_arg, *stopped_arg;
    struct supervisor supervisor;
    struct child child;
    struct httpc *httpc;
    struct httpc_exchange *asked; /* NULL: no question is under way */
    struct trial *trial;          /* NULL: not tested, or done with */
    struct engine_selftest selftest;
    struct pool *selftest_pool; /* its texts */
    enum supervisor_question question;
    struct loop_timer tell; /* the end, or that it has stopped: from the loop, not from inside */
    int port;
    char url[64];      /* of ours */
    char reason[1024]; /* engine_ready() */
    bool told_end;
};

/* --- what it is asked ---------------------------------------------------------------------------- */

static bool has_choice(const struct httpc_answer *answer)
{
    json_t *doc;
    if (json_parse(answer->body, answer->len, "answer", &doc, NULL))
        return false;
    bool found = json_array_size(json_object_get(doc, "choices")) > 0;
    json_decref(doc);
    return found;
}

/* A server without /health is alive when it says so; whether it works, the token shows. */
static bool is_well(const struct engine *e, const struct httpc_answer *answer)
{
    bool fine = answer->status == 200;
    if (e->question == SUPERVISOR_ASK_TOKEN)
        return fine && has_choice(answer);
    return fine || (e->target->url && answer->status == 404);
}

/* What to do about a status of a server that is not ours; "" nothing is known. */
static const char *remedy(struct pool *pool, const struct engine *e, int status)
{
    const struct engine_target *t = e->target;
    const char *secret = t->settings->model_key_secret;
    if (!t->url)
        return "";
    if ((status == 401 || status == 403) && *secret)
        return pool_printf(pool, ": it does not take the key in the secret '%.80s' (MANTIS_MODEL_KEY_SECRET)", secret);
    if (status == 401 || status == 403)
        return ": it asks for a key: put it into a secret, and name that in MANTIS_MODEL_KEY_SECRET";
    if (status == 404)
        return pool_printf(pool, ": it knows no model '%.80s' (MANTIS_MODEL_NAME), or MANTIS_MODEL_URL is not its address",
                           t->request_model);
    return "";
}

static const char *complaint(struct pool *pool, const struct engine *e, int result,
                             const struct httpc_answer *answer, const struct err *err)
{
    bool health = e->question == SUPERVISOR_ASK_HEALTH;
    if (result)
        return err->msg;
    if (!health && answer->status == 200)
        return "it answers a request for one token without any choice";
    return pool_printf(pool, "it answers %d to %s%s", answer->status,
                       health ? "/health" : "a request for one token", remedy(pool, e, answer->status));
}

static void on_answer(void *arg, int result, const struct httpc_answer *answer, const struct err *err)
{
    static const enum supervisor_event events[2][2] = {
        [SUPERVISOR_ASK_HEALTH] = {SUPERVISOR_UNHEALTHY, SUPERVISOR_HEALTHY},
        [SUPERVISOR_ASK_TOKEN] = {SUPERVISOR_NO_TOKEN, SUPERVISOR_TOKEN},
    };
    struct engine *e = arg;
    bool well = !result && is_well(e, answer);
    struct pool *pool = pool_create(NULL);
    e->asked = NULL;
    supervisor_event(&e->supervisor, events[e->question][well],
                     well ? NULL : complaint(pool, e, result, answer, err));
    pool_destroy(pool);
}

static const char *token_body(struct pool *pool, const struct engine *e)
{
    json_t *doc = json_pack("{s:[{s:s,s:s}],s:i}", "messages", "role", "user", "content", "Hello", "max_tokens", 1);
    if (*e->target->request_model)
        json_put_str(doc, "model", e->target->request_model);
    return json_text(pool, json_keep(pool, doc));
}

static int send_question(struct engine *e, struct pool *pool, struct err *err)
{
    bool health = e->question == SUPERVISOR_ASK_HEALTH;
    const char *key = engine_key(e, pool);
    const char *headers[] = {"Content-Type: application/json",
                             *key ? pool_printf(pool, "Authorization: Bearer %s", key) : NULL, NULL};
    const char *body = health ? NULL : token_body(pool, e);
    struct httpc_request q = {
        .method = health ? "GET" : "POST",
        .url = pool_printf(pool, "%s%s", engine_url(e), health ? "/health" : "/v1/chat/completions"),
        .headers = headers,
        .body = body,
        .body_len = body ? strlen(body) : 0,
        .timeout_ms = health ? HEALTH_MS : TOKEN_MS,
        .max_answer_bytes = CAP_ENGINE_ANSWER_BYTES,
    };
    return httpc_start(e->httpc, &q, on_answer, e, &e->asked, err);
}

static void hush(void *arg)
{
    struct engine *e = arg;
    if (e->asked)
        httpc_cancel(e->asked);
    e->asked = NULL;
    if (e->trial)
        trial_cancel(e->trial);
}

static void ask(void *arg, enum supervisor_question question)
{
    struct engine *e = arg;
    struct err err = {0};
    struct pool *pool = pool_create(NULL);
    hush(e);
    e->question = question;
    if (send_question(e, pool, &err)) /* the address was looked at before: this is our mistake */
        BUG("%s", err.msg);
    pool_destroy(pool);
}

/* --- where it clicks ------------------------------------------------------------------------------ */

static bool is_strict(const struct engine *e)
{
    return e->target->settings->selftest == SELFTEST_STRICT;
}

static void keep_result(struct engine *e, const struct trial_result *r)
{
    pool_destroy(e->selftest_pool);
    e->selftest_pool = pool_create(NULL);
    e->selftest = (struct engine_selftest){.state = r->ok           ? ENGINE_SELFTEST_PASSED
                                                    : is_strict(e) ? ENGINE_SELFTEST_REFUSED
                                                                   : ENGINE_SELFTEST_WARNED,
                                           .verdict = pool_strdup(e->selftest_pool, r->verdict),
                                           .words = pool_strdup(e->selftest_pool, r->words),
                                           .advice = pool_strdup(e->selftest_pool, r->advice),
                                           .median_px = r->median_px,
                                           .max_px = r->max_px,
                                           .hits = r->hits,
                                           .asked = r->asked};
}

static void on_tested(void *arg, const struct trial_result *result)
{
    struct engine *e = arg;
    const struct engine_selftest *t = &e->selftest;
    keep_result(e, result);
    struct pool *pool = pool_create(NULL);
    const char *text = pool_printf(pool, "the self-test: %s%s%s", t->words, *t->advice ? "; " : "", t->advice);
    if (result->ok)
        log_info(LOGGER, NULL, "%s (%.0f px at the median, %.0f px at most)", text, t->median_px, t->max_px);
    else if (!is_strict(e))
        log_warning(LOGGER, NULL, "%s (MANTIS_SELFTEST=warn: it is served all the same)", text);
    if (t->state == ENGINE_SELFTEST_REFUSED)
        supervisor_event(&e->supervisor, SUPERVISOR_REFUSED, pool_printf(pool, "%s (MANTIS_SELFTEST=strict)", text));
    else
        supervisor_event(&e->supervisor, SUPERVISOR_PASSED, NULL);
    pool_destroy(pool);
}

static void test(void *arg)
{
    struct engine *e = arg;
    trial_destroy(e->trial);
    e->selftest.state = ENGINE_SELFTEST_RUNNING;
    trial_start(e->loop, e->target, engine_url(e), on_tested, e, &e->trial);
}

/* --- its process ---------------------------------------------------------------------------------- */

static int launch(void *arg, struct err *err)
{
    struct engine *e = arg;
    int wanted = e->target->settings->llama_port;
    struct pool *pool = pool_create(NULL);
    int r = child_free_port(wanted, &e->port, err);
    if (!r) {
        snprintf(e->url, sizeof(e->url), "http://127.0.0.1:%d", e->port);
        r = child_launch(&e->child, launch_argv(pool, &e->target->launch, e->port), err);
    }
    if (!r && e->port != wanted)
        log_warning(LOGGER, NULL, "port %d is taken: the model server listens on %d (MANTIS_LLAMA_PORT)",
                    wanted, e->port);
    if (!r)
        log_info(LOGGER, NULL, "the model server is started: pid=%d port=%d log=%s",
                 (int)e->child.proc.pid, e->port, e->child.log.path);
    pool_destroy(pool);
    return r;
}

static void send_signal(void *arg, int signo)
{
    child_signal(&((struct engine *)arg)->child, signo);
}

static void on_child_end(void *arg, const char *how)
{
    struct engine *e = arg;
    char why[200];
    snprintf(why, sizeof(why), "it %s%s", strncmp(how, "killed", 6) == 0 ? "was " : "", how);
    supervisor_event(&e->supervisor, SUPERVISOR_EXITED, why);
}

/* --- what is told of it --------------------------------------------------------------------------- */

static void tell_now(void *arg)
{
    struct engine *e = arg;
    enum supervisor_state state = e->supervisor.state;
    if (state == SUPERVISOR_GIVEN_UP && !e->told_end) {
        struct pool *pool = pool_create(NULL);
        e->told_end = true;
        engine_ready(e, NULL);
        e->on_end(e->end_arg, e->reason, child_log_tail(&e->child.log, pool, CAP_ENGINE_LOG_TAIL_BYTES));
        pool_destroy(pool);
    } else if (state == SUPERVISOR_STOPPED && e->on_stopped) {
        engine_stopped_fn *fn = e->on_stopped;
        e->on_stopped = NULL;
        fn(e->stopped_arg);
    }
}

static void on_changed(void *arg)
{
    struct engine *e = arg;
    const char *why;
    if (engine_ready(e, &why))
        log_info(LOGGER, NULL, "the model server is ready at %s", engine_url(e));
    else if (e->supervisor.state == SUPERVISOR_BACKING_OFF)
        log_error(LOGGER, NULL, "%s", why);
    else
        log_info(LOGGER, NULL, "%s", why);
    loop_timer_set(e->loop, &e->tell, 0, tell_now, e);
}

/* By whether it is ours, and whether it is tested. */
static const struct supervisor_ops operations[2][2] = {
    {{NULL, NULL, ask, NULL, hush, on_changed}, {NULL, NULL, ask, test, hush, on_changed}},
    {{launch, send_signal, ask, NULL, hush, on_changed}, {launch, send_signal, ask, test, hush, on_changed}},
};

/* --- before the start ----------------------------------------------------------------------------- */

bool engine_wanted(const struct settings *settings)
{
    return engine_base_find(settings->brain) || *settings->lora_adapter || *settings->model_url;
}

int engine_origin(struct pool *pool, const char *model_url, const char **out, struct err *err)
{
    struct httpc_url url;
    if (httpc_url_parse(pool, model_url, &url, NULL) || url.has_userinfo)
        return err_set(err, E_INVALID, "MANTIS_MODEL_URL takes an http or https address without a password: "
                                       "the key is a secret, named by MANTIS_MODEL_KEY_SECRET");
    size_t len = strlen(model_url);
    while (len && model_url[len - 1] == '/')
        len--;
    if (len > 3 && strncmp(model_url + len - 3, "/v1", 3) == 0)
        len -= 3;
    *out = pool_strndup(pool, model_url, len);
    return 0;
}

static int check_key(struct pool *pool, const struct settings *s, struct err *err)
{
    if (!*s->model_key_secret || *secret_read(pool, s->secrets_dir, s->model_key_secret))
        return 0;
    return err_set(err, E_INVALID, "MANTIS_MODEL_KEY_SECRET='%.80s': there is no such secret in '%.200s'",
                   s->model_key_secret, s->secrets_dir);
}

static const char *default_name(const struct engine_target *t, struct engine_asker asker)
{
    return t->base ? t->base->served_name : asker.profile ? asker.model : "";
}

static int prepare_theirs(struct pool *pool, struct engine_target *t, struct engine_asker asker, struct err *err)
{
    const struct settings *s = t->settings;
    int r = lora_check_variables(pool, err);
    if (r)
        return r;
    if (*s->lora_adapter)
        return err_set(err, E_INVALID,
                       "MANTIS_LORA_ADAPTER='%.200s': an adapter cannot be laid over the server that "
                       "MANTIS_MODEL_URL names: unset one of them",
                       s->lora_adapter);
    r = engine_origin(pool, s->model_url, &t->url, err);
    if (r)
        return r;
    t->request_model = *s->model_name ? s->model_name : default_name(t, asker);
    t->start_timeout_s = s->model_start_timeout_s ? s->model_start_timeout_s : THEIR_TIMEOUT_S;
    t->warnings = pool_alloc(pool, sizeof(*t->warnings));
    return check_key(pool, s, err);
}

static int prepare_ours(struct pool *pool, struct engine_target *t, struct err *err)
{
    int r = launch_prepare(pool, t->settings, &t->launch, err);
    r = r ? r : launch_check_program(pool, &t->launch, err);
    if (r)
        return r;
    t->request_model = t->launch.request_model;
    t->start_timeout_s = t->launch.start_timeout_s;
    t->warnings = t->launch.warnings;
    t->tag = t->launch.lora.tag;
    return 0;
}

int engine_prepare(struct pool *pool, const struct settings *settings, struct engine_asker asker,
                   struct engine_target *out, struct err *err)
{
    struct engine_target t = {.settings = settings,
                              .base = engine_base_find(settings->brain),
                              .profile = asker.profile,
                              .tag = ""};
    int r = *settings->model_url ? prepare_theirs(pool, &t, asker, err) : prepare_ours(pool, &t, err);
    if (r)
        return r;
    if (*settings->model_tag)
        t.tag = settings->model_tag;
    *out = t;
    return 0;
}

/* --- its life ------------------------------------------------------------------------------------- */

int engine_create(struct loop *loop, const struct engine_target *target, engine_end_fn *on_end, void *arg,
                  struct engine **out, struct err *err)
{
    struct engine *e = calloc(1, sizeof(*e));
    if (!e)
        BUG("out of memory");
    e->loop = loop;
    e->target = target;
    e->on_end = on_end;
    e->end_arg = arg;
    child_init(&e->child, loop, target->url ? "" : target->launch.log_path, on_child_end, e);
    bool tested = target->profile && target->settings->selftest != SELFTEST_OFF;
    e->selftest = (struct engine_selftest){.state = tested ? ENGINE_SELFTEST_TO_DO : ENGINE_SELFTEST_OFF,
                                           .verdict = "",
                                           .words = "",
                                           .advice = "",
                                           .median_px = -1,
                                           .max_px = -1};
    supervisor_init(&e->supervisor, loop, &operations[!target->url][tested], e,
                    (int64_t)target->start_timeout_s * 1000);
    int r = httpc_create(loop, &e->httpc, err);
    if (r)
        engine_destroy(e);
    else
        *out = e;
    return r;
}

void engine_destroy(struct engine *engine)
{
    if (!engine)
        return;
    supervisor_release(&engine->supervisor);
    hush(engine);
    loop_timer_clear(&engine->tell);
    trial_destroy(engine->trial);
    pool_destroy(engine->selftest_pool);
    child_release(&engine->child);
    httpc_destroy(engine->httpc);
    free(engine);
}

void engine_start(struct engine *engine)
{
    const struct engine_target *t = engine->target;
    for (const char *const *w = t->warnings; *w; w++)
        log_warning(LOGGER, NULL, "%s", *w);
    if (!t->url && t->launch.lora.path)
        log_warning(LOGGER, NULL, "a challenger is served: %s", t->launch.lora.tag);
    supervisor_event(&engine->supervisor, SUPERVISOR_START, NULL);
}

void engine_stop(struct engine *engine, engine_stopped_fn *fn, void *arg)
{
    engine->on_stopped = fn;
    engine->stopped_arg = arg;
    supervisor_event(&engine->supervisor, SUPERVISOR_STOP, NULL);
    loop_timer_set(engine->loop, &engine->tell, 0, tell_now, engine);
}

/* --- questions ------------------------------------------------------------------------------------ */

const char *engine_url(const struct engine *engine)
{
    return engine->target->url ? engine->target->url : engine->url;
}

const struct engine_target *engine_target(const struct engine *engine)
{
    return engine->target;
}

const char *engine_key(const struct engine *engine, struct pool *pool)
{
    const struct settings *s = engine->target->settings;
    bool theirs_has_one = engine->target->url && *s->model_key_secret;
    return theirs_has_one ? secret_read(pool, s->secrets_dir, s->model_key_secret) : "";
}

static int64_t seconds_in_state(const struct supervisor *s)
{
    return (clock_mono_ms() - s->since_mono_ms) / 1000;
}

/* clang-format off */
static const char *const state_words[SUPERVISOR_N_STATES] = {
    [SUPERVISOR_STOPPED] = "the model server is not started",
    [SUPERVISOR_STARTING] = "the model server is not ready",
    [SUPERVISOR_PROBING] = "the model server is asked for a first token",
    [SUPERVISOR_TESTING] = "the model server answers, and its clicks are tested",
    [SUPERVISOR_READY] = "",
    [SUPERVISOR_BACKING_OFF] = "the model server ended and is started again",
    [SUPERVISOR_GIVEN_UP] = "the model server was given up",
    [SUPERVISOR_DRAINING] = "the model server is stopping",
};
/* clang-format on */

static const char *time_words(struct pool *pool, const struct engine *e)
{
    const struct supervisor *s = &e->supervisor;
    if (s->state == SUPERVISOR_STARTING)
        return pool_printf(pool, " for %lld s, of at most %d s", (long long)seconds_in_state(s),
                           e->target->start_timeout_s);
    if (s->state == SUPERVISOR_TESTING)
        return pool_printf(pool, " for %lld s, of at most %d s", (long long)seconds_in_state(s),
                           e->target->settings->selftest_timeout_s);
    if (s->state == SUPERVISOR_BACKING_OFF)
        return pool_printf(pool, " in %lld s", (long long)(supervisor_pause_ms(s) + 999) / 1000);
    return "";
}

bool engine_ready(struct engine *engine, const char **ret_why)
{
    if (!engine)
        return true;
    const struct supervisor *s = &engine->supervisor;
    struct pool *pool = pool_create(NULL);
    bool says_why = *s->why && s->state != SUPERVISOR_PROBING && s->state != SUPERVISOR_TESTING && s->state != SUPERVISOR_READY;
    snprintf(engine->reason, sizeof(engine->reason), "%s%s%s%s", state_words[s->state],
             time_words(pool, engine), says_why ? ": " : "", says_why ? s->why : "");
    pool_destroy(pool);
    if (ret_why)
        *ret_why = engine->reason;
    return s->state == SUPERVISOR_READY;
}

bool engine_ready_for_runs(struct engine *engine, const char **ret_why)
{
    return !engine || !engine->target->profile || engine_ready(engine, ret_why);
}

const struct engine_selftest *engine_selftest(const struct engine *engine)
{
    return &engine->selftest;
}

static json_t *px(double v)
{
    return v < 0 ? json_null() : json_real(v);
}

static json_t *selftest_json(const struct engine_selftest *t)
{
    static const char *const states[] = {
        [ENGINE_SELFTEST_OFF] = "off",       [ENGINE_SELFTEST_TO_DO] = "to_do",
        [ENGINE_SELFTEST_RUNNING] = "running", [ENGINE_SELFTEST_PASSED] = "passed",
        [ENGINE_SELFTEST_WARNED] = "warned", [ENGINE_SELFTEST_REFUSED] = "refused"};
    return json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:i,s:i}", "state", states[t->state], "verdict", t->verdict, "words",
                     json_string_safe(t->words), "advice", json_string_safe(t->advice), "median_px",
                     px(t->median_px), "max_px", px(t->max_px), "hits", t->hits, "asked", t->asked);
}

json_t *engine_status(struct engine *engine)
{
    const struct engine_target *t = engine->target;
    const struct supervisor *s = &engine->supervisor;
    const char *why;
    bool ready = engine_ready(engine, &why);
    struct pool *pool = pool_create(NULL);
    json_t *doc = json_object();
    json_put_str(doc, "brain", t->base ? t->base->brain : t->settings->brain);
    json_put_str(doc, "engine", t->url ? "external" : engine_kind_name(t->base->engine));
    json_put_str(doc, "state", supervisor_state_name(s->state));
    json_put_bool(doc, "ready", ready);
    json_put_str(doc, "why", why);
    json_put_int(doc, "seconds", seconds_in_state(s));
    json_put_str(doc, "url", engine_url(engine));
    json_put_str(doc, "request_model", t->request_model);
    json_put_str(doc, "tag", t->tag);
    json_put(doc, "pid", engine->child.proc.pid ? json_integer(engine->child.proc.pid) : json_null());
    json_put_int(doc, "failures", s->failures);
    json_put(doc, "selftest", selftest_json(&engine->selftest));
    json_put_str(doc, "log", engine->child.log.path);
    json_put(doc, "last_lines", json_string_safe(child_log_tail(&engine->child.log, pool, STATUS_LOG_BYTES)));
    pool_destroy(pool);
    return doc;
}
