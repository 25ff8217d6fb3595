/*
 * sub_goal.c - steps that say what to reach and leave the how to the brain (plans.md 8.11).
 */
#include "run/steps/steps.h"

#include "base/str.h"
#include "run/look.h"
#include "run/subgoal.h"

int step_holo3(struct run *run, struct step_result *out, struct err *err)
{
    out->backend = "vision";
    return subgoal_run(run, run->step->intent, subgoal_budget(run, run->step->budget), out, err);
}

/* With a schema it reads; a question about the screen is answered; the rest is done. */
int step_claude(struct run *run, struct step_result *out, struct err *err)
{
    struct verdict v = {.answer = ANSWER_UNKNOWN};
    if (json_object_size(run->step->extract))
        return step_extract_data(run, out, err);
    int r = str_ends(run->step->intent, "?") ? run_ask(run, run->step->intent, &v, err) : 0;
    if (r)
        return r;
    if (v.answer != ANSWER_UNKNOWN)
        return step_ok(run, out, "%s: %s", v.answer == ANSWER_YES ? "yes" : "no", v.reason);
    return step_holo3(run, out, err);
}
