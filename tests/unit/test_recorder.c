/* A recording of a run that a test plays: what it shows, when, and what is beside it. */
#include "unit/test.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/cut.h"
#include "record/encoder.h"
#include "record/mend.h"
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
    int64_t from_us;
    double click_s, next_s, ran_s; /* when a test's click, its second page and its end were */
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
    s->from_us = clock_mono_us();
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

static double now_s(const struct stage *s)
{
    return (double)(clock_mono_us() - s->from_us) / 1e6;
}

static bool is_about(double is, double want)
{
    return is > want - 0.25 && is < want + 0.25;
}

static void finish(struct stage *s)
{
    static const struct slide_line lines[] = {{"Result", "[OK] completed"}, {"Cost", "$0.01"}};
    const struct slide outro = {"Completed", "1 row", lines, 2};
    s->ran_s = now_s(s);
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
    s->click_s = now_s(s);
    recorder_mark(s->rec, &(struct mark){.kind = MARK_CLICK, .x = 300, .y = 200});
    pass(s, 500);
    recorder_step_end(s->rec, "[OK] 1/2 Open the list");
    recorder_step(s->rec, "2/2 \xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d <b> & more");
    recorder_row(s->rec, "Row 1: Boston Whaler");
    s->next_s = now_s(s);
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
    assert_true(is_about(video_seconds(doc), s.ran_s));
    assert_int_equal(json_int(video_stream(doc), "width", 0), W);
    assert_string_equal(json_str(video_stream(doc), "avg_frame_rate", ""), "10/1");
    json_decref(doc);
    unsigned char *early = video_picture(path, s.click_s + 0.15, W, H),
                  *late = video_picture(path, s.next_s + 0.35, W, H);
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
    assert_true(is_about(video_seconds(doc), 3 + s.ran_s + 5));
    const json_t *chapters = json_object_get(doc, "chapters");
    assert_int_equal(json_array_size(chapters), 3);
    assert_string_equal(json_str(json_object_get(json_array_get(chapters, 2), "tags"), "title", ""),
                        "Row 1: Boston Whaler");
    assert_true(video_number(json_array_get(chapters, 0), "start_time") < 3.2);
    json_decref(doc);
    unsigned char *card = video_picture(path, 1, W, H),
                  *plain = video_picture(path, 3 + s.click_s - 0.2, W, H),
                  *ripple = video_picture(path, 3 + s.click_s + 0.25, W, H),
                  *after = video_picture(path, 3 + s.next_s + 0.35, W, H),
                  *outro = video_picture(path, 3 + s.ran_s + 2, W, H);
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
            double seconds = video_seconds(doc), want = s.ran_s + (i ? 8 : 0);
            if (!is_about(seconds, want))
                fail_msg("%s.%s: %.3f s", names[i], *f, seconds);
            json_decref(doc);
        }
        assert_int_equal(n_files(s.dir), 6);
        end(&s);
    }
}

/* The n-th cue of a file. */
static struct chapter cue(struct stage *s, const char *name, int n)
{
    struct chapter *cues;
    int count = vtt_read(s->pool, path_of(s, name), &cues);
    if (n >= count)
        fail_msg("%s has %d cues", name, count);
    return cues[n];
}

/* The wide badge makes room for the narrow one. What was under way when the run ended is not said
 * of the outro. */
static void a_badge_takes_the_place_of_the_one_before(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_POLISHED);
    show(&s, 200);
    recorder_step(s.rec, "1/1 Write");
    pass(&s, 200);
    double wide_s = now_s(&s), narrow_s;
    recorder_mark(s.rec, &(struct mark){.kind = MARK_TEXT, .text = "WWWWWWWWWWWWWWWWWWWWWW"});
    pass(&s, 600);
    narrow_s = now_s(&s);
    recorder_mark(s.rec, &(struct mark){.kind = MARK_KEYS, .text = "Return"});
    pass(&s, 700);
    finish(&s);
    const char *path = path_of(&s, "recording_polished.mp4");
    unsigned char *wide = video_picture(path, 3 + wide_s + 0.3, W, H),
                  *narrow = video_picture(path, 3 + narrow_s + 0.35, W, H);
    int y = H * 8 / 10 - 20;
    assert_true(has_orange(wide, 120, y, 70) && !has_orange(wide, 280, y, 10));
    assert_true(!has_orange(narrow, 120, y, 70) && has_orange(narrow, 270, y, 30));
    free(wide);
    free(narrow);
    assert_true(is_about((double)cue(&s, CUT_POLISHED ".vtt", 0).to_ms / 1000, 3 + s.ran_s));
    assert_true(
        is_about((double)cue(&s, CUT_POLISHED ".chapters.vtt", 0).to_ms / 1000, 3 + s.ran_s));
    end(&s);
}

static double seconds_of(struct stage *s, const char *format)
{
    json_t *doc = video_probe(path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", format)));
    double seconds = video_seconds(doc);
    json_decref(doc);
    return seconds;
}

static int64_t length_of(struct stage *s, const char *format)
{
    int64_t ms;
    assert_int_equal(
        video_length_ms(path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", format)), &ms, NULL),
        0);
    return ms;
}

enum { KINDS = 3 };

/* One attempt of a run in every format at once: step 1 is done, step 2 is under way. */
static void attempt(struct stage s[KINDS], int grey)
{
    const char *const *formats = encoder_formats();
    int64_t before[KINDS];
    for (int i = 0; i < KINDS; i++) {
        before[i] = *s[i].dir ? length_of(&s[i], formats[i]) : 3000;
        begin(&s[i], formats[i], RECORD_POLISHED);
        show(&s[i], grey);
        recorder_step(s[i].rec, "1/2 Open");
    }
    pass(&s[0], 200);
    for (int i = 0; i < KINDS; i++) {
        recorder_step_end(s[i].rec, "[OK] 1/2 Open");
        recorder_step(s[i].rec, "2/2 Read");
        recorder_row(s[i].rec, "Row 1");
    }
    for (int i = 0; i < KINDS; i++)
        for (int n = 0; n < 100 && (!n || length_of(&s[i], formats[i]) < before[i] + 500); n++)
            pass(&s[i], 100);
}

/* What it left as it was at a moment: its recorder could still add to it. */
static void kill_attempt(struct stage *s, const char *format)
{
    const char *const names[] = {format, "vtt", "chapters.vtt"};
    char *data[3];
    size_t len[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(file_read(s->pool,
                                   path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", names[i])),
                                   1 << 24, &data[i], &len[i], NULL),
                         0);
    recorder_destroy(s->rec);
    for (int i = 0; i < 3; i++)
        assert_int_equal(
            file_write_soon(path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", names[i])), data[i],
                            len[i], 0600, NULL),
            0);
}

static void a_later_attempt_goes_on_behind_what_was_left(void **state)
{
    struct stage all[KINDS] = {0};
    int64_t part_ms[KINDS];
    attempt(all, 200);
    for (int i = 0; i < KINDS; i++) {
        const char *format = encoder_formats()[i];
        kill_attempt(&all[i], format);
        part_ms[i] = length_of(&all[i], format);
        assert_true(part_ms[i] >= 3500);
        begin(&all[i], format, RECORD_POLISHED);
        show(&all[i], 100);
        recorder_step(all[i].rec, "2/2 Read again");
    }
    for (int i = 0; i < KINDS; i++) {
        const char *format = encoder_formats()[i];
        struct stage *s = &all[i];
        for (int n = 0; n < 100 && length_of(s, format) <= part_ms[i]; n++)
            pass(s, 100);
        assert_true(length_of(s, format) > part_ms[i]); /* of both, while the second goes on */
        recorder_step_end(s->rec, "[OK] 2/2 Read");
        finish(s);
        assert_true(is_about(seconds_of(s, format), (double)part_ms[i] / 1000 + s->ran_s + 5));
        unsigned char *rgb =
            video_picture(path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", format)), 3.3, W, H);
        assert_true(abs(grey(rgb, 300, 200) - 200) < 8);
        free(rgb);
        /* what was under way ends with its attempt, and what follows begins there */
        assert_string_equal(cue(s, CUT_POLISHED ".vtt", 0).title, "[OK] 1/2 Open");
        struct chapter open = cue(s, CUT_POLISHED ".vtt", 1), next = cue(s, CUT_POLISHED ".vtt", 2);
        assert_string_equal(open.title, "2/2 Read");
        assert_int_equal(open.to_ms, part_ms[i]);
        assert_string_equal(next.title, "[OK] 2/2 Read");
        assert_true(next.from_ms >= part_ms[i] && next.from_ms < part_ms[i] + 400);
        assert_int_equal(cue(s, CUT_POLISHED ".chapters.vtt", 2).to_ms, part_ms[i]);
        assert_string_equal(cue(s, CUT_POLISHED ".chapters.vtt", 3).title, "2/2 Read again");
        assert_int_equal(n_files(s->dir), 3);
        end(s);
    }
}

static void what_killed_attempts_left_is_mended_to_a_whole(void **state)
{
    struct stage all[KINDS] = {0};
    for (int n = 0; n < 2; n++) {
        attempt(all, 200);
        for (int i = 0; i < KINDS; i++)
            kill_attempt(&all[i], encoder_formats()[i]);
    }
    for (int i = 0; i < KINDS; i++) {
        const char *format = encoder_formats()[i];
        struct stage *s = &all[i];
        int64_t ms = length_of(s, format);
        assert_true(ms > 4000);
        assert_int_equal(mend_recording(s->dir, NULL), 0);
        json_t *doc = video_probe(path_of(s, pool_printf(s->pool, CUT_POLISHED ".%s", format)));
        assert_true(is_about(video_seconds(doc), (double)ms / 1000));
        if (encoder_caps(format) & ENCODER_HAS_CHAPTERS)
            assert_int_equal(json_array_size(json_object_get(doc, "chapters")), 6);
        json_decref(doc);
        assert_int_equal(cue(s, CUT_POLISHED ".chapters.vtt", 5).to_ms, ms);
        assert_int_equal(json_parse_file(path_of(s, MEND_FILE), &doc, NULL), 0);
        assert_true(is_about(json_num(doc, "polished_duration_seconds", 0), (double)ms / 1000));
        assert_true(is_about(json_num(doc, "duration_seconds", 0), (double)ms / 1000));
        json_decref(doc);
        assert_int_equal(n_files(s->dir), 4);
        end(s);
    }
}

/* Captions are ahead of the pictures that reached the disk: each is still somewhere in the video.
 */
static void captions_end_with_their_video(void **state)
{
    struct stage s = {.pool = pool_create(NULL), .dir = "/tmp/mantis-vtt-XXXXXX"};
    struct vtt *v;
    assert_non_null(mkdtemp(s.dir));
    const char *path = path_of(&s, "a.vtt");
    assert_int_equal(vtt_open(path, 0, &v, NULL), 0);
    vtt_begin(v, 500, "One");
    vtt_end(v, 1500, "[OK] One");
    vtt_begin(v, 2500, "Two");
    vtt_begin(v, 2600, "Three");
    vtt_close(v);
    assert_true(cue(&s, "a.vtt", 2).to_ms > 1000000);
    assert_int_equal(vtt_open(path, 2000, &v, NULL), 0);
    vtt_begin(v, 2000, "Four");
    vtt_close(v);
    assert_string_equal(cue(&s, "a.vtt", 0).title, "[OK] One");
    assert_int_equal(cue(&s, "a.vtt", 0).to_ms, 1500);
    assert_int_equal(cue(&s, "a.vtt", 1).from_ms, 1998);
    assert_int_equal(cue(&s, "a.vtt", 1).to_ms, 1999);
    assert_int_equal(cue(&s, "a.vtt", 2).from_ms, 1999);
    assert_int_equal(cue(&s, "a.vtt", 2).to_ms, 2000);
    assert_int_equal(cue(&s, "a.vtt", 3).from_ms, 2000);
    assert_int_equal(file_remove_tree(s.dir, NULL), 0);
    pool_destroy(s.pool);
}

static void a_long_stillness_passes_faster_in_the_polished_cut_alone(void **state)
{
    struct stage s = {0};
    begin(&s, "mp4", RECORD_RAW | RECORD_POLISHED);
    show(&s, 200);
    pass(&s, 8000);
    double still_s = now_s(&s);
    show(&s, 100);
    pass(&s, 300);
    finish(&s);
    json_t *raw = video_probe(path_of(&s, "recording.mp4")),
           *polished = video_probe(path_of(&s, "recording_polished.mp4"));
    assert_true(is_about(video_seconds(raw), s.ran_s));
    double lapsed = json_num(s.result, "time_lapsed_seconds", 0),
           saved = json_num(s.result, "time_saved_seconds", 0);
    assert_true(is_about(video_seconds(polished), 8 + s.ran_s - saved));
    assert_true(saved > 2 && is_about(lapsed, still_s - 5)); /* 5 s are shown as they were */
    assert_true(is_about(lapsed * 7 / 8, saved));
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
        cmocka_unit_test(a_badge_takes_the_place_of_the_one_before),
        cmocka_unit_test(both_cuts_are_written_together_in_every_format),
        cmocka_unit_test(a_later_attempt_goes_on_behind_what_was_left),
        cmocka_unit_test(what_killed_attempts_left_is_mended_to_a_whole),
        cmocka_unit_test(captions_end_with_their_video),
        cmocka_unit_test(a_long_stillness_passes_faster_in_the_polished_cut_alone),
        cmocka_unit_test(what_goes_wrong_is_said_and_nothing_else),
        cmocka_unit_test(pictures_are_dropped_rather_than_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
