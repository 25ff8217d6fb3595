#include "run/telling.h"

#include <string.h>

#include "base/str.h"
#include "core/passwords.h"

#define TEXT_BYTES 500

const char *telling_words(const struct run *run, struct pool *pool, const char *text)
{
    return answer_hide_text(&run->passwords, pool, answer_hide_text(&run->answers, pool, text));
}

/* Hidden first: half a secret would not be found. */
static const char *words(struct run *run, const char *text)
{
    return str_cut(run->step_pool, telling_words(run, run->step_pool, text), TEXT_BYTES);
}

static json_t *cut(struct run *run, const char *text)
{
    return json_string_safe(words(run, text));
}

static void keep(json_t **field, json_t *value)
{
    json_decref(*field);
    *field = value;
}

void telling_reset(struct run *run)
{
    struct telling *t = &run->telling;
    keep(&t->action, NULL);
    keep(&t->expected, NULL);
    keep(&t->thinking, NULL);
    t->over = t->undone = false;
}

/* --- actions ----------------------------------------------------------------------------------- */

/* What our own hands do on the way to what the step is about. */
static bool is_aside(const struct run *run, const struct action *action)
{
    bool typed = !strcmp(json_str(run->telling.action, "action_type", ""), "type_text");
    bool key = action->type == ACTION_KEY_PRESS && strcmp(run->step->type, "key_press");
    return !run->telling.thinking && (key || (typed && action->type != ACTION_TYPE_TEXT));
}

void telling_action(struct run *run, const struct action *action, bool secret)
{
    bool hide = secret || run->mask.n || run->mask.blind;
    struct action told = *action;
    if (run->telling.over || !run->step || is_aside(run, action))
        return;
    if (told.type == ACTION_TYPE_TEXT)
        told.text = hide ? PASSWORD_MARK : "";
    if (told.type == ACTION_KEY_PRESS && hide && strlen(told.keys) == 1)
        told.keys = PASSWORD_MARK;
    keep(&run->telling.action, action_to_json(&told));
}

/* A brain that only said that it is done, did that. NULL: nothing was done. */
static json_t *action_of(struct run *run, const struct step_result *r)
{
    const struct telling *t = &run->telling;
    const struct action done = {.type = ACTION_DONE,
                                .success = r->success,
                                .summary = words(run, r->data)};
    if (t->action)
        return json_incref(t->action);
    return t->thinking ? action_to_json(&done) : NULL;
}

/* --- words ------------------------------------------------------------------------------------- */

void telling_brain(struct run *run, const char *thinking, const json_t *expected)
{
    struct telling *t = &run->telling;
    if (!t->thinking || !str_empty(thinking))
        keep(&t->thinking, cut(run, thinking ? thinking : ""));
    if (expected)
        keep(&t->expected, json_deep_copy(expected));
}

/* What the model said, else what the plan says of the step. */
static json_t *expected_of(struct run *run)
{
    const json_t *said = run->telling.expected;
    const char *all = "";
    size_t i;
    json_t *v;
    if (json_is_string(said))
        return cut(run, json_string_value(said));
    json_array_foreach ((json_t *)said, i, v)
        all = pool_printf(run->step_pool, "%s%s%s", all, *all ? ", " : "",
                          json_as_text(run->step_pool, v));
    return cut(run, *all ? all : run->step->verify);
}

json_t *telling_json(struct run *run, const struct step_result *r)
{
    const struct telling *t = &run->telling;
    json_t *o = json_object();
    json_put(o, "action", action_of(run, r));
    json_put(o, "expected", expected_of(run));
    json_put(o, "reasoning", t->thinking ? json_incref(t->thinking) : json_string(""));
    json_put(o, "url_before", cut(run, run->url_before));
    json_put(o, "aimed_at", cut(run, r->label));
    json_put_bool(o, "changed", r->verified_change && !t->thinking); /* a brain looked for itself */
    json_put_bool(o, "undone", t->undone);
    return o;
}
