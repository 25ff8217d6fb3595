/*
 * page_names.c - accessible names, computed for all nodes at once.
 *
 * All text of the page goes into one string, and every node remembers where its part begins; a name
 * from content is then a slice, so deep nesting costs nothing. Ids and labels are mapped once.
 * Source: accname 1.2 section 4.3 and HTML-AAM 1.0 section 4, reduced: references are followed one
 * step, CSS content is not known.
 */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/page_priv.h"

#define NAME_MAX_BYTES     300
#define LABELLEDBY_MAX_IDS 8
#define HIDDEN_LABEL_NODES 64 /* of a hidden element that aria-labelledby points at */

struct id_ref {
    const char *id;
    int frame, node;
};

struct names {
    struct pool *pool, *tmp;
    struct page *page;
    struct buf text;
    size_t *from; /* n_nodes + 1: where node i's text begins in text */
    int *n_texts; /* n_nodes + 1: text nodes before node i */
    struct id_ref *ids;
    int n_ids;
    int *label; /* node of the <label> of a control, -1 none */
};

static const char content_roles[] =
    "button link heading tab menuitem menuitemcheckbox menuitemradio option checkbox radio switch "
    "cell "
    "gridcell columnheader rowheader row tooltip treeitem term caption";
static const char labelable_tags[] = "input select textarea button meter output progress";

/* Text nobody sees takes no part, but options of a closed drop-down have no box and do. */
static bool counts(const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    return (n->flags & NODE_VISIBLE) ||
           (n->parent >= 0 && strcmp(page->nodes[n->parent].tag, "option") == 0);
}

static void count_texts(struct names *s)
{
    for (int i = 0; i < s->page->n_nodes; i++)
        s->n_texts[i + 1] = s->n_texts[i] + (s->page->nodes[i].text[0] && counts(s->page, i));
}

static bool has_text(const struct names *s, int i)
{
    return s->n_texts[s->page->nodes[i].end] > s->n_texts[i];
}

/* What node i itself says, or NULL: text, an image's alternative, the label of a wordless element.
 */
static const char *own_words(const struct names *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    if (n->text[0])
        return counts(s->page, i) ? n->text : NULL;
    if (!(n->flags & NODE_VISIBLE))
        return NULL;
    if (strcmp(n->tag, "img") == 0)
        return node_attr(n, "alt");
    const char *label = node_attr(n, "aria-label");
    return label && !has_text(s, i) ? label : NULL;
}

static void gather_text(struct names *s)
{
    int last = -1; /* last text node */
    for (int i = 0; i < s->page->n_nodes; i++) {
        s->from[i] = s->text.len;
        const char *words = own_words(s, i);
        if (!words || !*words)
            continue;
        bool is_text = s->page->nodes[i].text[0];
        if (s->text.len)
            buf_adds(&s->text, is_text && last >= 0 ? page_texts_gap(s->page, last, i) : " ");
        buf_adds(&s->text, words);
        last = is_text ? i : -1;
    }
    s->from[s->page->n_nodes] = s->text.len;
}

static const char *slice(struct names *s, size_t from, size_t to)
{
    while (from < to && s->text.data[from] == ' ')
        from++;
    size_t len = to - from;
    if (len > NAME_MAX_BYTES)
        for (len = NAME_MAX_BYTES; ((unsigned char)s->text.data[from + len] & 0xC0) == 0x80;)
            len--;
    return str_squash(s->pool, pool_strndup(s->tmp, s->text.data + from, len));
}

static const char *content(struct names *s, int i)
{
    return slice(s, s->from[i], s->from[s->page->nodes[i].end]);
}

/* --- ids and labels -------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
    const struct id_ref *l = a, *r = b;
    if (l->frame != r->frame)
        return l->frame < r->frame ? -1 : 1;
    int c = strcmp(l->id, r->id);
    return c ? c : (l->node > r->node) - (l->node < r->node);
}

static void map_ids(struct names *s)
{
    s->ids = pool_alloc(s->tmp, sizeof(*s->ids) * ((size_t)s->page->n_nodes + 1));
    for (int i = 0; i < s->page->n_nodes; i++) {
        const char *id = node_attr(&s->page->nodes[i], "id");
        if (id && *id)
            s->ids[s->n_ids++] = (struct id_ref){id, s->page->nodes[i].frame, i};
    }
    qsort(s->ids, (size_t)s->n_ids, sizeof(*s->ids), compare_ids);
}

/* First node of the frame with this id, -1 when there is none. */
static int by_id(const struct names *s, int frame, const char *id)
{
    struct id_ref want = {id, frame, -1};
    int lo = 0, hi = s->n_ids;
    while (lo < hi) {
        int mid = lo + (hi - lo) / 2;
        if (compare_ids(&s->ids[mid], &want) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    bool hit = lo < s->n_ids && s->ids[lo].frame == frame && strcmp(s->ids[lo].id, id) == 0;
    return hit ? s->ids[lo].node : -1;
}

/* <label for> first, then the label that a control sits in, which names only its first control. */
static void map_labels(struct names *s)
{
    int n = s->page->n_nodes;
    int *around = pool_alloc(s->tmp, sizeof(int) * ((size_t)n + 1));
    bool *used = pool_alloc(s->tmp, (size_t)n + 1);
    for (int i = 0; i < n; i++)
        s->label[i] = -1;
    for (int i = 0; i < n; i++) {
        const struct node *node = &s->page->nodes[i];
        around[i] = node->parent >= 0 ? around[node->parent] : -1;
        if (strcmp(node->tag, "label") == 0) {
            const char *id = node_attr(node, "for");
            int target = id ? by_id(s, node->frame, id) : -1;
            if (target >= 0 && s->label[target] < 0)
                s->label[target] = i;
            around[i] = id ? -1 : i;
        }
    }
    for (int i = 0; i < n; i++) {
        int l = around[i];
        if (l < 0 || used[l] || !word_in(labelable_tags, s->page->nodes[i].tag))
            continue;
        used[l] = true;
        if (s->label[i] < 0)
            s->label[i] = l;
    }
}

/* --- the steps of accname, in order ----------------------------------------------------------- */

/* Content of an element that nobody sees but that labels another one. */
static const char *hidden_content(struct names *s, int i)
{
    struct buf b;
    buf_init(&b, CAP_PAGE_TEXT_BYTES);
    int end = s->page->nodes[i].end < i + HIDDEN_LABEL_NODES ? s->page->nodes[i].end
                                                             : i + HIDDEN_LABEL_NODES;
    for (int k = i; k < end; k++)
        if (s->page->nodes[k].text[0]) {
            buf_addc(&b, ' ');
            buf_adds(&b, s->page->nodes[k].text);
        }
    const char *out = str_squash(s->pool, str_cut(s->tmp, b.data, NAME_MAX_BYTES));
    buf_release(&b);
    return out;
}

static const char *referenced(struct names *s, int i)
{
    const char *ids = node_attr(&s->page->nodes[i], "aria-labelledby");
    if (!ids)
        return "";
    struct buf b;
    buf_init(&b, CAP_PAGE_TEXT_BYTES);
    for (int k = 0; k < LABELLEDBY_MAX_IDS && *ids; k++) {
        ids += strspn(ids, " \t\r\n");
        size_t len = strcspn(ids, " \t\r\n");
        int t = by_id(s, s->page->nodes[i].frame, pool_strndup(s->tmp, ids, len));
        ids += len;
        if (t < 0)
            continue;
        const char *label = node_attr(&s->page->nodes[t], "aria-label");
        const char *words = !str_empty(label) ? label : content(s, t);
        buf_addc(&b, ' ');
        buf_adds(&b, *words ? words : hidden_content(s, t));
    }
    const char *out = str_squash(s->pool, str_cut(s->tmp, b.data, NAME_MAX_BYTES));
    buf_release(&b);
    return out;
}

static const char *attr_words(struct names *s, int i, const char *name)
{
    const char *v = node_attr(&s->page->nodes[i], name);
    return str_empty(v) ? "" : str_squash(s->pool, str_cut(s->tmp, v, NAME_MAX_BYTES));
}

/* The label's words without those of the control in it. */
static const char *from_label(struct names *s, int i)
{
    int l = s->label[i];
    if (l < 0)
        return "";
    const char *own = node_attr(&s->page->nodes[l], "aria-label");
    if (!str_empty(own))
        return str_squash(s->pool, own);
    if (!node_is_a(s->page, i, l)) {
        const char *words = content(s, l); /* a label out of sight names its control all the same */
        return *words ? words : hidden_content(s, l);
    }
    const char *before = slice(s, s->from[l], s->from[i]);
    const char *after = slice(s, s->from[s->page->nodes[i].end], s->from[s->page->nodes[l].end]);
    return str_squash(s->pool, pool_printf(s->tmp, "%s %s", before, after));
}

static const char *from_input_button(struct names *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    const char *type = node_attr(n, "type");
    if (strcmp(n->tag, "input") != 0 || strcmp(n->role, "button") != 0 || !type)
        return "";
    if (str_eq_fold(type, "image"))
        return attr_words(s, i, "alt");
    const char *value = attr_words(s, i, "value");
    if (*value)
        return value;
    return str_eq_fold(type, "submit") ? "Submit" : str_eq_fold(type, "reset") ? "Reset" : "";
}

/* legend, caption and figcaption name the element they are a child of. */
static const char *from_caption(struct names *s, int i)
{
    static const struct {
        const char *tag, *child;
    } captions[] = {{"fieldset", "legend"}, {"table", "caption"}, {"figure", "figcaption"}};
    const struct node *n = &s->page->nodes[i];
    for (size_t k = 0; k < ARRAY_SIZE(captions); k++) {
        if (strcmp(captions[k].tag, n->tag) != 0)
            continue;
        for (int c = i + 1; c < n->end; c = s->page->nodes[c].end)
            if (strcmp(s->page->nodes[c].tag, captions[k].child) == 0)
                return content(s, c);
    }
    return "";
}

static const char *name_of(struct names *s, int i)
{
    const struct node *n = &s->page->nodes[i];
    const char *name = referenced(s, i);
    if (!*name)
        name = attr_words(s, i, "aria-label");
    if (!*name)
        name = from_label(s, i);
    if (!*name)
        name = from_input_button(s, i);
    if (!*name && word_in("img area", n->tag))
        name = attr_words(s, i, "alt");
    if (!*name)
        name = from_caption(s, i);
    if (!*name && (word_in(content_roles, n->role) || word_in("legend label", n->tag)))
        name = content(s, i);
    if (!*name)
        name = attr_words(s, i, "title");
    if (!*name && word_in("input textarea", n->tag))
        name = attr_words(s, i, "placeholder");
    return name;
}

void page_names(struct pool *pool, struct page *page)
{
    struct names s = {.pool = pool, .tmp = pool_create(NULL), .page = page};
    size_t n = (size_t)page->n_nodes + 1;
    buf_init(&s.text, CAP_PAGE_TEXT_BYTES);
    s.from = pool_alloc(s.tmp, sizeof(*s.from) * n);
    s.n_texts = pool_alloc(s.tmp, sizeof(*s.n_texts) * n);
    s.label = pool_alloc(s.tmp, sizeof(*s.label) * n);
    count_texts(&s);
    gather_text(&s);
    map_ids(&s);
    map_labels(&s);
    for (int i = 0; i < page->n_nodes; i++)
        page->nodes[i].name = page->nodes[i].tag[0] == '#' ? "" : name_of(&s, i);
    buf_release(&s.text);
    pool_destroy(s.tmp);
}
