/*
 * test_plane.c - one list of tests over every kind of plane. What a kind can do is asked of its
 * caps.
 *
 * Every kind sees the same small site: real browsers from a web server, the fake plane from a
 * script. Elements stand in rows at the same pixels for all of them.
 * Arguments: a kind, and a pattern of test names; all without.
 */
#include "unit/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "plane/plane.h"
#include "sys/file.h"
#include "tools/http_stub.h"

#define START_MS   30000
#define CAP_MS     8000
#define X          40 /* px: inside every element */
#define ROW_Y(row) (115 + 40 * (row))

static const char *kind; /* the kind this round is about */

struct bench {
    struct loop *loop;
    struct pool *pool;
    struct http_stub *site;
    struct plane *plane;
    char dir[64];
};

/* --- the site -------------------------------------------------------------------------------- */

#define ROW(row)                                                                                   \
    "position:absolute;left:20px;width:400px;height:30px;top:calc(13px + 40px * " #row ");"
#define HEAD "<!doctype html><style>*{box-sizing:border-box;margin:0;padding:0}</style>"

static const char page_a[] =
    HEAD "<title>Page A</title>"
         "<a style='" ROW(0) "' href='/b'>Next</a>"
                             "<input style='" ROW(
                                 1) "' aria-label=Name>"
                                    "<button style='" ROW(
                                        2) "' onclick=\"setTimeout(() => location.hash = 'later', "
                                           "200)\">Later</button>"
                                           "<a style='" ROW(3) "' href='/slow'>Slow</a>";
static const char page_b[] = HEAD "<title>Page B</title><body style='height:3000px'>"
                                  "<h1 style='" ROW(0) "'>Second</h1>"
                                                       "<h1 style='" ROW(20) "'>Far down</h1>";
static const char page_moving[] =
    HEAD "<title>Moving</title><style>@keyframes m{to{transform:translateX(300px)}}"
         "i{display:block;width:50px;height:50px;background:red;animation:m 1s infinite "
         "alternate}</style>"
         "<button style='" ROW(4) "' onclick=\"location.hash = 'clicked'\">Go</button><i></i>";

static const char page_typed[] =
    HEAD "<title>Typed</title><input style='" ROW(
        1) "' aria-label=Name autofocus oninput='document.title = this.value'>";

static const struct http_page pages[] = {
    {.path = "/typed", .body = page_typed},
    {.path = "/a", .body = page_a},
    {.path = "/b", .body = page_b},
    {.path = "/slow", .body = "<title>Slow page</title>slow", .delay_ms = 700},
    {.path = "/moving", .body = page_moving},
    {.path = "/half", .body = "<title>Half</title>half<img src=/never>"},
    {.path = "/never", .delay_ms = -1},
    {0},
};

static const char script[] =
    "{\"pages\":{"
    "\"a\":{\"url\":\"%s/a\",\"title\":\"Page A\",\"lines\":[\"link: Next -> %s/b\",\"input: "
    "Name\","
    "\"button: Later\",\"link: Slow -> %s/slow\"],\"on\":[{\"click\":\"Later\",\"go\":\"a2\"}]},"
    "\"a2\":{\"url\":\"%s/a#later\",\"title\":\"Page A\",\"lines\":[\"p: later\"]},"
    "\"b\":{\"url\":\"%s/b\",\"title\":\"Page B\",\"page\":{\"viewport\":[0,87,1280,633],"
    "\"content\":[1280,3000],\"nodes\":[{\"parent\":-1,\"tag\":\"#document\",\"flags\":\"visible\","
    "\"box\":[0,87,1280,3000]}]}},"
    "\"slow\":{\"url\":\"%s/slow\",\"title\":\"Slow page\",\"lines\":[\"p: slow\"]},"
    "\"moving\":{\"url\":\"%s/moving\",\"title\":\"Moving\",\"lines\":[\"p: 0\",\"p: 1\",\"p: "
    "2\",\"p: 3\","
    "\"button: Go\"],\"on\":[{\"click\":\"Go\",\"go\":\"moved\"}]},"
    "\"moved\":{\"url\":\"%s/moving#clicked\",\"title\":\"Moving\",\"lines\":[\"p: clicked\"]},"
    "\"half\":{\"url\":\"%s/half\",\"title\":\"Half\",\"hang\":true}"
    "}}";

static char *write_script(struct bench *b)
{
    char site[64];
    snprintf(site, sizeof(site), "http://127.0.0.1:%d", http_stub_port(b->site));
    char *path = pool_printf(b->pool, "%s/script.json", b->dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fprintf(f, script, site, site, site, site, site, site, site, site, site);
    fclose(f);
    return pool_printf(b->pool, "fake:%s", path);
}

/* --- set-up ---------------------------------------------------------------------------------- */

static void open_plane(struct bench *b)
{
    struct err err = {0};
    struct plane_config c = {
        .profile_dir = pool_printf(b->pool, "%s/profile", b->dir),
        .download_dir = pool_printf(b->pool, "%s/profile/downloads", b->dir),
        .tmp_dir = b->dir,
        .browser = strcmp(kind, "fake") ? NULL : write_script(b),
    };
    if (plane_create(kind, b->loop, &c, START_MS, &b->plane, &err))
        fail_msg("%s: %s", kind, err.msg);
}

static int set_up(void **state)
{
    struct bench *b = calloc(1, sizeof(*b));
    strcpy(b->dir, "/tmp/mantis-plane-XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    chmod(b->dir, 0711); /* the browser's uid reaches its profile below it */
    assert_int_equal(loop_create(&b->loop, NULL), 0);
    b->pool = pool_create(NULL);
    b->site = http_stub_start(pages);
    open_plane(b);
    *state = b;
    return 0;
}

/* Helpers of a killed browser write into the profile until they notice. */
static void remove_dir(struct bench *b)
{
    struct err err = {0};
    int r;
    for (int64_t end = clock_mono_ms() + 5000;
         (r = file_remove_tree(b->dir, &err)) && clock_mono_ms() < end;)
        poll(NULL, 0, 5);
    if (r)
        fail_msg("%s", err.msg);
}

static int tear_down(void **state)
{
    struct bench *b = *state;
    plane_destroy(b->plane, false);
    http_stub_stop(b->site);
    remove_dir(b);
    loop_destroy(b->loop);
    pool_destroy(b->pool);
    free(b);
    return 0;
}

/* --- shorthand ------------------------------------------------------------------------------- */

static bool can(const struct bench *b, unsigned cap)
{
    return (plane_caps(b->plane) & cap) != 0;
}

static struct observation look(struct bench *b, unsigned what)
{
    struct observation o = {0};
    struct err err = {0};
    if (plane_observe(b->plane, b->pool, what, CAP_MS, &o, &err))
        fail_msg("%s: look: %s", kind, err.msg);
    return o;
}

static struct settled go(struct bench *b, const char *path)
{
    struct settled s = {0};
    struct err err = {0};
    if (plane_navigate(b->plane, b->pool, http_stub_url(b->site, path), CAP_MS, &s, &err))
        fail_msg("%s: navigate: %s", kind, err.msg);
    return s;
}

static struct settled act(struct bench *b, struct action a)
{
    struct settled s = {0};
    struct err err = {0};
    if (plane_act(b->plane, b->pool, &a, CAP_MS, &s, &err))
        fail_msg("%s: %s: %s", kind, action_type_name(a.type), err.msg);
    return s;
}

static struct settled click(struct bench *b, int row)
{
    return act(b, (struct action){.type = ACTION_CLICK, .x = X, .y = ROW_Y(row)});
}

static void assert_at(struct bench *b, const char *path)
{
    assert_string_equal(look(b, 0).url, http_stub_url(b->site, path));
}

static const struct node *find_node(const struct page *p, const char *tag)
{
    for (int i = 0; i < p->n_nodes; i++)
        if (!strcmp(p->nodes[i].tag, tag))
            return &p->nodes[i];
    fail_msg("%s: no <%s> on the page", kind, tag);
    return NULL;
}

/* --- the tests ------------------------------------------------------------------------------- */

static void a_new_plane_shows_a_blank_page(void **state)
{
    struct bench *b = *state;
    int w, h;
    struct observation o = look(b, OBSERVE_PNG);
    plane_size(b->plane, &w, &h);
    assert_string_equal(o.url, "about:blank");
    assert_int_equal(w, 1280);
    assert_int_equal(o.frame.width, w);
    assert_int_equal(o.frame.height, h);
    assert_memory_equal(o.png, "\x89PNG", 4);
    assert_string_equal(plane_kind(b->plane), kind);
    assert_int_equal(plane_tab_count(b->plane), 1);
}

static void navigating_shows_the_page(void **state)
{
    struct bench *b = *state;
    struct settled s = go(b, "/a");
    struct observation o = look(b, OBSERVE_PAGE);
    assert_false(s.capped);
    assert_true(s.url_changed);
    assert_string_equal(o.url, http_stub_url(b->site, "/a"));
    assert_string_equal(o.title, "Page A");
    if (can(b, PLANE_HAS_DOM))
        assert_non_null(find_node(o.page, "input"));
    else
        assert_null(o.page);
}

static void a_site_that_cannot_be_reached_is_an_error_page(void **state)
{
    struct bench *b = *state;
    struct settled s = {0};
    assert_int_equal(plane_navigate(b->plane, b->pool, "http://nobody.test/x", CAP_MS, &s, NULL),
                     0);
    const char *url = look(b, 0).url;
    if (strncmp(url, "chrome-error://", 15))
        fail_msg("%s: the URL is '%s'", kind, url);
    go(b, "/a");
    assert_at(b, "/a");
}

static void only_web_addresses_can_be_opened(void **state)
{
    struct bench *b = *state;
    static const char *const urls[] = {
        "file:///etc/passwd", "javascript:alert(1)", "chrome://settings", "http://a b/", "",
        "http://a/\nx"};
    for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
        struct settled s;
        assert_int_equal(plane_navigate(b->plane, b->pool, urls[i], CAP_MS, &s, NULL), E_INVALID);
    }
    assert_string_equal(look(b, 0).url, "about:blank");
}

static void a_page_that_never_finishes_is_capped(void **state)
{
    struct bench *b = *state;
    struct settled s = {0};
    assert_int_equal(
        plane_navigate(b->plane, b->pool, http_stub_url(b->site, "/half"), 1500, &s, NULL), 0);
    assert_true(s.capped);
    assert_at(b, "/half");
}

static void a_click_follows_a_link_and_back_returns(void **state)
{
    struct bench *b = *state;
    struct settled s = {0};
    go(b, "/a");
    assert_true(click(b, 0).url_changed);
    assert_at(b, "/b");
    assert_string_equal(look(b, 0).title, "Page B");
    assert_int_equal(plane_back(b->plane, b->pool, CAP_MS, &s, NULL), 0);
    assert_true(s.url_changed);
    assert_at(b, "/a");
}

static void back_at_the_beginning_changes_nothing(void **state)
{
    struct bench *b = *state;
    struct settled s = {0};
    assert_int_equal(plane_back(b->plane, b->pool, CAP_MS, &s, NULL), 0);
    assert_false(s.url_changed);
    assert_string_equal(look(b, 0).url, "about:blank");
}

static void the_next_look_shows_a_navigation_that_took_long(void **state)
{
    struct bench *b = *state;
    go(b, "/a");
    struct settled s = click(b, 3);
    assert_true(s.navigated);
    assert_false(s.capped);
    assert_at(b, "/slow");
    assert_string_equal(look(b, 0).title, "Slow page");
}

static void the_next_look_shows_an_effect_on_a_timer(void **state)
{
    struct bench *b = *state;
    go(b, "/a");
    assert_true(click(b, 2).url_changed);
    assert_at(b, "/a#later");
}

static void a_page_that_moves_for_ever_holds_nothing_up(void **state)
{
    struct bench *b = *state;
    assert_false(go(b, "/moving").capped);
    struct settled s = click(b, 4);
    assert_false(s.capped);
    assert_at(b, "/moving#clicked");
}

static void typed_text_is_in_the_field(void **state)
{
    struct bench *b = *state;
    go(b, "/a");
    click(b, 1);
    struct observation before = look(b, OBSERVE_FRAME);
    act(b, (struct action){.type = ACTION_TYPE_TEXT, .text = "Grüße 漢字 😀"});
    struct observation o = look(b, OBSERVE_FRAME | OBSERVE_PAGE);
    assert_memory_not_equal(before.frame.pixels, o.frame.pixels, (size_t)o.frame.stride * 720);
    if (can(b, PLANE_HAS_DOM))
        assert_string_equal(find_node(o.page, "input")->value, "Grüße 漢字 😀");
    act(b, (struct action){.type = ACTION_TYPE_TEXT, .text = "new", .clear_first = true});
    if (can(b, PLANE_HAS_DOM))
        assert_string_equal(find_node(look(b, OBSERVE_PAGE).page, "input")->value, "new");
}

static const char *by_hand(struct bench *b, struct hand h)
{
    struct err err = {0};
    const char *text = NULL;
    if (plane_hand(b->plane, b->pool, &h, &text, &err))
        fail_msg("%s: by hand: %s", kind, err.msg);
    return text;
}

static const char *copy_by_hand(struct bench *b)
{
    return by_hand(b, (struct hand){.type = HAND_COPY});
}

static void copying_gives_what_is_selected_or_what_was_copied_last(void **state)
{
    struct bench *b = *state;
    if (!strcmp(kind, "fake"))
        return; /* it has no clipboard */
    go(b, "/typed");
    click(b, 1);
    act(b, (struct action){.type = ACTION_TYPE_TEXT, .text = "words"});
    act(b, (struct action){.type = ACTION_KEY_PRESS, .keys = "ctrl+a"});
    int64_t from = clock_mono_ms();
    assert_string_equal(copy_by_hand(b), "words");
    int64_t selected = clock_mono_ms();
    /* An action would not do here: on pixels the address is read by copying it. */
    by_hand(b, (struct hand){.type = HAND_KEY_PRESS, .keys = {"End"}, .n_keys = 1});
    int64_t again = clock_mono_ms();
    assert_string_equal(copy_by_hand(b), "words");
    print_message("copied in %d ms; nothing, in %d ms\n", (int)(selected - from), (int)(clock_mono_ms() - again));
}

/* --- typing on a machine that has no time ----------------------------------------------------- */

#define LOAD 6 /* busy processes */

static void make_load(pid_t pids[LOAD])
{
    for (int i = 0; i < LOAD; i++)
        if (!(pids[i] = fork()))
            for (prctl(PR_SET_PDEATHSIG, SIGKILL);;)
                continue;
}

static void end_load(const pid_t pids[LOAD])
{
    for (int i = 0; i < LOAD; i++) {
        kill(pids[i], SIGKILL);
        waitpid(pids[i], NULL, 0);
    }
}

static const char *typed_so_far(struct bench *b)
{
    return can(b, PLANE_HAS_DOM) ? find_node(look(b, OBSERVE_PAGE).page, "input")->value
                                 : look(b, 0).title;
}

static void assert_typed(struct bench *b, const char *text)
{
    const char *is = "";
    for (int64_t end = clock_mono_ms() + 20000; clock_mono_ms() < end && strcmp(is, text);)
        is = typed_so_far(b);
    assert_string_equal(is, text);
}

/* As a person types: one character at a time, and nothing is waited for in between. */
static void type_by_hand(struct bench *b, const char *text)
{
    for (const char *s = text, *copied; *s;) {
        size_t len = 1;
        while ((s[len] & 0xc0) == 0x80)
            len++;
        struct hand h = {.type = HAND_TEXT, .text = pool_strndup(b->pool, s, len)};
        struct err err = {0};
        if (plane_hand(b->plane, b->pool, &h, &copied, &err))
            fail_msg("%s: '%s': %s", kind, h.text, err.msg);
        s += len;
    }
}

/* What the keyboard lacks goes by keys that are given a meaning; a browser that reads the keyboard's map late
 * must not take them for something else. More characters than there are such keys. */
static void no_character_is_lost_on_a_busy_machine(void **state)
{
    static const char *const texts[] = {
        "Skerry é Åßøœ€—„x“…",
        "абвгдежзиклмнопрстуфхцчшщэюя",
        "日本語漢字仮名😀🚀zαω",
        "žluťoučký kůň ¿qué? Łódź",
    };
    struct bench *b = *state;
    pid_t load[LOAD];
    if (!strcmp(kind, "fake"))
        return; /* it has no keyboard */
    make_load(load);
    for (size_t i = 0; i < 2 * ARRAY_SIZE(texts); i++) { /* each by a person, then each by the run */
        const char *text = texts[i % ARRAY_SIZE(texts)];
        go(b, "/typed");
        click(b, 1);
        if (i < ARRAY_SIZE(texts))
            type_by_hand(b, text);
        else
            act(b, (struct action){.type = ACTION_TYPE_TEXT, .text = text});
        assert_typed(b, text);
    }
    end_load(load);
}

static void keys_and_wheel_scroll(void **state)
{
    struct bench *b = *state;
    int y = -1;
    go(b, "/b");
    struct observation top = look(b, OBSERVE_FRAME);
    act(b, (struct action){.type = ACTION_SCROLL, .x = -1, .y = -1, .dy = 3});
    struct observation moved = look(b, OBSERVE_FRAME);
    assert_memory_not_equal(top.frame.pixels, moved.frame.pixels, (size_t)top.frame.stride * 720);
    if (can(b, PLANE_HAS_DOM)) {
        assert_int_equal(plane_scroll_y(b->plane, &y, NULL), 0);
        assert_true(y > 0);
        act(b, (struct action){.type = ACTION_KEY_PRESS, .keys = "home"});
        assert_int_equal(plane_scroll_y(b->plane, &y, NULL), 0);
        assert_int_equal(y, 0);
    } else {
        assert_int_equal(plane_scroll_y(b->plane, &y, NULL), E_UNSUPPORTED);
    }
}

static void bad_actions_are_refused_before_any_input(void **state)
{
    struct bench *b = *state;
    struct settled s;
    static const struct action bad[] = {
        {.type = ACTION_KEY_PRESS, .keys = "ctrl+frobnicate"},
        {.type = ACTION_KEY_PRESS, .keys = ""},
        {.type = ACTION_TYPE_TEXT, .text = "\xff\xff"},
        {.type = ACTION_TYPE_TEXT},
        {.type = ACTION_DONE},
    };
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(plane_act(b->plane, b->pool, &bad[i], CAP_MS, &s, NULL), E_INVALID);
}

static void a_click_outside_the_screen_is_moved_inside(void **state)
{
    struct bench *b = *state;
    go(b, "/a");
    act(b, (struct action){.type = ACTION_CLICK, .x = 99999, .y = 99999});
    assert_at(b, "/a");
}

static void the_only_tab_stays(void **state)
{
    struct bench *b = *state;
    struct settled s;
    int want = can(b, PLANE_HAS_TABS) ? E_INVALID : E_UNSUPPORTED;
    assert_int_equal(plane_close_tab(b->plane, b->pool, CAP_MS, &s, NULL), want);
}

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void a_cancel_ends_a_wait(void **state)
{
    struct bench *b = *state;
    struct settled s;
    struct loop_timer timer = {0};
    loop_timer_set(b->loop, &timer, 300, interrupt, b->loop);
    assert_int_equal(
        plane_navigate(b->plane, b->pool, http_stub_url(b->site, "/half"), 60000, &s, NULL),
        E_CANCELLED);
    loop_interrupt_clear(b->loop);
    loop_timer_set(b->loop, &timer, 10, interrupt, b->loop);
    struct action wait = {.type = ACTION_WAIT, .seconds = 10};
    assert_int_equal(plane_act(b->plane, b->pool, &wait, CAP_MS, &s, NULL), E_CANCELLED);
    loop_interrupt_clear(b->loop);
}

/* A dead part is told by the call that finds out, and by every one after. */
static void assert_gone(struct bench *b)
{
    struct observation o;
    struct settled s;
    struct err err = {0};
    struct action press = {.type = ACTION_KEY_PRESS, .keys = "home"};
    assert_int_equal(plane_settle(b->plane, CAP_MS, &err), E_GONE);
    assert_true(*err.msg);
    assert_int_equal(plane_act(b->plane, b->pool, &press, CAP_MS, &s, NULL), E_GONE);
    assert_int_equal(plane_observe(b->plane, b->pool, OBSERVE_PNG, CAP_MS, &o, NULL), E_GONE);
    assert_int_equal(plane_navigate(b->plane, b->pool, "about:blank", CAP_MS, &s, NULL), E_GONE);
}

/* Killed, and all its threads ended. */
static void kill_and_wait(int pid)
{
    struct pollfd end = {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN};
    assert_true(end.fd >= 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(poll(&end, 1, 5000), 1);
    close(end.fd);
}

static void a_dead_browser_is_gone(void **state)
{
    struct bench *b = *state;
    int display, browser;
    plane_pids(b->plane, &display, &browser);
    if (!browser)
        skip();
    kill_and_wait(browser);
    assert_gone(b);
}

static void a_dead_display_is_gone(void **state)
{
    struct bench *b = *state;
    int display, browser;
    plane_pids(b->plane, &display, &browser);
    if (!display)
        skip();
    kill_and_wait(display);
    assert_gone(b);
}

static void the_end_leaves_no_process_and_no_lock(void **state)
{
    struct bench *b = *state;
    int display, browser;
    plane_pids(b->plane, &display, &browser);
    plane_destroy(b->plane, true);
    b->plane = NULL;
    if (display)
        assert_int_equal(kill(display, 0), -1);
    if (browser)
        assert_int_equal(kill(browser, 0), -1);
}

static void an_unknown_kind_is_unsupported(void **state)
{
    struct loop *loop;
    struct plane *plane;
    struct plane_config c = {0};
    assert_int_equal(loop_create(&loop, NULL), 0);
    assert_int_equal(plane_create("hologram", loop, &c, 1000, &plane, NULL), E_UNSUPPORTED);
    c.width = 10;
    c.height = 10;
    assert_int_equal(plane_create("fake", loop, &c, 1000, &plane, NULL), E_INVALID);
    loop_destroy(loop);
}

#define ON_A_PLANE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
#define ROW_ON_A_PLANE(row, test) {row, test, set_up, tear_down, NULL}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        ON_A_PLANE(a_new_plane_shows_a_blank_page),
        ON_A_PLANE(navigating_shows_the_page),
        ON_A_PLANE(a_site_that_cannot_be_reached_is_an_error_page),
        ON_A_PLANE(only_web_addresses_can_be_opened),
        ROW_ON_A_PLANE("agent-loop 4 a page that never finishes is capped", a_page_that_never_finishes_is_capped),
        ON_A_PLANE(a_click_follows_a_link_and_back_returns),
        ON_A_PLANE(back_at_the_beginning_changes_nothing),
        ROW_ON_A_PLANE("agent-loop 4 the next look shows a navigation that took long", the_next_look_shows_a_navigation_that_took_long),
        ROW_ON_A_PLANE("agent-loop 4 the next look shows an effect on a timer", the_next_look_shows_an_effect_on_a_timer),
        ROW_ON_A_PLANE("agent-loop 4 a page that moves for ever holds nothing up", a_page_that_moves_for_ever_holds_nothing_up),
        ROW_ON_A_PLANE("agent-loop 2.1 typed text is in the field", typed_text_is_in_the_field),
        ON_A_PLANE(copying_gives_what_is_selected_or_what_was_copied_last),
        ON_A_PLANE(no_character_is_lost_on_a_busy_machine),
        ROW_ON_A_PLANE("agent-loop 2 keys and the wheel scroll", keys_and_wheel_scroll),
        ROW_ON_A_PLANE("agent-loop 2 bad actions are refused before any input", bad_actions_are_refused_before_any_input),
        ROW_ON_A_PLANE("agent-loop 3 a click outside the screen is moved inside", a_click_outside_the_screen_is_moved_inside),
        ON_A_PLANE(the_only_tab_stays),
        ON_A_PLANE(a_cancel_ends_a_wait),
        ON_A_PLANE(a_dead_browser_is_gone),
        ON_A_PLANE(a_dead_display_is_gone),
        ON_A_PLANE(the_end_leaves_no_process_and_no_lock),
        cmocka_unit_test(an_unknown_kind_is_unsupported),
    };
    int failed = 0;
    if (argc > 2)
        cmocka_set_test_filter(argv[2]);
    for (const char *const *k = plane_kinds(); *k; k++) {
        if (argc > 1 && strcmp(argv[1], *k))
            continue;
        kind = *k;
        failed += cmocka_run_group_tests_name(kind, tests, NULL, NULL);
    }
    return failed ? 1 : 0;
}
