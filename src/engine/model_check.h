/*
 * model_check.h - is this file what it is used as? Asked before a model server is started, which would
 * say so minutes later or not at all. A message names the variable, the file and what to do.
 *
 * variable: where the path came from, "MANTIS_HOLO3_GGUF".
 * Errors: E_NOT_FOUND, E_IO, E_INVALID, E_TOOBIG, as gguf_read(); the start must end.
 */
#ifndef MANTIS_ENGINE_MODEL_CHECK_H
#define MANTIS_ENGINE_MODEL_CHECK_H

#include "engine/gguf.h"

/* "m-00002-of-00003.gguf": *ret_no 2, *ret_count 3. False for other names. */
bool gguf_part_name(const char *path, int *ret_no, int *ret_count);

/* The file of part no, from 0, of the split file that g is one part of. E_INVALID: g is not named so. */
int gguf_part_path(struct pool *pool, const struct gguf *g, int no, const char **out,
                   struct err *err) MUST_CHECK;

/* Is the file whole, with all its parts? Reads the others. */
int gguf_check_whole(struct pool *pool, const struct gguf *g, struct err *err) MUST_CHECK;

/* A whole model, all parts of it, with weights; path is its first part. *out: the first part. */
int model_check_weights(struct pool *pool, const char *variable, const char *path, struct gguf *out,
                        struct err *err) MUST_CHECK;

/* A whole projector for images. */
int model_check_projector(struct pool *pool, const char *variable, const char *path,
                          struct err *err) MUST_CHECK;

/* A whole LoRA adapter for this model. */
int model_check_adapter(struct pool *pool, const char *variable, const char *path,
                        const struct gguf *model, struct err *err) MUST_CHECK;

/* Is this the architecture whose adapters cannot be GGUF files (serving.md section 2.1)? */
bool model_takes_no_gguf_adapter(const char *architecture);

#endif
