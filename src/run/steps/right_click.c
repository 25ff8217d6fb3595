/*
 * right_click.c - the menu of the right button (plans.md 8.6). The browser's own menu is no part of
 * the page, so a page that shows nothing new does not make it a failure.
 */
#include "run/steps/steps.h"

int step_right_click(struct run *run, struct step_result *out, struct err *err)
{
    struct aim aim;
    bool found;
    int r = step_point(run, &aim, &found, out, err);
    if (r || !found)
        return r;
    struct action a = {
        .type = ACTION_CLICK, .x = out->at.x, .y = out->at.y, .button = BUTTON_RIGHT};
    r = step_act(run, &aim.obs, &a, out, err);
    return r ? r : step_ok(run, out, "right_click:%s@(%d,%d)", out->label, out->at.x, out->at.y);
}
