/*
 * live.h - the pictures of a run that is watched, on their way to `serve` (docs/live.md, sys/blobs.h).
 *
 * While somebody watches, the camera's pictures are compared with what was sent before, cell by cell, and what
 * differs is sent as JPEGs; while nobody does, no picture is taken. A `serve` that is behind is sent nothing:
 * it gets what is newest when it has caught up.
 * Threads: loop thread only. Costs: 0.5 ms to compare 1280x720, 4 ms to send all of it.
 */
#ifndef MANTIS_RUN_LIVE_H
#define MANTIS_RUN_LIVE_H

#include "run/camera.h"

struct live;

/* fd: of pictures, taken over. NULL: it is no socket, and nobody can watch. */
struct live *live_create(struct loop *loop, int fd);
void live_destroy(struct live *live); /* NULL is fine, here and below */

/* The camera of the computer that is up now; NULL: it goes. Borrowed. */
void live_use(struct live *live, struct camera *camera);

/* What somebody watches. */
void live_watch(struct live *live, bool regions, bool frames);
bool live_is_watched(const struct live *live);

#endif
