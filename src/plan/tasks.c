/*
 * tasks.c - a suite's tasks become steps of the type "task": one inner loop each, one checkpoint
 * each.
 */
#include "plan/tasks.h"

#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/task.h"

static const char *const task_keys[] = {
    "task_id",
    "intent",
    "start_url",
    "max_steps",
    "save_session",
    "require_session",
    "verify",
    "continue_on_failure",
    "fallback_intent",
    "fallback_start_url",
    "fallback_max_steps",
    "fallback_micro_retries",
    "resume_max_steps",
    "loop",
    "extract",
    "notes",
    "description",
    NULL,
};

bool tasks_are_meant(const json_t *document)
{
    return json_is_object(document) && json_truthy(json_object_get(document, "tasks")) &&
           !json_truthy(json_object_get(document, "_micro_plan")) &&
           !json_truthy(json_object_get(document, "steps"));
}

static void warn_unknown_keys(struct normaliser *n, const json_t *task, int index)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)task, key, value) {
        bool known = false;
        for (const char *const *k = task_keys; *k && !known; k++)
            known = strcmp(*k, key) == 0;
        if (!known)
            normalise_warn(n->warnings, "task %d: unknown key '%.80s' is ignored", index, key);
    }
}

/* "/login" of a suite whose base_url is "http://shop.test/start" is http://shop.test/login. */
static const char *resolve(struct pool *pool, const char *base, const char *url)
{
    const char *host = strstr(base, "://");
    if (*url != '/' || url[1] == '/' || !host)
        return url;
    size_t len = (size_t)(host + 3 - base) + strcspn(host + 3, "/?#");
    return pool_printf(pool, "%.*s%s", (int)len, base, url);
}

static void resolve_key(struct pool *pool, json_t *params, const char *base, const char *key)
{
    const char *url = json_str(params, key, "");
    if (*url)
        json_put_str(params, key, resolve(pool, base, url));
}

static int read_intent(const json_t *task, const char **out, struct err *err)
{
    int r = json_read_string(task, "intent", out, err);
    if (r)
        return r;
    if (str_empty(*out))
        return err_set(err, E_INVALID, "'intent' is missing or empty");
    if (strlen(*out) > CAP_INTENT_BYTES)
        return err_set(err, E_INVALID, "'intent' must be at most %d bytes, not %zu",
                       CAP_INTENT_BYTES, strlen(*out));
    return 0;
}

static void init_step(struct step *s, const char *intent, json_t *params, const json_t *extract,
                      struct pool *pool)
{
    *s = plan_blank_step(pool, TASK_STEP_TYPE, intent);
    s->params = params;
    if (json_is_object(extract))
        s->extract = extract;
}

/* The whole task goes into the params, so that the signature covers it. */
static int read_task(struct normaliser *n, const json_t *o, const char *base, int index,
                     int max_steps, struct err *err)
{
    struct step *s = &n->steps[index];
    struct task t;
    const char *intent = "";
    if (!json_is_object(o))
        return err_set(err, E_INVALID, "it is not an object");
    int r = read_intent(o, &intent, err);
    if (r)
        return r;
    json_t *params = json_keep(n->pool, json_deep_copy(o));
    json_object_del(params, "intent");
    json_object_del(params, "extract");
    const json_t *most = json_object_get(params, "max_steps");
    if (!json_is_number(most) && !json_truthy(most)) /* 0 is a mistake, and is told as one */
        json_put_int(params, "max_steps", max_steps);
    if (index == 0 && str_empty(json_str(params, "start_url", "")) && *base)
        json_put_str(params, "start_url", base);
    resolve_key(n->pool, params, base, "start_url");
    resolve_key(n->pool, params, base, "fallback_start_url");
    init_step(s, intent, params, json_object_get(o, "extract"), n->pool);
    r = task_parse(n->pool, s, &t, err);
    s->budget = t.max_steps;
    warn_unknown_keys(n, o, index);
    return r;
}

static int check_ids(const struct normaliser *n, struct err *err)
{
    for (int i = 0; i < n->n_steps; i++)
        for (int k = 0; k < i; k++)
            if (!strcmp(json_str(n->steps[i].params, "task_id", ""),
                        json_str(n->steps[k].params, "task_id", "")))
                return err_set(err, E_INVALID, "tasks %d and %d have the same task_id '%.60s'", k,
                               i, json_str(n->steps[i].params, "task_id", ""));
    return 0;
}

int tasks_to_steps(struct normaliser *n, const json_t *document, int request_max_steps,
                   struct err *err)
{
    const json_t *tasks = json_object_get(document, "tasks");
    const char *base = "";
    int most = n->config->max_steps > 0 ? n->config->max_steps : CAP_PLAN_STEPS;
    int max_steps = request_max_steps > 0 && request_max_steps < TASKS_MAX_STEPS ? request_max_steps
                                                                                 : TASKS_MAX_STEPS;
    if (!json_is_array(tasks))
        return err_set(err, E_INVALID, "'tasks' must be an array");
    if (json_array_size(tasks) > (size_t)most)
        return err_set(err, E_INVALID,
                       "the suite has %zu tasks; MANTIS_MAX_STEPS_PER_PLAN allows %d",
                       json_array_size(tasks), most);
    int r = json_read_string(document, "base_url", &base, err);
    if (r)
        return r;
    if (json_truthy(json_object_get(document, "auth")))
        normalise_warn(n->warnings, "'auth' is ignored: let a task log in and save its session");
    n->steps = pool_alloc(n->pool, sizeof(*n->steps) * json_array_size(tasks));
    for (n->n_steps = 0; n->n_steps < (int)json_array_size(tasks); n->n_steps++) {
        r = read_task(n, json_array_get(tasks, (size_t)n->n_steps), base, n->n_steps, max_steps,
                      err);
        if (r)
            return err_prefix(err, "task %d", n->n_steps);
    }
    return check_ids(n, err);
}
