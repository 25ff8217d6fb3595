#include "run/look.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "brain/model/grounding.h"
#include "core/passwords.h"
#include "core/picture.h"
#include "run/asks.h"
#include "run/film.h"
#include "run/telling.h"
#include "run/url.h"

#define FIRST_LINE_PX      10
#define BRING_TRIES        14
#define WHEEL_MAX          40 /* notches in one action (action.h) */
#define WHEEL_SCROLL_TRIES 6
#define MOVED_SHARE        0.01 /* of the picture's pixels: something scrolled */

static void keep(char **field, const char *value)
{
    if (strcmp(*field, value))
        progress_set(field, value);
}

/* Secrets are found by reading the page: once more, when what is to become a picture came without
 * it. */
static int see(struct run *run, struct pool *pool, unsigned what, int timeout_ms,
               struct observation *out, struct err *err)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    int r = plane_observe(run->plane, pool, what & ~(unsigned)OBSERVE_PNG, timeout_ms, out, err);
    if (!r && (what & OBSERVE_FRAME) && mask_wants_page(&run->mask, out))
        r = plane_observe(run->plane, pool, OBSERVE_FRAME | OBSERVE_PAGE,
                          (int)(deadline - clock_mono_ms()), out, err);
    if (!r)
        mask_seen(&run->mask, pool, out);
    return r;
}

static int observe_in(struct run *run, struct pool *pool, unsigned what, int timeout_ms,
                      struct observation *out, struct err *err)
{
    if (what & OBSERVE_PNG)
        what |= OBSERVE_FRAME;
    int r = see(run, pool, what, timeout_ms, out, err);
    if (r)
        return r;
    int64_t seen = clock_mono_us();
    if (what & OBSERVE_PNG)
        r = picture_encode(pool, &out->frame, PICTURE_PNG, 0, &out->png, &out->png_len, err);
    out->perceive_us += clock_mono_us() - seen;
    meter_add(&run->step_meter, METER_PERCEIVE, out->perceive_us);
    keep(&run->live_url, out->url);
    return r;
}

int run_last_look(struct run *run, int timeout_ms, struct observation *out, struct err *err)
{
    return observe_in(run, run->step_pool, OBSERVE_PNG, timeout_ms, out, err);
}

int run_observe(struct run *run, unsigned what, struct observation *out, struct err *err)
{
    return observe_in(run, run->step_pool, what, LOOK_TIMEOUT_MS, out, err);
}

int run_look_in(struct run *run, struct pool *pool, struct observation *out, struct err *err)
{
    bool dom = plane_caps(run->plane) & PLANE_HAS_DOM;
    return observe_in(run, pool, OBSERVE_FRAME | (dom ? OBSERVE_PAGE : 0), LOOK_TIMEOUT_MS, out,
                      err);
}

int run_look(struct run *run, struct observation *out, struct err *err)
{
    return run_look_in(run, run->step_pool, out, err);
}

int run_read_url(struct run *run, const char **out, struct err *err)
{
    struct observation obs;
    int r = run_observe(run, 0, &obs, err);
    if (!r)
        *out = obs.url;
    return r;
}

static int acted(struct run *run, const struct settled *s, enum meter_bucket wait, struct err *err)
{
    meter_add(&run->step_meter, METER_ACT, s->input_us);
    meter_add(&run->step_meter, wait, s->settle_us);
    return asks_note(run, s, err);
}

/* What a person answered, or a password of the plan. Where neither it nor a page can tell, what the brain or the
 * step says does. */
static bool types_answer(const struct run *run, const struct action *a)
{
    return a->type == ACTION_TYPE_TEXT && run->answers.texts &&
           (answer_shows_in(&run->answers, a->text) || run->step != run->asked_step);
}

static bool types_secret(const struct run *run, const struct action *a)
{
    if (a->type != ACTION_TYPE_TEXT)
        return false;
    if (types_answer(run, a))
        return true;
    if (run->passwords.texts)
        return answer_shows_in(&run->passwords, a->text);
    const char *why = a->reasoning && *a->reasoning ? a->reasoning
                      : run->step                   ? run->step->intent
                                                    : "";
    return !run->mask.has_dom && password_in_words(why);
}

/* On pixels a password is covered by the field itself, as browsers do; a mask where it was thought to be, after a click
 * that missed, would hide the form from who fills it. */
static void note_action(struct run *run, const struct action *action, bool secret)
{
    struct frame screen;
    uint8_t *pixels;
    bool hides = run->mask.has_dom ? secret : types_answer(run, action);
    bool seen = mask_wants_screen(&run->mask, action, hides) &&
                !plane_glance(run->plane, &screen, &pixels, NULL);
    mask_before(&run->mask, action, hides, seen ? &screen : NULL);
}

int run_act(struct run *run, const struct action *action, int cap_ms, struct settled *out,
            struct err *err)
{
    bool secret = types_secret(run, action);
    note_action(run, action, secret);
    film_action(run->film, run, action, secret);
    telling_action(run, action, secret);
    int r = plane_act(run->plane, run->step_pool, action, cap_ms, out, err);
    return r ? r : acted(run, out, METER_SETTLE, err);
}

int run_click(struct run *run, struct point at, enum button button, struct settled *out,
              struct err *err)
{
    struct action a = {.type = ACTION_CLICK, .x = at.x, .y = at.y, .button = button};
    return run_act(run, &a, CAP_CLICK_MS, out, err);
}

int run_key(struct run *run, const char *keys, int cap_ms, struct err *err)
{
    struct settled s = {0};
    struct action a = {.type = ACTION_KEY_PRESS, .keys = keys};
    return run_act(run, &a, cap_ms, &s, err);
}

int run_type(struct run *run, const char *text, struct err *err)
{
    struct settled s = {0};
    struct action a = {.type = ACTION_TYPE_TEXT, .text = text};
    return run_act(run, &a, CAP_TYPE_MS, &s, err);
}

int run_open(struct run *run, const char *url, int cap_ms, struct settled *out, struct err *err)
{
    *out = (struct settled){0};
    url = asks_sign_in(run, url);
    int r = plane_navigate(run->plane, run->step_pool, url, cap_ms, out, err);
    if (r)
        return r;
    if (out->capped)
        run_warn(run, "load_capped", "the page was still loading after %.1f s: '%s'",
                 cap_ms / 1000.0, str_cut(run->step_pool, url, 200));
    return acted(run, out, METER_LOAD, err);
}

int run_back(struct run *run, struct settled *out, struct err *err)
{
    *out = (struct settled){0};
    int r = plane_back(run->plane, run->step_pool, CAP_BACK_MS, out, err);
    return r ? r : acted(run, out, METER_LOAD, err);
}

int run_close_tab(struct run *run, struct err *err)
{
    struct settled s = {0};
    int r = plane_close_tab(run->plane, run->step_pool, CAP_BACK_MS, &s, err);
    return r ? r : acted(run, &s, METER_SETTLE, err);
}

int run_settle(struct run *run, int cap_ms, struct err *err)
{
    int64_t start = clock_mono_us();
    int r = plane_settle(run->plane, cap_ms, err);
    meter_add(&run->step_meter, METER_SETTLE, clock_mono_us() - start);
    return r;
}

/* --- scrolling ------------------------------------------------------------------------------- */

struct view {
    struct frame frame;
    int y; /* of the main document */
    bool has_y;
};

static int see_view(struct run *run, struct pool *pool, struct view *out, struct err *err)
{
    struct observation obs;
    int r = observe_in(run, pool, OBSERVE_FRAME, LOOK_TIMEOUT_MS, &obs, err);
    if (r)
        return r;
    out->frame = obs.frame;
    r = plane_scroll_y(run->plane, &out->y, err);
    out->has_y = r == 0;
    return r == E_UNSUPPORTED ? 0 : r;
}

/* Pixels that passed between two views. An inner scroller leaves scroll_y alone: then the picture
 * decides, and the distance is what the wheel usually does. */
static int moved_px(struct run *run, const struct view *a, const struct view *b, int notches)
{
    if (a->has_y && b->has_y && a->y != b->y)
        return b->y - a->y;
    if (a->frame.pixels && b->frame.pixels && frame_difference(&a->frame, &b->frame) > MOVED_SHARE)
        return (int)(notches * run->wheel_px);
    return 0;
}

/* Where the wheel is turned: the middle first, then the columns where an inner pane may be. */
static const double wheel_x[] = {0.5, 0.75, 0.25};

static struct point wheel_place(struct run *run, size_t i)
{
    int w, h;
    plane_size(run->plane, &w, &h);
    return (struct point){(int)(w * wheel_x[i]), h / 2 + h / 10};
}

static int turn_wheel(struct run *run, struct point at, int notches, struct err *err)
{
    struct settled s = {0};
    struct action a = {.type = ACTION_SCROLL, .x = at.x, .y = at.y, .dy = notches};
    return run_act(run, &a, CAP_SCROLL_MS, &s, err);
}

static int notches_for(const struct run *run, int dy_px)
{
    int n = (int)(dy_px / run->wheel_px + (dy_px > 0 ? 0.5 : -0.5));
    if (n == 0)
        n = dy_px > 0 ? 1 : -1;
    return n > WHEEL_MAX ? WHEEL_MAX : n < -WHEEL_MAX ? -WHEEL_MAX : n;
}

/* pane NULL: wherever something moves. */
static int wheel_in(struct run *run, struct pool *pool, const struct point *pane, int notches,
                    int *ret_moved, struct err *err)
{
    struct view before, after;
    int r = see_view(run, pool, &before, err);
    *ret_moved = 0;
    for (size_t i = 0; !r && !*ret_moved && i < (pane ? 1 : ARRAY_SIZE(wheel_x)); i++) {
        r = turn_wheel(run, pane ? *pane : wheel_place(run, i), notches, err);
        if (!r)
            r = see_view(run, pool, &after, err);
        if (!r)
            *ret_moved = moved_px(run, &before, &after, notches);
    }
    /* At its end a pane hands the wheel on to the document around it. */
    if (!r && pane && before.has_y && after.has_y && before.y != after.y)
        *ret_moved = 0;
    return r;
}

/* Pictures are large, and a step may turn the wheel a hundred times: they go with each turn. */
static int wheel_once(struct run *run, const struct point *pane, int notches, int *ret_moved,
                      struct err *err)
{
    struct pool *pool = pool_create(run->step_pool);
    int r = wheel_in(run, pool, pane, notches, ret_moved, err);
    pool_destroy(pool);
    return r;
}

int run_scroll_pane(struct run *run, const struct point *pane, int dy_px, int *ret_moved_px,
                    struct err *err)
{
    int done = 0, r = 0;
    for (int i = 0; !r && i < WHEEL_SCROLL_TRIES && abs(dy_px - done) > run->wheel_px / 2; i++) {
        int moved, n = notches_for(run, dy_px - done);
        r = wheel_once(run, pane, n, &moved, err);
        if (r || !moved)
            break;
        double px = (double)moved / n;
        if (abs(n) > 1 && px > 5 && abs(moved) < abs(dy_px - done) * 2)
            run->wheel_px = px;
        done += moved;
    }
    *ret_moved_px = done;
    return r;
}

int run_scroll_px(struct run *run, int dy_px, int *ret_moved_px, struct err *err)
{
    return run_scroll_pane(run, NULL, dy_px, ret_moved_px, err);
}

/* --- targets --------------------------------------------------------------------------------- */

int run_dismiss_overlay(struct run *run, const struct observation *obs, bool *ret_done,
                        struct err *err)
{
    struct target way_out;
    struct settled s = {0};
    int64_t start = clock_mono_us();
    *ret_done = false;
    int r = reader_find_dismiss(run->reader, run->step_pool, obs, &way_out, NULL);
    meter_add(&run->step_meter, METER_GROUND, clock_mono_us() - start);
    if (r == E_NOT_FOUND)
        return 0;
    if (r)
        return err_set(err, r, "cannot look for an overlay");
    r = run_click(run, way_out.at, BUTTON_LEFT, &s, err);
    if (r)
        return r;
    *ret_done = true;
    run_event(run, "runner", "overlay_dismissed",
              json_pack("{s:o,s:i,s:i}", "label", json_string_safe(way_out.label), "x",
                        way_out.at.x, "y", way_out.at.y),
              "closed an overlay with '%s'", way_out.label);
    return 0;
}

static struct rect view_of(struct run *run, const struct observation *obs)
{
    int w, h;
    plane_size(run->plane, &w, &h);
    return obs->page ? obs->page->viewport : (struct rect){0, 0, w, h};
}

/* In view or half of it at the edge: what matters is that the point to be clicked can be seen. */
static bool can_be_hit(struct run *run, const struct observation *obs, const struct target *t)
{
    struct rect v = view_of(run, obs);
    return t->in_view ||
           (t->at.x >= v.x && t->at.x < v.x + v.w && t->at.y >= v.y && t->at.y < v.y + v.h);
}

static int middle_y(struct rect r)
{
    return r.y + r.h / 2;
}

/* The pane that has to be scrolled for the target to show: it is in view and the target is not in
 * it. NULL: the document. */
static const struct node *pane_of(struct run *run, const struct observation *obs,
                                  const struct target *t)
{
    const struct page *page = obs->page;
    struct rect v = view_of(run, obs);
    for (int i = page && t->node >= 0 ? page->nodes[t->node].parent : -1; i >= 0;
         i = page->nodes[i].parent) {
        const struct node *n = &page->nodes[i];
        int y = t->box.h > 0 ? middle_y(t->box) : t->at.y, mid = middle_y(n->box);
        if ((n->flags & NODE_SCROLLS) && (n->flags & NODE_IN_VIEW) && mid >= v.y &&
            mid < v.y + v.h && (y < n->box.y || y >= n->box.y + n->box.h))
            return n;
    }
    return NULL;
}

/* How far the page, or the pane, must scroll to have the target in its middle. */
static int distance_px(struct run *run, const struct observation *obs, const struct target *t,
                       const struct node *pane)
{
    int middle = t->box.h > 0 ? middle_y(t->box) : t->at.y;
    return middle - middle_y(pane ? pane->box : view_of(run, obs));
}

struct bring {
    bool dismissed, centred;
    int stuck; /* scrolls that moved nothing */
};

/* One step closer to a target that can be clicked. *ret_ready when there is nothing left to do. */
static int bring_closer(struct run *run, struct bring *b, const struct observation *obs,
                        const struct target *t, bool *ret_ready, struct err *err)
{
    const struct node *pane = t->in_view ? NULL : pane_of(run, obs, t);
    struct point at = pane ? node_point(obs->page, pane) : (struct point){0, 0};
    int moved, r, dy = distance_px(run, obs, t, pane);
    *ret_ready = false;
    if (t->covered && !b->dismissed) {
        bool done;
        b->dismissed = true;
        r = run_dismiss_overlay(run, obs, &done, err);
        if (r || done)
            return r;
    }
    bool off_view = !t->in_view, under_header = t->covered && !b->centred && abs(dy) > 60;
    if (b->stuck >= 2 || (!off_view && !under_header)) {
        *ret_ready = true;
        return 0;
    }
    b->centred = b->centred || t->in_view;
    r = run_scroll_pane(run, pane ? &at : NULL, dy, &moved, err);
    b->stuck = moved ? 0 : b->stuck + 1;
    return r;
}

int run_bring(struct run *run, look_find_fn *find, void *arg, struct observation *obs,
              struct target *out, struct err *err)
{
    struct bring b = {0};
    struct pool *look = NULL;
    bool ready = false;
    int r = 0;
    for (int i = 0; !r && !ready && i < BRING_TRIES; i++) {
        pool_destroy(look); /* only the last look is handed out */
        look = pool_create(run->step_pool);
        r = run_look_in(run, look, obs, err);
        if (r)
            break;
        int64_t start = clock_mono_us();
        r = find(run, arg, obs, out, err);
        meter_add(&run->step_meter, METER_GROUND, clock_mono_us() - start);
        if (!r)
            r = bring_closer(run, &b, obs, out, &ready, err);
    }
    /* a click would be moved to the edge and hit something else */
    if (!r && !can_be_hit(run, obs, out))
        return err_set(err, E_NOT_FOUND, "'%s' is on the page but does not come into view",
                       str_cut(run->step_pool, out->label, 80));
    return r;
}

static int find_by_query(struct run *run, void *arg, const struct observation *obs,
                         struct target *out, struct err *err)
{
    return reader_find(run->reader, run->step_pool, obs, arg, out, err);
}

int run_bring_query(struct run *run, const struct target_query *query, struct observation *obs,
                    struct target *out, struct err *err)
{
    struct target_query copy = *query;
    return run_bring(run, find_by_query, &copy, obs, out, err);
}

/* The step's hint, or a site that wants what of it is of this kind seen with fresh eyes. */
static bool independent(const struct run *run, const char *kind)
{
    const json_t *kinds = json_object_get(run->plan->site_config, "require_independent_grounding");
    return json_truthy(json_object_get(run->step->hints, "independent_grounding")) ||
           json_holds(kinds, kind) || json_holds(kinds, run->step->type) ||
           json_holds(kinds, run->step->section);
}

int run_regard(struct run *run, const struct observation *obs, const char *kind, const char *wanted,
               struct target *t, struct err *err)
{
    struct regard better;
    if (t->node >= 0 || !reader_is_model(run->reader))
        return 0;
    int64_t start = clock_mono_us();
    int r = reader_regard(run->reader, run->step_pool, obs, t->at, wanted, independent(run, kind),
                          &better, err);
    meter_add(&run->step_meter, METER_GROUND, clock_mono_us() - start);
    if (!r && grounding_taken(kind, t->at, better.at, better.confidence))
        t->at = better.at;
    return r;
}

struct point run_first_line(const struct target *t)
{
    int dx = t->box.w / 2 < FIRST_LINE_PX ? t->box.w / 2 : FIRST_LINE_PX;
    int dy = t->box.h / 2 < FIRST_LINE_PX ? t->box.h / 2 : FIRST_LINE_PX;
    return (struct point){t->box.x + dx, t->box.y + dy};
}

/* --- questions ------------------------------------------------------------------------------- */

static int ask_once(struct run *run, const char *question, struct verdict *out, struct err *err)
{
    struct observation obs;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    int64_t start = clock_mono_us();
    r = reader_visible(run->reader, run->step_pool, &obs, question, out, err);
    meter_add(&run->step_meter, METER_VERIFY, clock_mono_us() - start);
    return r;
}

int run_ask(struct run *run, const char *question, struct verdict *out, struct err *err)
{
    int r = ask_once(run, question, out, err);
    if (r || out->answer == ANSWER_YES)
        return r;
    r = run_settle(run, CAP_GATE_MS, err);
    return r ? r : ask_once(run, question, out, err);
}

/* "No results" is an answer, not a broken page, where the plan searches or lists. */
static bool plan_searches(const struct run *run, const char *url)
{
    static const char *const searching[] = {"filter", "paginate", "fill_field", "extract_rows"};
    if (strchr(url, '?') || str_contains_fold(url, "search"))
        return true;
    for (int i = 0; i < run->plan->n_steps; i++)
        for (size_t j = 0; j < ARRAY_SIZE(searching); j++)
            if (!strcmp(run->plan->steps[i].type, searching[j]))
                return true;
    return false;
}

const char *run_page_class(struct run *run, const struct observation *obs, const char *asked_url)
{
    return page_class(run->step_pool, obs, asked_url, plan_searches(run, asked_url));
}

const struct node *look_focused(const struct observation *obs)
{
    for (int i = 0; obs->page && i < obs->page->n_nodes; i++) {
        const struct node *n = &obs->page->nodes[i];
        if ((n->flags & NODE_FOCUSED) && (n->flags & NODE_EDITABLE))
            return n;
    }
    return NULL;
}
