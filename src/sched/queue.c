/*
 * queue.c - who gets the next slot, who is how far from one, and how many live runs a tenant has.
 *
 * The queue is only an order over runs that the store knows; it is rebuilt at start. A slot goes to
 * a run that was under way before one that never started, then round-robin over tenants by name,
 * oldest first within one, and never to a profile whose browser is still running: the store frees a
 * profile with the terminal state, a moment before the worker is gone.
 *
 * Each tenant has two lines. Joining and leaving one costs the same however long it is; choosing
 * looks at each tenant that waits once. A run's place is computed from the lengths of the lines
 * when somebody asks.
 */
#include "sched/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"

#define MEAN_WEIGHT 0.2 /* of the newest run */

static struct line_up *lined_up_of(struct keynode *node)
{
    return (struct line_up *)node; /* first member */
}

struct line_up *queue_tenant(struct sched *s, const char *tenant)
{
    struct run_key key = RUN_KEY(tenant, "");
    struct keynode *found = keymap_find(&s->tenants, key);
    if (found)
        return lined_up_of(found);
    struct line_up *t = keynode_create(sizeof(*t), key, &key);
    keymap_add(&s->tenants, &t->node, key);
    return t;
}

/* --- lines -------------------------------------------------------------------------------------
 */

static void join(struct line *line, struct waiting *w)
{
    w->line = line;
    w->prev = line->last;
    if (line->last)
        line->last->next = w;
    else
        line->first = w;
    line->last = w;
    w->ordinal = line->first_ordinal + line->n++;
}

static void leave(struct waiting *w)
{
    struct line *line = w->line;
    if (w->prev)
        w->prev->next = w->next;
    else
        line->first = w->next;
    if (w->next)
        w->next->prev = w->prev;
    else
        line->last = w->prev;
    line->n--;
    if (!w->prev)
        line->first_ordinal++;
    else if (w->next)
        line->uneven = true;
    if (!line->n)
        line->uneven = false;
}

static int64_t index_in_line(struct waiting *w)
{
    struct line *line = w->line;
    int64_t ordinal = line->first_ordinal;
    if (line->uneven)
        for (struct waiting *each = line->first; each; each = each->next)
            each->ordinal = ordinal++;
    line->uneven = false;
    return w->ordinal - line->first_ordinal;
}

static bool waits(const struct line_up *t)
{
    return t->fresh.n || t->recovering.n;
}

static void link_tenant(struct sched *s, struct line_up *t)
{
    t->prev = NULL;
    t->next = s->lined_up;
    if (t->next)
        t->next->prev = t;
    s->lined_up = t;
}

static void unlink_tenant(struct sched *s, struct line_up *t)
{
    if (t->prev)
        t->prev->next = t->next;
    else
        s->lined_up = t->next;
    if (t->next)
        t->next->prev = t->prev;
}

struct waiting *queue_find(struct sched *s, struct run_key key)
{
    return (struct waiting *)keymap_find(&s->waiting, key);
}

void queue_add(struct sched *s, struct run_key key, const char *profile, bool recovering)
{
    if (queue_find(s, key))
        return;
    const char *name = profile ? profile : "default";
    size_t len = strlen(name) + 1;
    struct waiting *w = keynode_create(sizeof(*w) + len, key, &key);
    w->profile = memcpy((char *)w + sizeof(*w), name, len);
    w->recovering = recovering;
    struct line_up *t = queue_tenant(s, key.tenant);
    if (!waits(t))
        link_tenant(s, t);
    join(recovering ? &t->recovering : &t->fresh, w);
    keymap_add(&s->waiting, &w->node, key);
    s->queue_version++;
    sched_dispatch_soon(s, 0);
}

void queue_again(struct sched *s, struct waiting *w)
{
    leave(w);
    w->recovering = true;
    w->next = NULL;
    join(&queue_tenant(s, w->node.key.tenant)->recovering, w);
    s->queue_version++;
    sched_dispatch_soon(s, 0);
}

void queue_remove(struct sched *s, struct run_key key)
{
    struct waiting *w = queue_find(s, key);
    if (!w)
        return;
    struct line_up *t = queue_tenant(s, w->node.key.tenant);
    keymap_remove(&s->waiting, &w->node);
    leave(w);
    if (!waits(t))
        unlink_tenant(s, t);
    s->queue_version++;
    free(w);
}

/* --- who is next -------------------------------------------------------------------------------
 */

static bool profile_busy(const struct sched *s, const struct waiting *w)
{
    for (int i = 0; i < s->n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        if (slot->pool && strcmp(slot->profile, w->profile) == 0 &&
            strcmp(slot->key.tenant, w->node.key.tenant) == 0)
            return true;
    }
    return false;
}

/* No more runs can be passed over than there are slots. */
static struct waiting *first_startable(const struct sched *s, const struct line *line)
{
    struct waiting *w = line->first;
    while (w && profile_busy(s, w))
        w = w->next;
    return w;
}

/* Tenants in order of name, beginning after the one served last. */
static bool tenant_before(const struct sched *s, const struct line_up *a, const struct line_up *b)
{
    const char *one = a->node.key.tenant, *two = b->node.key.tenant;
    bool one_after = strcmp(one, s->last_tenant) > 0, two_after = strcmp(two, s->last_tenant) > 0;
    if (one_after != two_after)
        return one_after;
    return strcmp(one, two) < 0;
}

static struct waiting *next_of(struct sched *s, bool recovering)
{
    struct line_up *best = NULL;
    struct waiting *chosen = NULL;
    for (struct line_up *t = s->lined_up; t; t = t->next) {
        struct line *line = recovering ? &t->recovering : &t->fresh;
        if (!line->n || (best && !tenant_before(s, t, best)))
            continue;
        struct waiting *w = first_startable(s, line);
        if (w) {
            best = t;
            chosen = w;
        }
    }
    return chosen;
}

struct waiting *queue_next(struct sched *s)
{
    struct waiting *w = next_of(s, true);
    return w ? w : next_of(s, false);
}

void queue_served(struct sched *s, const struct waiting *w)
{
    snprintf(s->last_tenant, sizeof(s->last_tenant), "%s", w->node.key.tenant);
    s->queue_version++;
}

/* --- places ------------------------------------------------------------------------------------
 */

int64_t queue_place(struct sched *s, struct waiting *w)
{
    struct line_up *own = queue_tenant(s, w->node.key.tenant);
    int64_t index = index_in_line(w), place = index + 1;
    for (struct line_up *t = s->lined_up; t; t = t->next) {
        if (!w->recovering)
            place += t->recovering.n;
        if (t == own)
            continue;
        int64_t turns = index + tenant_before(s, t, own);
        int64_t n = w->recovering ? t->recovering.n : t->fresh.n;
        place += n < turns ? n : turns;
    }
    return place;
}

int64_t queue_eta_ms(const struct sched *s, int64_t place)
{
    if (s->mean_run_ms <= 0)
        return -1;
    return (int64_t)(s->mean_run_ms * (double)place / s->n_slots);
}

const char *queue_reason(const struct sched *s, struct pool *pool, const struct waiting *w)
{
    const struct slot *profile = NULL, *paused = NULL;
    bool room = false;
    for (int i = 0; i < s->n_slots; i++) {
        const struct slot *slot = &s->slots[i];
        room = room || !slot->pool;
        if (!slot->pool || strcmp(slot->key.tenant, w->node.key.tenant))
            continue;
        if (!strcmp(slot->profile, w->profile))
            profile = slot;
        if (slot->paused)
            paused = slot;
    }
    if (s->hold)
        return s->hold;
    if (profile)
        return pool_printf(pool, "its profile '%s' is in use by run '%s'%s", w->profile,
                           profile->key.run_id, profile->paused ? ", which is paused" : "");
    if (room)
        return NULL;
    return paused ? pool_printf(pool, "run '%s' is paused and keeps its slot: resume or cancel it",
                                paused->key.run_id)
                  : "every slot is taken";
}

void queue_learn(struct sched *s, int64_t taken_ms)
{
    double ms = taken_ms > 1 ? (double)taken_ms : 1;
    s->mean_run_ms = s->mean_run_ms > 0 ? s->mean_run_ms + MEAN_WEIGHT * (ms - s->mean_run_ms) : ms;
    s->queue_version++;
}

/* --- counts ------------------------------------------------------------------------------------
 */

static bool is_live(enum run_state state)
{
    return state != RUN_N_STATES && !run_state_terminal(state);
}

void queue_note(struct sched *s, const struct store_note *note)
{
    if (note->before == note->state)
        return;
    struct line_up *t = queue_tenant(s, note->key.tenant);
    if (is_live(note->before))
        t->counts[note->before]--;
    if (is_live(note->state))
        t->counts[note->state]++;
}

int sched_live_runs(const struct sched *s, const char *tenant)
{
    struct keynode *found = keymap_find(&s->tenants, RUN_KEY(tenant, ""));
    if (!found)
        return 0;
    const struct line_up *t = lined_up_of(found);
    int n = t->coming;
    for (int i = 0; i < RUN_N_STATES; i++)
        n += t->counts[i];
    return n;
}

static int list_places(struct sched *s, struct line *line, json_t *out, int left)
{
    for (struct waiting *w = line->first; w && left > 0; w = w->next, left--)
        json_push(out, json_pack("{s:s,s:I}", "run_id", w->node.key.run_id, "position",
                                 (json_int_t)queue_place(s, w)));
    return left;
}

int sched_queue(struct sched *s, struct pool *pool, const char *tenant, json_t **out,
                struct err *err)
{
    static const enum run_state states[] = {RUN_QUEUED, RUN_RUNNING, RUN_RECOVERING, RUN_PAUSED};
    struct line_up *t = queue_tenant(s, tenant);
    json_t *doc = json_keep(pool, json_object()), *runs = json_array();
    json_put_str(doc, "tenant_id", tenant);
    for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
        const char *phase = run_state_phase(states[i]); /* a paused run counts as running */
        json_put_int(doc, phase, json_int(doc, phase, 0) + t->counts[states[i]]);
    }
    json_put_int(doc, "paused", t->counts[RUN_PAUSED]);
    struct waiting *first = t->recovering.first ? t->recovering.first : t->fresh.first;
    int64_t eta = first ? queue_eta_ms(s, queue_place(s, first)) : -1;
    json_put(doc, "eta_ms", eta >= 0 ? json_integer(eta) : json_null());
    list_places(s, &t->fresh, runs, list_places(s, &t->recovering, runs, CAP_QUEUE_LISTED));
    json_put(doc, "runs", runs);
    *out = doc;
    return 0;
}

void queue_release(struct sched *s)
{
    keymap_release(&s->waiting, keynode_free);
    keymap_release(&s->tenants, keynode_free);
}
