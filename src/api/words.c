#include "api/words.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"

/* --- the key (tenancy.md section 5) ---------------------------------------------------------- */

static const char *find_key(struct request *req, const struct tenant *tenant)
{
    const struct settings *s = req->api->settings;
    const char *own = tenants_secret(req->api->tenants, req->pool, tenant->anthropic_secret_name);
    if (*own || tenant->anthropic_required)
        return own;
    if (!str_empty(s->anthropic_key))
        return s->anthropic_key;
    return tenants_secret(req->api->tenants, req->pool, "anthropic_api_key");
}

static bool may_ask(const struct api *api)
{
    return api->author && strcmp(api->settings->decompose_model, AUTHOR_RULES) != 0;
}

static bool has_key(struct words *w)
{
    if (!w->key)
        w->key = may_ask(w->req->api) ? find_key(w->req, w->tenant) : "";
    return *w->key != 0;
}

/* --- the decomposer -------------------------------------------------------------------------- */

static struct author_order order_of(const struct words *w, const char *text,
                                    const struct intake_config *intake)
{
    return (struct author_order){
        .text = text, .tenant = w->req->tenant_id, .dir = w->dir, .key = w->key, .intake = intake};
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

/* --- asking ---------------------------------------------------------------------------------- */

static json_t *spent_json(const struct author_answer *a)
{
    struct cost_rates rates;
    json_t *costs = json_object(), *by_path = json_object();
    cost_rates_read(NULL, &rates);
    cost_count_call(costs, by_path, &rates, AUTHOR_COST, a->model, &a->use);
    json_t *rows = json_incref(json_object_get(by_path, "by_path"));
    json_decref(costs);
    json_decref(by_path);
    return rows;
}

static void log_cost(const struct words *w, int result, const struct author_answer *a)
{
    struct log_ctx ctx = request_log_ctx(w->req, NULL);
    struct cost_rates rates;
    cost_rates_read(NULL, &rates);
    log_info("mantis.server", &ctx,
             "plan_text tenant=%s model=%s input_tokens=%lld output_tokens=%lld usd=%.6f plan=%s",
             w->req->tenant_id, a->model,
             (long long)(a->use.input + a->use.cache_read + a->use.cache_write),
             (long long)a->use.output, cost_of_tokens(&rates, a->model, &a->use), result ? "none" : "made");
}

static void on_answer(void *arg, int result, const struct author_answer *answer,
                      const struct err *err)
{
    struct words *w = arg;
    w->wait = NULL;
    w->answered = true;
    w->result = result;
    if (*answer->model)
        log_cost(w, result, answer);
    if (result)
        w->err = *err;
    else
        w->document = json_keep(w->req->pool, json_deep_copy(answer->document));
    if (!result && *answer->model)
        w->spent = json_keep(w->req->pool, spent_json(answer));
    request_resume(w->req);
}

/* The caller hung up. */
static void leave(struct request *req)
{
    struct words *w = req->words;
    if (w->wait)
        author_leave(w->wait);
    w->wait = NULL;
}

int words_ask(struct words *w, route_fn *again, struct err *err)
{
    const struct intake_config intake = words_intake(w->req->api);
    const struct author_order order = order_of(w, w->text, &intake);
    int r = author_ask(w->req->api->author, &order, on_answer, w, &w->wait, err);
    if (r)
        return r;
    w->req->words = w;
    request_suspend_strictly(w->req, again, leave);
    return 0;
}
