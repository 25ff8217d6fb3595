/*
 * form.c - the form controller (agent-loop.md 7.1, 7.2): what the task says to type is asked for
 * once, a click into a field types its value, and a filled form is sent.
 *
 * It only acts where it can know: a value must stand in the task word for word, a field is told by
 * the page or by the brain, and a click that speaks of deleting or paying is left alone.
 */
#include "run/inner/priv.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define MIN_X      10 /* px: the browser's own bar is no form */
#define MIN_Y      80
#define USED_PX    20
#define SHARED     3 /* letters of a word that two labels share */
#define SENT_AFTER 2 /* fields */

static bool speaks_of(const char *text, const char *const *words)
{
    for (; !str_empty(text) && *words; words++)
        if (str_has_words_fold(text, *words))
            return true;
    return false;
}

/* --- what is to be typed --------------------------------------------------------------------- */

static bool is_known(const struct inner_goal *g, const char *value)
{
    for (int i = 0; i < g->n_pending; i++)
        if (!strcmp(g->pending[i].value, value))
            return true;
    return false;
}

/* What the task does not say was made up. */
static void take_value(struct inner *in, const struct form_value *v)
{
    struct inner_goal *g = in->goal;
    struct pool *pool = in->run->step_pool;
    if (g->n_pending >= INNER_MAX_PENDING || is_known(g, v->value) ||
        !str_contains_fold(g->task, v->value))
        return;
    g->pending[g->n_pending++] =
        (struct pending_value){pool_strdup(pool, v->label), pool_strdup(pool, v->value), false};
    in->n_asked++;
}

/* A sub-goal that speaks of no form is not worth the call; a task of its own may be any. */
int form_begin(struct inner *in, struct err *err)
{
    const struct question_facts facts = {.task = in->goal->task};
    struct brain_answer answer;
    bool wanted = in->goal->whole || recover_form_like(in->goal->sentence);
    if ((in->off & INNER_NO_FORM_CONTROLLER) || !inner_guarded(in) || !inner_may_ask(in) ||
        in->goal->n_pending || !wanted)
        return 0;
    int r = inner_question(in, in->run->brain, QUESTION_FORM_VALUES, &facts, &answer, err);
    for (int i = 0; !r && i < answer.n_values; i++)
        take_value(in, &answer.values[i]);
    return r;
}

const char *form_labels(struct inner *in, bool filled)
{
    const char *out = "";
    for (int i = 0; i < in->goal->n_pending; i++) {
        const struct pending_value *p = &in->goal->pending[i];
        if (p->used == filled)
            out = pool_printf(in->run->step_pool, "%s%s%s", out, *out ? ", " : "", p->label);
    }
    return out;
}

/* --- force-fill ------------------------------------------------------------------------------ */

bool form_was_filled(const struct inner *in, const struct action *a)
{
    for (int i = 0; i < in->n_filled; i++)
        if (abs(a->x - in->filled[i].x) <= USED_PX && abs(a->y - in->filled[i].y) <= USED_PX)
            return true;
    return false;
}

bool form_is_bare(const struct inner *in, const struct action *a)
{
    return inner_same_place((struct point){a->x, a->y}, in->bare);
}

static bool is_destructive(const char *reasoning)
{
    static const char *const words[] = {"delete",  "remove",   "discard", "cancel", "buy",
                                        "pay",     "purchase", "order",   "send",   "transfer",
                                        "publish", "erase",    "reset",   NULL};
    return speaks_of(reasoning, words);
}

static bool could_fill(struct inner *in, const struct action *a)
{
    return !(in->off & INNER_NO_FORM_CONTROLLER) && inner_may_ask(in) && inner_pending(in) &&
           !inner_soft_loop(in) && a->type == ACTION_CLICK && a->button != BUTTON_RIGHT &&
           a->x >= MIN_X && a->y >= MIN_Y && !form_was_filled(in, a) &&
           !is_destructive(a->reasoning) && !is_destructive(in->thinking);
}

/* A word of at least three letters that both have. */
static bool share_word(struct pool *pool, const char *a, const char *b)
{
    char *rest = pool_strdup(pool, a), *word;
    while ((word = strsep(&rest, " -_/:*")))
        if (strlen(word) >= SHARED && str_has_words_fold(b, word))
            return true;
    return false;
}

static bool is_for(struct pool *pool, const struct pending_value *p, const char *label,
                   const char *type)
{
    static const char *const secret[] = {"password", "passphrase", "pin", "passcode", NULL};
    if (!strcmp(type, "password") && speaks_of(p->label, secret))
        return true;
    return *label && (str_contains_fold(label, p->label) || str_contains_fold(p->label, label) ||
                      share_word(pool, p->label, label));
}

static struct pending_value *value_for(struct inner *in, const char *label, const char *type)
{
    for (int i = 0; i < in->goal->n_pending; i++) {
        struct pending_value *p = &in->goal->pending[i];
        if (!p->used && is_for(in->now.pool, p, label, type))
            return p;
    }
    return NULL;
}

static const char *label_of(struct pool *pool, const struct node *n)
{
    const char *placeholder = node_attr(n, "placeholder");
    return str_lower(pool, *n->name ? n->name : placeholder ? placeholder : "");
}

static bool reads_page(const struct inner *in)
{
    return plane_caps(in->run->plane) & PLANE_HAS_DOM;
}

/* Which value belongs into the field that has the focus now; NULL: none does. The page is asked
 * before the model. */
static int value_here(struct inner *in, const struct action *a, struct pending_value **out,
                      struct err *err)
{
    const struct question_facts facts = {.at = {a->x, a->y}};
    const struct node *field = in->now.focused;
    struct brain_answer answer;
    *out = NULL;
    if (reads_page(in)) {
        const char *type = field ? node_attr(field, "type") : NULL;
        *out = field ? value_for(in, label_of(in->now.pool, field), type ? type : "") : NULL;
        return 0;
    }
    int r = inner_question(in, in->run->brain, QUESTION_FOCUSED, &facts, &answer, err);
    in->bare.x = -1;
    if (r || !answer.known)
        return r;
    if (answer.focused.focused)
        *out = value_for(in, answer.focused.label, answer.focused.type);
    else
        in->bare = facts.at;
    return 0;
}

/* What makes a field take its value. */
static void press_behind(struct chosen *c, const char *task)
{
    static const char *const tab[] = {"commit", "tab", "field", NULL}, *const radius[] = {"radius",
                                                                                          NULL};
    if (speaks_of(task, radius)) {
        c->then[0] = "Return";
        c->then[1] = "Tab";
    } else if (speaks_of(task, tab)) {
        c->then[0] = "Tab";
    }
}

static void fill_in(struct inner *in, const struct action *a, struct pending_value *p,
                    struct chosen *out)
{
    if (in->n_filled < INNER_MAX_PENDING) {
        out->field = &in->filled[in->n_filled];
        in->filled[in->n_filled++] = (struct point){a->x, a->y};
    }
    out->action = (struct action){
        .type = ACTION_TYPE_TEXT,
        .text = p->value,
        .clear_first = true,
        .reasoning = pool_printf(in->run->step_pool, "force-fill: the value of '%s'", p->label)};
    out->substituted_by = "force-fill";
    press_behind(out, in->goal->sentence);
}

/* Twice into the same field, of which nobody knows what it is called. */
static bool clicks_again(struct inner *in, const struct action *said)
{
    const struct action *previous = in->n ? &in->history[in->n - 1] : NULL;
    struct action unused;
    return (!reads_page(in) || in->now.focused) && !form_is_bare(in, said) &&
           guard_repeated_click(said, previous, in->goal->sentence, inner_pending(in), &unused);
}

/* The click comes first: only then can be seen what has the focus. When nothing is to be typed
 * there, the click was the action. */
int form_fill(struct inner *in, const struct action *said, struct chosen *out, bool *ret_applies,
              struct err *err)
{
    struct pending_value *p;
    struct sight after;
    const char *error;
    if (!could_fill(in, said))
        return 0;
    int r = inner_do(in, said, &out->settled, &error, err);
    if (r || error)
        return r;
    r = inner_see(in, &after, err);
    if (r)
        return r;
    out->before = in->now;
    in->now = after;
    *ret_applies = out->acted = true;
    r = value_here(in, said, &p, err);
    if (!r && !p && clicks_again(in, said))
        p = inner_pending(in);
    if (r || !p) {
        if (r)
            inner_forget(&out->before);
        return r;
    }
    inner_forget(&out->before);
    out->acted = false;
    fill_in(in, said, p, out);
    return 0;
}

/* --- force-submit ---------------------------------------------------------------------------- */

/* A form that nobody said to send is not sent. */
static bool is_to_be_sent(const struct inner *in, const struct action *said)
{
    static const char *const search[] = {"search", "find", "look up", "apply", NULL};
    return recover_submit_shaped(in->goal->sentence) || speaks_of(in->goal->sentence, search) ||
           recover_submit_shaped(said->reasoning);
}

int form_submit(struct inner *in, const struct action *said, struct chosen *out, bool *ret_applies,
                struct err *err)
{
    const struct question_facts facts = {.task = in->goal->sentence};
    struct pool *pool = in->run->step_pool;
    struct brain_answer answer;
    if ((in->off & INNER_NO_FORM_CONTROLLER) || !inner_may_ask(in) || in->forced_submit ||
        in->submitted || in->n_filled < SENT_AFTER || inner_pending(in) ||
        said->type != ACTION_CLICK || !is_to_be_sent(in, said))
        return 0;
    int r = inner_question(in, in->run->brain, QUESTION_SUBMIT, &facts, &answer, err);
    if (r)
        return r;
    if (answer.known && answer.submit.found)
        out->action = (struct action){
            .type = ACTION_CLICK,
            .x = answer.submit.at.x,
            .y = answer.submit.at.y,
            .button = BUTTON_LEFT,
            .reasoning = pool_printf(pool, "force-submit: '%s'", answer.submit.label)};
    else
        out->action = (struct action){
            .type = ACTION_KEY_PRESS, .keys = "Return", .reasoning = "force-submit: Return"};
    out->substituted_by = "force-submit";
    *ret_applies = in->forced_submit = in->submitted = true;
    return 0;
}

/* --- the end --------------------------------------------------------------------------------- */

bool form_is_all(const struct inner *in)
{
    static const char *const more[] = {"submit", "search", "login", "log in", "sign in", "click",
                                       "press",  "send",   "save",  "open",   NULL},
                             *const ends[] = {"done",      "finish", "finished", "complete",
                                              "completed", "stop",   NULL};
    return in->n_asked == 1 && in->n_filled == 1 && in->goal->pending[0].used && !in->submitted &&
           !speaks_of(in->goal->sentence, more) && speaks_of(in->goal->sentence, ends);
}
