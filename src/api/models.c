/*
 * models.c - the names a caller may give a model, and what a run with each is likely to cost
 * (http-api.md section 4.6).
 */
#include <string.h>

#include "api/run_options.h"

/* clang-format off */
static const struct model_rates rates[] = {
    {"holo3", .004, .02},       {"fara", .006, .02},         {"gemma4-cua", .003, .02},
    {"evocua-8b", .004, .02},   {"evocua-32b", .008, .02},   {"opencua-32b", .008, .02},
    {"opencua-72b", .015, .02}, {"claude", 0, .03},
    {"page", 0, 0},             {"mock", 0, 0},              {"none", 0, 0},              {"script", 0, 0},
};
/* clang-format on */

static const struct model_rates *find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(rates); i++)
        if (strcmp(rates[i].name, name) == 0)
            return &rates[i];
    return NULL;
}

const struct model_rates *model_rates(const char *name)
{
    const struct model_rates *found = find(name);
    return found ? found : &rates[0];
}

int model_check(const char *asked, const char *model, bool any, struct err *err)
{
    if (!*asked || strcmp(asked, model) == 0 || (any && find(asked)))
        return 0;
    return err_set(err, E_INVALID,
                   "'cua_model' is '%.60s', but this server runs '%.60s'; leave it out or ask for "
                   "that one",
                   asked, model);
}
