#include "record/vtt.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"

struct vtt {
    FILE *file;
};

int vtt_open(const char *path, struct vtt **out, struct err *err)
{
    FILE *f = fopen(path, "ae");
    if (!f)
        return err_sys(err, E_IO, "cannot write the captions");
    if (ftell(f) <= 0 && fseek(f, 0, SEEK_END) == 0 && ftell(f) == 0)
        fputs("WEBVTT\n\n", f);
    struct vtt *v = calloc(1, sizeof(*v));
    if (!v)
        BUG("out of memory");
    v->file = f;
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

void vtt_add(struct vtt *v, int64_t from_ms, int64_t to_ms, const char *text)
{
    put_time(v->file, from_ms);
    fputs(" --> ", v->file);
    put_time(v->file, to_ms);
    fputc('\n', v->file);
    put_text(v->file, text);
    fputs("\n\n", v->file);
    fflush(v->file);
}

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

int vtt_read(struct pool *pool, const char *path, struct chapter *out, int most)
{
    char line[6 * CAP_VIDEO_TEXT_BYTES];
    FILE *f = fopen(path, "re");
    int n = 0;
    while (f && n < most && fgets(line, sizeof(line), f)) {
        int a[4], b[4];
        if (sscanf(line, "%d:%d:%d.%d --> %d:%d:%d.%d", &a[0], &a[1], &a[2], &a[3], &b[0], &b[1],
                   &b[2], &b[3]) != 8 ||
            !fgets(line, sizeof(line), f))
            continue;
        out[n++] = (struct chapter){ms_of(a[0], a[1], a[2], a[3]), ms_of(b[0], b[1], b[2], b[3]),
                                    plain(pool, line)};
    }
    if (f)
        fclose(f);
    return n;
}
