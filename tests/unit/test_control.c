/*
 * test_control.c - the control socket of `serve`: copies of the store while it is used.
 */
#include "unit/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "sched/control.h"
#include "store/upkeep.h"
#include "sys/file.h"
#include "sys/ipc.h"

#define PATIENCE_MS 20000

static char dir[400], db[420], to[420];
static struct loop *loop;
static struct store *store;
static struct control *control;
static struct pool *pool;

/* One command at the socket. */
struct peer {
    struct ipc *ipc;
    int percents, code;
    bool done, refused, closed;
    char message[256];
};

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct peer *p = arg;
    p->percents += strcmp(type, "progress") == 0;
    p->done |= strcmp(type, "done") == 0;
    if (strcmp(type, "error") == 0) {
        p->refused = true;
        p->code = (int)json_int(message, "code", 0);
        snprintf(p->message, sizeof(p->message), "%s", json_str(message, "message", ""));
    }
}

static void on_close(void *arg, int code)
{
    ((struct peer *)arg)->closed = true;
}

static void come(struct peer *p)
{
    int fd;
    *p = (struct peer){0};
    assert_int_equal(control_connect(dir, &fd, NULL), 0);
    assert_int_equal(ipc_create(loop, fd, on_message, on_close, p, &p->ipc, NULL), 0);
}

static void ask(struct peer *p, const char *type, const char *path)
{
    json_t *m = json_pack("{s:s,s:s}", "type", type, "to", path);
    assert_int_equal(ipc_send(p->ipc, m), 0);
    json_decref(m);
}

static bool is_set(void *arg)
{
    return *(bool *)arg;
}

static void wait_until(bool *flag)
{
    assert_int_equal(loop_wait(loop, is_set, flag, clock_mono_ms() + PATIENCE_MS), 0);
}

static void create(const char *id, const json_t *doc)
{
    struct run_record rec = {.run_id = id, .tenant_id = "acme", .doc = doc};
    struct store_creation c = {.run = &rec};
    assert_int_equal(store_run_create(store, &c, 1, NULL), 0);
    assert_int_equal(c.result, 0);
}

static int setup(void **state)
{
    char base[] = "/tmp/mantis-test-control-XXXXXX";
    assert_non_null(mkdtemp(base));
    /* longer than a socket's address may be */
    snprintf(dir, sizeof(dir), "%s/%0150d", base, 7);
    assert_int_equal(mkdir(dir, 0700), 0);
    snprintf(db, sizeof(db), "%s/mantis.db", dir);
    snprintf(to, sizeof(to), "%s/copy.db", dir);
    pool = pool_create(NULL);
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(store_open("sqlite", db, &store, NULL), 0);
    assert_int_equal(control_create(loop, store, NULL, dir, &control, NULL), 0);
    return 0;
}

static int teardown(void **state)
{
    control_destroy(control);
    control = NULL;
    store_close(store);
    loop_destroy(loop);
    pool_destroy(pool);
    clock_fake_off();
    *strrchr(dir, '/') = 0;
    return file_remove_tree(dir, NULL);
}

static int files_named(const char *tail)
{
    struct dirent **names;
    int n = scandir(dir, &names, NULL, NULL), found = 0;
    for (int i = 0; i < n; i++) {
        found += str_ends(names[i]->d_name, tail);
        free(names[i]);
    }
    free(names);
    return found;
}

/* A few megabytes, so that a copy takes several turns. */
static void fill(void)
{
    char id[16];
    char *big = pool_alloc(pool, 100001);
    memset(big, 'x', 100000);
    json_t *doc = json_keep(pool, json_pack("{s:s}", "payload", big));
    for (int i = 0; i < 40; i++) {
        snprintf(id, sizeof(id), "f%d", i);
        create(id, doc);
    }
}

static void a_copy_is_made_while_the_store_is_used(void **state)
{
    struct peer p;
    struct run_record rec;
    fill();
    come(&p);
    ask(&p, "backup", to);
    while (!p.percents) /* under way */
        assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0);
    assert_false(p.done);
    create("meanwhile", NULL);
    wait_until(&p.done);
    assert_true(p.percents > 1);
    ipc_destroy(p.ipc);
    store_close(store);
    assert_int_equal(store_open("sqlite", to, &store, NULL), 0);
    assert_int_equal(store_run_get(store, pool, RUN_KEY("acme", "meanwhile"), 0, &rec, NULL), 0);
    assert_int_equal(store_run_get(store, pool, RUN_KEY("acme", "f39"), 0, &rec, NULL), 0);
}

static void a_command_that_goes_leaves_no_half_copy(void **state)
{
    struct peer p, after;
    fill();
    come(&p);
    ask(&p, "backup", to);
    while (!p.percents)
        assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0);
    assert_int_equal(files_named("part"), 1);
    ipc_destroy(p.ipc);
    come(&after);
    ask(&after, "backup", to); /* the first one's end was seen before it */
    wait_until(&after.done);
    ipc_destroy(after.ipc);
    assert_int_equal(files_named("part"), 0);
}

static void one_copy_is_made_at_a_time(void **state)
{
    struct peer first, second;
    char other[430];
    snprintf(other, sizeof(other), "%s/other.db", dir);
    fill();
    come(&first);
    ask(&first, "backup", to);
    while (!first.percents)
        assert_int_equal(loop_wait(loop, NULL, NULL, clock_mono_ms() + 1), 0);
    come(&second);
    ask(&second, "backup", other);
    wait_until(&second.refused);
    assert_int_equal(second.code, E_CONFLICT);
    wait_until(&first.done);
    ipc_destroy(first.ipc);
    ipc_destroy(second.ipc);
    assert_int_equal(files_named("other.db"), 0);
}

static void wrong_requests_are_answered(void **state)
{
    static const struct {
        const char *type, *to;
        int code;
    } rows[] = {{"dance", "/x", E_UNSUPPORTED},
                {"backup", "relative.db", E_INVALID},
                {"backup", "/nowhere/at/all/x.db", E_IO}};
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct peer p;
        come(&p);
        ask(&p, rows[i].type, rows[i].to);
        wait_until(&p.refused);
        assert_int_equal(p.code, rows[i].code);
        assert_true(strlen(p.message) > 0);
        ipc_destroy(p.ipc);
    }
}

static void a_second_request_on_the_same_line_is_refused(void **state)
{
    struct peer p;
    char other[430];
    snprintf(other, sizeof(other), "%s/other.db", dir);
    fill();
    come(&p);
    ask(&p, "backup", to);
    ask(&p, "backup", other);
    wait_until(&p.refused);
    assert_int_equal(p.code, E_CONFLICT);
    wait_until(&p.done);
    ipc_destroy(p.ipc);
}

static void silent_commands_are_sent_away(void **state)
{
    struct peer p, proof;
    come(&p);
    come(&proof);
    ask(&proof, "dance", "");
    wait_until(&proof.refused); /* so the first was let in too */
    clock_fake(clock_mono_us() + 11000000, clock_wall_us());
    wait_until(&p.closed);
    wait_until(&proof.closed);
    ipc_destroy(p.ipc);
    ipc_destroy(proof.ipc);
}

static void a_few_commands_at_once_are_enough(void **state)
{
    struct peer p[CAP_CONTROL_CLIENTS + 1];
    for (int i = 0; i < CAP_CONTROL_CLIENTS; i++)
        come(&p[i]);
    come(&p[CAP_CONTROL_CLIENTS]);
    wait_until(&p[CAP_CONTROL_CLIENTS].closed);
    for (int i = 0; i <= CAP_CONTROL_CLIENTS; i++)
        ipc_destroy(p[i].ipc);
}

static void the_socket_is_private_and_goes_with_serve(void **state)
{
    char path[430];
    struct stat st;
    int fd;
    snprintf(path, sizeof(path), "%s/control.sock", dir);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    control_destroy(control);
    control = NULL;
    assert_int_not_equal(stat(path, &st), 0);
    assert_int_equal(control_connect(dir, &fd, NULL), E_NOT_FOUND);
    assert_int_equal(control_connect("/nowhere", &fd, NULL), E_NOT_FOUND);
}

static void a_socket_left_behind_is_replaced(void **state)
{
    struct err err = {0};
    struct peer p;
    int fd;
    control_destroy(control);
    control = NULL;
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/control.sock", at);
    int dead = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&a, sizeof(a)), 0);
    close(dead); /* the name stays, as after a kill */
    close(at);
    assert_int_equal(control_connect(dir, &fd, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, dir));
    assert_int_equal(control_create(loop, store, NULL, dir, &control, NULL), 0);
    come(&p);
    ask(&p, "backup", to);
    wait_until(&p.done);
    ipc_destroy(p.ipc);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_copy_is_made_while_the_store_is_used),
        T(a_command_that_goes_leaves_no_half_copy),
        T(one_copy_is_made_at_a_time),
        T(wrong_requests_are_answered),
        T(a_second_request_on_the_same_line_is_refused),
        T(silent_commands_are_sent_away),
        T(a_few_commands_at_once_are_enough),
        T(the_socket_is_private_and_goes_with_serve),
        T(a_socket_left_behind_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
