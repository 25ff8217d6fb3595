/*
 * pipe.h - the DevTools pipe: JSON messages ended by NUL over one stream socket.
 *
 * Calls may overlap: cdp_start() several, then cdp_finish() each. A call lives in its caller's
 * struct and must be finished or dropped before that struct goes. Events come on the loop, so an
 * event handler may start calls and post, but never wait.
 * Threads: loop thread only.
 * Source: Chromium content/browser/devtools/devtools_pipe_handler.cc; the protocol's JSON-RPC shape.
 */
#ifndef MANTIS_PLANE_CDP_PIPE_H
#define MANTIS_PLANE_CDP_PIPE_H

#include "base/err.h"
#include "base/json.h"
#include "sys/loop.h"

struct cdp;

#define CDP_ID_BYTES 64 /* session, target, frame, loader and request ids; longer ones are cut */
void cdp_set_id(char out[CDP_ID_BYTES], const char *id);

/* session is "" for the browser itself. params is borrowed. */
typedef void cdp_event_fn(void *arg, const char *session, const char *method, const json_t *params);

struct cdp_call {
    int id; /* 0: not started, or over and taken */
    bool done;
    int code;       /* 0, E_UPSTREAM (the browser refused), E_TOOBIG, E_GONE */
    json_t *result; /* owned until cdp_finish() hands it over */
    char msg[160];  /* the browser's own words when code is set */
    struct cdp_call *next;
    /* Optional: called once from the loop when the call is done; it may free the call. result is
     * borrowed, NULL on error. Such a call is never finished by hand. */
    void (*on_done)(void *arg, const json_t *result);
    void *arg;
};

/* fd is non-blocking and stays the caller's. on_event may be NULL. */
int cdp_open(struct loop *loop, int fd, cdp_event_fn *on_event, void *arg, struct cdp **out,
             struct err *err) MUST_CHECK;
void cdp_close(struct cdp *cdp); /* NULL is fine; calls not yet done become E_GONE */
bool cdp_gone(const struct cdp *cdp); /* the other end closed or broke the protocol */

/* Send; takes over params (NULL: none). session NULL or "": the browser. */
void cdp_start(struct cdp *cdp, const char *session, const char *method, json_t *params,
               struct cdp_call *call);

/* Wait for the answer. ret_result may be NULL; else the caller owns a reference.
 * E_UPSTREAM (message is the browser's), E_TOOBIG, E_GONE, E_TIMEOUT, E_CANCELLED: the call is over. */
int cdp_finish(struct cdp *cdp, struct cdp_call *call, int64_t deadline_mono_ms, json_t **ret_result,
               struct err *err) MUST_CHECK;

/* Forget a call; its answer is thrown away. Also of one that is over. */
void cdp_drop(struct cdp *cdp, struct cdp_call *call);

int cdp_call(struct cdp *cdp, const char *session, const char *method, json_t *params,
             int64_t deadline_mono_ms, json_t **ret_result, struct err *err) MUST_CHECK;

/* Send and care about no answer. */
void cdp_post(struct cdp *cdp, const char *session, const char *method, json_t *params);

#endif
