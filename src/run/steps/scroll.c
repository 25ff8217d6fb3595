/*
 * scroll.c - mechanical scrolling, checked by how far the page moved (plans.md 8.7). Without a
 * count or backend it is a sub-goal for the brain.
 */
#include "run/steps/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/subgoal.h"

#define MIN_MOVED_PX    50
#define END_PX          4 /* this close to the end there is nothing left to scroll */
#define SKIP_ATTEMPT    3 /* the attempt that goes on without movement */
#define DEFAULT_NOTCHES 3

struct plan_of_scroll {
    bool up, viewport; /* viewport: by shares of the view, else by wheel notches */
    int count, notches;
    double fraction;
};

static struct plan_of_scroll read_params(const struct step *step)
{
    const json_t *p = step->params;
    struct plan_of_scroll s = {
        .up = str_eq_fold(json_str(p, "direction", "down"), "up"),
        .viewport = !strcmp(json_str(p, "backend", ""), "cdp") ||
                    json_truthy(json_object_get(step->hints, "prefer_cdp_scroll")),
        .count = (int)json_num(p, "count", 0),
        .notches = (int)json_num(p, "notches_per_count", DEFAULT_NOTCHES),
        .fraction = json_num(p, "fraction", 1),
    };
    if (s.fraction <= 0 || s.fraction > 1)
        s.fraction = 1;
    if (s.notches < 1 || s.notches > 40)
        s.notches = DEFAULT_NOTCHES;
    if (s.count > 200)
        s.count = 200;
    return s;
}

/* Nothing left in this direction, as far as the page can tell. */
static bool at_end(const struct observation *obs, bool up)
{
    const struct page *p = obs->page;
    if (!p || p->content_h <= p->viewport.h + END_PX)
        return false; /* the main document does not scroll: an inner pane may */
    return up ? p->scroll_y <= END_PX : p->scroll_y + p->viewport.h >= p->content_h - END_PX;
}

static int one_pass(struct run *run, const struct plan_of_scroll *s, int *ret_moved,
                    struct err *err)
{
    int w, h, px = s->notches * (int)run->wheel_px;
    plane_size(run->plane, &w, &h);
    if (s->viewport)
        px = (int)(h * s->fraction);
    return run_scroll_px(run, s->up ? -px : px, ret_moved, err);
}

static int read_y(struct run *run, int *ret_y, bool *ret_known, struct err *err)
{
    int r = plane_scroll_y(run->plane, ret_y, err);
    *ret_known = r == 0;
    return r == E_UNSUPPORTED ? 0 : r;
}

static int no_movement(struct run *run, struct step_result *out, int pre, int post)
{
    if (run->progress.retries + 1 >= SKIP_ATTEMPT)
        return step_ok(run, out, "scroll_no_movement_skipped:pre=%d_post=%d", pre, post);
    return step_fail(run, out, "scroll_no_movement", "scroll_no_movement:pre=%d_post=%d", pre,
                     post);
}

static int mechanical(struct run *run, struct plan_of_scroll s, struct step_result *out,
                      struct err *err)
{
    struct observation obs;
    int pre = 0, post = 0, moved = 0, total = 0;
    bool known;
    int r = run_look(run, &obs, err);
    bool end = !r && at_end(&obs, s.up);
    if (!r)
        r = read_y(run, &pre, &known, err);
    for (int i = 0; !r && !end && i < s.count; i++) {
        r = one_pass(run, &s, &moved, err);
        total += moved;
        if (!moved)
            break;
    }
    if (!r)
        r = read_y(run, &post, &known, err);
    if (r)
        return r;
    int want = run->wheel_px * s.notches < MIN_MOVED_PX && !s.viewport ? 1 : MIN_MOVED_PX;
    if (end || abs(total) >= want)
        return step_ok(run, out, "scroll:%sx%d", s.up ? "up" : "down", s.count);
    r = run_look(run, &obs, err);
    if (!r && (at_end(&obs, s.up) || (!known && total)))
        return step_ok(run, out, "scroll:%sx%d", s.up ? "up" : "down", s.count);
    return r ? r : no_movement(run, out, pre, post);
}

int step_scroll(struct run *run, struct step_result *out, struct err *err)
{
    struct plan_of_scroll s = read_params(run->step);
    if (!s.viewport && s.count <= 0) {
        out->backend = "vision";
        return subgoal_run(run, run->step->intent, subgoal_budget(run, run->step->budget), out,
                           err);
    }
    if (s.count <= 0)
        s.count = 1;
    return mechanical(run, s, out, err);
}
