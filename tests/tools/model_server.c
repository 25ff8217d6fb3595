#include "tools/model_server.h"

#include <arpa/inet.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/str.h"
#include "tools/model_forms.h"
#include "tools/model_script.h"

#define BODY_BYTES   (64u << 20)
#define SLOTS        8
#define IMAGE_TOKENS 1000
#define TOKEN_BYTES  4

struct scripted_server {
    struct MHD_Daemon *daemon;
    struct pool *pool;
    struct model_script *script;
    FILE *record; /* NULL none */
    char *socket;
    int port, stop_fd; /* stop_fd: readable once the server is being stopped */
    int64_t started_ms;

    pthread_mutex_t lock; /* of what follows, the script's uses and the record */
    int count;
    char *slots[SLOTS]; /* texts of the last prompt */
};

/* One request and its answer; lives as long as its exchange. */
struct exchange {
    struct scripted_server *server;
    struct pool *pool;
    struct MHD_Connection *conn;
    struct buf body;
    int n; /* from 1 */

    int status;
    int retry_after;    /* s, 0 none */
    const json_t *rule; /* NULL none */
    struct model_pieces answer;
    int piece;       /* being sent */
    size_t sent;     /* of it */
    int pieces_left; /* before the answer is cut off; negative: it is not */
};

/* --- texts of a request ---------------------------------------------------------------------- */

struct texts {
    struct buf all;
    int images;
};

static void gather(struct texts *t, const char *key, const json_t *value)
{
    const char *name;
    json_t *v;
    size_t i;
    if (json_is_string(value)) {
        const char *text = json_string_value(value);
        bool image = !strcmp(key, "data") || str_starts(text, "data:");
        t->images += image;
        if (!image) {
            buf_adds(&t->all, text);
            buf_addc(&t->all, '\n');
        }
    }
    json_array_foreach ((json_t *)value, i, v)
        gather(t, key, v);
    json_object_foreach ((json_t *)value, name, v)
        gather(t, name, v);
}

static size_t common(const char *a, const char *b)
{
    size_t n = 0;
    while (a && a[n] && a[n] == b[n])
        n++;
    return n;
}

/* The slot's last prompt gives way to this one. */
static int64_t reused(struct scripted_server *s, const json_t *body, const char *texts)
{
    char **slot = &s->slots[(unsigned)json_int(body, "id_slot", 0) % SLOTS];
    size_t same = json_flag(body, "cache_prompt", true) ? common(*slot, texts) : 0;
    free(*slot);
    *slot = strdup(texts);
    return (int64_t)(same / TOKEN_BYTES);
}

/* --- the record ------------------------------------------------------------------------------ */

static enum MHD_Result add_header(void *arg, enum MHD_ValueKind kind, const char *name,
                                  const char *value)
{
    json_put((json_t *)arg, name, json_string_safe(value ? value : ""));
    return MHD_YES;
}

static void write_line(struct scripted_server *s, json_t *line)
{
    if (s->record) {
        json_dumpf(line, s->record, JSON_COMPACT);
        fputc('\n', s->record);
        fflush(s->record);
    }
    json_decref(line);
}

static void record(struct exchange *x, const char *method, const char *path, const json_t *body,
                   int rule)
{
    json_t *headers = json_object();
    MHD_get_connection_values(x->conn, MHD_HEADER_KIND, add_header, headers);
    json_t *line = json_pack("{s:i,s:s,s:s,s:o,s:i,s:i}", "n", x->n, "method", method, "path", path,
                             "headers", headers, "rule", rule, "status", x->status);
    json_put(line, "body", body ? json_incref((json_t *)body) : json_string_safe(x->body.data));
    write_line(x->server, line);
}

/* --- answers --------------------------------------------------------------------------------- */

static void whole(struct exchange *x, int status, json_t *body)
{
    x->status = status;
    x->answer = (struct model_pieces){.pieces = pool_alloc(x->pool, sizeof(char *)),
                                      .n = 1,
                                      .type = "application/json; charset=utf-8"};
    x->answer.pieces[0] = json_text(x->pool, body);
    json_decref(body);
}

static void refuse(struct exchange *x, enum model_api api, int status, const char *message)
{
    x->status = status;
    model_error(x->pool, api, status, message, &x->answer);
}

static bool loading(const struct scripted_server *s)
{
    return clock_mono_ms() < s->started_ms + model_script_loading_ms(s->script);
}

static bool has_key(struct exchange *x)
{
    const char *key = model_script_key(x->server->script);
    const char *own = MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, "x-api-key");
    const char *bearer = MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, "Authorization");
    return !*key || (own && !strcmp(own, key)) ||
           (bearer && !strncasecmp(bearer, "Bearer ", 7) && !strcmp(bearer + 7, key));
}

static int health(struct exchange *x, enum model_api api, const json_t *body)
{
    if (loading(x->server))
        refuse(x, api, 503, "Loading model");
    else
        whole(x, 200, json_pack("{s:s}", "status", "ok"));
    return -1;
}

static int models(struct exchange *x, enum model_api api, const json_t *body)
{
    bool anthropic = MHD_lookup_connection_value(x->conn, MHD_HEADER_KIND, "anthropic-version");
    json_t *list = json_array(), *name;
    size_t i;
    json_array_foreach ((json_t *)model_script_models(x->server->script), i, name)
        json_push(list, anthropic
                            ? json_pack("{s:s,s:O,s:O,s:s}", "type", "model", "id", name,
                                        "display_name", name, "created_at", "2026-01-01T00:00:00Z")
                            : json_pack("{s:O,s:s,s:i,s:s}", "id", name, "object", "model",
                                        "created", 0, "owned_by", "script"));
    whole(x, 200,
          anthropic
              ? json_pack("{s:o,s:b,s:n,s:n}", "data", list, "has_more", 0, "first_id", "last_id")
              : json_pack("{s:s,s:o}", "object", "list", "data", list));
    return -1;
}

static void spoil(struct exchange *x)
{
    const char *fault = json_str(x->rule, "fault", "");
    struct model_pieces *a = &x->answer;
    if (!strcmp(fault, "cut"))
        x->pieces_left = a->n / 2;
    if (!strcmp(fault, "bad_json")) {
        const char *last = a->pieces[a->n / 2];
        const char *begun = pool_strndup(x->pool, last, strlen(last) / 2);
        a->pieces[a->n / 2] = pool_printf(x->pool, "%s\n\n", begun);
    }
}

static void say(struct exchange *x, enum model_api api, const json_t *body, struct texts *t)
{
    const json_t *usage = json_object_get(x->rule, "usage");
    const char *first =
        json_string_value(json_array_get(model_script_models(x->server->script), 0));
    int64_t cached = api == MODEL_OPENAI ? reused(x->server, body, t->all.data) : 0;
    struct model_saying saying = {
        .api = api,
        .serial = x->n,
        .model = json_str(body, "model", first),
        .rule = x->rule,
        .usage = {.input = json_int(usage, "input",
                                    (int64_t)t->all.len / TOKEN_BYTES + IMAGE_TOKENS * t->images),
                  .output = json_int(usage, "output", model_words_count(x->rule)),
                  .cached = json_int(usage, "cached", cached)},
        .with_usage = json_flag(json_object_get(body, "stream_options"), "include_usage", false)};
    x->status = 200;
    if (json_flag(body, "stream", false))
        model_stream(x->pool, &saying, &x->answer);
    else
        model_whole(x->pool, &saying, &x->answer);
    spoil(x);
}

static int chat(struct exchange *x, enum model_api api, const json_t *body)
{
    struct texts t = {0};
    int rule = -1;
    buf_init(&t.all, BODY_BYTES);
    gather(&t, "", body);
    if (!json_array_size(json_object_get(body, "messages"))) {
        refuse(x, api, 400, "messages: must be a list of messages");
    } else if ((rule = model_script_choose(x->server->script, t.all.data ? t.all.data : "")) < 0) {
        refuse(x, api, 500, "no rule of the script is for this request");
    } else {
        x->rule = model_script_rule(x->server->script, rule);
        x->retry_after = (int)json_int(x->rule, "retry_after", 0);
        int status = (int)json_int(x->rule, "status", 200);
        if (status != 200)
            refuse(x, api, status, json_str(x->rule, "message", "said by the script"));
        else
            say(x, api, body, &t);
    }
    buf_release(&t.all);
    return rule;
}

static const struct route {
    const char *method, *path; /* path: behind /v1, which may be left out */
    bool open;                 /* without a key */
    enum model_api api;
    int (*answer)(struct exchange *x, enum model_api api,
                  const json_t *body); /* the rule, -1 none */
} routes[] = {
    {"GET", "/health", true, MODEL_OPENAI, health},
    {"GET", "/models", false, MODEL_OPENAI, models},
    {"POST", "/chat/completions", false, MODEL_OPENAI, chat},
    {"POST", "/messages", false, MODEL_ANTHROPIC, chat},
};

static const struct route *route_of(const char *method, const char *url)
{
    const char *path = str_starts(url, "/v1/") ? url + 3 : url;
    for (size_t i = 0; i < ARRAY_SIZE(routes); i++)
        if (!strcmp(routes[i].method, method) && !strcmp(routes[i].path, path))
            return &routes[i];
    return NULL;
}

/* Under the lock. */
static void choose(struct exchange *x, const char *method, const char *url)
{
    const struct route *route = route_of(method, url);
    json_t *body = NULL;
    struct err err = {0};
    int rule = -1;
    x->n = ++x->server->count;
    if (!route)
        refuse(x, MODEL_OPENAI, 404, "there is no such address");
    else if (!route->open && !has_key(x))
        refuse(x, route->api, 401, "the key is not valid");
    else if (route->answer == chat && loading(x->server))
        refuse(x, route->api, 503, "Loading model");
    else if (x->body.len && json_parse(x->body.data, x->body.len, "body", &body, &err))
        refuse(x, route->api, 400, err.msg);
    else
        rule = route->answer(x, route->api, body);
    record(x, method, url, body, rule);
    json_decref(body);
}

/* --- sending --------------------------------------------------------------------------------- */

/* True: the server is being stopped, or the client left. ms < 0: until then. */
static bool held(struct exchange *x, int ms)
{
    int fd = MHD_get_connection_info(x->conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    struct pollfd p[] = {{.fd = x->server->stop_fd, .events = POLLIN},
                         {.fd = fd, .events = POLLRDHUP}};
    return ms && poll(p, 2, ms) > 0;
}

static ssize_t more(void *arg, uint64_t at, char *to, size_t max)
{
    struct exchange *x = arg;
    if (x->piece == x->answer.n)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (!x->sent && x->piece && held(x, (int)json_int(x->rule, "pace_ms", 0)))
        return MHD_CONTENT_READER_END_WITH_ERROR;
    const char *piece = x->answer.pieces[x->piece];
    size_t len = strlen(piece), left = len - x->sent, n = left < max ? left : max;
    if (x->pieces_left == x->piece) { /* half of it, then the end */
        if (x->sent)
            return MHD_CONTENT_READER_END_WITH_ERROR;
        n = n < len / 2 + 1 ? n : len / 2 + 1;
    }
    memcpy(to, piece + x->sent, n);
    x->sent += n;
    if (x->sent == len) {
        x->piece++;
        x->sent = 0;
    }
    return (ssize_t)n;
}

static enum MHD_Result send_answer(struct exchange *x)
{
    bool streamed = x->answer.n > 1;
    uint64_t size = streamed ? MHD_SIZE_UNKNOWN : strlen(x->answer.pieces[0]);
    struct MHD_Response *r = MHD_create_response_from_callback(size, 64 << 10, more, x, NULL);
    MHD_add_response_header(r, "Content-Type", x->answer.type);
    if (streamed)
        MHD_add_response_header(r, "Cache-Control", "no-cache");
    if (x->retry_after)
        MHD_add_response_header(r, "Retry-After", pool_printf(x->pool, "%d", x->retry_after));
    enum MHD_Result ok = MHD_queue_response(x->conn, (unsigned)x->status, r);
    MHD_destroy_response(r);
    return ok;
}

static struct exchange *begin(struct scripted_server *s, struct MHD_Connection *conn)
{
    struct pool *pool = pool_create(NULL);
    struct exchange *x = pool_alloc(pool, sizeof(*x));
    *x = (struct exchange){.server = s, .pool = pool, .conn = conn, .pieces_left = -1};
    buf_init(&x->body, BODY_BYTES);
    return x;
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *conn, const char *url,
                                  const char *method, const char *version, const char *data,
                                  size_t *data_size, void **state)
{
    struct scripted_server *s = arg;
    struct exchange *x = *state;
    if (!x) { /* headers only */
        *state = begin(s, conn);
        return MHD_YES;
    }
    if (*data_size) {
        int r = buf_add(&x->body, data, *data_size);
        *data_size = 0;
        return r ? MHD_NO : MHD_YES;
    }
    pthread_mutex_lock(&s->lock);
    choose(x, method, url);
    pthread_mutex_unlock(&s->lock);
    bool silent = !strcmp(json_str(x->rule, "fault", ""), "silence");
    if (held(x, silent ? -1 : (int)json_int(x->rule, "delay_ms", 0)))
        return MHD_NO;
    return send_answer(x);
}

static void on_end(void *arg, struct MHD_Connection *conn, void **state,
                   enum MHD_RequestTerminationCode how)
{
    struct scripted_server *s = arg;
    struct exchange *x = *state;
    if (!x)
        return;
    bool cut = x->pieces_left >= 0 && x->piece == x->pieces_left;
    pthread_mutex_lock(&s->lock);
    if (how != MHD_REQUEST_TERMINATED_COMPLETED_OK && !cut)
        write_line(s, json_pack("{s:i,s:s}", "n", x->n, "ended", "aborted"));
    pthread_mutex_unlock(&s->lock);
    buf_release(&x->body);
    pool_destroy(x->pool);
}

/* --- start and stop -------------------------------------------------------------------------- */

static int listen_at(const char *path, struct err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (strlen(path) >= sizeof(addr.sun_path) || fd < 0) {
        if (fd >= 0)
            close(fd);
        return err_set(err, E_INVALID, "'%.200s' cannot be a socket", path);
    }
    memcpy(addr.sun_path, path, strlen(path));
    if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || listen(fd, 64)) {
        int r = err_sys(err, E_IO, "cannot listen at '%.200s'", path);
        close(fd);
        return r;
    }
    return fd;
}

static int start_daemon(struct scripted_server *s, const struct model_server_config *c,
                        struct err *err)
{
    const unsigned flags =
        MHD_USE_THREAD_PER_CONNECTION | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_POLL;
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)c->port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = c->socket ? listen_at(c->socket, err) : -1;
    if (c->socket && fd < 0)
        return fd;
    struct MHD_OptionItem where[] = {{MHD_OPTION_SOCK_ADDR, 0, &addr}, {MHD_OPTION_END, 0, NULL}};
    if (c->socket)
        where[0] = (struct MHD_OptionItem){MHD_OPTION_LISTEN_SOCKET, fd, NULL};
    s->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, s, MHD_OPTION_ARRAY, where,
                                 MHD_OPTION_NOTIFY_COMPLETED, on_end, s, MHD_OPTION_END);
    if (!s->daemon && fd >= 0)
        close(fd);
    if (!s->daemon)
        return err_set(err, E_IO, "cannot listen on 127.0.0.1, port %d", c->port);
    if (!c->socket)
        s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return 0;
}

int model_server_start(const struct model_server_config *c, struct scripted_server **out,
                       struct err *err)
{
    struct scripted_server *s = calloc(1, sizeof(*s));
    if (!s)
        BUG("out of memory");
    s->pool = pool_create(NULL);
    s->stop_fd = eventfd(0, EFD_CLOEXEC);
    s->started_ms = clock_mono_ms();
    s->socket = c->socket ? pool_strdup(s->pool, c->socket) : NULL;
    pthread_mutex_init(&s->lock, NULL);
    int r = model_script_read(s->pool, c->script, &s->script, err);
    if (!r && c->record && !(s->record = fopen(c->record, "we")))
        r = err_sys(err, E_IO, "cannot write '%.200s'", c->record);
    if (!r)
        r = start_daemon(s, c, err);
    if (r)
        model_server_stop(s);
    else
        *out = s;
    return r;
}

void model_server_stop(struct scripted_server *s)
{
    if (!s)
        return;
    eventfd_write(s->stop_fd, 1);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    if (s->daemon && s->socket)
        unlink(s->socket);
    if (s->record)
        fclose(s->record);
    for (int i = 0; i < SLOTS; i++)
        free(s->slots[i]);
    close(s->stop_fd);
    pthread_mutex_destroy(&s->lock);
    pool_destroy(s->pool);
    free(s);
}

int model_server_port(const struct scripted_server *s)
{
    return s->port;
}

int model_server_count(struct scripted_server *s)
{
    pthread_mutex_lock(&s->lock);
    int n = s->count;
    pthread_mutex_unlock(&s->lock);
    return n;
}
