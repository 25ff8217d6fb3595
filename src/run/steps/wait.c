/*
 * wait.c - let time pass; a cancel ends it at once, a pause stands still in the middle of it (plans.md
 * 8.11).
 */
#include "run/steps/steps.h"

#include "run/pause.h"

#define MAX_WAIT_S 600

int step_wait(struct run *run, struct step_result *out, struct err *err)
{
    double s = json_num(run->step->params, "seconds", 1);
    s = s < 0 ? 0 : s > MAX_WAIT_S ? MAX_WAIT_S : s;
    int r = pause_wait(run, (int64_t)(s * 1000), err);
    return r ? r : step_ok(run, out, "wait:%g", s);
}
