/*
 * The whole of src/api over a scheduler that only remembers: routes, tokens, bodies, options, and
 * what a raw socket can do to the server.
 */
#include "unit/test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/brains.h"
#include "api/request.h"
#include "api/run_options.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"

#define TOKEN      "0123456789abcdef"
#define WITH_TOKEN "X-Mantis-Token: " TOKEN "\r\n"
#define RUN_ID     "20260304_050607_9af31c2e"
#define STEPS                                                                                      \
    "\"task_suite\":{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open http://site.test/\"}]}"

/* ---- a scheduler that remembers ---- */

struct sched {
    bool not_ready;
    int submitted, unwatched, cancelled;
    char run_id[64], profile[64], workflow[64], plane[32], mode[16], cancel_reason[64];
    double max_cost;
    int max_minutes, tail;
    char *payload;
    sched_watch_fn *watch_fn;
    void *watch_arg;
    char artifact[64];
};

struct sched_watch {
    int unused;
};
static struct sched fake;
static struct sched_watch fake_watch;

int sched_submit(struct sched *s, const struct submission *sub, struct err *err)
{
    if (strcmp(sub->run_id, "taken") == 0)
        return err_set(err, E_CONFLICT, "run 'taken' exists");
    if (strcmp(sub->run_id, "disk") == 0)
        return err_set(err, E_IO, "cannot write '/data/secret/path'");
    s->submitted++;
    snprintf(s->run_id, sizeof(s->run_id), "%s", sub->run_id);
    snprintf(s->profile, sizeof(s->profile), "%s", sub->profile_id);
    snprintf(s->workflow, sizeof(s->workflow), "%s", sub->workflow_id);
    snprintf(s->plane, sizeof(s->plane), "%s", sub->plane);
    snprintf(s->mode, sizeof(s->mode), "%s", sub->mode);
    s->max_cost = sub->max_cost;
    s->max_minutes = sub->max_time_minutes;
    free(s->payload);
    s->payload = json_dumps(sub->payload, JSON_COMPACT);
    return 0;
}

static int known(const char *run_id, struct err *err)
{
    return strcmp(run_id, RUN_ID) == 0 || strcmp(run_id, fake.run_id) == 0
               ? 0
               : err_set(err, E_NOT_FOUND, "there is no run '%s'", run_id);
}

int sched_cancel(struct sched *s, const char *tenant, const char *run_id, const char *reason,
                 struct err *err)
{
    int r = known(run_id, err);
    s->cancelled += !r;
    snprintf(s->cancel_reason, sizeof(s->cancel_reason), "%s", reason);
    return r;
}

int sched_status(struct sched *s, struct pool *pool, const char *tenant, const char *run_id,
                 json_t **out, struct err *err)
{
    int r = known(run_id, err);
    if (r)
        return r;
    *out = json_keep(pool, json_pack("{s:s,s:s,s:s,s:s}", "run_id", run_id, "status", "queued",
                                     "mode", "detached", "tenant_id", tenant));
    return 0;
}

int sched_phase(struct sched *s, struct pool *pool, const char *tenant, const char *run_id,
                json_t **out, struct err *err)
{
    *out = json_keep(pool, json_pack("{s:s}", "phase", "queued"));
    return known(run_id, err);
}

int sched_result(struct sched *s, struct pool *pool, const char *tenant, const char *run_id,
                 json_t **out, struct err *err)
{
    *out = json_keep(pool, json_pack("{s:{s:s}}", "result", "terminal_status", "completed"));
    return known(run_id, err);
}

int sched_logs(struct sched *s, struct pool *pool, const char *tenant, const char *run_id, int tail,
               json_t **out, struct err *err)
{
    s->tail = tail;
    *out = json_keep(pool, json_pack("{s:s,s:[]}", "run_id", run_id, "events"));
    return known(run_id, err);
}

int sched_artifact(struct sched *s, struct pool *pool, const char *tenant, const char *run_id,
                   const char *name, char **ret_path, const char **ret_mime, struct err *err)
{
    if (strcmp(name, "leads.csv") != 0)
        return err_set(err, E_NOT_FOUND, "the run has no artifact '%s'", name);
    *ret_path = pool_strdup(pool, s->artifact);
    *ret_mime = "text/csv";
    return known(run_id, err);
}

struct sched_watch *sched_watch(struct sched *s, const char *tenant, const char *run_id,
                                sched_watch_fn *fn, void *arg)
{
    s->watch_fn = fn;
    s->watch_arg = arg;
    return &fake_watch;
}

void sched_unwatch(struct sched_watch *watch)
{
    fake.unwatched++;
}

bool sched_ready(struct sched *s, const char **ret_reason)
{
    *ret_reason = "there is no browser";
    return !s->not_ready;
}

/* ---- a server and a raw client on one loop ---- */

struct fixture {
    struct loop *loop;
    struct api *api;
    struct settings settings;
};

static void start(struct fixture *fx)
{
    struct err err = {0};
    memset(&fake, 0, sizeof(fake));
    *fx = (struct fixture){.settings = {.host = "127.0.0.1",
                                        .repo_root = "/nonexistent",
                                        .api_token = TOKEN,
                                        .max_steps_per_plan = 200,
                                        .max_loop_iterations = 50,
                                        .max_runtime_minutes = 240,
                                        .max_cost_usd = 75,
                                        .default_micro = "",
                                        .env_url = "",
                                        .brain = "page",
                                        .git_sha = "abc",
                                        .build_time = ""}};
    assert_int_equal(loop_create(&fx->loop, NULL), 0);
    if (api_create(fx->loop, &fake, &fx->settings, &fx->api, &err))
        fail_msg("%s", err.msg);
}

static void stop(struct fixture *fx)
{
    api_destroy(fx->api);
    loop_destroy(fx->loop);
    free(fake.payload);
    fake.payload = NULL;
}

struct client {
    int fd;
    const char *out;
    size_t out_left;
    struct buf in;
    size_t want; /* stop after this many answers; 0: at the end of the stream */
    bool ended;  /* the server closed; what is left is still sent */
    int error;
};

static void client_open(struct client *c, struct fixture *fx)
{
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)api_port(fx->api)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    *c = (struct client){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_int_equal(connect(c->fd, (struct sockaddr *)&to, sizeof(to)), 0);
    assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
    buf_init(&c->in, 4u << 20);
}

static void client_close(struct client *c)
{
    close(c->fd);
    buf_release(&c->in);
}

static size_t count(const char *hay, const char *needle)
{
    size_t n = 0;
    for (; (hay = strstr(hay, needle)); hay++)
        n++;
    return n;
}

/* Send what is left, take what is there. */
static bool client_done(void *arg)
{
    struct client *c = arg;
    char piece[65536];
    ssize_t n;
    while (c->out_left && (n = send(c->fd, c->out, c->out_left, MSG_NOSIGNAL)) > 0) {
        c->out += n;
        c->out_left -= (size_t)n;
    }
    while ((n = recv(c->fd, piece, sizeof(piece), 0)) > 0)
        assert_int_equal(buf_add(&c->in, piece, (size_t)n), 0);
    c->error = n < 0 ? errno : 0;
    c->ended = n == 0 || (n < 0 && errno != EAGAIN);
    return c->error == ECONNRESET || (c->ended && !c->out_left) ||
           (c->want && c->in.data && count(c->in.data, "HTTP/1.1 ") >= c->want);
}

/* Turn the loop until the client has what it wants. */
static void talk(struct fixture *fx, struct client *c, const char *bytes, size_t len)
{
    c->out = bytes;
    c->out_left = len;
    /* the client has no watch of its own on the loop, so it looks every few milliseconds */
    int64_t end = clock_mono_ms() + 20000;
    while (!client_done(c)) {
        if (loop_wait(fx->loop, NULL, NULL, clock_mono_ms() + 2))
            fail_msg("the loop was interrupted");
        if (clock_mono_ms() > end)
            fail_msg("no answer to %.80s; so far: %.200s", bytes, c->in.data ? c->in.data : "");
    }
}

struct answer {
    int status;
    struct buf text; /* head and body */
    const char *body;
};

static void answer_read(struct answer *a, const struct client *c)
{
    buf_init(&a->text, 4u << 20);
    assert_int_equal(buf_add(&a->text, c->in.data ? c->in.data : "", c->in.len), 0);
    a->status = 0;
    if (a->text.len)
        sscanf(a->text.data, "HTTP/1.1 %d", &a->status);
    const char *gap = a->text.len ? strstr(a->text.data, "\r\n\r\n") : NULL;
    a->body = gap ? gap + 4 : "";
}

/* One call on a connection of its own. */
static void call(struct fixture *fx, struct answer *a, const char *method, const char *path,
                 const char *headers, const char *body)
{
    struct pool *pool = pool_create(NULL);
    struct client c;
    char *text = pool_printf(
        pool, "%s %s HTTP/1.1\r\nHost: t\r\nConnection: close\r\n%sContent-Length: %zu\r\n\r\n%s",
        method, path, headers, strlen(body), body);
    client_open(&c, fx);
    talk(fx, &c, text, strlen(text));
    answer_read(a, &c);
    client_close(&c);
    pool_destroy(pool);
}

static void answer_release(struct answer *a)
{
    buf_release(&a->text);
}

#define HAS(text, part)                                                                            \
    do {                                                                                           \
        if (!strstr(text, part))                                                                   \
            fail_msg("'%s' is not in: %.400s", part, text);                                        \
    } while (0)

/* ---- tests ---- */

static void every_route_is_listed_once(void **state)
{
    for (size_t i = 0; i < routes_n; i++) {
        assert_int_equal(routes[i].pattern[0], '/');
        assert_non_null(routes[i].handle);
        assert_true(routes[i].summary[0] != 0);
        if (routes[i].flags & ROUTE_JSON)
            assert_true(routes[i].body_cap > 0);
        for (size_t j = 0; j < i; j++)
            if (strcmp(routes[i].pattern, routes[j].pattern) == 0)
                assert_string_not_equal(routes[i].method, routes[j].method);
    }
}

static void paths_find_their_route(void **state)
{
    static const struct {
        const char *method, *path;
        int code;
        const char *pattern, *first, *second, *allow;
    } cases[] = {
        {"POST", "/predict", 0, "/predict", NULL, NULL, NULL},
        {"GET", "/predict", E_INVALID, NULL, NULL, NULL, "POST"},
        {"HEAD", "/health", 0, "/health", NULL, NULL, NULL},
        {"POST", "/health", E_INVALID, NULL, NULL, NULL, "GET, HEAD"},
        {"GET", "/v1/runs/a", 0, "/v1/runs/{run_id}", "a", NULL, NULL},
        {"GET", "/v1/runs/", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "/v1/runs/a/", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "/v1/runs/a/status", 0, "/v1/runs/{run_id}/status", "a", NULL, NULL},
        {"GET", "/v1/runs/a/cancel", E_INVALID, NULL, NULL, NULL, "POST"},
        {"GET", "/v1/runs/a/artifacts/b.csv", 0, "/v1/runs/{run_id}/artifacts/{name}", "a", "b.csv",
         NULL},
        {"GET", "/v1/runs/a/artifacts/b/c", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "/", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "/healthy", E_NOT_FOUND, NULL, NULL, NULL, NULL},
        {"GET", "//health", E_NOT_FOUND, NULL, NULL, NULL, NULL},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct route *route = NULL;
        const char *params[ROUTE_PARAMS_MAX] = {NULL}, *allow = NULL;
        int r = route_match(pool, cases[i].method, cases[i].path, &route, params, &allow);
        if (r != cases[i].code)
            fail_msg("%s %s: %d", cases[i].method, cases[i].path, r);
        if (cases[i].pattern)
            assert_string_equal(route->pattern, cases[i].pattern);
        if (cases[i].first)
            assert_string_equal(params[0], cases[i].first);
        if (cases[i].second)
            assert_string_equal(params[1], cases[i].second);
        if (cases[i].allow)
            assert_string_equal(allow, cases[i].allow);
    }
    pool_destroy(pool);
}

static void tokens_are_missing_wrong_right_or_not_configured(void **state)
{
    const struct tenant *tenant = NULL;
    struct err err = {0};
    assert_int_equal(auth_check("", TOKEN, &tenant, &err), E_UNAVAILABLE);
    assert_int_equal(auth_check("", "", &tenant, &err), E_UNAVAILABLE);
    assert_int_equal(auth_check(TOKEN, NULL, &tenant, &err), E_UNAUTHORIZED);
    HAS(err.msg, "missing");
    assert_int_equal(auth_check(TOKEN, "", &tenant, &err), E_UNAUTHORIZED);
    HAS(err.msg, "missing");
    assert_int_equal(auth_check(TOKEN, "0123456789abcdeF", &tenant, &err), E_UNAUTHORIZED);
    HAS(err.msg, "invalid");
    assert_null(tenant);
    assert_int_equal(auth_check(TOKEN, TOKEN, &tenant, &err), 0);
    assert_string_equal(tenant->id, "default");
}

static void identities_carry_the_tenant(void **state)
{
    static const struct {
        const char *profile, *workflow, *key, *want_profile, *want_workflow;
    } cases[] = {
        {"", "", "", "t__default", "t__0123456789ab"},
        {"shop 1", "", "", "t__shop_1", "t__0123456789ab"},
        {"", "wf", "", "t__default", "t__wf"},
        {"", "", "key", "t__key", "t__key"},
        {"p", "", "key", "t__p", "t__key"},
        {"../../x", "a:b", "", "t__x", "t__a_b"},
        {"///", "", "", "t__micro_state", "t__0123456789ab"},
    };
    struct pool *pool = pool_create(NULL);
    struct identity id;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run_options o = {.profile_id = cases[i].profile,
                                .workflow_id = cases[i].workflow,
                                .state_key = cases[i].key};
        assert_int_equal(identity_resolve(pool, "t", &o, "0123456789abcdef", &id, NULL), 0);
        assert_string_equal(id.profile_id, cases[i].want_profile);
        assert_string_equal(id.workflow_id, cases[i].want_workflow);
        assert_string_equal(id.state_key, id.workflow_id);
    }
    char longer[201];
    memset(longer, 'a', 200);
    longer[200] = 0;
    struct run_options o = {.profile_id = longer, .workflow_id = "", .state_key = ""};
    assert_int_equal(identity_resolve(pool, "t", &o, "0123456789abcdef", &id, NULL), E_INVALID);
    pool_destroy(pool);
}

static void options_are_read_leniently_and_refused_by_name(void **state)
{
    static const struct {
        const char *body, *in_message; /* NULL: accepted */
    } cases[] = {
        {"{}", NULL},
        {"{\"max_cost\":\"2.5\",\"max_time_minutes\":20.0,\"detached\":\"No\"}", NULL},
        {"{\"max_time_minutes\":20.5}", "max_time_minutes"},
        {"{\"max_time_minutes\":0}", "max_time_minutes"},
        {"{\"max_cost\":-1}", "max_cost"},
        {"{\"max_cost\":null}", NULL},
        {"{\"max_cost\":[1]}", "max_cost"},
        {"{\"detached\":null}", "detached"},
        {"{\"detached\":\"maybe\"}", "detached"},
        {"{\"profile_id\":5}", "profile_id"},
        {"{\"video_fps\":31}", "video_fps"},
        {"{\"video_fps\":0}", "video_fps"},
        {"{\"video_format\":\"avi\"}", "video_format"},
        {"{\"video_format\":\"webm\"}", NULL},
        {"{\"cache_ttl_seconds\":2592001}", "cache_ttl_seconds"},
        {"{\"record_video\":false,\"live_viewer\":\"off\",\"callback_url\":\"\",\"user_input\":"
         "null}",
         NULL},
        {"{\"record_video\":true}", "record_video"},
        {"{\"live_viewer\":1}", "live_viewer"},
        {"{\"callback_url\":\"https://x.test/\"}", "callback_url"},
        {"{\"dry_run\":true}", "dry_run"},
        {"{\"user_input\":0}", "user_input"},
        {"{\"proxy_city\":\"Paris\"}", "proxy_city"},
        {"{\"proxy_disabled\":true,\"cua_model\":\"holo3\",\"graph_learn\":true}", NULL},
        {"{\"extraction_schema\":[]}", "extraction_schema"},
        {"{\"extraction_schema\":{}}", "extraction_schema"},
        {"{\"extraction_schema\":{\"fields\":[{\"name\":\"title\"}]}}", NULL},
        {"{\"something_new\":{\"a\":1}}", NULL},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct run_options o;
        struct err err = {0};
        json_t *body;
        assert_int_equal(json_parse(cases[i].body, strlen(cases[i].body), "case", &body, NULL), 0);
        int r = run_options_read(body, &o, &err);
        json_decref(body);
        if ((r != 0) != (cases[i].in_message != NULL))
            fail_msg("%s: %d %s", cases[i].body, r, err.msg);
        if (r)
            HAS(err.msg, cases[i].in_message);
    }
}

static void brains_are_known_by_name(void **state)
{
    static const char *const unknown[] = {"script", "script:", "page:x", "holo3", ""};
    assert_string_equal(api_brain_find("page")->name, "page");
    assert_string_equal(api_brain_find("none")->name, "none");
    assert_string_equal(api_brain_find("script:/tmp/a.json")->name, "script");
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_null(api_brain_find(unknown[i]));
    struct pool *pool = pool_create(NULL);
    assert_string_equal(api_brain_names(pool), "page, mock, none, script:<file>");
    pool_destroy(pool);
}

static void bad_requests_are_answered_with_what_is_wrong(void **state)
{
    static const struct {
        const char *method, *path, *headers, *body;
        int status;
        const char *in_detail;
    } cases[] = {
        {"GET", "/nowhere", "", "", 404, "Not Found"},
        {"GET", "/health%00x", "", "", 404, "Not Found"},
        {"DELETE", "/predict", WITH_TOKEN, "", 405, "Method Not Allowed"},
        {"POST", "/predict", "", "{}", 401, "missing"},
        {"POST", "/predict", "X-Mantis-Token: nope\r\n", "{}", 401, "invalid"},
        {"GET", "/v1/runs/" RUN_ID, "", "", 401, "missing"},
        {"POST", "/predict", WITH_TOKEN, "", 400, "empty"},
        {"POST", "/predict", WITH_TOKEN, "{\"micro\":", 400, "JSON"},
        {"POST", "/predict", WITH_TOKEN, "[1]", 400, "object"},
        {"POST", "/predict", WITH_TOKEN, "{\"a\":1,\"a\":2}", 400, "stands twice"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":5}", 400, "action"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"explode\",\"run_id\":\"x\"}", 400,
         "explode"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"pause\",\"run_id\":\"x\"}", 400,
         "not available"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"status\"}", 400, "run_id"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"status\",\"run_id\":\"../x\"}", 400,
         "run_id"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"status\",\"run_id\":\"nobody\"}", 404,
         "nobody"},
        {"POST", "/predict", WITH_TOKEN,
         "{\"action\":\"logs\",\"run_id\":\"" RUN_ID "\",\"tail\":0}", 400, "tail"},
        {"POST", "/predict", WITH_TOKEN,
         "{\"action\":\"logs\",\"run_id\":\"" RUN_ID "\",\"tail\":10001}", 400, "tail"},
        {"POST", "/predict", WITH_TOKEN, "{\"detached\":true}", 400, "task_suite"},
        {"POST", "/predict", WITH_TOKEN, "{" STEPS ",\"compute_backend\":\"computer_plane\"}", 400,
         "page brain"},
        {"POST", "/predict", WITH_TOKEN, "{" STEPS ",\"compute_backend\":\"abacus\"}", 400,
         "abacus"},
        {"POST", "/predict", WITH_TOKEN, "{" STEPS ",\"run_id\":\"a b\"}", 400, "run_id"},
        {"POST", "/predict", WITH_TOKEN, "{" STEPS ",\"run_id\":\"taken\"}", 409, "taken"},
        {"POST", "/predict", WITH_TOKEN, "{" STEPS ",\"run_id\":\"disk\"}", 500, "request id"},
        {"GET", "/v1/runs/nobody/status", WITH_TOKEN, "", 404, "nobody"},
        {"GET", "/v1/runs/a%20b", WITH_TOKEN, "", 400, "run_id"},
        {"GET", "/v1/runs/" RUN_ID "/artifacts/secret.txt", WITH_TOKEN, "", 404, "secret.txt"},
        {"GET", "/v1/runs/" RUN_ID "/artifacts/..%2f..%2fstatus.json", WITH_TOKEN, "", 404,
         "Not Found"},
    };
    struct fixture fx;
    start(&fx);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a;
        call(&fx, &a, cases[i].method, cases[i].path, cases[i].headers, cases[i].body);
        if (a.status != cases[i].status)
            fail_msg("%s %s %s: %d %s", cases[i].method, cases[i].path, cases[i].body, a.status,
                     a.body);
        HAS(a.text.data, "Content-Type: application/json");
        HAS(a.body, "{\"detail\":\"");
        HAS(a.body, cases[i].in_detail);
        assert_null(strstr(a.text.data, TOKEN));
        assert_null(strstr(a.text.data, "/data/secret"));
        answer_release(&a);
    }
    assert_int_equal(fake.submitted, 0);
    stop(&fx);
}

static void deep_json_is_refused(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct answer a;
    char *deep = pool_alloc(pool, 20001);
    memset(deep, '[', 10000);
    memset(deep + 10000, ']', 10000);
    start(&fx);
    call(&fx, &a, "POST", "/predict", WITH_TOKEN, pool_printf(pool, "{\"task_suite\":%s}", deep));
    assert_int_equal(a.status, 400);
    HAS(a.body, "deep");
    answer_release(&a);
    stop(&fx);
    pool_destroy(pool);
}

static void a_large_body_is_refused_before_it_is_sent(void **state)
{
    static const char head[] =
        "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 20971520\r\n" WITH_TOKEN "\r\n{}";
    struct fixture fx;
    struct client c;
    struct answer a;
    start(&fx);
    client_open(&c, &fx);
    c.want = 1;
    talk(&fx, &c, head, strlen(head));
    answer_read(&a, &c);
    assert_int_equal(a.status, 413);
    HAS(a.body, "20971520");
    answer_release(&a);
    client_close(&c);
    stop(&fx);
}

static void a_sender_of_a_large_body_sees_the_answer(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    struct answer a;
    size_t len = 20u << 20;
    char *text = pool_alloc(pool, len + 256);
    int n = sprintf(
        text, "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: %zu\r\n" WITH_TOKEN "\r\n",
        len);
    memset(text + n, 'x', len);
    start(&fx);
    client_open(&c, &fx);
    talk(&fx, &c, text, (size_t)n + len);
    assert_int_equal(c.out_left, 0); /* everything was taken ... */
    assert_int_equal(c.error, 0);    /* ... and the connection ended without a reset */
    answer_read(&a, &c);
    assert_int_equal(a.status, 413);
    HAS(a.text.data, "Connection: close");
    answer_release(&a);
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

static void a_large_chunked_body_is_refused_at_its_end(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    struct answer a;
    size_t len = CAP_HTTP_BODY_BYTES + 1;
    char *text = pool_alloc(pool, len + 512);
    int n = sprintf(text,
                    "POST /predict HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n" WITH_TOKEN
                    "\r\n%zx\r\n",
                    len);
    memset(text + n, 'x', len);
    strcpy(text + n + len, "\r\n0\r\n\r\n");
    start(&fx);
    client_open(&c, &fx);
    c.want = 1;
    talk(&fx, &c, text, (size_t)n + len + 7);
    answer_read(&a, &c);
    assert_int_equal(a.status, 413);
    answer_release(&a);
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

static void too_many_header_bytes_are_refused(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct answer a;
    char *header = pool_alloc(pool, CAP_HTTP_HEADER_BYTES + 64);
    int n = sprintf(header, "X-Long: ");
    memset(header + n, 'a', CAP_HTTP_HEADER_BYTES);
    strcpy(header + n + CAP_HTTP_HEADER_BYTES, "\r\n");
    start(&fx);
    call(&fx, &a, "GET", "/health", header, "");
    assert_true(a.status == 431 || a.status == 413 || a.status == 414);
    answer_release(&a);
    call(&fx, &a, "GET", "/health", "", "");
    assert_int_equal(a.status, 200);
    answer_release(&a);
    stop(&fx);
    pool_destroy(pool);
}

static bool is_waited_for(void *arg)
{
    struct fixture *fx = arg;
    return fx->api->waits[CONN_FIRST_HEADERS].first != NULL;
}

static bool asked_four_times(void *arg)
{
    return ++*(int *)arg == 4;
}

/* A few turns of the loop while the fake clock stands still. */
static void turn_at(struct fixture *fx, int64_t mono_us)
{
    int asked = 0;
    clock_fake(mono_us, clock_wall_us());
    assert_int_equal(loop_wait(fx->loop, asked_four_times, &asked, clock_mono_ms() + 10), 0);
}

static void headers_that_trickle_in_end_at_their_allowance(void **state)
{
    struct fixture fx;
    struct client c;
    static const char piece[] = "GET /health HTTP/1.1\r\nX-Slow: ";
    start(&fx);
    client_open(&c, &fx);
    assert_int_equal(send(c.fd, piece, strlen(piece), 0), (int)strlen(piece));
    assert_int_equal(loop_wait(fx.loop, is_waited_for, &fx, clock_mono_ms() + 5000), 0);
    int64_t now_us = clock_mono_us();
    turn_at(&fx, now_us + (CAP_HTTP_HEADER_S - 1) * 1000000LL);
    assert_non_null(fx.api->waits[CONN_FIRST_HEADERS].first);
    assert_int_equal(send(c.fd, "x", 1, 0), 1); /* one more byte does not buy more time */
    turn_at(&fx, now_us + (CAP_HTTP_HEADER_S + 2) * 1000000LL);
    clock_fake_off();
    talk(&fx, &c, "", 0);
    assert_true(c.ended);
    client_close(&c);
    stop(&fx);
}

static void pipelined_calls_are_answered_in_order(void **state)
{
    static const char text[] =
        "GET /health HTTP/1.1\r\nHost: t\r\nX-Request-Id: first\r\n\r\n"
        "POST /predict HTTP/1.1\r\nHost: t\r\nX-Request-Id: second\r\nContent-Length: 2\r\n\r\n{}"
        "GET /v1/version HTTP/1.1\r\nHost: t\r\nX-Request-Id: third\r\n\r\n";
    struct fixture fx;
    struct client c;
    start(&fx);
    client_open(&c, &fx);
    c.want = 3;
    talk(&fx, &c, text, strlen(text));
    const char *first = strstr(c.in.data, "X-Request-Id: first"),
               *second = strstr(c.in.data, "X-Request-Id: second"),
               *third = strstr(c.in.data, "X-Request-Id: third");
    assert_true(first && second && third && first < second && second < third);
    HAS(second, "missing"); /* a refused call with a small body leaves the connection usable */
    client_close(&c);
    stop(&fx);
}

static void rubbish_on_the_wire_leaves_the_server_well(void **state)
{
    struct fixture fx;
    struct client c;
    struct answer a;
    start(&fx);
    client_open(&c, &fx);
    talk(&fx, &c, "\x01\x02 nonsense\r\n\r\n", 15);
    assert_true(c.ended);
    client_close(&c);
    client_open(&c, &fx);
    assert_int_equal(send(c.fd, "GET / HTTP/1.1\r\n", 16, 0), 16);
    shutdown(c.fd, SHUT_WR); /* half a request and no more */
    talk(&fx, &c, "", 0);
    assert_true(c.ended);
    client_close(&c);
    call(&fx, &a, "GET", "/health", "", "");
    assert_int_equal(a.status, 200);
    answer_release(&a);
    stop(&fx);
}

static void head_answers_like_get_without_a_body(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "HEAD", "/health", "", "");
    assert_int_equal(a.status, 200);
    HAS(a.text.data, "Content-Length: ");
    assert_string_equal(a.body, "");
    answer_release(&a);
    stop(&fx);
}

static void open_routes_say_what_runs_here(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "GET", "/v1/health", "", "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{\"ok\":true,\"model\":\"page\"}");
    answer_release(&a);
    fake.not_ready = true;
    call(&fx, &a, "GET", "/health", "", "");
    assert_int_equal(a.status, 503);
    HAS(a.body, "\"ok\":false");
    HAS(a.body, "there is no browser");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", WITH_TOKEN, "{" STEPS "}");
    assert_int_equal(a.status, 503);
    HAS(a.body, "there is no browser");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/version", "", "");
    HAS(a.body, "\"version\":\"" MANTIS_VERSION "\"");
    HAS(a.body, "\"ready\":false");
    HAS(a.body, "\"git_sha\":\"abc\"");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/models", "", "");
    assert_string_equal(a.body, "{\"object\":\"list\",\"data\":[{\"id\":\"page\",\"object\":"
                                "\"model\",\"owned_by\":\"mantis\"}]}");
    answer_release(&a);
    stop(&fx);
}

static void without_a_configured_token_calls_are_unavailable(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    fx.settings.api_token = "";
    call(&fx, &a, "POST", "/predict", WITH_TOKEN, "{}");
    assert_int_equal(a.status, 503);
    HAS(a.body, "MANTIS_API_TOKEN");
    answer_release(&a);
    call(&fx, &a, "GET", "/health", "", "");
    assert_int_equal(a.status, 200);
    answer_release(&a);
    stop(&fx);
}

static void a_detached_run_is_queued_with_capped_and_prefixed_values(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN,
         "{" STEPS
         ",\"profile_id\":\"shop\",\"max_cost\":\"2\",\"max_time_minutes\":500,\"auth\":\"geheim\","
         "\"webhook_secret_name\":\"geheim\"}");
    assert_int_equal(a.status, 200);
    HAS(a.body, "{\"status\":\"queued\",\"mode\":\"detached\",\"run_id\":\"");
    HAS(a.body, fake.run_id);
    answer_release(&a);
    assert_int_equal(fake.submitted, 1);
    assert_string_equal(fake.profile, "default__shop");
    assert_true(str_starts(fake.workflow, "default__"));
    assert_int_equal(strlen(fake.workflow), strlen("default__") + 12);
    assert_string_equal(fake.plane, "browser_use_plane");
    assert_string_equal(fake.mode, "detached");
    assert_true(fake.max_cost == 2);
    assert_int_equal(fake.max_minutes, 60); /* the tenant's, below the server's 240 */
    HAS(fake.payload, "\"profile_id\":\"default__shop\"");
    assert_null(strstr(fake.payload, "geheim"));
    HAS(fake.payload, "\"task_suite\":{\"steps\"");
    char text[20001]; /* a long request is not carried along by every step */
    memset(text, 'x', 20000);
    text[20000] = 0;
    struct pool *pool = pool_create(NULL);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN,
         pool_printf(pool, "{" STEPS ",\"profile_id\":\"shop\",\"note\":\"%s\",\"tag\":\"a\"}",
                     text));
    assert_int_equal(a.status, 200);
    HAS(fake.payload, "\"profile_id\":\"default__shop\"");
    HAS(fake.payload, "\"tag\":\"a\"");
    assert_true(strlen(fake.payload) < 10000);
    answer_release(&a);
    pool_destroy(pool);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN, "{" STEPS "}");
    assert_int_equal(a.status, 200);
    assert_true(fake.max_cost == 25); /* nobody asked: the least of server and tenant */
    answer_release(&a);
    stop(&fx);
}

static void actions_and_their_short_forms_reach_the_run(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "POST", "/predict", WITH_TOKEN,
         "{\"action\":\"logs\",\"run_id\":\"" RUN_ID "\",\"tail\":\"7\"}");
    assert_int_equal(a.status, 200);
    assert_int_equal(fake.tail, 7);
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", WITH_TOKEN,
         "{\"action\":\"cancel\",\"run_id\":\"" RUN_ID "\",\"reason\":\"ops\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(fake.cancel_reason, "ops");
    answer_release(&a);
    call(&fx, &a, "POST", "/v1/runs/" RUN_ID "/cancel", WITH_TOKEN, "{\"reason\":\"ops-7\"}");
    assert_int_equal(a.status, 200);
    assert_string_equal(fake.cancel_reason, "ops-7");
    answer_release(&a);
    call(&fx, &a, "POST", "/v1/runs/" RUN_ID "/cancel", WITH_TOKEN, "no JSON at all");
    assert_int_equal(a.status, 200);
    assert_int_equal(fake.cancelled, 3);
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID "/result", WITH_TOKEN, "");
    HAS(a.body, "\"terminal_status\":\"completed\"");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID, WITH_TOKEN, "");
    HAS(a.body, "\"phase\":\"queued\"");
    answer_release(&a);
    stop(&fx);
}

static void artifacts_are_files_to_save(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    snprintf(fake.artifact, sizeof(fake.artifact), "/tmp/test_api_XXXXXX");
    int fd = mkstemp(fake.artifact);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a,b\n1,2\n", 8), 8);
    close(fd);
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID "/artifacts/leads.csv", WITH_TOKEN, "");
    assert_int_equal(a.status, 200);
    HAS(a.text.data, "Content-Type: text/csv");
    HAS(a.text.data, "Content-Disposition: attachment; filename=\"leads.csv\"");
    assert_string_equal(a.body, "a,b\n1,2\n");
    answer_release(&a);
    unlink(fake.artifact);
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID "/artifacts/leads.csv", WITH_TOKEN, "");
    assert_int_equal(a.status, 404);
    answer_release(&a);
    stop(&fx);
}

/* A call that waits for its run, up to the point where it waits. */
static void begin_waiting(struct fixture *fx, struct client *c)
{
    static const char text[] = "{" STEPS ",\"detached\":false}";
    struct pool *pool = pool_create(NULL);
    char *all = pool_printf(
        pool, "POST /predict HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN "Content-Length: %zu\r\n\r\n%s",
        strlen(text), text);
    client_open(c, fx);
    assert_int_equal(send(c->fd, all, strlen(all), 0), (int)strlen(all));
    int64_t end = clock_mono_ms() + 5000;
    while (!fx->api->waiting && clock_mono_ms() < end)
        assert_int_equal(loop_wait(fx->loop, NULL, NULL, clock_mono_ms() + 2), 0);
    assert_non_null(fx->api->waiting);
    assert_string_equal(fake.mode, "sync");
    pool_destroy(pool);
}

static void a_waiting_call_gets_the_result_when_the_run_ends(void **state)
{
    struct fixture fx;
    struct client c;
    struct answer a;
    start(&fx);
    begin_waiting(&fx, &c);
    fake.watch_fn(fake.watch_arg);
    assert_null(fx.api->waiting);
    c.want = 1;
    talk(&fx, &c, "", 0);
    answer_read(&a, &c);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{\"terminal_status\":\"completed\"}");
    assert_int_equal(fake.unwatched, 1); /* the handle goes back also after it has fired */
    answer_release(&a);
    client_close(&c);
    stop(&fx);
}

static bool nobody_waits(void *arg)
{
    struct fixture *fx = arg;
    return !fx->api->waiting && !fx->api->in_progress;
}

static void a_waiting_caller_that_hangs_up_is_forgotten(void **state)
{
    struct fixture fx;
    struct client c;
    start(&fx);
    begin_waiting(&fx, &c);
    client_close(&c);
    assert_int_equal(loop_wait(fx.loop, nobody_waits, &fx, clock_mono_ms() + 5000), 0);
    assert_int_equal(fake.unwatched, 1);
    stop(&fx);
}

static void tick(void *arg)
{
    ++*(int *)arg;
}

static void draining_answers_who_waits_and_takes_nobody_in(void **state)
{
    struct fixture fx;
    struct client c, late;
    struct answer a;
    int drained = 0;
    start(&fx);
    client_open(&late, &fx); /* connected before, calls after */
    begin_waiting(&fx, &c);
    api_drain(fx.api, 5000, tick, &drained);
    talk(&fx, &c, "", 0);
    answer_read(&a, &c);
    assert_int_equal(a.status, 503);
    HAS(a.body, "stopping");
    HAS(a.text.data, "Connection: close");
    answer_release(&a);
    assert_int_equal(fake.unwatched, 1);
    assert_int_equal(drained, 1);
    static const char text[] = "GET /health HTTP/1.1\r\nHost: t\r\n\r\n";
    talk(&fx, &late, text, strlen(text));
    answer_read(&a, &late);
    assert_int_equal(a.status, 503);
    answer_release(&a);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)api_port(fx.api)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), -1);
    assert_int_equal(errno, ECONNREFUSED);
    close(fd);
    client_close(&c);
    client_close(&late);
    stop(&fx);
}

static void stopping_with_callers_waiting_is_clean(void **state)
{
    struct fixture fx;
    struct client c;
    start(&fx);
    begin_waiting(&fx, &c);
    stop(&fx);
    assert_int_equal(fake.unwatched, 1);
    client_close(&c);
}

static void a_port_in_use_is_named(void **state)
{
    struct fixture fx;
    struct api *second = NULL;
    struct err err = {0};
    start(&fx);
    struct settings settings = fx.settings;
    settings.port = api_port(fx.api);
    assert_int_equal(api_create(fx.loop, &fake, &settings, &second, &err), E_CONFLICT);
    char number[16];
    snprintf(number, sizeof(number), "%d", settings.port);
    HAS(err.msg, number);
    HAS(err.msg, "--port");
    settings.host = "203.0.113.77";
    settings.port = 0;
    assert_int_equal(api_create(fx.loop, &fake, &settings, &second, &err), E_INVALID);
    assert_null(second);
    stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_listed_once),
        cmocka_unit_test(paths_find_their_route),
        cmocka_unit_test(tokens_are_missing_wrong_right_or_not_configured),
        cmocka_unit_test(identities_carry_the_tenant),
        cmocka_unit_test(options_are_read_leniently_and_refused_by_name),
        cmocka_unit_test(brains_are_known_by_name),
        cmocka_unit_test(bad_requests_are_answered_with_what_is_wrong),
        cmocka_unit_test(deep_json_is_refused),
        cmocka_unit_test(a_large_body_is_refused_before_it_is_sent),
        cmocka_unit_test(a_sender_of_a_large_body_sees_the_answer),
        cmocka_unit_test(a_large_chunked_body_is_refused_at_its_end),
        cmocka_unit_test(too_many_header_bytes_are_refused),
        cmocka_unit_test(headers_that_trickle_in_end_at_their_allowance),
        cmocka_unit_test(pipelined_calls_are_answered_in_order),
        cmocka_unit_test(rubbish_on_the_wire_leaves_the_server_well),
        cmocka_unit_test(head_answers_like_get_without_a_body),
        cmocka_unit_test(open_routes_say_what_runs_here),
        cmocka_unit_test(without_a_configured_token_calls_are_unavailable),
        cmocka_unit_test(a_detached_run_is_queued_with_capped_and_prefixed_values),
        cmocka_unit_test(actions_and_their_short_forms_reach_the_run),
        cmocka_unit_test(artifacts_are_files_to_save),
        cmocka_unit_test(a_waiting_call_gets_the_result_when_the_run_ends),
        cmocka_unit_test(a_waiting_caller_that_hangs_up_is_forgotten),
        cmocka_unit_test(draining_answers_who_waits_and_takes_nobody_in),
        cmocka_unit_test(stopping_with_callers_waiting_is_clean),
        cmocka_unit_test(a_port_in_use_is_named),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
