/*
 * health.c - the routes that need no token.
 */
#include "api/request.h"

#include "base/clock.h"

/* Can runs be taken? *ret_reason: what is waited for. */
static bool is_ready(const struct request *req, const char **ret_reason)
{
    *ret_reason = "the server is stopping";
    return !req->api->draining && sched_ready(req->api->sched, ret_reason) &&
           engine_ready_for_runs(req->api->engine, ret_reason);
}

const char *model_tag(const struct request *req)
{
    return req->api->engine ? engine_target(req->api->engine)->tag : req->api->settings->model_tag;
}

int health_get(struct request *req, struct err *err)
{
    const char *reason = NULL;
    bool ready = is_ready(req, &reason);
    json_t *doc = json_keep(req->pool, json_object());
    json_put_bool(doc, "ok", ready);
    json_put_str(doc, "model", req->api->model);
    if (!ready)
        json_put_str(doc, "reason", reason);
    return respond_json(req, ready ? 200 : 503, doc);
}

static json_t *warnings_of(const struct settings *s)
{
    json_t *warnings = json_array();
    if (s->sandbox_off)
        json_push(
            warnings,
            json_string("MANTIS_CHROMIUM_SANDBOX=off: Chromium runs without its own sandbox"));
    return warnings;
}

/* limits_scope: rates and caps are counted by this process, so N replicas allow N times as much. */
int version_get(struct request *req, struct err *err)
{
    const struct settings *s = req->api->settings;
    const char *reason = NULL;
    int age_days = clock_days_since(s->build_time);
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "version", s->version);
    json_put_str(doc, "model", req->api->model);
    json_put_str(doc, "model_tag", model_tag(req));
    json_put_bool(doc, "ready", is_ready(req, &reason));
    json_put_str(doc, "git_sha", s->git_sha);
    json_put_str(doc, "build_time", s->build_time);
    json_put(doc, "deploy_age_days", age_days < 0 ? json_null() : json_integer(age_days));
    json_put_str(doc, "limits_scope", "process");
    json_put_str(doc, "sandbox", s->sandbox_off ? "off" : "on");
    json_put(doc, "warnings", warnings_of(s));
    return respond_json(req, 200, doc);
}

int models_get(struct request *req, struct err *err)
{
    json_t *doc = json_keep(req->pool, json_object()), *model = json_object(), *data = json_array();
    json_put_str(model, "id", req->api->model);
    json_put_str(model, "object", "model");
    json_put_str(model, "owned_by", "mantis");
    if (*model_tag(req))
        json_put_str(model, "tag", model_tag(req));
    json_push(data, model);
    json_put_str(doc, "object", "list");
    json_put(doc, "data", data);
    return respond_json(req, 200, doc);
}
