/*
 * choose.c - what is done instead of what the brain said: substitutions, the guard before clicks at
 * the top, and the way out of a loop (agent-loop.md 1.2, steps 5 and 6). The first that applies
 * wins.
 */
#include "run/inner/priv.h"

#include <stdlib.h>
#include <string.h>

#define COOLDOWN 3 /* actions between two words of the director */
#define SAME_PX  8 /* closer is the same place */

bool inner_same_place(struct point a, struct point b)
{
    return a.x >= 0 && b.x >= 0 && abs(a.x - b.x) <= SAME_PX && abs(a.y - b.y) <= SAME_PX;
}

const char *inner_soft_loop(const struct inner *in)
{
    return loop_detect(&in->rules, in->samples, in->n, SOFT_WINDOW);
}

bool inner_guarded(const struct inner *in)
{
    return !(brain_abilities(in->run->brain) & BRAIN_AIMS_BY_PAGE);
}

struct pending_value *inner_pending(struct inner *in)
{
    for (int i = 0; i < in->goal->n_pending; i++)
        if (!in->goal->pending[i].used)
            return &in->goal->pending[i];
    return NULL;
}

static int fill_again(struct inner *in, const struct action *said, struct chosen *out,
                      bool *ret_applies, struct err *err)
{
    const struct action *previous = in->n ? &in->history[in->n - 1] : NULL;
    /* a field that has its value would get the next one's, which may be a password */
    if ((in->off & INNER_NO_FORM_CONTROLLER) || form_was_filled(in, said) || form_is_bare(in, said))
        return 0;
    out->substituted_by = "force-fill";
    *ret_applies =
        guard_repeated_click(said, previous, in->goal->sentence, inner_pending(in), &out->action);
    return 0;
}

/* Another model, asked for one careful action. What it says is never to type. */
static int direct(struct inner *in, const struct action *said, struct chosen *out,
                  bool *ret_applies, struct err *err)
{
    struct brain *director = in->run->config->director;
    struct question_facts facts = {.task = in->goal->task,
                                   .history = in->history,
                                   .n_history = in->n,
                                   .filled = form_labels(in, true),
                                   .pending = form_labels(in, false),
                                   .submitted = in->submitted};
    struct brain_answer answer;
    if (!director || (in->off & INNER_NO_DIRECTOR) || in->n - in->directed_at < COOLDOWN ||
        !inner_soft_loop(in))
        return 0;
    in->directed_at = in->n;
    int r = inner_question(in, director, QUESTION_DIRECTOR, &facts, &answer, err);
    if (r || !answer.known)
        return r;
    out->action = answer.action;
    out->substituted_by = "director";
    *ret_applies = true;
    return 0;
}

static int keep_off_the_top(struct inner *in, const struct action *said, struct chosen *out,
                            bool *ret_applies, struct err *err)
{
    out->substituted_by = "top-click-guard";
    *ret_applies = guard_top_click(said, &in->last_top, in->goal->sentence, &out->action);
    return 0;
}

/* A click where none of the last ones was is a way out itself. */
static bool circles(const struct inner *in, const struct action *said)
{
    bool clicked = false;
    for (int i = in->n > SOFT_WINDOW ? in->n - SOFT_WINDOW : 0; i < in->n; i++) {
        const struct action *a = &in->history[i];
        if (a->type != ACTION_CLICK)
            continue;
        clicked = true;
        if (inner_same_place((struct point){a->x, a->y}, (struct point){said->x, said->y}))
            return true;
    }
    return !clicked;
}

static int leave_the_loop(struct inner *in, const struct action *said, struct chosen *out,
                          bool *ret_applies, struct err *err)
{
    struct loop_facts facts = {.field_focused = in->now.focused != NULL,
                               .same_frames = loop_same_frames(in->samples, in->n, SOFT_WINDOW),
                               .reasoning = said->reasoning ? said->reasoning : in->thinking,
                               .task = in->goal->sentence,
                               .pending = inner_pending(in)};
    if ((in->off & INNER_NO_LOOP_RECOVERY) || !inner_soft_loop(in) || !circles(in, said))
        return 0;
    out->substituted_by = "loop-recovery";
    const char *why = recover_from_loop(said, &facts, &out->action);
    out->loop_recovery = why ? why : "";
    *ret_applies = why != NULL;
    return 0;
}

typedef int choose_fn(struct inner *in, const struct action *said, struct chosen *out,
                      bool *ret_applies, struct err *err);
static choose_fn *const choosers[] = {form_fill, fill_again,       form_submit,
                                      direct,    keep_off_the_top, leave_the_loop};

int inner_choose(struct inner *in, const struct action *said, struct chosen *out, struct err *err)
{
    const struct chosen plain = {.action = *said, .substituted_by = "", .loop_recovery = ""};
    struct chosen c;
    for (size_t i = 0; inner_guarded(in) && i < ARRAY_SIZE(choosers); i++) {
        bool applies = false;
        c = plain;
        int r = choosers[i](in, said, &c, &applies, err);
        if (r)
            return r;
        if (!applies)
            continue;
        *out = c;
        if (*c.loop_recovery)
            inner_count(in->recovered, c.loop_recovery);
        if (*c.substituted_by)
            inner_heal(in, "substitution", c.substituted_by,
                       *c.loop_recovery ? c.loop_recovery : c.action.reasoning);
        return 0;
    }
    *out = plain;
    return 0;
}
