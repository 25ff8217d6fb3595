#include "plane/cdp/script.h"
#include "base/caps.h"
#include "base/clock.h"

#include <stdio.h>
#include <string.h>

#define FRONT_MS                                                                                   \
    300 /* a tab that does not say within this whether it is visible keeps its secret */

static json_t *world_params(const char *frame)
{
    json_t *params = json_object();
    json_put_str(params, "frameId", frame);
    json_put_str(params, "worldName", "util");
    return params;
}

static json_t *eval_params(const char *expression, int world, bool by_value, bool await)
{
    json_t *params = json_object();
    json_put_str(params, "expression", expression);
    json_put_int(params, "contextId", world);
    json_put_bool(params, "returnByValue", by_value);
    json_put_bool(params, "awaitPromise", await);
    if (!by_value)
        json_put_str(params, "objectGroup", "util");
    return params;
}

int script_frames(const struct tabs *t, const struct session *tab,
                  struct frame_ref out[SCRIPT_FRAMES])
{
    int n = 0;
    for (const struct session *s = t->sessions; s; s = s->next)
        for (const struct frame_info *f = s->frames; s->tab == tab && f && n < SCRIPT_FRAMES;
             f = f->next) {
            memcpy(out[n].session, s->id, CDP_ID_BYTES);
            memcpy(out[n++].frame, f->id, CDP_ID_BYTES);
        }
    return n;
}

struct frame_info *script_find(const struct tabs *t, const struct frame_ref *ref,
                               struct session **ret_s)
{
    *ret_s = tabs_find_session(t, ref->session);
    for (struct frame_info *f = *ret_s ? (*ret_s)->frames : NULL; f; f = f->next)
        if (strcmp(f->id, ref->frame) == 0)
            return f;
    *ret_s = NULL;
    return NULL;
}

/* A refusal is the page's business (the frame is going away); what ends every wait is not. */
static bool is_final(int r)
{
    return r == E_GONE || r == E_CANCELLED;
}

int script_prepare(struct tabs *t, const struct frame_ref *frames, int n, int64_t deadline_mono_ms,
                   struct err *err)
{
    struct cdp_call calls[SCRIPT_FRAMES] = {0};
    struct session *s;
    int r = 0;
    for (int i = 0; i < n; i++) {
        struct frame_info *f = script_find(t, &frames[i], &s);
        if (f && !f->world && !s->crashed)
            cdp_start(t->cdp, s->id, "Page.createIsolatedWorld", world_params(f->id), &calls[i]);
    }
    for (int i = 0; i < n; i++) {
        struct err ignored = {0};
        json_t *result = NULL;
        if (!calls[i].id)
            continue;
        if (is_final(r)) {
            cdp_drop(t->cdp, &calls[i]);
            continue;
        }
        int got = cdp_finish(t->cdp, &calls[i], deadline_mono_ms, &result, &ignored);
        struct frame_info *f = script_find(t, &frames[i], &s);
        if (!got && f)
            f->world = (int)json_int(result, "executionContextId", 0);
        json_decref(result);
        if (is_final(got))
            r = err_set(err, got, "%s", ignored.msg);
    }
    return is_final(r) ? r : 0;
}

int script_start(struct tabs *t, const struct frame_ref *ref, const char *expression, bool await,
                 struct cdp_call *call)
{
    struct session *s;
    struct frame_info *f = script_find(t, ref, &s);
    if (!f || !f->world)
        return E_NOT_FOUND;
    cdp_start(t->cdp, s->id, "Runtime.evaluate", eval_params(expression, f->world, true, await),
              call);
    return 0;
}

const json_t *script_value(const json_t *result)
{
    if (json_object_get(result, "exceptionDetails"))
        return NULL;
    return json_object_get(json_object_get(result, "result"), "value");
}

static int eval_once(struct tabs *t, const struct frame_ref *ref, const char *expression,
                     bool by_value, int64_t deadline_mono_ms, json_t **ret_result, struct err *err)
{
    struct session *s;
    json_t *result = NULL;
    int r = script_prepare(t, ref, 1, deadline_mono_ms, err);
    if (r)
        return r;
    struct frame_info *f = script_find(t, ref, &s);
    if (!f || !f->world)
        return err_set(err, E_UPSTREAM, "the page does not answer");
    r = cdp_call(t->cdp, s->id, "Runtime.evaluate",
                 eval_params(expression, f->world, by_value, false), deadline_mono_ms, &result,
                 err);
    if (r == E_UPSTREAM && (f = script_find(t, ref, &s)))
        f->world = 0; /* its document was replaced under way */
    if (r)
        return r;
    const json_t *object = json_object_get(result, "result");
    if (json_object_get(result, "exceptionDetails"))
        r = err_set(err, E_UPSTREAM, "a script of ours failed in the page");
    else
        *ret_result = json_incref(by_value ? json_object_get(object, "value") : (json_t *)object);
    json_decref(result);
    return r;
}

int script_eval(struct tabs *t, struct session *s, struct frame_info *f, const char *expression,
                bool by_value, int64_t deadline_mono_ms, json_t **ret_result, struct err *err)
{
    struct frame_ref ref;
    struct err first = {0};
    memcpy(ref.session, s->id, CDP_ID_BYTES);
    memcpy(ref.frame, f->id, CDP_ID_BYTES);
    int r = eval_once(t, &ref, expression, by_value, deadline_mono_ms, ret_result, &first);
    if (r == E_UPSTREAM)
        return eval_once(t, &ref, expression, by_value, deadline_mono_ms, ret_result, err);
    return r ? err_set(err, r, "%s", first.msg) : 0;
}

int script_find_front(struct tabs *t, int64_t deadline_mono_ms, struct err *err)
{
    struct frame_ref refs[CAP_PLANE_TABS];
    struct cdp_call calls[CAP_PLANE_TABS] = {0};
    int n = 0, r = 0;
    if (t->n_tabs < 2)
        return 0;
    int64_t deadline = clock_mono_ms() + FRONT_MS;
    if (deadline > deadline_mono_ms)
        deadline = deadline_mono_ms;
    for (struct session *s = t->sessions; s && n < CAP_PLANE_TABS; s = s->next) {
        struct frame_info *main = s->tab == s ? tabs_main_frame(s) : NULL;
        if (!main)
            continue;
        memcpy(refs[n].session, s->id, CDP_ID_BYTES);
        memcpy(refs[n++].frame, main->id, CDP_ID_BYTES);
    }
    r = script_prepare(t, refs, n, deadline, err);
    for (int i = 0; i < n && !r; i++)
        if (script_start(t, &refs[i], "document.visibilityState", false, &calls[i]))
            calls[i].id = 0;
    for (int i = 0; i < n; i++) {
        struct err ignored = {0};
        json_t *result = NULL;
        if (!calls[i].id)
            continue;
        int got = r ? r : cdp_finish(t->cdp, &calls[i], deadline, &result, &ignored);
        cdp_drop(t->cdp, &calls[i]);
        const char *state = json_string_value(script_value(result));
        struct session *s = tabs_find_session(t, refs[i].session);
        if (!got && s && state && strcmp(state, "visible") == 0)
            t->front = s;
        json_decref(result);
        if (is_final(got) && !r)
            r = err_set(err, got, "%s", ignored.msg);
    }
    return r;
}
