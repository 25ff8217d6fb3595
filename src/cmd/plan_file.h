/*
 * plan_file.h - a plan named on the command line: a path of the caller's own, or - for stdin.
 */
#ifndef MANTIS_CMD_PLAN_FILE_H
#define MANTIS_CMD_PLAN_FILE_H

#include "base/err.h"
#include "base/pool.h"
#include "core/plan.h"

struct plan_file {
    const char *label; /* the path as given, or "<stdin>" */
    const char *stem;  /* file name without directory and suffix, "plan" for stdin */
    struct plan *plan;
};

/*
 * MANTIS_ENV_URL replaces {{ENV_URL}}. for_looking: loops and steps are capped as a server does by
 * default, and an unset MANTIS_ENV_URL is no error; otherwise the server that runs it decides.
 */
int plan_file_load(struct pool *pool, const char *path, bool for_looking, struct plan_file *out,
                   struct err *err) MUST_CHECK;

/* `mantis plan run` (plan_run.c). */
int plan_run(int argc, char **argv);

#endif
