/*
 * detect_visible.c - ask whether the screen shows something, for guards and branches
 * (plans.md 8.11). "No" is an answer. A question that nothing on the page decides was not answered:
 * the variable is false and the step says why.
 */
#include "run/steps/steps.h"

#include "base/str.h"
#include "run/look.h"

#define REASON_BYTES 200

int step_detect_visible(struct run *run, struct step_result *out, struct err *err)
{
    const char *var = run->step->out_var;
    struct verdict v = {.answer = ANSWER_UNKNOWN, .reason = ""};
    if (!*var) {
        out->skip = true;
        out->skip_reason = "detect_visible_no_out_var";
        return step_fail(run, out, "", "detect_visible_no_out_var");
    }
    json_put_bool(run->progress.state_vars, var, false);
    int r = run_ask(run, run->step->intent, &v, err);
    if (r)
        return r;
    run_event(run, "reader", "detect_visible",
              json_pack("{s:s,s:b,s:o}", "var", var, "value", v.answer == ANSWER_YES, "reason",
                        json_string_safe(v.reason)),
              "%s is %s: %s", var, v.answer == ANSWER_YES ? "true" : "false", v.reason);
    if (v.answer == ANSWER_UNKNOWN)
        return step_fail(run, out, "extractor_error", "detect_visible:%s=False:not decided: %s",
                         var, str_cut(run->step_pool, v.reason, REASON_BYTES));
    json_put_bool(run->progress.state_vars, var, v.answer == ANSWER_YES);
    return step_ok(run, out, "detect_visible:%s=%s", var,
                   v.answer == ANSWER_YES ? "True" : "False");
}
