/*
 * encoder.h - pictures in, one video file out. Kinds: "mp4" (H.264), "webm" (VP9), "gif".
 *
 * Time is counted in ticks of 1/fps s. While it is written a file can be played as far as it has come,
 * whatever kills the writer: mp4 in fragments, webm in clusters, gif by nature; each of a second at most.
 * video_keep() makes the file that is kept: it copies what was encoded, and adds length and chapters.
 * Threads: one thread per encoder.
 * Blocks:  for a picture of 1280x720: mp4 5 ms, webm 15 ms, gif 25 ms; 1 to 4 ms for one that is repeated.
 */
#ifndef MANTIS_RECORD_ENCODER_H
#define MANTIS_RECORD_ENCODER_H

#include "base/err.h"
#include "core/frame.h"

struct encoder;

enum encoder_caps {
    ENCODER_HAS_CHAPTERS = 1 << 0,
};

struct encoder_config {
    const char *path;  /* created, or emptied */
    int width, height; /* px; an odd one loses its last row or column where the kind wants even ones */
    int fps;           /* 1 to 30 */
};

/* E_UNSUPPORTED unknown format; E_NOT_FOUND the library was built without its codec; E_IO. */
int encoder_create(const char *format, const struct encoder_config *config, struct encoder **out,
                   struct err *err) MUST_CHECK;
void encoder_destroy(struct encoder *encoder); /* the file stays; NULL is fine */

/* Before the first picture: begins with what is in another file, whose writer may have been killed, as far as it
 * can be read; ticks are counted from its end, *ret_ms. should_stop is asked now and then (E_CANCELLED).
 * E_CONFLICT: its pictures have another size. E_IO. */
int encoder_go_on(struct encoder *encoder, const char *before, bool (*should_stop)(void *arg), void *arg,
                  int64_t *ret_ms, struct err *err) MUST_CHECK;

/* The picture of this tick, which is later than the one before; NULL: the same picture once more. Its masks are
 * not looked at. E_IO; E_TOOBIG: the file has CAP_VIDEO_BYTES. */
int encoder_write(struct encoder *encoder, int64_t tick, const struct frame *frame, struct err *err) MUST_CHECK;

/* Nothing comes any more: all of it is in the file. Once. */
int encoder_finish(struct encoder *encoder, struct err *err) MUST_CHECK;

struct chapter {
    int64_t from_ms, to_ms;
    const char *title;
};

/* The file at path, whose writer may have been killed, becomes one that is whole, with chapters where the kind has
 * them: it is replaced at once when all is done. should_stop is asked now and then (E_CANCELLED). */
int video_keep(const char *format, const char *path, const struct chapter *chapters, int n_chapters,
               bool (*should_stop)(void *arg), void *arg, struct err *err) MUST_CHECK;

/* How long a file plays, by what is in it: also one whose writer was killed. E_IO. */
int video_length_ms(const char *path, int64_t *ret_ms, struct err *err) MUST_CHECK;

/* Names of all kinds, NULL-terminated. */
const char *const *encoder_formats(void);
unsigned encoder_caps(const char *format); /* enum encoder_caps */

#endif
