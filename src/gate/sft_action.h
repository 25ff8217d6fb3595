/*
 * sft_action.h - an action and its rationale as a model writes them: the answer of a training row (promotion.md section
 * 4). What is written is what src/brain/model reads. Pure; results live in pool.
 */
#ifndef MANTIS_GATE_SFT_ACTION_H
#define MANTIS_GATE_SFT_ACTION_H

#include "base/json.h"
#include "base/pool.h"

/* At most two sentences and 200 characters on one line; "" for none. */
const char *sft_brief(struct pool *pool, const char *predicted_outcome);

/* The name of {action_type or type, params}; "" none. Borrowed. */
const char *sft_action_type(const json_t *action);

/* "click(x=412, y=318)"; NULL: such an action, or one without what it needs, makes no row. Text that is masked in the
 * trace makes none either: a model must not learn to type the mask. */
const char *sft_action(struct pool *pool, const json_t *action);

/* At most n characters of well-formed UTF-8; behind a longer one stands "...". */
const char *sft_cut(struct pool *pool, const char *text, size_t n);

#endif
