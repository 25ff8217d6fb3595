/*
 * Pictures of frames, decoded again by the libraries that made them: what was drawn stays where it
 * was, to within a pixel, in its colours; what is no picture is refused.
 */
#include "unit/test.h"

#include <spng.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <turbojpeg.h>
#include <unistd.h>
#include <webp/decode.h>

#include "base/caps.h"
#include "brain/model/picture.h"
#include "core/picture.h"

#define STRIDE_EXTRA 12

struct colour {
    int r, g, b;
};

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

/* --- frames ---------------------------------------------------------------------------------- */

static void paint(uint8_t *px, struct colour c)
{
    px[0] = (uint8_t)c.b;
    px[1] = (uint8_t)c.g;
    px[2] = (uint8_t)c.r;
    px[3] = 0x5a; /* X says nothing */
}

/* A filled rectangle on a ground. */
static struct frame drawn(int w, int h, struct rect box, struct colour ground, struct colour ink)
{
    int stride = 4 * w + STRIDE_EXTRA;
    uint8_t *pixels = pool_alloc(pool, (size_t)stride * (size_t)h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            bool in = x >= box.x && x < box.x + box.w && y >= box.y && y < box.y + box.h;
            paint(pixels + (size_t)y * (size_t)stride + 4 * (size_t)x, in ? ink : ground);
        }
    return (struct frame){
        .width = w, .height = h, .stride = stride, .taken_us = 7, .pixels = pixels};
}

/* --- decoding -------------------------------------------------------------------------------- */

static uint8_t *of_png(const uint8_t *data, size_t len, int *w, int *h)
{
    spng_ctx *ctx = spng_ctx_new(0);
    struct spng_ihdr ihdr;
    size_t size;
    assert_int_equal(spng_set_png_buffer(ctx, data, len), 0);
    assert_int_equal(spng_get_ihdr(ctx, &ihdr), 0);
    assert_int_equal(spng_decoded_image_size(ctx, SPNG_FMT_RGB8, &size), 0);
    uint8_t *out = pool_alloc(pool, size);
    assert_int_equal(spng_decode_image(ctx, out, size, SPNG_FMT_RGB8, 0), 0);
    spng_ctx_free(ctx);
    *w = (int)ihdr.width;
    *h = (int)ihdr.height;
    return out;
}

static uint8_t *of_jpeg(const uint8_t *data, size_t len, int *w, int *h)
{
    tjhandle jpeg = tjInitDecompress();
    int sampling, space;
    assert_int_equal(tjDecompressHeader3(jpeg, data, len, w, h, &sampling, &space), 0);
    uint8_t *out = pool_alloc(pool, (size_t)*w * (size_t)*h * 3);
    assert_int_equal(tjDecompress2(jpeg, data, len, out, *w, 0, *h, TJPF_RGB, 0), 0);
    tjDestroy(jpeg);
    return out;
}

static uint8_t *of_webp(const uint8_t *data, size_t len, int *w, int *h)
{
    assert_true(WebPGetInfo(data, len, w, h));
    size_t size = (size_t)*w * (size_t)*h * 3;
    uint8_t *out = pool_alloc(pool, size);
    assert_non_null(WebPDecodeRGBInto(data, len, out, size, 3 * *w));
    return out;
}

static const struct {
    const char *name;
    uint8_t *(*decode)(const uint8_t *data, size_t len, int *w, int *h);
    int tolerance; /* of a colour's channel, in the middle of an area */
} formats[] = {
    [PICTURE_PNG] = {"PNG", of_png, 0},
    [PICTURE_JPEG] = {"JPEG", of_jpeg, 4},
    [PICTURE_WEBP] = {"WebP", of_webp, 6},
};

static uint8_t *decoded(enum picture_format format, const struct frame *frame, int *w, int *h)
{
    const uint8_t *data;
    size_t len;
    assert_int_equal(picture_encode(pool, frame, format, 85, &data, &len, NULL), 0);
    return formats[format].decode(data, len, w, h);
}

/* --- what is seen ---------------------------------------------------------------------------- */

static int apart(const uint8_t *rgb, struct colour c)
{
    return abs(rgb[0] - c.r) + abs(rgb[1] - c.g) + abs(rgb[2] - c.b);
}

static bool like(const uint8_t *rgb, struct colour c, int tolerance)
{
    return abs(rgb[0] - c.r) <= tolerance && abs(rgb[1] - c.g) <= tolerance &&
           abs(rgb[2] - c.b) <= tolerance;
}

/* The box around what is more like the ink than like the ground. */
static struct rect box_of(const uint8_t *rgb, int w, int h, struct colour ground, struct colour ink)
{
    int left = w, top = h, right = -1, bottom = -1;
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            const uint8_t *px = rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            if (apart(px, ink) >= apart(px, ground))
                continue;
            left = x < left ? x : left;
            right = x > right ? x : right;
            top = y < top ? y : top;
            bottom = y > bottom ? y : bottom;
        }
    return (struct rect){left, top, right - left + 1, bottom - top + 1};
}

static void near(const char *what, int got, double wanted)
{
    if (got < wanted - 1 || got > wanted + 1)
        fail_msg("%s at %d instead of %.1f", what, got, wanted);
}

struct size {
    int w, h;
};

static const struct size sizes[] = {
    {1280, 720},  /* as it is */
    {1428, 896},  /* fara: another shape */
    {1288, 728},  /* a model's own resizing */
    {2560, 1440}, /* larger */
    {640, 360},   /* smaller */
    {333, 777},   /* no size that anything is a multiple of */
};
static const struct rect boxes[] = {{400, 200, 160, 90}, {0, 0, 64, 64}, {1216, 656, 64, 64}};
static const struct colour white = {255, 255, 255}, red = {204, 32, 16}, blue = {20, 60, 200},
                           dark = {24, 24, 28};
static const struct {
    struct colour ground, ink;
} inks[] = {{white, red}, {white, blue}, {dark, white}};

static void stays_in_its_place(enum picture_format format, struct size to, struct rect box,
                               struct colour ground, struct colour ink)
{
    struct frame f = drawn(1280, 720, box, ground, ink), sized;
    double sx = to.w / 1280.0, sy = to.h / 720.0;
    int w, h;
    assert_int_equal(picture_resize(pool, &f, to.w, to.h, &sized, NULL), 0);
    assert_int_equal(sized.taken_us, 7);
    const uint8_t *rgb = decoded(format, &sized, &w, &h);
    assert_int_equal(w, to.w);
    assert_int_equal(h, to.h);
    struct rect seen = box_of(rgb, w, h, ground, ink);
    near("the left side", seen.x, box.x * sx);
    near("the top", seen.y, box.y * sy);
    near("the right side", seen.x + seen.w, (box.x + box.w) * sx);
    near("the bottom", seen.y + seen.h, (box.y + box.h) * sy);
    size_t mid =
        (size_t)((box.y + box.h / 2) * sy) * (size_t)w + (size_t)((box.x + box.w / 2) * sx);
    size_t out = (size_t)(360 * sy) * (size_t)w + (size_t)(900 * sx);
    int tolerance = formats[format].tolerance + (f.pixels != sized.pixels ? 3 : 0);
    if (!like(rgb + 3 * mid, ink, tolerance) || !like(rgb + 3 * out, ground, tolerance))
        fail_msg("%s of %dx%d: the colours are not those that were drawn", formats[format].name,
                 to.w, to.h);
}

static void a_square_stays_where_it_is_in_its_colours(void **state)
{
    for (int format = 0; format < PICTURE_FORMATS; format++)
        for (size_t s = 0; s < ARRAY_SIZE(sizes); s++)
            for (size_t b = 0; b < ARRAY_SIZE(boxes); b++) {
                pool_destroy(pool);
                pool = pool_create(NULL);
                stays_in_its_place((enum picture_format)format, sizes[s], boxes[b], inks[b].ground,
                                   inks[b].ink);
            }
}

static void pixels_of_a_png_are_those_of_the_frame(void **state)
{
    struct frame f = drawn(37, 5, (struct rect){3, 1, 9, 2}, blue, red);
    int w, h;
    const uint8_t *rgb = decoded(PICTURE_PNG, &f, &w, &h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            assert_true(
                like(rgb + 3 * (y * w + x), x >= 3 && x < 12 && y >= 1 && y < 3 ? red : blue, 0));
}

/* --- a PNG of what stands there already ------------------------------------------------------- */

static uint32_t dice(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* Blocks that repeat to the right and downwards, with a stray pixel here and there; the fourth byte
 * is never the same. */
static struct frame patterned(int w, int h, int kinds, int block)
{
    int stride = 4 * w;
    uint32_t seed = (uint32_t)(w + kinds), *pixels = pool_alloc(pool, (size_t)stride * (size_t)h);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            uint32_t *px = pixels + (size_t)y * (size_t)w + x;
            *px = y % block && x ? px[y % block > 1 ? -w : -1]
                  : x >= block   ? px[-block]
                                 : dice(&seed) % (uint32_t)kinds * 0x010305u & 0xffffff;
            if (dice(&seed) % 61 == 0)
                *px = dice(&seed);
            *px = (*px & 0xffffff) | dice(&seed) << 24;
        }
    return (struct frame){.width = w, .height = h, .stride = stride, .pixels = (uint8_t *)pixels};
}

static void has_every_pixel(const struct frame *f)
{
    int w, h;
    const uint8_t *rgb = decoded(PICTURE_PNG, f, &w, &h);
    assert_true(w == f->width && h == f->height);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++, rgb += 3) {
            const uint8_t *px = f->pixels + (size_t)y * (size_t)f->stride + 4 * (size_t)x;
            if (rgb[0] != px[2] || rgb[1] != px[1] || rgb[2] != px[0])
                fail_msg("%dx%d: another colour at %d, %d", w, h, x, y);
        }
}

static void a_png_has_every_pixel_whatever_is_like_what(void **state)
{
    static const struct size shapes[] = {{1, 1},   {2, 700},   {700, 2},
                                         {86, 90}, {331, 257}, {CAP_SCREEN_SIDE_PX, 12}};
    static const int kinds[] = {1, 2, 30, 1 << 24}, blocks[] = {1, 2, 9, 40};
    for (size_t s = 0; s < ARRAY_SIZE(shapes); s++)
        for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
            for (size_t b = 0; b < ARRAY_SIZE(blocks); b++) {
                pool_destroy(pool);
                pool = pool_create(NULL);
                struct frame f = patterned(shapes[s].w, shapes[s].h, kinds[k], blocks[b]);
                has_every_pixel(&f);
            }
}

/* Colours whose counts grow as Fibonacci's numbers would have codes longer than a PNG's may be. */
static void a_png_of_few_common_and_many_rare_colours_has_them_all(void **state)
{
    enum { W = 640, H = 480, COLOURS = 24 };
    uint32_t *pixels = pool_alloc(pool, 4 * W * H), seed = 1;
    int n = 0, count = 1, before = 1;
    for (int c = 0; c < COLOURS; c++) {
        for (int i = 0; i < count && n < W * H; i++)
            pixels[n++] = (uint32_t)c * 0x0a0a0au;
        int sum = count + before;
        before = count;
        count = sum;
    }
    for (int i = n - 1; i > 0; i--) {
        int j = (int)(dice(&seed) % (uint32_t)(i + 1));
        uint32_t kept = pixels[i];
        pixels[i] = pixels[j];
        pixels[j] = kept;
    }
    struct frame f = {.width = W, .height = H, .stride = 4 * W, .pixels = (uint8_t *)pixels};
    has_every_pixel(&f);
}

static void a_png_of_noise_is_hardly_larger_than_its_pixels(void **state)
{
    struct frame f = patterned(300, 300, 1 << 24, 1);
    const uint8_t *data;
    size_t len;
    uint32_t seed = 3, *pixels = (uint32_t *)(uintptr_t)f.pixels;
    for (int i = 0; i < 300 * 300; i++)
        pixels[i] = dice(&seed);
    has_every_pixel(&f);
    assert_int_equal(picture_encode(pool, &f, PICTURE_PNG, 0, &data, &len, NULL), 0);
    assert_true(len < 300 * 300 * 3 * 103 / 100);
}

static void a_frame_of_the_size_already_is_not_copied(void **state)
{
    struct frame f = drawn(64, 48, (struct rect){0, 0, 1, 1}, white, red), same;
    assert_int_equal(picture_resize(pool, &f, 64, 48, &same, NULL), 0);
    assert_ptr_equal(same.pixels, f.pixels);
}

/* The last pixel stands before a page that nobody may read. */
static void nothing_behind_the_last_pixel_is_read(void **state)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 101 * 67 * 4;
    size_t room = (bytes + page - 1) / page * page;
    uint8_t *map =
        mmap(NULL, room + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + room, page, PROT_NONE), 0);
    struct frame f = {.width = 101, .height = 67, .stride = 404, .pixels = map + room - bytes};
    struct frame sized;
    int w, h;
    for (size_t i = 0; i < 101 * 67; i++)
        paint(map + room - bytes + 4 * i, red);
    for (int format = 0; format < PICTURE_FORMATS; format++)
        assert_true(like(decoded((enum picture_format)format, &f, &w, &h), red, 6));
    assert_int_equal(picture_resize(pool, &f, 140, 99, &sized, NULL), 0);
    assert_true(like(decoded(PICTURE_PNG, &sized, &w, &h), red, 3));
    munmap(map, room + page);
}

static void the_smallest_sides_are_pictures_too(void **state)
{
    static const struct size small[] = {{1, 1}, {1, 300}, {300, 1}, {2, 3}};
    struct frame f = drawn(320, 240, (struct rect){0, 0, 320, 240}, white, red), sized;
    int w, h;
    for (size_t i = 0; i < ARRAY_SIZE(small); i++) {
        assert_int_equal(picture_resize(pool, &f, small[i].w, small[i].h, &sized, NULL), 0);
        assert_true(like(decoded(PICTURE_PNG, &sized, &w, &h), red, 3));
        assert_true(w == small[i].w && h == small[i].h);
    }
    struct frame one = drawn(1, 1, (struct rect){0, 0, 1, 1}, white, red);
    assert_int_equal(picture_resize(pool, &one, 40, 30, &sized, NULL), 0);
    assert_true(like(decoded(PICTURE_PNG, &sized, &w, &h), red, 3));
}

/* --- refused --------------------------------------------------------------------------------- */

static void sizes_that_are_none_are_refused(void **state)
{
    static const struct size bad[] = {{0, 10}, {10, 0}, {-5, 10}, {10, CAP_SCREEN_SIDE_PX + 1}};
    struct frame f = drawn(32, 32, (struct rect){0, 0, 8, 8}, white, red), out = {.width = -1};
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(picture_resize(pool, &f, bad[i].w, bad[i].h, &out, &err), E_INVALID);
        assert_non_null(strstr(err.msg, "from 1 to 8192"));
    }
    assert_int_equal(out.width, -1);
}

static void frames_that_are_none_are_refused(void **state)
{
    static const uint8_t px[64];
    const struct frame bad[] = {{.width = 4, .height = 4, .stride = 16},
                                {.width = 0, .height = 4, .stride = 16, .pixels = px},
                                {.width = 4, .height = 9000, .stride = 16, .pixels = px},
                                {.width = 4, .height = 4, .stride = 12, .pixels = px}};
    const struct frame good = {.width = 4, .height = 4, .stride = 16, .pixels = px};
    const uint8_t *data = px;
    size_t len = 1;
    struct err err = {0};
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(picture_encode(pool, &bad[i], PICTURE_PNG, 0, &data, &len, &err),
                         E_INVALID);
    assert_int_equal(picture_encode(pool, &good, PICTURE_JPEG, 0, &data, &len, &err), E_INVALID);
    assert_non_null(strstr(err.msg, "quality"));
    assert_int_equal(picture_encode(pool, &good, PICTURE_WEBP, 101, &data, &len, &err), E_INVALID);
    assert_true(data == px && len == 1);
}

/* --- as a model is sent it ------------------------------------------------------------------- */

static void a_model_is_sent_the_format_and_size_of_its_profile(void **state)
{
    struct rect box = {400, 200, 160, 90};
    struct frame f = drawn(1280, 720, box, white, red);
    for (int format = 0; format < PICTURE_FORMATS; format++) {
        struct profile p = {.format = (enum picture_format)format, .quality = 85};
        struct model_frame out, part;
        int w, h;
        assert_int_equal(model_picture(NULL, pool, &p, &f, 1428, 896, &out, NULL), 0);
        const uint8_t *rgb = formats[format].decode(out.data, out.len, &w, &h);
        assert_true(w == 1428 && h == 896 && out.width == w && out.height == h);
        near("the left side", box_of(rgb, w, h, white, red).x, 400 * 1428 / 1280.0);
        struct frame cut;
        assert_true(frame_crop(&f, &box, &cut));
        assert_int_equal(model_picture(NULL, pool, &p, &cut, 160, 90, &part, NULL), 0);
        assert_true(like(formats[format].decode(part.data, part.len, &w, &h), red, 6));
        assert_true(w == 160 && h == 90 && part.width == w && part.height == h);
    }
}

static void a_lower_quality_is_a_smaller_file(void **state)
{
    struct frame f = drawn(1280, 720, (struct rect){400, 200, 160, 90}, white, red);
    struct profile p = {.format = PICTURE_JPEG, .quality = 20};
    struct model_frame low, high;
    assert_int_equal(model_picture(NULL, pool, &p, &f, 1280, 720, &low, NULL), 0);
    p.quality = 95;
    assert_int_equal(model_picture(NULL, pool, &p, &f, 1280, 720, &high, NULL), 0);
    assert_true(low.len < high.len);
}

/* --- made once ------------------------------------------------------------------------------- */

static const uint8_t *screenshot(struct picture_memo *memo, const struct frame *f, size_t *len)
{
    const struct picture_kind kind = {f->width, f->height, PICTURE_PNG, 0};
    const uint8_t *data;
    assert_int_equal(picture_memo_get(memo, pool, f, &kind, &data, len, NULL), 0);
    return data;
}

static void the_screenshot_of_a_step_is_what_its_model_was_sent(void **state)
{
    struct picture_memo *memo = picture_memo_create();
    struct frame f = drawn(331, 257, (struct rect){40, 20, 16, 9}, white, red), again = f;
    struct profile p = {.format = PICTURE_PNG, .quality = 85};
    struct model_frame sent;
    uint8_t *pixels = pool_alloc(pool, (size_t)(f.stride * f.height));
    size_t len;
    assert_int_equal(model_picture(memo, pool, &p, &f, 331, 257, &sent, NULL), 0);
    again.pixels = memcpy(pixels, f.pixels, (size_t)(f.stride * f.height));
    const uint8_t *kept = screenshot(memo, &again, &len);
    assert_int_equal(picture_memo_made(memo), 1);
    assert_int_equal(len, sent.len);
    assert_memory_equal(kept, sent.data, len);
    picture_memo_destroy(memo);
}

static const uint8_t *shown(struct picture_memo *memo, const struct frame *f)
{
    int w, h;
    size_t len;
    const uint8_t *data = screenshot(memo, f, &len);
    return of_png(data, len, &w, &h);
}

static void another_pixel_mask_or_size_is_another_picture(void **state)
{
    const struct frame_mask mask = {{100, 100, 20, 10}, true};
    struct picture_memo *memo = picture_memo_create();
    struct frame f = drawn(331, 257, (struct rect){40, 20, 16, 9}, white, red);
    uint8_t *last = (uint8_t *)(uintptr_t)f.pixels + 256 * f.stride + 4 * 330;
    struct profile p = {.format = PICTURE_JPEG, .quality = 85};
    struct model_frame out;
    shown(memo, &f);
    last[0] ^= 1;
    const uint8_t *rgb = shown(memo, &f);
    assert_int_equal(rgb[3 * (331 * 257 - 1) + 2], last[0]);
    assert_int_equal(picture_memo_made(memo), 2);
    f.masks = &mask;
    f.n_masks = 1;
    rgb = shown(memo, &f);
    assert_int_equal(rgb[3 * (331 * 101 + 101)], FRAME_MASK_LEVEL);
    assert_int_equal(picture_memo_made(memo), 3);
    shown(memo, &f);
    assert_int_equal(picture_memo_made(memo), 3);
    assert_int_equal(model_picture(memo, pool, &p, &f, 331, 257, &out, NULL), 0);
    assert_int_equal(model_picture(memo, pool, &p, &f, 200, 100, &out, NULL), 0);
    p.quality = 20;
    assert_int_equal(model_picture(memo, pool, &p, &f, 200, 100, &out, NULL), 0);
    assert_int_equal(picture_memo_made(memo), 6);
    picture_memo_destroy(memo);
}

#define PICTURE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PICTURE_TEST(a_square_stays_where_it_is_in_its_colours),
        PICTURE_TEST(pixels_of_a_png_are_those_of_the_frame),
        PICTURE_TEST(a_png_has_every_pixel_whatever_is_like_what),
        PICTURE_TEST(a_png_of_few_common_and_many_rare_colours_has_them_all),
        PICTURE_TEST(a_png_of_noise_is_hardly_larger_than_its_pixels),
        PICTURE_TEST(a_frame_of_the_size_already_is_not_copied),
        PICTURE_TEST(nothing_behind_the_last_pixel_is_read),
        PICTURE_TEST(the_smallest_sides_are_pictures_too),
        PICTURE_TEST(sizes_that_are_none_are_refused),
        PICTURE_TEST(frames_that_are_none_are_refused),
        PICTURE_TEST(a_model_is_sent_the_format_and_size_of_its_profile),
        PICTURE_TEST(a_lower_quality_is_a_smaller_file),
        PICTURE_TEST(the_screenshot_of_a_step_is_what_its_model_was_sent),
        PICTURE_TEST(another_pixel_mask_or_size_is_another_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
