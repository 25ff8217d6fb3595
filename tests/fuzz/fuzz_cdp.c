/*
 * What a page can put into a snapshot, and a browser into an event: turned into a page, or into
 * what the tabs know. The text is a snapshot; the same text is then told as the parameters of every
 * event.
 */
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/caps.h"
#include "plane/cdp/snapshot.h"
#include "plane/cdp/tabs.h"

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

static void take_events(const json_t *json)
{
    struct loop *loop;
    struct tabs tabs;
    int pair[2];
    if (loop_create(&loop, NULL) || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
        BUG("no loop");
    tabs_init(&tabs, loop);
    if (cdp_open(loop, pair[0], tabs_on_event, &tabs, &tabs.cdp, NULL))
        BUG("no pipe");
    tell(&tabs, json);
    cdp_close(tabs.cdp);
    tabs_release(&tabs);
    close(pair[0]);
    close(pair[1]);
    loop_destroy(loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct pool *pool = pool_create(NULL);
    json_error_t je;
    json_t *json = json_loadb((const char *)data, size, JSON_ALLOW_NUL, &je);
    if (json) {
        take_snapshot(pool, json);
        take_events(json);
    }
    json_decref(json);
    pool_destroy(pool);
    return 0;
}
