/*
 * said.c - the answers of OpenAI-compatible servers and of Anthropic's, taken apart.
 */
#include <string.h>

#include "base/str.h"
#include "brain/model/reply.h"

#define CALLS_MAX 16

static const char *join(struct pool *pool, const char *a, const char *b)
{
    return !*a ? b : !*b ? a : pool_printf(pool, "%s\n%s", a, b);
}

/* A text, or a list of parts of which the texts are joined. */
static const char *text_of(struct pool *pool, const json_t *content)
{
    const char *out = json_is_string(content) ? json_string_value(content) : "";
    size_t i;
    json_t *part;
    json_array_foreach ((json_t *)content, i, part)
        out = join(pool, out, json_str(part, "text", ""));
    return pool_strdup(pool, out);
}

static const json_t *arguments_of(struct pool *pool, const json_t *value)
{
    json_t *v = json_is_object(value) ? json_incref((json_t *)value) : NULL;
    if (json_is_string(value) &&
        json_parse(json_string_value(value), json_string_length(value), "arguments", &v, NULL))
        v = NULL;
    if (!json_is_object(v)) {
        json_decref(v);
        v = json_object();
    }
    return json_keep(pool, v);
}

static void add_call(struct pool *pool, struct said *out, const char *name, const json_t *arguments)
{
    struct said_call *calls = (struct said_call *)out->calls;
    if (!calls)
        out->calls = calls = pool_alloc(pool, CALLS_MAX * sizeof(*calls));
    if (out->n_calls < CALLS_MAX)
        calls[out->n_calls++] =
            (struct said_call){pool_strdup(pool, name), arguments_of(pool, arguments)};
}

/* --- tokens ---------------------------------------------------------------------------------- */

/* Never below 0: money is counted with it. */
static int64_t count_in(const json_t *o, const char *key)
{
    int64_t n = json_int(o, key, 0);
    return n > 0 ? n : 0;
}

/* llama-server says in its timings how much of the prompt it still had (cache_n), and how much it
 * read. */
static void openai_tokens(const json_t *body, const json_t *usage, struct said *out)
{
    const json_t *details = json_object_get(usage, "prompt_tokens_details");
    const json_t *timings = json_object_get(body, "timings");
    out->input_tokens = count_in(usage, "prompt_tokens");
    out->output_tokens = count_in(usage, "completion_tokens");
    if (!out->input_tokens && !out->output_tokens) /* only the sum is known */
        out->input_tokens = count_in(usage, "total_tokens");
    if (!usage) {
        out->input_tokens = count_in(timings, "prompt_n") + count_in(timings, "cache_n");
        out->output_tokens = count_in(timings, "predicted_n");
    }
    out->cached_tokens =
        details ? count_in(details, "cached_tokens") : count_in(timings, "cache_n");
    if (out->cached_tokens > out->input_tokens)
        out->cached_tokens = out->input_tokens;
}

static void anthropic_tokens(const json_t *body, const json_t *usage, struct said *out)
{
    out->cached_tokens = count_in(usage, "cache_read_input_tokens");
    out->cache_write_tokens = count_in(usage, "cache_creation_input_tokens");
    out->input_tokens =
        count_in(usage, "input_tokens") + out->cached_tokens + out->cache_write_tokens;
    out->output_tokens = count_in(usage, "output_tokens");
}

bool said_tokens(enum profile_api api, const json_t *body, struct said *out)
{
    const json_t *usage = json_object_get(body, "usage");
    (api == API_ANTHROPIC_MESSAGES ? anthropic_tokens : openai_tokens)(body, usage, out);
    return json_is_object(usage);
}

/* --- words ----------------------------------------------------------------------------------- */

static int read_openai(struct pool *pool, const json_t *body, struct said *out, struct err *err)
{
    const json_t *choice = json_array_get(json_object_get(body, "choices"), 0);
    const json_t *message = json_object_get(choice, "message");
    size_t i;
    json_t *call;
    if (!json_is_object(message))
        return err_set(err, E_UPSTREAM, "the model server's answer has no choices[0].message");
    out->text = text_of(pool, json_object_get(message, "content"));
    out->thinking = text_of(pool, json_object_get(message, "reasoning_content"));
    if (!*out->thinking)
        out->thinking = text_of(pool, json_object_get(message, "reasoning"));
    json_array_foreach (json_object_get(message, "tool_calls"), i, call) {
        const json_t *function = json_object_get(call, "function");
        add_call(pool, out, json_str(function, "name", ""), json_object_get(function, "arguments"));
    }
    out->finish = pool_strdup(pool, json_str(choice, "finish_reason", ""));
    return 0;
}

static int read_anthropic(struct pool *pool, const json_t *body, struct said *out, struct err *err)
{
    const json_t *content = json_object_get(body, "content");
    size_t i;
    json_t *block;
    if (!json_is_array(content))
        return err_set(err, E_UPSTREAM, "the model server's answer has no content");
    json_array_foreach ((json_t *)content, i, block) {
        const char *type = json_str(block, "type", "");
        if (!strcmp(type, "thinking"))
            out->thinking =
                join(pool, out->thinking, pool_strdup(pool, json_str(block, "thinking", "")));
        else if (!strcmp(type, "text"))
            out->text = join(pool, out->text, pool_strdup(pool, json_str(block, "text", "")));
        else if (!strcmp(type, "tool_use"))
            add_call(pool, out, json_str(block, "name", ""), json_object_get(block, "input"));
    }
    out->content = json_keep(pool, json_incref((json_t *)content));
    out->finish = pool_strdup(pool, json_str(body, "stop_reason", ""));
    return 0;
}

typedef int read_fn(struct pool *pool, const json_t *body, struct said *out, struct err *err);

int said_read(struct pool *pool, enum profile_api api, const json_t *body, struct said *out,
              struct err *err)
{
    static read_fn *const readers[] = {
        [API_OPENAI_CHAT] = read_openai, [API_ANTHROPIC_MESSAGES] = read_anthropic};
    struct said said = {.text = "", .thinking = "", .finish = ""};
    said.model = pool_strdup(pool, json_str(body, "model", ""));
    int r = readers[api](pool, body, &said, err);
    said_tokens(api, body, &said);
    if (!r)
        *out = said;
    return r;
}

struct token_use said_use(const struct said *said)
{
    return (struct token_use){
        .input = said->input_tokens - said->cached_tokens - said->cache_write_tokens,
        .output = said->output_tokens,
        .cache_read = said->cached_tokens,
        .cache_write = said->cache_write_tokens};
}
