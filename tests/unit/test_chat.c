/*
 * Calls to the model server: what goes on and what stays, and what time does to them. The rest is
 * in tests/e2e/raw_chat.test.mjs.
 */
#include "unit/test.h"

#include "unit/api_rig.h"
#include "unit/capture.h"

#include <stdio.h>
#include <sys/socket.h>

#include "api/chat.h"
#include "base/caps.h"
#include "base/json_scan.h"
#include "tools/model_server.h"

/* ---- headers ---- */

/* clang-format off */
static const struct {
    const char *name, *connection;
    bool passes;
} headers[] = {
    {"host", "", false}, {"Content-Length", "", false}, {"TRANSFER-ENCODING", "", false}, {"connection", "", false}, {"X-Mantis-Token", "", false},
    {"x-mantis-token", "", false}, {"Authorization", "", false}, {"cookie", "", false}, {"accept-encoding", "", false}, {"proxy-authorization", "", false},
    {"Proxy-Anything", "", false}, {"te", "", false}, {"upgrade", "", false}, {"forwarded", "", false}, {"x-forwarded-for", "", false},
    {"X-Forwarded-Client-Cert", "", false}, {"content-type", "", false}, {"expect", "", false}, {"keep-alive", "", false}, {"trailer", "", false},
    {"accept", "", true}, {"user-agent", "", true}, {"x-request-id", "", true}, {"traceparent", "", true}, {"x-stainless-lang", "", true},
    {"x-forwarded", "", true}, {"proxy", "", true}, {"x-mantis-token2", "", true}, {"cookies", "", true}, {"hos", "", true}, {"test", "", true},
    {"x-hop", "close, X-Hop", false}, {"x-hop", "x-hop", false}, {"x-hop", ",a ,\tx-hop,", false}, {"x-hop", "x-hop2, x", true}, {"x", "close", true},
};
/* clang-format on */

static void headers_of_one_connection_stay(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(headers); i++)
        if (chat_header_passes(headers[i].name, headers[i].connection) != headers[i].passes)
            fail_msg("%s with Connection: %s", headers[i].name, headers[i].connection);
}

/* ---- the name of the model ---- */

static const struct {
    const char *body, *mapped; /* mapped NULL: refused */
} bodies[] = {
    {"{\"model\":\"holo3\"}", "{\"model\":\"a/\\\"b\\\"\"}"},
    {" {\"n\":1e400,\"model\" : \"h\\u006flo3\" ,\"x\":[ ]} ",
     " {\"n\":1e400,\"model\" : \"a/\\\"b\\\"\" ,\"x\":[ ]} "},
    {"{\"model\":\"holo3x\"}", "{\"model\":\"holo3x\"}"},
    {"{\"model\":[\"holo3\"]}", "{\"model\":[\"holo3\"]}"},
    {"{\"x\":\"\\\"model\\\":\\\"holo3\\\"\",\"y\":{\"model\":\"holo3\"}}",
     "{\"x\":\"\\\"model\\\":\\\"holo3\\\"\",\"y\":{\"model\":\"holo3\"}}"},
    {"{}", "{}"},
    {"[{\"model\":\"holo3\"}]", NULL},
    {"\"holo3\"", NULL},
    {"{\"model\":\"holo3\",\"model\":\"holo3\"}", NULL},
    {"{\"x\":\"\xff\"}", NULL},
};

static void only_the_models_name_is_changed(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
        struct buf b;
        struct err err = {0};
        struct json_field model = {.name = "model"};
        buf_init(&b, 200);
        assert_int_equal(buf_adds(&b, bodies[i].body), 0);
        assert_int_equal(json_scan(b.data, b.len, "body", &model, NULL), 0);
        int r = chat_map_model(&b, &model, "holo3", "a/\"b\"", &err);
        assert_int_equal(r, bodies[i].mapped ? 0 : E_INVALID);
        assert_string_equal(b.data, bodies[i].mapped ? bodies[i].mapped : bodies[i].body);
        assert_int_equal(b.len, strlen(b.data));
        buf_release(&b);
    }
}

static void a_body_that_would_outgrow_its_cap_is_refused(void **state)
{
    static const char text[] = "{\"model\":\"holo3\"}";
    struct buf b;
    struct err err = {0};
    struct json_field model = {.name = "model"};
    buf_init(&b, sizeof(text));
    assert_int_equal(buf_adds(&b, text), 0);
    assert_int_equal(json_scan(b.data, b.len, "body", &model, NULL), 0);
    assert_int_equal(chat_map_model(&b, &model, "holo3", "a name of some length", &err), E_TOOBIG);
    assert_string_equal(b.data, text);
    buf_release(&b);
}

/* ---- time ---- */

/* TOKEN's tenant, and one of two cents a day. */
#define POOR      "poor0123456789ab"
#define WITH_POOR "X-Mantis-Token: " POOR "\r\n"
#define KEYS                                                                                       \
    "{\"tenant_keys\":{\"" TOKEN "\":{\"tenant_id\":\"acme\",\"scopes\":[\"run\"]},\"" POOR            \
    "\":{\"tenant_id\":\"poor\",\"scopes\":[\"run\"],\"max_cost_per_day\":0.02}}}"

struct bench {
    struct fixture fx;
    json_t *script;
    struct scripted_server *model;
    char url[64];
};

/* Its stream is larger than all that a kernel holds of one. */
static json_t *a_flood(void)
{
    static char words[8 << 20];
    memset(words, 'w', sizeof(words));
    for (size_t i = 0; i < sizeof(words); i += 1 << 18)
        words[i] = ' ';
    return json_stringn(words, sizeof(words));
}

static int set_up(void **state)
{
    static struct bench b;
    struct err err = {0};
    b.script =
        json_pack("{s:[{s:s,s:s},{s:s,s:o},{s:s,s:s,s:i},{s:s,s:s,s:i},{s:s}]}", "rules", "when",
                  "silent", "fault", "silence", "when", "flood", "text", a_flood(), "when", "pause", "text", "one two three", "pace_ms", 60000,
                  "when", "steady", "text", "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20",
                  "pace_ms", 20, "text", "said");
    const struct model_server_config config = {.script = b.script};
    if (model_server_start(&config, &b.model, &err))
        fail_msg("%s", err.msg);
    snprintf(b.url, sizeof(b.url), "http://127.0.0.1:%d/v1/", model_server_port(b.model));
    start_with_model(&b.fx, b.url, KEYS);
    *state = &b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    stop(&b->fx);
    model_server_stop(b->model);
    json_decref(b->script);
    return 0;
}

static void ask(struct bench *b, struct answer *a, const char *content, bool stream)
{
    char body[200];
    snprintf(body, sizeof(body), "{\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]%s}",
             content, stream ? ",\"stream\":true" : "");
    call(&b->fx, a, "POST", "/v1/chat/completions", WITH_TOKEN, body);
}

static void an_answer_comes_whole_or_streamed(void **state)
{
    struct bench *b = *state;
    struct answer a;
    ask(b, &a, "hello", false);
    assert_int_equal(a.status, 200);
    HAS(a.body, "\"content\":\"said\"");
    HAS(a.text.data, "\r\nContent-Type: application/json; charset=utf-8\r\n");
    HAS(a.text.data, "\r\nX-RateLimit-Remaining: ");
    answer_release(&a);
    ask(b, &a, "hello", true);
    assert_int_equal(a.status, 200);
    HAS(a.text.data, "\r\nContent-Type: text/event-stream\r\n");
    HAS(a.body, "data: [DONE]\n\n");
    HAS(a.body, "\r\n0\r\n\r\n");
    answer_release(&a);
}

static void a_model_server_that_is_silent_is_504(void **state)
{
    struct bench *b = *state;
    struct answer a;
    b->fx.api->chat_ms = 200;
    ask(b, &a, "silent", false);
    assert_int_equal(a.status, 504);
    HAS(a.body, "\"detail\":\"the model server: no answer from http://127.0.0.1:");
    HAS(a.body, " in 0.2 s\"");
    HAS(a.body, "\"type\":\"upstream_error\",\"param\":null,\"code\":\"timeout\"");
    answer_release(&a);
}

static void check_cut(const struct answer *a, const char *first)
{
    assert_int_equal(a->status, 200);
    HAS(a->body, first);
    HAS_NOT(a->body, "\r\n0\r\n\r\n");
}

static void a_stream_that_falls_silent_is_cut(void **state)
{
    struct bench *b = *state;
    struct answer a;
    b->fx.api->chat_ms = 300;
    ask(b, &a, "pause", true);
    check_cut(&a, "\"role\":\"assistant\"");
    HAS_NOT(a.body, "three");
    answer_release(&a);
    ask(b, &a, "steady", true); /* each piece gives it new time */
    HAS(a.body, "\r\n0\r\n\r\n");
    answer_release(&a);
}

static void a_stream_that_takes_too_long_is_cut(void **state)
{
    struct bench *b = *state;
    struct answer a;
    b->fx.api->chat_stream_ms = 200;
    ask(b, &a, "steady", true);
    check_cut(&a, "\"role\":\"assistant\"");
    answer_release(&a);
}

/* One that closes its side counts as gone, whole or streamed: the model is not kept busy for it. */
static void who_sends_no_more_is_gone(void **state)
{
    struct bench *b = *state;
    for (int stream = 0; stream < 2; stream++) {
        struct client c;
        char text[400];
        const char *body = stream ? "{\"stream\":true,\"messages\":[{\"content\":\"pause\"}]}"
                                  : "{\"messages\":[{\"content\":\"silent\"}]}";
        int before = model_server_count(b->model);
        client_open(&c, &b->fx);
        snprintf(text, sizeof(text),
                 "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN
                 "Content-Length: %zu\r\n\r\n%s",
                 strlen(body), body);
        if (stream)
            talk_until(&b->fx, &c, text, "assistant");
        else
            assert_int_equal(send(c.fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
        while (model_server_count(b->model) == before)
            assert_int_equal(loop_wait(b->fx.loop, NULL, NULL, clock_mono_ms() + 2), 0);
        assert_int_equal(shutdown(c.fd, SHUT_WR), 0);
        int64_t begun = clock_mono_ms();
        talk(&b->fx, &c, "", 0); /* until the server closes */
        assert_true(clock_mono_ms() - begun < 2000);
        if (stream)
            HAS_NOT(c.in.data, "\r\n0\r\n\r\n");
        else
            assert_int_equal(c.in.len, 0);
        client_close(&c);
    }
}

static double paid_by(struct bench *b, const char *tenant)
{
    double usd = -1;
    assert_int_equal(store_cost_since(b->fx.store, tenant, 0, &usd, NULL), 0);
    return usd;
}

static void ask_as_poor(struct bench *b, struct answer *a, const char *body)
{
    call(&b->fx, a, "POST", "/v1/chat/completions", WITH_POOR, body);
}

static void calls_are_paid_by_the_second(void **state)
{
    struct bench *b = *state;
    struct answer a;
    int64_t begun = clock_mono_ms();
    ask(b, &a, "steady", true); /* 20 pieces, 20 ms each */
    double most = (double)(clock_mono_ms() - begun) / 1000 * .001;
    answer_release(&a);
    ask(b, &a, "hello", false);
    answer_release(&a);
    api_destroy(b->fx.api);
    gateway_destroy(b->fx.gateway); /* writes down what is not stored yet */
    b->fx.api = NULL;
    b->fx.gateway = NULL;
    double usd = paid_by(b, "acme");
    if (usd < .3 * .001 || usd > most + .001)
        fail_msg("%f USD, at most %f", usd, most);
    assert_true(paid_by(b, "poor") == 0);
}

static void the_days_money_ends_a_stream_and_refuses_the_next_call(void **state)
{
    struct bench *b = *state;
    struct answer a;
    assert_int_equal(store_cost_add(b->fx.store, "poor", clock_wall_us(), .018, NULL), 0);
    int64_t begun = clock_mono_ms();
    ask_as_poor(b, &a, "{\"stream\":true,\"messages\":[{\"content\":\"pause\"}]}"); /* two seconds' */
    check_cut(&a, "\"role\":\"assistant\"");
    answer_release(&a);
    int64_t took = clock_mono_ms() - begun;
    assert_true(took > 1500 && took < 6000);
    ask_as_poor(b, &a, "{\"messages\":[{\"content\":\"hello\"}]}");
    assert_int_equal(a.status, 402);
    HAS(a.body, "max_cost_per_day allows 0.02");
    HAS(a.body, "\"code\":\"budget_cap\"");
    answer_release(&a);
    ask(b, &a, "hello", false); /* of another tenant */
    assert_int_equal(a.status, 200);
    answer_release(&a);
}

static void a_call_gets_no_more_time_than_there_is_money_for(void **state)
{
    struct bench *b = *state;
    struct answer a;
    assert_int_equal(store_cost_add(b->fx.store, "poor", clock_wall_us(), .0185, NULL), 0);
    ask_as_poor(b, &a, "{\"messages\":[{\"content\":\"silent\"}]}");
    assert_int_equal(a.status, 402);
    HAS(a.body, "the model took longer than there is money for");
    answer_release(&a);
}

/* The server has one slot, and a stream is in it. */
static void a_call_waits_for_a_slot_of_the_model(void **state)
{
    struct bench *b = *state;
    struct client first, second;
    struct answer a;
    char text[2][400];
    b->fx.slots = 1;
    static const char *const sent[] = {
        "{\"stream\":true,\"messages\":[{\"content\":\"pause\"}]}", "{\"messages\":[{\"content\":\"hello\"}]}"};
    for (int i = 0; i < 2; i++)
        snprintf(text[i], sizeof(text[i]),
                 "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n%sContent-Length: %zu\r\n\r\n%s",
                 i ? WITH_POOR : WITH_TOKEN, strlen(sent[i]), sent[i]);
    client_open(&first, &b->fx);
    client_open(&second, &b->fx);
    talk_until(&b->fx, &first, text[0], "assistant");
    int asked = model_server_count(b->model);
    assert_int_equal(send(second.fd, text[1], strlen(text[1]), MSG_NOSIGNAL), strlen(text[1]));
    assert_int_equal(loop_wait(b->fx.loop, NULL, NULL, clock_mono_ms() + 200), 0);
    assert_int_equal(model_server_count(b->model), asked);
    client_close(&first); /* its caller leaves */
    second.want = 1;
    talk(&b->fx, &second, "", 0);
    answer_read(&a, &second);
    assert_int_equal(a.status, 200);
    assert_int_equal(model_server_count(b->model), asked + 1);
    answer_release(&a);
    client_close(&second);
}

/* Streams whose callers take nothing of them, until the model server waits for each. */
struct unread {
    struct client client[2];
    struct api *api;
    int n;
};

static bool all_paused(void *arg)
{
    const struct unread *u = arg;
    int n = 0;
    for (const struct chat *c = u->api->chats; c; c = c->next)
        n += c->paused;
    return n == u->n;
}

static bool one_is_cut(void *arg)
{
    const struct unread *u = arg;
    for (const struct chat *c = u->api->chats; c; c = c->next)
        if (c->cut)
            return true;
    return !u->api->chats;
}

static void open_unread(struct bench *b, struct unread *u, int n)
{
    static const char body[] = "{\"stream\":true,\"messages\":[{\"content\":\"flood\"}]}";
    char text[400];
    int small = 4096;
    *u = (struct unread){.api = b->fx.api, .n = n};
    snprintf(text, sizeof(text),
             "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    for (int i = 0; i < n; i++) {
        client_open(&u->client[i], &b->fx);
        assert_int_equal(setsockopt(u->client[i].fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)), 0);
        assert_int_equal(send(u->client[i].fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
    }
    assert_int_equal(loop_wait(b->fx.loop, all_paused, u, clock_mono_ms() + 20000), 0);
    assert_true(all_paused(u));
}

static void close_unread(struct unread *u)
{
    for (int i = 0; i < u->n; i++)
        client_close(&u->client[i]);
}

static void a_caller_that_does_not_read_is_cut(void **state)
{
    struct bench *b = *state;
    struct unread u;
    b->fx.api->chat_crowded_ms = 20;
    b->fx.api->chat_unread_ms = 200;
    struct capture log = capture_begin(stderr);
    open_unread(b, &u, 1);
    assert_int_equal(loop_wait(b->fx.loop, one_is_cut, &u, clock_mono_ms() + 20000), 0);
    char *said = capture_end(b->fx.pool, &log);
    HAS(said, "the caller did not read for 0.2 s");
    close_unread(&u);
}

/* Both slots are one tenant's, whose callers do not read. */
static void callers_that_do_not_read_keep_no_slot_from_other_tenants(void **state)
{
    struct bench *b = *state;
    struct unread u;
    struct answer a;
    b->fx.slots = 2;
    b->fx.api->chat_crowded_ms = 50;
    open_unread(b, &u, 2);
    assert_int_equal(loop_wait(b->fx.loop, NULL, NULL, clock_mono_ms() + 300), 0);
    assert_true(all_paused(&u)); /* nobody waits: they may */
    struct capture log = capture_begin(stderr);
    ask_as_poor(b, &a, "{\"messages\":[{\"content\":\"hello\"}]}");
    char *said = capture_end(b->fx.pool, &log);
    assert_int_equal(a.status, 200);
    answer_release(&a);
    HAS(said, "calls of other tenants wait for its slot");
    u.n--;
    assert_true(all_paused(&u)); /* one was enough */
    u.n++;
    close_unread(&u);
}

static void streams_that_are_open_when_it_stops_are_cut(void **state)
{
    struct bench *b = *state;
    struct client c;
    static const char body[] = "{\"stream\":true,\"messages\":[{\"content\":\"pause\"}]}";
    char text[400];
    client_open(&c, &b->fx);
    snprintf(text, sizeof(text),
             "POST /v1/chat/completions HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN
             "Content-Length: %zu\r\n\r\n%s",
             strlen(body), body);
    talk_until(&b->fx, &c, text, "assistant");
    api_destroy(b->fx.api);
    b->fx.api = NULL;
    talk(&b->fx, &c, "", 0);
    HAS_NOT(c.in.data, "\r\n0\r\n\r\n");
    client_close(&c);
}

static void nobody_is_called_while_it_drains(void **state)
{
    struct bench *b = *state;
    struct answer a;
    b->fx.api->draining = true;
    ask(b, &a, "hello", false);
    assert_int_equal(a.status, 503);
    HAS(a.text.data, "\r\nRetry-After: 10\r\n");
    HAS(a.body, "\"type\":\"server_error\"");
    answer_release(&a);
    b->fx.api->draining = false;
}

static void no_connection_is_502(void **state)
{
    struct bench *b = *state;
    struct answer a;
    model_server_stop(b->model);
    b->model = NULL;
    ask(b, &a, "hello", false);
    assert_int_equal(a.status, 502);
    HAS(a.body, "\"detail\":\"the model server: cannot reach http://127.0.0.1:");
    HAS(a.body, "\"type\":\"upstream_error\"");
    answer_release(&a);
}

#define WITH_MODEL(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_of_one_connection_stay),
        cmocka_unit_test(only_the_models_name_is_changed),
        cmocka_unit_test(a_body_that_would_outgrow_its_cap_is_refused),
        WITH_MODEL(an_answer_comes_whole_or_streamed),
        WITH_MODEL(a_model_server_that_is_silent_is_504),
        WITH_MODEL(a_stream_that_falls_silent_is_cut),
        WITH_MODEL(a_stream_that_takes_too_long_is_cut),
        WITH_MODEL(who_sends_no_more_is_gone),
        WITH_MODEL(streams_that_are_open_when_it_stops_are_cut),
        WITH_MODEL(nobody_is_called_while_it_drains),
        WITH_MODEL(calls_are_paid_by_the_second),
        WITH_MODEL(the_days_money_ends_a_stream_and_refuses_the_next_call),
        WITH_MODEL(a_call_gets_no_more_time_than_there_is_money_for),
        WITH_MODEL(a_call_waits_for_a_slot_of_the_model),
        WITH_MODEL(a_caller_that_does_not_read_is_cut),
        WITH_MODEL(callers_that_do_not_read_keep_no_slot_from_other_tenants),
        WITH_MODEL(no_connection_is_502),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
