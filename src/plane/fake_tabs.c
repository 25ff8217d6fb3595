#include "plane/fake_tabs.h"

#include <string.h>

#include "base/str.h"
#include "core/action.h"

#define CHORD_MAX 8

struct fake_tab *fake_front(struct fake_tabs *tabs)
{
    return &tabs->list[tabs->n - 1];
}

const struct fake_page *fake_shown(const struct fake_tabs *tabs)
{
    const struct fake_tab *t = &tabs->list[tabs->n - 1];
    return &tabs->script->pages[t->history[t->pos]];
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Show the page of the current history entry as the script has it. The page left behind stays in
 * memory: observations share its strings. */
static void visit(struct fake_tabs *tabs, struct fake_tab *t)
{
    if (page_from_json(tabs->pool, tabs->script->pages[t->history[t->pos]].page, &t->page, NULL))
        BUG("a page that was checked at load does not parse");
    t->scroll_y = t->page->scroll_y;
    t->focus = -1;
    t->all_selected = false;
}

void fake_go(struct fake_tabs *tabs, int page)
{
    struct fake_tab *t = fake_front(tabs);
    if (t->pos == FAKE_HISTORY_MAX - 1) {
        memmove(t->history, t->history + 1, sizeof(t->history) - sizeof(t->history[0]));
        t->pos--;
    }
    t->history[++t->pos] = page;
    t->n = t->pos + 1;
    visit(tabs, t);
}

void fake_replace(struct fake_tabs *tabs, int page)
{
    struct fake_tab *t = fake_front(tabs);
    t->history[t->pos] = page;
    visit(tabs, t);
}

void fake_open_tab(struct fake_tabs *tabs, int page)
{
    if (tabs->n == CAP_PLANE_TABS)
        return;
    struct fake_tab *t = &tabs->list[tabs->n++];
    *t = (struct fake_tab){.history = {page}, .n = 1};
    visit(tabs, t);
}

void fake_load(struct fake_tabs *tabs, const char *url)
{
    int i = fake_script_page_at(tabs->script, url);
    if (i >= 0 && tabs->script->pages[i].fails > 0) {
        tabs->script->pages[i].fails--;
        i = -1;
    }
    fake_go(tabs, i < 0 ? fake_script_error_page(tabs->script) : i);
}

static int max_scroll(const struct page *p)
{
    int more = p->content_h - p->viewport.h;
    return more > 0 ? more : 0;
}

void fake_scroll_to(struct fake_tab *t, int y)
{
    int max = max_scroll(t->page);
    t->scroll_y = y < 0 ? 0 : y > max ? max : y;
}

/* The box as it is on the screen now; fixtures give it for the scroll offset they name. */
static struct rect box_now(const struct fake_tab *t, const struct node *n)
{
    struct rect r = n->box;
    r.y -= t->scroll_y - t->page->scroll_y;
    return r;
}

static bool in_view(const struct page *p, const struct rect *r)
{
    const struct rect *v = &p->viewport;
    return r->w > 0 && r->h > 0 && r->x < v->x + v->w && v->x < r->x + r->w && r->y < v->y + v->h &&
           v->y < r->y + r->h;
}

int fake_hit(const struct fake_tab *t, int x, int y)
{
    int best = -1;
    for (int i = 0; i < t->page->n_nodes; i++) {
        struct rect r = box_now(t, &t->page->nodes[i]);
        if ((t->page->nodes[i].flags & NODE_VISIBLE) && x >= r.x && x < r.x + r.w && y >= r.y &&
            y < r.y + r.h)
            best = i;
    }
    return best;
}

/* --- what a page does by itself -------------------------------------------------------------- */

static void focus(struct fake_tab *t, int i)
{
    if (t->focus >= 0)
        t->page->nodes[t->focus].flags &= ~(unsigned)NODE_FOCUSED;
    t->focus = i;
    t->all_selected = false;
    if (i >= 0)
        t->page->nodes[i].flags |= NODE_FOCUSED;
}

bool fake_click(struct fake_tabs *tabs, int i)
{
    struct fake_tab *t = fake_front(tabs);
    for (; i >= 0; i = t->page->nodes[i].parent) {
        struct node *n = &t->page->nodes[i];
        const char *type = node_attr(n, "type");
        if (*n->href) {
            fake_load(tabs, n->href);
            return true;
        }
        if (type && !strcmp(type, "checkbox")) {
            n->flags ^= NODE_CHECKED;
            return false;
        }
        if (n->flags & NODE_EDITABLE)
            break;
    }
    focus(t, i);
    return false;
}

static void set_value(struct fake_tabs *tabs, const char *before, const char *text)
{
    struct fake_tab *t = fake_front(tabs);
    struct node *n = &t->page->nodes[t->focus];
    n->value =
        str_cut(tabs->pool, pool_printf(tabs->pool, "%s%s", before, text), CAP_PAGE_TEXT_BYTES);
    t->all_selected = false;
}

void fake_type(struct fake_tabs *tabs, const char *text)
{
    struct fake_tab *t = fake_front(tabs);
    if (t->focus >= 0)
        set_value(tabs, t->all_selected ? "" : t->page->nodes[t->focus].value, text);
}

static void rub_out(struct fake_tabs *tabs)
{
    struct fake_tab *t = fake_front(tabs);
    const char *value = t->focus >= 0 ? t->page->nodes[t->focus].value : "";
    size_t len = strlen(value);
    if (!len)
        return;
    do
        len--;
    while (len && ((unsigned char)value[len] & 0xc0) == 0x80);
    set_value(tabs, "", t->all_selected ? "" : pool_strndup(tabs->pool, value, len));
}

static void focus_next(struct fake_tab *t)
{
    for (int i = t->focus + 1; i < t->page->n_nodes; i++)
        if ((t->page->nodes[i].flags & (NODE_EDITABLE | NODE_VISIBLE)) ==
            (NODE_EDITABLE | NODE_VISIBLE)) {
            focus(t, i);
            return;
        }
    focus(t, -1);
}

void fake_step_history(struct fake_tabs *tabs, int by)
{
    struct fake_tab *t = fake_front(tabs);
    if (t->pos + by < 0 || t->pos + by >= t->n)
        return;
    t->pos += by;
    visit(tabs, t);
}

bool fake_same_keys(struct pool *pool, const char *a, const char *b)
{
    const char *x[CHORD_MAX], *y[CHORD_MAX];
    int n, m;
    if (action_keys(pool, a, x, CHORD_MAX, &n, NULL) ||
        action_keys(pool, b, y, CHORD_MAX, &m, NULL))
        return false;
    for (int i = 0; i < n && n == m; i++)
        if (strcmp(x[i], y[i]))
            return false;
    return n == m;
}

void fake_press(struct fake_tabs *tabs, struct pool *pool, const char *keys)
{
    static const struct {
        const char *keys;
        int pages; /* scrolls by */
        int to;    /* scrolls to */
    } moves[] = {{"pagedown", 1, -1},
                 {"space", 1, -1},
                 {"pageup", -1, -1},
                 {"home", 0, 0},
                 {"end", 0, INT32_MAX}};
    struct fake_tab *t = fake_front(tabs);
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
        if (fake_same_keys(pool, keys, moves[i].keys)) {
            int by = moves[i].pages * (t->page->viewport.h - 40);
            fake_scroll_to(t, moves[i].to < 0 ? t->scroll_y + by : moves[i].to);
        }
    if (fake_same_keys(pool, keys, "ctrl+a"))
        t->all_selected = t->focus >= 0;
    else if (fake_same_keys(pool, keys, "backspace") || fake_same_keys(pool, keys, "delete"))
        rub_out(tabs);
    else if (fake_same_keys(pool, keys, "tab"))
        focus_next(t);
    else if (fake_same_keys(pool, keys, "alt+left"))
        fake_step_history(tabs, -1);
}

struct page *fake_read_page(const struct fake_tab *t, struct pool *pool)
{
    struct page *p = pool_alloc(pool, sizeof(*p));
    *p = *t->page;
    p->scroll_y = t->scroll_y;
    p->nodes = pool_alloc(pool, (size_t)p->n_nodes * sizeof(*p->nodes));
    for (int i = 0; i < p->n_nodes; i++) {
        struct node *n = &p->nodes[i];
        *n = t->page->nodes[i];
        n->box = box_now(t, n);
        if ((n->flags & NODE_VISIBLE) && in_view(p, &n->box))
            n->flags |= NODE_IN_VIEW;
        else
            n->flags &= ~(unsigned)NODE_IN_VIEW;
    }
    return p;
}
