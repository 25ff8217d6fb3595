#include "sys/httpc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/clock.h"

struct httpc {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
};

/* One exchange, on the stack of httpc_call(). */
struct call {
    struct httpc *httpc;
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    char why[CURL_ERROR_SIZE];
    CURLcode code;
    bool done;
};

static void collect_done(struct httpc *h)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(h->multi, &left))) {
        struct call *call = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&call);
        call->code = msg->data.result;
        call->done = true;
    }
}

/* A watched socket: curl's number for it, our watch, and whose it is. */
struct watch {
    struct httpc *httpc;
    struct loop_fd *fd;
    int socket;
};

static void on_socket(void *arg, uint32_t events)
{
    struct watch *w = arg;
    struct httpc *h = w->httpc; /* curl may drop the watch inside the call */
    int what = (events & EPOLLIN ? CURL_CSELECT_IN : 0) |
               (events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
               (events & (EPOLLERR | EPOLLHUP) ? CURL_CSELECT_ERR : 0);
    int running;
    curl_multi_socket_action(h->multi, w->socket, what, &running);
    collect_done(h);
}

static uint32_t wanted(int what)
{
    return (what & CURL_POLL_IN ? EPOLLIN : 0u) | (what & CURL_POLL_OUT ? EPOLLOUT : 0u);
}

/* curl says which sockets it waits for. */
static int set_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
    struct httpc *h = arg;
    struct watch *w = socket_arg;
    if (what == CURL_POLL_REMOVE) {
        if (w)
            loop_fd_remove(w->fd);
        free(w);
        curl_multi_assign(h->multi, socket, NULL);
        return 0;
    }
    if (w) {
        loop_fd_events(w->fd, wanted(what));
        return 0;
    }
    w = calloc(1, sizeof(*w));
    if (!w)
        BUG("out of memory");
    w->httpc = h;
    w->socket = socket;
    if (loop_fd_add(h->loop, socket, wanted(what), on_socket, w, &w->fd, NULL)) {
        free(w);
        return -1;
    }
    curl_multi_assign(h->multi, socket, w);
    return 0;
}

static void on_timer(void *arg)
{
    struct httpc *h = arg;
    int running;
    curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    collect_done(h);
}

static int set_timer(CURLM *multi, long timeout_ms, void *arg)
{
    struct httpc *h = arg;
    if (timeout_ms < 0)
        loop_timer_clear(&h->timer);
    else
        loop_timer_set(h->loop, &h->timer, timeout_ms, on_timer, h);
    return 0;
}

int httpc_create(struct loop *loop, struct httpc **out, struct err *err)
{
    static bool ready;
    if (!ready && curl_global_init(CURL_GLOBAL_DEFAULT))
        return err_set(err, E_INTERNAL, "libcurl cannot be set up");
    ready = true;
    struct httpc *h = calloc(1, sizeof(*h));
    if (!h)
        BUG("out of memory");
    h->loop = loop;
    h->multi = curl_multi_init();
    if (!h->multi)
        BUG("out of memory");
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, set_socket);
    curl_multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    *out = h;
    return 0;
}

void httpc_destroy(struct httpc *h)
{
    if (!h)
        return;
    curl_multi_cleanup(h->multi);
    loop_timer_clear(&h->timer);
    free(h);
}

static size_t take_bytes(char *data, size_t size, size_t n, void *arg)
{
    struct call *call = arg;
    return buf_add(&call->body, data, size * n) ? CURL_WRITEFUNC_ERROR : size * n;
}

/* scheme://host:port of a URL: what a message may say. */
static char *origin_of(struct pool *pool, const char *url)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *port = NULL, *text;
    if (u && !curl_url_set(u, CURLUPART_URL, url, 0)) {
        curl_url_get(u, CURLUPART_SCHEME, &scheme, 0);
        curl_url_get(u, CURLUPART_HOST, &host, 0);
        curl_url_get(u, CURLUPART_PORT, &port, 0);
    }
    bool http = scheme && (strcasecmp(scheme, "http") == 0 || strcasecmp(scheme, "https") == 0);
    text = http && host
               ? pool_printf(pool, "%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : "")
               : NULL;
    curl_free(scheme);
    curl_free(host);
    curl_free(port);
    curl_url_cleanup(u);
    return text;
}

static bool is_here(const char *origin)
{
    const char *host = strstr(origin, "://") + 3;
    return strncmp(host, "127.", 4) == 0 || strncmp(host, "[::1]", 5) == 0 ||
           strncasecmp(host, "localhost", strlen("localhost")) == 0;
}

static void add_headers(struct call *call, const struct httpc_request *req)
{
    /* no "Expect: 100-continue": it costs a round trip, or a second where nobody answers it */
    call->headers = curl_slist_append(NULL, "Expect:");
    for (const char *const *h = req->headers; h && *h; h++)
        call->headers = curl_slist_append(call->headers, *h);
    curl_easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void prepare(struct call *call, const struct httpc_request *req, const char *origin)
{
    CURL *easy = call->easy;
    curl_easy_setopt(easy, CURLOPT_URL, req->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mantis/" MANTIS_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, call->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
    if (is_here(origin))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (req->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, req->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
    }
    add_headers(call, req);
}

static int failed(const struct call *call, const char *origin, const struct httpc_request *req,
                  struct err *err)
{
    const char *why = *call->why ? call->why : curl_easy_strerror(call->code);
    switch (call->code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, E_UNAVAILABLE, "cannot reach %s: %s", origin, why);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, E_TIMEOUT, "no answer from %s in %g s", origin,
                       req->timeout_ms / 1000.0);
    case CURLE_WRITE_ERROR:
        return err_set(err, E_TOOBIG, "the answer of %s is larger than %zu bytes", origin,
                       req->max_answer_bytes);
    default:
        return err_set(err, E_UPSTREAM, "%s: %s", origin, why);
    }
}

static void take_answer(struct call *call, struct pool *pool, struct httpc_answer *out)
{
    long status = 0;
    const char *type = NULL;
    curl_off_t retry = 0;
    curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(call->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(call->easy, CURLINFO_RETRY_AFTER, &retry);
    out->status = (int)status;
    out->content_type = type ? pool_strdup(pool, type) : "";
    out->retry_after_s = retry > INT_MAX ? INT_MAX : (int)retry;
    out->len = call->body.len;
    out->body = pool_alloc(pool, call->body.len + 1);
    if (call->body.len)
        memcpy(out->body, call->body.data, call->body.len);
}

static bool is_done(void *arg)
{
    return ((struct call *)arg)->done;
}

int httpc_call(struct httpc *h, struct pool *pool, const struct httpc_request *req,
               struct httpc_answer *out, struct err *err)
{
    const char *origin = origin_of(pool, req->url);
    if (!origin)
        return err_set(err, E_INVALID, "'%.200s' is not an http(s) address", req->url);
    struct call call = {.httpc = h, .easy = curl_easy_init()};
    if (!call.easy)
        BUG("out of memory");
    buf_init(&call.body, req->max_answer_bytes);
    prepare(&call, req, origin);
    curl_multi_add_handle(h->multi, call.easy);
    /* curl's own deadline ends the call; this one only bounds a curl that does not */
    int r = loop_wait(h->loop, is_done, &call, clock_mono_ms() + req->timeout_ms + 1000);
    if (r == E_CANCELLED)
        r = err_set(err, r, "the request to %s was interrupted", origin);
    else if (r)
        r = err_set(err, r, "no answer from %s in %g s", origin, req->timeout_ms / 1000.0);
    else if (call.code != CURLE_OK)
        r = failed(&call, origin, req, err);
    else
        take_answer(&call, pool, out);
    curl_multi_remove_handle(h->multi, call.easy);
    curl_easy_cleanup(call.easy);
    curl_slist_free_all(call.headers);
    buf_release(&call.body);
    return r;
}
