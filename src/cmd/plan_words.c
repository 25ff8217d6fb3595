/*
 * plan_words.c - the author of author.h for one text. What it answered is kept below the data
 * directory, so that a look at a plan and its run are one call.
 */
#include "cmd/plan_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "author/author.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/str.h"
#include "cmd/cmd.h"
#include "sys/settings.h"

#define USUAL_CAP_USD 25 /* MANTIS_MAX_COST_USD */

struct asking {
    struct pool *pool;
    bool done;
    int result;
    struct err err;
    json_t *document;
    const struct cost_rates *rates;
    double usd;
};

static void count_cost(struct asking *a, const struct author_answer *answer)
{
    const struct token_use *use = &answer->use;
    double usd = *answer->model ? cost_of_tokens(a->rates, answer->model, use) : 0;
    if (usd > 0)
        fprintf(stderr, "note: %s was asked for the plan: %lld tokens read, %lld written, %.4f USD\n",
                answer->model, (long long)(use->input + use->cache_read + use->cache_write),
                (long long)use->output, usd);
    if (answer->broken_usd > 0)
        fprintf(stderr, "note: calls for the plan that broke off may have cost %.4f USD\n",
                answer->broken_usd);
    a->usd = usd + answer->broken_usd;
}

static void on_answer(void *arg, int result, const struct author_answer *answer,
                      const struct err *err)
{
    struct asking *a = arg;
    a->done = true;
    a->result = result;
    count_cost(a, answer);
    if (result)
        a->err = *err;
    else
        a->document = json_keep(a->pool, json_deep_copy(answer->document));
}

static bool is_done(void *arg)
{
    return ((struct asking *)arg)->done;
}

static int ask(struct plan_words *w, struct author *author, struct loop *loop, struct pool *pool,
               const struct author_order *order, json_t **out, struct err *err)
{
    struct asking a = {.pool = pool, .rates = order->rates};
    struct author_wait *wait;
    int r = author_ask(author, order, on_answer, &a, &wait, err);
    if (r)
        return r;
    r = loop_wait(loop, is_done, &a, clock_mono_ms() + CAP_PLAN_CALL_MS + 1000);
    if (r) {
        author_leave(wait);
        return err_set(err, r, "the call to the model was interrupted");
    }
    *out = a.document;
    w->spent += a.usd;
    if (a.result)
        *err = a.err;
    return a.result;
}

/* As `serve` reads them. */
static int read_money(struct plan_words *w, struct pool *pool, struct cost_rates *rates,
                      double *ret_cap, struct err *err)
{
    const char *prices = getenv("MANTIS_MODEL_PRICES"), *cap = getenv("MANTIS_MAX_COST_USD");
    cost_rates_read(NULL, rates);
    *ret_cap = w->max_cost > 0 ? w->max_cost : str_empty(cap) ? USUAL_CAP_USD : strtod(cap, NULL);
    int r = cost_prices_parse(pool, prices ? prices : "", &rates->models, err);
    return r ? err_prefix(err, "MANTIS_MODEL_PRICES") : 0;
}

static int find_or_ask(struct plan_words *w, struct loop *loop, struct pool *pool, const char *text,
                       json_t **out, struct err *err)
{
    struct settings found;
    const struct author_config config = {.settings = &found, .model = w->model};
    struct author *author = NULL;
    const char *data = "";
    struct cost_rates rates;
    double cap;
    int r = read_money(w, pool, &rates, &cap, err);
    r = r ? r : settings_roots(pool, &found, err);
    r = r ? r : settings_data_dir(pool, NULL, NULL, &data, err);
    r = r ? r : author_create(loop, &config, &author, err);
    if (r)
        return r;
    const struct author_order order = {.text = text,
                                       .tenant = "",
                                       .dir = pool_printf(pool, "%s/plan_cache", data),
                                       .key = w->key,
                                       .rates = &rates,
                                       .max_cost = cap,
                                       .intake = w->intake};
    struct err why = {0};
    r = author_find(author, pool, &order, out, &why);
    if (r == E_NOT_FOUND)
        r = ask(w, author, loop, pool, &order, out, err);
    else if (r)
        *err = why;
    author_destroy(author);
    return r;
}

static int decompose(struct decomposer *d, struct pool *pool, const char *text, json_t **out,
                     struct err *err)
{
    struct plan_words *w = (struct plan_words *)d;
    struct loop *own = NULL;
    if (!plan_words_by_model(w) || str_empty(text) || strlen(text) > CAP_PROSE_BYTES)
        return plan_decompose(pool, AUTHOR_RULES, text, out, err);
    int r = w->loop ? 0 : loop_create(&own, err);
    r = r ? r : find_or_ask(w, own ? own : w->loop, pool, text, out, err);
    loop_destroy(own);
    return r;
}

bool plan_words_by_model(const struct plan_words *w)
{
    return !str_empty(w->key);
}

int plan_words_begin(struct pool *pool, struct plan_words *w, struct intake_config *intake,
                     struct err *err)
{
    const char *set = getenv("MANTIS_DECOMPOSE_MODEL");
    const char *usual = str_empty(set) ? AUTHOR_MODEL : set;
    bool rules = w->no_model || !strcmp(w->model ? w->model : usual, AUTHOR_RULES);
    bool named = w->model && !rules;
    if (rules)
        w->key = NULL;
    else if (str_empty(w->key))
        w->key = settings_anthropic_key(pool);
    if (named && str_empty(w->key))
        return err_set(err, E_INVALID,
                       "--model '%.80s': there is no key for it: set ANTHROPIC_API_KEY; "
                       "--model " AUTHOR_RULES " needs none",
                       w->model);
    if (!named)
        w->model = usual;
    w->decomposer.decompose = decompose;
    w->intake = intake;
    intake->decomposer = &w->decomposer;
    return 0;
}
