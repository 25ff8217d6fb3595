/*
 * practice.h - the practice sites that an evaluation runs against: its own, as many of each as run at once,
 * or those that somebody started and named (docs/sites.md). One run has an instance at a time, so runs that share one
 * follow each other.
 */
#ifndef MANTIS_CMD_PRACTICE_H
#define MANTIS_CMD_PRACTICE_H

#include <stdbool.h>

#include "base/pool.h"
#include "cmd/options.h"
#include "sys/loop.h"

struct practice_site {
    const char *name, *url;   /* url without a slash at the end */
    const char *admin_header; /* "X-Env-Admin: ..." */
    bool own;                 /* it ends with this process, and what a run left there too */
    /* practice.c */
    bool busy;
    struct site *site;
    struct practice_site *next;
};

struct practice {
    struct pool *pool;
    struct loop *loop;
    const char *host; /* our own listen there; NULL: 127.0.0.1 */
    struct practice_site *sites;
};

/* Of every practice site: "--site NAME=URL"s. The token is <NAME>_ADMIN_TOKEN of the environment, else
 * ENV_ADMIN_TOKEN. E_INVALID names the entry. */
int practice_add(struct practice *p, const struct option_list *given, struct err *err) MUST_CHECK;

/* An instance of a site that nobody has, started if need be. *out NULL: wait until one is given back.
 * E_INVALID: there is no such site. */
int practice_take(struct practice *p, const char *name, struct practice_site **out, struct err *err) MUST_CHECK;
void practice_give(struct practice_site *site); /* NULL is fine */

void practice_close(struct practice *p);

/* The directory of a site's pages: below MANTIS_SITES_DIR, else where the product's files are. */
int practice_dir(struct pool *pool, const char *name, const char **out, struct err *err) MUST_CHECK;

#endif
