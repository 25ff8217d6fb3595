/* The HTTP client and the commands on it, against a small server that answers from a script. */
#include "unit/test.h"

#include <math.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/follow.h"
#include "cmd/rows.h"
#include "cmd/table.h"
#include "sys/file.h"
#include "unit/capture.h"

#define TOKEN "0123456789abcdef-token"

/* --- the scripted server --------------------------------------------------------------------- */

struct answer {
    int status;
    const char *body;
    const char *header[2]; /* name, value; NULL none */
};

/* Decides by method, path and body; counts how often it was asked. Runs in the server's thread. */
typedef struct answer answer_fn(const char *method, const char *path, const char *body,
                                int n_asked);

struct stub {
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    answer_fn *fn;
    int n_asked;
    char *last_body;
    char token[128], authorization[128], extra[128], key[128], last_id[128];
};

static struct stub stub;

struct upload {
    char *data;
    size_t len;
};

static void keep_header(struct MHD_Connection *c, const char *name, char out[128])
{
    const char *v = MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
    snprintf(out, 128, "%s", v ? v : "");
}

static enum MHD_Result reply(struct MHD_Connection *c, const struct answer *a)
{
    struct MHD_Response *r = MHD_create_response_from_buffer(
        strlen(a->body), (void *)(uintptr_t)a->body, MHD_RESPMEM_MUST_COPY);
    if (a->header[0])
        MHD_add_response_header(r, a->header[0], a->header[1]);
    enum MHD_Result result = MHD_queue_response(c, (unsigned)a->status, r);
    MHD_destroy_response(r);
    return result;
}

static enum MHD_Result handle(void *cls, struct MHD_Connection *c, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *len, void **own)
{
    struct upload *up = *own;
    if (!up) {
        *own = calloc(1, sizeof(struct upload));
        return MHD_YES;
    }
    if (*len) {
        up->data = realloc(up->data, up->len + *len + 1);
        memcpy(up->data + up->len, data, *len);
        up->len += *len;
        up->data[up->len] = 0;
        *len = 0;
        return MHD_YES;
    }
    pthread_mutex_lock(&stub.lock);
    keep_header(c, "X-Mantis-Token", stub.token);
    keep_header(c, "Authorization", stub.authorization);
    keep_header(c, "X-Extra", stub.extra);
    keep_header(c, "Idempotency-Key", stub.key);
    keep_header(c, "Last-Event-ID", stub.last_id);
    free(stub.last_body);
    stub.last_body = strdup(up->data ? up->data : "");
    struct answer a = stub.fn(method, url, stub.last_body, stub.n_asked++);
    pthread_mutex_unlock(&stub.lock);
    return reply(c, &a);
}

static void forget(void *cls, struct MHD_Connection *c, void **own,
                   enum MHD_RequestTerminationCode why)
{
    struct upload *up = *own;
    if (up)
        free(up->data);
    free(up);
}

static struct pool *pool;
static struct loop *loop;
static struct err err;
static char endpoint[64];

static int setup(void **state)
{
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    memset(&stub, 0, sizeof(stub));
    pthread_mutex_init(&stub.lock, NULL);
    stub.daemon = MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL, 0, NULL, NULL,
                                   handle, NULL, MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&here,
                                   MHD_OPTION_NOTIFY_COMPLETED, forget, NULL, MHD_OPTION_END);
    assert_non_null(stub.daemon);
    int port = MHD_get_daemon_info(stub.daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    snprintf(endpoint, sizeof(endpoint), "http://127.0.0.1:%d", port);
    setenv("MANTIS_ENDPOINT", endpoint, 1);
    setenv("MANTIS_API_TOKEN", TOKEN, 1);
    unsetenv("BASETEN_API_KEY");
    pool = pool_create(NULL);
    err_clear(&err);
    return loop_create(&loop, &err);
}

static int teardown(void **state)
{
    MHD_stop_daemon(stub.daemon);
    free(stub.last_body);
    pthread_mutex_destroy(&stub.lock);
    loop_destroy(loop);
    pool_destroy(pool);
    return 0;
}

static char *said; /* on stderr, by the last command */

/* Run a command in this process and keep what it printed. */
static int run(char **ret_out, ...)
{
    char *argv[24] = {0};
    int argc = 0;
    va_list ap;
    va_start(ap, ret_out);
    while ((argv[argc] = va_arg(ap, char *)))
        argc++;
    va_end(ap);
    struct capture out = capture_begin(stdout), errors = capture_begin(stderr);
    int code = strcmp(argv[0], "runs") == 0 ? cmd_runs(argc, argv) : cmd_plan(argc, argv);
    said = capture_end(pool, &errors);
    *ret_out = capture_end(pool, &out);
    return code;
}

/* --- httpc ----------------------------------------------------------------------------------- */

static struct answer echo(const char *method, const char *path, const char *body, int n)
{
    if (strcmp(path, "/elsewhere") == 0)
        return (struct answer){302, "{}", {"Location", "/stolen"}};
    if (strcmp(path, "/stolen") == 0)
        return (struct answer){200, "\"followed\"", {NULL}};
    if (strcmp(path, "/busy") == 0)
        return (struct answer){429, "{\"detail\":\"too many\"}", {"Retry-After", "7"}};
    return (struct answer){
        200, body && *body ? body : "{\"ok\":true}", {"Content-Type", "application/json"}};
}

static int call(struct httpc *h, const char *url, size_t cap, int timeout_ms,
                struct httpc_answer *out)
{
    const char *const headers[] = {"X-Mantis-Token: " TOKEN, NULL};
    struct httpc_request req = {.method = "POST",
                                .url = url,
                                .headers = headers,
                                .body = "{\"a\":1}",
                                .body_len = 7,
                                .timeout_ms = timeout_ms,
                                .max_answer_bytes = cap};
    err_clear(&err);
    return httpc_call(h, pool, &req, out, &err);
}

static void an_answer_comes_back_whole_and_a_redirect_is_not_followed(void **state)
{
    struct httpc *h;
    struct httpc_answer a;
    stub.fn = echo;
    assert_int_equal(httpc_create(loop, &h, &err), 0);
    assert_int_equal(call(h, pool_printf(pool, "%s/x", endpoint), 100, 5000, &a), 0);
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{\"a\":1}");
    assert_string_equal(a.content_type, "application/json");
    assert_string_equal(stub.token, TOKEN);
    assert_int_equal(call(h, pool_printf(pool, "%s/elsewhere", endpoint), 100, 5000, &a), 0);
    assert_int_equal(a.status, 302);
    assert_int_equal(call(h, pool_printf(pool, "%s/busy", endpoint), 100, 5000, &a), 0);
    assert_int_equal(a.retry_after_s, 7);
    httpc_destroy(h);
}

static void what_goes_wrong_is_said_without_path_or_token(void **state)
{
    struct httpc *h;
    struct httpc_answer a;
    stub.fn = echo;
    int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    assert_int_equal(bind(deaf, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&at, &len), 0);
    char *url = pool_printf(pool, "http://user:pw@127.0.0.1:%d/secret-path", ntohs(at.sin_port));
    assert_int_equal(httpc_create(loop, &h, &err), 0);
    assert_int_equal(call(h, url, 100, 5000, &a), E_UNAVAILABLE); /* bound, not listening */
    assert_null(strstr(err.msg, "secret-path"));
    assert_null(strstr(err.msg, "pw"));
    assert_int_equal(listen(deaf, 1), 0);
    assert_int_equal(call(h, url, 100, 50, &a), E_TIMEOUT); /* listens, never answers */
    assert_int_equal(call(h, pool_printf(pool, "%s/x", endpoint), 3, 5000, &a), E_TOOBIG);
    assert_int_equal(call(h, "file:///etc/passwd", 100, 5000, &a), E_INVALID);
    assert_int_equal(call(h, "nonsense", 100, 5000, &a), E_INVALID);
    assert_null(strstr(err.msg, TOKEN));
    httpc_destroy(h);
    close(deaf);
}

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void an_interrupt_ends_a_request_and_the_next_one_works(void **state)
{
    struct httpc *h;
    struct httpc_answer a;
    struct loop_timer timer = {0};
    int deaf = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    stub.fn = echo;
    assert_int_equal(bind(deaf, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(listen(deaf, 1), 0);
    assert_int_equal(getsockname(deaf, (struct sockaddr *)&at, &len), 0);
    assert_int_equal(httpc_create(loop, &h, &err), 0);
    loop_timer_set(loop, &timer, 20, interrupt, loop);
    assert_int_equal(
        call(h, pool_printf(pool, "http://127.0.0.1:%d/", ntohs(at.sin_port)), 100, 600000, &a),
        E_CANCELLED);
    loop_interrupt_clear(loop);
    assert_int_equal(call(h, pool_printf(pool, "%s/x", endpoint), 100, 5000, &a), 0);
    httpc_destroy(h);
    close(deaf);
}

/* --- client ---------------------------------------------------------------------------------- */

static void server_addresses_are_normalised(void **state)
{
    static const char *const cases[][3] = {
        /* endpoint, base, predict */
        {"http://h:1/", "http://h:1", "http://h:1/v1/predict"},
        {"http://h:1/v1/", "http://h:1", "http://h:1/v1/predict"},
        {"http://h/v1", "http://h", "http://h/v1/predict"},
        {"http://h/v1/predict", "http://h", "http://h/v1/predict"},
        {"https://model-x.api.baseten.co/production/predict",
         "https://model-x.api.baseten.co/production/sync",
         "https://model-x.api.baseten.co/production/predict"},
        {"https://model-x.api.baseten.co/production/sync",
         "https://model-x.api.baseten.co/production/sync",
         "https://model-x.api.baseten.co/production/sync/v1/predict"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct client c;
        assert_int_equal(client_open_at(pool, loop, cases[i][0], TOKEN, &c, &err), 0);
        assert_string_equal(c.base, cases[i][1]);
        assert_string_equal(c.predict_url, cases[i][2]);
        client_close(&c);
    }
}

static int open_with(struct client_flags *f, struct client *c)
{
    err_clear(&err);
    int r = client_open(pool, loop, f, c, &err);
    client_close(c);
    return r;
}

static void what_is_missing_is_named(void **state)
{
    struct client c = {0};
    struct client_flags f = CLIENT_FLAGS_DEFAULT;
    char path[] = "/tmp/mantis-env-XXXXXX";
    int fd = mkstemp(path);
    dprintf(fd, "# mine\nexport MANTIS_API_TOKEN=\"from file\"\nBASETEN_MODEL_ID=abc\n");
    close(fd);
    unsetenv("MANTIS_ENDPOINT");
    f.env_file = "";
    assert_int_equal(open_with(&f, &c), E_INVALID);
    assert_non_null(strstr(err.msg, "MANTIS_ENDPOINT"));
    f.endpoint = "http://h";
    unsetenv("MANTIS_API_TOKEN");
    assert_int_equal(open_with(&f, &c), E_INVALID);
    assert_non_null(strstr(err.msg, "MANTIS_API_TOKEN"));
    f.env_file = path;
    assert_int_equal(open_with(&f, &c), 0);
    assert_string_equal(c.headers[1], "X-Mantis-Token: from file");
    setenv("MANTIS_API_TOKEN", TOKEN, 1); /* the environment beats the file */
    assert_int_equal(open_with(&f, &c), 0);
    assert_string_equal(c.headers[1], "X-Mantis-Token: " TOKEN);
    f.endpoint = NULL;
    assert_int_equal(open_with(&f, &c), E_INVALID);
    assert_non_null(strstr(err.msg, "BASETEN_API_KEY"));
    setenv("BASETEN_API_KEY", "gate", 1);
    assert_int_equal(open_with(&f, &c), 0);
    assert_string_equal(c.predict_url, "https://model-abc.api.baseten.co/production/predict");
    assert_string_equal(c.headers[2], "Authorization: Api-Key gate");
    f.endpoint = "http://elsewhere.test"; /* no gateway: it does not get the gateway's key */
    assert_int_equal(open_with(&f, &c), 0);
    assert_null(c.headers[2]);
    f.headers = (struct option_list){.items = {"novalue"}, .n = 1};
    assert_int_equal(open_with(&f, &c), E_INVALID);
    f.env_file = "/nowhere/.env";
    assert_int_equal(open_with(&f, &c), E_NOT_FOUND);
    unlink(path);
}

static struct answer refuse(const char *method, const char *path, const char *body, int n)
{
    static const struct answer answers[] = {
        {404, "{\"detail\":\"no run 'x'\"}", {NULL}},
        {401, "{\"detail\":\"bad token\"}", {NULL}},
        {422, "{\"detail\":[{\"loc\":[\"query\",\"sse\"]}]}", {NULL}},
        {429, "{\"detail\":\"too many\"}", {"Retry-After", "6"}},
        {500, "<html>\033[31mboom</html>", {NULL}},
        {200, "not json", {NULL}},
        {404, "<!DOCTYPE html><p>no", {"Content-Type", "text/html; charset=utf-8"}},
        {200, " <html>hello</html>", {NULL}},
    };
    return answers[n];
}

static void refusals_read_as_the_contract_says(void **state)
{
    static const struct {
        int code;
        const char *text;
    } cases[] = {
        {E_NOT_FOUND, "request failed (404): no run 'x'"},
        {E_UNAUTHORIZED, "request failed (401): bad token"},
        {E_UNPROCESSABLE, "request failed (422): [{\"loc\":[\"query\",\"sse\"]}]"},
        {E_RATE_LIMITED, "request failed (429): too many (try again in 6 s)"},
        {E_INTERNAL, "the answer is not that of a Mantis server (status 500, a page)"},
        {E_UPSTREAM, "the server's answer is not JSON"},
        {E_NOT_FOUND, "that is not a Mantis server (status 404, text/html)"},
        {E_UPSTREAM, "that is not a Mantis server (status 200, a page)"},
    };
    struct client c;
    json_t *reply;
    stub.fn = refuse;
    assert_int_equal(client_open_at(pool, loop, endpoint, TOKEN, &c, &err), 0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        err_clear(&err);
        assert_int_equal(client_action(&c, pool, "status", "x", NULL, &reply, &err), cases[i].code);
        assert_string_equal(err.msg, cases[i].text);
    }
    client_close(&c);
}

/* --- commands -------------------------------------------------------------------------------- */

static void a_body_is_submitted_byte_for_byte(void **state)
{
    static const char body[] =
        "{ \"detached\":true,\"micro\":\"plans/example/extract_listings.json\",\"max_cost\":2 }\n";
    char path[] = "/tmp/mantis-body-XXXXXX", *out;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, body, strlen(body)), strlen(body));
    close(fd);
    stub.fn = echo;
    assert_int_equal(
        run(&out, "runs", "submit", "--json", "--body", path, "--header", "X-Extra = v ", NULL), 0);
    assert_string_equal(stub.last_body, body);
    assert_string_equal(stub.extra, "v");
    assert_non_null(strstr(out, "\n  \"max_cost\": 2\n"));
    unlink(path);
}

static void every_level_says_its_version(void **state)
{
    char *out;
    assert_int_equal(run(&out, "runs", "--version", NULL), 0);
    assert_string_equal(out, "mantis " MANTIS_VERSION "\n");
    assert_int_equal(run(&out, "runs", "status", "--version", NULL), 0);
    assert_string_equal(out, "mantis " MANTIS_VERSION "\n");
    assert_int_equal(run(&out, "plan", "validate", "--", "--version", NULL), 1); /* a file */
}

static char keys[4][128];

/* Full at first, or gone in the middle of an answer. */
static struct answer is_full_once(const char *method, const char *path, const char *body, int n)
{
    snprintf(keys[n % 4], sizeof(keys[0]), "%s", stub.key);
    if (n == 0)
        return (struct answer){429, "{\"detail\":\"full\"}", {"Retry-After", "1"}};
    return (struct answer){200, "{\"run_id\":\"r1\",\"status\":\"queued\"}", {NULL}};
}

static struct answer is_full(const char *method, const char *path, const char *body, int n)
{
    return (struct answer){503, "{\"detail\":\"draining\"}", {"Retry-After", n < 2 ? "1" : "3600"}};
}

static void a_submit_that_is_refused_for_a_while_is_sent_again_with_its_key(void **state)
{
    char *out;
    stub.fn = is_full_once;
    assert_int_equal(run(&out, "runs", "submit", NULL), 0);
    assert_string_equal(out, "r1 queued\n");
    assert_string_equal(said, "warning: request failed (429): full (try again in 1 s); sending it "
                              "again in 1 s (1 of 4)\n");
    assert_int_equal(strlen(keys[0]), 32);
    assert_string_equal(keys[0], keys[1]);
    assert_int_equal(run(&out, "runs", "submit", NULL), 0); /* another submit, another key */
    assert_string_not_equal(keys[2], keys[0]);
    assert_int_equal(run(&out, "runs", "submit", "--idempotency-key", "mine", NULL), 0);
    assert_string_equal(keys[3], "mine");
    assert_int_equal(run(&out, "runs", "submit", "--idempotency-key", "a\nb", NULL), 1);
    assert_int_equal(stub.n_asked, 4);
}

static void a_submit_gives_up_in_time(void **state)
{
    char *out;
    stub.fn = is_full;
    assert_int_equal(run(&out, "runs", "submit", "--retries", "0", NULL), 1);
    assert_int_equal(stub.n_asked, 1);
    assert_int_equal(run(&out, "runs", "submit", "--retries", "1", NULL), 1);
    assert_int_equal(stub.n_asked, 3);
    assert_int_equal(run(&out, "runs", "submit", NULL), 1); /* nobody waits an hour */
    assert_int_equal(stub.n_asked, 4);
    assert_string_equal(said, "error: request failed (503): draining (try again in 3600 s)\n");
    assert_int_equal(run(&out, "runs", "submit", "--retries", "-1", NULL), 2);
}

static struct answer answers_dry(const char *method, const char *path, const char *body, int n)
{
    return (struct answer){200,
                           "{\"dry_run\":true,\"plan_summary\":{\"step_count\":3,\"by_type\":"
                           "{\"navigate\":1,\"click\":2}},\"cost_estimate\":"
                           "{\"estimated_total_usd\":0.0325},\"next_step\":\"Go on.\"}",
                           {NULL}};
}

static void a_dry_run_says_what_the_plan_is_and_costs(void **state)
{
    char *out;
    stub.fn = answers_dry;
    assert_int_equal(
        run(&out, "runs", "submit", "--dry-run", "--callback-url", "https://h.test/", NULL), 0);
    assert_string_equal(out, "3 steps: 1 navigate, 2 click\nabout 0.033 USD, estimated\nGo on.\n");
    assert_non_null(strstr(stub.last_body, "\"callback_url\":\"https://h.test/\""));
    assert_non_null(strstr(stub.last_body, "\"dry_run\":true"));
    assert_int_equal(run(&out, "runs", "submit", "--dry-run", "--body", "/nowhere", NULL), 2);
    assert_non_null(strstr(said, "put \"dry_run\": true into it"));
}

static struct answer goes_on(const char *method, const char *path, const char *body, int n)
{
    if (strcmp(path, "/v1/queue") == 0)
        return (struct answer){200, "{\"tenant_id\":\"acme\",\"queued\":2,\"running\":1}", {NULL}};
    return (struct answer){200, "{\"run_id\":\"r1\",\"status\":\"running\"}", {NULL}};
}

static void an_answer_for_a_paused_run_is_text_unless_it_is_an_object_or_array(void **state)
{
    static const char *const cases[][2] = {
        {"0123", "\"0123\""},           {" 4711\n", "\"4711\""},     {"1e5", "\"1e5\""},
        {"true", "\"true\""},           {"{\"a\": 1}", "{\"a\":1}"}, {"[1,2]", "[1,2]"},
        {"{not json", "\"{not json\""},
    };
    char *out;
    stub.fn = goes_on;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(run(&out, "runs", "resume", "r1", "--input", cases[i][0], NULL), 0);
        assert_string_equal(stub.last_body, pool_printf(pool,
                                                        "{\"user_input\":%s,\"action\":\"resume\","
                                                        "\"run_id\":\"r1\"}",
                                                        cases[i][1]));
        assert_string_equal(out, "r1 running\n");
    }
    assert_int_equal(run(&out, "runs", "resume", "r1", NULL), 0);
    assert_string_equal(stub.last_body, "{\"action\":\"resume\",\"run_id\":\"r1\"}");
    assert_int_equal(run(&out, "runs", "pause", "r1", "--reason", "lunch", NULL), 0);
    assert_string_equal(stub.last_body,
                        "{\"reason\":\"lunch\",\"action\":\"pause\",\"run_id\":\"r1\"}");
    assert_int_equal(run(&out, "runs", "queue", NULL), 0);
    assert_string_equal(out, "acme: 2 queued, 1 running, 0 recovering\n");
}

/* --- events ---------------------------------------------------------------------------------- */

#define PHASE(word) "event: phase\ndata: {\"phase\":\"" word "\",\"run_id\":\"r1\"}\n\n"
#define ROW(n, text)                                                                               \
    "id: t#" n "\nevent: fire\ndata: {\"ts\":\"t" n "\",\"summary\":\"" text "\"}\n\n"

static char cursors[4][128];

/* A stream that ends in the middle of a frame, one that was open long enough, and the end. */
static struct answer streams(const char *method, const char *path, const char *body, int n)
{
    static const char *const bodies[] = {
        PHASE("running") ROW("1", "one") ": ping\n\nevent: step\ndata: {\"short\":1}\n\n"
                                         "id: t#2\nevent: fire\ndata: {\"ts\":\"t2\",\"summ",
        PHASE("running") ROW("2", "two") "event: timeout\ndata: {\"reason\":\"x\"}\n\n",
        PHASE("running") "id: t#3\r\nevent: fire\r\ndata: {\"ts\":\"t3\",\r\n"
                         "data:\"summary\":\"three\"}\r\n\r\n" PHASE(
                             "halted") "event: terminal\ndata: "
                                       "{\"phase\":\"halted\",\"run_id\":\"r1\","
                                       "\"halt_class\":\"time_cap\"}\n\n" ROW("9", "too late"),
    };
    assert_string_equal(path, "/v1/runs/r1/events");
    snprintf(cursors[n % 4], sizeof(cursors[0]), "%s", stub.last_id);
    return (struct answer){200, bodies[n % 3], {"Content-Type", "text/event-stream"}};
}

static void events_come_once_each_through_cuts(void **state)
{
    static const char *const events[] = {"phase", "fire", "fire", "fire", "phase", "terminal"};
    char *out;
    stub.fn = streams;
    assert_int_equal(run(&out, "runs", "events", "r1", NULL), 0);
    assert_string_equal(out, "phase: running\nt1 one\nt2 two\nt3 three\n"
                             "phase: halted\nend: halted, time_cap\n");
    assert_int_equal(stub.n_asked, 3);
    assert_string_equal(cursors[0], "");
    assert_string_equal(cursors[1], "t#1");
    assert_string_equal(cursors[2], "t#2");
    stub.n_asked = 0;
    assert_int_equal(run(&out, "runs", "events", "r1", "--json", NULL), 0);
    for (size_t i = 0; i < ARRAY_SIZE(events); i++) {
        json_t *line;
        assert_int_equal(json_parse(out, strcspn(out, "\n"), "line", &line, &err), 0);
        assert_string_equal(json_str(line, "event", ""), events[i]);
        assert_true(json_is_object(json_object_get(line, "data")));
        assert_int_equal(json_object_get(line, "id") != NULL, strcmp(events[i], "fire") == 0);
        json_decref(line);
        out += strcspn(out, "\n") + 1;
    }
    assert_string_equal(out, "");
}

static struct answer streams_nothing(const char *method, const char *path, const char *body, int n)
{
    if (n == 0)
        return (struct answer){404, "{\"detail\":\"no run 'r1'\"}", {NULL}};
    return (struct answer){200, "{\"events\":[]}", {"Content-Type", "application/json"}};
}

static void where_no_events_come_from_is_said(void **state)
{
    char *out;
    stub.fn = streams_nothing;
    assert_int_equal(run(&out, "runs", "events", "r1", NULL), 1);
    assert_string_equal(said, "error: request failed (404): no run 'r1'\n");
    assert_int_equal(run(&out, "runs", "events", "r1", NULL), 1);
    assert_string_equal(said, "error: this server streams no events; try `mantis runs watch`\n");
    assert_int_equal(run(&out, "runs", "events", "r1", "--endpoint", "http://127.0.0.1:1", NULL),
                     1);
    assert_true(str_starts(said, "error: cannot reach http://127.0.0.1:1"));
    assert_string_equal(out, "");
}

static void submit_flags_become_a_request(void **state)
{
    char *out;
    stub.fn = echo;
    assert_int_equal(
        run(&out, "runs", "submit", "--profile-id", "p", "--max-cost", "1.5", "--attach", NULL), 0);
    assert_string_equal(stub.last_body,
                        "{\"micro\":\"plans/example/extract_listings.json\",\"detached\":false,"
                        "\"profile_id\":\"p\",\"max_cost\":1.5}");
    /* more minutes than an int has milliseconds */
    assert_int_equal(
        run(&out, "runs", "submit", "--max-time-minutes", "2147483647", "--attach", NULL), 0);
    assert_int_equal(run(&out, "runs", "submit", "--suite", "a", "--plan-text", "b", NULL), 2);
    assert_int_equal(run(&out, "runs", "submit", "--nonsense", NULL), 2);
    assert_int_equal(run(&out, "runs", "status", NULL), 2);
}

#define EVENT(step, ok, data)                                                                      \
    "{\\\"ts\\\":\\\"2026-03-04T05:06:0" step                                                      \
    ".000000+00:00\\\",\\\"message\\\":\\\"done\\\",\\\"kind\\\":\\\"step_end\\\","                \
    "\\\"detail\\\":{\\\"step_index\\\":" step                                                     \
    ",\\\"type\\\":\\\"click\\\",\\\"intent\\\":\\\"x\\\",\\\"success\\\":" ok                     \
    ",\\\"data\\\":\\\"" data "\\\",\\\"duration\\\":0.25}}"

/* A run that is away twice, is paused in between, and ends as last says. */
static struct answer a_run(const char *path, const char *body, int n, const char *last)
{
    static int looks;
    static char text[2048];
    if (n == 0)
        looks = 0;
    if (strcmp(path, "/v1/runs/r1") == 0)
        return (struct answer){200, "{\"polling_backoff_ms_hint\":100}", {NULL}};
    if (strcmp(path, "/v1/runs/r1/events") == 0) /* an old server: the log is looked at */
        return (struct answer){404, "{\"detail\":\"Not Found\"}", {NULL}};
    if (strstr(body, "\"logs\"")) {
        snprintf(text, sizeof(text),
                 "{\"run_id\":\"r1\",\"events\":[\"{\\\"ts\\\":\\\"t0\\\",\\\"message\\\":"
                 "\\\"started\\\"}\"%s%s%s]}",
                 looks > 2 ? ",\"" EVENT("0", "true", "opened") "\"" : "",
                 looks > 3 ? ",\"" EVENT("1", "false", "no luck") "\"" : "",
                 looks > 4 ? ",\"" EVENT("0", "true", "again") "\"" : "");
        return (struct answer){200, text, {NULL}};
    }
    looks++;
    if (looks == 2)
        return (struct answer){503, "{\"detail\":\"starting\"}", {NULL}};
    const char *word = looks == 1 ? "queued" : looks == 4 ? "paused" : looks > 5 ? last : "running";
    snprintf(
        text, sizeof(text),
        "{\"run_id\":\"r1\",\"status\":\"%s\",\"prompt\":\"the code?\",\"updated_at\":\"u\"%s}",
        word, strcmp(word, "halted") == 0 ? ",\"halt_reason\":\"time_cap\"" : "");
    return (struct answer){200, text, {NULL}};
}

static struct answer succeeds(const char *method, const char *path, const char *body, int n)
{
    return a_run(path, body, n, "succeeded");
}

static struct answer is_cancelled(const char *method, const char *path, const char *body, int n)
{
    return a_run(path, body, n, "cancelled");
}

static struct answer halts(const char *method, const char *path, const char *body, int n)
{
    return a_run(path, body, n, "halted");
}

static void watch_prints_each_finished_step_once_and_outlasts_pause_and_outage(void **state)
{
    static const char steps[] =
        "[0] click         ok    0.25s  opened\n[1] click         FAIL  0.25s  no luck\n"
        "[0] click         ok    0.25s  again\n";
    char *out;
    stub.fn = succeeds;
    assert_int_equal(run(&out, "runs", "watch", "r1", "--until-terminal", NULL), 0);
    assert_string_equal(out, steps);
    stub.n_asked = 0;
    assert_int_equal(run(&out, "runs", "watch", "--run-id", "r1", NULL), 0);
    assert_string_equal(out, pool_printf(pool, "t0 started\n%s", steps));
    stub.n_asked = 0;
    assert_int_equal(run(&out, "runs", "watch", "r1", "--json", NULL), 0);
    json_t *doc = json_loads(out, 0, NULL);
    assert_string_equal(json_str(doc, "status", ""), "succeeded");
    json_decref(doc);
}

static void watch_fails_when_the_run_does(void **state)
{
    char *out;
    stub.fn = is_cancelled;
    assert_int_equal(run(&out, "runs", "watch", "r1", "--until-terminal", NULL), 1);
    stub.n_asked = 0;
    stub.fn = halts;
    assert_int_equal(run(&out, "runs", "watch", "r1", "--until-terminal", NULL), 1);
    stub.n_asked = 0;
    assert_int_equal(run(&out, "runs", "watch", "r1", "--until-terminal", "--stop-on-pause", NULL),
                     1);
    assert_null(strstr(out, "again"));
}

static struct answer unknown_run(const char *method, const char *path, const char *body, int n)
{
    return (struct answer){404, "{\"detail\":\"no run 'r1'\"}", {NULL}};
}

static void an_unknown_run_is_not_waited_for(void **state)
{
    static const char *const commands[] = {"watch", "status", "result", "logs", "cancel"};
    char *out;
    stub.fn = unknown_run;
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        assert_int_equal(run(&out, "runs", commands[i], "r1", NULL), 1);
        assert_string_equal(out, "");
    }
}

static struct answer with_result(const char *method, const char *path, const char *body, int n)
{
    if (strcmp(path, "/v1/runs/r1/artifacts/leads.csv") == 0)
        return (struct answer){200, "status,year\r\n", {"Content-Type", "text/csv"}};
    if (strstr(path, "artifacts"))
        return (struct answer){404, "{\"detail\":\"no such artifact\"}", {NULL}};
    return (struct answer){200,
                           "{\"run_id\":\"r1\",\"status\":\"succeeded\",\"result\":{\"steps_"
                           "executed\":3,\"total_time_s\":1.5,"
                           "\"artifacts\":[{\"name\":\"extracted_rows\",\"data\":[{\"year\":"
                           "\"2014\",\"make\":\"B\\u00fcrgi\"},"
                           "{\"year\":\"98\",\"make\":\"a, \\\"b\\\"\",\"url\":\"https://x\"}]}]}}",
                           {NULL}};
}

static void a_result_is_a_table_a_document_and_a_csv_file(void **state)
{
    char *out, *csv, path[] = "/tmp/mantis-csv-XXXXXX";
    size_t len;
    close(mkstemp(path));
    stub.fn = with_result;
    assert_int_equal(run(&out, "runs", "result", "r1", "--csv-out", path, NULL), 0);
    assert_string_equal(out, "year  make    url\n"
                             "2014  Bürgi   \n"
                             "  98  a, \"b\"  https://x\n"
                             "\nr1: succeeded, 2 row(s), 3 step(s), 1.5 s\n");
    assert_int_equal(file_read(pool, path, 1000, &csv, &len, &err), 0);
    assert_string_equal(csv, "year,make,url\r\n2014,Bürgi,\r\n98,\"a, \"\"b\"\"\",https://x\r\n");
    assert_int_equal(run(&out, "runs", "result", "r1", "--json", NULL), 0);
    json_t *doc = json_loads(out, 0, NULL);
    assert_non_null(doc);
    json_decref(doc);
    assert_int_equal(run(&out, "runs", "artifact", "r1", "leads.csv", NULL), 0);
    assert_string_equal(out, "status,year\r\n");
    assert_int_equal(run(&out, "runs", "artifact", "--run-id", "r1", "leads.csv", "-o", path, NULL),
                     0);
    assert_int_equal(file_read(pool, path, 1000, &csv, &len, &err), 0);
    assert_string_equal(csv, "status,year\r\n");
    assert_int_equal(run(&out, "runs", "artifact", "r1", "final.png", NULL), 1);
    assert_int_equal(run(&out, "runs", "artifact", "r1", "../x", NULL), 1);
    assert_int_equal(run(&out, "runs", "artifact", "r1", NULL), 2);
    unlink(path);
}

static struct answer with_failures(const char *method, const char *path, const char *body, int n)
{
    return (struct answer){200,
                           "{\"run_id\":\"r1\",\"status\":\"completed_with_failures\",\"result\":{\"steps_"
                           "executed\":4,\"total_time_s\":1.5,\"step_details\":["
                           "{\"step\":0,\"intent\":\"Open\",\"success\":true,\"data\":\"ok\"},"
                           "{\"step\":1,\"intent\":\"Press \\\"Go\\\"\",\"success\":false,\"data\":"
                           "\"form_target_not_found\"},"
                           "{\"step\":2,\"intent\":\"Skip\",\"success\":false,\"skip\":true,\"data\":\"guard\"},"
                           "{\"step\":3,\"intent\":\"Read\",\"success\":false,\"data\":\"a\\u001bb\"}]}}",
                           {NULL}};
}

static void a_result_says_which_steps_failed(void **state)
{
    char *out;
    stub.fn = with_failures;
    assert_int_equal(run(&out, "runs", "result", "r1", NULL), 0);
    assert_string_equal(out, "r1: completed_with_failures, 0 row(s), 4 step(s), 1.5 s\n"
                             "[1] FAIL  \"Press \"Go\"\": form_target_not_found\n"
                             "[3] FAIL  \"Read\": a b\n");
}

static void many_failed_steps_are_counted(void **state)
{
    json_t *details = json_array(), *result = json_pack("{s:o}", "step_details", details);
    for (int i = 0; i < 13; i++)
        json_push(details, json_pack("{s:i,s:s,s:b,s:s}", "step", i, "intent", "x", "success", 0, "data", "y"));
    const char *text = follow_failed_steps(pool, result);
    assert_non_null(strstr(text, "[9] FAIL  \"x\": y\nand 3 more\n"));
    assert_null(strstr(text, "[10]"));
    json_decref(result);
    assert_string_equal(follow_failed_steps(pool, NULL), "");
}

static void an_interval_that_is_none_is_refused(void **state)
{
    static const char *const wrong[] = {"-1", "0.01", "100000"};
    char *out;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(run(&out, "runs", "watch", "r1", "--interval", wrong[i], NULL), 2);
    assert_true(follow_interval_ok(0));
    assert_true(follow_interval_ok(0.1));
    assert_false(follow_interval_ok((double)NAN));
}

static struct answer one_run(const char *method, const char *path, const char *body, int n)
{
    if (strstr(body, "\"logs\""))
        return (struct answer){200,
                               "{\"run_id\":\"r1\",\"events\":[\"{\\\"ts\\\":"
                               "\\\"2026-03-04T05:06:07.1+00:00\\\",\\\"message\\\":"
                               "\\\"started\\\"}\",\"" EVENT("1", "true", "opened") "\"]}",
                               {NULL}};
    if (strstr(body, "\"cancel\""))
        return (struct answer){200, "{\"run_id\":\"r1\",\"status\":\"cancelled\"}", {NULL}};
    if (strstr(body, "\"micro\""))
        return (struct answer){200, "{\"run_id\":\"r1\",\"status\":\"queued\"}", {NULL}};
    return (struct answer){200,
                           "{\"run_id\":\"r1\",\"status\":\"halted\",\"halt_reason\":\"time_cap\","
                           "\"started_at\":\"t1\",\"payload\":\"p\","
                           "\"summary\":{\"cost_total\":0.5,\"total_time_s\":1.25}}",
                           {NULL}};
}

static void what_is_said_of_a_run_is_short_unless_json_is_asked_for(void **state)
{
    char *out;
    json_t *doc;
    stub.fn = one_run;
    assert_int_equal(run(&out, "runs", "submit", NULL), 0);
    assert_string_equal(out, "r1 queued\n");
    assert_int_equal(run(&out, "runs", "cancel", "r1", NULL), 0);
    assert_string_equal(out, "r1 cancelled\n");
    assert_int_equal(run(&out, "runs", "status", "r1", NULL), 0);
    assert_string_equal(out, "run       r1\nstatus    halted: time_cap\n"
                             "step      2 click: x\nrows      0\ncost      0.5000 USD\n"
                             "took      1.2 s\nstarted   t1\n");
    assert_int_equal(run(&out, "runs", "logs", "r1", NULL), 0);
    assert_string_equal(out, "2026-03-04T05:06:07 started\n"
                             "[1] click         ok    0.25s  opened\n");
    assert_int_equal(run(&out, "runs", "logs", "r1", "--raw", NULL), 0);
    assert_true(str_starts(out, "{\"ts\":"));
    static const char *const commands[] = {"submit", "status", "logs", "cancel"};
    for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
        assert_int_equal(run(&out, "runs", commands[i], "--json", "--run-id", "r1", NULL), 0);
        assert_int_equal(json_parse(out, strlen(out), "out", &doc, &err), 0);
        json_decref(doc);
    }
}

/* --- stats ----------------------------------------------------------------------------------- */

static void put_log(const char *dir, const char *month, const char *text)
{
    const char *path = pool_printf(pool, "%s/runs_log/%s.jsonl", dir, month);
    assert_int_equal(file_mkdirs(pool_printf(pool, "%s/runs_log", dir), 0700, &err), 0);
    assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

#define LOGGED(tenant, workflow, day, status, total, act)                                          \
    "{\"tenant_id\":\"" tenant "\",\"workflow_id\":\"" tenant "__" workflow                        \
    "\",\"finished_at\":\"2026-" day "T00:00:00.000000+00:00\",\"status\":\"" status               \
    "\",\"total_time_s\":" total ",\"wall_time_breakdown\":{\"act\":" act "}}\n"

static void stats_are_percentiles_of_the_newest_runs_that_fit(void **state)
{
    char *out, dir[] = "/tmp/mantis-stats-XXXXXX";
    assert_non_null(mkdtemp(dir));
    put_log(dir, "2026-02", LOGGED("a", "w", "02-01", "succeeded", "1", "0.5"));
    put_log(dir, "2026-03",
            "not json\n" LOGGED("a", "w", "03-04", "succeeded", "4", "2")
                LOGGED("a", "w", "03-02", "succeeded", "2", "1")
                    LOGGED("a", "w", "03-03", "succeeded", "3", "1.5")
                        LOGGED("a", "w", "03-05", "halted", "90", "9")
                            LOGGED("b", "other", "03-05", "succeeded", "70", "7") "{\"half\":");
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", dir, NULL), 0);
    assert_string_equal(out, "w: 4 run(s), seconds\n"
                             "bucket         p50   p95   p99\n"
                             "act           1.25  1.93  1.99\n"
                             "total_time_s  2.50  3.85  3.97\n");
    assert_string_equal(said, "warning: 2 line(s) of the log cannot be read and were left out\n");
    assert_int_equal(run(&out, "runs", "stats", "a__w", "--data-dir", dir, "--last", "2", "--json",
                         "--bucket", "think", NULL),
                     0);
    json_t *doc = json_loads(out, 0, NULL), *all = json_object_get(doc, "percentiles");
    assert_int_equal(json_int(doc, "run_count", 0), 2);
    assert_int_equal(json_object_size(all), 1);
    assert_true(json_num(json_object_get(all, "total_time_s"), "p50", 0) == 3.5);
    json_decref(doc);
    assert_non_null(strstr(said, "no run has the bucket 'think'"));
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", dir, "--status", "", NULL), 0);
    assert_true(str_starts(out, "w: 5 run(s)"));
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", dir, "--tenant-id", "b", NULL),
                     0);
    assert_string_equal(out, pool_printf(pool, "no succeeded run of 'w' in %s/runs_log\n", dir));
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", dir, "--since", "7w", NULL), 1);
    clock_fake(0, (int64_t)1772668800 * 1000000); /* 2026-03-05 */
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", dir, "--since", "48h", NULL), 0);
    clock_fake_off();
    assert_true(str_starts(out, "w: 2 run(s)"));
    assert_int_equal(run(&out, "runs", "stats", "w", "--data-dir", "/nowhere", "--json", NULL), 0);
    assert_int_equal(run(&out, "runs", "stats", NULL), 2);
    assert_int_equal(run(&out, "runs", "stats", "w", "--last", "0", NULL), 2);
    assert_int_equal(file_remove_tree(dir, &err), 0);
}

/* The server of `plan run`: takes the plan, runs it in no time. */
static struct answer runs_a_plan(const char *method, const char *path, const char *body, int n)
{
    if (strstr(body, "task_suite"))
        return (struct answer){200, "{\"status\":\"queued\",\"run_id\":\"r1\"}", {NULL}};
    if (strstr(body, "\"logs\""))
        return (struct answer){
            200, "{\"run_id\":\"r1\",\"events\":[\"" EVENT("0", "true", "opened") "\"]}", {NULL}};
    if (strstr(body, "\"result\""))
        return (struct answer){
            200,
            "{\"status\":\"succeeded\",\"result\":{\"final_url\":\"https://a.test/"
            "\",\"step_details\":["
            "{\"step\":0,\"intent\":\"x\",\"success\":true,\"steps\":1,\"data\":\"opened\"},"
            "{\"step\":1,\"intent\":\"y\",\"success\":false,\"steps\":1,\"data\":\"no\"}]}}",
            {NULL}};
    if (strstr(path, "artifacts"))
        return with_result(method, path, body, n);
    return (struct answer){200, "{\"run_id\":\"r1\",\"status\":\"succeeded\"}", {NULL}};
}

static json_t *file_json(const char *dir, const char *name)
{
    json_t *doc;
    assert_int_equal(json_parse_file(pool_printf(pool, "%s/%s", dir, name), &doc, &err), 0);
    return json_keep(pool, doc);
}

static void plan_run_keeps_plan_result_and_artifacts(void **state)
{
    char *out, dir[] = "/tmp/mantis-out-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *plan = pool_printf(pool, "%s/p.json", dir),
         *results = pool_printf(pool, "%s/out/deep", dir);
    static const char text[] =
        "{\"steps\":[{\"type\":\"navigate\",\"intent\":\"Open {{ENV_URL}}\"},"
        "{\"type\":\"wait\",\"intent\":\"y\"}],\"runtime\":{\"max_cost\":0.5}}";
    assert_int_equal(file_write_atomic(plan, text, strlen(text), 0644, &err), 0);
    const char *old = pool_printf(pool, "%s/extracted_rows.json", results);
    assert_int_equal(file_mkdirs(results, 0755, &err), 0);
    assert_int_equal(file_write_atomic(old, "[]", 2, 0644, &err), 0); /* an older run's */
    setenv("MANTIS_ENV_URL", "http://site.test:81", 1);
    stub.fn = runs_a_plan;
    /* --endpoint is the address of a model's server, which nothing here takes */
    assert_int_equal(run(&out, "plan", "run", plan, "--endpoint", "http://127.0.0.1:1", NULL), 2);
    assert_int_equal(run(&out, "plan", "run", plan, "--output-dir", results, NULL),
                     1); /* a step failed */
    assert_non_null(strstr(out, "[0] click         ok    0.25s  opened\n"));
    assert_non_null(strstr(out, "result: 1/2 succeeded ("));
    assert_non_null(strstr(out, pool_printf(pool, " s) \xE2\x80\x94 %s/result.json\n", results)));
    assert_true(str_ends(out, "final URL: https://a.test/\n"));
    assert_string_equal(said, "error: 1 of 2 steps failed; the first: [1] no\n");
    json_t *sent = file_json(results, "plan.json"), *result = file_json(results, "result.json");
    assert_string_equal(json_str(json_array_get(json_object_get(sent, "steps"), 0), "intent", ""),
                        "Open http://site.test:81");
    assert_true(json_num(json_object_get(sent, "runtime"), "max_cost", 0) == 0.5);
    assert_int_equal(json_int(result, "failures", -1), 1);
    assert_int_not_equal(access(old, F_OK), 0);
    assert_string_equal(json_str(result, "session", ""), "p");
    assert_int_equal(json_int(json_array_get(json_object_get(result, "steps"), 1), "index", -1), 1);
    assert_int_equal(access(pool_printf(pool, "%s/leads.csv", results), R_OK), 0);
    assert_int_not_equal(access(pool_printf(pool, "%s/final.png", results), R_OK), 0);
    unsetenv("MANTIS_ENV_URL");
    assert_int_equal(file_remove_tree(dir, &err), 0);
}

static void plan_run_sends_a_cap_as_it_was_given(void **state)
{
    char *out, dir[] = "/tmp/mantis-out-XXXXXX";
    static const char text[] = "[{\"type\":\"navigate\",\"intent\":\"Open https://a.test\"}]";
    assert_non_null(mkdtemp(dir));
    char *plan = pool_printf(pool, "%s/p.json", dir);
    assert_int_equal(file_write_atomic(plan, text, strlen(text), 0644, &err), 0);
    stub.fn = echo; /* names no run: the command ends there */
    assert_int_equal(run(&out, "plan", "run", plan, "--output-dir", dir, "--max-cost", "-1",
                         "--max-time-minutes", "-1", NULL),
                     1);
    assert_non_null(strstr(stub.last_body, "\"max_cost\":-1"));
    assert_non_null(strstr(stub.last_body, "\"max_time_minutes\":-1"));
    assert_int_equal(file_remove_tree(dir, &err), 0);
}

static pthread_t main_thread;
static int cancels;

/* Ctrl-C comes while the run is under way; the run ends when it is cancelled, not before. */
static struct answer is_interrupted(const char *method, const char *path, const char *body, int n)
{
    if (strstr(body, "task_suite"))
        return runs_a_plan(method, path, body, n);
    if (strstr(body, "\"status\"") && !cancels)
        pthread_kill(main_thread, SIGINT);
    if (strstr(body, "\"cancel\""))
        cancels++;
    if (strstr(body, "\"action\":\"result\"") || strstr(path, "artifacts") ||
        strstr(body, "\"logs\""))
        return runs_a_plan(method, path, body, n);
    return (struct answer){
        200, cancels ? "{\"status\":\"cancelled\"}" : "{\"status\":\"running\"}", {NULL}};
}

static void an_interrupted_plan_run_cancels_and_keeps_what_is_there(void **state)
{
    char *out, dir[] = "/tmp/mantis-out-XXXXXX";
    static const char text[] = "[{\"type\":\"navigate\",\"intent\":\"Open https://a.test\"}]";
    sigset_t before;
    sigprocmask(SIG_SETMASK, NULL, &before);
    assert_non_null(mkdtemp(dir));
    char *plan = pool_printf(pool, "%s/p.json", dir);
    assert_int_equal(file_write_atomic(plan, text, strlen(text), 0644, &err), 0);
    main_thread = pthread_self();
    cancels = 0;
    stub.fn = is_interrupted;
    assert_int_equal(run(&out, "plan", "run", plan, "--output-dir", dir, NULL), 130);
    sigprocmask(SIG_SETMASK, &before, NULL);
    assert_int_equal(cancels, 1);
    assert_non_null(strstr(out, "result: cancelled, 1/2 succeeded ("));
    assert_true(str_ends(said, "error: the run is cancelled\n"
                               "error: 1 of 2 steps failed; the first: [1] no\n"));
    assert_int_equal(json_int(file_json(dir, "result.json"), "successes", -1), 1);
    assert_int_equal(file_remove_tree(dir, &err), 0);
}

static void plan_validate_and_dry_run_exit_as_their_findings_say(void **state)
{
    static const struct {
        const char *text;
        int code;
    } cases[] = {
        {"[{\"type\":\"navigate\",\"intent\":\"Open {{ENV_URL}}/x\"}]", 0},
        {"[{\"type\":\"navigate\",\"intent\":\"Open it\"}]", 2},
        {"[]", 1},
        {"[{\"type\":\"navigate\"}]", 1},
        {"{\"steps\":1}", 1},
        {"[1,", 1},
    };
    char *out, path[] = "/tmp/mantis-plan-XXXXXX";
    close(mkstemp(path));
    unsetenv("MANTIS_ENV_URL");
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(file_write_atomic(path, cases[i].text, strlen(cases[i].text), 0644, &err),
                         0);
        assert_int_equal(run(&out, "plan", "validate", path, NULL), cases[i].code);
        assert_int_equal(run(&out, "plan", "validate", "--json", path, NULL), cases[i].code);
        json_t *doc = json_loads(out, 0, NULL);
        assert_true(doc || !*out);
        json_decref(doc);
        assert_int_equal(run(&out, "plan", "dry-run", path, NULL), i < 3 ? 0 : 1);
    }
    unlink(path);
    assert_int_equal(run(&out, "plan", "validate", path, NULL), 1);
    assert_int_equal(run(&out, "plan", "validate", NULL), 2);
}

/* --- tables ---------------------------------------------------------------------------------- */

static json_t *rows_from(const char *text)
{
    json_t *v = json_loads(text, 0, NULL);
    assert_non_null(v);
    return json_keep(pool, v);
}

static void tables_fit_the_terminal_by_unicode_width(void **state)
{
    assert_int_equal(table_text_width("abc"), 3);
    assert_int_equal(table_text_width("Bürgi"), 5);
    assert_int_equal(table_text_width("日本"), 4);
    assert_int_equal(table_text_width("e\u0301"), 1);
    assert_string_equal(table_clean(pool, "日本語", 5), "日本…");
    assert_string_equal(table_clean(pool, "日本語", 4), "日…");
    assert_string_equal(table_clean(pool, "a\033[2Jb\r\n\u202ec\xc2\x9b", 0), "a [2Jb   c ");
    assert_string_equal(table_clean(pool, "\xff\xc3x", 0), "\uFFFD\uFFFDx");
    json_t *rows = rows_from("[{\"price\":\"$9\",\"name\":\"a long name that does not "
                             "fit\"},{\"price\":\"$12,500\",\"name\":\"日本\"}]");
    assert_string_equal(table_text(pool, NULL, rows, 24), "  price  name\n"
                                                          "     $9  a long name th…\n"
                                                          "$12,500  日本\n");
    assert_string_equal(table_text(pool, NULL, rows_from("[]"), 80), "\n");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_answer_comes_back_whole_and_a_redirect_is_not_followed),
        T(what_goes_wrong_is_said_without_path_or_token),
        T(an_interrupt_ends_a_request_and_the_next_one_works),
        T(server_addresses_are_normalised),
        T(what_is_missing_is_named),
        T(refusals_read_as_the_contract_says),
        T(a_body_is_submitted_byte_for_byte),
        T(every_level_says_its_version),
        T(submit_flags_become_a_request),
        T(a_submit_that_is_refused_for_a_while_is_sent_again_with_its_key),
        T(a_submit_gives_up_in_time),
        T(a_dry_run_says_what_the_plan_is_and_costs),
        T(an_answer_for_a_paused_run_is_text_unless_it_is_an_object_or_array),
        T(events_come_once_each_through_cuts),
        T(where_no_events_come_from_is_said),
        T(stats_are_percentiles_of_the_newest_runs_that_fit),
        T(what_is_said_of_a_run_is_short_unless_json_is_asked_for),
        T(watch_prints_each_finished_step_once_and_outlasts_pause_and_outage),
        T(watch_fails_when_the_run_does),
        T(an_unknown_run_is_not_waited_for),
        T(a_result_is_a_table_a_document_and_a_csv_file),
        T(a_result_says_which_steps_failed),
        T(many_failed_steps_are_counted),
        T(an_interval_that_is_none_is_refused),
        T(plan_run_keeps_plan_result_and_artifacts),
        T(plan_run_sends_a_cap_as_it_was_given),
        T(an_interrupted_plan_run_cancels_and_keeps_what_is_there),
        T(plan_validate_and_dry_run_exit_as_their_findings_say),
        T(tables_fit_the_terminal_by_unicode_width),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
