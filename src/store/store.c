/*
 * store.c - the list of kinds, and the public functions: arguments are checked here once, and every
 * change of a run becomes one store_change.
 */
#include "store/driver.h"

#include <string.h>

#include "base/clock.h"
#include "base/id.h"

static const struct store_driver *const drivers[] = {&store_sqlite, &store_memory};

const char *const *store_kinds(void)
{
    static const char *kinds[ARRAY_SIZE(drivers) + 1];
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        kinds[i] = drivers[i]->kind;
    return kinds;
}

int store_open(const char *kind, const char *path, struct store **out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (strcmp(drivers[i]->kind, kind) == 0)
            return drivers[i]->open(path, out, err);
    return err_set(err, E_INVALID, "no store is called '%s'", kind);
}

void store_close(struct store *store)
{
    if (store)
        store->driver->close(store);
}

/* --- rules all kinds share ---------------------------------------------------------------------
 */

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

int store_check_change(const struct store_change *c, enum run_state from, bool has_result,
                       const char *run_id, struct err *err)
{
    bool stays = c->new_attempt && from == RUN_RUNNING; /* the last attempt's end was not stored */
    if (c->set_state && !stays && !run_state_may_become(from, c->to))
        return err_set(err, E_CONFLICT, "run '%s' is %s and cannot become %s", run_id,
                       run_state_name(from), run_state_name(c->to));
    if (c->live_only && run_state_terminal(from))
        return err_set(err, E_CONFLICT, "run '%s' has ended: it is %s", run_id,
                       run_state_name(from));
    if (c->needs_result && (has_result || !run_state_terminal(from)))
        return err_set(err, E_CONFLICT, "run '%s' %s", run_id,
                       has_result ? "has a result already" : "has not ended");
    return 0;
}

void store_patch_doc(json_t *doc, const json_t *patch)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)patch, key, value) {
        if (json_is_null(value))
            json_object_del(doc, key);
        else
            json_put(doc, key, json_deep_copy(value));
    }
}

int64_t store_event_us(const json_t *event, int64_t now_us, int64_t last_us)
{
    int64_t at = json_int(event, "at_us", now_us);
    if (at > now_us)
        at = now_us;
    return at > last_us ? at : last_us + 1;
}

json_t *store_event(const json_t *event, int64_t seq, int64_t wall_us)
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

/* --- public functions --------------------------------------------------------------------------
 */

int store_run_create(struct store *store, const struct run_record *run, struct err *err)
{
    if (!id_is_clean(run->run_id) || !id_is_clean(run->tenant_id))
        return err_set(err, E_INVALID, "run id or tenant id is not in its clean form");
    json_t *event = json_pack("{s:s,s:s,s:s,s:i}", "layer", "run", "kind", "result", "summary",
                              "queued", "step_index", -1);
    int r = store->driver->create(store, run, event, err);
    json_decref(event);
    return r;
}

int store_run_get(struct store *store, struct pool *pool, const char *tenant, const char *run_id,
                  unsigned parts, struct run_record *out, struct err *err)
{
    return store->driver->get(store, pool, tenant, run_id, parts, out, err);
}

int store_run_list(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                   struct run_record **ret_runs, int *ret_n, struct err *err)
{
    return store->driver->list(store, pool, tenant, state_mask, false, ret_runs, ret_n, err);
}

int store_run_unsettled(struct store *store, struct pool *pool, struct run_record **ret_runs,
                        int *ret_n, struct err *err)
{
    unsigned terminal = 0;
    for (int s = 0; s < RUN_N_STATES; s++)
        if (run_state_terminal((enum run_state)s))
            terminal |= 1u << s;
    return store->driver->list(store, pool, NULL, terminal, true, ret_runs, ret_n, err);
}

int store_run_set_state(struct store *store, const char *run_id, enum run_state to,
                        const json_t *doc_patch, const json_t *result, const json_t *events,
                        struct err *err)
{
    return store_run_end(store, run_id, to, doc_patch, NULL, result, events, err);
}

int store_run_end(struct store *store, const char *run_id, enum run_state to,
                  const json_t *doc_patch, const json_t *checkpoint, const json_t *result,
                  const json_t *events, struct err *err)
{
    struct store_change c = {.set_state = true,
                             .to = to,
                             .doc_patch = doc_patch,
                             .checkpoint = checkpoint,
                             .result = result,
                             .events = events};
    return store->driver->update(store, run_id, &c, err);
}

int store_run_result(struct store *store, const char *run_id, const json_t *doc_patch,
                     const json_t *checkpoint, const json_t *result, const json_t *events,
                     struct err *err)
{
    struct store_change c = {.needs_result = true,
                             .doc_patch = doc_patch,
                             .checkpoint = checkpoint,
                             .result = result,
                             .events = events};
    return store->driver->update(store, run_id, &c, err);
}

int store_run_checkpoint(struct store *store, const char *run_id, const json_t *checkpoint,
                         const json_t *events, struct err *err)
{
    struct store_change c = {
        .live_only = true, .progress = true, .checkpoint = checkpoint, .events = events};
    return store->driver->update(store, run_id, &c, err);
}

int store_run_start(struct store *store, const char *run_id, const json_t *events, struct err *err)
{
    struct store_change c = {
        .set_state = true, .to = RUN_RUNNING, .new_attempt = true, .events = events};
    return store->driver->update(store, run_id, &c, err);
}

int store_run_patch(struct store *store, const char *run_id, const json_t *doc_patch,
                    struct err *err)
{
    struct store_change c = {.doc_patch = doc_patch};
    return store->driver->update(store, run_id, &c, err);
}

int store_events_add(struct store *store, const char *run_id, const json_t *events, struct err *err)
{
    struct store_change c = {.events = events};
    return store->driver->update(store, run_id, &c, err);
}

int store_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                              const char *workflow, const char *signature, json_t **out,
                              struct err *err)
{
    return store->driver->workflow_checkpoint(store, pool, tenant, workflow, signature, out, err);
}

int store_journal_put(struct store *store, const char *run_id, const char *key, const char *state,
                      const json_t *detail, struct err *err)
{
    return store->driver->journal_put(store, run_id, key, state, detail, err);
}

int store_journal_get(struct store *store, struct pool *pool, const char *run_id, json_t **out,
                      struct err *err)
{
    return store->driver->journal_get(store, pool, run_id, out, err);
}

int store_events_get(struct store *store, struct pool *pool, const char *tenant, const char *run_id,
                     int64_t after, int limit, json_t **ret_array, struct err *err)
{
    return store->driver->events_get(store, pool, tenant, run_id, after, limit, ret_array, err);
}

int store_run_counts(struct store *store, const char *tenant, int counts[RUN_N_STATES],
                     struct err *err)
{
    return store->driver->counts(store, tenant, counts, err);
}
