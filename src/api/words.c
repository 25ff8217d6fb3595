#include "api/words.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "sched/gateway.h"

/* --- the key (tenancy.md section 5) ---------------------------------------------------------- */

static bool has_key(struct words *w)
{
    const struct api *api = w->req->api;
    const struct tenant *t = w->tenant;
    if (!w->knows_key)
        w->has_key = api->author && strcmp(api->settings->decompose_model, AUTHOR_RULES) != 0 &&
                     gateway_has_claude(api->gateway, t->anthropic_secret_name, t->anthropic_required);
    w->knows_key = true;
    return w->has_key;
}

/* --- the decomposer -------------------------------------------------------------------------- */

static struct author_order order_of(const struct words *w, const char *text,
                                    const struct intake_config *intake)
{
    return (struct author_order){
        .text = text, .tenant = w->req->tenant_id, .dir = w->dir, .key = "", .intake = intake};
}

/* intake may change its document: every reading gets one of its own. */
static int give(struct words *w, struct pool *pool, const json_t *document, json_t **out)
{
    w->by_model = true;
    *out = json_keep(pool, json_deep_copy(document));
    return 0;
}

struct intake_config words_intake(const struct api *api)
{
    const struct settings *s = api->settings;
    return (struct intake_config){.repo_root = s->repo_root,
                                  .env_url = s->env_url,
                                  .default_micro = s->default_micro,
                                  .share_dir = s->share_dir,
                                  .max_steps = s->max_steps_per_plan,
                                  .max_loop_iterations = s->max_loop_iterations,
                                  .max_time_minutes = s->max_runtime_minutes,
                                  .max_cost = s->max_cost_usd};
}

static int from_model(struct words *w, struct pool *pool, const char *text, json_t **out,
                      struct err *err)
{
    json_t *kept;
    const struct intake_config intake = words_intake(w->req->api);
    const struct author_order order = order_of(w, text, &intake);
    if (w->answered && w->result) {
        if (w->result == E_INVALID || w->result == E_UPSTREAM)
            w->req->log_reason = "the model made no plan of the words";
        *err = w->err;
        return w->result;
    }
    if (w->answered)
        return give(w, pool, w->document, out);
    int r = author_find(w->req->api->author, pool, &order, &kept, err);
    if (!r)
        return give(w, pool, kept, out);
    if (r != E_NOT_FOUND)
        return r;
    err_clear(err);
    w->text = pool_strdup(w->req->pool, text);
    return err_set(err, E_UNAVAILABLE, "the model has not answered yet");
}

static int decompose(struct decomposer *d, struct pool *pool, const char *text, json_t **out,
                     struct err *err)
{
    struct words *w = (struct words *)d;
    bool sized = !str_empty(text) && strlen(text) <= CAP_PROSE_BYTES;
    if (!sized || !has_key(w))
        return plan_decompose(pool, AUTHOR_RULES, text, out, err);
    return from_model(w, pool, text, out, err);
}

int words_goals(struct words *w, const char *text, const char **out, struct err *err)
{
    json_t *document;
    *out = "";
    if (!has_key(w))
        return 0;
    int r = decompose(&w->decomposer, w->req->pool, text, &document, err);
    if (!r)
        *out = author_goals(w->req->pool, document);
    return r;
}

void words_begin(struct words *w, struct request *req, const struct tenant *tenant)
{
    const char *data = req->api->settings->data_dir;
    *w = (struct words){
        .decomposer.decompose = decompose,
        .req = req,
        .tenant = tenant,
        .dir = pool_printf(req->pool, "%s/tenants/%s/plan_cache", data, req->tenant_id)};
}

/* --- what it costs --------------------------------------------------------------------------- */

/* Who asks for the same text waits for the same call: the first one opens its account, of which the first who is told
 * takes what was paid. */
static int open_account(struct words *w, struct author_order *order, struct err *err)
{
    const struct api *api = w->req->api;
    const struct tenant *t = w->tenant;
    const char *hash;
    int r = author_hash(api->author, w->req->pool, w->text, &hash, err);
    if (r)
        return r;
    w->account = RUN_KEY(w->req->tenant_id, pool_printf(w->req->pool, "plan %s", hash));
    if (gateway_run_of(api->gateway, w->account))
        return 0;
    const struct gateway_client client = {.key = w->account,
                                          .max_cost = w->max_cost,
                                          .day_cap = t->max_cost_per_day,
                                          .anthropic_secret = t->anthropic_secret_name,
                                          .anthropic_required = t->anthropic_required};
    gateway_entry(gateway_open(api->gateway, &client), &order->socket, &order->credential);
    return 0;
}

/* All of it: what the answer tells, and calls before it that broke off. */
static json_t *take_spent(struct words *w, const struct author_answer *a)
{
    struct gateway *g = w->req->api->gateway;
    json_t *costs = json_object(), *counted = json_object(), *paid = gateway_take(g, w->account);
    if (*a->model)
        cost_count_call(costs, counted, gateway_rates(g), AUTHOR_COST, a->model, &a->use);
    json_t *rows = json_keep(w->req->pool, json_object()), *lost;
    json_object_update(rows, json_object_get(counted, "by_path"));
    lost = cost_unanswered(rows, paid);
    json_object_update(rows, lost);
    json_decref(lost);
    json_decref(paid);
    json_decref(counted);
    json_decref(costs);
    return json_object_size(rows) ? rows : NULL;
}

/* No run came of it. */
static void charge_tenant(void *arg)
{
    struct words *w = arg;
    if (w->spent && !w->charged)
        gateway_charge(w->req->api->gateway, w->req->tenant_id, cost_of_rows(w->spent));
    w->charged = true;
}

static void log_cost(const struct words *w, int result, const struct author_answer *a)
{
    struct log_ctx ctx = request_log_ctx(w->req, NULL);
    log_info("mantis.server", &ctx,
             "plan_text tenant=%s model=%s input_tokens=%lld output_tokens=%lld usd=%.6f plan=%s",
             w->req->tenant_id, *a->model ? a->model : "-",
             (long long)(a->use.input + a->use.cache_read + a->use.cache_write),
             (long long)a->use.output, cost_of_rows(w->spent), result ? "none" : "made");
}

/* --- asking ---------------------------------------------------------------------------------- */

static void on_answer(void *arg, int result, const struct author_answer *answer,
                      const struct err *err)
{
    struct words *w = arg;
    w->wait = NULL;
    w->answered = true;
    w->result = result;
    w->spent = take_spent(w, answer);
    if (w->spent) {
        pool_defer(w->req->pool, charge_tenant, w);
        log_cost(w, result, answer);
    }
    if (result)
        w->err = *err;
    else
        w->document = json_keep(w->req->pool, json_deep_copy(answer->document));
    request_resume(w->req);
}

/* The caller hung up. */
static void leave(struct request *req)
{
    const struct author_answer none = {.model = ""};
    struct words *w = req->words;
    if (w->wait && author_leave(w->wait)) {
        w->spent = take_spent(w, &none);
        charge_tenant(w);
    }
    w->wait = NULL;
}

int words_ask(struct words *w, route_fn *again, struct err *err)
{
    const struct intake_config intake = words_intake(w->req->api);
    struct author_order order = order_of(w, w->text, &intake);
    int r = open_account(w, &order, err);
    if (r)
        return r;
    r = author_ask(w->req->api->author, &order, on_answer, w, &w->wait, err);
    if (r) {
        json_decref(gateway_take(w->req->api->gateway, w->account));
        return r;
    }
    w->req->words = w;
    request_suspend_strictly(w->req, again, leave);
    return 0;
}
