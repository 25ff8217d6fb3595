/* The process of a model server: its log is cut and kept, its environment has no secret, its port is free. */
#include "unit/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "engine/child.h"
#include "sys/file.h"

static struct pool *pool;
static struct loop *loop;
static struct child child;
static char dir[64], log_path[96];
static char ended[100]; /* how; "" not yet */

static void on_end(void *arg, const char *how)
{
    snprintf(ended, sizeof(ended), "%s", how);
}

static int set_up(void **state)
{
    pool = pool_create(NULL);
    snprintf(dir, sizeof(dir), "/tmp/test_child_XXXXXX");
    assert_non_null(mkdtemp(dir));
    snprintf(log_path, sizeof(log_path), "%s/engine.log", dir);
    assert_int_equal(loop_create(&loop, NULL), 0);
    child_init(&child, loop, log_path, on_end, NULL);
    ended[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    child_release(&child);
    loop_destroy(loop);
    pool_destroy(pool);
    return file_remove_tree(dir, NULL);
}

static bool has_ended(void *arg)
{
    return ended[0];
}

static void run(const char *script)
{
    const char *const argv[] = {"sh", "-c", script, NULL};
    struct err err = {0};
    ended[0] = '\0';
    if (child_launch(&child, argv, &err))
        fail_msg("%s", err.msg);
    assert_int_equal(loop_wait(loop, has_ended, NULL, clock_mono_ms() + 20000), 0);
}

static char *content(const char *path)
{
    char *data = NULL;
    size_t len;
    return file_read(pool, path, 2 * CAP_ENGINE_LOG_BYTES, &data, &len, NULL) ? NULL : data;
}

static void what_it_writes_is_in_the_file_and_in_memory(void **state)
{
    run("echo one; echo two >&2; exit 3");
    assert_string_equal(ended, "exited with status 3");
    assert_string_equal(content(log_path), "one\ntwo\n");
    assert_string_equal(child_log_tail(&child.log, pool, 100), "one\ntwo");
    assert_string_equal(child_log_tail(&child.log, pool, 5), "two");
    run("echo three; kill -9 $$");
    assert_string_equal(ended, "killed by signal 9 (Killed)");
    assert_string_equal(content(log_path), "three\n");
    assert_string_equal(content(pool_printf(pool, "%s.1", log_path)), "one\ntwo\n");
    assert_string_equal(child_log_tail(&child.log, pool, 100), "three");
}

/* 40 MB of lines: two files, neither larger than the cap, nothing lost between them. */
static void a_log_that_grows_is_set_aside(void **state)
{
    struct stat now, before;
    run("yes 'a line of a model server that says the same again and again' | head -c 40000000");
    assert_int_equal(stat(log_path, &now), 0);
    assert_int_equal(stat(pool_printf(pool, "%s.1", log_path), &before), 0);
    assert_true(before.st_size <= (off_t)CAP_ENGINE_LOG_BYTES);
    assert_int_equal(now.st_size + before.st_size, 40000000);
    size_t kept = strlen(child_log_tail(&child.log, pool, CAP_ENGINE_LOG_TAIL_BYTES));
    assert_in_range(kept, CAP_ENGINE_LOG_TAIL_BYTES - 100, CAP_ENGINE_LOG_TAIL_BYTES);
}

static void what_is_kept_begins_with_a_line_wherever_it_is_cut(void **state)
{
    for (int lines = 1300; lines < 1700; lines += 10) {
        run(pool_printf(pool, "seq -f 'line %%g of what it had to say' 1 %d >&2", lines));
        const char *tail = child_log_tail(&child.log, pool, CAP_ENGINE_LOG_TAIL_BYTES);
        assert_true(strlen(tail) > CAP_ENGINE_LOG_TAIL_BYTES / 2);
        assert_memory_equal(tail, "line ", 5);
    }
}

/* Whoever can write to the directory cannot make us write elsewhere. */
static void a_link_in_its_place_is_not_followed(void **state)
{
    const char *victim = pool_printf(pool, "%s/victim", dir);
    assert_int_equal(file_write_soon(victim, "mine", 4, 0600, NULL), 0);
    assert_int_equal(symlink(victim, log_path), 0);
    run("echo overwritten");
    assert_string_equal(content(victim), "mine");
    assert_string_equal(child_log_tail(&child.log, pool, 100), "overwritten");
}

static void what_it_started_ends_with_it(void **state)
{
    run("sleep 1000 & echo $!; exit 0");
    int pid = atoi(child_log_tail(&child.log, pool, 100));
    assert_true(pid > 1);
    int64_t deadline = clock_mono_ms() + 5000; /* a zombie until its new parent looks */
    char state_of = 'S';
    while (state_of != 'Z' && state_of != 'X' && clock_mono_ms() < deadline) {
        FILE *f = fopen(pool_printf(pool, "/proc/%d/stat", pid), "r");
        if (!f || fscanf(f, "%*d %*s %c", &state_of) != 1)
            state_of = 'X';
        if (f)
            fclose(f);
    }
    assert_true(state_of == 'Z' || state_of == 'X');
}

static void a_program_that_is_not_there_is_said(void **state)
{
    const char *const argv[] = {"/nowhere/llama-server", NULL};
    struct err err = {0};
    assert_int_equal(child_launch(&child, argv, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "'/nowhere/llama-server'"));
    run("echo and then one that is");
    assert_string_equal(content(log_path), "and then one that is\n");
}

static void secrets_stay_with_us(void **state)
{
    static const struct {
        const char *entry;
        bool hidden;
    } cases[] = {
        {"PATH=/bin", false},           {"CUDA_VISIBLE_DEVICES=0", false}, {"VLLM_USE_DEEP_GEMM=0", false},
        {"HF_TOKEN=hf", false},         {"HUGGING_FACE_HUB_TOKEN=h", false}, {"LLAMA_CACHE=/x_KEY", false},
        {"ANTHROPIC_API_KEY=k", true},  {"MANTIS_DATA_DIR=/x", true},      {"PROXY_PASS=p", true},
        {"DB_PASSWORD=p", true},        {"AWS_SECRET_ACCESS_KEY=s", true}, {"GITHUB_TOKEN=t", true},
        {"HF_TOKENS_TOKEN=t", true},    {"CLIENT_SECRET=s", true},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        if (child_hides(cases[i].entry) != cases[i].hidden)
            fail_msg("%s", cases[i].entry);
}

static int listen_on(uint32_t address, int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(address)};
    socklen_t len = sizeof(a);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)); /* as llama-server does */
    assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
    assert_int_equal(listen(fd, 1), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
    *ret_port = ntohs(a.sin_port);
    return fd;
}

static void a_port_that_somebody_listens_on_is_not_taken(void **state)
{
    static const uint32_t addresses[] = {INADDR_LOOPBACK, INADDR_ANY};
    for (size_t i = 0; i < ARRAY_SIZE(addresses); i++) {
        int held, got, fd = listen_on(addresses[i], &held);
        assert_int_equal(child_free_port(held, &got, NULL), 0);
        assert_int_not_equal(got, held);
        assert_int_not_equal(got, 0);
        close(fd);
        assert_int_equal(child_free_port(held, &got, NULL), 0);
        assert_int_equal(got, held);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_it_writes_is_in_the_file_and_in_memory),
        TEST(a_log_that_grows_is_set_aside),
        TEST(what_is_kept_begins_with_a_line_wherever_it_is_cut),
        TEST(a_link_in_its_place_is_not_followed),
        TEST(what_it_started_ends_with_it),
        TEST(a_program_that_is_not_there_is_said),
        TEST(secrets_stay_with_us),
        TEST(a_port_that_somebody_listens_on_is_not_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
