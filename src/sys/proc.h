/*
 * proc.h - child processes: started with nothing inherited, ended with nothing left.
 *
 * A child is made with clone(CLONE_PIDFD) and execs at once. With PROC_ISOLATE it becomes init of
 * its own PID, mount and IPC namespaces with a /tmp, /proc and /dev/shm of its own, so that when it
 * dies, by any cause, the kernel ends everything below it, and no temp file, X lock or shared
 * memory outlives it. Needs CAP_SYS_ADMIN; elsewhere proc_spawn() fails with E_FORBIDDEN and the
 * caller goes on without it (PROC_DIE_WITH_PARENT and proc_kill_descendants() are the fallback).
 */
#ifndef MANTIS_SYS_PROC_H
#define MANTIS_SYS_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "base/pool.h"
#include "sys/loop.h"

enum proc_flags {
    PROC_DIE_WITH_PARENT = 1 << 0, /* SIGKILL when the thread that spawned it ends */
    PROC_ISOLATE = 1 << 1,         /* own namespaces, see above */
    PROC_OWN_SESSION = 1 << 2,     /* signals of the terminal do not reach it */
};

struct proc_fd {
    int from; /* descriptor here; the caller keeps it */
    int to;   /* its number in the child, >= 0 */
};

struct proc_spec {
    const char *const *argv; /* NULL-terminated; argv[0] is found through PATH */
    const char *const *env;  /* NULL-terminated KEY=VALUE; the child gets exactly these */
    const char *cwd;         /* NULL: "/" */
    const struct proc_fd *fds;
    size_t n_fds;            /* descriptors 0-2 not named here are /dev/null; all others are closed */
    uid_t uid;               /* 0: keep; else uid, gid and no groups, before exec */
    unsigned flags;          /* enum proc_flags */
    const char *const *keep; /* with PROC_ISOLATE: NULL-terminated directories that stay visible
                                although they lie below /tmp; may be NULL */
};

struct proc {
    pid_t pid; /* 0 when there is no process */
    int pidfd; /* readable when it has ended; -1 when there is no process */
};
#define PROC_NONE ((struct proc){0, -1})

bool proc_is_program(const char *path); /* a file that may be run */

/* Where the program is: name itself when it is a path, else through PATH; in pool. NULL: nothing there can be run. */
char *proc_find_program(struct pool *pool, const char *name);

/* E_FORBIDDEN: namespaces refused. E_NOT_FOUND: no such program. E_IO. */
int proc_spawn(const struct proc_spec *spec, struct proc *out, struct err *err) MUST_CHECK;

bool proc_alive(const struct proc *p); /* false once it has ended, reaped or not */
void proc_signal(const struct proc *p, int signo);

/* Reap if it has ended: true and the wait status, and *p becomes PROC_NONE. */
bool proc_reap(struct proc *p, int *ret_status);

/* SIGTERM, wait up to grace_ms, SIGKILL, reap. Blocks at most grace_ms + 1 s; ignores loop_interrupt. */
void proc_end(struct proc *p, int grace_ms);

/* SIGKILL every living descendant of this process but itself, until none is left (at most 1 s).
 * For a worker that is not isolated. */
void proc_kill_descendants(void);

/* When pid started, in clock ticks since boot; with the boot it names one process for ever. -1: no
 * such process. */
int64_t proc_start_time(pid_t pid);

/* "exited with status 3", "killed by signal 9 (Killed)". */
char *proc_describe_status(struct pool *pool, int status);

#endif
