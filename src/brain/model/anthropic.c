/*
 * anthropic.c - a turn as the body of POST /v1/messages. What stays the same is marked so that it
 * is kept there: the system text, the tools, the task.
 */
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

static json_t *user_content(const struct parts *p)
{
    json_t *content = json_array();
    if (*p->before)
        json_push(content, kept(text_block(p->before)));
    for (int i = 0; i < p->turn->n_frames; i++) {
        bool shown = i >= p->first_frame;
        const char *label = parts_label(p, i);
        json_push(content,
                  text_block(shown ? label : pool_printf(p->pool, "%s (left out)", label)));
        if (shown)
            json_push(content, image_block(p, &p->turn->frames[i]));
    }
    json_push(content, text_block(p->after));
    return content;
}

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

static json_t *user_message(json_t *content)
{
    json_t *list = json_array();
    json_push(list, json_pack("{s:s,s:o}", "role", "user", "content", content));
    return list;
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
    json_put(body, "messages", user_message(user_content(p)));
    return body;
}

json_t *anthropic_question(const struct parts *p, const char *question,
                           const struct model_frame *frame, int max_tokens)
{
    json_t *body = begin_body(p, max_tokens), *content = json_array();
    if (frame)
        json_push(content, image_block(p, frame));
    json_push(content, text_block(question));
    json_put(body, "messages", user_message(content));
    return body;
}
