/*
 * double_click.c - two clicks at one place; it counts as a click does (plans.md 8.11).
 */
#include "run/steps/steps.h"

int step_double_click(struct run *run, struct step_result *out, struct err *err)
{
    struct aim aim;
    bool found;
    int r = step_point(run, &aim, &found, out, err);
    if (r || !found)
        return r;
    struct action a = {
        .type = ACTION_DOUBLE_CLICK, .x = out->at.x, .y = out->at.y, .button = BUTTON_LEFT};
    r = step_act(run, &aim.obs, &a, out, err);
    return r ? r : step_ok(run, out, "double_click:%s@(%d,%d)", out->label, out->at.x, out->at.y);
}
