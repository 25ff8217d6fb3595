/*
 * model_find.h - which files of a directory are a GGUF model and its projector (serving.md section 1.2).
 */
#ifndef MANTIS_ENGINE_MODEL_FIND_H
#define MANTIS_ENGINE_MODEL_FIND_H

#include "base/err.h"
#include "base/pool.h"
#include "sys/settings.h"

struct model_file {
    const char *path;     /* absolute */
    const char *variable; /* that led to it: "MANTIS_HOLO3_GGUF", "MANTIS_HOLO3_MODEL_DIR" */
};

struct model_files {
    struct model_file weights, projector;
};

/*
 * base: "HOLO3", the middle of its variables' names. A file that is named must be there; otherwise the
 * directory is looked through, not what is below it. Only names are looked at, not what is in the
 * files. E_NOT_FOUND names the variable and the directory.
 */
int model_files_find(struct pool *pool, const char *base, const struct settings_weights *where,
               struct model_files *out, struct err *err) MUST_CHECK;

#endif
