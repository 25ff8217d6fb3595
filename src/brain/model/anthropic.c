/*
 * anthropic.c - a turn as the body of POST /v1/messages. What stays the same is marked so that it
 * is kept there: the system text, the tools, the task.
 */
#include <string.h>

#include "base/str.h"
#include "brain/model/parts.h"

#define EPHEMERAL json_pack("{s:s}", "type", "ephemeral")

static json_t *text_block(const char *text)
{
    json_t *block = json_object();
    json_put_str(block, "type", "text");
    json_put(block, "text", json_string_safe(text));
    return block;
}

static json_t *kept(json_t *block)
{
    json_put(block, "cache_control", EPHEMERAL);
    return block;
}

static json_t *image_block(const struct parts *p, const struct model_frame *frame)
{
    return json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "image", "source", "type", "base64",
                     "media_type", parts_media_type(p->profile), "data",
                     parts_base64(p->pool, frame));
}

static void push_frame(const struct parts *p, json_t *content, const struct model_frame *frame,
                       const char *label, bool shown)
{
    json_push(content, text_block(shown ? label : pool_printf(p->pool, "%s (left out)", label)));
    if (shown)
        json_push(content, image_block(p, frame));
}

static void push_zoom(const struct parts *p, json_t *content)
{
    if (p->turn->zoom)
        push_frame(p, content, p->turn->zoom, parts_zoom_label(p), true);
}

static json_t *user_content(const struct parts *p)
{
    json_t *content = json_array();
    if (*p->before)
        json_push(content, kept(text_block(p->before)));
    for (int i = 0; i < p->turn->n_frames; i++)
        push_frame(p, content, &p->turn->frames[i], parts_label(p, i), i >= p->first_frame);
    push_zoom(p, content);
    json_push(content, text_block(p->after));
    return content;
}

/* --- a conversation ------------------------------------------------------------------------------
 */

static void push_message(json_t *list, const char *role, json_t *content)
{
    json_push(list, json_pack("{s:s,s:o}", "role", role, "content", content));
}

/* What came of a step, and the screen behind it; the last one's is the current screen. */
static json_t *seen(const struct parts *p, int i)
{
    const struct model_turn *t = p->turn;
    const struct model_exchange *e = &t->exchanges[i];
    int back = t->n_exchanges - 1 - i;
    int frames = request_frames(p->profile, t);
    json_t *blocks = json_array();
    json_push(blocks, text_block(str_empty(e->result) ? "done" : e->result));
    if (back)
        push_frame(p, blocks, e->frame, pool_printf(p->pool, "[Frame t-%d]", back),
                   e->frame && back < frames);
    else if (t->n_frames)
        push_frame(p, blocks, &t->frames[t->n_frames - 1], "[Frame CURRENT]", true);
    if (!back)
        push_zoom(p, blocks);
    return blocks;
}

static json_t *tool_result(const json_t *call, json_t *content)
{
    return json_pack("{s:s,s:s,s:o}", "type", "tool_result", "tool_use_id",
                     json_str(call, "id", ""), "content", content);
}

/* Every call must be answered; only the first was carried out. Words without a call are answered by
 * what is seen alone. */
static json_t *outcome(const struct parts *p, int i)
{
    json_t *content = json_array(), *blocks = seen(p, i), *block;
    bool answered = false;
    size_t k;
    json_array_foreach ((json_t *)p->turn->exchanges[i].content, k, block) {
        if (strcmp(json_str(block, "type", ""), "tool_use"))
            continue;
        json_push(content,
                  tool_result(block, answered ? json_string("not carried out: one action at a time")
                                              : json_incref(blocks)));
        answered = true;
    }
    if (!answered)
        json_array_extend(content, blocks);
    json_decref(blocks);
    if (i == p->turn->n_exchanges - 1)
        json_push(content, text_block(p->after));
    return content;
}

static json_t *conversation(const struct parts *p)
{
    int n = p->turn->n_exchanges, first = n > p->profile->exchanges ? n - p->profile->exchanges : 0;
    json_t *list = json_array(), *opening = json_array();
    json_push(opening, *p->before ? kept(text_block(p->before)) : text_block("The task goes on."));
    push_message(list, "user", opening);
    for (int i = first; i < n; i++) {
        push_message(list, "assistant", json_incref((json_t *)p->turn->exchanges[i].content));
        push_message(list, "user", outcome(p, i));
    }
    return list;
}

static json_t *messages(const struct parts *p)
{
    if (p->turn->n_exchanges && p->profile->exchanges)
        return conversation(p);
    json_t *list = json_array();
    push_message(list, "user", user_content(p));
    return list;
}

/* --- the body ------------------------------------------------------------------------------------
 */

static void add_tools(json_t *to, const json_t *tools)
{
    size_t i;
    json_t *tool;
    json_array_foreach ((json_t *)tools, i, tool) {
        json_t *own = json_object();
        json_put(own, "name", json_incref(json_object_get(tool, "name")));
        json_put_str(own, "description", json_str(tool, "description", ""));
        json_put(own, "input_schema", json_incref(json_object_get(tool, "parameters")));
        json_push(to, own);
    }
}

static void put_tools(const struct parts *p, json_t *body)
{
    json_t *tools = json_array();
    if (*p->profile->computer_tool)
        json_push(tools, json_pack("{s:s,s:s,s:i,s:i,s:i}", "type", p->profile->computer_tool,
                                   "name", "computer", "display_width_px", p->image_w,
                                   "display_height_px", p->image_h, "display_number", 1));
    add_tools(tools, p->profile->tools);
    add_tools(tools, p->turn->host_tools);
    if (json_array_size(tools))
        kept(json_array_get(tools, json_array_size(tools) - 1));
    json_put(body, "tools", tools);
}

static json_t *begin_body(const struct parts *p, int max_tokens)
{
    json_t *body = json_object();
    json_put_str(body, "model", p->server->model ? p->server->model : p->profile->model);
    json_put_int(body, "max_tokens", max_tokens);
    return body;
}

json_t *anthropic_body(const struct parts *p)
{
    const struct profile *profile = p->profile;
    json_t *body = begin_body(p, profile->max_tokens), *system = json_array();
    json_push(system, kept(text_block(p->system)));
    json_put(body, "system", system);
    if (profile->temperature >= 0)
        json_put_num(body, "temperature", profile->temperature);
    if (profile->thinking && profile->thinking_budget > 0)
        json_put(
            body, "thinking",
            json_pack("{s:s,s:i}", "type", "enabled", "budget_tokens", profile->thinking_budget));
    if (parts_tools(p))
        put_tools(p, body);
    json_put(body, "messages", messages(p));
    return body;
}

json_t *anthropic_question(const struct parts *p, const char *question,
                           const struct model_frame *frame, int max_tokens)
{
    json_t *body = begin_body(p, max_tokens), *content = json_array(), *list = json_array();
    if (frame)
        json_push(content, image_block(p, frame));
    json_push(content, text_block(question));
    push_message(list, "user", content);
    json_put(body, "messages", list);
    return body;
}
