#include "unit/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xcb/xcb.h>
#include <xkbcommon/xkbcommon.h>

#include "base/clock.h"
#include "core/picture.h"
#include "plane/hands.h"
#include "plane/x11/display.h"
#include "plane/xvfb.h"

#define W        640
#define H        480
#define DEADLINE (clock_mono_ms() + 10000)

/* A display with our eyes and hands on it, and a client of its own that plays the browser. */
struct bench {
    struct loop *loop;
    struct pool *pool;
    struct xvfb xvfb;
    struct display *display;
    xcb_connection_t *client;
    xcb_screen_t *screen;
    xcb_window_t window;
};

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    struct err err = {0};
    int number = 0;
    assert_int_equal(loop_create(&b->loop, NULL), 0);
    b->pool = pool_create(NULL);
    if (xvfb_start(b->loop, W, H, DEADLINE, &b->xvfb, &err))
        fail_msg("%s", err.msg);
    if (display_open(b->loop, b->xvfb.display, &b->display, &err))
        fail_msg("%s", err.msg);
    b->client = xcb_connect(b->xvfb.display, &number);
    b->screen = xcb_setup_roots_iterator(xcb_get_setup(b->client)).data;
    *state = b;
    return 0;
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    xcb_disconnect(b->client);
    display_close(b->display);
    xvfb_stop(&b->xvfb);
    loop_destroy(b->loop);
    pool_destroy(b->pool);
    free(b);
    return 0;
}

static void client_sync(struct bench *b)
{
    free(xcb_get_input_focus_reply(b->client, xcb_get_input_focus(b->client), NULL));
}

static void make_window(struct bench *b, int x, int y, int w, int h, uint32_t colour)
{
    uint32_t values[] = {colour, XCB_EVENT_MASK_KEY_PRESS | XCB_EVENT_MASK_BUTTON_PRESS |
                                     XCB_EVENT_MASK_BUTTON_RELEASE};
    b->window = xcb_generate_id(b->client);
    xcb_create_window(b->client, XCB_COPY_FROM_PARENT, b->window, b->screen->root, (int16_t)x,
                      (int16_t)y, (uint16_t)w, (uint16_t)h, 3, XCB_WINDOW_CLASS_INPUT_OUTPUT,
                      b->screen->root_visual, XCB_CW_BACK_PIXEL | XCB_CW_EVENT_MASK, values);
    xcb_map_window(b->client, b->window);
    client_sync(b);
}

/* Paint a rectangle of the window. */
static void paint(struct bench *b, int x, int y, int w, int h, uint32_t colour)
{
    xcb_gcontext_t gc = xcb_generate_id(b->client);
    xcb_rectangle_t r = {(int16_t)x, (int16_t)y, (uint16_t)w, (uint16_t)h};
    xcb_create_gc(b->client, gc, b->window, XCB_GC_FOREGROUND, &colour);
    xcb_poly_fill_rectangle(b->client, b->window, gc, 1, &r);
    xcb_free_gc(b->client, gc);
    client_sync(b);
}

static void fit(struct bench *b)
{
    struct err err = {0};
    if (display_fit_window(b->display, DEADLINE, &err))
        fail_msg("%s", err.msg);
}

static uint32_t pixel(const struct frame *f, int x, int y)
{
    return *(const uint32_t *)(const void *)(f->pixels + y * f->stride + 4 * x) & 0xffffff;
}

static void the_screen_is_seen_as_it_is(void **state)
{
    struct bench *b = *state;
    struct frame f;
    make_window(b, 0, 0, W, H, 0x123456);
    fit(b);
    client_sync(b);
    paint(b, 100, 50, 20, 10, 0xff8000);
    assert_int_equal(display_capture(b->display, b->pool, &f, NULL), 0);
    assert_int_equal(f.width, W);
    assert_int_equal(f.height, H);
    assert_int_equal(pixel(&f, 10, 10), 0x123456);
    assert_int_equal(pixel(&f, 100, 50), 0xff8000);
    assert_int_equal(pixel(&f, 119, 59), 0xff8000);
    assert_int_equal(pixel(&f, 120, 60), 0x123456);
}

/* It may take a moment, and is looked for again. */
static int take_picture(struct bench *b, struct frame *out)
{
    uint8_t *pixels;
    int64_t deadline = clock_mono_ms() + DEADLINE;
    int r;
    while ((r = display_take_picture(b->display, out, &pixels, NULL)) == E_TIMEOUT &&
           clock_mono_ms() < deadline)
        usleep(1000);
    return r;
}

static void a_watcher_is_shown_the_screen_without_a_wait_once_for_each_time_it_asked(void **state)
{
    struct bench *b = *state;
    struct frame f, seen;
    uint8_t *pixels;
    make_window(b, 0, 0, W, H, 0x123456);
    fit(b);
    client_sync(b);
    assert_int_equal(display_take_picture(b->display, &f, &pixels, NULL), E_TIMEOUT);
    display_ask_picture(b->display);
    display_ask_picture(b->display);
    assert_int_equal(take_picture(b, &f), 0);
    paint(b, 100, 50, 20, 10, 0xff8000);
    assert_int_equal(display_capture(b->display, b->pool, &seen, NULL), 0);
    assert_int_equal(pixel(&seen, 100, 50), 0xff8000);
    assert_int_equal(pixel(&f, 100, 50), 0x123456); /* as it was, in a memory of its own */
    assert_int_equal(display_take_picture(b->display, &f, &pixels, NULL), E_TIMEOUT);
    display_ask_picture(b->display);
    assert_int_equal(take_picture(b, &f), 0);
    assert_int_equal(pixel(&f, 100, 50), 0xff8000);
}

static void a_fingerprint_changes_with_the_pixels_of_its_area_only(void **state)
{
    struct bench *b = *state;
    struct rect area = {200, 200, 30, 20};
    uint64_t before, after;
    make_window(b, 0, 0, W, H, 0x123456);
    fit(b);
    assert_int_equal(display_fingerprint(b->display, &area, &before, NULL), 0);
    paint(b, 0, 0, 190, 190, 0xffffff);
    assert_int_equal(display_fingerprint(b->display, &area, &after, NULL), 0);
    assert_true(before == after);
    paint(b, 229, 219, 1, 1, 0xffffff);
    assert_int_equal(display_fingerprint(b->display, &area, &after, NULL), 0);
    assert_true(before != after);
}

static void a_window_becomes_the_screen_and_gets_the_focus(void **state)
{
    struct bench *b = *state;
    make_window(b, 10, 10, W - 40, H - 40, 0);
    fit(b);
    xcb_get_geometry_reply_t *g =
        xcb_get_geometry_reply(b->client, xcb_get_geometry(b->client, b->window), NULL);
    assert_int_equal(g->x, 0);
    assert_int_equal(g->y, 0);
    assert_int_equal(g->width, W);
    assert_int_equal(g->height, H);
    assert_int_equal(g->border_width, 0);
    free(g);
    xcb_get_input_focus_reply_t *focus =
        xcb_get_input_focus_reply(b->client, xcb_get_input_focus(b->client), NULL);
    assert_int_equal(focus->focus, b->window);
    free(focus);
}

static void a_later_window_is_fitted_and_a_small_first_one_is_not(void **state)
{
    struct bench *b = *state;
    make_window(b, 0, 0, 100, 100, 0);
    struct err err = {0};
    assert_int_equal(display_fit_window(b->display, clock_mono_ms() + 50, &err), E_TIMEOUT);
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    make_window(b, 50, 50, 200, 100, 0);
    fit(b);
    xcb_get_geometry_reply_t *g =
        xcb_get_geometry_reply(b->client, xcb_get_geometry(b->client, b->window), NULL);
    assert_int_equal(g->width, W);
    free(g);
}

static void the_title_is_the_windows_and_changes_are_counted(void **state)
{
    struct bench *b = *state;
    const char *title;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    unsigned before = display_title_changes(b->display);
    xcb_intern_atom_reply_t *a =
        xcb_intern_atom_reply(b->client, xcb_intern_atom(b->client, 0, 12, "_NET_WM_NAME"), NULL);
    xcb_change_property(b->client, XCB_PROP_MODE_REPLACE, b->window, a->atom, XCB_ATOM_STRING, 8, 6,
                        "Bo\xc3\xa4ts");
    free(a);
    client_sync(b);
    assert_int_equal(display_window_title(b->display, b->pool, &title, NULL), 0);
    assert_string_equal(title, "Bo\xc3\xa4ts");
    assert_true(display_title_changes(b->display) != before);
}

/* The next event of this type that the client got; fails when there is none. */
static xcb_generic_event_t *next_event(struct bench *b, uint8_t type)
{
    xcb_generic_event_t *ev;
    client_sync(b);
    while ((ev = xcb_poll_for_event(b->client)) && (ev->response_type & 0x7f) != type)
        free(ev);
    if (!ev)
        fail_msg("no event of type %u came", type);
    return ev;
}

static void a_click_arrives_where_it_was_aimed(void **state)
{
    struct bench *b = *state;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(display_move(b->display, 123, 45, NULL), 0);
    assert_int_equal(display_button(b->display, BUTTON_RIGHT, 1, NULL), 0);
    xcb_button_press_event_t *e = (void *)next_event(b, XCB_BUTTON_PRESS);
    assert_int_equal(e->event_x, 123);
    assert_int_equal(e->event_y, 45);
    assert_int_equal(e->detail, BUTTON_RIGHT);
    free(e);
}

static void a_click_may_be_three_in_a_row(void **state)
{
    struct bench *b = *state;
    const struct action a = {
        .type = ACTION_CLICK, .x = 20, .y = 30, .button = BUTTON_LEFT, .clicks = 3};
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(hands_do(b->display, b->pool, &a, 0, NULL), 0);
    uint32_t first = 0;
    for (int i = 0; i < 3; i++) {
        xcb_button_press_event_t *e = (void *)next_event(b, XCB_BUTTON_PRESS);
        first = first ? first : e->time;
        assert_int_equal(e->event_x, 20);
        assert_true(e->time - first < 500); /* slower ones are clicks of their own */
        free(e);
    }
}

static void a_drag_ends_where_it_was_aimed(void **state)
{
    struct bench *b = *state;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(display_drag(b->display, 10, 20, 300, 200, NULL), 0);
    xcb_button_press_event_t *press = (void *)next_event(b, XCB_BUTTON_PRESS);
    assert_int_equal(press->event_x, 10);
    free(press);
    xcb_button_release_event_t *release = (void *)next_event(b, XCB_BUTTON_RELEASE);
    assert_int_equal(release->event_x, 300);
    assert_int_equal(release->event_y, 200);
    free(release);
}

static void the_wheel_turns_by_its_buttons(void **state)
{
    struct bench *b = *state;
    static const struct {
        int dx, dy, button;
    } turns[] = {{0, -1, 4}, {0, 1, 5}, {-1, 0, 6}, {1, 0, 7}};
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
        assert_int_equal(display_wheel(b->display, turns[i].dx, turns[i].dy, NULL), 0);
        xcb_button_press_event_t *e = (void *)next_event(b, XCB_BUTTON_PRESS);
        assert_int_equal(e->detail, turns[i].button);
        free(e);
    }
}

/* What a client would read from a key press with the map as it is now, as UTF-8. */
static void read_key(struct bench *b, const xcb_key_press_event_t *e, char *out, size_t size)
{
    xcb_get_keyboard_mapping_reply_t *map = xcb_get_keyboard_mapping_reply(
        b->client, xcb_get_keyboard_mapping(b->client, e->detail, 1), NULL);
    const xcb_keysym_t *syms = xcb_get_keyboard_mapping_keysyms(map);
    int level = (e->state & XCB_MOD_MASK_SHIFT ? 1 : 0) + (e->state & XCB_MOD_MASK_5 ? 2 : 0);
    xcb_keysym_t sym = syms[level];
    out[0] = 0;
    if (sym < 0xff00 || sym > 0xffff || sym == XKB_KEY_Return || sym == XKB_KEY_Tab)
        xkb_keysym_to_utf8(sym, out, size);
    free(map);
}

static void check_typing(struct bench *b, const char *text, const char *expect)
{
    char got[1024] = "", one[8];
    xcb_generic_event_t *ev;
    assert_int_equal(display_type(b->display, text, 0, NULL), 0);
    client_sync(b);
    while ((ev = xcb_poll_for_event(b->client))) {
        if ((ev->response_type & 0x7f) == XCB_KEY_PRESS) {
            read_key(b, (void *)ev, one, sizeof(one));
            strcat(got, one);
        }
        free(ev);
    }
    assert_string_equal(got, expect);
}

static void typed_text_arrives_whatever_its_script(void **state)
{
    struct bench *b = *state;
    static const char *const texts[] = {
        "Hello, World! 0123456789",
        "~`@#$%^&*(){}[]|\\:;\"'<>,.?/_+-=",
        "ÄÖÜ ñ é ß ç €",
        "αβγδΩ",
        "жцшщЮ",
        "漢字かな한글",
        "😀🎉",
    };
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        check_typing(b, texts[i], texts[i]);
    check_typing(b, "a\nb\tc\x01", "a\rb\tc");
}

/* More letters than spare keys, so keys are lent again; one lent before is in use all along. */
static void a_key_in_use_is_not_lent_to_another_letter(void **state)
{
    struct bench *b = *state;
    char text[400] = "α";
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    check_typing(b, "αβ", "αβ");
    for (int i = 0; i < 18; i++)
        sprintf(text + strlen(text), "%c%c%cα", 0xe4, 0xb8, 0x80 + i);
    check_typing(b, text, text);
}

/* A browser reads a map that changes too late for the key that is pressed next. */
static void the_letters_of_western_europe_have_keys_from_the_start(void **state)
{
    struct bench *b = *state;
    xcb_generic_event_t *ev;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    client_sync(b);
    while ((ev = xcb_poll_for_event(b->client)))
        free(ev);
    assert_int_equal(display_type(b->display, "Zürich, señor: ¿«é» ÆØÅ € – “ß”…", 0, NULL), 0);
    client_sync(b);
    while ((ev = xcb_poll_for_event(b->client))) {
        assert_int_not_equal(ev->response_type & 0x7f, XCB_MAPPING_NOTIFY);
        free(ev);
    }
}

static void text_that_is_not_utf8_is_refused(void **state)
{
    struct bench *b = *state;
    assert_int_equal(display_type(b->display, "\xff\xfe", 0, NULL), E_INVALID);
}

static void a_chord_holds_its_keys_down_together(void **state)
{
    struct bench *b = *state;
    static const char *const chord[] = {"Control_L", "Shift_L", "a"};
    static const char *const unknown[] = {"Nonsense_Key"};
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(display_chord(b->display, chord, 3, NULL), 0);
    for (int i = 0; i < 2; i++)
        free(next_event(b, XCB_KEY_PRESS));
    xcb_key_press_event_t *e = (void *)next_event(b, XCB_KEY_PRESS);
    assert_int_equal(e->state & (XCB_MOD_MASK_CONTROL | XCB_MOD_MASK_SHIFT),
                     XCB_MOD_MASK_CONTROL | XCB_MOD_MASK_SHIFT);
    free(e);
    assert_int_equal(display_chord(b->display, unknown, 1, NULL), E_INVALID);
}

static void hold_key(struct bench *b, const char *name, bool down)
{
    assert_int_equal(display_hold(b->display, &name, 1, down, NULL), 0);
}

static bool nothing_is_down(struct bench *b)
{
    static const uint8_t none[32];
    client_sync(b);
    xcb_query_keymap_reply_t *keys =
        xcb_query_keymap_reply(b->client, xcb_query_keymap(b->client), NULL);
    bool up = keys && !memcmp(keys->keys, none, sizeof(none));
    free(keys);
    return up;
}

/* A person marks text: Shift is down, a capital is typed, an arrow follows. */
static void a_modifier_that_is_held_outlives_a_key_that_needs_it(void **state)
{
    struct bench *b = *state;
    static const char *const arrow[] = {"Right"};
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    hold_key(b, "Shift_L", true);
    hold_key(b, "A", true);
    hold_key(b, "A", false);
    assert_int_equal(display_chord(b->display, arrow, 1, NULL), 0);
    for (int i = 0; i < 2; i++)
        free(next_event(b, XCB_KEY_PRESS));
    xcb_key_press_event_t *e = (void *)next_event(b, XCB_KEY_PRESS);
    assert_true(e->state & XCB_MOD_MASK_SHIFT);
    free(e);
    hold_key(b, "Shift_L", false);
    assert_true(nothing_is_down(b));
}

static void a_lent_key_that_is_held_keeps_its_meaning(void **state)
{
    struct bench *b = *state;
    char text[3 * 300 + 1] = "";
    for (unsigned c = 0x4e00; c < 0x4e00 + 300; c++)
        snprintf(text + strlen(text), 4, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    hold_key(b, "Cyrillic_zhe", true);
    assert_int_equal(display_type(b->display, text, 0, NULL), 0);
    assert_false(nothing_is_down(b));
    hold_key(b, "Cyrillic_zhe", false);
    assert_true(nothing_is_down(b));
}

static void the_clipboard_is_ours_until_another_takes_it(void **state)
{
    struct bench *b = *state;
    const char *text;
    assert_int_equal(display_clipboard_set(b->display, "Grüße 漢", NULL), 0);
    assert_int_equal(display_clipboard_get(b->display, b->pool, DEADLINE, &text, NULL), 0);
    assert_string_equal(text, "Grüße 漢");
    assert_int_equal(display_clipboard_wait_taken(b->display, clock_mono_ms(), NULL), E_TIMEOUT);
    make_window(b, 0, 0, 10, 10, 0);
    xcb_intern_atom_reply_t *a =
        xcb_intern_atom_reply(b->client, xcb_intern_atom(b->client, 0, 9, "CLIPBOARD"), NULL);
    xcb_set_selection_owner(b->client, b->window, a->atom, XCB_CURRENT_TIME);
    free(a);
    client_sync(b);
    assert_int_equal(display_clipboard_wait_taken(b->display, DEADLINE, NULL), 0);
}

static void a_text_too_large_to_paste_is_refused(void **state)
{
    struct bench *b = *state;
    char *text = malloc((2u << 20) + 1);
    memset(text, 'x', 2u << 20);
    text[2u << 20] = 0;
    assert_int_equal(display_clipboard_set(b->display, text, NULL), E_TOOBIG);
    free(text);
}

static void drawing_is_noticed_where_it_happens(void **state)
{
    struct bench *b = *state;
    struct rect here = {100, 100, 50, 50}, elsewhere = {300, 300, 50, 50};
    bool capped;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(display_wait_quiet(b->display, NULL, 20, DEADLINE, &capped, NULL), 0);
    assert_false(capped);
    int64_t since = clock_mono_us();
    assert_int_equal(display_last_damage_us(b->display, NULL, since), 0);
    paint(b, 110, 110, 20, 20, 0xffffff);
    assert_int_equal(display_move(b->display, 0, 0, NULL), 0); /* a round trip: damage is in */
    assert_true(display_last_damage_us(b->display, NULL, since) >= since);
    assert_true(display_area_damage_us(b->display, &here, since) >= since);
    assert_int_equal(display_area_damage_us(b->display, &elsewhere, since), 0);
}

static void a_blinking_caret_is_no_damage(void **state)
{
    struct bench *b = *state;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    assert_int_equal(display_move(b->display, 0, 0, NULL), 0);
    int64_t since = clock_mono_us();
    paint(b, 200, 200, 2, 18, 0xffffff);
    assert_int_equal(display_move(b->display, 0, 0, NULL), 0);
    assert_int_equal(display_last_damage_us(b->display, NULL, since), 0);
}

/* Draw in one place every few ms until the deadline, as a page that animates does. */
static void animate(struct bench *b, int ms)
{
    for (int64_t end = clock_mono_ms() + ms; clock_mono_ms() < end;) {
        paint(b, 50, 50, 40, 40, (uint32_t)clock_mono_us() & 0xffffff);
        assert_int_equal(loop_wait(b->loop, NULL, NULL, clock_mono_ms() + 5), 0);
    }
}

static void what_moves_by_itself_is_baseline_and_the_rest_is_not(void **state)
{
    struct bench *b = *state;
    struct damage_baseline base;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    animate(b, 250);
    display_damage_baseline(b->display, 200, &base);
    assert_int_equal(base.n, 1);
    int64_t since = clock_mono_us();
    paint(b, 60, 60, 10, 10, 0xff);
    assert_int_equal(display_move(b->display, 0, 0, NULL), 0);
    assert_int_equal(display_last_damage_us(b->display, &base, since), 0);
    paint(b, 300, 300, 10, 10, 0xff);
    assert_int_equal(display_move(b->display, 0, 0, NULL), 0);
    assert_true(display_last_damage_us(b->display, &base, since) >= since);
}

/* Found with a real browser: what one action drew hid the effect of the next in the same place. */
static void what_the_last_action_drew_is_not_baseline(void **state)
{
    struct bench *b = *state;
    struct damage_baseline base;
    bool capped;
    make_window(b, 0, 0, W, H, 0);
    fit(b);
    animate(b, 250);
    assert_int_equal(display_wait_quiet(b->display, NULL, 30, DEADLINE, &capped, NULL), 0);
    display_damage_baseline(b->display, 600, &base);
    assert_int_equal(base.n, 0);
}

static void a_quiet_wait_ends_at_its_deadline_while_something_moves(void **state)
{
    struct bench *b = *state;
    bool capped = false;
    pid_t painter = fork();
    if (painter == 0) { /* its own connection: an animation of another process */
        int number = 0;
        b->client = xcb_connect(b->xvfb.display, &number);
        make_window(b, 0, 0, W, H, 0);
        for (uint32_t i = 0;; i++)
            paint(b, 50, 50, 40, 40, i);
    }
    struct rect area = {50, 50, 40, 40};
    while (!display_area_damage_us(b->display, &area, 1))
        assert_int_equal(loop_wait(b->loop, NULL, NULL, clock_mono_ms() + 5), 0);
    assert_int_equal(
        display_wait_quiet(b->display, NULL, 5000, clock_mono_ms() + 100, &capped, NULL), 0);
    assert_true(capped);
    kill(painter, SIGKILL);
    waitpid(painter, NULL, 0);
}

static void a_cancel_ends_a_quiet_wait(void **state)
{
    struct bench *b = *state;
    bool capped;
    assert_int_equal(display_move(b->display, 1, 1, NULL), 0);
    loop_interrupt(b->loop);
    assert_int_equal(display_wait_quiet(b->display, NULL, 1000, DEADLINE, &capped, NULL),
                     E_CANCELLED);
    loop_interrupt_clear(b->loop);
}

static void every_call_fails_once_the_display_has_died(void **state)
{
    struct bench *b = *state;
    struct frame f;
    struct err err = {0};
    bool capped;
    kill(b->xvfb.proc.pid, SIGKILL);
    assert_int_equal(display_wait_quiet(b->display, NULL, 5000, DEADLINE, &capped, &err), E_GONE);
    assert_int_equal(display_capture(b->display, b->pool, &f, NULL), E_GONE);
    display_ask_picture(b->display);
    assert_int_equal(take_picture(b, &f), E_GONE);
    assert_int_equal(display_move(b->display, 1, 1, NULL), E_GONE);
    assert_int_equal(display_type(b->display, "abc", 0, NULL), E_GONE);
    assert_int_equal(display_fit_window(b->display, DEADLINE, NULL), E_GONE);
    assert_true(display_gone(b->display));
}

static void a_frame_becomes_a_png_with_its_pixels(void **state)
{
    struct bench *b = *state;
    struct frame f;
    const uint8_t *png;
    size_t len;
    make_window(b, 0, 0, W, H, 0xff0000);
    fit(b);
    assert_int_equal(display_capture(b->display, b->pool, &f, NULL), 0);
    assert_int_equal(picture_encode(b->pool, &f, PICTURE_PNG, 0, &png, &len, NULL), 0);
    assert_memory_equal(png, "\x89PNG\r\n\x1a\n", 8);
    assert_true(len < W * H);
    assert_int_equal(png[16] << 24 | png[17] << 16 | png[18] << 8 | png[19], W);
    assert_int_equal(png[20] << 24 | png[21] << 16 | png[22] << 8 | png[23], H);
}

/* Start with PATH as the only place to look in; body is the script found there, NULL for none. */
static int start_with(const char *body, int timeout_ms, struct err *err)
{
    char dir[] = "/tmp/mantis-test-XXXXXX", file[64], path[256];
    char *old = strdup(getenv("PATH"));
    struct xvfb x = {0};
    struct loop *loop;
    assert_non_null(mkdtemp(dir));
    snprintf(file, sizeof(file), "%s/Xvfb", dir);
    if (body) {
        FILE *f = fopen(file, "w");
        fprintf(f, "#!/bin/sh\n%s\n", body);
        fchmod(fileno(f), 0755);
        fclose(f);
    }
    snprintf(path, sizeof(path), "%s%s", dir, body ? ":/usr/bin:/bin" : "");
    setenv("PATH", path, 1);
    assert_int_equal(loop_create(&loop, NULL), 0);
    int r = xvfb_start(loop, W, H, clock_mono_ms() + timeout_ms, &x, err);
    setenv("PATH", old, 1);
    free(old);
    loop_destroy(loop);
    unlink(file);
    rmdir(dir);
    return r;
}

static void a_missing_server_is_named_with_its_package(void **state)
{
    struct err err = {0};
    assert_int_equal(start_with(NULL, 10000, &err), E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "package xvfb"));
}

static void a_server_that_ends_at_start_is_quoted(void **state)
{
    struct err err = {0};
    assert_int_equal(start_with("echo one >&2; echo no screens found >&2; exit 1", 10000, &err),
                     E_IO);
    assert_non_null(strstr(err.msg, "'no screens found'"));
}

static void a_server_that_never_gets_ready_ends_at_the_deadline(void **state)
{
    struct err err = {0};
    assert_int_equal(start_with("exec sleep 60", 100, &err), E_TIMEOUT);
}

#define RUN_UID 460001

/* As a run's uid: a display, its name on fd, until the other end closes. */
static int serve_display(int fd, int until)
{
    struct loop *loop;
    struct xvfb x = {0};
    struct display *d;
    char end;
    if (setresgid(RUN_UID, RUN_UID, RUN_UID) || setresuid(RUN_UID, RUN_UID, RUN_UID) ||
        loop_create(&loop, NULL) || xvfb_start(loop, W, H, DEADLINE, &x, NULL))
        return 1;
    int r = display_open(loop, x.display, &d, NULL);
    if (!r)
        r = write(fd, x.display, strlen(x.display)) < 0 || read(until, &end, 1) != 0;
    display_close(d);
    xvfb_stop(&x);
    loop_destroy(loop);
    return r ? 2 : 0;
}

static void only_the_uid_of_the_run_may_connect(void **state)
{
    int name[2], until[2], status = -1, number = 0;
    char display[16] = "";
    if (geteuid() != 0)
        skip();
    assert_int_equal(pipe(name) | pipe(until), 0);
    pid_t run = fork();
    if (run == 0) {
        close(until[1]);
        _exit(serve_display(name[1], until[0]));
    }
    close(name[1]);
    assert_true(read(name[0], display, sizeof(display) - 1) > 0);
    xcb_connection_t *stranger = xcb_connect(display, &number);
    assert_true(xcb_connection_has_error(stranger) != 0);
    xcb_disconnect(stranger);
    close(name[0]);
    close(until[0]);
    close(until[1]);
    assert_int_equal(waitpid(run, &status, 0), run);
    assert_int_equal(status, 0);
}

#define ON_A_DISPLAY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_A_DISPLAY(the_screen_is_seen_as_it_is),
        ON_A_DISPLAY(a_watcher_is_shown_the_screen_without_a_wait_once_for_each_time_it_asked),
        ON_A_DISPLAY(a_fingerprint_changes_with_the_pixels_of_its_area_only),
        ON_A_DISPLAY(a_window_becomes_the_screen_and_gets_the_focus),
        ON_A_DISPLAY(a_later_window_is_fitted_and_a_small_first_one_is_not),
        ON_A_DISPLAY(the_title_is_the_windows_and_changes_are_counted),
        ON_A_DISPLAY(a_click_arrives_where_it_was_aimed),
        ON_A_DISPLAY(a_click_may_be_three_in_a_row),
        ON_A_DISPLAY(a_drag_ends_where_it_was_aimed),
        ON_A_DISPLAY(the_wheel_turns_by_its_buttons),
        ON_A_DISPLAY(typed_text_arrives_whatever_its_script),
        ON_A_DISPLAY(a_key_in_use_is_not_lent_to_another_letter),
        ON_A_DISPLAY(the_letters_of_western_europe_have_keys_from_the_start),
        ON_A_DISPLAY(text_that_is_not_utf8_is_refused),
        ON_A_DISPLAY(a_chord_holds_its_keys_down_together),
        ON_A_DISPLAY(a_modifier_that_is_held_outlives_a_key_that_needs_it),
        ON_A_DISPLAY(a_lent_key_that_is_held_keeps_its_meaning),
        ON_A_DISPLAY(the_clipboard_is_ours_until_another_takes_it),
        ON_A_DISPLAY(a_text_too_large_to_paste_is_refused),
        ON_A_DISPLAY(drawing_is_noticed_where_it_happens),
        ON_A_DISPLAY(a_blinking_caret_is_no_damage),
        ON_A_DISPLAY(what_moves_by_itself_is_baseline_and_the_rest_is_not),
        ON_A_DISPLAY(what_the_last_action_drew_is_not_baseline),
        ON_A_DISPLAY(a_quiet_wait_ends_at_its_deadline_while_something_moves),
        ON_A_DISPLAY(a_cancel_ends_a_quiet_wait),
        ON_A_DISPLAY(every_call_fails_once_the_display_has_died),
        ON_A_DISPLAY(a_frame_becomes_a_png_with_its_pixels),
        cmocka_unit_test(only_the_uid_of_the_run_may_connect),
        cmocka_unit_test(a_missing_server_is_named_with_its_package),
        cmocka_unit_test(a_server_that_ends_at_start_is_quoted),
        cmocka_unit_test(a_server_that_never_gets_ready_ends_at_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
