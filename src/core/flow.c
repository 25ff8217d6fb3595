#include "core/flow.h"

#include <string.h>

#include "base/caps.h"

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

int flow_loop_next(const struct plan *plan, int i, bool stop, int *counter)
{
    int start = flow_loop_start(plan, i), count = *counter + 1;
    if (!stop && count < step_loop_limit(&plan->steps[i]) && start != i) {
        *counter = count;
        return start;
    }
    *counter = 0; /* an outer loop may come by again */
    return i + 1;
}

int flow_branch(const struct plan *plan, int i, bool yes)
{
    int target = yes ? plan->steps[i].then_target : plan->steps[i].else_target;
    return target < plan->n_steps ? target : -1;
}

bool flow_branch_stuck(int i, int target, int *counter)
{
    bool back = target <= i, stuck = back && *counter >= CAP_BRANCHES_BACK;
    *counter = back && !stuck ? *counter + 1 : 0;
    return stuck;
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
