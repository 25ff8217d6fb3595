#include "sched/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/log.h"
#include "store/upkeep.h"
#include "sys/ipc.h"

#define LOGGER     "mantis.control"
#define SILENCE_MS 10000 /* from a client that says nothing, or does not go after its answer */
#define HOLD_MS    600000 /* the longest that a command may keep runs off a profile */
#define STEP_MS    1     /* between two steps of a copy: what arrived meanwhile is served first */

struct client {
    struct client *next;
    struct control *control;
    struct ipc *ipc;
    struct loop_timer silence, work;
    struct store_backup *job; /* NULL: none under way */
    struct sched_hold *hold;  /* NULL: it holds no profile */
    int said_percent;
};

struct control {
    struct loop *loop;
    struct store *store;
    struct sched *sched; /* NULL: none */
    struct loop_fd *watch;
    int fd;
    int dir_fd; /* the data directory: its path may be longer than a socket's address */
    struct client *clients;
    int n_clients;
    control_engine_fn *engine; /* NULL: there is none */
    void *engine_arg;
};

/* --- clients -----------------------------------------------------------------------------------
 */

static void drop(struct client *c)
{
    struct client **at = &c->control->clients;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->control->n_clients--;
    loop_timer_clear(&c->silence);
    loop_timer_clear(&c->work);
    store_backup_end(c->job);
    sched_profile_release(c->hold);
    ipc_destroy(c->ipc);
    free(c);
}

static void too_silent(void *arg)
{
    drop(arg);
}

static void send_message(struct client *c, json_t *message)
{
    if (ipc_send(c->ipc, message)) /* its end comes as on_close */
        log_debug(LOGGER, NULL, "a client went before its answer");
    json_decref(message);
}

/* The last word: the client goes when it has read it. */
static void answer(struct client *c, json_t *message)
{
    if (!c->job) /* it was refused another one meanwhile */
        loop_timer_set(c->control->loop, &c->silence, SILENCE_MS, too_silent, c);
    send_message(c, message);
}

static void answer_error(struct client *c, const struct err *err)
{
    answer(c, json_pack("{s:s,s:i,s:s}", "type", "error", "code", err->code, "message", err->msg));
}

static void copy_more(void *arg)
{
    struct client *c = arg;
    struct err err = {0};
    int percent = c->said_percent;
    int r = store_backup_step(c->job, &percent, &err);
    if (percent != c->said_percent) {
        c->said_percent = percent;
        send_message(c, json_pack("{s:s,s:i}", "type", "progress", "percent", percent));
    }
    if (!r) {
        loop_timer_set(c->control->loop, &c->work, STEP_MS, copy_more, c);
        return;
    }
    store_backup_end(c->job);
    c->job = NULL;
    if (r < 0) {
        log_warning(LOGGER, NULL, "backup: %s", err.msg);
        answer_error(c, &err);
    } else {
        log_info(LOGGER, NULL, "backup: done");
        answer(c, json_pack("{s:s}", "type", "done"));
    }
}

static int start_backup(struct client *c, const json_t *message, struct err *err)
{
    const char *to = json_str(message, "to", "");
    if (*to != '/')
        return err_set(err, E_INVALID, "backup: 'to' takes an absolute path");
    for (struct client *o = c->control->clients; o; o = o->next)
        if (o->job)
            return err_set(err, E_CONFLICT,
                           "another backup is under way: try again when it is done");
    int r = store_backup_begin(c->control->store, to, &c->job, err);
    if (r)
        return r;
    log_info(LOGGER, NULL, "backup: started");
    loop_timer_clear(&c->silence);
    loop_timer_set(c->control->loop, &c->work, 0, copy_more, c);
    return 0;
}

/* --- profiles ----------------------------------------------------------------------------------
 */

static int list_profiles(struct client *c, const json_t *message, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    json_t *in_use;
    int r = sched_profiles_in_use(c->control->sched, pool, &in_use, err);
    if (!r)
        answer(c, json_pack("{s:s,s:O}", "type", "done", "in_use", in_use));
    pool_destroy(pool);
    return r;
}

/* Until the client goes, which it does when it has done its work on the files. */
static int hold_profile(struct client *c, const json_t *message, struct err *err)
{
    const char *tenant = json_str(message, "tenant", ""), *profile = json_str(message, "profile", "");
    if (c->hold)
        return err_set(err, E_CONFLICT, "this client holds a profile already");
    int r = sched_profile_hold(c->control->sched, tenant, profile, &c->hold, err);
    if (r)
        return r;
    log_info(LOGGER, NULL, "profile '%s' is held for a command", profile);
    send_message(c, json_pack("{s:s}", "type", "done"));
    loop_timer_set(c->control->loop, &c->silence, HOLD_MS, too_silent, c);
    return 0;
}

/* --- the model server --------------------------------------------------------------------------
 */

static int show_engine(struct client *c, const json_t *message, struct err *err)
{
    struct control *control = c->control;
    if (!control->engine)
        return err_set(err, E_NOT_FOUND, "this serve has no model server: its brain needs none (MANTIS_BRAIN, "
                       "MANTIS_MODEL_URL)");
    answer(c, json_pack("{s:s,s:o}", "type", "done", "engine", control->engine(control->engine_arg)));
    return 0;
}

static const struct {
    const char *type;
    int (*fn)(struct client *c, const json_t *message, struct err *err);
    bool needs_sched;
} requests[] = {
    {"backup", start_backup, false},
    {"profiles", list_profiles, true},
    {"profile_hold", hold_profile, true},
    {"engine", show_engine, false},
};

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct client *c = arg;
    struct err err = {0};
    size_t i = 0;
    while (i < ARRAY_SIZE(requests) && strcmp(requests[i].type, type) != 0)
        i++;
    bool known = i < ARRAY_SIZE(requests) && (c->control->sched || !requests[i].needs_sched);
    int r = known ? requests[i].fn(c, message, &err)
                  : err_set(&err, E_UNSUPPORTED, "this serve does not know the request '%.40s'", type);
    if (r)
        answer_error(c, &err);
}

static void on_close(void *arg, int code)
{
    struct client *c = arg;
    if (c->job)
        log_warning(LOGGER, NULL, "backup: given up, its client is gone");
    drop(c);
}

/* The socket's mode keeps others out; this says so where modes are not kept. */
static bool may_enter(int fd)
{
    struct ucred who;
    socklen_t len = sizeof(who);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == 0 || who.uid == geteuid());
}

static void let_in(struct control *control, int fd)
{
    struct err err = {0};
    struct client *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    c->control = control;
    if (ipc_create(control->loop, fd, on_message, on_close, c, &c->ipc, &err)) {
        log_warning(LOGGER, NULL, "%s", err.msg);
        close(fd);
        free(c);
        return;
    }
    c->next = control->clients;
    control->clients = c;
    control->n_clients++;
    loop_timer_set(control->loop, &c->silence, SILENCE_MS, too_silent, c);
}

static void on_connect(void *arg, uint32_t events)
{
    struct control *control = arg;
    int fd = accept4(control->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (control->n_clients >= CAP_CONTROL_CLIENTS || !may_enter(fd))
        close(fd);
    else
        let_in(control, fd);
}

/* --- the socket ---------------------------------------------------------------------------------
 */

static int open_dir(const char *data_dir, struct err *err)
{
    int fd = open(data_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    return fd < 0 ? err_sys(err, errno == ENOENT ? E_NOT_FOUND : E_IO,
                            "cannot open the data directory '%s'", data_dir)
                  : fd;
}

static struct sockaddr_un address_in(int dir_fd)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/" CONTROL_SOCKET, dir_fd);
    return a;
}

/* 0600 from its first moment: the umask counts for sockets. */
static int listen_in(int dir_fd, int fd)
{
    struct sockaddr_un a = address_in(dir_fd);
    unlinkat(dir_fd, CONTROL_SOCKET, 0);
    mode_t before = umask(0177);
    int r = bind(fd, (struct sockaddr *)&a, sizeof(a));
    umask(before);
    return r ? r : listen(fd, CAP_CONTROL_CLIENTS);
}

int control_create(struct loop *loop, struct store *store, struct sched *sched,
                   const char *data_dir, struct control **out, struct err *err)
{
    struct control *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    *c = (struct control){.loop = loop, .store = store, .sched = sched, .fd = -1};
    c->dir_fd = open_dir(data_dir, err);
    int r = c->dir_fd < 0 ? c->dir_fd : 0;
    if (!r) {
        c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (c->fd < 0 || listen_in(c->dir_fd, c->fd))
            r = err_sys(err, E_IO, "cannot listen on '%s/%s'", data_dir, CONTROL_SOCKET);
    }
    if (!r)
        r = loop_fd_add(loop, c->fd, EPOLLIN, on_connect, c, &c->watch, err);
    if (r)
        control_destroy(c);
    else
        *out = c;
    return r;
}

void control_show_engine(struct control *control, control_engine_fn *fn, void *arg)
{
    control->engine = fn;
    control->engine_arg = arg;
}

void control_destroy(struct control *control)
{
    if (!control)
        return;
    while (control->clients)
        drop(control->clients);
    loop_fd_remove(control->watch);
    if (control->fd >= 0) {
        close(control->fd);
        unlinkat(control->dir_fd, CONTROL_SOCKET, 0);
    }
    if (control->dir_fd >= 0)
        close(control->dir_fd);
    free(control);
}

int control_connect(const char *data_dir, int *ret_fd, struct err *err)
{
    int dir = open_dir(data_dir, err);
    if (dir < 0)
        return dir;
    struct sockaddr_un a = address_in(dir);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), r = 0;
    if (fd < 0)
        r = err_sys(err, E_IO, "cannot make a socket");
    else if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
        r = errno == ENOENT || errno == ECONNREFUSED
                ? err_set(err, E_NOT_FOUND,
                          "no serve listens in '%s': is it running, with this data directory?", data_dir)
            : errno == EACCES || errno == EPERM
                ? err_set(
                      err, E_FORBIDDEN,
                      "the serve on '%s' belongs to another user: run this as that user or root",
                      data_dir)
                : err_sys(err, E_IO, "cannot reach the serve on '%s'", data_dir);
    else
        fcntl(fd, F_SETFL, O_NONBLOCK);
    if (r && fd >= 0)
        close(fd);
    else if (!r)
        *ret_fd = fd;
    close(dir);
    return r;
}
