/*
 * runs.h - what the commands of `mantis runs` share: one session with a server, about one run mostly.
 */
#ifndef MANTIS_CMD_RUNS_H
#define MANTIS_CMD_RUNS_H

#include <limits.h>

#include "cmd/client.h"
#include "cmd/cmd.h"
#include "cmd/options.h"

#define EXIT_FAILED 1
#define EXIT_USAGE  2

#define ENDPOINT_OPTION(f)                                                                         \
    {                                                                                              \
        "--endpoint", NULL, OPTION_STRING, &(f)->endpoint, "URL", "server [MANTIS_ENDPOINT]"       \
    }

/* One command under way. */
struct session {
    struct pool *pool;
    struct loop *loop;
    struct client client;
    struct client_flags flags;
    struct err err;
    const char *run_id;
    bool json;
};

int session_open(struct session *s) MUST_CHECK; /* pool and flags are set; s->err says what is wrong */
void session_close(struct session *s);

/* Says s->err; the exit code. */
int session_fail(const struct session *s);

void session_print_json(struct session *s, const json_t *value);

/* "RUN_ID status", and why when it ended badly. */
void session_print_word(struct session *s, const char *run_id, const json_t *status);

/*
 * A command about one run: reads its options (extra, at most 8, ended by a NULL name, and those of every
 * client), RUN_ID as an argument or behind --run-id, up to 3 further arguments, opens the session and
 * calls fn. The exit code.
 */
typedef int run_fn(struct session *s, void *arg);
int session_with_run(const char *usage, const struct option *extra, int extra_args, const char **ret_args,
                     int argc, char **argv, run_fn *fn, void *arg);

/* From now on SIGINT and SIGTERM end the program with 128 + their number, wherever it waits: a command
 * that only reads has nothing to put in order. A live line on stderr is cleared. */
void session_end_on_signals(void);

command_fn runs_submit, runs_list, runs_queue, runs_cancel, runs_pause, runs_resume, runs_events, runs_stats;

#endif
