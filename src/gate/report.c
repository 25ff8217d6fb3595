#include "gate/report.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "sys/file.h"

double rate4(double rate)
{
    return round(rate * 1e4) / 1e4;
}

struct report_counts report_count(const struct report *report)
{
    struct report_counts c = {.tasks = (int)report->n};
    for (size_t i = 0; i < report->n; i++) {
        c.passed += report->results[i].passed;
        c.errors += *report->results[i].outcome.error != '\0';
    }
    c.failed = c.tasks - c.passed;
    c.pass_rate = c.tasks ? rate4((double)c.passed / c.tasks) : 0;
    return c;
}

/* --- judging ------------------------------------------------------------------------------------ */

static bool holds_success(const struct outcome *o, const char *value)
{
    return o->success;
}

static bool holds_status(const struct outcome *o, const char *value)
{
    return strcmp(o->status, value) == 0;
}

static bool holds_url(const struct outcome *o, const char *value)
{
    return strstr(o->url, value) != NULL;
}

static bool holds_output(const struct outcome *o, const char *value)
{
    return strstr(o->output, value) != NULL;
}

static const struct {
    const char *type;
    bool (*holds)(const struct outcome *o, const char *value);
} tests[] = {
    {"task_success", holds_success},
    {"status_eq", holds_status},
    {"url_contains", holds_url},
    {"output_contains", holds_output},
};

bool criterion_known(const char *type)
{
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
        if (strcmp(type, tests[i].type) == 0)
            return true;
    return false;
}

static bool criterion_holds(const struct criterion *c, const struct outcome *o)
{
    for (size_t i = 0; i < ARRAY_SIZE(tests); i++)
        if (strcmp(c->type, tests[i].type) == 0)
            return tests[i].holds(o, c->value);
    return false;
}

struct task_result report_judge(struct pool *pool, const struct gate_task *task, int repeat,
                                const struct outcome *outcome)
{
    struct criterion_result *criteria = pool_alloc(pool, task->n_criteria * sizeof(*criteria));
    bool passed = *outcome->error == '\0' && task->n_criteria > 0;
    for (size_t i = 0; i < task->n_criteria; i++) {
        criteria[i].criterion = task->criteria[i];
        criteria[i].passed = criterion_holds(&task->criteria[i], outcome);
        passed = passed && criteria[i].passed;
    }
    return (struct task_result){.task_id = task->id, .repeat = repeat, .passed = passed, .criteria = criteria,
                                .n_criteria = task->n_criteria, .outcome = *outcome, .metadata = task->metadata};
}

/* --- as JSON ------------------------------------------------------------------------------------ */

static json_t *object_or_empty(const json_t *object)
{
    return object ? json_incref((json_t *)object) : json_object();
}

static void put_if_any(json_t *obj, const char *key, const json_t *object)
{
    if (json_object_size(object))
        json_put(obj, key, json_incref((json_t *)object));
}

static json_t *outcome_json(const struct outcome *o)
{
    json_t *doc = json_object();
    json_put(doc, "task_id", json_string_safe(o->task_id));
    json_put_bool(doc, "success", o->success);
    json_put(doc, "status", json_string_safe(o->status));
    if (*o->run_id)
        json_put(doc, "run_id", json_string_safe(o->run_id));
    json_put(doc, "url", json_string_safe(o->url));
    json_put(doc, "output", json_string_safe(o->output));
    json_put_num(doc, "cost", o->cost);
    json_put_num(doc, "duration_s", o->duration_s);
    json_put(doc, "error", json_string_safe(o->error));
    json_put(doc, "raw", object_or_empty(o->raw));
    return doc;
}

static json_t *result_json(const struct task_result *r)
{
    json_t *doc = json_object(), *criteria = json_array();
    for (size_t i = 0; i < r->n_criteria; i++)
        json_push(criteria, json_pack("{s:o,s:o,s:b}", "type", json_string_safe(r->criteria[i].criterion.type),
                                      "value", json_string_safe(r->criteria[i].criterion.value), "passed",
                                      r->criteria[i].passed));
    json_put(doc, "task_id", json_string_safe(r->task_id));
    if (r->repeat)
        json_put_int(doc, "repeat", r->repeat);
    json_put_bool(doc, "passed", r->passed);
    json_put(doc, "criterion_results", criteria);
    json_put(doc, "outcome", outcome_json(&r->outcome));
    put_if_any(doc, "metadata", r->metadata);
    return doc;
}

json_t *report_json(const struct report *report)
{
    struct report_counts c = report_count(report);
    json_t *doc = json_object(), *results = json_array();
    for (size_t i = 0; i < report->n; i++)
        json_push(results, result_json(&report->results[i]));
    json_put(doc, "name", json_string_safe(report->name));
    json_put_num(doc, "started_at", report->started_at);
    json_put_num(doc, "ended_at", report->ended_at);
    json_put_int(doc, "task_count", c.tasks);
    json_put_int(doc, "pass_count", c.passed);
    json_put_int(doc, "fail_count", c.failed);
    json_put_int(doc, "error_count", c.errors);
    json_put_num(doc, "pass_rate", c.pass_rate);
    put_if_any(doc, "about", report->about);
    json_put(doc, "results", results);
    return doc;
}

int report_write(struct pool *pool, const char *path, const struct report *report, struct err *err)
{
    const char *text = json_pretty(pool, json_keep(pool, report_json(report)));
    return file_write_atomic(path, text, strlen(text), 0644, err);
}

/* --- from JSON ---------------------------------------------------------------------------------- */

static int read_outcome(const json_t *obj, struct outcome *o, struct err *err)
{
    *o = (struct outcome){.task_id = "", .status = "", .run_id = "", .url = "", .output = "", .error = ""};
    const struct {
        const char *key, **value;
    } texts[] = {{"task_id", &o->task_id}, {"status", &o->status}, {"run_id", &o->run_id},
                 {"url", &o->url},         {"output", &o->output}, {"error", &o->error}};
    int r = json_read_bool(obj, "success", &o->success, err);
    for (size_t i = 0; !r && i < ARRAY_SIZE(texts); i++)
        r = json_read_string(obj, texts[i].key, texts[i].value, err);
    if (!r)
        r = json_read_number(obj, "cost", &o->cost, err);
    if (!r)
        r = json_read_number(obj, "duration_s", &o->duration_s, err);
    o->raw = json_object_get(obj, "raw");
    return r ? err_prefix(err, "outcome") : 0;
}

static int read_criteria(struct pool *pool, const json_t *list, struct task_result *out, struct err *err)
{
    struct criterion_result *criteria = pool_alloc(pool, json_array_size(list) * sizeof(*criteria));
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *entry = json_array_get(list, i);
        criteria[i].criterion = (struct criterion){json_str(entry, "type", ""),
                                                   json_as_text(pool, json_object_get(entry, "value"))};
        if (json_read_bool(entry, "passed", &criteria[i].passed, err))
            return err_prefix(err, "criterion_results[%zu]", i);
    }
    out->criteria = criteria;
    out->n_criteria = json_array_size(list);
    return 0;
}

static int read_result(struct pool *pool, const json_t *obj, struct task_result *out, struct err *err)
{
    int64_t repeat = 0;
    *out = (struct task_result){.task_id = "", .metadata = json_object_get(obj, "metadata")};
    int r = json_read_string(obj, "task_id", &out->task_id, err);
    if (!r && !*out->task_id)
        r = err_set(err, E_INVALID, "'task_id' is missing or empty");
    if (!r && !json_is_boolean(json_object_get(obj, "passed")))
        r = err_set(err, E_INVALID, "'passed' must be true or false");
    if (!r)
        r = json_read_int(obj, "repeat", &repeat, err);
    if (!r && (repeat < 0 || repeat > INT_MAX))
        r = err_set(err, E_INVALID, "'repeat' must be a whole number from 0");
    if (!r)
        r = read_outcome(json_object_get(obj, "outcome"), &out->outcome, err);
    if (r)
        return r;
    out->repeat = (int)repeat;
    /* Whatever the document says: what has an error has not passed. */
    out->passed = json_flag(obj, "passed", false) && !*out->outcome.error;
    return read_criteria(pool, json_object_get(obj, "criterion_results"), out, err);
}

static int read_unique(struct pool *pool, const json_t *obj, json_t *seen, struct task_result *out, struct err *err)
{
    int r = read_result(pool, obj, out, err);
    if (r)
        return r;
    const char *key = pool_printf(pool, "%d %s", out->repeat, out->task_id);
    if (json_object_get(seen, key))
        return err_set(err, E_INVALID, "'task_id' \"%.100s\" is there twice", out->task_id);
    json_put(seen, key, json_true());
    return 0;
}

int report_parse(struct pool *pool, json_t *doc, const char *what, struct report *out, struct err *err)
{
    json_t *list = json_object_get(doc, "results"), *seen = json_keep(pool, json_object());
    size_t n = json_array_size(list);
    if (!json_is_array(list))
        return err_set(err, E_INVALID, "%s: is no report: 'results' must be a list", what);
    struct task_result *results = pool_alloc(pool, n * sizeof(*results));
    for (size_t i = 0; i < n; i++)
        if (read_unique(pool, json_array_get(list, i), seen, &results[i], err))
            return err_prefix(err, "%s: results[%zu]", what, i);
    *out = (struct report){.name = json_str(doc, "name", ""), .started_at = json_num(doc, "started_at", 0),
                           .ended_at = json_num(doc, "ended_at", 0), .results = results, .n = n,
                           .about = json_object_get(doc, "about")};
    return 0;
}

int report_read(struct pool *pool, const char *path, struct report *out, struct err *err)
{
    json_t *doc;
    int r = gate_json_read(pool, path, &doc, err);
    return r ? r : report_parse(pool, doc, path, out, err);
}
