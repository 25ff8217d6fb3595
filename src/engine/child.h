/*
 * child.h - the process of a model server: its own group, our death is its death, its output in a log.
 * Threads: the loop's.
 */
#ifndef MANTIS_ENGINE_CHILD_H
#define MANTIS_ENGINE_CHILD_H

#include "engine/child_log.h"
#include "sys/proc.h"

/* how: "exited with status 1"; good until it returns. The process and all of its group are gone. */
typedef void child_end_fn(void *arg, const char *how);

struct child {
    struct loop *loop;
    struct proc proc;
    struct loop_fd *watch;
    struct child_log log;
    child_end_fn *on_end;
    void *arg;
};

/* log_path is borrowed. */
void child_init(struct child *child, struct loop *loop, const char *log_path, child_end_fn *fn, void *arg);
void child_release(struct child *child); /* ends what still runs, at once */

/* Only when there is none. Its environment is ours without what may be a secret. E_NOT_FOUND: no such
 * program. E_IO. */
int child_launch(struct child *child, const char *const *argv, struct err *err) MUST_CHECK;

void child_signal(const struct child *child, int signo); /* the whole group */

/* A port of 127.0.0.1 that nobody listens on: wanted, else a free one. E_IO: there is none. */
int child_free_port(int wanted, int *ret_port, struct err *err) MUST_CHECK;

/* Does a variable of this name stay with us? */
bool child_hides(const char *entry);

#endif
