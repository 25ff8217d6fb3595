/*
 * page_find.c - find one thing by what a person would call it.
 *
 * Every control that the kind allows is compared with every wanted wording (label, aliases, quoted
 * words of the intent; without those, what is left of the intent). A control is known by several
 * texts: its name, placeholder, the label beside it, its attributes, the header above its column.
 * score = how well the words match * how much the text says about the control, plus small terms for
 * kind and state that only decide between equals.
 */
#include "reader/page_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/str.h"
#include "reader/fields.h"
#include "reader/words.h"

#define NAME_WORD_BYTES  64
#define FIND_MIN_SCORE   0.45
#define FIND_MAX_WANTED  12
#define FIND_MAX_UNNAMED 300 /* fields whose label is searched by geometry */

struct wanted {
    const char *plain;
    double weight;
    bool sentence; /* what is left of an intent: says more than the name */
};

struct hit {
    int node;
    double score;
    const char *text; /* that matched best */
    const char *by; /* the wording it was matched by, when only a part of text matched; else NULL */
};

struct search {
    struct scene *s;
    const struct target_query *q;
    struct wanted wanted[FIND_MAX_WANTED];
    int n_wanted;
    int n_unnamed;    /* geometry searches spent */
    const char *text; /* best matching text of the node at hand */
    const char *by;   /* as in struct hit */
    struct hit best, second, near[3];
    struct hit rival; /* another thing that the same part of the wording fits */
};

/* --- what is wanted -------------------------------------------------------------------------- */

static void want(struct search *f, const char *text, double weight)
{
    const char *plain = words_plain(f->s->pool, text);
    if (!*plain || f->n_wanted == FIND_MAX_WANTED)
        return;
    for (int i = 0; i < f->n_wanted; i++)
        if (strcmp(f->wanted[i].plain, plain) == 0)
            return;
    f->wanted[f->n_wanted++] = (struct wanted){.plain = plain, .weight = weight};
}

/* Words of an intent that say what to do or what kind of thing it is, not what it is called. */
static const char filler[] =
    "click clicks press presses tap select choose open opens go to the a an on in into of at for "
    "and then with its "
    "button link tab field box input menu item option drop-down dropdown page icon find locate use "
    "hit push "
    "type enter fill write please called named labelled labeled that says this top left right main "
    "navigate visit follow check tick toggle submit form set beside next near it";

/* The words of text without filler; all of them when nothing else is there. */
static const char *without_filler(struct search *f, const char *text)
{
    struct buf b;
    buf_init(&b, 2048);
    const char *plain = words_plain(f->s->pool, str_cut(f->s->pool, text, 300));
    for (const char *p = plain; *(p += strspn(p, " ,.;:!?()")); p += strcspn(p, " ,.;:!?()")) {
        size_t len = strcspn(p, " ,.;:!?()");
        const char *word = pool_strndup(f->s->pool, p, len);
        if (in_words(filler, word))
            continue;
        if (b.len)
            buf_addc(&b, ' ');
        buf_adds(&b, word);
    }
    const char *out = pool_strdup(f->s->pool, b.data);
    buf_release(&b);
    return *out ? out : plain;
}

/* "Write 'Ann' into the first name field": what stands behind "into", without filler. */
static const char *after_into(struct search *f)
{
    static const char *const marks[] = {" into ", " in "};
    const char *at = NULL;
    for (size_t i = 0; i < ARRAY_SIZE(marks) && !at; i++)
        if ((at = strcasestr(f->q->intent, marks[i])))
            at += strlen(marks[i]);
    return at ? without_filler(f, at) : "";
}

static void gather_wanted(struct search *f)
{
    want(f, f->q->label, 1.0);
    for (const char *const *a = f->q->aliases; a && *a; a++)
        want(f, *a, 0.97);
    const char *quoted;
    for (const char *p = f->q->intent; (quoted = str_quoted(f->s->pool, &p, PAGE_QUOTE_BYTES));)
        want(f, quoted, f->q->label[0] ? 0.8 : 0.95);
    if (f->q->kind == TARGET_FIELD && !f->q->label[0])
        want(f, after_into(f), 0.95);
    if (f->n_wanted)
        return;
    want(f, without_filler(f, f->q->intent), 0.85);
    if (f->n_wanted)
        f->wanted[0].sentence = true;
}

/* --- which nodes may be it ------------------------------------------------------------------- */

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
        return item ? 1 : in_words("option", r) ? 0.95 : link || button ? 0.9 : acts ? 0.8 : 0;
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
               : strcmp(r, "combobox") == 0                                            ? 0.85
                                                                                       : 0;
    case TARGET_SELECT:
        return strcmp(n->tag, "select") == 0 || in_words("combobox listbox", r) ||
                       node_attr(n, "aria-haspopup")
                   ? 1
               : button ? 0.85
                        : 0;
    case TARGET_OPTION:
        return strcmp(r, "option") == 0                ? 1
               : item || in_words("radio checkbox", r) ? 0.95
               : acts                                  ? 0.85
               : strcmp(n->tag, "li") == 0             ? 0.8
                                                       : 0;
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

/* --- how well a text matches ------------------------------------------------------------------ */

static double share(const char *part, const char *whole)
{
    size_t w = strlen(whole);
    return w ? (double)strlen(part) / (double)w : 0;
}

/* Words around a name that are none: "Your name" is "Name", "the Search button" is "Search". */
static const char name_filler[] =
    "the a an your my our please enter button link field box icon tab menu dropdown drop-down item "
    "required optional input checkbox";

/* Move *name behind its next word that says something; "" at its end. False when it is too long. */
static bool next_word(const char **name, char out[NAME_WORD_BYTES])
{
    static const char breaks[] = " ()*:,.";
    do {
        *name += strspn(*name, breaks);
        size_t len = strcspn(*name, breaks);
        if (len >= NAME_WORD_BYTES)
            return false;
        memcpy(out, *name, len);
        out[len] = 0;
        *name += len;
    } while (*out && in_words(name_filler, out));
    return true;
}

/* Same words but for those of name_filler; there must be others. */
static bool same_name(const char *a, const char *b)
{
    char x[NAME_WORD_BYTES], y[NAME_WORD_BYTES];
    int common = 0;
    while (next_word(&a, x) && next_word(&b, y) && strcmp(x, y) == 0) {
        if (!*x)
            return common > 0;
        common++;
    }
    return false;
}

/* want begins a word of have: "phone" in "phones", "sail" in "sailing boat". */
static bool begins_word(const char *have, const char *want)
{
    for (const char *p = have; (p = strstr(p, want)); p++)
        if (p == have || p[-1] == ' ')
            return true;
    return false;
}

double page_words_match(const char *want_plain, const char *have_plain)
{
    if (!*have_plain || !*want_plain)
        return 0;
    if (strcmp(want_plain, have_plain) == 0)
        return 1;
    if (same_name(want_plain, have_plain))
        return MATCH_WHOLE;
    double ratio = share(want_plain, have_plain);
    if (words_has(have_plain, want_plain))
        return 0.7 + 0.25 * ratio;
    if (words_all_in(want_plain, have_plain))
        return 0.6 + 0.25 * (ratio < 1 ? ratio : 1);
    if (strlen(want_plain) >= 4 && begins_word(have_plain, want_plain))
        return 0.5 + 0.2 * ratio;
    return 0;
}

/* A sentence holds the name of what it means, and most of it is the name. */
static double named_in_sentence(const char *sentence, const char *have)
{
    double back = share(have, sentence);
    bool most = strlen(have) >= 3 && back >= 0.5;
    return most && words_has(sentence, have) ? 0.4 + 0.4 * back : 0;
}

static void take(struct search *f, const char *text, double weight, double *score)
{
    if (str_empty(text))
        return;
    const char *plain = words_plain(f->s->pool, str_cut(f->s->pool, text, 200));
    for (int i = 0; i < f->n_wanted; i++) {
        const struct wanted *w = &f->wanted[i];
        double match = page_words_match(w->plain, plain);
        if (match == 0 && w->sentence)
            match = named_in_sentence(w->plain, plain);
        double v = match * weight * w->weight;
        if (v > *score) {
            *score = v;
            f->text = text;
            f->by = match < MATCH_WHOLE && !w->sentence ? w->plain : NULL;
        }
    }
}

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

/* A name of its own, not just a hint inside the field. */
static bool is_named(const struct node *n)
{
    const char *hints[] = {node_attr(n, "placeholder"), node_attr(n, "title")};
    for (size_t k = 0; k < ARRAY_SIZE(hints); k++)
        if (hints[k] && str_eq_fold(hints[k], n->name))
            return false;
    return n->name[0];
}

static double text_score(struct search *f, int i)
{
    const struct scene *s = f->s;
    const struct node *n = &s->page->nodes[i];
    double score = 0;
    take(f, scene_label(s, i), 1.0, &score);
    if (n->role[0] == 0 && n->name[0] == 0 && score < 1)
        score *= 0.9; /* a plain box that reacts to clicks */
    if (score >= 0.999)
        return score;
    take(f, node_attr(n, "placeholder"), 0.92, &score);
    take(f, node_attr(n, "title"), 0.9, &score);
    take(f, node_attr(n, "aria-label"), 0.95, &score);
    take(f, node_attr(n, "alt"), 0.9, &score);
    const char *type = node_attr(n, "type");
    if (type && str_eq_fold(type, "submit"))
        take(f, "submit", 0.7, &score);
    const char *ids[] = {node_attr(n, "name"), node_attr(n, "id"), node_attr(n, "data-testid")};
    for (size_t k = 0; k < ARRAY_SIZE(ids); k++)
        if (ids[k])
            take(f, words_split(s->pool, ids[k]), 0.7, &score);
    if ((n->flags & NODE_EDITABLE) || in_words("combobox listbox spinbutton slider", n->role)) {
        if (!is_named(n) && f->n_unnamed++ < FIND_MAX_UNNAMED)
            take(f, label_beside(s, i), 0.88, &score);
        take(f, column_header(s, i), 0.75, &score);
    }
    if (f->q->kind == TARGET_ROW_LINK)
        take(f, row_text(s, i), 0.9, &score);
    if (f->q->kind == TARGET_CELL_LINK) {
        take(f, column_header(s, i), 0.85, &score);
        take(f, row_text(s, i), 0.8, &score);
    }
    return score;
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
    for (size_t k = 0; k < ARRAY_SIZE(f->near); k++)
        if (f->near[k].node < 0 || h.score > f->near[k].score) {
            for (size_t m = ARRAY_SIZE(f->near) - 1; m > k; m--)
                f->near[m] = f->near[m - 1];
            f->near[k] = h;
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

/* An option of a closed drop-down has no box of its own; its <select> stands for it. */
static bool reachable(const struct search *f, int i)
{
    if (scene_shown(f->s, i))
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

static void consider(struct search *f, int i)
{
    const struct node *n = &f->s->page->nodes[i];
    if (n->tag[0] == '#' || in_words("html body label", n->tag) || !reachable(f, i))
        return;
    double fit = kind_fit(f, i);
    if (fit == 0 || !allowed_here(f, i))
        return;
    if (!n->role[0] && scene_text_bytes(f->s, i) > 200)
        return;
    f->text = "";
    f->by = NULL;
    double match = text_score(f, i);
    if (f->q->kind == TARGET_FIELD && f->by && type_says_else(n, f->by))
        match = 0;
    struct hit h = {i, match * fit + state_terms(f->s, i), f->text, f->by};
    if (match > 0 && h.score >= FIND_MIN_SCORE)
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
    static const char *const kind_words[] = {"control",   "button",   "navigation link", "tab",
                                             "menu item", "row link", "cell link",       "field",
                                             "drop-down", "option"};
    struct buf b;
    buf_init(&b, 1024);
    for (size_t k = 0; k < ARRAY_SIZE(f->near); k++)
        if (f->near[k].node >= 0)
            buf_addf(&b, "%s'%s'", b.len ? ", " : "",
                     str_cut(f->s->pool, scene_label(f->s, f->near[k].node), 40));
    int r = err_set(err, E_NOT_FOUND, "no %s like %s%s on the page; nearest: %s",
                    kind_words[f->q->kind], str_cut(f->s->pool, wanted_words(f), 200),
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
                       .near = {{.node = -1}, {.node = -1}, {.node = -1}}};
    gather_wanted(&f);
    if (!f.n_wanted)
        return err_set(err, E_INVALID, "find: neither a label nor an intent says what to look for");
    for (int i = 0; i < s.page->n_nodes; i++)
        consider(&f, i);
    if (f.best.node < 0)
        return not_found(&f, err);
    *ret_several = f.rival.node >= 0;
    if (*ret_several)
        return several(&f, err);
    double confidence = f.best.score < 1 ? f.best.score : 1;
    if (f.second.node >= 0 && f.second.score > f.best.score - 0.02)
        confidence *= 0.75;
    int node = f.best.node;
    scene_target(&s, scene_shown(&s, node) ? node : s.page->nodes[node].parent, confidence, out);
    out->label = shown_name(&f, &f.best);
    out->node = node;
    return 0;
}

int page_find(struct reader *reader, struct pool *pool, const struct observation *obs,
              const struct target_query *query, struct target *out, struct err *err)
{
    bool several_fit;
    return page_find_sure(pool, obs, query, out, &several_fit, err);
}
