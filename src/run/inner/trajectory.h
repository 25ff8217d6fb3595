/*
 * trajectory.h - one turn of the inner loop as a record (agent-loop.md 8.3). Typed text is never in
 * it.
 */
#ifndef MANTIS_RUN_INNER_TRAJECTORY_H
#define MANTIS_RUN_INNER_TRAJECTORY_H

#include "core/action.h"
#include "core/observation.h"

struct trajectory_step {
    int step;                    /* from 1 */
    const struct action *action; /* as carried out */
    const char *tool;            /* called in its place, NULL none */
    const json_t *tool_args;
    const char *brain_used;     /* "primary" or "fallback" of a ladder, NULL there is one brain */
    const json_t *grounding;    /* {from_x, from_y, x, y, confidence, cached}, NULL none */
    const char *substituted_by; /* what put it in the place of the brain's, "" nothing */
    const char *thinking, *feedback;
    double inference_s;
    bool left_gallery;        /* a photo viewer had opened, and was left */
    double world_model_error; /* 0: not evaluated */
    bool evaluated;
    const char *frame_hash;
    const char *url, *title, *warning;
    json_t *focused_input, *type_verified, *predicted, *predicate_results; /* borrowed, NULL none */
    const char *done_rejected;                                             /* "" */
    const char *loop_recovery;                                             /* "" */
    int effect;          /* 1 it showed, 0 it did not, -1 not looked */
    const char *backend; /* "vision" */
    const char *timestamp;
};

/* New reference. */
json_t *trajectory_json(struct pool *pool, const struct trajectory_step *s);

/* {"action_type","params","reasoning"} with typed text as "<N chars>"; new reference. */
json_t *trajectory_action(struct pool *pool, const struct action *action);

#endif
