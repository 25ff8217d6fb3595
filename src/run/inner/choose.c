/*
 * choose.c - what is done instead of what the brain said: substitutions, the guard before clicks at
 * the top, and the way out of a loop (agent-loop.md 1.2, steps 5 and 6). The first that applies
 * wins.
 */
#include "run/inner/priv.h"

#include <string.h>

const char *inner_soft_loop(const struct inner *in)
{
    return loop_detect(&in->rules, in->samples, in->n, SOFT_WINDOW);
}

struct pending_value *inner_pending(struct inner *in)
{
    for (int i = 0; i < in->goal->n_pending; i++)
        if (!in->goal->pending[i].used)
            return &in->goal->pending[i];
    return NULL;
}

static bool fill_again(struct inner *in, const struct action *said, struct chosen *out)
{
    const struct action *previous = in->n ? &in->history[in->n - 1] : NULL;
    if (in->off & INNER_NO_FORM_CONTROLLER)
        return false;
    out->substituted_by = "force-fill";
    return guard_repeated_click(said, previous, in->goal->sentence, inner_pending(in),
                                &out->action);
}

static bool keep_off_the_top(struct inner *in, const struct action *said, struct chosen *out)
{
    out->substituted_by = "top-click-guard";
    return guard_top_click(said, &in->last_top, in->goal->sentence, &out->action);
}

static bool leave_the_loop(struct inner *in, const struct action *said, struct chosen *out)
{
    struct loop_facts facts = {.field_focused = in->now.focused != NULL,
                               .same_frames = loop_same_frames(in->samples, in->n, SOFT_WINDOW),
                               .reasoning = said->reasoning ? said->reasoning : in->thinking,
                               .task = in->goal->sentence,
                               .pending = inner_pending(in)};
    if ((in->off & INNER_NO_LOOP_RECOVERY) || !inner_soft_loop(in))
        return false;
    out->substituted_by = "loop-recovery";
    const char *why = recover_from_loop(said, &facts, &out->action);
    out->loop_recovery = why ? why : "";
    return why != NULL;
}

typedef bool choose_fn(struct inner *in, const struct action *said, struct chosen *out);
static choose_fn *const choosers[] = {fill_again, keep_off_the_top, leave_the_loop};

void inner_choose(struct inner *in, const struct action *said, struct chosen *out)
{
    struct chosen c;
    for (size_t i = 0; in->guarded && i < ARRAY_SIZE(choosers); i++) {
        c = (struct chosen){.action = *said, .substituted_by = "", .loop_recovery = ""};
        if (choosers[i](in, said, &c)) {
            *out = c;
            if (*c.loop_recovery)
                inner_count(in->recovered, c.loop_recovery);
            return;
        }
    }
    *out = (struct chosen){.action = *said, .substituted_by = "", .loop_recovery = ""};
}
