/*
 * docs.c - /docs, /docs/{name} and /redoc: pages over /openapi.json, from web/docs/ and swagger-ui;
 * /console and /console/{name}: the operator console, from web/console/.
 *
 * All of it is in the program; a page loads nothing from elsewhere and its policy says so to the
 * browser. swagger-ui comes from npm at build time; a program that was built without it shows the
 * plain page.
 */
#include "api/docs.h"

#include <string.h>

#include "base/str.h"

#define PAGE_POLICY                                                                                \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "              \
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* blob: pictures and videos are fetched with the token, which an address of theirs could not carry.
 */
#define CONSOLE_POLICY                                                                             \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "              \
    "media-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "            \
    "frame-ancestors 'none'"

#define CONSOLE_DIR "console/" /* of its files' names */

const struct web_file *web_find(const char *name)
{
    for (size_t i = 0; i < web_files_n; i++)
        if (strcmp(web_files[i].name, name) == 0)
            return &web_files[i];
    return NULL;
}

static void say(struct request *req, const char *name, const char *value)
{
    size_t i = 0;
    while (i < REQUEST_MORE_HEADERS && req->more[i].name)
        i++;
    if (i == REQUEST_MORE_HEADERS)
        BUG("no room for the header %s", name);
    req->more[i] = (struct answer_header){name, value};
}

static const char *asked(const struct request *req, enum MHD_ValueKind kind, const char *name)
{
    const char *value = MHD_lookup_connection_value(req->connection, kind, name);
    return value ? value : "";
}

/* The tag without its quotes, as the pages' links have it. */
static bool names_this_version(const struct request *req, const char *etag)
{
    const char *v = asked(req, MHD_GET_ARGUMENT_KIND, "v");
    size_t n = strlen(v);
    return n > 0 && strncmp(etag + 1, v, n) == 0 && etag[1 + n] == '"';
}

int docs_send(struct request *req, const struct web_file *file)
{
    const char *known = asked(req, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    say(req, MHD_HTTP_HEADER_ETAG, file->etag);
    say(req, MHD_HTTP_HEADER_CACHE_CONTROL,
        names_this_version(req, file->etag) ? "public, max-age=31536000, immutable" : "no-cache");
    say(req, "X-Content-Type-Options", "nosniff");
    if (strcmp(known, "*") == 0 || strstr(known, file->etag))
        return respond_text(req, MHD_HTTP_NOT_MODIFIED, file->mime, "", 0);
    return respond_static(req, file->mime, file->data, file->len);
}

static int send_page(struct request *req, bool wanted, const char *name, const char *policy,
                     struct err *err)
{
    if (!wanted)
        return err_set(err, E_NOT_FOUND, "Not Found");
    say(req, "Content-Security-Policy", policy);
    say(req, "Referrer-Policy", "no-referrer");
    return docs_send(req, web_find(name));
}

int docs_get(struct request *req, struct err *err)
{
    const char *name = web_find("swagger-ui-bundle.js") ? "swagger.html" : "plain.html";
    return send_page(req, req->api->settings->docs_ui, name, PAGE_POLICY, err);
}

int redoc_get(struct request *req, struct err *err)
{
    return send_page(req, req->api->settings->docs_ui, "redoc.html", PAGE_POLICY, err);
}

int console_get(struct request *req, struct err *err)
{
    return send_page(req, req->api->settings->console, CONSOLE_DIR "index.html", CONSOLE_POLICY,
                     err);
}

/* Pages have routes of their own, and the parts of the document are not for the outside. */
static int send_asset(struct request *req, bool wanted, const char *name, struct err *err)
{
    const struct web_file *file = web_find(name);
    if (!wanted || !file || str_starts(file->mime, "text/html") ||
        str_starts(file->mime, "application/"))
        return err_set(err, E_NOT_FOUND, "Not Found");
    return docs_send(req, file);
}

int docs_asset_get(struct request *req, struct err *err)
{
    bool wanted = req->api->settings->docs_ui && !strchr(req->params[0], '/');
    return send_asset(req, wanted, req->params[0], err);
}

int console_asset_get(struct request *req, struct err *err)
{
    return send_asset(req, req->api->settings->console,
                      pool_printf(req->pool, CONSOLE_DIR "%s", req->params[0]), err);
}
