/*
 * video.h - a video as a player sees it: asked of ffprobe and ffmpeg. For tests; fails them.
 */
#ifndef MANTIS_TESTS_VIDEO_H
#define MANTIS_TESTS_VIDEO_H

#include "base/json.h"

/* What ffprobe says of streams, format and chapters, frames counted. New reference. */
json_t *video_probe(const char *path);
const json_t *video_stream(const json_t *probed); /* its first */
double video_number(const json_t *object, const char *key); /* numbers are text there; -1: none */
double video_seconds(const json_t *probed);

/* The picture at a time, as width * height * 3 bytes of RGB; malloc'ed. */
unsigned char *video_picture(const char *path, double seconds, int width, int height);

#endif
