#include "record/cut.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"

static void part_path(const struct cut *c, int i, char out[PATH_MAX])
{
    snprintf(out, PATH_MAX, "%.4000s.%d", c->path, i);
}

/* What an attempt left that was killed. */
static void take_over(struct cut *c)
{
    char part[PATH_MAX];
    int64_t ms;
    while (c->n_parts < CUT_PARTS) {
        part_path(c, c->n_parts + 1, part);
        if (access(part, F_OK))
            break;
        c->n_parts++;
    }
    if (!access(c->path, F_OK) && c->n_parts < CUT_PARTS) {
        part_path(c, ++c->n_parts, part);
        if (rename(c->path, part))
            c->n_parts--;
    }
    for (int i = 1; i <= c->n_parts; i++) {
        part_path(c, i, part);
        c->base_ms += video_length_ms(part, &ms, NULL) ? 0 : ms;
    }
}

static int open_vtt(const struct cut *c, const char *base, const char *end, struct vtt **out,
                    struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof(path), "%.4000s%s", base, end);
    return vtt_open(path, out, err);
}

int cut_open(struct cut *c, const char *dir, const char *name, const char *format, int fps,
             int width, int height, struct err *err)
{
    char base[PATH_MAX];
    *c = (struct cut){.format = format, .fps = fps};
    snprintf(base, sizeof(base), "%.3900s/%s", dir, name);
    snprintf(c->path, sizeof(c->path), "%.4000s.%s", base, format);
    take_over(c);
    const struct encoder_config config = {
        .path = c->path, .width = width, .height = height, .fps = fps};
    int r = encoder_create(format, &config, &c->encoder, err);
    if (!r)
        r = open_vtt(c, base, ".vtt", &c->captions, err);
    if (!r)
        r = open_vtt(c, base, ".chapters.vtt", &c->chapters, err);
    if (r)
        cut_close(c);
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
    int64_t now = cut_now_ms(c), from = c->chapter.from_ms;
    if (*c->chapter.text && now <= from)
        now = from + 1; /* players want chapters to begin one after the other */
    if (*c->chapter.text)
        vtt_add(c->chapters, from, now, c->chapter.text);
    c->chapter.from_ms = now;
    snprintf(c->chapter.text, sizeof(c->chapter.text), "%s", text ? text : "");
}

/* One that was there for no tick is a millisecond long: it happened. */
void cut_caption(struct cut *c, const char *as, const char *text)
{
    int64_t now = cut_now_ms(c), from = c->caption.from_ms;
    if (*c->caption.text)
        vtt_add(c->captions, from, now > from ? now : from + 1, as ? as : c->caption.text);
    c->caption.from_ms = now;
    snprintf(c->caption.text, sizeof(c->caption.text), "%s", text ? text : "");
}

static void forget_parts(const struct cut *c)
{
    char part[PATH_MAX];
    for (int i = 1; i <= c->n_parts; i++) {
        part_path(c, i, part);
        unlink(part);
    }
}

static int join_parts(struct cut *c, bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct chapter *chapters = pool_alloc(pool, CAP_VIDEO_CHAPTERS * sizeof(*chapters));
    const char *parts[CUT_PARTS + 1];
    char list[PATH_MAX];
    size_t base = strlen(c->path) - strlen(c->format) - 1;
    for (int i = 0; i < c->n_parts; i++)
        parts[i] = pool_printf(pool, "%s.%d", c->path, i + 1);
    parts[c->n_parts] = c->path;
    snprintf(list, sizeof(list), "%.*s.chapters.vtt", (int)base, c->path);
    int n = vtt_read(pool, list, chapters, CAP_VIDEO_CHAPTERS);
    int r =
        video_join(c->format, parts, c->n_parts + 1, chapters, n, c->path, should_stop, arg, err);
    if (!r)
        forget_parts(c);
    pool_destroy(pool);
    return r;
}

int cut_finish(struct cut *c, bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    cut_caption(c, NULL, NULL);
    cut_chapter(c, NULL);
    int r = encoder_finish(c->encoder, err);
    cut_close(c);
    return r ? r : join_parts(c, should_stop, arg, err);
}
