#include "run/camera.h"

#include <stdlib.h>

#include "base/clock.h"

enum { ANSWER_MS = 3 }; /* until a picture that was asked for is looked for */

struct camera_watch {
    struct camera *camera;
    struct camera_watch *next;
    camera_fn *fn; /* NULL: unsubscribed while pictures were given out */
    void *arg;
    int64_t every_ms, last_ms; /* of the last picture it was given */
    bool wants;                /* something was drawn since */
};

struct camera {
    struct loop *loop;
    struct plane *plane;
    struct mask *mask;
    struct camera_watch *watches;
    struct loop_timer timer; /* set: when the first of them that wants a picture is due */
    bool giving, blind, gone;
    bool asked; /* a picture is on its way: the timer looks for it */
    bool newer; /* something was drawn since */
    unsigned mask_then;
    int64_t spent_us;
};

static void ask(void *arg);

static void arm(struct camera *c)
{
    int64_t due = INT64_MAX, now = clock_mono_ms();
    for (struct camera_watch *w = c->watches; w; w = w->next)
        if (w->wants && w->last_ms + w->every_ms < due)
            due = w->last_ms + w->every_ms;
    if (due != INT64_MAX && !c->gone && !c->asked)
        loop_timer_set(c->loop, &c->timer, due > now ? due - now : 0, ask, c);
}

/* Comes with every drawing: no more than a flag, once a timer is set. */
static void on_damage(void *arg)
{
    struct camera *c = arg;
    bool news = false;
    c->newer = true;
    for (struct camera_watch *w = c->watches; w; w = w->next) {
        news |= !w->wants;
        w->wants = true;
    }
    if (news && !c->giving)
        arm(c);
}

static void sweep(struct camera *c)
{
    for (struct camera_watch **at = &c->watches; *at;) {
        struct camera_watch *w = *at;
        if (w->fn) {
            at = &w->next;
            continue;
        }
        *at = w->next;
        free(w);
    }
}

static void give(struct camera *c, const struct frame *frame, int64_t now)
{
    c->giving = true;
    for (struct camera_watch *w = c->watches; w; w = w->next) {
        if (!w->fn || !w->wants || now < w->last_ms + w->every_ms)
            continue;
        w->last_ms = now;
        w->wants = c->newer;
        if (frame && !w->fn(w->arg, frame))
            w->wants = true;
        w->wants |= !frame; /* held back: it is still owed one */
    }
    c->giving = false;
    sweep(c);
}

static void paint_and_give(struct camera *c, struct frame *frame, uint8_t *pixels)
{
    c->asked = false;
    c->blind = !mask_fits(c->mask, frame);
    if (!c->blind)
        frame_paint_masks(frame, pixels);
    give(c, c->blind ? NULL : frame, clock_mono_ms());
    arm(c);
}

/* What was asked for before the masks were told something is not what they are of: it is asked for
 * again. */
static void take(void *arg)
{
    struct camera *c = arg;
    struct frame frame;
    uint8_t *pixels;
    int64_t from = clock_mono_us();
    int r = plane_take_picture(c->plane, &frame, &pixels, NULL);
    if (r == E_TIMEOUT)
        loop_timer_set(c->loop, &c->timer, ANSWER_MS, take, c);
    else if (r)
        c->gone = true; /* the run hears of it by itself */
    else if (c->mask_then != c->mask->changes)
        ask(c);
    else
        paint_and_give(c, &frame, pixels);
    c->spent_us += clock_mono_us() - from;
}

/* The run's thread does not wait for the display, which may be busy. */
static void ask(void *arg)
{
    struct camera *c = arg;
    c->asked = true;
    c->newer = false;
    c->mask_then = c->mask->changes;
    plane_ask_picture(c->plane);
    loop_timer_set(c->loop, &c->timer, ANSWER_MS, take, c);
}

struct camera *camera_create(struct loop *loop, struct plane *plane, struct mask *mask)
{
    struct camera *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    *c = (struct camera){.loop = loop, .plane = plane, .mask = mask};
    plane_watch(plane, on_damage, c);
    return c;
}

void camera_destroy(struct camera *c)
{
    if (!c)
        return;
    plane_watch(c->plane, NULL, NULL);
    loop_timer_clear(&c->timer);
    for (struct camera_watch *w = c->watches; w; w = w->next)
        w->fn = NULL;
    sweep(c);
    free(c);
}

struct camera_watch *camera_subscribe(struct camera *c, int fps, camera_fn *fn, void *arg)
{
    struct camera_watch *w = calloc(1, sizeof(*w));
    if (!w)
        BUG("out of memory");
    *w = (struct camera_watch){.camera = c,
                               .next = c->watches,
                               .fn = fn,
                               .arg = arg,
                               .every_ms = 1000 / fps,
                               .wants = true};
    c->watches = w;
    arm(c);
    return w;
}

void camera_unsubscribe(struct camera_watch *w)
{
    if (!w)
        return;
    w->fn = NULL;
    if (!w->camera->giving)
        sweep(w->camera);
}

int64_t camera_spent_us(const struct camera *c)
{
    return c->spent_us;
}

bool camera_is_blind(const struct camera *c)
{
    return c && c->blind;
}
