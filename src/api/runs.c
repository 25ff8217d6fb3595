/*
 * runs.c - GET and POST below /v1/runs/{run_id}.
 */
#include "api/request.h"

#include "base/id.h"

int run_id_check(const char *run_id, struct err *err)
{
    if (!id_is_clean(run_id))
        return err_set(
            err, E_INVALID,
            "'run_id' is malformed: '%.80s'; letters, digits, '.', '_' and '-' only, at most %d",
            run_id, ID_NAME_MAX);
    return 0;
}

static void audit_run(const struct request *req, const char *action, const json_t *status)
{
    audit_predict(req, action, json_str(status, "profile_id", NULL),
                  json_str(status, "workflow_id", NULL), true);
}

int run_phase_get(struct request *req, struct err *err)
{
    json_t *doc;
    int r = run_id_check(req->params[0], err);
    if (!r)
        r = sched_phase(req->api->sched, req->pool, req->tenant->id, req->params[0], &doc, err);
    return r ? r : respond_json(req, 200, doc);
}

int run_status_get(struct request *req, struct err *err)
{
    json_t *doc;
    int r = run_id_check(req->params[0], err);
    if (!r)
        r = sched_status(req->api->sched, req->pool, req->tenant->id, req->params[0], &doc, err);
    if (r)
        return r;
    audit_run(req, "status", doc);
    return respond_json(req, 200, doc);
}

int run_result_get(struct request *req, struct err *err)
{
    json_t *doc;
    int r = run_id_check(req->params[0], err);
    if (!r)
        r = sched_result(req->api->sched, req->pool, req->tenant->id, req->params[0], &doc, err);
    if (r)
        return r;
    audit_run(req, "result", doc);
    return respond_json(req, 200, doc);
}

/* A body that is not {"reason": "..."} cancels all the same: stopping must not fail on a detail. */
static const char *cancel_reason(struct request *req)
{
    json_t *body;
    if (!req->body.len || json_parse(req->body.data, req->body.len, "request body", &body, NULL))
        return "";
    return json_str(json_keep(req->pool, body), "reason", "");
}

int run_cancel_post(struct request *req, struct err *err)
{
    const char *tenant = req->tenant->id, *run_id = req->params[0];
    json_t *doc;
    int r = run_id_check(run_id, err);
    if (!r)
        r = sched_cancel(req->api->sched, tenant, run_id, cancel_reason(req), err);
    if (!r)
        r = sched_status(req->api->sched, req->pool, tenant, run_id, &doc, err);
    if (r)
        return r;
    audit_run(req, "cancel", doc);
    return respond_json(req, 200, doc);
}

int run_artifact_get(struct request *req, struct err *err)
{
    const char *name = req->params[1], *mime = NULL;
    char *path = NULL;
    int r = run_id_check(req->params[0], err);
    if (!r && !id_is_clean(name))
        r = err_set(err, E_NOT_FOUND, "the run has no artifact '%.80s'", name);
    if (!r)
        r = sched_artifact(req->api->sched, req->pool, req->tenant->id, req->params[0], name, &path,
                           &mime, err);
    return r ? r : respond_file(req, path, mime, name, err);
}
