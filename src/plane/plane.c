#include "plane/driver.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "core/picture.h"

#define SIDE_MIN_PX 320
#define CHORD_MAX   8

static const struct plane_driver *const drivers[] = {&plane_browser, &plane_computer, &plane_fake};

const char *const *plane_kinds(void)
{
    static const char *kinds[ARRAY_SIZE(drivers) + 1];
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        kinds[i] = drivers[i]->kind;
    return kinds;
}

static int check_config(const struct plane_config *c, struct err *err)
{
    if (c->width < SIDE_MIN_PX || c->width > CAP_SCREEN_SIDE_PX || c->height < SIDE_MIN_PX ||
        c->height > CAP_SCREEN_SIDE_PX)
        return err_set(err, E_INVALID, "display size %dx%d: each side must be %d to %d", c->width,
                       c->height, SIDE_MIN_PX, CAP_SCREEN_SIDE_PX);
    return 0;
}

int plane_create(const char *kind, struct loop *loop, const struct plane_config *config,
                 int timeout_ms, struct plane **out, struct err *err)
{
    struct plane_config c = *config;
    if (!c.width && !c.height) {
        c.width = 1280;
        c.height = 720;
    }
    int r = check_config(&c, err);
    for (size_t i = 0; i < ARRAY_SIZE(drivers) && !r; i++) {
        if (strcmp(kind, drivers[i]->kind))
            continue;
        r = drivers[i]->create(loop, &c, timeout_ms, out, err);
        if (r)
            return r;
        (*out)->width = c.width;
        (*out)->height = c.height;
        (*out)->settle_ceiling_s = c.settle_ceiling_s;
        return 0;
    }
    return r ? r : err_set(err, E_UNSUPPORTED, "unknown plane '%.40s'", kind);
}

void plane_destroy(struct plane *plane, enum plane_end how)
{
    if (plane)
        plane->driver->destroy(plane, how);
}

unsigned plane_caps(const struct plane *plane)
{
    return plane->driver->caps;
}

const char *plane_kind(const struct plane *plane)
{
    return plane->driver->kind;
}

void plane_size(const struct plane *plane, int *width, int *height)
{
    *width = plane->width;
    *height = plane->height;
}

/* The smaller of the caller's cap and the plan's ceiling. */
static int bounded(const struct plane *plane, int cap_ms)
{
    double ceiling_ms = plane->settle_ceiling_s * 1000;
    return ceiling_ms > 0 && ceiling_ms < cap_ms ? (int)ceiling_ms : cap_ms;
}

static struct settled nothing_yet(void)
{
    return (struct settled){.dialog_text = ""};
}

int plane_observe(struct plane *plane, struct pool *pool, unsigned what, int timeout_ms,
                  struct observation *out, struct err *err)
{
    struct observation o = {.url = "", .title = ""};
    bool png = what & OBSERVE_PNG;
    if (png)
        what = (what & ~(unsigned)OBSERVE_PNG) | OBSERVE_FRAME;
    if (!(plane->driver->caps & PLANE_HAS_DOM))
        what &= ~(unsigned)OBSERVE_PAGE;
    int r = plane->driver->observe(plane, pool, what, timeout_ms, &o, err);
    int64_t from = clock_mono_us();
    if (!r && png)
        r = picture_encode(pool, &o.frame, PICTURE_PNG, 0, &o.png, &o.png_len, err);
    o.perceive_us += clock_mono_us() - from;
    if (!r)
        *out = o;
    return r;
}

int plane_glance(struct plane *plane, struct frame *out, uint8_t **ret_pixels, struct err *err)
{
    if (!plane->driver->glance)
        return err_set(err, E_UNSUPPORTED, "%s cannot be watched", plane->driver->kind);
    return plane->driver->glance(plane, out, ret_pixels, err);
}

void plane_ask_picture(struct plane *plane)
{
    if (plane->driver->ask_picture)
        plane->driver->ask_picture(plane);
}

int plane_take_picture(struct plane *plane, struct frame *out, uint8_t **ret_pixels,
                       struct err *err)
{
    return plane->driver->take_picture ? plane->driver->take_picture(plane, out, ret_pixels, err)
                                       : plane_glance(plane, out, ret_pixels, err);
}

void plane_watch(struct plane *plane, plane_damage_fn *fn, void *arg)
{
    if (plane->driver->watch)
        plane->driver->watch(plane, fn, arg);
}

/* --- acting --------------------------------------------------------------------------------- */

static int clamp(int v, int size)
{
    return v < 0 ? 0 : v >= size ? size - 1 : v;
}

/* Everything that can be wrong with an action is said before any input happens. */
static int check_action(const struct plane *plane, struct pool *pool, struct action *a,
                        struct err *err)
{
    const char *names[CHORD_MAX];
    int n;
    if (a->type == ACTION_DONE)
        return err_set(err, E_INVALID, "done is not an action of the computer");
    if (a->type == ACTION_KEY_PRESS)
        return action_keys(pool, a->keys, names, CHORD_MAX, &n, err);
    int held = a->type == ACTION_CLICK && a->keys
                   ? action_keys(pool, a->keys, names, CHORD_MAX, &n, err)
                   : 0;
    if (held)
        return held;
    if (a->type == ACTION_TYPE_TEXT && (!a->text || !str_is_utf8(a->text, strlen(a->text))))
        return err_set(err, E_INVALID, "text to type is missing or not UTF-8");
    if (a->type == ACTION_SCROLL && (a->x < 0 || a->y < 0)) {
        a->x = plane->width / 2;
        a->y = plane->height / 2;
    }
    if (!a->button)
        a->button = BUTTON_LEFT;
    a->x = clamp(a->x, plane->width);
    a->y = clamp(a->y, plane->height);
    a->to_x = clamp(a->to_x, plane->width);
    a->to_y = clamp(a->to_y, plane->height);
    return 0;
}

static void add_settled(struct settled *sum, const struct settled *s)
{
    sum->url_changed |= s->url_changed;
    sum->navigated |= s->navigated;
    sum->new_tab |= s->new_tab;
    sum->blank_tab = s->new_tab ? s->blank_tab : sum->blank_tab;
    sum->capped = s->capped;
    sum->dialogs += s->dialogs;
    sum->declined += s->declined;
    sum->files += s->files;
    sum->refused_sign_ins += s->refused_sign_ins;
    sum->downloads += s->downloads;
    if (s->dialogs)
        sum->dialog_text = s->dialog_text;
    sum->input_us += s->input_us;
    sum->settle_us += s->settle_us;
}

static int act_one(struct plane *plane, struct pool *pool, const struct action *a, int cap_ms,
                   struct settled *sum, struct err *err)
{
    struct settled s = nothing_yet();
    int r = plane->driver->act(plane, pool, a, cap_ms, &s, err);
    if (!r)
        add_settled(sum, &s);
    return r;
}

int plane_act(struct plane *plane, struct pool *pool, const struct action *action, int cap_ms,
              struct settled *out, struct err *err)
{
    static const struct action select_all = {.type = ACTION_KEY_PRESS, .keys = "ctrl+a"};
    static const struct action enter = {.type = ACTION_KEY_PRESS, .keys = "enter"};
    struct action a = *action;
    struct settled sum = nothing_yet();
    int r = check_action(plane, pool, &a, err);
    if (r)
        return r;
    cap_ms = bounded(plane, cap_ms);
    bool types = a.type == ACTION_TYPE_TEXT;
    if (types && a.clear_first)
        r = act_one(plane, pool, &select_all, cap_ms, &sum, err);
    if (!r)
        r = act_one(plane, pool, &a, cap_ms, &sum, err);
    if (!r && types && a.press_enter)
        r = act_one(plane, pool, &enter, cap_ms, &sum, err);
    if (!r)
        *out = sum;
    return r;
}

int plane_navigate(struct plane *plane, struct pool *pool, const char *url, int cap_ms,
                   struct settled *out, struct err *err)
{
    struct settled s = nothing_yet();
    bool ok =
        str_starts(url, "http://") || str_starts(url, "https://") || !strcmp(url, "about:blank");
    if (!ok || strpbrk(url, " \t\r\n") || strlen(url) > CAP_URL_BYTES)
        return err_set(err, E_INVALID,
                       "cannot open '%.200s': only http and https URLs without blanks", url);
    int r = plane->driver->navigate(plane, pool, url, bounded(plane, cap_ms), &s, err);
    if (!r)
        *out = s;
    return r;
}

int plane_back(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
               struct err *err)
{
    struct settled s = nothing_yet();
    int r = plane->driver->back(plane, pool, bounded(plane, cap_ms), &s, err);
    if (!r)
        *out = s;
    return r;
}

int plane_close_tab(struct plane *plane, struct pool *pool, int cap_ms, struct settled *out,
                    struct err *err)
{
    struct settled s = nothing_yet();
    if (!plane->driver->close_tab)
        return err_set(err, E_UNSUPPORTED, "%s knows no tabs", plane->driver->kind);
    if (plane->driver->tab_count(plane) < 2)
        return err_set(err, E_INVALID, "the only tab cannot be closed");
    int r = plane->driver->close_tab(plane, pool, bounded(plane, cap_ms), &s, err);
    if (!r)
        *out = s;
    return r;
}

bool settled_tells(const struct settled *s)
{
    return s->url_changed || s->new_tab || s->navigated || s->downloads || s->files ||
           s->dialogs > s->declined;
}

void plane_answer(struct plane *plane, const struct plane_answers *answers)
{
    if (plane->driver->answer)
        plane->driver->answer(plane, answers);
}

int plane_hand(struct plane *plane, struct pool *pool, const struct hand *hand, const char **ret_text,
               struct err *err)
{
    *ret_text = "";
    if (!plane->driver->hand)
        return err_set(err, E_UNSUPPORTED, "a %s has no mouse", plane->driver->kind);
    return plane->driver->hand(plane, pool, hand, ret_text, err);
}

int plane_downloads(struct plane *plane, struct pool *pool, int wait_ms, struct download **ret,
                    int *ret_n, struct err *err)
{
    *ret = NULL;
    *ret_n = 0;
    return plane->driver->downloads
               ? plane->driver->downloads(plane, pool, wait_ms, ret, ret_n, err)
               : 0;
}

int plane_tab_count(const struct plane *plane)
{
    return plane->driver->tab_count(plane);
}

int plane_scroll_y(struct plane *plane, int *ret_y, struct err *err)
{
    if (!plane->driver->scroll_y)
        return err_set(err, E_UNSUPPORTED, "%s cannot read the scroll offset", plane->driver->kind);
    return plane->driver->scroll_y(plane, ret_y, err);
}

void plane_keep_login(struct plane *plane)
{
    if (plane->driver->keep_login)
        plane->driver->keep_login(plane);
}

int plane_settle(struct plane *plane, int cap_ms, struct err *err)
{
    return plane->driver->settle(plane, bounded(plane, cap_ms), err);
}

static int no_logins(const struct plane *plane, struct err *err)
{
    return err_set(err, E_UNSUPPORTED, "%s cannot keep sessions: it has no access to cookies",
                   plane->driver->kind);
}

int plane_save_logins(struct plane *plane, int timeout_ms, json_t **out, struct err *err)
{
    if (!plane->driver->save_logins)
        return no_logins(plane, err);
    return plane->driver->save_logins(plane, timeout_ms, out, err);
}

int plane_load_logins(struct plane *plane, const json_t *saved, int timeout_ms, bool *ret_storage,
                      struct err *err)
{
    if (!plane->driver->load_logins)
        return no_logins(plane, err);
    return plane->driver->load_logins(plane, saved, timeout_ms, ret_storage, err);
}

void plane_pids(const struct plane *plane, int *ret_display, int *ret_browser)
{
    plane->driver->pids(plane, ret_display, ret_browser);
}
