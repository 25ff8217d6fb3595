#include "plane/cdp/snapshot_priv.h"
#include "base/caps.h"
#include "base/str.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

#define ATTR_BYTES  512
#define ATTRS_MAX   48
#define VALUE_BYTES 4096
#define TEXT_BYTES  (64u << 10) /* of one text that is shown */
#define DEPTH_MAX   2048        /* open elements; deeper ones are cut */

struct maker {
    struct pool *pool, *tmp;
    struct page *page;
    struct shadow_node *shadow;
    int max_nodes;
    size_t text_bytes, data_bytes; /* of what is shown, and of data scripts */
    const struct snapshot_part *parts;
    int n_parts;
    const struct snapshot_view *view;
    struct place
        roots[CAP_PAGE_FRAMES]; /* of each part's first document: what its quads count from */
    struct source sources[CAP_PAGE_FRAMES];
    int n_sources;
};

static void emit_document(struct maker *m, const struct doc *d, int parent_node,
                          const struct place *place);

/* --- attributes, text, values ---------------------------------------------------------------- */

static const char *lower(struct maker *m, const char *s)
{
    char *out = pool_strdup(m->pool, s);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static bool in_list(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0)
            return true;
    return false;
}

/* Drawing instructions and secrets of the page's own; nothing a reader asks for. */
static bool attr_unwanted(const char *name)
{
    static const char *const list[] = {"style",  "srcset",    "sizes",     "d",
                                       "points", "transform", "integrity", "nonce",
                                       "ping",   "srcdoc",    "viewbox"};
    return in_list(list, ARRAY_SIZE(list), name) ||
           (name[0] == 'o' && name[1] == 'n' && strcmp(name, "onclick"));
}

static bool keeps_value_secret(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return strcmp(n->tag, "input") == 0 && type &&
           (str_eq_fold(type, "password") || str_eq_fold(type, "hidden"));
}

static const char *cut(struct maker *m, const char *s, size_t max)
{
    if (strlen(s) <= max) {
        m->text_bytes += strlen(s);
        return pool_strdup(m->pool, s);
    }
    m->text_bytes += max;
    return str_cut(m->pool, s, max);
}

static void read_attributes(struct maker *m, const struct doc *d, int i, struct node *n,
                            const char *src_override)
{
    const json_t *list = json_array_get(d->attributes, (size_t)i);
    int pairs = (int)json_array_size(list) / 2;
    struct attr attrs[ATTRS_MAX];
    int count = 0;
    for (int k = 0; k < pairs && count < ATTRS_MAX; k++) {
        const char *name = lower(m, doc_string(d, list, 2 * k));
        if (attr_unwanted(name))
            continue;
        const char *value = doc_string(d, list, 2 * k + 1);
        if (src_override && strcmp(name, "src") == 0)
            value = src_override;
        attrs[count++] = (struct attr){name, cut(m, value, ATTR_BYTES)};
    }
    struct attr *kept = pool_alloc(m->pool, sizeof(*kept) * ((size_t)count + 1));
    memcpy(kept, attrs, sizeof(*kept) * (size_t)count);
    n->attrs = kept;
    n->n_attrs = count;
    if (!keeps_value_secret(n))
        return;
    for (int k = 0; k < n->n_attrs; k++)
        if (strcmp(kept[k].name, "value") == 0)
            kept[k].value = "";
}

static bool has_typed_value(const struct node *n)
{
    static const char *const not_typed[] = {"password", "hidden", "checkbox", "radio", "submit",
                                            "button",   "reset",  "image",    "file"};
    const char *type = node_attr(n, "type");
    char small[16] = "";
    for (size_t k = 0; type && type[k] && k < sizeof(small) - 1; k++)
        small[k] = (char)tolower((unsigned char)type[k]);
    return !in_list(not_typed, ARRAY_SIZE(not_typed), small);
}

static void read_value(struct maker *m, const struct doc *d, int i, struct node *n)
{
    if (strcmp(n->tag, "input") == 0 && d->input_value[i] >= 0 && has_typed_value(n))
        n->value = cut(m, doc_string_at(d, d->input_value[i]), VALUE_BYTES);
    else if (strcmp(n->tag, "textarea") == 0 && d->text_value[i] >= 0)
        n->value = cut(m, doc_string_at(d, d->text_value[i]), VALUE_BYTES);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static struct node *add_node(struct maker *m, const struct place *place, int parent,
                             const char *tag)
{
    struct page *page = m->page;
    if (page->n_nodes >= m->max_nodes || m->text_bytes > CAP_PAGE_TEXT_BYTES) {
        page->truncated = true;
        return NULL;
    }
    int at = page->n_nodes++;
    struct node *n = &page->nodes[at];
    *n = (struct node){.parent = parent,
                       .end = at + 1,
                       .tag = tag,
                       .text = "",
                       .role = "",
                       .name = "",
                       .value = "",
                       .href = "",
                       .frame = place->source};
    m->shadow[at] = (struct shadow_node){.source = place->source};
    return n;
}

static void read_state(struct maker *m, const struct doc *d, int i, struct node *n, int64_t focus)
{
    const char *type = node_attr(n, "type");
    bool ticks = type && (str_eq_fold(type, "checkbox") || str_eq_fold(type, "radio"));
    if ((d->bits[i] & DOC_CHECKED) && ticks)
        n->flags |= NODE_CHECKED;
    if (d->bits[i] & DOC_SELECTED)
        n->flags |= NODE_SELECTED;
    if (focus && json_integer_value(json_array_get(d->backend, (size_t)i)) == focus)
        n->flags |= NODE_FOCUSED;
}

/* --- text ------------------------------------------------------------------------------------ */

/* What a page tells machines is worth nothing in part: all of it, or none. */
static const char *data_text(struct maker *m, const char *raw)
{
    size_t len = strlen(raw);
    if (len > CAP_PAGE_DATA_BYTES || m->data_bytes + len > CAP_PAGE_TEXT_BYTES)
        return "";
    m->data_bytes += len;
    return str_squash(m->pool, raw);
}

static const char *shown_text(struct maker *m, const char *raw)
{
    bool fits = strlen(raw) <= TEXT_BYTES;
    const char *text = str_squash(m->pool, fits ? raw : str_cut(m->tmp, raw, TEXT_BYTES));
    m->text_bytes += strlen(text);
    return text;
}

static void add_text(struct maker *m, const struct doc *d, int i, int layout, const char *raw,
                     const struct place *place, const struct open_node *parent)
{
    struct area box;
    bool data = strcmp(m->page->nodes[parent->node].tag, "script") == 0;
    const char *text = data ? data_text(m, raw) : shown_text(m, raw);
    if (!*text)
        return;
    struct node *n = add_node(m, place, parent->node, "#text");
    if (!n)
        return;
    n->text = text;
    int at = m->page->n_nodes - 1;
    m->shadow[at].paint_order = parent->paint_order;
    if (!box_on_screen(d, place, layout, &box))
        return;
    /* A text has no visibility of its own; the snapshot repeats its parent's. */
    bool shown = !parent->faded && strcmp(doc_style(d, i, STYLE_VISIBILITY), "visible") == 0;
    box_place(n, &m->shadow[at], m->view->viewport, box, &parent->flow, shown);
    box_of_line(d, place, layout, &n->line);
}

/* Words that CSS puts before or after an element count as text, icons and separators do not. */
static bool says_something(const char *s)
{
    for (; *s; s++)
        if (isalnum((unsigned char)*s) || *s == '$')
            return true;
    return strstr(s, "€") || strstr(s, "£");
}

/* Text of a select's chosen option is its value. */
static void set_select_value(struct maker *m, int at)
{
    struct page *page = m->page;
    struct node *select = &page->nodes[at];
    for (int k = at + 1; k < select->end; k++) {
        if (strcmp(page->nodes[k].tag, "option") != 0 || !(page->nodes[k].flags & NODE_SELECTED))
            continue;
        for (int c = k + 1; c < page->nodes[k].end; c++)
            if (page->nodes[c].text[0] && !select->value[0])
                select->value = page->nodes[c].text;
    }
}

/* --- frames ---------------------------------------------------------------------------------- */

static const struct snapshot_quad *quad_of(const struct snapshot_part *part, int64_t backend)
{
    for (int k = 0; k < part->n_quads; k++)
        if (part->quads[k].node == backend)
            return &part->quads[k];
    return NULL;
}

static int part_owned_by(const struct maker *m, int parent_part, int64_t backend)
{
    for (int k = 1; k < m->n_parts; k++)
        if (m->parts[k].parent == parent_part && m->parts[k].owner == backend &&
            m->parts[k].snapshot)
            return k;
    return -1;
}

/* Where an <iframe> shows its document: as the browser said, else the middle of its box, as if its
 * border were the same all around. CSS may have scaled it. */
static void place_content(const struct maker *m, int part, int64_t backend, struct area box,
                          const struct doc *inner, struct place *out)
{
    const struct snapshot_quad *q = quad_of(&m->parts[part], backend);
    const struct place *root = &m->roots[part];
    double b[4];
    bool sized = doc_bounds(inner, inner->layout[0], b) && b[2] > 0;
    if (q) {
        out->x = root->x + q->x * root->scale;
        out->y = root->y + q->y * root->scale;
        box =
            (struct area){out->x, out->y, out->x + q->w * root->scale, out->y + q->h * root->scale};
        if (sized && fabs(q->w * root->scale / (b[2] * out->scale) - 1) > 0.01)
            out->scale = q->w * root->scale / b[2];
    } else if (sized) {
        out->x = box.x1 + fmax(0, box.x2 - box.x1 - b[2] * out->scale) / 2;
        out->y = box.y1 + fmax(0, box.y2 - box.y1 - b[3] * out->scale) / 2;
    }
    out->clip.area = box_intersect(box, out->clip.area);
}

static void emit_frame(struct maker *m, const struct doc *d, const struct place *place, int i,
                       const struct open_node *open)
{
    int64_t backend = json_integer_value(json_array_get(d->backend, (size_t)i));
    int part = place->part, doc_index = d->content_doc[i];
    struct area box;
    if (!box_on_screen(d, place, d->layout[i], &box) || m->n_sources >= CAP_PAGE_FRAMES)
        return;
    if (doc_index < 0) {
        part = part_owned_by(m, part, backend);
        doc_index = 0;
    }
    if (part < 0)
        return;
    struct doc document;
    if (!doc_open(m->tmp, m->parts[part].snapshot, doc_index, &document))
        return;
    struct place inner = {.x = box.x1, .y = box.y1, .scale = place->scale, .part = part};
    inner.clip.area = open->flow.area;
    inner.clip.pane = open->node + 1;
    place_content(m, place->part, backend, box, &document, &inner);
    inner.source = m->n_sources++;
    m->sources[inner.source] = (struct source){.owner = open->node};
    if (part != place->part)
        m->roots[part] = inner;
    emit_document(m, &document, open->node, &inner);
}

/* --- one document ---------------------------------------------------------------------------- */

/* Whole subtrees without anything to read. */
static bool is_dropped(const char *tag)
{
    static const char *const list[] = {
        "style",  "noscript",       "template",       "path",    "circle", "rect",     "line",
        "use",    "polygon",        "polyline",       "ellipse", "defs",   "clippath", "mask",
        "filter", "lineargradient", "radialgradient", "symbol",  "stop"};
    return in_list(list, ARRAY_SIZE(list), tag);
}

static bool is_data_script(const struct node *n)
{
    const char *type = node_attr(n, "type");
    return type &&
           (str_eq_fold(type, "application/ld+json") || str_eq_fold(type, "application/json"));
}

/* Element i: its node, or nothing when it is dropped; *open says what its children need. */
static void emit_element(struct maker *m, const struct doc *d, const struct place *place, int i,
                         const struct open_node *parent, struct open_node *open)
{
    const char *tag = lower(m, doc_string(d, d->name, i));
    open->skip = is_dropped(tag);
    struct node *n = open->skip ? NULL : add_node(m, place, parent->node, tag);
    if (!n) {
        open->skip = true;
        return;
    }
    int at = m->page->n_nodes - 1;
    /* Links in a frame are relative to where its document really is. */
    const char *base = doc_base_url(m->parts[place->part].snapshot, d->content_doc[i]);
    read_attributes(m, d, i, n, *base ? base : NULL);
    if (strcmp(tag, "script") == 0 && !is_data_script(n)) {
        m->page->n_nodes--;
        open->skip = true;
        return;
    }
    open->node = at;
    read_value(m, d, i, n);
    box_of_element(d, i, place, m->view->viewport, parent, n, &m->shadow[at], open);
    if (open->spills)
        m->page->nodes[open->spills - 1].flags |= NODE_SCROLLS;
    read_state(m, d, i, n, m->parts[place->part].focus);
    if (strcmp(tag, "iframe") == 0 || strcmp(tag, "frame") == 0)
        emit_frame(m, d, place, i, open);
}

enum { NODE_TYPE_ELEMENT = 1, NODE_TYPE_TEXT = 3 };

static void emit_node(struct maker *m, const struct doc *d, const struct place *place, int i,
                      const struct open_node *parent, struct open_node *open)
{
    *open = *parent;
    open->src = i;
    int type = doc_int(d->type, i, 0);
    if (parent->skip)
        return;
    if (d->bits[i] & DOC_PSEUDO) {
        const char *words = doc_layout_text(d, d->words[i]);
        if (says_something(words))
            add_text(m, d, i, d->words[i], words, place, parent);
        open->skip = true;
    } else if (type == NODE_TYPE_ELEMENT) {
        emit_element(m, d, place, i, parent, open);
    } else if (type == NODE_TYPE_TEXT) {
        add_text(m, d, i, d->layout[i], doc_string(d, d->value, i), place, parent);
    } else {
        open->skip = true; /* comments, doctype */
    }
}

static void close_node(struct maker *m, const struct open_node *open, int parent_node)
{
    if (open->skip || open->node == parent_node)
        return;
    m->page->nodes[open->node].end = m->page->n_nodes;
    if (strcmp(m->page->nodes[open->node].tag, "select") == 0)
        set_select_value(m, open->node);
}

/* The snapshot lists nodes in document order, parents first, so one pass with a stack is enough. */
static void emit_tree(struct maker *m, const struct doc *d, const struct place *place,
                      struct open_node *stack)
{
    int depth = 0; /* stack[0] is the document itself */
    for (int i = 1; i < d->n; i++) {
        int parent = doc_int(d->parent, i, -1);
        while (depth > 0 && stack[depth].src != parent) {
            close_node(m, &stack[depth], stack[depth - 1].node);
            depth--;
        }
        if (stack[depth].src != parent)
            continue; /* its parent was too deep */
        if (depth + 1 == DEPTH_MAX) {
            m->page->truncated = true;
            continue;
        }
        emit_node(m, d, place, i, &stack[depth], &stack[depth + 1]);
        depth++;
    }
    for (; depth > 0; depth--)
        close_node(m, &stack[depth], stack[depth - 1].node);
}

static void emit_document(struct maker *m, const struct doc *d, int parent_node,
                          const struct place *place)
{
    struct open_node *stack = pool_try(m->tmp, sizeof(*stack) * DEPTH_MAX);
    if (!stack || !add_node(m, place, parent_node, "#document"))
        return;
    int at = m->page->n_nodes - 1;
    stack[0] = (struct open_node){
        .node = at, .flow = place->clip, .absolute = place->clip, .takes_clicks = true};
    stack[0].paint_order = m->shadow[at].paint_order = doc_paint_order(d, 0);
    box_place(&m->page->nodes[at], &m->shadow[at], m->view->viewport, place->clip.area,
              &place->clip, true);
    emit_tree(m, d, place, stack);
    m->page->nodes[at].end = m->page->n_nodes;
}

/* --- the page -------------------------------------------------------------------------------- */

/* Elements without a box of their own (display: contents, links around floats) are where their
 * children are. */
static void borrow_boxes(struct page *page)
{
    for (int i = page->n_nodes - 1; i > 0; i--) {
        const struct node *n = &page->nodes[i];
        struct node *up = &page->nodes[n->parent];
        if (!(n->flags & NODE_VISIBLE) ||
            ((up->flags & NODE_VISIBLE) && up->box.w > 0 && up->box.h > 0) || up->box.w > 1 ||
            up->tag[0] == '#')
            continue;
        struct rect a = n->box, b = up->box;
        if (up->flags & NODE_VISIBLE) {
            int x2 = a.x + a.w > b.x + b.w ? a.x + a.w : b.x + b.w;
            int y2 = a.y + a.h > b.y + b.h ? a.y + a.h : b.y + b.h;
            a.x = a.x < b.x ? a.x : b.x;
            a.y = a.y < b.y ? a.y : b.y;
            a.w = x2 - a.x;
            a.h = y2 - a.y;
        }
        up->box = a;
        up->flags |= n->flags & (NODE_VISIBLE | NODE_IN_VIEW);
    }
}

static int count_nodes(const struct snapshot_part *parts, int n_parts)
{
    size_t n = 64;
    for (int k = 0; k < n_parts; k++) {
        size_t i;
        const json_t *doc;
        json_array_foreach (json_object_get(parts[k].snapshot, "documents"), i, doc) {
            n += json_array_size(json_object_get(json_object_get(doc, "nodes"), "parentIndex")) + 1;
        }
    }
    return n > CAP_PAGE_NODES ? CAP_PAGE_NODES : (int)n;
}

static void fill_page(struct maker *m)
{
    const struct snapshot_view *view = m->view;
    struct page *page = m->page;
    struct rect v = view->viewport;
    struct doc d;
    page->url = pool_strdup(m->pool, view->url);
    page->title = str_squash(m->pool, view->title);
    page->viewport = v;
    page->scroll_x = view->scroll_x;
    page->scroll_y = view->scroll_y;
    page->http_status = view->http_status;
    struct place place = {.x = v.x, .y = v.y, .scale = view->scale, .source = m->n_sources++};
    place.clip.area =
        (struct area){-1e7, -1e7, 1e7, 1e7}; /* the viewport scrolls: it cuts nothing */
    m->sources[0] = (struct source){.owner = -1};
    m->roots[0] = place;
    if (doc_open(m->tmp, m->parts[0].snapshot, 0, &d)) {
        emit_document(m, &d, -1, &place);
        page->content_w = (int)json_num(d.json, "contentWidth", 0);
        page->content_h = (int)json_num(d.json, "contentHeight", 0);
    }
    if (page->n_nodes)
        page->nodes[0].box = v;
    borrow_boxes(page);
    snapshot_cover(m->tmp, page, m->shadow, m->sources);
}

int snapshot_to_page(struct pool *pool, const struct snapshot_part *parts, int n_parts,
                     const struct snapshot_view *view, struct page **out, struct err *err)
{
    struct maker m = {.pool = pool, .parts = parts, .n_parts = n_parts, .view = view};
    int r = 0;
    if (n_parts < 1 || n_parts > CAP_PAGE_FRAMES ||
        !json_array_size(json_object_get(parts[0].snapshot, "documents")))
        return err_set(err, E_UPSTREAM, "the browser gave no picture of the page");
    m.tmp = pool_create(NULL);
    m.max_nodes = count_nodes(parts, n_parts);
    m.page = pool_alloc(pool, sizeof(*m.page));
    m.page->nodes = pool_try(pool, sizeof(struct node) * (size_t)m.max_nodes);
    m.shadow = pool_try(m.tmp, sizeof(*m.shadow) * (size_t)m.max_nodes);
    if (!m.page->nodes || !m.shadow) {
        r = err_set(err, E_NOMEM, "no memory for a page of %d nodes", m.max_nodes);
        goto out;
    }
    fill_page(&m);
    page_finish(pool, m.page);
    *out = m.page;
out:
    pool_destroy(m.tmp);
    return r;
}
