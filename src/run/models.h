/*
 * models.h - the models that a run may ask: a link to each by its profile's name, through the
 * gateway of `serve`. Whoever in the worker asks a model gets its link here: the brain, readers,
 * the ladder.
 *
 * The worker holds no key: the gateway's socket and the credential of this attempt, both from the
 * start message, are all it needs. The credential is in memory only. Threads: loop thread.
 */
#ifndef MANTIS_RUN_MODELS_H
#define MANTIS_RUN_MODELS_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "brain/model/ask.h"
#include "sys/loop.h"

struct models;

/* message: "model" of the start message; null or missing: no model can be asked. Everything is
 * copied but the loop; lives in pool and ends with it. */
struct models *models_open(struct pool *pool, struct loop *loop, const json_t *message);

/* The link to a profile's model, made when it is asked for first; lives as long as models. What is
 * the same for all of them, how pictures are made among it, is set in models.c. Looks at no file
 * and calls nobody. E_INVALID: the run has no models. */
int models_link(struct models *models, const char *profile, const struct model_link **out,
                struct err *err) MUST_CHECK;

/* The pictures that they are sent: of the same pixels none is made twice, for whom ever. */
struct picture_memo *models_pictures(const struct models *models);

/* Told of a question that was not answered at once (ask.h): which profile's. One listener for all links. */
typedef void models_trouble_fn(void *arg, const char *profile, const char *why, int calls, bool answered);
void models_listen(struct models *models, models_trouble_fn *trouble, void *arg);

#endif
