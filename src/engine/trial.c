#include "engine/trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/caps.h"
#include "engine/child.h"
#include "sys/proc.h"

#define PROGRAM  "/proc/self/exe" /* the same program, also when its file was replaced meanwhile */
#define LATE_MS  15000            /* beyond its own deadline; then it is ended */
#define END_MS   1000             /* it takes its display and files away; with proc_end() 2 s at most */

/* What it writes: the result, and what is wrong with the question. */
struct stream {
    int fd;
    struct loop_fd *watch;
    struct buf text;
};

struct trial {
    struct loop *loop;
    struct pool *pool;
    trial_done_fn *fn; /* NULL: it was told, or nobody wants to know */
    void *arg;
    struct proc proc;
    struct loop_fd *watch;
    struct stream out, err;
    struct loop_timer late;
    struct err failure; /* it could not be started */
    bool was_late;
};

/* --- what it is given -------------------------------------------------------------------------- */

static const char *const *command(struct trial *t, const struct engine_target *target, const char *url)
{
    const struct settings *s = target->settings;
    const char *key = target->url ? s->model_key_secret : "";
    const char *words[] = {PROGRAM, "selftest", "--json", "--profile", target->profile, "--url", url,
                           "--model", target->request_model, "--size",
                           pool_printf(t->pool, "%dx%d", s->display_width, s->display_height), "--timeout",
                           pool_printf(t->pool, "%d", s->selftest_timeout_s),
                           *key ? "--key-secret" : NULL, key, NULL};
    const char **argv = pool_alloc(t->pool, sizeof(words));
    memcpy(argv, words, sizeof(words));
    return argv;
}

/* Settings that came from a file, or were never ours by a variable. */
static const char *const *own_settings(struct trial *t, const struct settings *s)
{
    const char **env = pool_alloc(t->pool, 7 * sizeof(*env));
    env[0] = pool_printf(t->pool, "MANTIS_SECRETS_DIR=%s", s->secrets_dir);
    env[1] = pool_printf(t->pool, "MANTIS_REPO_ROOT=%s", s->repo_root);
    env[2] = pool_printf(t->pool, "MANTIS_BROWSER=%s", s->browser);
    env[3] = pool_printf(t->pool, "MANTIS_CHROMIUM_SANDBOX=%s", s->sandbox_off ? "off" : "on");
    env[4] = pool_printf(t->pool, "MANTIS_RUN_UID_BASE=%d", s->run_uid_base);
    env[5] = pool_printf(t->pool, "MANTIS_RUNTIME_CONCURRENCY=%d", s->concurrency);
    return env;
}

static bool is_named_in(const char *const *list, const char *entry)
{
    size_t len = strcspn(entry, "=") + 1;
    while (*list && strncmp(*list, entry, len))
        list++;
    return *list != NULL;
}

/* Ours, without keys of others. */
static const char *const *environment(struct trial *t, const struct settings *s)
{
    const char *const *own = own_settings(t, s);
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    const char **env = pool_alloc(t->pool, (n + 7) * sizeof(*env));
    for (const char *const *e = own; *e; e++)
        env[kept++] = *e;
    for (size_t i = 0; i < n; i++) {
        bool ours = strncmp(environ[i], "MANTIS_", 7) == 0;
        if ((ours || !child_hides(environ[i])) && !is_named_in(own, environ[i]))
            env[kept++] = environ[i];
    }
    return env;
}

/* --- its end ------------------------------------------------------------------------------------ */

static void read_some(void *arg, uint32_t events)
{
    struct stream *s = arg;
    char bytes[4096];
    ssize_t n = read(s->fd, bytes, sizeof(bytes));
    if (n > 0)
        buf_add(&s->text, bytes, (size_t)n);
    else if (n == 0 || errno != EAGAIN)
        loop_fd_events(s->watch, 0);
}

static void read_rest(struct stream *s)
{
    char bytes[4096];
    ssize_t n;
    while (s->fd >= 0 && (n = read(s->fd, bytes, sizeof(bytes))) > 0)
        buf_add(&s->text, bytes, (size_t)n);
}

static void close_stream(struct stream *s)
{
    loop_fd_remove(s->watch);
    s->watch = NULL;
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

/* The last line that it wrote to stderr, or how it ended. */
static const char *no_result(struct trial *t, int status)
{
    const char *said = t->err.text.len ? t->err.text.data : "";
    size_t len = strcspn(said, "\n");
    if (t->failure.code)
        return pool_printf(t->pool, "the self-test cannot be started: %s", t->failure.msg);
    if (t->was_late)
        return "the self-test did not end in time (MANTIS_SELFTEST_TIMEOUT_S)";
    if (len)
        return pool_printf(t->pool, "%.*s", (int)(len > ERR_MSG_MAX ? ERR_MSG_MAX : len), said);
    return pool_printf(t->pool, "the self-test %s", proc_describe_status(t->pool, status));
}

static void tell(struct trial *t, int status)
{
    trial_done_fn *fn = t->fn;
    json_t *doc = NULL;
    struct trial_result r = {.verdict = "unasked", .words = "", .advice = "", .median_px = -1, .max_px = -1};
    if (json_parse(t->out.text.data ? t->out.text.data : "", t->out.text.len, "its result", &doc, NULL)) {
        r.words = no_result(t, status);
    } else {
        json_keep(t->pool, doc);
        r = (struct trial_result){.ok = json_flag(doc, "ok", false),
                                  .verdict = json_str(doc, "verdict", "unasked"),
                                  .words = json_str(doc, "words", ""),
                                  .advice = json_str(doc, "advice", ""),
                                  .median_px = json_num(doc, "median_px", -1),
                                  .max_px = json_num(doc, "max_px", -1),
                                  .hits = (int)json_int(doc, "hits", 0),
                                  .asked = (int)json_int(doc, "asked", 0)};
    }
    t->fn = NULL;
    if (fn)
        fn(t->arg, &r);
}

static void on_end(void *arg, uint32_t events)
{
    struct trial *t = arg;
    int status = 0;
    if (!proc_reap(&t->proc, &status))
        return;
    loop_timer_clear(&t->late);
    loop_fd_remove(t->watch);
    t->watch = NULL;
    read_rest(&t->out);
    read_rest(&t->err);
    close_stream(&t->out);
    close_stream(&t->err);
    tell(t, status);
}

static void on_late(void *arg)
{
    struct trial *t = arg;
    if (t->failure.code) {
        tell(t, 0);
        return;
    }
    t->was_late = true;
    proc_signal(&t->proc, SIGKILL);
}

/* --- its life ----------------------------------------------------------------------------------- */

static int open_stream(struct trial *t, struct stream *s, int *ret_theirs, struct err *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK))
        return err_sys(err, E_IO, "cannot make a pipe");
    s->fd = fds[0];
    *ret_theirs = fds[1];
    return loop_fd_add(t->loop, s->fd, EPOLLIN, read_some, s, &s->watch, err);
}

static int spawn(struct trial *t, const struct engine_target *target, const char *url, struct err *err)
{
    int theirs[2] = {-1, -1};
    int r = open_stream(t, &t->out, &theirs[0], err);
    r = r ? r : open_stream(t, &t->err, &theirs[1], err);
    struct proc_fd fds[] = {{.from = theirs[0], .to = STDOUT_FILENO}, {.from = theirs[1], .to = STDERR_FILENO}};
    const struct proc_spec spec = {.argv = command(t, target, url),
                                   .env = environment(t, target->settings),
                                   .fds = fds,
                                   .n_fds = ARRAY_SIZE(fds),
                                   .flags = PROC_DIE_WITH_PARENT | PROC_OWN_SESSION};
    r = r ? r : proc_spawn(&spec, &t->proc, err);
    for (int i = 0; i < 2; i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
    return r ? r : loop_fd_add(t->loop, t->proc.pidfd, EPOLLIN, on_end, t, &t->watch, err);
}

void trial_start(struct loop *loop, const struct engine_target *target, const char *url, trial_done_fn *fn,
                 void *arg, struct trial **out)
{
    struct trial *t = calloc(1, sizeof(*t));
    if (!t)
        BUG("out of memory");
    *t = (struct trial){.loop = loop,
                        .pool = pool_create(NULL),
                        .fn = fn,
                        .arg = arg,
                        .proc = PROC_NONE,
                        .out.fd = -1,
                        .err.fd = -1};
    buf_init(&t->out.text, CAP_SELFTEST_BYTES);
    buf_init(&t->err.text, CAP_SELFTEST_BYTES);
    int r = spawn(t, target, url, &t->failure);
    int64_t wait_ms = 1000 * (int64_t)target->settings->selftest_timeout_s + LATE_MS;
    loop_timer_set(loop, &t->late, r ? 0 : wait_ms, on_late, t);
    *out = t;
}

void trial_cancel(struct trial *t)
{
    t->fn = NULL;
    loop_timer_clear(&t->late);
    proc_signal(&t->proc, SIGTERM);
}

void trial_destroy(struct trial *t)
{
    if (!t)
        return;
    loop_timer_clear(&t->late);
    loop_fd_remove(t->watch);
    proc_end(&t->proc, END_MS);
    close_stream(&t->out);
    close_stream(&t->err);
    buf_release(&t->out.text);
    buf_release(&t->err.text);
    pool_destroy(t->pool);
    free(t);
}
