#include "run/inner/prompt.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "core/run.h"
#include "run/inner/recover.h"

#define PRIOR_ATTEMPTS 3
#define LOG_LINES      10
#define THINKING_BYTES 300
#define PLAN_LINES     10
#define EARLY_STEPS    5
#define SAME_SPOT_PX   6

/* --- the sub-goal ---------------------------------------------------------------------------- */

static const char *hint_lines(struct pool *pool, const struct step *step)
{
    static const char *const keys[] = {"label",
                                       "kind",
                                       "aliases",
                                       "region",
                                       "near",
                                       "layout",
                                       "preferred_target_description",
                                       "preferred_target_viewport_stage",
                                       "value",
                                       "dropdown_label",
                                       "option_label"};
    const char *out = "";
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const json_t *v = json_object_get(step->params, keys[i]);
        v = v ? v : json_object_get(step->hints, keys[i]);
        if (json_truthy(v))
            out = pool_printf(pool, "%s- %s: %s\n", out, keys[i], json_as_text(pool, v));
    }
    return out;
}

static const char *prior_lines(struct pool *pool, const json_t *failures)
{
    size_t n = json_array_size(failures);
    const char *out = "";
    for (size_t i = n > PRIOR_ATTEMPTS ? n - PRIOR_ATTEMPTS : 0; i < n; i++) {
        const json_t *f = json_array_get(failures, i);
        const char *hit = json_str(f, "hit", "");
        out = pool_printf(pool, "%s- (%d,%d) '%s': %s%s%s; do not repeat\n", out,
                          (int)json_int(f, "x", -1), (int)json_int(f, "y", -1),
                          json_str(f, "label", ""), failure_outcome(pool, json_str(f, "kind", "")),
                          *hit ? ", hit " : "", hit);
    }
    return out;
}

const char *prompt_sub_goal(struct pool *pool, const struct step *step, const char *intent,
                            const json_t *failures, const char *const *recovery_hints)
{
    const char *hints = hint_lines(pool, step), *prior = prior_lines(pool, failures);
    const char *example = json_as_text(pool, json_object_get(step->hints, "exemplar_replay"));
    const char *text = pool_printf(pool, "Sub-goal: %s\n", intent);
    if (*step->verify)
        text = pool_printf(pool, "%sIt is reached when: %s\n", text, step->verify);
    if (*hints)
        text = pool_printf(pool, "%sTarget:\n%s", text, hints);
    const char *source = json_str(step->hints, "exemplar_source_run", "");
    if (*example)
        text = pool_printf(pool, "%sAn earlier run%s%s did: %s\n", text, *source ? " " : "", source, example);
    if (*prior)
        text = pool_printf(pool, "%sPrevious attempts:\n%s", text, prior);
    for (; recovery_hints && *recovery_hints; recovery_hints++)
        text = pool_printf(pool, "%sHint: %s\n", text, *recovery_hints);
    return text;
}

/* --- the turn -------------------------------------------------------------------------------- */

const char *prompt_action(struct pool *pool, const struct action *a)
{
    json_t *json = action_to_json(a);
    const char *params = json_text(pool, json_object_get(json, "params"));
    json_decref(json);
    const char *call = pool_printf(pool, "%s(%s)", action_type_name(a->type), params);
    return str_empty(a->reasoning) ? call : pool_printf(pool, "%s # %s", call, a->reasoning);
}

static const char *log_lines(struct pool *pool, const struct prompt_facts *f)
{
    const char *out = "";
    for (int i = f->n > LOG_LINES ? f->n - LOG_LINES : 0; i < f->n; i++)
        out = pool_printf(pool, "%sStep %d: %s -> %s\n", out, i + 1,
                          prompt_action(pool, &f->history[i]), f->feedback[i]);
    return out;
}

static bool mentions(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (str_contains_fold(text, *words))
            return true;
    return false;
}

static const char *warn_dead_page(struct pool *pool, const struct prompt_facts *f)
{
    static const char *const words[] = {"404",        "page not found", "can't be reached",
                                        "err_tunnel", "err_connection", "page removed",
                                        NULL};
    if (f->n > EARLY_STEPS || !mentions(f->last_thinking, words))
        return NULL;
    return "The page is not there. Do not try again: go back (alt+Left) and finish, saying that it "
           "was skipped.";
}

static const char *warn_gallery(struct pool *pool, const struct prompt_facts *f)
{
    static const char *const words[] = {"photo viewer", "photo gallery", "image viewer",
                                        "gallery",      "lightbox",      NULL};
    static const char *const counts[] = {"1 of ", "2 of ", NULL};
    bool listings = str_contains_fold(f->task, "listing");
    if (!mentions(f->last_thinking, words) && !(listings && mentions(f->last_thinking, counts)))
        return NULL;
    return "A photo viewer is open. Press escape, then alt+Left, and finish as skipped; next time "
           "click the words of a title, not a picture.";
}

static const char *warn_twice(struct pool *pool, const struct prompt_facts *f)
{
    if (f->n < 2 || !recover_form_like(f->task))
        return NULL;
    const struct action *a = &f->history[f->n - 2], *b = &f->history[f->n - 1];
    if (a->type != ACTION_CLICK || b->type != ACTION_CLICK || abs(a->x - b->x) > SAME_SPOT_PX ||
        abs(a->y - b->y) > SAME_SPOT_PX)
        return NULL;
    return "The field is probably focused: type now, do not click it again.";
}

static const char *warn_loop(struct pool *pool, const struct prompt_facts *f)
{
    if (!f->loop || !f->n)
        return NULL;
    const char *do_this = !f->field_focused    ? "do something different"
                          : f->field_has_value ? "press ctrl+a, then type"
                                               : "the focused field is empty: type";
    return pool_printf(pool, "You repeat yourself (%s): %s. Instead: %s.", f->loop,
                       prompt_action(pool, &f->history[f->n - 1]), do_this);
}

typedef const char *warning_fn(struct pool *pool, const struct prompt_facts *f);
static warning_fn *const warnings[] = {warn_dead_page, warn_gallery, warn_twice, warn_loop};

static const char *first_turn(struct pool *pool, const struct prompt_facts *f)
{
    if (*f->plan)
        return pool_printf(pool, "Task: %s\nPlan:\n%s\nCarry out its first item now.\n", f->task,
                           f->plan);
    return pool_printf(pool,
                       "Task: %s\nThe page is loaded. Give a short numbered plan and the first "
                       "action.\n",
                       f->task);
}

static const char *later_turn(struct pool *pool, const struct prompt_facts *f)
{
    const char *text = pool_printf(pool, "Task: %s\n", f->task);
    if (*f->plan)
        text =
            pool_printf(pool, "%s%s\n%s\n", text, f->plan_given ? "Plan:" : "Your plan:", f->plan);
    text = f->told_elsewhere
               ? pool_printf(pool, "%sDone so far: %d actions\n", text, f->n)
               : pool_printf(pool, "%sDone so far, %d actions:\n%s", text, f->n, log_lines(pool, f));
    if (*f->last_thinking)
        text = pool_printf(pool, "%sYou thought: %s\n", text,
                           str_cut(pool, f->last_thinking, THINKING_BYTES));
    for (size_t i = 0; i < ARRAY_SIZE(warnings); i++) {
        const char *w = warnings[i](pool, f);
        if (w)
            text = pool_printf(pool, "%sWARNING: %s\n", text, w);
    }
    return text;
}

const char *prompt_turn(struct pool *pool, const struct prompt_facts *f)
{
    const char *text = f->n ? later_turn(pool, f) : first_turn(pool, f);
    if (!f->news)
        return text;
    return pool_printf(pool,
                       "%sNOTE: a person used the browser meanwhile: %s. Go on from what the screen shows now.\n",
                       text, f->news);
}

/* "1. Do this" or "1) Do this". */
static bool is_item(const char *line)
{
    size_t digits = strspn(line, "0123456789");
    return digits > 0 && (line[digits] == '.' || line[digits] == ')');
}

const char *prompt_plan_in(struct pool *pool, const char *reply)
{
    const char *out = "", *p = reply + strspn(reply, " \t\r\n");
    for (int n = 0; n < PLAN_LINES && is_item(p); n++) {
        size_t len = strcspn(p, "\n");
        out = pool_printf(pool, "%s%s%s", out, *out ? "\n" : "",
                          str_squash(pool, pool_strndup(pool, p, len)));
        p += len;
        p += strspn(p, " \t\r\n");
    }
    return out;
}
