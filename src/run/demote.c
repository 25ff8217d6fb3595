#include "run/demote.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/url.h"

#define PAGE_TEXT_BYTES 65536

/* A phrase stands on the page, or the reader says that it does. */
static int phrase_visible(struct run *run, const char *phrase, bool *ret_yes, struct err *err)
{
    struct observation obs;
    struct verdict v;
    int r = run_look(run, &obs, err);
    if (r)
        return r;
    *ret_yes = obs.page &&
               str_contains_fold(page_text(run->step_pool, obs.page, 0, PAGE_TEXT_BYTES), phrase);
    if (*ret_yes || obs.page)
        return 0;
    r = run_ask(run, pool_printf(run->step_pool, "The page shows \"%s\"", phrase), &v, err);
    *ret_yes = !r && v.answer == ANSWER_YES;
    return r;
}

static int expected_text_visible(struct run *run, bool *ret_yes, struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_text_present");
    int r = 0;
    *ret_yes = false;
    if (json_is_string(wanted))
        return phrase_visible(run, json_string_value(wanted), ret_yes, err);
    for (size_t i = 0; !r && !*ret_yes && i < json_array_size(wanted); i++) {
        const json_t *v = json_array_get(wanted, i);
        if (json_is_string(v) && json_string_length(v))
            r = phrase_visible(run, json_string_value(v), ret_yes, err);
    }
    return r;
}

static void demote(struct run *run, struct step_result *result, const char *class, const char *why)
{
    const char *type = run->step->type;
    result->success = false;
    result->failure_class = class;
    result->data = pool_printf(run->step_pool, "%s:%s", result->data, class);
    run_heal(run, "demotion", "runner",
             json_pack("{s:s,s:o}", "step_type", type, "reason", json_string_safe(why)));
    run_event(
        run, "runner", "demotion",
        json_pack("{s:s,s:s,s:o}", "type", type, "class", class, "reason", json_string_safe(why)),
        "%s does not count: %s", type, why);
}

static int check_change(struct run *run, struct step_result *result, struct err *err)
{
    bool visible;
    if (result->verified_change)
        return 0;
    int r = expected_text_visible(run, &visible, err);
    if (!r && !visible)
        demote(run, result, "no_state_change", "nothing on the page or in its address changed");
    return r;
}

static int check_aim(struct run *run, struct step_result *result, struct err *err)
{
    const json_t *wanted = json_object_get(run->step->hints, "expect_url_contains");
    const json_t *unwanted = json_object_get(run->step->hints, "expect_url_excludes");
    const char *url, *which = "";
    if (!json_truthy(wanted) && !json_truthy(unwanted))
        return 0;
    int r = run_read_url(run, &url, err);
    if (r || !*url)
        return r;
    if (!url_contains_all(url, wanted, &which))
        demote(run, result, "wrong_target",
               pool_printf(run->step_pool, "the URL does not contain '%s'", which));
    else if (url_contains_any(url, unwanted, &which))
        demote(run, result, "wrong_target",
               pool_printf(run->step_pool, "the URL contains '%s'", which));
    return 0;
}

int demote_check(struct run *run, struct step_result *result, struct err *err)
{
    const struct step_type *type = step_type_find(run->step->type);
    if (!result->success || result->skip || result->from_journal || run->step->gate || !type)
        return 0;
    int r = type->flags & STEP_MUST_CHANGE ? check_change(run, result, err) : 0;
    if (!r && result->success && (type->flags & STEP_AIMS))
        r = check_aim(run, result, err);
    return r;
}
