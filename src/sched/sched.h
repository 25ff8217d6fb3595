/*
 * sched.h - from a submitted plan to a finished run: queue, executor slots, workers, projections.
 *
 * Owns every worker process. A run is durable in the store before sched_submit() returns; whatever
 * dies afterwards, it goes on from its last checkpoint or ends with a true reason. The files of
 * http-api.md section 13 are written here after each commit, from the store.
 * Threads: loop thread only. A call waits for the disk: at most for one store commit, or, where a
 * run with a screenshot ends, for that and final.png. Starting a worker adds the work on its
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

/* mantis-worker: beside this program, or in libexec. It may not be there. */
char *ready_worker_program(struct pool *pool);

/* Borrows everything. Sweeps leftovers, takes up the runs that were queued or under way. */
int sched_create(struct loop *loop, struct store *store, const struct settings *settings,
                 struct sched **out, struct err *err) MUST_CHECK;
/* Kills what still runs. Afterwards the store, which goes on telling it what happens, may only be closed.
 * NULL is fine. */
void sched_destroy(struct sched *sched);

/* Workers that are started from now on may call models through it. Borrowed; NULL: no more. */
struct gateway;
void sched_use_gateway(struct sched *sched, struct gateway *gateway);

/* Everything about one accepted request. Strings borrowed for the call. */
struct submission {
    struct run_key key; /* clean; sched does not make an id up */
    const char *profile_id, *workflow_id, *state_key; /* resolved, tenant-prefixed */
    const struct plan *plan;
    double max_cost;          /* USD, already the minimum of all caps */
    int max_time_minutes;     /* likewise */
    int max_concurrent_runs;  /* of the tenant */
    double max_cost_per_day;  /* USD, of the tenant; 0 none */
    const char *anthropic_secret_name; /* its own key's; NULL or "" none */
    bool anthropic_required;
    bool resume_state;        /* start from workflow_id's last checkpoint when its signature matches */
    const char *plane;        /* "browser_use_plane" or "computer_plane" */
    const char *brain;        /* brain spec, as the worker takes it */
    const char *model;        /* what `model` says of it; NULL: the spec up to its colon */
    const char *model_tag;    /* MANTIS_MODEL_TAG or the adapter's; NULL or "" none */
    const char *variant;      /* of a split (docs/promotion.md): "baseline" or "candidate"; NULL or "" none */
    const json_t *payload;    /* request echo, secrets removed */
    const json_t *warnings;   /* beside the plan's own: strings the caller is told; NULL none */
    const json_t *user_input; /* answers the run's first question; kept in memory only. NULL none */
    const json_t *options;    /* object for the worker: extraction_schema, nav_wait_s, ... or NULL */
    bool live_viewer;         /* its status says where to watch it */
    const json_t *cache;      /* {"key","read","write","ttl_s"} of agent-loop.md 14.6, or NULL */
    const char *mode;         /* "detached" or "sync" */
    const char *const *allowed_domains; /* of the tenant; the runner checks them again. Empty: any */
    const char *webhook_url, *webhook_secret_name; /* "" none */
    const char *const *webhook_events;             /* status words; empty: every terminal one */
    const char *traceparent;          /* of the caller; goes with its webhook. NULL none */
    const char *key_hash, *body_hash; /* idempotency, see store.h; NULL none */
};

/*
 * Queue it. Submissions of one turn of the loop are stored in one commit; fn is called from the loop
 * after it, with 0 when the run is on disk, E_CONFLICT (profile busy: the message names the holder;
 * run_id exists; the idempotency key was taken by a twin: look it up again), E_RATE_LIMITED (over
 * max_concurrent_runs), E_UNAVAILABLE. Returns a handle for sched_submit_forget(): the run stays
 * accepted, fn is not called.
 */
typedef void sched_submit_fn(void *arg, int result, const struct err *err);
struct sched_submit;
struct sched_submit *sched_submit(struct sched *sched, const struct submission *sub, sched_submit_fn *fn,
                                  void *arg);
void sched_submit_forget(struct sched_submit *submit); /* NULL is fine */

/* The handle of http-api.md section 4.5 of a run just submitted, as JSON text; also what an idempotent
 * replay answers. In pool. */
int sched_handle(struct sched *sched, struct pool *pool, struct run_key key, const char **ret_text,
                 struct err *err) MUST_CHECK;

/* What a run is told that was to go on from a checkpoint of this workflow and found none. In pool. */
const char *sched_no_checkpoint(struct pool *pool, const char *workflow_id);

/* Live runs of a tenant (queued, running, recovering, paused) and submissions on their way. */
int sched_live_runs(const struct sched *sched, const char *tenant);

/* action=cancel: a terminal run stays as it is (0). The worker is told, and killed after 2 s. */
int sched_cancel(struct sched *sched, struct run_key key, const char *reason, struct err *err) MUST_CHECK;

/* action=pause: E_INVALID unless queued, running or recovering. The worker stops before its next step
 * and keeps its browser; a queued run just waits. A paused run goes on only by sched_resume(). */
int sched_pause(struct sched *sched, struct run_key key, const char *reason, struct err *err) MUST_CHECK;

/* action=resume: user_input NULL when not given. E_INVALID: not paused, or a pause that asked for input
 * got none; E_CONFLICT: an earlier worker is still ending, or the profile was taken.
 * *ret_resumed_us: when. */
int sched_resume(struct sched *sched, struct run_key key, const json_t *user_input, int64_t *ret_resumed_us,
                 struct err *err) MUST_CHECK;

/* The status document of http-api.md section 10, in pool. E_NOT_FOUND. */
int sched_status(struct sched *sched, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err) MUST_CHECK;

/* The same and the phase document of section 9 as JSON text, from memory while nothing changes: what
 * pollers ask for. Valid until the loop's next turn. */
int sched_status_text(struct sched *sched, struct run_key key, const char **ret_text, size_t *ret_len,
                      struct err *err) MUST_CHECK;
int sched_phase_text(struct sched *sched, struct run_key key, const char **ret_text, size_t *ret_len,
                     struct err *err) MUST_CHECK;

/* status document plus "result" and "result_ready". */
int sched_result(struct sched *sched, struct pool *pool, struct run_key key, json_t **out,
                 struct err *err) MUST_CHECK;

/*
 * What was done so far, step after step: {"run_id", "status", "terminal", "n_steps", "rows", "cost_usd", "plan": [{"type",
 * "intent", "section"}], "steps": [...], "next_after"}; steps are those behind the first `after`, at most
 * CAP_STEPS_LISTED. In pool.
 */
int sched_steps(struct sched *sched, struct pool *pool, struct run_key key, int64_t after, json_t **out,
                struct err *err) MUST_CHECK;

/* A PNG of the screen that a step left behind, open for reading; the caller closes *ret_fd. E_NOT_FOUND. */
int sched_screenshot(struct sched *sched, struct pool *pool, struct run_key key, const char *name, int *ret_fd,
                     struct err *err) MUST_CHECK;

/* {"run_id","events":[last tail lines of events.log as strings]} */
int sched_logs(struct sched *sched, struct pool *pool, struct run_key key, int tail, json_t **out,
               struct err *err) MUST_CHECK;

/* GET /v1/queue (section 9), with the places of this tenant's waiting runs: in pool. */
int sched_queue(struct sched *sched, struct pool *pool, const char *tenant, json_t **out,
                struct err *err) MUST_CHECK;

/*
 * Events of a run as they are stored. A cursor is "<ts>#<seq>"; "<ts>" alone (the older form) and "" are
 * taken too; one from the future is the newest event's. E_UNPROCESSABLE: neither.
 */
int sched_cursor_parse(struct sched *sched, struct run_key key, const char *cursor, int64_t *ret_seq,
                       struct err *err) MUST_CHECK;

/* One event as a stream sends it. Borrowed: valid until the loop's next turn. */
struct sched_event {
    int64_t seq;
    const char *cursor; /* "<ts>#<seq>" */
    const char *name;   /* kind, else type, else message: the SSE event name; no line break */
    const char *json;   /* one line */
};
/* Events after seq, at most limit (0 <= *ret_n). From memory for the newest ones of runs that are being
 * watched. */
int sched_events_after(struct sched *sched, struct run_key key, int64_t seq, struct sched_event *out,
                       int limit, int *ret_n, struct err *err) MUST_CHECK;

/* fn(arg) from the loop after events were stored or the state changed; many commits may be one call.
 * NULL when the run is unknown. The run's state and last_seq are what sched_peek() says. fn may follow
 * and unfollow, but not destroy the scheduler. */
typedef void sched_watch_fn(void *arg);
struct sched_follow;
struct sched_follow *sched_follow(struct sched *sched, struct run_key key, sched_watch_fn *fn, void *arg);
void sched_unfollow(struct sched_follow *follow); /* NULL is fine */

struct sched_peek {
    enum run_state state;
    bool over;         /* terminal and its result is stored */
    int64_t last_seq;
    const char *halt_class; /* NULL none; until the loop's next turn */
};
int sched_peek(struct sched *sched, struct run_key key, struct sched_peek *out, struct err *err) MUST_CHECK;

/* The screencast of a run, open for reading; the caller closes *ret_fd: polished, else raw; raw: only that. It may
 * still be growing. *ret_format "mp4", "webm", "gif". E_NOT_FOUND: there is none. */
int sched_video(struct sched *sched, struct pool *pool, struct run_key key, bool raw, int *ret_fd,
                const char **ret_mime, const char **ret_format, struct err *err) MUST_CHECK;
/* "chapters" or "captions" of the same screencast, as WebVTT. E_INVALID: another name; E_NOT_FOUND. */
int sched_video_track(struct sched *sched, struct pool *pool, struct run_key key, bool raw, const char *track,
                      int *ret_fd, struct err *err) MUST_CHECK;

/* An artifact that exists, open for reading; the caller closes *ret_fd: leads.csv, extracted_rows.csv,
 * extracted_rows.json, result.json, final.png, and what the run lists, pictures of rows and downloads
 * among it. E_NOT_FOUND for others. */
int sched_artifact(struct sched *sched, struct pool *pool, struct run_key key, const char *name,
                   int *ret_fd, const char **ret_mime, struct err *err) MUST_CHECK;

/* Keep runs off a profile (its directory's name) while somebody works on its files. E_CONFLICT: a live run
 * has it, by name, or somebody else holds it. A run that asks for it meanwhile is refused likewise. */
struct sched_hold;
int sched_profile_hold(struct sched *sched, const char *tenant, const char *profile,
                       struct sched_hold **out, struct err *err) MUST_CHECK;
void sched_profile_release(struct sched_hold *hold); /* NULL is fine */
/* Profiles of live runs: [{"tenant","profile","run_id","status"}], in pool. */
int sched_profiles_in_use(struct sched *sched, struct pool *pool, json_t **out, struct err *err) MUST_CHECK;

/* Call fn(arg) once when the run is over (at once, from the loop, if it is). For detached:false.
 * Returns a handle for sched_unwatch(); NULL when the run is unknown. */
struct sched_watch;
struct sched_watch *sched_watch(struct sched *sched, struct run_key key, sched_watch_fn *fn, void *arg);
void sched_unwatch(struct sched_watch *watch);

/* False with a reason when no run could be carried out now: no browser, no usable sandbox, ... */
bool sched_ready(struct sched *sched, const char **ret_reason);

/* Stop starting runs; running ones are told to checkpoint and end, to be taken up at the next start.
 * fn(arg) when no worker is left, at the latest after 10 s. */
void sched_drain(struct sched *sched, sched_watch_fn *fn, void *arg);

#endif
