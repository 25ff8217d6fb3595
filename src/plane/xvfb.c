#include "plane/xvfb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xcb/xcb.h>

/* Descriptors in the child. */
#define DISPLAY_FD   3
#define STDERR_FD    2
#define COOKIE_FD    4
#define COOKIE_NAME  "MIT-MAGIC-COOKIE-1"
#define COOKIE_BYTES 16
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
 * The abstract socket stays (no "-nolisten local"): by it alone a server started with -displayfd
 * finds out which numbers are taken. Without, it keeps no lock file, takes the socket in /tmp away
 * from whoever has it, and clients, who try the abstract name first, meet on the wrong display.
 */
static int spawn(const char *screen, bool with_cookie, const struct proc_fd fds[3],
                 struct proc *out, struct err *err)
{
    char display_fd[8], auth[32], path[512];
    const char *env_path = getenv("PATH");
    snprintf(display_fd, sizeof(display_fd), "%d", DISPLAY_FD);
    snprintf(auth, sizeof(auth), "/proc/self/fd/%d", COOKIE_FD);
    snprintf(path, sizeof(path), "PATH=%s", env_path ? env_path : "/usr/bin:/bin");
    const char *const argv[] = {"Xvfb",     "-displayfd", display_fd,  "-screen",
                                "0",        screen,       "-nolisten", "tcp",
                                "-noreset", "-dpi",       "96",        with_cookie ? "-auth" : NULL,
                                auth,       NULL};
    const char *const env[] = {path, "HOME=/", "LANG=C.UTF-8", NULL};
    const struct proc_spec spec = {
        .argv = argv,
        .env = env,
        .fds = fds,
        .n_fds = with_cookie ? 3 : 2,
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

/* --- who may connect ------------------------------------------------------------------------- */

/*
 * Other runs' browsers can reach the display's socket, so it opens with a cookie that only we know;
 * with it we let our own uid in (server-interpreted "localuser") and forget it. As root everybody
 * local may connect: the browser gets another uid then, and only developers do that.
 */
static bool needs_cookie(void)
{
    return geteuid() != 0;
}

/* One Xauthority record for any host and display: big-endian lengths, then the bytes. */
static int write_cookie(int fd, const char cookie[COOKIE_BYTES], struct err *err)
{
    unsigned char record[64] = {0xff, 0xff, 0, 0, 0, 0, 0, sizeof(COOKIE_NAME) - 1};
    size_t len = 8;
    memcpy(record + len, COOKIE_NAME, sizeof(COOKIE_NAME) - 1);
    len += sizeof(COOKIE_NAME) - 1;
    record[len + 1] = COOKIE_BYTES;
    len += 2;
    memcpy(record + len, cookie, COOKIE_BYTES);
    len += COOKIE_BYTES;
    if (write(fd, record, len) != (ssize_t)len)
        return err_sys(err, E_IO, "cannot write the display's cookie");
    return 0;
}

static int let_uid_in(const char *display, char cookie[COOKIE_BYTES], struct err *err)
{
    char name[] = COOKIE_NAME, me[40];
    xcb_auth_info_t auth = {sizeof(COOKIE_NAME) - 1, name, COOKIE_BYTES, cookie};
    xcb_connection_t *conn = xcb_connect_to_display_with_auth_info(display, &auth, NULL);
    int len = snprintf(me, sizeof(me), "localuser%c#%u", 0, (unsigned)geteuid());
    xcb_void_cookie_t done =
        xcb_change_hosts_checked(conn, XCB_HOST_MODE_INSERT, XCB_FAMILY_SERVER_INTERPRETED,
                                 (uint16_t)len, (const uint8_t *)me);
    xcb_generic_error_t *refused = xcb_request_check(conn, done);
    bool ok = !refused && !xcb_connection_has_error(conn);
    free(refused);
    xcb_disconnect(conn);
    return ok ? 0 : err_set(err, E_IO, "the display server does not let us in");
}

/* --- start and end --------------------------------------------------------------------------- */

struct ends {
    int display[2], errors[2], cookie;
};

static int open_ends(struct ends *e, const char cookie[COOKIE_BYTES], struct err *err)
{
    if (pipe2(e->display, O_CLOEXEC) || pipe2(e->errors, O_CLOEXEC) ||
        fcntl(e->display[0], F_SETFL, O_NONBLOCK) || fcntl(e->errors[0], F_SETFL, O_NONBLOCK) ||
        (e->cookie = memfd_create("cookie", MFD_CLOEXEC)) < 0)
        return err_sys(err, E_IO, "cannot make the pipes of the display server");
    return write_cookie(e->cookie, cookie, err);
}

static void close_ends(struct ends *e)
{
    int fds[] = {e->display[0], e->display[1], e->errors[0], e->errors[1], e->cookie};
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

int xvfb_start(struct loop *loop, int width, int height, int64_t deadline_mono_ms, struct xvfb *out,
               struct err *err)
{
    struct ends e = {{-1, -1}, {-1, -1}, -1};
    struct proc proc = PROC_NONE;
    struct start s = {.proc = &proc};
    struct xvfb x = {.proc = PROC_NONE};
    char screen[48], cookie[COOKIE_BYTES];
    if (getrandom(cookie, sizeof(cookie), 0) != sizeof(cookie))
        BUG("no random bytes");
    snprintf(screen, sizeof(screen), "%dx%dx24", width, height);
    int r = open_ends(&e, cookie, err);
    if (r)
        goto out;
    make_socket_dir();
    const struct proc_fd fds[] = {
        {e.display[1], DISPLAY_FD}, {e.errors[1], STDERR_FD}, {e.cookie, COOKIE_FD}};
    if ((r = spawn(screen, needs_cookie(), fds, &proc, err)))
        goto out;
    close(e.display[1]); /* so that its end is the server's */
    e.display[1] = -1;
    s.display_fd = e.display[0];
    if ((r = wait_number(loop, &s, deadline_mono_ms, e.errors[0], err)))
        goto out;
    snprintf(x.display, sizeof(x.display), ":%d", atoi(s.number));
    if (needs_cookie() && (r = let_uid_in(x.display, cookie, err)))
        goto out;
    x.proc = proc;
    proc = PROC_NONE;
    *out = x;
out:
    loop_fd_remove(s.display_watch);
    loop_fd_remove(s.proc_watch);
    proc_end(&proc, 0);
    close_ends(&e);
    return r;
}

void xvfb_stop(struct xvfb *x)
{
    /* SIGTERM lets it remove its socket and lock file. */
    proc_end(&x->proc, END_GRACE_MS);
}
