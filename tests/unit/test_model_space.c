/*
 * The coordinates models speak in: every vector of brains.md section 12 and agent-loop.md
 * section 3.
 */
#include "unit/test.h"

#include <math.h>
#include <string.h>

#include "brain/model/space.h"

/* clang-format off */
static const struct size_row {
    const char *row, *space;
    int w, h, want_w, want_h;
} sizes[] = {
    {"brains 12 1280x720 becomes 1288x728", "resized", 1280, 720, 1288, 728},
    {"brains 12 1280x800 becomes 1288x812", "resized", 1280, 800, 1288, 812},
    {"brains 12 1366x768 becomes 1372x756", "resized", 1366, 768, 1372, 756},
    {"brains 12 1920x1080 becomes 1932x1092", "resized", 1920, 1080, 1932, 1092},
    {"brains 12 3840x2160 becomes 3836x2156", "resized", 3840, 2160, 3836, 2156},
    {"brains 12 ties go to the even side", "resized", 98, 70, 112, 56},
    {"brains 12 a larger image than the limit shrinks", "resized", 8000, 4000, 5068, 2548},
    {"brains 12 a smaller image than the limit grows", "resized", 30, 100, 28, 112},
    {"brains 12 a side below 28 is not converted", "resized", 20, 500, 20, 500},
    {"brains 12 a fixed size is that size", "fixed:1428x896", 1280, 720, 1428, 896},
    {"brains 6 screen pixels are the screen's", "screen", 1280, 720, 1280, 720},
    {"brains 6 per mille", "per_mille", 1280, 720, 1000, 1000},
    {"brains 6 unit", "unit", 1280, 720, 1, 1},
};

static const struct point_row {
    const char *row, *space;
    struct space_view view;
    double x, y;
    bool fraction;
    int want_x, want_y;
} points[] = {
    {"brains 12 (644,364) on 1280x720", "resized", {1280, 720, 0, 0}, 644, 364, false, 640, 360},
    {"brains 12 (1000,500) on 1280x720", "resized", {1280, 720, 0, 0}, 1000, 500, false, 993, 494},
    {"brains 12 (966,546) on 1920x1080", "resized", {1920, 1080, 0, 0}, 966, 546, false, 960, 540},
    {"brains 12 fara (714,448)", "fixed:1428x896", {1280, 720, 0, 0}, 714, 448, false, 640, 360},
    {"brains 12 fara (1011,77)", "fixed:1428x896", {1280, 720, 0, 0}, 1011, 77, false, 906, 62},
    {"brains 12 unit rounds", "unit", {1280, 720, 0, 0}, 0.324, 0.338, false, 415, 243},
    {"brains 12 a fraction in any space", "resized", {1280, 720, 0, 0}, 0.324, 0.338, true, 415, 243},
    {"brains 12 screen pixels stay", "screen", {1280, 720, 0, 0}, 5, 6, false, 5, 6},
    {"brains 12 per mille rounds", "per_mille", {1280, 720, 0, 0}, 324, 338, false, 415, 243},
    {"brains 12 clamped last", "fixed:1428x896", {1280, 720, 0, 0}, 1428, -4, false, 1279, 0},
    {"brains 12 the image shrunk before the model's resizing", "resized", {2560, 1440, 1280, 720}, 644, 364, false, 1280, 720},
    {"agent-loop 3 768x432 on 1280x720", "screen", {1280, 720, 768, 432}, 640, 360, false, 1067, 600},
    {"agent-loop 3 1280x720 on 1920x1080", "screen", {1920, 1080, 1280, 720}, 640, 360, false, 960, 540},
    {"agent-loop 3 out of range is clamped", "screen", {1280, 720, 0, 0}, 9999, -1, false, 1279, 0},
    {"agent-loop 3 the last pixel is the side minus one", "unit", {1280, 720, 0, 0}, 1, 1, false, 1279, 719},
};
/* clang-format on */

static struct space space_of(const char *text)
{
    struct space s = {.factor = 28, .min_pixels = 3136, .max_pixels = 12845056};
    struct err err = {0};
    if (space_parse(text, &s, &err))
        fail_msg("%s", err.msg);
    return s;
}

static void one_size(void **state)
{
    const struct size_row *row = *state;
    struct space s = space_of(row->space);
    int w, h;
    space_size(&s, row->w, row->h, &w, &h);
    if (w != row->want_w || h != row->want_h)
        fail_msg("%dx%d, not %dx%d", w, h, row->want_w, row->want_h);
}

static void one_point(void **state)
{
    const struct point_row *row = *state;
    struct space s = space_of(row->space);
    struct point at = space_to_screen(&s, &row->view, row->x, row->y, row->fraction);
    if (at.x != row->want_x || at.y != row->want_y)
        fail_msg("(%d,%d), not (%d,%d)", at.x, at.y, row->want_x, row->want_y);
}

static void nothing_leaves_the_screen(void **state)
{
    static const double odd[] = {NAN, INFINITY, -INFINITY, 1e300, -1e300};
    struct space s = space_of("resized");
    const struct space_view view = {1280, 720, 0, 0};
    for (size_t i = 0; i < ARRAY_SIZE(odd); i++) {
        struct point at = space_to_screen(&s, &view, odd[i], odd[i], false);
        assert_true(at.x >= 0 && at.x < 1280 && at.y >= 0 && at.y < 720);
    }
}

/* What a model is told of its own click is what it said, give or take one. */
static void what_is_told_is_what_was_said(void **state)
{
    static const char *const kinds[] = {"resized", "fixed:1428x896", "screen", "per_mille"};
    const struct space_view view = {1280, 720, 0, 0};
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        struct space s = space_of(kinds[k]);
        for (int said = 1; said < 700; said += 7) {
            double x, y;
            struct point at = space_to_screen(&s, &view, said, said, false);
            space_from_screen(&s, &view, at, &x, &y);
            assert_true(fabs(x - said) <= 1 && fabs(y - said) <= 1);
        }
    }
}

static void a_wrong_space_is_named(void **state)
{
    static const char *const wrong[] = {"",          "inches",       "fixed",       "fixed:0x5",
                                        "fixed:10x", "fixed:10x10x", "fixed:9000x1"};
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        struct space s = {0};
        struct err err = {0};
        assert_int_equal(space_parse(wrong[i], &s, &err), E_INVALID);
        assert_non_null(strstr(err.msg, "fixed:WxH"));
    }
}

static const struct CMUnitTest others[] = {
    row_test("brains 12 whatever is said, the point is on the screen", nothing_leaves_the_screen),
    cmocka_unit_test(what_is_told_is_what_was_said),
    cmocka_unit_test(a_wrong_space_is_named),
};

int main(void)
{
    struct CMUnitTest tests[ARRAY_SIZE(sizes) + ARRAY_SIZE(points) + ARRAY_SIZE(others)];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
        tests[n++] = (struct CMUnitTest){sizes[i].row, one_size, NULL, NULL, (void *)&sizes[i]};
    for (size_t i = 0; i < ARRAY_SIZE(points); i++)
        tests[n++] = (struct CMUnitTest){points[i].row, one_point, NULL, NULL, (void *)&points[i]};
    for (size_t i = 0; i < ARRAY_SIZE(others); i++)
        tests[n++] = others[i];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
