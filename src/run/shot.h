/*
 * shot.h - the worker's other errand: one look at one page, as a run would have it, and nothing else
 * (`mantis selftest`). Not a run: no plan, no brain, no socket.
 *
 * dir/shot.json says what is wanted:
 *   {"url", "width", "height" (of the display, px), "browser"?, "sandbox_off"?,
 *    "picture": {"width", "height", "format" ("png", "jpeg", "webp"), "quality"}}
 * and dir gets `picture` and, last, seen.json: {"width", "height" (of the frame), "buttons": [{"label",
 * "box": [x, y, w, h]}]} in screen pixels, or {"error"}. It also holds the browser's profile.
 */
#ifndef MANTIS_RUN_SHOT_H
#define MANTIS_RUN_SHOT_H

/* Blocks for as long as a browser takes to start, at most a minute or until SIGTERM. Returns a process exit
 * status: 0 when seen.json is there. */
int shot_main(const char *dir);

#endif
