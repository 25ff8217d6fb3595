/*
 * serve_models.h - what joins the model gateway (sched) to the model server of this pod (engine).
 */
#ifndef MANTIS_CMD_SERVE_MODELS_H
#define MANTIS_CMD_SERVE_MODELS_H

#include "engine/engine.h"
#include "sched/gateway.h"

struct serve_models {
    const struct settings *settings;
    struct engine *engine; /* NULL: none is needed, or not yet */
};

/* The brain's profile can be read, and so can the prices; *out is the model server, untouched where
 * none is wanted. E_INVALID, E_NOT_FOUND: the start must end. */
int serve_models_check(struct pool *pool, const struct settings *settings,
                       struct engine_target *out, struct err *err) MUST_CHECK;

/* The gateway, which asks *models for as long as it is there. */
int serve_models_open(struct serve_models *models, struct loop *loop, struct store *store,
                      const struct settings *settings, struct gateway **out,
                      struct err *err) MUST_CHECK;

#endif
