#include "unit/run_fakes.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/id.h"
#include "unit/fixtures.h"

#define VIEW_H   FAKE_VIEW_H
#define FRAME_W  64
#define FRAME_H  36
#define NOTCH_PX 100

void fake_add(struct fake_page *p, const char *kind, const char *tag, const char *text,
              const char *href)
{
    p->elements[p->n++] =
        (struct fake_element){.kind = kind, .tag = tag, .text = text, .href = href};
}

static struct fake_web *web_of(const struct plane *plane)
{
    return (struct fake_web *)plane;
}

const char *fake_web_url(const struct fake_web *web)
{
    return web->history[web->at];
}

static void go_to(struct fake_web *w, const char *url)
{
    if (w->at + 1 < FAKE_HISTORY)
        w->at++;
    w->history[w->at] = pool_strdup(w->pool, url);
    w->depth = w->at + 1;
    w->scroll = 0;
    w->focus = -1;
    w->phone_shown = w->ticked = false;
    w->typed = pool_strdup(w->pool, "");
}

/* Every call counts: tests kill or stop the plane at each of them. */
static int called(struct fake_web *w, struct err *err)
{
    w->calls++;
    if (w->die_at_call && w->calls >= w->die_at_call)
        return err_set(err, E_GONE, "the browser died");
    if (w->fail_at_call && w->calls == w->fail_at_call)
        return err_set(err, w->fail_code, "the browser did not answer");
    if (w->stop_at_call && w->calls == w->stop_at_call)
        w->on_stop(w->on_stop_arg);
    if (loop_wait(w->loop, NULL, NULL, 0) == E_CANCELLED)
        return err_set(err, E_CANCELLED, "interrupted");
    return 0;
}

static void describe(struct fake_web *w, struct pool *pool, struct fake_page *out)
{
    *out = (struct fake_page){.title = "", .status = 200};
    w->page(w, pool, fake_web_url(w), out);
    if (w->clock)
        fake_add(out, "", "p", pool_printf(pool, "12:00:%02d", w->looks / w->ticks_every % 60), "");
}

static int content_h(const struct fake_page *p)
{
    return p->n * FAKE_ROW_PX;
}

/* --- what is seen ---------------------------------------------------------------------------- */

static void frame_died(void *arg)
{
    ((struct fake_web *)arg)->live_frames--;
}

static void draw(struct fake_web *w, struct pool *pool, const struct fake_page *p,
                 struct frame *out)
{
    int width = w->full_frames ? 1280 : FRAME_W, height = w->full_frames ? VIEW_H : FRAME_H;
    uint8_t *px = pool_alloc(pool, (size_t)width * (size_t)height * 4);
    const char *state = pool_printf(pool, "%s %d %d %d", fake_web_url(w), w->scroll, w->counter,
                                    w->clock ? w->looks : 0);
    char hex[ID_SHA256_HEX_BYTES];
    for (int i = 0; i < p->n; i++)
        state = pool_printf(pool, "%s|%s", state, p->elements[i].text);
    for (int row = 0; row < FRAME_H && !w->full_frames; row++) {
        const char *line = pool_printf(pool, "%s %d", state, row);
        id_sha256_hex(line, strlen(line), hex);
        for (int x = 0; x < FRAME_W; x++)
            memset(px + (row * FRAME_W + x) * 4, w->white ? 255 : (hex[x] * 37) & 0xff, 4);
    }
    *out = (struct frame){.width = width, .height = height, .stride = width * 4, .taken_us = clock_mono_us(), .pixels = px};
}

static struct attr *kind_attr(struct pool *pool, const struct fake_element *e)
{
    struct attr *a = pool_alloc(pool, 2 * sizeof(*a));
    a[0] = (struct attr){"data-kind", e->kind};
    a[1] = e->attr;
    return a;
}

static void build_node(struct fake_web *w, struct pool *pool, const struct fake_element *e, int i,
                       struct node *n)
{
    int y = i * FAKE_ROW_PX - w->scroll;
    bool input = !strcmp(e->kind, "input"), focused = w->focus == i;
    *n = (struct node){.parent = 0,
                       .tag = e->tag,
                       .text = "",
                       .role = !strcmp(e->kind, "alert") ? "alert" : "",
                       .name = e->text,
                       .value = "",
                       .href = e->href,
                       .attrs = kind_attr(pool, e),
                       .n_attrs = e->attr.name ? 2 : 1,
                       .box = {0, y, 1280, e->wrapped ? 48 : FAKE_ROW_PX}};
    n->flags = NODE_VISIBLE | (y >= 0 && y + FAKE_ROW_PX <= VIEW_H ? NODE_IN_VIEW : 0u);
    n->flags |= (input ? NODE_EDITABLE : 0u) | (focused ? NODE_FOCUSED : 0u) |
                (e->covered ? NODE_COVERED : 0u) |
                (!strcmp(e->tag, "button") || !strcmp(e->tag, "a") ? NODE_CLICKABLE : 0u);
    if (w->pixels && !(n->flags & NODE_IN_VIEW))
        n->name = "";
    if (input)
        n->value = w->typed;
    else if (!strcmp(e->kind, "select"))
        n->value = w->chosen ? w->chosen : "Any";
}

static struct page *build_page(struct fake_web *w, struct pool *pool, const struct fake_page *p)
{
    struct page *page = pool_alloc(pool, sizeof(*page));
    page->nodes = pool_alloc(pool, (size_t)(2 * p->n + 1) * sizeof(struct node));
    page->url = fake_web_url(w);
    page->title = p->title;
    page->viewport = (struct rect){0, 0, 1280, VIEW_H};
    page->scroll_y = w->in_pane ? 0 : w->scroll;
    page->content_h = w->in_pane ? VIEW_H : content_h(p);
    page->content_w = 1280;
    page->http_status = p->status;
    page->n_nodes = 2 * p->n + 1;
    page->nodes[0] = (struct node){.parent = -1,
                                   .end = page->n_nodes,
                                   .tag = "#document",
                                   .text = "",
                                   .role = "",
                                   .name = "",
                                   .value = "",
                                   .href = "",
                                   .flags = NODE_VISIBLE};
    for (int i = 0; i < p->n; i++) {
        struct node *n = &page->nodes[1 + 2 * i], *t = n + 1;
        build_node(w, pool, &p->elements[i], i, n);
        n->end = 3 + 2 * i;
        *t = *n;
        t->parent = 1 + 2 * i;
        t->tag = "#text";
        t->text = p->elements[i].text;
        t->name = t->href = t->value = "";
        t->n_attrs = 0;
        t->flags = NODE_VISIBLE;
    }
    return page;
}

/* A captured page, as if it stood at the address that is open. */
static struct page *golden_page(struct fake_web *w, struct pool *pool, const char *name,
                                struct observation *out)
{
    struct page *page = (struct page *)golden_look(pool, name).page;
    page->url = out->url;
    out->title = page->title;
    return page;
}

static int observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                   struct observation *out, struct err *err)
{
    struct fake_web *w = web_of(plane);
    struct fake_page p;
    int r = called(w, err);
    if (r)
        return r;
    w->looks++;
    w->pngs += (what & OBSERVE_PNG) != 0;
    describe(w, pool, &p);
    *out = (struct observation){.url = w->no_url ? "" : pool_strdup(pool, fake_web_url(w)),
                                .title = p.title,
                                .perceive_us = w->look_us};
    if (what & OBSERVE_FRAME) {
        draw(w, pool, &p, &out->frame);
        pool_defer(pool, frame_died, w);
        w->live_frames++;
        w->most_frames = w->live_frames > w->most_frames ? w->live_frames : w->most_frames;
    }
    const char *golden = w->golden ? w->golden(fake_web_url(w)) : NULL;
    if (what & OBSERVE_PAGE || w->pixels) /* the reader of these tests looks at nothing else */
        out->page = w->fixed ? w->fixed : golden ? golden_page(w, pool, golden, out) : build_page(w, pool, &p);
    return 0;
}

/* --- what is done ---------------------------------------------------------------------------- */

static void follow(struct fake_web *w, const struct fake_element *e, struct settled *out)
{
    if (e->in_tab) {
        w->tab_from = pool_strdup(w->pool, fake_web_url(w));
        out->new_tab = true;
        out->blank_tab = !strcmp(e->href, "about:blank");
    }
    out->url_changed = out->navigated = true;
    go_to(w, e->href);
}

static void click_at(struct fake_web *w, struct pool *pool, int x, int y, struct settled *out)
{
    struct fake_page p;
    int i = (y + w->scroll) / FAKE_ROW_PX;
    describe(w, pool, &p);
    w->clicks++;
    out->dialogs = w->dialogs_per_click;
    if (i < 0 || i >= p.n)
        return;
    const struct fake_element *e = &p.elements[i];
    bool field = !strcmp(e->kind, "input") || !strcmp(e->kind, "select");
    w->focus = field ? i : w->focus_stays ? w->focus : -1;
    if (e->dead || (e->wrapped && x > 40))
        return;
    if (!strcmp(e->kind, "overlay"))
        w->overlay_closed = true;
    else if (!strcmp(e->kind, "reveal") && !*e->href)
        w->phone_shown = true;
    else if (!strcmp(e->kind, "agree"))
        w->ticked = true;
    else if (*e->href)
        follow(w, e, out);
    else if (w->click && w->focus != i)
        w->click(w, fake_web_url(w), e);
}

static void scroll_by(struct fake_web *w, struct pool *pool, int px)
{
    struct fake_page p;
    describe(w, pool, &p);
    int most = content_h(&p) > VIEW_H ? content_h(&p) - VIEW_H : 0;
    w->scroll += w->no_wheel ? 0 : px;
    w->scroll = w->scroll < 0 ? 0 : w->scroll > most ? most : w->scroll;
}

static bool takes_focus(const struct fake_element *e)
{
    return !strcmp(e->kind, "input") || !strcmp(e->kind, "select") || !strcmp(e->tag, "button") || *e->href;
}

/* With tab_order; false: the key means something else. */
static bool walk_by_keys(struct fake_web *w, struct pool *pool, const char *keys, struct settled *out)
{
    struct fake_page p;
    bool tab = !strcmp(keys, "Tab"), enter = !strcmp(keys, "Return");
    if (!w->tab_order || (!tab && !enter))
        return false;
    describe(w, pool, &p);
    if (enter && (w->focus < 0 || w->focus >= p.n || !*p.elements[w->focus].href))
        return false;
    if (enter) {
        follow(w, &p.elements[w->focus], out);
        return true;
    }
    w->tab_presses++;
    for (int n = 0; n < p.n; n++) {
        w->focus = (w->focus + 1) % p.n;
        if (takes_focus(&p.elements[w->focus]))
            return true;
    }
    w->focus = -1;
    return true;
}

static void press_key(struct fake_web *w, const char *keys)
{
    if (!strcmp(keys, "Home") && w->focus < 0)
        w->scroll = 0;
    else if (!strcmp(keys, "Delete") && w->focus >= 0)
        w->typed = pool_strdup(w->pool, "");
    else
        w->hand = pool_printf(w->pool, "%s%skey %s", w->hand, *w->hand ? ";" : "", keys);
}

/* A click with keys held: a link opens in a tab of its own, nothing else does anything. */
static void open_in_tab(struct fake_web *w, struct pool *pool, int y, struct settled *out)
{
    struct fake_page p;
    int i = (y + w->scroll) / FAKE_ROW_PX;
    describe(w, pool, &p);
    if (i < 0 || i >= p.n || !*p.elements[i].href)
        return;
    p.elements[i].in_tab = true;
    follow(w, &p.elements[i], out);
}

/* Inputs that a page may take notice of or not: its click function is told. */
static void other_input(struct fake_web *w, const struct action *a)
{
    const struct fake_element nothing = {.kind = "", .tag = "", .text = "", .href = ""};
    w->hand = pool_printf(w->pool, "%s%s%s %d,%d %d,%d", w->hand, *w->hand ? ";" : "",
                          action_type_name(a->type), a->x, a->y, a->to_x, a->to_y);
    if (w->click)
        w->click(w, fake_web_url(w), &nothing);
}

static int act(struct plane *plane, struct pool *pool, const struct action *a, int cap_ms,
               struct settled *out, struct err *err)
{
    struct fake_web *w = web_of(plane);
    int r = called(w, err);
    *out = (struct settled){.dialog_text = "hello"};
    if (r)
        return r;
    bool right = a->type == ACTION_CLICK && a->button == BUTTON_RIGHT;
    bool in_tab = a->type == ACTION_CLICK && a->keys;
    if (in_tab)
        open_in_tab(w, pool, a->y, out);
    else if (right || a->type == ACTION_DOUBLE_CLICK || a->type == ACTION_DRAG)
        other_input(w, a);
    else if (a->type == ACTION_CLICK)
        click_at(w, pool, a->x, a->y, out);
    else if (a->type == ACTION_SCROLL)
        scroll_by(w, pool, a->dy * NOTCH_PX);
    else if (a->type == ACTION_KEY_PRESS && !walk_by_keys(w, pool, a->keys, out))
        press_key(w, a->keys);
    else if (a->type == ACTION_TYPE_TEXT && w->focus >= 0) {
        struct fake_page p;
        describe(w, w->pool, &p);
        w->typed_into = w->focus < p.n ? p.elements[w->focus].text : "";
        w->typed_times++;
        if (w->type_ahead)
            w->chosen = w->type_ahead;
        else if (!w->no_typing)
            w->typed = pool_strdup(w->pool, a->text);
    }
    return 0;
}

static int navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                    struct settled *out, struct err *err)
{
    struct fake_web *w = web_of(plane);
    int r = called(w, err);
    *out = (struct settled){.dialog_text = ""};
    if (r)
        return r;
    w->loads++;
    w->load_cap_ms = cap_ms;
    out->url_changed = strcmp(url, fake_web_url(w)) != 0;
    out->navigated = true;
    out->capped = w->loads_never_end;
    go_to(w, strstr(url, "unreachable") ? "chrome-error://chromewebdata/" : w->lands_on ? w->lands_on : url);
    w->scroll = w->lands_at;
    return 0;
}

static int back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err)
{
    struct fake_web *w = web_of(plane);
    int r = called(w, err);
    *out = (struct settled){.dialog_text = ""};
    if (r || w->at == 0 || w->no_back)
        return r;
    w->at--;
    w->scroll = 0;
    out->url_changed = !w->no_url;
    out->navigated = true;
    return 0;
}

static int close_tab(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                     struct err *err)
{
    struct fake_web *w = web_of(plane);
    int r = called(w, err);
    *out = (struct settled){.dialog_text = ""};
    if (r)
        return r;
    if (!w->tab_from)
        return err_set(err, E_INVALID, "the only tab");
    go_to(w, w->tab_from);
    w->tab_from = NULL;
    return 0;
}

static int tab_count(const struct plane *plane)
{
    return web_of(plane)->tab_from ? 2 : 1;
}

static int scroll_y(struct plane *plane, int *ret_y, struct err *err)
{
    *ret_y = web_of(plane)->in_pane ? 0 : web_of(plane)->scroll;
    return 0;
}

static int settle(struct plane *plane, int cap_ms, struct err *err)
{
    web_of(plane)->settles++;
    return called(web_of(plane), err);
}

static void pids(const struct plane *plane, int *ret_display, int *ret_browser)
{
    *ret_display = *ret_browser = 0;
}

static void no_destroy(struct plane *plane, enum plane_end how)
{
}

static int no_create(struct loop *loop, const struct plane_config *config, int timeout_ms,
                     struct plane **out, struct err *err)
{
    return err_set(err, E_UNSUPPORTED, "made by fake_web_init() only");
}

static int save_logins(struct plane *plane, int timeout_ms, json_t **out, struct err *err)
{
    const char *cookie = web_of(plane)->cookie;
    *out = json_pack("{s:i,s:s}", "version", 1, "cookie", cookie ? cookie : "");
    return 0;
}

static int load_logins(struct plane *plane, const json_t *saved, int timeout_ms, bool *ret_storage,
                       struct err *err)
{
    struct fake_web *w = web_of(plane);
    w->cookie = pool_strdup(w->pool, json_str(saved, "cookie", ""));
    *ret_storage = false;
    return 0;
}

static int downloads(struct plane *plane, struct pool *pool, int wait_ms, struct download **ret,
                     int *ret_n, struct err *err)
{
    struct fake_web *w = web_of(plane);
    if (!w->download || (!wait_ms && w->calls < w->download_at_call))
        return 0;
    *ret = pool_alloc(pool, sizeof(**ret));
    **ret = (struct download){.name = w->download, .url = "http://a.test/file", .complete = true};
    *ret_n = 1;
    w->download = NULL;
    return 0;
}

static const struct plane_driver fake_driver = {
    .kind = "fake-web",
    .caps = PLANE_HAS_DOM | PLANE_HAS_TABS,
    .create = no_create,
    .destroy = no_destroy,
    .observe = observe,
    .act = act,
    .navigate = navigate,
    .back = back,
    .close_tab = close_tab,
    .tab_count = tab_count,
    .scroll_y = scroll_y,
    .settle = settle,
    .downloads = downloads,
    .save_logins = save_logins,
    .load_logins = load_logins,
    .pids = pids,
};

void fake_web_hide_dom(struct fake_web *w)
{
    static struct plane_driver blind;
    blind = fake_driver;
    blind.caps = PLANE_HAS_TABS;
    w->plane.driver = &blind;
    w->pixels = true;
}

void fake_web_init(struct fake_web *w, struct loop *loop, fake_page_fn *page)
{
    *w = (struct fake_web){.plane = {.driver = &fake_driver, .width = 1280, .height = 720},
                           .page = page,
                           .loop = loop,
                           .pool = pool_create(NULL),
                           .ticks_every = 1,
                           .focus = -1,
                           .at = 0,
                           .depth = 1};
    w->history[0] = pool_strdup(w->pool, "about:blank");
    w->typed = pool_strdup(w->pool, "");
    w->hand = pool_strdup(w->pool, "");
    fake_list_status = LIST_OK;
}

void fake_web_release(struct fake_web *w)
{
    pool_destroy(w->pool);
}
