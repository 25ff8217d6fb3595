#include "run/snapshot.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"

/* Focus and hover are left out of the states on purpose: clicking a dead button changes both. */
#define STATES      (NODE_DISABLED | NODE_CHECKED | NODE_SELECTED | NODE_EXPANDED)
#define CLASS_STATE (1u << 16) /* and the bits above it: words of the class */

/* --- taking ---------------------------------------------------------------------------------- */

static uint64_t mix_text(uint64_t h, const char *s)
{
    return str_hash(h, s, strlen(s) + 1);
}

static uint64_t letters_of(const char *text)
{
    uint64_t h = STR_HASH_START;
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (isalpha(*p) || *p >= 0x80)
            h = str_hash(h, p, 1);
    return h;
}

/* How many of each (parent, tag) came before: open addressing, half full at most. */
struct counts {
    struct {
        uint64_t key;
        int n;
    } * slots;
    size_t mask;
};

static struct counts counts_create(struct pool *pool, int n)
{
    size_t size = 16;
    while (size < (size_t)n * 2)
        size *= 2;
    struct counts c = {.mask = size - 1};
    c.slots = pool_alloc(pool, size * sizeof(*c.slots));
    return c;
}

static int count_next(struct counts *c, uint64_t key)
{
    key |= 1; /* 0 marks a free slot */
    size_t i = key & c->mask;
    while (c->slots[i].key && c->slots[i].key != key)
        i = (i + 1) & c->mask;
    c->slots[i].key = key;
    return c->slots[i].n++;
}

/* A check box that is drawn anew by its label is hidden, and its state counts all the same. */
static bool ticks(const struct node *n)
{
    return !strcmp(n->tag, "input") && (!strcmp(n->role, "checkbox") || !strcmp(n->role, "radio"));
}

static bool shown(const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    return n->flags & NODE_VISIBLE || ticks(n) || !strcmp(n->tag, "#document") ||
           (!strcmp(n->tag, "#text") && n->parent >= 0 &&
            page->nodes[n->parent].flags & NODE_VISIBLE);
}

/* Where the markup says nothing else, a class says what was chosen or switched on: a bit for each word.
 * Words for focus, hover and pressing are left out, as above. */
static unsigned class_states(const struct node *n)
{
    static const char *const words[] = {"on",     "off",    "active",    "checked",
                                        "picked", "chosen", "selected",  "current",
                                        "open",   "closed", "collapsed", "expanded"};
    const char *class = node_attr(n, "class");
    unsigned bits = 0;
    for (const char *p = class; p && *p; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        for (size_t i = 0; i < ARRAY_SIZE(words); i++)
            if (strlen(words[i]) == len && !strncasecmp(p, words[i], len))
                bits |= CLASS_STATE << i;
        p += len;
    }
    return bits;
}

static int by_place(const void *a, const void *b)
{
    const struct snapshot_node *x = a, *y = b;
    return x->place < y->place ? -1 : x->place > y->place;
}

static void take_nodes(struct pool *pool, const struct page *page, struct snapshot *out)
{
    struct snapshot_node *nodes = pool_alloc(pool, (size_t)(page->n_nodes + 1) * sizeof(*nodes));
    uint64_t *places = pool_alloc(pool, (size_t)(page->n_nodes + 1) * sizeof(*places));
    struct counts counts = counts_create(pool, page->n_nodes);
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (!shown(page, i)) {
            places[i] = n->parent >= 0 ? places[n->parent] : STR_HASH_START;
            continue;
        }
        uint64_t parent = n->parent >= 0 ? places[n->parent] : STR_HASH_START;
        uint64_t kind = mix_text(str_hash(STR_HASH_START, &parent, sizeof(parent)), n->tag);
        int ordinal = count_next(&counts, kind);
        unsigned states = (n->flags & STATES) | class_states(n);
        places[i] = str_hash(kind, &ordinal, sizeof(ordinal));
        nodes[out->n_nodes++] = (struct snapshot_node){
            .place = places[i],
            .parent = parent,
            .state = str_hash(mix_text(mix_text(STR_HASH_START, n->text), n->value), &states,
                              sizeof(states)),
            .letters = !strcmp(n->tag, "#text") ? letters_of(n->text) : 0};
    }
    qsort(nodes, (size_t)out->n_nodes, sizeof(*nodes), by_place);
    out->nodes = nodes;
}

static void digest_nodes(struct snapshot *s)
{
    uint64_t sums[2] = {STR_HASH_START, (uint64_t)s->n_nodes};
    for (int i = 0; i < s->n_nodes; i++) {
        sums[0] = str_hash(sums[0], &s->nodes[i].place, sizeof(uint64_t));
        sums[0] = str_hash(sums[0], &s->nodes[i].state, sizeof(uint64_t));
    }
    id_sha256_hex(sums, sizeof(sums), s->page);
}

static void digest_focus(const struct page *page, char out[65])
{
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if ((n->flags & (NODE_FOCUSED | NODE_EDITABLE)) == (NODE_FOCUSED | NODE_EDITABLE)) {
            struct buf b;
            buf_init(&b, CAP_PAGE_TEXT_BYTES);
            buf_addf(&b, "%s\x1f%s\x1f%d", n->tag, n->name, i);
            id_sha256_hex(b.data, b.len, out);
            buf_release(&b);
            return;
        }
    }
}

void snapshot_take(struct pool *pool, const struct observation *obs, struct snapshot *out)
{
    memset(out, 0, sizeof(*out));
    id_sha256_hex(obs->url, strlen(obs->url), out->url);
    id_sha256_hex(obs->title, strlen(obs->title), out->title);
    if (!obs->page) {
        if (obs->frame.pixels)
            frame_hash(&obs->frame, NULL, out->frame);
        return;
    }
    take_nodes(pool, obs->page, out);
    digest_nodes(out);
    digest_focus(obs->page, out->focus);
    out->scroll_x = obs->page->scroll_x;
    out->scroll_y = obs->page->scroll_y;
}

/* --- comparing ------------------------------------------------------------------------------- */

static const struct snapshot_node *node_at(const struct snapshot *s, uint64_t place)
{
    struct snapshot_node key = {.place = place};
    return s->n_nodes ? bsearch(&key, s->nodes, (size_t)s->n_nodes, sizeof(key), by_place) : NULL;
}

bool snapshot_differs_at(const struct snapshot *a, const struct snapshot *b, uint64_t place)
{
    const struct snapshot_node *x = node_at(a, place), *y = node_at(b, place);
    return x && y ? x->state != y->state : x != y;
}

/* It, or something it stands in, moves by itself. */
static bool restless(const struct snapshot *first, const struct snapshot *before,
                     const struct snapshot *has, const struct snapshot_node *n)
{
    for (; n; n = node_at(has, n->parent))
        if (snapshot_differs_at(first, before, n->place))
            return true;
    return false;
}

struct change {
    bool any, more_than_figures;
    uint64_t *places;
    int n, max;
};

/* What is at a place of a, and is different in b. */
static void collect(const struct snapshot *first, const struct snapshot *before,
                    const struct snapshot *a, const struct snapshot *b, struct change *out)
{
    for (int i = 0; i < a->n_nodes; i++) {
        const struct snapshot_node *n = &a->nodes[i], *other = node_at(b, n->place);
        if ((other && other->state == n->state) || restless(first, before, a, n))
            continue;
        out->any = true;
        if (!other || !n->letters || n->letters != other->letters)
            out->more_than_figures = true;
        else if (out->n < out->max)
            out->places[out->n++] = n->place;
    }
}

bool snapshot_same_url(const struct snapshot *a, const struct snapshot *b)
{
    return !strcmp(a->url, b->url);
}

/* A digest that was the same twice before and is another one now. */
static bool turned(const char *first, const char *before, const char *now)
{
    return !strcmp(first, before) && strcmp(before, now);
}

static bool changed_outside(const struct snapshot *first, const struct snapshot *before,
                            const struct snapshot *now)
{
    return !snapshot_same_url(before, now) || turned(first->title, before->title, now->title) ||
           turned(first->frame, before->frame, now->frame) || !*before->page != !*now->page;
}

bool snapshot_changed(const struct snapshot *first, const struct snapshot *before,
                      const struct snapshot *now)
{
    struct change c = {0};
    if (changed_outside(first, before, now))
        return true;
    if (!strcmp(before->page, now->page))
        return false;
    collect(first, before, before, now, &c);
    collect(first, before, now, before, &c);
    return c.any;
}

uint64_t *snapshot_figures_changed(struct pool *pool, const struct snapshot *first,
                                   const struct snapshot *before, const struct snapshot *now,
                                   int *ret_n)
{
    struct change c = {.max = before->n_nodes}, added = {0};
    *ret_n = 0;
    if (changed_outside(first, before, now))
        return NULL;
    c.places = pool_alloc(pool, (size_t)(c.max + 1) * sizeof(*c.places));
    collect(first, before, before, now, &c);
    collect(first, before, now, before, &added);
    if (!c.n || c.more_than_figures || added.more_than_figures)
        return NULL;
    *ret_n = c.n;
    return c.places;
}

bool snapshot_moved(const struct snapshot *before, const struct snapshot *now)
{
    return (*now->focus && strcmp(before->focus, now->focus)) ||
           before->scroll_x != now->scroll_x || before->scroll_y != now->scroll_y;
}
