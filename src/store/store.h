/*
 * store.h - the only truth: runs, their one event stream, checkpoints and journal.
 *
 * Kinds: "sqlite" (a file, WAL, synchronous=FULL: what returned 0 is on disk), "memory" (tests).
 * Everything of a run is named by its tenant too; another tenant's run is E_NOT_FOUND.
 * Beside it: keys.h (idempotency), outbox.h (webhooks), recipes.h, upkeep.h (backup, check, vacuum,
 * age), on the same struct store.
 * Threads: loop thread only. Blocks for one disk commit at most.
 */
#ifndef MANTIS_STORE_STORE_H
#define MANTIS_STORE_STORE_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "core/run.h"

struct store;

/* path: database file of sqlite, ignored by memory. Creates or migrates the schema. E_IO names it;
 * E_CONFLICT: another process has it open. A full disk is E_IO with sys_errno ENOSPC; the change did not
 * happen and the store stays usable. */
int store_open(const char *kind, const char *path, struct store **out, struct err *err) MUST_CHECK;
void store_close(struct store *store); /* NULL is fine */
const char *const *store_kinds(void);  /* NULL-terminated */

enum run_parts { /* what store_run_get() loads; the row itself always */
    RUN_PART_PLAN = 1 << 0,
    RUN_PART_CHECKPOINT = 1 << 1,
    RUN_PART_RESULT = 1 << 2,
};

/* One run. Strings and JSON live in the pool of the call; NULL when not set or not asked for. */
struct run_record {
    const char *run_id, *tenant_id, *profile_id, *workflow_id, *state_key;
    const char *plan_signature;
    enum run_state state;
    int64_t created_us, updated_us; /* wall clock; updated also moves with every event */
    int64_t started_us, finished_us; /* 0 not yet */
    int64_t last_seq;          /* of its newest event */
    int attempts;              /* workers started */
    int attempts_no_progress;  /* in a row since the last checkpoint */
    double cost_usd;           /* so far, as its last checkpoint or its result says; given to create: before it began */
    const json_t *doc;         /* further status fields: model, payload, max_steps, error, halt_reason,
                                  halt_class, terminal_status, summary, prompt, paused_at ... */
    const json_t *settings;    /* what the worker gets besides the plan: caps, plane, options, webhook */
    const json_t *plan;        /* plan_to_json() */
    const json_t *checkpoint;  /* core/result.h, NULL before the first; given to create, whole: resume_state */
    bool has_result;           /* it is stored: the run is over for everybody */
    const json_t *result;      /* result envelope once terminal */
};

/* The tenant and id of a record that was read. */
#define RUN_KEY_OF(rec) RUN_KEY((rec)->tenant_id, (rec)->run_id)

/*
 * One new run of a group. The idempotency key, when there is one, is taken in the same commit: it is
 * never there without the run, nor the run without it.
 */
struct store_creation {
    const struct run_record *run;
    const char *key_hash;   /* hex SHA-256 of the Idempotency-Key; NULL none */
    const char *body_hash;  /* hex SHA-256 of the request body; with key_hash */
    const json_t *events;   /* after the first; NULL none */
    const char *reply;      /* JSON text a replay answers; NULL: the run's result is the answer */
    int result;             /* out: 0, or E_CONFLICT: the id exists; the profile has a live run (one
                               per tenant and profile; the message names it); the key was taken */
    struct err err;         /* out */
};

/* Insert runs in state queued, each with its first event. One commit for all, durable on return; one
 * that is refused does not hold up the others. Non-zero: nothing happened to any of them. */
int store_run_create(struct store *store, struct store_creation *list, size_t n, struct err *err) MUST_CHECK;

/* E_NOT_FOUND also for another tenant's run. Served from memory for runs that were touched lately. */
int store_run_get(struct store *store, struct pool *pool, struct run_key key, unsigned parts,
                  struct run_record *out, struct err *err) MUST_CHECK;

/* Runs in one of the states (bit 1 << enum run_state), oldest first; tenant NULL: all. */
int store_run_list(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                   struct run_record **ret_runs, int *ret_n, struct err *err) MUST_CHECK;

/* What the runs of a tenant that were created since then have cost, in USD, and what was paid without a run on the days
 * (UTC) that began since then. */
int store_cost_since(struct store *store, const char *tenant, int64_t since_us, double *ret_usd,
                     struct err *err) MUST_CHECK;

/* The tenant has paid usd on the day of at_us, for no run. */
int store_cost_add(struct store *store, const char *tenant, int64_t at_us, double usd, struct err *err) MUST_CHECK;

/* Where a page of a tenant's runs begins: behind the run created then, with that id. */
struct store_place {
    int64_t created_us; /* INT64_MAX: at the newest */
    const char *run_id; /* "": behind every run of that time */
};

/* Runs of a tenant in one of the states, newest first, at most limit, by created_us and run_id. text: found,
 * whatever its case, in their run, workflow or profile id, or in what their request calls the plan
 * (plan_name, micro, instruction); "" any. With a text every run of the tenant may be looked at. */
int store_run_page(struct store *store, struct pool *pool, const char *tenant, unsigned state_mask,
                   const char *text, struct store_place behind, int limit, struct run_record **ret_runs,
                   int *ret_n, struct err *err) MUST_CHECK;

/* The runs of a tenant that were created on one day (UTC), and what was paid that day for no run. */
struct store_day {
    int64_t day_us; /* its midnight, wall clock */
    int64_t runs;
    int64_t succeeded, ended_badly; /* what is left of runs: not over, or cancelled */
    double cost_usd;                /* so far */
};

/* Days with runs from the one of since_us on, oldest first, at most max. */
int store_days(struct store *store, const char *tenant, int64_t since_us, struct store_day *days, int max,
               int *ret_n, struct err *err) MUST_CHECK;

/*
 * The one door a run's state goes through. Checks core/run.h's table: E_CONFLICT when the change is
 * not allowed (a terminal state never changes). doc_patch's keys are set in doc (null deletes);
 * result is kept when given; events (array, may be NULL) are appended: all in one commit.
 * Entering running sets started_us once, a terminal state sets finished_us and frees the profile.
 */
int store_run_set_state(struct store *store, struct run_key key, enum run_state to,
                        const json_t *doc_patch, const json_t *result, const json_t *events,
                        struct err *err) MUST_CHECK;

/* A step is done: new checkpoint and its events in one commit; attempts_no_progress becomes 0.
 * checkpoint, here and below, may be a part (core/delta.h) that follows on the one which is kept: it costs
 * what is new in it. Reading gives the whole. Refused with E_CONFLICT once the run is terminal, with
 * E_INVALID when fewer step results are kept than the part stands behind. */
int store_run_checkpoint(struct store *store, struct run_key key, const json_t *checkpoint,
                         const json_t *events, struct err *err) MUST_CHECK;

struct store_delivery; /* outbox.h */

/*
 * The end of a run in one commit: store_run_set_state() plus its last checkpoint, and the webhook that
 * tells about it. checkpoint and webhook may be NULL. E_CONFLICT when somebody else ended it first;
 * then store_run_result() still takes the rows.
 */
int store_run_end(struct store *store, struct run_key key, enum run_state to, const json_t *doc_patch,
                  const json_t *checkpoint, const json_t *result, const json_t *events,
                  const struct store_delivery *webhook, struct err *err) MUST_CHECK;

/* The result of a run that became terminal before its rows were known (cancel). E_CONFLICT when it
 * has one already or is not terminal. */
int store_run_result(struct store *store, struct run_key key, const json_t *doc_patch,
                     const json_t *checkpoint, const json_t *result, const json_t *events,
                     const struct store_delivery *webhook, struct err *err) MUST_CHECK;

/* Terminal runs that store_run_result() still has to be called for, oldest first. */
int store_run_unsettled(struct store *store, struct pool *pool, struct run_record **ret_runs, int *ret_n,
                        struct err *err) MUST_CHECK;

/* The last checkpoint of the newest run of this workflow that has one and has this plan signature.
 * *out is NULL and the result 0 when there is none. Lives in pool. */
int store_workflow_checkpoint(struct store *store, struct pool *pool, const char *tenant,
                              const char *workflow, const char *signature, json_t **out,
                              struct err *err) MUST_CHECK;

/* A worker is being started: attempts and attempts_no_progress go up by one, the state becomes running if
 * it is not, events are appended; one commit. E_CONFLICT once the run is terminal. */
int store_run_start(struct store *store, struct run_key key, const json_t *events, struct err *err) MUST_CHECK;

/* Set keys of doc without a change of state (viewer_url, cancel_reason ...). */
int store_run_patch(struct store *store, struct run_key key, const json_t *doc_patch, struct err *err) MUST_CHECK;

/*
 * Effect journal: one entry per (run, key); state "intended" -> "sent" -> "observed". Durable on
 * return. entry names the step execution ("7#2": step 7, second time).
 */
int store_journal_put(struct store *store, struct run_key key, const char *entry, const char *state,
                      const json_t *detail, struct err *err) MUST_CHECK;
/* {"entry": {"state","detail"}} of one run. New values live in pool. */
int store_journal_get(struct store *store, struct pool *pool, struct run_key key, json_t **out,
                      struct err *err) MUST_CHECK;

/*
 * Events: {"seq","ts","layer","kind","summary","step_index","detail","category"}; seq and ts are set
 * here: seq rises by one per run, from 1; ts strictly, and is the event's own "at_us" (wall clock)
 * when it has one and that is not later than now. events: array of objects. Durable on return.
 */
int store_events_add(struct store *store, struct run_key key, const json_t *events, struct err *err) MUST_CHECK;
/* Events with seq > after, oldest first, at most limit. Pass after -1 to get the last `limit`. */
int store_events_get(struct store *store, struct pool *pool, struct run_key key, int64_t after, int limit,
                     json_t **ret_array, struct err *err) MUST_CHECK;
/* seq of the newest event whose ts is <= ts (an ISO time of clock_iso()); 0 none: for cursors that are
 * times. */
int store_events_before(struct store *store, struct run_key key, const char *ts, int64_t *ret_seq,
                        struct err *err) MUST_CHECK;

/*
 * Told after every commit that touched a run: the one place where caches, streams, counters and metrics
 * learn what happened. before: RUN_N_STATES for a new run. events: the full events as stored (array,
 * NULL none), borrowed. Must not change the store; sets a timer to do so.
 */
struct store_note {
    struct run_key key;
    enum run_state before, state;
    bool result;       /* its result was stored just now: it is over for everybody */
    int64_t last_seq;
    const json_t *events;
};
typedef void store_note_fn(void *arg, const struct store_note *note);
/* At most STORE_LISTENERS; never removed but by store_close(). */
#define STORE_LISTENERS 8
void store_listen(struct store *store, store_note_fn *fn, void *arg);

#endif
