/*
 * The mechanisms of the inner loop, each a table, and the loop itself on the web in memory.
 */
#include "unit/test.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "run/inner/done_gate.h"
#include "run/inner/feedback.h"
#include "run/inner/gallery.h"
#include "run/inner/inner.h"
#include "run/inner/predicates.h"
#include "run/inner/prompt.h"
#include "run/inner/recover.h"
#include "run/inner/trajectory.h"
#include "unit/fixtures.h"
#include "unit/run_rig.h"

#define CLICK(px, py)                                                                              \
    {                                                                                              \
        .type = ACTION_CLICK, .x = (px), .y = (py), .button = BUTTON_LEFT                          \
    }
#define KEY(name)                                                                                  \
    {                                                                                              \
        .type = ACTION_KEY_PRESS, .keys = (name)                                                   \
    }

/* --- pictures -------------------------------------------------------------------------------- */

#define W 320
#define H 180

struct canvas {
    uint8_t pixels[W * H * 4];
    struct frame frame;
};

static void paint(struct canvas *c, int grey)
{
    memset(c->pixels, grey, sizeof(c->pixels));
    c->frame = (struct frame){.width = W, .height = H, .stride = W * 4, .pixels = c->pixels};
}

static void box(struct canvas *c, int x, int y, int w, int h, int grey)
{
    for (int row = y; row < y + h; row++)
        memset(c->pixels + (row * W + x) * 4, grey, (size_t)w * 4);
}

/* --- 5.1, 5.2 -------------------------------------------------------------------------------- */

#define SAMPLES 10

struct shown { /* an action and the screen after it: a URL and a picture, both one letter, 0 unknown
                */
    struct action action;
    char url, frame;
};

static int samples_of(const struct shown *shown, int n, struct loop_sample *out)
{
    for (int i = 0; i < n; i++) {
        char url[2] = {shown[i].url, 0}, frame[2] = {shown[i].frame, 0};
        out[i] = loop_sample_of(&shown[i].action, url, frame, NULL);
    }
    return n;
}

struct signal_case {
    const char *row;
    int n;
    struct shown shown[SAMPLES];
    const char *signal; /* NULL none */
};

#define AT(px, py, u, f)                                                                           \
    {                                                                                              \
        CLICK(px, py), u, f                                                                        \
    }
#define PRESS(k, u, f)                                                                             \
    {                                                                                              \
        KEY(k), u, f                                                                               \
    }

/* clang-format off */
static const struct signal_case signal_cases[] = {
    {"agent-loop 5.1 the same action three times is a repeat", 3, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '2'), AT(1, 2, 'a', '3')}, "repeat"},
    {"agent-loop 5.1 clicks further apart than the tolerance are no drift", 3, {AT(1, 2, 'a', '1'), AT(40, 2, 'a', '2'), AT(1, 2, 'a', '3')}, NULL},
    {"agent-loop 5.1 clicks about one spot drift", 3, {AT(10, 20, 'a', '1'), AT(17, 14, 'a', '2'), AT(3, 27, 'a', '3')}, "drift"},
    {"agent-loop 5.1 the same URL and picture is a state loop whatever is done", 3, {AT(1, 2, 'a', '1'), PRESS("Tab", 'a', '1'), AT(500, 2, 'a', '1')}, "state"},
    {"agent-loop 5.1 an unknown picture never mismatches", 3, {AT(1, 2, 'a', '1'), PRESS("Tab", 'a', 0), AT(500, 2, 'a', '1')}, "state"},
    {"agent-loop 5.1 a sample without URL and picture breaks the state signal", 3, {AT(1, 2, 'a', '1'), PRESS("Tab", 0, 0), AT(500, 2, 'a', '1')}, NULL},
    {"agent-loop 5.1 another URL is another state", 3, {AT(1, 2, 'a', '1'), PRESS("Tab", 'b', '1'), AT(500, 2, 'a', '1')}, NULL},
    {"agent-loop 5.1 paging that shows something is no repeat", 3, {PRESS("Page_Down", 'a', '1'), PRESS("Page_Down", 'a', '2'), PRESS("Page_Down", 'a', '3')}, NULL},
    {"agent-loop 5.1 paging that shows nothing is a loop", 3, {PRESS("Page_Down", 'a', '1'), PRESS("Page_Down", 'a', '1'), PRESS("Page_Down", 'a', '1')}, "state"},
    {"agent-loop 5.1 keys are matched whole: BackSpace is not k", 3, {PRESS("BackSpace", 'a', '1'), PRESS("BackSpace", 'a', '2'), PRESS("BackSpace", 'a', '3')}, "repeat"},
    {"agent-loop 5.1 waiting that shows something is no repeat", 3, {{{.type = ACTION_WAIT, .seconds = 1}, 'a', '1'}, {{.type = ACTION_WAIT, .seconds = 1}, 'a', '2'}, {{.type = ACTION_WAIT, .seconds = 1}, 'a', '3'}}, NULL},
    {"agent-loop 5.1 a drag drifts by both of its ends", 3, {{{.type = ACTION_DRAG, .x = 1, .y = 1, .to_x = 100}, 'a', '1'}, {{.type = ACTION_DRAG, .x = 2, .y = 1, .to_x = 104}, 'a', '2'}, {{.type = ACTION_DRAG, .x = 3, .y = 1, .to_x = 96}, 'a', '3'}}, "drift"},
    {"agent-loop 5.1 drags to different places are no drift", 3, {{{.type = ACTION_DRAG, .x = 1, .y = 1, .to_x = 100}, 'a', '1'}, {{.type = ACTION_DRAG, .x = 2, .y = 1, .to_x = 200}, 'a', '2'}, {{.type = ACTION_DRAG, .x = 3, .y = 1, .to_x = 300}, 'a', '3'}}, NULL},
    {"agent-loop 5.1 a wider spot counts for a button", 3, {{{.type = ACTION_CLICK, .x = 10, .y = 10, .reasoning = "the submit button"}, 'a', '1'}, AT(21, 10, 'a', '2'), AT(10, 21, 'a', '3')}, "drift"},
    {"agent-loop 5.1 a narrower spot counts for a link", 3, {{{.type = ACTION_CLICK, .x = 10, .y = 10, .reasoning = "the link"}, 'a', '1'}, AT(15, 10, 'a', '2'), AT(10, 15, 'a', '3')}, NULL},
    {"agent-loop 5.1 two samples are no window of three", 2, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, NULL},
};
/* clang-format on */

static const struct loop_rules screen = {.width = 1280, .height = 720};

static void signals_fire(void **state)
{
    const struct signal_case *c = *state;
    struct loop_sample s[SAMPLES];
    int n = samples_of(c->shown, c->n, s);
    const char *got = loop_signal(&screen, s, n, 3);
    assert_string_equal(got ? got : "none", c->signal ? c->signal : "none");
}

static void a_window_is_never_below_two(void **state)
{
    static const struct shown shown[] = {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')};
    struct loop_sample s[SAMPLES];
    int n = samples_of(shown, 2, s);
    assert_string_equal(loop_signal(&screen, s, n, 0), "state");
    assert_null(loop_signal(&screen, s, 1, 0));
}

static void the_tolerance_grows_with_the_screen_and_can_be_switched_off(void **state)
{
    static const struct shown shown[] = {AT(10, 10, 'a', '1'), AT(23, 10, 'a', '2'),
                                         AT(10, 23, 'a', '3')};
    const struct loop_rules huge = {.width = 3200, .height = 1800},
                            plain = {.width = 3200, .height = 1800, .plain_tolerance = true};
    struct loop_sample s[SAMPLES];
    int n = samples_of(shown, 3, s);
    assert_string_equal(loop_signal(&huge, s, n, 3), "drift"); /* 0.004 of 3672 px: 15 */
    assert_null(loop_signal(&screen, s, n, 3));
    assert_null(loop_signal(&plain, s, n, 3));
}

static const struct tolerance_case {
    const char *row, *reasoning;
    int px, huge_px; /* on 1280x720, and on 3200x1800, where 0.004 of the diagonal are 15 */
} tolerance_cases[] = {
    {"agent-loop 5.1 anything else: 8 px on 1280x720", "the picture", 8, 15},
    {"agent-loop 5.1 a submit button: 1.5 times", "the submit button", 12, 22},
    {"agent-loop 5.1 a button: 1.5 times", "the Save button", 12, 22},
    {"agent-loop 5.1 submit: 1.5 times", "Submit it", 12, 22},
    {"agent-loop 5.1 a dropdown: .75", "the dropdown", 6, 11},
    {"agent-loop 5.1 select: .75", "select Ohio", 6, 11},
    {"agent-loop 5.1 a menu item: .75", "the menu item Print", 6, 11},
    {"agent-loop 5.1 a link: .5", "the link", 4, 7},
    {"agent-loop 5.1 an anchor: .5", "the anchor", 4, 7},
};

/* The class is that of the first sample. */
static const char *drift_of(const struct loop_rules *rules, const char *reasoning, int dx, int dy)
{
    const struct shown shown[] = {
        {{.type = ACTION_CLICK, .x = 100, .y = 100, .reasoning = reasoning}, 'a', '1'},
        AT(100 + dx, 100, 'a', '2'),
        AT(100, 100 - dy, 'a', '3')};
    struct loop_sample s[SAMPLES];
    const char *got = loop_signal(rules, s, samples_of(shown, 3, s), 3);
    return got ? got : "none";
}

static void things_have_their_tolerance(void **state)
{
    const struct tolerance_case *c = *state;
    const struct loop_rules huge = {.width = 3200, .height = 1800};
    assert_string_equal(drift_of(&screen, c->reasoning, c->px, c->px), "drift");
    assert_string_equal(drift_of(&screen, c->reasoning, c->px + 1, c->px), "none");
    assert_string_equal(drift_of(&screen, c->reasoning, c->px, c->px + 1), "none");
    assert_string_equal(drift_of(&huge, c->reasoning, c->huge_px, c->huge_px), "drift");
    assert_string_equal(drift_of(&huge, c->reasoning, c->huge_px + 1, c->huge_px), "none");
}

static void every_key_that_pages_is_known(void **state)
{
    static const char *const keys[] = {"page_down", "pagedown", "Page_Up", "pageup",
                                       "up",        "Down",     "j",       "k"};
    struct loop_sample s[SAMPLES];
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const struct shown shown[] = {
            PRESS(keys[i], 'a', '1'), PRESS(keys[i], 'a', '2'), PRESS(keys[i], 'a', '3')};
        if (loop_signal(&screen, s, samples_of(shown, 3, s), 3))
            fail_msg("%s", keys[i]);
    }
}

struct window_case {
    const char *row;
    int base, n;
    struct shown shown[SAMPLES];
    bool plain;
    int window;
    const char *detected; /* over that window, "" none */
};

/* clang-format off */
static const struct window_case window_cases[] = {
    {"agent-loop 5.2 a base of two stays", 2, 4, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 2, "state"},
    {"agent-loop 5.2 too few samples keep the base", 4, 2, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 4, ""},
    {"agent-loop 5.2 monotony without progress narrows by one", 4, 4, {AT(1, 2, 'a', '1'), AT(3, 4, 'a', '1'), AT(2, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 3, "state"},
    {"agent-loop 5.2 variety widens by two", 3, 3, {AT(1, 2, 'a', '1'), AT(100, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 5, ""},
    {"agent-loop 5.2 progress widens by two", 3, 3, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '2'), AT(1, 2, 'a', '3')}, false, 5, ""},
    {"agent-loop 5.2 progress over the window is no loop though the action repeats", 3, 5, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '2'), AT(1, 2, 'a', '3'), AT(1, 2, 'a', '4'), AT(1, 2, 'a', '5')}, false, 5, ""},
    {"agent-loop 5.2 a diversity of .6 widens", 5, 5, {AT(1, 2, 'a', '1'), AT(100, 2, 'a', '1'), AT(200, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 7, ""},
    {"agent-loop 5.2 a diversity below .6 keeps the base", 7, 7, {AT(1, 2, 'a', '1'), AT(100, 2, 'a', '1'), AT(200, 2, 'a', '1'), AT(300, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 7, "state"},
    {"agent-loop 5.2 a diversity above .25 keeps the base", 7, 7, {AT(1, 2, 'a', '1'), AT(100, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1'), AT(1, 2, 'a', '1')}, false, 7, "state"},
    {"agent-loop 5.2 clicks are bucketed by 8", 4, 4, {AT(8, 16, 'a', '1'), AT(15, 23, 'a', '1'), AT(8, 23, 'a', '1'), AT(15, 16, 'a', '1')}, false, 3, "state"},
    {"agent-loop 5.2 clicks in two buckets are two", 3, 3, {AT(15, 16, 'a', '1'), AT(16, 16, 'a', '1'), AT(15, 16, 'a', '1')}, false, 5, ""},
    {"agent-loop 5.2 drags are told apart by their end", 4, 4, {{{.type = ACTION_DRAG, .x = 1, .to_x = 50}, 'a', '1'}, {{.type = ACTION_DRAG, .x = 2, .to_x = 50}, 'a', '1'}, {{.type = ACTION_DRAG, .x = 3, .to_x = 50}, 'a', '1'}, {{.type = ACTION_DRAG, .x = 4, .to_x = 50}, 'a', '1'}}, false, 3, "state"},
    {"agent-loop 5.2 scrolls are told apart by their direction", 4, 4, {{{.type = ACTION_SCROLL, .dy = 3}, 'a', '1'}, {{.type = ACTION_SCROLL, .dy = 5}, 'a', '1'}, {{.type = ACTION_SCROLL, .dy = 9}, 'a', '1'}, {{.type = ACTION_SCROLL, .dy = 1}, 'a', '1'}}, false, 3, "state"},
    {"agent-loop 5.2 keys are told apart by name", 3, 3, {PRESS("Tab", 'a', '1'), PRESS("Return", 'a', '1'), PRESS("Tab", 'a', '1')}, false, 5, ""},
    {"agent-loop 5.2 some variety keeps the base", 3, 3, {AT(1, 2, 'a', '1'), AT(2, 3, 'a', '1'), AT(3, 4, 'a', '1')}, false, 3, "state"},
    {"agent-loop 5.2 switched off the base stands and repeats count", 3, 3, {AT(1, 2, 'a', '1'), AT(1, 2, 'a', '2'), AT(1, 2, 'a', '3')}, true, 3, "repeat"},
    {"agent-loop 5.2 the same text typed further on is the same signature", 4, 4, {{{.type = ACTION_TYPE_TEXT, .text = "01234567890123456789012345678901a"}, 'a', '1'}, {{.type = ACTION_TYPE_TEXT, .text = "01234567890123456789012345678901b"}, 'a', '1'}, {{.type = ACTION_TYPE_TEXT, .text = "01234567890123456789012345678901c"}, 'a', '1'}, {{.type = ACTION_TYPE_TEXT, .text = "01234567890123456789012345678901d"}, 'a', '1'}}, false, 3, "state"},
};
/* clang-format on */

static void windows_adapt(void **state)
{
    const struct window_case *c = *state;
    struct loop_rules rules = screen;
    struct loop_sample s[SAMPLES];
    rules.plain_window = c->plain;
    int n = samples_of(c->shown, c->n, s);
    assert_int_equal(loop_window(&rules, s, n, c->base), c->window);
    const char *got = loop_detect(&rules, s, n, c->base);
    assert_string_equal(got ? got : "", c->detected);
}

static void a_frame_hash_is_seventeen_hex_digits(void **state)
{
    struct canvas *c = test_malloc(sizeof(*c));
    struct action wait = {.type = ACTION_WAIT};
    char hash[FRAME_HASH_BYTES];
    paint(c, 128);
    box(c, 0, 0, W / 9, H / 8, 255);
    frame_hash(&c->frame, NULL, hash);
    struct loop_sample s = loop_sample_of(&wait, "http://a.test/", hash, &c->frame);
    assert_int_equal(strlen(s.frame), 17);
    assert_int_equal(strspn(s.frame, "0123456789abcdef"), 17);
    assert_string_equal(s.frame, "00000000000000018"); /* row 0, column 0; mean 129 / 16 */
    test_free(c);
}

/* What stands on a white page, by pixels: words are stripes, the n-th of a sort of its own. */
static void write_words(struct canvas *c, int x, int y, int n)
{
    for (int i = 0; i < 12; i++)
        box(c, x + 7 * i, y, 1 + (i * n + n) % 4, 6, 60);
}

static const struct flat_case {
    const char *row;
    int words[2];      /* before and after, 0 none */
    int spot, w, h;    /* grey of a spot that is there afterwards only; its size, px */
    bool full, stands; /* a page full of things; it is taken for the same screen */
} flat_cases[] = {
    {"agent-loop 5.1 an empty page is the same", {0, 0}, 255, 0, 0, false, true},
    {"agent-loop 5.1 the same line on an empty page is the same", {1, 1}, 255, 0, 0, false, true},
    {"agent-loop 5.1 another line on an empty page is another screen", {1, 2}, 255, 0, 0, false, false},
    {"agent-loop 5.1 a line that came onto an empty page is another screen", {0, 1}, 255, 0, 0, false, false},
    {"agent-loop 5.1 a caret on an empty page is none", {1, 1}, 0, 1, 9, false, true},
    {"agent-loop 5.1 a spinner on an empty page is none", {1, 1}, 120, 20, 20, false, true},
    {"agent-loop 5.1 what is larger than a spinner is one", {1, 1}, 120, 40, 6, false, false},
    {"agent-loop 5.1 on a full page the hash alone decides", {1, 2}, 255, 0, 0, true, true},
};

static void paint_flat(struct canvas *c, const struct flat_case *f, bool after)
{
    paint(c, 255);
    for (int row = 0; f->full && row < 6; row++)
        box(c, 20, 60 + 18 * row, 200, 12, 120);
    if (f->words[after])
        write_words(c, 20, 20, f->words[after]);
    box(c, 240, 100, after ? f->w : 0, f->h, f->spot);
}

/* On pixels alone, where no address tells pages apart. */
static void near_empty_pages_are_told_apart(void **state)
{
    const struct flat_case *f = *state;
    static const struct action actions[] = {CLICK(1, 2), KEY("Tab"), CLICK(300, 2)};
    struct canvas *before = test_malloc(sizeof(*before)), *after = test_malloc(sizeof(*after));
    struct loop_sample *s = test_calloc(5, sizeof(*s));
    paint_flat(before, f, false);
    paint_flat(after, f, true);
    for (int i = 0; i < 5; i++) {
        const struct frame *frame = i == 1 ? &after->frame : &before->frame;
        char hash[FRAME_HASH_BYTES];
        frame_hash(frame, NULL, hash);
        s[i] = loop_sample_of(&actions[i % 3], "", hash, frame);
    }
    if (f->words[0] && !f->w)
        assert_string_equal(s[0].frame, s[1].frame); /* the hash does not see words */
    const char *got = loop_signal(&screen, s, 3, 3);
    assert_string_equal(got ? got : "none", f->stands ? "state" : "none");
    assert_int_equal(loop_same_frames(s, 5, 5), f->stands);
    test_free(s);
    test_free(before);
    test_free(after);
}

/* --- 5.3, 7 ---------------------------------------------------------------------------------- */

static const struct pending_value pending_name = {"name", "Ann", false};

static const struct {
    const char *row;
    struct action action;
    struct loop_facts facts;
    const char *reason, *does; /* NULL: nothing is forced */
} recover_cases[] = {
    {"agent-loop 5.3 field focused and a pending value: type it",
     CLICK(1, 1),
     {true, false, "", "Fill the form", &pending_name},
     "type_pending_value",
     "type_text({\"text\":\"Ann\",\"clear_first\":true})"},
    {"agent-loop 5.3 field focused, submit-shaped, nothing moves: Return",
     CLICK(1, 1),
     {true, true, "the Sign in button", "", NULL},
     "press_return_for_submit",
     "key_press({\"keys\":\"Return\"})"},
    {"agent-loop 5.3 field focused otherwise: Tab",
     CLICK(1, 1),
     {true, false, "", "Read it", NULL},
     "tab_to_next_field",
     "key_press({\"keys\":\"Tab\"})"},
    {"agent-loop 5.3 field focused, submit-shaped, but the picture moves: Tab",
     CLICK(1, 1),
     {true, false, "Submit", "", NULL},
     "tab_to_next_field",
     "key_press({\"keys\":\"Tab\"})"},
    {"agent-loop 5.3 nothing focused, submit-shaped, nothing moves: Return",
     CLICK(1, 1),
     {false, true, "", "Log in to the site", NULL},
     "press_return_for_submit",
     "key_press({\"keys\":\"Return\"})"},
    {"agent-loop 5.3 nothing focused otherwise: nothing",
     CLICK(1, 1),
     {false, true, "", "Read it", NULL},
     NULL,
     NULL},
    {"agent-loop 5.3 only clicks are replaced",
     KEY("Tab"),
     {true, true, "Submit", "", &pending_name},
     NULL,
     NULL},
};

static void loops_are_left(void **state)
{
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(recover_cases); i++) {
        struct action out;
        const char *why =
            recover_from_loop(&recover_cases[i].action, &recover_cases[i].facts, &out);
        assert_string_equal(why ? why : "", recover_cases[i].reason ? recover_cases[i].reason : "");
        if (!why)
            continue;
        out.reasoning = NULL;
        assert_string_equal(prompt_action(pool, &out), recover_cases[i].does);
    }
    pool_destroy(pool);
}

static void submit_shaped_texts_are_told_by_whole_words(void **state)
{
    static const char *const yes[] = {"Submit it", "sign-in", "Log in", "Register now", "save",
                                      "Confirm",   "Continue", "signin", "Sign in", "login", "log-in"};
    static const char *const no[] = {"", "designing", "catalog index", "unsaved"};
    for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
        assert_true(recover_submit_shaped(yes[i]));
    for (size_t i = 0; i < ARRAY_SIZE(no); i++)
        assert_false(recover_submit_shaped(no[i]));
}

static const struct fill_case {
    const char *row;
    struct action action, previous;
    const char *task;
    const struct pending_value *pending;
    bool fills;
} fill_cases[] = {
    {"agent-loop 7.1 repeated click: clicked again within 8 px on a form-like task",
     CLICK(100, 200), CLICK(108, 192), "Fill the name field", &pending_name, true},
    {"agent-loop 7.1 repeated click: clicked farther than 8 px away",
     CLICK(100, 200), CLICK(109, 200), "Fill the name field", &pending_name, false},
    {"agent-loop 7.1 repeated click: farther than 8 px down",
     CLICK(100, 200), CLICK(100, 191), "Fill the name field", &pending_name, false},
    {"agent-loop 7.1 repeated click: a task that is no form",
     CLICK(100, 200), CLICK(100, 200), "Open the list", &pending_name, false},
    {"agent-loop 7.1 repeated click: nothing is pending",
     CLICK(100, 200), CLICK(100, 200), "Fill the name field", NULL, false},
    {"agent-loop 7.1 repeated click: the action before was no click",
     CLICK(100, 200), KEY("Tab"), "Fill the name field", &pending_name, false},
    {"agent-loop 7.1 repeated click: what is said now is no click",
     KEY("Tab"), CLICK(100, 200), "Fill the name field", &pending_name, false},
};

static void a_second_click_into_a_field_types(void **state)
{
    const struct fill_case *c = *state;
    struct action out = {.text = ""};
    bool fills = guard_repeated_click(&c->action, &c->previous, c->task, c->pending, &out);
    assert_int_equal(fills, c->fills);
    if (fills)
        assert_string_equal(out.text, "Ann");
}

static void a_first_click_is_no_repeated_one(void **state)
{
    struct action out;
    const struct action click = CLICK(1, 1);
    assert_false(guard_repeated_click(&click, NULL, "Fill it", &pending_name, &out));
}

static const struct top_case {
    const char *row;
    struct action action;
    struct point top;
    const char *task;
    bool scrolls;
} top_cases[] = {
    {"agent-loop 7.3 near the last click at the top, on a task that goes forward",
     CLICK(100, 50), {120, 60}, "Open the next result", true},
    {"agent-loop 7.3 80 px and 40 px away are near",
     CLICK(100, 100), {180, 60}, "Open the next result", true},
    {"agent-loop 7.3 a click below 100 px is not at the top",
     CLICK(100, 101), {120, 100}, "Open the next result", false},
    {"agent-loop 7.3 farther than 80 px across",
     CLICK(100, 50), {181, 50}, "Open the next result", false},
    {"agent-loop 7.3 farther than 40 px down",
     CLICK(100, 50), {100, 91}, "Open the next result", false},
    {"agent-loop 7.3 no click at the top before",
     CLICK(100, 50), {-1, -1}, "Open the next result", false},
    {"agent-loop 7.3 a task that does not go forward",
     CLICK(100, 50), {100, 50}, "Log in", false},
    {"agent-loop 7.3 what is said is no click",
     KEY("Tab"), {100, 50}, "Open the next result", false},
};

static void a_repeated_click_at_the_top_scrolls_on(void **state)
{
    const struct top_case *c = *state;
    struct action out = {0};
    bool scrolls = guard_top_click(&c->action, &c->top, c->task, &out);
    assert_int_equal(scrolls, c->scrolls);
    assert_int_equal(scrolls ? out.dy : 5, 5);
}

static const struct level_case {
    const char *row;
    int grey;
    double dark, border_dark, bright;
} level_cases[] = {
    {"agent-loop 7.5 below 55 is dark", 54, 1, 1, 0},
    {"agent-loop 7.5 55 is not dark, below 65 the border is", 55, 0, 1, 0},
    {"agent-loop 7.5 64 is dark at the border", 64, 0, 1, 0},
    {"agent-loop 7.5 65 is not", 65, 0, 0, 0},
    {"agent-loop 7.5 90 is not bright", 90, 0, 0, 0},
    {"agent-loop 7.5 above 90 is bright", 91, 0, 0, 1},
};

static void levels_are_looked_at(void **state)
{
    const struct level_case *l = *state;
    struct canvas *c = test_malloc(sizeof(*c));
    paint(c, l->grey);
    struct gallery_look look = gallery_look_at(&c->frame);
    assert_true(look.dark == l->dark && look.border_dark == l->border_dark);
    assert_true(look.bright == l->bright && look.centre_contrast == 0);
    test_free(c);
}

/* Where is looked: the outer tenth, the middle half; and at which greys of it. */
static void the_border_and_the_middle_are_looked_at(void **state)
{
    static const struct {
        struct rect dark; /* on the light */
        bool border;
    } lines[] = {{{30, 0, 2, H}, true},  {{32, 18, 2, 144}, false},      {{0, 16, W, 2}, true},
                 {{32, 18, 256, 2}, false}, {{W - 32, 0, 2, H}, true},   {{0, H - 18, W, 2}, true}};
    struct canvas *c = test_malloc(sizeof(*c));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        const struct rect *r = &lines[i].dark;
        paint(c, 200);
        box(c, r->x, r->y, r->w, r->h, 10);
        assert_int_equal(gallery_look_at(&c->frame).border_dark > 0, lines[i].border);
    }
    paint(c, 10);
    box(c, W / 4, 44, W / 2, 92, 200); /* of 90 rows those from 22 to 67 */
    assert_true(gallery_look_at(&c->frame).bright == 1);
    box(c, W / 4, 44, W / 20, 92, 20); /* the darkest tenth; what most is; the brightest tenth */
    box(c, W / 4 + W / 20, 44, W / 2 - W / 10, 92, 100);
    assert_true(fabs(gallery_look_at(&c->frame).centre_contrast - 80 / 255.0) < 1e-9);
    test_free(c);
}

static void a_photo_viewer_is_told_from_a_page(void **state)
{
    struct canvas *c = test_malloc(sizeof(*c));
    struct gallery_look black = {.dark = .99}, none = {0};
    paint(c, 10); /* a bright picture in the middle of the dark */
    box(c, W / 4, H / 4, W / 4, H / 2, 200);
    assert_true(gallery_trap("", &c->frame) >= GALLERY_IS_TRAP);
    paint(c, 250);
    assert_true(gallery_trap("Boats", &c->frame) < GALLERY_IS_TRAP);
    assert_true(gallery_trap("3 of 17", &c->frame) >= GALLERY_IS_TRAP);
    paint(c, 5); /* a page that is black all over */
    assert_true(gallery_trap("", &c->frame) < GALLERY_IS_TRAP);
    assert_true(gallery_score(false, &black) < 0.1);
    assert_true(gallery_score(true, &none) == 0.7);
    static const char *const words[] = {"Photo gallery", "image viewer", "a lightbox", "2 of 9",
                                        "Close \xc3\x97"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        assert_true(gallery_words(words[i]));
    assert_false(gallery_words("one of many"));
    test_free(c);
}

/* --- 6 --------------------------------------------------------------------------------------- */

static const struct shown still[] = {AT(1, 2, 'a', '1'), AT(90, 2, 'a', '1'), AT(1, 90, 'a', '1'),
                                     AT(300, 2, 'a', '1'), AT(1, 300, 'a', '1')};
static const struct shown waits[] = {{{.type = ACTION_WAIT}, 'a', '1'},
                                     {{.type = ACTION_WAIT}, 'a', '1'},
                                     {{.type = ACTION_WAIT}, 'a', '1'}};
static const struct shown moves[] = {AT(1, 2, 'a', '1'), AT(90, 2, 'a', '1'), AT(1, 90, 'b', '2'),
                                     AT(300, 2, 'b', '2'), AT(1, 300, 'b', '2')};
static const char *const wants_price[] = {"price", "name", NULL};

static const struct gate_case {
    const char *row;
    struct done_facts facts;
    const struct shown *shown;
    int n;
    const char *reason;
} gate_cases[] = {
    {"agent-loop 6 a blank summary is rejected", {.summary = " "}, NULL, 0, "empty_summary"},
    {"agent-loop 6 steps of a predefined plan that are left",
     {.summary = "ok", .plan_steps_left = 1},
     NULL,
     0,
     "plan_steps_incomplete"},
    {"agent-loop 6 form values nobody typed",
     {.summary = "ok", .pending_values = 1},
     NULL,
     0,
     "pending_form_values"},
    {"agent-loop 6 a required field missing from the summary",
     {.summary = "Price: 4", .required_fields = wants_price},
     NULL,
     0,
     "summary_missing_required_fields"},
    {"agent-loop 6 required fields in any case",
     {.summary = "Price: 4 | NAME: x", .required_fields = wants_price},
     NULL,
     0,
     ""},
    {"agent-loop 6 three waits before a picture that stays",
     {.summary = "ok"},
     waits,
     3,
     "no_observed_delta_after_waits"},
    {"agent-loop 6 two waits are no reason", {.summary = "ok"}, waits, 2, ""},
    {"agent-loop 6 five actions that changed nothing",
     {.summary = "ok"},
     still,
     5,
     "no_progress_in_window"},
    {"agent-loop 6 four actions are no window", {.summary = "ok"}, still, 4, ""},
    {"agent-loop 6 five actions that changed something", {.summary = "ok"}, moves, 5, ""},
    {"agent-loop 6 a verification may stand still",
     {.summary = "ok", .verification_only = true},
     still,
     5,
     ""},
    {"agent-loop 6 the first failing predicate is the reason",
     {.summary = "", .plan_steps_left = 1, .pending_values = 1},
     NULL,
     0,
     "empty_summary"},
};

static void dones_are_gated(void **state)
{
    const struct gate_case *c = *state;
    struct loop_sample s[SAMPLES];
    struct done_facts facts = c->facts;
    facts.samples = s;
    facts.n_samples = samples_of(c->shown, c->n, s);
    const char *got = done_rejected(&facts);
    assert_string_equal(got ? got : "", c->reason);
}

static void sentences_that_only_look_are_known(void **state)
{
    static const char *const looks[] = {"Verify that the total is shown", "check whether it is sold out", "Check that it is there", "check if it is there", "Confirm that it is there", "Make sure it is there",
                                        "ensure it is there", "See if it is there", "see whether it is there", "Is it there?", "are they there?", "Does it say so?"};
    for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
        assert_true(done_verification_only(looks[i]));
    assert_false(done_verification_only("Check the box"));
    assert_false(done_verification_only("Click Save and verify it"));
}

/* --- 8.1 ------------------------------------------------------------------------------------- */

static struct attr field_attrs[] = {{"id", "mail"}, {"placeholder", "you@example.test"}};
static const struct node field = {.tag = "input",
                                  .name = "E-mail",
                                  .value = "",
                                  .text = "",
                                  .attrs = field_attrs,
                                  .n_attrs = 2,
                                  .flags = NODE_EDITABLE};

static const struct predicate_case {
    const char *row;
    const char *token;
    struct predicate_view before, after;
    int result; /* 1, 0, -1 unknown */
} predicate_cases[] = {
    {"agent-loop 8.1 url_contains is in",
     "url_contains:/cart",
     {"http://a.test/", "", "", NULL},
     {"http://a.test/cart", "", "", NULL},
     1},
    {"agent-loop 8.1 url_contains is not in",
     "url_contains:/cart", {"http://a.test/", "", "", NULL}, {"http://a.test/x", "", "", NULL}, 0},
    {"agent-loop 8.1 url_contains without its argument is false",
     "url_contains", {"", "", "", NULL}, {"http://a.test/x", "", "", NULL}, 0},
    {"agent-loop 8.1 url_contains without an address is unknown",
     "url_contains:/cart", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 url_equals",
     "url_equals:http://a.test/", {"", "", "", NULL}, {"http://a.test/", "", "", NULL}, 1},
    {"agent-loop 8.1 url_equals is not in part",
     "url_equals:http://a.test/", {"", "", "", NULL}, {"http://a.test/b", "", "", NULL}, 0},
    {"agent-loop 8.1 url_equals without its argument is false",
     "url_equals", {"", "", "", NULL}, {"http://a.test/b", "", "", NULL}, 0},
    {"agent-loop 8.1 url_unchanged",
     "url_unchanged", {"http://a.test/", "", "", NULL}, {"http://a.test/", "", "", NULL}, 1},
    {"agent-loop 8.1 url_changed is false when it stayed",
     "url_changed", {"http://a.test/", "", "", NULL}, {"http://a.test/", "", "", NULL}, 0},
    {"agent-loop 8.1 title_changed is false when it stayed",
     "title_changed", {"", "A", "", NULL}, {"", "A", "", NULL}, 0},
    {"agent-loop 8.1 field_focused:n by its label",
     "field_focused:e-mail", {"", "", "", NULL}, {"", "", "", &field}, 1},
    {"agent-loop 8.1 field_unfocused is false with the focus",
     "field_unfocused", {"", "", "", NULL}, {"", "", "", &field}, 0},
    {"agent-loop 8.1 frame_changed is false when it stayed",
     "frame_changed", {"", "", "1", NULL}, {"", "", "1", NULL}, 0},
    {"agent-loop 8.1 frame_stable when it stayed",
     "frame_stable", {"", "", "1", NULL}, {"", "", "1", NULL}, 1},
    {"agent-loop 8.1 frame_changed without a hash is unknown",
     "frame_changed", {"", "", "1", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 element_disappears is always unknown",
     "element_disappears:toast", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 modal_opens is always unknown",
     "modal_opens", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 url_changed",
     "url_changed", {"http://a.test/", "", "", NULL}, {"http://a.test/b", "", "", NULL}, 1},
    {"agent-loop 8.1 url_unchanged is false when it changed",
     "url_unchanged", {"http://a.test/", "", "", NULL}, {"http://a.test/b", "", "", NULL}, 0},
    {"agent-loop 8.1 url_changed with two unknown addresses is unknown",
     "url_changed", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 title_contains in any case",
     "title_contains:cart", {"", "", "", NULL}, {"", "Your Cart", "", NULL}, 1},
    {"agent-loop 8.1 title_contains without a title is unknown",
     "title_contains:cart", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 title_changed",
     "title_changed", {"", "A", "", NULL}, {"", "B", "", NULL}, 1},
    {"agent-loop 8.1 field_focused",
     "field_focused", {"", "", "", NULL}, {"", "", "", &field}, 1},
    {"agent-loop 8.1 field_focused:n by id",
     "field_focused:mail", {"", "", "", NULL}, {"", "", "", &field}, 1},
    {"agent-loop 8.1 field_focused:n by placeholder",
     "field_focused:example", {"", "", "", NULL}, {"", "", "", &field}, 1},
    {"agent-loop 8.1 field_focused:n of another field",
     "field_focused:phone", {"", "", "", NULL}, {"", "", "", &field}, 0},
    {"agent-loop 8.1 field_focused with nothing focused is false",
     "field_focused", {"", "", "", NULL}, {"", "", "", NULL}, 0},
    {"agent-loop 8.1 field_unfocused",
     "field_unfocused", {"", "", "", &field}, {"", "", "", NULL}, 1},
    {"agent-loop 8.1 frame_changed",
     "frame_changed", {"", "", "1", NULL}, {"", "", "2", NULL}, 1},
    {"agent-loop 8.1 frame_stable",
     "frame_stable", {"", "", "1", NULL}, {"", "", "2", NULL}, 0},
    {"agent-loop 8.1 frame_stable without a hash is unknown",
     "frame_stable", {"", "", "", NULL}, {"", "", "2", NULL}, -1},
    {"agent-loop 8.1 element_appears is always unknown",
     "element_appears:toast", {"", "", "", NULL}, {"", "", "", NULL}, -1},
    {"agent-loop 8.1 modal_closes is always unknown",
     "modal_closes", {"", "", "", NULL}, {"", "", "", NULL}, -1},
};

static void predictions_are_held_against_what_came(void **state)
{
    const struct predicate_case *c = *state;
    struct pool *pool = pool_create(NULL);
    struct predicate_score score;
    json_t *tokens = json_keep(pool, json_pack("[s]", c->token));
    json_t *got = json_keep(pool, predicates_check(pool, tokens, &c->before, &c->after, &score));
    json_t *result = json_object_get(json_array_get(got, 0), "result");
    int is = json_is_null(result) ? -1 : json_is_true(result);
    assert_int_equal(is, c->result);
    assert_int_equal(score.evaluated, is >= 0);
    pool_destroy(pool);
}

/* Whatever it is called by. */
static void a_field_is_known_by_each_of_its_names(void **state)
{
    static const char *const attrs[] = {"name", "id", "placeholder", "aria-label"};
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(attrs); i++) {
        struct attr attr = {attrs[i], "Your city"};
        const struct node node = {.tag = "input", .name = "", .value = "", .text = "", .attrs = &attr,
                                  .n_attrs = 1};
        const struct predicate_view none = {"", "", "", NULL}, on = {"", "", "", &node};
        struct predicate_score score;
        json_t *tokens = json_keep(pool, json_pack("[s]", "field_focused:city"));
        const json_t *got = json_keep(pool, predicates_check(pool, tokens, &none, &on, &score));
        const json_t *one = json_array_get(got, 0);
        if (!json_is_true(json_object_get(one, "result")))
            fail_msg("%s", attrs[i]);
        assert_string_equal(json_str(one, "predicate", ""), "field_focused:city");
        assert_string_equal(json_str(one, "reason", ""), "it is so");
    }
    json_t *sum = json_keep(pool, predicates_sum(4, 2, 1));
    assert_string_equal(json_text(pool, sum),
                        "{\"total\":4,\"evaluated\":2,\"correct\":1,\"accuracy\":0.5}");
    pool_destroy(pool);
}

static void predictions_are_read_from_objects_and_lines(void **state)
{
    static const struct {
        const char *json, *text, *tokens;
    } cases[] = {
        {"{\"expected\":[\"url_changed\",\"moon_rises\",\"title_contains: Cart \"]}", NULL,
         "[\"url_changed\",\"title_contains: Cart\"]"},
        {"[\"frame_changed\"]", "Predicted: url_changed", "[\"frame_changed\"]"},
        {NULL, "I click.\nPredicted: url_changed, field_focused:name; nonsense\nmore, frame_stable",
         "[\"url_changed\",\"field_focused:name\"]"},
        {"\"url_changed; url_unchanged\"", NULL, "[\"url_changed\",\"url_unchanged\"]"},
        {NULL, "nothing is said", "[]"},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *given = cases[i].json ? json_loads(cases[i].json, JSON_DECODE_ANY, NULL) : NULL;
        json_t *got = predicates_read(pool, given, cases[i].text);
        assert_string_equal(json_text(pool, got), cases[i].tokens);
        json_decref(given);
        json_decref(got);
    }
    struct predicate_score half = {4, 2, 1}, none = {4, 0, 0};
    assert_true(predicates_error(&half) == -0.025);
    assert_true(predicates_error(&none) == 0);
    pool_destroy(pool);
}

/* --- 8.2 ------------------------------------------------------------------------------------- */

static const struct risk_case {
    const char *row;
    struct action action;
    const char *thinking, *task;
    bool risky;
} risk_cases[] = {
    {"agent-loop 8.2 high risk: key Return",
     KEY("Return"), "", "", true},
    {"agent-loop 8.2 high risk: a chord that ends in Enter",
     KEY("ctrl+Enter"), "", "", true},
    {"agent-loop 8.2 high risk: another key, whatever is said",
     KEY("Tab"), "submit", "submit", false},
    {"agent-loop 8.2 high risk: a click of no weight",
     CLICK(1, 1), "", "", false},
    {"agent-loop 8.2 high risk: a click by what is thought",
     CLICK(1, 1), "I press Buy", "", true},
    {"agent-loop 8.2 high risk: a click by the task",
     CLICK(1, 1), "", "Sign in to the site", true},
    {"agent-loop 8.2 high risk: a click by its reasoning",
     {.type = ACTION_CLICK, .reasoning = "the Place order button"}, "", "", true},
    {"agent-loop 8.2 high risk: words count whole",
     CLICK(1, 1), "a sender", "unsaved", false},
    {"agent-loop 8.2 high risk: typing is not",
     {.type = ACTION_TYPE_TEXT, .text = "x"}, "submit", "submit", false},
};

static void weighty_actions_are_known(void **state)
{
    const struct risk_case *c = *state;
    assert_int_equal(perceptual_risky(&c->action, c->thinking, c->task), c->risky);
}

/* Each of the words makes a click one of weight. */
static void every_word_of_weight_is_known(void **state)
{
    static const char *const words[] = {"submit", "confirm",  "buy",      "purchase",
                                        "send",   "delete",   "save",     "sign in",
                                        "log in", "register", "checkout", "place order"};
    const struct action click = CLICK(1, 1);
    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (!perceptual_risky(&click, words[i], ""))
            fail_msg("'%s' has no weight", words[i]);
}

static void an_effect_is_seen_far_and_near(void **state)
{
    struct canvas *a = test_malloc(sizeof(*a)), *b = test_malloc(sizeof(*b));
    struct perceptual p;
    struct point at = {100, 90}, nowhere = {-1, -1};
    struct frame blind = {0};
    paint(a, 200);
    paint(b, 200);
    assert_true(perceptual_compare(&a->frame, &b->frame, &at, &p));
    assert_string_equal(p.reason, "global_and_region_stable");
    box(b, 100, 80, 4, 5, 230); /* too small for the whole, seen from near */
    assert_true(perceptual_compare(&a->frame, &b->frame, &at, &p));
    assert_string_equal(p.reason, "region_changed");
    assert_true(perceptual_compare(&a->frame, &b->frame, &nowhere, &p));
    assert_string_equal(p.reason, "global_and_region_stable");
    box(b, 40, 20, 120, 100, 0);
    assert_true(perceptual_compare(&a->frame, &b->frame, &at, &p));
    assert_string_equal(p.reason, "global_and_region_changed");
    paint(b, 200);
    box(b, 250, 0, 70, 180, 0); /* beside the crop */
    assert_true(perceptual_compare(&a->frame, &b->frame, &at, &p));
    assert_string_equal(p.reason, "global_changed");
    assert_false(perceptual_compare(&a->frame, &blind, &at, &p));
    test_free(a);
    test_free(b);
}

/* --- 1.3, 1.4, 1.5, 2.1, 8.3 ----------------------------------------------------------------- */

static struct observation page_at(const char *url, const char *title, const struct canvas *c)
{
    struct observation obs = {.url = url, .title = title};
    if (c)
        obs.frame = c->frame;
    return obs;
}

static void a_feedback_line_says_what_happened(void **state)
{
    struct pool *pool = pool_create(NULL);
    struct canvas *c = test_malloc(sizeof(*c)), *d = test_malloc(sizeof(*d));
    static const struct node filled = {.tag = "input", .name = "n", .value = "Ann", .text = ""};
    static const struct action click = CLICK(1, 1), key = KEY("Tab"),
                               type = {.type = ACTION_TYPE_TEXT, .text = "Ann"};
    static const struct read_back landed = {.success = true, .known = true, .reason = ""},
                                  lost = {.known = true, .reason = "the field is still empty"},
                                  dark = {.reason = ""};
    static const struct perceptual calm = {false, false, "global_and_region_stable"};
    paint(c, 200);
    paint(d, 10);
    struct observation a = page_at("http://a.test/", "A", c),
                       b = page_at("http://a.test/b", "B", c),
                       moved = page_at("http://a.test/", "A", d);
    struct {
        struct action_outcome o;
        const char *line;
    } cases[] = {
        {{&click, &a, &b, NULL, NULL, false, NULL, NULL, false, "", 0},
         "page navigated to http://a.test/b; page title 'B'"},
        {{&click, &a, &b, NULL, NULL, false, NULL, NULL, true, "", 0},
         "a new tab opened: http://a.test/b; page title 'B'"},
        {{&click, &a, &a, NULL, NULL, false, NULL, NULL, false, "", 0}, "clicked (no visible change)"},
        {{&click, &a, &moved, NULL, NULL, false, NULL, NULL, false, "", 0}, "done"},
        {{&click, &a, &a, NULL, &field, true, NULL, NULL, false, "", 0},
         "input field focused, type now"},
        {{&click, &a, &a, NULL, &filled, true, NULL, NULL, false, "", 0},
         "input field focused, it has a value: select all before you type"},
        {{&click, &a, &a, NULL, &field, false, NULL, NULL, false, "", 0},
         "the focused field is empty; clicked (no visible change)"},
        {{&key, &a, &a, NULL, NULL, false, NULL, NULL, false, "", 0}, "pressed Tab"},
        {{&type, &a, &a, NULL, &filled, false, &landed, NULL, false, "", 0},
         "the focused field has a value; the typed text stands in the field"},
        {{&type, &a, &a, NULL, NULL, false, &lost, NULL, false, "", 0},
         "typing failed: the field is still empty"},
        {{&type, &a, &a, NULL, NULL, false, &dark, NULL, false, "", 0},
         "whether the text landed could not be confirmed"},
        {{&click, &a, &a, NULL, NULL, false, NULL, &calm, false, "", 0},
         "clicked (no visible change); WARNING: it had no effect that can be seen "
         "(global_and_region_stable)"},
        {{&click, &a, &a, "unknown key 'x'", NULL, false, NULL, NULL, false, "", 0},
         "unknown key 'x'"},
        {{&click, &a, &moved, NULL, NULL, false, NULL, NULL, false, "in circles", 0}, "in circles"},
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(feedback_line(pool, &cases[i].o), cases[i].line);
    assert_true(feedback_nothing_came(&cases[2].o));
    assert_false(feedback_nothing_came(&cases[3].o)); /* it moved */
    assert_false(feedback_nothing_came(&cases[4].o)); /* it gave the focus */
    assert_false(feedback_nothing_came(&cases[12].o)); /* it was not carried out */
    test_free(c);
    test_free(d);
    pool_destroy(pool);
}

/* Too little for the whole screen, and enough near the click: one is not to be told to tick it again. */
static void a_tick_is_a_visible_change(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct action on_it = CLICK(100, 100), beside = CLICK(600, 400);
    const size_t row = 1280 * 4;
    uint8_t *was = test_calloc(720, row), *is = test_calloc(720, row);
    for (size_t y = 92; y < 108; y++)
        memset(is + y * row + 92 * 4, 200, 16 * 4);
    struct observation before = {.url = "", .title = "", .frame = {1280, 720, (int)row, 0, was}},
                       after = {.url = "", .title = "", .frame = {1280, 720, (int)row, 0, is}};
    struct action_outcome o = {.action = &on_it, .before = &before, .after = &after, .warning = ""};
    assert_string_equal(feedback_line(pool, &o), "done");
    o.action = &beside;
    o.same = 0;
    assert_string_equal(feedback_line(pool, &o), "clicked (no visible change)");
    test_free(was);
    test_free(is);
    pool_destroy(pool);
}

static void typed_text_is_read_back(void **state)
{
    static struct attr secret[] = {{"type", "password"}};
    static const struct node password = {
        .tag = "input", .name = "", .value = "", .text = "", .attrs = secret, .n_attrs = 1};
    static const struct {
        const char *text, *shown;
        const struct node *focused;
        bool readable, success, known;
    } cases[] = {
        {"Ann  Lee", "Ann Lee", &field, true, true, true},
        {"Ann", "Dr. Ann Lee", &field, true, true, true},
        {"Ann", "", &field, true, false, true},
        {"Ann", "Bob", &field, true, false, true},
        {"Ann", "", NULL, true, false, true},
        {"Ann", "", &password, true, false, false},
        {"Ann", "", NULL, false, false, false},
    };
    struct pool *pool = pool_create(NULL);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct read_back r = feedback_read_back(pool, cases[i].text, cases[i].focused,
                                                cases[i].shown, cases[i].readable);
        assert_int_equal(r.success, cases[i].success);
        assert_int_equal(r.known, cases[i].known);
        assert_int_equal(!*r.reason, r.success || !r.known);
    }
    json_t *f = feedback_focused_input(&field);
    assert_string_equal(json_str(f, "placeholder", ""), "you@example.test");
    assert_true(json_flag(f, "empty", false));
    json_decref(f);
    pool_destroy(pool);
}

static void a_sub_goal_text_leaves_out_what_is_empty(void **state)
{
    struct pool *pool = pool_create(NULL);
    const json_t *failures = json_of(
        pool,
        "[{'x':1,'y':1,'kind':'old'},{'x':1,'y':2,'label':'A','kind':'wrong_target','hit':'a'},"
        "{'x':3,'y':4,'label':'B','kind':'brain_loop_exhausted'},{'x':5,'y':6,'label':'C','kind':"
        "'odd'}]");
    struct step bare = {
        .intent = "", .verify = "", .params = json_of(pool, "{}"), .hints = json_of(pool, "{}")};
    struct step full = {
        .verify = "it moved",
        .params = json_of(pool, "{'label':'Save','aliases':['Store'],'kind':'button'}"),
        .hints = json_of(pool, "{'near':'the total','region':'footer','layout':'row',"
                               "'preferred_target_description':'the blue one',"
                               "'preferred_target_viewport_stage':'bottom','exemplar_replay':'clicked Save'}")};
    static const char *const hints[] = {"scroll first", NULL};
    assert_string_equal(prompt_sub_goal(pool, &bare, "Do it", NULL, NULL), "Sub-goal: Do it\n");
    assert_string_equal(
        prompt_sub_goal(pool, &full, "Do it", failures, hints),
        "Sub-goal: Do it\nIt is reached when: it moved\nTarget:\n- label: Save\n- kind: button\n"
        "- aliases: [\"Store\"]\n- region: footer\n- near: the total\n- layout: row\n"
        "- preferred_target_description: the blue one\n- preferred_target_viewport_stage: bottom\n"
        "An earlier run did: clicked Save\n"
        "Previous attempts:\n- (1,2) 'A': changed something, not the goal, hit a; do not repeat\n"
        "- (3,4) 'B': ran out of moves; do not repeat\n- (5,6) 'C': failed (odd); do not repeat\n"
        "Hint: scroll first\n");
    pool_destroy(pool);
}

static const struct prompt_case {
    const char *row;
    struct prompt_facts facts;
    const char *holds, *not ;
} prompt_cases[] = {
    {"agent-loop 1.3 step 1: the page is loaded, a short numbered plan is asked for",
     {.task = "T", .plan = "", .last_thinking = ""}, "The page is loaded", "Done so far"},
    {"agent-loop 1.3 step 1: a predefined plan is shown, its first item asked for",
     {.task = "T", .plan = "1. Go", .last_thinking = ""},
     "Carry out its first item",
     "The page is loaded"},
    {"agent-loop 1.3 later: task, your plan, the log, what was thought",
     {.task = "T", .plan = "1. Go", .last_thinking = "I look", .n = 1},
     "Your plan:\n1. Go\nDone so far, 1 actions:\nStep 1: "
     "click({\"x\":5,\"y\":6,\"button\":\"left\"}) -> f0\nYou thought: I look\n",
     "WARNING"},
    {"agent-loop 1.3 a predefined plan is not called yours",
     {.task = "T", .plan = "1. Go", .plan_given = true, .last_thinking = "", .n = 1},
     "\nPlan:\n1. Go",
     "Your plan"},
    {"agent-loop 1.3 up to step 5 a missing page is left",
     {.task = "T", .plan = "", .last_thinking = "a 404", .n = 2},
     "go back (alt+Left)",
     "photo"},
    {"agent-loop 1.3 after step 5 a missing page is not spoken of",
     {.task = "T", .plan = "", .last_thinking = "a 404", .n = 6},
     "You thought",
     "go back (alt+Left)"},
    {"agent-loop 1.3 a photo viewer is left",
     {.task = "T", .plan = "", .last_thinking = "a photo viewer", .n = 1},
     "A photo viewer is open",
     "404"},
    {"agent-loop 1.3 1 of n on a listings task is a photo viewer",
     {.task = "Read the listings", .plan = "", .last_thinking = "1 of 9", .n = 1},
     "A photo viewer is open",
     "404"},
    {"agent-loop 1.3 1 of n on another task is none",
     {.task = "T", .plan = "", .last_thinking = "1 of 9", .n = 1},
     "You thought",
     "photo viewer"},
    {"agent-loop 1.3 two clicks on one spot of a form: type now",
     {.task = "Fill the form", .plan = "", .last_thinking = "", .n = 2},
     "type now, do not click it again",
     "repeat yourself"},
    {"agent-loop 1.3 a soft loop names the repeated action",
     {.task = "T", .plan = "", .last_thinking = "", .n = 3, .loop = "drift"},
     "You repeat yourself (drift): click",
     "ctrl+a"},
    {"agent-loop 1.3 a soft loop with an empty field focused: type",
     {.task = "T",
      .plan = "",
      .last_thinking = "",
      .n = 3,
      .loop = "state",
      .field_focused = true},
     "the focused field is empty: type",
     "something different"},
    {"agent-loop 1.3 a soft loop with a filled field focused: ctrl+a, then type",
     {.task = "T",
      .plan = "",
      .last_thinking = "",
      .n = 3,
      .loop = "state",
      .field_focused = true,
      .field_has_value = true},
     "press ctrl+a, then type",
     "something different"},
    {"agent-loop 1.3 the last 10 lines of the log",
     {.task = "T", .plan = "", .last_thinking = "", .n = 12},
     "Done so far, 12 actions:\nStep 3:",
     "Step 2:"},
};

static void a_turn_is_told_with_its_warnings(void **state)
{
    const struct prompt_case *c = *state;
    static const struct action click = CLICK(5, 6);
    struct pool *pool = pool_create(NULL);
    struct action history[12];
    const char *feedback[12];
    struct prompt_facts f = c->facts;
    for (int i = 0; i < 12; i++) {
        history[i] = click;
        feedback[i] = pool_printf(pool, "f%d", i);
    }
    f.history = history;
    f.feedback = feedback;
    const char *text = prompt_turn(pool, &f);
    if (!strstr(text, c->holds) || strstr(text, c->not))
        fail_msg("%s", text);
    pool_destroy(pool);
}

static void a_numbered_list_at_the_start_is_the_plan(void **state)
{
    struct pool *pool = pool_create(NULL);
    assert_string_equal(prompt_plan_in(pool, "1. Open it\n2) Read it\nThen click"),
                        "1. Open it\n2) Read it");
    assert_string_equal(prompt_plan_in(pool, "I will open it"), "");
    assert_null(strstr(prompt_plan_in(pool, "1. a\n2. b\n3. c\n4. d\n5. e\n6. f\n7. g\n8. h\n9. i\n"
                                            "10. j\n11. k"),
                       "11."));
    pool_destroy(pool);
}

/* At the first turn of a step, too. */
static void what_a_person_did_is_told_at_any_turn(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct action click = CLICK(5, 6);
    static const char *const feedback[] = {"f"};
    struct prompt_facts f = {.task = "t",
                             .plan = "",
                             .last_thinking = "",
                             .history = &click,
                             .feedback = feedback,
                             .news = "the field 'Code' was filled"};
    for (; f.n < 2; f.n++)
        assert_non_null(strstr(prompt_turn(pool, &f), "NOTE: a person used the browser meanwhile: the field 'Code' was filled."));
    f.n = 1;
    f.news = NULL;
    assert_null(strstr(prompt_turn(pool, &f), "NOTE"));
    pool_destroy(pool);
}

static void a_thought_is_cut_at_300_characters(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct action click = CLICK(5, 6);
    static const char *const told[] = {"f"};
    char long_thought[400];
    memset(long_thought, 'x', sizeof(long_thought) - 1);
    long_thought[399] = 0;
    struct prompt_facts f = {.task = "T", .plan = "", .last_thinking = long_thought, .n = 1,
                             .history = &click, .feedback = told};
    const char *at = strstr(prompt_turn(pool, &f), "You thought: ");
    assert_non_null(at);
    assert_int_equal(strspn(at + strlen("You thought: "), "x"), 300);
    pool_destroy(pool);
}

static void one_spot_is_within_six_pixels(void **state)
{
    static const struct {
        int dx, dy;
        bool one;
    } cases[] = {{6, 6, true}, {-6, 0, true}, {7, 0, false}, {0, -7, false}};
    struct pool *pool = pool_create(NULL);
    static const char *const told[] = {"f", "f"};
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct action clicks[] = {CLICK(50, 60), CLICK(50 + cases[i].dx, 60 + cases[i].dy)};
        struct prompt_facts f = {.task = "Fill the form", .plan = "", .last_thinking = "", .n = 2,
                                 .history = clicks, .feedback = told};
        assert_int_equal(strstr(prompt_turn(pool, &f), "type now") != NULL, cases[i].one);
    }
    pool_destroy(pool);
}

static void every_word_of_a_photo_viewer_is_known(void **state)
{
    static const char *const words[] = {"a photo viewer", "the photo gallery", "an image viewer", "a gallery", "the lightbox"};
    struct pool *pool = pool_create(NULL);
    static const struct action click = CLICK(5, 6);
    static const char *const told[] = {"f"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct prompt_facts f = {.task = "T", .plan = "", .last_thinking = words[i], .n = 1,
                                 .history = &click, .feedback = told};
        if (!strstr(prompt_turn(pool, &f), "A photo viewer is open"))
            fail_msg("%s", words[i]);
    }
    pool_destroy(pool);
}

/* Each word of a page that is not there. */
static void every_word_of_a_missing_page_is_known(void **state)
{
    static const char *const words[] = {"a 404", "Page not found", "it can't be reached",
                                        "ERR_TUNNEL_CONNECTION_FAILED", "err_connection_reset",
                                        "page removed"};
    struct pool *pool = pool_create(NULL);
    static const struct action click = CLICK(5, 6);
    static const char *const told[] = {"f"};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        struct prompt_facts f = {.task = "T", .plan = "", .last_thinking = words[i], .n = 1,
                                 .history = &click, .feedback = told};
        if (!strstr(prompt_turn(pool, &f), "The page is not there"))
            fail_msg("%s", words[i]);
    }
    pool_destroy(pool);
}

static void a_trajectory_holds_no_typed_text(void **state)
{
    struct pool *pool = pool_create(NULL);
    static const struct action type = {.type = ACTION_TYPE_TEXT, .text = "h\xc3\xa9llo"};
    json_t *focused = json_keep(pool, json_pack("{s:s,s:s}", "tag", "input", "value", "hello"));
    struct trajectory_step s = {.step = 3,
                                .action = &type,
                                .substituted_by = "",
                                .thinking = "t",
                                .feedback = "f",
                                .frame_hash = "1",
                                .url = "u",
                                .title = "",
                                .warning = "",
                                .focused_input = focused,
                                .done_rejected = "",
                                .loop_recovery = "",
                                .effect = -1,
                                .backend = "vision",
                                .timestamp = "now"};
    json_t *j = json_keep(pool, trajectory_json(pool, &s));
    const char *text = json_text(pool, j);
    assert_null(strstr(text, "hello"));
    assert_non_null(strstr(text, "<5 chars>"));
    assert_true(json_is_null(json_object_get(j, "action_effect_observed")));
    static const char *const keys[] = {"step",
                                       "action",
                                       "thinking",
                                       "reward",
                                       "done",
                                       "inference_time",
                                       "feedback",
                                       "timestamp",
                                       "reward_components",
                                       "frame_hash",
                                       "observed_state",
                                       "hypothesized_state",
                                       "observed_outcome",
                                       "action_effect_observed",
                                       "predicted_outcome",
                                       "predicate_results",
                                       "done_rejected_reason",
                                       "loop_recovery_reason",
                                       "substituted_by",
                                       "executor_backend"};
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        assert_non_null(json_object_get(j, keys[i]));
    pool_destroy(pool);
}

/* --- 1.2: the loop --------------------------------------------------------------------------- */

#define SITE "http://form.test"
#define OPEN "{'type':'navigate','intent':'Open','params':{'url':'" SITE "/form'}}"

static void form_page(struct fake_web *web, struct pool *pool, const char *url,
                      struct fake_page *out)
{
    out->title = str_contains_fold(url, "chrome") ? "Chrome" : "Form";
    fake_add(out, "input", "input", "Email", "");
    fake_add(out, "", "div", "Banner", "");
    fake_add(out, "button", "button", "Send", web->leads_to ? web->leads_to : "");
}

static void run_brain(struct rig *rig, struct rig_brain *brain, const struct action *actions, int n,
                      const char *step)
{
    static char steps[600];
    snprintf(steps, sizeof(steps), "[" OPEN ",%s]", step);
    rig_brain_init(brain, actions, n);
    rig_init(rig, form_page, steps);
    rig->brain = &brain->base;
}

static const json_t *event_of(const struct rig *rig, const char *kind, int nth)
{
    size_t i;
    json_t *e;
    json_array_foreach (rig->events, i, e)
        if (!strcmp(json_str(e, "kind", ""), kind) && nth-- == 0)
            return json_object_get(e, "detail");
    fail_msg("no event '%s'", kind);
    return NULL;
}

#define DONE(words)                                                                                \
    {                                                                                              \
        .type = ACTION_DONE, .success = true, .summary = (words)                                   \
    }

static void a_done_is_rejected_twice_and_then_unverified(void **state)
{
    static const struct action blank[] = {DONE("")};
    struct rig rig;
    struct rig_brain brain;
    run_brain(&rig, &brain, blank, 1, "{'type':'holo3','intent':'Press the button','budget':9}");
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "done_unverified:empty_summary");
    assert_int_equal(brain.asked, 3);
    const json_t *end = event_of(&rig, "subgoal", 0);
    assert_int_equal(
        json_int(json_object_get(end, "done_rejections_by_reason"), "empty_summary", 0), 2);
    assert_string_equal(json_str(event_of(&rig, "turn", 0), "done_rejected_reason", ""),
                        "empty_summary");
    rig_release(&rig);
}

static void the_gate_can_be_switched_off(void **state)
{
    static const struct action blank[] = {DONE("")};
    struct rig rig;
    struct rig_brain brain;
    run_brain(&rig, &brain, blank, 1, "{'type':'holo3','intent':'Press the button'}");
    rig.config.inner_off = INNER_NO_DONE_GATE;
    rig_run(&rig, NULL);
    assert_true(json_flag(rig_result(&rig, 1), "success", false));
    rig_release(&rig);
}

static void a_click_twice_into_a_field_with_a_pending_value_types_it(void **state)
{
    static const struct action actions[] = {CLICK(600, 20), CLICK(600, 20), DONE("typed")};
    struct rig rig;
    struct rig_brain brain;
    run_brain(&rig, &brain, actions, 3, "{'type':'other_field','intent':'x'}");
    rig_release(&rig);
    struct inner_goal goal = {.task = "Fill in Email",
                              .sentence = "Fill in Email",
                              .max_steps = 9,
                              .pending = {{"Email", "a@b.test", false}},
                              .n_pending = 1};
    struct inner_result out;
    struct err err = {0};
    run_brain(&rig, &brain, actions, 3, "{'type':'wait','intent':'x','params':{'seconds':0}}");
    rig_run(&rig, NULL);
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_string_equal(out.termination, "done");
    assert_string_equal(rig.web.typed, "a@b.test");
    assert_string_equal(json_str(event_of(&rig, "turn", 1), "substituted_by", ""), "force-fill");
    rig_release(&rig);
}

static void a_done_while_a_value_is_pending_is_rejected(void **state)
{
    static const struct action actions[] = {DONE("it is filled"),
                                            CLICK(600, 20),
                                            {.type = ACTION_TYPE_TEXT, .text = "a@b.test"},
                                            DONE("it is filled")};
    struct rig rig;
    struct rig_brain brain;
    struct inner_goal goal = {.task = "Fill in Email",
                              .sentence = "Fill in Email",
                              .max_steps = 9,
                              .pending = {{"Email", "a@b.test", false}},
                              .n_pending = 1};
    struct inner_result out;
    struct err err = {0};
    run_brain(&rig, &brain, actions, 4, "{'type':'wait','intent':'x','params':{'seconds':0}}");
    rig_run(&rig, NULL);
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_string_equal(out.termination, "done");
    assert_int_equal(out.steps, 4);
    assert_int_equal(json_int(json_object_get(out.detail, "done_rejections_by_reason"),
                              "pending_form_values", 0),
                     1);
    rig_release(&rig);
}

static void an_advertising_page_of_the_browser_ends_it(void **state)
{
    static const struct action actions[] = {CLICK(600, 100)};
    struct rig rig;
    struct rig_brain brain;
    run_brain(&rig, &brain, actions, 1, "{'type':'holo3','intent':'Press the button','budget':9}");
    rig.web.leads_to = "https://www.google.com/chrome/";
    rig_run(&rig, NULL);
    assert_string_equal(rig_data(&rig, 1), "chrome_vendor_trap:https://www.google.com/chrome/");
    assert_int_equal(brain.asked, 1);
    rig_release(&rig);
    static const struct {
        const char *url;
        bool trap;
    } urls[] = {{"https://chrome.google.com/webstore", true},
                {"https://google.com/chrome", true},
                {"https://www.google.com/search?q=chrome", false},
                {"https://chrome.test/", false},
                {"", false}};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++)
        assert_int_equal(inner_vendor_page(urls[i].url), urls[i].trap);
}

static void a_typed_address_is_loaded(void **state)
{
    static const struct action actions[] = {{.type = ACTION_TYPE_TEXT, .text = SITE "/other"},
                                            DONE("open")};
    static const char *const allowed[] = {"form.test", NULL}, *const none[] = {"other.test",
                                                                               "form.test", NULL};
    static const struct action off[] = {{.type = ACTION_TYPE_TEXT, .text = "http://evil.test/"},
                                        {.type = ACTION_DONE, .summary = "no"}};
    struct rig rig;
    struct rig_brain brain;
    run_brain(&rig, &brain, actions, 2, "{'type':'holo3','intent':'Open the other page'}");
    rig.config.allowed_domains = none;
    rig_run(&rig, NULL);
    assert_string_equal(rig.run.live_url, SITE "/other");
    assert_int_equal(rig.web.typed_times, 0);
    rig_release(&rig);
    run_brain(&rig, &brain, off, 2, "{'type':'holo3','intent':'Open the other page'}");
    rig.config.allowed_domains = allowed;
    rig_run(&rig, NULL);
    assert_string_equal(rig.run.live_url, SITE "/form");
    assert_non_null(strstr(json_str(event_of(&rig, "turn", 0), "feedback", ""), "evil.test"));
    rig_release(&rig);
}

static void the_cost_cap_binds_inside(void **state)
{
    static const struct action actions[] = {CLICK(1, 600)};
    struct inner_goal goal = {.task = "x", .sentence = "x", .max_steps = 9};
    struct inner_result out;
    struct rig rig;
    struct rig_brain brain;
    struct err err = {0};
    run_brain(&rig, &brain, actions, 1, "{'type':'wait','intent':'x','params':{'seconds':0}}");
    rig.config.max_cost = 1;
    rig_run(&rig, NULL);
    json_put_num(rig.run.progress.costs, "total", 1.0);
    assert_int_equal(inner_run(&rig.run, &goal, &out, &err), 0);
    assert_string_equal(out.termination, "budget_cap");
    assert_int_equal(brain.asked, 0);
    rig_release(&rig);
}

/* A hundred turns do not keep a hundred pictures. */
static void two_pictures_are_kept_at_a_time(void **state)
{
    static struct action actions[40];
    struct rig rig;
    struct rig_brain brain;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        actions[i] = (struct action){.type = ACTION_CLICK, .x = 600, .y = (int)i * 15 % 400};
    run_brain(&rig, &brain, actions, 40, "{'type':'holo3','intent':'Press it','budget':30}");
    rig.web.clock = true;
    rig.web.ticks_every = 1;
    rig_run(&rig, NULL);
    assert_int_equal(brain.asked, 30);
    assert_true(rig.web.most_frames <= 3);
    rig_release(&rig);
}

/* --- all of them ----------------------------------------------------------------------------- */

/* clang-format off */
static const struct CMUnitTest plain_tests[] = {
    row_test("agent-loop 5.1 a window is at least two samples", a_window_is_never_below_two),
    row_test("agent-loop 5.1 the tolerance grows with the screen and can be switched off", the_tolerance_grows_with_the_screen_and_can_be_switched_off),
    row_test("agent-loop 5.1 every key that pages may be pressed again", every_key_that_pages_is_known),
    row_test("agent-loop 5 hash64 is sixteen hex digits and one of the mean", a_frame_hash_is_seventeen_hex_digits),
    row_test("agent-loop 5.3 the way out of a loop over a form", loops_are_left),
    row_test("agent-loop 5.3 submit-shaped is told by whole words", submit_shaped_texts_are_told_by_whole_words),
    row_test("agent-loop 7.1 a first click is no repeated one", a_first_click_is_no_repeated_one),
    row_test("agent-loop 7.5 the outer tenth and the middle half are looked at", the_border_and_the_middle_are_looked_at),
    row_test("agent-loop 7.5 a photo viewer is told from a page by words and darkness", a_photo_viewer_is_told_from_a_page),
    row_test("agent-loop 6 sentences that only look are known", sentences_that_only_look_are_known),
    row_test("agent-loop 8.1 a field is known by each of its names", a_field_is_known_by_each_of_its_names),
    row_test("agent-loop 8.1 tokens are read from objects and from a line", predictions_are_read_from_objects_and_lines),
    row_test("agent-loop 8.2 every word that makes a click one of high risk", every_word_of_weight_is_known),
    row_test("agent-loop 8.2 an effect is seen on the whole and near the click", an_effect_is_seen_far_and_near),
    row_test("agent-loop 1.4 a feedback line says what happened", a_feedback_line_says_what_happened),
    row_test("agent-loop 1.4 Better: a tick is a visible change", a_tick_is_a_visible_change),
    row_test("agent-loop 2.1 typed text is read back from the focused element", typed_text_is_read_back),
    row_test("agent-loop 1.5 a sub-goal text leaves out what is empty", a_sub_goal_text_leaves_out_what_is_empty),
    row_test("agent-loop 1.3 a numbered list of at most 10 lines becomes your plan", a_numbered_list_at_the_start_is_the_plan),
    cmocka_unit_test(what_a_person_did_is_told_at_any_turn),
    row_test("agent-loop 1.3 the first 300 characters of the previous reasoning", a_thought_is_cut_at_300_characters),
    row_test("agent-loop 1.3 two clicks within 6 px are on one spot", one_spot_is_within_six_pixels),
    row_test("agent-loop 1.3 every word of a photo viewer is known", every_word_of_a_photo_viewer_is_known),
    row_test("agent-loop 1.3 every word of a missing page is known", every_word_of_a_missing_page_is_known),
    row_test("agent-loop 8.3 a trajectory holds every key and no typed text", a_trajectory_holds_no_typed_text),
    row_test("agent-loop 6 a done is rejected twice and then unverified", a_done_is_rejected_twice_and_then_unverified),
    row_test("agent-loop 6 the gate can be switched off", the_gate_can_be_switched_off),
    row_test("agent-loop 7.1 the loop types the pending value and says what it put in place", a_click_twice_into_a_field_with_a_pending_value_types_it),
    row_test("agent-loop 6 only this step's pending values reject a done", a_done_while_a_value_is_pending_is_rejected),
    row_test("agent-loop 1.2 a page of the browser's vendor ends the sub-goal", an_advertising_page_of_the_browser_ends_it),
    row_test("agent-loop 2 typed text that is an address is loaded, where the tenant may go", a_typed_address_is_loaded),
    row_test("agent-loop 1.2 the cost cap binds inside a sub-goal", the_cost_cap_binds_inside),
    cmocka_unit_test(two_pictures_are_kept_at_a_time),
};
/* clang-format on */

static int add_rows(struct CMUnitTest *out, int n, const void *cases, size_t size, size_t count,
                    CMUnitTestFunction fn)
{
    for (size_t i = 0; i < count; i++) {
        const char *one = (const char *)cases + i * size;
        out[n++] = (struct CMUnitTest){*(const char *const *)one, fn, NULL, NULL, (void *)one};
    }
    return n;
}

int main(void)
{
    static struct CMUnitTest tests[256];
    int n = ARRAY_SIZE(plain_tests);
    memcpy(tests, plain_tests, sizeof(plain_tests));
    n = add_rows(tests, n, signal_cases, sizeof(signal_cases[0]), ARRAY_SIZE(signal_cases),
                 signals_fire);
    n = add_rows(tests, n, window_cases, sizeof(window_cases[0]), ARRAY_SIZE(window_cases),
                 windows_adapt);
    n = add_rows(tests, n, tolerance_cases, sizeof(tolerance_cases[0]),
                 ARRAY_SIZE(tolerance_cases), things_have_their_tolerance);
    n = add_rows(tests, n, level_cases, sizeof(level_cases[0]), ARRAY_SIZE(level_cases),
                 levels_are_looked_at);
    n = add_rows(tests, n, flat_cases, sizeof(flat_cases[0]), ARRAY_SIZE(flat_cases),
                 near_empty_pages_are_told_apart);
    n = add_rows(tests, n, gate_cases, sizeof(gate_cases[0]), ARRAY_SIZE(gate_cases),
                 dones_are_gated);
    n = add_rows(tests, n, fill_cases, sizeof(fill_cases[0]), ARRAY_SIZE(fill_cases),
                 a_second_click_into_a_field_types);
    n = add_rows(tests, n, top_cases, sizeof(top_cases[0]), ARRAY_SIZE(top_cases),
                 a_repeated_click_at_the_top_scrolls_on);
    n = add_rows(tests, n, predicate_cases, sizeof(predicate_cases[0]),
                 ARRAY_SIZE(predicate_cases), predictions_are_held_against_what_came);
    n = add_rows(tests, n, risk_cases, sizeof(risk_cases[0]), ARRAY_SIZE(risk_cases),
                 weighty_actions_are_known);
    n = add_rows(tests, n, prompt_cases, sizeof(prompt_cases[0]), ARRAY_SIZE(prompt_cases),
                 a_turn_is_told_with_its_warnings);
    assert_true((size_t)n <= ARRAY_SIZE(tests));
    return _cmocka_run_group_tests("inner", tests, (size_t)n, NULL, NULL);
}
