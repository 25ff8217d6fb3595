/*
 * test_browser.c - browser_use_plane with a real Chromium: what sites can tell, where things are on
 * the screen, and what happens when pages or processes misbehave.
 */
#include "unit/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/plane.h"
#include "sys/file.h"
#include "tools/http_stub.h"

#define CAP_MS 8000

/* Any Chromium says 0 for a moment after a navigation into a new process. */
static const char tell_html[] =
    "<!doctype html><title>Tell me</title><body><p id=webdriver></p><p id=size></p><script>"
    "webdriver.textContent='webdriver '+navigator.webdriver;"
    "const t=setInterval(()=>{if(!outerWidth)return;clearInterval(t);"
    "size.textContent='window '+outerWidth+'x'+outerHeight},10)</script>";

/* The scripts answer to clicks only; a box in the wrong place leaves the text as it was. */
static const char places_html[] =
    "<!doctype "
    "html><title>Places</title><style>body{margin:0;height:2000px}iframe{position:absolute;"
    "left:300px;width:250px;height:150px}</style><body>"
    "<div id=host style='position:absolute;left:30px;top:500px'>slotted words</div>"
    "<iframe id=near src=/inner style='top:450px;border:7px solid;padding:5px'></iframe>"
    "<iframe id=far style='top:650px;border:3px solid'></iframe>"
    "<div style='position:absolute;left:700px;top:450px;width:200px;height:60px;overflow:auto' "
    "id=pane>"
    "<div style='height:300px'></div><button id=deep onclick=\"this.textContent='deep "
    "clicked'\">deep</button>"
    "<div style='height:300px'></div></div>"
    "<script>far.src='http://localhost:'+location.port+'/inner';"
    "host.attachShadow({mode:'open'}).innerHTML='<button id=shade>shade</button><slot></slot>';"
    "host.shadowRoot.querySelector('button').onclick=e=>{e.target.textContent='shade clicked'};"
    "pane.scrollTop=280;scrollTo(0,300)</script>";
static const char inner_html[] = "<!doctype html><body style='margin:0;height:900px'><button "
                                 "id=inside style='position:absolute;left:40px;"
                                 "top:440px' onclick=\"this.textContent='inside "
                                 "clicked'\">inside</button><script>scrollTo(0,400)</script>";

static const char form_html[] =
    "<!doctype html><title>Form</title><style>body{margin:0}#banner{position:fixed;inset:auto 0 0 "
    "0;"
    "height:200px;background:#eee}</style><body><input id=plain value=old placeholder=Name>"
    "<input id=secret type=password value=hunter2><input id=token type=hidden value=tok123>"
    "<input id=tick type=checkbox checked><select id=pick><option>one<option selected>two</select>"
    "<textarea id=area>long</textarea><a id=link href='sub/page?x=1'>Link</a>"
    "<p id=gone style='display:none'>none</p><p id=unseen style='visibility:hidden'>hid</p>"
    "<button id=under style='position:absolute;top:560px;left:20px'>under</button>"
    "<div id=banner><button id=ok>OK</button></div>"
    "<script type='application/ld+json'>{\"@type\":\"Car\"}</script><script>plain.focus()</script>";

static const char chain_html[] =
    "<!doctype html><title>Chain</title><body><button id=go>go</button><p "
    "id=out>nothing</p><script>"
    "go.onclick=()=>setTimeout(async()=>{await(await fetch('/data?delay=150')).text();"
    "const t=await(await fetch('/data?delay=150')).text();out.textContent='shown "
    "'+t},200)</script>";

static const char dialogs_html[] =
    "<!doctype html><title>Dialogs</title><body><button id=go onclick=\"for(let "
    "i=0;i<30;i++)alert('box '+i);"
    "out.textContent=confirm('sure?')?'yes':'no'\">go</button><p id=out>-</p>"
    "<script>onbeforeunload=e=>{e.preventDefault();return 'stay?'}</script>";

static const char tabs_html[] =
    "<!doctype html><title>Tab</title><body style='margin:0'>"
    "<a id=open href=/tabs target=_blank style='position:absolute;left:50px;top:50px'>open "
    "another</a>"
    "<button id=window style='position:absolute;left:300px;top:50px'"
    " onclick=\"open('/tell','_blank','width=400,height=300')\">window</button>"
    "<a id=call href='tel:+123' style='position:absolute;left:50px;top:150px'>call</a>"
    "<a id=strange href='strange:thing' style='position:absolute;left:250px;top:150px'>strange</a>"
    "<button id=after style='position:absolute;left:50px;top:250px'"
    " onclick=\"this.textContent='after clicked'\">after</button>";

static const char hangs_html[] =
    "<!doctype html><title>Hangs</title><body><p>words</p><img src=/never width=10 height=10>";

static const struct http_page pages[] = {
    {.path = "/tell", .body = tell_html},
    {.path = "/places", .body = places_html},
    {.path = "/inner", .body = inner_html},
    {.path = "/form", .body = form_html},
    {.path = "/chain", .body = chain_html},
    {.path = "/data", .body = "the answer", .type = "text/plain"},
    {.path = "/dialogs", .body = dialogs_html},
    {.path = "/tabs", .body = tabs_html},
    {.path = "/hangs", .body = hangs_html},
    {.path = "/never", .delay_ms = -1},
    {.path = "/missing", .body = "<title>Gone</title>gone", .status = 404},
    {0},
};

struct state {
    char dir[64];
    struct pool *pool;
    struct loop *loop;
    struct http_stub *site;
    struct plane *plane;
};

/* --- helpers --------------------------------------------------------------------------------- */

static void ok(int r, const struct err *err)
{
    if (r)
        fail_msg("%s (%s)", err->msg, err_name(r));
}

static struct plane_config config_of(struct state *t, const char *profile)
{
    return (struct plane_config){.profile_dir = pool_printf(t->pool, "%s/%s", t->dir, profile),
                                 .tmp_dir = t->dir,
                                 .download_dir = pool_printf(t->pool, "%s/downloads", t->dir)};
}

static int set_up(void **state)
{
    struct state *t = calloc(1, sizeof(*t));
    struct err err = {0};
    *state = t;
    strcpy(t->dir, "/tmp/test_browserXXXXXX");
    assert_non_null(mkdtemp(t->dir));
    assert_int_equal(chmod(t->dir, 0711), 0);
    t->pool = pool_create(NULL);
    t->site = http_stub_start(pages);
    ok(loop_create(&t->loop, &err), &err);
    struct plane_config config = config_of(t, "profile");
    /* What a browser leaves behind when it is killed, with a pid that is alive. */
    assert_int_equal(mkdir(config.profile_dir, 0700), 0);
    assert_int_equal(
        symlink("elsewhere-1", pool_printf(t->pool, "%s/SingletonLock", config.profile_dir)), 0);
    if (plane_create("browser_use_plane", t->loop, &config, 30000, &t->plane, &err))
        print_error("%s\n", err.msg); /* cmocka shows no reason of a failed set-up */
    return t->plane ? 0 : -1;
}

static int tear_down(void **state)
{
    struct state *t = *state;
    struct err err = {0};
    plane_destroy(t->plane, true);
    http_stub_stop(t->site);
    loop_destroy(t->loop);
    ok(file_remove_tree(t->dir, &err), &err);
    pool_destroy(t->pool);
    free(t);
    return 0;
}

static struct settled visit(struct state *t, const char *path, int cap_ms)
{
    struct settled s = {0};
    struct err err = {0};
    ok(plane_navigate(t->plane, t->pool, http_stub_url(t->site, path), cap_ms, &s, &err), &err);
    return s;
}

static struct observation look(struct state *t)
{
    struct observation o = {0};
    struct err err = {0};
    ok(plane_observe(t->plane, t->pool, OBSERVE_PAGE | OBSERVE_FRAME, 5000, &o, &err), &err);
    return o;
}

static const struct node *find(const struct page *page, const char *id)
{
    for (int i = 0; i < page->n_nodes; i++) {
        const char *have = node_attr(&page->nodes[i], "id");
        if (have && strcmp(have, id) == 0)
            return &page->nodes[i];
    }
    fail_msg("no element with id '%s'", id);
    return NULL;
}

static const char *text_of(struct state *t, const struct page *page, const char *id)
{
    return page_text(t->pool, page, (int)(find(page, id) - page->nodes), 1000);
}

static struct settled click_with(struct state *t, const char *id, enum button button)
{
    struct observation o = look(t);
    struct point p = node_point(o.page, find(o.page, id));
    struct action a = {.type = ACTION_CLICK, .x = p.x, .y = p.y, .button = button};
    struct settled s = {0};
    struct err err = {0};
    ok(plane_act(t->plane, t->pool, &a, CAP_MS, &s, &err), &err);
    return s;
}

static struct settled click(struct state *t, const char *id)
{
    return click_with(t, id, BUTTON_LEFT);
}

static void close_tabs(struct state *t)
{
    struct err err = {0};
    struct settled s;
    while (plane_tab_count(t->plane) > 1)
        ok(plane_close_tab(t->plane, t->pool, CAP_MS, &s, &err), &err);
}

/* --- what sites can tell --------------------------------------------------------------------- */

static void sites_cannot_tell_and_the_window_is_the_screen(void **state)
{
    struct state *t = *state;
    visit(t, "/tell", CAP_MS);
    struct observation o = look(t);
    int w, h;
    plane_size(t->plane, &w, &h);
    for (int64_t end = clock_mono_ms() + 10000;
         !*text_of(t, o.page, "size") && clock_mono_ms() < end;)
        o = look(t);
    assert_string_equal(o.title, "Tell me");
    assert_string_equal(o.url, http_stub_url(t->site, "/tell"));
    assert_string_equal(text_of(t, o.page, "webdriver"), "webdriver false");
    assert_string_equal(text_of(t, o.page, "size"), "window 1280x720");
    assert_int_equal(o.page->viewport.y + o.page->viewport.h, h);
    assert_int_equal(o.page->viewport.w, w);
    assert_true(o.page->viewport.y < 100); /* tab strip and address bar; a warning bar adds 40 */
    assert_int_equal(o.frame.width, w);
}

/* --- where things are ------------------------------------------------------------------------ */

static const struct node *inside_of(const struct page *page, const char *frame_id)
{
    const struct node *frame = find(page, frame_id);
    for (int i = (int)(frame - page->nodes); i < frame->end; i++) {
        const char *id = node_attr(&page->nodes[i], "id");
        if (id && strcmp(id, "inside") == 0)
            return &page->nodes[i];
    }
    fail_msg("frame '%s' shows no button", frame_id);
    return NULL;
}

static void click_inside(struct state *t, const char *frame_id)
{
    struct observation o = look(t);
    const struct node *button = inside_of(o.page, frame_id);
    assert_true(button->flags & NODE_IN_VIEW);
    struct point p = node_point(o.page, button);
    struct action a = {.type = ACTION_CLICK, .x = p.x, .y = p.y};
    struct settled s;
    struct err err = {0};
    ok(plane_act(t->plane, t->pool, &a, CAP_MS, &s, &err), &err);
    o = look(t);
    button = inside_of(o.page, frame_id);
    assert_string_equal(page_text(t->pool, o.page, (int)(button - o.page->nodes), 100),
                        "inside clicked");
}

static void elements_in_frames_shadow_roots_and_panes_are_where_the_page_says(void **state)
{
    struct state *t = *state;
    visit(t, "/places", CAP_MS);
    click_inside(t, "near");
    click_inside(t, "far"); /* another site: another process */
    click(t, "shade");
    click(t, "deep");
    struct observation o = look(t);
    assert_string_equal(text_of(t, o.page, "shade"), "shade clicked");
    assert_string_equal(text_of(t, o.page, "deep"), "deep clicked");
    assert_string_equal(text_of(t, o.page, "host"), "shade clicked slotted words");
    assert_int_equal(o.page->scroll_y, 300);
}

static void a_page_is_read_with_values_states_and_what_lies_on_top(void **state)
{
    struct state *t = *state;
    visit(t, "/form", CAP_MS);
    struct observation o = look(t);
    const struct page *p = o.page;
    assert_int_equal(p->http_status, 200);
    assert_string_equal(find(p, "plain")->value, "old");
    assert_true(find(p, "plain")->flags & NODE_FOCUSED);
    assert_true(find(p, "plain")->flags & NODE_EDITABLE);
    assert_string_equal(find(p, "secret")->value, "");
    assert_string_equal(node_attr(find(p, "secret"), "value"), "");
    assert_string_equal(node_attr(find(p, "token"), "value"), "");
    assert_true(find(p, "tick")->flags & NODE_CHECKED);
    assert_string_equal(find(p, "pick")->value, "two");
    assert_string_equal(find(p, "area")->value, "long");
    assert_string_equal(find(p, "link")->href, http_stub_url(t->site, "/sub/page?x=1"));
    assert_false(find(p, "gone")->flags & NODE_VISIBLE);
    assert_false(find(p, "unseen")->flags & NODE_VISIBLE);
    assert_true(find(p, "under")->flags & NODE_COVERED);
    assert_false(find(p, "ok")->flags & NODE_COVERED);
    assert_false(find(p, "plain")->flags & NODE_COVERED);
}

/* --- effects --------------------------------------------------------------------------------- */

static void a_timer_and_two_requests_in_a_row_are_all_waited_for(void **state)
{
    struct state *t = *state;
    visit(t, "/chain", CAP_MS);
    struct settled s = click(t, "go");
    struct observation o = look(t);
    assert_string_equal(text_of(t, o.page, "out"), "shown the answer");
    assert_false(s.capped);
    assert_false(s.navigated);
}

static void history_goes_back_and_says_when_there_is_nowhere_to_go(void **state)
{
    struct state *t = *state;
    struct err err = {0};
    struct settled s = {0};
    visit(t, "/tell", CAP_MS);
    assert_true(visit(t, "/form", CAP_MS).url_changed);
    ok(plane_back(t->plane, t->pool, CAP_MS, &s, &err), &err);
    assert_true(s.url_changed);
    assert_string_equal(look(t).title, "Tell me");
    for (int i = 0; i < 50 && s.url_changed; i++)
        ok(plane_back(t->plane, t->pool, CAP_MS, &s, &err), &err);
    assert_false(s.url_changed);
}

static void a_page_that_never_finishes_loading_is_capped_and_can_be_read(void **state)
{
    struct state *t = *state;
    struct settled s = visit(t, "/hangs", 700);
    assert_true(s.capped);
    assert_string_equal(look(t).title, "Hangs");
}

static void an_unreachable_site_shows_the_browsers_error_page(void **state)
{
    struct state *t = *state;
    struct settled s;
    struct err err = {0};
    ok(plane_navigate(t->plane, t->pool, "http://127.0.0.1:1/", CAP_MS, &s, &err), &err);
    assert_true(str_starts(look(t).url, "chrome-error://"));
    visit(t, "/missing", CAP_MS);
    assert_int_equal(look(t).page->http_status, 404);
}

static void fifty_dialogs_are_answered_and_counted(void **state)
{
    struct state *t = *state;
    visit(t, "/dialogs", CAP_MS);
    struct settled s = click(t, "go");
    assert_int_equal(s.dialogs, 31);
    assert_true(s.dialogs > CAP_PLANE_DIALOGS);
    assert_string_equal(s.dialog_text, "sure?");
    assert_string_equal(text_of(t, look(t).page, "out"), "no");
    visit(t, "/tell", CAP_MS); /* "leave this page?" does not hold it */
    assert_string_equal(look(t).title, "Tell me");
}

static void links_to_other_programs_leave_no_box_over_the_page(void **state)
{
    struct state *t = *state;
    static const char *const links[] = {"call", "strange"};
    for (size_t i = 0; i < ARRAY_SIZE(links); i++) {
        visit(t, "/tabs", CAP_MS);
        struct observation before = look(t);
        click(t, links[i]);
        struct observation after = look(t);
        assert_true(frame_difference(&before.frame, &after.frame) <
                    0.05); /* such a box greys the page */
        click(t, "after");
        assert_string_equal(text_of(t, look(t).page, "after"), "after clicked");
    }
}

/* --- tabs ------------------------------------------------------------------------------------ */

static void a_new_tab_is_in_front_and_closing_it_goes_back(void **state)
{
    struct state *t = *state;
    visit(t, "/tabs", CAP_MS);
    struct settled s = click(t, "open");
    assert_true(s.new_tab);
    assert_false(s.blank_tab);
    assert_int_equal(plane_tab_count(t->plane), 2);
    visit(t, "/form", CAP_MS);
    assert_string_equal(look(t).title, "Form");
    close_tabs(t);
    assert_string_equal(look(t).title, "Tab");
}

static void a_middle_click_opens_a_tab_behind(void **state)
{
    struct state *t = *state;
    visit(t, "/tabs", CAP_MS);
    struct settled s = click_with(t, "open", BUTTON_MIDDLE);
    assert_false(s.new_tab);
    assert_int_equal(plane_tab_count(t->plane), 2);
    click(t, "after");
    assert_string_equal(text_of(t, look(t).page, "after"), "after clicked");
    struct action next = {.type = ACTION_KEY_PRESS, .keys = "ctrl+tab"};
    struct err err = {0};
    ok(plane_act(t->plane, t->pool, &next, CAP_MS, &s, &err), &err);
    assert_string_equal(text_of(t, look(t).page, "after"), "after");
    close_tabs(t);
}

static void a_pop_up_window_fills_the_screen(void **state)
{
    struct state *t = *state;
    visit(t, "/tabs", CAP_MS);
    assert_true(click(t, "window").new_tab);
    struct observation o = look(t);
    assert_string_equal(o.title, "Tell me");
    assert_int_equal(o.page->viewport.w, 1280);
    assert_int_equal(o.page->viewport.y + o.page->viewport.h, 720);
    close_tabs(t);
    o = look(t);
    assert_string_equal(o.title, "Tab");
    click(t, "after");
    assert_string_equal(text_of(t, look(t).page, "after"), "after clicked");
}

static void tabs_over_the_cap_are_closed(void **state)
{
    struct state *t = *state;
    visit(t, "/tabs", CAP_MS);
    for (int i = 0; i < CAP_PLANE_TABS + 3; i++)
        click(t, "open");
    assert_int_equal(plane_tab_count(t->plane), CAP_PLANE_TABS);
    assert_string_equal(look(t).title, "Tab");
    close_tabs(t);
}

/* --- starts ---------------------------------------------------------------------------------- */

static void a_missing_browser_is_named(void **state)
{
    struct state *t = *state;
    struct plane *plane = NULL;
    struct err err = {0};
    struct plane_config config = config_of(t, "unused");
    config.browser = "no-such-browser";
    int r = plane_create("browser_use_plane", t->loop, &config, 10000, &plane, &err);
    assert_int_equal(r, E_NOT_FOUND);
    assert_non_null(strstr(err.msg, "'no-such-browser'"));
    assert_null(plane);
}

static void a_browser_without_a_sandbox_says_what_to_allow(void **state)
{
    static const char script[] =
        "#!/bin/sh\necho 'FATAL:zygote_host_impl_linux.cc No usable sandbox! "
        "Update your kernel' >&2\nexit 1\n";
    struct state *t = *state;
    struct plane *plane = NULL;
    struct err err = {0};
    struct plane_config config = config_of(t, "unused");
    config.browser = pool_printf(t->pool, "%s/browser", t->dir);
    ok(file_write_atomic(config.browser, script, strlen(script), 0755, &err), &err);
    int r = plane_create("browser_use_plane", t->loop, &config, 10000, &plane, &err);
    assert_int_equal(r, E_UNAVAILABLE);
    assert_non_null(strstr(err.msg, "chromium-sandbox"));
    assert_null(plane);
}

/* --- ends ------------------------------------------------------------------------------------ */

static void interrupt(void *arg)
{
    loop_interrupt(arg);
}

static void a_cancel_ends_a_wait_and_the_plane_goes_on(void **state)
{
    struct state *t = *state;
    struct loop_timer timer = {0};
    struct settled s;
    struct err err = {0};
    int64_t start = clock_mono_ms();
    loop_timer_set(t->loop, &timer, 200, interrupt, t->loop);
    int r = plane_navigate(t->plane, t->pool, http_stub_url(t->site, "/never"), 60000, &s, &err);
    assert_int_equal(r, E_CANCELLED);
    assert_true(clock_mono_ms() - start < 30000);
    loop_interrupt_clear(t->loop);
    visit(t, "/tell", CAP_MS);
    assert_string_equal(look(t).title, "Tell me");
}

static void kill_display(void *arg)
{
    int display, browser;
    plane_pids(arg, &display, &browser);
    assert_true(display > 0);
    kill(display, SIGKILL);
}

static void a_killed_display_ends_a_wait_at_once(void **state)
{
    struct state *t = *state;
    struct loop_timer timer = {0};
    struct plane *plane;
    struct settled s;
    struct err err = {0};
    struct plane_config config = config_of(t, "second");
    ok(plane_create("browser_use_plane", t->loop, &config, 30000, &plane, &err), &err);
    int64_t start = clock_mono_ms();
    loop_timer_set(t->loop, &timer, 200, kill_display, plane);
    int r = plane_navigate(plane, t->pool, http_stub_url(t->site, "/never"), 60000, &s, &err);
    plane_destroy(plane, true);
    assert_int_equal(r, E_GONE);
    assert_true(clock_mono_ms() - start < 30000);
}

static void kill_browser(void *arg)
{
    int display, browser;
    plane_pids(arg, &display, &browser);
    assert_true(browser > 0);
    kill(browser, SIGKILL);
}

/* Processes whose command line names the directory. */
static int processes_of(const char *dir)
{
    DIR *proc = opendir("/proc");
    int n = 0;
    for (struct dirent *e; (e = readdir(proc));) {
        char path[300], line[16384];
        snprintf(path, sizeof(path), "/proc/%s/cmdline", e->d_name);
        int fd = open(path, O_RDONLY);
        ssize_t len = fd < 0 ? -1 : read(fd, line, sizeof(line) - 1);
        if (fd >= 0)
            close(fd);
        if (len > 0 && memmem(line, (size_t)len, dir, strlen(dir)))
            n++;
    }
    closedir(proc);
    return n;
}

static bool none_left(void *dir)
{
    return processes_of(dir) == 0;
}

/* Nothing tells that a stranger's process has gone: turn the loop now and then. */
struct again {
    struct loop *loop;
    struct loop_timer timer;
};

static void look_again(void *arg)
{
    struct again *a = arg;
    loop_timer_set(a->loop, &a->timer, 20, look_again, a);
}

static void a_killed_browser_ends_a_wait_at_once_and_leaves_nothing(void **state)
{
    struct state *t = *state;
    struct loop_timer timer = {0};
    struct settled s;
    struct observation o;
    struct err err = {0};
    assert_true(processes_of(t->dir) > 0);
    int64_t start = clock_mono_ms();
    loop_timer_set(t->loop, &timer, 200, kill_browser, t->plane);
    int r = plane_navigate(t->plane, t->pool, http_stub_url(t->site, "/never"), 60000, &s, &err);
    assert_int_equal(r, E_GONE);
    assert_non_null(strstr(err.msg, "killed by signal 9"));
    assert_true(clock_mono_ms() - start < 30000);
    assert_int_equal(plane_observe(t->plane, t->pool, OBSERVE_PAGE, 1000, &o, &err), E_GONE);
    struct again again = {.loop = t->loop};
    look_again(&again);
    r = loop_wait(t->loop, none_left, t->dir, clock_mono_ms() + 10000);
    loop_timer_clear(&again.timer);
    assert_int_equal(r, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sites_cannot_tell_and_the_window_is_the_screen),
        row_test("agent-loop 3 elements in frames, shadow roots and panes are where the page says",
                 elements_in_frames_shadow_roots_and_panes_are_where_the_page_says),
        cmocka_unit_test(a_page_is_read_with_values_states_and_what_lies_on_top),
        row_test("agent-loop 4 a timer and two requests in a row are all waited for",
                 a_timer_and_two_requests_in_a_row_are_all_waited_for),
        cmocka_unit_test(history_goes_back_and_says_when_there_is_nowhere_to_go),
        row_test("agent-loop 4 a page that never finishes loading is capped and can be read",
                 a_page_that_never_finishes_loading_is_capped_and_can_be_read),
        cmocka_unit_test(an_unreachable_site_shows_the_browsers_error_page),
        cmocka_unit_test(fifty_dialogs_are_answered_and_counted),
        cmocka_unit_test(links_to_other_programs_leave_no_box_over_the_page),
        cmocka_unit_test(a_new_tab_is_in_front_and_closing_it_goes_back),
        cmocka_unit_test(a_middle_click_opens_a_tab_behind),
        cmocka_unit_test(a_pop_up_window_fills_the_screen),
        cmocka_unit_test(tabs_over_the_cap_are_closed),
        cmocka_unit_test(a_missing_browser_is_named),
        cmocka_unit_test(a_browser_without_a_sandbox_says_what_to_allow),
        cmocka_unit_test(a_cancel_ends_a_wait_and_the_plane_goes_on),
        cmocka_unit_test(a_killed_display_ends_a_wait_at_once),
        /* last: it ends the plane they share */
        cmocka_unit_test(a_killed_browser_ends_a_wait_at_once_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
