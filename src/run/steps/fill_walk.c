/*
 * fill_walk.c - a field that looking does not find may be reached by keys: Tab goes from one control to
 * the next, and what has the focus says what it is (plans.md 8.4). Cells that become fields only when
 * they are entered are found so.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/steps/fill.h"

#define WALK_TABS 100
#define WALK_MS   15000
#define TAB_MS    120 /* for the focus to arrive */
#define MAX_LOST  2   /* presses in a row that leave nothing focused: the page has no controls */

/* Within frames the innermost: the last in document order. */
static int focused(const struct page *page)
{
    int found = -1;
    for (int i = 0; page && i < page->n_nodes; i++)
        if (page->nodes[i].flags & NODE_FOCUSED)
            found = i;
    return found;
}

/* The words right in front of a field, with no other field between. */
static const char *words_before(const struct page *page, int i)
{
    while (--i >= 0 && !(page->nodes[i].flags & NODE_EDITABLE))
        if (!str_empty(page->nodes[i].text))
            return page->nodes[i].text;
    return "";
}

/* "first_name" as "first name". */
static const char *spaced(struct pool *pool, const char *name)
{
    char *out = pool_strdup(pool, name ? name : "");
    for (char *p = out; *p; p++)
        *p = *p == '_' || *p == '-' ? ' ' : *p;
    return out;
}

static bool is_called(struct pool *pool, const struct page *page, int i, const char *label)
{
    const struct node *n = &page->nodes[i];
    const char *names[] = {n->name, node_attr(n, "aria-label"), node_attr(n, "placeholder"),
                           spaced(pool, node_attr(n, "name")), words_before(page, i)};
    for (size_t k = 0; *label && k < ARRAY_SIZE(names); k++)
        if (!str_empty(names[k]) &&
            (str_contains_fold(names[k], label) || str_has_words_fold(names[k], label)))
            return true;
    return false;
}

static bool is_wanted(const struct fill *f, struct pool *pool, const struct page *page, int i)
{
    struct target_query q = step_query(f->run, TARGET_FIELD);
    if (i < 0 || !(page->nodes[i].flags & NODE_EDITABLE))
        return false;
    bool yes = is_called(pool, page, i, f->label);
    for (size_t k = 0; !yes && q.aliases && q.aliases[k]; k++)
        yes = is_called(pool, page, i, q.aliases[k]);
    return yes;
}

/* One Tab further; *ret_at: what has the focus now, -1 nothing. */
static int tab_on(const struct fill *f, int *ret_at, bool *ret_found, struct err *err)
{
    struct pool *pool = pool_create(f->run->step_pool);
    struct observation obs;
    int r = run_key(f->run, "Tab", TAB_MS, err);
    if (!r)
        r = run_look_in(f->run, pool, &obs, err);
    if (!r) {
        *ret_at = focused(obs.page);
        *ret_found = is_wanted(f, pool, obs.page, *ret_at);
    }
    pool_destroy(pool);
    return r;
}

static int aim_at_focus(struct fill *f, bool *ret_found, struct err *err)
{
    struct run *run = f->run;
    int r = run_look(run, &f->aim.obs, err);
    const struct page *page = f->aim.obs.page;
    int i = r ? -1 : focused(page);
    *ret_found = i >= 0;
    if (i < 0)
        return r;
    const struct node *n = &page->nodes[i];
    f->aim.target = (struct target){.at = node_point(page, n),
                                    .box = n->box,
                                    .in_view = true,
                                    .label = n->name,
                                    .tag = n->tag,
                                    .role = n->role,
                                    .node = i,
                                    .confidence = 1};
    *f->out = step_result_empty();
    f->out->steps_used = 1;
    f->out->at = f->aim.target.at;
    run_event(run, "runner", "field_by_tab", json_pack("{s:o}", "label", json_string_safe(f->label)),
              "'%s' was reached with Tab", f->label);
    return 0;
}

int fill_walk(struct fill *f, bool *ret_found, struct err *err)
{
    int64_t end = clock_mono_ms() + WALK_MS;
    int r = 0, first = -1, lost = 0;
    *ret_found = false;
    if (!(plane_caps(f->run->plane) & PLANE_HAS_DOM))
        return 0; /* pixels do not say what has the focus */
    for (int i = 0; !r && !*ret_found && i < WALK_TABS && clock_mono_ms() < end; i++) {
        int at = -1;
        r = tab_on(f, &at, ret_found, err);
        lost = at < 0 ? lost + 1 : 0;
        if (lost > MAX_LOST || (at >= 0 && at == first))
            break; /* once around */
        first = first < 0 ? at : first;
    }
    return r || !*ret_found ? r : aim_at_focus(f, ret_found, err);
}
