/*
 * run.h - carry one plan out on one plane: the worker's heart.
 *
 * The runner goes from step to step. A step type (step.h) looks and acts through look.h; its result
 * is checked (demote.c), recorded, and, when it failed, answered by the first rule that fits
 * (rules.c). After every step and every change of direction the progress goes to the host as a
 * checkpoint; whatever dies, another worker goes on from there.
 *
 * The host is whoever started us: a socket to `serve` (worker.c), or a test.
 * Threads: loop thread only. Everything blocks in loop_wait() and ends at once on loop_interrupt().
 */
#ifndef MANTIS_RUN_RUN_H
#define MANTIS_RUN_RUN_H

#include <stdbool.h>

#include "base/err.h"
#include "base/log.h"
#include "base/pool.h"
#include "brain/brain.h"
#include "core/answer.h"
#include "core/cost.h"
#include "core/plan.h"
#include "plane/plane.h"
#include "reader/reader.h"
#include "run/coverage.h"
#include "run/mask.h"
#include "run/meter.h"
#include "run/person.h"
#include "run/progress.h"
#include "sys/loop.h"

struct camera; /* run/camera.h */
struct film; /* run/film.h */
struct grounding_cache;
struct model_link; /* brain/model/ask.h */
struct tool;
struct models; /* run/models.h */

enum run_stop {
    RUN_STOP_NONE,
    RUN_STOP_CANCEL,
    RUN_STOP_DRAIN,
    RUN_STOP_TIME,   /* the time cap passed inside a step */
    RUN_STOP_PARENT, /* nobody listens any more */
    RUN_STOP_PLANE,  /* the display or the browser died while nothing was asked of it */
};

/* All callbacks but paused and clipboard are mandatory; unpaused is with paused. */
struct run_host {
    void *arg;
    /* One line of history: {layer, kind, summary, step_index, detail}. Borrowed. */
    void (*event)(void *arg, const json_t *event);
    /* A step is done; events belong into the same commit. E_TOOBIG, E_GONE. Borrowed. */
    int (*checkpoint)(void *arg, const json_t *checkpoint, const json_t *events);
    /* Returns when the entry is on disk. E_TIMEOUT, E_GONE, E_CANCELLED. detail may be NULL. */
    int (*journal)(void *arg, const char *key, const char *state, const json_t *detail);
    /* The run stands still: {"kind": "external", "user_input" or "captcha", "step_index", "reason",
     * "prompt", ...} as in docs/processes.md. NULL: nobody hears it, so nobody can be asked. Borrowed. */
    void (*paused)(void *arg, const json_t *pause);
    /* It goes on by itself: nobody came to solve the challenge. */
    void (*unpaused)(void *arg);
    /* What the person who has the controls copied. NULL: nobody can. */
    void (*clipboard)(void *arg, const char *text);
};

struct run_config {
    const struct plan *plan;
    const json_t *checkpoint; /* NULL or null: from the beginning */
    const json_t *journal;    /* {"key": {"state","detail"}} or NULL */
    double max_cost;          /* USD; 0: none */
    int max_time_minutes;     /* 0: none */
    const char *run_id;
    const char *screenshot_dir; /* NULL: keep none */
    const char *download_dir;   /* files that came, and that may be uploaded; NULL: none */
    const char *session_dir;    /* of saved sessions, in the profile; NULL: none can be kept */
    double nav_wait_s;          /* 0: 18 s (plans.md 8.1) */
    bool auto_url_gate;         /* arm the drift hint from the URL */
    bool pause_on_captcha;      /* a challenge waits for a human first */
    int challenge_wait_ms;      /* for it to pass by itself; 0: 12 s */
    int human_wait_ms;          /* 0: 1800 s (agent-loop.md 12) */
    const json_t *user_input;   /* answers known already, of answers_take(); NULL none */
    const json_t *extraction_schema; /* the request's, NULL none */
    const struct tool *const *tools; /* tools.h, NULL-terminated; NULL: none */
    const json_t *spent;             /* on its plan, before it began: rows of core/cost.h; NULL nothing */
    const json_t *recipes;           /* {name: schema} that steps name as schema_name; NULL none */
    const json_t *cache;             /* {url: {"fields","extracted_at"}} of earlier runs; NULL none */
    bool row_images;                 /* a picture of every row */
    struct cost_rates rates;         /* all 0: what is used costs nothing */
    struct models *models;           /* that may be asked; NULL: none */
    const char *const *allowed_domains; /* host patterns, NULL-terminated; NULL or empty: any */
    const struct model_link *helper; /* to Claude, for recovery and rewrites (helper.h); NULL: the rules alone */
    const struct recovery_driver *recovery; /* who decides once retries are used up (recovery.h); NULL: the rules, then the helper */
    int blur_tabs;              /* pressed after a submit without effect; 0: 12, negative: none */
    bool critic_frontier;       /* recovery is also asked for what is not required (agent-loop.md 9.3) */
    unsigned inner_off;         /* enum inner_off: what is switched off in the inner loop */
    struct brain *director;     /* asked when a brain goes in circles (agent-loop.md 7.4); NULL none */
    struct brain *grounder;     /* asked for better points of clicks (15); NULL none */
    bool ground_clicks;         /* all clicks of a brain, not only of steps that ask for it */
    int task_steps;             /* brain calls of a task, in place of its own number; 0: as it says */
    int frames;                 /* screenshots a brain is shown; 0: as its profile says */
    int settle_ms;              /* cap behind an action of a brain; 0: CAP_CLICK_MS */
};

/* For one server only; strings of the step's pool. */
struct sign_in {
    const char *user, *password, *origin;
};

/* What the step under way will say of itself (telling.h). Owned, NULL none. */
struct telling {
    json_t *action, *expected, *thinking;
    bool over; /* what is done from here on is no part of it */
    bool undone;
};

struct run {
    const struct run_config *config;
    const struct plan *plan;
    struct loop *loop;
    struct plane *plane;
    struct reader *reader;
    struct brain *brain;
    const struct run_host *host;
    struct pool *pool;      /* of the attempt */
    struct pool *step_pool; /* of the step under way; dies with it */
    struct progress progress;
    struct coverage coverage;
    struct meter step_meter;
    json_t *run_time;      /* buckets of all steps so far, owned */
    double elapsed_before; /* seconds of earlier attempts */
    int64_t start_us;
    struct loop_timer time_cap;
    enum run_stop stop;
    bool pausing; /* stand still before the next step; run_pause() */
    bool challenged; /* a human is to solve what the site asks; pause.h */
    struct person person;
    struct answers answers;
    struct answers passwords; /* of the plan (passwords.h) */
    struct camera *camera;   /* for whoever watches; NULL none. Borrowed */
    struct film *film;       /* that is recorded; NULL none. Borrowed */
    struct mask mask;        /* of what is seen, and of what the camera takes */
    const struct step *step; /* under way */
    const struct step *asked_step; /* the same before {{user_input}} was put in */
    json_t *silent;          /* a model that did not answer in this attempt: what a healing event says; NULL none */
    int index;               /* its index */
    char *live_url;          /* as last read, owned; "" unknown */
    char *url_before;        /* at the start of the step, owned */
    bool blank;              /* no page was opened by this attempt yet */
    bool reopened;           /* the page of a pause was opened again, and its form is to be filled in */
    json_t *saved;           /* the last checkpoint: where an interrupted step falls back to, owned */
    json_t *saved_results;   /* its step results, owned */
    const char *declined;    /* message of a dialog that got a "no" nobody asked for; "" none */
    const char *file;        /* for a file chooser, while one is expected; NULL none */
    struct telling telling;
    struct sign_in sign_in;  /* for the page that is being opened */
    int dialogs;             /* answered in a row on this page */
    char *dialog_page;       /* which page, owned */
    double wheel_px;         /* what one wheel notch was seen to scroll */
    bool reentered;          /* resumed away from the results: the browser has no way back */
    bool warned_disk;        /* said once that screenshots cannot be written */
    double told_cost;        /* total of the costs when a step result was made last, USD */
    json_t *pending_events;  /* to go with the next checkpoint, owned */
    struct grounding_cache *grounding; /* created with the first point that is looked up; owned */
};

struct run_end {
    const char *status;      /* "completed", "halted", "cancelled", "failed"; "lost" */
    const char *halt_reason; /* "" none; lives in the run's pool, as all of these */
    const char *halt_class;
    const char *error;       /* of failed and lost */
    enum run_stop stop;
};

/* loop, plane, reader, brain, host and config are borrowed and must outlive the run. */
void run_init(struct run *run, const struct run_config *config, struct loop *loop, struct plane *plane,
              struct reader *reader, struct brain *brain, const struct run_host *host);
void run_release(struct run *run);

/* Carry it out to its end, or until the plane is gone ("lost"). The last checkpoint is in progress. */
void run_execute(struct run *run, struct run_end *out);

/* From a callback of the loop: end as soon as possible. The first reason counts. */
void run_stop(struct run *run, enum run_stop why);

/* From a callback of the loop: stand still before the next step, with the browser as it is, until told
 * to go on or to end. That time is not the run's. Off also ends the wait for a human. */
void run_pause(struct run *run, bool on);

/* From a callback of the loop: what a person answered, of answers_take(). */
void run_answer(struct run *run, const json_t *given);

/* For pause.c: the cap of what time is left. */
void run_arm_time_cap(struct run *run);

/* The effect journal; what a person answered is not in it. Codes of the host. detail may be NULL. */
int run_journal(struct run *run, const char *key, const char *state, const json_t *detail) MUST_CHECK;

/* The checkpoint document now. New reference. */
json_t *run_checkpoint(struct run *run);

/* Remember it as run->saved, where a step that is interrupted falls back to; send it to the host, with the
 * events that waited for it. */
void run_keep_checkpoint(struct run *run);
int run_send_checkpoint(struct run *run, struct err *err) MUST_CHECK;

double run_elapsed_s(const struct run *run); /* over all attempts */

/* Tell the host. detail is taken over and may be NULL; summary is cut at 300 bytes. */
void run_event(struct run *run, const char *layer, const char *kind, json_t *detail, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Something the caller should know in the result; also an event. */
void run_warn(struct run *run, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* A call to a model that is paid by the token: what it cost counts at once, for the cap too (core/cost.h). */
struct token_use;
void run_count_call(struct run *run, const char *source, const char *model, const struct token_use *use);

/* Seconds of a model server of ours, for so many turns of the brain; the same. */
void run_count_gpu(struct run *run, double seconds, int steps);

#define HEAL_BYTES 200 /* of a text in a healing event */

/* A healing event of agent-loop.md 9.6; detail is taken over. */
void run_heal(struct run *run, const char *kind, const char *source, json_t *detail);

/* A call of a reader to a model: one that is paid by the token, or one of ours by its seconds. */
void run_count_use(struct run *run, const struct reader_use *use);

#endif
