/*
 * batch.h - tasks as runs of Mantis deployments, as many at once as these take (promotion.md sections 6.2, 8.1).
 *
 * A run's way: its practice site is reset, it is submitted detached, looked at as often as the server advises, its
 * result is fetched, and the site's oracle is asked. All of it is exchanges on one loop, so thousands
 * cost no thread. What a deployment refuses for a while (429, 503 with Retry-After) is sent again when it said, and
 * teaches how many runs it takes at once.
 */
#ifndef MANTIS_CMD_BATCH_H
#define MANTIS_CMD_BATCH_H

#include "cmd/client.h"
#include "cmd/practice.h"
#include "gate/report.h"

/* A deployment. */
struct batch_arm {
    const char *name;  /* "champion"; "" when there is no other */
    const char *label; /* profiles and workflows are <label>-<task>-<tag> */
    const char *lora_adapter, *challenger_model, *cua_model; /* asked for in each run; "" none */
    struct client client;
    /* batch.c */
    int limit, running, ended; /* ended: runs since the limit was last changed */
    int64_t not_before_ms;
    int64_t refused_ms; /* since when it takes no run though none is under way; 0: it does */
};

/* What each run may take; 0: what its task says. */
struct batch_caps {
    double max_cost;
    int max_steps, max_minutes;
    int poll_s; /* looked at for so long, then it is given up */
    bool no_proxy;
};

struct batch_run {
    struct batch_arm *arm;
    const struct gate_task *task;
    int repeat;
    int64_t seed;       /* of its site */
    const char *run_id; /* "" not submitted; one that was before is followed from there */
    struct task_result result; /* once it is done; an error in its outcome: the run was not carried out */
    bool done;
    struct batch_work *work; /* batch_work.c: while it is under way */
};

struct batch {
    struct pool *pool; /* results live here */
    struct loop *loop;
    struct practice *practice;
    struct batch_caps caps;
    const char *tag; /* of this invocation: makes profiles fresh */
    int max_parallel;
    struct batch_run *runs; /* started in this order */
    size_t n;
    void (*on_submitted)(void *arg, const struct batch_run *run); /* NULL, or told at once */
    void (*on_done)(void *arg, const struct batch_run *run);
    void *arg;
    /* batch.c */
    size_t n_done;
    int running;
    int cancels; /* under way */
    struct loop_timer timer;
};

/* Until every run is done: those that are done already are left alone. E_CANCELLED after loop_interrupt(): runs that are
 * under way are told to end first. */
int batch_carry_out(struct batch *batch, struct err *err) MUST_CHECK;

/* How a run is submitted: below client.base. env_url replaces {env_url} and {{ENV_URL}}; "" none. In pool. */
const char *batch_route(const struct gate_task *task);
json_t *batch_body(struct pool *pool, const struct batch *batch, const struct batch_run *run, const char *env_url);

/* The practice site of a task ("crm" for metadata.env "mantis_crm"); "" none. */
const char *batch_site_name(const struct gate_task *task);

#endif
