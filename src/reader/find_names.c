/*
 * find_names.c - by which texts a control is known: its name, placeholder, the label beside it, its
 * attributes, the header above its column.
 */
#include "reader/page_find.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "reader/words.h"

#define FIND_MAX_UNNAMED 300 /* fields whose label is searched by geometry */

/* The text labels another control: it is in a <label> that is not i's. */
static bool labels_another(const struct scene *s, int text, int i)
{
    const struct node *nodes = s->page->nodes;
    int p = nodes[text].parent;
    for (int up = 0; p >= 0 && up < 6 && strcmp(nodes[p].tag, "label") != 0; up++)
        p = nodes[p].parent;
    if (p < 0 || strcmp(nodes[p].tag, "label") != 0 || node_is_a(s->page, i, p))
        return false;
    const char *to = node_attr(&nodes[p], "for"), *id = node_attr(&nodes[i], "id");
    if (to)
        return !id || strcmp(to, id) != 0;
    for (int k = p + 1; k < nodes[p].end; k++)
        if (in_words("input select textarea", nodes[k].tag))
            return true;
    return false;
}

/* The text that stands left of a field in its line, or right above it, nearest first. */
static const char *label_beside(const struct scene *s, int i)
{
    struct rect b = s->page->nodes[i].box;
    int best = -1, best_d = 400;
    for (int k = 0; k < s->page->n_nodes; k++) {
        const struct node *t = &s->page->nodes[k];
        if (!t->text[0] || !(t->flags & NODE_VISIBLE) || strlen(t->text) > 80 ||
            node_is_a(s->page, k, i) || labels_another(s, k, i))
            continue;
        int left = b.x - (t->box.x + t->box.w), mid = t->box.y + t->box.h / 2;
        int above = b.y - (t->box.y + t->box.h);
        bool in_line = mid >= b.y && mid <= b.y + b.h;
        int d = 1000;
        if (in_line && left >= -2 && left < 300)
            d = left;
        else if (above >= -2 && above < 40 && t->box.x < b.x + b.w && t->box.x + t->box.w > b.x - 8)
            d = above + 20 + abs(t->box.x - b.x) / 8;
        if (d < best_d) {
            best_d = d;
            best = k;
        }
    }
    return best >= 0 ? s->page->nodes[best].text : "";
}

/* Header of the column that node i's cell is in. */
static const char *column_header(const struct scene *s, int i)
{
    int cell = scene_up_to_role(s, i, "cell gridcell"),
        table = cell < 0 ? -1 : scene_up_to_role(s, cell, "table grid");
    if (table < 0)
        return "";
    struct rect b = s->page->nodes[cell].box;
    for (int k = table; k < cell; k++) {
        const struct node *h = &s->page->nodes[k];
        if (strcmp(h->role, "columnheader") == 0 && h->box.x < b.x + b.w &&
            h->box.x + h->box.w > b.x)
            return h->name;
    }
    return "";
}

/* The row a link stands in names it too: "Open" beside "Invoice 17". */
static const char *row_text(const struct scene *s, int i)
{
    int row = scene_up_to_role(s, i, "row listitem article");
    return row >= 0 && scene_text_bytes(s, row) < 400 ? scene_text(s, row, 400) : "";
}

/* What programmers write for it. */
static const char *spelled_out(const char *word)
{
    static const char *const words[][2] = {
        {"qty", "quantity"},    {"amt", "amount"},      {"tel", "phone"},     {"addr", "address"},
        {"fname", "first name"}, {"lname", "last name"}, {"pwd", "password"}, {"msg", "message"},
        {"dob", "date of birth"}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(words[i][0], word) == 0)
            return words[i][1];
    return word;
}

/* The picture beside a search box. */
static bool starts_search(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    return (n->flags & NODE_CLICKABLE) && !(n->flags & NODE_EDITABLE) && !*scene_label(s, i) &&
           strcmp(n->tag, "label") != 0 && scene_up_to_role(s, i, "search") >= 0;
}

/* A page's only nameless box for many lines is where the message goes. */
static bool nameless_editor(const struct node *n)
{
    return (n->flags & NODE_EDITABLE) && !n->name[0] && strcmp(n->tag, "input") != 0 &&
           !node_attr(n, "placeholder");
}

bool find_is_search_box(const struct scene *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    const char *type = node_attr(n, "type"), *name = node_attr(n, "name");
    return strcmp(n->role, "searchbox") == 0 || (type && str_eq_fold(type, "search")) ||
           (name && in_words("q query search", name)) || scene_up_to_role(s, i, "search") >= 0;
}

/* A name of its own, not just a hint inside the field. */
static bool is_named(const struct node *n)
{
    const char *hints[] = {node_attr(n, "placeholder"), node_attr(n, "title")};
    for (size_t k = 0; k < ARRAY_SIZE(hints); k++)
        if (hints[k] && str_eq_fold(hints[k], n->name))
            return false;
    return n->name[0];
}

/* A drop-down of the page's own: its words are what is chosen, not what it is called. */
static bool shows_choice(const struct node *n)
{
    return strcmp(n->tag, "select") != 0 && !(n->flags & NODE_EDITABLE) && !n->href[0];
}

/* Where a row is named its only check box needs no name: "the checkbox in the row of Anna Berg". */
static void take_kind(struct search *f, const struct node *n, double *score)
{
    static const char *const kinds[][2] = {{"checkbox", "checkbox"}, {"checkbox", "check box"},
                                           {"checkbox", "tick box"}, {"radio", "radio button"},
                                           {"switch", "switch"}};
    for (size_t i = 0; f->only_near && i < ARRAY_SIZE(kinds); i++)
        if (!strcmp(n->role, kinds[i][0]))
            find_take(f, kinds[i][1], 0.9, score);
}

double find_text_score(struct search *f, int i)
{
    const struct scene *s = f->s;
    const struct node *n = &s->page->nodes[i];
    double score = 0;
    find_take(f, scene_label(s, i), 1.0, &score);
    if (n->role[0] == 0 && n->name[0] == 0 && score < 1)
        score *= 0.9; /* a plain box that reacts to clicks */
    if (score >= 0.999)
        return score;
    find_take(f, node_attr(n, "placeholder"), 0.92, &score);
    find_take(f, node_attr(n, "title"), words_is_picture(scene_label(s, i)) ? 1 : 0.9, &score);
    find_take(f, node_attr(n, "aria-label"), 0.95, &score);
    find_take(f, node_attr(n, "alt"), 0.9, &score);
    const char *type = node_attr(n, "type");
    if (type && str_eq_fold(type, "submit"))
        find_take(f, "submit", 0.7, &score);
    const char *ids[] = {node_attr(n, "name"), node_attr(n, "id"), node_attr(n, "data-testid")};
    for (size_t k = 0; k < ARRAY_SIZE(ids); k++)
        if (ids[k])
            find_take(f, spelled_out(words_split(s->pool, ids[k])), 0.7, &score);
    if (starts_search(s, i))
        find_take(f, "search", 0.8, &score);
    bool box = f->q->kind == TARGET_SELECT && shows_choice(n);
    if (box || (n->flags & NODE_EDITABLE) ||
        in_words("combobox listbox spinbutton slider", n->role)) {
        if ((box || !is_named(n)) && f->n_unnamed++ < FIND_MAX_UNNAMED)
            find_take(f, label_beside(s, i), 0.88, &score);
        find_take(f, column_header(s, i), 0.75, &score);
        if (nameless_editor(n))
            find_take(f, "message body", 0.75, &score);
        if ((n->flags & NODE_EDITABLE) && find_is_search_box(s, i))
            find_take(f, "search", 0.85, &score);
    }
    take_kind(f, n, &score);
    if (f->q->kind == TARGET_ROW_LINK)
        find_take(f, row_text(s, i), 0.9, &score);
    if (f->q->kind == TARGET_CELL_LINK) {
        find_take(f, column_header(s, i), 0.85, &score);
        find_take(f, row_text(s, i), 0.8, &score);
    }
    return score;
}
