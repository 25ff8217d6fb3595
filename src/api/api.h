/*
 * api.h - the HTTP side of `mantis serve`: one route table over the scheduler.
 *
 * libmicrohttpd runs on our loop: its epoll descriptor is one of the loop's, so a handler, the store
 * and the workers' messages take turns on one thread and nothing is locked. A call that waits for a
 * run (detached:false) is suspended, not blocked.
 * Threads: loop thread only. Source: http-api.md.
 */
#ifndef MANTIS_API_API_H
#define MANTIS_API_API_H

#include "author/author.h"
#include "base/err.h"
#include "engine/engine.h"
#include "sched/meters.h"
#include "sched/sched.h"
#include "sched/tenants.h"
#include "sched/webhook.h"
#include "sys/loop.h"
#include "sys/settings.h"

struct api;
struct gateway;

/* What the routes stand on; all borrowed. */
struct api_parts {
    struct loop *loop;
    struct store *store;
    struct sched *sched;
    struct tenants *tenants;
    struct webhooks *webhooks;
    struct meters *meters;
    struct engine *engine; /* NULL: the brain needs no model */
    struct author *author; /* NULL: words are read by rules */
    struct gateway *gateway; /* NULL: without engine and author */
    const struct settings *settings;
};

/* Listens on settings->host and port (0: a free one) before it returns. E_CONFLICT: the port is taken;
 * E_INVALID: there is no such address here; E_IO. */
int api_create(const struct api_parts *parts, struct api **out, struct err *err) MUST_CHECK;
void api_destroy(struct api *api); /* open calls are cut; NULL is fine */

int api_port(const struct api *api); /* the real one */

/* Stop accepting connections and runs, answer callers who wait for a run with 503, and call fn(arg)
 * when no call is in progress, at the latest after timeout_ms. fn may be called at once. */
typedef void api_drained_fn(void *arg);
void api_drain(struct api *api, int timeout_ms, api_drained_fn *fn, void *arg);

#endif
