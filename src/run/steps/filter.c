/*
 * filter.c - set one filter of a results page (plans.md 8.8): a link or box is clicked, a field
 * typed into, a drop-down opened and its option chosen by name. It counts when the page shows that
 * it did, and that it did what was asked for.
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

/* E_NOT_FOUND: the field does not hold the value; nothing was sent. */
static int type_value(struct run *run, struct point at, const char *value, struct err *err)
{
    struct settled s = {0};
    struct observation obs;
    int r = run_click(run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    if (!r)
        r = run_type(run, value, err); /* over the selection */
    if (!r)
        r = run_look(run, &obs, err);
    if (!r && !field_holds(run, &obs, value))
        return E_NOT_FOUND;
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
    if (!r && *option.label && !field_same_choice(run->step_pool, option.label, value))
        r = E_NOT_FOUND; /* something like it, as 2021 is like 2020 */
    if (r == E_NOT_FOUND) {
        int esc = run_key(run, "Escape", CAP_TYPE_MS, err);
        return esc ? esc : E_NOT_FOUND;
    }
    return r ? r : run_click(run, option.at, BUTTON_LEFT, &s, err);
}

static int set_control(struct run *run, enum control control, const struct target *t,
                       const char *value, struct err *err)
{
    struct settled s = {0};
    switch (control) {
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

/* What the control shows afterwards; "" when that cannot be told. */
static const char *shown_value(struct run *run, const struct observation *after)
{
    struct target_query q = step_query(run, TARGET_ANY);
    struct target t;
    if (!after->page || reader_find(reader_free(run->reader), run->step_pool, after, &q, &t, NULL))
        return "";
    const struct node *n = field_node(after, &t);
    return n ? n->value : "";
}

/* The list took another option than the wanted one. On a new page a list may just stand where it
 * always stands at first: that says nothing. */
static bool chose_another(struct run *run, const struct aim *aim, const struct observation *after,
                          const char *value)
{
    const struct node *n = field_node(&aim->obs, &aim->target);
    const char *shown = shown_value(run, after);
    if (!*shown || field_same_choice(run->step_pool, shown, value))
        return false;
    return !strcmp(aim->obs.url, after->url) || !n || strcmp(n->value, shown);
}

static int wrong_value(struct run *run, enum control control, struct step_result *out)
{
    if (control == CONTROL_TYPE)
        return step_fail(run, out, "type_not_landed", "type_not_landed:%s", out->label);
    return step_fail(run, out, "selector_miss", "option_not_found");
}

static void new_results(struct run *run, const struct observation *before,
                        const struct observation *after)
{
    if (*after->url && strcmp(before->url, after->url)) {
        results_set_base(run, after->url);
        run->progress.current_page = 1;
    }
    results_reset(run); /* other cards than before */
}

static int apply(struct run *run, const struct aim *aim, struct step_result *out, struct err *err)
{
    const char *value = json_str(run->step->params, "value", "");
    enum control control = control_of(&aim->target, value);
    bool select = control == CONTROL_NATIVE_SELECT || control == CONTROL_CUSTOM_SELECT;
    struct observation after;
    struct effect effect;
    bool changed = false;
    int r = effect_begin(run, &aim->obs, &effect, err);
    if (!r)
        r = set_control(run, control, &aim->target, value, err);
    if (r == E_NOT_FOUND)
        return wrong_value(run, control, out);
    if (!r)
        r = run_look(run, &after, err);
    if (!r && select && *value && chose_another(run, aim, &after, value))
        return wrong_value(run, control, out);
    if (!r)
        r = effect_seen(run, &effect, &after, &changed, err);
    if (r)
        return r;
    if (!changed)
        return step_fail(run, out, "no_state_change", "filter:%s:no_state_change", out->label);
    new_results(run, &aim->obs, &after);
    out->verified_change = true;
    return step_ok(run, out, "filter:%s", out->label);
}

int step_filter(struct run *run, struct step_result *out, struct err *err)
{
    struct aim aim;
    bool found;
    int r = step_aim(run, TARGET_ANY, CAP_GATE_MS, &aim, &found, out, err);
    if (!r && found)
        r = run_regard(run, &aim.obs, "filter", run->step->intent, &aim.target, err);
    return r || !found ? r : apply(run, &aim, out, err);
}
