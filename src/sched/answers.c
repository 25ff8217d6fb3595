/*
 * answers.c - what people answered to runs that asked: in memory only, for as long as the run is live. A
 * server that dies forgets it, and the run asks again.
 */
#include "sched/private.h"

#include <stdio.h>
#include <stdlib.h>

struct answered {
    struct keynode node;
    json_t *given; /* {"1": value} */
};

static struct answered *find(const struct sched *s, struct run_key key)
{
    return (struct answered *)keymap_find(&s->answers, key);
}

void answers_keep(struct sched *s, struct run_key key, int n, const json_t *value)
{
    char number[16];
    struct answered *a = find(s, key);
    if (!a) {
        struct run_key copy;
        a = keynode_create(sizeof(*a), key, &copy);
        a->given = json_object();
        keymap_add(&s->answers, &a->node, copy);
    }
    snprintf(number, sizeof(number), "%d", n);
    json_object_set(a->given, number, (json_t *)value);
}

const json_t *answers_of(const struct sched *s, struct run_key key)
{
    const struct answered *a = find(s, key);
    return a ? a->given : NULL;
}

static void end(struct keynode *node)
{
    json_decref(((struct answered *)node)->given);
    free(node);
}

void answers_forget(struct sched *s, struct run_key key)
{
    struct answered *a = find(s, key);
    if (!a)
        return;
    keymap_remove(&s->answers, &a->node);
    end(&a->node);
}

void answers_forget_all(struct sched *s)
{
    keymap_release(&s->answers, end);
}
