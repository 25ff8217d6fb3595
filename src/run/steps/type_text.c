/*
 * type_text.c - type into the control that has the focus, and read back that it is there
 * (plans.md 8.11). Without a focus nothing is typed: letters are shortcuts in many pages.
 * The text itself never goes into a result, event or log.
 */
#include "run/steps/steps.h"

#include "base/str.h"
#include "run/look.h"

#define TYPE_TRIES 2

static int type_once(struct run *run, const struct action *action, bool *ret_landed,
                     struct err *err)
{
    struct settled s = {0};
    struct observation obs;
    int r = run_act(run, action, CAP_TYPE_MS, &s, err);
    if (!r)
        r = run_look(run, &obs, err);
    if (!r)
        *ret_landed = field_holds(run, &obs, action->text);
    return r;
}

/* A page may give the focus a moment after what was done before. */
static int has_focus(struct run *run, bool *ret_yes, struct err *err)
{
    struct observation obs;
    int r = run_look(run, &obs, err);
    if (!r && obs.page && !look_focused(&obs)) {
        r = run_settle(run, CAP_TYPE_MS, err);
        r = r ? r : run_look(run, &obs, err);
    }
    *ret_yes = !r && (!obs.page || look_focused(&obs));
    return r;
}

/* Return goes out once it is known what it sends. */
static int type_and_send(struct run *run, struct action a, bool *ret_landed, struct err *err)
{
    bool send = a.press_enter;
    int r = 0;
    a.press_enter = false;
    for (int i = 0; !r && !*ret_landed && i < TYPE_TRIES; i++) {
        r = type_once(run, &a, ret_landed, err);
        a.clear_first = true;
    }
    return r || !*ret_landed || !send ? r : run_key(run, "Return", CAP_CLICK_MS, err);
}

int step_type_text(struct run *run, struct step_result *out, struct err *err)
{
    struct action a;
    bool landed = false, focused;
    int r = action_parse(run->step_pool, "type_text", run->step->params, &a, err);
    if (!r)
        r = has_focus(run, &focused, err);
    if (r)
        return r;
    if (!focused)
        return step_fail(run, out, "type_not_landed", "type_not_landed:no field has the focus");
    r = type_and_send(run, a, &landed, err);
    if (r)
        return r;
    if (!landed)
        return step_fail(run, out, "type_not_landed", "type_not_landed:the focused field");
    out->verified_change = true;
    return step_ok(run, out, "type_text:<%zu chars>", str_length(a.text));
}
