#include "plane/cdp/snapshot_priv.h"

#include <string.h>

const char *const snapshot_style_names[STYLE_N] = {
    [STYLE_VISIBILITY] = "visibility",
    [STYLE_OPACITY] = "opacity",
    [STYLE_POINTER_EVENTS] = "pointer-events",
    [STYLE_CURSOR] = "cursor",
    [STYLE_POSITION] = "position",
    [STYLE_OVERFLOW_X] = "overflow-x",
    [STYLE_OVERFLOW_Y] = "overflow-y",
    [STYLE_BACKGROUND] = "background-color",
};

json_t *snapshot_params(void)
{
    json_t *params = json_object(), *styles = json_array();
    for (int i = 0; i < STYLE_N; i++)
        json_push(styles, json_string(snapshot_style_names[i]));
    json_put(params, "computedStyles", styles);
    json_put_bool(params, "includePaintOrder", true);
    return params;
}

int doc_int(const json_t *array, int i, int def)
{
    const json_t *v = i < 0 ? NULL : json_array_get(array, (size_t)i);
    return json_is_integer(v) ? (int)json_integer_value(v) : def;
}

const char *doc_string_at(const struct doc *d, int string_index)
{
    const char *s = string_index < 0
                        ? NULL
                        : json_string_value(json_array_get(d->strings, (size_t)string_index));
    return s ? s : "";
}

const char *doc_string(const struct doc *d, const json_t *array, int i)
{
    return doc_string_at(d, doc_int(array, i, -1));
}

static const json_t *layout_of(const struct doc *d, const char *key)
{
    return json_object_get(json_object_get(d->json, "layout"), key);
}

const char *doc_style(const struct doc *d, int i, enum style which)
{
    if (d->layout[i] < 0)
        return "";
    return doc_string(d, json_array_get(layout_of(d, "styles"), (size_t)d->layout[i]), which);
}

static bool read_bounds(const json_t *list, int i, double out[4])
{
    const json_t *box = i < 0 ? NULL : json_array_get(list, (size_t)i);
    if (json_array_size(box) != 4)
        return false;
    for (size_t k = 0; k < 4; k++)
        out[k] = json_number_value(json_array_get(box, k));
    return true;
}

bool doc_bounds(const struct doc *d, int layout, double out[4])
{
    return read_bounds(layout_of(d, "bounds"), layout, out);
}

static const json_t *text_boxes(const struct doc *d, const char *key)
{
    return json_object_get(json_object_get(d->json, "textBoxes"), key);
}

bool doc_line_bounds(const struct doc *d, int layout, double out[4])
{
    return layout >= 0 && read_bounds(text_boxes(d, "bounds"), d->line[layout], out);
}

int doc_paint_order(const struct doc *d, int i)
{
    return doc_int(layout_of(d, "paintOrders"), d->layout[i], 0);
}

const char *doc_layout_text(const struct doc *d, int layout)
{
    return doc_string(d, layout_of(d, "text"), layout);
}

static int *minus_ones(struct pool *tmp, int n)
{
    int *a = pool_try(tmp, sizeof(int) * ((size_t)n + 1));
    for (int i = 0; a && i < n; i++)
        a[i] = -1;
    return a;
}

/* Rare properties come as {index:[...], value:[...]}. */
static void spread(const json_t *nodes, const char *key, int n, int *into)
{
    const json_t *rare = json_object_get(nodes, key), *index = json_object_get(rare, "index"),
                 *value = json_object_get(rare, "value");
    for (int k = 0; k < (int)json_array_size(index); k++) {
        int i = doc_int(index, k, -1);
        if (i >= 0 && i < n)
            into[i] = doc_int(value, k, -1);
    }
}

static void spread_bit(const json_t *nodes, const char *key, int n, unsigned char *bits, int bit)
{
    const json_t *index = json_object_get(json_object_get(nodes, key), "index");
    for (int k = 0; k < (int)json_array_size(index); k++) {
        int i = doc_int(index, k, -1);
        if (i >= 0 && i < n)
            bits[i] |= (unsigned char)bit;
    }
}

static void spread_layout(struct doc *d)
{
    const json_t *index = layout_of(d, "nodeIndex");
    for (int k = 0; k < (int)json_array_size(index); k++) {
        int i = doc_int(index, k, -1);
        if (i < 0 || i >= d->n)
            continue;
        if (d->layout[i] < 0)
            d->layout[i] = k;
        else if (d->words[i] < 0)
            d->words[i] = k;
    }
}

/* A text wraps when its last piece starts below the end of its first. */
static void find_wrapped(struct doc *d, int n_layout)
{
    const json_t *layout = text_boxes(d, "layoutIndex"), *bounds = text_boxes(d, "bounds");
    int n = (int)json_array_size(layout);
    for (int first = 0, last; first < n; first = last + 1) {
        int k = doc_int(layout, first, -1);
        double a[4], b[4];
        for (last = first; last + 1 < n && doc_int(layout, last + 1, -1) == k;)
            last++;
        if (k >= 0 && k < n_layout && read_bounds(bounds, first, a) &&
            read_bounds(bounds, last, b) && b[1] >= a[1] + a[3] / 2)
            d->line[k] = first;
    }
}

bool doc_open(struct pool *tmp, const json_t *snapshot, int index, struct doc *out)
{
    const json_t *json =
        index < 0 ? NULL : json_array_get(json_object_get(snapshot, "documents"), (size_t)index);
    const json_t *nodes = json_object_get(json, "nodes");
    struct doc d = {.json = json,
                    .strings = json_object_get(snapshot, "strings"),
                    .parent = json_object_get(nodes, "parentIndex"),
                    .type = json_object_get(nodes, "nodeType"),
                    .name = json_object_get(nodes, "nodeName"),
                    .value = json_object_get(nodes, "nodeValue"),
                    .backend = json_object_get(nodes, "backendNodeId"),
                    .attributes = json_object_get(nodes, "attributes"),
                    .scroll_x = json_num(json, "scrollOffsetX", 0),
                    .scroll_y = json_num(json, "scrollOffsetY", 0)};
    d.n = (int)json_array_size(d.parent);
    if (!d.n)
        return false;
    d.layout = minus_ones(tmp, d.n);
    d.words = minus_ones(tmp, d.n);
    int n_layout = (int)json_array_size(layout_of(&d, "nodeIndex"));
    d.line = minus_ones(tmp, n_layout);
    d.content_doc = minus_ones(tmp, d.n);
    d.input_value = minus_ones(tmp, d.n);
    d.text_value = minus_ones(tmp, d.n);
    d.bits = pool_try(tmp, (size_t)d.n + 1);
    if (!d.layout || !d.words || !d.line || !d.content_doc || !d.input_value || !d.text_value ||
        !d.bits)
        return false;
    spread_layout(&d);
    find_wrapped(&d, n_layout);
    spread(nodes, "contentDocumentIndex", d.n, d.content_doc);
    spread(nodes, "inputValue", d.n, d.input_value);
    spread(nodes, "textValue", d.n, d.text_value);
    spread_bit(nodes, "isClickable", d.n, d.bits, DOC_CLICKABLE);
    spread_bit(nodes, "inputChecked", d.n, d.bits, DOC_CHECKED);
    spread_bit(nodes, "optionSelected", d.n, d.bits, DOC_SELECTED);
    spread_bit(nodes, "pseudoType", d.n, d.bits, DOC_PSEUDO);
    *out = d;
    return true;
}

const char *doc_base_url(const json_t *snapshot, int index)
{
    const json_t *json = json_array_get(json_object_get(snapshot, "documents"), (size_t)index);
    struct doc d = {.strings = json_object_get(snapshot, "strings")};
    return index < 0 ? "" : doc_string_at(&d, (int)json_int(json, "baseURL", -1));
}

int snapshot_iframes(const json_t *snapshot, int64_t *out, int n_max)
{
    int n = 0;
    struct pool *tmp = pool_create(NULL);
    int n_docs = (int)json_array_size(json_object_get(snapshot, "documents"));
    for (int k = 0; k < n_docs && n < n_max; k++) {
        struct doc d;
        if (!doc_open(tmp, snapshot, k, &d))
            continue;
        for (int i = 0; i < d.n && n < n_max; i++) {
            const char *name = doc_string(&d, d.name, i);
            if (d.layout[i] >= 0 && (name[0] == 'I' || name[0] == 'F' || name[0] == 'i') &&
                (strcmp(name, "IFRAME") == 0 || strcmp(name, "FRAME") == 0 ||
                 strcmp(name, "iframe") == 0))
                out[n++] = json_integer_value(json_array_get(d.backend, (size_t)i));
        }
    }
    pool_destroy(tmp);
    return n;
}
