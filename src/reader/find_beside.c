/*
 * find_beside.c - things without a name of their own. A check box that was drawn anew lies hidden
 * beside its label, and clicking the label sets it; a switch or slider made of boxes is known by the
 * words that stand in the same row; an entry of a menu may be nothing but its words.
 */
#include "reader/page_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "reader/words.h"

#define LEVELS_UP        4   /* how far from its words a thing may stand in the tree */
#define GROUP_TEXT_BYTES 300 /* a part of the page with more text is no row of a form */
#define MIN_MATCH        0.85
#define EXACT_MATCH      0.93

/* --- hidden controls -------------------------------------------------------------------------- */

/* Pushed out at the left or top, where no scrolling leads. */
static bool out_of_reach(const struct page *page, const struct node *n)
{
    return n->box.x + n->box.w + page->scroll_x <= page->viewport.x ||
           n->box.y + n->box.h + page->scroll_y <= page->viewport.y;
}

static bool labels(const struct scene *s, int label, int i)
{
    const char *to = node_attr(&s->page->nodes[label], "for");
    const char *id = node_attr(&s->page->nodes[i], "id");
    return strcmp(s->page->nodes[label].tag, "label") == 0 && scene_shown(s, label) &&
           (node_is_a(s->page, i, label) || (to && id && *id && strcmp(to, id) == 0));
}

int find_stand_in(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    const char *type = node_attr(n, "type");
    if (strcmp(n->tag, "input") != 0 || !type || !in_words("checkbox radio file", type) ||
        (scene_shown(s, i) && !out_of_reach(s->page, n)))
        return -1;
    for (int k = 0; k < s->page->n_nodes; k++)
        if (labels(s, k, i))
            return k;
    return -1;
}

/* --- by the words beside it ------------------------------------------------------------------- */

static bool acts(const struct node *n)
{
    const char *tabindex = node_attr(n, "tabindex");
    return (n->flags & (NODE_CLICKABLE | NODE_EDITABLE)) || (tabindex && atoi(tabindex) >= 0) ||
           in_words("input select textarea button", n->tag) ||
           in_words("switch slider checkbox radio spinbutton", n->role);
}

static bool is_nameless(const struct scene *s, int i)
{
    return !s->page->nodes[i].name[0] && scene_text_bytes(s, i) == 0;
}

/* The only nameless thing below node group, -1: none, -2: several. */
static int only_one(const struct search *f, int group, int text)
{
    const struct page *page = f->s->page;
    int found = -1;
    for (int i = group + 1; i < page->nodes[group].end; i++) {
        if (page->nodes[i].tag[0] == '#' || node_is_a(page, text, i) || !scene_shown(f->s, i) ||
            !acts(&page->nodes[i]) || !is_nameless(f->s, i))
            continue;
        if (found >= 0)
            return -2;
        found = i;
        i = page->nodes[i].end - 1;
    }
    return found;
}

static int partner_of(const struct search *f, int text)
{
    const struct page *page = f->s->page;
    int group = page->nodes[text].parent, found = -1;
    for (int up = 0; found == -1 && group > 0 && up < LEVELS_UP; up++) {
        if (scene_text_bytes(f->s, group) > GROUP_TEXT_BYTES)
            break;
        found = only_one(f, group, text);
        group = page->nodes[group].parent;
    }
    return found;
}

/* Words that are clicked as they stand: only where any control will do, and somebody named them. */
static bool may_be_words(const struct search *f)
{
    return f->q->label[0] && (f->q->kind == TARGET_ANY || f->q->kind == TARGET_MENU_ITEM ||
                              f->q->kind == TARGET_TAB || f->q->kind == TARGET_OPTION);
}

static bool is_there(const struct search *f, int i)
{
    const struct node *n = &f->s->page->nodes[i];
    struct point at = node_point(f->s->page, n);
    return (!f->only_near || find_nearness(f, i) > 0) &&
           (!f->q->region || rect_contains(*f->q->region, at.x, at.y));
}

int find_beside(struct search *f)
{
    const struct page *page = f->s->page;
    int words = -1;
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *t = &page->nodes[i];
        double match = 0;
        if (!t->text[0] || !(t->flags & NODE_VISIBLE) || t->parent < 0)
            continue;
        find_take(f, t->text, 1.0, &match);
        int partner = match >= MIN_MATCH ? partner_of(f, i) : -1;
        if (partner >= 0 && is_there(f, partner))
            return partner;
        if (match >= EXACT_MATCH && words < 0 && may_be_words(f) && is_there(f, t->parent) &&
            scene_shown(f->s, t->parent))
            words = t->parent;
    }
    return words;
}
