/*
 * find_near.c - which of several things of one name is meant: the one in the row, card or group
 * that shows certain words. The smaller the part of the page that holds both, the nearer they are;
 * where the tree is flat, standing in one line decides.
 */
#include "reader/page_find.h"

#include <math.h>
#include <string.h>

#include "base/str.h"
#include "reader/words.h"

#define ANCHOR_TEXT_BYTES 300 /* a longer text is no name of a row */
#define NEAR_WEIGHT       0.3 /* more than state_terms(), less than another name */
#define LINE_WEIGHT       0.05

typedef bool has_fn(const char *text, const char *words);

static bool has_all(const char *text, const char *words)
{
    return words_all_in(words, text);
}

static bool shows(const struct search *f, int i, has_fn *has)
{
    const struct scene *s = f->s;
    const struct node *n = &s->page->nodes[i];
    int bytes = scene_text_bytes(s, i);
    if (!(n->flags & NODE_VISIBLE))
        return false;
    if (bytes > 0 && bytes <= ANCHOR_TEXT_BYTES &&
        has(words_plain(s->pool, scene_text(s, i, ANCHOR_TEXT_BYTES)), f->near))
        return true;
    const char *said[] = {n->name, n->value, node_attr(n, "title")};
    for (size_t k = 0; k < ARRAY_SIZE(said); k++)
        if (!str_empty(said[k]) && has(words_plain(s->pool, said[k]), f->near))
            return true;
    return false;
}

/* The smallest parts of the page that show the words. */
static void gather(struct search *f, has_fn *has)
{
    for (int i = 0; i < f->s->page->n_nodes; i++) {
        if (!shows(f, i, has))
            continue;
        if (f->n_anchors && node_is_a(f->s->page, i, f->anchors[f->n_anchors - 1]))
            f->anchors[f->n_anchors - 1] = i;
        else if (f->n_anchors < FIND_MAX_ANCHORS)
            f->anchors[f->n_anchors++] = i;
    }
}

void find_anchors(struct search *f)
{
    if (!*f->near)
        return;
    gather(f, words_has);
    if (!f->n_anchors)
        gather(f, has_all);
}

/* Two rows, cards or entries of one list: what stands in one is not near the other. */
static bool in_another_row(const struct scene *s, int a, int b)
{
    static const char roles[] = "row listitem article option treeitem";
    int x = scene_up_to_role(s, a, roles), y = scene_up_to_role(s, b, roles);
    return x >= 0 && y >= 0 && x != y && !node_is_a(s->page, x, y) && !node_is_a(s->page, y, x);
}

static bool in_one_line(const struct node *a, const struct node *b)
{
    int top = a->box.y > b->box.y ? a->box.y : b->box.y;
    int a_end = a->box.y + a->box.h, b_end = b->box.y + b->box.h;
    int shared = (a_end < b_end ? a_end : b_end) - top;
    int less = a->box.h < b->box.h ? a->box.h : b->box.h;
    return less > 0 && shared * 2 > less;
}

static double nearness(const struct search *f, int i, int anchor)
{
    const struct page *page = f->s->page;
    int common = anchor;
    if (in_another_row(f->s, i, anchor))
        return 0;
    while (common >= 0 && !node_is_a(page, i, common))
        common = page->nodes[common].parent;
    if (common < 0)
        return 0;
    int size = page->nodes[common].end - common;
    double near = 1 - log(size + 1) / log(page->n_nodes + 2);
    return NEAR_WEIGHT * near +
           (in_one_line(&page->nodes[i], &page->nodes[anchor]) ? LINE_WEIGHT : 0);
}

double find_nearness(const struct search *f, int i)
{
    double best = 0;
    for (int a = 0; a < f->n_anchors; a++) {
        double v = nearness(f, i, f->anchors[a]);
        best = v > best ? v : best;
    }
    return best;
}
