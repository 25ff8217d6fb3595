#include "run/rules.h"

#include <string.h>

#define USED_UP 999999

/* Without a target: the start of the loop's section, never the loop itself (it would spin). A loop
 * that names no section belongs to the steps right before it. */
int flow_loop_start(const struct plan *plan, int i)
{
    const struct step *s = &plan->steps[i];
    if (s->loop_target >= 0 && s->loop_target < plan->n_steps && s->loop_target != i)
        return s->loop_target;
    if (i == 0)
        return i;
    const char *section = *s->section ? s->section : plan->steps[i - 1].section;
    int start = i;
    while (start > 0 && !strcmp(plan->steps[start - 1].section, section))
        start--;
    return start;
}

int flow_loop(struct run *run, int i)
{
    const struct step *s = &run->plan->steps[i];
    json_t *counters = run->progress.loop_counters;
    int start = flow_loop_start(run->plan, i), count = progress_counter(counters, i) + 1;
    bool stop = *s->stop_var && json_truthy(json_object_get(run->progress.state_vars, s->stop_var));
    if (!stop && count < step_loop_limit(s) && start != i) {
        progress_set_counter(counters, i, count);
        return start;
    }
    progress_set_counter(counters, i, 0); /* an outer loop may come by again */
    return i + 1;
}

int flow_if_else(struct run *run, int i, const char **ret_data)
{
    const struct step *s = &run->plan->steps[i];
    *ret_data = NULL;
    if (!*s->condition_var)
        return i + 1;
    bool yes = json_truthy(json_object_get(run->progress.state_vars, s->condition_var));
    int target = yes ? s->then_target : s->else_target;
    if (target < 0 || target >= run->plan->n_steps)
        return i + 1;
    *ret_data = pool_printf(run->step_pool, "if_else:%s=%s:branch=%s:target=%d", s->condition_var,
                            yes ? "True" : "False", yes ? "then" : "else", target);
    return target;
}

int flow_loop_around(const struct plan *plan, int i)
{
    for (int l = i + 1; l < plan->n_steps; l++)
        if (!strcmp(plan->steps[l].type, "loop") && flow_loop_start(plan, l) <= i)
            return l;
    return -1;
}

int flow_next(const struct plan *plan, int from, const char *type)
{
    for (int i = from + 1; i < plan->n_steps; i++)
        if (!strcmp(plan->steps[i].type, type))
            return i;
    return -1;
}

int flow_section_end(const struct plan *plan, int i)
{
    int end = i + 1;
    while (end < plan->n_steps && !strcmp(plan->steps[end].section, plan->steps[i].section))
        end++;
    return end;
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
