#include "run/worker.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "core/delta.h"
#include "run/film.h"
#include "run/live.h"
#include "run/minds.h"
#include "run/profile.h"
#include "run/run.h"
#include "run/start.h"
#include "sys/ipc.h"
#include "sys/proc.h"

#define LOGGER "mantis.worker"

enum {
    START_MS = 10000, /* for the parent to say what to do */
    PLANE_START_MS = 45000,
    ACK_MS = 10000,        /* for the parent to have written a journal entry */
    SEND_MS = 5000,        /* for a checkpoint or the last message to leave */
    DRAIN_GRACE_MS = 2000, /* for the step under way to end by itself */
    VIDEO_MS = 10000,      /* for the video to be put together, once the run is over */
    VIDEO_SOON_MS = 1200,  /* the same of a run that was cancelled */
};

struct worker {
    struct loop *loop;
    struct ipc *ipc;
    struct pool *pool;
    json_t *start;
    struct plane *plane;
    struct minds minds;
    struct live *live; /* pictures for whoever watches; NULL: nobody can */
    struct run run;
    bool running;                      /* run is initialised */
    bool ending;                       /* the outcome stands: later messages change nothing */
    bool saves_video;                  /* and only the video is waited for: a stop ends that */
    enum run_stop stop;                /* asked for before the run was initialised */
    bool pausing, person;              /* likewise */
    json_t *answers;                   /* likewise: what came with a resume, owned */
    const char *why_cancelled;         /* in the caller's words; "" none */
    struct loop_timer drain;           /* armed when a drain was asked for */
    const char *wait_key, *wait_state; /* journal entry that is waited for */
    bool acked;
    struct watched {
        int pidfd;
        struct loop_fd *watch; /* NULL: none */
    } watched[2];              /* display and browser */
    struct delta delta;        /* step results that serve has */
    int64_t started_us;        /* clock_mono_us() */
    struct log_ctx log;
};

/* --- from the parent ------------------------------------------------------------------------- */

static void stop(struct worker *w, enum run_stop why)
{
    if (w->ending) {
        if (w->saves_video) /* what there is of it plays */
            loop_interrupt(w->loop);
        return;
    }
    if (w->running) {
        run_stop(&w->run, why);
        return;
    }
    if (w->stop == RUN_STOP_NONE)
        w->stop = why;
    loop_interrupt(w->loop);
}

static void on_start(struct worker *w, const json_t *m)
{
    if (!w->start)
        w->start = json_deep_copy(m);
}

static void on_cancel(struct worker *w, const json_t *m)
{
    w->why_cancelled = pool_strdup(w->pool, json_str(m, "reason", ""));
    stop(w, RUN_STOP_CANCEL);
}

static void drain_now(void *arg)
{
    stop(arg, RUN_STOP_DRAIN);
}

/* A step that is nearly done may end; what is half done then is done again by the next worker. */
static void on_drain(struct worker *w, const json_t *m)
{
    if (!w->running) {
        stop(w, RUN_STOP_DRAIN);
        return;
    }
    if (w->run.stop == RUN_STOP_NONE)
        w->run.stop = RUN_STOP_DRAIN; /* looked at before the next step */
    loop_timer_set(w->loop, &w->drain, DRAIN_GRACE_MS, drain_now, w);
}

static void on_pause(struct worker *w, const json_t *m)
{
    w->pausing = true;
    if (w->running)
        run_pause(&w->run, true);
}

static void on_resume(struct worker *w, const json_t *m)
{
    const json_t *given = json_object_get(m, "user_input");
    w->pausing = false;
    if (w->running) {
        run_answer(&w->run, given);
        run_pause(&w->run, false);
    } else if (json_is_object(given)) {
        json_decref(w->answers);
        w->answers = json_deep_copy(given);
    }
}

static void on_person(struct worker *w, const json_t *m)
{
    w->person = json_flag(m, "here", false);
    if (w->running)
        person_here(&w->run, w->person);
}

static void on_hand(struct worker *w, const json_t *m)
{
    if (w->running)
        person_does(&w->run, json_object_get(m, "hand"));
}

static void on_view(struct worker *w, const json_t *m)
{
    live_watch(w->live, json_flag(m, "regions", false), json_flag(m, "frames", false));
}

static void on_ack(struct worker *w, const json_t *m)
{
    if (w->wait_key && !strcmp(json_str(m, "key", ""), w->wait_key) &&
        !strcmp(json_str(m, "state", ""), w->wait_state))
        w->acked = true;
}

static const struct {
    const char *type;
    void (*fn)(struct worker *w, const json_t *m);
} handlers[] = {{"start", on_start}, {"cancel", on_cancel}, {"drain", on_drain},
                {"pause", on_pause}, {"resume", on_resume}, {"ack", on_ack},
                {"person", on_person}, {"hand", on_hand},     {"view", on_view}};

static void on_message(void *arg, const char *type, const json_t *message)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
        if (!strcmp(handlers[i].type, type))
            handlers[i].fn(arg, message);
}

static void on_close(void *arg, int code)
{
    struct worker *w = arg;
    stop(w, RUN_STOP_PARENT);
}

/* --- to the parent --------------------------------------------------------------------------- */

static void send_event(void *arg, const json_t *event)
{
    struct worker *w = arg;
    json_t *m = json_pack("{s:s,s:O}", "type", "event", "event", event);
    if (ipc_send(w->ipc, m))
        log_debug(LOGGER, &w->log, "an event could not be sent");
    json_decref(m);
}

static int send_checkpoint(void *arg, const json_t *checkpoint, const json_t *events)
{
    struct worker *w = arg;
    json_t *m = json_pack("{s:s,s:o,s:O}", "type", "checkpoint", "checkpoint",
                          delta_make(&w->delta, checkpoint), "events", events);
    int r = ipc_send(w->ipc, m);
    json_decref(m);
    /* Not faster than serve can take them: checkpoints of a long run are large. A cancel or a slow
     * disk may end the wait; the message is queued all the same. */
    return r ? r : ipc_flush(w->ipc, SEND_MS) == E_GONE ? E_GONE : 0;
}

static void send_paused(void *arg, const json_t *pause)
{
    struct worker *w = arg;
    json_t *m = json_copy((json_t *)pause);
    json_put_str(m, "type", "paused");
    if (ipc_send(w->ipc, m))
        log_debug(LOGGER, &w->log, "paused could not be sent");
    json_decref(m);
}

static void send_unpaused(void *arg)
{
    struct worker *w = arg;
    json_t *m = json_pack("{s:s}", "type", "unpaused");
    if (ipc_send(w->ipc, m))
        log_debug(LOGGER, &w->log, "unpaused could not be sent");
    json_decref(m);
}

static void send_clipboard(void *arg, const char *text)
{
    struct worker *w = arg;
    json_t *m = json_pack("{s:s,s:o}", "type", "clipboard", "text", json_string_safe(text));
    if (ipc_send(w->ipc, m))
        log_debug(LOGGER, &w->log, "what was copied could not be sent");
    json_decref(m);
}

static bool is_acked(void *arg)
{
    return ((struct worker *)arg)->acked;
}

static int send_journal(void *arg, const char *key, const char *state, const json_t *detail)
{
    struct worker *w = arg;
    json_t *m = json_pack("{s:s,s:s,s:s,s:O?}", "type", "journal", "key", key, "state", state,
                          "detail", detail);
    w->wait_key = key;
    w->wait_state = state;
    w->acked = false;
    int r = ipc_send(w->ipc, m);
    json_decref(m);
    if (!r)
        r = loop_wait(w->loop, is_acked, w, clock_mono_ms() + ACK_MS);
    w->wait_key = NULL;
    return r;
}

static int send_last(struct worker *w, json_t *m)
{
    loop_interrupt_clear(w->loop);
    w->ending = true;
    int r = ipc_send(w->ipc, m);
    if (!r)
        r = ipc_flush(w->ipc, SEND_MS);
    if (r)
        log_warning(LOGGER, &w->log, "the last message could not be sent (%s)", err_name(r));
    json_decref(m);
    return r;
}

static int say_lost(struct worker *w, const char *reason, const char *class)
{
    log_info(LOGGER, &w->log, "lost: %s", reason);
    send_last(w, json_pack("{s:s,s:o,s:s}", "type", "lost", "reason", json_string_safe(reason),
                           "failure_class", class));
    return WORKER_LOST;
}

static int say_end(struct worker *w, const struct run_end *end, json_t *checkpoint, json_t *events)
{
    json_t *m = json_object();
    json_put_str(m, "type", "end");
    json_put_str(m, "status", end->status);
    json_put(m, "halt_reason", json_string_safe(end->halt_reason));
    json_put(m, "halt_class", json_string_safe(end->halt_class));
    json_put(m, "error", json_string_safe(end->error));
    json_put(m, "checkpoint", checkpoint);
    json_put(m, "events", events);
    log_info(LOGGER, &w->log, "end: %s; halt reason '%s'; error '%s'", end->status,
             end->halt_reason, end->error);
    return send_last(w, m) == E_TOOBIG ? WORKER_LOST : WORKER_ENDED;
}

/* --- starting -------------------------------------------------------------------------------- */

static bool has_start(void *arg)
{
    return ((struct worker *)arg)->start != NULL;
}

/* Zombies of processes that were orphaned to us. The plane's own children are its to reap, and
 * while it starts we do not know them. */
static void on_signal(void *arg, int signo)
{
    struct worker *w = arg;
    int display = 0, browser = 0;
    siginfo_t info;
    if (signo != SIGCHLD || !w->plane)
        return;
    plane_pids(w->plane, &display, &browser);
    for (;;) {
        info.si_pid = 0;
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) || !info.si_pid)
            return;
        if (info.si_pid == display || info.si_pid == browser ||
            waitpid(info.si_pid, NULL, WNOHANG) <= 0)
            return;
    }
}

/* SIGTERM and SIGINT of a terminal go to the whole group: `serve` decides what they mean for a run.
 * Caught rather than ignored, so that the programs we start do not inherit deafness. */
static int set_up(struct worker *w, int fd, struct err *err)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
#ifndef __SANITIZE_ADDRESS__ /* whose leak check attaches to the process */
    prctl(PR_SET_DUMPABLE, 0);   /* what runs under our uid cannot read the credential from our memory */
#endif
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* what the browser orphans comes to us, namespace or not */
    int r = loop_create(&w->loop, err);
    if (!r)
        r = loop_signals(w->loop, &set, on_signal, w, err);
    if (!r)
        r = ipc_create(w->loop, fd, on_message, on_close, w, &w->ipc, err);
    return r;
}

static void count_use(void *arg, const struct reader_use *use)
{
    struct worker *w = arg;
    if (w->running)
        run_count_use(&w->run, use);
}

static int start_parts(struct worker *w, const struct plan *plan, struct err *err)
{
    struct plane_config config = start_plane_config(w->start);
    if (plan->runtime.settle_ceiling_s > 0)
        config.settle_ceiling_s = plan->runtime.settle_ceiling_s;
    int r = minds_open(w->pool, w->loop, w->start, count_use, w, &w->minds, err);
    if (!r && start_dir(w->start, "profile"))
        r = profile_check(start_dir(w->start, "profile"),
                          (int)json_int(json_object_get(w->start, "options"), "profile_max_mb", 0),
                          err);
    if (!r)
        r = plane_create(json_str(w->start, "plane", "browser_use_plane"), w->loop, &config,
                         PLANE_START_MS, &w->plane, err);
    return r;
}

/* A death ends a wait that asks nothing of the plane, too. */
static void on_death(void *arg, uint32_t events)
{
    struct worker *w = arg;
    for (size_t i = 0; i < ARRAY_SIZE(w->watched); i++)
        if (w->watched[i].watch)
            loop_fd_events(w->watched[i].watch, 0); /* it stays readable: once is enough */
    stop(w, RUN_STOP_PLANE);
}

static void watch_pid(struct worker *w, struct watched *out, int pid)
{
    struct err err = {0};
    out->pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    if (out->pidfd >= 0 &&
        loop_fd_add(w->loop, out->pidfd, EPOLLIN, on_death, w, &out->watch, &err))
        log_warning(LOGGER, &w->log, "cannot watch process %d: %s", pid, err.msg);
}

static void watch_plane(struct worker *w, int display, int browser)
{
    watch_pid(w, &w->watched[0], display);
    watch_pid(w, &w->watched[1], browser);
}

static void unwatch_plane(struct worker *w)
{
    for (size_t i = 0; i < ARRAY_SIZE(w->watched); i++) {
        loop_fd_remove(w->watched[i].watch);
        w->watched[i].watch = NULL;
        if (w->watched[i].pidfd >= 0)
            close(w->watched[i].pidfd);
        w->watched[i].pidfd = -1;
    }
}

static void say_ready(struct worker *w)
{
    int display, browser;
    plane_pids(w->plane, &display, &browser);
    watch_plane(w, display, browser);
    json_t *m =
        json_pack("{s:s,s:i,s:i}", "type", "ready", "display_pid", display, "browser_pid", browser);
    if (ipc_send(w->ipc, m))
        log_debug(LOGGER, &w->log, "ready could not be sent");
    json_decref(m);
}

/* --- the run --------------------------------------------------------------------------------- */

/* The computer goes away before the outcome is told: who hears of an ending finds nothing running.
 */
static void stop_plane(struct worker *w, enum plane_end how)
{
    unwatch_plane(w);
    loop_interrupt_clear(w->loop);
    plane_destroy(w->plane, how);
    if (w->plane && start_dir(w->start, "profile") && how != PLANE_END_NOW)
        profile_trim(start_dir(w->start, "profile"));
    w->plane = NULL;
    proc_kill_descendants(); /* helpers that the browser leaves behind */
    while (waitpid(-1, NULL, WNOHANG) > 0)
        continue;
}

static json_t *save_video(struct worker *w, struct film *film, int64_t by)
{
    w->saves_video = true;
    json_t *video = film_result(film, w->loop, by);
    w->saves_video = false;
    loop_interrupt_clear(w->loop);
    return video;
}

/* How the computer and the video end, by what ended the run. */
static const struct parting {
    enum plane_end plane;
    int video_ms;    /* for the video, from the end of the run */
    bool film_first; /* its last picture is made while the browser ends; else that time is the run's */
} partings[] = {
    [RUN_STOP_NONE] = {PLANE_END_CLEAN, VIDEO_MS, false},
    [RUN_STOP_CANCEL] = {PLANE_END_SOON, VIDEO_SOON_MS, true},
    [RUN_STOP_DRAIN] = {PLANE_END_CLEAN, VIDEO_MS, false},
    [RUN_STOP_TIME] = {PLANE_END_CLEAN, VIDEO_MS, false},
    [RUN_STOP_PARENT] = {PLANE_END_NOW, VIDEO_MS, false},
    [RUN_STOP_PLANE] = {PLANE_END_NOW, VIDEO_MS, false},
};

static bool is_lost(const struct run_end *end)
{
    return !strcmp(end->status, "lost");
}

static const struct parting *parting_of(const struct run_end *end)
{
    bool died = is_lost(end) && end->stop == RUN_STOP_NONE; /* within an action of ours */
    return &partings[died ? RUN_STOP_PLANE : end->stop];
}

/* What came before the run was there. */
static void begin(struct worker *w, struct camera *camera, struct film *film)
{
    w->run.camera = camera;
    w->run.film = film;
    w->running = true;
    run_pause(&w->run, w->pausing);
    person_here(&w->run, w->person);
    run_answer(&w->run, w->answers);
    if (w->stop != RUN_STOP_NONE)
        run_stop(&w->run, w->stop);
}

static void stop_pictures(struct worker *w, struct camera *camera, struct film *film)
{
    live_use(w->live, NULL);
    w->run.camera = NULL;
    w->run.film = NULL;
    film_cut(film);
    camera_destroy(camera);
}

/* The computer and the video; what is kept of it goes into checkpoint. */
static void part(struct worker *w, struct film *film, const struct run_end *end, json_t *checkpoint)
{
    const struct parting *how = parting_of(end);
    int64_t video_by = clock_mono_ms() + how->video_ms;
    if (how->film_first)
        film_end(film, &w->run, end, w->why_cancelled);
    stop_plane(w, how->plane);
    if (film && !is_lost(end)) {
        if (!how->film_first)
            film_end(film, &w->run, end, w->why_cancelled);
        json_put(checkpoint, "video", save_video(w, film, video_by));
    }
    film_destroy(film);
}

/* Takes checkpoint over. */
static int tell(struct worker *w, const struct run_end *end, json_t *checkpoint)
{
    if (!is_lost(end))
        return say_end(w, end, checkpoint, json_incref(w->run.pending_events));
    if (end->stop == RUN_STOP_PARENT) /* nobody listens */
        return WORKER_LOST;
    return say_lost(w, *end->halt_reason ? end->halt_reason : end->error, end->halt_class);
}

static int carry_out(struct worker *w, const struct plan *plan)
{
    struct run_host host = {w,           send_event,   send_checkpoint, send_journal,
                            send_paused, send_unpaused, send_clipboard};
    struct run_config config = start_run_config(w->pool, w->start, &w->minds, plan);
    struct run_end end;
    run_init(&w->run, &config, w->loop, w->plane, w->minds.reader, w->minds.brain, &host);
    struct camera *camera = camera_create(w->loop, w->plane, &w->run.mask);
    live_use(w->live, camera);
    struct film *film =
        film_begin(&w->run, camera, json_object_get(json_object_get(w->start, "options"), "video"),
                   start_dir(w->start, "video"), w->started_us);
    begin(w, camera, film);
    run_execute(&w->run, &end);
    w->ending = true;
    loop_timer_clear(&w->drain);
    json_t *checkpoint = is_lost(&end) ? NULL : run_checkpoint(&w->run);
    stop_pictures(w, camera, film);
    part(w, film, &end, checkpoint);
    int status = tell(w, &end, checkpoint);
    run_release(&w->run);
    delta_release(&w->delta);
    w->running = false;
    return status;
}

/* Nothing ran yet: a part is missing or misnamed (the run cannot be carried out here at all), it
 * was stopped, or the computer did not come up (another attempt may do better). */
static int could_not_start(struct worker *w, int r, const struct err *err)
{
    struct run_end end = {.status = "failed",
                          .halt_reason = "could_not_start",
                          .halt_class = "could_not_start",
                          .error = err->msg};
    bool stopped = r == E_CANCELLED && w->stop != RUN_STOP_NONE;
    w->ending = true;
    if (stopped && w->stop == RUN_STOP_PARENT)
        return WORKER_LOST;
    if (stopped && w->stop == RUN_STOP_DRAIN)
        return say_lost(w, "drain", "drain");
    if (stopped) {
        end = (struct run_end){.status = "cancelled",
                               .halt_reason = "cancel_event",
                               .halt_class = "cancelled",
                               .error = ""};
    } else if (r != E_UNSUPPORTED && r != E_NOT_FOUND && r != E_INVALID) {
        return say_lost(w, err->msg, "plane_gone");
    }
    const json_t *before = json_object_get(w->start, "checkpoint");
    return say_end(w, &end, before ? json_deep_copy(before) : json_null(), json_array());
}

static int serve_start(struct worker *w)
{
    struct err err = {0};
    struct plan *plan;
    w->log = (struct log_ctx){.run_id = json_str(w->start, "run_id", NULL),
                              .tenant_id = json_str(w->start, "tenant_id", NULL)};
    int r = plan_from_json(w->pool, json_object_get(w->start, "plan"), &plan, &err);
    if (!r)
        r = start_parts(w, plan, &err);
    if (r)
        return could_not_start(w, r, &err);
    say_ready(w);
    return carry_out(w, plan);
}

int worker_main(int fd, int picture_fd)
{
    struct worker w = {.pool = pool_create(NULL),
                       .why_cancelled = "",
                       .watched = {{.pidfd = -1}, {.pidfd = -1}},
                       .started_us = clock_mono_us()};
    struct err err = {0};
    int status = WORKER_BAD_START;
    int r = set_up(&w, fd, &err);
    if (!r)
        w.live = live_create(w.loop, picture_fd);
    if (!r)
        r = loop_wait(w.loop, has_start, &w, clock_mono_ms() + START_MS);
    if (!r || w.start) /* a cancel that came right behind the start is dealt with like any other */
        status = serve_start(&w);
    else
        log_error(LOGGER, NULL, "no start message: %s", *err.msg ? err.msg : err_name(r));
    stop_plane(&w, PLANE_END_NOW);
    minds_close(&w.minds);
    live_destroy(w.live);
    ipc_destroy(w.ipc);
    pool_destroy(w.pool); /* links to models end with it, before the loop does */
    loop_destroy(w.loop);
    json_decref(w.start);
    json_decref(w.answers);
    return status;
}
