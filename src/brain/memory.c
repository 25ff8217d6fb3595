#include "brain/memory.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

struct kept {
    struct pool *pool;        /* of what follows */
    struct model_frame frame; /* that it was shown */
    const json_t *content;    /* that it said, NULL none */
    const char *result;       /* that came of it, "" not known yet */
    int n_history;            /* actions before it */
};

struct memory {
    struct kept *turns; /* oldest first */
    int n, most;
    char *task; /* of the sub-goal */
};

struct memory *memory_create(int most)
{
    struct memory *m = calloc(1, sizeof(*m));
    if (!m)
        BUG("out of memory");
    m->most = most;
    m->turns = calloc((size_t)most + 1, sizeof(*m->turns));
    m->task = strdup("");
    if (!m->turns || !m->task)
        BUG("out of memory");
    return m;
}

static void forget_oldest(struct memory *m, int n)
{
    for (int i = 0; i < n; i++)
        pool_destroy(m->turns[i].pool);
    m->n -= n;
    memmove(m->turns, m->turns + n, (size_t)m->n * sizeof(*m->turns));
}

void memory_destroy(struct memory *m)
{
    if (!m)
        return;
    forget_oldest(m, m->n);
    free(m->turns);
    free(m->task);
    free(m);
}

/* --- a turn begins --------------------------------------------------------------------------- */

/* An answered turn becomes an action, or a wait in place of one: without it, this is another
 * sub-goal. */
static bool goes_on(const struct memory *m, const struct brain_turn *turn,
                    const struct model_frame *now)
{
    const struct kept *last = m->n ? &m->turns[m->n - 1] : NULL;
    return last && !strcmp(m->task, turn->task) && turn->n_history > last->n_history &&
           last->frame.width == now->width && last->frame.height == now->height;
}

void memory_begin(struct memory *m, const struct brain_turn *turn, const struct model_frame *now)
{
    if (goes_on(m, turn, now)) {
        struct kept *last = &m->turns[m->n - 1];
        const char *feedback = turn->feedback ? turn->feedback[turn->n_history - 1] : NULL;
        last->result = pool_strdup(last->pool, feedback ? feedback : "");
        return;
    }
    forget_oldest(m, m->n);
    free(m->task);
    m->task = strdup(turn->task);
    if (!m->task)
        BUG("out of memory");
}

/* --- what is told ---------------------------------------------------------------------------- */

int memory_frames(const struct memory *m, struct pool *pool, const struct model_frame *now, int n,
                  const struct model_frame **out)
{
    int first = m->n > n ? m->n - n : 0, count = m->n - first;
    struct model_frame *frames = pool_alloc(pool, (size_t)(count + 1) * sizeof(*frames));
    for (int i = 0; i < count; i++)
        frames[i] = m->turns[first + i].frame;
    frames[count] = *now;
    *out = frames;
    return count + 1;
}

int memory_exchanges(const struct memory *m, struct pool *pool, int n,
                     const struct model_exchange **out)
{
    int first = m->n > n ? m->n - n : 0, count = m->n - first;
    struct model_exchange *exchanges = pool_alloc(pool, (size_t)(count + 1) * sizeof(*exchanges));
    for (int i = 0; i < count; i++) {
        const struct kept *turn = &m->turns[first + i];
        bool newest = i + 1 == count;
        exchanges[i] = (struct model_exchange){.content = turn->content,
                                               .result = turn->result,
                                               .frame = newest ? NULL : &turn[1].frame};
    }
    *out = exchanges;
    return count;
}

/* --- a turn was answered --------------------------------------------------------------------- */

void memory_add(struct memory *m, const struct brain_turn *turn, const struct model_frame *now,
                const json_t *content)
{
    if (!m->most)
        return;
    if (m->n == m->most)
        forget_oldest(m, 1);
    struct pool *pool = pool_create(NULL);
    uint8_t *data = pool_alloc(pool, now->len);
    memcpy(data, now->data, now->len);
    m->turns[m->n++] =
        (struct kept){.pool = pool,
                      .frame = {data, now->len, now->width, now->height},
                      .content = content ? json_keep(pool, json_deep_copy(content)) : NULL,
                      .result = "",
                      .n_history = turn->n_history};
}
