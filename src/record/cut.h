/*
 * cut.h - one cut of a recording: its video, captions and chapters, and what earlier attempts left of them.
 * Threads: the encoder's.
 */
#ifndef MANTIS_RECORD_CUT_H
#define MANTIS_RECORD_CUT_H

#include <limits.h>

#include "base/caps.h"
#include "record/vtt.h"

#define CUT_PARTS 32 /* attempts that are joined; later ones replace the last */

struct cut {
    const char *format;
    int fps;
    char path[PATH_MAX]; /* of the video */
    struct encoder *encoder; /* NULL: it is over */
    struct vtt *captions, *chapters;
    int n_parts;     /* of earlier attempts: path.1, path.2 ... */
    int64_t base_ms; /* how long they play */
    int64_t tick;    /* the next */
    struct {
        int64_t from_ms;
        char text[CAP_VIDEO_TEXT_BYTES]; /* "": none is open */
    } caption, chapter;
};

/* E_IO, E_NOT_FOUND (encoder.h). */
int cut_open(struct cut *cut, const char *dir, const char *name, const char *format, int fps, int width, int height,
             struct err *err) MUST_CHECK;
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

#endif
