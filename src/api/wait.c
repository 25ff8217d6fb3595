/*
 * wait.c - a call that waits for something: suspended, so it costs a socket and nothing else.
 */
#include "api/request.h"

static void unlink_waiting(struct request *req)
{
    *req->wait_prev = req->wait_next;
    if (req->wait_next)
        req->wait_next->wait_prev = req->wait_prev;
}

static void link_waiting(struct request *req)
{
    struct api *api = req->api;
    req->wait_next = api->waiting;
    req->wait_prev = &api->waiting;
    if (req->wait_next)
        req->wait_next->wait_prev = &req->wait_next;
    api->waiting = req;
}

void request_resume(struct request *req)
{
    unlink_waiting(req);
    httpd_release(&req->hold);
}

void request_abandon(struct request *req)
{
    req->abandoned = true;
    if (req->wait_abandon)
        req->wait_abandon(req);
    request_resume(req);
}

static void on_hangup(void *arg)
{
    request_abandon(arg);
}

typedef void watch_fn(struct httpd *httpd, struct MHD_Connection *connection,
                      struct httpd_hold *hold, httpd_hangup_fn *fn, void *arg);

static void suspend(struct request *req, watch_fn *watch, route_fn *then,
                    void (*abandon)(struct request *req))
{
    req->wait_then = then;
    req->wait_abandon = abandon;
    req->tenant = NULL;
    req->stage = REQUEST_WAITING;
    link_waiting(req);
    watch(&req->api->httpd, req->connection, &req->hold, on_hangup, req);
    httpd_hold_after(&req->hold);
}

void request_suspend(struct request *req, route_fn *then, void (*abandon)(struct request *req))
{
    suspend(req, httpd_watch_receiver, then, abandon);
}

void request_suspend_strictly(struct request *req, route_fn *then,
                              void (*abandon)(struct request *req))
{
    suspend(req, httpd_watch, then, abandon);
}

/* --- for a run ------------------------------------------------------------------------------- */

struct run_wait {
    struct sched_watch *watch;
    const char *run_id;
};

static void stop_watching(struct request *req)
{
    sched_unwatch(req->run_wait->watch);
    req->run_wait->watch = NULL;
}

static void on_run_end(void *arg)
{
    struct request *req = arg;
    stop_watching(req);
    request_resume(req);
}

static int say_draining(const struct request *req, struct err *err)
{
    const char *run_id = req->run_wait->run_id;
    return err_set(err, E_UNAVAILABLE,
                   "the server is stopping; run '%s' goes on when it is back: ask GET "
                   "/v1/runs/%s/result then",
                   run_id, run_id);
}

int request_wait_for_run(struct request *req, struct run_key key, route_fn *then, struct err *err)
{
    struct run_wait *wait = pool_alloc(req->pool, sizeof(*wait));
    wait->run_id = pool_strdup(req->pool, key.run_id);
    req->run_wait = wait;
    if (req->api->draining)
        return say_draining(req, err);
    wait->watch = sched_watch(req->api->sched, key, on_run_end, req);
    if (!wait->watch)
        return err_set(err, E_NOT_FOUND, "there is no run '%s'", key.run_id);
    request_suspend(req, then, stop_watching);
    return 0;
}

/* Who waits for something else waits for a run that is stored in this turn: told to ask again, he
 * would have it twice. */
void requests_drain(struct api *api)
{
    for (struct request *req = api->waiting, *next; req; req = next) {
        next = req->wait_next;
        if (req->wait_abandon == stop_watching)
            request_abandon(req);
    }
}

/* --- afterwards ------------------------------------------------------------------------------ */

enum MHD_Result request_go_on(struct request *req)
{
    struct err err = {0};
    req->stage = REQUEST_ANSWERED;
    if (req->abandoned && !(req->api->draining && req->run_wait))
        return MHD_NO;
    int r = req->abandoned ? say_draining(req, &err) : req->wait_then(req, &err);
    if (r)
        respond_error(req, r, &err);
    if (req->stage == REQUEST_WAITING) /* it waits again */
        return MHD_YES;
    return req->broken ? MHD_NO : MHD_YES;
}
