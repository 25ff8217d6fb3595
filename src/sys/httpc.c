#include "sys/httpc.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include <curl/curl.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/clock.h"
#include "sys/address.h"

struct httpc {
    struct loop *loop;
    CURLM *multi;
    struct loop_timer timer;
    struct httpc_exchange *first; /* those of httpc_start() */
};

/* httpc_call() has it on its stack, httpc_start() in a pool of its own. */
struct httpc_exchange {
    struct httpc_exchange *next, **link;
    struct httpc *httpc;
    struct pool *pool; /* the answer's */
    CURL *easy;
    struct curl_slist *headers;
    struct buf body;
    size_t header_bytes;
    char why[CURL_ERROR_SIZE];

    const char *origin;
    unsigned flags;
    int timeout_ms;
    size_t max_answer_bytes;
    size_t body_len; /* of the request */
    httpc_body_fn *on_body;
    httpc_head_fn *on_head;
    void *body_arg;
    const char *want_header;

    int status;   /* of the final headers, once they are complete */
    bool refused; /* an address was not public */
    CURLcode code;
    bool done;
    httpc_done_fn *fn; /* NULL: somebody waits for done */
    void *arg;
    struct loop_timer deadline; /* of httpc_start(): the loop's clock, not curl's, ends it */
};

static void finish(struct httpc_exchange *x);

static void collect_done(struct httpc *h)
{
    CURLMsg *msg;
    int left;
    while ((msg = curl_multi_info_read(h->multi, &left))) {
        struct httpc_exchange *x = NULL;
        if (msg->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE, (char **)&x);
        x->code = msg->data.result;
        x->done = true;
        if (x->fn)
            finish(x);
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
    while (h->first)
        httpc_cancel(h->first);
    curl_multi_cleanup(h->multi);
    loop_timer_clear(&h->timer);
    free(h);
}

/* --- addresses ------------------------------------------------------------------------------- */

static const char *url_part(struct pool *pool, CURLU *u, CURLUPart part, unsigned flags)
{
    char *text = NULL;
    if (curl_url_get(u, part, &text, flags))
        return NULL;
    const char *copy = pool_strdup(pool, text);
    curl_free(text);
    return copy;
}

int httpc_url_parse(struct pool *pool, const char *url, struct httpc_url *out, struct err *err)
{
    CURLU *u = curl_url();
    if (!u)
        BUG("out of memory");
    int r = curl_url_set(u, CURLUPART_URL, url, 0) ? E_INVALID : 0;
    const char *scheme = r ? NULL : url_part(pool, u, CURLUPART_SCHEME, 0);
    const char *host = r ? NULL : url_part(pool, u, CURLUPART_HOST, 0);
    bool http = scheme && (!strcasecmp(scheme, "http") || !strcasecmp(scheme, "https"));
    if (http && host && *host) {
        const char *port = url_part(pool, u, CURLUPART_PORT, 0);
        const char *real = url_part(pool, u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
        *out = (struct httpc_url){
            .scheme = scheme,
            .host = host,
            .path = url_part(pool, u, CURLUPART_PATH, 0),
            .port = real ? atoi(real) : 0,
            .has_userinfo =
                url_part(pool, u, CURLUPART_USER, 0) || url_part(pool, u, CURLUPART_PASSWORD, 0),
            .origin =
                pool_printf(pool, "%s://%s%s%s", scheme, host, port ? ":" : "", port ? port : ""),
        };
    } else {
        r = E_INVALID;
    }
    curl_url_cleanup(u);
    return r ? err_set(err, r, "'%.200s' is not an http(s) address", url) : 0;
}

/* "localhost.evil.example" and "127.evil.example" are not. */
static bool is_here(const char *host)
{
    bool number = strspn(host, "0123456789.") == strlen(host);
    return (number && strncmp(host, "127.", 4) == 0) || strcmp(host, "[::1]") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

static curl_socket_t open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
    struct httpc_exchange *x = arg;
    if (!address_is_public(&address->addr)) {
        x->refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

/* --- one exchange ---------------------------------------------------------------------------- */

static size_t take_bytes(char *data, size_t size, size_t n, void *arg)
{
    struct httpc_exchange *x = arg;
    if (x->on_head || (x->on_body && x->status / 100 == 2)) {
        x->on_body(x->body_arg, data, size * n);
        return size * n;
    }
    return buf_add(&x->body, data, size * n) ? CURL_WRITEFUNC_ERROR : size * n;
}

static const char *kept_header(const struct httpc_exchange *x)
{
    struct curl_header *h;
    if (!x->want_header || curl_easy_header(x->easy, x->want_header, 0, CURLH_HEADER, -1, &h))
        return "";
    return pool_strdup(x->pool, h->value);
}

static void take_head(const struct httpc_exchange *x, struct httpc_answer *out)
{
    const char *type = NULL;
    curl_off_t retry = 0;
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_TYPE, &type);
    curl_easy_getinfo(x->easy, CURLINFO_RETRY_AFTER, &retry);
    out->status = x->status;
    out->content_type = type ? pool_strdup(x->pool, type) : "";
    out->header = kept_header(x);
    out->retry_after_s = retry > INT_MAX ? INT_MAX : (int)retry;
}

static void head_is_there(struct httpc_exchange *x, int status)
{
    struct httpc_answer head = {0};
    bool first = !x->status;
    x->status = status;
    if (!first || !x->on_head) /* trailers end like headers */
        return;
    take_head(x, &head);
    x->on_head(x->body_arg, &head);
}

/* Called per line; an empty one ends the headers, of an interim answer (1xx) too. */
static size_t take_header(char *data, size_t size, size_t n, void *arg)
{
    struct httpc_exchange *x = arg;
    long status = 0;
    x->header_bytes += size * n;
    if (x->header_bytes > CAP_HTTPC_HEADER_BYTES)
        return CURL_WRITEFUNC_ERROR;
    if (size * n <= 2 && (data[0] == '\r' || data[0] == '\n')) {
        curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
        if (status >= 200)
            head_is_there(x, (int)status);
    }
    return size * n;
}

static void set_headers(struct httpc_exchange *x, const char *const *lines)
{
    /* no "Expect: 100-continue": it costs a round trip, or a second where nobody answers it */
    x->headers = curl_slist_append(NULL, "Expect:");
    for (; lines && *lines; lines++)
        x->headers = curl_slist_append(x->headers, *lines);
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, x->headers);
}

static void set_route(struct httpc_exchange *x, const struct httpc_url *url, bool by_socket)
{
    CURL *easy = x->easy;
    bool direct = x->flags & (HTTPC_PUBLIC_ONLY | HTTPC_NO_PROXY);
    if (direct || by_socket || is_here(url->host))
        curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (direct) {
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
        curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 0L);
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    }
    if (x->flags & HTTPC_PUBLIC_ONLY) {
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
        curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, x);
    }
}

static void set_options(struct httpc_exchange *x, const struct httpc_request *req)
{
    CURL *easy = x->easy;
    curl_easy_setopt(easy, CURLOPT_URL, req->url);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "mantis/" MANTIS_VERSION);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    /* else an exchange that ends while its name is being resolved waits for the name server */
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
    if (!req->on_head) /* else it could not be lifted */
        curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)req->timeout_ms);
    else /* of HTTP/2 curl takes up to 32 MB of a stream that is paused */
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, x->why);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, x);
    curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_bytes);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, req->method);
    if (req->socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, req->socket);
    if (req->body) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)req->body_len);
        bool stays = !x->fn || x->flags & HTTPC_BODY_STAYS;
        curl_easy_setopt(easy, stays ? CURLOPT_POSTFIELDS : CURLOPT_COPYPOSTFIELDS, req->body);
    }
}

/* x: zeroed but for httpc, pool, fn and arg. */
static int begin(struct httpc_exchange *x, const struct httpc_request *req, struct err *err)
{
    struct httpc_url url;
    int r = httpc_url_parse(x->pool, req->url, &url, err);
    if (r)
        return r;
    x->easy = curl_easy_init();
    if (!x->easy)
        BUG("out of memory");
    x->origin = url.origin;
    x->flags = req->flags;
    x->timeout_ms = req->timeout_ms;
    x->max_answer_bytes = req->max_answer_bytes;
    x->body_len = req->body_len;
    x->on_head = req->on_head;
    x->on_body = req->on_body;
    x->body_arg = req->body_arg;
    x->want_header = req->want_header ? pool_strdup(x->pool, req->want_header) : NULL;
    buf_init(&x->body, req->max_answer_bytes);
    set_options(x, req);
    set_headers(x, req->headers);
    set_route(x, &url, req->socket != NULL);
    curl_multi_add_handle(x->httpc->multi, x->easy);
    return 0;
}

static void end(struct httpc_exchange *x)
{
    loop_timer_clear(&x->deadline);
    curl_multi_remove_handle(x->httpc->multi, x->easy);
    curl_easy_cleanup(x->easy);
    curl_slist_free_all(x->headers);
    buf_release(&x->body);
}

static int too_big(const struct httpc_exchange *x, struct err *err)
{
    if (x->header_bytes > CAP_HTTPC_HEADER_BYTES)
        return err_set(err, E_TOOBIG, "the headers of %s are larger than %u bytes", x->origin,
                       CAP_HTTPC_HEADER_BYTES);
    return err_set(err, E_TOOBIG, "the answer of %s is larger than %zu bytes", x->origin,
                   x->max_answer_bytes);
}

static int failed(const struct httpc_exchange *x, struct err *err)
{
    const char *why = *x->why ? x->why : curl_easy_strerror(x->code);
    switch (x->code) {
    case CURLE_COULDNT_CONNECT:
        if (x->refused)
            return err_set(err, E_FORBIDDEN, "%s is at a private address", x->origin);
        return err_set(err, E_UNAVAILABLE, "cannot reach %s: %s", x->origin, why);
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
        return err_set(err, E_UNAVAILABLE, "cannot reach %s: %s", x->origin, why);
    case CURLE_OPERATION_TIMEDOUT:
        return err_set(err, E_TIMEOUT, "no answer from %s in %g s", x->origin,
                       x->timeout_ms / 1000.0);
    case CURLE_WRITE_ERROR:
        return too_big(x, err);
    default:
        return err_set(err, E_UPSTREAM, "%s: %s", x->origin, why);
    }
}

static void take_answer(struct httpc_exchange *x, struct httpc_answer *out)
{
    take_head(x, out);
    out->len = x->body.len;
    out->body = pool_alloc(x->pool, x->body.len + 1);
    if (x->body.len)
        memcpy(out->body, x->body.data, x->body.len);
}

static int result_of(struct httpc_exchange *x, struct httpc_answer *out, struct err *err)
{
    if (x->code != CURLE_OK && !(x->status && (x->flags & HTTPC_STATUS_COUNTS)))
        return failed(x, err);
    take_answer(x, out);
    return 0;
}

/* --- with and without waiting ---------------------------------------------------------------- */

static bool is_done(void *arg)
{
    return ((struct httpc_exchange *)arg)->done;
}

int httpc_call(struct httpc *h, struct pool *pool, const struct httpc_request *req,
               struct httpc_answer *out, struct err *err)
{
    struct httpc_exchange x = {.httpc = h, .pool = pool};
    int r = begin(&x, req, err);
    if (r)
        return r;
    /* curl's own deadline ends the call; this one only bounds a curl that does not */
    r = loop_wait(h->loop, is_done, &x, clock_mono_ms() + req->timeout_ms + 1000);
    if (r == E_CANCELLED)
        r = err_set(err, r, "the request to %s was interrupted", x.origin);
    else if (r)
        r = err_set(err, r, "no answer from %s in %g s", x.origin, req->timeout_ms / 1000.0);
    else
        r = result_of(&x, out, err);
    end(&x);
    return r;
}

static void too_late(void *arg)
{
    struct httpc_exchange *x = arg;
    x->code = CURLE_OPERATION_TIMEDOUT;
    finish(x);
}

int httpc_start(struct httpc *h, const struct httpc_request *req, httpc_done_fn *fn, void *arg,
                struct httpc_exchange **out, struct err *err)
{
    struct pool *pool = pool_create(NULL);
    struct httpc_exchange *x = pool_alloc(pool, sizeof(*x));
    *x = (struct httpc_exchange){.httpc = h, .pool = pool, .fn = fn, .arg = arg};
    int r = begin(x, req, err);
    if (r) {
        pool_destroy(pool);
        return r;
    }
    x->next = h->first;
    x->link = &h->first;
    if (x->next)
        x->next->link = &x->next;
    h->first = x;
    loop_timer_set(h->loop, &x->deadline, req->timeout_ms, too_late, x);
    *out = x;
    return 0;
}

static void unlink_exchange(struct httpc_exchange *x)
{
    *x->link = x->next;
    if (x->next)
        x->next->link = x->link;
}

void httpc_cancel(struct httpc_exchange *x)
{
    unlink_exchange(x);
    end(x);
    pool_destroy(x->pool);
}

void httpc_pause(struct httpc_exchange *x, bool paused)
{
    curl_easy_pause(x->easy, paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
}

void httpc_unlimit(struct httpc_exchange *x)
{
    loop_timer_clear(&x->deadline);
}

bool httpc_body_sent(const struct httpc_exchange *x)
{
    curl_off_t sent = 0;
    curl_easy_getinfo(x->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
    return sent >= 0 && (size_t)sent >= x->body_len;
}

static void finish(struct httpc_exchange *x)
{
    struct httpc_answer answer = {0};
    struct err err = {0};
    int r = result_of(x, &answer, &err);
    unlink_exchange(x);
    end(x);
    x->fn(x->arg, r, r ? NULL : &answer, &err);
    pool_destroy(x->pool);
}
