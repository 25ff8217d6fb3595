/*
 * predicates.h - what a brain said would happen, held against what did (agent-loop.md 8.1).
 */
#ifndef MANTIS_RUN_INNER_PREDICATES_H
#define MANTIS_RUN_INNER_PREDICATES_H

#include "core/observation.h"
#include "run/inner/detect.h"

#define PREDICATES_MAX   16
#define PREDICATED_BYTES 500 /* of the words that are read */
#define WORLD_MODEL_COST 0.05

struct predicate_view {         /* one moment */
    const char *url, *title;    /* "" unknown */
    const char *frame;          /* hash, "" unknown */
    const struct node *focused; /* editable element with the focus, NULL none */
};

struct predicate_score {
    int total, evaluated, correct;
};

/* The tokens of {"expected":[...]}, of an array, of a string, or of a line "Predicted: a, b; c" in
 * text. Unknown kinds are dropped. Array of strings; new reference. Both may be NULL. */
json_t *predicates_read(struct pool *pool, const json_t *predicted, const char *text);

/* [{predicate, result (true, false or null), reason}]; new reference. */
json_t *predicates_check(struct pool *pool, const json_t *tokens,
                         const struct predicate_view *before, const struct predicate_view *after,
                         struct predicate_score *score);

/* {total, evaluated, correct, accuracy}: accuracy 0 when nothing was evaluated. New reference. */
json_t *predicates_sum(int total, int evaluated, int correct);

/* -0.05 * wrong / evaluated; 0 when nothing was. */
double predicates_error(const struct predicate_score *score);

#endif
