/*
 * script.h - the few small scripts of ours, run in isolated worlds: a page shares its document with
 * them but none of their variables or listeners, and cannot tell that they are there.
 * Threads: loop thread only. Source: DevTools Page.createIsolatedWorld, Runtime.evaluate.
 */
#ifndef MANTIS_PLANE_CDP_SCRIPT_H
#define MANTIS_PLANE_CDP_SCRIPT_H

#include "plane/cdp/tabs.h"

/*
 * Run expression in one frame's world, made when missing. by_value: *ret_result is the value; else
 * the protocol's RemoteObject. The caller owns a reference.
 * E_UPSTREAM: the frame went away, or the script threw. E_TIMEOUT: the page's thread is busy.
 */
int script_eval(struct tabs *t, struct session *s, struct frame_info *f, const char *expression,
                bool by_value, int64_t deadline_mono_ms, json_t **ret_result, struct err *err) MUST_CHECK;

/* A frame of some session, named so that it can be looked up again after a wait. */
struct frame_ref {
    char session[CDP_ID_BYTES], frame[CDP_ID_BYTES];
};
#define SCRIPT_FRAMES 16

/* The frames of a tab, the main one first, at most SCRIPT_FRAMES; cross-site ones included. */
int script_frames(const struct tabs *t, const struct session *tab, struct frame_ref out[SCRIPT_FRAMES]);

/* Both NULL when it is gone. */
struct frame_info *script_find(const struct tabs *t, const struct frame_ref *ref, struct session **ret_s);

/* Make the missing worlds of these frames, all at once. A frame that refuses keeps none. */
int script_prepare(struct tabs *t, const struct frame_ref *frames, int n, int64_t deadline_mono_ms,
                   struct err *err) MUST_CHECK;

/* Start an evaluation in a prepared frame; its value comes with cdp_finish(), read by script_value().
 * E_NOT_FOUND when the frame has no world. */
int script_start(struct tabs *t, const struct frame_ref *ref, const char *expression, bool await,
                 struct cdp_call *call) MUST_CHECK;

/* The value inside a Runtime.evaluate result (borrowed), NULL when it threw. */
const json_t *script_value(const json_t *result);

/* Set t->front: asks every tab whether it is visible when there are several; the newest such wins. */
int script_find_front(struct tabs *t, int64_t deadline_mono_ms, struct err *err) MUST_CHECK;

#endif
