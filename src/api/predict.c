/*
 * predict.c - POST /v1/predict: a new run, in the order of checks of http-api.md section 4.1. Steps
 * 1 and 2 are request.c's; 3 to 7 are here; 8 to 13 are start.c's.
 */
#include <math.h>
#include <string.h>

#include "api/brains.h"
#include "api/dry_run.h"
#include "api/recipes.h"
#include "api/start.h"
#include "base/id.h"
#include "plan/allow.h"
#include "plan/intake.h"
#include "sched/payload.h"

/* Everything of the request that a run could open, whatever shape its plan has. */
static int check_hosts(const struct request *req, const struct candidate *c,
                       const struct intake_source *source, struct err *err)
{
    struct allow *allow = allow_begin(req->pool, c->tenant->allowed_domains);
    allow_see_address(allow, json_str(req->json, "start_url", ""));
    allow_see_address(allow, json_str(req->json, "base_url", ""));
    allow_see_text(allow, json_str(req->json, "objective", ""));
    allow_see_text(allow, source->prose ? source->prose : "");
    allow_see_document(allow, source->document);
    return allow_end(allow, err);
}

/* A suite's _recipe says what extracting steps without a schema of their own look for, when neither
 * the request nor the suite brings one. */
static int apply_recipe(struct request *req, const struct candidate *c,
                        const struct intake_source *source, struct plan *plan, struct err *err)
{
    const char *name = "";
    json_t *schema;
    if (c->options.extraction_schema || json_object_get(source->document, "_extraction_schema"))
        return 0;
    int r = json_read_string(source->document, "_recipe", &name, err);
    if (r || !*name)
        return r;
    r = recipe_find(req->api, req->pool, req->tenant_id, name, &schema, err);
    if (r == E_NOT_FOUND)
        return err_set(err, E_INVALID, "'_recipe': there is no recipe '%.64s'", name);
    if (r)
        return err_prefix(err, "'_recipe'");
    intake_share_schema(req->pool, plan, schema);
    return 0;
}

/* Steps 3 and 7. A plan that only a model could run, and words that are not understood, are still
 * looked at for their hosts. */
static int read_plan(struct request *req, struct candidate *c, struct intake_source *source,
                     struct err *err)
{
    struct intake_config config = words_intake(req->api);
    struct plan *plan;
    struct err denied = {0};
    config.decomposer = &c->words.decomposer;
    int r = intake_read(req->pool, &config, req->json, source, err);
    r = r ? r : intake_build(req->pool, &config, req->json, source, &plan, err);
    bool no_plan = r == E_UNSUPPORTED || (r && source->prose && !source->document);
    if (no_plan && check_hosts(req, c, source, &denied)) {
        *err = denied;
        r = E_FORBIDDEN;
    }
    r = r ? r : apply_recipe(req, c, source, plan, err);
    if (!r)
        c->plan = plan;
    return r;
}

/* The least of what the server, the tenant, the plan and the caller allow (tenancy.md section 7).
 */
void predict_cap(const struct request *req, struct candidate *c)
{
    const struct settings *s = req->api->settings;
    static const struct plan_runtime unknown;
    const struct plan_runtime *runtime = c->plan ? &c->plan->runtime : &unknown;
    double asked_cost = c->options.max_cost > 0 ? c->options.max_cost : runtime->max_cost;
    int64_t asked_time =
        c->options.max_time_minutes > 0 ? c->options.max_time_minutes : runtime->max_time_minutes;
    int time = s->max_runtime_minutes < c->tenant->max_time_minutes_per_run
                   ? s->max_runtime_minutes
                   : c->tenant->max_time_minutes_per_run;
    c->max_cost = fmin(s->max_cost_usd, c->tenant->max_cost_per_run);
    if (asked_cost > 0)
        c->max_cost = fmin(c->max_cost, asked_cost);
    c->max_time_minutes = asked_time > 0 && asked_time < time ? (int)asked_time : time;
}

int predict_choose_plane(const struct request *req, struct candidate *c, struct err *err)
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

int predict_choose_run_id(struct request *req, struct candidate *c, struct err *err)
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

/* The caller's address and events, else the tenant's. */
int predict_choose_webhook(struct request *req, struct candidate *c, struct err *err)
{
    const json_t *events = c->options.callback_events, *word;
    size_t i;
    c->webhook_url = c->tenant->webhook_url;
    c->webhook_events = c->tenant->webhook_events;
    if (*c->options.callback_url) {
        if (webhook_check_url(c->options.callback_url, req->api->settings->webhook_allow_private,
                              err))
            return err_prefix(err, "'callback_url'");
        c->webhook_url = c->options.callback_url;
    }
    if (!events)
        return 0;
    const char **words = pool_alloc(req->pool, sizeof(*words) * (json_array_size(events) + 1));
    json_array_foreach ((json_t *)events, i, word)
        words[i] = json_string_value(word);
    c->webhook_events = words;
    return 0;
}

/* The names and caps that are in force are shown, not those that were asked for. */
static json_t *make_payload(struct request *req, const struct candidate *c)
{
    json_t *payload = payload_of(req->pool, req->json);
    payload_mask_prose(req->pool, payload, c->plan);
    json_put_str(payload, "profile_id", c->identity.profile_id);
    json_put_str(payload, "workflow_id", c->identity.workflow_id);
    if (json_object_get(payload, "state_key"))
        json_put_str(payload, "state_key", c->identity.state_key);
    json_put_num(payload, "max_cost", c->max_cost);
    json_put_int(payload, "max_time_minutes", c->max_time_minutes);
    return payload;
}

/* Steps 3 to 7. */
static int check(struct request *req, struct candidate *c, struct err *err)
{
    struct intake_source source;
    int r = run_options_read(req->json, &c->options, err);
    r = r ? r : model_check(c->options.cua_model, req->api->model, c->options.dry_run, err);
    r = r ? r : read_plan(req, c, &source, err);
    if (r)
        return r;
    predict_cap(req, c);
    r = predict_choose_plane(req, c, err);
    r = r ? r : predict_choose_run_id(req, c, err);
    r = r ? r : predict_choose_webhook(req, c, err);
    r = r ? r
          : identity_resolve(req->pool, req->tenant_id, &c->options, c->plan->signature,
                             &c->identity, err);
    return r ? r : check_hosts(req, c, &source, err);
}

/* What is taken, but perhaps not as it was meant. */
static const json_t *make_warnings(struct request *req, const struct candidate *c)
{
    json_t *warnings = json_keep(req->pool, json_array());
    identity_warn(req->pool, &c->options, &c->identity, warnings);
    if (c->options.dry_run && c->options.resume_state) { /* a run is told by who takes it */
        json_t *found = NULL;
        if (store_workflow_checkpoint(req->api->store, req->pool, req->tenant_id,
                                      c->identity.workflow_id, c->plan->signature, &found, NULL) ||
            !found)
            json_push(warnings,
                      json_string(sched_no_checkpoint(req->pool, c->identity.workflow_id)));
    }
    return warnings;
}

/* It spends a token like every run that is asked for, and nothing else. */
static int answer_dry_run(struct request *req, struct candidate *c, struct err *err)
{
    const char *model = *c->options.cua_model ? c->options.cua_model : req->api->model;
    struct dry_run d = {.tenant_id = req->tenant_id,
                        .model = model,
                        .plane = c->plane,
                        .data_dir = req->api->settings->data_dir,
                        .plan = c->plan,
                        .identity = &c->identity,
                        .warnings = c->warnings,
                        .max_cost = c->max_cost,
                        .max_time_minutes = c->max_time_minutes,
                        .by_model = c->words.by_model,
                        .resume_state = c->options.resume_state};
    int r = start_take_token_once(req, c, err);
    if (r)
        return r;
    audit_predict(req, "run", c->identity.profile_id, c->identity.workflow_id, c->options.detached);
    return respond_json(req, 200, json_keep(req->pool, dry_run_json(&d)));
}

static int go_on(struct request *req, struct err *err);

/* Before it is paid for, everything else that a run needs is there. */
static int ask_model(struct request *req, struct candidate *c, struct err *err)
{
    int r = predict_choose_run_id(req, c, err);
    r = r ? r : predict_choose_webhook(req, c, err);
    return r ? r : start_ask_model(req, c, go_on, err);
}

/* Also where a call goes on whose words the model has made steps of. */
static int go_on(struct request *req, struct err *err)
{
    struct candidate *c = req->state;
    struct err why = {0};
    int r = check(req, c, &why);
    if (r && c->words.text && !c->words.answered && r != E_FORBIDDEN)
        return ask_model(req, c, err);
    if (r == E_FORBIDDEN)
        req->outcome = "denied_allowlist";
    if (r) {
        *err = why;
        return r;
    }
    c->warnings = make_warnings(req, c);
    if (c->options.dry_run)
        return answer_dry_run(req, c, err);
    c->payload = make_payload(req, c);
    r = replay_key_read(req, &c->key, err);
    return r ? r : start_run(req, c, err);
}

static int run_mode(struct request *req, struct err *err)
{
    struct candidate *c = pool_alloc(req->pool, sizeof(*c));
    c->tenant = start_keep_tenant(req->pool, req->tenant);
    words_begin(&c->words, req, c->tenant);
    req->mode = "run";
    req->state = c;
    int r = request_may(req, SCOPE_RUN, err);
    return r ? r : go_on(req, err);
}

int predict_post(struct request *req, struct err *err)
{
    const char *action = "";
    int r = json_read_string(req->json, "action", &action, err);
    if (r)
        return r;
    return *action ? action_dispatch(req, action, err) : run_mode(req, err);
}
