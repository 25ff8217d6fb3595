#include "engine/base.h"

#include <string.h>

#include "base/err.h"
#include "sys/settings.h"

/* clang-format off */
static const struct engine_base bases[] = {
    {.brain = "holo3", .engine = ENGINE_LLAMA, .variables = "HOLO3", .weights = offsetof(struct settings, holo3),
     .served_name = "holo3", .no_adapter = true},
    {.brain = "fara", .engine = ENGINE_VLLM, .variables = "FARA", .served_name = "model"},
    {.brain = "gemma4-cua", .alias = "gemma4", .engine = ENGINE_LLAMA, .variables = "GEMMA4",
     .weights = offsetof(struct settings, gemma4), .served_name = "gemma4-cua", .reasoning_budget = "512"},
};
/* clang-format on */

const struct engine_base *engine_base_find(const char *brain)
{
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
        if (strcmp(brain, bases[i].brain) == 0 ||
            (bases[i].alias && strcmp(brain, bases[i].alias) == 0))
            return &bases[i];
    return NULL;
}

const char *engine_base_names(struct pool *pool)
{
    const char *names = "";
    for (size_t i = 0; i < ARRAY_SIZE(bases); i++)
        names = pool_printf(pool, "%s%s%s", names, i ? ", " : "", bases[i].brain);
    return names;
}

const char *engine_kind_name(enum engine_kind kind)
{
    return kind == ENGINE_VLLM ? "vllm" : "llama-server";
}
