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

/* Pixels cannot be read back, but text that went into a field changes the picture around it. */
static bool shows_typing(const struct fill *f, const struct observation *before,
                         const struct observation *now)
{
    const struct rect around = {f->out->at.x - FIELD_W / 2, f->out->at.y - FIELD_H / 2, FIELD_W,
                                FIELD_H};
    if (now->page || !*f->value || !before->frame.pixels || !now->frame.pixels)
        return true;
    return frame_difference_in(&before->frame, &now->frame, &around) > 0;
}

/* Where no field took it, ctrl+a has selected the page, which is hard to read then. */
static int unselect(struct run *run, struct point at, struct err *err)
{
    struct settled s = {0};
    return run_click(run, at, BUTTON_LEFT, &s, err);
}

int fill_text(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    struct run *run = f->run;
    struct settled s = {0};
    struct observation before = {0}, obs;
    bool known_empty = try_no == 0 && f->node && !field_is_rich(f->node) && str_empty(f->node->value);
    int r = run_click(run, f->out->at, BUTTON_LEFT, &s, err);
    if (!r)
        r = empty_field(run, known_empty, !*f->value, err);
    if (!r && !f->aim.obs.page)
        r = run_look(run, &before, err);
    if (!r && *f->value)
        r = run_type(run, f->value, err); /* over the selection */
    if (!r)
        r = run_look(run, &obs, err);
    if (r)
        return r;
    *ret_landed = shows_typing(f, &before, &obs) &&
                  (field_holds(run, &obs, f->value) || became_a_chip(f, &obs));
    return *ret_landed || obs.page ? 0 : unselect(run, f->out->at, err);
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
