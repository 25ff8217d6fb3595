/*
 * slot.c - one executor slot: start a worker, take its messages, notice its death.
 *
 * Every message that has to reach the store goes through take() to words.c. While the store refuses
 * writes (disk full), messages wait in the backlog in their order, the worker's death behind them;
 * after STORE_TRIES the worker is killed, so that it does not go on spending, and the backlog is
 * retried: what a worker reported is kept, and its run goes on from its last checkpoint. When the
 * disk stays full the run ends, on space kept for that; and when even that cannot be stored the
 * slot is given up after GIVE_UP_TRIES: the run goes on from what the store has, once it takes
 * words again.
 *
 * A worker is dead when its process has ended and its socket has been read to the end: only then is
 * everything it said known.
 */
#include "sched/private.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"

#define CANCEL_MS     2000 /* http-api.md section 5: stopped within 2 s */
#define DRAIN_MS      10000
#define BEHIND_BYTES  (4 << 20) /* told and not read: more than any run needs */
#define LINGER_MS     5000 /* from `end` or `lost` to the end of the process */
#define SOCKET_END_MS 1000 /* from the end of the process to the end of its socket */
#define MEND_MS       10000 /* for what a dead worker recorded to be put together */
#define RETRY_MS      1000 /* store refused: again */
#define STORE_TRIES   5    /* then the worker is killed */
#define DISK_TRIES    30   /* of a full disk: then the run ends */
#define GIVE_UP_TRIES 60   /* then the backlog is dropped */
#define EVENTS_MS     200  /* single events are gathered this long into one commit */

static void slot_check_dead(struct slot *slot);

static struct log_ctx ctx_of(const struct slot *slot)
{
    return (struct log_ctx){.tenant_id = slot->key.tenant, .run_id = slot->key.run_id};
}

void slot_kill(struct slot *slot)
{
    proc_signal(&slot->proc, SIGKILL);
}

static void kill_now(void *arg)
{
    slot_kill(arg);
}

/* The earlier of two deadlines holds. Once the process has ended the timer waits for its socket, and what mends its
 * recording has no more time than it would have. */
static void kill_after(struct slot *slot, int delay_ms)
{
    if (slot->exited && !slot->mending)
        return;
    if (slot->kill_timer.loop && slot->kill_timer.at_mono_ms <= clock_mono_ms() + delay_ms)
        return;
    loop_timer_set(slot->sched->loop, &slot->kill_timer, delay_ms, kill_now, slot);
}

static void end_models(struct slot *slot)
{
    gateway_close(slot->gateway);
    slot->gateway = NULL;
}

void slot_linger(struct slot *slot)
{
    end_models(slot);
    kill_after(slot, LINGER_MS);
}

void slot_say(struct slot *slot, json_t *message)
{
    if (slot->ipc && ipc_send(slot->ipc, message))
        slot_kill(slot);
    json_decref(message);
}

bool slot_is_behind(const struct slot *slot)
{
    return slot->ipc && ipc_unsent(slot->ipc) > BEHIND_BYTES;
}

static void send_word(struct slot *slot, const char *type, const char *reason)
{
    json_t *m = json_pack("{s:s}", "type", type);
    if (reason)
        json_put(m, "reason", json_string_safe(reason));
    slot_say(slot, m);
}

void slot_cancel(struct slot *slot, const char *reason)
{
    slot->cancelling = true;
    slot->cancel_reason = pool_strdup(slot->pool, reason ? reason : "");
    send_word(slot, "cancel", slot->cancel_reason);
    kill_after(slot, CANCEL_MS);
}

void slot_drain(struct slot *slot)
{
    slot->draining = true;
    send_word(slot, "drain", NULL);
    kill_after(slot, DRAIN_MS);
}

static void on_cap(void *arg)
{
    struct slot *slot = arg;
    struct log_ctx ctx = ctx_of(slot);
    log_warning(LOGGER, &ctx,
                "the run is past its time limit and did not stop: killing its worker");
    slot->over_time = true;
    slot_kill(slot);
}

/* --- pause -------------------------------------------------------------------------------------
 */

void slot_pause(struct slot *slot, const char *reason)
{
    slot->pausing = true;
    send_word(slot, "pause", reason);
}

/* It leaves the page behind in its checkpoint; the run stays paused without a slot. */
static void held_for_long(void *arg)
{
    struct slot *slot = arg;
    struct log_ctx ctx = ctx_of(slot);
    log_info(LOGGER, &ctx, "paused for %d s: its browser is closed, the run stays paused",
             slot->sched->settings->pause_hold_s);
    slot_drain(slot);
}

bool slot_paused(struct slot *slot, bool by_itself, bool held)
{
    if ((!by_itself && !slot->pausing) || slot->paused)
        return false;
    slot->pausing = slot->paused = true;
    slot->sched->queue_version++; /* what the others wait for */
    slot->cap_left_ms = slot->cap_timer.loop ? slot->cap_timer.at_mono_ms - clock_mono_ms() : 0;
    loop_timer_clear(&slot->cap_timer);
    slot->held = held;
    slot_hold_browser(slot, takeover_holds(slot));
    screen_stands(slot);
    return true;
}

void slot_hold_browser(struct slot *slot, bool on)
{
    if (on || !slot->held || !slot->paused)
        loop_timer_clear(&slot->hold_timer);
    else
        loop_timer_set(slot->sched->loop, &slot->hold_timer,
                       slot->sched->settings->pause_hold_s * INT64_C(1000), held_for_long, slot);
}

bool slot_can_resume(const struct slot *slot)
{
    return slot->pausing && !slot->exited && !slot->ipc_closed && !slot->ended &&
           !slot->lost_reason && !slot->broke && !slot->draining && !slot->over_time &&
           !slot->store_failures;
}

void slot_unpaused(struct slot *slot)
{
    loop_timer_clear(&slot->hold_timer);
    if (slot->paused)
        loop_timer_set(slot->sched->loop, &slot->cap_timer,
                       slot->cap_left_ms > 1000 ? slot->cap_left_ms : 1000, on_cap, slot);
    slot->pausing = slot->paused = slot->held = false;
    slot->sched->queue_version++;
    screen_stands(slot);
}

void slot_resume(struct slot *slot)
{
    json_t *m = json_pack("{s:s}", "type", "resume");
    const json_t *answers = answers_of(slot->sched, slot->key);
    if (answers)
        json_object_set(m, "user_input", (json_t *)answers);
    slot_unpaused(slot);
    slot_say(slot, m);
}

/* --- backlog -----------------------------------------------------------------------------------
 */

static void free_slot(struct slot *slot);

static void retry(void *arg);

static void store_refused(struct slot *slot, const struct err *err)
{
    struct log_ctx ctx = ctx_of(slot);
    if (slot->store_failures++ == 0)
        log_error(LOGGER, &ctx, "cannot store what the worker reports, will try again: %s",
                  err->msg);
    if (slot->store_failures == STORE_TRIES && !slot->exited) {
        log_error(LOGGER, &ctx, "still cannot store: ending this attempt, the run goes on later");
        slot_kill(slot);
    }
    if (slot->store_failures >= DISK_TRIES && !slot->disk_full && err->sys_errno == ENOSPC) {
        log_error(LOGGER, &ctx, "the disk stays full: ending the run");
        slot->disk_full = true;
        reserve_spend(slot->sched);
    }
    loop_timer_set(slot->sched->loop, &slot->retry_timer, RETRY_MS, retry, slot);
}

static int handle(struct slot *slot, const json_t *message)
{
    struct err err = {0};
    int r = words_take(slot, message, &err);
    if (r)
        store_refused(slot, &err);
    else
        slot->store_failures = 0;
    return r;
}

static bool is_died(const json_t *message)
{
    return strcmp(json_str(message, "type", ""), "died") == 0;
}

/* Its run is live in the store and has no slot: it is taken up like after a crash of the server. */
static void give_up(struct slot *slot)
{
    struct log_ctx ctx = ctx_of(slot);
    log_error(LOGGER, &ctx, "what the worker reported last could not be stored and is dropped");
    sched_tidy_soon(slot->sched);
    free_slot(slot);
}

static void retry(void *arg)
{
    struct slot *slot = arg;
    while (json_array_size(slot->backlog)) {
        json_t *first = json_array_get(slot->backlog, 0);
        bool last_words = is_died(first);
        if (handle(slot, first)) {
            if (slot->store_failures >= GIVE_UP_TRIES && slot->exited && slot->ipc_closed)
                give_up(slot);
            return;
        }
        json_array_remove(slot->backlog, 0);
        if (last_words) {
            free_slot(slot);
            return;
        }
    }
}

static void take(struct slot *slot, const json_t *message)
{
    if (json_array_size(slot->backlog) == 0 && handle(slot, message) == 0) {
        if (is_died(message))
            free_slot(slot);
        return;
    }
    json_array_append(slot->backlog, (json_t *)message);
    if (json_array_size(slot->backlog) >= CAP_SLOT_BACKLOG)
        slot_kill(slot);
}

static void take_word(struct slot *slot, const char *type)
{
    json_t *m = json_pack("{s:s}", "type", type);
    take(slot, m);
    json_decref(m);
}

static void flush_events(void *arg)
{
    take_word(arg, "flush");
}

void slot_flush_soon(struct slot *slot)
{
    if (!slot->events_timer.loop)
        loop_timer_set(slot->sched->loop, &slot->events_timer, EVENTS_MS, flush_events, slot);
}

/* --- the worker's two ends ---------------------------------------------------------------------
 */

static void on_message(void *arg, const char *type, const json_t *message)
{
    struct slot *slot = arg;
    if (words_of_worker(type)) {
        take(slot, message);
        return;
    }
    slot->broke = "broke the protocol: unknown message type";
    slot_kill(slot);
}

static void on_picture(void *arg, const void *data, size_t len)
{
    struct slot *slot = arg;
    if (!screen_take(slot, data, len, NULL))
        return;
    slot->broke = "broke the protocol: not a picture";
    slot_kill(slot);
}

/* Without pictures the run goes on. */
static void on_no_pictures(void *arg, int code)
{
    struct slot *slot = arg;
    blobs_reader_destroy(slot->pictures);
    slot->pictures = NULL;
}

static void on_ipc_close(void *arg, int code)
{
    struct slot *slot = arg;
    slot->ipc_closed = true;
    if (code == E_PROTOCOL) {
        slot->broke = "broke the protocol: not a message";
        slot_kill(slot);
    } else {
        slot_linger(slot); /* it can tell us nothing any more */
    }
    slot_check_dead(slot);
}

/* Somebody below the worker inherited the socket. What it holds is still read; then it ends. */
static void socket_overdue(void *arg)
{
    struct slot *slot = arg;
    shutdown(slot->socket, SHUT_RD);
}

static void on_exit_ready(void *arg, uint32_t events)
{
    struct slot *slot = arg;
    struct pool *pool = slot->pool;
    int status = 0;
    loop_fd_remove(slot->exit_watch);
    slot->exit_watch = NULL;
    proc_reap(&slot->proc, &status);
    slot->exited = true;
    end_models(slot);
    slot->exit_reason = proc_describe_status(pool, status);
    loop_timer_clear(&slot->cap_timer);
    loop_timer_clear(&slot->hold_timer);
    loop_timer_set(slot->sched->loop, &slot->kill_timer, SOCKET_END_MS, socket_overdue, slot);
    slot_check_dead(slot);
}

static void on_mended(void *arg, uint32_t events)
{
    struct slot *slot = arg;
    loop_fd_remove(slot->exit_watch);
    slot->exit_watch = NULL;
    loop_timer_clear(&slot->kill_timer);
    proc_reap(&slot->proc, NULL);
    take_word(slot, "died");
}

/* The next worker, and whoever asks for the video, find one file that is whole. False: there is
 * nothing to wait for. */
static bool mend_recording(struct slot *slot)
{
    struct sched *s = slot->sched;
    struct err err = {0};
    if (!slot->records || slot->ended || s->draining)
        return false;
    int r = launch_mend(slot, &err);
    if (!r)
        r = loop_fd_add(s->loop, slot->proc.pidfd, EPOLLIN, on_mended, slot, &slot->exit_watch,
                        &err);
    if (r) {
        struct log_ctx ctx = ctx_of(slot);
        log_warning(LOGGER, &ctx, "the recording stays as it was left: %s", err.msg);
        proc_end(&slot->proc, 0);
        return false;
    }
    slot->mending = true;
    kill_after(slot, slot->cancelling ? CANCEL_MS : MEND_MS);
    return true;
}

static void slot_check_dead(struct slot *slot)
{
    if (!slot->exited || !slot->ipc_closed)
        return;
    loop_timer_clear(&slot->kill_timer);
    ipc_destroy(slot->ipc);
    slot->ipc = NULL;
    loop_timer_clear(&slot->events_timer);
    if (!mend_recording(slot))
        take_word(slot, "died");
}

static void release(struct slot *slot)
{
    struct loop_timer *timers[] = {&slot->kill_timer, &slot->cap_timer, &slot->retry_timer,
                                   &slot->events_timer, &slot->hold_timer};
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
        loop_timer_clear(timers[i]);
    end_models(slot);
    loop_fd_remove(slot->exit_watch);
    ipc_destroy(slot->ipc);
    blobs_reader_destroy(slot->pictures);
    proc_end(&slot->proc, 0);
    json_decref(slot->backlog);
    json_decref(slot->events);
    json_decref(slot->last_checkpoint);
    pool_destroy(slot->pool);
    *slot = (struct slot){.sched = slot->sched, .index = slot->index, .proc = PROC_NONE};
}

static void take_back(struct slot *slot)
{
    dirs_take_back(slot->sched, slot->key, slot->profile);
    dirs_unmark_slot(slot);
}

static void free_slot(struct slot *slot)
{
    struct sched *s = slot->sched;
    if (!slot->isolated) { /* before the profile can be leased again */
        sweep_processes(dirs_work(s, slot->pool, slot->key));
        sweep_processes(dirs_profile(s, slot->pool, slot->key.tenant, slot->profile));
        if (slot->uid)
            sweep_user(slot->uid);
        sched_sweep_soon(s);
    }
    dirs_clean_work(s, slot->key);
    take_back(slot);
    views_drop(s, slot->key); /* they say that it has a worker */
    screen_worker(slot, false);
    release(slot);
    sched_slot_freed(s);
}

void slot_destroy(struct slot *slot)
{
    if (slot->pool)
        release(slot);
}

/* --- start -------------------------------------------------------------------------------------
 */

/* The machine's troubles, not the run's: they pass, and no attempt is counted for them. */
static bool passes_by_itself(int sys_errno)
{
    static const int passing[] = {ENOSPC, EDQUOT, EROFS, EAGAIN, EMFILE, ENFILE, ENOMEM};
    for (size_t i = 0; i < ARRAY_SIZE(passing); i++)
        if (passing[i] == sys_errno)
            return true;
    return false;
}

static int connect_worker(struct slot *slot, struct err *err)
{
    int fd, picture_fd, r = launch_worker(slot, &fd, &picture_fd, err);
    if (r) {
        if (err->sys_errno == ENOSPC)
            err->sys_errno = EAGAIN; /* of clone(): too many namespaces */
        return r;
    }
    if (blobs_reader_create(slot->sched->loop, picture_fd, on_picture, on_no_pictures, slot, &slot->pictures,
                            NULL))
        close(picture_fd); /* then nobody can watch */
    r = ipc_create(slot->sched->loop, fd, on_message, on_ipc_close, slot, &slot->ipc, err);
    if (r) {
        close(fd);
        return r;
    }
    slot->socket = fd;
    return loop_fd_add(slot->sched->loop, slot->proc.pidfd, EPOLLIN, on_exit_ready, slot,
                       &slot->exit_watch, err);
}

/* Time already used by earlier attempts counts; time during which nothing ran does not. */
static void arm_cap(struct slot *slot, const struct run_record *rec)
{
    double limit_s = 60.0 * (double)json_int(rec->settings, "max_time_minutes",
                                             slot->sched->settings->max_runtime_minutes);
    double left_s = limit_s + CAP_RUN_KILL_AFTER_S - json_num(rec->checkpoint, "elapsed_s", 0);
    loop_timer_set(slot->sched->loop, &slot->cap_timer,
                   left_s > 1 ? (int64_t)(left_s * 1000) : 1000, on_cap, slot);
}

/* The attempt is counted and the run is running before the worker gets its `start`, without which
 * it does nothing; and also when there is no worker. */
static int mark_running(struct slot *slot, struct run_record *rec, json_t **journal,
                        struct err *err)
{
    struct store *store = slot->sched->store;
    unsigned parts = RUN_PART_PLAN | RUN_PART_CHECKPOINT;
    int r = store_run_get(store, slot->pool, slot->key, parts, rec, err);
    if (!r)
        r = store_journal_get(store, slot->pool, slot->key, journal, err);
    if (r)
        return r;
    json_t *events = json_array();
    rec->attempts++;
    json_push(events, settle_event("fire", "attempt %d%s", rec->attempts,
                                   rec->checkpoint ? ", from the last checkpoint" : ""));
    r = store_run_start(store, slot->key, events, err);
    json_decref(events);
    if (r && r != E_CONFLICT && r != E_NOT_FOUND) /* those: it ended meanwhile */
        err->code = r = E_UNAVAILABLE;
    return r;
}

/* The credential of an attempt that never got its start message is worth nothing. */
static void open_models(struct slot *slot, const struct run_record *rec)
{
    const json_t *conf = rec->settings;
    const struct settings *set = slot->sched->settings;
    json_t *account = account_with_costs(slot->sched, rec, rec->checkpoint);
    const struct gateway_client client = {
        .key = slot->key,
        .uid = slot->uid,
        .max_cost = json_num(conf, "max_cost", set->max_cost_usd),
        .account = account,
        .day_cap = json_num(conf, "max_cost_per_day", 0),
        .anthropic_secret = json_str(conf, "anthropic_secret_name", ""),
        .anthropic_required = json_flag(conf, "anthropic_required", false),
        .candidate = strcmp(json_str(rec->doc, "variant", ""), "candidate") == 0,
    };
    if (slot->sched->gateway)
        slot->gateway = gateway_open(slot->sched->gateway, &client);
    json_decref(account);
}

static void send_start(struct slot *slot, const struct run_record *rec, json_t *journal)
{
    open_models(slot, rec);
    json_t *start = launch_message(slot, rec, journal);
    slot->records = json_object_get(json_object_get(start, "options"), "video") != NULL;
    if (ipc_send(slot->ipc, start)) {
        slot->broke = "could not be given its plan";
        slot_kill(slot);
    }
    json_decref(start);
    screen_worker(slot, true);
}

static int launch(struct slot *slot, struct err *err)
{
    struct run_record rec;
    struct err refused = {0};
    json_t *journal;
    int r = dirs_mark_slot(slot, err);
    if (!r)
        r = dirs_make_work(slot->sched, slot->key, slot->profile, slot->uid, err);
    if (!r)
        r = connect_worker(slot, err);
    if (r && passes_by_itself(err->sys_errno))
        return err->code = E_UNAVAILABLE;
    if (mark_running(slot, &rec, &journal, &refused)) {
        *err = refused;
        return err->code;
    }
    if (r)
        return err->code = E_GONE;
    send_start(slot, &rec, journal);
    arm_cap(slot, &rec);
    return 0;
}

int slot_start(struct slot *slot, struct run_key key, const char *profile, struct err *err)
{
    struct sched *s = slot->sched;
    slot->pool = pool_create(NULL);
    slot->key = RUN_KEY(pool_strdup(slot->pool, key.tenant), pool_strdup(slot->pool, key.run_id));
    slot->profile = pool_strdup(slot->pool, profile);
    slot->uid = s->as_root ? (uid_t)(s->settings->run_uid_base + slot->index) : 0;
    slot->backlog = json_array();
    slot->events = json_array();
    struct err cause = {0};
    int r = launch(slot, &cause);
    if (r) {
        proc_end(&slot->proc, 0);
        take_back(slot);
        release(slot);
        if (err)
            *err = cause;
        return r;
    }
    files_status_soon(s, slot->key);
    return 0;
}
