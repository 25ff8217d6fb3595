#include "record/vtt.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/str.h"

/* The latest time that is written: the end of what goes on. */
#define FOR_GOOD_MS (INT64_C(100) * 3600 * 1000 - 1)

struct vtt {
    FILE *file;
    long at; /* of the open cue in the file */
    bool open;
    int64_t from_ms; /* of the open one */
    int64_t end_ms;  /* of the last one */
    char text[CAP_VIDEO_TEXT_BYTES];
};

static void put_time(FILE *f, int64_t ms)
{
    fprintf(f, "%02" PRId64 ":%02" PRId64 ":%02" PRId64 ".%03" PRId64, ms / 3600000,
            ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
}

/* "&" and "<" begin something (WebVTT 4.2.2), and "-->" must not occur. */
static void put_text(FILE *f, const char *text)
{
    for (; *text; text++) {
        const char *as = *text == '&'   ? "&amp;"
                         : *text == '<' ? "&lt;"
                         : *text == '>' ? "&gt;"
                                        : NULL;
        if (as)
            fputs(as, f);
        else
            fputc((unsigned char)*text < ' ' ? ' ' : *text, f);
    }
}

static void put_cue(FILE *f, int64_t from_ms, int64_t to_ms, const char *text)
{
    put_time(f, from_ms);
    fputs(" --> ", f);
    put_time(f, to_ms);
    fputc('\n', f);
    put_text(f, text);
    fputs("\n\n", f);
}

/* --- reading ------------------------------------------------------------------------------------
 */

static int64_t ms_of(int h, int m, int s, int ms)
{
    return ((h * 60LL + m) * 60 + s) * 1000 + ms;
}

/* What put_text() put. */
static char *plain(struct pool *pool, const char *line)
{
    static const char *const marks[][2] = {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}};
    char *out = pool_strdup(pool, line), *to = out;
    out[strcspn(out, "\n")] = 0;
    for (const char *at = out; *at;) {
        size_t i = 0;
        while (i < ARRAY_SIZE(marks) && !str_starts(at, marks[i][0]))
            i++;
        *to++ = i < ARRAY_SIZE(marks) ? *marks[i][1] : *at;
        at += i < ARRAY_SIZE(marks) ? strlen(marks[i][0]) : 1;
    }
    *to = 0;
    return out;
}

static struct chapter *grow(struct pool *pool, struct chapter *cues, int n)
{
    struct chapter *more = pool_alloc(pool, (size_t)(n ? 2 * n : 64) * sizeof(*more));
    if (n)
        memcpy(more, cues, (size_t)n * sizeof(*more));
    return more;
}

int vtt_read(struct pool *pool, const char *path, struct chapter **ret_cues)
{
    char line[6 * CAP_VIDEO_TEXT_BYTES];
    FILE *f = fopen(path, "re");
    int n = 0, room = 0;
    *ret_cues = NULL;
    while (f && fgets(line, sizeof(line), f)) {
        int a[4], b[4];
        if (sscanf(line, "%d:%d:%d.%d --> %d:%d:%d.%d", &a[0], &a[1], &a[2], &a[3], &b[0], &b[1],
                   &b[2], &b[3]) != 8 ||
            !fgets(line, sizeof(line), f))
            continue;
        if (n == room) {
            *ret_cues = grow(pool, *ret_cues, n);
            room = n ? 2 * n : 64;
        }
        (*ret_cues)[n++] = (struct chapter){ms_of(a[0], a[1], a[2], a[3]),
                                            ms_of(b[0], b[1], b[2], b[3]), plain(pool, line)};
    }
    if (f)
        fclose(f);
    return n;
}

/* --- writing ------------------------------------------------------------------------------------
 */

/* What the video does not show any more happened in its last milliseconds, one each. */
static void end_with_video(struct chapter *cues, int n, int64_t length_ms)
{
    int64_t limit = length_ms;
    for (int i = n - 1; i >= 0; i--) {
        struct chapter *c = &cues[i];
        if (c->to_ms > limit)
            c->to_ms = limit;
        if (c->from_ms >= limit)
            limit = c->from_ms = limit > 0 ? limit - 1 : 0;
    }
}

static int64_t put_all(FILE *f, const char *path, int64_t length_ms)
{
    struct pool *pool = pool_create(NULL);
    struct chapter *cues;
    int n = length_ms > 0 ? vtt_read(pool, path, &cues) : 0;
    int64_t end = 0;
    fputs("WEBVTT\n\n", f);
    end_with_video(cues, n, length_ms);
    for (int i = 0; i < n; i++)
        put_cue(f, cues[i].from_ms, cues[i].to_ms, cues[i].title);
    if (n)
        end = cues[n - 1].to_ms;
    pool_destroy(pool);
    return end;
}

int vtt_open(const char *path, int64_t length_ms, struct vtt **out, struct err *err)
{
    char next[PATH_MAX];
    snprintf(next, sizeof(next), "%.4000s.new", path);
    FILE *f = fopen(next, "we");
    if (!f)
        return err_sys(err, E_IO, "cannot write the captions");
    int64_t end = put_all(f, path, length_ms);
    if (fflush(f) || rename(next, path)) {
        int r = err_sys(err, E_IO, "cannot write the captions");
        fclose(f);
        remove(next);
        return r;
    }
    struct vtt *v = calloc(1, sizeof(*v));
    if (!v)
        BUG("out of memory");
    v->file = f;
    v->end_ms = end;
    *out = v;
    return 0;
}

void vtt_close(struct vtt *v)
{
    if (!v)
        return;
    fclose(v->file);
    free(v);
}

void vtt_begin(struct vtt *v, int64_t at_ms, const char *text)
{
    vtt_end(v, at_ms, NULL);
    v->open = true;
    v->from_ms = at_ms > v->end_ms ? at_ms : v->end_ms;
    snprintf(v->text, sizeof(v->text), "%s", text);
    v->at = ftell(v->file);
    put_cue(v->file, v->from_ms, FOR_GOOD_MS, text);
    fflush(v->file);
}

/* In place of what was written when it began. */
void vtt_end(struct vtt *v, int64_t at_ms, const char *as)
{
    if (!v->open)
        return;
    v->open = false;
    v->end_ms = at_ms > v->from_ms ? at_ms : v->from_ms + 1;
    if (v->at < 0 || fseek(v->file, v->at, SEEK_SET))
        return;
    put_cue(v->file, v->from_ms, v->end_ms, as ? as : v->text);
    fflush(v->file);
    if (ftruncate(fileno(v->file), ftell(v->file)))
        return; /* the rest is no cue: readers pass over it */
}
