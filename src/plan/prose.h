/*
 * prose.h - private to src/plan: a source that came as words gets its document.
 */
#ifndef MANTIS_PLAN_PROSE_H
#define MANTIS_PLAN_PROSE_H

#include "plan/intake.h"

/* A prose file below the repo root. Messages quote it only when its name says that it is one. */
int prose_load(struct pool *pool, const struct intake_config *config, const char *path,
               struct intake_source *out, struct err *err) MUST_CHECK;

/* source->document from source->prose: decomposed, or with the request's decompose:false a suite of one
 * task. {{ENV_URL}} is replaced in both. request may be NULL. E_INVALID. */
int prose_take(struct pool *pool, const struct intake_config *config, const json_t *request,
               struct intake_source *source, struct err *err) MUST_CHECK;

#endif
