/*
 * What a page can put into a snapshot, and a browser into an event or onto its pipe: turned into a
 * page, or into what the tabs know. The bytes come off the pipe as they are; as JSON they are a
 * snapshot, and then the parameters of every event.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "plane/cdp/snapshot.h"
#include "plane/cdp/tabs.h"

#define SEND_BYTES (100u << 10) /* what a socket takes at once */
#define WAIT_MS    2000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_page(const struct page *page)
{
    for (int i = 0; i < page->n_nodes; i++) {
        const struct node *n = &page->nodes[i];
        if (n->parent >= i || n->end <= i || n->end > page->n_nodes)
            BUG("node %d has parent %d and end %d", i, n->parent, n->end);
        if (n->box.w < 0 || n->box.h < 0 || !n->tag || !n->text || !n->name || !n->value ||
            !n->href)
            BUG("node %d is not whole", i);
    }
    if (page->n_nodes > CAP_PAGE_NODES)
        BUG("%d nodes", page->n_nodes);
}

static void take_snapshot(struct pool *pool, const json_t *json)
{
    static const struct snapshot_view view = {
        .viewport = {0, 87, 1280, 633}, .scale = 1, .url = "http://a.test/", .title = "t"};
    struct snapshot_quad quad = {.node = 3, .x = 1, .y = 2, .w = 300, .h = 200};
    struct snapshot_part parts[] = {
        {.snapshot = json, .parent = -1, .focus = 2, .quads = &quad, .n_quads = 1},
        {.snapshot = json, .parent = 0, .owner = 4}};
    int64_t frames[CAP_PAGE_FRAMES];
    struct page *page;
    snapshot_iframes(json, frames, CAP_PAGE_FRAMES);
    if (snapshot_to_page(pool, parts, 2, &view, &page, NULL) == 0)
        check_page(page);
}

static void tell(struct tabs *tabs, const json_t *params)
{
    static const char *const methods[] = {
        "Target.attachedToTarget",      "Page.frameAttached",
        "Page.frameNavigated",          "Network.requestWillBeSent",
        "Network.responseReceived",     "Page.frameRequestedNavigation",
        "Page.frameStartedNavigating",  "Page.frameStartedLoading",
        "Page.navigatedWithinDocument", "Page.windowOpen",
        "Page.javascriptDialogOpening", "Target.targetInfoChanged",
        "Target.targetCrashed",         "Page.frameStoppedLoading",
        "Page.frameDetached",           "Network.loadingFinished",
        "Target.detachedFromTarget"};
    struct tabs_work work;
    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        tabs_on_event(tabs, "", methods[i], params);
        tabs_on_event(tabs, tabs->front ? tabs->front->id : "none", methods[i], params);
        tabs_work(tabs, 1, &work);
    }
}

struct browser {
    struct loop *loop;
    struct tabs tabs;
    int pair[2];
};

static void browser_start(struct browser *b)
{
    if (loop_create(&b->loop, NULL) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, b->pair))
        BUG("no loop");
    tabs_init(&b->tabs, b->loop);
    if (cdp_open(b->loop, b->pair[0], tabs_on_event, &b->tabs, &b->tabs.cdp, NULL))
        BUG("no pipe");
}

static void browser_end(struct browser *b)
{
    cdp_close(b->tabs.cdp);
    tabs_release(&b->tabs);
    close(b->pair[0]);
    if (b->pair[1] >= 0)
        close(b->pair[1]);
    loop_destroy(b->loop);
}

static void take_events(const json_t *json)
{
    struct browser b;
    browser_start(&b);
    tell(&b.tabs, json);
    browser_end(&b);
}

static bool is_gone(void *arg)
{
    const struct browser *b = arg;
    return cdp_gone(b->tabs.cdp);
}

/* The bytes as they come off the pipe: messages that end in NUL, whatever is in them. */
static void take_frames(const uint8_t *data, size_t size)
{
    struct browser b;
    if (size > SEND_BYTES)
        return;
    browser_start(&b);
    bool sent = !size || send(b.pair[1], data, size, MSG_NOSIGNAL) == (ssize_t)size;
    close(b.pair[1]);
    b.pair[1] = -1;
    if (loop_wait(b.loop, is_gone, &b, clock_mono_ms() + WAIT_MS) && sent)
        BUG("the end of the pipe was not noticed");
    browser_end(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    json_error_t je;
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, &je);
    take_frames(data, size);
    if (json) {
        take_snapshot(pool, json);
        take_events(json);
    }
    json_decref(json);
    pool_destroy(pool);
    return 0;
}
