/*
 * cmd.h - the subcommands. main.c holds the table; each command is one file, src/cmd/<name>.c.
 * Exit codes (cli.md section 1): 0 ok, 1 error or the checked thing failed, 2 usage (plan tools:
 * warnings only), 3 inconclusive.
 */
#ifndef MANTIS_CMD_CMD_H
#define MANTIS_CMD_CMD_H

#include <stdbool.h>

/* argv[0] is the command's name; returns the exit code. */
typedef int command_fn(int argc, char **argv);

struct command {
    const char *name;
    command_fn *run;
    const char *help; /* one line, starts with a lower-case verb */
};

command_fn cmd_serve, cmd_plan, cmd_runs, cmd_env, cmd_store, cmd_profile, cmd_tenant, cmd_engine, cmd_gguf,
    cmd_selftest, cmd_trace, cmd_eval, cmd_gate, cmd_holdout, cmd_shadow, cmd_bench;

/* Run the command named argv[1] of a table that ends with a NULL name; prints help for none or
 * --help (exit 1 or 0), and for an unknown one the nearest name (exit 2). prefix: "mantis plan". */
int cmd_dispatch(const struct command *table, const char *prefix, const char *about, int argc, char **argv);

/* --version, which every level takes: printed when word is that. */
bool cmd_says_version(const char *word);

/* "error: ..." on stderr. */
void cmd_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cmd_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
