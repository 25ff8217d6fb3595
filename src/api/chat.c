/*
 * chat.c - POST /v1/chat/completions: the model server of this host, behind a tenant's token
 * (http-api.md section 7). This build starts none.
 */
#include "api/start.h"

int chat_post(struct request *req, struct err *err)
{
    int r = request_read_json(req, err);
    r = r ? r : start_take_token(req, req->tenant, err);
    if (r) {
        meters_chat(req->api->meters, req->tenant_id, "status_4xx");
        return r;
    }
    meters_chat(req->api->meters, req->tenant_id, "upstream_error");
    audit_line(req, NULL, "v1/chat/completions tenant=%s upstream=- bytes=%zu", req->tenant_id,
               req->body.len);
    if (req->api->engine)
        return err_set(err, E_UNAVAILABLE,
                       "a model server runs here for '%s', but this version passes no calls to it",
                       req->api->model);
    return err_set(err, E_UNAVAILABLE, "no model server runs here: '%s' needs none",
                   req->api->model);
}
