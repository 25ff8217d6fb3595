#include "run/helper.h"

#include <string.h>

#include "base/clock.h"
#include "base/str.h"
#include "brain/model/parts.h"
#include "core/cost.h"
#include "run/look.h"

#define JPEG_QUALITY 85
#define WAITS_MS     20000 /* between tries */

/* --- what is asked --------------------------------------------------------------------------- */

static int load_profile(struct run *run, const struct helper_call *call, struct profile *out,
                        struct err *err)
{
    const struct model_link *link = run->config->helper;
    const struct profile *file;
    int r = profile_load(run->step_pool, &link->dirs, HELPER_PROFILE, &file, err);
    if (r)
        return r;
    *out = *file;
    out->model = call->model;
    out->timeout_s = call->timeout_s;
    out->attempts = call->tries;
    out->format = link->picture ? PICTURE_JPEG : PICTURE_PNG;
    out->quality = JPEG_QUALITY;
    return 0;
}

/* *ret_seen: there is a picture. */
static int look(struct run *run, const struct profile *profile, struct model_frame *out,
                bool *ret_seen, struct err *err)
{
    const struct model_link *link = run->config->helper;
    struct observation obs;
    struct err why = {0};
    int r = run_observe(run, OBSERVE_PNG, &obs, err);
    int w = obs.frame.width, h = obs.frame.height;
    *ret_seen = false;
    if (r)
        return r;
    *out = (struct model_frame){obs.png, obs.png_len, w, h};
    if (link->picture && obs.frame.pixels)
        *ret_seen =
            !link->picture(link->picture_arg, run->step_pool, profile, &obs.frame, w, h, out, &why);
    else
        *ret_seen = obs.png != NULL;
    return 0;
}

static int fill_prompt(struct run *run, const struct helper_call *call, const char **out,
                       struct err *err)
{
    struct prompt prompt;
    int r = prompt_load(run->step_pool, &run->config->helper->dirs, call->prompt, &prompt, err);
    return r ? r : prompt_fill(run->step_pool, &prompt, call->values, call->n_values, out, err);
}

static void put_tool(json_t *body, const json_t *tool)
{
    const char *name = json_str(tool, "name", "");
    json_put(body, "tools",
             json_pack("[{s:s,s:s,s:{s:s},s:O}]", "name", name, "description",
                       json_str(tool, "description", ""), "cache_control", "type", "ephemeral",
                       "input_schema", json_object_get(tool, "parameters")));
    json_put(body, "tool_choice", json_pack("{s:s,s:s}", "type", "tool", "name", name));
}

/* --- asking ---------------------------------------------------------------------------------- */

static void count(struct run *run, const struct helper_call *call, const struct said *said)
{
    const struct token_use use = said_use(said);
    run_count_call(run, call->source, *said->model ? said->model : call->model, &use);
}

static int ask(struct run *run, const struct helper_call *call, struct said *out, struct err *err)
{
    const struct model_link *link = run->config->helper;
    struct profile profile;
    struct model_frame frame;
    const char *text;
    bool seen;
    int r = load_profile(run, call, &profile, err);
    r = r ? r : fill_prompt(run, call, &text, err);
    r = r ? r : look(run, &profile, &frame, &seen, err);
    if (r)
        return r;
    const struct model_server server = {.model = call->model};
    json_t *body = request_question(run->step_pool, &profile, &server, text, seen ? &frame : NULL,
                                    call->max_tokens);
    if (call->tool)
        put_tool(body, call->tool);
    int64_t longest_ms = (int64_t)call->tries * call->timeout_s * 1000 + WAITS_MS;
    r = model_ask(run->step_pool, link, &profile, body, clock_mono_ms() + longest_ms, out, err);
    if (!r)
        count(run, call, out);
    return r;
}

int helper_ask(struct run *run, const struct helper_call *call, struct said *out, struct err *err)
{
    struct err why = {0};
    if (!run->config->helper)
        return err_set(err, E_UNSUPPORTED, "no model helps this run");
    int r = ask(run, call, out, &why);
    if (!r)
        return 0;
    if (r != E_CANCELLED && r != E_GONE)
        run_event(run, call->source, "unanswered", json_pack("{s:s}", "model", call->model),
                  "%s: no answer: %s", call->source, why.msg);
    return err_set(err, r, "%s", why.msg);
}

const json_t *helper_answer(const struct said *said, const json_t *tool)
{
    for (int i = 0; i < said->n_calls; i++)
        if (!strcmp(said->calls[i].name, json_str(tool, "name", "")))
            return said->calls[i].arguments;
    return NULL;
}
