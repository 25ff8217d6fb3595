/*
 * page_single.c - the only result of a search. One thing repeats nothing, so it must say itself
 * that it is an item: a row below the headers of a table, or a card in a list.
 */
#include "reader/page_parts.h"

#include <string.h>

#define SINGLE_MIN_CELLS 2

static bool opens(const struct scene *s, int i)
{
    return page_card_link(s, i) >= 0;
}

/* A row of cells in a table whose other rows are headers. */
static bool is_row(const struct scene *s, int i)
{
    const struct node *nodes = s->page->nodes;
    int table = scene_up_to_role(s, i, "table grid"), cells = 0, headers = 0;
    if (strcmp(nodes[i].role, "row") != 0 || table < 0)
        return false;
    for (int k = i + 1; k < nodes[i].end; k++) {
        cells += in_words("cell gridcell rowheader", nodes[k].role);
        headers += strcmp(nodes[k].role, "columnheader") == 0;
    }
    if (headers || cells < SINGLE_MIN_CELLS)
        return false;
    for (int k = table; k < i && !headers; k++)
        headers = strcmp(nodes[k].role, "columnheader") == 0;
    return headers;
}

static bool is_card(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return n->parent >= 0 &&
           (strcmp(n->tag, "article") == 0 ||
            scene_classed(s, i, "card result item listing hit")) &&
           scene_classed(s, n->parent, "results listings list grid items cards products hits") &&
           (s->marks[n->end] > s->marks[i] || (n->flags & NODE_CLICKABLE));
}

int page_single_card(const struct scene *s)
{
    int found = -1;
    for (int i = 0; i < s->page->n_nodes; i++) {
        bool fits = scene_shown(s, i) && !(s->zone[i] & (ZONES_CHROME | ZONES_ASIDE)) &&
                    (is_row(s, i) || is_card(s, i)) && opens(s, i);
        if (!fits || (found >= 0 && node_is_a(s->page, i, found)))
            continue;
        if (found >= 0)
            return -1; /* two: a list that was not taken for one has its reasons */
        found = i;
    }
    return found;
}
