/*
 * validate.c - the rules of plans.md section 13, one function each, in one list. A rule looks at
 * the whole plan and adds what it finds; the result is put in order of step.
 */
#include "plan/validate.h"

#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "base/str.h"
#include "core/flow.h"
#include "core/task.h"
#include "plan/normalise.h"

struct check {
    struct pool *pool;
    const struct plan *plan;
    struct finding *found;
    int n, size;
};

static void add(struct check *c, enum severity severity, const char *code, int step_index,
                const char *auto_fix, const char *message)
{
    if (c->n == c->size) {
        int size = c->size ? c->size * 2 : 16;
        struct finding *more = pool_alloc(c->pool, sizeof(*more) * (size_t)size);
        if (c->n)
            memcpy(more, c->found, sizeof(*more) * (size_t)c->n);
        c->found = more;
        c->size = size;
    }
    c->found[c->n++] = (struct finding){severity, code, message, step_index, auto_fix};
}

static bool is(const struct step *s, const char *type)
{
    return strcmp(s->type, type) == 0;
}

static bool in(const struct step *s, const char *section)
{
    return strcmp(s->section, section) == 0;
}

/* Index of the first step of this type ("" any) in this section (NULL any), -1 none. */
static int find(const struct plan *plan, const char *type, const char *section)
{
    for (int i = 0; i < plan->n_steps; i++) {
        const struct step *s = &plan->steps[i];
        if ((!*type || is(s, type)) && (!section || in(s, section)))
            return i;
    }
    return -1;
}

const char *plan_start_url(struct pool *pool, const struct plan *plan)
{
    const char *url = json_str(plan->objective, "start_url", "");
    if (*url)
        return url;
    return *plan->domain ? pool_printf(pool, "https://www.%s/", plan->domain) : "";
}

static void missing_navigate(struct check *c)
{
    const struct plan *p = c->plan;
    if (find(p, "navigate", NULL) >= 0 || plan_first_url(c->pool, p->steps[0].intent))
        return;
    const char *url = plan_start_url(c->pool, p);
    const char *fix = *url ? pool_printf(c->pool, "insert a navigate step to %s", url)
                           : "insert a navigate step to the start URL";
    add(c, SEVERITY_ERROR, "missing_navigate", -1, fix,
        "no navigate step, and the first intent holds no http(s) address");
}

/* What an objective names a filter: its words, or "value" and "name" of an object. */
static const char *filter_word(const json_t *filter)
{
    const char *value = json_str(filter, "value", "");
    if (json_is_string(filter))
        return json_string_value(filter);
    return *value ? value : json_str(filter, "name", "");
}

/* Addresses may hold the filters ("?seller=private"). */
static bool address_shows(struct check *c, const json_t *filters)
{
    size_t k;
    json_t *f;
    for (int i = 0; i < c->plan->n_steps; i++) {
        const char *url =
            is(&c->plan->steps[i], "navigate") ? step_url(c->pool, &c->plan->steps[i]) : NULL;
        json_array_foreach (filters, k, f)
            if (url && *filter_word(f) && str_contains_fold(url, filter_word(f)))
                return true;
    }
    return false;
}

static void no_filter_steps(struct check *c)
{
    json_t *filters = json_object_get(c->plan->objective, "filters");
    if (json_array_size(filters) && find(c->plan, "filter", NULL) < 0 && !address_shows(c, filters))
        add(c, SEVERITY_WARNING, "no_filter_steps", -1, "",
            pool_printf(
                c->pool,
                "the objective names %zu filter(s), but no step sets one and no address shows it",
                json_array_size(filters)));
}

static void no_gate_after_filters(struct check *c)
{
    int last = -1;
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        if (s->gate)
            return;
        if (is(s, "filter") || (in(s, "setup") && s->required && !is(s, "navigate")))
            last = i;
    }
    if (last >= 0)
        add(c, SEVERITY_ERROR, "no_gate_after_filters", last,
            pool_printf(c->pool, "insert a verification gate after step[%d]", last),
            "filters or required setup steps, but no gate checks that they took effect");
}

static void no_navigate_back_in_loop(struct check *c)
{
    int click = find(c->plan, "click", "extraction"), loop = find(c->plan, "loop", "extraction");
    if (click >= 0 && loop >= 0 && find(c->plan, "navigate_back", "extraction") < 0)
        add(c, SEVERITY_ERROR, "no_navigate_back_in_loop", loop, "",
            "the extraction loop clicks but never navigates back to the results");
}

static void loop_targets(struct check *c)
{
    int click = find(c->plan, "click", "extraction");
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        if (!is(s, "loop") || s->loop_target < i)
            continue;
        if (s->loop_target >= c->plan->n_steps) {
            add(c, SEVERITY_ERROR, "loop_target_out_of_range", i, "",
                pool_printf(c->pool, "loop_target %d is out of range: the plan has %d steps",
                            s->loop_target, c->plan->n_steps));
            continue;
        }
        bool near = click >= 0 && click < i && abs(s->loop_target - click) <= 3;
        add(c, SEVERITY_ERROR, "loop_target_forward", i,
            near ? pool_printf(c->pool, "set loop_target to %d, the first extraction click", click)
                 : "",
            pool_printf(c->pool, "loop_target %d does not lie before the loop", s->loop_target));
    }
}

static void loop_counts(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        if (!is(s, "loop"))
            continue;
        if (s->loop_target < 0)
            add(c, SEVERITY_WARNING, "loop_target_unset", i, "",
                "loop_target is not set; the loop goes back to the start of its section");
        else if (s->loop_count <= 0)
            add(c, SEVERITY_WARNING, "loop_count_zero", i, "",
                pool_printf(c->pool, "loop_count is not set; the body runs at most %d times",
                            step_loop_limit(s)));
    }
}

static void extract_not_claude_only(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        if ((is(s, "extract_url") || is(s, "extract_data")) && !s->claude_only)
            add(c, SEVERITY_WARNING, "extract_not_claude_only", i,
                "set claude_only to true and budget to 0",
                pool_printf(c->pool, "%s has claude_only false and would go to the brain",
                            s->type));
    }
}

static void pagination(struct check *c)
{
    int loop = find(c->plan, "loop", "extraction"), paginate = find(c->plan, "paginate", NULL);
    if (loop >= 0 && paginate < 0)
        add(c, SEVERITY_WARNING, "no_pagination", loop, "",
            "an extraction loop, but no paginate step: only the first page is read");
    if (paginate >= 0 && find(c->plan, "loop", "pagination") < 0)
        add(c, SEVERITY_WARNING, "paginate_without_loop", paginate, "",
            "a paginate step, but no loop in section pagination: only one further page is read");
}

static void setup_after_extraction(struct check *c)
{
    int first = find(c->plan, "", "extraction");
    for (int i = first + 1; first >= 0 && i < c->plan->n_steps; i++)
        if (in(&c->plan->steps[i], "setup"))
            add(c, SEVERITY_WARNING, "setup_after_extraction", i, "",
                pool_printf(c->pool, "a setup step after extraction began at step[%d]", first));
}

static void unknown_step_type(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++)
        if (!step_kind_find(c->plan->steps[i].type))
            add(c, SEVERITY_WARNING, "unknown_step_type", i, "",
                pool_printf(c->pool, "there is no step type '%.80s'; it is run as a brain sub-goal",
                            c->plan->steps[i].type));
}

static void if_else_targets(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        int count = c->plan->n_steps;
        if (is(s, "if_else") && (s->then_target >= count || s->else_target >= count))
            add(c, SEVERITY_ERROR, "if_else_target_out_of_range", i, "",
                pool_printf(c->pool, "%s %d is out of range: the plan has %d steps",
                            s->then_target >= count ? "then_target" : "else_target",
                            s->then_target >= count ? s->then_target : s->else_target, count));
    }
}

/* Could this step between an if_else and where it leads back give the variable another value, or the run another way? */
static bool may_change(const struct plan *plan, int i, int from, int to, const char *var)
{
    const struct step *s = &plan->steps[i];
    if (is(s, "loop"))
        return flow_loop_start(plan, i) < from;
    if (is(s, "if_else")) {
        int yes = flow_branch(plan, i, true), no = flow_branch(plan, i, false);
        return *s->condition_var && ((yes >= 0 && yes < from) || yes > to || (no >= 0 && no < from) || no > to);
    }
    return is(s, "done") || (is(s, "detect_visible") && strcmp(s->out_var, var) == 0);
}

static void back_without_change(struct check *c, int i, bool yes)
{
    const struct step *s = &c->plan->steps[i];
    int target = flow_branch(c->plan, i, yes);
    if (!*s->condition_var || target < 0 || target > i)
        return;
    for (int k = target; k < i; k++)
        if (may_change(c->plan, k, target, i, s->condition_var))
            return;
    add(c, SEVERITY_WARNING, "if_else_never_changes", i, "",
        pool_printf(c->pool,
                    "%s %d leads back, and no step in between writes '%.80s': a run that gets into it "
                    "ends as loop_stuck after %d rounds",
                    yes ? "then_target" : "else_target", target, s->condition_var, CAP_BRANCHES_BACK));
}

static void if_else_never_changes(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++)
        if (is(&c->plan->steps[i], "if_else")) {
            back_without_change(c, i, true);
            back_without_change(c, i, false);
        }
}

static bool is_written(const struct plan *plan, const char *name)
{
    for (int i = 0; i < plan->n_steps; i++)
        if (is(&plan->steps[i], "detect_visible") && strcmp(plan->steps[i].out_var, name) == 0)
            return true;
    return false;
}

static void undefined_state_var(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        const char *const uses[][2] = {
            {"guard", s->guard}, {"stop_var", s->stop_var}, {"condition_var", s->condition_var}};
        for (size_t k = 0; k < ARRAY_SIZE(uses); k++)
            if (*uses[k][1] && !is_written(c->plan, uses[k][1]))
                add(c, SEVERITY_WARNING, "undefined_state_var", i, "",
                    pool_printf(c->pool, "%s '%.80s' is written by no detect_visible step",
                                uses[k][0], uses[k][1]));
    }
}

static void fill_without_value(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const struct step *s = &c->plan->steps[i];
        const json_t *value = json_object_get(s->params, "value");
        if (is(s, "fill_field") && (!value || json_is_null(value)))
            add(c, SEVERITY_WARNING, "fill_without_value", i, "",
                "fill_field has no params.value to type");
    }
}

static void navigate_without_url(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++)
        if (is(&c->plan->steps[i], "navigate") && !step_url(c->pool, &c->plan->steps[i]))
            add(c, SEVERITY_WARNING, "navigate_without_url", i, "",
                "navigate has no http(s) address in its intent or params.url");
}

static void notices(struct check *c)
{
    for (int i = 0; i < c->plan->n_steps; i++) {
        const char *code, *words = step_notice(c->pool, &c->plan->steps[i], 0, &code);
        for (size_t k = 0; code; words = step_notice(c->pool, &c->plan->steps[i], ++k, &code))
            if (words)
                add(c, SEVERITY_WARNING, code, i, "", words);
    }
}

static bool json_says(const json_t *value, const char *words)
{
    size_t i;
    const char *key;
    json_t *child;
    if (json_is_string(value))
        return strstr(json_string_value(value), words);
    json_array_foreach ((json_t *)value, i, child)
        if (json_says(child, words))
            return true;
    json_object_foreach ((json_t *)value, key, child)
        if (json_says(child, words))
            return true;
    return false;
}

static bool step_says(const struct step *s, const char *words)
{
    return strstr(s->intent, words) || strstr(s->verify, words) || json_says(s->params, words) ||
           json_says(s->hints, words) || json_says(s->extract, words);
}

static void user_input_without_request(struct check *c)
{
    if (find(c->plan, "request_user_input", NULL) >= 0)
        return;
    for (int i = 0; i < c->plan->n_steps; i++)
        if (step_says(&c->plan->steps[i], "{{user_input}}"))
            add(c, SEVERITY_WARNING, "user_input_without_request", i, "",
                "{{user_input}} is used, but no request_user_input step asks for it");
}

static int by_step(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;
    if (x->step_index != y->step_index)
        return x->step_index < y->step_index ? -1 : 1;
    return strcmp(x->code, y->code);
}

typedef void rule_fn(struct check *c);
static rule_fn *const rules[] = {
    missing_navigate,         no_filter_steps,      no_gate_after_filters,
    no_navigate_back_in_loop, loop_targets,         loop_counts,
    extract_not_claude_only,  pagination,           setup_after_extraction,
    unknown_step_type,        if_else_targets,      undefined_state_var,
    fill_without_value,       navigate_without_url, user_input_without_request,
    if_else_never_changes,    notices,
};

struct finding *plan_validate(struct pool *pool, const struct plan *plan, int *ret_n)
{
    struct check c = {.pool = pool, .plan = plan};
    if (plan->n_steps == 0)
        add(&c, SEVERITY_ERROR, "empty_plan", -1, "", "the plan has no steps");
    for (size_t i = 0; i < ARRAY_SIZE(rules) && plan->n_steps && !plan_is_suite(plan); i++)
        rules[i](&c);
    if (c.n)
        qsort(c.found, (size_t)c.n, sizeof(*c.found), by_step);
    *ret_n = c.n;
    return c.found;
}
