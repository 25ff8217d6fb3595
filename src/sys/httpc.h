/*
 * httpc.h - HTTP requests to other servers, carried by the loop (libcurl multi).
 *
 * httpc_call() turns the loop until the answer is there, so it ends at its deadline and at once on
 * loop_interrupt(); httpc_start() returns at once and calls back. Redirects are never followed: a
 * token must not travel to another host. Only http and https. The proxy variables of the environment
 * are honoured except towards this machine. Connections are kept and used again. Names are resolved
 * by a thread of libcurl, so a slow name server holds nothing up. Threads: the loop's.
 */
#ifndef MANTIS_SYS_HTTPC_H
#define MANTIS_SYS_HTTPC_H

#include <stdbool.h>

#include "base/err.h"
#include "base/pool.h"
#include "sys/loop.h"

struct httpc;

enum httpc_flags {
    /* Connect to public addresses (sys/address.h) only. What is checked is the address of each
     * connection just before it is made, so a name cannot answer one way and lead another. No proxy
     * is used and no connection kept. Refused: E_FORBIDDEN. */
    HTTPC_PUBLIC_ONLY = 1 << 0,
    HTTPC_NO_PROXY = 1 << 1, /* whatever the environment says; no connection is kept */
    /* The status is what counts: 0 as soon as the final headers were there, whatever becomes of the
     * body, and a larger body is cut at max_answer_bytes. */
    HTTPC_STATUS_COUNTS = 1 << 2,
    /* Of httpc_start(): the body is not copied; it stays until the end, or httpc_body_sent(). */
    HTTPC_BODY_STAYS = 1 << 3,
};

struct httpc_answer;

/* Bytes of the body as they come. */
typedef void httpc_body_fn(void *arg, const char *data, size_t len);
/* Status and headers, before any byte of the body, which is NULL. */
typedef void httpc_head_fn(void *arg, const struct httpc_answer *head);

struct httpc_request {
    const char *method; /* "GET", "POST", ... */
    const char *url;
    const char *const *headers; /* NULL-terminated "Name: value" lines; NULL none */
    const char *body;           /* NULL none */
    size_t body_len;
    int timeout_ms;           /* for the whole exchange */
    size_t max_answer_bytes;  /* a larger answer is E_TOOBIG */
    unsigned flags;           /* enum httpc_flags */
    const char *want_header;  /* name of a header of the answer to be kept; NULL none */
    const char *socket;       /* path of a Unix socket that is connected to instead of the address; NULL none */
    httpc_body_fn *on_body;   /* NULL, or who gets the body of a 2xx answer instead of the answer itself */
    void *body_arg;
    httpc_head_fn *on_head;   /* of httpc_start(): NULL, or called once; on_body then gets any answer's body */
};

struct httpc_answer {
    int status;
    char *body; /* NUL added; in the pool of the call */
    size_t len;
    const char *content_type; /* "" none */
    const char *header;       /* want_header's value; "" none */
    int retry_after_s;        /* 0 none */
};

/* Borrows loop. */
int httpc_create(struct loop *loop, struct httpc **out, struct err *err) MUST_CHECK;
void httpc_destroy(struct httpc *httpc); /* exchanges under way are cancelled; NULL is fine */

/*
 * 0 for every answer, whatever its status. E_INVALID: not an http(s) address. E_UNAVAILABLE: no
 * connection. E_TIMEOUT, E_CANCELLED, E_TOOBIG, E_UPSTREAM. Messages name scheme, host and port,
 * never the path, userinfo or a header.
 */
int httpc_call(struct httpc *httpc, struct pool *pool, const struct httpc_request *request,
               struct httpc_answer *out, struct err *err) MUST_CHECK;

/*
 * The same without waiting. fn is called once, from the loop, never inside httpc_start(), with what
 * httpc_call() would have returned; answer (NULL unless result is 0) and err are good until it
 * returns. The request is copied. E_INVALID at once: not an http(s) address.
 */
typedef void httpc_done_fn(void *arg, int result, const struct httpc_answer *answer,
                           const struct err *err);
struct httpc_exchange;
int httpc_start(struct httpc *httpc, const struct httpc_request *request, httpc_done_fn *fn, void *arg,
                struct httpc_exchange **out, struct err *err) MUST_CHECK;
void httpc_cancel(struct httpc_exchange *exchange); /* before fn was called, which then is not */

/*
 * While an exchange with on_head is under way. Paused, it takes nothing more from the server, who then has to
 * wait: what curl had read already (16 KB) comes when it goes on, some of it from inside httpc_pause().
 * httpc_pause() and httpc_unlimit() may be called from on_head and on_body, httpc_cancel() may not.
 */
void httpc_pause(struct httpc_exchange *exchange, bool paused);
void httpc_unlimit(struct httpc_exchange *exchange); /* timeout_ms counts no more: the caller ends it */
bool httpc_body_sent(const struct httpc_exchange *exchange); /* all of the request's body */

/* An http(s) address in pieces; strings in pool. E_INVALID. */
struct httpc_url {
    const char *scheme, *host, *path; /* path without query; host of IPv6 in brackets */
    int port;                         /* given or the scheme's */
    bool has_userinfo;
    const char *origin; /* scheme://host, with the port when it is given: what a message may say */
};
int httpc_url_parse(struct pool *pool, const char *url, struct httpc_url *out, struct err *err) MUST_CHECK;

#endif
