/*
 * snapshot_box.c - where an element is on the screen, how much of it shows, and what that means for
 * its children.
 */
#include "plane/cdp/snapshot_priv.h"
#include "base/str.h"

#include <math.h>
#include <string.h>

#define SPILL_PX 2 /* rounding */

struct area box_intersect(struct area a, struct area b)
{
    return (struct area){fmax(a.x1, b.x1), fmax(a.y1, b.y1), fmin(a.x2, b.x2), fmin(a.y2, b.y2)};
}

static bool is_empty(struct area a)
{
    return a.x2 - a.x1 <= 0 || a.y2 - a.y1 <= 0;
}

static int to_px(double v)
{
    return v > 1e7 ? 10000000 : v < -1e7 ? -10000000 : (int)floor(v + 0.5);
}

static struct rect to_rect(struct area a)
{
    if (is_empty(a))
        return (struct rect){to_px(a.x1), to_px(a.y1), 0, 0};
    int x = to_px(a.x1), y = to_px(a.y1), w = to_px(a.x2) - x, h = to_px(a.y2) - y;
    return (struct rect){x, y, w > 0 ? w : 1, h > 0 ? h : 1};
}

static struct area to_screen(const struct doc *d, const struct place *place, const double b[4])
{
    double x = place->x + (b[0] - d->scroll_x) * place->scale;
    double y = place->y + (b[1] - d->scroll_y) * place->scale;
    return (struct area){x, y, x + b[2] * place->scale, y + b[3] * place->scale};
}

bool box_on_screen(const struct doc *d, const struct place *place, int layout, struct area *out)
{
    double b[4];
    if (!doc_bounds(d, layout, b))
        return false;
    *out = to_screen(d, place, b);
    return true;
}

void box_of_line(const struct doc *d, const struct place *place, int layout, struct rect *out)
{
    double b[4];
    if (doc_line_bounds(d, layout, b))
        *out = to_rect(to_screen(d, place, b));
}

static const struct clip *clip_for(const struct open_node *parent, const struct place *place,
                                   const char *position)
{
    if (strcmp(position, "fixed") == 0)
        return &place->clip;
    return strcmp(position, "absolute") == 0 ? &parent->absolute : &parent->flow;
}

void box_place(struct node *n, struct shadow_node *s, struct rect v, struct area box,
               const struct clip *clip, bool shown)
{
    struct area view = {v.x, v.y, v.x + v.w, v.y + v.h};
    struct area kept = box_intersect(box, clip->area), seen = box_intersect(kept, view);
    n->box = to_rect(is_empty(kept) ? box : kept);
    if (!shown || is_empty(box))
        return;
    if (is_empty(kept) && clip->hides)
        return;
    n->flags |= NODE_VISIBLE;
    if (is_empty(seen))
        return;
    n->flags |= NODE_IN_VIEW;
    s->shown = to_rect(seen);
}

static bool is_see_through(const char *color)
{
    size_t len = strlen(color);
    return !*color || strcmp(color, "transparent") == 0 ||
           (len > 4 && strcmp(color + len - 4, ", 0)") == 0);
}

static bool is_picture(const char *tag)
{
    static const char *const list[] = {"img",   "iframe", "video", "canvas",
                                       "embed", "object", "svg"};
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        if (strcmp(list[i], tag) == 0)
            return true;
    return false;
}

/* Custom check boxes and file buttons are often a transparent input over a drawn one. */
static bool fades(const struct node *n, const char *opacity)
{
    const char *type = node_attr(n, "type");
    if (strcmp(opacity, "0") != 0)
        return false;
    return strcmp(n->tag, "input") != 0 || !type ||
           !(str_eq_fold(type, "checkbox") || str_eq_fold(type, "radio") ||
             str_eq_fold(type, "file"));
}

static void set_child_clips(const struct doc *d, int i, const struct node *n, struct area box,
                            const struct clip *own, const char *position, struct open_node *open)
{
    const char *ox = doc_style(d, i, STYLE_OVERFLOW_X), *oy = doc_style(d, i, STYLE_OVERFLOW_Y);
    bool root =
        strcmp(n->tag, "html") == 0 || strcmp(n->tag, "body") == 0; /* theirs is the viewport's */
    bool positioned = *position && strcmp(position, "static") != 0;
    open->flow = *own;
    if (!root && *ox && !(strcmp(ox, "visible") == 0 && strcmp(oy, "visible") == 0)) {
        bool scrolls = strcmp(ox, "auto") == 0 || strcmp(ox, "scroll") == 0 ||
                       strcmp(oy, "auto") == 0 || strcmp(oy, "scroll") == 0;
        open->flow.area = box_intersect(own->area, box);
        open->flow.hides = !scrolls;
        open->flow.pane = scrolls ? open->node + 1 : 0;
    }
    if (positioned)
        open->absolute = open->flow;
}

static int spills_out_of(const struct clip *clip, struct area box)
{
    bool out = box.y2 > clip->area.y2 + SPILL_PX || box.y1 < clip->area.y1 - SPILL_PX;
    return clip->pane && out && !is_empty(box) ? clip->pane : 0;
}

void box_of_element(const struct doc *d, int i, const struct place *place, struct rect view,
                    const struct open_node *parent, struct node *n, struct shadow_node *s,
                    struct open_node *open)
{
    struct area box;
    open->spills = 0;
    if (!box_on_screen(d, place, d->layout[i], &box))
        return;
    const char *position = doc_style(d, i, STYLE_POSITION);
    const struct clip *clip = clip_for(parent, place, position);
    open->spills = spills_out_of(clip, box);
    open->faded = parent->faded || fades(n, doc_style(d, i, STYLE_OPACITY));
    bool shown = !open->faded && strcmp(doc_style(d, i, STYLE_VISIBILITY), "visible") == 0;
    open->paint_order = s->paint_order = doc_paint_order(d, i);
    open->takes_clicks = s->takes_clicks =
        shown && strcmp(doc_style(d, i, STYLE_POINTER_EVENTS), "none") != 0;
    s->opaque = is_picture(n->tag) || !is_see_through(doc_style(d, i, STYLE_BACKGROUND));
    s->own_layer =
        s->paint_order != parent->paint_order || (s->takes_clicks && !parent->takes_clicks);
    open->pointer = strcmp(doc_style(d, i, STYLE_CURSOR), "pointer") == 0;
    box_place(n, s, view, box, clip, shown);
    bool root = strcmp(n->tag, "html") == 0 || strcmp(n->tag, "body") == 0;
    if (!root && ((d->bits[i] & DOC_CLICKABLE) || (open->pointer && !parent->pointer)))
        n->flags |= NODE_CLICKABLE;
    set_child_clips(d, i, n, box, clip, position, open);
}
