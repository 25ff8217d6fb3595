/*
 * wait.c - let time pass; a cancel ends it at once, a pause stands still in the middle of it (plans.md
 * 8.11).
 */
#include "run/steps/steps.h"

#include "base/clock.h"
#include "run/pause.h"

#define MAX_WAIT_S 600

int step_wait(struct run *run, struct step_result *out, struct err *err)
{
    double s = json_num(run->step->params, "seconds", 1);
    s = s < 0 ? 0 : s > MAX_WAIT_S ? MAX_WAIT_S : s;
    int64_t end = clock_mono_ms() + (int64_t)(s * 1000);
    while (run->stop == RUN_STOP_NONE) {
        int r = loop_wait(run->loop, pause_wanted, run, end);
        if (r == E_TIMEOUT)
            break;
        if (r)
            return err_set(err, r, "wait: interrupted");
        int64_t since = clock_mono_ms();
        r = pause_here(run, err);
        if (r)
            return r;
        end += clock_mono_ms() - since;
    }
    if (run->stop != RUN_STOP_NONE)
        return err_set(err, E_CANCELLED, "wait: interrupted");
    return step_ok(run, out, "wait:%g", s);
}
