/*
 * lora.h - the LoRA overlay of a challenger (serving.md section 2.2). Never is the base served in
 * silence when a challenger was asked for: what cannot be served ends the start.
 */
#ifndef MANTIS_ENGINE_LORA_H
#define MANTIS_ENGINE_LORA_H

#include "base/err.h"
#include "base/pool.h"
#include "engine/base.h"
#include "sys/settings.h"

#define LORA_MAX_RANK 64 /* of vLLM's --max-lora-rank */

struct lora {
    const char *path; /* NULL: the base itself */
    double scale;     /* llama.cpp */
    const char *name; /* vLLM: what a call must name */
    const char *tag;  /* "x.gguf-1a2b3c4d": which challenger this is */
};

/* That no variable asks for a challenger in words that are none of ours. E_INVALID names it. */
int lora_check_variables(struct pool *pool, struct err *err) MUST_CHECK;

/*
 * The rules about values, and that the file or directory is there; what is in it is model_check.h's.
 * base: NULL for a brain that has no model server here. E_INVALID names variable and value.
 */
int lora_resolve(struct pool *pool, const struct settings *settings, const struct engine_base *base,
                 struct lora *out, struct err *err) MUST_CHECK;

/* Adapter and challenger model at once: whose results would that be? A model is taken for a challenger
 * when its file, the directory of that, or the directory that is served, says so in its name. */
int lora_check_alone(const struct lora *lora, const struct engine_base *base, const char *model,
                     struct err *err) MUST_CHECK;

#endif
