#include "tools/http_stub.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define PAGES_MAX 64

struct http_stub {
    struct MHD_Daemon *daemon;
    const struct http_page *pages;
    atomic_int hits[PAGES_MAX];
    int port;
    int stop_fd; /* readable once the stub is being stopped */
};

static int page_index(const struct http_stub *s, const char *path)
{
    for (int i = 0; i < PAGES_MAX && s->pages[i].path; i++)
        if (!strcmp(s->pages[i].path, path))
            return i;
    return -1;
}

static void be_late(const struct http_stub *s, struct MHD_Connection *conn, int delay_ms)
{
    const char *more = MHD_lookup_connection_value(conn, MHD_GET_ARGUMENT_KIND, "delay");
    struct pollfd stop = {.fd = s->stop_fd, .events = POLLIN};
    if (more)
        delay_ms += atoi(more);
    if (delay_ms)
        poll(&stop, 1, delay_ms);
}

static enum MHD_Result answer(void *arg, struct MHD_Connection *conn, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state)
{
    static const struct http_page missing = {.body = "<h1>404 Not Found</h1>", .status = 404};
    static int started;
    struct http_stub *s = arg;
    if (!*state) { /* first call: headers only */
        *state = &started;
        return MHD_YES;
    }
    if (*data_size) { /* a posted body: not looked at */
        *data_size = 0;
        return MHD_YES;
    }
    int i = page_index(s, url);
    const struct http_page *page = i < 0 ? &missing : &s->pages[i];
    if (i >= 0)
        atomic_fetch_add(&s->hits[i], 1);
    be_late(s, conn, page->delay_ms);
    const char *body = page->body ? page->body : "";
    struct MHD_Response *r =
        MHD_create_response_from_buffer(strlen(body), (void *)(size_t)body, MHD_RESPMEM_PERSISTENT);
    MHD_add_response_header(r, "Content-Type",
                            page->type ? page->type : "text/html; charset=utf-8");
    if (page->location)
        MHD_add_response_header(r, "Location", page->location);
    enum MHD_Result ok = MHD_queue_response(conn, (unsigned)(page->status ? page->status : 200), r);
    MHD_destroy_response(r);
    return ok;
}

struct http_stub *http_stub_start(const struct http_page *pages)
{
    struct http_stub *s = calloc(1, sizeof(*s));
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (!s)
        abort();
    s->pages = pages;
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->daemon = MHD_start_daemon(
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL, 0, NULL,
        NULL, answer, s, MHD_OPTION_SOCK_ADDR, &addr, MHD_OPTION_END);
    if (!s->daemon) {
        perror("http_stub");
        abort();
    }
    s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return s;
}

void http_stub_stop(struct http_stub *s)
{
    if (!s)
        return;
    eventfd_write(s->stop_fd, 1);
    MHD_stop_daemon(s->daemon);
    close(s->stop_fd);
    free(s);
}

int http_stub_port(const struct http_stub *s)
{
    return s->port;
}

int http_stub_hits(struct http_stub *s, const char *path)
{
    int i = page_index(s, path);
    return i < 0 ? 0 : atomic_load(&s->hits[i]);
}

const char *http_stub_url(const struct http_stub *s, const char *path)
{
    static char urls[4][1024];
    static int next;
    char *url = urls[next++ % 4];
    snprintf(url, sizeof(urls[0]), "http://127.0.0.1:%d%s", s->port, path);
    return url;
}
