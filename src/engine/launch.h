/*
 * launch.h - how the model server of this pod is started: which program, with what (serving.md
 * sections 1.2, 1.3 and 2.2). Nothing is started here.
 */
#ifndef MANTIS_ENGINE_LAUNCH_H
#define MANTIS_ENGINE_LAUNCH_H

#include "engine/gguf.h"
#include "engine/lora.h"
#include "engine/model_find.h"

/* Tokens that a prompt with images and the answer to it may take: a slot must have as many. */
#define LAUNCH_SLOT_TOKENS 8192

struct launch {
    const struct engine_base *base;
    const struct settings *settings; /* borrowed */
    struct model_files files;        /* llama.cpp */
    struct gguf weights;             /* llama.cpp: the first file of the weights */
    const char *model;               /* what is served: a file, a directory or a repository */
    struct lora lora;
    int context;                     /* tokens of all slots together */
    int slots;                       /* calls at the same time; vLLM: as many as it likes, 0 */
    const char *request_model;       /* what a call must name */
    const char *log_path;            /* of its stdout and stderr; emptied at each start */
    int start_timeout_s;
    const char *const *warnings;     /* NULL-terminated, never NULL */
};

/*
 * Finds the files and checks everything that can be known before a start. Reads files, blocks on
 * them. E_INVALID, E_NOT_FOUND, ...: the start must end (exit 1); the message names the variable.
 */
int launch_prepare(struct pool *pool, const struct settings *settings, struct launch *out,
                   struct err *err) MUST_CHECK;

/* Is there the program, at its path or through PATH? E_NOT_FOUND names the variable. */
int launch_check_program(struct pool *pool, const struct launch *launch, struct err *err) MUST_CHECK;

/* The command, NULL-terminated, in pool. Always on 127.0.0.1: the port asks for no token. */
const char *const *launch_argv(struct pool *pool, const struct launch *launch, int port);

#endif
