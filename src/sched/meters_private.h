/*
 * meters_private.h - what the files of the meters share.
 *   meters.c   the families, what src/api says, printing     meters_runs.c   what the store's notes say
 *   process.c  what the kernel says of this process
 */
#ifndef MANTIS_SCHED_METERS_PRIVATE_H
#define MANTIS_SCHED_METERS_PRIVATE_H

#include "base/metric.h"
#include "sched/meters.h"

enum meter {
    METER_PREDICT_REQUESTS,
    METER_CHAT_COMPLETIONS,
    METER_RUN_DURATION,
    METER_RUN_COST,
    METER_RUN_COST_INFLIGHT,
    METER_CONCURRENT_RUNS,
    METER_QUEUE_DEPTH,
    METER_REJECTIONS,
    METER_PROMPT_VERSION,
    METER_ACTIONS,
    METER_BRAIN_ESCALATIONS,
    METER_LOOP_TERMINATIONS,
    METER_PLAN_BRANCHES,
    METER_STEP_LATENCY,
    METER_GROUNDING_HITS,
    METER_GROUNDING_MISSES,
    METER_GROUNDING_EVICTIONS,
    METER_GROUNDING_SIZE,
    METER_GROUNDING_CALLS,
    METER_GROUNDING_DISTANCE,
    METER_WEBHOOK_DELIVERIES,
    METER_WEBHOOK_PENDING,
    METER_EVENT_STREAMS,
    METER_KEYS_LOAD_ERRORS,
    METER_MODEL_SERVER_UP,
    METER_SELFTEST,
    METER_SELFTEST_ERROR,
    METER_MODEL_INFO,
    METER_SHADOW_RUNS,
    METER_SHADOW_STEPS,
    METER_BUILD_INFO,
    METER_PROCESS_RESIDENT,
    METER_PROCESS_OPEN_FDS,
    METER_PROCESS_START,
    METER_PROCESS_CPU,
    METER_N,
};

/* A run that ended or paused: its record is read in a turn of its own, because a note is told in the
 * middle of a commit. */
struct meters_story {
    struct meters_story *next;
    char *tenant, *run_id;
    bool paused;
};

/* What a live run has cost so far; only of runs that cost something. */
struct meters_bill {
    struct meters_bill *next;
    char *tenant, *run_id;
    double gpu, claude, proxy, total; /* USD */
};

struct meters {
    struct loop *loop;
    struct store *store;
    struct tenants *tenants;
    struct metrics *registry;
    struct metric *of[METER_N];
    struct meters_story *stories, **last_story;
    struct loop_timer tell_timer;
    struct meters_bill *bills;
};

/* --- meters_runs.c --- */
int meters_watch_runs(struct meters *m, struct err *err) MUST_CHECK; /* listen, count what is live */
void meters_forget_runs(struct meters *m);
void meters_sum_bills(struct meters *m); /* into the gauge */

/* --- process.c --- */
void meters_read_process(struct meters *m);

#endif
