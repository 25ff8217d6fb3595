/*
 * memory_beside.c - keys, recipes and webhook deliveries in the store of tests.
 */
#include "store/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

/* --- keys --------------------------------------------------------------------------------------
 */

struct memory_run *memory_key_holder(struct memory *m, const char *tenant, const char *hash,
                                     int64_t after_us)
{
    for (struct memory_run *run = m->runs; run; run = run->next)
        if (run->key.hash && run->key.stored_us >= after_us && strcmp(run->key.hash, hash) == 0 &&
            strcmp(run->row.rec.tenant_id, tenant) == 0)
            return run;
    return NULL;
}

int memory_key_get(struct store *store, struct pool *pool, const char *tenant, const char *key_hash,
                   int64_t after_us, struct store_key *out, struct err *err)
{
    struct memory_run *run = memory_key_holder(memory_of(store), tenant, key_hash, after_us);
    if (!run)
        return err_set(err, E_NOT_FOUND, "the idempotency key is not in use");
    *out = (struct store_key){.run_id = memory_dup(pool, run->row.rec.run_id),
                              .body_hash = memory_dup(pool, run->key.body_hash),
                              .reply = memory_dup(pool, run->key.reply),
                              .stored_us = run->key.stored_us};
    return 0;
}

int memory_keys_sweep(struct store *store, int64_t before_us, int limit, int *ret_n,
                      struct err *err)
{
    int n = 0;
    for (struct memory_run *run = memory_of(store)->runs; run && n < limit; run = run->next) {
        if (!run->key.hash || run->key.stored_us >= before_us)
            continue;
        run->key.hash = NULL;
        n++;
    }
    *ret_n = n;
    return 0;
}

/* --- recipes -----------------------------------------------------------------------------------
 */

int memory_recipe_put(struct store *store, const char *tenant, const char *name,
                      const json_t *schema, struct err *err)
{
    json_t *all = memory_of(store)->recipes, *own = json_object_get(all, tenant);
    if (!own)
        json_put(all, tenant, own = json_object());
    if (!json_object_get(own, name) && json_object_size(own) >= CAP_RECIPES)
        return store_recipes_full(err);
    json_put(own, name, json_deep_copy(schema));
    return 0;
}

int memory_recipe_get(struct store *store, struct pool *pool, const char *tenant, const char *name,
                      json_t **out, struct err *err)
{
    json_t *own = json_object_get(memory_of(store)->recipes, tenant);
    if (!json_object_get(own, name))
        return store_no_recipe(name, err);
    *out = memory_hand_out(pool, json_object_get(own, name));
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int memory_recipe_list(struct store *store, struct pool *pool, const char *tenant, json_t **out,
                       struct err *err)
{
    json_t *own = json_object_get(memory_of(store)->recipes, tenant), *schema;
    const char *name, **names = pool_alloc(pool, sizeof(*names) * (json_object_size(own) + 1));
    size_t n = 0;
    json_object_foreach (own, name, schema)
        names[n++] = name;
    qsort(names, n, sizeof(*names), by_name);
    *out = json_keep(pool, json_array());
    for (size_t i = 0; i < n; i++)
        json_push(*out, json_string(names[i]));
    return 0;
}

int memory_recipe_delete(struct store *store, const char *tenant, const char *name,
                         bool *ret_deleted, struct err *err)
{
    json_t *own = json_object_get(memory_of(store)->recipes, tenant);
    *ret_deleted = json_object_del(own, name) == 0;
    return 0;
}

/* --- deliveries --------------------------------------------------------------------------------
 */

void memory_delivery_add(struct memory *m, struct memory_run *run, const struct store_delivery *d)
{
    if (run->delivery.log)
        return;
    int64_t created = d->created_us ? d->created_us : clock_wall_us();
    run->delivery.log = json_array();
    run->delivery.n = ++m->last_delivery;
    run->delivery.d = (struct store_delivery){
        .id = memory_dup(run->pool, d->id),
        .tenant_id = run->row.rec.tenant_id,
        .run_id = run->row.rec.run_id,
        .event = memory_dup(run->pool, d->event),
        .url = memory_dup(run->pool, d->url),
        .secret_name = memory_dup(run->pool, d->secret_name ? d->secret_name : ""),
        .payload = json_deep_copy(d->payload),
        .state = DELIVERY_PENDING,
        .created_us = created,
        .next_us = d->next_us ? d->next_us : created,
        .last_error = "",
    };
}

static struct memory_run *find(struct memory *m, const char *tenant, const char *delivery_id)
{
    for (struct memory_run *run = m->runs; run; run = run->next)
        if (run->delivery.log && strcmp(run->delivery.d.id, delivery_id) == 0 &&
            (!tenant || strcmp(run->row.rec.tenant_id, tenant) == 0))
            return run;
    return NULL;
}

static bool asked_for(const struct memory_run *run, const struct store_outbox_query *q)
{
    const struct store_delivery *d = &run->delivery.d;
    if (!run->delivery.log || !(q->state_mask & (1u << d->state)))
        return false;
    return (!q->tenant || strcmp(q->tenant, d->tenant_id) == 0) &&
           (!q->run_id || strcmp(q->run_id, d->run_id) == 0);
}

static int by_next(const void *a, const void *b)
{
    const struct memory_delivery *x = *(struct memory_delivery *const *)a;
    const struct memory_delivery *y = *(struct memory_delivery *const *)b;
    if (x->d.next_us != y->d.next_us)
        return x->d.next_us > y->d.next_us ? 1 : -1;
    return x->n > y->n ? 1 : -1;
}

static int newest_first(const void *a, const void *b)
{
    const struct memory_delivery *x = *(struct memory_delivery *const *)a;
    const struct memory_delivery *y = *(struct memory_delivery *const *)b;
    return x->n < y->n ? 1 : -1;
}

static int by_turn(const void *a, const void *b)
{
    const struct memory_delivery *x = *(struct memory_delivery *const *)a;
    const struct memory_delivery *y = *(struct memory_delivery *const *)b;
    return x->turn != y->turn ? x->turn - y->turn : by_next(a, b);
}

/* Of a list by next_us: at most OUTBOX_PER_TENANT of one tenant, in driver.h's order; how many. */
static int fair_part(struct memory_delivery **list, int n, int64_t now_us)
{
    int kept = 0;
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = 0; k < kept; k++)
            same += strcmp(list[k]->d.tenant_id, list[i]->d.tenant_id) == 0;
        list[i]->turn = list[i]->d.next_us > now_us ? OUTBOX_PER_TENANT : same;
        if (same < OUTBOX_PER_TENANT)
            list[kept++] = list[i];
    }
    qsort(list, (size_t)kept, sizeof(struct memory_delivery *), by_turn);
    return kept;
}

int memory_outbox_list(struct store *store, struct pool *pool, const struct store_outbox_query *q,
                       struct store_delivery **ret, int *ret_n, struct err *err)
{
    struct memory *m = memory_of(store);
    int n = 0;
    struct memory_delivery **found =
        pool_alloc(pool, sizeof(struct memory_delivery *) * (size_t)(m->last_id + 1));
    for (struct memory_run *run = m->runs; run; run = run->next)
        if (asked_for(run, q))
            found[n++] = &run->delivery;
    qsort(found, (size_t)n, sizeof(struct memory_delivery *), q->tenant ? newest_first : by_next);
    if (!q->tenant)
        n = fair_part(found, n, q->now_us);
    n = n > q->limit ? q->limit : n;
    *ret = pool_alloc(pool, sizeof(**ret) * (size_t)(n + 1));
    for (int i = 0; i < n; i++) {
        struct store_delivery *d = &(*ret)[i];
        *d = found[i]->d;
        d->payload = memory_hand_out(pool, d->payload);
        const char **const texts[] = {&d->id,  &d->tenant_id,   &d->run_id,    &d->event,
                                      &d->url, &d->secret_name, &d->last_error};
        for (size_t k = 0; k < ARRAY_SIZE(texts); k++)
            *texts[k] = pool_strdup(pool, *texts[k]);
    }
    *ret_n = n;
    return 0;
}

int memory_outbox_attempt(struct store *store, const char *delivery_id,
                          const struct store_attempt *a, enum delivery_state to, int64_t next_us,
                          struct err *err)
{
    struct memory_run *run = find(memory_of(store), NULL, delivery_id);
    char at[CLOCK_ISO_BYTES];
    if (!run)
        return store_no_delivery(delivery_id, err);
    struct memory_delivery *kept = &run->delivery;
    if (kept->d.state == DELIVERY_PENDING && kept->d.next_us == a->due_us) {
        kept->d.attempts++;
        kept->d.state = to;
        kept->d.next_us = to == DELIVERY_PENDING ? next_us : 0;
        kept->d.last_status = a->status;
        kept->d.last_error = memory_dup(run->pool, a->error ? a->error : "");
    }
    json_t *line = json_object();
    json_put_int(line, "n", ++kept->logged);
    json_put_str(line, "at", clock_iso(a->at_us, at));
    json_put_int(line, "status", a->status);
    json_put_int(line, "duration_ms", a->duration_ms);
    json_put_str(line, "error", a->error ? a->error : "");
    json_push(kept->log, line);
    if (json_array_size(kept->log) > CAP_DELIVERY_LOG)
        json_array_remove(kept->log, 0);
    return 0;
}

int memory_outbox_replay(struct store *store, const char *tenant, const char *delivery_id,
                         int64_t now_us, struct err *err)
{
    struct memory_run *run = find(memory_of(store), tenant, delivery_id);
    if (!run)
        return store_no_delivery(delivery_id, err);
    run->delivery.d.state = DELIVERY_PENDING;
    run->delivery.d.attempts = 0;
    run->delivery.d.next_us = now_us;
    return 0;
}

int memory_outbox_log(struct store *store, struct pool *pool, const char *tenant,
                      const char *delivery_id, json_t **ret_array, struct err *err)
{
    struct memory_run *run = find(memory_of(store), tenant, delivery_id);
    if (!run)
        return store_no_delivery(delivery_id, err);
    *ret_array = memory_hand_out(pool, run->delivery.log);
    return 0;
}

int memory_outbox_pending(struct store *store, int *ret_n, struct err *err)
{
    *ret_n = 0;
    for (struct memory_run *run = memory_of(store)->runs; run; run = run->next)
        *ret_n += run->delivery.log && run->delivery.d.state == DELIVERY_PENDING;
    return 0;
}
