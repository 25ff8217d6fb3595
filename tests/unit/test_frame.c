#include "unit/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/frame.h"

#define W 90 /* ten pixels per column of the hash, so that blocks are exact */
#define H 80

static struct frame flat(uint8_t *pixels, uint8_t grey)
{
    memset(pixels, grey, W * H * 4);
    return (struct frame){.width = W, .height = H, .stride = W * 4, .pixels = pixels};
}

static void fill(uint8_t *pixels, struct rect r, uint8_t grey)
{
    for (int y = r.y; y < r.y + r.h; y++)
        memset(pixels + (y * W + r.x) * 4, grey, (size_t)r.w * 4);
}

static void a_flat_frame_hashes_to_zero_and_its_mean(void **state)
{
    static uint8_t p[W * H * 4];
    char hash[FRAME_HASH_BYTES];
    struct frame f = flat(p, 0);
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "00000000000000000");
    f = flat(p, 255);
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "0000000000000000f");
    f = flat(p, 128);
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "00000000000000008");
}

static void a_bit_is_set_where_a_pixel_is_brighter_than_its_right_neighbour(void **state)
{
    static uint8_t p[W * H * 4];
    char hash[FRAME_HASH_BYTES];
    struct frame f = flat(p, 0);
    fill(p, (struct rect){0, 0, 10, 10}, 200); /* row 0, column 0 */
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "00000000000000010");
    f = flat(p, 0);
    fill(p, (struct rect){70, 70, 10, 10}, 200); /* row 7, column 7: the highest bit */
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "80000000000000000");
}

static void the_hash_of_an_area_does_not_see_the_rest(void **state)
{
    static uint8_t p[W * H * 4];
    char before[FRAME_HASH_BYTES], after[FRAME_HASH_BYTES];
    struct frame f = flat(p, 50);
    struct rect left = {0, 0, 45, 80};
    frame_hash(&f, &left, before);
    fill(p, (struct rect){60, 10, 20, 20}, 255);
    frame_hash(&f, &left, after);
    assert_string_equal(before, after);
    frame_hash(&f, NULL, after);
    assert_string_not_equal(before, after);
}

static void an_area_that_sticks_out_is_cut(void **state)
{
    static uint8_t p[W * H * 4];
    char hash[FRAME_HASH_BYTES];
    struct frame f = flat(p, 255);
    static const struct rect areas[] = {
        {-50, -50, 1000, 1000}, {89, 79, 5, 5}, {500, 500, 1, 1}, {3, 3, 0, 0}};
    for (size_t i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
        frame_hash(&f, &areas[i], hash);
        assert_string_equal(hash, "0000000000000000f");
    }
}

static void white_with_a_speck_is_blank_and_a_paragraph_is_not(void **state)
{
    static uint8_t p[W * H * 4];
    struct frame f = flat(p, 255);
    assert_true(frame_is_blank(&f));
    fill(p, (struct rect){10, 10, 4, 4}, 0);
    assert_true(frame_is_blank(&f));
    fill(p, (struct rect){10, 10, 40, 10}, 0);
    assert_false(frame_is_blank(&f));
    f = flat(p, 250);
    assert_true(frame_is_blank(&f));
    f = flat(p, 249);
    assert_false(frame_is_blank(&f));
}

static void difference_is_the_share_of_changed_pixels(void **state)
{
    static uint8_t p[W * H * 4], q[W * H * 4];
    struct frame a = flat(p, 100), b = flat(q, 100), other = {.width = 1, .height = 1};
    assert_true(frame_difference(&a, &b) == 0);
    b = flat(q, 108); /* eight levels are still the same */
    assert_true(frame_difference(&a, &b) == 0);
    b = flat(q, 109);
    assert_true(frame_difference(&a, &b) == 1);
    b = flat(q, 100);
    fill(q, (struct rect){0, 0, 45, 80}, 0);
    double half = frame_difference(&a, &b);
    assert_true(half > 0.45 && half < 0.55);
    assert_true(frame_difference(&a, &other) == 1);
}

/* Of 64 rows of the small copies, that in which pixels differ; the last one, too. */
static void a_changed_row_is_not_missed(void **state)
{
    static uint8_t p[W * H * 4], q[W * H * 4];
    struct frame a = flat(p, 100), b = flat(q, 100);
    for (int row = 0; row < 64; row++) {
        int y0 = row * H / 64, y1 = (row + 1) * H / 64;
        struct rect band = {0, y0, W, y1 - y0};
        fill(q, band, 200);
        assert_true(frame_difference(&a, &b) == 1.0 / 64);
        fill(q, band, 100);
    }
    fill(q, (struct rect){W - 1, H - 1, 1, 1}, 200); /* one pixel of the last block */
    assert_true(frame_difference(&a, &b) > 0);
}

static void near_empty_is_at_least_95_percent_of_one_grey(void **state)
{
    static uint8_t small[FRAME_SMALL * FRAME_SMALL];
    const int all = FRAME_SMALL * FRAME_SMALL, allowed = all * 5 / 100; /* 204 */
    memset(small, 200, sizeof(small));
    memset(small, 10, (size_t)allowed);
    assert_true(frame_small_is_flat(small));
    small[allowed] = 208; /* eight levels are still the same */
    assert_true(frame_small_is_flat(small));
    small[allowed] = 209;
    assert_false(frame_small_is_flat(small));
}

static void what_differs_is_larger_than_a_spinner(void **state)
{
    static const struct {
        int w, h, by;
        bool differ;
    } cases[] = {{0, 0, 0, false}, {5, 9, 50, false}, {6, 1, 50, true}, {1, 10, 50, true}, {30, 30, 8, false}, {30, 30, -9, true}};
    static uint8_t a[FRAME_SMALL * FRAME_SMALL], b[FRAME_SMALL * FRAME_SMALL];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        memset(a, 100, sizeof(a));
        memset(b, 100, sizeof(b));
        for (int y = 20; y < 20 + cases[i].h; y++)
            memset(b + y * FRAME_SMALL + 7, 100 + cases[i].by, (size_t)cases[i].w);
        assert_int_equal(frame_small_differ(a, b), cases[i].differ);
    }
}

/* Red, green and blue weigh 299, 587 and 114. */
static void greys_are_those_of_television(void **state)
{
    static const struct {
        uint8_t bgrx[4], grey;
    } cases[] = {{{0, 0, 255, 7}, 76}, {{0, 255, 0, 7}, 149}, {{255, 0, 0, 7}, 29}, {{255, 255, 255, 0}, 255}};
    static uint8_t p[W * H * 4], small[FRAME_SMALL * FRAME_SMALL];
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame f = flat(p, 0);
        for (int k = 0; k < W * H; k++)
            memcpy(p + 4 * k, cases[i].bgrx, 4);
        frame_small(&f, small);
        assert_int_equal(small[0], cases[i].grey);
    }
}

static void a_frame_smaller_than_the_grid_is_fine(void **state)
{
    static const uint8_t pixels[2 * 2 * 4] = {0};
    struct frame f = {.width = 2, .height = 2, .stride = 8, .pixels = pixels};
    char hash[FRAME_HASH_BYTES];
    frame_hash(&f, NULL, hash);
    assert_string_equal(hash, "00000000000000000");
    assert_false(frame_is_blank(&f));
}

static void a_part_is_cut_to_what_is_inside(void **state)
{
    static const struct {
        struct rect area, inside; /* w 0: nothing */
    } cases[] = {{{1, 1, 2, 2}, {1, 1, 2, 2}},   {{-3, -3, 5, 5}, {0, 0, 2, 2}},
                 {{2, 2, 99, 99}, {2, 2, 2, 2}}, {{0, 0, 4, 4}, {0, 0, 4, 4}},
                 {{4, 0, 1, 1}, {0}},            {{0, 4, 1, 1}, {0}},
                 {{-4, 0, 4, 4}, {0}},           {{0, 0, 0, 4}, {0}},
                 {{1, 0, -1, 4}, {0}},           {{1, 1, 2147483647, 1}, {1, 1, 3, 1}}};
    uint8_t pixels[4 * 20];
    struct frame f = {.width = 4, .height = 4, .stride = 20, .pixels = pixels}, part;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct rect area = cases[i].area, in = cases[i].inside;
        assert_int_equal(frame_crop(&f, &area, &part), in.w > 0);
        if (!in.w)
            continue;
        assert_true(area.x == in.x && area.y == in.y && area.w == in.w && area.h == in.h);
        assert_true(part.width == in.w && part.height == in.h && part.stride == 20);
        assert_ptr_equal(part.pixels, pixels + in.y * 20 + in.x * 4);
    }
    f.pixels = NULL;
    assert_false(frame_crop(&f, &(struct rect){0, 0, 1, 1}, &part));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flat_frame_hashes_to_zero_and_its_mean),
        cmocka_unit_test(a_bit_is_set_where_a_pixel_is_brighter_than_its_right_neighbour),
        cmocka_unit_test(the_hash_of_an_area_does_not_see_the_rest),
        cmocka_unit_test(an_area_that_sticks_out_is_cut),
        cmocka_unit_test(a_part_is_cut_to_what_is_inside),
        cmocka_unit_test(white_with_a_speck_is_blank_and_a_paragraph_is_not),
        cmocka_unit_test(difference_is_the_share_of_changed_pixels),
        cmocka_unit_test(a_changed_row_is_not_missed),
        cmocka_unit_test(near_empty_is_at_least_95_percent_of_one_grey),
        cmocka_unit_test(what_differs_is_larger_than_a_spinner),
        cmocka_unit_test(greys_are_those_of_television),
        cmocka_unit_test(a_frame_smaller_than_the_grid_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
