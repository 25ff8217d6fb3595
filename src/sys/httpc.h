/*
 * httpc.h - HTTP requests to other servers, carried by the loop (libcurl multi).
 *
 * httpc_call() turns the loop until the answer is there, so it ends at its deadline and at once on
 * loop_interrupt(). Redirects are never followed: a token must not travel to another host. Only
 * http and https. The proxy variables of the environment are honoured except towards this machine.
 * Connections are kept and used again. Threads: the loop's.
 */
#ifndef MANTIS_SYS_HTTPC_H
#define MANTIS_SYS_HTTPC_H

#include "base/err.h"
#include "base/pool.h"
#include "sys/loop.h"

struct httpc;

struct httpc_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;
    const char *const *headers; /* NULL-terminated "Name: value" lines; NULL none */
    const char *body;           /* NULL none */
    size_t body_len;
    int timeout_ms;           /* for the whole exchange */
    size_t max_answer_bytes;  /* a larger answer is E_TOOBIG */
};

struct httpc_answer {
    int status;
    char *body; /* NUL added; in the pool of the call */
    size_t len;
    const char *content_type; /* "" none */
    int retry_after_s;        /* 0 none */
};

/* Borrows loop. */
int httpc_create(struct loop *loop, struct httpc **out, struct err *err) MUST_CHECK;
void httpc_destroy(struct httpc *httpc); /* NULL is fine */

/*
 * 0 for every answer, whatever its status. E_INVALID: not an http(s) address. E_UNAVAILABLE: no
 * connection. E_TIMEOUT, E_CANCELLED, E_TOOBIG, E_UPSTREAM. Messages name scheme, host and port,
 * never the path, userinfo or a header.
 */
int httpc_call(struct httpc *httpc, struct pool *pool, const struct httpc_request *request,
               struct httpc_answer *out, struct err *err) MUST_CHECK;

#endif
