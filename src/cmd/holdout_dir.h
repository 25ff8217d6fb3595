/*
 * holdout_dir.h - where the frozen tasks are, for the commands that read them.
 */
#ifndef MANTIS_CMD_HOLDOUT_DIR_H
#define MANTIS_CMD_HOLDOUT_DIR_H

#include "cmd/options.h"
#include "base/err.h"
#include "base/pool.h"

/* given, else MANTIS_HOLDOUT_DIR, else gate/holdout/v1 of what the product ships. */
int holdout_dir(struct pool *pool, const char *given, const char **out, struct err *err) MUST_CHECK;

/* What --task was given, NULL-terminated. */
const char *const *holdout_keys(struct pool *pool, const struct option_list *given);

#endif
