/*
 * other_click.c - clicks that are not the plain one: the menu of the right button (plans.md 8.6) and two
 * clicks at one place, which count as a click does (8.11). The browser's own menu is no part of the page, so
 * a page that shows nothing new does not make a right click a failure.
 */
#include "run/steps/steps.h"

static int click_at(struct run *run, const struct action *how, struct step_result *out, struct err *err)
{
    struct aim aim;
    bool found;
    int r = step_point(run, &aim, &found, out, err);
    if (r || !found)
        return r;
    struct action a = *how;
    a.x = out->at.x;
    a.y = out->at.y;
    r = step_act(run, &aim.obs, &a, out, err);
    return r ? r
             : step_ok(run, out, "%s:%s@(%d,%d)", run->step->type, out->label, out->at.x, out->at.y);
}

int step_right_click(struct run *run, struct step_result *out, struct err *err)
{
    struct action a = {.type = ACTION_CLICK, .button = BUTTON_RIGHT};
    return click_at(run, &a, out, err);
}

int step_double_click(struct run *run, struct step_result *out, struct err *err)
{
    struct action a = {.type = ACTION_DOUBLE_CLICK, .button = BUTTON_LEFT};
    return click_at(run, &a, out, err);
}
