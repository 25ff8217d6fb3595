/*
 * screen.c - what the displays of watched runs look like just now.
 *
 * A screen is there while somebody watches its run or has its controls. The worker is asked for pictures
 * while views of their kind are open and there is a worker; its messages replace what is kept, cell by cell,
 * under a number that rises. So a view's next message is all cells with a higher number than it has seen, and
 * nothing is queued for anybody.
 */
#include "sched/live_private.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/log.h"

struct cell {
    struct picture *picture;
    uint64_t version;
};

/* --- pictures ---------------------------------------------------------------------------------- */

static struct picture *picture_make(const void *data, size_t len)
{
    struct picture *p = malloc(sizeof(*p) + len);
    if (!p)
        BUG("out of memory");
    p->refs = 1;
    p->len = len;
    memcpy(p->data, data, len);
    return p;
}

void picture_put(struct picture *p)
{
    if (p && --p->refs == 0)
        free(p);
}

static void forget_cells(struct screen *sc)
{
    for (int i = 0; i < sc->n_cells; i++)
        picture_put(sc->cells[i].picture);
    free(sc->cells);
    sc->cells = NULL;
    sc->n_cells = 0;
}

static void forget_frame(struct screen *sc)
{
    picture_put(sc->frame);
    sc->frame = NULL;
}

static void set_size(struct screen *sc, int width, int height)
{
    if (sc->width == width && sc->height == height && sc->cells)
        return;
    forget_cells(sc);
    sc->width = width;
    sc->height = height;
    sc->n_cells = patch_columns(width) * patch_rows(height);
    sc->cells = calloc((size_t)sc->n_cells, sizeof(*sc->cells));
    if (!sc->cells)
        BUG("out of memory");
}

/* --- asking the worker ------------------------------------------------------------------------- */

static int count_views(const struct screen *sc, enum patches_kind kind)
{
    int n = 0;
    for (const struct sched_view *v = sc->views; v; v = v->next)
        n += v->kind == kind;
    return n;
}

/* What nobody watches is not kept: it would be old when somebody comes. */
static void ask(struct screen *sc)
{
    struct slot *slot = sched_slot_of(sc->sched, sc->key);
    bool regions = count_views(sc, PATCHES_REGIONS) > 0, frames = count_views(sc, PATCHES_FRAME) > 0;
    if (!regions)
        forget_cells(sc);
    if (!frames)
        forget_frame(sc);
    if (!slot || (regions == sc->asked_regions && frames == sc->asked_frames))
        return;
    json_t *m = json_pack("{s:s,s:b,s:b}", "type", "view", "regions", regions, "frames", frames);
    slot_say(slot, m);
    sc->asked_regions = regions;
    sc->asked_frames = frames;
}

/* --- screens ----------------------------------------------------------------------------------- */

struct screen *screen_find(const struct sched *s, struct run_key key)
{
    return (struct screen *)keymap_find(&s->screens, key);
}

struct screen *screen_of(struct sched *s, struct run_key key)
{
    struct screen *sc = screen_find(s, key);
    if (sc)
        return sc;
    sc = keynode_create(sizeof(*sc), key, &key);
    sc->sched = s;
    sc->key = key;
    keymap_add(&s->screens, &sc->node, key);
    return sc;
}

static void free_screen(struct screen *sc)
{
    takeover_forget(sc);
    forget_cells(sc);
    forget_frame(sc);
    keynode_free(&sc->node);
}

void screen_unused(struct screen *sc)
{
    if (sc->views || *sc->lease.token)
        return;
    keymap_remove(&sc->sched->screens, &sc->node);
    free_screen(sc);
}

static void end_screen(struct keynode *node)
{
    free_screen((struct screen *)node);
}

void screens_release(struct sched *s)
{
    keymap_release(&s->screens, end_screen);
}

void screen_news(struct screen *sc)
{
    for (struct sched_view *v = sc->views; v; v = v->next)
        v->events.news(v->arg);
}

void screen_note(struct sched *s, const struct store_note *note)
{
    struct screen *sc = s->screens.n ? screen_find(s, note->key) : NULL;
    if (!sc)
        return;
    screen_news(sc);
    if (!run_state_terminal(note->state))
        return;
    takeover_end(sc, "run_over");
    screen_unused(sc);
}

void screen_worker(struct slot *slot, bool there)
{
    struct screen *sc = slot->sched->screens.n ? screen_find(slot->sched, slot->key) : NULL;
    if (!sc)
        return;
    sc->asked_regions = sc->asked_frames = false;
    if (there)
        ask(sc);
    else
        takeover_end(sc, "browser_gone");
    screen_news(sc);
    screen_unused(sc);
}

void screen_stands(struct slot *slot)
{
    struct screen *sc = slot->sched->screens.n ? screen_find(slot->sched, slot->key) : NULL;
    if (sc)
        screen_news(sc);
}

/* --- what the worker sends --------------------------------------------------------------------- */

static void take_region(struct screen *sc, const struct patch *p)
{
    struct cell *c = &sc->cells[p->rect.y / PATCH_H * patch_columns(sc->width) + p->rect.x / PATCH_W];
    picture_put(c->picture);
    c->picture = picture_make(p->data, p->len);
    c->version = sc->version;
}

static void take_frame(struct screen *sc, const struct patch *p)
{
    forget_frame(sc);
    sc->frame = picture_make(p->data, p->len);
    sc->frame_version = sc->version;
}

int screen_take(struct slot *slot, const void *data, size_t len, struct err *err)
{
    struct screen *sc = screen_find(slot->sched, slot->key);
    struct patches m;
    struct patch p;
    int r = patches_read(data, len, &m, err);
    if (r || !sc) /* the last view went meanwhile */
        return r;
    enum patches_kind kind = m.kind;
    bool wanted = kind == PATCHES_FRAME ? sc->asked_frames : sc->asked_regions;
    if (wanted && kind == PATCHES_REGIONS)
        set_size(sc, m.width, m.height);
    sc->version++;
    sc->taken_us = m.taken_us;
    while ((r = patches_next(&m, &p, err)) == 1)
        if (wanted)
            (kind == PATCHES_FRAME ? take_frame : take_region)(sc, &p);
    if (!r && wanted)
        screen_news(sc);
    return r;
}

/* --- views ------------------------------------------------------------------------------------- */

static int check_room(struct sched *s, struct run_key key, struct err *err)
{
    struct sched_peek now;
    const struct screen *sc = screen_find(s, key);
    int r = sched_peek(s, key, &now, err);
    if (r)
        return r;
    if (run_state_terminal(now.state))
        return err_set(err, E_CONFLICT, "run '%s' is over (%s): there is nothing to watch", key.run_id,
                       run_state_name(now.state));
    if (s->n_views >= CAP_VIEWERS || (sc && sc->n_views >= CAP_VIEWERS_RUN))
        return err_set(err, E_RATE_LIMITED, "too many live views are open: at most %d of one run, %d of all",
                       CAP_VIEWERS_RUN, CAP_VIEWERS);
    return 0;
}

int sched_view_open(struct sched *s, struct run_key key, enum patches_kind kind,
                    const struct sched_view_events *events, void *arg, struct sched_view **out,
                    struct err *err)
{
    int r = check_room(s, key, err);
    if (r)
        return r;
    struct screen *sc = screen_of(s, key);
    struct sched_view *v = calloc(1, sizeof(*v));
    if (!v)
        BUG("out of memory");
    *v = (struct sched_view){.screen = sc, .next = sc->views, .kind = kind, .events = *events, .arg = arg};
    sc->views = v;
    sc->n_views++;
    s->n_views++;
    ask(sc);
    *out = v;
    return 0;
}

void sched_view_close(struct sched_view *v)
{
    if (!v)
        return;
    struct screen *sc = v->screen;
    struct sched_view **at = &sc->views;
    while (*at != v)
        at = &(*at)->next;
    *at = v->next;
    sc->n_views--;
    sc->sched->n_views--;
    takeover_detach(sc, v);
    free(v);
    ask(sc);
    screen_unused(sc);
}

static int count_new(const struct screen *sc, uint64_t seen)
{
    int n = 0;
    for (int i = 0; i < sc->n_cells; i++)
        n += sc->cells[i].picture && sc->cells[i].version > seen;
    return n;
}

bool sched_view_next(struct sched_view *v, struct buf *out)
{
    const struct screen *sc = v->screen;
    int n = count_new(sc, v->seen);
    if (!n)
        return false;
    const struct patches head = {.kind = PATCHES_REGIONS,
                                 .flags = n == sc->n_cells ? PATCHES_WHOLE : 0,
                                 .width = sc->width,
                                 .height = sc->height,
                                 .taken_us = sc->taken_us};
    patches_begin(out, &head);
    for (int i = 0; i < sc->n_cells; i++) {
        const struct cell *c = &sc->cells[i];
        struct rect at = patch_rect(sc->width, sc->height, i);
        if (c->picture && c->version > v->seen)
            patches_add(out, &at, c->picture->data, c->picture->len);
    }
    patches_end(out, n);
    v->seen = sc->version;
    return !out->failed;
}

struct picture *sched_view_frame(struct sched_view *v)
{
    const struct screen *sc = v->screen;
    if (!sc->frame || sc->frame_version <= v->seen)
        return NULL;
    v->seen = sc->frame_version;
    sc->frame->refs++;
    return sc->frame;
}
