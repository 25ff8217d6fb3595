/*
 * view.c - addresses to watch a run at, and its controls by plain calls (docs/live.md).
 */
#include "api/request.h"

#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "sched/live.h"

static void put_address(struct request *req, json_t *doc, const char *key, const char *run_id, const char *kind,
                        const char *token)
{
    json_put_str(doc, key, pool_printf(req->pool, "/v1/runs/%s/view.%s?token=%s", run_id, kind, token));
}

static void who_calls(const struct request *req, char out[LEASE_WHO_BYTES])
{
    unsigned char sha256[ID_SHA256_BYTES];
    request_token_sha256(req, sha256);
    sched_view_who(req->api->sched, sha256, out);
}

static void put_view(struct request *req, json_t *doc, struct run_key run, unsigned rights)
{
    char who[LEASE_WHO_BYTES], at[CLOCK_ISO_BYTES];
    int64_t expires_us;
    who_calls(req, who);
    const char *token = sched_view_token(req->api->sched, req->pool, run, rights, who, &expires_us);
    json_put_str(doc, "rights", view_rights_name(rights));
    json_put_int(doc, "width", req->api->settings->display_width);
    json_put_int(doc, "height", req->api->settings->display_height);
    json_put_str(doc, "expires_at", clock_iso(expires_us, at));
    put_address(req, doc, "mjpeg_url", run.run_id, "mjpeg", token);
    put_address(req, doc, "ws_url", run.run_id, "ws", token);
}

static int over(struct run_key run, enum run_state state, struct err *err)
{
    return err_set(err, E_CONFLICT, "run '%s' is over (%s): there is nothing to watch", run.run_id,
                   run_state_name(state));
}

int run_view_get(struct request *req, struct err *err)
{
    struct run_key run = request_run(req, req->params[0]);
    struct sched_peek now;
    bool control = false;
    int64_t left_ms;
    int r = run_id_check(run.run_id, err);
    r = r ? r : query_bool(req, "control", &control, err);
    if (!r && control)
        r = request_may(req, SCOPE_RUN, err);
    r = r ? r : sched_peek(req->api->sched, run, &now, err);
    if (!r && run_state_terminal(now.state))
        r = over(run, now.state, err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "run_id", run.run_id);
    json_put_str(doc, "status", run_state_name(now.state));
    put_view(req, doc, run, VIEW_WATCH | (control ? VIEW_CONTROL : 0));
    json_put_str(doc, "control",
                 sched_control(req->api->sched, run, &left_ms) == CONTROL_FREE ? "free" : "held");
    return respond_json(req, 200, doc);
}

/* --- the controls ------------------------------------------------------------------------------ */

/* A body is optional; what is sent must be an object. */
static int read_body(struct request *req, const json_t **out, struct err *err)
{
    int r = req->body.len ? request_read_json(req, err) : 0;
    *out = req->json;
    return r;
}

int run_takeover_post(struct request *req, struct err *err)
{
    struct run_key run = request_run(req, req->params[0]);
    char who[LEASE_WHO_BYTES];
    const char *token = "";
    const json_t *body = NULL;
    const struct lease *lease = NULL;
    struct takeover ask = {.who = who};
    struct sched_peek now;
    int r = run_id_check(run.run_id, err);
    r = r ? r : read_body(req, &body, err);
    r = r ? r : json_read_string(body, "lease", &token, err);
    r = r ? r : json_read_bool(body, "take", &ask.take, err);
    who_calls(req, who);
    ask.token = token;
    r = r ? r : sched_takeover(req->api->sched, run, &ask, NULL, &lease, err);
    r = r ? r : sched_peek(req->api->sched, run, &now, err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "run_id", run.run_id);
    json_put_str(doc, "status", run_state_name(now.state));
    json_put_str(doc, "lease", lease->token);
    json_put_int(doc, "ttl_s", lease->ttl_ms / 1000);
    put_view(req, doc, run, VIEW_WATCH | VIEW_CONTROL);
    audit_line(req, run.run_id, "takeover tenant=%s", req->tenant_id);
    return respond_json(req, 200, doc);
}

int run_release_post(struct request *req, struct err *err)
{
    struct run_key run = request_run(req, req->params[0]);
    const char *token = "";
    const json_t *body = NULL;
    enum run_state state = RUN_RUNNING;
    int r = run_id_check(run.run_id, err);
    r = r ? r : read_body(req, &body, err);
    r = r ? r : json_read_string(body, "lease", &token, err);
    const json_t *input = json_object_get(body, "user_input");
    r = r ? r : user_input_check(input, err);
    r = r ? r
          : sched_takeover_release(req->api->sched, run, token, json_is_null(input) ? NULL : input, &state,
                                   err);
    if (r)
        return r;
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "run_id", run.run_id);
    json_put_str(doc, "status", run_state_name(state));
    audit_line(req, run.run_id, "release tenant=%s", req->tenant_id);
    return respond_json(req, 200, doc);
}

/* --- a view that is opened --------------------------------------------------------------------- */

int view_admit(struct request *req, struct view_token *out, struct err *err)
{
    const char *run_id = req->params[0];
    int r = run_id_check(run_id, err);
    r = r ? r : sched_view_admit(req->api->sched, req->pool, query_get(req, "token"), run_id, out, err);
    if (!r && !sched_view_in_force(req->api->sched, req->api->tenants, out->tenant, out->who))
        r = err_set(err, E_UNAUTHORIZED, "the API token that this address was made with is in force no more");
    if (!r && req->api->draining)
        r = err_set(err, E_UNAVAILABLE, "the server is stopping");
    if (!r)
        req->tenant_id = out->tenant;
    return r;
}

void viewer_link(struct viewer *v, struct api *api)
{
    v->api = api;
    v->next = api->viewers;
    v->link = &api->viewers;
    if (v->next)
        v->next->link = &v->next;
    api->viewers = v;
}

void viewer_unlink(struct viewer *v)
{
    if (!v->link)
        return;
    *v->link = v->next;
    if (v->next)
        v->next->link = v->link;
    v->link = NULL;
    loop_timer_clear(&v->expiry);
}

static void look_at_viewer(void *arg);

static void look_later(struct viewer *v)
{
    int64_t left_ms = v->expires_s * 1000 - clock_wall_us() / 1000;
    left_ms = left_ms < 0 ? 0 : left_ms;
    loop_timer_set(v->api->loop, &v->expiry, left_ms < v->api->token_ms ? left_ms : v->api->token_ms,
                   look_at_viewer, v);
}

static bool is_revoked(struct viewer *v)
{
    uint64_t generation = tenants_generation(v->api->tenants);
    bool same = generation == v->tokens_seen;
    v->tokens_seen = generation;
    return !same && !sched_view_in_force(v->api->sched, v->api->tenants, v->tenant, v->who);
}

static void look_at_viewer(void *arg)
{
    struct viewer *v = arg;
    if (clock_wall_us() >= v->expires_s * 1000000 || is_revoked(v))
        v->end(v, VIEWER_EXPIRED);
    else
        look_later(v);
}

void viewer_expires(struct viewer *v, const struct view_token *token)
{
    snprintf(v->tenant, sizeof(v->tenant), "%s", token->tenant);
    memcpy(v->who, token->who, sizeof(v->who));
    v->expires_s = token->expires_s;
    v->tokens_seen = tenants_generation(v->api->tenants);
    look_later(v);
}

void viewers_end(struct api *api, bool at_once)
{
    for (struct viewer *v = api->viewers, *next; v; v = next) {
        next = v->next;
        v->end(v, at_once ? VIEWER_CUT : VIEWER_STOPPING);
    }
}
