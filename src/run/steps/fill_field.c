/*
 * fill_field.c - put a value into one field and read back that it is there (plans.md 8.4).
 * The value itself never goes into a result, event or log.
 */
#include "run/steps/steps.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"

#define LABEL_BYTES 40
#define TYPE_TRIES  2

static bool takes_text(const struct observation *obs, const struct target *t)
{
    static const char *const tags[] = {"input", "textarea", "label"};
    const struct node *n = field_node(obs, t);
    if (!n || (n->flags & NODE_EDITABLE))
        return true;
    for (size_t i = 0; i < ARRAY_SIZE(tags); i++)
        if (!strcmp(tags[i], n->tag))
            return true;
    return !strcmp(n->role, "textbox") || !strcmp(n->role, "searchbox") ||
           !strcmp(n->role, "combobox");
}

/* Replace what is there; a field that is known to be empty needs no keys for that. */
static int empty_field(struct run *run, bool known_empty, bool stays_empty, struct err *err)
{
    int r = known_empty ? 0 : run_key(run, "ctrl+a", CAP_TYPE_MS, err);
    return r || known_empty || !stays_empty ? r : run_key(run, "Delete", CAP_TYPE_MS, err);
}

static int type_once(struct run *run, struct point at, const char *value, bool known_empty,
                     bool *ret_landed, struct err *err)
{
    struct settled s = {0};
    struct observation obs;
    int r = run_click(run, at, BUTTON_LEFT, &s, err);
    if (!r)
        r = empty_field(run, known_empty, !*value, err);
    if (!r && *value)
        r = run_type(run, value, err); /* over the selection */
    if (!r)
        r = run_look(run, &obs, err);
    if (!r)
        *ret_landed = field_holds(run, &obs, value);
    return r;
}

static int fill(struct run *run, const struct node *n, const char *label, const char *value,
                struct step_result *out, struct err *err)
{
    bool ok = false;
    int r = 0;
    for (int i = 0; !r && !ok && i < TYPE_TRIES; i++)
        r = type_once(run, out->at, value, i == 0 && n && !field_is_rich(n) && str_empty(n->value),
                      &ok, err);
    if (r == E_GONE || r == E_CANCELLED)
        return r;
    if (r)
        return step_fail(run, out, "selector_miss", "fill_error:%s", err->msg);
    if (!ok)
        return step_fail(run, out, "type_not_landed", "type_not_landed:%s", label);
    out->verified_change = true;
    if (field_is_rich(n))
        return step_ok(run, out, "fill:%s:contenteditable", label);
    return step_ok(run, out, "fill:%s", str_cut(run->step_pool, label, LABEL_BYTES));
}

int step_fill_field(struct run *run, struct step_result *out, struct err *err)
{
    const char *label = step_label(run), *value = json_str(run->step->params, "value", "");
    struct aim aim;
    bool found;
    int r = step_aim(run, TARGET_FIELD, CAP_TYPE_MS, &aim, &found, out, err);
    if (r || !found)
        return r;
    const struct node *n = field_node(&aim.obs, &aim.target);
    out->label = label;
    if (!takes_text(&aim.obs, &aim.target)) {
        char *tag = pool_strdup(run->step_pool, n->tag);
        for (char *p = tag; *p; p++)
            *p = (char)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        return step_fail(run, out, "selector_miss", "form_target_not_input:%s", tag);
    }
    if (json_truthy(json_object_get(run->step->params, "skip_if_field_has_value")) && n &&
        !str_empty(n->value))
        return step_ok(run, out, "fill:%s:skipped_existing_value", label);
    return fill(run, n, label, value, out, err);
}
