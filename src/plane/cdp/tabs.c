#include "plane/cdp/tabs.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "plane/chromium.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_BYTES 8192
#define REQUESTED_FOR_US                                                                           \
    1000000                 /* a navigation asked for starts within this, or it was refused        \
                             */
#define REPEATS_OF_A_POLL 6 /* the same address so often in one wait: a poll, not an effect */

/* --- small things ---------------------------------------------------------------------------- */

static void set_id(char out[CDP_ID_BYTES], const char *id)
{
    snprintf(out, CDP_ID_BYTES, "%s", id);
}

static void set_text(char **slot, const char *text)
{
    free(*slot);
    *slot = strndup(text, URL_BYTES);
    if (!*slot)
        BUG("out of memory");
}

static uint64_t place_of(const char *url)
{
    uint64_t h = 14695981039346656037u; /* FNV-1a */
    for (; *url && *url != '?' && *url != '#'; url++)
        h = (h ^ (unsigned char)*url) * 1099511628211u;
    return h;
}

static void place_add(struct place_list *list, uint64_t place)
{
    list->places[list->n++ % TABS_PLACES] = place;
}

static int place_count(const struct place_list *list, uint64_t place)
{
    int kept = list->n < TABS_PLACES ? list->n : TABS_PLACES, found = 0;
    for (int i = 0; i < kept; i++)
        found += list->places[i] == place;
    return found;
}

/* The browser's monotonic clock is ours; a time that cannot be is replaced by now. */
static int64_t event_us(const json_t *params)
{
    int64_t now = clock_mono_us(), then = (int64_t)(json_num(params, "timestamp", 0) * 1e6);
    return then > now - 60000000 && then <= now ? then : now;
}

/* --- requests -------------------------------------------------------------------------------- */

static void drop_requests(struct tabs *t, bool (*unwanted)(const struct request *, const void *),
                          const void *arg)
{
    for (struct request **p = &t->requests; *p;) {
        struct request *r = *p;
        if (!unwanted(r, arg)) {
            p = &r->next;
            continue;
        }
        *p = r->next;
        t->n_requests--;
        free(r);
    }
}

static bool is_request(const struct request *r, const void *arg)
{
    const struct request *key = arg;
    return r->session == key->session && strcmp(r->id, key->id) == 0;
}

static void drop_request(struct tabs *t, const struct session *s, const json_t *params)
{
    struct request key = {.session = s};
    set_id(key.id, json_str(params, "requestId", ""));
    drop_requests(t, is_request, &key);
}

static bool of_session(const struct request *r, const void *arg)
{
    return r->session == arg;
}

static bool of_frame(const struct request *r, const void *arg)
{
    return strcmp(r->frame, arg) == 0;
}

static bool of_older_document(const struct request *r, const void *arg)
{
    const struct frame_info *f = arg;
    return strcmp(r->frame, f->id) == 0 && strcmp(r->loader, f->loader) != 0;
}

/* Types of Network.ResourceType whose answer never comes, never shows, or is not the page's. */
static bool type_counts(const char *type)
{
    static const char *const never[] = {
        "EventSource", "WebSocket",          "Ping",  "Media",    "Preflight", "Prefetch",
        "Manifest",    "CSPViolationReport", "Other", "TextTrack"};
    for (size_t i = 0; i < ARRAY_SIZE(never); i++)
        if (strcmp(type, never[i]) == 0)
            return false;
    return true;
}

static void on_request(struct tabs *t, struct session *s, const json_t *params)
{
    const char *url = json_str(json_object_get(params, "request"), "url", "");
    drop_request(t, s, params); /* a redirect keeps its id */
    if (t->n_requests >= CAP_CDP_REQUESTS || str_starts(url, "data:") || str_starts(url, "blob:"))
        return;
    struct request *r = calloc(1, sizeof(*r));
    if (!r)
        BUG("out of memory");
    set_id(r->id, json_str(params, "requestId", ""));
    set_id(r->frame, json_str(params, "frameId", ""));
    set_id(r->loader, json_str(params, "loaderId", ""));
    r->session = s;
    r->start_us = event_us(params);
    r->place = place_of(url);
    place_add(&t->asked, r->place);
    const char *type = json_str(params, "type", "Other");
    r->counts = type_counts(type);
    if (strcmp(type, "Document") != 0)
        r->counts = r->counts && !place_count(&t->given_up, r->place) &&
                    !place_count(&t->pending, r->place) &&
                    place_count(&t->asked, r->place) < REPEATS_OF_A_POLL;
    r->next = t->requests;
    t->requests = r;
    t->n_requests++;
}

static void on_response(struct tabs *t, struct session *s, const json_t *params)
{
    const json_t *response = json_object_get(params, "response");
    const char *mime = json_str(response, "mimeType", "");
    struct frame_info *main = tabs_main_frame(s);
    if (str_eq_fold(mime, "text/event-stream") || str_starts(mime, "multipart/x-mixed-replace"))
        drop_request(t, s, params);
    if (s->tab != s || !main || strcmp(json_str(params, "type", ""), "Document") != 0 ||
        strcmp(json_str(params, "frameId", ""), main->id) != 0)
        return;
    s->next_status = (int)json_int(response, "status", 0);
    set_id(s->next_loader, json_str(params, "loaderId", ""));
}

static void on_request_over(struct tabs *t, struct session *s, const json_t *params)
{
    drop_request(t, s, params);
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
    set_id(f->id, id);
    if (find_frame(s, parent)) /* known before its child: so there can be no circle */
        set_id(f->parent, parent);
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
        drop_requests(t, of_frame, f->id);
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
        set_id(child, f->id);
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
    set_id(f->loader, json_str(frame, "loaderId", ""));
    f->world = 0;
    f->requested_us = 0;
    if (now) {
        f->committed_us = clock_mono_us();
        remove_children(t, s, id);
        drop_requests(t, of_older_document, f);
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

/* --- dialogs --------------------------------------------------------------------------------- */

/* "Leave page?" and plain notices are accepted, questions are declined: nothing is confirmed that
 * nobody asked for. */
static void on_dialog(struct tabs *t, struct session *s, const json_t *params)
{
    const char *type = json_str(params, "type", "");
    json_t *answer = json_object();
    json_put_bool(answer, "accept",
                  strcmp(type, "alert") == 0 || strcmp(type, "beforeunload") == 0);
    cdp_post(t->cdp, s->id, "Page.handleJavaScriptDialog", answer);
    t->dialogs++;
    snprintf(t->dialog_text, sizeof(t->dialog_text), "%s", json_str(params, "message", ""));
    size_t end = strlen(t->dialog_text);
    while (end && !str_is_utf8(t->dialog_text, end))
        t->dialog_text[--end] = 0; /* cut inside a character */
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
    set_id(tree->session, s->id);
    cdp_post(t->cdp, s->id, "Page.enable", NULL);
    /* Bodies are never asked for: let the renderer keep none. */
    cdp_post(t->cdp, s->id, "Network.enable",
             json_pack("{s:i,s:i}", "maxTotalBufferSize", 1024, "maxResourceBufferSize", 1024));
    cdp_post(t->cdp, s->id, "Target.setAutoAttach", auto_attach_params(false));
    if (s->tab == s)
        cdp_post(t->cdp, s->id, "Page.setInterceptFileChooserDialog",
                 json_pack("{s:b,s:b}", "enabled", 1, "cancel", 1));
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
    set_id(s->id, id);
    set_id(s->target, target);
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
    drop_requests(t, of_session, gone);
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
    drop_requests(t, of_session, s);
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
    {"Network.requestWillBeSent", on_request, false},
    {"Network.responseReceived", on_response, false},
    {"Network.loadingFinished", on_request_over, false},
    {"Network.loadingFailed", on_request_over, false},
    {"Page.frameNavigated", on_frame_navigated, false},
    {"Page.frameAttached", on_frame_attached, false},
    {"Page.frameDetached", on_frame_detached, false},
    {"Page.navigatedWithinDocument", on_within_document, false},
    {"Page.frameRequestedNavigation", on_requested_navigation, false},
    {"Page.frameStartedNavigating", on_started_navigating, false},
    {"Page.frameStartedLoading", on_started_loading, false},
    {"Page.frameStoppedLoading", on_stopped_loading, false},
    {"Page.windowOpen", on_window_open, false},
    {"Page.javascriptDialogOpening", on_dialog, false},
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
    t->pending.n = t->asked.n = 0;
    for (struct request *r = t->requests; r; r = r->next)
        place_add(&t->pending, r->place);
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
    for (const struct request *r = t->requests; r; r = r->next) {
        if (!r->counts || r->start_us < since_us)
            continue;
        out->requests++;
        if (!out->oldest_us || r->start_us < out->oldest_us)
            out->oldest_us = r->start_us;
    }
}

void tabs_give_up(struct tabs *t, int64_t since_us, int64_t until_us)
{
    for (struct request *r = t->requests; r; r = r->next) {
        if (!r->counts || r->start_us < since_us || r->start_us > until_us)
            continue;
        r->counts = false;
        place_add(&t->given_up, r->place);
    }
}
