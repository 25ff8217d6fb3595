/*
 * page_after.c - what an act led to: another page, a dialog, another value.
 */
#include "reader/page_parts.h"

#include <string.h>

#include "base/str.h"

/* The address without what only names a place in the page. */
static size_t page_part(const char *url)
{
    return strcspn(url, "#");
}

static bool same_address(const char *a, const char *b)
{
    return page_part(a) == page_part(b) && !strncmp(a, b, page_part(a));
}

static int dialogs(const struct scene *s)
{
    int n = 0;
    for (int i = 0; i < s->page->n_nodes; i++)
        n += scene_shown(s, i) && (s->page->nodes[i].flags & NODE_IN_VIEW) &&
             in_words("dialog alertdialog", s->page->nodes[i].role);
    return n;
}

int page_navigated(struct reader *reader, struct pool *pool, const struct observation *before,
                   const struct observation *after, const char *wanted, struct passage *out,
                   struct err *err)
{
    struct scene old, new;
    int r = scene_create(pool, before, &old, err);
    if (!r)
        r = scene_create(pool, after, &new, err);
    if (r)
        return r;
    if (!same_address(old.page->url, new.page->url))
        *out = (struct passage){ANSWER_YES, "url_change",
                                pool_printf(pool, "the address is now '%s'",
                                            str_cut(pool, new.page->url, PAGE_QUOTE_BYTES))};
    else if (dialogs(&new) > dialogs(&old))
        *out = (struct passage){ANSWER_YES, "modal", "a dialog opened"};
    else
        *out = (struct passage){ANSWER_UNKNOWN, "", "the address is the same and no dialog opened"};
    return 0;
}

int page_shown_value(struct reader *reader, struct pool *pool, const struct observation *obs,
                     const char *dropdown, const char **out, struct err *err)
{
    const struct target_query q = {.label = dropdown, .intent = dropdown, .kind = TARGET_SELECT};
    struct target t;
    int r = page_find(reader, pool, obs, &q, &t, err);
    if (r)
        return r;
    const char *value = obs->page->nodes[t.node].value;
    if (!*value)
        return err_set(err, E_NOT_FOUND, "'%.80s' shows no value", t.label);
    *out = value;
    return 0;
}
