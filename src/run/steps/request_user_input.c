/*
 * request_user_input.c - ask a person (plans.md 9.5). The step is done with the question; the run stands
 * still behind it until the answer comes. The same is a host tool (agent-loop.md section 19).
 */
#include "run/pause.h"
#include "run/steps/steps.h"
#include "run/tools.h"

#define DEFAULT_REASON "user_input"

int step_request_user_input(struct run *run, struct step_result *out, struct err *err)
{
    const json_t *params = run->step->params;
    const char *prompt = json_str(params, "prompt", run->step->intent);
    const char *reason = json_str(params, "reason", DEFAULT_REASON);
    if (!pause_can_ask(run)) {
        out->skip = true;
        out->skip_reason = "request_user_input_no_host_tool";
        return step_fail(run, out, "", "request_user_input_no_host_tool");
    }
    if (pause_known(run, prompt, reason))
        return step_ok(run, out, "request_user_input:answered");
    out->prompt = prompt;
    out->pause_reason = reason;
    return step_ok(run, out, "request_user_input:paused");
}

/* The first call pauses; the one after the resume has the answer. */
static int ask(struct run *run, const json_t *args, struct tool_reply *out, struct err *err)
{
    const char *prompt = json_str(args, "prompt", "");
    if (!pause_can_ask(run))
        return err_set(err, E_UNSUPPORTED, "nobody is there to be asked");
    if (pause_known(run, prompt, DEFAULT_REASON))
        out->value = pause_answer(run);
    else
        out->prompt = prompt;
    return 0;
}

const struct tool tool_request_user_input = {
    "request_user_input", "Ask a person for something that only they know, such as a code; the answer comes back.",
    "{\"type\":\"object\",\"properties\":{\"prompt\":{\"type\":\"string\"}},\"required\":[\"prompt\"]}", ask};
