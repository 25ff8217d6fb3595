/*
 * cua.c - POST /v1/cua: one instruction, carried out in a loop of looking and acting (http-api.md
 * section 6).
 *
 * It becomes a suite of one task, and from there on is a run like any other; its result says more
 * of the loop (core/result_cua.h). The brain "none" carries out nothing: what a caller got wrong is
 * told all the same, so that a client can be written against such a server.
 */
#include <string.h>

#include "api/start.h"
#include "base/str.h"
#include "plan/allow.h"
#include "plan/intake.h"
#include "sched/payload.h"

#define SESSION    "pure_cua"
#define TASK_STEPS 100 /* of a task in a suite; more goes beside it */

static int check_hosts(struct request *req, const struct candidate *c, const struct cua_options *o,
                       struct err *err)
{
    struct allow *allow = allow_begin(req->pool, c->tenant->allowed_domains);
    allow_see_address(allow, o->start_url);
    allow_see_text(allow, o->instruction);
    allow_see_text(allow, o->goals ? o->goals : "");
    int r = allow_end(allow, err);
    if (r)
        req->outcome = "denied_allowlist";
    return r;
}

/* --- as goals -------------------------------------------------------------------------------- */

/* decompose: the instruction as an ordered list beside it. *ret_ask: a model has to be asked for
 * it. */
static int find_goals(struct request *req, struct candidate *c, struct cua_options *o,
                      bool *ret_ask, struct err *err)
{
    bool wanted = false;
    const char *text = str_empty(o->start_url) ? o->instruction
                                               : pool_printf(req->pool, "%s\n\nTarget URL: %s",
                                                             o->instruction, o->start_url);
    *ret_ask = false;
    int r = json_read_bool(req->json, "decompose", &wanted, err);
    if (r || !wanted)
        return r;
    r = words_goals(&c->words, text, &o->goals, err);
    *ret_ask = r == E_UNAVAILABLE && c->words.text && !c->words.answered;
    return r && !*ret_ask ? err_prefix(err, "'decompose'") : r;
}

/* --- as a plan ------------------------------------------------------------------------------- */

static int make_plan(struct request *req, const struct cua_options *o, const struct plan **out,
                     struct err *err)
{
    const struct settings *s = req->api->settings;
    const struct intake_config config = {.repo_root = "",
                                         .env_url = s->env_url,
                                         .default_micro = "",
                                         .max_steps = s->max_steps_per_plan,
                                         .max_loop_iterations = s->max_loop_iterations,
                                         .max_time_minutes = s->max_runtime_minutes,
                                         .max_cost = s->max_cost_usd};
    json_t *task = json_object(), *document = json_object();
    struct plan *plan;
    json_put_str(task, "task_id", "cua");
    json_put_str(task, "intent",
                 str_empty(o->goals)
                     ? o->instruction
                     : pool_printf(req->pool, "%s\n\n%s", o->instruction, o->goals));
    json_put_str(task, "start_url", o->start_url ? o->start_url : "");
    json_put_int(task, "max_steps", o->max_steps < TASK_STEPS ? o->max_steps : TASK_STEPS);
    json_put_str(document, "session_name", SESSION);
    json_put(document, "tasks", json_pack("[o]", task));
    int r =
        intake_document(req->pool, &config, json_keep(req->pool, document), SESSION, &plan, err);
    if (!r)
        *out = plan;
    return r;
}

/* What the request says of the loop; a switch that it leaves out is the server's. */
static int make_options(struct request *req, const struct cua_options *o, const json_t **out,
                        struct err *err)
{
    json_t *options = json_keep(req->pool, json_object()), *inner = json_object();
    json_put(options, "inner", inner);
    json_put(options, "cua",
             json_pack("{s:s,s:s}", "instruction", o->instruction, "start_url", o->start_url));
    json_put_int(options, "task_steps", o->max_steps);
    json_put_num(options, "settle_s", o->settle_s);
    json_put_bool(options, "ground_clicks", o->ground_clicks);
    json_put_int(options, "frames", o->frames);
    for (const char *const *name = cua_switches; *name; name++) {
        const json_t *given = json_object_get(req->json, *name);
        bool on = false;
        int r = json_read_bool(req->json, *name, &on, err);
        if (r)
            return r;
        if (given && !json_is_null(given))
            json_put_bool(inner, *name, on);
    }
    *out = options;
    return 0;
}

/* --- as a run -------------------------------------------------------------------------------- */

static void take_options(struct candidate *c, const struct cua_options *o)
{
    c->options = (struct run_options){.detached = o->detached,
                                      .profile_id = o->profile_id,
                                      .workflow_id = o->workflow_id,
                                      .state_key = o->state_key,
                                      .run_id = o->run_id,
                                      .compute_backend = "",
                                      .max_cost = o->max_cost,
                                      .max_time_minutes = o->max_time_minutes,
                                      .cua_model = o->cua_model,
                                      .callback_url = o->callback_url,
                                      .live_viewer = o->live_viewer,
                                      .cache_key = ""};
}

static const json_t *make_payload(struct request *req, const struct candidate *c)
{
    json_t *payload = payload_of(req->pool, req->json);
    json_put_str(payload, "profile_id", c->identity.profile_id);
    json_put_str(payload, "workflow_id", c->identity.workflow_id);
    json_put_num(payload, "max_cost", c->max_cost);
    json_put_int(payload, "max_time_minutes", c->max_time_minutes);
    return payload;
}

static int prepare(struct request *req, const struct cua_options *o, struct candidate *c,
                   struct err *err)
{
    int r = make_plan(req, o, &c->plan, err);
    r = r ? r : make_options(req, o, &c->worker_options, err);
    if (r)
        return r;
    predict_cap(req, c);
    r = predict_choose_plane(req, c, err);
    r = r ? r : predict_choose_run_id(req, c, err);
    r = r ? r : predict_choose_webhook(req, c, err);
    return r ? r
             : identity_resolve(req->pool, req->tenant_id, &c->options, c->plan->signature,
                                &c->identity, err);
}

/* --- where nothing can be carried out -------------------------------------------------------- */

/* A key is not spent on what cannot be done, but that of another request is told. */
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

static int refuse(struct request *req, struct err *err)
{
    int r = check_key(req, err);
    r = r ? r : start_take_token(req, req->tenant, err);
    r = r ? r : check_concurrency(req, err);
    if (r)
        return r;
    return err_set(err, E_UNAVAILABLE,
                   "no model is configured that can carry out an instruction: '%s' decides "
                   "nothing; set MANTIS_BRAIN",
                   req->api->model);
}

static int ask_model(struct request *req, struct candidate *c, route_fn *again, struct err *err)
{
    int r = predict_choose_run_id(req, c, err);
    r = r ? r : predict_choose_webhook(req, c, err);
    return r ? r : start_ask_model(req, c, again, err);
}

/* Also where a call goes on whose instruction a model has made goals of. */
static int go_on(struct request *req, struct err *err)
{
    struct candidate *c = req->state;
    bool carries_out = strcmp(req->api->settings->brain, "none") != 0, ask = false;
    struct cua_options o;
    struct err why = {0};
    int r = cua_options_read(req->json, req->api->settings->max_steps_per_plan, &o, err);
    r = r ? r : model_check(o.cua_model, req->api->model, false, err);
    if (r)
        return r;
    take_options(c, &o);
    if (carries_out && (r = check_hosts(req, c, &o, err)))
        return r;
    r = carries_out ? find_goals(req, c, &o, &ask, &why) : 0;
    if (ask)
        return ask_model(req, c, go_on, err);
    if (r) {
        *err = why;
        return r;
    }
    r = prepare(req, &o, c, err);
    r = r ? r : check_hosts(req, c, &o, err);
    if (r || !carries_out)
        return r ? r : refuse(req, err);
    c->payload = make_payload(req, c);
    r = replay_key_read(req, &c->key, err);
    return r ? r : start_run(req, c, err);
}

int cua_post(struct request *req, struct err *err)
{
    struct candidate *c = pool_alloc(req->pool, sizeof(*c));
    c->tenant = start_keep_tenant(req->pool, req->tenant);
    words_begin(&c->words, req, c->tenant);
    req->mode = "cua";
    req->state = c;
    return go_on(req, err);
}
