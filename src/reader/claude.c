/*
 * claude.c - the "claude" kind: Anthropic's models, one for each kind of question (model_calls.h).
 * "claude" has the profile of that name, "claude:<profile>" another one.
 */
#include "reader/model_reader.h"

static int claude_create(const char *argument, const struct reader_needs *needs,
                         struct reader **out, struct err *err)
{
    return model_reader_create(&reader_claude, API_ANTHROPIC_MESSAGES,
                               *argument ? argument : "claude", needs, out, err);
}

const struct reader_driver reader_claude = MODEL_READER("claude", claude_create);
