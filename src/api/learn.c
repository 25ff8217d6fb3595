/*
 * learn.c - action=graph_learn: look at a site for an objective and answer a plan (http-api.md
 * section 5).
 *
 * The looking is a run like any other (queue, slot, profile lock, events), made of two steps: open
 * the page, learn (run/steps/learn.c). What it learnt is in its checkpoint. The same objective and
 * address make the same workflow and plan, so that the newest run of that workflow is what was
 * learnt before: nothing else is kept, and it goes when the run goes.
 */
#include <string.h>

#include "api/start.h"
#include "base/caps.h"
#include "base/str.h"
#include "plan/allow.h"
#include "plan/intake.h"

#define ACTION       "graph_learn"
#define PROFILE      "graph_learn" /* unless the caller names one: of its own, no run holds it up */
#define LEARN_FORMAT 1             /* what was learnt by another one is not answered */
#define HASH_DIGITS  12
#define WHY_BYTES    300

struct lesson {
    const char *objective;                       /* squashed */
    const char *start_url, *profile_id, *run_id; /* "" none */
    bool force;
    char hash[HASH_DIGITS + 1];
};

static int read_lesson(struct request *req, struct lesson *l, struct err *err)
{
    const char *objective = "", *text = "";
    *l = (struct lesson){.objective = "", .start_url = "", .profile_id = "", .run_id = ""};
    int r = json_read_string(req->json, "objective", &objective, err);
    r = r ? r : json_read_string(req->json, "plan_text", &text, err);
    r = r ? r : json_read_string(req->json, "start_url", &l->start_url, err);
    r = r ? r : json_read_string(req->json, "profile_id", &l->profile_id, err);
    r = r ? r : json_read_string(req->json, "run_id", &l->run_id, err);
    r = r ? r : json_read_bool(req->json, "force_relearn", &l->force, err);
    if (!r && *l->run_id)
        r = run_id_check(l->run_id, err);
    if (r)
        return r;
    if (str_empty(objective))
        objective = text;
    if (str_empty(objective))
        return err_set(err, E_INVALID,
                       "must provide 'objective' or 'plan_text': in words, what is to be read");
    if (strlen(objective) > CAP_OBJECTIVE_BYTES)
        return err_set(err, E_INVALID, "the objective must be at most %d bytes",
                       CAP_OBJECTIVE_BYTES);
    l->objective = str_squash(req->pool, objective);
    return 0;
}

static int check_address(struct request *req, struct lesson *l, struct err *err)
{
    const char *given = l->start_url;
    char *first = plan_first_url(req->pool, *given ? given : l->objective);
    if (!first && !*given)
        return err_set(err, E_INVALID,
                       "'start_url' is missing, and the objective names no http or https address");
    if (!first || (*given && strcmp(first, given) != 0))
        return err_set(err, E_INVALID, "'start_url' must be an http or https address, not '%.80s'",
                       given);
    if (strlen(first) > CAP_TARGET_URL_BYTES)
        return err_set(err, E_INVALID, "'start_url' must be at most %d bytes",
                       CAP_TARGET_URL_BYTES);
    l->start_url = first;
    return 0;
}

static int check_hosts(struct request *req, const struct lesson *l, struct err *err)
{
    struct allow *allow = allow_begin(req->pool, req->tenant->allowed_domains);
    allow_see_address(allow, l->start_url);
    allow_see_text(allow, l->objective);
    int r = allow_end(allow, err);
    if (r)
        req->outcome = "denied_allowlist";
    return r;
}

static void make_hash(struct request *req, struct lesson *l)
{
    char hex[ID_SHA256_HEX_BYTES];
    const char *text =
        pool_printf(req->pool, "%s\n%s\n%s", l->objective, l->start_url, l->profile_id);
    id_sha256_hex(text, strlen(text), hex);
    memcpy(l->hash, hex, HASH_DIGITS);
}

/* ---- the run ---- */

static json_t *learn_params(const struct lesson *l)
{
    json_t *params = json_object();
    json_put_int(params, "format", LEARN_FORMAT);
    json_put(params, "objective", json_string_safe(l->objective));
    return params;
}

static void add_learn_step(struct pool *pool, const struct lesson *l, struct plan *plan)
{
    struct step *steps = pool_alloc(pool, sizeof(*steps) * (size_t)(plan->n_steps + 1));
    memcpy(steps, plan->steps, sizeof(*steps) * (size_t)plan->n_steps);
    steps[plan->n_steps] = steps[0];
    steps[plan->n_steps].type = ACTION;
    steps[plan->n_steps].intent = "Learn what the site offers for the objective";
    steps[plan->n_steps].params = json_keep(pool, learn_params(l));
    plan->steps = steps;
    plan->n_steps++;
    json_t *list = plan_steps_to_json(plan);
    intake_signature(list, plan->signature);
    json_decref(list);
}

static int make_plan(struct request *req, const struct lesson *l, const struct plan **out,
                     struct err *err)
{
    struct plan *plan;
    json_t *document =
        json_pack("{s:s, s:[{s:s,s:s,s:{s:s}}]}", "session_name", ACTION, "steps", "type",
                  "navigate", "intent", "Open the start page", "params", "url", l->start_url);
    int r = start_own_plan(req, document, ACTION, &plan, err);
    if (r)
        return r;
    add_learn_step(req->pool, l, plan);
    *out = plan;
    return 0;
}

static void fill(struct request *req, const struct lesson *l, struct candidate *c)
{
    char *run_id = pool_alloc(req->pool, ID_RUN_BYTES);
    json_t *payload = json_keep(req->pool, json_object());
    id_run(run_id);
    c->run_id =
        *l->run_id ? l->run_id : run_id; /* who names it can cancel it while this call waits */
    c->action = ACTION;
    c->options.detached = true;
    c->options.profile_id = *l->profile_id ? l->profile_id : PROFILE;
    c->options.workflow_id = pool_printf(req->pool, ACTION "_%s", l->hash);
    c->options.state_key = "";
    c->brain = "page";
    c->plane = "browser_use_plane";
    start_own_caps(req, c);
    c->webhook_url = c->tenant->webhook_url;
    c->webhook_events = c->tenant->webhook_events;
    json_put_str(payload, "action", ACTION);
    json_put(payload, "objective", json_string_safe(l->objective));
    json_put_str(payload, "start_url", l->start_url);
    json_put_str(payload, "objective_hash", l->hash);
    json_put_num(payload, "max_cost", c->max_cost);
    json_put_int(payload, "max_time_minutes", c->max_time_minutes);
    c->payload = payload;
}

/* ---- answers ---- */

static int answer_learnt(struct request *req, const char *hash, const char *start_url,
                         const char *run_id, const json_t *learned)
{
    json_t *doc = json_keep(req->pool, json_object());
    json_put_str(doc, "mode", ACTION);
    json_object_update(doc, (json_t *)learned);
    json_put_str(doc, "objective_hash", hash);
    json_put_str(doc, "start_url", start_url);
    json_put_str(doc, "run_id", run_id);
    json_put_bool(doc, "cached", *run_id == 0);
    if (!*run_id)
        json_put(doc, "run_id", json_null());
    return respond_json(req, 200, doc);
}

/* What the last step that failed says; "" none. */
static const char *why_failed(const json_t *result)
{
    const json_t *steps = json_object_get(result, "step_details");
    for (size_t i = json_array_size(steps); i > 0; i--) {
        const json_t *step = json_array_get(steps, i - 1);
        if (!json_flag(step, "success", false))
            return json_str(step, "data", "");
    }
    return "";
}

static int fail_learning(struct request *req, const char *run_id, const json_t *doc,
                         struct err *err)
{
    const json_t *result = json_object_get(doc, "result");
    const char *class = json_str(doc, "failure_class", ""), *why = why_failed(result);
    const char *halt = json_str(doc, "halt_reason", json_str(doc, "status", ""));
    if (!*why)
        why = json_str(doc, "error", halt);
    return err_set(err, E_UNPROCESSABLE, "nothing was learnt (%s): %s; see run '%s'",
                   *class ? class : halt, str_cut(req->pool, why, WHY_BYTES), run_id);
}

static int run_is_over(struct request *req, struct err *err)
{
    const struct candidate *c = req->state;
    json_t *doc;
    int r = sched_result(req->api->sched, req->pool, request_run(req, c->run_id), &doc, err);
    if (r)
        return r;
    const json_t *learned = json_object_get(json_object_get(doc, "result"), "learned");
    if (!json_truthy(learned))
        return fail_learning(req, c->run_id, doc, err);
    return answer_learnt(req, json_str(c->payload, "objective_hash", ""),
                         json_str(c->payload, "start_url", ""), c->run_id, learned);
}

static int wait_for_run(struct request *req, struct err *err)
{
    const struct candidate *c = req->state;
    return request_wait_for_run(req, request_run(req, c->run_id), run_is_over, err);
}

/* What the newest run of this objective learnt, NULL none. */
static int find_learnt(struct request *req, const struct candidate *c, json_t **out,
                       struct err *err)
{
    json_t *checkpoint = NULL;
    int r =
        store_workflow_checkpoint(req->api->store, req->pool, req->tenant_id,
                                  c->identity.workflow_id, c->plan->signature, &checkpoint, err);
    json_t *learned = r ? NULL : json_object_get(checkpoint, "learned");
    *out = json_truthy(learned) ? learned : NULL;
    return r;
}

static int answer_again(struct request *req, const struct candidate *c, const struct lesson *l,
                        const json_t *learned, struct err *err)
{
    int r = start_take_token(req, c->tenant, err);
    if (r)
        return r;
    audit_predict(req, ACTION, c->identity.profile_id, c->identity.workflow_id, true);
    return answer_learnt(req, l->hash, l->start_url, "", learned);
}

int graph_learn(struct request *req, struct err *err)
{
    struct lesson l;
    json_t *learned = NULL;
    struct candidate *c = pool_alloc(req->pool, sizeof(*c));
    c->tenant = start_keep_tenant(req->pool, req->tenant);
    int r = read_lesson(req, &l, err);
    r = r ? r : check_address(req, &l, err);
    r = r ? r : check_hosts(req, &l, err);
    if (r)
        return r;
    make_hash(req, &l);
    r = make_plan(req, &l, &c->plan, err);
    if (r)
        return r;
    fill(req, &l, c);
    c->answer = wait_for_run;
    r = identity_resolve(req->pool, req->tenant_id, &c->options, c->plan->signature, &c->identity,
                         err);
    if (!r && !l.force)
        r = find_learnt(req, c, &learned, err);
    if (r)
        return r;
    return learned ? answer_again(req, c, &l, learned, err) : start_run(req, c, err);
}
