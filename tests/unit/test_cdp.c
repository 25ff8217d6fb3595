/*
 * test_cdp.c - the DevTools side of the plane without a browser: a scripted peer on a socket pair,
 * and a recorded snapshot. tests/golden/cdp/snapshot.json is DOMSnapshot.captureSnapshot of
 * Chromium 156, 1280x633 viewport, page scrolled by 500, its address rewritten to site.test.
 */
#include "unit/test.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/cdp/pipe.h"
#include "plane/cdp/snapshot.h"
#include "plane/cdp/tabs.h"
#include "sys/file.h"
#include "unit/fixtures.h"

#define SOON (clock_mono_ms() + 5000)

/* --- the pipe -------------------------------------------------------------------------------- */

struct peer {
    struct loop *loop;
    struct cdp *cdp;
    int fd, our_fd; /* the browser's end, and ours */
    char last_event[64], last_session[64];
    int events;
};

static void note_event(void *arg, const char *session, const char *method, const json_t *params)
{
    struct peer *p = arg;
    snprintf(p->last_event, sizeof(p->last_event), "%s", method);
    snprintf(p->last_session, sizeof(p->last_session), "%s", session);
    p->events++;
}

static void connect_peer(struct peer *p, cdp_event_fn *fn, void *arg)
{
    int pair[2];
    struct err err = {0};
    assert_int_equal(loop_create(&p->loop, &err), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(cdp_open(p->loop, pair[0], fn, arg, &p->cdp, &err), 0);
    p->fd = pair[1];
    p->our_fd = pair[0];
}

static int set_up(void **state)
{
    struct peer *p = calloc(1, sizeof(*p));
    connect_peer(p, note_event, p);
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    struct peer *p = *state;
    cdp_close(p->cdp);
    close(p->our_fd);
    if (p->fd >= 0)
        close(p->fd);
    loop_destroy(p->loop);
    free(p);
    return 0;
}

/* Bytes of a message with its NUL. */
static void say(struct peer *p, const char *message)
{
    assert_int_equal(write(p->fd, message, strlen(message) + 1), (ssize_t)strlen(message) + 1);
}

static void hang_up(struct peer *p)
{
    close(p->fd);
    p->fd = -1;
}

static void answers_find_their_calls_in_any_order(void **state)
{
    struct peer *p = *state;
    struct cdp_call a = {0}, b = {0};
    struct err err = {0};
    json_t *result;
    cdp_start(p->cdp, "S1", "Page.a", NULL, &a);
    cdp_start(p->cdp, NULL, "Page.b", NULL, &b);
    char sent[256] = {0};
    assert_true(read(p->fd, sent, sizeof(sent) - 1) > 0);
    assert_string_equal(sent, "{\"id\":1,\"method\":\"Page.a\",\"sessionId\":\"S1\"}");
    assert_string_equal(sent + strlen(sent) + 1, "{\"id\":2,\"method\":\"Page.b\"}");
    say(p, "{\"id\":2,\"result\":{\"v\":22}}");
    say(p, "{\"method\":\"Page.loaded\",\"params\":{},\"sessionId\":\"S1\"}");
    say(p, "{\"id\":1,\"result\":{\"v\":11}}");
    assert_int_equal(cdp_finish(p->cdp, &a, SOON, &result, &err), 0);
    assert_int_equal(json_int(result, "v", 0), 11);
    json_decref(result);
    assert_int_equal(cdp_finish(p->cdp, &b, SOON, &result, &err), 0);
    assert_int_equal(json_int(result, "v", 0), 22);
    json_decref(result);
    assert_string_equal(p->last_event, "Page.loaded");
    assert_string_equal(p->last_session, "S1");
}

struct writer {
    int fd;
    const char *head, *tail;
    size_t filler, step; /* filler bytes between head and tail; written step bytes at a time */
};

static void write_out(int fd, const char *data, size_t len, size_t step)
{
    while (len) {
        ssize_t n = send(fd, data, len < step ? len : step, MSG_NOSIGNAL);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
}

static void *write_message(void *arg)
{
    struct writer *w = arg;
    static char many[1 << 16];
    memset(many, 'x', sizeof(many));
    write_out(w->fd, w->head, strlen(w->head), w->step);
    for (size_t left = w->filler; left;) {
        size_t n = left < sizeof(many) ? left : sizeof(many);
        write_out(w->fd, many, n, w->step);
        left -= n;
    }
    write_out(w->fd, w->tail, strlen(w->tail) + 1, w->step);
    return NULL;
}

static void a_message_in_single_bytes_is_put_together(void **state)
{
    struct peer *p = *state;
    struct cdp_call call = {0};
    struct err err = {0};
    json_t *result;
    pthread_t thread;
    struct writer w = {p->fd, "{\"id\":1,\"result\":{\"v\":\"", "\"}}", 3, 1};
    cdp_start(p->cdp, NULL, "a", NULL, &call);
    pthread_create(&thread, NULL, write_message, &w);
    int r = cdp_finish(p->cdp, &call, SOON, &result, &err);
    pthread_join(thread, NULL);
    assert_int_equal(r, 0);
    assert_string_equal(json_str(result, "v", ""), "xxx");
    json_decref(result);
}

/* The huge answer and a small one behind it. */
static void *write_two(void *arg)
{
    struct writer *w = arg;
    write_message(w);
    write_out(w->fd, "{\"id\":2,\"result\":{\"v\":7}}", sizeof("{\"id\":2,\"result\":{\"v\":7}}"),
              w->step);
    return NULL;
}

static void an_answer_over_the_cap_is_refused_and_the_next_is_read(void **state)
{
    struct peer *p = *state;
    struct cdp_call huge = {0}, next = {0};
    struct err err = {0};
    json_t *result = NULL;
    pthread_t thread;
    struct writer w = {p->fd, "{\"id\":1,\"result\":{\"v\":\"", "\"}}", CAP_CDP_MESSAGE_BYTES,
                       1 << 16};
    cdp_start(p->cdp, NULL, "a", NULL, &huge);
    cdp_start(p->cdp, NULL, "b", NULL, &next);
    pthread_create(&thread, NULL, write_two, &w);
    int first = cdp_finish(p->cdp, &huge, clock_mono_ms() + 30000, NULL, &err);
    int second = cdp_finish(p->cdp, &next, clock_mono_ms() + 30000, &result, &err);
    pthread_join(thread, NULL);
    assert_int_equal(first, E_TOOBIG);
    assert_int_equal(second, 0);
    assert_int_equal(json_int(result, "v", 0), 7);
    json_decref(result);
}

static void a_refusal_carries_the_browsers_words(void **state)
{
    struct peer *p = *state;
    struct err err = {0};
    say(p, "{\"id\":1,\"error\":{\"code\":-32000,\"message\":\"No frame for given id\"}}");
    assert_int_equal(cdp_call(p->cdp, NULL, "Page.x", NULL, SOON, NULL, &err), E_UPSTREAM);
    assert_string_equal(err.msg, "Page.x: browser: No frame for given id");
}

static void strings_a_page_may_hold_do_not_break_the_pipe(void **state)
{
    static const struct {
        const char *json, *text;
    } cases[] = {
        {"\\ud800 lone", "\xef\xbf\xbd lone"},
        {"low \\udc00\\ud800", "low \xef\xbf\xbd\xef\xbf\xbd"},
        {"\\ud83d\\ude00 and \\ud83dx", "\xf0\x9f\x98\x80 and \xef\xbf\xbdx"},
        {"back\\\\ud800", "back\\ud800"},
        {"cut\\u0000here", "cut"},
    };
    struct peer *p = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        json_t *result;
        char message[128];
        snprintf(message, sizeof(message), "{\"id\":%d,\"result\":{\"t\":\"%s\"}}", (int)i + 1,
                 cases[i].json);
        say(p, message);
        assert_int_equal(cdp_call(p->cdp, NULL, "x", NULL, SOON, &result, &err), 0);
        assert_string_equal(json_str(result, "t", ""), cases[i].text);
        json_decref(result);
    }
}

/* Looked at once: work that grows with the square of the length would take hours here. */
static void a_long_text_with_a_lone_surrogate_is_mended(void **state)
{
    enum { TIMES = 1 << 20 };
    static const char head[] = "{\"id\":1,\"result\":{\"t\":\"\\ud800", tail[] = "\"}}";
    struct peer *p = *state;
    struct cdp_call call = {0};
    struct err err = {0};
    json_t *result = NULL;
    pthread_t thread;
    char *message = malloc(sizeof(head) + 8u * TIMES + sizeof(tail)), *at = message;
    at = stpcpy(at, head);
    for (int i = 0; i < TIMES; i++)
        at = stpcpy(at, "\\u00e9\\n");
    stpcpy(at, tail);
    struct writer w = {p->fd, message, "", 0, 1 << 16};
    cdp_start(p->cdp, NULL, "a", NULL, &call);
    pthread_create(&thread, NULL, write_message, &w);
    int r = cdp_finish(p->cdp, &call, clock_mono_ms() + 30000, &result, &err);
    pthread_join(thread, NULL);
    free(message);
    assert_int_equal(r, 0);
    assert_int_equal(json_string_length(json_object_get(result, "t")), 3 * (TIMES + 1));
    json_decref(result);
}

#define FLOOD_EVENT_BYTES (64 << 10)
#define FLOOD_BYTES       (64 << 20)

struct flood {
    struct peer peer;
    int events;
    char *event;
};

/* As fast as it is read there is more, and the first event comes with a cancel. */
static void flood_on(void *arg, const char *session, const char *method, const json_t *params)
{
    struct flood *f = arg;
    loop_interrupt(f->peer.loop);
    if (++f->events < FLOOD_BYTES / FLOOD_EVENT_BYTES)
        write_out(f->peer.fd, f->event, FLOOD_EVENT_BYTES, FLOOD_EVENT_BYTES);
}

static void a_flood_of_events_does_not_hold_up_a_cancel(void **state)
{
    struct flood f = {.event = calloc(1, FLOOD_EVENT_BYTES)};
    struct err err = {0};
    connect_peer(&f.peer, flood_on, &f);
    memset(f.event, ' ', FLOOD_EVENT_BYTES - 1);
    memcpy(f.event, "{\"method\":\"Some.event\"}", strlen("{\"method\":\"Some.event\"}"));
    write_out(f.peer.fd, f.event, FLOOD_EVENT_BYTES, FLOOD_EVENT_BYTES);
    assert_int_equal(cdp_call(f.peer.cdp, NULL, "a", NULL, SOON, NULL, &err), E_CANCELLED);
    assert_in_range(f.events, 1, FLOOD_BYTES / FLOOD_EVENT_BYTES / 4);
    cdp_close(f.peer.cdp);
    close(f.peer.fd);
    close(f.peer.our_fd);
    loop_destroy(f.peer.loop);
    free(f.event);
}

static void garbage_ends_the_connection_and_every_call(void **state)
{
    struct peer *p = *state;
    struct cdp_call waiting = {0};
    struct err err = {0};
    cdp_start(p->cdp, NULL, "a", NULL, &waiting);
    say(p, "this is no JSON");
    assert_int_equal(cdp_finish(p->cdp, &waiting, SOON, NULL, &err), E_GONE);
    assert_true(cdp_gone(p->cdp));
    assert_int_equal(cdp_call(p->cdp, NULL, "b", NULL, SOON, NULL, &err), E_GONE);
}

static void a_peer_that_hangs_up_ends_a_wait(void **state)
{
    struct peer *p = *state;
    struct cdp_call waiting = {0};
    struct err err = {0};
    cdp_start(p->cdp, NULL, "a", NULL, &waiting);
    hang_up(p);
    assert_int_equal(cdp_finish(p->cdp, &waiting, SOON, NULL, &err), E_GONE);
}

static void a_late_answer_is_thrown_away(void **state)
{
    struct peer *p = *state;
    struct err err = {0};
    json_t *result;
    assert_int_equal(cdp_call(p->cdp, NULL, "slow", NULL, clock_mono_ms(), NULL, &err), E_TIMEOUT);
    say(p, "{\"id\":1,\"result\":{}}");
    say(p, "{\"id\":2,\"result\":{\"v\":5}}");
    assert_int_equal(cdp_call(p->cdp, NULL, "next", NULL, SOON, &result, &err), 0);
    assert_int_equal(json_int(result, "v", 0), 5);
    json_decref(result);
}

/* --- what the events tell --------------------------------------------------------------------- */

struct watch {
    struct peer peer;
    struct tabs tabs;
};

/* Requests are told apart by the microsecond they began in: let each have its own. */
static void tick(void)
{
    static int64_t now_us = 1000000000;
    now_us += 10;
    clock_fake(now_us, now_us);
}

static int64_t begin(struct watch *w)
{
    tick();
    return tabs_begin(&w->tabs);
}

static int set_up_tabs(void **state)
{
    struct watch *w = calloc(1, sizeof(*w));
    tabs_init(&w->tabs, NULL);
    connect_peer(&w->peer, tabs_on_event, &w->tabs);
    w->tabs.loop = w->peer.loop;
    w->tabs.cdp = w->peer.cdp;
    *state = w;
    return 0;
}

static int tear_down_tabs(void **state)
{
    struct watch *w = *state;
    clock_fake_off();
    cdp_close(w->peer.cdp);
    tabs_release(&w->tabs);
    close(w->peer.our_fd);
    close(w->peer.fd);
    loop_destroy(w->peer.loop);
    free(w);
    return 0;
}

static void tell(struct watch *w, const char *session, const char *method, const char *params_json)
{
    struct err err = {0};
    json_t *params;
    assert_int_equal(json_parse(params_json, strlen(params_json), "event", &params, &err), 0);
    tabs_on_event(&w->tabs, session, method, params);
    json_decref(params);
}

static void tell_tab(struct watch *w, const char *name)
{
    char text[300];
    snprintf(text, sizeof(text),
             "{\"sessionId\":\"S%s\",\"targetInfo\":{\"targetId\":\"T%s\",\"type\":\"page\","
             "\"url\":\"\"}}",
             name, name);
    tell(w, "", "Target.attachedToTarget", text);
    snprintf(text, sizeof(text),
             "{\"frame\":{\"id\":\"T%s\",\"loaderId\":\"L1\",\"url\":\"http://a.test/\"}}", name);
    char session[32];
    snprintf(session, sizeof(session), "S%s", name);
    tell(w, session, "Page.frameNavigated", text);
}

static void tell_request(struct watch *w, const char *id, const char *type, const char *url)
{
    tick();
    char text[400];
    snprintf(text, sizeof(text),
             "{\"requestId\":\"%s\",\"loaderId\":\"L1\",\"frameId\":\"T1\",\"type\":\"%s\","
             "\"request\":{\"url\":\"%s\"}}",
             id, type, url);
    tell(w, "S1", "Network.requestWillBeSent", text);
}

static int requests_since(struct watch *w, int64_t since)
{
    struct tabs_work work;
    tabs_work(&w->tabs, since, &work);
    return work.requests;
}

static void only_requests_that_an_action_may_have_caused_count(void **state)
{
    struct watch *w = *state;
    tell_tab(w, "1");
    tell_request(w, "before", "Fetch", "http://a.test/poll?t=1");
    int64_t since = begin(w);
    assert_int_equal(requests_since(w, since), 0);
    tell_request(w, "poll", "Fetch", "http://a.test/poll?t=2"); /* a long poll asks again */
    tell_request(w, "stream", "EventSource", "http://a.test/events");
    tell_request(w, "ping", "Ping", "http://a.test/ping");
    assert_int_equal(requests_since(w, since), 0);
    tell_request(w, "effect", "Fetch", "http://a.test/list?page=2");
    tell_request(w, "feed", "Fetch", "http://a.test/feed");
    assert_int_equal(requests_since(w, since), 2);
    tell(w, "S1", "Network.responseReceived",
         "{\"requestId\":\"feed\",\"type\":\"Fetch\",\"response\":{\"mimeType\":\"text/"
         "event-stream\"}}");
    tell(w, "S1", "Network.loadingFinished", "{\"requestId\":\"effect\"}");
    assert_int_equal(requests_since(w, since), 0);
}

static void requests_given_up_once_are_not_waited_for_again(void **state)
{
    struct watch *w = *state;
    tell_tab(w, "1");
    int64_t since = begin(w);
    tell_request(w, "1", "XHR", "http://a.test/forever?a");
    assert_int_equal(requests_since(w, since), 1);
    tabs_give_up(&w->tabs, since, clock_mono_us());
    assert_int_equal(requests_since(w, since), 0);
    tell(w, "S1", "Network.loadingFailed", "{\"requestId\":\"1\"}");
    since = begin(w);
    tell_request(w, "2", "XHR", "http://a.test/forever?b");
    assert_int_equal(requests_since(w, since), 0);
}

static void a_new_document_takes_its_predecessors_requests_and_frames_away(void **state)
{
    struct watch *w = *state;
    struct tabs_work work;
    tell_tab(w, "1");
    int64_t since = begin(w);
    tell(w, "S1", "Page.frameAttached", "{\"frameId\":\"F2\",\"parentFrameId\":\"T1\"}");
    tell(w, "S1", "Page.frameStartedLoading", "{\"frameId\":\"F2\"}");
    tell_request(w, "old", "Fetch", "http://a.test/x");
    tabs_work(&w->tabs, since, &work);
    assert_int_equal(work.loading, 1);
    assert_int_equal(work.requests, 1);
    tell(w, "S1", "Page.frameNavigated",
         "{\"frame\":{\"id\":\"T1\",\"loaderId\":\"L2\",\"url\":\"http://a.test/next\"}}");
    tabs_work(&w->tabs, since, &work);
    assert_int_equal(work.loading, 0);
    assert_int_equal(work.requests, 0);
    assert_string_equal(w->tabs.front->url, "http://a.test/next");
}

/* Everything we have sent so far, NULs as newlines. */
static const char *sent(struct watch *w, char *out, size_t size)
{
    ssize_t n = read(w->peer.fd, out, size - 1);
    for (ssize_t i = 0; i < n; i++)
        out[i] = out[i] ? out[i] : '\n';
    out[n > 0 ? n : 0] = 0;
    return out;
}

static void notices_are_accepted_and_questions_declined(void **state)
{
    static const struct {
        const char *type, *answer;
    } cases[] = {{"alert", "\"accept\":true"},
                 {"beforeunload", "\"accept\":true"},
                 {"confirm", "\"accept\":false"},
                 {"prompt", "\"accept\":false"}};
    struct watch *w = *state;
    char text[200], out[8192];
    tell_tab(w, "1");
    sent(w, out, sizeof(out));
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        snprintf(text, sizeof(text), "{\"type\":\"%s\",\"message\":\"words %zu\"}", cases[i].type,
                 i);
        tell(w, "S1", "Page.javascriptDialogOpening", text);
        assert_non_null(strstr(sent(w, out, sizeof(out)), cases[i].answer));
        assert_int_equal(w->tabs.asks.dialogs, (int)i + 1);
    }
    assert_string_equal(w->tabs.asks.dialog_text, "words 3");
}

static void the_pipe_never_says_what_pages_could_notice(void **state)
{
    struct watch *w = *state;
    char out[16384];
    tell_tab(w, "1");
    const char *text = sent(w, out, sizeof(out));
    assert_non_null(strstr(text, "Page.enable"));
    assert_non_null(strstr(text, "Runtime.runIfWaitingForDebugger"));
    assert_null(strstr(text, "Runtime.enable"));
}

static void tabs_over_the_cap_are_closed_and_the_one_before_is_in_front(void **state)
{
    struct watch *w = *state;
    char name[8], out[1 << 16];
    for (int i = 1; i <= CAP_PLANE_TABS; i++) {
        snprintf(name, sizeof(name), "%d", i);
        tell_tab(w, name);
    }
    sent(w, out, sizeof(out));
    tell_tab(w, "99");
    assert_int_equal(w->tabs.n_tabs, CAP_PLANE_TABS);
    assert_non_null(strstr(sent(w, out, sizeof(out)), "Target.closeTarget"));
    snprintf(out, sizeof(out), "{\"sessionId\":\"S%d\"}", CAP_PLANE_TABS);
    tell(w, "", "Target.detachedFromTarget", out);
    assert_int_equal(w->tabs.n_tabs, CAP_PLANE_TABS - 1);
    snprintf(name, sizeof(name), "S%d", CAP_PLANE_TABS - 1);
    assert_string_equal(w->tabs.front->id, name);
}

static void events_with_nothing_in_them_do_no_harm(void **state)
{
    static const char *const methods[] = {
        "Network.requestWillBeSent",    "Network.responseReceived",
        "Network.loadingFinished",      "Page.frameNavigated",
        "Page.frameAttached",           "Page.frameDetached",
        "Page.navigatedWithinDocument", "Page.frameRequestedNavigation",
        "Page.frameStartedNavigating",  "Page.frameStartedLoading",
        "Page.frameStoppedLoading",     "Page.windowOpen",
        "Page.javascriptDialogOpening", "Target.attachedToTarget",
        "Target.detachedFromTarget",    "Target.targetInfoChanged",
        "Target.targetCrashed",         "Some.other"};
    struct watch *w = *state;
    tell_tab(w, "1");
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        tell(w, "S1", methods[i], "{}");
        tell(w, "", methods[i], "{}");
        tell(w, "nobody", methods[i], "{\"frameId\":7,\"frame\":[],\"targetInfo\":\"x\"}");
    }
    assert_int_equal(w->tabs.n_tabs, 1);
}

/* --- snapshots -------------------------------------------------------------------------------- */

struct shot {
    struct pool *pool;
    struct page *page;
};

static json_t *recorded(struct pool *pool)
{
    json_t *snapshot;
    struct err err = {0};
    if (json_parse_file(source_path(pool, "tests/golden/cdp/snapshot.json"), &snapshot, &err))
        fail_msg("%s", err.msg);
    return json_keep(pool, snapshot);
}

static const struct snapshot_view view_1280 = {.viewport = {0, 87, 1280, 633},
                                               .scale = 1,
                                               .scroll_y = 500,
                                               .url = "http://site.test/rec.html",
                                               .title = " Recorded  page ",
                                               .http_status = 200};

static int set_up_shot(void **state)
{
    struct shot *s = calloc(1, sizeof(*s));
    struct err err = {0};
    s->pool = pool_create(NULL);
    struct snapshot_part part = {.snapshot = recorded(s->pool), .parent = -1, .focus = 2};
    assert_int_equal(snapshot_to_page(s->pool, &part, 1, &view_1280, &s->page, &err), 0);
    *state = s;
    return 0;
}

static int tear_down_shot(void **state)
{
    struct shot *s = *state;
    pool_destroy(s->pool);
    free(s);
    return 0;
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

static const char *words(struct shot *s, const char *id)
{
    return page_text(s->pool, s->page, (int)(find(s->page, id) - s->page->nodes), 1000);
}

static void nodes_form_one_tree_in_document_order(void **state)
{
    const struct page *p = ((struct shot *)*state)->page;
    assert_string_equal(p->title, "Recorded page");
    assert_int_equal(p->nodes[0].end, p->n_nodes);
    for (int i = 1; i < p->n_nodes; i++) {
        const struct node *n = &p->nodes[i], *up = &p->nodes[n->parent];
        assert_true(n->parent >= 0 && n->parent < i);
        assert_true(n->end > i && n->end <= up->end);
    }
}

static void boxes_are_screen_pixels(void **state)
{
    /* Document position minus scroll plus the browser's own 87 pixels. */
    static const struct {
        const char *id;
        int x, y;
    } cases[] = {
        {"pane", 400, 287},  /* absolute, in the page */
        {"framed", 70, 397}, /* in a frame with border 7 and padding 3, scrolled by 300 */
        {"insc", 400, 337},  /* in a pane scrolled by 250 */
        {"ok", 0, 687},      /* fixed */
    };
    struct shot *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct node *n = find(s->page, cases[i].id);
        if (n->box.y != cases[i].y || (cases[i].x && n->box.x != cases[i].x))
            fail_msg("%s is at %d,%d", cases[i].id, n->box.x, n->box.y);
        assert_true(n->flags & NODE_IN_VIEW);
    }
    assert_int_equal(find(s->page, "framed")->frame, 1);
}

static void what_is_not_shown_is_told_apart(void **state)
{
    static const struct {
        const char *id;
        unsigned want, without;
    } cases[] = {
        {"none", 0, NODE_VISIBLE},
        {"hid", 0, NODE_VISIBLE},
        {"faint", 0, NODE_VISIBLE},
        {"slide", 0, NODE_VISIBLE},                /* cut away by overflow: hidden */
        {"below", NODE_VISIBLE, NODE_IN_VIEW},     /* can be scrolled to inside its pane */
        {"under", NODE_IN_VIEW | NODE_COVERED, 0}, /* below the banner */
        {"ok", NODE_IN_VIEW, NODE_COVERED},
        {"pane", NODE_IN_VIEW, NODE_COVERED},
        {"wrap", NODE_VISIBLE | NODE_IN_VIEW, 0}, /* display: contents has no box of its own */
        {"fake", NODE_CLICKABLE, 0},              /* cursor: pointer */
        {"tick", NODE_CHECKED, 0},
        {"i1", NODE_FOCUSED | NODE_EDITABLE, 0},
        {"area", NODE_EDITABLE, NODE_FOCUSED},
    };
    struct shot *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        unsigned flags = find(s->page, cases[i].id)->flags;
        if ((flags & cases[i].want) != cases[i].want || (flags & cases[i].without))
            fail_msg("%s has flags %#x", cases[i].id, flags);
    }
}

static void words_values_and_slots_read_as_shown(void **state)
{
    struct shot *s = *state;
    assert_string_equal(words(s, "host"), "before light two mid light one");
    assert_string_equal(words(s, "price"), "Price: 12");
    assert_string_equal(find(s->page, "i1")->value, "typed");
    assert_string_equal(find(s->page, "area")->value, "long text");
    assert_string_equal(find(s->page, "pick")->value, "b");
}

static void secrets_are_left_out(void **state)
{
    struct shot *s = *state;
    assert_string_equal(find(s->page, "pw")->value, "");
    assert_string_equal(node_attr(find(s->page, "pw"), "value"), "");
    assert_string_equal(node_attr(find(s->page, "token"), "value"), "");
    for (int i = 0; i < s->page->n_nodes; i++) {
        assert_null(strstr(s->page->nodes[i].text, "scrollTo")); /* scripts */
        assert_null(node_attr(&s->page->nodes[i], "style"));
    }
}

static void structured_data_is_kept(void **state)
{
    struct shot *s = *state;
    for (int i = 0; i < s->page->n_nodes; i++)
        if (strcmp(s->page->nodes[i].text, "{\"@type\":\"Boat\"}") == 0) {
            assert_string_equal(s->page->nodes[s->page->nodes[i].parent].tag, "script");
            return;
        }
    fail_msg("no structured data");
}

/* The recorded page with a data script of `bytes` bytes. */
static const char *data_script_of(struct shot *s, size_t bytes)
{
    json_t *snapshot = recorded(s->pool), *strings = json_object_get(snapshot, "strings");
    struct snapshot_part part = {.snapshot = snapshot, .parent = -1, .focus = 2};
    struct err err = {0};
    char *text = pool_alloc(s->pool, bytes + 1);
    memset(text, 'x', bytes);
    memcpy(text, "{\"@type\":\"", strlen("{\"@type\":\""));
    memcpy(text + bytes - 2, "\"}", 2);
    for (size_t i = 0; i < json_array_size(strings); i++)
        if (strcmp(json_string_value(json_array_get(strings, i)), "{\"@type\":\"Boat\"}") == 0)
            json_array_set_new(strings, i, json_string(text));
    assert_int_equal(snapshot_to_page(s->pool, &part, 1, &view_1280, &s->page, &err), 0);
    assert_string_equal(words(s, "price"), "Price: 12");
    for (int i = 0; i < s->page->n_nodes; i++)
        if (strncmp(s->page->nodes[i].text, "{\"@type\"", 8) == 0)
            return s->page->nodes[i].text;
    return NULL;
}

static void structured_data_is_kept_whole_or_not_at_all(void **state)
{
    const char *text = data_script_of(*state, CAP_PAGE_DATA_BYTES);
    assert_non_null(text);
    assert_int_equal(strlen(text), CAP_PAGE_DATA_BYTES);
    assert_null(data_script_of(*state, CAP_PAGE_DATA_BYTES + 1));
}

/* A document of another process is shown in the frame that owns it, where its content box is. */
static void a_second_part_is_folded_in_below_its_owner(void **state)
{
    static const char outer[] = "{\"strings\":[\"#document\",\"HTML\",\"IFRAME\",\"visible\","
                                "\"static\",\"auto\",\"1\"],\"documents\":[{"
                                "\"nodes\":{\"parentIndex\":[-1,0,1],\"nodeType\":[9,1,1],"
                                "\"nodeName\":[0,1,2],\"nodeValue\":[-1,-1,-1],"
                                "\"backendNodeId\":[1,2,3],\"attributes\":[[],[],[]]},\"layout\":{"
                                "\"nodeIndex\":[0,1,2],\"styles\":[[],"
                                "[3,6,5,5,4,3,3,-1],[3,6,5,5,4,3,3,-1]],\"bounds\":[[0,0,1280,633],"
                                "[0,0,1280,633],[100,50,320,220]],"
                                "\"text\":[-1,-1,-1],\"paintOrders\":[0,1,1]}}]}";
    static const char inner[] =
        "{\"strings\":[\"#document\",\"HTML\",\"BUTTON\",\"visible\",\"static\",\"auto\",\"1\","
        "\"id\",\"far\"],\"documents\":[{"
        "\"nodes\":{\"parentIndex\":[-1,0,1],\"nodeType\":[9,1,1],\"nodeName\":[0,1,2],"
        "\"nodeValue\":[-1,-1,-1],"
        "\"backendNodeId\":[1,2,3],\"attributes\":[[],[],[7,8]]},\"layout\":{\"nodeIndex\":[0,1,2],"
        "\"styles\":[[],"
        "[3,6,5,5,4,3,3,-1],[3,6,5,5,4,3,3,-1]],\"bounds\":[[0,0,300,200],[0,0,300,900],[10,20,40,"
        "20]],"
        "\"text\":[-1,-1,-1],\"paintOrders\":[0,1,1]},\"scrollOffsetY\":5}]}";
    struct shot *s = *state;
    struct err err = {0};
    json_t *a, *b;
    struct page *page;
    struct snapshot_quad quad = {.node = 3, .x = 110, .y = 60, .w = 300, .h = 200};
    assert_int_equal(json_parse(outer, strlen(outer), "outer", &a, &err), 0);
    assert_int_equal(json_parse(inner, strlen(inner), "inner", &b, &err), 0);
    struct snapshot_part parts[] = {
        {.snapshot = json_keep(s->pool, a), .parent = -1, .quads = &quad, .n_quads = 1},
        {.snapshot = json_keep(s->pool, b), .parent = 0, .owner = 3}};
    assert_int_equal(snapshot_to_page(s->pool, parts, 2, &view_1280, &page, &err), 0);
    const struct node *far = find(page, "far");
    assert_int_equal(far->frame, 1);
    assert_int_equal(far->box.x, 120);
    assert_int_equal(far->box.y, 87 + 60 + 20 - 5);
    assert_string_equal(page->nodes[page->nodes[page->nodes[far->parent].parent].parent].tag,
                        "iframe");
    quad.w = 150; /* CSS made the frame half its size */
    quad.h = 100;
    assert_int_equal(snapshot_to_page(s->pool, parts, 2, &view_1280, &page, &err), 0);
    assert_int_equal(find(page, "far")->box.x, 115);
    assert_int_equal(find(page, "far")->box.w, 20);
}

static void broken_snapshots_are_refused_or_cut(void **state)
{
    static const char *const cases[] = {
        "{}",
        "{\"documents\":[]}",
        "{\"documents\":[7]}",
        "{\"documents\":[{\"nodes\":{\"parentIndex\":[5,7,1,1]}}],\"strings\":3}",
        "{\"strings\":[\"A\"],\"documents\":[{\"nodes\":{\"parentIndex\":[-1,0,1,9,2],\"nodeType\":"
        "[9,1,1,1,1],"
        "\"nodeName\":[0,0,99,-5,0],\"attributes\":[[0],[0,0,0],7]},\"layout\":{\"nodeIndex\":[0,1,"
        "99,-4,2],"
        "\"bounds\":[[1],[1,2,3,4],[],0],\"styles\":[[99,-1]]}}]}",
    };
    struct shot *s = *state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct err err = {0};
        json_t *json;
        struct page *page = NULL;
        assert_int_equal(json_parse(cases[i], strlen(cases[i]), "case", &json, &err), 0);
        struct snapshot_part part = {.snapshot = json_keep(s->pool, json), .parent = -1};
        int r = snapshot_to_page(s->pool, &part, 1, &view_1280, &page, &err);
        assert_true(r == E_UPSTREAM || (r == 0 && page->n_nodes <= 6));
    }
}

int main(void)
{
#define PIPE(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
#define TABS(f) cmocka_unit_test_setup_teardown(f, set_up_tabs, tear_down_tabs)
#define SHOT(f) cmocka_unit_test_setup_teardown(f, set_up_shot, tear_down_shot)
    const struct CMUnitTest tests[] = {
        PIPE(answers_find_their_calls_in_any_order),
        PIPE(a_message_in_single_bytes_is_put_together),
        PIPE(an_answer_over_the_cap_is_refused_and_the_next_is_read),
        PIPE(a_refusal_carries_the_browsers_words),
        PIPE(strings_a_page_may_hold_do_not_break_the_pipe),
        PIPE(a_long_text_with_a_lone_surrogate_is_mended),
        cmocka_unit_test(a_flood_of_events_does_not_hold_up_a_cancel),
        PIPE(garbage_ends_the_connection_and_every_call),
        PIPE(a_peer_that_hangs_up_ends_a_wait),
        PIPE(a_late_answer_is_thrown_away),
        TABS(only_requests_that_an_action_may_have_caused_count),
        TABS(requests_given_up_once_are_not_waited_for_again),
        TABS(a_new_document_takes_its_predecessors_requests_and_frames_away),
        TABS(notices_are_accepted_and_questions_declined),
        TABS(the_pipe_never_says_what_pages_could_notice),
        TABS(tabs_over_the_cap_are_closed_and_the_one_before_is_in_front),
        TABS(events_with_nothing_in_them_do_no_harm),
        SHOT(nodes_form_one_tree_in_document_order),
        SHOT(boxes_are_screen_pixels),
        SHOT(what_is_not_shown_is_told_apart),
        SHOT(words_values_and_slots_read_as_shown),
        SHOT(secrets_are_left_out),
        SHOT(structured_data_is_kept),
        SHOT(structured_data_is_kept_whole_or_not_at_all),
        SHOT(a_second_part_is_folded_in_below_its_owner),
        SHOT(broken_snapshots_are_refused_or_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
