/*
 * vlm.c - the "vlm" kind: the model of this pod, or any behind an OpenAI-compatible server. "vlm"
 * has the profile holo3, "vlm:<profile>" another one. Where to click it says as it says its
 * actions; the rest it answers with JSON.
 */
#include "reader/model_reader.h"

static int vlm_create(const char *argument, const struct reader_needs *needs, struct reader **out,
                      struct err *err)
{
    return model_reader_create(&reader_vlm, API_OPENAI_CHAT, *argument ? argument : "holo3", needs,
                               out, err);
}

const struct reader_driver reader_vlm = MODEL_READER("vlm", vlm_create);
