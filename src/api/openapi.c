/*
 * openapi.c - GET /openapi.json: the route table, dressed with web/openapi/.
 *
 * What the table knows is said by the table alone: paths, operation ids, who may call, and the
 * errors that follow from a token or a body being wanted. operations.json adds words, parameters,
 * bodies and replies by operation id; document.json the frame and the schemas.
 * tests/unit/test_openapi.c holds all three together.
 */
#include "api/openapi.h"

#include <ctype.h>
#include <string.h>

#include "api/docs.h"
#include "api/request.h"
#include "api/web.h"
#include "base/id.h"
#include "base/str.h"

static json_t *read_embedded(const char *name)
{
    const struct web_file *file = web_find(name);
    struct err err = {0};
    json_t *doc = NULL;
    if (!file || json_parse(file->data, file->len, name, &doc, &err))
        BUG("web/openapi/%s: %s", name, file ? err.msg : "not in this program");
    return doc;
}

/* What operations.json says of it; "sameAs" takes another one's and changes what is given. New
 * reference. */
static json_t *words_of(const json_t *operations, const char *id)
{
    const json_t *own = json_object_get(operations, id);
    const json_t *base = json_object_get(operations, json_str(own, "sameAs", ""));
    if (!own)
        BUG("web/openapi/operations.json has no '%s'", id);
    json_t *out = json_deep_copy(base ? base : own);
    if (base) {
        json_object_update(out, (json_t *)own);
        json_object_del(out, "sameAs");
    }
    return out;
}

static void put_reply(json_t *op, const char *status, const char *component)
{
    json_t *replies = json_object_get(op, "responses");
    struct pool *pool = pool_create(NULL);
    if (!json_object_get(replies, status)) {
        const char *ref = pool_printf(pool, "#/components/responses/%s", component);
        json_put(replies, status, json_pack("{s:s}", "$ref", ref));
    }
    pool_destroy(pool);
}

static void put_security(json_t *op, const struct route *route)
{
    if (route->flags & ROUTE_OPEN) {
        json_put(op, "security", json_array());
        return;
    }
    json_t *scopes = json_array();
    for (unsigned bit = SCOPE_RUN; bit <= SCOPE_LOGS; bit <<= 1)
        if ((route->scopes | SCOPE_RUN) & bit)
            json_push(scopes, json_string(scope_name((enum scope)bit)));
    json_put(op, "x-mantis-scopes", scopes);
    json_put(op, "security", json_pack("[{s:[]}]", "tenantToken"));
    put_reply(op, "401", "Unauthorized");
    put_reply(op, "403", "Forbidden");
    put_reply(op, "503", "Unavailable");
}

static json_t *operation(const json_t *operations, const struct route *route)
{
    json_t *op = words_of(operations, route->operation);
    json_put_str(op, "operationId", route->operation);
    put_security(op, route);
    if (route->flags & ROUTE_JSON)
        put_reply(op, "400", "BadRequest");
    if (route->body_cap)
        put_reply(op, "413", "TooLarge");
    return op;
}

json_t *openapi_document(const char *version)
{
    json_t *doc = read_embedded("document.json"), *operations = read_embedded("operations.json");
    json_t *paths = json_object_get(doc, "paths");
    json_put_str(json_object_get(doc, "info"), "version", version);
    for (const struct route *r = routes; r < routes + routes_n; r++) {
        char method[8] = "";
        for (size_t i = 0; r->method[i] && i + 1 < sizeof(method); i++)
            method[i] = (char)tolower((unsigned char)r->method[i]);
        if (!json_object_get(paths, r->pattern))
            json_put(paths, r->pattern, json_object());
        json_put(json_object_get(paths, r->pattern), method, operation(operations, r));
    }
    json_decref(operations);
    return doc;
}

/* The text is made when somebody first asks, and kept: it is the same for ever. */
int openapi_get(struct request *req, struct err *err)
{
    static struct web_file page = {.mime = "application/json"};
    static char etag[20];
    if (!page.data) {
        char hash[ID_SHA256_HEX_BYTES];
        json_t *doc = openapi_document(req->api->settings->version);
        page.data = json_dumps(doc, JSON_COMPACT);
        json_decref(doc);
        if (!page.data)
            BUG("cannot print the OpenAPI document");
        page.len = strlen(page.data);
        id_sha256_hex(page.data, page.len, hash);
        snprintf(etag, sizeof(etag), "\"%.16s\"", hash);
        page.etag = etag;
    }
    return docs_send(req, &page);
}
