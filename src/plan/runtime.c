/*
 * runtime.c - the fields that say how a plan is run: from its "runtime" block, from a suite's "_"
 * keys, and from the request itself, each laid over the one before (plans.md section 5).
 */
#include "plan/normalise.h"

#include <limits.h>
#include <string.h>

#include "base/caps.h"

enum field_kind {
    FIELD_POSITIVE,     /* double > 0 */
    FIELD_POSITIVE_INT, /* int > 0 */
    FIELD_COUNT,        /* int >= 0 */
    FIELD_TEXT,
    FIELD_FLAG,
};

struct runtime_field {
    const char *key;
    enum field_kind kind;
    size_t offset;
};

#define AT(member) offsetof(struct plan_runtime, member)
static const struct runtime_field fields[] = {
    {"max_cost", FIELD_POSITIVE, AT(max_cost)},
    {"max_time_minutes", FIELD_POSITIVE_INT, AT(max_time_minutes)},
    {"compute_backend", FIELD_TEXT, AT(compute_backend)},
    {"settle_ceiling_seconds", FIELD_POSITIVE, AT(settle_ceiling_s)},
    {"max_recoveries_per_run", FIELD_POSITIVE_INT, AT(max_recoveries_per_run)},
    {"max_recoveries_per_step", FIELD_POSITIVE_INT, AT(max_recoveries_per_step)},
    {"state_repeat_threshold", FIELD_COUNT, AT(state_repeat_threshold)},
    {"pinned_source_url_pattern", FIELD_TEXT, AT(pinned_source_url_pattern)},
    {"off_source_step_budget", FIELD_COUNT, AT(off_source_step_budget)},
    {"extractor_model", FIELD_TEXT, AT(extractor_model)},
    {"proxy_disabled", FIELD_FLAG, AT(proxy_disabled)},
};

/* Understood, but nothing here uses a proxy: whoever asks for one is told. */
static const char *const proxy_keys[] = {"proxy_provider", "proxy_city", "proxy_state",
                                         "proxy_country"};

void runtime_init(struct plan_runtime *out)
{
    *out = (struct plan_runtime){.compute_backend = "", .pinned_source_url_pattern = ""};
}

bool runtime_knows(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcmp(fields[i].key, key) == 0)
            return true;
    for (size_t i = 0; i < ARRAY_SIZE(proxy_keys); i++)
        if (strcmp(proxy_keys[i], key) == 0)
            return true;
    return strcmp(key, "brain_budgets") == 0 || strcmp(key, "pause_on_captcha") == 0;
}

static int read_positive(const json_t *block, const char *key, double *out, struct err *err)
{
    double v = *out;
    const json_t *given = json_object_get(block, key);
    int r = json_read_number(block, key, &v, err);
    if (r || !given || json_is_null(given))
        return r;
    if (!(v > 0))
        return err_set(err, E_INVALID, "'%s' must be more than 0", key);
    *out = v;
    return 0;
}

static int read_int(const json_t *block, const char *key, int min, int *out, struct err *err)
{
    int64_t v = *out;
    const json_t *given = json_object_get(block, key);
    int r = json_read_int(block, key, &v, err);
    if (r || !given || json_is_null(given))
        return r;
    if (v > INT_MAX)
        return err_set(err, E_INVALID, "'%s' is too large", key);
    if (v < min)
        return err_set(err, E_INVALID, "'%s' must be %s", key,
                       min > 0 ? "more than 0" : "0 or more");
    *out = (int)v;
    return 0;
}

static int read_field(struct pool *pool, const json_t *block, const struct runtime_field *f,
                      const char *key, struct plan_runtime *out, struct err *err)
{
    void *at = (char *)out + f->offset;
    if (f->kind == FIELD_POSITIVE)
        return read_positive(block, key, at, err);
    if (f->kind == FIELD_POSITIVE_INT || f->kind == FIELD_COUNT)
        return read_int(block, key, f->kind == FIELD_POSITIVE_INT, at, err);
    if (f->kind == FIELD_FLAG)
        return json_read_bool(block, key, at, err);
    const char *text = NULL;
    int r = json_read_string(block, key, &text, err);
    if (!r && text && *text)
        *(const char **)at = pool_strdup(pool, text);
    return r;
}

/* {type: int}; 0 is ignored, {} switches the caps off (plans.md section 5). */
static int read_budgets(struct pool *pool, const json_t *block, const char *key,
                        struct plan_runtime *out, struct err *err)
{
    const json_t *given = json_object_get(block, key);
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given))
        return err_set(err, E_INVALID, "'%s' must be an object of step type to number", key);
    json_t *budgets = json_keep(pool, json_object());
    const char *type;
    json_t *value;
    json_object_foreach ((json_t *)given, type, value) {
        int64_t v = 0;
        if (json_read_int(given, type, &v, NULL))
            return err_set(err, E_INVALID, "'%s.%.80s' must be a whole number", key, type);
        if (v < 0)
            return err_set(err, E_INVALID, "'%s.%.80s' must be 0 or more", key, type);
        if (v >= 1)
            json_put_int(budgets, type, v < INT_MAX ? v : INT_MAX);
    }
    out->brain_budgets = budgets;
    return 0;
}

static int read_pause(const json_t *block, const char *key, struct plan_runtime *out,
                      struct err *err)
{
    const json_t *given = json_object_get(block, key);
    int r = json_read_bool(block, key, &out->pause_on_captcha, err);
    if (!r && given && !json_is_null(given))
        out->has_pause_on_captcha = true;
    return r;
}

static void warn_about_proxies(struct pool *pool, const json_t *block, const char *prefix,
                               json_t *warnings)
{
    for (size_t i = 0; i < ARRAY_SIZE(proxy_keys); i++) {
        const char *key = pool_printf(pool, "%s%s", prefix, proxy_keys[i]);
        if (json_truthy(json_object_get(block, key)))
            normalise_warn(warnings, "'%s' has no effect: this server has no proxies", key);
    }
}

int runtime_read(struct pool *pool, const json_t *block, const char *prefix,
                 struct plan_runtime *out, json_t *warnings, struct err *err)
{
    int r = 0;
    for (size_t i = 0; i < ARRAY_SIZE(fields) && !r; i++)
        r = read_field(pool, block, &fields[i], pool_printf(pool, "%s%s", prefix, fields[i].key),
                       out, err);
    r = r ? r : read_budgets(pool, block, pool_printf(pool, "%sbrain_budgets", prefix), out, err);
    r = r ? r : read_pause(block, pool_printf(pool, "%spause_on_captcha", prefix), out, err);
    if (r)
        return r;
    warn_about_proxies(pool, block, prefix, warnings);
    const char *plane = out->compute_backend;
    if (*plane && strcmp(plane, "computer_plane") != 0 && strcmp(plane, "browser_use_plane") != 0)
        return err_set(err, E_INVALID,
                       "'compute_backend' must be computer_plane or browser_use_plane, not '%.80s'",
                       plane);
    return 0;
}

void runtime_clamp(const struct intake_config *config, struct plan_runtime *rt, json_t *warnings)
{
    double cost = config->max_cost > 0 ? config->max_cost : CAP_RUN_COST_USD;
    int minutes = config->max_time_minutes > 0 ? config->max_time_minutes : CAP_RUN_MINUTES;
    if (rt->max_cost > cost) {
        normalise_warn(warnings, "max_cost %g is more than this server allows; %g is used",
                       rt->max_cost, cost);
        rt->max_cost = cost;
    }
    if (rt->max_time_minutes > minutes) {
        normalise_warn(warnings, "max_time_minutes %d is more than this server allows; %d is used",
                       rt->max_time_minutes, minutes);
        rt->max_time_minutes = minutes;
    }
}
