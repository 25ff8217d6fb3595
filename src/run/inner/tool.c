/*
 * tool.c - a brain calls a tool of the host: nothing is done to the computer, and the answer is
 * what it is told of its turn (agent-loop.md 1.2 and 19).
 */
#include "run/inner/priv.h"

#include "base/str.h"
#include "run/pause.h"
#include "run/tools.h"

json_t *inner_tools(struct inner *in)
{
    json_t *list = json_array();
    for (const struct tool *const *t = in->run->config->tools; t && *t; t++)
        json_push(list, json_pack("{s:s,s:s,s:o}", "name", (*t)->name, "description", (*t)->about,
                                  "parameters", json_loads((*t)->schema, 0, NULL)));
    bool offered = json_array_size(list) && (brain_abilities(in->run->brain) & BRAIN_CALLS_TOOLS);
    json_keep(in->run->step_pool, list);
    return offered ? list : NULL;
}

/* A question to a person: the run stands still here, with its browser, until the answer is there.
 */
static int stand(struct inner *in, const struct tool_reply *asked, struct err *err)
{
    struct run *run = in->run;
    bool stood;
    pause_ask(run, asked->prompt, asked->pause_reason ? asked->pause_reason : "user_input");
    int r = pause_between(run, &stood, err);
    if (r)
        return r;
    run->progress.asked = false;
    inner_forget(&in->now);
    return inner_see(in, &in->now, err);
}

int inner_call_tool(struct inner *in, const struct brain_reply *reply,
                    const struct turn_words *words, struct err *err)
{
    struct run *run = in->run;
    struct tool_reply answer;
    const char *text, *name = pool_strdup(run->step_pool, reply->tool);
    bool ok;
    int r = tool_call(run, name, words->tool_args, &answer, &text, &ok, err);
    if (!r && ok && answer.prompt) {
        r = stand(in, &answer, err);
        const char *said = r ? NULL : pause_answer(run);
        text = pool_printf(run->step_pool, "tool:%s:ok:%s", name, said ? said : "");
    }
    if (!r)
        inner_write_tool(in, words, text);
    return r;
}
