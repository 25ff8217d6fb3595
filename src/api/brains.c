/*
 * brains.c - the names that MANTIS_BRAIN takes here. `serve` asks no brain: it only passes the
 * name on to the worker, whose own list is src/brain/brain.c; a new kind is a row in both.
 */
#include "api/brains.h"

#include <string.h>

#include "base/err.h"

/* clang-format off */
static const struct api_brain kinds[] = {
    {"page", API_BRAIN_READS_DOM, NULL},
    {"holo3", API_BRAIN_NO_RUNS, NULL},
    {"fara", API_BRAIN_NO_RUNS, NULL},
    {"gemma4-cua", API_BRAIN_NO_RUNS, "gemma4"},
    {"mock", 0, NULL},
    {"none", 0, NULL},
    {"script", API_BRAIN_TAKES_FILE, NULL},
};
/* clang-format on */

static bool is_called(const char *name, const char *spec, size_t len)
{
    return name && strlen(name) == len && strncmp(name, spec, len) == 0;
}

const struct api_brain *api_brain_find(const char *spec)
{
    size_t len = strcspn(spec, ":");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool takes_file = kinds[i].flags & API_BRAIN_TAKES_FILE;
        if (!is_called(kinds[i].name, spec, len) && !is_called(kinds[i].also, spec, len))
            continue;
        return takes_file == (spec[len] == ':' && spec[len + 1]) && (takes_file || !spec[len])
                   ? &kinds[i]
                   : NULL;
    }
    return NULL;
}

const char *api_brain_names(struct pool *pool)
{
    const char *names = "";
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        names = pool_printf(pool, "%s%s%s%s", names, i ? ", " : "", kinds[i].name,
                            kinds[i].flags & API_BRAIN_TAKES_FILE ? ":<file>" : "");
    return names;
}
