#include "plane/cdp/tabs.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/cdp/requests.h"
#include "plane/chromium.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_BYTES        8192
#define REQUESTED_FOR_US 1000000 /* a navigation asked for starts by then, or it was refused */

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = strndup(text, URL_BYTES);
    if (!*slot)
        BUG("out of memory");
}

/* --- frames ---------------------------------------------------------------------------------- */

static struct frame_info *find_frame(const struct session *s, const char *id)
{
    for (struct frame_info *f = s->frames; f; f = f->next)
        if (strcmp(f->id, id) == 0)
            return f;
    return NULL;
}

static struct frame_info *add_frame(struct session *s, const char *id, const char *parent)
{
    struct frame_info *f = find_frame(s, id), **end = &s->frames;
    if (f || s->n_frames >= CAP_PAGE_FRAMES || !*id)
        return f;
    f = calloc(1, sizeof(*f));
    if (!f)
        BUG("out of memory");
    cdp_set_id(f->id, id);
    if (find_frame(s, parent)) /* known before its child: so there can be no circle */
        cdp_set_id(f->parent, parent);
    while (*end)
        end = &(*end)->next;
    *end = f;
    s->n_frames++;
    return f;
}

static void remove_frame(struct tabs *t, struct session *s, const char *id)
{
    for (struct frame_info **p = &s->frames; *p; p = &(*p)->next) {
        struct frame_info *f = *p;
        if (strcmp(f->id, id) != 0)
            continue;
        *p = f->next;
        s->n_frames--;
        requests_drop_frame(t, f->id);
        free(f);
        return;
    }
}

static void remove_children(struct tabs *t, struct session *s, const char *id)
{
    for (struct frame_info *f = s->frames, *next; f; f = next) {
        next = f->next;
        if (strcmp(f->parent, id) != 0)
            continue;
        char child[CDP_ID_BYTES];
        cdp_set_id(child, f->id);
        remove_children(t, s, child);
        remove_frame(t, s, child);
        next = s->frames; /* the list changed: look again from the start */
    }
}

struct frame_info *tabs_main_frame(const struct session *tab)
{
    for (struct frame_info *f = tab->frames; f; f = f->next)
        if (!f->parent[0] || (tab->tab != tab && strcmp(f->id, tab->target) == 0))
            return f;
    return NULL;
}

static void commit_document(struct tabs *t, struct session *s, const json_t *frame, bool now)
{
    const char *id = json_str(frame, "id", "");
    struct frame_info *f = add_frame(s, id, json_str(frame, "parentId", ""));
    if (!f)
        return;
    cdp_set_id(f->loader, json_str(frame, "loaderId", ""));
    f->world = 0;
    f->requested_us = 0;
    if (now) {
        f->committed_us = clock_mono_us();
        remove_children(t, s, id);
        requests_drop_older(t, f);
    }
    if (s->tab != s || f != tabs_main_frame(s))
        return;
    set_text(&s->url, json_str(frame, "url", ""));
    s->crashed = false;
    s->http_status = strcmp(s->next_loader, f->loader) == 0 ? s->next_status : 0;
}

static void on_frame_navigated(struct tabs *t, struct session *s, const json_t *params)
{
    commit_document(t, s, json_object_get(params, "frame"), true);
}

static void on_frame_attached(struct tabs *t, struct session *s, const json_t *params)
{
    add_frame(s, json_str(params, "frameId", ""), json_str(params, "parentFrameId", ""));
}

static void on_frame_detached(struct tabs *t, struct session *s, const json_t *params)
{
    const char *id = json_str(params, "frameId", "");
    remove_children(t, s, id);
    remove_frame(t, s, id);
}

static void on_within_document(struct tabs *t, struct session *s, const json_t *params)
{
    struct frame_info *f = find_frame(s, json_str(params, "frameId", ""));
    if (f)
        f->requested_us = 0;
    if (f && s->tab == s && f == tabs_main_frame(s))
        set_text(&s->url, json_str(params, "url", ""));
}

static bool is_web(const char *url)
{
    static const char *const schemes[] = {"http:", "https:", "about:",      "data:",    "blob:",
                                          "file:", "chrome", "javascript:", "devtools:"};
    for (size_t i = 0; i < ARRAY_SIZE(schemes); i++)
        if (str_starts(url, schemes[i]))
            return true;
    return !*url;
}

static void on_started_navigating(struct tabs *t, struct session *s, const json_t *params)
{
    struct frame_info *f = find_frame(s, json_str(params, "frameId", ""));
    if (!f)
        return;
    f->requested_us = 0;
    const char *type = json_str(params, "navigationType", "");
    const char *url = json_str(params, "url", "");
    t->strange_links += !is_web(url) && !chromium_opens_elsewhere(url);
    if (f == tabs_main_frame(s) && s->tab == s && !strstr(type, "ameDocument"))
        t->navigations++;
}

static void on_started_loading(struct tabs *t, struct session *s, const json_t *params)
{
    struct frame_info *f = find_frame(s, json_str(params, "frameId", ""));
    if (!f)
        return;
    f->requested_us = 0;
    f->loading_us = clock_mono_us();
}

static void on_stopped_loading(struct tabs *t, struct session *s, const json_t *params)
{
    struct frame_info *f = find_frame(s, json_str(params, "frameId", ""));
    if (f)
        f->loading_us = f->requested_us = 0;
}

static void on_requested_navigation(struct tabs *t, struct session *s, const json_t *params)
{
    struct frame_info *f = find_frame(s, json_str(params, "frameId", ""));
    const char *where = json_str(params, "disposition", "");
    if (strcmp(where, "newTab") == 0 || strcmp(where, "newWindow") == 0)
        t->window_asked_us = clock_mono_us();
    else if (f && strcmp(where, "currentTab") == 0)
        f->requested_us = clock_mono_us();
}

static void on_window_open(struct tabs *t, struct session *s, const json_t *params)
{
    t->window_asked_us = clock_mono_us();
}

/* --- sessions -------------------------------------------------------------------------------- */

struct session *tabs_find_session(const struct tabs *t, const char *id)
{
    for (struct session *s = t->sessions; s; s = s->next)
        if (strcmp(s->id, id) == 0)
            return s;
    return NULL;
}

static struct session *find_target(const struct tabs *t, const char *target)
{
    for (struct session *s = t->sessions; s; s = s->next)
        if (strcmp(s->target, target) == 0)
            return s;
    return NULL;
}

struct tree_call {
    struct cdp_call call;
    struct tabs *tabs;
    char session[CDP_ID_BYTES];
};

static void add_tree(struct tabs *t, struct session *s, const json_t *tree, int depth)
{
    const json_t *frame = json_object_get(tree, "frame"), *child;
    size_t i;
    if (depth > CAP_PAGE_FRAMES)
        return;
    if (!find_frame(s, json_str(frame, "id", "")))
        commit_document(t, s, frame, false); /* else events were faster and know better */
    json_array_foreach (json_object_get(tree, "childFrames"), i, child) {
        add_tree(t, s, child, depth + 1);
    }
}

static void on_tree(void *arg, const json_t *result)
{
    struct tree_call *call = arg;
    struct session *s = tabs_find_session(call->tabs, call->session);
    if (s && result)
        add_tree(call->tabs, s, json_object_get(result, "frameTree"), 0);
    free(call);
}

static json_t *auto_attach_params(bool tabs_too)
{
    json_t *params = json_object(), *filter = json_array();
    json_push(filter, json_pack("{s:s}", "type", "iframe"));
    if (tabs_too)
        json_push(filter, json_pack("{s:s}", "type", "page"));
    json_put_bool(params, "autoAttach", true);
    json_put_bool(params, "waitForDebuggerOnStart", true); /* so that no request of it is missed */
    json_put_bool(params, "flatten", true);
    json_put(params, "filter", filter);
    return params;
}

static void set_up_session(struct tabs *t, struct session *s)
{
    struct tree_call *tree = calloc(1, sizeof(*tree));
    if (!tree)
        BUG("out of memory");
    tree->tabs = t;
    tree->call.on_done = on_tree;
    tree->call.arg = tree;
    cdp_set_id(tree->session, s->id);
    cdp_post(t->cdp, s->id, "Page.enable", NULL);
    /* Bodies are never asked for: let the renderer keep none. */
    cdp_post(t->cdp, s->id, "Network.enable",
             json_pack("{s:i,s:i}", "maxTotalBufferSize", 1024, "maxResourceBufferSize", 1024));
    cdp_post(t->cdp, s->id, "Target.setAutoAttach", auto_attach_params(false));
    asks_set_up(t, s, s->tab == s);
    cdp_start(t->cdp, s->id, "Page.getFrameTree", NULL, &tree->call);
    cdp_post(t->cdp, s->id, "Runtime.runIfWaitingForDebugger", NULL);
}

static void close_target(struct tabs *t, const char *target)
{
    cdp_post(t->cdp, NULL, "Target.closeTarget", json_pack("{s:s}", "targetId", target));
}

static void on_attached(struct tabs *t, struct session *by, const json_t *params)
{
    const json_t *info = json_object_get(params, "targetInfo");
    const char *target = json_str(info, "targetId", ""), *id = json_str(params, "sessionId", "");
    bool is_tab = strcmp(json_str(info, "type", ""), "page") == 0;
    if (is_tab)
        t->window_asked_us = 0;
    if (find_target(t, target) || (!is_tab && !by))
        return;
    if ((is_tab && t->n_tabs >= CAP_PLANE_TABS) || t->n_sessions >= CAP_CDP_SESSIONS) {
        cdp_post(t->cdp, id, "Runtime.runIfWaitingForDebugger", NULL);
        if (is_tab)
            close_target(t, target);
        return;
    }
    struct session *s = calloc(1, sizeof(*s)), **end = &t->sessions;
    if (!s)
        BUG("out of memory");
    cdp_set_id(s->id, id);
    cdp_set_id(s->target, target);
    s->parent = is_tab ? NULL : by;
    s->tab = is_tab ? s : by->tab;
    s->opened_us = clock_mono_us();
    set_text(&s->url, json_str(info, "url", ""));
    set_text(&s->title, json_str(info, "title", ""));
    while (*end)
        end = &(*end)->next;
    *end = s;
    t->n_sessions++;
    if (is_tab) {
        t->n_tabs++;
        t->opened++;
        t->front = s; /* until somebody asks which one really is */
    }
    set_up_session(t, s);
}

static void free_session(struct session *s)
{
    while (s->frames) {
        struct frame_info *f = s->frames;
        s->frames = f->next;
        free(f);
    }
    free(s->url);
    free(s->title);
    free(s);
}

static struct session *newest_tab(const struct tabs *t)
{
    struct session *found = NULL;
    for (struct session *s = t->sessions; s; s = s->next)
        if (s->tab == s)
            found = s;
    return found;
}

static void remove_session(struct tabs *t, struct session *gone)
{
    for (struct session *s = t->sessions, *next; s; s = next) {
        next = s->next;
        if (s->parent != gone)
            continue;
        remove_session(t, s);
        next = t->sessions;
    }
    for (struct session **p = &t->sessions; *p; p = &(*p)->next)
        if (*p == gone) {
            *p = gone->next;
            break;
        }
    t->n_sessions--;
    requests_drop_session(t, gone);
    if (gone->tab == gone) {
        t->n_tabs--;
        if (t->front == gone)
            t->front = newest_tab(t);
    }
    free_session(gone);
}

static void on_detached(struct tabs *t, struct session *by, const json_t *params)
{
    struct session *s = tabs_find_session(t, json_str(params, "sessionId", ""));
    if (s)
        remove_session(t, s);
}

static void on_target_changed(struct tabs *t, struct session *by, const json_t *params)
{
    const json_t *info = json_object_get(params, "targetInfo");
    struct session *s = find_target(t, json_str(info, "targetId", ""));
    if (s && s->tab == s)
        set_text(&s->title, json_str(info, "title", ""));
}

static void on_crashed(struct tabs *t, struct session *by, const json_t *params)
{
    struct session *s = find_target(t, json_str(params, "targetId", ""));
    if (!s)
        return;
    s->crashed = true;
    requests_drop_session(t, s);
    for (struct frame_info *f = s->frames; f; f = f->next)
        f->loading_us = f->requested_us = f->world = 0;
}

/* --- events ---------------------------------------------------------------------------------- */

typedef void event_fn(struct tabs *t, struct session *s, const json_t *params);

static const struct {
    const char *method;
    event_fn *fn;
    bool browser_wide; /* may come from the browser itself, where there is no session */
} events[] = {
    {"Network.requestWillBeSent", requests_on_sent, false},
    {"Network.responseReceived", requests_on_response, false},
    {"Network.loadingFinished", requests_on_over, false},
    {"Network.loadingFailed", requests_on_over, false},
    {"Page.frameNavigated", on_frame_navigated, false},
    {"Page.frameAttached", on_frame_attached, false},
    {"Page.frameDetached", on_frame_detached, false},
    {"Page.navigatedWithinDocument", on_within_document, false},
    {"Page.frameRequestedNavigation", on_requested_navigation, false},
    {"Page.frameStartedNavigating", on_started_navigating, false},
    {"Page.frameStartedLoading", on_started_loading, false},
    {"Page.frameStoppedLoading", on_stopped_loading, false},
    {"Page.windowOpen", on_window_open, false},
    {"Page.javascriptDialogOpening", asks_on_dialog, false},
    {"Page.fileChooserOpened", asks_on_chooser, false},
    {"Fetch.authRequired", asks_on_sign_in, false},
    {"Fetch.requestPaused", asks_on_paused, false},
    {"Browser.downloadWillBegin", asks_on_download, true},
    {"Browser.downloadProgress", asks_on_progress, true},
    {"Target.attachedToTarget", on_attached, true},
    {"Target.detachedFromTarget", on_detached, true},
    {"Target.targetInfoChanged", on_target_changed, true},
    {"Target.targetCrashed", on_crashed, true},
};

void tabs_on_event(void *arg, const char *session, const char *method, const json_t *params)
{
    struct tabs *t = arg;
    struct session *s = *session ? tabs_find_session(t, session) : NULL;
    for (size_t i = 0; i < ARRAY_SIZE(events); i++)
        if (strcmp(events[i].method, method) == 0) {
            if (s || (events[i].browser_wide && !*session))
                events[i].fn(t, s, params);
            return;
        }
}

/* --- public ---------------------------------------------------------------------------------- */

void tabs_init(struct tabs *t, struct loop *loop)
{
    *t = (struct tabs){.loop = loop};
}

void tabs_release(struct tabs *t)
{
    while (t->sessions)
        remove_session(t, t->sessions);
    asks_release(&t->asks);
}

static bool first_tab_known(void *arg)
{
    struct tabs *t = arg;
    return cdp_gone(t->cdp) || (t->front && tabs_main_frame(t->front));
}

int tabs_attach(struct tabs *t, int64_t deadline_mono_ms, struct err *err)
{
    cdp_post(t->cdp, NULL, "Target.setDiscoverTargets", json_pack("{s:b}", "discover", 1));
    cdp_post(t->cdp, NULL, "Target.setAutoAttach", auto_attach_params(true));
    int r = loop_wait(t->loop, first_tab_known, t, deadline_mono_ms);
    if (!r && cdp_gone(t->cdp))
        r = E_GONE;
    return r ? err_set(err, r, "the browser showed no tab") : 0;
}

int64_t tabs_begin(struct tabs *t)
{
    requests_begin(t);
    return clock_mono_us();
}

static bool frame_busy(const struct frame_info *f, int64_t since_us, int64_t now_us)
{
    return f->loading_us >= since_us ||
           (f->requested_us >= since_us && now_us - f->requested_us < REQUESTED_FOR_US);
}

void tabs_work(const struct tabs *t, int64_t since_us, struct tabs_work *out)
{
    int64_t now = clock_mono_us();
    *out = (struct tabs_work){0};
    for (const struct session *s = t->sessions; s; s = s->next)
        for (const struct frame_info *f = s->frames; f; f = f->next)
            out->loading += frame_busy(f, since_us, now);
    if (t->window_asked_us >= since_us && now - t->window_asked_us < REQUESTED_FOR_US)
        out->loading++;
    out->loading += asks_downloading(&t->asks, since_us);
    requests_work(t, since_us, out);
}
