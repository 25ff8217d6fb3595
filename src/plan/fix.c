/*
 * fix.c - the auto-fixes of plans.md section 13. A fix is known by the code of its finding; after
 * one that moves steps the plan is looked at again.
 */
#include <string.h>

#include "base/str.h"
#include "plan/normalise.h"
#include "plan/validate.h"

#define FIXES_MAX 1000

static int moved(int target, int at)
{
    return target >= at ? target + 1 : target;
}

/* Room for one step at `at`; what jumps to it or behind it follows the steps that moved. */
static struct step *insert_step(struct pool *pool, struct plan *plan, int at)
{
    struct step *steps = pool_alloc(pool, sizeof(*steps) * (size_t)(plan->n_steps + 1));
    memcpy(steps, plan->steps, sizeof(*steps) * (size_t)at);
    memcpy(steps + at + 1, plan->steps + at, sizeof(*steps) * (size_t)(plan->n_steps - at));
    plan->steps = steps;
    plan->n_steps++;
    for (int i = 0; i < plan->n_steps; i++) {
        if (i == at)
            continue;
        steps[i].loop_target = moved(steps[i].loop_target, at);
        steps[i].then_target = moved(steps[i].then_target, at);
        steps[i].else_target = moved(steps[i].else_target, at);
    }
    return &steps[at];
}

static struct step setup_step(struct pool *pool, const char *type, const char *intent)
{
    struct step s = plan_blank_step(pool, type, intent);
    s.section = "setup";
    s.budget = 5;
    return s;
}

static bool add_navigate(struct pool *pool, struct plan *plan, const struct finding *f)
{
    const char *url = plan_start_url(pool, plan);
    if (!*url)
        return false;
    struct step s = setup_step(pool, "navigate", pool_printf(pool, "Open %s", url));
    json_t *params = json_keep(pool, json_object());
    json_put(params, "url", json_string_safe(url));
    s.params = params;
    *insert_step(pool, plan, 0) = s;
    return true;
}

/* What can be seen afterwards when the step at i worked; "" for what only its author knows. */
static const char *evidence_of(struct pool *pool, const struct plan *plan, int i)
{
    const struct step *s = &plan->steps[i], *before = i ? s - 1 : s;
    const char *label = json_str(s->params, "label", ""), *value = json_str(s->params, "value", "");
    const char *option = json_str(s->params, "option_label", value);
    if (strcmp(s->type, "filter") == 0 && (*value || *label))
        return pool_printf(pool, "the filter \"%s\" is applied", *value ? value : label);
    if (strcmp(s->type, "select_option") == 0 && *option)
        return pool_printf(pool, "\"%s\" is shown", option);
    bool search = strcmp(s->type, "submit") == 0 && strcmp(before->type, "fill_field") == 0 &&
                  str_contains_fold(json_str(before->params, "label", ""), "search");
    return search ? pool_printf(pool, "\"%s\" is shown", json_str(before->params, "value", ""))
                  : "";
}

static bool add_gate(struct pool *pool, struct plan *plan, const struct finding *f)
{
    struct step s =
        setup_step(pool, "extract_data", "Check that what was set up so far took effect");
    s.verify = evidence_of(pool, plan, f->step_index);
    s.gate = s.claude_only = true;
    *insert_step(pool, plan, f->step_index + 1) = s;
    return true;
}

static bool aim_at_first_click(struct pool *pool, struct plan *plan, const struct finding *f)
{
    int click = 0;
    while (click < f->step_index && (strcmp(plan->steps[click].type, "click") != 0 ||
                                     strcmp(plan->steps[click].section, "extraction") != 0))
        click++;
    plan->steps[f->step_index].loop_target = click;
    return click < f->step_index;
}

static bool leave_to_reader(struct pool *pool, struct plan *plan, const struct finding *f)
{
    plan->steps[f->step_index].claude_only = true;
    plan->steps[f->step_index].budget = 0;
    return true;
}

static const struct {
    const char *code;
    bool (*fix)(struct pool *pool, struct plan *plan, const struct finding *f);
    bool moves; /* steps: later findings are out of date */
} fixes[] = {
    {"missing_navigate", add_navigate, true},
    {"no_gate_after_filters", add_gate, true},
    {"loop_target_forward", aim_at_first_click, false},
    {"extract_not_claude_only", leave_to_reader, false},
};

/* One look at the plan: what can be mended without a new one. */
static bool fix_round(struct pool *pool, struct plan *plan, const char **done, int *n_done)
{
    int n;
    bool any = false;
    const struct finding *found = plan_validate(pool, plan, &n);
    for (int i = 0; i < n && *n_done < FIXES_MAX; i++)
        for (size_t k = 0; k < ARRAY_SIZE(fixes); k++) {
            if (!*found[i].auto_fix || strcmp(found[i].code, fixes[k].code) != 0 ||
                !fixes[k].fix(pool, plan, &found[i]))
                continue;
            any = true;
            done[(*n_done)++] =
                found[i].step_index < 0
                    ? pool_printf(pool, "plan: %s", found[i].auto_fix)
                    : pool_printf(pool, "step[%d]: %s", found[i].step_index, found[i].auto_fix);
            if (fixes[k].moves)
                return true;
        }
    return any;
}

void plan_fix(struct pool *pool, struct plan *plan, const char *const **ret_done)
{
    const char **done = pool_alloc(pool, sizeof(*done) * (FIXES_MAX + 1));
    int n = 0;
    while (n < FIXES_MAX && fix_round(pool, plan, done, &n))
        ;
    intake_signature(json_keep(pool, plan_steps_to_json(plan)), plan->signature);
    *ret_done = done;
}
