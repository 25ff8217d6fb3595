#include "brain/model/questions.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "brain/model/reading.h"

#define ACTIONS_TOLD    10
#define DIRECTOR_AMOUNT 5
#define DIRECTOR_WAIT_S 2
#define NONE_SAID       "none"

static const struct {
    const char *prompt;
    size_t task_bytes; /* of the task that are told */
    bool sees;
    int max_tokens;
} questions[] = {
    [QUESTION_FORM_VALUES] = {"ask_form_values", 6000, false, 1024},
    [QUESTION_FOCUSED] = {"ask_focused_field", 0, true, 256},
    [QUESTION_DONE] = {"ask_done", 3000, true, 256},
    [QUESTION_SUBMIT] = {"ask_submit_button", 400, true, 256},
    [QUESTION_DIRECTOR] = {"ask_director", 4000, true, 400},
    [QUESTION_GROUNDING] = {"ask_grounding", 0, true, 50},
};

bool question_sees(enum question which)
{
    return questions[which].sees;
}

int question_max_tokens(enum question which)
{
    return questions[which].max_tokens;
}

/* --- asking ---------------------------------------------------------------------------------- */

/* What was typed may be a secret: only how long it is. */
static const char *action_told(struct pool *pool, const struct action *a)
{
    struct action told = *a;
    if (a->type == ACTION_TYPE_TEXT)
        told.text = pool_printf(pool, "<%zu chars>", str_length(a->text));
    json_t *json = action_to_json(&told);
    const char *params = json_text(pool, json_object_get(json, "params"));
    json_decref(json);
    return pool_printf(pool, "%s(%s)", action_type_name(a->type), params);
}

static const char *actions_told(struct pool *pool, const struct question_facts *f)
{
    const char *out = "";
    for (int i = f->n_history > ACTIONS_TOLD ? f->n_history - ACTIONS_TOLD : 0; i < f->n_history;
         i++)
        out = pool_printf(pool, "%s%s%s", out, *out ? "\n" : "", action_told(pool, &f->history[i]));
    return *out ? out : NONE_SAID;
}

static const char *or_none(const char *s)
{
    return str_empty(s) ? NONE_SAID : s;
}

int question_text(struct pool *pool, const struct profile_dirs *dirs, const struct profile *profile,
                  enum question which, const struct question_facts *f, const char **out,
                  struct err *err)
{
    const struct space_view *v = &f->view;
    int w = v->image_w ? v->image_w : v->screen_w, h = v->image_h ? v->image_h : v->screen_h;
    double x = 0, y = 0;
    struct prompt prompt;
    int r = prompt_load(pool, dirs, questions[which].prompt, &prompt, err);
    if (r)
        return r;
    if (v->screen_w)
        space_from_screen(&profile->space, v, f->at, &x, &y);
    const struct prompt_value values[] = {
        {"TASK", str_cut(pool, f->task ? f->task : "", questions[which].task_bytes)},
        {"SUMMARY", or_none(f->summary)},
        {"DESCRIPTION", or_none(f->description)},
        {"X", pool_printf(pool, "%g", x)},
        {"Y", pool_printf(pool, "%g", y)},
        {"WIDTH", pool_printf(pool, "%d", w)},
        {"HEIGHT", pool_printf(pool, "%d", h)},
        {"ACTIONS", actions_told(pool, f)},
        {"FILLED", or_none(f->filled)},
        {"PENDING", or_none(f->pending)},
        {"SUBMITTED", f->submitted ? "yes" : "no"},
    };
    return prompt_fill(pool, &prompt, values, ARRAY_SIZE(values), out, err);
}

/* --- answers --------------------------------------------------------------------------------- */

static const json_t *object_in(struct pool *pool, const char *reply)
{
    const char *p = reply;
    return literal_find(pool, &p, false);
}

static const char *text_in(struct pool *pool, const json_t *o, const char *key)
{
    const char *text = argument_text(pool, json_object_get(o, key));
    return text ? str_squash(pool, text) : "";
}

int answer_form_values(struct pool *pool, const char *reply, struct form_value *out, int max)
{
    const char *p = reply;
    const json_t *list = literal_find(pool, &p, true);
    size_t i;
    json_t *one;
    int n = 0;
    json_array_foreach ((json_t *)list, i, one) {
        const char *label = text_in(pool, one, "label");
        const char *value = argument_text(pool, json_object_get(one, "value"));
        if (*label && value && *value && n < max)
            out[n++] = (struct form_value){str_lower(pool, label), value};
    }
    return n;
}

bool answer_focused(struct pool *pool, const char *reply, struct focused_answer *out)
{
    static const char *const types[] = {"text", "password", "email", "number", "search"};
    const json_t *o = object_in(pool, reply);
    const char *type = text_in(pool, o, "type");
    bool known, focused = argument_truth(json_object_get(o, "focused"), &known);
    if (!known)
        return false;
    *out = (struct focused_answer){focused, str_lower(pool, text_in(pool, o, "label")), "other"};
    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        if (str_eq_fold(type, types[i]))
            out->type = types[i];
    return true;
}

bool answer_done(struct pool *pool, const char *reply, struct done_answer *out)
{
    const json_t *o = object_in(pool, reply);
    bool known, valid = argument_truth(json_object_get(o, "valid"), &known);
    if (known)
        *out = (struct done_answer){valid, text_in(pool, o, "reason")};
    return known;
}

static struct reading reading_of(struct pool *pool, const struct profile *profile,
                                 const struct reply_facts *facts, struct model_reply *reply)
{
    *reply = (struct model_reply){.strategy = "", .thinking = ""};
    return (struct reading){.pool = pool,
                            .profile = profile,
                            .facts = facts,
                            .text = "",
                            .in_words = true,
                            .out = reply};
}

static bool point_in(struct pool *pool, const struct profile *profile,
                     const struct space_view *view, const json_t *o, struct point *out)
{
    static const char *const names[] = {"coordinate", "point", NULL};
    const struct reply_facts facts = {.view = *view, .pointer = {-1, -1}};
    struct model_reply reply;
    struct reading r = reading_of(pool, profile, &facts, &reply);
    return point_read(&r, o, names, "x", "y", out);
}

bool answer_submit(struct pool *pool, const struct profile *profile, const struct space_view *view,
                   const char *reply, struct submit_answer *out)
{
    const json_t *o = object_in(pool, reply);
    bool known, found = argument_truth(json_object_get(o, "found"), &known);
    if (!known)
        return false;
    *out = (struct submit_answer){.label = text_in(pool, o, "label")};
    out->found = found && point_in(pool, profile, view, o, &out->at);
    return true;
}

bool answer_director(struct pool *pool, const struct profile *profile,
                     const struct space_view *view, const char *reply, struct action *out)
{
    static const char *const allowed[] = {"click", "scroll", "key_press", "wait"};
    const json_t *o = object_in(pool, reply);
    const char *type = json_str(o, "action_type", ""), *why = text_in(pool, o, "rationale");
    const struct reply_facts facts = {.view = *view, .pointer = {-1, -1}};
    struct model_reply said;
    struct reading r = reading_of(pool, profile, &facts, &said);
    for (size_t i = 0; i < ARRAY_SIZE(allowed); i++) {
        if (strcmp(type, allowed[i]))
            continue;
        json_t *args = json_keep(pool, json_copy((json_t *)o));
        json_object_update_missing(args,
                                   json_keep(pool, json_pack("{s:i,s:i}", "amount", DIRECTOR_AMOUNT,
                                                             "seconds", DIRECTOR_WAIT_S)));
        if (!vocabulary_read(&r, type, args, NULL, false, out))
            return false;
        out->reasoning =
            pool_printf(pool, "claude-director: %s", cut_chars(pool, why, REASONING_CHARS));
        return true;
    }
    return false;
}

/* The next whole number of the text, *p moved behind it. */
static bool next_number(const char **p, double *out)
{
    char *end;
    while (**p && !isdigit((unsigned char)**p))
        (*p)++;
    if (!**p)
        return false;
    *out = (double)strtoll(*p, &end, 10);
    *p = end;
    return true;
}

bool answer_grounding(struct pool *pool, const struct profile *profile,
                      const struct space_view *view, const char *reply, struct point *out)
{
    const json_t *o = object_in(pool, reply);
    const char *p = reply;
    double x, y;
    if (o)
        return point_in(pool, profile, view, o, out);
    if (str_has_words_fold(reply, NONE_SAID) || !next_number(&p, &x) || !next_number(&p, &y))
        return false;
    *out = space_to_screen(&profile->space, view, x, y, false);
    return true;
}
