#include "run/toggle.h"

#include <string.h>

#include "run/look.h"

#define MIN_SHARE 0.02 /* of the target's picture */
#define PLACE_PX  40   /* around a place */
#define ASIDE_PX                                                                                   \
    3 /* from the lower left corner of the page, where the pointer is in nobody's way */

static bool same_attrs(const struct node *a, const struct node *b)
{
    if (a->n_attrs != b->n_attrs || strcmp(a->tag, b->tag))
        return false;
    for (int i = 0; i < a->n_attrs; i++)
        if (strcmp(a->attrs[i].name, b->attrs[i].name) ||
            strcmp(a->attrs[i].value, b->attrs[i].value))
            return false;
    return true;
}

bool toggle_attrs_differ(const struct page *a, const struct page *b, int node)
{
    if (node < 0 || a->n_nodes != b->n_nodes || strcmp(a->nodes[node].tag, b->nodes[node].tag))
        return false; /* another tree: what is where cannot be told */
    for (int i = node; i < a->nodes[node].end; i++)
        if (!same_attrs(&a->nodes[i], &b->nodes[i]))
            return true;
    return false;
}

bool toggle_looks_differ(const struct frame *a, const struct frame *b, struct rect box)
{
    return a->pixels && b->pixels && frame_difference_in(a, b, &box) > MIN_SHARE;
}

static int pointer_aside(struct run *run, const struct page *page, struct err *err)
{
    struct settled s = {0};
    struct action a = {.type = ACTION_MOVE,
                       .x = page->viewport.x + ASIDE_PX,
                       .y = page->viewport.y + page->viewport.h - ASIDE_PX};
    return run_act(run, &a, CAP_SCROLL_MS, &s, err);
}

/* What a place that was given by its coordinates shows may be painted: then the picture alone tells. */
static bool is_place(const struct aim *aim)
{
    return aim->target.node < 0;
}

static struct rect picture_of(const struct aim *aim)
{
    struct point at = aim->target.at;
    return is_place(aim) ? (struct rect){at.x - PLACE_PX / 2, at.y - PLACE_PX / 2, PLACE_PX, PLACE_PX}
                         : aim->target.box;
}

static bool attrs_allow(const struct aim *aim, const struct page *now)
{
    return is_place(aim) || toggle_attrs_differ(aim->obs.page, now, aim->target.node);
}

int toggle_seen(struct run *run, const struct aim *aim, const struct observation *after,
                bool *ret_seen, struct err *err)
{
    const struct observation *before = &aim->obs;
    struct observation now;
    *ret_seen = false;
    if (!before->page || !after->page || !attrs_allow(aim, after->page))
        return 0;
    int r = pointer_aside(run, after->page, err);
    if (!r)
        r = run_look(run, &now, err);
    if (!r)
        *ret_seen = now.page && attrs_allow(aim, now.page) &&
                    toggle_looks_differ(&before->frame, &now.frame, picture_of(aim));
    return r;
}
