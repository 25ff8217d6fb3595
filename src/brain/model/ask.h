/*
 * ask.h - one question to a model server: asked again as its profile says, until there is an answer
 * that can be read or it is given up (brains.md sections 1, 2 and 10).
 */
#ifndef MANTIS_BRAIN_MODEL_ASK_H
#define MANTIS_BRAIN_MODEL_ASK_H

#include "brain/model/reply.h"
#include "brain/model/request.h"
#include "brain/model/transport.h"
#include "core/frame.h"

/* A frame as a picture of width x height px in the profile's format; what it points to lives in pool. */
typedef int model_picture_fn(void *arg, struct pool *pool, const struct profile *profile, const struct frame *frame,
                             int width, int height, struct model_frame *out, struct err *err);

/* Told of a question that was not answered at once: what went wrong ("429 too many requests; no answer"), in how many
 * calls, and whether there was an answer in the end. */
typedef void model_trouble_fn(void *arg, const char *why, int calls, bool answered);

/* What a model needs of the world. Borrowed by who asks. */
struct model_link {
    struct transport *transport;
    struct profile_dirs dirs;
    struct model_server server;
    model_picture_fn *picture; /* NULL: only the observation's own PNG can be sent */
    void *picture_arg;
    model_trouble_fn *trouble; /* NULL: nobody is told */
    void *trouble_arg;
};

/*
 * body is posted to the profile's path. Blocks until deadline_mono_ms at most; one call takes no longer
 * than the profile's timeout, and no wait begins that would end behind the deadline.
 * E_UPSTREAM, E_TIMEOUT (no answer at all): the message names address, status and what to do.
 * E_BUDGET: the gateway refuses it, the run has not enough money left. E_CANCELLED.
 */
int model_ask(struct pool *pool, const struct model_link *link, const struct profile *profile, const json_t *body,
              int64_t deadline_mono_ms, struct said *out, struct err *err) MUST_CHECK;

/* The same, in two attempts at most: for a question beside the next action, which goes on without an answer. */
int model_ask_twice(struct pool *pool, const struct model_link *link, const struct profile *profile, const json_t *body,
                    int64_t deadline_mono_ms, struct said *out, struct err *err) MUST_CHECK;

/* What a server that refuses says itself: its JSON's message, or its text; short, in pool. */
const char *model_error_words(struct pool *pool, const char *body, size_t len);

/* The same, of a server that did not answer yet: where nobody is there it may be starting, and is looked at
 * (GET /models) as often as the profile says, until it is; then it is asked again. */
int model_ask_first(struct pool *pool, const struct model_link *link, const struct profile *profile, const json_t *body,
                    int64_t deadline_mono_ms, struct said *out, struct err *err) MUST_CHECK;

#endif
