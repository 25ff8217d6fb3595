/*
 * cua.c - POST /v1/cua: one instruction, carried out by a model (http-api.md section 6).
 *
 * No brain of this build can turn a free instruction into actions. Everything a caller can get
 * wrong is still told apart from that, so a client can be written and tested before a model is
 * there.
 */
#include "api/start.h"
#include "plan/allow.h"

static int check_hosts(const struct request *req, const struct cua_options *o, struct err *err)
{
    struct allow *allow = allow_begin(req->pool, req->tenant->allowed_domains);
    allow_see_address(allow, o->start_url);
    allow_see_text(allow, o->instruction);
    return allow_end(allow, err);
}

static int check_callback(const struct request *req, const struct cua_options *o, struct err *err)
{
    bool private_too = req->api->settings->webhook_allow_private;
    if (*o->callback_url && webhook_check_url(o->callback_url, private_too, err))
        return err_prefix(err, "'callback_url'");
    return 0;
}

/* Predict and this route share a tenant's keys; a run of this one has never been made. */
static int check_key(struct request *req, struct err *err)
{
    struct replay_key *key;
    struct store_key found;
    struct err why = {0};
    int r = replay_key_read(req, &key, err);
    if (r || !key)
        return r;
    r = replay_find(key, &found, &why);
    if (r == E_NOT_FOUND)
        return 0;
    if (r && r != E_UNPROCESSABLE) {
        *err = why;
        return r;
    }
    return err_set(err, E_UNPROCESSABLE,
                   "this Idempotency-Key was used for another request; use a new key");
}

static int check_concurrency(struct request *req, struct err *err)
{
    int live = sched_live_runs(req->api->sched, req->tenant_id),
        most = req->tenant->max_concurrent_runs;
    if (live < most)
        return 0;
    start_too_many_runs(req);
    return err_set(err, E_RATE_LIMITED, "%d runs are live, max_concurrent_runs allows %d", live,
                   most);
}

int cua_post(struct request *req, struct err *err)
{
    struct cua_options o;
    req->mode = "cua";
    int r = cua_options_read(req->json, req->api->settings->max_steps_per_plan, &o, err);
    r = r ? r : model_check(o.cua_model, req->api->model, false, err);
    r = r ? r : check_callback(req, &o, err);
    if (r)
        return r;
    if ((r = check_hosts(req, &o, err))) {
        req->outcome = "denied_allowlist";
        return r;
    }
    r = check_key(req, err);
    r = r ? r : start_take_token(req, req->tenant, err);
    r = r ? r : check_concurrency(req, err);
    if (r)
        return r;
    return err_set(err, E_UNAVAILABLE,
                   "no model is configured that can carry out an instruction: '%s' runs plans of "
                   "steps; send them to /v1/predict",
                   req->api->model);
}
