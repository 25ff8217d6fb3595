/*
 * fill_slider.c - sliders, native or made of boxes. The track is clicked where the value should be, as
 * far as that can be told; the rest is done with the arrow keys, and what the slider shows is read
 * back after each.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/steps/fill.h"

#define KEYS_MAX     60 /* of one try */
#define LEVELS_UP    4
#define NUMBER_BYTES 40  /* a text with more is not a slider's value */
#define THUMB_PX     16  /* of a native one: its middle does not reach the ends of the track */
#define NEAR_ENOUGH  1e-6

/* --- what it shows --------------------------------------------------------------------------- */

static bool number_of(const char *text, double *ret)
{
    const char *p = text;
    while (*p && !strchr("0123456789", *p))
        p++;
    if (!*p || strlen(text) > NUMBER_BYTES)
        return false;
    if (p > text && p[-1] == '-')
        p--;
    *ret = strtod(p, NULL);
    return true;
}

static bool attr_number(const struct node *n, const char *name, double *ret)
{
    const char *text = node_attr(n, name);
    return text && number_of(text, ret);
}

/* The only number that is shown around node: a slider of boxes says what it is set to beside it. */
static bool number_beside(const struct page *page, const struct node *n, double *ret)
{
    int at = (int)(n - page->nodes), group = n->parent;
    for (int up = 0; up < LEVELS_UP && group > 0; up++, group = page->nodes[group].parent) {
        int found = 0;
        for (int i = group + 1; i < page->nodes[group].end; i++) {
            const struct node *t = &page->nodes[i];
            if (*t->text && (t->flags & NODE_VISIBLE) && !node_is_a(page, i, at))
                found += number_of(t->text, ret);
        }
        if (found)
            return found == 1;
    }
    return false;
}

static bool shows(const struct page *page, const struct node *n, double *ret)
{
    if (*n->value && number_of(n->value, ret))
        return true;
    return attr_number(n, "aria-valuenow", ret) || number_beside(page, n, ret);
}

/* A box that takes the focus or the pointer, has no words, and a number stands beside it. */
static bool is_made_of_boxes(const struct page *page, const struct node *n)
{
    double v;
    bool plain = strcmp(n->tag, "input") && strcmp(n->tag, "textarea") && strcmp(n->tag, "select") &&
                 !*n->role && !(n->flags & NODE_EDITABLE);
    return plain && n->box.w > 3 * n->box.h && number_beside(page, n, &v);
}

bool fill_is_slider(const struct fill *f)
{
    double v;
    if (!f->node || !number_of(f->value, &v))
        return false;
    return !strcmp(f->node->role, "slider") || is_made_of_boxes(f->aim.obs.page, f->node);
}

/* --- moving it -------------------------------------------------------------------------------- */

/* Where it can be clicked: itself when it is long, else the box around its knob. */
static struct rect track_of(const struct page *page, const struct node *n)
{
    const struct node *t = n;
    for (int up = 0; up < LEVELS_UP && t->parent > 0 && t->box.w < 4 * n->box.h; up++)
        t = &page->nodes[t->parent];
    return t->box;
}

/* Set by hand at a share of the track, and what it shows then. */
static int click_track(struct fill *f, struct rect track, double share, bool native, double *ret_v,
                       bool *ret_known, struct err *err)
{
    struct observation obs;
    struct settled s = {0};
    const struct node *n;
    int edge = native ? THUMB_PX / 2 : 0, w = track.w - 2 * edge;
    share = share < 0 ? 0 : share > 1 ? 1 : share;
    struct point at = {track.x + edge + (int)lround(share * (w - 1)), track.y + track.h / 2};
    int r = run_click(f->run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = fill_look_again(f, &obs, &n, err);
    *ret_known = !r && n && shows(obs.page, n, ret_v);
    return r;
}

/* Two clicks tell the scale, the third is the value's; ends that are told save the first two. */
static int jump(struct fill *f, double want, double *ret_v, bool *ret_known, struct err *err)
{
    const struct node *n = f->node;
    struct rect track = track_of(f->aim.obs.page, n);
    bool native = !strcmp(n->tag, "input");
    double low = 0.2, high = 0.8, v_low, v_high;
    bool told = (attr_number(n, "min", &v_low) && attr_number(n, "max", &v_high)) ||
                (attr_number(n, "aria-valuemin", &v_low) && attr_number(n, "aria-valuemax", &v_high));
    int r = 0;
    if (told) {
        low = 0;
        high = 1;
    } else {
        r = click_track(f, track, low, native, &v_low, ret_known, err);
        if (!r && *ret_known)
            r = click_track(f, track, high, native, &v_high, ret_known, err);
        if (r || !*ret_known)
            return r;
    }
    if (fabs(v_high - v_low) < NEAR_ENOUGH)
        return 0;
    double share = low + (want - v_low) / (v_high - v_low) * (high - low);
    return click_track(f, track, share, native, ret_v, ret_known, err);
}

/* One key at a time, towards the value; a key that leads past it and back again ends that. */
static int by_keys(struct fill *f, double want, double v, bool *ret_there, struct err *err)
{
    struct observation obs;
    const struct node *n;
    int r = 0;
    for (int i = 0; !r && i < KEYS_MAX && fabs(v - want) > NEAR_ENOUGH; i++) {
        double before = v;
        r = run_key(f->run, v < want ? "Right" : "Left", CAP_TYPE_MS, err);
        if (!r)
            r = fill_look_again(f, &obs, &n, err);
        if (r || !n || !shows(obs.page, n, &v) || fabs(v - before) < NEAR_ENOUGH ||
            (before < want) != (v < want + NEAR_ENOUGH))
            break;
    }
    *ret_there = !r && fabs(v - want) <= NEAR_ENOUGH;
    return r;
}

int fill_slider(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    double want = 0, v = 0;
    bool known = false;
    number_of(f->value, &want);
    int r = jump(f, want, &v, &known, err);
    if (!r && known)
        r = by_keys(f, want, v, ret_landed, err);
    return r;
}
