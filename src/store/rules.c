/*
 * rules.c - what holds for a run whatever keeps it: which change is allowed, how events are
 * numbered and dated, and the words of every refusal.
 */
#include "store/driver.h"

#include "base/caps.h"
#include "base/clock.h"

int store_no_run(const char *run_id, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "no run '%s'", run_id);
}

int store_run_exists(const char *run_id, struct err *err)
{
    return err_set(err, E_CONFLICT, "run '%s' exists already", run_id);
}

int store_profile_busy(const char *profile, const char *holder, struct err *err)
{
    return err_set(err, E_CONFLICT, "profile '%s' is in use by run '%s'", profile, holder);
}

int store_key_taken(const char *holder, struct err *err)
{
    return err_set(err, E_CONFLICT, "the idempotency key was taken by run '%s'", holder);
}

int store_no_delivery(const char *delivery_id, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "no webhook delivery '%s'", delivery_id);
}

int store_delivery_pending(const char *run_id, struct err *err)
{
    return err_set(err, E_CONFLICT, "the webhook of run '%s' is still to be sent", run_id);
}

int store_no_recipe(const char *name, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "no recipe '%s'", name);
}

int store_recipes_full(struct err *err)
{
    return err_set(err, E_CONFLICT, "there are %d recipes, the most a tenant may keep: delete one",
                   CAP_RECIPES);
}

const char *delivery_state_name(enum delivery_state state)
{
    static const char *const names[] = {"pending", "delivered", "dead"};
    return (unsigned)state < ARRAY_SIZE(names) ? names[state] : "unknown";
}

int store_check_change(const struct store_change *c, const struct store_row *row, struct err *err)
{
    const char *run_id = row->rec.run_id;
    enum run_state from = row->rec.state;
    bool stays = c->new_attempt && from == RUN_RUNNING; /* the last attempt's end was not stored */
    if (c->set_state && !stays && !run_state_may_become(from, c->to))
        return err_set(err, E_CONFLICT, "run '%s' is %s and cannot become %s", run_id,
                       run_state_name(from), run_state_name(c->to));
    if (c->live_only && run_state_terminal(from))
        return err_set(err, E_CONFLICT, "run '%s' has ended: it is %s", run_id,
                       run_state_name(from));
    if (c->needs_result && (row->rec.has_result || !run_state_terminal(from)))
        return err_set(err, E_CONFLICT, "run '%s' %s", run_id,
                       row->rec.has_result ? "has a result already" : "has not ended");
    if (c->results_from < 0 || c->results_from > row->n_results)
        return err_set(err, E_INVALID,
                       "run '%s' has %lld step results: none follow behind the first %lld", run_id,
                       (long long)row->n_results, (long long)c->results_from);
    return 0;
}

json_t *store_patched(const json_t *doc, const json_t *patch)
{
    const char *key;
    json_t *value, *patched = json_copy((json_t *)doc);
    json_object_foreach ((json_t *)patch, key, value) {
        if (json_is_null(value))
            json_object_del(patched, key);
        else
            json_put(patched, key, json_deep_copy(value));
    }
    return patched;
}

/* When an event happened: by its own word or now, and after the one before. */
static int64_t event_us(const json_t *event, int64_t now_us, int64_t last_us)
{
    int64_t at = json_int(event, "at_us", now_us);
    if (at > now_us)
        at = now_us;
    return at > last_us ? at : last_us + 1;
}

/* A copy with every key of store.h's list present. */
static json_t *complete(const json_t *event, int64_t seq, int64_t wall_us)
{
    char ts[CLOCK_ISO_BYTES];
    json_t *e = json_object(), *detail = json_object_get(event, "detail");
    json_put_int(e, "seq", seq);
    json_put_str(e, "ts", clock_iso(wall_us, ts));
    json_put_str(e, "layer", json_str(event, "layer", "run"));
    json_put_str(e, "kind", json_str(event, "kind", "result"));
    json_put_str(e, "summary", json_str(event, "summary", ""));
    json_put_int(e, "step_index", json_int(event, "step_index", -1));
    json_put(e, "detail", json_is_object(detail) ? json_deep_copy(detail) : json_object());
    json_put_str(e, "category", json_str(event, "category", "reasoning"));
    return e;
}

json_t *store_events_made(const json_t *events, int64_t now_us, struct store_row *row)
{
    json_t *made = json_array(), *event;
    size_t i;
    json_array_foreach ((json_t *)events, i, event) {
        row->last_ts_us = event_us(event, now_us, row->last_ts_us);
        json_push(made, complete(event, ++row->rec.last_seq, row->last_ts_us));
    }
    return made;
}
