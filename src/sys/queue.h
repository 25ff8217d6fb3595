/*
 * queue.h - the one way work crosses threads: a list of pointers with a cap, from one thread to another.
 *
 * Who pushes never waits: what finds no room stays the pusher's. Who pops waits until its deadline.
 * Threads: any for every call; create and destroy while nobody else uses it.
 */
#ifndef MANTIS_SYS_QUEUE_H
#define MANTIS_SYS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct queue;

struct queue *queue_create(int capacity);
void queue_destroy(struct queue *queue); /* what is in it is not released; NULL is fine */

/* False: it is full, or closed. */
bool queue_push(struct queue *queue, void *item) MUST_CHECK;

/* Nothing comes behind what is in it. */
void queue_close(struct queue *queue);

/* The oldest item. deadline_mono_ms of clock_mono_ms(); 0 does not wait. E_TIMEOUT; E_GONE: closed, and empty. */
int queue_pop(struct queue *queue, int64_t deadline_mono_ms, void **ret_item) MUST_CHECK;

#endif
