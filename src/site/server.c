/*
 * server.c - start, stop, and answers that are not due: their connection is held until they are, or
 * until the client leaves, as every page that was given up on would otherwise stay open until the
 * site stops.
 */
#include "site/server.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <string.h>

#include "base/caps.h"

static void release(struct site_request *req)
{
    loop_timer_clear(&req->timer);
    httpd_release(&req->hold);
}

static void delay_over(void *arg)
{
    release(arg);
}

static void client_left(void *arg)
{
    struct site_request *req = arg;
    req->stage = REQUEST_GONE;
    release(req);
}

void server_hold(struct site_request *req)
{
    httpd_watch(&req->site->httpd, req->conn, &req->hold, client_left, req);
    httpd_hold(&req->hold);
}

/* --- requests ----------------------------------------------------------------------------- */

static struct site_request *request_create(struct site *site, struct MHD_Connection *conn,
                                           const char *url, const char *method)
{
    struct pool *pool = pool_create(NULL);
    struct site_request *req = pool_alloc(pool, sizeof(*req));
    req->site = site;
    req->pool = pool;
    req->conn = conn;
    req->method = pool_strdup(pool, method);
    req->path = pool_strdup(pool, url);
    req->rest = "";
    req->query = json_keep(pool, json_object());
    req->form = json_keep(pool, json_object());
    req->files_end = &req->files;
    buf_init(&req->body, CAP_SITE_BODY_BYTES);
    req->next = site->requests;
    req->prev = &site->requests;
    if (req->next)
        req->next->prev = &req->next;
    site->requests = req;
    return req;
}

static void request_destroy(struct site_request *req)
{
    loop_timer_clear(&req->timer);
    if (req->response)
        MHD_destroy_response(req->response);
    buf_release(&req->body);
    *req->prev = req->next;
    if (req->next)
        req->next->prev = req->prev;
    pool_destroy(req->pool);
}

static enum MHD_Result send_answer(struct site_request *req)
{
    if (req->stage == REQUEST_GONE || !req->response)
        return MHD_NO;
    return MHD_queue_response(req->conn, (unsigned)req->status, req->response);
}

static enum MHD_Result answer(struct site_request *req)
{
    request_read_args(req);
    if (req->body.failed)
        req_reply(req, 413, "text/plain; charset=utf-8", "The request is too large.\n", 26);
    else
        request_dispatch(req);
    req->stage = REQUEST_DUE;
    if (!req->never && req->delay_ms <= 0)
        return send_answer(req);
    server_hold(req);
    if (!req->never)
        loop_timer_set(req->site->loop, &req->timer, req->delay_ms, delay_over, req);
    return MHD_YES;
}

static enum MHD_Result on_request(void *cls, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *len, void **con_cls)
{
    struct site_request *req = *con_cls;
    if (!req) {
        *con_cls = request_create(cls, conn, url, method);
        return MHD_YES;
    }
    if (*len > 0) {
        buf_add(&req->body, data, *len);
        *len = 0;
        return MHD_YES;
    }
    return req->stage == REQUEST_READING ? answer(req) : send_answer(req);
}

static void on_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode why)
{
    if (*con_cls)
        request_destroy(*con_cls);
    *con_cls = NULL;
}

/* --- start and stop ----------------------------------------------------------------------- */

static int read_address(const struct site_spec *spec, struct sockaddr_storage *out, struct err *err)
{
    char port[16];
    const char *host = spec->host ? spec->host : "127.0.0.1";
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV,
                             .ai_socktype = SOCK_STREAM},
                    *found;
    if (spec->port < 0 || spec->port > 65535)
        return err_set(err, E_INVALID, "port %d is not between 0 and 65535", spec->port);
    snprintf(port, sizeof(port), "%d", spec->port);
    if (getaddrinfo(host, port, &hints, &found))
        return err_set(err, E_INVALID, "host '%s' is not a numeric address", host);
    memcpy(out, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return 0;
}

/* What a browser on this machine types to get here. */
static char *make_url(struct pool *pool, const struct sockaddr_storage *at, int port)
{
    char host[INET6_ADDRSTRLEN];
    if (at->ss_family == AF_INET6) {
        const struct in6_addr *a = &((const struct sockaddr_in6 *)at)->sin6_addr;
        inet_ntop(AF_INET6, IN6_IS_ADDR_UNSPECIFIED(a) ? &in6addr_loopback : a, host, sizeof(host));
        return pool_printf(pool, "http://[%s]:%d", host, port);
    }
    struct in_addr a = ((const struct sockaddr_in *)at)->sin_addr;
    if (a.s_addr == htonl(INADDR_ANY))
        a.s_addr = htonl(INADDR_LOOPBACK);
    inet_ntop(AF_INET, &a, host, sizeof(host));
    return pool_printf(pool, "http://%s:%d", host, port);
}

int server_start(struct site *site, const struct site_spec *spec, struct err *err)
{
    struct sockaddr_storage at = {0};
    int r = read_address(spec, &at, err);
    if (r)
        return r;
    unsigned flags =
        MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (at.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
    struct MHD_Daemon *daemon =
        MHD_start_daemon(flags, (uint16_t)spec->port, NULL, NULL, on_request, site,
                         MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&at, MHD_OPTION_CONNECTION_LIMIT,
                         (unsigned)CAP_SITE_CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT, 300u,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, site, MHD_OPTION_END);
    if (!daemon)
        return err_sys(err, E_IO, "cannot listen on %s port %d",
                       spec->host ? spec->host : "127.0.0.1", spec->port);
    int port = MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    site->url = make_url(site->pool, &at, port);
    return httpd_start(&site->httpd, site->loop, daemon, err);
}

void server_stop(struct site *site)
{
    for (struct site_request *req = site->requests; req; req = req->next) {
        req->stage = REQUEST_GONE;
        release(req); /* libmicrohttpd refuses to stop with suspended connections */
    }
    httpd_stop(&site->httpd);
}
