#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"

#define RICH_TEXT_BYTES 65536

const struct node *field_node(const struct observation *obs, const struct target *t)
{
    return obs->page && t->node >= 0 && t->node < obs->page->n_nodes ? &obs->page->nodes[t->node]
                                                                     : NULL;
}

bool field_is_rich(const struct node *n)
{
    return n && strcmp(n->tag, "input") && strcmp(n->tag, "textarea") && strcmp(n->tag, "label");
}

bool field_holds(struct run *run, const struct observation *obs, const char *value)
{
    const struct node *n = look_focused(obs);
    if (!obs->page)
        return true; /* pixels only: nothing to read back */
    if (!n)
        return false;
    const char *type = node_attr(n, "type");
    if (type && !strcmp(type, "password"))
        return true;
    const char *got = n->value;
    if (field_is_rich(n) && !*got)
        got = page_text(run->step_pool, obs->page, (int)(n - obs->page->nodes), RICH_TEXT_BYTES);
    const char *want = str_squash(run->step_pool, value);
    return str_contains_fold(str_squash(run->step_pool, got), want);
}

bool field_same_choice(struct pool *pool, const char *shown, const char *wanted)
{
    const char *a = str_squash(pool, shown), *b = str_squash(pool, wanted);
    return *a && *b && (str_contains_fold(a, b) || str_contains_fold(b, a));
}
