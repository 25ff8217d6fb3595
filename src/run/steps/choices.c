#include "run/steps/choices.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define SHOWN_BYTES 400
#define UP_LEVELS   2 /* boxes around a control that may show what was chosen in it */

/* --- what is wanted -----------------------------------------------------------------------------
 */

static const char *nth_quoted(struct pool *pool, const char *text, bool last)
{
    const char *found = NULL, *q;
    while ((q = str_quoted(pool, &text, SIZE_MAX))) {
        found = q;
        if (!last)
            break;
    }
    return found ? found : "";
}

static void add_name(struct pool *pool, struct choices *out, const char *name)
{
    name = str_squash(pool, name);
    if (!*name || out->n == CHOICES_MAX)
        return;
    out->names[out->n++] = name;
    out->text = *out->text ? pool_printf(pool, "%s, %s", out->text, name) : name;
}

void choices_read(struct pool *pool, const struct step *step, struct choices *out)
{
    const json_t *wanted = json_object_get(step->params, "option_label");
    const char *label =
        json_str(step->params, "dropdown_label", json_str(step->params, "label", ""));
    *out = (struct choices){.text = ""};
    if (!wanted)
        wanted = json_object_get(step->params, "value");
    if (json_is_array(wanted))
        for (size_t i = 0; i < json_array_size(wanted); i++)
            add_name(pool, out, json_string_value(json_array_get(wanted, i)));
    else
        add_name(pool, out,
                 json_is_string(wanted) ? json_string_value(wanted)
                                        : nth_quoted(pool, step->intent, false));
    out->dropdown = *label ? label : nth_quoted(pool, step->intent, true);
}

void choices_split(struct pool *pool, struct choices *c)
{
    char *save = NULL, *text = pool_strdup(pool, c->text);
    struct choices split = {.dropdown = c->dropdown, .text = ""};
    for (char *p = strtok_r(text, ",", &save); p; p = strtok_r(NULL, ",", &save))
        add_name(pool, &split, p);
    *c = split;
}

/* --- native --------------------------------------------------------------------------------------
 */

struct native native_read(struct pool *pool, const struct page *page, int node)
{
    struct native n = {0};
    if (!page || node < 0 || node >= page->n_nodes || strcmp(page->nodes[node].tag, "select"))
        return n;
    n.select = &page->nodes[node];
    n.options = pool_alloc(pool, (size_t)(n.select->end - node + 1) * sizeof(*n.options));
    for (int i = node + 1; i < n.select->end; i++)
        if (!strcmp(page->nodes[i].tag, "option"))
            n.options[n.n++] = &page->nodes[i];
    return n;
}

bool native_is_list(const struct node *select)
{
    const char *size = node_attr(select, "size");
    return node_attr(select, "multiple") || (size && atoi(size) > 1);
}

const char *native_name(const struct native *n, int option)
{
    return n->options[option]->name;
}

bool native_disabled(const struct native *n, int option)
{
    return n->options[option]->flags & NODE_DISABLED;
}

int native_selected(const struct native *n)
{
    for (int i = 0; i < n->n; i++)
        if (n->options[i]->flags & NODE_SELECTED)
            return i;
    return -1;
}

int native_find(struct pool *pool, const struct native *n, const char *name)
{
    const char *want = str_squash(pool, name);
    for (int i = 0; i < n->n; i++)
        if (str_eq_fold(str_squash(pool, native_name(n, i)), want))
            return i;
    for (int i = 0; *want && i < n->n; i++)
        if (str_contains_fold(str_squash(pool, native_name(n, i)), want))
            return i;
    return -1;
}

int native_steps(const struct native *n, int from, int to)
{
    int steps = 0, way = to > from ? 1 : -1;
    for (int i = from; i != to;) {
        i += way;
        steps += !native_disabled(n, i);
    }
    return steps * way;
}

static bool holds(const int *options, int count, int option)
{
    for (int i = 0; i < count; i++)
        if (options[i] == option)
            return true;
    return false;
}

bool native_is_set(const struct native *n, const int *options, int count)
{
    for (int i = 0; i < n->n; i++) {
        bool is = n->options[i]->flags & NODE_SELECTED;
        if (is != holds(options, count, i))
            return false;
    }
    return n->n > 0;
}

int native_hidden(const struct native *n, int option)
{
    struct rect list = n->select->box, o = n->options[option]->box;
    int middle = o.y + o.h / 2;
    return middle < list.y ? -1 : middle >= list.y + list.h ? 1 : 0;
}

const char *native_shown(struct pool *pool, const struct native *n)
{
    const char *out = "";
    for (int i = 0; i < n->n; i++)
        if (n->options[i]->flags & NODE_SELECTED)
            out = pool_printf(pool, "%s%s%s", out, *out ? ", " : "", native_name(n, i));
    return out;
}

/* --- the page's own
 * -------------------------------------------------------------------------------- */

int choice_node_at(const struct observation *obs, struct point at)
{
    int found = -1;
    for (int i = 0; obs->page && i < obs->page->n_nodes; i++) {
        const struct node *n = &obs->page->nodes[i];
        struct rect b = n->box;
        if (n->tag[0] != '#' && (n->flags & NODE_VISIBLE) && at.x >= b.x && at.x < b.x + b.w &&
            at.y >= b.y && at.y < b.y + b.h)
            found = i;
    }
    return found;
}

const char *choice_shown(struct pool *pool, const struct observation *obs, int node,
                         const char *name)
{
    const char *own = "";
    if (!obs->page || node < 0)
        return "";
    const struct node *n = &obs->page->nodes[node];
    if (*n->value)
        own = n->value;
    else
        own = page_text(pool, obs->page, node, SHOWN_BYTES);
    for (int up = 0; up < UP_LEVELS && node >= 0 && !str_contains_fold(own, name); up++) {
        node = obs->page->nodes[node].parent;
        if (node >= 0 && str_contains_fold(page_text(pool, obs->page, node, SHOWN_BYTES), name))
            return name;
    }
    return own;
}
