/*
 * takeover.c - who has the controls of a run.
 *
 * The lease lives in memory, like the browser it is for: a server that stops leaves the run paused without
 * either. The worker is told when a person comes and goes (`person`), and is handed what the person does only
 * while it stands still (slot->paused), so that two hands are never on one mouse.
 */
#include "sched/live_private.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/hand.h"

#define REASON "takeover"

static void tell_worker(struct screen *sc, bool here)
{
    struct slot *slot = sched_slot_of(sc->sched, sc->key);
    if (!slot)
        return;
    slot_say(slot, json_pack("{s:s,s:b}", "type", "person", "here", here));
    slot_hold_browser(slot, here);
}

static void add_event(struct sched *s, struct run_key key, json_t *event)
{
    struct err err = {0};
    struct log_ctx ctx = {.tenant_id = key.tenant, .run_id = key.run_id};
    json_t *events = json_array();
    json_push(events, event);
    if (store_events_add(s->store, key, events, &err))
        log_warning(LOGGER, &ctx, "a takeover is not in the run's events: %s", err.msg);
    json_decref(events);
}

/* --- the lease --------------------------------------------------------------------------------- */

static void detach(struct screen *sc, const char *why)
{
    if (sc->holder)
        sc->holder->released = why;
    sc->holder = NULL;
    sc->lease.attached = false;
}

void takeover_end(struct screen *sc, const char *why)
{
    if (!*sc->lease.token)
        return;
    detach(sc, why);
    lease_end(&sc->lease);
    loop_timer_clear(&sc->expiry);
    tell_worker(sc, false);
    screen_news(sc);
}

void takeover_forget(struct screen *sc)
{
    lease_end(&sc->lease);
    loop_timer_clear(&sc->expiry);
}

void takeover_detach(struct screen *sc, const struct sched_view *view)
{
    if (sc->holder == view)
        detach(sc, NULL);
}

/* Input renews it all the time: the timer looks again instead of being set anew. */
static void on_expiry(void *arg)
{
    struct screen *sc = arg;
    int64_t left = sc->lease.until_ms - clock_mono_ms();
    if (left > 0) {
        loop_timer_set(sc->sched->loop, &sc->expiry, left, on_expiry, sc);
        return;
    }
    takeover_end(sc, "expired");
    add_event(sc->sched, sc->key,
              settle_event("decision", "nobody used the controls for long: they are free, and the run "
                                           "stays paused"));
    screen_unused(sc);
}

/* What somebody else held down is let go: the worker does that when a person goes. */
static void change_hands(struct screen *sc)
{
    tell_worker(sc, false);
    tell_worker(sc, true);
}

static void attach(struct screen *sc, struct sched_view *view, bool other)
{
    if (other || (view && view != sc->holder))
        detach(sc, "taken");
    if (view) {
        sc->holder = view;
        sc->lease.attached = true;
        view->released = NULL;
    }
    loop_timer_set(sc->sched->loop, &sc->expiry, sc->lease.ttl_ms, on_expiry, sc);
}

/* --- taking ------------------------------------------------------------------------------------ */

/* Why nobody can take over a run that is not over; what to do comes with it. */
static const char *no_browser(const struct slot *slot, enum run_state state)
{
    if (slot && slot->cancelling)
        return "is being cancelled";
    if (slot)
        return "has no browser just now: its worker is ending; try again in a few seconds";
    if (state == RUN_PAUSED)
        return "is paused and its browser is gone (closed after MANTIS_PAUSE_HOLD_SECONDS, or with its worker or "
               "the server): resume the run (action \"resume\"), which opens one anew, then take over";
    return "has no browser yet: take over when it runs";
}

static int check_state(struct sched *s, struct run_key key, enum run_state *ret, struct err *err)
{
    struct sched_peek now;
    const struct slot *slot = sched_slot_of(s, key);
    int r = sched_peek(s, key, &now, err);
    if (r)
        return r;
    *ret = now.state;
    if (run_state_terminal(now.state))
        return err_set(err, E_CONFLICT, "run '%s' is over (%s)", key.run_id, run_state_name(now.state));
    if (!slot || slot->exited || slot->ended || slot->draining || slot->cancelling)
        return err_set(err, E_CONFLICT, "run '%s' %s", key.run_id, no_browser(slot, now.state));
    return 0;
}

static int begin(struct screen *sc, enum run_state state, bool fresh, struct err *err)
{
    int r = state == RUN_PAUSED ? 0 : sched_pause(sc->sched, sc->key, REASON, err);
    if (r || !fresh)
        return r;
    tell_worker(sc, true);
    add_event(sc->sched, sc->key, settle_event("decision", "a person took the controls"));
    return 0;
}

int sched_takeover(struct sched *s, struct run_key key, const struct takeover *ask, struct sched_view *view,
                   const struct lease **ret_lease, struct err *err)
{
    enum run_state state;
    int64_t now = clock_mono_ms();
    int r = check_state(s, key, &state, err);
    if (r)
        return r;
    struct screen *sc = screen_of(s, key);
    bool fresh = !lease_is_held(&sc->lease, now);
    struct lease before = sc->lease;
    r = lease_take(&sc->lease, ask->token, ask->who, ask->take, s->settings->takeover_s * 1000, now, err);
    if (!r && (r = begin(sc, state, fresh, err)))
        sc->lease = before;
    bool other = strcmp(before.token, sc->lease.token) != 0;
    if (!r && other && !fresh)
        change_hands(sc);
    if (!r) {
        attach(sc, view, other);
        *ret_lease = &sc->lease;
        screen_news(sc);
    }
    screen_unused(sc);
    return r;
}

/* --- giving back ------------------------------------------------------------------------------- */

/* A run that asked something goes on with an answer only. */
static int go_on(struct sched *s, struct run_key key, const json_t *user_input, enum run_state *ret,
                 struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, err);
    bool waits = !r && *json_str(rec.doc, "prompt", "") && !user_input;
    if (!r)
        *ret = rec.state;
    if (!r && rec.state == RUN_PAUSED && !waits) {
        r = resume_by_holder(s, key, user_input, err);
        *ret = r ? rec.state : RUN_RUNNING;
    }
    pool_destroy(pool);
    return r;
}

static void give_back(struct screen *sc)
{
    if (!*sc->lease.token)
        return;
    takeover_end(sc, "released");
    add_event(sc->sched, sc->key, settle_event("decision", "the person gave the controls back"));
}

void takeover_released(struct slot *slot)
{
    struct screen *sc = screen_find(slot->sched, slot->key);
    if (sc)
        give_back(sc);
}

/* A resume that is refused leaves the person the controls. */
static int release(struct sched *s, struct run_key key, const json_t *user_input, enum run_state *ret_state,
                   struct err *err)
{
    int r = go_on(s, key, user_input, ret_state, err);
    struct screen *sc = screen_find(s, key);
    if (sc && !r)
        give_back(sc);
    if (sc)
        screen_unused(sc);
    return r;
}

int sched_takeover_release(struct sched *s, struct run_key key, const char *token, const json_t *user_input,
                           enum run_state *ret_state, struct err *err)
{
    struct sched_peek now;
    struct screen *sc = screen_find(s, key);
    int r = sched_peek(s, key, &now, err);
    if (r)
        return r;
    if (run_state_terminal(now.state))
        return err_set(err, E_CONFLICT, "run '%s' is over (%s)", key.run_id, run_state_name(now.state));
    if (!*token)
        return err_set(err, E_INVALID, "'lease' is missing: POST /v1/runs/{run_id}/takeover answered it");
    if (!sc || !lease_is(&sc->lease, token, clock_mono_ms()))
        return err_set(err, E_CONFLICT,
                       "'lease' does not hold the controls of run '%s': it ran out, was given back or was taken", key.run_id);
    return release(s, key, user_input, ret_state, err);
}

static int check_holder(const struct sched_view *view, struct err *err)
{
    const struct screen *sc = view->screen;
    if (sc->holder == view && lease_is_held(&sc->lease, clock_mono_ms()))
        return 0;
    return err_set(err, E_CONFLICT, "the controls are not yours: send takeover first");
}

int sched_view_release(struct sched_view *view, const json_t *user_input, struct err *err)
{
    enum run_state state;
    int r = check_holder(view, err);
    return r ? r : release(view->screen->sched, view->screen->key, user_input, &state, err);
}

/* --- what the person does ---------------------------------------------------------------------- */

int sched_view_renew(struct sched_view *view, struct err *err)
{
    int r = check_holder(view, err);
    if (!r)
        lease_renew(&view->screen->lease, clock_mono_ms());
    return r;
}

/* A worker that is behind is spared moves, and gets what lets go: else it would stay down. */
static int hand_down(struct slot *slot, const struct hand *hand, const json_t *message, struct err *err)
{
    bool behind = slot_is_behind(slot), lets_go = hand->type == HAND_UP || hand->type == HAND_KEY_UP;
    if (behind && hand->type == HAND_MOVE)
        return 0;
    if (behind && !lets_go)
        return err_set(err, E_UNAVAILABLE,
                       "the browser's computer is behind with what you did: this was not done, try again in a moment");
    slot_say(slot, json_pack("{s:s,s:O}", "type", "hand", "hand", message));
    return 0;
}

int sched_view_hand(struct sched_view *view, const json_t *message, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct hand hand;
    const struct screen *sc = view->screen;
    struct slot *slot = sched_slot_of(sc->sched, sc->key);
    int r = check_holder(view, err);
    r = r ? r : hand_read(pool, message, &hand, err);
    if (!r && (!slot || !slot->paused))
        r = err_set(err, E_UNAVAILABLE, "the run is on its way to a point where it can stand still");
    r = r ? r : hand_down(slot, &hand, message, err);
    pool_destroy(pool);
    return r ? r : sched_view_renew(view, err);
}

void takeover_clipboard(struct slot *slot, const char *text)
{
    struct screen *sc = screen_find(slot->sched, slot->key);
    if (sc && sc->holder && sc->holder->events.clipboard)
        sc->holder->events.clipboard(sc->holder->arg, text);
}

/* --- questions --------------------------------------------------------------------------------- */

bool takeover_holds(const struct slot *slot)
{
    const struct screen *sc = slot->sched->screens.n ? screen_find(slot->sched, slot->key) : NULL;
    return sc && lease_is_held(&sc->lease, clock_mono_ms());
}

enum control sched_control(struct sched *s, struct run_key key, int64_t *ret_left_ms)
{
    const struct screen *sc = screen_find(s, key);
    int64_t now = clock_mono_ms();
    bool held = sc && lease_is_held(&sc->lease, now);
    *ret_left_ms = held ? sc->lease.until_ms - now : 0;
    return held ? CONTROL_HELD : CONTROL_FREE;
}

static void read_pause(struct sched *s, struct run_key key, struct sched_view_state *out)
{
    struct run_record rec;
    out->pause_reason = out->prompt = "";
    if (out->state != RUN_PAUSED || store_run_get(s->store, sched_turn_pool(s), key, 0, &rec, NULL))
        return;
    out->pause_reason = json_str(rec.doc, "pause_reason", "");
    out->prompt = json_str(rec.doc, "prompt", "");
}

void sched_view_state(struct sched_view *view, struct sched_view_state *out)
{
    struct screen *sc = view->screen;
    struct sched_peek now = {0};
    const struct slot *slot = sched_slot_of(sc->sched, sc->key);
    *out = (struct sched_view_state){.width = sc->sched->settings->display_width,
                                     .height = sc->sched->settings->display_height,
                                     .ready = slot && slot->paused,
                                     .released = view->released};
    out->state = sched_peek(sc->sched, sc->key, &now, NULL) ? RUN_CANCELLED : now.state;
    out->control = sched_control(sc->sched, sc->key, &out->left_ms);
    if (out->control == CONTROL_HELD && sc->holder == view)
        out->control = CONTROL_YOURS;
    read_pause(sc->sched, sc->key, out);
    view->released = NULL;
}
