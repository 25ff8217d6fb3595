#include "engine/child_log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"

#define LOGGER      "mantis.engine"
#define READ_BYTES  16384
#define LAST_READS  64 /* of what a dead process left in its pipe */

void child_log_init(struct child_log *log, struct loop *loop, const char *path)
{
    *log = (struct child_log){.loop = loop, .path = path, .file_fd = -1, .pipe_fd = -1};
    buf_init(&log->tail, 2 * CAP_ENGINE_LOG_TAIL_BYTES + READ_BYTES);
}

static void close_pipe(struct child_log *log)
{
    loop_fd_remove(log->watch);
    log->watch = NULL;
    if (log->pipe_fd >= 0)
        close(log->pipe_fd);
    log->pipe_fd = -1;
}

static void close_file(struct child_log *log)
{
    if (log->file_fd >= 0)
        close(log->file_fd);
    log->file_fd = -1;
}

void child_log_release(struct child_log *log)
{
    close_pipe(log);
    close_file(log);
    buf_release(&log->tail);
}

/* --- the file ----------------------------------------------------------------------------------- */

static void set_aside(const char *path)
{
    char old[PATH_MAX];
    struct stat st;
    snprintf(old, sizeof(old), "%s.1", path);
    if (lstat(path, &st) == 0 && S_ISREG(st.st_mode) && rename(path, old))
        log_warning(LOGGER, NULL, "cannot rename '%s': %s", path, strerror(errno));
}

/* Always one that we made: its name may be in /tmp, where others can lay links. */
static void new_file(struct child_log *log)
{
    close_file(log);
    set_aside(log->path);
    log->file_bytes = 0;
    log->file_fd = open(log->path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (log->file_fd < 0)
        log_warning(LOGGER, NULL, "the model server's log '%s' cannot be written: %s (MANTIS_MODEL_LOG)",
                    log->path, strerror(errno));
}

static void write_file(struct child_log *log, const char *data, size_t len)
{
    if (log->file_fd >= 0 && log->file_bytes + len > CAP_ENGINE_LOG_BYTES)
        new_file(log);
    if (log->file_fd < 0)
        return;
    if (write(log->file_fd, data, len) != (ssize_t)len) {
        log_warning(LOGGER, NULL, "the model server's log '%s' ends here: %s", log->path, strerror(errno));
        close_file(log);
    }
    log->file_bytes += len;
}

/* --- the pipe ----------------------------------------------------------------------------------- */

/* What is kept begins with a line. */
static void keep_tail(struct child_log *log, const char *data, size_t len)
{
    struct buf *tail = &log->tail;
    buf_add(tail, data, len);
    if (tail->len <= 2 * CAP_ENGINE_LOG_TAIL_BYTES)
        return;
    buf_consume(tail, tail->len - CAP_ENGINE_LOG_TAIL_BYTES);
    const char *end = memchr(tail->data, '\n', tail->len);
    if (end)
        buf_consume(tail, (size_t)(end + 1 - tail->data));
}

/* False: nothing there, or nothing to come. */
static bool read_some(struct child_log *log)
{
    char data[READ_BYTES];
    ssize_t n = read(log->pipe_fd, data, sizeof(data));
    if (n > 0) {
        write_file(log, data, (size_t)n);
        keep_tail(log, data, (size_t)n);
    }
    if (n == 0)
        close_pipe(log);
    return n > 0;
}

static void on_pipe(void *arg, uint32_t events)
{
    read_some(arg);
}

int child_log_begin(struct child_log *log, int *ret_fd, struct err *err)
{
    int ends[2];
    child_log_finish(log);
    buf_clear(&log->tail);
    new_file(log);
    if (pipe2(ends, O_CLOEXEC))
        return err_sys(err, E_IO, "cannot make a pipe for the model server's log");
    log->pipe_fd = ends[0];
    fcntl(log->pipe_fd, F_SETFL, O_NONBLOCK);
    int r = loop_fd_add(log->loop, log->pipe_fd, EPOLLIN, on_pipe, log, &log->watch, err);
    if (r) {
        close_pipe(log);
        close(ends[1]);
        return r;
    }
    *ret_fd = ends[1];
    return 0;
}

void child_log_finish(struct child_log *log)
{
    for (int i = 0; i < LAST_READS && log->pipe_fd >= 0 && read_some(log); i++) {
    }
    close_pipe(log);
}

char *child_log_tail(const struct child_log *log, struct pool *pool, size_t max_bytes)
{
    const char *text = log->tail.data ? log->tail.data : "";
    size_t len = log->tail.len;
    while (len && text[len - 1] == '\n')
        len--;
    const char *from = len > max_bytes ? text + len - max_bytes : text;
    const char *line = from > text ? memchr(from, '\n', (size_t)(text + len - from)) : NULL;
    from = line ? line + 1 : from;
    return pool_strndup(pool, from, (size_t)(text + len - from));
}
