/*
 * fill_text.c - fields that are typed into: one line, many lines, rich text, a box per character.
 */
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/steps/fill.h"

enum { FIELD_W = 640, FIELD_H = 60 }; /* px around a point in a field, that its text is in */

/* Replace what is there; a field that is known to be empty needs no keys for that. */
static int empty_field(struct run *run, bool known_empty, bool stays_empty, struct err *err)
{
    int r = known_empty ? 0 : run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    return r || known_empty || !stays_empty ? r : run_key(run, "Delete", CAP_TYPE_MS, err);
}

/* Visible texts of the page that are the word, perhaps with a sign to take it away behind it. */
static int times_shown(struct pool *pool, const struct page *page, const char *word)
{
    int n = 0;
    for (int i = 0; i < page->n_nodes; i++)
        n += page->nodes[i].text[0] && page->nodes[i].flags & NODE_VISIBLE &&
             str_eq_fold(str_squash(pool, page->nodes[i].text), word);
    return n;
}

/* A field for several values puts each into a box of its own as soon as a comma or Return ends it, and
 * is empty again. */
static bool became_a_chip(const struct fill *f, const struct observation *now)
{
    struct pool *pool = f->run->step_pool;
    const struct node *n = look_focused(now);
    char *word = str_squash(pool, f->value);
    size_t len = strlen(word);
    while (len && strchr(",; ", word[len - 1]))
        word[--len] = 0;
    return len && n && str_empty(n->value) && !field_is_rich(n) && f->aim.obs.page &&
           times_shown(pool, now->page, word) > times_shown(pool, f->aim.obs.page, word);
}

/* Screens on the way: after the click, with everything selected, and with the text. */
struct looks {
    struct observation clicked, selected, typed;
    bool unselected; /* and then everything was let go of again */
};

static bool differ(const struct observation *a, const struct observation *b, struct rect area)
{
    return frame_difference_in(&a->frame, &b->frame, &area) > 0;
}

/* Where no field took it, ctrl+a has selected the page, which is hard to read then. */
static int unselect(struct run *run, struct point at, struct err *err)
{
    struct settled s = {0};
    return run_click(run, at, BUTTON_LEFT, &s, err);
}

/* Pixels cannot be read back, but text that went into a field changes the picture around it. When more than that
 * changed, it may be the selection of a whole page, shown late: that is taken away, and what is left is the text. */
static int shows_typing(const struct fill *f, struct looks *looks, bool *ret_shows,
                        struct err *err)
{
    const struct rect around = {f->out->at.x - FIELD_W / 2, f->out->at.y - FIELD_H / 2, FIELD_W,
                                FIELD_H},
                      above = {0, 0, looks->typed.frame.width, around.y > 0 ? around.y : 1};
    struct observation left;
    *ret_shows = true;
    if (looks->typed.page || !*f->value || !looks->clicked.frame.pixels ||
        !looks->selected.frame.pixels || !looks->typed.frame.pixels)
        return 0;
    *ret_shows = differ(&looks->selected, &looks->typed, around);
    if (!*ret_shows || !differ(&looks->selected, &looks->typed, above))
        return 0;
    looks->unselected = true;
    int r = unselect(f->run, f->out->at, err);
    if (!r)
        r = run_look(f->run, &left, err);
    if (!r && left.frame.pixels)
        *ret_shows = differ(&looks->clicked, &left, around);
    return r;
}

int fill_text(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    struct run *run = f->run;
    struct settled s = {0};
    struct looks looks = {0};
    bool shows, dom = f->aim.obs.page;
    bool known_empty = try_no == 0 && f->node && !field_is_rich(f->node) && str_empty(f->node->value);
    int r = run_click(run, f->out->at, BUTTON_LEFT, &s, err);
    if (!r && !dom)
        r = run_look(run, &looks.clicked, err);
    if (!r)
        r = empty_field(run, known_empty, !*f->value, err);
    if (!r && !dom)
        r = run_look(run, &looks.selected, err);
    if (!r && *f->value)
        r = run_type(run, f->value, err); /* over the selection */
    if (!r)
        r = run_look(run, &looks.typed, err);
    if (!r)
        r = shows_typing(f, &looks, &shows, err);
    if (r)
        return r;
    *ret_landed = shows && (field_holds(run, &looks.typed, f->value) || became_a_chip(f, &looks.typed));
    return *ret_landed || dom || looks.unselected ? 0 : unselect(run, f->out->at, err);
}

/* --- a box per character ---------------------------------------------------------------------- */

static bool is_box(const struct node *n)
{
    const char *max = node_attr(n, "maxlength");
    return !strcmp(n->tag, "input") && max && atoi(max) == 1 && (n->flags & NODE_VISIBLE);
}

bool fill_is_boxes(const struct fill *f)
{
    return f->node && is_box(f->node) && strlen(f->value) > 1;
}

/* What the boxes from node on show together, as many as the value has characters. */
static const char *boxes_show(struct pool *pool, const struct page *page, const struct node *node,
                              size_t n)
{
    const char *out = "";
    for (int i = (int)(node - page->nodes); i < page->n_nodes && n; i++)
        if (is_box(&page->nodes[i])) {
            out = pool_printf(pool, "%s%s", out, page->nodes[i].value);
            n--;
        }
    return out;
}

/* Boxes that do not pass the focus on are gone to with Tab. */
static int type_each(struct run *run, const char *value, struct err *err)
{
    int r = 0;
    for (const char *p = value; !r && *p; p++) {
        r = run_type(run, pool_strndup(run->step_pool, p, 1), err);
        if (!r && p[1])
            r = run_key(run, "Tab", CAP_TYPE_MS, err);
    }
    return r;
}

int fill_boxes(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    struct run *run = f->run;
    struct settled s = {0};
    struct observation obs;
    const struct node *n;
    int r = run_click(run, f->out->at, BUTTON_LEFT, &s, err);
    if (!r && try_no > 0)
        r = run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    if (!r)
        r = try_no == 0 ? run_type(run, f->value, err) : type_each(run, f->value, err);
    if (!r)
        r = fill_look_again(f, &obs, &n, err);
    if (!r && n)
        *ret_landed =
            !strcmp(boxes_show(run->step_pool, obs.page, n, strlen(f->value)), f->value);
    return r;
}
