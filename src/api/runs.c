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

/* What pollers ask for is text that is there already. */
int run_phase_get(struct request *req, struct err *err)
{
    const char *run_id = req->params[0], *text;
    size_t len;
    int r = run_id_check(run_id, err);
    r = r ? r : sched_phase_text(req->api->sched, request_run(req, run_id), &text, &len, err);
    return r ? r : respond_text(req, 200, "application/json", text, len);
}

int run_status_get(struct request *req, struct err *err)
{
    const char *run_id = req->params[0], *text;
    size_t len;
    req->mode = "status";
    int r = run_id_check(run_id, err);
    r = r ? r : sched_status_text(req->api->sched, request_run(req, run_id), &text, &len, err);
    if (r)
        return r;
    audit_run(req, "status", NULL);
    return respond_text(req, 200, "application/json", text, len);
}

int run_result_get(struct request *req, struct err *err)
{
    json_t *doc;
    const char *run_id = req->params[0];
    req->mode = "result";
    int r = run_id_check(run_id, err);
    r = r ? r : sched_result(req->api->sched, req->pool, request_run(req, run_id), &doc, err);
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
    struct run_key run = request_run(req, req->params[0]);
    json_t *doc;
    req->mode = "cancel";
    int r = run_id_check(run.run_id, err);
    r = r ? r : sched_cancel(req->api->sched, run, cancel_reason(req), err);
    r = r ? r : sched_status(req->api->sched, req->pool, run, &doc, err);
    if (r)
        return r;
    audit_run(req, "cancel", doc);
    return respond_json(req, 200, doc);
}

static int no_artifact(struct run_key run, const char *name, struct err *err)
{
    return err_set(err, E_NOT_FOUND, "run '%s' has no artifact '%.80s'", run.run_id, name);
}

int run_artifact_get(struct request *req, struct err *err)
{
    const char *name = req->params[1], *mime = NULL;
    int fd = -1;
    struct run_key run = request_run(req, req->params[0]);
    int r = run_id_check(run.run_id, err);
    if (!r && !id_is_clean(name))
        r = no_artifact(run, name, err);
    r = r ? r : sched_artifact(req->api->sched, req->pool, run, name, &fd, &mime, err);
    return r ? r : respond_file(req, fd, mime, name, err);
}

int run_steps_get(struct request *req, struct err *err)
{
    json_t *doc;
    int64_t after = 0;
    struct run_key run = request_run(req, req->params[0]);
    int r = run_id_check(run.run_id, err);
    r = r ? r : query_int(req, "after", 0, INT32_MAX, &after, err);
    r = r ? r : sched_steps(req->api->sched, req->pool, run, after, &doc, err);
    return r ? r : respond_json(req, 200, doc);
}

int run_screenshot_get(struct request *req, struct err *err)
{
    int fd = -1;
    struct run_key run = request_run(req, req->params[0]);
    int r = run_id_check(run.run_id, err);
    r = r ? r : sched_screenshot(req->api->sched, req->pool, run, req->params[1], &fd, err);
    return r ? r : respond_file(req, fd, "image/png", req->params[1], err);
}

static int send_track(struct request *req, struct run_key run, bool raw, const char *track,
                      struct err *err)
{
    int fd, r = sched_video_track(req->api->sched, req->pool, run, raw, track, &fd, err);
    if (r == E_INVALID)
        return value_refuse(req, "query", "track", "enum", track, err,
                            "'track' takes captions or chapters, not '%.80s'", track);
    return r ? r
             : respond_file(req, fd, "text/vtt",
                            pool_printf(req->pool, "%s.%s.vtt", run.run_id, track), err);
}

int run_video_get(struct request *req, struct err *err)
{
    const char *mime = NULL, *format = NULL;
    bool raw = false;
    int fd = -1;
    struct run_key run = request_run(req, req->params[0]);
    int r = run_id_check(run.run_id, err);
    r = r ? r : query_bool(req, "raw", &raw, err);
    if (!r && query_get(req, "track"))
        return send_track(req, run, raw, query_get(req, "track"), err);
    r = r ? r : sched_video(req->api->sched, req->pool, run, raw, &fd, &mime, &format, err);
    return r ? r
             : respond_file(req, fd, mime, pool_printf(req->pool, "%s.%s", run.run_id, format),
                            err);
}

int queue_get(struct request *req, struct err *err)
{
    json_t *doc;
    int r = sched_queue(req->api->sched, req->pool, req->tenant_id, &doc, err);
    return r ? r : respond_json(req, 200, doc);
}
