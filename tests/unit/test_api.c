/*
 * The whole of src/api over a scheduler that only remembers: routes, bodies, headers, waits, and
 * what a raw socket can do to the server.
 */
#include "unit/test.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/brains.h"
#include "base/caps.h"
#include "base/str.h"
#include "sched/payload.h"
#include "unit/api_rig.h"

static void every_route_is_listed_once(void **state)
{
    for (size_t i = 0; i < routes_n; i++) {
        assert_int_equal(routes[i].pattern[0], '/');
        assert_non_null(routes[i].handle);
        assert_true(routes[i].operation[0] != 0);
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

static void brains_are_known_by_name(void **state)
{
    static const char *const unknown[] = {"script", "script:", "page:x", "holo3:x", "gemma", "holo", ""};
    assert_string_equal(api_brain_find("page")->name, "page");
    assert_string_equal(api_brain_find("none")->name, "none");
    assert_string_equal(api_brain_find("script:/tmp/a.json")->name, "script");
    assert_string_equal(api_brain_find("fara")->name, "fara");
    assert_string_equal(api_brain_find("gemma4")->name, "gemma4-cua");
    assert_string_equal(api_brain_find("gemma4-cua")->name, "gemma4-cua");
    for (size_t i = 0; i < ARRAY_SIZE(unknown); i++)
        assert_null(api_brain_find(unknown[i]));
    static const char *const told[][3] = {{"holo3", "chat:holo3", "holo3"},
                                          {"gemma4", "chat:gemma4-cua", "gemma4-cua"},
                                          {"claude", "claude", "claude"},
                                          {"claude:small", "claude:small", "small"},
                                          {"chat:mine", "chat:mine", "mine"},
                                          {"script:/tmp/a.json", "script:/tmp/a.json", "script"},
                                          {"page", "page", "page"}};
    for (size_t i = 0; i < ARRAY_SIZE(told); i++) {
        assert_string_equal(api_brain_for_worker(told[i][0]), told[i][1]);
        assert_string_equal(api_brain_model(told[i][0]), told[i][2]);
    }
    struct pool *pool = pool_create(NULL);
    assert_string_equal(api_brain_names(pool), "page, holo3, fara, gemma4-cua, claude, opencua, evocua, llamacpp, agent-s, "
                        "openai, chat:<profile>, claude:<profile>, ladder:<primary>,<fallback>, mock, none, script:<file>");
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
        {"POST", "/predict", WITH_TOKEN "Content-Encoding: gzip\r\n", "{}", 400,
         "Content-Encoding 'gzip' is not supported"},
        {"POST", "/predict", WITH_TOKEN "Content-Encoding: Identity\r\n", "{}", 400, "task_suite"},
        {"POST", "/predict", WITH_TOKEN "Content-Type: application/x-www-form-urlencoded\r\n",
         "micro=x&detached=1", 400, "an HTML form; send a JSON object"},
        {"POST", "/predict", WITH_TOKEN "Content-Type: application/x-www-form-urlencoded\r\n",
         "{\"micro\":", 400, "too early"},
        {"POST", "/predict", WITH_TOKEN, "{\"max_time_minutes\":99999999999999999999}", 400,
         "'max_time_minutes' is too large"},
        {"POST", "/predict", WITH_TOKEN, "[1]", 400, "object"},
        {"POST", "/predict", WITH_TOKEN, "{\"a\":1,\"a\":2}", 400, "stands twice"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":5}", 400, "action"},
        {"POST", "/predict", WITH_TOKEN, "{\"action\":\"explode\",\"run_id\":\"x\"}", 400,
         "explode"},
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
    start_with_keys(&fx, "");
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
    HAS(a.body, "{\"status\":\"queued\",\"run_id\":\"");
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

static void the_echo_of_a_request_holds_nothing_that_is_typed_or_secret(void **state)
{
    static const char request[] =
        "{\"callback_url\":\"https://u:geheim@hooks.test:8443/"
        "in?key=geheim#geheim\",\"user_input\":1,"
        "\"task_suite\":{\"auth\":{\"p\":\"geheim\"},\"_micro_plan\":[{\"type\":\"fill_field\","
        "\"intent\":\"Pin\",\"params\":{\"label\":\"Pin\",\"value\":4711}},{\"type\":\"loop\","
        "\"intent\":\"Again\",\"steps\":[{\"type\":\"fill_field\",\"intent\":\"Word\","
        "\"params\":{\"text\":\"geheim\",\"value\":null}},{\"type\":\"tool_call\","
        "\"intent\":\"Say\",\"args\":{\"text\":\"geheim\"},\"hints\":{\"value\":\"geheim\"}}]}],"
        "\"tasks\":[{\"auth\":\"geheim\",\"verify\":{\"type\":\"url\",\"value\":\"kept\"}}]}}";
    struct pool *pool = pool_create(NULL);
    json_t *json = json_keep(pool, json_loads(request, 0, NULL));
    assert_non_null(json);
    const char *text = json_text(pool, payload_of(pool, json));
    HAS_NOT(text, "geheim");
    HAS_NOT(text, "4711");
    HAS_NOT(text, "auth");
    HAS_NOT(text, "user_input");
    HAS(text, "\"callback_url\":\"https://hooks.test:8443/in\"");
    HAS(text, "{\"label\":\"Pin\",\"value\":\"***\"}");
    HAS(text, "{\"text\":\"***\",\"value\":null}");
    HAS(text, "\"value\":\"kept\"");
    HAS(json_text(pool, json), "4711"); /* the request itself is as it came */
    pool_destroy(pool);
}

static void the_echo_of_prose_hides_what_its_steps_type(void **state)
{
    static const struct {
        const char *prose, *value, *shown;
    } cases[] = {
        {"Log in as ada with password \"pa ss\".", "pa ss", "Log in as ada with password \"***\"."},
        {"Type ada into Name, made by ada", "ada", "Type *** into Name, made by ***"},
        {"Type a cat into A", "a", "Type *** cat into A"},
        {"Click Go", "", "Click Go"},
        {"Click Go", "Stop", "Click Go"},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct step step = {.type = "fill_field",
                            .params = json_keep(pool, json_pack("{s:s}", "value", cases[i].value))};
        struct plan plan = {.steps = &step, .n_steps = 1};
        json_t *payload = json_keep(pool, json_pack("{s:s}", "plan_text", cases[i].prose));
        payload_mask_prose(pool, payload, &plan);
        assert_string_equal(json_str(payload, "plan_text", ""), cases[i].shown);
    }
    pool_destroy(pool);
}

static void names_that_change_and_a_missing_checkpoint_are_warned_about(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN,
         "{" STEPS ",\"profile_id\":\"\u00fc\",\"workflow_id\":\"a b\",\"state_key\":\"c d\"}");
    assert_int_equal(a.status, 200);
    assert_int_equal(fake.warnings, 2);
    answer_release(&a);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN,
         "{" STEPS ",\"profile_id\":\"\u00fc\",\"dry_run\":true,\"resume_state\":true}");
    assert_int_equal(a.status, 200);
    HAS(a.body, "profile_id '\xc3\xbc' is kept as 'default__micro_state-");
    HAS(a.body, "no checkpoint of default__");
    answer_release(&a);
    call(&fx, &a, "POST", "/v1/predict", WITH_TOKEN,
         "{" STEPS ",\"profile_id\":\"a-b_c.1\",\"dry_run\":true}");
    HAS(a.body, "\"warnings\":[]");
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

static void create_run(struct fixture *fx, const char *tenant, const char *id, int64_t created_us)
{
    json_t *doc = json_pack("{s:s,s:s}", "model", "page", "mode", "detached");
    struct run_record run = {.run_id = id,
                             .tenant_id = tenant,
                             .profile_id = id,
                             .workflow_id = "w",
                             .created_us = created_us,
                             .doc = doc};
    struct store_creation c = {.run = &run};
    assert_int_equal(store_run_create(fx->store, &c, 1, NULL), 0);
    json_decref(doc);
}

static void a_tenants_runs_are_listed_by_page(void **state)
{
    static const struct {
        const char *query;
        int status;
        const char *in_body, *not_in_body;
    } cases[] = {
        {"", 200, "{\"runs\":[{\"run_id\":\"r3\",", "r9"},
        {"", 200, "\"next_before\":null}", "r9"},
        {"?limit=2", 200, "\"next_before\":\"1970-01-01T00:00:02.000000Z~r2\"}", "\"r1\""},
        {"?before=1970-01-01T00:00:02.000000Z~r2", 200, "{\"runs\":[{\"run_id\":\"r1\",", "\"r2\""},
        {"?before=1970-01-01T00:00:02.000000+00:00", 200, "{\"runs\":[{\"run_id\":\"r1\",",
         "\"r2\""},
        {"?status=cancelled", 200,
         "\"status\":\"cancelled\",\"phase\":\"cancelled\",\"terminal\":true", "r3"},
        {"?status=failed,halted&status=timeout", 200, "{\"runs\":[],\"next_before\":null}", "r1"},
        {"?status=queued&status=cancelled", 200, "\"r2\"", "r9"},
        {"?status=explode", 422, "explode", "r1"},
        {"?limit=0", 422, "limit", "r1"},
        {"?limit=201", 422, "limit", "r1"},
        {"?before=soon", 422, "next_before", "r1"},
    };
    struct fixture fx;
    start(&fx);
    create_run(&fx, "default", "r1", 1000000);
    create_run(&fx, "default", "r2", 2000000);
    create_run(&fx, "default", "r3", 3000000);
    create_run(&fx, "other", "r9", 4000000);
    assert_int_equal(store_run_set_state(fx.store, RUN_KEY("default", "r2"), RUN_CANCELLED, NULL,
                                         NULL, NULL, NULL),
                     0);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a;
        char path[200];
        snprintf(path, sizeof(path), "/v1/runs%s", cases[i].query);
        call(&fx, &a, "GET", path, WITH_TOKEN, "");
        if (a.status != cases[i].status || !strstr(a.body, cases[i].in_body) ||
            strstr(a.body, cases[i].not_in_body))
            fail_msg("%s: %d %s", path, a.status, a.body);
        answer_release(&a);
    }
    stop(&fx);
}

static void resume_says_whether_the_run_waits_for_its_turn(void **state)
{
    static const struct {
        enum run_state state;
        const char *status;
    } cases[] = {{RUN_QUEUED, "\"status\":\"queued\""}, {RUN_RUNNING, "\"status\":\"running\""}};
    struct fixture fx;
    start(&fx);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a;
        fake.peek.state = cases[i].state;
        call(&fx, &a, "POST", "/predict", WITH_TOKEN,
             "{\"action\":\"resume\",\"run_id\":\"" RUN_ID "\"}");
        assert_int_equal(a.status, 200);
        HAS(a.body, cases[i].status);
        answer_release(&a);
    }
    stop(&fx);
}

static void an_answer_to_a_prompt_has_a_size(void **state)
{
    struct fixture fx;
    struct pool *pool = pool_create(NULL);
    char *text = pool_alloc(pool, CAP_USER_INPUT_BYTES);
    start(&fx);
    for (size_t over = 0; over < 2; over++) {
        struct answer a;
        size_t len = CAP_USER_INPUT_BYTES - strlen("\"\"") + over;
        memset(text, 'x', len);
        text[len] = 0;
        call(&fx, &a, "POST", "/predict", WITH_TOKEN,
             pool_printf(pool,
                         "{\"action\":\"resume\",\"run_id\":\"" RUN_ID "\",\"user_input\":\"%s\"}",
                         text));
        assert_int_equal(a.status, over ? 400 : 200);
        if (over)
            HAS(a.body, "'user_input' is 65537 bytes long; at most 65536 are taken");
        answer_release(&a);
    }
    pool_destroy(pool);
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
    while (!fake.watch_fn && clock_mono_ms() < end)
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

static void a_waiting_caller_that_sends_no_more_gets_its_result(void **state)
{
    struct fixture fx;
    struct client c;
    struct answer a;
    start(&fx);
    begin_waiting(&fx, &c);
    shutdown(c.fd, SHUT_WR);
    assert_int_equal(loop_wait(fx.loop, NULL, NULL, clock_mono_ms() + 2), 0);
    assert_non_null(fx.api->waiting);
    fake.watch_fn(fake.watch_arg);
    talk(&fx, &c, "", 0); /* to the end: with nothing more to come the connection closes too */
    answer_read(&a, &c);
    assert_int_equal(a.status, 200);
    answer_release(&a);
    client_close(&c);
    stop(&fx);
}

static bool nobody_waits(void *arg)
{
    struct fixture *fx = arg;
    return !fx->api->waiting && !fx->api->in_progress;
}

/* So that the server learns at once that nobody is there to read either. */
static void client_reset(struct client *c)
{
    struct linger now = {.l_onoff = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    client_close(c);
}

static void a_waiting_caller_that_hangs_up_is_forgotten(void **state)
{
    struct fixture fx;
    struct client c;
    start(&fx);
    begin_waiting(&fx, &c);
    client_reset(&c);
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
    struct api_parts parts = {.loop = fx.loop,
                              .store = fx.store,
                              .sched = &fake,
                              .tenants = fx.tenants,
                              .settings = &settings};
    assert_int_equal(api_create(&parts, &second, &err), E_CONFLICT);
    char number[16];
    snprintf(number, sizeof(number), "%d", settings.port);
    HAS(err.msg, number);
    HAS(err.msg, "--port");
    settings.host = "203.0.113.77";
    settings.port = 0;
    assert_int_equal(api_create(&parts, &second, &err), E_INVALID);
    assert_null(second);
    stop(&fx);
}

static void values_of_the_query_that_cannot_be_read_are_named(void **state)
{
    static const struct {
        const char *path, *in_body;
    } cases[] = {
        {"/v1/runs/" RUN_ID "/events?sse=banana",
         "{\"detail\":[{\"type\":\"bool_parsing\",\"loc\":[\"query\",\"sse\"],\"msg\":\""},
        {"/v1/runs/" RUN_ID "/events?sse=banana", "\"input\":\"banana\"}]}"},
        {"/v1/runs/" RUN_ID "/events?sse=1&steps=perhaps", "\"loc\":[\"query\",\"steps\"]"},
        {"/v1/runs/" RUN_ID "/events?since=yesterday",
         "\"type\":\"value_error\",\"loc\":[\"query\",\"since\"]"},
    };
    struct fixture fx;
    start(&fx);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a;
        call(&fx, &a, "GET", cases[i].path, WITH_TOKEN, "");
        if (a.status != 422)
            fail_msg("%s: %d %s", cases[i].path, a.status, a.body);
        HAS(a.body, cases[i].in_body);
        answer_release(&a);
    }
    stop(&fx);
}

/* What the log says of one call, through a pipe in place of stderr. */
static void take_stderr(int pipe_fds[2], int *kept)
{
    assert_int_equal(pipe(pipe_fds), 0);
    *kept = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    close(pipe_fds[1]);
}

static void give_stderr_back(int pipe_fds[2], int kept, char *out, size_t size)
{
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t n = read(pipe_fds[0], out, size - 1);
    out[n > 0 ? n : 0] = 0;
    close(pipe_fds[0]);
}

static void a_trace_is_taken_when_it_is_well_formed(void **state)
{
    static const struct {
        const char *header;
        bool taken;
    } cases[] = {
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", true},
        {"01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-may-come", true},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what-may-come", false},
        {"00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01", false},
        {"ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", false},
        {"00-00000000000000000000000000000000-00f067aa0ba902b7-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", false},
        {"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7", false},
        {"nonsense", false},
    };
    struct fixture fx;
    start(&fx);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct answer a;
        char header[200], logged[4096];
        int fds[2], kept;
        snprintf(header, sizeof(header), "traceparent: %s\r\n", cases[i].header);
        take_stderr(fds, &kept);
        call(&fx, &a, "GET", "/nowhere", header, "");
        give_stderr_back(fds, kept, logged, sizeof(logged));
        HAS(logged, "status=404");
        bool taken = strstr(logged, "\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\"") != NULL;
        if (taken != cases[i].taken || (!taken && strstr(logged, "trace_id")))
            fail_msg("%s: %s", cases[i].header, logged);
        answer_release(&a);
    }
    stop(&fx);
}

#define KEYS                                                                                       \
    "{\"tenant_keys\":{"                                                                           \
    "\"runner-token-runner\":{\"tenant_id\":\"acme\",\"scopes\":[\"run\"],"                        \
    "\"rate_limit_per_minute\":2},"                                                                \
    "\"reader-token-reader\":{\"tenant_id\":\"acme\",\"scopes\":[\"status\"]},"                    \
    "\"result-token-result\":{\"tenant_id\":\"acme\",\"scopes\":[\"result\"]},"                    \
    "\"logger-token-logger\":{\"tenant_id\":\"acme\",\"scopes\":[\"logs\"]},"                      \
    "\"freely-token-freely\":{\"tenant_id\":\"free\",\"scopes\":[\"run\"],"                        \
    "\"rate_limit_per_minute\":0}}}"

static void scopes_open_their_routes_and_no_others(void **state)
{
    static const char *const tokens[] = {"runner", "reader", "result", "logger"};
    static const struct {
        const char *method, *path;
        const char *body;
        int status[4]; /* by token */
    } cases[] = {
        {"GET", "/v1/runs/" RUN_ID, "", {200, 200, 403, 403}},
        {"GET", "/v1/runs/" RUN_ID "/status", "", {200, 200, 403, 403}},
        {"GET", "/v1/runs/" RUN_ID "/result", "", {200, 403, 200, 403}},
        {"GET", "/v1/runs/" RUN_ID "/events", "", {200, 200, 403, 200}},
        {"GET", "/v1/queue", "", {200, 200, 403, 403}},
        {"GET", "/v1/runs/" RUN_ID "/artifacts/none.csv", "", {404, 403, 404, 403}},
        {"POST", "/v1/runs/" RUN_ID "/cancel", "", {200, 403, 403, 403}},
        {"POST",
         "/predict",
         "{\"action\":\"logs\",\"run_id\":\"" RUN_ID "\"}",
         {200, 403, 403, 200}},
        {"POST",
         "/predict",
         "{\"action\":\"status\",\"run_id\":\"" RUN_ID "\"}",
         {200, 200, 403, 403}},
        {"POST",
         "/predict",
         "{\"action\":\"result\",\"run_id\":\"" RUN_ID "\"}",
         {200, 403, 200, 403}},
        {"POST",
         "/predict",
         "{\"action\":\"cancel\",\"run_id\":\"" RUN_ID "\"}",
         {200, 403, 403, 403}},
        {"POST", "/predict", "{" STEPS "}", {200, 403, 403, 403}},
        {"POST", "/v1/recipes", "{}", {400, 403, 403, 403}},
        {"POST", "/v1/cua", "{}", {400, 403, 403, 403}},
    };
    struct fixture fx;
    start_with_keys(&fx, KEYS);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        for (size_t t = 0; t < ARRAY_SIZE(tokens); t++) {
            struct answer a;
            char header[80];
            snprintf(header, sizeof(header), "X-Mantis-Token: %s-token-%s\r\n", tokens[t],
                     tokens[t]);
            call(&fx, &a, cases[i].method, cases[i].path, header, cases[i].body);
            if (a.status != cases[i].status[t])
                fail_msg("%s %s %s as %s: %d %s", cases[i].method, cases[i].path, cases[i].body,
                         tokens[t], a.status, a.body);
            answer_release(&a);
        }
    stop(&fx);
}

static void rated_answers_say_how_the_bucket_stands(void **state)
{
    static const char with[] = "X-Mantis-Token: runner-token-runner\r\n";
    static const char freely[] = "X-Mantis-Token: freely-token-freely\r\n";
    struct fixture fx;
    struct answer a;
    start_with_keys(&fx, KEYS);
    call(&fx, &a, "POST", "/predict", with, "{" STEPS "}");
    assert_int_equal(a.status, 200);
    HAS(a.text.data, "X-RateLimit-Limit: 2\r\n");
    HAS(a.text.data, "X-RateLimit-Remaining: 1\r\n");
    HAS(a.text.data, "X-RateLimit-Reset: ");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", with, "{" STEPS ",\"run_id\":\"taken\"}");
    assert_int_equal(a.status, 409);
    HAS(a.text.data, "X-RateLimit-Remaining: 0\r\n");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", with, "{" STEPS "}");
    assert_int_equal(a.status, 429);
    HAS(a.text.data, "X-RateLimit-Remaining: 0\r\n");
    HAS(a.text.data, "Retry-After: ");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID, with, ""); /* asks no bucket */
    assert_int_equal(a.status, 200);
    HAS_NOT(a.text.data, "X-RateLimit");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", freely, "{" STEPS "}");
    assert_int_equal(a.status, 200);
    HAS_NOT(a.text.data, "X-RateLimit");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", freely, "{" STEPS ",\"run_id\":\"many\"}");
    assert_int_equal(a.status, 429);
    HAS(a.text.data, "Retry-After: 6\r\n");
    answer_release(&a);
    stop(&fx);
}

/* A run that was made then, of an earlier call, and has cost so much. */
static void spend(struct fixture *fx, const char *tenant, int64_t created_us, double usd)
{
    static int n;
    struct pool *pool = pool_create(NULL);
    const char *id = pool_printf(pool, "r%d", ++n);
    struct run_record rec = {
        .run_id = id, .tenant_id = tenant, .profile_id = id, .created_us = created_us};
    struct store_creation c = {.run = &rec};
    struct run_key key = RUN_KEY(tenant, id);
    const json_t *checkpoint = json_keep(pool, json_pack("{s:{s:f}}", "costs", "total", usd));
    assert_int_equal(store_run_create(fx->store, &c, 1, NULL), 0);
    assert_int_equal(c.result, 0);
    assert_int_equal(store_run_set_state(fx->store, key, RUN_RUNNING, NULL, NULL, NULL, NULL), 0);
    assert_int_equal(store_run_checkpoint(fx->store, key, checkpoint, NULL, NULL), 0);
    pool_destroy(pool);
}

static void a_tenants_day_costs_no_more_than_its_cap(void **state)
{
    static const char with[] = "X-Mantis-Token: the-capped-token-of-acme\r\n";
    static const struct {
        const char *tenant;
        bool yesterday;
        double usd; /* is spent first */
        int status;
    } rows[] = {{"acme", true, 9, 200},
                {"other", false, 9, 200},
                {"acme", false, 1.25, 200},
                {"acme", false, 0.75, 429}};
    struct fixture fx;
    start_with_keys(&fx, "{\"tenant_keys\":{\"the-capped-token-of-acme\":{\"tenant_id\":\"acme\","
                         "\"max_cost_per_day\":2}}}");
    int64_t now_us = clock_wall_us(), midnight_us = now_us - now_us % DAY_US;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct answer a;
        spend(&fx, rows[i].tenant, rows[i].yesterday ? midnight_us - 1 : now_us, rows[i].usd);
        call(&fx, &a, "POST", "/predict", with, "{" STEPS "}");
        if (a.status != rows[i].status)
            fail_msg("%zu: %s", i, a.text.data);
        if (a.status == 429) {
            int wait_s = 0;
            HAS(a.body, "have cost 2.00 USD, max_cost_per_day allows 2.00");
            sscanf(strstr(a.text.data, "Retry-After: "), "Retry-After: %d", &wait_s);
            int64_t left_s = (midnight_us + DAY_US - now_us) / 1000000 + 1;
            assert_true(wait_s <= left_s && wait_s > left_s - 60);
        }
        answer_release(&a);
    }
    stop(&fx);
}

/* A detached run, as it goes over the wire. */
static const char *submission(void)
{
    static char text[400];
    snprintf(text, sizeof(text),
             "POST /predict HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN "Content-Length: %zu\r\n\r\n%s",
             strlen("{" STEPS "}"), "{" STEPS "}");
    return text;
}

static bool somebody_waits(void *arg)
{
    return ((struct fixture *)arg)->api->waiting != NULL;
}

static bool a_call_began(void *arg)
{
    return ((struct fixture *)arg)->api->in_progress > 0;
}

/* A token that is taken away while its caller's body is on the way is not good any more. */
static void a_body_that_comes_late_is_checked_again(void **state)
{
    static const char head[] = "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: 2\r\n"
                               "X-Mantis-Token: reader-token-reader\r\n\r\n";
    struct fixture fx;
    struct client c;
    struct answer a;
    start_with_keys(&fx, KEYS);
    client_open(&c, &fx);
    assert_int_equal(send(c.fd, head, strlen(head), 0), (int)strlen(head));
    assert_int_equal(loop_wait(fx.loop, a_call_began, &fx, clock_mono_ms() + 5000), 0);
    struct tenants *then = fx.tenants;
    struct settings settings = fx.settings;
    settings.tenant_keys_path = "";
    settings.api_token = "another";
    assert_int_equal(tenants_create(fx.loop, &settings, &fx.tenants, NULL), 0);
    fx.api->tenants = fx.tenants;
    tenants_destroy(then);
    c.want = 1;
    talk(&fx, &c, "{}", 2);
    answer_read(&a, &c);
    assert_int_equal(a.status, 401);
    answer_release(&a);
    client_close(&c);
    stop(&fx);
}

static void a_caller_that_hangs_up_before_its_run_is_stored_is_forgotten(void **state)
{
    const char *text = submission();
    struct fixture fx;
    struct client c;
    start(&fx);
    fake.hold_submit = true;
    client_open(&c, &fx);
    assert_int_equal(send(c.fd, text, strlen(text), 0), (int)strlen(text));
    assert_int_equal(loop_wait(fx.loop, somebody_waits, &fx, clock_mono_ms() + 5000), 0);
    client_reset(&c);
    assert_int_equal(loop_wait(fx.loop, nobody_waits, &fx, clock_mono_ms() + 5000), 0);
    assert_int_equal(fake.submit_forgotten, 1);
    stop(&fx);
}

/* It will be stored: who is told to come back would start it twice. */
static void a_run_on_its_way_to_the_disk_is_answered_while_the_server_drains(void **state)
{
    const char *text = submission();
    struct fixture fx;
    struct client c;
    struct answer a;
    int drained = 0;
    start(&fx);
    fake.hold_submit = true;
    client_open(&c, &fx);
    assert_int_equal(send(c.fd, text, strlen(text), 0), (int)strlen(text));
    assert_int_equal(loop_wait(fx.loop, somebody_waits, &fx, clock_mono_ms() + 5000), 0);
    api_drain(fx.api, 5000, tick, &drained);
    assert_int_equal(fake.submit_forgotten, 0);
    fake.submit_fn(fake.submit_arg, 0, NULL);
    talk(&fx, &c, "", 0);
    answer_read(&a, &c);
    assert_int_equal(a.status, 200);
    HAS(a.body, "queued");
    assert_int_equal(drained, 1);
    answer_release(&a);
    client_close(&c);
    stop(&fx);
}

static void answers_of_a_stopping_server_say_when_to_come_back(void **state)
{
    const char *text = submission();
    struct fixture fx;
    struct client late;
    struct answer a;
    int drained = 0;
    start(&fx);
    client_open(&late, &fx);
    assert_int_equal(loop_wait(fx.loop, is_waited_for, &fx, clock_mono_ms() + 5000), 0);
    api_drain(fx.api, 5000, tick, &drained);
    talk(&fx, &late, text, strlen(text));
    answer_read(&a, &late);
    assert_int_equal(a.status, 503);
    HAS(a.text.data, "Retry-After: ");
    HAS(a.text.data, "Connection: close");
    assert_int_equal(fake.submitted, 0);
    answer_release(&a);
    client_close(&late);
    stop(&fx);
}

static void a_length_that_is_no_number_ends_the_connection_well(void **state)
{
    static const char *const lengths[] = {"banana", "-1", "99999999999999999999999", "5, 6"};
    struct fixture fx;
    start(&fx);
    for (size_t i = 0; i < ARRAY_SIZE(lengths); i++) {
        struct client c;
        struct answer a;
        char text[200];
        snprintf(text, sizeof(text),
                 "POST /predict HTTP/1.1\r\nHost: t\r\nContent-Length: %s\r\n\r\n{}", lengths[i]);
        client_open(&c, &fx);
        talk(&fx, &c, text, strlen(text));
        answer_read(&a, &c);
        if (a.text.len && a.status != 400 && a.status != 413)
            fail_msg("Content-Length: %s: %s", lengths[i], a.text.data);
        assert_true(c.ended);
        answer_release(&a);
        client_close(&c);
    }
    struct answer a;
    call(&fx, &a, "GET", "/health", "", "");
    assert_int_equal(a.status, 200);
    answer_release(&a);
    stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_route_is_listed_once),
        cmocka_unit_test(paths_find_their_route),
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
        row_test("plans 5 the tenant's cap binds below the server's and the caller's",
                 a_detached_run_is_queued_with_capped_and_prefixed_values),
        cmocka_unit_test(the_echo_of_a_request_holds_nothing_that_is_typed_or_secret),
        cmocka_unit_test(the_echo_of_prose_hides_what_its_steps_type),
        cmocka_unit_test(names_that_change_and_a_missing_checkpoint_are_warned_about),
        cmocka_unit_test(actions_and_their_short_forms_reach_the_run),
        cmocka_unit_test(a_tenants_runs_are_listed_by_page),
        cmocka_unit_test(resume_says_whether_the_run_waits_for_its_turn),
        cmocka_unit_test(an_answer_to_a_prompt_has_a_size),
        cmocka_unit_test(artifacts_are_files_to_save),
        cmocka_unit_test(a_waiting_call_gets_the_result_when_the_run_ends),
        cmocka_unit_test(a_waiting_caller_that_sends_no_more_gets_its_result),
        cmocka_unit_test(a_waiting_caller_that_hangs_up_is_forgotten),
        cmocka_unit_test(draining_answers_who_waits_and_takes_nobody_in),
        cmocka_unit_test(stopping_with_callers_waiting_is_clean),
        cmocka_unit_test(a_port_in_use_is_named),
        cmocka_unit_test(values_of_the_query_that_cannot_be_read_are_named),
        cmocka_unit_test(a_trace_is_taken_when_it_is_well_formed),
        cmocka_unit_test(scopes_open_their_routes_and_no_others),
        cmocka_unit_test(rated_answers_say_how_the_bucket_stands),
        cmocka_unit_test(a_tenants_day_costs_no_more_than_its_cap),
        cmocka_unit_test(a_body_that_comes_late_is_checked_again),
        cmocka_unit_test(a_caller_that_hangs_up_before_its_run_is_stored_is_forgotten),
        cmocka_unit_test(a_run_on_its_way_to_the_disk_is_answered_while_the_server_drains),
        cmocka_unit_test(answers_of_a_stopping_server_say_when_to_come_back),
        cmocka_unit_test(a_length_that_is_no_number_ends_the_connection_well),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
