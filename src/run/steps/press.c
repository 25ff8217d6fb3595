/*
 * press.c - click a thing and see whether it was hit (plans.md 8.5).
 *
 * A submit that was sent must not be sent twice, so it is pressed again only on evidence that the
 * first click cannot have reached it: it stands elsewhere now and has no focus, which a click on it
 * would have given. Return is pressed only in a one-line field, where it means submit. A link that
 * did nothing may be walked to by keys.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/effect.h"
#include "run/inner/perceptual.h"
#include "run/look.h"
#include "run/toggle.h"

#define ONE_LINE_PX 44 /* taller than this, a link or label may have wrapped */
#define CHASE_TRIES 3  /* a button that jumps aside */
#define TAB_TRIES   40
#define PLACE_PX    80 /* around a click on pixels */

struct press {
    const struct aim *aim;
    const struct effect *effect;
    struct target_query query;
    struct observation after;
    bool changed, moved, navigated;
};

/* A submit must show in the page; of a click, a field that got the focus is an effect too. A form
 * that refuses to be sent also moves the focus. */
static int look_after(struct run *run, struct press *p, const struct settled *s,
                      const struct step_result *out, struct err *err)
{
    struct snapshot now;
    int r = run_look(run, &p->after, err);
    if (r)
        return r;
    p->navigated = p->navigated || s->url_changed || s->new_tab || s->navigated;
    p->changed = p->navigated || settled_tells(s);
    if (p->changed)
        return 0;
    snapshot_take(run->step_pool, &p->after, &now);
    p->moved = snapshot_moved(&p->effect->before, &now);
    p->changed = !out->effect_key && p->moved;
    if (!p->changed)
        r = effect_seen(run, p->effect, &p->after, &p->changed, err);
    return r || p->changed ? r : toggle_seen(run, p->aim, &p->after, &p->changed, err);
}

static int click_and_look(struct run *run, struct press *p, const struct step_result *out,
                          struct err *err)
{
    struct settled s = {0};
    int r = run_click(run, out->at, BUTTON_LEFT, &s, err);
    return r ? r : look_after(run, p, &s, out, err);
}

/* Where the thing is now; false when it is gone, or what it is cannot be told. */
static bool find_again(struct run *run, const struct press *p, struct target *out)
{
    struct err none = {0};
    return p->after.page &&
           reader_find(run->reader, run->step_pool, &p->after, &p->query, out, &none) == 0 &&
           out->node >= 0;
}

static bool takes_focus(const struct node *n)
{
    static const char *const tags[] = {"button", "input", "select", "textarea"};
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (!strcmp(tags[i], n->tag))
            return true;
    return *n->href || node_attr(n, "tabindex");
}

/* It was not there when the click came. */
static bool cannot_have_hit(struct run *run, const struct press *p, struct point at)
{
    struct target now;
    if (!find_again(run, p, &now))
        return false;
    const struct node *n = &p->after.page->nodes[now.node];
    return takes_focus(n) && !(n->flags & NODE_FOCUSED) && !rect_contains(now.box, at.x, at.y);
}

static int chase(struct run *run, struct press *p, struct step_result *out, struct err *err)
{
    int r = 0;
    for (int i = 0; !r && !p->changed && i < CHASE_TRIES && cannot_have_hit(run, p, out->at); i++) {
        struct observation obs;
        struct target now;
        r = run_bring_query(run, &p->query, &obs, &now, err);
        if (r)
            return r;
        run_event(run, "runner", "target_moved",
                  json_pack("{s:i,s:i,s:i,s:i}", "x", out->at.x, "y", out->at.y, "to_x", now.at.x,
                            "to_y", now.at.y),
                  "'%s' moved away before the click", out->label);
        out->at = now.at;
        r = click_and_look(run, p, out, err);
    }
    return r;
}

/* The click took no focus and changed nothing, and the caret still stands in a one-line field:
 * there Return means submit. Anywhere else it could submit twice. */
static bool return_may_help(const struct observation *obs)
{
    const struct node *n = look_focused(obs);
    return n && !strcmp(n->tag, "input");
}

/* What can be done about a click without effect: a submit may only be confirmed in its own field, a
 * plain click may aim better. */
static int press_again(struct run *run, struct press *p, struct step_result *out, struct err *err)
{
    struct settled none = {0};
    if (!out->effect_key && p->aim->target.box.h > ONE_LINE_PX) {
        out->at = run_first_line(&p->aim->target);
        return click_and_look(run, p, out, err);
    }
    if (!out->effect_key || p->moved || !return_may_help(&p->after))
        return 0;
    int r = run_key(run, "Return", CAP_CLICK_MS, err);
    return r ? r : look_after(run, p, &none, out, err);
}

static bool is_link(const struct step *step)
{
    static const char *const kinds[] = {"nav_link", "row_link", "cell_link"};
    const char *kind = json_str(step->params, "kind", "");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        if (!strcmp(kinds[i], kind))
            return true;
    return false;
}

/* Opening a link twice does no harm. */
static int walk_to_link(struct run *run, struct press *p, const struct step_result *out,
                        struct err *err)
{
    struct settled none = {0};
    struct target now;
    int r = 0;
    for (int i = 0; !r && i < TAB_TRIES && find_again(run, p, &now); i++) {
        if (p->after.page->nodes[now.node].flags & NODE_FOCUSED) {
            r = run_key(run, "Return", CAP_CLICK_MS, err);
            return r ? r : look_after(run, p, &none, out, err);
        }
        r = run_key(run, "Tab", CAP_SCROLL_MS, err);
        if (!r)
            r = run_look(run, &p->after, err);
    }
    return r;
}

/* agent-loop.md 8.2: what a weighty press showed on the screen, for whoever reads the history. */
static void tell_effect(struct run *run, const struct press *p, const struct step_result *out)
{
    struct perceptual seen;
    struct action a = {
        .type = ACTION_CLICK, .x = out->at.x, .y = out->at.y, .reasoning = out->label};
    if (!perceptual_risky(&a, NULL, run->step->intent) ||
        !perceptual_compare(&p->aim->obs.frame, &p->after.frame, &out->at, &seen))
        return;
    run_event(run, "runner", "perceptual",
              json_pack("{s:b,s:b,s:s}", "checked", 1, "no_effect",
                        !seen.global_changed && !seen.region_changed, "reason", seen.reason),
              "'%s' was pressed: %s", out->label, seen.reason);
}

/* What is pressed shows it, mostly; what a slow page paints elsewhere comes of nothing that was pressed. */
static bool is_untouched(const struct press *p, struct point at)
{
    const struct frame *was = &p->aim->obs.frame, *is = &p->after.frame;
    const struct rect around = {at.x - PLACE_PX / 2, at.y - PLACE_PX / 2, PLACE_PX, PLACE_PX};
    return !p->after.page && was->pixels && is->pixels &&
           frame_difference_in(was, is, &around) == 0;
}

int step_press(struct run *run, enum target_kind kind, const struct aim *aim,
               const struct effect *effect, struct step_result *out, struct err *err)
{
    struct press p = {.aim = aim, .effect = effect, .query = step_query(run, kind)};
    int r = click_and_look(run, &p, out, err);
    if (!r && !p.changed)
        r = chase(run, &p, out, err);
    if (!r && !p.changed)
        r = press_again(run, &p, out, err);
    if (!r && !p.changed && is_link(run->step))
        r = walk_to_link(run, &p, out, err);
    if (!r)
        tell_effect(run, &p, out);
    out->verified_change = p.changed;
    out->navigated = p.navigated;
    out->untouched = !r && is_untouched(&p, out->at);
    return r;
}
