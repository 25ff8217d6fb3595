/*
 * tool_call.c - call a function of the host (plans.md 8.11, agent-loop.md section 19).
 */
#include "run/steps/steps.h"

#include "run/tools.h"

int step_tool_call(struct run *run, struct step_result *out, struct err *err)
{
    const json_t *params = run->step->params, *args = json_object_get(params, "args");
    const char *name = json_str(params, "name", json_str(params, "tool", "")), *text;
    struct tool_reply reply;
    bool ok;
    if (!args)
        args = json_object_get(params, "arguments");
    int r = tool_call(run, name, args, &reply, &text, &ok, err);
    if (r)
        return r;
    if (!ok)
        return step_fail(run, out, "tool_failed", "%s", text);
    if (reply.prompt) {
        out->prompt = reply.prompt;
        out->pause_reason = reply.pause_reason ? reply.pause_reason : "user_input";
    }
    return step_ok(run, out, "%s", text);
}
