#include "run/subgoal.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "core/schema.h"
#include "run/inner/inner.h"
#include "run/inner/prompt.h"
#include "run/look.h"
#include "run/url.h"

/* plans.md section 5; the plan's brain_budgets replace these. */
static const struct {
    const char *type;
    int cap;
} budget_caps[] = {{"scroll", 12}, {"click", 4}};

int subgoal_budget(const struct run *run, int budget)
{
    const json_t *given = run->plan->runtime.brain_budgets;
    int cap = (int)json_num(given, run->step->type, 0);
    for (size_t i = 0; !given && i < ARRAY_SIZE(budget_caps); i++)
        if (!strcmp(budget_caps[i].type, run->step->type))
            cap = budget_caps[i].cap;
    return cap >= 1 && cap < budget ? cap : budget;
}

static const json_t *failures_of(const struct run *run)
{
    char key[16];
    snprintf(key, sizeof(key), "%d", run->index);
    return json_object_get(run->progress.failures, key);
}

/* Of this step alone: a form's later fields are their own steps' business. */
static void read_pending(const struct run *run, struct inner_goal *goal)
{
    const char *value = json_str(run->step->params, "value", "");
    if (!strcmp(run->step->type, "fill_field") && *value)
        goal->pending[goal->n_pending++] = (struct pending_value){
            .label = json_str(run->step->params, "label", ""), .value = value};
}

/* Advice that recovery left on the step: one text, or a list of them. */
static const char *const *advice_of(const struct run *run)
{
    const json_t *v = json_object_get(run->step->hints, "recovery_hints");
    size_t n = json_is_array(v) ? json_array_size(v) : 1, used = 0;
    const char **out = pool_alloc(run->step_pool, (n + 1) * sizeof(*out));
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(v) ? json_array_get(v, i) : v;
        if (json_is_string(one))
            out[used++] = json_string_value(one);
    }
    return out;
}

/* What a step's own schema requires must be in the summary of a brain that reads with its own eyes.
 * *ret_line tells it so. */
static int read_required(struct run *run, struct inner_goal *goal, const char **ret_line,
                         struct err *err)
{
    struct pool *pool = run->step_pool;
    struct schema *schema = NULL;
    const char **names, *list = "";
    int n = 0, r = schema_parse(pool, run->step->extract, &schema, err);
    *ret_line = "";
    if (r || !schema || (brain_abilities(run->brain) & BRAIN_AIMS_BY_PAGE))
        return r;
    names = pool_alloc(pool, ((size_t)schema->n_fields + 1) * sizeof(*names));
    for (int i = 0; i < schema->n_fields; i++)
        if (schema->fields[i].required) {
            names[n++] = schema->fields[i].name;
            list = pool_printf(pool, "%s%s%s", list, *list ? ", " : "", schema->fields[i].name);
        }
    goal->required_fields = names;
    if (n)
        *ret_line = pool_printf(pool, "Say in the summary, as key: value: %s\n", list);
    return 0;
}

/* agent-loop.md 1.5: a brain that says it reached a detail page must stand on one. Where nothing
 * says what a detail page is, it is believed. */
static bool on_wanted_page(const struct run *run)
{
    static const char *const wordings[] = {"detail page", "details page", "detail view",
                                           "product page", "item page"};
    const struct progress *p = &run->progress;
    const json_t *site = run->plan->site_config;
    const char *results = json_str(site, "results_page_pattern", "");
    bool told = false;
    for (size_t i = 0; i < ARRAY_SIZE(wordings); i++)
        told = told || str_contains_fold(run->step->verify, wordings[i]);
    if (!told || !*run->live_url ||
        (!*json_str(site, "detail_page_pattern", "") && !*p->results_base_url))
        return true;
    return url_is_detail(run->live_url, site, p->results_base_url) &&
           !(*results && url_matches(run->live_url, results));
}

/* How a sub-goal that did not succeed is told. In "%s:%s" the second is what the brain said, or how
 * it ended. */
static const struct ending {
    const char *termination, *class;
    bool exhausted;
} endings[] = {
    {"done_failed", "", false},
    {"done_unverified", "brain_loop_exhausted", false},
    {"brain_unreachable", "brain_unreachable", false},
    {"budget_cap", "budget_cap", false},
    {"off_allowlist", "off_allowlist", false},
    {"chrome_vendor_trap", "wrong_target", false},
    {"max_steps", "brain_loop_exhausted", true},
    {"loop", "brain_loop_exhausted", true},
};

static int failed(struct run *run, const struct inner_result *inner, const char *summary,
                  struct step_result *out)
{
    const struct ending *e = endings;
    while (strcmp(e->termination, inner->termination))
        e++;
    if (!e->exhausted)
        return step_fail(run, out, e->class, "%s:%s", e->termination, summary);
    out->outcome = OUTCOME_BUDGET;
    return step_fail(run, out, e->class, "brain_loop_exhausted:%s", e->termination);
}

static int finish(struct run *run, const struct inner_result *inner, struct step_result *out)
{
    const char *summary = str_squash(run->step_pool, inner->summary);
    out->steps_used = inner->steps;
    out->at = inner->last_click;
    out->verified_change = true; /* the brain looked; plans.md 10.1 is for our own hands */
    if (!inner->success)
        return failed(run, inner, summary, out);
    if (!on_wanted_page(run))
        return step_fail(run, out, "wrong_target", "wrong_target:%s is no detail page",
                         run->live_url);
    return step_ok(run, out, "%s", *summary ? summary : "done");
}

int subgoal_run(struct run *run, const char *intent, int budget, struct step_result *out,
                struct err *err)
{
    struct inner_goal goal = {.sentence = intent, .max_steps = budget, .effect = out};
    struct inner_result inner;
    if (!run->brain)
        return step_fail(run, out, "brain_unreachable", "brain_unreachable:this run has no brain");
    /* A model that is told of its earlier attempts anyway is not told twice. */
    bool told = brain_abilities(run->brain) & BRAIN_TELLS_ATTEMPTS;
    goal.attempts = failures_of(run);
    goal.ground = run->step->grounding;
    goal.task = prompt_sub_goal(run->step_pool, run->step, intent, told ? NULL : goal.attempts,
                                advice_of(run));
    const char *wanted;
    int r = read_required(run, &goal, &wanted, err);
    goal.task = pool_printf(run->step_pool, "%s%s", goal.task, r ? "" : wanted);
    read_pending(run, &goal);
    r = r ? r : inner_run(run, &goal, &inner, err);
    return r ? r : finish(run, &inner, out);
}
