/*
 * settle.h - wait until the screen shows what an action caused (design.md section 5, rule 8).
 *
 * Before input a listener of ours is set in the front tab's frames, in our isolated worlds. When the
 * page gets the event, a timer of the same thread is set after the page's own handlers ran; timers
 * of one thread fire in order, so when ours fires, the page's timers of up to that length have fired
 * and a frame later they are painted. Then requests and navigations that began since the action are
 * waited for, a short barrier is run after the last answer (an answer may start the next request),
 * and at last the screen must be quiet where it was not moving by itself before.
 * Rejected: waiting 200 ms of wall time plus a guess, which is both slower and, on a busy page, too
 * short; counting frames by a screencast, which encodes every frame.
 * Threads: loop thread only.
 */
#ifndef MANTIS_PLANE_CDP_SETTLE_H
#define MANTIS_PLANE_CDP_SETTLE_H

#include "plane/cdp/script.h"
#include "plane/plane.h"
#include "plane/x11/display.h"

enum settle_kind {
    SETTLE_EFFECT, /* click, chord, submit: timers up to 200 ms, requests, navigations */
    SETTLE_TYPE,   /* the page has handled the keys and painted */
    SETTLE_SCROLL, /* the same for the wheel */
    SETTLE_LOAD,   /* a navigation of ours: load, requests, first paint */
    SETTLE_QUIET,  /* nothing was done: whatever goes on */
};

/* What one settle leaves for the next; zeroed before the first. */
struct settle_memory {
    int64_t end_us;                  /* when it ended */
    struct damage_baseline restless; /* where the page was moving by itself then */
};

struct settle {
    struct tabs *t;
    struct display *d;
    struct settle_memory *memory;
    enum settle_kind kind;
    int64_t since_us, input_us; /* work counts from; input was delivered */
    struct damage_baseline baseline;
    struct frame_ref frames[SCRIPT_FRAMES];
    struct cdp_call calls[SCRIPT_FRAMES]; /* each frame's promise that the event was seen and painted */
    int n_frames;
    /* before the action */
    int navigations, opened, n_tabs;
    int dialogs, declined, files, refused_sign_ins, downloads;
    char front[CDP_ID_BYTES];
    const char *url; /* pool memory */
    /* while waiting */
    int64_t deadline_ms, barrier_us, slow_us, loaded_us;
    bool navigated;
};

/* Before the action. A busy page costs at most a quarter of a second. E_GONE, E_CANCELLED. */
int settle_arm(struct settle *s, struct tabs *t, struct display *d, struct settle_memory *memory,
               struct pool *pool, enum settle_kind kind, struct err *err) MUST_CHECK;

/* After the action: wait, at most cap_ms, and say what happened. E_GONE, E_CANCELLED. */
int settle_wait(struct settle *s, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err) MUST_CHECK;

/* Instead of settle_wait(), when there was no action after all. */
void settle_drop(struct settle *s);

#endif
