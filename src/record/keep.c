/* keep.c - the file that is kept: what was encoded, copied packet by packet. */
#include <libavformat/avformat.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "record/driver.h"

struct keep {
    AVFormatContext *out;
    AVStream *stream;
    bool begun; /* the header is written */
    AVPacket *packet;
    bool (*should_stop)(void *arg);
    void *arg;
};

int video_open(const char *path, AVFormatContext **out, struct err *err)
{
    av_log_set_level(AV_LOG_QUIET); /* what matters comes back as an error */
    int r = avformat_open_input(out, path, NULL, NULL);
    if (r >= 0)
        (*out)->flags |= AVFMT_FLAG_DISCARD_CORRUPT; /* half a picture, where its writer was killed */
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

static int begin(struct keep *k, const struct encoder_driver *d, const AVFormatContext *part,
                 const char *path)
{
    const AVStream *from = part->streams[0];
    AVDictionary *options = NULL;
    AVStream *s = k->stream = avformat_new_stream(k->out, NULL);
    if (!s)
        BUG("out of memory");
    avcodec_parameters_copy(s->codecpar, from->codecpar);
    s->codecpar->codec_tag = 0;
    s->time_base = from->time_base;
    s->avg_frame_rate = from->avg_frame_rate;
    s->r_frame_rate = from->r_frame_rate;
    int r = avio_open(&k->out->pb, path, AVIO_FLAG_WRITE);
    av_dict_parse_string(&options, d->keeping, "=", ":", 0);
    if (r >= 0)
        r = avformat_write_header(k->out, &options);
    av_dict_free(&options);
    k->begun = r >= 0;
    return r;
}

/* A file whose writer was killed ends in the middle of something: what was whole is taken. */
static int copy(struct keep *k, AVFormatContext *part)
{
    int r = 0;
    while (r >= 0 && av_read_frame(part, k->packet) >= 0) {
        AVPacket *p = k->packet;
        av_packet_rescale_ts(p, part->streams[0]->time_base, k->stream->time_base);
        p->pos = -1;
        if (p->stream_index == 0)
            r = av_write_frame(k->out, p);
        av_packet_unref(p);
        if (k->should_stop && k->should_stop(k->arg))
            r = AVERROR_EXIT;
    }
    return r;
}

static int write_whole(struct keep *k, const struct encoder_driver *d, AVFormatContext *part,
                       const char *to, struct err *err)
{
    int r = begin(k, d, part, to);
    if (r >= 0)
        r = copy(k, part);
    if (k->begun) { /* also of what is given up: it lets go of what it holds */
        int written = av_write_trailer(k->out);
        r = r < 0 ? r : written;
    }
    if (r == AVERROR_EXIT)
        return err_set(err, E_CANCELLED, "stopped while the video was put together");
    return r < 0 ? av_failed(err, r, "cannot write", to) : 0;
}

int video_keep(const char *format, const char *path, const struct chapter *chapters, int n_chapters,
               bool (*should_stop)(void *arg), void *arg, struct err *err)
{
    const struct encoder_driver *d = encoder_find(format);
    struct keep k = {.should_stop = should_stop, .arg = arg, .packet = av_packet_alloc()};
    AVFormatContext *part = NULL;
    char whole[PATH_MAX];
    if (!k.packet)
        BUG("out of memory");
    snprintf(whole, sizeof(whole), "%.4000s.whole", path);
    int r = d ? video_open(path, &part, err)
              : err_set(err, E_UNSUPPORTED, "unknown video format '%.40s'", format);
    if (!r) {
        int code = avformat_alloc_output_context2(&k.out, NULL, d->muxer, whole);
        r = code < 0 ? av_failed(err, code, "cannot write", path) : 0;
    }
    if (!r && (d->caps & ENCODER_HAS_CHAPTERS))
        add_chapters(k.out, chapters, n_chapters);
    if (!r)
        r = write_whole(&k, d, part, whole, err);
    if (k.out)
        avio_closep(&k.out->pb);
    avformat_free_context(k.out);
    avformat_close_input(&part);
    av_packet_free(&k.packet);
    if (!r && rename(whole, path))
        r = err_sys(err, E_IO, "cannot keep the video");
    if (r)
        remove(whole);
    return r;
}

int video_length_ms(const char *path, int64_t *ret_ms, struct err *err)
{
    AVFormatContext *part = NULL;
    int r = video_open(path, &part, err);
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
