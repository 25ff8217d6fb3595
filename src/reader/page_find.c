/*
 * page_find.c - find one thing by what a person would call it.
 *
 * Every control that the kind allows is compared with every wanted wording (label, aliases, quoted
 * words of the intent; without those, what is left of the intent). A control is known by several
 * texts: its name, placeholder, the label beside it, its attributes, the header above its column.
 * score = how well the words match * how much the text says about the control, plus small terms for
 * kind and state that only decide between equals.
 */
#include "reader/page_find.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/fields.h"
#include "reader/words.h"

#define FIND_MIN_SCORE    0.45
#define BESIDE_CONFIDENCE 0.6

/* --- which nodes may be it ------------------------------------------------------------------- */

/* A box around one thing that holds all of its words: the thing itself is what is meant. */
static bool wraps_one(const struct scene *s, int i)
{
    const struct node *nodes = s->page->nodes;
    int texts = scene_text_count(s, i);
    for (int k = i + 1; texts && k < nodes[i].end; k = nodes[k].end)
        if (nodes[k].tag[0] != '#' && scene_text_count(s, k) == texts)
            return true;
    return false;
}

static bool is_file(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return strcmp(n->tag, "input") == 0 && type && str_eq_fold(type, "file");
}

/* How well the role fits the kind: 0 not at all, else 0.8..1. */
static double kind_fit(struct search *f, int i)
{
    const struct scene *s = f->s;
    const struct node *n = &s->page->nodes[i];
    const char *r = n->role;
    bool link = strcmp(r, "link") == 0, button = in_words("button switch", r);
    bool item = in_words("menuitem menuitemcheckbox menuitemradio", r), tab = strcmp(r, "tab") == 0;
    bool acts = link || button || item || tab || in_words("checkbox radio option treeitem", r) ||
                (n->flags & NODE_CLICKABLE);
    switch (f->q->kind) {
    case TARGET_ANY:
        return acts || (n->flags & NODE_EDITABLE) ? 1 : n->level ? 0.8 : 0;
    case TARGET_BUTTON:
        return button                                ? 1
               : link || item                        ? 0.95
               : tab                                 ? 0.9
               : acts && !(n->flags & NODE_EDITABLE) ? 0.85
                                                     : 0;
    case TARGET_NAV_LINK:
        return link          ? (s->zone[i] & (ZONES_CHROME | ZONE_ASIDE) ? 1 : 0.9)
               : item || tab ? 0.95
               : acts        ? 0.8
                             : 0;
    case TARGET_TAB:
        return tab ? 1 : link || button ? 0.88 : acts ? 0.8 : 0;
    case TARGET_MENU_ITEM:
        return item                                   ? 1
               : in_words("option checkbox radio", r) ? 0.95
               : link || button                       ? 0.9
               : acts                                 ? 0.8
                                                      : 0;
    case TARGET_ROW_LINK:
        return link || button ? (scene_up_to_role(s, i, "row listitem article") >= 0 ? 1 : 0.85)
               : acts         ? 0.8
                              : 0;
    case TARGET_CELL_LINK:
        return link || button ? (scene_up_to_role(s, i, "cell gridcell rowheader") >= 0 ? 1 : 0.85)
               : acts         ? 0.8
                              : 0;
    case TARGET_FIELD:
        return n->flags & NODE_EDITABLE || in_words("textbox searchbox spinbutton", r) ? 1
               : strcmp(r, "slider") == 0 || is_file(n)                                ? 0.95
               : in_words("combobox switch", r)                                        ? 0.85
               : in_words("checkbox radio", r)                                         ? 0.8
                                                                                       : 0;
    case TARGET_SELECT:
        return strcmp(n->tag, "select") == 0 || in_words("combobox listbox", r) ||
                       node_attr(n, "aria-haspopup")
                   ? 1
               : button || (n->flags & NODE_EDITABLE) ? 0.85
               : !r[0] && (n->flags & NODE_CLICKABLE) ? 0.8
                                                      : 0;
    case TARGET_OPTION:
        return strcmp(r, "option") == 0                ? 1
               : item || in_words("radio checkbox", r) ? 0.95
               : acts                                  ? 0.85
               : strcmp(n->tag, "li") == 0             ? 0.8
                                                       : 0;
    case TARGET_THING:
        return acts ? 1 : wraps_one(s, i) ? 0 : 0.95;
    }
    return 0;
}

static bool allowed_here(const struct search *f, int i)
{
    const struct node *n = &f->s->page->nodes[i];
    struct point at = node_point(f->s->page, n);
    if (f->q->region && !rect_contains(*f->q->region, at.x, at.y))
        return false;
    for (int k = 0; k < f->q->n_avoid; k++)
        if (rect_contains(n->box, f->q->avoid[k].x, f->q->avoid[k].y))
            return false;
    return true;
}

/* --- choosing -------------------------------------------------------------------------------- */

/* One thing twice: nested in each other, or two links with one target. */
static bool same_thing(const struct scene *s, int a, int b)
{
    const struct node *x = &s->page->nodes[a], *y = &s->page->nodes[b];
    return node_is_a(s->page, a, b) || node_is_a(s->page, b, a) ||
           (x->href[0] && strcmp(x->href, y->href) == 0);
}

/* The site's frame and its content do not compete: a search box in the header is no rival of the
 * form's field. */
static bool in_frame(const struct scene *s, int i)
{
    return s->zone[i] & (ZONES_CHROME | ZONE_ASIDE);
}

/* Two things that a part of the wording fits, both or only the better one by a part: "Name" is
 * "Full name" and "Boat name". */
static bool compete(const struct search *f, const struct hit *a, const struct hit *b)
{
    bool typed = f->q->kind == TARGET_FIELD || f->q->kind == TARGET_SELECT;
    if (!typed || !a->by || !b->by || same_thing(f->s, a->node, b->node) ||
        in_frame(f->s, a->node) != in_frame(f->s, b->node))
        return false;
    return words_count(a->by) <= 1 || fabs(a->score - b->score) < 0.02;
}

static void remember(struct search *f, struct hit h)
{
    if (f->best.node >= 0 && compete(f, &f->best, &h))
        f->rival = h.score > f->best.score ? f->best : h;
    else if (f->best.node < 0 || h.score > f->best.score + 1e-9)
        f->rival.node = -1;
    if (f->best.node < 0 || h.score > f->best.score + 1e-9) {
        if (f->best.node >= 0 && !same_thing(f->s, f->best.node, h.node))
            f->second = f->best;
        f->best = h;
    } else if (!same_thing(f->s, f->best.node, h.node) && h.score > f->second.score) {
        f->second = h;
    }
}

/* The three best that were not good enough, for the message. */
static void remember_near(struct search *f, struct hit h)
{
    for (size_t k = 0; k < ARRAY_SIZE(f->near_misses); k++)
        if (f->near_misses[k].node < 0 || h.score > f->near_misses[k].score) {
            for (size_t m = ARRAY_SIZE(f->near_misses) - 1; m > k; m--)
                f->near_misses[m] = f->near_misses[m - 1];
            f->near_misses[k] = h;
            return;
        }
}

/* Small terms for state: they choose between equal words and never outweigh better ones. */
static double state_terms(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    double v = 0;
    v += n->flags & NODE_IN_VIEW ? 0.02 : 0;
    v -= n->flags & NODE_COVERED ? 0.03 : 0;
    v -= n->flags & NODE_DISABLED ? 0.25 : 0;
    v -= s->zone[i] & ZONE_FOOTER ? 0.015 : 0;
    v += s->zone[i] & (ZONE_DIALOG | ZONE_MAIN) ? 0.005 : 0;
    return v;
}

static double preferred(const struct search *f, int i)
{
    struct point at = node_point(f->s->page, &f->s->page->nodes[i]);
    return f->q->prefer && rect_contains(*f->q->prefer, at.x, at.y) ? 0.025 : 0;
}

/* An option of a closed drop-down has no box of its own; its <select> stands for it. */
static bool reachable(const struct search *f, int i)
{
    if (scene_shown(f->s, i) || find_stand_in(f->s, i) >= 0)
        return true;
    int p = f->s->page->nodes[i].parent;
    return f->q->kind == TARGET_OPTION && p >= 0 &&
           strcmp(f->s->page->nodes[i].tag, "option") == 0 && scene_shown(f->s, p);
}

/* One word out of the name of a field for addresses or numbers of a kind, and not the word for that
 * kind: "Address" is no "E-mail address". */
static bool type_says_else(const struct node *n, const char *by)
{
    static const struct {
        const char *type;
        enum meaning meaning;
    } types[] = {{"email", MEANS_EMAIL}, {"tel", MEANS_PHONE}, {"url", MEANS_URL}};
    const char *type = node_attr(n, "type");
    for (size_t k = 0; type && words_count(by) <= 1 && k < ARRAY_SIZE(types); k++)
        if (str_eq_fold(type, types[k].type))
            return !meaning_named(types[k].meaning, by);
    return false;
}

/* Only a part of the field's name is what was wanted, and it is a field for something else. A search
 * box finds things by their phone; it does not hold one. */
static bool is_for_else(const struct search *f, int i)
{
    static const char searching[] = "search find look filter query";
    const struct node *n = &f->s->page->nodes[i];
    if (f->q->kind != TARGET_FIELD || !f->by)
        return false;
    bool asked = false;
    for (const char *p = f->by; *p && !asked; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        asked = in_words(searching, pool_strndup(f->s->pool, p, len));
        p += len;
    }
    return (!asked && find_is_search_box(f->s, i)) || type_says_else(n, f->by);
}

/* A label is no control, unless its own cannot be seen: then it stands for it. */
static bool only_labels(const struct scene *s, int i)
{
    const struct node *nodes = s->page->nodes;
    const char *to = node_attr(&nodes[i], "for");
    for (int k = to ? 0 : i + 1; k < (to ? s->page->n_nodes : nodes[i].end); k++) {
        const char *id = to ? node_attr(&nodes[k], "id") : NULL;
        if (in_words("input select textarea", nodes[k].tag) &&
            (!to || (id && strcmp(id, to) == 0)))
            return scene_shown(s, k);
    }
    return true;
}

static void consider(struct search *f, int i)
{
    const struct node *n = &f->s->page->nodes[i];
    if (n->tag[0] == '#' || in_words("html body", n->tag) || !reachable(f, i) ||
        (strcmp(n->tag, "label") == 0 && only_labels(f->s, i)))
        return;
    double fit = kind_fit(f, i);
    if (fit == 0 || !allowed_here(f, i))
        return;
    if (!n->role[0] && scene_text_bytes(f->s, i) > 200)
        return;
    f->text = "";
    f->by = NULL;
    double match = find_text_score(f, i), near = match > 0 ? find_nearness(f, i) : 0;
    if (is_for_else(f, i) || (f->only_near && near == 0))
        match = 0;
    struct hit h = {i, match * fit + state_terms(f->s, i) + preferred(f, i) + near, near, f->text, f->by};
    if (match > 0 && h.score - near >= FIND_MIN_SCORE)
        remember(f, h);
    else if (*scene_label(f->s, i))
        remember_near(f, h);
}

static const char *wanted_words(const struct search *f)
{
    struct buf b;
    buf_init(&b, 4096);
    for (int i = 0; i < f->n_wanted && i < 4; i++)
        buf_addf(&b, "%s'%.60s'", i ? " or " : "", f->wanted[i].plain);
    const char *out = pool_strdup(f->s->pool, b.len ? b.data : "nothing in particular");
    buf_release(&b);
    return out;
}

/* What the page calls it: its own name, else the text it was found by. */
static const char *shown_name(const struct search *f, const struct hit *h)
{
    const char *label = scene_label(f->s, h->node);
    return *label ? label : pool_strdup(f->s->pool, h->text);
}

static int not_found(struct search *f, struct err *err)
{
    static const char *const kind_words[] = {
        "control",   "button", "navigation link", "tab",    "menu item", "row link",
        "cell link", "field",  "drop-down",       "option", "thing"};
    struct buf b;
    buf_init(&b, 1024);
    for (size_t k = 0; k < ARRAY_SIZE(f->near_misses); k++)
        if (f->near_misses[k].node >= 0)
            buf_addf(&b, "%s'%s'", b.len ? ", " : "",
                     str_cut(f->s->pool, scene_label(f->s, f->near_misses[k].node), 40));
    const char *where =
        !f->only_near
            ? ""
            : pool_printf(f->s->pool, f->n_anchors ? " near '%s'" : " near '%s' (not shown)",
                          str_cut(f->s->pool, f->near, 80));
    int r = err_set(err, E_NOT_FOUND, "no %s like %s%s%s on the page; nearest: %s",
                    kind_words[f->q->kind], str_cut(f->s->pool, wanted_words(f), 200), where,
                    f->q->region ? " in that region" : "", b.len ? b.data : "none of that kind");
    buf_release(&b);
    return r;
}

static int several(struct search *f, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "%s fits '%s' and '%s' alike: say which",
                   str_cut(f->s->pool, wanted_words(f), 200),
                   str_cut(f->s->pool, shown_name(f, &f->best), 60),
                   str_cut(f->s->pool, shown_name(f, &f->rival), 60));
}

/* Two things of that name, and the place says nothing about which. */
static bool same_place(const struct search *f)
{
    const struct hit *a = &f->best, *b = &f->second;
    return f->only_near && b->node >= 0 && fabs(a->near - b->near) < 1e-3 &&
           fabs(a->score - b->score) < 0.03;
}

/* Where node is clicked: an option in its <select>, a hidden check box in its label. */
static void point_at(const struct scene *s, int node, double confidence, struct target *out)
{
    int at = find_stand_in(s, node);
    if (at < 0)
        at = scene_shown(s, node) ? node : s->page->nodes[node].parent;
    scene_target(s, at, confidence, out);
    out->node = node;
}

static bool found_beside(struct search *f, struct target *out)
{
    int node = find_beside(f);
    if (node < 0)
        return false;
    point_at(f->s, node, BESIDE_CONFIDENCE, out);
    out->label = pool_strdup(f->s->pool, f->q->label[0] ? f->q->label : f->text);
    return true;
}

int page_find_sure(struct pool *pool, const struct observation *obs,
                   const struct target_query *query, struct target *out, bool *ret_several,
                   struct err *err)
{
    struct scene s;
    int r = scene_create(pool, obs, &s, err);
    *ret_several = false;
    if (r)
        return r;
    struct search f = {.s = &s,
                       .q = query,
                       .best = {.node = -1},
                       .second = {.node = -1},
                       .rival = {.node = -1},
                       .near_misses = {{.node = -1}, {.node = -1}, {.node = -1}}};
    find_gather_wanted(&f);
    find_anchors(&f);
    if (!f.n_wanted)
        return err_set(err, E_INVALID, "find: neither a label nor an intent says what to look for");
    for (int i = 0; i < s.page->n_nodes; i++)
        consider(&f, i);
    if (f.best.node < 0)
        return found_beside(&f, out) ? 0 : not_found(&f, err);
    if (same_place(&f))
        f.rival = f.second;
    *ret_several = f.rival.node >= 0;
    if (*ret_several)
        return several(&f, err);
    double confidence = f.best.score < 1 ? f.best.score : 1;
    if (f.second.node >= 0 && f.second.score > f.best.score - 0.02)
        confidence *= 0.75;
    point_at(&s, f.best.node, confidence, out);
    out->label = shown_name(&f, &f.best);
    return 0;
}

int page_find(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct target_query *query, struct target *out, struct err *err)
{
    bool several_fit;
    return page_find_sure(pool, obs, query, out, &several_fit, err);
}
