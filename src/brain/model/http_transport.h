/*
 * http_transport.h - the transport of HTTP (sys/httpc.h), to an address or through a Unix socket.
 */
#ifndef MANTIS_BRAIN_MODEL_HTTP_TRANSPORT_H
#define MANTIS_BRAIN_MODEL_HTTP_TRANSPORT_H

#include "brain/model/transport.h"
#include "sys/loop.h"

struct http_transport_config {
    const char *base_url; /* "http://127.0.0.1:8080/v1", no slash at the end */
    const char *socket;   /* path of the Unix socket that is connected to instead; NULL none */
    const char *where;    /* how messages call it; NULL: by its address */
    const char *const *headers; /* "Name: value" lines of every call, NULL-terminated; NULL none */
};

/* Everything is copied but the loop. E_INVALID: not an http(s) address. */
int http_transport_create(struct loop *loop, const struct http_transport_config *config,
                          struct transport **out, struct err *err) MUST_CHECK;
void http_transport_destroy(struct transport *transport); /* NULL is fine */

#endif
