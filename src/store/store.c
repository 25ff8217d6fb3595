/*
 * store.c - the list of kinds, the public functions, and the one way a run changes: its row comes
 * from memory or the kind, the rules of rules.c make the new one, the kind writes it in one commit,
 * and then the cache and the listeners learn of it.
 */
#include "store/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/str.h"
#include "core/delta.h"

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
    if (!store)
        return;
    store_cache_clear(&store->cache);
    store->driver->close(store);
}

void store_listen(struct store *store, store_note_fn *fn, void *arg)
{
    if (store->n_listeners == STORE_LISTENERS)
        BUG("more than %d listeners", STORE_LISTENERS);
    store->listeners[store->n_listeners].fn = fn;
    store->listeners[store->n_listeners++].arg = arg;
}

static void tell(struct store *store, const struct store_note *note)
{
    for (int i = 0; i < store->n_listeners; i++)
        store->listeners[i].fn(store->listeners[i].arg, note);
}

/* --- new runs ----------------------------------------------------------------------------------
 */

static int check_new(const struct store_creation *c, struct err *err)
{
    if (!id_is_clean(c->run->run_id) || !id_is_clean(c->run->tenant_id))
        return err_set(err, E_INVALID, "run id or tenant id is not in its clean form");
    return 0;
}

/* Documents are copied here: the caller's may change afterwards, a row's never do. */
static void make_new(struct store_creation *c, const json_t *first, struct store_new *out)
{
    const struct run_record *given = c->run;
    int64_t from;
    int64_t now = given->created_us ? given->created_us : clock_wall_us();
    *out = (struct store_new){.creation = c, .row.rec = *given};
    struct run_record *r = &out->row.rec;
    r->state = RUN_QUEUED;
    r->created_us = r->updated_us = now;
    r->started_us = r->finished_us = r->last_seq = 0;
    r->attempts = r->attempts_no_progress = 0;
    r->has_result = false;
    r->doc = given->doc ? json_deep_copy(given->doc) : json_object();
    r->settings = given->settings ? json_deep_copy(given->settings) : NULL;
    out->checkpoint = delta_split(given->checkpoint, &out->results, &from);
    out->row.n_results = (int64_t)json_array_size(out->results);
    json_t *events = json_copy((json_t *)first);
    if (c->events)
        json_array_extend(events, (json_t *)c->events);
    out->events = store_events_made(events, now, &out->row);
    json_decref(events);
}

static void free_new(struct store_new *n)
{
    json_decref((json_t *)n->row.rec.doc);
    json_decref((json_t *)n->row.rec.settings);
    json_decref(n->checkpoint);
    json_decref((json_t *)n->events);
}

static void tell_new(struct store *store, struct store_new *n)
{
    struct store_entry *e = store_entry_ref(store_cache_put(&store->cache, &n->row));
    struct store_note note = {.key = RUN_KEY_OF(&e->row.rec),
                              .before = RUN_N_STATES,
                              .state = RUN_QUEUED,
                              .last_seq = e->row.rec.last_seq,
                              .events = n->events};
    tell(store, &note);
    store_entry_unref(e);
}

int store_run_create(struct store *store, struct store_creation *list, size_t n, struct err *err)
{
    struct store_new *fresh = calloc(n ? n : 1, sizeof(*fresh));
    size_t good = 0;
    int r = 0;
    if (!fresh)
        BUG("out of memory");
    json_t *first = json_pack("[{s:s,s:s,s:s,s:i}]", "layer", "run", "kind", "result", "summary",
                              "queued", "step_index", -1);
    for (size_t i = 0; i < n; i++) {
        err_clear(&list[i].err);
        list[i].result = check_new(&list[i], &list[i].err);
        if (!list[i].result)
            make_new(&list[i], first, &fresh[good++]);
    }
    if (good)
        r = store->driver->create(store, fresh, good, err);
    for (size_t i = 0; i < good; i++) {
        if (!r && !fresh[i].creation->result)
            tell_new(store, &fresh[i]);
        free_new(&fresh[i]);
    }
    json_decref(first);
    free(fresh);
    return r;
}

/* --- reading -----------------------------------------------------------------------------------
 */

/* Borrowed until the next change of the cache. */
static int find(struct store *store, struct run_key key, struct store_entry **out, struct err *err)
{
    struct store_row row;
    *out = store_cache_get(&store->cache, key);
    if (*out)
        return 0;
    struct pool *pool = pool_create(NULL);
    int r = store->driver->load(store, pool, key, &row, err);
    if (!r)
        *out = store_cache_put(&store->cache, &row);
    pool_destroy(pool);
    return r;
}

/* The step results come back into their checkpoint, which lives in pool. */
static int join_results(struct store *store, struct pool *pool, int64_t id, json_t *checkpoint,
                        struct err *err)
{
    json_t *results;
    int r = store->driver->results(store, pool, id, &results, err);
    if (!r && json_array_size(results))
        delta_join(checkpoint, json_incref(results));
    return r;
}

int store_run_get(struct store *store, struct pool *pool, struct run_key key, unsigned parts,
                  struct run_record *out, struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    if (r)
        return r;
    struct run_record rec = e->row.rec;
    const struct {
        enum run_parts part;
        const json_t **to;
    } wanted[] = {{RUN_PART_PLAN, &rec.plan},
                  {RUN_PART_CHECKPOINT, &rec.checkpoint},
                  {RUN_PART_RESULT, &rec.result}};
    store_entry_keep(pool, e);
    for (size_t i = 0; !r && i < ARRAY_SIZE(wanted); i++)
        if (parts & wanted[i].part)
            r = store->driver->part(store, pool, e->row.id, wanted[i].part, wanted[i].to, err);
    if (!r && rec.checkpoint && e->row.n_results)
        r = join_results(store, pool, e->row.id, (json_t *)rec.checkpoint, err);
    if (!r)
        *out = rec;
    return r;
}

int store_run_list(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                   struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct store_query q = {.which = STORE_IN_STATES, .tenant = tenant, .state_mask = state_mask};
    return store->driver->list(store, pool, &q, ret_runs, ret_n, err);
}

int store_run_unsettled(struct store *store, struct pool *pool, struct run_record **ret_runs,
                        int *ret_n, struct err *err)
{
    struct store_query q = {.which = STORE_UNSETTLED};
    return store->driver->list(store, pool, &q, ret_runs, ret_n, err);
}

int store_run_look(struct store *store, struct pool *pool, struct run_key key,
                   struct run_record *out, struct err *err)
{
    struct store_row row;
    int r = store->driver->load(store, pool, key, &row, err);
    if (!r)
        *out = row.rec;
    return r;
}

int store_cost_since(struct store *store, const char *tenant, int64_t since_us, double *ret_usd,
                     struct err *err)
{
    return store->driver->cost_since(store, tenant, since_us, ret_usd, err);
}

int store_cost_add(struct store *store, const char *tenant, int64_t at_us, double usd,
                   struct err *err)
{
    return store->driver->cost_add(store, tenant, at_us - at_us % DAY_US, usd, err);
}

int store_days(struct store *store, const char *tenant, int64_t since_us, struct store_day *days,
               int max, int *ret_n, struct err *err)
{
    *ret_n = 0;
    return store->driver->days(store, tenant, since_us - since_us % DAY_US, days, max, ret_n,
                               err);
}

int store_run_page(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                   const char *text, struct store_place behind, int limit,
                   struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct store_query q = {.which = STORE_PAGE,
                            .tenant = tenant,
                            .state_mask = state_mask,
                            .text = str_lower(pool, text),
                            .behind = behind,
                            .limit = limit};
    return store->driver->list(store, pool, &q, ret_runs, ret_n, err);
}

int store_runs_unlogged(struct store *store, struct pool *pool, int limit,
                        struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct store_query q = {.which = STORE_UNLOGGED, .limit = limit};
    return store->driver->list(store, pool, &q, ret_runs, ret_n, err);
}

int store_runs_expired(struct store *store, struct pool *pool, int64_t before_us, int limit,
                       struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct store_query q = {.which = STORE_EXPIRED, .before_us = before_us, .limit = limit};
    return store->driver->list(store, pool, &q, ret_runs, ret_n, err);
}

int store_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                              const char *workflow, const char *signature, json_t **out,
                              struct err *err)
{
    int64_t id;
    int r =
        store->driver->workflow_checkpoint(store, pool, tenant, workflow, signature, &id, out, err);
    return r || !*out ? r : join_results(store, pool, id, *out, err);
}

/* --- changing ----------------------------------------------------------------------------------
 */

/* The row as it will be; doc is a new reference. */
static struct store_row changed(const struct store_row *before, const struct store_change *c,
                                int64_t now)
{
    struct store_row row = *before;
    struct run_record *r = &row.rec;
    const json_t *costs = json_object_get(c->result ? c->result : c->checkpoint, "costs");
    r->cost_usd = json_num(costs, "total", r->cost_usd);
    r->has_result |= c->result != NULL;
    if (c->checkpoint)
        row.n_results = c->results_from + (int64_t)json_array_size(c->results);
    row.logged |= c->logged;
    r->attempts += c->new_attempt;
    r->attempts_no_progress = c->progress ? 0 : r->attempts_no_progress + c->new_attempt;
    if (!c->logged && now > r->updated_us)
        r->updated_us = now;
    if (c->set_state) {
        r->state = c->to;
        if (c->to == RUN_RUNNING && !r->started_us)
            r->started_us = now;
        if (run_state_terminal(c->to) && !r->finished_us)
            r->finished_us = now;
    }
    r->doc = c->doc_patch ? store_patched(r->doc, c->doc_patch) : json_incref((json_t *)r->doc);
    return row;
}

static void tell_change(struct store *store, enum run_state before, const struct store_change *c,
                        struct store_entry *e, const json_t *events)
{
    struct store_note note = {.key = RUN_KEY_OF(&e->row.rec),
                              .before = before,
                              .state = e->row.rec.state,
                              .result = c->result != NULL,
                              .last_seq = e->row.rec.last_seq,
                              .events = json_array_size(events) ? events : NULL};
    store_entry_ref(e);
    tell(store, &note);
    store_entry_unref(e);
}

/* The delivery as it is stored: its payload says where the run's last event is. */
static struct store_delivery with_cursor(const struct store_delivery *d,
                                         const struct store_row *row)
{
    char ts[CLOCK_ISO_BYTES], cursor[CLOCK_ISO_BYTES + 24];
    struct store_delivery out = *d;
    json_t *payload = json_copy((json_t *)d->payload);
    snprintf(cursor, sizeof(cursor), "%s#%lld", clock_iso(row->last_ts_us, ts),
             (long long)row->rec.last_seq);
    json_put_str(payload, "cursor", cursor);
    out.payload = payload;
    return out;
}

static int write_change(struct store *store, const struct store_row *after,
                        const struct store_change *c, const json_t *events, struct err *err)
{
    if (!c->webhook)
        return store->driver->write(store, after, c, events, err);
    struct store_change whole = *c;
    struct store_delivery hook = with_cursor(c->webhook, after);
    whole.webhook = &hook;
    int r = store->driver->write(store, after, &whole, events, err);
    json_decref((json_t *)hook.payload);
    return r;
}

static int update_split(struct store *store, struct run_key key, const struct store_change *c,
                        struct err *err)
{
    struct store_entry *e;
    int64_t now = clock_wall_us();
    int r = find(store, key, &e, err);
    r = r ? r : store_check_change(c, &e->row, err);
    if (r)
        return r;
    enum run_state before = e->row.rec.state;
    struct store_row after = changed(&e->row, c, now);
    json_t *events = store_events_made(c->events, now, &after);
    r = write_change(store, &after, c, events, err);
    if (r) {
        store_cache_drop(&store->cache, key); /* the kind's word counts, not ours */
    } else {
        e = store_cache_put(&store->cache, &after);
        if (!c->logged)
            tell_change(store, before, c, e, events);
    }
    json_decref((json_t *)after.rec.doc);
    json_decref(events);
    return r;
}

/* The one door every change of a run goes through. */
static int update(struct store *store, struct run_key key, const struct store_change *c,
                  struct err *err)
{
    struct store_change split = *c;
    json_t *rest = delta_split(c->checkpoint, &split.results, &split.results_from);
    split.checkpoint = rest;
    int r = update_split(store, key, &split, err);
    json_decref(rest);
    return r;
}

int store_run_set_state(struct store *store, struct run_key key, enum run_state to,
                        const json_t *doc_patch, const json_t *result, const json_t *events,
                        struct err *err)
{
    return store_run_end(store, key, to, doc_patch, NULL, result, events, NULL, err);
}

int store_run_end(struct store *store, struct run_key key, enum run_state to,
                  const json_t *doc_patch, const json_t *checkpoint, const json_t *result,
                  const json_t *events, const struct store_delivery *webhook, struct err *err)
{
    struct store_change c = {.set_state = true,
                             .to = to,
                             .doc_patch = doc_patch,
                             .checkpoint = checkpoint,
                             .result = result,
                             .events = events,
                             .webhook = webhook};
    return update(store, key, &c, err);
}

int store_run_result(struct store *store, struct run_key key, const json_t *doc_patch,
                     const json_t *checkpoint, const json_t *result, const json_t *events,
                     const struct store_delivery *webhook, struct err *err)
{
    struct store_change c = {.needs_result = true,
                             .doc_patch = doc_patch,
                             .checkpoint = checkpoint,
                             .result = result,
                             .events = events,
                             .webhook = webhook};
    return update(store, key, &c, err);
}

int store_run_checkpoint(struct store *store, struct run_key key, const json_t *checkpoint,
                         const json_t *events, struct err *err)
{
    struct store_change c = {
        .live_only = true, .progress = true, .checkpoint = checkpoint, .events = events};
    return update(store, key, &c, err);
}

int store_run_start(struct store *store, struct run_key key, const json_t *events, struct err *err)
{
    struct store_change c = {
        .set_state = true, .to = RUN_RUNNING, .new_attempt = true, .events = events};
    return update(store, key, &c, err);
}

int store_run_patch(struct store *store, struct run_key key, const json_t *doc_patch,
                    struct err *err)
{
    struct store_change c = {.doc_patch = doc_patch};
    return update(store, key, &c, err);
}

int store_run_logged(struct store *store, struct run_key key, struct err *err)
{
    struct store_change c = {.logged = true};
    return update(store, key, &c, err);
}

int store_run_delete(struct store *store, struct run_key key, struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    if (r)
        return r;
    if (!run_state_terminal(e->row.rec.state))
        return err_set(err, E_CONFLICT, "run '%s' is %s: only a run that has ended is deleted",
                       key.run_id, run_state_name(e->row.rec.state));
    r = store->driver->forget(store, e->row.id, err);
    if (!r)
        store_cache_drop(&store->cache, key);
    return r == E_CONFLICT ? store_delivery_pending(key.run_id, err) : r;
}

/* --- events and journal -------------------------------------------------------------------------
 */

int store_events_add(struct store *store, struct run_key key, const json_t *events, struct err *err)
{
    struct store_change c = {.events = events};
    return update(store, key, &c, err);
}

int store_events_get(struct store *store, struct pool *pool, struct run_key key, int64_t after,
                     int limit, json_t **ret_array, struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    if (r)
        return r;
    if (after >= e->row.rec.last_seq || limit <= 0) {
        *ret_array = json_keep(pool, json_array());
        return 0;
    }
    if (after < 0)
        after = e->row.rec.last_seq > limit ? e->row.rec.last_seq - limit : 0;
    return store->driver->events_get(store, pool, e->row.id, after, limit, ret_array, err);
}

/* Times rise with the numbers, which have no gaps: halve the range. */
int store_events_before(struct store *store, struct run_key key, const char *ts, int64_t *ret_seq,
                        struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    if (r)
        return r;
    struct pool *pool = pool_create(NULL);
    int64_t low = 0, high = e->row.rec.last_seq; /* the answer is in low..high */
    while (!r && low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        json_t *event;
        r = store->driver->events_get(store, pool, e->row.id, middle - 1, 1, &event, err);
        if (!r && strcmp(json_str(json_array_get(event, 0), "ts", ""), ts) <= 0)
            low = middle;
        else
            high = middle - 1;
    }
    pool_destroy(pool);
    if (!r)
        *ret_seq = low;
    return r;
}

int store_journal_put(struct store *store, struct run_key key, const char *entry, const char *state,
                      const json_t *detail, struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    return r ? r : store->driver->journal_put(store, e->row.id, entry, state, detail, err);
}

int store_journal_get(struct store *store, struct pool *pool, struct run_key key, json_t **out,
                      struct err *err)
{
    struct store_entry *e;
    int r = find(store, key, &e, err);
    return r ? r : store->driver->journal_get(store, pool, e->row.id, out, err);
}
