#include "unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "sys/file.h"
#include "sys/input.h"
#include "sys/ipc.h"
#include "sys/loop.h"
#include "sys/proc.h"

static const char *const no_env[] = {"PATH=/usr/bin:/bin", NULL};

static void waits_end_at_their_deadline_and_on_interrupt(void **state)
{
    struct loop *loop;
    assert_int_equal(loop_create(&loop, NULL), 0);
    int64_t start = clock_mono_ms();
    assert_int_equal(loop_wait(loop, NULL, NULL, start + 30), 0);
    assert_true(clock_mono_ms() - start >= 30);
    loop_interrupt(loop);
    assert_int_equal(loop_wait(loop, NULL, NULL, start + 60000), E_CANCELLED);
    loop_interrupt_clear(loop);
    loop_destroy(loop);
}

static void tick(void *arg)
{
    ++*(int *)arg;
}

static bool three(void *arg)
{
    return *(int *)arg == 3;
}

static void timers_fire_in_order(void **state)
{
    struct loop *loop;
    int n = 0;
    struct loop_timer a = {0}, b = {0}, c = {0}, cleared = {0};
    assert_int_equal(loop_create(&loop, NULL), 0);
    loop_timer_set(loop, &a, 20, tick, &n);
    loop_timer_set(loop, &b, 1, tick, &n);
    loop_timer_set(loop, &cleared, 2, tick, &n);
    loop_timer_set(loop, &c, 10, tick, &n);
    loop_timer_clear(&cleared);
    assert_int_equal(loop_wait(loop, three, &n, clock_mono_ms() + 2000), 0);
    loop_destroy(loop);
}

#define MANY_TIMERS 1000

struct numbered {
    struct loop_timer timer;
    int64_t at;
    int number;
    struct numbered_log *log;
};

struct numbered_log {
    struct numbered *fired[MANY_TIMERS];
    int n;
};

static void note_number(void *arg)
{
    struct numbered *t = arg;
    t->log->fired[t->log->n++] = t;
}

static bool all_but_cleared_fired(void *arg)
{
    return ((struct numbered_log *)arg)->n == MANY_TIMERS - MANY_TIMERS / 3;
}

/* Set in no order, a third of them cleared, some set twice; equal moments keep the order of
 * setting. */
static void many_timers_fire_by_time_and_then_by_age(void **state)
{
    static struct numbered timers[MANY_TIMERS];
    struct numbered_log log = {0};
    struct loop *loop;
    int64_t start_us = clock_mono_us();
    assert_int_equal(loop_create(&loop, NULL), 0);
    clock_fake(start_us, clock_wall_us());
    memset(timers, 0, sizeof(timers));
    for (int i = 0; i < MANY_TIMERS; i++) {
        struct numbered *t = &timers[i];
        t->at = (i * 7919) % 97;
        t->number = i;
        t->log = &log;
        if (i % 5 == 0)
            loop_timer_set(loop, &t->timer, 200, note_number, t);
        loop_timer_set(loop, &t->timer, t->at, note_number, t);
    }
    for (int i = 0; i < MANY_TIMERS / 3; i++)
        loop_timer_clear(&timers[3 * i].timer);
    clock_fake(start_us + 1000000, clock_wall_us());
    assert_int_equal(loop_wait(loop, all_but_cleared_fired, &log, clock_mono_ms() + 1), 0);
    clock_fake_off();
    for (int i = 0; i < log.n; i++) {
        assert_true(log.fired[i]->number % 3 != 0 || log.fired[i]->number / 3 >= MANY_TIMERS / 3);
        if (i)
            assert_true(log.fired[i - 1]->at < log.fired[i]->at ||
                        (log.fired[i - 1]->at == log.fired[i]->at &&
                         log.fired[i - 1]->number < log.fired[i]->number));
    }
    loop_destroy(loop);
}

static void the_end_of_a_turn_is_told_once_and_turns_are_counted(void **state)
{
    struct loop *loop;
    struct loop_timer a = {0}, b = {0};
    int fired = 0, turns = 0;
    assert_int_equal(loop_create(&loop, NULL), 0);
    loop_after_turn(loop, tick, &turns);
    fired = 1;
    loop_timer_set(loop, &a, 0, tick, &fired);
    loop_timer_set(loop, &b, 0, tick, &fired);
    assert_int_equal(loop_wait(loop, three, &fired, clock_mono_ms() + 2000), 0);
    assert_true(turns >= 1);
    assert_int_equal(loop_turns(loop), (uint64_t)turns);
    loop_after_turn(loop, NULL, NULL);
    assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0);
    assert_true(loop_turns(loop) > (uint64_t)turns);
    loop_destroy(loop);
}

static void spawn_passes_descriptors_and_reports_exit(void **state)
{
    int p[2];
    char text[32] = "";
    assert_int_equal(pipe(p), 0);
    const char *argv[] = {"sh", "-c", "echo $0 $A >&7; exit 3", NULL};
    const char *env[] = {"PATH=/usr/bin:/bin", "A=b", NULL};
    struct proc_fd fds[] = {{.from = p[1], .to = 7}};
    struct proc proc;
    struct proc_spec spec = {
        .argv = argv, .env = env, .fds = fds, .n_fds = 1, .flags = PROC_DIE_WITH_PARENT};
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    close(p[1]);
    assert_int_equal(read(p[0], text, sizeof(text)), 5);
    assert_string_equal(text, "sh b\n");
    int status = -1;
    while (!proc_reap(&proc, &status))
        usleep(1000);
    assert_int_equal(WEXITSTATUS(status), 3);
    close(p[0]);
}

static void spawn_says_when_there_is_no_program(void **state)
{
    const char *argv[] = {"no-such-program-here", NULL};
    struct proc proc;
    struct err err = {0};
    struct proc_spec spec = {.argv = argv, .env = no_env};
    char *path = getenv("PATH") ? strdup(getenv("PATH")) : NULL;
    setenv("PATH", "/usr/bin:/bin", 1); /* where we may not look, it could be there */
    int r = proc_spawn(&spec, &proc, &err);
    if (path)
        setenv("PATH", path, 1);
    else
        unsetenv("PATH");
    free(path);
    assert_int_equal(r, E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "no-such-program-here"));
    assert_int_equal(proc.pid, 0);
}

static void a_child_may_have_a_session_of_its_own_and_a_start_time(void **state)
{
    const char *argv[] = {"sleep", "60", NULL};
    struct proc proc;
    struct proc_spec spec = {.argv = argv, .env = no_env, .flags = PROC_DIE_WITH_PARENT};
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    pid_t pid = proc.pid;
    assert_int_equal(getsid(pid), getsid(0));
    assert_true(proc_start_time(getpid()) > 0);
    assert_true(proc_start_time(pid) >= proc_start_time(getpid()));
    proc_end(&proc, 0);
    assert_int_equal(proc_start_time(pid), -1);
    spec.flags |= PROC_OWN_SESSION;
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    assert_int_equal(getsid(proc.pid), proc.pid);
    proc_end(&proc, 0);
}

static void another_user_can_be_given_a_program_it_could_not_reach(void **state)
{
    if (geteuid() != 0)
        skip();
    struct pool *pool = pool_create(NULL);
    char dir[] = "/tmp/mantis-test-XXXXXX", text[8] = "";
    int p[2];
    assert_non_null(mkdtemp(dir)); /* 0700, ours */
    const char *copy = pool_printf(pool, "%s/id", dir), *cp[] = {"cp", "/usr/bin/id", copy, NULL};
    struct proc_spec copying = {.argv = cp, .env = no_env};
    struct proc proc;
    assert_int_equal(proc_spawn(&copying, &proc, NULL), 0);
    while (!proc_reap(&proc, NULL))
        usleep(1000);
    assert_int_equal(pipe(p), 0);
    const char *argv[] = {copy, "-u", NULL};
    struct proc_fd fds[] = {{.from = p[1], .to = 1}};
    struct proc_spec spec = {.argv = argv, .env = no_env, .fds = fds, .n_fds = 1, .uid = 460009};
    assert_int_equal(proc_spawn(&spec, &proc, NULL), 0);
    close(p[1]);
    assert_int_equal(read(p[0], text, sizeof(text)), 7);
    assert_memory_equal(text, "460009\n", 7);
    proc_end(&proc, 1000);
    close(p[0]);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    pool_destroy(pool);
}

static void isolated_child_takes_its_children_with_it(void **state)
{
    int p[2];
    char byte;
    assert_int_equal(pipe(p), 0);
    /* the grandchild holds the pipe open for a minute unless the kernel ends it */
    const char *argv[] = {"sh", "-c", "setsid sleep 60 & touch /tmp/mine; ls /tmp; exec sleep 60",
                          NULL};
    struct proc_fd fds[] = {{.from = p[1], .to = 1}};
    struct proc proc;
    struct proc_spec spec = {
        .argv = argv, .env = no_env, .fds = fds, .n_fds = 1, .flags = PROC_ISOLATE};
    int r = proc_spawn(&spec, &proc, NULL);
    close(p[1]);
    if (r == E_FORBIDDEN) {
        close(p[0]);
        skip();
    }
    assert_int_equal(r, 0);
    char seen[16] = "";
    assert_int_equal(read(p[0], seen, sizeof(seen)), 5);
    assert_string_equal(seen, "mine\n");
    assert_int_equal(access("/tmp/mine", F_OK), -1);
    proc_signal(&proc, SIGKILL);
    assert_int_equal(read(p[0], &byte, 1), 0);
    proc_end(&proc, 0);
    close(p[0]);
}

struct peer {
    int n;
    int closed;
    char last[64];
};

static void on_message(void *arg, const char *type, const json_t *m)
{
    struct peer *p = arg;
    p->n++;
    snprintf(p->last, sizeof(p->last), "%s %s", type, json_str(m, "x", ""));
}

static void on_close(void *arg, int code)
{
    ((struct peer *)arg)->closed = code;
}

static bool got_two(void *arg)
{
    return ((struct peer *)arg)->n == 2;
}

static bool was_closed(void *arg)
{
    return ((struct peer *)arg)->closed != 0;
}

static void ipc_delivers_whole_messages_and_refuses_rubbish(void **state)
{
    int s[2];
    struct loop *loop;
    struct ipc *a, *b;
    struct peer pa = {0}, pb = {0};
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s), 0);
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(ipc_create(loop, s[0], on_message, on_close, &pa, &a, NULL), 0);
    assert_int_equal(ipc_create(loop, s[1], on_message, on_close, &pb, &b, NULL), 0);
    json_t *m = json_pack("{s:s,s:s}", "type", "event", "x", "hello");
    assert_int_equal(ipc_send(a, m), 0);
    assert_int_equal(ipc_send(a, m), 0);
    json_decref(m);
    assert_int_equal(loop_wait(loop, got_two, &pb, clock_mono_ms() + 2000), 0);
    assert_string_equal(pb.last, "event hello");
    assert_int_equal(write(s[0], "\3\0\0\0[1]", 7), 7);
    assert_int_equal(loop_wait(loop, was_closed, &pb, clock_mono_ms() + 2000), 0);
    assert_int_equal(pb.closed, E_PROTOCOL);
    ipc_destroy(b);
    assert_int_equal(loop_wait(loop, was_closed, &pa, clock_mono_ms() + 2000), 0);
    assert_int_equal(pa.closed, E_GONE);
    ipc_destroy(a);
    loop_destroy(loop);
}

static void files_are_replaced_whole_and_links_not_followed(void **state)
{
    struct pool *pool = pool_create(NULL);
    char dir[] = "/tmp/mantis-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *sub = pool_printf(pool, "%s/a/b", dir), *path = pool_printf(pool, "%s/f", sub);
    char *link = pool_printf(pool, "%s/link", sub), *data;
    size_t len;
    assert_int_equal(file_mkdirs(sub, 0711, NULL), 0);
    assert_int_equal(file_write_atomic(path, "one", 3, 0600, NULL), 0);
    assert_int_equal(file_write_atomic(path, "two", 3, 0600, NULL), 0);
    assert_int_equal(file_read(pool, path, 10, &data, &len, NULL), 0);
    assert_string_equal(data, "two");
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(file_read(pool, link, 10, &data, &len, NULL), E_IO);
    assert_int_equal(file_read(pool, path, 2, &data, &len, NULL), E_TOOBIG);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    assert_int_equal(access(dir, F_OK), -1);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    pool_destroy(pool);
}

/* Deeper than PATH_MAX and than descriptors allow: made and looked at one level at a time. */
#define DEPTH 3000

static void make_deep(const char *top)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < DEPTH; i++) {
        assert_int_equal(mkdirat(fd, "deep", 0700), 0);
        int file = openat(fd, i % 2 ? "a" : "z", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        assert_true(file >= 0 && next >= 0);
        close(file);
        close(fd);
        fd = next;
    }
    close(fd);
}

static int owned_by(const char *top, uid_t uid)
{
    int fd = open(top, O_RDONLY | O_DIRECTORY | O_CLOEXEC), n = 0;
    for (int i = 0; fd >= 0; i++) {
        struct stat st, file;
        assert_int_equal(fstat(fd, &st), 0);
        n += st.st_uid == uid && st.st_gid == uid;
        if (fstatat(fd, i % 2 ? "a" : "z", &file, 0) == 0)
            n += file.st_uid == uid;
        int next = openat(fd, "deep", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        close(fd);
        fd = next;
    }
    return n;
}

static void trees_of_any_depth_are_given_and_removed(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    char dir[] = "/tmp/mantis-test-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char *top = pool_printf(pool, "%s/top", dir), *kept = pool_printf(pool, "%s/kept", dir);
    assert_int_equal(mkdir(top, 0700), 0);
    make_deep(top);
    assert_int_equal(mkdir(kept, 0700), 0);
    assert_int_equal(symlink(kept, pool_printf(pool, "%s/link", top)), 0);
    if (geteuid() == 0) {
        if (file_chown_tree(top, 460001, &err))
            fail_msg("%s", err.msg);
        assert_int_equal(owned_by(top, 460001), 2 * DEPTH + 1);
        assert_int_equal(owned_by(kept, 460001), 0);
    }
    if (file_remove_tree(top, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(access(top, F_OK), -1);
    assert_int_equal(access(kept, F_OK), 0);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    pool_destroy(pool);
}

static void a_file_with_a_second_name_is_not_given_away(void **state)
{
    if (geteuid() != 0)
        skip();
    struct pool *pool = pool_create(NULL);
    char dir[] = "/tmp/mantis-test-XXXXXX";
    struct stat st;
    assert_non_null(mkdtemp(dir));
    char *secret = pool_printf(pool, "%s/secret", dir), *top = pool_printf(pool, "%s/top", dir);
    assert_int_equal(file_write_atomic(secret, "x", 1, 0600, NULL), 0);
    assert_int_equal(mkdir(top, 0700), 0);
    assert_int_equal(link(secret, pool_printf(pool, "%s/mine", top)), 0);
    assert_int_equal(file_chown_tree(top, 460001, NULL), 0);
    assert_int_equal(stat(secret, &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(stat(top, &st), 0);
    assert_int_equal(st.st_uid, 460001);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    pool_destroy(pool);
}

static void what_a_person_names_may_be_a_link_or_a_pipe(void **state)
{
    char dir[] = "/tmp/test_input_XXXXXX", *text;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    size_t len;
    int p[2];
    assert_non_null(mkdtemp(dir));
    const char *file = pool_printf(pool, "%s/plan.json", dir);
    const char *link = pool_printf(pool, "%s/link", dir);
    assert_int_equal(file_write_atomic(file, "a\0b", 3, 0600, NULL), 0);
    assert_int_equal(symlink("plan.json", link), 0);
    assert_int_equal(input_read(pool, link, 3, &text, &len, &err), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(text, "a\0b", 4);
    assert_int_equal(input_read(pool, link, 2, &text, &len, &err), E_TOOBIG);
    assert_int_equal(pipe(p), 0);
    assert_int_equal(write(p[1], "piped", 5), 5);
    close(p[1]);
    assert_int_equal(
        input_read(pool, pool_printf(pool, "/dev/fd/%d", p[0]), 100, &text, &len, &err), 0);
    assert_string_equal(text, "piped");
    close(p[0]);
    assert_int_equal(input_read(pool, dir, 100, &text, &len, &err), E_IO);
    assert_non_null(strstr(err.msg, dir));
    assert_int_equal(input_read(pool, "/nonexistent/x", 100, &text, &len, &err), E_NOT_FOUND);
    assert_int_equal(file_remove_tree(dir, NULL), 0);
    pool_destroy(pool);
}

static void key_value_lines_lose_blanks_and_one_pair_of_quotes(void **state)
{
    static const struct {
        const char *line;
        int result;
        const char *key, *value;
    } cases[] = {
        {" A = 'b c' \r", 1, "A", "b c"},
        {"A=\"'x'\"", 1, "A", "'x'"},
        {"A=", 1, "A", ""},
        {"A=\"", 1, "A", "\""},
        {"A=b=c", 1, "A", "b=c"},
        {"# A=b", 0, "", ""},
        {"  ", 0, "", ""},
        {"=b", E_INVALID, "", ""},
        {"word", E_INVALID, "", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char line[32], *key = line, *value = line;
        strcpy(line, cases[i].line);
        assert_int_equal(input_key_value(line, &key, &value), cases[i].result);
        if (cases[i].result != 1)
            continue;
        assert_string_equal(key, cases[i].key);
        assert_string_equal(value, cases[i].value);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_end_at_their_deadline_and_on_interrupt),
        cmocka_unit_test(timers_fire_in_order),
        cmocka_unit_test(many_timers_fire_by_time_and_then_by_age),
        cmocka_unit_test(the_end_of_a_turn_is_told_once_and_turns_are_counted),
        cmocka_unit_test(spawn_passes_descriptors_and_reports_exit),
        cmocka_unit_test(spawn_says_when_there_is_no_program),
        cmocka_unit_test(a_child_may_have_a_session_of_its_own_and_a_start_time),
        cmocka_unit_test(another_user_can_be_given_a_program_it_could_not_reach),
        cmocka_unit_test(isolated_child_takes_its_children_with_it),
        cmocka_unit_test(ipc_delivers_whole_messages_and_refuses_rubbish),
        cmocka_unit_test(what_a_person_names_may_be_a_link_or_a_pipe),
        cmocka_unit_test(key_value_lines_lose_blanks_and_one_pair_of_quotes),
        cmocka_unit_test(files_are_replaced_whole_and_links_not_followed),
        cmocka_unit_test(trees_of_any_depth_are_given_and_removed),
        cmocka_unit_test(a_file_with_a_second_name_is_not_given_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
