#include "core/cost.h"

#include <stddef.h>
#include <string.h>

#include "base/str.h"

#define SECONDS_PER_HOUR 3600
#define MTOK             1e6
#define MB_PER_GB        1024
#define NO_MONEY         1e-9 /* USD: sums of fractions are not exact */

static const struct {
    const char *key;
    size_t at;
    double usual;
} rates_table[] = {
#define RATE(name, usual)                                                                          \
    {                                                                                              \
#name, offsetof(struct cost_rates, name), usual                                            \
    }
    RATE(gpu_hourly_usd, 3.25),       RATE(gpu_seconds_per_step, 3),
    RATE(claude_call_usd, .003),      RATE(claude_input_per_mtok, 3),
    RATE(claude_output_per_mtok, 15), RATE(claude_cached_input_per_mtok, .3),
    RATE(proxy_per_gb_usd, 5),
#undef RATE
};

void cost_rates_read(const json_t *json, struct cost_rates *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(rates_table); i++)
        *(double *)((char *)out + rates_table[i].at) =
            json_num(json, rates_table[i].key, rates_table[i].usual);
    out->models = json_object_get(json, "models");
}

static double gpu_usd(const json_t *c, const struct cost_rates *r)
{
    double seconds = json_num(c, "gpu_seconds", 0);
    if (seconds <= 0)
        seconds = json_num(c, "gpu_steps", 0) * r->gpu_seconds_per_step;
    return seconds / SECONDS_PER_HOUR * r->gpu_hourly_usd;
}

static double claude_usd(const json_t *c, const struct cost_rates *r)
{
    double in = json_num(c, "claude_input_tokens", 0), out = json_num(c, "claude_output_tokens", 0);
    double cached = json_num(c, "claude_cached_input_tokens", 0);
    if (in + out + cached > 0)
        return (in * r->claude_input_per_mtok + out * r->claude_output_per_mtok +
                cached * r->claude_cached_input_per_mtok) /
               MTOK;
    return (json_num(c, "claude_extract", 0) + json_num(c, "claude_grounding", 0)) *
           r->claude_call_usd;
}

static bool anything_counted(const json_t *costs)
{
    static const char *const counters[] = {"gpu_seconds",
                                           "gpu_steps",
                                           "claude_extract",
                                           "claude_grounding",
                                           "claude_input_tokens",
                                           "claude_output_tokens",
                                           "claude_cached_input_tokens",
                                           "proxy_mb"};
    for (size_t i = 0; i < ARRAY_SIZE(counters); i++)
        if (json_num(costs, counters[i], 0) > 0)
            return true;
    return false;
}

void cost_update(json_t *costs, const json_t *by_path, const struct cost_rates *rates)
{
    const json_t *called = json_object_get(by_path, "totals");
    if (!called && !anything_counted(costs) && json_object_get(costs, "total"))
        return;
    double gpu = gpu_usd(costs, rates);
    double claude = called ? json_num(called, "cost_usd", 0) : claude_usd(costs, rates);
    double proxy = json_num(costs, "proxy_mb", 0) / MB_PER_GB * rates->proxy_per_gb_usd;
    json_put_num(costs, "gpu", gpu);
    json_put_num(costs, "claude", claude);
    json_put_num(costs, "proxy", proxy);
    json_put_num(costs, "total", gpu + claude + proxy);
}

/* --- call by call ----------------------------------------------------------------------------- */

/* USD per million tokens. */
static const struct price {
    const char *model;
    double input, output, cache_read, cache_write;
} price_list[] = {
    {"opus-4-7", 15, 75, 1.5, 18.75}, /* also of what is not known */
    {"sonnet-4-6", 3, 15, .3, 3.75},
    {"haiku-4-5", .8, 4, .08, 1},
};

int cost_prices_parse(struct pool *pool, const char *text, const json_t **out, struct err *err)
{
    json_t *table, *row;
    const char *model;
    *out = NULL;
    if (str_empty(text))
        return 0;
    int r = json_parse(text, strlen(text), "the price table", &table, err);
    if (r)
        return r;
    json_keep(pool, table);
    if (!json_is_object(table))
        return err_set(err, E_INVALID, "the price table must be a JSON object");
    json_object_foreach (table, model, row) {
        bool good = json_array_size(row) == 4;
        for (size_t i = 0; good && i < 4; i++)
            good = json_number_value(json_array_get(row, i)) >= 0 &&
                   json_is_number(json_array_get(row, i));
        if (!good)
            return err_set(err, E_INVALID,
                           "the price of '%.60s' must be [input, output, cache read, cache write], "
                           "USD per million tokens",
                           model);
    }
    *out = table;
    return 0;
}

static double number_in(const json_t *list, size_t i)
{
    return json_number_value(json_array_get(list, i));
}

/* The operator's row that fits best. */
static bool own_price(const json_t *models, const char *model, struct price *out)
{
    size_t best = 0;
    const char *name;
    json_t *row;
    json_object_foreach ((json_t *)models, name, row) {
        if (!str_starts(model, name) || strlen(name) < best || !*name)
            continue;
        best = strlen(name);
        *out = (struct price){name, number_in(row, 0), number_in(row, 1), number_in(row, 2),
                              number_in(row, 3)};
    }
    return best > 0;
}

static struct price price_of(const struct cost_rates *rates, const char *model)
{
    struct price p = price_list[0];
    const char *name = str_starts(model, "claude-") ? model + strlen("claude-") : model;
    if (own_price(rates->models, model, &p) || own_price(rates->models, name, &p))
        return p;
    for (size_t i = 0; i < ARRAY_SIZE(price_list); i++)
        if (str_starts(name, price_list[i].model))
            p = price_list[i];
    return p;
}

double cost_of_tokens(const struct cost_rates *rates, const char *model,
                      const struct token_use *use)
{
    const struct price p = price_of(rates, model);
    return ((double)use->input * p.input + (double)use->output * p.output +
            (double)use->cache_read * p.cache_read + (double)use->cache_write * p.cache_write) /
           MTOK;
}

static const char *const row_keys[] = {"calls", "input_tokens", "output_tokens", "cache_read_tokens",
                                       "cache_creation_tokens"};
#define ROW_USD "cost_usd"

static json_t *make_row(int64_t calls, const struct token_use *use, double usd)
{
    const struct token_use none = {0}, *u = use ? use : &none;
    return json_pack("{s:I,s:I,s:I,s:I,s:I,s:f}", row_keys[0], (json_int_t)calls, row_keys[1],
                     (json_int_t)u->input, row_keys[2], (json_int_t)u->output, row_keys[3],
                     (json_int_t)u->cache_read, row_keys[4], (json_int_t)u->cache_write, ROW_USD,
                     usd);
}

static void add_row(json_t *to, const json_t *row)
{
    for (size_t i = 0; i < ARRAY_SIZE(row_keys); i++)
        json_put_int(to, row_keys[i], json_int(to, row_keys[i], 0) + json_int(row, row_keys[i], 0));
    json_put_num(to, ROW_USD, json_num(to, ROW_USD, 0) + json_num(row, ROW_USD, 0));
}

/* The object under key, made when it is not there. Borrowed. */
static json_t *inside(json_t *o, const char *key)
{
    json_t *v = json_object_get(o, key);
    if (!v)
        json_put(o, key, v = json_object());
    return v;
}

static void add_count(json_t *costs, const char *key, int64_t n)
{
    json_put_num(costs, key, json_num(costs, key, 0) + (double)n);
}

void cost_add_rows(json_t *costs, json_t *by_path, const json_t *rows)
{
    const char *path;
    json_t *row;
    json_object_foreach ((json_t *)rows, path, row) {
        add_row(inside(by_path, "totals"), row);
        add_row(inside(inside(by_path, "by_path"), path), row);
        add_count(costs, "claude_input_tokens",
                  json_int(row, "input_tokens", 0) + json_int(row, "cache_creation_tokens", 0));
        add_count(costs, "claude_output_tokens", json_int(row, "output_tokens", 0));
        add_count(costs, "claude_cached_input_tokens", json_int(row, "cache_read_tokens", 0));
    }
}

void cost_count_call(json_t *costs, json_t *by_path, const struct cost_rates *rates,
                     const char *source, const char *model, const struct token_use *use)
{
    struct pool *pool = pool_create(NULL);
    json_t *rows = json_keep(pool, json_object());
    json_put(rows, pool_printf(pool, "%s::%s", source, model),
             make_row(1, use, cost_of_tokens(rates, model, use)));
    cost_add_rows(costs, by_path, rows);
    pool_destroy(pool);
}

double cost_of_rows(const json_t *rows)
{
    const char *path;
    json_t *row;
    double usd = 0;
    json_object_foreach ((json_t *)rows, path, row)
        usd += json_num(row, ROW_USD, 0);
    return usd;
}

/* --- what nobody counted ---------------------------------------------------------------------- */

void cost_pay(json_t *paid, const char *model, const struct token_use *use, double usd)
{
    json_t *row = make_row(1, use, usd);
    add_row(inside(paid, model), row);
    json_decref(row);
}

void cost_pay_rows(json_t *paid, const json_t *rows)
{
    const char *path;
    json_t *row;
    json_object_foreach ((json_t *)rows, path, row) {
        const char *model = strstr(path, "::");
        add_row(inside(paid, model ? model + 2 : path), row);
    }
}

/* row without what was counted of it; false: nothing is left. */
static bool subtract(json_t *row, const json_t *counted)
{
    for (size_t i = 0; i < ARRAY_SIZE(row_keys); i++) {
        int64_t left = json_int(row, row_keys[i], 0) - json_int(counted, row_keys[i], 0);
        json_put_int(row, row_keys[i], left > 0 ? left : 0);
    }
    double usd = json_num(row, ROW_USD, 0) - json_num(counted, ROW_USD, 0);
    json_put_num(row, ROW_USD, usd);
    return usd > NO_MONEY;
}

json_t *cost_unanswered(const json_t *rows, const json_t *paid)
{
    json_t *out = json_object(), *row;
    struct pool *pool = pool_create(NULL);
    json_t *counted = json_keep(pool, json_object());
    const char *model;
    cost_pay_rows(counted, rows);
    json_object_foreach ((json_t *)paid, model, row) {
        json_t *left = json_deep_copy(row);
        if (subtract(left, json_object_get(counted, model)))
            json_put(out, pool_printf(pool, COST_UNANSWERED "::%s", model), left);
        else
            json_decref(left);
    }
    pool_destroy(pool);
    return out;
}
