/*
 * hand.c - one input at one place, and whether the page shows it.
 */
#include "run/steps/steps.h"

#include "run/effect.h"
#include "run/look.h"

int step_act(struct run *run, const struct observation *before, const struct action *action,
             struct step_result *out, struct err *err)
{
    struct effect effect;
    struct observation after;
    struct snapshot now;
    struct settled s = {0};
    int r = effect_begin(run, before, &effect, err);
    if (!r)
        r = run_act(run, action, CAP_CLICK_MS, &s, err);
    if (!r)
        r = run_look(run, &after, err);
    if (r)
        return r;
    bool changed = settled_tells(&s);
    if (!changed) {
        snapshot_take(run->step_pool, &after, &now);
        changed = snapshot_moved(&effect.before, &now);
    }
    r = changed ? 0 : effect_seen(run, &effect, &after, &changed, err);
    out->verified_change = changed;
    return r;
}

int step_point(struct run *run, struct aim *out, bool *ret_found, struct step_result *result,
               struct err *err)
{
    struct action at;
    if (action_parse(run->step_pool, "move", run->step->params, &at, NULL))
        return step_aim(run, TARGET_THING, 0, out, ret_found, result, err);
    *ret_found = true;
    result->at = (struct point){at.x, at.y};
    result->label = step_label(run);
    out->target = (struct target){
        .at = result->at, .label = result->label, .tag = "", .role = "", .node = -1};
    return run_look(run, &out->obs, err);
}
