/*
 * model_forms.h - what a model says in the form of one server: OpenAI's chat completions as
 * llama-server writes them, or Anthropic's messages; as one body or as the events of a stream.
 */
#ifndef MANTIS_TESTS_MODEL_FORMS_H
#define MANTIS_TESTS_MODEL_FORMS_H

#include "base/json.h"
#include "base/pool.h"

enum model_api { MODEL_OPENAI, MODEL_ANTHROPIC };

struct model_usage {
    int64_t input, output, cached; /* tokens; input includes cached */
};

struct model_saying {
    enum model_api api;
    int serial;          /* makes its ids */
    const char *model;   /* name */
    const json_t *rule;  /* tools/model_script.h */
    struct model_usage usage;
    bool with_usage;     /* a last chunk tells it: OpenAI's stream_options.include_usage */
};

/* Bytes to send, one piece after the other; all in pool. */
struct model_pieces {
    const char **pieces;
    int n;
    const char *type; /* Content-Type */
};

void model_whole(struct pool *pool, const struct model_saying *saying, struct model_pieces *out);
void model_stream(struct pool *pool, const struct model_saying *saying, struct model_pieces *out);
void model_error(struct pool *pool, enum model_api api, int status, const char *message, struct model_pieces *out);

/* Tokens of the rule's words, four bytes each. */
int64_t model_words_count(const json_t *rule);

#endif
