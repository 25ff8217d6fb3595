/*
 * page_pairs.c - label and value.
 *
 * One rule covers definition lists, tables, grids of boxes and spans: in a parent with two or more
 * children that show text, each short text may label the one after it. Which pairs mean something
 * is decided later by the wanted fields; here only the markup is judged. Beside it: "Label: value"
 * inside one text, columns of a table with their headers, and a value above its label.
 */
#include "reader/page_pairs.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "reader/page_parts.h"
#include "reader/words.h"

struct collector {
    const struct scene *s;
    struct pair *pairs;
    int n, max;
};

static void add(struct collector *c, const char *label, const char *value, const char *method,
                double quality, int node)
{
    if (c->n == c->max || str_empty(value))
        return;
    const char *plain = words_plain(c->s->pool, label);
    if (*plain)
        c->pairs[c->n++] = (struct pair){plain, value, method, quality, node};
}

/* --- children that follow each other --------------------------------------------------------- */

static bool ends_with_colon(const char *s)
{
    size_t len = strlen(s);
    return len && (s[len - 1] == ':' || str_ends(s, "\xEF\xBC\x9A"));
}

/* d stands right of c in its line (left in right-to-left text) or starts right below it. */
static bool placed_as_value(const struct scene *s, int c, int d)
{
    struct rect a = s->page->nodes[c].box, b = s->page->nodes[d].box;
    if (!a.w || !b.w)
        return true;
    bool in_line = b.y < a.y + a.h && a.y < b.y + b.h;
    int below = b.y - (a.y + a.h);
    return in_line || (below > -4 && below < 48);
}

static const struct {
    const char *label_tags, *value_tags, *method;
    double quality;
} tag_pairs[] = {
    {"dt", "dd", "definition_list", 1.0},
    {"th", "td", "table", 1.0},
    {"td", "td", "table", 0.85},
    {"label", "input select textarea output span div p strong b", "labelled", 0.9},
};

static void judge(const struct scene *s, int c, int d, const char *label, const char **method,
                  double *quality)
{
    const struct node *l = &s->page->nodes[c], *v = &s->page->nodes[d];
    *method = "labelled";
    *quality = 0.72;
    for (size_t i = 0; i < ARRAY_SIZE(tag_pairs); i++)
        if (in_words(tag_pairs[i].label_tags, l->tag) &&
            in_words(tag_pairs[i].value_tags, v->tag)) {
            *method = tag_pairs[i].method;
            *quality = tag_pairs[i].quality;
            return;
        }
    if (ends_with_colon(label))
        *quality = 0.95;
    else if (l->level || in_words("strong b em", l->tag) ||
             scene_classed(s, c, "label key term caption heading title name attr"))
        *quality = 0.85;
}

/* The text of d and of the siblings after it that touch it: "$" and "5,000" in two boxes. */
static const char *value_from(const struct scene *s, int parent, int d)
{
    const struct node *nodes = s->page->nodes;
    int last = -1, end = nodes[d].end;
    for (int i = d; i < end; i++)
        if (nodes[i].text[0] && (nodes[i].flags & NODE_VISIBLE))
            last = i;
    int first = end < nodes[parent].end ? end : -1;
    while (first >= 0 && first < nodes[parent].end && !nodes[first].text[0] &&
           nodes[first].end > first + 1)
        first++;
    const char *own = scene_text(s, d, PAIR_VALUE_BYTES), *gap = " ";
    if (last >= 0 && first >= 0 && first < nodes[parent].end && nodes[first].text[0] &&
        (nodes[first].flags & NODE_VISIBLE))
        gap = page_texts_gap(s->page, last, first);
    return *gap == ' ' ? own : pool_printf(s->pool, "%s%s%s", own, gap, nodes[first].text);
}

/* Some letter or digit: an icon is no value. */
static bool says_anything(const char *text)
{
    for (const char *p = text; *p; p++)
        if (isalnum((unsigned char)*p) || ((unsigned char)*p >= 0xC3 && (unsigned char)*p != 0xE2))
            return true;
    return strstr(text, "\xE2\x9C") != NULL; /* check marks say yes or no */
}

/* c labels d? Both are children of p that show text, d the next after c. */
static void pair_up(struct collector *col, int p, int c, int d)
{
    const struct scene *s = col->s;
    const struct node *v = &s->page->nodes[d];
    if (scene_text_bytes(s, c) > PAIR_LABEL_BYTES + 8 || scene_text_count(s, c) > 4 ||
        scene_text_bytes(s, d) > PAIR_VALUE_BYTES ||
        in_words("columnheader term button row", v->role) ||
        in_words("dt th script style option", v->tag) || !placed_as_value(s, c, d))
        return;
    const char *label = scene_text(s, c, PAIR_LABEL_BYTES + 8), *value = value_from(s, p, d),
               *method;
    double quality;
    if (ends_with_colon(value) || !says_anything(value))
        return;
    judge(s, c, d, label, &method, &quality);
    add(col, label, value, method, quality, d);
}

static void pairs_of_children(struct collector *col, int p)
{
    const struct node *nodes = col->s->page->nodes;
    int prev = -1, n = 0, first = -1;
    for (int c = p + 1; c < nodes[p].end; c = nodes[c].end) {
        if (!scene_text_count(col->s, c))
            continue;
        if (prev >= 0)
            pair_up(col, p, prev, c);
        first = first < 0 ? c : first;
        prev = c;
        n++;
    }
    /* A tile with the value on top: only shapes that cannot be mistaken are used from these. */
    if (n == 2 && scene_text_bytes(col->s, first) <= 40 && scene_text_bytes(col->s, prev) <= 30)
        add(col, scene_text(col->s, prev, 40), scene_text(col->s, first, 60), "tile", 0.6, first);
}

/* --- inside one text ------------------------------------------------------------------------- */

/* Bytes of what separates pairs in one line: "|", ";", "·", "•" between blanks. */
static size_t divider_at(const char *p)
{
    static const char *const dividers[] = {"|", ";", "\xC2\xB7", "\xE2\x80\xA2", "\n"};
    for (size_t i = 0; i < ARRAY_SIZE(dividers); i++)
        if (str_starts(p, dividers[i]))
            return strlen(dividers[i]);
    return 0;
}

/* "Year: 2019 | Make: Honda": each part with a colon that is not a time or a URL. */
static void pairs_in_text(struct collector *col, int i)
{
    const char *text = col->s->page->nodes[i].text;
    if (!strchr(text, ':') && !strstr(text, "\xEF\xBC\x9A"))
        return;
    for (const char *p = text; *p;) {
        size_t len = 0;
        while (p[len] && !divider_at(p + len))
            len++;
        const char *part =
            pool_strndup(col->s->pool, p, len < PAIR_VALUE_BYTES ? len : PAIR_VALUE_BYTES);
        const char *colon = strchr(part, ':'), *wide = strstr(part, "\xEF\xBC\x9A");
        if (wide && (!colon || wide < colon))
            colon = wide;
        size_t width = colon && colon == wide ? 3 : 1;
        if (colon && colon > part && colon - part <= PAIR_LABEL_BYTES && colon[width] != '/')
            add(col, pool_strndup(col->s->pool, part, (size_t)(colon - part)),
                str_squash(col->s->pool, colon + width), "label_text", 0.93, i);
        p += len;
        p += divider_at(p);
    }
}

/* --- tables with a header row ---------------------------------------------------------------- */

/* Header texts above a row's cells, by position; the first row of th cells in the table. */
static void pairs_of_columns(struct collector *col, int row)
{
    const struct scene *s = col->s;
    const struct node *nodes = s->page->nodes;
    int table = scene_up_to_role(s, row, "table grid treegrid");
    if (table < 0)
        return;
    int headers[64], n_headers = 0, header_row = -1;
    for (int i = table; i < row && n_headers < 64; i++) {
        if (strcmp(nodes[i].role, "columnheader") != 0)
            continue;
        int r = scene_up_to_role(s, i, "row");
        if (header_row >= 0 && r != header_row)
            break;
        header_row = r;
        headers[n_headers++] = i;
    }
    int index = 0;
    for (int c = row + 1; c < nodes[row].end; c = nodes[c].end) {
        if (!in_words("cell gridcell rowheader", nodes[c].role))
            continue;
        if (index < n_headers && scene_text_count(s, c))
            add(col, scene_text(s, headers[index], 80), scene_text(s, c, PAIR_VALUE_BYTES),
                "table_column", 0.97, c);
        index++;
    }
}

/* A table of one header row and one data row is a list of pairs lying down. */
static bool only_data_row(const struct scene *s, int row)
{
    int table = scene_up_to_role(s, row, "table grid"), rows = 0;
    for (int i = table; table >= 0 && i < s->page->nodes[table].end && rows <= 2; i++)
        rows += strcmp(s->page->nodes[i].role, "row") == 0;
    return rows == 2;
}

int page_pairs(const struct scene *s, int root, struct pair **out)
{
    struct collector col = {.s = s};
    const struct node *nodes = s->page->nodes;
    int end = nodes[root].end;
    col.max = 4 * (end - root) + 16 < PAIRS_MAX ? 4 * (end - root) + 16 : PAIRS_MAX;
    col.pairs = pool_alloc(s->pool, sizeof(*col.pairs) * (size_t)col.max);
    if (strcmp(nodes[root].role, "row") == 0)
        pairs_of_columns(&col, root);
    for (int i = root; i < end; i++) {
        if (!scene_text_count(s, i))
            continue;
        if (nodes[i].text[0])
            pairs_in_text(&col, i);
        else if (i > root && strcmp(nodes[i].role, "row") == 0 && only_data_row(s, i))
            pairs_of_columns(&col, i);
        if (scene_text_count(s, i) >= 2)
            pairs_of_children(&col, i);
    }
    *out = col.pairs;
    return col.n;
}
