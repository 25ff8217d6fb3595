/*
 * fake.c - the plane of the tests: a scripted site, no processes, no waiting.
 *
 * plane_config.browser "fake:<file>" names the script, docs/internals/fake-plane.md its format. In
 * short: { "start": PAGE, "pages": { NAME: { "url", "title", "lines" | "page" | "page_file",
 * "on": [ { "click" | "key" | "type" | "scroll": WHAT, EFFECT } ] } } } with the effects "go",
 * "replace", "new_tab", "dialog", "delay_ms", "hang", "die".
 *
 * What a browser does by itself it does too: links whose target is a page of the script, focus,
 * typing into the focused field, check boxes, history, scrolling. Its pixels are a flat colour that
 * depends on the page's name, over a pattern that depends on everything that can change on it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/driver.h"
#include "plane/fake_script.h"

#define HISTORY_MAX  64
#define NOTCH_PX     100
#define PATTERN_COLS 8 /* squares, one bit each */
#define PATTERN_ROWS 8
#define CHORD_MAX    8

/* One tab: where it has been, and the page it shows as it is now. */
struct tab {
    int history[HISTORY_MAX];
    int n, pos;
    struct page *page;
    int scroll_y;
    int focus; /* node, -1 none */
    bool all_selected;
};

struct fake {
    struct plane plane; /* first */
    struct loop *loop;
    struct pool *pool;
    struct fake_script *script;
    struct tab tabs[CAP_PLANE_TABS];
    int n_tabs; /* the last one is in front */
    FILE *log;
    bool dead;
    int width, height;
};

static struct fake *fake_of(struct plane *plane)
{
    assert(plane->driver == &plane_fake);
    return (struct fake *)plane;
}

static struct tab *front(struct fake *f)
{
    return &f->tabs[f->n_tabs - 1];
}

static const struct fake_page *shown(const struct fake *f)
{
    const struct tab *t = &f->tabs[f->n_tabs - 1];
    return &f->script->pages[t->history[t->pos]];
}

static int health(const struct fake *f, struct err *err)
{
    return f->dead ? err_set(err, E_GONE, "the browser died") : 0;
}

/* --- pages ----------------------------------------------------------------------------------- */

/* Show the page of the current history entry as the script has it. The page left behind stays in
 * memory: observations share its strings. */
static void visit(struct fake *f, struct tab *t)
{
    if (page_from_json(f->pool, f->script->pages[t->history[t->pos]].page, &t->page, NULL))
        BUG("a page that was checked at load does not parse");
    t->scroll_y = t->page->scroll_y;
    t->focus = -1;
    t->all_selected = false;
}

static void go(struct fake *f, int page)
{
    struct tab *t = front(f);
    if (t->pos == HISTORY_MAX - 1) {
        memmove(t->history, t->history + 1, sizeof(t->history) - sizeof(t->history[0]));
        t->pos--;
    }
    t->history[++t->pos] = page;
    t->n = t->pos + 1;
    visit(f, t);
}

static void open_tab(struct fake *f, int page)
{
    if (f->n_tabs == CAP_PLANE_TABS)
        return;
    struct tab *t = &f->tabs[f->n_tabs++];
    *t = (struct tab){.history = {page}, .n = 1};
    visit(f, t);
}

/* Go to a URL: a page of the script, or the error page. */
static void load(struct fake *f, const char *url)
{
    int i = fake_script_page_at(f->script, url);
    if (i >= 0 && f->script->pages[i].fails > 0) {
        f->script->pages[i].fails--;
        i = -1;
    }
    go(f, i < 0 ? fake_script_error_page(f->script) : i);
}

static int max_scroll(const struct page *p)
{
    int more = p->content_h - p->viewport.h;
    return more > 0 ? more : 0;
}

static void scroll_to(struct tab *t, int y)
{
    int max = max_scroll(t->page);
    t->scroll_y = y < 0 ? 0 : y > max ? max : y;
}

/* The box as it is on the screen now; fixtures give it for the scroll offset they name. */
static struct rect box_now(const struct tab *t, const struct node *n)
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

/* Deepest visible node under a point, -1 when none. */
static int hit(const struct tab *t, int x, int y)
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

/* --- rules ----------------------------------------------------------------------------------- */

struct event {
    const char *kind; /* "click", "key", "type", "scroll" */
    const char *text; /* keys, typed text, direction */
    int node;         /* clicked, -1 none */
};

/* A rule names a node by "#id", accessible name or visible text. */
static bool node_is(struct fake *f, struct pool *pool, int i, const char *what)
{
    const struct page *p = front(f)->page;
    const char *id = node_attr(&p->nodes[i], "id");
    if (*what == '#')
        return id && !strcmp(id, what + 1);
    return str_eq_fold(p->nodes[i].name, what) || str_eq_fold(page_text(pool, p, i, 400), what);
}

static bool node_or_parent_is(struct fake *f, struct pool *pool, int i, const char *what)
{
    for (; i >= 0; i = front(f)->page->nodes[i].parent)
        if (node_is(f, pool, i, what))
            return true;
    return false;
}

static bool same_keys(struct pool *pool, const char *a, const char *b)
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

static bool rule_matches(struct fake *f, struct pool *pool, const json_t *rule,
                         const struct event *e)
{
    const char *what = json_str(rule, e->kind, NULL);
    if (!what || json_int(rule, "times", 1) <= 0)
        return false;
    if (!strcmp(what, "*"))
        return true;
    if (!strcmp(e->kind, "click"))
        return node_or_parent_is(f, pool, e->node, what);
    if (!strcmp(e->kind, "key"))
        return same_keys(pool, what, e->text);
    return !strcmp(what, e->text);
}

/* The rule for an event on the page in front; counts it. */
static json_t *find_rule(struct fake *f, struct pool *pool, const struct event *e)
{
    size_t i;
    json_t *rule;
    json_array_foreach (shown(f)->rules, i, rule) {
        if (!rule_matches(f, pool, rule, e))
            continue;
        if (json_object_get(rule, "times"))
            json_put_int(rule, "times", json_int(rule, "times", 1) - 1);
        return rule;
    }
    return NULL;
}

static int wait_ms(struct fake *f, int64_t ms, struct err *err)
{
    int r = ms > 0 ? loop_wait(f->loop, NULL, NULL, clock_mono_ms() + ms) : 0;
    return r ? err_set(err, r, "waiting for the page: cancelled") : 0;
}

static int apply(struct fake *f, struct pool *pool, const json_t *rule, int cap_ms,
                 struct settled *out, struct err *err)
{
    const char *to = json_str(rule, "go", NULL), *replace = json_str(rule, "replace", NULL);
    const char *tab = json_str(rule, "new_tab", NULL), *dialog = json_str(rule, "dialog", NULL);
    int64_t delay = json_int(rule, "delay_ms", 0);
    if (json_flag(rule, "die", false)) {
        f->dead = true;
        return health(f, err);
    }
    if (json_flag(rule, "hang", false) || delay > cap_ms) {
        out->capped = true;
        delay = cap_ms;
    }
    int r = wait_ms(f, delay, err);
    if (r || out->capped)
        return r;
    if (to)
        go(f, fake_script_page(f->script, to));
    if (replace) {
        front(f)->history[front(f)->pos] = fake_script_page(f->script, replace);
        visit(f, front(f));
    }
    if (tab)
        open_tab(f, fake_script_page(f->script, tab));
    if (dialog) {
        out->dialogs = 1;
        out->dialog_text = pool_strdup(pool, dialog);
    }
    out->navigated = to != NULL;
    out->new_tab = tab != NULL;
    out->blank_tab = tab && !strcmp(tab, "about:blank");
    return 0;
}

/* --- what a browser does by itself ----------------------------------------------------------- */

static void focus(struct tab *t, int i)
{
    if (t->focus >= 0)
        t->page->nodes[t->focus].flags &= ~(unsigned)NODE_FOCUSED;
    t->focus = i;
    t->all_selected = false;
    if (i >= 0)
        t->page->nodes[i].flags |= NODE_FOCUSED;
}

/* True when it was a link that led somewhere. */
static bool click_by_itself(struct fake *f, int i)
{
    struct tab *t = front(f);
    for (; i >= 0; i = t->page->nodes[i].parent) {
        struct node *n = &t->page->nodes[i];
        const char *type = node_attr(n, "type");
        if (*n->href) {
            load(f, n->href);
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

static void set_value(struct fake *f, const char *before, const char *text)
{
    struct tab *t = front(f);
    struct node *n = &t->page->nodes[t->focus];
    n->value = str_cut(f->pool, pool_printf(f->pool, "%s%s", before, text), CAP_PAGE_TEXT_BYTES);
    t->all_selected = false;
}

static void type_by_itself(struct fake *f, const char *text)
{
    struct tab *t = front(f);
    if (t->focus >= 0)
        set_value(f, t->all_selected ? "" : t->page->nodes[t->focus].value, text);
}

static void rub_out(struct fake *f)
{
    struct tab *t = front(f);
    const char *value = t->focus >= 0 ? t->page->nodes[t->focus].value : "";
    size_t len = strlen(value);
    if (!len)
        return;
    do
        len--;
    while (len && ((unsigned char)value[len] & 0xc0) == 0x80);
    set_value(f, "", t->all_selected ? "" : pool_strndup(f->pool, value, len));
}

static void focus_next(struct tab *t)
{
    for (int i = t->focus + 1; i < t->page->n_nodes; i++)
        if ((t->page->nodes[i].flags & (NODE_EDITABLE | NODE_VISIBLE)) ==
            (NODE_EDITABLE | NODE_VISIBLE)) {
            focus(t, i);
            return;
        }
    focus(t, -1);
}

static void step_history(struct fake *f, int by)
{
    struct tab *t = front(f);
    if (t->pos + by < 0 || t->pos + by >= t->n)
        return;
    t->pos += by;
    visit(f, t);
}

static void press_by_itself(struct fake *f, struct pool *pool, const char *keys)
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
    struct tab *t = front(f);
    for (size_t i = 0; i < ARRAY_SIZE(moves); i++)
        if (same_keys(pool, keys, moves[i].keys)) {
            int by = moves[i].pages * (t->page->viewport.h - 40);
            scroll_to(t, moves[i].to < 0 ? t->scroll_y + by : moves[i].to);
        }
    if (same_keys(pool, keys, "ctrl+a"))
        t->all_selected = t->focus >= 0;
    else if (same_keys(pool, keys, "backspace") || same_keys(pool, keys, "delete"))
        rub_out(f);
    else if (same_keys(pool, keys, "tab"))
        focus_next(t);
    else if (same_keys(pool, keys, "alt+left"))
        step_history(f, -1);
}

/* --- acting ---------------------------------------------------------------------------------- */

static struct event event_of(struct fake *f, const struct action *a)
{
    struct event e = {.kind = "none", .text = "", .node = -1};
    if (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK) {
        e.kind = a->button == BUTTON_LEFT ? "click" : "right_click";
        e.node = hit(front(f), a->x, a->y);
    } else if (a->type == ACTION_KEY_PRESS) {
        e.kind = "key";
        e.text = a->keys;
    } else if (a->type == ACTION_TYPE_TEXT) {
        e.kind = "type";
        e.text = a->text;
    } else if (a->type == ACTION_SCROLL) {
        e.kind = "scroll";
        e.text = a->dy < 0 ? "up" : "down";
    }
    return e;
}

static void by_itself(struct fake *f, struct pool *pool, const struct action *a,
                      const struct event *e, struct settled *out)
{
    if (!strcmp(e->kind, "click"))
        out->navigated = click_by_itself(f, e->node);
    else if (!strcmp(e->kind, "key"))
        press_by_itself(f, pool, e->text);
    else if (!strcmp(e->kind, "type"))
        type_by_itself(f, e->text);
    else if (!strcmp(e->kind, "scroll"))
        scroll_to(front(f), front(f)->scroll_y + a->dy * NOTCH_PX);
}

static void write_log(struct fake *f, struct pool *pool, const char *what, json_t *detail)
{
    if (f->log) {
        json_t *line = json_object();
        json_put_str(line, "page", shown(f)->name);
        json_put(line, what, json_incref(detail));
        fprintf(f->log, "%s\n", json_text(pool, line));
        fflush(f->log);
        json_decref(line);
    }
    json_decref(detail);
}

/* Every change goes through here: what differs before and after is said in *out. */
struct before {
    const char *url;
    int64_t at_us;
};

static struct before look_before(struct fake *f, struct pool *pool)
{
    return (struct before){pool_strdup(pool, front(f)->page->url), clock_mono_us()};
}

static void look_after(struct fake *f, const struct before *b, struct settled *out)
{
    out->url_changed = strcmp(b->url, front(f)->page->url) != 0;
    out->settle_us = clock_mono_us() - b->at_us;
}

static int act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
               struct settled *out, struct err *err)
{
    struct fake *f = fake_of(plane);
    int r = health(f, err);
    if (r)
        return r;
    write_log(f, pool, "act", action_to_json(action));
    if (action->type == ACTION_WAIT)
        return wait_ms(f, (int64_t)(action->seconds * 1000), err);
    struct before before = look_before(f, pool);
    struct event e = event_of(f, action);
    json_t *rule = find_rule(f, pool, &e);
    if (rule)
        r = apply(f, pool, rule, cap_ms, out, err);
    else
        by_itself(f, pool, action, &e, out);
    if (!r)
        look_after(f, &before, out);
    return r;
}

static int arrive(struct fake *f, const struct before *before, int cap_ms, struct settled *out,
                  struct err *err)
{
    const json_t *config = shown(f)->config;
    int64_t delay = json_int(config, "delay_ms", 0);
    if (json_flag(config, "die", false)) {
        f->dead = true;
        return health(f, err);
    }
    out->capped = json_flag(config, "hang", false) || delay > cap_ms;
    int r = wait_ms(f, out->capped ? cap_ms : delay, err);
    if (!r)
        look_after(f, before, out);
    return r;
}

static int navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                    struct settled *out, struct err *err)
{
    struct fake *f = fake_of(plane);
    int r = health(f, err);
    if (r)
        return r;
    struct before before = look_before(f, pool);
    write_log(f, pool, "navigate", json_string_safe(url));
    load(f, url);
    out->navigated = true;
    return arrive(f, &before, cap_ms, out, err);
}

static int back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err)
{
    struct fake *f = fake_of(plane);
    int r = health(f, err);
    if (r)
        return r;
    struct before before = look_before(f, pool);
    write_log(f, pool, "back", json_true());
    out->navigated = front(f)->pos > 0;
    step_history(f, -1);
    return arrive(f, &before, cap_ms, out, err);
}

static int close_tab(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                     struct err *err)
{
    struct fake *f = fake_of(plane);
    int r = health(f, err);
    if (r)
        return r;
    struct before before = look_before(f, pool);
    write_log(f, pool, "close_tab", json_true());
    f->n_tabs--;
    look_after(f, &before, out);
    return 0;
}

static int tab_count(const struct plane *plane)
{
    return ((const struct fake *)plane)->n_tabs;
}

static int scroll_y(struct plane *plane, int *ret_y, struct err *err)
{
    struct fake *f = fake_of(plane);
    *ret_y = front(f)->scroll_y;
    return health(f, err);
}

static int settle(struct plane *plane, int cap_ms, struct err *err)
{
    return health(fake_of(plane), err);
}

/* --- looking --------------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, const void *data, size_t len)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 0x100000001b3u; /* FNV-1a */
    return h;
}

static uint64_t state_hash(const struct fake *f, const struct tab *t)
{
    uint64_t h = mix(0xcbf29ce484222325u, shown(f)->name, strlen(shown(f)->name));
    h = mix(h, &t->scroll_y, sizeof(t->scroll_y));
    for (int i = 0; i < t->page->n_nodes; i++) {
        const struct node *n = &t->page->nodes[i];
        h = mix(h, n->value, strlen(n->value));
        h = mix(h, &n->flags, sizeof(n->flags));
    }
    return h;
}

/* A light square for every set bit of the state in the lower half, else the page's colour. */
static uint32_t colour_at(const struct fake *f, uint64_t name, uint64_t state, int x, int y)
{
    int top = f->height / 2;
    uint32_t flat = 0x404040u | (uint32_t)(name & 0x7f7f7f);
    if (y < top)
        return flat;
    int bit =
        (y - top) * PATTERN_ROWS / (f->height - top) * PATTERN_COLS + x * PATTERN_COLS / f->width;
    return state >> bit & 1 ? 0xe0e0e0u : flat;
}

static int paint(struct fake *f, struct pool *pool, struct frame *out, struct err *err)
{
    uint64_t name = mix(0xcbf29ce484222325u, shown(f)->name, strlen(shown(f)->name));
    uint64_t state = state_hash(f, front(f));
    uint32_t *pixels = pool_try(pool, (size_t)f->width * (size_t)f->height * 4);
    if (!pixels)
        return err_set(err, E_NOMEM, "no memory for a frame");
    for (int y = 0; y < f->height; y++)
        for (int x = 0; x < f->width; x++)
            pixels[y * f->width + x] = colour_at(f, name, state, x, y);
    *out = (struct frame){.width = f->width,
                          .height = f->height,
                          .stride = f->width * 4,
                          .taken_us = clock_mono_us(),
                          .pixels = (const uint8_t *)pixels};
    return 0;
}

/* The page as it is now. Its strings live as long as the plane. */
static struct page *read_page(struct tab *t, struct pool *pool)
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

static int observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                   struct observation *out, struct err *err)
{
    struct fake *f = fake_of(plane);
    int64_t from = clock_mono_us();
    int r = health(f, err);
    if (!r && (what & OBSERVE_FRAME))
        r = paint(f, pool, &out->frame, err);
    if (r)
        return r;
    out->url = pool_strdup(pool, front(f)->page->url);
    out->title = pool_strdup(pool, front(f)->page->title);
    if (what & OBSERVE_PAGE)
        out->page = read_page(front(f), pool);
    out->perceive_us = clock_mono_us() - from;
    return 0;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static void destroy(struct plane *plane, bool graceful)
{
    struct fake *f = fake_of(plane);
    if (f->log)
        fclose(f->log);
    pool_destroy(f->pool);
    free(f);
}

static int open_log(struct fake *f, const char *tmp_dir, struct err *err)
{
    if (!f->script->log || !tmp_dir)
        return 0;
    const char *path = pool_printf(f->pool, "%s/fake-actions.jsonl", tmp_dir);
    f->log = fopen(path, "ae");
    return f->log ? 0 : err_sys(err, E_IO, "cannot write '%s'", path);
}

static int create(struct loop *loop, const struct plane_config *config, int timeout_ms,
                  struct plane **out, struct err *err)
{
    const char *file =
        config->browser && str_starts(config->browser, "fake:") ? config->browser + 5 : NULL;
    struct fake *f = calloc(1, sizeof(*f));
    if (!f)
        BUG("out of memory");
    f->plane.driver = &plane_fake;
    f->loop = loop;
    f->width = config->width;
    f->height = config->height;
    f->pool = pool_create(NULL);
    int r = fake_script_load(f->pool, file, &f->script, err);
    if (!r)
        r = open_log(f, config->tmp_dir, err);
    if (r) {
        destroy(&f->plane, false);
        return r;
    }
    open_tab(f, f->script->start);
    *out = &f->plane;
    return 0;
}

static void pids(const struct plane *plane, int *ret_display, int *ret_browser)
{
    *ret_display = *ret_browser = 0;
}

const struct plane_driver plane_fake = {
    .kind = "fake",
    .caps = PLANE_HAS_DOM | PLANE_HAS_TABS,
    .create = create,
    .destroy = destroy,
    .observe = observe,
    .act = act,
    .navigate = navigate,
    .back = back,
    .close_tab = close_tab,
    .tab_count = tab_count,
    .scroll_y = scroll_y,
    .settle = settle,
    .pids = pids,
};
