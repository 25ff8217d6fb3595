#include "tools/video.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit/test.h"

/* What a command prints: malloc'ed, with a NUL behind it. */
static unsigned char *output_of(const char *line, size_t most, size_t *ret_len)
{
    unsigned char *data = calloc(1, most + 1);
    FILE *f = popen(line, "r");
    assert_non_null(data);
    assert_non_null(f);
    *ret_len = fread(data, 1, most, f);
    pclose(f);
    return data;
}

json_t *video_probe(const char *path)
{
    char line[600];
    size_t len;
    snprintf(
        line, sizeof(line),
        "ffprobe -v error -count_frames -show_streams -show_format -show_chapters -of json '%s'",
        path);
    unsigned char *text = output_of(line, 1 << 20, &len);
    json_t *doc = json_loads((char *)text, 0, NULL);
    free(text);
    assert_non_null(doc);
    return doc;
}

const json_t *video_stream(const json_t *probed)
{
    return json_array_get(json_object_get(probed, "streams"), 0);
}

double video_number(const json_t *object, const char *key)
{
    return atof(json_str(object, key, "-1"));
}

double video_seconds(const json_t *probed)
{
    return video_number(json_object_get(probed, "format"), "duration");
}

unsigned char *video_picture(const char *path, double seconds, int width, int height)
{
    char line[600];
    size_t want = (size_t)width * (size_t)height * 3, len;
    snprintf(line, sizeof(line),
             "ffmpeg -v error -i '%s' -ss %.3f -frames:v 1 -f rawvideo -pix_fmt rgb24 - </dev/null",
             path, seconds);
    unsigned char *rgb = output_of(line, want, &len);
    assert_int_equal(len, want);
    return rgb;
}
