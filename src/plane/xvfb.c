#include "plane/xvfb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* Descriptors in the child. */
#define DISPLAY_FD   3
#define STDERR_FD    2
#define END_GRACE_MS 1000

struct start {
    struct proc *proc;
    int display_fd; /* read end: the server writes its number and a newline when it is ready */
    char number[16];
    size_t len;
    bool closed;
    struct loop_fd *display_watch, *proc_watch;
};

static void on_number(void *arg, uint32_t events)
{
    struct start *s = arg;
    size_t room = sizeof(s->number) - 1 - s->len;
    ssize_t n = room ? read(s->display_fd, s->number + s->len, room) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0) {
        s->len += (size_t)n;
        return;
    }
    s->closed = true;
    loop_fd_remove(s->display_watch);
    s->display_watch = NULL;
}

static void on_exit_of_server(void *arg, uint32_t events)
{
    struct start *s = arg;
    s->closed = true;
    loop_fd_remove(s->proc_watch);
    s->proc_watch = NULL;
}

static bool number_is_there(void *arg)
{
    struct start *s = arg;
    return s->closed || memchr(s->number, '\n', s->len);
}

/* What the server said last, for the message: its last line that is not empty. */
static void last_line(int fd, char *out, size_t size)
{
    char text[4096];
    size_t len = 0;
    ssize_t n;
    while (len < sizeof(text) - 1 && (n = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
        len += (size_t)n;
    while (len && (text[len - 1] == '\n' || text[len - 1] == '\r'))
        len--;
    text[len] = 0;
    char *line = strrchr(text, '\n');
    snprintf(out, size, "%.*s", (int)size - 1, line ? line + 1 : text);
}

/* The server makes its socket here but not always the directory when it is not root. */
static void make_socket_dir(void)
{
    static const char dir[] = "/tmp/.X11-unix";
    if (!mkdir(dir, 01777))
        chmod(dir, 01777); /* the umask took bits away */
}

/*
 * Which display numbers are free, servers started with -displayfd find out by the abstract socket
 * alone: they keep no lock file, and take a socket in /tmp away from whoever has it. So the
 * abstract one stays, but in a worker that is init of its own namespaces: there /tmp is its own,
 * and no other run shall see the display.
 */
static bool tmp_is_private(void)
{
    return getpid() == 1;
}

static int spawn(int width, int height, int display_fd, int stderr_fd, struct proc *out,
                 struct err *err)
{
    char screen[48], fd[8], path[512];
    snprintf(screen, sizeof(screen), "%dx%dx24", width, height);
    snprintf(fd, sizeof(fd), "%d", DISPLAY_FD);
    const char *env_path = getenv("PATH");
    snprintf(path, sizeof(path), "PATH=%s", env_path ? env_path : "/usr/bin:/bin");
    const char *argv[] = {"Xvfb", "-displayfd", fd,      "-screen",  "0",
                          screen, "-nolisten",  "tcp",   "-noreset", "-dpi",
                          "96",   "-nolisten",  "local", NULL};
    if (!tmp_is_private())
        argv[ARRAY_SIZE(argv) - 3] = NULL; /* without the last two */
    const char *const env[] = {path, "HOME=/", "LANG=C.UTF-8", NULL};
    const struct proc_fd fds[] = {{display_fd, DISPLAY_FD}, {stderr_fd, STDERR_FD}};
    const struct proc_spec spec = {
        .argv = argv,
        .env = env,
        .fds = fds,
        .n_fds = ARRAY_SIZE(fds),
        .flags = PROC_DIE_WITH_PARENT,
    };
    int r = proc_spawn(&spec, out, err);
    if (r == E_NOT_FOUND)
        return err_set(err, r, "cannot find the program 'Xvfb': install the package xvfb");
    return r;
}

static int wait_number(struct loop *loop, struct start *s, int64_t deadline_mono_ms, int stderr_fd,
                       struct err *err)
{
    char said[256];
    int r = loop_fd_add(loop, s->display_fd, EPOLLIN, on_number, s, &s->display_watch, err);
    if (!r)
        r = loop_fd_add(loop, s->proc->pidfd, EPOLLIN, on_exit_of_server, s, &s->proc_watch, err);
    if (r)
        return r;
    r = loop_wait(loop, number_is_there, s, deadline_mono_ms);
    if (r == E_CANCELLED)
        return err_set(err, r, "starting the display server: cancelled");
    if (!r && memchr(s->number, '\n', s->len))
        return 0;
    last_line(stderr_fd, said, sizeof(said));
    if (r == E_TIMEOUT)
        return err_set(err, r, "the display server was not ready in time; it said '%s'", said);
    return err_set(err, E_IO, "the display server ended at start; it said '%s'", said);
}

int xvfb_start(struct loop *loop, int width, int height, int64_t deadline_mono_ms, struct xvfb *out,
               struct err *err)
{
    int display[2] = {-1, -1}, errors[2] = {-1, -1};
    struct proc proc = PROC_NONE;
    struct start s = {.proc = &proc};
    int r = 0;
    if (pipe2(display, O_CLOEXEC) || pipe2(errors, O_CLOEXEC) ||
        fcntl(display[0], F_SETFL, O_NONBLOCK) || fcntl(errors[0], F_SETFL, O_NONBLOCK)) {
        r = err_sys(err, E_IO, "cannot make the pipes of the display server");
        goto out;
    }
    make_socket_dir();
    if ((r = spawn(width, height, display[1], errors[1], &proc, err)))
        goto out;
    close(display[1]);
    display[1] = -1;
    s.display_fd = display[0];
    if ((r = wait_number(loop, &s, deadline_mono_ms, errors[0], err)))
        goto out;
    *out = (struct xvfb){.proc = proc};
    snprintf(out->display, sizeof(out->display), ":%d", atoi(s.number));
    proc = PROC_NONE;
out:
    loop_fd_remove(s.display_watch);
    loop_fd_remove(s.proc_watch);
    proc_end(&proc, 0);
    for (int i = 0; i < 2; i++) {
        if (display[i] >= 0)
            close(display[i]);
        if (errors[i] >= 0)
            close(errors[i]);
    }
    return r;
}

void xvfb_stop(struct xvfb *x)
{
    /* SIGTERM lets it remove its socket and lock file. */
    proc_end(&x->proc, END_GRACE_MS);
}
