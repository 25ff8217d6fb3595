/*
 * evaluation.h - what `eval run` and `gate run` share: deployments that are asked who they are, a batch of
 * runs, how far it is, and the report that comes of it.
 */
#ifndef MANTIS_CMD_EVALUATION_H
#define MANTIS_CMD_EVALUATION_H

#include "cmd/batch.h"
#include "cmd/table.h"

#define EXIT_NO_ANSWER   3 /* nothing can be said of the model */
#define EXIT_INTERRUPTED 130

/* What both take on the command line. */
struct evaluation_flags {
    struct client_flags client; /* endpoint and token are each arm's own */
    struct option_list sites;
    const char *site_host;
    int max_parallel, poll_s, max_steps, max_minutes, repeats, seed;
    double max_cost;
};
#define EVALUATION_NO_SEED -1
#define EVALUATION_FLAGS_DEFAULT                                                                                \
    {                                                                                                           \
        .client = CLIENT_FLAGS_DEFAULT, .max_parallel = 4, .poll_s = 900, .repeats = 1, .seed = EVALUATION_NO_SEED \
    }
#define EVALUATION_OPTIONS(f)                                                                                   \
    {"--max-parallel", NULL, OPTION_INT, &(f)->max_parallel, "N", "runs at once, if the server takes them [4]"}, \
        {"--poll-seconds", NULL, OPTION_INT, &(f)->poll_s, "S", "a run that takes longer is given up [900]"},    \
        {"--max-cost", NULL, OPTION_NUMBER, &(f)->max_cost, "USD", "of one run"},                                \
        {"--max-steps", NULL, OPTION_INT, &(f)->max_steps, "N", "of one run"},                                   \
        {"--max-time-minutes", NULL, OPTION_INT, &(f)->max_minutes, "N", "of one run"},                          \
        {"--repeats", NULL, OPTION_INT, &(f)->repeats, "N", "runs of each task, each with the next seed [1]"},   \
        {"--seed", NULL, OPTION_INT, &(f)->seed, "N", "of the practice sites [the task's]"},                     \
        {"--site", NULL, OPTION_LIST, &(f)->sites, "NAME=URL", "a practice site that runs already [our own]"},   \
        {"--site-host", NULL, OPTION_STRING, &(f)->site_host, "ADDR", "where our own listen [127.0.0.1]"}

struct evaluation {
    struct pool *pool;
    struct loop *loop;
    struct practice practice;
    struct batch batch;
    struct progress_line line;
    struct loop_timer tick; /* the bar is drawn anew */
    char tag[9];
    double started_at;
    int64_t started_ms;
    int passed, errors, done;
    size_t resumed; /* runs that were done before */
    struct err err;
};

/* E_INVALID says which flag is wrong. SIGINT and SIGTERM end a batch from now on. */
int evaluation_open(struct evaluation *e, const struct evaluation_flags *flags) MUST_CHECK;
void evaluation_close(struct evaluation *e);

/* The deployment at endpoint: *ret_model is what it says it serves ("holo3 tag"; "" when it does not say), with what
 * the arm asks for in each run behind it. E_UNAVAILABLE and the like: nobody answers there. */
int evaluation_arm(struct evaluation *e, const struct evaluation_flags *flags, const char *endpoint, const char *token,
                   struct batch_arm *arm, const char **ret_model) MUST_CHECK;

/* The runs of all tasks, arms in turn. */
void evaluation_plan(struct evaluation *e, const struct evaluation_flags *flags, const struct task_file *tasks,
                     struct batch_arm *const *arms, size_t n_arms);

/* Of batch.on_done: a line per run, and on a terminal how far it is and how long it may take. */
void evaluation_tell(struct evaluation *e, const struct batch_run *run);
int evaluation_carry_out(struct evaluation *e) MUST_CHECK;

/* What an arm's runs came to. about: {model, runner, holdout?, seed?, repeats}, in pool. */
struct report evaluation_report(struct evaluation *e, const struct batch_arm *arm, const char *name, const json_t *about);
json_t *evaluation_about(struct evaluation *e, const struct evaluation_flags *flags, const struct batch_arm *arm,
                         const char *model, const json_t *tasks_document);

/* PATH with another ending: "out/report.json" and ".html" give "out/report.html". */
char *evaluation_beside(struct pool *pool, const char *path, const char *ending);
/* Makes the directories above it; E_INVALID when it is a directory itself. */
int evaluation_target(struct evaluation *e, const char *path) MUST_CHECK;
int evaluation_write(struct evaluation *e, const char *path, const char *text) MUST_CHECK;

#endif
