/*
 * hosts.h - the host of an address as a browser reads it.
 * Source: url.spec.whatwg.org, "host parsing" and the states of its URL parser for http and https.
 */
#ifndef MANTIS_PLAN_HOSTS_H
#define MANTIS_PLAN_HOSTS_H

#include "base/pool.h"

enum host_reading {
    HOST_NONE,   /* names no host */
    HOST_SURE,   /* every reader agrees */
    HOST_UNSURE, /* a browser might read another one than we do: percent signs, other alphabets, odd
                    numbers, control characters */
};

/*
 * The host of an http(s) address: lower case, without userinfo, port and trailing dot; IPv6 in its
 * short form, with brackets. ends: bytes that end the address, "" none but its own grammar. For
 * HOST_UNSURE *out is what stands in the host's place, for a message. In pool.
 */
enum host_reading plan_host_read(struct pool *pool, const char *url, const char *ends, char **out);

/* The first byte of the next "http:" or "https:" in text, any case; NULL: none. */
const char *plan_next_address(const char *text);

/* Bytes that end an address in a sentence. */
#define PLAN_ADDRESS_ENDS " \t\r\n\f\v\"'<>"

/* The host of an address when it is sure; NULL otherwise. */
char *plan_url_host(struct pool *pool, const char *url);

#endif
