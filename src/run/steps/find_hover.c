/*
 * find_hover.c - icons whose names show while the pointer rests on them: it is put on one after the
 * other until what comes up says what is wanted.
 */
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "run/look.h"
#include "run/steps/find.h"

#define ICONS_MAX   24
#define SIDE_MAX_PX 90  /* a larger thing is no icon */
#define TIP_MS      900 /* for a name to come up */
#define TIP_STEP_MS 80
#define NAME_BYTES  80

static bool is_icon(struct pool *pool, const struct page *page, int i)
{
    const struct node *n = &page->nodes[i];
    bool acts = (n->flags & NODE_CLICKABLE) || !strcmp(n->role, "button") || !strcmp(n->role, "link");
    return acts && (n->flags & NODE_IN_VIEW) && !(n->flags & (NODE_COVERED | NODE_EDITABLE)) &&
           !*n->name && n->box.w > 0 && n->box.w <= SIDE_MAX_PX && n->box.h <= SIDE_MAX_PX &&
           str_empty(page_text(pool, page, i, NAME_BYTES));
}

/* The outermost of things within each other. */
static int gather(struct pool *pool, const struct page *page, int *icons)
{
    int n = 0;
    for (int i = 0; i < page->n_nodes && n < ICONS_MAX; i++)
        if (is_icon(pool, page, i)) {
            icons[n++] = i;
            i = page->nodes[i].end - 1;
        }
    return n;
}

static bool names_it(const struct target_query *q, const char *text)
{
    if (strlen(text) > NAME_BYTES)
        return false;
    for (const char *const *a = q->aliases; a && *a; a++)
        if (str_contains_fold(text, *a))
            return true;
    return str_contains_fold(text, q->label);
}

static int count_named(const struct target_query *q, const struct page *page)
{
    int n = 0;
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *t = &page->nodes[i];
        n += *t->text && (t->flags & NODE_IN_VIEW) && names_it(q, t->text);
    }
    return n;
}

/* The icon as it is in another look: by its place. */
static int same_icon(const struct page *page, const struct node *icon)
{
    for (int i = 0; i < page->n_nodes; i++)
        if (!memcmp(&page->nodes[i].box, &icon->box, sizeof(icon->box)) &&
            !strcmp(page->nodes[i].tag, icon->tag))
            return i;
    return -1;
}

static int rest_on(struct run *run, const struct target_query *q, struct point at, int named_before,
                   struct observation *obs, bool *ret_named, struct err *err)
{
    struct action move = {.type = ACTION_MOVE, .x = at.x, .y = at.y};
    struct settled s = {0};
    int64_t end = clock_mono_ms() + TIP_MS;
    int r = run_act(run, &move, CAP_SCROLL_MS, &s, err);
    *ret_named = false;
    while (!r && !*ret_named && clock_mono_ms() < end) {
        if (loop_wait(run->loop, NULL, NULL, clock_mono_ms() + TIP_STEP_MS))
            return err_set(err, E_CANCELLED, "interrupted while looking for a name");
        r = run_look(run, obs, err);
        *ret_named = !r && obs->page && count_named(q, obs->page) > named_before;
    }
    return r;
}

static struct target target_at(const struct page *page, int i, const char *label)
{
    const struct node *n = &page->nodes[i];
    return (struct target){.at = node_point(page, n),
                           .box = n->box,
                           .in_view = true,
                           .label = label,
                           .tag = n->tag,
                           .role = n->role,
                           .node = i,
                           .confidence = 0.8};
}

int find_by_hover(struct run *run, const struct target_query *q, struct observation *obs,
                  struct target *out, struct err *err)
{
    struct observation first;
    int icons[ICONS_MAX], n = 0, before = 0;
    bool named = false;
    int r = *q->label ? run_look(run, &first, err) : E_NOT_FOUND;
    if (!r && first.page) {
        n = gather(run->step_pool, first.page, icons);
        before = count_named(q, first.page);
    }
    for (int i = 0; !r && i < n; i++) {
        const struct node *icon = &first.page->nodes[icons[i]];
        r = rest_on(run, q, node_point(first.page, icon), before, obs, &named, err);
        int at = !r && named ? same_icon(obs->page, icon) : -1;
        if (at >= 0) {
            *out = target_at(obs->page, at, q->label);
            return 0;
        }
    }
    return r ? r : E_NOT_FOUND;
}
