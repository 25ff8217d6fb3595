/*
 * filter.c - set one filter of a results page (plans.md 8.8): a link or box is clicked, a field
 * typed into, a drop-down opened and its option chosen by name. It counts when the page shows that
 * it did.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/effect.h"
#include "run/look.h"

enum control { CONTROL_CLICK, CONTROL_TYPE, CONTROL_NATIVE_SELECT, CONTROL_CUSTOM_SELECT };

static enum control control_of(const struct target *t, const char *value)
{
    if (!strcmp(t->tag, "select"))
        return CONTROL_NATIVE_SELECT;
    if (*value && (!strcmp(t->tag, "input") || !strcmp(t->tag, "textarea")) &&
        strcmp(t->role, "checkbox") && strcmp(t->role, "radio"))
        return CONTROL_TYPE;
    if (*value && (!strcmp(t->role, "combobox") || !strcmp(t->role, "listbox")))
        return CONTROL_CUSTOM_SELECT;
    return CONTROL_CLICK;
}

static int type_value(struct run *run, struct point at, const char *value, struct err *err)
{
    struct settled s = {0};
    int r = run_click(run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    if (!r)
        r = run_type(run, value, err); /* over the selection */
    return r ? r : run_key(run, "Return", CAP_CLICK_MS, err);
}

/* A native list is drawn by the browser, not the page; typing its first letters chooses in it. */
static int choose_native(struct run *run, struct point at, const char *value, struct err *err)
{
    struct settled s = {0};
    int r = run_click(run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_type(run, value, err);
    return r ? r : run_key(run, "Return", CAP_CLICK_MS, err);
}

static int choose_custom(struct run *run, struct point at, const char *value, struct err *err)
{
    struct settled s = {0};
    struct observation obs;
    struct target option;
    struct target_query q = {.label = value, .intent = value, .kind = TARGET_OPTION};
    int r = run_click(run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_bring_query(run, &q, &obs, &option, err);
    if (r == E_NOT_FOUND) {
        int esc = run_key(run, "Escape", CAP_TYPE_MS, err);
        return esc ? esc : E_NOT_FOUND;
    }
    return r ? r : run_click(run, option.at, BUTTON_LEFT, &s, err);
}

static int set_control(struct run *run, const struct target *t, const char *value, struct err *err)
{
    struct settled s = {0};
    switch (control_of(t, value)) {
    case CONTROL_TYPE:
        return type_value(run, t->at, value, err);
    case CONTROL_NATIVE_SELECT:
        return choose_native(run, t->at, value, err);
    case CONTROL_CUSTOM_SELECT:
        return choose_custom(run, t->at, value, err);
    case CONTROL_CLICK:
        break;
    }
    return run_click(run, t->at, BUTTON_LEFT, &s, err);
}

static int apply(struct run *run, const struct observation *before, const struct target *t,
                 struct step_result *out, struct err *err)
{
    const char *value = json_str(run->step->params, "value", "");
    struct observation after;
    struct effect effect;
    bool changed = false;
    int r = effect_begin(run, before, &effect, err);
    if (!r)
        r = set_control(run, t, value, err);
    if (r == E_NOT_FOUND)
        return step_fail(run, out, "selector_miss", "option_not_found");
    if (!r)
        r = run_look(run, &after, err);
    if (!r)
        r = effect_seen(run, &effect, &after, &changed, err);
    if (r)
        return r;
    if (!changed)
        return step_fail(run, out, "no_state_change", "filter:%s:no_state_change", out->label);
    if (*after.url && strcmp(before->url, after.url)) {
        results_set_base(run, after.url);
        run->progress.current_page = 1;
    }
    results_reset(run); /* other cards than before */
    out->verified_change = true;
    return step_ok(run, out, "filter:%s", out->label);
}

int step_filter(struct run *run, struct step_result *out, struct err *err)
{
    struct target_query q = step_query(run, TARGET_ANY);
    struct observation obs;
    struct target t;
    int r = run_settle(run, CAP_GATE_MS, err);
    if (!r)
        r = step_find(run, &q, &obs, &t, err);
    if (r == E_NOT_FOUND)
        return step_fail(run, out, "selector_miss", "form_target_not_found");
    if (r)
        return r;
    out->at = t.at;
    out->label = *q.label ? q.label : t.label;
    return apply(run, &obs, &t, out, err);
}
