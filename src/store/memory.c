/*
 * memory.c - the store of tests: the same rules as sqlite.c, nothing survives.
 *
 * Everything handed out is a copy, as it would be from a disk.
 */
#include "store/driver.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

struct run {
    struct run *next;
    struct pool *pool;     /* strings of the row */
    struct run_record rec; /* its JSON pointers stay NULL: see below */
    json_t *doc, *settings, *plan, *checkpoint, *result; /* owned */
    json_t *events;                                      /* array */
    json_t *journal;                                     /* object */
    int64_t last_ts_us;
};

struct memory {
    struct store base;
    struct run *runs; /* in created order */
};

static struct memory *memory_of(struct store *store)
{
    if (store->driver != &store_memory)
        BUG("not a memory store");
    return (struct memory *)store;
}

static struct run *find(struct memory *m, const char *tenant, const char *run_id)
{
    for (struct run *run = m->runs; run; run = run->next)
        if (strcmp(run->rec.run_id, run_id) == 0 &&
            (!tenant || strcmp(run->rec.tenant_id, tenant) == 0))
            return run;
    return NULL;
}

static void free_run(struct run *run)
{
    json_decref(run->doc);
    json_decref(run->settings);
    json_decref(run->plan);
    json_decref(run->checkpoint);
    json_decref(run->result);
    json_decref(run->events);
    json_decref(run->journal);
    pool_destroy(run->pool);
    free(run);
}

static void *must(void *p)
{
    if (!p)
        BUG("out of memory");
    return p;
}

static int memory_open(const char *path, struct store **out, struct err *err)
{
    struct memory *m = must(calloc(1, sizeof(*m)));
    m->base.driver = &store_memory;
    *out = &m->base;
    return 0;
}

static void memory_close(struct store *store)
{
    struct memory *m = memory_of(store);
    while (m->runs) {
        struct run *run = m->runs;
        m->runs = run->next;
        free_run(run);
    }
    free(m);
}

static char *maybe_dup(struct pool *pool, const char *s)
{
    return s ? pool_strdup(pool, s) : NULL;
}

static json_t *maybe_copy(const json_t *v)
{
    return v ? json_deep_copy(v) : NULL;
}

static struct run_record copy_row(struct pool *pool, const struct run *run)
{
    struct run_record r = run->rec;
    r.run_id = maybe_dup(pool, r.run_id);
    r.tenant_id = maybe_dup(pool, r.tenant_id);
    r.profile_id = maybe_dup(pool, r.profile_id);
    r.workflow_id = maybe_dup(pool, r.workflow_id);
    r.state_key = maybe_dup(pool, r.state_key);
    r.plan_signature = maybe_dup(pool, r.plan_signature);
    return r;
}

static const json_t *hand_out(struct pool *pool, const json_t *v)
{
    return v ? json_keep(pool, json_deep_copy(v)) : NULL;
}

static struct run_record copy_record(struct pool *pool, const struct run *run)
{
    struct run_record r = copy_row(pool, run);
    r.doc = hand_out(pool, run->doc);
    r.settings = hand_out(pool, run->settings);
    return r;
}

static void push_event(struct run *run, const json_t *event, int64_t now)
{
    run->last_ts_us = store_event_us(event, now, run->last_ts_us);
    json_push(run->events,
              store_event(event, (int64_t)json_array_size(run->events) + 1, run->last_ts_us));
}

/* The live run that has this profile, or NULL. */
static struct run *profile_holder(struct memory *m, const char *tenant, const char *profile)
{
    for (struct run *run = m->runs; run; run = run->next)
        if (!run_state_terminal(run->rec.state) && run->rec.profile_id && profile &&
            strcmp(run->rec.profile_id, profile) == 0 && strcmp(run->rec.tenant_id, tenant) == 0)
            return run;
    return NULL;
}

static int memory_create(struct store *store, const struct run_record *given, const json_t *event,
                         struct err *err)
{
    struct memory *m = memory_of(store);
    if (find(m, NULL, given->run_id))
        return store_run_exists(given->run_id, err);
    struct run *holder = profile_holder(m, given->tenant_id, given->profile_id);
    if (holder)
        return store_profile_busy(given->profile_id, holder->rec.run_id, err);
    struct run *run = must(calloc(1, sizeof(*run)));
    run->pool = pool_create(NULL);
    run->rec = *given;
    run->rec = copy_row(run->pool, run);
    run->rec.state = RUN_QUEUED;
    run->rec.created_us = given->created_us ? given->created_us : clock_wall_us();
    run->rec.updated_us = run->rec.created_us;
    run->rec.started_us = run->rec.finished_us = 0;
    run->rec.attempts = run->rec.attempts_no_progress = 0;
    run->rec.doc = run->rec.settings = run->rec.plan = run->rec.checkpoint = run->rec.result = NULL;
    run->doc = given->doc ? json_deep_copy(given->doc) : json_object();
    run->settings = maybe_copy(given->settings);
    run->plan = maybe_copy(given->plan);
    run->checkpoint = maybe_copy(given->checkpoint);
    run->events = json_array();
    run->journal = json_object();
    push_event(run, event, run->rec.created_us);
    struct run **at = &m->runs;
    while (*at && (*at)->rec.created_us <= run->rec.created_us)
        at = &(*at)->next;
    run->next = *at;
    *at = run;
    return 0;
}

static int memory_get(struct store *store, struct pool *pool, const char *tenant,
                      const char *run_id, unsigned parts, struct run_record *out, struct err *err)
{
    struct run *run = find(memory_of(store), tenant, run_id);
    if (!run)
        return store_no_run(run_id, err);
    *out = copy_record(pool, run);
    if (parts & RUN_PART_PLAN)
        out->plan = hand_out(pool, run->plan);
    if (parts & RUN_PART_CHECKPOINT)
        out->checkpoint = hand_out(pool, run->checkpoint);
    if (parts & RUN_PART_RESULT)
        out->result = hand_out(pool, run->result);
    return 0;
}

static int memory_list(struct store *store, struct pool *pool, const char *tenant,
                       unsigned state_mask, bool unsettled, struct run_record **ret_runs,
                       int *ret_n, struct err *err)
{
    struct memory *m = memory_of(store);
    int n = 0, total = 0;
    for (struct run *run = m->runs; run; run = run->next)
        total++;
    struct run_record *runs = pool_alloc(pool, sizeof(*runs) * (size_t)(total + 1));
    for (struct run *run = m->runs; run; run = run->next) {
        if (!(state_mask & (1u << run->rec.state)) || (unsettled && run->result))
            continue;
        if (!tenant || strcmp(run->rec.tenant_id, tenant) == 0)
            runs[n++] = copy_record(pool, run);
    }
    *ret_runs = runs;
    *ret_n = n;
    return 0;
}

static void replace(json_t **slot, const json_t *value)
{
    if (!value)
        return;
    json_decref(*slot);
    *slot = json_deep_copy(value);
}

static void set_state(struct run *run, enum run_state to, int64_t now)
{
    run->rec.state = to;
    if (to == RUN_RUNNING && !run->rec.started_us)
        run->rec.started_us = now;
    if (run_state_terminal(to))
        run->rec.finished_us = now;
}

static int memory_update(struct store *store, const char *run_id, const struct store_change *c,
                         struct err *err)
{
    struct run *run = find(memory_of(store), NULL, run_id);
    if (!run)
        return store_no_run(run_id, err);
    int r = store_check_change(c, run->rec.state, run->result != NULL, run_id, err);
    if (r)
        return r;
    int64_t now = clock_wall_us();
    size_t i;
    json_t *event;
    store_patch_doc(run->doc, c->doc_patch);
    json_array_foreach ((json_t *)c->events, i, event)
        push_event(run, event, now);
    replace(&run->checkpoint, c->checkpoint);
    replace(&run->result, c->result);
    run->rec.attempts += c->new_attempt;
    run->rec.attempts_no_progress =
        c->progress ? 0 : run->rec.attempts_no_progress + c->new_attempt;
    run->rec.updated_us = now > run->rec.updated_us ? now : run->rec.updated_us;
    if (c->set_state)
        set_state(run, c->to, now);
    return 0;
}

static int memory_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                                      const char *workflow, const char *signature, json_t **out,
                                      struct err *err)
{
    json_t *newest = NULL;
    for (struct run *run = memory_of(store)->runs; run; run = run->next) {
        const struct run_record *r = &run->rec;
        if (run->checkpoint && r->workflow_id && r->plan_signature &&
            strcmp(r->tenant_id, tenant) == 0 && strcmp(r->workflow_id, workflow) == 0 &&
            strcmp(r->plan_signature, signature) == 0)
            newest = run->checkpoint;
    }
    *out = newest ? json_keep(pool, json_deep_copy(newest)) : NULL;
    return 0;
}

static int memory_events_get(struct store *store, struct pool *pool, const char *tenant,
                             const char *run_id, int64_t after, int limit, json_t **ret_array,
                             struct err *err)
{
    struct run *run = find(memory_of(store), tenant, run_id);
    if (!run)
        return store_no_run(run_id, err);
    json_t *array = json_keep(pool, json_array());
    int64_t n = (int64_t)json_array_size(run->events);
    int64_t from = after >= 0 ? after : n > limit ? n - limit : 0; /* event seq s is at s - 1 */
    for (int64_t i = from; i < n && i - from < limit; i++)
        json_push(array, json_deep_copy(json_array_get(run->events, (size_t)i)));
    *ret_array = array;
    return 0;
}

static int memory_journal_put(struct store *store, const char *run_id, const char *key,
                              const char *state, const json_t *detail, struct err *err)
{
    struct run *run = find(memory_of(store), NULL, run_id);
    if (!run)
        return store_no_run(run_id, err);
    json_t *entry = json_object();
    json_put_str(entry, "state", state);
    json_put(entry, "detail", detail ? json_deep_copy(detail) : json_null());
    json_put(run->journal, key, entry);
    return 0;
}

static int memory_journal_get(struct store *store, struct pool *pool, const char *run_id,
                              json_t **out, struct err *err)
{
    struct run *run = find(memory_of(store), NULL, run_id);
    *out = json_keep(pool, run ? json_deep_copy(run->journal) : json_object());
    return 0;
}

static int memory_counts(struct store *store, const char *tenant, int counts[RUN_N_STATES],
                         struct err *err)
{
    memset(counts, 0, sizeof(int) * RUN_N_STATES);
    for (struct run *run = memory_of(store)->runs; run; run = run->next)
        if (strcmp(run->rec.tenant_id, tenant) == 0)
            counts[run->rec.state]++;
    return 0;
}

const struct store_driver store_memory = {
    .kind = "memory",
    .open = memory_open,
    .close = memory_close,
    .create = memory_create,
    .get = memory_get,
    .list = memory_list,
    .update = memory_update,
    .workflow_checkpoint = memory_workflow_checkpoint,
    .journal_put = memory_journal_put,
    .journal_get = memory_journal_get,
    .events_get = memory_events_get,
    .counts = memory_counts,
};
