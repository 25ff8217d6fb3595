/*
 * auth.c - who is calling, may they, and the line that says what they did (tenancy.md sections 2,
 * 9).
 */
#include "api/request.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/id.h"

#define LOGGER       "mantis.server"
#define SCOPES_BYTES 64

/* Blanks behind a value are none of it, but libmicrohttpd leaves them there. */
static const char *presented_token(const struct request *req)
{
    const char *token =
        MHD_lookup_connection_value(req->connection, MHD_HEADER_KIND, "X-Mantis-Token");
    size_t len = token ? strlen(token) : 0;
    while (len && (token[len - 1] == ' ' || token[len - 1] == '\t'))
        len--;
    return token && token[len] ? pool_strndup(req->pool, token, len) : token;
}

int request_authenticate(struct request *req, struct err *err)
{
    int r = tenants_check(req->api->tenants, presented_token(req), &req->tenant, err);
    if (r)
        return r;
    req->tenant_id = pool_strdup(req->pool, req->tenant->id);
    return request_may(req, req->route->scopes, err);
}

void request_token_sha256(const struct request *req, unsigned char out[ID_SHA256_BYTES])
{
    const char *token = presented_token(req);
    id_sha256(token ? token : "", token ? strlen(token) : 0, out);
}

bool request_may_go_on(const struct request *req, const unsigned char token_sha256[ID_SHA256_BYTES])
{
    const struct tenant *tenant = tenants_recheck(req->api->tenants, token_sha256);
    return tenant && strcmp(tenant->id, req->tenant_id) == 0 &&
           tenant_may(tenant, req->route->scopes);
}

/* "'status' or 'run'": what would be enough. */
static const char *enough(unsigned scopes, char out[SCOPES_BYTES])
{
    static const enum scope order[] = {SCOPE_STATUS, SCOPE_RESULT, SCOPE_LOGS, SCOPE_RUN};
    size_t len = 0;
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        if ((scopes | SCOPE_RUN) & order[i])
            len += (size_t)snprintf(out + len, SCOPES_BYTES - len, "%s'%s'", len ? " or " : "",
                                    scope_name(order[i]));
    return out;
}

int request_may(const struct request *req, unsigned scopes, struct err *err)
{
    char words[SCOPES_BYTES];
    if (!req->tenant)
        BUG("request_may() without a tenant: %s", req->path);
    if (tenant_may(req->tenant, scopes))
        return 0;
    return err_set(err, E_FORBIDDEN, "this token of tenant '%s' lacks the scope %s", req->tenant_id,
                   enough(scopes, words));
}

const char *request_client(const struct request *req, char out[INET6_ADDRSTRLEN])
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(req->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *addr = info ? info->client_addr : NULL;
    const void *ip = NULL;
    if (addr && addr->sa_family == AF_INET)
        ip = &((const struct sockaddr_in *)(const void *)addr)->sin_addr;
    else if (addr && addr->sa_family == AF_INET6)
        ip = &((const struct sockaddr_in6 *)(const void *)addr)->sin6_addr;
    return ip && inet_ntop(addr->sa_family, ip, out, INET6_ADDRSTRLEN) ? out : "-";
}

/* --- the audit line --------------------------------------------------------------------------- */

/* What a line is about, from whatever the call has said so far. */
struct about {
    struct log_ctx ctx;
    char client[INET6_ADDRSTRLEN];
};

/* The run named by the path or the body; a malformed name is not repeated. */
static const char *named_run(const struct request *req)
{
    const char *id = req->run_id;
    if (!id && req->route && strstr(req->route->pattern, "{run_id}"))
        id = req->params[0];
    if (!id && req->json)
        id = json_str(req->json, "run_id", NULL);
    return id && id_is_clean(id) ? id : NULL;
}

static const struct log_ctx *describe(const struct request *req, const char *run_id,
                                      struct about *out)
{
    out->ctx = request_log_ctx(req, run_id ? run_id : named_run(req));
    out->ctx.client = request_client(req, out->client);
    return &out->ctx;
}

/* The scope that let the call in. */
static const char *scope_of(const struct request *req, const char *action)
{
    enum scope scope;
    if (!req->tenant || tenant_may(req->tenant, SCOPE_RUN))
        return scope_name(SCOPE_RUN);
    return scope_name(scope_parse(action, &scope) ? scope : SCOPE_LOGS);
}

static const char *or_dash(const char *text)
{
    return text ? text : "-";
}

void audit_predict(const struct request *req, const char *action, const char *profile_id,
                   const char *workflow_id, bool detached)
{
    struct about about;
    log_info(LOGGER, describe(req, NULL, &about),
             "predict tenant=%s scope=%s profile_id=%s workflow_id=%s detached=%s action=%s",
             req->tenant_id, scope_of(req, action), or_dash(profile_id), or_dash(workflow_id),
             detached ? "true" : "false", action);
}

void audit_line(const struct request *req, const char *run_id, const char *fmt, ...)
{
    struct about about;
    char msg[LOG_MESSAGE_BYTES];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    log_info(LOGGER, describe(req, run_id, &about), "%s", msg);
}
