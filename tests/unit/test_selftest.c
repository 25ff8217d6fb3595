/*
 * Where a model clicks, held against where the buttons are: what is said of models that point in
 * another space, beside, anywhere, nowhere, or do not answer.
 */
#include "unit/test.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "brain/model/selftest.h"
#include "tools/fake_transport.h"
#include "unit/model_rig.h"

static struct pool *pool;

static int set_up(void **state)
{
    pool = pool_create(NULL);
    return 0;
}

static int tear_down(void **state)
{
    pool_destroy(pool);
    return 0;
}

#define W 72
#define H 28
static const struct selftest_target targets[] = {
    {"Alder", {54, 149, W, H}},  {"Birch", {1154, 174, W, H}},  {"Cedar", {604, 371, W, H}},
    {"Elm", {66, 655, W, H}},    {"Poplar", {1142, 643, W, H}}, {"Hazel", {348, 257, W, H}},
    {"Maple", {873, 491, W, H}}, {"Oak", {310, 522, W, H}},
};
#define N ((int)ARRAY_SIZE(targets))

static struct space_view view_of(const struct profile *p)
{
    struct space_view v = {.screen_w = 1280, .screen_h = 720};
    request_image_size(p, v.screen_w, v.screen_h, &v.image_w, &v.image_h);
    return v;
}

/* --- models ---------------------------------------------------------------------------------- */

/* Says the middle of a button in a space of its own, off by so many screen pixels. */
static struct selftest_click says(const struct space *space, const struct space_view *view, int i,
                                  int dx, int dy)
{
    const struct rect *b = &targets[i].box;
    int w, h;
    space_size(space, view->image_w, view->image_h, &w, &h);
    double x = (b->x + b->w / 2.0 + dx) / view->screen_w * w,
           y = (b->y + b->h / 2.0 + dy) / view->screen_h * h;
    bool whole = space->kind != SPACE_UNIT;
    return (struct selftest_click){
        .said = "click",
        .is_click = true,
        .point = {true, whole ? rint(x) : x, whole ? rint(y) : y, false}};
}

static struct space space_called(const char *name)
{
    struct space s = {.factor = 28, .min_pixels = 3136, .max_pixels = 12845056};
    assert_int_equal(space_parse(name, &s, NULL), 0);
    return s;
}

/* clang-format off */
static const struct row {
    const char *profile, *points_in; /* points_in NULL: as the profile has it */
    int dx, dy, noise;               /* noise: that many px to and fro */
    enum selftest_verdict verdict;
    const char *words, *advice;      /* pieces of it */
} rows[] = {
    {"holo3", NULL, 0, 0, 0, SELFTEST_FITS, "8 of 8 inside the button", ""},
    {"holo3", NULL, 0, 0, 10, SELFTEST_FITS, "8 of 8", ""},
    {"fara", NULL, 0, 0, 0, SELFTEST_FITS, "8 of 8", ""},
    {"claude", NULL, 0, 0, 3, SELFTEST_FITS, "8 of 8", ""},
    {"holo3", "screen", 0, 0, 0, SELFTEST_FITS, "8 of 8", ""}, /* 8 px at most: inside the button all the same */
    {"holo3", "per_mille", 0, 0, 0, SELFTEST_OTHER_SPACE, "points in thousandths of the screen; the profile says pixels of the picture after its own resizing, 1288x728 (resized)", "set \"coordinates\": \"per_mille\" in "},
    {"holo3", "per_mille", 0, 0, 6, SELFTEST_OTHER_SPACE, "thousandths", "profiles/holo3.json"},
    {"holo3", "unit", 0, 0, 0, SELFTEST_OTHER_SPACE, "shares of the screen, 0 to 1", "\"unit\""},
    {"claude", "per_mille", 0, 0, 0, SELFTEST_OTHER_SPACE, "the profile says pixels of the picture it is sent, 1280x720 (screen)", "\"per_mille\""},
    {"claude", "fixed:1428x896", 0, 0, 0, SELFTEST_OTHER_SPACE, "pixels of a picture of 1428x896", "\"fixed:1428x896\" in "},
    {"claude", "fixed:960x540", 0, 0, 0, SELFTEST_OTHER_SPACE, "pixels of a picture of 960x540", "test again"},
    {"fara", "per_mille", 0, 0, 0, SELFTEST_OTHER_SPACE, "the profile says pixels of a picture of 1428x896 (fixed:1428x896)", "\"per_mille\""},
    {"holo3", NULL, 40, 0, 0, SELFTEST_SHIFTED, "40 px to the right, ", "cuts or pads"},
    {"claude", NULL, 0, -87, 4, SELFTEST_SHIFTED, "87 px up", "1280x720"},
    {"claude", NULL, 0, 0, 200, SELFTEST_MISSES, "the model misses: ", "projector"},
};
/* clang-format on */

static void what_is_found_is_said_with_what_to_change(void **state)
{
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        const struct row *r = &rows[k];
        const struct profile *p = rig_profile(pool, r->profile);
        struct space space = r->points_in ? space_called(r->points_in) : p->space;
        struct space_view view = view_of(p);
        struct selftest_click clicks[N];
        struct selftest_result o;
        for (int i = 0; i < N; i++)
            clicks[i] = says(&space, &view, i, r->dx + (i % 3 - 1) * r->noise,
                             r->dy + (i % 2 ? -1 : 1) * r->noise);
        selftest_judge(pool, p, &view, targets, clicks, N, &o);
        if (o.verdict != r->verdict || !strstr(o.words, r->words) || !strstr(o.advice, r->advice) ||
            (!*r->advice && *o.advice))
            fail_msg("row %zu (%s): %s: '%s'; '%s'", k, r->profile,
                     selftest_verdict_name(o.verdict), o.words, o.advice);
        assert_true(o.n == N && o.n_answered == N && o.n_clicks == N);
    }
}

static void errors_are_pixels_of_the_screen(void **state)
{
    const struct profile *p = rig_profile(pool, "fara");
    struct space_view view = view_of(p);
    struct selftest_click clicks[N];
    struct selftest_result o;
    for (int i = 0; i < N; i++)
        clicks[i] = says(&p->space, &view, i, i == 0 ? 30 : 4, 0);
    selftest_judge(pool, p, &view, targets, clicks, N, &o);
    assert_in_range((int)(o.profile.median_px * 10), 35, 45);
    assert_in_range((int)(o.profile.max_px * 10), 295, 305);
    assert_int_equal(o.profile.hits, N);
    assert_string_equal(o.profile.name, "fixed:1428x896");
}

/* Shares of the screen are understood whatever the profile says (brains.md section 2). */
static void shares_written_as_such_fit_every_profile(void **state)
{
    const struct profile *p = rig_profile(pool, "claude");
    struct space unit = space_called("unit");
    struct space_view view = view_of(p);
    struct selftest_click clicks[N];
    struct selftest_result o;
    for (int i = 0; i < N; i++) {
        clicks[i] = says(&unit, &view, i, 0, 0);
        clicks[i].point.fraction = true;
    }
    selftest_judge(pool, p, &view, targets, clicks, N, &o);
    assert_int_equal(o.verdict, SELFTEST_FITS);
}

static void answers_without_a_click_are_quoted(void **state)
{
    const struct profile *p = rig_profile(pool, "holo3");
    struct space_view view = view_of(p);
    struct selftest_click clicks[N] = {{.said = ""}};
    struct selftest_result o;
    for (int i = 0; i < N; i++)
        clicks[i] = i < 3 ? says(&p->space, &view, i, 0, 0) : (struct selftest_click){.said = "hm"};
    selftest_judge(pool, p, &view, targets, clicks, N, &o);
    assert_int_equal(o.verdict, SELFTEST_UNREAD);
    assert_non_null(strstr(o.words, "3 of 8 answers name a point to click; one says 'hm'"));
    assert_non_null(strstr(o.advice, "\"replies\""));
}

static void a_server_that_does_not_answer_gives_its_reason(void **state)
{
    const struct profile *p = rig_profile(pool, "holo3");
    struct space_view view = view_of(p);
    struct selftest_click clicks[N];
    struct selftest_result o;
    for (int i = 0; i < N; i++)
        clicks[i] = i < 3 ? says(&p->space, &view, i, 0, 0)
                          : (struct selftest_click){.failure = "no answer", .said = ""};
    selftest_judge(pool, p, &view, targets, clicks, N, &o);
    assert_int_equal(o.verdict, SELFTEST_UNASKED);
    assert_string_equal(o.words, "3 of 8 questions were answered: no answer");
}

/* Two of eight were not answered: the rest is what counts. */
static void a_few_missing_answers_do_not_matter(void **state)
{
    const struct profile *p = rig_profile(pool, "holo3");
    struct space_view view = view_of(p);
    struct selftest_click clicks[N];
    struct selftest_result o;
    for (int i = 0; i < N; i++)
        clicks[i] = i >= 2 ? says(&p->space, &view, i, 0, 0)
                           : (struct selftest_click){.failure = "no answer", .said = ""};
    selftest_judge(pool, p, &view, targets, clicks, N, &o);
    assert_int_equal(o.verdict, SELFTEST_FITS);
    assert_true(o.n_answered == 6 && o.profile.hits == 6);
}

/* --- asking ---------------------------------------------------------------------------------- */

#define CHAT(message) "{\"model\":\"m\",\"choices\":[{\"message\":" message "}]}"

static int ask(struct fake_transport *server, const char *profile, struct selftest_click *out,
               struct err *err)
{
    const struct profile *p = rig_profile(pool, profile);
    struct model_link link = {.transport = &server->base, .dirs = rig_dirs()};
    struct space_view view = view_of(p);
    struct model_frame picture = {(const uint8_t *)"pix", 3, view.image_w, view.image_h};
    return selftest_ask(pool, &link, p, &picture, &view, "Cedar", clock_mono_ms() + 10000, out,
                        err);
}

static void a_button_is_asked_for_as_a_run_would_ask(void **state)
{
    const struct fake_answer answer = {.status = 200,
                                       .body = CHAT("{\"content\":\"click(x=644, y=364)\"}")};
    struct fake_transport server;
    struct selftest_click c;
    fake_transport_init(&server, pool, &answer, 1);
    assert_int_equal(ask(&server, "holo3", &c, NULL), 0);
    assert_true(c.is_click && c.point.x == 644 && c.point.y == 364 && !c.point.fraction);
    assert_null(c.failure);
    const char *body = json_text(pool, server.bodies[0]);
    assert_non_null(strstr(body, "labelled \\\"Cedar\\\""));
    assert_non_null(strstr(body, "Screen size: 1280x720"));
    assert_non_null(strstr(body, "data:image/png;base64,cGl4"));
}

static void what_is_no_click_is_kept_as_it_was_said(void **state)
{
    const struct fake_answer answers[] = {
        {.status = 200, .body = CHAT("{\"content\":\"I see a page\"}")},
        {.status = 200, .body = CHAT("{\"content\":\"click(x=0.5, y=0.25)\"}")},
        {.status = 200, .body = CHAT("{\"content\":\"type_text(text=\\\"a\\\")\"}")},
    };
    struct fake_transport server;
    struct selftest_click c;
    fake_transport_init(&server, pool, answers, ARRAY_SIZE(answers));
    assert_int_equal(ask(&server, "holo3", &c, NULL), 0);
    assert_false(c.is_click);
    assert_string_equal(c.said, "I see a page");
    assert_int_equal(ask(&server, "holo3", &c, NULL), 0);
    assert_true(c.is_click && c.point.fraction && c.point.x == 0.5);
    assert_int_equal(ask(&server, "holo3", &c, NULL), 0);
    assert_false(c.is_click);
}

static void an_error_is_asked_once_and_kept(void **state)
{
    const struct fake_answer answer = {.status = 500,
                                       .body = "{\"error\":{\"message\":\"out of memory\"}}"};
    struct fake_transport server;
    struct selftest_click c;
    fake_transport_init(&server, pool, &answer, 1);
    assert_int_equal(ask(&server, "holo3", &c, NULL), 0);
    assert_non_null(c.failure);
    assert_non_null(strstr(c.failure, "out of memory"));
    assert_int_equal(server.calls, 1);
}

#define SELFTEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SELFTEST(what_is_found_is_said_with_what_to_change),
        SELFTEST(errors_are_pixels_of_the_screen),
        SELFTEST(shares_written_as_such_fit_every_profile),
        SELFTEST(answers_without_a_click_are_quoted),
        SELFTEST(a_server_that_does_not_answer_gives_its_reason),
        SELFTEST(a_few_missing_answers_do_not_matter),
        SELFTEST(a_button_is_asked_for_as_a_run_would_ask),
        SELFTEST(what_is_no_click_is_kept_as_it_was_said),
        SELFTEST(an_error_is_asked_once_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
