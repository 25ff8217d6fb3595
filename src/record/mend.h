/*
 * mend.h - what a writer that was killed left, made whole (`mantis-worker --mend`, docs/video.md).
 * Threads: any one.
 * Blocks:  for as long as the files are copied: 0.1 s, and a second for each 500 MB or so.
 */
#ifndef MANTIS_RECORD_MEND_H
#define MANTIS_RECORD_MEND_H

#include "base/err.h"

/* In the directory of the recording: a result's `video` of what was mended. */
#define MEND_FILE "mended.json"

/* Each cut in dir becomes one whole file, captions and chapters end with it, and MEND_FILE says so. E_NOT_FOUND:
 * there is none; E_IO. */
int mend_recording(const char *dir, struct err *err) MUST_CHECK;

/* Another writer goes on: MEND_FILE goes. */
void mend_forget(const char *dir);

#endif
