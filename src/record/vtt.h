/*
 * vtt.h - what is said when, beside a video: WebVTT (W3C), one file of captions and one of chapters.
 *
 * Written line by line while the video is, so that it is there when the writer is killed; the next writer goes
 * on behind it.
 */
#ifndef MANTIS_RECORD_VTT_H
#define MANTIS_RECORD_VTT_H

#include "base/err.h"
#include "base/pool.h"
#include "record/encoder.h"

struct vtt;

/* Goes on with what is there, or begins. E_IO. */
int vtt_open(const char *path, struct vtt **out, struct err *err) MUST_CHECK;
void vtt_close(struct vtt *vtt); /* NULL is fine */

/* Text is put on one line. What cannot be written is left out. */
void vtt_add(struct vtt *vtt, int64_t from_ms, int64_t to_ms, const char *text);

/* What vtt_add() wrote, at most `most` of it; none where there is no file. Strings live in pool. */
int vtt_read(struct pool *pool, const char *path, struct chapter *out, int most);

#endif
