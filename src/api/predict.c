/*
 * predict.c - POST /v1/predict: a new run, in the order of checks of http-api.md section 4.1.
 */
#include "api/request.h"

#include <math.h>
#include <string.h>

#include "api/brains.h"
#include "api/run_options.h"
#include "base/id.h"
#include "plan/intake.h"

/* One accepted-to-be run, filled from top to bottom. */
struct candidate {
    struct run_options options;
    struct plan *plan;
    struct identity identity;
    const char *plane, *run_id;
    double max_cost;
    int max_time_minutes;
};

/* Fields that may hold a secret, at the top and in an inline suite. */
static const char *const secret_fields[] = {
    "auth",
    "user_input",
    "_oracle_admin_token",
    "_oracle_preview_token",
    "webhook_secret_name",
    "_browser_extra_headers",
};

/* Of what is echoed; it is in the run's row, which every step of the run writes. */
#define PAYLOAD_BYTES (8 << 10)

static int read_plan(struct request *req, struct candidate *c, struct err *err)
{
    const struct settings *s = req->api->settings;
    struct intake_config config = {
        .repo_root = s->repo_root,
        .env_url = s->env_url,
        .default_micro = s->default_micro,
        .max_steps = s->max_steps_per_plan,
        .max_loop_iterations = s->max_loop_iterations,
        .max_time_minutes = s->max_runtime_minutes,
        .max_cost = s->max_cost_usd,
    };
    return intake_request(req->pool, &config, req->json, &c->plan, err);
}

/* The least of what the server, the tenant, the plan and the caller allow (tenancy.md section 7).
 */
static void cap(const struct request *req, struct candidate *c)
{
    const struct settings *s = req->api->settings;
    double asked_cost = c->options.max_cost > 0 ? c->options.max_cost : c->plan->runtime.max_cost;
    int64_t asked_time = c->options.max_time_minutes > 0 ? c->options.max_time_minutes
                                                         : c->plan->runtime.max_time_minutes;
    int time = s->max_runtime_minutes < req->tenant->max_time_minutes_per_run
                   ? s->max_runtime_minutes
                   : req->tenant->max_time_minutes_per_run;
    c->max_cost = fmin(s->max_cost_usd, req->tenant->max_cost_per_run);
    if (asked_cost > 0)
        c->max_cost = fmin(c->max_cost, asked_cost);
    c->max_time_minutes = asked_time > 0 && asked_time < time ? (int)asked_time : time;
}

static int choose_plane(const struct request *req, struct candidate *c, struct err *err)
{
    const struct api_brain *brain = api_brain_find(req->api->settings->brain);
    bool reads_dom = brain && (brain->flags & API_BRAIN_READS_DOM);
    const char *asked =
        *c->options.compute_backend ? c->options.compute_backend : c->plan->runtime.compute_backend;
    if (!asked || !*asked)
        asked = reads_dom ? "browser_use_plane" : "computer_plane";
    if (strcmp(asked, "computer_plane") != 0 && strcmp(asked, "browser_use_plane") != 0)
        return err_set(err, E_INVALID,
                       "'compute_backend' must be computer_plane or browser_use_plane, not '%.60s'",
                       asked);
    if (reads_dom && strcmp(asked, "computer_plane") == 0)
        return err_set(err, E_INVALID,
                       "'compute_backend': the page brain reads the page's own content, which "
                       "computer_plane does not offer; leave it out or ask for browser_use_plane");
    c->plane = strcmp(asked, "computer_plane") == 0 ? "computer_plane" : "browser_use_plane";
    return 0;
}

static int choose_run_id(struct request *req, struct candidate *c, struct err *err)
{
    if (*c->options.run_id) {
        c->run_id = c->options.run_id;
        return run_id_check(c->run_id, err);
    }
    char *fresh = pool_alloc(req->pool, ID_RUN_BYTES);
    id_run(fresh);
    c->run_id = fresh;
    return 0;
}

static void drop_secrets(json_t *object)
{
    for (size_t i = 0; i < ARRAY_SIZE(secret_fields); i++)
        json_object_del(object, secret_fields[i]);
}

/* A long plan, inline or as text, is not shown again. */
static void drop_long_fields(json_t *payload)
{
    size_t used = 0;
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(payload, next, key, value)
    {
        size_t size = strlen(key) + json_dumpb(value, NULL, 0, JSON_COMPACT | JSON_ENCODE_ANY);
        if (used + size > PAYLOAD_BYTES)
            json_object_del(payload, key);
        else
            used += size;
    }
}

/* What status shows of the request: the names and caps that are in force, no secret. */
static json_t *make_payload(struct request *req, const struct candidate *c)
{
    json_t *payload = json_keep(req->pool, json_copy(req->json)),
           *suite = json_object_get(req->json, "task_suite");
    json_object_del(payload, "task_file_contents");
    drop_secrets(payload);
    if (json_is_object(suite)) {
        suite = json_copy(suite);
        drop_secrets(suite);
        json_put(payload, "task_suite", suite);
    }
    drop_long_fields(payload);
    json_put_str(payload, "profile_id", c->identity.profile_id);
    json_put_str(payload, "workflow_id", c->identity.workflow_id);
    if (json_object_get(payload, "state_key"))
        json_put_str(payload, "state_key", c->identity.state_key);
    json_put_num(payload, "max_cost", c->max_cost);
    json_put_int(payload, "max_time_minutes", c->max_time_minutes);
    return payload;
}

static json_t *make_worker_options(struct request *req, const struct candidate *c)
{
    json_t *options = json_keep(req->pool, json_object());
    const struct plan_runtime *runtime = &c->plan->runtime;
    double ceiling =
        c->options.settle_ceiling_s > 0 ? c->options.settle_ceiling_s : runtime->settle_ceiling_s;
    if (c->options.extraction_schema)
        json_put(options, "extraction_schema", json_deep_copy(c->options.extraction_schema));
    if (ceiling > 0)
        json_put_num(options, "settle_ceiling_s", ceiling);
    if (c->options.has_pause_on_captcha)
        json_put_bool(options, "pause_on_captcha", c->options.pause_on_captcha);
    else if (runtime->has_pause_on_captcha)
        json_put_bool(options, "pause_on_captcha", runtime->pause_on_captcha);
    return options;
}

static int submit(struct request *req, const struct candidate *c, struct err *err)
{
    struct submission sub = {
        .run_id = c->run_id,
        .tenant_id = req->tenant->id,
        .profile_id = c->identity.profile_id,
        .workflow_id = c->identity.workflow_id,
        .state_key = c->identity.state_key,
        .plan = c->plan,
        .max_cost = c->max_cost,
        .max_time_minutes = c->max_time_minutes,
        .resume_state = c->options.resume_state,
        .plane = c->plane,
        .brain = req->api->settings->brain,
        .payload = make_payload(req, c),
        .options = make_worker_options(req, c),
        .mode = c->options.detached ? "detached" : "sync",
    };
    return sched_submit(req->api->sched, &sub, err);
}

static int check_ready(struct request *req, struct err *err)
{
    const char *reason = NULL;
    if (req->api->draining)
        return err_set(err, E_UNAVAILABLE, "the server is stopping and takes no new runs");
    if (!sched_ready(req->api->sched, &reason))
        return err_set(err, E_UNAVAILABLE, "no run can be carried out now: %s",
                       reason ? reason : "not ready");
    return 0;
}

/* The handle of section 4.5: these fields of the status document and no others. */
static int respond_handle(struct request *req, const struct candidate *c, struct err *err)
{
    static const char *const fields[] = {"status",      "mode",     "run_id",     "created_at",
                                         "updated_at",  "model",    "payload",    "status_path",
                                         "result_path", "csv_path", "events_path"};
    json_t *doc, *handle = json_keep(req->pool, json_object());
    int r = sched_status(req->api->sched, req->pool, req->tenant->id, c->run_id, &doc, err);
    if (r)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        json_put(handle, fields[i], json_incref(json_object_get(doc, fields[i])));
    return respond_json(req, 200, handle);
}

/* detached:false answers the result itself; a run that ended before it had one answers its status.
 */
static int respond_result(struct request *req, struct err *err)
{
    json_t *doc;
    int r = sched_result(req->api->sched, req->pool, req->tenant->id, req->wait_run_id, &doc, err);
    if (r)
        return r;
    const json_t *result = json_object_get(doc, "result");
    return respond_json(req, 200, json_is_object(result) ? result : doc);
}

static int run_mode(struct request *req, struct err *err)
{
    struct candidate c = {0};
    int r = run_options_read(req->json, &c.options, err);
    if (!r)
        r = read_plan(req, &c, err);
    if (r)
        return r;
    cap(req, &c);
    if ((r = choose_plane(req, &c, err)) || (r = choose_run_id(req, &c, err)))
        return r;
    r = identity_resolve(req->pool, req->tenant->id, &c.options, c.plan->signature, &c.identity,
                         err);
    if (!r)
        r = check_ready(req, err);
    if (!r)
        r = submit(req, &c, err);
    if (r)
        return r;
    audit_predict(req, "run", c.identity.profile_id, c.identity.workflow_id, c.options.detached);
    return c.options.detached ? respond_handle(req, &c, err)
                              : request_wait_for_run(req, c.run_id, respond_result, err);
}

int predict_post(struct request *req, struct err *err)
{
    const char *action = "";
    int r = json_read_string(req->json, "action", &action, err);
    if (r)
        return r;
    return *action ? action_dispatch(req, action, err) : run_mode(req, err);
}
