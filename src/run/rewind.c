#include "run/rewind.h"

#include <string.h>

#include "base/str.h"
#include "run/look.h"
#include "run/step.h"

/* What is done twice without harm. */
static const char *const repeatable[] = {"fill_field",     "select_option", "type_text",
                                         "scroll",         "wait",          "filter",
                                         "detect_visible", "key_press",     "navigate"};

/* A button with such a word, and nothing else to it, only leads on. */
static const char *const leads_on[] = {
    "sign in", "signin", "log in", "login",      "continue",   "next",   "continue to the site",
    "back",    "search", "accept", "accept all", "reject all", "english"};

static bool is_one_of(const char *const *list, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq_fold(list[i], word))
            return true;
    return false;
}

bool rewind_may_repeat(const struct step *s)
{
    if (s->gate || is_one_of(repeatable, ARRAY_SIZE(repeatable), s->type))
        return strcmp(s->type, "key_press") ||
               !str_contains_fold(json_str(s->params, "keys", ""), "return");
    return (!strcmp(s->type, "submit") || !strcmp(s->type, "click")) &&
           is_one_of(leads_on, ARRAY_SIZE(leads_on), json_str(s->params, "label", ""));
}

static bool is_fill(const struct step *s)
{
    return !strcmp(s->type, "fill_field") || !strcmp(s->type, "select_option");
}

static bool label_fits(const char *shown, const char *wanted)
{
    return *shown && *wanted &&
           (str_contains_fold(shown, wanted) || str_contains_fold(wanted, shown));
}

/* The page has a field of that name: one that merely lies near would be filled with the wrong
 * thing. */
static bool field_is_here(struct run *run, const struct step *s, const struct observation *obs)
{
    struct target_query q = {.kind = strcmp(s->type, "fill_field") ? TARGET_SELECT : TARGET_FIELD,
                             .intent = ""};
    struct target t;
    q.label = json_str(s->params, "label", json_str(s->params, "dropdown_label", ""));
    if (!*q.label || reader_find(reader_free(run->reader), run->step_pool, obs, &q, &t, NULL))
        return false;
    return label_fits(t.label, q.label);
}

static bool shows_sign_in(const struct observation *obs)
{
    for (int i = 0; obs->page && i < obs->page->n_nodes; i++) {
        const struct node *n = &obs->page->nodes[i];
        const char *type = !strcmp(n->tag, "input") ? node_attr(n, "type") : NULL;
        if (type && n->flags & NODE_VISIBLE && !strcmp(type, "password"))
            return true;
    }
    return false;
}

/* First step of the nearest form of the plan that the page shows now; -1 none. The walk ends at
 * what must not be done again. */
static int form_on_page(struct run *run, int index, const struct observation *obs)
{
    int best = -1;
    for (int i = index - 1; i >= 0; i--) {
        const struct step *s = &run->plan->steps[i];
        bool here = is_fill(s) && field_is_here(run, s, obs);
        if (here)
            best = i;
        else if (best >= 0 || !rewind_may_repeat(s))
            break;
    }
    return best;
}

static int last_navigate(struct run *run, int index)
{
    for (int i = index - 1; i >= 0; i--) {
        const struct step *s = &run->plan->steps[i];
        if (!strcmp(s->type, "navigate"))
            return i;
        if (!rewind_may_repeat(s))
            return -1;
    }
    return -1;
}

int rewind_target(struct run *run, int index, const struct observation *obs, bool sure)
{
    if (!sure && !shows_sign_in(obs))
        return -1;
    int target = form_on_page(run, index, obs);
    return target < 0 && sure ? last_navigate(run, index) : target;
}
