/*
 * test_view.c - live views as a caller sees them: addresses, tokens, the picture that moves, the WebSocket.
 */
#include "unit/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"
#include "unit/api_live.h"
#include "unit/api_rig.h"

#define KEYS                                                                                       \
    "{\"tenant_keys\":{\"" TOKEN "\":{\"tenant_id\":\"acme\",\"scopes\":[\"run\"]},"                                \
    "\"other-token-other-token-other-token\":{\"tenant_id\":\"other\",\"scopes\":[\"run\"]},"      \
    "\"reader-token-reader-token-reader-tok\":{\"tenant_id\":\"acme\",\"scopes\":[\"status\"]}}}"
#define OTHER  "X-Mantis-Token: other-token-other-token-other-token\r\n"
#define READER "X-Mantis-Token: reader-token-reader-token-reader-tok\r\n"
#define RUN    "/v1/runs/" RUN_ID
#define SHAKE                                                                                      \
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"                   \
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

static struct fixture fx;
static struct pool *pool;

static int setup_fx(void **state)
{
    fake_live = (struct fake_live){.tenant = "acme", .token_s = 100, .frame_len = 10};
    pool = pool_create(NULL);
    start_with_keys(&fx, KEYS);
    return 0;
}

static int stop_fx(void **state)
{
    stop(&fx);
    assert_int_equal(fake_live.n_views, 0);
    pool_destroy(pool);
    return 0;
}

/* A value of the answer to a call, in pool; "" when it is not there. */
static const char *ask(const char *method, const char *path, const char *headers, const char *body,
                       const char *key, int status)
{
    struct answer a;
    call(&fx, &a, method, path, headers, body);
    if (a.status != status)
        fail_msg("%s %s: %d %s", method, path, a.status, a.text.data);
    json_t *doc = json_loads(a.body, 0, NULL);
    const char *value = pool_strdup(pool, json_str(doc, key, ""));
    json_decref(doc);
    answer_release(&a);
    return value;
}

static const char *view_url(const char *headers, bool control, const char *key)
{
    return ask("GET", control ? RUN "/view?control=true" : RUN "/view", headers, "", key, 200);
}

/* --- addresses --------------------------------------------------------------------------------- */

static void an_address_is_for_who_may_see_the_run(void **state)
{
    const char *url = view_url(WITH_TOKEN, false, "mjpeg_url");
    HAS(url, RUN "/view.mjpeg?token=view.");
    HAS(url, ".acme");
    HAS(view_url(WITH_TOKEN, true, "ws_url"), RUN "/view.ws?token=control.");
    HAS(view_url(READER, false, "ws_url"), "token=view.");
    ask("GET", RUN "/view?control=true", READER, "", "detail", 403);
    ask("GET", RUN "/view?control=perhaps", WITH_TOKEN, "", "detail", 422);
    ask("GET", RUN "/view", "", "", "detail", 401);
    ask("GET", "/v1/runs/nobody/view", WITH_TOKEN, "", "detail", 404);
    fake.peek.state = RUN_HALTED;
    HAS(ask("GET", RUN "/view", WITH_TOKEN, "", "detail", 409), "is over (halted)");
}

/* Not one byte of a picture, and no word of whether the run is there. */
static void a_token_that_does_not_fit_opens_nothing(void **state)
{
    const char *mjpeg = view_url(WITH_TOKEN, false, "mjpeg_url"), *ws = view_url(WITH_TOKEN, false, "ws_url");
    const char *token = strchr(mjpeg, '=') + 1;
    const char *others = strchr(view_url(OTHER, false, "mjpeg_url"), '=') + 1;
    fake_live.version = 1;
    static const char *const kinds[] = {"mjpeg", "ws"};
    for (size_t i = 0; i < 2; i++) {
        const char *headers = i ? SHAKE : "";
        const char *bad[] = {
            pool_printf(pool, RUN "/view.%s", kinds[i]),
            pool_printf(pool, RUN "/view.%s?token=", kinds[i]),
            pool_printf(pool, RUN "/view.%s?token=%.*s", kinds[i], (int)strlen(token) - 1, token),
            pool_printf(pool, RUN "/view.%s?token=%s&x=%s", kinds[i], "x", token),
            pool_printf(pool, "/v1/runs/other-run/view.%s?token=%s", kinds[i], token),
        };
        for (size_t k = 0; k < ARRAY_SIZE(bad); k++)
            ask("GET", bad[k], headers, "", "detail", 401);
        ask("GET", pool_printf(pool, RUN "/view.%s?token=%s", kinds[i], others), headers, "", "detail", 404);
    }
    fake_live.token_s = 0;
    HAS(ask("GET", view_url(WITH_TOKEN, false, "mjpeg_url"), "", "", "detail", 401), "expired");
    HAS(ask("GET", view_url(WITH_TOKEN, false, "ws_url"), SHAKE, "", "detail", 401), "expired");
    ask("GET", ws, "", "", "detail", 400); /* no handshake */
    ask("GET", ws, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n", "", "detail", 400);
    ask("GET", ws, "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "", "detail", 400); /* no Connection: Upgrade */
}

/* --- the picture that moves -------------------------------------------------------------------- */

static const char *get(const char *path, const char *headers)
{
    return pool_printf(pool, "GET %s HTTP/1.1\r\nHost: t\r\n%s\r\n", path, headers);
}

static void pictures_come_as_they_change_until_the_run_is_over(void **state)
{
    struct client c;
    const char *url = view_url(WITH_TOKEN, false, "mjpeg_url");
    client_open(&c, &fx);
    fake_picture();
    talk_until(&fx, &c, get(url, ""), "bbbbbbbbbb\r\n--mantis-frame\r\n");
    HAS(c.in.data, "multipart/x-mixed-replace; boundary=mantis-frame");
    HAS(c.in.data, "--mantis-frame\r\nContent-Type: image/jpeg\r\nContent-Length: 10\r\n\r\nbbbbbbbbbb");
    fake_picture();
    talk_until(&fx, &c, "", "cccccccccc\r\n--mantis-frame\r\n");
    assert_int_equal(count(c.in.data, "Content-Length: 10"), 2);
    fake.peek.state = RUN_CANCELLED;
    fake_picture();
    talk_until(&fx, &c, "", "\r\n0\r\n\r\n");
    client_close(&c);
}

static void a_large_picture_arrives_whole(void **state)
{
    struct client c;
    fake_live.frame_len = 300000;
    fake_picture();
    client_open(&c, &fx);
    talk_until(&fx, &c, get(view_url(WITH_TOKEN, false, "mjpeg_url"), ""), "--mantis-frame\r\n\r\n");
    size_t n = 0;
    for (const char *p = strstr(c.in.data, "\r\n\r\n"); *p; p++)
        n += *p == 'b';
    assert_true(n >= 300000);
    client_close(&c);
}

static bool no_views(void *arg)
{
    return !fake_live.n_views;
}

static void a_viewer_who_leaves_is_forgotten(void **state)
{
    struct client c;
    fake_picture();
    client_open(&c, &fx);
    talk_until(&fx, &c, get(view_url(WITH_TOKEN, false, "mjpeg_url"), ""), "--mantis-frame\r\n");
    assert_int_equal(fake_live.n_views, 1);
    client_close(&c);
    assert_int_equal(loop_wait(fx.loop, no_views, NULL, clock_mono_ms() + 5000), 0);
}

static void an_open_view_ends_with_its_token(void **state)
{
    struct client c;
    fake_live.token_s = 1;
    fake_picture();
    client_open(&c, &fx);
    talk_until(&fx, &c, get(view_url(WITH_TOKEN, false, "mjpeg_url"), ""), "\r\n0\r\n\r\n");
    assert_int_equal(fake_live.n_views, 0);
    client_close(&c);
}

/* --- the WebSocket ----------------------------------------------------------------------------- */

/* A text frame with a mask of zeros. */
static const char *frame(const char *text)
{
    static char out[1000];
    size_t len = strlen(text);
    assert_true(len < 126);
    out[0] = (char)0x81;
    out[1] = (char)(0x80 | len);
    memset(out + 2, 0, 4);
    memcpy(out + 6, text, len);
    return out;
}

static void say(struct client *c, const char *text, const char *answer)
{
    c->out = frame(text);
    c->out_left = 6 + strlen(text);
    c->text = answer;
    c->searched = 0;
    talk(&fx, c, c->out, c->out_left);
}

static void open_socket(struct client *c, const char *url)
{
    client_open(c, &fx);
    talk_until(&fx, c, get(url, SHAKE), "\"type\":\"state\"");
    HAS(c->in.data, "HTTP/1.1 101 ");
    HAS(c->in.data, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n");
}

/* Messages have zeros between them. */
static bool came(const struct client *c, const char *text)
{
    return memmem(c->in.data, c->in.len, text, strlen(text)) != NULL;
}

/* What comes is searched from here on. */
static void forget(struct client *c)
{
    buf_clear(&c->in);
    c->searched = 0;
}

static void a_socket_begins_with_who_and_what(void **state)
{
    struct client c;
    open_socket(&c, view_url(WITH_TOKEN, false, "ws_url"));
    assert_true(came(&c, "{\"type\":\"hello\",\"run_id\":\"" RUN_ID "\",\"rights\":\"view\",\"width\":1280"));
    assert_true(came(&c, "{\"type\":\"state\",\"status\":\"running\",\"pause_reason\":null,\"prompt\":null,"
                                           "\"control\":\"free\",\"ready\":false,\"expires_in_s\":null}"));
    forget(&c);
    fake_picture();
    talk_until(&fx, &c, "", "picture 1");
    fake_picture();
    talk_until(&fx, &c, "", "picture 2");
    assert_false(came(&c, "\"type\":\"state\"")); /* nothing of it changed */
    say(&c, "{\"type\":\"ping\",\"n\":7}", "{\"type\":\"pong\",\"n\":7}");
    client_close(&c);
    assert_int_equal(loop_wait(fx.loop, no_views, NULL, clock_mono_ms() + 5000), 0);
}

static void who_may_only_watch_acts_in_vain(void **state)
{
    struct client c;
    open_socket(&c, view_url(WITH_TOKEN, false, "ws_url"));
    say(&c, "{\"type\":\"takeover\"}", "\"code\":\"forbidden\"");
    say(&c, "{\"type\":\"text\",\"text\":\"hunter2\"}", "\"code\":\"conflict\"");
    say(&c, "{\"type\":\"dance\"}", "\"code\":\"invalid\"");
    say(&c, "hunter2", "must be one JSON object");
    assert_false(came(&c, "hunter2"));
    assert_int_equal(fake_live.hands, 0);
    client_close(&c);
}

static void the_controls_are_taken_used_and_given_back(void **state)
{
    struct client c;
    open_socket(&c, view_url(WITH_TOKEN, true, "ws_url"));
    say(&c, "{\"type\":\"takeover\"}", "\"ttl_s\":120}");
    assert_true(came(&c, pool_printf(pool, "{\"type\":\"lease\",\"lease\":\"%s\"", fake_live.lease.token)));
    say(&c, "{\"type\":\"renew\"}", "");
    say(&c, "{\"type\":\"pointer\",\"x\":1,\"y\":2}", "");
    say(&c, "{\"type\":\"ping\"}", "pong");
    assert_int_equal(fake_live.hands, 1);
    fake_copied("from the page");
    talk_until(&fx, &c, "", "{\"type\":\"clipboard\",\"text\":\"from the page\"}");
    say(&c, "{\"type\":\"release\"}", "{\"type\":\"released\",\"reason\":\"released\"}");
    client_close(&c);
}

static bool has_come_to_rest(void *arg)
{
    return fake_live.x == 7;
}

static void repeat(struct buf *out, const char *text, int times)
{
    for (int i = 0; i < times; i++)
        buf_add(out, frame(text), 6 + strlen(text));
}

/* Moving the mouse is no mistake, however quickly: the last place counts. */
static void quick_moves_are_one_move(void **state)
{
    struct client c;
    struct buf many;
    buf_init(&many, 1 << 20);
    open_socket(&c, view_url(WITH_TOKEN, true, "ws_url"));
    say(&c, "{\"type\":\"takeover\"}", "\"ttl_s\":120}");
    repeat(&many, "{\"type\":\"pointer\",\"x\":1,\"y\":2}", CAP_HANDS_BURST + 500);
    repeat(&many, "{\"type\":\"pointer\",\"x\":7,\"y\":8}", 1);
    repeat(&many, "{\"type\":\"pointer\",\"event\":\"up\",\"x\":7,\"y\":8}", 1); /* is not lost among them */
    c.text = "";
    talk(&fx, &c, many.data, many.len);
    assert_int_equal(loop_wait(fx.loop, has_come_to_rest, NULL, clock_mono_ms() + 5000), 0);
    say(&c, "{\"type\":\"ping\"}", "pong");
    assert_false(came(&c, "rate_limited"));
    assert_true(fake_live.hands < CAP_HANDS_BURST + 500);
    buf_release(&many);
    client_close(&c);
}

static void too_much_input_is_dropped_and_too_many_errors_end_it(void **state)
{
    struct client c;
    struct buf many;
    buf_init(&many, 1 << 20);
    open_socket(&c, view_url(WITH_TOKEN, true, "ws_url"));
    say(&c, "{\"type\":\"takeover\"}", "\"ttl_s\":120}");
    repeat(&many, "{\"type\":\"key\",\"key\":\"a\"}", CAP_HANDS_BURST + 100);
    c.text = "too many errors";
    talk(&fx, &c, many.data, many.len);
    for (size_t i = 0; i < c.in.len; i++)
        if (!c.in.data[i])
            c.in.data[i] = '~';
    HAS(c.in.data, "\"code\":\"rate_limited\"");
    assert_true(fake_live.hands >= CAP_HANDS_BURST - 2 && fake_live.hands < CAP_HANDS_BURST + 100);
    buf_release(&many);
    client_close(&c);
}

static void a_socket_says_why_it_ends(void **state)
{
    struct client c;
    open_socket(&c, view_url(WITH_TOKEN, false, "ws_url"));
    fake.peek.state = RUN_CANCELLED;
    fake_picture();
    talk_until(&fx, &c, "", "run cancelled");
    client_close(&c);
    fake.peek.state = RUN_RUNNING;
    fake_live.token_s = 1;
    open_socket(&c, view_url(WITH_TOKEN, false, "ws_url"));
    talk_until(&fx, &c, "", "token expired");
    client_close(&c);
    assert_int_equal(loop_wait(fx.loop, no_views, NULL, clock_mono_ms() + 5000), 0);
}

static void on_drained(void *arg)
{
    *(bool *)arg = true;
}

static bool is_true(void *arg)
{
    return *(bool *)arg;
}

static void a_server_that_stops_says_so_to_its_viewers(void **state)
{
    struct client ws, mjpeg;
    bool drained = false;
    fake_picture();
    open_socket(&ws, view_url(WITH_TOKEN, false, "ws_url"));
    client_open(&mjpeg, &fx);
    talk_until(&fx, &mjpeg, get(view_url(WITH_TOKEN, false, "mjpeg_url"), ""), "--mantis-frame\r\n");
    api_drain(fx.api, 10000, on_drained, &drained);
    talk_until(&fx, &ws, "", "server stops");
    talk_until(&fx, &mjpeg, "", "\r\n0\r\n\r\n");
    client_close(&mjpeg);
    client_close(&ws);
    assert_int_equal(loop_wait(fx.loop, is_true, &drained, clock_mono_ms() + 8000), 0);
}

/* Sockets that are open when the server is destroyed are closed with it. */
static void open_views_end_with_the_server(void **state)
{
    struct client ws, mjpeg;
    open_socket(&ws, view_url(WITH_TOKEN, false, "ws_url"));
    fake_picture();
    client_open(&mjpeg, &fx);
    talk_until(&fx, &mjpeg, get(view_url(WITH_TOKEN, false, "mjpeg_url"), ""), "--mantis-frame\r\n");
    assert_int_equal(fake_live.n_views, 2);
    stop(&fx);
    assert_int_equal(fake_live.n_views, 0);
    client_close(&ws);
    client_close(&mjpeg);
    start_with_keys(&fx, KEYS);
}

/* --- by plain calls ---------------------------------------------------------------------------- */

static void the_controls_are_taken_and_given_back_by_calls(void **state)
{
    const char *lease = ask("POST", RUN "/takeover", WITH_TOKEN, "", "lease", 200);
    assert_int_equal(strlen(lease), LEASE_TOKEN_BYTES - 1);
    HAS(ask("POST", RUN "/takeover", WITH_TOKEN, pool_printf(pool, "{\"lease\":\"%s\"}", lease), "ws_url", 200),
        "token=control.");
    fake_live.lease.attached = true;
    HAS(ask("POST", RUN "/takeover", WITH_TOKEN, "{}", "detail", 409), "another window");
    ask("POST", RUN "/takeover", READER, "", "detail", 403);
    ask("POST", RUN "/takeover", WITH_TOKEN, "[]", "detail", 400);
    ask("POST", RUN "/takeover", WITH_TOKEN, "{\"take\":\"perhaps\"}", "detail", 400);
    ask("POST", RUN "/release", WITH_TOKEN, "{\"lease\":\"no\"}", "detail", 409);
    ask("POST", RUN "/release", WITH_TOKEN, "{}", "detail", 409);
    const char *body = pool_printf(pool, "{\"lease\":\"%s\",\"user_input\":\"4711\"}",
                                   ask("POST", RUN "/takeover", WITH_TOKEN, "{\"take\":true}", "lease", 200));
    assert_string_equal(ask("POST", RUN "/release", WITH_TOKEN, body, "status", 200), "running");
    assert_true(fake_live.answered);
}

#define WITH_FX(test) cmocka_unit_test_setup_teardown(test, setup_fx, stop_fx)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FX(an_address_is_for_who_may_see_the_run),
        WITH_FX(a_token_that_does_not_fit_opens_nothing),
        WITH_FX(pictures_come_as_they_change_until_the_run_is_over),
        WITH_FX(a_large_picture_arrives_whole),
        WITH_FX(a_viewer_who_leaves_is_forgotten),
        WITH_FX(an_open_view_ends_with_its_token),
        WITH_FX(a_socket_begins_with_who_and_what),
        WITH_FX(who_may_only_watch_acts_in_vain),
        WITH_FX(the_controls_are_taken_used_and_given_back),
        WITH_FX(quick_moves_are_one_move),
        WITH_FX(too_much_input_is_dropped_and_too_many_errors_end_it),
        WITH_FX(a_socket_says_why_it_ends),
        WITH_FX(a_server_that_stops_says_so_to_its_viewers),
        WITH_FX(open_views_end_with_the_server),
        WITH_FX(the_controls_are_taken_and_given_back_by_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
