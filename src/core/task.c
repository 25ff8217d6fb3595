#include "core/task.h"

#include <string.h>

#include "base/str.h"

#define MAX_STEPS       15 /* of a task that says nothing */
#define MOST_STEPS      100
#define MOST_ITERATIONS 1000

static const char *const verify_names[] = {
    [VERIFY_NONE] = "",
    [VERIFY_URL_CONTAINS] = "url_contains",
    [VERIFY_URL_NOT_CONTAINS] = "url_not_contains",
    [VERIFY_URL_EXACT] = "url_exact",
    [VERIFY_PAGE_CONTAINS_TEXT] = "page_contains_text",
    [VERIFY_ELEMENT_EXISTS] = "element_exists",
    [VERIFY_ELEMENT_TEXT] = "element_text",
    [VERIFY_DOWNLOAD_EXISTS] = "download_exists",
};

const char *verify_type_name(enum verify_type type)
{
    return verify_names[type];
}

bool plan_is_suite(const struct plan *plan)
{
    return plan->n_steps > 0 && !strcmp(plan->steps[0].type, TASK_STEP_TYPE);
}

static int unknown_type(const char *name, struct err *err)
{
    return err_set(
        err, E_INVALID,
        "'verify.type' must be url_contains, url_not_contains, url_exact, page_contains_text, "
        "element_exists, element_text or download_exists, not '%.60s'",
        name);
}

/* element_exists may give its selector as the value. */
static int read_selector(struct pool *pool, struct verify *v, struct err *err)
{
    bool needs_text = v->type == VERIFY_ELEMENT_TEXT;
    if (!*v->selector_text && !needs_text)
        v->selector_text = v->value;
    if (str_empty(v->selector_text))
        return err_set(err, E_INVALID, "'verify.selector' is missing: a CSS selector");
    if (needs_text && str_empty(v->value))
        return err_set(err, E_INVALID, "'verify.value' is missing: the text of the element");
    if (selector_parse(pool, v->selector_text, &v->selector, err))
        return err_prefix(err, "'verify.selector'");
    return 0;
}

static int read_verify(struct pool *pool, const json_t *given, struct verify *v, struct err *err)
{
    const char *name = "";
    *v = (struct verify){.value = "", .selector_text = ""};
    if (!given || json_is_null(given) || (json_is_object(given) && !json_object_size(given)))
        return 0;
    if (!json_is_object(given))
        return err_set(err, E_INVALID, "'verify' must be an object with 'type' and 'value'");
    int r = json_read_string(given, "type", &name, err);
    r = r ? r : json_read_string(given, "value", &v->value, err);
    r = r ? r : json_read_string(given, "selector", &v->selector_text, err);
    if (r)
        return err_prefix(err, "'verify'");
    for (size_t i = 1; i < ARRAY_SIZE(verify_names); i++)
        if (!strcmp(name, verify_names[i]))
            v->type = (enum verify_type)i;
    if (v->type == VERIFY_NONE)
        return unknown_type(name, err);
    if (v->type == VERIFY_ELEMENT_EXISTS || v->type == VERIFY_ELEMENT_TEXT)
        return read_selector(pool, v, err);
    if (str_empty(v->value))
        return err_set(err, E_INVALID, "'verify.value' is missing");
    return 0;
}

struct number {
    const char *key;
    int *at;
    int def, min, max;
};

static int read_numbers(const json_t *o, const struct number *numbers, size_t n, struct err *err)
{
    for (size_t i = 0; i < n; i++) {
        int64_t v = numbers[i].def;
        int r = json_read_int(o, numbers[i].key, &v, err);
        if (r)
            return r;
        if (v < numbers[i].min || v > numbers[i].max)
            return err_set(err, E_INVALID, "'%s' must be %d..%d, not %lld", numbers[i].key,
                           numbers[i].min, numbers[i].max, (long long)v);
        *numbers[i].at = (int)v;
    }
    return 0;
}

static int read_loop(const json_t *given, int max_steps, struct task *t, struct err *err)
{
    struct task_loop *l = &t->loop;
    const struct number numbers[] = {
        {"max_iterations", &l->max_iterations, 50, 1, MOST_ITERATIONS},
        {"max_pages", &l->max_pages, 10, 1, MOST_ITERATIONS},
        {"max_steps_per_iteration", &l->max_steps_per_iteration, max_steps, 1, MOST_STEPS},
        {"max_retries_per_iteration", &l->max_retries_per_iteration, 2, 0, 10},
        {"max_steps_pagination", &l->max_steps_pagination, 20, 1, MOST_STEPS}};
    l->pagination_intent = "Go to the next page of results";
    if (!given || json_is_null(given))
        return 0;
    if (!json_is_object(given))
        return err_set(err, E_INVALID, "'loop' must be an object");
    t->has_loop = true;
    int r = json_read_string(given, "pagination_intent", &l->pagination_intent, err);
    r = r ? r : read_numbers(given, numbers, ARRAY_SIZE(numbers), err);
    return r ? err_prefix(err, "'loop'") : 0;
}

static int read_texts(const json_t *o, struct task *t, struct err *err)
{
    const struct {
        const char *key;
        const char **at;
    } texts[] = {{"task_id", &t->task_id},
                 {"start_url", &t->start_url},
                 {"fallback_intent", &t->fallback_intent},
                 {"fallback_start_url", &t->fallback_start_url}};
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *texts[i].at = "";
        int r = json_read_string(o, texts[i].key, texts[i].at, err);
        if (r)
            return r;
    }
    if (str_empty(t->task_id))
        return err_set(err, E_INVALID, "'task_id' is missing or empty");
    if (strlen(t->task_id) > ID_NAME_MAX)
        return err_set(err, E_INVALID, "'task_id' must be at most %d bytes", ID_NAME_MAX);
    return 0;
}

static int check_url(const char *key, const char *url, struct err *err)
{
    if (!*url || str_starts(url, "http://") || str_starts(url, "https://"))
        return 0;
    return err_set(err, E_INVALID,
                   "'%s' must start with http:// or https://, or with / when the suite has a "
                   "'base_url', not '%.100s'",
                   key, url);
}

int task_parse(struct pool *pool, const struct step *step, struct task *t, struct err *err)
{
    const json_t *o = step->params;
    *t = (struct task){.intent = step->intent};
    int r = read_texts(o, t, err);
    r = r ? r : check_url("start_url", t->start_url, err);
    r = r ? r : check_url("fallback_start_url", t->fallback_start_url, err);
    const struct number numbers[] = {
        {"max_steps", &t->max_steps, MAX_STEPS, 1, MOST_STEPS},
        {"fallback_max_steps", &t->fallback_max_steps, 6, 1, MOST_STEPS},
        {"fallback_micro_retries", &t->fallback_micro_retries, 2, 0, 10}};
    r = r ? r : read_numbers(o, numbers, ARRAY_SIZE(numbers), err);
    const struct number resume = {"resume_max_steps", &t->resume_max_steps, t->max_steps, 1,
                                  MOST_STEPS};
    r = r ? r : read_numbers(o, &resume, 1, err);
    r = r ? r : json_read_bool(o, "save_session", &t->save_session, err);
    r = r ? r : json_read_bool(o, "require_session", &t->require_session, err);
    r = r ? r : json_read_bool(o, "continue_on_failure", &t->continue_on_failure, err);
    r = r ? r : read_verify(pool, json_object_get(o, "verify"), &t->verify, err);
    return r ? r : read_loop(json_object_get(o, "loop"), t->max_steps, t, err);
}
