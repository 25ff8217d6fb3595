/* A recording of a run that a test plays: what it shows, when, and what is beside it. */
#include "unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/encoder.h"
#include "record/record.h"
#include "sys/file.h"
#include "tools/video.h"

enum { W = 640, H = 480, FPS = 10 };

struct stage {
    char dir[64];
    struct pool *pool;
    struct loop *loop;
    struct recorder *rec;
    uint8_t *pixels;
    json_t *result; /* owned */
};

static const struct slide title = {"A boat is bought", "run r1", NULL, 0};

static void begin(struct stage *s, const char *format, unsigned cuts)
{
    const struct recorder_config config = {.dir = s->dir,
                                           .format = format,
                                           .fps = FPS,
                                           .cuts = cuts,
                                           .width = W,
                                           .height = H,
                                           .display = ":9",
                                           .title = &title};
    if (!*s->dir) {
        snprintf(s->dir, sizeof(s->dir), "/tmp/mantis-recorder-XXXXXX");
        assert_non_null(mkdtemp(s->dir));
        s->pool = pool_create(NULL);
        s->pixels = malloc((size_t)W * H * 4);
        assert_non_null(s->pixels);
        assert_int_equal(loop_create(&s->loop, NULL), 0);
    }
    s->rec = recorder_create(&config);
}

static void show(struct stage *s, int grey)
{
    struct frame f = {.width = W, .height = H, .stride = W * 4, .pixels = s->pixels};
    memset(s->pixels, grey, (size_t)W * H * 4);
    assert_true(recorder_frame(s->rec, &f));
}

static void pass(struct stage *s, int ms)
{
    assert_int_equal(loop_wait(s->loop, NULL, NULL, clock_mono_ms() + ms), 0);
}

static void finish(struct stage *s)
{
    static const struct slide_line lines[] = {{"Result", "[OK] completed"}, {"Cost", "$0.01"}};
    const struct slide outro = {"Completed", "1 row", lines, 2};
    recorder_end(s->rec, &outro);
    assert_int_equal(recorder_wait(s->rec, s->loop, clock_mono_ms() + 20000, NULL), 0);
    s->result = recorder_result(s->rec);
    recorder_destroy(s->rec);
}

static void end(struct stage *s)
{
    json_decref(s->result);
    loop_destroy(s->loop);
    assert_int_equal(file_remove_tree(s->dir, NULL), 0);
    pool_destroy(s->pool);
    free(s->pixels);
}

static const char *path_of(struct stage *s, const char *name)
{
    return pool_printf(s->pool, "%s/%s", s->dir, name);
}

static const char *text_of(struct stage *s, const char *name)
{
    char *data;
    size_t len;
    assert_int_equal(file_read(s->pool, path_of(s, name), 1 << 16, &data, &len, NULL), 0);
    return data;
}

static bool is_orange(const unsigned char *rgb, int x, int y)
{
    const unsigned char *p = rgb + 3 * (y * W + x);
    return p[0] > 150 && p[0] > p[2] + 60;
}

static bool has_orange(const unsigned char *rgb, int x, int y, int around)
{
    for (int dy = -around; dy <= around; dy++)
        for (int dx = -around; dx <= around; dx++)
            if (is_orange(rgb, x + dx, y + dy))
                return true;
    return false;
}

static int grey(const unsigned char *rgb, int x, int y)
{
    return rgb[3 * (y * W + x) + 1];
}

static int n_files(const char *dir)
{
    int n = 0;
    DIR *d = opendir(dir);
    assert_non_null(d);
    for (struct dirent *e; (e = readdir(d));)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

/* 2 s: a page, a click at 0.5 s, another page at 1 s. */
static void play(struct stage *s)
{
    show(s, 200);
    recorder_step(s->rec, "1/2 Open the list");
    pass(s, 500);
    recorder_mark(s->rec, &(struct mark){.kind = MARK_CLICK, .x = 300, .y = 200});
    pass(s, 500);
    recorder_step_end(s->rec, "[OK] 1/2 Open the list");
    recorder_step(s->rec, "2/2 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d <b> & more");
    recorder_row(s->rec, "Row 1: Boston Whaler");
    show(s, 100);
    recorder_mark(s->rec, &(struct mark){.kind = MARK_TEXT, .text = "hello"});
    pass(s, 1000);
    recorder_step_end(s->rec, "[FAIL] 2/2 Read the rows");
}

static void the_raw_cut_is_the_screen_at_its_times(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_RAW);
    play(&s);
    finish(&s);
    const char *path = path_of(&s, "recording.mp4");
    json_t *doc = video_probe(path);
    assert_true(video_seconds(doc) > 1.8 && video_seconds(doc) < 2.3);
    assert_int_equal(json_int(video_stream(doc), "width", 0), W);
    assert_string_equal(json_str(video_stream(doc), "avg_frame_rate", ""), "10/1");
    json_decref(doc);
    unsigned char *early = video_picture(path, 0.6, W, H), *late = video_picture(path, 1.4, W, H);
    assert_true(abs(grey(early, 300, 200) - 200) < 6 && !has_orange(early, 300, 200, 40));
    assert_true(abs(grey(late, 300, 200) - 100) < 6);
    free(early);
    free(late);
    assert_string_equal(json_str(s.result, "path", ""), "recording.mp4");
    assert_null(json_object_get(s.result, "polished_path"));
    assert_true(json_is_null(json_object_get(s.result, "error")));
    const json_t *actions = json_object_get(s.result, "actions");
    assert_int_equal(json_int(actions, "clicks", 0), 1);
    assert_int_equal(json_int(actions, "types", 0), 1);
    assert_int_equal(json_int(actions, "drags", -1), 0);
    end(&s);
}

static void the_polished_cut_has_cards_captions_and_marks(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_POLISHED);
    play(&s);
    finish(&s);
    const char *path = path_of(&s, "recording_polished.mp4");
    json_t *doc = video_probe(path);
    assert_true(video_seconds(doc) > 3 + 1.8 + 5 && video_seconds(doc) < 3 + 2.3 + 5);
    const json_t *chapters = json_object_get(doc, "chapters");
    assert_int_equal(json_array_size(chapters), 3);
    assert_string_equal(json_str(json_object_get(json_array_get(chapters, 2), "tags"), "title", ""),
                        "Row 1: Boston Whaler");
    assert_true(video_number(json_array_get(chapters, 0), "start_time") < 3.2);
    json_decref(doc);
    unsigned char *card = video_picture(path, 1, W, H), *plain = video_picture(path, 3.35, W, H),
                  *ripple = video_picture(path, 3.75, W, H),
                  *after = video_picture(path, 4.5, W, H), *outro = video_picture(path, 7, W, H);
    assert_true(grey(card, 300, 200) < 60);
    assert_true(abs(grey(plain, 300, 200) - 200) < 8 &&
                grey(plain, 600, H - 4) < 100); /* the caption's bar */
    assert_false(has_orange(plain, 300, 200, 40));
    assert_true(is_orange(ripple, 300, 200) && has_orange(ripple, 318, 200, 14));
    assert_true(abs(grey(after, 300, 150) - 100) < 8 && !has_orange(after, 300, 200, 30));
    assert_true(grey(outro, 600, 200) < 60);
    free(card);
    free(plain);
    free(ripple);
    free(after);
    free(outro);
    const char *vtt = text_of(&s, "recording_polished.vtt");
    assert_true(strstr(vtt, "WEBVTT") == vtt);
    assert_non_null(strstr(vtt, "\n00:00:03."));
    assert_non_null(strstr(vtt, "[OK] 1/2 Open the list"));
    assert_non_null(strstr(vtt, "[FAIL] 2/2 Read the rows"));
    assert_non_null(strstr(text_of(&s, "recording_polished.chapters.vtt"), "&lt;b&gt; &amp; more"));
    end(&s);
}

static void both_cuts_are_written_together_in_every_format(void **state)
{
    for (const char *const *f = encoder_formats(); *f; f++) {
        struct stage s = {0};
        begin(&s, *f, RECORD_RAW | RECORD_POLISHED);
        show(&s, 200);
        pass(&s, 300);
        finish(&s);
        const char *const names[] = {"recording", "recording_polished"};
        for (int i = 0; i < 2; i++) {
            json_t *doc = video_probe(path_of(&s, pool_printf(s.pool, "%s.%s", names[i], *f)));
            double seconds = video_seconds(doc), want = i ? 8.3 : 0.3;
            if (seconds < want - 0.2 || seconds > want + 0.3)
                fail_msg("%s.%s: %.3f s", names[i], *f, seconds);
            json_decref(doc);
        }
        assert_int_equal(n_files(s.dir), 6);
        end(&s);
    }
}

/* The attempt was killed in the middle: its files are as they were. */
static void a_later_attempt_goes_on_behind_what_was_left(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_POLISHED);
    show(&s, 200);
    recorder_step(s.rec, "1/2 Open");
    pass(&s, 800);
    recorder_step_end(s.rec, "[OK] 1/2 Open");
    recorder_step(s.rec, "2/2 Read");
    pass(&s, 1500);
    recorder_destroy(s.rec);
    json_t *doc = video_probe(path_of(&s, "recording_polished.mp4"));
    assert_true(video_seconds(doc) > 4);
    json_decref(doc);
    begin(&s, "mp4", RECORD_POLISHED);
    show(&s, 100);
    recorder_step(s.rec, "2/2 Read");
    pass(&s, 500);
    recorder_step_end(s.rec, "[OK] 2/2 Read");
    finish(&s);
    doc = video_probe(path_of(&s, "recording_polished.mp4"));
    assert_true(video_seconds(doc) > 3 + 1.5 + 0.5 + 5 && video_seconds(doc) < 3 + 2.5 + 0.7 + 5);
    assert_true(json_array_size(json_object_get(doc, "chapters")) >= 2);
    json_decref(doc);
    unsigned char *rgb = video_picture(path_of(&s, "recording_polished.mp4"), 3.5, W, H);
    assert_true(abs(grey(rgb, 300, 200) - 200) < 8);
    free(rgb);
    assert_non_null(strstr(text_of(&s, "recording_polished.vtt"), "[OK] 1/2 Open"));
    assert_non_null(strstr(text_of(&s, "recording_polished.vtt"), "[OK] 2/2 Read"));
    assert_int_equal(n_files(s.dir), 3);
    end(&s);
}

static void a_long_stillness_passes_faster_in_the_polished_cut_alone(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_RAW | RECORD_POLISHED);
    show(&s, 200);
    pass(&s, 8000);
    show(&s, 100);
    pass(&s, 300);
    finish(&s);
    json_t *raw = video_probe(path_of(&s, "recording.mp4")),
           *polished = video_probe(path_of(&s, "recording_polished.mp4"));
    assert_true(video_seconds(raw) > 8.1 && video_seconds(raw) < 8.6);
    assert_true(video_seconds(polished) < 8 + 6.5);
    assert_true(json_num(s.result, "time_lapsed_seconds", 0) > 2);
    json_decref(raw);
    json_decref(polished);
    end(&s);
}

static void what_goes_wrong_is_said_and_nothing_else(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_RAW);
    finish(&s); /* no picture came */
    assert_string_equal(json_str(s.result, "error", ""), "x-display-not-ready::9");
    end(&s);
    struct stage t = {0};
    begin(&t, "mp4", RECORD_RAW);
    recorder_destroy(t.rec);
    assert_int_equal(file_remove_tree(t.dir, NULL), 0);
    begin(&t, "mp4", RECORD_RAW); /* there is no directory */
    show(&t, 1);
    finish(&t);
    assert_true(strstr(json_str(t.result, "error", ""), "ffmpeg-startup-failed:") != NULL);
    json_decref(t.result);
    loop_destroy(t.loop);
    pool_destroy(t.pool);
    free(t.pixels);
}

/* More than the encoder can take at once: the teller is never held up. */
static void pictures_are_dropped_rather_than_waited_for(void **state)
{
    struct stage s = {0};
    begin(&s, "webm", RECORD_RAW | RECORD_POLISHED);
    struct frame f = {.width = W, .height = H, .stride = W * 4, .pixels = s.pixels};
    int refused = 0;
    int64_t from = clock_mono_ms();
    for (int i = 0; i < 200; i++) {
        memset(s.pixels, i, (size_t)W * H * 4);
        refused += !recorder_frame(s.rec, &f);
    }
    assert_true(clock_mono_ms() - from < 2000);
    assert_true(refused > 0);
    finish(&s);
    assert_int_equal(json_int(s.result, "dropped_frames", 0), refused);
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_raw_cut_is_the_screen_at_its_times),
        cmocka_unit_test(the_polished_cut_has_cards_captions_and_marks),
        cmocka_unit_test(both_cuts_are_written_together_in_every_format),
        cmocka_unit_test(a_later_attempt_goes_on_behind_what_was_left),
        cmocka_unit_test(a_long_stillness_passes_faster_in_the_polished_cut_alone),
        cmocka_unit_test(what_goes_wrong_is_said_and_nothing_else),
        cmocka_unit_test(pictures_are_dropped_rather_than_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
