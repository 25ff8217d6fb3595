/*
 * brains.c - the names that MANTIS_BRAIN takes here. `serve` links no brain: it only passes the
 * name on to the worker, whose own list is src/brain/brain.c; a new kind is a row in both.
 */
#include "api/brains.h"

#include <string.h>

#include "api/api.h"
#include "base/str.h"

/* clang-format off */
static const struct brain_kind kinds[] = {
    {"page", BRAIN_KIND_READS_DOM},
    {"mock", 0},
    {"none", 0},
    {"script", BRAIN_KIND_TAKES_FILE},
};
/* clang-format on */

const struct brain_kind *brain_kind(const char *spec)
{
    size_t len = strcspn(spec, ":");
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        bool takes_file = kinds[i].flags & BRAIN_KIND_TAKES_FILE;
        if (strlen(kinds[i].name) != len || strncmp(kinds[i].name, spec, len) != 0)
            continue;
        return takes_file == (spec[len] == ':' && spec[len + 1]) && (takes_file || !spec[len])
                   ? &kinds[i]
                   : NULL;
    }
    return NULL;
}

bool api_brain_known(const char *spec)
{
    return brain_kind(spec) != NULL;
}

const char *api_brain_names(void)
{
    return "page, mock, none, script:<file>";
}

const char *api_brain_name(const char *spec)
{
    const struct brain_kind *kind = brain_kind(spec);
    return kind ? kind->name : "unknown";
}
