/*
 * sched.c - from the queue to a free slot; start, take-over and end of the scheduler.
 */
#include "sched/private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/log.h"

#define HOLD_MS  2000 /* nothing can be started: look again */
#define DRAIN_MS 10000
#define TIDY_MS  10000
#define SWEEP_MS 200
#define SWEEPS   5

static void dispatch(void *arg);

/* --- small questions ---------------------------------------------------------------------------
 */

struct slot *sched_slot_of(struct sched *s, struct run_key key)
{
    for (int i = 0; i < s->n_slots; i++)
        if (s->slots[i].pool && run_key_equal(s->slots[i].key, key))
            return &s->slots[i];
    return NULL;
}

bool sched_slot_pid(struct sched *s, pid_t pid)
{
    for (int i = 0; i < s->n_slots; i++)
        if (s->slots[i].pool && s->slots[i].proc.pid == pid)
            return true;
    return false;
}

static struct slot *free_slot(struct sched *s)
{
    for (int i = 0; i < s->n_slots; i++)
        if (!s->slots[i].pool)
            return &s->slots[i];
    return NULL;
}

static bool all_free(struct sched *s)
{
    for (int i = 0; i < s->n_slots; i++)
        if (s->slots[i].pool)
            return false;
    return true;
}

int sched_store_error(const struct err *cause, struct err *err)
{
    log_error(LOGGER, NULL, "store: %s", cause->msg);
    if (cause->sys_errno == ENOSPC)
        return err_set(err, E_UNAVAILABLE, DISK_FULL);
    return err_set(err, E_UNAVAILABLE,
                   "the store cannot be used just now; the server log says why");
}

int sched_run_error(const struct err *cause, struct err *err)
{
    return cause->code == E_NOT_FOUND ? err_set(err, E_NOT_FOUND, "%s", cause->msg)
                                      : sched_store_error(cause, err);
}

/* --- memory for one turn of the loop -----------------------------------------------------------
 */

static void end_turn(struct sched *s)
{
    loop_timer_clear(&s->turn_timer);
    pool_destroy(s->turn_pool);
    s->turn_pool = NULL;
}

/* A turn ends with its timers, of which this may be one. */
static void turn_may_be_over(void *arg)
{
    struct sched *s = arg;
    if (loop_turns(s->loop) == s->turn)
        loop_timer_set(s->loop, &s->turn_timer, 1, turn_may_be_over, s);
    else
        end_turn(s);
}

struct pool *sched_turn_pool(struct sched *s)
{
    if (s->turn_pool && loop_turns(s->loop) != s->turn)
        end_turn(s);
    if (!s->turn_pool) {
        s->turn = loop_turns(s->loop);
        s->turn_pool = pool_create(NULL);
        loop_timer_set(s->loop, &s->turn_timer, 1, turn_may_be_over, s);
    }
    return s->turn_pool;
}

void sched_free_later(struct sched *s, void *memory)
{
    pool_defer(sched_turn_pool(s), free, memory);
}

/* --- starting runs -----------------------------------------------------------------------------
 */

void sched_dispatch_soon(struct sched *s, int delay_ms)
{
    loop_timer_set(s->loop, &s->dispatch_timer, delay_ms, dispatch, s);
}

static void attempt_failed(struct sched *s, struct waiting *w, const struct err *cause)
{
    bool again = false;
    struct err err = {0};
    int r = settle_lost(s, w->node.key, cause->msg, NULL, NULL, &again, &err);
    if (r)
        log_error(LOGGER, NULL, "cannot record a lost attempt: %s", err.msg);
    if (r || again)
        queue_again(s, w);
    else
        queue_remove(s, w->node.key);
}

static const char *hold_reason(int sys_errno)
{
    if (sys_errno == ENOSPC || sys_errno == EDQUOT)
        return DISK_FULL;
    if (sys_errno == EROFS)
        return "the data directory cannot be written";
    return sys_errno ? "the machine is out of processes, open files or memory"
                     : "the store cannot be used just now; the server log says why";
}

/* The slot takes the run's place in the queue only when its worker is running. */
static bool start(struct sched *s, struct slot *slot, struct waiting *w)
{
    struct err err = {0};
    int r = slot_start(slot, w->node.key, w->profile, &err);
    if (r == E_UNAVAILABLE) {
        if (!s->hold)
            log_error(LOGGER, NULL, "cannot start a run, will try again: %s", err.msg);
        s->hold = hold_reason(err.sys_errno);
        sched_dispatch_soon(s, HOLD_MS);
        return false;
    }
    s->hold = NULL;
    queue_served(s, w);
    if (r && r != E_CONFLICT && r != E_NOT_FOUND) /* those: it ended meanwhile */
        attempt_failed(s, w, &err);
    else
        queue_remove(s, w->node.key);
    return true;
}

static void dispatch(void *arg)
{
    struct sched *s = arg;
    struct slot *slot;
    struct waiting *w;
    while (!s->draining && (slot = free_slot(s)) && (w = queue_next(s)))
        if (!start(s, slot, w))
            return;
    if (!s->waiting.n)
        s->hold = NULL;
}

/* Orphans were killed already; they are buried here as they die, and their X locks removed. */
static void sweep_round(void *arg)
{
    struct sched *s = arg;
    sweep_zombies(s);
    for (int i = 0; i < s->n_slots; i++)
        sweep_x_locks(s->as_root ? (uid_t)(s->settings->run_uid_base + i) : geteuid());
    if (--s->sweeps_left > 0)
        loop_timer_set(s->loop, &s->sweep_timer, SWEEP_MS, sweep_round, s);
}

void sched_sweep_soon(struct sched *s)
{
    s->sweeps_left = SWEEPS;
    loop_timer_set(s->loop, &s->sweep_timer, 0, sweep_round, s);
}

static void finish_drain(void *arg)
{
    struct sched *s = arg;
    sched_watch_fn *fn = s->drained;
    s->drained = NULL;
    loop_timer_clear(&s->drain_timer);
    if (fn)
        fn(s->drained_arg);
}

void sched_slot_freed(struct sched *s)
{
    if (s->draining && all_free(s))
        loop_timer_set(s->loop, &s->drain_timer, 0, finish_drain, s);
    else
        sched_dispatch_soon(s, 0);
}

/* --- start and end -----------------------------------------------------------------------------
 */

void sched_use_gateway(struct sched *s, struct gateway *gateway)
{
    s->gateway = gateway;
}

/* Its worker may not have gone yet. What its calls came to is asked for once more, with its result. */
static void end_models(struct sched *s, struct run_key key, bool has_result)
{
    struct slot *slot = sched_slot_of(s, key);
    gateway_close(gateway_run_of(s->gateway, key));
    if (!has_result)
        return;
    if (slot)
        slot->gateway = NULL;
    gateway_forget(s->gateway, key);
}

/* The one place where all that is kept in memory learns what happened. */
static void on_note(void *arg, const struct store_note *note)
{
    struct sched *s = arg;
    queue_note(s, note);
    views_drop(s, note->key);
    follow_note(s, note);
    screen_note(s, note);
    traces_note(s, note);
    if (note->result)
        runs_log_soon(s);
    if (run_state_terminal(note->state))
        answers_forget(s, note->key);
    if (run_state_terminal(note->state) && s->gateway)
        end_models(s, note->key, note->result);
}

static int take_up_one(struct sched *s, const struct run_record *rec, const char *why,
                       struct err *err)
{
    struct run_key key = RUN_KEY_OF(rec);
    int r = 0;
    if (rec->state == RUN_RUNNING) {
        json_t *events = json_array();
        json_push(events, settle_event("result", "attempt %d was lost: %s", rec->attempts, why));
        r = store_run_set_state(s->store, key, RUN_RECOVERING, NULL, NULL, events, err);
        json_decref(events);
    }
    if (!r)
        queue_add(s, key, rec->profile_id, rec->state != RUN_QUEUED || rec->attempts > 0);
    return r;
}

#define BIT(state) (1u << (state))
#define LIVE       (BIT(RUN_QUEUED) | BIT(RUN_RUNNING) | BIT(RUN_RECOVERING) | BIT(RUN_PAUSED))

/* Runs that are live and that nobody here takes care of; paused ones stay as they are. */
static int take_up(struct sched *s, const struct run_record *runs, int n, const char *why,
                   struct err *err)
{
    int taken = 0, r = 0;
    for (int i = 0; !r && i < n; i++) {
        struct run_key key = RUN_KEY_OF(&runs[i]);
        if (runs[i].state == RUN_PAUSED || sched_slot_of(s, key) || queue_find(s, key))
            continue;
        files_status_soon(s, key);
        r = take_up_one(s, &runs[i], why, err);
        taken++;
    }
    if (!r && taken)
        log_info(LOGGER, NULL, "took up %d runs", taken);
    return r;
}

static int take_up_all(struct sched *s, struct pool *pool, struct err *err)
{
    struct run_record *runs;
    int n, r = store_run_list(s->store, pool, NULL, LIVE, &runs, &n, err);
    if (r)
        return r;
    for (int i = 0; i < n; i++)
        queue_tenant(s, runs[i].tenant_id)->counts[runs[i].state]++;
    store_listen(s->store, on_note, s);
    return take_up(s, runs, n, "the server stopped", err);
}

/* Cancelled, but stopped before the rows were stored. */
static int settle_rest(struct sched *s, struct pool *pool, struct err *err)
{
    struct run_record *runs;
    int n, r = store_run_unsettled(s->store, pool, &runs, &n, err);
    for (int i = 0; !r && i < n; i++) {
        if (sched_slot_of(s, RUN_KEY_OF(&runs[i])))
            continue;
        struct ending end = {.key = RUN_KEY_OF(&runs[i]),
                             .terminal_status = json_str(runs[i].doc, "terminal_status", "failed"),
                             .halt_reason = json_str(runs[i].doc, "halt_reason", ""),
                             .halt_class = json_str(runs[i].doc, "halt_class", "")};
        r = settle_run(s, &end, err);
    }
    return r;
}

static void tidy(void *arg)
{
    struct sched *s = arg;
    struct pool *pool = pool_create(NULL);
    struct err err = {0};
    struct run_record *runs;
    int n, r = store_run_list(s->store, pool, NULL, LIVE, &runs, &n, &err);
    if (!r)
        r = take_up(s, runs, n, "what it reported last could not be stored", &err);
    if (!r)
        r = settle_rest(s, pool, &err);
    if (r)
        sched_tidy_soon(s);
    pool_destroy(pool);
}

void sched_tidy_soon(struct sched *s)
{
    loop_timer_set(s->loop, &s->tidy_timer, TIDY_MS, tidy, s);
}

static int take_over(struct sched *s, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    int r = dirs_create_base(s, err);
    if (!r)
        r = view_key_open(s, err);
    if (!r) {
        if (sweep_processes(pool_printf(pool, "%s/tenants", s->settings->data_dir)))
            log_info(LOGGER, NULL, "ended processes that an earlier server left behind");
        sched_sweep_soon(s);
        dirs_sweep(s);
        r = take_up_all(s, pool, err);
    }
    if (!r)
        r = settle_rest(s, pool, err);
    pool_destroy(pool);
    return r;
}

int sched_create_with(struct loop *loop, struct store *store, const struct settings *settings,
                      const char *worker_program, struct sched **out, struct err *err)
{
    struct sched *s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    *s = (struct sched){.loop = loop,
                        .store = store,
                        .settings = settings,
                        .pool = pool_create(NULL),
                        .as_root = geteuid() == 0,
                        .n_slots = settings->concurrency > 0 ? settings->concurrency : 1};
    s->worker_program =
        worker_program ? pool_strdup(s->pool, worker_program) : ready_worker_program(s->pool);
    s->slots = pool_alloc(s->pool, sizeof(*s->slots) * (size_t)s->n_slots);
    for (int i = 0; i < s->n_slots; i++)
        s->slots[i] = (struct slot){.sched = s, .index = i, .proc = PROC_NONE};
    /* Orphans of a worker come to us, not to init: only so can they be swept up. */
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    if (!s->as_root)
        log_info(LOGGER, NULL, "not started as root: runs use this process's user");
    s->submits_end = &s->submits;
    int r = take_over(s, err);
    if (r) {
        sched_destroy(s);
        return r;
    }
    runs_log_soon(s);
    reaper_start(s);
    *out = s;
    return 0;
}

int sched_create(struct loop *loop, struct store *store, const struct settings *settings,
                 struct sched **out, struct err *err)
{
    return sched_create_with(loop, store, settings, NULL, out, err);
}

void sched_destroy(struct sched *s)
{
    if (!s)
        return;
    for (int i = 0; i < s->n_slots; i++)
        slot_destroy(&s->slots[i]);
    submit_release(s);
    watch_release(s);
    views_release(s);
    follow_release(s);
    screens_release(s);
    files_release(s);
    reaper_release(s);
    traces_release(s);
    runs_log_release(s);
    queue_release(s);
    answers_forget_all(s);
    struct loop_timer *timers[] = {&s->dispatch_timer, &s->sweep_timer, &s->tidy_timer,
                                   &s->drain_timer, &s->turn_timer};
    for (size_t i = 0; i < ARRAY_SIZE(timers); i++)
        loop_timer_clear(timers[i]);
    pool_destroy(s->turn_pool);
    pool_destroy(s->pool);
    free(s);
}

void sched_drain(struct sched *s, sched_watch_fn *fn, void *arg)
{
    s->draining = true;
    s->drained = fn;
    s->drained_arg = arg;
    for (int i = 0; i < s->n_slots; i++)
        if (s->slots[i].pool)
            slot_drain(&s->slots[i]);
    /* never from inside this call: the caller is told by the loop */
    loop_timer_set(s->loop, &s->drain_timer, all_free(s) ? 0 : DRAIN_MS, finish_drain, s);
}
