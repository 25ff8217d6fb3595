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

const struct reader_driver reader_claude = {
    .kind = "claude",
    .is_model = true,
    .create = claude_create,
    .destroy = model_reader_destroy,
    .find = model_find,
    .find_next_page = model_find_next_page,
    .find_more = model_find_more,
    .find_reveal = model_find_reveal,
    .find_dismiss = model_find_dismiss,
    .list = model_list,
    .extract = model_extract,
    .rows = model_rows,
    .visible = model_visible,
    .navigated = model_navigated,
    .shown_value = model_shown_value,
    .regard = model_regard,
};
