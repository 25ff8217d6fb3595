/*
 * base.h - the models that a model server of this pod can serve (serving.md section 1.1).
 */
#ifndef MANTIS_ENGINE_BASE_H
#define MANTIS_ENGINE_BASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/pool.h"

enum engine_kind {
    ENGINE_LLAMA,
    ENGINE_VLLM,
};

struct engine_base {
    const char *brain, *alias; /* of MANTIS_BRAIN; alias may be NULL */
    enum engine_kind engine;
    const char *variables;     /* "HOLO3": the middle of its variables' names */
    size_t weights;            /* llama.cpp: offset of its struct settings_weights */
    const char *served_name;   /* what a call names */
    const char *reasoning_budget; /* NULL none */
    bool no_adapter;           /* its LoRA adapters are known to fail */
};

/* NULL for a brain that has no model server here. */
const struct engine_base *engine_base_find(const char *brain);

/* "holo3, fara, gemma4-cua" for messages. */
const char *engine_base_names(struct pool *pool);

const char *engine_kind_name(enum engine_kind kind); /* "llama-server", "vllm" */

#endif
