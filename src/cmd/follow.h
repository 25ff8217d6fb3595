/*
 * follow.h - watching a run until it ends: a line per finished step, a live line on a terminal.
 */
#ifndef MANTIS_CMD_FOLLOW_H
#define MANTIS_CMD_FOLLOW_H

#include <stdio.h>

#include "cmd/client.h"

enum follow_lines {
    FOLLOW_STEPS, /* a line per finished step */
    FOLLOW_ALL,   /* those, and every other line of the log */
    FOLLOW_RAW,   /* the log as it is */
    FOLLOW_QUIET, /* the live line only */
};

struct follow {
    struct client *client;
    const char *run_id;
    enum follow_lines lines;
    FILE *out;          /* where lines go; the live line and remarks go to stderr */
    int tail;           /* of what happened before, and log lines asked for at once */
    double interval_s;  /* between looks; 0: follow the event stream, or what the server advises */
    bool stop_on_pause;
    bool panel;         /* the live line is a few: a bar, the step, the last events; and what the run asks can
                           be answered there, when typing_possible() */
    bool say_status;    /* "status=... updated_at=..." on stderr at each change */
    int n_steps;        /* of the plan; 0 unknown */
};

/*
 * Until the run is terminal, or paused with stop_on_pause. The events come from the run's stream; with
 * FOLLOW_RAW, an interval, or a server that has none, from its log, looked at again and again. A server
 * that is away for less than a minute is waited for. *ret_status is the last status document, in pool;
 * on error too, and untouched when there was none. E_CANCELLED after
 * loop_interrupt().
 */
int follow_run(const struct follow *follow, struct pool *pool, json_t **ret_status, struct err *err) MUST_CHECK;

/* "[3] click           ok     0.41s  ..." of a step_end event's detail, cut to width cells. */
char *follow_step_line(struct pool *pool, const json_t *detail, int width);

/* A log line for people: that of a finished step, else when and what; text that is no event as it is. */
char *follow_log_line(struct pool *pool, const char *raw, int width);

/* A line for each of the first steps of a result that failed, which and why; "" none. In pool. */
char *follow_failed_steps(struct pool *pool, const json_t *result);

/* May --interval be that many seconds? 0: it was not given. */
bool follow_interval_ok(double interval_s);

/* Is this status document final, and did the run succeed? */
bool follow_is_terminal(const json_t *status);
bool follow_succeeded(const json_t *status);

/* Why a run did not succeed, from its status document; "" when it says nothing. */
char *follow_reason(struct pool *pool, const json_t *status);

#endif
