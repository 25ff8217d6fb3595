/*
 * snapshot_cover.c - which boxes lie under others. The browser could tell by a hit test per
 * element; that would be a round trip or a script each. Paint order says the same for whole layers:
 * a box is covered when a layer that is painted later, outside its own subtree, lies over its
 * middle.
 */
#include "plane/cdp/snapshot_priv.h"

#include <stdlib.h>

#define LAYERS_MAX 512 /* topmost layers looked at */

struct layer {
    int node, order, source;
    struct rect rect;
    bool opaque;
};

static int by_order_down(const void *a, const void *b)
{
    const struct layer *x = a, *y = b;
    return (x->order < y->order) - (x->order > y->order);
}

static int collect(struct pool *tmp, const struct page *page, const struct shadow_node *shadow,
                   struct layer **out)
{
    int n = 0;
    for (int i = 0; i < page->n_nodes; i++)
        n += shadow[i].own_layer && shadow[i].takes_clicks && shadow[i].shown.w > 0;
    struct layer *layers = pool_alloc(tmp, sizeof(*layers) * ((size_t)n + 1));
    n = 0;
    for (int i = 0; i < page->n_nodes; i++)
        if (shadow[i].own_layer && shadow[i].takes_clicks && shadow[i].shown.w > 0)
            layers[n++] = (struct layer){.node = i,
                                         .order = shadow[i].paint_order,
                                         .source = shadow[i].source,
                                         .rect = shadow[i].shown,
                                         .opaque = shadow[i].opaque};
    qsort(layers, (size_t)n, sizeof(*layers), by_order_down);
    *out = layers;
    return n < LAYERS_MAX ? n : LAYERS_MAX;
}

static bool inside(const struct rect *r, int x, int y)
{
    return x >= r->x && y >= r->y && x < r->x + r->w && y < r->y + r->h;
}

/* A transparent layer hides no words, but it does take the click of what can be clicked. */
static bool covers(const struct page *page, const struct layer *l, int node, int source, int order,
                   bool clicks, int x, int y)
{
    return l->source == source && l->order > order && (l->opaque || clicks) &&
           inside(&l->rect, x, y) && !node_is_a(page, l->node, node) &&
           !node_is_a(page, node, l->node);
}

static bool covered(const struct page *page, const struct shadow_node *shadow,
                    const struct source *sources, const struct layer *layers, int n_layers, int i)
{
    const struct rect *r = &shadow[i].shown;
    int x = r->x + r->w / 2, y = r->y + r->h / 2, node = i;
    bool clicks = page->nodes[i].flags & (NODE_CLICKABLE | NODE_EDITABLE);
    while (node >= 0) {
        int source = shadow[node].source, order = shadow[node].paint_order;
        for (int k = 0; k < n_layers && layers[k].order > order; k++)
            if (covers(page, &layers[k], node, source, order, clicks, x, y))
                return true;
        node = sources[source].owner; /* what lies over the frame lies over all in it */
    }
    return false;
}

void snapshot_cover(struct pool *tmp, struct page *page, const struct shadow_node *shadow,
                    const struct source *sources)
{
    struct layer *layers;
    int n = collect(tmp, page, shadow, &layers);
    for (int i = 0; i < page->n_nodes; i++)
        if ((page->nodes[i].flags & NODE_IN_VIEW) && shadow[i].shown.w > 0 &&
            covered(page, shadow, sources, layers, n, i))
            page->nodes[i].flags |= NODE_COVERED;
}
