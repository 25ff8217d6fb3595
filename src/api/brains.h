/*
 * brains.h - what the API must know of a kind of brain without linking it.
 */
#ifndef MANTIS_API_BRAINS_H
#define MANTIS_API_BRAINS_H

enum brain_kind_flags {
    BRAIN_KIND_READS_DOM = 1 << 0,  /* works in browser_use_plane only, which is its default */
    BRAIN_KIND_TAKES_FILE = 1 << 1, /* "<name>:<file>" */
};

struct brain_kind {
    const char *name;
    unsigned flags;
};

/* NULL for a spec that is not built in. */
const struct brain_kind *brain_kind(const char *spec);

#endif
