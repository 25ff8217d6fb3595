/*
 * drag.c - take one thing and let it go over another (plans.md 8.11): by coordinates, or by two
 * labels that must be on the screen together.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"

#define PLACE_TRIES 3

struct ends {
    const char *from, *to;
    struct target start, end;
};

static struct target_query end_query(struct run *run, const char *label)
{
    struct target_query q = step_query(run, TARGET_THING);
    q.label = q.intent = label;
    q.aliases = NULL;
    return q;
}

/* Where to let go is asked of the same look: what is taken first may scroll the page. */
static int find_ends(struct run *run, struct ends *e, struct observation *obs, struct err *err)
{
    struct target_query from = end_query(run, e->from), to = end_query(run, e->to);
    int r = step_find(run, &from, obs, &e->start, err);
    if (!r)
        r = reader_find(run->reader, run->step_pool, obs, &to, &e->end, err);
    if (r || e->end.in_view)
        return r;
    r = step_find(run, &to, obs, &e->end, err);
    if (!r)
        r = reader_find(run->reader, run->step_pool, obs, &from, &e->start, err);
    if (!r && !e->start.in_view)
        return err_set(err, E_NOT_FOUND, "'%s' and '%s' do not fit on the screen together", e->from,
                       e->to);
    return r;
}

/* params.end_position: "above" or "below" the thing, for lists that are put in order; else on it. */
static struct point drop_point(const struct target *end, const char *where)
{
    struct point at = end->at;
    if (!strcmp(where, "above"))
        at.y = end->box.y + end->box.h / 5;
    else if (!strcmp(where, "below"))
        at.y = end->box.y + end->box.h - 1 - end->box.h / 5;
    return at;
}

/* The two are neighbours in that order: dragging would change nothing. */
static bool in_place(const struct ends *e, const char *where)
{
    const struct rect *up = !strcmp(where, "above") ? &e->start.box : &e->end.box;
    const struct rect *low = up == &e->end.box ? &e->start.box : &e->end.box;
    int gap = low->y - (up->y + up->h), room = up->h < low->h ? up->h : low->h;
    bool side_by_side = up->x < low->x + low->w && low->x < up->x + up->w;
    return *where && side_by_side && gap > -room / 2 && gap < room / 2;
}

static int drag_once(struct run *run, const struct ends *e, const char *where,
                     const struct observation *obs, struct step_result *out, struct err *err)
{
    struct point from = e->start.at, to = drop_point(&e->end, where);
    struct action a = {.type = ACTION_DRAG, .x = from.x, .y = from.y, .to_x = to.x, .to_y = to.y};
    out->at = from;
    int r = step_act(run, obs, &a, out, err);
    return r ? r
             : step_ok(run, out, "drag:%s->%s@(%d,%d)->(%d,%d)", e->from, e->to, from.x, from.y,
                       to.x, to.y);
}

/* Where a list closes ranks under the pointer, a thing may fall beside its place: what counts is the
 * place. */
static int drag_in_place(struct run *run, struct ends *e, const char *where,
                         struct observation *obs, struct step_result *out, struct err *err)
{
    int r = 0;
    if (in_place(e, where)) {
        out->verified_change = true; /* nothing was to change */
        return step_ok(run, out, "drag:%s->%s:already_in_place", e->from, e->to);
    }
    for (int i = 0; !r && i < PLACE_TRIES && !in_place(e, where); i++) {
        r = drag_once(run, e, where, obs, out, err);
        if (!r)
            r = find_ends(run, e, obs, err);
    }
    if (!r && !in_place(e, where))
        return step_fail(run, out, "no_state_change", "drag:%s->%s:not_in_place", e->from, e->to);
    return r;
}

static int by_labels(struct run *run, struct step_result *out, struct err *err)
{
    const char *where = json_str(run->step->params, "end_position", "");
    struct observation obs;
    struct ends e = {.from = step_drag_label(run->step_pool, run->step, 0),
                     .to = step_drag_label(run->step_pool, run->step, 1)};
    struct err miss = {0};
    int r = find_ends(run, &e, &obs, &miss);
    out->label = e.from;
    if (r == E_NOT_FOUND)
        return step_fail(run, out, "selector_miss", "form_target_not_found:%s", miss.msg);
    if (r)
        return err_set(err, r, "%s", miss.msg);
    return *where ? drag_in_place(run, &e, where, &obs, out, err)
                  : drag_once(run, &e, where, &obs, out, err);
}

int step_drag(struct run *run, struct step_result *out, struct err *err)
{
    struct action a;
    struct observation obs;
    if (action_parse(run->step_pool, "drag", run->step->params, &a, NULL))
        return by_labels(run, out, err);
    int r = run_look(run, &obs, err);
    out->at = (struct point){a.x, a.y};
    if (!r)
        r = step_act(run, &obs, &a, out, err);
    return r ? r : step_ok(run, out, "drag:(%d,%d)->(%d,%d)", a.x, a.y, a.to_x, a.to_y);
}
