/*
 * film.h - the recording of a run: what the runner tells the recorder (record/record.h), and the camera's
 * pictures. All of it is for nobody when nobody records (film NULL).
 *
 * Nothing told here holds a secret: steps are told as they were asked, before an answer was put in, and typed
 * text as dots where the page asks for a password.
 * Threads: loop thread only.
 */
#ifndef MANTIS_RUN_FILM_H
#define MANTIS_RUN_FILM_H

#include "core/action.h"
#include "run/camera.h"
#include "run/run.h"

struct film;
struct step_result;

/* wanted: options.video of the start message, {"format", "fps", "cuts": "both" | "raw" | "polished"}; NULL, or
 * no directory: nobody records. since_us: when the attempt began. run, camera are borrowed until film_end() or film_destroy(). */
struct film *film_begin(struct run *run, struct camera *camera, const json_t *wanted, const char *dir,
                        int64_t since_us);

/* Leaves what there is: another attempt goes on behind it. NULL is fine. */
void film_destroy(struct film *film);

void film_step(struct film *film, const struct run *run);
void film_step_end(struct film *film, const struct run *run, const struct step_result *result);
void film_row(struct film *film, int ordinal, const json_t *row);
/* secret: what is typed is one. */
void film_action(struct film *film, const struct run *run, const struct action *action, bool secret);

/* No picture comes any more: before the plane goes. */
void film_cut(struct film *film);

/* The run is over: the files are put together while others go on. why: in the words of who cancelled it; "" else. */
void film_end(struct film *film, const struct run *run, const struct run_end *end, const char *why);

/* Result `video` (http-api.md section 17); waits for the files until the deadline. NULL: nobody recorded. New
 * reference. */
json_t *film_result(struct film *film, struct loop *loop, int64_t deadline_mono_ms);

#endif
