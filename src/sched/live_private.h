/*
 * live_private.h - what screen.c (pictures, views) and takeover.c (who has the controls) share.
 */
#ifndef MANTIS_SCHED_LIVE_PRIVATE_H
#define MANTIS_SCHED_LIVE_PRIVATE_H

#include "sched/live.h"
#include "sched/private.h"

struct cell;

struct screen {
    struct keynode node;
    struct sched *sched;
    struct run_key key;
    struct sched_view *views;
    int n_views;
    bool asked_regions, asked_frames; /* what the worker was told */

    int width, height, n_cells;
    struct cell *cells;
    struct picture *frame;
    uint64_t version, frame_version;
    int64_t taken_us;

    struct lease lease;
    struct sched_view *holder; /* whose socket the lease is attached to; NULL: none */
    struct loop_timer expiry;
};

struct sched_view {
    struct sched_view *next;
    struct screen *screen;
    enum patches_kind kind;
    struct sched_view_events events;
    void *arg;
    uint64_t seen;        /* version */
    const char *released; /* static; to be told */
};

/* --- screen.c --- */
struct screen *screen_find(const struct sched *s, struct run_key key); /* NULL: nobody watches */
struct screen *screen_of(struct sched *s, struct run_key key);         /* made when missing */
void screen_unused(struct screen *sc); /* goes unless it is watched or held */
void screen_news(struct screen *sc);

/* --- takeover.c --- */
void takeover_end(struct screen *sc, const char *why); /* static; the lease, if there is one */
void takeover_detach(struct screen *sc, const struct sched_view *view); /* its socket went */
void takeover_forget(struct screen *sc);

#endif
