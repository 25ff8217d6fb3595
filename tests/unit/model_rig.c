#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "unit/model_rig.h"

struct profile_dirs rig_dirs(void)
{
    return (struct profile_dirs){.share = getenv("MANTIS_SOURCE_ROOT")};
}

const struct profile *rig_profile(struct pool *pool, const char *name)
{
    struct profile_dirs dirs = rig_dirs();
    const struct profile *profile;
    struct err err = {0};
    if (profile_load(pool, &dirs, name, &profile, &err))
        fail_msg("%s", err.msg);
    return profile;
}

/* --- actions --------------------------------------------------------------------------------- */

static const char *click_words(struct pool *pool, const struct action *a)
{
    static const char *const buttons[] = {
        [BUTTON_LEFT] = "click", [BUTTON_MIDDLE] = "middle_click", [BUTTON_RIGHT] = "right_click"};
    const char *out = pool_printf(pool, "%s %d,%d", buttons[a->button], a->x, a->y);
    out = a->clicks > 1 ? pool_printf(pool, "%s %d times", out, a->clicks) : out;
    return a->keys ? pool_printf(pool, "%s with %s", out, a->keys) : out;
}

static const char *scroll_words(struct pool *pool, const struct action *a)
{
    int n = a->dx ? a->dx : a->dy;
    const char *way = a->dx ? n < 0 ? "left" : "right" : n < 0 ? "up" : "down";
    const char *out = pool_printf(pool, "scroll %s %d", way, abs(n));
    return a->x < 0 ? out : pool_printf(pool, "%s at %d,%d", out, a->x, a->y);
}

const char *rig_words(struct pool *pool, const struct action *a)
{
    switch (a->type) {
    case ACTION_CLICK:
        return click_words(pool, a);
    case ACTION_SCROLL:
        return scroll_words(pool, a);
    case ACTION_DOUBLE_CLICK:
    case ACTION_MOVE:
        return pool_printf(pool, "%s %d,%d", action_type_name(a->type), a->x, a->y);
    case ACTION_DRAG:
        return pool_printf(pool, "drag %d,%d to %d,%d", a->x, a->y, a->to_x, a->to_y);
    case ACTION_TYPE_TEXT:
        return pool_printf(pool, "type %s%s%s", a->text, a->clear_first ? " (clear)" : "",
                           a->press_enter ? " (enter)" : "");
    case ACTION_KEY_PRESS:
        return pool_printf(pool, "key %s", a->keys);
    case ACTION_DONE:
        return pool_printf(pool, "done %s: %s", a->success ? "true" : "false", a->summary);
    case ACTION_WAIT:
        return pool_printf(pool, "wait %g%s%s%s", a->seconds, a->unparsed ? " unread" : "",
                           a->fact ? " fact " : "", a->fact ? a->fact : "");
    }
    return "?";
}

/* --- answers --------------------------------------------------------------------------------- */

static json_t *openai_answer(const char *text, const char *thinking, const char *tool,
                             const char *args)
{
    json_t *message = json_pack("{s:s,s:s?,s:s}", "role", "assistant", "content", text,
                                "reasoning_content", thinking ? thinking : "");
    if (tool)
        json_put(message, "tool_calls",
                 json_pack("[{s:s,s:{s:s,s:s}}]", "type", "function", "function", "name", tool,
                           "arguments", args));
    return json_pack("{s:s,s:[{s:o,s:s}],s:{s:i,s:i}}", "model", "m", "choices", "message", message,
                     "finish_reason", "stop", "usage", "prompt_tokens", 100, "completion_tokens",
                     20);
}

static json_t *anthropic_answer(const char *text, const char *thinking, const char *tool,
                                const char *args)
{
    json_t *content = json_array();
    if (thinking)
        json_push(content, json_pack("{s:s,s:s}", "type", "thinking", "thinking", thinking));
    if (text)
        json_push(content, json_pack("{s:s,s:s}", "type", "text", "text", text));
    if (tool)
        json_push(content, json_pack("{s:s,s:s,s:o}", "type", "tool_use", "name", tool, "input",
                                     json_loads(args, JSON_DECODE_ANY, NULL)));
    return json_pack("{s:s,s:o,s:s,s:{s:i,s:i,s:i}}", "model", "m", "content", content,
                     "stop_reason", "tool_use", "usage", "input_tokens", 100, "output_tokens", 20,
                     "cache_read_input_tokens", 50);
}

json_t *rig_answer(struct pool *pool, const struct profile *profile, const char *text,
                   const char *thinking, const char *tool, const char *args)
{
    json_t *body = profile->api == API_ANTHROPIC_MESSAGES
                       ? anthropic_answer(text, thinking, tool, args)
                       : openai_answer(text, thinking, tool, args);
    assert_non_null(body);
    return json_keep(pool, body);
}
