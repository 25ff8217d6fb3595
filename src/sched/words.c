/*
 * words.c - what a worker says, what becomes of it, and what is recorded when it dies.
 *
 * One function per message of docs/processes.md, and two words of our own: "flush" and "died".
 * While the store refuses, slot.c hands the same message in again.
 */
#include "sched/private.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/delta.h"

/* Events keep the time they came in, however much later they are stored. */
static void gather(struct slot *slot, const json_t *message)
{
    json_t *one = json_object_get(message, "event"), *more = json_object_get(message, "events"), *e;
    size_t i, before = json_array_size(slot->events);
    if (json_is_object(one))
        json_array_append(slot->events, one);
    if (json_is_array(more))
        json_array_extend(slot->events, more);
    for (i = before; i < json_array_size(slot->events); i++) {
        e = json_array_get(slot->events, i);
        if (json_is_object(e) && !json_object_get(e, "at_us"))
            json_put_int(e, "at_us", clock_wall_us());
    }
}

/* Stored, or of no more use because the run has ended: 0. */
static int settled_or(int code, struct slot *slot)
{
    if (code == 0 || code == E_CONFLICT || code == E_NOT_FOUND) {
        json_array_clear(slot->events);
        return 0;
    }
    return code;
}

static int on_event(struct slot *slot, const json_t *m, struct err *err)
{
    gather(slot, m);
    slot_flush_soon(slot);
    return 0;
}

static int on_flush(struct slot *slot, const json_t *m, struct err *err)
{
    if (!json_array_size(slot->events) || slot->disk_full)
        return 0;
    return settled_or(store_events_add(slot->sched->store, slot->key, slot->events, err), slot);
}

static int on_ready(struct slot *slot, const json_t *m, struct err *err)
{
    json_t *event = settle_event("result", "the browser is up");
    json_put(event, "detail", json_copy((json_t *)m));
    json_object_del(json_object_get(event, "detail"), "type");
    json_put_int(event, "at_us", clock_wall_us());
    json_array_append_new(slot->events, event);
    slot_flush_soon(slot);
    return 0;
}

static int on_checkpoint(struct slot *slot, const json_t *m, struct err *err)
{
    const json_t *checkpoint =
        json_object_get(m, "checkpoint"); /* the store takes what is new, too */
    if (!delta_apply(&slot->last_checkpoint, checkpoint))
        return 0;
    gather(slot, m);
    if (slot->gateway)
        gateway_told_cost(slot->gateway,
                          json_num(json_object_get(checkpoint, "costs"), "total", 0));
    if (slot->disk_full) /* what space was kept is for the end, in one commit */
        return 0;
    int r = store_run_checkpoint(slot->sched->store, slot->key, checkpoint, slot->events, err);
    if (settled_or(r, slot) == 0)
        return 0;
    /* tried again with the same message, so its events must not be gathered twice */
    json_t *events = json_object_get(m, "events");
    for (size_t n = json_array_size(events); n > 0 && json_array_size(slot->events); n--)
        json_array_remove(slot->events, json_array_size(slot->events) - 1);
    return r;
}

static int on_journal(struct slot *slot, const json_t *m, struct err *err)
{
    const char *key = json_str(m, "key", ""), *state = json_str(m, "state", "");
    if (slot->disk_full) /* the run ends: nobody will read it */
        return 0;
    int r = store_journal_put(slot->sched->store, slot->key, key, state,
                              json_object_get(m, "detail"), err);
    if (r)
        return r == E_NOT_FOUND ? 0 : r;
    json_t *ack = json_pack("{s:s,s:s,s:s}", "type", "ack", "key", key, "state", state);
    if (slot->ipc && ipc_send(slot->ipc, ack))
        slot_kill(slot);
    json_decref(ack);
    return 0;
}

static int on_end(struct slot *slot, const json_t *m, struct err *err)
{
    json_t *checkpoint = json_object_get(m, "checkpoint");
    json_t *waiting = json_copy(slot->events), *events;
    gather(slot, m);
    events = slot->events;
    slot->events = waiting; /* tried again with the same message when the store refuses */
    struct ending end = {
        .key = slot->key,
        .runner_status = json_str(m, "status", "failed"),
        .halt_reason = json_str(m, "halt_reason", ""),
        .halt_class = json_str(m, "halt_class", ""),
        .error = json_str(m, "error", ""),
        .checkpoint = json_is_object(checkpoint) ? checkpoint : slot->last_checkpoint,
        .events = events,
    };
    int r = settle_run(slot->sched, &end, err);
    json_decref(events);
    if (r)
        return r;
    json_array_clear(slot->events);
    slot->ended = true;
    slot_linger(slot);
    return 0;
}

static void note(struct slot *slot, json_t *event)
{
    json_put_int(event, "at_us", clock_wall_us());
    json_array_append_new(slot->events, event);
    slot_flush_soon(slot);
}

/* What it asks is stored as the run's before anybody can answer it. */
static int on_paused(struct slot *slot, const json_t *m, struct err *err)
{
    const char *kind = json_str(m, "kind", "external");
    bool by_itself = strcmp(kind, "external") != 0;
    if (by_itself && (slot->cancelling || slot->draining || slot->over_time || slot->disk_full))
        return 0;
    if (by_itself) {
        int r = pause_by_run(slot, m, err);
        if (r)
            return settled_or(r, slot);
    }
    if (slot_paused(slot, by_itself, strcmp(kind, "captcha") != 0))
        note(slot, settle_event("decision", "stopped before step %d; the browser stays open",
                                (int)json_int(m, "step_index", 0) + 1));
    return 0;
}

static int on_unpaused(struct slot *slot, const json_t *m, struct err *err)
{
    int r = unpause_by_run(slot, err);
    if (r)
        return settled_or(r, slot);
    slot_unpaused(slot);
    return 0;
}

static int on_clipboard(struct slot *slot, const json_t *m, struct err *err)
{
    takeover_clipboard(slot, json_str(m, "text", ""));
    return 0;
}

static int on_lost(struct slot *slot, const json_t *m, struct err *err)
{
    slot->lost_reason = pool_strdup(slot->pool, json_str(m, "reason", "the worker gave up"));
    slot->lost_class = pool_strdup(slot->pool, json_str(m, "failure_class", ""));
    slot_linger(slot);
    return 0;
}

static void log_tail(struct slot *slot)
{
    struct log_ctx ctx = {.tenant_id = slot->key.tenant, .run_id = slot->key.run_id};
    char tail[401];
    if (dirs_log_tail(slot->sched, slot->key, tail, sizeof(tail)))
        log_warning(LOGGER, &ctx, "last words of the worker: %s", tail);
}

static int after_unexpected_death(struct slot *slot, struct err *err)
{
    struct sched *s = slot->sched;
    const char *reason = slot->lost_reason ? slot->lost_reason
                         : slot->broke     ? slot->broke
                                           : slot->exit_reason;
    bool again = false;
    if (!slot->lost_reason) {
        reason = pool_printf(slot->pool, "worker %s", reason);
        if (!s->draining && !slot->store_failures)
            log_tail(slot);
    }
    int r = settle_lost(s, slot->key, reason, slot->lost_class, slot->events, &again, err);
    if (r)
        return r;
    json_array_clear(slot->events);
    if (again)
        queue_add(s, slot->key, slot->profile, true);
    return 0;
}

/* Why we ended the worker ourselves; the first that applies. */
static const struct ending *our_ending(const struct slot *slot)
{
    static const struct ending cancelled = {.terminal_status = "cancelled",
                                            .halt_reason = "cancel_event",
                                            .halt_class = "cancelled",
                                            .error = ""};
    static const struct ending over_time = {.terminal_status = "timeout",
                                            .halt_reason = "halt_timeout",
                                            .halt_class = "halt_timeout",
                                            .error =
                                                "the run was still going after its time limit"};
    static const struct ending disk_full = {.terminal_status = "failed",
                                            .halt_reason = "disk_full",
                                            .halt_class = "disk_full",
                                            .error = DISK_FULL};
    return slot->cancelling  ? &cancelled
           : slot->over_time ? &over_time
           : slot->disk_full ? &disk_full
                             : NULL;
}

static int on_died(struct slot *slot, const json_t *m, struct err *err)
{
    if (slot->ended)
        return 0;
    const struct ending *ours = our_ending(slot);
    if (!ours)
        return after_unexpected_death(slot, err);
    struct ending end = *ours;
    end.key = slot->key;
    end.checkpoint = slot->last_checkpoint;
    end.events = slot->events;
    int r = settle_run(slot->sched, &end, err);
    if (!r)
        json_array_clear(slot->events);
    return r;
}

/* Each returns 0, or the store's error when the message must be tried again. */
/* clang-format off */
static const struct handler {
    const char *type;
    int (*take)(struct slot *slot, const json_t *message, struct err *err);
    bool from_worker;
} handlers[] = {
    {"ready", on_ready, true},
    {"event", on_event, true},
    {"checkpoint", on_checkpoint, true},
    {"journal", on_journal, true},
    {"end", on_end, true},
    {"lost", on_lost, true},
    {"paused", on_paused, true},
    {"unpaused", on_unpaused, true},
    {"clipboard", on_clipboard, true},
    {"flush", on_flush, false}, /* EVENTS_MS are over */
    {"died", on_died, false},   /* process gone, socket read to its end */
};
/* clang-format on */

static const struct handler *handler_of(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
        if (strcmp(handlers[i].type, type) == 0)
            return &handlers[i];
    return NULL;
}

bool words_of_worker(const char *type)
{
    const struct handler *h = handler_of(type);
    return h && h->from_worker;
}

int words_take(struct slot *slot, const json_t *message, struct err *err)
{
    return handler_of(json_str(message, "type", ""))->take(slot, message, err);
}
