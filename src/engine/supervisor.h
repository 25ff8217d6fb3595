/*
 * supervisor.h - when a model server is started, believed, given time, and given up (serving.md section
 * 1.4): a table of states and events. What it does to the world it does through its ops, so tests bring
 * a world of their own; src/engine/engine.c brings the real one.
 *
 * A server is ready once /health says so, one token came and, the first time, it was tested and not refused: one
 * that is refused is ended and given up. A server of ours that dies before it was
 * ever ready, or is not ready in time, is given up at once: it will not do better the next time. One that
 * dies later is started again after 1, 2, 4 ... 60 s, and given up after 5 failures in 10 minutes.
 * A server that was not started here is waited for as long as it takes.
 * Threads: the loop's.
 */
#ifndef MANTIS_ENGINE_SUPERVISOR_H
#define MANTIS_ENGINE_SUPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "sys/loop.h"

#define SUPERVISOR_FAILURES      5      /* so many ... */
#define SUPERVISOR_WINDOW_MS     600000 /* ... within so long, and it is given up */
#define SUPERVISOR_BACK_OFF_MS   60000  /* the longest */
#define SUPERVISOR_ASK_MS        500    /* between two questions while it starts */
#define SUPERVISOR_LOOK_MS       2000   /* and while it is ready, or refused to give a token */
#define SUPERVISOR_STRIKES       2      /* unanswered questions in a row that end being ready */
#define SUPERVISOR_GRACE_MS      5000   /* from SIGTERM to SIGKILL */

enum supervisor_state {
    SUPERVISOR_STOPPED,
    SUPERVISOR_STARTING, /* /health is asked */
    SUPERVISOR_PROBING,  /* one token is asked for */
    SUPERVISOR_TESTING, /* it is looked at whether it clicks where it means to */
    SUPERVISOR_READY,
    SUPERVISOR_BACKING_OFF,
    SUPERVISOR_GIVEN_UP,
    SUPERVISOR_DRAINING, /* told to end, not yet gone */
    SUPERVISOR_N_STATES,
};

enum supervisor_event {
    SUPERVISOR_START,
    SUPERVISOR_HEALTHY,
    SUPERVISOR_UNHEALTHY,
    SUPERVISOR_TOKEN,
    SUPERVISOR_NO_TOKEN,
    SUPERVISOR_PASSED,  /* the test is over: it may be ready */
    SUPERVISOR_REFUSED, /* likewise: it may not */
    SUPERVISOR_EXITED, /* the process is gone */
    SUPERVISOR_TICK,   /* what was waited for in this state is due */
    SUPERVISOR_LATE,   /* the time for a start is over */
    SUPERVISOR_STOP,
    SUPERVISOR_N_EVENTS,
};

enum supervisor_question { SUPERVISOR_ASK_HEALTH, SUPERVISOR_ASK_TOKEN };

struct supervisor_ops {
    /* Starts the process. NULL: the server is not ours, and is neither started nor ended. */
    int (*launch)(void *arg, struct err *err);
    void (*signal)(void *arg, int signo); /* to the process and all it started; NULL like launch */
    /* The answer comes as HEALTHY or UNHEALTHY, TOKEN or NO_TOKEN, later and once; a question that is
     * under way is dropped. */
    void (*ask)(void *arg, enum supervisor_question question);
    /* Comes as PASSED or REFUSED, later and once, in bounded time: no clock runs here meanwhile. NULL:
     * nothing is tested. Once, before it is ready for the first time. */
    void (*test)(void *arg);
    void (*hush)(void *arg); /* drop the question or test that is under way, if any */
    void (*changed)(void *arg); /* the state is another one; may be NULL. Must not free the supervisor */
};

struct supervisor {
    struct loop *loop;
    const struct supervisor_ops *ops;
    void *arg;
    int64_t start_timeout_ms;
    enum supervisor_state state;
    int64_t since_mono_ms; /* of the state */
    bool was_ready;        /* ever */
    int failures;          /* all of them */
    char why[ERR_MSG_MAX]; /* what happened last that is not well; "" nothing */
    /* its own */
    struct loop_timer tick, deadline;
    int64_t failed_at_mono_ms[SUPERVISOR_FAILURES]; /* the last ones, oldest first; n_failed of them */
    int n_failed;
    int in_a_row; /* failures since it was last ready for SUPERVISOR_WINDOW_MS */
    int strikes;
    bool condemned; /* we end it: its end is no news */
};

/* Borrows loop and ops; stopped at first. */
void supervisor_init(struct supervisor *s, struct loop *loop, const struct supervisor_ops *ops, void *arg,
                     int64_t start_timeout_ms);
/* No timer fires any more and no op is called. */
void supervisor_release(struct supervisor *s);

/* What happened. why: complete in itself, good until it returns; NULL nothing to say. */
void supervisor_event(struct supervisor *s, enum supervisor_event event, const char *why);

/* Milliseconds until it is started again; 0 unless backing off. */
int64_t supervisor_pause_ms(const struct supervisor *s);

const char *supervisor_state_name(enum supervisor_state state); /* "backing_off" */

#endif
