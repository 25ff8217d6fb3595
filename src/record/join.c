/* join.c - the file that is kept: what was encoded, copied packet by packet. */
#include <libavformat/avformat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "record/driver.h"

struct join {
    const struct encoder_driver *driver;
    AVFormatContext *out;
    AVStream *stream;
    AVPacket *packet;
    int64_t base; /* where the part under way begins, in the stream's time base */
    int64_t end;  /* of what is written */
    bool (*should_stop)(void *arg);
    void *arg;
};

static int open_part(const char *path, AVFormatContext **out, struct err *err)
{
    int r = avformat_open_input(out, path, NULL, NULL);
    if (r >= 0 && (r = avformat_find_stream_info(*out, NULL)) >= 0 && !(*out)->nb_streams)
        r = AVERROR_INVALIDDATA;
    if (r >= 0)
        return 0;
    avformat_close_input(out);
    return av_failed(err, r, "cannot read", path);
}

static void add_chapters(AVFormatContext *out, const struct chapter *chapters, int n)
{
    n = n < CAP_VIDEO_CHAPTERS ? n : CAP_VIDEO_CHAPTERS;
    out->chapters = n ? av_calloc((size_t)n, sizeof(AVChapter *)) : NULL;
    for (int i = 0; i < n; i++) {
        AVChapter *c = out->chapters[i] = av_mallocz(sizeof(*c));
        if (!c)
            BUG("out of memory");
        *c = (AVChapter){.id = i,
                         .time_base = {1, 1000},
                         .start = chapters[i].from_ms,
                         .end = chapters[i].to_ms};
        av_dict_set(&c->metadata, "title", chapters[i].title, 0);
        out->nb_chapters++;
    }
}

static int begin(struct join *j, const AVFormatContext *first, const char *path)
{
    const AVStream *from = first->streams[0];
    AVDictionary *options = NULL;
    AVStream *s = j->stream = avformat_new_stream(j->out, NULL);
    if (!s)
        BUG("out of memory");
    avcodec_parameters_copy(s->codecpar, from->codecpar);
    s->codecpar->codec_tag = 0;
    s->time_base = from->time_base;
    s->avg_frame_rate = from->avg_frame_rate;
    s->r_frame_rate = from->r_frame_rate;
    int r = avio_open(&j->out->pb, path, AVIO_FLAG_WRITE);
    av_dict_parse_string(&options, j->driver->keeping, "=", ":", 0);
    if (r >= 0)
        r = avformat_write_header(j->out, &options);
    av_dict_free(&options);
    return r;
}

/* A file whose writer was killed ends in the middle of something: what was whole is taken. */
static int copy_part(struct join *j, AVFormatContext *part)
{
    int r = 0;
    while (r >= 0 && av_read_frame(part, j->packet) >= 0) {
        AVPacket *p = j->packet;
        bool video = p->stream_index == 0;
        av_packet_rescale_ts(p, part->streams[0]->time_base, j->stream->time_base);
        p->pts += j->base;
        p->dts += j->base;
        p->pos = -1;
        if (j->driver->head && j->end > 0 && p->size > 0) {
            size_t extra = j->driver->head(p->data, (size_t)p->size);
            p->data += extra;
            p->size -= (int)extra;
        }
        if (video && p->pts + p->duration > j->end)
            j->end = p->pts + p->duration;
        if (video)
            r = av_write_frame(j->out, p);
        av_packet_unref(p);
        if (j->should_stop && j->should_stop(j->arg))
            r = AVERROR_EXIT;
    }
    j->base = j->end;
    return r;
}

static int join_all(struct join *j, const char *const *parts, int n, const char *to,
                    struct err *err)
{
    int r = 0, code = 0;
    for (int i = 0; !r && code >= 0 && i < n; i++) {
        AVFormatContext *part = NULL;
        struct err why = {0};
        if (open_part(parts[i], &part, &why)) { /* killed before its first second was there */
            r = i + 1 == n && !j->stream ? err_set(err, E_IO, "%s", why.msg) : 0;
            continue;
        }
        if (!j->stream)
            code = begin(j, part, to);
        if (code >= 0)
            code = copy_part(j, part);
        avformat_close_input(&part);
    }
    if (!r && code >= 0)
        code = av_write_trailer(j->out);
    if (code == AVERROR_EXIT)
        return err_set(err, E_CANCELLED, "stopped while the video was put together");
    return r ? r : code < 0 ? av_failed(err, code, "cannot write", to) : 0;
}

int video_join(const char *format, const char *const *parts, int n_parts,
               const struct chapter *chapters, int n_chapters, const char *path,
               bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    const struct encoder_driver *d = encoder_find(format);
    struct join j = {
        .driver = d, .should_stop = should_stop, .arg = arg, .packet = av_packet_alloc()};
    char whole[PATH_MAX];
    if (!d || !j.packet)
        return err_set(err, E_UNSUPPORTED, "unknown video format '%.40s'", format);
    snprintf(whole, sizeof(whole), "%s.whole", path);
    int r = avformat_alloc_output_context2(&j.out, NULL, d->muxer, whole);
    r = r < 0 ? av_failed(err, r, "cannot write", path) : 0;
    if (!r && (d->caps & ENCODER_HAS_CHAPTERS))
        add_chapters(j.out, chapters, n_chapters);
    if (!r)
        r = join_all(&j, parts, n_parts, whole, err);
    if (j.out)
        avio_closep(&j.out->pb);
    avformat_free_context(j.out);
    av_packet_free(&j.packet);
    if (!r && rename(whole, path))
        r = err_sys(err, E_IO, "cannot keep the video");
    if (r)
        remove(whole);
    return r;
}

int video_length_ms(const char *path, int64_t *ret_ms, struct err *err)
{
    AVFormatContext *part = NULL;
    int r = open_part(path, &part, err);
    if (r)
        return r;
    AVPacket *p = av_packet_alloc();
    int64_t end = 0;
    while (p && av_read_frame(part, p) >= 0) {
        if (p->stream_index == 0 && p->pts + p->duration > end)
            end = p->pts + p->duration;
        av_packet_unref(p);
    }
    *ret_ms = av_rescale_q(end, part->streams[0]->time_base, (AVRational){1, 1000});
    av_packet_free(&p);
    avformat_close_input(&part);
    return 0;
}
