/*
 * views.c - the texts that pollers ask for, kept while they hold.
 *
 * A text is dropped when the store says that its run changed, when its worker comes or goes, and,
 * for a run that waits, when places in the queue may have moved. So a poll of a run that rests is
 * one look into a table. The phase text ends with the hint, which depends on the clock: it is
 * printed over the old one.
 *
 * A run that does not exist is looked up in the same way as another tenant's: neither is in here.
 */
#include "sched/private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

#define HINT_FORMAT ",\"polling_backoff_ms_hint\":%d}"
#define HINT_BYTES  48 /* of the longest, NUL included */

struct text {
    char *data; /* of malloc(); NULL: to be made */
    size_t len;
};

struct view {
    struct keynode node;
    struct view *newer, *older; /* by use */
    struct text status, phase;
    int64_t queue_version; /* status of a queued run holds for this one; -1: of every other */
    int64_t changed_us;    /* what the hint counts from */
    int64_t stale_mono_ms; /* the address in the status to watch the run at is old then */
    bool terminal;
    size_t hint_at; /* in phase */
    int hint_ms;    /* printed last */
};

/* --- the table ---------------------------------------------------------------------------------
 */

static void unlink_use(struct view_table *t, struct view *v)
{
    if (v->newer)
        v->newer->older = v->older;
    else
        t->newest = v->older;
    if (v->older)
        v->older->newer = v->newer;
    else
        t->oldest = v->newer;
}

static void link_newest(struct view_table *t, struct view *v)
{
    v->newer = NULL;
    v->older = t->newest;
    if (t->newest)
        t->newest->newer = v;
    else
        t->oldest = v;
    t->newest = v;
}

static void used(struct view_table *t, struct view *v)
{
    if (t->newest == v)
        return;
    unlink_use(t, v);
    link_newest(t, v);
}

static void drop_text(struct sched *s, struct text *text)
{
    if (!text->data)
        return;
    s->views.bytes -= text->len;
    sched_free_later(s, text->data);
    *text = (struct text){0};
}

static void drop(struct sched *s, struct view *v)
{
    struct view_table *t = &s->views;
    drop_text(s, &v->status);
    drop_text(s, &v->phase);
    keymap_remove(&t->map, &v->node);
    unlink_use(t, v);
    t->bytes -= sizeof(*v);
    free(v);
}

void views_drop(struct sched *s, struct run_key key)
{
    struct keynode *found = keymap_find(&s->views.map, key);
    if (found)
        drop(s, (struct view *)found);
}

static struct view *find(struct sched *s, struct run_key key)
{
    struct view *v = (struct view *)keymap_find(&s->views.map, key);
    if (v)
        used(&s->views, v);
    return v;
}

static struct view *make(struct sched *s, struct run_key key)
{
    struct view *v = find(s, key);
    if (v)
        return v;
    v = keynode_create(sizeof(*v), key, &key);
    keymap_add(&s->views.map, &v->node, key);
    link_newest(&s->views, v);
    s->views.bytes += sizeof(*v);
    return v;
}

static void keep_text(struct sched *s, struct view *v, struct text *text, char *data)
{
    drop_text(s, text);
    *text = (struct text){.data = data, .len = strlen(data)};
    s->views.bytes += text->len;
    while (s->views.bytes > CAP_VIEW_BYTES && s->views.oldest != v)
        drop(s, s->views.oldest);
}

static void end_view(struct keynode *node)
{
    struct view *v = (struct view *)node;
    free(v->status.data);
    free(v->phase.data);
    free(v);
}

void views_release(struct sched *s)
{
    keymap_release(&s->views.map, end_view);
    s->views = (struct view_table){0};
}

/* --- making them -------------------------------------------------------------------------------
 */

static char *printed(char *text)
{
    if (!text)
        BUG("a document cannot be printed");
    return text;
}

static char *print_status(struct sched *s, struct pool *pool, const struct run_record *rec)
{
    return printed(json_dumps(docs_status(s, pool, rec), JSON_FOR_CALLERS));
}

/* *ret_hint_at: where the hint begins. */
static char *print_phase(struct sched *s, struct pool *pool, const struct run_record *rec,
                         size_t *ret_hint_at)
{
    char *text = printed(json_dumps(docs_phase(s, pool, rec), JSON_FOR_CALLERS));
    size_t body = strlen(text) - 1; /* without the brace, which follows the hint */
    text = realloc(text, body + HINT_BYTES);
    if (!text)
        BUG("out of memory");
    snprintf(text + body, HINT_BYTES, HINT_FORMAT, 0);
    *ret_hint_at = body;
    return text;
}

static int refresh(struct sched *s, struct run_key key, bool status, struct view **out,
                   struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct err cause = {0};
    struct run_record rec;
    int r = store_run_get(s->store, pool, key, 0, &rec, &cause);
    if (!r) {
        struct view *v = *out = make(s, key);
        v->changed_us = rec.updated_us;
        v->terminal = run_state_terminal(rec.state);
        if (status) {
            keep_text(s, v, &v->status, print_status(s, pool, &rec));
            v->stale_mono_ms = clock_mono_ms() + s->settings->view_token_s * INT64_C(500);
            v->queue_version = rec.state == RUN_QUEUED ? s->queue_version : -1;
        } else {
            keep_text(s, v, &v->phase, print_phase(s, pool, &rec, &v->hint_at));
            v->hint_ms = 0;
        }
    }
    pool_destroy(pool);
    return r ? sched_run_error(&cause, err) : 0;
}

int sched_status_text(struct sched *s, struct run_key key, const char **ret_text, size_t *ret_len,
                      struct err *err)
{
    struct view *v = find(s, key);
    bool moved = v && v->queue_version >= 0 && v->queue_version != s->queue_version;
    bool stale = v && !v->terminal && clock_mono_ms() >= v->stale_mono_ms;
    int r = !v || !v->status.data || moved || stale ? refresh(s, key, true, &v, err) : 0;
    if (r)
        return r;
    *ret_text = v->status.data;
    *ret_len = v->status.len;
    return 0;
}

static int backoff_hint_ms(const struct view *v)
{
    static const struct {
        int under_s, hint_ms;
    } steps[] = {{2, 500}, {10, 1500}, {30, 5000}};
    if (v->terminal)
        return 30000;
    int64_t age_us = clock_wall_us() - v->changed_us;
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
        if (age_us < steps[i].under_s * INT64_C(1000000))
            return steps[i].hint_ms;
    return 10000;
}

int sched_phase_text(struct sched *s, struct run_key key, const char **ret_text, size_t *ret_len,
                     struct err *err)
{
    struct view *v = find(s, key);
    int r = !v || !v->phase.data ? refresh(s, key, false, &v, err) : 0;
    if (r)
        return r;
    int hint = backoff_hint_ms(v);
    if (hint != v->hint_ms) {
        s->views.bytes -= v->phase.len;
        v->phase.len = v->hint_at +
                       (size_t)snprintf(v->phase.data + v->hint_at, HINT_BYTES, HINT_FORMAT, hint);
        s->views.bytes += v->phase.len;
        v->hint_ms = hint;
    }
    *ret_text = v->phase.data;
    *ret_len = v->phase.len;
    return 0;
}
