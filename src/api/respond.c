/*
 * respond.c - every answer: JSON, a file, or an error with its one log line.
 */
#include "api/request.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/caps.h"

#define LOG_PATH_BYTES      200
#define RETRY_AFTER_BUSY_S  6  /* over the tenant's live runs (http-api.md section 12) */
#define RETRY_AFTER_DRAIN_S 10 /* the next server is up by then */

/* An empty value cannot be sent and is left out. */
static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
    MHD_add_response_header(response, name, value);
}

static void add_number(struct MHD_Response *response, const char *name, int64_t value)
{
    char text[24];
    snprintf(text, sizeof(text), "%" PRId64, value);
    add_header(response, name, text);
}

/* Once the bucket was asked, every answer says how it stands (http-api.md section 12). */
static void add_limits(const struct request *req, struct MHD_Response *response)
{
    if (req->rated && req->rate.limit > 0) {
        add_number(response, "X-RateLimit-Limit", req->rate.limit);
        add_number(response, "X-RateLimit-Remaining", req->rate.remaining);
        add_number(response, "X-RateLimit-Reset", req->rate.reset_unix_s);
    }
    if (req->retry_after_s > 0)
        add_number(response, MHD_HTTP_HEADER_RETRY_AFTER, req->retry_after_s);
}

/* Outcomes of mantis_predict_requests_total (section 18) by status. */
static const char *outcome_of(int status)
{
    static const struct {
        int status;
        const char *outcome;
    } known[] = {{404, "not_found"}, {429, "rate_limited"}};
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].status == status)
            return known[i].outcome;
    return status < 400 ? "ok" : status < 500 ? "bad_request" : "error";
}

static void send_response(struct request *req, int status, struct MHD_Response *response)
{
    add_header(response, "X-Request-Id", req->id);
    if (req->allow)
        add_header(response, MHD_HTTP_HEADER_ALLOW, req->allow);
    if (req->rated || req->retry_after_s)
        add_limits(req, response);
    if (req->replayed)
        add_header(response, "Idempotency-Replayed", "true");
    for (size_t i = 0; i < REQUEST_MORE_HEADERS && req->more[i].name; i++)
        add_header(response, req->more[i].name, req->more[i].value);
    if (req->unread || req->api->draining)
        add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    if (req->mode && req->tenant_id)
        meters_predict(req->api->meters, req->tenant_id, req->mode,
                       req->outcome ? req->outcome : outcome_of(status));
    req->broken = MHD_queue_response(req->connection, (unsigned)status, response) != MHD_YES;
    MHD_destroy_response(response);
}

static int respond(struct request *req, int status, const char *mime, struct MHD_Response *response)
{
    if (!response)
        BUG("cannot make the answer to %s", req->path);
    add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, mime);
    send_response(req, status, response);
    return 0;
}

int respond_json(struct request *req, int status, const json_t *doc)
{
    char *text = json_dumps(doc, JSON_FOR_CALLERS);
    if (!text)
        BUG("cannot print the answer to %s", req->path);
    return respond(req, status, "application/json",
                   MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE));
}

/* The library does not write to what it sends. */
static void *unconst(const void *data)
{
    return (void *)(uintptr_t)data;
}

int respond_text(struct request *req, int status, const char *mime, const char *text, size_t len)
{
    return respond(req, status, mime,
                   MHD_create_response_from_buffer(len, unconst(text), MHD_RESPMEM_MUST_COPY));
}

int respond_kept(struct request *req, int status, const char *mime, const void *data, size_t len)
{
    return respond(req, status, mime,
                   MHD_create_response_from_buffer(len, unconst(data), MHD_RESPMEM_PERSISTENT));
}

int respond_static(struct request *req, const char *mime, const void *data, size_t len)
{
    return respond_kept(req, MHD_HTTP_OK, mime, data, len);
}

int respond_stream(struct request *req, const char *mime, MHD_ContentReaderCallback read, void *arg)
{
    /* The library would end the answer to a HEAD with an empty chunk, as if the next one. */
    struct MHD_Response *response =
        strcmp(req->method, MHD_HTTP_METHOD_HEAD) == 0
            ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
            : MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, CAP_STREAM_BLOCK_BYTES / 4, read,
                                                arg, NULL);
    if (!response)
        BUG("cannot make the answer to %s", req->path);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    add_header(response, "X-Accel-Buffering", "no");
    return respond(req, MHD_HTTP_OK, mime, response);
}

int respond_upgrade(struct request *req, const char *protocol, const char *accept, MHD_UpgradeHandler fn,
                    void *arg)
{
    struct MHD_Response *response = MHD_create_response_for_upgrade(fn, arg);
    if (!response)
        BUG("cannot make the answer to %s", req->path);
    add_header(response, MHD_HTTP_HEADER_UPGRADE, protocol);
    add_header(response, "Sec-WebSocket-Accept", accept);
    send_response(req, MHD_HTTP_SWITCHING_PROTOCOLS, response);
    return 0;
}

/* ---- files ---- */

static const char *header(const struct request *req, const char *name)
{
    const char *value = MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
    return value ? value : "";
}

/* A file that is written anew, or grows, is another one. */
static const char *etag_of(struct request *req, const struct stat *st)
{
    return pool_printf(req->pool, "\"%llx-%llx-%llx\"", (unsigned long long)st->st_ino,
                       (unsigned long long)st->st_size,
                       (unsigned long long)st->st_mtim.tv_sec * 1000000000ull +
                           (unsigned long long)st->st_mtim.tv_nsec);
}

/* If-None-Match: one of a list, or any (RFC 9110 section 13.1.2). */
static bool is_known(const struct request *req, const char *etag)
{
    const char *list = header(req, MHD_HTTP_HEADER_IF_NONE_MATCH);
    return strcmp(list, "*") == 0 || strstr(list, etag) != NULL;
}

static const char *whole_number(const char *text, int64_t *out)
{
    int64_t n = 0;
    const char *p = text;
    for (; *p >= '0' && *p <= '9'; p++)
        if (n < INT64_MAX / 10 - 9)
            n = n * 10 + (*p - '0');
    *out = p == text ? -1 : n;
    return p;
}

/* RFC 9110 section 14: one range of bytes. 206, 416, or 200 for what is to be passed over: several
 * ranges, other units, a range of another version of the file. */
static int range_of(const struct request *req, const char *etag, int64_t size, int64_t *from,
                    int64_t *len)
{
    const char *text = header(req, MHD_HTTP_HEADER_RANGE),
               *only = header(req, MHD_HTTP_HEADER_IF_RANGE);
    int64_t first, last;
    *from = 0;
    *len = size;
    if (strncmp(text, "bytes=", 6) != 0 || (*only && strcmp(only, etag) != 0))
        return MHD_HTTP_OK;
    text = whole_number(text + 6, &first);
    if (*text != '-' || *whole_number(text + 1, &last) || (first < 0 && last < 0) ||
        (first >= 0 && last >= 0 && last < first))
        return MHD_HTTP_OK;
    if (first < 0) { /* so many at the end */
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (last < 0 || last >= size) {
        last = size - 1;
    }
    if (first >= size || last < first)
        return MHD_HTTP_RANGE_NOT_SATISFIABLE;
    *from = first;
    *len = last - first + 1;
    return MHD_HTTP_PARTIAL_CONTENT;
}

static void add_file_headers(struct request *req, struct MHD_Response *response, const char *etag,
                             const char *download_name)
{
    add_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION,
               pool_printf(req->pool, "attachment; filename=\"%s\"", download_name));
    add_header(response, "X-Content-Type-Options", "nosniff");
    add_header(response, MHD_HTTP_HEADER_ACCEPT_RANGES, "bytes");
    add_header(response, MHD_HTTP_HEADER_ETAG, etag);
    add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "private, no-cache");
}

static int refuse_range(struct request *req, int64_t size, const char *name)
{
    char text[300];
    json_t *doc =
        json_pack("{s:o}", "detail",
                  json_string_safe(pool_printf(
                      req->pool, "'%s' has %" PRId64 " bytes, and none where 'Range' asks for them",
                      name, size)));
    size_t len = json_dumpb(doc, text, sizeof(text), JSON_FOR_CALLERS);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(len < sizeof(text) ? len : 0, text, MHD_RESPMEM_MUST_COPY);
    json_decref(doc);
    if (response)
        add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE,
                   pool_printf(req->pool, "bytes */%" PRId64, size));
    return respond(req, MHD_HTTP_RANGE_NOT_SATISFIABLE, "application/json", response);
}

int respond_file(struct request *req, int fd, const char *mime, const char *download_name,
                 struct err *err)
{
    struct stat st;
    int64_t from, len;
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_sys(err, E_IO, "cannot read '%s'", download_name);
    }
    const char *etag = etag_of(req, &st);
    int status =
        is_known(req, etag) ? MHD_HTTP_NOT_MODIFIED : range_of(req, etag, st.st_size, &from, &len);
    if (status == MHD_HTTP_RANGE_NOT_SATISFIABLE) {
        close(fd);
        return refuse_range(req, st.st_size, download_name);
    }
    bool empty = status == MHD_HTTP_NOT_MODIFIED;
    struct MHD_Response *response =
        empty ? MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT)
              : MHD_create_response_from_fd_at_offset64((uint64_t)len, fd, (uint64_t)from);
    if (!response)
        BUG("cannot make a response from a file");
    if (empty)
        close(fd);
    add_file_headers(req, response, etag, download_name);
    if (status == MHD_HTTP_PARTIAL_CONTENT)
        add_header(response, MHD_HTTP_HEADER_CONTENT_RANGE,
                   pool_printf(req->pool, "bytes %" PRId64 "-%" PRId64 "/%" PRId64, from,
                               from + len - 1, (int64_t)st.st_size));
    return respond(req, status, mime, response);
}

/* Errors of our own house may name paths; callers get the id under which the log has the reason. */
static bool is_our_own(int code)
{
    return err_http_status(code) == MHD_HTTP_INTERNAL_SERVER_ERROR;
}

/* Which passes. */
static bool disk_is_full(int code, const struct err *err)
{
    return is_our_own(code) && (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT);
}

static const char *detail_for_caller(struct request *req, int code, const struct err *err)
{
    if (!is_our_own(code))
        return err->msg;
    if (disk_is_full(code, err))
        return pool_printf(req->pool,
                           "the server's disk is full; its log has more under request id '%s'",
                           req->id);
    return pool_printf(
        req->pool,
        "the server could not do this (%s); its log has the reason under request id '%s'",
        err_name(code), req->id);
}

/* [{"type","loc","msg","input"}] */
static json_t *bad_value_detail(const struct bad_value *bad, const char *msg)
{
    json_t *list = json_array(), *one = json_object(), *loc = json_array();
    json_push(loc, json_string(bad->where));
    json_push(loc, json_string(bad->name));
    json_put_str(one, "type", bad->type);
    json_put(one, "loc", loc);
    json_put(one, "msg", json_string_safe(msg));
    json_put(one, "input", json_string_safe(bad->input));
    json_push(list, one);
    return list;
}

static json_t *make_detail(struct request *req, int code, const struct err *err)
{
    if (code == E_UNPROCESSABLE && req->bad_value.where)
        return bad_value_detail(&req->bad_value, err->msg);
    return json_string_safe(detail_for_caller(req, code, err));
}

/* What OpenAI's clients show and decide by. */
static json_t *make_openai_error(int code, int status, const json_t *detail)
{
    static const struct {
        int status;
        const char *type;
    } known[] = {{401, "authentication_error"},
                 {403, "permission_error"},
                 {429, "rate_limit_error"},
                 {502, "upstream_error"},
                 {504, "upstream_error"}};
    const char *type = status < 500 ? "invalid_request_error" : "server_error";
    for (size_t i = 0; i < ARRAY_SIZE(known); i++)
        if (known[i].status == status)
            type = known[i].type;
    json_t *error = json_object();
    json_put_str(error, "message", json_string_value(detail));
    json_put_str(error, "type", type);
    json_put(error, "param", json_null());
    json_put_str(error, "code", err_name(code));
    return error;
}

/* Every 429 says when to come back; so does a 503 when that is known. */
static void think_of_retry(struct request *req, int status)
{
    if (req->retry_after_s)
        return;
    if (status == MHD_HTTP_TOO_MANY_REQUESTS)
        req->retry_after_s = req->rate.retry_after_s ? req->rate.retry_after_s : RETRY_AFTER_BUSY_S;
    else if (status == MHD_HTTP_SERVICE_UNAVAILABLE && req->api->draining)
        req->retry_after_s = RETRY_AFTER_DRAIN_S;
}

void respond_error(struct request *req, int code, const struct err *err)
{
    int status = req->allow                ? MHD_HTTP_METHOD_NOT_ALLOWED
                 : disk_is_full(code, err) ? MHD_HTTP_SERVICE_UNAVAILABLE
                                           : err_http_status(code);
    char ip[INET6_ADDRSTRLEN];
    struct log_ctx ctx = request_log_ctx(req, NULL);
    ctx.client = request_client(req, ip);
    log_msg(is_our_own(code) ? LOG_ERROR : LOG_INFO, "mantis.server", &ctx,
            "refused status=%d method=%s path=%.*s client=%s reason=%s", status, req->method,
            LOG_PATH_BYTES, req->path, ctx.client, req->log_reason ? req->log_reason : err->msg);
    think_of_retry(req, status);
    json_t *doc = json_keep(req->pool, json_object());
    json_put(doc, "detail", make_detail(req, code, err));
    if (req->route && req->route->flags & ROUTE_OPENAI)
        json_put(doc, "error", make_openai_error(code, status, json_object_get(doc, "detail")));
    respond_json(req, status, doc);
}
