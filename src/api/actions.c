/*
 * actions.c - predict with an "action": what happens to a run that exists (http-api.md section 5).
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"

struct call {
    struct request *req;
    struct run_key run;
};

/* Answers; what the audit line says of the run is read from *ret_status when there is one. */
typedef int action_fn(const struct call *call, json_t **ret_status, struct err *err);

/* What resume answers: a run that was paused before it started waits for its turn again. */
static const char *resumed_status(const struct call *c)
{
    struct sched_peek now;
    bool waits = sched_peek(c->req->api->sched, c->run, &now, NULL) == 0 && now.state == RUN_QUEUED;
    return run_state_name(waits ? RUN_QUEUED : RUN_RUNNING);
}

/* Asked every second by everybody who waits: the text is there already, and sent as it is. */
static int act_status(const struct call *c, json_t **ret_status, struct err *err)
{
    const char *text;
    size_t len;
    int r = sched_status_text(c->req->api->sched, c->run, &text, &len, err);
    return r ? r : respond_text(c->req, 200, "application/json", text, len);
}

static int act_result(const struct call *c, json_t **ret_status, struct err *err)
{
    int r = sched_result(c->req->api->sched, c->req->pool, c->run, ret_status, err);
    return r ? r : respond_json(c->req, 200, *ret_status);
}

static int act_logs(const struct call *c, json_t **ret_status, struct err *err)
{
    int64_t tail = 200;
    json_t *doc;
    int r = json_read_int(c->req->json, "tail", &tail, err);
    if (r)
        return r;
    if (tail < 1 || tail > CAP_LOG_TAIL)
        return err_set(err, E_INVALID, "'tail' must be from 1 to %d", CAP_LOG_TAIL);
    r = sched_logs(c->req->api->sched, c->req->pool, c->run, (int)tail, &doc, err);
    return r ? r : respond_json(c->req, 200, doc);
}

static int answer_status(const struct call *c, json_t **ret_status, struct err *err)
{
    int r = sched_status(c->req->api->sched, c->req->pool, c->run, ret_status, err);
    return r ? r : respond_json(c->req, 200, *ret_status);
}

static int act_cancel(const struct call *c, json_t **ret_status, struct err *err)
{
    const char *reason = "";
    int r = json_read_string(c->req->json, "reason", &reason, err);
    r = r ? r : sched_cancel(c->req->api->sched, c->run, reason, err);
    return r ? r : answer_status(c, ret_status, err);
}

static int act_pause(const struct call *c, json_t **ret_status, struct err *err)
{
    const char *reason = "";
    int r = json_read_string(c->req->json, "reason", &reason, err);
    r = r ? r : sched_pause(c->req->api->sched, c->run, *reason ? reason : "external", err);
    return r ? r : answer_status(c, ret_status, err);
}

int user_input_check(const json_t *input, struct err *err)
{
    size_t size = input ? json_dumpb(input, NULL, 0, JSON_FOR_CALLERS | JSON_ENCODE_ANY) : 0;
    if (size <= CAP_USER_INPUT_BYTES)
        return 0;
    return err_set(err, E_INVALID, "'user_input' is %zu bytes long; at most %u are taken", size,
                   CAP_USER_INPUT_BYTES);
}

static int act_resume(const struct call *c, json_t **ret_status, struct err *err)
{
    const json_t *input = json_object_get(c->req->json, "user_input");
    int64_t resumed_us = 0;
    char at[CLOCK_ISO_BYTES];
    int r = user_input_check(input, err);
    r = r ? r
          : sched_resume(c->req->api->sched, c->run, json_is_null(input) ? NULL : input,
                         &resumed_us, err);
    if (r)
        return r;
    json_t *doc = json_keep(c->req->pool, json_object());
    json_put_str(doc, "run_id", c->run.run_id);
    json_put_str(doc, "status", resumed_status(c));
    json_put_str(doc, "resumed_at", clock_iso(resumed_us, at));
    return respond_json(c->req, 200, doc);
}

static int act_trace(const struct call *c, json_t **ret_status, struct err *err)
{
    const char *since = "";
    int r = json_read_string(c->req->json, "since", &since, err);
    return r ? r : respond_trace(c->req, c->run, since, err);
}

static const struct action {
    const char *name;
    unsigned scopes;
    action_fn *act;  /* on a run that exists */
    route_fn *start; /* of one that needs none, and makes its own audit line */
} actions[] = {
    {"status", SCOPE_STATUS, .act = act_status}, {"result", SCOPE_RESULT, .act = act_result},
    {"logs", SCOPE_LOGS, .act = act_logs},       {"reasoning_trace", SCOPE_LOGS, .act = act_trace},
    {"cancel", SCOPE_RUN, .act = act_cancel},    {"pause", SCOPE_RUN, .act = act_pause},
    {"resume", SCOPE_RUN, .act = act_resume},    {"graph_learn", SCOPE_RUN, .start = graph_learn},
};

static int find_action(const char *name, const struct action **out, struct err *err)
{
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        if (strcmp(actions[i].name, name) == 0) {
            *out = &actions[i];
            return 0;
        }
    return err_set(err, E_INVALID,
                   "'action': there is no '%.80s'; known are status, result, logs, cancel, pause, "
                   "resume, reasoning_trace and graph_learn",
                   name);
}

static int read_run_id(struct request *req, const char **out, struct err *err)
{
    int r = json_read_string(req->json, "run_id", out, err);
    if (r)
        return r;
    if (!**out)
        return err_set(err, E_INVALID,
                       "'run_id' is missing: every action but graph_learn needs it");
    return run_id_check(*out, err);
}

int action_dispatch(struct request *req, const char *name, struct err *err)
{
    const struct action *action = NULL;
    const char *run_id = "";
    bool detached = true;
    json_t *status = NULL;
    int r = find_action(name, &action, err);
    if (r)
        return r;
    req->mode = action->name;
    r = request_may(req, action->scopes, err);
    if (!r && action->start)
        return action->start(req, err);
    r = r ? r : read_run_id(req, &run_id, err);
    r = r ? r : json_read_bool(req->json, "detached", &detached, err);
    if (r)
        return r;
    struct call call = {.req = req, .run = request_run(req, run_id)};
    r = action->act(&call, &status, err);
    if (r)
        return r;
    audit_predict(req, action->name, json_str(status, "profile_id", NULL),
                  json_str(status, "workflow_id", NULL), detached);
    return 0;
}
