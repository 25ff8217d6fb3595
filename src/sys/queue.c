#include "sys/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t came; /* an item, or the end */
    bool closed;
    int capacity, first, n;
    void *items[];
};

struct queue *queue_create(int capacity)
{
    struct queue *q = calloc(1, sizeof(*q) + (size_t)capacity * sizeof(q->items[0]));
    pthread_condattr_t attr;
    if (!q)
        BUG("out of memory");
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&q->came, &attr);
    pthread_condattr_destroy(&attr);
    return q;
}

void queue_destroy(struct queue *q)
{
    if (!q)
        return;
    pthread_cond_destroy(&q->came);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

bool queue_push(struct queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && q->n < q->capacity;
    if (room)
        q->items[(q->first + q->n++) % q->capacity] = item;
    pthread_cond_signal(&q->came);
    pthread_mutex_unlock(&q->lock);
    return room;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->came);
    pthread_mutex_unlock(&q->lock);
}

int queue_pop(struct queue *q, int64_t deadline_mono_ms, void **ret_item)
{
    const struct timespec until = {deadline_mono_ms / 1000, deadline_mono_ms % 1000 * 1000000};
    int r = 0;
    pthread_mutex_lock(&q->lock);
    while (!r && !q->n && !q->closed)
        r = deadline_mono_ms ? pthread_cond_timedwait(&q->came, &q->lock, &until) : E_TIMEOUT;
    if (q->n) {
        *ret_item = q->items[q->first];
        q->first = (q->first + 1) % q->capacity;
        q->n--;
        r = 0;
    } else {
        r = q->closed ? E_GONE : E_TIMEOUT;
    }
    pthread_mutex_unlock(&q->lock);
    return r;
}
