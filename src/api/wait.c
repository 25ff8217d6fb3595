/*
 * wait.c - a call that waits for its run: suspended, so it costs a socket and nothing else.
 *
 * libmicrohttpd does not look at a suspended connection, so its socket is watched for the caller's
 * hang-up here. TCP keep-alive finds callers that vanished without a word.
 */
#include "api/request.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

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
    loop_fd_remove(req->hangup);
    req->hangup = NULL;
    unlink_waiting(req);
    req->wait_end = why;
    MHD_resume_connection(req->connection);
    api_turn_soon(req->api);
}

static void on_run_end(void *arg)
{
    request_stop_waiting(arg, WAIT_RUN_ENDED);
}

static void on_hangup(void *arg, uint32_t events)
{
    request_stop_waiting(arg, WAIT_PEER_GONE);
}

static void find_silent_peers(int fd)
{
    int on = 1, idle_s = 60, every_s = 15, probes = 4;
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
}

int request_wait_for_run(struct request *req, const char *run_id, route_fn *then, struct err *err)
{
    struct api *api = req->api;
    int fd =
        MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    req->watch = sched_watch(api->sched, req->tenant->id, run_id, on_run_end, req);
    if (!req->watch)
        return err_set(err, E_NOT_FOUND, "there is no run '%s'", run_id);
    int r = loop_fd_add(api->loop, fd, EPOLLRDHUP, on_hangup, req, &req->hangup, err);
    if (r) {
        sched_unwatch(req->watch);
        req->watch = NULL;
        return r;
    }
    find_silent_peers(fd);
    req->wait_then = then;
    req->wait_run_id = pool_strdup(req->pool, run_id);
    req->stage = REQUEST_WAITING;
    link_waiting(req);
    MHD_suspend_connection(req->connection);
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
