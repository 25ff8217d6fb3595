#include "api/start.h"
#include "api/brains.h"

#include <string.h>

#include "api/recipes.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "gate/shadow.h"
#include "plan/intake.h"
#include "sched/gateway.h"

#define CONCURRENCY_RETRY_S 6 /* http-api.md section 12 */

/* ---- the tenant ---- */

static const char *const *keep_list(struct pool *pool, const char *const *list)
{
    size_t n = 0;
    while (list && list[n])
        n++;
    const char **copy = pool_alloc(pool, sizeof(*copy) * (n + 1));
    for (size_t i = 0; i < n; i++)
        copy[i] = pool_strdup(pool, list[i]);
    return copy;
}

const struct tenant *start_keep_tenant(struct pool *pool, const struct tenant *tenant)
{
    struct tenant *copy = pool_alloc(pool, sizeof(*copy));
    *copy = *tenant;
    copy->id = pool_strdup(pool, tenant->id);
    copy->label = "";
    copy->anthropic_secret_name = pool_strdup(pool, tenant->anthropic_secret_name);
    copy->allowed_domains = keep_list(pool, tenant->allowed_domains);
    copy->webhook_url = pool_strdup(pool, tenant->webhook_url);
    copy->webhook_secret_name = pool_strdup(pool, tenant->webhook_secret_name);
    copy->webhook_events = keep_list(pool, tenant->webhook_events);
    return copy;
}

/* ---- limits ---- */

int start_take_token(struct request *req, const struct tenant *tenant, struct err *err)
{
    int per_minute = tenant->rate_limit_per_minute;
    bool taken = limits_take(req->api->limits, req->tenant_id, per_minute, &req->rate);
    req->rated = true;
    if (taken)
        return 0;
    req->retry_after_s = req->rate.retry_after_s;
    meters_rejected(req->api->meters, req->tenant_id, "rate");
    return err_set(err, E_RATE_LIMITED,
                   "more than rate_limit_per_minute (%d) requests; try again in %d s", per_minute,
                   req->retry_after_s);
}

int start_take_token_once(struct request *req, struct candidate *c, struct err *err)
{
    int r = c->token_taken ? 0 : start_take_token(req, c->tenant, err);
    c->token_taken = !r;
    return r;
}

void start_too_many_runs(struct request *req)
{
    req->retry_after_s = CONCURRENCY_RETRY_S;
    meters_rejected(req->api->meters, req->tenant_id, "concurrent");
}

/* What runs under way will cost is not known: they may take the day over its cap. */
static int check_day(struct request *req, const struct tenant *tenant, struct err *err)
{
    int64_t now_us = clock_wall_us(), midnight_us = now_us - now_us % DAY_US;
    double spent = 0, cap = tenant->max_cost_per_day;
    if (cap <= 0)
        return 0;
    int r = store_cost_since(req->api->store, req->tenant_id, midnight_us, &spent, err);
    if (r || spent < cap)
        return r;
    req->retry_after_s = (int)((midnight_us + DAY_US - now_us) / 1000000) + 1;
    meters_rejected(req->api->meters, req->tenant_id, "cost");
    return err_set(err, E_RATE_LIMITED,
                   "the runs of this day (UTC) have cost %.2f USD, max_cost_per_day allows %.2f; "
                   "the next day begins in %d s",
                   spent, cap, req->retry_after_s);
}

/* tenancy.md section 5: its own key or none. The gateway holds it too, call by call. */
static int check_key(struct request *req, const struct candidate *c, const char *brain,
                     struct err *err)
{
    const char *name = c->tenant->anthropic_secret_name;
    bool claude = str_starts(api_brain_for_worker(brain), "claude");
    if (!claude || !c->tenant->anthropic_required ||
        gateway_has_claude(req->api->gateway, name, true))
        return 0;
    return err_set(err, E_INVALID,
                   "this tenant's own Anthropic key is required (anthropic_required), and the secret "
                   "'%.80s' is not there",
                   name);
}

/* Recipes and the like are learned without the model: they bring a brain of their own. */
static int check_model(struct request *req, const struct candidate *c, struct err *err)
{
    const char *reason;
    if (c->brain)
        return 0;
    if (engine_ready_for_runs(req->api->engine, &reason))
        return check_key(req, c, req->api->settings->brain, err);
    return err_set(err, E_UNAVAILABLE, "no run can be carried out now: %s", reason);
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

/* More runs may end, or begin, before this one is asked for. */
static int check_live(struct request *req, const struct candidate *c, struct err *err)
{
    int live = sched_live_runs(req->api->sched, req->tenant_id);
    if (live < c->tenant->max_concurrent_runs)
        return 0;
    start_too_many_runs(req);
    return err_set(err, E_RATE_LIMITED, "%d runs are live, max_concurrent_runs allows %d", live,
                   c->tenant->max_concurrent_runs);
}

static int may_spend(struct request *req, struct candidate *c, struct err *err)
{
    bool dry = c->options.dry_run;
    int r = dry ? 0 : check_ready(req, err);
    r = r || dry ? r : check_model(req, c, err);
    r = r || dry ? r : check_live(req, c, err);
    r = r ? r : check_day(req, c->tenant, err);
    return r ? r : start_take_token_once(req, c, err);
}

/* ---- answers ---- */

/* detached:false answers the result itself; a run that ended before it had one answers its status.
 */
static int answer_result(struct request *req, struct err *err)
{
    const struct candidate *c = req->state;
    json_t *doc;
    int r = sched_result(req->api->sched, req->pool, request_run(req, c->run_id), &doc, err);
    if (r)
        return r;
    const json_t *result = json_object_get(doc, "result");
    return respond_json(req, 200, json_is_object(result) ? result : doc);
}

/* ---- keys ---- */

static int replay(struct request *req, const struct store_key *found, struct err *err)
{
    struct candidate *c = req->state;
    req->replayed = true;
    req->rated = false; /* the answer is the stored one, whatever was asked before it */
    req->outcome = "idempotent_hit";
    c->run_id = found->run_id;
    audit_line(req, found->run_id, "predict idempotency-hit tenant=%s key=%s run_id=%s",
               req->tenant_id, c->key->hash, found->run_id);
    if (found->reply)
        return respond_text(req, 200, "application/json", found->reply, strlen(found->reply));
    return request_wait_for_run(req, request_run(req, found->run_id), answer_result, err);
}

/* *ret_done: the key's run answers this call, now or when a twin is stored. */
static int try_key(struct request *req, route_fn *again, bool *ret_done, struct err *err)
{
    struct candidate *c = req->state;
    struct store_key found;
    *ret_done = false;
    if (!c->key)
        return 0;
    int r = replay_find(c->key, &found, err);
    if (r == E_NOT_FOUND)
        return replay_join(c->key, again, ret_done, err);
    *ret_done = true;
    return r ? r : replay(req, &found, err);
}

/* ---- runs of our own making ---- */

#define OWN_COST_USD 0.30
#define OWN_MINUTES  3

int start_own_plan(struct request *req, json_t *document, const char *name, struct plan **out,
                   struct err *err)
{
    const struct intake_config config = {.repo_root = "",
                                         .env_url = "",
                                         .default_micro = "",
                                         .max_steps = req->api->settings->max_steps_per_plan,
                                         .max_loop_iterations =
                                             req->api->settings->max_loop_iterations,
                                         .max_time_minutes = OWN_MINUTES,
                                         .max_cost = OWN_COST_USD};
    return intake_document(req->pool, &config, json_keep(req->pool, document), name, out, err);
}

static double least(double a, double b, double c)
{
    double ab = a < b ? a : b;
    return ab < c ? ab : c;
}

void start_own_caps(const struct request *req, struct candidate *c)
{
    const struct settings *s = req->api->settings;
    const struct tenant *t = c->tenant;
    c->max_cost = least(s->max_cost_usd, t->max_cost_per_run, OWN_COST_USD);
    c->max_time_minutes =
        (int)least(s->max_runtime_minutes, t->max_time_minutes_per_run, OWN_MINUTES);
}

/* ---- dispatch ---- */

/* The recipe that a schema names goes with the run; a name that is none is only a name. */
static void add_recipe(struct request *req, const json_t *schema, json_t *recipes)
{
    json_t *found;
    const char *name = json_str(schema, "schema_name", "");
    if (*name && !json_object_get(recipes, name) &&
        !recipe_find(req->api, req->pool, req->tenant_id, name, &found, NULL))
        json_object_set(recipes, name, found);
}

static json_t *named_recipes(struct request *req, const struct candidate *c)
{
    json_t *recipes = json_object();
    add_recipe(req, c->options.extraction_schema, recipes);
    for (int i = 0; i < c->plan->n_steps && json_object_size(recipes) < CAP_RUN_RECIPES; i++)
        add_recipe(req, c->plan->steps[i].extract, recipes);
    return recipes;
}

static json_t *cache_settings(struct request *req, const struct candidate *c)
{
    const struct run_options *o = &c->options;
    char key[ID_NAME_MAX + 1];
    if (!o->cache_read && !o->cache_write)
        return NULL;
    id_sanitise(*o->cache_key ? o->cache_key : c->identity.state_key, key, sizeof(key));
    return json_keep(req->pool,
                     json_pack("{s:s,s:b,s:b,s:I}", "key", key, "read", o->cache_read, "write",
                               o->cache_write, "ttl_s", (json_int_t)o->cache_ttl_s));
}

static json_t *worker_options(struct request *req, const struct candidate *c)
{
    json_t *options = json_keep(req->pool, json_object());
    const struct plan_runtime *runtime = &c->plan->runtime;
    double ceiling =
        c->options.settle_ceiling_s > 0 ? c->options.settle_ceiling_s : runtime->settle_ceiling_s;
    if (c->options.extraction_schema)
        json_put(options, "extraction_schema", json_deep_copy(c->options.extraction_schema));
    json_t *recipes = named_recipes(req, c);
    if (json_object_size(recipes))
        json_object_set(options, "recipes", recipes);
    json_decref(recipes);
    json_t *video = video_wanted(req->json);
    if (video)
        json_put(options, "video", video);
    if (c->options.row_images)
        json_put_bool(options, "row_images", true);
    if (c->words.spent)
        json_object_set(options, "spent", c->words.spent);
    if (ceiling > 0)
        json_put_num(options, "settle_ceiling_s", ceiling);
    if (c->options.has_pause_on_captcha)
        json_put_bool(options, "pause_on_captcha", c->options.pause_on_captcha);
    else if (runtime->has_pause_on_captcha)
        json_put_bool(options, "pause_on_captcha", runtime->pause_on_captcha);
    if (c->worker_options)
        json_object_update(options, (json_t *)c->worker_options);
    return options;
}

static int stored(struct request *req, struct err *err)
{
    struct candidate *c = req->state;
    bool done = false;
    int r = c->result;
    if ((r == E_CONFLICT || r == E_RATE_LIMITED) && c->key) {
        struct store_key found; /* a twin may have been there first */
        int seen = replay_find(c->key, &found, err);
        done = seen != E_NOT_FOUND;
        if (done)
            return seen ? seen : replay(req, &found, err);
    }
    if (r == E_RATE_LIMITED)
        start_too_many_runs(req);
    if (r) {
        *err = c->err;
        return r;
    }
    req->run_id = c->run_id;
    audit_predict(req, c->action ? c->action : "run", c->identity.profile_id,
                  c->identity.workflow_id, c->options.detached);
    if (!c->options.detached)
        return request_wait_for_run(req, request_run(req, c->run_id), answer_result, err);
    if (c->answer)
        return c->answer(req, err);
    return respond_text(req, 200, "application/json", c->handle, strlen(c->handle));
}

static void on_stored(void *arg, int result, const struct err *err)
{
    struct request *req = arg;
    struct candidate *c = req->state;
    c->submit = NULL;
    c->result = result;
    c->words.charged = !result;
    if (result)
        c->err = *err;
    else if (c->options.detached) /* as it was stored: the run may be under way a moment later */
        c->result = sched_handle(req->api->sched, req->pool, request_run(req, c->run_id),
                                 &c->handle, &c->err);
    if (c->key)
        replay_end(c->key);
    request_resume(req);
}

static void forget(struct request *req)
{
    struct candidate *c = req->state;
    sched_submit_forget(c->submit);
    c->submit = NULL;
    if (c->key)
        replay_end(c->key);
}

/* Which side of a split it is on: "" there is none, or it asks no model of this pod. A workflow never changes sides. */
static const char *variant_of(const struct request *req, const struct candidate *c)
{
    const struct settings *s = req->api->settings;
    bool asks = !c->brain && req->api->engine && engine_target(req->api->engine)->profile;
    return asks && !str_empty(s->shadow_url)
               ? shadow_variant(s->shadow_pct, s->shadow_salt, c->identity.workflow_id)
               : "";
}

static void submit(struct request *req, struct candidate *c)
{
    const char *brain = c->brain ? c->brain : req->api->settings->brain;
    struct submission sub = {
        .key = request_run(req, c->run_id),
        .profile_id = c->identity.profile_id,
        .workflow_id = c->identity.workflow_id,
        .state_key = c->identity.state_key,
        .plan = c->plan,
        .max_cost = c->max_cost,
        .max_time_minutes = c->max_time_minutes,
        .max_concurrent_runs = c->tenant->max_concurrent_runs,
        .resume_state = c->options.resume_state,
        .plane = c->plane,
        .max_cost_per_day = c->tenant->max_cost_per_day,
        .anthropic_secret_name = c->tenant->anthropic_secret_name,
        .anthropic_required = c->tenant->anthropic_required,
        .brain = api_brain_for_worker(brain),
        .model = api_brain_model(brain),
        .model_tag = c->brain ? "" : model_tag(req),
        .variant = variant_of(req, c),
        .payload = c->payload,
        .warnings = c->warnings,
        .user_input = c->options.user_input,
        .options = worker_options(req, c),
        .cache = cache_settings(req, c),
        .live_viewer = c->options.live_viewer,
        .mode = c->action             ? c->action
                : c->options.detached ? "detached"
                                      : "sync",
        .allowed_domains = c->tenant->allowed_domains,
        .webhook_url = c->webhook_url,
        .webhook_secret_name = *c->webhook_url ? c->tenant->webhook_secret_name : "",
        .webhook_events = c->webhook_events,
        .traceparent = req->traceparent,
        .key_hash = c->key ? c->key->hash : NULL,
        .body_hash = c->key ? c->key->body : NULL,
    };
    if (c->key)
        replay_begin(c->key);
    request_suspend(req, stored, forget);
    c->words.charged = true; /* also when nobody waits for the run to be stored */
    c->submit = sched_submit(req->api->sched, &sub, on_stored, req);
}

/* Also where a call goes on that waited for its twin: the key is looked up again. */
static int begin(struct request *req, struct err *err)
{
    struct candidate *c = req->state;
    bool done;
    int r = try_key(req, begin, &done, err);
    if (r || done)
        return r;
    r = check_ready(req, err);
    r = r ? r : check_model(req, c, err);
    r = r ? r : check_day(req, c->tenant, err);
    r = r ? r : start_take_token_once(req, c, err);
    if (r)
        return r;
    submit(req, c);
    return 0;
}

int start_run(struct request *req, struct candidate *c, struct err *err)
{
    req->state = c;
    return begin(req, err);
}

/* A run of this key is there: it is the answer, and nothing has to be made for it. */
static int known_key(struct request *req, struct candidate *c, bool *ret_known, struct err *err)
{
    struct store_key found;
    struct err why = {0};
    *ret_known = false;
    if (c->options.dry_run)
        return 0;
    int r = replay_key_read(req, &c->key, err);
    if (r || !c->key)
        return r;
    r = replay_find(c->key, &found, &why);
    *ret_known = !r;
    if (r && r != E_NOT_FOUND)
        *err = why;
    return r == E_NOT_FOUND ? 0 : r;
}

int start_ask_model(struct request *req, struct candidate *c, route_fn *again, struct err *err)
{
    bool known;
    int r = known_key(req, c, &known, err);
    if (r)
        return r;
    if (known)
        return start_run(req, c, err);
    req->state = c;
    predict_cap(req, c);
    c->words.max_cost = c->max_cost;
    r = may_spend(req, c, err);
    return r ? r : words_ask(&c->words, again, err);
}
