#include "record/cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"

static void path_of(char out[PATH_MAX], const char *dir, const char *name, const char *end)
{
    snprintf(out, PATH_MAX, "%.3800s/%.100s.%.100s", dir, name, end);
}

static int open_words(const char *dir, const char *name, int64_t length_ms, struct vtt **captions,
                      struct vtt **chapters, struct err *err)
{
    char path[PATH_MAX];
    path_of(path, dir, name, "vtt");
    int r = vtt_open(path, length_ms, captions, err);
    path_of(path, dir, name, "chapters.vtt");
    return r ? r : vtt_open(path, length_ms, chapters, err);
}

int cut_open(struct cut *c, const char *dir, const char *name, const char *format, int fps,
             int width, int height, bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    char next[PATH_MAX];
    *c = (struct cut){.format = format, .fps = fps};
    path_of(c->path, dir, name, format);
    snprintf(next, sizeof(next), "%.4000s.new", c->path);
    const struct encoder_config config = {
        .path = next, .width = width, .height = height, .fps = fps};
    int r = encoder_create(format, &config, &c->encoder, err);
    if (!r)
        r = encoder_go_on(c->encoder, c->path, should_stop, arg, &c->base_ms, err);
    if (!r && rename(next, c->path))
        r = err_sys(err, E_IO, "cannot keep the video");
    if (!r)
        r = open_words(dir, name, c->base_ms, &c->captions, &c->chapters, err);
    if (r) {
        cut_close(c);
        remove(next);
    }
    return r;
}

void cut_close(struct cut *c)
{
    encoder_destroy(c->encoder);
    vtt_close(c->captions);
    vtt_close(c->chapters);
    c->encoder = NULL;
    c->captions = c->chapters = NULL;
}

int cut_write(struct cut *c, const struct frame *frame, struct err *err)
{
    return encoder_write(c->encoder, c->tick++, frame, err);
}

void cut_skip(struct cut *c)
{
    c->tick++;
}

int64_t cut_now_ms(const struct cut *c)
{
    return c->base_ms + c->tick * 1000 / c->fps;
}

void cut_chapter(struct cut *c, const char *text)
{
    vtt_end(c->chapters, cut_now_ms(c), NULL);
    if (text)
        vtt_begin(c->chapters, cut_now_ms(c), text);
}

void cut_caption(struct cut *c, const char *as, const char *text)
{
    vtt_end(c->captions, cut_now_ms(c), as);
    if (text)
        vtt_begin(c->captions, cut_now_ms(c), text);
}

static int keep(const char *path, const char *format, bool (*should_stop)(void *arg), void *arg,
                struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct chapter *chapters;
    size_t base = strlen(path) - strlen(format);
    int n = vtt_read(pool, pool_printf(pool, "%.*schapters.vtt", (int)base, path), &chapters);
    int r = video_keep(format, path, chapters, n, should_stop, arg, err);
    pool_destroy(pool);
    return r;
}

int cut_finish(struct cut *c, bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    cut_caption(c, NULL, NULL);
    cut_chapter(c, NULL);
    int r = encoder_finish(c->encoder, err);
    cut_close(c);
    return r ? r : keep(c->path, c->format, should_stop, arg, err);
}

int cut_mend(const char *dir, const char *name, const char *format, int64_t *ret_length_ms,
             struct err *err)
{
    char path[PATH_MAX], next[PATH_MAX];
    struct vtt *captions = NULL, *chapters = NULL;
    path_of(path, dir, name, format);
    snprintf(next, sizeof(next), "%.4000s.new", path);
    remove(next); /* it had not taken over all yet */
    if (access(path, F_OK))
        return err_set(err, E_NOT_FOUND, "there is no '%.100s.%.100s'", name, format);
    int r = video_length_ms(path, ret_length_ms, err);
    if (!r)
        r = open_words(dir, name, *ret_length_ms, &captions, &chapters, err);
    vtt_close(captions);
    vtt_close(chapters);
    return r ? r : keep(path, format, NULL, NULL, err);
}

static bool tell(json_t *video, const char *prefix, const char *path, int64_t length_ms)
{
    struct stat st;
    char key[64];
    if (length_ms < 0 || stat(path, &st) || st.st_size == 0)
        return false;
    snprintf(key, sizeof(key), "%spath", prefix);
    json_put_str(video, key, strrchr(path, '/') + 1);
    snprintf(key, sizeof(key), "%sbytes", prefix);
    json_put_int(video, key, st.st_size);
    snprintf(key, sizeof(key), "%sduration_seconds", prefix);
    json_put_num(video, key, (double)length_ms / 1000);
    return true;
}

bool cut_tell_all(json_t *video, const char *dir, const char *format, int64_t raw_ms,
                  int64_t polished_ms)
{
    char path[PATH_MAX];
    path_of(path, dir, CUT_POLISHED, format);
    bool polished = tell(video, "polished_", path, polished_ms);
    path_of(path, dir, CUT_RAW, format);
    bool raw = tell(video, "", path, raw_ms);
    if (raw)
        return true;
    json_put_num(video, "duration_seconds", json_num(video, "polished_duration_seconds", 0));
    json_put_int(video, "bytes", json_int(video, "polished_bytes", 0));
    return polished;
}
