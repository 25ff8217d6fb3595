#include "engine/child.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/str.h"

void child_init(struct child *child, struct loop *loop, const char *log_path, child_end_fn *fn, void *arg)
{
    *child = (struct child){.loop = loop, .proc = PROC_NONE, .on_end = fn, .arg = arg};
    child_log_init(&child->log, loop, log_path);
}

static void unwatch(struct child *child)
{
    loop_fd_remove(child->watch);
    child->watch = NULL;
}

void child_release(struct child *child)
{
    unwatch(child);
    child_signal(child, SIGKILL);
    proc_end(&child->proc, 0);
    child_log_release(&child->log);
}

/* --- its environment ---------------------------------------------------------------------------- */

static bool ends_with(const char *name, size_t len, const char *end)
{
    size_t n = strlen(end);
    return len >= n && memcmp(name + len - n, end, n) == 0;
}

/* What the model hub asks for is the model server's own. */
bool child_hides(const char *entry)
{
    static const char *const kept[] = {"HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"};
    static const char *const ends[] = {"_KEY", "_TOKEN", "_SECRET", "_PASS", "_PASSWORD", "_CREDENTIALS"};
    size_t len = strcspn(entry, "=");
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (strlen(kept[i]) == len && memcmp(entry, kept[i], len) == 0)
            return false;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
        if (ends_with(entry, len, ends[i]))
            return true;
    return strncmp(entry, "MANTIS_", 7) == 0;
}

static const char *const *child_env(struct pool *pool)
{
    size_t n = 0, kept = 0;
    while (environ[n])
        n++;
    const char **env = pool_alloc(pool, (n + 1) * sizeof(*env));
    for (size_t i = 0; i < n; i++)
        if (!child_hides(environ[i]))
            env[kept++] = environ[i];
    return env;
}

/* --- its life ----------------------------------------------------------------------------------- */

static void on_pidfd(void *arg, uint32_t events)
{
    struct child *child = arg;
    int status = 0;
    if (proc_alive(&child->proc))
        return;
    child_signal(child, SIGKILL); /* what it started; not reaped yet, its number is still its own */
    unwatch(child);
    child_log_finish(&child->log);
    proc_reap(&child->proc, &status);
    struct pool *pool = pool_create(NULL);
    child->on_end(child->arg, proc_describe_status(pool, status));
    pool_destroy(pool);
}

static int spawn(struct child *child, struct pool *pool, const char *const *argv, int log_fd, struct err *err)
{
    struct proc_fd fds[] = {{.from = log_fd, .to = STDOUT_FILENO}, {.from = log_fd, .to = STDERR_FILENO}};
    struct proc_spec spec = {.argv = argv,
                             .env = child_env(pool),
                             .fds = fds,
                             .n_fds = ARRAY_SIZE(fds),
                             .flags = PROC_DIE_WITH_PARENT | PROC_OWN_SESSION};
    return proc_spawn(&spec, &child->proc, err);
}

int child_launch(struct child *child, const char *const *argv, struct err *err)
{
    int log_fd, r = child_log_begin(&child->log, &log_fd, err);
    if (r)
        return r;
    struct pool *pool = pool_create(NULL);
    r = spawn(child, pool, argv, log_fd, err);
    pool_destroy(pool);
    close(log_fd);
    r = r ? r : loop_fd_add(child->loop, child->proc.pidfd, EPOLLIN, on_pidfd, child, &child->watch, err);
    if (r) {
        proc_end(&child->proc, 0);
        child_log_finish(&child->log);
    }
    return r;
}

void child_signal(const struct child *child, int signo)
{
    if (child->proc.pid > 1)
        kill(-child->proc.pid, signo);
}

/* --- where it listens --------------------------------------------------------------------------- */

/* A listener that holds the port refuses us even on another address of it; one that is long gone does
 * not. */
static int try_port(int port, int *ret_port)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    int r = fd < 0 || bind(fd, (struct sockaddr *)&a, len) || listen(fd, 1) ||
            getsockname(fd, (struct sockaddr *)&a, &len);
    if (fd >= 0)
        close(fd);
    *ret_port = ntohs(a.sin_port);
    return r ? -1 : 0;
}

int child_free_port(int wanted, int *ret_port, struct err *err)
{
    if (try_port(wanted, ret_port) && try_port(0, ret_port))
        return err_sys(err, E_IO, "there is no free port on 127.0.0.1 for the model server");
    return 0;
}
