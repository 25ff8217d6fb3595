/* Every kind of video file, asked of ffprobe and ffmpeg: what players will say of it. */
#include "unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "record/encoder.h"
#include "sys/file.h"
#include "tools/video.h"

enum { W = 1280, H = 720, FPS = 5, TICKS = 20 };

struct place {
    char dir[64];
    char path[128];
    const char *format;
    uint8_t *pixels;
};

static void begin(struct place *p, const char *format)
{
    snprintf(p->dir, sizeof(p->dir), "/tmp/mantis-encoder-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->path, sizeof(p->path), "%s/video.%s", p->dir, format);
    p->format = format;
    p->pixels = malloc((size_t)W * H * 4);
    assert_non_null(p->pixels);
}

static void end(struct place *p)
{
    unlink(p->path);
    assert_int_equal(rmdir(p->dir), 0); /* nothing else is left */
    free(p->pixels);
}

/* A grey that tells the tick. */
static struct frame frame_of(struct place *p, int tick)
{
    memset(p->pixels, 20 + 10 * tick, (size_t)W * H * 4);
    return (struct frame){.width = W, .height = H, .stride = W * 4, .pixels = p->pixels};
}

/* Every second picture is a repeated one. */
static void write_to(struct place *p, struct encoder *e, int n)
{
    struct err err = {0};
    for (int i = 0; i < n; i++) {
        struct frame f = frame_of(p, i);
        assert_int_equal(encoder_write(e, i, i % 2 ? NULL : &f, &err), 0);
    }
}

static struct encoder *open_encoder(struct place *p, const char *path)
{
    struct encoder *e;
    const struct encoder_config config = {.path = path, .width = W, .height = H, .fps = FPS};
    assert_int_equal(encoder_create(p->format, &config, &e, NULL), 0);
    return e;
}

static struct encoder *write_ticks(struct place *p, const char *path, int n)
{
    struct encoder *e = open_encoder(p, path);
    write_to(p, e, n);
    return e;
}

static void whole(struct place *p, const char *path, int n)
{
    struct encoder *e = write_ticks(p, path, n);
    assert_int_equal(encoder_finish(e, NULL), 0);
    encoder_destroy(e);
}

/* The grey in the middle of the picture at a time. */
static int grey_at(const char *path, double s)
{
    unsigned char *rgb = video_picture(path, s, W, H);
    int grey = rgb[3 * (H / 2 * W + W / 2)];
    free(rgb);
    return grey;
}

static const char *codec_of(const char *format)
{
    return !strcmp(format, "mp4") ? "h264" : !strcmp(format, "webm") ? "vp9" : "gif";
}

static void is_a_video_of_its_size_rate_and_length(const char *format)
{
    struct place p;
    begin(&p, format);
    whole(&p, p.path, TICKS);
    assert_int_equal(video_keep(format, p.path, NULL, 0, NULL, NULL, NULL), 0);
    json_t *doc = video_probe(p.path);
    const json_t *v = video_stream(doc);
    assert_string_equal(json_str(v, "codec_name", ""), codec_of(format));
    assert_int_equal(json_int(v, "width", 0), W);
    assert_int_equal(json_int(v, "height", 0), H);
    assert_string_equal(json_str(v, "avg_frame_rate", ""), "5/1");
    assert_int_equal((int)video_number(v, "nb_read_frames"), TICKS);
    assert_true(video_seconds(doc) > 3.9);
    assert_true(video_seconds(doc) < 4.1);
    json_decref(doc);
    end(&p);
}

static void shows_each_picture_at_its_time(const char *format)
{
    struct place p;
    begin(&p, format);
    whole(&p, p.path, TICKS);
    for (int tick = 0; tick < TICKS; tick += 4) {
        int grey = grey_at(p.path, tick / 5.0);
        assert_true(abs(grey - (20 + 10 * tick)) <= 6);
    }
    end(&p);
}

/* The writer is killed: nobody closes the file. */
static void plays_as_far_as_it_came_when_its_writer_dies(const char *format)
{
    struct place p;
    begin(&p, format);
    struct encoder *e = write_ticks(&p, p.path, TICKS);
    json_t *doc = video_probe(p.path);
    assert_string_equal(json_str(video_stream(doc), "codec_name", ""), codec_of(format));
    assert_true(video_number(video_stream(doc), "nb_read_frames") >= TICKS - 2 * FPS);
    json_decref(doc);
    encoder_destroy(e);
    end(&p);
}

/* A copy of the file as a kill leaves it: destroying the encoder would write more. */
static void copy_file(const char *from, const char *to)
{
    char *data;
    size_t len;
    struct pool *pool = pool_create(NULL);
    assert_int_equal(file_read(pool, from, 1 << 24, &data, &len, NULL), 0);
    assert_int_equal(file_write_soon(to, data, len, 0600, NULL), 0);
    pool_destroy(pool);
}

static void goes_on_behind_what_a_killed_writer_left(const char *format)
{
    struct place p;
    char left[140];
    int64_t ms, base;
    begin(&p, format);
    snprintf(left, sizeof(left), "%s.left", p.path);
    struct encoder *e = write_ticks(&p, p.path, TICKS);
    copy_file(p.path, left);
    encoder_destroy(e);
    assert_int_equal(video_length_ms(left, &ms, NULL), 0);
    assert_true(ms >= 2000 && ms <= 4100);
    e = open_encoder(&p, p.path);
    assert_int_equal(encoder_go_on(e, left, NULL, NULL, &base, NULL), 0);
    assert_int_equal(base, ms);
    write_to(&p, e, 15);
    json_t *doc = video_probe(p.path); /* while it is written */
    assert_true(video_number(video_stream(doc), "nb_read_frames") > (double)ms / 200);
    json_decref(doc);
    assert_int_equal(encoder_finish(e, NULL), 0);
    encoder_destroy(e);
    const struct chapter chapters[] = {{0, 1500, "One"},
                                       {1500, ms + 3000, "Zwei: \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d"}};
    assert_int_equal(video_keep(format, p.path, chapters, 2, NULL, NULL, NULL), 0);
    doc = video_probe(p.path);
    double s = video_seconds(doc), want = (double)ms / 1000 + 3;
    if (s <= want - 0.25 || s >= want + 0.25)
        fail_msg("%s: %.3f s instead of %.3f", format, s, want);
    assert_int_equal((int)video_number(video_stream(doc), "nb_read_frames"), ms / 200 + 15);
    assert_true(abs(grey_at(p.path, 0.8) - 60) <= 6);
    assert_true(abs(grey_at(p.path, (double)ms / 1000 + 0.8) - 60) <= 6);
    const json_t *list = json_object_get(doc, "chapters");
    if (encoder_caps(format) & ENCODER_HAS_CHAPTERS) {
        assert_int_equal(json_array_size(list), 2);
        const json_t *c = json_array_get(list, 1);
        assert_true(video_number(c, "start_time") > 1.49 && video_number(c, "start_time") < 1.51);
        assert_string_equal(json_str(json_object_get(c, "tags"), "title", ""), chapters[1].title);
    }
    json_decref(doc);
    unlink(left);
    end(&p);
}

static void a_film_of_another_size_is_not_gone_on_with(void **state)
{
    struct place p;
    char other[140];
    int64_t base;
    struct err err = {0};
    struct encoder *e;
    begin(&p, "mp4");
    whole(&p, p.path, TICKS);
    snprintf(other, sizeof(other), "%s.other", p.path);
    const struct encoder_config config = {.path = other, .width = 640, .height = 480, .fps = FPS};
    assert_int_equal(encoder_create("mp4", &config, &e, NULL), 0);
    assert_int_equal(encoder_go_on(e, p.path, NULL, NULL, &base, &err), E_CONFLICT);
    assert_non_null(strstr(err.msg, "1280x720"));
    encoder_destroy(e);
    unlink(other);
    end(&p);
}

static bool at_once(void *arg)
{
    return true;
}

static void a_stop_leaves_the_file_as_it_was(const char *format)
{
    struct place p;
    begin(&p, format);
    whole(&p, p.path, TICKS);
    assert_int_equal(video_keep(format, p.path, NULL, 0, at_once, NULL, NULL), E_CANCELLED);
    json_t *doc = video_probe(p.path);
    assert_int_equal((int)video_number(video_stream(doc), "nb_read_frames"), TICKS);
    json_decref(doc);
    end(&p);
}

static void every_kind(void (*test)(const char *format))
{
    for (const char *const *f = encoder_formats(); *f; f++)
        test(*f);
}

#define KIND_TEST(name)                                                                            \
    static void every_kind_##name(void **state)                                                    \
    {                                                                                              \
        every_kind(name);                                                                          \
    }
KIND_TEST(is_a_video_of_its_size_rate_and_length)
KIND_TEST(shows_each_picture_at_its_time)
KIND_TEST(plays_as_far_as_it_came_when_its_writer_dies)
KIND_TEST(goes_on_behind_what_a_killed_writer_left)
KIND_TEST(a_stop_leaves_the_file_as_it_was)

static void what_cannot_be_written_is_said(void **state)
{
    struct encoder *e;
    struct err err = {0};
    const struct encoder_config nowhere = {
        .path = "/nonexistent/x.mp4", .width = W, .height = H, .fps = FPS};
    assert_int_equal(encoder_create("mp4", &nowhere, &e, &err), E_IO);
    assert_non_null(strstr(err.msg, "x.mp4"));
    assert_int_equal(encoder_create("avi", &nowhere, &e, &err), E_UNSUPPORTED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_a_video_of_its_size_rate_and_length),
        cmocka_unit_test(every_kind_shows_each_picture_at_its_time),
        cmocka_unit_test(every_kind_plays_as_far_as_it_came_when_its_writer_dies),
        cmocka_unit_test(every_kind_goes_on_behind_what_a_killed_writer_left),
        cmocka_unit_test(a_film_of_another_size_is_not_gone_on_with),
        cmocka_unit_test(every_kind_a_stop_leaves_the_file_as_it_was),
        cmocka_unit_test(what_cannot_be_written_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
