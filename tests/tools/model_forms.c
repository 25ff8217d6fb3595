#include "tools/model_forms.h"

#include <string.h>
#include <time.h>

#define PIECES_MAX  4096
#define STREAM_TYPE "text/event-stream"
#define JSON_TYPE   "application/json; charset=utf-8"

/* --- pieces ---------------------------------------------------------------------------------- */

static void begin(struct pool *pool, struct model_pieces *out, const char *type)
{
    *out = (struct model_pieces){.pieces = pool_alloc(pool, PIECES_MAX * sizeof(char *)),
                                 .type = type};
}

static void push(struct model_pieces *out, const char *bytes)
{
    if (out->n == PIECES_MAX)
        BUG("a scripted answer has more than %d pieces", PIECES_MAX);
    out->pieces[out->n++] = bytes;
}

static void one(struct pool *pool, json_t *body, struct model_pieces *out)
{
    begin(pool, out, JSON_TYPE);
    push(out, json_text(pool, body));
    json_decref(body);
}

/* A word with the blank behind it: what one event of a stream holds. */
static const char *next_word(struct pool *pool, const char **text)
{
    size_t len = strcspn(*text, " ");
    len += strspn(*text + len, " ");
    const char *word = pool_strndup(pool, *text, len);
    *text += len;
    return word;
}

/* --- a saying -------------------------------------------------------------------------------- */

static const char *text_of(const struct model_saying *s)
{
    return json_str(s->rule, "text", "");
}

static const char *thinking_of(const struct model_saying *s)
{
    return json_str(s->rule, "thinking", "");
}

static const json_t *calls_of(const struct model_saying *s)
{
    return json_object_get(s->rule, "calls");
}

static bool is_empty(const struct model_saying *s)
{
    return !strcmp(json_str(s->rule, "fault", ""), "empty_choices");
}

static const char *arguments_of(struct pool *pool, const json_t *call)
{
    return json_as_text(pool, json_object_get(call, "arguments"));
}

static const char *finish_of(const struct model_saying *s, const char *called, const char *ended)
{
    return json_str(s->rule, "finish", json_array_size(calls_of(s)) ? called : ended);
}

int64_t model_words_count(const json_t *rule)
{
    size_t bytes = strlen(json_str(rule, "text", "")) + strlen(json_str(rule, "thinking", ""));
    size_t i;
    json_t *call;
    json_array_foreach (json_object_get(rule, "calls"), i, call) {
        char *text = json_dumps(call, JSON_COMPACT);
        bytes += text ? strlen(text) : 0;
        free(text);
    }
    return (int64_t)(bytes + 3) / 4;
}

/* --- OpenAI ---------------------------------------------------------------------------------- */

static const char *call_id(struct pool *pool, const struct model_saying *s, size_t i)
{
    return pool_printf(pool, "call_%d_%zu", s->serial, i);
}

static json_t *openai_usage(const struct model_saying *s)
{
    return json_pack("{s:I,s:I,s:I,s:{s:I}}", "prompt_tokens", s->usage.input, "completion_tokens",
                     s->usage.output, "total_tokens", s->usage.input + s->usage.output,
                     "prompt_tokens_details", "cached_tokens", s->usage.cached);
}

/* As llama-server tells it, at 1 ms a token. */
static json_t *timings(const struct model_saying *s)
{
    double in = (double)(s->usage.input - s->usage.cached), out = (double)s->usage.output;
    return json_pack("{s:I,s:I,s:f,s:f,s:f,s:I,s:f,s:f,s:f}", "cache_n", s->usage.cached,
                     "prompt_n", s->usage.input - s->usage.cached, "prompt_ms", in,
                     "prompt_per_token_ms", 1.0, "prompt_per_second", 1000.0, "predicted_n",
                     s->usage.output, "predicted_ms", out, "predicted_per_token_ms", 1.0,
                     "predicted_per_second", 1000.0);
}

static json_t *openai_frame(struct pool *pool, const struct model_saying *s, const char *object)
{
    return json_pack("{s:s,s:s,s:I,s:s,s:[]}", "id", pool_printf(pool, "chatcmpl-%d", s->serial),
                     "object", object, "created", (json_int_t)time(NULL), "model", s->model,
                     "choices");
}

static json_t *openai_call(struct pool *pool, const struct model_saying *s, size_t i,
                           const char *arguments)
{
    const json_t *call = json_array_get(calls_of(s), i);
    return json_pack("{s:s,s:s,s:{s:s,s:s}}", "id", call_id(pool, s, i), "type", "function",
                     "function", "name", json_str(call, "name", ""), "arguments", arguments);
}

static json_t *openai_message(struct pool *pool, const struct model_saying *s)
{
    json_t *m = json_pack("{s:s,s:s?}", "role", "assistant", "content",
                          *text_of(s) || !calls_of(s) ? text_of(s) : NULL);
    json_t *calls = json_array();
    for (size_t i = 0; i < json_array_size(calls_of(s)); i++)
        json_push(calls,
                  openai_call(pool, s, i, arguments_of(pool, json_array_get(calls_of(s), i))));
    if (*thinking_of(s))
        json_put_str(m, "reasoning_content", thinking_of(s));
    if (json_array_size(calls))
        json_put(m, "tool_calls", json_incref(calls));
    json_decref(calls);
    return m;
}

static void openai_whole(struct pool *pool, const struct model_saying *s, struct model_pieces *out)
{
    json_t *body = openai_frame(pool, s, "chat.completion");
    if (!is_empty(s))
        json_push(json_object_get(body, "choices"),
                  json_pack("{s:i,s:o,s:n,s:s}", "index", 0, "message", openai_message(pool, s),
                            "logprobs", "finish_reason", finish_of(s, "tool_calls", "stop")));
    json_put(body, "usage", openai_usage(s));
    json_put(body, "timings", timings(s));
    one(pool, body, out);
}

static void data_line(struct pool *pool, json_t *chunk, struct model_pieces *out)
{
    push(out, pool_printf(pool, "data: %s\n\n", json_text(pool, chunk)));
    json_decref(chunk);
}

static json_t *openai_chunk(struct pool *pool, const struct model_saying *s, json_t *delta,
                            const char *finish)
{
    json_t *chunk = openai_frame(pool, s, "chat.completion.chunk");
    json_t *choice =
        json_pack("{s:i,s:o,s:s?}", "index", 0, "delta", delta, "finish_reason", finish);
    if (is_empty(s))
        json_decref(choice);
    else
        json_push(json_object_get(chunk, "choices"), choice);
    return chunk;
}

static void openai_words(struct pool *pool, const struct model_saying *s, const char *field,
                         const char *text, struct model_pieces *out)
{
    while (*text)
        data_line(pool,
                  openai_chunk(pool, s, json_pack("{s:s}", field, next_word(pool, &text)), NULL),
                  out);
}

static void openai_call_chunks(struct pool *pool, const struct model_saying *s, size_t i,
                               struct model_pieces *out)
{
    const char *arguments = arguments_of(pool, json_array_get(calls_of(s), i));
    json_t *head = openai_call(pool, s, i, "");
    json_put_int(head, "index", (int64_t)i);
    data_line(pool, openai_chunk(pool, s, json_pack("{s:[o]}", "tool_calls", head), NULL), out);
    for (size_t len = strlen(arguments), at = 0; at < len; at += 8) {
        const char *part = pool_strndup(pool, arguments + at, len - at < 8 ? len - at : 8);
        json_t *delta = json_pack("{s:[{s:I,s:{s:o}}]}", "tool_calls", "index", (json_int_t)i,
                                  "function", "arguments", json_string_safe(part));
        data_line(pool, openai_chunk(pool, s, delta, NULL), out);
    }
}

static void openai_stream(struct pool *pool, const struct model_saying *s, struct model_pieces *out)
{
    json_t *first = json_pack("{s:s,s:s}", "role", "assistant", "content", "");
    begin(pool, out, STREAM_TYPE);
    data_line(pool, openai_chunk(pool, s, first, NULL), out);
    openai_words(pool, s, "reasoning_content", thinking_of(s), out);
    openai_words(pool, s, "content", text_of(s), out);
    for (size_t i = 0; i < json_array_size(calls_of(s)); i++)
        openai_call_chunks(pool, s, i, out);
    json_t *last = openai_chunk(pool, s, json_object(), finish_of(s, "tool_calls", "stop"));
    json_put(last, "timings", timings(s));
    data_line(pool, last, out);
    if (s->with_usage) {
        json_t *chunk = openai_frame(pool, s, "chat.completion.chunk");
        json_put(chunk, "usage", openai_usage(s));
        data_line(pool, chunk, out);
    }
    push(out, "data: [DONE]\n\n");
}

/* --- Anthropic ------------------------------------------------------------------------------- */

static json_t *anthropic_usage(const struct model_saying *s, int64_t output)
{
    return json_pack("{s:I,s:i,s:I,s:I}", "input_tokens", s->usage.input - s->usage.cached,
                     "cache_creation_input_tokens", 0, "cache_read_input_tokens", s->usage.cached,
                     "output_tokens", output);
}

static json_t *anthropic_content(struct pool *pool, const struct model_saying *s)
{
    json_t *content = json_array(), *call;
    size_t i;
    if (is_empty(s))
        return content;
    if (*thinking_of(s))
        json_push(content, json_pack("{s:s,s:s,s:s}", "type", "thinking", "thinking",
                                     thinking_of(s), "signature", "c2NyaXB0ZWQ="));
    if (*text_of(s))
        json_push(content, json_pack("{s:s,s:s}", "type", "text", "text", text_of(s)));
    json_array_foreach ((json_t *)calls_of(s), i, call) {
        json_t *input = json_object_get(call, "arguments");
        json_push(content, json_pack("{s:s,s:s,s:s,s:o}", "type", "tool_use", "id",
                                     pool_printf(pool, "toolu_%d_%zu", s->serial, i), "name",
                                     json_str(call, "name", ""), "input",
                                     input ? json_incref(input) : json_object()));
    }
    return content;
}

static json_t *anthropic_message(struct pool *pool, const struct model_saying *s, json_t *content,
                                 const char *stop, int64_t output)
{
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:s?,s:n,s:o}", "id",
                     pool_printf(pool, "msg_%d", s->serial), "type", "message", "role", "assistant",
                     "model", s->model, "content", content, "stop_reason", stop, "stop_sequence",
                     "usage", anthropic_usage(s, output));
}

static void anthropic_whole(struct pool *pool, const struct model_saying *s,
                            struct model_pieces *out)
{
    one(pool,
        anthropic_message(pool, s, anthropic_content(pool, s), finish_of(s, "tool_use", "end_turn"),
                          s->usage.output),
        out);
}

static void event(struct pool *pool, json_t *data, struct model_pieces *out)
{
    push(out, pool_printf(pool, "event: %s\ndata: %s\n\n", json_str(data, "type", ""),
                          json_text(pool, data)));
    json_decref(data);
}

/* How a kind of block begins, and what its deltas are called. */
static const struct block_kind {
    const char *type, *field, *delta, *delta_field;
} block_kinds[] = {
    {"thinking", "thinking", "thinking_delta", "thinking"},
    {"text", "text", "text_delta", "text"},
    {"tool_use", "input", "input_json_delta", "partial_json"},
};

static const struct block_kind *kind_of(const json_t *block)
{
    const struct block_kind *k = block_kinds;
    while (strcmp(k->type, json_str(block, "type", "")))
        k++;
    return k;
}

static void anthropic_delta(struct pool *pool, size_t index, const char *type, const char *field,
                            const char *text, struct model_pieces *out)
{
    event(pool,
          json_pack("{s:s,s:I,s:{s:s,s:s}}", "type", "content_block_delta", "index",
                    (json_int_t)index, "delta", "type", type, field, text),
          out);
}

static void anthropic_block(struct pool *pool, size_t index, const json_t *block,
                            struct model_pieces *out)
{
    const struct block_kind *k = kind_of(block);
    const json_t *value = json_object_get(block, k->field);
    const char *text = json_as_text(pool, value), *signature = json_str(block, "signature", "");
    json_t *start = json_copy((json_t *)block);
    json_put(start, k->field, json_is_object(value) ? json_object() : json_string(""));
    if (*signature)
        json_put_str(start, "signature", "");
    event(pool,
          json_pack("{s:s,s:I,s:o}", "type", "content_block_start", "index", (json_int_t)index,
                    "content_block", start),
          out);
    while (*text)
        anthropic_delta(pool, index, k->delta, k->delta_field, next_word(pool, &text), out);
    if (*signature)
        anthropic_delta(pool, index, "signature_delta", "signature", signature, out);
    event(pool, json_pack("{s:s,s:I}", "type", "content_block_stop", "index", (json_int_t)index),
          out);
}

static void anthropic_stream(struct pool *pool, const struct model_saying *s,
                             struct model_pieces *out)
{
    json_t *content = anthropic_content(pool, s), *block;
    size_t i;
    begin(pool, out, STREAM_TYPE);
    event(pool,
          json_pack("{s:s,s:o}", "type", "message_start", "message",
                    anthropic_message(pool, s, json_array(), NULL, 1)),
          out);
    event(pool, json_pack("{s:s}", "type", "ping"), out);
    json_array_foreach (content, i, block)
        anthropic_block(pool, i, block, out);
    event(pool,
          json_pack("{s:s,s:{s:s,s:n},s:{s:I}}", "type", "message_delta", "delta", "stop_reason",
                    finish_of(s, "tool_use", "end_turn"), "stop_sequence", "usage", "output_tokens",
                    s->usage.output),
          out);
    event(pool, json_pack("{s:s}", "type", "message_stop"), out);
    json_decref(content);
}

/* --- by server ------------------------------------------------------------------------------- */

typedef void form_fn(struct pool *pool, const struct model_saying *s, struct model_pieces *out);

void model_whole(struct pool *pool, const struct model_saying *s, struct model_pieces *out)
{
    static form_fn *const forms[] = {
        [MODEL_OPENAI] = openai_whole, [MODEL_ANTHROPIC] = anthropic_whole};
    forms[s->api](pool, s, out);
}

void model_stream(struct pool *pool, const struct model_saying *s, struct model_pieces *out)
{
    static form_fn *const forms[] = {
        [MODEL_OPENAI] = openai_stream, [MODEL_ANTHROPIC] = anthropic_stream};
    forms[s->api](pool, s, out);
}

static const char *error_type(int status)
{
    static const struct {
        int status;
        const char *type;
    } types[] = {{400, "invalid_request_error"}, {401, "authentication_error"},
                 {403, "permission_error"},      {404, "not_found_error"},
                 {429, "rate_limit_error"},      {503, "unavailable_error"},
                 {529, "overloaded_error"}};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (types[i].status == status)
            return types[i].type;
    return "api_error";
}

void model_error(struct pool *pool, enum model_api api, int status, const char *message,
                 struct model_pieces *out)
{
    json_t *body =
        json_pack("{s:{s:s,s:s}}", "error", "type", error_type(status), "message", message);
    if (api == MODEL_ANTHROPIC)
        json_put_str(body, "type", "error");
    else
        json_put_int(json_object_get(body, "error"), "code", status);
    one(pool, body, out);
}
