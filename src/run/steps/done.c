/*
 * done.c - the plan says that it is over (plans.md 8.11): the steps behind it are not carried out.
 * A done with a success criterion holds only when the page shows it.
 */
#include "run/steps/steps.h"

#include "run/look.h"

int step_done(struct run *run, struct step_result *out, struct err *err)
{
    const char *summary = json_str(run->step->params, "summary", run->step->intent);
    struct action said;
    struct verdict v = {.answer = ANSWER_YES};
    out->outcome = OUTCOME_DONE;
    int r = action_parse(run->step_pool, "done", run->step->params, &said, err);
    if (!r && !said.success)
        return step_fail(run, out, "done_failed", "done_failed:%s", summary);
    if (!r && *run->step->verify)
        r = run_ask(run, run->step->verify, &v, err);
    if (r)
        return r;
    if (v.answer != ANSWER_YES)
        return step_fail(run, out, "done_failed", "done_failed:%s: %s", summary, v.reason);
    return step_ok(run, out, "done:%s", summary);
}
