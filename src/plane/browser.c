/*
 * browser.c - the plane "browser_use_plane": a display, Chromium on it, hands on the display and
 * the DevTools pipe for everything that is not input.
 */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "plane/cdp/cookies.h"
#include "plane/cdp/logins.h"
#include "plane/cdp/read.h"
#include "plane/cdp/settle.h"
#include "plane/chromium.h"
#include "plane/driver.h"
#include "plane/hands.h"
#include "plane/xvfb.h"

#define QUIET_MS   60
#define COOKIES_MS 500 /* for the browser to tell its cookies, or to take them */
#define STRANGE_MS 3000 /* for the box about a strange link to come, and to go */
#define VIEW_MS                                                                                    \
    2000 /* for URL and title, when the page is not asked for: else what was told last */

struct browser {
    struct plane base;
    struct loop *loop;
    struct xvfb xvfb;
    struct display *display;
    struct chromium *chromium;
    struct cdp *cdp;
    struct tabs tabs;
    int type_delay_ms;
    char *profile_dir; /* owned */
    struct settle_memory memory;
    uint64_t kept_cookies; /* what of them was kept last */
};

static struct browser *downcast(struct plane *plane)
{
    if (plane->driver != &plane_browser)
        BUG("not a browser plane");
    return (struct browser *)plane;
}

/* A dead browser says more than a closed pipe. */
static int explain(struct browser *b, int r, struct err *err)
{
    if (r == E_GONE && b->cdp && cdp_gone(b->cdp) && !display_gone(b->display))
        return chromium_explain_end(b->chromium, err);
    return r;
}

/* --- start and end --------------------------------------------------------------------------- */

static int start_chromium(struct browser *b, const struct plane_config *config, struct err *err)
{
    struct chromium_config c = chromium_config_of(config, b->xvfb.display);
    c.with_pipe = true;
    return chromium_start(b->loop, &c, &b->chromium, err);
}

static void allow_downloads(struct browser *b, const char *dir)
{
    if (!dir)
        return;
    json_t *params = json_object();
    json_put_str(params, "behavior", "allow");
    json_put_str(params, "downloadPath", dir);
    json_put_bool(params, "eventsEnabled", true);
    cdp_post(b->cdp, NULL, "Browser.setDownloadBehavior", params);
}

/* Keys go to the page, not to the address bar that a new window starts in. */
static void focus_page(struct browser *b)
{
    if (b->tabs.front)
        cdp_post(b->cdp, b->tabs.front->id, "Page.bringToFront", NULL);
}

static int start(struct browser *b, const struct plane_config *config, int64_t deadline,
                 struct err *err)
{
    struct settle s;
    struct settled ignored;
    struct pool *pool = NULL;
    int r = xvfb_start(b->loop, config->width, config->height, deadline, &b->xvfb, err);
    if (!r)
        r = display_open(b->loop, b->xvfb.display, &b->display, err);
    if (!r)
        r = start_chromium(b, config, err);
    if (!r)
        r = cdp_open(b->loop, chromium_pipe(b->chromium), tabs_on_event, &b->tabs, &b->cdp, err);
    b->tabs.cdp = b->cdp;
    if (!r)
        r = tabs_attach(&b->tabs, deadline, err);
    if (!r)
        r = display_fit_window(b->display, deadline, err);
    if (r)
        return explain(b, r, err);
    allow_downloads(b, config->download_dir);
    cookies_restore(b->cdp, b->profile_dir, clock_mono_ms() + COOKIES_MS);
    focus_page(b);
    pool = pool_create(NULL);
    r = settle_arm(&s, &b->tabs, b->display, &b->memory, pool, SETTLE_LOAD, err);
    if (!r)
        r = settle_wait(&s, pool, (int)(deadline - clock_mono_ms()), &ignored, err);
    pool_destroy(pool);
    return explain(b, r, err);
}

static void browser_destroy(struct plane *plane, enum plane_end how)
{
    struct browser *b = downcast(plane);
    if (how != PLANE_END_NOW && b->cdp)
        cookies_save(b->cdp, b->profile_dir, false, NULL, clock_mono_ms() + COOKIES_MS);
    cdp_close(b->cdp);
    tabs_release(&b->tabs);
    chromium_stop(b->chromium, how);
    display_close(b->display);
    xvfb_stop(&b->xvfb);
    free(b->profile_dir);
    free(b);
}

static int browser_create(struct loop *loop, const struct plane_config *config, int timeout_ms,
                          struct plane **out, struct err *err)
{
    struct browser *b = calloc(1, sizeof(*b));
    if (!b)
        BUG("out of memory");
    b->base =
        (struct plane){.driver = &plane_browser, .width = config->width, .height = config->height};
    b->loop = loop;
    b->type_delay_ms = config->type_delay_ms;
    b->profile_dir = strdup(config->profile_dir ? config->profile_dir : "");
    if (!b->profile_dir)
        BUG("out of memory");
    tabs_init(&b->tabs, loop);
    int r = start(b, config, clock_mono_ms() + timeout_ms, err);
    if (r) {
        browser_destroy(&b->base, PLANE_END_NOW);
        return r;
    }
    *out = &b->base;
    return 0;
}

/* --- looking --------------------------------------------------------------------------------- */

static int look_at_pixels(struct browser *b, struct pool *pool, unsigned what,
                          struct observation *out, struct err *err)
{
    int64_t start_us = clock_mono_us();
    int r = what & OBSERVE_FRAME ? display_capture(b->display, pool, &out->frame, err) : 0;
    out->perceive_us = clock_mono_us() - start_us;
    return r;
}

/* URL and title alone: a page too busy to say them is reported as the browser last told. */
static int look_at_view(struct browser *b, struct pool *pool, int64_t deadline,
                        struct observation *out, struct err *err)
{
    struct read_view v;
    struct err e = {0};
    int64_t soon = clock_mono_ms() + VIEW_MS;
    int r = read_view(&b->tabs, pool, soon < deadline ? soon : deadline, &v, &e);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", e.msg);
    const struct session *front = b->tabs.front;
    out->url = r ? pool_strdup(pool, front ? front->url : "") : v.url;
    out->title = r ? pool_strdup(pool, front ? front->title : "") : v.title;
    return 0;
}

static int browser_observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                           struct observation *out, struct err *err)
{
    struct browser *b = downcast(plane);
    int64_t deadline = clock_mono_ms() + timeout_ms;
    struct page *page = NULL;
    int r = script_find_front(&b->tabs, deadline, err);
    if (!r)
        r = look_at_pixels(b, pool, what, out, err);
    if (!r && (what & OBSERVE_PAGE)) {
        r = read_page(&b->tabs, pool, plane->width, plane->height, deadline, &page, err);
        if (!r) {
            out->page = page;
            out->url = page->url;
            out->title = page->title;
        }
    } else if (!r) {
        r = look_at_view(b, pool, deadline, out, err);
    }
    return explain(b, r, err);
}

static int browser_glance(struct plane *plane, struct frame *out, uint8_t **ret_pixels,
                          struct err *err)
{
    struct browser *b = downcast(plane);
    return explain(b, display_glance(b->display, out, ret_pixels, err), err);
}

static void browser_ask_picture(struct plane *plane)
{
    display_ask_picture(downcast(plane)->display);
}

static int browser_take_picture(struct plane *plane, struct frame *out, uint8_t **ret_pixels,
                                struct err *err)
{
    return display_take_picture(downcast(plane)->display, out, ret_pixels, err);
}

static void browser_watch(struct plane *plane, plane_damage_fn *fn, void *arg)
{
    struct browser *b = downcast(plane);
    display_watch(b->display, fn, arg);
}

static int browser_scroll_y(struct plane *plane, int *ret_y, struct err *err)
{
    struct browser *b = downcast(plane);
    struct pool *pool = pool_create(NULL);
    struct read_view v = {0};
    int r = read_view(&b->tabs, pool, clock_mono_ms() + VIEW_MS, &v, err);
    if (!r)
        *ret_y = v.scroll_y;
    pool_destroy(pool);
    return explain(b, r, err);
}

/* --- acting ---------------------------------------------------------------------------------- */

static enum settle_kind kind_of(const struct action *a)
{
    if (a->type == ACTION_TYPE_TEXT)
        return strpbrk(a->text, "\r\n") ? SETTLE_EFFECT : SETTLE_TYPE; /* Return submits */
    if (a->type == ACTION_SCROLL)
        return SETTLE_SCROLL;
    return hands_need_chance(a) ? SETTLE_EFFECT : SETTLE_QUIET;
}

static int pause_for(struct browser *b, const struct action *a, struct err *err)
{
    if (a->type != ACTION_WAIT)
        return 0;
    int r = loop_wait(b->loop, NULL, NULL, clock_mono_ms() + (int64_t)(a->seconds * 1000));
    return r ? err_set(err, r, "cancelled while waiting") : 0;
}

/* Chromium asks about a link to another program in a box that takes the focus from the page:
 * decline. The box comes some time after the navigation, so wait for it. */
static const char blur_script[] = "new Promise(r=>{if(!document.hasFocus())return "
                                  "r(1);addEventListener('blur',()=>r(1),{once:true});"
                                  "setTimeout(()=>r(0),2000)})";

static int decline_strange_link(struct browser *b, struct err *err)
{
    static const char *const escape[] = {"Escape"};
    struct frame_ref frames[SCRIPT_FRAMES];
    struct cdp_call blurred = {0};
    struct err e = {0};
    json_t *result = NULL;
    bool capped;
    int64_t deadline = clock_mono_ms() + STRANGE_MS;
    int n = b->tabs.front ? script_frames(&b->tabs, b->tabs.front, frames) : 0;
    int r = n ? script_prepare(&b->tabs, frames, 1, deadline, err) : 0;
    if (r || !n || script_start(&b->tabs, &frames[0], blur_script, true, &blurred))
        return r;
    r = cdp_finish(b->cdp, &blurred, deadline, &result, &e);
    bool asked = !r && json_integer_value(script_value(result)) == 1;
    json_decref(result);
    if (r == E_GONE || r == E_CANCELLED)
        return err_set(err, r, "%s", e.msg);
    if (!asked)
        return 0;
    r = display_chord(b->display, escape, 1, err);
    return r ? r
             : display_wait_quiet(b->display, NULL, QUIET_MS, clock_mono_ms() + STRANGE_MS, &capped,
                                  err);
}

static int browser_act(struct plane *plane, struct pool *pool, const struct action *action,
                       int cap_ms, struct settled *out, struct err *err)
{
    struct browser *b = downcast(plane);
    struct settle s;
    int r = settle_arm(&s, &b->tabs, b->display, &b->memory, pool, kind_of(action), err);
    if (r)
        return explain(b, r, err);
    int strange = b->tabs.strange_links;
    int64_t start_us = clock_mono_us();
    r = hands_do(b->display, pool, action, b->type_delay_ms, err);
    if (!r)
        r = pause_for(b, action, err);
    int64_t input_us = clock_mono_us() - start_us;
    if (r)
        settle_drop(&s);
    else
        r = settle_wait(&s, pool, cap_ms, out, err);
    out->input_us = input_us;
    if (!r && b->tabs.strange_links != strange)
        r = decline_strange_link(b, err);
    return explain(b, r, err);
}

static int browser_hand(struct plane *plane, struct pool *pool, const struct hand *hand, const char **ret_text,
                        struct err *err)
{
    struct browser *b = downcast(plane);
    return explain(b, hands_person(b->display, pool, hand, ret_text, err), err);
}

static int browser_settle(struct plane *plane, int cap_ms, struct err *err)
{
    struct browser *b = downcast(plane);
    struct pool *pool = pool_create(NULL);
    struct settle s;
    struct settled ignored;
    int r = settle_arm(&s, &b->tabs, b->display, &b->memory, pool, SETTLE_QUIET, err);
    s.since_us = 1; /* what began before counts too */
    if (!r)
        r = settle_wait(&s, pool, cap_ms, &ignored, err);
    pool_destroy(pool);
    return explain(b, r, err);
}

/* --- navigating ------------------------------------------------------------------------------ */

/* Send one command about the front tab and wait for what it causes. The answer to Page.navigate may
 * come only after the page answered, so it is not waited for. */
static int command(struct browser *b, struct pool *pool, const char *method, json_t *params,
                   int cap_ms, struct settled *out, struct err *err)
{
    struct settle s;
    int r = settle_arm(&s, &b->tabs, b->display, &b->memory, pool, SETTLE_LOAD, err);
    if (!r && !b->tabs.front)
        r = err_set(err, E_UPSTREAM, "the browser shows no tab");
    if (r) {
        json_decref(params);
        return explain(b, r, err);
    }
    struct frame_info *main = tabs_main_frame(b->tabs.front);
    if (main) /* until the browser says that it started */
        main->requested_us = clock_mono_us();
    cdp_post(b->cdp, b->tabs.front->id, method, params);
    focus_page(b);
    r = settle_wait(&s, pool, cap_ms, out, err);
    return explain(b, r, err);
}

static int browser_navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                            struct settled *out, struct err *err)
{
    json_t *params = json_object();
    json_put_str(params, "url", url);
    return command(downcast(plane), pool, "Page.navigate", params, cap_ms, out, err);
}

static int browser_back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                        struct err *err)
{
    struct browser *b = downcast(plane);
    json_t *history = NULL;
    if (!b->tabs.front)
        return err_set(err, E_UPSTREAM, "the browser shows no tab");
    int r = cdp_call(b->cdp, b->tabs.front->id, "Page.getNavigationHistory", NULL,
                     clock_mono_ms() + cap_ms, &history, err);
    if (r)
        return explain(b, r, err);
    int64_t at = json_int(history, "currentIndex", 0);
    const json_t *entries = json_object_get(history, "entries");
    const json_t *before = at > 0 ? json_array_get(entries, (size_t)at - 1) : NULL;
    if (before)
        r = command(b, pool, "Page.navigateToHistoryEntry",
                    json_pack("{s:I}", "entryId", (json_int_t)json_int(before, "id", 0)), cap_ms,
                    out, err);
    json_decref(history);
    return r;
}

static int browser_close_tab(struct plane *plane, struct pool *pool, int cap_ms,
                             struct settled *out, struct err *err)
{
    struct browser *b = downcast(plane);
    struct settle s;
    int r = settle_arm(&s, &b->tabs, b->display, &b->memory, pool, SETTLE_QUIET, err);
    if (!r && !b->tabs.front)
        r = err_set(err, E_UPSTREAM, "the browser shows no tab");
    if (r)
        return explain(b, r, err);
    json_t *params = json_object(), *answer = NULL;
    json_put_str(params, "targetId", b->tabs.front->target);
    r = cdp_call(b->cdp, NULL, "Target.closeTarget", params, clock_mono_ms() + cap_ms, &answer,
                 err);
    json_decref(answer);
    if (r)
        settle_drop(&s);
    else
        r = settle_wait(&s, pool, cap_ms, out, err);
    return explain(b, r, err);
}

static void browser_keep_login(struct plane *plane)
{
    struct browser *b = downcast(plane);
    cookies_save(b->cdp, b->profile_dir, true, &b->kept_cookies, clock_mono_ms() + COOKIES_MS);
}

/* --- what is asked --------------------------------------------------------------------------- */

static void browser_answer(struct plane *plane, const struct plane_answers *answers)
{
    asks_set(&downcast(plane)->tabs, answers);
}

static bool downloads_over(void *arg)
{
    struct browser *b = arg;
    return cdp_gone(b->cdp) || !asks_downloading(&b->tabs.asks, 0);
}

static int browser_downloads(struct plane *plane, struct pool *pool, int wait_ms,
                             struct download **ret, int *ret_n, struct err *err)
{
    struct browser *b = downcast(plane);
    struct download_entry *d;
    int r = loop_wait(b->loop, downloads_over, b, clock_mono_ms() + wait_ms);
    if (r == E_CANCELLED)
        return err_set(err, r, "cancelled while waiting for a download");
    if (cdp_gone(b->cdp))
        return explain(b, err_set(err, E_GONE, "the browser has ended"), err);
    *ret = pool_alloc(pool, sizeof(**ret) * CAP_DOWNLOADS);
    while (*ret_n < CAP_DOWNLOADS && (d = asks_next_download(&b->tabs.asks))) {
        d->told = true;
        (*ret)[(*ret_n)++] = (struct download){.name = pool_strdup(pool, d->name),
                                               .url = pool_strdup(pool, d->url),
                                               .bytes = d->bytes,
                                               .complete = d->complete,
                                               .refused = d->refused};
    }
    return 0;
}

static int browser_tab_count(const struct plane *plane)
{
    return ((const struct browser *)plane)->tabs.n_tabs;
}

static int browser_save_logins(struct plane *plane, int timeout_ms, json_t **out, struct err *err)
{
    struct browser *b = downcast(plane);
    return explain(b, logins_save(&b->tabs, clock_mono_ms() + timeout_ms, out, err), err);
}

static int browser_load_logins(struct plane *plane, const json_t *saved, int timeout_ms,
                               bool *ret_storage, struct err *err)
{
    struct browser *b = downcast(plane);
    int64_t deadline = clock_mono_ms() + timeout_ms;
    return explain(b, logins_load(&b->tabs, saved, deadline, ret_storage, err), err);
}

static void browser_pids(const struct plane *plane, int *ret_display, int *ret_browser)
{
    const struct browser *b = (const struct browser *)plane;
    *ret_display = (int)b->xvfb.proc.pid;
    *ret_browser = b->chromium ? chromium_pid(b->chromium) : 0;
}

const struct plane_driver plane_browser = {
    .kind = "browser_use_plane",
    .caps = PLANE_HAS_DOM | PLANE_HAS_TABS,
    .create = browser_create,
    .destroy = browser_destroy,
    .observe = browser_observe,
    .glance = browser_glance,
    .ask_picture = browser_ask_picture,
    .take_picture = browser_take_picture,
    .watch = browser_watch,
    .act = browser_act,
    .hand = browser_hand,
    .navigate = browser_navigate,
    .back = browser_back,
    .close_tab = browser_close_tab,
    .tab_count = browser_tab_count,
    .scroll_y = browser_scroll_y,
    .keep_login = browser_keep_login,
    .settle = browser_settle,
    .answer = browser_answer,
    .downloads = browser_downloads,
    .save_logins = browser_save_logins,
    .load_logins = browser_load_logins,
    .pids = browser_pids,
};
