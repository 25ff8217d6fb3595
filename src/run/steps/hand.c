/*
 * hand.c - one input at one place, and whether the page shows it.
 */
#include "run/steps/steps.h"

#include "run/effect.h"
#include "run/journal.h"
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
        r = journal_announce(run, before, out, err);
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

/* params.offset: so many pixels right of and below the corner of what the label names. What is there is a
 * place, not that thing: something painted, say. */
static void move_aside(struct run *run, struct aim *aim, struct step_result *result)
{
    const json_t *offset = json_object_get(run->step->params, "offset");
    if (!json_is_object(offset))
        return;
    struct target *t = &aim->target;
    t->at.x = t->box.x + (int)json_num(offset, "x", 0);
    t->at.y = t->box.y + (int)json_num(offset, "y", 0);
    t->node = -1;
    result->at = t->at;
}

bool step_names_place(const struct step *step)
{
    return json_is_number(json_object_get(step->params, "x")) ||
           json_is_object(json_object_get(step->params, "offset"));
}

int step_point(struct run *run, struct aim *out, bool *ret_found, struct step_result *result,
               struct err *err)
{
    struct action at;
    if (action_parse(run->step_pool, "move", run->step->params, &at, NULL))
    {
        int r = step_aim(run, TARGET_THING, 0, out, ret_found, result, err);
        if (!r && *ret_found)
            move_aside(run, out, result);
        return r;
    }
    *ret_found = true;
    result->at = (struct point){at.x, at.y};
    result->label = step_label(run);
    out->target = (struct target){
        .at = result->at, .label = result->label, .tag = "", .role = "", .node = -1};
    return run_look(run, &out->obs, err);
}
