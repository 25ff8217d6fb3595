/*
 * Asking a model server: again and again as the profile says, over a transport that is a list, and
 * over real connections to the scripted server.
 */
#include "unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "brain/model/ask.h"
#include "brain/model/http_transport.h"
#include "tools/fake_transport.h"
#include "tools/model_server.h"
#include "unit/model_rig.h"

#define MINUTES(n) ((n)*60000)

static struct pool *pool;
static json_t *body;

static const char chat_ok[] =
    "{\"model\":\"m\",\"choices\":[{\"message\":{\"content\":\"hello\"}}]}";
static const char claude_ok[] =
    "{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}";

/* --- a list of answers ----------------------------------------------------------------------- */

/* clang-format off */
static const struct row {
    const char *row, *profile;
    struct fake_answer answers[4];
    int n;
    int result, calls;
    double waits[4]; /* s; at least, up to a quarter more */
    const char *says;
} rows[] = {
    {"brains 1 an answer is asked for once", "holo3", {{200, 0, chat_ok, 0}}, 1, 0, 1, {0}, NULL},
    {"brains 13 HTTP 429 four times: waits 5, 10, 20, then it is given up", "holo3", {{429, 0, "{}", 0}}, 1,
     E_UPSTREAM, 4, {5, 10, 20}, "answered 429 (4 calls): it limits the rate of calls"},
    {"brains 2 429, then an answer", "holo3", {{429, 0, "", 0}, {200, 0, chat_ok, 0}}, 2, 0, 2, {5}, NULL},
    {"brains 2 another error: 3 s", "holo3", {{500, 0, "", 0}, {502, 0, "", 0}, {200, 0, chat_ok, 0}}, 3, 0, 3, {3, 3}, NULL},
    {"brains 2 Retry-After is what is waited", "holo3", {{429, 17, "", 0}, {200, 0, chat_ok, 0}}, 2, 0, 2, {17}, NULL},
    {"brains 2 a wrong key is not tried again", "holo3", {{401, 0, "{\"error\":{\"message\":\"bad key\"}}", 0}}, 1,
     E_UPSTREAM, 1, {0}, "HAI_API_KEY: bad key"},
    {"brains 2 a request that is refused is not made again", "holo3", {{400, 0, "{\"error\":\"too long\"}", 0}}, 1,
     E_UPSTREAM, 1, {0}, "answered 400 (1 call)"},
    {"brains 1 an answer without choices is a transport failure", "holo3", {{200, 0, "{\"choices\":[]}", 0}, {200, 0, chat_ok, 0}}, 2,
     0, 2, {3}, NULL},
    {"brains 1 an answer that is no JSON is a transport failure", "fara", {{200, 0, "<html>", 0}}, 1,
     E_UPSTREAM, 4, {3, 3, 3}, "answered 200 (4 calls): its answer cannot be read"},
    {"brains 1 an answer that breaks off is asked for again", "holo3", {{E_UPSTREAM, 0, "it broke off", 0}, {200, 0, chat_ok, 0}}, 2,
     0, 2, {3}, NULL},
    {"brains 1 nobody answers: the code and the address say so", "llamacpp", {{E_UNAVAILABLE, 0, "refused", 0}}, 1,
     E_TIMEOUT, 1, {0}, "http://m.test/v1/chat/completions did not answer (1 call): is the server running"},
    {"brains 5 an answer that is too large is one that cannot be read", "opencua", {{E_TOOBIG, 0, "larger than", 0}}, 1,
     E_UPSTREAM, 4, {3, 3, 3}, "larger than"},
    {"brains 4 529, then an answer", "claude", {{529, 0, "", 0}, {200, 0, claude_ok, 0}}, 2, 0, 2, {1}, NULL},
    {"brains 4 two attempts", "claude", {{500, 0, "{\"error\":{\"message\":\"oh\"}}", 0}}, 1, E_UPSTREAM, 2, {1}, "answered 500 (2 calls)"},
    {"brains 10 other statuses return at once", "claude", {{418, 0, "", 0}}, 1, E_UPSTREAM, 1, {0}, "answered 418 (1 call)"},
    {"brains 1 no wait ends behind the deadline", "holo3", {{429, 100000, "", 0}}, 1, E_UPSTREAM, 1, {0}, "answered 429 (1 call)"},
    {"brains 1 cancelled within a call is cancelled", "holo3", {{E_CANCELLED, 0, "stop", 0}}, 1, E_CANCELLED, 1, {0}, "interrupted"},
};
/* clang-format on */

static struct model_link link_to(struct transport *t)
{
    return (struct model_link){.transport = t, .dirs = rig_dirs()};
}

static void one_row(void **state)
{
    const struct row *row = *state;
    struct fake_transport fake;
    struct said said;
    struct err err = {0};
    fake_transport_init(&fake, pool, row->answers, row->n);
    const struct model_link link = link_to(&fake.base);
    int r = model_ask(pool, &link, rig_profile(pool, row->profile), body,
                      clock_mono_ms() + MINUTES(60), &said, &err);
    if (r != row->result)
        fail_msg("%s: %s", err_name(r), err.msg);
    assert_int_equal(fake.calls, row->calls);
    assert_int_equal(fake.rests, row->calls - 1);
    for (int i = 0; i < fake.rests; i++) {
        double waited = (double)fake.rested_ms[i] / 1000;
        assert_true(waited > row->waits[i] - 0.01 && waited < row->waits[i] * 1.25 + 0.01);
        assert_true(json_equal((json_t *)fake.bodies[i + 1], body));
    }
    if (r == 0)
        assert_string_equal(said.text, "hello");
    else if (!strstr(err.msg, row->says))
        fail_msg("'%s' without '%s'", err.msg, row->says);
}

static void a_wait_ends_on_cancel(void **state)
{
    const struct fake_answer busy = {.status = 429};
    struct fake_transport fake;
    struct said said;
    struct err err = {0};
    fake_transport_init(&fake, pool, &busy, 1);
    fake.interrupted = true;
    const struct model_link link = link_to(&fake.base);
    int r = model_ask(pool, &link, rig_profile(pool, "holo3"), body, clock_mono_ms() + MINUTES(9),
                      &said, &err);
    assert_int_equal(r, E_CANCELLED);
    assert_int_equal(fake.calls, 1);
}

static void a_call_takes_no_longer_than_its_profile_says(void **state)
{
    const struct fake_answer ok = {.status = 200, .body = claude_ok};
    struct fake_transport fake;
    struct said said;
    struct err err = {0};
    const struct profile *claude = rig_profile(pool, "claude");
    fake_transport_init(&fake, pool, &ok, 1);
    const struct model_link link = link_to(&fake.base);
    assert_int_equal(
        model_ask(pool, &link, claude, body, clock_mono_ms() + MINUTES(9), &said, &err), 0);
    assert_int_equal(model_ask(pool, &link, claude, body, clock_mono_ms() + 5000, &said, &err), 0);
    assert_true(fake.left_ms[0] > 119000 && fake.left_ms[0] <= 120000);
    assert_true(fake.left_ms[1] > 4000 && fake.left_ms[1] <= 5000);
    assert_string_equal(fake.paths[0], "/messages");
    assert_string_equal(json_str(fake.headers[0], "anthropic-version", ""), "2023-06-01");
    assert_non_null(
        strstr(json_str(fake.headers[0], "anthropic-beta", ""), "computer-use-2025-11-24"));
    assert_null(json_object_get(fake.headers[0], "x-api-key"));
}

struct told {
    int times, calls;
    const char *why;
    bool answered;
};

static void note_trouble(void *arg, const char *why, int calls, bool answered)
{
    struct told *t = arg;
    *t = (struct told){t->times + 1, calls, pool_strdup(pool, why), answered};
}

static void what_is_not_answered_at_once_is_told(void **state)
{
    const struct fake_answer answers[] = {{.status = 200, .body = chat_ok},
                                          {.status = 429, .body = "{\"error\":{\"message\":\"too many\"}}"},
                                          {.status = E_UNAVAILABLE, .body = "refused"},
                                          {.status = 200, .body = chat_ok},
                                          {.status = 500}};
    struct fake_transport fake;
    struct told told = {0};
    struct said said;
    struct err err = {0};
    const struct profile *holo3 = rig_profile(pool, "holo3");
    const int64_t end = clock_mono_ms() + MINUTES(9);
    fake_transport_init(&fake, pool, answers, ARRAY_SIZE(answers));
    struct model_link link = link_to(&fake.base);
    link.trouble = note_trouble;
    link.trouble_arg = &told;
    assert_int_equal(model_ask(pool, &link, holo3, body, end, &said, &err), 0);
    assert_int_equal(told.times, 0);
    assert_int_equal(model_ask(pool, &link, holo3, body, end, &said, &err), 0);
    assert_int_equal(told.times, 1);
    assert_int_equal(told.calls, 3);
    assert_true(told.answered);
    assert_string_equal(told.why, "429 too many; no answer refused");
    assert_int_equal(model_ask(pool, &link, holo3, body, end, &said, &err), E_UPSTREAM);
    assert_int_equal(told.times, 2);
    assert_int_equal(told.calls, 4);
    assert_string_equal(told.why, "500; 500; 500; 500");
    assert_false(told.answered);
}

static void a_question_is_asked_twice_at_most(void **state)
{
    const struct fake_answer answers[] = {{.status = 200, .body = chat_ok},
                                          {.status = 429, .retry_after_s = 1},
                                          {.status = 200, .body = chat_ok},
                                          {.status = 500},
                                          {.status = 500}};
    struct said said;
    struct fake_transport fake;
    struct err err = {0};
    const struct profile *holo3 = rig_profile(pool, "holo3");
    const int64_t end = clock_mono_ms() + MINUTES(1);
    fake_transport_init(&fake, pool, answers, ARRAY_SIZE(answers));
    const struct model_link link = link_to(&fake.base);
    const json_t *question = json_keep(pool, json_pack("{s:i}", "max_tokens", 256));
    assert_int_equal(model_ask_twice(pool, &link, holo3, question, end, &said, &err), 0);
    assert_string_equal(said.text, "hello");
    assert_int_equal(json_int(fake.bodies[0], "max_tokens", 0), 256);
    assert_int_equal(model_ask_twice(pool, &link, holo3, question, end, &said, &err), 0);
    assert_int_equal(model_ask_twice(pool, &link, holo3, question, end, &said, &err), E_UPSTREAM);
    assert_int_equal(fake.calls, 5);
}

/* The first question: a server that nobody hears of is looked at until it is there. */
static void first_question(const struct fake_answer *answers, int n, const char *profile, int result, int calls,
                           const char *says, struct fake_transport *fake)
{
    struct said said;
    struct err err = {0};
    fake_transport_init(fake, pool, answers, n);
    const struct model_link link = link_to(&fake->base);
    int r = model_ask_first(pool, &link, rig_profile(pool, profile), body, clock_mono_ms() + MINUTES(600), &said, &err);
    if (r != result)
        fail_msg("%s: %s", err_name(r), err.msg);
    assert_int_equal(fake->calls, calls);
    if (r == 0)
        assert_string_equal(said.text, "hello");
    else if (!strstr(err.msg, says))
        fail_msg("'%s' without '%s'", err.msg, says);
}

static void loading_looks_at_models(void **state)
{
    static const struct fake_answer refused = {E_UNAVAILABLE, 0, "refused", 0}, bad_gateway = {502, 0, "", 0},
                                    wrong = {401, 0, "", 0}, broken = {500, 0, "", 0}, ok = {200, 0, chat_ok, 0};
    const struct fake_answer late[] = {refused, refused, refused, refused, refused, {503, 0, "", 0}, {200, 0, "{}", 0}, ok},
                             behind_a_gateway[] = {bad_gateway, bad_gateway, bad_gateway, bad_gateway, {200, 0, "{}", 0}, ok},
                             not_ours[] = {refused, refused, refused, refused, wrong};
    struct fake_transport fake;
    first_question(late, ARRAY_SIZE(late), "holo3", 0, 8, NULL, &fake);
    assert_string_equal(fake.paths[4], "/models");
    assert_null(fake.bodies[4]);
    assert_true(fake.rested_ms[3] > 9900 && fake.rested_ms[3] <= 10000);
    assert_true(json_equal((json_t *)fake.bodies[7], body));
    first_question(behind_a_gateway, ARRAY_SIZE(behind_a_gateway), "holo3", 0, 6, NULL, &fake);
    first_question(&refused, 1, "holo3", E_TIMEOUT, 4 + 12, "http://m.test/v1/models", &fake);
    first_question(&refused, 1, "llamacpp", E_TIMEOUT, 1 + 1, "http://m.test/v1/models", &fake);
    first_question(not_ours, ARRAY_SIZE(not_ours), "holo3", E_UPSTREAM, 5, "the key is missing or not valid", &fake);
    /* one that is there and refuses is not looked at */
    first_question(&wrong, 1, "holo3", E_UPSTREAM, 1, "the key is missing or not valid", &fake);
    first_question(&broken, 1, "holo3", E_UPSTREAM, 4, "answered 500 (4 calls)", &fake);
    first_question(&ok, 1, "holo3", 0, 1, NULL, &fake);
}

/* --- real connections ------------------------------------------------------------------------ */

static const char script_text[] =
    "{\"rules\":[{\"when\":\"be silent\",\"fault\":\"silence\"},"
    "{\"when\":\"break off\",\"times\":1,\"text\":\"hello\",\"fault\":\"cut\"},"
    "{\"when\":\"wait a second\",\"times\":1,\"status\":429,\"retry_after\":1},"
    "{\"text\":\"hello\"}]}";

struct served {
    struct loop *loop;
    struct scripted_server *server;
    struct transport *transport;
    struct model_link link;
    json_t *script;
    char dir[32];
    const char *record;
};

static void serve(struct served *s, bool by_socket)
{
    struct err err = {0};
    strcpy(s->dir, "/tmp/model-ask.XXXXXX");
    assert_non_null(mkdtemp(s->dir));
    s->record = pool_printf(pool, "%s/sent", s->dir);
    const char *socket = by_socket ? pool_printf(pool, "%s/gate", s->dir) : NULL;
    s->script = json_loads(script_text, 0, NULL);
    const struct model_server_config config = {
        .script = s->script, .socket = socket, .record = s->record};
    if (model_server_start(&config, &s->server, &err) || loop_create(&s->loop, &err))
        fail_msg("%s", err.msg);
    const char *url =
        by_socket ? "http://gateway/v1"
                  : pool_printf(pool, "http://127.0.0.1:%d/v1", model_server_port(s->server));
    const char *const lines[] = {"X-Mantis-Run: r1", NULL};
    const struct http_transport_config where = {
        .base_url = url, .socket = socket, .headers = lines};
    if (http_transport_create(s->loop, &where, &s->transport, &err))
        fail_msg("%s", err.msg);
    s->link = link_to(s->transport);
}

static void unserve(struct served *s)
{
    http_transport_destroy(s->transport);
    loop_destroy(s->loop);
    model_server_stop(s->server);
    json_decref(s->script);
    unlink(s->record);
    assert_int_equal(rmdir(s->dir), 0);
}

static int ask(struct served *s, const char *profile, const char *what, struct said *said,
               struct err *err)
{
    json_t *request = json_keep(pool, json_pack("{s:s,s:[{s:s,s:s}]}", "model", "m", "messages",
                                                "role", "user", "content", what));
    return model_ask(pool, &s->link, rig_profile(pool, profile), request, clock_mono_ms() + 20000,
                     said, err);
}

static void answers_come_over(bool by_socket)
{
    struct served s;
    struct said said;
    struct err err = {0};
    json_t *line = NULL;
    serve(&s, by_socket);
    assert_int_equal(ask(&s, "holo3", "hi", &said, &err), 0);
    assert_string_equal(said.text, "hello");
    assert_true(said.input_tokens > 0 && said.output_tokens > 0);
    assert_int_equal(ask(&s, "claude", "break off", &said, &err), 0);
    assert_string_equal(said.text, "hello");
    int64_t begun = clock_mono_ms();
    assert_int_equal(ask(&s, "holo3", "wait a second", &said, &err), 0);
    assert_true(clock_mono_ms() - begun >= 1000);
    assert_int_equal(model_server_count(s.server), 5);
    FILE *sent = fopen(s.record, "r");
    line = json_loadf(sent, JSON_DISABLE_EOF_CHECK, NULL);
    fclose(sent);
    const json_t *headers = json_object_get(line, "headers");
    assert_string_equal(json_str(headers, "X-Mantis-Run", ""), "r1");
    assert_string_equal(json_str(headers, "Content-Type", ""), "application/json");
    assert_null(json_object_get(headers, "Authorization"));
    json_decref(line);
    unserve(&s);
}

static void over_a_port(void **state)
{
    answers_come_over(false);
}

static void over_a_socket(void **state)
{
    answers_come_over(true);
}

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void a_cancel_ends_a_silent_call(void **state)
{
    struct served s;
    struct said said;
    struct err err = {0};
    struct loop_timer timer = {0};
    serve(&s, true);
    int64_t begun = clock_mono_ms();
    loop_timer_set(s.loop, &timer, 100, interrupt, s.loop);
    assert_int_equal(ask(&s, "holo3", "be silent", &said, &err), E_CANCELLED);
    assert_true(clock_mono_ms() - begun < 2000);
    assert_non_null(strstr(err.msg, "unix:"));
    unserve(&s);
}

static void nobody_at_the_socket_is_named(void **state)
{
    struct served s;
    struct said said;
    struct err err = {0};
    serve(&s, true);
    model_server_stop(s.server);
    s.server = NULL;
    struct profile once = *rig_profile(pool, "holo3");
    once.attempts = 1;
    int r = model_ask(pool, &s.link, &once, body, clock_mono_ms() + 20000, &said, &err);
    assert_int_equal(r, E_TIMEOUT);
    assert_non_null(strstr(err.msg, pool_printf(pool, "unix:%s/gate/chat/completions", s.dir)));
    unserve(&s);
}

static int begin(void **state)
{
    pool = pool_create(NULL);
    body = json_pack("{s:s}", "model", "m");
    return 0;
}

static int end(void **state)
{
    json_decref(body);
    pool_destroy(pool);
    return 0;
}

static const struct CMUnitTest others[] = {
    row_test("brains 2 a wait between calls ends on cancel", a_wait_ends_on_cancel),
    row_test("brains 4 address, headers and timeout are the profile's",
             a_call_takes_no_longer_than_its_profile_says),
    row_test("agent-loop 9.6 what is not answered at once is told, with what went wrong",
             what_is_not_answered_at_once_is_told),
    row_test("brains 1 query: two attempts at most", a_question_is_asked_twice_at_most),
    row_test("brains 1 load: a server that is not there is looked at by /models until it is, or given up", loading_looks_at_models),
    row_test("brains 1 a real server, over a port", over_a_port),
    row_test("brains 1 a real server, through a Unix socket, without a key", over_a_socket),
    row_test("brains 2 a cancel ends a call that nobody answers within 2 s",
             a_cancel_ends_a_silent_call),
    row_test("brains 1 a socket without a server is named", nobody_at_the_socket_is_named),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(rows) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
        tests[n++] = (struct CMUnitTest){rows[i].row, one_row, NULL, NULL, (void *)&rows[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, begin, end);
}
