/*
 * vtt.h - what is said when, beside a video: WebVTT (W3C), one file of captions and one of chapters.
 *
 * Written while the video is, each from its beginning on, so that it is there when the writer is killed; the next
 * writer goes on behind it. Cues follow each other and never overlap.
 */
#ifndef MANTIS_RECORD_VTT_H
#define MANTIS_RECORD_VTT_H

#include "base/err.h"
#include "base/pool.h"
#include "record/encoder.h"

struct vtt;

/* Goes on with what is there, or begins. What is there ends with the video, which plays for length_ms: a writer
 * that was killed had said more than its video shows. E_IO. */
int vtt_open(const char *path, int64_t length_ms, struct vtt **out, struct err *err) MUST_CHECK;
void vtt_close(struct vtt *vtt); /* what is open stays so; NULL is fine */

/* From at_ms on, or from where the one before ends: for good, until vtt_end(). Text is put on one line. */
void vtt_begin(struct vtt *vtt, int64_t at_ms, const char *text);
/* What began ends, after a millisecond at least: it happened. as: what it is kept as; NULL: as it began. */
void vtt_end(struct vtt *vtt, int64_t at_ms, const char *as);

/* All that is in a file; none where there is no file. Array and strings live in pool. */
int vtt_read(struct pool *pool, const char *path, struct chapter **ret_cues);

#endif
