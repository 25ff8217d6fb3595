/*
 * cut.h - one cut of a recording: its video, captions and chapters, and what earlier attempts left of them.
 * Threads: the encoder's.
 */
#ifndef MANTIS_RECORD_CUT_H
#define MANTIS_RECORD_CUT_H

#include <limits.h>

#include "base/caps.h"
#include "base/json.h"
#include "record/vtt.h"

/* Names of the two, without what says their format. */
#define CUT_RAW "recording"
#define CUT_POLISHED "recording_polished"

struct cut {
    const char *format;
    int fps;
    char path[PATH_MAX]; /* of the video */
    struct encoder *encoder; /* NULL: it is over */
    struct vtt *captions, *chapters;
    int64_t base_ms; /* how long what earlier attempts left plays */
    int64_t tick;    /* the next */
};

/* The file begins with what earlier attempts left, which stays in its place until that is copied. E_IO,
 * E_NOT_FOUND, E_CONFLICT, E_CANCELLED (encoder.h). */
int cut_open(struct cut *cut, const char *dir, const char *name, const char *format, int fps, int width, int height,
             bool (*should_stop)(void *arg), void *arg, struct err *err) MUST_CHECK;
void cut_close(struct cut *cut); /* the files stay as they are */

/* The next tick shows frame; NULL: the same as before. */
int cut_write(struct cut *cut, const struct frame *frame, struct err *err) MUST_CHECK;
/* The next tick is not shown: the one before lasts longer. */
void cut_skip(struct cut *cut);

int64_t cut_now_ms(const struct cut *cut);

/* A chapter begins, and the one before ends. text NULL: none does. */
void cut_chapter(struct cut *cut, const char *text);
/* A caption begins; the one before ends, and is kept as `as`. Either may be NULL. */
void cut_caption(struct cut *cut, const char *as, const char *text);

/* Nothing comes any more: the file that is kept. */
int cut_finish(struct cut *cut, bool (*should_stop)(void *arg), void *arg, struct err *err) MUST_CHECK;

/* What a writer that was killed left in dir becomes what cut_finish() would have kept. E_NOT_FOUND: nothing; E_IO. */
int cut_mend(const char *dir, const char *name, const char *format, int64_t *ret_length_ms, struct err *err) MUST_CHECK;

/* Into a result's `video`: the cuts of dir, and how long they play; -1: a cut is not told of. duration_seconds and
 * bytes are of the raw one, else of the polished. False: there is none. */
bool cut_tell_all(json_t *video, const char *dir, const char *format, int64_t raw_ms, int64_t polished_ms);

#endif
