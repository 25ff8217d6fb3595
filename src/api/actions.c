/*
 * actions.c - predict with an "action": what happens to a run that exists (http-api.md section 5).
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"

struct call {
    struct request *req;
    const char *tenant, *run_id;
};

typedef int action_fn(const struct call *call, json_t **out, struct err *err);

static int act_status(const struct call *c, json_t **out, struct err *err)
{
    return sched_status(c->req->api->sched, c->req->pool, c->tenant, c->run_id, out, err);
}

static int act_result(const struct call *c, json_t **out, struct err *err)
{
    return sched_result(c->req->api->sched, c->req->pool, c->tenant, c->run_id, out, err);
}

static int act_logs(const struct call *c, json_t **out, struct err *err)
{
    int64_t tail = 200;
    int r = json_read_int(c->req->json, "tail", &tail, err);
    if (r)
        return r;
    if (tail < 1 || tail > CAP_LOG_TAIL)
        return err_set(err, E_INVALID, "'tail' must be from 1 to %d", CAP_LOG_TAIL);
    return sched_logs(c->req->api->sched, c->req->pool, c->tenant, c->run_id, (int)tail, out, err);
}

static int act_cancel(const struct call *c, json_t **out, struct err *err)
{
    const char *reason = "";
    int r = json_read_string(c->req->json, "reason", &reason, err);
    if (!r)
        r = sched_cancel(c->req->api->sched, c->tenant, c->run_id, reason, err);
    return r ? r : act_status(c, out, err);
}

static const struct {
    const char *name;
    action_fn *act; /* NULL: named by the contract, not in this version */
} actions[] = {
    {"status", act_status},    {"result", act_result}, {"logs", act_logs},
    {"cancel", act_cancel},    {"pause", NULL},        {"resume", NULL},
    {"reasoning_trace", NULL}, {"graph_learn", NULL},
};

static int find_action(const char *name, action_fn **out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (strcmp(actions[i].name, name) != 0)
            continue;
        if (!actions[i].act)
            return err_set(err, E_INVALID, "'action': '%s' is not available in this version", name);
        *out = actions[i].act;
        return 0;
    }
    return err_set(err, E_INVALID,
                   "'action': there is no '%.80s'; known are status, result, logs and cancel",
                   name);
}

static int read_run_id(struct request *req, const char **out, struct err *err)
{
    int r = json_read_string(req->json, "run_id", out, err);
    if (r)
        return r;
    if (!**out)
        return err_set(err, E_INVALID, "'run_id' is missing: every action needs it");
    return run_id_check(*out, err);
}

int action_dispatch(struct request *req, const char *action, struct err *err)
{
    action_fn *act = NULL;
    struct call call = {.req = req, .tenant = req->tenant->id, .run_id = ""};
    bool detached = true;
    json_t *doc = NULL;
    int r = find_action(action, &act, err);
    if (!r)
        r = read_run_id(req, &call.run_id, err);
    if (!r)
        r = json_read_bool(req->json, "detached", &detached, err);
    if (!r)
        r = act(&call, &doc, err);
    if (r)
        return r;
    audit_predict(req, action, json_str(doc, "profile_id", NULL),
                  json_str(doc, "workflow_id", NULL), detached);
    return respond_json(req, 200, doc);
}
