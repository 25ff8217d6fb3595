/*
 * wait.c - a call that waits for its run: suspended, so it costs a socket and nothing else.
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

void request_stop_waiting(struct request *req, enum wait_end why)
{
    sched_unwatch(req->watch);
    req->watch = NULL;
    unlink_waiting(req);
    req->wait_end = why;
    httpd_release(&req->hold);
}

static void on_run_end(void *arg)
{
    request_stop_waiting(arg, WAIT_RUN_ENDED);
}

static void on_hangup(void *arg)
{
    request_stop_waiting(arg, WAIT_PEER_GONE);
}

int request_wait_for_run(struct request *req, const char *run_id, route_fn *then, struct err *err)
{
    struct api *api = req->api;
    req->watch = sched_watch(api->sched, req->tenant->id, run_id, on_run_end, req);
    if (!req->watch)
        return err_set(err, E_NOT_FOUND, "there is no run '%s'", run_id);
    req->wait_then = then;
    req->wait_run_id = pool_strdup(req->pool, run_id);
    req->stage = REQUEST_WAITING;
    link_waiting(req);
    httpd_hold(&api->httpd, req->connection, &req->hold, on_hangup, req);
    return 0;
}

enum MHD_Result request_go_on(struct request *req)
{
    struct err err = {0};
    int r;
    req->stage = REQUEST_ANSWERED;
    if (req->wait_end == WAIT_PEER_GONE)
        return MHD_NO;
    if (req->wait_end == WAIT_DRAINING)
        r = err_set(&err, E_UNAVAILABLE,
                    "the server is stopping; run '%s' goes on when it is back: ask GET "
                    "/v1/runs/%s/result then",
                    req->wait_run_id, req->wait_run_id);
    else
        r = req->wait_then(req, &err);
    if (r)
        respond_error(req, r, &err);
    return req->broken ? MHD_NO : MHD_YES;
}
