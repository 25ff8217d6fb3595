#include "unit/test.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/str.h"

#define WALL INT64_C(1772600767123456) /* 2026-03-04T05:06:07.123456 */

static struct pool *pool;
static int real_stderr = -1, pipe_fds[2];

/* What was logged is read from a pipe in stderr's place. */
static int set_up(void **state)
{
    pool = pool_create(NULL);
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    fcntl(pipe_fds[1], F_SETPIPE_SZ, 1 << 20);
    real_stderr = dup(STDERR_FILENO);
    dup2(pipe_fds[1], STDERR_FILENO);
    clock_fake(1, WALL);
    setenv("MANTIS_LOG_FORMAT", "json", 1);
    setenv("LOG_LEVEL", "INFO", 1);
    log_setup();
    return 0;
}

static int tear_down(void **state)
{
    log_buffer(false);
    clock_fake_off();
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    pool_destroy(pool);
    return 0;
}

/* Everything written so far. */
static char *written(void)
{
    size_t size = 1 << 20, len = 0;
    char *text = pool_alloc(pool, size + 1);
    struct pollfd p = {.fd = pipe_fds[0], .events = POLLIN};
    while (poll(&p, 1, 0) > 0 && len < size) {
        ssize_t n = read(pipe_fds[0], text + len, size - len);
        assert_true(n > 0);
        len += (size_t)n;
    }
    return text;
}

/* The one line written, as JSON. */
static json_t *line(void)
{
    char *text = written();
    json_t *doc = NULL;
    struct err err = {0};
    assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
    if (json_parse(text, strlen(text), "line", &doc, &err))
        fail_msg("%s: %s", err.msg, text);
    return json_keep(pool, doc);
}

static void a_line_is_one_json_object(void **state)
{
    struct log_ctx ctx = {.tenant_id = "acme",
                          .run_id = "r1",
                          .request_id = "q1",
                          .trace_id = "0af7651916cd43dd8448eb211c80319c",
                          .client = "192.0.2.7"};
    log_info("mantis.server", &ctx, "hello %d", 7);
    char *text = written();
    assert_string_equal(
        text, "{\"ts\":\"2026-03-04T05:06:07.123456+00:00\",\"level\":\"INFO\",\"logger\":"
              "\"mantis.server\",\"msg\":\"hello 7\",\"tenant_id\":\"acme\",\"run_id\":\"r1\","
              "\"request_id\":\"q1\",\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\","
              "\"client\":\"192.0.2.7\"}\n");
    log_error("mantis.x", NULL, "bare");
    assert_string_equal(written(),
                        "{\"ts\":\"2026-03-04T05:06:07.123456+00:00\",\"level\":\"ERROR\","
                        "\"logger\":\"mantis.x\",\"msg\":\"bare\"}\n");
}

static void every_line_has_its_own_time(void **state)
{
    static const struct {
        int64_t wall_us;
        const char *ts;
    } cases[] = {
        {WALL + 1, "2026-03-04T05:06:07.123457+00:00"},
        {WALL + 876544, "2026-03-04T05:06:08.000000+00:00"},
        {WALL - 123456, "2026-03-04T05:06:07.000000+00:00"}, /* clocks go back, too */
        {0, "1970-01-01T00:00:00.000000+00:00"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        clock_fake(1, cases[i].wall_us);
        log_info("l", NULL, "m");
        assert_string_equal(json_str(line(), "ts", ""), cases[i].ts);
    }
}

static void any_bytes_make_a_wellformed_line(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"say \"hi\" \\ now", "say \"hi\" \\ now"},
        {"a\nb\tc\r\x01\x1f\x7f", "a\nb\tc\r\x01\x1f\x7f"},
        {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80"},
        {"x\xFFy", "x\xEF\xBF\xBDy"},
        {"cut \xE2\x82", "cut \xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xC0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\",\"level\":\"ERROR\"}\n{\"msg\":\"forged",
         "\",\"level\":\"ERROR\"}\n{\"msg\":\"forged"},
        {"", ""},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct log_ctx ctx = {.tenant_id = cases[i].in};
        log_info("l", &ctx, "%s", cases[i].in);
        json_t *doc = line();
        assert_string_equal(json_str(doc, "msg", "?"), cases[i].out);
        assert_string_equal(json_str(doc, "tenant_id", "?"), cases[i].out);
    }
}

static void a_plain_line_cannot_be_forged(void **state)
{
    setenv("MANTIS_LOG_FORMAT", "text", 1);
    log_setup();
    struct log_ctx ctx = {.run_id = "r\n1"};
    log_info("mantis.x", &ctx, "%s", "a\nERROR b\x1b[2J \"q\" \xC2\x9B \xC3\xA4");
    assert_string_equal(written(), "INFO mantis.x: a?ERROR b?[2J \"q\" ? \xC3\xA4 run_id=r?1\n");
}

static void a_long_message_is_cut_and_fits(void **state)
{
    char *text = pool_alloc(pool, 3 * LOG_MESSAGE_BYTES);
    memset(text, 1, 3 * LOG_MESSAGE_BYTES - 1); /* six bytes each when escaped */
    struct log_ctx ctx = {text, text, text, text, text};
    log_buffer(true);
    for (int i = 0; i < 3; i++)
        log_info(text, &ctx, "%s", text);
    log_flush();
    char *all = written();
    int lines = 0;
    for (char *l; (l = strsep(&all, "\n")) && *l; lines++) {
        json_t *doc = NULL;
        assert_int_equal(json_parse(l, strlen(l), "line", &doc, NULL), 0);
        const char *msg = json_str(doc, "msg", "");
        assert_int_equal(strlen(msg), LOG_MESSAGE_BYTES - 1);
        assert_true(str_ends(msg, " [cut]"));
        json_decref(doc);
    }
    assert_int_equal(lines, 3);
}

static void buffered_lines_come_together_and_in_order(void **state)
{
    log_buffer(true);
    log_info("l", NULL, "one");
    log_info("l", NULL, "two");
    assert_string_equal(written(), "");
    log_warning("l", NULL, "three"); /* cannot wait */
    char *text = written(), *two = strstr(text, "\"two\"");
    assert_true(strstr(text, "\"one\"") < two && two < strstr(text, "\"three\""));
    log_info("l", NULL, "four");
    log_flush();
    assert_non_null(strstr(written(), "\"four\""));
    log_flush();
    assert_string_equal(written(), "");
}

static void a_full_buffer_is_written(void **state)
{
    log_buffer(true);
    for (int i = 0; i < 1000; i++)
        log_info("l", NULL, "line %d of a thousand, each of about a hundred and more bytes", i);
    log_flush();
    char *text = written();
    for (int i = 0; i < 1000; i++) {
        text = strstr(text, pool_printf(pool, "\"line %d of", i));
        assert_non_null(text);
    }
}

static void levels_below_the_chosen_one_are_silent(void **state)
{
    log_debug("l", NULL, "quiet");
    assert_string_equal(written(), "");
    setenv("LOG_LEVEL", "error", 1);
    log_setup();
    log_warning("l", NULL, "quiet");
    assert_string_equal(written(), "");
    setenv("LOG_LEVEL", "debug", 1);
    log_setup();
    log_debug("l", NULL, "loud");
    assert_string_equal(json_str(line(), "level", ""), "DEBUG");
}

static int status_of(void (*child)(void))
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        child();
        exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void leave_a_line(void)
{
    log_buffer(true);
    log_info("l", NULL, "last words");
}

static void find_a_bug(void)
{
    log_buffer(true);
    log_info("l", NULL, "before the bug");
    BUG("on purpose");
}

static void just_exit(void)
{
}

static void the_end_of_the_program_and_a_bug_lose_nothing(void **state)
{
    assert_int_equal(status_of(leave_a_line), 0);
    assert_non_null(strstr(written(), "last words"));
    assert_true(WIFSIGNALED(status_of(find_a_bug)));
    char *text = written();
    assert_true(strstr(text, "before the bug") < strstr(text, "on purpose"));
}

static void a_child_does_not_print_its_parents_lines(void **state)
{
    log_buffer(true);
    log_info("l", NULL, "once");
    assert_int_equal(status_of(just_exit), 0);
    assert_string_equal(written(), "");
    log_flush();
    assert_non_null(strstr(written(), "once"));
}

static void *log_many(void *arg)
{
    for (int i = 0; i < 500; i++)
        log_info("l", NULL, "%s %d", (const char *)arg, i);
    return NULL;
}

static void lines_of_threads_are_never_torn(void **state)
{
    static char names[4][8] = {"first", "second", "third", "fourth"};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_many, names[i]), 0);
    for (int i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    char *all = written();
    int lines = 0;
    for (char *l; (l = strsep(&all, "\n")) && *l; lines++) {
        json_t *doc = NULL;
        assert_int_equal(json_parse(l, strlen(l), "line", &doc, NULL), 0);
        json_decref(doc);
    }
    assert_int_equal(lines, 2000);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_line_is_one_json_object),
        TEST(every_line_has_its_own_time),
        TEST(any_bytes_make_a_wellformed_line),
        TEST(a_plain_line_cannot_be_forged),
        TEST(a_long_message_is_cut_and_fits),
        TEST(buffered_lines_come_together_and_in_order),
        TEST(a_full_buffer_is_written),
        TEST(levels_below_the_chosen_one_are_silent),
        TEST(the_end_of_the_program_and_a_bug_lose_nothing),
        TEST(a_child_does_not_print_its_parents_lines),
        TEST(lines_of_threads_are_never_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
