/*
 * brains.c - the names that MANTIS_BRAIN takes here. `serve` links no brain: it only passes the
 * name on to the worker, whose own list is src/brain/brain.c; a new kind is a row in both. A new
 * model is no row: it is a file in profiles/ and "chat:<profile>".
 */
#include "api/brains.h"

#include <string.h>

#include "base/err.h"

/* clang-format off */
static const struct api_brain kinds[] = {
    {"page", API_BRAIN_READS_DOM, NULL, NULL},
    {"holo3", 0, NULL, "chat:holo3"},
    {"fara", 0, NULL, "chat:fara"},
    {"gemma4-cua", 0, "gemma4", "chat:gemma4-cua"},
    {"claude", 0, NULL, NULL},
    {"opencua", 0, NULL, "chat:opencua"},
    {"evocua", 0, NULL, "chat:evocua"},
    {"llamacpp", 0, NULL, "chat:llamacpp"},
    {"agent-s", 0, NULL, "chat:agent-s"},
    {"openai", 0, NULL, "chat:openai"},
    {"chat", API_BRAIN_TAKES_PROFILE, NULL, NULL},
    {"claude", API_BRAIN_TAKES_PROFILE, NULL, NULL},
    {"ladder", API_BRAIN_TAKES_BRAINS, NULL, NULL},
    {"mock", 0, NULL, NULL},
    {"none", 0, NULL, NULL},
    {"script", API_BRAIN_TAKES_FILE, NULL, NULL},
};
/* clang-format on */

#define TAKES_MORE (API_BRAIN_TAKES_FILE | API_BRAIN_TAKES_PROFILE | API_BRAIN_TAKES_BRAINS)

static bool is_called(const char *name, const char *spec, size_t len)
{
    return name && strlen(name) == len && strncmp(name, spec, len) == 0;
}

const struct api_brain *api_brain_find(const char *spec)
{
    size_t len = strcspn(spec, ":");
    bool has_more = spec[len] == ':' && spec[len + 1];
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool wants_more = kinds[i].flags & TAKES_MORE;
        bool called = is_called(kinds[i].name, spec, len) || is_called(kinds[i].also, spec, len);
        if (called && wants_more == has_more && (has_more || !spec[len]))
            return &kinds[i];
    }
    return NULL;
}

const char *api_brain_for_worker(const char *spec)
{
    const struct api_brain *brain = api_brain_find(spec);
    return brain && brain->worker ? brain->worker : spec;
}

const char *api_brain_model(const char *spec)
{
    const struct api_brain *brain = api_brain_find(spec);
    return !brain                                   ? "unknown"
           : brain->flags & API_BRAIN_TAKES_PROFILE ? strchr(spec, ':') + 1
                                                    : brain->name;
}

const char *api_brain_names(struct pool *pool)
{
    const char *names = "";
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        names = pool_printf(pool, "%s%s%s%s", names, i ? ", " : "", kinds[i].name,
                            kinds[i].flags & API_BRAIN_TAKES_FILE      ? ":<file>"
                            : kinds[i].flags & API_BRAIN_TAKES_PROFILE ? ":<profile>"
                            : kinds[i].flags & API_BRAIN_TAKES_BRAINS  ? ":<primary>,<fallback>"
                                                                       : "");
    return names;
}
