/*
 * action.c - what a caller does to a run: cancel, pause, resume (http-api.md section 5).
 *
 * The store's state changes with the request; the worker follows. A paused run goes on only when it
 * is told to: whatever happens to its worker or to the server meanwhile, it stays paused.
 */
#include "sched/private.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"

/* What callers may be told of a refusal by the store's own rules. */
static int tell(int r, const struct err *cause, struct err *err)
{
    if (r == E_NOT_FOUND || r == E_CONFLICT || r == E_INVALID)
        return err_set(err, r, "%s", cause->msg);
    return r ? sched_store_error(cause, err) : 0;
}

static void put_now(json_t *doc, const char *key, int64_t wall_us)
{
    char iso[CLOCK_ISO_BYTES];
    json_put_str(doc, key, clock_iso(wall_us, iso));
}

static json_t *one_event(json_t *event)
{
    json_t *events = json_array();
    json_push(events, event);
    return events;
}

/* It stands in the run's row and in an event: nobody is told off for a long one. */
static const char *short_reason(struct pool *pool, const char *reason, const char *none)
{
    return reason && *reason ? str_cut(pool, reason, CAP_REASON_BYTES) : none;
}

/* --- cancel ------------------------------------------------------------------------------------
 */

static json_t *cancel_fields(const char *reason)
{
    json_t *patch = json_object();
    put_now(patch, "cancelled_at", clock_wall_us());
    json_put_str(patch, "halt_class", "cancelled");
    json_put_str(patch, "halt_reason", "cancel_event");
    json_put_str(patch, "terminal_status", "cancelled");
    if (*reason)
        json_put(patch, "cancel_reason", json_string_safe(reason));
    return patch;
}

/* With a worker: the state changes at once, the rows follow when it is through. */
static int cancel_slot(struct slot *slot, const char *reason, const json_t *fields,
                       const json_t *events, struct err *err)
{
    struct sched *s = slot->sched;
    int r = store_run_set_state(s->store, slot->key, RUN_CANCELLED, fields, NULL, events, err);
    if (r)
        return r;
    files_status_soon(s, slot->key);
    slot_cancel(slot, reason);
    return 0;
}

static int cancel_live(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    json_t *fields = cancel_fields(reason);
    json_t *events = one_event(
        settle_event("decision", "cancelled on request%s%s", *reason ? ": " : "", reason));
    struct slot *slot = sched_slot_of(s, key);
    struct ending end = {.key = key,
                         .terminal_status = "cancelled",
                         .halt_reason = "cancel_event",
                         .halt_class = "cancelled",
                         .fields = fields,
                         .events = events};
    int r = slot ? cancel_slot(slot, reason, fields, events, err) : settle_run(s, &end, err);
    if (!r)
        queue_remove(s, key);
    json_decref(fields);
    json_decref(events);
    return r;
}

int sched_cancel(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (!r && !run_state_terminal(rec.state))
        r = cancel_live(s, key, short_reason(pool, reason, ""), &cause);
    if (r)
        r = sched_run_error(&cause, err);
    pool_destroy(pool);
    return r;
}

/* --- pause -------------------------------------------------------------------------------------
 */

static int pause_live(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    json_t *patch = json_object();
    json_put(patch, "pause_reason", json_string_safe(reason));
    put_now(patch, "paused_at", clock_wall_us());
    json_put(patch, "resumed_at", json_null());
    json_t *events = one_event(settle_event("decision", "paused on request: %s", reason));
    int r = store_run_set_state(s->store, key, RUN_PAUSED, patch, NULL, events, err);
    json_decref(patch);
    json_decref(events);
    if (r)
        return r;
    struct slot *slot = sched_slot_of(s, key);
    if (slot)
        slot_pause(slot, reason);
    queue_remove(s, key);
    files_status_soon(s, key);
    return 0;
}

int sched_pause(struct sched *s, struct run_key key, const char *reason, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (!r && !run_state_may_become(rec.state, RUN_PAUSED))
        r = err_set(&cause, E_INVALID,
                    "run '%s' is %s: only a run that is queued, running or recovering can be "
                    "paused",
                    key.run_id, run_state_name(rec.state));
    if (!r)
        r = pause_live(s, key, short_reason(pool, reason, "external"), &cause);
    pool_destroy(pool);
    return tell(r, &cause, err);
}

/* What of it callers see while it waits. */
static json_t *pause_fields(const json_t *pause)
{
    static const char *const told[] = {"prompt", "reason"};
    static const char *const kept[] = {"step_index", "pending_tool", "pending_arguments", "prompt", "input"};
    json_t *patch = json_object(), *state = json_pack("{s:i}", "version", 1);
    put_now(patch, "paused_at", clock_wall_us());
    put_now(state, "timestamp", clock_wall_us());
    for (size_t i = 0; i < ARRAY_SIZE(told); i++)
        if (json_object_get(pause, told[i]))
            json_object_set(patch, told[i], json_object_get(pause, told[i]));
    for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
        if (json_object_get(pause, kept[i]))
            json_object_set(state, kept[i], json_object_get(pause, kept[i]));
    json_object_set(state, "pending_reason", json_object_get(pause, "reason"));
    json_object_set(patch, "pause_reason", json_object_get(pause, "reason"));
    json_put(patch, "resumed_at", json_null());
    json_put(patch, "pause_state", state);
    return patch;
}

/* A caller may have paused it a moment before: then it only says why, too. */
int pause_by_run(struct slot *slot, const json_t *pause, struct err *err)
{
    struct sched *s = slot->sched;
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    const char *prompt = json_str(pause, "prompt", ""), *reason = json_str(pause, "reason", "");
    json_t *patch = pause_fields(pause);
    json_t *event = settle_event("decision", "paused: %s%s%s", reason, *prompt ? ": " : "", prompt);
    json_put(event, "detail", json_copy(json_object_get(patch, "pause_state")));
    json_t *events = one_event(event);
    int r = store_run_get(s->store, pool, slot->key, 0, &rec, err);
    if (!r && rec.state == RUN_PAUSED) {
        r = store_run_patch(s->store, slot->key, patch, err);
        if (!r)
            r = store_events_add(s->store, slot->key, events, err);
    } else if (!r) {
        r = store_run_set_state(s->store, slot->key, RUN_PAUSED, patch, NULL, events, err);
    }
    if (!r)
        files_status_soon(s, slot->key);
    json_decref(patch);
    json_decref(events);
    pool_destroy(pool);
    return r;
}

/* --- resume ------------------------------------------------------------------------------------
 */

/* Nothing of the pause is left. New reference. */
static json_t *resumed_fields(int64_t now_us)
{
    static const char *const over[] = {"pause_reason", "prompt", "reason", "pause_state"};
    json_t *patch = json_object();
    put_now(patch, "resumed_at", now_us);
    for (size_t i = 0; i < ARRAY_SIZE(over); i++)
        json_put(patch, over[i], json_null());
    return patch;
}

int unpause_by_run(struct slot *slot, struct err *err)
{
    struct sched *s = slot->sched;
    json_t *patch = resumed_fields(clock_wall_us());
    json_t *events = one_event(settle_event("decision", "nobody came: the run goes on by itself"));
    int r = store_run_set_state(s->store, slot->key, RUN_RUNNING, patch, NULL, events, err);
    json_decref(patch);
    json_decref(events);
    if (!r)
        files_status_soon(s, slot->key);
    return r;
}

/* A number and false are answers; "" and {} say nothing, and would be typed into a field as they are. */
static bool says_something(const json_t *answer)
{
    if (json_is_string(answer))
        return !str_empty(json_string_value(answer));
    return json_is_number(answer) || json_is_boolean(answer) || json_truthy(answer);
}

static int check_answer(const struct run_record *rec, const json_t *answer, struct err *err)
{
    if (!*json_str(rec->doc, "prompt", "") || says_something(answer))
        return 0;
    if (!answer)
        return err_set(err, E_INVALID,
                       "run '%s' waits for an answer to its prompt: send it as user_input",
                       rec->run_id);
    return err_set(err, E_INVALID,
                   "run '%s' waits for an answer to its prompt, and user_input is empty: send a text, a "
                   "number, true or false",
                   rec->run_id);
}

static int check_resume(struct sched *s, const struct run_record *rec, const json_t *user_input,
                        bool by_holder, struct err *err)
{
    const struct slot *slot = sched_slot_of(s, RUN_KEY_OF(rec));
    if (rec->state != RUN_PAUSED)
        return err_set(err, E_INVALID, "run '%s' is %s, not paused", rec->run_id,
                       run_state_name(rec->state));
    int r = check_answer(rec, user_input, err);
    if (r)
        return r;
    if (slot && !by_holder && takeover_holds(slot))
        return err_set(err, E_CONFLICT,
                       "a person has the controls of run '%s': give them back (POST "
                       "/v1/runs/{run_id}/release), or wait until the lease runs out",
                       rec->run_id);
    if (slot && !slot_can_resume(slot))
        return err_set(err, E_CONFLICT,
                       "an earlier worker of run '%s' is still ending; try again in a few seconds",
                       rec->run_id);
    return 0;
}

static int resume_paused(struct sched *s, const struct run_record *rec, const json_t *user_input,
                         int64_t now_us, struct err *err)
{
    struct run_key key = RUN_KEY_OF(rec);
    struct slot *slot = sched_slot_of(s, key);
    bool asked = *json_str(rec->doc, "prompt", "");
    json_t *patch = resumed_fields(now_us), *events = one_event(settle_event("decision", "resumed"));
    int r = store_run_set_state(s->store, key, slot ? RUN_RUNNING : RUN_QUEUED, patch, NULL, events,
                                err);
    json_decref(patch);
    json_decref(events);
    if (r)
        return r;
    if (asked)
        answers_keep(s, key, (int)json_int(json_object_get(rec->doc, "pause_state"), "input", 1),
                     user_input);
    if (slot) {
        takeover_released(slot);
        slot_resume(slot);
    } else {
        queue_add(s, key, rec->profile_id, rec->attempts > 0);
    }
    files_status_soon(s, key);
    return 0;
}

static int resume(struct sched *s, struct run_key key, const json_t *user_input, bool by_holder,
                  int64_t *ret_resumed_us, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    struct run_record rec;
    int64_t now_us = clock_wall_us();
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (!r)
        r = check_resume(s, &rec, user_input, by_holder, &cause);
    if (!r)
        r = resume_paused(s, &rec, user_input, now_us, &cause);
    pool_destroy(pool);
    if (!r && ret_resumed_us)
        *ret_resumed_us = now_us;
    return tell(r, &cause, err);
}

int sched_resume(struct sched *s, struct run_key key, const json_t *user_input,
                 int64_t *ret_resumed_us, struct err *err)
{
    return resume(s, key, user_input, false, ret_resumed_us, err);
}

int resume_by_holder(struct sched *s, struct run_key key, const json_t *user_input, struct err *err)
{
    return resume(s, key, user_input, true, NULL, err);
}
