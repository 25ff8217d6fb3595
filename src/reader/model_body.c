/*
 * model_body.c - a question about screenshots as the body of a call. To Anthropic's models the
 * answer is a tool that must be called; to others it is one JSON object, held to its schema where
 * the server can.
 */
#include <string.h>

#include "base/str.h"
#include "brain/model/parts.h"
#include "reader/model_reader.h"

static json_t *text_part(const char *text)
{
    json_t *part = json_object();
    json_put_str(part, "type", "text");
    json_put(part, "text", json_string_safe(text));
    return part;
}

static json_t *message(const char *role, json_t *content)
{
    return json_pack("{s:s,s:o}", "role", role, "content", content);
}

static json_t *anthropic_image(struct pool *pool, const struct look_body *b, int i)
{
    return json_pack("{s:s,s:{s:s,s:s,s:s}}", "type", "image", "source", "type", "base64",
                     "media_type", parts_media_type(b->pictures), "data",
                     parts_base64(pool, &b->frames[i]));
}

static json_t *openai_image(struct pool *pool, const struct look_body *b, int i)
{
    return json_pack("{s:s,s:{s:s}}", "type", "image_url", "image_url", "url",
                     pool_printf(pool, "data:%s;base64,%s", parts_media_type(b->pictures),
                                 parts_base64(pool, &b->frames[i])));
}

static json_t *content(struct pool *pool, const struct look_body *b, const char *text)
{
    bool anthropic = b->mind->profile->api == API_ANTHROPIC_MESSAGES;
    json_t *list = json_array();
    for (int i = 0; i < b->n_frames; i++) {
        if (b->labels)
            json_push(list, text_part(pool_printf(pool, "Screenshot %d: %s", i + 1, b->labels[i])));
        json_push(list, (anthropic ? anthropic_image : openai_image)(pool, b, i));
    }
    json_push(list, text_part(text));
    return list;
}

static json_t *begin(const struct look_body *b)
{
    json_t *body = json_object();
    json_put_str(body, "model", b->model);
    json_put_int(body, "max_tokens", b->call->max_tokens);
    return body;
}

static json_t *tool_body(struct pool *pool, const struct look_body *b)
{
    json_t *body = begin(b);
    if (b->parameters) {
        json_put(body, "tools",
                 json_pack("[{s:s,s:s,s:{s:s},s:O}]", "name", b->call->tool, "description",
                           b->description, "cache_control", "type", "ephemeral", "input_schema",
                           b->parameters));
        json_put(body, "tool_choice",
                 json_pack("{s:s,s:s}", "type", "tool", "name", b->call->tool));
    }
    json_put(body, "messages", json_pack("[o]", message("user", content(pool, b, b->text))));
    return body;
}

/* An answer this short has no room for thinking aloud. */
static void no_thinking(const struct look_body *b, json_t *body)
{
    const struct profile *p = b->mind->profile;
    enum profile_switch form = b->mind->link->server.ours ? p->pod_switch : p->hosted_switch;
    if (form == SWITCH_THINKING)
        json_put_bool(body, "thinking", false);
    else if (form == SWITCH_TEMPLATE)
        json_put(body, "chat_template_kwargs", json_pack("{s:b}", "enable_thinking", 0));
}

static json_t *words_body(struct pool *pool, const struct look_body *b)
{
    json_t *body = begin(b);
    const char *text = b->text;
    if (b->parameters)
        text = pool_printf(pool,
                           "%s\n\nAnswer with one JSON object and nothing else. It fits this JSON "
                           "schema:\n%s",
                           text, json_text(pool, b->parameters));
    json_put_num(body, "temperature", 0);
    json_put(body, "messages", json_pack("[o]", message("user", content(pool, b, text))));
    if (b->parameters && b->mind->link->server.constrains)
        json_put(body, "response_format",
                 json_pack("{s:s,s:{s:s,s:O}}", "type", "json_schema", "json_schema", "name",
                           b->call->tool, "schema", b->parameters));
    no_thinking(b, body);
    return body;
}

json_t *model_body(struct pool *pool, const struct look_body *b)
{
    bool anthropic = b->mind->profile->api == API_ANTHROPIC_MESSAGES;
    return json_keep(pool, (anthropic ? tool_body : words_body)(pool, b));
}

/* --- once more ------------------------------------------------------------------------------- */

/* Every call must be answered before anything else is said. */
static json_t *anthropic_complaint(const struct said *said, const char *complaint)
{
    json_t *list = json_array(), *block;
    size_t i;
    json_array_foreach ((json_t *)said->content, i, block)
        if (!strcmp(json_str(block, "type", ""), "tool_use"))
            json_push(list,
                      json_pack("{s:s,s:s,s:s,s:b}", "type", "tool_result", "tool_use_id",
                                json_str(block, "id", ""), "content", complaint, "is_error", 1));
    if (!json_array_size(list))
        json_push(list, text_part(complaint));
    return list;
}

json_t *model_body_again(struct pool *pool, const struct look_body *b, const json_t *body,
                         const struct said *said, const char *complaint)
{
    bool anthropic = b->mind->profile->api == API_ANTHROPIC_MESSAGES;
    json_t *again = json_copy((json_t *)body);
    json_t *messages = json_copy(json_object_get(body, "messages"));
    const char *words = pool_printf(
        pool, "This answer cannot be used: %s. Look again and answer as you were asked.",
        complaint);
    /* an empty answer cannot be repeated to a server */
    if (anthropic && json_array_size(said->content))
        json_push(messages, message("assistant", json_incref((json_t *)said->content)));
    else if (!anthropic && *said->text)
        json_push(messages, message("assistant", json_string_safe(said->text)));
    if (json_array_size(messages) > 1)
        json_push(messages, message("user", anthropic ? anthropic_complaint(said, words)
                                                      : json_string_safe(words)));
    json_put(again, "messages", messages);
    return json_keep(pool, again);
}
