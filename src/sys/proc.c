#include "sys/proc.h"
#include "base/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/sched.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEEP_MAX    16
#define TMP_OPTIONS "mode=1777,size=1g" /* what one run may put into its /tmp */
#define SPARE_FD    200 /* mapped descriptors are parked above this while 0..n are rearranged */

/* Between clone and exec only async-signal-safe calls are allowed: other threads may hold locks. */

static void fail(int report_fd)
{
    int e = errno;
    if (write(report_fd, &e, sizeof(e)) < 0) {
        /* the parent is gone too */
    }
    _exit(127);
}

/* Make path and its parents; what exists is fine. */
static int make_path(const char *path)
{
    char part[PATH_MAX];
    size_t len = strlen(path);
    if (len >= sizeof(part))
        return -1;
    for (size_t i = 1; i <= len; i++) {
        if (path[i] && path[i] != '/')
            continue;
        memcpy(part, path, i);
        part[i] = 0;
        if (mkdir(part, 0711) && errno != EEXIST)
            return -1;
    }
    return 0;
}

/* Show a directory that the new /tmp hides at its old place again; fd was opened before. */
static int show_again(int fd, const char *path)
{
    char source[64];
    snprintf(source, sizeof(source), "/proc/self/fd/%d", fd);
    if (make_path(path))
        return -1;
    return mount(source, path, NULL, MS_BIND, NULL);
}

static int enter_private_mounts(const struct proc_spec *spec)
{
    int kept[KEEP_MAX], n = 0;
    for (; spec->keep && spec->keep[n]; n++) {
        bool hidden = strncmp(spec->keep[n], "/tmp/", 5) == 0;
        if (n == KEEP_MAX)
            return -1;
        kept[n] = hidden ? open(spec->keep[n], O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
        if (hidden && kept[n] < 0)
            return -1;
    }
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
        return -1;
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL))
        return -1;
    if (mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777"))
        return -1;
    if (mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, TMP_OPTIONS))
        return -1;
    for (int i = 0; i < n; i++)
        if (kept[i] >= 0 && show_again(kept[i], spec->keep[i]))
            return -1;
    return 0;
}

static int arrange_fds(const struct proc_spec *spec, int *report_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int parked[16];
    if (null < 0 || spec->n_fds > ARRAY_SIZE(parked))
        return -1;
    if ((*report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, SPARE_FD)) < 0)
        return -1;
    for (size_t i = 0; i < spec->n_fds; i++)
        if ((parked[i] = fcntl(spec->fds[i].from, F_DUPFD_CLOEXEC, SPARE_FD)) < 0)
            return -1;
    if ((null = fcntl(null, F_DUPFD_CLOEXEC, SPARE_FD)) < 0)
        return -1;
    if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC))
        return -1;
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0)
            return -1;
    for (size_t i = 0; i < spec->n_fds; i++)
        if (dup2(parked[i], spec->fds[i].to) < 0)
            return -1;
    return 0;
}

static int drop_to(uid_t uid)
{
    if (!uid)
        return 0;
    if (setgroups(0, NULL) || setresgid(uid, uid, uid))
        return -1;
    return setresuid(uid, uid, uid);
}

/* A program named by its path, opened while we may still pass through the directories above it: the
 * user dropped to may not (a checkout in somebody's home). -1: to be found by execvpe(). */
static int open_program(const struct proc_spec *spec)
{
    if (!spec->uid || !strchr(spec->argv[0], '/'))
        return -1;
    int fd = open(spec->argv[0], O_PATH | O_CLOEXEC);
    return fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, SPARE_FD);
}

_Noreturn static void child(const struct proc_spec *spec, int report_fd, pid_t parent)
{
    sigset_t none;
    struct rlimit no_core = {0, 0};
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    signal(SIGPIPE, SIG_DFL);
    setrlimit(RLIMIT_CORE, &no_core); /* a core file could hold a secret */
    if (arrange_fds(spec, &report_fd))
        fail(report_fd);
    if (spec->flags & PROC_OWN_SESSION)
        setsid();
    int program = open_program(spec);
    if ((spec->flags & PROC_ISOLATE) && enter_private_mounts(spec)) {
        errno = EPERM; /* whatever the sandbox around us answers: namespaces cannot be used here */
        fail(report_fd);
    }
    if (drop_to(spec->uid))
        fail(report_fd);
    if (chdir(spec->cwd ? spec->cwd : "/"))
        fail(report_fd);
    /* After the uid change, which clears it. The parent may have died before; in a new PID
     * namespace getppid() is 0 and the dead parent's closed descriptors end us instead. */
    if (spec->flags & PROC_DIE_WITH_PARENT) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (!(spec->flags & PROC_ISOLATE) && getppid() != parent)
            _exit(127);
    }
    if (program >= 0)
        execveat(program, "", (char *const *)spec->argv, (char *const *)spec->env, AT_EMPTY_PATH);
    execvpe(spec->argv[0], (char *const *)spec->argv, (char *const *)spec->env);
    fail(report_fd);
    _exit(127);
}

static pid_t clone_child(unsigned flags, int *ret_pidfd)
{
    /* Not clone3: container sandboxes answer it with ENOSYS, because they cannot look at its flags. */
    unsigned long how = CLONE_PIDFD | SIGCHLD;
    if (flags & PROC_ISOLATE)
        how |= CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC;
    return (pid_t)syscall(SYS_clone, how, NULL, ret_pidfd, NULL, NULL);
}

bool proc_is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

char *proc_find_program(struct pool *pool, const char *name)
{
    if (strchr(name, '/'))
        return proc_is_program(name) ? pool_strdup(pool, name) : NULL;
    const char *path = getenv("PATH");
    for (const char *p = path && *path ? path : "/usr/local/bin:/usr/bin:/bin"; *p;) {
        size_t n = strcspn(p, ":");
        char *full = pool_printf(pool, "%.*s/%s", (int)n, p, name);
        if (n && proc_is_program(full))
            return full;
        p += n + (p[n] == ':');
    }
    return NULL;
}

int proc_spawn(const struct proc_spec *spec, struct proc *out, struct err *err)
{
    int report[2], pidfd = -1, child_errno = 0;
    if (pipe2(report, O_CLOEXEC))
        return err_sys(err, E_IO, "cannot start '%s'", spec->argv[0]);
    pid_t parent = getpid();
    pid_t pid = clone_child(spec->flags, &pidfd);
    if (pid == 0)
        child(spec, report[1], parent);
    int saved = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        errno = saved;
        return err_sys(err, saved == EPERM ? E_FORBIDDEN : E_IO, "cannot start '%s'", spec->argv[0]);
    }
    ssize_t n;
    do
        n = read(report[0], &child_errno, sizeof(child_errno));
    while (n < 0 && errno == EINTR);
    close(report[0]);
    *out = (struct proc){.pid = pid, .pidfd = pidfd};
    if (n != (ssize_t)sizeof(child_errno))
        return 0; /* exec closed the pipe */
    int status;
    waitpid(pid, &status, 0);
    close(pidfd);
    *out = PROC_NONE;
    errno = child_errno;
    int code = child_errno == ENOENT ? E_NOT_FOUND : child_errno == EPERM ? E_FORBIDDEN : E_IO;
    return err_sys(err, code, "cannot start '%s'", spec->argv[0]);
}

bool proc_alive(const struct proc *p)
{
    struct pollfd pfd = {.fd = p->pidfd, .events = POLLIN};
    return p->pid && poll(&pfd, 1, 0) == 0;
}

void proc_signal(const struct proc *p, int signo)
{
    if (p->pid)
        syscall(SYS_pidfd_send_signal, p->pidfd, signo, NULL, 0);
}

bool proc_reap(struct proc *p, int *ret_status)
{
    int status = 0;
    if (!p->pid)
        return false;
    pid_t got = waitpid(p->pid, &status, WNOHANG);
    if (got == 0)
        return false;
    close(p->pidfd);
    *p = PROC_NONE;
    if (ret_status)
        *ret_status = got < 0 ? 0 : status;
    return true;
}

static bool wait_end(const struct proc *p, int timeout_ms)
{
    struct pollfd pfd = {.fd = p->pidfd, .events = POLLIN};
    int64_t deadline = clock_mono_ms() + timeout_ms;
    for (;;) {
        int64_t left = deadline - clock_mono_ms();
        int n = poll(&pfd, 1, left > 0 ? (int)left : 0);
        if (n > 0)
            return true;
        if (n == 0 || errno != EINTR)
            return false;
    }
}

void proc_end(struct proc *p, int grace_ms)
{
    if (!p->pid)
        return;
    if (grace_ms > 0) {
        proc_signal(p, SIGTERM);
        wait_end(p, grace_ms);
    }
    proc_signal(p, SIGKILL);
    wait_end(p, 1000);
    proc_reap(p, NULL);
}

/* /proc/<pid>/stat behind the name, which may itself hold blanks and brackets: " S 1 ...", from field
 * 3 on. NULL: no such process. */
static const char *stat_fields(pid_t pid, char *line, size_t size)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, line, size - 1);
    close(fd);
    line[n > 0 ? n : 0] = 0;
    const char *name_end = strrchr(line, ')');
    return name_end ? name_end + 1 : NULL;
}

static pid_t parent_of(pid_t pid)
{
    char line[1024], state;
    int ppid;
    const char *fields = stat_fields(pid, line, sizeof(line));
    if (!fields || sscanf(fields, " %c %d", &state, &ppid) != 2)
        return 0;
    return state == 'Z' ? 0 : ppid;
}

int64_t proc_start_time(pid_t pid)
{
    char line[1024];
    const char *p = stat_fields(pid, line, sizeof(line));
    for (int field = 3; p && field < 22; field++)
        p = strchr(p + 1, ' ');
    return p ? strtoll(p, NULL, 10) : -1;
}

static bool descends_from(pid_t pid, pid_t ancestor)
{
    for (int depth = 0; pid > 1 && depth < 64; depth++) {
        pid = parent_of(pid);
        if (pid == ancestor)
            return true;
    }
    return false;
}

static int kill_round(pid_t self)
{
    DIR *dir = opendir("/proc");
    int killed = 0;
    if (!dir)
        return 0;
    for (struct dirent *e; (e = readdir(dir));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid > 1 && pid != self && descends_from(pid, self)) {
            kill(pid, SIGKILL);
            killed++;
        }
    }
    closedir(dir);
    return killed;
}

void proc_kill_descendants(void)
{
    int64_t deadline = clock_mono_ms() + 1000;
    while (kill_round(getpid()) && clock_mono_ms() < deadline) {
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        poll(NULL, 0, 5); /* the kernel needs a moment to bury them; bounded by the deadline */
    }
}

char *proc_describe_status(struct pool *pool, int status)
{
    if (WIFSIGNALED(status))
        return pool_printf(pool, "killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    return pool_printf(pool, "exited with status %d", WEXITSTATUS(status));
}
