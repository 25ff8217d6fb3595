/*
 * document.h - private to src/plan: plan documents before anything is read from them.
 */
#ifndef MANTIS_PLAN_DOCUMENT_H
#define MANTIS_PLAN_DOCUMENT_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

/* JSON text a caller sent; what names it in messages. Kept by pool. */
int document_parse(struct pool *pool, const char *text, const char *what, const json_t **out,
                   struct err *err) MUST_CHECK;

/* A plan file below root; *ret_name is its stem. Messages name the path as the caller gave it. */
int document_load(struct pool *pool, const char *root, const char *path, const json_t **out,
                  const char **ret_name, struct err *err) MUST_CHECK;

/* The words of a prose file below root; *ret_name is its stem. E_INVALID, E_NOT_FOUND, E_TOOBIG. */
int document_load_prose(struct pool *pool, const char *root, const char *path, const char **out,
                        const char **ret_name, struct err *err) MUST_CHECK;

/* A copy with {{ENV_URL}} replaced in every string; E_INVALID when it is used and env_url is "". */
int document_with_env(struct pool *pool, const json_t *source, const char *env_url, json_t **out,
                      struct err *err) MUST_CHECK;

#endif
