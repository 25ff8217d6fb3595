/* Secrets are covered in every picture, and pictures are taken when something was drawn. */
#include "unit/test.h"

#include <string.h>

#include "base/clock.h"
#include "core/picture.h"
#include "run/camera.h"

enum { W = 400, H = 320, WHITE = 0xff };

struct scene {
    struct pool *pool;
    struct answers answers, passwords;
    struct mask mask;
    struct node nodes[3];
    struct page page;
    uint8_t pixels[W * H * 4];
    struct observation obs;
};

/* A label, an empty field and a password field. */
static void begin(struct scene *s, bool has_dom, const char *answer)
{
    static const struct attr password[] = {{"type", "password"}};
    static const struct node nodes[] = {
        {.parent = -1, .end = 3, .tag = "#document", .text = "", .value = ""},
        {.parent = 0,
         .end = 2,
         .tag = "input",
         .text = "",
         .value = "",
         .flags = NODE_IN_VIEW,
         .box = {20, 40, 100, 20}},
        {.parent = 0,
         .end = 3,
         .tag = "input",
         .text = "",
         .value = "",
         .flags = NODE_IN_VIEW,
         .attrs = password,
         .n_attrs = 1,
         .box = {20, 80, 100, 20}},
    };
    *s = (struct scene){.pool = pool_create(NULL)};
    memcpy(s->nodes, nodes, sizeof(nodes));
    memset(s->pixels, WHITE, sizeof(s->pixels));
    if (answer) {
        json_t *given = json_pack("{s:s}", "1", answer);
        answers_take(&s->answers, given);
        json_decref(given);
    }
    mask_init(&s->mask, &s->answers, &s->passwords, has_dom);
    s->page = (struct page){.url = "u", .title = "t", .nodes = s->nodes, .n_nodes = 3};
}

static void end(struct scene *s)
{
    answers_release(&s->answers);
    pool_destroy(s->pool);
}

static struct observation *look(struct scene *s)
{
    s->obs = (struct observation){
        .url = "u",
        .title = "t",
        .page = s->mask.has_dom ? &s->page : NULL,
        .frame = {.width = W, .height = H, .stride = W * 4, .pixels = s->pixels}};
    mask_seen(&s->mask, s->pool, &s->obs);
    return &s->obs;
}

static bool fits(struct scene *s, struct frame *out)
{
    *out = (struct frame){.width = W, .height = H, .stride = W * 4, .pixels = s->pixels};
    return mask_fits(&s->mask, out);
}

static bool covers(const struct frame *f, int x, int y)
{
    for (int i = 0; i < f->n_masks; i++) {
        const struct rect *r = &f->masks[i].at;
        if (x >= r->x && x < r->x + r->w && y >= r->y && y < r->y + r->h)
            return true;
    }
    return false;
}

static void draw(struct scene *s, int x, int y)
{
    memset(s->pixels + 4 * (y * W + x), 0, 4);
}

static void a_password_field_is_covered_and_its_border_is_not(void **state)
{
    struct scene s;
    begin(&s, true, NULL);
    const struct frame *f = &look(&s)->frame;
    assert_true(covers(f, 70, 90));
    assert_false(covers(f, 20, 80));
    assert_false(covers(f, 70, 50));
    end(&s);
}

static void a_field_and_a_text_that_show_an_answer_are_covered(void **state)
{
    struct scene s;
    begin(&s, true, "4711-22");
    assert_false(covers(&look(&s)->frame, 70, 50));
    s.nodes[1].value = "471122";
    assert_true(covers(&look(&s)->frame, 70, 50));
    s.nodes[1].value = "";
    s.nodes[0] = (struct node){.parent = -1,
                               .end = 3,
                               .tag = "#text",
                               .text = "your code is 4711-22",
                               .value = "",
                               .flags = NODE_IN_VIEW,
                               .box = {200, 10, 50, 10}};
    assert_true(covers(&look(&s)->frame, 201, 11));
    end(&s);
}

static void a_picture_waits_while_what_is_under_a_mask_is_another(void **state)
{
    struct scene s;
    struct frame f;
    begin(&s, true, NULL);
    look(&s);
    draw(&s, 300, 300); /* elsewhere */
    assert_true(fits(&s, &f));
    assert_int_equal(f.n_masks, 1);
    draw(&s, 70, 90); /* it moved, or is being typed into */
    assert_false(fits(&s, &f));
    look(&s);
    assert_true(fits(&s, &f));
    end(&s);
}

static void no_picture_is_given_out_between_a_secret_and_the_look_behind_it(void **state)
{
    struct scene s;
    struct frame f;
    const struct action type = {.type = ACTION_TYPE_TEXT, .text = "4711"};
    begin(&s, true, "4711");
    look(&s);
    mask_before(&s.mask, &type, true, NULL);
    assert_false(fits(&s, &f));
    s.obs.page = NULL;
    assert_true(mask_wants_page(&s.mask, &s.obs));
    look(&s);
    assert_true(fits(&s, &f));
    end(&s);
}

static void on_pixels_the_place_that_was_clicked_is_covered_until_the_page_is_another(void **state)
{
    struct scene s;
    struct frame f;
    const struct action click = {.type = ACTION_CLICK, .x = 350, .y = 100},
                        type = {.type = ACTION_TYPE_TEXT, .text = "x"};
    const struct action scroll = {.type = ACTION_SCROLL, .dy = 1};
    begin(&s, false, NULL);
    look(&s);
    mask_before(&s.mask, &click, false, NULL);
    mask_before(&s.mask, &type, false, NULL);
    assert_true(fits(&s, &f) && !f.n_masks);
    mask_before(&s.mask, &type, true, NULL);
    assert_true(fits(&s, &f) && covers(&f, 350, 100) && !covers(&f, 350, 200));
    assert_true(covers(&look(&s)->frame, 350, 100));
    mask_before(&s.mask, &scroll, false, NULL);
    assert_true(covers(&look(&s)->frame, 350, 200));
    struct observation other = {.url = "u2", .title = "t"};
    mask_seen(&s.mask, s.pool, &other);
    assert_true(fits(&s, &f) && !f.n_masks);
    end(&s);
}

/* On pixels a field is covered as far as its border, which stays to be seen. */
static void a_field_is_found_by_its_border(void **state)
{
    struct scene s;
    const struct action click = {.type = ACTION_CLICK, .x = 200, .y = 110};
    const struct action type = {.type = ACTION_TYPE_TEXT, .text = "x"};
    begin(&s, false, NULL);
    for (int x = 100; x < 301; x++) {
        draw(&s, x, 100);
        draw(&s, x, 130);
    }
    for (int y = 100; y < 131; y++) {
        draw(&s, 100, y);
        draw(&s, 300, y);
    }
    look(&s);
    mask_before(&s.mask, &click, false, NULL);
    assert_true(mask_wants_screen(&s.mask, &type, true));
    mask_before(&s.mask, &type, true, &s.obs.frame);
    assert_int_equal(look(&s)->frame.n_masks, 0); /* nothing was typed there: the click missed */
    mask_before(&s.mask, &type, true, &s.obs.frame);
    draw(&s, 200, 110);
    const struct frame *f = &look(&s)->frame;
    assert_int_equal(f->n_masks, 1);
    const struct rect *r = &f->masks[0].at;
    assert_true(r->x == 101 && r->y == 101 && r->w == 199 && r->h == 29);
    assert_true(f->masks[0].filled);
    end(&s);
}

/* Dots where something stands, none where nothing does. */
static void a_mask_tells_whether_something_stands_there(void **state)
{
    struct scene s;
    begin(&s, true, NULL);
    assert_false(look(&s)->frame.masks[0].filled);
    for (int x = 30; x < 60; x += 3)
        draw(&s, x, 90);
    assert_true(look(&s)->frame.masks[0].filled);
    frame_paint_masks(&s.obs.frame, s.pixels);
    assert_int_equal(s.pixels[4 * (90 * W + 36)], FRAME_MASK_DOT);
    assert_int_equal(s.pixels[4 * (84 * W + 36)], FRAME_MASK_LEVEL);
    end(&s);
}

/* ctrl+a: the dots are white and their ground is blue, whose level is that of a placeholder (#757575). */
static void what_is_selected_stands_there_and_a_placeholder_does_not(void **state)
{
    static const uint8_t rows[][4] = {{0xd1, 0x67, 0x33}, {0x75, 0x75, 0x75}};
    for (int i = 0; i < 2; i++) {
        struct scene s;
        begin(&s, true, NULL);
        for (int y = 84; y < 96; y++)
            for (int x = 24; x < 60; x++)
                memcpy(s.pixels + 4 * (y * W + x), rows[i], 4);
        if (i) /* letters with white before them */
            for (int y = 84; y < 96; y++)
                memset(s.pixels + 4 * (y * W + 24), WHITE, 4);
        assert_int_equal(look(&s)->frame.masks[0].filled, i == 0);
        end(&s);
    }
}

static void a_cut_out_part_is_painted_where_the_mask_lies_in_it(void **state)
{
    const struct frame_mask mask = {{100, 50, 10, 10}, false};
    struct rect area = {90, 45, 40, 40};
    static uint8_t pixels[W * H * 4];
    struct frame f = {.width = W,
                      .height = H,
                      .stride = W * 4,
                      .pixels = pixels,
                      .masks = &mask,
                      .n_masks = 1},
                 part;
    memset(pixels, WHITE, sizeof(pixels));
    assert_true(frame_crop(&f, &area, &part));
    frame_paint_masks(&part, pixels + 4 * (45 * W + 90));
    assert_int_equal(pixels[4 * (50 * W + 100)], FRAME_MASK_LEVEL);
    assert_int_equal(pixels[4 * (59 * W + 109)], FRAME_MASK_LEVEL);
    assert_int_equal(pixels[4 * (60 * W + 110)], WHITE);
    assert_int_equal(pixels[4 * (49 * W + 99)], WHITE);
}

/* No picture of a masked frame depends on what is under its masks, whatever is made of it. */
static void no_file_of_a_picture_knows_what_is_under_a_mask(void **state)
{
    const struct frame_mask mask = {{100, 50, 90, 20}, true};
    static uint8_t a[W * H * 4], b[W * H * 4];
    struct pool *pool = pool_create(NULL);
    memset(a, WHITE, sizeof(a));
    memset(b, WHITE, sizeof(b));
    memset(b + 4 * (55 * W + 110), 0, 40);
    for (int format = 0; format < PICTURE_FORMATS; format++)
        for (int width = W; width >= W / 2; width -= W / 2) {
            const uint8_t *files[2];
            size_t lens[2];
            for (int i = 0; i < 2; i++) {
                struct frame f = {.width = W,
                                  .height = H,
                                  .stride = W * 4,
                                  .pixels = i ? b : a,
                                  .masks = &mask,
                                  .n_masks = 1},
                             sized;
                assert_int_equal(picture_resize(pool, &f, width, width * H / W, &sized, NULL), 0);
                assert_int_equal(picture_encode(pool, &sized, (enum picture_format)format, 90,
                                                &files[i], &lens[i], NULL),
                                 0);
            }
            assert_int_equal(lens[0], lens[1]);
            assert_memory_equal(files[0], files[1], lens[0]);
        }
    pool_destroy(pool);
}

/* --- the camera ------------------------------------------------------------------------------ */

struct watcher {
    int n;
    bool refuses;
    struct camera_watch *leaves; /* with the first picture */
};

static bool on_picture(void *arg, const struct frame *frame)
{
    struct watcher *w = arg;
    w->n++;
    if (w->leaves)
        camera_unsubscribe(w->leaves);
    return !w->refuses;
}

struct bench {
    struct loop *loop;
    struct pool *pool;
    struct plane *plane;
    struct answers answers, passwords;
    struct mask mask;
    struct camera *camera;
};

static void bench_begin(struct bench *b)
{
    const struct plane_config config = {.width = 320, .height = 320};
    *b = (struct bench){.pool = pool_create(NULL)};
    assert_int_equal(loop_create(&b->loop, NULL), 0);
    assert_int_equal(plane_create("fake", b->loop, &config, 1000, &b->plane, NULL), 0);
    mask_init(&b->mask, &b->answers, &b->passwords, true);
    b->camera = camera_create(b->loop, b->plane, &b->mask);
}

static void bench_end(struct bench *b)
{
    camera_destroy(b->camera);
    plane_destroy(b->plane, PLANE_END_NOW);
    loop_destroy(b->loop);
    pool_destroy(b->pool);
}

static void pass(struct bench *b, int ms)
{
    assert_int_equal(loop_wait(b->loop, NULL, NULL, clock_mono_ms() + ms), 0);
}

static void scroll(struct bench *b)
{
    struct settled s;
    const struct action a = {.type = ACTION_SCROLL, .dy = 1};
    assert_int_equal(plane_act(b->plane, b->pool, &a, 100, &s, NULL), 0);
}

static void a_still_screen_is_taken_once_and_a_moving_one_at_most_at_its_rate(void **state)
{
    struct bench b;
    struct watcher quick = {0}, slow = {0};
    bench_begin(&b);
    camera_subscribe(b.camera, 20, on_picture, &quick);
    camera_subscribe(b.camera, 2, on_picture, &slow);
    pass(&b, 120);
    assert_int_equal(quick.n, 1);
    assert_int_equal(slow.n, 1);
    for (int i = 0; i < 30; i++) {
        scroll(&b);
        pass(&b, 10);
    }
    assert_true(quick.n >= 3 && quick.n <= 1 + 20);
    assert_true(slow.n <= 2);
    bench_end(&b);
}

static void a_picture_that_was_refused_comes_again(void **state)
{
    struct bench b;
    struct watcher w = {.refuses = true};
    bench_begin(&b);
    camera_subscribe(b.camera, 30, on_picture, &w);
    pass(&b, 200);
    assert_true(w.n >= 2);
    w.refuses = false;
    pass(&b, 100);
    int n = w.n;
    pass(&b, 100);
    assert_int_equal(w.n, n);
    bench_end(&b);
}

static void a_watcher_may_leave_while_it_is_given_a_picture(void **state)
{
    struct bench b;
    struct watcher w = {.refuses = true};
    bench_begin(&b);
    w.leaves = camera_subscribe(b.camera, 30, on_picture, &w);
    pass(&b, 100);
    assert_int_equal(w.n, 1);
    bench_end(&b);
}

static void nothing_is_given_out_while_the_masks_do_not_fit(void **state)
{
    struct bench b;
    struct watcher w = {0};
    const struct action type = {.type = ACTION_TYPE_TEXT, .text = "x"};
    bench_begin(&b);
    mask_before(&b.mask, &type, true, NULL);
    camera_subscribe(b.camera, 30, on_picture, &w);
    pass(&b, 100);
    assert_int_equal(w.n, 0);
    assert_true(camera_is_blind(b.camera));
    struct observation obs;
    assert_int_equal(plane_observe(b.plane, b.pool, OBSERVE_FRAME | OBSERVE_PAGE, 100, &obs, NULL),
                     0);
    mask_seen(&b.mask, b.pool, &obs);
    pass(&b, 100);
    assert_int_equal(w.n, 1);
    bench_end(&b);
}

/* Between any two turns of the loop. */
static bool masks_are_told(void *arg)
{
    struct bench *b = arg;
    b->mask.changes++;
    return false;
}

static void what_was_asked_for_before_the_masks_changed_is_not_given_out(void **state)
{
    struct bench b;
    struct watcher w = {0};
    bench_begin(&b);
    camera_subscribe(b.camera, 30, on_picture, &w);
    assert_int_equal(loop_wait(b.loop, masks_are_told, &b, clock_mono_ms() + 60), E_TIMEOUT);
    assert_int_equal(w.n, 0);
    pass(&b, 100);
    assert_int_equal(w.n, 1);
    bench_end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_password_field_is_covered_and_its_border_is_not),
        cmocka_unit_test(a_field_and_a_text_that_show_an_answer_are_covered),
        cmocka_unit_test(a_picture_waits_while_what_is_under_a_mask_is_another),
        cmocka_unit_test(no_picture_is_given_out_between_a_secret_and_the_look_behind_it),
        cmocka_unit_test(on_pixels_the_place_that_was_clicked_is_covered_until_the_page_is_another),
        cmocka_unit_test(a_field_is_found_by_its_border),
        cmocka_unit_test(a_mask_tells_whether_something_stands_there),
        cmocka_unit_test(what_is_selected_stands_there_and_a_placeholder_does_not),
        cmocka_unit_test(a_cut_out_part_is_painted_where_the_mask_lies_in_it),
        cmocka_unit_test(no_file_of_a_picture_knows_what_is_under_a_mask),
        cmocka_unit_test(a_still_screen_is_taken_once_and_a_moving_one_at_most_at_its_rate),
        cmocka_unit_test(a_picture_that_was_refused_comes_again),
        cmocka_unit_test(what_was_asked_for_before_the_masks_changed_is_not_given_out),
        cmocka_unit_test(a_watcher_may_leave_while_it_is_given_a_picture),
        cmocka_unit_test(nothing_is_given_out_while_the_masks_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
