/*
 * site.h - the practice web sites and the server that shows them (docs/sites.md).
 *
 * A site is a directory of templates and static files plus one C file that builds its data from a
 * seed and answers its routes: the same seed gives the same site on every machine. Beside its pages
 * every site answers the control protocol of promotion.md section 7 under /__env__/.
 * The server is libmicrohttpd turned by the caller's loop: one thread, no locks, and a late answer is
 * a suspended connection and a timer. Threads: the loop's thread only.
 */
#ifndef MANTIS_SITE_SITE_H
#define MANTIS_SITE_SITE_H

#include <stdint.h>

#include "base/err.h"
#include "sys/loop.h"

struct site;

struct site_spec {
    const char *name;        /* a name of site_names() */
    const char *dir;         /* holds templates/ and static/ of this site */
    int64_t seed;
    const char *admin_token; /* what X-Env-Admin must say; not empty */
    const char *host;        /* numeric address; NULL: 127.0.0.1 */
    int port;                /* 0: a free one */
};

/*
 * Open the port and answer from now on, whenever loop turns. Everything in spec is copied.
 * E_NOT_FOUND: no such site (the message lists what there is) or no such directory.
 * E_INVALID: bad host, port or token. E_IO: the port cannot be had.
 */
int site_create(struct loop *loop, const struct site_spec *spec, struct site **out, struct err *err) MUST_CHECK;

/* Drops every connection, those that wait for an answer too. NULL is fine. */
void site_destroy(struct site *site);

/* "http://127.0.0.1:40123", without a slash at the end. Lives as long as the site. */
const char *site_url(const struct site *site);

/* Names that site_create() knows, NULL-terminated, and one line about one of them. */
const char *const *site_names(void);
const char *site_about(const char *name);

#endif
