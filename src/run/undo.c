#include "run/undo.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

/*
 * Where the address is the same, Alt+Left would leave the page that the step began on: it is
 * pressed only when the plan says so. A click may have opened a menu or dialog, which Escape
 * closes.
 */
static const struct {
    const char *type, *key;
} keys[] = {
    {"click", "Escape"}, {"submit", "Escape"}, {"right_click", "Escape"}, {"scroll", "Home"}};

const char *undo_key(const struct step *step)
{
    if (str_contains_fold(step->reverse, "alt+left"))
        return "alt+Left";
    if (str_contains_fold(step->reverse, "escape"))
        return "Escape";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (!strcmp(keys[i].type, step->type))
            return keys[i].key;
    return NULL;
}

int undo_step(struct run *run, const struct step_result *result, struct err *err)
{
    struct settled s;
    struct observation obs;
    const char *key = result->verified_change || *run->step->reverse ? undo_key(run->step) : NULL;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    bool elsewhere = *obs.url && url_is_web(run->url_before) && strcmp(obs.url, run->url_before);
    if (!elsewhere && look_focused(&obs))
        key = "Escape";
    run->telling.undone = elsewhere || key;
    if (elsewhere)
        return run_back(run, &s, err);
    return key ? run_key(run, key, CAP_SCROLL_MS, err) : 0;
}
