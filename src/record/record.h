/*
 * record.h - the screencast of a run: what the screen showed (raw), and the same with a title card, captions,
 * marks of what hands did and an outro (polished).
 *
 * Files in dir: recording.FORMAT and recording_polished.FORMAT, written while the run goes and playable at any
 * moment (encoder.h), put together at the end; beside each .vtt (captions) and .chapters.vtt. A later attempt of
 * the run goes on behind what an earlier one left.
 * Everything that is told is borrowed, comes with the time at which it is told, and never waits: what finds no
 * room is left out. An error ends the recording, never the run.
 * Threads: told by one thread (the loop's); one more encodes. They meet in queues (sys/queue.h) alone.
 * Costs:   0.4 ms a picture for who tells it; up to CAP_VIDEO_FRAMES pictures of memory.
 */
#ifndef MANTIS_RECORD_RECORD_H
#define MANTIS_RECORD_RECORD_H

#include "base/json.h"
#include "record/draw.h"
#include "sys/loop.h"

struct recorder;

enum record_cuts {
    RECORD_RAW = 1 << 0,
    RECORD_POLISHED = 1 << 1,
};

struct recorder_config {
    const char *dir;
    const char *format; /* encoder.h */
    int fps;            /* 1 to 30 */
    unsigned cuts;      /* enum record_cuts; an encoder each */
    int width, height;  /* of the screen, px */
    int64_t start_us;   /* clock_mono_us() of its first moment, shown as the first picture is; 0: now */
    const char *display; /* its name, for an error */
    const struct slide *title;
};

/* What goes wrong is told by recorder_result(). */
struct recorder *recorder_create(const struct recorder_config *config);

/* Stops at once, when it is not over yet: what is written stays, playable. NULL is fine. */
void recorder_destroy(struct recorder *recorder);

/* A picture of the screen. False: no room. */
bool recorder_frame(struct recorder *recorder, const struct frame *frame);

/* What a hand does; at_us is set here. */
void recorder_mark(struct recorder *recorder, const struct mark *mark);

/* What is done from here on: a caption, and a chapter. */
void recorder_step(struct recorder *recorder, const char *caption);
/* How that ended: "[OK] ..." or "[FAIL] ...". */
void recorder_step_end(struct recorder *recorder, const char *caption);
/* A chapter within it: a row that was extracted. */
void recorder_row(struct recorder *recorder, const char *title);

/* The run is over; the outro, and the files are put together. */
void recorder_end(struct recorder *recorder, const struct slide *outro);

/* Until that is done. E_TIMEOUT, E_CANCELLED. */
int recorder_wait(struct recorder *recorder, struct loop *loop, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

/* Result `video` of http-api.md section 17, after recorder_wait(). Whatever happened; stops what still goes on.
 * path and polished_path are file names in dir. New reference. */
json_t *recorder_result(struct recorder *recorder);

#endif
