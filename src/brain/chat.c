/*
 * chat.c - the "chat" kind: any model behind an OpenAI-compatible server, "chat:<profile>".
 */
#include "brain/model_brain.h"

static int chat_create(const char *argument, const struct brain_needs *needs, struct brain **out,
                       struct err *err)
{
    return model_brain_create(&brain_chat, API_OPENAI_CHAT, argument, needs, out, err);
}

const struct brain_driver brain_chat = {.kind = "chat",
                                        .caps = MODEL_BRAIN_CAPS,
                                        .create = chat_create,
                                        .destroy = model_brain_destroy,
                                        .think = model_brain_think,
                                        .query = model_brain_query};
