/*
 * model_point.c - where a model points: a pixel of its picture becomes one of the screen, and on a
 * page that can be read something must stand there. A point outside the picture, or (0,0), is no
 * point: it is how models point at what does not exist.
 */
#include <math.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/reading.h"
#include "reader/model_reader.h"
#include "reader/scene.h"

#define CONFIDENCE_PAGE   0.7 /* something stands there */
#define CONFIDENCE_PIXELS 0.6
#define BOX_PX            10 /* of a target that is only a point */

bool model_point(const struct look_answer *a, const json_t *at, struct point *out)
{
    const struct space *space = &a->mind->profile->space;
    double x, y;
    bool x_decimal, y_decimal;
    bool edge =
        space->kind == SPACE_UNIT || space->kind == SPACE_PER_MILLE; /* 1 is the last pixel */
    int w, h;
    if (!argument_number(json_object_get(at, "x"), &x, &x_decimal) ||
        !argument_number(json_object_get(at, "y"), &y, &y_decimal) || (x == 0 && y == 0))
        return false;
    bool fraction = x_decimal && y_decimal && x >= 0 && x <= 1 && y >= 0 && y <= 1;
    space_size(space, a->view.image_w, a->view.image_h, &w, &h);
    if (x < 0 || y < 0 || x > w || y > h || (!edge && (x >= w || y >= h)))
        return false;
    *out = space_to_screen(space, &a->view, x, y, fraction);
    return true;
}

/* --- on a page ------------------------------------------------------------------------------- */

static bool may_stand_there(const struct scene *s, int i, struct point at)
{
    const struct node *n = &s->page->nodes[i];
    return scene_shown(s, i) && (n->flags & NODE_IN_VIEW) && *n->tag != '#' &&
           !in_words("html body head iframe", n->tag) && rect_contains(n->box, at.x, at.y);
}

/* The smallest thing there, the later of equals: it lies on top. */
static int smallest_at(const struct scene *s, struct point at)
{
    int best = -1;
    for (int i = 0; i < s->page->n_nodes; i++)
        if (may_stand_there(s, i, at) &&
            (best < 0 || rect_area(s->page->nodes[i].box) <= rect_area(s->page->nodes[best].box)))
            best = i;
    return best;
}

/* What reacts there: the thing or what it is part of. -1: nothing does. */
static int reacting(const struct scene *s, int i)
{
    while (i >= 0 && !(s->page->nodes[i].flags & (NODE_CLICKABLE | NODE_EDITABLE)))
        i = s->page->nodes[i].parent;
    return i >= 0 && !in_words("html body", s->page->nodes[i].tag) ? i : -1;
}

static bool says_anything(const struct scene *s, int i)
{
    return *scene_label(s, i) || in_words("img svg canvas video", s->page->nodes[i].tag);
}

static int target_on_page(struct pool *pool, const struct observation *obs, struct point at,
                          struct target *out, struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    if (r)
        return r;
    int there = smallest_at(&s, at), i = there < 0 ? -1 : reacting(&s, there);
    if (i < 0 && there >= 0 && says_anything(&s, there))
        i = there;
    if (i < 0)
        return err_set(err, E_NOT_FOUND, "it pointed at (%d,%d), where nothing stands", at.x, at.y);
    scene_target(&s, i, CONFIDENCE_PAGE, out);
    out->at = at;
    out->in_view = true;
    return 0;
}

/* --- on pixels ------------------------------------------------------------------------------- */

static const struct {
    const char *act, *tag, *role;
} kinds_of_act[] = {{"type", "input", "textbox"}, {"select", "", "combobox"}};

static struct target target_on_pixels(struct pool *pool, struct point at, const char *label,
                                      const char *act)
{
    struct target t = {.at = at,
                       .box = {at.x - BOX_PX / 2, at.y - BOX_PX / 2, BOX_PX, BOX_PX},
                       .in_view = true,
                       .label = pool_strdup(pool, label),
                       .tag = "",
                       .role = "",
                       .node = -1,
                       .confidence = CONFIDENCE_PIXELS};
    for (size_t i = 0; i < ARRAY_SIZE(kinds_of_act); i++)
        if (!strcmp(kinds_of_act[i].act, act)) {
            t.tag = kinds_of_act[i].tag;
            t.role = kinds_of_act[i].role;
        }
    return t;
}

int model_target(struct pool *pool, const struct observation *obs, struct point at,
                 const char *label, const char *act, struct target *out, struct err *err)
{
    if (obs->page)
        return target_on_page(pool, obs, at, out, err);
    *out = target_on_pixels(pool, at, label, act);
    return 0;
}
