/*
 * claude.c - the "claude" kind: Anthropic's models with their computer tool. "claude" has the
 * profile of that name, "claude:<profile>" another one.
 */
#include "brain/model_brain.h"

static int claude_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                         struct err *err)
{
    const char *profile = *argument ? argument : "claude";
    return model_brain_create(&brain_claude, API_ANTHROPIC_MESSAGES, profile, needs, out, err);
}

const struct brain_driver brain_claude = {.kind = "claude",
                                          .caps = MODEL_BRAIN_CAPS,
                                          .create = claude_create,
                                          .destroy = model_brain_destroy,
                                          .think = model_brain_think,
                                          .query = model_brain_query};
