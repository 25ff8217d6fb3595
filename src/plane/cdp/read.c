#include "plane/cdp/read.h"
#include "base/caps.h"
#include "base/str.h"
#include "plane/cdp/script.h"
#include "plane/cdp/snapshot.h"

#include <stdio.h>
#include <string.h>

#define FOCUS_DEPTH 4 /* frames in frames, or closed shadow roots in each other, that the focus is
                         followed through */

static const char view_script[] = "[innerWidth,innerHeight,devicePixelRatio,scrollX,scrollY,"
                                  "location.href,document.title]";

static const char focus_script[] =
    "(()=>{let a=document.activeElement;while(a&&a.shadowRoot&&a.shadowRoot.activeElement)"
    "a=a.shadowRoot.activeElement;return a===document.body?null:a})()";
/* The same within a shadow root that its host does not show. */
static const char inner_focus_script[] =
    "function(){let a=this.activeElement;while(a&&a.shadowRoot&&a.shadowRoot.activeElement)"
    "a=a.shadowRoot.activeElement;return a}";

static int front_frame(struct tabs *t, struct session **ret_s, struct frame_info **ret_f,
                       struct err *err)
{
    *ret_s = t->front;
    *ret_f = t->front ? tabs_main_frame(t->front) : NULL;
    if (cdp_gone(t->cdp))
        return err_set(err, E_GONE, "the browser has ended");
    if (!*ret_f)
        return err_set(err, E_UPSTREAM, "the browser shows no page");
    return (*ret_s)->crashed ? err_set(err, E_UPSTREAM, "the page has crashed") : 0;
}

static double number_at(const json_t *array, size_t i)
{
    return json_number_value(json_array_get(array, i));
}

static const char *text_at(struct pool *pool, const json_t *array, size_t i)
{
    const char *s = json_string_value(json_array_get(array, i));
    return pool_strdup(pool, s ? s : "");
}

int read_view(struct tabs *t, struct pool *pool, int64_t deadline_mono_ms, struct read_view *out,
              struct err *err)
{
    struct session *s;
    struct frame_info *f;
    json_t *v = NULL;
    int r = front_frame(t, &s, &f, err);
    if (!r)
        r = script_eval(t, s, f, view_script, true, deadline_mono_ms, &v, err);
    if (r)
        return r;
    double scale = number_at(v, 2);
    *out = (struct read_view){.url = text_at(pool, v, 5),
                              .title = str_squash(pool, text_at(pool, v, 6)),
                              .inner_w = number_at(v, 0),
                              .inner_h = number_at(v, 1),
                              .scale = scale > 0 ? scale : 1,
                              .scroll_x = (int)number_at(v, 3),
                              .scroll_y = (int)number_at(v, 4)};
    json_decref(v);
    return 0;
}

/* --- which element has the focus ------------------------------------------------------------- */

static struct session *session_of_frame(const struct tabs *t, const char *frame,
                                        struct frame_info **ret_f)
{
    for (struct session *s = t->sessions; s; s = s->next)
        for (struct frame_info *f = s->frames; f; f = f->next)
            if (strcmp(f->id, frame) == 0) {
                *ret_f = f;
                return s;
            }
    return NULL;
}

/* What the protocol says about a remote object's node; NULL when it says nothing. New reference. */
static json_t *describe(struct tabs *t, const char *session, const json_t *object, int64_t deadline)
{
    struct err ignored = {0};
    json_t *described = NULL, *node = NULL;
    const char *id = json_str(object, "objectId", NULL);
    if (id && !cdp_call(t->cdp, session, "DOM.describeNode", json_pack("{s:s}", "objectId", id),
                        deadline, &described, &ignored))
        node = json_incref(json_object_get(described, "node"));
    json_decref(described);
    return node;
}

static int64_t closed_root(const json_t *node)
{
    size_t i;
    json_t *root;
    json_array_foreach (json_object_get(node, "shadowRoots"), i, root)
        if (strcmp(json_str(root, "shadowRootType", ""), "closed") == 0)
            return json_int(root, "backendNodeId", 0);
    return 0;
}

static json_t *call_on(struct tabs *t, const char *session, const json_t *object, int64_t deadline)
{
    struct err ignored = {0};
    json_t *params = json_object(), *answer = NULL, *found = NULL;
    json_put_str(params, "objectId", json_str(object, "objectId", ""));
    json_put_str(params, "functionDeclaration", inner_focus_script);
    json_put_str(params, "objectGroup", "util");
    if (!cdp_call(t->cdp, session, "Runtime.callFunctionOn", params, deadline, &answer, &ignored))
        found = json_incref(json_object_get(answer, "result"));
    json_decref(answer);
    return found;
}

/* The focused node inside a closed shadow root, in our world; NULL when it has none. */
static json_t *focus_in_root(struct tabs *t, const char *session, int64_t root, int world,
                             int64_t deadline)
{
    struct err ignored = {0};
    json_t *answer = NULL, *found = NULL, *node = NULL, *params = json_object();
    json_put_int(params, "backendNodeId", root);
    json_put_int(params, "executionContextId", world);
    json_put_str(params, "objectGroup", "util");
    if (!cdp_call(t->cdp, session, "DOM.resolveNode", params, deadline, &answer, &ignored))
        found = call_on(t, session, json_object_get(answer, "object"), deadline);
    node = describe(t, session, found, deadline);
    json_decref(found);
    json_decref(answer);
    return node;
}

/* One level: the focused element of a frame as the protocol describes it; NULL when none. */
static json_t *focused_node(struct tabs *t, struct session *s, struct frame_info *f,
                            int64_t deadline)
{
    struct err ignored = {0};
    json_t *object = NULL;
    char session[CDP_ID_BYTES];
    int64_t root;
    struct frame_ref ref;
    snprintf(session, sizeof(session), "%s", s->id);
    memcpy(ref.session, s->id, CDP_ID_BYTES);
    memcpy(ref.frame, f->id, CDP_ID_BYTES);
    if (script_eval(t, s, f, focus_script, false, deadline, &object, &ignored))
        return NULL;
    json_t *node = describe(t, session, object, deadline);
    for (int depth = 0; node && depth < FOCUS_DEPTH && (root = closed_root(node)); depth++) {
        struct frame_info *now = script_find(t, &ref, &s);
        json_t *inner =
            now && now->world ? focus_in_root(t, session, root, now->world, deadline) : NULL;
        if (!inner)
            break;
        json_decref(node);
        node = inner;
    }
    if (node)
        cdp_post(t->cdp, session, "Runtime.releaseObjectGroup",
                 json_pack("{s:s}", "objectGroup", "util"));
    json_decref(object);
    return node;
}

struct focus {
    char session[CDP_ID_BYTES];
    int64_t node; /* backend node id, 0 none */
};

static void find_focus(struct tabs *t, int64_t deadline, struct focus *out)
{
    struct session *s = t->front;
    struct frame_info *f = s ? tabs_main_frame(s) : NULL;
    *out = (struct focus){.node = 0};
    for (int depth = 0; s && f && depth < FOCUS_DEPTH; depth++) {
        snprintf(out->session, sizeof(out->session), "%s", s->id);
        json_t *node = focused_node(t, s, f, deadline);
        if (!node)
            return;
        out->node = json_int(node, "backendNodeId", 0);
        char frame[CDP_ID_BYTES];
        snprintf(frame, sizeof(frame), "%s", json_str(node, "frameId", ""));
        bool is_frame = str_ends(json_str(node, "nodeName", ""), "FRAME");
        json_decref(node);
        if (!is_frame)
            return;
        s = session_of_frame(t, frame, &f);
    }
}

/* --- snapshots of every process -------------------------------------------------------------- */

struct part {
    char session[CDP_ID_BYTES];
    int parent;
    struct cdp_call call, owner_call;
    json_t *snapshot;
    int64_t owner;
    int64_t frames[CAP_PAGE_FRAMES];
    struct cdp_call frame_calls[CAP_PAGE_FRAMES];
    struct snapshot_quad quads[CAP_PAGE_FRAMES];
    int n_frames, n_quads;
};

struct reading {
    struct tabs *t;
    struct part *parts;
    int n;
    int64_t deadline;
    int final; /* E_GONE or E_CANCELLED once one came */
};

/* Take an answer; a refusal is NULL, and the end of everything is noted. */
static json_t *take(struct reading *g, struct cdp_call *call, int *ret_code)
{
    struct err ignored = {0};
    json_t *result = NULL;
    if (!call->id)
        return NULL;
    if (g->final) {
        cdp_drop(g->t->cdp, call);
        return NULL;
    }
    int r = cdp_finish(g->t->cdp, call, g->deadline, &result, &ignored);
    if (r == E_GONE || r == E_CANCELLED)
        g->final = r;
    if (ret_code)
        *ret_code = r;
    return result;
}

static int part_of(const struct reading *g, const struct session *s)
{
    for (int k = 0; s && k < g->n; k++)
        if (strcmp(g->parts[k].session, s->id) == 0)
            return k;
    return -1;
}

static void ask_snapshots(struct reading *g)
{
    struct session *tab = g->t->front;
    for (struct session *s = g->t->sessions; s && g->n < CAP_PAGE_FRAMES; s = s->next) {
        if (s->tab != tab || s->crashed || (s != tab && part_of(g, s->parent) < 0))
            continue;
        struct part *p = &g->parts[g->n];
        snprintf(p->session, sizeof(p->session), "%s", s->id);
        p->parent = part_of(g, s->parent);
        g->n++;
        cdp_start(g->t->cdp, s->id, "DOMSnapshot.captureSnapshot", snapshot_params(), &p->call);
        if (s != tab)
            cdp_start(g->t->cdp, s->parent->id, "DOM.getFrameOwner",
                      json_pack("{s:s}", "frameId", s->target), &p->owner_call);
    }
}

static int take_snapshots(struct reading *g, struct err *err)
{
    int first = 0;
    if (!g->n) /* the tab was closed meanwhile */
        return err_set(err, E_UPSTREAM, "the browser shows no page");
    for (int k = 0; k < g->n; k++) {
        struct part *p = &g->parts[k];
        p->snapshot = take(g, &p->call, k ? NULL : &first);
        json_t *owner = take(g, &p->owner_call, NULL);
        p->owner = json_int(owner, "backendNodeId", 0);
        json_decref(owner);
    }
    if (g->final)
        return err_set(err, g->final, "the page was not read to the end");
    if (first == E_TIMEOUT)
        return err_set(err, first, "the page did not answer in time");
    return first ? err_set(err, first, "the page cannot be read") : 0;
}

static void ask_quads(struct reading *g)
{
    for (int k = 0; k < g->n; k++) {
        struct part *p = &g->parts[k];
        p->n_frames = snapshot_iframes(p->snapshot, p->frames, CAP_PAGE_FRAMES);
        for (int i = 0; i < p->n_frames; i++)
            cdp_start(g->t->cdp, p->session, "DOM.getBoxModel",
                      json_pack("{s:I}", "backendNodeId", (json_int_t)p->frames[i]),
                      &p->frame_calls[i]);
    }
}

static void take_quads(struct reading *g)
{
    for (int k = 0; k < g->n; k++) {
        struct part *p = &g->parts[k];
        for (int i = 0; i < p->n_frames; i++) {
            json_t *box = take(g, &p->frame_calls[i], NULL);
            const json_t *q = json_object_get(json_object_get(box, "model"), "content");
            if (json_array_size(q) == 8)
                p->quads[p->n_quads++] = (struct snapshot_quad){
                    p->frames[i], number_at(q, 0), number_at(q, 1),
                    number_at(q, 4) - number_at(q, 0), number_at(q, 5) - number_at(q, 1)};
            json_decref(box);
        }
    }
}

static int convert(struct reading *g, struct pool *pool, struct pool *tmp,
                   const struct snapshot_view *view, const struct focus *focus, struct page **out,
                   struct err *err)
{
    struct snapshot_part *parts = pool_alloc(tmp, sizeof(*parts) * (size_t)g->n);
    for (int k = 0; k < g->n; k++) {
        struct part *p = &g->parts[k];
        parts[k] = (struct snapshot_part){.snapshot = p->snapshot,
                                          .parent = p->parent,
                                          .owner = p->owner,
                                          .quads = p->quads,
                                          .n_quads = p->n_quads};
        if (strcmp(p->session, focus->session) == 0)
            parts[k].focus = focus->node;
    }
    return snapshot_to_page(pool, parts, g->n, view, out, err);
}

int read_page(struct tabs *t, struct pool *pool, int screen_w, int screen_h,
              int64_t deadline_mono_ms, struct page **out, struct err *err)
{
    struct read_view v;
    struct focus focus;
    int r = read_view(t, pool, deadline_mono_ms, &v, err);
    if (r)
        return r;
    struct pool *tmp = pool_create(NULL);
    struct reading g = {.t = t, .deadline = deadline_mono_ms};
    g.parts = pool_alloc(tmp, sizeof(*g.parts) * CAP_PAGE_FRAMES);
    ask_snapshots(&g);
    r = take_snapshots(&g, err);
    if (!r) {
        ask_quads(&g);
        find_focus(t, deadline_mono_ms, &focus);
        take_quads(&g);
        int w = (int)(v.inner_w * v.scale + 0.5), h = (int)(v.inner_h * v.scale + 0.5);
        w = w > screen_w ? screen_w : w;
        h = h > screen_h ? screen_h : h;
        struct snapshot_view view = {.viewport = {0, screen_h - h, w, h},
                                     .scale = v.scale,
                                     .scroll_x = v.scroll_x,
                                     .scroll_y = v.scroll_y,
                                     .url = v.url,
                                     .title = v.title,
                                     .http_status = t->front ? t->front->http_status : 0};
        r = g.final ? err_set(err, g.final, "the page was not read to the end")
                    : convert(&g, pool, tmp, &view, &focus, out, err);
    }
    for (int k = 0; k < g.n; k++)
        json_decref(g.parts[k].snapshot);
    pool_destroy(tmp);
    return r;
}
