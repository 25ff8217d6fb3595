/*
 * plan_file.h - a plan named on the command line: a path of the caller's own, or - for stdin. A name ending
 * in .json holds JSON, any other one prose; stdin is told by its first character.
 */
#ifndef MANTIS_CMD_PLAN_FILE_H
#define MANTIS_CMD_PLAN_FILE_H

#include "base/err.h"
#include "base/pool.h"
#include "cmd/cmd.h"
#include "cmd/plan_words.h"
#include "core/plan.h"
#include "plan/validate.h"

struct plan_file {
    const char *label; /* the path as given, or "<stdin>" */
    const char *stem;  /* file name without directory and suffix, "plan" for stdin */
    struct plan *plan;
    bool prose; /* it came in words */
};

/*
 * MANTIS_ENV_URL replaces {{ENV_URL}}; MANTIS_REPO_ROOT says where profiles/ is. for_looking: loops and steps are capped as a server does by
 * default, and an unset MANTIS_ENV_URL is no error; otherwise the server that runs it decides. words: who makes
 * steps of prose.
 */
int plan_file_load(struct pool *pool, const char *path, bool for_looking, struct plan_words *words,
                   struct plan_file *out, struct err *err) MUST_CHECK;

/* A plan document as text: what intake takes again, without what a server decides. In pool. */
const char *plan_file_text(struct pool *pool, const struct plan *plan);

/* 1: an error, 2: warnings only, 0: nothing was found. */
int plan_file_verdict(const struct finding *findings, int n);

/* How a text is shown on this stdout. */
struct report_style plan_file_style(void);

/* The subcommands: plan_run.c, plan_look.c, plan_init.c. */
command_fn plan_run, plan_validate_cmd, plan_dry_run_cmd, plan_walk_cmd, plan_schema_cmd, plan_init_cmd;

#endif
