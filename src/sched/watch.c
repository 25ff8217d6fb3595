/*
 * watch.c - callers that wait for a run to be over (detached:false).
 */
#include "sched/private.h"

#include <stdlib.h>

struct sched_watch {
    struct keynode node;
    struct sched *sched;
    sched_watch_fn *fn;
    void *arg;
    struct loop_timer now;
};

static void fire(void *arg)
{
    struct sched_watch *w = arg;
    sched_watch_fn *fn = w->fn;
    w->fn = NULL; /* once; the owner still calls sched_unwatch() */
    if (fn)
        fn(w->arg);
}

struct sched_watch *sched_watch(struct sched *s, struct run_key key, sched_watch_fn *fn, void *arg)
{
    struct sched_peek peek;
    if (sched_peek(s, key, &peek, NULL))
        return NULL;
    struct sched_watch *w = keynode_create(sizeof(*w), key, &key);
    w->sched = s;
    w->fn = fn;
    w->arg = arg;
    keymap_add(&s->watches, &w->node, key);
    if (peek.over)
        loop_timer_set(s->loop, &w->now, 0, fire, w);
    return w;
}

void sched_unwatch(struct sched_watch *watch)
{
    if (!watch)
        return;
    keymap_remove(&watch->sched->watches, &watch->node);
    loop_timer_clear(&watch->now);
    free(watch);
}

/* From the loop, not from here: a watcher may unwatch, submit or destroy. */
void watch_run_over(struct sched *s, struct run_key key)
{
    for (struct keynode *n = keymap_find(&s->watches, key); n; n = keymap_again(n)) {
        struct sched_watch *w = (struct sched_watch *)n;
        loop_timer_set(s->loop, &w->now, 0, fire, w);
    }
}

static void end_watch(struct keynode *node)
{
    struct sched_watch *w = (struct sched_watch *)node;
    loop_timer_clear(&w->now);
    free(w);
}

void watch_release(struct sched *s)
{
    keymap_release(&s->watches, end_watch);
}
