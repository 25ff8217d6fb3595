/*
 * fingerprint.c - POST /v1/diagnose/fingerprint: a run that opens a page which says what it can
 * tell about the browser, and reads it (http-api.md section 14).
 */
#include <string.h>

#include "api/brains.h"
#include "api/start.h"
#include "base/caps.h"
#include "plan/allow.h"
#include "plan/intake.h"

#define DEFAULT_TARGET "https://bot.sannysoft.com/"
#define PROFILE        "fingerprint" /* of its own: no run of the tenant holds it up */
#define MAX_ROWS       100

struct target {
    const char *url, *cua_model;
};

/* The body is optional. */
static int read_target(struct request *req, struct target *t, struct err *err)
{
    *t = (struct target){DEFAULT_TARGET, ""};
    req->json = json_keep(req->pool, json_object());
    if (!req->body.len)
        return 0;
    int r = request_read_json(req, err);
    r = r ? r : json_read_string(req->json, "target_url", &t->url, err);
    r = r ? r : json_read_string(req->json, "cua_model", &t->cua_model, err);
    if (!r && !*t->url)
        t->url = DEFAULT_TARGET;
    return r;
}

static int check_target(const struct request *req, const struct target *t, struct err *err)
{
    char *first = plan_first_url(req->pool, t->url);
    if (!first || strcmp(first, t->url) != 0)
        return err_set(err, E_INVALID, "'target_url' must be an http or https address, not '%.80s'",
                       t->url);
    if (strlen(t->url) > CAP_TARGET_URL_BYTES)
        return err_set(err, E_INVALID, "'target_url' must be at most %d bytes",
                       CAP_TARGET_URL_BYTES);
    return model_check(t->cua_model, req->api->model, false, err);
}

/* Open the page, wait until its tests are done, read one row per test. */
static int make_plan(struct request *req, const char *url, const struct plan **out, struct err *err)
{
    struct plan *plan;
    json_t *document = json_pack(
        "{s:s, s:[{s:s,s:s,s:{s:s}}, {s:s,s:s,s:{s:s,s:[{s:s},{s:s,s:b}],s:i}}]}", "session_name",
        "fingerprint", "steps", "type", "navigate", "intent", "Open the self-test page", "params",
        "url", url, "type", "extract_data", "intent", "Read the name and the outcome of each test",
        "extract", "entity_name", "test", "fields", "name", "name", "name", "outcome", "required",
        0, "max_items", MAX_ROWS);
    int r = start_own_plan(req, document, "fingerprint", &plan, err);
    if (!r)
        *out = plan;
    return r;
}

/* How this server's browser shows itself: it hides nothing but the automation flag. */
static json_t *stealth_snapshot(void)
{
    return json_pack("{s:b,s:b,s:b,s:b,s:s}", "honest_mode", 1, "behavioral_jitter", 0,
                     "geo_consistency", 0, "cdp_stealth", 1, "proxy_provider", "");
}

static int answer(struct request *req, struct err *err)
{
    const struct candidate *c = req->state;
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "run_id", c->run_id);
    json_put_str(doc, "target_url", json_str(c->payload, "target_url", ""));
    json_put_str(doc, "poll_via", pool_printf(req->pool, "/v1/runs/%s", c->run_id));
    json_put_str(doc, "rows_via",
                 pool_printf(req->pool, "/v1/runs/%s/artifacts/extracted_rows.json", c->run_id));
    json_put_str(doc, "status", run_state_name(RUN_QUEUED));
    json_put(doc, "stealth_snapshot", stealth_snapshot());
    return respond_json(req, 200, doc);
}

static void fill(struct request *req, const struct target *t, struct candidate *c)
{
    const struct api_brain *brain = api_brain_find(req->api->settings->brain);
    bool reads_dom = brain && (brain->flags & API_BRAIN_READS_DOM);
    char *run_id = pool_alloc(req->pool, ID_RUN_BYTES);
    json_t *payload = json_keep(req->pool, json_object());
    id_run(run_id);
    c->run_id = run_id;
    c->options.detached = true;
    c->options.profile_id = c->options.workflow_id = PROFILE;
    c->options.state_key = "";
    c->plane = reads_dom ? "browser_use_plane" : "computer_plane";
    start_own_caps(req, c);
    c->webhook_url = c->tenant->webhook_url;
    c->webhook_events = c->tenant->webhook_events;
    json_put_str(payload, "target_url", t->url);
    json_put_num(payload, "max_cost", c->max_cost);
    json_put_int(payload, "max_time_minutes", c->max_time_minutes);
    c->payload = payload;
    c->answer = answer;
}

static int check_hosts(const struct request *req, const struct target *t, struct err *err)
{
    struct allow *allow = allow_begin(req->pool, req->tenant->allowed_domains);
    allow_see_address(allow, t->url);
    return allow_end(allow, err);
}

int fingerprint_post(struct request *req, struct err *err)
{
    struct target target;
    struct candidate *c = pool_alloc(req->pool, sizeof(*c));
    c->tenant = start_keep_tenant(req->pool, req->tenant);
    req->mode = "run";
    int r = read_target(req, &target, err);
    r = r ? r : check_target(req, &target, err);
    r = r ? r : make_plan(req, target.url, &c->plan, err);
    if (r)
        return r;
    fill(req, &target, c);
    r = identity_resolve(req->pool, req->tenant_id, &c->options, c->plan->signature, &c->identity,
                         err);
    if (!r && (r = check_hosts(req, &target, err)))
        req->outcome = "denied_allowlist";
    return r ? r : start_run(req, c, err);
}
