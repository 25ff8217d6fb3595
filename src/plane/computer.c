/*
 * computer.c - "computer_plane": a display and a Chromium without any debugging switch.
 *
 * What a plane with a pipe is told, this one sees: loading by the toolbar's stop button, the title
 * by the window's property, the URL by copying the address bar. Settling therefore covers
 * navigations whole, and other requests of a page only as far as their effect comes within
 * CHANCE_MS.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "plane/chromium.h"
#include "plane/driver.h"
#include "plane/errorpage.h"
#include "plane/hands.h"
#include "plane/toolbar.h"
#include "plane/x11/display.h"
#include "plane/xvfb.h"

#define CHANCE_MS      260  /* a timer of 200 ms, its dispatch, its paint, and that of the address */
#define PROMPT_MS      50   /* a page that nothing keeps from it shows a press by then */
#define QUIET_MS       80   /* damage is over when none came for this long */
#define FIRST_PAINT_MS 150  /* typing and scrolling show something by then, or nothing */
#define QUICK_QUIET_MS 50   /* after typing and scrolling */
#define BASELINE_MS    600  /* what moved in this time before an action is an animation */
#define BUSY_MS        800  /* damage that goes on this long after an action is one too */
#define ANSWER_MS      1000 /* a browser that does not answer by then is left to catch up */
#define LOAD_START_MS  1500 /* a load that was asked for shows by then, or there is none */
#define TITLE_LATE_MS  250  /* Chromium gathers changes of the title for 200 ms */
#define LOOK_MS        250  /* where the end makes no event, look this often */

struct computer {
    struct plane plane; /* first */
    struct loop *loop;
    struct xvfb xvfb;
    struct display *display;
    struct chromium *chromium;
    struct toolbar bar;
    int type_delay_ms;
};

static struct computer *computer_of(struct plane *plane)
{
    assert(plane->driver == &plane_computer);
    return (struct computer *)plane;
}

/* The browser dies without a sound on the display: whoever waited asks here. */
static int health(struct computer *c, struct err *err)
{
    if (display_gone(c->display))
        return err_set(err, E_GONE, "the display server died");
    return chromium_alive(c->chromium) ? 0 : chromium_explain_end(c->chromium, err);
}

/* A wait that ended early because something died is reported as that. */
static int checked(struct computer *c, int r, struct err *err)
{
    struct err dead = {0};
    if (r == E_CANCELLED || !health(c, &dead))
        return r;
    return err_set(err, dead.code, "%s", dead.msg);
}

/* --- settling ------------------------------------------------------------------------------- */

struct settling {
    struct computer *c;
    int64_t from_us;     /* when the browser had taken the input in */
    int lag_ms;          /* how long that took: the machine is that slow now */
    int64_t deadline_ms; /* the cap */
    struct damage_baseline before;
    unsigned titles; /* title changes before the action */
    bool loaded, capped;
};

static struct settling begin(struct computer *c, int cap_ms)
{
    struct settling s = {.c = c, .deadline_ms = clock_mono_ms() + cap_ms};
    display_damage_baseline(c->display, BASELINE_MS, &s.before);
    s.titles = display_title_changes(c->display);
    s.from_us = clock_mono_us();
    return s;
}

static int64_t within(const struct settling *s, int64_t at_mono_ms)
{
    return at_mono_ms < s->deadline_ms ? at_mono_ms : s->deadline_ms;
}

static bool loads(void *arg)
{
    struct settling *s = arg;
    return display_gone(s->c->display) || chromium_has_ended(s->c->chromium) ||
           toolbar_loading(&s->c->bar);
}

/* A load so short that its stop button was never drawn still brings a title. */
static bool starts_loading(void *arg)
{
    struct settling *s = arg;
    return loads(arg) || display_title_changes(s->c->display) != s->titles;
}

static bool has_loaded(void *arg)
{
    struct settling *s = arg;
    return display_gone(s->c->display) || chromium_has_ended(s->c->chromium) ||
           !toolbar_loading(&s->c->bar);
}

static bool painted(void *arg)
{
    struct settling *s = arg;
    return display_gone(s->c->display) ||
           display_last_damage_us(s->c->display, &s->before, s->from_us) != 0;
}

static bool titled(void *arg)
{
    struct settling *s = arg;
    return display_gone(s->c->display) || display_title_changes(s->c->display) != s->titles;
}

/* E_TIMEOUT is an ordinary end of these waits. */
static int wait_for(struct settling *s, loop_cond_fn *cond, int64_t at_mono_ms, struct err *err)
{
    int r = loop_wait(s->c->loop, cond, s, within(s, at_mono_ms));
    if (r == E_CANCELLED)
        return err_set(err, r, "waiting for the page: cancelled");
    return checked(s->c, 0, err);
}

/* As long as the toolbar says so. Looks now and then: a spinner that stopped makes no event. */
static int wait_loaded(struct settling *s, struct err *err)
{
    while (toolbar_loading(&s->c->bar)) {
        s->loaded = true;
        int r = wait_for(s, has_loaded, clock_mono_ms() + LOOK_MS, err);
        if (r)
            return r;
        if (clock_mono_ms() >= s->deadline_ms) {
            s->capped = true;
            break;
        }
    }
    return 0;
}

static int wait_quiet(struct settling *s, int quiet_ms, struct err *err)
{
    bool capped = false;
    int64_t busy_until = within(s, clock_mono_ms() + BUSY_MS);
    int r = display_wait_quiet(s->c->display, &s->before, quiet_ms, busy_until, &capped, err);
    if (!r && capped && busy_until < s->deadline_ms) {
        /* It has moved all this time: an animation that the action began. */
        display_damage_baseline(s->c->display, BASELINE_MS, &s->before);
        r = display_wait_quiet(s->c->display, &s->before, quiet_ms, s->deadline_ms, &capped, err);
    }
    s->capped |= capped;
    return checked(s->c, r, err);
}

/* The input is on its way: the clock of its effects starts when the browser has it. */
static int wait_taken(struct settling *s, struct err *err)
{
    struct err e = {0};
    int64_t sent = clock_mono_us();
    int r = display_ping(s->c->display, within(s, sent / 1000 + ANSWER_MS), &e);
    s->from_us = clock_mono_us();
    s->lag_ms = (int)((s->from_us - sent) / 1000);
    if (r && r != E_TIMEOUT)
        return checked(s->c, err_set(err, r, "%s", e.msg), err);
    return checked(s->c, 0, err);
}

/* Typing and scrolling: the first paint and then quiet. */
static int settle_quick(struct settling *s, struct err *err)
{
    int r = wait_for(s, painted, s->from_us / 1000 + FIRST_PAINT_MS, err);
    return r ? r : wait_quiet(s, QUICK_QUIET_MS, err);
}

/* Loads that go on, the title of the new page, quiet. */
static int settle_rest(struct settling *s, struct err *err)
{
    int r = 0;
    while (!r) {
        bool loading = toolbar_loading(&s->c->bar);
        r = wait_loaded(s, err);
        if (!r && loading)
            r = wait_for(s, titled, clock_mono_ms() + TITLE_LATE_MS, err);
        if (!r)
            r = wait_quiet(s, QUIET_MS, err);
        if (s->capped || !toolbar_loading(&s->c->bar))
            break;
    }
    return r;
}

static bool painted_or_loads(void *arg)
{
    return painted(arg) || loads(arg);
}

/* What can start anything: timers and loads get their chance, a longer one on a slow machine. The
 * page's own process may be slower than the browser's: its clock starts when it shows the press. */
static int settle_full(struct settling *s, struct err *err)
{
    int64_t from_ms = s->from_us / 1000, end_ms = from_ms + CHANCE_MS + 2 * s->lag_ms;
    int r = wait_for(s, painted_or_loads, end_ms, err);
    int64_t late_ms = clock_mono_ms() - from_ms - PROMPT_MS;
    if (!r)
        r = wait_for(s, loads, painted(s) && late_ms > 0 ? end_ms + late_ms : end_ms, err);
    return r ? r : settle_rest(s, err);
}

/* --- looking -------------------------------------------------------------------------------- */

static const char *strip_product(struct pool *pool, const char *title)
{
    static const char *const products[] = {" - Chromium", " - Google Chrome"};
    for (size_t i = 0; i < ARRAY_SIZE(products); i++)
        if (str_ends(title, products[i]))
            return pool_strndup(pool, title, strlen(title) - strlen(products[i]));
    return title;
}

static int read_title(struct computer *c, struct pool *pool, const char **ret, struct err *err)
{
    int r = display_window_title(c->display, pool, ret, err);
    if (!r)
        *ret = strip_product(pool, *ret);
    return r;
}

/* What cannot be read is left empty; only the end of the computer is an error. */
static int read_url(struct computer *c, struct pool *pool, const char *title, int64_t deadline_ms,
                    const char **ret, struct err *err)
{
    struct err e = {0};
    int r = toolbar_read_url(&c->bar, pool, title, deadline_ms, &e);
    *ret = r ? "" : pool_strdup(pool, c->bar.url);
    if (r == E_TIMEOUT)
        return checked(c, 0, err);
    return r ? err_set(err, r, "%s", e.msg) : 0;
}

static int take_frame(struct computer *c, struct pool *pool, struct observation *out,
                      struct err *err)
{
    int64_t from = clock_mono_us();
    int r = display_capture(c->display, pool, &out->frame, err);
    out->perceive_us = clock_mono_us() - from;
    return r;
}

/* The address bar shows what was asked for even when the site could not be reached. */
static int see_error_page(struct computer *c, struct pool *pool, struct observation *o,
                          struct err *err)
{
    struct frame f = o->frame;
    if (!errorpage_title(o->url, o->title))
        return 0;
    int r = f.pixels ? 0 : display_capture(c->display, pool, &f, err);
    if (!r && errorpage_shown(&f, TOOLBAR_BOTTOM))
        o->url = ERRORPAGE_URL;
    return r;
}

static int observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                   struct observation *out, struct err *err)
{
    struct computer *c = computer_of(plane);
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int r = health(c, err);
    if (!r)
        r = read_title(c, pool, &out->title, err);
    if (!r)
        r = read_url(c, pool, out->title, deadline, &out->url, err);
    if (!r && (what & OBSERVE_FRAME))
        r = take_frame(c, pool, out, err);
    if (!r)
        r = see_error_page(c, pool, out, err);
    return checked(c, r, err);
}

static int glance(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err)
{
    struct computer *c = computer_of(plane);
    return checked(c, display_glance(c->display, out, ret_pixels, err), err);
}

static void ask_picture(struct plane *plane)
{
    display_ask_picture(computer_of(plane)->display);
}

static int take_picture(struct plane *plane, struct frame *out, uint8_t **ret_pixels,
                        struct err *err)
{
    return display_take_picture(computer_of(plane)->display, out, ret_pixels, err);
}

static void watch(struct plane *plane, plane_damage_fn *fn, void *arg)
{
    struct computer *c = computer_of(plane);
    display_watch(c->display, fn, arg);
}

/* --- acting --------------------------------------------------------------------------------- */

/* Windows that popped up are made the screen, so that the next look and click find them. */
static int finish(struct settling *s, struct settled *out, struct err *err)
{
    struct computer *c = s->c;
    struct err e = {0};
    out->navigated = s->loaded;
    out->capped = s->capped;
    out->settle_us = clock_mono_us() - s->from_us;
    int r = display_fit_window(c->display, clock_mono_ms() + 500, &e);
    if (r && r != E_TIMEOUT)
        return checked(c, err_set(err, r, "%s", e.msg), err);
    return checked(c, 0, err);
}

/* Did the address change? Reads it only when it looks so. */
static int note_url_change(struct computer *c, struct pool *pool, struct settled *out,
                           struct err *err)
{
    const char *title, *url;
    char *before = pool_strdup(pool, c->bar.url);
    int r = read_title(c, pool, &title, err);
    if (r || c->bar.user_has_it || toolbar_same(&c->bar, title))
        return r;
    r = read_url(c, pool, title, clock_mono_ms() + 2000, &url, err);
    out->url_changed = !r && *url && *before && strcmp(before, url);
    return r;
}

/* Keys and clicks that put the run itself into the address bar, or take it out again. */
static void follow_focus(struct computer *c, const struct action *a)
{
    bool key = a->type == ACTION_KEY_PRESS, click = a->type == ACTION_CLICK;
    if (key && (str_eq_fold(a->keys, "ctrl+l") || str_eq_fold(a->keys, "alt+d")))
        c->bar.user_has_it = true;
    else if (key && (str_eq_fold(a->keys, "enter") || str_eq_fold(a->keys, "return") ||
                     str_eq_fold(a->keys, "escape") || str_eq_fold(a->keys, "esc")))
        c->bar.user_has_it = false;
    else if (click)
        c->bar.user_has_it = a->y < TOOLBAR_BOTTOM && a->y > TOOLBAR_BOTTOM / 2;
    if (a->type <= ACTION_DOUBLE_CLICK || a->type == ACTION_MOVE || a->type == ACTION_SCROLL) {
        c->bar.pointer_x = a->x;
        c->bar.pointer_y = a->y;
    }
}

static int idle(struct computer *c, double seconds, struct err *err)
{
    int r = loop_wait(c->loop, NULL, NULL, clock_mono_ms() + (int64_t)(seconds * 1000));
    return r ? err_set(err, r, "waiting: cancelled") : health(c, err);
}

static int act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
               struct settled *out, struct err *err)
{
    struct computer *c = computer_of(plane);
    int r = health(c, err);
    if (r)
        return r;
    if (action->type == ACTION_WAIT)
        return idle(c, action->seconds, err);
    struct settling s = begin(c, cap_ms);
    int64_t from = s.from_us;
    if ((r = hands_do(c->display, pool, action, c->type_delay_ms, err)))
        return checked(c, r, err);
    out->input_us = clock_mono_us() - from;
    follow_focus(c, action);
    if ((r = wait_taken(&s, err)))
        return r;
    bool full = hands_need_chance(action);
    r = full ? settle_full(&s, err) : settle_quick(&s, err);
    if (!r)
        r = finish(&s, out, err);
    return r || !full ? r : note_url_change(c, pool, out, err);
}

static int hand(struct plane *plane, struct pool *pool, const struct hand *h, const char **ret_text,
                struct err *err)
{
    struct computer *c = computer_of(plane);
    return checked(c, hands_person(c->display, pool, h, ret_text, err), err);
}

/* After something that surely loads a page: give the loading indicator time to come. */
static int settle_load(struct settling *s, struct pool *pool, struct settled *out, struct err *err)
{
    struct computer *c = s->c;
    int r = wait_taken(s, err);
    if (!r)
        r = wait_for(s, starts_loading, clock_mono_ms() + LOAD_START_MS, err);
    if (!r) /* a title comes at once, the button with the next paint */
        r = wait_for(s, loads, clock_mono_ms() + FIRST_PAINT_MS + 2 * s->lag_ms, err);
    if (!r)
        r = settle_rest(s, err);
    if (!r)
        r = finish(s, out, err);
    return r ? r : note_url_change(c, pool, out, err);
}

static int navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                    struct settled *out, struct err *err)
{
    struct computer *c = computer_of(plane);
    int r = health(c, err);
    if (r)
        return r;
    struct settling s = begin(c, cap_ms);
    if ((r = toolbar_open_url(&c->bar, pool, url, s.deadline_ms, err)))
        return checked(c, r, err);
    s.before.n = 0;
    return settle_load(&s, pool, out, err);
}

static int press_and_load(struct plane *plane, struct pool *pool, const char *const *names, int n,
                          int cap_ms, struct settled *out, struct err *err)
{
    struct computer *c = computer_of(plane);
    const char *title, *url;
    int r = health(c, err);
    /* Without knowing where we are, nobody could tell whether we left. */
    if (!r)
        r = read_title(c, pool, &title, err);
    if (!r)
        r = read_url(c, pool, title, clock_mono_ms() + 2000, &url, err);
    if (r)
        return r;
    struct settling s = begin(c, cap_ms);
    if ((r = display_chord(c->display, names, n, err)))
        return checked(c, r, err);
    return settle_load(&s, pool, out, err);
}

static int back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                struct err *err)
{
    static const char *const alt_left[] = {"Alt_L", "Left"};
    return press_and_load(plane, pool, alt_left, 2, cap_ms, out, err);
}

static int settle(struct plane *plane, int cap_ms, struct err *err)
{
    struct computer *c = computer_of(plane);
    int r = health(c, err);
    if (r)
        return r;
    struct settling s = begin(c, cap_ms);
    if (!(r = wait_loaded(&s, err)))
        r = wait_quiet(&s, QUIET_MS, err);
    return r;
}

/* --- beginning and end ---------------------------------------------------------------------- */

static void destroy(struct plane *plane, enum plane_end how)
{
    struct computer *c = computer_of(plane);
    chromium_stop(c->chromium, how);
    display_close(c->display);
    xvfb_stop(&c->xvfb);
    toolbar_release(&c->bar);
    free(c);
}

static int start_browser(struct computer *c, const struct plane_config *config, struct err *err)
{
    const struct chromium_config browser = chromium_config_of(config, c->xvfb.display);
    return chromium_start(c->loop, &browser, &c->chromium, err);
}

static bool shows_blank(void *arg)
{
    struct computer *c = arg;
    struct pool *pool = pool_create(NULL);
    const char *title = "";
    bool gone = display_window_title(c->display, pool, &title, NULL) != 0;
    bool blank = str_starts(title, "about:blank");
    pool_destroy(pool);
    return gone || blank || chromium_has_ended(c->chromium);
}

/* Until the window shows a blank page at rest. Looks now and then whether the browser still lives:
 * a browser that dies at start never shows a window. */
static int wait_shown(struct computer *c, int64_t deadline_mono_ms, struct err *err)
{
    bool capped;
    struct err e = {0};
    int r;
    do {
        int64_t look_again = clock_mono_ms() + LOOK_MS;
        r = display_fit_window(c->display,
                               look_again < deadline_mono_ms ? look_again : deadline_mono_ms, &e);
    } while (r == E_TIMEOUT && chromium_alive(c->chromium) && clock_mono_ms() < deadline_mono_ms);
    if (r)
        r = err_set(err, r, "%s", e.msg);
    else
        r = loop_wait(c->loop, shows_blank, c, deadline_mono_ms);
    if (!r)
        r = display_wait_quiet(c->display, NULL, QUIET_MS * 2, deadline_mono_ms, &capped, err);
    if (!r)
        r = toolbar_init(&c->bar, c->display, c->loop, err);
    return checked(c, r, err);
}

static int create(struct loop *loop, const struct plane_config *config, int timeout_ms,
                  struct plane **out, struct err *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    struct computer *c = calloc(1, sizeof(*c));
    if (!c)
        BUG("out of memory");
    c->plane.driver = &plane_computer;
    c->loop = loop;
    c->xvfb.proc = PROC_NONE;
    c->type_delay_ms = config->type_delay_ms;
    int r = xvfb_start(loop, config->width, config->height, deadline, &c->xvfb, err);
    if (!r)
        r = display_open(loop, c->xvfb.display, &c->display, err);
    if (!r)
        r = start_browser(c, config, err);
    if (!r)
        r = wait_shown(c, deadline, err);
    if (r) {
        destroy(&c->plane, false);
        return r;
    }
    *out = &c->plane;
    return 0;
}

static int tab_count(const struct plane *plane)
{
    return 1;
}

static void pids(const struct plane *plane, int *ret_display, int *ret_browser)
{
    const struct computer *c = (const struct computer *)plane;
    *ret_display = (int)c->xvfb.proc.pid;
    *ret_browser = chromium_pid(c->chromium);
}

const struct plane_driver plane_computer = {
    .kind = "computer_plane",
    .caps = 0,
    .create = create,
    .destroy = destroy,
    .observe = observe,
    .glance = glance,
    .ask_picture = ask_picture,
    .take_picture = take_picture,
    .watch = watch,
    .act = act,
    .hand = hand,
    .navigate = navigate,
    .back = back,
    .tab_count = tab_count,
    .settle = settle,
    .pids = pids,
};
