/*
 * request.h - what a model is asked, as the JSON body of its server's call (brains.md sections 1-4).
 *
 * Pure: profile, server and turn in, body out; the same in, the same out, byte for byte. What does not
 * change from turn to turn comes first, so that a server can keep it.
 */
#ifndef MANTIS_BRAIN_MODEL_REQUEST_H
#define MANTIS_BRAIN_MODEL_REQUEST_H

#include "brain/model/profile.h"
#include "core/action.h"

struct model_frame { /* one screenshot, encoded in the profile's format */
    const uint8_t *data;
    size_t len;
    int width, height; /* px; all frames of a turn are of one size */
};

struct model_server {
    bool ours;         /* launched by us, or named by the operator as such */
    const char *model; /* its name there; NULL: what the profile says */
    bool constrains;   /* takes response_format json_schema */
    bool logprobs;     /* MANTIS_CAPTURE_LOGPROBS */
    int top_logprobs;  /* MANTIS_LOGPROBS_TOP_K; 0: not asked for */
};

/* One earlier step as it was said: for servers that want the conversation, not a report of it. */
struct model_exchange {
    const json_t *content;           /* the answer's own blocks, tool calls with their ids included */
    const char *result;              /* what came of the action: its feedback line */
    const struct model_frame *frame; /* the screen after it; NULL: no longer at hand */
};

struct model_turn {
    const struct model_frame *frames; /* oldest first, the last is now; with exchanges only the last counts */
    int n_frames;
    bool in_plan;                 /* a sub-goal of a plan: plan_frames count */
    int most_frames;              /* that are shown; 0: as the profile says */
    int screen_w, screen_h;       /* px, what is acted on */
    const char *task;             /* does not change during a sub-goal */
    const char *prompt;           /* the turn's text (agent-loop.md 1.3); NULL: the task alone */
    const struct action *history; /* oldest first, screen pixels */
    const char *const *feedback;  /* what came of each, NULL: not told */
    int n_history;
    const struct model_exchange *exchanges; /* the last steps, oldest first; anthropic only */
    int n_exchanges;
    const struct model_frame *zoom; /* a part of the screen, larger, as it asked for; NULL none */
    struct rect zoom_area;          /* screen pixels */
    const json_t *attempts;   /* [{x, y, label, kind, reason, hit}] of earlier failures, NULL none */
    const char *step_type;    /* chooses what is added to the system text; NULL none */
    const json_t *host_tools; /* [{name, description, parameters}], NULL none */
    const char *examples;     /* for __EXAMPLES__; NULL none */
};

/* The size the model is told and shown: the image it must be sent. */
void request_image_size(const struct profile *profile, int screen_w, int screen_h, int *ret_w, int *ret_h);

/* How many frames the turn is shown. */
int request_frames(const struct profile *profile, const struct model_turn *turn);

/* *out lives in pool. E_INVALID: a prompt with a placeholder that nothing stands for. */
int request_build(struct pool *pool, const struct profile *profile, const struct model_server *server,
                  const struct model_turn *turn, json_t **out, struct err *err) MUST_CHECK;

/* The system text alone, as a turn of a step of this type is told it; step_type NULL none. For who makes training data: a
 * model must be told while it learns what it is told when it works. E_INVALID likewise. */
int request_system(struct pool *pool, const struct profile *profile, int screen_w, int screen_h,
                   const char *step_type, const char **out, struct err *err) MUST_CHECK;

/* "/chat/completions" or "/messages", behind the base URL. */
const char *request_path(enum profile_api api);

/* "Name: value" lines of every call to the profile's server, NULL-terminated: the profile's own and the key
 * ("" none) as its api has it. In pool; the key's line is wiped with it. */
const char *const *request_headers(struct pool *pool, const struct profile *profile, const char *key);
/* The line for a model gateway (docs/processes.md), likewise. */
const char *const *request_bearer(struct pool *pool, const char *credential);

/* One user message without a picture, or with one; temperature 0: brains.md section 1, query and look. */
json_t *request_question(struct pool *pool, const struct profile *profile, const struct model_server *server,
                         const char *question, const struct model_frame *frame, int max_tokens);

#endif
