/*
 * memory.c - the store of tests: the same rules as sqlite.c, nothing survives.
 *
 * Everything handed out is a copy, as it would be from a disk.
 */
#include "store/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "core/delta.h"

struct memory *memory_of(struct store *store)
{
    if (store->driver != &store_memory)
        BUG("not a memory store");
    return (struct memory *)store;
}

void *memory_must(void *p)
{
    if (!p)
        BUG("out of memory");
    return p;
}

const char *memory_dup(struct pool *pool, const char *s)
{
    return s ? pool_strdup(pool, s) : NULL;
}

json_t *memory_hand_out(struct pool *pool, const json_t *v)
{
    return v ? json_keep(pool, json_deep_copy(v)) : NULL;
}

struct memory_run *memory_by_id(struct memory *m, int64_t id)
{
    struct memory_run *run = m->runs;
    while (run && run->row.id != id)
        run = run->next;
    return run;
}

static struct memory_run *find(struct memory *m, struct run_key key)
{
    struct memory_run *run = m->runs;
    while (run && (strcmp(run->row.rec.run_id, key.run_id) != 0 ||
                   strcmp(run->row.rec.tenant_id, key.tenant) != 0))
        run = run->next;
    return run;
}

static void free_run(struct memory_run *run)
{
    json_decref((json_t *)run->row.rec.doc);
    json_decref((json_t *)run->row.rec.settings);
    for (size_t i = 0; i < ARRAY_SIZE(run->parts); i++)
        json_decref(run->parts[i]);
    json_decref(run->results);
    json_decref(run->events);
    json_decref(run->journal);
    json_decref((json_t *)run->delivery.d.payload);
    json_decref(run->delivery.log);
    pool_destroy(run->pool);
    free(run);
}

static int memory_open(const char *path, struct store **out, struct err *err)
{
    struct memory *m = memory_must(calloc(1, sizeof(*m)));
    m->base.driver = &store_memory;
    m->recipes = json_object();
    m->paid = json_object();
    *out = &m->base;
    return 0;
}

static void memory_close(struct store *store)
{
    struct memory *m = memory_of(store);
    while (m->runs) {
        struct memory_run *run = m->runs;
        m->runs = run->next;
        free_run(run);
    }
    json_decref(m->recipes);
    json_decref(m->paid);
    free(m);
}

/* --- new runs ----------------------------------------------------------------------------------
 */

/* The live run that has this profile, or NULL. */
static struct memory_run *profile_holder(struct memory *m, const struct run_record *r)
{
    for (struct memory_run *run = m->runs; run && r->profile_id; run = run->next)
        if (!run_state_terminal(run->row.rec.state) && run->row.rec.profile_id &&
            strcmp(run->row.rec.profile_id, r->profile_id) == 0 &&
            strcmp(run->row.rec.tenant_id, r->tenant_id) == 0)
            return run;
    return NULL;
}

static int check(struct memory *m, const struct store_new *fresh, struct err *err)
{
    const struct run_record *r = &fresh->row.rec;
    const char *hash = fresh->creation->key_hash;
    if (find(m, RUN_KEY_OF(r)))
        return store_run_exists(r->run_id, err);
    struct memory_run *holder = profile_holder(m, r);
    if (holder)
        return store_profile_busy(r->profile_id, holder->row.rec.run_id, err);
    int64_t free_us = clock_wall_us() - INT64_C(1000000) * STORE_KEY_TTL_S;
    holder = hash ? memory_key_holder(m, r->tenant_id, hash, free_us) : NULL;
    return holder ? store_key_taken(holder->row.rec.run_id, err) : 0;
}

static void copy_strings(struct pool *pool, struct run_record *r)
{
    r->run_id = memory_dup(pool, r->run_id);
    r->tenant_id = memory_dup(pool, r->tenant_id);
    r->profile_id = memory_dup(pool, r->profile_id);
    r->workflow_id = memory_dup(pool, r->workflow_id);
    r->state_key = memory_dup(pool, r->state_key);
    r->plan_signature = memory_dup(pool, r->plan_signature);
}

static void take_key(struct memory *m, struct memory_run *run, const struct store_creation *c)
{
    if (!c->key_hash)
        return;
    struct memory_run *old = memory_key_holder(m, run->row.rec.tenant_id, c->key_hash, INT64_MIN);
    if (old)
        old->key.hash = NULL;
    run->key = (struct memory_key){.hash = memory_dup(run->pool, c->key_hash),
                                   .body_hash = memory_dup(run->pool, c->body_hash),
                                   .reply = memory_dup(run->pool, c->reply),
                                   .stored_us = clock_wall_us()};
}

static void insert(struct memory *m, struct store_new *fresh)
{
    const struct run_record *given = fresh->creation->run;
    struct memory_run *run = memory_must(calloc(1, sizeof(*run)));
    fresh->row.id = ++m->last_id;
    run->pool = pool_create(NULL);
    run->row = fresh->row;
    copy_strings(run->pool, &run->row.rec);
    run->row.rec.plan = run->row.rec.checkpoint = run->row.rec.result = NULL;
    json_incref((json_t *)run->row.rec.doc);
    json_incref((json_t *)run->row.rec.settings);
    run->parts[RUN_PART_PLAN] = json_deep_copy(given->plan);
    run->parts[RUN_PART_CHECKPOINT] = json_deep_copy(fresh->checkpoint);
    run->results = fresh->results ? json_deep_copy(fresh->results) : json_array();
    run->events = json_copy((json_t *)fresh->events);
    run->journal = json_object();
    take_key(m, run, fresh->creation);
    struct memory_run **at = &m->runs;
    while (*at && (*at)->row.rec.created_us <= run->row.rec.created_us)
        at = &(*at)->next;
    run->next = *at;
    *at = run;
}

static int memory_create(struct store *store, struct store_new *list, size_t n, struct err *err)
{
    struct memory *m = memory_of(store);
    for (size_t i = 0; i < n; i++) {
        struct store_creation *c = list[i].creation;
        c->result = check(m, &list[i], &c->err);
        if (!c->result)
            insert(m, &list[i]);
    }
    return 0;
}

/* --- reading -----------------------------------------------------------------------------------
 */

static struct store_row copy_row(struct pool *pool, const struct store_row *row)
{
    struct store_row copy = *row;
    copy_strings(pool, &copy.rec);
    copy.rec.doc = memory_hand_out(pool, row->rec.doc);
    copy.rec.settings = memory_hand_out(pool, row->rec.settings);
    return copy;
}

static int memory_load(struct store *store, struct pool *pool, struct run_key key,
                       struct store_row *out, struct err *err)
{
    struct memory_run *run = find(memory_of(store), key);
    if (!run)
        return store_no_run(key.run_id, err);
    *out = copy_row(pool, &run->row);
    return 0;
}

static int memory_part(struct store *store, struct pool *pool, int64_t id, enum run_parts part,
                       const json_t **out, struct err *err)
{
    *out = memory_hand_out(pool, memory_by_id(memory_of(store), id)->parts[part]);
    return 0;
}

static int memory_results(struct store *store, struct pool *pool, int64_t id, json_t **ret_array,
                          struct err *err)
{
    *ret_array = memory_hand_out(pool, memory_by_id(memory_of(store), id)->results);
    return 0;
}

static bool is_named(const struct run_record *r, const char *text)
{
    const json_t *payload = json_object_get(r->doc, "payload");
    const char *names[] = {r->run_id,
                           r->workflow_id,
                           r->profile_id,
                           json_str(payload, "plan_name", NULL),
                           json_str(payload, "micro", NULL),
                           json_str(payload, "instruction", NULL)};
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (names[i] && strcasestr(names[i], text))
            return true;
    return false;
}

static bool asked_for(const struct memory_run *run, const struct store_query *q)
{
    const struct run_record *r = &run->row.rec;
    bool over = run_state_terminal(r->state);
    switch (q->which) {
    case STORE_IN_STATES:
        return (q->state_mask & (1u << r->state)) &&
               (!q->tenant || strcmp(r->tenant_id, q->tenant) == 0);
    case STORE_PAGE:
        return (q->state_mask & (1u << r->state)) && strcmp(r->tenant_id, q->tenant) == 0 &&
               is_named(r, q->text) &&
               (r->created_us < q->behind.created_us ||
                (r->created_us == q->behind.created_us && strcmp(r->run_id, q->behind.run_id) < 0));
    case STORE_UNSETTLED:
        return over && !r->has_result;
    case STORE_UNLOGGED:
        return over && r->has_result && !run->row.logged;
    case STORE_EXPIRED:
        return (over || r->state == RUN_PAUSED) && r->updated_us < q->before_us &&
               (!run->delivery.log || run->delivery.d.state != DELIVERY_PENDING);
    }
    return false;
}

static int by_finished(const void *a, const void *b)
{
    const struct run_record *x = a, *y = b;
    return (x->finished_us > y->finished_us) - (x->finished_us < y->finished_us);
}

static int by_updated(const void *a, const void *b)
{
    const struct run_record *x = a, *y = b;
    return (x->updated_us > y->updated_us) - (x->updated_us < y->updated_us);
}

static int newest_first(const void *a, const void *b)
{
    const struct run_record *x = a, *y = b;
    int order = (y->created_us > x->created_us) - (y->created_us < x->created_us);
    return order ? order : strcmp(y->run_id, x->run_id);
}

/* NULL: as they were created, and all of them. */
typedef int compare_fn(const void *a, const void *b);
static compare_fn *const orders[] = {
    [STORE_UNLOGGED] = by_finished, [STORE_EXPIRED] = by_updated, [STORE_PAGE] = newest_first};

static int memory_list(struct store *store, struct pool *pool, const struct store_query *q,
                       struct run_record **ret_runs, int *ret_n, struct err *err)
{
    struct memory *m = memory_of(store);
    int n = 0, total = 0;
    for (struct memory_run *run = m->runs; run; run = run->next)
        total++;
    struct run_record *runs = pool_alloc(pool, sizeof(*runs) * (size_t)(total + 1));
    for (struct memory_run *run = m->runs; run; run = run->next)
        if (asked_for(run, q))
            runs[n++] = copy_row(pool, &run->row).rec;
    compare_fn *order = orders[q->which];
    if (order) {
        if (n)
            qsort(runs, (size_t)n, sizeof(*runs), order);
        n = n > q->limit ? q->limit : n;
    }
    *ret_runs = runs;
    *ret_n = n;
    return 0;
}

static int memory_cost_since(struct store *store, const char *tenant, int64_t since_us,
                             double *ret_usd, struct err *err)
{
    *ret_usd = 0;
    for (const struct memory_run *run = memory_of(store)->runs; run; run = run->next)
        if (run->row.rec.created_us >= since_us && strcmp(run->row.rec.tenant_id, tenant) == 0)
            *ret_usd += run->row.rec.cost_usd;
    const char *day;
    json_t *usd;
    json_object_foreach (json_object_get(memory_of(store)->paid, tenant), day, usd)
        if (strtoll(day, NULL, 10) >= since_us)
            *ret_usd += json_number_value(usd);
    return 0;
}

static int memory_cost_add(struct store *store, const char *tenant, int64_t day_us, double usd,
                           struct err *err)
{
    json_t *all = memory_of(store)->paid, *days = json_object_get(all, tenant);
    char day[24];
    if (!days)
        json_put(all, tenant, days = json_object());
    snprintf(day, sizeof(day), "%lld", (long long)day_us);
    json_put_num(days, day, json_num(days, day, 0) + usd);
    return 0;
}

/* The day's entry among those in order; NULL: there is no room for one more. */
static struct store_day *day_of(struct store_day *days, int max, int *n, int64_t day_us)
{
    int at = 0;
    while (at < *n && days[at].day_us < day_us)
        at++;
    if (at < *n && days[at].day_us == day_us)
        return &days[at];
    if (at == max)
        return NULL;
    *n += *n < max;
    memmove(days + at + 1, days + at, sizeof(*days) * (size_t)(*n - 1 - at));
    days[at] = (struct store_day){.day_us = day_us};
    return &days[at];
}

static int memory_days(struct store *store, const char *tenant, int64_t since_us,
                       struct store_day *days, int max, int *ret_n, struct err *err)
{
    for (const struct memory_run *run = memory_of(store)->runs; run; run = run->next) {
        const struct run_record *r = &run->row.rec;
        if (r->created_us < since_us || strcmp(r->tenant_id, tenant) != 0)
            continue;
        struct store_day *day =
            day_of(days, max, ret_n, r->created_us - r->created_us % DAY_US);
        if (!day)
            continue;
        day->runs++;
        day->succeeded += r->state == RUN_SUCCEEDED;
        day->ended_badly += run_state_terminal(r->state) && r->state != RUN_SUCCEEDED &&
                            r->state != RUN_CANCELLED;
        day->cost_usd += r->cost_usd;
    }
    const char *paid_on;
    json_t *usd;
    json_object_foreach (json_object_get(memory_of(store)->paid, tenant), paid_on, usd) {
        int64_t at = strtoll(paid_on, NULL, 10);
        struct store_day *day = at >= since_us ? day_of(days, max, ret_n, at) : NULL;
        if (day)
            day->cost_usd += json_number_value(usd);
    }
    return 0;
}

static int memory_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                                      const char *workflow, const char *signature, int64_t *ret_id,
                                      json_t **out, struct err *err)
{
    json_t *newest = NULL;
    for (struct memory_run *run = memory_of(store)->runs; run; run = run->next) {
        const struct run_record *r = &run->row.rec;
        if (run->parts[RUN_PART_CHECKPOINT] && r->workflow_id && r->plan_signature &&
            strcmp(r->tenant_id, tenant) == 0 && strcmp(r->workflow_id, workflow) == 0 &&
            strcmp(r->plan_signature, signature) == 0) {
            newest = run->parts[RUN_PART_CHECKPOINT];
            *ret_id = run->row.id;
        }
    }
    *out = memory_hand_out(pool, newest);
    return 0;
}

/* --- changing ----------------------------------------------------------------------------------
 */

static void replace(json_t **slot, const json_t *value)
{
    if (!value)
        return;
    json_decref(*slot);
    *slot = json_deep_copy(value);
}

static void put_results(json_t *kept, const struct store_change *c)
{
    size_t i;
    json_t *result;
    if (!c->checkpoint)
        return;
    delta_cut(kept, (size_t)c->results_from);
    json_array_foreach ((json_t *)c->results, i, result)
        json_push(kept, json_deep_copy(result));
}

static int memory_write(struct store *store, const struct store_row *after,
                        const struct store_change *c, const json_t *events, struct err *err)
{
    struct memory *m = memory_of(store);
    struct memory_run *run = memory_by_id(m, after->id);
    struct run_record *r = &run->row.rec, strings = *r;
    json_t *doc = json_incref((json_t *)after->rec.doc);
    json_decref((json_t *)r->doc);
    run->row = *after;
    r->run_id = strings.run_id;
    r->tenant_id = strings.tenant_id;
    r->profile_id = strings.profile_id;
    r->workflow_id = strings.workflow_id;
    r->state_key = strings.state_key;
    r->plan_signature = strings.plan_signature;
    r->settings = strings.settings;
    r->doc = doc;
    json_array_extend(run->events, (json_t *)events);
    replace(&run->parts[RUN_PART_CHECKPOINT], c->checkpoint);
    put_results(run->results, c);
    replace(&run->parts[RUN_PART_RESULT], c->result);
    if (c->webhook)
        memory_delivery_add(m, run, c->webhook);
    return 0;
}

static int memory_forget(struct store *store, int64_t id, struct err *err)
{
    struct memory_run **at = &memory_of(store)->runs, *run;
    while ((*at)->row.id != id)
        at = &(*at)->next;
    run = *at;
    if (run->delivery.log && run->delivery.d.state == DELIVERY_PENDING)
        return E_CONFLICT;
    *at = run->next;
    free_run(run);
    return 0;
}

static int memory_events_get(struct store *store, struct pool *pool, int64_t id, int64_t after,
                             int limit, json_t **ret_array, struct err *err)
{
    struct memory_run *run = memory_by_id(memory_of(store), id);
    json_t *array = json_keep(pool, json_array());
    int64_t n = (int64_t)json_array_size(run->events);
    for (int64_t i = after; i < n && i - after < limit; i++) /* event seq s is at s - 1 */
        json_push(array, json_deep_copy(json_array_get(run->events, (size_t)i)));
    *ret_array = array;
    return 0;
}

static int memory_journal_put(struct store *store, int64_t id, const char *entry, const char *state,
                              const json_t *detail, struct err *err)
{
    json_t *kept = json_object();
    json_put_str(kept, "state", state);
    json_put(kept, "detail", detail ? json_deep_copy(detail) : json_null());
    json_put(memory_by_id(memory_of(store), id)->journal, entry, kept);
    return 0;
}

static int memory_journal_get(struct store *store, struct pool *pool, int64_t id, json_t **out,
                              struct err *err)
{
    *out = memory_hand_out(pool, memory_by_id(memory_of(store), id)->journal);
    return 0;
}

const struct store_driver store_memory = {
    .kind = "memory",
    .open = memory_open,
    .close = memory_close,
    .create = memory_create,
    .load = memory_load,
    .part = memory_part,
    .results = memory_results,
    .list = memory_list,
    .write = memory_write,
    .forget = memory_forget,
    .cost_since = memory_cost_since,
    .cost_add = memory_cost_add,
    .days = memory_days,
    .workflow_checkpoint = memory_workflow_checkpoint,
    .events_get = memory_events_get,
    .journal_put = memory_journal_put,
    .journal_get = memory_journal_get,
    .key_get = memory_key_get,
    .keys_sweep = memory_keys_sweep,
    .recipe_put = memory_recipe_put,
    .recipe_get = memory_recipe_get,
    .recipe_list = memory_recipe_list,
    .recipe_delete = memory_recipe_delete,
    .outbox_list = memory_outbox_list,
    .outbox_attempt = memory_outbox_attempt,
    .outbox_replay = memory_outbox_replay,
    .outbox_log = memory_outbox_log,
    .outbox_pending = memory_outbox_pending,
};
