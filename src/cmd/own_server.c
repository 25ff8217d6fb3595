#include "cmd/own_server.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "sys/file.h"
#include "sys/proc.h"

#define START_MS    20000
#define STOP_MS     15000 /* serve gives its runs 10 s to checkpoint */
#define TOKEN_BYTES 32

struct own_server {
    struct pool *pool;
    struct loop *loop;
    struct proc proc;
    struct loop_fd *log_watch, *exit_watch;
    int log_pipe, log_file;
    struct buf line; /* what of the log is not yet a whole line */
    char token[2 * TOKEN_BYTES + 1];
    char *dir, *url; /* url: set once it listens */
    bool dead;
};

const char *own_server_url(const struct own_server *s)
{
    return s->url;
}

const char *own_server_token(const struct own_server *s)
{
    return s->token;
}

/* serve says once where it listens: "listening host=127.0.0.1 port=43211 ..." */
static void read_line(struct own_server *s, const char *line)
{
    const char *at = strstr(line, "listening ");
    const char *port = at ? strstr(at, " port=") : NULL;
    int n = port ? atoi(port + strlen(" port=")) : 0;
    if (n > 0 && !s->url)
        s->url = pool_printf(s->pool, "http://127.0.0.1:%d", n);
}

static void take_log(struct own_server *s, const char *data, size_t len)
{
    if (write(s->log_file, data, len) != (ssize_t)len && errno != ENOSPC)
        return; /* the log is a help, not the result */
    if (s->url)
        return;
    buf_add(&s->line, data, len);
    for (char *end; s->line.len && (end = memchr(s->line.data, '\n', s->line.len));) {
        *end = 0;
        read_line(s, s->line.data);
        buf_consume(&s->line, (size_t)(end - s->line.data) + 1);
    }
}

static void on_log(void *arg, uint32_t events)
{
    struct own_server *s = arg;
    char chunk[8192];
    ssize_t n;
    while ((n = read(s->log_pipe, chunk, sizeof(chunk))) > 0)
        take_log(s, chunk, (size_t)n);
    if (n == 0) {
        loop_fd_remove(s->log_watch);
        s->log_watch = NULL;
    }
}

static void on_exit_of_server(void *arg, uint32_t events)
{
    struct own_server *s = arg;
    s->dead = true;
    loop_fd_remove(s->exit_watch);
    s->exit_watch = NULL;
}

/* The environment of this process, but with its own token and no other tenants. */
static const char *const *make_env(struct own_server *s)
{
    static const char *const drop[] = {
        "MANTIS_API_TOKEN=", "MANTIS_TENANT_KEYS_PATH=", "MANTIS_TENANT_KEYS_JSON=",
        "MANTIS_DATA_DIR=",  "MANTIS_LOG_FORMAT=",       "LOG_LEVEL="};
    int n = 0, k = 0;
    while (environ[n])
        n++;
    const char **env = pool_alloc(s->pool, sizeof(*env) * (size_t)(n + 2));
    for (int i = 0; i < n; i++) {
        bool keep = true;
        for (size_t d = 0; d < ARRAY_SIZE(drop); d++)
            keep = keep && !str_starts(environ[i], drop[d]);
        if (keep)
            env[k++] = environ[i];
    }
    env[k] = pool_printf(s->pool, "MANTIS_API_TOKEN=%s", s->token);
    return env;
}

/* Run users must reach their own directories below it: 0711. */
static int make_dir(struct own_server *s, struct err *err)
{
    const char *tmp = getenv("TMPDIR");
    s->dir = pool_printf(s->pool, "%s/mantis-run-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
    if (!mkdtemp(s->dir)) {
        s->dir = NULL;
        return err_sys(err, E_IO, "cannot make a temporary directory");
    }
    return chmod(s->dir, 0711) ? err_sys(err, E_IO, "cannot set the mode of '%s'", s->dir) : 0;
}

static int spawn(struct own_server *s, struct err *err)
{
    int log[2];
    char self[4096];
    ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
    if (n <= 0)
        return err_sys(err, E_IO, "cannot find this program's own file");
    self[n] = 0;
    if (pipe2(log, O_CLOEXEC))
        return err_sys(err, E_IO, "cannot make a pipe");
    const char *const argv[] = {self,         "serve",
                                "--host",     "127.0.0.1",
                                "--port",     "0",
                                "--data-dir", pool_printf(s->pool, "%s/data", s->dir),
                                NULL};
    const struct proc_fd fds[] = {{log[1], 2}};
    struct proc_spec spec = {.argv = argv,
                             .env = make_env(s),
                             .fds = fds,
                             .n_fds = ARRAY_SIZE(fds),
                             /* Ctrl-C is for us, who cancel the run before the server ends */
                             .flags = PROC_DIE_WITH_PARENT | PROC_OWN_SESSION};
    int r = proc_spawn(&spec, &s->proc, err);
    close(log[1]);
    s->log_pipe = log[0];
    fcntl(s->log_pipe, F_SETFL, O_NONBLOCK);
    return r;
}

static bool settled(void *arg)
{
    struct own_server *s = arg;
    return s->url || s->dead;
}

static int start(struct own_server *s, const char *log_path, struct err *err)
{
    s->log_file = open(log_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (s->log_file < 0)
        return err_sys(err, E_IO, "cannot write '%s'", log_path);
    int r = make_dir(s, err);
    r = r ? r : spawn(s, err);
    r = r ? r : loop_fd_add(s->loop, s->log_pipe, EPOLLIN, on_log, s, &s->log_watch, err);
    r = r ? r
          : loop_fd_add(s->loop, s->proc.pidfd, EPOLLIN, on_exit_of_server, s, &s->exit_watch, err);
    if (r)
        return r;
    r = loop_wait(s->loop, settled, s, clock_mono_ms() + START_MS);
    if (r == E_CANCELLED)
        return err_set(err, r, "interrupted");
    if (r || s->dead)
        return err_set(err, E_UNAVAILABLE, "mantis serve %s; see '%s'",
                       r ? "does not become ready" : "ended at once", log_path);
    return 0;
}

int own_server_start(struct pool *pool, struct loop *loop, const char *log_path,
                     struct own_server **out, struct err *err)
{
    struct own_server *s = pool_alloc(pool, sizeof(*s));
    *s = (struct own_server){
        .pool = pool, .loop = loop, .proc = PROC_NONE, .log_pipe = -1, .log_file = -1};
    id_random_hex(TOKEN_BYTES, s->token);
    buf_init(&s->line, CAP_SETTINGS_FILE_BYTES);
    int r = start(s, log_path, err);
    if (r)
        own_server_stop(s);
    else
        *out = s;
    return r;
}

static bool is_dead(void *arg)
{
    return ((struct own_server *)arg)->dead;
}

void own_server_stop(struct own_server *s)
{
    if (!s)
        return;
    loop_interrupt_clear(s->loop);
    if (s->proc.pid > 0 && s->exit_watch) {
        proc_signal(&s->proc, SIGTERM);
        int r = loop_wait(s->loop, is_dead, s, clock_mono_ms() + STOP_MS);
        (void)r; /* interrupted or too late: proc_end() kills it */
    }
    loop_fd_remove(s->exit_watch);
    loop_fd_remove(s->log_watch);
    if (s->proc.pid > 0)
        proc_end(&s->proc, 0);
    if (s->log_pipe >= 0)
        close(s->log_pipe);
    if (s->log_file >= 0)
        close(s->log_file);
    buf_release(&s->line);
    explicit_bzero(s->token, sizeof(s->token));
    struct err ignored = {0};
    if (s->dir && file_remove_tree(s->dir, &ignored))
        fprintf(stderr, "warning: %s\n", ignored.msg);
}
