/*
 * fake.c - the plane of the tests: a scripted site, no processes, no waiting.
 *
 * plane_config.browser "fake:<file>" names the script, docs/internals/fake-plane.md its format. In
 * short: { "start": PAGE, "pages": { NAME: { "url", "title", "lines" | "page" | "page_file",
 * "on": [ { "click" | "key" | "type" | "scroll": WHAT, EFFECT } ] } } } with the effects "go",
 * "replace", "new_tab", "dialog", "delay_ms", "hang", "die".
 *
 * What a browser does by itself it does too (fake_tabs.c): links whose target is a page of the
 * script, focus, typing into the focused field, check boxes, history, scrolling. Its pixels are a
 * flat colour that depends on the page's name, over a pattern that depends on everything that can
 * change on it.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/driver.h"
#include "plane/fake_tabs.h"

#define NOTCH_PX     100
#define PATTERN_COLS 8 /* squares, one bit each */
#define PATTERN_ROWS 8

struct fake {
    struct plane plane; /* first */
    struct loop *loop;
    struct fake_tabs tabs;
    FILE *log;
    bool dead;
    struct pool *glanced; /* the pixels of the last glance */
    plane_damage_fn *on_damage;
    void *on_damage_arg;
};

static struct fake *fake_of(struct plane *plane)
{
    assert(plane->driver == &plane_fake);
    return (struct fake *)plane;
}

static int health(const struct fake *f, struct err *err)
{
    return f->dead ? err_set(err, E_GONE, "the browser died") : 0;
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
    const struct page *p = fake_front(&f->tabs)->page;
    const char *id = node_attr(&p->nodes[i], "id");
    if (*what == '#')
        return id && !strcmp(id, what + 1);
    return str_eq_fold(p->nodes[i].name, what) || str_eq_fold(page_text(pool, p, i, 400), what);
}

static bool node_or_parent_is(struct fake *f, struct pool *pool, int i, const char *what)
{
    for (; i >= 0; i = fake_front(&f->tabs)->page->nodes[i].parent)
        if (node_is(f, pool, i, what))
            return true;
    return false;
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
        return fake_same_keys(pool, what, e->text);
    return !strcmp(what, e->text);
}

/* The rule for an event on the page in front; counts it. */
static json_t *find_rule(struct fake *f, struct pool *pool, const struct event *e)
{
    size_t i;
    json_t *rule;
    json_array_foreach (fake_shown(&f->tabs)->rules, i, rule) {
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

/* "die", "hang" and "delay_ms" of a rule or page: what comes before it shows. */
static int befall(struct fake *f, const json_t *config, int cap_ms, struct settled *out,
                  struct err *err)
{
    int64_t delay = json_int(config, "delay_ms", 0);
    if (json_flag(config, "die", false)) {
        f->dead = true;
        return health(f, err);
    }
    out->capped = json_flag(config, "hang", false) || delay > cap_ms;
    return wait_ms(f, out->capped ? cap_ms : delay, err);
}

static int apply(struct fake *f, struct pool *pool, const json_t *rule, int cap_ms,
                 struct settled *out, struct err *err)
{
    const char *to = json_str(rule, "go", NULL), *replace = json_str(rule, "replace", NULL);
    const char *tab = json_str(rule, "new_tab", NULL), *dialog = json_str(rule, "dialog", NULL);
    int r = befall(f, rule, cap_ms, out, err);
    if (r || out->capped)
        return r;
    if (to)
        fake_go(&f->tabs, fake_script_page(f->tabs.script, to));
    if (replace)
        fake_replace(&f->tabs, fake_script_page(f->tabs.script, replace));
    if (tab)
        fake_open_tab(&f->tabs, fake_script_page(f->tabs.script, tab));
    if (dialog) {
        out->dialogs = 1;
        out->dialog_text = pool_strdup(pool, dialog);
    }
    out->navigated = to != NULL;
    out->new_tab = tab != NULL;
    out->blank_tab = tab && !strcmp(tab, "about:blank");
    return 0;
}

/* --- acting ---------------------------------------------------------------------------------- */

static struct event event_of(struct fake *f, const struct action *a)
{
    struct event e = {.kind = "none", .text = "", .node = -1};
    if (a->type == ACTION_CLICK || a->type == ACTION_DOUBLE_CLICK) {
        e.kind = a->button == BUTTON_LEFT ? "click" : "right_click";
        e.node = fake_hit(fake_front(&f->tabs), a->x, a->y);
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
        out->navigated = fake_click(&f->tabs, e->node);
    else if (!strcmp(e->kind, "key"))
        fake_press(&f->tabs, pool, e->text);
    else if (!strcmp(e->kind, "type"))
        fake_type(&f->tabs, e->text);
    else if (!strcmp(e->kind, "scroll"))
        fake_scroll_to(fake_front(&f->tabs), fake_front(&f->tabs)->scroll_y + a->dy * NOTCH_PX);
}

static void write_log(struct fake *f, struct pool *pool, const char *what, json_t *detail)
{
    if (!f->log)
        return;
    json_t *line = json_object();
    json_put_str(line, "page", fake_shown(&f->tabs)->name);
    json_put(line, what, json_incref(detail));
    fprintf(f->log, "%s\n", json_text(pool, line));
    fflush(f->log);
    json_decref(line);
}

/* Every change goes through here: what differs before and after is said in *out. */
struct before {
    const char *url;
    int64_t at_us;
};

/* Takes detail, which the log keeps beside the command. */
static int begin(struct fake *f, struct pool *pool, const char *command, json_t *detail,
                 struct before *out, struct err *err)
{
    int r = health(f, err);
    if (!r)
        write_log(f, pool, command, detail);
    *out = (struct before){pool_strdup(pool, fake_front(&f->tabs)->page->url), clock_mono_us()};
    json_decref(detail);
    return r;
}

static void look_after(struct fake *f, const struct before *b, struct settled *out)
{
    out->url_changed = strcmp(b->url, fake_front(&f->tabs)->page->url) != 0;
    out->settle_us = clock_mono_us() - b->at_us;
    if (f->on_damage)
        f->on_damage(f->on_damage_arg);
}

static int act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
               struct settled *out, struct err *err)
{
    struct fake *f = fake_of(plane);
    struct before before;
    int r = begin(f, pool, "act", action_to_json(action), &before, err);
    if (r)
        return r;
    if (action->type == ACTION_WAIT)
        return wait_ms(f, (int64_t)(action->seconds * 1000), err);
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
    int r = befall(f, fake_shown(&f->tabs)->config, cap_ms, out, err);
    if (!r)
        look_after(f, before, out);
    return r;
}

static int navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                    struct settled *out, struct err *err)
{
    struct fake *f = fake_of(plane);
    struct before before;
    int r = begin(f, pool, "navigate", json_string_safe(url), &before, err);
    if (r)
        return r;
    fake_load(&f->tabs, url);
    out->navigated = true;
    return arrive(f, &before, cap_ms, out, err);
}

static int back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err)
{
    struct fake *f = fake_of(plane);
    struct before before;
    int r = begin(f, pool, "back", json_true(), &before, err);
    if (r)
        return r;
    out->navigated = fake_front(&f->tabs)->pos > 0;
    fake_step_history(&f->tabs, -1);
    return arrive(f, &before, cap_ms, out, err);
}

static int close_tab(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                     struct err *err)
{
    struct fake *f = fake_of(plane);
    struct before before;
    int r = begin(f, pool, "close_tab", json_true(), &before, err);
    if (r)
        return r;
    f->tabs.n--;
    look_after(f, &before, out);
    return 0;
}

static int tab_count(const struct plane *plane)
{
    return ((const struct fake *)plane)->tabs.n;
}

static int scroll_y(struct plane *plane, int *ret_y, struct err *err)
{
    struct fake *f = fake_of(plane);
    *ret_y = fake_front(&f->tabs)->scroll_y;
    return health(f, err);
}

static int settle(struct plane *plane, int cap_ms, struct err *err)
{
    return health(fake_of(plane), err);
}

/* --- looking --------------------------------------------------------------------------------- */

static uint64_t name_hash(const struct fake *f)
{
    const char *name = fake_shown(&f->tabs)->name;
    return str_hash(STR_HASH_START, name, strlen(name));
}

static uint64_t state_hash(const struct fake *f, const struct fake_tab *t)
{
    uint64_t h = str_hash(name_hash(f), &t->scroll_y, sizeof(t->scroll_y));
    for (int i = 0; i < t->page->n_nodes; i++) {
        const struct node *n = &t->page->nodes[i];
        h = str_hash(h, n->value, strlen(n->value));
        h = str_hash(h, &n->flags, sizeof(n->flags));
    }
    return h;
}

/* A light square for every set bit of the state in the lower half, else the page's colour. */
static uint32_t colour_at(const struct fake *f, uint64_t name, uint64_t state, int x, int y)
{
    int top = f->plane.height / 2;
    uint32_t flat = 0x404040u | (uint32_t)(name & 0x7f7f7f);
    if (y < top)
        return flat;
    int bit = (y - top) * PATTERN_ROWS / (f->plane.height - top) * PATTERN_COLS +
              x * PATTERN_COLS / f->plane.width;
    return state >> bit & 1 ? 0xe0e0e0u : flat;
}

static int paint(struct fake *f, struct pool *pool, struct frame *out, struct err *err)
{
    uint64_t name = name_hash(f);
    uint64_t state = state_hash(f, fake_front(&f->tabs));
    uint32_t *pixels = pool_try(pool, (size_t)f->plane.width * (size_t)f->plane.height * 4);
    if (!pixels)
        return err_set(err, E_NOMEM, "no memory for a frame");
    for (int y = 0; y < f->plane.height; y++)
        for (int x = 0; x < f->plane.width; x++)
            pixels[y * f->plane.width + x] = colour_at(f, name, state, x, y);
    *out = (struct frame){.width = f->plane.width,
                          .height = f->plane.height,
                          .stride = f->plane.width * 4,
                          .taken_us = clock_mono_us(),
                          .pixels = (const uint8_t *)pixels};
    return 0;
}

static int glance(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err)
{
    struct fake *f = fake_of(plane);
    int r = health(f, err);
    if (r)
        return r;
    pool_destroy(f->glanced);
    f->glanced = pool_create(NULL);
    r = paint(f, f->glanced, out, err);
    *ret_pixels = (uint8_t *)(uintptr_t)out->pixels;
    return r;
}

static void watch(struct plane *plane, plane_damage_fn *fn, void *arg)
{
    struct fake *f = fake_of(plane);
    f->on_damage = fn;
    f->on_damage_arg = arg;
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
    out->url = pool_strdup(pool, fake_front(&f->tabs)->page->url);
    out->title = pool_strdup(pool, fake_front(&f->tabs)->page->title);
    if (what & OBSERVE_PAGE)
        out->page = fake_read_page(fake_front(&f->tabs), pool);
    out->perceive_us = clock_mono_us() - from;
    return 0;
}

/* --- beginning and end ----------------------------------------------------------------------- */

static void destroy(struct plane *plane, enum plane_end how)
{
    struct fake *f = fake_of(plane);
    if (f->log)
        fclose(f->log);
    pool_destroy(f->tabs.pool);
    pool_destroy(f->glanced);
    free(f);
}

static int open_log(struct fake *f, const char *tmp_dir, struct err *err)
{
    if (!f->tabs.script->log || !tmp_dir)
        return 0;
    const char *path = pool_printf(f->tabs.pool, "%s/fake-actions.jsonl", tmp_dir);
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
    f->tabs.pool = pool_create(NULL);
    int r = fake_script_load(f->tabs.pool, file, &f->tabs.script, err);
    if (!r)
        r = open_log(f, config->tmp_dir, err);
    if (r) {
        destroy(&f->plane, false);
        return r;
    }
    fake_open_tab(&f->tabs, f->tabs.script->start);
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
    .glance = glance,
    .watch = watch,
    .act = act,
    .navigate = navigate,
    .back = back,
    .close_tab = close_tab,
    .tab_count = tab_count,
    .scroll_y = scroll_y,
    .settle = settle,
    .pids = pids,
};
