/*
 * brains.h - what `serve` must know of a kind of brain without linking it (design.md section 8).
 */
#ifndef MANTIS_API_BRAINS_H
#define MANTIS_API_BRAINS_H

#include "base/pool.h"

enum api_brain_flags {
    API_BRAIN_READS_DOM = 1 << 0,  /* works in browser_use_plane only, which is its default */
    API_BRAIN_TAKES_FILE = 1 << 1, /* "<name>:<file>" */
    API_BRAIN_NO_RUNS = 1 << 2,    /* its model is served, but no worker here can be driven by it yet */
};

struct api_brain {
    const char *name; /* what `model` says on the wire: "script" for script:<file> */
    unsigned flags;
    const char *also; /* another name for it; NULL none */
};

/* NULL for a spec that is not built in. */
const struct api_brain *api_brain_find(const char *spec);

/* "page, mock, none, script:<file>" for messages. */
const char *api_brain_names(struct pool *pool);

#endif
