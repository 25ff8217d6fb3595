/*
 * start.h - what the first message to a worker says (docs/processes.md), as settings of its parts.
 *
 * Nothing is copied: the message, and what else is passed, lives as long as what is returned.
 */
#ifndef MANTIS_RUN_START_H
#define MANTIS_RUN_START_H

#include "plane/plane.h"
#include "run/minds.h"
#include "run/run.h"

/* "profile", "tmp", "downloads", "screenshots", "video"; NULL: this run has none. */
const char *start_dir(const json_t *start, const char *name);

struct plane_config start_plane_config(const json_t *start);
struct run_config start_run_config(struct pool *pool, const json_t *start, const struct minds *minds,
                                   const struct plan *plan);

#endif
