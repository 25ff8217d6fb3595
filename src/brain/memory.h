/*
 * memory.h - what a model brain keeps of the last turns of one sub-goal: what it was shown and what it
 * said, for models that are shown earlier frames or want the conversation.
 *
 * A turn of another sub-goal, or on a screen of another size, begins it anew. Threads: its brain's.
 */
#ifndef MANTIS_BRAIN_MEMORY_H
#define MANTIS_BRAIN_MEMORY_H

#include "brain/brain.h"
#include "brain/model/request.h"

struct memory;

/* Keeps at most `most` turns; 0 is fine. */
struct memory *memory_create(int most);
void memory_destroy(struct memory *memory); /* NULL is fine */

/* A turn begins: what came of the action before it is in its feedback. */
void memory_begin(struct memory *memory, const struct brain_turn *turn, const struct model_frame *now);

/* The n last frames and now, oldest first; fewer when there are no more. Good until memory_add(). */
int memory_frames(const struct memory *memory, struct pool *pool, const struct model_frame *now, int n,
                  const struct model_frame **out);

/* The n last turns as a conversation, oldest first. Good until memory_add(). */
int memory_exchanges(const struct memory *memory, struct pool *pool, int n, const struct model_exchange **out);

/* The turn was answered; content: the answer's own blocks, NULL when its server has none. Copied. */
void memory_add(struct memory *memory, const struct brain_turn *turn, const struct model_frame *now,
                const json_t *content);

#endif
