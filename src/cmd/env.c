/*
 * mantis env - starts and stops a practice web site (docs/sites.md).
 *
 * `start` leaves a process of its own behind. Its handle file says how to reach it and, for `stop`,
 * which process it is: a pid alone could be a stranger's by then, so the file also holds the time
 * that process started and the boot it started in, and the signal goes through a pidfd.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "cmd/cmd.h"
#include "cmd/options.h"
#include "cmd/practice.h"
#include "site/site.h"
#include "sys/file.h"
#include "sys/input.h"
#include "sys/loop.h"
#include "sys/proc.h"

#define HANDLE_MAX_BYTES (64u << 10)
#define STOP_GRACE_MS    5000

/* --- which process a handle speaks of ------------------------------------------------------ */

static const char *boot_id(struct pool *pool)
{
    char id[64] = "";
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, id, sizeof(id) - 1);
    if (fd >= 0)
        close(fd);
    id[n > 0 ? n : 0] = 0;
    id[strcspn(id, "\n")] = 0;
    return pool_strdup(pool, id);
}

static int read_handle(struct pool *pool, const char *path, json_t **out, struct err *err)
{
    char *text;
    size_t len;
    int r = file_read(pool, path, HANDLE_MAX_BYTES, &text, &len, err);
    if (!r)
        r = json_parse(text, len, path, out, err);
    if (r)
        return r;
    json_keep(pool, *out);
    if (json_int(*out, "pid", 0) <= 1 || json_int(*out, "pid_start", 0) <= 0)
        return err_set(err, E_INVALID, "'%s' is not the handle of a practice site", path);
    return 0;
}

/* A pidfd of the handle's process, or -1 when that process is gone. */
static int open_process(struct pool *pool, const json_t *handle)
{
    pid_t pid = (pid_t)json_int(handle, "pid", 0);
    if (strcmp(json_str(handle, "boot_id", ""), boot_id(pool)) != 0)
        return -1;
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd >= 0 && proc_start_time(pid) != json_int(handle, "pid_start", 0)) {
        close(fd); /* the number is somebody else's now */
        fd = -1;
    }
    return fd;
}

/* --- start --------------------------------------------------------------------------------- */

struct start {
    struct pool *pool;
    const char *env, *host, *handle, *dir;
    int seed, port, ready_fd;
    bool foreground;
    char token[65];
    struct loop *loop;
    struct site *site;
};

static bool is_known(const char *env)
{
    for (const char *const *name = site_names(); *name; name++)
        if (strcmp(*name, env) == 0)
            return true;
    return false;
}

static int usage_error(const char *env)
{
    if (env)
        cmd_error("there is no practice site '%s'; there are:", env);
    else
        cmd_error("--env NAME is missing; there are:");
    for (const char *const *name = site_names(); *name; name++)
        fprintf(stderr, "  %-12s %s\n", *name, site_about(*name));
    return 2;
}

static const char *default_handle(struct start *s)
{
    const char *tmp = getenv("TMPDIR");
    return pool_printf(s->pool, "%s/mantis-env-%s-%d.json",
                       tmp && *tmp ? input_absolute(s->pool, tmp) : "/tmp", s->env, (int)getpid());
}

static int write_handle(struct start *s, struct err *err)
{
    json_t *handle = json_keep(s->pool, json_object());
    json_put_str(handle, "env", s->env);
    json_put_int(handle, "seed", s->seed);
    json_put_str(handle, "url", site_url(s->site));
    json_put_str(handle, "admin_token", s->token);
    json_put_int(handle, "pid", getpid());
    json_put_int(handle, "pid_start", proc_start_time(getpid()));
    json_put_str(handle, "boot_id", boot_id(s->pool));
    const char *text = json_pretty(s->pool, handle);
    return file_write_atomic(s->handle, text, strlen(text), 0600, err);
}

/* A later site may have taken our file over: then it is not ours to remove. */
static void remove_handle(struct start *s)
{
    json_t *handle;
    if (read_handle(s->pool, s->handle, &handle, NULL) == 0 &&
        json_int(handle, "pid", 0) == getpid())
        unlink(s->handle);
}

static void on_signal(void *arg, int signo)
{
    loop_stop(arg);
}

static int open_site(struct start *s, struct err *err)
{
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGHUP);
    signal(SIGPIPE, SIG_IGN);
    id_random_hex(32, s->token);
    struct site_spec spec = {.name = s->env,
                             .dir = s->dir,
                             .seed = s->seed,
                             .admin_token = s->token,
                             .host = s->host,
                             .port = s->port};
    int r = loop_create(&s->loop, err);
    if (!r)
        r = loop_signals(s->loop, &ends, on_signal, s->loop, err);
    if (!r)
        r = site_create(s->loop, &spec, &s->site, err);
    if (r)
        return r;
    if (!s->handle)
        s->handle = default_handle(s);
    return write_handle(s, err);
}

static void close_site(struct start *s)
{
    if (s->handle)
        remove_handle(s);
    site_destroy(s->site);
    loop_destroy(s->loop);
}

static const char *announcement(struct start *s)
{
    json_t *said = json_keep(s->pool, json_object());
    json_put_str(said, "url", site_url(s->site));
    json_put_str(said, "admin_token", s->token);
    json_put_str(said, "handle_file", s->handle);
    return json_pretty(s->pool, said);
}

static int serve_here(struct start *s)
{
    struct err err = {0};
    int r = open_site(s, &err);
    if (!r) {
        fputs(announcement(s), stdout);
        fflush(stdout);
        if (s->ready_fd >= 0 && write(s->ready_fd, "\n", 1) != 1)
            r = err_sys(&err, E_IO, "cannot write to --ready-fd %d", s->ready_fd);
    }
    if (!r)
        r = loop_run(s->loop, &err);
    if (r)
        cmd_error("%s", err.msg);
    close_site(s);
    return r ? 1 : 0;
}

/* The process that stays: nothing inherited but the pipe that says how it went. */
static _Noreturn void serve_apart(struct start *s, int report)
{
    struct err err = {0};
    int null = open("/dev/null", O_RDWR);
    report = fcntl(report, F_DUPFD, 3); /* out of the way of the three below */
    setsid();
    if (report < 0 || chdir("/") || dup2(null, 0) != 0 || dup2(null, 1) != 1 || dup2(null, 2) != 2)
        _exit(1);
    if (report > 3)
        close_range(3, (unsigned)report - 1, 0);
    close_range((unsigned)report + 1, ~0u, 0);
    int r = open_site(s, &err);
    const char *text = r ? err.msg : announcement(s);
    if (write(report, text, strlen(text)) < 0)
        r = E_IO;
    close(report);
    if (!r)
        r = loop_run(s->loop, &err);
    close_site(s);
    _exit(r ? 1 : 0);
}

static int start_apart(struct start *s)
{
    int p[2];
    if (pipe2(p, O_CLOEXEC)) {
        cmd_error("cannot make a pipe: %s", strerror(errno));
        return 1;
    }
    pid_t pid = fork();
    if (pid == 0)
        serve_apart(s, p[1]);
    close(p[1]);
    char said[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(said) - 1 && (n = read(p[0], said + len, sizeof(said) - 1 - len)) > 0)
        len += (size_t)n;
    close(p[0]);
    said[len] = 0;
    if (said[0] == '{') {
        fputs(said, stdout);
        return 0;
    }
    cmd_error("%s", pid < 0 ? "cannot start a process"
                    : len   ? said
                            : "the site's process ended before it was ready");
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return 1;
}

/* Two sites with one handle file would leave the first one without any. */
static bool handle_is_taken(struct start *s)
{
    json_t *handle;
    if (!s->handle || read_handle(s->pool, s->handle, &handle, NULL))
        return false;
    int fd = open_process(s->pool, handle);
    if (fd < 0)
        return false;
    close(fd);
    cmd_error(
        "'%s' belongs to a site that is running (pid %d); `mantis env stop --handle %s` ends it",
        s->handle, (int)json_int(handle, "pid", 0), s->handle);
    return true;
}

static int start_site(struct start *s)
{
    struct err err = {0};
    if (practice_dir(s->pool, s->env, &s->dir, &err)) {
        cmd_error("%s", err.msg);
        return 1;
    }
    if (s->handle)
        s->handle = input_absolute(s->pool, s->handle);
    if (handle_is_taken(s))
        return 1;
    return s->foreground ? serve_here(s) : start_apart(s);
}

static int env_start(int argc, char **argv)
{
    struct start s = {.seed = 42, .ready_fd = -1};
    const struct option options[] = {
        {"--env", NULL, OPTION_STRING, &s.env, "NAME", "which site; without one they are listed"},
        {"--seed", NULL, OPTION_INT, &s.seed, "N", "the same seed gives the same site (42)"},
        {"--port", NULL, OPTION_INT, &s.port, "N", "port to listen on (a free one)"},
        {"--host", NULL, OPTION_STRING, &s.host, "ADDR",
         "numeric address to listen on (127.0.0.1)"},
        {"--handle", NULL, OPTION_STRING, &s.handle, "FILE",
         "where to write the handle ($TMPDIR/mantis-env-NAME-PID.json)"},
        {"--foreground", NULL, OPTION_FLAG, &s.foreground, NULL,
         "serve until SIGTERM instead of leaving a process behind"},
        {"--ready-fd", NULL, OPTION_INT, &s.ready_fd, "N",
         "with --foreground: write a newline there when it answers"},
        {NULL, NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    int n_args, code;
    if (!options_read(options, "mantis env start --env NAME [options]", argc, argv, NULL, 0,
                      &n_args, &code))
        return code;
    if (!s.env || !is_known(s.env))
        return usage_error(s.env);
    log_setup();
    s.pool = pool_create(NULL);
    code = start_site(&s);
    pool_destroy(s.pool);
    return code;
}

/* --- stop ---------------------------------------------------------------------------------- */

static int end_process(int pidfd, struct err *err)
{
    struct pollfd ended = {.fd = pidfd, .events = POLLIN};
    static const int signals[] = {SIGTERM, SIGKILL};
    for (size_t i = 0; i < ARRAY_SIZE(signals); i++) {
        if (syscall(SYS_pidfd_send_signal, pidfd, signals[i], NULL, 0) && errno != ESRCH)
            return err_sys(err, E_IO, "cannot end the site's process");
        if (poll(&ended, 1, STOP_GRACE_MS) > 0)
            return 0;
    }
    return err_set(err, E_TIMEOUT, "the site's process does not end");
}

static int stop_site(struct pool *pool, const char *path, struct err *err)
{
    json_t *handle;
    int r = read_handle(pool, path, &handle, err);
    if (r)
        return r;
    int pidfd = open_process(pool, handle);
    if (pidfd < 0) {
        cmd_warning("the site of '%s' was not running any more", path);
    } else {
        r = end_process(pidfd, err);
        close(pidfd);
    }
    if (!r && unlink(path) && errno != ENOENT)
        r = err_sys(err, E_IO, "cannot remove '%s'", path);
    return r;
}

static int env_stop(int argc, char **argv)
{
    const char *path = NULL;
    const struct option options[] = {
        {"--handle", NULL, OPTION_STRING, &path, "FILE",
         "what `mantis env start` called handle_file"},
        {NULL, NULL, OPTION_FLAG, NULL, NULL, NULL},
    };
    int n_args, code;
    if (!options_read(options, "mantis env stop --handle FILE", argc, argv, NULL, 0, &n_args,
                      &code))
        return code;
    if (!path) {
        cmd_error("--handle FILE is missing");
        return 2;
    }
    struct err err = {0};
    struct pool *pool = pool_create(NULL);
    int r = stop_site(pool, path, &err);
    if (r)
        cmd_error("%s", err.msg);
    pool_destroy(pool);
    return r ? 1 : 0;
}

int cmd_env(int argc, char **argv)
{
    static const struct command commands[] = {
        {"start", env_start, "start a practice site and print its address and admin token"},
        {"stop", env_stop, "stop the site of a handle file"},
        {NULL, NULL, NULL},
    };
    return cmd_dispatch(commands, "mantis env",
                        "Practice web sites: made-up, seeded, with their own truth.", argc, argv);
}
