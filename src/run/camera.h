/*
 * camera.h - the one place that takes pictures of the display for whoever watches a run: the recorder, the
 * live view.
 *
 * A picture is taken when something was drawn since the last one, at most as often as a watcher asked for, and
 * given to all who are due; a still screen costs nothing. Every secret on it is painted over (mask.h). While
 * the masks do not fit what the screen shows (a field moved, a secret is being typed) no picture is given out;
 * watchers keep the last one until the next look of the run knows better (camera_is_blind()).
 * Threads: loop thread only; pictures are asked for and taken in its timers, so none while a step
 *          computes, and none of them waits for the display: 3 ms later it is looked whether one is there. One that was asked
 *          for before the masks were told something is asked for again.
 * Costs:   0.5 ms a picture of 1280x720, shared by all watchers, and 3 ms a second for a second's damage.
 */
#ifndef MANTIS_RUN_CAMERA_H
#define MANTIS_RUN_CAMERA_H

#include "plane/plane.h"
#include "run/mask.h"
#include "sys/loop.h"

struct camera;
struct camera_watch;

/* Given a picture: its pixels are borrowed until it returns. Must not wait, nor call the plane. False: it could
 * not be taken now, and is to come again at the next moment. */
typedef bool camera_fn(void *arg, const struct frame *frame);

/* loop, plane and mask are borrowed and must outlive it. Watches the plane's damage. */
struct camera *camera_create(struct loop *loop, struct plane *plane, struct mask *mask);
void camera_destroy(struct camera *camera); /* with all its watches; NULL is fine */

/* fps: 1 to 30. The first picture comes with the next turn of the loop, whatever was drawn. */
struct camera_watch *camera_subscribe(struct camera *camera, int fps, camera_fn *fn, void *arg);
void camera_unsubscribe(struct camera_watch *watch); /* NULL is fine; also from its own callback */

/* How long pictures and those who were given them kept the run's thread, in all. */
int64_t camera_spent_us(const struct camera *camera);

/* Pictures are held back because the masks do not fit: whoever stands still with somebody watching looks again
 * (run_observe() with OBSERVE_FRAME). */
bool camera_is_blind(const struct camera *camera);

#endif
