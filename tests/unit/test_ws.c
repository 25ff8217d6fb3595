/*
 * test_ws.c - the server's end of a WebSocket, against bytes that a client would send.
 */
#include "unit/test.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "sys/ws.h"

#define WAIT_MS 5000

static struct loop *loop;
static struct ws *ws;
static int ours, theirs;
static struct heard {
    int texts, idles, closed;
    char last[64];
    size_t last_len;
    bool destroy; /* from within the callback */
} heard;

static void on_text(void *arg, const char *text, size_t len)
{
    heard.texts++;
    heard.last_len = len;
    memcpy(heard.last, text, len < sizeof(heard.last) ? len : sizeof(heard.last));
    if (heard.destroy) {
        ws_destroy(ws);
        ws = NULL;
    }
}

static void on_idle(void *arg)
{
    heard.idles++;
}

static void on_closed(void *arg)
{
    heard.closed++;
}

static const struct ws_events events = {on_text, on_idle, on_closed};

static void open_ws(const void *early, size_t len)
{
    int pair[2];
    heard = (struct heard){0};
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    ours = pair[0];
    theirs = pair[1];
    assert_int_equal(ws_create(loop, ours, early, len, &events, NULL, &ws, NULL), 0);
}

static void end_ws(void)
{
    ws_destroy(ws);
    ws = NULL;
    loop_destroy(loop);
    close(ours);
    close(theirs);
}

static int setup_ws(void **state)
{
    open_ws("", 0);
    return 0;
}

static int drop_ws(void **state)
{
    end_ws();
    return 0;
}

/* A masked frame (RFC 6455 section 5.2); the mask is 0, so the payload is as it is. */
static void add_frame(struct buf *out, int opcode, const void *data, size_t len)
{
    buf_addc(out, (char)(0x80 | opcode));
    if (len < 126) {
        buf_addc(out, (char)(0x80 | len));
    } else {
        buf_addc(out, (char)(0x80 | 127));
        for (int shift = 56; shift >= 0; shift -= 8)
            buf_addc(out, (char)(len >> shift));
    }
    buf_add(out, "\0\0\0\0", 4);
    buf_add(out, data, len);
}

static void send_frame(int opcode, const void *data, size_t len)
{
    struct buf out;
    buf_init(&out, 1 << 20);
    add_frame(&out, opcode, data, len);
    assert_int_equal(send(theirs, out.data, out.len, MSG_NOSIGNAL), (ssize_t)out.len);
    buf_release(&out);
}

static bool has_text(void *arg)
{
    return heard.texts > 0;
}

static bool is_closed(void *arg)
{
    return heard.closed > 0;
}

static bool something_came(void *arg)
{
    char byte;
    return recv(theirs, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

static size_t receive(unsigned char *out, size_t size)
{
    assert_int_equal(loop_wait(loop, something_came, NULL, clock_mono_ms() + WAIT_MS), 0);
    ssize_t n = recv(theirs, out, size, MSG_DONTWAIT);
    assert_true(n >= 0);
    return (size_t)n;
}

static void a_handshake_is_answered_as_the_rfc_says(void **state)
{
    char accept[WS_ACCEPT_BYTES];
    assert_int_equal(ws_accept("dGhlIHNhbXBsZSBub25jZQ==", accept), 0); /* RFC 6455 section 1.3 */
    assert_string_equal(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    assert_int_equal(ws_accept(NULL, accept), E_INVALID);
    assert_int_equal(ws_accept("", accept), E_INVALID);
    assert_int_equal(ws_accept("dGhlIHNhbXBsZSBub25jZQ=", accept), E_INVALID);
    assert_int_equal(ws_accept("dGhlIHNhbXBsZSBub25jZSE*", accept), E_INVALID);
}

static void messages_go_both_ways(void **state)
{
    unsigned char got[64];
    send_frame(1, "{\"n\":1}", 7);
    assert_int_equal(loop_wait(loop, has_text, NULL, clock_mono_ms() + WAIT_MS), 0);
    assert_int_equal(heard.last_len, 7);
    assert_memory_equal(heard.last, "{\"n\":1}", 7);
    ws_text(ws, "hi", 2);
    assert_int_equal(receive(got, sizeof(got)), 4);
    assert_memory_equal(got, "\x81\x02hi", 4);
    ws_binary(ws, "\x00\x01", 2);
    assert_int_equal(receive(got, sizeof(got)), 4);
    assert_memory_equal(got, "\x82\x02\x00\x01", 4);
}

static void what_came_with_the_handshake_is_read_first(void **state)
{
    struct buf early;
    buf_init(&early, 1000);
    add_frame(&early, 1, "early", 5);
    open_ws(early.data, early.len - 2); /* cut in the middle */
    assert_int_equal(send(theirs, early.data + early.len - 2, 2, MSG_NOSIGNAL), 2);
    assert_int_equal(loop_wait(loop, has_text, NULL, clock_mono_ms() + WAIT_MS), 0);
    assert_memory_equal(heard.last, "early", 5);
    buf_release(&early);
    end_ws();
}

static void a_ping_is_answered(void **state)
{
    unsigned char got[64];
    send_frame(9, "x", 1);
    assert_int_equal(receive(got, sizeof(got)), 3);
    assert_memory_equal(got, "\x8a\x01x", 3);
}

static void a_goodbye_is_answered_by_one(void **state)
{
    unsigned char got[64];
    ws_text(ws, "last", 4);
    ws_close(ws, WS_TOKEN_EXPIRED, "token expired");
    ws_text(ws, "late", 4); /* dropped */
    assert_false(ws_is_idle(ws));
    assert_int_equal(receive(got, sizeof(got)), 6 + 17);
    assert_memory_equal(got, "\x81\x04last\x88\x0f\x0f\xa1token expired", 6 + 17);
    assert_int_equal(heard.closed, 0);
    send_frame(8, "\x0f\xa1", 2);
    assert_int_equal(loop_wait(loop, is_closed, NULL, clock_mono_ms() + WAIT_MS), 0);
}

static void a_peer_that_does_not_answer_is_waited_for_no_longer_than_said(void **state)
{
    int64_t start = clock_mono_ms();
    ws_close(ws, WS_NORMAL, "run cancelled");
    assert_int_equal(loop_wait(loop, is_closed, NULL, start + WAIT_MS), 0);
    assert_true(clock_mono_ms() - start < 2000);
}

static void a_peer_that_goes_is_noticed(void **state)
{
    shutdown(theirs, SHUT_RDWR);
    assert_int_equal(loop_wait(loop, is_closed, NULL, clock_mono_ms() + WAIT_MS), 0);
    ws_text(ws, "x", 1);
    assert_int_equal(heard.closed, 1);
}

/* The code says why; then the loop has nothing to do until the end. */
static void a_peer_that_breaks_the_protocol_is_told_so(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        int code;
    } rows[] = {
        {"\x81\x02hi", 4, 1002},                                         /* not masked */
        {"\xf1\x80\0\0\0\0", 6, 1002},                                   /* reserved bits */
        {"\x83\x80\0\0\0\0", 6, 1002},                                   /* an opcode that is none */
        {"\x81\x82\0\0\0\0\xff\xff", 8, 1007},                           /* not UTF-8 */
        {"\x81\xff\0\0\0\0\0\x02\0\0\0\0\0\0abcd", 18, 1009},            /* of 128 KB */
        {"\x82\x81\0\0\0\0x", 7, 1003},                                  /* binary */
        {"\x02\x81\0\0\0\0x", 7, 1003},                                  /* the beginning of one */
        {"\x82\xff\0\0\0\0\0\x02\0\0\0\0\0\0abcd", 18, 1009},            /* a large one */
        {"\x09\x80\0\0\0\0", 6, 1002},                                   /* a ping in parts */
        {"\x89\xfe\0\x7e\0\0\0\0", 8, 1002},                             /* a ping of 126 bytes */
        {"\x80\x80\0\0\0\0", 6, 1002},                                   /* the rest of nothing */
        {"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b", 14, 1002},             /* a message within one */
        {"\x88\x81\0\0\0\0x", 7, 1002},                                  /* half a close code */
        {"\x88\x82\0\0\0\0\x03\xed", 8, 1002},                           /* 1005: never sent */
        {"\x88\x82\0\0\0\0\0\x01", 8, 1002},                             /* no code at all */
        {"\x88\x84\0\0\0\0\x03\xe8\xff\xff", 10, 1007},                  /* a reason that is not UTF-8 */
        {"\x81\xfe\0\x01\0\0\0\0x", 9, 1002},                            /* a length that is not the shortest */
        {"\x81\xff\x80\0\0\0\0\0\0\x01\0\0\0\0x", 15, 1002},             /* a negative one */
        {"\x01\x81\0\0\0\0\xc3\x80\x81\0\0\0\0\x28", 14, 1007},          /* not UTF-8 across parts */
        {"\x01\x81\0\0\0\0\xc3\x80\x80\0\0\0\0", 13, 1007},              /* half a character */
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        unsigned char got[64];
        open_ws("", 0);
        assert_int_equal(send(theirs, rows[i].bytes, rows[i].len, MSG_NOSIGNAL), (ssize_t)rows[i].len);
        if (loop_wait(loop, something_came, NULL, clock_mono_ms() + WAIT_MS))
            fail_msg("row %zu is not answered", i);
        assert_true(receive(got, sizeof(got)) >= 4);
        assert_int_equal(got[0], 0x88);
        if ((got[2] << 8 | got[3]) != rows[i].code)
            fail_msg("row %zu: %d instead of %d", i, got[2] << 8 | got[3], rows[i].code);
        if (i % 6) { /* the others wait for the end, too */
            end_ws();
            continue;
        }
        send_frame(1, "more", 4);
        uint64_t turns = loop_turns(loop);
        assert_int_equal(loop_wait(loop, is_closed, NULL, clock_mono_ms() + WAIT_MS), 0);
        assert_true(loop_turns(loop) - turns < 20);
        assert_int_equal(heard.texts, 0);
        end_ws();
    }
}

static void a_slow_peer_is_not_idle(void **state)
{
    struct buf big;
    int small = 4096;
    setsockopt(ours, SOL_SOCKET, SO_SNDBUF, &small, sizeof(small));
    buf_init(&big, 1 << 20);
    assert_int_equal(buf_reserve(&big, 1 << 19), 0);
    memset(big.data, 0, 1 << 19);
    ws_binary(ws, big.data, 1 << 19);
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 50), 0);
    assert_false(ws_is_idle(ws));
    assert_int_equal(heard.idles, 0);
    for (size_t n = 0; n < (1 << 19);) {
        unsigned char got[65536];
        n += receive(got, sizeof(got));
    }
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 50), 0);
    assert_true(ws_is_idle(ws));
    assert_int_equal(heard.idles, 1);
    buf_release(&big);
}

static void it_may_be_destroyed_from_its_own_callback(void **state)
{
    heard.destroy = true;
    send_frame(1, "a", 1);
    send_frame(1, "b", 1);
    assert_int_equal(loop_wait(loop, has_text, NULL, clock_mono_ms() + WAIT_MS), 0);
    assert_int_equal(heard.texts, 1);
    assert_null(ws);
}

#define WITH_WS(test) cmocka_unit_test_setup_teardown(test, setup_ws, drop_ws)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_handshake_is_answered_as_the_rfc_says),
        WITH_WS(messages_go_both_ways),
        cmocka_unit_test(what_came_with_the_handshake_is_read_first),
        WITH_WS(a_ping_is_answered),
        WITH_WS(a_goodbye_is_answered_by_one),
        WITH_WS(a_peer_that_does_not_answer_is_waited_for_no_longer_than_said),
        WITH_WS(a_peer_that_goes_is_noticed),
        cmocka_unit_test(a_peer_that_breaks_the_protocol_is_told_so),
        WITH_WS(a_slow_peer_is_not_idle),
        WITH_WS(it_may_be_destroyed_from_its_own_callback),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
