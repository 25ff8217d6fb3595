/*
 * openai.c - a turn as the body of POST /chat/completions.
 */
#include <string.h>

#include "base/str.h"
#include "brain/model/parts.h"

static json_t *text_part(const char *text)
{
    json_t *part = json_object();
    json_put_str(part, "type", "text");
    json_put(part, "text", json_string_safe(text));
    return part;
}

static json_t *image_part(const struct parts *p, const struct model_frame *frame)
{
    json_t *part = json_object(), *url = json_object();
    json_put_str(url, "url",
                 pool_printf(p->pool, "data:%s;base64,%s", parts_media_type(p->profile),
                             parts_base64(p->pool, frame)));
    json_put_str(part, "type", "image_url");
    json_put(part, "image_url", url);
    return part;
}

static json_t *message(const char *role, json_t *content)
{
    json_t *m = json_object();
    json_put_str(m, "role", role);
    json_put(m, "content", content);
    return m;
}

static json_t *user_content(const struct parts *p)
{
    json_t *content = json_array();
    if (p->profile->system_in_user)
        json_push(content, text_part(p->system));
    if (*p->before)
        json_push(content, text_part(p->before));
    for (int i = 0; i < p->turn->n_frames; i++) {
        bool shown = i >= p->first_frame;
        const char *label = parts_label(p, i);
        json_push(content, text_part(shown ? label : pool_printf(p->pool, "%s (left out)", label)));
        if (shown)
            json_push(content, image_part(p, &p->turn->frames[i]));
    }
    if (p->turn->zoom) {
        json_push(content, text_part(parts_zoom_label(p)));
        json_push(content, image_part(p, p->turn->zoom));
    }
    json_push(content, text_part(p->after));
    return content;
}

static json_t *messages(const struct parts *p)
{
    json_t *list = json_array();
    if (!p->profile->system_in_user)
        json_push(list, message("system", json_string_safe(p->system)));
    json_push(list, message("user", user_content(p)));
    return list;
}

/* --- tools ----------------------------------------------------------------------------------- */

static void add_tools(json_t *to, const json_t *tools)
{
    size_t i;
    json_t *tool;
    json_array_foreach ((json_t *)tools, i, tool)
        json_push(to, json_pack("{s:s,s:O}", "type", "function", "function", tool));
}

static void put_tools(const struct parts *p, json_t *body)
{
    json_t *tools = json_array();
    add_tools(tools, p->profile->tools);
    add_tools(tools, p->turn->host_tools);
    json_put(body, "tools", tools);
    json_put_str(body, "tool_choice", p->profile->tool_choice);
}

/* --- a constraint in place of tools ---------------------------------------------------------- */

/* {"action": the tool's name, and its parameters} */
static json_t *one_action(const json_t *tool)
{
    const json_t *parameters = json_object_get(tool, "parameters");
    json_t *properties = json_object(), *required = json_array(), *schema = json_object(), *v;
    size_t i;
    json_put(properties, "action", json_pack("{s:O}", "const", json_object_get(tool, "name")));
    json_object_update_missing(properties, json_object_get(parameters, "properties"));
    json_push(required, json_string("action"));
    json_array_foreach (json_object_get(parameters, "required"), i, v)
        json_push(required, json_incref(v));
    json_put_str(schema, "type", "object");
    json_put(schema, "properties", properties);
    json_put(schema, "required", required);
    json_put_bool(schema, "additionalProperties", false);
    return schema;
}

static void put_constraint(const struct parts *p, json_t *body)
{
    json_t *choices = json_array(), *tool;
    size_t i;
    json_array_foreach ((json_t *)p->profile->tools, i, tool)
        json_push(choices, one_action(tool));
    json_t *schema = json_object();
    json_put(schema, "oneOf", choices);
    json_put(body, "response_format",
             json_pack("{s:s,s:{s:s,s:b,s:o}}", "type", "json_schema", "json_schema", "name",
                       "action", "strict", 1, "schema", schema));
}

/* --- the body -------------------------------------------------------------------------------- */

static void put_thinking(const struct parts *p, json_t *body)
{
    enum profile_switch form = p->server->ours ? p->profile->pod_switch : p->profile->hosted_switch;
    if (p->profile->thinking || form == SWITCH_NONE)
        return;
    if (form == SWITCH_THINKING)
        json_put_bool(body, "thinking", false);
    else
        json_put(body, "chat_template_kwargs", json_pack("{s:b}", "enable_thinking", 0));
}

static const char *model_name(const struct parts *p)
{
    return p->server->model  ? p->server->model
           : p->server->ours ? p->profile->pod_model
                             : p->profile->model;
}

static json_t *begin_body(const struct parts *p, int max_tokens, double temperature)
{
    json_t *body = json_object();
    json_put_str(body, "model", model_name(p));
    json_put_int(body, "max_tokens", max_tokens);
    if (temperature >= 0)
        json_put_num(body, "temperature", temperature);
    return body;
}

json_t *openai_body(const struct parts *p)
{
    int max_tokens = p->server->ours ? p->profile->pod_max_tokens : p->profile->max_tokens;
    json_t *body = begin_body(p, max_tokens, p->profile->temperature);
    json_put(body, "messages", messages(p));
    if (parts_tools(p))
        put_tools(p, body);
    else if (p->profile->constraint == CONSTRAINT_JSON_SCHEMA && p->server->constrains &&
             p->profile->tools)
        put_constraint(p, body);
    put_thinking(p, body);
    if (p->server->logprobs)
        json_put_bool(body, "logprobs", true);
    if (p->server->logprobs && p->server->top_logprobs > 0)
        json_put_int(body, "top_logprobs", p->server->top_logprobs);
    return body;
}

json_t *openai_question(const struct parts *p, const char *question,
                        const struct model_frame *frame, int max_tokens)
{
    json_t *body = begin_body(p, max_tokens, 0), *content = NULL, *list = json_array();
    if (frame) {
        content = json_array();
        json_push(content, image_part(p, frame));
        json_push(content, text_part(question));
    }
    json_push(list, message("user", content ? content : json_string_safe(question)));
    json_put(body, "messages", list);
    return body;
}
