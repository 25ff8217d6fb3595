/*
 * The worker as its parent sees it: a process of its own on a socket, with the fake plane behind
 * it.
 */
#include "unit/test.h"

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/worker.h"
#include "sys/ipc.h"
#include "unit/fixtures.h"

#define DEADLINE_MS 20000

struct parent {
    struct loop *loop;
    struct ipc *ipc;
    pid_t pid;
    int socket;   /* the other end, before fork */
    json_t *seen; /* all messages */
    bool closed;
    bool no_acks;
    const char *wait_type;
    const char *cancel_at; /* message type that is answered with a cancel */
    const char *answer;    /* ... or another message type */
};

static void send_type(struct parent *p, const char *type)
{
    json_t *m = json_pack("{s:s,s:s}", "type", type, "reason", "test");
    assert_int_equal(ipc_send(p->ipc, m), 0);
    json_decref(m);
}

static void on_message(void *arg, const char *type, const json_t *m)
{
    struct parent *p = arg;
    json_push(p->seen, json_deep_copy(m));
    if (!strcmp(type, "journal") && !p->no_acks) {
        json_t *ack = json_pack("{s:s,s:s,s:s}", "type", "ack", "key", json_str(m, "key", ""),
                                "state", json_str(m, "state", ""));
        assert_int_equal(ipc_send(p->ipc, ack), 0);
        json_decref(ack);
    }
    if (p->cancel_at && !strcmp(type, p->cancel_at)) {
        p->cancel_at = NULL;
        send_type(p, p->answer);
    }
}

static void on_close(void *arg, int code)
{
    ((struct parent *)arg)->closed = true;
}

static void start_worker(struct parent *p)
{
    int pair[2];
    *p = (struct parent){.seen = json_array()};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    p->pid = fork();
    assert_true(p->pid >= 0);
    if (p->pid == 0) {
        close(pair[0]);
        _exit(worker_main(pair[1], -1));
    }
    close(pair[1]);
    assert_int_equal(loop_create(&p->loop, NULL), 0);
    assert_int_equal(ipc_create(p->loop, pair[0], on_message, on_close, p, &p->ipc, NULL), 0);
}

static void send_start(struct parent *p, const char *plane, const char *brain, const char *steps)
{
    struct pool *pool = pool_create(NULL);
    const char *browser =
        pool_printf(pool, "fake:%s", source_path(pool, "tests/golden/fake/boats.json"));
    json_t *m = json_pack(
        "{s:s,s:s,s:s,s:i,s:{s:O,s:s},s:n,s:{},s:s,s:s,s:s,s:f,s:i,s:{s:i,s:i},s:{},s:{s:s}}",
        "type", "start", "run_id", "r1", "tenant_id", "t", "attempt", 1, "plan", "steps",
        json_of(pool, steps), "signature", "sig", "checkpoint", "journal", "brain", brain, "reader",
        brain, "plane", plane, "max_cost", 1.0, "max_time_minutes", 5, "display", "width", 1280,
        "height", 720, "dirs", "options", "browser", browser);
    assert_non_null(m);
    assert_int_equal(ipc_send(p->ipc, m), 0);
    json_decref(m);
    pool_destroy(pool);
}

static const json_t *first_of(const struct parent *p, const char *type)
{
    size_t i;
    json_t *m;
    json_array_foreach (p->seen, i, m)
        if (!strcmp(json_str(m, "type", ""), type))
            return m;
    return NULL;
}

static bool is_closed(void *arg)
{
    return ((struct parent *)arg)->closed;
}

static bool has_awaited(void *arg)
{
    struct parent *p = arg;
    return p->closed || first_of(p, p->wait_type);
}

static int exit_of(struct parent *p)
{
    int status = 0;
    assert_int_equal(waitpid(p->pid, &status, 0), p->pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int wait_exit(struct parent *p)
{
    assert_int_equal(loop_wait(p->loop, is_closed, p, clock_mono_ms() + DEADLINE_MS), 0);
    return exit_of(p);
}

static void end_parent(struct parent *p)
{
    ipc_destroy(p->ipc);
    loop_destroy(p->loop);
    json_decref(p->seen);
}

#define OPEN(path) "{'type':'navigate','intent':'x','params':{'url':'http://boats.test" path "'}}"
#define PAUSE      ",{'type':'wait','intent':'w','params':{'seconds':500}}"

static void a_run_tells_its_parent_everything_and_ends(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page", "[" OPEN("/boats/") ",{'type':'extract_url','intent':'u'}]");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    const json_t *end = first_of(&p, "end");
    assert_string_equal(json_str(json_array_get(p.seen, 0), "type", ""), "ready");
    assert_string_equal(json_str(end, "status", ""), "completed");
    assert_string_equal(json_str(json_object_get(end, "checkpoint"), "status", ""), "completed");
    assert_int_equal(
        json_array_size(json_object_get(json_object_get(end, "checkpoint"), "step_results")), 2);
    assert_non_null(first_of(&p, "checkpoint"));
    assert_non_null(first_of(&p, "event"));
    end_parent(&p);
}

static void listings_are_opened_with_the_page_reader(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page",
               "[" OPEN("/boats/") ",{'type':'click','intent':'Open the next "
                                   "boat','section':'extraction','hints':{'layout':'listings'}},"
                                   "{'type':'extract_url','intent':'u','section':'extraction'},"
                                   "{'type':'navigate_back','intent':'b','section':'extraction'},"
                                   "{'type':'loop','intent':'l','section':'extraction','loop_"
                                   "target':1,'loop_count':3}]");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    const json_t *seen =
        json_object_get(json_object_get(first_of(&p, "end"), "checkpoint"), "seen_urls");
    assert_int_equal(json_array_size(seen), 3);
    assert_string_equal(json_string_value(json_array_get(seen, 2)),
                        "http://boats.test/boats/cedar");
    end_parent(&p);
}

static void a_submit_waits_until_its_journal_entry_is_on_disk(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page",
               "[" OPEN("/form") ",{'type':'submit','intent':'s','params':{'label':'Send'}}]");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    const json_t *results =
        json_object_get(json_object_get(first_of(&p, "end"), "checkpoint"), "step_results");
    assert_true(json_flag(json_array_get(results, 1), "success", false));
    assert_string_equal(json_str(first_of(&p, "journal"), "state", ""), "intended");
    end_parent(&p);
}

static void a_cancel_ends_it_at_once(void **state)
{
    struct parent p;
    start_worker(&p);
    p.cancel_at = "checkpoint";
    p.answer = "cancel";
    send_start(&p, "fake", "page", "[" OPEN("/boats/") PAUSE "]");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "cancelled");
    end_parent(&p);
}

static void a_cancel_before_the_start_is_not_forgotten(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page", "[" OPEN("/boats/") PAUSE "]");
    send_type(&p, "cancel");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "cancelled");
    end_parent(&p);
}

static void a_drain_loses_the_attempt_and_says_so(void **state)
{
    struct parent p;
    start_worker(&p);
    p.cancel_at = "checkpoint";
    p.answer = "drain";
    send_start(&p, "fake", "page", "[" OPEN("/boats/") PAUSE "]");
    assert_int_equal(wait_exit(&p), WORKER_LOST);
    assert_string_equal(json_str(first_of(&p, "lost"), "reason", ""), "drain");
    assert_null(first_of(&p, "end"));
    end_parent(&p);
}

/* Asked for before there is a run, so that it stands still before its first step. */
static void start_paused(struct parent *p)
{
    start_worker(p);
    send_type(p, "pause");
    send_start(p, "fake", "page", "[" OPEN("/boats/") "]");
    p->wait_type = "paused";
    assert_int_equal(loop_wait(p->loop, has_awaited, p, clock_mono_ms() + DEADLINE_MS), 0);
    assert_int_equal(json_int(first_of(p, "paused"), "step_index", -1), 0);
    assert_null(first_of(p, "checkpoint"));
}

static void a_paused_run_goes_on_when_told(void **state)
{
    struct parent p;
    start_paused(&p);
    send_type(&p, "resume");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "completed");
    end_parent(&p);
}

static void a_pause_that_is_taken_back_in_time_is_none(void **state)
{
    struct parent p;
    start_worker(&p);
    send_type(&p, "pause");
    send_type(&p, "resume");
    send_start(&p, "fake", "page", "[" OPEN("/boats/") "]");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_null(first_of(&p, "paused"));
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "completed");
    end_parent(&p);
}

static void every_word_that_ends_a_run_ends_its_pause(void **state)
{
    struct parent p;
    start_paused(&p);
    send_type(&p, "cancel");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "cancelled");
    assert_null(first_of(&p, "checkpoint"));
    end_parent(&p);
    start_paused(&p);
    send_type(&p, "drain");
    assert_int_equal(wait_exit(&p), WORKER_LOST);
    assert_string_equal(json_str(first_of(&p, "lost"), "reason", ""), "drain");
    end_parent(&p);
    start_paused(&p);
    ipc_destroy(p.ipc);
    p.ipc = NULL;
    assert_int_equal(exit_of(&p), WORKER_LOST);
    end_parent(&p);
}

static void a_dead_browser_loses_the_attempt(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page",
               "[" OPEN("/deadly") ",{'type':'click','intent':'c','hints':{'layout':'single'},'"
                                   "params':{'label':'Press'}}]");
    assert_int_equal(wait_exit(&p), WORKER_LOST);
    assert_string_equal(json_str(first_of(&p, "lost"), "failure_class", ""), "plane_gone");
    end_parent(&p);
}

static void a_worker_does_not_outlive_its_parent(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page", "[" OPEN("/boats/") PAUSE "]");
    p.wait_type = "checkpoint";
    assert_int_equal(loop_wait(p.loop, has_awaited, &p, clock_mono_ms() + DEADLINE_MS), 0);
    ipc_destroy(p.ipc);
    p.ipc = NULL;
    assert_int_equal(exit_of(&p), WORKER_LOST);
    end_parent(&p);
}

static void parts_that_do_not_exist_end_the_run_with_a_reason(void **state)
{
    static const char *const cases[][2] = {
        {"spaceship", "page"}, {"fake", "oracle"}, {"fake", "script:/nowhere"}};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct parent p;
        start_worker(&p);
        send_start(&p, cases[i][0], cases[i][1], "[]");
        assert_int_equal(wait_exit(&p), WORKER_ENDED);
        assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "failed");
        assert_true(*json_str(first_of(&p, "end"), "error", ""));
        end_parent(&p);
    }
}

static void terminal_signals_do_not_end_a_run(void **state)
{
    struct parent p;
    start_worker(&p);
    send_start(&p, "fake", "page", "[" OPEN("/boats/") PAUSE "]");
    p.wait_type = "checkpoint";
    assert_int_equal(loop_wait(p.loop, has_awaited, &p, clock_mono_ms() + DEADLINE_MS), 0);
    kill(p.pid, SIGTERM);
    kill(p.pid, SIGINT);
    send_type(&p, "cancel");
    assert_int_equal(wait_exit(&p), WORKER_ENDED);
    assert_string_equal(json_str(first_of(&p, "end"), "status", ""), "cancelled");
    end_parent(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_tells_its_parent_everything_and_ends),
        cmocka_unit_test(listings_are_opened_with_the_page_reader),
        cmocka_unit_test(a_submit_waits_until_its_journal_entry_is_on_disk),
        cmocka_unit_test(a_cancel_ends_it_at_once),
        cmocka_unit_test(a_cancel_before_the_start_is_not_forgotten),
        cmocka_unit_test(a_drain_loses_the_attempt_and_says_so),
        cmocka_unit_test(a_paused_run_goes_on_when_told),
        cmocka_unit_test(a_pause_that_is_taken_back_in_time_is_none),
        cmocka_unit_test(every_word_that_ends_a_run_ends_its_pause),
        cmocka_unit_test(a_dead_browser_loses_the_attempt),
        cmocka_unit_test(a_worker_does_not_outlive_its_parent),
        cmocka_unit_test(parts_that_do_not_exist_end_the_run_with_a_reason),
        cmocka_unit_test(terminal_signals_do_not_end_a_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
