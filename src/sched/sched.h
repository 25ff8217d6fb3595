/*
 * sched.h - from a submitted plan to a finished run: queue, executor slots, workers, projections.
 *
 * Owns every worker process. A run is durable in the store before sched_submit() returns; whatever
 * dies afterwards, it goes on from its last checkpoint or ends with a true reason. The files of
 * http-api.md section 13 are written here after each commit, from the store.
 * Threads: loop thread only. A call waits for the disk: at most for one store commit, or, where a
 * run ends, for that and two files (result.json, final.png). Starting a worker adds the work on its
 * directories, which grows with the number of files in them.
 */
#ifndef MANTIS_SCHED_SCHED_H
#define MANTIS_SCHED_SCHED_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "core/plan.h"
#include "store/store.h"
#include "sys/loop.h"
#include "sys/settings.h"

struct sched;

/* Borrows everything. Sweeps leftovers, takes up the runs that were queued or under way. */
int sched_create(struct loop *loop, struct store *store, const struct settings *settings,
                 struct sched **out, struct err *err) MUST_CHECK;
void sched_destroy(struct sched *sched); /* kills what still runs; NULL is fine */

/* Everything about one accepted request. Strings borrowed for the call. */
struct submission {
    const char *run_id; /* clean; sched does not make one up */
    const char *tenant_id, *profile_id, *workflow_id, *state_key; /* resolved, tenant-prefixed */
    const struct plan *plan;
    double max_cost;          /* USD, already the minimum of all caps */
    int max_time_minutes;     /* likewise */
    bool resume_state;        /* start from workflow_id's last checkpoint when its signature matches */
    const char *plane;        /* "browser_use_plane" or "computer_plane" */
    const char *brain;        /* brain spec */
    const json_t *payload;    /* request echo, secrets removed */
    const json_t *options;    /* object for the worker: extraction_schema, nav_wait_s, ... or NULL */
    const char *mode;         /* "detached" or "sync" */
};

/* Queue it. E_CONFLICT: the profile is busy (message names the holder's run id) or run_id exists. */
int sched_submit(struct sched *sched, const struct submission *sub, struct err *err) MUST_CHECK;

/* action=cancel: a terminal run stays as it is (0). The worker is told, and killed after 2 s. */
int sched_cancel(struct sched *sched, const char *tenant, const char *run_id, const char *reason,
                 struct err *err) MUST_CHECK;

/* The status document of http-api.md section 10 (also the handle of 4.5), in pool. E_NOT_FOUND. */
int sched_status(struct sched *sched, struct pool *pool, const char *tenant, const char *run_id,
                 json_t **out, struct err *err) MUST_CHECK;

/* The phase document of http-api.md section 9. */
int sched_phase(struct sched *sched, struct pool *pool, const char *tenant, const char *run_id,
                json_t **out, struct err *err) MUST_CHECK;

/* status document plus "result" and "result_ready". */
int sched_result(struct sched *sched, struct pool *pool, const char *tenant, const char *run_id,
                 json_t **out, struct err *err) MUST_CHECK;

/* {"run_id","events":[last tail lines of events.log as strings]} */
int sched_logs(struct sched *sched, struct pool *pool, const char *tenant, const char *run_id, int tail,
               json_t **out, struct err *err) MUST_CHECK;

/* Absolute path of an artifact that exists: leads.csv, extracted_rows.csv, extracted_rows.json,
 * result.json, final.png, and what the run lists. E_NOT_FOUND for others. */
int sched_artifact(struct sched *sched, struct pool *pool, const char *tenant, const char *run_id,
                   const char *name, char **ret_path, const char **ret_mime, struct err *err) MUST_CHECK;

/* Call fn(arg) once when the run becomes terminal (at once, from the loop, if it is). For
 * detached:false. Returns a handle for sched_unwatch(); NULL when the run is unknown. */
typedef void sched_watch_fn(void *arg);
struct sched_watch;
struct sched_watch *sched_watch(struct sched *sched, const char *tenant, const char *run_id,
                                sched_watch_fn *fn, void *arg);
void sched_unwatch(struct sched_watch *watch);

/* False with a reason when no run could be carried out now: no browser, no usable sandbox, ... */
bool sched_ready(struct sched *sched, const char **ret_reason);

/* Stop starting runs; running ones are told to checkpoint and end, to be taken up at the next start.
 * fn(arg) when no worker is left, at the latest after 10 s. */
void sched_drain(struct sched *sched, sched_watch_fn *fn, void *arg);

#endif
