/*
 * One request: what the handlers of a site may ask about it, and how they answer.
 */
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "site/server.h"
#include "site/template.h"
#include "sys/file.h"

#define HTML  "text/html; charset=utf-8"
#define PLAIN "text/plain; charset=utf-8"

struct site *req_site(const struct site_request *req)
{
    return req->site;
}

struct pool *req_pool(const struct site_request *req)
{
    return req->pool;
}

const char *req_path(const struct site_request *req)
{
    return req->path;
}

const char *req_rest(const struct site_request *req)
{
    return req->rest;
}

bool req_is_post(const struct site_request *req)
{
    return strcmp(req->method, "POST") == 0;
}

const json_t *req_query(const struct site_request *req)
{
    return req->query;
}

const json_t *req_form(const struct site_request *req)
{
    return req->form;
}

const char *req_arg(const struct site_request *req, const char *name, const char *def)
{
    return json_str(req->form, name, json_str(req->query, name, def));
}

int64_t req_arg_int(const struct site_request *req, const char *name, int64_t min, int64_t max,
                    int64_t def)
{
    const char *s = req_arg(req, name, "");
    char *end;
    long long v = strtoll(s, &end, 10);
    if (!*s || *end)
        return def;
    return v < min ? min : v > max ? max : v;
}

const char *req_body(const struct site_request *req, size_t *ret_len)
{
    *ret_len = req->body.len;
    return req->body.data;
}

const struct site_file *req_files(const struct site_request *req)
{
    return req->files;
}

const char *req_cookie(const struct site_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_COOKIE_KIND, name);
}

const char *req_header(const struct site_request *req, const char *name)
{
    return MHD_lookup_connection_value(req->conn, MHD_HEADER_KIND, name);
}

/* --- arguments ---------------------------------------------------------------------------- */

static void add_arg(struct pool *pool, json_t *to, const char *name, const char *value)
{
    const char *before = json_str(to, name, NULL);
    json_put_str(to, name, before ? pool_printf(pool, "%s,%s", before, value) : value);
}

static enum MHD_Result on_query(void *cls, enum MHD_ValueKind kind, const char *key,
                                const char *value)
{
    struct site_request *req = cls;
    add_arg(req->pool, req->query, key, value ? value : "");
    return MHD_YES;
}

static void add_file_piece(struct site_request *req, const char *field, const char *name,
                           const char *data, uint64_t off, size_t size)
{
    if (off == 0) {
        req->file = pool_alloc(req->pool, sizeof(*req->file));
        *req->file = (struct site_file){.field = pool_strdup(req->pool, field),
                                        .name = pool_strdup(req->pool, name)};
        *req->files_end = req->file;
        req->files_end = &req->file->next;
    }
    if (!size || !req->file)
        return;
    struct site_file *f = req->file;
    char *whole = pool_alloc(req->pool, f->len + size);
    if (f->len)
        memcpy(whole, f->data, f->len);
    memcpy(whole + f->len, data, size);
    f->data = whole;
    f->len += size;
}

/* A long value comes in pieces; off says where a piece belongs. */
static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *key,
                                const char *filename, const char *content_type,
                                const char *transfer_encoding, const char *data, uint64_t off,
                                size_t size)
{
    struct site_request *req = cls;
    if (filename) {
        if (*filename)
            add_file_piece(req, key, filename, data, off, size);
        return MHD_YES;
    }
    char *piece = pool_strndup(req->pool, data ? data : "", size);
    if (off > 0)
        json_put_str(req->form, key,
                     pool_printf(req->pool, "%s%s", json_str(req->form, key, ""), piece));
    else
        add_arg(req->pool, req->form, key, piece);
    return MHD_YES;
}

void request_read_args(struct site_request *req)
{
    MHD_get_connection_values(req->conn, MHD_GET_ARGUMENT_KIND, on_query, req);
    if (!req->body.len)
        return;
    struct MHD_PostProcessor *p = MHD_create_post_processor(req->conn, 4096, on_field, req);
    if (!p)
        return; /* not a form: the handler reads the body itself */
    MHD_post_process(p, req->body.data, req->body.len);
    MHD_destroy_post_processor(p); /* says NO when a form is cut off: then fields are missing */
}

/* --- routing ------------------------------------------------------------------------------ */

static const char *match(const char *pattern, const char *path)
{
    size_t len = strlen(pattern);
    if (len && pattern[len - 1] == '*')
        return strncmp(pattern, path, len - 1) == 0 ? path + len - 1 : NULL;
    return strcmp(pattern, path) == 0 ? path + len : NULL;
}

static unsigned method_of(const struct site_request *req)
{
    bool get = strcmp(req->method, "GET") == 0 || strcmp(req->method, "HEAD") == 0;
    return get ? SITE_GET : req_is_post(req) ? SITE_POST : 0;
}

static bool dispatch_to(struct site_request *req, const struct site_route *routes,
                        bool *other_method)
{
    unsigned method = method_of(req);
    for (; routes && routes->pattern; routes++) {
        const char *rest = match(routes->pattern, req->path);
        if (rest && (routes->methods & method)) {
            req->rest = rest;
            routes->fn(req);
            return true;
        }
        *other_method |= rest != NULL;
    }
    return false;
}

bool request_dispatch_to(struct site_request *req, const struct site_route *routes)
{
    bool other_method = false;
    return dispatch_to(req, routes, &other_method);
}

static void reply_plain(struct site_request *req, int status, const char *text)
{
    req_reply(req, status, PLAIN, text, strlen(text));
}

static void reply_missing(struct site_request *req, bool other_method)
{
    if (other_method)
        reply_plain(req, 405, "This address does not take that method.\n");
    else if (req->site->kind->missing)
        req->site->kind->missing(req);
    else
        reply_plain(req, 404, "There is nothing at this address.\n");
}

void request_dispatch(struct site_request *req)
{
    static const char files[] = "/static/";
    bool other_method = false;
    if (method_of(req) == SITE_GET && strncmp(req->path, files, sizeof(files) - 1) == 0)
        req_reply_file(req, req->path + sizeof(files) - 1);
    else if (!dispatch_to(req, control_routes, &other_method) &&
             !dispatch_to(req, req->site->kind->routes, &other_method))
        reply_missing(req, other_method);
    if (!req->response && !req->never)
        reply_plain(req, 500, "The page had no answer.\n");
}

/* --- answers ------------------------------------------------------------------------------ */

static void set_response(struct site_request *req, int status, const char *content_type,
                         struct MHD_Response *response)
{
    if (req->response)
        MHD_destroy_response(req->response);
    req->response = response;
    req->status = status;
    req_add_header(req, "Content-Type", content_type);
    req_add_header(req, "Cache-Control", "no-cache");
}

void req_reply(struct site_request *req, int status, const char *content_type, const void *data,
               size_t len)
{
    /* MHD copies, and does not write through the pointer; its prototype is older than const */
    set_response(req, status, content_type,
                 MHD_create_response_from_buffer(len, (void *)data, MHD_RESPMEM_MUST_COPY));
}

void req_reply_json(struct site_request *req, int status, json_t *value)
{
    const char *text = json_text(req->pool, json_keep(req->pool, value));
    req_reply(req, status, "application/json", text, strlen(text));
}

void req_redirect(struct site_request *req, const char *location)
{
    req_reply(req, 303, PLAIN, "", 0);
    req_add_header(req, "Location", location);
}

void req_add_header(struct site_request *req, const char *name, const char *value)
{
    if (req->response)
        MHD_add_response_header(req->response, name, value);
}

void req_delay(struct site_request *req, int64_t delay_ms)
{
    req->delay_ms = delay_ms > CAP_SITE_DELAY_MS ? CAP_SITE_DELAY_MS : delay_ms;
}

void req_never(struct site_request *req)
{
    req->never = true;
}

/* The file below dir, or NULL: names are ours, so anything unusual in one is refused. */
static char *read_site_file(struct site_request *req, const char *below, const char *name,
                            const char *suffix, size_t *ret_len)
{
    static const char usual[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
    char *data;
    if (!*name || *name == '/' || *name == '.' || strstr(name, "/.") ||
        strspn(name, usual) != strlen(name))
        return NULL;
    const char *path = pool_printf(req->pool, "%s/%s/%s%s", req->site->dir, below, name, suffix);
    return file_read(req->pool, path, CAP_SITE_PAGE_BYTES, &data, ret_len, NULL) ? NULL : data;
}

static const char *load_template(void *arg, const char *name)
{
    size_t len;
    return read_site_file(arg, "templates", name, ".html", &len);
}

void req_reply_page(struct site_request *req, int status, const char *name, const json_t *view)
{
    struct err err = {0};
    struct buf page;
    buf_init(&page, CAP_SITE_PAGE_BYTES);
    const char *text = load_template(req, name);
    int r = text ? template_render(text, view, load_template, req, &page, &err)
                 : err_set(&err, E_NOT_FOUND, "template: there is no template '%s'", name);
    if (r)
        reply_plain(req, 500, pool_printf(req->pool, "%s\n", err.msg));
    else
        req_reply(req, status, HTML, page.data, page.len);
    buf_release(&page);
}

static const char *file_type(const char *path)
{
    static const struct {
        const char *suffix, *type;
    } types[] = {
        {".css", "text/css; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".txt", PLAIN},
        {".html", HTML},
    };
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (str_ends(path, types[i].suffix))
            return types[i].type;
    return NULL;
}

void req_reply_file(struct site_request *req, const char *path)
{
    size_t len;
    const char *type = file_type(path),
               *data = type ? read_site_file(req, "static", path, "", &len) : NULL;
    if (data)
        req_reply(req, 200, type, data, len);
    else
        reply_plain(req, 404, "There is no such file.\n");
}

/* --- an answer that stops half-way -------------------------------------------------------- */

struct unfinished {
    struct site_request *req;
    const char *data;
    size_t len;
};

static ssize_t give_first_part(void *cls, uint64_t pos, char *out, size_t max)
{
    struct unfinished *u = cls;
    if (u->req->stage == REQUEST_GONE)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (pos >= u->len) {
        server_hold(u->req);
        return 0;
    }
    size_t n = u->len - (size_t)pos < max ? u->len - (size_t)pos : max;
    memcpy(out, u->data + pos, n);
    return (ssize_t)n;
}

void req_reply_unfinished(struct site_request *req, const char *content_type, const void *data,
                          size_t len)
{
    struct unfinished *u = pool_alloc(req->pool, sizeof(*u));
    *u = (struct unfinished){.req = req, .data = pool_strndup(req->pool, data, len), .len = len};
    set_response(
        req, 200, content_type,
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, give_first_part, u, NULL));
}
