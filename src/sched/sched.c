/*
 * sched.c - the queue in front of the executor slots, and what callers ask of it.
 *
 * The waiting list is only an order over runs that the store knows; it is rebuilt at start. A free
 * slot goes to a run that was under way before one that never started, then round-robin over
 * tenants, oldest first within one, and never to a profile whose browser is still running: the
 * store frees a profile with the terminal state, a moment before the worker is gone.
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

struct slot *sched_slot_of(struct sched *s, const char *run_id)
{
    for (int i = 0; i < s->n_slots; i++)
        if (s->slots[i].pool && strcmp(s->slots[i].run_id, run_id) == 0)
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

/* --- the queue ---------------------------------------------------------------------------------
 */

void sched_dispatch_soon(struct sched *s, int delay_ms)
{
    loop_timer_set(s->loop, &s->dispatch_timer, delay_ms, dispatch, s);
}

void sched_enqueue(struct sched *s, const char *tenant, const char *run_id, const char *profile,
                   bool recovering)
{
    struct pool *pool = pool_create(NULL);
    struct waiting *w = pool_alloc(pool, sizeof(*w));
    *w = (struct waiting){.pool = pool,
                          .tenant = pool_strdup(pool, tenant),
                          .run_id = pool_strdup(pool, run_id),
                          .profile = pool_strdup(pool, profile ? profile : "default"),
                          .recovering = recovering};
    struct waiting **at = &s->waiting;
    while (*at)
        at = &(*at)->next;
    *at = w;
    sched_dispatch_soon(s, 0);
}

static bool is_waiting(struct sched *s, const char *run_id)
{
    for (struct waiting *w = s->waiting; w; w = w->next)
        if (strcmp(w->run_id, run_id) == 0)
            return true;
    return false;
}

static void dequeue(struct sched *s, const char *run_id)
{
    for (struct waiting **at = &s->waiting; *at; at = &(*at)->next) {
        struct waiting *w = *at;
        if (strcmp(w->run_id, run_id) != 0)
            continue;
        *at = w->next;
        pool_destroy(w->pool);
        return;
    }
}

static bool profile_busy(struct sched *s, const struct waiting *w)
{
    for (int i = 0; i < s->n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (slot->pool && strcmp(slot->profile, w->profile) == 0 &&
            strcmp(slot->tenant, w->tenant) == 0)
            return true;
    }
    return false;
}

/* Tenants in order of name, beginning after the one served last. */
static bool tenant_before(const struct sched *s, const char *a, const char *b)
{
    bool a_after = strcmp(a, s->last_tenant) > 0, b_after = strcmp(b, s->last_tenant) > 0;
    if (a_after != b_after)
        return a_after;
    return strcmp(a, b) < 0;
}

static struct waiting *pick(struct sched *s)
{
    struct waiting *best = NULL;
    for (struct waiting *w = s->waiting; w; w = w->next) {
        if (profile_busy(s, w))
            continue;
        if (!best || (w->recovering && !best->recovering) ||
            (w->recovering == best->recovering && tenant_before(s, w->tenant, best->tenant)))
            best = w;
    }
    return best;
}

static void attempt_failed(struct sched *s, const struct waiting *w, const struct err *cause)
{
    bool again = false;
    struct err err = {0};
    int r = settle_lost(s, w->run_id, cause->msg, NULL, NULL, &again, &err);
    if (r)
        log_error(LOGGER, NULL, "cannot record a lost attempt: %s", err.msg);
    if (r || again)
        sched_enqueue(s, w->tenant, w->run_id, w->profile, true);
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

/* The slot takes the run's place in the list only when its worker is running. */
static bool start(struct sched *s, struct slot *slot, struct waiting *w)
{
    struct err err = {0};
    int r = slot_start(slot, w, &err);
    if (r == E_UNAVAILABLE) {
        if (!s->hold)
            log_error(LOGGER, NULL, "cannot start a run, will try again: %s", err.msg);
        s->hold = hold_reason(err.sys_errno);
        sched_dispatch_soon(s, HOLD_MS);
        return false;
    }
    s->hold = NULL;
    snprintf(s->last_tenant, sizeof(s->last_tenant), "%s", w->tenant);
    if (r && r != E_CONFLICT && r != E_NOT_FOUND) /* those: it ended meanwhile */
        attempt_failed(s, w, &err);
    for (struct waiting **at = &s->waiting; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            break;
        }
    }
    pool_destroy(w->pool);
    return true;
}

static void dispatch(void *arg)
{
    struct sched *s = arg;
    struct slot *slot;
    struct waiting *w;
    while (!s->draining && (slot = free_slot(s)) && (w = pick(s)))
        if (!start(s, slot, w))
            return;
    if (!s->waiting)
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

/* --- submit and cancel -------------------------------------------------------------------------
 */

static const json_t *resume_checkpoint(struct sched *s, struct pool *pool,
                                       const struct submission *sub)
{
    json_t *found = NULL;
    struct err err = {0};
    if (!sub->resume_state)
        return NULL;
    if (store_workflow_checkpoint(s->store, pool, sub->tenant_id, sub->workflow_id,
                                  sub->plan->signature, &found, &err))
        log_warning(LOGGER, NULL, "cannot look for an earlier checkpoint: %s", err.msg);
    if (found)
        json_put_num(found, "elapsed_s", 0); /* the new run has its own time cap */
    return found;
}

static json_t *status_fields(struct pool *pool, const struct submission *sub)
{
    json_t *doc = json_keep(pool, json_object());
    json_put_str(doc, "mode", sub->mode ? sub->mode : "detached");
    json_put_str(doc, "model", pool_strndup(pool, sub->brain, strcspn(sub->brain, ":")));
    json_put(doc, "payload", sub->payload ? json_incref((json_t *)sub->payload) : json_object());
    json_put_int(doc, "max_steps", json_int(sub->payload, "max_steps", 30));
    return doc;
}

static json_t *worker_settings(struct pool *pool, const struct submission *sub)
{
    json_t *set = json_keep(pool, json_object());
    json_put_num(set, "max_cost", sub->max_cost);
    json_put_int(set, "max_time_minutes", sub->max_time_minutes);
    json_put_str(set, "plane", sub->plane);
    json_put_str(set, "brain", sub->brain);
    json_put_bool(set, "resume_state", sub->resume_state);
    json_put_str(set, "session_name", sub->plan->session_name);
    json_put(set, "options", sub->options ? json_incref((json_t *)sub->options) : json_object());
    return set;
}

static int create_run(struct sched *s, struct pool *pool, const struct submission *sub,
                      struct err *err)
{
    struct run_record rec = {
        .run_id = sub->run_id,
        .tenant_id = sub->tenant_id,
        .profile_id = sub->profile_id,
        .workflow_id = sub->workflow_id,
        .state_key = sub->state_key,
        .plan_signature = sub->plan->signature,
        .doc = status_fields(pool, sub),
        .settings = worker_settings(pool, sub),
        .plan = json_keep(pool, plan_to_json(sub->plan)),
        .checkpoint = resume_checkpoint(s, pool, sub),
    };
    return store_run_create(s->store, &rec, err);
}

int sched_submit(struct sched *s, const struct submission *sub, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    int r = create_run(s, pool, sub, &cause);
    if (!r) {
        files_write_status(s, sub->run_id);
        sched_enqueue(s, sub->tenant_id, sub->run_id, sub->profile_id, false);
    } else if (r == E_CONFLICT || r == E_INVALID) {
        err_set(err, r, "%s", cause.msg);
    } else {
        r = sched_store_error(&cause, err);
    }
    pool_destroy(pool);
    return r;
}

static json_t *cancel_fields(const char *reason)
{
    char now[CLOCK_ISO_BYTES];
    json_t *patch = json_object();
    json_put_str(patch, "cancelled_at", clock_iso(clock_wall_us(), now));
    json_put_str(patch, "halt_class", "cancelled");
    json_put_str(patch, "halt_reason", "cancel_event");
    json_put_str(patch, "terminal_status", "cancelled");
    if (reason && *reason)
        json_put(patch, "cancel_reason", json_string_safe(reason));
    return patch;
}

/* With a worker: the state changes at once, the rows follow when it is through. */
static int cancel_slot(struct slot *slot, const char *reason, const json_t *fields,
                       const json_t *events, struct err *err)
{
    struct sched *s = slot->sched;
    int r = store_run_set_state(s->store, slot->run_id, RUN_CANCELLED, fields, NULL, events, err);
    if (r)
        return r;
    files_write_status(s, slot->run_id);
    slot_cancel(slot, reason);
    return 0;
}

static int cancel_live(struct sched *s, const char *run_id, const char *reason, struct err *err)
{
    json_t *fields = cancel_fields(reason), *events = json_array();
    struct slot *slot = sched_slot_of(s, run_id);
    json_push(events, settle_event("decision", "cancelled on request%s%s",
                                   reason && *reason ? ": " : "", reason ? reason : ""));
    struct ending end = {.run_id = run_id,
                         .terminal_status = "cancelled",
                         .halt_reason = "cancel_event",
                         .halt_class = "cancelled",
                         .fields = fields,
                         .events = events};
    int r = slot ? cancel_slot(slot, reason, fields, events, err) : settle_run(s, &end, err);
    if (!r && !slot)
        dequeue(s, run_id);
    json_decref(fields);
    json_decref(events);
    return r;
}

int sched_cancel(struct sched *s, const char *tenant, const char *run_id, const char *reason,
                 struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    struct run_record rec;
    int r = store_run_get(s->store, pool, tenant, run_id, 0, &rec, &cause);
    if (!r && !run_state_terminal(rec.state))
        r = cancel_live(s, run_id, reason, &cause);
    if (r == E_NOT_FOUND)
        err_set(err, r, "%s", cause.msg);
    else if (r)
        r = sched_store_error(&cause, err);
    pool_destroy(pool);
    return r;
}

/* --- watches -----------------------------------------------------------------------------------
 */

static void fire(void *arg)
{
    struct sched_watch *w = arg;
    sched_watch_fn *fn = w->fn;
    w->fn = NULL; /* once; the owner still calls sched_unwatch() */
    if (fn)
        fn(w->arg);
}

struct sched_watch *sched_watch(struct sched *s, const char *tenant, const char *run_id,
                                sched_watch_fn *fn, void *arg)
{
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    struct sched_watch *w = NULL;
    if (store_run_get(s->store, pool, tenant, run_id, RUN_PART_RESULT, &rec, NULL) == 0) {
        w = calloc(1, sizeof(*w));
        if (!w || !(w->run_id = strdup(run_id)))
            BUG("out of memory");
        w->sched = s;
        w->fn = fn;
        w->arg = arg;
        w->next = s->watches;
        s->watches = w;
        if (run_state_terminal(rec.state) && rec.result)
            loop_timer_set(s->loop, &w->now, 0, fire, w);
    }
    pool_destroy(pool);
    return w;
}

void sched_unwatch(struct sched_watch *watch)
{
    if (!watch)
        return;
    struct sched_watch **at = &watch->sched->watches;
    while (*at != watch)
        at = &(*at)->next;
    *at = watch->next;
    loop_timer_clear(&watch->now);
    free(watch->run_id);
    free(watch);
}

/* From the loop, not from here: a watcher may unwatch, submit or destroy. */
void sched_run_settled(struct sched *s, const char *run_id)
{
    for (struct sched_watch *w = s->watches; w; w = w->next)
        if (strcmp(w->run_id, run_id) == 0)
            loop_timer_set(s->loop, &w->now, 0, fire, w);
}

/* --- start and end -----------------------------------------------------------------------------
 */

static int take_up_one(struct sched *s, const struct run_record *rec, const char *why,
                       struct err *err)
{
    int r = 0;
    if (rec->state == RUN_RUNNING) {
        json_t *events = json_array();
        json_push(events, settle_event("result", "attempt %d was lost: %s", rec->attempts, why));
        r = store_run_set_state(s->store, rec->run_id, RUN_RECOVERING, NULL, NULL, events, err);
        json_decref(events);
        files_write_status(s, rec->run_id);
    }
    if (!r)
        sched_enqueue(s, rec->tenant_id, rec->run_id, rec->profile_id, rec->state != RUN_QUEUED);
    return r;
}

/* Runs that the store knows as live and that nobody here takes care of. */
static int take_up(struct sched *s, struct pool *pool, const char *why, struct err *err)
{
    unsigned live = 1u << RUN_QUEUED | 1u << RUN_RUNNING | 1u << RUN_RECOVERING;
    struct run_record *runs;
    int n, taken = 0, r = store_run_list(s->store, pool, NULL, live, &runs, &n, err);
    for (int i = 0; !r && i < n; i++) {
        if (sched_slot_of(s, runs[i].run_id) || is_waiting(s, runs[i].run_id))
            continue;
        r = take_up_one(s, &runs[i], why, err);
        taken++;
    }
    if (!r && taken)
        log_info(LOGGER, NULL, "took up %d runs", taken);
    return r;
}

/* Cancelled, but stopped before the rows were stored. */
static int settle_rest(struct sched *s, struct pool *pool, struct err *err)
{
    struct run_record *runs;
    int n, r = store_run_unsettled(s->store, pool, &runs, &n, err);
    for (int i = 0; !r && i < n; i++) {
        if (sched_slot_of(s, runs[i].run_id))
            continue;
        struct ending end = {.run_id = runs[i].run_id,
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
    int r = take_up(s, pool, "what it reported last could not be stored", &err);
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
    if (!r) {
        if (sweep_processes(pool_printf(pool, "%s/tenants", s->settings->data_dir)))
            log_info(LOGGER, NULL, "ended processes that an earlier server left behind");
        sched_sweep_soon(s);
        dirs_sweep(s);
        r = take_up(s, pool, "the server stopped", err);
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
    int r = take_over(s, err);
    if (r)
        sched_destroy(s);
    else
        *out = s;
    return r;
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
    while (s->waiting) {
        struct waiting *w = s->waiting;
        s->waiting = w->next;
        pool_destroy(w->pool);
    }
    while (s->watches)
        sched_unwatch(s->watches);
    loop_timer_clear(&s->dispatch_timer);
    loop_timer_clear(&s->sweep_timer);
    loop_timer_clear(&s->tidy_timer);
    loop_timer_clear(&s->drain_timer);
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
