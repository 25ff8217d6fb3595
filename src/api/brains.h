/*
 * brains.h - what `serve` must know of a kind of brain without linking it (design.md section 8).
 */
#ifndef MANTIS_API_BRAINS_H
#define MANTIS_API_BRAINS_H

#include "base/pool.h"

enum api_brain_flags {
    API_BRAIN_READS_DOM = 1 << 0,  /* works in browser_use_plane only, which is its default */
    API_BRAIN_TAKES_FILE = 1 << 1, /* "<name>:<file>" */
    API_BRAIN_TAKES_PROFILE = 1 << 2, /* "<name>:<profile>" */
    API_BRAIN_TAKES_BRAINS = 1 << 3,  /* "<name>:<primary>,<fallback>", as the worker calls them */
};

struct api_brain {
    const char *name; /* what `model` says on the wire: "script" for script:<file> */
    unsigned flags;
    const char *also; /* another name for it; NULL none */
    const char *worker; /* what the worker calls it; NULL: the same */
};

/* NULL for a spec that is not built in. */
const struct api_brain *api_brain_find(const char *spec);

/* What the worker is told: "chat:holo3" for "holo3". */
const char *api_brain_for_worker(const char *spec);

/* What `model` says on the wire: the name, of "chat:<profile>" and "claude:<profile>" the profile. */
const char *api_brain_model(const char *spec);

/* "page, mock, none, script:<file>" for messages. */
const char *api_brain_names(struct pool *pool);

#endif
