#include "api/chat.h"

#include <string.h>
#include <strings.h>

#include "base/str.h"

/* http-api.md section 7, and what RFC 9110 section 7.6.1 keeps on one connection. */
static const char *const kept_here[] = {
    "Host",       "Content-Length",  "Transfer-Encoding",
    "Connection", "X-Mantis-Token",  "Authorization",
    "Cookie",     "Accept-Encoding", "TE",
    "Upgrade",    "Forwarded",       "Content-Type",
    "Expect",     "Keep-Alive",      "Trailer",
};
static const char *const kept_here_prefixes[] = {"Proxy-", "X-Forwarded-"};

/* Is it one of the names between the commas? */
static bool lists(const char *list, const char *name)
{
    size_t len = strlen(name);
    while (*list) {
        list += strspn(list, " \t,");
        size_t n = strcspn(list, " \t,");
        if (n && n == len && strncasecmp(list, name, n) == 0)
            return true;
        list += n;
    }
    return false;
}

bool chat_header_passes(const char *name, const char *connection)
{
    for (size_t i = 0; i < ARRAY_SIZE(kept_here); i++)
        if (strcasecmp(name, kept_here[i]) == 0)
            return false;
    for (size_t i = 0; i < ARRAY_SIZE(kept_here_prefixes); i++)
        if (strncasecmp(name, kept_here_prefixes[i], strlen(kept_here_prefixes[i])) == 0)
            return false;
    return !lists(connection, name);
}

struct lines {
    struct pool *pool;
    const char *connection;
    const char **lines;
    size_t n;
};

static enum MHD_Result add_connection(void *cls, enum MHD_ValueKind kind, const char *name,
                                      const char *value)
{
    struct lines *l = cls;
    if (value && strcasecmp(name, MHD_HTTP_HEADER_CONNECTION) == 0)
        l->connection = pool_printf(l->pool, "%s,%s", l->connection, value);
    return MHD_YES;
}

/* curl leaves a header with nothing behind its colon out, unless it ends with a semicolon. */
static enum MHD_Result add_line(void *cls, enum MHD_ValueKind kind, const char *name,
                                const char *value)
{
    struct lines *l = cls;
    if (!chat_header_passes(name, l->connection))
        return MHD_YES;
    l->lines[l->n++] = value && *value ? pool_printf(l->pool, "%s: %s", name, value)
                                       : pool_printf(l->pool, "%s;", name);
    return MHD_YES;
}

const char *const *chat_headers(const struct request *req, const char *key)
{
    struct lines l = {.pool = req->pool, .connection = ""};
    int n = MHD_get_connection_values(req->connection, MHD_HEADER_KIND, add_connection, &l);
    l.lines = pool_alloc(req->pool, sizeof(*l.lines) * ((size_t)n + 3));
    MHD_get_connection_values(req->connection, MHD_HEADER_KIND, add_line, &l);
    l.lines[l.n++] = "Content-Type: application/json";
    if (*key)
        l.lines[l.n++] = pool_printf(req->pool, "Authorization: Bearer %s", key);
    return l.lines;
}

static int put_in(struct buf *body, const struct json_field *field, const char *text,
                  struct err *err)
{
    return buf_splice(body, field->at, field->len, text)
               ? err_set(err, E_TOOBIG, "the request body is too large for the name of the model")
               : 0;
}

int chat_map_model(struct buf *body, const struct json_field *model, const char *id,
                   const char *served, struct err *err)
{
    if (body->data[strspn(body->data, " \t\r\n")] != '{')
        return err_set(err, E_INVALID, "the request body must be a JSON object");
    if (!str_is_utf8(body->data, body->len))
        return err_set(err, E_INVALID, "request body is not valid JSON: that is not UTF-8");
    if (model->times > 1)
        return err_set(err, E_INVALID, "the request body says 'model' %d times; say it once",
                       model->times);
    if (!model->times || strcmp(id, served) == 0 ||
        !json_scan_reads(body->data + model->at, model->len, id))
        return 0;
    json_t *name = json_string_safe(served);
    char *text = json_dumps(name, JSON_ENCODE_ANY);
    json_decref(name);
    if (!text)
        BUG("cannot print the name of a model");
    int r = put_in(body, model, text, err);
    free(text);
    return r;
}
