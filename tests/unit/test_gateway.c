/*
 * The model gateway over real sockets: who is let in, where calls go, what passes and what does
 * not.
 */
#include "unit/gateway_rig.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define CHAT    "/chatty/chat/completions"
#define MESSAGE "/claude/messages"
#define SONNET  "claude-sonnet-4-6"

/* --- who is let in --------------------------------------------------------------------------- */

static void only_the_credential_of_an_attempt_opens(void **state)
{
    rig_set_up("[{\"text\":\"hello\"}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    const char *body = rig_chat("hi"), *old = pool_strdup(rig.pool, run->credential);
    assert_int_equal(strlen(old), 64);
    assert_int_equal(rig_ask(run, CHAT, body)->status, 200);
    static const char *const wrong[] = {NULL, "", "0", "Bearer"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct asked *a = rig_await(rig_send_as(wrong[i], CHAT, body, strlen(body)));
        assert_int_equal(a->status, 401);
        assert_string_equal(a->error, "unauthorized");
    }
    gateway_close(run);
    assert_int_equal(rig_await(rig_send_as(old, CHAT, body, strlen(body)))->status, 401);
    assert_int_equal(rig_await(rig_send_as("", CHAT, body, strlen(body)))->status, 401);
    run = rig_run("acme", "r1", 1);
    assert_string_not_equal(run->credential, old);
    assert_int_equal(rig_ask(run, CHAT, body)->status, 200);
    assert_int_equal(rig_await(rig_send_as(old, CHAT, body, strlen(body)))->status, 401);
    rig_tear_down();
}

/* What a process of this uid reads after it has asked; in a child. */
static ssize_t read_as(uid_t uid, const char *socket_path, const char *request, char *out,
                       size_t size)
{
    int back[2];
    assert_int_equal(pipe(back), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct sockaddr_un a = {.sun_family = AF_UNIX};
        struct timeval patience = {5, 0};
        char answer[2048];
        snprintf(a.sun_path, sizeof(a.sun_path), "%s", socket_path);
        int fd = setresuid(uid, uid, uid) ? -1 : socket(AF_UNIX, SOCK_STREAM, 0);
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
        if (fd < 0 || connect(fd, (struct sockaddr *)&a, sizeof(a)))
            _exit(1);
        ssize_t n = send(fd, request, strlen(request), MSG_NOSIGNAL);
        n = n < 0 ? 0 : recv(fd, answer, sizeof(answer), 0);
        if (n < 0)
            n = 0;
        _exit(write(back[1], answer, (size_t)n) == n ? 0 : 1);
    }
    close(back[1]);
    fcntl(back[0], F_SETFL, O_NONBLOCK);
    ssize_t n;
    int64_t end = clock_mono_ms() + 10000;
    while ((n = read(back[0], out, size - 1)) < 0 && errno == EAGAIN && clock_mono_ms() < end)
        if (loop_wait(rig.loop, NULL, NULL, clock_mono_ms() + 10))
            break;
    int status;
    waitpid(pid, &status, 0);
    close(back[0]);
    assert_int_equal(status, 0);
    out[n > 0 ? n : 0] = '\0';
    return n;
}

static void a_process_of_another_user_gets_nothing(void **state)
{
    char out[2048];
    if (geteuid()) {
        print_message("SKIPPED: only root has workers of other users\n");
        skip();
    }
    rig_start("[{\"text\":\"hello\"}]", 61000);
    const struct gateway_client client = {
        .key = RUN_KEY("acme", "r1"), .uid = 61001, .anthropic_secret = ""};
    struct gateway_run *run = gateway_open(rig.gateway, &client);
    const char *body = rig_chat("hi");
    const char *request =
        pool_printf(rig.pool,
                    "POST " CHAT " HTTP/1.1\r\nHost: g\r\nAuthorization: Bearer %s\r\n"
                    "Content-Length: %zu\r\n\r\n%s",
                    run->credential, strlen(body), body);
    assert_true(read_as(61001, rig.gateway->socket, request, out, sizeof(out)) > 0);
    assert_true(str_starts(out, "HTTP/1.1 200"));
    assert_true(read_as(61002, rig.gateway->socket, request, out, sizeof(out)) >
                0); /* another slot's */
    assert_true(str_starts(out, "HTTP/1.1 401"));
    assert_int_equal(read_as(60999, rig.gateway->socket, request, out, sizeof(out)), 0);
    assert_int_equal(read_as(0, rig.gateway->socket, request, out, sizeof(out)), 0);
    assert_int_equal(model_server_count(rig.server), 1);
    rig_tear_down();
}

/* --- what is asked --------------------------------------------------------------------------- */

static void what_cannot_be_asked_is_said(void **state)
{
    static const struct {
        const char *path, *body, *error;
        int status;
    } cases[] = {
        {"/nobody/chat/completions", "{\"model\":\"m\"}", "not_found", 404},
        {"/..%2fsecrets/chat/completions", "{\"model\":\"m\"}", "not_found", 404},
        {"/claude/chat/completions", "{\"model\":\"m\"}", "invalid", 400},
        {"/chatty/embeddings", "{\"model\":\"m\"}", "not_found", 404},
        {"/chat/completions", "{\"model\":\"m\"}", "not_found", 404},
        {"/", "{\"model\":\"m\"}", "not_found", 404},
        {CHAT, "", "invalid", 400},
        {CHAT, "[]", "invalid", 400},
        {CHAT, "{\"model\":", "invalid", 400},
        {CHAT, "{}", "invalid", 400},
        {CHAT, NULL, "not_found", 404},
    };
    rig_set_up("[]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct asked *a = rig_ask(run, cases[i].path, cases[i].body);
        if (a->status != cases[i].status || strcmp(a->error, cases[i].error))
            fail_msg("%s: %d %s", cases[i].path, a->status, a->body);
    }
    size_t len = CAP_GATEWAY_BODY_BYTES + 10;
    char *large = malloc(len + 1);
    memset(large, ' ', len);
    large[len] = '\0';
    assert_int_equal(rig_await(rig_send_as(run->credential, CHAT, large, len))->status, 413);
    free(large);
    assert_int_equal(model_server_count(rig.server), 0);
    assert_int_equal(run->calls, 0);
    assert_int_equal(run->bytes, 0);
    rig_tear_down();
}

static void answers_pass_as_they_came(void **state)
{
    rig_set_up("[{\"when\":\"limited\",\"times\":1,\"status\":429,\"retry_after\":7,\"message\":"
               "\"slow down\"},"
               "{\"when\":\"odd\",\"status\":418,\"message\":\"teapot\"},{\"when\":\"bad\","
               "\"text\":\"x\",\"fault\":\"bad_json\"},"
               "{\"text\":\"hello \\u201cyou\\u201d\"}]");
    struct gateway_run *run = rig_run("acme", "r1", 10);
    struct asked *a = rig_ask(run, CHAT, rig_chat("limited"));
    assert_int_equal(a->status, 429);
    assert_int_equal(a->retry_after_s, 7);
    assert_non_null(strstr(a->body, "slow down"));
    assert_int_equal(rig_ask(run, MESSAGE, rig_message(SONNET, "odd", 10))->status, 418);
    assert_int_equal(rig_ask(run, CHAT, rig_chat("bad"))->status, 200);
    a = rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 10));
    assert_int_equal(a->status, 200);
    assert_non_null(strstr(a->body, "hello"));
    assert_int_equal(rig_ask(run, "/claude/models", NULL)->status, 200);
    const json_t *sent = json_array_get(rig_sent(), 3), *headers = json_object_get(sent, "headers");
    assert_string_equal(json_str(headers, "x-api-key", ""), RIG_KEY);
    assert_string_equal(json_str(headers, "anthropic-version", ""), "2023-06-01");
    assert_null(json_object_get(headers, "Authorization")); /* the credential stays here */
    rig_tear_down();
}

/* What comes back is kept in results, logs and events. */
static void a_key_that_the_server_repeats_is_masked(void **state)
{
    rig_set_up("[{\"status\":500,\"message\":\"you sent " RIG_KEY ", " RIG_KEY "\"}]");
    struct gateway_run *run = rig_run("acme", "r1", 10);
    struct asked *a = rig_ask(run, MESSAGE, rig_message(SONNET, "hi", 10));
    assert_int_equal(a->status, 500);
    assert_non_null(strstr(a->body, "you sent ***"));
    assert_null(strstr(a->body, RIG_KEY));
    rig_tear_down();
}

static void a_server_that_is_not_there_is_named(void **state)
{
    rig_set_up(
        "[{\"when\":\"cut\",\"text\":\"one two three\",\"fault\":\"cut\"},{\"text\":\"x\"}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    struct asked *a = rig_ask(run, CHAT, rig_chat("cut"));
    assert_int_equal(a->status, 502);
    assert_string_equal(a->error, "upstream");
    rig_pod(1, false);
    rig.pod.not_ready = "the model server is not ready for 3 s";
    a = rig_ask(run, CHAT, rig_chat("hi"));
    assert_int_equal(a->status, 503);
    assert_non_null(strstr(a->body, "not ready for 3 s"));
    rig.pod.profile = NULL;
    model_server_stop(rig.server);
    rig.server = NULL;
    a = rig_ask(run, CHAT, rig_chat("hi"));
    assert_int_equal(a->status, 502);
    assert_non_null(strstr(a->body, "127.0.0.1"));
    rig_tear_down();
}

/* The pod may be busy, not ready or gone: the candidate's runs do not notice. */
static void a_candidate_asks_its_own_server(void **state)
{
    rig_set_up("[{\"text\":\"hello\"}]");
    rig_pod(1, true);
    rig.settings.shadow_url = pool_strndup(rig.pool, rig.pod.base_url, strlen(rig.pod.base_url) - strlen("/v1"));
    rig.pod.base_url = "http://127.0.0.1:9/v1";
    rig.pod.not_ready = "the model server is not ready for 3 s";
    const struct gateway_client client = {
        .key = RUN_KEY("acme", "r2"), .max_cost = 10, .anthropic_secret = "", .candidate = true};
    struct gateway_run *candidate = gateway_open(rig.gateway, &client);
    assert_int_equal(rig_ask(rig_run("acme", "r1", 10), CHAT, rig_chat("hi"))->status, 503);
    assert_int_equal(rig_ask(candidate, CHAT, rig_chat("hi"))->status, 200);
    assert_null(json_object_get(json_object_get(json_array_get(rig_sent(), 0), "body"), "id_slot"));
    assert_true(candidate->gpu_seconds > 0); /* paid by the time, as the pod's */
    rig_tear_down();
}

/* --- keys ------------------------------------------------------------------------------------ */

static void keys_are_the_tenants_own_first(void **state)
{
    rig_set_up("[{\"text\":\"hello\"}]");
    const char *body = rig_message(SONNET, "hi", 10);
    struct gateway_client client = {.key = RUN_KEY("acme", "r1"), .anthropic_secret = "key_acme"};
    rig_secret("anthropic_api_key", "shared");
    rig_secret("key_acme", RIG_KEY);
    assert_int_equal(rig_ask(gateway_open(rig.gateway, &client), MESSAGE, body)->status, 200);
    rig_secret("key_acme", "rotated");
    assert_int_equal(rig_ask(gateway_open(rig.gateway, &client), MESSAGE, body)->status, 401);
    rig_secret("key_acme", "");
    rig_secret("anthropic_api_key", RIG_KEY);
    assert_int_equal(rig_ask(gateway_open(rig.gateway, &client), MESSAGE, body)->status, 200);
    client.anthropic_required = true;
    struct asked *a = rig_ask(gateway_open(rig.gateway, &client), MESSAGE, body);
    assert_int_equal(a->status, 403);
    assert_non_null(strstr(a->body, "there is no key"));
    rig_tear_down();
}

static void a_key_of_the_environment_leaves_it(void **state)
{
    setenv("ANTHROPIC_API_KEY", " " RIG_KEY " ", 1);
    rig_set_up("[{\"text\":\"hello\"}]");
    rig_secret("anthropic_api_key", "wrong");
    assert_null(getenv("ANTHROPIC_API_KEY"));
    assert_int_equal(
        rig_ask(rig_run("acme", "r1", 1), MESSAGE, rig_message(SONNET, "hi", 10))->status, 200);
    rig_tear_down();
}

/* --- ends ------------------------------------------------------------------------------------ */

static bool was_asked(void *arg)
{
    return model_server_count(rig.server) >= *(int *)arg;
}

static bool broke_off(void *arg)
{
    return json_array_size(rig_ended()) >= (size_t) * (int *)arg;
}

static void who_leaves_ends_the_call(void **state)
{
    int one = 1, two = 2;
    rig_set_up("[{\"text\":\"late\",\"delay_ms\":30000}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    struct asked *a = rig_send(run, CHAT, rig_chat("hi"));
    assert_true(rig_until(was_asked, &one));
    int64_t begun = clock_mono_ms();
    httpc_cancel(a->exchange);
    assert_true(rig_until(broke_off, &one));
    assert_int_equal(run->running, 0);
    a = rig_send(run, CHAT, rig_chat("hi"));
    assert_true(rig_until(was_asked, &two));
    gateway_close(run);
    assert_int_equal(rig_await(a)->status, 401);
    assert_true(rig_until(broke_off, &two));
    assert_true(clock_mono_ms() - begun < 2000);
    rig_tear_down();
}

static void a_gateway_ends_with_calls_under_way(void **state)
{
    int three = 3;
    rig_set_up("[{\"text\":\"late\",\"delay_ms\":30000}]");
    struct gateway_run *run = rig_run("acme", "r1", 1);
    for (int i = 0; i < 3; i++)
        rig_send(run, CHAT, rig_chat("hi"));
    assert_true(rig_until(was_asked, &three));
    int64_t begun = clock_mono_ms();
    rig_tear_down();
    assert_true(clock_mono_ms() - begun < 2000);
}

/* --- the pod's model ------------------------------------------------------------------------- */

static const char *text_of(const json_t *line)
{
    const json_t *messages = json_object_get(json_object_get(line, "body"), "messages");
    return json_str(json_array_get(messages, 0), "content", "");
}

static void tenants_take_turns_at_one_slot(void **state)
{
    struct asked *all[24];
    int n = 0;
    rig_set_up("[{\"text\":\"hello\",\"delay_ms\":20}]");
    rig_pod(1, false);
    struct gateway_run *many = rig_run("many", "r1", 0), *few = rig_run("few", "r2", 0);
    for (; n < 16; n++)
        all[n] = rig_send(many, CHAT, rig_chat("many"));
    for (; n < 20; n++)
        all[n] = rig_send(few, CHAT, rig_chat("few"));
    rig_await_all(all, n);
    const json_t *sent = rig_sent();
    int last_few = 0;
    for (size_t i = 0; i < json_array_size(sent); i++)
        if (!strcmp(text_of(json_array_get(sent, i)), "few"))
            last_few = (int)i;
    /* one of the many was under way when the few came, perhaps two */
    if (last_few > 10)
        fail_msg("the last call of the few was number %d of 20", last_few + 1);
    assert_true(all[0]->seconds > 0.015);
    rig_tear_down();
}

static int n_went;

static void count_go(void *arg, int timeout_ms)
{
    *(int *)arg = ++n_went;
}

static void fail_refused(void *arg, const struct err *err)
{
    fail_msg("%s", err->msg);
}

static bool has_gone(void *arg)
{
    return *(int *)arg > 0;
}

/* A call of its own that came when many of a run waited goes next, and holds the slot until it is over. */
static void a_tenants_own_call_takes_its_turn(void **state)
{
    struct asked *all[8];
    int went = 0;
    n_went = 0;
    rig_set_up("[{\"text\":\"hello\",\"delay_ms\":20}]");
    rig_pod(1, false);
    struct gateway_run *many = rig_run("many", "r1", 0);
    for (int i = 0; i < 8; i++)
        all[i] = rig_send(many, CHAT, rig_chat("many"));
    rig_await(all[0]);
    const struct gateway_order order = {
        .tenant = "few", .timeout_ms = 60000, .go = count_go, .refuse = fail_refused, .arg = &went};
    int before = model_server_count(rig.server);
    struct gateway_ticket *ticket = gateway_wait(rig.gateway, &order);
    assert_true(rig_until(has_gone, &went));
    int asked = model_server_count(rig.server);
    assert_true(asked <= before + 1); /* one that was under way */
    assert_int_equal(loop_wait(rig.loop, NULL, NULL, clock_mono_ms() + 100), 0);
    assert_int_equal(model_server_count(rig.server), asked);
    gateway_leave(ticket);
    rig_await_all(all, 8);
    struct gateway_run *own = gateway_run_of(rig.gateway, RUN_KEY("few", ""));
    assert_true(own->purse.spent >= .09 * .001 && own->purse.held == 0);
    ticket = gateway_wait(rig.gateway, &order); /* one that leaves the line pays nothing */
    double spent = own->purse.spent;
    gateway_leave(ticket);
    assert_true(own->purse.spent == spent);
    rig_tear_down();
}

static void no_more_calls_than_slots(void **state)
{
    struct asked *all[12];
    rig_set_up("[{\"text\":\"hello\",\"delay_ms\":60}]");
    rig_pod(3, false);
    struct gateway_run *run = rig_run("acme", "r1", 0);
    int64_t begun = clock_mono_ms();
    for (int i = 0; i < 12; i++)
        all[i] = rig_send(run, CHAT, rig_chat("hi"));
    rig_await_all(all, 12);
    assert_true(clock_mono_ms() - begun >= 4 * 60); /* four rounds of three */
    rig_tear_down();
}

static int slot_of(size_t i)
{
    const json_t *body = json_object_get(json_array_get(rig_sent(), i), "body");
    assert_true(json_flag(body, "cache_prompt", false));
    assert_string_equal(json_str(body, "model", ""), "m");
    return (int)json_int(body, "id_slot", -1);
}

static void a_run_keeps_its_slot(void **state)
{
    rig_set_up("[{\"text\":\"hello\"}]");
    rig_pod(2, true);
    struct gateway_run *a = rig_run("acme", "a", 0), *b = rig_run("beta", "b", 0),
                       *c = rig_run("beta", "c", 0);
    struct gateway_run *const order[] = {a, b, a, b, b, a, c, b, c};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(rig_ask(order[i], CHAT, rig_chat("hi"))->status, 200);
    assert_int_not_equal(slot_of(0), slot_of(1));
    assert_int_equal(slot_of(2), slot_of(0));
    assert_int_equal(slot_of(3), slot_of(1));
    assert_int_equal(slot_of(4), slot_of(1));
    assert_int_equal(slot_of(5), slot_of(0));
    assert_int_equal(slot_of(6), slot_of(1)); /* the one that was not used longest */
    assert_int_equal(slot_of(7), slot_of(0)); /* likewise: b's prompt is gone from its own */
    assert_int_equal(slot_of(8), slot_of(6));
    rig_tear_down();
}

static const struct CMUnitTest tests[] = {
    row_test("design 1 only the credential of an attempt that is not over opens the gateway",
             only_the_credential_of_an_attempt_opens),
    row_test("design 1 a process of another user gets nothing from the gateway",
             a_process_of_another_user_gets_nothing),
    cmocka_unit_test(what_cannot_be_asked_is_said),
    row_test("brains 2 status, Retry-After and body pass the gateway unchanged",
             answers_pass_as_they_came),
    cmocka_unit_test(a_key_that_the_server_repeats_is_masked),
    cmocka_unit_test(a_server_that_is_not_there_is_named),
    row_test(
        "tenancy 5 a tenant's own Anthropic key, else the shared one, unless its own is required",
        keys_are_the_tenants_own_first),
    cmocka_unit_test(a_key_of_the_environment_leaves_it),
    row_test("brains 2 a worker that goes ends its call at the model server",
             who_leaves_ends_the_call),
    cmocka_unit_test(a_gateway_ends_with_calls_under_way),
    row_test("tenancy 8 tenants take turns at the pod's model", tenants_take_turns_at_one_slot),
    row_test("tenancy 8 a tenant's own call takes its turn at the pod's model",
             a_tenants_own_call_takes_its_turn),
    row_test("promotion 10 a candidate's run asks the second server", a_candidate_asks_its_own_server),
    row_test("serving 1.2 no more calls at once than the server has slots",
             no_more_calls_than_slots),
    row_test("serving 1.2 a run keeps the slot that has its prompt", a_run_keeps_its_slot),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
