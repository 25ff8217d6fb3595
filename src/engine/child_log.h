/*
 * child_log.h - what a model server writes: a file that is kept small, and its last lines in memory.
 *
 * At each start the file of the start before becomes <path>.1; so does one that has grown to
 * CAP_ENGINE_LOG_BYTES. Where the file cannot be written, the last lines are still there.
 * Threads: the loop's.
 */
#ifndef MANTIS_ENGINE_CHILD_LOG_H
#define MANTIS_ENGINE_CHILD_LOG_H

#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "sys/loop.h"

struct child_log {
    struct loop *loop;
    const char *path; /* borrowed */
    int file_fd;      /* -1: it cannot be written */
    size_t file_bytes;
    int pipe_fd; /* -1: nothing is read */
    struct loop_fd *watch;
    struct buf tail;
};

void child_log_init(struct child_log *log, struct loop *loop, const char *path);
void child_log_release(struct child_log *log);

/* A new file, and the end of a pipe for the process to write to: the caller closes it. E_IO. */
int child_log_begin(struct child_log *log, int *ret_fd, struct err *err) MUST_CHECK;

/* Takes what is still in the pipe and closes it: its writer has ended. */
void child_log_finish(struct child_log *log);

/* The last lines since the last start, whole ones, at most max_bytes of them; "" none. */
char *child_log_tail(const struct child_log *log, struct pool *pool, size_t max_bytes);

#endif
