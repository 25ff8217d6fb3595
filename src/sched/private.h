/*
 * private.h - what the files of src/sched share.
 *
 *   sched.c    create, dispatch, take over, drain     slot.c   one worker: start, backlog, death
 *   submit.c   new runs, many in one commit           words.c  what a worker says, what is made of it
 *   action.c   cancel, pause, resume                  settle.c how a run ends: envelope and states
 *   queue.c    who is next, places, counts            launch.c what a worker is given
 *   keymap.c   things found by a run's name           dirs.c   directories of a run, modes, owners
 *   docs.c     status, phase, result, logs            files.c  projections, written soon or at once
 *   views.c    their text, kept while it holds        artifacts.c  files that callers fetch
 *   follow.c   who follows a run's events             sweep.c  processes nobody owns any more
 *   watch.c    who waits for a run's end              reserve.c  space for the last words
 *   profiles.c profiles that are held
 *   runs_log.c one line per ended run                 ready.c  could a run be carried out now
 *   reaper.c   what is old goes                       cache.c  pages that need not be read again
 *   answers.c  what people answered, in memory        traces.c ended runs as training data
 *   live_private.h: runs that are watched or taken over
 *
 * What happens to runs is learnt from the store's notes (on_note() in sched.c), whoever caused it:
 * counts, texts and followers hang on them and on nothing else.
 */
#ifndef MANTIS_SCHED_PRIVATE_H
#define MANTIS_SCHED_PRIVATE_H

#include "sched/gateway.h"
#include "sched/keymap.h"
#include "sched/sched.h"
#include "store/outbox.h"
#include "sys/blobs.h"
#include "sys/ipc.h"
#include "sys/proc.h"

#define LOGGER "mantis.sched"
#define DISK_FULL "disk is full: free space on the data volume"

/* A run that waits for a slot. The store is the truth; this is the order. */
struct waiting {
    struct keynode node; /* its key */
    struct waiting *prev, *next; /* of its line */
    struct line *line;
    int64_t ordinal;     /* its place is this minus the line's first one */
    const char *profile;
    bool recovering; /* goes before runs that never started */
};

/* First come, first served. */
struct line {
    struct waiting *first, *last;
    int64_t n, first_ordinal;
    bool uneven; /* somebody left from the middle: ordinals are to be counted anew */
};

/* Everything known about one tenant's live runs. */
struct line_up {
    struct keynode node;     /* key.tenant */
    struct line_up *prev, *next; /* of those that have waiting runs */
    struct line recovering, fresh;
    int counts[RUN_N_STATES]; /* live states only */
    int coming;               /* submissions on their way */
    bool dirs_made;           /* its directories are there */
};

/* One executor slot and, while busy, its worker. */
struct slot {
    struct sched *sched;
    int index;
    struct pool *pool; /* of one attempt; NULL when the slot is free */
    struct run_key key;
    const char *profile;
    uid_t uid; /* 0: not dropped */
    bool isolated;
    struct gateway_run *gateway; /* it may call models; NULL: not, or not any more */

    struct proc proc;
    struct loop_fd *exit_watch;
    struct ipc *ipc;
    int socket; /* the ipc's */
    struct blobs_reader *pictures; /* of its display; NULL: none will come */
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
    bool records; /* a video: what a worker that dies leaves of it is mended before its death is taken */
    bool mending; /* proc is what does that */
    const char *lost_reason, *lost_class; /* from `lost` */
    bool cancelling, over_time, draining;
    const char *cancel_reason;
    bool pausing;            /* it is to stand still, or does so by itself */
    bool paused;             /* it stands still; the cap's timer does not run */
    bool held;               /* likewise: its browser is kept for so long only */
    int64_t cap_left_ms;     /* of a paused one */

    struct loop_timer kill_timer, cap_timer, retry_timer, events_timer, hold_timer;
};

struct follow_table { /* follow.c */
    struct keymap runs;
    struct followed *woken; /* to be told */
    struct loop_timer timer;
    size_t bytes; /* of kept lines */
};

struct view_table { /* views.c */
    struct keymap map;
    struct view *newest, *oldest; /* by use */
    size_t bytes;
};

struct stale_list { /* files.c: status.json to be written */
    struct keymap map;
    struct stale *first, *last;
    struct loop_timer timer;
};

struct reaper { /* reaper.c */
    struct loop_timer timer;
    int stuck; /* old runs that could not be removed: others are looked at behind them */
    struct walk_runs *walk; /* through the run directories; NULL: between two rounds */
    int64_t next_walk_us;
};

struct trace_line { /* traces.c */
    struct trace_job *first;
    struct loop_timer timer;
    struct trace_walk *walk; /* through what is exported; NULL: between two rounds */
    int64_t next_walk_us;
};

struct runs_log { /* runs_log.c */
    struct loop_timer timer;
    char checked[16]; /* the month whose file is known to end well */
    json_t *tail;     /* {tenant/run_id: true} of the lines that it ended with when it was checked */
};

struct sched {
    struct loop *loop;
    struct store *store;
    const struct settings *settings;
    struct gateway *gateway; /* NULL: workers have no models */
    struct pool *pool;
    const char *worker_program; /* absolute path, may not exist */
    const char *browser;        /* found, or NULL */
    bool as_root, warned_not_isolated;
    struct slot *slots;
    int n_slots;
    const char *hold; /* why no run can be started just now, or NULL */
    struct loop_timer dispatch_timer, sweep_timer, tidy_timer;
    int sweeps_left;
    bool draining;
    sched_watch_fn *drained;
    void *drained_arg;
    struct loop_timer drain_timer;
    bool reserved; /* reserve.c: the file is there */
    /* queue.c */
    struct keymap waiting, tenants;
    struct line_up *lined_up; /* tenants with waiting runs */
    char last_tenant[129];    /* whom the last slot went to */
    int64_t queue_version;    /* rises when a place may have changed */
    double mean_run_ms;       /* moving; 0: no run has ended yet */
    /* submit.c */
    struct sched_submit *submits, **submits_end, *answering;
    struct loop_timer submit_timer;
    /* others */
    struct keymap watches, answers;
    struct keymap screens; /* screen.c: of runs that are watched or taken over */
    int n_views;
    const char *view_key;
    struct view_table views;
    struct follow_table follows;
    struct stale_list stale;
    struct reaper reaper;
    struct runs_log runs_log;
    struct trace_line traces;
    struct sched_hold *holds; /* profiles.c */
    struct pool *turn_pool; /* what was handed out for this turn of the loop; NULL: nothing */
    uint64_t turn;          /* loop_turns() of that turn */
    struct loop_timer turn_timer;
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
void sched_slot_freed(struct sched *s);
struct slot *sched_slot_of(struct sched *s, struct run_key key); /* NULL: no worker */
bool sched_slot_pid(struct sched *s, pid_t pid);                 /* a worker of ours */
void sched_sweep_soon(struct sched *s); /* after a worker that was not isolated */
void sched_tidy_soon(struct sched *s);  /* a slot was freed with its run's last words not stored */
/* The store said no: what a caller may be told, without a path. Returns the code. */
int sched_store_error(const struct err *cause, struct err *err);
/* The same for one run: also "no such run". */
int sched_run_error(const struct err *cause, struct err *err);
/* Lives until the turn of the loop is over. */
struct pool *sched_turn_pool(struct sched *s);
void sched_free_later(struct sched *s, void *memory); /* of malloc(); somebody may still read it */

/* --- queue.c --- */
struct line_up *queue_tenant(struct sched *s, const char *tenant); /* made when missing */
void queue_add(struct sched *s, struct run_key key, const char *profile, bool recovering);
void queue_remove(struct sched *s, struct run_key key); /* it may not be there */
void queue_again(struct sched *s, struct waiting *w); /* it could not be started: back to the end */
struct waiting *queue_find(struct sched *s, struct run_key key);
/* The next run that can be started, or NULL. It stays in its place. */
struct waiting *queue_next(struct sched *s);
void queue_served(struct sched *s, const struct waiting *w); /* another tenant comes next */
int64_t queue_place(struct sched *s, struct waiting *w);     /* 1: next of all */
int64_t queue_eta_ms(const struct sched *s, int64_t place);  /* -1: there is no figure */
/* What it waits for, in words, in pool; NULL: nothing, it is about to start. Names runs of its own tenant only. */
const char *queue_reason(const struct sched *s, struct pool *pool, const struct waiting *w);
void queue_learn(struct sched *s, int64_t taken_ms);         /* a run took this long */
void queue_note(struct sched *s, const struct store_note *note); /* counts */
void queue_release(struct sched *s);

/* --- submit.c --- */
void submit_release(struct sched *s);

/* --- views.c --- */
void views_drop(struct sched *s, struct run_key key); /* what was said of it does not hold any more */
void views_release(struct sched *s);

/* --- follow.c --- */
void follow_note(struct sched *s, const struct store_note *note);
void follow_gone(struct sched *s, struct run_key key); /* deleted: its followers are told, and find no run */
void follow_release(struct sched *s);

/* --- watch.c --- */
void watch_run_over(struct sched *s, struct run_key key);
void watch_release(struct sched *s);

/* --- reaper.c --- */
void reaper_start(struct sched *s);
void reaper_release(struct sched *s);
void reaper_round(void *arg); /* struct sched: one bounded piece of work; sets its timer again */

/* --- runs_log.c --- */
void runs_log_soon(struct sched *s);
void runs_log_release(struct sched *s);

/* --- traces.c --- */
void traces_note(struct sched *s, const struct store_note *note);
bool traces_reap(struct sched *s, int64_t now_us); /* a bounded piece; true: there is more */
void traces_release(struct sched *s);              /* writes what waits */

/* --- slot.c --- */
/* Start the next attempt of a run in a free slot. E_UNAVAILABLE: not now, try later. Others: the
 * attempt counts as lost; *err says why. */
int slot_start(struct slot *slot, struct run_key key, const char *profile, struct err *err) MUST_CHECK;
void slot_cancel(struct slot *slot, const char *reason);
void slot_pause(struct slot *slot, const char *reason);
/* It says so; by_itself: it was not told to. False: nobody wants it any more, or it is known. */
bool slot_paused(struct slot *slot, bool by_itself, bool held);
void slot_hold_browser(struct slot *slot, bool on); /* of a paused run, for as long as a person uses it */
void slot_say(struct slot *slot, json_t *message);  /* takes the reference over; a worker with no room is ended */
bool slot_is_behind(const struct slot *slot);       /* it has not read what it was told: no more that can be spared */
void slot_resume(struct slot *slot);   /* told, with the answers that there are */
void slot_unpaused(struct slot *slot); /* it goes on by itself */
bool slot_can_resume(const struct slot *slot); /* its worker is in order and stays */
void slot_drain(struct slot *slot);
void slot_kill(struct slot *slot);
void slot_destroy(struct slot *slot); /* at once, nothing is stored */
void slot_linger(struct slot *slot);  /* its worker has said its last word: soon it is killed */
void slot_flush_soon(struct slot *slot); /* slot->events are stored after a moment */

/* --- words.c --- */
bool words_of_worker(const char *type); /* one that a worker may say */
/* 0, or the store's error when the message must be tried again. */
int words_take(struct slot *slot, const json_t *message, struct err *err) MUST_CHECK;

/* --- action.c --- */
/* The worker says that the run stands still because of what it found: {"reason", "prompt", ...}; and that it
 * goes on. 0, or the store's error. */
int pause_by_run(struct slot *slot, const json_t *pause, struct err *err) MUST_CHECK;
int unpause_by_run(struct slot *slot, struct err *err) MUST_CHECK;

/* --- answers.c --- */
void answers_keep(struct sched *s, struct run_key key, int n, const json_t *value);
const json_t *answers_of(const struct sched *s, struct run_key key); /* {"1": value}; NULL none */
void answers_forget(struct sched *s, struct run_key key);
void answers_forget_all(struct sched *s);

/* --- launch.c --- */
/* Start the worker program for a slot; its process goes into slot->proc, our ends of its sockets, for
 * messages and for pictures, to *ret_fd and *ret_picture_fd. */
int launch_worker(struct slot *slot, int *ret_fd, int *ret_picture_fd, struct err *err) MUST_CHECK;
/* Likewise what makes whole what a killed worker left of its recording (record/mend.h); it has no socket. */
int launch_mend(struct slot *slot, struct err *err) MUST_CHECK;
/* The `start` message of docs/processes.md. New reference. */
json_t *launch_message(struct slot *slot, const struct run_record *rec, json_t *journal);

/* --- account.c --- */
/* What things cost here; keys of core/cost.h. New reference. */
json_t *account_rates(const struct settings *set);
/* A checkpoint of a run, and NULL for none, with what was paid for its plan before it began: until the worker has
 * counted it, in the first checkpoint of its own. New reference. */
json_t *account_with_costs(struct sched *s, const struct run_record *rec, const json_t *checkpoint);

/* --- profiles.c --- */
int profiles_check(const struct sched *s, const char *tenant, const char *profile,
                   struct err *err) MUST_CHECK; /* E_CONFLICT: it is held */

/* --- cache.c --- */
/* What earlier runs extracted and is not stale: {url: {"fields","extracted_at"}} for a run with these cache
 * settings (submission.cache). NULL: it reads none. New reference. */
json_t *cache_read(struct sched *s, struct pool *pool, const char *tenant, const json_t *settings);
/* Keep the rows of a checkpoint that have a page of their own, as far as the settings say so. */
void cache_write(struct sched *s, struct pool *pool, const char *tenant, const json_t *settings,
                 const json_t *checkpoint);

/* --- action.c --- */
/* sched_resume() by who has the controls: they are given back when it is granted. */
int resume_by_holder(struct sched *s, struct run_key key, const json_t *user_input, struct err *err) MUST_CHECK;

/* --- screen.c, takeover.c, view_key.c --- */
void screen_note(struct sched *s, const struct store_note *note);
void screen_worker(struct slot *slot, bool there); /* of a run; it got its start, or is gone */
void screen_stands(struct slot *slot);             /* it stands still now, or goes on */
int screen_take(struct slot *slot, const void *data, size_t len, struct err *err) MUST_CHECK; /* E_PROTOCOL */
void screens_release(struct sched *s);
bool takeover_holds(const struct slot *slot); /* a person has its controls */
void takeover_released(struct slot *slot);    /* who has them, if somebody has, lets the run go on */
void takeover_clipboard(struct slot *slot, const char *text);
int view_key_open(struct sched *s, struct err *err) MUST_CHECK;

/* --- settle.c --- */
/* Each stores the ending of a run in one commit and then writes its files. 0, or the store's error when
 * it must be tried again; a run that ended otherwise first is 0. */
struct ending {
    struct run_key key;
    const char *terminal_status; /* core/run.h; NULL: from runner_status */
    const char *runner_status, *halt_reason, *halt_class, *error, *failure_class;
    const json_t *checkpoint; /* NULL: the stored one */
    const json_t *events;     /* appended before the last one; may be NULL */
    const json_t *fields;     /* further keys of doc; may be NULL */
};
int settle_run(struct sched *s, const struct ending *end, struct err *err) MUST_CHECK;
/* The attempt is over without an end: recovering, or failed after too many without progress. */
int settle_lost(struct sched *s, struct run_key key, const char *reason, const char *failure_class,
                const json_t *events, bool *ret_again, struct err *err) MUST_CHECK;
json_t *settle_event(const char *kind, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* --- files.c --- */
void files_status_soon(struct sched *s, struct run_key key);
void files_write_all(struct sched *s, struct run_key key);
/* A file that cannot be read or is empty. */
bool files_missing(const char *path);
/* At start: what a crash kept from being written. */
void files_rebuild(struct sched *s, struct run_key key);
void files_forget(struct sched *s, struct run_key key); /* its directory goes: write no status */
void files_release(struct sched *s);

/* --- artifacts.c --- */
/* Copies the last screenshot to final.png; false when there is none. */
/* A file of one of the worker's directories: nothing in there is trusted, so no link is followed, and no file that
 * has a name elsewhere, or more bytes, is given out. -1: it cannot be. */
int artifacts_open_workers(struct sched *s, struct pool *pool, struct run_key key, const char *dir_name,
                           const char *file, int64_t most_bytes);
/* One of its screenshots, in pool. False: it has none of that name. */
bool artifacts_read_png(struct sched *s, struct pool *pool, struct run_key key, const char *name, char **ret_data,
                        size_t *ret_len);
/* video.c: the result's `video`, when one was asked for. */
void video_put(struct sched *s, struct pool *pool, struct run_key key, const json_t *options, const json_t *checkpoint,
               json_t *envelope);
bool artifacts_final_png(struct sched *s, struct run_key key, const json_t *checkpoint);

/* --- reserve.c --- */
/* Keep some space on the data volume. NULL, or why it cannot be kept; static or of pool. */
const char *reserve_hold(struct sched *s, struct pool *pool);
/* Give it up, so that the store can write how runs ended. */
void reserve_spend(struct sched *s);

/* --- dirs.c --- */
char *dirs_run(const struct sched *s, struct pool *pool, struct run_key key);
char *dirs_work(const struct sched *s, struct pool *pool, struct run_key key);
char *dirs_checkpoint(const struct sched *s, struct pool *pool, const char *tenant,
                      const char *workflow);
char *dirs_profile(const struct sched *s, struct pool *pool, const char *tenant,
                   const char *profile);
int dirs_create_base(struct sched *s, struct err *err) MUST_CHECK;
/* Directories of one run, before its files are written: the parents and the run's own. */
int dirs_make_run(struct sched *s, struct run_key key, struct err *err) MUST_CHECK;
/* Everything an attempt needs; work and profile are given to uid when it is not 0. */
int dirs_make_work(struct sched *s, struct run_key key, const char *profile, uid_t uid, struct err *err) MUST_CHECK;
/* The slot's uid may run another tenant next: it loses these two. */
void dirs_take_back(struct sched *s, struct run_key key, const char *profile);
void dirs_clean_work(struct sched *s, struct run_key key); /* work/tmp */
int dirs_open_log(struct sched *s, struct run_key key); /* fd or -1 */
/* The last bytes of worker.log, NUL added. Number of them. */
size_t dirs_log_tail(struct sched *s, struct run_key key, char *out, size_t size);
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
/* What a caller gets for a run just accepted (http-api.md section 4.5). */
json_t *docs_handle(struct sched *s, struct pool *pool, const struct run_record *rec);
/* The phase document, its hint left out. */
json_t *docs_phase(struct sched *s, struct pool *pool, const struct run_record *rec);
const char *docs_halt_class(const struct run_record *rec); /* NULL none */

/* An event as one line of events.log: "message" and "ts" of the contract, and what a progress line
 * needs: "kind", "step_index", "detail". New reference. */
json_t *docs_log_line(const json_t *event);

/* --- ready.c --- */
char *ready_find_browser(struct pool *pool, const char *setting);

#endif
