/*
 * damage.c - where and when the screen changed: raw rectangles of the root window, kept in a ring.
 *
 * Raw rectangles need no DamageSubtract and no answer from us, so a busy page costs one event per
 * drawing operation and nothing else. Times are of arrival here.
 */
#include "plane/x11/priv.h"

#include <stdlib.h>

#include "base/clock.h"

#define CARET_MAX_W 4 /* px: a text caret is a narrow bar */
#define CARET_MAX_H 64

/* An animation draws at least so often, over at least so long; the newest so many notes are asked.
 */
#define ANIMATION_TIMES     3
#define ANIMATION_SPREAD_US 100000
#define ANIMATION_LOOK      256u

int damage_setup(struct display *d, struct err *err)
{
    void *reply = NULL;
    const xcb_query_extension_reply_t *x = xcb_get_extension_data(d->conn, &xcb_damage_id);
    if (!x || !x->present)
        return err_set(err, E_UNSUPPORTED, "the display server has no DAMAGE extension");
    int r = x_reply(d, xcb_damage_query_version(d->conn, 1, 1).sequence, &reply, err);
    if (r)
        return r;
    free(reply);
    d->damage_event = (uint8_t)(x->first_event + XCB_DAMAGE_NOTIFY);
    xcb_damage_create(d->conn, xcb_generate_id(d->conn), d->root,
                      XCB_DAMAGE_REPORT_LEVEL_RAW_RECTANGLES);
    return 0;
}

void damage_event(struct display *d, const xcb_generic_event_t *ev)
{
    const xcb_damage_notify_event_t *e = (const void *)ev;
    d->damage[d->n_damage++ % X_DAMAGE_RING] = (struct damage_note){
        .at_us = clock_mono_us(),
        .rect = {e->area.x, e->area.y, e->area.width, e->area.height},
    };
    if (d->on_damage)
        d->on_damage(d->on_damage_arg);
}

void display_watch(struct display *d, display_damage_fn *fn, void *arg)
{
    d->on_damage = fn;
    d->on_damage_arg = arg;
}

/* The i-th newest note, NULL when there is none or it has been overwritten. */
static const struct damage_note *newest(const struct display *d, unsigned i)
{
    if (i >= d->n_damage || i >= X_DAMAGE_RING)
        return NULL;
    return &d->damage[(d->n_damage - 1 - i) % X_DAMAGE_RING];
}

static bool contains(const struct rect *outer, const struct rect *r)
{
    return r->x >= outer->x && r->y >= outer->y && r->x + r->w <= outer->x + outer->w &&
           r->y + r->h <= outer->y + outer->h;
}

static bool overlaps(const struct rect *a, const struct rect *b)
{
    return a->x < b->x + b->w && b->x < a->x + a->w && a->y < b->y + b->h && b->y < a->y + a->h;
}

static struct rect unite(const struct rect *a, const struct rect *b)
{
    int x = a->x < b->x ? a->x : b->x, y = a->y < b->y ? a->y : b->y;
    int right = a->x + a->w > b->x + b->w ? a->x + a->w : b->x + b->w;
    int bottom = a->y + a->h > b->y + b->h ? a->y + a->h : b->y + b->h;
    return (struct rect){x, y, right - x, bottom - y};
}

static int64_t area(const struct rect *r)
{
    return (int64_t)r->w * r->h;
}

/* Add to the list; when it is full, grow the entry that grows least. */
static void add_rect(struct damage_baseline *b, const struct rect *r)
{
    int best = -1;
    int64_t best_growth = INT64_MAX;
    for (int i = 0; i < b->n; i++) {
        struct rect both = unite(&b->rects[i], r);
        int64_t growth = area(&both) - area(&b->rects[i]);
        if (overlaps(&b->rects[i], r))
            growth = 0;
        if (growth < best_growth) {
            best_growth = growth;
            best = i;
        }
    }
    if (best_growth > 0 && b->n < (int)ARRAY_SIZE(b->rects))
        b->rects[b->n++] = *r;
    else
        b->rects[best] = unite(&b->rects[best], r);
}

/* Does something move in r by itself: several drawings from from_us on, over some time? */
static bool keeps_moving(const struct display *d, const struct rect *r, int64_t from_us)
{
    const struct damage_note *n;
    int64_t last = 0;
    int times = 0;
    for (unsigned i = 0; i < ANIMATION_LOOK && (n = newest(d, i)) && n->at_us >= from_us; i++) {
        if (!overlaps(r, &n->rect))
            continue;
        last = last ? last : n->at_us;
        if (++times >= ANIMATION_TIMES && last - n->at_us >= ANIMATION_SPREAD_US)
            return true;
    }
    return false;
}

/*
 * What the last action changed is no animation: only what was drawn since the screen was last found
 * quiet counts, and the animations that were known then, if they still go on.
 */
void display_damage_baseline(const struct display *d, int window_ms, struct damage_baseline *out)
{
    int64_t window_us = clock_mono_us() - (int64_t)window_ms * 1000;
    int64_t from = window_us > d->quiet_at_us ? window_us : d->quiet_at_us;
    const struct damage_note *n;
    struct damage_baseline b = {.n = 0};
    for (int i = 0; i < d->known.n; i++)
        if (display_area_damage_us(d, &d->known.rects[i], window_us))
            add_rect(&b, &d->known.rects[i]);
    for (unsigned i = 0; i < ANIMATION_LOOK && (n = newest(d, i)) && n->at_us >= from; i++)
        if (keeps_moving(d, &n->rect, from))
            add_rect(&b, &n->rect);
    *out = b;
}

/* A blinking caret is never an effect of anything. */
static bool is_caret(const struct rect *r)
{
    return r->w <= CARET_MAX_W && r->h <= CARET_MAX_H;
}

static bool counts(const struct damage_baseline *baseline, const struct rect *r)
{
    if (is_caret(r))
        return false;
    for (int i = 0; baseline && i < baseline->n; i++)
        if (contains(&baseline->rects[i], r))
            return false;
    return true;
}

int64_t display_last_damage_us(const struct display *d, const struct damage_baseline *baseline,
                               int64_t since_us)
{
    const struct damage_note *n;
    for (unsigned i = 0; (n = newest(d, i)) && n->at_us >= since_us; i++)
        if (counts(baseline, &n->rect))
            return n->at_us;
    return 0;
}

int64_t display_area_damage_us(const struct display *d, const struct rect *where, int64_t since_us)
{
    const struct damage_note *n;
    for (unsigned i = 0; (n = newest(d, i)) && n->at_us >= since_us; i++)
        if (overlaps(where, &n->rect))
            return n->at_us;
    return 0;
}

struct quiet {
    struct display *d;
    const struct damage_baseline *baseline;
    int64_t quiet_us;
    struct loop_timer timer; /* turns the loop when the quiet time may be over */
};

static void turn_loop(void *arg)
{
}

static bool is_quiet(void *arg)
{
    struct quiet *q = arg;
    int64_t now = clock_mono_us(), from = now - q->quiet_us;
    int64_t last = display_last_damage_us(q->d, q->baseline, from);
    if (last < q->d->input_us)
        last = q->d->input_us; /* what was just sent has yet to show */
    if (last <= from)
        return true;
    loop_timer_set(q->d->loop, &q->timer, (last - from) / 1000 + 1, turn_loop, NULL);
    return false;
}

int display_wait_quiet(struct display *d, const struct damage_baseline *baseline, int quiet_ms,
                       int64_t deadline_mono_ms, bool *ret_capped, struct err *err)
{
    struct quiet q = {.d = d, .baseline = baseline, .quiet_us = (int64_t)quiet_ms * 1000};
    struct err e = {0};
    int r = x_wait(d, is_quiet, &q, deadline_mono_ms, "waiting for a quiet screen", &e);
    loop_timer_clear(&q.timer);
    *ret_capped = r == E_TIMEOUT;
    if (r == E_TIMEOUT)
        return 0;
    if (!r) {
        d->quiet_at_us = clock_mono_us();
        d->known = baseline ? *baseline : (struct damage_baseline){.n = 0};
    }
    return r ? err_set(err, r, "%s", e.msg) : 0;
}
