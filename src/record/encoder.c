#include "record/encoder.h"

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavformat/avformat.h>
#include <libavutil/opt.h>
#include <libswscale/swscale.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "record/driver.h"

#define KEY_FRAME_S 5 /* seconds between pictures that can be jumped to */

static const struct encoder_driver *const drivers[] = {&encoder_mp4, &encoder_webm, &encoder_gif};

struct encoder {
    const struct encoder_driver *driver;
    AVFormatContext *file;
    AVCodecContext *codec;
    AVStream *stream;
    struct SwsContext *sws; /* NULL: the driver converts */
    AVFrame *picture;       /* the last one */
    AVPacket *packet;
    bool begun; /* the header is written, and the trailer is not */
    int64_t
        base; /* where our first tick is: behind what we go on with; in the stream's time base */
    char path[PATH_MAX];
};

const char *const *encoder_formats(void)
{
    static const char *formats[ARRAY_SIZE(drivers) + 1];
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        formats[i] = drivers[i]->format;
    return formats;
}

const struct encoder_driver *encoder_find(const char *format)
{
    for (size_t i = 0; i < ARRAY_SIZE(drivers); i++)
        if (!strcmp(drivers[i]->format, format))
            return drivers[i];
    return NULL;
}

unsigned encoder_caps(const char *format)
{
    const struct encoder_driver *d = encoder_find(format);
    return d ? d->caps : 0;
}

int av_failed(struct err *err, int code, const char *what, const char *path)
{
    char why[AV_ERROR_MAX_STRING_SIZE] = "";
    av_strerror(code, why, sizeof(why));
    const char *name = strrchr(path, '/');
    return err_set(err, code == AVERROR(ENOMEM) ? E_NOMEM : E_IO, "%s '%s': %s", what,
                   name ? name + 1 : path, why);
}

/* --- beginning ------------------------------------------------------------------------------- */

static int open_codec(struct encoder *e, const AVCodec *codec, const struct encoder_config *config,
                      struct err *err)
{
    AVCodecContext *c = e->codec = avcodec_alloc_context3(codec);
    AVDictionary *options = NULL;
    if (!c)
        BUG("out of memory");
    c->width = config->width - config->width % e->driver->even;
    c->height = config->height - config->height % e->driver->even;
    c->time_base = (AVRational){1, config->fps};
    c->framerate = (AVRational){config->fps, 1};
    c->gop_size = KEY_FRAME_S * config->fps;
    c->pix_fmt = e->driver->pixels;
    c->thread_count = 1;
    if (!e->driver->convert) {
        c->color_range = AVCOL_RANGE_MPEG; /* what libswscale makes of RGB */
        c->colorspace = AVCOL_SPC_SMPTE170M;
    }
    if (e->file->oformat->flags & AVFMT_GLOBALHEADER)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    av_dict_parse_string(&options, e->driver->codec_options, "=", ":", 0);
    int r = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    return r < 0 ? av_failed(err, r, "cannot encode", e->path) : 0;
}

static int open_file(struct encoder *e, struct err *err)
{
    AVDictionary *options = NULL;
    AVStream *s = e->stream = avformat_new_stream(e->file, NULL);
    if (!s)
        BUG("out of memory");
    s->time_base = e->codec->time_base;
    s->avg_frame_rate = s->r_frame_rate = e->codec->framerate;
    avcodec_parameters_from_context(s->codecpar, e->codec);
    e->file->flags |= AVFMT_FLAG_FLUSH_PACKETS;
    int r = avio_open(&e->file->pb, e->path, AVIO_FLAG_WRITE);
    if (r >= 0) {
        av_dict_parse_string(&options, e->driver->writing, "=", ":", 0);
        r = avformat_write_header(e->file, &options);
        av_dict_free(&options);
    }
    e->begun = r >= 0;
    return r < 0 ? av_failed(err, r, "cannot write", e->path) : 0;
}

static void make_picture(struct encoder *e, const struct encoder_config *config)
{
    AVFrame *f = e->picture = av_frame_alloc();
    e->packet = av_packet_alloc();
    if (!f || !e->packet)
        BUG("out of memory");
    f->format = e->codec->pix_fmt;
    f->width = e->codec->width;
    f->height = e->codec->height;
    f->color_range = e->codec->color_range;
    f->colorspace = e->codec->colorspace;
    if (av_frame_get_buffer(f, 0) < 0)
        BUG("out of memory");
    if (!e->driver->convert)
        e->sws = sws_getContext(f->width, f->height, AV_PIX_FMT_BGR0, f->width, f->height,
                                e->codec->pix_fmt, SWS_POINT, NULL, NULL, NULL);
}

int encoder_create(const char *format, const struct encoder_config *config, struct encoder **out,
                   struct err *err)
{
    const struct encoder_driver *d = encoder_find(format);
    if (!d)
        return err_set(err, E_UNSUPPORTED, "unknown video format '%.40s'", format);
    av_log_set_level(AV_LOG_QUIET); /* what matters comes back as an error */
    const AVCodec *codec = avcodec_find_encoder_by_name(d->codec);
    if (!codec)
        return err_set(err, E_NOT_FOUND, "libavcodec has no encoder '%s'", d->codec);
    struct encoder *e = calloc(1, sizeof(*e));
    if (!e)
        BUG("out of memory");
    e->driver = d;
    snprintf(e->path, sizeof(e->path), "%s", config->path);
    int r = avformat_alloc_output_context2(&e->file, NULL, d->muxer, NULL);
    r = r < 0 ? av_failed(err, r, "cannot write", e->path) : open_codec(e, codec, config, err);
    if (!r)
        r = open_file(e, err);
    if (r) {
        encoder_destroy(e);
        return r;
    }
    make_picture(e, config);
    *out = e;
    return 0;
}

void encoder_destroy(struct encoder *e)
{
    if (!e)
        return;
    sws_freeContext(e->sws);
    av_frame_free(&e->picture);
    av_packet_free(&e->packet);
    avcodec_free_context(&e->codec);
    if (e->begun)
        av_write_trailer(e->file); /* else a muxer may keep what it holds back (gif) */
    if (e->file)
        avio_closep(&e->file->pb);
    avformat_free_context(e->file);
    free(e);
}

/* --- what an earlier writer left ----------------------------------------------------------------
 */

static int open_filter(struct encoder *e, const AVStream *from, AVBSFContext **out)
{
    int r = av_bsf_list_parse_str(e->driver->unpack, out);
    if (r >= 0)
        r = avcodec_parameters_copy((*out)->par_in, from->codecpar);
    if (r < 0)
        return r;
    (*out)->time_base_in = from->time_base;
    return av_bsf_init(*out);
}

static int copy_packet(struct encoder *e, AVBSFContext *filter)
{
    AVPacket *p = e->packet;
    int r = av_bsf_send_packet(filter, p);
    while (r >= 0 && (r = av_bsf_receive_packet(filter, p)) >= 0) {
        av_packet_rescale_ts(p, filter->time_base_out, e->stream->time_base);
        p->stream_index = e->stream->index;
        p->pos = -1;
        if (p->pts + p->duration > e->base)
            e->base = p->pts + p->duration;
        r = av_write_frame(e->file, p);
        av_packet_unref(p);
    }
    return r == AVERROR(EAGAIN) ? 0 : r;
}

static int copy_all(struct encoder *e, AVFormatContext *from, bool (*should_stop)(void *arg),
                    void *arg)
{
    AVBSFContext *filter = NULL;
    int r = open_filter(e, from->streams[0], &filter);
    while (r >= 0 && av_read_frame(from, e->packet) >= 0) {
        if (e->packet->stream_index == 0)
            r = copy_packet(e, filter);
        av_packet_unref(e->packet);
        if (r >= 0 && should_stop && should_stop(arg))
            r = AVERROR_EXIT;
    }
    av_bsf_free(&filter);
    if (r < 0)
        return r;
    r = av_write_frame(e->file, NULL); /* on disk before the file takes the place of the earlier */
    return r < 0 ? r : 0;
}

int encoder_go_on(struct encoder *e, const char *before, bool (*should_stop)(void *arg), void *arg,
                  int64_t *ret_ms, struct err *err)
{
    AVFormatContext *from = NULL;
    *ret_ms = 0;
    if (video_open(before, &from, NULL)) /* killed before its first second was there */
        return 0;
    const AVCodecParameters *p = from->streams[0]->codecpar;
    int width = p->width, height = p->height, r = 0;
    bool fits = width == e->codec->width && height == e->codec->height;
    if (fits)
        r = copy_all(e, from, should_stop, arg);
    avformat_close_input(&from);
    if (!fits)
        return err_set(err, E_CONFLICT, "what is recorded is %dx%d, the screen is %dx%d now", width,
                       height, e->codec->width, e->codec->height);
    if (r == AVERROR_EXIT)
        return err_set(err, E_CANCELLED, "stopped while an earlier recording was taken over");
    if (r < 0)
        return av_failed(err, r, "cannot go on with", before);
    *ret_ms = av_rescale_q(e->base, e->stream->time_base, (AVRational){1, 1000});
    return 0;
}

/* --- pictures -------------------------------------------------------------------------------- */

static void take_in(struct encoder *e, const struct frame *frame)
{
    const uint8_t *from[1] = {frame->pixels};
    const int strides[1] = {frame->stride};
    if (av_frame_make_writable(e->picture) < 0)
        BUG("out of memory");
    if (e->driver->convert)
        e->driver->convert(frame, e->picture);
    else
        sws_scale(e->sws, from, strides, 0, e->picture->height, e->picture->data,
                  e->picture->linesize);
}

/* The packet at its place in the file. */
static int put_packet(struct encoder *e)
{
    AVPacket *p = e->packet;
    p->stream_index = e->stream->index;
    p->duration = 1;
    av_packet_rescale_ts(p, e->codec->time_base, e->stream->time_base);
    p->pts += e->base;
    p->dts += e->base;
    if (e->driver->head && e->base > 0) {
        size_t again = e->driver->head(p->data, (size_t)p->size);
        p->data += again;
        p->size -= (int)again;
    }
    int r = av_write_frame(e->file, p);
    av_packet_unref(p);
    return r;
}

/* frame NULL: the end. */
static int send(struct encoder *e, const AVFrame *frame)
{
    int r = avcodec_send_frame(e->codec, frame);
    while (r >= 0 && (r = avcodec_receive_packet(e->codec, e->packet)) >= 0)
        r = put_packet(e);
    return r == AVERROR(EAGAIN) || r == AVERROR_EOF ? 0 : r;
}

int encoder_write(struct encoder *e, int64_t tick, const struct frame *frame, struct err *err)
{
    if (frame)
        take_in(e, frame);
    e->picture->pts = tick;
    int r = send(e, e->picture);
    if (r < 0)
        return av_failed(err, r, "cannot write", e->path);
    if (avio_tell(e->file->pb) > (int64_t)CAP_VIDEO_BYTES)
        return err_set(err, E_TOOBIG, "the recording has %u MB: no more of it is kept",
                       (unsigned)(CAP_VIDEO_BYTES >> 20));
    return 0;
}

int encoder_finish(struct encoder *e, struct err *err)
{
    int r = send(e, NULL);
    e->begun = false;
    int written = av_write_trailer(e->file);
    r = r < 0 ? r : written;
    if (r >= 0)
        r = avio_closep(&e->file->pb);
    return r < 0 ? av_failed(err, r, "cannot end", e->path) : 0;
}
