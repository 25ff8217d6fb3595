/*
 * request.c - the life of one call: checks at the headers, body, handler, answer.
 */
#include "api/request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/caps.h"
#include "base/id.h"
#include "base/str.h"

/* of a traceparent header: "00-<32 hex>-<16 hex>-<2 hex>" */
#define TRACE_ID_AT     3
#define TRACE_ID_LEN    32
#define PARENT_ID_AT    36
#define PARENT_ID_LEN   16
#define TRACEPARENT_MAX 512

#define FORM      "application/x-www-form-urlencoded"
#define FORM_DATA "multipart/form-data"

static const char *header(const struct request *req, const char *name)
{
    return MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, name);
}

struct log_ctx request_log_ctx(const struct request *req, const char *run_id)
{
    return (struct log_ctx){.tenant_id = req->tenant_id,
                            .run_id = run_id,
                            .request_id = req->id,
                            .trace_id = req->trace_id};
}

/* Called with the request line as it came, before the path is decoded. */
void *request_create(void *cls, const char *uri, struct MHD_Connection *connection)
{
    struct pool *pool = pool_create(NULL);
    struct request *req = pool_alloc(pool, sizeof(*req));
    req->api = cls;
    req->connection = connection;
    req->pool = pool;
    req->bad_uri = strstr(uri, "%00") != NULL; /* would end the path early once decoded */
    /* each route has a cap of its own; its handler may put a name in */
    buf_init(&req->body, CAP_CHAT_BODY_BYTES + CAP_HTTP_SMALL_BODY_BYTES);
    return req;
}

void request_completed(void *cls, struct MHD_Connection *connection, void **con_cls,
                       enum MHD_RequestTerminationCode how)
{
    struct request *req = *con_cls;
    struct api *api = cls;
    if (!req)
        return;
    *con_cls = NULL;
    if (req->unread && how == MHD_REQUEST_TERMINATED_COMPLETED_OK)
        discard_start(
            api,
            MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd);
    conn_expect(api, connection, CONN_ANSWERED);
    bool counted = req->counted;
    buf_release(&req->body);
    pool_destroy(req->pool);
    if (counted)
        api_call_done(api);
}

static void take_id(struct request *req)
{
    const char *given = header(req, "X-Request-Id");
    if (given && strlen(given) < sizeof(req->id) && id_is_clean(given))
        memcpy(req->id, given, strlen(given) + 1);
    else
        snprintf(req->id, sizeof(req->id), "%s%08x", req->api->id_prefix, req->api->id_serial++);
}

/* Version 00 of the header (www.w3.org/TR/trace-context, section 3.2); a later version may go on
 * behind it with '-'. */
static bool is_traceparent(const char *s)
{
    static const char form[] = "xx-xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx-xxxxxxxxxxxxxxxx-xx";
    for (size_t i = 0; form[i]; i++)
        if (form[i] == 'x' ? !(s[i] && strchr("0123456789abcdef", s[i])) : s[i] != '-')
            return false;
    const char *end = s + strlen(form);
    bool version_0 = strncmp(s, "00", 2) == 0;
    return strncmp(s, "ff", 2) != 0 && (version_0 ? !*end : !*end || *end == '-') &&
           strspn(s + TRACE_ID_AT, "0") < TRACE_ID_LEN &&
           strspn(s + PARENT_ID_AT, "0") < PARENT_ID_LEN;
}

static void take_trace(struct request *req)
{
    const char *given = header(req, "traceparent");
    if (!given || strlen(given) > TRACEPARENT_MAX || !is_traceparent(given))
        return;
    req->traceparent = given;
    req->trace_id = pool_strndup(req->pool, given + TRACE_ID_AT, TRACE_ID_LEN);
}

/* Bytes of body announced; SIZE_MAX when the end is not known beforehand. */
static size_t announced(const struct request *req)
{
    const char *length = header(req, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (header(req, MHD_HTTP_HEADER_TRANSFER_ENCODING))
        return SIZE_MAX;
    return length ? strtoull(length, NULL, 10) : 0;
}

/* A tenant is good for one turn of the loop; a body may take many. */
static int know_caller(struct request *req, struct err *err)
{
    uint64_t turn = loop_turns(req->api->loop);
    if (req->route->flags & ROUTE_OPEN || (req->tenant && req->tenant_turn == turn))
        return 0;
    req->tenant_turn = turn;
    return request_authenticate(req, err);
}

/* What a proxy is sent begins with "http://host" (RFC 9112 section 3.2.2); the path is what counts.
 */
static const char *path_of(const char *url)
{
    const char *host = strncasecmp(url, "http://", 7) == 0    ? url + 7
                       : strncasecmp(url, "https://", 8) == 0 ? url + 8
                                                              : NULL;
    const char *path = host ? strchr(host, '/') : url;
    return path ? path : "/";
}

static int check_coding(const struct request *req, struct err *err)
{
    const char *coding = header(req, MHD_HTTP_HEADER_CONTENT_ENCODING);
    if (!coding || !*coding || strcasecmp(coding, "identity") == 0)
        return 0;
    return err_set(err, E_INVALID, "Content-Encoding '%.40s' is not supported; send plain JSON",
                   coding);
}

/* What the headers alone decide: 404, 405, 401, 403, 400, 413. */
static int admit(struct request *req, size_t body_bytes, struct err *err)
{
    int r = req->bad_uri ? E_NOT_FOUND
                         : route_match(req->pool, req->method, req->path, &req->route, req->params,
                                       &req->allow);
    if (r)
        return err_set(err, r, "%s", req->allow ? "Method Not Allowed" : "Not Found");
    r = know_caller(req, err);
    if (!r && req->route->body_cap)
        r = check_coding(req, err);
    if (!r && body_bytes != SIZE_MAX && req->route->body_cap && body_bytes > req->route->body_cap)
        r = err_set(err, E_TOOBIG, "the request body has %zu bytes; %s takes at most %zu",
                    body_bytes, req->route->pattern, req->route->body_cap);
    return r;
}

static enum MHD_Result answered(struct request *req)
{
    req->stage = REQUEST_ANSWERED;
    return req->broken ? MHD_NO : MHD_YES;
}

/* libmicrohttpd takes an answer before the body of these only; it then closes the connection. */
static bool may_answer_early(const struct request *req)
{
    return strcmp(req->method, "POST") == 0 || strcmp(req->method, "PUT") == 0;
}

/* Answered when the body is out of the way. */
static void refuse(struct request *req, int code, const struct err *err)
{
    struct err *kept = pool_alloc(req->pool, sizeof(*kept));
    *kept = *err;
    req->refusal = code;
    req->refusal_err = kept;
}

static enum MHD_Result begin(struct request *req, const char *url, const char *method,
                             const char *version)
{
    size_t body_bytes = announced(req);
    struct err err = {0};
    req->method = pool_strdup(req->pool, method);
    req->path = pool_strdup(req->pool, path_of(url));
    req->counted = true;
    req->api->in_progress++;
    take_id(req);
    take_trace(req);
    conn_expect(req->api, req->connection, CONN_BODY);
    int r = request_check_headers(req, version, &err);
    bool last = r != 0; /* where the next call begins is anybody's guess */
    if (!last)
        r = admit(req, body_bytes, &err);
    if (r)
        refuse(req, r, &err);
    req->stage = req->refusal || !req->route->body_cap ? REQUEST_DISCARD : REQUEST_BODY;
    if (req->refusal && (last || body_bytes > CAP_HTTP_SMALL_BODY_BYTES) && may_answer_early(req)) {
        req->unread = true;
        conn_expect(req->api, req->connection, CONN_ANSWER);
        respond_error(req, req->refusal, req->refusal_err);
        return answered(req);
    }
    if (last)
        req->more[0] = (struct answer_header){MHD_HTTP_HEADER_CONNECTION, "close"};
    return MHD_YES;
}

static enum MHD_Result take_body(struct request *req, const char *data, size_t len)
{
    struct err err = {0};
    if (req->stage == REQUEST_BODY && req->body.len + len > req->route->body_cap) {
        err_set(&err, E_TOOBIG, "the request body is larger than the %zu bytes that %s takes",
                req->route->body_cap, req->route->pattern);
        refuse(req, E_TOOBIG, &err);
        req->discarded = req->body.len;
        req->stage = REQUEST_DISCARD;
        buf_release(&req->body);
    }
    if (req->stage == REQUEST_DISCARD) {
        req->discarded += len;
        return req->discarded > CAP_HTTP_DISCARD_BYTES ? MHD_NO : MHD_YES;
    }
    return buf_add(&req->body, data, len) ? MHD_NO : MHD_YES;
}

/* A JSON body is taken whatever it calls itself: curl -d calls it a form. */
static bool is_form(const struct request *req)
{
    const char *type = header(req, MHD_HTTP_HEADER_CONTENT_TYPE);
    const char *first = req->body.data + strspn(req->body.data, " \t\r\n");
    return type && !strchr("{[\"", *first) &&
           (strncasecmp(type, FORM, strlen(FORM)) == 0 ||
            strncasecmp(type, FORM_DATA, strlen(FORM_DATA)) == 0);
}

int request_read_json(struct request *req, struct err *err)
{
    json_t *json;
    if (!req->body.len)
        return err_set(err, E_INVALID, "the request body is empty; send a JSON object");
    int r = json_parse_named(req->body.data, req->body.len, "request body", &json, err);
    if (r && is_form(req))
        return err_set(err, r, "the request body is an HTML form; send a JSON object");
    if (r)
        return r;
    req->json = json_keep(req->pool, json);
    if (!json_is_object(json))
        return err_set(err, E_INVALID, "the request body must be a JSON object");
    return 0;
}

static int handle(struct request *req, struct err *err)
{
    if (req->refusal) {
        *err = *req->refusal_err;
        return req->refusal;
    }
    int r = know_caller(req, err);
    if (!r && req->route->flags & ROUTE_JSON)
        r = request_read_json(req, err);
    return r ? r : req->route->handle(req, err);
}

static enum MHD_Result finish(struct request *req, int r, const struct err *err)
{
    if (r)
        respond_error(req, r, err);
    return req->stage == REQUEST_WAITING ? MHD_YES : answered(req);
}

enum MHD_Result request_turn(void *cls, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *data,
                             size_t *size, void **con_cls)
{
    struct request *req = *con_cls;
    struct err err = {0};
    if (req->stage == REQUEST_NEW)
        return begin(req, url, method, version);
    if (*size) {
        size_t len = *size;
        *size = 0;
        return take_body(req, data, len);
    }
    if (req->stage == REQUEST_WAITING) /* the daemon may ask once more before it is suspended */
        return req->hold.httpd ? MHD_YES : request_go_on(req);
    conn_expect(req->api, connection, CONN_ANSWER);
    int r = handle(req, &err);
    return finish(req, r, &err);
}
