/*
 * key_press.c - press one chord of keys (plans.md 8.11, names of agent-loop.md section 2).
 */
#include "run/steps/steps.h"

#include "run/look.h"

int step_key_press(struct run *run, struct step_result *out, struct err *err)
{
    struct observation obs;
    struct action a;
    int r = action_parse(run->step_pool, "key_press", run->step->params, &a, err);
    if (!r)
        r = run_look(run, &obs, err);
    if (!r)
        r = step_act(run, &obs, &a, out, err);
    return r ? r : step_ok(run, out, "key_press:%s", a.keys);
}
