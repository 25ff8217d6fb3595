/*
 * fill_toggle.c - check boxes, radio buttons and switches: the value is yes or no.
 */
#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/steps/fill.h"

#define CLICKS 2 /* a box of three states may pass the third on its way */

static int wanted(const char *value)
{
    if (str_eq_fold(value, "checked") || str_eq_fold(value, "ticked"))
        return 1;
    if (str_eq_fold(value, "unchecked") || str_eq_fold(value, "unticked"))
        return 0;
    return str_switch(value);
}

bool fill_is_toggle(const struct fill *f)
{
    static const char *const roles[] = {"checkbox", "radio", "switch", "menuitemcheckbox"};
    for (size_t i = 0; f->node && i < ARRAY_SIZE(roles); i++)
        if (!strcmp(f->node->role, roles[i]))
            return true;
    return false;
}

static bool is_mixed(const struct node *n)
{
    const char *checked = node_attr(n, "aria-checked");
    return checked && str_eq_fold(checked, "mixed");
}

static bool is_so(const struct node *n, int want)
{
    return n && !is_mixed(n) && ((n->flags & NODE_CHECKED) != 0) == (want == 1);
}

int fill_toggle(struct fill *f, int try_no, bool *ret_landed, struct err *err)
{
    int want = wanted(f->value), r = 0;
    struct observation obs;
    const struct node *n = f->node;
    if (want < 0)
        return err_set(err, E_INVALID, "params.value of a check box or switch must be yes or no");
    for (int i = 0; !r && !is_so(n, want) && i < CLICKS; i++) {
        struct settled s = {0};
        r = run_click(f->run, f->out->at, BUTTON_LEFT, &s, err);
        if (!r)
            r = fill_look_again(f, &obs, &n, err);
    }
    *ret_landed = !r && is_so(n, want);
    return r;
}
