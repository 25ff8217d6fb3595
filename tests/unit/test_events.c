/*
 * Events of a run: the JSON twin, and streams: frames, cursors, beats, callers who do not read or
 * leave.
 */
#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/caps.h"
#include "sys/file.h"
#include "unit/api_rig.h"

#define ROW(n) "{\"seq\":" #n ",\"kind\":\"decision\",\"summary\":\"row " #n "\",\"detail\":{}}"
#define END                                                                                        \
    "{\"seq\":9,\"ts\":\"2026-03-04T05:06:07.000009+00:00\",\"kind\":\"step_end\",\"step_index\":" \
    "2,"                                                                                           \
    "\"detail\":{\"step_index\":2,\"type\":\"extract_data\",\"success\":true,\"rows\":3,"          \
    "\"total_rows\":7,\"data\":\"x\"}}"

#define STREAM(query, headers)                                                                     \
    "GET /v1/runs/" RUN_ID "/events?sse=true" query " HTTP/1.1\r\nHost: t\r\n" WITH_TOKEN headers  \
    "\r\n"

#define PHASE(name) "event: phase\ndata: {\"phase\":\"" name "\",\"run_id\":\"" RUN_ID "\"}\n\n"
#define TERMINAL(phase, class)                                                                     \
    "event: terminal\ndata: {\"phase\":\"" phase "\",\"run_id\":\"" RUN_ID                         \
    "\",\"halt_class\":" class "}\n\n"

/* The body of a chunked answer with the sizes of its chunks taken out. */
static char *unchunk(struct pool *pool, const char *answer)
{
    const char *at = strstr(answer, "\r\n\r\n");
    char *out = pool_alloc(pool, strlen(answer) + 1), *put = out, *end;
    for (at = at ? at + 4 : answer; *at; at += 2) {
        size_t len = strtoul(at, &end, 16);
        if (!len || strnlen(end, len + 4) < len + 4)
            break;
        put = mempcpy(put, end + 2, len);
        at = end + 2 + len;
    }
    return out;
}

static const char *cursor_of(int row)
{
    return fake.events[row - 1].cursor;
}

static char *row_frame(struct pool *pool, int row)
{
    const struct fake_event *e = &fake.events[row - 1];
    return pool_printf(pool, "id: %s\nevent: %s\ndata: %s\n\n", e->cursor, e->name, e->json);
}

static bool no_call(void *arg)
{
    struct fixture *fx = arg;
    return !fx->api->in_progress && !fx->api->streams;
}

static bool is_held(void *arg)
{
    return fake.n_followers > 0 && fake.events_asked > 0;
}

/* ---- the JSON twin ---- */

static void without_sse_the_rows_come_at_once(void **state)
{
    struct fixture fx;
    struct answer a;
    char path[200];
    start(&fx);
    fake_event("decision", ROW(1));
    fake_event("decision", ROW(2));
    call(&fx, &a, "GET", "/v1/runs/" RUN_ID "/events", WITH_TOKEN, "");
    assert_int_equal(a.status, 200);
    assert_string_equal(a.body, "{\"run_id\":\"" RUN_ID "\",\"status\":\"queued\",\"events\":[" ROW(
                                    1) "," ROW(2) "],\"count\":2}");
    answer_release(&a);
    snprintf(path, sizeof(path), "/v1/runs/%s/events?sse=no&since=%.26s%%2B00:00%%231", RUN_ID,
             cursor_of(1));
    call(&fx, &a, "GET", path, WITH_TOKEN, "");
    HAS(a.body, "\"events\":[" ROW(2) "],\"count\":1}");
    answer_release(&a);
    /* the older form, with a '+' that was not encoded */
    snprintf(path, sizeof(path), "/v1/runs/%s/events?since=%.26s+00:00", RUN_ID, cursor_of(1));
    call(&fx, &a, "GET", path, WITH_TOKEN, "");
    HAS(a.body, "\"events\":[" ROW(2) "],\"count\":1}");
    answer_release(&a);
    call(&fx, &a, "POST", "/predict", WITH_TOKEN,
         "{\"action\":\"reasoning_trace\",\"run_id\":\"" RUN_ID "\"}");
    assert_int_equal(a.status, 200);
    HAS(a.body, "\"count\":2}");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/runs/nobody/events", WITH_TOKEN, "");
    assert_int_equal(a.status, 404);
    answer_release(&a);
    stop(&fx);
}

/* ---- streams ---- */

static void a_stream_tells_phase_rows_and_end_and_closes(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    start(&fx);
    fake.peek.state = RUN_QUEUED;
    fake_event("fire", ROW(1));
    client_open(&c, &fx);
    talk_until(&fx, &c, STREAM("", "Connection: close\r\n"), "row 1");
    HAS(c.in.data, "HTTP/1.1 200 OK");
    HAS(c.in.data, "Content-Type: text/event-stream");
    HAS(c.in.data, "Cache-Control: no-cache");
    HAS(c.in.data, "X-Accel-Buffering: no");
    fake_state(RUN_RUNNING, false, NULL);
    fake_event("decision", ROW(2));
    talk_until(&fx, &c, "", "row 2");
    fake_event("result", ROW(3));
    fake_state(RUN_HALTED, false, "page_blocked"); /* its rows are still on the way */
    talk_until(&fx, &c, "", "row 3");
    fake_state(RUN_HALTED, true, "page_blocked");
    talk(&fx, &c, "", 0);
    assert_true(c.ended);
    assert_string_equal(unchunk(pool, c.in.data),
                        pool_printf(pool, "%s%s%s%s%s%s%s", PHASE("queued"), row_frame(pool, 1),
                                    PHASE("running"), row_frame(pool, 2), row_frame(pool, 3),
                                    PHASE("halted"), TERMINAL("halted", "\"page_blocked\"")));
    assert_int_equal(loop_wait(fx.loop, no_call, &fx, clock_mono_ms() + 5000), 0);
    assert_int_equal(fake.unfollowed, 1);
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

static void a_run_that_is_over_is_told_from_the_cursor_on(void **state)
{
    static const char *const forms[] = {
        "Last-Event-ID: %s\r\n",    /* the header */
        "Last-Event-ID: %.32s\r\n", /* its older form */
    };
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    start(&fx);
    for (int i = 0; i < 3; i++)
        fake_event("decision", ROW(1));
    fake_state(RUN_SUCCEEDED, true, NULL);
    for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
        struct client c;
        char *header = pool_printf(pool, forms[i], cursor_of(2));
        client_open(&c, &fx);
        char *text =
            pool_printf(pool,
                        "GET /v1/runs/%s/events?sse=1&since=nonsense HTTP/1.1\r\nHost: t\r\n"
                        "Connection: close\r\n%s%s\r\n",
                        RUN_ID, WITH_TOKEN, header); /* the header wins over since */
        talk(&fx, &c, text, strlen(text));
        assert_string_equal(unchunk(pool, c.in.data),
                            pool_printf(pool, "%s%s%s", PHASE("complete"), row_frame(pool, 3),
                                        TERMINAL("complete", "null")));
        client_close(&c);
    }
    stop(&fx);
    pool_destroy(pool);
}

static void an_unknown_run_is_refused_before_a_stream_begins(void **state)
{
    struct fixture fx;
    struct answer a;
    start(&fx);
    call(&fx, &a, "GET", "/v1/runs/nobody/events?sse=true", WITH_TOKEN, "");
    assert_int_equal(a.status, 404);
    HAS(a.text.data, "Content-Type: application/json");
    answer_release(&a);
    call(&fx, &a, "GET", "/v1/runs/a%20b/events?sse=true", WITH_TOKEN, "");
    assert_int_equal(a.status, 400);
    answer_release(&a);
    stop(&fx);
}

static void the_end_of_a_step_is_told_before_its_row(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    start(&fx);
    fake_event("step_end", END);
    fake_state(RUN_SUCCEEDED, true, NULL);
    client_open(&c, &fx);
    talk(&fx, &c, STREAM("", "Connection: close\r\n"), strlen(STREAM("", "Connection: close\r\n")));
    const char *body = unchunk(pool, c.in.data);
    const char *step = strstr(body, "event: step\ndata: {\"run_id\":\"" RUN_ID "\""),
               *extract = strstr(body, "event: extract\ndata: {"), *row = strstr(body, "id: ");
    assert_true(step && extract && row && step < extract && extract < row);
    HAS(extract, "\"rows\":3,\"total_rows\":7");
    assert_int_equal(count(body, "id: "), 1); /* rows are what has an id */
    client_close(&c);
    client_open(&c, &fx);
    talk(&fx, &c, STREAM("&steps=false", "Connection: close\r\n"),
         strlen(STREAM("&steps=false", "Connection: close\r\n")));
    HAS_NOT(c.in.data, "event: step\n");
    HAS_NOT(c.in.data, "event: extract\n");
    HAS(c.in.data, "event: step_end\n");
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

static bool asked_four_times(void *arg)
{
    return ++*(int *)arg == 4;
}

/* A few turns of the loop at another time. */
static void turn_at(struct fixture *fx, int64_t mono_us)
{
    int asked = 0;
    clock_fake(mono_us, clock_wall_us());
    assert_int_equal(loop_wait(fx->loop, asked_four_times, &asked, clock_mono_ms() + 10), 0);
    clock_fake_off();
}

static void a_quiet_stream_pings_and_ends_at_its_bound(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    int64_t beat_us = CAP_STREAM_BEAT_S * 1000000LL;
    start(&fx);
    assert_int_equal(CAP_STREAM_BEAT_S * CAP_STREAM_BEATS, 600);
    fx.api->beats = 3;
    int64_t began_us = clock_mono_us();
    client_open(&c, &fx);
    talk_until(&fx, &c, STREAM("", "Connection: close\r\n"), "event: phase");
    turn_at(&fx, began_us + beat_us - 10000000);
    turn_at(&fx, began_us + beat_us + 10000000);
    talk_until(&fx, &c, "", ": ping");
    turn_at(&fx, began_us + 2 * beat_us + 10000000);
    turn_at(&fx, began_us + 3 * beat_us + 10000000);
    talk(&fx, &c, "", 0);
    assert_true(c.ended);
    assert_string_equal(unchunk(pool, c.in.data),
                        PHASE("running") ": ping\n\n: ping\n\n"
                                         "event: timeout\ndata: {\"reason\":\"max_stream_seconds\","
                                         "\"run_id\":\"" RUN_ID "\"}\n\n");
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

static void a_pause_is_told_in_a_stream(void **state)
{
#define PAUSE(status)                                                                              \
    "event: phase\ndata: {\"phase\":\"running\",\"run_id\":\"" RUN_ID "\",\"status\":\"" status    \
    "\"}\n\n"
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    start(&fx);
    client_open(&c, &fx);
    talk_until(&fx, &c, STREAM("", "Connection: close\r\n"), PHASE("running"));
    fake_state(RUN_PAUSED, false, NULL);
    talk_until(&fx, &c, "", PAUSE("paused"));
    fake_state(RUN_RUNNING, false, NULL);
    talk_until(&fx, &c, "", PAUSE("running"));
    fake_state(RUN_RECOVERING, false, NULL);
    talk_until(&fx, &c, "", PHASE("recovering"));
    fake_state(RUN_CANCELLED, true, "cancelled");
    talk(&fx, &c, "", 0);
    assert_string_equal(unchunk(pool, c.in.data),
                        PHASE("running") PAUSE("paused") PAUSE("running") PHASE("recovering")
                            PHASE("cancelled") TERMINAL("cancelled", "\"cancelled\""));
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

/* One keys document after another; the file's own dates say when a token ends. */
static void put_keys(const struct fixture *fx, const char *text)
{
    assert_int_equal(file_write_atomic(fx->keys_path, text, strlen(text), 0600, NULL), 0);
}

static void a_stream_ends_when_its_token_is_revoked(void **state)
{
#define KEYS(other, fields)                                                                        \
    "{\"tenant_keys\":{\"" other "\":{\"tenant_id\":\"acme\"},"                                    \
    "\"sha256:9f9f5111f7b27a781f1f1ddde5ebc2dd2b796bfc7365c9c28b548e564176929f\":"                 \
    "{\"tenant_id\":\"acme\"" fields "}}}"
    static const char *const ends[] = {
        "{\"tenant_keys\":{\"another-token-of-acme\":{\"tenant_id\":\"acme\"}}}",
        KEYS("another-token-of-acme", ",\"disabled\":true"),
        KEYS("another-token-of-acme", ",\"scopes\":[\"result\"]"),
        KEYS("another-token-of-acme", ",\"expires_at\":\"2020-01-01T00:00:00Z\""),
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++) {
        struct fixture fx;
        struct client c;
        start_with_keys(&fx, KEYS("another-token-of-acme", ""));
        fx.api->token_ms = 5;
        client_open(&c, &fx);
        talk_until(&fx, &c, STREAM("", "Connection: close\r\n"), "event: phase");
        put_keys(&fx, KEYS("yet-another-token-of-acme", "")); /* another one's end is none of it */
        turn_at(&fx, clock_mono_us() + 10000000);
        fake_event("decision", ROW(1));
        talk_until(&fx, &c, "", "row 1");
        put_keys(&fx, ends[i]);
        turn_at(&fx, clock_mono_us() + 20000000);
        talk(&fx, &c, "", 0);
        assert_true(c.ended);
        assert_string_equal(unchunk(pool, c.in.data),
                            pool_printf(pool, PHASE("running") "%s%s", row_frame(pool, 1),
                                        "event: revoked\ndata: {\"reason\":\"token_revoked\","
                                        "\"run_id\":\"" RUN_ID "\"}\n\n"));
        client_close(&c);
        stop(&fx);
    }
    pool_destroy(pool);
}

/* More than are looked at in one turn; some go while the others are looked at. */
static void all_streams_of_a_revoked_token_end(void **state)
{
    enum { STREAMS = FAKE_FOLLOWERS };
    struct pool *pool = pool_create(NULL);
    struct client *c = pool_alloc(pool, STREAMS * sizeof(*c));
    struct fixture fx;
    start_with_keys(&fx, KEYS("another-token-of-acme", ""));
    fx.api->token_ms = 5;
    for (int i = 0; i < STREAMS; i++) {
        client_open(&c[i], &fx);
        talk_until(&fx, &c[i], STREAM("", "Connection: close\r\n"), "event: phase");
    }
    put_keys(&fx, "{\"tenant_keys\":{\"another-token-of-acme\":{\"tenant_id\":\"acme\"}}}");
    turn_at(&fx, clock_mono_us() + 10000000);
    for (int i = 0; i < STREAMS; i++) {
        talk(&fx, &c[i], "", 0);
        assert_true(c[i].ended);
        assert_non_null(strstr(c[i].in.data, "event: revoked"));
        client_close(&c[i]);
    }
    stop(&fx);
    pool_destroy(pool);
}

static void a_frame_larger_than_a_block_arrives_whole(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    size_t len = 10 * CAP_STREAM_BLOCK_BYTES + 7;
    char *json = pool_alloc(pool, len + 3);
    start(&fx);
    memset(json, 'x', len + 2);
    json[0] = json[len + 1] = '"';
    fake_event("decision", json);
    fake_event("decision", ROW(2));
    fake_state(RUN_SUCCEEDED, true, NULL);
    client_open(&c, &fx);
    talk(&fx, &c, STREAM("", "Connection: close\r\n"), strlen(STREAM("", "Connection: close\r\n")));
    assert_string_equal(unchunk(pool, c.in.data),
                        pool_printf(pool, "%s%s%s%s", PHASE("complete"), row_frame(pool, 1),
                                    row_frame(pool, 2), TERMINAL("complete", "null")));
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

#define MANY 600

/* It holds a cursor, so nothing grows; what it missed is there when it reads again. */
static void a_caller_that_does_not_read_catches_up(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct fixture fx;
    struct client c;
    static const char text[] = STREAM("", "");
    char *json = pool_alloc(pool, 10003);
    int small = 4096, asked;
    memset(json, 'x', 10002);
    json[0] = json[10001] = '"';
    start(&fx);
    client_open(&c, &fx);
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(send(c.fd, text, strlen(text), 0), (int)strlen(text));
    while (!fake.n_followers)
        assert_int_equal(loop_wait(fx.loop, NULL, NULL, clock_mono_ms() + 2), 0);
    for (int i = 0; i < MANY; i++)
        fake_event("decision", json);
    do { /* until the sockets between the two are full */
        asked = fake.events_asked;
        assert_int_equal(loop_wait(fx.loop, NULL, NULL, clock_mono_ms() + 20), 0);
    } while (asked != fake.events_asked);
    assert_true(fx.api->frame.size < 64 * 1024);
    fake_event("decision", ROW(601));
    fake_state(RUN_SUCCEEDED, true, NULL);
    int large = 1 << 20;
    setsockopt(c.fd, SOL_SOCKET, SO_RCVBUF, &large, sizeof(large));
    buf_release(&c.in);
    buf_init(&c.in, 64u << 20);
    talk_until(&fx, &c, "", "event: terminal");
    const char *body = unchunk(pool, c.in.data);
    assert_int_equal(count(body, "event: decision\n"), MANY + 1);
    HAS(body, "row 601");
    client_close(&c);
    stop(&fx);
    pool_destroy(pool);
}

/* Also while an older connection stays: libmicrohttpd looks at the oldest first. */
static void a_follower_that_hangs_up_is_forgotten(void **state)
{
    struct fixture fx;
    struct client older, quiet, closed;
    static const char text[] = STREAM("", "");
    start(&fx);
    fake_event("decision", ROW(1));
    client_open(&older, &fx);
    talk_until(&fx, &older, "GET /health HTTP/1.1\r\nHost: t\r\n\r\n", "\"ok\":true");
    client_open(&quiet, &fx);
    talk_until(&fx, &quiet, text, "row 1");
    client_open(&closed, &fx);
    talk_until(&fx, &closed, text, "row 1");
    assert_int_equal(fake.n_followers, 2);
    assert_int_equal(loop_wait(fx.loop, is_held, NULL, clock_mono_ms() + 5000), 0);
    client_close(&quiet);
    shutdown(closed.fd, SHUT_WR); /* half closed is gone too */
    assert_int_equal(loop_wait(fx.loop, no_call, &fx, clock_mono_ms() + 5000), 0);
    assert_int_equal(fake.n_followers, 0);
    talk(&fx, &closed, "", 0);
    assert_true(closed.ended);
    client_close(&closed);
    client_close(&older);
    stop(&fx);
}

static void tick(void *arg)
{
    ++*(int *)arg;
}

static void draining_ends_streams_at_once(void **state)
{
    struct fixture fx;
    struct client c;
    int drained = 0;
    start(&fx);
    fake_event("decision", ROW(1));
    client_open(&c, &fx);
    talk_until(&fx, &c, STREAM("", ""), "row 1");
    api_drain(fx.api, 60000, tick, &drained);
    talk_until(&fx, &c, "", "\r\n0\r\n\r\n"); /* the last chunk */
    assert_int_equal(loop_wait(fx.loop, no_call, &fx, clock_mono_ms() + 5000), 0);
    assert_int_equal(drained, 1);
    client_close(&c);
    stop(&fx);
}

static void stopping_with_streams_open_is_clean(void **state)
{
    struct fixture fx;
    struct client c[3];
    start(&fx);
    fake_event("decision", ROW(1));
    for (int i = 0; i < 3; i++) {
        client_open(&c[i], &fx);
        talk_until(&fx, &c[i], STREAM("", ""), "row 1");
    }
    fake_event("decision", ROW(2)); /* one that is on its way */
    stop(&fx);
    assert_int_equal(fake.unfollowed, 3);
    for (int i = 0; i < 3; i++)
        client_close(&c[i]);
}

static void a_run_that_is_forgotten_ends_its_streams(void **state)
{
    struct fixture fx;
    struct client c;
    start(&fx);
    fake_event("decision", ROW(1));
    client_open(&c, &fx);
    talk_until(&fx, &c, STREAM("", "Connection: close\r\n"), "row 1");
    fake.forgotten = true;
    fake_news();
    talk(&fx, &c, "", 0);
    assert_true(c.ended);
    client_close(&c);
    stop(&fx);
}

static void callers_of_http_1_0_get_a_stream_too(void **state)
{
    static const char text[] =
        "GET /v1/runs/" RUN_ID "/events?sse=true HTTP/1.0\r\n" WITH_TOKEN "\r\n";
    struct fixture fx;
    struct client c;
    start(&fx);
    fake_event("decision", ROW(1));
    fake_state(RUN_CANCELLED, true, "cancelled");
    client_open(&c, &fx);
    talk(&fx, &c, text, strlen(text));
    HAS(c.in.data, PHASE("cancelled"));
    HAS(c.in.data, TERMINAL("cancelled", "\"cancelled\""));
    client_close(&c);
    stop(&fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_sse_the_rows_come_at_once),
        cmocka_unit_test(a_stream_tells_phase_rows_and_end_and_closes),
        cmocka_unit_test(a_run_that_is_over_is_told_from_the_cursor_on),
        cmocka_unit_test(an_unknown_run_is_refused_before_a_stream_begins),
        cmocka_unit_test(the_end_of_a_step_is_told_before_its_row),
        cmocka_unit_test(a_quiet_stream_pings_and_ends_at_its_bound),
        cmocka_unit_test(a_pause_is_told_in_a_stream),
        cmocka_unit_test(a_stream_ends_when_its_token_is_revoked),
        cmocka_unit_test(all_streams_of_a_revoked_token_end),
        cmocka_unit_test(a_frame_larger_than_a_block_arrives_whole),
        cmocka_unit_test(a_caller_that_does_not_read_catches_up),
        cmocka_unit_test(a_follower_that_hangs_up_is_forgotten),
        cmocka_unit_test(draining_ends_streams_at_once),
        cmocka_unit_test(stopping_with_streams_open_is_clean),
        cmocka_unit_test(a_run_that_is_forgotten_ends_its_streams),
        cmocka_unit_test(callers_of_http_1_0_get_a_stream_too),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
