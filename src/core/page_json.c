/*
 * page_json.c - the fixture form of a page (docs/internals/page-json.md): nodes as a flat list, so
 * that a deep page stays shallow JSON, each with the index of its parent.
 */
#include <string.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/str.h"
#include "core/page_priv.h"

static const struct {
    const char *name;
    unsigned flag;
} flag_names[] = {
    {"visible", NODE_VISIBLE},   {"in_view", NODE_IN_VIEW},   {"clickable", NODE_CLICKABLE},
    {"editable", NODE_EDITABLE}, {"disabled", NODE_DISABLED}, {"checked", NODE_CHECKED},
    {"selected", NODE_SELECTED}, {"focused", NODE_FOCUSED},   {"expanded", NODE_EXPANDED},
    {"covered", NODE_COVERED},   {"scrolls", NODE_SCROLLS},
};

/* A text without its own flags and box is shown where its parent is. */
#define INHERITED_FLAGS ((unsigned)(NODE_VISIBLE | NODE_IN_VIEW | NODE_COVERED))

/* --- printing -------------------------------------------------------------------------------- */

static json_t *ints(const int *v, int n)
{
    json_t *a = json_array();
    for (int i = 0; i < n; i++)
        json_push(a, json_integer(v[i]));
    return a;
}

static json_t *rect_json(struct rect r)
{
    return ints((int[]){r.x, r.y, r.w, r.h}, 4);
}

static json_t *node_json(const struct node *n)
{
    json_t *o = json_object();
    json_put_int(o, "parent", n->parent);
    json_put_str(o, "tag", n->tag);
    if (n->text[0])
        json_put_str(o, "text", n->text);
    if (n->n_attrs) {
        json_t *attrs = json_object();
        for (int i = 0; i < n->n_attrs; i++)
            json_put_str(attrs, n->attrs[i].name, n->attrs[i].value);
        json_put(o, "attrs", attrs);
    }
    if (n->value[0])
        json_put_str(o, "value", n->value);
    if (n->href[0])
        json_put_str(o, "href", n->href);
    if (n->frame)
        json_put_int(o, "frame", n->frame);
    struct buf flags;
    buf_init(&flags, 256);
    for (size_t i = 0; i < ARRAY_SIZE(flag_names); i++)
        if (n->flags & flag_names[i].flag)
            buf_addf(&flags, "%s%s", flags.len ? " " : "", flag_names[i].name);
    json_put_str(o, "flags", flags.data);
    buf_release(&flags);
    json_put(o, "box", rect_json(n->box));
    if (n->line.w)
        json_put(o, "line", rect_json(n->line));
    return o;
}

json_t *page_to_json(const struct page *page)
{
    json_t *o = json_object(), *nodes = json_array();
    json_put_str(o, "url", page->url);
    json_put_str(o, "title", page->title);
    json_put(o, "viewport", rect_json(page->viewport));
    json_put(o, "scroll", ints((int[]){page->scroll_x, page->scroll_y}, 2));
    json_put(o, "content", ints((int[]){page->content_w, page->content_h}, 2));
    json_put_int(o, "http_status", page->http_status);
    json_put_bool(o, "truncated", page->truncated);
    for (int i = 0; i < page->n_nodes; i++)
        json_push(nodes, node_json(&page->nodes[i]));
    json_put(o, "nodes", nodes);
    return o;
}

/* --- reading --------------------------------------------------------------------------------- */

/* An optional string; *out is in pool, "" when the field is missing. */
static int read_str(struct pool *pool, const json_t *o, const char *key, const char **out,
                    struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if (v && !json_is_string(v))
        return err_set(err, E_INVALID, "%s must be a string", key);
    *out = v ? pool_strdup(pool, json_string_value(v)) : "";
    return 0;
}

/* An optional list of n integers; untouched when the field is missing. */
static int read_ints(const json_t *o, const char *key, int *out, size_t n, struct err *err)
{
    const json_t *v = json_object_get(o, key);
    if (!v)
        return 0;
    if (!json_is_array(v) || json_array_size(v) != n)
        return err_set(err, E_INVALID, "%s must be a list of %zu integers", key, n);
    for (size_t i = 0; i < n; i++) {
        const json_t *item = json_array_get(v, i);
        json_int_t x = json_integer_value(item);
        if (!json_is_integer(item) || x < -10000000 || x > 10000000)
            return err_set(err, E_INVALID, "%s must be a list of integers within 10,000,000", key);
        out[i] = (int)x;
    }
    return 0;
}

static int read_rect(const json_t *o, const char *key, struct rect *out, struct err *err)
{
    int v[4] = {out->x, out->y, out->w, out->h};
    int r = read_ints(o, key, v, 4, err);
    if (r == 0 && (v[2] < 0 || v[3] < 0))
        return err_set(err, E_INVALID, "%s: width and height must not be negative", key);
    if (r == 0)
        *out = (struct rect){v[0], v[1], v[2], v[3]};
    return r;
}

static int read_flags(const json_t *o, unsigned *out, struct err *err)
{
    const json_t *v = json_object_get(o, "flags");
    if (!v)
        return 0;
    if (!json_is_string(v))
        return err_set(err, E_INVALID, "flags must be a string of blank-separated words");
    *out = 0;
    for (const char *p = json_string_value(v); *(p += strspn(p, " "));) {
        size_t len = strcspn(p, " "), i = 0;
        while (i < ARRAY_SIZE(flag_names) &&
               (strlen(flag_names[i].name) != len || strncmp(flag_names[i].name, p, len) != 0))
            i++;
        if (i == ARRAY_SIZE(flag_names))
            return err_set(err, E_INVALID, "flags: unknown word '%.*s'", (int)(len < 40 ? len : 40),
                           p);
        *out |= flag_names[i].flag;
        p += len;
    }
    return 0;
}

static int read_attrs(struct pool *pool, const json_t *o, struct node *n, struct err *err)
{
    const json_t *v = json_object_get(o, "attrs");
    if (v && !json_is_object(v))
        return err_set(err, E_INVALID, "attrs must be an object of strings");
    struct attr *attrs = pool_alloc(pool, sizeof(*attrs) * (json_object_size(v) + 1));
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)v, key, value) {
        if (!json_is_string(value))
            return err_set(err, E_INVALID, "attrs.%.40s must be a string", key);
        attrs[n->n_attrs++] =
            (struct attr){str_lower(pool, key), pool_strdup(pool, json_string_value(value))};
    }
    n->attrs = attrs;
    return 0;
}

/* Parents come first and the list is a walk of the tree: the parent of a node is the node before it
 * or one of that node's ancestors. */
static int read_parent(const struct page *page, const json_t *o, int i, int *out, struct err *err)
{
    int64_t parent = json_int(o, "parent", i - 1);
    int p = i - 1;
    while (p >= 0 && p != parent)
        p = page->nodes[p].parent;
    if (p != parent || (i > 0 && p < 0))
        return err_set(err, E_INVALID,
                       "parent must be the node before it or one of that node's ancestors");
    *out = p;
    return 0;
}

static int read_node(struct pool *pool, struct page *page, const json_t *o, int i, struct err *err)
{
    struct node *n = &page->nodes[i];
    if (!json_is_object(o))
        return err_set(err, E_INVALID, "must be an object");
    int r = read_parent(page, o, i, &n->parent, err);
    if (r == 0 && json_object_get(o, "text") && n->parent >= 0) {
        n->flags = page->nodes[n->parent].flags & INHERITED_FLAGS;
        n->box = page->nodes[n->parent].box;
    }
    n->role = n->name = "";
    n->frame = n->parent >= 0 ? page->nodes[n->parent].frame : 0;
    const char *text = "";
    if (r || (r = read_str(pool, o, "tag", &n->tag, err)) ||
        (r = read_str(pool, o, "text", &text, err)) ||
        (r = read_str(pool, o, "value", &n->value, err)) ||
        (r = read_str(pool, o, "href", &n->href, err)) || (r = read_attrs(pool, o, n, err)) ||
        (r = read_flags(o, &n->flags, err)) || (r = read_rect(o, "box", &n->box, err)) ||
        (r = read_rect(o, "line", &n->line, err)))
        return r;
    int64_t frame = json_int(o, "frame", n->frame);
    if (frame < 0 || frame >= CAP_PAGE_FRAMES)
        return err_set(err, E_INVALID, "frame must be 0..%d", CAP_PAGE_FRAMES - 1);
    n->frame = (int)frame;
    n->text = str_squash(pool, text);
    n->tag = n->tag[0] ? str_lower(pool, n->tag) : n->text[0] ? "#text" : "";
    if (!n->tag[0])
        return err_set(err, E_INVALID, "tag is missing");
    return 0;
}

/* end of every node, from parents alone: walk backwards and hand each end up. */
static void set_ends(struct page *page)
{
    for (int i = 0; i < page->n_nodes; i++)
        page->nodes[i].end = i + 1;
    for (int i = page->n_nodes - 1; i > 0; i--) {
        struct node *parent = &page->nodes[page->nodes[i].parent];
        if (parent->end < page->nodes[i].end)
            parent->end = page->nodes[i].end;
    }
}

static int read_page(struct pool *pool, const json_t *json, struct page *page, struct err *err)
{
    const json_t *nodes = json_object_get(json, "nodes");
    int r;
    if (!json_is_array(nodes))
        return err_set(err, E_INVALID, "nodes must be a list");
    if (json_array_size(nodes) > CAP_PAGE_NODES)
        return err_set(err, E_INVALID, "nodes holds more than %d", CAP_PAGE_NODES);
    page->viewport = (struct rect){0, 0, 1280, 720};
    int scroll[2] = {0, 0}, content[2] = {1280, 720};
    if ((r = read_str(pool, json, "url", &page->url, err)) ||
        (r = read_str(pool, json, "title", &page->title, err)) ||
        (r = read_rect(json, "viewport", &page->viewport, err)) ||
        (r = read_ints(json, "scroll", scroll, 2, err)) ||
        (r = read_ints(json, "content", content, 2, err)))
        return r;
    page->scroll_x = scroll[0], page->scroll_y = scroll[1];
    page->content_w = content[0], page->content_h = content[1];
    page->http_status = (int)json_int(json, "http_status", 0);
    page->truncated = json_flag(json, "truncated", false);
    page->nodes = pool_alloc(pool, sizeof(*page->nodes) * (json_array_size(nodes) + 1));
    for (size_t i = 0; i < json_array_size(nodes); i++) {
        if ((r = read_node(pool, page, json_array_get(nodes, i), (int)i, err)))
            return err_prefix(err, "nodes[%zu]", i);
        page->n_nodes++;
    }
    return 0;
}

int page_from_json(struct pool *pool, const json_t *json, struct page **out, struct err *err)
{
    struct page *page = pool_alloc(pool, sizeof(*page));
    if (!json_is_object(json))
        return err_set(err, E_INVALID, "page must be an object");
    if (read_page(pool, json, page, err))
        return err_prefix(err, "page");
    set_ends(page);
    page_finish(pool, page);
    *out = page;
    return 0;
}
