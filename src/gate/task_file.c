#include "gate/task_file.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "sys/file.h"

#define MAX_COST_USD 1.0
#define MAX_STEPS    30

static const struct criterion task_success = {"task_success", ""};

int gate_json_read(struct pool *pool, const char *path, json_t **out, struct err *err)
{
    char *data;
    size_t len;
    json_t *doc;
    int r = file_read(pool, path, CAP_GATE_FILE_BYTES, &data, &len, err);
    if (!r)
        r = json_parse(data, len, path, &doc, err);
    if (!r)
        *out = json_keep(pool, doc);
    return r;
}

/* A field that must be of this type when it is there; *out keeps its default otherwise. */
static int read_typed(const json_t *obj, const char *key, json_type type, const char *must,
                      const json_t **out, struct err *err)
{
    const json_t *value = json_object_get(obj, key);
    if (!value || json_is_null(value))
        return 0;
    if (json_typeof(value) != type)
        return err_set(err, E_INVALID, "'%s' must be %s", key, must);
    *out = value;
    return 0;
}

static int read_criterion(struct pool *pool, const json_t *entry, struct criterion *out, struct err *err)
{
    *out = (struct criterion){"", ""};
    int r = json_read_string(entry, "type", &out->type, err);
    if (r || !*out->type)
        return err_set(err, E_INVALID, "'type' must be a non-empty string");
    out->value = json_as_text(pool, json_object_get(entry, "value"));
    return 0;
}

static int read_criteria(struct pool *pool, const json_t *obj, struct gate_task *t, struct err *err)
{
    const json_t *list = NULL;
    t->criteria = &task_success;
    t->n_criteria = 1;
    int r = read_typed(obj, "criteria", JSON_ARRAY, "a list of {\"type\", \"value\"}", &list, err);
    if (r || json_array_size(list) == 0)
        return r;
    struct criterion *criteria = pool_alloc(pool, json_array_size(list) * sizeof(*criteria));
    for (size_t i = 0; i < json_array_size(list); i++)
        if (read_criterion(pool, json_array_get(list, i), &criteria[i], err))
            return err_prefix(err, "criteria[%zu]", i);
    t->criteria = criteria;
    t->n_criteria = json_array_size(list);
    return 0;
}

/* What is called with the site's admin token: the site's own control paths and nothing else. */
static bool is_control_call(const json_t *call)
{
    const char *text = json_string_value(call), *path = text ? strchr(text, ' ') : NULL;
    return path && path != text && str_starts(path + 1, "/__env__/");
}

/* What is acted upon when the task is of one of our sites; all else is the author's. */
static int read_site(const json_t *metadata, struct err *err)
{
    const json_t *before = NULL;
    const char *env = "", *oracle;
    int64_t seed;
    int r = json_read_string(metadata, "env", &env, err);
    if (r || !str_starts(env, "mantis_"))
        return r;
    r = json_read_string(metadata, "oracle_task_id", &oracle, err);
    r = r ? r : json_read_int(metadata, "seed", &seed, err);
    r = r ? r : read_typed(metadata, "before", JSON_ARRAY, "a list of control calls", &before, err);
    for (size_t i = 0; !r && i < json_array_size(before); i++)
        if (!is_control_call(json_array_get(before, i)))
            r = err_set(err, E_INVALID, "before[%zu] must be a control call, as \"POST /__env__/trust\"", i);
    return r;
}

static int read_metadata(const json_t *obj, struct gate_task *t, struct err *err)
{
    int r = read_typed(obj, "metadata", JSON_OBJECT, "an object", &t->metadata, err);
    return !r && read_site(t->metadata, err) ? err_prefix(err, "metadata") : r;
}

static int read_caps(const json_t *obj, struct gate_task *t, struct err *err)
{
    int64_t steps = MAX_STEPS;
    t->max_cost = MAX_COST_USD;
    int r = json_read_number(obj, "max_cost", &t->max_cost, err);
    if (!r)
        r = json_read_int(obj, "max_steps", &steps, err);
    if (!r && !(t->max_cost > 0 && isfinite(t->max_cost)))
        r = err_set(err, E_INVALID, "'max_cost' must be more than 0 USD");
    if (!r && (steps < 1 || steps > INT_MAX))
        r = err_set(err, E_INVALID, "'max_steps' must be a whole number from 1");
    t->max_steps = (int)steps;
    return r;
}

static int read_task(struct pool *pool, json_t *obj, struct gate_task *t, struct err *err)
{
    t->micro_plan = json_keep(pool, json_array());
    t->metadata = json_keep(pool, json_object());
    t->id = t->text = t->plan_text = t->url = "";
    if (!json_is_object(obj))
        return err_set(err, E_INVALID, "a task must be an object");
    const struct {
        const char *key, **value;
    } texts[] = {{"task_id", &t->id}, {"task_text", &t->text}, {"plan_text", &t->plan_text}, {"url", &t->url}};
    int r = 0;
    for (size_t i = 0; !r && i < ARRAY_SIZE(texts); i++)
        r = json_read_string(obj, texts[i].key, texts[i].value, err);
    if (!r && str_empty(t->id))
        r = err_set(err, E_INVALID, "'task_id' is missing or empty; results are paired by it");
    if (!r)
        r = read_typed(obj, "micro_plan", JSON_ARRAY, "a list of steps", &t->micro_plan, err);
    r = r ? r : read_metadata(obj, t, err);
    if (!r)
        r = read_criteria(pool, obj, t, err);
    return r ? r : read_caps(obj, t, err);
}

static const char *const *warnings_of(struct pool *pool, const struct task_file *file)
{
    size_t n = 0, most = 0;
    for (size_t i = 0; i < file->n; i++)
        most += file->tasks[i].n_criteria;
    const char **list = pool_alloc(pool, (most + 1) * sizeof(*list));
    for (size_t i = 0; i < file->n; i++)
        for (size_t k = 0; k < file->tasks[i].n_criteria; k++)
            if (!criterion_known(file->tasks[i].criteria[k].type))
                list[n++] = pool_printf(pool, "task '%s': there is no criterion '%s'; it never passes",
                                        file->tasks[i].id, file->tasks[i].criteria[k].type);
    return list;
}

/* The first is kept in seen; a second is refused. */
static int read_unique(struct pool *pool, json_t *obj, json_t *seen, struct gate_task *t, struct err *err)
{
    int r = read_task(pool, obj, t, err);
    if (!r && json_object_get(seen, t->id))
        r = err_set(err, E_INVALID, "'task_id' \"%.100s\" is there twice; ids must be unique", t->id);
    if (!r)
        json_put(seen, t->id, json_true());
    return r;
}

int task_file_parse(struct pool *pool, json_t *doc, const char *what, struct task_file *out, struct err *err)
{
    json_t *list = json_is_object(doc) ? json_object_get(doc, "tasks") : doc;
    json_t *seen = json_keep(pool, json_object());
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return err_set(err, E_INVALID, "%s: must be a list of tasks, or an object with 'tasks'", what);
    if (n == 0)
        return err_set(err, E_INVALID, "%s: there is no task in it", what);
    struct gate_task *tasks = pool_alloc(pool, n * sizeof(*tasks));
    for (size_t i = 0; i < n; i++)
        if (read_unique(pool, json_array_get(list, i), seen, &tasks[i], err))
            return err_prefix(err, "%s: tasks[%zu]", what, i);
    *out = (struct task_file){.tasks = tasks, .n = n};
    out->warnings = warnings_of(pool, out);
    return 0;
}

int task_file_read(struct pool *pool, const char *path, struct task_file *out, struct err *err)
{
    json_t *doc;
    int r = gate_json_read(pool, path, &doc, err);
    return r ? r : task_file_parse(pool, doc, path, out, err);
}
