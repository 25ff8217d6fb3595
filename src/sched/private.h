/*
 * private.h - what the files of src/sched share.
 *
 *   sched.c    create, submit, cancel, drain, the queue     slot.c   one worker: start, backlog, death
 *   words.c    what a worker says and what is made of it
 *   settle.c   how a run ends: envelope and states          files.c  projections and artifacts
 *   dirs.c     directories of a run, modes, owners          sweep.c  processes nobody owns any more
 *   launch.c   what a worker is given            reserve.c  space for the last words on a full disk
 *   docs.c     status, phase, result, logs                  ready.c  could a run be carried out now
 */
#ifndef MANTIS_SCHED_PRIVATE_H
#define MANTIS_SCHED_PRIVATE_H

#include "sched/sched.h"
#include "sys/ipc.h"
#include "sys/proc.h"

#define LOGGER "mantis.sched"
#define DISK_FULL "disk is full: free space on the data volume"

/* A run that waits for a slot. The store is the truth; this is the order. */
struct waiting {
    struct waiting *next;
    struct pool *pool;
    const char *tenant, *run_id, *profile;
    bool recovering; /* goes before runs that never started */
};

/* One executor slot and, while busy, its worker. */
struct slot {
    struct sched *sched;
    int index;
    struct pool *pool; /* of one attempt; NULL when the slot is free */
    const char *tenant, *run_id, *profile;
    uid_t uid; /* 0: not dropped */
    bool isolated;

    struct proc proc;
    struct loop_fd *exit_watch;
    struct ipc *ipc;
    int socket; /* the ipc's */
    bool ipc_closed, exited;
    const char *exit_reason; /* "killed by signal 9 (Killed)" */
    const char *broke;       /* it spoke wrongly: why it is being killed */

    /* Messages that the store did not take yet, oldest first, its death last. */
    json_t *backlog;
    int store_failures; /* in a row */
    bool disk_full;     /* it stayed full: the run ends with that reason */
    json_t *events;     /* not yet stored: they go with the next commit */
    json_t *last_checkpoint; /* newest seen, stored or not */

    bool ended;   /* `end` was settled */
    const char *lost_reason, *lost_class; /* from `lost` */
    bool cancelling, over_time;
    const char *cancel_reason;

    struct loop_timer kill_timer, cap_timer, retry_timer, events_timer;
};

struct sched_watch {
    struct sched_watch *next;
    struct sched *sched;
    char *run_id;
    sched_watch_fn *fn;
    void *arg;
    struct loop_timer now; /* set when the run had ended already */
};

struct sched {
    struct loop *loop;
    struct store *store;
    const struct settings *settings;
    struct pool *pool;
    const char *worker_program; /* absolute path, may not exist */
    const char *browser;        /* found, or NULL */
    bool as_root, warned_not_isolated;
    struct slot *slots;
    int n_slots;
    struct waiting *waiting;    /* oldest first */
    char last_tenant[129];      /* whom the last slot went to */
    const char *hold;           /* why no run can be started just now, or NULL */
    struct loop_timer dispatch_timer, sweep_timer, tidy_timer;
    int sweeps_left;
    struct sched_watch *watches;
    bool draining;
    sched_watch_fn *drained;
    void *drained_arg;
    struct loop_timer drain_timer;
    bool reserved; /* reserve.c: the file is there */
    /* ready.c */
    int64_t checked_ms; /* 0 never */
    bool ready;
    char reason[256];
};

/* sched_create() with another worker program; NULL: the real one. For tests. */
int sched_create_with(struct loop *loop, struct store *store, const struct settings *settings,
                      const char *worker_program, struct sched **out, struct err *err) MUST_CHECK;

/* --- sched.c --- */
void sched_dispatch_soon(struct sched *s, int delay_ms);
void sched_enqueue(struct sched *s, const char *tenant, const char *run_id, const char *profile,
                   bool recovering);
void sched_slot_freed(struct sched *s);
struct slot *sched_slot_of(struct sched *s, const char *run_id); /* NULL: no worker */
bool sched_slot_pid(struct sched *s, pid_t pid);                 /* a worker of ours */
void sched_sweep_soon(struct sched *s); /* after a worker that was not isolated */
void sched_tidy_soon(struct sched *s);  /* a slot was freed with its run's last words not stored */
void sched_run_settled(struct sched *s, const char *run_id);     /* calls the watches */
/* The store said no: what a caller may be told, without a path. Returns the code. */
int sched_store_error(const struct err *cause, struct err *err);

/* --- slot.c --- */
/* Start the next attempt of a run in a free slot. E_UNAVAILABLE: not now, try later. Others: the
 * attempt counts as lost; *err says why. */
int slot_start(struct slot *slot, const struct waiting *run, struct err *err) MUST_CHECK;
void slot_cancel(struct slot *slot, const char *reason);
void slot_drain(struct slot *slot);
void slot_kill(struct slot *slot);
void slot_destroy(struct slot *slot); /* at once, nothing is stored */
void slot_linger(struct slot *slot);  /* its worker has said its last word: soon it is killed */
void slot_flush_soon(struct slot *slot); /* slot->events are stored after a moment */

/* --- words.c --- */
bool words_of_worker(const char *type); /* one that a worker may say */
/* 0, or the store's error when the message must be tried again. */
int words_take(struct slot *slot, const json_t *message, struct err *err) MUST_CHECK;

/* --- launch.c --- */
/* Start the worker program for a slot; its process goes into slot->proc, our end of its socket to
 * *ret_fd. */
int launch_worker(struct slot *slot, int *ret_fd, struct err *err) MUST_CHECK;
/* The `start` message of docs/processes.md. New reference. */
json_t *launch_message(struct slot *slot, const struct run_record *rec, json_t *journal);

/* --- settle.c --- */
/* Each stores the ending of a run in one commit and then writes its files. 0, or the store's error when
 * it must be tried again; a run that ended otherwise first is 0. */
struct ending {
    const char *run_id;
    const char *terminal_status; /* core/run.h; NULL: from runner_status */
    const char *runner_status, *halt_reason, *halt_class, *error, *failure_class;
    const json_t *checkpoint; /* NULL: the stored one */
    const json_t *events;     /* appended before the last one; may be NULL */
    const json_t *fields;     /* further keys of doc; may be NULL */
};
int settle_run(struct sched *s, const struct ending *end, struct err *err) MUST_CHECK;
/* The attempt is over without an end: recovering, or failed after too many without progress. */
int settle_lost(struct sched *s, const char *run_id, const char *reason, const char *failure_class,
                const json_t *events, bool *ret_again, struct err *err) MUST_CHECK;
json_t *settle_event(const char *kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- files.c --- */
void files_write_status(struct sched *s, const char *run_id);
void files_write_all(struct sched *s, const char *run_id);
/* At start: what a crash kept from being written. */
void files_rebuild(struct sched *s, const char *tenant, const char *run_id);
/* Copies the last screenshot to final.png; false when there is none. */
bool files_final_png(struct sched *s, const char *tenant, const char *run_id,
                     const json_t *checkpoint);

/* --- reserve.c --- */
/* Keep some space on the data volume. NULL, or why it cannot be kept; static or of pool. */
const char *reserve_hold(struct sched *s, struct pool *pool);
/* Give it up, so that the store can write how runs ended. */
void reserve_spend(struct sched *s);

/* --- dirs.c --- */
char *dirs_run(const struct sched *s, struct pool *pool, const char *tenant, const char *run_id);
char *dirs_work(const struct sched *s, struct pool *pool, const char *tenant, const char *run_id);
char *dirs_checkpoint(const struct sched *s, struct pool *pool, const char *tenant,
                      const char *workflow);
char *dirs_profile(const struct sched *s, struct pool *pool, const char *tenant,
                   const char *profile);
int dirs_create_base(struct sched *s, struct err *err) MUST_CHECK;
/* Directories of one run, before its files are written: the parents and the run's own. */
int dirs_make_run(struct sched *s, const char *tenant, const char *run_id, struct err *err) MUST_CHECK;
/* Everything an attempt needs; work and profile are given to uid when it is not 0. */
int dirs_make_work(struct sched *s, const char *tenant, const char *run_id, const char *profile,
                   uid_t uid, struct err *err) MUST_CHECK;
/* The slot's uid may run another tenant next: it loses these two. */
void dirs_take_back(struct sched *s, const char *tenant, const char *run_id, const char *profile);
void dirs_clean_work(struct sched *s, const char *tenant, const char *run_id); /* work/tmp */
int dirs_open_log(struct sched *s, const char *tenant, const char *run_id); /* fd or -1 */
/* The last bytes of worker.log, NUL added. Number of them. */
size_t dirs_log_tail(struct sched *s, const char *tenant, const char *run_id, char *out, size_t size);
/* Remember on disk, before they are given away, whose directories a slot has. */
int dirs_mark_slot(const struct slot *slot, struct err *err) MUST_CHECK;
void dirs_unmark_slot(const struct slot *slot); /* they were taken back */
void dirs_sweep(struct sched *s); /* at start: what a killed server left as it was */

/* --- sweep.c --- */
/* Kill what has its HOME in dir. Number found. */
int sweep_processes(const char *dir);
/* Kill what runs as uid and descends from this process. */
void sweep_user(uid_t uid);
void sweep_zombies(struct sched *s);
/* X locks and sockets in /tmp that belong to uid and whose server is gone. */
void sweep_x_locks(uid_t uid);

/* --- docs.c --- */
json_t *docs_status(struct sched *s, struct pool *pool, const struct run_record *rec);

/* An event as one line of events.log: "message" and "ts" of the contract, and what a progress line
 * needs: "kind", "step_index", "detail". New reference. */
json_t *docs_log_line(const json_t *event);

/* --- ready.c --- */
char *ready_find_program(struct pool *pool, const char *name); /* absolute path through PATH, or NULL */
char *ready_find_browser(struct pool *pool, const char *setting);
char *ready_worker_program(struct pool *pool);

#endif
