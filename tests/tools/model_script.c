#include "tools/model_script.h"

#include <string.h>

struct rule {
    const json_t *json;
    int64_t left; /* uses; negative: any number */
};

struct model_script {
    const char *key;
    const json_t *models;
    int loading_ms;
    struct rule *rules;
    int n_rules;
};

static const char *const file_fields[] = {"key", "model", "models", "loading_ms", "rules", NULL};
static const char *const rule_fields[] = {
    "when",   "times",   "text",        "thinking", "calls",   "finish", "usage",
    "status", "message", "retry_after", "delay_ms", "pace_ms", "fault",  NULL};
static const char *const faults[] = {"cut", "bad_json", "empty_choices", "silence", NULL};

static bool listed(const char *const *list, const char *text)
{
    while (*list && strcmp(*list, text))
        list++;
    return *list != NULL;
}

static int check(const json_t *object, const char *const *fields, const char *what, struct err *err)
{
    const char *key;
    json_t *v;
    if (!json_is_object(object))
        return err_set(err, E_INVALID, "%s: must be an object", what);
    json_object_foreach ((json_t *)object, key, v)
        if (!listed(fields, key))
            return err_set(err, E_INVALID, "%s: there is no field '%.60s'", what, key);
    return 0;
}

static int read_rule(struct pool *pool, const json_t *json, int n, struct rule *out,
                     struct err *err)
{
    const char *what = pool_printf(pool, "script: rules[%d]", n);
    const char *fault = json_str(json, "fault", faults[0]);
    int r = check(json, rule_fields, what, err);
    if (!r && !listed(faults, fault))
        r = err_set(err, E_INVALID, "%s: there is no fault '%.60s'", what, fault);
    *out = (struct rule){.json = json, .left = json_int(json, "times", -1)};
    return r;
}

int model_script_read(struct pool *pool, const json_t *file, struct model_script **out,
                      struct err *err)
{
    const json_t *rules = json_object_get(file, "rules"), *models = json_object_get(file, "models");
    int r = check(file, file_fields, "script", err), n = (int)json_array_size(rules);
    struct model_script *s = pool_alloc(pool, sizeof(*s));
    json_keep(pool, json_incref((json_t *)file));
    if (!models)
        models = json_keep(pool, json_pack("[s]", json_str(file, "model", "scripted")));
    *s = (struct model_script){.key = json_str(file, "key", ""),
                               .models = models,
                               .loading_ms = (int)json_int(file, "loading_ms", 0),
                               .rules = pool_alloc(pool, (size_t)(n + 1) * sizeof(*s->rules)),
                               .n_rules = n};
    for (int i = 0; i < n && !r; i++)
        r = read_rule(pool, json_array_get(rules, (size_t)i), i, &s->rules[i], err);
    *out = s;
    return r;
}

const char *model_script_key(const struct model_script *s)
{
    return s->key;
}

const json_t *model_script_models(const struct model_script *s)
{
    return s->models;
}

int model_script_loading_ms(const struct model_script *s)
{
    return s->loading_ms;
}

static bool is_for(const struct rule *rule, const char *texts)
{
    const json_t *when = json_object_get(rule->json, "when");
    size_t i;
    json_t *one;
    if (json_is_string(when))
        return strstr(texts, json_string_value(when)) != NULL;
    json_array_foreach ((json_t *)when, i, one)
        if (!strstr(texts, json_string_value(one)))
            return false;
    return true;
}

int model_script_choose(struct model_script *s, const char *texts)
{
    for (int i = 0; i < s->n_rules; i++)
        if (s->rules[i].left && is_for(&s->rules[i], texts)) {
            s->rules[i].left -= s->rules[i].left > 0;
            return i;
        }
    return -1;
}

const json_t *model_script_rule(const struct model_script *s, int rule)
{
    return rule < 0 ? NULL : s->rules[rule].json;
}
