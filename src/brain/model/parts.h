/*
 * parts.h - what a turn is told, before it takes the form of one server's messages.
 */
#ifndef MANTIS_BRAIN_MODEL_PARTS_H
#define MANTIS_BRAIN_MODEL_PARTS_H

#include "brain/model/request.h"

struct parts {
    struct pool *pool;
    const struct profile *profile;
    const struct model_server *server;
    const struct model_turn *turn;
    int image_w, image_h; /* of what it is shown */
    const char *system;
    const char *before; /* text before the frames, "" none */
    const char *after;  /* text behind them */
    int first_frame;    /* those before it are only named */
};

int parts_make(struct pool *pool, const struct profile *profile, const struct model_server *server,
               const struct model_turn *turn, struct parts *out, struct err *err) MUST_CHECK;

/* "[Frame CURRENT]", "[Frame t-1]" */
const char *parts_label(const struct parts *parts, int frame);

/* "[Zoom of (1,2) to (3,4)]", in the model's own coordinates. */
const char *parts_zoom_label(const struct parts *parts);

/* Are tools given in this call? */
bool parts_tools(const struct parts *parts);

const char *parts_base64(struct pool *pool, const struct model_frame *frame);
const char *parts_media_type(const struct profile *profile);

/* One server's form of a call; new values live in the parts' pool. */
json_t *openai_body(const struct parts *parts);
json_t *anthropic_body(const struct parts *parts);
json_t *openai_question(const struct parts *parts, const char *question, const struct model_frame *frame,
                        int max_tokens);
json_t *anthropic_question(const struct parts *parts, const char *question, const struct model_frame *frame,
                           int max_tokens);

#endif
