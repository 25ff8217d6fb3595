/*
 * server.c - start, drain and end. The listening socket is made here, so that "port in use" is an
 * error with a name.
 */
#include "api/request.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/brains.h"
#include "api/chat.h"
#include "base/caps.h"
#include "base/id.h"

#define BACKLOG           1024
#define SPARE_DESCRIPTORS 128 /* store, workers, files being sent */

static void on_daemon_message(void *cls, const char *fmt, va_list ap)
{
    char text[512];
    vsnprintf(text, sizeof(text), fmt, ap);
    text[strcspn(text, "\n")] = 0;
    log_debug("mantis.http", NULL, "%s", text);
}

static int listen_error(const struct settings *s, struct err *err)
{
    if (errno == EADDRINUSE)
        return err_set(err, E_CONFLICT,
                       "port %d on %s is in use: stop the other server, or choose another "
                       "port with --port (0 takes a free one)",
                       s->port, s->host);
    int code = errno == EACCES || errno == EADDRNOTAVAIL ? E_INVALID : E_IO;
    return err_sys(err, code, "cannot listen on %s port %d", s->host, s->port);
}

static int listen_on(const struct addrinfo *ai)
{
    int on = 1, saved;
    int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, ai->ai_protocol);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0)
        return fd;
    saved = errno;
    close(fd);
    errno = saved;
    return -1;
}

static int open_listener(struct api *api, struct err *err)
{
    const struct settings *s = api->settings;
    struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM},
                    *list;
    char service[16];
    snprintf(service, sizeof(service), "%d", s->port);
    int r = getaddrinfo(s->host, service, &hints, &list);
    if (r)
        return err_set(err, E_INVALID, "--host '%s': %s", s->host, gai_strerror(r));
    for (const struct addrinfo *ai = list; ai && api->listen_fd < 0; ai = ai->ai_next)
        api->listen_fd = listen_on(ai);
    r = api->listen_fd < 0 ? listen_error(s, err) : 0;
    freeaddrinfo(list);
    return r;
}

static void find_port(struct api *api)
{
    struct sockaddr_storage addr;
    socklen_t len = sizeof(addr);
    if (getsockname(api->listen_fd, (struct sockaddr *)&addr, &len))
        BUG("a listening socket has no address");
    api->port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                                 : ((struct sockaddr_in *)&addr)->sin_port);
}

static unsigned connection_limit(void)
{
    struct rlimit rl;
    if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur > CAP_HTTP_CONNECTIONS + SPARE_DESCRIPTORS)
        return CAP_HTTP_CONNECTIONS;
    return rl.rlim_cur > 2 * SPARE_DESCRIPTORS ? (unsigned)rl.rlim_cur - SPARE_DESCRIPTORS
                                               : SPARE_DESCRIPTORS;
}

static int start_daemon(struct api *api, struct err *err)
{
    /* clang-format off */
    const struct MHD_OptionItem options[] = {
        {MHD_OPTION_EXTERNAL_LOGGER, (intptr_t)on_daemon_message, NULL},
        {MHD_OPTION_LISTEN_SOCKET, api->listen_fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, connection_limit(), NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, CAP_HTTP_HEADER_BYTES, NULL},
        {MHD_OPTION_CONNECTION_TIMEOUT, CAP_HTTP_IDLE_S, NULL},
        {MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, NULL},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)request_create, api},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)request_completed, api},
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)conn_notify, api},
        {MHD_OPTION_END, 0, NULL},
    };
    /* clang-format on */
    struct MHD_Daemon *daemon = MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_TURBO | MHD_ALLOW_SUSPEND_RESUME | MHD_ALLOW_UPGRADE | MHD_USE_ERROR_LOG, 0, NULL, NULL,
        request_turn, api, MHD_OPTION_ARRAY, options, MHD_OPTION_END);
    if (!daemon)
        return err_set(err, E_IO, "cannot start the HTTP server on port %d", api->port);
    api->listen_fd = -1;
    return httpd_start(&api->httpd, api->loop, daemon, err);
}

static struct api *api_alloc(const struct api_parts *parts)
{
    struct api *api = calloc(1, sizeof(*api));
    if (!api)
        BUG("out of memory");
    *api = (struct api){
        .loop = parts->loop,
        .store = parts->store,
        .sched = parts->sched,
        .tenants = parts->tenants,
        .limits = limits_create(),
        .webhooks = parts->webhooks,
        .meters = parts->meters,
        .engine = parts->engine,
        .author = parts->author,
        .gateway = parts->gateway,
        .settings = parts->settings,
        .model = api_brain_model(parts->settings->brain),
        .listen_fd = -1,
        .beat_ms = CAP_STREAM_BEAT_S * 1000,
        .beats = CAP_STREAM_BEATS,
        .token_ms = CAP_STREAM_TOKEN_MS,
        .chat_ms = CAP_CHAT_CALL_S * 1000,
        .chat_stream_ms = CAP_CHAT_STREAM_S * 1000,
        .chat_unread_ms = CAP_CHAT_UNREAD_S * 1000,
        .chat_crowded_ms = CAP_CHAT_CROWDED_S * 1000,
    };
    buf_init(&api->frame, CAP_STREAM_FRAME_BYTES);
    id_random_hex(4, api->id_prefix);
    return api;
}

int api_create(const struct api_parts *parts, struct api **out, struct err *err)
{
    struct api *api = api_alloc(parts);
    int r = parts->engine ? httpc_create(parts->loop, &api->httpc, err) : 0;
    r = r ? r : open_listener(api, err);
    if (!r) {
        find_port(api);
        r = start_daemon(api, err);
    }
    if (r) {
        api_destroy(api);
        return r;
    }
    *out = api;
    return 0;
}

void api_destroy(struct api *api)
{
    if (!api)
        return;
    api->draining = false;
    while (api->waiting)
        request_abandon(api->waiting);
    streams_end(api, true);
    viewers_end(api, true);
    chats_end(api);
    httpd_stop(&api->httpd);
    httpc_destroy(api->httpc);
    discard_end_all(api);
    if (api->listen_fd >= 0)
        close(api->listen_fd);
    loop_timer_clear(&api->waits_timer);
    loop_timer_clear(&api->beat_timer);
    loop_timer_clear(&api->token_timer);
    loop_timer_clear(&api->drain_timer);
    limits_destroy(api->limits);
    buf_release(&api->frame);
    free(api);
}

int api_port(const struct api *api)
{
    return api->port;
}

static void drained(void *arg)
{
    struct api *api = arg;
    api_drained_fn *fn = api->on_drained;
    api->on_drained = NULL;
    loop_timer_clear(&api->drain_timer);
    if (fn)
        fn(api->on_drained_arg);
}

void api_call_done(struct api *api)
{
    api->in_progress--;
    if (api->draining && !api->in_progress)
        drained(api);
}

void api_drain(struct api *api, int timeout_ms, api_drained_fn *fn, void *arg)
{
    int fd = MHD_quiesce_daemon(api->httpd.daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
    api->draining = true;
    api->on_drained = fn;
    api->on_drained_arg = arg;
    requests_drain(api);
    if (api->author)
        author_drain(api->author);
    streams_end(api, false);
    viewers_end(api, false);
    loop_timer_set(api->loop, &api->drain_timer, timeout_ms, drained, api);
    if (!api->in_progress)
        drained(api);
}
