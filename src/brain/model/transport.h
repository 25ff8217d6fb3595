/*
 * transport.h - how a call reaches a model server: a port, so that who asks knows no network.
 *
 * No key passes here: a worker's calls go to the gateway's socket, and the gateway adds it.
 * Threads: the loop's. Both functions block, at most until their deadline, and end within 2 s of a
 * cancel with E_CANCELLED.
 */
#ifndef MANTIS_BRAIN_MODEL_TRANSPORT_H
#define MANTIS_BRAIN_MODEL_TRANSPORT_H

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"

/* A gateway's answer says in it how long the model server had the call. */
#define TRANSPORT_SECONDS_HEADER "X-Mantis-Model-Seconds"

struct transport_call {
    const char *path;      /* behind the base address: "/chat/completions" */
    const json_t *headers; /* {name: text} besides Content-Type, NULL none */
    const char *body;      /* JSON, to be posted; NULL: a GET */
    size_t len;
    int64_t deadline_mono_ms;
};

struct transport_answer {
    int status;           /* HTTP */
    double retry_after_s; /* < 0: the server said none */
    double server_s;      /* how long the model server had it, where a gateway says so; 0 not known */
    const char *body;     /* NUL added; in the call's pool */
    size_t len;
};

struct transport {
    const char *where; /* the base address, as a message may say it */

    /* 0 for every answer, whatever its status. E_UNAVAILABLE: no connection. E_TIMEOUT. E_UPSTREAM: it
     * broke off. E_TOOBIG. E_CANCELLED. */
    int (*call)(struct transport *t, struct pool *pool, const struct transport_call *call,
                struct transport_answer *out, struct err *err);
    /* Waits until then. 0 or E_CANCELLED. */
    int (*rest)(struct transport *t, int64_t until_mono_ms);
};

#endif
