/*
 * sweep.c - processes and X locks that outlived the worker they belonged to.
 *
 * An isolated worker leaves nothing: the kernel ends its namespaces. Where namespaces are refused,
 * what is left of it is found by the slot's user among this process's descendants, which orphans
 * stay because it is a subreaper; and after a kill of the server, when they are nobody's, by what
 * they were started with: a HOME inside the tenants' directory, which no process of anybody else
 * has. The user alone would not do: servers on one machine share the range of users. (Xvfb ends by
 * its parent-death signal and leaves its lock in /tmp.)
 */
#include "sched/private.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/str.h"

#define KILL_ROUNDS 16 /* a killed process makes no more children, so two are the rule */

static bool is_in(const char *path, const char *dir)
{
    size_t n = strlen(dir);
    return strncmp(path, dir, n) == 0 && (path[n] == '/' || path[n] == 0);
}

static bool home_in(pid_t pid, const char *dir)
{
    char path[64], env[8192];
    snprintf(path, sizeof(path), "/proc/%d/environ", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, env, sizeof(env) - 1);
    close(fd);
    if (n <= 0)
        return false;
    env[n] = 0;
    for (const char *p = env; p < env + n; p += strlen(p) + 1)
        if (str_starts(p, "HOME="))
            return is_in(p + 5, dir);
    return false;
}

int sweep_processes(const char *dir)
{
    DIR *proc = opendir("/proc");
    int found = 0;
    if (!proc)
        return 0;
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        if (pid <= 1 || pid == getpid() || !home_in(pid, dir))
            continue;
        kill(pid, SIGKILL);
        found++;
    }
    closedir(proc);
    return found;
}

struct who {
    pid_t parent;
    bool is_user, zombie;
};

static bool look_at(pid_t pid, uid_t uid, struct who *out)
{
    char path[64], text[2048];
    unsigned u[4];
    snprintf(path, sizeof(path), "/proc/%d/status", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof(text) - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    /* the name, which the process chooses, is escaped there and cannot hold a line's end */
    const char *state = strstr(text, "\nState:\t"), *parent = strstr(text, "\nPPid:\t");
    const char *users = strstr(text, "\nUid:\t");
    if (!state || !parent || !users ||
        sscanf(users, "\nUid: %u %u %u %u", &u[0], &u[1], &u[2], &u[3]) != 4)
        return false;
    *out = (struct who){.parent = (pid_t)atoi(parent + strlen("\nPPid:\t")),
                        .is_user = u[0] == uid || u[1] == uid || u[2] == uid || u[3] == uid,
                        .zombie = state[strlen("\nState:\t")] == 'Z'};
    return true;
}

/* When one in between dies while we look, the next round sees its child one step nearer. */
static bool is_ours(struct who who, bool *ret_look_again)
{
    while (who.parent > 1 && who.parent != getpid()) {
        if (!look_at(who.parent, 0, &who)) {
            *ret_look_again = true;
            return false;
        }
    }
    return who.parent == getpid();
}

/* True when there may be more: a child that was made while we looked. */
static bool kill_user(uid_t uid)
{
    DIR *proc = opendir("/proc");
    bool again = false;
    if (!proc)
        return false;
    for (struct dirent *e; (e = readdir(proc));) {
        pid_t pid = (pid_t)atoi(e->d_name);
        struct who who;
        if (pid <= 1 || !look_at(pid, uid, &who) || !who.is_user || who.zombie)
            continue;
        if (is_ours(who, &again)) {
            kill(pid, SIGKILL);
            again = true;
        }
    }
    closedir(proc);
    return again;
}

void sweep_user(uid_t uid)
{
    for (int round = 0; round < KILL_ROUNDS && kill_user(uid); round++) {
    }
}

/* Orphans were reparented to this process (it is a subreaper) and stay zombies until waited for; a
 * worker of a slot is left for its slot. */
void sweep_zombies(struct sched *s)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid) {
        if (sched_slot_pid(s, info.si_pid))
            break;
        waitpid(info.si_pid, NULL, WNOHANG);
        info.si_pid = 0;
    }
}

static pid_t lock_owner(int tmp_fd, const char *name, uid_t uid)
{
    char text[32];
    struct stat st;
    int fd = openat(tmp_fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t n = -1;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == uid)
        n = read(fd, text, sizeof(text) - 1);
    close(fd);
    if (n <= 0)
        return 0;
    text[n] = 0;
    return (pid_t)atoi(text);
}

void sweep_x_locks(uid_t uid)
{
    DIR *dir = opendir("/tmp");
    if (!dir)
        return;
    for (struct dirent *e; (e = readdir(dir));) {
        int display, used = 0;
        if (sscanf(e->d_name, ".X%d-lock%n", &display, &used) != 1 || !used || e->d_name[used])
            continue;
        pid_t pid = lock_owner(dirfd(dir), e->d_name, uid);
        if (pid <= 0 || kill(pid, 0) == 0 || errno != ESRCH)
            continue;
        char socket_name[64];
        snprintf(socket_name, sizeof(socket_name), ".X11-unix/X%d", display);
        unlinkat(dirfd(dir), socket_name, 0);
        unlinkat(dirfd(dir), e->d_name, 0);
    }
    closedir(dir);
}
