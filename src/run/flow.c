#include "run/rules.h"

#include <string.h>

#include "base/caps.h"

#define USED_UP 999999

int flow_loop(struct run *run, int i)
{
    const struct step *s = &run->plan->steps[i];
    json_t *counters = run->progress.loop_counters;
    int count = progress_counter(counters, i);
    bool stop = *s->stop_var && json_truthy(json_object_get(run->progress.state_vars, s->stop_var));
    int to = flow_loop_next(run->plan, i, stop, &count);
    progress_set_counter(counters, i, count);
    return to;
}

static bool led_back_too_often(struct run *run, int i, int target)
{
    json_t *counters = run->progress.loop_counters;
    int count = progress_counter(counters, i);
    bool stuck = flow_branch_stuck(i, target, &count);
    progress_set_counter(counters, i, count);
    return stuck;
}

int flow_if_else(struct run *run, int i, const char **ret_data)
{
    const struct step *s = &run->plan->steps[i];
    *ret_data = NULL;
    if (!*s->condition_var)
        return i + 1;
    bool yes = json_truthy(json_object_get(run->progress.state_vars, s->condition_var));
    int target = flow_branch(run->plan, i, yes);
    if (target < 0)
        return i + 1;
    const char *value = yes ? "True" : "False";
    if (led_back_too_often(run, i, target)) {
        *ret_data = pool_printf(run->step_pool,
                                "loop_stuck: the if_else at step[%d] led back to step[%d] %d times, and "
                                "'%s' is still %s",
                                i, target, CAP_BRANCHES_BACK, s->condition_var, value);
        return -1;
    }
    *ret_data = pool_printf(run->step_pool, "if_else:%s=%s:branch=%s:target=%d", s->condition_var,
                            value, yes ? "then" : "else", target);
    return target;
}

void flow_after_paginate(struct run *run, int i, bool success)
{
    const struct plan *plan = run->plan;
    json_t *counters = run->progress.loop_counters;
    int outer = flow_loop_around(plan, i);
    int from = outer < 0 ? 0 : flow_loop_start(plan, outer), to = outer < 0 ? plan->n_steps : outer;
    for (int l = 0; l < plan->n_steps; l++) {
        if (strcmp(plan->steps[l].type, "loop"))
            continue;
        if (!success && flow_loop_start(plan, l) <= i)
            progress_set_counter(counters, l, USED_UP); /* not the loops that are still to come */
        else if (!success)
            continue;
        else if (l >= from && l < to && !(l > i && flow_loop_start(plan, l) <= i))
            progress_set_counter(counters, l, 0);
    }
}
